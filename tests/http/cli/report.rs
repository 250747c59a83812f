//! `hustings report send` and the commands that ask about a night: files in both forms, refusals, a watched folder.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::{ADMIN, PATIENCE, TestServer, program, soon};

/// An election of two choices and two cities that takes boxes as they report.
struct Night<'a> {
    server: &'a TestServer,
    code: String,
}

impl<'a> Night<'a> {
    async fn on(server: &'a TestServer) -> Self {
        let body = json!({ "title": "A night", "kind": "election", "choices": ["Tories", "Labour"],
            "cities": ["London", "Leeds"], "open": true });
        let made = server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json();
        Self { server, code: made["code"].as_str().expect("a code").to_owned() }
    }

    /// Writes a file of reports.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.server.folder().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Runs a command about this election.
    async fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        let url = self.server.url();
        let mut all = arguments.to_vec();
        all.extend(["--url", &url, "--token", ADMIN, "--election", &self.code]);
        self.server.command(&all).await
    }

    async fn send(&self, files: &[&str]) -> (bool, Value, String) {
        let spool = self.server.folder().join("spool").display().to_string();
        let mut all = vec!["report", "send", "--json", "--spool", &spool];
        all.extend(files);
        let (well, out, said) = self.run(&all).await;
        (well, serde_json::from_str(&out).unwrap_or(Value::Null), said)
    }

    /// The receipts of a file.
    fn receipts(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(format!("{file}.{}.receipts.ndjson", self.code)).expect("receipts");
        text.lines().map(|line| serde_json::from_str(line).expect("a receipt")).collect()
    }

    async fn votes(&self) -> (Value, Value) {
        let path = format!("/api/v1/elections/{}/results", self.code);
        let results = self.server.get(&path).bearer(ADMIN).send().await.is(200).json();
        (results["choices"][0]["votes"].clone(), results["choices"][1]["votes"].clone())
    }
}

#[tokio::test]
async fn files_in_both_forms_are_counted_once_and_their_receipts_kept() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let objects = "{\"box\":\"b1\",\"city\":\"london\",\"votes\":{\"tories\":3,\"labour\":4}}\n\n\
                   {\"box\":\"b2\",\"city\":\"leeds\",\"votes\":{\"tories\":1}}\n";
    let objects = night.file("a.ndjson", objects);
    let table = night.file("b.csv", "sep=|\r\nbox|city|votes.tories|votes.labour\r\nb3|leeds|10|20\r\n");
    let (well, sent, said) = night.send(&[&objects, &table]).await;
    assert!(well, "{said}");
    assert_eq!((&sent["accepted"]["counted"], &sent["refused"]), (&json!(3), &json!(0)));
    let lines: Vec<_> = night.receipts(&objects).iter().map(|receipt| receipt["line"].clone()).collect();
    assert_eq!(lines, [1, 3]);
    let first = night.receipts(&table)[0]["receipt"]["id"].clone();
    // The same files again are known, with the same receipts.
    let (well, sent, said) = night.send(&[&objects, &table]).await;
    assert!(well && sent["accepted"]["repeated"] == 3, "{sent} {said}");
    assert_eq!(night.receipts(&table)[0]["receipt"]["id"], first);
    assert_eq!(night.votes().await, (json!(14), json!(24)));
    server.finish().await;
}

#[tokio::test]
async fn a_refused_line_is_named_and_stops_no_other() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let file = night.file("a.csv", "box,city,votes.tories\nb1,london,1\nb2,atlantis,2\nb3,leeds,-1\nb4,leeds,4\n");
    let (well, sent, said) = night.send(&[&file]).await;
    assert!(!well && sent["refused"] == 2 && sent["accepted"]["counted"] == 2, "{sent} {said}");
    for line in [format!("{file}, line 3: unknown_"), format!("{file}, line 4: ")] {
        assert!(said.contains(&line), "{line} in {said}");
    }
    let codes: Vec<_> = night.receipts(&file).iter().map(|receipt| receipt["code"].is_string()).collect();
    assert_eq!(codes, [false, true, true, false]);
    // What contradicts is refused too, and the first report stays.
    let other = night.file("c.csv", "box,city,votes.tories\nb1,london,100\n");
    let (well, _, said) = night.send(&[&other]).await;
    assert!(!well && said.contains("line 2: exists_with_different_votes"), "{said}");
    assert_eq!(night.votes().await, (json!(5), json!(0)));
    server.finish().await;
}

