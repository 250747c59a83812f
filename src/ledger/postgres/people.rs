//! [`People`] on PostgreSQL.

use async_trait::async_trait;
use hustings_core::{LoginName, Role, Time};
use tokio_postgres::Client;

use super::failure::Failure;
use super::ledger::PostgresLedger;
use super::pool::{Doubt, Lease, in_order, within};
use super::sql::{members, people};
use crate::ledger::{
    Accepted, Changed, CohostLink, ElectionKey, Holder, Invitation, LedgerError, LinkId, Member, NewLink, NewPerson,
    NewSession, Owned, PasswordHash, People, Person, PersonId, Seat, Session,
};

#[async_trait]
impl People for PostgresLedger {
    async fn add_person(&self, new: NewPerson) -> Result<Option<PersonId>, LedgerError> {
        let new = &new;
        self.pool.write(Doubt::Tell, |lease| async move { people::add_person(lease.client(), new).await }).await
    }

    async fn accept(&self, hash: [u8; 32], new: NewPerson) -> Result<Accepted, LedgerError> {
        let new = &new;
        let accept = |lease: Lease| async move {
            let client = lease.client();
            Ok(in_order(people::lock(client), people::accept(client, hash, new)).await?.1)
        };
        self.pool.write(Doubt::Tell, accept).await
    }

