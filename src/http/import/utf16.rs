//! Tables in UTF-16, which a spreadsheet writes as "Unicode text", as the UTF-8 that everything else reads.
//!
//! Invariant: a body without the mark of UTF-16 passes as it is; what is no text in UTF-16 becomes bytes that are no UTF-8 either,
//! so that its line is a fault and never another text. It must not know: what stands in a table.

use std::io::{self, Cursor, Read};

/// A body as UTF-8, whatever the mark at its beginning says of its encoding.
pub(super) fn decoded<'a>(body: &'a mut dyn Read) -> io::Result<Box<dyn Read + 'a>> {
    let mut mark = Vec::with_capacity(2);
    Read::take(&mut *body, 2).read_to_end(&mut mark)?;
    let unit = match mark[..] {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return Ok(Box::new(Cursor::new(mark).chain(body))),
    };
    Ok(Box::new(Utf16 { body, unit, raw: Vec::new(), text: Vec::new(), given: 0 }))
}

/// What stands for a character that is none: no byte of any text in UTF-8.
const NO_TEXT: u8 = 0xff;

struct Utf16<'a> {
    body: &'a mut dyn Read,
    unit: fn([u8; 2]) -> u16,
    /// What is not decoded yet.
    raw: Vec<u8>,
    /// What is decoded, and how much of it was given on.
    text: Vec<u8>,
    given: usize,
}

impl Utf16<'_> {
    /// Decodes the next piece; nothing at the end.
    fn decode(&mut self) -> io::Result<()> {
        let mut piece = [0; 4096];
        let read = self.body.read(&mut piece)?;
        self.raw.extend_from_slice(&piece[..read]);
        let is_end = read == 0;
        let mut whole = self.raw.len() / 2;
        // The first half of a pair waits for the other one.
        let waits = |at: usize| (0xd800..0xdc00).contains(&(self.unit)([self.raw[2 * at], self.raw[2 * at + 1]]));
        if !is_end && whole > 0 && waits(whole - 1) {
            whole -= 1;
        }
        let units = self.raw[..2 * whole].chunks_exact(2).map(|pair| (self.unit)([pair[0], pair[1]]));
        self.text.clear();
        self.given = 0;
        for character in char::decode_utf16(units) {
            match character {
                Ok(character) => self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => self.text.push(NO_TEXT),
            }
        }
        self.raw.drain(..2 * whole);
        if is_end && !self.raw.is_empty() {
            self.raw.clear();
            self.text.push(NO_TEXT);
        }
        Ok(())
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            let before = self.raw.len();
            self.decode()?;
            // A piece may be too short for a character: then there is more, until nothing comes any more.
            if self.text.is_empty() && self.raw.len() == before {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.text.len() - self.given);
        buffer[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}
