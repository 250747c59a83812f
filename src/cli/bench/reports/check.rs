//! Holds what a server shows, at every level, against what the night must have.
//!
//! Invariant: a figure that is missing is a difference.
//! It must not know: how reports were sent.

use serde_json::Value;

use super::night::{Counts, Night, Total};
use crate::cli::election::query;
use crate::cli::numbers::thousands;
use crate::load::Api;

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// How many figures.
    pub(super) figures: u64,
    /// How many of them were others than they must be.
    pub(super) wrong: u64,
    /// The first of these, in words.
    pub(super) differences: Vec<String>,
}

const DIFFERENCES_SHOWN: usize = 10;
/// So many cities are looked into box by box.
const CITIES_LOOKED_INTO: usize = 20;
/// The longest page of units below one.
const PAGE_MAX: &str = "5000";

impl Checked {
    fn compare(&mut self, place: &str, contest: u32, shown: Option<&Value>, wanted: &Total) {
        let nothing = Value::Null;
        let shown = shown.unwrap_or(&nothing);
        let votes: Vec<Option<u64>> = (0..wanted.votes.len()).map(|k| votes_of(shown, k)).collect();
        let cast = wanted.votes.iter().sum::<u64>();
        let figures = votes.into_iter().zip(wanted.votes.iter().copied());
        let others = [(shown["cast"].as_u64(), cast), (shown["boxes"]["final"].as_u64(), wanted.boxes)];
        for (shown, wanted) in figures.chain(others) {
            self.figures += 1;
            if shown == Some(wanted) {
                continue;
            }
            self.wrong += 1;
            if self.differences.len() < DIFFERENCES_SHOWN {
                let shown = shown.map_or("nothing".to_owned(), thousands);
                self.differences
                    .push(format!("{place}, contest c{contest}: {shown} is {} in truth", thousands(wanted)));
            }
        }
    }
}

/// The votes of a choice, whether choices stand in a list or by their codes.
fn votes_of(contest: &Value, number: usize) -> Option<u64> {
    let code = format!("k{number}");
    match &contest["choices"] {
        Value::Array(choices) => choices.iter().find(|choice| choice["code"] == *code)?["votes"].as_u64(),
        by_code => by_code[&code].as_u64(),
    }
}

fn of_contest(unit: &Value, contest: u32) -> Option<&Value> {
    unit["contests"].as_array()?.iter().find(|found| found["code"] == format!("c{contest}"))
}

/// Compares nation, regions and cities, and the boxes of some cities, in every contest.
pub(super) async fn check(api: &Api, path: &str, night: &Night, counts: &[Counts]) -> anyhow::Result<Checked> {
    let mut checked = Checked::default();
    let nation = below(api, path, None).await?;
    let mut regions = Vec::new();
    for region in 0..night.regions() {
        regions.push(below(api, path, Some(&format!("r{region}"))).await?);
    }
    for contest in 0..night.contests {
        let cities = night.cities(contest, counts);
        let mut sums = vec![night.nothing(); regions.len()];
        for (city, total) in (0..).zip(&cities) {
            let region = night.region_of(city) as usize;
            sums[region].add(total);
            let shown = child(&regions[region], &format!("t{city}"));
            checked.compare(&format!("city t{city}"), contest, shown.and_then(|unit| of_contest(unit, contest)), total);
        }
        let mut all = night.nothing();
        for (number, (shown, total)) in regions.iter().zip(&sums).enumerate() {
            all.add(total);
            let place = format!("region r{number}");
            checked.compare(&place, contest, of_contest(shown, contest), total);
            let from_above = child(&nation, &format!("r{number}")).and_then(|unit| of_contest(unit, contest));
            checked.compare(&format!("{place} below the nation"), contest, from_above, total);
        }
        checked.compare("the nation", contest, of_contest(&nation, contest), &all);
    }
    let step = (night.cities as usize).div_ceil(CITIES_LOOKED_INTO);
    for city in (0..night.cities).step_by(step) {
        boxes(api, path, night, counts, city, &mut checked).await?;
    }
    Ok(checked)
}

async fn boxes(
    api: &Api,
    path: &str,
    night: &Night,
    counts: &[Counts],
    city: u32,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let shown = below(api, path, Some(&format!("t{city}"))).await?;
    for ballot_box in (city..night.boxes).step_by(night.cities as usize) {
        let shown = child(&shown, &format!("b{ballot_box}"));
        for contest in 0..night.contests {
            let key = night.key(contest, ballot_box);
            let total = night.of_box(key, counts[key.0 as usize]);
            let found = shown.and_then(|unit| of_contest(unit, contest));
            checked.compare(&format!("box b{ballot_box}"), contest, found, &total);
        }
    }
    Ok(())
}

/// A unit with all units just below it.
async fn below(api: &Api, path: &str, unit: Option<&str>) -> anyhow::Result<Value> {
    let mut whole = Value::Null;
    let mut after: Option<String> = None;
    loop {
        let query =
            query(&[("unit", unit), ("by", Some("unit")), ("limit", Some(PAGE_MAX)), ("after", after.as_deref())]);
        let mut page = api.json("GET", &format!("{path}/results{query}"), None).await?;
        after = page["next"].as_str().map(str::to_owned);
        match (whole["children"].as_array_mut(), page["children"].as_array_mut()) {
            (Some(children), Some(more)) => children.append(more),
            _ => whole = page,
        }
        if after.is_none() {
            return Ok(whole);
        }
    }
}

/// A unit just below another one.
fn child<'a>(unit: &'a Value, code: &str) -> Option<&'a Value> {
    unit["children"].as_array()?.iter().find(|child| child["code"] == *code)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_and_a_missing_figure_are_differences() {
        let wanted = Total { votes: vec![3, 4], boxes: 1 };
        let check = |shown: Option<Value>| {
            let mut checked = Checked::default();
            checked.compare("city t1", 0, shown.as_ref(), &wanted);
            (checked.figures, checked.wrong)
        };
        let boxes = json!({ "final": 1 });
        assert_eq!(check(Some(json!({ "choices": { "k0": 3, "k1": 4 }, "cast": 7, "boxes": boxes }))), (4, 0));
        let listed = json!([{ "code": "k1", "votes": 5 }, { "code": "k0", "votes": 3 }]);
        assert_eq!(check(Some(json!({ "choices": listed, "cast": 7, "boxes": boxes }))), (4, 1));
        assert_eq!(check(None), (4, 4));
    }
}
