//! The table of imports, held: which folder may know which. `docs/ARCHITECTURE.md` says why.
#![expect(clippy::expect_used, reason = "a helper of a test stops the test when its own input is wrong")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the program, and the modules of ours that it may know. A new one here is a change of the design.
const TABLE: [(&str, &[&str]); 14] = [
    ("clock", &[]),
    // Leaves of the ledger: the key that receipts carry, and the hashes that it makes.
    ("keys", &["clock", "ledger"]),
    ("config", &["ledger", "tally"]),
    ("ledger", &["clock"]),
    ("passwords", &["clock", "ledger"]),
    ("ingest", &["ledger"]),
    ("tally", &["ledger"]),
    ("feed", &["clock", "ledger", "tally"]),
    ("export", &["clock", "ledger"]),
    // A leaf that the server and who sends it files must agree on.
    ("separator", &[]),
    ("http", &["clock", "keys", "passwords", "ingest", "ledger", "feed", "export", "separator"]),
    // A stranger to the server: it speaks HTTP.
    ("load", &[]),
    ("app", &ALL),
    ("cli", &ALL),
];

const ALL: [&str; 14] = [
    "clock",
    "keys",
    "config",
    "ledger",
    "passwords",
    "ingest",
    "tally",
    "feed",
    "export",
    "separator",
    "http",
    "load",
    "app",
    "cli",
];

/// What is wrong with one file of a module, in words.
fn wrong(module: &str, source: &str) -> Vec<String> {
    let allowed = TABLE.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed);
    let Some(allowed) = allowed else { return vec![format!("`{module}` is not in the table")] };
    let known = |used: &String| *used == module || allowed.contains(&used.as_str());
    let mut wrong: Vec<String> =
        uses(source).into_iter().filter(|used| !known(used)).map(|used| format!("{module} knows {used}")).collect();
    if module == "keys" {
        let named = without_comments(source).matches("crate::ledger").count();
        let leaf = without_comments(source).matches("crate::ledger::{CodeHash, DeviceHash, ElectionKey}").count();
        wrong.extend((named != leaf).then(|| "keys knows more of ledger than names and hashes".to_owned()));
    }
    wrong
}

/// The first names after `crate::`, also inside `crate::{a, b}`, wherever they stand outside comments.
fn uses(source: &str) -> BTreeSet<String> {
    let source = without_comments(source);
    let mut uses = BTreeSet::new();
    for (at, _) in source.match_indices("crate::") {
        let before = source[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == '$') {
            continue;
        }
        let rest = &source[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => uses.extend(names_of(group)),
            None => uses.extend(first_name(rest)),
        }
    }
    uses
}

/// The names at the top of a group, whose end is found by counting braces.
fn names_of(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_name(std::mem::take(&mut name).trim())),
            _ if depth == 0 => name.push(c),
            _ => {}
        }
    }
    names.extend(first_name(name.trim()));
    names
}

fn first_name(path: &str) -> Option<String> {
    let name: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_folder_knows_only_what_the_table_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut problems = Vec::new();
    let mut modules = BTreeSet::new();
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).expect("inside src");
        let module = inside.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source");
        problems.extend(wrong(&module, &source).into_iter().map(|problem| format!("{}: {problem}", inside.display())));
        modules.insert(module);
    }
    assert!(problems.is_empty(), "{problems:#?}");
    let table: BTreeSet<String> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(modules, table, "the table names each module, and nothing else");
}

#[test]
fn the_core_knows_nothing_of_ours_and_touches_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("core");
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest").parse().expect("TOML");
    let dependencies: Vec<_> = manifest["dependencies"].as_table().expect("a table").keys().cloned().collect();
    assert_eq!(dependencies, ["base64", "serde", "sha2", "thiserror", "unicode-normalization", "uuid"]);
    for path in sources(&root.join("src")) {
        let source = without_comments(&fs::read_to_string(&path).expect("a source"));
        for word in
            ["std::fs", "std::net", "std::time", "std::thread", "std::env", "std::process", "async ", "hustings::"]
        {
            assert!(!source.contains(word), "{} has {word}", path.display());
        }
    }
}

/// The checker itself: a source, its module, and what is wrong with it.
#[test]
fn a_forbidden_import_is_noticed_however_it_is_written() {
    for (module, source, expected) in [
        ("tally", "use crate::ledger::Ledger;", &[][..]),
        ("tally", "use crate::feed::Feed;", &["tally knows feed"]),
        ("tally", "fn f() { crate::http::router(); }", &["tally knows http"]),
        ("feed", "use crate::{ledger::{Ledger, Seq}, tally::Tallies};", &[]),
        ("feed", "use crate::{ledger::Ledger, http};", &["feed knows http"]),
        ("feed", "use crate::{\n    http::{self, api},\n    keys,\n};", &["feed knows http", "feed knows keys"]),
        ("http", "use crate::tally::Tallies;", &["http knows tally"]),
        ("separator", "use crate::http::Problem;", &["separator knows http"]),
        ("load", "use crate::load::Api;", &[]),
        ("load", "// use crate::http::Problem;", &[]),
        ("load", "use crate::ledger::Seq;", &["load knows ledger"]),
        ("keys", "use crate::ledger::{CodeHash, DeviceHash, ElectionKey};", &[]),
        ("keys", "use crate::ledger::Ledger;", &["keys knows more of ledger than names and hashes"]),
        ("ledger", "use other_crate::http;", &[]),
        ("novel", "", &["`novel` is not in the table"]),
    ] {
        assert_eq!(wrong(module, source), expected, "{module}: {source}");
    }
}
