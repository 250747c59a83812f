//! The tree of units: what may be added where, every fault at once, and what an entry may do to it.

use hustings_core::{
    Channel, ContestState, Event, NewUnit, Rejection, Seq, Unit, UnitError, UnitKind, UnitNumber, UnitRetired, Units,
    UnitsAdded, Verdict,
};

use crate::boxes::{Night, accepted, night, race, unit};
use crate::support::{label, text};

use UnitError::{
    BoxesOfNoPlace, CodeTaken, CodeTwice, Cycle, Orphan, ParentRetired, RegisteredTwice, TooDeep, TooMany, WrongKind,
};
use UnitKind::{Box as BallotBox, City, Nation, Region, Station};

/// [`night`] with a retired city, and a region whose registered voters and boxes are told.
fn tree() -> Night {
    let mut night = night();
    accepted(&night.add_units(&[unit("ghost", City, "nation"), told(foreseen(unit("told", Region, "nation")))]));
    let ghost = night.unit("ghost");
    accepted(&night.retire(ghost));
    night
}

fn told(unit: NewUnit) -> NewUnit {
    NewUnit { registered: Some(1000), ..unit }
}

fn foreseen(unit: NewUnit) -> NewUnit {
    NewUnit { boxes: Some(10), ..unit }
}

/// The faults of these units, each with its place; none where they can be added.
fn check(what: &str, new: &[NewUnit], expected: &[(usize, UnitError)]) {
    let found = tree().units.prepare(new).err().unwrap_or_default();
    let found: Vec<_> = found.into_iter().map(|fault| (fault.at, fault.what)).collect();
    assert_eq!(found, expected, "{what}");
}

#[test]
fn each_fault_has_its_name_and_its_place() {
    let renamed = NewUnit { name: Some(text("Leeds")), ..unit("leeds", City, "nation") };
    let postal = NewUnit { channel: Channel::Postal, ..unit("york-1", BallotBox, "hall") };
    for (what, new, expected) in [
        ("the root", vec![unit("nation", Nation, "nation")], &[(0, CodeTaken)][..]),
        ("the root as a region", vec![unit("nation", Region, "north")], &[(0, CodeTaken)]),
        ("a code of the tree, elsewhere", vec![unit("leeds", City, "north")], &[(0, CodeTaken)]),
        ("a code of the tree, another kind", vec![unit("leeds", Region, "nation")], &[(0, CodeTaken)]),
        ("a code of the tree, another name", vec![renamed], &[(0, CodeTaken)]),
        ("a code of the tree, another channel", vec![postal], &[(0, CodeTaken)]),
        ("a code of the tree, now told", vec![told(unit("leeds", City, "nation"))], &[(0, CodeTaken)]),
        ("a code of the tree, now foreseen", vec![foreseen(unit("leeds", City, "nation"))], &[(0, CodeTaken)]),
        ("a code of the tree, below itself", vec![unit("leeds", City, "leeds")], &[(0, CodeTaken)]),
        ("a retired unit, just so", vec![unit("ghost", City, "nation")], &[(0, CodeTaken)]),
        ("a code twice", vec![unit("a", City, "north"), unit("a", City, "north")], &[(1, CodeTwice)]),
        (
            "a code three times, with others between",
            vec![unit("a", City, "north"), unit("b", City, "north"), unit("a", Region, "b"), unit("a", City, "north")],
            &[(2, CodeTwice), (3, CodeTwice)],
        ),
        ("no parent in sight", vec![unit("a", City, "nowhere")], &[(0, Orphan)]),
        ("an orphan's child", vec![unit("a-1", BallotBox, "a"), unit("a", City, "nowhere")], &[(1, Orphan)]),
        ("a second nation", vec![unit("a", Nation, "nation")], &[(0, WrongKind)]),
        ("a city in a city", vec![unit("a", City, "york")], &[(0, WrongKind)]),
        ("a region in a city", vec![unit("a", Region, "york")], &[(0, WrongKind)]),
        ("a city in a station", vec![unit("a", City, "hall")], &[(0, WrongKind)]),
        ("a station in a station", vec![unit("a", Station, "hall")], &[(0, WrongKind)]),
        ("a station in a box", vec![unit("a", Station, "york-1")], &[(0, WrongKind)]),
        ("a box in a box", vec![unit("a", BallotBox, "york-1")], &[(0, WrongKind)]),
        ("below what is retired", vec![unit("a", BallotBox, "ghost")], &[(0, ParentRetired)]),
        ("told below what is told", vec![told(unit("a", City, "told"))], &[(0, RegisteredTwice)]),
        (
            "told far below what is told",
            vec![told(unit("a-1", BallotBox, "a")), unit("a", City, "told")],
            &[(0, RegisteredTwice)],
        ),
        (
            "told below what comes told",
            vec![told(unit("a", City, "north")), told(unit("a-1", BallotBox, "a"))],
            &[(1, RegisteredTwice)],
        ),
        ("a foreseen station", vec![foreseen(unit("a", Station, "york"))], &[(0, BoxesOfNoPlace)]),
        ("a foreseen box", vec![foreseen(unit("a", BallotBox, "york"))], &[(0, BoxesOfNoPlace)]),
    ] {
        check(what, &new, expected);
    }
}

