//! Invariant 9: while results are hidden, nothing that anybody may read depends on the votes.
//!
//! The same story is told by two servers whose polls get different votes, and more of them. Everything an anonymous
//! reader can collect must be the same, byte for byte, once names and times are masked; after the reveal it differs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Events, Poll, Socket, TestServer, mask};

/// Everything that was read, in order, with what it was.
type Seen = Vec<(String, String)>;

/// Two different outcomes: voters and their choices, repeats and refusals among them.
const ONE: [(&str, &str); 3] = [("a", "tea"), ("b", "tea"), ("c", "coffee")];
const OTHER: [(&str, &str); 9] = [
    ("a", "coffee"),
    ("b", "coffee"),
    ("b", "coffee"),
    ("b", "tea"),
    ("c", "coffee"),
    ("d", "coffee"),
    ("e", "coffee"),
    ("f", "coffee"),
    ("g", "tea"),
];

/// An anonymous reader of one poll.
struct Reader<'a> {
    server: &'a TestServer,
    poll: &'a Poll,
    seen: Seen,
}

/// A page without how many have come: that is counted a moment later, and is about devices, not votes.
fn without_joined(text: &str) -> String {
    let Some((before, rest)) = text.split_once("id=\"joined\"") else { return text.to_owned() };
    let after = rest.split_once("</p>").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

impl Reader<'_> {
    fn note(&mut self, what: &str, text: &str) {
        let port = format!(":{}", self.server.address().port());
        let text = mask(&without_joined(&text.replace(&self.poll.code, "<code>").replace(&port, ":<port>")));
        self.seen.push((what.to_owned(), text));
    }

    fn answer(&mut self, what: &str, answer: &Answer) {
        let differs = |name: &str| ["date", "content-length"].contains(&name);
        for (name, value) in answer.headers.iter().filter(|(name, _)| !differs(name)) {
            // A new device gets a key of its own.
            let value = if name == "set-cookie" { value.split_once(';').map_or("", |(_, flags)| flags) } else { value };
            self.note(&format!("{what}, {name}"), value);
        }
        self.note(&format!("{what}, {}", answer.status), &answer.text());
    }

    /// Reads everything there is to read.
    async fn read(&mut self, moment: &str) {
        let (id, code) = (&self.poll.id, &self.poll.code);
        let cookie = self.server.device(self.poll).await;
        for path in [
            format!("/api/v1/polls/{id}"),
            format!("/api/v1/polls/{id}/results"),
            format!("/api/v1/polls/{code}/results?round=1"),
            format!("/polls/{id}/results/"),
            format!("/{code}"),
            format!("/{code}/results"),
            format!("/{code}/results?round=1"),
            format!("/api/v1/polls/{id}/results?format=csv"),
            format!("/api/v1/polls/{id}/ballots"),
            format!("/{code}/embed"),
            format!("/{code}/screen"),
            "/metrics".to_owned(),
            "/readyz".to_owned(),
        ] {
            let name = path.replace(id, "<id>").replace(code, "<code>");
            let anonymous = self.server.get(&path).send().await;
            self.answer(&format!("{moment}: {name}"), &anonymous);
            if let Some(etag) = anonymous.header("etag") {
                let again = self.server.get(&path).header("if-none-match", etag).send().await.is(304);
                self.answer(&format!("{moment}: {name} again"), &again);
            }
            // A device that has not voted is nobody special.
            let device = self.server.get(&path).cookie(&cookie).send().await;
            self.answer(&format!("{moment}: {name} with a cookie"), &device);
        }
    }
}

