//! The SQL of people's parts in elections: memberships and co-host links.

use hustings_core::{LoginName, Role, Time};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::rows::{self, signed, unsigned};
use super::super::writer::Failure;
use super::people::end_sessions;
use crate::ledger::people::{login_name, role};
use crate::ledger::{
    Changed, CohostLink, ElectionKey, LINKS_MAX, LinkId, MEMBERS_MAX, Member, NewLink, Owned, PersonId, Registered,
    Seat,
};

fn link_of(row: &Row<'_>) -> Result<CohostLink, Failure> {
    let (id, part): (i64, String) = (row.get("link")?, row.get("role")?);
    Ok(CohostLink {
        id: LinkId(id),
        hash: row.get("hash")?,
        election: ElectionKey(row.get("election")?),
        role: role("cohost_link", id, &part)?,
        by: row.get::<_, Option<i64>>("made_by")?.map(PersonId),
        created: Time(unsigned(row.get("created")?)),
        revoked: row.get::<_, Option<i64>>("revoked")?.map(|at| Time(unsigned(at))),
    })
}

pub(in super::super) fn membership(
    connection: &Connection,
    person: PersonId,
    key: ElectionKey,
) -> Result<Option<Role>, Failure> {
    let mut select = connection.prepare_cached(
        "-- membership
         SELECT role FROM membership WHERE election = ? AND person = ?",
    )?;
    let part: Option<String> = select.query_row(params![key.0, person.0], |row| row.get(0)).optional()?;
    let key = || format!("({}, {})", key.0, person.0);
    Ok(part.map(|part| role("membership", key(), &part)).transpose()?)
}

pub(in super::super) fn members(connection: &Connection, key: ElectionKey) -> Result<Vec<Member>, Failure> {
    let mut select = connection.prepare_cached(
        "-- members
         SELECT person, name, role FROM membership JOIN person USING (person) WHERE election = ? ORDER BY person",
    )?;
    let member = |row: &Row<'_>| -> Result<Member, Failure> {
        let (id, name, part): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let name: LoginName = login_name(id, &name)?;
        Ok(Member { person: PersonId(id), name, role: role("membership", format!("({}, {id})", key.0), &part)? })
    };
    select.query_and_then([key.0], member)?.collect()
}

/// Owns a new election.
pub(in super::super) fn own(tx: &Connection, key: ElectionKey, owner: PersonId) -> Result<(), Failure> {
    put(tx, key, owner, Role::Owner)
}

fn put(tx: &Connection, key: ElectionKey, person: PersonId, part: Role) -> Result<(), Failure> {
    tx.execute(
        "-- put
         INSERT INTO membership (election, person, role) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET role = excluded.role",
        params![key.0, person.0, part.name()],
    )?;
    Ok(())
}

pub(in super::super) fn set_member(
    tx: &Transaction<'_>,
    key: ElectionKey,
    person: PersonId,
    part: Option<Role>,
) -> Result<Changed, Failure> {
    let members = members(tx, key)?;
    let is_owner = |member: &Member| member.role == Role::Owner;
    let was = members.iter().find(|member| member.person == person);
    if was.is_some_and(is_owner) && part != Some(Role::Owner) && members.iter().filter(|one| is_owner(one)).count() < 2
    {
        return Ok(Changed::LastOwner);
    }
    match part {
        Some(_) if was.is_none() && members.len() >= MEMBERS_MAX => return Ok(Changed::TooMany),
        Some(part) => put(tx, key, person, part)?,
        None => {
            tx.execute(
                "-- set_member\n DELETE FROM membership WHERE election = ? AND person = ?",
                params![key.0, person.0],
            )?;
        }
    }
    Ok(Changed::Done)
}

