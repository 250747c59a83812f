//! What is no proper HTTP, what comes too slowly, and methods and addresses that are not there.

use std::net::SocketAddr;
use std::time::Duration;

use hustings::http::{ServerLimits, serve};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{ADMIN, TestServer, raw, soon};

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    for (method, path, allow) in [
        ("GET", poll.path("/votes"), "POST"),
        ("PUT", poll.path("/votes"), "POST"),
        ("POST", poll.path(""), "DELETE,GET,HEAD,PUT"),
        ("PATCH", "/api/v1/polls".to_owned(), "GET,HEAD,POST"),
        ("POST", poll.path("/results"), "GET,HEAD"),
        ("POST", "/livez".to_owned(), "GET,HEAD"),
        ("GET", "/api/v1/tokens/1".to_owned(), "DELETE"),
        ("OPTIONS", poll.path("/votes"), "POST"),
        ("BREW", poll.path("/results"), "GET,HEAD"),
        ("POST", format!("/{}/results", poll.code), "GET,HEAD"),
    ] {
        let answer = server.ask(method, &path).bearer(ADMIN).send().await.refused(405, "method_not_allowed");
        let mut methods: Vec<&str> = answer.header("allow").expect("Allow").split(',').map(str::trim).collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), allow, "{method} {path}");
    }
    server.finish().await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    for path in ["/livez", "/metrics", "/", "/api", "/api/openapi.json", &poll.path("/results"), &poll.path("")] {
        let (get, head) = (server.get(path).send().await, server.ask("HEAD", path).send().await);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "etag", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    let stream = server.ask("HEAD", &poll.path("/results/stream")).send().await;
    assert_eq!((stream.status, stream.body.len()), (200, 0));
    server.finish().await;
}

/// Bytes, and the status of the answer; none where the server may simply hang up.
#[tokio::test]
async fn broken_requests_get_an_answer_or_none_and_harm_nobody() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let votes = poll.path("/votes");
    let long = "x".repeat(20_000);
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let auth = format!("authorization: Bearer {ADMIN}\r\n");
    for (bytes, expected) in [
        ("\r\n\r\n".to_owned(), None),
        ("hello\r\n\r\n".to_owned(), Some(400)),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), Some(400)),
        ("GET  / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), Some(400)),
        ("GET /\u{0} HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), Some(400)),
        ("GET / HTTP/1.1\r\nhost x\r\n\r\n".to_owned(), Some(400)),
        (format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), Some(431)),
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), Some(431)),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n"), Some(431)),
        (format!("POST {votes} HTTP/1.1\r\n{auth}content-length: x\r\n\r\n"), Some(400)),
        (format!("POST {votes} HTTP/1.1\r\n{auth}content-length: -1\r\n\r\n"), Some(400)),
        (format!("POST {votes} HTTP/1.1\r\n{auth}content-length: 1\r\ncontent-length: 2\r\n\r\n{{}}"), Some(400)),
        (
            format!("POST {votes} HTTP/1.1\r\n{auth}connection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
            Some(422),
        ),
        (format!("POST {votes} HTTP/1.1\r\n{auth}transfer-encoding: gzip\r\n\r\n"), Some(400)),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), None),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}".to_owned() + &long, None),
    ] {
        let answer = match expected {
            Some(_) => soon("an answer", raw(server.address(), bytes.as_bytes())).await,
            None => soon("an end", abandoned(server.address(), bytes.as_bytes())).await,
        };
        let shown: String = bytes.chars().take(60).collect();
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        assert!(status.is_none_or(|status| status < 500), "{shown:?}: {status:?}");
        if expected.is_some() {
            assert_eq!(status, expected, "{shown:?}: {}", String::from_utf8_lossy(&answer));
        }
        server.get("/livez").send().await.is(200);
    }
    server.finish().await;
}

/// Sends bytes, says that nothing more will come, and reads what there is.
async fn abandoned(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let mut answer = Vec::new();
    // The server may have hung up at any of these moments.
    if stream.write_all(bytes).await.is_ok() && stream.shutdown().await.is_ok() {
        let _reset = stream.read_to_end(&mut answer).await;
    }
    answer
}

/// Addresses that are no text, or are text of the wrong kind: 404 for what is not there, in the form of every refusal.
/// A field behind a `?` is never passed over where something is done: an `id` there would be taken for heard.
#[tokio::test]
async fn what_is_done_takes_no_query() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "access": "codes" })).await;
    let calls = [
        ("POST", "/api/v1/polls".to_owned(), json!({ "title": "Tea?", "choices": ["Tea", "Coffee"] })),
        ("POST", "/polls/".to_owned(), json!({ "title": "Tea?", "choices": ["Tea", "Coffee"] })),
        ("POST", "/votes/".to_owned(), json!({ "poll": poll.code, "choice": "tea", "voter": "vera" })),
        ("POST", "/api/v1/tokens".to_owned(), json!({ "name": "desk", "scopes": ["vote"] })),
        ("DELETE", "/api/v1/tokens/1".to_owned(), json!({})),
        ("PUT", poll.path(""), json!({ "title": "Tea?", "choices": ["Tea", "Coffee"] })),
        ("POST", poll.path("/title"), json!({ "title": "Tea", "reason": "short" })),
        ("POST", poll.path("/clone"), json!({})),
        ("POST", poll.path("/rehearse"), json!({})),
        ("POST", poll.path("/links"), json!({})),
        ("POST", poll.path("/codes"), json!({ "count": 3 })),
        ("POST", poll.path("/codes/1/replace"), json!({})),
        ("DELETE", poll.path("/codes/1"), json!({})),
        ("POST", poll.path("/votes"), json!({ "choices": ["tea"] })),
        ("POST", poll.path("/close"), json!({})),
        ("POST", poll.path("/rounds"), json!({})),
        ("DELETE", poll.path(""), json!({ "title": poll.body["title"] })),
    ];
    for (method, path, body) in calls {
        let ask = server.ask(method, &format!("{path}?id=018f6a52-7b1e-4c3a-9d41-6f0e2b8a1c77"));
        let answer = ask.bearer(ADMIN).json(&body).send().await;
        assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid_query")), "{method} {path}");
    }
    let shown = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(shown["made"], 0);
    server.finish().await;
}

