//! `hustings user`: for whoever runs the server.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::*;
use crate::support::{program, soon};

/// Runs `hustings user` with this line on standard input: whether it went well, its output, and what it said.
async fn user(server: &TestServer, arguments: &[&str], line: &str) -> (bool, String, String) {
    let mut command = Command::new(program());
    command.arg("user").args(arguments).env("HUSTINGS_DATA", server.data()).envs(server.variables());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("the program runs");
    let mut input = child.stdin.take().expect("its input");
    // A command that refuses before it reads has closed it.
    let _closed = input.write_all(line.as_bytes()).await;
    drop(input);
    let output = soon("hustings user", child.wait_with_output()).await.expect("an end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// Ann, who may do everything, and bob; whatever else is tried is refused.
async fn add_some(server: &TestServer) {
    let (good, out, said) = user(server, &["list"], "").await;
    assert!(good && out.starts_with("nobody yet"), "{out} {said}");
    for (arguments, line, expected) in [
        (&["add", "Ann", "--admin"][..], format!("{PASSWORD}\n"), Ok("Ann can sign in now")),
        (&["add", "bob"], PASSWORD.to_owned(), Ok("bob can sign in now")),
        (&["add", "ANN"], PASSWORD.to_owned(), Err("somebody is called ANN already")),
        (&["add", "cat"], "short\n".to_owned(), Err("the password must have at least 8 characters")),
        (&["add", "cat"], String::new(), Err("the password must have at least 8 characters")),
        (&["add", " "], PASSWORD.to_owned(), Err("the login name must not be empty")),
        (&["reset", "eve"], String::new(), Err("nobody is called eve")),
        (&["remove", "eve"], String::new(), Err("nobody is called eve")),
    ] {
        let (good, out, said) = user(server, arguments, &line).await;
        match expected {
            Ok(expected) => assert!(good && out.starts_with(expected), "{arguments:?}: {out} {said}"),
            Err(expected) => assert!(!good && said.contains(expected), "{arguments:?}: {out} {said}"),
        }
        assert!(!said.contains(PASSWORD) && !out.contains(PASSWORD));
    }
}

#[tokio::test]
async fn persons_are_added_listed_reset_and_removed() {
    let mut server = TestServer::start().await;
    server.stop().await;
    add_some(&server).await;
    let (_, out, _) = user(&server, &["list"], "").await;
    let rows: Vec<Vec<&str>> = out.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        (rows[0][0], rows[0].last(), rows[1][0], rows.len()),
        ("Ann", Some(&"administrator"), "bob", 2),
        "{out}"
    );
    let reset = ["reset", "bob", "--public-url", "https://vote.example/"];
    let (good, link, said) = user(&server, &reset, "").await;
    assert!(good && link.starts_with("https://vote.example/reset/") && said.contains("good once"), "{link} {said}");
    let (good, _, said) = user(&server, &["reset", "Ann", "--password"], "another good one\n").await;
    assert!(good, "{said}");
    server.start_again().await;
    assert_eq!(server.log().matches("nobody can sign in yet").count(), server.nodes(), "only before there was one");
    let mut ann = Browser::new(&server);
    ann.sign_in("ann", PASSWORD).await.is(422);
    ann.sign_in("ann", "another good one").await.is(303);
    ann.get("/account/tokens").await.is(200);
    let mut bob = Browser::new(&server);
    bob.sign_in("bob", PASSWORD).await.is(303);
    let (path, new) = (path_of(link.trim()), "four quiet words");
    let mut lost = Browser::new(&server);
    let page = lost.get(&path).await.is(200).text();
    assert!(page.contains("for bob") && !page.contains("name=\"name\""), "{page}");
    lost.get(&path.replace("/reset/", "/join/")).await.is(404);
    lost.post(&path, &[("password", "bob"), ("again", "bob")]).await.is(422);
    lost.post(&path, &[("password", new), ("again", new)]).await.is(303);
    lost.get("/account").await.is(200);
    bob.get("/account").await.is(303);
    lost.post(&path, &[("password", new), ("again", new)]).await.is(404);
    let cookie = lost.cookie;
    server.stop().await;
    let (good, out, _) = user(&server, &["remove", "BOB"], "").await;
    assert!(good && out.starts_with("bob is removed"), "{out}");
    let (_, _, said) = user(&server, &["remove", "Ann"], "").await;
    assert!(said.contains("prints a link for a new administrator"), "{said}");
    server.start_again().await;
    Browser { server: &server, node: 0, cookie }.get("/account").await.is(303);
    founder(&server).await.get("/account/tokens").await.is(200);
    server.finish().await;
}

/// A folder in use belongs to its server; nodes that share a database have none.
#[tokio::test]
async fn a_folder_in_use_is_left_alone() {
    let server = TestServer::start().await;
    let (good, _, said) = user(&server, &["add", "ann"], PASSWORD).await;
    if server.nodes() == 1 {
        assert!(!good && said.contains("is in use by another hustings process"), "{said}");
        let (good, out, _) = user(&server, &["list"], "").await;
        assert!(good && out.starts_with("nobody yet"), "to look is possible: {out}");
    } else {
        assert!(good, "{said}");
        Browser::new(&server).sign_in("ann", PASSWORD).await.is(303);
    }
    server.finish().await;
}
