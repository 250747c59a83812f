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
//! kind 8      units_added       first by unit*n
//! kind 9      unit_retired      unit kind place channel registered boxes by
//! kind 10     report_filed      where counts standing sender
//! kind 11     report_withdrawn  where standing sender
//! kind 12     results_certified who
//! kind 13     contest_added     who next[16] definition[32]
//! kind 14     retitled          by text(title)
//! who         = contest text(by) flag(text(reason))
//! selections  = 0 n number*n | 1 n (number score)*n        numbers rising
//! by          = text(by) flag(text(reason))
//! unit        = text(code) flag(text(name)) kind parent place channel flag(registered) flag(boxes)
//! where       = contest box place channel revision flag(id[16])
//! counts      = status n (number votes)*n blank invalid cast        numbers rising, votes above 0
//! standing    = 0 | 1 seq revision flag(counts) | 2 seq             first, replacing what counted until now, late
//! sender      = flag(reported_at) by n request[n]
//! ```
//!
//! `seq` counts from 1 without gaps; `time` is milliseconds since 1970 UTC and never falls within a ledger; `definition`
//! is [`crate::Contest::digest`]; kinds of units, channels and statuses are their places in [`crate::UnitKind`],
//! [`crate::Channel`] and [`crate::ReportStatus`]. The chain over a ledger is [`crate::Chain::extend`] over these bytes.

mod ballot;
mod report;
mod state;
mod units;

use crate::bytes::{Reader, Writer};
use crate::id::{ContestId, ContestNumber, GroupNumber, Revision, Seq, SubmissionId, Time, UnitNumber, VoterKey};
use crate::report::{Content, Counts};
use crate::submission::Selections;
use crate::text::Text;
use crate::unit::{Channel, Unit, UnitKind};

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
    /// A contest changed its state, or came.
    StateChanged(StateChanged),
    /// Units came into the tree.
    UnitsAdded(UnitsAdded),
    /// No more reports are expected from a unit.
    UnitRetired(UnitRetired),
    /// A box reported, corrected its report, or withdrew it.
    ReportFiled(ReportFiled),
    /// The title was corrected.
    Retitled(Retitled),
}

/// A title that takes the place of the one before. The definition keeps the one it was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retitled {
    /// The title from here on.
    pub title: Text,
    /// Who asked for it.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
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
    /// Nothing may change any more: who is responsible has signed.
    Certified,
    /// This contest came into the election.
    Added {
        /// The contest.
        next: ContestId,
        /// What it asks.
        definition: [u8; 32],
    },
}

/// Units that came into the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitsAdded {
    /// The number of the first one; the others follow.
    pub first: UnitNumber,
    /// The units, parents before their children.
    pub units: Vec<Unit>,
    /// Who asked for it.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
}

/// A unit that no more reports are expected from. It carries what it takes out of the totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRetired {
    /// The unit.
    pub unit: UnitNumber,
    /// What it is.
    pub kind: UnitKind,
    /// The place that its totals are kept for.
    pub place: UnitNumber,
    /// How votes were to be cast there.
    pub channel: Channel,
    /// How many were registered there.
    pub registered: u32,
    /// How many boxes it was to have.
    pub boxes: u32,
    /// Who asked for it.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
}

/// A report that was recorded. It carries what it replaced, so that its increments follow from it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiled {
    /// The contest.
    pub contest: ContestNumber,
    /// The box.
    pub ballot_box: UnitNumber,
    /// The place that the box's totals are kept for.
    pub place: UnitNumber,
    /// How votes were cast there.
    pub channel: Channel,
    /// The number of the report.
    pub revision: Revision,
    /// The sender's name for the submission.
    pub id: Option<SubmissionId>,
    /// What it says.
    pub content: Content,
    /// What it does to the box's earlier reports.
    pub standing: Standing,
    /// When the sender says it was made.
    pub reported_at: Option<Time>,
    /// Who sent it.
    pub by: Text,
    /// Why, where somebody said so.
    pub reason: Option<Text>,
    /// The request, byte for byte.
    pub request: Vec<u8>,
}

