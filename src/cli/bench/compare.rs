//! No-ops and votes in turns on one server: a ratio says more than a time on a machine that others use too.
//!
//! Invariant: both sides have the same requests, connections and server; whatever slows the machine slows both.
//! It must not know: the goals. It prints what is.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;
use hustings_core::Time;
use serde_json::json;

use super::{CATCH_UP, CompareArgs, round};
use crate::cli::numbers::{median, rounded, thousands};
use crate::cli::output::Output;
use crate::cli::session::OwnServer;
use crate::clock::Random;
use crate::load::{Api, Mix, Outcome, verify};

const ROUNDS: u32 = 3;

/// One side of one round.
#[derive(Debug, Clone, Copy)]
struct Side {
    per_second: f64,
    cpu: Duration,
    p99: Duration,
}

#[derive(Debug)]
struct Comparison {
    rounds: Vec<(Side, Side)>,
    memory_peak_bytes: u64,
    per_commit: Option<f64>,
    well: bool,
}

/// Runs the rounds and prints them; whether all was exact and without errors.
pub(super) async fn compare(args: &CompareArgs, start: Time, random: &dyn Random) -> anyhow::Result<bool> {
    let arguments: Vec<&str> = std::iter::once("--bench").chain(args.serve.iter().map(String::as_str)).collect();
    let mut own = OwnServer::start(random, &arguments).await?;
    let api = own.api().await?;
    let mut shape = args.load.shape(Mix::default());
    // The first connections and allocations belong to neither side.
    round::noop(&api, args.ballots.div_ceil(10), &shape, start).await?;
    let mut comparison = Comparison { rounds: Vec::new(), memory_peak_bytes: 0, per_commit: None, well: true };
    // A counter that never moved is not there yet.
    let before = batching(&api).await?.unwrap_or_default();
    for _ in 0..ROUNDS {
        shape.seed = shape.seed.wrapping_add(1);
        let begin = own.process()?.usage()?.cpu;
        let noop = round::noop(&api, args.ballots, &shape, start).await?;
        let middle = own.process()?.usage()?.cpu;
        let (poll, votes) = round::votes(&api, args.ballots, &shape, start).await?;
        let end = own.process()?.usage()?.cpu;
        let report = verify(&api, &poll, &votes, CATCH_UP).await?;
        if !report.is_exact() {
            writeln!(io::stderr(), "{report}")?;
        }
        comparison.well &= report.is_exact() && noop.is_clean() && votes.is_clean();
        comparison.rounds.push((side(&noop, middle - begin)?, side(&votes, end - middle)?));
    }
    comparison.per_commit = batching(&api).await?.and_then(|after| per_commit(before, after));
    comparison.memory_peak_bytes = own.process()?.usage()?.memory_peak_bytes;
    own.stop().await?;
    print(args, &comparison)?;
    Ok(comparison.well)
}

fn side(outcome: &Outcome, cpu: Duration) -> anyhow::Result<Side> {
    let requests = u32::try_from(outcome.latency.count()).ok().filter(|&count| count > 0);
    let requests = requests.context("nothing was answered")?;
    Ok(Side { per_second: outcome.per_second(), cpu: cpu / requests, p99: outcome.latency.quantile(0.99) })
}

/// Commits and submissions so far, where the server tells.
async fn batching(api: &Api) -> anyhow::Result<Option<(f64, f64)>> {
    let metrics = api.metrics().await?;
    Ok(sum(&metrics, "hustings_commits_total").zip(sum(&metrics, "hustings_submissions_total")))
}

/// The sum of a counter over all its labels, in Prometheus' text format.
fn sum(metrics: &str, name: &str) -> Option<f64> {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{']))?;
        rest.rsplit(' ').next()?.parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

fn per_commit(before: (f64, f64), after: (f64, f64)) -> Option<f64> {
    let commits = after.0 - before.0;
    (commits > 0.0).then(|| (after.1 - before.1) / commits)
}

fn print(args: &CompareArgs, comparison: &Comparison) -> anyhow::Result<()> {
    let mut out = Output;
    let speed = |(noop, votes): &(Side, Side)| votes.per_second / noop.per_second;
    let cost = |(noop, votes): &(Side, Side)| votes.cpu.as_secs_f64() / noop.cpu.as_secs_f64().max(1e-9);
    let speeds = median(comparison.rounds.iter().map(speed).collect());
    let costs = median(comparison.rounds.iter().map(cost).collect());
    let mib = comparison.memory_peak_bytes >> 20;
    let us = |side: &Side| side.cpu.as_secs_f64() * 1e6;
    if args.load.json {
        let side = |side: &Side| json!({ "per_second": side.per_second, "cpu_us": us(side), "p99_us": side.p99.as_secs_f64() * 1e6 });
        let rounds: Vec<_> =
            comparison.rounds.iter().map(|(noop, votes)| json!({ "noop": side(noop), "votes": side(votes) })).collect();
        let line = json!({ "connections": args.load.connections, "ballots": args.ballots, "rounds": rounds,
            "throughput_ratio": speeds, "cpu_ratio": costs, "memory_peak_bytes": comparison.memory_peak_bytes,
            "submissions_per_commit": comparison.per_commit, "exact_and_clean": comparison.well });
        return Ok(writeln!(out, "{line}")?);
    }
    let (ballots, connections) = (thousands(args.ballots.into()), args.load.connections);
    writeln!(out, "{ROUNDS} rounds of {ballots} no-ops and {ballots} votes on {connections} connections")?;
    writeln!(
        out,
        "{:>14} {:>9} {:>7} {:>15} {:>9} {:>7}",
        "no-op/s", "votes/s", "ratio", "CPU us no-op", "vote", "ratio"
    )?;
    for round in &comparison.rounds {
        let (noop, votes) = round;
        let (fast, faster) = (rounded(noop.per_second), rounded(votes.per_second));
        let (speed, cost) = (speed(round), cost(round));
        writeln!(out, "{fast:>14} {faster:>9} {speed:>7.2} {:>15.1} {:>9.1} {cost:>7.2}", us(noop), us(votes))?;
    }
    writeln!(out, "{:>14} {:>9} {speeds:>7.2} {:>15} {:>9} {costs:>7.2}", "median", "", "", "")?;
    let per_commit = comparison.per_commit.map_or("unknown".to_owned(), |mean| format!("{mean:.1}"));
    writeln!(out, "server: at most {mib} MiB, {per_commit} submissions per commit")?;
    writeln!(out, "{}", if comparison.well { "every round exact, no errors" } else { "NOT EXACT, or with errors" })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_over_their_labels() {
        let metrics = "# TYPE a_total counter\na_total{x=\"1\"} 5\na_total{x=\"2\"} 7\na_total_more 100\nb_total 3\n";
        assert_eq!(sum(metrics, "a_total"), Some(12.0));
        assert_eq!(sum(metrics, "b_total"), Some(3.0));
        assert_eq!(sum(metrics, "c_total"), None);
        assert_eq!(per_commit((1.0, 10.0), (3.0, 50.0)), Some(20.0));
        assert_eq!(per_commit((0.0, 0.0), (3.0, 60.0)), Some(20.0));
        assert_eq!(per_commit((1.0, 10.0), (1.0, 10.0)), None);
    }
}
