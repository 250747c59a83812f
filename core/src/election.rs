//! The thing that is counted as one: what it is called, who may see its results, and its contests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contest::Contest;
use crate::id::{ElectionId, Time};
use crate::state::{ContestState, Schedule};
use crate::text::{Text, TextError};

/// One poll, competition or election as it was defined. What happened to it since is in its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Election {
    /// Its name for ever.
    pub id: ElectionId,
    /// The short code that people type.
    pub code: Code,
    /// An address of the organiser's own choosing, beside the code.
    pub slug: Option<Slug>,
    /// What it is for.
    pub kind: Kind,
    /// Its title as people know it.
    pub title: Text,
    /// The one colour of its pages, as `#rrggbb`.
    pub accent: Option<Accent>,
    /// Who may see results, and when.
    pub visibility: Visibility,
    /// When the contest opens and closes by itself.
    pub schedule: Schedule,
    /// When it was created.
    pub created: Time,
    /// Its contests; in a poll one for each round, the last one is current.
    pub contests: Vec<Contest>,
    /// How boxes report, in an election of boxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting: Option<Reporting>,
    /// Who may vote; an election of boxes has no voters here.
    #[serde(default, skip_serializing_if = "Access::is_device")]
    pub access: Access,
    /// A marked copy to try everything with, whose votes never mix with those of the real one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// Whether the ballots of a round are shown to all once it is final and its results are shown: what was chosen, never
    /// by whom or when.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public_ballots: bool,
}

/// Who may vote, which is also how voters are told apart. Programs with a token that names voters may always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Any device that opened a page: not one person, one vote.
    #[default]
    Device,
    /// Who has one of the access codes.
    Codes,
    /// Persons on a list, with an access code each.
    Roster,
}

impl Access {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Codes => "codes",
            Self::Roster => "roster",
        }
    }

    /// How voters are identified, as it is named beside every result.
    #[must_use]
    pub fn identified_by(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Codes => "code",
            Self::Roster => "roster",
        }
    }

    /// Whether any device may vote, as before there were other rules.
    #[must_use]
    pub fn is_device(&self) -> bool {
        *self == Self::Device
    }
}

/// How boxes report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporting {
    /// A rehearsal, marked so in everything that is shown; never to be taken for the night itself.
    pub rehearsal: bool,
    /// The time zone that its hours are told in, by its name in the IANA database.
    pub zone: String,
    /// Whether a report of a box that nobody listed adds it.
    pub adds_boxes: bool,
    /// Whether a report from a city that nobody listed adds it.
    pub adds_cities: bool,
}

impl Election {
    /// The current contest. A definition always has at least one.
    #[must_use]
    pub fn current(&self) -> Option<&Contest> {
        self.contests.last()
    }

    /// Whether it only rehearses, whatever its kind.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal || self.reporting.as_ref().is_some_and(|reporting| reporting.rehearsal)
    }
}

/// The occasion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A question on a phone, a site, a chat.
    Poll,
    /// Teams on a stage, one at a time.
    Competition,
    /// Polling stations that report their boxes.
    Election,
}

impl Kind {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Competition => "competition",
            Self::Election => "election",
        }
    }
}

/// When results may be seen by those who do not run the election.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// At any time.
    Always,
    /// By each voter after the own vote, and by all after the close.
    AfterVote,
    /// By all after the close; the close is the reveal.
    AfterClose,
    /// By all when the host reveals.
    OnReveal,
}

/// What one output may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Status and choices only.
    Masked,
    /// Totals too.
    Full,
}

/// Who is looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Anybody.
    Public,
    /// A voter with a counted ballot in this contest.
    Voted,
    /// Who runs the election, or holds a token that may read results.
    Organiser,
}

impl Visibility {
    /// What this viewer may see of a contest in this state.
    #[must_use]
    pub fn audience(self, state: &ContestState, viewer: Viewer) -> Audience {
        let closed = matches!(
            state,
            ContestState::Closed { .. } | ContestState::Archived { .. } | ContestState::Certified { .. }
        );
        let full = viewer == Viewer::Organiser
            || state.is_revealed()
            || match self {
                Self::Always => true,
                Self::AfterVote => closed || viewer == Viewer::Voted,
                Self::AfterClose => closed,
                Self::OnReveal => false,
            };
        if full { Audience::Full } else { Audience::Masked }
    }
}

/// Six characters that nobody misreads or mistypes: no 0 O 1 I L; any case is accepted, upper case is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(String);

impl Code {
    /// The 31 characters of a code.
    pub const ALPHABET: &'static [u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
    /// How many characters a code has: 31^6, about 887 million codes.
    pub const LENGTH: usize = 6;

