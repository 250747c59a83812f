//! Times as people ask for them: with an offset, or in the election's own zone; or as a version.

use hustings_core::{Seq, Time, Version};

use super::{Problem, Seen, Services, short};
use crate::clock::parse_rfc3339;
use crate::feed::night::Moment;

/// Reads a time: RFC 3339, or a local date and time in the election's zone, such as `2013-11-03T18:00`.
pub(super) fn time(moment: &Moment, parameter: &str, text: &str) -> Result<Time, Problem> {
    // In an address a plus is a space.
    let text = text.replace(' ', "+");
    let malformed = || {
        let detail = format!(
            "`{parameter}` is no time: send one such as 2013-11-03T18:00 (in {}) or 2013-11-03T18:00:00-05:00, not `{}`",
            moment.zone(),
            short(&text)
        );
        Problem::invalid("invalid_time", format!("/{parameter}"), detail)
    };
    parse_rfc3339(&text).or_else(|| local(&text, moment.zone())).ok_or_else(malformed)
}

/// A local time. One that the clocks skipped is the one after the gap; of one that came twice it is the first.
fn local(text: &str, zone: &str) -> Option<Time> {
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = local.in_tz(zone).ok()?;
    u64::try_from(zoned.timestamp().as_millisecond()).ok().map(Time)
}

/// Where the ledger stood just before a time: entries of that very time are not before it.
pub(super) async fn place_before(services: &Services, moment: &Moment, time: Time) -> Result<Seq, Problem> {
    Ok(services.reports.last_before(moment.key(), time).await?.min(moment.seq()))
}

/// The election as it stood at an earlier version, or just before a time, which must have come.
pub(super) async fn as_of(services: &Services, seen: &Seen, asked: &str) -> Result<Moment, Problem> {
    seen.require_full()?;
    let place = match asked.parse() {
        Ok(version) => place_of(&seen.moment, "as_of", version)?,
        Err(()) => {
            let time = time(&seen.moment, "as_of", asked)?;
            // The clock of another node may be ahead of this one.
            if time > services.clock.now().max(seen.moment.time()) {
                let detail = "`as_of` is still to come; leave it out to see what stands now";
                return Err(Problem::invalid("invalid_time", "/as_of", detail));
            }
            place_before(services, &seen.moment, time).await?
        }
    };
    at(services, seen, place).await
}

/// The election as it stood after an entry.
pub(super) async fn at(services: &Services, seen: &Seen, place: Seq) -> Result<Moment, Problem> {
    let past = services.feed.past(seen.found.key, place).await?;
    past.ok_or_else(|| Problem::unavailable("not_yet", "this node has not counted that far yet; please try again"))
}

/// The entry that a version names.
pub(super) fn place_of(moment: &Moment, parameter: &str, version: Version) -> Result<Seq, Problem> {
    let unknown = |detail: &str| Problem::invalid("unknown_version", format!("/{parameter}"), detail);
    match version {
        Version::Masked(..) => Err(unknown("a version of hidden results names no totals")),
        Version::Full(epoch, _) if epoch != moment.version(hustings_core::Audience::Full).epoch() => {
            Err(unknown("this version is of an earlier life of the ledger; begin anew without it"))
        }
        Version::Full(_, seq) if seq > moment.seq() => Err(unknown("this version is not there yet")),
        Version::Full(_, seq) => Ok(seq),
    }
}
