//! The outcome of a night, for a person or a program.
//!
//! It must not know: how it came about.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::upload::Uploaded;
use super::{Checked, FEW, Measured, ReportsArgs};
use crate::cli::numbers::{ms, rounded, thousands};
use crate::cli::output::Output;

/// Prints everything that was measured.
pub(super) fn print(args: &ReportsArgs, measured: &Measured) -> io::Result<()> {
    if args.json {
        return writeln!(Output, "{}", as_json(args, measured));
    }
    let (reports, boxes) = (thousands(args.reports.into()), thousands(args.boxes.into()));
    let cities = thousands(args.cities.into());
    writeln!(
        Output,
        "{reports} reports of {boxes} boxes in {cities} cities, {} choices each, seed {}",
        args.choices, args.seed
    )?;
    let row = |name: &str, text: String| writeln!(Output, "  {name:<22} {text}");
    row("units", format!("{} imported in {}", thousands(measured.units), ms(measured.import)))?;
    row("upload", speed(&measured.bulk, Some(measured.bulk_cpu)))?;
    row("", checked(&measured.after_bulk))?;
    row("corrections and such", speed(&measured.again, None))?;
    row("", answers(&measured.again))?;
    row("", checked(&measured.after_again))?;
    row(&format!("single, {} at once", args.connections), speed(&measured.singles, Some(measured.singles_cpu)))?;
    row("", latency(&measured.singles))?;
    row(&format!("single, {FEW} at once"), format!("{}   p99 {}", speed(&measured.alone, None), p99(&measured.alone)))?;
    let beside = format!("{}   p99 {}", speed(&measured.beside, None), p99(&measured.beside));
    row("  beside an upload", beside)?;
    row("", checked(&measured.at_the_end))?;
    row("as of the middle", ms(measured.as_of))?;
    row("what came since then", ms(measured.interval))?;
    let (cpu, mib) = (measured.usage.cpu.as_secs_f64(), measured.usage.memory_peak_bytes >> 20);
    let disk = measured.disk_bytes.map_or_else(String::new, |bytes| format!(", {} MiB on disk", bytes >> 20));
    row("server", format!("{cpu:.1} s of processor, at most {mib} MiB{disk}"))?;
    for unexpected in &measured.unexpected {
        row("unexpected", unexpected.clone())?;
    }
    let well = if measured.is_exact() { "every total exact at every level" } else { "NOT EXACT" };
    writeln!(Output, "{well}")
}

fn speed(uploaded: &Uploaded, cpu: Option<Duration>) -> String {
    let answers: u64 = uploaded.answers.values().sum();
    let seconds = uploaded.elapsed.as_secs_f64();
    let rate = rounded(uploaded.per_second());
    let cpu = cpu.map(|cpu| format!(", {:.1} us of processor each", each(cpu, answers))).unwrap_or_default();
    format!("{} answered in {seconds:.2} s, {rate} a second{cpu}", thousands(answers))
}

/// Microseconds for each of so many.
fn each(cpu: Duration, count: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX)).max(1.0)
}

fn answers(uploaded: &Uploaded) -> String {
    uploaded.answers.iter().map(|(word, count)| format!("{} {word}", thousands(*count))).collect::<Vec<_>>().join(", ")
}

fn latency(uploaded: &Uploaded) -> String {
    let at = |share| ms(uploaded.latency.quantile(share));
    format!("p50 {}   p99 {}   max {}", at(0.5), at(0.99), ms(uploaded.latency.max()))
}

fn p99(uploaded: &Uploaded) -> String {
    ms(uploaded.latency.quantile(0.99))
}

fn checked(checked: &Checked) -> String {
    let mut text = format!("{} figures compared, {} wrong", thousands(checked.figures), thousands(checked.wrong));
    for difference in &checked.differences {
        text.push_str(&format!("\n{:25}{difference}", ""));
    }
    text
}

fn as_json(args: &ReportsArgs, measured: &Measured) -> Value {
    let us = |duration: Duration| duration.as_secs_f64() * 1e6;
    let uploaded = |uploaded: &Uploaded| {
        json!({ "answers": uploaded.answers, "seconds": uploaded.elapsed.as_secs_f64(),
            "per_second": uploaded.per_second(), "p50_us": us(uploaded.latency.quantile(0.5)),
            "p99_us": us(uploaded.latency.quantile(0.99)) })
    };
    let checked = |checked: &Checked| json!({ "figures": checked.figures, "wrong": checked.wrong, "differences": checked.differences });
    json!({
        "reports": args.reports, "boxes": args.boxes, "cities": args.cities, "choices": args.choices,
        "seed": args.seed, "uploads": args.uploads, "connections": args.connections,
        "units": measured.units, "import_us": us(measured.import),
        "bulk": uploaded(&measured.bulk),
        "bulk_cpu_us_each": each(measured.bulk_cpu, measured.bulk.count("counted")),
        "again": uploaded(&measured.again),
        "singles": uploaded(&measured.singles),
        "singles_cpu_us_each": each(measured.singles_cpu, measured.singles.count("counted")),
        "alone": uploaded(&measured.alone), "beside_bulk": uploaded(&measured.beside),
        "checks": [checked(&measured.after_bulk), checked(&measured.after_again), checked(&measured.at_the_end)],
        "unexpected": measured.unexpected,
        "as_of_us": us(measured.as_of), "interval_us": us(measured.interval),
        "cpu_us": us(measured.usage.cpu), "memory_peak_bytes": measured.usage.memory_peak_bytes,
        "disk_bytes": measured.disk_bytes, "exact": measured.is_exact(),
    })
}
