//! The files of this repository, and the programs that read them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::services::guardian::program;

/// A place in this repository.
pub(crate) fn path(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(inside)
}

/// A file of this repository.
pub(crate) fn text(inside: &str) -> String {
    std::fs::read_to_string(path(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

/// A YAML file of this repository, its anchors and merges resolved.
pub(crate) fn yaml(inside: &str) -> Value {
    let mut value: serde_norway::Value =
        serde_norway::from_str(&text(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"));
    value.apply_merge().unwrap_or_else(|error| panic!("{inside}: {error}"));
    serde_json::to_value(value).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

/// A JSON file of this repository.
pub(crate) fn json(inside: &str) -> Value {
    serde_json::from_str(&text(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

/// All Rust sources of the program.
pub(crate) fn sources() -> Vec<String> {
    fn collect(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(std::fs::read_to_string(path).expect("a source"));
            }
        }
    }
    let mut found = Vec::new();
    collect(&path("src"), &mut found);
    found
}

/// The server of this build.
pub(crate) fn hustings() -> PathBuf {
    env!("CARGO_BIN_EXE_hustings").into()
}

/// A program of this machine, or a stop that names its package.
pub(crate) fn tool(name: &str, package: &str) -> Command {
    Command::new(program(name, package, &[PathBuf::from("/usr/sbin")]))
}

/// Runs a command to its end: whether it went well, and all it said.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Runs a command that must go well, and gives what it said.
pub(crate) fn good(command: &mut Command) -> String {
    let (good, said) = run(command);
    assert!(good, "{command:?}:\n{said}");
    said
}
