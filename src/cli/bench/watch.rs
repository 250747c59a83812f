//! What watchers cost, and how long they wait: votes with a crowd that watches, and the same votes without it.
//!
//! Invariant: both runs are verified, and no watcher saw an older version after a newer one, or the run is not well.
//! It must not know: the goals. It prints what is.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use hustings_core::Time;
use serde_json::json;
use tokio::time::Instant;

use super::{CATCH_UP, WatchArgs, round};
use crate::cli::numbers::{ms, rounded, thousands};
use crate::cli::output::Output;
use crate::cli::session::OwnServer;
use crate::clock::Random;
use crate::load::{Crowd, Latency, Mix, Pace, Screen, verify};

/// Votes that come one by one, so slowly that each finds an idle feed.
const LONELY_VOTES: u32 = 50;
const LONELY_PER_SECOND: f64 = 4.0;

struct Figures {
    memory_per_watcher_bytes: u64,
    lonely: Latency,
    crowded: Latency,
    watched_per_second: f64,
    unwatched_per_second: f64,
    deliveries: u64,
    cpu_per_delivery: Duration,
    well: bool,
}

/// Runs all of it and prints the figures; whether all was exact and in order.
pub(super) async fn watch(args: &WatchArgs, start: Time, random: &dyn Random) -> anyhow::Result<bool> {
    let mut own = OwnServer::start(random, &["--bench"]).await?;
    let api = own.api().await?;
    let mut shape = args.load.shape(Mix { repeats_percent: 0, second_votes_percent: 0 });
    let usage = |own: &OwnServer| anyhow::Ok(own.process()?.usage()?);
    let poll = round::poll(&api).await?;
    let path = poll.path("results/stream");

    // Memory first: afterwards the peak is that of the votes.
    let before = usage(&own)?.memory_peak_bytes;
    let crowd = Crowd::open(&api, &path, usize::from(args.watchers)).await.context("cannot open the streams")?;
    let grown = usage(&own)?.memory_peak_bytes.saturating_sub(before);

    let lonely_poll = round::poll(&api).await?;
    let lonely_crowd = Crowd::open(&api, &lonely_poll.path("results/stream"), 1).await?;
    shape.pace = Pace::PerSecond(LONELY_PER_SECOND);
    let (lonely_votes, acknowledged) = round::noted(&api, &lonely_poll, LONELY_VOTES, &shape, start).await?;
    let lonely_report = verify(&api, &lonely_poll, &lonely_votes, CATCH_UP).await?;
    let lonely_seen = lonely_crowd.close().await;
    let lonely = waits(&acknowledged, &lonely_seen);

    shape.pace = Pace::Closed;
    let cpu = usage(&own)?.cpu;
    let (watched, acknowledged) = round::noted(&api, &poll, args.ballots, &shape, start).await?;
    let watched_cpu = usage(&own)?.cpu - cpu;
    let deliveries = crowd.deliveries();
    let report = verify(&api, &poll, &watched, CATCH_UP).await?;
    let seen = crowd.close().await;

    let cpu = usage(&own)?.cpu;
    let (other_poll, unwatched) = round::votes(&api, args.ballots, &shape, start).await?;
    let unwatched_cpu = usage(&own)?.cpu - cpu;
    let other_report = verify(&api, &other_poll, &unwatched, CATCH_UP).await?;
    own.stop().await?;

    let is_exact = report.is_exact() && other_report.is_exact() && lonely_report.is_exact();
    let in_order = seen.iter().chain(&lonely_seen).all(|seen| seen.backward == 0 && !seen.lost);
    let per_delivery = watched_cpu.saturating_sub(unwatched_cpu).as_secs_f64() / deliveries.max(1) as f64;
    let figures = Figures {
        memory_per_watcher_bytes: grown / u64::from(args.watchers),
        lonely,
        crowded: waits(&acknowledged, &seen),
        watched_per_second: watched.per_second(),
        unwatched_per_second: unwatched.per_second(),
        deliveries,
        cpu_per_delivery: Duration::from_secs_f64(per_delivery),
        well: is_exact && in_order && watched.is_clean() && unwatched.is_clean() && lonely_votes.is_clean(),
    };
    print(args, &figures)?;
    Ok(figures.well)
}

