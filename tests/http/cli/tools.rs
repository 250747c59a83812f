//! Tokens, the doctor, completions and the manual.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
        assert!(good && list.lines().count() == 3 && list.contains("Gateway"), "{list}{said}");
        assert!(list.starts_with("  id  name") && list.contains("  created"), "{list}");
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
async fn no_tokens_and_wrong_addresses_are_said_to_be_so() {
    let mut server = TestServer::start().await;
    let url = server.url();
    let remote = ["--url", &url, "--token", ADMIN];
    let data = server.data().display().to_string();
    let (good, list, said) = server.command(&["token", "--data", &data, "list"]).await;
    assert!(good && list.starts_with("no tokens yet;"), "{list}{said}");
    for more in [&remote[..], &[], &["--data", &data]] {
        let (good, list, said) = token(&server, more, &["list"]).await;
        assert!(good && list.starts_with("no tokens yet; make one with: hustings token create"), "{list}{said}");
    }
    for wrong in ["banana", "https://a/b", "http://", "https://"] {
        let (good, _, said) = token(&server, &["--url", wrong, "--token", ADMIN], &["list"]).await;
        assert!(
            !good
                && said.contains("looks like http://127.0.0.1:8080 or https://vote.example.org")
                && !said.contains("load"),
            "{said}"
        );
    }
    let noop = ["bench", "noop", "--url", &url, "--token", ADMIN, "--requests", "10", "--connections", "1"];
    let (good, out, said) = server.command(&noop).await;
    assert!(!good && out.is_empty() && said.contains("start it with --bench"), "{out}{said}");
    server.stop().await;
    let (good, _, said) = token(&server, &remote, &["list"]).await;
    assert!(!good && said.matches("cannot connect").count() == 1 && said.matches("refused").count() == 1, "{said}");
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
    assert!(out.contains("hustings recount checks every entry"), "{out}");
    server.start_again().await;
    server.finish().await;
}

/// What is not as it must be, what the doctor says of it, and that it never advises a restore where nothing is damaged.
#[tokio::test]
async fn the_doctor_knows_what_is_wrong_with_a_folder() {
    let folder = TempDir::new().expect("a folder");
    let mut server = TestServer::start().await;
    server.create(json!({})).await;
    server.stop().await;
    let check = async |data: &Path, variables: &[(&str, &str)], good: bool, lines: &[&str]| {
        let (went_well, out, said) = command(data, &["doctor"], variables).await;
        assert_eq!(went_well, good, "{out}{said}");
        for line in lines {
            assert!(out.contains(line), "`{line}` is missing:\n{out}");
        }
        assert!(!out.contains("restore"), "{out}");
    };
    check(server.data(), &[], true, &["ok    secret fits"]).await;
    let other = [("HUSTINGS_SECRET", "another secret, of more than thirty-two characters")];
    check(server.data(), &other, false, &["LOOK  secret fits", "put the right secret.key back"]).await;
    check(folder.path(), &[], true, &["ok    database          none yet", "ok    secret            none yet"]).await;
    let file = folder.path().join("hustings.db");
    check(&file, &[], false, &["LOOK  data folder"]).await;
    fs::write(&file, "").expect("written");
    check(&file, &[], false, &["is a file", "give a folder with --data"]).await;
    let missing = ["LOOK  secret            none", "put it back from your backup"];
    check(folder.path(), &[], false, &[&missing[..], &["it is not a database of Hustings"]].concat()).await;
    server.finish().await;
}

/// Who may not read a folder is told so. Root may read everything, so for root another user asks.
#[tokio::test]
async fn the_doctor_tells_a_permission_from_damage() {
    const NOBODY: u32 = 65_534;
    let server = TestServer::start().await;
    server.create(json!({})).await;
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
    let public = TempDir::new().expect("a folder");
    let program = public.path().join("hustings");
    // Copied by another process: a file that this one has written may still be open in a process that a test beside it starts.
    let copied = std::process::Command::new("cp").arg(crate::support::program()).arg(&program).status();
    assert!(copied.is_ok_and(|copied| copied.success()), "a program that everybody may run");
    mode(public.path(), 0o755);
    mode(server.folder(), 0o755);
    let check = async |lines: &[&str]| {
        let mut doctor = tokio::process::Command::new(&program);
        doctor.arg("doctor").env("HUSTINGS_DATA", server.data());
        if rustix::process::geteuid().is_root() {
            doctor.uid(NOBODY).gid(NOBODY);
        }
        let ended = doctor.output().await.expect("the program runs");
        let out = String::from_utf8_lossy(&ended.stdout);
        assert!(!ended.status.success() && !out.contains("restore"), "{out}");
        for line in lines {
            assert!(out.contains(line), "{line} is missing: {out}");
        }
        assert_eq!(out.matches("run this as the user of `hustings serve`").count(), lines.len(), "{out}");
    };
    let (data, key, database) = (server.data(), server.data().join("secret.key"), server.data().join("hustings.db"));
    mode(data, 0o000);
    check(&["LOOK  data folder"]).await;
    mode(data, 0o777);
    mode(&key, 0o000);
    mode(&database, 0o000);
    check(&["LOOK  secret", "LOOK  database"]).await;
    for (path, bits) in [(data, 0o700), (&*key, 0o600), (&*database, 0o644)] {
        mode(path, bits);
    }
    server.finish().await;
}

#[tokio::test]
async fn the_doctor_makes_nothing() {
    let server = TestServer::start().await;
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
    for (page, options) in [
        (&["serve"][..], &["listen", "public", "HUSTINGS_DATA", "HUSTINGS_TRUSTED_PROXY"][..]),
        (&["serve"], &["HUSTINGS_ADMIN_TOKEN", "HUSTINGS_SECRET", "HUSTINGS_LOG ", "HUSTINGS_LOG_FORMAT"]),
        (&["token"], &["revoke", "hustings\\-token\\-create(1)"]),
        (&["token", "create"], &["per\\-minute", ".TH hustings-token-create 1"]),
    ] {
        let (good, man, said) = command(folder.path(), &[&["man"], page].concat(), &[]).await;
        assert!(good, "{said}");
        for option in options {
            assert!(man.contains(option), "{option} is missing in the manual of {page:?}:\n{man}");
        }
    }
    let (_, help, _) = command(folder.path(), &["serve", "--help"], &[]).await;
    for variable in ["HUSTINGS_ADMIN_TOKEN", "HUSTINGS_SECRET", "HUSTINGS_LOG ", "HUSTINGS_LOG_FORMAT"] {
        assert!(help.contains(variable), "{variable} is missing:\n{help}");
    }
    // Every page that one refers to can be printed.
    let (_, whole, _) = command(folder.path(), &["man"], &[]).await;
    let pages =
        whole.lines().filter_map(|line| line.strip_suffix("(1)")).filter_map(|name| name.strip_prefix("hustings\\-"));
    let pages: Vec<&str> = pages.collect();
    assert!(pages.len() > commands.len() && !pages.contains(&"help"), "{pages:?}");
    for page in pages {
        let (good, man, said) = command(folder.path(), &["man", page], &[]).await;
        assert!(good && man.contains(&format!(".TH hustings-{page} 1")), "{page}: {said}");
    }
    let (good, _, said) = command(folder.path(), &["man", "nonsense"], &[]).await;
    assert!(!good && said.contains("there is no command `nonsense`"), "{said}");
    let (good, _, said) = command(folder.path(), &["nonsense"], &[]).await;
    assert!(!good && said.contains("--help"), "{said}");
}
