//! The electorate: who may vote where not every device may, and which devices have come.
//!
//! Job: keep access codes as keyed hashes, the persons of a roster, and devices as keyed hashes, each by the id of an election,
//! so that another definition of it keeps them.
//! Invariant: a number is given once; no code, no device and no vote can be read from here. It must not know: who voted.

use async_trait::async_trait;
use hustings_core::{ElectionId, Text, Time};

use super::LedgerError;

/// What is kept of an access code: a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash(pub [u8; 16]);

/// What is kept of a device that opened a page: a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceHash(pub [u8; 8]);

/// An access code's place among those of its election, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeNumber(pub u32);

/// An access code to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// Its hash.
    pub hash: CodeHash,
    /// Whose it is, in a roster.
    pub person: Option<Elector>,
    /// When it was made.
    pub made: Time,
}

/// A person of a roster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Elector {
    /// The name.
    pub name: Text,
    /// Where to write to; it is never used.
    pub email: Option<Text>,
}

/// An access code as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCode {
    /// Its place.
    pub number: CodeNumber,
    /// Its hash.
    pub hash: CodeHash,
    /// What the voter's key is made from: the hash of the first code of this place.
    pub voter: CodeHash,
    /// Whose it is, in a roster.
    pub person: Option<Elector>,
    /// When it was made, or put into the place of another one.
    pub made: Time,
    /// When it was revoked.
    pub revoked: Option<Time>,
}

/// How many access codes there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeCount {
    /// All that were made.
    pub made: u32,
    /// Those of them that were revoked.
    pub revoked: u32,
}

/// How many devices have opened a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JoinedCount {
    /// All, ever.
    pub devices: u64,
    /// New ones in the minutes that were asked about.
    pub recent: u64,
}

/// The most access codes of an election.
pub const CODES_MAX: u32 = 200_000;

/// The most devices that are noted for an election.
pub const JOINED_MAX: u64 = 1_000_000;

/// How long it is known in which minute devices came, in minutes.
pub(super) const MINUTES_KEPT: u64 = 60;

/// Who may vote, and who has come. All methods may be called from any task at any time.
#[async_trait]
pub trait Electorate: Send + Sync {
    /// Keeps access codes, all or none, and gives the number of the first; the others follow. With `expected`, only where just so
    /// many are there: none where it is another number, and where there is no such election.
    async fn make_codes(
        &self,
        election: ElectionId,
        codes: Vec<NewCode>,
        expected: Option<u32>,
    ) -> Result<Option<CodeNumber>, LedgerError>;

    /// The access code with this hash, revoked or not.
    async fn code(&self, election: ElectionId, hash: CodeHash) -> Result<Option<KeptCode>, LedgerError>;

    /// The place whose first code had this hash, whatever is in it now.
    async fn first_code(&self, election: ElectionId, hash: CodeHash) -> Result<Option<KeptCode>, LedgerError>;

    /// Access codes after a number, in their order, at most `limit`.
    async fn codes(
        &self,
        election: ElectionId,
        after: Option<CodeNumber>,
        limit: usize,
    ) -> Result<Vec<KeptCode>, LedgerError>;

    /// How many access codes there are.
    async fn count_codes(&self, election: ElectionId) -> Result<CodeCount, LedgerError>;

    /// Revokes an access code for ever; false where there is none in this place that was not revoked before.
    async fn revoke_code(&self, election: ElectionId, number: CodeNumber, at: Time) -> Result<bool, LedgerError>;

    /// Puts another code into the place of one that was not revoked, and gives what is kept then: the voter stays who it was, and
    /// the code of before is nobody's. None where there is no such code in this place, or no more.
    async fn replace_code(
        &self,
        election: ElectionId,
        number: CodeNumber,
        before: CodeHash,
        hash: CodeHash,
        at: Time,
    ) -> Result<Option<KeptCode>, LedgerError>;

    /// Puts another code into the place of one that was revoked, and gives what is kept then: the place is revoked no more, the
    /// voter stays who it was, and the code of before is nobody's. None where there is no such revoked code in this place, or
    /// where it is not made later than both the code before it and the revocation.
    async fn relist_code(
        &self,
        election: ElectionId,
        number: CodeNumber,
        before: CodeHash,
        hash: CodeHash,
        at: Time,
    ) -> Result<Option<KeptCode>, LedgerError>;

    /// Notes devices that opened a page, and says how many are new. One that was noted before changes nothing, and none is noted
    /// beyond [`JOINED_MAX`], or where there is no such election.
    async fn note_joined(&self, election: ElectionId, devices: Vec<DeviceHash>, now: Time) -> Result<u64, LedgerError>;

    /// How many devices have come, and how many of them in the minute of a time or later.
    async fn joined(&self, election: ElectionId, since: Time) -> Result<JoinedCount, LedgerError>;

    /// Devices after one, in the order of their bytes, at most `limit`.
    async fn joined_devices(
        &self,
        election: ElectionId,
        after: Option<DeviceHash>,
        limit: usize,
    ) -> Result<Vec<DeviceHash>, LedgerError>;
}

/// The minute of a time.
pub(super) fn minute(time: Time) -> u64 {
    time.0 / 60_000
}

/// A row's person, where its texts are some.
pub(super) fn person(
    number: CodeNumber,
    name: Option<&str>,
    email: Option<&str>,
) -> Result<Option<Elector>, LedgerError> {
    let Some(name) = name else { return Ok(None) };
    let parsed = Text::parse(name).and_then(|name| Ok(Elector { name, email: email.map(Text::parse).transpose()? }));
    parsed.map(Some).map_err(|error| LedgerError::Damaged {
        table: "access_code",
        key: format!("number {}", number.0),
        what: format!("its text {error}"),
    })
}

/// Whether there is room for so many more, and just as many are there as expected.
pub(super) fn may_make(there: u32, more: usize, expected: Option<u32>) -> Result<bool, LedgerError> {
    let all = u32::try_from(more).ok().and_then(|more| there.checked_add(more));
    if all.is_none_or(|all| all > CODES_MAX) {
        return Err(LedgerError::TooManyCodes);
    }
    Ok(expected.is_none_or(|expected| expected == there))
}
