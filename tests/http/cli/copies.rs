//! Backups while votes go on, and what a restore brings back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Events, Poll, TestServer, command, run};

/// Votes until told to stop; the receipts, in order.
async fn keep_voting(server: &TestServer, poll: &Poll, stop: &std::sync::atomic::AtomicBool) -> Vec<String> {
    let mut receipts = Vec::new();
    while !stop.load(std::sync::atomic::Ordering::SeqCst) {
        let voter = format!("load {}", receipts.len());
        receipts.push(server.vote(poll, &voter, json!({ "choices": ["tea"] })).await.is(201).receipt());
    }
    receipts
}

#[tokio::test]
async fn a_backup_under_load_is_restored_to_the_last_vote_before_it() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let first = server.vote(&poll, "first", json!({ "choices": ["coffee"] })).await.is(201).receipt();
    let epoch_before = server.results(&poll).await["version"].clone();
    let file = server.folder().join("backup.db");
    let shown = file.display().to_string();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let copying = async {
        let copied = server.command(&["backup", &shown]).await;
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        copied
    };
    let (receipts, (good, out, said)) = tokio::join!(keep_voting(&server, &poll, &stop), copying);
    assert!(good && out.contains("secret.key"), "{out}{said}");
    assert!(!receipts.is_empty());
    let (good, _, said) = server.command(&["backup", &shown]).await;
    assert!(!good && said.contains("exists already"), "{said}");

    // Each thing that is missing is said, and nothing is left behind.
    let restored = server.folder().join("restored");
    let restore = async |expected: &str| {
        let (good, out, said) = command(&restored, &["restore", &shown], &[]).await;
        assert_eq!(good, expected.is_empty(), "{out}{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!restored.join("restoring").exists());
        out
    };
    restore("put the secret.key of the backed-up installation into").await;
    fs::create_dir_all(&restored).expect("a folder");
    let key = restored.join("secret.key");
    fs::copy(server.data().join("secret.key"), &key).expect("copied");
    let out = restore("").await;
    assert!(out.contains(&poll.code) && out.contains("chain verified"), "{out}");
    restore("has a database already").await;
    let (good, _, said) = server.command(&["restore", "/nowhere/file"]).await;
    assert!(!good && (said.contains("there is no file") || said.contains("has a database already")), "{said}");

    // The restored installation: every vote up to some moment, each with its receipt, and a new life for its watchers.
    server.stop().await;
    server.move_to(restored);
    server.start_again().await;
    let results = server.results(&poll).await;
    let ballots = results["ballots"].as_u64().expect("ballots");
    assert!(ballots >= 1 && ballots <= receipts.len() as u64 + 1, "{ballots}");
    let epoch =
        |version: &Value| version.as_str().and_then(|text| text.split_once('.')).map(|(epoch, _)| epoch.to_owned());
    assert_ne!(epoch(&results["version"]), epoch(&epoch_before), "a new epoch");
    let counted = usize::try_from(ballots).expect("a number") - 1;
    for (number, receipt) in std::iter::once(&first).chain(&receipts).enumerate() {
        let status = server.get(&format!("/api/v1/receipts/{receipt}")).send().await.status;
        assert_eq!(status, if number <= counted { 200 } else { 404 }, "vote {number} of {ballots}");
    }
    server.vote(&poll, "first", json!({ "choices": ["coffee"] })).await.is(200);
    // A watcher of the earlier life, further on than this one is, is told anew.
    let seen = format!("{}.99999", epoch(&epoch_before).expect("an epoch"));
    let mut events = Events::open(server.get(&poll.path("/results/stream")).header("last-event-id", &seen)).await;
    assert_eq!(events.next().await.expect("a frame").json()["ballots"], ballots);
    drop(events);
    server.finish().await;
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let server = TestServer::start().await;
    let target = server.folder().join("target");
    fs::create_dir(&target).expect("a folder");
    fs::copy(server.data().join("secret.key"), target.join("secret.key")).expect("copied");
    let check = async |file: &Path, expected: &str| {
        let (good, _, said) = command(&target, &["restore", &file.display().to_string()], &[]).await;
        assert!(!good && said.starts_with("hustings: ") && said.contains(expected), "{expected}: {said}");
        assert!(!said.contains("restoring"), "what is staged is nobody's business: {said}");
        assert!(
            !target.join("hustings.db").exists() && !target.join("restoring").exists(),
            "something was left behind"
        );
    };
    let garbage = server.folder().join("garbage");
    fs::write(&garbage, "no database".repeat(1000)).expect("written");
    let not_ours = format!("cannot open {}: it is not a database of Hustings", garbage.display());
    check(&garbage, &not_ours).await;
    fs::write(&garbage, "").expect("written");
    check(&garbage, &not_ours).await;
    check(server.folder(), "cannot copy").await;
    // The backup of another installation belongs to another secret.
    let other = TestServer::start().await;
    other.create(json!({})).await;
    let foreign = server.folder().join("foreign.db");
    let (good, _, said) = other.command(&["backup", &foreign.display().to_string()]).await;
    assert!(good, "{said}");
    let advice = format!("put the right secret.key back into {}, or set", target.display());
    check(&foreign, &advice).await;
    let key = target.join("secret.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    check(&foreign, &format!("chmod 600 {}", key.display())).await;
    fs::write(&key, "nonsense").expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod");
    check(&foreign, &format!("{} is not a secret of Hustings", key.display())).await;
    let (good, _, said) = command(&garbage, &["restore", &foreign.display().to_string()], &[]).await;
    assert!(!good && said.contains("is a file: give the folder"), "{said}");
    other.finish().await;
    server.finish().await;
}

/// What a reading command says of a database that is none, and of files that are not what it wants.
#[tokio::test]
async fn what_is_no_database_is_not_a_failed_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("hustings.db");
    let (copy, line) =
        (folder.path().join("copy.db").display().to_string(), format!("cannot open {}", database.display()));
    for content in [String::new(), "no database".repeat(1000)] {
        fs::write(&database, content).expect("written");
        for arguments in
            [&["recount"][..], &["token", "list"], &["export", "totals", "--poll", "ABCDEF"], &["backup", &copy]]
        {
            let ended = run(folder.path(), arguments, Stdio::piped()).await;
            let said = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(said, format!("hustings: {line}: it is not a database of Hustings\n"), "{arguments:?}");
            assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        }
    }
    let file = database.display().to_string();
    for arguments in [&["recount"][..], &["token", "list"], &["backup", &copy]] {
        let (good, _, said) = command(&database, arguments, &[]).await;
        assert!(!good && said.starts_with(&format!("hustings: {file} is a file: give the folder")), "{said}");
    }
    let (good, _, said) = command(folder.path(), &["recount", "/"], &[]).await;
    assert!(!good && said.starts_with("hustings: cannot read /: "), "{said}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named_once() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let file = server.folder().join("b.db").display().to_string();
    let (good, _, said) = server.command(&["backup", &file]).await;
    assert!(good, "{said}");
    let (good, _, said) = server.command(&["recount", &file]).await;
    assert!(!good && said.contains("is a database and no export") && said.contains("hustings restore"), "{said}");
    for arguments in
        [&["backup", "/nowhere/b.db"][..], &["export", "totals", "--poll", &poll.code, "--out", "/nowhere/b.db"]]
    {
        let (good, _, said) = server.command(arguments).await;
        assert!(!good && said.starts_with("hustings: cannot write /nowhere/b.db: "), "{said}");
        assert!(
            said.matches("nowhere").count() <= 2 && !said.contains(".hustings-") && !said.contains(".tmp"),
            "{said}"
        );
    }
    server.finish().await;
}
