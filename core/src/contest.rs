//! One question: its choices, its method, and which selections are valid.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bytes::Writer;
use crate::id::{ChoiceId, ChoiceNumber, ContestId, ContestNumber, UnitNumber};
use crate::rejection::Rejection;
use crate::submission::Selections;
use crate::text::{Label, Text};
use crate::unit::Unit;

/// One question with its choices; frozen when it opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// Its name for ever.
    pub id: ContestId,
    /// Its place in the election.
    pub number: ContestNumber,
    /// How selections are made and counted.
    pub method: Method,
    /// Whether a voter may change the vote.
    pub change: Change,
    /// The choices, in the order shown; [`ChoiceNumber`] is the place in this list.
    pub choices: Vec<Choice>,
    /// What tells it from the other contests of an election of boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub race: Option<Race>,
}

/// What tells a contest from the others of its election, and where it is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Race {
    /// Its stable code, unique in the election.
    pub code: Label,
    /// Its title as people know it.
    pub title: Text,
    /// Where it is held: boxes in this unit report it.
    pub unit: UnitNumber,
}

/// Who stands behind a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its stable code, the same in all contests of the election.
    pub code: Label,
    /// Its name as people know it.
    pub name: Text,
}

/// An option, candidate, list or team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its name for ever.
    pub id: ChoiceId,
    /// Its stable code, unique in the contest.
    pub code: Label,
    /// Its title as people know it.
    pub title: Text,
    /// The party, in an election of boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<Party>,
}

/// How selections are made and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Method {
    /// Exactly one choice.
    Single,
    /// At least `min` and at most `max` choices, each once.
    Approval {
        /// The fewest choices; 0 allows a blank ballot.
        min: u16,
        /// The most choices.
        max: u16,
    },
    /// A number from `min` to `max` for one or more choices.
    Score {
        /// The lowest score.
        min: u8,
        /// The highest score, at most [`Method::SCORE_MAX`].
        max: u8,
    },
}

/// Whether a voter may change the vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The first counted vote stands.
    Final,
    /// The last vote before the close counts.
    UntilClose,
}

impl Method {
    /// The highest score a contest may allow.
    pub const SCORE_MAX: u8 = 100;

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Approval { .. } => "approval",
            Self::Score { .. } => "score",
        }
    }

    /// Whether the bounds make sense for so many choices.
    #[must_use]
    pub fn is_possible(self, choices: usize) -> bool {
        match self {
            Self::Single => true,
            Self::Approval { min, max } => min <= max && max >= 1 && usize::from(max) <= choices,
            Self::Score { min, max } => min < max && max <= Self::SCORE_MAX,
        }
    }
}

impl Contest {
    /// The most choices of a contest in a poll.
    pub const CHOICES_MAX: usize = 200;
    /// The most choices of a contest that boxes report.
    pub const REPORTED_CHOICES_MAX: usize = 5_000;
    /// The most contests of an election of boxes.
    pub const CONTESTS_MAX: usize = 2_000;

    /// Where boxes report it.
    #[must_use]
    pub fn unit(&self) -> UnitNumber {
        self.race.as_ref().map_or(Unit::ROOT, |race| race.unit)
    }

    /// Finds a choice by its id or its code.
    #[must_use]
    pub fn choice(&self, id_or_code: &str) -> Option<ChoiceNumber> {
        let id = id_or_code.parse().ok().map(ChoiceId);
        let place = self.choices.iter().position(|c| Some(c.id) == id || c.code.as_str() == id_or_code)?;
        u16::try_from(place).ok().map(ChoiceNumber)
    }

    /// Whether the selections follow the method; the first broken rule is the answer.
    pub fn check(&self, selections: &Selections) -> Result<(), Rejection> {
        let outside = |number: &ChoiceNumber| number.index() >= self.choices.len();
        match (self.method, selections) {
            (Method::Single, Selections::Choices(chosen)) => {
                within(chosen.len(), 1, 1)?;
                if chosen.iter().any(outside) { Err(Rejection::UnknownChoice) } else { Ok(()) }
            }
            (Method::Approval { min, max }, Selections::Choices(chosen)) => {
                within(chosen.len(), min.into(), max.into())?;
                if chosen.iter().any(outside) { Err(Rejection::UnknownChoice) } else { Ok(()) }
            }
            (Method::Score { min, max }, Selections::Scores(scores)) => {
                within(scores.len(), 1, self.choices.len())?;
                if scores.iter().any(|(number, _)| outside(number)) {
                    return Err(Rejection::UnknownChoice);
                }
                let all_in_range = scores.iter().all(|(_, score)| (min..=max).contains(score));
                if all_in_range { Ok(()) } else { Err(Rejection::ScoreOutOfRange { min, max }) }
            }
            (method, _) => Err(Rejection::WrongForm { method: method.name() }),
        }
    }

    /// A hash over everything that freezes at the opening; the ledger's opening entry carries it, so that the chain
    /// covers what was asked. Titles may be corrected later and are covered as they stood at the opening.
    ///
    /// Format: `SHA-256` over version byte 1, contest id, number, method (tag, two bounds), change, and per choice its
    /// id, code and title; integers and lengths as in [`crate::entry`]. Where boxes report it, the version byte is 2, code,
    /// title and unit of the contest follow its number, and each choice ends with a flag and the party's code and name.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let (tag, low, high) = match self.method {
            Method::Single => (0, 1, 1),
            Method::Approval { min, max } => (1, min.into(), max.into()),
            Method::Score { min, max } => (2, min.into(), max.into()),
        };
        let mut writer = Writer::default();
        writer.byte(if self.race.is_some() { 2 } else { 1 });
        writer.raw(self.id.0.as_bytes());
        writer.int(self.number.0.into());
        if let Some(race) = &self.race {
            writer.text(race.code.as_str());
            writer.text(race.title.as_str());
            writer.int(race.unit.0.into());
        }
        writer.byte(tag);
        writer.int(low);
        writer.int(high);
        writer.byte(u8::from(self.change == Change::UntilClose));
        writer.int(self.choices.len() as u64);
        for choice in &self.choices {
            writer.raw(choice.id.0.as_bytes());
            writer.text(choice.code.as_str());
            writer.text(choice.title.as_str());
            if self.race.is_some() {
                writer.byte(choice.party.is_some().into());
            }
            if let Some(party) = choice.party.as_ref().filter(|_| self.race.is_some()) {
                writer.text(party.code.as_str());
                writer.text(party.name.as_str());
            }
        }
        Sha256::digest(writer.into_bytes()).into()
    }
}

fn within(chosen: usize, min: usize, max: usize) -> Result<(), Rejection> {
    match chosen {
        n if n < min => Err(Rejection::TooFewChoices { min }),
        n if n > max => Err(Rejection::TooManyChoices { max }),
        _ => Ok(()),
    }
}
