//! `hustings demo`: a real election on a real server, vote by vote or box by box, and the proof at the end.
//!
//! Invariant: every figure in the last table was read from where it claims to come from: the published ones from the
//! file, the counted ones over HTTP, the recounted ones from the data folder after the server has stopped.
//! It must not know: the server from inside.

mod figures;
mod night;
mod proof;
mod show;
mod view;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use hustings_core::Time;

use self::figures::Figures;
use self::proof::{Proof, say};
use super::numbers::{rounded, thousands};
use super::output::Output;
use super::session::{self, Ended, OwnServer};
use crate::clock::{Clock, Random};
use crate::load::{Api, Job, Mix, Outcome, Plan, Poll, Target, VOTERS_MAX, verify};

/// How the demo runs.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How many ballots; without it, all that were cast.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(VOTERS_MAX)))]
    ballots: Option<u32>,
    /// How many connections, each with one request under way.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Decides in which order people vote.
    #[arg(long, default_value_t = 2013)]
    seed: u64,
    /// Let ballot boxes report, district by district, with what goes wrong in a night: reports that come twice, wrong
    /// counts that are corrected, one that is withdrawn, and one that contradicts another.
    #[arg(long, conflicts_with = "ballots")]
    election: bool,
    /// How many boxes report, about; without it, a few hundred in each district.
    #[arg(long, requires = "election", value_parser = clap::value_parser!(u32).range(100..=100_000))]
    reports: Option<u32>,
    /// Leave the server and its data until Ctrl-C, to look at the page.
    #[arg(long)]
    keep: bool,
}

const TITLE: &str = "Mayor of Montréal, 2013";
const MIX: Mix = Mix { repeats_percent: 5, second_votes_percent: 1 };
const CATCH_UP: Duration = Duration::from_secs(10);

/// Runs the demo to its end; not to be called inside an async runtime.
pub(super) fn run(args: &DemoArgs, clock: &dyn Clock, random: &dyn Random) -> anyhow::Result<ExitCode> {
    if args.election {
        return session::run(night::night(args, random));
    }
    session::run(demo(args, clock.now(), random))
}

async fn demo(args: &DemoArgs, start: Time, random: &dyn Random) -> anyhow::Result<Ended> {
    let published = Figures::montreal()?;
    let scaled = args.ballots.filter(|&ballots| u64::from(ballots) != published.ballots());
    let expected = match scaled {
        Some(ballots) => published.scaled(ballots),
        None => published,
    };
    let mut own = OwnServer::start(random, &[]).await?;
    let api = own.api().await?;
    let poll = api.create_poll(TITLE, &expected.names()).await?;
    let links = Links::of(&own, &api, &poll).await?;
    write!(Output, "{links}")?;
    let link = links.results();
    let counts = poll.choices().iter().map(|choice| choice.code.clone()).zip(expected.votes()).collect();
    let plan = Arc::new(Plan::new(counts, MIX, args.seed, start)?);
    let mut job = Job::new(api.clone(), plan, Target::votes(&poll), usize::from(args.connections));
    job.retry_for = Duration::from_secs(60);
    let outcome = show::show(job, &poll, TITLE, &link).await?;
    let well = prove(&mut own, &api, &poll, &outcome, &expected, scaled.is_some()).await?;
    leave(args, own, &link, well, "hustings demo --keep").await
}

/// Where to look on, and to join in, while the demo runs.
struct Links {
    /// Where people vote.
    vote: String,
    host: String,
}

impl Links {
    async fn of(own: &OwnServer, api: &Api, poll: &Poll) -> anyhow::Result<Self> {
        let made = api.json("POST", &poll.path("links"), None).await?;
        let host = made["url"].as_str().context("a link without an address")?.to_owned();
        Ok(Self { vote: format!("{}/{}", own.process()?.url(), poll.code), host })
    }

    fn results(&self) -> String {
        format!("{}/results", self.vote)
    }
}

impl std::fmt::Display for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "  vote    {}\n  screen  {0}/screen\n  host    {}\n", self.vote, self.host)
    }
}

/// Leaves the server where that was asked for, and its folder where something is to be looked into.
async fn leave(args: &DemoArgs, mut own: OwnServer, link: &str, well: bool, again: &str) -> anyhow::Result<Ended> {
    if args.keep {
        own.start_again().await?;
        writeln!(
            Output,
            "\n  The page stays at {link}\n  and the data in {}, until you press Ctrl-C.",
            own.data().display()
        )?;
        return Ok(Ended { well, stays: Some(own) });
    }
    if well {
        writeln!(Output, "\n  To look at the page and the data at leisure: {again}")?;
    } else {
        writeln!(Output, "\n  The data stays in {} to be looked into.", own.keep_folder().display())?;
    }
    Ok(well.into())
}

/// Closes the poll and compares everything with everything; leaves the server stopped.
async fn prove(
    own: &mut OwnServer,
    api: &Api,
    poll: &Poll,
    outcome: &Outcome,
    expected: &Figures,
    scaled: bool,
) -> anyhow::Result<bool> {
    api.close(poll).await?;
    let report = verify(api, poll, outcome, CATCH_UP).await?;
    let counts = &outcome.counts;
    let acknowledged = u64::from(outcome.receipts().acknowledged());
    let seconds = outcome.elapsed.as_secs_f64();
    let all = acknowledged == expected.ballots() && outcome.unsent == 0 && outcome.in_doubt().is_empty();
    let (some, whole, rate) = (thousands(acknowledged), thousands(expected.ballots()), rounded(outcome.per_second()));
    say(all, &format!("{some} of {whole} votes acknowledged in {seconds:.1} s, {rate} answers a second"))?;
    let (repeated, refused) = (thousands(counts.repeated), thousands(counts.already_voted));
    let honest = outcome.contradictions == 0 && counts.unexpected == 0;
    say(honest, &format!("{repeated} repeats got the receipt of their vote, {refused} second votes were refused"))?;
    if outcome.retries > 0 {
        say(true, &format!("{} requests were sent again and absorbed", thousands(outcome.retries)))?;
    }
    if report.is_exact() {
        say(true, "receipts, ledger, counters and live page say the same")?;
    } else {
        say(false, &format!("receipts, ledger, counters and live page do not say the same:\n\n{report}\n"))?;
    }
    own.stop().await?;
    let recounted = proof::recount(own.data(), poll).await?;
    say(true, &format!("server stopped, {} ballots recounted from its folder", thousands(recounted.ballots)))?;
    let proof = Proof { expected, scaled, poll, counted: &report.counters, recounted: &recounted };
    write!(Output, "\n{proof}")?;
    Ok(all && honest && report.is_exact() && proof.agrees())
}
