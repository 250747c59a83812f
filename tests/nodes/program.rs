//! The two programs of an upgrade: this one, and the one that it replaces.
//!
//! `HUSTINGS_TEST_OLD` is the path of the older one; `./test --long` builds the one that `tests/nodes/previous` names.

use std::path::{Path, PathBuf};
use std::process::Output;

use hustings::load::without_settings;
use tokio::process::Command;

/// The program of this build.
pub(crate) fn new() -> PathBuf {
    env!("CARGO_BIN_EXE_hustings").into()
}

/// The program before this one. Where none is given, this one stands for it, and the test says so.
pub(crate) fn old() -> PathBuf {
    match std::env::var_os("HUSTINGS_TEST_OLD") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "HUSTINGS_TEST_OLD names no program: {}", path.display());
            println!("from {} to {}", path.display(), new().display());
            path
        }
        None => {
            println!("from this program to itself: HUSTINGS_TEST_OLD names no older one");
            new()
        }
    }
}

/// Runs a command of a program to its end, with these variables alone.
pub(crate) async fn run(program: &Path, arguments: &[&str], variables: &[(String, String)]) -> Output {
    let mut command = Command::new(program);
    without_settings(&mut command).args(arguments).envs(variables.iter().cloned());
    command.kill_on_drop(true).output().await.expect("the program runs")
}
