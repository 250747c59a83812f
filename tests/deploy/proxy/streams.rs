//! What watchers get through the proxy: each frame when it is sent, and a WebSocket that is one.

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::client::Stream;
use super::node::Node;
use super::soon;
use crate::services::nginx::Nginx;

#[tokio::test]
async fn each_event_arrives_when_it_is_sent() {
    let nodes = [Node::start(&[]).await, Node::start(&[]).await];
    let nginx = Nginx::start(&nodes.each_ref().map(Node::address));
    let path = format!("{}/stream", Node::RESULTS);
    // As a browser asks; a compressor would hold events back to fill its window.
    let mut stream = Stream::open(nginx.address, "GET", &path, "Accept-Encoding: gzip\r\n").await;
    stream.until("\"ballots\":0").await;
    assert!(stream.text.starts_with("HTTP/1.1 200 "), "{}", stream.text);
    assert!(!stream.text.to_lowercase().contains("content-encoding"), "{}", stream.text);
    for voter in 1..=3 {
        // At both, because the proxy does not say where the stream comes from.
        for node in &nodes {
            node.vote(&format!("voter {voter}")).await;
        }
        stream.until(&format!("\"ballots\":{voter}")).await;
    }
}

#[tokio::test]
async fn a_websocket_is_let_through() {
    let nodes = [Node::start(&[]).await, Node::start(&[]).await];
    let nginx = Nginx::start(&nodes.each_ref().map(Node::address));
    let stream = TcpStream::connect(nginx.address).await.expect("a connection");
    let url = format!("ws://{}{}/ws", nginx.address, Node::RESULTS);
    let (mut socket, answer) =
        soon("a handshake", tokio_tungstenite::client_async(url, stream)).await.expect("a WebSocket");
    assert_eq!(answer.status(), 101);
    for voter in 0..=2 {
        let expected = format!("\"ballots\":{voter}");
        loop {
            let message = soon(&expected, socket.next()).await.expect("a socket that is open").expect("a message");
            if matches!(&message, Message::Text(text) if text.contains(&expected)) {
                break;
            }
        }
        for node in &nodes {
            node.vote(&format!("voter {voter}")).await;
        }
    }
}
