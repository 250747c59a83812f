//! The SQL of people's parts in elections: memberships and co-host links.

use hustings_core::{Role, Time};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::super::failure::Failure;
use super::super::rows::{self, election_number, signed};
use super::people::{hash, time};
use crate::ledger::people::{login_name, role};
use crate::ledger::{
    Changed, CohostLink, ElectionKey, LINKS_MAX, LinkId, MEMBERS_MAX, Member, NewLink, Owned, PersonId, Registered,
};

fn link_of(row: &Row) -> Result<CohostLink, Failure> {
    let id: i64 = row.try_get("link")?;
    let revoked: Option<i64> = row.try_get("revoked")?;
    Ok(CohostLink {
        id: LinkId(id),
        hash: hash(row, "cohost_link")?,
        election: rows::key(row)?,
        role: role("cohost_link", id, row.try_get("role")?)?,
        by: row.try_get::<_, Option<i64>>("made_by")?.map(PersonId),
        created: time(row, "created")?,
        revoked: revoked.map(|at| Time(rows::unsigned(at))),
    })
}

/// From the columns of `people::session`.
pub(super) fn joined_link(row: &Row, id: LinkId) -> Result<CohostLink, Failure> {
    let bytes: &[u8] = row.try_get("link_hash")?;
    let wrong = |_| crate::ledger::people::damaged("cohost_link", id.0, "its hash is not 32 bytes long".to_owned());
    Ok(CohostLink {
        id,
        hash: bytes.try_into().map_err(wrong)?,
        election: rows::key(row)?,
        role: role("cohost_link", id.0, row.try_get("role")?)?,
        by: row.try_get::<_, Option<i64>>("made_by")?.map(PersonId),
        created: time(row, "link_created")?,
        revoked: None,
    })
}

/// A person's part.
pub(in super::super) async fn membership(
    client: &Client,
    person: PersonId,
    key: ElectionKey,
) -> Result<Option<Role>, Failure> {
    let row = client
        .query_typed_opt(
            "-- membership
             SELECT role FROM membership WHERE election = $1 AND person = $2",
            &[(&election_number(key), Type::INT4), (&person.0, Type::INT8)],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(role("membership", format!("({}, {})", key.0, person.0), row.try_get("role")?)?))
}

/// All members of an election.
pub(in super::super) async fn members(client: &Client, key: ElectionKey) -> Result<Vec<Member>, Failure> {
    let rows = client
        .query_typed(
            "-- members
             SELECT person, name, role FROM membership JOIN person USING (person) WHERE election = $1 ORDER BY person",
            &[(&election_number(key), Type::INT4)],
        )
        .await?;
    let member = |row: &Row| {
        let id: i64 = row.try_get("person")?;
        Ok(Member {
            person: PersonId(id),
            name: login_name(id, row.try_get("name")?)?,
            role: role("membership", format!("({}, {id})", key.0), row.try_get("role")?)?,
        })
    };
    rows.iter().map(member).collect()
}

/// Gives a person a part or takes it away, under `people::lock`: one statement, so that it holds against one instant.
pub(in super::super) async fn set_member(
    client: &Client,
    key: ElectionKey,
    person: PersonId,
    part: Option<Role>,
) -> Result<Changed, Failure> {
    let row = client
        .query_typed_one(
            "-- set_member
             WITH members AS (
                 SELECT person, role FROM membership JOIN person USING (person) WHERE election = $1
             ), asked AS (
                 SELECT EXISTS (SELECT FROM members WHERE person = $2 AND role = 'owner')
                         AND $3::text IS DISTINCT FROM 'owner'
                         AND (SELECT count(*) FROM members WHERE role = 'owner') < 2 AS last_owner,
                     $3::text IS NOT NULL AND NOT EXISTS (SELECT FROM members WHERE person = $2)
                         AND (SELECT count(*) FROM members) >= $4 AS too_many
             ), removed AS (
                 DELETE FROM membership USING asked
                 WHERE election = $1 AND person = $2 AND $3::text IS NULL AND NOT last_owner
             ), put AS (
                 INSERT INTO membership (election, person, role)
                 SELECT $1, $2, $3 FROM asked WHERE $3::text IS NOT NULL AND NOT last_owner AND NOT too_many
                 ON CONFLICT (election, person) DO UPDATE SET role = excluded.role
             )
             SELECT last_owner, too_many FROM asked",
            &[
                (&election_number(key), Type::INT4),
                (&person.0, Type::INT8),
                (&part.map(Role::name), Type::TEXT),
                (&signed(MEMBERS_MAX as u64), Type::INT8),
            ],
        )
        .await?;
    Ok(match (row.try_get("last_owner")?, row.try_get("too_many")?) {
        (true, _) => Changed::LastOwner,
        (false, true) => Changed::TooMany,
        (false, false) => Changed::Done,
    })
}

