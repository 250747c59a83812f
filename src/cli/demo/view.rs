//! What the demo shows while people vote: a function from numbers to lines.
//!
//! Invariant: at most 80 columns and always the same number of lines, so that a redraw covers what was there.
//! It must not know: terminals, requests, time.

use std::time::Duration;

use crate::cli::numbers::{ms, percent_done, rounded, share, thousands};
use crate::load::Seen;

/// Everything that is shown at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    pub(super) title: String,
    pub(super) link: String,
    pub(super) voters: u64,
    pub(super) elapsed: Duration,
    pub(super) seen: Seen,
    pub(super) per_second: f64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// As the live page has them: name and votes.
    pub(super) candidates: Vec<(String, u64)>,
}

/// Escape sequences, or nothing where colour is not wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    accent: &'static str,
    pub(super) bold: &'static str,
    pub(super) dim: &'static str,
    pub(super) off: &'static str,
}

impl Ink {
    pub(super) const COLOUR: Self = Self { accent: "\x1b[36m", bold: "\x1b[1m", dim: "\x1b[2m", off: "\x1b[0m" };
    pub(super) const PLAIN: Self = Self { accent: "", bold: "", dim: "", off: "" };
}

pub(super) const BAR_WIDTH: usize = 42;
pub(super) const NAME_WIDTH: usize = 14;

impl Look {
    /// The lines of the live view.
    pub(super) fn lines(&self, ink: Ink) -> Vec<String> {
        let Ink { bold, dim, off, .. } = ink;
        let Seen { acknowledged, retries, errors, .. } = self.seen;
        let part = share(acknowledged, self.voters);
        let (p50, p99) = (latency(self.p50), latency(self.p99));
        let trouble = match (retries, errors) {
            (0, 0) => String::new(),
            (retries, 0) => format!("   {} sent again", thousands(retries)),
            (_, errors) => format!("   {} ERRORS", thousands(errors)),
        };
        let mut lines = vec![
            String::new(),
            format!("  {bold}{}{off}", self.title),
            format!("  {dim}live at{off} {}", self.link),
            String::new(),
            format!(
                "  {} {:>5.1} %",
                bar(part, BAR_WIDTH + NAME_WIDTH + 1, ink),
                percent_done(acknowledged, self.voters)
            ),
            format!("  {bold}{}{off} of {} voters", thousands(acknowledged), thousands(self.voters)),
            format!("  {} answers a second   p50 {p50}   p99 {p99}{trouble}", rounded(self.per_second)),
            String::new(),
        ];
        let counted = self.candidates.iter().map(|(_, votes)| votes).sum();
        for (name, votes) in &self.candidates {
            let part = share(*votes, counted);
            let name: String = name.chars().take(NAME_WIDTH).collect();
            let bar = bar(part, BAR_WIDTH, ink);
            lines.push(format!(
                "  {name:<NAME_WIDTH$} {bar} {:>5.1} % {bold}{:>10}{off}",
                part * 100.0,
                thousands(*votes)
            ));
        }
        lines.push(String::new());
        lines
    }

    /// One line, for logs and pipes.
    pub(super) fn line(&self) -> String {
        let Seen { acknowledged, .. } = self.seen;
        let percent = percent_done(acknowledged, self.voters).floor();
        let mut line = format!(
            "{:>4} s {percent:>4.0} %  {} of {}  {}/s  p50 {}  p99 {}",
            self.elapsed.as_secs(),
            thousands(acknowledged),
            thousands(self.voters),
            rounded(self.per_second),
            latency(self.p50),
            latency(self.p99)
        );
        for (name, votes) in &self.candidates {
            line.push_str(&format!("  {name} {}", thousands(*votes)));
        }
        line
    }
}

/// Nothing is measured before the first answers have come.
fn latency(measured: Duration) -> String {
    if measured.is_zero() { "–".to_owned() } else { ms(measured) }
}

/// A bar of half columns.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a few columns"
)]
pub(super) fn bar(part: f64, width: usize, ink: Ink) -> String {
    let halves = (part.clamp(0.0, 1.0) * (width * 2) as f64).round() as usize;
    let (full, half) = (halves / 2, halves % 2);
    let Ink { accent, dim, off, .. } = ink;
    let rest = "─".repeat(width - full - half);
    format!("{accent}{}{}{off}{dim}{rest}{off}", "━".repeat(full), "╸".repeat(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look() -> Look {
        Look {
            title: "Mayor of Montréal, 2013".to_owned(),
            link: "http://127.0.0.1:65535/ABC234/results".to_owned(),
            voters: 391_166,
            elapsed: Duration::from_secs(12),
            seen: Seen { sent: 300_000, answered: 290_000, acknowledged: 238_912, retries: 1234, errors: 0 },
            per_second: 123_456.7,
            p50: Duration::from_millis(1234),
            p99: Duration::from_millis(12_345),
            candidates: vec![
                ("Coderre".into(), 76_123),
                ("A very long name indeed".into(), 0),
                ("Joly".into(), 10_000_000),
            ],
        }
    }

    #[test]
    fn eighty_columns_are_enough_and_the_number_of_lines_is_constant() {
        for seen in [look().seen, Seen::default(), Seen { errors: 10_000_000, ..look().seen }] {
            let lines = Look { seen, ..look() }.lines(Ink::PLAIN);
            assert_eq!(lines.len(), 12);
            for line in lines {
                assert!(line.chars().count() <= 80, "{line}");
                assert!(!line.contains('\x1b'), "{line}");
            }
        }
    }

    #[test]
    fn the_view_says_what_happens() {
        let text = look().lines(Ink::COLOUR).join("\n");
        for part in
            ["\x1b[1mMayor of Montréal", "238,912", "61.0 %", "123,457 answers", "1,234 sent again", "10,000,000"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(bar(0.5, 5, Ink::PLAIN), "━━╸──");
        assert_eq!([bar(0.0, 2, Ink::PLAIN), bar(1.0, 2, Ink::PLAIN)], ["──", "━━"]);
        let nearly = Look { seen: Seen { acknowledged: 391_165, ..look().seen }, p50: Duration::ZERO, ..look() };
        assert!(nearly.line().starts_with("  12 s   99 %  391,165 of 391,166  123,457/s  p50 –"), "{}", nearly.line());
        assert!(nearly.lines(Ink::PLAIN).join("\n").contains(" 99.9 %\n"), "{:?}", nearly.lines(Ink::PLAIN));
        let line = look().line();
        assert!(line.starts_with("  12 s   61 %  238,912 of 391,166  123,457/s  p50 1,234 ms"), "{line}");
        assert!(line.ends_with("Joly 10,000,000"), "{line}");
    }
}
