//! The canonical bytes: golden entries that fail when the format changes, and proof that there is only one way to write
//! an entry.

use hustings_core::entry::StateChange;
use hustings_core::{
    BallotCast, Chain, Change, Channel, ChoiceNumber, Content, Contest, ContestId, ContestNumber, Counts, Entry, Event,
    GroupNumber, Method, Party, Previous, Race, ReportFiled, ReportStatus, Retitled, Revision, Seq, Standing,
    StateChanged, Time, Unit, UnitKind, UnitNumber, UnitRetired, UnitsAdded,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{any_entry, choices, contest, label, scores, submission_id, text, voter};

const SEVENS: &str = "07070707070707070707070707070707";
const NINES: &str = "09090909090909090909090909090909";
/// A reason, `Ünïcode reason`, behind its flag.
const REASON: &str = "01 10c39c6ec3af636f646520726561736f6e";
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
    let added = StateChange::Added { next, definition };
    let reason = REASON;
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
        ("results_certified", StateChange::Certified, false, "0c 00".to_owned()),
        ("results_certified", StateChange::Certified, true, format!("0c {reason}")),
        ("contest_added", added, false, format!("0d 00 {NINES}{DIGEST}")),
        ("contest_added", added, true, format!("0d {reason} {NINES}{DIGEST}")),
    ] {
        let reason = reasoned.then(|| text("Ünïcode reason"));
        let event = StateChanged { contest: ContestNumber(128), change, by: text("host"), reason };
        let (kind, rest) = golden.split_at(2);
        check(name, Event::StateChanged(event), 3, 300, &format!("01 {kind} 03 ac02 8001 04686f7374 {rest}"));
    }
}

#[test]
fn titles_are_written_as_ever() {
    let bare = Retitled { title: text("Thé?"), by: text("host"), reason: None };
    check("retitled", Event::Retitled(bare.clone()), 3, 300, "01 0e 03 ac02 04686f7374 00 05 5468c3a93f");
    let full = Retitled { reason: Some(text("Ünïcode reason")), ..bare };
    let golden = format!("01 0e 03 ac02 04686f7374 {REASON} 05 5468c3a93f");
    check("retitled", Event::Retitled(full), 3, 300, &golden);
}

#[test]
fn units_are_written_as_ever() {
    let (by, reason) = (text("host"), Some(text("Ünïcode reason")));
    let city = Unit {
        code: label("london"),
        name: None,
        kind: UnitKind::City,
        parent: UnitNumber(0),
        place: UnitNumber(1),
        channel: Channel::InPerson,
        registered: Some(1_000_000),
        boxes: Some(130),
        is_retired: false,
    };
    let ballot_box = Unit {
        code: label("Box-é"),
        name: Some(text("School")),
        kind: UnitKind::Box,
        parent: UnitNumber(1),
        channel: Channel::Postal,
        registered: None,
        boxes: None,
        ..city
    };
    let added = UnitsAdded { first: UnitNumber(1), units: vec![city, ballot_box], by: by.clone(), reason: None };
    let units = "06 6c6f6e646f6e 00 02 00 01 00 01c0843d 018201 06 426f782dc3a9 01 06 5363686f6f6c 04 01 01 01 00 00";
    check(
        "units_added",
        Event::UnitsAdded(added.clone()),
        3,
        300,
        &format!("01 08 03 ac02 01 04686f7374 00 02 {units}"),
    );
    let none = UnitsAdded { first: UnitNumber(300), units: Vec::new(), reason: reason.clone(), ..added };
    check("units_added", Event::UnitsAdded(none), 3, 300, &format!("01 08 03 ac02 ac02 04686f7374 {REASON} 00"));

    let retired = UnitRetired {
        unit: UnitNumber(300),
        kind: UnitKind::Box,
        place: UnitNumber(130),
        channel: Channel::Overseas,
        registered: 0,
        boxes: 0,
        by,
        reason,
    };
    let golden = format!("01 09 03 ac02 ac02 04 8201 03 00 00 04686f7374 {REASON}");
    check("unit_retired", Event::UnitRetired(retired.clone()), 3, 300, &golden);
    let city = UnitRetired { kind: UnitKind::City, registered: 1_000_000, boxes: 130, reason: None, ..retired };
    check("unit_retired", Event::UnitRetired(city), 3, 300, "01 09 03 ac02 ac02 02 8201 03 c0843d 8201 04686f7374 00");
}

