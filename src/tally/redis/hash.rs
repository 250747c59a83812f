//! A snapshot as a Redis hash, and back.
//!
//! ```text
//! epoch seq time chain state     the watermark and where the contests stand (JSON)
//! cells sum                      how many cells there are, and the sum of seq and all totals modulo 2^52
//! contest.unit.group.measure     one total each; measure is choice.N, choice.N.SCORE or a name (`PLAIN`)
//! ```
//!
//! Invariant: there is exactly one way to write a snapshot, and whatever else is found is no snapshot: a missing, added
//! or altered field is never read as another number. It must not know: connections, scripts.

use std::collections::BTreeMap;
use std::str::FromStr;

use hustings_core::{
    Cell, Chain, ChoiceNumber, ContestNumber, Count, Epoch, Fold, GroupNumber, Measure, Seq, Tally, Time, UnitNumber,
};

use super::super::Snapshot;

/// A whole hash, as the server gives it.
pub(super) type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// The fields that every snapshot has.
pub(super) const HEADER: usize = 7;

/// Sums are kept modulo 2^52, so that scripts, whose numbers are doubles, add them exactly.
const MODULUS: u64 = 1 << 52;

/// All fields of a snapshot.
pub(super) fn encode(snapshot: &Snapshot) -> Option<Content> {
    let Fold { seq, time, chain, state, tally } = &snapshot.fold;
    let totals: Vec<_> = tally.iter().collect();
    let sum = sum(*seq, totals.iter().map(|(_, total)| *total));
    let header = [
        ("epoch", snapshot.epoch.to_string()),
        ("seq", seq.to_string()),
        ("time", time.to_string()),
        ("chain", chain.to_string()),
        ("state", serde_json::to_string(state).ok()?),
        ("cells", totals.len().to_string()),
        ("sum", sum.to_string()),
    ];
    let header = header.into_iter().map(|(name, value)| (name.into(), value.into_bytes()));
    let cells = totals.into_iter().map(|(cell, total)| (name(&cell).into_bytes(), total.to_string().into_bytes()));
    Some(header.chain(cells).collect())
}

/// The snapshot that a hash holds, if it is one, whole and unaltered.
pub(super) fn decode(content: &Content) -> Option<Snapshot> {
    let text = |name: &str| content.get(name.as_bytes()).and_then(|value| str::from_utf8(value).ok());
    let cells = content.iter().filter(|(field, _)| field.first().is_some_and(u8::is_ascii_digit));
    let totals: Vec<(Cell, Count)> =
        cells.map(|(field, value)| Some((cell(field)?, count(value)?))).collect::<Option<_>>()?;
    let seq = Seq(integer(text("seq")?)?);
    let is_whole = content.len() == totals.len() + HEADER
        && integer::<u64>(text("cells")?)? == totals.len() as u64
        && integer::<u64>(text("sum")?)? == sum(seq, totals.iter().map(|(_, total)| *total));
    let fold = Fold {
        seq,
        time: Time(integer(text("time")?)?),
        chain: Chain(bytes(text("chain")?)?),
        state: serde_json::from_str(text("state")?).ok()?,
        tally: Tally::from(totals),
    };
    is_whole.then_some(Snapshot { epoch: Epoch(bytes(text("epoch")?)?), fold })
}

/// The field of a cell.
pub(super) fn name(cell: &Cell) -> String {
    let Cell { contest, unit, group, measure } = cell;
    match measure {
        Measure::Choice(choice) => format!("{contest}.{unit}.{group}.choice.{choice}"),
        Measure::ChoiceAt(choice, score) => format!("{contest}.{unit}.{group}.choice.{choice}.{score}"),
        other => {
            let plain = PLAIN.iter().find(|(_, measure)| measure == other).map_or("", |(name, _)| name);
            format!("{contest}.{unit}.{group}.{plain}")
        }
    }
}

/// The measures that have only a name.
const PLAIN: [(&str, Measure); 11] = [
    ("ballots", Measure::Ballots),
    ("blank", Measure::Blank),
    ("invalid", Measure::Invalid),
    ("cast", Measure::Cast),
    ("provisional", Measure::BoxesProvisional),
    ("final", Measure::BoxesFinal),
    ("new_boxes", Measure::NewBoxes),
    ("new_votes", Measure::NewVotes),
    ("boxes", Measure::Boxes),
    ("foreseen", Measure::BoxesForeseen),
    ("registered", Measure::Registered),
];

/// The life and the place that a version names, as hints carry it.
pub(super) fn place(version: &str) -> Option<(Epoch, Seq)> {
    let (epoch, seq) = version.split_once('.')?;
    Some((Epoch(bytes(epoch)?), Seq(integer(seq)?)))
}

