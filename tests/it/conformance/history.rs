//! A ledger written down by hand, entry by entry, with its fold at every place: what counters are held against.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hustings::ledger::{Advance, ElectionKey, Head};
use hustings::tally::Snapshot;
use hustings_core::entry::StateChange;
use hustings_core::{
    Ballot, BallotCast, Cell, Change, Delta, Entry, Epoch, Event, Fold, Increment, Method, Previous, Schedule, Seq,
    StateChanged, Time, VoterKey,
};

use super::support::*;

/// The entries of one ledger and its fold after each of them; `folds[0]` is the empty one.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) election: ElectionKey,
    pub(crate) epoch: Epoch,
    entries: Vec<Entry>,
    folds: Vec<Fold>,
}

impl History {
    /// How many entries a history has.
    pub(crate) const LENGTH: usize = 9;

    /// A history of an election that no other test has.
    pub(crate) fn new() -> Self {
        static KEY: AtomicU32 = AtomicU32::new(1);
        Self::written(ElectionKey(KEY.fetch_add(1, Ordering::Relaxed)), Epoch([1; 8]), Self::LENGTH)
    }

    /// The same ledger in another life.
    pub(crate) fn in_another_epoch(&self) -> Self {
        Self::written(self.election, Epoch([2; 8]), Self::LENGTH)
    }

    /// A ledger that is the same up to a place and another one from there on.
    pub(crate) fn forked_after(&self, place: usize) -> Self {
        Self::written(self.election, self.epoch, place)
    }

    fn written(election: ElectionKey, epoch: Epoch, same_up_to: usize) -> Self {
        let definition = poll(Method::Single, Change::UntilClose, Schedule::default());
        let mut folds = vec![Fold::new(&definition)];
        let mut entries = Vec::new();
        for (place, event) in (1..).zip(events(same_up_to)) {
            let later = u64::from(place > same_up_to);
            let entry = Entry { seq: Seq(place as u64), time: Time(1_000 + place as u64 * 10 + later), event };
            let mut fold = folds[place - 1].clone();
            fold.apply(&entry.to_bytes()).expect("an entry of a sound ledger");
            folds.push(fold);
            entries.push(entry);
        }
        assert_eq!(entries.len(), Self::LENGTH);
        Self { election, epoch, entries, folds }
    }

    /// Where this history stands after so many entries.
    pub(crate) fn snapshot(&self, place: usize) -> Arc<Snapshot> {
        Arc::new(Snapshot { epoch: self.epoch, fold: self.folds[place].clone() })
    }

    /// The batch that leads from one place to another.
    pub(crate) fn advance(&self, places: Range<usize>) -> Advance {
        let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
        for entry in &self.entries[places.clone()] {
            entry.event.increments().iter().for_each(|one| *sums.entry(one.cell).or_default() += one.delta.0);
        }
        sums.retain(|_, sum| *sum != 0);
        let (before, after) = (&self.folds[places.start], &self.folds[places.end]);
        Advance {
            election: self.election,
            before: self.head(before),
            after: self.head(after),
            increments: sums.into_iter().map(|(cell, sum)| Increment { cell, delta: Delta(sum) }).collect(),
            state: (before.state != after.state).then(|| after.state.clone()),
        }
    }

    fn head(&self, fold: &Fold) -> Head {
        Head { epoch: self.epoch, seq: fold.seq, time: fold.time, chain: fold.chain }
    }
}

/// An opening, votes, changed votes, a change of group, a close and its undoing. After a place all votes are in another
/// group, so that the totals differ too.
fn events(same_up_to: usize) -> Vec<Event> {
    let mut counting: HashMap<VoterKey, Previous> = HashMap::new();
    let mut cast = |seq: usize, vote: Vote| {
        let Ballot { contest, voter, mut group, id, selections, .. } = vote.ballot();
        group.0 += if seq > same_up_to { 5 } else { 0 };
        let counted = Previous { seq: Seq(seq as u64), group, selections: selections.clone() };
        let previous = counting.insert(voter, counted);
        Event::BallotCast(BallotCast { contest, group, voter, id, selections, previous })
    };
    let change = |change| Event::StateChanged(StateChanged { contest: FIRST, change, by: text("host"), reason: None });
    vec![
        change(StateChange::Opened { scheduled: false, definition: [0; 32] }),
        cast(2, vote(ANN, TEA).id(1)),
        cast(3, vote(BOB, TEA)),
        cast(4, vote(ANN, MILK)),
        change(StateChange::Closed { scheduled: false }),
        change(StateChange::Reopened),
        cast(7, vote(BOB, COFFEE).group(1)),
        cast(8, vote(CAT, COFFEE)),
        cast(9, vote(ANN, TEA)),
    ]
}
