//! Units as they are sent, in JSON or CSV, made into those of the core.
//!
//! Invariant: every field of every line is looked at, so that a person who mends a file hears of everything at once. It must
//! not know: which units there are.

use std::collections::HashSet;
use std::io::Read;

use hustings_core::{Channel, Counts, Grounds, Label, NewUnit, Text, Unit, UnitError, UnitFault, UnitKind, UnitNumber};
use serde::Deserialize;
use serde_json::Number;
use utoipa::ToSchema;

use crate::http::body;
use crate::http::error::Problem;
use crate::http::import::{Faults, Line, Place, Table};

/// The most units of one import.
const UNITS_MAX: usize = 500_000;

/// A unit as it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitBody {
    /// Its stable code, unique in the election: 1 to 64 letters, digits, `-`, `_`, `.` or `:`.
    code: String,
    /// Its name, where that is not the code.
    name: Option<String>,
    /// region, city, station or box.
    #[schema(example = "box")]
    kind: String,
    /// The code of the unit it stands in; without one, the nation.
    parent: Option<String>,
    /// How votes are cast there: `in_person` (default), postal, early, overseas, mobile, provisional or other.
    channel: Option<String>,
    /// How many may vote there; told of a unit or of units in it, never of both.
    #[schema(value_type = Option<u32>)]
    registered: Option<Number>,
    /// How many boxes a nation, region or city will have, where they are not all listed.
    #[schema(value_type = Option<u32>)]
    boxes: Option<Number>,
}

/// Units to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitsBody {
    /// In any order; at most 500,000.
    units: Vec<UnitBody>,
    /// Why, for the record; needed once a contest is open.
    reason: Option<String>,
}

const COLUMNS: [&str; 7] = ["code", "kind", "name", "parent", "channel", "registered", "boxes"];

/// Units that could be read, and what is wrong with the others.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) units: Vec<NewUnit>,
    pub(super) places: Places,
    pub(super) faults: Faults,
    pub(super) reason: Option<String>,
}

/// Where each unit of an import stands in what was sent.
#[derive(Debug, Default)]
pub(super) struct Places {
    is_csv: bool,
    numbers: Vec<u32>,
    /// Codes of what could not be read: they are not missing, and were told of already.
    unread: HashSet<String>,
}

/// Reads units from CSV.
pub(super) fn csv(reader: &mut dyn Read) -> Result<Parsed, Problem> {
    let mut parsed = Parsed::new(true);
    let mut table = Table::open(reader, COLUMNS, 2)?;
    while let Some(Line { number, fields }) = table.next(&mut parsed.faults)? {
        parsed.take(number, &fields)?;
    }
    Ok(parsed)
}

/// Reads units from a JSON document.
pub(super) fn json(reader: &mut dyn Read) -> Result<Parsed, Problem> {
    let UnitsBody { units, reason } = body::parse(&body::whole(reader)?)?;
    Ok(Parsed { reason, ..listed(units)? })
}

/// Reads units of a document that holds more than them.
pub(super) fn listed(units: Vec<UnitBody>) -> Result<Parsed, Problem> {
    let mut parsed = Parsed::new(false);
    for (number, unit) in (0..).zip(units) {
        let digits = |number: &Option<Number>| number.as_ref().map(ToString::to_string).unwrap_or_default();
        let (registered, boxes) = (digits(&unit.registered), digits(&unit.boxes));
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let (name, parent, channel) = (text(&unit.name), text(&unit.parent), text(&unit.channel));
        parsed.take(number, &[&*unit.code, &unit.kind, &name, &parent, &channel, &registered, &boxes])?;
    }
    Ok(parsed)
}

impl Parsed {
    fn new(is_csv: bool) -> Self {
        let places = Places { is_csv, ..Places::default() };
        Self { units: Vec::new(), places, faults: Faults::new("invalid_units"), reason: None }
    }

    fn take(&mut self, number: u64, fields: &[&str; 7]) -> Result<(), Problem> {
        let Self { units, places, faults, .. } = self;
        if units.len() + places.unread.len() >= UNITS_MAX {
            let detail = format!("one import can have at most {UNITS_MAX} units; send the others in another one");
            return Err(Problem::invalid("too_many_units", "/units", detail));
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        match read(fields, |field, code, detail| faults.push(places.place(number), field, code, detail)) {
            Some(unit) => {
                units.push(unit);
                places.numbers.push(number);
            }
            None => {
                places.unread.insert(fields[0].trim().to_owned());
            }
        }
        Ok(())
    }
}

impl Places {
    fn place(&self, number: u32) -> Place {
        match self.is_csv {
            true => Place::Line(number.into()),
            false => Place::Item("/units".to_owned(), number as usize),
        }
    }

