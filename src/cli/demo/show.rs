//! Runs the votes and shows them: in place on a terminal, line by line elsewhere.
//!
//! Invariant: one write per redraw, and the cursor is back however the run ends.
//! It must not know: what the numbers look like.

use std::future::pending;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::view::{Ink, Look};
use crate::cli::output::Output;
use crate::load::{Api, EventStream, Job, Outcome, Poll, Progress, Results, run};

pub(super) const REDRAW_EVERY: Duration = Duration::from_millis(200);
/// Rates and latencies are those of the last second or so; a number that changes faster cannot be read.
const REDRAWS_PER_FIGURE: u64 = 5;
const LAST_REDRAWS_MAX: u32 = 10;
const COLUMNS_MIN: u16 = 80;
const WATCH_AGAIN: Duration = Duration::from_millis(500);
const WATCH_PATIENCE: Duration = Duration::from_secs(10);

/// Runs the job and returns what came of it.
pub(super) async fn show(job: Job, poll: &Poll, title: &str, link: &str) -> anyhow::Result<Outcome> {
    let progress = Arc::new(Progress::default());
    let latest = Arc::default();
    let mut watcher = JoinSet::new();
    watcher.spawn(watch(job.api.clone(), poll.path("results/stream"), Arc::clone(&latest)));
    let candidates = poll.choices().iter().map(|choice| (choice.title.clone(), 0)).collect();
    let voters = u64::from(job.plan.voters());
    let look = Look { title: title.to_owned(), link: link.to_owned(), voters, candidates, ..Look::default() };
    let mut display = Display::new(look, Arc::clone(&progress), latest)?;
    let mut running = std::pin::pin!(run(job, progress, pending()));
    let mut ticks = interval(REDRAW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            outcome = &mut running => {
                // The live page is a frame or two behind the last acknowledgement; let it arrive.
                for _ in 0..LAST_REDRAWS_MAX {
                    if display.has_arrived() {
                        break;
                    }
                    ticks.tick().await;
                    display.tick()?;
                }
                display.finish(&outcome)?;
                return Ok(outcome);
            }
            _ = ticks.tick() => display.tick()?,
        }
    }
}

type Latest = Arc<Mutex<Option<Results>>>;

/// Follows live results as a page would, and comes back when the stream ends.
pub(super) async fn watch<T: DeserializeOwned>(api: Api, path: String, latest: Arc<Mutex<Option<T>>>) {
    loop {
        if let Ok(mut stream) = EventStream::open(&api, &path, WATCH_PATIENCE).await {
            while let Ok(Some(event)) = stream.next().await {
                if let Ok(results) = serde_json::from_str(&event.data) {
                    *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(results);
                }
            }
        }
        sleep(WATCH_AGAIN).await;
    }
}

struct Display {
    look: Look,
    progress: Arc<Progress>,
    latest: Latest,
    canvas: Option<Canvas>,
    started: Instant,
    redraws: u64,
    since: (Instant, u64),
}

impl Display {
    fn new(look: Look, progress: Arc<Progress>, latest: Latest) -> io::Result<Self> {
        let now = Instant::now();
        let canvas = Canvas::open()?;
        if canvas.is_none() {
            writeln!(Output, "{}, live at {}", look.title, look.link)?;
        }
        Ok(Self { look, progress, latest, canvas, started: now, redraws: 0, since: (now, 0) })
    }

    fn tick(&mut self) -> io::Result<()> {
        self.redraws += 1;
        let new_figures = self.redraws.is_multiple_of(REDRAWS_PER_FIGURE);
        self.update(new_figures);
        match &mut self.canvas {
            Some(canvas) => canvas.draw(&self.look.lines(canvas.ink)),
            None if new_figures => writeln!(Output, "{}", self.look.line()),
            None => Ok(()),
        }
    }

    /// Whether the live results have every acknowledged vote.
    fn has_arrived(&mut self) -> bool {
        self.update(false);
        self.look.candidates.iter().map(|(_, votes)| votes).sum::<u64>() >= self.look.seen.acknowledged
    }

    /// Shows how it ended, with the figures of the whole run.
    fn finish(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.update(false);
        self.look.per_second = outcome.per_second();
        (self.look.p50, self.look.p99) = (outcome.latency.quantile(0.5), outcome.latency.quantile(0.99));
        match &mut self.canvas {
            Some(canvas) => canvas.draw(&self.look.lines(canvas.ink)),
            None => writeln!(Output, "{}", self.look.line()),
        }
    }

    fn update(&mut self, new_figures: bool) {
        let now = Instant::now();
        self.look.elapsed = now - self.started;
        self.look.seen = self.progress.seen();
        if let Some(results) = self.latest.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            for (candidate, choice) in self.look.candidates.iter_mut().zip(&results.choices) {
                candidate.1 = choice.votes;
            }
        }
        if new_figures {
            let (before, answered) = self.since;
            let more = u32::try_from(self.look.seen.answered - answered).unwrap_or(u32::MAX);
            self.look.per_second = f64::from(more) / (now - before).as_secs_f64().max(1e-3);
            self.since = (now, self.look.seen.answered);
            let latency = self.progress.take_latency();
            if latency.count() > 0 {
                (self.look.p50, self.look.p99) = (latency.quantile(0.5), latency.quantile(0.99));
            }
        }
    }
}

/// A place on a terminal that is drawn over and over.
pub(super) struct Canvas {
    pub(super) ink: Ink,
    lines: usize,
}

const CURSOR_HIDE: &str = "\x1b[?25l";
const CURSOR_SHOW: &str = "\x1b[?25h";
/// Clears from here to the end of the line, and to the end of the screen.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

impl Canvas {
    /// None where drawing in place makes no sense: not a terminal, a dumb or a narrow one.
    pub(super) fn open() -> io::Result<Option<Self>> {
        let out = io::stdout();
        let columns = rustix::termios::tcgetwinsize(&out).map_or(0, |size| size.ws_col);
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if !out.is_terminal() || dumb || columns < COLUMNS_MIN {
            return Ok(None);
        }
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Output.write_all(CURSOR_HIDE.as_bytes())?;
        Ok(Some(Self { ink: if colour { Ink::COLOUR } else { Ink::PLAIN }, lines: 0 }))
    }

    /// Draws lines over those that were drawn before.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let mut frame = if self.lines > 0 { format!("\x1b[{}F", self.lines) } else { String::new() };
        for line in lines {
            frame.push_str(line);
            frame.push_str(CLEAR_LINE);
            frame.push('\n');
        }
        frame.push_str(CLEAR_BELOW);
        self.lines = lines.len();
        Output.write_all(frame.as_bytes())?;
        Output.flush()
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // Nobody is left to tell if the terminal has gone away.
        let mut out = io::stdout().lock();
        let _ = out.write_all(CURSOR_SHOW.as_bytes());
        let _ = out.flush();
    }
}
