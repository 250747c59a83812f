//! What can be wrong when a server starts: it ends, and says in one sentence what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{ADMIN, TestServer, command};

/// A data folder with one vote in it, whose server has stopped.
async fn stopped() -> TestServer {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.stop().await;
    server
}

/// `serve` must end badly and say this.
async fn refused(data: &Path, arguments: &[&str], variables: &[(&str, &str)], advice: &str) {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let (good, out, said) = command(data, &arguments, variables).await;
    assert!(!good && out.is_empty(), "it started: {out}");
    assert!(said.contains(advice), "`{advice}` is not in: {said}");
    assert!(said.lines().any(|line| line.starts_with("hustings: ") || line.contains("--help")), "{said}");
    assert!(!said.contains("panicked") && !said.contains("backtrace"), "{said}");
}

#[tokio::test]
async fn a_folder_has_one_server() {
    let server = TestServer::start().await;
    let shown = server.data().display().to_string();
    for advice in [shown.as_str(), "is in use by another hustings process", "--data"] {
        refused(server.data(), &[], &[], advice).await;
    }
    let port = server.address().to_string();
    let other = TempDir::new().expect("a folder");
    let (good, _, said) = command(other.path(), &["serve", "--listen", &port], &[]).await;
    assert!(!good && said.contains(&format!("cannot listen on {port}")) && said.contains("--listen"), "{said}");
    // Commands that write take the same lock.
    let token = ["token", "create", "--name", "x", "--scopes", "vote"];
    let (good, _, said) = server.command(&token).await;
    assert!(!good && said.contains("is in use") && said.contains("--url"), "{said}");
    server.finish().await;
}

/// After a stop in order the database is one file: whoever copies it has every vote.
#[tokio::test]
async fn a_stop_copies_the_log_into_the_database() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.results(&poll).await;
    server.stop().await;
    let log = fs::metadata(server.data().join("hustings.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "votes are left in the log");
    server.finish().await;
}

#[tokio::test]
async fn a_database_belongs_to_its_secret() {
    let server = stopped().await;
    let (data, key) = (server.data(), server.data().join("secret.key"));
    assert_eq!(fs::metadata(&key).expect("a secret").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(data).expect("a folder").permissions().mode() & 0o777, 0o700);
    let right = fs::read_to_string(&key).expect("a secret");
    let write = |text: &str, mode: u32| {
        fs::write(&key, text).expect("written");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("chmod");
    };
    let secret = "a secret of more than thirty-two characters";
    refused(data, &[], &[("HUSTINGS_SECRET", secret)], "the secret does not belong to this database").await;
    refused(data, &[], &[("HUSTINGS_SECRET", "short")], "at least 32 characters").await;
    write(&"0".repeat(64), 0o600);
    refused(data, &[], &[], "put the right secret.key back").await;
    write("not a secret", 0o600);
    refused(data, &[], &[], "put the right file back from your backup").await;
    write(&right, 0o644);
    refused(data, &[], &[], "chmod 600").await;
    fs::remove_file(&key).expect("removed");
    refused(data, &[], &[], "put it back from your backup, or set HUSTINGS_SECRET").await;
    assert!(!key.exists(), "a new secret would make every voter a new one");
    write(&right, 0o600);
    server.finish().await;
}

#[tokio::test]
async fn a_database_of_a_later_program_is_left_alone() {
    let server = stopped().await;
    let path = server.data().join("hustings.db");
    let change = |sql: &str| Connection::open(&path).expect("the database").execute_batch(sql).expect("a change");
    change(
        "INSERT INTO refinery_schema_history SELECT 9999, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1",
    );
    refused(server.data(), &[], &[], "install the newer hustings again").await;
    refused(server.data(), &[], &[], "has schema 9999").await;
    change("DELETE FROM refinery_schema_history WHERE version = 9999");
    server.finish().await;
}

#[tokio::test]
async fn options_that_cannot_be_used_say_what_can() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let (file, toml, garbage) =
        (folder.path().join("file"), folder.path().join("bad.toml"), folder.path().join("garbage"));
    fs::write(&file, "x").expect("written");
    fs::write(&toml, "colour = \"red\"\n").expect("written");
    fs::create_dir(&garbage).expect("a folder");
    fs::write(garbage.join("hustings.db"), "this is no database at all, but quite long".repeat(200)).expect("written");
    fs::write(garbage.join("secret.key"), "0".repeat(64)).expect("written");
    fs::set_permissions(garbage.join("secret.key"), fs::Permissions::from_mode(0o600)).expect("chmod");
    let (file, toml) = (file.display().to_string(), toml.display().to_string());
    let missing = folder.path().join("missing.toml").display().to_string();
    for (arguments, advice) in [
        (["--public-url", "vote.example"], "must look like https://vote.example.org"),
        (["--public-url", "ftp://vote.example"], "must look like https://vote.example.org"),
        (["--public-url", "https://"], "--public-url"),
        (["--public-url", "https://vote.example/hall"], "must look like https://vote.example.org"),
        (["--database", "postgres://localhost/x"], "set HUSTINGS_SECRET to the same on all of them"),
        (["--database", "postgres://u:s3cret@localhost/x?sslmode=require"], "which is not built in"),
        (["--database", "postgres://"], "names no host"),
        (["--database", "sqlite:elsewhere.db"], "choose the folder with --data"),
        (["--database", "mysql:x"], "use sqlite: and choose its folder with --data"),
        (["--counters", "memcached://localhost"], "use memory:"),
        (["--counters", "redis://a,b"], "redis-cluster://"),
        (["--counters", "rediss://localhost"], "TLS to Redis is not built in"),
        (["--config", &missing], "cannot read the configuration"),
        (["--config", &toml], "unknown field `colour`"),
        (["--trusted-proxy", "everybody"], "--trusted-proxy"),
        (["--frame-interval-ms", "often"], "--frame-interval-ms"),
        (["--data", &file], "check that it exists and that you may write to it"),
    ] {
        refused(&data, &arguments, &[], advice).await;
    }
    refused(&garbage, &[], &[], "cannot open").await;
    refused(&data, &[], &[("HUSTINGS_TRUSTED_PROXY", "everybody")], "--trusted-proxy").await;
    assert!(!data.join("hustings.db").exists(), "nothing is made before the options are known to be good");
}

