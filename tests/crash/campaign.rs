//! A server that is killed again and again while votes come in, and is held to every answer it ever gave.
//!
//! Each life of the server: the generator sends two polls from their beginning under the same ids (what was answered
//! before a kill must be answered the same after it), until a random number of new votes is acknowledged; then the
//! server is frozen at a random instant, looked at, and killed. After the restart the ledgers, the counters and a
//! frame are compared with every receipt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join;
use hustings::load::{Api, Outcome, Progress, Report};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::coverage::Coverage;
use crate::electorate::{Crowd, Electorate, UNRULY, became};
use crate::locks::Locks;
use crate::server::{Process, Program, Server};
use crate::setting::until;

/// How a campaign ended.
pub(crate) enum Verdict {
    /// Everything acknowledged was there after every kill.
    Exact,
    /// After a kill something was wrong.
    Caught(Box<Report>),
}

/// A campaign under way.
pub(crate) struct Campaign<'a> {
    program: &'a Program,
    random: Xoshiro256PlusPlus,
    /// What is looked for after each kill.
    is_wrong: fn(&Report) -> bool,
    pub(crate) coverage: Coverage,
    polls: [Electorate; 2],
    finished: Vec<(Electorate, Outcome)>,
}

/// Who votes in each of the two polls.
const CROWD: Crowd = Crowd { voters: 450, mix: UNRULY };
/// Connections to each poll.
const CONNECTIONS: usize = 32;
/// Who votes where the log is to grow until it is copied into the database: enough, over few connections, because many
/// small batches write more pages than a few large ones.
const CROWD_TO_GROW: Crowd = Crowd { voters: 1_000, mix: UNRULY };
const CONNECTIONS_TO_GROW: usize = 2;
/// New votes in one life, over both polls: more than there are connections, so that what the kill before left in doubt
/// is decided before the next one.
const NEW_VOTES: std::ops::Range<u32> = 80..300;
/// How long a kill waits for the instant it wants; then any instant will do.
const WANT_FOR: Duration = Duration::from_secs(5);

/// At which instant to kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// At any instant.
    Any,
    /// While a batch is being written.
    MidBatch,
    /// While the log is being copied into the database.
    MidCheckpoint,
}

impl<'a> Campaign<'a> {
    /// Starts the server for the first time.
    pub(crate) async fn start(program: &'a Program, seed: u64, is_wrong: fn(&Report) -> bool) -> (Self, Server) {
        let server = program.start().await;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let polls =
            [electorate(&server.api, CROWD, &mut random).await, electorate(&server.api, CROWD, &mut random).await];
        let coverage = Coverage::default();
        (Self { program, random, is_wrong, coverage, polls, finished: Vec::new() }, server)
    }

    /// Kills so often, and lets everybody vote in the end.
    pub(crate) async fn run(&mut self, mut server: Server, kills: u32) -> Verdict {
        while self.coverage.kills < kills {
            let wanted = Wanted::of(self.coverage.kills);
            if wanted == Wanted::MidCheckpoint {
                self.renew(&server.api, CROWD_TO_GROW).await;
            } else if self.polls.iter().map(Electorate::left).sum::<u32>() < NEW_VOTES.end {
                self.renew(&server.api, CROWD).await;
            }
            let (outcomes, process) = self.life(server, wanted).await;
            process.kill().await;
            server = self.restart().await;
            let [one, other] = &self.polls;
            let (one, other) = join(one.check(&server.api, &outcomes[0]), other.check(&server.api, &outcomes[1])).await;
            self.coverage.found(&[(&outcomes[0], &one), (&outcomes[1], &other)]);
            for report in [one, other] {
                if (self.is_wrong)(&report) {
                    return Verdict::Caught(Box::new(report));
                }
            }
            for (poll, outcome) in self.polls.iter_mut().zip(outcomes) {
                poll.remember(outcome);
            }
        }
        self.finish(server).await;
        Verdict::Exact
    }

