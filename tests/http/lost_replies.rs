//! Lines that break: a proxy cuts a connection before the request was passed on, or before its answer was.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{ADMIN, Answer, Ask, Poll, TestServer, raw, soon};

/// Where a proxy cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The request never reaches the server.
    Before,
    /// The request reaches the server and is answered; the answer never reaches the client.
    After,
    /// Only a part of the request reaches the server.
    Within,
}

/// Takes one connection, passes on what this cut lets through, and hangs up on the client. Returns when the server has
/// done what it will do with it.
async fn cut_once(server: SocketAddr, cut: Cut, request: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = listener.local_addr().expect("an address");
    let length = request.len();
    let passing = async {
        let (mut client, _) = listener.accept().await.expect("a client");
        let mut taken = vec![0; length];
        client.read_exact(&mut taken).await.expect("a whole request");
        if cut == Cut::Before {
            return;
        }
        let passed = if cut == Cut::Within { length - 1 } else { length };
        let mut upstream = TcpStream::connect(server).await.expect("the server");
        upstream.write_all(&taken[..passed]).await.expect("passed on");
        if cut == Cut::After {
            // The answer has come this far: the server has decided. It goes no further.
            let mut answer = [0; 16];
            soon("the answer at the proxy", upstream.read_exact(&mut answer)).await.expect("an answer");
            assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&answer));
        }
    };
    let (answer, ()) = tokio::join!(raw(proxy, request), passing);
    assert!(answer.is_empty(), "the client must not know: {}", String::from_utf8_lossy(&answer));
}

fn vote(server: &TestServer, poll: &Poll, body: &Value) -> Ask {
    server.post(&poll.path("/votes"), body).bearer(ADMIN)
}

async fn ballots(server: &TestServer, poll: &Poll) -> Vec<Value> {
    let entries = server.entries(poll).await;
    entries.into_iter().filter(|entry| entry["kind"] == "ballot_cast").collect()
}

/// A vote is cut off, the contest closes, the client tries again: with the same id, or with none.
#[tokio::test]
async fn a_vote_whose_answer_was_lost_is_counted_once_also_after_the_close() {
    async fn check(server: &TestServer, cut: Cut, id: Value, close_between: bool, change: &str) {
        let poll = server.create(json!({ "change": change })).await;
        let case = format!("{cut:?}, {id}, {close_between}, {change}");
        let body = json!({ "choices": ["tea"], "voter": "vera a", "id": id });
        cut_once(server.address(), cut, &vote(server, &poll, &body).bytes(true)).await;
        let stored = ballots(server, &poll).await.len();
        assert_eq!(stored, usize::from(cut == Cut::After), "{case}");
        if close_between {
            server.act(&poll, "close").await.is(200);
        }
        let again: Answer = vote(server, &poll, &body).send().await;
        let expected = match (cut, close_between) {
            (Cut::After, _) => (200, "repeated"),
            (_, true) => (409, "contest_closed"),
            (_, false) => (201, "counted"),
        };
        assert_eq!((again.status, again.word().as_str()), expected, "{case}");
        let counted = ballots(server, &poll).await;
        assert_eq!(counted.len(), usize::from(again.status < 300), "{case}");
        if again.status < 300 {
            // The receipt of the retry is that of the entry, however often it is asked for.
            let third = vote(server, &poll, &body).send().await.is(200);
            assert_eq!(third.receipt(), again.receipt(), "{case}");
            assert_eq!(again.json()["receipt"]["seq"], counted[0]["seq"], "{case}");
        }
    }
    let server = TestServer::start().await;
    for cut in [Cut::Before, Cut::Within, Cut::After] {
        for id in [json!("0193e2a0-1111-4222-8333-444455556666"), Value::Null] {
            for close_between in [true, false] {
                for change in ["final", "until_close"] {
                    check(&server, cut, id.clone(), close_between, change).await;
                }
            }
        }
    }
    server.finish().await;
}

/// A, then B; the answer to A was lost and its retry comes last. B stands, with ids or with `replaces`.
#[tokio::test]
async fn a_late_retry_does_not_flip_a_changed_vote_back() {
    let server = TestServer::start().await;
    let ids = ["0193e2a0-1111-4222-8333-000000000001", "0193e2a0-1111-4222-8333-000000000002"];
    for (with_id, with_replaces) in [(true, false), (false, true), (true, true)] {
        let poll = server.create(json!({ "change": "until_close" })).await;
        let first = vote(&server, &poll, &json!({ "choices": ["coffee"], "voter": "vera a" })).send().await.is(201);
        let body = |choice: &str, id: &str, replaces: &str| {
            let mut body = json!({ "choices": [choice], "voter": "vera a" });
            if with_id {
                body["id"] = json!(id);
            }
            if with_replaces {
                body["replaces"] = json!(replaces);
            }
            body
        };
        // A arrives, its answer does not. The voter looks up what counts, and changes to B.
        let a = body("tea", ids[0], &first.receipt());
        cut_once(server.address(), Cut::After, &vote(&server, &poll, &a).bytes(true)).await;
        let looked_up = vote(&server, &poll, &json!({ "choices": ["tea"], "voter": "vera a" })).send().await.is(200);
        let b = vote(&server, &poll, &body("coffee", ids[1], &looked_up.receipt())).send().await.is(201);
        // A phone that was out of reach sends A again.
        let late = vote(&server, &poll, &a).send().await;
        if with_id {
            assert_eq!((late.status, late.json()["status"].as_str()), (200, Some("superseded")));
            assert_eq!(late.receipt(), looked_up.receipt());
        } else {
            let late = late.refused(409, "superseded");
            assert_eq!(late.receipt(), b.receipt());
        }
        let results = server.results(&poll).await;
        assert_eq!((&results["choices"][0]["votes"], &results["choices"][1]["votes"]), (&json!(0), &json!(1)));
    }
    server.finish().await;
}

/// The same for acts: a close whose answer was lost is a close, and closing again changes nothing.
#[tokio::test]
async fn an_act_whose_answer_was_lost_happened_once() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let close = server.ask("POST", &poll.path("/close")).bearer(ADMIN);
    cut_once(server.address(), Cut::After, &close.bytes(true)).await;
    close.send().await.is(200);
    let closes = server.entries(&poll).await.iter().filter(|entry| entry["kind"] == "contest_closed").count();
    assert_eq!(closes, 1);
    server.finish().await;
}
