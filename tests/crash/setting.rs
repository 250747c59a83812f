//! What a run of these tests is told from outside, and the programs it tests.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use hustings::clock::{Random, SystemRandom};
use tokio::time::{Instant, sleep};

/// The seed of `HUSTINGS_TEST_SEED`, or a new one; printed, so that a failure can be replayed.
pub(crate) fn seed(test: &str) -> u64 {
    let seed = variable("HUSTINGS_TEST_SEED").unwrap_or_else(|| {
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    println!("{test}: HUSTINGS_TEST_SEED={seed}");
    seed
}

/// How often the kill test kills.
pub(crate) fn kills() -> u32 {
    variable("HUSTINGS_TEST_KILLS").map_or(50, |kills| u32::try_from(kills).expect("a number of kills"))
}

/// The server that is put to the test.
pub(crate) fn server() -> PathBuf {
    std::env::var_os("HUSTINGS_TEST_SERVER").map_or_else(|| env!("CARGO_BIN_EXE_hustings").into(), PathBuf::from)
}

/// The server of `examples/sabotaged.rs`, up to date where cargo runs this test.
///
/// `cargo test` builds examples, `cargo test --test crash` does not; so this asks cargo for it.
pub(crate) fn sabotaged() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.ancestors().nth(2).expect("target/debug/deps/crash-..");
    if let (Some(cargo), Some(target)) = (std::env::var_os("CARGO"), folder.parent()) {
        let profile = if folder.ends_with("debug") { "dev".as_ref() } else { folder.file_name().unwrap_or_default() };
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--example", "sabotaged", "--target-dir"]).arg(target);
        build.arg("--profile").arg(profile).current_dir(env!("CARGO_MANIFEST_DIR"));
        let built = build.status().unwrap_or_else(|error| panic!("cannot run {build:?}: {error}"));
        assert!(built.success(), "{build:?}: {built}");
    }
    let program = folder.join("examples").join("sabotaged");
    assert!(
        program.exists(),
        "{} is missing: without the sabotaged server nobody knows whether the kill test can fail; \
         build it with `cargo build --example sabotaged`",
        program.display()
    );
    program
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Waits until `done`, and fails where that takes longer than half a minute.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "waited half a minute in vain: {what}");
        sleep(Duration::from_millis(1)).await;
    }
}
