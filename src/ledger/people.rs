//! People: who signs in, in which browsers, and what each may do in which election.
//!
//! Invariant: whatever may happen once happens once, however many try: a one-time link makes one person, one person alone
//! founds an installation. What was taken back opens nothing from then on. Only hashes of secrets are here. It must not
//! know: how a password is hashed, what a cookie is called.

use async_trait::async_trait;
use hustings_core::{LoginName, Role, Time};

use super::{ElectionKey, LedgerError, Registered};

/// A person's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub i64);

/// A co-host link's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub i64);

/// A hashed password with its parameters (PHC string format). It stands in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A person to be made.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// What the person types to sign in.
    pub name: LoginName,
    /// The password, hashed.
    pub password: PasswordHash,
    /// Whether the person may do everything.
    pub is_admin: bool,
    /// When the person was made.
    pub created: Time,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The number.
    pub id: PersonId,
    /// What the person types to sign in.
    pub name: LoginName,
    /// The password, hashed.
    pub password: PasswordHash,
    /// Whether the person may do everything.
    pub is_admin: bool,
    /// When the person was made.
    pub created: Time,
}

/// What a session was begun by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seat {
    /// A person who signed in.
    Person(PersonId),
    /// A co-host link that somebody opened.
    Link(LinkId),
}

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// `SHA-256` of what the browser keeps.
    pub hash: [u8; 32],
    /// What it was begun by.
    pub seat: Seat,
    /// What the browser calls itself.
    pub agent: String,
    /// When it began.
    pub created: Time,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `SHA-256` of what the browser keeps.
    pub hash: [u8; 32],
    /// What it was begun by.
    pub seat: Seat,
    /// What the browser calls itself.
    pub agent: String,
    /// When it began.
    pub created: Time,
    /// When it was last noted to be used.
    pub seen: Time,
}

/// Whoever a session stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A person.
    Person(Person),
    /// Whoever holds a co-host link.
    Link(CohostLink),
}

/// A session runs out when it was not used for so long: 30 days.
pub const SESSION_MS: u64 = 30 * 24 * 3_600_000;

/// The most sessions of one person or link; beyond it the ones that were begun first end.
pub const SESSIONS_MAX: usize = 100;

/// The first bytes of a session's agent are kept, at most so many.
pub const AGENT_MAX: usize = 200;

/// An agent's text, cut at [`AGENT_MAX`] bytes.
#[must_use]
pub fn cut_agent(agent: &str) -> String {
    let end = (0..=AGENT_MAX.min(agent.len())).rev().find(|end| agent.is_char_boundary(*end));
    agent[..end.unwrap_or(0)].to_owned()
}

/// Since when a session must have been seen to be good now.
pub(super) fn seen_since(now: Time) -> Time {
    Time(now.0.saturating_sub(SESSION_MS))
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To make the first administrator, where there is none.
    Found,
    /// To make a person.
    Join,
    /// To give a person a new password.
    Reset(PersonId),
}

impl Purpose {
    /// As a store keeps it.
    pub(super) fn columns(self) -> (&'static str, Option<i64>) {
        match self {
            Self::Found => ("found", None),
            Self::Join => ("join", None),
            Self::Reset(person) => ("reset", Some(person.0)),
        }
    }

    /// From what a store keeps.
    pub(super) fn from_columns(purpose: &str, person: Option<i64>) -> Result<Self, LedgerError> {
        match (purpose, person) {
            ("found", None) => Ok(Self::Found),
            ("join", None) => Ok(Self::Join),
            ("reset", Some(person)) => Ok(Self::Reset(PersonId(person))),
            _ => Err(damaged("invitation", "one", format!("unknown purpose {purpose}"))),
        }
    }
}

/// A one-time link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// `SHA-256` of its secret.
    pub hash: [u8; 32],
    /// What it is for.
    pub purpose: Purpose,
    /// Who made it; none is the operator.
    pub by: Option<PersonId>,
    /// When it was made.
    pub created: Time,
    /// From when on it opens nothing.
    pub expires: Time,
}

/// What became of a one-time link that somebody used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// A new person; the link is spent.
    Person(PersonId),
    /// Somebody has that name; the link is still good.
    NameTaken,
    /// The link was never made, is spent, or has run out.
    Gone,
}

/// A person's part in an election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// What the person is called.
    pub name: LoginName,
    /// What the person may do.
    pub role: Role,
}

/// What became of a change of a person's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is as it was wanted.
    Done,
    /// It would have left the election without an owner.
    LastOwner,
    /// The election has as many members as it may.
    TooMany,
}

