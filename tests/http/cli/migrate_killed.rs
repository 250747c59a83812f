//! An installation moved from a file to PostgreSQL and back by copies that are killed: half a copy is never served, and
//! the one that was finished remembers every voter, receipt and token.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hustings::ledger::{ElectionKey, Holds};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::migrate::Installation;
use crate::services::copying::{Copying, Coverage, Found, Instant};
use crate::services::postgres::PostgresServer;
use crate::services::redis::Redis;
use crate::support::{Stores, command, program, seed, soon};

/// How many kills of each kind are wanted before a copy is let live.
const EACH: u32 = 2;
/// How many copies are made at most until there were so many.
const COPIES_MAX: u32 = 40;
const SECRET: &str = "the secret of an installation that moves";
const OTHER_SECRET: &str = "the secret of an installation that stays";

/// Where a copy goes.
enum Target {
    Folder(PathBuf),
    /// A database of the server that all tests share.
    Database(String),
}

impl Target {
    fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}", folder.display()),
            Self::Database(name) => PostgresServer::shared().url(name),
        }
    }

    /// What there is of the copy, once nobody writes to it any more.
    async fn found(&self) -> Option<Found> {
        match self {
            Self::Folder(folder) => Found::in_folder(folder).await,
            Self::Database(name) => Some(found_in_database(name).await),
        }
    }

    /// Tries to serve it: what is said against it.
    async fn refusal(&self, secret: &str) -> String {
        let (nowhere, url) = (tempfile::tempdir().expect("a folder"), self.url());
        let (data, database) = match self {
            Self::Folder(folder) => (folder.as_path(), "sqlite:"),
            Self::Database(_) => (nowhere.path(), url.as_str()),
        };
        let serve = ["serve", "--listen", "127.0.0.1:0", "--database", database];
        let (good, _, said) = command(data, &serve, &[("HUSTINGS_SECRET", secret)]).await;
        assert!(!good, "it is served");
        said
    }
}