/// The story: opened, watched, voted, paused, opened again; for `on_reveal` also closed. Returns what was seen until
/// then, and the results that are shown at the end.
async fn story(visibility: &str, votes: &[(&str, &str)]) -> (Seen, Vec<String>) {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": visibility, "public_ballots": true })).await;
    let mut reader = Reader { server: &server, poll: &poll, seen: Vec::new() };
    let mut events = Events::open(server.get(&poll.path("/results/stream"))).await;
    let mut socket = Socket::open(server.address(), &poll.path("/results/ws"), &[]).await.expect("a socket");
    let mut organiser = Events::open(server.get(&poll.path("/results/stream")).bearer(ADMIN)).await;
    let mut shapes = BTreeSet::new();
    let mut counted = BTreeSet::new();
    for (voter, choice) in votes {
        let answer = server.vote(&poll, voter, json!({ "choices": [choice] })).await;
        counted.insert(voter);
        if answer.status < 300 {
            shapes.insert(mask(&without_seq(&answer.json(), visibility).to_string()));
            let receipt = server.get(&format!("/api/v1/receipts/{}", answer.receipt())).send().await.is(200);
            let text = without_seq(&receipt.json(), visibility).to_string();
            shapes.insert(mask(&text.replace(&poll.code, "<code>")));
        }
    }
    let repeated = server.vote(&poll, "a", json!({ "choices": [votes[0].1] })).await.is(200);
    shapes.insert(mask(&without_seq(&repeated.json(), visibility).to_string()));
    for shape in shapes {
        reader.note("an answer or a receipt", &shape);
    }
    // Organisers have seen all votes: frames about them, if there were any for others, are on their way.
    organiser.until("all ballots", |json| json["ballots"] == counted.len()).await;
    reader.read("voted").await;
    let mut acts = vec![("", "open"), ("pause", "paused"), ("open", "open")];
    acts.extend((visibility == "on_reveal").then_some(("close", "closed")));
    for (act, status) in acts {
        if !act.is_empty() {
            server.act(&poll, act).await.is(200);
            reader.read(act).await;
        }
        // One frame when the stream began, then one for each act; any other that came between is noted with it.
        for frame in events.until(status, |json| json["status"] == status).await {
            reader.note("a frame", &format!("{} {}", frame.version, frame.data));
        }
        let mut text = socket.next().await.expect("a frame");
        while !text.contains(&format!("\"status\":\"{status}\"")) {
            reader.note("a message", &text);
            text = socket.next().await.expect("a frame");
        }
        reader.note("a message", &text);
    }
    let seen = std::mem::take(&mut reader.seen);
    server.act(&poll, if visibility == "on_reveal" { "reveal" } else { "close" }).await.is(200);
    let shown = events.until("the reveal", |json| json["hidden"] == false).await.pop().expect("a frame");
    let (page, results) = (format!("/{}/results", poll.code), poll.path("/results"));
    let mut revealed = vec![mask(&shown.data)];
    for path in [page, results] {
        revealed.push(mask(&server.get(&path).send().await.is(200).text().replace(&poll.code, "<code>")));
    }
    drop((events, socket, organiser));
    server.finish().await;
    (seen, revealed)
}

/// An answer to a vote. Where results are hidden from voters too, it must not tell a place in the ledger; where they
/// are shown after the own vote it may, and the place is no secret any more.
fn without_seq(answer: &Value, visibility: &str) -> Value {
    let mut answer = answer.clone();
    let receipt = answer["receipt"].as_object_mut().expect("a receipt");
    let seq = receipt.remove("seq");
    assert_eq!(seq.is_some(), visibility == "after_vote", "{visibility}: {receipt:?}");
    answer
}

#[tokio::test]
async fn nothing_that_anybody_may_read_tells_a_hidden_outcome() {
    for visibility in ["on_reveal", "after_close", "after_vote"] {
        let (one, one_revealed) = story(visibility, &ONE).await;
        let (other, other_revealed) = story(visibility, &OTHER).await;
        for (left, right) in one.iter().zip(&other) {
            assert_eq!(left, right, "{visibility}");
        }
        assert_eq!(one.len(), other.len(), "{visibility}");
        assert!(one.iter().any(|(what, text)| what == "a frame" && text.contains("\"hidden\":true")));
        let leaks = ["\"votes\":", "\"ballots\":", "\"points\":", "\"blank\":", " voter<", " voters<"];
        for (what, text) in &one {
            assert!(!leaks.iter().any(|leak| text.contains(leak)), "{visibility}, {what}: {text}");
        }
        for (left, right) in one_revealed.iter().zip(&other_revealed) {
            assert_ne!(left, right, "{visibility}: the reveal shows nothing");
        }
    }
}

