//! A night of ballot boxes: how many reports a second, at what cost, and whether every total is right at every level.
//!
//! Invariant: a figure is printed together with the comparison of all totals with those of the plan; a run whose totals
//! are not exact ends with 1.
//! It must not know: the server from inside.

mod check;
mod night;
mod print;
mod upload;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde_json::json;
use tokio::time::Instant;

use self::check::Checked;
use self::night::{Counts, Key, Night};
use self::upload::{Desk, Uploaded};
use crate::cli::election::query;
use crate::cli::numbers::median;
use crate::cli::session::OwnServer;
use crate::clock::Random;
use crate::load::Usage;

/// How large the night is.
#[derive(Debug, Args)]
pub(super) struct ReportsArgs {
    /// How many reports are uploaded; with more of them than boxes there are several contests.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    reports: u32,
    /// How many boxes report.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(10..=490_000))]
    boxes: u32,
    /// How many cities they stand in.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    cities: u32,
    /// How many choices each contest has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    choices: u16,
    /// How many reports are sent one at a time.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    singles: u32,
    /// How many connections upload.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    uploads: u16,
    /// How many connections send one report at a time.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Decides votes and order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Further arguments of `hustings serve`, as in `--serve=--database=postgres://..`.
    #[arg(long)]
    serve: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Everything that was measured.
#[derive(Debug, Default)]
struct Measured {
    import: Duration,
    units: u64,
    /// The night's first reports, in bulk.
    bulk: Uploaded,
    bulk_cpu: Duration,
    after_bulk: Checked,
    /// What is sent again, corrected or withdrawn afterwards.
    again: Uploaded,
    after_again: Checked,
    /// One at a time, over many connections.
    singles: Uploaded,
    singles_cpu: Duration,
    /// One at a time over a few connections, alone and beside an upload.
    alone: Uploaded,
    beside: Uploaded,
    at_the_end: Checked,
    /// Answers whose number is another one than it must be.
    unexpected: Vec<String>,
    as_of: Duration,
    interval: Duration,
    usage: Usage,
    /// Of the data folder; none where the ledger is elsewhere.
    disk_bytes: Option<u64>,
}

/// Contests beside those of the night: for single reports over many connections, over few, and beside an upload.
const MORE_CONTESTS: u32 = 4;
const FEW: u16 = 16;
/// Of a thousand reports: sent again, corrected, withdrawn.
const AGAIN: usize = 50;
const CORRECTED: usize = 20;
const WITHDRAWN: usize = 1;
const ASKED_TIMES: usize = 5;
/// Reading half a million units may take its time.
const IMPORT_PATIENCE: Duration = Duration::from_secs(300);

/// What is done to a report that was accepted.
#[derive(Debug, Clone, Copy)]
enum Later {
    Again(Key),
    Correct(Key),
    Withdraw(Key),
}

/// Runs the night and prints it; whether everything was exact.
pub(super) async fn reports(args: &ReportsArgs, random: &dyn Random) -> anyhow::Result<bool> {
    ensure!(args.boxes >= args.cities, "there must be at least as many boxes as cities");
    let arguments: Vec<&str> = args.serve.iter().map(String::as_str).collect();
    let mut own = OwnServer::start(random, &arguments).await?;
    let contests = args.reports.div_ceil(args.boxes) + MORE_CONTESTS;
    let night = Night { boxes: args.boxes, cities: args.cities, contests, choices: args.choices, seed: args.seed };
    let api = own.api().await?;
    let created = api.json("POST", "/api/v1/elections", Some(&night.definition())).await?;
    let id = created["id"].as_str().context("an election without an id")?;
    let desk = Desk { api, path: format!("/api/v1/elections/{id}"), random };
    let mut run = Run { args, night, desk, counts: vec![Counts::Nothing; (contests * args.boxes) as usize] };
    let mut measured = Measured::default();
    run.import(&mut measured).await?;
    run.upload(&own, &mut measured).await?;
    run.singles(&own, &mut measured).await?;
    run.ask(&mut measured).await?;
    measured.usage = own.process()?.usage()?;
    own.stop().await?;
    measured.disk_bytes = own.data().is_dir().then(|| size(own.data())).transpose()?;
    print::print(args, &measured)?;
    Ok(measured.is_exact())
}

struct Run<'a> {
    args: &'a ReportsArgs,
    night: Night,
    desk: Desk<'a>,
    /// What counts of each box, by its key.
    counts: Vec<Counts>,
}

