//! The chunked transfer coding, read as it arrives.
//!
//! Invariant: however the bytes are cut by the network, the decoded body is the same.
//! It must not know: sockets, heads, what the body means.

use super::connection::ConnectionError;

/// Decodes one chunked body; keeps its place between calls.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    place: Place,
    /// The start of a size or trailer line that has not arrived in full.
    line: Vec<u8>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Size,
    Data(usize),
    AfterData,
    Trailer,
    Done,
}

/// A size line is a number and perhaps an extension; a longer one is no HTTP we know.
const LINE_BYTES_MAX: usize = 4096;

impl Chunks {
    /// Whether the last chunk and the trailer have been read.
    pub(super) fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// Appends what `input` holds of the body to `body`. Bytes after the end are refused: nobody asked for them.
    pub(super) fn decode(&mut self, mut input: &[u8], body: &mut Vec<u8>) -> Result<(), ConnectionError> {
        while !input.is_empty() {
            match self.place {
                Place::Data(left) => {
                    let (now, rest) = input.split_at(left.min(input.len()));
                    body.extend_from_slice(now);
                    self.place = if left == now.len() { Place::AfterData } else { Place::Data(left - now.len()) };
                    input = rest;
                }
                Place::Done => return Err(ConnectionError::Malformed("bytes after the last chunk")),
                Place::Size | Place::AfterData | Place::Trailer => input = self.line(input)?,
            }
        }
        Ok(())
    }

    fn line<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], ConnectionError> {
        let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
            self.line.extend_from_slice(input);
            return if self.line.len() > LINE_BYTES_MAX {
                Err(ConnectionError::Malformed("an endless chunk size"))
            } else {
                Ok(&[])
            };
        };
        let (now, rest) = input.split_at(end + 1);
        self.line.extend_from_slice(now);
        self.place = match self.place {
            Place::Size => match httparse::parse_chunk_size(&self.line) {
                Ok(httparse::Status::Complete((_, 0))) => Place::Trailer,
                Ok(httparse::Status::Complete((_, size))) => {
                    Place::Data(usize::try_from(size).map_err(|_| ConnectionError::TooLarge)?)
                }
                _ => return Err(ConnectionError::Malformed("a chunk size that is no number")),
            },
            Place::AfterData if self.line == b"\r\n" => Place::Size,
            Place::Trailer if self.line == b"\r\n" => Place::Done,
            Place::Trailer => Place::Trailer,
            _ => return Err(ConnectionError::Malformed("a chunk longer than its size")),
        };
        self.line.clear();
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nA: b\r\n\r\n";

    #[test]
    fn every_cut_gives_the_same_body() {
        for size in 1..=BODY.len() {
            let (mut chunks, mut body) = (Chunks::default(), Vec::new());
            for piece in BODY.chunks(size) {
                assert!(!chunks.is_done());
                chunks.decode(piece, &mut body).unwrap();
            }
            assert!(chunks.is_done(), "cut at {size}");
            assert_eq!(body, b"hello, world", "cut at {size}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for input in [&b"x\r\n"[..], b"2\r\nabc\r\n", b"0\r\n\r\nmore", &[b'1'; 5000]] {
            assert!(Chunks::default().decode(input, &mut Vec::new()).is_err(), "{input:?}");
        }
    }
}