/// How long after its acknowledgement each vote was on each watcher's screen. A frame that came before the
/// acknowledgement was read counts as no wait.
fn waits(acknowledged: &[(Instant, u64)], screens: &[Screen]) -> Latency {
    let mut latency = Latency::default();
    // Some of both tell as much as all: at most a thousand votes on at most a hundred screens.
    let votes = acknowledged.iter().step_by(acknowledged.len().div_ceil(1_000).max(1));
    for (at, seq) in votes {
        for watcher in screens.iter().step_by(screens.len().div_ceil(100).max(1)) {
            let place = watcher.frames.partition_point(|(_, shown)| shown < seq);
            if let Some((shown_at, _)) = watcher.frames.get(place) {
                latency.record(shown_at.saturating_duration_since(*at));
            }
        }
    }
    latency
}

fn print(args: &WatchArgs, figures: &Figures) -> anyhow::Result<()> {
    let mut out = Output;
    let ratio = figures.watched_per_second / figures.unwatched_per_second;
    if args.load.json {
        let us = |latency: Duration| latency.as_secs_f64() * 1e6;
        let line = json!({ "watchers": args.watchers, "ballots": args.ballots,
            "memory_per_watcher_bytes": figures.memory_per_watcher_bytes,
            "idle_p50_us": us(figures.lonely.quantile(0.5)), "idle_p99_us": us(figures.lonely.quantile(0.99)),
            "loaded_p50_us": us(figures.crowded.quantile(0.5)), "loaded_p99_us": us(figures.crowded.quantile(0.99)),
            "votes_per_second_watched": figures.watched_per_second,
            "votes_per_second_unwatched": figures.unwatched_per_second, "ratio": ratio,
            "deliveries": figures.deliveries, "cpu_per_delivery_us": us(figures.cpu_per_delivery),
            "exact_and_in_order": figures.well });
        return Ok(writeln!(out, "{line}")?);
    }
    let at = |latency: &Latency, share| ms(latency.quantile(share));
    writeln!(out, "{} watchers", thousands(args.watchers.into()))?;
    writeln!(out, "  memory      {} bytes each", thousands(figures.memory_per_watcher_bytes))?;
    let (idle, loaded) = (&figures.lonely, &figures.crowded);
    writeln!(out, "  idle        p50 {}   p99 {}  from acknowledgement to screen", at(idle, 0.5), at(idle, 0.99))?;
    writeln!(out, "  under load  p50 {}   p99 {}", at(loaded, 0.5), at(loaded, 0.99))?;
    let (watched, unwatched) = (rounded(figures.watched_per_second), rounded(figures.unwatched_per_second));
    writeln!(out, "  votes       {watched} a second watched, {unwatched} unwatched, ratio {ratio:.2}")?;
    let us = figures.cpu_per_delivery.as_secs_f64() * 1e6;
    writeln!(out, "  deliveries  {}, {us:.1} us of the server's processor each", thousands(figures.deliveries))?;
    writeln!(out, "{}", if figures.well { "exact, every watcher in order" } else { "NOT EXACT, or out of order" })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_waits_for_the_first_frame_that_has_it() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let screen = |frames: &[(u64, u64)]| Screen {
            frames: frames.iter().map(|(ms, seq)| (at(*ms), *seq)).collect(),
            ..Screen::default()
        };
        let screens = [screen(&[(5, 1), (40, 3)]), screen(&[(30, 3)])];
        let check = |acknowledged: (u64, u64), count: u64, longest_ms: u64| {
            let waits = waits(&[(at(acknowledged.0), acknowledged.1)], &screens);
            let longest = waits.max().as_secs_f64() * 1e3;
            assert_eq!((waits.count(), longest.round()), (count, longest_ms as f64), "{acknowledged:?}");
        };
        // One screen has the vote of place 1 before its answer was read, the other 24 ms after it.
        check((6, 1), 2, 24);
        check((10, 2), 2, 30);
        check((10, 3), 2, 30);
        check((10, 4), 0, 0);
    }
}
