//! Looking a receipt up: anybody who holds one may ask whether it is in the ledger.

use axum::Json;
use axum::extract::State;
use hustings_core::Event;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Shared;
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::receipt::Receipt;
use crate::ledger::Wanted;

/// What a receipt stands for. Never what was chosen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReceiptBody {
    /// counted, or superseded where the voter changed the vote since.
    status: &'static str,
    /// The poll's code.
    poll: String,
    /// The round voted in, from 1.
    round: u32,
    receipt: Receipt,
}

/// Says whether a receipt's vote is in the ledger, and whether it still counts.
#[utoipa::path(get, path = "/api/v1/receipts/{receipt}", tag = "votes", params(("receipt" = String, Path)),
    responses((status = 200, body = ReceiptBody), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn receipt(State(services): State<Shared>, Name(receipt): Name) -> Result<Json<ReceiptBody>, Problem> {
    let unknown = || Problem::not_found("unknown_receipt", "no vote here has this receipt");
    let locator = services.keys.locate(&receipt).ok_or_else(unknown)?;
    let found = services.registry.election(Wanted::Key(locator.election)).await?.ok_or_else(unknown)?;
    let before = hustings_core::Seq(locator.seq.0.checked_sub(1).ok_or_else(unknown)?);
    let stored = services.ledger.read(found.key, before, 1).await?.pop().ok_or_else(unknown)?;
    let shown = Receipt::new(&services.keys, &found, &stored);
    let Event::BallotCast(ballot) = &stored.entry.event else { return Err(unknown()) };
    if shown.id != receipt {
        return Err(unknown());
    }
    let current = services.ledger.ballot(found.key, ballot.contest, ballot.voter).await?;
    let counts = current.is_some_and(|current| current.entry.seq == stored.entry.seq);
    Ok(Json(ReceiptBody {
        status: if counts { "counted" } else { "superseded" },
        poll: found.election.code.to_string(),
        round: ballot.contest.0 + 1,
        receipt: shown,
    }))
}
