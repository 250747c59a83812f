//! The manual, run: its blocks under a mark, in their order, with the output that it shows.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use crate::files::{hustings, text, tool};

/// One block of commands and the lines that it shows as their output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    script: String,
    expected: Vec<String>,
}

/// The blocks of the manual after this mark, down to the next heading.
pub(crate) fn blocks(mark: &str) -> Vec<Block> {
    let blocks = parse(&text("docs/OPERATIONS.md"), mark);
    assert!(!blocks.is_empty(), "the manual has no blocks under `tested: {mark}`");
    blocks
}

/// Runs blocks one after the other with these variables; each must go well and say what the manual shows.
///
/// What they say goes to a file in `folder`, so that a server which a block leaves running holds nothing up.
pub(crate) fn run(blocks: &[Block], folder: &Path, variables: &[(&str, &str)]) {
    let programs = hustings().parent().expect("a folder of programs").display().to_string();
    let programs = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    for (number, block) in (1..).zip(blocks) {
        let output = folder.join(format!("block-{number}"));
        let file = File::create(&output).expect("a file");
        let mut bash = tool("bash", "bash");
        bash.args(["-euo", "pipefail", "-c", &block.script]).current_dir(folder).env("PATH", &programs);
        bash.envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the file"))
            .stderr(file);
        let status = bash.status().expect("bash");
        let said = std::fs::read_to_string(&output).expect("its output");
        assert!(status.success(), "block {number}:\n{}\n{said}", block.script);
        if let Some(missing) = first_missing(&block.expected, &said) {
            panic!("block {number} does not say `{missing}`, but:\n{said}");
        }
    }
}

fn parse(manual: &str, mark: &str) -> Vec<Block> {
    let mark = format!("<!-- tested: {mark} -->");
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = manual.lines().skip_while(|line| *line != mark).skip(1);
    while let Some(line) = lines.next() {
        let language = line.trim_start().strip_prefix("```");
        if line.starts_with('#') {
            break;
        }
        let Some(language) = language else { continue };
        let inside: Vec<String> =
            lines.by_ref().take_while(|line| line.trim_start() != "```").map(str::to_owned).collect();
        match (language, blocks.last_mut()) {
            ("sh", _) => blocks.push(Block { script: inside.join("\n"), expected: Vec::new() }),
            ("text", Some(last)) => last.expected = inside,
            _ => {}
        }
    }
    blocks
}

/// The first of the expected lines that does not follow the ones before it.
fn first_missing<'a>(expected: &'a [String], said: &str) -> Option<&'a String> {
    let mut said = said.lines();
    expected.iter().find(|expected| !said.any(|line| fits(expected, line)))
}

/// Whether a line is as expected, where `...` stands for anything.
fn fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split("...");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn blocks_are_read_with_what_they_show() {
    let manual = "```sh\nbefore\n```\n<!-- tested: a -->\n```sh\n# no heading\none\n```\n```text\nx...\n```\nwords\n```yaml\nz\n```\n\
                  ```sh\ntwo\n```\n## Next\n```sh\nthree\n```\n";
    let block = |script: &str, expected: &[&str]| Block {
        script: script.to_owned(),
        expected: expected.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(parse(manual, "a"), [block("# no heading\none", &["x..."]), block("two", &[])]);
    assert_eq!(parse(manual, "b"), []);
    for (expected, line, does) in [
        ("ok", "ok", true),
        ("ok", "ok!", false),
        ("...ok", "all ok", true),
        ("a...b...c", "a1b2c", true),
        ("a...b...c", "a1c2b", false),
        ("a...", "b", false),
    ] {
        assert_eq!(fits(expected, line), does, "{expected}: {line}");
    }
    let expected = ["one".to_owned(), "two".to_owned()];
    assert_eq!(first_missing(&expected, "one\n-\ntwo"), None);
    assert_eq!(first_missing(&expected, "two\none"), Some(&expected[1]));
}
