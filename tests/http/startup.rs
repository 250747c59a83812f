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
    let arguments = [&["serve"], arguments].concat();
    let variables = [&[("HUSTINGS_LISTEN", "127.0.0.1:0")], variables].concat();
    let (good, out, said) = command(data, &arguments, &variables).await;
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
    let new = other.path().join("new");
    refused(&new, &["--listen", &port], &[], "cannot listen on").await;
    assert!(!new.exists(), "a server that does not start leaves no folder behind");
    // Commands that write take the same lock.
    let token = ["token", "create", "--name", "x", "--scopes", "vote"];
    let (good, _, said) = server.command(&token).await;
    assert!(!good && said.contains("is in use by a running server: ask that one, with --url"), "{said}");
    assert!(!said.contains("stop that one") && said.lines().count() == 1, "{said}");
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
        (["--data", &file], "is a file: give the folder"),
        (["--data", "/proc/nowhere"], "check that you may write to it"),
        (["--frame-interval-ms", "9"], "--frame-interval-ms 9 must be from 10 to 60000"),
        (["--connections-max", "0"], "--connections-max 0 must be from 1 to 1000000"),
        (["--queue-max", "1000001"], "--queue-max 1000001 must be from 1 to 1000000"),
        (["--listen", "8080"], "--listen 8080 must look like 127.0.0.1:8080"),
        (["--listen", "no-such-host.invalid:8080"], "is not an address of this machine"),
    ] {
        refused(&data, &arguments, &[], advice).await;
    }
    refused(&garbage, &[], &[], "it is not a database of Hustings").await;
    refused(&data, &[], &[("HUSTINGS_TRUSTED_PROXY", "everybody")], "--trusted-proxy").await;
    assert!(!data.join("hustings.db").exists(), "nothing is made before the options are known to be good");
}

/// The secret may be handed over as a variable, as it stands in the file.
#[tokio::test]
async fn the_content_of_the_secret_is_the_secret() {
    let mut server = stopped().await;
    let key = server.data().join("secret.key");
    let content = fs::read_to_string(&key).expect("a secret");
    fs::remove_file(&key).expect("removed");
    server.set("HUSTINGS_SECRET", content.trim());
    server.start_again().await;
    let listed = server.get("/api/v1/polls").bearer(ADMIN).send().await.is(200).json();
    let poll = listed["polls"][0]["id"].as_str().expect("a poll").to_owned();
    let again = json!({ "voter": "vera a", "choices": ["tea"] });
    let again = server.post(&format!("/api/v1/polls/{poll}/votes"), &again).bearer(ADMIN).send().await.is(200);
    assert_eq!(again.word(), "repeated", "the same secret knows its voters again");
    assert!(!key.exists(), "a secret of the environment is not written down");
    server.finish().await;
}

#[tokio::test]
async fn a_server_listens_on_a_name_and_says_where_its_data_is() {
    let mut server = TestServer::launch(&[], &[("HUSTINGS_LOG", ""), ("HUSTINGS_BENCH", "1")]).await;
    let data = server.data().display().to_string();
    let told = |log: &str, is_new: &str| {
        let line = log.lines().rfind(|line| line.contains("using the data folder")).unwrap_or_default().to_owned();
        assert!(line.contains(&data) && line.contains(is_new), "{line}");
    };
    told(&server.log(), "is_new=true");
    server.get("/bench/noop").send().await.is(200);
    server.stop().await;
    server.set("HUSTINGS_BENCH", "0");
    server.listen("localhost:0");
    server.start_again().await;
    told(&server.log(), "is_new=false");
    assert!(!server.log().contains("migration"), "{}", server.log());
    assert!(server.url().starts_with("http://127.0.0.1:"), "{}", server.url());
    server.get("/bench/noop").send().await.is(404);
    server.finish().await;
}

/// What a flag may not say, a variable and a file may not either.
#[tokio::test]
async fn variables_and_files_are_held_to_the_same_limits() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let toml = folder.path().join("hustings.toml").display().to_string();
    for (name, value, advice) in [
        ("HUSTINGS_FRAME_INTERVAL_MS", "60001", "must be from 10 to 60000"),
        ("HUSTINGS_CONNECTIONS_MAX", "0", "must be from 1 to 1000000"),
        ("HUSTINGS_QUEUE_MAX", "0", "must be from 1 to 1000000"),
        ("HUSTINGS_LISTEN", "localhost", "must look like 127.0.0.1:8080"),
        ("HUSTINGS_BENCH", "perhaps", "--bench"),
        ("HUSTINGS_ADMIN_TOKEN", "fifteen-letters", "make one with: openssl rand -hex 24"),
        ("HUSTINGS_ADMIN_TOKEN", "sixteen or more, with spaces", "without spaces"),
    ] {
        refused(&data, &[], &[(name, value)], advice).await;
    }
    for (line, advice) in [
        ("queue_max = 0", "--queue-max 0 must be from 1 to 1000000"),
        ("connections_max = 2000000", "--connections-max 2000000 must be from 1 to 1000000"),
        ("frame_interval_ms = 5", "--frame-interval-ms 5 must be from 10 to 60000"),
        ("listen = \"8080\"", "must look like 127.0.0.1:8080"),
    ] {
        fs::write(&toml, format!("{line}\n")).expect("written");
        // The file's own address is asked only where no flag is nearer.
        let (good, _, said) = command(&data, &["serve", "--config", &toml], &[]).await;
        assert!(!good && said.contains(advice), "{line}: {said}");
    }
    assert!(!data.exists(), "nothing is made before the options are known to be good");
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
