//! What counters are compared with: `redis-benchmark`, and the three calls of a worker that counts report by report.
//!
//! The three calls are no way to count: a worker that dies between them counts a report twice or never. They are
//! written here as they usually are. It must not know: the applier.

use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use redis::{RedisResult, cmd};
use tokio::process::Command;
use tokio::time::Instant;

use super::Figure;
use super::site::Site;
use crate::load::Latency;

/// What `redis-benchmark` is asked for.
pub(super) const BENCHMARK: &str = "redis-benchmark -P 16 INCRBY";
/// How many lines a report of the reference has: a vote, and a box of an election.
pub(super) const LINES: [u32; 2] = [1, 10];

const PROGRAM: &str = "redis-benchmark";
const REQUESTS: u32 = 1_000_000;
const REPORTS_MAX: u32 = 20_000;
const WORKERS: u32 = 16;

/// Refuses where `redis-benchmark` is missing, before anything else takes time.
pub(super) async fn check_program() -> anyhow::Result<()> {
    let found = Command::new(PROGRAM).arg("--version").output().await;
    found.map(drop).context("this bench needs the program redis-benchmark: install Debian's package redis-tools")
}

/// Runs `redis-benchmark`, with its 50 connections.
pub(super) async fn benchmark(site: &Site) -> anyhow::Result<Figure> {
    let (host, port, database) = site.place()?;
    let mut command = Command::new(PROGRAM);
    command.args(["-h", &host, "-p", &port, "--dbnum", &database, "-P", "16", "-n", &REQUESTS.to_string(), "--csv"]);
    command.arg("INCRBY").arg(site.key("counter")).arg("1").kill_on_drop(true);
    let output = command.output().await.context("cannot start redis-benchmark")?;
    let said = String::from_utf8_lossy(&output.stdout);
    read(&said).with_context(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("redis-benchmark gave no figures: {said}{complaint}")
    })
}

/// The last line of its table: the test, requests a second, then average, least, p50, p95, p99 and most milliseconds.
fn read(table: &str) -> Option<Figure> {
    let line = table.lines().rfind(|line| line.starts_with('"'))?;
    let mut fields = line.trim().trim_matches('"').split("\",\"").skip(1).map(str::parse::<f64>);
    let mut number = |skipped| fields.nth(skipped)?.ok();
    let (per_second, p50, p99) = (number(0)?, number(2)?, number(1)?);
    let ms = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).ok();
    Some(Figure { per_second, latency: Some((ms(p50)?, ms(p99)?)) })
}

pub(super) fn name(lines: u32) -> String {
    format!("EXISTS, INCRBY x {lines}, SET; {WORKERS} workers")
}

/// Counts reports, no more than there are votes, as the reference does: is its id there, add each line, keep its id;
/// each a round trip.
pub(super) async fn reference(site: &Site, votes: u32, lines: u32) -> anyhow::Result<Figure> {
    let (reports, started) = (votes.min(REPORTS_MAX), Instant::now());
    let workers = try_join_all((0..WORKERS).map(|worker| work(site, worker, reports, lines))).await?;
    let elapsed = started.elapsed();
    let mut all = Latency::default();
    workers.into_iter().flatten().for_each(|latency| all.record(latency));
    Ok(Figure::new(reports * lines, elapsed, Some(&all)))
}

async fn work(site: &Site, worker: u32, reports: u32, lines: u32) -> RedisResult<Vec<Duration>> {
    let mut connection = site.connection().await?;
    let mut latencies = Vec::new();
    for report in (worker..reports).step_by(WORKERS as usize) {
        let (started, id) = (Instant::now(), site.key(&format!("report:{report}")));
        if cmd("EXISTS").arg(&id).query_async(&mut connection).await? {
            continue;
        }
        for line in 0..lines {
            cmd("INCRBY").arg(site.key(&format!("total:{line}"))).arg(1).exec_async(&mut connection).await?;
        }
        cmd("SET").arg(&id).arg(1).exec_async(&mut connection).await?;
        latencies.push(started.elapsed());
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_redis_benchmark_are_read() {
        let table = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\
                     \"p99_latency_ms\",\"max_latency_ms\"\n\
                     \"INCRBY counter 1\",\"1234567.88\",\"0.480\",\"0.064\",\"0.447\",\"0.687\",\"1.263\",\"2.503\"\n";
        let figure = read(table).expect("figures");
        assert_eq!(figure.per_second, 1_234_567.88);
        assert_eq!(figure.latency, Some((Duration::from_micros(447), Duration::from_micros(1_263))));
        for other in ["", "Could not connect to Redis at 127.0.0.1:1: Connection refused\n", "\"test\",\"rps\"\n"] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
