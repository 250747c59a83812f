//! How the vote goes, poll by poll, as this node sees it: votes a second, repeats, refusals, how long answers take.
//!
//! Invariant: counts only; never who voted, nor for what. It must not know: pages, the ledger.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::ledger::ElectionKey;

/// The most polls that are watched; beyond it all begin anew.
const POLLS_MAX: usize = 1_000;
/// Votes a second are those of so many seconds.
const RECENT_S: u64 = 10;
/// How long answers took is told of the last one to two minutes.
const LATENCY_S: u64 = 60;

/// The pulses of all polls that somebody votes in.
pub struct Pulses {
    begun: Instant,
    polls: RwLock<HashMap<ElectionKey, Arc<Mutex<Pulse>>>>,
}

impl Default for Pulses {
    fn default() -> Self {
        Self { begun: Instant::now(), polls: RwLock::default() }
    }
}

/// What was answered in one poll.
#[derive(Debug, Default)]
struct Pulse {
    counted: u64,
    repeated: u64,
    turned_away: u64,
    /// Votes counted in each of the last seconds.
    recent: VecDeque<(u64, u64)>,
    /// Answers of this minute, and of the one before, in microseconds.
    minute: u64,
    latency: [Option<Histogram<u32>>; 2],
}

/// How the vote goes now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Votes counted in each of the last ten seconds, tenths of them.
    pub tenths_per_second: u64,
    /// Votes that were sent again and counted once.
    pub repeated: u64,
    /// Attempts to vote twice.
    pub turned_away: u64,
    /// Half of the answers took at most this long; none without answers lately.
    pub p50: Option<Duration>,
    /// All but a hundredth did.
    pub p99: Option<Duration>,
}

impl Pulses {
    /// Notes how a vote was answered: a status or the code of a refusal.
    pub fn record(&self, election: ElectionKey, answer: &str, took: Duration) {
        let second = self.begun.elapsed().as_secs();
        let pulse = self.of(election);
        pulse.lock().unwrap_or_else(PoisonError::into_inner).record(second, answer, took);
    }

    /// How the vote in a poll goes now.
    #[must_use]
    pub fn health(&self, election: ElectionKey) -> Health {
        let second = self.begun.elapsed().as_secs();
        let known = self.polls.read().unwrap_or_else(PoisonError::into_inner).get(&election).map(Arc::clone);
        known.map_or_else(Health::default, |pulse| pulse.lock().unwrap_or_else(PoisonError::into_inner).health(second))
    }

    fn of(&self, election: ElectionKey) -> Arc<Mutex<Pulse>> {
        if let Some(known) = self.polls.read().unwrap_or_else(PoisonError::into_inner).get(&election) {
            return Arc::clone(known);
        }
        let mut polls = self.polls.write().unwrap_or_else(PoisonError::into_inner);
        if polls.len() >= POLLS_MAX {
            polls.clear();
        }
        Arc::clone(polls.entry(election).or_default())
    }
}

impl Pulse {
    fn record(&mut self, second: u64, answer: &str, took: Duration) {
        self.turn(second);
        match answer {
            "counted" | "changed" => {
                self.counted += 1;
                match self.recent.back_mut() {
                    Some((last, count)) if *last == second => *count += 1,
                    _ => self.recent.push_back((second, 1)),
                }
            }
            "repeated" | "superseded" => self.repeated += 1,
            "already_voted" => self.turned_away += 1,
            _ => {}
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let latency = &mut self.latency[0];
        if latency.is_none() {
            *latency = Histogram::new_with_bounds(1, 60_000_000, 2).ok();
        }
        latency.iter_mut().for_each(|latency| latency.saturating_record(micros));
    }

    /// Lets go of what is too long ago.
    fn turn(&mut self, second: u64) {
        while self.recent.front().is_some_and(|(then, _)| then + RECENT_S < second) {
            self.recent.pop_front();
        }
        let minute = second / LATENCY_S;
        if minute > self.minute {
            let before = self.latency[0].take().filter(|_| minute == self.minute + 1);
            self.latency = [None, before];
            self.minute = minute;
        }
    }

    fn health(&mut self, second: u64) -> Health {
        self.turn(second);
        let lately = self.recent.iter().filter(|(then, _)| *then < second).map(|(_, count)| count).sum::<u64>();
        let mut all: Option<Histogram<u32>> = None;
        for latency in self.latency.iter().flatten() {
            match &mut all {
                Some(all) => all.add(latency).unwrap_or_default(),
                None => all = Some(latency.clone()),
            }
        }
        let at = |quantile| all.as_ref().map(|all| Duration::from_micros(all.value_at_quantile(quantile)));
        Health {
            tenths_per_second: lately * 10 / RECENT_S,
            repeated: self.repeated,
            turned_away: self.turned_away,
            p50: at(0.5),
            p99: at(0.99),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_ago_is_not_now() {
        let mut pulse = Pulse::default();
        for second in 0..10 {
            for _ in 0..5 {
                pulse.record(second, "counted", Duration::from_millis(10));
            }
        }
        pulse.record(9, "repeated", Duration::from_millis(10));
        pulse.record(9, "already_voted", Duration::from_millis(500));
        let now = pulse.health(10);
        assert_eq!((now.tenths_per_second, now.repeated, now.turned_away), (50, 1, 1));
        let near = |found: Option<Duration>, expected: u128| {
            found.is_some_and(|found| found.as_millis().abs_diff(expected) <= expected / 50)
        };
        assert!(near(now.p50, 10) && near(now.p99, 500), "{now:?}");
        assert_eq!(pulse.health(60).tenths_per_second, 0);
        assert!(near(pulse.health(60).p50, 10), "the minute before still counts");
        assert_eq!(pulse.health(180), Health { repeated: 1, turned_away: 1, ..Health::default() });
    }

    #[test]
    fn each_poll_has_its_own() {
        let pulses = Pulses::default();
        pulses.record(ElectionKey(1), "repeated", Duration::ZERO);
        assert_eq!(pulses.health(ElectionKey(1)).repeated, 1);
        assert_eq!(pulses.health(ElectionKey(2)), Health::default());
    }
}
