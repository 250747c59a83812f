//! Watching: at once, at most so often, never back, never a duplicate, never at the voters' cost, and to a clean end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{ADMIN, Events, Frame, Poll, Socket, TestServer, soon};

async fn votes(server: &TestServer, poll: &Poll, from: u32, to: u32) {
    for voter in from..to {
        server.vote(poll, &voter.to_string(), json!({ "choices": ["tea"] })).await.is(201);
    }
}

async fn watch(server: &TestServer, poll: &Poll) -> Events {
    Events::open(server.get(&poll.path("/results/stream"))).await
}

/// Reads a stream to its end: all its frames, and the last block.
async fn to_the_end(events: &mut Events) -> (Vec<Frame>, String) {
    let (mut frames, mut last) = (Vec::new(), String::new());
    while let Some(block) = events.block().await {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        if let (Some(version), Some(data)) = (field("id: "), field("data: ")) {
            frames.push(Frame { version, data });
        }
        last = block;
    }
    (frames, last)
}

fn only_forward(frames: &[Frame]) {
    assert!(frames.windows(2).all(|pair| pair[0].place() < pair[1].place()), "{frames:?}");
}

/// With an interval of a minute: the state at once, the first change at once, and nothing for all the others.
#[tokio::test]
async fn the_first_change_is_shown_at_once_and_the_others_wait() {
    let mut server = TestServer::with(&["--frame-interval-ms", "60000"]).await;
    let poll = server.create(json!({})).await;
    let mut events = watch(&server, &poll).await;
    let first = events.next().await.expect("a frame");
    assert_eq!(first.json()["ballots"], 0);
    votes(&server, &poll, 0, 1).await;
    assert_eq!(events.next().await.expect("a frame").json()["ballots"], 1);
    votes(&server, &poll, 1, 50).await;
    // Who asks now is told all of it; who watches has to wait, and is told nothing more before the server ends.
    assert_eq!(watch(&server, &poll).await.next().await.expect("a frame").json()["ballots"], 50);
    let ((frames, last), ()) = tokio::join!(to_the_end(&mut events), server.stop());
    assert_eq!(frames, []);
    assert!(last.starts_with("retry: "), "{last}");
    drop(events);
    server.finish().await;
}

/// However many votes there are, there are no more frames than intervals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_come_at_most_once_an_interval() {
    let server = TestServer::with(&["--frame-interval-ms", "100"]).await;
    let poll = server.create(json!({})).await;
    let mut events = watch(&server, &poll).await;
    let begun = Instant::now();
    let voting = votes(&server, &poll, 0, 300);
    let watching = events.until("all votes", |json| json["ballots"] == 300);
    let (frames, ()) = tokio::join!(watching, voting);
    let intervals = begun.elapsed().as_millis() / 100;
    // One as the stream begins, and one at once for the first change.
    assert!(frames.len() as u128 <= intervals + 2, "{} frames in {intervals} intervals", frames.len());
    only_forward(&frames);
    drop(events);
    server.finish().await;
}

/// What a watcher has seen already, by `Last-Event-ID` or in the address, is not sent again.
#[tokio::test]
async fn a_watcher_that_comes_back_gets_only_what_is_new() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    votes(&server, &poll, 0, 3).await;
    let path = poll.path("/results/stream");
    let asks = |seen: &str| {
        let by_header = server.get(&path).header("last-event-id", seen);
        [by_header, server.get(&format!("{path}?last_event_id={seen}"))]
    };
    let epoch = watch(&server, &poll).await.next().await.expect("a frame").version;
    let epoch = epoch.split_once('.').expect("epoch and place").0;
    for seen in [&format!("{epoch}.1"), &format!("{epoch}.s1"), "0011223344556677.999", "nonsense", ""] {
        for ask in asks(seen) {
            let frame = Events::open(ask).await.next().await.expect("a frame");
            assert_eq!(frame.json()["ballots"], 3, "{seen}");
        }
    }
    for way in 0..2 {
        let seen = watch(&server, &poll).await.next().await.expect("a frame");
        let [by_header, by_address] = asks(&seen.version);
        let mut events = Events::open(if way == 0 { by_header } else { by_address }).await;
        // Something new must come, and it must be the first that comes.
        server.vote(&poll, &format!("way {way}"), json!({ "choices": ["coffee"] })).await.is(201);
        assert_eq!(events.next().await.expect("a frame").place(), seen.place() + 1);
    }
    // A watcher of the time before a restart goes on where it was.
    let seen = server.results(&poll).await["version"].as_str().expect("a version").to_owned();
    server.restart().await;
    let mut events = Events::open(server.get(&poll.path("/results/stream")).header("last-event-id", &seen)).await;
    server.vote(&poll, "late", json!({ "choices": ["tea"] })).await.is(201);
    let frame = events.next().await.expect("a frame");
    assert!(frame.place() > seen.split_once('.').and_then(|(_, place)| place.parse().ok()).unwrap_or(u64::MAX));
    drop(events);
    server.finish().await;
}

