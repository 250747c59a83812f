//! What arrives in the night, and in which order: every report, and everything that goes wrong.
//!
//! Invariant: when all of it has arrived, in whatever order, each box counts with what it has; only the seed decides.
//! It must not know: servers.

use std::collections::BTreeMap;

use anyhow::Context;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::districts::Districts;
use crate::cli::report::Line;

/// All that arrives, in order.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) lines: Vec<Line>,
    /// How many of them have arrived before.
    pub(super) again: usize,
    /// How many boxes first report a wrong count.
    pub(super) corrected: usize,
}

/// Of a hundred boxes: report twice, and report a wrong count first.
const AGAIN_PERCENT: usize = 5;
const CORRECTED_PERCENT: usize = 2;

/// A report with its place in the night, from 0 to 1.
type Placed = (f64, Line);

struct Writer<'a> {
    all: &'a Districts,
    random: Xoshiro256PlusPlus,
    placed: Vec<Placed>,
}

impl Script {
    /// The night of these districts.
    pub(super) fn new(all: &Districts, seed: u64) -> anyhow::Result<Self> {
        let mut boxes: Vec<(usize, usize)> = Vec::new();
        for (district, found) in all.districts.iter().enumerate() {
            boxes.extend((0..found.boxes.len()).map(|number| (district, number)));
        }
        let mut writer = Writer { all, random: Xoshiro256PlusPlus::seed_from_u64(seed), placed: Vec::new() };
        boxes.shuffle(&mut writer.random);
        let corrected = boxes.len() * CORRECTED_PERCENT / 100;
        let (withdrawn, rest) = boxes.split_first().context("a night without boxes")?;
        let (contradicted, rest) = rest.split_first().context("a night of one box")?;
        writer.withdrawn(*withdrawn);
        writer.contradicted(*contradicted);
        for (place, of_box) in rest.iter().enumerate() {
            let at = writer.random.random();
            if place < corrected {
                writer.corrected(*of_box, at);
            } else {
                writer.right(*of_box, 1, at);
            }
        }
        let again = boxes.len() * AGAIN_PERCENT / 100;
        writer.again(again);
        writer.placed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(Self { lines: writer.placed.into_iter().map(|(_, line)| line).collect(), again, corrected })
    }
}

impl Writer<'_> {
    fn report(&mut self, of_box: (usize, usize), at: f64, votes: Option<Vec<u32>>, more: &[(&str, serde_json::Value)]) {
        let district = &self.all.districts[of_box.0];
        let id = uuid::Builder::from_random_bytes(self.random.random()).into_uuid().to_string();
        let mut report = json!({ "id": id, "box": district.code_of(of_box.1) });
        if let Some(votes) = votes {
            let codes = self.all.candidates.iter().map(|name| name.to_lowercase());
            report["votes"] = json!(codes.zip(votes).collect::<BTreeMap<_, _>>());
        }
        more.iter().for_each(|(name, value)| report[*name] = value.clone());
        self.placed.push((at, Line { line: 0, id, text: report.to_string() }));
    }

    fn votes(&self, (district, number): (usize, usize)) -> Vec<u32> {
        self.all.districts[district].boxes[number].clone()
    }

    /// Two digits exchanged, or a ballot too many.
    fn wrong_votes(&mut self, of_box: (usize, usize)) -> Vec<u32> {
        let mut votes = self.votes(of_box);
        votes.rotate_left(1);
        votes[0] += self.random.random_range(1..10);
        votes
    }

    fn right(&mut self, of_box: (usize, usize), revision: u32, at: f64) {
        let votes = self.votes(of_box);
        self.report(of_box, at, Some(votes), &[("revision", json!(revision))]);
    }

    /// First a wrong provisional count, later the right one.
    fn corrected(&mut self, of_box: (usize, usize), at: f64) {
        let wrong = self.wrong_votes(of_box);
        self.report(of_box, at, Some(wrong), &[("revision", json!(1)), ("status", json!("provisional"))]);
        let later = at + (1.0 - at) * self.random.random::<f64>();
        self.right(of_box, 2, later);
    }

    /// A count that turns out to be of another box, is withdrawn, and reported anew.
    fn withdrawn(&mut self, of_box: (usize, usize)) {
        let wrong = self.wrong_votes(of_box);
        self.report(of_box, 0.1, Some(wrong), &[("revision", json!(1))]);
        let reason = json!("the count of another box");
        self.report(of_box, 0.5, None, &[("revision", json!(2)), ("withdrawn", json!(true)), ("reason", reason)]);
        self.right(of_box, 3, 0.9);
    }

    /// A count, and another one under the same number that contradicts it.
    fn contradicted(&mut self, of_box: (usize, usize)) {
        self.right(of_box, 1, 0.2);
        let wrong = self.wrong_votes(of_box);
        self.report(of_box, 0.7, Some(wrong), &[("revision", json!(1))]);
    }

    /// So many of the counts arrive twice, the second time any time later. Those of the first two boxes do not: what
    /// contradicts would become a case twice.
    fn again(&mut self, number: usize) {
        let skipped = 5;
        let mut places: Vec<usize> = (skipped..self.placed.len()).collect();
        places.shuffle(&mut self.random);
        for place in places.into_iter().take(number) {
            let (at, line) = self.placed[place].clone();
            self.placed.push((at + (1.0 - at) * self.random.random::<f64>(), line));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_highest_revision_of_each_box_is_what_it_has() {
        let all = Districts::montreal(Some(1_000), 3).unwrap();
        let script = Script::new(&all, 3).unwrap();
        let boxes = all.boxes();
        assert_eq!((script.again, script.corrected), (boxes / 20, boxes / 50));
        assert_eq!(script.lines.len(), boxes + boxes / 20 + boxes / 50 + 3);
        let ids: BTreeSet<&String> = script.lines.iter().map(|line| &line.id).collect();
        assert_eq!(ids.len(), script.lines.len() - script.again);
        let mut counts: BTreeMap<String, (u64, Value)> = BTreeMap::new();
        let mut contradictions = 0;
        for line in &script.lines {
            let report: Value = serde_json::from_str(&line.text).unwrap();
            let (code, revision) = (report["box"].as_str().unwrap().to_owned(), report["revision"].as_u64().unwrap());
            let known = counts.entry(code).or_default();
            if revision > known.0 {
                *known = (revision, report["votes"].clone());
            } else if revision == known.0 && known.1 != report["votes"] {
                contradictions += 1;
            }
        }
        assert_eq!(contradictions, 1);
        for district in &all.districts {
            for (number, votes) in district.boxes.iter().enumerate() {
                let wanted: Vec<Value> = votes.iter().map(|votes| json!(votes)).collect();
                let (_, found) = &counts[&district.code_of(number)];
                assert_eq!(
                    [&found["coderre"], &found["bergeron"], &found["joly"]],
                    [&wanted[0], &wanted[1], &wanted[2]]
                );
            }
        }
    }
}
