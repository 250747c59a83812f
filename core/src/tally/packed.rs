//! A tally as text: a list of cells, or packed where places have totals of their own.
//!
//! Invariant: what an earlier program could meet stays as it reads it. It knows no units, so a tally of the root alone is
//! a list. Fifty thousand cells of three thousand cities would be four megabytes of that, and are a few hundred kilobytes
//! packed.
//!
//! ```text
//! packed    = base64 (RFC 4648, padded) of: version=1 blocks block*blocks
//! block     = contest unit n (group measure total)*n        contests, units, groups and measures rising
//! measure   = 0..=10, a place in `PLAIN` | 11 choice | 12 choice score
//! ```
//!
//! Integers are unsigned LEB128 in shortest form. There is exactly one way to pack a tally, and the reader refuses others.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Cell, Measure, Tally, Totals};
use crate::bytes::{Reader, Writer};
use crate::count::Count;
use crate::entry::DecodeError;
use crate::id::{ChoiceNumber, ContestNumber, GroupNumber, UnitNumber};
use crate::unit::Unit;

const VERSION: u8 = 1;

/// The measures that are nothing but themselves; new ones come last.
const PLAIN: [Measure; 11] = [
    Measure::Ballots,
    Measure::Blank,
    Measure::Invalid,
    Measure::Cast,
    Measure::BoxesProvisional,
    Measure::BoxesFinal,
    Measure::NewBoxes,
    Measure::NewVotes,
    Measure::Boxes,
    Measure::BoxesForeseen,
    Measure::Registered,
];
const CHOICE: u8 = 11;
const CHOICE_AT: u8 = 12;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    List(Vec<(Cell, Count)>),
    Packed(String),
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_of_root = self.0.keys().all(|(_, unit)| *unit == Unit::ROOT);
        let text =
            if is_of_root { Text::List(self.iter().collect()) } else { Text::Packed(STANDARD.encode(pack(self))) };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Text::deserialize(deserializer)? {
            Text::List(cells) => Ok(Self::from(cells)),
            Text::Packed(packed) => {
                let bytes = STANDARD.decode(packed).map_err(serde::de::Error::custom)?;
                unpack(&bytes).map_err(serde::de::Error::custom)
            }
        }
    }
}

fn pack(tally: &Tally) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.byte(VERSION);
    writer.int(tally.0.len() as u64);
    for ((contest, unit), totals) in &tally.0 {
        writer.int(contest.0.into());
        writer.int(unit.0.into());
        writer.int(totals.0.len() as u64);
        for ((group, measure), total) in totals.iter() {
            writer.int(group.0.into());
            write_measure(&mut writer, *measure);
            writer.int(total.get());
        }
    }
    writer.into_bytes()
}

fn unpack(bytes: &[u8]) -> Result<Tally, DecodeError> {
    let mut reader = Reader::new(bytes);
    match reader.byte()? {
        VERSION => {}
        other => return Err(DecodeError::Version(other)),
    }
    let mut tally = Tally::default();
    for _ in 0..reader.int()? {
        let block = (ContestNumber(reader.small()?), UnitNumber(reader.small()?));
        let mut totals = Vec::new();
        for _ in 0..reader.int()? {
            let key = (GroupNumber(reader.small()?), read_measure(&mut reader)?);
            let total = Count::try_from(reader.int()?).map_err(|_| DecodeError::Range)?;
            rising(totals.last().map(|(last, _)| last), &key)?;
            totals.push((key, total));
        }
        rising(tally.0.last_key_value().map(|(last, _)| last), &block)?;
        tally.0.insert(block, Arc::new(Totals(totals)));
    }
    reader.end()?;
    Ok(tally)
}

fn rising<K: Ord>(last: Option<&K>, next: &K) -> Result<(), DecodeError> {
    if last.is_none_or(|last| last < next) { Ok(()) } else { Err(DecodeError::Order) }
}

fn write_measure(writer: &mut Writer, measure: Measure) {
    match measure {
        Measure::Choice(choice) => {
            writer.byte(CHOICE);
            writer.int(choice.0.into());
        }
        Measure::ChoiceAt(choice, score) => {
            writer.byte(CHOICE_AT);
            writer.int(choice.0.into());
            writer.byte(score);
        }
        plain @ (Measure::Ballots
        | Measure::Blank
        | Measure::Invalid
        | Measure::Cast
        | Measure::BoxesProvisional
        | Measure::BoxesFinal
        | Measure::NewBoxes
        | Measure::NewVotes
        | Measure::Boxes
        | Measure::BoxesForeseen
        | Measure::Registered) => {
            let at = PLAIN.iter().position(|one| *one == plain).and_then(|at| u8::try_from(at).ok());
            // All of these stand in the list; a new measure must be named here, and is a reminder to add it there.
            writer.byte(at.unwrap_or(u8::MAX));
        }
    }
}

