//! A server for the tests of the load generator: the contract in memory, honest or with one chosen fault.
//!
//! It must not know: durability, and how fast or correct the real server is.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The one thing a stub does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The 10th vote is acknowledged and not entered.
    Lose,
    /// The 10th vote is entered twice.
    Double,
    /// After the 10th vote, one that nobody sent is entered.
    Invent,
    /// The 10th vote is entered for another choice.
    Alter,
    /// The 10th receipt names another place.
    Misplace,
    /// The place after the 10th vote is skipped.
    Skip,
    /// The counters have one vote too many for the first choice.
    Counters,
    /// The counters stay at the version before the last.
    LateCounters,
    /// Frames have one vote too many.
    Frame,
    /// Frames stay at the version before the last.
    LateFrame,
    /// Repeats get a new receipt.
    NewReceipt,
    /// Second votes are counted.
    SecondVotes,
    /// Every 7th vote is decided, and the connection closed without an answer.
    LoseAnswers,
    /// Every 7th request is told to come back.
    Busy,
    /// Never answers a vote, though it decides it.
    Silent,
}

pub(super) struct Stub {
    pub(super) url: String,
    /// Dropped with the stub, which ends all its tasks.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    choices: Vec<String>,
    entries: Vec<(u64, String, Option<String>, usize)>,
    head: u64,
    voters: HashMap<String, (String, usize, u64)>,
    votes: Vec<u64>,
    requests: u64,
    receipts: u64,
}

enum Reply {
    Json(u16, String),
    Busy,
    Close,
    Silence,
    Stream(String),
}

impl Stub {
    pub(super) async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                connections.spawn(async move { serve(stream, fault, &state).await.unwrap_or_default() });
            }
        });
        Self { url, _tasks: tasks }
    }
}

async fn serve(mut stream: TcpStream, fault: Fault, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    let mut answer = Vec::new();
    loop {
        buffer.clear();
        let (path, body) = loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            if let Some(request) = parse(&buffer) {
                break request;
            }
        };
        let reply = respond(&path, &buffer[body..], fault, &mut state.lock().unwrap());
        answer.clear();
        match reply {
            Reply::Json(status, body) => {
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
                answer.extend_from_slice(head.as_bytes());
                answer.extend_from_slice(body.as_bytes());
            }
            Reply::Busy => {
                answer.extend_from_slice(b"HTTP/1.1 503 X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
            }
            Reply::Close => return Ok(()),
            Reply::Silence => std::future::pending().await,
            Reply::Stream(event) => {
                let head = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                for piece in [": hello\n\n".as_bytes(), &event.as_bytes()[..9], &event.as_bytes()[9..]] {
                    stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                    stream.write_all(piece).await?;
                    stream.write_all(b"\r\n").await?;
                }
                std::future::pending::<()>().await;
            }
        }
        stream.write_all(&answer).await?;
    }
}

/// Method and path, and where the body begins, once the whole request is there.
fn parse(bytes: &[u8]) -> Option<(String, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(body) = request.parse(bytes).unwrap() else { return None };
    let length = request.headers.iter().find(|header| header.name == "Content-Length").unwrap();
    let length: usize = std::str::from_utf8(length.value).unwrap().parse().unwrap();
    (bytes.len() >= body + length).then(|| (format!("{} {}", request.method.unwrap(), request.path.unwrap()), body))
}

fn respond(request: &str, body: &[u8], fault: Fault, state: &mut State) -> Reply {
    state.requests += 1;
    if request == "POST /bench/noop" {
        return Reply::Json(200, json!({ "status": "noop" }).to_string());
    }
    if request == "POST /api/v1/polls" {
        return Reply::Json(201, state.create(&serde_json::from_slice(body).unwrap()).to_string());
    }
    let Some(tail) = request.split_once("/api/v1/polls/p1/").map(|(_, tail)| tail) else {
        return Reply::Json(404, json!({ "code": "not_found", "detail": "there is nothing here" }).to_string());
    };
    match tail.split_once('?').unwrap_or((tail, "")) {
        ("votes", _) => {
            if fault == Fault::Busy && state.requests.is_multiple_of(7) {
                return Reply::Busy;
            }
            let (status, answer) = state.vote(&serde_json::from_slice(body).unwrap(), fault);
            match fault {
                Fault::LoseAnswers if state.requests.is_multiple_of(7) => Reply::Close,
                Fault::Silent => Reply::Silence,
                _ => Reply::Json(status, answer.to_string()),
            }
        }
        ("entries", query) => Reply::Json(200, state.page(query)),
        ("results", _) => Reply::Json(200, state.results(fault, Fault::Counters, Fault::LateCounters).to_string()),
        ("results/stream", _) => {
            let results = state.results(fault, Fault::Frame, Fault::LateFrame);
            let version = results["version"].as_str().unwrap();
            Reply::Stream(format!("id: {version}\nevent: results\ndata: {results}\n\n"))
        }
        ("close", _) => Reply::Json(200, "{}".to_owned()),
        _ => Reply::Json(404, json!({ "code": "not_found" }).to_string()),
    }
}