#[tokio::test]
async fn a_file_is_sent_whole_in_any_form_or_not_at_all() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let list =
        night.file("list.json", "[{\"box\":\"b1\",\"city\":\"london\",\"votes\":{\"tories\":1}},\n{\"box\":\"b1\"}]");
    let (well, sent, said) = night.send(&[&list]).await;
    assert!(!well && sent["accepted"]["counted"] == 1 && sent["refused"] == 1, "{sent} {said}");
    assert!(said.contains("list.json, report 2: missing_field"), "{said}");
    let mac = night.file("mac.csv", "box,city,votes.tories\rb2,leeds,10\rb3,leeds,100\r");
    let (well, sent, said) = night.send(&[&mac]).await;
    assert!(well && sent["accepted"]["counted"] == 2, "{sent} {said}");
    assert_eq!(night.votes().await.0, json!(111));
    // What has no report in it is named, and holds up no other file.
    let header = night.file("header.csv", "box,city,votes.tories\n");
    let latin = night.file("latin.csv", "");
    std::fs::write(&latin, b"box,city,votes.tories\nb4,leeds,1\nb\xe9,leeds,1\n").expect("a file");
    let good = night.file("good.csv", "box,city,votes.tories\nb5,leeds,1000\n");
    let (well, sent, said) = night.send(&[&header, &latin, &good]).await;
    assert!(!well && sent["accepted"] == json!({ "counted": 1 }), "{sent} {said}");
    assert_eq!(sent["not_sent"], json!([header, latin]));
    assert!(said.contains("header.csv: there is no report in it"), "{said}");
    assert!(said.contains("latin.csv, line 3: this is not UTF-8: save the file as UTF-8"), "{said}");
    assert_eq!(night.votes().await.0, json!(1111));
    server.finish().await;
}

#[tokio::test]
async fn a_wrong_token_stops_the_sender_and_the_spool_keeps_the_file() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let file = night.file("a.csv", "box,city,votes.tories\nb1,london,1\n");
    let spool = server.folder().join("spool").display().to_string();
    let url = server.url();
    let wrong = ["report", "send", &file, "--spool", &spool, "--url", &url, "--election", &night.code, "--token", "no"];
    let (well, _, said) = server.command(&wrong).await;
    assert!(!well && said.contains("401") && said.contains("The spool keeps"), "{said}");
    std::fs::remove_file(&file).expect("the file is ours");
    let (well, sent, said) = night.send(&[]).await;
    assert!(well && sent["accepted"]["counted"] == 1, "{sent} {said}");
    let (well, sent, said) = night.send(&[]).await;
    assert!(well && sent["accepted"] == json!({}), "{sent} {said}");
    let other = Night::on(&server).await;
    let file = other.file("b.csv", "box,city,votes.tories\nb1,london,1\n");
    let wrong = ["report", "send", &file, "--spool", &spool, "--url", &url, "--election", &night.code, "--token", "no"];
    assert!(!server.command(&wrong).await.0);
    // What waits for another election is named, and stops nothing, the same file least of all.
    let (well, sent, said) = other.send(&[&file]).await;
    assert!(well && sent["accepted"]["counted"] == 1 && sent["refused"] == 0, "{sent} {said}");
    let hint = format!("hustings report forget --election {} --spool {spool}", night.code);
    assert!(said.contains("b.csv waits in the spool for the election") && said.contains(&hint), "{said}");
    assert_eq!((night.votes().await.0, other.votes().await.0), (json!(1), json!(1)));
    server.finish().await;
}

/// A server that gives everybody the same answer, as a proxy does that leads elsewhere.
async fn proxy(answer: &'static str) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut asked = Vec::new();
            // The reports are short, and end with a line.
            while !asked.ends_with(b"}\n") && stream.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {}
            stream.write_all(answer.as_bytes()).await.expect("written");
        }
    });
    (url, serving)
}