pub(in super::super) fn elections_before(
    connection: &Connection,
    person: Option<PersonId>,
    before: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<Owned>, Failure> {
    let mut select = connection.prepare_cached(match person {
        Some(_) => {
            "-- elections_before
             SELECT election, definition, role FROM membership JOIN election USING (election)
             WHERE person = ? AND election < ? ORDER BY election DESC LIMIT ?"
        }
        None => {
            "-- elections_before
             SELECT election, definition, NULL AS role FROM election
             WHERE ? IS NULL AND election < ? ORDER BY election DESC LIMIT ?"
        }
    })?;
    let owned = |row: &Row<'_>| -> Result<Owned, Failure> {
        let (key, election) = rows::defined(row)?;
        let part: Option<String> = row.get("role")?;
        let part = part.map(|part| role("membership", format!("in election {}", key.0), &part)).transpose()?;
        Ok(Owned { registered: Registered { key, election: election.into() }, role: part })
    };
    let before = before.map_or(i64::MAX, |key| i64::from(key.0));
    select.query_and_then(params![person.map(|id| id.0), before, signed(limit as u64)], owned)?.collect()
}

pub(in super::super) fn add_link(tx: &Transaction<'_>, new: &NewLink) -> Result<Option<LinkId>, Failure> {
    let good: u64 = tx.query_row(
        "-- add_link
         SELECT count(*) FROM cohost_link WHERE election = ? AND revoked IS NULL",
        [new.election.0],
        |row| row.get(0).map(unsigned),
    )?;
    if good >= LINKS_MAX as u64 {
        return Ok(None);
    }
    tx.execute(
        "-- add_link
         INSERT INTO cohost_link (election, hash, role, made_by, created) VALUES (?, ?, ?, ?, ?)",
        params![new.election.0, new.hash, new.role.name(), new.by.map(|by| by.0), signed(new.created.0)],
    )?;
    Ok(Some(LinkId(tx.last_insert_rowid())))
}

pub(in super::super) fn link(connection: &Connection, hash: [u8; 32]) -> Result<Option<CohostLink>, Failure> {
    let mut select = connection.prepare_cached(
        "-- link
         SELECT * FROM cohost_link WHERE hash = ? AND revoked IS NULL",
    )?;
    select.query_and_then([hash], link_of)?.next().transpose()
}

/// A link that was not revoked.
pub(super) fn good_link(connection: &Connection, id: i64) -> Result<Option<CohostLink>, Failure> {
    let mut select = connection.prepare_cached(
        "-- good_link
         SELECT * FROM cohost_link WHERE link = ? AND revoked IS NULL",
    )?;
    select.query_and_then([id], link_of)?.next().transpose()
}

pub(in super::super) fn links(connection: &Connection, key: ElectionKey) -> Result<Vec<CohostLink>, Failure> {
    let mut select = connection.prepare_cached(
        "-- links
         SELECT * FROM cohost_link WHERE election = ? ORDER BY link",
    )?;
    select.query_and_then([key.0], link_of)?.collect()
}

pub(in super::super) fn revoke_link(
    tx: &Transaction<'_>,
    key: ElectionKey,
    id: LinkId,
    at: Time,
) -> Result<bool, Failure> {
    let revoked = tx.execute(
        "-- revoke_link
         UPDATE cohost_link SET revoked = ?3 WHERE link = ?1 AND election = ?2 AND revoked IS NULL",
        params![id.0, key.0, signed(at.0)],
    )?;
    if revoked == 1 {
        end_sessions(tx, Seat::Link(id), None)?;
    }
    Ok(revoked == 1)
}

/// Puts members and links in the place of all that an election has.
pub(in super::super) fn replace_members(
    tx: &Transaction<'_>,
    key: ElectionKey,
    members: &[Member],
    links: &[CohostLink],
) -> Result<(), Failure> {
    tx.execute("-- replace_members\n DELETE FROM membership WHERE election = ?", [key.0])?;
    tx.execute("-- replace_members\n DELETE FROM cohost_link WHERE election = ?", [key.0])?;
    members.iter().try_for_each(|member| put(tx, key, member.person, member.role))?;
    for link in links {
        tx.execute(
            "-- replace_members
             INSERT INTO cohost_link (link, election, hash, role, made_by, created, revoked) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                link.id.0,
                key.0,
                link.hash,
                link.role.name(),
                link.by.map(|by| by.0),
                signed(link.created.0),
                link.revoked.map(|at| signed(at.0))
            ],
        )?;
    }
    Ok(())
}
