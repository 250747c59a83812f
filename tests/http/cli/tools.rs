//! Tokens, the doctor, completions and the manual.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{ADMIN, TestServer, command};

/// Makes, lists and revokes a token with these further arguments.
async fn token(server: &TestServer, more: &[&str], arguments: &[&str]) -> (bool, String, String) {
    server.command(&[&["token"], arguments, more].concat()).await
}

#[tokio::test]
async fn tokens_are_made_in_the_folder_or_over_the_line() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.stop().await;
    let create = ["create", "--name", "Gateway", "--scopes", "results"];
    let (good, offline, said) = token(&server, &[], &create).await;
    assert!(good && said.contains("token 1;"), "{said}");
    let offline = offline.trim().to_owned();
    server.start_again().await;
    let url = server.url();
    let remote = ["--url", &url, "--token", ADMIN];
    let (good, online, said) = token(&server, &remote, &create).await;
    assert!(good && said.contains("token 2;"), "{said}");
    let online = online.trim().to_owned();
    for token in [&offline, &online] {
        assert!(token.starts_with("hst_") && token.len() == 47, "{token}");
        server.get(&poll.path("/entries")).bearer(token).send().await.is(200);
    }
    for more in [&remote[..], &[]] {
        let (good, list, said) = token(&server, more, &["list"]).await;
        assert!(good && list.lines().count() == 2 && list.contains("Gateway"), "{list}{said}");
        assert!(!list.contains(&offline) && !list.contains(&online) && !list.contains("revoked"), "{list}");
    }
    let (good, out, said) = token(&server, &remote, &["revoke", "1"]).await;
    assert!(good && out.contains("token 1 is revoked"), "{out}{said}");
    server.get(&poll.path("/entries")).bearer(&offline).send().await.refused(401, "invalid_token");
    let (good, _, said) = token(&server, &remote, &["revoke", "1"]).await;
    assert!(!good && said.contains("revoked before"), "{said}");
    server.stop().await;
    let (good, _, said) = token(&server, &[], &["revoke", "2"]).await;
    assert!(good, "{said}");
    let (good, _, said) = token(&server, &[], &["revoke", "2"]).await;
    assert!(!good && said.contains("revoked before"), "{said}");
    let (_, list, _) = token(&server, &[], &["list"]).await;
    assert_eq!(list.matches("revoked").count(), 2, "{list}");
    server.start_again().await;
    let url = server.url();
    let remote = ["--url", &url, "--token", ADMIN];
    server.get(&poll.path("/entries")).bearer(&online).send().await.refused(401, "invalid_token");
    for (arguments, advice) in [
        (["create", "--name", "x", "--scopes", "root"], "unknown scope `root`: use some of admin, manage, vote"),
        (["create", "--name", "", "--scopes", "vote"], "must not be empty"),
    ] {
        let (good, _, said) = token(&server, &remote, &arguments).await;
        assert!(!good && said.contains(advice), "{said}");
    }
    let (good, _, said) = token(&server, &["--url", &url, "--token", "wrong"], &["list"]).await;
    assert!(!good && said.contains("invalid_token"), "{said}");
    server.finish().await;
}

#[tokio::test]
async fn the_doctor_says_what_to_look_at() {
    let mut server = TestServer::start().await;
    server.create(json!({})).await;
    let (_, out, _) = server.command(&["doctor"]).await;
    for what in [
        "data folder",
        "secret",
        "sqlite version",
        "journal mode",
        "schema",
        "quick check",
        "entries",
        "disk",
        "open files",
        "clock",
    ] {
        assert!(out.contains(what), "{what} is missing:\n{out}");
    }
    assert!(out.contains("ok    journal mode") && out.contains("ok    quick check"), "{out}");
    server.stop().await;
    let key = server.data().join("secret.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    let (good, out, _) = server.command(&["doctor"]).await;
    assert!(!good && out.contains("LOOK  secret") && out.contains("chmod 600"), "{out}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod");
    let nowhere = TempDir::new().expect("a folder").path().join("nowhere");
    let (good, out, _) = command(&nowhere, &["doctor"], &[]).await;
    assert!(!good && out.contains("LOOK  data folder") && !nowhere.exists(), "{out}");
    server.finish().await;
}

#[tokio::test]
async fn a_folder_without_a_database_is_said_to_be_so() {
    let folder = TempDir::new().expect("a folder");
    for arguments in
        [&["recount"][..], &["export", "totals", "--poll", "x"], &["token", "list"], &["backup", "/nowhere/x"]]
    {
        let (good, _, said) = command(folder.path(), arguments, &[]).await;
        assert!(!good && said.contains("there is no database in"), "{arguments:?}: {said}");
    }
    assert!(fs::read_dir(folder.path()).expect("a folder").next().is_none(), "looking leaves nothing behind");
}

#[tokio::test]
async fn shells_and_the_manual_know_every_command() {
    let folder = TempDir::new().expect("a folder");
    let commands = ["serve", "demo", "bench", "recount", "export", "backup", "restore", "migrate", "token", "doctor"];
    for arguments in
        [&["completions", "bash"][..], &["completions", "zsh"], &["completions", "fish"], &["man"], &["--help"]]
    {
        let (good, out, said) = command(folder.path(), arguments, &[]).await;
        assert!(good, "{said}");
        for name in commands {
            assert!(out.contains(name), "{name} is missing in {arguments:?}");
        }
    }
    let (_, man, _) = command(folder.path(), &["man"], &[]).await;
    for option in ["listen", "public", "HUSTINGS_DATA", "HUSTINGS_TRUSTED_PROXY", "revoke", "per\\-minute"] {
        assert!(man.contains(option), "{option} is missing in the manual");
    }
    let (good, _, said) = command(folder.path(), &["nonsense"], &[]).await;
    assert!(!good && said.contains("--help"), "{said}");
}

/// A device that is full is an error with a sentence; a reader who has gone is none.
#[tokio::test]
async fn output_that_nobody_takes_is_no_panic() {
    let server = TestServer::start().await;
    server.create(json!({})).await;
    for arguments in [&["recount"][..], &["recount", "--json"], &["doctor"], &["token", "list"], &["man"]] {
        let run = |out: std::process::Stdio| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hustings"));
            command
                .args(arguments)
                .env("HUSTINGS_DATA", server.data())
                .stdout(out)
                .stderr(std::process::Stdio::piped());
            let output = command.output().expect("the program runs");
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
        let (code, said) = run(full.into());
        let is_silent = arguments == ["token", "list"];
        assert!(is_silent || (code == Some(1) && said.starts_with("hustings: ")), "{arguments:?}: {code:?} {said}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (code, said) = run(writer.into());
        assert!(is_silent || (code == Some(0) && said.is_empty()), "{arguments:?}: {code:?} {said}");
    }
    server.finish().await;
}
