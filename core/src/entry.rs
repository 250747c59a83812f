//! What the ledger stores: entries in one canonical, versioned form of bytes.
//!
//! # The bytes, version 1
//!
//! Integers are unsigned LEB128 in shortest form; `flag` is a byte 0 or 1; a `text` is its length in bytes, then UTF-8;
//! `[n]` is n raw bytes. There is exactly one way to write an entry, and the reader refuses all others.
//!
//! ```text
//! entry       = version=1 kind seq time payload
//! kind 1      ballot_cast       contest group voter[16] flag(id[16]) selections flag(previous_seq group selections)
//! kind 2      contest_opened    who flag(scheduled) definition[32]
//! kind 3      contest_paused    who
//! kind 4      contest_closed    who flag(scheduled)
//! kind 5      contest_reopened  who
//! kind 6      results_revealed  who
//! kind 7      round_started     who next[16] definition[32]
//! who         = contest text(by) flag(text(reason))
//! selections  = 0 n number*n | 1 n (number score)*n        numbers rising
//! ```
//!
//! `seq` counts from 1 without gaps; `time` is milliseconds since 1970 UTC and never falls within a ledger; `definition`
//! is [`crate::Contest::digest`]. The chain over a ledger is [`crate::Chain::extend`] over these bytes.

use crate::bytes::{Reader, Writer};
use crate::id::{ChoiceNumber, ContestId, ContestNumber, GroupNumber, Seq, SubmissionId, Time, VoterKey};
use crate::submission::Selections;
use crate::text::Text;

/// One accepted act, at its place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// When it was accepted; set under the head lock.
    pub time: Time,
    /// What was accepted.
    pub event: Event,
}

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A ballot was counted, or changed.
    BallotCast(BallotCast),
    /// A contest changed its state.
    StateChanged(StateChanged),
}

/// A counted ballot. It carries what it replaced, so that its increments follow from it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BallotCast {
    /// The contest voted in.
    pub contest: ContestNumber,
    /// The voter's group.
    pub group: GroupNumber,
    /// Who voted.
    pub voter: VoterKey,
    /// The client's name for the submission.
    pub id: Option<SubmissionId>,
    /// What was chosen.
    pub selections: Selections,
    /// The vote that this one replaced.
    pub previous: Option<Previous>,
}

/// A replaced vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Where it stands in the ledger.
    pub seq: Seq,
    /// The group it was counted in.
    pub group: GroupNumber,
    /// What it had chosen.
    pub selections: Selections,
}

/// A contest that changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChanged {
    /// The contest.
    pub contest: ContestNumber,
    /// The change.
    pub change: StateChange,
    /// Who asked for it.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
}

/// A change of a contest's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChange {
    /// Votes are accepted from here on.
    Opened {
        /// By the schedule.
        scheduled: bool,
        /// What was frozen.
        definition: [u8; 32],
    },
    /// Votes are refused for a while.
    Paused,
    /// Votes are refused from here on.
    Closed {
        /// By the schedule.
        scheduled: bool,
    },
    /// The close was undone.
    Reopened,
    /// Results were shown to all.
    Revealed,
    /// A new contest repeats this one.
    RoundStarted {
        /// The new contest.
        next: ContestId,
        /// What it asks.
        definition: [u8; 32],
    },
}

/// Bytes that no writer of this version could have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A format of a later program.
    #[error("entry format {0} is newer than this program: upgrade Hustings")]
    Version(u8),
    /// A kind of a later program.
    #[error("entry kind {0} is newer than this program: upgrade Hustings")]
    Kind(u8),
    /// Ends too early.
    #[error("entry bytes end too early")]
    Short,
    /// Goes on after its end.
    #[error("entry bytes go on after their end")]
    Long,
    /// A tag or flag that does not exist.
    #[error("entry bytes hold an unknown tag {0}")]
    Tag(u8),
    /// A number that does not fit.
    #[error("entry bytes hold a number out of range")]
    Range,
    /// A number in a longer form than needed.
    #[error("entry bytes hold a number that is not in its shortest form")]
    NotShortest,
    /// A text that is not UTF-8 or not allowed.
    #[error("entry bytes hold a text that is not allowed")]
    Text,
    /// Choices that do not rise.
    #[error("entry bytes hold choices out of order")]
    Order,
}

impl Entry {
    /// The version that this program writes.
    pub const FORMAT: u8 = 1;

    /// The one way to write this entry.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(Self::FORMAT);
        writer.byte(self.event.kind());
        writer.int(self.seq.0);
        writer.int(self.time.0);
        match &self.event {
            Event::BallotCast(ballot) => write_ballot(&mut writer, ballot),
            Event::StateChanged(changed) => write_state(&mut writer, changed),
        }
        writer.into_bytes()
    }

    /// Reads an entry back; accepts exactly what [`Entry::to_bytes`] writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        match reader.byte()? {
            Self::FORMAT => {}
            other => return Err(DecodeError::Version(other)),
        }
        let kind = reader.byte()?;
        let seq = Seq(reader.int()?);
        let time = Time(reader.int()?);
        let event = match kind {
            1 => Event::BallotCast(read_ballot(&mut reader)?),
            2..=7 => Event::StateChanged(read_state(&mut reader, kind)?),
            other => return Err(DecodeError::Kind(other)),
        };
        reader.end()?;
        Ok(Self { seq, time, event })
    }
}

