//! Public ballots: what was chosen in a round that is over, for whoever counts it again.
//!
//! Invariant: nobody gets them where the definition does not say so, nor before results are shown to all and the close cannot
//! be undone, whoever asks: of two answers with votes between them, one could be taken from the other, and would tell who
//! voted what in between.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use hustings_core::election::Viewer;
use hustings_core::{Audience, Contest, ContestNumber, Epoch, Selections, Seq};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::files::{attached, unwritable};
use super::polls::invalid_query;
use super::{find, unknown};
use crate::export::ballots;
use crate::feed::{Ballots, BallotsError};
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::{Services, Shared};
use crate::ledger::Registered;

/// Which ballots, and how they are written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct BallotsQuery {
    /// An earlier round, from 1 (default: the current one).
    round: Option<u32>,
    /// How they are written.
    #[serde(default)]
    format: Lines,
}

/// How ballots are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lines {
    /// One JSON document a line: `{"round":1,"choices":["tea"]}`.
    #[default]
    Ndjson,
    /// A column for each choice, a line for each ballot: 1 under what was chosen, or the score.
    Csv,
}

/// About so many bytes go out at once.
const CHUNK: usize = 64 * 1024;

/// The ballots of a round, without voters and times and sorted by what was chosen, where the poll publishes them: once results are
/// shown to all and the close cannot be undone any more.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/ballots", tag = "results", params(BallotsQuery,
        ("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, content((String = "application/x-ndjson"), (String = "text/csv"))),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn ballots(
    State(services): State<Shared>,
    Name(poll): Name,
    query: Result<Query<BallotsQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(invalid_query)?;
    let found = find(&services.elections, &poll).await?;
    let (round, epoch, seq) = published(&services, &found, query.round).await?;
    let ballots = services.ballots.of(found.key, round, epoch, seq).await.map_err(refused)?;
    let found = services.elections.with_contests(found.key, round.index() + 1).await?.ok_or_else(unknown)?;
    let contest = found.election.contests.get(round.index()).ok_or_else(unknown)?.clone();
    let (kind, end) = match query.format {
        Lines::Ndjson => ("application/x-ndjson", "ndjson"),
        Lines::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let name = format!("{}-round-{}-ballots.{end}", found.election.code, round.0 + 1);
    Ok(attached(kind, &name, written(contest, ballots, query.format)?))
}

/// The round whose ballots are asked for, if they may be given out now, and up to where.
async fn published(
    services: &Services,
    found: &Registered,
    round: Option<u32>,
) -> Result<(ContestNumber, Epoch, Seq), Problem> {
    if !found.election.public_ballots {
        let detail = "this poll does not publish its ballots; that is chosen when a poll is made (`public_ballots`)";
        return Err(Problem::forbidden("ballots_not_public", detail));
    }
    services.feed.refresh(found.key).await?;
    let state = services.feed.state(found.key).await?.ok_or_else(unknown)?;
    let no_round = || Problem::not_found("unknown_round", "this poll has no such round");
    let latest = u32::try_from(state.contests.len()).unwrap_or(u32::MAX);
    let number = ContestNumber(round.unwrap_or(latest).checked_sub(1).ok_or_else(no_round)?);
    let contest = state.contest(number).map_err(|_| no_round())?;
    if !contest.is_final() || found.election.visibility.audience(contest, Viewer::Public) == Audience::Masked {
        let detail = "ballots are published once results are shown to all and the close cannot be undone any more: after \
                      the reveal, or when the next round begins";
        return Err(Problem::conflict("ballots_not_yet", detail));
    }
    // After the state: what is final stays so, and all its votes are before this place.
    let (epoch, seq) = services.feed.place(found.key).await?.ok_or_else(unknown)?;
    Ok((number, epoch, seq))
}

fn refused(error: BallotsError) -> Problem {
    match error {
        BallotsError::Ledger(error) => error.into(),
        BallotsError::Busy => Problem::unavailable("busy", "other ballots are being counted; please try again"),
        BallotsError::TooMany => Problem::conflict(
            "too_many_ballots",
            "these are too many different ballots for a download; whoever runs the server can write them with \
             `hustings export ballots`",
        ),
    }
}

/// Ballots on their way out; a chunk of lines is in memory, and no more.
fn written(contest: Contest, ballots: Arc<Ballots>, lines: Lines) -> Result<Body, Problem> {
    let head = match lines {
        Lines::Ndjson => Vec::new(),
        Lines::Csv => ballots::csv_header(&contest).map_err(|_| unwritable())?,
    };
    let first = ballots.iter().next().map(|(chosen, count)| (chosen.clone(), count));
    let begun = (head, first, Arc::new(contest), ballots);
    let chunks = futures_util::stream::unfold(begun, move |(mut out, mut left, contest, ballots)| async move {
        while out.len() < CHUNK {
            let Some((chosen, count)) = left.take() else { break };
            let line = match lines {
                Lines::Ndjson => ballots::ndjson(&contest, &chosen),
                Lines::Csv => ballots::csv(&contest, &chosen).unwrap_or_default(),
            };
            let fit = u64::try_from(1 + (CHUNK - out.len()) / line.len().max(1)).unwrap_or(1).min(count);
            (0..fit).for_each(|_| out.extend_from_slice(&line));
            left = next(&ballots, chosen, count - fit);
        }
        (!out.is_empty())
            .then(|| (Ok::<_, std::convert::Infallible>(Bytes::from(out)), (Vec::new(), left, contest, ballots)))
    });
    Ok(Body::from_stream(chunks))
}

fn next(ballots: &Ballots, chosen: Selections, left: u64) -> Option<(Selections, u64)> {
    match left {
        0 => ballots.after(&chosen).map(|(chosen, count)| (chosen.clone(), count)),
        left => Some((chosen, left)),
    }
}
