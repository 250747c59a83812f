//! A ledger written down by hand, entry by entry, with its fold at every place: what counters are held against.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hustings::ledger::{Advance, ElectionKey, Head};
use hustings::tally::Snapshot;
use hustings_core::entry::StateChange;
use hustings_core::{
    BallotCast, Cell, Change, Delta, Entry, Epoch, Event, Fold, Increment, Method, Previous, Schedule, Seq,
    StateChanged, Time,
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
        for (place, event) in (1..).zip(events()) {
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

/// An opening, votes, changed votes, a change of group, a close and its undoing.
fn events() -> Vec<Event> {
    let cast = |vote: Vote, previous: Option<(u64, Vote)>| {
        let ballot = vote.ballot();
        let previous = previous.map(|(seq, vote)| {
            let replaced = vote.ballot();
            Previous { seq: Seq(seq), group: replaced.group, selections: replaced.selections }
        });
        Event::BallotCast(BallotCast {
            contest: ballot.contest,
            group: ballot.group,
            voter: ballot.voter,
            id: ballot.id,
            selections: ballot.selections,
            previous,
        })
    };
    let change = |change| Event::StateChanged(StateChanged { contest: FIRST, change, by: text("host"), reason: None });
    vec![
        change(StateChange::Opened { scheduled: false, definition: [0; 32] }),
        cast(vote(ANN, TEA).id(1), None),
        cast(vote(BOB, TEA), None),
        cast(vote(ANN, MILK), Some((2, vote(ANN, TEA)))),
        change(StateChange::Closed { scheduled: false }),
        change(StateChange::Reopened),
        cast(vote(BOB, TEA).group(1).choices(&[COFFEE]), Some((3, vote(BOB, TEA)))),
        cast(vote(CAT, COFFEE), None),
        cast(vote(ANN, TEA), Some((4, vote(ANN, MILK)))),
    ]
}
