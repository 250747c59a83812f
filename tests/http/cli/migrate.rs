//! A whole installation moved into another store: every retry gets the receipt that it got before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{ADMIN, Answer, Poll, TestServer, command};

/// A server with everything in it that must survive.
pub(super) struct Installation {
    pub(super) server: TestServer,
    pub(super) polls: Vec<Poll>,
    device: String,
    gateway: String,
    revoked: String,
}

/// What an installation says of itself: statuses, words and receipts, and what everybody may read.
#[derive(Debug, PartialEq)]
pub(super) struct Memory {
    retries: Vec<(u16, String, Value)>,
    receipts: Vec<Value>,
    results: Vec<Value>,
    entries: Vec<Vec<Value>>,
}

const ID: [&str; 6] = [
    "0193e2a0-0000-4000-8000-000000000000",
    "0193e2a0-0000-4000-8000-000000000001",
    "0193e2a0-0000-4000-8000-000000000002",
    "0193e2a0-0000-4000-8000-000000000003",
    "0193e2a0-0000-4000-8000-000000000004",
    "0193e2a0-0000-4000-8000-000000000005",
];

/// The voter, the choice and the id of each vote; sent in this order, and sent again in this order.
const VOTES: [(&str, &str, Option<usize>); 8] = [
    ("a", "tea", Some(0)),
    ("a", "tea", Some(1)),
    ("b", "coffee", Some(2)),
    ("b", "coffee", None),
    ("a", "coffee", Some(3)),
    ("c", "tea", None),
    ("b", "tea", Some(2)),
    ("c", "coffee", Some(4)),
];

impl Installation {
    pub(super) async fn start(variables: &[(&str, &str)]) -> Self {
        let server = TestServer::launch(&[], variables).await;
        let mut polls = Vec::new();
        for more in [
            json!({ "change": "final" }),
            json!({ "change": "until_close", "slug": "town-hall" }),
            json!({ "change": "until_close" }),
            json!({ "visibility": "on_reveal" }),
            json!({ "method": "approval", "min": 0, "max": 2, "visibility": "after_close" }),
        ] {
            polls.push(server.create(more).await);
        }
        let [gateway, revoked] = [server.token(&["vote"]).await, server.token(&["results"]).await];
        let tokens = server.get("/api/v1/tokens").bearer(ADMIN).send().await.is(200).json();
        let last = tokens.as_array().and_then(|tokens| tokens.last()).expect("a token")["id"].to_string();
        server.ask("DELETE", &format!("/api/v1/tokens/{last}")).bearer(ADMIN).send().await.is(204);
        let device = server.device(&polls[0]).await;
        let installation = Self { server, polls, device, gateway, revoked };
        for poll in &installation.polls {
            installation.votes(poll).await;
        }
        let server = &installation.server;
        server.act(&installation.polls[1], "close").await.is(200);
        for act in ["close", "rounds", "open"] {
            assert!(server.act(&installation.polls[2], act).await.status < 300, "{act}");
        }
        server.vote(&installation.polls[2], "d", json!({ "choices": ["tea"], "id": ID[5] })).await.is(201);
        server.act(&installation.polls[4], "close").await.is(200);
        installation
    }

    /// All votes of a poll, by named voters and by a device, and what is answered.
    async fn votes(&self, poll: &Poll) -> Vec<Answer> {
        let mut answers = Vec::new();
        // Choices by their ids: a retry in a later round means the earlier one.
        let choice = |title: &str| {
            let place = usize::from(title != "tea");
            poll.body.pointer(&format!("/contest/choices/{place}/id")).expect("a choice")
        };
        for (voter, title, id) in VOTES {
            let mut body = json!({ "choices": [choice(title)], "voter": format!("vera {voter}") });
            if let Some(id) = id {
                body["id"] = json!(ID[id]);
            }
            answers.push(self.server.post(&poll.path("/votes"), &body).bearer(&self.gateway).send().await);
        }
        let body = json!({ "choices": [choice("coffee")] });
        answers.push(self.server.post(&poll.path("/votes"), &body).cookie(&self.device).send().await);
        answers
    }

    pub(super) async fn remembers(&self) -> Memory {
        let mut memory = Memory { retries: vec![], receipts: vec![], results: vec![], entries: vec![] };
        for poll in &self.polls {
            for answer in self.votes(poll).await {
                assert_ne!(answer.status, 201, "a vote was counted again: {}", answer.text());
                let json = answer.json();
                if let Some(receipt) = json["receipt"]["id"].as_str() {
                    let found = self.server.get(&format!("/api/v1/receipts/{receipt}")).send().await.is(200).json();
                    memory.receipts.push(found);
                }
                memory.retries.push((answer.status, answer.word(), json["receipt"].clone()));
            }
            memory.entries.push(self.server.entries(poll).await);
            let mut results = self.server.results(poll).await;
            // The one thing that differs: each life of a ledger has its own epoch.
            results["version"] =
                json!(results["version"].as_str().and_then(|version| version.split_once('.')).expect("a version").1);
            memory.results.push(results);
        }
        let refused = self.server.get(&self.polls[0].path("/entries")).bearer(&self.revoked).send().await;
        refused.refused(401, "invalid_token");
        memory
    }
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.display())
}

