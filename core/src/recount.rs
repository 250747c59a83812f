//! A fold that trusts nobody: it holds each entry against the definition and against all that came before it.

use std::collections::{HashMap, HashSet};

use crate::decide::{Filed, KnownReports, Verdict, decide_report};
use crate::election::{Election, Kind};
use crate::entry::{
    BallotCast, Entry, Event, ReportFiled, Standing, StateChange, StateChanged, UnitRetired, UnitsAdded,
};
use crate::id::{ContestNumber, GroupNumber, Revision, Seq, UnitNumber, VoterKey};
use crate::rejection::Rejection;
use crate::report::{Content, Report};
use crate::submission::Selections;
use crate::tally::{Fold, FoldError};
use crate::text::Text;
use crate::unit::{NewUnit, Unit};
use crate::units::Units;

/// A fold that trusts nobody: it also holds each entry against the definition and against the voter's earlier votes.
/// Its memory grows with the number of voters and boxes.
pub struct Recount<'a> {
    election: &'a Election,
    fold: Fold,
    counted: HashMap<(ContestNumber, VoterKey), Counted>,
    units: Units,
    /// The report of each box that counts, without its request.
    reports: HashMap<(UnitNumber, ContestNumber), (Seq, ReportFiled)>,
    revisions: HashSet<(UnitNumber, ContestNumber, Revision)>,
    /// The title as it was corrected last.
    title: Option<Text>,
}

struct Counted {
    seq: Seq,
    group: GroupNumber,
    selections: Selections,
}

impl<'a> Recount<'a> {
    /// The recount of the empty ledger.
    #[must_use]
    pub fn new(election: &'a Election) -> Self {
        Self {
            election,
            fold: Fold::new(election),
            counted: HashMap::new(),
            units: Units::default(),
            reports: HashMap::new(),
            revisions: HashSet::new(),
            title: None,
        }
    }

    /// The fold so far.
    #[must_use]
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The fold, when all is counted.
    #[must_use]
    pub fn into_fold(self) -> Fold {
        self.fold
    }

