//! Files in both forms, cut anywhere, with and without ids.

use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn parts(text: &str) -> anyhow::Result<Vec<Vec<Line>>> {
    let (file, mut parts) = (file(text), Vec::new());
    let lines = split(file.path(), &digest(file.path())?, |part| {
        parts.push(part);
        Ok(())
    })?;
    assert_eq!(lines, parts.iter().map(|part| part.len() as u64).sum::<u64>());
    Ok(parts)
}

#[test]
fn every_line_gets_an_id_and_keeps_the_one_it_has() {
    let text = "\u{feff}{\"box\":\"b1\",\"votes\":{\"a\":1}}\n\n  { \"id\":\"mine\", \"box\":\"b2\"}\r\n{}\nnonsense\n{\"id\":null}\n{\"id\":7}";
    let parts = parts(text).unwrap();
    let [part] = &parts[..] else { panic!("{parts:?}") };
    assert_eq!(part.iter().map(|line| line.line).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7]);
    let id = &part[0].id;
    assert!(uuid::Uuid::try_parse(id).is_ok_and(|id| id.get_version_num() == 8), "{id}");
    assert_eq!(part[0].text, format!("{{\"id\":\"{id}\",\"box\":\"b1\",\"votes\":{{\"a\":1}}}}"));
    assert_eq!((part[1].id.as_str(), part[1].text.as_str()), ("mine", "{ \"id\":\"mine\", \"box\":\"b2\"}"));
    assert_eq!(part[2].text, format!("{{\"id\":\"{}\"}}", part[2].id));
    assert_eq!(part[3].text, "nonsense");
    assert_eq!(part[4].text, format!("{{\"id\":\"{}\"}}", part[4].id));
    assert_eq!(part[5].text, "{\"id\":7}");
    let ids: std::collections::BTreeSet<_> = part.iter().map(|line| &line.id).collect();
    assert_eq!(ids.len(), part.len());
}

#[test]
fn a_table_gets_a_column_of_ids_or_fills_the_one_it_has() {
    let check = |text: &str, wanted_header: &str, wanted: &[(u64, &str)]| {
        let file = file(text);
        assert_eq!(header(file.path()).unwrap().as_deref(), Some(wanted_header));
        let lines = parts(text).unwrap().concat();
        let shown: Vec<_> = lines.iter().map(|line| (line.line, line.text.replace(&line.id, "ID"))).collect();
        assert_eq!(shown, wanted.iter().map(|(line, text)| (*line, (*text).to_owned())).collect::<Vec<_>>());
    };
    check("box,votes.a\nb1,3\n\n\"b,2\",4\r\n", "id,box,votes.a", &[(2, "ID,b1,3"), (4, "ID,\"b,2\",4")]);
    check("\u{feff}box,id\nb1,\nb2,x\nb3\n", "box,id", &[(2, "b1,ID"), (3, "b2,ID"), (4, "b3")]);
    check("box;votes.a\n\"b;1\";3\n", "id;box;votes.a", &[(2, "ID;\"b;1\";3")]);
    check("box\tid\tcity\nb1\t\t\n", "box\tid\tcity", &[(2, "b1\tID\t")]);
    check("\u{feff}sep=|\r\n\r\nbox|votes.a;b\r\nb1|3\r\n", "sep=|\nid|box|votes.a;b", &[(4, "ID|b1|3")]);
    check("SEP=,\nbox,id\nb1,\n", "SEP=,\nbox,id", &[(3, "b1,ID")]);
    check("Ballot_Box_ID,ID\nb1,\n", "Ballot_Box_ID,ID", &[(2, "b1,ID")]);
}

#[test]
fn lines_end_as_any_machine_ends_them() {
    for text in ["box,votes.a\nb1,3\n\nb2,4", "{\"box\":\"b1\"}\n\n{\"box\":\"b2\"}\n{\"box\":\"b3\"}\n"] {
        let shown = |text: String| -> Vec<(u64, String)> {
            let lines = parts(&text).unwrap().concat();
            lines.iter().map(|line| (line.line, line.text.replace(&line.id, "ID"))).collect()
        };
        let expected = shown(text.to_owned());
        assert!(expected.len() >= 2, "{expected:?}");
        for end in ["\r", "\r\n"] {
            assert_eq!(shown(text.replace('\n', end)), expected, "{end:?}");
        }
    }
}