/// The most members of one election.
pub const MEMBERS_MAX: usize = 1_000;

/// The most co-host links of one election that were not revoked.
pub const LINKS_MAX: usize = 100;

/// A co-host link to be made.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// What it is for.
    pub election: ElectionKey,
    /// `SHA-256` of its secret.
    pub hash: [u8; 32],
    /// What whoever opens it may do; never the owner's part.
    pub role: Role,
    /// Who made it.
    pub by: Option<PersonId>,
    /// When it was made.
    pub created: Time,
}

/// A link that lets whoever holds it help with one election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CohostLink {
    /// The number.
    pub id: LinkId,
    /// `SHA-256` of its secret.
    pub hash: [u8; 32],
    /// What it is for.
    pub election: ElectionKey,
    /// What whoever opens it may do.
    pub role: Role,
    /// Who made it.
    pub by: Option<PersonId>,
    /// When it was made.
    pub created: Time,
    /// When it was revoked.
    pub revoked: Option<Time>,
}

/// An election, and the part of the person who asked in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Which one.
    pub registered: Registered,
    /// The person's part; none where an administrator sees all.
    pub role: Option<Role>,
}

/// Who signs in. All methods may be called from any task at any time.
#[async_trait]
pub trait People: Send + Sync {
    /// Makes a person; none where somebody has that name.
    async fn add_person(&self, new: NewPerson) -> Result<Option<PersonId>, LedgerError>;

    /// Makes a person by a one-time link and spends it, all or nothing. One that founds makes an administrator, where there is
    /// none, and nobody twice; any other link makes none.
    async fn accept(&self, hash: [u8; 32], new: NewPerson) -> Result<Accepted, LedgerError>;

    /// Whether anybody may do everything.
    async fn has_admin(&self) -> Result<bool, LedgerError>;

    /// A person by number.
    async fn person(&self, id: PersonId) -> Result<Option<Person>, LedgerError>;

    /// A person by login name, in any case.
    async fn person_named(&self, name: &LoginName) -> Result<Option<Person>, LedgerError>;

    /// Persons after a number, in the order they were made, at most `limit`.
    async fn persons(&self, after: Option<PersonId>, limit: usize) -> Result<Vec<Person>, LedgerError>;

    /// Gives a person a new password and ends all sessions but one; false where there is no such person.
    async fn set_password(
        &self,
        person: PersonId,
        password: PasswordHash,
        keep: Option<[u8; 32]>,
    ) -> Result<bool, LedgerError>;

    /// Gives a new password by a one-time link, spends it, and ends all sessions; none where the link opens nothing.
    async fn reset_password(
        &self,
        hash: [u8; 32],
        password: PasswordHash,
        now: Time,
    ) -> Result<Option<PersonId>, LedgerError>;

    /// Forgets a person with all sessions, parts and links to a new password; false where there is none.
    async fn remove_person(&self, person: PersonId) -> Result<bool, LedgerError>;

    /// Begins a session. Of one seat's sessions at most [`SESSIONS_MAX`] stay, and those that have run out go.
    async fn begin_session(&self, new: NewSession) -> Result<(), LedgerError>;

    /// A session that is good now, and whom it stands for.
    async fn session(&self, hash: [u8; 32], now: Time) -> Result<Option<(Session, Holder)>, LedgerError>;

    /// The sessions of one seat that are good now, the latest seen first.
    async fn sessions(&self, seat: Seat, now: Time) -> Result<Vec<Session>, LedgerError>;

    /// Ends a session of this seat; false where there is none.
    async fn end_session(&self, seat: Seat, hash: [u8; 32]) -> Result<bool, LedgerError>;

    /// Ends all sessions of a seat but one, and says how many those were.
    async fn end_sessions(&self, seat: Seat, keep: Option<[u8; 32]>) -> Result<u64, LedgerError>;

    /// Notes when sessions were used. One that was noted to be used later stays as it is.
    async fn note_seen(&self, seen: Vec<([u8; 32], Time)>) -> Result<(), LedgerError>;

    /// Keeps a one-time link, and forgets those that have long run out.
    async fn invite(&self, invitation: Invitation) -> Result<(), LedgerError>;

    /// A one-time link that is good now.
    async fn invitation(&self, hash: [u8; 32], now: Time) -> Result<Option<Invitation>, LedgerError>;

    /// The one-time links that are good now, the latest made first, at most 2,000.
    async fn invitations(&self, now: Time) -> Result<Vec<Invitation>, LedgerError>;

    /// Takes a one-time link back; false where there is none.
    async fn withdraw(&self, hash: [u8; 32]) -> Result<bool, LedgerError>;