/// Two hundred watchers, half of them on sockets, see versions rise and end with the same last frame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_watchers_end_with_the_same_frame() {
    let server = TestServer::with(&["--frame-interval-ms", "20"]).await;
    let poll = server.create(json!({})).await;
    let mut watchers = Vec::new();
    for number in 0..200 {
        if number % 2 == 0 {
            let mut events = watch(&server, &poll).await;
            watchers.push(tokio::spawn(async move {
                let frames = events.until("all votes", |json| json["ballots"] == 200).await;
                only_forward(&frames);
                frames.last().expect("a frame").data.clone()
            }));
        } else {
            let path = poll.path("/results/ws");
            let mut socket = Socket::open(server.address(), &path, &[]).await.expect("a socket");
            watchers.push(tokio::spawn(async move {
                let mut ballots = 0;
                loop {
                    let text = socket.next().await.expect("a frame");
                    let json: Value = serde_json::from_str(&text).expect("JSON");
                    let now = json["ballots"].as_u64().expect("ballots");
                    assert!(now >= ballots, "{ballots}, then {now}");
                    ballots = now;
                    if ballots == 200 {
                        return text;
                    }
                }
            }));
        }
    }
    votes(&server, &poll, 0, 200).await;
    let shown = server.get(&poll.path("/results")).send().await.is(200).text();
    for watcher in watchers {
        assert_eq!(soon("the last frame", watcher).await.expect("no panic"), shown);
    }
    server.finish().await;
}

/// Readers that do not read cost the voters nothing, and find the latest frame instead of a backlog when they do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_slows_nobody() {
    let server = TestServer::with(&["--frame-interval-ms", "10"]).await;
    let titles: Vec<String> = (0..200).map(|number| format!("{number} {}", "日".repeat(190))).collect();
    let poll = server.create(json!({ "choices": titles })).await;
    let code = poll.body.pointer("/contest/choices/0/id").cloned();
    let ask = server.get(&poll.path("/results/stream")).bytes(false);
    let mut stalled = Vec::new();
    for _ in 0..20 {
        // A frame is far larger than what fits into the buffers of such a connection.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut stream = socket.connect(server.address()).await.expect("a connection");
        stream.write_all(&ask).await.expect("written");
        stalled.push(stream);
    }
    let mut reading = watch(&server, &poll).await;
    let count = 100;
    for voter in 0..count {
        server.vote(&poll, &voter.to_string(), json!({ "choices": [code] })).await.is(201);
    }
    let frames = reading.until("all votes", |json| json["ballots"] == count).await;
    only_forward(&frames);
    // The first stalled one wakes up before it is cut off.
    let mut late = stalled.pop().expect("a stream");
    let mut text = Vec::new();
    let end = format!("\"ballots\":{count},");
    soon("the last frame of a stalled reader", async {
        while late.read_buf(&mut text).await.is_ok_and(|read| read > 0) {
            let from = text.len().saturating_sub(200_000);
            if String::from_utf8_lossy(&text[from..]).contains(&end) {
                return;
            }
        }
        panic!("the stream ended before the last frame");
    })
    .await;
    let shown = String::from_utf8_lossy(&text).matches("event: results").count();
    assert!(shown <= 20, "a backlog of {shown} frames");
    drop((stalled, late, reading));
    server.finish().await;
}

