//! Sends the lines of a request until each has its answer.
//!
//! Invariant: what is sent again has the ids it had; nothing is given up while it can still be answered, unless that
//! was asked for.
//! It must not know: files, the spool.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::answer::{self, Answered};
use super::show::Show;
use super::split::Line;
use super::spool::About;
use crate::cli::numbers::thousands;
use crate::cli::output::{Output, note};
use crate::clock::Random;
use crate::load::{Api, Connection, ConnectionError, Response};

/// A connection to a server, opened again whenever it breaks.
pub(in crate::cli) struct Sender<'a> {
    api: Api,
    path: String,
    connection: Option<Connection>,
    give_up_after: Option<Duration>,
    /// The command that takes what is to be sent out of where it waits; none where it waits nowhere.
    forget: Option<String>,
    random: &'a dyn Random,
    show: Show,
}

/// How long a request with ten thousand reports may take before it is sent again.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first pause, doubled up to the longest, each shortened by chance so that many senders do not come back at once.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

impl<'a> Sender<'a> {
    pub(super) fn new(
        api: Api,
        path: String,
        give_up_after: Option<Duration>,
        forget: String,
        random: &'a dyn Random,
    ) -> Self {
        let forget = Some(forget);
        Self { api, path, connection: None, give_up_after, forget, random, show: Show::default() }
    }

    /// A sender that shows nothing, for reports that come from no file.
    pub(in crate::cli) fn quiet(api: Api, path: String, random: &'a dyn Random) -> Self {
        Self { api, path, connection: None, give_up_after: None, forget: None, random, show: Show::none() }
    }

