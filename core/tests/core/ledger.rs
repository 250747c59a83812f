//! A ledger as small as can be: a list of entries and two maps, kept by the decisions of the core and nothing else.

use std::collections::{BTreeMap, HashMap};

use hustings_core::{
    Act, ActKind, Ballot, Contest, ContestId, ContestNumber, Election, ElectionState, Entry, Event, GroupNumber, Known,
    Recorded, Rejection, Selections, Seq, SubmissionId, Time, Verdict, VoterKey, decide_act, decide_ballot,
};
use uuid::Uuid;

use crate::support::{submission_id, text, voter};

pub(crate) struct Ledger {
    pub(crate) contests: Vec<Contest>,
    pub(crate) state: ElectionState,
    pub(crate) time: Time,
    pub(crate) entries: Vec<Entry>,
    /// The ballots that were accepted, as they were sent, each with its place.
    pub(crate) accepted: Vec<(Seq, Ballot)>,
    by_id: HashMap<SubmissionId, Recorded>,
    current: BTreeMap<(ContestNumber, VoterKey), Recorded>,
}

impl Ledger {
    pub(crate) fn new(election: &Election) -> Self {
        Self {
            contests: election.contests.clone(),
            state: ElectionState::new(election),
            time: Time(0),
            entries: Vec::new(),
            accepted: Vec::new(),
            by_id: HashMap::new(),
            current: BTreeMap::new(),
        }
    }

    /// The verdict on a ballot, without writing anything.
    pub(crate) fn decide(&self, ballot: &Ballot) -> Verdict {
        let state = match self.state.contest(ballot.contest) {
            Ok(state) => state,
            Err(rejection) => return Verdict::Rejected(rejection),
        };
        let same_id = ballot.id.and_then(|id| self.by_id.get(&id));
        let current_of_same_id = same_id.and_then(|known| self.current.get(&(known.contest, known.voter)));
        let known = Known {
            same_id,
            current_of_same_id: current_of_same_id.map(|current| current.seq),
            current: self.current.get(&(ballot.contest, ballot.voter)),
        };
        decide_ballot(&self.contests[ballot.contest.index()], state, known, ballot)
    }

    /// Decides a ballot and writes what was accepted.
    pub(crate) fn submit(&mut self, ballot: &Ballot) -> Verdict {
        let verdict = self.decide(ballot);
        if let Verdict::Accept(event) = &verdict {
            let seq = self.append(event);
            let Ballot { contest, voter, group, selections, .. } = ballot.clone();
            let recorded = Recorded { seq, contest, voter, group, selections };
            if let Some(id) = ballot.id {
                self.by_id.insert(id, recorded.clone());
            }
            self.current.insert((contest, voter), recorded);
            self.accepted.push((seq, ballot.clone()));
        }
        verdict
    }

    /// Decides an act on a contest and writes what was accepted.
    pub(crate) fn act(&mut self, contest: ContestNumber, kind: ActKind) -> Verdict {
        let Some(definition) = self.contests.get(contest.index()) else {
            return Verdict::Rejected(Rejection::UnknownContest);
        };
        let next = if let ActKind::StartRound(next) = &kind { Some(next.as_ref().clone()) } else { None };
        let act = Act { contest, kind, by: text("host"), reason: None };
        let verdict = decide_act(definition, &mut self.state, &act, self.time);
        if let Verdict::Accept(event) = &verdict {
            self.append(event);
            self.contests.extend(next);
        }
        verdict
    }

    /// The contest that a new round would add.
    pub(crate) fn next_round(&self) -> ActKind {
        let number = u32::try_from(self.contests.len()).expect("few rounds");
        let id = ContestId(Uuid::from_u128(0xC0 + u128::from(number)));
        ActKind::StartRound(Box::new(Contest { id, number: ContestNumber(number), ..self.contests[0].clone() }))
    }

    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        self.entries.iter().map(Entry::to_bytes).collect()
    }

    fn append(&mut self, event: &Event) -> Seq {
        let seq = self.entries.last().map_or(Seq(1), |last| last.seq.next());
        self.entries.push(Entry { seq, time: self.time, event: event.clone() });
        seq
    }
}

/// A ballot in the first contest without an id.
pub(crate) fn ballot(from: u8, selections: Selections) -> Ballot {
    Ballot {
        contest: ContestNumber(0),
        voter: voter(from),
        group: GroupNumber(0),
        id: None,
        replaces: None,
        selections,
    }
}

/// A ballot in the first contest with an id.
pub(crate) fn with_id(id: u8, ballot: Ballot) -> Ballot {
    Ballot { id: Some(submission_id(id)), ..ballot }
}

/// A ballot of a voter who belongs to this group.
pub(crate) fn in_group(group: u16, ballot: Ballot) -> Ballot {
    Ballot { group: GroupNumber(group), ..ballot }
}

/// A ballot that means to replace the vote at this place.
pub(crate) fn replacing(seq: u64, ballot: Ballot) -> Ballot {
    Ballot { replaces: Some(Seq(seq)), ..ballot }
}
