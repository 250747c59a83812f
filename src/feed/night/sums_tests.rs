//! Every sum is what a naive count of the boxes gives, whatever the tree and whatever was reported.

use hustings_core::entry::UnitsAdded;
use hustings_core::{
    ChoiceNumber, Content, Event, Label, NewUnit, ReportFiled, Revision, Seq, Standing, Text, UnitKind, UnitRetired,
};
use proptest::prelude::*;

use super::*;

const CHOICES: usize = 3;
const CONTEST: ContestNumber = ContestNumber(0);

/// A tree, what its boxes reported last, and the totals of all entries that led there.
#[derive(Debug)]
struct Night {
    units: Units,
    tally: Tally,
    reports: BTreeMap<UnitNumber, Counts>,
}

fn by() -> Text {
    Text::parse("a desk").unwrap()
}

/// Whether registered voters are told of a unit or of one above it.
fn is_told(units: &[NewUnit], code: &Label) -> bool {
    let found = units.iter().find(|unit| unit.code == *code);
    found.is_some_and(|unit| {
        unit.registered.is_some() || unit.parent.as_ref().is_some_and(|above| is_told(units, above))
    })
}

/// A unit from random numbers: below one of those before it, of a kind that may stand there.
fn unit(at: usize, before: &[NewUnit], numbers: [u32; 4]) -> NewUnit {
    let [parent, kind, channel, size] = numbers.map(|number| number as usize);
    let parents: Vec<_> = before.iter().filter(|unit| unit.kind != UnitKind::Box).collect();
    let place = parent % (parents.len() + 1);
    let (code, above) = match place.checked_sub(1) {
        None => (Label::root(), UnitKind::Nation),
        Some(place) => (parents[place].code.clone(), parents[place].kind),
    };
    let kinds: Vec<_> = UnitKind::ALL.into_iter().filter(|kind| kind.may_stand_in(above)).collect();
    let kind = kinds[kind % kinds.len()];
    // Of any unit, but not of one below another that tells it.
    let is_telling = !size.is_multiple_of(4) && !is_told(before, &code);
    let is_foreseeing = kind.is_place() && size.is_multiple_of(3);
    NewUnit {
        code: Label::parse(&format!("u{at}")).unwrap(),
        name: None,
        kind,
        parent: Some(code),
        channel: Channel::ALL[channel % Channel::ALL.len()],
        registered: is_telling.then_some(u32::try_from(size % 1000).unwrap()),
        boxes: is_foreseeing.then_some(u32::try_from(size % 7).unwrap()),
    }
}

fn counts(numbers: [u32; 4]) -> Counts {
    let status = if numbers[0].is_multiple_of(2) { ReportStatus::Provisional } else { ReportStatus::Final };
    let votes = numbers.iter().take(CHOICES).enumerate();
    let votes = votes.map(|(at, votes)| (ChoiceNumber(u16::try_from(at).unwrap()), votes % 500)).collect();
    Counts::new(status, votes, numbers[3] % 10, numbers[3] % 7, None).unwrap()
}

fn night(trees: &[[u32; 4]], reported: &[(u32, Option<[u32; 4]>)], retired: &[u32]) -> Night {
    let mut new: Vec<NewUnit> = Vec::new();
    for (at, numbers) in trees.iter().enumerate() {
        new.push(unit(at, &new, *numbers));
    }
    let mut units = Units::default();
    let prepared = units.prepare(&new).unwrap();
    let added = UnitsAdded { first: units.next(), units: prepared, by: by(), reason: None };
    let mut night = Night { units: Units::default(), tally: Tally::default(), reports: BTreeMap::new() };
    units.add(&added, Seq(1)).unwrap();
    night.units = units;
    night.tally.add(&Event::UnitsAdded(added).increments()).unwrap();
    let boxes: Vec<UnitNumber> = night.units.boxes(Unit::ROOT, night.units.mark()).collect();
    for (at, numbers) in reported.iter().filter(|_| !boxes.is_empty()) {
        let ballot_box = boxes[*at as usize % boxes.len()];
        report(&mut night, ballot_box, numbers.map(counts));
    }
    for at in retired.iter().filter(|_| !boxes.is_empty()) {
        retire(&mut night, boxes[*at as usize % boxes.len()]);
    }
    night
}

/// A report, a correction, or a withdrawal, as the ledger would have it.
fn report(night: &mut Night, ballot_box: UnitNumber, counts: Option<Counts>) {
    let old = night.reports.get(&ballot_box).cloned();
    let standing = match (&old, &counts) {
        (None, None) => return,
        (None, Some(_)) => Standing::First,
        (Some(_), _) => Standing::Replaces { seq: Seq(1), revision: Revision(1), counts: old },
    };
    let unit = night.units.get(ballot_box).unwrap();
    let filed = ReportFiled {
        contest: CONTEST,
        ballot_box,
        place: unit.place,
        channel: unit.channel,
        revision: Revision(1),
        id: None,
        content: counts.clone().map_or(Content::Withdrawn, Content::Filed),
        standing,
        reported_at: None,
        by: by(),
        reason: None,
        request: Vec::new(),
    };
    night.tally.add(&Event::ReportFiled(filed).increments()).unwrap();
    match counts {
        Some(counts) => night.reports.insert(ballot_box, counts),
        None => night.reports.remove(&ballot_box),
    };
}

/// Only a box that counts nowhere can be retired.
fn retire(night: &mut Night, ballot_box: UnitNumber) {
    let unit = night.units.get(ballot_box).unwrap();
    if night.reports.contains_key(&ballot_box) || unit.is_retired {
        return;
    }
    let retired = UnitRetired {
        unit: ballot_box,
        kind: unit.kind,
        place: unit.place,
        channel: unit.channel,
        registered: unit.registered.unwrap_or(0),
        boxes: unit.boxes.unwrap_or(0),
        by: by(),
        reason: None,
    };
    night.units.retire(&retired, Seq(2)).unwrap();
    night.tally.add(&Event::UnitRetired(retired).increments()).unwrap();
}

