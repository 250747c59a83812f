//! What is shown of an election: totals, streams, changes, history, audit.
//!
//! Invariant: who may not see the totals gets nothing from which they follow, by whatever address.

mod audit;
mod boxes;
mod changes;
mod figures;
mod files;
mod history;
mod live;
mod missing;
mod page;
mod standing;
mod table;
mod times;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use hustings_core::election::Viewer;
use hustings_core::{Audience, Contest, UnitNumber};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::OpenApi;

use super::find;
use crate::feed::night::{Moment, contest_code};
use crate::http::api::{AskedAudience, asking, invalid_query};
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::{Services, Shared};
use crate::ledger::{Registered, Scope};

pub(super) use standing::waiting;

pub(in crate::http) use page::page;
#[cfg(test)]
pub(in crate::http) use page::samples;

/// What the interface's document says of this.
#[derive(OpenApi)]
#[openapi(paths(
    figures::results,
    live::stream,
    live::socket,
    live::issue_ticket,
    changes::changes,
    standing::status,
    missing::missing,
    boxes::boxes,
    history::history,
    audit::audit
))]
pub(super) struct Document;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/elections/{election}/results", get(figures::results))
        .route("/api/v1/elections/{election}/results/stream", get(live::stream))
        .route("/api/v1/elections/{election}/results/ws", get(live::socket))
        .route("/api/v1/elections/{election}/results/tickets", post(live::issue_ticket))
        .route("/api/v1/elections/{election}/changes", get(changes::changes))
        .route("/api/v1/elections/{election}/status", get(standing::status))
        .route("/api/v1/elections/{election}/missing", get(missing::missing))
        .route("/api/v1/elections/{election}/boxes", get(boxes::boxes))
        .route("/api/v1/elections/{election}/history", get(history::history))
        .route("/api/v1/elections/{election}/audit", get(audit::audit))
}

/// An election as somebody sees it now.
struct Seen {
    found: Registered,
    moment: Moment,
    viewer: Viewer,
    audience: Audience,
}

/// An election by its name, as whoever asks sees it now.
async fn see(
    services: &Services,
    name: &str,
    audience: Option<AskedAudience>,
    headers: &HeaderMap,
) -> Result<Seen, Problem> {
    let found = find(services, name).await?;
    let viewer = asking(services, &found, audience, headers).await?;
    let moment = services.feed.moment(found.key).await?.ok_or_else(gone)?;
    let audience = moment.audience(viewer);
    Ok(Seen { found, moment, viewer, audience })
}

/// The same, for what is told only to those who may see the totals.
async fn see_all(services: &Services, name: &str, headers: &HeaderMap) -> Result<Seen, Problem> {
    let seen = see(services, name, None, headers).await?;
    seen.require_full()?;
    Ok(seen)
}

/// An election as somebody sees it whose token may see all of it.
async fn see_with_token(services: &Services, name: &str, headers: &HeaderMap) -> Result<Seen, Problem> {
    let caller = Caller::of(services, headers).await?;
    caller.require_known(Scope::Results)?;
    let found = find(services, name).await?;
    caller.require_in(services, Scope::Results, &found).await?;
    let moment = services.feed.moment(found.key).await?.ok_or_else(gone)?;
    Ok(Seen { found, moment, viewer: Viewer::Organiser, audience: Audience::Full })
}

impl Seen {
    /// The same election for the same person, as it stands by now.
    async fn again(self, services: &Services) -> Result<Self, Problem> {
        let moment = services.feed.moment(self.found.key).await?.ok_or_else(gone)?;
        let seen = Self { audience: moment.audience(self.viewer), moment, ..self };
        seen.require_full()?;
        Ok(seen)
    }

    fn require_full(&self) -> Result<(), Problem> {
        let hidden = || {
            let detail = "the results of this election are hidden for now; send a token with the scope `results`";
            Problem::forbidden("results_hidden", detail)
        };
        if self.audience == Audience::Full { Ok(()) } else { Err(hidden()) }
    }
}

fn gone() -> Problem {
    Problem::not_found("unknown_election", "there is no election with this id, code or slug")
}

/// So many long questions about the past are answered at once, so that those who vote or report do not wait for them.
const LONG_QUESTIONS_MAX: usize = 2;
/// How long one waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(10);
static LONG_QUESTIONS: Semaphore = Semaphore::const_new(LONG_QUESTIONS_MAX);

/// The turn of a question that may read much of a ledger.
async fn turn() -> Result<SemaphorePermit<'static>, Problem> {
    match tokio::time::timeout(TURN_WAIT, LONG_QUESTIONS.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Problem::unavailable("busy", "too many ask about the past; please try again in a moment")),
    }
}

/// The parameters of a request, or what is wrong with them.
fn read<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(invalid_query)
}

/// The unit of a code; the whole election without one. Who may not see the totals is told nothing of units that a report may
/// have added.
fn unit_of(moment: &Moment, audience: Audience, code: Option<&str>) -> Result<UnitNumber, Problem> {
    let Some(code) = code else { return Ok(hustings_core::Unit::ROOT) };
    let unknown = || {
        let hidden = if audience == Audience::Masked { ", or it is hidden for now" } else { "" };
        let detail = format!("there is no unit with the code `{}` here{hidden}", short(code));
        Problem::invalid("unknown_unit", "/unit", detail)
    };
    let is_hidden = |unit: &UnitNumber| moment.units().get(*unit).is_some_and(|unit| moment.hides(audience, unit.kind));
    moment.unit(code).filter(|unit| !is_hidden(unit)).ok_or_else(unknown)
}

/// A number that was asked for, or what stands for none; never another one than was asked for.
fn within<T: PartialOrd + Display>(
    name: &str,
    asked: Option<T>,
    default: T,
    range: RangeInclusive<T>,
) -> Result<T, Problem> {
    let asked = asked.unwrap_or(default);
    if range.contains(&asked) {
        return Ok(asked);
    }
    let detail = format!("`{name}` can be from {} to {}, and not {asked}", range.start(), range.end());
    Err(Problem::invalid("invalid_query", format!("/{name}"), detail))
}

/// The contest of a code, where one is named.
fn contest_of<'a>(moment: &'a Moment, code: Option<&str>) -> Result<Option<&'a Contest>, Problem> {
    let unknown = |code: &str| {
        let detail = format!("there is no contest with the code `{}` here", short(code));
        Problem::invalid("unknown_contest", "/contest", detail)
    };
    code.map(|code| moment.contest(code).ok_or_else(|| unknown(code))).transpose()
}

/// The refusal of a question that has an answer only for one of these contests.
fn contest_needed<'a>(why: &str, contests: impl IntoIterator<Item = &'a Contest>) -> Problem {
    let mut codes: Vec<String> = contests.into_iter().map(contest_code).collect();
    let more = codes.len().saturating_sub(CODES_MAX);
    codes.truncate(CODES_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let detail = format!("{why}; name one of them in `contest`: {}{more}", codes.join(", "));
    Problem::invalid("contest_needed", "/contest", detail)
}

/// So many codes of contests are told in a refusal.
const CODES_MAX: usize = 20;

/// The beginning of what somebody sent, to be told back.
fn short(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