    /// One life: votes come in until the instant of death; the process is returned frozen.
    async fn life(&mut self, server: Server, wanted: Wanted) -> ([Outcome; 2], Process) {
        let Server { process, api } = server;
        let (new_votes, connections) = match wanted {
            Wanted::MidCheckpoint => (0, CONNECTIONS_TO_GROW),
            Wanted::Any | Wanted::MidBatch => (self.random.random_range(NEW_VOTES), CONNECTIONS),
        };
        let target = u64::from(self.polls.iter().map(Electorate::told).sum::<u32>() + new_votes);
        let pause = Duration::from_micros(self.random.random_range(0..10_000));
        let copied = process.log_copied();
        let progress: [Arc<Progress>; 2] = Default::default();
        let (dead, death) = watch::channel(false);
        let over = AtomicBool::new(false);
        let [one, other] = &mut self.polls;
        let voting = async {
            let one = one.vote(&api, connections, Arc::clone(&progress[0]), became(death.clone()));
            let other = other.vote(&api, connections, Arc::clone(&progress[1]), became(death.clone()));
            let (one, other) = join(one, other).await;
            over.store(true, Ordering::Relaxed);
            [one, other]
        };
        let killing = async {
            let told = || progress.iter().map(|progress| progress.seen().acknowledged).sum::<u64>();
            until("votes are acknowledged", || told() >= target || over.load(Ordering::Relaxed)).await;
            // This waits for nothing; it makes the instant a random one.
            sleep(pause).await;
            let locks = freeze(&process, wanted, &over).await;
            dead.send_replace(true);
            locks
        };
        let (outcomes, locks) = join(voting, killing).await;
        self.coverage.killed(locks, process.log_copied() != copied);
        (outcomes, process)
    }

    /// Starts the server again on the same data; at times it is killed once more before it listens.
    async fn restart(&mut self) -> Server {
        if self.random.random_ratio(1, 3) {
            let mut process = self.program.spawn();
            if process.works_before_listening().await {
                process.freeze().await;
                self.coverage.mid_recovery += u32::from(process.locks().any());
            }
            process.kill().await;
        }
        self.program.start().await
    }

    /// Lets everybody vote in both polls, and opens two new ones.
    async fn renew(&mut self, api: &Api, next: Crowd) {
        for place in 0..self.polls.len() {
            let next = electorate(api, next, &mut self.random).await;
            let mut poll = std::mem::replace(&mut self.polls[place], next);
            let outcome = poll.finish(api).await;
            self.finished.push((poll, outcome));
        }
    }

    /// Lets everybody vote, kills once more, and looks at every poll there ever was.
    async fn finish(&mut self, server: Server) {
        self.renew(&server.api, CROWD).await;
        server.process.kill().await;
        let server = self.program.start().await;
        for (poll, outcome) in &self.finished {
            let report = poll.check(&server.api, outcome).await;
            assert!(report.is_exact(), "after the last restart:\n{report}");
        }
        println!("{} polls were exact in the end", self.finished.len());
    }
}

async fn electorate(api: &Api, crowd: Crowd, random: &mut Xoshiro256PlusPlus) -> Electorate {
    Electorate::new(api, crowd, random.random()).await
}

/// Freezes the server at an instant of the wanted sort; at any, where none comes in time or no more votes come.
async fn freeze(process: &Process, wanted: Wanted, over: &AtomicBool) -> Locks {
    let deadline = Instant::now() + WANT_FOR;
    let in_vain = || over.load(Ordering::Relaxed) || Instant::now() >= deadline;
    loop {
        until("the wanted instant", || in_vain() || wanted.is(process.locks())).await;
        process.freeze().await;
        let locks = process.locks();
        if in_vain() || wanted.is(locks) {
            return locks;
        }
        process.thaw();
    }
}

impl Wanted {
    /// Half of the kills take any instant; the others seek what chance may miss.
    fn of(kill: u32) -> Self {
        match kill % 10 {
            0 | 2 | 4 | 6 | 8 => Self::Any,
            5 => Self::MidCheckpoint,
            _ => Self::MidBatch,
        }
    }

    fn is(self, locks: Locks) -> bool {
        match self {
            Self::Any => true,
            Self::MidBatch => locks.writing,
            Self::MidCheckpoint => locks.checkpointing,
        }
    }
}
