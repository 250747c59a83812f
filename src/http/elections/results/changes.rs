//! What changed since a version, entry by entry: why a total moved, and who moved it.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use hustings_core::{Seq, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Shared, read, see_all, times, within};
use crate::export::changes::Change;
use crate::http::described::Looked;
use crate::http::name::Name;

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesQuery {
    /// The version after which they came (default: all).
    after: Option<String>,
    /// At most so many, up to 1,000 (default 100).
    limit: Option<usize>,
    /// Where there are none yet: wait so many seconds for one, at most 30 (default 0).
    wait_s: Option<u64>,
}

const LIMIT_MAX: usize = 1_000;
const WAIT_MAX_S: u64 = 30;

/// What changed since a version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changes {
    /// The version after the last of them: send it as `after` next time.
    version: String,
    /// The changes, oldest first.
    changes: Vec<VersionedChange>,
    /// Whether there are more now.
    more: bool,
}

/// A change, and the version that it made.
#[derive(Debug, Serialize, ToSchema)]
struct VersionedChange {
    version: String,
    #[serde(flatten)]
    change: Change,
}

/// What changed since a version, entry by entry; waits for a change where asked to.
#[utoipa::path(get, path = "/api/v1/elections/{election}/changes", tag = "elections", params(ChangesQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = Changes), (status = 422, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn changes(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Json<Changes>, Problem> {
    let query = read(query)?;
    let limit = within("limit", query.limit, 100, 1..=LIMIT_MAX)?;
    let wait_s = within("wait_s", query.wait_s, 0, 0..=WAIT_MAX_S)?;
    let mut seen = see_all(&services, &election, &headers).await?;
    let after = match &query.after {
        None => Seq(0),
        Some(text) => {
            let malformed =
                || Problem::invalid("invalid_version", "/after", "`after` is the `version` of earlier changes");
            let version: Version = text.parse().map_err(|()| malformed())?;
            if !services.feed.at_least(seen.found.key, version).await? {
                return Err(Problem::unavailable(
                    "not_yet",
                    "this node has not heard of that version yet; please try again",
                ));
            }
            seen = seen.again(&services).await?;
            times::place_of(&seen.moment, "after", version)?
        }
    };
    let wait = Duration::from_secs(wait_s);
    if after == seen.moment.seq() && !wait.is_zero() {
        let mut stopping = services.stopping.clone();
        tokio::select! {
            beyond = services.feed.beyond(seen.found.key, after, wait) => { beyond?; }
            _stopping = stopping.wait_for(|stopping| *stopping) => {}
        }
        // They may have been hidden meanwhile.
        seen = seen.again(&services).await?;
    }
    let left = usize::try_from(seen.moment.seq().0.saturating_sub(after.0)).unwrap_or(limit);
    let page = match left {
        0 => Vec::new(),
        left => services.ledger.read(seen.found.key, after, limit.min(left)).await?,
    };
    let epoch = seen.moment.version(seen.audience).epoch();
    let version = |seq| Version::Full(epoch, seq).to_string();
    let last = page.last().map_or(after, |stored| stored.entry.seq);
    let election = &seen.moment.found().election;
    let told = page.iter().map(|stored| VersionedChange {
        version: version(stored.entry.seq),
        change: Change::of(election, seen.moment.units(), &stored.entry),
    });
    Ok(Json(Changes { version: version(last), changes: told.collect(), more: last < seen.moment.seq() }))
}
