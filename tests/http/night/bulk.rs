//! Reports in bulk: an answer for each line, in order, whatever the others are.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::desk::{full, report, short, with};
use super::support::Night;
use crate::support::{ADMIN, Answer, Ask, TestServer, soon};

fn upload(server: &TestServer, night: &Night, body: impl Into<Vec<u8>>) -> Ask {
    let ask = server.ask("POST", &night.path("/reports/bulk")).bearer(ADMIN);
    ask.header("content-type", "application/x-ndjson").body(body)
}

fn ndjson(reports: impl IntoIterator<Item = Value>) -> String {
    reports.into_iter().map(|report| format!("{report}\n")).collect()
}

/// The answers, one for each line: its number, and its status or code.
fn words(answer: &Answer) -> Vec<(u64, String)> {
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"), "{answer:?}");
    let one = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let word = if line["status"].is_string() { &line["status"] } else { &line["code"] };
        (line["line"].as_u64().expect("a number"), word.as_str().expect("a word").to_owned())
    };
    answer.text().lines().map(one).collect()
}

fn lines(words: &[(u64, &str)]) -> Vec<(u64, String)> {
    words.iter().map(|(line, word)| (*line, (*word).to_owned())).collect()
}

#[tokio::test]
async fn each_line_is_decided_by_itself_and_in_order() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let at = |revision: u64, tories: u64| with(short("b-1", "london", tories, 80), json!({ "revision": revision }));
    let withdrawal = json!({ "box": "b-1", "withdrawn": true, "reason": "sealed again", "revision": 4 });
    let body = [
        at(1, 120).to_string(),
        at(1, 120).to_string(),
        "not json".to_owned(),
        String::new(),
        at(3, 125).to_string(),
        at(2, 122).to_string(),
        at(1, 120).to_string(),
        at(1, 121).to_string(),
        r#"{"box":"b-1","votes":{"tories":-1}}"#.to_owned(),
        short("b-2", "paris", 1, 1).to_string(),
        short("b-1", "leeds", 120, 80).to_string(),
        withdrawal.to_string(),
        r#"["b-1"]"#.to_owned(),
        "\u{1}\u{2}".to_owned(),
        // The last one has no end of a line.
        short("b-3", "leeds", 3, 4).to_string(),
    ];
    let answer = upload(&server, &night, body.join("\r\n")).send().await.is(200);
    let expected = [
        (1, "counted"),
        (2, "repeated"),
        (3, "invalid_json"),
        (5, "corrected"),
        (6, "recorded"),
        (7, "superseded"),
        (8, "exists_with_different_votes"),
        (9, "wrong_type"),
        (10, "unknown_unit"),
        (11, "superseded"),
        (12, "withdrawn"),
        (13, "wrong_type"),
        (14, "invalid_json"),
        (15, "counted"),
    ];
    assert_eq!(words(&answer), lines(&expected), "{}", answer.text());
    let answers: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0]["receipt"], answers[1]["receipt"]);
    assert_eq!(answers[6]["receipt"], answers[0]["receipt"], "the receipt of what is there");
    assert!(answers[6]["case"].is_string());
    assert_eq!(answers[7]["pointer"], "/votes/tories");
    assert!(answers.iter().all(|answer| answer["retry"].is_null()), "nothing of this is worth sending again");
    // The same again, and one by one: nothing moves, and every receipt is the same.
    let again = upload(&server, &night, body.join("\n")).send().await.is(200);
    let receipts = |answer: &Answer| -> Vec<Value> {
        let receipt = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["receipt"]["id"].clone();
        answer.text().lines().map(receipt).collect()
    };
    assert_eq!(receipts(&again), receipts(&answer));
    assert!(words(&again).iter().all(|(_, word)| !["counted", "corrected", "withdrawn"].contains(&word.as_str())));
    let single = report(&server, &night, &at(3, 125)).await.is(200);
    assert_eq!(Value::from(single.receipt()), answers[3]["receipt"]["id"]);
    let history = night.get(&server, "/boxes/b-1").await.is(200).json();
    assert_eq!(history["reports"][0]["request"], at(1, 120).to_string(), "the line, byte for byte");
    server.finish().await;
}

