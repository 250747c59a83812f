//! Outputs that nobody reads, or that cannot be stored: every command that prints ends in order.

use std::fs::File;
use std::process::Stdio;

use serde_json::json;

use crate::support::{TestServer, run};

#[tokio::test]
async fn a_closed_pipe_ends_silently_and_a_full_device_is_an_error() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.stop().await;
    let database = format!("sqlite:{}", server.data().display());
    let file = |name: &str| server.folder().join(name).display().to_string();
    let (first, second) = (file("first.db"), file("second.db"));
    let commands: Vec<Vec<&str>> = vec![
        vec!["recount"],
        vec!["recount", "--json"],
        vec!["export", "entries", "--poll", &poll.code],
        vec!["export", "entries", "--poll", &poll.code, "--format", "csv"],
        vec!["export", "totals", "--poll", &poll.code, "--format", "csv"],
        vec!["token", "list"],
        vec!["token", "create", "--name", "x", "--scopes", "vote"],
        vec!["doctor"],
        vec!["migrate", "--database", &database],
        vec!["man"],
        vec!["completions", "bash"],
    ];
    let closed = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("a full device"));
    let ends_silently = async |arguments: &[&str]| {
        let ended = run(server.data(), arguments, closed()).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), said.contains("hustings: ")), (Some(0), false), "{arguments:?}: {said}");
    };
    for arguments in &commands {
        ends_silently(arguments).await;
        let ended = run(server.data(), arguments, full()).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("hustings: cannot write the output: No space left"), "{arguments:?}: {said}");
    }
    ends_silently(&["backup", &first]).await;
    let ended = run(server.data(), &["backup", &second], full()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(File::open(&first).is_ok() && File::open(&second).is_ok(), "what was done is not undone");
    server.finish().await;
}
