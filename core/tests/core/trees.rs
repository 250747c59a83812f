//! Random trees: one tree whatever the order of the lines, and a fault or a tree for whatever is sent.

use std::collections::{BTreeMap, BTreeSet};

use hustings_core::{Channel, NewUnit, Seq, Text, Unit, UnitKind, UnitNumber, Units, UnitsAdded};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::boxes::unit;
use crate::support::text;

/// One line of a random tree: what it wants to be, and when it is sent.
#[derive(Debug, Clone)]
struct Line {
    kind: UnitKind,
    parent: Index,
    channel: Channel,
    named: bool,
    registered: Option<u32>,
    boxes: Option<u32>,
    chunk: u8,
    /// Where it stands in its chunk.
    place: u8,
}

fn any_line() -> impl Strategy<Value = Line> {
    let kind = prop::sample::select(&UnitKind::ALL[1..]);
    let channel = prop::sample::select(&Channel::ALL[..]);
    let numbers = (prop::option::weighted(0.3, 0..1000_u32), prop::option::weighted(0.3, 0..9_u32));
    (kind, any::<Index>(), channel, any::<bool>(), numbers, 0..3_u8, any::<u8>()).prop_map(
        |(kind, parent, channel, named, (registered, boxes), chunk, place)| Line {
            kind,
            parent,
            channel,
            named,
            registered,
            boxes,
            chunk,
            place,
        },
    )
}

/// A unit as people see it, without a number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    name: Option<Text>,
    kind: UnitKind,
    channel: Channel,
    registered: Option<u32>,
    boxes: Option<u32>,
    /// The codes of all units above, from the nearest one.
    above: Vec<String>,
    place: String,
}

/// A unit in a chunk, at a place in it; no chunk comes before that of the parent.
type Sent = (u8, u8, NewUnit);

/// The units of the lines, parents before their children, and what the tree must show of each.
fn grown(lines: &[Line]) -> (Vec<Sent>, BTreeMap<String, Seen>) {
    let root = ("nation".to_owned(), 0, seen_root());
    let mut grown = vec![root];
    let mut units = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let fits: Vec<_> = grown
            .iter()
            .filter(|(_, _, above)| line.kind.may_stand_in(above.kind) && above.above.len() < Units::DEPTH_MAX)
            .collect();
        let (parent, chunk, above) = *line.parent.get(&fits);
        let code = format!("unit-{number}");
        let chain: Vec<String> = [parent.clone()].into_iter().chain(above.above.iter().cloned()).collect();
        let is_told = |code: &String| grown.iter().any(|(other, _, seen)| other == code && seen.registered.is_some());
        let seen = Seen {
            name: line.named.then(|| text(&format!("Unit {number}"))),
            kind: line.kind,
            channel: line.channel,
            registered: line.registered.filter(|_| !chain.iter().any(is_told)),
            boxes: line.boxes.filter(|_| line.kind.is_place()),
            place: if line.kind.is_place() { code.clone() } else { above.place.clone() },
            above: chain,
        };
        let new = NewUnit {
            name: seen.name.clone(),
            channel: seen.channel,
            registered: seen.registered,
            boxes: seen.boxes,
            ..unit(&code, line.kind, parent)
        };
        let chunk = line.chunk.max(*chunk);
        units.push((chunk, line.place, new));
        grown.push((code, chunk, seen));
    }
    (units, grown.into_iter().map(|(code, _, seen)| (code, seen)).collect())
}

fn seen_root() -> Seen {
    let root = Unit::root();
    Seen {
        name: None,
        kind: root.kind,
        channel: root.channel,
        registered: None,
        boxes: None,
        above: Vec::new(),
        place: "nation".to_owned(),
    }
}

fn seen(units: &Units) -> BTreeMap<String, Seen> {
    let code = |number| units.get(number).map_or("nobody", |unit| unit.code.as_str()).to_owned();
    let one = |number: UnitNumber| {
        let unit = units.get(number).cloned().expect("a unit of the tree");
        let Unit { name, kind, channel, registered, boxes, place, .. } = unit;
        let above = units.up(number).skip(1).map(code).collect();
        (code(number), Seen { name, kind, channel, registered, boxes, above, place: code(place) })
    };
    units.below(Unit::ROOT).map(one).collect()
}

fn add(units: &mut Units, new: &[NewUnit], seq: u64) -> Result<(), TestCaseError> {
    let prepared = units.prepare(new);
    prop_assert!(prepared.is_ok(), "{:?} of {:?}", prepared, new);
    let added = UnitsAdded { first: units.next(), units: prepared.unwrap_or_default(), by: text("host"), reason: None };
    prop_assert_eq!(units.add(&added, Seq(seq)), Ok(()), "{:?}", added);
    Ok(())
}