    /// The tree of units so far, as the entries alone give it.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// Counts the next entry, given as its canonical bytes; after an error the recount must not be used.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<Entry, FoldError> {
        let entry = self.fold.apply(bytes)?;
        if !belongs(&entry.event, self.election.kind) {
            return Err(FoldError::WrongKind(entry.seq));
        }
        match &entry.event {
            Event::BallotCast(ballot) => self.ballot(entry.seq, ballot)?,
            Event::StateChanged(changed) => self.definition(entry.seq, changed)?,
            Event::UnitsAdded(added) => {
                self.added(added, entry.seq).map_err(|rejection| FoldError::Units(entry.seq, rejection))?;
            }
            Event::UnitRetired(retired) => {
                self.retired(retired, entry.seq).map_err(|rejection| FoldError::Units(entry.seq, rejection))?;
            }
            Event::ReportFiled(filed) => self.report(entry.seq, filed)?,
            Event::Retitled(retitled) => {
                // The fold knows only corrected titles, and this one may be that of the definition.
                let before = self.title.replace(retitled.title.clone());
                if before.as_ref().unwrap_or(&self.election.title) == &retitled.title {
                    return Err(FoldError::Idle(entry.seq));
                }
            }
        }
        Ok(entry)
    }

    fn ballot(&mut self, seq: Seq, ballot: &BallotCast) -> Result<(), FoldError> {
        let contest = self.election.contests.get(ballot.contest.index()).ok_or(FoldError::Definition(seq))?;
        contest.check(&ballot.selections).map_err(|rejection| FoldError::Ballot(seq, rejection))?;
        let now = Counted { seq, group: ballot.group, selections: ballot.selections.clone() };
        let before = self.counted.insert((ballot.contest, ballot.voter), now);
        let honest = match (&before, &ballot.previous) {
            (None, None) => true,
            (Some(before), Some(previous)) => {
                before.seq == previous.seq && before.group == previous.group && before.selections == previous.selections
            }
            _ => false,
        };
        if honest { Ok(()) } else { Err(FoldError::Twice(seq)) }
    }

    /// Units are honest where they, prepared again, are the same.
    fn added(&mut self, added: &UnitsAdded, seq: Seq) -> Result<(), Rejection> {
        let code = |number: UnitNumber| {
            let known = self.units.get(number);
            let new = || added.units.get(number.index().checked_sub(added.first.index())?);
            known.or_else(new).map(|unit| unit.code.clone()).ok_or(Rejection::UnitsMoved)
        };
        let again = |unit: &Unit| {
            Ok(NewUnit {
                code: unit.code.clone(),
                name: unit.name.clone(),
                kind: unit.kind,
                parent: Some(code(unit.parent)?),
                channel: unit.channel,
                registered: unit.registered,
                boxes: unit.boxes,
            })
        };
        let new: Vec<NewUnit> = added.units.iter().map(again).collect::<Result<_, _>>()?;
        match self.units.prepare(&new) {
            Ok(prepared) if prepared == added.units => self.units.add(added, seq),
            _ => Err(Rejection::UnitsMoved),
        }
    }

    fn retired(&mut self, retired: &UnitRetired, seq: Seq) -> Result<(), Rejection> {
        let of_unit = |((unit, _), (_, filed)): (&(UnitNumber, _), &(_, ReportFiled))| {
            *unit == retired.unit && filed.content != Content::Withdrawn
        };
        if self.reports.iter().any(of_unit) {
            return Err(Rejection::UnitInUse);
        }
        self.units.retire(retired, seq)
    }

    /// A report is honest where the decision about it, made again, is the same.
    fn report(&mut self, seq: Seq, filed: &ReportFiled) -> Result<(), FoldError> {
        let failed = |rejection| FoldError::Report(seq, rejection);
        let contest = self.election.contests.get(filed.contest.index()).ok_or(FoldError::Definition(seq))?;
        let state = self.fold.state.contest(filed.contest).map_err(failed)?;
        let place = (filed.ballot_box, filed.contest);
        if !self.revisions.insert((filed.ballot_box, filed.contest, filed.revision)) {
            return Err(FoldError::Twice(seq));
        }
        let current = self.reports.get(&place).map(|(seq, report)| Filed { seq: *seq, report });
        let again = Report {
            contest: filed.contest,
            ballot_box: filed.ballot_box,
            revision: Some(filed.revision),
            id: filed.id,
            content: filed.content.clone(),
            reported_at: filed.reported_at,
            definition: None,
            within: None,
            channel: None,
            by: filed.by.clone(),
            reason: filed.reason.clone(),
            request: filed.request.clone(),
        };
        let known = KnownReports { current, ..KnownReports::default() };
        match decide_report(contest, state, &self.units, known, &again) {
            Verdict::Accept(Event::ReportFiled(decided)) if decided == *filed => {}
            Verdict::Rejected(rejection) => return Err(failed(rejection)),
            _ => return Err(FoldError::Twice(seq)),
        }
        if !matches!(filed.standing, Standing::Late { .. }) {
            self.reports.insert(place, (seq, ReportFiled { request: Vec::new(), ..filed.clone() }));
        }
        Ok(())
    }

    fn definition(&self, seq: Seq, changed: &StateChanged) -> Result<(), FoldError> {
        let contest = |at: usize| self.election.contests.get(at).ok_or(FoldError::Definition(seq));
        let frozen = match changed.change {
            StateChange::Opened { definition, .. } => contest(changed.contest.index())?.digest() == definition,
            StateChange::Added { next, definition } => {
                let added = contest(changed.contest.index())?;
                let is_held = |unit: &Unit| unit.kind.is_place() && !unit.is_retired;
                added.id == next && added.digest() == definition && self.units.get(added.unit()).is_some_and(is_held)
            }
            StateChange::RoundStarted { next, definition } => {
                let round = contest(changed.contest.index() + 1)?;
                round.id == next && round.digest() == definition
            }
            _ => true,
        };
        if frozen { Ok(()) } else { Err(FoldError::Definition(seq)) }
    }
}

/// Whether elections of a kind have such entries. A ballot in an election of boxes would count beside their reports.
fn belongs(event: &Event, kind: Kind) -> bool {
    let is_of_boxes = match event {
        Event::BallotCast(_) | Event::Retitled(_) => false,
        Event::UnitsAdded(_) | Event::UnitRetired(_) | Event::ReportFiled(_) => true,
        Event::StateChanged(changed) => match changed.change {
            StateChange::RoundStarted { .. } => false,
            StateChange::Added { .. } => true,
            _ => return true,
        },
    };
    is_of_boxes == (kind == Kind::Election)
}
