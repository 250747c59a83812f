//! The SQL of people: persons, sessions, one-time links. Their parts in elections are in `members`.

use hustings_core::{LoginName, Time};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::super::failure::Failure;
use super::super::rows::{signed, unsigned};
use super::members;
use crate::ledger::people::{damaged, login_name, seat, seat_columns, seen_since};
use crate::ledger::{
    Accepted, Holder, Invitation, NewPerson, NewSession, PasswordHash, Person, PersonId, Purpose, SESSIONS_MAX, Seat,
    Session,
};

/// Any number that no other program is likely to lock: `husting2` in ASCII.
const LOCK: i64 = 0x6875_7374_696e_6732;

/// Holds off every other change of who may do what, until the transaction ends: some rules are about several rows.
pub(in super::super) async fn lock(client: &Client) -> Result<(), Failure> {
    client.query_typed("-- lock\n SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    Ok(())
}

fn person_of(row: &Row) -> Result<Person, Failure> {
    let id: i64 = row.try_get("person")?;
    Ok(Person {
        id: PersonId(id),
        name: login_name(id, row.try_get("name")?)?,
        password: PasswordHash(row.try_get("password")?),
        is_admin: row.try_get("is_admin")?,
        created: time(row, "created")?,
    })
}

fn session_of(row: &Row) -> Result<Session, Failure> {
    Ok(Session {
        hash: hash(row, "session")?,
        seat: seat(row.try_get("person")?, row.try_get("link")?)?,
        agent: row.try_get("agent")?,
        created: time(row, "created")?,
        seen: time(row, "seen")?,
    })
}

fn invitation_of(row: &Row) -> Result<Invitation, Failure> {
    Ok(Invitation {
        hash: hash(row, "invitation")?,
        purpose: Purpose::from_columns(row.try_get("purpose")?, row.try_get("person")?)?,
        by: row.try_get::<_, Option<i64>>("made_by")?.map(PersonId),
        created: time(row, "created")?,
        expires: time(row, "expires")?,
    })
}

pub(super) fn time(row: &Row, column: &str) -> Result<Time, Failure> {
    Ok(Time(unsigned(row.try_get(column)?)))
}

/// From the column `hash`.
pub(super) fn hash(row: &Row, table: &'static str) -> Result<[u8; 32], Failure> {
    let bytes: &[u8] = row.try_get("hash")?;
    let wrong = |_| damaged(table, "one", format!("its hash has {} bytes, not 32", bytes.len()));
    Ok(bytes.try_into().map_err(wrong)?)
}

/// Makes a person, unless somebody has that name.
pub(in super::super) async fn add_person(client: &Client, new: &NewPerson) -> Result<Option<PersonId>, Failure> {
    let row = client
        .query_typed_opt(
            "-- add_person
             INSERT INTO person (name, folded, password, is_admin, created) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING RETURNING person",
            &[
                (&new.name.as_str(), Type::TEXT),
                (&new.name.folded(), Type::TEXT),
                (&new.password.0, Type::TEXT),
                (&new.is_admin, Type::BOOL),
                (&signed(new.created.0), Type::INT8),
            ],
        )
        .await?;
    Ok(row.map(|row| row.try_get("person").map(PersonId)).transpose()?)
}

/// Makes a person by a link, under [`lock`]: whoever waited for it sees what was done meanwhile.
pub(in super::super) async fn accept(client: &Client, hash: [u8; 32], new: &NewPerson) -> Result<Accepted, Failure> {
    let row = client
        .query_typed_one(
            "-- accept
             WITH good AS (
                 SELECT hash, purpose FROM invitation WHERE hash = $1 AND expires > $5 AND (
                     purpose = 'join' OR purpose = 'found' AND NOT EXISTS (SELECT FROM person WHERE is_admin))
             ), made AS (
                 INSERT INTO person (name, folded, password, is_admin, created)
                 SELECT $2, $3, $4, purpose = 'found', $5 FROM good ON CONFLICT DO NOTHING RETURNING person
             ), spent AS (DELETE FROM invitation WHERE hash IN (SELECT hash FROM good) AND EXISTS (SELECT FROM made))
             SELECT (SELECT person FROM made) AS person, EXISTS (SELECT FROM good) AS is_good",
            &[
                (&hash.as_slice(), Type::BYTEA),
                (&new.name.as_str(), Type::TEXT),
                (&new.name.folded(), Type::TEXT),
                (&new.password.0, Type::TEXT),
                (&signed(new.created.0), Type::INT8),
            ],
        )
        .await?;
    Ok(match (row.try_get::<_, Option<i64>>("person")?, row.try_get("is_good")?) {
        (Some(person), _) => Accepted::Person(PersonId(person)),
        (None, true) => Accepted::NameTaken,
        (None, false) => Accepted::Gone,
    })
}

/// Whether there is an administrator.
pub(in super::super) async fn has_admin(client: &Client) -> Result<bool, Failure> {
    let row = client
        .query_typed_one(
            "-- has_admin
             SELECT EXISTS (SELECT FROM person WHERE is_admin) AS found",
            &[],
        )
        .await?;
    Ok(row.try_get("found")?)
}

/// A person by number.
pub(in super::super) async fn person(client: &Client, id: PersonId) -> Result<Option<Person>, Failure> {
    let row = client
        .query_typed_opt(
            "-- person
             SELECT * FROM person WHERE person = $1",
            &[(&id.0, Type::INT8)],
        )
        .await?;
    row.as_ref().map(person_of).transpose()
}

/// A person by name.
pub(in super::super) async fn person_named(client: &Client, name: &LoginName) -> Result<Option<Person>, Failure> {
    let row = client
        .query_typed_opt(
            "-- person_named
             SELECT * FROM person WHERE folded = $1",
            &[(&name.folded(), Type::TEXT)],
        )
        .await?;
    row.as_ref().map(person_of).transpose()
}

/// Persons after a number.
pub(in super::super) async fn persons(
    client: &Client,
    after: Option<PersonId>,
    limit: usize,
) -> Result<Vec<Person>, Failure> {
    let rows = client
        .query_typed(
            "-- persons
             SELECT * FROM person WHERE person > $1 ORDER BY person LIMIT $2",
            &[(&after.map_or(0, |id| id.0), Type::INT8), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    rows.iter().map(person_of).collect()
}

/// Changes a password and ends all sessions but one.
pub(in super::super) async fn set_password(
    client: &Client,
    person: PersonId,
    password: &PasswordHash,
    keep: Option<[u8; 32]>,
) -> Result<bool, Failure> {
    let row = client
        .query_typed_opt(
            "-- set_password
             WITH ended AS (DELETE FROM session WHERE person = $1 AND hash IS DISTINCT FROM $3)
             UPDATE person SET password = $2 WHERE person = $1 RETURNING person",
            &[
                (&person.0, Type::INT8),
                (&password.0, Type::TEXT),
                (&keep.as_ref().map(<[u8; 32]>::as_slice), Type::BYTEA),
            ],
        )
        .await?;
    Ok(row.is_some())
}

/// Spends a link to a new password: the row is gone for whoever waited for it.
pub(in super::super) async fn reset_password(
    client: &Client,
    hash: [u8; 32],
    password: &PasswordHash,
    now: Time,
) -> Result<Option<PersonId>, Failure> {
    let row = client
        .query_typed_opt(
            "-- reset_password
             WITH spent AS (
                 DELETE FROM invitation WHERE hash = $1 AND purpose = 'reset' AND expires > $3 RETURNING person
             ), ended AS (DELETE FROM session USING spent WHERE session.person = spent.person)
             UPDATE person SET password = $2 FROM spent WHERE person.person = spent.person RETURNING person.person",
            &[(&hash.as_slice(), Type::BYTEA), (&password.0, Type::TEXT), (&signed(now.0), Type::INT8)],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0).map(PersonId)).transpose()?)
}

/// Forgets persons with all that is theirs alone; how many those were.
pub(in super::super) async fn remove_persons(
    client: &Client,
    after: i64,
    up_to: i64,
    but: &[i64],
) -> Result<u64, Failure> {
    let removed = client
        .execute_typed(
            "-- remove_persons
             WITH gone AS (DELETE FROM person WHERE person > $1 AND person <= $2 AND person <> ALL ($3) RETURNING person),
                 ended AS (DELETE FROM session USING gone WHERE session.person = gone.person),
                 parts AS (DELETE FROM membership USING gone WHERE membership.person = gone.person),
                 resets AS (DELETE FROM invitation USING gone WHERE invitation.person = gone.person)
             SELECT person FROM gone",
            &[(&after, Type::INT8), (&up_to, Type::INT8), (&but, Type::INT8_ARRAY)],
        )
        .await?;
    Ok(removed)
}

/// Begins a session, and ends those that have run out or are too many.
pub(in super::super) async fn begin_session(client: &Client, new: &NewSession) -> Result<(), Failure> {
    let (person, link) = seat_columns(new.seat);
    client
        .execute_typed(
            "-- begin_session
             WITH old AS (DELETE FROM session WHERE seen <= $6),
                 too_many AS (DELETE FROM session WHERE hash IN (
                     SELECT hash FROM session WHERE (person = $2 OR link = $3) AND seen > $6
                     ORDER BY created DESC, hash OFFSET $7))
             INSERT INTO session (hash, person, link, agent, created, seen) VALUES ($1, $2, $3, $4, $5, $5)",
            &[
                (&new.hash.as_slice(), Type::BYTEA),
                (&person, Type::INT8),
                (&link, Type::INT8),
                (&new.agent, Type::TEXT),
                (&signed(new.created.0), Type::INT8),
                (&signed(seen_since(new.created).0), Type::INT8),
                (&signed(SESSIONS_MAX as u64 - 1), Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// A session, with whom it stands for: one statement, so that both are of one instant.
pub(in super::super) async fn session(
    client: &Client,
    hash: [u8; 32],
    now: Time,
) -> Result<Option<(Session, Holder)>, Failure> {
    let row = client
        .query_typed_opt(
            "-- session
             SELECT session.hash, session.person, session.link, session.agent, session.created, session.seen,
                 person.name, person.password, person.is_admin, person.created AS person_created,
                 cohost_link.hash AS link_hash, cohost_link.election, cohost_link.role, cohost_link.made_by,
                 cohost_link.created AS link_created
             FROM session LEFT JOIN person ON person.person = session.person
                 LEFT JOIN cohost_link ON cohost_link.link = session.link AND cohost_link.revoked IS NULL
             WHERE session.hash = $1 AND seen > $2",
            &[(&hash.as_slice(), Type::BYTEA), (&signed(seen_since(now).0), Type::INT8)],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let session = session_of(&row)?;
    let holder = match session.seat {
        Seat::Person(id) => match row.try_get::<_, Option<&str>>("name")? {
            Some(name) => Holder::Person(Person {
                id,
                name: login_name(id.0, name)?,
                password: PasswordHash(row.try_get("password")?),
                is_admin: row.try_get("is_admin")?,
                created: time(&row, "person_created")?,
            }),
            None => return Ok(None),
        },
        Seat::Link(id) => match row.try_get::<_, Option<&[u8]>>("link_hash")? {
            Some(_) => Holder::Link(members::joined_link(&row, id)?),
            None => return Ok(None),
        },
    };
    Ok(Some((session, holder)))
}

/// The sessions of a seat.
pub(in super::super) async fn sessions(client: &Client, seat: Seat, now: Time) -> Result<Vec<Session>, Failure> {
    let (person, link) = seat_columns(seat);
    let rows = client
        .query_typed(
            "-- sessions
             SELECT * FROM session WHERE (person = $1 OR link = $2) AND seen > $3 ORDER BY seen DESC, hash",
            &[(&person, Type::INT8), (&link, Type::INT8), (&signed(seen_since(now).0), Type::INT8)],
        )
        .await?;
    rows.iter().map(session_of).collect()
}

/// Ends sessions of a seat: this one, or all but one; how many those were.
pub(in super::super) async fn end_sessions(
    client: &Client,
    seat: Seat,
    only: Option<[u8; 32]>,
    keep: Option<[u8; 32]>,
) -> Result<u64, Failure> {
    let (person, link) = seat_columns(seat);
    let ended = client
        .execute_typed(
            "-- end_sessions
             DELETE FROM session WHERE (person = $1 OR link = $2) AND ($3::bytea IS NULL OR hash = $3)
                 AND hash IS DISTINCT FROM $4",
            &[
                (&person, Type::INT8),
                (&link, Type::INT8),
                (&only.as_ref().map(<[u8; 32]>::as_slice), Type::BYTEA),
                (&keep.as_ref().map(<[u8; 32]>::as_slice), Type::BYTEA),
            ],
        )
        .await?;
    Ok(ended)
}

/// Notes when sessions were used, where they were not noted to be used later.
pub(in super::super) async fn note_seen(client: &Client, seen: &[([u8; 32], Time)]) -> Result<(), Failure> {
    let (hashes, times): (Vec<&[u8]>, Vec<i64>) = seen.iter().map(|(hash, at)| (hash.as_slice(), signed(at.0))).unzip();
    client
        .execute_typed(
            "-- note_seen
             UPDATE session SET seen = noted.seen FROM unnest($1::bytea[], $2::int8[]) AS noted (hash, seen)
             WHERE session.hash = noted.hash AND session.seen < noted.seen",
            &[(&hashes, Type::BYTEA_ARRAY), (&times, Type::INT8_ARRAY)],
        )
        .await?;
    Ok(())
}

/// Keeps one-time links, and forgets those that had run out by a time.
pub(in super::super) async fn invite(client: &Client, new: &[Invitation], now: Time) -> Result<(), Failure> {
    let hashes: Vec<&[u8]> = new.iter().map(|one| one.hash.as_slice()).collect();
    let (purposes, persons): (Vec<&str>, Vec<Option<i64>>) = new.iter().map(|one| one.purpose.columns()).unzip();
    let makers: Vec<Option<i64>> = new.iter().map(|one| one.by.map(|by| by.0)).collect();
    let (created, expires): (Vec<i64>, Vec<i64>) =
        new.iter().map(|one| (signed(one.created.0), signed(one.expires.0))).unzip();
    client
        .execute_typed(
            "-- invite
             WITH swept AS (DELETE FROM invitation WHERE expires <= $7)
             INSERT INTO invitation (hash, purpose, person, made_by, created, expires)
             SELECT * FROM unnest($1::bytea[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])",
            &[
                (&hashes, Type::BYTEA_ARRAY),
                (&purposes, Type::TEXT_ARRAY),
                (&persons, Type::INT8_ARRAY),
                (&makers, Type::INT8_ARRAY),
                (&created, Type::INT8_ARRAY),
                (&expires, Type::INT8_ARRAY),
                (&signed(now.0), Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// A one-time link.
pub(in super::super) async fn invitation(
    client: &Client,
    hash: [u8; 32],
    now: Time,
) -> Result<Option<Invitation>, Failure> {
    let row = client
        .query_typed_opt(
            "-- invitation
             SELECT * FROM invitation WHERE hash = $1 AND expires > $2",
            &[(&hash.as_slice(), Type::BYTEA), (&signed(now.0), Type::INT8)],
        )
        .await?;
    row.as_ref().map(invitation_of).transpose()
}

/// The one-time links that are good.
pub(in super::super) async fn invitations(client: &Client, now: Time) -> Result<Vec<Invitation>, Failure> {
    let rows = client
        .query_typed(
            "-- invitations
             SELECT * FROM invitation WHERE expires > $1 ORDER BY created DESC, hash LIMIT 2000",
            &[(&signed(now.0), Type::INT8)],
        )
        .await?;
    rows.iter().map(invitation_of).collect()
}

/// Takes one-time links back: this one, or all; how many those were.
pub(in super::super) async fn withdraw(client: &Client, hash: Option<[u8; 32]>) -> Result<u64, Failure> {
    let withdrawn = client
        .execute_typed(
            "-- withdraw
             DELETE FROM invitation WHERE $1::bytea IS NULL OR hash = $1",
            &[(&hash.as_ref().map(<[u8; 32]>::as_slice), Type::BYTEA)],
        )
        .await?;
    Ok(withdrawn)
}

/// Keeps persons under their numbers; those that are there already become just so.
pub(in super::super) async fn put_persons(client: &Client, persons: &[Person]) -> Result<(), Failure> {
    let ids: Vec<i64> = persons.iter().map(|one| one.id.0).collect();
    let names: Vec<&str> = persons.iter().map(|one| one.name.as_str()).collect();
    let folded: Vec<String> = persons.iter().map(|one| one.name.folded()).collect();
    let passwords: Vec<&str> = persons.iter().map(|one| one.password.0.as_str()).collect();
    let admins: Vec<bool> = persons.iter().map(|one| one.is_admin).collect();
    let created: Vec<i64> = persons.iter().map(|one| signed(one.created.0)).collect();
    client
        .execute_typed(
            "-- put_persons
             INSERT INTO person (person, name, folded, password, is_admin, created)
             SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::int8[])
             ON CONFLICT (person) DO UPDATE SET name = excluded.name, folded = excluded.folded,
                 password = excluded.password, is_admin = excluded.is_admin, created = excluded.created",
            &[
                (&ids, Type::INT8_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&folded, Type::TEXT_ARRAY),
                (&passwords, Type::TEXT_ARRAY),
                (&admins, Type::BOOL_ARRAY),
                (&created, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}
