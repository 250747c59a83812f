//! What is shown while boxes report: a function from numbers to lines.
//!
//! Invariant: at most 80 columns and always the same number of lines, so that a redraw covers what was there.
//! It must not know: terminals, requests.

use std::time::Duration;

use serde_json::Value;

use super::districts::Districts;
use super::send::Answers;
use crate::cli::demo::view::{BAR_WIDTH, Ink, NAME_WIDTH, bar};
use crate::cli::numbers::{percent_done, share, thousands};

/// Everything that is shown at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    title: String,
    link: String,
    elapsed: Duration,
    /// Boxes with a report that counts, and all of them.
    boxes: (u64, u64),
    /// Name, votes, and the districts in which the candidate is ahead alone.
    candidates: Vec<(String, u64, usize)>,
    repeated: u64,
    corrected: u64,
}

impl Look {
    pub(super) fn new(title: &str, link: &str, all: &Districts) -> Self {
        let candidates = all.candidates.iter().map(|name| (name.clone(), 0, 0)).collect();
        let boxes = (0, all.boxes() as u64);
        Self { title: title.to_owned(), link: link.to_owned(), boxes, candidates, ..Self::default() }
    }

    /// Takes over what the live page shows, and what was answered.
    pub(super) fn update(&mut self, latest: &Option<Value>, answers: &Answers, elapsed: Duration) {
        self.elapsed = elapsed;
        self.repeated = answers.count(&["repeated", "superseded"]);
        self.corrected = answers.count(&["corrected", "recorded", "withdrawn"]);
        let Some(results) = latest else { return };
        self.boxes.0 = results["boxes"]["reported"].as_u64().unwrap_or(self.boxes.0);
        let choices = results["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (candidate, choice) in self.candidates.iter_mut().zip(choices) {
            candidate.1 = choice["votes"].as_u64().unwrap_or(0);
            let code = choice["code"].as_str().unwrap_or_default();
            let districts = results["children"].as_array().into_iter().flatten();
            candidate.2 = districts.filter(|district| leads(district, code)).count();
        }
    }

    /// Whether all boxes are there.
    pub(super) fn is_complete(&self) -> bool {
        self.boxes.0 >= self.boxes.1
    }

    /// The lines of the live view.
    pub(super) fn lines(&self, ink: Ink) -> Vec<String> {
        let Ink { bold, dim, off, .. } = ink;
        let (reported, boxes) = self.boxes;
        let mut lines = vec![
            String::new(),
            format!("  {bold}{}{off}", self.title),
            format!("  {dim}live at{off} {}", self.link),
            String::new(),
            format!(
                "  {} {:>5.1} %",
                bar(share(reported, boxes), BAR_WIDTH + NAME_WIDTH + 1, ink),
                percent_done(reported, boxes)
            ),
            format!("  {bold}{}{off} of {} boxes", thousands(reported), thousands(boxes)),
            format!("  {} came twice   {} corrections", thousands(self.repeated), thousands(self.corrected)),
            String::new(),
        ];
        let counted = self.candidates.iter().map(|(_, votes, _)| votes).sum();
        for (name, votes, districts) in &self.candidates {
            let part = share(*votes, counted);
            let name: String = name.chars().take(NAME_WIDTH).collect();
            let bar = bar(part, BAR_WIDTH - 6, ink);
            lines.push(format!(
                "  {name:<NAME_WIDTH$} {bar} {:>5.1} % {bold}{:>9}{off}  {dim}{districts:>2}{off}",
                part * 100.0,
                thousands(*votes)
            ));
        }
        lines.push(format!("  {dim}{:>73}{off}", "districts ahead in"));
        lines
    }

    /// One line, for logs and pipes.
    pub(super) fn line(&self) -> String {
        let (reported, boxes) = self.boxes;
        let mut line = format!(
            "{:>4} s {:>4.0} %  {} of {} boxes",
            self.elapsed.as_secs(),
            percent_done(reported, boxes).floor(),
            thousands(reported),
            thousands(boxes)
        );
        for (name, votes, districts) in &self.candidates {
            line.push_str(&format!("  {name} {} ({districts})", thousands(*votes)));
        }
        line
    }
}

/// Whether a choice is ahead alone in a district.
fn leads(district: &Value, code: &str) -> bool {
    let leader = &district["contests"][0]["leader"];
    leader["choices"][0] == code && leader["tie"] == false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn eighty_columns_are_enough_and_the_page_is_followed() {
        let all = Districts::montreal(Some(580), 1).unwrap();
        let mut look = Look::new("Mayor of Montréal, 2013", "http://127.0.0.1:65535/ABC234/results", &all);
        let plain = |look: &Look| look.lines(Ink::PLAIN);
        let before = plain(&look).len();
        let ahead = |code: &str, tie: bool| json!({ "contests": [{ "leader": { "choices": [code], "tie": tie } }] });
        let latest = json!({ "boxes": { "reported": 290 }, "choices": [{ "code": "coderre", "votes": 200_000 },
            { "code": "bergeron", "votes": 100_000 }, { "code": "joly", "votes": 100_000 }],
            "children": [ahead("coderre", false), ahead("joly", false), ahead("joly", true)] });
        look.update(&Some(latest), &Answers::default(), Duration::from_secs(9));
        assert_eq!(plain(&look).len(), before);
        for line in plain(&look) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert_eq!(
            look.line(),
            "   9 s   50 %  290 of 580 boxes  Coderre 200,000 (1)  Bergeron 100,000 (0)  Joly 100,000 (1)"
        );
        assert!(!look.is_complete());
    }
}