    /// A person's part in an election.
    async fn membership(&self, person: PersonId, election: ElectionKey) -> Result<Option<Role>, LedgerError>;

    /// The members of an election, by number.
    async fn members(&self, election: ElectionKey) -> Result<Vec<Member>, LedgerError>;

    /// Gives a person a part in an election, or takes it away; never that of the last owner.
    async fn set_member(
        &self,
        election: ElectionKey,
        person: PersonId,
        role: Option<Role>,
    ) -> Result<Changed, LedgerError>;

    /// Elections before a key, the newest first, at most `limit`: those that a person has a part in, or all.
    async fn elections_before(
        &self,
        person: Option<PersonId>,
        before: Option<ElectionKey>,
        limit: usize,
    ) -> Result<Vec<Owned>, LedgerError>;

    /// Like [`People::elections_before`], and of those the ones whose title has the words of the query somewhere, in any
    /// case, or whose code or slug begins with it. Looks through 10,000 elections at most.
    async fn elections_of(
        &self,
        person: Option<PersonId>,
        before: Option<ElectionKey>,
        query: &str,
        limit: usize,
    ) -> Result<Vec<Owned>, LedgerError> {
        let query = query.trim().to_lowercase();
        if query.is_empty() {
            return self.elections_before(person, before, limit).await;
        }
        let (mut found, mut last) = (Vec::new(), before);
        for _ in 0..LOOKED_MAX / LOOKED_PAGE {
            let page = self.elections_before(person, last, LOOKED_PAGE).await?;
            let Some(end) = page.last() else { break };
            last = Some(end.registered.key);
            found.extend(page.into_iter().filter(|owned| is_named(&owned.registered, &query)));
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        Ok(found)
    }

    /// Keeps a co-host link; none where the election has [`LINKS_MAX`] of them.
    async fn add_link(&self, new: NewLink) -> Result<Option<LinkId>, LedgerError>;

    /// A co-host link that was not revoked, by its secret's hash.
    async fn link(&self, hash: [u8; 32]) -> Result<Option<CohostLink>, LedgerError>;

    /// All co-host links of an election, revoked ones too, in the order they were made.
    async fn links(&self, election: ElectionKey) -> Result<Vec<CohostLink>, LedgerError>;

    /// Revokes a co-host link for ever and ends its sessions; false where this election has none that was not revoked.
    async fn revoke_link(&self, election: ElectionKey, id: LinkId, at: Time) -> Result<bool, LedgerError>;
}

/// How many elections a search looks through, and how many of them at once.
const LOOKED_MAX: usize = 10_000;
const LOOKED_PAGE: usize = 200;

fn is_named(registered: &Registered, query: &str) -> bool {
    let election = &registered.election;
    election.title.as_str().to_lowercase().contains(query)
        || election.code.as_str().to_lowercase().starts_with(query)
        || election.slug.as_ref().is_some_and(|slug| slug.as_str().starts_with(query))
}

/// A login name as a store keeps it.
pub(super) fn login_name(id: i64, name: &str) -> Result<LoginName, LedgerError> {
    LoginName::parse(name).map_err(|what| damaged("person", id, format!("its name {what}")))
}

/// A role as a store keeps it.
pub(super) fn role(table: &'static str, key: impl std::fmt::Display, role: &str) -> Result<Role, LedgerError> {
    role.parse().map_err(|what| damaged(table, key, what))
}

/// What a session's columns stand for.
pub(super) fn seat(person: Option<i64>, link: Option<i64>) -> Result<Seat, LedgerError> {
    match (person, link) {
        (Some(person), None) => Ok(Seat::Person(PersonId(person))),
        (None, Some(link)) => Ok(Seat::Link(LinkId(link))),
        _ => Err(damaged("session", "one", "it is for nobody, or for two".to_owned())),
    }
}

/// The columns that a seat stands in.
pub(super) fn seat_columns(seat: Seat) -> (Option<i64>, Option<i64>) {
    match seat {
        Seat::Person(person) => (Some(person.0), None),
        Seat::Link(link) => (None, Some(link.0)),
    }
}

pub(super) fn damaged(table: &'static str, key: impl std::fmt::Display, what: String) -> LedgerError {
    LedgerError::Damaged { table, key: key.to_string(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_cut_between_characters() {
        assert_eq!(cut_agent("Firefox"), "Firefox");
        assert_eq!(cut_agent(&"ä".repeat(150)).len(), 200);
        assert_eq!(cut_agent(&format!("x{}", "ä".repeat(150))).len(), 199);
    }
}
