//! What the files call by name exists: metrics, answers, alerts, variables, commands and flags.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::{good, hustings, path, run, sources, text};
use crate::lint::{alerts, dashboard_expressions};

/// What the nodes tell Prometheus.
const METRICS: [&str; 17] = [
    "hustings_build_info",
    "hustings_commit_seconds",
    "hustings_commits_total",
    "hustings_connections",
    "hustings_connections_refused_total",
    "hustings_counters_degraded",
    "hustings_counters_forked_total",
    "hustings_ledger_alarms_total",
    "hustings_queue_full_total",
    "hustings_recount_alarms_total",
    "hustings_recounts_total",
    "hustings_slow_readers_cut_total",
    "hustings_submissions_total",
    "hustings_tallies_stale",
    "hustings_vote_seconds",
    "hustings_votes_total",
    "hustings_watchers",
];

#[test]
fn each_metric_is_made_by_the_program() {
    let made: BTreeSet<String> = sources().iter().flat_map(|source| metrics_made(source)).collect();
    let missing: Vec<&str> = METRICS.into_iter().filter(|name| !made.contains(*name)).collect();
    assert!(missing.is_empty(), "not in the sources: {missing:?}");
    let mut used = words(&text("docs/OPERATIONS.md"), "hustings_", |c| c.is_ascii_lowercase() || c == '_');
    for expression in expressions() {
        used.extend(words(&expression, "hustings_", |c| c.is_ascii_lowercase() || c == '_'));
    }
    let known = |name: &String| METRICS.contains(&name.trim_end_matches("_bucket"));
    let unknown: Vec<_> = used.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "no such metric: {unknown:?}");
}

#[test]
fn each_answer_that_is_looked_for_is_one_of_the_program() {
    let sources = sources().concat();
    let mut looked_for = 0;
    for expression in expressions() {
        for (_, rest) in expression.match_indices("answer=~\"").map(|(at, found)| (at, &expression[at + found.len()..]))
        {
            for answer in rest.split('"').next().expect("a pattern").split('|') {
                assert!(sources.contains(&format!("\"{answer}\"")), "no answer is called {answer}: {expression}");
                looked_for += 1;
            }
        }
    }
    assert!(looked_for > 0, "the alerts look for answers");
}

