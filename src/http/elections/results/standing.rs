//! Deferred work, made visible: how far the counters are behind the ledger, what waits at the door and for a person.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use hustings_core::{Seq, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Services, Shared, gone, see_all};
use crate::clock::rfc3339;
use crate::http::described::Looked;
use crate::http::name::Name;
use crate::ledger::{Digest, ElectionKey};

/// Where an election's ledger and counters stand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Standing {
    /// The last entry.
    head: Place,
    /// How far it is counted.
    counters: Counted,
    /// How far the counters are behind.
    lag: Lag,
    /// When the oldest entry that is not counted yet was accepted.
    oldest_pending: Option<String>,
    /// Submissions that wait at the door of this node for the next batch, of all elections.
    queue: usize,
    /// Reports that contradict others.
    quarantine: Quarantine,
    /// Whether these counters cannot follow the ledger now.
    stale: bool,
    /// Whether this node counts by itself, because the shared counters are out of reach.
    degraded: bool,
}

/// A place in the ledger.
#[derive(Debug, Serialize, ToSchema)]
struct Place {
    seq: u64,
    /// When that entry was accepted.
    time: String,
}

/// A place that is counted.
#[derive(Debug, Serialize, ToSchema)]
struct Counted {
    seq: u64,
}

/// What is not counted yet.
#[derive(Debug, Serialize, ToSchema)]
struct Lag {
    entries: u64,
    /// Since the oldest of them was accepted.
    seconds: f64,
}

/// What waits for a person.
#[derive(Debug, Serialize, ToSchema)]
struct Quarantine {
    /// Cases that nobody has decided; 1,000 stands for 1,000 or more.
    waiting: usize,
}

/// Cases are counted up to so many.
const WAITING_MAX: usize = 1_000;
/// Each may hold a request of a megabyte, so only so many are read at once.
const CASES_PAGE: usize = 20;

/// Where the ledger, the counters and the queues stand.
#[utoipa::path(get, path = "/api/v1/elections/{election}/status", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = Standing), Looked),
    security((), ("token" = [])))]
pub(super) async fn status(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
) -> Result<Json<Standing>, Problem> {
    let seen = see_all(&services, &election, &headers).await?;
    let key = seen.found.key;
    let heads = services.ledger.heads(&[key]).await?;
    let (_, head) = heads.first().ok_or_else(gone)?;
    let counted = seen.moment.seq().min(head.seq);
    let pending = pending(&services, key, counted).await?;
    let waited_ms = pending.map_or(0, |since| services.clock.now().0.saturating_sub(since.0));
    Ok(Json(Standing {
        head: Place { seq: head.seq.0, time: rfc3339(head.time) },
        counters: Counted { seq: counted.0 },
        lag: Lag { entries: head.seq.0 - counted.0, seconds: seconds(waited_ms) },
        oldest_pending: pending.map(rfc3339),
        queue: services.ingest.waiting(),
        quarantine: Quarantine { waiting: waiting(&services, key).await? },
        stale: seen.moment.is_stale(),
        degraded: seen.moment.is_degraded(),
    }))
}

/// When the first entry after a place was accepted.
async fn pending(services: &Services, key: ElectionKey, counted: Seq) -> Result<Option<Time>, Problem> {
    Ok(services.ledger.read(key, counted, 1).await?.first().map(|stored| stored.entry.time))
}

/// Milliseconds as seconds.
fn seconds(milliseconds: u64) -> f64 {
    f64::from(u32::try_from(milliseconds).unwrap_or(u32::MAX)) / 1000.0
}

/// How many cases wait for a person, up to 1,000.
pub(in crate::http::elections) async fn waiting(services: &Services, key: ElectionKey) -> Result<usize, Problem> {
    let (mut count, mut after): (usize, Option<Digest>) = (0, None);
    while count < WAITING_MAX {
        let page = services.reports.cases(key, after, true, CASES_PAGE).await?;
        count += page.len();
        after = page.last().map(|case| case.digest);
        if page.len() < CASES_PAGE {
            break;
        }
    }
    Ok(count.min(WAITING_MAX))
}
