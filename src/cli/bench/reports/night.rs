//! The night that is reported: every box, every contest, every vote, known beforehand from a seed.
//!
//! Invariant: what is expected is added up here from the plan alone, never from an answer.
//! It must not know: HTTP, the server's way of counting.

use std::fmt::Write as _;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use crate::cli::report::{LINES_MAX, Line};

/// How large the night is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Night {
    pub(super) boxes: u32,
    pub(super) cities: u32,
    pub(super) contests: u32,
    pub(super) choices: u16,
    pub(super) seed: u64,
}

/// One box in one contest: contest by contest, box by box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(pub(super) u32);

/// What of a box counts in a contest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Counts {
    /// Nothing was reported.
    #[default]
    Nothing,
    /// Its first report.
    First,
    /// Its second one.
    Corrected,
    /// Nothing any more.
    Withdrawn,
}

/// What a place must have in a contest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) votes: Vec<u64>,
    pub(super) boxes: u64,
}

/// The most votes that a choice gets in a box.
const VOTES_MAX: u64 = 400;
/// So many cities make a region.
const REGION_CITIES: u32 = 100;
/// A request is kept below 8 MiB: what a line takes beside its choices, and with each of them.
const LINE_BYTES: usize = 200;
const CHOICE_BYTES: usize = 14;
const REQUEST_BYTES: usize = 7 << 20;

impl Night {
    /// The key of a box in a contest.
    pub(super) fn key(&self, contest: u32, ballot_box: u32) -> Key {
        Key(contest * self.boxes + ballot_box)
    }

    /// All keys of a contest.
    pub(super) fn keys(&self, contest: u32) -> Vec<Key> {
        (0..self.boxes).map(|ballot_box| self.key(contest, ballot_box)).collect()
    }

    pub(super) fn regions(&self) -> u32 {
        self.cities.div_ceil(REGION_CITIES)
    }

    pub(super) fn region_of(&self, city: u32) -> u32 {
        city / REGION_CITIES
    }

    pub(super) fn city_of(&self, key: Key) -> u32 {
        key.0 % self.boxes % self.cities
    }

    /// How many lines go into a request.
    pub(super) fn lines_per_request(&self) -> usize {
        (REQUEST_BYTES / (LINE_BYTES + usize::from(self.choices) * CHOICE_BYTES)).clamp(1, LINES_MAX)
    }

    /// The election, with its contests and without units.
    pub(super) fn definition(&self) -> Value {
        let choices: Vec<Value> =
            (0..self.choices).map(|k| json!({ "code": format!("k{k}"), "title": format!("Choice {k}") })).collect();
        let contest = |c| json!({ "code": format!("c{c}"), "title": format!("Contest {c}"), "choices": choices });
        json!({ "title": "A bench", "kind": "election", "units": [],
            "contests": (0..self.contests).map(contest).collect::<Vec<_>>() })
    }