    /// A code from random numbers, one for each character; any number will do.
    #[must_use]
    pub fn from_random(numbers: [u32; Self::LENGTH]) -> Self {
        let pick = |n: u32| char::from(Self::ALPHABET[n as usize % Self::ALPHABET.len()]);
        Self(numbers.into_iter().map(pick).collect())
    }
}

impl FromStr for Code {
    type Err = TextError;
    fn from_str(raw: &str) -> Result<Self, TextError> {
        let code = raw.to_ascii_uppercase();
        let valid = code.len() == Self::LENGTH && code.bytes().all(|b| Self::ALPHABET.contains(&b));
        if valid { Ok(Self(code)) } else { Err(TextError::Alphabet) }
    }
}

/// An organiser's own short address: 3 to 64 of `a-z`, `0-9` and inner hyphens; never one the program itself uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    const RESERVED: [&'static str; 26] = [
        "account",
        "api",
        "assets",
        "bench",
        "cohost",
        "elections",
        "embed",
        "favicon",
        "help",
        "host",
        "join",
        "livez",
        "login",
        "logout",
        "metrics",
        "new",
        "people",
        "polls",
        "readyz",
        "reset",
        "results",
        "screen",
        "sign-up",
        "styleguide",
        "votes",
        "welcome",
    ];
}

impl FromStr for Slug {
    type Err = TextError;
    fn from_str(raw: &str) -> Result<Self, TextError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let shaped =
            (3..=64).contains(&raw.len()) && raw.bytes().all(allowed) && !raw.starts_with('-') && !raw.ends_with('-');
        // A slug that could be read as a code or an id would make one address mean two elections.
        if !shaped || raw.parse::<Code>().is_ok() || raw.parse::<uuid::Uuid>().is_ok() {
            return Err(TextError::Alphabet);
        }
        if Self::RESERVED.contains(&raw) { Err(TextError::Reserved) } else { Ok(Self(raw.to_owned())) }
    }
}

/// A colour as `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent(String);

impl FromStr for Accent {
    type Err = TextError;
    fn from_str(raw: &str) -> Result<Self, TextError> {
        let digits = raw.strip_prefix('#').unwrap_or_default();
        let valid = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if valid { Ok(Self(raw.to_ascii_lowercase())) } else { Err(TextError::Alphabet) }
    }
}

macro_rules! text_like {
    ($($name:ident),+) => {$(
        impl $name {
            /// As it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(raw: String) -> Result<Self, TextError> {
                raw.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )+};
}
text_like!(Code, Slug, Accent);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_forgive_case_and_refuse_what_can_be_misread() {
        assert_eq!("abcd23".parse::<Code>().map(|c| c.to_string()), Ok("ABCD23".to_owned()));
        for bad in ["ABCDE", "ABCDEFG", "ABCDE0", "ABCDEO", "ABCDE1", "ABCDEI", "ABCDEL", "ÄBCDEF"] {
            assert!(bad.parse::<Code>().is_err(), "{bad}");
        }
        assert_eq!(Code::from_random([0, 30, 31, 1, 2, u32::MAX]).as_str().len(), 6);
    }

    #[test]
    fn slugs_never_collide_with_codes_or_own_addresses() {
        assert!("town-hall-2026".parse::<Slug>().is_ok());
        for bad in ["ab", "-ab", "ab-", "Town", "abcd23", "metrics", "a b", "é-é"] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn hidden_means_hidden_and_shown_means_shown() {
        use Audience::{Full, Masked};
        let open = ContestState::Open { closes_at: None, revealed: false };
        let closed = ContestState::Closed { revealed: false };
        let shown = ContestState::Closed { revealed: true };
        for (visibility, state, viewer, expected) in [
            (Visibility::Always, &open, Viewer::Public, Full),
            (Visibility::AfterVote, &open, Viewer::Public, Masked),
            (Visibility::AfterVote, &open, Viewer::Voted, Full),
            (Visibility::AfterVote, &closed, Viewer::Public, Full),
            (Visibility::AfterClose, &open, Viewer::Voted, Masked),
            (Visibility::AfterClose, &closed, Viewer::Public, Full),
            (Visibility::OnReveal, &closed, Viewer::Voted, Masked),
            (Visibility::OnReveal, &shown, Viewer::Public, Full),
            (Visibility::OnReveal, &open, Viewer::Organiser, Full),
        ] {
            assert_eq!(visibility.audience(state, viewer), expected, "{visibility:?} {state:?} {viewer:?}");
        }
    }
}
