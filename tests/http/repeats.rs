//! Invariant 3: a repeat of an accepted vote gets its receipt for ever, and moves nothing.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{Poll, TestServer};

const ID: [&str; 5] = [
    "0193e2a0-0000-4000-8000-000000000000",
    "0193e2a0-0000-4000-8000-000000000001",
    "0193e2a0-0000-4000-8000-000000000002",
    "0193e2a0-0000-4000-8000-000000000003",
    "0193e2a0-0000-4000-8000-000000000004",
];

/// A poll and the receipts that were given, by a name of the test's own.
struct Story<'a> {
    server: &'a TestServer,
    poll: Poll,
    receipts: HashMap<&'static str, String>,
}

impl Story<'_> {
    /// Votes, and compares the answer and its receipt: a new name is given to a new receipt, a known one must be met
    /// again, and no name means that there is none.
    async fn vote(&mut self, voter: &str, mut body: Value, expected: (u16, &str, Option<&'static str>)) {
        if let Some(name) = body["replaces"].as_str()
            && let Some(receipt) = self.receipts.get(name)
        {
            body["replaces"] = json!(receipt);
        }
        let entries = self.server.entries(&self.poll).await.len();
        let answer = self.server.vote(&self.poll, voter, body.clone()).await;
        let (status, word, name) = expected;
        let found = answer.json();
        let found_word = if status < 300 { &found["status"] } else { &found["code"] };
        assert_eq!((answer.status, found_word), (status, &json!(word)), "{voter}, {body}: {found}");
        let receipt = found["receipt"]["id"].as_str();
        match name {
            None => assert_eq!(receipt, None, "{voter}, {body}"),
            Some(name) => {
                let receipt = receipt.unwrap_or_else(|| panic!("no receipt for {voter}, {body}: {found}"));
                let known = self.receipts.entry(name).or_insert_with(|| receipt.to_owned());
                assert_eq!(known, receipt, "{voter}, {body} is not {name}");
            }
        }
        let grown = self.server.entries(&self.poll).await.len() - entries;
        assert_eq!(grown, usize::from(status == 201), "{voter}, {body}: entries");
        let distinct: std::collections::HashSet<_> = self.receipts.values().collect();
        assert_eq!(distinct.len(), self.receipts.len(), "two receipts are the same");
    }

    async fn totals(&self, tea: u64, coffee: u64) {
        let results = self.server.results(&self.poll).await;
        let found = (&results["ballots"], &results["choices"][0]["votes"], &results["choices"][1]["votes"]);
        assert_eq!(found, (&json!(tea + coffee), &json!(tea), &json!(coffee)));
    }
}

fn tea(id: usize) -> Value {
    json!({ "choices": ["tea"], "id": ID[id] })
}

fn coffee(id: usize) -> Value {
    json!({ "choices": ["coffee"], "id": ID[id] })
}

#[tokio::test]
async fn a_final_vote_is_counted_once_and_never_moves() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let mut story = Story { server: &server, poll, receipts: HashMap::new() };
    let (any_tea, any_coffee) = (json!({ "choices": ["tea"] }), json!({ "choices": ["coffee"] }));
    let old_tea = json!({ "choices": [story.poll.body.pointer("/contest/choices/0/id")] });
    story.vote("a", tea(0), (201, "counted", Some("first"))).await;
    story.vote("b", any_coffee.clone(), (201, "counted", Some("other"))).await;
    for moment in ["open", "pause", "close", "reveal", "rounds"] {
        if moment != "open" {
            assert!(server.act(&story.poll, moment).await.status < 300, "{moment}");
        }
        // The same id, the same content.
        story.vote("a", tea(0), (200, "repeated", Some("first"))).await;
        // The same id, other content: other choices, another voter.
        story.vote("a", coffee(0), (409, "id_reused", None)).await;
        story.vote("b", tea(0), (409, "id_reused", None)).await;
        story.vote("c", tea(0), (409, "id_reused", None)).await;
        if moment == "rounds" {
            break;
        }
        // Another id or none, by the same voter.
        story.vote("a", tea(1), (200, "repeated", Some("first"))).await;
        story.vote("a", any_tea.clone(), (200, "repeated", Some("first"))).await;
        story.vote("a", coffee(1), (409, "id_reused", None)).await;
        story.vote("a", coffee(2), (409, "already_voted", Some("first"))).await;
        story.vote("b", any_tea.clone(), (409, "already_voted", Some("other"))).await;
        story.vote("b", any_coffee.clone(), (200, "repeated", Some("other"))).await;
        let late = match moment {
            "open" => continue,
            "pause" => "contest_paused",
            _ => "contest_closed",
        };
        story.vote("late", any_tea.clone(), (409, late, None)).await;
        story.totals(1, 1).await;
    }
    // A page of the old round names the choices of the old round.
    story.vote("a", old_tea.clone(), (200, "repeated", Some("first"))).await;
    story.vote("late", old_tea.clone(), (409, "contest_closed", None)).await;
    story.vote("a", any_tea.clone(), (409, "contest_not_open", None)).await;
    server.act(&story.poll, "open").await.is(200);
    story.vote("a", coffee(2), (201, "counted", Some("second round"))).await;
    story.vote("a", tea(0), (200, "repeated", Some("first"))).await;
    story.vote("a", old_tea, (200, "repeated", Some("first"))).await;
    story.vote("a", any_coffee, (200, "repeated", Some("second round"))).await;
    story.vote("a", any_tea, (409, "already_voted", Some("second round"))).await;
    story.totals(0, 1).await;
    server.finish().await;
}

