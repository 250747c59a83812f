//! `hustings bench`: how many votes a second, how fast, and whether each was counted exactly once.
//!
//! Invariant: a figure is printed only together with the proof that the votes behind it are in the ledger; a run that is
//! not exact, or not free of errors, ends with 1.
//! It must not know: the server from inside. It measures what a client gets.

mod compare;
mod counters;
mod print;
mod reports;
mod round;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use hustings_core::Time;

use self::round::Shape;
use super::election::TrustArgs;
use super::session::{self, Ended, OwnServer};
use crate::clock::{Clock, Random};
use crate::load::{Api, ApiError, Mix, Pace, verify};

/// What to measure.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Sends requests that the server parses and throws away: the ceiling for votes on this machine.
    Noop(NoopArgs),
    /// Casts votes in a new poll, then compares acknowledgements, ledger, counters and frames.
    Votes(VotesArgs),
    /// Runs no-ops and votes in turns on one server and prints how they compare.
    Compare(CompareArgs),
    /// Casts votes while a crowd watches, and the same without it: what watchers cost, and how long they wait.
    Watch(WatchArgs),
    /// Counts votes in Redis, and compares that with redis-benchmark and with three calls a report.
    Counters(counters::CountersArgs),
    /// Reports a night of ballot boxes, in bulk and one by one, and compares every total at every level with the plan.
    Reports(reports::ReportsArgs),
}

#[derive(Debug, Args)]
struct Site {
    /// The server, as http://host:port or https://host; without it, one is started in a temporary folder.
    #[arg(long, requires = "token")]
    url: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
    /// A token that may make polls and vote.
    #[arg(long, env = "HUSTINGS_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[derive(Debug, Args)]
struct Load {
    /// How many connections, each with one request under way.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Requests a second, due at fixed times (open loop); without it, as fast as answers come (closed loop).
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Send nothing new after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Decides who votes for what and in which order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct NoopArgs {
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    load: Load,
    /// How many requests.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
}

#[derive(Debug, Args)]
struct VotesArgs {
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    load: Load,
    /// How many voters.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    ballots: u32,
    /// Of 100 voters, so many send their vote again.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=100))]
    repeats: u8,
    /// Of 100 voters, so many try to vote for something else.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=100))]
    second_votes: u8,
}

#[derive(Debug, Args)]
struct CompareArgs {
    #[command(flatten)]
    load: Load,
    /// How many no-ops, and how many voters, in each of the three rounds.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    ballots: u32,
    /// Further arguments of `hustings serve`, as in `--serve=--database=postgres://..`.
    #[arg(long)]
    serve: Vec<String>,
}

#[derive(Debug, Args)]
struct WatchArgs {
    #[command(flatten)]
    load: Load,
    /// How many streams watch.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    watchers: u16,
    /// How many voters, with the crowd and again without it.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    ballots: u32,
}

/// How long counters and frames may take to reach the ledger after a run.
const CATCH_UP: Duration = Duration::from_secs(10);

/// Runs the command to its end; not to be called inside an async runtime.
pub(super) fn run(args: &BenchArgs, clock: &dyn Clock, random: &dyn Random) -> anyhow::Result<ExitCode> {
    let start = clock.now();
    session::run(async {
        let well = match &args.what {
            What::Noop(args) => noop(args, start, random).await,
            What::Votes(args) => votes(args, start, random).await,
            What::Compare(args) => compare::compare(args, start, random).await,
            What::Watch(args) => watch::watch(args, start, random).await,
            What::Counters(args) => counters::counters(args, random).await,
            What::Reports(args) => reports::reports(args, random).await,
        };
        well.map(Ended::from)
    })
}

impl Site {
    async fn open(&self, random: &dyn Random) -> anyhow::Result<(Api, Option<OwnServer>)> {
        if let (Some(url), Some(token)) = (&self.url, &self.token) {
            return Ok((self.trust.api(url, token).await?, None));
        }
        let own = OwnServer::start(random, &["--bench"]).await?;
        Ok((own.api().await?, Some(own)))
    }
}

impl Load {
    fn shape(&self, mix: Mix) -> Shape {
        Shape {
            connections: usize::from(self.connections),
            pace: self.rate.map_or(Pace::Closed, Pace::PerSecond),
            run_for: self.seconds.map(Duration::from_secs),
            seed: self.seed,
            mix,
        }
    }
}

async fn noop(args: &NoopArgs, start: Time, random: &dyn Random) -> anyhow::Result<bool> {
    let (api, own) = args.site.open(random).await?;
    has_noop(&api).await?;
    let outcome = round::noop(&api, args.requests, &args.load.shape(Mix::default()), start).await?;
    print::outcome("no-ops", &args.load, &outcome, None)?;
    close(own).await?;
    Ok(outcome.is_clean())
}

/// Only a server that was started for benchmarks has a no-op; asked once, it says so better than thousands of refusals.
async fn has_noop(api: &Api) -> anyhow::Result<()> {
    match api.json("GET", "/bench/noop", None).await {
        Err(ApiError::Refused { status: 404, .. } | ApiError::Foreign { status: 404, .. }) => {
            anyhow::bail!("this server has no /bench/noop: start it with --bench, or leave out --url")
        }
        answer => Ok(answer.map(drop)?),
    }
}

async fn votes(args: &VotesArgs, start: Time, random: &dyn Random) -> anyhow::Result<bool> {
    let (api, own) = args.site.open(random).await?;
    let mix = Mix { repeats_percent: args.repeats, second_votes_percent: args.second_votes };
    let (poll, outcome) = round::votes(&api, args.ballots, &args.load.shape(mix), start).await?;
    let report = verify(&api, &poll, &outcome, CATCH_UP).await?;
    print::outcome("votes", &args.load, &outcome, Some(&report))?;
    close(own).await?;
    Ok(outcome.is_clean() && report.is_exact())
}

async fn close(own: Option<OwnServer>) -> anyhow::Result<()> {
    match own {
        Some(mut own) => own.stop().await,
        None => Ok(()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.01..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("a rate is a number of requests a second, from 0.01 to 10,000,000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        bench: BenchArgs,
    }

    #[test]
    fn arguments_are_read_and_nonsense_is_refused() {
        let check = |line: &str, well: bool| {
            let words = std::iter::once("bench").chain(line.split_whitespace());
            assert_eq!(Command::try_parse_from(words).is_ok(), well, "{line}");
        };
        check("noop", true);
        check("noop --requests 5 --connections 1 --rate 100 --seconds 3 --json", true);
        check("votes --url http://127.0.0.1:8080 --token x --ballots 10 --repeats 0 --second-votes 0", true);
        check("compare --ballots 1000 --serve=--counters --serve=memory:", true);
        check("watch --watchers 10000 --ballots 1000 --connections 100", true);
        check("counters --counters redis://127.0.0.1:6379 --votes 1000 --batch 10 --json", true);
        check("reports --reports 1000 --boxes 300 --cities 30 --choices 3 --json", true);
        check("reports --choices 0", false);
        check("watch --watchers 0", false);
        check("counters --batch 0", false);
        check("counters --batch 5000", false);
        check("votes --ballots 0", false);
        check("votes --repeats 101", false);
        check("votes --connections 0", false);
        check("votes --rate nan", false);
        check("compare --url http://127.0.0.1:8080", false);
        check("", false);
    }
}
