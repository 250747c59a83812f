//! The decision for one report: dedupe, then state, then rules, as for ballots.

use super::Verdict;
use crate::contest::Contest;
use crate::entry::{Event, ReportFiled, Standing};
use crate::id::{Revision, Seq};
use crate::rejection::Rejection;
use crate::report::{Content, Report};
use crate::state::ContestState;
use crate::unit::{Unit, UnitKind};
use crate::units::Units;

/// A report that the ledger holds already.
#[derive(Debug, Clone, Copy)]
pub struct Filed<'a> {
    /// Where it stands.
    pub seq: Seq,
    /// What it is.
    pub report: &'a ReportFiled,
}

/// What the ledger knows that matters for one report.
#[derive(Debug, Clone, Copy, Default)]
pub struct KnownReports<'a> {
    /// The report with the same submission id.
    pub same_id: Option<Filed<'a>>,
    /// The report that counts now for the box of `same_id`, in its contest.
    pub current_of_same_id: Option<Seq>,
    /// The box's report with this revision, in this contest.
    pub same_revision: Option<Filed<'a>>,
    /// The box's report with the highest revision, in this contest.
    pub current: Option<Filed<'a>>,
}

/// Decides one report of a box.
#[must_use]
pub fn decide_report(
    contest: &Contest,
    state: &ContestState,
    units: &Units,
    known: KnownReports<'_>,
    report: &Report,
) -> Verdict {
    let ballot_box = match units.get(report.ballot_box) {
        None => return Verdict::Rejected(Rejection::UnknownUnit),
        Some(unit) if unit.kind != UnitKind::Box => return Verdict::Rejected(Rejection::NotABox),
        Some(unit) => unit,
    };
    if let Some(known) = repeated(known, report) {
        return known;
    }
    let allowed = state.accepts_submissions().and_then(|()| check(contest, units, ballot_box, report));
    match allowed.and_then(|()| standing(known.current, report)) {
        Err(rejection) => Verdict::Rejected(rejection),
        Ok((revision, standing)) => Verdict::Accept(Event::ReportFiled(ReportFiled {
            contest: report.contest,
            ballot_box: report.ballot_box,
            place: ballot_box.place,
            channel: ballot_box.channel,
            revision,
            id: report.id,
            content: report.content.clone(),
            standing,
            reported_at: report.reported_at,
            by: report.by.clone(),
            reason: report.reason.clone(),
            request: report.request.clone(),
        })),
    }
}

/// The answer to a report that was recorded before, under its id or its revision.
fn repeated(known: KnownReports<'_>, report: &Report) -> Option<Verdict> {
    if let Some(Filed { seq, report: same }) = known.same_id {
        let is_same = (same.contest, same.ballot_box) == (report.contest, report.ballot_box)
            && same.content == report.content
            && report.revision.is_none_or(|revision| revision == same.revision);
        return Some(match known.current_of_same_id {
            _ if !is_same => Verdict::Rejected(Rejection::IdReused),
            Some(current) if current != seq => Verdict::Superseded(seq),
            _ => Verdict::Repeated(seq),
        });
    }
    if let Some(seq) = withdrawn_before(known.current, report) {
        return Some(Verdict::Repeated(seq));
    }
    let Filed { seq, report: same } = known.same_revision?;
    Some(if same.content != report.content {
        Verdict::Rejected(Rejection::ExistsWithDifferentVotes { current: seq })
    } else if known.current.is_some_and(|current| current.seq != seq) {
        Verdict::Superseded(seq)
    } else {
        Verdict::Repeated(seq)
    })
}

/// The withdrawal that counts, where this one says the same and has nothing to be known by: neither a number nor an id. Whoever
/// lost the answer to it sends it again just so.
fn withdrawn_before(current: Option<Filed<'_>>, report: &Report) -> Option<Seq> {
    let Filed { seq, report: current } = current?;
    let is_nameless = report.id.is_none() && report.revision.is_none();
    let is_same = report.content == Content::Withdrawn
        && (&current.content, &current.by, &current.reason) == (&report.content, &report.by, &report.reason);
    (is_nameless && is_same).then_some(seq)
}

fn check(contest: &Contest, units: &Units, ballot_box: &Unit, report: &Report) -> Result<(), Rejection> {
    let is_elsewhere = report.within.is_some_and(|unit| !units.is_within(report.ballot_box, unit));
    if ballot_box.is_retired {
        Err(Rejection::BoxRetired)
    } else if report.definition.is_some_and(|definition| definition != contest.digest()) {
        Err(Rejection::StaleDefinition)
    } else if !units.is_within(report.ballot_box, contest.unit()) {
        Err(Rejection::BoxOutsideContest)
    } else if is_elsewhere {
        Err(Rejection::BoxBelongsElsewhere)
    } else if report.channel.is_some_and(|channel| channel != ballot_box.channel) {
        Err(Rejection::OtherChannel)
    } else if report.request.len() > Report::REQUEST_MAX {
        Err(Rejection::RequestTooLarge { max: Report::REQUEST_MAX })
    } else {
        report.content.counts().map_or(Ok(()), |counts| counts.check(contest))
    }
}

/// What a new report does to those before it, and its number.
fn standing(current: Option<Filed<'_>>, report: &Report) -> Result<(Revision, Standing), Rejection> {
    let withdraws = report.content == Content::Withdrawn;
    let Some(Filed { seq, report: current }) = current else {
        let first = (report.revision.unwrap_or(Revision(1)), Standing::First);
        return if withdraws { Err(Rejection::NothingToWithdraw) } else { Ok(first) };
    };
    let next = || current.revision.0.checked_add(1).map(Revision).ok_or(Rejection::NoRevisionLeft);
    let revision = report.revision.map_or_else(next, Ok)?;
    if revision < current.revision {
        return Ok((revision, Standing::Late { current: seq }));
    }
    if withdraws && current.content == Content::Withdrawn {
        return Err(Rejection::AlreadyWithdrawn);
    }
    let counts = current.content.counts().cloned();
    Ok((revision, Standing::Replaces { seq, revision: current.revision, counts }))
}
