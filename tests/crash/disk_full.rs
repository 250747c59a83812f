//! A full disk: votes are refused by name while it is full, and taken again as soon as it is not, without a restart.
//!
//! The data folder is a small file system of its own (tmpfs), filled with ballast.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use hustings::load::{Api, ApiError, Poll, Progress};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::electorate::{Crowd, Electorate, UNRULY, became};
use crate::server::{Program, Server};
use crate::setting::{self, until};

const CROWD: Crowd = Crowd { voters: 6_000, mix: UNRULY };
const CONNECTIONS: usize = 64;
const DISK_MIB: usize = 64;
const FREE_AT_FIRST_MIB: usize = 5;

#[tokio::test]
async fn a_full_disk_refuses_by_name_and_recovers_without_a_restart() {
    let seed = setting::seed("disk full");
    let folder = tempfile::tempdir().expect("a folder");
    let disk = SmallDisk::mount(folder.path().join("disk"));
    let ballast = disk.path.join("ballast");
    std::fs::write(&ballast, vec![0; (DISK_MIB - FREE_AT_FIRST_MIB) << 20]).expect("room for the ballast");
    let program = Program::real(folder.path(), &disk.path.join("data"));
    let Server { mut process, api } = program.start().await;
    let mut crowd = Electorate::new(&api, CROWD, seed).await;
    let mut probe = Probe::new(&api).await;

    let progress = Arc::new(Progress::default());
    let (full, is_full) = watch::channel(false);
    let filling = async {
        until("votes are acknowledged", || progress.seen().acknowledged > 100).await;
        probe.vote_until(&api, false).await;
        // More voters meet the full disk, each more than once.
        let retries = progress.seen().retries;
        until("refused voters try again", || progress.seen().retries > retries + 64).await;
        full.send_replace(true);
    };
    let (outcome, ()) = join(crowd.vote(&api, CONNECTIONS, Arc::clone(&progress), became(is_full)), filling).await;
    assert!(outcome.counts.busy > 0, "void: nobody in the crowd was refused");
    let told = outcome.receipts().acknowledged();
    assert!(told < CROWD.voters, "void: everybody had voted before the disk was full");
    let report = crowd.check(&api, &outcome).await;
    assert!(report.is_exact(), "while the disk is full:\n{report}");
    probe.check(&api).await;
    println!(
        "full after {told} of {} votes; {} refusals, {} in doubt, of which {} were stored",
        CROWD.voters, outcome.counts.busy, report.in_doubt, report.in_doubt_counted.ballots
    );

    std::fs::remove_file(&ballast).expect("the ballast can go");
    probe.vote_until(&api, true).await;
    probe.check(&api).await;
    crowd.remember(outcome);
    let outcome = crowd.finish(&api).await;
    assert!(process.ended(Duration::ZERO).await.is_none(), "it is the same process, and it runs");

    process.kill().await;
    let server = program.start().await;
    let report = crowd.check(&server.api, &outcome).await;
    assert!(report.is_exact(), "after a restart:\n{report}");
    probe.check(&server.api).await;
    println!("taken again without a restart; exact after kill and restart; {} single votes too", probe.counted);
    server.process.kill().await;
    drop(disk);
}

/// One vote after the other in a poll of its own; a refused one is sent again under the same id.
struct Probe {
    poll: Poll,
    counted: u64,
}

impl Probe {
    async fn new(api: &Api) -> Self {
        Self { poll: api.create_poll("Probe", &["Yes", "No"]).await.expect("a new poll"), counted: 0 }
    }

    /// Votes until a vote is counted, or until one is refused because the disk is full.
    async fn vote_until(&mut self, api: &Api, is_counted: bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let was_counted = self.vote(api).await;
            if was_counted == is_counted {
                return;
            }
            let still = if was_counted { "acknowledged on a full disk" } else { "refused with room on the disk" };
            assert!(Instant::now() < deadline, "after half a minute, votes are still {still}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether the next vote was counted; any refusal but `storage_full` is a failure.
    async fn vote(&mut self, api: &Api) -> bool {
        let (id, voter) = (Uuid::from_u128(u128::from(self.counted) + 1), format!("probe-{}", self.counted));
        let vote = json!({ "choices": ["yes"], "id": id, "voter": voter });
        match api.json("POST", &self.poll.path("votes"), Some(&vote)).await {
            Ok(answer) => {
                assert_eq!(answer["status"], "counted", "a refused vote left something behind: {answer}");
                self.counted += 1;
                true
            }
            Err(ApiError::Refused { status: 503, code, .. }) if code == "storage_full" => false,
            Err(error) => panic!("neither counted nor refused for the full disk: {error}"),
        }
    }

    /// Exactly the counted votes are in the results, and none that was refused.
    async fn check(&self, api: &Api) {
        let results = api.results(&self.poll).await.expect("results");
        assert_eq!(results.ballots, self.counted);
    }
}

/// A file system of a few megabytes; gone when this is dropped.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: PathBuf) -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test mounts a small file system to fill it, and only root may do that: run it as root \
             (in a container, with CAP_SYS_ADMIN)"
        );
        std::fs::create_dir(&path).expect("a folder to mount on");
        let size = format!("size={DISK_MIB}m");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "hustings-crash-test"]).arg(&path));
        Self { path }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because after a failed test the server still has files open.
        let _already_gone = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

fn run(command: &mut Command) {
    let done = command.status().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(done.success(), "{command:?}: {done}");
}

#[test]
fn a_small_disk_is_small_and_gone_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = SmallDisk::mount(folder.path().join("disk"));
    let path = disk.path.clone();
    let error = std::fs::write(path.join("ballast"), vec![0; (DISK_MIB + 1) << 20]).expect_err("no room for that");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    drop(disk);
    assert!(!is_mounted(&path), "{} is still mounted", path.display());
}

fn is_mounted(path: &Path) -> bool {
    let mounts = std::fs::read_to_string("/proc/mounts").expect("/proc/mounts lists what is mounted");
    mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|at| Path::new(at) == path))
}
