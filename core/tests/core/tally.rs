//! Totals in blocks: what a copy shares and what it does not, which boxes and voters are foreseen, and the JSON as ever.

use hustings_core::{
    Cell, Channel, ChoiceNumber, Content, ContestNumber, Counts, Delta, Event, GroupNumber, Increment, Measure,
    NewUnit, ReportFiled, ReportStatus, Revision, Seq, Standing, Tally, Totals, Unit, UnitKind, UnitNumber,
    UnitRetired, UnitsAdded,
};

use crate::boxes::{Night, counts, night, unit};
use crate::support::text;

const FIRST: ContestNumber = ContestNumber(0);
const YORK: UnitNumber = UnitNumber(2);
const LEEDS: UnitNumber = UnitNumber(6);

fn cell(contest: ContestNumber, unit: UnitNumber, measure: Measure) -> Cell {
    Cell { contest, unit, group: GroupNumber(0), measure }
}

fn add(tally: &mut Tally, contest: u32, unit: UnitNumber, delta: i64) {
    let increment = Increment { cell: cell(ContestNumber(contest), unit, Measure::Cast), delta: Delta(delta) };
    tally.add(&[increment]).expect("a total in range");
}

fn cast(tally: &Tally, contest: u32, unit: UnitNumber) -> u64 {
    tally.get(&cell(ContestNumber(contest), unit, Measure::Cast)).get()
}

/// Where the totals of a contest in a unit are kept: equal only where two tallies share them.
fn block(tally: &Tally, contest: u32, unit: UnitNumber) -> Option<*const Totals> {
    tally.totals(ContestNumber(contest), unit).map(std::ptr::from_ref)
}

#[test]
fn a_copy_shares_its_blocks_until_one_of_them_moves() {
    let mut tally = Tally::default();
    for (contest, unit, delta) in [(0, YORK, 5), (0, LEEDS, 7), (1, YORK, 9)] {
        add(&mut tally, contest, unit, delta);
    }
    let mut copy = tally.clone();
    for (contest, unit) in [(0, YORK), (0, LEEDS), (1, YORK)] {
        assert_eq!(block(&copy, contest, unit), block(&tally, contest, unit), "a copy costs nothing");
    }
    add(&mut tally, 0, YORK, 1);
    assert_eq!((cast(&tally, 0, YORK), cast(&copy, 0, YORK)), (6, 5), "the copy stays as it was");
    assert_ne!(block(&copy, 0, YORK), block(&tally, 0, YORK));
    assert_eq!(block(&copy, 0, LEEDS), block(&tally, 0, LEEDS), "what did not move is shared");
    assert_eq!(block(&copy, 1, YORK), block(&tally, 1, YORK), "the same unit of another contest is shared");
    add(&mut copy, 0, LEEDS, -7);
    assert_eq!((cast(&tally, 0, LEEDS), cast(&copy, 0, LEEDS)), (7, 0), "the first stays as it was too");
    let kept = block(&tally, 0, YORK);
    add(&mut tally, 0, YORK, 1);
    assert_eq!(block(&tally, 0, YORK), kept, "what nobody shares is moved in place");

    let before = tally.clone();
    let too_much = [(YORK, 1), (LEEDS, -8)]
        .map(|(unit, delta)| Increment { cell: cell(FIRST, unit, Measure::Cast), delta: Delta(delta) });
    assert!(tally.add(&too_much).is_err());
    assert_eq!(tally, before, "one cell below zero moves none");
    assert_eq!(block(&tally, 0, YORK), block(&before, 0, YORK));
}

#[test]
fn totals_are_found_by_contest_and_unit() {
    let mut tally = Tally::default();
    let last = UnitNumber(u32::MAX);
    for (contest, unit, delta) in [(1, LEEDS, 1), (0, last, 2), (1, Unit::ROOT, 3), (1, YORK, 4), (2, YORK, 5)] {
        add(&mut tally, contest, unit, delta);
    }
    let units = |contest| tally.units(ContestNumber(contest)).map(|(unit, _)| unit).collect::<Vec<_>>();
    assert_eq!(units(0), [last]);
    assert_eq!(units(1), [Unit::ROOT, YORK, LEEDS]);
    assert_eq!(units(3), []);
    assert_eq!(tally.totals(FIRST, YORK), None);
    assert_eq!(tally.totals(ContestNumber(2), YORK).map(|totals| totals.iter().count()), Some(1));
}