/// Proxies and phones give up on what is silent.
#[tokio::test]
async fn a_quiet_stream_is_kept_alive() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let mut events = watch(&server, &poll).await;
    events.next().await.expect("a frame");
    let comment = events.block().await.expect("a comment");
    assert!(comment.starts_with(':'), "{comment}");
    votes(&server, &poll, 0, 1).await;
    assert_eq!(events.next().await.expect("a frame").json()["ballots"], 1);
    drop(events);
    server.finish().await;
}

/// At SIGTERM: streams are told when to come back, sockets are closed, what is under way is finished, and the program
/// ends well.
#[tokio::test]
async fn a_stopping_server_sends_everybody_home() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut events = watch(&server, &poll).await;
        events.next().await.expect("a frame");
        streams.push(events);
    }
    let mut socket = Socket::open(server.address(), &poll.path("/results/ws"), &[]).await.expect("a socket");
    socket.next().await.expect("a frame");
    // A vote of which only the half has arrived.
    let body = json!({ "choices": ["tea"], "voter": "vera late" });
    let ask = server.post(&poll.path("/votes"), &body).bearer(ADMIN).header("expect", "100-continue");
    let bytes = ask.bytes(true);
    let (half, rest) = bytes.split_at(bytes.len() - 10);
    let address = server.address();
    let mut slow = TcpStream::connect(address).await.expect("a connection");
    slow.write_all(half).await.expect("written");
    // The server says that it waits for the rest: the request is under way.
    let mut interim = [0; 25];
    soon("the interim answer", slow.read_exact(&mut interim)).await.expect("read");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    let finishing = async {
        // The server has begun to stop when it takes no more connections.
        soon("the end of the listener", async { while TcpStream::connect(address).await.is_ok() {} }).await;
        slow.write_all(rest).await.expect("written");
        let mut answer = String::new();
        soon("an answer", slow.read_to_string(&mut answer)).await.expect("read");
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let mut waits = std::collections::HashSet::new();
        for events in &mut streams {
            let (frames, last) = to_the_end(events).await;
            only_forward(&frames);
            waits
                .insert(last.strip_prefix("retry: ").and_then(|ms| ms.parse::<u32>().ok()).expect("when to come back"));
        }
        assert!(waits.iter().all(|ms| (1_000..5_000).contains(ms)) && waits.len() > 1, "not all at once: {waits:?}");
        while socket.next().await.is_some() {}
    };
    let ((), ()) = tokio::join!(finishing, server.stop());
    server.start_again().await;
    assert_eq!(server.results(&poll).await["ballots"], 1);
    server.finish().await;
}

/// Readers that do not read hold up a stop no longer than the drain, whichever way they came: not until their own
/// time-out, which is 20 seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_reader_does_not_hold_up_a_stop() {
    let mut server = TestServer::with(&["--frame-interval-ms", "10"]).await;
    let titles: Vec<String> = (0..200).map(|number| format!("{number} {}", "日".repeat(190))).collect();
    let poll = server.create(json!({ "choices": titles })).await;
    let code = poll.body.pointer("/contest/choices/0/id").cloned();
    let upgrade = server.get(&poll.path("/results/ws")).header("connection", "upgrade").header("upgrade", "websocket");
    let upgrade = upgrade.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let mut stalled = Vec::new();
    for ask in [upgrade, server.get(&poll.path("/results/stream"))] {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut stream = socket.connect(server.address()).await.expect("a connection");
        stream.write_all(&ask.bytes(false)).await.expect("written");
        soon("the first bytes", stream.peek(&mut [0])).await.expect("peeked");
        stalled.push(stream);
    }
    for voter in 0..50 {
        server.vote(&poll, &voter.to_string(), json!({ "choices": [code] })).await.is(201);
    }
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(18), "the stop waited for a reader: {:?}", begun.elapsed());
    drop(stalled);
    server.finish().await;
}

