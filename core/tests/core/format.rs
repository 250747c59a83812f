//! The ledger format: each kind of entry belongs to one, so that no new kind can be written before all nodes know it.

use hustings_core::entry::DecodeError;
use hustings_core::{Entry, Format, Rejection};

/// The last kind of entry of each format, from the first. A new kind raises [`Format::NEWEST`] and adds a number here.
const LAST_KINDS: [u8; 3] = [7, 13, 14];

#[test]
fn every_kind_of_entry_belongs_to_a_format() {
    assert_eq!(LAST_KINDS.len(), usize::from(Format::NEWEST.0), "one number for each format");
    let is_known = |kind: &u8| Entry::from_bytes(&[Entry::FORMAT, *kind, 1, 0]) != Err(DecodeError::Kind(*kind));
    let known: Vec<u8> = (0..=u8::MAX).filter(is_known).collect();
    let expected: Vec<u8> = (1..=LAST_KINDS[LAST_KINDS.len() - 1]).collect();
    assert_eq!(known, expected, "a kind of entry that no format allows");
}

#[test]
fn a_format_allows_what_those_before_it_allow() {
    for (found, needed, allowed) in [(1, 1, true), (2, 1, true), (2, 2, true), (1, 2, false), (0, 1, false)] {
        let (found, needed) = (Format(found), Format(needed));
        let expected = if allowed { Ok(()) } else { Err(Rejection::FormatTooOld { needed, found }) };
        assert_eq!(found.allow(needed), expected, "{needed} in an installation of format {found}");
    }
    let refused = Rejection::FormatTooOld { needed: Format(2), found: Format(1) };
    assert_eq!(refused.code(), "format_too_old");
    assert!(refused.to_string().ends_with("hustings migrate --database URL --format 2"), "{refused}");
}