/// What does not come from Hustings is no receipt: the file stays in the spool, and is counted once the way is right.
#[tokio::test]
async fn the_answer_of_a_proxy_is_no_receipt() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let spool = server.folder().join("spool").display().to_string();
    for (number, answer) in [
        "HTTP/1.1 301 Moved Permanently\r\nlocation: https://votes.example/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n<html>plain HTTP to an HTTPS port</html>",
        "HTTP/1.1 413 Too Large\r\ncontent-length: 15\r\n\r\n<html>no</html>",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let report = format!("{{\"box\":\"b{number}\",\"city\":\"london\",\"votes\":{{\"tories\":1}}}}\n");
        let file = night.file(&format!("{number}.ndjson"), &report);
        let (url, serving) = proxy(answer).await;
        let sent = ["report", "send", &file, "--spool", &spool, "--url", &url, "--election", &night.code];
        let (well, out, said) = server.command(&[&sent[..], &["--token", ADMIN]].concat()).await;
        serving.abort();
        assert!(!well && said.contains("no answer of Hustings") && said.contains("The spool keeps"), "{out} {said}");
        let (well, sent, said) = night.send(&[]).await;
        assert!(well && sent["accepted"] == json!({ "counted": 1 }), "{answer}: {sent} {said}");
        assert_eq!(night.receipts(&file)[0]["status"], "counted");
    }
    // The receipts, which `*.ndjson` names too, are not sent.
    let receipts = night.file(&format!("0.ndjson.{}.receipts.ndjson", night.code), "{}\n");
    let (well, sent, said) = night.send(&[&receipts]).await;
    assert!(well && sent["accepted"] == json!({}) && said.contains("it is passed over"), "{sent} {said}");
    assert_eq!(night.votes().await.0, json!(4));
    server.finish().await;
}

#[tokio::test]
async fn a_wrong_election_says_what_to_do_and_is_forgotten() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let file = night.file("a.csv", "box,city,votes.tories\nb1,london,1\n");
    let (spool, url) = (server.folder().join("spool").display().to_string(), server.url());
    let wrong = ["report", "send", &file, "--spool", &spool, "--url", &url, "--election", "ZZZZZZ", "--token", ADMIN];
    let (well, _, said) = server.command(&wrong).await;
    let hint = format!("hustings report forget --election ZZZZZZ --spool {spool}");
    assert!(!well && said.contains("404 unknown_election") && said.contains(&hint), "{said}");
    let forget = ["report", "forget", "--spool", &spool, "--election", "ZZZZZZ"];
    let (well, out, said) = server.command(&forget).await;
    assert!(well && out.contains("a.csv: out of the spool, with 1 line that has no answer"), "{out} {said}");
    assert!(!server.command(&forget).await.0, "there is nothing more to forget");
    let (well, sent, said) = night.send(&[&file]).await;
    assert!(well && sent["accepted"]["counted"] == 1, "{sent} {said}");
    assert_eq!(night.votes().await.0, json!(1));
    server.finish().await;
}

#[tokio::test]
async fn a_watched_folder_is_emptied_as_files_are_finished() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let waiting = night.file("inbox/a.csv.part", "box,city,votes.tories\nb1,london,1\n");
    night.file("inbox/b.csv", "box,city,votes.tories\nb2,leeds,2\n");
    night.file("inbox/0.csv", "box,city,votes.tories\n");
    let inbox = server.folder().join("inbox");
    let mut command = Command::new(program());
    command.args(["report", "send", "--token", ADMIN, "--election", &night.code, "--url", &server.url()]);
    command.arg("--watch").arg(&inbox).arg("--spool").arg(server.folder().join("spool"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut sender = command.spawn().expect("the program runs");
    let mut told = BufReader::new(sender.stdout.take().expect("its output")).lines();
    appears(inbox.join("done/b.csv")).await;
    assert!(inbox.join("a.csv.part").exists(), "a file that is not finished stays");
    assert!(inbox.join("0.csv").exists(), "a file without reports stays");
    std::fs::rename(&waiting, inbox.join("a.csv")).expect("the file is ours");
    appears(inbox.join("done/a.csv")).await;
    for name in ["b.csv", "a.csv"] {
        let line = soon("a line", told.next_line()).await.expect("its output").expect("a line for each file");
        assert_eq!(line, format!("{}: 1 counted", inbox.join(name).display()));
    }
    sender.kill().await.expect("a sender of ours can be killed");
    assert_eq!(night.receipts(&inbox.join("done/a.csv").display().to_string())[0]["status"], "counted");
    assert_eq!(night.votes().await, (json!(3), json!(0)));
    server.finish().await;
}

async fn appears(path: PathBuf) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(tokio::time::Instant::now() < until, "{} does not appear", path.display());
        soon("a moment", tokio::time::sleep(std::time::Duration::from_millis(20))).await;
    }
}

