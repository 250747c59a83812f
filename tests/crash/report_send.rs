//! `hustings report send`, killed at any instant, to a server that is killed at any instant: every line is counted once,
//! and has its receipt.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hustings::load::Api;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::server::{Program, TOKEN};
use crate::setting;

/// Lines of JSON, more than fit into one request, and lines of a table.
const OBJECTS: u32 = 11_000;
const RECORDS: u32 = 500;
/// How long a sender is let be before something is killed.
const LIFE_MS: std::ops::Range<u64> = 0..1_200;
const FIRST_LIFE_MS: std::ops::Range<u64> = 0..300;
const FINISHES_WITHIN: Duration = Duration::from_secs(120);

#[tokio::test]
async fn no_kill_of_sender_or_server_loses_or_doubles_a_line() {
    let seed = setting::seed("report send");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::real(folder.path(), &folder.path().join("data"));
    let server = program.start().await;
    let program = program.at(server.api.authority().parse().expect("an address"));
    let night = Night::new(folder.path(), &server.api).await;
    let (mut sender, mut running) = (night.sender(), Some(server));
    let (mut senders, mut servers) = (0, 0);
    for round in 0..(setting::kills() / 5).max(6) {
        // The first one comes early and meets both, so that a fast machine makes no run void.
        let life = if round == 0 { FIRST_LIFE_MS } else { LIFE_MS };
        // This waits for nothing; it makes the instant a random one.
        sleep(Duration::from_millis(random.random_range(life))).await;
        if sender.try_wait().expect("a sender").is_some() {
            break;
        }
        let kinds = [(true, true), (true, false), (false, true)];
        let (kills_sender, kills_server) = kinds[if round == 0 { 0 } else { random.random_range(0..3) }];
        if kills_server && let Some(server) = running.take() {
            server.process.kill().await;
            servers += 1;
        }
        if kills_sender {
            sender.kill().await.expect("a sender of ours can be killed");
            senders += u32::from(night.has_something_left());
            sender = night.sender();
        }
        if running.is_none() {
            sleep(Duration::from_millis(random.random_range(0..300))).await;
            running = Some(program.start().await);
        }
    }
    let ended = timeout(FINISHES_WITHIN, sender.wait()).await;
    let ended = ended.expect("the sender ends when all is answered").expect("a child can be waited for");
    // What the last sender was not there to do itself is known; one more has nothing left to say.
    assert!(ended.success(), "seed {seed}: {ended}: {}", night.said());
    println!("{senders} senders were killed at work, {servers} servers beneath them");
    assert!(senders > 0 && servers > 0, "void: no kill met anybody at work; seed {seed}");
    night.check(&running.expect("a server").api).await;
}

/// Two files to be sent, and where they are sent.
struct Night {
    folder: PathBuf,
    url: String,
    election: String,
}

impl Night {
    async fn new(folder: &Path, api: &Api) -> Self {
        let body =
            json!({ "title": "A night", "kind": "election", "choices": ["a", "b"], "cities": ["north"], "open": true });
        let created = api.json("POST", "/api/v1/elections", Some(&body)).await.expect("an election");
        let objects = (0..OBJECTS).map(|number| {
            json!({ "box": format!("j{number}"), "city": "north", "votes": { "a": number, "b": 1 } }).to_string() + "\n"
        });
        std::fs::write(folder.join("night.ndjson"), objects.collect::<String>()).expect("a file");
        let records = (0..RECORDS).map(|number| format!("c{number},north,{number},1\n"));
        let table = "box,city,votes.a,votes.b\n".to_owned() + &records.collect::<String>();
        std::fs::write(folder.join("night.csv"), table).expect("a file");
        let election = created["id"].as_str().expect("an id").to_owned();
        Self { folder: folder.to_owned(), url: format!("http://{}", api.authority()), election }
    }

    fn sender(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("sender.log"));
        let log = log.expect("a log file");
        let mut command = Command::new(setting::server());
        command.args(["report", "send", "night.ndjson", "night.csv", "--spool", "spool"]).current_dir(&self.folder);
        command.args(["--url", &self.url, "--token", TOKEN, "--election", &self.election]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(log)).kill_on_drop(true);
        command.spawn().expect("the program runs")
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("sender.log")).unwrap_or_default()
    }

    /// Whether a file is in the spool, or not all files are done.
    fn has_something_left(&self) -> bool {
        ["night.ndjson", "night.csv"].iter().any(|name| !self.receipts_of(name).exists())
    }

    fn receipts_of(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{}.receipts.ndjson", self.election))
    }

    /// The receipts of a file, by its lines.
    fn receipts(&self, name: &str) -> BTreeMap<u64, String> {
        let text = std::fs::read_to_string(self.receipts_of(name)).expect("receipts");
        let mut receipts = BTreeMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("a receipt");
            let id = line["receipt"]["id"].as_str().unwrap_or_else(|| panic!("no receipt: {line}")).to_owned();
            let number = line["line"].as_u64().expect("a line");
            assert!(receipts.insert(number, id).is_none(), "line {number} of {name} has two receipts");
        }
        receipts
    }

    /// Every line has one receipt, every receipt one entry, every box one report, and the totals are theirs.
    async fn check(&self, api: &Api) {
        let path = format!("/api/v1/elections/{}", self.election);
        let mut receipts: Vec<String> = Vec::new();
        for (name, lines) in [("night.ndjson", 1..=u64::from(OBJECTS)), ("night.csv", 2..=u64::from(RECORDS) + 1)] {
            let of_file = self.receipts(name);
            assert!(of_file.keys().copied().eq(lines), "a receipt for each line of {name}, and no other");
            receipts.extend(of_file.into_values());
        }
        let audit = api.get(&format!("{path}/audit?format=ndjson&kind=first,correction,withdrawal,late")).await;
        let audit = String::from_utf8(audit.expect("the audit")).expect("text");
        let mut entries: Vec<String> = Vec::new();
        for line in audit.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of the audit");
            assert_eq!(line["kind"], "first", "{line}");
            let receipt = &line["receipt"];
            entries.push(receipt.as_str().or(receipt["id"].as_str()).expect("a receipt").to_owned());
        }
        receipts.sort();
        entries.sort();
        assert_eq!(receipts.len(), entries.len(), "one entry a line");
        assert!(receipts == entries, "each entry is that of a receipt");
        let results = api.json("GET", &format!("{path}/results"), None).await.expect("results");
        let sum = |most: u32| u64::from(most) * u64::from(most - 1) / 2;
        assert_eq!(results["choices"][0]["votes"], sum(OBJECTS) + sum(RECORDS));
        assert_eq!(results["choices"][1]["votes"], OBJECTS + RECORDS);
        assert_eq!(results["boxes"]["reported"], OBJECTS + RECORDS);
        let left: Vec<_> = std::fs::read_dir(self.folder.join("spool")).expect("the spool").flatten().collect();
        assert!(left.iter().all(|left| left.file_name() == "lock"), "the spool is empty: {left:?}");
    }
}
