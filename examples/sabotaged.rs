//! A server that lies: it acknowledges votes before they are stored, as many programs do without meaning to.
//!
//! It exists so that the crash tests can be seen to fail. Everything else is the real server.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use clap::Parser;
use hustings::app::{self, Environment};
use hustings::clock::{Clock, SystemClock};
use hustings::config::ServeArgs;
use hustings::ledger::{
    Addressed, Answer, Committed, ElectionKey, FoldText, Head, Ledger, LedgerError, PAGE_MAX, Schedules, Stored,
};
use hustings_core::{
    Ballot, BallotCast, ContestNumber, Entry, Epoch, Event, Fold, Rejection, Seq, Submission, Time, VoterKey,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Takes the arguments of `hustings serve`.
#[derive(Parser)]
enum Cli {
    Serve(Box<ServeArgs>),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Cli::Serve(args) = Cli::parse();
    let environment = Environment { secret: None, admin_token: std::env::var("HUSTINGS_ADMIN_TOKEN").ok() };
    let (_stop, stopping) = watch::channel(false);
    let ready = |address, _welcome| {
        let mut stdout = std::io::stdout();
        let _closed = writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush());
    };
    app::run(args.resolve()?, environment, |ledger| Arc::new(Hasty::new(ledger)), stopping, ready).await?;
    Ok(())
}

type Reply = oneshot::Sender<Result<Committed, LedgerError>>;

/// Answers votes at once, and appends them when the real ledger gets to it.
struct Hasty {
    ledger: Arc<dyn Ledger>,
    later: mpsc::UnboundedSender<(Vec<Addressed>, Option<Reply>)>,
    promised: Mutex<Promised>,
}

#[derive(Default)]
struct Promised {
    next: HashMap<ElectionKey, Seq>,
    votes: HashMap<(ElectionKey, ContestNumber, VoterKey), Stored>,
}

impl Hasty {
    fn new(ledger: Arc<dyn Ledger>) -> Self {
        let (later, mut queue) = mpsc::unbounded_channel::<(Vec<Addressed>, Option<Reply>)>();
        let appending = Arc::clone(&ledger);
        tokio::spawn(async move {
            while let Some((batch, reply)) = queue.recv().await {
                let committed = appending.append(batch).await;
                if let Some(reply) = reply {
                    let _caller_gone = reply.send(committed);
                }
            }
        });
        Self { ledger, later, promised: Mutex::default() }
    }

    /// Learns who has voted, the first time an election is asked for.
    async fn learn(&self, election: ElectionKey) -> Result<(), LedgerError> {
        if self.promised().next.contains_key(&election) {
            return Ok(());
        }
        let mut last = Seq(0);
        loop {
            let page = self.ledger.read(election, last, PAGE_MAX).await?;
            let mut promised = self.promised();
            let is_last = page.is_empty();
            for stored in page {
                last = stored.entry.seq;
                if let Event::BallotCast(ballot) = &stored.entry.event {
                    promised.votes.insert((election, ballot.contest, ballot.voter), stored);
                }
            }
            if is_last {
                promised.next.insert(election, last.next());
                return Ok(());
            }
        }
    }

    /// What the ledger will probably answer to a ballot; `None` for anything else.
    fn promise(&self, addressed: &Addressed) -> Option<Answer> {
        let Submission::Ballot(ballot) = &addressed.submission else { return None };
        let mut promised = self.promised();
        let voter = (addressed.election, ballot.contest, ballot.voter);
        if let Some(stored) = promised.votes.get(&voter).cloned() {
            let is_same =
                matches!(&stored.entry.event, Event::BallotCast(cast) if cast.selections == ballot.selections);
            let already_voted = Rejection::AlreadyVoted { current: stored.entry.seq };
            return Some(if is_same {
                Answer::Repeated(stored)
            } else {
                Answer::Rejected(already_voted, Some(stored))
            });
        }
        let next = promised.next.get_mut(&addressed.election)?;
        let stored = forge(*next, ballot);
        *next = next.next();
        promised.votes.insert(voter, stored.clone());
        Some(Answer::Accepted(stored))
    }

    fn promised(&self) -> std::sync::MutexGuard<'_, Promised> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forge(seq: Seq, ballot: &Ballot) -> Stored {
    let event = Event::BallotCast(BallotCast {
        contest: ballot.contest,
        group: ballot.group,
        voter: ballot.voter,
        id: ballot.id,
        selections: ballot.selections.clone(),
        previous: None,
    });
    let entry = Entry { seq, time: SystemClock.now(), event };
    let bytes = entry.to_bytes();
    Stored::new(entry, bytes)
}

#[async_trait]
impl Ledger for Hasty {
    async fn append(&self, batch: Vec<Addressed>) -> Result<Committed, LedgerError> {
        let mut answers = Vec::with_capacity(batch.len());
        let (mut hasty, mut honest) = (Vec::new(), Vec::new());
        for addressed in batch {
            self.learn(addressed.election).await?;
            let promise = self.promise(&addressed);
            if promise.is_some() { &mut hasty } else { &mut honest }.push(addressed);
            answers.push(promise);
        }
        let stopped = |_| LedgerError::Stopped;
        self.later.send((hasty, None)).map_err(stopped)?;
        let mut committed = Committed { answers: Vec::new(), advances: Vec::new() };
        if !honest.is_empty() {
            let (reply, answered) = oneshot::channel();
            self.later.send((honest, Some(reply))).map_err(stopped)?;
            committed = answered.await.map_err(|_| LedgerError::Stopped)??;
        }
        let mut rest = committed.answers.into_iter();
        let answers = answers.into_iter().map(|promise| promise.or_else(|| rest.next()).unwrap_or(Answer::Unchanged));
        Ok(Committed { answers: answers.collect(), advances: committed.advances })
    }

    async fn heads(&self, elections: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, LedgerError> {
        self.ledger.heads(elections).await
    }

    async fn read(&self, election: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        self.ledger.read(election, after, limit).await
    }

    async fn ballot(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        self.ledger.ballot(election, contest, voter).await
    }

    async fn save_snapshot(&self, election: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), LedgerError> {
        self.ledger.save_snapshot(election, epoch, fold).await
    }

    async fn snapshot(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Result<Option<Fold>, LedgerError> {
        self.ledger.snapshot(election, epoch, at).await
    }

    async fn due(&self, now: Time) -> Result<Schedules, LedgerError> {
        self.ledger.due(now).await
    }

    async fn renew_epochs(&self, only: Option<ElectionKey>) -> Result<(), LedgerError> {
        self.ledger.renew_epochs(only).await
    }

    async fn backup(&self, file: &Path) -> Result<(), LedgerError> {
        self.ledger.backup(file).await
    }
}
