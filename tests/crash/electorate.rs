//! A poll, the voters who are to vote in it, and what they have been told so far.
//!
//! Invariant: across any number of crashes it is the same plan with the same ids, and every receipt stays binding.

use std::sync::Arc;
use std::time::Duration;

use hustings::load::{Api, Job, Mix, Outcome, Plan, Poll, Progress, Receipts, Report, Target, run, verify};
use hustings_core::Time;
use tokio::sync::watch;

/// One poll and its voters.
pub(crate) struct Electorate {
    poll: Poll,
    plan: Arc<Plan>,
    told: Option<Receipts>,
}

/// How many vote, and how many of them try more than that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    /// Voters.
    pub(crate) voters: u32,
    /// Repeats and second votes.
    pub(crate) mix: Mix,
}

/// Impatient thumbs and ballot stuffers.
pub(crate) const UNRULY: Mix = Mix { repeats_percent: 10, second_votes_percent: 5 };

/// Connections of those who have not finished.
const CONNECTIONS_TO_FINISH: usize = 64;
/// How long counters and frames may take to reach the ledger.
const CATCH_UP: Duration = Duration::from_secs(10);

impl Electorate {
    /// Opens a poll for this crowd; the seed decides who votes for what.
    pub(crate) async fn new(api: &Api, crowd: Crowd, seed: u64) -> Self {
        let poll = api.create_poll("Colours", &["Red", "Green", "Blue"]).await.expect("a new poll");
        let (green, blue) = (crowd.voters / 3, crowd.voters / 10);
        let votes = [crowd.voters - green - blue, green, blue];
        let counts = poll.choices().iter().map(|choice| choice.code.clone()).zip(votes).collect();
        let plan = Plan::new(counts, crowd.mix, seed, Time(1_384_300_800_000)).expect("a plan");
        Self { poll, plan: Arc::new(plan), told: None }
    }

    /// How many voters have a receipt.
    pub(crate) fn told(&self) -> u32 {
        self.told.as_ref().map_or(0, Receipts::acknowledged)
    }

    /// How many have none.
    pub(crate) fn left(&self) -> u32 {
        self.plan.voters() - self.told()
    }

    /// The path of the poll's stream of results.
    pub(crate) fn stream(&self) -> String {
        self.poll.path("results/stream")
    }

    /// Sends everything from the beginning, under the same ids, until all is decided or `stop` is ready.
    pub(crate) async fn vote(
        &mut self,
        api: &Api,
        connections: usize,
        progress: Arc<Progress>,
        stop: impl Future<Output = ()>,
    ) -> Outcome {
        let target = Target::votes(&self.poll);
        let mut job = Job::new(api.clone(), Arc::clone(&self.plan), target, connections);
        job.before = self.told.take();
        run(job, progress, stop).await
    }

    /// Compares what voters were told with ledger, counters and frame.
    pub(crate) async fn check(&self, api: &Api, outcome: &Outcome) -> Report {
        let checked = verify(api, &self.poll, outcome, CATCH_UP).await;
        checked.unwrap_or_else(|error| panic!("the server does not show what it counted: {error}"))
    }

    /// Keeps the receipts for the next life of the server.
    pub(crate) fn remember(&mut self, outcome: Outcome) {
        self.told = Some(outcome.into_receipts());
    }

    /// Lets everybody finish who has not, and requires an exact result in which each voter was counted once.
    pub(crate) async fn finish(&mut self, api: &Api) -> Outcome {
        let outcome = self.vote(api, CONNECTIONS_TO_FINISH, Arc::default(), std::future::pending()).await;
        let report = self.check(api, &outcome).await;
        assert!(report.is_exact(), "after everybody voted:\n{report}");
        let wanted: Vec<u64> = self.plan.expected().iter().map(|&votes| u64::from(votes)).collect();
        assert_eq!(report.ledger.votes, wanted, "each voter is counted once, for the choice that was sent\n{report}");
        assert_eq!((outcome.in_doubt().len(), outcome.unsent), (0, 0), "everything is decided\n{report}");
        outcome
    }
}

/// Waits until a flag is set; the stop of a run.
pub(crate) async fn became(mut flag: watch::Receiver<bool>) {
    let _sender_gone = flag.wait_for(|is_set| *is_set).await;
}
