//! Holds a server to what it acknowledged: acknowledged = ledger = counters = frame.
//!
//! Invariant: every difference has a name and a number, and a report without them is the only exact one.
//! It must not know: how the votes were sent. It reads what any observer with a token can read.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::api::{Api, ApiError, Poll, Results};
use super::audit::Audit;
use super::events::EventStream;
use super::outcome::Outcome;
use super::report::{Report, Totals};

/// Entries in one page of the ledger.
const PAGE_ENTRIES: u32 = 5_000;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Compares everything the server shows of `poll` with what it acknowledged in `outcome`.
///
/// The ledger is read to its end; counters and frames, which may be late but never wrong, have `deadline` to reach it.
pub async fn verify(api: &Api, poll: &Poll, outcome: &Outcome, deadline: Duration) -> Result<Report, ApiError> {
    let mut audit = Audit::new(outcome);
    let mut after = 0;
    loop {
        let page = api.entries(poll, after, PAGE_ENTRIES).await?;
        match audit.page(&page) {
            Ok(0) => break,
            Ok(_) => after = audit.head(),
            Err(reason) => {
                let request = format!("GET {}", poll.path(&format!("entries?after={after}")));
                return Err(ApiError::Unreadable { request, reason });
            }
        }
    }
    let mut report = audit.finish();
    let until = Instant::now() + deadline;
    let results = results_up_to(api, poll, report.ledger_head, until).await?;
    report.counters = Totals::of_results(&results, outcome.plan().codes());
    report.counters_version.clone_from(&results.version);
    if let Some(frame) = frame(api, poll, &results.version, until).await? {
        report.frame = Some(Totals::of_results(&frame, outcome.plan().codes()));
        report.frame_version = Some(frame.version);
    }
    Ok(report)
}

/// The counters once they have reached `seq`; what they say at the deadline if they never do.
async fn results_up_to(api: &Api, poll: &Poll, seq: u64, until: Instant) -> Result<Results, ApiError> {
    loop {
        let results = api.results(poll).await?;
        if super::report::seq_of(&results.version).is_some_and(|at| at >= seq) || Instant::now() >= until {
            return Ok(results);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// The first frame of this version that a watcher gets; `None` if none comes until the deadline.
async fn frame(api: &Api, poll: &Poll, version: &str, until: Instant) -> Result<Option<Results>, ApiError> {
    let path = poll.path("results/stream");
    let patience = until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
    let lost = |source| ApiError::Connection { request: format!("GET {path}"), source };
    let mut stream = EventStream::open(api, &path, patience).await.map_err(lost)?;
    while let Ok(event) = timeout_at(Instant::now() + patience, stream.next()).await {
        let Some(event) = event.map_err(lost)? else { return Ok(None) };
        if event.name != "results" || event.id != version {
            continue;
        }
        let frame = serde_json::from_str(&event.data);
        return frame.map(Some).map_err(|error| ApiError::Unreadable {
            request: format!("GET {path}"),
            reason: format!("event {}: {error}", event.id),
        });
    }
    Ok(None)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
