//! Counting an upload: slices are parsed, put into the lane for bulk, and answered line by line.
//!
//! Two hands of one task work at once, so that the next lines are parsed while those before them are written to disk; and
//! parsing goes on beside the threads that answer others. Invariant: a line is answered after the commit that decided it, and
//! no line is decided before those above it.

use std::sync::Arc;

use axum::body::Bytes;
use hustings_core::{Rejection, Report, Submission, Units};
use tokio::sync::mpsc;

use super::Desk;
use super::add::{Resolved, kept_units, mend, resolve_all};
use super::answer::{Outcome, outcome};
use super::book::Book;
use super::bulk::{Header, LineAnswer};
use super::lines::Line;
use super::reports::contradiction;
use super::resolve::{Slip, Unresolved};
use super::sender::Sender;
use super::sent::Sent;
use super::slices::{Slice, Slices};
use super::voters::{Voters, needs_totals};
use crate::http::Shared;
use crate::http::body;
use crate::http::error::Problem;
use crate::http::receipt::Receipt;
use crate::ingest::Queued;
use crate::ledger::{Answer, LedgerError};

/// How many slices wait for their answers while the next one is parsed.
const SLICES_MAX: usize = 2;

/// Counts one upload.
pub(super) struct Counter {
    pub(super) services: Shared,
    pub(super) desk: Arc<Desk>,
    pub(super) sender: Arc<Sender>,
    /// The header of a table; without one, lines are JSON.
    pub(super) header: Option<Arc<Header>>,
}

/// A slice whose lines were read.
struct Parsed {
    /// Each line, and what is wrong with it where it could not be read.
    lines: Vec<(u64, Option<Problem>)>,
    /// Those that could be read, in order.
    slips: Vec<Slip>,
    resolved: Vec<Resolved>,
}

/// What is becoming of a line.
enum Deciding {
    Queued(Queued, Slip),
    Refused(Problem),
}

type Decided = Vec<(u64, Deciding)>;

/// What became of a line.
type Answered = Result<(Answer, Slip), Problem>;

impl Counter {
    /// Counts all of an upload, or until nobody reads the answers.
    pub(super) async fn count(&self, slices: Slices, answers: mpsc::UnboundedSender<Bytes>) {
        let (queued, decided) = mpsc::channel(SLICES_MAX);
        tokio::join!(self.queue_all(slices, queued), self.answer_all(decided, answers));
    }

    async fn queue_all(&self, mut slices: Slices, queued: mpsc::Sender<Decided>) {
        while let Some(slice) = slices.next().await {
            let decided = match slice {
                Slice::Lines(lines) => self.queue_slice(lines).await,
                Slice::Broken(line, problem) => vec![(line, Deciding::Refused(*problem))],
            };
            if queued.send(decided).await.is_err() {
                return;
            }
        }
        drop(queued);
        slices.drain().await;
    }

    async fn queue_slice(&self, lines: Vec<Line>) -> Decided {
        let numbers: Vec<u64> = lines.iter().map(Line::number).collect();
        let Parsed { lines, slips, mut resolved } = match self.parse(lines).await {
            Ok(parsed) => parsed,
            Err(error) => {
                let refused = |line| (line, Deciding::Refused(error.clone().into()));
                return numbers.into_iter().map(refused).collect();
            }
        };
        let mended = mend(&self.services, &self.desk, &self.sender, &slips, &mut resolved).await;
        let mut known = slips.into_iter().zip(resolved);
        let mut decided = Vec::with_capacity(lines.len());
        for (line, problem) in lines {
            let deciding = match problem.map_or_else(|| Ok(known.next()), Err) {
                Err(problem) => Deciding::Refused(problem),
                Ok(Some((slip, Ok(report)))) => self.queue(slip, report).await,
                Ok(Some((_, Err(unresolved)))) => Deciding::Refused(match (&mended, unresolved) {
                    // It may be known elsewhere, and nobody could be asked.
                    (Err(error), Unresolved::Unknown(..)) => error.clone().into(),
                    (_, unresolved) => unresolved.into_problem(),
                }),
                Ok(None) => Deciding::Refused(LedgerError::Stopped.into()),
            };
            decided.push((line, deciding));
        }
        decided
    }

    async fn queue(&self, slip: Slip, report: Report) -> Deciding {
        let submission = Submission::Report(Box::new(report));
        match self.services.ingest.submit_bulk(self.sender.found.key, submission).await {
            Ok(queued) => Deciding::Queued(queued, slip),
            Err(error) => Deciding::Refused(error.into()),
        }
    }

