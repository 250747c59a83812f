//! Sends reports, many in a request or one at a time, and counts what was answered.
//!
//! It must not know: what must be counted.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::time::Instant;

use crate::cli::report::{Line, Sender};
use crate::clock::Random;
use crate::load::{Api, Latency};

/// Where reports are sent.
pub(super) struct Desk<'a> {
    pub(super) api: Api,
    /// The address of the election.
    pub(super) path: String,
    pub(super) random: &'a dyn Random,
}

/// What was answered, and how fast.
#[derive(Debug, Default)]
pub(super) struct Uploaded {
    /// Answers by their status or their code.
    pub(super) answers: BTreeMap<String, u64>,
    pub(super) elapsed: Duration,
    pub(super) latency: Latency,
}

impl Uploaded {
    /// Answers a second.
    pub(super) fn per_second(&self) -> f64 {
        let answers: u64 = self.answers.values().sum();
        f64::from(u32::try_from(answers).unwrap_or(u32::MAX)) / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// How many answers were this one.
    pub(super) fn count(&self, answer: &str) -> u64 {
        self.answers.get(answer).copied().unwrap_or(0)
    }

    fn add(&mut self, answer: &Value) {
        let word = answer["code"].as_str().or(answer["status"].as_str()).unwrap_or("unreadable");
        *self.answers.entry(word.to_owned()).or_default() += 1;
    }

    fn of(parts: Vec<Self>, elapsed: Duration) -> Self {
        let mut whole = Self { elapsed, ..Self::default() };
        for part in parts {
            for (word, count) in part.answers {
                *whole.answers.entry(word).or_default() += count;
            }
            whole.latency.add(&part.latency);
        }
        whole
    }
}

impl Desk<'_> {
    /// Sends reports in requests of so many lines over a few connections; `line` makes each of them when it is due.
    pub(super) async fn bulk<T>(
        &self,
        connections: u16,
        lines_per_request: usize,
        reports: &[T],
        line: impl Fn(&T) -> Line,
    ) -> anyhow::Result<Uploaded> {
        let (next, started) = (Cell::new(0), Instant::now());
        let workers = (0..connections).map(|_| async {
            let mut sender = Sender::quiet(self.api.clone(), format!("{}/reports/bulk", self.path), self.random);
            let mut done = Uploaded::default();
            while let Some(chunk) = reports.chunks(lines_per_request).nth(next.replace(next.get() + 1)) {
                let lines: Vec<Line> = chunk.iter().map(&line).collect();
                sender.send(None, &lines).await?.iter().for_each(|answer| done.add(answer));
            }
            anyhow::Ok(done)
        });
        let parts = try_join_all(workers).await?;
        Ok(Uploaded::of(parts, started.elapsed()))
    }

    /// Sends reports one at a time over so many connections, each with one request under way.
    pub(super) async fn singles<T>(
        &self,
        connections: u16,
        reports: &[T],
        line: impl Fn(&T) -> Line,
    ) -> anyhow::Result<Uploaded> {
        let (next, started) = (Cell::new(0), Instant::now());
        let workers = (0..connections).map(|_| async {
            let mut sender = Sender::quiet(self.api.clone(), format!("{}/reports", self.path), self.random);
            let mut done = Uploaded::default();
            while let Some(report) = reports.get(next.replace(next.get() + 1)) {
                let (line, sent) = (line(report), Instant::now());
                done.add(&sender.single(&line).await?);
                done.latency.record(sent.elapsed());
            }
            anyhow::Ok(done)
        });
        let parts = try_join_all(workers).await?;
        Ok(Uploaded::of(parts, started.elapsed()))
    }
}
