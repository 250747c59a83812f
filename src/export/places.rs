//! The totals of an election of boxes: of all of it, and of each place.
//!
//! Invariant: whatever the channel, every vote of a place is in its sum once; regions and the nation are the sums of what
//! stands in them.

use std::collections::BTreeMap;

use hustings_core::{ChoiceNumber, Contest, Election, Fold, Measure, Unit, UnitNumber, Units};
use serde_json::{Map, Value, json};

/// The sums of a contest over all channels.
type Sums = BTreeMap<Measure, u64>;

/// The totals of every contest in the whole election.
pub(super) fn totals(election: &Election, fold: &Fold) -> Value {
    let contests = election.contests.iter().zip(&fold.state.contests).map(|(contest, state)| {
        let mut sums = Sums::new();
        for (_, totals) in fold.tally.units(contest.number) {
            add(&mut sums, totals.iter().map(|((_, measure), count)| (*measure, count.get())));
        }
        let title = contest.race.as_ref().map(|race| race.title.as_str());
        json!({ "code": code(contest), "title": title, "status": state.name(), "cast": get(&sums, Measure::Cast),
            "blank": get(&sums, Measure::Blank), "invalid": get(&sums, Measure::Invalid), "boxes": boxes(&sums),
            "choices": choices(contest, &sums) })
    });
    json!({
        "id": election.id,
        "code": election.code,
        "title": election.title,
        "seq": fold.seq,
        "chain": fold.chain.to_string(),
        "contests": contests.collect::<Vec<_>>(),
    })
}

/// The totals of every place by its code: nation, regions and cities, each with all that stands in it.
#[must_use]
pub fn places(election: &Election, fold: &Fold, units: &Units) -> Value {
    let mut places: BTreeMap<UnitNumber, Map<String, Value>> = BTreeMap::new();
    for contest in &election.contests {
        let mut sums: BTreeMap<UnitNumber, Sums> = BTreeMap::new();
        for (unit, totals) in fold.tally.units(contest.number) {
            for above in std::iter::once(unit).chain(above(units, unit)) {
                let numbers = totals.iter().map(|((_, measure), count)| (*measure, count.get()));
                add(sums.entry(above).or_default(), numbers);
            }
        }
        for (unit, sums) in sums {
            let votes = contest.choices.iter().zip((0..).map(ChoiceNumber));
            let votes = votes.map(|(choice, number)| (choice.code.to_string(), get(&sums, Measure::Choice(number))));
            let votes: BTreeMap<String, u64> = votes.collect();
            let figures = json!({ "cast": get(&sums, Measure::Cast), "boxes": boxes(&sums), "votes": votes });
            places.entry(unit).or_default().insert(code(contest), figures);
        }
    }
    let name = |unit: UnitNumber| units.get(unit).map_or_else(|| unit.to_string(), |unit| unit.code.to_string());
    places.into_iter().map(|(unit, contests)| (name(unit), Value::Object(contests))).collect::<Map<_, _>>().into()
}

/// The places above a unit, up to the nation.
fn above(units: &Units, unit: UnitNumber) -> Vec<UnitNumber> {
    let (mut above, mut at) = (Vec::new(), unit);
    while at != Unit::ROOT {
        at = units.get(at).map_or(Unit::ROOT, |unit| unit.parent);
        above.push(at);
    }
    above
}

fn add(sums: &mut Sums, numbers: impl Iterator<Item = (Measure, u64)>) {
    for (measure, number) in numbers {
        *sums.entry(measure).or_default() += number;
    }
}

fn get(sums: &Sums, measure: Measure) -> u64 {
    sums.get(&measure).copied().unwrap_or(0)
}

/// Boxes with a report that counts.
fn boxes(sums: &Sums) -> u64 {
    get(sums, Measure::BoxesProvisional) + get(sums, Measure::BoxesFinal)
}

fn choices(contest: &Contest, sums: &Sums) -> Vec<Value> {
    let numbered = contest.choices.iter().zip((0..).map(ChoiceNumber));
    let one = |(choice, number): (&hustings_core::Choice, ChoiceNumber)| json!({ "code": choice.code, "title": choice.title, "votes": get(sums, Measure::Choice(number)) });
    numbered.map(one).collect()
}

fn code(contest: &Contest) -> String {
    contest.race.as_ref().map_or_else(|| contest.number.to_string(), |race| race.code.to_string())
}
