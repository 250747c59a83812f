//! The published figures of each district, and the boxes that they are split into.
//!
//! Invariant: the boxes of a district add up to exactly what it published, candidate by candidate.
//! It must not know: reports, servers.

use anyhow::Context;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::cli::demo::figures::MONTREAL;

/// All districts of an election.
#[derive(Debug, Clone)]
pub(super) struct Districts {
    pub(super) candidates: Vec<String>,
    pub(super) districts: Vec<District>,
}

/// One district as it published its figures, and its boxes.
#[derive(Debug, Clone)]
pub(super) struct District {
    /// Its code as a unit.
    pub(super) code: String,
    pub(super) name: String,
    /// Votes by candidate.
    pub(super) votes: Vec<u32>,
    /// Votes by box and candidate.
    pub(super) boxes: Vec<Vec<u32>>,
}

/// How many boxes a district has, where nobody says it.
const BOXES: std::ops::RangeInclusive<u32> = 200..=400;
/// How unevenly voters go to the boxes.
const WEIGHTS: std::ops::Range<u64> = 50..150;

impl Districts {
    /// Mayor of Montréal, 2013; the seed says which box has which votes.
    pub(super) fn montreal(boxes: Option<u32>, seed: u64) -> anyhow::Result<Self> {
        let mut table = csv::Reader::from_reader(MONTREAL.as_bytes());
        let header = table.headers()?.clone();
        let column = |name: &str| header.iter().position(|found| found == name).with_context(|| format!("no {name}"));
        let (total, id) = (column("total")?, column("district_id")?);
        let candidates: Vec<String> = header.iter().take(total).skip(1).map(str::to_owned).collect();
        let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>()?;
        let each = boxes.map(|boxes| (boxes / u32::try_from(rows.len()).unwrap_or(1)).max(1));
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let district = |row: &csv::StringRecord| -> anyhow::Result<District> {
            let text = |place: usize| row.get(place).context("a short row");
            let votes: Vec<u32> = (1..total).map(|place| Ok(text(place)?.parse()?)).collect::<anyhow::Result<_>>()?;
            let (number, named) = (text(id)?, text(0)?);
            let name = named.split_once('-').map_or(named, |(_, name)| name).to_owned();
            let boxes = each.unwrap_or_else(|| random.random_range(BOXES));
            let boxes = split(&votes, boxes as usize, &mut random);
            Ok(District { code: format!("d{number}"), name, votes, boxes })
        };
        let districts = rows.iter().map(district).collect::<anyhow::Result<_>>()?;
        Ok(Self { candidates, districts })
    }

    /// The tree of units as a table: districts, and their boxes.
    pub(super) fn units(&self) -> anyhow::Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["code", "name", "kind", "parent"])?;
        for district in &self.districts {
            table.write_record([&district.code, &district.name, "city", ""])?;
            for number in 0..district.boxes.len() {
                table.write_record([&district.code_of(number), "", "box", &district.code])?;
            }
        }
        table.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// How many boxes there are.
    pub(super) fn boxes(&self) -> usize {
        self.districts.iter().map(|district| district.boxes.len()).sum()
    }
}

impl District {
    /// The code of one of its boxes.
    pub(super) fn code_of(&self, number: usize) -> String {
        format!("{}-{}", self.code, number + 1)
    }
}

/// Splits the votes of each candidate over boxes by chance, none lost and none added.
fn split(votes: &[u32], boxes: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Vec<u32>> {
    let mut split = vec![Vec::with_capacity(votes.len()); boxes];
    for &votes in votes {
        let weights: Vec<u64> = (0..boxes).map(|_| random.random_range(WEIGHTS)).collect();
        let whole: u64 = weights.iter().sum();
        let (mut weight, mut given) = (0, 0);
        for (of_box, part) in split.iter_mut().zip(weights) {
            weight += part;
            let until = u32::try_from(u64::from(votes) * weight / whole).unwrap_or(votes);
            of_box.push(until - given);
            given = until;
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_add_up_to_what_was_published() {
        for boxes in [None, Some(58), Some(500)] {
            let all = Districts::montreal(boxes, 7).unwrap();
            assert_eq!(
                (all.districts.len(), &all.candidates[..]),
                (58, &["Coderre", "Bergeron", "Joly"].map(String::from)[..])
            );
            for district in &all.districts {
                for (candidate, votes) in district.votes.iter().enumerate() {
                    assert_eq!(district.boxes.iter().map(|of_box| of_box[candidate]).sum::<u32>(), *votes);
                }
            }
            assert!(boxes.is_none_or(|boxes| all.boxes() <= boxes as usize));
        }
        let all = Districts::montreal(None, 7).unwrap();
        // No two names in one word: the dashes between them are there.
        let named = |name: &str| all.districts.iter().any(|district| district.name == name);
        assert!(named("Saint-Paul–Émard") && named("Champlain–L'Île-des-Soeurs") && named("Mile-End"));
        assert!((11_600..=23_200).contains(&all.boxes()));
        assert_eq!(all.districts.iter().flat_map(|district| &district.votes).sum::<u32>(), 391_166);
        assert!(
            String::from_utf8(all.units().unwrap())
                .unwrap()
                .contains("\nd101,Bois-de-Liesse,city,\nd101-1,,box,d101\n")
        );
    }
}
