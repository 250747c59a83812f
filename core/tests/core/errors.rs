//! Bytes that no writer could have made: each is refused for its own reason.

use hustings_core::Entry;
use hustings_core::entry::DecodeError;

use crate::bytes::unhex;

const VOTER: &str = "07070707070707070707070707070707";
/// Contest 1, box 300 in place 130, channel 6, revision 130.
const REPORT: &str = "01 ac02 8201 06 8201";
/// Final: 5 votes for choice 0 and 1 for choice 129, 2 blank, 3 invalid, 300 cast.
const COUNTS: &str = "01 02 0005 8101 01 02 03 ac02";
const SENDER: &str = "01 80d0eab6b733 04686f7374 0104686f7374 03 7b0a7d";

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
        ("a newer kind", "01 0f 01 01 00", DecodeError::Kind(15)),
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
fn units_are_checked() {
    // From the first field of the first unit on.
    for (what, unit, expected) in [
        ("an empty code", "00 00 02 00 01 00 00 00", DecodeError::Text),
        ("a space in a code", "03 612061 00 02 00 01 00 00 00", DecodeError::Text),
        ("a space before a code", "02 2061 00 02 00 01 00 00 00", DecodeError::Text),
        ("a letter and its accent apart", "03 65cc81 00 02 00 01 00 00 00", DecodeError::Text),
        ("a code of 65 characters", &format!("41 {} 00 02 00 01 00 00 00", "61".repeat(65)), DecodeError::Text),
        ("a flag of 2 before the name", "01 61 02", DecodeError::Tag(2)),
        ("an empty name", "01 61 01 00", DecodeError::Text),
        ("a kind that is none", "01 61 00 05", DecodeError::Tag(5)),
        ("a parent of 33 bits", "01 61 00 02 8080808010", DecodeError::Range),
        ("a place in a longer form", "01 61 00 02 00 8100", DecodeError::NotShortest),
        ("a channel that is none", "01 61 00 02 00 01 07", DecodeError::Tag(7)),
        ("a flag of 2 before the registered voters", "01 61 00 02 00 01 00 02", DecodeError::Tag(2)),
        ("registered voters of 33 bits", "01 61 00 02 00 01 00 01 8080808010", DecodeError::Range),
        ("a flag of 2 before the boxes", "01 61 00 02 00 01 00 00 02", DecodeError::Tag(2)),
        ("boxes of 33 bits", "01 61 00 02 00 01 00 00 01 8080808010", DecodeError::Range),
        ("more than said", "01 61 00 02 00 01 00 00 00 01 62 00 02 00 02 00 00 00", DecodeError::Long),
    ] {
        check(what, &format!("01 08 01 01 01 0168 00 01 {unit}"), expected);
    }
    check("fewer units than said", "01 08 01 01 01 0168 00 ffffffff0f", DecodeError::Short);
    check("more units than a length can say", "01 08 01 01 01 0168 00 8080808010", DecodeError::Range);
    check("a retired unit of no kind", "01 09 01 01 01 05", DecodeError::Tag(5));
    check("a retired unit of no channel", "01 09 01 01 01 04 01 07", DecodeError::Tag(7));
    check("retired registered voters of 33 bits", "01 09 01 01 01 04 01 00 8080808010", DecodeError::Range);
    check("retired boxes of 33 bits", "01 09 01 01 01 04 01 00 00 8080808010", DecodeError::Range);
}

#[test]
fn reports_are_checked() {
    // From the counts on.
    let rest = "00 00 0168 00 00";
    for (what, counts, expected) in [
        ("a status that is none", "02 00 00 00 00", DecodeError::Tag(2)),
        ("falling choices", "00 02 0101 0001 00 00 02", DecodeError::Order),
        ("a repeated choice", "00 02 0101 0101 00 00 02", DecodeError::Order),
        ("a choice without votes", "00 01 0100 00 00 00", DecodeError::Range),
        ("more votes than the limit", "00 01 01 8194ebdc03 00 00 00", DecodeError::Range),
        ("more blank ballots than the limit", "00 00 8194ebdc03 00 00", DecodeError::Range),
        ("more invalid ballots than the limit", "00 00 00 8194ebdc03 00", DecodeError::Range),
        ("more ballots than the limit", "00 00 00 00 8194ebdc03", DecodeError::Range),
        ("votes in a longer form", "00 01 01 8100 00 00 01", DecodeError::NotShortest),
        ("more choices than a length can say", "00 808004", DecodeError::Range),
        ("a choice of 17 bits", "00 01 808004 01 00 00 01", DecodeError::Range),
    ] {
        check(what, &format!("01 0a 01 01 00 02 01 00 01 00 {counts} {rest}"), expected);
        check(what, &format!("01 0b 01 01 00 02 01 00 01 00 01 01 01 01 {counts} {rest}"), expected);
    }
    // From the channel on.
    for (what, rest, expected) in [
        ("a channel that is none", "07", DecodeError::Tag(7)),
        ("a revision of 33 bits", "00 8080808010", DecodeError::Range),
        ("a flag of 2 before the id", "00 01 02", DecodeError::Tag(2)),
        ("a standing that is none", "00 01 00 03", DecodeError::Tag(3)),
        ("a replaced revision of 33 bits", "00 01 00 01 01 8080808010", DecodeError::Range),
        ("a flag of 2 before the replaced counts", "00 01 00 01 01 01 02", DecodeError::Tag(2)),
        ("a flag of 2 before the time", "00 01 00 00 02", DecodeError::Tag(2)),
        ("a request that goes on", "00 01 00 00 00 0168 00 00 00", DecodeError::Long),
        ("a request beyond the end", "00 01 00 00 00 0168 00 02 00", DecodeError::Short),
        ("a request of 64 bits", "00 01 00 00 00 0168 00 ffffffffffffffffff01 00", DecodeError::Short),
    ] {
        check(what, &format!("01 0b 01 01 00 02 01 {rest}"), expected);
    }
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
        "01 08 03 ac02 01 04686f7374 0104686f7374 01 0161 0104686f7374 04 01 01 01 01c0843d 018201".to_owned(),
        "01 09 03 ac02 ac02 04 8201 03 c0843d 8201 04686f7374 0104686f7374".to_owned(),
        format!("01 0a 03 ac02 {REPORT} 01{VOTER} {COUNTS} 01 0c 02 01 {COUNTS} {SENDER}"),
        format!("01 0b 03 ac02 {REPORT} 01{VOTER} 02 ac02 {SENDER}"),
        "01 0c 03 ac02 8001 04686f7374 0104686f7374".to_owned(),
        format!("01 0d 03 ac02 8001 04686f7374 0104686f7374 {VOTER}{digest}"),
    ] {
        let whole = unhex(&hex);
        assert!(Entry::from_bytes(&whole).is_ok(), "{hex}");
        for length in 0..whole.len() {
            assert_eq!(Entry::from_bytes(&whole[..length]), Err(DecodeError::Short), "{length} bytes of {hex}");
        }
        assert_eq!(Entry::from_bytes(&[&whole[..], &[0]].concat()), Err(DecodeError::Long), "{hex} and a byte more");
    }
}
