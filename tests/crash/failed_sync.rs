//! A disk that fails to sync: nobody knows what is on it, so nothing is acknowledged any more, and the server ends.
//!
//! `strace` makes the kernel's answer to a sync an error. Linux reports such an error once, and a second try may
//! succeed although the pages are gone; so one failed sync must be enough.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use hustings::load::{Mix, Outcome};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::electorate::{Crowd, Electorate, UNRULY, became};
use crate::server::{Process, Program, Server};
use crate::setting;

/// `EX_IOERR`, which the service unit does not restart from at once.
const EXIT_DISK_FAILED: i32 = 74;
const ENDS_WITHIN: Duration = Duration::from_secs(20);
const SYNCS: &str = "fdatasync,fsync";

/// With one voter after the other, each acknowledgement needs a successful sync of its own.
#[tokio::test]
async fn one_failed_sync_ends_the_server_before_it_answers() {
    let crowd = Crowd { voters: 300, mix: Mix::default() };
    let Ended { told, syncs } = failing_sync("failed sync, one voter at a time", crowd, 1, "40").await;
    assert_eq!(syncs.injected, 1, "the server went on after the failed sync: {syncs:?}");
    assert!(told <= syncs.succeeded, "{told} votes were acknowledged after {} syncs", syncs.succeeded);
    assert!(told > 0, "void: the first sync failed already");
}

/// With a crowd, many votes share the sync that fails.
#[tokio::test]
async fn a_disk_that_stays_broken_ends_the_server_in_a_crowd() {
    let crowd = Crowd { voters: 4_000, mix: UNRULY };
    let Ended { told, .. } = failing_sync("failed syncs in a crowd", crowd, 64, "25+").await;
    assert!(told > 64, "void: the first sync failed already");
}

/// What was seen of a server whose syncs failed.
struct Ended {
    /// Votes acknowledged until it ended.
    told: u32,
    syncs: Syncs,
}

/// Breaks the sync `when` (in strace's words) while the crowd votes, and checks what holds for every crowd.
async fn failing_sync(test: &str, crowd: Crowd, connections: usize, when: &str) -> Ended {
    let seed = setting::seed(test);
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::real(folder.path(), &folder.path().join("data"));
    let Server { mut process, api } = program.start().await;
    let voters = crowd.voters;
    let mut crowd = Electorate::new(&api, crowd, seed).await;
    let tracer = Tracer::attach(&process, folder.path(), when).await;
    let (gone, is_gone) = watch::channel(false);
    let ending = async {
        let status = process.ended(ENDS_WITHIN).await;
        gone.send_replace(true);
        status
    };
    let (outcome, status) = join(crowd.vote(&api, connections, Arc::default(), became(is_gone)), ending).await;
    let syncs = tracer.finish().await;
    assert!(syncs.injected > 0, "void: no sync was broken");
    let status = status.unwrap_or_else(|| panic!("still running after a failed sync:\n{}", process.log_tail()));
    assert_eq!(status.code(), Some(EXIT_DISK_FAILED), "{status}:\n{}", process.log_tail());

    let server = program.start().await;
    let report = crowd.check(&server.api, &outcome).await;
    assert!(report.is_exact(), "after the disk was repaired:\n{report}");
    let told = outcome.receipts().acknowledged();
    println!("{test}: {syncs:?}; {told} of {voters} votes told, then exit {EXIT_DISK_FAILED};");
    println!("  {} in doubt, of which {} were stored", in_doubt(&outcome), report.in_doubt_counted.ballots);
    assert!(in_doubt(&outcome) > 0, "void: no vote was waiting for the sync that failed");
    crowd.remember(outcome);
    crowd.finish(&server.api).await;
    Ended { told, syncs }
}

fn in_doubt(outcome: &Outcome) -> usize {
    outcome.in_doubt().len()
}

/// `strace`, attached to a server.
struct Tracer {
    child: Child,
    log: PathBuf,
}

/// What strace saw.
#[derive(Debug, Default, Clone, Copy)]
struct Syncs {
    succeeded: u32,
    injected: u32,
}

impl Tracer {
    /// Attaches to all threads of the server, and returns once that is done.
    async fn attach(process: &Process, folder: &Path, when: &str) -> Self {
        let log = folder.join("strace.log");
        let mut command = Command::new("strace");
        command.arg("-f").arg("-p").arg(process.id().to_string()).arg("-o").arg(&log);
        command.arg("-e").arg(format!("trace={SYNCS}")).arg("-e").arg(format!("inject={SYNCS}:error=EIO:when={when}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!(
                "cannot run strace ({error}), which breaks the syncs of this test: install the Debian package `strace`"
            )
        });
        let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
        let mut said = String::new();
        let attaching = async {
            while let Some(line) = lines.next_line().await.expect("what strace says") {
                said.push_str(&line);
                if line.contains(" attached") {
                    return true;
                }
            }
            false
        };
        let attached = timeout(Duration::from_secs(10), attaching).await;
        assert!(matches!(attached, Ok(true)), "strace cannot attach to a process of ours: {said}");
        // What it says later must not stop it, so somebody reads on.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, log }
    }

    /// Waits until it has ended, as it does after its process, and reads what it saw.
    async fn finish(mut self) -> Syncs {
        if timeout(Duration::from_secs(5), self.child.wait()).await.is_err() {
            // Its process did not end. Killed, it lets go.
            self.child.kill().await.expect("a process of ours can be killed");
        }
        let log = std::fs::read_to_string(&self.log).expect("the log of strace");
        let mut syncs = Syncs::default();
        for line in log.lines() {
            syncs.injected += u32::from(line.contains("(INJECTED)"));
            syncs.succeeded += u32::from(line.trim_end().ends_with("= 0"));
        }
        syncs
    }
}
