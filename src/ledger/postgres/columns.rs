//! What was decided, turned into columns: PostgreSQL takes a whole batch as one array for each column.

use std::sync::Arc;

use hustings_core::{Election, ElectionState, Event, Fold};
use uuid::Uuid;

use super::failure::Failure;
use super::rows::{contest_number, damaged, election_number, signed};
use crate::ledger::batch::Decided;
use crate::ledger::{Advance, ElectionKey, Stored};

#[derive(Default)]
pub(super) struct EntryColumns<'a> {
    pub(super) elections: Vec<i32>,
    pub(super) seqs: Vec<i64>,
    pub(super) times: Vec<i64>,
    pub(super) bytes: Vec<&'a [u8]>,
}

impl<'a> EntryColumns<'a> {
    pub(super) fn of(entries: &'a [(ElectionKey, Stored)]) -> Self {
        let mut columns = Self::default();
        for (key, stored) in entries {
            columns.elections.push(election_number(*key));
            columns.seqs.push(signed(stored.entry.seq.0));
            columns.times.push(signed(stored.entry.time.0));
            columns.bytes.push(&stored.bytes);
        }
        columns
    }
}

#[derive(Default)]
pub(super) struct IdColumns {
    pub(super) elections: Vec<i32>,
    pub(super) ids: Vec<Uuid>,
    pub(super) seqs: Vec<i64>,
}

impl IdColumns {
    pub(super) fn of(decided: &Decided) -> Self {
        let named = decided.entries.iter();
        let named = named.filter_map(|(key, stored)| Some((*key, stored.entry.event.id()?, stored.entry.seq)));
        let mut columns = Self::default();
        for (key, id, seq) in named.chain(decided.aliases.iter().copied()) {
            columns.elections.push(election_number(key));
            columns.ids.push(id.0);
            columns.seqs.push(signed(seq.0));
        }
        columns
    }
}

#[derive(Default)]
pub(super) struct BallotColumns<'a> {
    pub(super) elections: Vec<i32>,
    pub(super) contests: Vec<i32>,
    pub(super) voters: Vec<&'a [u8]>,
    pub(super) seqs: Vec<i64>,
}

impl<'a> BallotColumns<'a> {
    /// Of voters who had no ballot in the store, and of those who had one; each voter once, in key order. The last entry
    /// of a voter is the one that counts, and the first one knows whether it replaced another.
    pub(super) fn of(entries: &'a [(ElectionKey, Stored)]) -> (Self, Self) {
        let cast = entries.iter().filter_map(|(key, stored)| match &stored.entry.event {
            Event::BallotCast(ballot) => {
                Some(((*key, ballot.contest, &ballot.voter), stored.entry.seq, ballot.previous.is_some()))
            }
            _ => None,
        });
        let mut ballots: Vec<_> = cast.collect();
        ballots.sort_unstable();
        let (mut new, mut changed) = (Self::default(), Self::default());
        for of_voter in ballots.chunk_by(|(one, ..), (next, ..)| one == next) {
            let [((key, contest, voter), _, had_one), ..] = of_voter else { continue };
            let columns = if *had_one { &mut changed } else { &mut new };
            columns.elections.push(election_number(*key));
            columns.contests.push(contest_number(*contest));
            columns.voters.push(&voter.0);
            columns.seqs.extend(of_voter.last().map(|(_, seq, _)| signed(seq.0)));
        }
        (new, changed)
    }
}

#[derive(Default)]
pub(super) struct HeadColumns<'a> {
    pub(super) elections: Vec<i32>,
    pub(super) seqs: Vec<i64>,
    pub(super) times: Vec<i64>,
    pub(super) chains: Vec<&'a [u8]>,
    pub(super) states: Vec<Option<String>>,
    pub(super) dues: Vec<Option<i64>>,
}

impl<'a> HeadColumns<'a> {
    pub(super) fn of(advances: &'a [Arc<Advance>]) -> Result<Self, Failure> {
        let mut columns = Self::default();
        for advance in advances {
            let (head, state) = (&advance.after, advance.state.as_ref());
            columns.elections.push(election_number(advance.election));
            columns.seqs.push(signed(head.seq.0));
            columns.times.push(signed(head.time.0));
            columns.chains.push(&head.chain.0);
            columns.states.push(state.map(|state| state_text(advance.election, state)).transpose()?);
            columns.dues.push(state.and_then(next_due));
        }
        Ok(columns)
    }

    /// The heads of ledgers that stand where these folds do.
    pub(super) fn of_folds(folds: &'a [(ElectionKey, Fold)]) -> Result<Self, Failure> {
        let mut columns = Self::default();
        for (key, fold) in folds {
            columns.elections.push(election_number(*key));
            columns.seqs.push(signed(fold.seq.0));
            columns.times.push(signed(fold.time.0));
            columns.chains.push(&fold.chain.0);
            columns.states.push(Some(state_text(*key, &fold.state)?));
            columns.dues.push(next_due(&fold.state));
        }
        Ok(columns)
    }
}

pub(super) fn state_text(key: ElectionKey, state: &ElectionState) -> Result<String, Failure> {
    serde_json::to_string(state).map_err(|error| damaged("head", key, &error))
}

pub(super) fn next_due(state: &ElectionState) -> Option<i64> {
    state.contests.iter().filter_map(|contest| contest.due()).map(|(at, _)| signed(at.0)).min()
}

pub(super) fn definition_text(key: ElectionKey, election: &Election) -> Result<String, Failure> {
    serde_json::to_string(election).map_err(|error| damaged("election", key, &error))
}
