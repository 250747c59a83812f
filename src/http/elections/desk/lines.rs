//! An upload cut into lines as it arrives.
//!
//! Invariant: a line is given out only when it is whole: its end has arrived, or the upload has ended in order. What is cut off
//! in the middle of a number is no report. Memory: one line and what has arrived behind it.

use axum::body::Bytes;
use bytes::BytesMut;
use hustings_core::Report;

impl Line {
    /// Its place in the upload, from 1.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Whole(number, _) | Self::TooLong(number) => *number,
        }
    }
}

/// The lines of an upload, so far.
#[derive(Default)]
pub(super) struct Lines {
    rest: BytesMut,
    /// Up to here there is no end of a line in `rest`.
    searched: usize,
    number: u64,
    /// The line that is arriving is too long already; its rest is thrown away.
    is_skipping: bool,
    /// What has arrived so far ends with a carriage return, so that a line feed after it ends no other line.
    is_after_return: bool,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its bytes, without its end.
    Whole(u64, Bytes),
    /// It has more bytes than a report can have.
    TooLong(u64),
}

impl Lines {
    /// Takes in what has arrived. Its lines may end with a line feed, a carriage return, or both; they do so with a line feed
    /// from here on.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let without_feed = |text| <[u8]>::strip_prefix(text, b"\n").unwrap_or(text);
        let mut parts = piece.split(|byte| *byte == b'\r');
        let first = parts.next().unwrap_or_default();
        self.rest.extend_from_slice(if self.is_after_return { without_feed(first) } else { first });
        for part in parts {
            self.rest.extend_from_slice(b"\n");
            self.rest.extend_from_slice(without_feed(part));
        }
        self.is_after_return = piece.last().map_or(self.is_after_return, |last| *last == b'\r');
    }

    /// The number of the line that is arriving.
    pub(super) fn number(&self) -> u64 {
        self.number + 1
    }

    /// The next whole line; one with nothing in it is counted and passed over.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let end = self.rest.get(self.searched..)?.iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.rest.len();
                if self.searched > Report::REQUEST_MAX {
                    self.is_skipping = true;
                    self.rest.clear();
                    self.searched = 0;
                }
                return None;
            };
            let line = self.rest.split_to(end + 1).freeze();
            self.searched = 0;
            if let Some(line) = self.finish(line.slice(..end)) {
                return Some(line);
            }
        }
    }

    /// The last line of an upload that ended in order, where nothing ends it.
    pub(super) fn last(&mut self) -> Option<Line> {
        let line = self.rest.split().freeze();
        self.searched = 0;
        if line.is_empty() && !self.is_skipping {
            return None;
        }
        self.finish(line)
    }

    fn finish(&mut self, line: Bytes) -> Option<Line> {
        self.number += 1;
        if std::mem::take(&mut self.is_skipping) || line.len() > Report::REQUEST_MAX {
            Some(Line::TooLong(self.number))
        } else if line.trim_ascii().is_empty() {
            None
        } else {
            Some(Line::Whole(self.number, line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of an upload in pieces of so many bytes; where it breaks off, its last line is not given out.
    fn lines(upload: &[u8], size: usize, is_whole: bool) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in upload.chunks(size) {
            lines.push(piece);
            found.extend(std::iter::from_fn(|| lines.next()));
        }
        if is_whole {
            found.extend(lines.last());
        }
        let shown = |line| match line {
            Line::Whole(number, bytes) => (number, Some(String::from_utf8_lossy(&bytes).into_owned())),
            Line::TooLong(number) => (number, None),
        };
        found.into_iter().map(shown).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_arrive_and_end() {
        let line = |number, text: &str| (number, Some(text.to_owned()));
        let whole = [line(1, "one"), line(4, "two "), line(5, "three")];
        for end in ["\n", "\r", "\r\n"] {
            let upload = "one\n\n  \ntwo \nthree".replace('\n', end);
            for size in [1, 2, 3, 7, 100] {
                assert_eq!(lines(upload.as_bytes(), size, true), whole, "{end:?} {size}");
                assert_eq!(lines(upload.as_bytes(), size, false), whole[..2], "what is cut off is no report");
                assert_eq!(lines(format!("{upload}{end}").as_bytes(), size, true), whole, "{end:?} {size}");
            }
        }
        let mixed = [line(1, "one"), line(3, "two"), line(5, "three"), line(6, "four")];
        assert_eq!(lines(b"one\r\n\rtwo\n\nthree\rfour\r\n", 100, true), mixed);
        assert_eq!(lines(b"", 1, true), []);
    }

    #[test]
    fn a_line_that_is_too_long_spoils_no_other() {
        let long = "x".repeat(Report::REQUEST_MAX + 1);
        for size in [1 << 14, 1 << 24] {
            let upload = format!("a\n{long}\nb\n{long}");
            let expected = [(1, Some("a".to_owned())), (2, None), (3, Some("b".to_owned())), (4, None)];
            assert_eq!(lines(upload.as_bytes(), size, true), expected);
        }
        let longest = "x".repeat(Report::REQUEST_MAX);
        assert_eq!(lines(format!("{longest}\n").as_bytes(), 1 << 14, true), [(1, Some(longest))]);
    }
}
