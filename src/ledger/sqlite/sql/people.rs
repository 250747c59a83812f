//! The SQL of people: persons, sessions, one-time links. Their parts in elections are in `members`.

use hustings_core::{LoginName, Time};
use rusqlite::{Connection, Row, Transaction, params};

use super::super::rows::{signed, unsigned};
use super::super::writer::Failure;
use super::members;
use crate::ledger::people::{login_name, seat, seat_columns, seen_since};
use crate::ledger::{
    Accepted, Holder, Invitation, LinkId, NewPerson, NewSession, PasswordHash, Person, PersonId, Purpose, SESSIONS_MAX,
    Seat, Session,
};

fn person_of(row: &Row<'_>) -> Result<Person, Failure> {
    let (id, name): (i64, String) = (row.get("person")?, row.get("name")?);
    Ok(Person {
        id: PersonId(id),
        name: login_name(id, &name)?,
        password: PasswordHash(row.get("password")?),
        is_admin: row.get("is_admin")?,
        created: Time(unsigned(row.get("created")?)),
    })
}

fn session_of(row: &Row<'_>) -> Result<Session, Failure> {
    Ok(Session {
        hash: row.get("hash")?,
        seat: seat(row.get("person")?, row.get("link")?)?,
        agent: row.get("agent")?,
        created: Time(unsigned(row.get("created")?)),
        seen: Time(unsigned(row.get("seen")?)),
    })
}

fn invitation_of(row: &Row<'_>) -> Result<Invitation, Failure> {
    let purpose: String = row.get("purpose")?;
    Ok(Invitation {
        hash: row.get("hash")?,
        purpose: Purpose::from_columns(&purpose, row.get("person")?)?,
        by: row.get::<_, Option<i64>>("made_by")?.map(PersonId),
        created: Time(unsigned(row.get("created")?)),
        expires: Time(unsigned(row.get("expires")?)),
    })
}

