//! Votes that were cast before anything is measured: a real ledger, and the batches that it handed on.
//!
//! Invariant: the same shape, number, batch and seed give the same votes in the same order, and what they add up to is
//! known from a recount. It must not know: Redis.

use std::sync::Arc;

use anyhow::Context;
use hustings_core::{
    Act, ActKind, Ballot, Change, Choice, ChoiceId, ChoiceNumber, Code, Contest, ContestId, ContestNumber, Election,
    ElectionId, GroupNumber, Kind, Label, Measure, Method, Schedule, Selections, Submission, Text, Time, Visibility,
    VoterKey,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;
use uuid::Uuid;

use super::replayed::Replayed;
use crate::clock::{SystemClock, SystemRandom};
use crate::ledger::{
    Addressed, Advance, ElectionKey, Elections, Folder, Head, Ledger, NewElection, Registry, SqliteLedger,
    SqliteOptions,
};
use crate::tally::{Snapshot, recount};

/// Over how much votes are spread.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) polls: u32,
    pub(super) choices: u16,
    pub(super) method: Method,
}

const CONTEST: ContestNumber = ContestNumber(0);

/// The votes of one shape.
pub(super) struct Hall {
    pub(super) ledger: Arc<Replayed>,
    pub(super) elections: Arc<Elections>,
    /// What each commit handed on: an advance for each election that it moved.
    pub(super) batches: Vec<Vec<Arc<Advance>>>,
    /// Where each ledger stood before.
    starts: Vec<(ElectionKey, Head)>,
    /// What counters must hold in the end.
    pub(super) expected: Vec<(ElectionKey, Snapshot)>,
    _folder: TempDir,
}

impl Hall {
    /// Casts the votes in a new ledger and counts them in memory.
    pub(super) async fn fill(shape: &Shape, votes: u32, batch: u32, seed: u64) -> anyhow::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("hustings-").tempdir().context("cannot make a temporary folder")?;
        let options = SqliteOptions::new(Folder::database(folder.path()));
        let store = SqliteLedger::open(options, [0; 16], Arc::new(SystemClock), Arc::new(SystemRandom))?;
        let store = Arc::new(store);
        let (ledger, registry): (Arc<dyn Ledger>, Arc<dyn Registry>) = (store.clone(), store);
        let mut polls = Vec::new();
        for number in 0..shape.polls {
            let new = NewElection { election: shape.election(number)?, acts: vec![opening()?], owner: None };
            polls.push(registry.create(new).await?.key);
        }
        let starts = ledger.heads(&polls).await?;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut batches = Vec::new();
        for first in (0..votes).step_by(batch as usize) {
            let voters = first..votes.min(first + batch);
            let cast = voters.filter_map(|voter| shape.vote(voter, &polls, &mut random)).collect();
            batches.push(ledger.append(cast).await?.advances);
        }
        let elections = Arc::new(Elections::new(registry));
        let mut expected = Vec::new();
        for &poll in &polls {
            let counted = recount(ledger.as_ref(), &elections, poll).await?;
            expected.push((poll, counted.context("a ledger that was just written is gone")?));
        }
        let ledger = Arc::new(Replayed::new(ledger));
        let hall = Self { ledger, elections, batches, starts, expected, _folder: folder };
        anyhow::ensure!(hall.ballots() == u64::from(votes), "not every vote of the bench was accepted");
        Ok(hall)
    }

    /// Lets the ledger stand where it was before the first vote.
    pub(super) fn rewind(&self) {
        self.starts.iter().for_each(|(election, head)| self.ledger.stand(*election, *head));
    }

    fn ballots(&self) -> u64 {
        let cells = self.expected.iter().flat_map(|(_, counted)| counted.fold.tally.iter());
        cells.filter(|(cell, _)| cell.measure == Measure::Ballots).map(|(_, total)| total.get()).sum()
    }
}

impl Shape {
    fn election(&self, number: u32) -> anyhow::Result<Election> {
        let id = |part: u32| Uuid::from_u128(u128::from(number + 1) << 64 | u128::from(part));
        let choice = |choice: u16| {
            let title = Text::parse(&format!("Choice {choice}"))?;
            let code = Label::for_title(&title, &[]);
            anyhow::Ok(Choice { id: ChoiceId(id(u32::from(choice) + 2)), code, title, party: None })
        };
        let contest = Contest {
            id: ContestId(id(1)),
            number: CONTEST,
            method: self.method,
            change: Change::Final,
            choices: (0..self.choices).map(choice).collect::<Result<_, _>>()?,
            race: None,
        };
        Ok(Election {
            id: ElectionId(id(0)),
            code: Code::from_random([number, number / 31, number / 961, number / 29_791, 0, 0]),
            slug: None,
            kind: Kind::Poll,
            title: Text::parse("A bench")?,
            accent: None,
            visibility: Visibility::Always,
            schedule: Schedule::default(),
            created: Time(0),
            contests: vec![contest],
            reporting: None,
            access: hustings_core::Access::Device,
            rehearsal: false,
            public_ballots: false,
        })
    }

    /// A vote of a voter of its own, anywhere.
    fn vote(&self, voter: u32, polls: &[ElectionKey], random: &mut Xoshiro256PlusPlus) -> Option<Addressed> {
        let election = *polls.get(random.random_range(0..polls.len()))?;
        let choice = ChoiceNumber(random.random_range(0..self.choices));
        let ballot = Ballot {
            contest: CONTEST,
            voter: VoterKey(u128::from(voter).to_be_bytes()),
            group: GroupNumber(0),
            id: None,
            replaces: None,
            selections: match self.method {
                Method::Score { min, max } => Selections::Scores(vec![(choice, random.random_range(min..=max))]),
                Method::Single | Method::Approval { .. } => Selections::Choices(vec![choice]),
            },
        };
        Some(Addressed { election, submission: Submission::Ballot(ballot) })
    }
}

fn opening() -> anyhow::Result<Act> {
    Ok(Act { contest: CONTEST, kind: ActKind::Open { scheduled: false }, by: Text::parse("bench")?, reason: None })
}
