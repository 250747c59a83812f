//! Numbers as people read them in a terminal.
//!
//! It must not know: what is counted.

use std::time::Duration;

pub(super) use crate::export::thousands;

/// A rate of at least zero, rounded, with thousands.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest integer")]
pub(super) fn rounded(number: f64) -> String {
    thousands(number.max(0.0).round() as u64)
}

/// A latency in milliseconds, with as many decimals as say something.
pub(super) fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    match ms {
        0.0..10.0 => format!("{ms:.2} ms"),
        10.0..100.0 => format!("{ms:.1} ms"),
        _ => format!("{} ms", rounded(ms)),
    }
}

/// So many of something, in words.
pub(super) fn several(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { more })
}

/// `done` of `all` in percent, rounded down to tenths: 100 is said when all is done, and not before.
pub(super) fn percent_done(done: u64, all: u64) -> f64 {
    (share(done, all) * 1000.0).floor() / 10.0
}

/// `part` of `whole`, from 0 to 1; nothing of nothing is 0.
#[expect(clippy::cast_precision_loss, reason = "for people, and votes are below 2^53")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The middle of some measurements.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 391_166, 1_000_000].map(thousands), ["0", "999", "1,000", "391,166", "1,000,000"]);
        assert_eq!([0.4, 1234.5, -1.0].map(rounded), ["0", "1,235", "0"]);
        assert_eq!([0, 1, 4_165].map(|count| several(count, "box", "boxes")), ["0 boxes", "1 box", "4,165 boxes"]);
        let micros = [350, 4_100, 18_240, 1_234_000].map(|micros| ms(Duration::from_micros(micros)));
        assert_eq!(micros, ["0.35 ms", "4.10 ms", "18.2 ms", "1,234 ms"]);
        assert_eq!((share(1, 4), share(0, 0)), (0.25, 0.0));
        assert_eq!((percent_done(391_165, 391_166), percent_done(391_166, 391_166)), (99.9, 100.0));
        assert_eq!((percent_done(1, 3), percent_done(0, 0)), (33.3, 0.0));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