/// The cell of a field. There are fifty thousand of them in a large election, so nothing is allocated.
fn cell(field: &[u8]) -> Option<Cell> {
    let mut parts = str::from_utf8(field).ok()?.split('.');
    let (contest, unit, group) = (integer(parts.next()?)?, integer(parts.next()?)?, integer(parts.next()?)?);
    let measure = match (parts.next()?, parts.next(), parts.next()) {
        ("choice", Some(choice), None) => Measure::Choice(ChoiceNumber(integer(choice)?)),
        ("choice", Some(choice), Some(score)) => Measure::ChoiceAt(ChoiceNumber(integer(choice)?), integer(score)?),
        (plain, None, None) => PLAIN.iter().find(|(name, _)| *name == plain)?.1,
        _ => return None,
    };
    let (contest, unit, group) = (ContestNumber(contest), UnitNumber(unit), GroupNumber(group));
    parts.next().is_none().then_some(Cell { contest, unit, group, measure })
}

/// So that one altered number is noticed when all are read.
fn sum(seq: Seq, totals: impl Iterator<Item = Count>) -> u64 {
    totals.fold(seq.0 % MODULUS, |sum, total| (sum + total.get() % MODULUS) % MODULUS)
}

fn count(value: &[u8]) -> Option<Count> {
    Count::try_from(integer::<u64>(str::from_utf8(value).ok()?)?).ok()
}

/// A number in its one way to be written.
fn integer<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let is_hex = hex.len() == 2 * N && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let byte = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok();
    is_hex.then(|| (0..N).map(byte).collect::<Option<Vec<u8>>>())??.try_into().ok()
}

#[cfg(test)]
mod tests {
    use hustings_core::state::ContestState;
    use hustings_core::{ElectionState, UnitsMark, Visibility};

    use super::*;

    fn snapshot() -> Snapshot {
        let cell = |group, measure| Cell {
            contest: ContestNumber(1),
            unit: UnitNumber(7),
            group: GroupNumber(group),
            measure,
        };
        let totals = [
            (cell(0, Measure::Ballots), Count::MAX),
            (cell(0, Measure::Blank), 0),
            (cell(2, Measure::Choice(ChoiceNumber(3))), Count::MAX - 1),
            (cell(2, Measure::ChoiceAt(ChoiceNumber(3), 5)), 12),
        ];
        let totals = totals.map(|(cell, total)| (cell, Count::try_from(total).expect("a total")));
        let state = ElectionState {
            visibility: Visibility::Always,
            contests: vec![ContestState::Open { closes_at: Some(Time(9)), revealed: false }],
            state_entries: 1,
            units: UnitsMark::default(),
            title: None,
        };
        let fold =
            Fold { seq: Seq(41), time: Time(8), chain: Chain([0xab; 32]), state, tally: Vec::from(totals).into() };
        Snapshot { epoch: Epoch([0x0a; 8]), fold }
    }

    #[test]
    fn a_snapshot_survives_being_written() {
        let written = encode(&snapshot()).expect("written");
        assert_eq!(written.len(), HEADER + 4);
        assert_eq!(decode(&written), Some(snapshot()));
        assert_eq!(place("0a0a0a0a0a0a0a0a.41"), Some((Epoch([0x0a; 8]), Seq(41))));
    }

    #[test]
    fn what_is_missing_added_or_altered_is_no_snapshot() {
        let written = encode(&snapshot()).expect("written");
        for field in written.keys() {
            let mut without = written.clone();
            without.remove(field);
            assert_eq!(decode(&without), None, "without {}", String::from_utf8_lossy(field));
            for value in ["", "x", "-1", "+1", "01", "1e3", "1.0", " 1", "18446744073709551616", "\u{fffd}"] {
                let mut altered = written.clone();
                altered.insert(field.clone(), value.into());
                assert_eq!(decode(&altered), None, "{} is {value:?}", String::from_utf8_lossy(field));
            }
        }
        for added in ["1.7.3.blank", "01.7.0.ballots", "1.7.0.tea", "1.7.0.choice.3.5.1", "1.7.0", "more"] {
            let mut more = written.clone();
            more.insert(added.into(), b"0".to_vec());
            assert_eq!(decode(&more), None, "with {added}");
        }
    }

    #[test]
    fn one_altered_number_is_noticed() {
        let written = encode(&snapshot()).expect("written");
        for field in ["seq", "1.7.0.blank", "1.7.2.choice.3.5", "cells", "sum"] {
            let mut altered = written.clone();
            altered.insert(field.into(), b"13".to_vec());
            assert_eq!(decode(&altered), None, "{field}");
        }
        // 2^53 leaves the sum as it is, and is beyond all totals.
        let mut beyond = written;
        beyond.insert(b"1.7.0.blank".to_vec(), b"9007199254740992".to_vec());
        assert_eq!(decode(&beyond), None);
    }
}