#[tokio::test]
async fn a_changeable_vote_is_guarded_against_late_retries() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({ "change": "until_close" })).await;
    let mut story = Story { server: &server, poll: poll.clone(), receipts: HashMap::new() };
    let replacing = |mut vote: Value, receipt: &str| {
        vote["replaces"] = json!(receipt);
        vote
    };
    story.vote("a", tea(0), (201, "counted", Some("tea"))).await;
    story.vote("a", coffee(1), (201, "changed", Some("coffee"))).await;
    story.totals(0, 1).await;
    // A late retry of the first vote does not flip it back, with an id or with `replaces`.
    story.vote("a", tea(0), (200, "superseded", Some("tea"))).await;
    story.vote("a", replacing(tea(2), "tea"), (409, "superseded", Some("coffee"))).await;
    story.vote("a", replacing(tea(2), "nonsense"), (409, "superseded", Some("coffee"))).await;
    story.vote("a", coffee(1), (200, "repeated", Some("coffee"))).await;
    story.vote("a", coffee(3), (200, "repeated", Some("coffee"))).await;
    story.totals(0, 1).await;
    // The id of a repeat is taken too.
    story.vote("a", replacing(tea(3), "coffee"), (409, "id_reused", None)).await;
    story.vote("a", replacing(tea(2), "coffee"), (201, "changed", Some("tea again"))).await;
    story.vote("a", replacing(tea(2), "coffee"), (200, "repeated", Some("tea again"))).await;
    story.vote("a", tea(0), (200, "superseded", Some("tea"))).await;
    story.vote("a", coffee(1), (200, "superseded", Some("coffee"))).await;
    story.vote("a", coffee(3), (200, "superseded", Some("coffee"))).await;
    story.vote("a", coffee(0), (409, "id_reused", None)).await;
    story.totals(1, 0).await;
    server.act(&poll, "close").await.is(200);
    story.vote("a", tea(0), (200, "superseded", Some("tea"))).await;
    story.vote("a", tea(2), (200, "repeated", Some("tea again"))).await;
    story.vote("a", json!({ "choices": ["tea"] }), (200, "repeated", Some("tea again"))).await;
    story.vote("a", coffee(4), (409, "contest_closed", None)).await;
    story.totals(1, 0).await;
    let receipts = story.receipts;
    for (name, status) in [("tea", "superseded"), ("coffee", "superseded"), ("tea again", "counted")] {
        let shown = server.get(&format!("/api/v1/receipts/{}", receipts[name])).send().await.is(200).json();
        assert_eq!(shown["status"], status, "{name}");
    }
    // For ever: also after the program was started anew.
    server.restart().await;
    let mut story = Story { server: &server, poll, receipts };
    story.vote("a", tea(0), (200, "superseded", Some("tea"))).await;
    story.vote("a", tea(2), (200, "repeated", Some("tea again"))).await;
    server.finish().await;
}

/// Order and spelling of what is sent make no other content.
#[tokio::test]
async fn the_same_choices_are_the_same_vote_however_they_are_sent() {
    let server = TestServer::start().await;
    let approval = json!({ "method": "approval", "choices": ["A", "B", "C"] });
    let score = json!({ "method": "score", "choices": ["A", "B", "C"] });
    for (poll, votes) in [
        (approval, [json!({ "choices": ["a", "b"] }), json!({ "choices": ["b", "a"] })]),
        (score, [json!({ "scores": { "a": 1, "c": 0 } }), json!({ "scores": { "c": 0, "a": 1 } })]),
    ] {
        let poll = server.create(poll).await;
        let [first, second] = votes;
        let counted = server.vote(&poll, "a", first).await.is(201).receipt();
        assert_eq!(server.vote(&poll, "a", second).await.is(200).receipt(), counted);
    }
    server.finish().await;
}
