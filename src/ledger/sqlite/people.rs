//! [`People`] on SQLite.

use async_trait::async_trait;
use hustings_core::{LoginName, Role, Time};
use rusqlite::Transaction;

use super::ledger::{SqliteLedger, begin};
use super::sql::{members, people};
use super::writer::Failure;
use crate::ledger::{
    Accepted, Changed, CohostLink, ElectionKey, Holder, Invitation, LedgerError, LinkId, Member, NewLink, NewPerson,
    NewSession, Owned, PasswordHash, People, Person, PersonId, Seat, Session,
};

impl SqliteLedger {
    /// Runs several statements that write, all or nothing.
    async fn in_transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let done = work(&tx)?;
                tx.commit()?;
                Ok(done)
            })
            .await
    }
}

#[async_trait]
impl People for SqliteLedger {
    async fn add_person(&self, new: NewPerson) -> Result<Option<PersonId>, LedgerError> {
        self.writer.run(move |connection| people::add_person(connection, &new)).await
    }

    async fn accept(&self, hash: [u8; 32], new: NewPerson) -> Result<Accepted, LedgerError> {
        self.in_transaction(move |tx| people::accept(tx, hash, new)).await
    }

    async fn has_admin(&self) -> Result<bool, LedgerError> {
        self.readers.run(people::has_admin).await
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, LedgerError> {
        self.readers.run(move |connection| people::person(connection, id)).await
    }

    async fn person_named(&self, name: &LoginName) -> Result<Option<Person>, LedgerError> {
        let name = name.clone();
        self.readers.run(move |connection| people::person_named(connection, &name)).await
    }

    async fn persons(&self, after: Option<PersonId>, limit: usize) -> Result<Vec<Person>, LedgerError> {
        self.readers.run(move |connection| people::persons(connection, after, limit)).await
    }

    async fn set_password(
        &self,
        person: PersonId,
        password: PasswordHash,
        keep: Option<[u8; 32]>,
    ) -> Result<bool, LedgerError> {
        self.in_transaction(move |tx| people::set_password(tx, person, &password, keep)).await
    }

    async fn reset_password(
        &self,
        hash: [u8; 32],
        password: PasswordHash,
        now: Time,
    ) -> Result<Option<PersonId>, LedgerError> {
        self.in_transaction(move |tx| people::reset_password(tx, hash, &password, now)).await
    }

    async fn remove_person(&self, person: PersonId) -> Result<bool, LedgerError> {
        self.in_transaction(move |tx| people::remove_person(tx, person)).await
    }

    async fn begin_session(&self, new: NewSession) -> Result<(), LedgerError> {
        self.in_transaction(move |tx| people::begin_session(tx, &new)).await
    }

    async fn session(&self, hash: [u8; 32], now: Time) -> Result<Option<(Session, Holder)>, LedgerError> {
        self.readers.run(move |connection| people::session(connection, hash, now)).await
    }

    async fn sessions(&self, seat: Seat, now: Time) -> Result<Vec<Session>, LedgerError> {
        self.readers.run(move |connection| people::sessions(connection, seat, now)).await
    }

    async fn end_session(&self, seat: Seat, hash: [u8; 32]) -> Result<bool, LedgerError> {
        self.writer.run(move |connection| people::end_session(connection, seat, hash)).await
    }

    async fn end_sessions(&self, seat: Seat, keep: Option<[u8; 32]>) -> Result<u64, LedgerError> {
        self.writer.run(move |connection| people::end_sessions(connection, seat, keep)).await
    }

    async fn note_seen(&self, seen: Vec<([u8; 32], Time)>) -> Result<(), LedgerError> {
        self.in_transaction(move |tx| seen.into_iter().try_for_each(|(hash, at)| people::note_seen(tx, hash, at))).await
    }

    async fn invite(&self, invitation: Invitation) -> Result<(), LedgerError> {
        self.in_transaction(move |tx| people::invite(tx, &invitation)).await
    }

    async fn invitation(&self, hash: [u8; 32], now: Time) -> Result<Option<Invitation>, LedgerError> {
        self.readers.run(move |connection| people::invitation(connection, hash, now)).await
    }

    async fn invitations(&self, now: Time) -> Result<Vec<Invitation>, LedgerError> {
        self.readers.run(move |connection| people::invitations(connection, now)).await
    }

    async fn withdraw(&self, hash: [u8; 32]) -> Result<bool, LedgerError> {
        self.writer.run(move |connection| people::withdraw(connection, hash)).await
    }

    async fn membership(&self, person: PersonId, election: ElectionKey) -> Result<Option<Role>, LedgerError> {
        self.readers.run(move |connection| members::membership(connection, person, election)).await
    }

    async fn members(&self, election: ElectionKey) -> Result<Vec<Member>, LedgerError> {
        self.readers.run(move |connection| members::members(connection, election)).await
    }

    async fn set_member(
        &self,
        election: ElectionKey,
        person: PersonId,
        role: Option<Role>,
    ) -> Result<Changed, LedgerError> {
        self.in_transaction(move |tx| members::set_member(tx, election, person, role)).await
    }

    async fn elections_before(
        &self,
        person: Option<PersonId>,
        before: Option<ElectionKey>,
        limit: usize,
    ) -> Result<Vec<Owned>, LedgerError> {
        self.readers.run(move |connection| members::elections_before(connection, person, before, limit)).await
    }

    async fn add_link(&self, new: NewLink) -> Result<Option<LinkId>, LedgerError> {
        self.in_transaction(move |tx| members::add_link(tx, &new)).await
    }

    async fn link(&self, hash: [u8; 32]) -> Result<Option<CohostLink>, LedgerError> {
        self.readers.run(move |connection| members::link(connection, hash)).await
    }

    async fn links(&self, election: ElectionKey) -> Result<Vec<CohostLink>, LedgerError> {
        self.readers.run(move |connection| members::links(connection, election)).await
    }

    async fn revoke_link(&self, election: ElectionKey, id: LinkId, at: Time) -> Result<bool, LedgerError> {
        self.in_transaction(move |tx| members::revoke_link(tx, election, id, at)).await
    }
}
