//! Reports of what is not known here: the newest tree and definition are looked at, and unlisted boxes are added where that is
//! so arranged.
//!
//! Invariant: a box is added only for a report that is right otherwise, of a sender who may report there, in a contest that
//! takes reports now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use hustings_core::{
    Act, ActKind, ContestNumber, Label, NewUnit, Rejection, Report, Submission, Text, Unit, UnitKind, Units, UnitsMark,
};

use super::Desk;
use super::book::Book;
use super::resolve::{Parent, Slip, Unlisted, Unresolved, resolve};
use super::sender::Sender;
use crate::http::Services;
use crate::http::error::Problem;
use crate::ledger::{Answer, LedgerError, Registered};

/// What the ledger can be asked for one slip.
pub(super) type Resolved = Result<Report, Unresolved>;

/// Resolves slips with what is known here. No question to a store, as long as there is a tree in memory.
pub(super) fn resolve_all(book: &Book, units: &Units, sender: &Sender, slips: &[Slip]) -> Vec<Resolved> {
    slips.iter().map(|slip| one(book, units, sender, slip)).collect()
}

fn one(book: &Book, units: &Units, sender: &Sender, slip: &Slip) -> Resolved {
    match resolve(book, units, slip, &sender.by) {
        Ok(report) => Ok(sender.may_report(units, report.ballot_box).map(|()| report)?),
        Err(Unresolved::Unknown(problem, Some(unlisted))) => {
            let top = match &unlisted.parent {
                Parent::Unit(unit, _) => *unit,
                Parent::City(..) => Unit::ROOT,
            };
            sender.may_report(units, top)?;
            Err(Unresolved::Unknown(problem, Some(unlisted)))
        }
        Err(unresolved) => Err(unresolved),
    }
}

/// The tree as it is kept here.
pub(super) async fn kept_units(services: &Services, sender: &Sender) -> Result<Arc<Units>, LedgerError> {
    kept_units_of(services, &sender.found).await
}

/// The tree of an election as it is kept here.
pub(super) async fn kept_units_of(services: &Services, found: &Registered) -> Result<Arc<Units>, LedgerError> {
    services.reports.units(found.key, Some(UnitsMark::default())).await
}

/// Looks again for what is not known here, and adds what may be added; the rest stays refused.
pub(super) async fn mend(
    services: &Services,
    desk: &Desk,
    sender: &Sender,
    slips: &[Slip],
    resolved: &mut [Resolved],
) -> Result<(), LedgerError> {
    let is_unknown = |resolved: &Resolved| matches!(resolved, Err(Unresolved::Unknown(..)));
    if !resolved.iter().any(is_unknown) {
        return Ok(());
    }
    let book = desk.books.newest(services, &sender.found).await?;
    let again = |units: &Units, resolved: &mut [Resolved]| {
        for (slip, resolved) in slips.iter().zip(resolved.iter_mut()).filter(|(_, resolved)| is_unknown(resolved)) {
            *resolved = one(&book, units, sender, slip);
        }
    };
    again(&*services.reports.units(sender.found.key, None).await?, resolved);
    let unlisted: Vec<&Unlisted> = resolved
        .iter()
        .filter_map(|resolved| match resolved {
            Err(Unresolved::Unknown(_, Some(unlisted))) => Some(unlisted.as_ref()),
            _ => None,
        })
        .collect();
    if unlisted.is_empty() {
        return Ok(());
    }
    let refused = add(services, sender, &unlisted).await;
    again(&*services.reports.units(sender.found.key, None).await?, resolved);
    for resolved in resolved.iter_mut() {
        if let Err(Unresolved::Unknown(_, Some(unlisted))) = resolved {
            // Without a refusal the store did not say, or others were faster: the same report may be sent again.
            let undecided =
                || Problem::unavailable("undecided", "the box could not be added just now; please send it again");
            let problem = refused.get(&unlisted.code).map_or_else(undecided, |rejection| not_added(*rejection));
            *resolved = Err(Unresolved::Wrong(problem));
        }
    }
    Ok(())
}

