//! What counters in Redis take: increments a second through the applier, beside `redis-benchmark` and beside the three
//! calls that they replace, in turns on one real Redis.
//!
//! Invariant: a figure of the applier is printed only together with the proof that Redis holds the fold of the ledger
//! then; all sides use the same Redis, so whatever slows the machine slows all. It must not know: the goals.

mod applied;
mod baseline;
mod hall;
mod print;
mod replayed;
mod site;

use std::time::Duration;

use clap::Args;
use hustings_core::Method;

use self::applied::Way;
use self::hall::{Hall, Shape};
use self::site::Site;
use crate::clock::Random;
use crate::load::Latency;

/// What to count, and where.
#[derive(Debug, Args)]
pub(super) struct CountersArgs {
    /// The Redis to measure, as redis://host:port, which must not hold counters of an installation; without it, one is
    /// started in a temporary folder.
    #[arg(long, value_name = "URL")]
    counters: Option<String>,
    /// How many votes are counted, in each way and round.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    votes: u32,
    /// How many votes make a batch; a server with 1,000 connections makes about 300.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    batch: u32,
    /// Decides who votes for what.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const ROUNDS: u32 = 3;

/// Where votes go: all to one place, or spread.
const SHAPES: [Shape; 3] = [
    Shape { name: "one contest", polls: 1, choices: 3, method: Method::Single },
    Shape { name: "1,000 cells", polls: 1, choices: 10, method: Method::Score { min: 1, max: 100 } },
    Shape { name: "1,000 polls", polls: 1_000, choices: 3, method: Method::Single },
];

/// One side in one round. An increment is a vote, or a line of a report.
struct Figure {
    per_second: f64,
    /// Of a batch, a request or a report; where they are under way together, there is none.
    latency: Option<(Duration, Duration)>,
}

/// One side in all rounds.
struct Row {
    name: String,
    figures: Vec<Figure>,
}

impl Figure {
    fn new(increments: u32, elapsed: Duration, latency: Option<&Latency>) -> Self {
        let latency = latency.map(|latency| (latency.quantile(0.5), latency.quantile(0.99)));
        Self { per_second: f64::from(increments) / elapsed.as_secs_f64().max(1e-9), latency }
    }
}

/// The sides, in the order of their first figures.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, name: String, figure: Figure) {
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.figures.push(figure),
            None => self.0.push(Row { name, figures: vec![figure] }),
        }
    }
}

/// Runs the rounds and prints them; whether all was exact.
pub(super) async fn counters(args: &CountersArgs, random: &dyn Random) -> anyhow::Result<bool> {
    baseline::check_program().await?;
    let site = Site::open(args.counters.as_deref(), random).await?;
    let mut halls = Vec::new();
    for shape in &SHAPES {
        halls.push((shape.name, Hall::fill(shape, args.votes, args.batch, args.seed).await?));
    }
    let (mut table, mut exact) = (Table::default(), true);
    for _ in 0..ROUNDS {
        table.add(baseline::BENCHMARK.to_owned(), baseline::benchmark(&site).await?);
        for lines in baseline::LINES {
            site.clear()?;
            table.add(baseline::name(lines), baseline::reference(&site, args.votes, lines).await?);
        }
        for (name, hall) in &halls {
            for way in [Way::BatchByBatch, Way::AsTheyCome] {
                site.clear()?;
                let applied = applied::apply(&site, hall, way).await?;
                exact &= applied.is_exact;
                let figure = Figure::new(args.votes, applied.elapsed, applied.latency.as_ref());
                table.add(format!("{name}, {}", way.name()), figure);
            }
        }
    }
    print::table(args, &site.version().await?, &table, exact)?;
    Ok(exact)
}
