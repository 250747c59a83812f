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
    assert!(parts("").is_err());
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
