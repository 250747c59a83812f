//! What stands between the columns of a table that somebody sends, and the one that a table of reports cannot do without.
//!
//! Invariant: whoever reads a table, and whoever sends one, sees the same columns in it. It must not know: what they mean.

/// What the column is called that names the box: a first line without it is the header of no table of reports.
pub const BOX_COLUMNS: [&str; 2] = ["box", "ballot_box_id"];

/// What stands between the columns of a table with this header: of comma, semicolon and tab the one that it has most often,
/// because the code of a choice may hold another. Where the comma stands in numbers, spreadsheets write semicolons, and what
/// is copied out of one has tabs.
#[must_use]
pub fn separator(header: &[u8]) -> u8 {
    let count = |separator| header.iter().filter(|byte| **byte == separator).count();
    // Of equals, the last one is taken.
    b"\t;,".iter().copied().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// What separates columns, where a line of Excel before the header says so: `sep=;`.
#[must_use]
pub fn declared(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    match line.split_at_checked(4)? {
        (word, [separator @ (b',' | b';' | b'\t' | b'|')]) if word.eq_ignore_ascii_case(b"sep=") => Some(*separator),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_before_the_header_may_say_what_separates_columns() {
        for (line, expected) in [
            ("sep=;", Some(b';')),
            ("\u{feff}SEP=\t", Some(b'\t')),
            ("sep=|", Some(b'|')),
            ("sep=x", None),
            ("sep=;;", None),
            ("sep", None),
            ("box;sep=;", None),
        ] {
            assert_eq!(declared(line.as_bytes()), expected, "{line}");
        }
    }

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
