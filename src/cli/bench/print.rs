//! The outcome of one run, for a person or a program.
//!
//! It must not know: how it came about.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Load;
use crate::cli::numbers::{ms, rounded, thousands};
use crate::cli::output::Output;
use crate::load::{Counts, Outcome, Report};

/// Prints the outcome, and the verification where there was something to verify.
pub(super) fn outcome(what: &str, load: &Load, outcome: &Outcome, report: Option<&Report>) -> io::Result<()> {
    let mut out = Output;
    if load.json {
        return writeln!(out, "{}", as_json(what, load, outcome, report));
    }
    let pace = load.rate.map_or("closed loop".to_owned(), |rate| format!("{}/s, open loop", rounded(rate)));
    let connections = thousands(u64::from(load.connections));
    writeln!(out, "{} {what} on {connections} connections, {pace}, seed {}", thousands(done(outcome)), load.seed)?;
    let seconds = outcome.elapsed.as_secs_f64();
    writeln!(out, "  throughput  {} a second, for {seconds:.2} s", rounded(outcome.per_second()))?;
    let at = |share| ms(outcome.latency.quantile(share));
    writeln!(out, "  latency     p50 {}   p90 {}   p99 {}", at(0.5), at(0.9), at(0.99))?;
    writeln!(out, "              p99.9 {}   max {}", at(0.999), ms(outcome.latency.max()))?;
    writeln!(out, "  answers     {}", answers(&outcome.counts))?;
    if outcome.retries > 0 {
        writeln!(out, "  retries     {}", thousands(outcome.retries))?;
    }
    if outcome.is_clean() {
        writeln!(out, "  errors      none")?;
    }
    for (kind, count) in &outcome.errors {
        writeln!(out, "  error       {} x {kind}", thousands(*count))?;
    }
    for contradiction in &outcome.contradiction_samples {
        writeln!(out, "  error       {contradiction}")?;
    }
    if outcome.unsent > 0 {
        writeln!(out, "  error       {} second votes never became due", thousands(outcome.unsent))?;
    }
    match report {
        Some(report) => writeln!(out, "\n{report}"),
        None => Ok(()),
    }
}

/// The kinds of answers there were, with their numbers.
fn answers(counts: &Counts) -> String {
    let Counts { counted, repeated, changed, superseded, already_voted, conflicts, busy, .. } = *counts;
    let Counts { unanswered, unexpected, noop, given_up, .. } = *counts;
    let kinds = [
        (counted, "counted"),
        (repeated, "repeated"),
        (changed, "changed"),
        (superseded, "superseded"),
        (already_voted, "already voted"),
        (conflicts, "other conflicts"),
        (busy, "told to come back"),
        (unanswered, "unanswered"),
        (unexpected, "unexpected"),
        (noop, "no-ops"),
        (given_up, "given up"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0);
    kinds.map(|(count, kind)| format!("{} {kind}", thousands(*count))).collect::<Vec<_>>().join(", ")
}

fn done(outcome: &Outcome) -> u64 {
    outcome.latency.count()
}

fn as_json(what: &str, load: &Load, outcome: &Outcome, report: Option<&Report>) -> Value {
    let us = |share| u64::try_from(outcome.latency.quantile(share).as_micros()).unwrap_or(u64::MAX);
    let Counts { counted, repeated, already_voted, busy, unanswered, unexpected, given_up, .. } = outcome.counts;
    json!({
        "what": what,
        "connections": load.connections,
        "rate": load.rate,
        "seed": load.seed,
        "done": done(outcome),
        "seconds": outcome.elapsed.as_secs_f64(),
        "per_second": outcome.per_second(),
        "latency_us": { "p50": us(0.5), "p90": us(0.9), "p99": us(0.99), "p99_9": us(0.999), "max": us(1.0) },
        "counts": { "counted": counted, "repeated": repeated, "already_voted": already_voted, "busy": busy,
            "unanswered": unanswered, "unexpected": unexpected, "given_up": given_up },
        "retries": outcome.retries,
        "errors": outcome.errors,
        "contradictions": outcome.contradictions,
        "clean": outcome.is_clean(),
        "verification": report.map(verification),
    })
}

fn verification(report: &Report) -> Value {
    json!({
        "exact": report.is_exact(),
        "acknowledged": report.acknowledged.ballots,
        "ledger": report.ledger.ballots,
        "counters": report.counters.ballots,
        "frame": report.frame.as_ref().map(|frame| frame.ballots),
        "version": report.counters_version,
        "lost": report.lost,
        "doubled": report.doubled,
        "invented": report.invented,
        "altered": report.altered,
        "misplaced": report.misplaced,
        "gaps": report.gaps,
        "in_doubt": report.in_doubt,
        "findings": report.findings,
    })
}