/// Copies one folder into another: whether it went well, its output, and what it said.
async fn migrate(from: &Path, to: &Path, variables: &[(&str, &str)]) -> (bool, String, String) {
    command(from, &["migrate", "--from", &url(from), "--to", &url(to)], variables).await
}

#[tokio::test]
async fn a_moved_installation_remembers_every_voter_and_every_receipt() {
    let mut old = Installation::start(&[]).await;
    let before = old.remembers().await;
    let words: Vec<_> = before.retries.iter().map(|(_, word, _)| word.as_str()).collect();
    for word in ["repeated", "superseded", "already_voted", "id_reused", "contest_closed"] {
        assert!(words.contains(&word), "no retry is answered {word}: {words:?}");
    }
    let target = old.server.folder().join("deep").join("target");
    let (good, _, said) = migrate(old.server.data(), &target, &[]).await;
    assert!(!good && said.contains("is in use by another hustings process"), "a source that is served: {said}");
    assert!(!target.exists(), "and nothing was begun");

    old.server.stop().await;
    let source = old.server.data().to_owned();
    let (good, out, said) = migrate(&source, &target, &[]).await;
    assert!(good, "{said}");
    for (poll, counted) in old.polls.iter().zip([4, 4, 4, 4, 4]) {
        assert!(out.contains(&format!("{}  Tea or coffee?", poll.code)), "{out}");
        assert!(
            out.contains(&format!("  round 1: {counted} ballots published = {counted} ballots counted in the copy")),
            "{out}"
        );
        assert!(said.contains(&format!("{}  0 of", poll.code)), "no progress: {said}");
    }
    assert!(out.contains("complete; elections copied: 5") && out.contains(&target.display().to_string()), "{out}");
    let key = fs::metadata(target.join("secret.key")).expect("a secret");
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert!(!target.join("beginning").exists(), "something was left behind");
    let (good, again, said) = migrate(&source, &target, &[]).await;
    assert!(good && again == out && said.contains("was complete before"), "once more: {again}{said}");

    old.server.move_to(target.clone());
    old.server.start_again().await;
    let after = old.remembers().await;
    assert_eq!(before, after);
    let next = old.server.create(json!({})).await;
    old.server.vote(&next, "a", json!({ "choices": ["tea"] })).await.is(201);
    old.server.vote(&old.polls[2], "e", json!({ "choices": ["tea"] })).await.is(201);
    old.server.stop().await;
    let (good, _, said) = migrate(&source, &target, &[]).await;
    assert!(!good && said.contains("If it has been served since, it has moved on"), "it lives its own life: {said}");
    old.server.finish().await;
}

#[tokio::test]
async fn an_installation_under_a_secret_of_the_environment_is_moved_under_it() {
    let secret = [("HUSTINGS_SECRET", "a secret of more than thirty-two characters")];
    let mut old = Installation::start(&secret).await;
    let before = old.remembers().await;
    old.server.stop().await;
    let (source, target) = (old.server.data().to_owned(), old.server.folder().join("target"));
    let (good, _, said) = migrate(&source, &target, &[]).await;
    assert!(!good && said.contains("set HUSTINGS_SECRET") && !target.exists(), "{said}");
    let other = [("HUSTINGS_SECRET", "another secret of more than thirty-two")];
    let (good, _, said) = migrate(&source, &target, &other).await;
    assert!(!good && said.contains("the secret does not belong to this database") && !target.exists(), "{said}");
    let (good, out, said) = migrate(&source, &target, &secret).await;
    assert!(good && out.contains("the same HUSTINGS_SECRET"), "{out}{said}");
    assert!(!target.join("secret.key").exists());
    old.server.move_to(target);
    old.server.start_again().await;
    assert_eq!(before, old.remembers().await);
    old.server.finish().await;
}