pub(in super::super) fn add_person(tx: &Connection, new: &NewPerson) -> Result<Option<PersonId>, Failure> {
    let made = tx.execute(
        "-- add_person
         INSERT INTO person (name, folded, password, is_admin, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![new.name.as_str(), new.name.folded(), new.password.0, new.is_admin, signed(new.created.0)],
    )?;
    Ok((made == 1).then(|| PersonId(tx.last_insert_rowid())))
}

pub(in super::super) fn accept(tx: &Transaction<'_>, hash: [u8; 32], new: NewPerson) -> Result<Accepted, Failure> {
    let Some(found) = invitation(tx, hash, new.created)? else { return Ok(Accepted::Gone) };
    let is_admin = match found.purpose {
        Purpose::Found if has_admin(tx)? => return Ok(Accepted::Gone),
        Purpose::Found => true,
        Purpose::Join => false,
        Purpose::Reset(_) => return Ok(Accepted::Gone),
    };
    let Some(person) = add_person(tx, &NewPerson { is_admin, ..new })? else { return Ok(Accepted::NameTaken) };
    withdraw(tx, hash)?;
    Ok(Accepted::Person(person))
}

pub(in super::super) fn has_admin(connection: &Connection) -> Result<bool, Failure> {
    let found = connection.query_row(
        "-- has_admin
         SELECT EXISTS (SELECT 1 FROM person WHERE is_admin)",
        [],
        |row| row.get(0),
    );
    Ok(found?)
}

pub(in super::super) fn person(connection: &Connection, id: PersonId) -> Result<Option<Person>, Failure> {
    let mut select = connection.prepare_cached(
        "-- person
         SELECT * FROM person WHERE person = ?",
    )?;
    select.query_and_then([id.0], person_of)?.next().transpose()
}

pub(in super::super) fn person_named(connection: &Connection, name: &LoginName) -> Result<Option<Person>, Failure> {
    let mut select = connection.prepare_cached(
        "-- person_named
         SELECT * FROM person WHERE folded = ?",
    )?;
    select.query_and_then([name.folded()], person_of)?.next().transpose()
}

pub(in super::super) fn persons(
    connection: &Connection,
    after: Option<PersonId>,
    limit: usize,
) -> Result<Vec<Person>, Failure> {
    let mut select = connection.prepare_cached(
        "-- persons
         SELECT * FROM person WHERE person > ? ORDER BY person LIMIT ?",
    )?;
    select.query_and_then(params![after.map_or(0, |id| id.0), signed(limit as u64)], person_of)?.collect()
}

pub(in super::super) fn set_password(
    tx: &Transaction<'_>,
    person: PersonId,
    password: &PasswordHash,
    keep: Option<[u8; 32]>,
) -> Result<bool, Failure> {
    let changed = tx.execute(
        "-- set_password
         UPDATE person SET password = ?2 WHERE person = ?1",
        params![person.0, password.0],
    )?;
    end_sessions(tx, Seat::Person(person), keep)?;
    Ok(changed == 1)
}

pub(in super::super) fn reset_password(
    tx: &Transaction<'_>,
    hash: [u8; 32],
    password: &PasswordHash,
    now: Time,
) -> Result<Option<PersonId>, Failure> {
    let Some(Invitation { purpose: Purpose::Reset(person), .. }) = invitation(tx, hash, now)? else { return Ok(None) };
    withdraw(tx, hash)?;
    Ok(set_password(tx, person, password, None)?.then_some(person))
}

pub(in super::super) fn remove_person(tx: &Transaction<'_>, person: PersonId) -> Result<bool, Failure> {
    end_sessions(tx, Seat::Person(person), None)?;
    tx.execute("-- remove_person\n DELETE FROM membership WHERE person = ?", [person.0])?;
    tx.execute("-- remove_person\n DELETE FROM invitation WHERE person = ?", [person.0])?;
    Ok(tx.execute("-- remove_person\n DELETE FROM person WHERE person = ?", [person.0])? == 1)
}

pub(in super::super) fn begin_session(tx: &Transaction<'_>, new: &NewSession) -> Result<(), Failure> {
    tx.execute("-- begin_session\n DELETE FROM session WHERE seen <= ?", [signed(seen_since(new.created).0)])?;
    let (person, link) = seat_columns(new.seat);
    tx.execute(
        "-- begin_session
         DELETE FROM session WHERE hash IN (
             SELECT hash FROM session WHERE person IS ?1 AND link IS ?2 ORDER BY created DESC, hash LIMIT -1 OFFSET ?3)",
        params![person, link, signed(SESSIONS_MAX as u64 - 1)],
    )?;
    tx.execute(
        "-- begin_session
         INSERT INTO session (hash, person, link, agent, created, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![new.hash, person, link, new.agent, signed(new.created.0)],
    )?;
    Ok(())
}

pub(in super::super) fn session(
    connection: &Connection,
    hash: [u8; 32],
    now: Time,
) -> Result<Option<(Session, Holder)>, Failure> {
    let mut select = connection.prepare_cached(
        "-- session
         SELECT * FROM session WHERE hash = ? AND seen > ?",
    )?;
    let found = select.query_and_then(params![hash, signed(seen_since(now).0)], session_of)?.next().transpose()?;
    let Some(session) = found else { return Ok(None) };
    let holder = match session.seat {
        Seat::Person(id) => person(connection, id)?.map(Holder::Person),
        Seat::Link(LinkId(id)) => members::good_link(connection, id)?.map(Holder::Link),
    };
    Ok(holder.map(|holder| (session, holder)))
}

pub(in super::super) fn sessions(connection: &Connection, seat: Seat, now: Time) -> Result<Vec<Session>, Failure> {
    let mut select = connection.prepare_cached(
        "-- sessions
         SELECT * FROM session WHERE person IS ? AND link IS ? AND seen > ? ORDER BY seen DESC, hash",
    )?;
    let (person, link) = seat_columns(seat);
    select.query_and_then(params![person, link, signed(seen_since(now).0)], session_of)?.collect()
}

pub(in super::super) fn end_session(connection: &Connection, seat: Seat, hash: [u8; 32]) -> Result<bool, Failure> {
    let (person, link) = seat_columns(seat);
    let ended = connection.execute(
        "-- end_session
         DELETE FROM session WHERE hash = ? AND person IS ? AND link IS ?",
        params![hash, person, link],
    )?;
    Ok(ended == 1)
}

pub(in super::super) fn end_sessions(
    connection: &Connection,
    seat: Seat,
    keep: Option<[u8; 32]>,
) -> Result<u64, Failure> {
    let (person, link) = seat_columns(seat);
    let ended = connection.execute(
        "-- end_sessions
         DELETE FROM session WHERE person IS ? AND link IS ? AND hash IS NOT ?",
        params![person, link, keep],
    )?;
    Ok(ended as u64)
}

pub(in super::super) fn note_seen(connection: &Connection, hash: [u8; 32], at: Time) -> Result<(), Failure> {
    connection.execute(
        "-- note_seen
         UPDATE session SET seen = ?2 WHERE hash = ?1 AND seen < ?2",
        params![hash, signed(at.0)],
    )?;
    Ok(())
}

pub(in super::super) fn invite(tx: &Connection, new: &Invitation) -> Result<(), Failure> {
    tx.execute("-- invite\n DELETE FROM invitation WHERE expires <= ?", [signed(new.created.0)])?;
    insert_invitation(tx, new)
}

fn insert_invitation(tx: &Connection, new: &Invitation) -> Result<(), Failure> {
    let (purpose, person) = new.purpose.columns();
    tx.execute(
        "-- insert_invitation
         INSERT INTO invitation (hash, purpose, person, made_by, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
        params![new.hash, purpose, person, new.by.map(|by| by.0), signed(new.created.0), signed(new.expires.0)],
    )?;
    Ok(())
}

pub(in super::super) fn invitation(
    connection: &Connection,
    hash: [u8; 32],
    now: Time,
) -> Result<Option<Invitation>, Failure> {
    let mut select = connection.prepare_cached(
        "-- invitation
         SELECT * FROM invitation WHERE hash = ? AND expires > ?",
    )?;
    select.query_and_then(params![hash, signed(now.0)], invitation_of)?.next().transpose()
}

pub(in super::super) fn invitations(connection: &Connection, now: Time) -> Result<Vec<Invitation>, Failure> {
    let mut select = connection.prepare_cached(
        "-- invitations
         SELECT * FROM invitation WHERE expires > ? ORDER BY created DESC, hash LIMIT 2000",
    )?;
    select.query_and_then([signed(now.0)], invitation_of)?.collect()
}

pub(in super::super) fn withdraw(connection: &Connection, hash: [u8; 32]) -> Result<bool, Failure> {
    Ok(connection.execute("-- withdraw\n DELETE FROM invitation WHERE hash = ?", [hash])? == 1)
}

/// Puts persons in the place of all that are there between two numbers.
pub(in super::super) fn replace_persons(
    tx: &Transaction<'_>,
    after: Option<PersonId>,
    up_to: Option<PersonId>,
    persons: &[Person],
) -> Result<(), Failure> {
    let (after, up_to) = (after.map_or(0, |id| id.0), up_to.map_or(i64::MAX, |id| id.0));
    for gone in persons_between(tx, after, up_to)? {
        if !persons.iter().any(|person| person.id == gone) {
            remove_person(tx, gone)?;
        }
    }
    tx.execute("-- replace_persons\n DELETE FROM person WHERE person > ? AND person <= ?", [after, up_to])?;
    for person in persons {
        tx.execute(
            "-- replace_persons
             INSERT INTO person (person, name, folded, password, is_admin, created) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                person.id.0,
                person.name.as_str(),
                person.name.folded(),
                person.password.0,
                person.is_admin,
                signed(person.created.0)
            ],
        )?;
    }
    Ok(())
}

fn persons_between(tx: &Transaction<'_>, after: i64, up_to: i64) -> Result<Vec<PersonId>, Failure> {
    let mut select =
        tx.prepare_cached("-- persons_between\n SELECT person FROM person WHERE person > ? AND person <= ?")?;
    Ok(select.query_map([after, up_to], |row| row.get(0).map(PersonId))?.collect::<Result<_, _>>()?)
}

/// Puts one-time links in the place of all that are there.
pub(in super::super) fn replace_invitations(tx: &Transaction<'_>, page: &[Invitation]) -> Result<(), Failure> {
    tx.execute("-- replace_invitations\n DELETE FROM invitation", [])?;
    page.iter().try_for_each(|one| insert_invitation(tx, one))
}
