//! The texts hold each other: no language lacks a sentence, a variable, or a reason to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::texts::Language;
use hustings_core::Time;

const FILES: [(&str, &str); 2] =
    [("en", include_str!("../../../texts/en.ftl")), ("fr", include_str!("../../../texts/fr.ftl"))];

/// Each key of a file with the variables that its text has.
fn keys(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with(' ')) {
            name.clone_into(&mut key);
            assert!(keys.insert(key.clone(), BTreeSet::new()).is_none(), "`{key}` stands twice");
        }
        let variables = line.split('$').skip(1);
        let names = variables.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default());
        keys.entry(key.clone()).or_default().extend(names.map(str::to_owned));
    }
    keys.remove("");
    keys
}

/// All that may name a text: templates, sources, scripts.
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if [".rs", ".html", ".js"].iter().any(|end| name.ends_with(end)) && !name.ends_with("texts_tests.rs") {
            found.push_str(&std::fs::read_to_string(&path).expect("a text"));
        }
    }
}

fn all_sources() -> String {
    let mut found = String::new();
    for folder in ["templates", "src/http", "assets"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    found
}

#[test]
fn every_language_has_every_text_with_the_same_variables() {
    let [(_, english), others @ ..] = FILES;
    for (tag, other) in others {
        assert_eq!(keys(english), keys(other), "{tag} against en");
    }
    for (tag, file) in FILES {
        let parsed = fluent_bundle::FluentResource::try_new(file.to_owned());
        assert!(parsed.is_ok(), "{tag}: {:?}", parsed.err().map(|(_, errors)| errors));
    }
}

#[test]
fn every_text_is_in_use_and_every_text_in_use_is_there() {
    let (sources, keys) = (all_sources(), keys(FILES[0].1));
    for key in keys.keys() {
        assert!(sources.contains(&format!("\"{key}\"")), "`{key}` is never said");
    }
    for (start, _) in ["say(\"", "say_with(\"", "count(\""]
        .iter()
        .flat_map(|call| sources.match_indices(call).map(move |(at, call)| (at + call.len(), ())))
    {
        let key = sources[start..].split('"').next().unwrap_or_default();
        assert!(keys.contains_key(key), "`{key}` is said and not there");
    }
}

#[test]
fn numbers_and_moments_are_written_as_their_readers_write_them() {
    let moment = Time(1_384_300_800_000);
    for (language, number, percent, voters, time) in [
        (Language::English, "1,234,567", "33.3%", ["0 voters", "1 voter", "2 voters"], "13 November 2013, 00:00 UTC"),
        (
            Language::French,
            "1\u{202f}234\u{202f}567",
            "33,3\u{202f}%",
            ["0 votant", "1 votant", "2 votants"],
            "13 novembre 2013 à 00:00 UTC",
        ),
    ] {
        assert_eq!(language.number(1_234_567), number);
        assert_eq!(language.percent(333), percent);
        assert_eq!([0, 1, 2].map(|count| language.count("voters", count)), voters);
        assert_eq!(language.moment(moment), time);
    }
    assert_eq!(Language::French.moment(Time(0)), "1er janvier 1970 à 00:00 UTC");
    assert_eq!(Language::English.moment(Time(0)), "1 January 1970, 00:00 UTC");
    for (zone, english, french) in [
        ("America/Montreal", "12 November 2013, 19:00 UTC-05:00", "12 novembre 2013 à 19:00 UTC-05:00"),
        ("Asia/Kolkata", "13 November 2013, 05:30 UTC+05:30", "13 novembre 2013 à 05:30 UTC+05:30"),
        ("Europe/London", "13 November 2013, 00:00 UTC", "13 novembre 2013 à 00:00 UTC"),
        ("Mars/Olympus", "13 November 2013, 00:00 UTC", "13 novembre 2013 à 00:00 UTC"),
    ] {
        let told = [Language::English, Language::French].map(|language| language.moment_in(moment, zone));
        assert_eq!(told, [english, french], "{zone}");
    }
    let names = ["Tea", "Coffee", "Water"];
    let lists = [0, 1, 2, 3].map(|count| Language::French.list(&names[..count]));
    assert_eq!(lists, ["", "Tea", "Tea et Coffee", "Tea, Coffee et Water"]);
}

#[test]
fn french_agrees_with_its_numbers_and_keeps_its_signs_on_the_line() {
    for (key, told) in [
        ("codes-revoked", ["aucun code révoqué", "1 code révoqué", "2 codes révoqués"]),
        ("codes-made", ["0 code créé", "1 code créé", "2 codes créés"]),
        ("night-blank", ["0 blanc", "1 blanc", "2 blancs"]),
        ("night-invalid", ["0 nul", "1 nul", "2 nuls"]),
        ("joined", ["0 appareil présent", "1 appareil présent", "2 appareils présents"]),
    ] {
        assert_eq!([0, 1, 2].map(|count| Language::French.count(key, count)), told);
    }
    for line in FILES[1].1.lines() {
        let mut before = ' ';
        for sign in line.chars() {
            let is_double = [';', ':', '!', '?', '»'].contains(&sign);
            assert!(!is_double || before == '\u{202f}', "`{before}{sign}` in {line}");
            assert!(before != '«' || sign == '\u{202f}', "`{before}{sign}` in {line}");
            before = sign;
        }
        assert!(!line.contains('\u{a0}') || line.contains("\u{a0}ms") || line.contains("Nº\u{a0}"), "{line}");
    }
}

#[test]
fn the_language_is_the_one_that_the_reader_likes_best() {
    for (header, expected) in [
        ("fr-CA,fr;q=0.9,en;q=0.8", Some(Language::French)),
        ("de,en;q=0.3,fr;q=0.7", Some(Language::French)),
        ("en-GB, fr", Some(Language::English)),
        ("de", None),
        ("fr;q=0, en;q=0.1", Some(Language::English)),
        ("fr;q=nonsense", None),
        ("fr;q=1;x=1", Some(Language::French)),
        ("en;x=1;q=0.2, fr;x=1", Some(Language::French)),
        ("fr;x=1;q=0", None),
        ("en;q=0.5, fr; Q = 0.7", Some(Language::French)),
        ("fr;", Some(Language::French)),
        ("fr;q=NaN, en;q=0.1", Some(Language::English)),
        ("", None),
    ] {
        assert_eq!(Language::accepted(header), expected, "{header}");
    }
}