#[tokio::test]
async fn tables_are_read_by_their_header() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    let csv = |body: &str| night.csv(&server, "/reports/bulk", body);
    let body = "box,contest,votes.labour,votes.tories,blank,city,channel,reason,withdrawn,revision\n\
                hall-1,nation,5,10,,leeds,,,,\n\
                hall-2,nation,7,,1,,postal,\"by post, late\",,\n\
                hall-9,nation,7,,,,,,,\n\
                hall-1,nation,x,,,,,,,\n\
                hall-1,nation,\"1,,,,,,,,\n\
                \n\
                hall-1,nation,,,,,,counted twice,true,2\n";
    let answer = csv(body).send().await.is(200);
    let expected =
        [(2, "counted"), (3, "counted"), (4, "unknown_box"), (5, "wrong_type"), (6, "invalid_csv"), (8, "withdrawn")];
    assert_eq!(words(&answer), lines(&expected), "{}", answer.text());
    let told = night.get(&server, "/boxes/hall-2").await.is(200).json();
    let header = "box,contest,votes.labour,votes.tories,blank,city,channel,reason,withdrawn,revision";
    let line = "hall-2,nation,7,,1,,postal,\"by post, late\",,";
    assert_eq!(told["reports"][0]["request"], format!("{header}\n{line}"), "a line by itself cannot be read");
    assert_eq!((&told["reports"][0]["votes"], &told["reports"][0]["cast"]), (&json!({ "labour": 7 }), &json!(8)));
    for (body, code) in [
        ("box,vote.labour\nhall-1,1\n", "unknown_column"),
        ("box,box\nhall-1,1\n", "repeated_column"),
        ("contest,votes.labour\n", "missing_column"),
        ("", "missing_header"),
        ("\"box", "invalid_csv"),
    ] {
        csv(body).send().await.refused(422, code);
    }
    // A choice that stands there without `votes.` is known; the columns that there are, are told once.
    let wrong =
        csv("box,contest,Labour,ada,colour\nhall-1,nation,1,2,red\n").send().await.refused(422, "unknown_column");
    let details: Vec<_> =
        wrong.json()["errors"].as_array().expect("errors").iter().map(|one| one["detail"].clone()).collect();
    assert_eq!(details[0], "there is no column `Labour`; did you mean `votes.labour`?");
    assert_eq!(details[1], "there is no column `ada`; did you mean `votes.ada`?");
    let columns = "there is no column `colour`; there are id, box, contest, revision, status, channel, city, blank, invalid, \
                   cast, reported_at, definition, withdrawn, reason, and votes.<choice> for each choice";
    assert_eq!(details[2], columns);
    let twice = csv("box,colour,shape\nhall-1,red,round\n").send().await.refused(422, "unknown_column").json();
    assert_eq!(twice["detail"].as_str().expect("a detail").matches("there are id, box").count(), 1, "{twice}");
    let answer =
        csv("box;contest;revision;votes.labour\r\nhall-1;nation;3;x\r\nhall-1;nation;3;4\r\n").send().await.is(200);
    assert_eq!(words(&answer), lines(&[(2, "wrong_type"), (3, "corrected")]), "{}", answer.text());
    // A header that is long is not kept with each line; but whoever decides about a contradiction can read it.
    let choices: Vec<String> = (0..900).map(|number| format!("votes.nobody-of-the-election-{number}")).collect();
    let wide = |revision: u32, votes: u32| {
        let (names, empty) = (choices.join(","), ",".repeat(choices.len()));
        csv(&format!("box,contest,revision,votes.labour,{names}\nhall-2,nation,{revision},{votes}{empty}\n"))
    };
    assert_eq!(words(&wide(2, 9).send().await.is(200)), lines(&[(2, "corrected")]));
    assert_eq!(words(&wide(2, 10).send().await.is(200)), lines(&[(2, "exists_with_different_votes")]));
    let told = night.get(&server, "/boxes/hall-2").await.is(200).json();
    assert_eq!(told["reports"][1]["request"], format!("hall-2,nation,2,9{}", ",".repeat(choices.len())));
    let waiting = night.get(&server, "/quarantine?waiting=true").await.is(200).json();
    assert_eq!(waiting["cases"][0]["reported"]["votes"], json!({ "labour": 10 }));
    // Line ends of an old spreadsheet, and names in capitals.
    let answer = csv("Box,Contest,Revision,votes.labour\rhall-1,nation,4,x\rhall-1,nation,4,5\r").send().await.is(200);
    assert_eq!(words(&answer), lines(&[(2, "wrong_type"), (3, "corrected")]), "{}", answer.text());
    // A column of a choice that there is not spoils the lines that use it.
    let answer = csv("box,contest,votes.greens\nhall-1,mayor,1\nhall-2,mayor,\n").send().await.is(200);
    assert_eq!(words(&answer), lines(&[(2, "unknown_choice"), (3, "missing_field")]), "no number at all is no report");
    server.finish().await;
}

