//! Names for things: every id and ordinal is its own type, so that none can stand in for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

uuid_id! {
    /// Names one election for ever, outside this installation too (`UUIDv7`).
    ElectionId,
    /// Names one contest for ever (`UUIDv7`); a new round is a new contest.
    ContestId,
    /// Names one choice of one contest for ever (`UUIDv7`).
    ChoiceId,
    /// Names one submission; made by the client, so that a retry can be told from a second vote.
    SubmissionId,
}

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident($inner:ty)),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

number! {
    /// The place of a contest in its election, from 0; in a poll, the round less one.
    ContestNumber(u32),
    /// The place of a choice in its contest, from 0; frozen when the contest opens.
    ChoiceNumber(u16),
    /// A class of voters; 0 is the default group that everybody belongs to.
    GroupNumber(u16),
    /// The place of a unit in its election's tree; 0 is the root.
    UnitNumber(u32),
    /// The place of an entry in its ledger, from 1; 0 is the empty ledger.
    Seq(u64),
    /// The number of a report of one box in one contest; the highest one counts.
    Revision(u32),
    /// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
    Time(u64),
}

impl ContestNumber {
    /// What belongs to no contest, as boxes and registered voters do.
    pub const NONE: Self = Self(u32::MAX);

    /// The place in a list of contests.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl ChoiceNumber {
    /// The place in a list of choices.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Seq {
    /// The next place. A ledger would have to grow by a million entries a second for half a million years to overflow.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A life of a ledger: random, new after each restore or migration, so that counters of another life are never trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub [u8; 8]);

/// The hash over all entries up to one place: `SHA-256(chain before ‖ canonical bytes of the entry)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chain(pub [u8; 32]);

/// A voter, only as a keyed hash: nobody gets from here to a name, a device or a code without the master secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoterKey(pub [u8; 16]);

impl Chain {
    /// The chain of the empty ledger.
    pub const EMPTY: Self = Self([0; 32]);

    /// The chain after one more entry.
    #[must_use]
    pub fn extend(&self, canonical_bytes: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(canonical_bytes).finalize().into())
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

macro_rules! hex_format {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )+};
}
hex_format!(Epoch, Chain);

impl fmt::Debug for VoterKey {
    /// Shows nothing: no voter belongs in any log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoterKey(..)")
    }
}

/// The opaque name of a snapshot as watchers see it; within one audience it never goes back.
///
/// Full outputs carry `epoch.seq`; masked ones `epoch.sN`, where N counts state entries only, so that a hidden
/// contest's version tells nothing about its votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Up to this entry.
    Full(Epoch, Seq),
    /// Up to this many state entries.
    Masked(Epoch, u64),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(epoch, seq) => write!(f, "{epoch}.{seq}"),
            Self::Masked(epoch, count) => write!(f, "{epoch}.s{count}"),
        }
    }
}

impl Version {
    /// The ledger's life that it is a version of.
    #[must_use]
    pub fn epoch(self) -> Epoch {
        match self {
            Self::Full(epoch, _) | Self::Masked(epoch, _) => epoch,
        }
    }

    /// Whether a watcher who has seen the other one should get this one. Versions of another audience or epoch always
    /// pass: there is no order between them.
    #[must_use]
    pub fn is_newer_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Full(epoch, seq), Self::Full(other_epoch, other_seq)) => epoch != other_epoch || seq > other_seq,
            (Self::Masked(epoch, count), Self::Masked(other_epoch, other_count)) => {
                epoch != other_epoch || count > other_count
            }
            (Self::Full(..), Self::Masked(..)) | (Self::Masked(..), Self::Full(..)) => true,
        }
    }
}

impl std::str::FromStr for Version {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, place) = text.split_once('.').ok_or(())?;
        if epoch.len() != 16 || !epoch.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        let epoch = Epoch(u64::from_str_radix(epoch, 16).map_err(|_| ())?.to_be_bytes());
        match place.strip_prefix('s') {
            Some(count) => count.parse().map(|count| Self::Masked(epoch, count)).map_err(|_| ()),
            None => place.parse().map(|seq| Self::Full(epoch, Seq(seq))).map_err(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_survive_their_text_and_keep_their_order() {
        let epoch = Epoch([0x0a, 1, 2, 3, 4, 5, 6, 0xff]);
        for version in [Version::Full(epoch, Seq(41)), Version::Masked(epoch, 3)] {
            assert_eq!(version.to_string().parse(), Ok(version));
            assert!(!version.is_newer_than(version));
        }
        assert!(Version::Full(epoch, Seq(42)).is_newer_than(Version::Full(epoch, Seq(41))));
        assert!(Version::Full(Epoch([1; 8]), Seq(1)).is_newer_than(Version::Full(epoch, Seq(41))));
        for bad in ["", "1.2", "zzzzzzzzzzzzzzzz.1", "0a010203040506ff.", "0a010203040506ff.sx"] {
            assert_eq!(bad.parse::<Version>(), Err(()), "{bad}");
        }
    }
}
