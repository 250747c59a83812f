//! The ballots that count in one round, to be counted again: what was chosen, and how often just that.
//!
//! Job: fold a ledger into them, once for all who ask, and go on from there where it has grown.
//! Invariant: nothing of a voter, a time or a place in the ledger is in them, not even their order: they stand sorted by what
//! was chosen. It must not know: who may have them, how they are written down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hustings_core::{ContestNumber, Epoch, Event, Selections, Seq};
use tokio::sync::Semaphore;

use crate::ledger::{ElectionKey, Ledger, LedgerError, PAGE_MAX};

/// The most memory that the different ballots of one round may take. It is far beyond what people fill in: a hundred
/// thousand ballots with forty different marks each.
const SIZE_MAX: usize = 32 << 20;
/// Larger ones are made anew for whoever asks.
const KEPT_SIZE_MAX: usize = 4 << 20;
/// The most rounds whose ballots are kept.
const KEPT_MAX: usize = 8;
/// How long somebody waits while ballots are made for others.
const WAIT_MAX: Duration = Duration::from_secs(8);

/// The ballots of one round up to a place of its ledger.
#[derive(Debug, Clone)]
pub struct Ballots {
    epoch: Epoch,
    seq: Seq,
    counts: BTreeMap<Selections, u64>,
    size: usize,
}

/// Why there are no ballots.
#[derive(Debug, thiserror::Error)]
pub enum BallotsError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There are more different ones than are given out here.
    #[error("these are too many different ballots to be held at once")]
    TooMany,
    /// Others have asked for theirs before.
    #[error("the ballots of others are being made")]
    Busy,
}

impl Ballots {
    fn new(epoch: Epoch) -> Self {
        Self { epoch, seq: Seq(0), counts: BTreeMap::new(), size: 0 }
    }

    /// The last entry that is in them.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// What was chosen, and by how many, in the order of what was chosen.
    pub fn iter(&self) -> impl Iterator<Item = (&Selections, u64)> {
        self.counts.iter().map(|(selections, count)| (selections, *count))
    }

    /// The same beginning after one of them.
    pub fn after(&self, selections: &Selections) -> Option<(&Selections, u64)> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.counts.range((Excluded(selections), Unbounded)).next().map(|(selections, count)| (selections, *count))
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Counts what an entry adds, and takes away what it replaced.
    fn add(&mut self, contest: ContestNumber, event: &Event) -> Result<(), BallotsError> {
        let Event::BallotCast(ballot) = event else { return Ok(()) };
        if ballot.contest != contest {
            return Ok(());
        }
        if let Some(previous) = &ballot.previous
            && let Some(count) = self.counts.get_mut(&previous.selections)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&previous.selections);
                self.size -= size(&previous.selections);
            }
        }
        match self.counts.get_mut(&ballot.selections) {
            Some(count) => *count += 1,
            None => {
                self.size += size(&ballot.selections);
                self.counts.insert(ballot.selections.clone(), 1);
            }
        }
        if self.size > SIZE_MAX { Err(BallotsError::TooMany) } else { Ok(()) }
    }
}

/// About what one takes in memory.
fn size(selections: &Selections) -> usize {
    match selections {
        Selections::Choices(chosen) => 64 + 2 * chosen.len(),
        Selections::Scores(scores) => 64 + 4 * scores.len(),
    }
}

/// A round of an election.
type Round = (ElectionKey, ContestNumber);

/// The ballots of rounds that were asked for lately.
pub struct PublicBallots {
    ledger: Arc<dyn Ledger>,
    /// The one that was made last stands first.
    kept: Mutex<VecDeque<(Round, Arc<Ballots>)>>,
    /// One ledger is read at a time: nobody waits for this in a vote.
    turn: Semaphore,
}