/// `after_vote`: who has voted sees, who has not does not; on every way to look.
#[tokio::test]
async fn who_has_voted_sees_and_others_do_not() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "after_vote" })).await;
    let (voter, other) = (server.device(&poll).await, server.device(&poll).await);
    let vote = json!({ "choices": ["tea"] });
    server.post(&poll.path("/votes"), &vote).cookie(&voter).send().await.is(201);
    for (cookie, hidden) in [(Some(&voter), false), (Some(&other), true), (None, true)] {
        let with = |path: String| {
            let ask = server.get(&path);
            if let Some(cookie) = cookie { ask.cookie(cookie) } else { ask }
        };
        let results = with(poll.path("/results")).send().await.is(200);
        assert_eq!(results.json()["hidden"], hidden, "{cookie:?}");
        assert_eq!(results.header("cache-control"), Some("private, no-cache"), "a cache must not mix viewers");
        let page = with(format!("/{}/results", poll.code)).send().await.is(200);
        assert_eq!(page.text().contains("1 voter<"), !hidden, "{cookie:?}");
        assert_eq!(page.header("cache-control"), Some("private, no-cache"));
        let mut events = Events::open(with(poll.path("/results/stream"))).await;
        assert_eq!(events.next().await.expect("a frame").json()["hidden"], hidden, "{cookie:?}");
        let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
        let mut socket = Socket::open(server.address(), &poll.path("/results/ws"), &headers).await.expect("a socket");
        let message = socket.next().await.expect("a frame");
        assert_eq!(message.contains("\"hidden\":true"), hidden, "{cookie:?}");
    }
    // Another poll is another vote.
    let second = server.create(json!({ "visibility": "after_vote" })).await;
    let results = server.get(&second.path("/results")).cookie(&voter).send().await.is(200).json();
    assert_eq!(results["hidden"], true);
    server.finish().await;
}

/// A vote in one round opens that round. A stream that was opened with it must not go on into the next one.
#[tokio::test]
async fn a_vote_in_one_round_does_not_open_the_next() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "after_vote" })).await;
    let voter = server.device(&poll).await;
    let vote = json!({ "choices": ["tea"] });
    server.post(&poll.path("/votes"), &vote).cookie(&voter).send().await.is(201);
    let mut events = Events::open(server.get(&poll.path("/results/stream")).cookie(&voter)).await;
    let cookie = [("cookie", voter.as_str())];
    let mut socket = Socket::open(server.address(), &poll.path("/results/ws"), &cookie).await.expect("a socket");
    events.until("the own vote", |json| json["ballots"] == 1).await;
    server.act(&poll, "close").await.is(200);
    let body = json!({ "open": true });
    server.post(&poll.path("/rounds"), &body).bearer(ADMIN).send().await.is(201);
    server.vote(&poll, "b", json!({ "choices": ["coffee"] })).await.is(201);
    let results = server.get(&poll.path("/results")).cookie(&voter).send().await.is(200).json();
    assert_eq!((&results["round"], &results["hidden"]), (&json!(2), &json!(true)));
    // The stream may end, and the browser comes back as who it is now; or it goes on, masked.
    while let Some(frame) = events.next().await {
        let json = frame.json();
        assert!(json["round"] == 1 || json["hidden"] == true, "the second round is shown: {json}");
        if json["round"] == 2 {
            break;
        }
    }
    while let Some(message) = socket.next().await {
        let json: Value = serde_json::from_str(&message).expect("JSON");
        assert!(json["round"] == 1 || json["hidden"] == true, "the second round is shown: {json}");
        if json["round"] == 2 {
            break;
        }
    }
    drop((events, socket));
    server.finish().await;
}

/// An earlier round, which all may see, does not tell when votes come in a later one that is hidden.
#[tokio::test]
async fn an_earlier_round_does_not_move_with_hidden_votes() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    for act in ["close", "reveal"] {
        server.act(&poll, act).await.is(200);
    }
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    let query = server.post(&poll.path("/reveal?round=1"), &json!({})).bearer(ADMIN).send().await;
    query.refused(422, "invalid_query");
    let mut seen = Vec::new();
    for voter in ["b", "c"] {
        let mut round = Vec::new();
        for path in [
            poll.path("/results?round=1"),
            poll.path("/results?round=1&format=csv"),
            format!("/{}/results?round=1", poll.code),
            format!("/{}/screen?round=1", poll.code),
            format!("/{}/embed?round=1", poll.code),
        ] {
            let answer = server.get(&path).send().await.is(200);
            round.push((path, answer.header("etag").map(str::to_owned), without_joined(&answer.text())));
        }
        seen.push(round);
        server.vote(&poll, voter, json!({ "choices": ["coffee"] })).await.is(201);
    }
    assert_eq!(seen[0], seen[1]);
    let results: Value = serde_json::from_str(&seen[0][0].2).expect("results");
    assert_eq!((&results["ballots"], results.get("time")), (&json!(1), None));
    // Who may see all of it sees when the last vote came.
    let all = server.get(&poll.path("/results?round=1")).bearer(ADMIN).send().await.is(200).json();
    assert!(all["time"].is_string(), "{all}");
    server.finish().await;
}
