//! What a watcher sees: a stream of server-sent events over one connection.
//!
//! Invariant: events come out whole and in order, however the network cuts the bytes.
//! It must not know: what an event's data means.

use std::collections::VecDeque;

use super::api::Api;
use super::chunks::Chunks;
use super::connection::{Connection, ConnectionError};

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `id:`, which names the version.
    pub id: String,
    /// `event:`.
    pub name: String,
    /// `data:`, lines joined.
    pub data: String,
}

/// An open stream.
#[derive(Debug)]
pub struct EventStream {
    connection: Connection,
    chunks: Chunks,
    bytes: Vec<u8>,
    ready: VecDeque<Event>,
}

impl EventStream {
    /// Opens the stream at `path`; a status other than 200 is an error.
    pub async fn open(api: &Api, path: &str, patience: std::time::Duration) -> Result<Self, ConnectionError> {
        let mut connection = api.connect(patience).await?;
        let request = api.request("GET", path, b"");
        let head = connection.send(&request);
        let head = tokio::time::timeout(patience, head).await.map_err(|_| ConnectionError::Timeout)??;
        if head.status != 200 {
            return Err(ConnectionError::Malformed("a stream that is refused"));
        }
        let mut chunks = Chunks::default();
        let bytes = connection.beginning(&head, &mut chunks)?;
        let mut stream = Self { connection, chunks, bytes, ready: VecDeque::new() };
        stream.split();
        Ok(stream)
    }

    /// The next event, however long it takes; `None` when the server ended the stream.
    ///
    /// Safe to cancel: nothing that was read is lost.
    pub async fn next(&mut self) -> Result<Option<Event>, ConnectionError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.chunks.is_done() {
                return Ok(None);
            }
            self.connection.next_part(&mut self.chunks, &mut self.bytes).await?;
            self.split();
        }
    }

    /// Takes whole events (ended by an empty line) out of the bytes.
    fn split(&mut self) {
        let mut rest = self.bytes.as_slice();
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n") {
            let event = parse(&String::from_utf8_lossy(&rest[..end]));
            // Comments, which keep the connection alive, make events without data.
            if !event.data.is_empty() {
                self.ready.push_back(event);
            }
            rest = &rest[end + 2..];
        }
        let done = self.bytes.len() - rest.len();
        self.bytes.drain(..done);
    }
}

fn parse(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut event.id),
            "event" => value.clone_into(&mut event.name),
            "data" => {
                if !event.data.is_empty() {
                    event.data.push('\n');
                }
                event.data.push_str(value);
            }
            _ => {}
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_field_by_field() {
        let event = parse("id: e.7\nevent: results\ndata: {\"a\":\ndata: 1}\n: comment");
        assert_eq!(event, Event { id: "e.7".into(), name: "results".into(), data: "{\"a\":\n1}".into() });
        assert_eq!(parse(": keep-alive"), Event::default());
    }
}
