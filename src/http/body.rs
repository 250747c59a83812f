//! Reading bodies: bounded in size and time, parsed strictly, refused with a code and a pointer.

use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::sync::mpsc;

use super::error::Problem;
use super::words::translate;

/// The largest vote.
pub(super) const VOTE_MAX: usize = 16 * 1024;
/// The largest definition.
pub(super) const CREATE_MAX: usize = 256 * 1024;
/// The largest import of units or contests.
pub(super) const IMPORT_MAX: usize = 64 * 1024 * 1024;
/// How long an import may take to arrive, so long as it goes on arriving.
pub(super) const IMPORT_TIMEOUT: Duration = Duration::from_secs(300);
/// How many pieces of an import wait while those before them are parsed.
const PIECES_MAX: usize = 16;
/// How long a body may take to arrive.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads and parses a body. Broken, deep, doubled, unknown and mistyped JSON is refused with its place.
pub(super) async fn read<T: DeserializeOwned>(body: Body, limit: usize) -> Result<T, Problem> {
    parse(&collect(body, limit).await?)
}

/// Like [`read`], with a default for an empty body.
pub(super) async fn read_or_default<T: DeserializeOwned + Default>(body: Body, limit: usize) -> Result<T, Problem> {
    let bytes = collect(body, limit).await?;
    if bytes.is_empty() { Ok(T::default()) } else { parse(&bytes) }
}

/// Reads a whole body as it was sent.
pub(super) async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await;
    match collected.map_err(|_| Problem::slow_body())? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(unread(error.as_ref(), limit)),
    }
}