#[test]
fn reports_are_written_as_ever() {
    let counts = |status, votes: &[(u16, u32)], [blank, invalid, cast]: [u32; 3]| {
        let votes = votes.iter().map(|(number, votes)| (ChoiceNumber(*number), *votes)).collect();
        Counts { status, votes, blank, invalid, cast }
    };
    let bare = ReportFiled {
        contest: ContestNumber(0),
        ballot_box: UnitNumber(2),
        place: UnitNumber(1),
        channel: Channel::InPerson,
        revision: Revision(1),
        id: None,
        content: Content::Filed(counts(ReportStatus::Provisional, &[], [0, 0, 0])),
        standing: Standing::First,
        reported_at: None,
        by: text("host"),
        reason: None,
        request: Vec::new(),
    };
    let golden = "01 0a 03 ac02 00 02 01 00 01 00 00 00 00 00 00 00 00 04686f7374 00 00";
    check("report_filed", Event::ReportFiled(bare.clone()), 3, 300, golden);

    let before = counts(ReportStatus::Provisional, &[(0, 5)], [0, 0, 5]);
    let full = ReportFiled {
        contest: ContestNumber(1),
        ballot_box: UnitNumber(300),
        place: UnitNumber(130),
        channel: Channel::Other,
        revision: Revision(130),
        id: Some(submission_id(9)),
        content: Content::Filed(counts(ReportStatus::Final, &[(0, 1_000_000_000), (129, 1)], [2, 3, 300])),
        standing: Standing::Replaces { seq: Seq(12), revision: Revision(2), counts: Some(before) },
        reported_at: Some(Time(1_767_225_600_000)),
        reason: Some(text("Ünïcode reason")),
        request: b"{\n}".to_vec(),
        ..bare.clone()
    };
    let place = format!("01 ac02 8201 06 8201 01{NINES}");
    let sender = format!("01 80d0eab6b733 04686f7374 {REASON} 03 7b0a7d");
    let filed = "01 02 00 8094ebdc03 8101 01 02 03 ac02";
    let golden = format!("01 0a 03 ac02 {place} {filed} 01 0c 02 01 00 01 0005 00 00 05 {sender}");
    check("report_filed", Event::ReportFiled(full.clone()), 3, 300, &golden);

    let standing = Standing::Replaces { seq: Seq(12), revision: Revision(2), counts: None };
    let after_withdrawal = ReportFiled { standing, ..full.clone() };
    let golden = format!("01 0a 03 ac02 {place} {filed} 01 0c 02 00 {sender}");
    check("report_filed", Event::ReportFiled(after_withdrawal), 3, 300, &golden);

    let late = ReportFiled { content: Content::Withdrawn, standing: Standing::Late { current: Seq(300) }, ..full };
    let golden = format!("01 0b 03 ac02 {place} 02 ac02 {sender}");
    check("report_withdrawn", Event::ReportFiled(late), 3, 300, &golden);
    let withdrawn = ReportFiled { content: Content::Withdrawn, ..bare };
    let golden = "01 0b 03 ac02 00 02 01 00 01 00 00 00 04686f7374 00 00";
    check("report_withdrawn", Event::ReportFiled(withdrawn), 3, 300, golden);
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

    let mut reported = Contest {
        race: Some(Race { code: label("mayor"), title: text("Mayor"), unit: UnitNumber(300) }),
        ..contest(Method::Single, Change::Final)
    };
    let party = Party { code: label("tories"), name: text("The Tories") };
    reported.choices[1].party = Some(party);
    assert_eq!(
        reported.digest().to_vec(),
        unhex("a05c6a49280bfdf1e510642c7c9030cefb621ad9945435d30a782c5f2cd0fe75"),
        "a contest of boxes"
    );
    reported.race = None;
    let plain = contest(Method::Single, Change::Final).digest();
    assert_eq!(reported.digest(), plain, "a party is covered only where boxes report");
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
    fn random_bytes_are_canonical_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0..15_u8) {
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