/// Flags, then the environment, then the file, then what is built in.
#[tokio::test]
async fn the_nearest_option_wins() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("hustings.toml");
    fs::write(&file, "public_url = \"http://file.example\"\nconnections_max = 3\n").expect("written");
    let file = file.display().to_string();
    let variable = [("HUSTINGS_PUBLIC_URL", "http://variable.example")];
    for (arguments, variables, expected) in [
        (&[][..], &[][..], "http://127.0.0.1:"),
        (&["--config", &file], &[], "http://file.example/"),
        (&[], &[("HUSTINGS_CONFIG", file.as_str())], "http://file.example/"),
        (&["--config", &file], &variable, "http://variable.example/"),
        (&["--config", &file, "--public-url", "http://flag.example"], &variable, "http://flag.example/"),
    ] {
        let server = TestServer::launch(arguments, variables).await;
        let poll = server.create(json!({})).await;
        let url = poll.body.pointer("/urls/vote").and_then(|url| url.as_str()).expect("a link").to_owned();
        assert!(url.starts_with(expected), "{url} is not {expected}");
        server.finish().await;
    }
}

/// What was taken out of a ledger, or put into it, is noticed before anything of it is shown or counted further.
#[tokio::test]
async fn a_ledger_that_is_not_that_of_its_head_is_not_served() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.vote(&poll, "b", json!({ "choices": ["tea"] })).await.is(201);
    let other = server.create(json!({})).await;
    server.stop().await;
    server.execute("DELETE FROM entry WHERE election = 1 AND seq = 3").await;
    server.start_again().await;
    server.get(&poll.path("/results")).send().await.refused(503, "store_damaged");
    server.vote(&poll, "b", json!({ "choices": ["coffee"] })).await.refused(503, "store_damaged");
    server.vote(&poll, "c", json!({ "choices": ["tea"] })).await.refused(503, "store_damaged");
    server.vote(&other, "c", json!({ "choices": ["tea"] })).await.is(201);
    let metrics = server.get("/metrics").bearer(ADMIN).send().await.is(200).text();
    assert!(metrics.contains("hustings_recount_alarms_total 1\n"), "said once, not at every look: {metrics}");
    server.abandon().await;
}
