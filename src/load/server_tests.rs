//! Processes of ours, played by a shell: they come up, are stopped, and never outlive us.

use super::*;

async fn start(folder: &Path, script: &str) -> Result<ServerProcess, ServerError> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    ServerProcess::spawn(command, Path::new("sh"), &folder.join("log"), "t0ken").await
}

// It knows how to stop before it says that it listens.
const SERVER: &str = "trap 'echo bye; exit 3' TERM; echo starting; echo complaint >&2; \
     echo 'listening on http://127.0.0.1:41231'; echo on; while :; do sleep 0.01; done";

#[tokio::test]
async fn a_server_is_started_measured_and_stopped_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), SERVER).await.unwrap();
    assert_eq!((server.url(), server.token()), ("http://127.0.0.1:41231", "t0ken"));
    let usage = server.usage().unwrap();
    assert!(usage.memory_peak_bytes > 100_000, "{usage:?}");
    assert_eq!(server.stop().await.unwrap().code(), Some(3));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    for line in ["starting", "complaint", "listening on", "on", "bye"] {
        assert!(log.contains(line), "{line} in {log}");
    }
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), SERVER).await.unwrap();
    let id = server.child.id().unwrap();
    drop(server);
    let stat = PathBuf::from(format!("/proc/{id}/stat"));
    // Until it is reaped, a dead child is there as a zombie.
    let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    timeout(Duration::from_secs(10), async {
        while alive() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    start(folder.path(), SERVER).await.unwrap().kill().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_come_up_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = start(folder.path(), "echo 'the data folder is in use' >&2; exit 1").await.unwrap_err();
    assert!(error.to_string().contains("the data folder is in use"), "{error}");
    let mut command = Command::new("/nowhere/hustings");
    command.arg("serve");
    let error = ServerProcess::spawn(command, Path::new("/nowhere/hustings"), &folder.path().join("log"), "").await;
    assert!(error.unwrap_err().to_string().starts_with("cannot start /nowhere/hustings"));
}

#[test]
fn a_launch_is_a_serve_command_with_its_token_in_the_environment() {
    let mut launch = Launch::new(Path::new("/tmp/x"), "t0ken").unwrap();
    launch.arguments = vec!["--bench".to_owned()];
    let command = launch.command();
    let arguments: Vec<_> = command.as_std().get_args().map(|argument| argument.to_str().unwrap()).collect();
    assert_eq!(arguments, ["serve", "--data", "/tmp/x/data", "--listen", "127.0.0.1:0", "--bench"]);
    let token = ("HUSTINGS_ADMIN_TOKEN".as_ref(), Some("t0ken".as_ref()));
    assert!(command.as_std().get_envs().any(|variable| variable == token));
}

#[test]
fn no_setting_of_a_real_server_reaches_a_server_of_our_own() {
    for name in ["HUSTINGS_DATABASE", "HUSTINGS_SECRET", "HUSTINGS_CONFIG", "HUSTINGS_ADMIN_TOKEN"] {
        assert!(is_setting(name), "{name}");
    }
    for name in ["HUSTINGS_LOG", "HUSTINGS_LOG_FORMAT", "PATH", "NOT_HUSTINGS_DATABASE"] {
        assert!(!is_setting(name), "{name}");
    }
}

#[test]
fn usage_is_read_whatever_the_program_is_called() {
    let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
    let status = "Name:\ta\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\n";
    let usage = parse_usage(stat, status).unwrap();
    assert_eq!(usage, Usage { cpu: Duration::from_secs(2), memory_peak_bytes: 2 << 20 });
    assert_eq!(parse_usage("7 (x) S", status), None);
}