#[test]
fn a_unit_below_itself_is_told_once() {
    let region = |code, parent| unit(code, Region, parent);
    let good = || [unit("good-1", BallotBox, "good"), unit("good", City, "north")];
    for (what, new, expected) in [
        ("its own parent", vec![region("a", "a")], &[(0, Cycle)][..]),
        ("a cycle of two", vec![region("a", "b"), region("b", "a")], &[(0, Cycle)]),
        ("a cycle of three", vec![region("a", "b"), region("b", "c"), region("c", "a")], &[(0, Cycle)]),
        ("a cycle of three, the other way", vec![region("a", "c"), region("b", "a"), region("c", "b")], &[(0, Cycle)]),
        ("a way into a cycle", vec![region("x", "a"), region("a", "b"), region("b", "a")], &[(1, Cycle)]),
        (
            "two cycles",
            vec![region("a", "b"), region("c", "c"), region("b", "a"), region("x", "c")],
            &[(0, Cycle), (1, Cycle)],
        ),
        ("a cycle beside good units", [&good()[..], &[region("a", "b"), region("b", "a")]].concat(), &[(2, Cycle)]),
        (
            "a cycle with a code twice",
            vec![region("a", "b"), region("a", "b"), region("b", "a")],
            &[(1, CodeTwice), (1, Cycle)],
        ),
        ("around a unit of the tree", vec![region("north", "a"), region("a", "north")], &[(0, CodeTaken)]),
        ("good units", good().to_vec(), &[]),
    ] {
        check(what, &new, expected);
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let chain = |depth: usize| {
        let code = |level| if level == 0 { "nation".to_owned() } else { format!("level-{level}") };
        (1..=depth).map(move |level| unit(&code(level), Region, &code(level - 1))).collect::<Vec<_>>()
    };
    let deepest = || unit("deep-1", BallotBox, &format!("level-{}", Units::DEPTH_MAX));
    check("the deepest tree", &chain(Units::DEPTH_MAX), &[]);
    check("one level more", &chain(Units::DEPTH_MAX + 1), &[(12, TooDeep)]);
    let with_a_box: Vec<NewUnit> = [deepest()].into_iter().chain(chain(Units::DEPTH_MAX)).collect();
    check("a box below the deepest", &with_a_box, &[(0, TooDeep)]);
    check(
        "one of each",
        &[
            unit("nation", Region, "nation"),
            unit("twice", City, "north"),
            unit("twice", City, "north"),
            unit("orphan", City, "nowhere"),
            unit("fine", City, "north"),
            unit("around", Region, "around"),
            unit("second", Nation, "nation"),
            unit("late", BallotBox, "ghost"),
            told(unit("again", City, "told")),
            foreseen(unit("foreseen", BallotBox, "york")),
            unit("finer", BallotBox, "fine"),
        ],
        &[
            (0, CodeTaken),
            (2, CodeTwice),
            (3, Orphan),
            (5, Cycle),
            (6, WrongKind),
            (7, ParentRetired),
            (8, RegisteredTwice),
            (9, BoxesOfNoPlace),
        ],
    );
    // Of one unit only the first fault is told.
    check("a wrong kind below what is retired", &[unit("a", Nation, "ghost")], &[(0, WrongKind)]);
    check("told and foreseen", &[told(foreseen(unit("a", BallotBox, "told")))], &[(0, RegisteredTwice)]);
    check(
        "a fault above hides none below",
        &[unit("a", City, "york"), unit("b", City, "a")],
        &[(0, WrongKind), (1, WrongKind)],
    );
}

#[test]
fn no_tree_has_more_units_than_the_limit() {
    let mut units = Units::default();
    // What a store hands back is trusted, so that one code will do for all of them.
    let one = ballot_box("one", 0, 0);
    for number in 1..999_999 {
        assert_eq!(units.restore(UnitNumber(number), one.clone(), Seq(1)), Ok(()), "unit {number}");
    }
    assert_eq!(units.count() + 1, Units::UNITS_MAX, "one more fits");
    let [last, more] = ["last", "more"].map(|code| unit(code, BallotBox, "nation"));
    let faults = |units: &Units, new: &[NewUnit]| {
        let faults = units.prepare(new).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.at, fault.what)).collect::<Vec<_>>()
    };
    let both = [last.clone(), more.clone()];
    assert_eq!(faults(&units, &both), [(1, TooMany)]);
    let two = added(999_999, vec![ballot_box("last", 0, 0), ballot_box("more", 0, 0)]);
    assert_eq!(units.add(&two, Seq(2)), Err(Rejection::UnitsMoved));
    units.add(&added(999_999, vec![ballot_box("last", 0, 0)]), Seq(2)).expect("the last that fits");
    assert_eq!(faults(&units, &[more]), [(0, TooMany)]);
    assert_eq!(units.prepare(&[last]), Ok(Vec::new()), "what is there already fits");
}

