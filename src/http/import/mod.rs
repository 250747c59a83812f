//! Files that are taken over whole or not at all: rosters, units, contests, tokens.
//!
//! Job: say what form a file has, read its lines, and gather what is wrong with it. It must not know: what the columns mean.

mod faults;
mod table;

use axum::http::{HeaderMap, header};

pub(in crate::http) use faults::{Faults, Place};
pub(in crate::http) use table::{Line, Table};

/// Whether a body is CSV; everything else is read as JSON.
pub(in crate::http) fn is_csv(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv"))
}

/// What stands between the columns of a table with this header. No name of a column has any of the three in it; where the comma
/// stands in numbers, spreadsheets write semicolons, and what is copied out of one has tabs.
pub(crate) fn separator(header: &[u8]) -> u8 {
    let count = |separator| header.iter().filter(|byte| **byte == separator).count();
    // Of equals, the last one is taken.
    b"\t;,".iter().copied().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_separates_columns() {
        for (header, expected) in [
            ("name", b','),
            ("", b','),
            ("name,email", b','),
            ("\u{feff}name;email", b';'),
            ("\"name\"\t\"email\"", b'\t'),
            ("box;votes.a,b;votes.c", b';'),
        ] {
            assert_eq!(separator(header.as_bytes()), expected, "{header}");
        }
    }
}