impl State {
    fn create(&mut self, poll: &Value) -> Value {
        let titles = poll["choices"].as_array().unwrap().iter().map(|title| title.as_str().unwrap());
        self.choices = titles.map(str::to_lowercase).collect();
        self.votes = vec![0; self.choices.len()];
        self.head = 1;
        let choices: Vec<_> =
            self.choices.iter().map(|code| json!({ "id": code, "code": code, "title": code })).collect();
        json!({ "id": "p1", "code": "ABC234", "status": "open", "contest": { "id": "c1", "choices": choices } })
    }

    fn vote(&mut self, vote: &Value, fault: Fault) -> (u16, Value) {
        let (voter, id) = (vote["voter"].as_str().unwrap(), vote["id"].as_str().unwrap());
        let choice = self.choices.iter().position(|code| vote["choices"][0] == *code).unwrap();
        let receipt = |seq: u64, extra: u64| json!({ "id": format!("receipt-{extra}{seq}"), "time": "t", "seq": seq });
        if let Some((first, _, seq)) = self.voters.get(voter) {
            let (same, seq) = (first == id, *seq);
            if same {
                self.receipts += u64::from(fault == Fault::NewReceipt);
                return (200, json!({ "status": "repeated", "receipt": receipt(seq, self.receipts) }));
            }
            if fault != Fault::SecondVotes {
                return (409, json!({ "status": 409, "code": "already_voted", "receipt": receipt(seq, 0) }));
            }
        }
        self.head += 1;
        let seq = self.head;
        self.voters.insert(voter.to_owned(), (id.to_owned(), choice, seq));
        let tenth = self.voters.len() == 10;
        let other = (choice + 1) % self.choices.len();
        match fault {
            Fault::Lose if tenth => self.head -= 1,
            Fault::Alter if tenth => self.enter(voter, Some(id), other),
            _ => self.enter(voter, Some(id), choice),
        }
        if tenth && matches!(fault, Fault::Double | Fault::Invent) {
            self.head += 1;
            let (voter, id) = if fault == Fault::Double { (voter, Some(id)) } else { ("stranger", None) };
            self.enter(voter, id, choice);
        }
        self.head += u64::from(tenth && fault == Fault::Skip);
        let told = seq + u64::from(tenth && fault == Fault::Misplace) * 1000;
        let name = if tenth && fault == Fault::Lose { "receipt-lost".to_owned() } else { format!("receipt-0{seq}") };
        (201, json!({ "status": "counted", "receipt": { "id": name, "time": "t", "seq": told } }))
    }

    fn enter(&mut self, voter: &str, id: Option<&str>, choice: usize) {
        self.votes[choice] += 1;
        self.entries.push((self.head, voter.to_owned(), id.map(str::to_owned), choice));
    }

    fn page(&self, query: &str) -> String {
        let number = |key: &str| -> u64 {
            query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')?.parse().ok()).unwrap()
        };
        let mut page = String::new();
        if number("after") == 0 {
            page.push_str("{\"seq\":1,\"time\":\"t\",\"kind\":\"contest_opened\",\"contest\":0}\n");
        }
        let after = self.entries.iter().filter(|entry| entry.0 > number("after"));
        for (seq, voter, id, choice) in after.take(usize::try_from(number("limit")).unwrap() - page.lines().count()) {
            let hex = voter.bytes().fold(0_u128, |hash, byte| hash * 257 + u128::from(byte));
            let code = &self.choices[*choice];
            let line = json!({ "seq": seq, "time": "t", "kind": "ballot_cast", "contest": 0, "voter": format!("{hex:032x}"),
                "id": id, "choices": [code], "replaces": null, "bytes": "00" });
            writeln!(page, "{line}").unwrap();
        }
        page
    }

    fn results(&self, fault: Fault, wrong: Fault, late: Fault) -> Value {
        let seq = self.head - u64::from(fault == late);
        let choices: Vec<_> = (self.choices.iter().zip(&self.votes).enumerate())
            .map(|(number, (code, votes))| {
                let votes = votes + u64::from(fault == wrong && number == 0);
                json!({ "id": code, "code": code, "title": code, "votes": votes })
            })
            .collect();
        let ballots: u64 = self.votes.iter().sum();
        json!({ "status": "open", "version": format!("00aa.{seq}"), "ballots": ballots, "choices": choices })
    }
}
