//! What the program asks of the system: no more than the unit allows, and nothing written outside its data folder.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use hustings::load::{Api, Launch, ServerProcess};
use serde_json::json;

use crate::files::{good, hustings, text, tool};

const TOKEN: &str = "token-of-the-tests";

/// Every line that strace wrote while a server started, took a vote, showed it, and stopped.
async fn traced(data: &std::path::Path) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (trace, program) = (folder.path().join("trace"), folder.path().join("traced"));
    let strace = tool("strace", "strace");
    // The tracer goes beside: the process that is started, and stopped, is the server itself.
    let script = format!(
        "#!/bin/sh\nexec {} --daemonize --follow-forks --quiet=all --output={} {} \"$@\"\n",
        strace.get_program().display(),
        trace.display(),
        hustings().display()
    );
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("a program");
    let mut launch = Launch::new(folder.path(), TOKEN).expect("a launch");
    (launch.program, launch.data) = (program, data.to_owned());
    let server = ServerProcess::start(&launch).await.unwrap_or_else(|error| panic!("{error}"));
    let api = Api::new(server.url(), TOKEN).await.expect("an address");
    let poll = api.create_poll("Tea or coffee?", &["Tea", "Coffee"]).await.expect("a poll");
    let vote = json!({ "choices": ["tea"], "voter": "ada" });
    api.json("POST", &poll.path("votes"), Some(&vote)).await.expect("a vote");
    assert_eq!(api.results(&poll).await.expect("results").ballots, 1);
    assert!(server.stop().await.expect("a stop").success());
    std::fs::read_to_string(trace).expect("a trace").lines().map(str::to_owned).collect()
}

/// The name and the arguments of a call, where a line begins one.
fn call(line: &str) -> Option<(&str, &str)> {
    let (_process, line) = line.trim_start().split_once(' ')?;
    let (name, arguments) = line.trim_start().split_once('(')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some((name, arguments))
}

#[tokio::test]
async fn the_program_needs_no_call_that_the_unit_forbids() {
    let data = tempfile::tempdir().expect("a folder");
    let trace = traced(data.path()).await;
    let unit = text("deploy/hustings.service");
    let filters: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")).collect();
    assert_eq!(filters, ["@system-service", "~@privileged"]);
    let (allowed, forbidden) = (members("@system-service"), members("@privileged"));
    let used: BTreeSet<&str> = trace.iter().filter_map(|line| Some(call(line)?.0)).collect();
    assert!(["fdatasync", "accept4", "epoll_wait"].iter().all(|name| used.contains(name)), "{used:?}");
    // SQLite gives files to their folder's owner where it is root, and the unit is not.
    let needed = used.iter().filter(|name| **name != "fchown");
    let refused: Vec<_> = needed.filter(|name| !allowed.contains(**name) || forbidden.contains(**name)).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test]
async fn the_program_writes_to_its_data_folder_only() {
    let data = tempfile::tempdir().expect("a folder");
    let data_path = data.path().display().to_string();
    let mut written = BTreeSet::new();
    for line in traced(data.path()).await {
        let Some((name, arguments)) = call(&line) else { continue };
        let writes = match name {
            "openat" | "open" => ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| arguments.contains(flag)),
            "mkdir" | "rename" | "unlink" | "creat" | "truncate" | "chmod" | "link" | "symlink" => true,
            _ => false,
        };
        if let (true, Some(path)) = (writes && !line.contains("= -1 "), arguments.split('"').nth(1)) {
            written.insert(path.to_owned());
        }
    }
    assert!(written.iter().any(|path| path.ends_with("hustings.db")), "{written:?}");
    let outside: Vec<_> = written.iter().filter(|path| !path.starts_with(&data_path) && !is_device(path)).collect();
    assert!(outside.is_empty(), "{outside:?}");
}

fn is_device(path: &str) -> bool {
    path.starts_with("/dev/")
}

/// All system calls of a set of systemd's, and of the sets in it.
fn members(set: &str) -> BTreeSet<String> {
    let said = good(tool("systemd-analyze", "systemd").args(["syscall-filter", "--no-pager", set]));
    let mut found = BTreeSet::new();
    for name in said.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if name.starts_with('@') {
            found.extend(members(name));
        } else {
            found.insert(name.to_owned());
        }
    }
    found
}