/// What spreadsheets write above the header is counted, and kept as it was sent.
#[tokio::test]
async fn a_line_above_the_header_says_what_separates_columns() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    let csv = |body: &str| night.csv(&server, "/reports/bulk", body);
    let declared = async |line: &str| {
        let above = "\u{feff}sep=|\r\n\r\nbox|contest|votes.labour";
        words(&csv(&format!("{above}\r\n{line}\r\n")).send().await.is(200))
    };
    assert_eq!(declared("hall-2|nation|x").await, lines(&[(4, "wrong_type")]));
    assert_eq!(declared("hall-2|nation|8").await, lines(&[(4, "counted")]));
    assert_eq!(declared("hall-2|nation|11").await, lines(&[(4, "exists_with_different_votes")]));
    let told = night.get(&server, "/boxes/hall-2").await.is(200).json();
    assert_eq!(told["reports"][0]["request"], "\u{feff}sep=|\nbox|contest|votes.labour\nhall-2|nation|8");
    let waiting = night.get(&server, "/quarantine?waiting=true").await.is(200).json();
    assert_eq!(waiting["cases"][0]["reported"]["votes"], json!({ "labour": 11 }));
    let refused = csv("sep=;\nbox;box;votes.\n").send().await.is(422).json();
    assert_eq!((&refused["errors"][0]["line"], &refused["errors"][1]["line"]), (&json!(2), &json!(2)), "{refused:#}");
    csv("sep=;\n").send().await.refused(422, "missing_header");
    server.finish().await;
}

#[tokio::test]
async fn an_upload_has_limits_and_keeps_what_is_within() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let many = ndjson((0..10_002).map(|number| short(&format!("b-{number}"), "london", number, 1)));
    let answer = upload(&server, &night, many).send().await.is(200);
    let told = words(&answer);
    assert_eq!(told.len(), 10_001);
    assert!(
        told[..10_000]
            .iter()
            .enumerate()
            .all(|(at, (line, word))| (*line, word.as_str()) == (at as u64 + 1, "counted"))
    );
    assert_eq!(told[10_000], (10_001, "too_many_lines".to_owned()));
    night.get(&server, "/boxes/b-9999").await.is(200);
    night.get(&server, "/boxes/b-10000").await.refused(404, "unknown_box");

    let large = " ".repeat(8 * 1024 * 1024 + 1);
    upload(&server, &night, large.clone()).send().await.refused(413, "body_too_large");
    let body =
        format!("{}\n{}\n{}", short("c-1", "leeds", 1, 2), " ".repeat(1024 * 1024 + 1), short("c-2", "leeds", 1, 2));
    let answer = upload(&server, &night, body).send().await.is(200);
    assert_eq!(words(&answer), lines(&[(1, "counted"), (2, "request_too_large"), (3, "counted")]));
    for nothing in ["", "\n \r\n"] {
        upload(&server, &night, nothing).send().await.refused(422, "no_reports");
        upload(&server, &night, nothing).chunked().send().await.refused(422, "no_reports");
        night.csv(&server, "/reports/bulk", nothing).send().await.refused(422, "missing_header");
    }
    for header in ["box,votes.tories", "box;votes.tories\r\n\r\n", "sep=;\nbox;votes.tories\n"] {
        night.csv(&server, "/reports/bulk", header).send().await.refused(422, "no_reports");
    }
    let unknown_length = format!("{}\n{large}", short("c-3", "leeds", 1, 2));
    let answer = upload(&server, &night, unknown_length).chunked().send().await.is(200);
    assert_eq!(words(&answer).first(), Some(&(1, "counted".to_owned())));
    server.finish().await;
}