fn added(first: u32, units: Vec<Unit>) -> UnitsAdded {
    UnitsAdded { first: UnitNumber(first), units, by: text("host"), reason: None }
}

/// A box as an entry holds it.
fn ballot_box(code: &str, parent: u32, place: u32) -> Unit {
    Unit { code: label(code), kind: BallotBox, parent: UnitNumber(parent), place: UnitNumber(place), ..Unit::root() }
}

#[test]
fn what_is_there_just_so_is_left_out_and_parents_come_first() {
    let night = tree();
    let named = NewUnit { name: Some(text("york")), parent: Some(label("north")), ..unit("york", City, "north") };
    let rootless = NewUnit { parent: None, ..unit("leeds", City, "nation") };
    for (what, new, expected) in [
        ("nothing", vec![], &[][..]),
        ("the same", vec![unit("york", City, "north"), unit("york-1", BallotBox, "hall")], &[]),
        ("the same, its code told as its name", vec![named], &[]),
        ("the same, no parent told", vec![rootless], &[]),
        ("the same, told and foreseen", vec![told(foreseen(unit("told", Region, "nation")))], &[]),
        (
            "children first",
            vec![unit("c", BallotBox, "b"), unit("b", Station, "a"), unit("a", City, "north")],
            &[("a", 1, 10), ("b", 10, 10), ("c", 11, 10)],
        ),
        (
            "the same between new ones",
            vec![unit("york-2", BallotBox, "york"), unit("york", City, "north"), unit("a", BallotBox, "nation")],
            &[("york-2", 2, 2), ("a", 0, 0)],
        ),
        (
            "boxes of all places",
            vec![
                unit("1", BallotBox, "nation"),
                unit("2", BallotBox, "north"),
                unit("3", BallotBox, "york"),
                unit("4", BallotBox, "hall"),
            ],
            &[("1", 0, 0), ("2", 1, 1), ("3", 2, 2), ("4", 3, 2)],
        ),
    ] {
        let prepared = night.units.prepare(&new).expect("units without a fault");
        let seen: Vec<_> = prepared.iter().map(|unit| (unit.code.as_str(), unit.parent.0, unit.place.0)).collect();
        assert_eq!(seen, expected, "{what}: code, parent and place");
    }
}