/// What a report does to those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the box's first in this contest.
    First,
    /// It takes the place of the one that counted until now.
    Replaces {
        /// Where that one stands in the ledger.
        seq: Seq,
        /// Its number.
        revision: Revision,
        /// What it said; nothing where it was a withdrawal.
        counts: Option<Counts>,
    },
    /// One with a higher number came before it: it is kept, and moves nothing.
    Late {
        /// Where the one that counts stands.
        current: Seq,
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
            Event::BallotCast(ballot) => ballot::write(&mut writer, ballot),
            Event::StateChanged(changed) => state::write(&mut writer, changed),
            Event::UnitsAdded(added) => units::write_added(&mut writer, added),
            Event::UnitRetired(retired) => units::write_retired(&mut writer, retired),
            Event::ReportFiled(filed) => report::write(&mut writer, filed),
            Event::Retitled(retitled) => {
                write_by(&mut writer, &retitled.by, retitled.reason.as_ref());
                writer.text(retitled.title.as_str());
            }
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
            1 => Event::BallotCast(ballot::read(&mut reader)?),
            2..=7 | 12 | 13 => Event::StateChanged(state::read(&mut reader, kind)?),
            8 => Event::UnitsAdded(units::read_added(&mut reader)?),
            9 => Event::UnitRetired(units::read_retired(&mut reader)?),
            10 | 11 => Event::ReportFiled(report::read(&mut reader, kind)?),
            14 => {
                let (by, reason) = read_by(&mut reader)?;
                Event::Retitled(Retitled { title: read_text(&mut reader)?, by, reason })
            }
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
                StateChange::Certified => 12,
                StateChange::Added { .. } => 13,
            },
            Self::UnitsAdded(_) => 8,
            Self::UnitRetired(_) => 9,
            Self::ReportFiled(filed) => match filed.content {
                Content::Filed(_) => 10,
                Content::Withdrawn => 11,
            },
            Self::Retitled(_) => 14,
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
            7 => "round_started",
            8 => "units_added",
            9 => "unit_retired",
            10 => "report_filed",
            11 => "report_withdrawn",
            12 => "results_certified",
            13 => "contest_added",
            _ => "retitled",
        }
    }

    /// The contest concerned, if it is about one.
    #[must_use]
    pub fn contest(&self) -> ContestNumber {
        match self {
            Self::BallotCast(ballot) => ballot.contest,
            Self::StateChanged(changed) => changed.contest,
            Self::ReportFiled(filed) => filed.contest,
            Self::UnitsAdded(_) | Self::UnitRetired(_) | Self::Retitled(_) => ContestNumber::NONE,
        }
    }

    /// The client's name for the submission.
    #[must_use]
    pub fn id(&self) -> Option<SubmissionId> {
        match self {
            Self::BallotCast(ballot) => ballot.id,
            Self::ReportFiled(filed) => filed.id,
            Self::StateChanged(_) | Self::UnitsAdded(_) | Self::UnitRetired(_) | Self::Retitled(_) => None,
        }
    }
}

fn write_id(writer: &mut Writer, id: Option<SubmissionId>) {
    writer.byte(id.is_some().into());
    if let Some(id) = id {
        writer.raw(id.0.as_bytes());
    }
}

fn read_id(reader: &mut Reader<'_>) -> Result<Option<SubmissionId>, DecodeError> {
    Ok(if reader.flag()? { Some(SubmissionId(uuid::Uuid::from_bytes(reader.raw()?))) } else { None })
}

fn write_by(writer: &mut Writer, by: &Text, reason: Option<&Text>) {
    writer.text(by.as_str());
    write_optional_text(writer, reason.map(Text::as_str));
}

fn read_by(reader: &mut Reader<'_>) -> Result<(Text, Option<Text>), DecodeError> {
    Ok((read_text(reader)?, if reader.flag()? { Some(read_text(reader)?) } else { None }))
}

fn write_optional_text(writer: &mut Writer, text: Option<&str>) {
    writer.byte(text.is_some().into());
    if let Some(text) = text {
        writer.text(text);
    }
}

fn write_optional(writer: &mut Writer, number: Option<u64>) {
    writer.byte(number.is_some().into());
    if let Some(number) = number {
        writer.int(number);
    }
}

/// One of a list, by its place.
fn read_one_of<T: Copy>(reader: &mut Reader<'_>, all: &[T]) -> Result<T, DecodeError> {
    let at = reader.byte()?;
    all.get(usize::from(at)).copied().ok_or(DecodeError::Tag(at))
}

fn read_text(reader: &mut Reader<'_>) -> Result<Text, DecodeError> {
    let raw = reader.text()?;
    match Text::parse(&raw) {
        Ok(text) if text.as_str() == raw => Ok(text),
        _ => Err(DecodeError::Text),
    }
}
