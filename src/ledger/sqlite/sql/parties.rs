//! SQL of parties.

use hustings_core::Party;
use rusqlite::{Connection, params};

use crate::ledger::ElectionKey;
use crate::ledger::registry::party;
use crate::ledger::sqlite::writer::Failure;

pub(in crate::ledger::sqlite) fn add_parties(
    tx: &Connection,
    key: ElectionKey,
    parties: &[Party],
) -> Result<(), Failure> {
    let mut insert = tx.prepare(
        "-- add_parties
         INSERT INTO party (election, code, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    for Party { code, name } in parties {
        insert.execute(params![key.0, code.as_str(), name.as_str()])?;
    }
    Ok(())
}

pub(in crate::ledger::sqlite) fn parties(connection: &Connection, key: ElectionKey) -> Result<Vec<Party>, Failure> {
    let mut select = connection.prepare(
        "-- parties
         SELECT code, name FROM party WHERE election = ? ORDER BY code",
    )?;
    let rows = select.query_map([key.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(Failure::from).and_then(|(code, name)| Ok(party(key, code, name)?))).collect()
}