#[test]
fn a_tree_is_walked_from_above() {
    let night = tree();
    let units = &night.units;
    let codes = |numbers: &mut dyn Iterator<Item = UnitNumber>| {
        numbers.map(|number| units.get(number).map_or("", |unit| unit.code.as_str()).to_owned()).collect::<Vec<_>>()
    };
    let number = |code: &str| units.find(code).unwrap_or(UnitNumber(99));
    for (top, below, boxes) in [
        (
            "nation",
            &["nation", "north", "york", "hall", "york-1", "york-post", "leeds", "leeds-1", "ghost", "told"][..],
            &["york-1", "york-post", "leeds-1"][..],
        ),
        ("north", &["north", "york", "hall", "york-1", "york-post"], &["york-1", "york-post"]),
        ("hall", &["hall", "york-1"], &["york-1"]),
        ("leeds-1", &["leeds-1"], &["leeds-1"]),
        ("told", &["told"], &[]),
    ] {
        assert_eq!(codes(&mut units.below(number(top))), below, "below {top}");
        assert_eq!(codes(&mut units.boxes(number(top), units.mark())), boxes, "boxes of {top}");
        for code in ["nation", "north", "york", "hall", "york-1", "york-post", "leeds", "leeds-1"] {
            assert_eq!(units.is_within(number(code), number(top)), below.contains(&code), "{code} within {top}");
        }
    }
    assert_eq!(codes(&mut units.up(number("york-1"))), ["york-1", "hall", "york", "north", "nation"]);
    assert_eq!(codes(&mut units.up(Unit::ROOT)), ["nation"]);
    assert_eq!(codes(&mut units.children(number("york")).iter().copied()), ["hall", "york-post"]);
    let nobody = UnitNumber(99);
    assert_eq!((units.get(nobody), units.find("nobody"), units.children(nobody).len()), (None, None, 0));
    assert!(!units.is_within(nobody, number("york")) && !units.is_within(number("york"), nobody));
}

#[test]
fn a_retired_box_is_no_box_any_more() {
    let mut night = tree();
    let post = night.unit("york-post");
    accepted(&night.retire(post));
    assert!(night.units.get(post).is_some_and(|unit| unit.is_retired), "it stays in the tree");
    assert_eq!(night.units.find("york-post"), Some(post), "its code stays taken");
    assert_eq!(night.units.boxes(Unit::ROOT, night.units.mark()).count(), 2);
    assert_eq!(night.units.below(Unit::ROOT).count(), night.units.count());
}

#[test]
fn an_entry_adds_what_was_prepared_of_this_tree() {
    let sound = || ballot_box("new", 3, 2);
    let city = |place| Unit { kind: City, ..ballot_box("new", 1, place) };
    for (what, first, units, fits) in [
        ("a box", 10, vec![sound()], true),
        ("a city and its box", 10, vec![city(10), ballot_box("new-1", 10, 10)], true),
        ("numbers that are taken", 9, vec![sound()], false),
        ("numbers with a gap", 11, vec![sound()], false),
        ("a code that is taken", 10, vec![ballot_box("leeds-1", 3, 2)], false),
        ("the root's code", 10, vec![ballot_box("nation", 3, 2)], false),
        ("a code twice", 10, vec![sound(), sound()], false),
        ("a place that is its region", 10, vec![ballot_box("new", 3, 1)], false),
        ("a place that is its station", 10, vec![ballot_box("new", 3, 3)], false),
        ("a place that is another city", 10, vec![ballot_box("new", 3, 6)], false),
        ("a place that is no unit", 10, vec![ballot_box("new", 3, 99)], false),
        ("a city that is not its own place", 10, vec![city(1)], false),
        ("a city that is the place after it", 10, vec![city(11)], false),
        ("a parent that is no unit", 10, vec![ballot_box("new", 99, 99)], false),
        ("a parent behind its child", 10, vec![ballot_box("new-1", 11, 11), city(11)], false),
        ("its own parent", 10, vec![ballot_box("new", 10, 10)], false),
        ("a box in a box", 10, vec![ballot_box("new", 4, 2)], false),
        ("a second nation", 10, vec![Unit { kind: Nation, ..ballot_box("new", 0, 10) }], false),
        ("retired from the start", 10, vec![Unit { is_retired: true, ..sound() }], false),
    ] {
        let mut tree = tree().units;
        let expected = if fits { Ok(()) } else { Err(Rejection::UnitsMoved) };
        let before = tree.seq();
        assert_eq!(tree.add(&added(first, units.clone()), Seq(50)), expected, "{what}");
        assert_eq!(tree.seq(), if fits { Seq(50) } else { before }, "{what}");
        if fits {
            let numbers = (10..).map(UnitNumber).zip(&units);
            assert!(numbers.into_iter().all(|(number, unit)| tree.get(number) == Some(unit)), "{what}");
        }
    }
}