#[test]
fn a_list_is_sent_report_by_report_as_each_was_written() {
    let one = "{\"id\":\"ID\",\"box\":\"b1\", \"votes\": { \"a\": 1, \"a\": 2 } }";
    for (text, expected) in [
        ("\u{feff}[{\"box\":\"b1\", \"votes\": { \"a\": 1, \"a\": 2 } }]", &[one][..]),
        (
            "\r\n[\r\n  {\"box\":\"b1\",\r\n\"votes\": {\r\"a\": 1, \"a\": 2 } },\n\n7,{\"id\":\"x\"}\n]\n",
            &[one, "7", "{\"id\":\"x\"}"],
        ),
        ("{\"box\":\"b1\",\n\"votes\":\n{ \"a\": 1, \"a\": 2 } }", &[one]),
    ] {
        let lines = parts(text).unwrap().concat();
        let texts: Vec<_> =
            lines.iter().map(|line| line.text.replace(&line.id, if line.id == "x" { "x" } else { "ID" })).collect();
        let expected: Vec<_> = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(texts, expected, "{text}");
        assert_eq!(
            lines.iter().map(|line| line.line).collect::<Vec<_>>(),
            (1..=lines.len() as u64).collect::<Vec<_>>()
        );
        assert!(is_list(file(text).path()).unwrap(), "{text}");
        let ids: std::collections::BTreeSet<_> = lines.iter().map(|line| &line.id).collect();
        assert_eq!(ids.len(), lines.len(), "two reports on a line have two names");
    }
    // A line that is cut off spoils one report, and not those after it.
    assert_eq!(parts("{\"box\":\n{\"box\":\"b2\"}\n").unwrap().concat().len(), 2);
}

#[test]
fn what_is_no_file_of_reports_is_refused_by_a_sentence() {
    let utf16: Vec<u8> = "\u{feff}box\tvotes.a\r\nb1\t3\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, expected) in [
        (&b""[..], "is empty"),
        (b"\n \r\n", "is empty"),
        (b"box,votes.a\n\n", "there is no report in it"),
        (b"[ ]", "there is no report in it"),
        (b"b1,london,3\n", "line 1: the first line of a table names its columns"),
        (b"\n\"Reports of the night\"\nbox,votes.a\nb1,3\n", "line 2: the first line of a table"),
        (b"[{\"box\":\"b1\"}", "is no list of reports"),
        (b"[{\"box\":\"b1\"}]\n[{\"box\":\"b2\"}]", "is no list of reports"),
        (b"box,votes.a,reason\nb1,3,\nb2,4,caf\xe9\n", "line 3: this is not UTF-8: save the file as UTF-8"),
        (b"[{\"box\":\"b1\"},\n{\"box\":\"\xe9\"}]", "line 2: this is not UTF-8: save the file as UTF-8"),
        (&utf16, "line 1: this is UTF-16 (\"Unicode text\"): save the file as UTF-8"),
        (&utf16[2..], "line 1: this is UTF-16"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01, and so on\n", "line 1: this is no text"),
    ] {
        let file = file("");
        std::fs::write(file.path(), bytes).unwrap();
        let error = split(file.path(), &digest(file.path()).unwrap(), |_| Ok(())).expect_err(expected);
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}

#[test]
fn the_same_file_gives_the_same_ids_and_another_file_others() {
    let one = parts("box\nb1\nb2\n").unwrap();
    assert_eq!(one, parts("box\nb1\nb2\n").unwrap());
    assert_ne!(one[0][0].id, parts("box\nb1\nb3\n").unwrap()[0][0].id);
}

#[test]
fn no_part_is_larger_than_a_request_may_be() {
    let many = parts(&"{\"box\":\"b\"}\n".repeat(25_001)).unwrap();
    assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [10_000, 10_000, 5_001]);
    let table = parts(&format!("box\n{}", "b\n".repeat(10_000))).unwrap();
    assert_eq!(table.iter().map(Vec::len).collect::<Vec<_>>(), [9_999, 1]);
    let long = format!("{{\"box\":\"{}\"}}\n", "b".repeat(1_000_000));
    let bytes = |part: &Vec<Line>| part.iter().map(|line| line.text.len() + 1).sum::<usize>();
    assert!(parts(&long.repeat(20)).unwrap().iter().all(|part| bytes(part) <= BYTES_MAX));
    assert!(parts(&"{\"box\":\"b\"}\n".replace('b', &"b".repeat(LINE_BYTES_MAX))).is_err());
}