fn read_measure(reader: &mut Reader<'_>) -> Result<Measure, DecodeError> {
    match reader.byte()? {
        CHOICE => Ok(Measure::Choice(ChoiceNumber(reader.small()?))),
        CHOICE_AT => Ok(Measure::ChoiceAt(ChoiceNumber(reader.small()?), reader.byte()?)),
        plain => PLAIN.get(usize::from(plain)).copied().ok_or(DecodeError::Tag(plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(units: u32) -> Tally {
        let cell = |contest, unit, group, measure| Cell {
            contest: ContestNumber(contest),
            unit: UnitNumber(unit),
            group: GroupNumber(group),
            measure,
        };
        let mut cells = Vec::new();
        for unit in 0..units {
            cells.extend(PLAIN.map(|measure| (cell(0, unit, 0, measure), u64::from(unit) + 1)));
            cells.push((cell(0, unit, 3, Measure::Choice(ChoiceNumber(300))), Count::MAX));
            cells.push((cell(u32::MAX, unit, 3, Measure::ChoiceAt(ChoiceNumber(2), 5)), 0));
        }
        let count = |(cell, total)| (cell, Count::try_from(total).unwrap_or_default());
        cells.into_iter().map(count).collect::<Vec<_>>().into()
    }

    fn text(tally: &Tally) -> String {
        serde_json::to_string(tally).unwrap_or_default()
    }

    #[test]
    fn every_tally_survives_its_text() {
        for units in [0, 1, 2, 3, 500] {
            let tally = tally(units);
            assert_eq!(serde_json::from_str::<Tally>(&text(&tally)).ok(), Some(tally), "{units} units");
        }
    }

    #[test]
    fn a_tally_of_the_root_is_the_list_that_earlier_programs_read() {
        let mut root = tally(1);
        root.0.pop_last();
        let expected = r#"[[{"contest":0,"unit":0,"group":0,"measure":"ballots"},1],"#;
        assert!(text(&root).starts_with(expected), "{}", text(&root));
        assert_eq!(text(&Tally::default()), "[]");
    }

    /// Written down by hand: version, two blocks; contest 0 with its root, a choice; no contest with unit 300, boxes.
    #[test]
    fn the_packed_form_stays_what_it_is() {
        let cell = |contest, unit, measure| Cell { contest, unit: UnitNumber(unit), group: GroupNumber(0), measure };
        let cells = vec![
            (cell(ContestNumber(0), 0, Measure::Choice(ChoiceNumber(2))), Count::try_from(128).unwrap_or_default()),
            (cell(ContestNumber::NONE, 300, Measure::Boxes), Count::try_from(7).unwrap_or_default()),
        ];
        let packed =
            [&[1, 2][..], &[0, 0, 1, 0, 11, 2, 128, 1], &[255, 255, 255, 255, 15, 172, 2, 1, 0, 8, 7]].concat();
        let tally = Tally::from(cells);
        assert_eq!(pack(&tally), packed);
        assert_eq!(text(&tally), format!("\"{}\"", STANDARD.encode(packed)));
    }

    #[test]
    fn nothing_else_is_a_packed_tally() {
        let packed = pack(&tally(2));
        for length in 0..packed.len() {
            assert!(unpack(&packed[..length]).is_err(), "cut to {length}");
        }
        assert_eq!(unpack(&[&packed[..], &[0]].concat()), Err(DecodeError::Long));
        assert_eq!(unpack(&[2, 0]), Err(DecodeError::Version(2)));
        assert_eq!(unpack(&[1, 1, 0, 1, 1, 0, 13, 0]), Err(DecodeError::Tag(13)));
        assert_eq!(unpack(&[1, 1, 0, 1, 2, 0, 1, 0, 0, 1, 0]), Err(DecodeError::Order));
        assert_eq!(unpack(&[1, 2, 0, 1, 0, 0, 1, 0]), Err(DecodeError::Order));
        for other in ["\"AQ\"", "\"?\"", "7", "{}"] {
            assert!(serde_json::from_str::<Tally>(other).is_err(), "{other}");
        }
    }

    #[test]
    fn fifty_thousand_cells_are_small() {
        let tally = tally(4_000);
        assert!(tally.iter().count() > 50_000);
        assert!(text(&tally).len() < 500_000, "{} bytes", text(&tally).len());
    }
}