impl Run<'_> {
    async fn import(&self, measured: &mut Measured) -> anyhow::Result<()> {
        let Desk { api, path, .. } = &self.desk;
        let (units, started) = (self.night.units(), Instant::now());
        let answer = api.upload(&format!("{path}/units"), "text/csv", units.as_bytes(), IMPORT_PATIENCE).await?;
        measured.import = started.elapsed();
        measured.units = answer["added"].as_u64().unwrap_or(0);
        api.json("POST", &format!("{path}/open"), Some(&json!({}))).await?;
        Ok(())
    }

    /// Uploads the night, and then what is sent again, corrected and withdrawn, in random order.
    async fn upload(&mut self, own: &OwnServer, measured: &mut Measured) -> anyhow::Result<()> {
        let night = self.night;
        let mut keys: Vec<Key> = (0..self.args.reports).map(Key).collect();
        let before = own.process()?.usage()?.cpu;
        let (uploads, lines) = (self.args.uploads, night.lines_per_request());
        measured.bulk = self.desk.bulk(uploads, lines, &keys, |key| night.line(*key, 1)).await?;
        measured.bulk_cpu = own.process()?.usage()?.cpu - before;
        measured.expect(&measured.bulk.answers.clone(), &[(&["counted"], keys.len())]);
        self.count(&keys, Counts::First);
        measured.after_bulk = self.check().await?;
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(self.args.seed);
        keys.shuffle(&mut chance);
        // Every other report that is corrected was also sent again, maybe after its correction.
        let part = |per_mille: usize| keys.len() * per_mille / 1_000;
        let corrected_from = part(AGAIN) - part(CORRECTED) / 2;
        let corrected = &keys[corrected_from..corrected_from + part(CORRECTED)];
        let withdrawn = &keys[corrected_from + part(CORRECTED)..][..part(WITHDRAWN)];
        let again = &keys[..part(AGAIN)];
        let mut later: Vec<Later> = again.iter().copied().map(Later::Again).collect();
        later.extend(corrected.iter().copied().map(Later::Correct));
        later.extend(withdrawn.iter().copied().map(Later::Withdraw));
        later.shuffle(&mut chance);
        let line = |later: &Later| match *later {
            Later::Again(key) => night.line(key, 1),
            Later::Correct(key) => night.line(key, 2),
            Later::Withdraw(key) => night.withdrawal(key),
        };
        measured.again = self.desk.bulk(uploads, lines, &later, line).await?;
        let expected: [(&[&str], usize); 3] = [
            (&["repeated", "superseded"], again.len()),
            (&["corrected"], corrected.len()),
            (&["withdrawn"], withdrawn.len()),
        ];
        measured.expect(&measured.again.answers.clone(), &expected);
        let (corrected, withdrawn) = (corrected.to_vec(), withdrawn.to_vec());
        self.count(&corrected, Counts::Corrected);
        self.count(&withdrawn, Counts::Withdrawn);
        measured.after_again = self.check().await?;
        Ok(())
    }

    /// Sends reports one at a time: over many connections, over a few, and over a few beside an upload.
    async fn singles(&mut self, own: &OwnServer, measured: &mut Measured) -> anyhow::Result<()> {
        let night = self.night;
        let first = night.contests - MORE_CONTESTS;
        let of = |contest: u32, most: u32| {
            let mut keys = night.keys(first + contest);
            keys.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(self.args.seed + u64::from(contest)));
            keys.truncate(most as usize);
            keys
        };
        let few = self.args.singles.div_ceil(10);
        let [many, alone, beside] = [of(0, self.args.singles), of(1, few), of(2, few)];
        let upload = of(3, night.boxes);
        let line = |key: &Key| night.line(*key, 1);
        let before = own.process()?.usage()?.cpu;
        measured.singles = self.desk.singles(self.args.connections, &many, line).await?;
        measured.singles_cpu = own.process()?.usage()?.cpu - before;
        measured.alone = self.desk.singles(FEW, &alone, line).await?;
        let bulk = self.desk.bulk(self.args.uploads, night.lines_per_request(), &upload, line);
        let singles = self.desk.singles(FEW, &beside, line);
        let (bulk, singles) = tokio::try_join!(bulk, singles)?;
        measured.beside = singles;
        for (uploaded, keys) in [
            (measured.singles.answers.clone(), &many),
            (measured.alone.answers.clone(), &alone),
            (measured.beside.answers.clone(), &beside),
            (bulk.answers, &upload),
        ] {
            measured.expect(&uploaded, &[(&["counted"], keys.len())]);
        }
        for keys in [many, alone, beside, upload] {
            self.count(&keys, Counts::First);
        }
        measured.at_the_end = self.check().await?;
        Ok(())
    }

    /// How long questions about the past take: the totals at half of the ledger, and what came in between.
    async fn ask(&self, measured: &mut Measured) -> anyhow::Result<()> {
        let Desk { api, path, .. } = &self.desk;
        let now = api.json("GET", &format!("{path}/results"), None).await?;
        let version = now["version"].as_str().context("results without a version")?;
        let (epoch, seq) = version.split_once('.').context("a version without a place")?;
        let half = format!("{epoch}.{}", seq.parse::<u64>()? / 2);
        let then = api.json("GET", &format!("{path}/results{}", query(&[("as_of", Some(&half))])), None).await?;
        let time = then["time"].as_str().context("results without a time")?;
        let past = format!("{path}/results{}", query(&[("as_of", Some(&half)), ("by", Some("unit"))]));
        let asked = [("from", Some(time)), ("by", Some("city")), ("contest", Some("c0"))];
        let interval = format!("{path}/history{}", query(&asked));
        measured.as_of = self.takes(&past).await?;
        measured.interval = self.takes(&interval).await?;
        Ok(())
    }

    /// The median time of a few answers.
    async fn takes(&self, path: &str) -> anyhow::Result<Duration> {
        let mut times = Vec::new();
        for _ in 0..ASKED_TIMES {
            let asked = Instant::now();
            self.desk.api.get(path).await?;
            times.push(asked.elapsed().as_secs_f64());
        }
        Ok(Duration::from_secs_f64(median(times)))
    }

    fn count(&mut self, keys: &[Key], counts: Counts) {
        keys.iter().for_each(|key| self.counts[key.0 as usize] = counts);
    }

    async fn check(&self) -> anyhow::Result<Checked> {
        check::check(&self.desk.api, &self.desk.path, &self.night, &self.counts).await
    }
}

impl Measured {
    /// Whether every figure was right, and every answer the one that it had to be.
    fn is_exact(&self) -> bool {
        let checks = [&self.after_bulk, &self.after_again, &self.at_the_end];
        self.unexpected.is_empty() && checks.iter().all(|checked| checked.wrong == 0 && checked.figures > 0)
    }

    /// Notes answers that are not so many as they must be, and all others.
    fn expect(&mut self, answers: &BTreeMap<String, u64>, expected: &[(&[&str], usize)]) {
        for (words, count) in expected {
            let found: u64 = words.iter().filter_map(|word| answers.get(*word)).sum();
            if found != *count as u64 {
                self.unexpected.push(format!("{found} x {}, where {count} must be", words.join(" or ")));
            }
        }
        for (word, count) in answers {
            if !expected.iter().any(|(words, _)| words.contains(&word.as_str())) {
                self.unexpected.push(format!("{count} x {word}"));
            }
        }
    }
}

/// What the files in a folder take.
fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let about = entry?.metadata()?;
        bytes += if about.is_file() { about.len() } else { 0 };
    }
    Ok(bytes)
}