    async fn has_admin(&self) -> Result<bool, LedgerError> {
        self.pool.read(|lease| async move { people::has_admin(lease.client()).await }).await
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, LedgerError> {
        self.pool.read(|lease| async move { people::person(lease.client(), id).await }).await
    }

    async fn person_named(&self, name: &LoginName) -> Result<Option<Person>, LedgerError> {
        self.pool.read(|lease| async move { people::person_named(lease.client(), name).await }).await
    }

    async fn persons(&self, after: Option<PersonId>, limit: usize) -> Result<Vec<Person>, LedgerError> {
        self.pool.read(|lease| async move { people::persons(lease.client(), after, limit).await }).await
    }

    async fn set_password(
        &self,
        person: PersonId,
        password: PasswordHash,
        keep: Option<[u8; 32]>,
    ) -> Result<bool, LedgerError> {
        let password = &password;
        let set = |lease: Lease| async move { people::set_password(lease.client(), person, password, keep).await };
        self.pool.write(Doubt::RunAgain, set).await
    }

    async fn reset_password(
        &self,
        hash: [u8; 32],
        password: PasswordHash,
        now: Time,
    ) -> Result<Option<PersonId>, LedgerError> {
        let password = &password;
        let reset = |lease: Lease| async move { people::reset_password(lease.client(), hash, password, now).await };
        self.pool.write(Doubt::Tell, reset).await
    }

    async fn remove_person(&self, person: PersonId) -> Result<bool, LedgerError> {
        let remove =
            |lease: Lease| async move { people::remove_persons(lease.client(), person.0 - 1, person.0, &[]).await };
        Ok(self.pool.write(Doubt::Tell, remove).await? == 1)
    }

    async fn begin_session(&self, new: NewSession) -> Result<(), LedgerError> {
        let new = &new;
        self.pool.write(Doubt::Tell, |lease| async move { people::begin_session(lease.client(), new).await }).await
    }

    async fn session(&self, hash: [u8; 32], now: Time) -> Result<Option<(Session, Holder)>, LedgerError> {
        self.pool.read(|lease| async move { people::session(lease.client(), hash, now).await }).await
    }

    async fn sessions(&self, seat: Seat, now: Time) -> Result<Vec<Session>, LedgerError> {
        self.pool.read(|lease| async move { people::sessions(lease.client(), seat, now).await }).await
    }

    async fn end_session(&self, seat: Seat, hash: [u8; 32]) -> Result<bool, LedgerError> {
        let end = |lease: Lease| async move { people::end_sessions(lease.client(), seat, Some(hash), None).await };
        Ok(self.pool.write(Doubt::Tell, end).await? == 1)
    }

    async fn end_sessions(&self, seat: Seat, keep: Option<[u8; 32]>) -> Result<u64, LedgerError> {
        let end = |lease: Lease| async move { people::end_sessions(lease.client(), seat, None, keep).await };
        self.pool.write(Doubt::RunAgain, end).await
    }

    async fn note_seen(&self, seen: Vec<([u8; 32], Time)>) -> Result<(), LedgerError> {
        let seen = &seen;
        self.pool.write(Doubt::RunAgain, |lease| async move { people::note_seen(lease.client(), seen).await }).await
    }

    async fn invite(&self, invitation: Invitation) -> Result<(), LedgerError> {
        let (new, now) = (std::slice::from_ref(&invitation), invitation.created);
        self.pool.write(Doubt::Tell, |lease| async move { people::invite(lease.client(), new, now).await }).await
    }

    async fn invitation(&self, hash: [u8; 32], now: Time) -> Result<Option<Invitation>, LedgerError> {
        self.pool.read(|lease| async move { people::invitation(lease.client(), hash, now).await }).await
    }

    async fn invitations(&self, now: Time) -> Result<Vec<Invitation>, LedgerError> {
        self.pool.read(|lease| async move { people::invitations(lease.client(), now).await }).await
    }

    async fn withdraw(&self, hash: [u8; 32]) -> Result<bool, LedgerError> {
        let withdraw = |lease: Lease| async move { people::withdraw(lease.client(), Some(hash)).await };
        Ok(self.pool.write(Doubt::Tell, withdraw).await? == 1)
    }

    async fn membership(&self, person: PersonId, election: ElectionKey) -> Result<Option<Role>, LedgerError> {
        self.pool.read(|lease| async move { members::membership(lease.client(), person, election).await }).await
    }

    async fn members(&self, election: ElectionKey) -> Result<Vec<Member>, LedgerError> {
        self.pool.read(|lease| async move { members::members(lease.client(), election).await }).await
    }

    async fn set_member(
        &self,
        election: ElectionKey,
        person: PersonId,
        role: Option<Role>,
    ) -> Result<Changed, LedgerError> {
        let set = |lease: Lease| async move {
            let client = lease.client();
            Ok(in_order(people::lock(client), members::set_member(client, election, person, role)).await?.1)
        };
        self.pool.write(Doubt::RunAgain, set).await
    }

    async fn elections_before(
        &self,
        person: Option<PersonId>,
        before: Option<ElectionKey>,
        limit: usize,
    ) -> Result<Vec<Owned>, LedgerError> {
        let look = |lease: Lease| async move { members::elections_before(lease.client(), person, before, limit).await };
        let found = self.pool.read(look).await;
        self.understood(found).await
    }

    async fn add_link(&self, new: NewLink) -> Result<Option<LinkId>, LedgerError> {
        let new = &new;
        let add = |lease: Lease| async move {
            let client = lease.client();
            Ok(in_order(people::lock(client), members::add_link(client, new)).await?.1)
        };
        self.pool.write(Doubt::Tell, add).await
    }

    async fn link(&self, hash: [u8; 32]) -> Result<Option<CohostLink>, LedgerError> {
        self.pool.read(|lease| async move { members::link(lease.client(), hash).await }).await
    }

    async fn links(&self, election: ElectionKey) -> Result<Vec<CohostLink>, LedgerError> {
        self.pool.read(|lease| async move { members::links(lease.client(), election).await }).await
    }

    async fn revoke_link(&self, election: ElectionKey, id: LinkId, at: Time) -> Result<bool, LedgerError> {
        let revoke = |lease: Lease| async move { members::revoke_link(lease.client(), election, id, at).await };
        self.pool.write(Doubt::Tell, revoke).await
    }
}

/// Puts persons in the place of all that are there between two numbers.
pub(super) async fn import_persons(
    client: &Client,
    after: Option<PersonId>,
    up_to: Option<PersonId>,
    persons: &[Person],
) -> Result<(), Failure> {
    let kept: Vec<i64> = persons.iter().map(|person| person.id.0).collect();
    let (after, up_to) = (after.map_or(0, |id| id.0), up_to.map_or(i64::MAX, |id| id.0));
    within(people::remove_persons(client, after, up_to, &kept)).await?;
    within(people::put_persons(client, persons)).await
}

/// Puts members and links in the place of all that an election has.
pub(super) async fn import_members(
    client: &Client,
    key: ElectionKey,
    members: &[Member],
    links: &[CohostLink],
) -> Result<(), Failure> {
    within(members::clear_members(client, key)).await?;
    within(members::insert_members(client, key, members, links)).await
}

/// Puts one-time links in the place of all that are there.
pub(super) async fn import_invitations(client: &Client, page: &[Invitation]) -> Result<(), Failure> {
    within(people::withdraw(client, None)).await?;
    within(people::invite(client, page, Time(0))).await
}