#[tokio::test]
async fn what_cannot_be_copied_is_left_alone() {
    let mut server = TestServer::start().await;
    server.create(json!({})).await;
    server.stop().await;
    let mut other = TestServer::start().await;
    other.create(json!({})).await;
    other.stop().await;
    let empty = TempDir::new().expect("a folder");
    let (source, foreign) = (server.data().to_owned(), other.data().to_owned());
    let refused = async |from: &str, to: &str, advice: &str| {
        let before = fs::read(foreign.join("hustings.db")).expect("the file");
        let (good, out, said) = command(&source, &["migrate", "--from", from, "--to", to], &[]).await;
        assert!(
            !good && out.is_empty() && said.contains(advice) && !said.contains("panicked"),
            "{advice}: {out}{said}"
        );
        assert_eq!(fs::read(foreign.join("hustings.db")).expect("the file"), before, "{advice}");
    };
    let [ours, theirs, nothing] = [&source, &foreign, empty.path()].map(url);
    let roundabout = url(&source.join("..").join(source.file_name().expect("a name")));
    refused(&ours, &theirs, "is another installation's: choose an empty folder").await;
    fs::rename(foreign.join("secret.key"), foreign.join("secret.moved")).expect("moved");
    refused(&ours, &theirs, "holds another installation: choose an empty folder").await;
    assert!(!foreign.join("secret.key").exists(), "our secret was left there");
    fs::rename(foreign.join("secret.moved"), foreign.join("secret.key")).expect("moved back");
    refused(&ours, &ours, "cannot be copied onto itself").await;
    refused(&ours, &roundabout, "cannot be copied onto itself").await;
    refused("sqlite:", "sqlite:", "cannot be copied onto itself").await;
    refused(&nothing, &ours, "there is no database in").await;
    refused(&url(&source.join("hustings.db")), &nothing, "first run hustings restore").await;
    refused(&ours, "mysql://localhost/x", "use sqlite: and a data folder").await;
    fs::write(empty.path().join("hustings.db-wal"), "a log").expect("written");
    refused(&ours, &nothing, "belongs to a database that was here: move it away").await;
    server.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn half_a_copy_is_neither_served_nor_copied_and_can_be_finished() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.stop().await;
    let (source, target) = (server.data().to_owned(), server.folder().join("target"));
    let (good, _, said) = migrate(&source, &target, &[]).await;
    assert!(good, "{said}");
    let mark = |sql: &str| {
        let database = rusqlite::Connection::open(target.join("hustings.db")).expect("the file");
        database.execute(sql, []).expect("a change");
    };
    mark("INSERT INTO installation VALUES ('migrating', x'')");
    mark("DELETE FROM submission");
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["token", "create", "--name", "x", "--scopes", "vote"],
        &["migrate", "--from", "sqlite:", "--to", &url(&server.folder().join("third"))],
    ] {
        let (good, _, said) = command(&target, arguments, &[]).await;
        assert!(!good && said.contains("is a copy that was not finished: run the same `hustings migrate"), "{said}");
    }
    let (good, out, said) = migrate(&source, &target, &[]).await;
    assert!(good && out.contains("complete; elections copied: 1"), "{out}{said}");
    // A copy that is not the same is never let go.
    mark("INSERT INTO installation VALUES ('migrating', x'')");
    mark("DELETE FROM ballot");
    let (good, out, said) = migrate(&source, &target, &[]).await;
    assert!(!good && out.is_empty(), "{out}");
    assert!(said.contains("differs from its source in the number of votes that count"), "{said}");
    let (good, _, said) = command(&target, &["serve", "--listen", "127.0.0.1:0"], &[]).await;
    assert!(!good && said.contains("is a copy that was not finished"), "{said}");
    server.finish().await;
}

#[tokio::test]
async fn a_database_is_brought_up_to_date_while_nobody_serves_it() {
    let mut server = TestServer::start().await;
    let data = url(server.data());
    let (good, _, said) = server.command(&["migrate", "--database", &data]).await;
    assert!(!good && said.contains("is in use by another hustings process"), "{said}");
    server.stop().await;
    for location in [data.as_str(), "sqlite:"] {
        let (good, out, said) = server.command(&["migrate", "--database", location]).await;
        assert!(good && out.contains("which is up to date"), "{out}{said}");
    }
    let nowhere = TempDir::new().expect("a folder");
    for (arguments, advice) in [
        (&["migrate", "--database", "sqlite:"][..], "there is no database in"),
        (&["migrate", "--database", "postgres"], "use sqlite: and a data folder"),
        (&["migrate", "--from", "sqlite:"], "--to"),
        (&["migrate", "--to", "sqlite:"], "--from"),
        (&["migrate"], "--database"),
    ] {
        let (good, _, said) = command(nowhere.path(), arguments, &[]).await;
        assert!(!good && said.contains(advice), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read_dir(nowhere.path()).expect("the folder").count(), 0, "looking leaves nothing behind");
    server.finish().await;
}

/// Whoever moves a night sees its figures, and no zeros in the place of ballots that nobody cast one by one.
#[tokio::test]
async fn a_night_that_was_moved_is_told_by_its_contests() {
    let mut server = TestServer::start().await;
    let body = json!({ "title": "A night", "kind": "election", "choices": ["Tories", "Labour"], "cities": ["London"],
        "open": true });
    let made = server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json();
    let reports = format!("/api/v1/elections/{}/reports", made["code"].as_str().expect("a code"));
    for (ballot_box, votes) in [("b1", 20), ("b2", 11)] {
        let report = json!({ "ballot_box_id": ballot_box, "city": "london", "votes": { "tories": votes } });
        server.post(&reports, &report).bearer(ADMIN).send().await.is(201);
    }
    server.stop().await;
    let target = server.folder().join("target");
    let (good, out, said) = migrate(server.data(), &target, &[]).await;
    let told = "31 ballots of 2 boxes published = 31 ballots of 2 boxes counted in the copy";
    assert!(good && out.contains(told) && !out.contains("round"), "{out}{said}");
    server.start_again().await;
    server.finish().await;
}