/// Elections, the newest first: all, or those of a person.
pub(in super::super) async fn elections_before(
    client: &Client,
    person: Option<PersonId>,
    before: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<Owned>, Failure> {
    let (before, limit) = (before.map_or(i32::MAX, election_number), signed(limit as u64));
    let rows = match person {
        Some(person) => {
            let sql = "-- elections_before
                 SELECT election, definition, role FROM membership JOIN election USING (election)
                 WHERE person = $1 AND election < $2 ORDER BY election DESC LIMIT $3";
            client.query_typed(sql, &[(&person.0, Type::INT8), (&before, Type::INT4), (&limit, Type::INT8)]).await?
        }
        None => {
            let sql = "-- elections_before
                 SELECT election, definition, NULL::text AS role FROM election
                 WHERE election < $1 ORDER BY election DESC LIMIT $2";
            client.query_typed(sql, &[(&before, Type::INT4), (&limit, Type::INT8)]).await?
        }
    };
    let owned = |row: &Row| {
        let (key, election) = rows::defined(row)?;
        let part: Option<&str> = row.try_get("role")?;
        let part = part.map(|part| role("membership", format!("in election {}", key.0), part)).transpose()?;
        Ok(Owned { registered: Registered { key, election: election.into() }, role: part })
    };
    rows.iter().map(owned).collect()
}

/// Keeps a link, under `people::lock`, unless there are too many.
pub(in super::super) async fn add_link(client: &Client, new: &NewLink) -> Result<Option<LinkId>, Failure> {
    let row = client
        .query_typed_opt(
            "-- add_link
             INSERT INTO cohost_link (election, hash, role, made_by, created)
             SELECT $1, $2, $3, $4, $5
             WHERE (SELECT count(*) FROM cohost_link WHERE election = $1 AND revoked IS NULL) < $6 RETURNING link",
            &[
                (&election_number(new.election), Type::INT4),
                (&new.hash.as_slice(), Type::BYTEA),
                (&new.role.name(), Type::TEXT),
                (&new.by.map(|by| by.0), Type::INT8),
                (&signed(new.created.0), Type::INT8),
                (&signed(LINKS_MAX as u64), Type::INT8),
            ],
        )
        .await?;
    Ok(row.map(|row| row.try_get("link").map(LinkId)).transpose()?)
}

/// A link by its secret's hash.
pub(in super::super) async fn link(client: &Client, hash: [u8; 32]) -> Result<Option<CohostLink>, Failure> {
    let row = client
        .query_typed_opt(
            "-- link
             SELECT * FROM cohost_link WHERE hash = $1 AND revoked IS NULL",
            &[(&hash.as_slice(), Type::BYTEA)],
        )
        .await?;
    row.as_ref().map(link_of).transpose()
}

/// All links of an election.
pub(in super::super) async fn links(client: &Client, key: ElectionKey) -> Result<Vec<CohostLink>, Failure> {
    let rows = client
        .query_typed(
            "-- links
             SELECT * FROM cohost_link WHERE election = $1 ORDER BY link",
            &[(&election_number(key), Type::INT4)],
        )
        .await?;
    rows.iter().map(link_of).collect()
}

/// Revokes a link and ends its sessions.
pub(in super::super) async fn revoke_link(
    client: &Client,
    key: ElectionKey,
    id: LinkId,
    at: Time,
) -> Result<bool, Failure> {
    let rows = client
        .query_typed(
            "-- revoke_link
             WITH revoked AS (
                 UPDATE cohost_link SET revoked = $3 WHERE link = $1 AND election = $2 AND revoked IS NULL RETURNING link
             ), ended AS (DELETE FROM session USING revoked WHERE session.link = revoked.link)
             SELECT link FROM revoked",
            &[(&id.0, Type::INT8), (&election_number(key), Type::INT4), (&signed(at.0), Type::INT8)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Takes away all members and links of an election.
pub(in super::super) async fn clear_members(client: &Client, key: ElectionKey) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- clear_members
             WITH parts AS (DELETE FROM membership WHERE election = $1)
             DELETE FROM cohost_link WHERE election = $1",
            &[(&election_number(key), Type::INT4)],
        )
        .await?;
    Ok(())
}

/// Keeps members and links of an election that has none.
pub(in super::super) async fn insert_members(
    client: &Client,
    key: ElectionKey,
    members: &[Member],
    links: &[CohostLink],
) -> Result<(), Failure> {
    let persons: Vec<i64> = members.iter().map(|one| one.person.0).collect();
    let roles: Vec<&str> = members.iter().map(|one| one.role.name()).collect();
    let ids: Vec<i64> = links.iter().map(|one| one.id.0).collect();
    let hashes: Vec<&[u8]> = links.iter().map(|one| one.hash.as_slice()).collect();
    let parts: Vec<&str> = links.iter().map(|one| one.role.name()).collect();
    let makers: Vec<Option<i64>> = links.iter().map(|one| one.by.map(|by| by.0)).collect();
    let created: Vec<i64> = links.iter().map(|one| signed(one.created.0)).collect();
    let revoked: Vec<Option<i64>> = links.iter().map(|one| one.revoked.map(|at| signed(at.0))).collect();
    client
        .execute_typed(
            "-- insert_members
             WITH parts AS (
                 INSERT INTO membership (election, person, role) SELECT $1, * FROM unnest($2::int8[], $3::text[])
             )
             INSERT INTO cohost_link (link, election, hash, role, made_by, created, revoked)
             SELECT link, $1, hash, role, made_by, created, revoked
             FROM unnest($4::int8[], $5::bytea[], $6::text[], $7::int8[], $8::int8[], $9::int8[])
                 AS new (link, hash, role, made_by, created, revoked)",
            &[
                (&election_number(key), Type::INT4),
                (&persons, Type::INT8_ARRAY),
                (&roles, Type::TEXT_ARRAY),
                (&ids, Type::INT8_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&parts, Type::TEXT_ARRAY),
                (&makers, Type::INT8_ARRAY),
                (&created, Type::INT8_ARRAY),
                (&revoked, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}