    /// Adds what is wrong with units where they are to stand.
    pub(super) fn misplaced(&self, units: &[NewUnit], found: Vec<UnitFault>, faults: &mut Faults) {
        for UnitFault { at, what } in found {
            let (Some(unit), Some(number)) = (units.get(at), self.numbers.get(at)) else { continue };
            let parent = unit.parent.as_ref().map_or("", Label::as_str);
            let (field, detail) = match what {
                UnitError::Orphan if self.unread.contains(parent) => continue,
                UnitError::Orphan => ("parent", format!("`{}`: there is no unit `{parent}` to stand in", unit.code)),
                _ => ("", format!("`{}`: {what}", unit.code)),
            };
            faults.push(self.place(*number), field, what.code(), detail);
        }
    }
}

impl Places {
    /// Adds the new units that would stand where a contest that was held is certified. Those below other new ones are told of
    /// with these.
    pub(super) fn signed(&self, units: &[NewUnit], on: Grounds<'_>, faults: &mut Faults) {
        let parent = |unit: &NewUnit| match &unit.parent {
            Some(parent) => on.units.find(parent.as_str()),
            None => Some(Unit::ROOT),
        };
        let new = units.iter().enumerate().filter(|(_, unit)| on.units.find(unit.code.as_str()).is_none());
        let (at, parents): (Vec<usize>, Vec<UnitNumber>) =
            new.filter_map(|(at, unit)| Some((at, parent(unit)?))).unzip();
        for (at, _) in at.into_iter().zip(on.are_signed(parents.into_iter())).filter(|(_, signed)| *signed) {
            let (Some(unit), Some(number)) = (units.get(at), self.numbers.get(at)) else { continue };
            let detail =
                format!("`{}`: a contest that was held there is certified, so no unit is added any more", unit.code);
            faults.push(self.place(*number), "parent", "wrong_status", detail);
        }
    }
}

/// A unit with what can be read of it; none where even that is not enough to know where it would stand.
fn read(fields: &[&str; 7], mut fault: impl FnMut(&'static str, &'static str, String)) -> Option<NewUnit> {
    let [code, kind, name, parent, channel, registered, boxes] = *fields;
    let code = Label::parse(code).map_err(|error| fault("code", error.code(), format!("the code {error}"))).ok();
    let kind = kind
        .parse::<UnitKind>()
        .map_err(|()| fault("kind", "unknown_kind", format!("there is no kind `{}`; use {KINDS}", short(kind))))
        .ok();
    let name = optional(name, Text::parse);
    let name = name.map_err(|error| fault("name", error.code(), format!("the name {error}"))).ok();
    let parent = optional(parent, Label::parse);
    let parent = parent.map_err(|error| fault("parent", error.code(), format!("the code of its parent {error}"))).ok();
    let channel = optional(channel, |channel| {
        channel.parse::<Channel>().map_err(|()| format!("there is no channel `{}`", short(channel)))
    });
    let channel = channel.map_err(|detail| fault("channel", "unknown_channel", detail)).ok();
    let mut number = |field: &'static str, digits: &str| {
        let number =
            optional(digits, |digits| digits.parse::<u32>().ok().filter(|n| *n <= Counts::NUMBER_MAX).ok_or(()));
        let detail =
            || format!("`{field}` is a whole number from 0 to {}, not `{}`", Counts::NUMBER_MAX, short(digits));
        number.map_err(|()| fault(field, "invalid_number", detail())).ok().flatten()
    };
    let (registered, boxes) = (number("registered", registered), number("boxes", boxes));
    Some(NewUnit {
        code: code?,
        kind: kind?,
        parent: parent?,
        name: name.flatten(),
        channel: channel.flatten().unwrap_or_default(),
        registered,
        boxes,
    })
}

const KINDS: &str = "region, city, station or box";

fn optional<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// What was sent, cut where it is long.
pub(super) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