#[test]
fn the_json_of_totals_is_as_ever() {
    let mut tally = Tally::default();
    let at = |contest, unit, group, measure, delta| Increment {
        cell: Cell { contest: ContestNumber(contest), unit: UnitNumber(unit), group: GroupNumber(group), measure },
        delta: Delta(delta),
    };
    let increments = [
        at(1, 300, 6, Measure::Choice(ChoiceNumber(2)), 9),
        at(0, 0, 0, Measure::ChoiceAt(ChoiceNumber(1), 5), 3),
        at(0, 0, 0, Measure::Ballots, 9_007_199_254_740_991),
        at(u32::MAX, 2, 1, Measure::BoxesForeseen, 10),
        at(0, 2, 0, Measure::BoxesProvisional, 0),
    ];
    tally.add(&increments).expect("totals in range");
    let json = concat!(
        r#"[[{"contest":0,"unit":0,"group":0,"measure":"ballots"},9007199254740991],"#,
        r#"[{"contest":0,"unit":0,"group":0,"measure":{"choice_at":[1,5]}},3],"#,
        r#"[{"contest":0,"unit":2,"group":0,"measure":"boxes_provisional"},0],"#,
        r#"[{"contest":1,"unit":300,"group":6,"measure":{"choice":2}},9],"#,
        r#"[{"contest":4294967295,"unit":2,"group":1,"measure":"boxes_foreseen"},10]]"#,
    );
    // With units it is packed; of the root alone it stays what earlier programs wrote.
    let mut of_root = Tally::default();
    of_root.add(&increments[1..3]).expect("totals in range");
    let list = format!("{}]", json.split_once(r#",[{"contest":0,"unit":2"#).expect("cells of the root").0);
    assert_eq!(serde_json::to_string(&of_root).expect("a tally as JSON"), list);
    assert_eq!(serde_json::from_str::<Tally>(json).expect("a tally from JSON"), tally);
    for (measure, name) in [
        (Measure::Blank, "blank"),
        (Measure::Invalid, "invalid"),
        (Measure::Cast, "cast"),
        (Measure::BoxesFinal, "boxes_final"),
        (Measure::NewBoxes, "new_boxes"),
        (Measure::NewVotes, "new_votes"),
        (Measure::Boxes, "boxes"),
        (Measure::Registered, "registered"),
    ] {
        assert_eq!(serde_json::to_string(&measure).expect("a measure as JSON"), format!("\"{name}\""));
    }
    assert!(serde_json::from_str::<Tally>(r#"[[{"contest":0,"unit":0,"group":0,"measure":"cast"},-1]]"#).is_err());
}

/// What an event moves, in the order of the cells; a cell that loses one and gains one does not move.
fn moved(event: &Event) -> Vec<(ContestNumber, UnitNumber, Channel, Measure, i64)> {
    let mut sums = std::collections::BTreeMap::new();
    event.increments().iter().for_each(|one| *sums.entry(one.cell).or_insert(0) += one.delta.0);
    let channel = |group| Channel::of(group).expect("the group of a channel");
    let line = |(cell, sum): (Cell, i64)| (cell.contest, cell.unit, channel(cell.group), cell.measure, sum);
    sums.into_iter().filter(|(_, sum)| *sum != 0).map(line).collect()
}

/// A report of a postal box in York in the contest 3.
fn filed(content: Content, standing: Standing) -> Event {
    Event::ReportFiled(ReportFiled {
        contest: ContestNumber(3),
        ballot_box: UnitNumber(5),
        place: YORK,
        channel: Channel::Postal,
        revision: Revision(2),
        id: None,
        content,
        standing,
        reported_at: None,
        by: text("gateway"),
        reason: None,
        request: Vec::new(),
    })
}

#[test]
fn a_report_moves_what_it_changes_in_its_place_and_its_channel() {
    let choice = |number| Measure::Choice(ChoiceNumber(number));
    let replaces = |counts| Standing::Replaces { seq: Seq(1), revision: Revision(1), counts };
    let full = Counts { blank: 2, invalid: 1, cast: 11, ..counts(&[5, 3]) };
    let provisional = Counts { status: ReportStatus::Provisional, ..full.clone() };
    let one = |counts: &Counts| Content::Filed(counts.clone());
    for (what, event, expected) in [
        (
            "the first",
            filed(one(&full), Standing::First),
            &[
                (Measure::Blank, 2),
                (Measure::Invalid, 1),
                (Measure::Cast, 11),
                (Measure::BoxesFinal, 1),
                (Measure::NewBoxes, 1),
                (Measure::NewVotes, 8),
                (choice(0), 5),
                (choice(1), 3),
            ][..],
        ),
        (
            "an empty box",
            filed(one(&counts(&[])), Standing::First),
            &[(Measure::BoxesFinal, 1), (Measure::NewBoxes, 1)],
        ),
        ("the same again", filed(one(&full), replaces(Some(full.clone()))), &[]),
        (
            "what was provisional",
            filed(one(&full), replaces(Some(provisional.clone()))),
            &[(Measure::BoxesProvisional, -1), (Measure::BoxesFinal, 1)],
        ),
        (
            "votes that move",
            filed(one(&counts(&[6, 0, 2])), replaces(Some(counts(&[5, 3])))),
            &[(choice(0), 1), (choice(1), -3), (choice(2), 2)],
        ),
        (
            "a withdrawal",
            filed(Content::Withdrawn, replaces(Some(provisional))),
            &[
                (Measure::Blank, -2),
                (Measure::Invalid, -1),
                (Measure::Cast, -11),
                (Measure::BoxesProvisional, -1),
                (choice(0), -5),
                (choice(1), -3),
            ],
        ),
        (
            "a report after a withdrawal",
            filed(one(&counts(&[1])), replaces(None)),
            &[(Measure::Cast, 1), (Measure::BoxesFinal, 1), (choice(0), 1)],
        ),
        ("a late one", filed(one(&full), Standing::Late { current: Seq(1) }), &[]),
        ("a late withdrawal", filed(Content::Withdrawn, Standing::Late { current: Seq(1) }), &[]),
    ] {
        let expected: Vec<_> =
            expected.iter().map(|(measure, sum)| (ContestNumber(3), YORK, Channel::Postal, *measure, *sum)).collect();
        assert_eq!(moved(&event), expected, "{what}");
    }
}

#[test]
fn units_move_what_is_expected_of_their_places() {
    let Night { units, .. } = night();
    let new = [
        NewUnit { boxes: Some(10), registered: Some(1000), ..unit("hull", UnitKind::City, "north") },
        NewUnit { channel: Channel::Early, ..unit("hull-1", UnitKind::Box, "hull") },
        NewUnit { registered: Some(70), ..unit("school", UnitKind::Station, "york") },
        NewUnit { channel: Channel::Early, ..unit("school-1", UnitKind::Box, "school") },
        NewUnit { channel: Channel::Postal, registered: Some(9), ..unit("leeds-2", UnitKind::Box, "leeds") },
    ];
    let (by, reason) = (text("host"), None);
    let added = UnitsAdded { first: units.next(), units: units.prepare(&new).expect("sound"), by, reason };
    let hull = UnitNumber(8);
    let (none, in_person, postal, early) = (ContestNumber::NONE, Channel::InPerson, Channel::Postal, Channel::Early);
    assert_eq!(
        moved(&Event::UnitsAdded(added.clone())),
        [
            (none, YORK, in_person, Measure::Registered, 70),
            (none, YORK, early, Measure::Boxes, 1),
            (none, LEEDS, in_person, Measure::Registered, 9),
            (none, LEEDS, postal, Measure::Boxes, 1),
            (none, hull, in_person, Measure::BoxesForeseen, 10),
            (none, hull, in_person, Measure::Registered, 1000),
            (none, hull, early, Measure::Boxes, 1),
        ],
    );
    // All of them retired is none of them added.
    let mut tally = Tally::default();
    tally.add(&Event::UnitsAdded(added.clone()).increments()).expect("totals in range");
    for (unit, number) in added.units.iter().zip(8..) {
        let retired = UnitRetired {
            unit: UnitNumber(number),
            kind: unit.kind,
            place: unit.place,
            channel: unit.channel,
            registered: unit.registered.unwrap_or(0),
            boxes: unit.boxes.unwrap_or(0),
            by: text("host"),
            reason: None,
        };
        tally.add(&Event::UnitRetired(retired).increments()).expect("what was added");
    }
    assert!(tally.agrees_with(&Tally::default()), "{tally:?}");
}
