//! The decision for a whole batch, the same for every backend: a backend reads, asks here, and writes what it is told.
//!
//! Invariant: submissions are decided in order of arrival, and each sees what the ones before it did.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hustings_core::decide::{decide_act, decide_ballot};
use hustings_core::{
    Act, ActKind, Ballot, Cell, Contest, ContestNumber, Delta, Election, ElectionState, Entry, Event, Format,
    Increment, Known, Recorded, Rejection, Seq, Submission, SubmissionId, Time, Verdict, VoterKey,
};

use super::{Addressed, Advance, Answer, ElectionKey, Head, LedgerError, Stored};

/// One ledger under its head lock.
pub(super) struct Locked {
    pub(super) head: Head,
    pub(super) state: ElectionState,
    pub(super) election: Arc<Election>,
}

/// What a backend can look up while it holds the locks.
pub(super) trait Lookup {
    /// The ballot with this submission id.
    fn by_id(&mut self, election: ElectionKey, id: SubmissionId) -> Result<Option<Stored>, LedgerError>;
    /// The voter's ballot that counts now.
    fn by_voter(
        &mut self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError>;
}

/// What a backend has to write.
pub(super) struct Decided {
    pub(super) answers: Vec<Answer>,
    pub(super) entries: Vec<(ElectionKey, Stored)>,
    /// Ids of submissions that repeated another one's vote: a late retry of them must find it too.
    pub(super) aliases: Vec<(ElectionKey, SubmissionId, Seq)>,
    pub(super) rounds: Vec<(ElectionKey, Contest)>,
    pub(super) advances: Vec<Arc<Advance>>,
}

/// Decides a batch against locked ledgers and the format that was read under their locks: by then, whoever wrote what needs
/// a newer one has raised it.
pub(super) fn decide(
    batch: Vec<Addressed>,
    locked: HashMap<ElectionKey, Locked>,
    format: Format,
    now: Time,
    lookup: &mut dyn Lookup,
) -> Result<Decided, LedgerError> {
    let ledgers = locked.into_iter().map(|(key, locked)| (key, Moving::new(locked))).collect();
    let mut deciding = Deciding {
        ledgers,
        format,
        now,
        lookup,
        entries: Vec::with_capacity(batch.len()),
        aliases: HashMap::new(),
        rounds: Vec::new(),
        ids: HashMap::new(),
        voters: HashMap::new(),
    };
    let answers = batch.into_iter().map(|addressed| deciding.one(addressed)).collect::<Result<_, _>>()?;
    let mut advances: Vec<_> =
        deciding.ledgers.into_iter().filter_map(|(key, moving)| moving.advance(key).map(Arc::new)).collect();
    advances.sort_unstable_by_key(|advance| advance.election);
    let aliases = deciding.aliases.into_iter().map(|((key, id), stored)| (key, id, stored.entry.seq)).collect();
    Ok(Decided { answers, entries: deciding.entries, aliases, rounds: deciding.rounds, advances })
}

struct Moving {
    before: Head,
    head: Head,
    state: ElectionState,
    state_moved: bool,
    contests: Vec<Contest>,
    sums: BTreeMap<Cell, i64>,
}

impl Moving {
    fn new(locked: Locked) -> Self {
        Self {
            before: locked.head,
            head: locked.head,
            state: locked.state,
            state_moved: false,
            contests: locked.election.contests.clone(),
            sums: BTreeMap::new(),
        }
    }

    fn advance(self, election: ElectionKey) -> Option<Advance> {
        (self.head != self.before).then(|| Advance {
            election,
            before: self.before,
            after: self.head,
            increments: self
                .sums
                .into_iter()
                .filter(|(_, sum)| *sum != 0)
                .map(|(cell, sum)| Increment { cell, delta: Delta(sum) })
                .collect(),
            state: self.state_moved.then_some(self.state),
        })
    }
}

struct Deciding<'a> {
    ledgers: HashMap<ElectionKey, Moving>,
    format: Format,
    now: Time,
    lookup: &'a mut dyn Lookup,
    entries: Vec<(ElectionKey, Stored)>,
    aliases: HashMap<(ElectionKey, SubmissionId), Stored>,
    rounds: Vec<(ElectionKey, Contest)>,
    // What this batch itself wrote, by its place in `entries`.
    ids: HashMap<(ElectionKey, SubmissionId), usize>,
    voters: HashMap<(ElectionKey, ContestNumber, VoterKey), usize>,
}