/// The sums of a unit, box by box.
fn naive(night: &Night, top: UnitNumber) -> Sums {
    let mut sums = Sums::new(CHOICES);
    for (ballot_box, counts) in night.reports.iter().filter(|(one, _)| night.units.up(**one).any(|unit| unit == top)) {
        sums.add_report(night.units.get(*ballot_box).unwrap().channel, counts);
    }
    sums
}

/// What is expected of a unit, child by child.
fn naive_expected(units: &Units, top: UnitNumber) -> Expected {
    let unit = units.get(top).unwrap();
    let mut sum = units.children(top).iter().map(|child| naive_expected(units, *child)).fold(
        Expected::default(),
        |sum, child| Expected {
            boxes: sum.boxes + child.boxes,
            registered: sum.registered + child.registered,
            lacks_registered: sum.lacks_registered || child.lacks_registered,
        },
    );
    if !unit.is_retired {
        sum.boxes += u64::from(unit.kind == UnitKind::Box);
        sum.lacks_registered |= unit.kind == UnitKind::Box;
        sum.lacks_registered &= unit.registered.is_none();
        sum.registered += u64::from(unit.registered.unwrap_or(0));
    }
    sum.boxes = sum.boxes.max(unit.boxes.unwrap_or(0).into());
    sum
}

/// What is said of registered voters: those of every box of a unit, or of a part of them, or nothing.
fn said(expected: Expected) -> (u64, Option<u64>, Option<u64>) {
    (expected.boxes, expected.voters(), expected.voters_in_part())
}

/// The ballots that a turnout is made of are those of boxes whose voters are told in the unit.
fn counts_only_registered(night: &Night, top: UnitNumber, expected: Expected) -> bool {
    let units = &night.units;
    let within =
        |number: UnitNumber| units.up(number).take_while(|above| *above != top).chain([top]).collect::<Vec<_>>();
    let is_told =
        |number: UnitNumber| within(number).iter().any(|above| units.get(*above).unwrap().registered.is_some());
    expected.voters().is_none()
        || night.reports.keys().filter(|one| units.is_within(**one, top)).all(|one| is_told(*one))
}

/// The same without what only totals know.
fn without_history(sums: Sums) -> Sums {
    // A channel in which all was withdrawn has zeros in the totals, and is not there in a count of the boxes.
    let channels = sums.channels.into_iter().filter(|(_, channel)| channel.boxes > 0).collect();
    Sums { new_boxes: 0, new_votes: 0, channels, ..sums }
}

fn check(night: &Night) -> Result<(), TestCaseError> {
    let then = night.units.mark();
    let expected = expected(&night.tally, &night.units, then);
    for number in night.units.below(Unit::ROOT) {
        let unit = night.units.get(number).unwrap();
        let naive = naive(night, number);
        prop_assert_eq!(naive.votes() + naive.blank + naive.invalid, naive.cast);
        if !unit.kind.is_place() {
            let told = expected_below(&night.units, number, then);
            prop_assert_eq!(said(told), said(naive_expected(&night.units, number)), "expected of {}", unit.code);
            prop_assert!(counts_only_registered(night, number, told), "the turnout of {}", unit.code);
            continue;
        }
        let sums = of_place(&night.tally, &night.units, CONTEST, CHOICES, number);
        prop_assert_eq!(sums.channels.values().map(InChannel::votes).sum::<u64>(), sums.votes());
        prop_assert_eq!(sums.channels.values().map(|channel| channel.cast).sum::<u64>(), sums.cast);
        prop_assert_eq!(sums.channels.values().map(|channel| channel.boxes).sum::<u64>(), sums.reported());
        let told = expected.get(&number).copied().unwrap_or_default();
        prop_assert_eq!(said(told), said(naive_expected(&night.units, number)), "expected of {}", unit.code);
        prop_assert!(counts_only_registered(night, number, told), "the turnout of {}", unit.code);
        let children = of_children(&night.tally, &night.units, CONTEST, CHOICES, number);
        let mut votes = 0;
        for child in night.units.children(number) {
            let of_child = self::naive(night, *child);
            votes += of_child.votes();
            if let Some(sums) = children.get(child) {
                prop_assert_eq!(without_history(sums.clone()), of_child);
            }
        }
        prop_assert_eq!(votes, sums.votes(), "the children of {}", unit.code);
        prop_assert_eq!(without_history(sums), naive);
    }
    Ok(())
}

proptest! {
    #[test]
    fn sums_of_units_are_the_sums_of_their_boxes(
        trees in prop::collection::vec(any::<[u32; 4]>(), 1..40),
        reported in prop::collection::vec((any::<u32>(), prop::option::weighted(0.8, any::<[u32; 4]>())), 0..60),
        retired in prop::collection::vec(any::<u32>(), 0..4),
    ) {
        check(&night(&trees, &reported, &retired))?;
    }
}

#[test]
fn who_is_ahead_and_by_how_much() {
    let told = |votes: &[u64]| leader(votes).map(|leader| (leader.choices, leader.margin));
    assert_eq!(told(&[]), None);
    assert_eq!(told(&[0, 0]), None);
    assert_eq!(told(&[5]), Some((vec![0], 5)));
    assert_eq!(told(&[3, 9, 4]), Some((vec![1], 5)));
    assert_eq!(told(&[9, 9, 4]), Some((vec![0, 1], 0)));
}
