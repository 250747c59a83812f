//! Time and chance, handed in so that tests can hold them.
//!
//! Invariant: nothing else in the program reads a clock of the wall or draws a random number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hustings_core::Time;
use uuid::Uuid;

/// Where wall time comes from.
pub trait Clock: Send + Sync {
    /// The time now. It may go back (NTP, a person); whoever needs order takes it from a ledger.
    fn now(&self) -> Time;
}

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Fills the buffer with bytes nobody can guess.
    fn fill(&self, buffer: &mut [u8]);
}

/// The clock of this machine.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands until a test moves it.
#[derive(Default)]
pub struct HeldClock(AtomicU64);

impl HeldClock {
    /// Starts at this time.
    #[must_use]
    pub fn at(time: Time) -> Self {
        Self(AtomicU64::new(time.0))
    }

    /// Moves to this time, back too.
    pub fn set(&self, time: Time) {
        self.0.store(time.0, Ordering::SeqCst);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

/// The operating system's generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // A machine without randomness cannot keep a secret: there is nothing sensible left to do but to stop.
        if rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, buffer).is_err() {
            std::process::abort();
        }
    }
}

/// An id that sorts by time of creation (RFC 9562, version 7), so that indexes grow at their end.
#[must_use]
pub fn uuid_v7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(clock.now().0, &bytes).into_uuid()
}

/// As RFC 3339 with milliseconds, in UTC: the one way this program writes a time.
#[must_use]
pub fn rfc3339(time: Time) -> String {
    let millis = i64::try_from(time.0).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(timestamp) => format!("{timestamp:.3}"),
        Err(_) => format!("{} ms", time.0),
    }
}

/// Reads RFC 3339; a time before 1970 is refused.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Time> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok().map(Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_one_way() {
        assert_eq!(rfc3339(Time(1_384_300_800_123)), "2013-11-13T00:00:00.123Z");
        assert_eq!(parse_rfc3339("2013-11-13T00:00:00.123Z"), Some(Time(1_384_300_800_123)));
        assert_eq!(parse_rfc3339("1969-11-13T00:00:00Z"), None);
        assert_eq!(parse_rfc3339("tomorrow"), None);
    }
}