    /// Reads a slice on a thread for long work.
    async fn parse(&self, lines: Vec<Line>) -> Result<Parsed, LedgerError> {
        let units = kept_units(&self.services, &self.sender).await?;
        let book = self.desk.books.of(&self.sender.found);
        let (sender, header) = (Arc::clone(&self.sender), self.header.clone());
        let parsing = tokio::task::spawn_blocking(move || parse(lines, header.as_deref(), &book, &units, &sender));
        parsing.await.map_err(|_| LedgerError::Stopped)
    }

    async fn answer_all(&self, mut decided: mpsc::Receiver<Decided>, answers: mpsc::UnboundedSender<Bytes>) {
        while let Some(slice) = decided.recv().await {
            let mut out = Vec::with_capacity(slice.len() * 128);
            let mut done = Vec::with_capacity(slice.len());
            for (line, deciding) in slice {
                done.push((line, answered(deciding).await));
            }
            // Boxes may have been added for these lines.
            let units = kept_units(&self.services, &self.sender).await.unwrap_or_default();
            let needs_totals = done.iter().any(|(_, answer)| {
                let stored = answer.as_ref().ok().and_then(|(answer, _)| Some(outcome(answer).ok()?.2));
                stored.is_some_and(|stored| needs_totals(&units, stored))
            });
            let voters = Voters::of(&self.services, &self.sender, &units, needs_totals).await;
            for (line, answer) in done {
                let word = self.answer(line, answer, &voters, &mut out).await;
                self.desk.meters.count(word);
                out.push(b'\n');
            }
            if answers.send(out.into()).is_err() {
                return;
            }
        }
    }

    /// Writes the answer to one line, and says how it is counted.
    async fn answer(&self, line: u64, answered: Answered, voters: &Voters<'_>, out: &mut Vec<u8>) -> &'static str {
        let (answer, slip) = match answered {
            Ok(answered) => answered,
            Err(problem) => return refuse(line, &problem, out),
        };
        let problem = match outcome(&answer) {
            Ok((_, status, stored)) => {
                let receipt = Receipt::new(&self.services.keys, &self.sender.found, stored);
                let warning = voters.warning(stored);
                write(&LineAnswer { line, status, receipt, warning }, out);
                return status;
            }
            Err(Outcome::Refused(problem)) => *problem,
            Err(Outcome::Contradicts(existing)) => {
                let slip = self.readable(slip);
                contradiction(&self.services, &self.desk, &self.sender, &slip, existing).await
            }
        };
        refuse(line, &problem, out)
    }

    /// A line of a table with its header above it, so that whoever decides about it can read it, however long the header is.
    fn readable(&self, slip: Slip) -> Slip {
        // A line has no end of a line in it, so this one stands below its header already.
        let Some(header) = self.header.as_ref().filter(|_| !slip.request.contains(&b'\n')) else { return slip };
        let request = header.above(&slip.request);
        Slip { request, ..slip }
    }
}

async fn answered(deciding: Deciding) -> Answered {
    match deciding {
        Deciding::Queued(queued, slip) => Ok((queued.answer().await?, slip)),
        Deciding::Refused(problem) => Err(problem),
    }
}

fn parse(lines: Vec<Line>, header: Option<&Header>, book: &Book, units: &Units, sender: &Sender) -> Parsed {
    let mut read = Vec::with_capacity(lines.len());
    let mut slips = Vec::with_capacity(lines.len());
    for line in lines {
        let number = line.number();
        let sent = match line {
            Line::TooLong(_) => Err(Rejection::RequestTooLarge { max: Report::REQUEST_MAX }.into()),
            Line::Whole(_, line) => sent(&line, header)
                .map(|sent| Slip { sent, request: header.map_or(line.clone(), |header| header.kept_above(&line)) }),
        };
        match sent {
            Ok(slip) => {
                slips.push(slip);
                read.push((number, None));
            }
            Err(problem) => read.push((number, Some(problem))),
        }
    }
    let resolved = resolve_all(book, units, sender, &slips);
    Parsed { lines: read, slips, resolved }
}

fn sent(request: &[u8], header: Option<&Header>) -> Result<Sent, Problem> {
    match header {
        Some(header) => header.columns.parse(request),
        None => body::parse(request),
    }
}

fn refuse(line: u64, problem: &Problem, out: &mut Vec<u8>) -> &'static str {
    write(&problem.of_line(line), out);
    problem.code()
}

fn write(answer: &impl serde::Serialize, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _infallible = serde_json::to_writer(out, answer);
}