/// What the tree says of two units, against what can be seen of it.
fn check_walks(units: &Units, expected: &BTreeMap<String, Seen>) -> Result<(), TestCaseError> {
    for top in expected.keys() {
        let top_number = units.find(top).expect("a unit of the tree");
        let within = |code: &String, seen: &Seen| code == top || seen.above.contains(top);
        let below: BTreeSet<String> =
            expected.iter().filter(|(code, seen)| within(code, seen)).map(|(code, _)| code.clone()).collect();
        let numbers: Vec<UnitNumber> = units.below(top_number).collect();
        let codes: BTreeSet<String> =
            numbers.iter().filter_map(|number| units.get(*number)).map(|unit| unit.code.to_string()).collect();
        prop_assert_eq!((codes.len(), &codes), (numbers.len(), &below), "below {}", top);
        let boxes = below.iter().filter(|code| expected[*code].kind == UnitKind::Box).count();
        prop_assert_eq!(units.boxes(top_number, units.mark()).count(), boxes, "boxes of {}", top);
        for (code, seen) in expected {
            let number = units.find(code).expect("a unit of the tree");
            prop_assert_eq!(units.is_within(number, top_number), within(code, seen), "{} within {}", code, top);
        }
    }
    Ok(())
}

/// Lines that make no sense: few codes, so that many are taken, stand twice, or go round.
fn any_unit() -> impl Strategy<Value = NewUnit> {
    let code = || (0..6_u8).prop_map(|number| if number == 0 { "nation".to_owned() } else { format!("unit-{number}") });
    let kind = prop::sample::select(&UnitKind::ALL[..]);
    (code(), code(), kind, prop::option::weighted(0.2, Just(9_u32)), prop::option::weighted(0.2, Just(9_u32)))
        .prop_map(|(code, parent, kind, registered, boxes)| NewUnit { registered, boxes, ..unit(&code, kind, &parent) })
}

proptest! {
    #[test]
    fn a_tree_is_the_same_whatever_the_order_of_its_lines(lines in prop::collection::vec(any_line(), 0..30)) {
        let (mut units, expected) = grown(&lines);
        let in_order: Vec<NewUnit> = units.iter().map(|(_, _, new)| new.clone()).collect();
        units.sort_by_key(|(chunk, place, _)| (*chunk, *place));
        let mut tree = Units::default();
        for (seq, chunk) in (1..).zip(units.chunk_by(|(one, ..), (other, ..)| one == other)) {
            let new: Vec<NewUnit> = chunk.iter().map(|(_, _, new)| new.clone()).collect();
            add(&mut tree, &new, seq)?;
        }
        prop_assert_eq!(&seen(&tree), &expected);
        prop_assert_eq!(tree.count(), lines.len() + 1);
        let parents_first = |unit: UnitNumber| {
            tree.get(unit).is_some_and(|found| unit == Unit::ROOT || found.parent < unit)
        };
        prop_assert!((0..tree.next().0).map(UnitNumber).all(parents_first), "a parent behind its child");
        check_walks(&tree, &expected)?;

        prop_assert_eq!(tree.prepare(&in_order), Ok(Vec::new()), "all of it again");
        let mut at_once = Units::default();
        add(&mut at_once, &in_order, 1)?;
        prop_assert_eq!(seen(&at_once), expected);
    }

    #[test]
    fn whatever_is_sent_is_a_tree_or_has_faults(
        before in prop::collection::vec(any_unit(), 0..3),
        new in prop::collection::vec((any_unit(), any::<u8>()), 0..8),
    ) {
        let mut tree = Units::default();
        for (seq, one) in (1..).zip(before) {
            if tree.prepare(std::slice::from_ref(&one)).is_ok() {
                add(&mut tree, &[one], seq)?;
            }
        }
        let mut shuffled = new.clone();
        shuffled.sort_by_key(|(_, place)| *place);
        let [new, shuffled] = [new, shuffled].map(|lines| lines.into_iter().map(|(new, _)| new).collect::<Vec<_>>());
        match tree.prepare(&new) {
            Ok(_) => {
                add(&mut tree, &new, 9)?;
                prop_assert_eq!(tree.prepare(&shuffled), Ok(Vec::new()), "what was added is there");
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                prop_assert!(faults.is_sorted_by_key(|fault| fault.at), "{:?}", faults);
                prop_assert!(faults.iter().all(|fault| fault.at < new.len()), "{:?}", faults);
                prop_assert!(tree.prepare(&shuffled).is_err(), "{:?} depend on the order of {:?}", faults, new);
            }
        }
    }
}
