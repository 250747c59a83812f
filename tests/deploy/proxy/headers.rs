//! What the proxy adds, hides and leaves alone.

use std::net::Ipv4Addr;

use tokio::task::JoinSet;

use super::client::{Stream, ask, ask_from};
use super::node::{Node, ballot};
use crate::files::text;
use crate::services::nginx::Nginx;

#[tokio::test]
async fn a_node_learns_who_asks_and_believes_no_other() {
    let node = Node::start(&["--trusted-proxy", "127.0.0.1/32"]).await;
    let nginx = Nginx::start(&[node.address()]);
    let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
    let lie = "X-Forwarded-For: 6.6.6.6\r\n";
    assert_eq!(ask_from(elsewhere, nginx.address, "GET", Node::RESULTS, lie, None).await.status, 200);
    let log = node.log();
    let line = log.lines().find(|line| line.contains(Node::RESULTS)).expect("a line for the request");
    assert!(line.contains("127.0.0.2") && !line.contains("6.6.6.6"), "{line}");
}

#[tokio::test]
async fn pages_are_compressed_and_results_keep_their_strong_tag() {
    let node = Node::start(&[]).await;
    let nginx = Nginx::start(&[node.address()]);
    let gzip = "Accept-Encoding: gzip\r\n";
    let page = ask(nginx.address, "GET", "/hall/results", gzip, None).await;
    assert_eq!((page.status, page.header("content-encoding")), (200, Some("gzip")), "{}", page.head);
    let results = ask(nginx.address, "GET", Node::RESULTS, gzip, None).await;
    assert_eq!((results.status, results.header("content-encoding")), (200, None), "{}", results.head);
    let tag = results.header("etag").expect("a tag");
    assert!(tag.starts_with('"'), "{tag}");
    let again = ask(nginx.address, "GET", Node::RESULTS, &format!("{gzip}If-None-Match: {tag}\r\n"), None).await;
    assert_eq!(again.status, 304, "{again:?}");
}

#[tokio::test]
async fn what_is_not_for_people_stays_behind_the_proxy() {
    let node = Node::start(&["--bench"]).await;
    let nginx = Nginx::start(&[node.address()]);
    for path in ["/metrics", "/bench/noop"] {
        assert_eq!(ask(node.address(), "GET", path, "", None).await.status, 200, "{path} of the node");
        assert_eq!(ask(nginx.address, "GET", path, "", None).await.status, 404, "{path} of the proxy");
    }
    assert_eq!(ask(nginx.address, "GET", "/readyz", "", None).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_in_the_words_of_a_node() {
    let node = Node::start(&[]).await;
    let nginx = Nginx::start(&[node.address()]);
    let most = 256 * 1024;
    assert!(text("src/http/body.rs").contains("CREATE_MAX: usize = 256 * 1024;"), "the limit of a node is another one");
    // Announced and not sent: the refusal must not meet a body that is still being written.
    let head = format!("Content-Length: {}\r\n", most + 1);
    let mut refused = Stream::open(nginx.address, "POST", "/api/v1/polls", &head).await;
    refused.until("}").await;
    let said = &refused.text;
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("application/problem+json"), "{said}");
    assert!(said.contains("\"code\":\"body_too_large\""), "{said}");
    assert!(text("src/http/error.rs").contains("\"body_too_large\""), "a node calls it otherwise");
    // The largest that a node takes is let through to it, and refused for what it says.
    let largest = serde_json::json!({ "title": "x".repeat(most - 12) });
    assert_eq!(largest.to_string().len(), most);
    let reply = ask(nginx.address, "POST", "/api/v1/polls", "", Some(&largest)).await;
    assert_eq!(reply.status, 422, "{reply:?}");
}

#[tokio::test]
async fn a_hall_behind_one_address_is_not_locked_out() {
    let nodes = [Node::start(&[]).await, Node::start(&[]).await];
    let nginx = Nginx::start(&nodes.each_ref().map(Node::address));
    let (address, mut hall) = (nginx.address, JoinSet::new());
    for voter in 0..500 {
        hall.spawn(async move {
            let ballot = ballot(&format!("voter {voter}"));
            ask(address, "POST", Node::VOTES, "Content-Type: application/json\r\n", Some(&ballot)).await.status
        });
    }
    let statuses = hall.join_all().await;
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    assert_eq!(nodes[0].ballots().await + nodes[1].ballots().await, 500);
}
