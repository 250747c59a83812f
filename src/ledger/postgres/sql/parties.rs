//! The SQL of parties.

use hustings_core::Party;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::failure::Failure;
use super::super::rows::election_number;
use crate::ledger::ElectionKey;
use crate::ledger::registry::party;

/// Keeps parties whose codes are not there.
pub(in super::super) async fn add_parties(client: &Client, key: ElectionKey, parties: &[Party]) -> Result<(), Failure> {
    let (codes, names): (Vec<_>, Vec<_>) =
        parties.iter().map(|party| (party.code.as_str(), party.name.as_str())).unzip();
    client
        .execute_typed(
            "-- add_parties
             INSERT INTO party (election, code, name)
             SELECT $1, code, name FROM unnest($2::text[], $3::text[]) AS new (code, name) ORDER BY code
             ON CONFLICT DO NOTHING",
            &[(&election_number(key), Type::INT4), (&codes, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(())
}

/// All parties of an election.
pub(in super::super) async fn parties(client: &Client, key: ElectionKey) -> Result<Vec<Party>, Failure> {
    let rows = client
        .query_typed(
            "-- parties
             SELECT code, name FROM party WHERE election = $1 ORDER BY code COLLATE \"C\"",
            &[(&election_number(key), Type::INT4)],
        )
        .await?;
    rows.iter().map(|row| Ok(party(key, row.try_get("code")?, row.try_get("name")?)?)).collect()
}
