//! An election of boxes behind the proxy: large tables, uploads, answers that come late, and streams that are quiet.

use serde_json::{Value, json};

use super::client::{Stream, ask};
use super::node::Node;
use crate::files::text;
use crate::services::nginx::Nginx;

/// An election whose boxes report by themselves, made through the proxy; its address.
async fn election(nginx: &Nginx) -> String {
    let body = json!({ "title": "A night", "kind": "election", "choices": ["Tories", "Labour"], "cities": ["London"],
        "open": true });
    let made = ask(nginx.address, "POST", "/api/v1/elections", "Content-Type: application/json\r\n", Some(&body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let code = made.body.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
    format!("/api/v1/elections/{}", code.expect("a code"))
}

#[tokio::test]
async fn what_a_night_sends_is_let_through_up_to_what_a_node_takes() {
    let node = Node::start(&[]).await;
    let nginx = Nginx::start(&[node.address()]);
    let election = election(&nginx).await;
    // Each is more than the largest vote; one line of reports, so that the answer is one.
    let large = "x".repeat(300 * 1024);
    for (path, headers, status, word) in [
        (format!("{election}/units"), "Content-Type: application/json\r\n", 422, "unknown_field"),
        (format!("{election}/contests"), "Content-Type: application/json\r\n", 422, "unknown_field"),
        (format!("{election}/reports"), "Content-Type: application/json\r\n", 422, "unknown_field"),
        (format!("{election}/reports/bulk"), "Content-Type: application/x-ndjson\r\n", 200, "unknown_field"),
        ("/api/v1/polls/hall/roster".to_owned(), "Content-Type: application/json\r\n", 409, "other_access"),
    ] {
        let reply = ask(nginx.address, "POST", &path, headers, Some(&json!({ "nothing": large }))).await;
        assert!(reply.status == status && reply.body.contains(word), "{path}: {} {}", reply.status, reply.body);
    }
    for (file, limit, path) in [
        ("src/http/elections/desk/bulk.rs", "BULK_MAX: usize = 8 * 1024 * 1024;", format!("{election}/reports/bulk")),
        ("src/http/body.rs", "IMPORT_MAX: usize = 64 * 1024 * 1024;", format!("{election}/units")),
        ("src/http/api/roster.rs", "BODY_MAX: usize = 16 * 1024 * 1024;", "/api/v1/polls/hall/roster".to_owned()),
    ] {
        assert!(text(file).contains(limit), "the limit of a node in {file} is another one");
        let mib: usize = limit.split([' ', '=']).filter_map(|word| word.parse().ok()).next().expect("a number");
        let head = format!("Content-Length: {}\r\n", mib * 1024 * 1024 + 1);
        let mut refused = Stream::open(nginx.address, "POST", &path, &head).await;
        refused.until("}").await;
        assert!(
            refused.text.starts_with("HTTP/1.1 413 ") && refused.text.contains("body_too_large"),
            "{}",
            refused.text
        );
    }
}

/// Nothing is cut off between two words of a node, which come every 15 seconds: not a stream of an election, of one of its
/// units, or of a poll's screen, and not a question that waits.
#[tokio::test]
async fn what_is_quiet_for_long_is_not_cut_off() {
    let node = Node::start(&[]).await;
    let nginx = Nginx::start(&[node.address()]);
    let election = election(&nginx).await;
    let mut streams = Vec::new();
    for path in [
        format!("{election}/results/stream"),
        format!("{election}/results/stream?unit=london"),
        "/hall/screen/stream".to_owned(),
    ] {
        streams.push(Stream::open(nginx.address, "GET", &path, "").await);
    }
    let quiet = streams.into_iter().map(async |mut stream: Stream| {
        stream.until("event: results").await;
        stream.until(":\n\n").await;
        stream.text.clear();
        stream.until(":\n\n").await;
    });
    let now = ask(nginx.address, "GET", &format!("{election}/results"), "", None).await;
    let version = now.body.split("\"version\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    let path = format!("{election}/changes?after={version}&wait_s=20");
    let waits = ask(nginx.address, "GET", &path, "", None);
    let (_, waited) = tokio::join!(futures_util::future::join_all(quiet), waits);
    assert_eq!(waited.status, 200, "{waited:?}");
}

#[tokio::test]
async fn a_websocket_of_a_night_is_let_through() {
    let node = Node::start(&[]).await;
    let nginx = Nginx::start(&[node.address()]);
    let path = format!("{}/results/ws", election(&nginx).await);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut socket = Stream::open(nginx.address, "GET", &path, upgrade).await;
    socket.until("schema_version").await;
    assert!(socket.text.starts_with("HTTP/1.1 101 "), "{}", socket.text);
}

/// The status that a client reads and the one in the document are the same.
#[tokio::test]
async fn a_node_that_says_nothing_is_told_alike_in_head_and_document() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nginx = Nginx::start(&[silent.local_addr().expect("an address")]);
    let reply = ask(nginx.address, "GET", Node::RESULTS, "", None).await;
    let document: Value = serde_json::from_str(&reply.body).expect("a document");
    assert_eq!((reply.status, &document["status"]), (502, &json!(502)), "{reply:?}");
}
