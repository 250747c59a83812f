//! Bytes that no writer could have made: each is refused for its own reason.

use hustings_core::Entry;
use hustings_core::entry::DecodeError;

use crate::bytes::unhex;

const VOTER: &str = "07070707070707070707070707070707";

fn check(what: &str, hex: &str, expected: DecodeError) {
    assert_eq!(Entry::from_bytes(&unhex(hex)), Err(expected), "{what}: {hex}");
}

/// A ballot from the field after the voter on.
fn check_ballot(what: &str, rest: &str, expected: DecodeError) {
    check(what, &format!("01 01 01 01 00 00 {VOTER} {rest}"), expected);
}

/// A pause by whom and why.
fn check_who(what: &str, who: &str, expected: DecodeError) {
    check(what, &format!("01 03 01 01 00 {who}"), expected);
}

#[test]
fn heads_are_checked() {
    for (what, hex, expected) in [
        ("nothing", "", DecodeError::Short),
        ("an older version", "00", DecodeError::Version(0)),
        ("a newer version", "02 01 01 01", DecodeError::Version(2)),
        ("no kind", "01", DecodeError::Short),
        ("kind 0", "01 00 01 01", DecodeError::Kind(0)),
        ("a newer kind", "01 08 01 01 00", DecodeError::Kind(8)),
        ("a place in a longer form", "01 03 8100 01 00 0168 00", DecodeError::NotShortest),
        ("a zero in a longer form", "01 03 8000 01 00 0168 00", DecodeError::NotShortest),
        ("a time in a longer form", "01 03 01 ac8200 00 0168 00", DecodeError::NotShortest),
        ("a time of 65 bits", "01 03 01 ffffffffffffffffff02 00 0168 00", DecodeError::Range),
        ("a time without an end", "01 03 01 8080808080808080808080 00 0168 00", DecodeError::Range),
        ("a contest of 33 bits", "01 03 01 01 8080808010 0168 00", DecodeError::Range),
    ] {
        check(what, hex, expected);
    }
}

#[test]
fn ballots_are_checked() {
    for (what, rest, expected) in [
        ("a flag of 2 before the id", "02", DecodeError::Tag(2)),
        ("selections of an unknown form", "00 02 00 00", DecodeError::Tag(2)),
        ("a flag of 2 before the previous vote", "00 00 00 02", DecodeError::Tag(2)),
        ("falling choices", "00 00 02 01 00 00", DecodeError::Order),
        ("a repeated choice", "00 00 02 01 01 00", DecodeError::Order),
        ("falling scored choices", "00 01 02 0105 0005 00", DecodeError::Order),
        ("a choice scored twice", "00 01 02 0104 0105 00", DecodeError::Order),
        ("falling choices in the previous vote", "00 00 01 00 01 01 00 00 02 01 00", DecodeError::Order),
        ("a group of 17 bits in the previous vote", "00 00 01 00 01 01 808004 00 00", DecodeError::Range),
        ("a group in a longer form in the previous vote", "00 00 01 00 01 01 8100 00 00", DecodeError::NotShortest),
        ("a previous vote without its group", "00 00 01 00 01 01 00 00", DecodeError::Short),
        ("fewer choices than said", "00 00 03 00 01", DecodeError::Short),
        ("more choices than a length can say", "00 00 808004 00", DecodeError::Range),
        ("a choice of 17 bits", "00 00 01 808004 00", DecodeError::Range),
        ("a choice in a longer form", "00 00 01 8100 00", DecodeError::NotShortest),
        ("a score of 9 bits", "00 01 01 00 8002 00", DecodeError::Range),
        ("half an id", "01 0909", DecodeError::Short),
        ("one byte more", "00 00 00 00 00", DecodeError::Long),
    ] {
        check_ballot(what, rest, expected);
    }
    check("a group of 17 bits", &format!("01 01 01 01 00 808004 {VOTER} 00 0000 00"), DecodeError::Range);
}

#[test]
fn names_and_reasons_are_checked() {
    let long = format!("c901 {} 00", "61".repeat(201));
    for (what, who, expected) in [
        ("an empty name", "00 00", DecodeError::Text),
        ("a space before", "02 2061 00", DecodeError::Text),
        ("a space behind", "02 6120 00", DecodeError::Text),
        ("a line break", "03 610a61 00", DecodeError::Text),
        ("a bidirectional override", "05 61e280ae61 00", DecodeError::Text),
        ("only invisible characters", "03 e2808b 00", DecodeError::Text),
        ("a letter and its accent apart", "03 65cc81 00", DecodeError::Text),
        ("no UTF-8", "01 ff 00", DecodeError::Text),
        ("half a character", "01 c3 00", DecodeError::Text),
        ("more than 200 characters", &long, DecodeError::Text),
        ("an empty reason", "0168 01 00", DecodeError::Text),
        ("a flag of 3 before the reason", "0168 03", DecodeError::Tag(3)),
        ("a length in a longer form", "8100 68 00", DecodeError::NotShortest),
        ("a length beyond the end", "05 68 00", DecodeError::Short),
        ("a length of 64 bits", "ffffffffffffffffff01 68 00", DecodeError::Short),
        ("one byte more", "0168 00 00", DecodeError::Long),
    ] {
        check_who(what, who, expected);
    }
    check("a flag of 2 for the schedule", "01 04 01 01 00 0168 00 02", DecodeError::Tag(2));
}

#[test]
fn every_entry_cut_short_or_drawn_out_is_refused() {
    let digest = "dd".repeat(32);
    for hex in [
        format!("01 01 ac02 80d0eab6b733 01 8201 {VOTER} 01{VOTER} 01020005810164 010cac0201010200"),
        format!("01 02 03 ac02 8001 04686f7374 0104686f7374 01{digest}"),
        "01 03 03 ac02 8001 04686f7374 0104686f7374".to_owned(),
        "01 04 03 ac02 8001 04686f7374 0104686f7374 01".to_owned(),
        "01 05 03 ac02 8001 04686f7374 0104686f7374".to_owned(),
        "01 06 03 ac02 8001 04686f7374 0104686f7374".to_owned(),
        format!("01 07 03 ac02 8001 04686f7374 0104686f7374 {VOTER}{digest}"),
    ] {
        let whole = unhex(&hex);
        assert!(Entry::from_bytes(&whole).is_ok(), "{hex}");
        for length in 0..whole.len() {
            assert_eq!(Entry::from_bytes(&whole[..length]), Err(DecodeError::Short), "{length} bytes of {hex}");
        }
        assert_eq!(Entry::from_bytes(&[&whole[..], &[0]].concat()), Err(DecodeError::Long), "{hex} and a byte more");
    }
}