#[tokio::test]
async fn a_night_is_asked_about_from_a_terminal() {
    let server = TestServer::start().await;
    let night = Night::on(&server).await;
    let table = "box,city,revision,votes.tories,votes.labour\nb1,london,1,3,4\nb2,leeds,1,10,1\nb1,london,2,5,4\n";
    let file = night.file("a.csv", table);
    let (well, sent, said) = night.send(&[&file]).await;
    assert!(well && sent["accepted"] == json!({ "corrected": 1, "counted": 2 }), "{sent} {said}");
    for (arguments, parts) in [
        (&["results", "--by", "unit"][..], &["A night", "2 boxes so far", "Tories", "london", "labour 4"][..]),
        (&["results", "--unit", "leeds", "--choice", "tories"], &["10\n"]),
        (&["results", "--json"], &["\"votes\":15"]),
        (&["history"], &["in all", "new votes", "London", "tories +5"]),
        (&["history", "--by", "box", "--json"], &["\"newly_reported\""]),
        (&["audit"], &["correction", "b1", "tories +2", "+00:00", "unit_added", "2 units"]),
        (&["results", "--by", "channel"], &["in_person: 20 votes from 2 boxes\n    tories 15  labour 5\n"]),
        (&["results", "--as-of", "2001-01-01T00:00"], &[", before the first entry\n"]),
        (&["audit", "--kind", "correction", "--json"], &["\"revision\":2"]),
        (&["report", "receipt", "b1"], &["revision 2"]),
    ] {
        let (well, out, said) = night.run(arguments).await;
        assert!(well, "{arguments:?}: {said}");
        for part in parts {
            assert!(out.contains(part), "{part} in the output of {arguments:?}:\n{out}");
        }
    }
    let (well, _, said) = night.run(&["results", "--unit", "atlantis"]).await;
    assert!(!well && said.contains("unknown_unit"), "{said}");
    let (well, out, said) = server.command(&["recount", "--by-unit"]).await;
    assert!(well && out.contains("  london, main: 9 ballots in 1 box; labour 4  tories 5\n"), "{out} {said}");
    assert!(out.contains("contest main (open): 20 ballots in 2 boxes"), "{out}");
    let (well, out, said) = server.command(&["export", "totals", "--election", &night.code, "--format", "csv"]).await;
    let table = "contest,status,boxes,cast,blank,invalid,choice,title,votes\n\
                 main,open,2,20,0,0,tories,Tories,15\nmain,open,2,20,0,0,labour,Labour,5\n";
    assert!(well && out == table, "{out} {said}");
    let (well, _, said) = server.command(&["export", "ballots", "--election", &night.code]).await;
    assert!(!well && said.contains("an election of boxes has no ballots"), "{said}");
    let (well, out, said) = server.command(&["recount", "--json", "--by-unit"]).await;
    let recounted: Value = serde_json::from_str(&out).expect("JSON");
    assert!(well, "{said}");
    assert_eq!(recounted["elections"][0]["units"]["london"]["main"]["votes"], json!({ "tories": 5, "labour": 4 }));
    assert_eq!(recounted["elections"][0]["contests"][0]["choices"][0]["votes"], 15);
    server.finish().await;
}

#[tokio::test]
async fn hours_are_told_in_the_zone_and_a_rehearsal_is_marked() {
    let server = TestServer::start().await;
    let body = json!({ "title": "A night", "kind": "election", "choices": ["Tories", "Labour"], "zone": "Asia/Kolkata",
        "cities": ["London"], "open": true, "rehearsal": true });
    let made = server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json();
    let night = Night { server: &server, code: made["code"].as_str().expect("a code").to_owned() };
    let file = night.file("a.csv", "box,city,votes.tories\nb1,london,3\n");
    assert!(night.send(&[&file]).await.0);
    for command in [&["results"][..], &["history", "--interval", "1h"], &["audit"]] {
        let (well, out, said) = night.run(command).await;
        assert!(well && out.contains("+05:30") && !out.contains("Z "), "{command:?}: {out} {said}");
        assert!(out.contains("rehearsal"), "{command:?}: {out}");
        // What is told can be asked for again.
        let time = out.split_whitespace().find(|word| word.ends_with("+05:30")).expect("a time");
        let (well, out, said) = night.run(&["history", "--from", time]).await;
        assert!(well && out.contains(time), "{out} {said}");
        let (well, out, _) = night.run(&[command, &["--json"]].concat()).await;
        assert!(well && !out.contains("+05:30"), "JSON stays as it is: {out}");
    }
    let (well, out, said) = server.command(&["recount"]).await;
    assert!(well && out.contains("  rehearsal: nothing here is real\n"), "{out} {said}");
    server.finish().await;
}