/// A connection that became a socket or a stream still counts as one, so that the limit of connections holds; and no longer
/// than it is there.
#[tokio::test]
async fn watchers_count_as_connections() {
    let server = TestServer::with(&["--connections-max", "4"]).await;
    let poll = server.create(json!({})).await;
    for way in ["ws", "stream"] {
        let mut watchers: Vec<Box<dyn std::any::Any>> = Vec::new();
        let mut refused = 0;
        while refused == 0 && watchers.len() < 20 {
            let path = poll.path(&format!("/results/{way}"));
            let opened: Result<Box<dyn std::any::Any>, u16> = match way {
                "ws" => Socket::open(server.address(), &path, &[]).await.map(|socket| Box::new(socket) as _),
                _ => Events::try_open(server.get(&path)).await.map(|events| Box::new(events) as _),
            };
            match opened {
                Ok(watcher) => watchers.push(watcher),
                Err(status) => {
                    assert_eq!(status, 503);
                    refused += 1;
                }
            }
        }
        assert!((2..=4).contains(&watchers.len()), "{} by {way} on 4 connections", watchers.len());
        drop(watchers);
        soon("a free place", async {
            while server.get("/livez").send().await.status != 200 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    server.finish().await;
}

/// Reads an answer by hand, up to and with some words, or to its end.
async fn read_on(stream: &mut TcpStream, words: Option<&str>) -> String {
    let mut text = Vec::new();
    soon("what was asked for", async {
        while words.is_none_or(|words| !String::from_utf8_lossy(&text).contains(words)) {
            if stream.read_buf(&mut text).await.expect("read") == 0 {
                assert_eq!(words, None, "the end came first");
                return;
            }
        }
    })
    .await;
    String::from_utf8(text).expect("text")
}

/// What is in the chunks of a body, which must be whole, with its end, and nothing after it.
fn in_chunks(mut body: &str) -> String {
    let mut text = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").expect("the size of a chunk");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let (chunk, rest) = rest.split_at(size);
        text.push_str(chunk);
        body = rest.strip_prefix("\r\n").expect("the end of a chunk");
        if size == 0 {
            assert_eq!(body, "");
            return text;
        }
    }
}

/// A stream is an answer like others, whoever reads its bytes: on a connection that was used before, in whole chunks, with
/// the end that the protocol wants. Older readers get the same without chunks.
#[tokio::test]
async fn a_stream_is_a_well_formed_answer() {
    for protocol in ["HTTP/1.1", "HTTP/1.0"] {
        let mut server = TestServer::start().await;
        let poll = server.create(json!({})).await;
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        let path = poll.path("/results/stream");
        for (before, answer) in [("GET /livez", "ok"), (&format!("HEAD {path}"), "text/event-stream")] {
            if protocol == "HTTP/1.1" {
                stream.write_all(format!("{before} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.expect("written");
                assert!(read_on(&mut stream, Some(answer)).await.starts_with("HTTP/1.1 200"));
            }
        }
        // What is left of the answer before.
        let ask = format!("GET {path} {protocol}\r\nhost: x\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.expect("written");
        let mut text = read_on(&mut stream, Some("\"ballots\":0")).await;
        votes(&server, &poll, 0, 1).await;
        text += &read_on(&mut stream, Some("\"ballots\":1")).await;
        let (rest, ()) = tokio::join!(read_on(&mut stream, None), server.stop());
        text += &rest;
        let from = text.find(&format!("{protocol} 200")).or(text.find("HTTP/1.")).expect("an answer");
        let (head, body) = text[from..].split_once("\r\n\r\n").expect("a head");
        let is_chunked = head.contains("transfer-encoding: chunked");
        assert_eq!(is_chunked, protocol == "HTTP/1.1", "{head}");
        let events = if is_chunked { in_chunks(body) } else { body.to_owned() };
        let blocks: Vec<&str> = events.split("\n\n").filter(|block| !block.starts_with(':')).collect();
        let kinds: Vec<&str> = blocks.iter().map(|block| block.split(':').next().unwrap_or_default()).collect();
        assert_eq!(kinds, ["retry", "id", "id", "retry", ""], "{events}");
        server.start_again().await;
        server.finish().await;
    }
}

/// Who only listens has nothing to say: a little is thrown away, and whoever goes on talking is cut off.
#[tokio::test]
async fn a_watcher_that_talks_is_cut_off() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(&server.get(&poll.path("/results/stream")).bytes(false)).await.expect("written");
    read_on(&mut stream, Some("\"ballots\":0")).await;
    stream.write_all(&[b'x'; 600]).await.expect("written");
    votes(&server, &poll, 0, 1).await;
    read_on(&mut stream, Some("\"ballots\":1")).await;
    stream.write_all(&[b'x'; 600]).await.expect("written");
    soon("the end", async { while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {} }).await;
    server.finish().await;
}
