//! The decision for a whole batch, the same for every backend: a backend reads, asks here, and writes what it is told.
//!
//! Invariant: submissions are decided in order of arrival, and each sees what the ones before it did.

mod ballots;
mod reports;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hustings_core::decide::{decide_act, decide_title};
use hustings_core::{
    Act, ActKind, Cell, Contest, ContestNumber, Delta, Election, ElectionState, Entry, Event, Format, Increment,
    Rejection, Revision, Seq, Standing, Submission, SubmissionId, Time, UnitNumber, Units, UnitsMark, Verdict,
    VoterKey,
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
    /// The ballot or report with this submission id.
    fn by_id(&mut self, election: ElectionKey, id: SubmissionId) -> Result<Option<Stored>, LedgerError>;
    /// The voter's ballot that counts now.
    fn by_voter(
        &mut self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError>;
    /// The tree of units under the lock, where it has got as far as the head says.
    fn units(&mut self, election: ElectionKey, head: Head, mark: UnitsMark) -> Result<Arc<Units>, LedgerError>;
    /// A box's report with this revision, and that with the highest.
    fn reports(
        &mut self,
        election: ElectionKey,
        of: BoxIn,
        revision: Option<Revision>,
    ) -> Result<KnownOfBox, LedgerError>;
    /// The contests in which a report of this box counts.
    fn counted(&mut self, election: ElectionKey, ballot_box: UnitNumber) -> Result<Vec<ContestNumber>, LedgerError>;
}

/// What reports of one box in one contest are known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BoxIn {
    pub(super) ballot_box: UnitNumber,
    pub(super) contest: ContestNumber,
}

/// What a store knows of a box in one contest.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownOfBox {
    pub(super) same_revision: Option<Stored>,
    pub(super) current: Option<Stored>,
}

/// What a backend has to write.
#[derive(Default)]
pub(super) struct Decided {
    pub(super) answers: Vec<Answer>,
    pub(super) entries: Vec<(ElectionKey, Stored)>,
    /// Ids of submissions that repeated another one's vote: a late retry of them must find it too.
    pub(super) aliases: Vec<(ElectionKey, SubmissionId, Seq)>,
    /// Rounds and other contests that came into elections.
    pub(super) rounds: Vec<(ElectionKey, Contest)>,
    /// Trees that have grown, as they are once this is stored.
    pub(super) trees: Vec<(ElectionKey, Arc<Units>)>,
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
        trees: HashMap::new(),
        boxes: HashMap::new(),
        revisions: HashMap::new(),
    };
    let answers = batch.into_iter().map(|addressed| deciding.one(addressed)).collect::<Result<_, _>>()?;
    let mut advances: Vec<_> =
        deciding.ledgers.into_iter().filter_map(|(key, moving)| moving.advance(key).map(Arc::new)).collect();
    advances.sort_unstable_by_key(|advance| advance.election);
    let aliases = deciding.aliases.into_iter().map(|((key, id), stored)| (key, id, stored.entry.seq)).collect();
    let trees = deciding.trees.into_iter().filter(|(_, (_, has_grown))| *has_grown);
    let trees = trees.map(|(key, (tree, _))| (key, tree)).collect();
    Ok(Decided { answers, entries: deciding.entries, aliases, rounds: deciding.rounds, trees, advances })
}

struct Moving {
    before: Head,
    head: Head,
    state: ElectionState,
    state_moved: bool,
    election: Arc<Election>,
    sums: BTreeMap<Cell, i64>,
}

impl Moving {
    fn new(locked: Locked) -> Self {
        Self {
            before: locked.head,
            head: locked.head,
            state: locked.state,
            state_moved: false,
            election: locked.election,
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
    boxes: HashMap<(ElectionKey, BoxIn), usize>,
    revisions: HashMap<(ElectionKey, BoxIn, Revision), usize>,
    /// Trees as this batch leaves them, and whether it let them grow.
    trees: HashMap<ElectionKey, (Arc<Units>, bool)>,
}

impl Deciding<'_> {
    fn one(&mut self, addressed: Addressed) -> Result<Answer, LedgerError> {
        if let Err(rejection) = self.format.allow(addressed.submission.format()) {
            return Ok(Answer::Rejected(rejection, None));
        }
        let kind = self.ledgers.get(&addressed.election).map(|moving| moving.election.kind);
        if kind.is_some_and(|kind| !addressed.submission.suits(kind)) {
            return Ok(Answer::Rejected(Rejection::OtherKind, None));
        }
        match addressed.submission {
            Submission::Ballot(ballot) => self.ballot(addressed.election, &ballot),
            Submission::Report(report) => self.report(addressed.election, *report),
            Submission::Act(act) => match &act.kind {
                ActKind::AddContests(all) => self.contests(addressed.election, all, &act),
                ActKind::AddContest(_) | ActKind::AddUnits(_) | ActKind::RetireUnit(_) => {
                    self.tree_act(addressed.election, &act)
                }
                _ => Ok(self.act(addressed.election, act)),
            },
        }
    }

    fn act(&mut self, key: ElectionKey, act: Act) -> Answer {
        let now = self.now;
        let Some(moving) = self.ledgers.get_mut(&key) else {
            return Answer::Rejected(Rejection::UnknownContest, None);
        };
        let at = now.max(moving.head.time);
        let verdict = match (&act.kind, moving.election.contests.get(act.contest.index())) {
            (ActKind::Retitle(title), _) => decide_title(&moving.election, &mut moving.state, title, &act),
            (_, Some(contest)) => decide_act(contest, &mut moving.state, &act, at),
            (_, None) => Verdict::Rejected(Rejection::UnknownContest),
        };
        match verdict {
            Verdict::Accept(event) => {
                moving.state_moved = true;
                if let ActKind::StartRound(next) = act.kind {
                    Arc::make_mut(&mut moving.election).contests.push(Contest::clone(&next));
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
        let place = self.entries.len();
        if let Some(id) = entry.event.id() {
            self.ids.insert((key, id), place);
        }
        let changed = match &entry.event {
            Event::BallotCast(ballot) => {
                self.voters.insert((key, ballot.contest, ballot.voter), place);
                ballot.previous.is_some()
            }
            Event::ReportFiled(filed) => {
                let of = BoxIn { ballot_box: filed.ballot_box, contest: filed.contest };
                self.revisions.insert((key, of, filed.revision), place);
                if !matches!(filed.standing, Standing::Late { .. }) {
                    self.boxes.insert((key, of), place);
                }
                matches!(filed.standing, Standing::Replaces { .. })
            }
            Event::StateChanged(_) | Event::UnitsAdded(_) | Event::UnitRetired(_) | Event::Retitled(_) => false,
        };
        let stored = Stored::new(entry, bytes);
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
}

fn current_vote(rejection: Rejection) -> Option<Seq> {
    match rejection {
        Rejection::AlreadyVoted { current }
        | Rejection::Superseded { current }
        | Rejection::ExistsWithDifferentVotes { current } => Some(current),
        _ => None,
    }
}
