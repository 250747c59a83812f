//! How a run is doing, for whoever watches it while it goes on.
//!
//! Invariant: watching costs the run nothing it could feel: a few atomic additions and one histogram entry an answer.
//! It must not know: terminals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies from a microsecond to two minutes, to three digits.
#[derive(Debug, Clone)]
pub struct Latency(Histogram<u64>);

const MICROS_MAX: u64 = 120_000_000;

impl Default for Latency {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "these bounds are constant, and a test makes one")]
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, 3).expect("constant bounds are valid");
        Self(histogram)
    }
}

impl Latency {
    /// Adds one measurement; longer than two minutes counts as two minutes.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(MICROS_MAX).max(1));
    }

    /// Adds the measurements of another one.
    pub fn add(&mut self, other: &Self) {
        // The bounds are the same, so nothing can be out of range.
        let _same_bounds = self.0.add(&other.0);
    }

    /// How many measurements there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share (0.99) of all measurements does not exceed; zero without measurements.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(share))
    }

    /// The longest one.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }
}

/// Counters that a run moves and a view reads.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    answered: AtomicU64,
    acknowledged: AtomicU64,
    retries: AtomicU64,
    errors: AtomicU64,
    latest: Mutex<Latency>,
}

/// What a look at the progress saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests sent, retries included.
    pub sent: u64,
    /// Attempts that are done, whatever the answer was.
    pub answered: u64,
    /// Voters whose vote was acknowledged.
    pub acknowledged: u64,
    /// Requests that were sent again, because the first had no answer or was told to come back.
    pub retries: u64,
    /// Answers that should not have been, and attempts given up.
    pub errors: u64,
}

impl Progress {
    /// Where the run stands now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen {
            sent: self.sent.load(Ordering::Relaxed),
            answered: self.answered.load(Ordering::Relaxed),
            acknowledged: self.acknowledged.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }

    /// The latencies since the last time somebody took them.
    #[must_use]
    pub fn take_latency(&self) -> Latency {
        std::mem::take(&mut *self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn sent(&self, again: bool) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(again), Ordering::Relaxed);
    }

    pub(super) fn answered(&self, latency: Duration) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).record(latency);
    }

    pub(super) fn acknowledged(&self, voters: u64) {
        self.acknowledged.store(voters, Ordering::Relaxed);
    }

    pub(super) fn errors(&self, errors: u64) {
        self.errors.store(errors, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_kept_to_three_digits_and_taken_once() {
        let progress = Progress::default();
        for ms in 1..=1000 {
            progress.answered(Duration::from_millis(ms));
        }
        let latency = progress.take_latency();
        assert_eq!(latency.count(), 1000);
        let p99 = latency.quantile(0.99).as_millis();
        assert!((989..=991).contains(&p99), "{p99}");
        assert!((999..=1001).contains(&latency.max().as_millis()));
        assert_eq!(progress.take_latency().count(), 0);
        assert_eq!(progress.seen().answered, 1000);
    }

    #[test]
    fn a_century_counts_as_two_minutes() {
        let mut latency = Latency::default();
        latency.record(Duration::from_secs(3_000_000_000));
        latency.record(Duration::ZERO);
        assert!(latency.max() >= Duration::from_secs(119));
    }
}