/// Answers come while the upload still goes on; where it breaks off, what was answered is kept, and half a line is no report.
#[tokio::test]
async fn a_truncated_upload_keeps_what_was_answered() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let csv = "box,city,votes.tories\n";
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {ADMIN}\r\ncontent-type: text/csv\r\ncontent-length: 9999\r\n\r\n",
        night.path("/reports/bulk")
    );
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(format!("{head}{csv}b-1,london,1200\nb-2,london,12").as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let counted = async {
        while !String::from_utf8_lossy(&answer).contains("\"status\":\"counted\"") {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.expect("an answer");
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
        }
    };
    soon("an answer before the end of the upload", counted).await;
    stream.shutdown().await.expect("half closed");
    let closed = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} };
    soon("the end of the connection", closed).await;
    let told = night.get(&server, "/boxes/b-1").await.is(200).json();
    assert_eq!(told["reports"][0]["votes"]["tories"], 1200);
    night.get(&server, "/boxes/b-2").await.refused(404, "unknown_box");
    // Sent again whole, everything is there once.
    let body = format!("{csv}b-1,london,1200\nb-2,london,1234");
    let answer = night.csv(&server, "/reports/bulk", body).send().await.is(200);
    assert_eq!(words(&answer), lines(&[(2, "repeated"), (3, "counted")]));
    server.finish().await;
}

/// A sender that writes all before it reads anything is not waited for, and waits for nobody.
#[tokio::test]
async fn answers_wait_for_a_sender_that_reads_late() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let padding = "x".repeat(600);
    let line =
        |number: u64| with(short(&format!("b-{number}"), "london", number, 1), json!({ "reason": padding[..200] }));
    let body = ndjson((0..10_000).map(line));
    let request = upload(&server, &night, body).bytes(true);
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    soon("all of the upload", stream.write_all(&request)).await.expect("written");
    let mut answer = Vec::new();
    soon("all answers", stream.read_to_end(&mut answer)).await.expect("read");
    let answer = Answer::parse("bulk".to_owned(), &answer);
    assert_eq!(words(&answer).len(), 10_000);
    let receipts: HashSet<_> =
        answer.text().lines().map(|line| line.split("\"id\":").nth(1).map(str::to_owned)).collect();
    assert_eq!(receipts.len(), 10_000);
    server.finish().await;
}

/// The same boxes in four uploads at once, on all nodes: each counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_of_the_same_boxes_at_once_count_once() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let body = ndjson((0..1_000).map(|number| short(&format!("b-{number}"), "london", number, 1)));
    let uploads = (0..4).map(|node| {
        let ask = server.ask_node(node, "POST", &night.path("/reports/bulk")).bearer(ADMIN);
        tokio::spawn(ask.body(body.clone()).send())
    });
    let uploads: Vec<_> = uploads.collect();
    let mut counted = HashSet::new();
    for upload in uploads {
        let told = words(&upload.await.expect("no panic").is(200));
        assert_eq!(told.len(), 1_000);
        for (line, word) in told {
            assert!(["counted", "repeated"].contains(&word.as_str()), "{line}: {word}");
            assert!(word != "counted" || counted.insert(line), "{line} was counted twice");
        }
    }
    assert_eq!(counted.len(), 1_000);
    server.finish().await;
}