#[test]
fn each_alert_has_its_place_in_the_manual() {
    let manual = text("docs/OPERATIONS.md");
    let explained: Vec<&str> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter(|head| head.starts_with("Hustings"))
        .collect();
    let mut named = Vec::new();
    for alert in alerts() {
        let name = alert["alert"].as_str().expect("a name").to_owned();
        let annotations = &alert["annotations"];
        assert!(annotations["summary"].as_str().is_some_and(|summary| summary.len() > 20), "{name} has no summary");
        let place = format!("docs/OPERATIONS.md#{}", name.to_lowercase());
        assert_eq!(annotations["runbook_url"], place.as_str(), "{name}");
        let severity = alert["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["critical", "warning", "info"].contains(&severity), "{name} is {severity}");
        named.push(name);
    }
    assert_eq!(explained, named, "the manual explains each alert, in their order");
}

#[test]
fn each_variable_is_read_by_the_program() {
    let sources = sources().concat();
    let mut files: Vec<_> = std::fs::read_dir(path("deploy")).expect("a folder").flatten().map(|f| f.path()).collect();
    files.push(path("docs/OPERATIONS.md"));
    let mut seen = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let content = std::fs::read_to_string(file).expect("a text");
        for name in words(&content, "HUSTINGS_", |c| c.is_ascii_uppercase() || c == '_') {
            assert!(sources.contains(&format!("\"{name}\"")), "{}: the program does not read {name}", file.display());
            seen.insert(name);
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn each_command_and_flag_of_the_manual_exists() {
    let mut missing = BTreeSet::new();
    let mut helps = BTreeMap::new();
    let written = ["README.md", "docs/OPERATIONS.md"].map(text).concat();
    let commands = commands(&written);
    assert!(commands.len() > 20, "{commands:?}");
    for (command, flags) in &commands {
        let help = helps.entry(command.clone()).or_insert_with(|| help(command));
        match help {
            Some(help) => {
                missing
                    .extend(flags.iter().filter(|flag| !has_flag(help, flag)).map(|flag| format!("{command} {flag}")));
            }
            None => {
                missing.insert(command.clone());
            }
        }
    }
    assert!(missing.is_empty(), "the program has none of these: {missing:?}");
    let all: String = helps
        .into_values()
        .flatten()
        .chain([good(std::process::Command::new(hustings()).args(["serve", "--help"]))])
        .collect();
    for flag in code_spans(&text("docs/OPERATIONS.md")).into_iter().filter(|code| code.starts_with("--")) {
        let flag = flag.split([' ', '=']).next().expect("a word").to_owned();
        assert!(has_flag(&all, &flag), "no command takes {flag}");
    }
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    for file in ["deploy/compose.yaml", "deploy/ecs-task-definition.json", "deploy/Dockerfile"] {
        let tags = words(&text(file), "hustings:", |c| c.is_ascii_digit() || c == '.');
        let tags: Vec<_> = tags.iter().filter(|tag| tag.len() > "hustings:".len()).collect();
        assert_eq!(tags, [&format!("hustings:{version}")], "{file}");
    }
}

fn expressions() -> Vec<String> {
    let alerts = alerts().into_iter().map(|alert| alert["expr"].as_str().expect("an expression").to_owned());
    alerts.chain(dashboard_expressions()).collect()
}

/// The names in calls of the macros that make metrics.
fn metrics_made(source: &str) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for call in ["counter!(", "gauge!(", "histogram!("] {
        for (at, _) in source.match_indices(call) {
            let name = source[at + call.len()..].trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            made.extend(name.map(str::to_owned));
        }
    }
    made
}

/// The words of a text that begin like this and go on with such characters.
fn words(text: &str, begin: &str, fits: impl Fn(char) -> bool) -> BTreeSet<String> {
    let word = |(at, _): (usize, &str)| {
        let rest: String = text[at + begin.len()..].chars().take_while(|c| fits(*c)).collect();
        format!("{begin}{}", rest.trim_end_matches('.'))
    };
    text.match_indices(begin).map(word).collect()
}

/// What the program says of a command; nothing where there is no such command.
fn help(command: &str) -> Option<String> {
    let (good, said) = run(std::process::Command::new(hustings()).args(command.split(' ')).arg("--help"));
    good.then_some(said)
}

fn has_flag(help: &str, flag: &str) -> bool {
    help.split_whitespace().any(|word| word.trim_end_matches([',', '.']) == flag)
}

/// The calls of `hustings` in the blocks and code spans of a text: the command with its subcommand, and its flags.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut in_block = false;
    let mut lines: Vec<String> = code_spans(text);
    for line in text.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            lines.push(line.to_owned());
        }
    }
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        for at in (0..words.len()).filter(|at| words[*at] == "hustings") {
            let call: Vec<&str> =
                words[at + 1..].iter().copied().take_while(|word| !["|", "&&", "&", ">", "#"].contains(word)).collect();
            let is_command = |word: &&&str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
            let names: Vec<&str> = call.iter().take_while(|word| is_command(word)).take(2).copied().collect();
            let flags = call.iter().filter(|word| word.starts_with("--")).map(|word| (*word).to_owned());
            if !names.is_empty() {
                found.push((names.join(" "), flags.collect()));
            }
        }
    }
    found
}

/// What stands between backticks in the prose of a text.
fn code_spans(text: &str) -> Vec<String> {
    let mut in_block = false;
    let prose: Vec<&str> = text
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_block ^= fence;
            !in_block && !fence
        })
        .collect();
    prose.join(" ").split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The readers themselves: a text, and what is found in it.
#[test]
fn calls_are_found_however_they_are_written() {
    let text = "see `hustings backup FILE --data D`\n```sh\nhustings token create --name a \\\n    --scopes b > c --no\n\
                runuser -u hustings -- hustings doctor --data d\n```\n`--queue-max`";
    let expected = [("backup", "--data"), ("token create", "--name --scopes"), ("doctor", "--data")];
    let found: Vec<(String, String)> =
        commands(text).into_iter().map(|(name, flags)| (name, flags.join(" "))).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(name, flags)| (name.as_str(), flags.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(code_spans(text).last().map(String::as_str), Some("--queue-max"));
    let source = "metrics::counter!(\n    \"hustings_a_total\", 1); histogram!(\"hustings_b\")";
    assert_eq!(Vec::from_iter(metrics_made(source)), ["hustings_a_total", "hustings_b"]);
}
