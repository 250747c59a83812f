//! How far the sending is: a bar on a terminal, now and then a line elsewhere.
//!
//! It must not know: what is sent.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::cli::numbers::{percent_done, several, thousands};
use crate::cli::output::note;

/// The file under way.
#[derive(Debug, Default)]
pub(super) struct Show {
    file: String,
    lines: u64,
    done: u64,
    shown: Option<Instant>,
    /// Why nothing moves, where nothing does.
    waits: Option<String>,
    is_silent: bool,
}

const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR_WIDTH: usize = 24;
/// Back to the beginning of the line, and clear it.
const AGAIN: &str = "\r\x1b[K";

impl Show {
    /// Shows nothing.
    pub(super) fn none() -> Self {
        Self { is_silent: true, ..Self::default() }
    }

    /// Begins with a file of so many lines.
    pub(super) fn begin(&mut self, file: &Path, lines: u64) {
        let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        *self = Self { file, lines, ..Self::default() };
        self.draw(false);
    }

    /// So many lines are done in all.
    pub(super) fn done(&mut self, lines: u64) {
        self.done = lines;
        self.draw(false);
    }

    /// So many more lines are done.
    pub(super) fn more(&mut self, lines: usize) {
        self.waits = None;
        self.done(self.done + lines as u64);
    }

    /// Nothing moves for this reason; said once for each reason.
    pub(super) fn waits(&mut self, why: &str) {
        let new = self.waits.as_deref() != Some(why);
        self.waits = Some(why.to_owned());
        self.draw(new);
    }

    /// The file is done.
    pub(super) fn end(&mut self) {
        (self.done, self.waits) = (self.lines, None);
        self.draw(true);
        if io::stderr().is_terminal() {
            let _closed = writeln!(io::stderr());
        }
    }

    fn draw(&mut self, at_once: bool) {
        if self.is_silent {
            return;
        }
        if io::stderr().is_terminal() {
            let _closed = write!(io::stderr(), "{AGAIN}{}{}", bar(self.done, self.lines), self.line());
        } else if at_once || self.shown.is_none_or(|shown| shown.elapsed() >= LINE_EVERY) {
            note(&self.line());
            self.shown = Some(Instant::now());
        }
    }

    fn line(&self) -> String {
        let Self { file, lines, done, waits, .. } = self;
        let percent = percent_done(*done, *lines);
        let waits = waits.as_ref().map(|why| format!("; trying again: {why}")).unwrap_or_default();
        let all = several(*lines, "report", "reports");
        format!("{file}: {} of {all} answered, {percent:.1} %{waits}", thousands(*done))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most the width of the bar")]
fn bar(done: u64, lines: u64) -> String {
    let full = (done.min(lines) * BAR_WIDTH as u64 / lines.max(1)) as usize;
    format!("{}{}  ", "━".repeat(full), "─".repeat(BAR_WIDTH - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_why_not_further() {
        let mut show = Show { file: "night.csv".to_owned(), lines: 20_000, ..Show::default() };
        show.more(10_000);
        assert_eq!(show.line(), "night.csv: 10,000 of 20,000 reports answered, 50.0 %");
        show.waits("cannot connect");
        assert!(show.line().ends_with("; trying again: cannot connect"), "{}", show.line());
        assert_eq!([bar(0, 0), bar(2, 2)].map(|bar| bar.matches('━').count()), [0, BAR_WIDTH]);
    }
}
