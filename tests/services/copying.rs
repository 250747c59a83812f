//! `hustings migrate --from .. --to ..`, killed at instants that a seed chooses, and what the kills hit.
//!
//! Invariant: nothing but what was started here is killed. It needs nothing else of this folder, so a test binary may
//! take it alone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hustings::ledger::{Archive, ElectionKey, Folder, FolderError, Holds, SqliteLedger, SqliteOptions};
use rand::{Rng, RngExt};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// When a copy is killed: so many lines of its progress after the start, and a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instant {
    lines: u32,
    later: Duration,
}

/// How long after a line a kill comes, in microseconds: about as long as the next few transactions take.
const AFTER_A_LINE_US: std::ops::Range<u64> = 0..8_000;
/// How long after the start another kill comes: about as long as it takes to begin.
const AFTER_THE_START_US: std::ops::Range<u64> = 0..50_000;

impl Instant {
    /// While a copy begins.
    pub(crate) fn at_the_start(random: &mut impl Rng) -> Self {
        Self { lines: 0, later: Duration::from_micros(random.random_range(AFTER_THE_START_US)) }
    }

    /// One in five while the copy of so many elections begins, the others somewhere on the way.
    pub(crate) fn random(random: &mut impl Rng, elections: u32) -> Self {
        if random.random_ratio(1, 5) {
            return Self::at_the_start(random);
        }
        let lines = random.random_range(1..2 * elections + 4);
        Self { lines, later: Duration::from_micros(random.random_range(AFTER_A_LINE_US)) }
    }
}

/// A copy under way; dropped, it is killed.
pub(crate) struct Copying(Child);

impl Copying {
    /// Starts it; without a secret, that of the source's folder is taken.
    pub(crate) fn start(program: &Path, from: &str, to: &str, secret: Option<&str>) -> Self {
        let mut command = Command::new(program);
        command.args(["migrate", "--from", from, "--to", to]).env_remove("HUSTINGS_SECRET");
        command.envs(secret.map(|secret| ("HUSTINGS_SECRET", secret)));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        Self(command.spawn().expect("the program runs"))
    }

    /// Kills it then; whether it went well, where it ended before.
    pub(crate) async fn killed_at(mut self, instant: Instant) -> Option<bool> {
        let mut progress = BufReader::new(self.0.stderr.take().expect("its progress")).lines();
        let mut seen = 0;
        while seen < instant.lines && progress.next_line().await.is_ok_and(|line| line.is_some()) {
            seen += 1;
        }
        // An instant between two lines: nothing waits for this, it only says when to kill.
        tokio::select! {
            status = self.0.wait() => return Some(status.expect("a child can be waited for").success()),
            () = tokio::time::sleep(instant.later) => {}
        }
        self.0.start_kill().expect("a process of ours can be killed");
        let status = self.0.wait().await.expect("a child can be waited for");
        // It may have come to its end in the same instant.
        status.code().map(|code| code == 0)
    }
}

/// What there is of a copy.
#[derive(Debug)]
pub(crate) struct Found {
    /// Entries of each election.
    pub(crate) entries: BTreeMap<ElectionKey, u64>,
    pub(crate) holds: Holds,
}

impl Found {
    /// What a data folder has; nothing where its database is not one of ours yet.
    pub(crate) async fn in_folder(folder: &Path) -> Option<Self> {
        let database = Folder::database(folder);
        if !database.exists() {
            return None;
        }
        let ledger = match SqliteLedger::read_only(SqliteOptions::new(database)) {
            Err(FolderError::NotOurs(_)) => return None,
            opened => opened.expect("the database"),
        };
        let cuts = ledger.cuts(None, 1_000).await.expect("the cuts");
        let entries = cuts.into_iter().map(|cut| (cut.registered.key, cut.head.seq.0)).collect();
        Some(Self { entries, holds: ledger.installation().await.expect("an answer").holds })
    }

    /// All entries together.
    pub(crate) fn total(&self) -> u64 {
        self.entries.values().sum()
    }

    /// Whether it has the mark by which no server opens it.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.holds == Holds::Unfinished
    }

    /// A copy that was killed has all that was there before the kill, and before it.
    pub(crate) fn has_all_of(&self, before: &Self) -> bool {
        before.entries.iter().all(|(key, entries)| self.entries.get(key).is_some_and(|now| now >= entries))
    }
}

/// What the kills hit: a test whose kills all came too early or too late has proved nothing.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    before: u32,
    middle: u32,
    verifying: u32,
    finished: u32,
}

impl Coverage {
    /// A kill found so many of all entries in the copy, or came after the end of a run that went well.
    pub(crate) fn found(&mut self, whole: bool, copied: u64, of: u64) {
        match (whole, copied) {
            (true, _) => self.finished += 1,
            (false, 0) => self.before += 1,
            (false, copied) if copied < of => self.middle += 1,
            (false, _) => self.verifying += 1,
        }
    }

    pub(crate) fn kills(&self) -> u32 {
        self.before + self.middle + self.verifying
    }

    /// The kinds of kills, by how many there were: before the first entry, in the middle, after the last one.
    pub(crate) fn kinds(&self) -> [u32; 3] {
        [self.before, self.middle, self.verifying]
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, middle, verifying, finished } = self;
        let kills = self.kills();
        write!(f, "{kills} kills of copies: {before} before the first entry, {middle} in the middle of the entries, ")?;
        write!(f, "{verifying} after the last one; {finished} copies were finished")
    }
}