impl Event {
    fn kind(&self) -> u8 {
        match self {
            Self::BallotCast(_) => 1,
            Self::StateChanged(changed) => match changed.change {
                StateChange::Opened { .. } => 2,
                StateChange::Paused => 3,
                StateChange::Closed { .. } => 4,
                StateChange::Reopened => 5,
                StateChange::Revealed => 6,
                StateChange::RoundStarted { .. } => 7,
            },
        }
    }

    /// The stable name of the kind, as exports show it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind() {
            1 => "ballot_cast",
            2 => "contest_opened",
            3 => "contest_paused",
            4 => "contest_closed",
            5 => "contest_reopened",
            6 => "results_revealed",
            _ => "round_started",
        }
    }

    /// The contest concerned.
    #[must_use]
    pub fn contest(&self) -> ContestNumber {
        match self {
            Self::BallotCast(ballot) => ballot.contest,
            Self::StateChanged(changed) => changed.contest,
        }
    }
}

fn write_ballot(writer: &mut Writer, ballot: &BallotCast) {
    writer.int(ballot.contest.0.into());
    writer.int(ballot.group.0.into());
    writer.raw(&ballot.voter.0);
    writer.byte(ballot.id.is_some().into());
    if let Some(id) = ballot.id {
        writer.raw(id.0.as_bytes());
    }
    write_selections(writer, &ballot.selections);
    writer.byte(ballot.previous.is_some().into());
    if let Some(previous) = &ballot.previous {
        writer.int(previous.seq.0);
        writer.int(previous.group.0.into());
        write_selections(writer, &previous.selections);
    }
}

fn read_ballot(reader: &mut Reader<'_>) -> Result<BallotCast, DecodeError> {
    Ok(BallotCast {
        contest: ContestNumber(reader.small()?),
        group: GroupNumber(reader.small()?),
        voter: VoterKey(reader.raw()?),
        id: if reader.flag()? { Some(SubmissionId(uuid::Uuid::from_bytes(reader.raw()?))) } else { None },
        selections: read_selections(reader)?,
        previous: if reader.flag()? {
            Some(Previous {
                seq: Seq(reader.int()?),
                group: GroupNumber(reader.small()?),
                selections: read_selections(reader)?,
            })
        } else {
            None
        },
    })
}

fn write_selections(writer: &mut Writer, selections: &Selections) {
    match selections {
        Selections::Choices(chosen) => {
            writer.byte(0);
            writer.int(chosen.len() as u64);
            chosen.iter().for_each(|number| writer.int(number.0.into()));
        }
        Selections::Scores(scores) => {
            writer.byte(1);
            writer.int(scores.len() as u64);
            for (number, score) in scores {
                writer.int(number.0.into());
                writer.int((*score).into());
            }
        }
    }
}

fn read_selections(reader: &mut Reader<'_>) -> Result<Selections, DecodeError> {
    let tag = reader.byte()?;
    let length: u16 = reader.small()?;
    match tag {
        0 => {
            let chosen: Vec<ChoiceNumber> =
                (0..length).map(|_| reader.small().map(ChoiceNumber)).collect::<Result<_, _>>()?;
            let rising = chosen.windows(2).all(|pair| pair[0] < pair[1]);
            if rising { Ok(Selections::Choices(chosen)) } else { Err(DecodeError::Order) }
        }
        1 => {
            let score = |reader: &mut Reader<'_>| Ok((ChoiceNumber(reader.small()?), reader.small()?));
            let scores: Vec<(ChoiceNumber, u8)> = (0..length).map(|_| score(reader)).collect::<Result<_, _>>()?;
            let rising = scores.windows(2).all(|pair| pair[0].0 < pair[1].0);
            if rising { Ok(Selections::Scores(scores)) } else { Err(DecodeError::Order) }
        }
        other => Err(DecodeError::Tag(other)),
    }
}

fn write_state(writer: &mut Writer, changed: &StateChanged) {
    writer.int(changed.contest.0.into());
    writer.text(changed.by.as_str());
    writer.byte(changed.reason.is_some().into());
    if let Some(reason) = &changed.reason {
        writer.text(reason.as_str());
    }
    match &changed.change {
        StateChange::Opened { scheduled, definition } => {
            writer.byte((*scheduled).into());
            writer.raw(definition);
        }
        StateChange::Closed { scheduled } => writer.byte((*scheduled).into()),
        StateChange::RoundStarted { next, definition } => {
            writer.raw(next.0.as_bytes());
            writer.raw(definition);
        }
        StateChange::Paused | StateChange::Reopened | StateChange::Revealed => {}
    }
}

fn read_state(reader: &mut Reader<'_>, kind: u8) -> Result<StateChanged, DecodeError> {
    let contest = ContestNumber(reader.small()?);
    let by = read_text(reader)?;
    let reason = if reader.flag()? { Some(read_text(reader)?) } else { None };
    let change = match kind {
        2 => StateChange::Opened { scheduled: reader.flag()?, definition: reader.raw()? },
        3 => StateChange::Paused,
        4 => StateChange::Closed { scheduled: reader.flag()? },
        5 => StateChange::Reopened,
        6 => StateChange::Revealed,
        _ => StateChange::RoundStarted {
            next: ContestId(uuid::Uuid::from_bytes(reader.raw()?)),
            definition: reader.raw()?,
        },
    };
    Ok(StateChanged { contest, change, by, reason })
}

fn read_text(reader: &mut Reader<'_>) -> Result<Text, DecodeError> {
    let raw = reader.text()?;
    match Text::parse(&raw) {
        Ok(text) if text.as_str() == raw => Ok(text),
        _ => Err(DecodeError::Text),
    }
}
