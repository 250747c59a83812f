//! What was counted, written down for others: entries, totals, and ballots that tell nothing about voters.
//!
//! Invariant: an export of entries holds the canonical bytes, so that anybody can recount it; a public export holds
//! neither voter nor time nor place, and is sorted by content.

pub mod ballots;
pub mod changes;
mod places;
pub mod results;
pub mod sheets;

use std::fmt::Write as _;

use hustings_core::{Contest, Election, Event, Fold, Measure, Method, Selections, entry::StateChange};
use serde_json::{Map, Value, json};

use crate::clock::rfc3339;
use crate::ledger::Stored;

pub use places::places;

/// One entry as a JSON line: readable fields, and the canonical bytes that prove them.
#[must_use]
pub fn entry_line(election: &Election, stored: &Stored) -> String {
    let entry = &stored.entry;
    let mut line = Map::new();
    line.insert("seq".into(), json!(entry.seq.0));
    line.insert("time".into(), json!(rfc3339(entry.time)));
    line.insert("kind".into(), json!(entry.event.name()));
    line.insert("contest".into(), json!(entry.event.contest().0));
    match &entry.event {
        Event::BallotCast(ballot) => {
            let contest = election.contests.get(ballot.contest.index());
            line.insert("group".into(), json!(ballot.group.0));
            line.insert("voter".into(), json!(hex(&ballot.voter.0)));
            line.insert("id".into(), json!(ballot.id.map(|id| id.to_string())));
            let (name, value) = selections(contest, &ballot.selections);
            line.insert(name.into(), value);
            line.insert("replaces".into(), json!(ballot.previous.as_ref().map(|previous| previous.seq.0)));
        }
        Event::StateChanged(changed) => {
            line.insert("by".into(), json!(changed.by.as_str()));
            line.insert("reason".into(), json!(changed.reason.as_ref().map(|reason| reason.as_str())));
            match changed.change {
                StateChange::Opened { scheduled, definition } => {
                    line.insert("scheduled".into(), json!(scheduled));
                    line.insert("definition".into(), json!(hex(&definition)));
                }
                StateChange::Closed { scheduled } => {
                    line.insert("scheduled".into(), json!(scheduled));
                }
                StateChange::RoundStarted { next, definition } | StateChange::Added { next, definition } => {
                    line.insert("next".into(), json!(next.to_string()));
                    line.insert("definition".into(), json!(hex(&definition)));
                }
                StateChange::Paused | StateChange::Reopened | StateChange::Revealed | StateChange::Certified => {}
            }
        }
        Event::Retitled(retitled) => {
            line.insert("title".into(), json!(retitled.title.as_str()));
            line.insert("by".into(), json!(retitled.by.as_str()));
            line.insert("reason".into(), json!(retitled.reason.as_ref().map(|reason| reason.as_str())));
        }
        Event::UnitsAdded(_) | Event::UnitRetired(_) | Event::ReportFiled(_) => {}
    }
    line.insert("bytes".into(), json!(hex(&stored.bytes)));
    Value::Object(line).to_string()
}

/// Selections by their codes: the field's name and its value.
#[must_use]
pub fn selections(contest: Option<&Contest>, selections: &Selections) -> (&'static str, Value) {
    let code = |number: &hustings_core::ChoiceNumber| {
        let choice = contest.and_then(|contest| contest.choices.get(number.index()));
        choice.map_or_else(|| number.to_string(), |choice| choice.code.to_string())
    };
    match selections {
        Selections::Choices(chosen) => ("choices", chosen.iter().map(|number| json!(code(number))).collect()),
        Selections::Scores(scores) => {
            ("scores", Value::Object(scores.iter().map(|(number, score)| (code(number), json!(score))).collect()))
        }
    }
}

/// The totals of every contest, as JSON: for people, for `recount`, and for holding two counts against each other.
#[must_use]
pub fn totals(election: &Election, fold: &Fold) -> Value {
    if election.reporting.is_some() {
        return places::totals(election, fold);
    }
    let contests = election.contests.iter().zip(&fold.state.contests).map(|(contest, state)| {
        json!({
            "round": contest.number.0 + 1,
            "status": state.name(),
            "ballots": fold.tally.total(contest.number, Measure::Ballots).get(),
            "blank": fold.tally.total(contest.number, Measure::Blank).get(),
            "choices": choice_totals(contest, fold),
        })
    });
    let rounds: Vec<Value> = contests.collect();
    let current = rounds.last().cloned().unwrap_or(Value::Null);
    json!({
        "id": election.id,
        "code": election.code,
        "title": fold.state.title(election),
        "rehearsal": election.rehearsal,
        "identified_by": election.access.identified_by(),
        "seq": fold.seq,
        "chain": fold.chain.to_string(),
        "ballots": current["ballots"],
        "choices": current["choices"],
        "rounds": rounds,
    })
}

fn choice_totals(contest: &Contest, fold: &Fold) -> Vec<Value> {
    let numbers = (0..).map(hustings_core::ChoiceNumber);
    let total = |measure| fold.tally.total(contest.number, measure).get();
    let one = |(choice, number): (&hustings_core::Choice, hustings_core::ChoiceNumber)| match contest.method {
        Method::Score { min, max } => {
            let votes: u64 = (min..=max).map(|score| total(Measure::ChoiceAt(number, score))).sum();
            let points: u64 = (min..=max).map(|score| u64::from(score) * total(Measure::ChoiceAt(number, score))).sum();
            json!({ "code": choice.code, "title": choice.title, "votes": votes, "points": points })
        }
        _ => json!({ "code": choice.code, "title": choice.title, "votes": total(Measure::Choice(number)) }),
    };
    contest.choices.iter().zip(numbers).map(one).collect()
}

/// 1234567 as `1,234,567`: how people read a number, on pages and in terminals.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Hexadecimal digits as bytes.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// The format of exported entries, in the header of each file.
pub const EXPORT_FORMAT: &str = "hustings-entries-1";

/// A text as a spreadsheet cell that is only text: a leading `= + - @` would be run as a formula (OWASP, CSV injection).
#[must_use]
pub fn spreadsheet_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
