//! What is done again and again while the program runs.

use std::sync::Arc;
use std::time::Duration;

use hustings_core::state::Due;
use hustings_core::{Act, ActKind, ContestNumber, Submission, Text};

use crate::clock::Clock;
use crate::feed::Feed;
use crate::http::Services;
use crate::ingest::Ingest;
use crate::ledger::Ledger;

/// How often schedules are looked at.
const SCHEDULE_INTERVAL: Duration = Duration::from_millis(500);

/// Opens and closes contests when they are due. The ledger decides; asking twice appends nothing twice.
pub(super) async fn schedule(ingest: Ingest, ledger: Arc<dyn Ledger>, feed: Arc<Feed>, clock: Arc<dyn Clock>) {
    let Ok(by) = Text::parse("schedule") else { return };
    loop {
        tokio::time::sleep(SCHEDULE_INTERVAL).await;
        let now = clock.now();
        let Ok(schedules) = ledger.due(now).await else { continue };
        for election in schedules.due {
            let Ok(Some(state)) = feed.state(election).await else { continue };
            for (number, contest) in (0..).map(ContestNumber).zip(&state.contests) {
                let kind = match contest.due() {
                    Some((at, Due::Open)) if at <= now => ActKind::Open { scheduled: true },
                    Some((at, Due::Close)) if at <= now => ActKind::Close { scheduled: true },
                    _ => continue,
                };
                let act = Act { contest: number, kind, by: by.clone(), reason: None };
                if let Err(error) = ingest.submit(election, Submission::Act(act)).await {
                    tracing::warn!(%error, election = election.0, "a schedule could not be followed now; it will be");
                }
            }
        }
    }
}

/// How often it is looked whether elections are gone, and how long others have the store between two pages.
const ERASE_INTERVAL: Duration = Duration::from_secs(2);
const ERASE_PAUSE: Duration = Duration::from_millis(200);
/// The most rows that are erased in one transaction.
const ERASED_MAX: usize = 10_000;

/// Erases what elections that are gone have left, page by page.
pub(super) async fn erase(services: Arc<Services>) {
    loop {
        let pause = match services.registry.erase(ERASED_MAX).await {
            Ok(0) => ERASE_INTERVAL,
            Ok(_) => ERASE_PAUSE,
            Err(error) => {
                tracing::warn!(%error, "rows of elections that are gone could not be erased now; they will be");
                ERASE_INTERVAL
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// How often it is written down who has come.
const JOINED_INTERVAL: Duration = Duration::from_millis(500);

/// Writes down which devices have come.
pub(super) async fn write_down_who_came(services: Arc<Services>) {
    loop {
        tokio::time::sleep(JOINED_INTERVAL).await;
        if let Err(error) = services.joined.write_down(&services).await {
            tracing::warn!(%error, "who has come could not be written down now; it will be");
        }
    }
}

/// Keeps metrics and limits from growing, and writes down when tokens and sessions were used.
pub(super) async fn tidy(services: Arc<Services>) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        services.metrics.run_upkeep();
        services.callers.forget_quiet_voters();
        let uses = services.callers.uses();
        if !uses.is_empty()
            && let Err(error) = services.registry.use_tokens(uses).await
        {
            tracing::warn!(%error, "the last use of tokens could not be written down");
        }
        let seen = services.sessions.uses();
        if !seen.is_empty()
            && let Err(error) = services.people.note_seen(seen).await
        {
            tracing::warn!(%error, "the last use of sessions could not be written down");
        }
        metrics::gauge!("hustings_tallies_stale").set(u32::try_from(services.feed.stale()).unwrap_or(u32::MAX));
    }
}
