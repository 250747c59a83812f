//! An independent count: what an election must show at a version, from what was reported, box by box.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::support::Night;
use crate::support::{ADMIN, TestServer};

/// What was recorded, entry by entry, as the audit tells it.
pub(super) struct Book(Vec<Value>);

/// Sums of one unit.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) votes: BTreeMap<String, u64>,
    pub(super) cast: u64,
    pub(super) blank: u64,
    pub(super) invalid: u64,
    pub(super) last: u64,
    pub(super) provisional: u64,
}

impl Book {
    pub(super) async fn read(server: &TestServer, night: &Night) -> Self {
        let text = night.get(server, "/audit?format=ndjson").await.is(200).text();
        Self(text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect())
    }

    pub(super) fn lines(&self) -> &[Value] {
        &self.0
    }

    /// The sums of the boxes that pass, at a place: of each box the highest revision counts.
    pub(super) fn sum(&self, contest: &str, seq: u64, passes: impl Fn(&Value) -> bool) -> Sum {
        let mut latest: BTreeMap<&str, &Value> = BTreeMap::new();
        let reports = self.0.iter().filter(|line| line["box"].is_string() && line["contest"] == contest);
        for line in reports.filter(|line| line["seq"].as_u64().expect("a place") <= seq) {
            let ballot_box = line["box"].as_str().expect("a box");
            let kept = latest.entry(ballot_box).or_insert(line);
            if line["revision"].as_u64() > kept["revision"].as_u64() {
                *kept = line;
            }
        }
        let mut sum = Sum::default();
        for line in latest.into_values().filter(|line| line["status"] != "withdrawn" && passes(line)) {
            let reported = &line["reported"];
            let number = |name: &str| reported[name].as_u64().expect(name);
            for (choice, votes) in reported["votes"].as_object().expect("votes") {
                *sum.votes.entry(choice.clone()).or_default() += votes.as_u64().expect("votes");
            }
            sum.cast += number("cast");
            sum.blank += number("blank");
            sum.invalid += number("invalid");
            let boxes = if line["status"] == "final" { &mut sum.last } else { &mut sum.provisional };
            *boxes += 1;
        }
        sum
    }

    /// Holds a document against this book at its version, and its sums against each other.
    pub(super) fn check(&self, document: &Value) {
        let version = document["version"].as_str().expect("a version");
        let seq = version.split_once('.').and_then(|(_, seq)| seq.parse().ok()).expect("a place");
        assert_eq!(document["schema_version"], 1);
        for contest in document["contests"].as_array().expect("contests") {
            let code = contest["code"].as_str().expect("a code");
            let kind = document["unit"]["kind"].as_str().expect("a kind");
            let unit = &document["unit"]["code"];
            let is_within = |line: &Value| kind == "nation" || line["city"] == *unit || line["box"] == *unit;
            let expected = self.sum(code, seq, is_within);
            assert_eq!(of_contest(contest), expected, "{document:#}");
            adds_up(contest);
            channels_add_up(contest);
            children_add_up(document, code, &expected);
            for child in document["children"].as_array().into_iter().flatten() {
                let name = &child["code"];
                let found = child["contests"].as_array().into_iter().flatten().find(|found| found["code"] == code);
                let Some(found) = found else { continue };
                let of_child = self.sum(code, seq, |line| line["city"] == *name || line["box"] == *name);
                assert_eq!(of_short(found), of_child, "{child:#}");
            }
        }
    }
}

/// Each ballot is a vote, blank or invalid.
fn adds_up(contest: &Value) {
    let number = |name: &str| contest[name].as_u64().expect(name);
    assert_eq!(number("votes") + number("blank") + number("invalid"), number("cast"), "{contest:#}");
    assert_eq!(
        contest["boxes"]["reported"],
        number_of(&contest["boxes"], "final") + number_of(&contest["boxes"], "provisional")
    );
}

fn channels_add_up(contest: &Value) {
    let channels: Vec<&Value> = contest["channels"].as_object().expect("channels").values().collect();
    let sum = |name: &str| channels.iter().map(|channel| number_of(channel, name)).sum::<u64>();
    assert_eq!(sum("votes"), number_of(contest, "votes"), "{contest:#}");
    assert_eq!(sum("cast"), number_of(contest, "cast"), "{contest:#}");
    assert_eq!(sum("boxes"), number_of(&contest["boxes"], "reported"), "{contest:#}");
}

fn children_add_up(document: &Value, code: &str, expected: &Sum) {
    let Some(children) = document["children"].as_array() else { return };
    let contests = children.iter().flat_map(|child| child["contests"].as_array().expect("contests"));
    let mut sum = Sum::default();
    for contest in contests.filter(|contest| contest["code"] == code) {
        let child = of_short(contest);
        sum.cast += child.cast;
        sum.blank += child.blank;
        sum.invalid += child.invalid;
        sum.last += child.last;
        sum.provisional += child.provisional;
        for (choice, votes) in child.votes {
            *sum.votes.entry(choice).or_default() += votes;
        }
    }
    assert_eq!(sum, *expected, "{document:#}");
}

pub(super) fn number_of(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("no number `{name}` in {value:#}"))
}

/// The sums that a contest of a document shows.
pub(super) fn of_contest(contest: &Value) -> Sum {
    let choices = contest["choices"].as_array().expect("choices").iter();
    let votes = choices.map(|choice| (choice["code"].as_str().expect("a code").to_owned(), number_of(choice, "votes")));
    with_votes(contest, votes.collect())
}

fn of_short(contest: &Value) -> Sum {
    let choices = contest["choices"].as_object().expect("choices").iter();
    with_votes(contest, choices.map(|(code, votes)| (code.clone(), votes.as_u64().expect("votes"))).collect())
}

fn with_votes(contest: &Value, mut votes: BTreeMap<String, u64>) -> Sum {
    votes.retain(|_, votes| *votes > 0);
    Sum {
        votes,
        cast: number_of(contest, "cast"),
        blank: number_of(contest, "blank"),
        invalid: number_of(contest, "invalid"),
        last: number_of(&contest["boxes"], "final"),
        provisional: number_of(&contest["boxes"], "provisional"),
    }
}

/// A report by a desk, on one of the nodes; what it must answer.
pub(super) async fn report(server: &TestServer, night: &Night, node: usize, body: Value, word: &str) -> Value {
    let ask = server.ask_node(node, "POST", &night.path("/reports")).bearer(ADMIN).json(&body);
    let answer = ask.send().await;
    assert_eq!(answer.word(), word, "{body}: {}", answer.text());
    answer.json()
}

/// A report in the short form.
pub(super) fn short(ballot_box: &str, city: &str, revision: u32, tories: u32, labour: u32) -> Value {
    json!({ "ballot_box_id": ballot_box, "city": city, "revision": revision,
        "votes": { "tories": tories, "labour": labour } })
}