async fn found_in_database(name: &str) -> Found {
    let client = PostgresServer::shared().client(name).await;
    // The server may still be at what a killed process had sent last.
    let at_work =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended = async {
        while client.query_one(at_work, &[]).await.expect("the sessions").get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon("the end of a killed copy's sessions", ended).await;
    let heads = client.query("SELECT election, seq FROM head", &[]).await.expect("the heads");
    let key = |number: i32| ElectionKey(u32::try_from(number).expect("a number"));
    let length = |seq: i64| u64::try_from(seq).expect("a number");
    let entries: BTreeMap<_, _> = heads.iter().map(|head| (key(head.get(0)), length(head.get(1)))).collect();
    let marks = "SELECT count(*) FROM installation WHERE name = 'migrating'";
    let marks: i64 = client.query_one(marks, &[]).await.expect("the mark").get(0);
    let holds = match (marks, entries.is_empty()) {
        (0, true) => Holds::Nothing,
        (0, false) => Holds::All,
        _ => Holds::Unfinished,
    };
    Found { entries, holds }
}

/// Copies to one new target after the other, and kills the copies, until each kind of kill happened; the last target,
/// whose copy was finished.
async fn move_with_kills<F: Future<Output = Target>>(
    from: &str,
    (elections, entries): (u32, u64),
    random: &mut StdRng,
    new_target: impl Fn(u32) -> F,
) -> Target {
    let mut coverage = Coverage::default();
    for number in 0..COPIES_MAX {
        let target = new_target(number).await;
        let mut found: Option<Found> = None;
        loop {
            // Later, there are entries already.
            let is_first = found.is_none();
            let instant = if is_first { Instant::at_the_start(random) } else { Instant::random(random, elections) };
            let ended = Copying::start(&program(), from, &target.url(), Some(SECRET)).killed_at(instant).await;
            let before = std::mem::replace(&mut found, target.found().await);
            let kept = before.iter().all(|before| found.as_ref().is_some_and(|found| found.has_all_of(before)));
            assert!(kept, "it lost what it had: {before:?}, {found:?}");
            let copied = found.as_ref().map_or(0, Found::total);
            coverage.found(ended == Some(true), copied, entries);
            let is_marked = copied == 0 || copied == entries || found.as_ref().is_some_and(Found::is_unfinished);
            assert!(is_marked, "half a copy would be served: {found:?}");
            if ended == Some(true) {
                break;
            }
            assert_eq!(ended, None, "it failed by itself");
            if found.as_ref().is_some_and(Found::is_unfinished) {
                let said = target.refusal(SECRET).await;
                assert!(said.contains("is a copy that was not finished"), "{said}");
            }
        }
        if coverage.kinds().iter().all(|kills| *kills >= EACH) {
            println!("to {}: {coverage}", target.url());
            return target;
        }
    }
    panic!("void: {coverage}");
}

/// How many elections and entries there are.
async fn size(installation: &Installation) -> (u32, u64) {
    let mut entries = 0;
    for poll in &installation.polls {
        entries += installation.server.entries(poll).await.len() as u64;
    }
    (u32::try_from(installation.polls.len()).expect("some polls"), entries)
}

/// The random part of each version.
async fn epochs(installation: &Installation) -> Vec<String> {
    let mut epochs = Vec::new();
    for poll in &installation.polls {
        let version = installation.server.results(poll).await["version"].clone();
        epochs.push(version.as_str().and_then(|version| version.split_once('.')).expect("a version").0.to_owned());
    }
    epochs
}

/// Two voters who come after a move; what each poll answers them.
async fn late_votes(installation: &Installation, name: &str) -> Vec<(u16, String, Value)> {
    let mut answers = Vec::new();
    for poll in &installation.polls {
        for voter in ["late", "later"] {
            let vote = json!({ "choices": ["tea"] });
            let answer = installation.server.vote(poll, &format!("{voter} {name}"), vote).await;
            answers.push((answer.status, answer.word(), answer.json()["receipt"].clone()));
        }
    }
    answers
}

/// After a move: the same memory under new epochs, and open polls count on.
async fn lives_on(installation: &Installation, before: &Life, name: &str) {
    assert_eq!(installation.remembers().await, before.memory);
    let epochs = epochs(installation).await;
    assert!(epochs.iter().zip(&before.epochs).all(|(after, before)| after != before), "{epochs:?}");
    let first = late_votes(installation, name).await;
    assert!(first.iter().any(|(status, ..)| *status == 201), "{first:?}");
    for (first, again) in first.iter().zip(late_votes(installation, name).await) {
        let expected = if first.0 == 201 { (200, "repeated") } else { (first.0, first.1.as_str()) };
        assert_eq!((again.0, again.1.as_str(), &again.2), (expected.0, expected.1, &first.2));
    }
}

/// What must outlive a move, and what must not.
struct Life {
    memory: super::migrate::Memory,
    epochs: Vec<String>,
    size: (u32, u64),
}

impl Life {
    async fn of(installation: &Installation) -> Self {
        let (memory, epochs) = (installation.remembers().await, epochs(installation).await);
        Self { memory, epochs, size: size(installation).await }
    }
}

fn folder_url(folder: &Path) -> String {
    Target::Folder(folder.to_owned()).url()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_moves_to_postgres_and_back_lose_and_double_nothing() {
    let mut random = StdRng::seed_from_u64(seed());
    let mut moved = Installation::start(&[("HUSTINGS_SECRET", SECRET)]).await;
    let before = Life::of(&moved).await;
    moved.server.stop().await;

    let from = folder_url(moved.server.data());
    let database = |_| async { Target::Database(PostgresServer::shared().database().await) };
    let target = move_with_kills(&from, before.size, &mut random, database).await;
    let said = target.refusal(OTHER_SECRET).await;
    assert!(said.contains("the secret does not belong to"), "{said}");
    let url = target.url();
    let Target::Database(name) = target else { panic!("{url} is no database") };
    let counters = Redis::start(&[]);
    moved.server.move_to_stores(Stores::Shared { database: name, counters, secret: SECRET.to_owned() });
    moved.server.start_again().await;
    lives_on(&moved, &before, "there").await;

    let before = Life::of(&moved).await;
    moved.server.stop().await;
    let place = moved.server.folder().to_owned();
    let folder = |number| {
        let folder = place.join(format!("back {number}"));
        async { Target::Folder(folder) }
    };
    let target = move_with_kills(&url, before.size, &mut random, folder).await;
    let said = target.refusal(OTHER_SECRET).await;
    assert!(said.contains("the secret does not belong to"), "{said}");
    let Target::Folder(back) = target else { panic!("{} is no folder", target.url()) };
    moved.server.move_to_stores(Stores::Folder);
    moved.server.move_to(back);
    moved.server.set("HUSTINGS_SECRET", SECRET);
    moved.server.start_again().await;
    lives_on(&moved, &before, "and back").await;
    moved.server.finish().await;
}