impl Deciding<'_> {
    fn one(&mut self, addressed: Addressed) -> Result<Answer, LedgerError> {
        if let Err(rejection) = self.format.allow(addressed.submission.format()) {
            return Ok(Answer::Rejected(rejection, None));
        }
        match addressed.submission {
            Submission::Ballot(ballot) => self.ballot(addressed.election, &ballot),
            Submission::Act(act) => Ok(self.act(addressed.election, act)),
        }
    }

    fn ballot(&mut self, key: ElectionKey, ballot: &Ballot) -> Result<Answer, LedgerError> {
        let same_id = match ballot.id {
            Some(id) => self.by_id(key, id)?,
            None => None,
        };
        let current_of_same_id = match same_id.as_ref().and_then(recorded) {
            Some(recorded) => self.by_voter(key, recorded.contest, recorded.voter)?.map(|stored| stored.entry.seq),
            None => None,
        };
        let current = self.by_voter(key, ballot.contest, ballot.voter)?;
        let Some(moving) = self.ledgers.get(&key) else {
            return Ok(Answer::Rejected(Rejection::UnknownContest, None));
        };
        let (Some(contest), Ok(state)) =
            (moving.contests.get(ballot.contest.index()), moving.state.contest(ballot.contest))
        else {
            return Ok(Answer::Rejected(Rejection::UnknownContest, None));
        };
        let (same, counting) = (same_id.as_ref().and_then(recorded), current.as_ref().and_then(recorded));
        let known = Known { same_id: same.as_ref(), current_of_same_id, current: counting.as_ref() };
        let verdict = decide_ballot(contest, state, known, ballot);
        let at = |seq: Seq| {
            let places = [same_id.as_ref(), current.as_ref()];
            places.into_iter().flatten().find(|stored| stored.entry.seq == seq).cloned()
        };
        Ok(match verdict {
            Verdict::Accept(event) => self.append(key, event),
            Verdict::Repeated(seq) => {
                let repeated = at(seq);
                if let (Some(id), None, Some(repeated)) = (ballot.id, &same_id, &repeated) {
                    self.aliases.insert((key, id), repeated.clone());
                }
                repeated.map_or(Answer::Unchanged, Answer::Repeated)
            }
            Verdict::Superseded(seq) => at(seq).map_or(Answer::Unchanged, Answer::Superseded),
            Verdict::Unchanged => Answer::Unchanged,
            Verdict::Rejected(rejection) => Answer::Rejected(rejection, current_vote(rejection).and_then(at)),
        })
    }

    fn act(&mut self, key: ElectionKey, act: Act) -> Answer {
        let now = self.now;
        let Some(moving) = self.ledgers.get_mut(&key) else {
            return Answer::Rejected(Rejection::UnknownContest, None);
        };
        let Some(contest) = moving.contests.get(act.contest.index()) else {
            return Answer::Rejected(Rejection::UnknownContest, None);
        };
        let at = now.max(moving.head.time);
        match decide_act(contest, &mut moving.state, &act, at) {
            Verdict::Accept(event) => {
                moving.state_moved = true;
                if let ActKind::StartRound(next) = act.kind {
                    moving.contests.push(Contest::clone(&next));
                    self.rounds.push((key, *next));
                }
                self.append(key, event)
            }
            Verdict::Rejected(rejection) => Answer::Rejected(rejection, None),
            Verdict::Unchanged | Verdict::Repeated(_) | Verdict::Superseded(_) => Answer::Unchanged,
        }
    }

    fn append(&mut self, key: ElectionKey, event: Event) -> Answer {
        let Some(moving) = self.ledgers.get_mut(&key) else {
            return Answer::Rejected(Rejection::UnknownContest, None);
        };
        for increment in event.increments() {
            *moving.sums.entry(increment.cell).or_default() += increment.delta.0;
        }
        let entry = Entry { seq: moving.head.seq.next(), time: self.now.max(moving.head.time), event };
        let bytes = entry.to_bytes();
        moving.head = Head {
            epoch: moving.head.epoch,
            seq: entry.seq,
            time: entry.time,
            chain: moving.head.chain.extend(&bytes),
        };
        let mut changed = false;
        if let Event::BallotCast(ballot) = &entry.event {
            let place = self.entries.len();
            changed = ballot.previous.is_some();
            self.voters.insert((key, ballot.contest, ballot.voter), place);
            if let Some(id) = ballot.id {
                self.ids.insert((key, id), place);
            }
        }
        let stored = Stored { entry, bytes };
        self.entries.push((key, stored.clone()));
        if changed { Answer::Changed(stored) } else { Answer::Accepted(stored) }
    }

    fn by_id(&mut self, key: ElectionKey, id: SubmissionId) -> Result<Option<Stored>, LedgerError> {
        let written = self.ids.get(&(key, id)).and_then(|place| self.entries.get(*place)).map(|(_, stored)| stored);
        match written.or_else(|| self.aliases.get(&(key, id))) {
            Some(stored) => Ok(Some(stored.clone())),
            None => self.lookup.by_id(key, id),
        }
    }

    fn by_voter(
        &mut self,
        key: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        match self.voters.get(&(key, contest, voter)) {
            Some(place) => Ok(self.entries.get(*place).map(|(_, stored)| stored.clone())),
            None => self.lookup.by_voter(key, contest, voter),
        }
    }
}

fn recorded(stored: &Stored) -> Option<Recorded> {
    match &stored.entry.event {
        Event::BallotCast(ballot) => Some(Recorded {
            seq: stored.entry.seq,
            contest: ballot.contest,
            voter: ballot.voter,
            group: ballot.group,
            selections: ballot.selections.clone(),
        }),
        Event::StateChanged(_) => None,
    }
}

fn current_vote(rejection: Rejection) -> Option<Seq> {
    match rejection {
        Rejection::AlreadyVoted { current } | Rejection::Superseded { current } => Some(current),
        _ => None,
    }
}
