//! The audit as rows.

use std::collections::BTreeMap;

use super::{Cell, Row};
use crate::export::changes::AuditLine;

impl Row for AuditLine {
    const SHEET: &'static str = "audit";
    const COLUMNS: &'static [&'static str] = &[
        "seq",
        "time",
        "kind",
        "contest",
        "box",
        "city",
        "channel",
        "unit",
        "units",
        "revision",
        "status",
        "votes",
        "blank",
        "invalid",
        "cast",
        "votes_change",
        "cast_change",
        "by",
        "reason",
        "reported_at",
        "id",
        "receipt",
        "request",
    ];

    fn cells(&self) -> Vec<Cell> {
        let (change, reported) = (&self.change, self.reported.as_ref());
        vec![
            Cell::Number(change.seq),
            Cell::text(&change.time),
            Cell::text(change.kind),
            Cell::maybe(change.contest.as_deref()),
            Cell::maybe(change.ballot_box.as_deref()),
            Cell::maybe(change.city.as_deref()),
            Cell::maybe(change.channel),
            Cell::maybe(change.unit.as_deref()),
            Cell::number(change.units.map(|units| units as u64)),
            Cell::number(change.revision.map(u64::from)),
            Cell::maybe(change.status),
            Cell::maybe(reported.map(|reported| pairs(&reported.votes, false)).as_deref()),
            Cell::number(reported.map(|reported| reported.blank.into())),
            Cell::number(reported.map(|reported| reported.invalid.into())),
            Cell::number(reported.map(|reported| reported.cast.into())),
            Cell::maybe(change.votes.as_ref().map(|votes| pairs(votes, true)).as_deref()),
            change.cast.map_or(Cell::Empty, Cell::Move),
            Cell::text(&change.by),
            Cell::maybe(change.reason.as_deref()),
            Cell::maybe(change.reported_at.as_deref()),
            Cell::maybe(self.id.as_deref()),
            Cell::text(&self.receipt),
            Cell::maybe(self.request.as_deref()),
        ]
    }
}

fn pairs(votes: &BTreeMap<String, i64>, signed: bool) -> String {
    let pair = |(code, votes): (&String, &i64)| {
        if signed { format!("{code}={votes:+}") } else { format!("{code}={votes}") }
    };
    votes.iter().map(pair).collect::<Vec<_>>().join(" ")
}