/// Why a box was not added, and its report not taken.
fn not_added(rejection: Rejection) -> Problem {
    match rejection {
        Rejection::WrongStatus { .. } => Problem::from(rejection).pointing_to("/box").saying(
            "this box is not listed, and no box is added any more where it stands: a contest that was held there is certified",
        ),
        _ => super::answer::refused(rejection),
    }
}

/// Adds boxes and cities in one act; where that is refused, those of each place by themselves, and where others have added some
/// of these otherwise, each by itself. Gives the boxes that were refused, and why.
async fn add(services: &Services, sender: &Sender, unlisted: &[&Unlisted]) -> HashMap<Label, Rejection> {
    let state = services.feed.state(sender.found.key).await.ok().flatten();
    let takes_reports = |contest: ContestNumber| {
        let state = state.as_ref().and_then(|state| state.contest(contest).ok());
        state.map_or(Err(Rejection::UnknownContest), hustings_core::ContestState::accepts_submissions)
    };
    let mut refused = HashMap::new();
    // A box stands where the first of its reports says.
    let (mut wanted, mut seen): (Vec<&Unlisted>, HashSet<&Label>) = Default::default();
    for unlisted in unlisted {
        match takes_reports(unlisted.contest) {
            Ok(()) if seen.insert(&unlisted.code) => wanted.push(unlisted),
            Ok(()) => {}
            Err(rejection) => drop(refused.insert(unlisted.code.clone(), rejection)),
        }
    }
    if submit(services, sender, new_units(&wanted)).await.is_ok() {
        return refused;
    }
    let mut places: BTreeMap<&Label, Vec<&Unlisted>> = BTreeMap::new();
    wanted.iter().for_each(|unlisted| places.entry(unlisted.parent.code()).or_default().push(unlisted));
    for boxes in places.values() {
        match submit(services, sender, new_units(boxes)).await {
            Ok(()) => {}
            Err(Rejection::UnitsMoved) => {
                for unlisted in boxes {
                    // Whatever stands in the way of one is told of when its report is looked at again.
                    let _told_later = submit(services, sender, new_units(&[unlisted])).await;
                }
            }
            Err(rejection) => refused.extend(boxes.iter().map(|unlisted| (unlisted.code.clone(), rejection))),
        }
    }
    refused
}

async fn submit(services: &Services, sender: &Sender, units: Vec<NewUnit>) -> Result<(), Rejection> {
    if units.is_empty() {
        return Ok(());
    }
    let reason = Text::parse("reported, and not listed before").ok();
    let kind = ActKind::AddUnits(units.into());
    let act = Act { contest: ContestNumber::NONE, kind, by: sender.by.clone(), reason };
    match services.ingest.submit(sender.found.key, Submission::Act(act)).await {
        Ok(Answer::Rejected(rejection, _)) => Err(rejection),
        // Without an answer nothing is known: the tree is looked at again, and says what there is.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The units that reports name and nobody listed, each once.
fn new_units(unlisted: &[&Unlisted]) -> Vec<NewUnit> {
    let mut seen: HashSet<&Label> = HashSet::with_capacity(unlisted.len());
    let mut units = Vec::with_capacity(unlisted.len());
    let new = |code: &Label, kind| NewUnit {
        code: code.clone(),
        name: None,
        kind,
        parent: None,
        channel: hustings_core::Channel::default(),
        registered: None,
        boxes: None,
    };
    for unlisted in unlisted {
        let parent = unlisted.parent.code();
        if let Parent::City(code, name) = &unlisted.parent
            && seen.insert(code)
        {
            let name = Some(name.clone()).filter(|name| name.as_str() != code.as_str());
            units.push(NewUnit { name, ..new(code, UnitKind::City) });
        }
        if seen.insert(&unlisted.code) {
            let parent = Some(parent.clone());
            units.push(NewUnit { parent, channel: unlisted.channel, ..new(&unlisted.code, UnitKind::Box) });
        }
    }
    units
}