    /// The tree of units as a table. Its boxes stand in another order than they report in, as in life.
    pub(super) fn units(&self) -> String {
        let mut table = "code,kind,parent\n".to_owned();
        let mut add = |code: String, kind: &str, parent: String| {
            // Writing to a String cannot fail.
            let _infallible = writeln!(table, "{code},{kind},{parent}");
        };
        (0..self.regions()).for_each(|region| add(format!("r{region}"), "region", String::new()));
        (0..self.cities).for_each(|city| add(format!("t{city}"), "city", format!("r{}", self.region_of(city))));
        let mut boxes: Vec<u32> = (0..self.boxes).collect();
        boxes.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(self.seed));
        boxes.iter().for_each(|number| add(format!("b{number}"), "box", format!("t{}", number % self.cities)));
        table
    }

    /// The votes of one choice in a report.
    pub(super) fn votes(&self, key: Key, revision: u8, choice: u16) -> u64 {
        let report = u64::from(key.0) << 8 | u64::from(revision);
        mix(mix(self.seed ^ report).wrapping_add(u64::from(choice))) % VOTES_MAX
    }

    /// The report of a box in a revision.
    pub(super) fn line(&self, key: Key, revision: u8) -> Line {
        let mut text = self.beginning(key, revision);
        text.push_str(",\"votes\":{");
        for choice in 0..self.choices {
            let comma = if choice > 0 { "," } else { "" };
            let _infallible = write!(text, "{comma}\"k{choice}\":{}", self.votes(key, revision, choice));
        }
        text.push_str("}}");
        Line { line: 0, id: String::new(), text }
    }

    /// The withdrawal of a box's first report.
    pub(super) fn withdrawal(&self, key: Key) -> Line {
        let text = format!("{},\"withdrawn\":true,\"reason\":\"a bench\"}}", self.beginning(key, 2));
        Line { line: 0, id: String::new(), text }
    }

    fn beginning(&self, key: Key, revision: u8) -> String {
        let (contest, ballot_box) = (key.0 / self.boxes, key.0 % self.boxes);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&mix(self.seed).to_be_bytes());
        id[8..].copy_from_slice(&(u64::from(key.0) << 8 | u64::from(revision)).to_be_bytes());
        let id = uuid::Builder::from_custom_bytes(id).into_uuid();
        format!("{{\"id\":\"{id}\",\"box\":\"b{ballot_box}\",\"contest\":\"c{contest}\",\"revision\":{revision}")
    }

    /// What a box must have.
    pub(super) fn of_box(&self, key: Key, counts: Counts) -> Total {
        let revision = match counts {
            Counts::First => 1,
            Counts::Corrected => 2,
            Counts::Nothing | Counts::Withdrawn => return self.nothing(),
        };
        Total { votes: (0..self.choices).map(|choice| self.votes(key, revision, choice)).collect(), boxes: 1 }
    }

    /// What each city must have in a contest, added up from its boxes.
    pub(super) fn cities(&self, contest: u32, counts: &[Counts]) -> Vec<Total> {
        let mut cities = vec![self.nothing(); self.cities as usize];
        for key in self.keys(contest) {
            cities[self.city_of(key) as usize].add(&self.of_box(key, counts[key.0 as usize]));
        }
        cities
    }

    /// What a place has before anything is reported.
    pub(super) fn nothing(&self) -> Total {
        Total { votes: vec![0; usize::from(self.choices)], boxes: 0 }
    }
}

impl Total {
    pub(super) fn add(&mut self, other: &Self) {
        self.boxes += other.boxes;
        for (sum, votes) in self.votes.iter_mut().zip(&other.votes) {
            *sum += votes;
        }
    }
}

/// Spreads bits (the finaliser of `SplitMix64`): good enough for votes, and the same on every machine.
fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NIGHT: Night = Night { boxes: 1_000, cities: 250, contests: 2, choices: 3, seed: 7 };

    #[test]
    fn reports_are_json_with_ids_of_their_own() {
        let mut ids = BTreeSet::new();
        for revision in [1, 2] {
            for key in NIGHT.keys(1) {
                let report: Value = serde_json::from_str(&NIGHT.line(key, revision).text).unwrap();
                assert!(ids.insert(report["id"].to_string()));
                assert_eq!(report["votes"]["k2"], NIGHT.votes(key, revision, 2));
                assert_eq!(report["contest"], "c1");
            }
        }
        let withdrawal: Value = serde_json::from_str(&NIGHT.withdrawal(NIGHT.key(0, 5)).text).unwrap();
        assert_eq!((&withdrawal["box"], &withdrawal["withdrawn"]), (&json!("b5"), &json!(true)));
    }

    #[test]
    fn cities_are_the_sums_of_their_boxes() {
        let mut counts = vec![Counts::First; 2_000];
        counts[1_003] = Counts::Corrected;
        counts[1_004] = Counts::Withdrawn;
        let cities = NIGHT.cities(1, &counts);
        assert_eq!((cities.len(), NIGHT.regions(), NIGHT.region_of(249)), (250, 3, 2));
        assert_eq!((cities[3].boxes, cities[4].boxes), (4, 3));
        let expected: u64 = [3, 253, 503, 753]
            .map(|number| NIGHT.votes(NIGHT.key(1, number), if number == 3 { 2 } else { 1 }, 0))
            .iter()
            .sum();
        assert_eq!(cities[3].votes[0], expected);
    }
}