#[tokio::test]
async fn strange_addresses_are_not_found() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let id = &poll.id;
    for name in ["%ff", "%c3%28", "%00", "%2e%2e", "%F0%9F%97%B3", "%", "%zz", "..", &"x".repeat(4000)] {
        for path in [
            format!("/api/v1/polls/{name}"),
            format!("/api/v1/polls/{name}/results"),
            format!("/api/v1/polls/{name}/results/stream"),
            format!("/api/v1/receipts/{name}"),
            format!("/polls/{name}/results/"),
        ] {
            let answer = server.get(&path).send().await.is(404);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}: {}", answer.text());
        }
        for path in [format!("/{name}"), format!("/{name}/results"), format!("/{name}/screen")] {
            let answer = server.get(&path).send().await.is(404);
            assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{path}");
        }
    }
    for path in [format!("/api/v1/polls/{id}/"), format!("/api/v1/polls//{id}"), format!("//api/v1/polls/{id}")] {
        server.get(&path).send().await.is(404);
    }
    for query in ["?x=1", "?round=x", "?round=-1", "?round=1&round=2", "?%ff", "?round=%ff"] {
        server.get(&poll.path(&format!("/results{query}"))).send().await.refused(422, "invalid_query");
    }
    server.finish().await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_told_so() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN}\r\ncontent-length: 100\r\n\r\n{{",
        poll.path("/votes")
    );
    let slow = raw(server.address(), head.as_bytes());
    let answer = String::from_utf8_lossy(&soon("an answer", slow).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("slow_body"), "{answer}");
    // One that breaks off gets no answer, and leaves nothing behind.
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("written");
    drop(stream);
    assert_eq!(server.results(&poll).await["ballots"], 0);
    server.finish().await;
}

/// The accept loop itself, with short limits: a slow head, an idle connection and a reader that does not read all end.
#[tokio::test]
async fn no_connection_holds_its_place_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let endless = || {
        let chunk = axum::body::Bytes::from(vec![b'x'; 64 << 10]);
        let chunks = futures_util::stream::repeat(Ok::<_, std::convert::Infallible>(chunk));
        axum::body::Body::from_stream(chunks)
    };
    let router = axum::Router::new()
        .route("/", axum::routing::get(async || "here"))
        .route("/endless", axum::routing::get(async move || endless()));
    let short = Duration::from_millis(200);
    let limits = ServerLimits { head_timeout: short, write_timeout: short, drain_timeout: short, connections_max: 8 };
    let (stop, stopping) = watch::channel(false);
    let server = tokio::spawn(serve(listener, router, limits, stopping));
    for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let end = soon("the end of a slow connection", raw(address, sent.as_bytes())).await;
        let whole = sent.ends_with("\r\n\r\n");
        assert_eq!(String::from_utf8_lossy(&end).ends_with("here"), whole, "{sent:?}");
    }
    let mut stalled = TcpStream::connect(address).await.expect("a connection");
    stalled.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
    soon("the first bytes", stalled.peek(&mut [0])).await.expect("peeked");
    // It does not read until it was cut off: the accept loop lets go of all places then.
    stop.send_replace(true);
    soon("the end of the drain", server).await.expect("no panic");
    let mut rest = Vec::new();
    let _cut = soon("the end of the stream", stalled.read_to_end(&mut rest)).await;
    assert!(rest.starts_with(b"HTTP/1.1 200"));
}

/// One connection too many is told so in a whole answer.
#[tokio::test]
async fn connections_have_a_limit() {
    let server = TestServer::with(&["--connections-max", "3"]).await;
    let poll = server.create(json!({})).await;
    let mut held = Vec::new();
    // The connection that made the poll may still be there for a moment.
    while held.len() < 3 {
        let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
        let mut buffer = [0; 512];
        let read = soon("an answer", stream.read(&mut buffer)).await.expect("read");
        if buffer[..read].starts_with(b"HTTP/1.1 200") {
            held.push(stream);
        }
    }
    let answer = server.get(&poll.path("/results")).send().await;
    let length: usize = answer.header("content-length").and_then(|length| length.parse().ok()).expect("a length");
    assert_eq!(length, answer.body.len());
    assert!(answer.header("retry-after").is_some());
    answer.refused(503, "too_many_connections");
    drop(held);
    soon("a free place", async { while server.get("/livez").send().await.status != 200 {} }).await;
    server.finish().await;
}
