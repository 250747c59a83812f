//! What is counted of votes as they are answered, looked up once instead of at each vote.

use std::time::Duration;

use metrics::{Counter, Histogram};

/// The meters of votes. To be made after the recorder of metrics is in its place.
pub struct VoteMeters {
    seconds: Histogram,
    common: [(&'static str, Counter); 4],
}

impl VoteMeters {
    /// Meters of the recorder that is in its place now.
    #[must_use]
    pub fn new() -> Self {
        let common = ["counted", "changed", "repeated", "already_voted"].map(|answer| (answer, votes_answered(answer)));
        Self { seconds: metrics::histogram!("hustings_vote_seconds"), common }
    }

    /// Counts one vote by how it was answered: a status or the code of a refusal.
    pub fn record(&self, answer: &'static str, took: Duration) {
        match self.common.iter().find(|(common, _)| *common == answer) {
            Some((_, counter)) => counter.increment(1),
            None => votes_answered(answer).increment(1),
        }
        self.seconds.record(took);
    }
}

impl Default for VoteMeters {
    fn default() -> Self {
        Self::new()
    }
}

fn votes_answered(answer: &'static str) -> Counter {
    metrics::counter!("hustings_votes_total", "answer" => answer)
}