pub(super) fn unread(error: &(dyn std::error::Error + 'static), limit: usize) -> Problem {
    match error.downcast_ref::<LengthLimitError>() {
        Some(_) => Problem::too_large(limit),
        None => Problem::invalid("incomplete_body", "", "the body broke off; please send it again"),
    }
}

/// Gives a large body to a parser on a thread of its own, piece by piece: what waits is bounded, and nobody else waits for
/// the parser. Where the body does not arrive whole, that is the answer, whatever the parser made of its beginning.
pub(super) async fn parse_aside<T: Send + 'static>(
    body: Body,
    limit: usize,
    parser: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> Result<T, Problem> {
    let (pieces, waiting) = mpsc::channel(PIECES_MAX);
    let parsing = tokio::task::spawn_blocking(move || parser(&mut Pieces { waiting, piece: Bytes::new() }));
    let arrived = tokio::time::timeout(IMPORT_TIMEOUT, forward(body, limit, pieces)).await;
    arrived.map_err(|_| Problem::slow_body())??;
    parsing.await.map_err(|_| Problem::unavailable("stopping", "the server is stopping; please try again"))
}

/// Hands on what arrives, until the body ends or the parser has seen enough.
async fn forward(body: Body, limit: usize, pieces: mpsc::Sender<Bytes>) -> Result<(), Problem> {
    let mut body = Limited::new(body, limit);
    loop {
        let frame = tokio::time::timeout(BODY_TIMEOUT, body.frame()).await.map_err(|_| Problem::slow_body())?;
        let Some(frame) = frame else { return Ok(()) };
        let Ok(piece) = frame.map_err(|error| unread(error.as_ref(), limit))?.into_data() else { continue };
        if pieces.send(piece).await.is_err() {
            return Ok(());
        }
    }
}

/// All of a body that arrives piece by piece; how much that can be is bounded where it arrives.
pub(super) fn whole(reader: &mut dyn Read) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let broken = |_| Problem::invalid("incomplete_body", "", "the body broke off; please send it again");
    reader.read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// The reading end of a body that arrives piece by piece.
struct Pieces {
    waiting: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.waiting.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let taken = self.piece.split_to(buffer.len().min(self.piece.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

/// Parses strictly. Every body is an object: serde would take a list of its values too, in the order of our fields.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // What some programs write before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    // The fast way first; only what fails is read again to find its place.
    if is_object && let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    if !is_object && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return Err(Problem::invalid("wrong_type", "", "send a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let place = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => error,
        Ok(_) => {
            return Err(Problem::invalid("invalid_json", "", "there is more after the end of the JSON document"));
        }
    };
    let pointer = pointer(place.path());
    let error = place.into_inner();
    // A word or a number where one of our names should stand is reported as bad syntax; the document is good.
    if !error.is_data() && serde_json::from_slice::<serde_json::Value>(bytes).is_err() {
        return Err(Problem::invalid("invalid_json", pointer, broken(bytes, &error)));
    }
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&at).unwrap_or(&text);
    let (code, detail) = translate(text, "field");
    let pointer = if code == "duplicate_key" { doubled(pointer, text) } else { pointer };
    Err(Problem::invalid(code, pointer, detail))
}

fn broken(bytes: &[u8], error: &serde_json::Error) -> String {
    match error.is_eof() {
        true if bytes.trim_ascii().is_empty() => "the body is empty; send a JSON object".to_owned(),
        true => "the JSON document ends too early".to_owned(),
        false if is_like_a_table(bytes) => {
            format!("this is not JSON: {error}; a table is sent with `Content-Type: text/csv`")
        }
        false => format!("this is not JSON: {error}"),
    }
}

/// Whether a body begins as the names of a table's columns do.
fn is_like_a_table(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. ,;\t\"".contains(byte);
    first.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'"')
        && first.iter().any(|byte| b",;\t".contains(byte))
        && first.iter().all(is_of_name)
}

/// A doubled key is noticed before its value is entered, so the path often ends at the object around it.
pub(super) fn doubled(around: String, text: &str) -> String {
    let named = text.split_once('`').and_then(|(_, rest)| rest.rsplit_once('`'));
    let Some((key, _)) = named else { return around };
    let place = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
    if around.ends_with(&place) { around } else { around + &place }
}

/// Where in the request a value stands, as a JSON Pointer.
pub(super) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// A JSON object as a list; a key that stands twice is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pairs<V>(pub Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs: Vec<(String, V)> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((key, value)) = map.next_entry::<String, V>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only parsed")]
        choices: Option<Vec<String>>,
        #[expect(dead_code, reason = "only parsed")]
        scores: Option<Pairs<u64>>,
    }

    #[test]
    fn bad_json_is_refused_with_its_place() {
        let deep = format!(r#"{{"choices":{}"#, "[".repeat(4000));
        for (text, code, pointer) in [
            (r#"{"choices":["a"]"#, "invalid_json", ""),
            (r#"{"choices":["a"]} x"#, "invalid_json", ""),
            ("", "invalid_json", ""),
            (r#" [["a"],null]"#, "wrong_type", ""),
            (r#"[["a"],null] x"#, "invalid_json", ""),
            ("null", "wrong_type", ""),
            (r#"{"choices":["a"],"choices":["b"]}"#, "duplicate_key", "/choices"),
            (r#"{"scores":{"a/":1,"a/":2}}"#, "duplicate_key", "/scores/a~1"),
            (r#"{"choice":["a"]}"#, "unknown_field", "/choice"),
            (r#"{"choices":["a",1]}"#, "wrong_type", "/choices/1"),
            (r#"{"scores":{"a":1.5}}"#, "wrong_type", "/scores/a"),
            (r#"{"scores":{"a":-1}}"#, "wrong_type", "/scores/a"),
            (&deep, "wrong_type", "/choices/0"),
        ] {
            let problem = parse::<Sample>(text.as_bytes()).expect_err(text);
            let shown = serde_json::to_value(&problem).expect("json");
            assert_eq!((shown["code"].as_str(), shown["status"].as_u64()), (Some(code), Some(422)), "{text}");
            assert!(shown["pointer"].as_str().is_some_and(|p| p.starts_with(pointer)), "{text}: {shown}");
        }
    }
}
