//! A hall that votes through the proxy while screens watch every node, and the proof at the end.

use std::sync::Arc;
use std::time::Duration;

use hustings::load::{Api, Job, Mix, Outcome, Pace, Plan, Poll, Progress, Target, run, verify};
use hustings_core::Time;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::PATIENCE;
use crate::installation::Installation;
use crate::screens::{Screen, Screens, agree};

/// Screens at the proxy and at the nodes.
const SCREENS: usize = 12;
const CONNECTIONS: usize = 32;

/// Voters at work.
pub(crate) struct Hall {
    pub(crate) poll: Poll,
    front: Api,
    progress: Arc<Progress>,
    enough: oneshot::Sender<()>,
    voting: JoinHandle<Outcome>,
    screens: Screens,
}

impl Hall {
    /// Opens a poll, screens on each node and at the proxy, and lets so many a second vote until all have, or until it is
    /// told to end.
    pub(crate) async fn open(installation: &Installation, seed: u64, voters: u32, per_second: f64) -> Self {
        let front = installation.front().await;
        let poll = front.create_poll("The hall", &["A", "B", "C"]).await.expect("a poll");
        let mut places = vec![front.clone()];
        for number in 0..installation.nodes.len() {
            places.push(installation.node(number).await);
        }
        let screens = Screens::open(&places, &poll, SCREENS);
        let half = voters / 2;
        let codes = poll.choices().iter().map(|choice| choice.code.clone());
        let counts = codes.zip([half, voters - half - voters / 5, voters / 5]).collect();
        let mix = Mix { repeats_percent: 10, second_votes_percent: 2 };
        let plan = Plan::new(counts, mix, seed, Time(1_700_000_000_000)).expect("a plan");
        let mut job = Job::new(front.clone(), Arc::new(plan), Target::votes(&poll), CONNECTIONS);
        job.pace = Pace::PerSecond(per_second);
        job.patience = Duration::from_secs(20);
        job.retry_for = PATIENCE;
        let progress = Arc::<Progress>::default();
        let (enough, is_enough) = oneshot::channel();
        let until = async {
            // Dropped without a word, it is no end.
            if is_enough.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let voting = run(job, Arc::clone(&progress), until);
        Self { poll, front, voting: tokio::spawn(voting), progress, enough, screens }
    }

    /// How many votes are acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.progress.seen().acknowledged
    }

    /// Returns once so many more votes are acknowledged than now.
    pub(crate) async fn more(&self, votes: u64) {
        let wanted = self.acknowledged() + votes;
        let more = async {
            while self.acknowledged() < wanted {
                assert!(!self.voting.is_finished(), "all have voted before the test was done");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, more).await.expect("votes go on");
    }

    /// Ends the voting, and holds everything, at the proxy and at each node, to what was acknowledged.
    pub(crate) async fn close(self, installation: &Installation) -> Vec<Screen> {
        let Self { poll, front, enough, voting, screens, .. } = self;
        let _ended = enough.send(());
        let outcome = voting.await.expect("no panic");
        assert_eq!(outcome.contradictions, 0, "{:?}", outcome.contradiction_samples);
        let mut last = String::new();
        let mut places = vec![front];
        for (number, node) in installation.nodes.iter().enumerate() {
            if node.is_running() {
                places.push(installation.node(number).await);
            }
        }
        for place in &places {
            let report = verify(place, &poll, &outcome, PATIENCE).await.expect("a verification");
            assert!(report.is_exact(), "at {}: {report}", place.authority());
            last.clone_from(&report.counters_version);
        }
        // A frame that is on its way to a screen takes no longer than to one that opens now, and one that lost its stream
        // comes back within a moment.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let screens = screens.close().await;
        for screen in &screens {
            let (version, _) = screen.shown.last().expect("a screen showed something");
            assert_eq!(version.to_string(), last, "the last frame of a screen");
        }
        agree(&screens);
        println!("{} votes acknowledged, {} retries, exact", outcome.counts.counted, outcome.retries);
        screens
    }
}
