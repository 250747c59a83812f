//! Servers of the tests end with the tests.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::services::guardian::{Guarded, Launch};

/// Says to the process that this test starts where its server shall be.
const CHILD: &str = "HUSTINGS_TEST_GUARDED";

/// A server that does nothing and holds a pipe open for as long as it lives.
fn server(folder: &Path) -> Guarded {
    let script = format!("exec 3>'{}'; echo is ready; exec sleep 3600", folder.join("alive").display());
    let command = ["/bin/sh", "-c", &script].map(Into::into).into();
    let remove = Some(folder.to_owned());
    Guarded::start(&Launch { command, ready: "is ready", stop: "TERM", remove, user: None }).expect("a server")
}

/// A folder with the pipe, which reads to its end when the server has ended.
fn folder() -> (PathBuf, std::thread::JoinHandle<()>) {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let pipe = folder.join("alive");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let ended = std::thread::spawn(move || {
        assert_eq!(File::open(pipe).expect("the pipe").read_to_end(&mut Vec::new()).expect("its end"), 0);
    });
    (folder, ended)
}

#[test]
fn a_server_has_ended_when_it_is_dropped() {
    let (folder, ended) = folder();
    let server = server(&folder);
    assert!(server.log().contains("is ready"));
    assert!(folder.exists() && !ended.is_finished());
    drop(server);
    ended.join().expect("the end of the server");
    assert!(!folder.exists(), "the folder is left behind");
}

#[test]
fn a_server_ends_with_a_process_that_is_killed() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let _server = server(Path::new(&folder));
        println!("the server runs");
        let _end = std::io::stdin().read_to_end(&mut Vec::new());
        return;
    }
    let (folder, ended) = folder();
    let itself = std::env::current_exe().expect("this program");
    let mut child = Command::new(itself)
        .args(["--exact", "guardian::a_server_ends_with_a_process_that_is_killed", "--nocapture"])
        .env(CHILD, &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(
        lines.map_while(Result::ok).any(|line| line.contains("the server runs")),
        "no server in the second process"
    );
    assert!(!ended.is_finished(), "the server has ended before its process");
    child.kill().expect("a process to kill");
    child.wait().expect("its end");
    ended.join().expect("the end of the server");
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let command = ["/bin/sh", "-c", "echo the port is taken >&2; exit 1"].map(Into::into).into();
    let launch = Launch { command, ready: "is ready", stop: "TERM", remove: None, user: None };
    let said = Guarded::start(&launch).err().expect("no server");
    assert_eq!(said, "the port is taken");
}
