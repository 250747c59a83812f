//! Sends the night, at the pace of a night that lasts a minute, and shows it.
//!
//! It must not know: what must be counted.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::districts::Districts;
use super::script::Script;
use super::view::Look;
use crate::cli::demo::show::{Canvas, REDRAW_EVERY, watch};
use crate::cli::output::Output;
use crate::cli::report::Sender;
use crate::clock::Random;
use crate::load::Api;

/// Reports a second.
const RATE: f64 = 300.0;
/// Senders at once; fewer where there are few reports, so that what comes later in the night comes later.
const SENDERS_MAX: usize = 16;
const REPORTS_PER_SENDER: usize = 20;
const REDRAWS_PER_LINE: u64 = 10;
const LAST_REDRAWS_MAX: u32 = 20;

/// What was answered: statuses, and codes of refusals.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_word: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
}

/// The refusal that the night is to have once.
const CONTRADICTION: &str = "exists_with_different_votes";

impl Answers {
    /// How many answers were one of these.
    pub(super) fn count(&self, words: &[&str]) -> u64 {
        words.iter().filter_map(|word| self.by_word.get(*word)).sum()
    }

    /// How many answers there were.
    pub(super) fn all(&self) -> u64 {
        self.by_word.values().chain(self.refused.values()).sum()
    }

    /// Refusals beside the one contradiction.
    pub(super) fn refused(&self) -> Vec<(&str, u64)> {
        let refused = self.refused.iter().map(|(code, times)| (code.as_str(), *times));
        refused.filter(|refusal| *refusal != (CONTRADICTION, 1)).collect()
    }

    fn add(&mut self, answer: &Value) {
        let (refusal, status) = (answer["code"].as_str(), answer["status"].as_str());
        let (words, word) = match refusal {
            Some(code) => (&mut self.refused, code),
            None => (&mut self.by_word, status.unwrap_or_default()),
        };
        *words.entry(word.to_owned()).or_default() += 1;
    }
}

/// Sends everything and returns what was answered.
pub(super) async fn send(
    api: &Api,
    path: &str,
    script: &Script,
    all: &Districts,
    link: &str,
    random: &dyn Random,
) -> anyhow::Result<Answers> {
    let latest: Arc<Mutex<Option<Value>>> = Arc::default();
    let mut watcher = JoinSet::new();
    watcher.spawn(watch(api.clone(), format!("{path}/results/stream?unit=nation"), Arc::clone(&latest)));
    let (answers, next, started) = (RefCell::new(Answers::default()), Cell::new(0), Instant::now());
    let senders = (script.lines.len() / REPORTS_PER_SENDER).clamp(1, SENDERS_MAX);
    let workers = (0..senders).map(|_| async {
        let mut sender = Sender::quiet(api.clone(), format!("{path}/reports"), random);
        loop {
            let place = next.replace(next.get() + 1);
            let Some(line) = script.lines.get(place) else { return anyhow::Ok(()) };
            let due = f64::from(u32::try_from(place).unwrap_or(u32::MAX)) / RATE;
            sleep_until(started + Duration::from_secs_f64(due)).await;
            let answer = sender.single(line).await?;
            answers.borrow_mut().add(&answer);
        }
    });
    let mut sending = std::pin::pin!(try_join_all(workers));
    let mut ticks = interval(REDRAW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut display = Display { canvas: Canvas::open()?, redraws: 0 };
    let mut look = Look::new(super::TITLE, link, all);
    loop {
        tokio::select! {
            sent = &mut sending => {
                sent?;
                break;
            }
            _ = ticks.tick() => {
                look.update(&latest.lock().unwrap_or_else(PoisonError::into_inner), &answers.borrow(), started.elapsed());
                display.draw(&look)?;
            }
        }
    }
    // The live page is a frame or two behind the last answer; let it arrive.
    for _ in 0..LAST_REDRAWS_MAX {
        look.update(&latest.lock().unwrap_or_else(PoisonError::into_inner), &answers.borrow(), started.elapsed());
        if look.is_complete() {
            break;
        }
        ticks.tick().await;
    }
    display.redraws = 0;
    display.draw(&look)?;
    Ok(answers.take())
}

struct Display {
    canvas: Option<Canvas>,
    redraws: u64,
}

impl Display {
    fn draw(&mut self, look: &Look) -> anyhow::Result<()> {
        match &mut self.canvas {
            Some(canvas) => canvas.draw(&look.lines(canvas.ink))?,
            None if self.redraws.is_multiple_of(REDRAWS_PER_LINE) => writeln!(Output, "{}", look.line())?,
            None => {}
        }
        self.redraws += 1;
        Ok(())
    }
}
