//! The SQL of tokens and tickets.

use hustings_core::Time;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::failure::Failure;
use super::super::rows::{self, election_number, signed};
use super::reports::unit_number;
use crate::ledger::{ElectionKey, LedgerError, NewToken, Token, TokenId};

/// Keeps new tokens, all or none, in one statement.
pub(in super::super) async fn create_tokens(client: &Client, tokens: &[NewToken]) -> Result<Vec<TokenId>, Failure> {
    let column = |of: fn(&NewToken) -> &str| tokens.iter().map(of).collect::<Vec<_>>();
    let scopes: Vec<_> = tokens.iter().map(|token| token.scopes.to_string()).collect();
    let hashes: Vec<_> = tokens.iter().map(|token| token.hash.as_slice()).collect();
    let limits: Vec<_> = tokens.iter().map(|token| token.per_minute.map(i64::from)).collect();
    let times: Vec<_> = tokens.iter().map(|token| signed(token.created.0)).collect();
    let elections: Vec<_> = tokens.iter().map(|token| token.election.map(election_number)).collect();
    let units: Vec<_> = tokens.iter().map(|token| token.unit.map(unit_number)).collect();
    let rows = client
        .query_typed(
            "-- create_tokens
             INSERT INTO token (name, hash, scopes, per_minute, created, election, unit)
             SELECT name, hash, scopes, per_minute, created, election, unit
             FROM unnest($1::text[], $2::bytea[], $3::text[], $4::int8[], $5::int8[], $6::int4[], $7::int4[])
                 WITH ORDINALITY AS new (name, hash, scopes, per_minute, created, election, unit, place)
             ORDER BY place RETURNING token",
            &[
                (&column(|token| &token.name), Type::TEXT_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&scopes, Type::TEXT_ARRAY),
                (&limits, Type::INT8_ARRAY),
                (&times, Type::INT8_ARRAY),
                (&elections, Type::INT4_ARRAY),
                (&units, Type::INT4_ARRAY),
            ],
        )
        .await
        .map_err(taken)?;
    let mut numbers: Vec<_> = rows.iter().map(|row| row.try_get("token").map(TokenId)).collect::<Result<_, _>>()?;
    // Numbers were drawn in the order of the rows.
    numbers.sort_unstable();
    Ok(numbers)
}

/// A token that is there already, or was, is an error of its own.
fn taken(error: tokio_postgres::Error) -> Failure {
    let failure = Failure::from(error);
    match failure.taken() {
        Some("token_hash_key") => LedgerError::TokenTaken.into(),
        _ => failure,
    }
}

/// The token with this hash, unless it was revoked.
pub(in super::super) async fn token(client: &Client, hash: [u8; 32]) -> Result<Option<Token>, Failure> {
    let row = client
        .query_typed_opt(
            "-- token
             SELECT * FROM token WHERE hash = $1 AND revoked IS NULL",
            &[(&hash.as_slice(), Type::BYTEA)],
        )
        .await?;
    row.as_ref().map(rows::token).transpose()
}

/// All tokens.
pub(in super::super) async fn tokens(client: &Client) -> Result<Vec<Token>, Failure> {
    let rows = client
        .query_typed(
            "-- tokens
             SELECT * FROM token ORDER BY token",
            &[],
        )
        .await?;
    rows.iter().map(rows::token).collect()
}

/// Revokes a token that was not revoked before.
pub(in super::super) async fn revoke_token(client: &Client, id: TokenId, at: Time) -> Result<bool, Failure> {
    let revoked = client
        .execute_typed(
            "-- revoke_token
             UPDATE token SET revoked = $2 WHERE token = $1 AND revoked IS NULL",
            &[(&id.0, Type::INT8), (&signed(at.0), Type::INT8)],
        )
        .await?;
    Ok(revoked == 1)
}

/// Notes when tokens were used, where they were not noted to be used later.
pub(in super::super) async fn use_tokens(client: &Client, uses: &[(TokenId, Time)]) -> Result<(), Failure> {
    let (tokens, times): (Vec<i64>, Vec<i64>) = uses.iter().map(|(token, at)| (token.0, signed(at.0))).unzip();
    client
        .execute_typed(
            "-- use_tokens
             UPDATE token SET used = noted.used FROM unnest($1::int8[], $2::int8[]) AS noted (token, used)
             WHERE token.token = noted.token AND (token.used IS NULL OR token.used < noted.used)",
            &[(&tokens, Type::INT8_ARRAY), (&times, Type::INT8_ARRAY)],
        )
        .await?;
    Ok(())
}

/// Keeps a ticket, and forgets those that have long expired.
pub(in super::super) async fn issue_ticket(
    client: &Client,
    hash: [u8; 32],
    key: ElectionKey,
    expires: Time,
) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- issue_ticket
             WITH swept AS (DELETE FROM ticket WHERE expires < $4)
             INSERT INTO ticket (hash, election, expires) VALUES ($1, $2, $3)",
            &[
                (&hash.as_slice(), Type::BYTEA),
                (&election_number(key), Type::INT4),
                (&signed(expires.0), Type::INT8),
                (&signed(expires.0.saturating_sub(3_600_000)), Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// Takes a ticket away: only one of many that try at once gets it.
pub(in super::super) async fn spend_ticket(
    client: &Client,
    hash: [u8; 32],
    key: ElectionKey,
    now: Time,
) -> Result<bool, Failure> {
    let row = client
        .query_typed_opt(
            "-- spend_ticket
             DELETE FROM ticket WHERE hash = $1 AND election = $2 RETURNING expires",
            &[(&hash.as_slice(), Type::BYTEA), (&election_number(key), Type::INT4)],
        )
        .await?;
    let expires = row.map(|row| row.try_get::<_, i64>("expires")).transpose()?;
    Ok(expires.is_some_and(|expires| expires > signed(now.0)))
}