impl PublicBallots {
    /// The ballots of a ledger's elections; nothing is read before somebody asks.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, kept: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// The ballots of a round up to a place of this life of its ledger, or a later one.
    pub async fn of(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        epoch: Epoch,
        seq: Seq,
    ) -> Result<Arc<Ballots>, BallotsError> {
        let turn = tokio::time::timeout(WAIT_MAX, self.turn.acquire()).await;
        let _turn = turn.map_err(|_| BallotsError::Busy)?.map_err(|_| BallotsError::Busy)?;
        let kept = self.kept(election, contest).filter(|kept| kept.epoch == epoch);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.seq >= seq) {
            return Ok(Arc::clone(kept));
        }
        let mut ballots = kept.map_or_else(|| Ballots::new(epoch), |kept| Ballots::clone(&kept));
        while ballots.seq < seq {
            let limit = usize::try_from(seq.0 - ballots.seq.0).unwrap_or(PAGE_MAX).min(PAGE_MAX);
            let page = self.ledger.read(election, ballots.seq, limit).await?;
            let Some(last) = page.last() else {
                return Err(LedgerError::Unavailable("entries that were counted are not there yet".to_owned()).into());
            };
            ballots.seq = last.entry.seq;
            page.iter().try_for_each(|stored| ballots.add(contest, &stored.entry.event))?;
        }
        let ballots = Arc::new(ballots);
        self.keep(election, contest, &ballots);
        Ok(ballots)
    }

    fn kept(&self, election: ElectionKey, contest: ContestNumber) -> Option<Arc<Ballots>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| *of == (election, contest)).map(|(_, ballots)| Arc::clone(ballots))
    }

    fn keep(&self, election: ElectionKey, contest: ContestNumber, ballots: &Arc<Ballots>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| *of != (election, contest));
        if ballots.size <= KEPT_SIZE_MAX {
            kept.truncate(KEPT_MAX - 1);
            kept.push_front(((election, contest), Arc::clone(ballots)));
        }
    }
}

#[cfg(test)]
mod tests {
    use hustings_core::{BallotCast, ChoiceNumber, GroupNumber, Previous, VoterKey};

    use super::*;

    const ROUND: ContestNumber = ContestNumber(0);

    /// A vote for a choice in place of the one before.
    fn cast(choice: u16, before: Option<u16>) -> Event {
        let chosen = |choice| Selections::Choices(vec![ChoiceNumber(choice)]);
        let previous = before.map(|before| Previous { seq: Seq(1), group: GroupNumber(0), selections: chosen(before) });
        let (contest, group, voter) = (ROUND, GroupNumber(0), VoterKey([7; 16]));
        Event::BallotCast(BallotCast { contest, group, voter, id: None, selections: chosen(choice), previous })
    }

    #[test]
    fn a_changed_vote_leaves_nothing_of_what_it_was() {
        let mut ballots = Ballots::new(Epoch([1; 8]));
        for event in [cast(1, None), cast(1, None), cast(2, Some(1)), cast(3, Some(2))] {
            ballots.add(ROUND, &event).unwrap();
        }
        ballots.add(ContestNumber(1), &cast(1, None)).unwrap();
        let left: Vec<_> = ballots.iter().map(|(chosen, count)| (chosen.clone(), count)).collect();
        let chosen = |choice| Selections::Choices(vec![ChoiceNumber(choice)]);
        assert_eq!((left, ballots.total()), (vec![(chosen(1), 1), (chosen(3), 1)], 2));
        assert_eq!(ballots.size, 2 * size(&chosen(1)));
    }

    #[test]
    fn more_different_ballots_than_memory_is_for_are_refused_and_equal_ones_are_not() {
        let mut ballots = Ballots::new(Epoch([1; 8]));
        ballots.add(ROUND, &cast(1, None)).unwrap();
        ballots.size = SIZE_MAX;
        ballots.add(ROUND, &cast(1, None)).unwrap();
        assert!(matches!(ballots.add(ROUND, &cast(2, None)), Err(BallotsError::TooMany)));
    }
}