#[test]
fn a_unit_goes_as_what_it_is_once_and_after_all_below_it() {
    let by = text("host");
    let post = UnitRetired {
        unit: UnitNumber(5),
        kind: BallotBox,
        place: UnitNumber(2),
        channel: Channel::Postal,
        registered: 0,
        boxes: 0,
        by,
        reason: None,
    };
    let region = UnitRetired {
        unit: UnitNumber(9),
        kind: Region,
        place: UnitNumber(9),
        channel: Channel::InPerson,
        registered: 1000,
        boxes: 10,
        ..post.clone()
    };
    let york = UnitRetired { unit: UnitNumber(2), kind: City, channel: Channel::InPerson, ..post.clone() };
    let moved = Err(Rejection::UnitsMoved);
    for (what, retired, expected) in [
        ("a box", post.clone(), Ok(())),
        ("a region whose voters are told", region.clone(), Ok(())),
        ("another kind", UnitRetired { kind: Station, ..post.clone() }, moved),
        ("another place", UnitRetired { place: UnitNumber(6), ..post.clone() }, moved),
        ("another channel", UnitRetired { channel: Channel::InPerson, ..post.clone() }, moved),
        ("registered voters of nobody", UnitRetired { registered: 1, ..post.clone() }, moved),
        ("fewer registered voters", UnitRetired { registered: 999, ..region.clone() }, moved),
        ("fewer boxes", UnitRetired { boxes: 0, ..region }, moved),
        ("what was retired", UnitRetired { unit: UnitNumber(8), place: UnitNumber(8), ..york.clone() }, moved),
        ("a city with a box", york, Err(Rejection::UnitInUse)),
        ("the root", UnitRetired { unit: Unit::ROOT, ..post.clone() }, Err(Rejection::RootStays)),
        ("no unit", UnitRetired { unit: UnitNumber(10), ..post }, Err(Rejection::UnknownUnit)),
    ] {
        let mut tree = tree().units;
        let before = (tree.seq(), tree.get(retired.unit).cloned());
        assert_eq!(tree.retire(&retired, Seq(50)), expected, "{what}");
        let after = (tree.seq(), tree.get(retired.unit).cloned());
        let expected =
            if expected.is_ok() { (Seq(50), before.1.map(|unit| Unit { is_retired: true, ..unit })) } else { before };
        assert_eq!(after, expected, "{what}");
    }
}

#[test]
fn acts_about_units_get_their_verdicts() {
    let mut night = tree();
    let refused = Verdict::Rejected;
    let (hall, york_1, leeds_1) = (night.unit("hall"), night.unit("york-1"), night.unit("leeds-1"));
    let (ghost, told_region) = (night.unit("ghost"), night.unit("told"));
    assert_eq!(night.add_units(&[]), Verdict::Unchanged, "nothing to add");
    assert_eq!(night.add_units(&[unit("leeds", City, "nation")]), Verdict::Unchanged, "there just so");
    let faulty = [unit("fine", City, "north"), unit("orphan", City, "nowhere")];
    assert_eq!(night.add_units(&faulty), refused(Rejection::UnitsMoved), "one with a fault, and none is added");
    assert_eq!(night.units.find("fine"), None);
    for (what, number, expected) in [
        ("the root", Unit::ROOT, Rejection::RootStays),
        ("no unit", UnitNumber(10), Rejection::UnknownUnit),
        ("a station with a box", hall, Rejection::UnitInUse),
    ] {
        assert_eq!(night.retire(number), refused(expected), "{what}");
    }
    assert_eq!(night.retire(ghost), Verdict::Unchanged, "retired before");
    accepted(&night.submit(&crate::boxes::report(leeds_1, &[1])));
    assert_eq!(night.retire(leeds_1), refused(Rejection::UnitInUse), "a box whose report counts");
    accepted(&night.retire(york_1));
    accepted(&night.retire(hall));
    let retired = UnitRetired {
        unit: told_region,
        kind: Region,
        place: told_region,
        channel: Channel::InPerson,
        registered: 1000,
        boxes: 10,
        by: text("host"),
        reason: None,
    };
    assert_eq!(night.retire(told_region), Verdict::Accept(Event::UnitRetired(retired)));
}

