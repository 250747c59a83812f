//! The ballots that count in one round, to be counted again: what was chosen, and how often just that.
//!
//! Job: fold a ledger into them, once for all who ask. A round that is final has the same ones for ever.
//! Invariant: nothing of a voter, a time or a place in the ledger is in them, not even their order: they stand sorted by what
//! was chosen. It must not know: who may have them, how they are written down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hustings_core::{ContestNumber, Epoch, Event, Selections, Seq};
use tokio::sync::Semaphore;

use crate::ledger::{ElectionKey, Ledger, LedgerError, PAGE_MAX};

/// The most memory that the different ballots of one round may take. It is far beyond what people fill in: a hundred
/// thousand ballots with forty different marks each.
const SIZE_MAX: usize = 32 << 20;
/// The most memory that kept ballots take together; what somebody is still reading is shared besides.
const KEPT_SIZE_MAX: usize = 32 << 20;
/// The most rounds of which something is known.
const KEPT_MAX: usize = 256;
/// How long somebody waits while ballots are made for others.
const WAIT_MAX: Duration = Duration::from_secs(8);

/// The ballots of one round.
#[derive(Debug, Clone, Default)]
pub struct Ballots {
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

/// A round, in one life of its election's ledger.
type Round = (ElectionKey, ContestNumber, Epoch);

/// What was made of a round.
enum Made {
    /// Its ballots, which are here as long as anybody has them.
    Ballots(Weak<Ballots>),
    /// More different ones than are given out.
    TooMany,
}

/// The ballots of rounds that were asked for lately.
pub struct PublicBallots {
    ledger: Arc<dyn Ledger>,
    kept: Mutex<Kept>,
    /// One ledger is read at a time: nobody waits for this in a vote.
    turn: Semaphore,
}

/// The latest stands first in both.
#[derive(Default)]
struct Kept {
    known: VecDeque<(Round, Made)>,
    held: VecDeque<Arc<Ballots>>,
}

impl PublicBallots {
    /// The ballots of a ledger's elections; nothing is read before somebody asks.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, kept: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// The ballots of a round that is final, all of which are before a place of this life of its ledger.
    pub async fn of(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        epoch: Epoch,
        seq: Seq,
    ) -> Result<Arc<Ballots>, BallotsError> {
        let round = (election, contest, epoch);
        if let Some(known) = self.kept().find(round) {
            return known;
        }
        let turn = tokio::time::timeout(WAIT_MAX, self.turn.acquire()).await;
        let _turn = turn.map_err(|_| BallotsError::Busy)?.map_err(|_| BallotsError::Busy)?;
        if let Some(known) = self.kept().find(round) {
            return known;
        }
        let made = self.make(election, contest, seq).await.map(Arc::new);
        self.kept().keep(round, &made);
        made
    }

    async fn make(&self, election: ElectionKey, contest: ContestNumber, to: Seq) -> Result<Ballots, BallotsError> {
        let (mut ballots, mut seq) = (Ballots::default(), Seq(0));
        while seq < to {
            let limit = usize::try_from(to.0 - seq.0).unwrap_or(PAGE_MAX).min(PAGE_MAX);
            let page = self.ledger.read(election, seq, limit).await?;
            let Some(last) = page.last() else {
                return Err(LedgerError::Unavailable("entries that were counted are not there yet".to_owned()).into());
            };
            seq = last.entry.seq;
            page.iter().try_for_each(|stored| ballots.add(contest, &stored.entry.event))?;
        }
        Ok(ballots)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&self, round: Round) -> Option<Result<Arc<Ballots>, BallotsError>> {
        match self.known.iter().find(|(of, _)| *of == round)? {
            (_, Made::Ballots(ballots)) => ballots.upgrade().map(Ok),
            (_, Made::TooMany) => Some(Err(BallotsError::TooMany)),
        }
    }

    /// Keeps what was made of a round, and holds as many ballots as there is room for.
    fn keep(&mut self, round: Round, made: &Result<Arc<Ballots>, BallotsError>) {
        let made = match made {
            Ok(ballots) => {
                self.held.push_front(Arc::clone(ballots));
                Made::Ballots(Arc::downgrade(ballots))
            }
            Err(BallotsError::TooMany) => Made::TooMany,
            Err(_) => return,
        };
        while self.held.iter().map(|held| held.size).sum::<usize>() > KEPT_SIZE_MAX {
            self.held.pop_back();
        }
        self.held.truncate(KEPT_MAX);
        self.known
            .retain(|(of, made)| *of != round && !matches!(made, Made::Ballots(gone) if gone.strong_count() == 0));
        self.known.truncate(KEPT_MAX - 1);
        self.known.push_front((round, made));
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
        let mut ballots = Ballots::default();
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
        let mut ballots = Ballots::default();
        ballots.add(ROUND, &cast(1, None)).unwrap();
        ballots.size = SIZE_MAX;
        ballots.add(ROUND, &cast(1, None)).unwrap();
        assert!(matches!(ballots.add(ROUND, &cast(2, None)), Err(BallotsError::TooMany)));
    }

    #[test]
    fn what_somebody_reads_is_shared_and_what_nobody_reads_has_a_limit() {
        let round = |number| (ElectionKey(1), ContestNumber(number), Epoch([1; 8]));
        let large = || Ok(Arc::new(Ballots { counts: BTreeMap::new(), size: KEPT_SIZE_MAX / 2 + 1 }));
        let (mut kept, read) = (Kept::default(), large());
        kept.keep(round(0), &read);
        kept.keep(round(1), &large());
        kept.keep(round(2), &Err(BallotsError::TooMany));
        kept.keep(round(3), &Err(BallotsError::Busy));
        assert_eq!(kept.held.len(), 1, "there is room for one of them");
        let same = kept.find(round(0)).unwrap().unwrap();
        assert!(Arc::ptr_eq(&same, &read.unwrap()), "who reads is not given another one");
        assert!(matches!(kept.find(round(1)), Some(Ok(_))));
        assert!(matches!(kept.find(round(2)), Some(Err(BallotsError::TooMany))));
        assert!(
            kept.find(round(3)).is_none() && kept.find((ElectionKey(1), ContestNumber(1), Epoch([2; 8]))).is_none()
        );
        drop(same);
        kept.keep(round(4), &large());
        assert!(kept.find(round(0)).is_none() && kept.find(round(1)).is_none());
    }
}
