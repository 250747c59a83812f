//! The figures of all sides, for a person or a program.
//!
//! It must not know: how they came about.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::baseline::{self, LINES};
use super::{CountersArgs, Figure, ROUNDS, Row, Table};
use crate::cli::numbers::{median, ms, rounded, thousands};
use crate::cli::output::Output;

/// Prints medians, and how each side compares with both baselines, round by round.
pub(super) fn table(args: &CountersArgs, redis: &str, table: &Table, exact: bool) -> anyhow::Result<()> {
    let mut out = Output;
    let against = |name: &str| table.0.iter().find(|row| row.name == name);
    let benchmark = against(baseline::BENCHMARK);
    let reference = against(&baseline::name(LINES[0]));
    if args.json {
        let rows: Vec<_> = table
            .0
            .iter()
            .map(|row| {
                let us = |at: fn((Duration, Duration)) -> Duration| latency(row, at).map(|it| it.as_secs_f64() * 1e6);
                json!({ "what": row.name, "increments_per_second": row.figures.iter().map(|it| it.per_second).collect::<Vec<_>>(),
                    "to_benchmark": ratio(row, benchmark), "to_reference": ratio(row, reference),
                    "p50_us": us(|it| it.0), "p99_us": us(|it| it.1) })
            })
            .collect();
        let line = json!({ "redis": redis, "votes": args.votes, "batch": args.batch, "rows": rows, "exact": exact });
        return Ok(writeln!(out, "{line}")?);
    }
    let (votes, batch) = (thousands(args.votes.into()), args.batch);
    writeln!(out, "{redis}; {ROUNDS} rounds of {votes} votes in batches of {batch}; medians")?;
    let heads = ["increments/s", "to INCRBY", "to SET", "p50", "p99"];
    writeln!(out, "{:<36} {:>13} {:>10} {:>9} {:>9} {:>9}", "", heads[0], heads[1], heads[2], heads[3], heads[4])?;
    for row in &table.0 {
        let speed = rounded(median(row.figures.iter().map(|figure| figure.per_second).collect()));
        let (one, other) = (ratio(row, benchmark), ratio(row, reference));
        let at = |at: fn((Duration, Duration)) -> Duration| latency(row, at).map(ms).unwrap_or_default();
        let (p50, p99) = (at(|it| it.0), at(|it| it.1));
        writeln!(out, "{:<36} {speed:>13} {one:>10.2} {other:>9.1} {p50:>9} {p99:>9}", row.name)?;
    }
    writeln!(out, "{}", if exact { "every round exact" } else { "NOT EXACT" })?;
    Ok(())
}

/// The median of how much faster a side was in each round.
fn ratio(row: &Row, against: Option<&Row>) -> f64 {
    let against = against.map(|row| row.figures.as_slice()).unwrap_or_default();
    median(row.figures.iter().zip(against).map(|(one, other)| one.per_second / other.per_second).collect())
}

fn latency(row: &Row, at: fn((Duration, Duration)) -> Duration) -> Option<Duration> {
    let seconds: Option<Vec<f64>> =
        row.figures.iter().map(|Figure { latency, .. }| latency.map(|it| at(it).as_secs_f64())).collect();
    seconds.map(|seconds| Duration::from_secs_f64(median(seconds)))
}
