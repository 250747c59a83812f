//! What operators and benches ask: alive, ready, metrics, and a request that costs nothing but itself.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hustings_core::Time;

use super::api::VoteBody;
use super::auth::Caller;
use super::body::{self, VOTE_MAX};
use super::error::Problem;
use super::{Services, Shared};
use crate::ledger::Scope;

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

pub(super) fn bench_routes() -> Router<Shared> {
    Router::new().route("/bench/noop", get(noop_get).post(noop_post))
}

/// The process answers.
async fn livez() -> &'static str {
    "ok\n"
}

/// How long the ledger may take to say that it can write.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Votes are accepted: the ledger's writer answers, and the server is not stopping.
async fn readyz(State(services): State<Shared>) -> Result<&'static str, Problem> {
    if *services.stopping.borrow() {
        return Err(Problem::unavailable("stopping", "the server is stopping"));
    }
    let written = tokio::time::timeout(READY_TIMEOUT, services.ledger.append(Vec::new())).await;
    written.map_err(|_| Problem::unavailable("store_unavailable", "the ledger does not answer in time"))??;
    Ok("ready\n")
}

/// Numbers that could tell the turnout of a hidden poll are only for tokens with the scope `metrics`.
const PUBLIC_METRICS: [&str; 3] =
    ["hustings_build_info", "hustings_recount_alarms_total", "hustings_connections_refused_total"];

async fn metrics(State(services): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    note_deferred(&services).await;
    let all = services.metrics.render();
    let text = if Caller::of(&services, &headers).await?.may(Scope::Metrics) { all } else { public(&all) };
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// How far counters are behind their ledgers, and how much waits at the door. What the ledger cannot tell now is left as it
/// was told before.
async fn note_deferred(services: &Services) {
    let (mut entries, mut oldest): (u64, Option<Time>) = (0, None);
    for (key, lag) in services.feed.lags() {
        entries = entries.max(lag.head.0.saturating_sub(lag.counted.0));
        let Ok(pending) = services.ledger.read(key, lag.counted, 1).await else { return };
        let since = pending.first().map(|stored| stored.entry.time);
        oldest = oldest.into_iter().chain(since).min();
    }
    let waited_ms = oldest.map_or(0, |since| services.clock.now().0.saturating_sub(since.0));
    let number = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    metrics::gauge!("hustings_lag_entries").set(number(entries));
    metrics::gauge!("hustings_lag_seconds").set(number(waited_ms) / 1000.0);
    metrics::gauge!("hustings_queue_waiting").set(number(services.ingest.waiting() as u64));
}

fn public(all: &str) -> String {
    let named = |line: &str| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        PUBLIC_METRICS.iter().any(|public| name.strip_prefix(public).is_some_and(|rest| rest.starts_with([' ', '{'])))
    };
    let mut lines: Vec<&str> = all.lines().filter(|line| named(line)).collect();
    lines.push("# More with a token that has the scope `metrics`.\n");
    lines.join("\n")
}

async fn noop_get() -> &'static str {
    "{\"status\":\"noop\"}"
}

/// Parses and checks the same as a vote, and stores nothing: the baseline that votes are measured against.
async fn noop_post(
    State(services): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, impl IntoResponse), Problem> {
    Caller::of(&services, &headers).await?;
    let _vote: VoteBody = body::read(body, VOTE_MAX).await?;
    Ok((StatusCode::CREATED, ([(header::CONTENT_TYPE, "application/json")], "{\"status\":\"noop\"}")))
}
