//! Times as people tell them who work at an election: in its own zone, with the offset, so that nobody takes one for another.
//!
//! Invariant: what is told can be typed again where a time is asked for. It must not know: what happened then.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// The hours of an election.
pub(super) struct Hours(TimeZone);

impl Hours {
    /// Hours in the zone of this name; in UTC where this machine does not know it.
    pub(super) fn of(zone: &Value) -> Self {
        Self(zone.as_str().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC))
    }

    /// A time of the contract, told in this zone; nothing where there is none.
    pub(super) fn tell(&self, time: &Value) -> String {
        let Some(text) = time.as_str() else { return String::new() };
        let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
        time.to_zoned(self.0.clone()).strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_told_in_the_zone_of_the_election() {
        for (zone, time, expected) in [
            ("America/Montreal", "2013-11-03T04:30:00.000Z", "2013-11-03T00:30:00-04:00"),
            ("America/Montreal", "2013-11-04T01:00:00.250Z", "2013-11-03T20:00:00.25-05:00"),
            ("Asia/Kolkata", "2013-11-03T18:30:00.000Z", "2013-11-04T00:00:00+05:30"),
            ("UTC", "2013-11-03T18:30:00.000Z", "2013-11-03T18:30:00+00:00"),
            ("Mars/Olympus", "2013-11-03T18:30:00.000Z", "2013-11-03T18:30:00+00:00"),
            ("UTC", "soon", "soon"),
        ] {
            assert_eq!(Hours::of(&json!(zone)).tell(&json!(time)), expected, "{zone}");
        }
        assert_eq!(Hours::of(&Value::Null).tell(&Value::Null), "");
    }
}