/// Where one contest is certified, nothing is added or retired that it was held in; once all are, no contest is added.
#[test]
fn what_was_certified_stays() {
    let mut night = tree();
    let (york, york_1, leeds_1) = (night.unit("york"), night.unit("york-1"), night.unit("leeds-1"));
    let of_york = race(1, "mayor-of-york", york);
    accepted(&night.add_contest(&of_york));
    let (open, certified) = (night.state.contests[0].clone(), ContestState::Certified { revealed: true });
    night.state.contests = vec![open, certified.clone()];
    let signed = Verdict::Rejected(Rejection::WrongStatus { status: "certified" });
    assert_eq!(night.add_units(&[unit("late", BallotBox, "york")]), signed);
    assert_eq!(night.add_units(&[unit("new", Station, "york"), unit("late", BallotBox, "new")]), signed);
    assert_eq!(night.add_units(&[unit("york", City, "north")]), Verdict::Unchanged, "there just so");
    assert_eq!(night.retire(york_1), signed);
    accepted(&night.add_units(&[unit("elsewhere", BallotBox, "leeds")]));
    accepted(&night.retire(leeds_1));
    accepted(&night.add_contest(&race(2, "late", york)));
    night.state.contests = vec![certified; 3];
    assert_eq!(night.add_units(&[unit("late", BallotBox, "leeds")]), signed);
    assert_eq!(night.add_contest(&race(3, "later", york)), signed);
    assert_eq!(night.add_contest(&of_york), Verdict::Unchanged, "there just so");
}

#[test]
fn a_store_hands_a_tree_back_unit_by_unit() {
    let source = tree().units;
    let all = |units: &Units| (0..10).map(|number| units.get(UnitNumber(number)).cloned()).collect::<Vec<_>>();
    let mut units = Units::default();
    let entry = |number: u32| Seq(if number < 8 { 1 } else { 4 });
    for (number, unit) in (1..).map_while(|number| source.get(UnitNumber(number)).map(|unit| (number, unit.clone()))) {
        let alive = Unit { is_retired: false, ..unit };
        units.restore(UnitNumber(number), alive, entry(number)).expect("the next unit");
    }
    let ghost = source.get(UnitNumber(8)).cloned().expect("the ghost");
    units.restore(UnitNumber(8), ghost.clone(), Seq(5)).expect("a unit that was retired since");
    assert_eq!((all(&units), units.seq()), (all(&source), source.seq()));
    assert_eq!(units.find("york-post"), source.find("york-post"));
    assert_eq!(units.below(Unit::ROOT).collect::<Vec<_>>(), source.below(Unit::ROOT).collect::<Vec<_>>());

    let alive = Unit { is_retired: false, ..ghost };
    assert_eq!(units.restore(UnitNumber(8), alive.clone(), Seq(3)), Ok(()), "an older reading");
    assert_eq!((all(&units), units.seq()), (all(&source), source.seq()), "nothing comes back, and nothing is older");
    for (what, number, unit) in [
        ("a gap", 11, alive.clone()),
        ("its own parent", 10, Unit { parent: UnitNumber(10), ..alive.clone() }),
        ("a parent that is not there yet", 10, Unit { parent: UnitNumber(11), ..alive }),
    ] {
        assert_eq!(units.restore(UnitNumber(number), unit, Seq(9)), Err(Rejection::UnitsMoved), "{what}");
        assert_eq!((all(&units), units.seq()), (all(&source), source.seq()), "{what}");
    }
}

/// A place lacks registered voters from the first box without them on, as long as such a box is there.
#[test]
fn a_place_knows_whether_all_its_boxes_have_registered_voters() {
    let mut night = Night::new();
    let mut marks = vec![night.units.mark()];
    let city = |code| unit(code, City, "nation");
    accepted(&night.add_units(&[city("york"), told(unit("a", BallotBox, "york")), told(city("hull"))]));
    marks.push(night.units.mark());
    let boxes = [("b", "york"), ("c", "york"), ("d", "hull")].map(|(code, city)| unit(code, BallotBox, city));
    accepted(&night.add_units(&boxes));
    marks.push(night.units.mark());
    for code in ["b", "c"] {
        let number = night.unit(code);
        accepted(&night.retire(number));
        marks.push(night.units.mark());
    }
    let [york, hull] = ["york", "hull"].map(|code| night.unit(code));
    let lacks = |place| marks.iter().map(|mark| night.units.lacks_registered(place, *mark)).collect::<Vec<_>>();
    assert_eq!(lacks(york), [false, false, true, true, false]);
    assert_eq!((lacks(hull), lacks(Unit::ROOT)), (vec![false; 5], vec![false; 5]));
}
