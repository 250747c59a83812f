//! Units and contests that come and go: the tree is looked up once a batch, and grows with what the batch adds.

use std::collections::HashSet;
use std::sync::Arc;

use hustings_core::decide::{Grounds, decide_contest, decide_retirement, decide_units};
use hustings_core::{Act, ActKind, Content, Contest, ContestNumber, Event, Rejection, UnitNumber, Units, Verdict};

use super::reports::filed;
use super::{Answer, Deciding, ElectionKey, LedgerError};

impl Deciding<'_> {
    /// The tree of an election as this batch has left it so far.
    pub(super) fn tree(&mut self, key: ElectionKey) -> Result<Arc<Units>, LedgerError> {
        if let Some((tree, _)) = self.trees.get(&key) {
            return Ok(Arc::clone(tree));
        }
        let tree = match self.ledgers.get(&key) {
            Some(moving) => self.lookup.units(key, moving.before, moving.state.units)?,
            None => Arc::default(),
        };
        self.trees.insert(key, (Arc::clone(&tree), false));
        Ok(tree)
    }

    pub(super) fn tree_act(&mut self, key: ElectionKey, act: &Act) -> Result<Answer, LedgerError> {
        let tree = self.tree(key)?;
        let Some(moving) = self.ledgers.get(&key) else {
            return Ok(Answer::Rejected(Rejection::UnknownContest, None));
        };
        let (election, state) = (Arc::clone(&moving.election), moving.state.clone());
        let on = Grounds { contests: &election.contests, state: &state, units: &tree };
        let verdict = match &act.kind {
            ActKind::AddContest(next) => decide_contest(on, next, act),
            ActKind::AddUnits(new) => decide_units(on, new, act),
            ActKind::RetireUnit(unit) => decide_retirement(on, *unit, self.is_counted(key, *unit)?, act),
            _ => Verdict::Unchanged,
        };
        // What is added to is copied where somebody keeps it.
        drop((tree, election));
        match verdict {
            Verdict::Accept(event) => match self.follow(key, &event, act) {
                Ok(()) => Ok(self.append(key, event)),
                Err(rejection) => Ok(Answer::Rejected(rejection, None)),
            },
            Verdict::Rejected(rejection) => Ok(Answer::Rejected(rejection, None)),
            Verdict::Unchanged | Verdict::Repeated(_) | Verdict::Superseded(_) => Ok(Answer::Unchanged),
        }
    }

    /// Adds contests, all or none: each is decided as if those before it were there, before the first of them is appended.
    pub(super) fn contests(&mut self, key: ElectionKey, all: &[Contest], act: &Act) -> Result<Answer, LedgerError> {
        let tree = self.tree(key)?;
        let Some(moving) = self.ledgers.get(&key) else {
            return Ok(Answer::Rejected(Rejection::UnknownContest, None));
        };
        let mut contests = moving.election.contests.clone();
        let mut new = Vec::with_capacity(all.len());
        for next in all {
            let on = Grounds { contests: &contests, state: &moving.state, units: &tree };
            match decide_contest(on, next, act) {
                Verdict::Accept(Event::StateChanged(changed)) => {
                    contests.push(Contest { number: changed.contest, ..next.clone() });
                    new.push(next);
                }
                Verdict::Rejected(rejection) => return Ok(Answer::Rejected(rejection, None)),
                _ => {}
            }
        }
        drop(tree);
        let mut answer = Answer::Unchanged;
        for next in new {
            let kind = ActKind::AddContest(Box::new(next.clone()));
            answer = self.tree_act(key, &Act { kind, ..act.clone() })?;
        }
        Ok(answer)
    }

    /// Moves state, tree and definition with an event that is about to be appended.
    fn follow(&mut self, key: ElectionKey, event: &Event, act: &Act) -> Result<(), Rejection> {
        let now = self.now;
        let moving = self.ledgers.get_mut(&key).ok_or(Rejection::UnknownContest)?;
        let seq = moving.head.seq.next();
        match event {
            Event::StateChanged(changed) => {
                moving.state.apply(changed, now.max(moving.head.time))?;
                if let ActKind::AddContest(next) = &act.kind {
                    let next = hustings_core::Contest { number: changed.contest, ..(**next).clone() };
                    Arc::make_mut(&mut moving.election).contests.push(next.clone());
                    self.rounds.push((key, next));
                }
            }
            Event::UnitsAdded(added) => {
                moving.state.add_units(added, seq)?;
                self.grow(key, |units| units.add(added, seq))?;
            }
            Event::UnitRetired(retired) => {
                moving.state.retire_unit(retired, seq)?;
                self.grow(key, |units| units.retire(retired, seq))?;
            }
            Event::BallotCast(_) | Event::ReportFiled(_) | Event::Retitled(_) => {}
        }
        if let Some(moving) = self.ledgers.get_mut(&key) {
            moving.state_moved = true;
        }
        Ok(())
    }

    fn grow(
        &mut self,
        key: ElectionKey,
        change: impl FnOnce(&mut Units) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let (tree, has_grown) = self.trees.get_mut(&key).ok_or(Rejection::UnitsMoved)?;
        *has_grown = true;
        change(Arc::make_mut(tree))
    }

    /// Whether a report of a box counts, in the store or in this batch.
    fn is_counted(&mut self, key: ElectionKey, unit: UnitNumber) -> Result<bool, LedgerError> {
        let mut counted: HashSet<ContestNumber> = self.lookup.counted(key, unit)?.into_iter().collect();
        for ((_, of), place) in self.boxes.iter().filter(|((of_key, of), _)| (*of_key, of.ballot_box) == (key, unit)) {
            let report = self.entries.get(*place).and_then(|(_, stored)| filed(stored));
            match report.map(|filed| &filed.report.content) {
                Some(Content::Filed(_)) => counted.insert(of.contest),
                _ => counted.remove(&of.contest),
            };
        }
        Ok(!counted.is_empty())
    }
}
