//! The canonical bytes: golden entries that fail when the format changes, and proof that there is only one way to write
//! an entry.

use hustings_core::entry::StateChange;
use hustings_core::{
    BallotCast, Chain, Change, ContestId, ContestNumber, Entry, Event, GroupNumber, Method, Previous, Seq,
    StateChanged, Time,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{any_entry, choices, contest, scores, submission_id, text, voter};

const SEVENS: &str = "07070707070707070707070707070707";
const NINES: &str = "09090909090909090909090909090909";
const DIGEST: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

/// Bytes from hex; spaces part the fields for the reader.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

fn check(name: &str, event: Event, seq: u64, time: u64, golden: &str) {
    assert_eq!(event.name(), name);
    let entry = Entry { seq: Seq(seq), time: Time(time), event };
    let golden = unhex(golden);
    assert_eq!(entry.to_bytes(), golden, "{name} is written in another way than before");
    assert_eq!(Entry::from_bytes(&golden), Ok(entry), "{name} is read in another way than before");
}

#[test]
fn ballots_are_written_as_ever() {
    let bare = BallotCast {
        contest: ContestNumber(0),
        group: GroupNumber(0),
        voter: voter(7),
        id: None,
        selections: choices(&[2]),
        previous: None,
    };
    check(
        "ballot_cast",
        Event::BallotCast(bare.clone()),
        1,
        300,
        &format!("01 01 01 ac02 00 00 {SEVENS} 00 000102 00"),
    );

    let full = BallotCast {
        contest: ContestNumber(1),
        group: GroupNumber(130),
        id: Some(submission_id(9)),
        selections: scores(&[(0, 5), (129, 100)]),
        previous: Some(Previous { seq: Seq(12), group: GroupNumber(300), selections: scores(&[(2, 0)]) }),
        ..bare
    };
    let golden = format!("01 01 ac02 80d0eab6b733 01 8201 {SEVENS} 01{NINES} 01020005810164 010cac0201010200");
    check("ballot_cast", Event::BallotCast(full), 300, 1_767_225_600_000, &golden);

    let blanked = BallotCast {
        selections: choices(&[]),
        previous: Some(Previous { seq: Seq(1), group: GroupNumber(0), selections: choices(&[0, 65535]) }),
        ..bare
    };
    let golden = format!("01 01 02 ffffffffffffffffff01 00 00 {SEVENS} 00 0000 01 01 00 000200ffff03");
    check("ballot_cast", Event::BallotCast(blanked), 2, u64::MAX, &golden);
}

#[test]
fn changes_of_state_are_written_as_ever() {
    let definition = [0xdd; 32];
    let next = ContestId(Uuid::from_bytes([9; 16]));
    let round = StateChange::RoundStarted { next, definition };
    let reason = "01 10c39c6ec3af636f646520726561736f6e";
    for (name, change, reasoned, golden) in [
        ("contest_opened", StateChange::Opened { scheduled: false, definition }, false, format!("02 00 00{DIGEST}")),
        (
            "contest_opened",
            StateChange::Opened { scheduled: true, definition },
            true,
            format!("02 {reason} 01{DIGEST}"),
        ),
        ("contest_paused", StateChange::Paused, false, "03 00".to_owned()),
        ("contest_paused", StateChange::Paused, true, format!("03 {reason}")),
        ("contest_closed", StateChange::Closed { scheduled: false }, false, "04 00 00".to_owned()),
        ("contest_closed", StateChange::Closed { scheduled: true }, true, format!("04 {reason} 01")),
        ("contest_reopened", StateChange::Reopened, false, "05 00".to_owned()),
        ("contest_reopened", StateChange::Reopened, true, format!("05 {reason}")),
        ("results_revealed", StateChange::Revealed, false, "06 00".to_owned()),
        ("results_revealed", StateChange::Revealed, true, format!("06 {reason}")),
        ("round_started", round, false, format!("07 00 {NINES}{DIGEST}")),
        ("round_started", round, true, format!("07 {reason} {NINES}{DIGEST}")),
    ] {
        let reason = reasoned.then(|| text("Ünïcode reason"));
        let event = StateChanged { contest: ContestNumber(128), change, by: text("host"), reason };
        let (kind, rest) = golden.split_at(2);
        check(name, Event::StateChanged(event), 3, 300, &format!("01 {kind} 03 ac02 8001 04686f7374 {rest}"));
    }
}

#[test]
fn the_chain_and_the_definition_are_hashed_as_ever() {
    let first = Chain::EMPTY.extend(&unhex(&format!("01 01 01 ac02 00 00 {} 00 000102 00", "aa".repeat(16))));
    assert_eq!(first.to_string(), "4b4c3e851b1d7cb3c620e3780b3b9c643316cd9cff7253886f13e5d2ac4d2318");
    let second = first.extend(&unhex("01 03 02 ac02 00 04686f7374 00"));
    assert_eq!(second.to_string(), "0eb055e382b37013ed57df11af5795751644b449d2fab3387767d449ee06344c");

    let approval = Method::Approval { min: 0, max: 2 };
    let score = Method::Score { min: 0, max: 100 };
    for (method, change, golden) in [
        (Method::Single, Change::Final, "8582c591b1b72833207f06977de0e0b59dd1e4f6575bf1cb33681a2eaa3aa0d2"),
        (approval, Change::UntilClose, "5664301b7dc8d88357e4299968cd3188516d186c185eae183a6b6c1d181b8a47"),
        (score, Change::Final, "344ae07590ab99d8306239bd73f00548bad7c9546fa6b9dbfc74caba6e02ad01"),
    ] {
        assert_eq!(contest(method, change).digest().to_vec(), unhex(golden), "{method:?} {change:?}");
    }
}

/// Whatever is read is what would be written; the rest is refused, and nothing panics.
fn check_canonical(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(entry) = Entry::from_bytes(bytes) {
        prop_assert_eq!(entry.to_bytes(), bytes, "a second way to write {:?}", entry);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_entry_is_read_back(entry in any_entry()) {
        prop_assert_eq!(Entry::from_bytes(&entry.to_bytes()), Ok(entry));
    }

    #[test]
    fn random_bytes_are_canonical_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0..9_u8) {
        check_canonical(&bytes)?;
        check_canonical(&[&[Entry::FORMAT, kind, 1, 1], bytes.as_slice()].concat())?;
    }

    /// Small bytes at random places make longer forms, other tags, other orders and other lengths of what was valid.
    #[test]
    fn damaged_entries_are_canonical_or_refused(
        entry in any_entry(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, prop_oneof![0..4_u8, any::<u8>()]), 1..3),
    ) {
        let mut bytes = entry.to_bytes();
        for (place, how, byte) in damages {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] ^= byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        check_canonical(&bytes)?;
    }

    /// A longer form of a number (its last byte marked as going on, then a zero) must never be read as the number.
    #[test]
    fn a_padded_number_is_never_accepted(entry in any_entry(), place in any::<prop::sample::Index>()) {
        let mut bytes = entry.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] |= 0x80;
        bytes.insert(place + 1, 0);
        check_canonical(&bytes)?;
    }
}
