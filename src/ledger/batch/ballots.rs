//! Ballots: what is known of a voter, and the answer that the decision means.

use hustings_core::decide::decide_ballot;
use hustings_core::{Ballot, ContestNumber, Event, Known, Recorded, Rejection, Seq, Verdict, VoterKey};

use super::{Answer, Deciding, ElectionKey, LedgerError, Stored, current_vote};

impl Deciding<'_> {
    pub(super) fn ballot(&mut self, key: ElectionKey, ballot: &Ballot) -> Result<Answer, LedgerError> {
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
            (moving.election.contests.get(ballot.contest.index()), moving.state.contest(ballot.contest))
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
        _ => None,
    }
}