    /// Sends one report, as an officer's device would, until it has its answer: its receipt or its refusal.
    pub(in crate::cli) async fn single(&mut self, line: &Line) -> anyhow::Result<Value> {
        let mut pause = PAUSE;
        loop {
            let request = self.api.request_as("POST", &self.path, "application/json", line.text.as_bytes());
            match self.exchange(&request, |response| answer::read_one(response, line)).await {
                Answered::Lines(mut answers) => {
                    if let Some(answer) = answers.pop().flatten() {
                        return Ok(answer);
                    }
                }
                Answered::Again(..) => {}
                Answered::Stop(why) => bail!("{why}"),
            }
            sleep(self.jittered(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Shows that a file is begun.
    pub(super) fn begin(&mut self, about: &About) {
        self.show.begin(&about.source, about.lines);
    }

    /// Shows a part that was answered before this program was started.
    pub(super) fn passed_over(&mut self, part: u32, about: &About) {
        self.show.done(about.lines * u64::from(part) / u64::from(about.parts.max(1)));
    }

    /// Shows that a file is done.
    pub(super) fn end(&mut self) {
        self.show.end();
    }

    /// Sends lines until each has its answer, and returns the answers in their order.
    pub(in crate::cli) async fn send(&mut self, header: Option<&str>, lines: &[Line]) -> anyhow::Result<Vec<Value>> {
        let mut answers: Vec<Option<Value>> = vec![None; lines.len()];
        let (mut pause, mut last_answer) = (PAUSE, Instant::now());
        loop {
            let open: Vec<usize> = (0..lines.len()).filter(|&at| answers[at].is_none()).collect();
            if open.is_empty() {
                return Ok(answers.into_iter().flatten().collect());
            }
            let sent: Vec<&Line> = open.iter().map(|&at| &lines[at]).collect();
            let (why, after) = match self.lines(header, &sent).await {
                Answered::Lines(found) => {
                    let answered = found.iter().flatten().count();
                    for (at, answer) in open.into_iter().zip(found) {
                        answers[at] = answer;
                    }
                    if answered > 0 {
                        self.show.more(answered);
                        (pause, last_answer) = (PAUSE, Instant::now());
                    }
                    if answered == sent.len() {
                        continue;
                    }
                    ("some lines were not decided".to_owned(), None)
                }
                Answered::Again(why, after) => (why, after),
                Answered::Stop(why) => {
                    let more = match &self.forget {
                        Some(forget) if why.contains("unknown_election") => format!(
                            ". If it is --election that is wrong, send the files again with the right one, and take \
                             these out of the spool with: {forget}"
                        ),
                        _ => String::new(),
                    };
                    bail!("{why}. The spool keeps what was not sent: mend that and start the same command again{more}")
                }
            };
            if self.give_up_after.is_some_and(|limit| last_answer.elapsed() >= limit) {
                bail!("given up: {why}. The spool keeps what was not answered: start the same command again");
            }
            self.show.waits(&why);
            sleep(self.jittered(pause).max(after.unwrap_or_default().min(PAUSE_MAX))).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One request with these lines, and its answer.
    async fn lines(&mut self, header: Option<&str>, lines: &[&Line]) -> Answered {
        let texts = header.into_iter().chain(lines.iter().map(|line| line.text.as_str()));
        let body = texts.fold(String::new(), |body, text| body + text + "\n");
        let kind = if header.is_some() { "text/csv" } else { "application/x-ndjson" };
        let request = self.api.request_as("POST", &self.path, kind, body.as_bytes());
        self.exchange(&request, |response| {
            answer::read(response, lines, header.map_or(0, |header| header.lines().count()))
        })
        .await
    }

    /// One request and its answer; a connection that broke is not used again.
    async fn exchange(&mut self, request: &[u8], read: impl FnOnce(&Response<'_>) -> Answered) -> Answered {
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.api.connect(PATIENCE).await,
        };
        let mut connection = match connection {
            Ok(connection) => connection,
            Err(error) => return failed(&error),
        };
        let (answered, last) = match connection.exchange(request).await {
            Ok(response) => (read(&response), response.last),
            Err(error) => return failed(&error),
        };
        if !last {
            self.connection = Some(connection);
        }
        answered
    }

    /// Between half of a pause and all of it.
    fn jittered(&self, pause: Duration) -> Duration {
        let mut byte = [0];
        self.random.fill(&mut byte);
        pause / 2 + pause / 2 * u32::from(byte[0]) / 255
    }
}

/// What comes of a request without an answer: a server that is not who it should be gets no report however often it is
/// asked.
fn failed(error: &ConnectionError) -> Answered {
    if error.is_lasting() { Answered::Stop(error.to_string()) } else { Answered::Again(error.to_string(), None) }
}

/// What came of all files.
#[derive(Debug, Default)]
pub(super) struct Sent {
    by_status: BTreeMap<String, u64>,
    refused: u64,
    /// The first refusals, in words.
    refusals: Vec<String>,
    receipts: Vec<PathBuf>,
    /// Files that are not in the spool, because they cannot be read as reports.
    not_taken: Vec<PathBuf>,
}

const REFUSALS_SHOWN: usize = 100;

impl Sent {
    /// Adds the receipt or the refusal of one line.
    pub(super) fn add(&mut self, about: &About, receipt: &Value) {
        let text = |name: &str| receipt[name].as_str().unwrap_or_default().to_owned();
        if !receipt["code"].is_string() {
            *self.by_status.entry(text("status")).or_default() += 1;
            return;
        }
        self.refused += 1;
        if self.refusals.len() < REFUSALS_SHOWN {
            let (code, detail) = (text("code"), text("detail"));
            let (file, place) = (about.source.display(), if about.is_list { "report" } else { "line" });
            self.refusals.push(format!("{file}, {place} {}: {code}: {detail}", receipt["line"]));
        }
    }

    /// Adds a file whose receipts stand here.
    pub(super) fn file(&mut self, receipts: &Path) {
        self.receipts.push(receipts.to_owned());
    }

    /// Says why a file was not taken into the spool.
    pub(super) fn not_taken(&mut self, file: &Path, error: &anyhow::Error) {
        note(&format!("{error:#}"));
        self.not_taken.push(file.to_owned());
    }

    /// Whether every file was sent, and every report was accepted, or known before.
    pub(super) fn is_well(&self) -> bool {
        self.refused == 0 && self.not_taken.is_empty()
    }

    /// Prints what came of it; refusals go where errors go.
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        self.note_refusals();
        if json {
            return self.print_json();
        }
        if self.receipts.is_empty() && self.not_taken.is_empty() {
            return writeln!(Output, "the spool is empty: there is nothing to send");
        }
        for (status, lines) in &self.by_status {
            writeln!(Output, "{:>12}  {status}", thousands(*lines))?;
        }
        if self.refused > 0 {
            writeln!(Output, "{:>12}  refused", thousands(self.refused))?;
        }
        for receipts in &self.receipts {
            writeln!(Output, "receipts: {}", receipts.display())?;
        }
        Ok(())
    }

    /// Prints what came of one file on one line.
    pub(super) fn print_file(&self, file: &Path, json: bool) -> io::Result<()> {
        if json {
            return self.print_json();
        }
        let refused = Some(("refused", self.refused)).filter(|(_, lines)| *lines > 0);
        let all = self.by_status.iter().map(|(status, lines)| (status.as_str(), *lines)).chain(refused);
        let told: Vec<String> = all.map(|(word, lines)| format!("{} {word}", thousands(lines))).collect();
        writeln!(Output, "{}: {}", file.display(), told.join(", "))
    }

    fn print_json(&self) -> io::Result<()> {
        let line = json!({ "accepted": self.by_status, "refused": self.refused, "receipts": self.receipts,
            "not_sent": self.not_taken });
        writeln!(Output, "{line}")
    }

    /// Says which lines were refused, and where all of them stand if there are many.
    pub(super) fn note_refusals(&self) {
        self.refusals.iter().for_each(|refusal| note(refusal));
        let more = self.refused.saturating_sub(self.refusals.len() as u64);
        if more > 0 {
            note(&format!("and {} more: each stands in the receipts with its code", thousands(more)));
        }
    }
}
