//! What came in between two times: which city reported most, by how much corrections moved it, hour by hour.
//!
//! The ledger's own times decide. Intervals begin with their first instant and end before their last one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use hustings_core::{Contest, ContestNumber, Event, Seq, Standing, Time, UnitNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Seen, Services, Shared, contest_needed, contest_of, read, see_all, times, turn, unit_of, within};
use crate::clock::rfc3339;
use crate::export::changes::Change;
use crate::feed::night::moved::{self, Moved};
use crate::feed::night::{Moment, contest_code, sums};
use crate::http::described::Looked;
use crate::http::name::Name;
use crate::ledger::{PAGE_MAX, Stored};

/// Which part of the night, and how it is divided.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// From this time on (RFC 3339, or local in the election's zone; default: from its creation).
    from: Option<String>,
    /// Until just before this time (default: until now).
    to: Option<String>,
    /// city (default), contest or box.
    by: Option<GroupBy>,
    /// The code of a unit (default: the whole election).
    unit: Option<String>,
    /// The code of a contest; needed where several are held in the unit, but by contest and without intervals.
    contest: Option<String>,
    /// Also in intervals of this length, such as `15m` or `1h`; at most 1,000 of them.
    interval: Option<String>,
    /// At most so many groups, up to 10,000 (default 100).
    limit: Option<usize>,
}

/// What is told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum GroupBy {
    /// Places that boxes stand in.
    City,
    /// Contests.
    Contest,
    /// Boxes.
    Box,
}

/// What came in between two times.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// The version that this is told of.
    version: String,
    zone: String,
    /// From this instant on.
    from: String,
    /// Until just before this one.
    to: String,
    unit: String,
    by: GroupBy,
    /// What moved in the unit in all; null where several contests are told, whose boxes are the same ones.
    total: Option<MovedBody>,
    /// Who reported the most new votes comes first; groups in which nothing moved are left out.
    groups: Vec<Group>,
    /// Whether there are more groups than asked for.
    more: bool,
    /// The same unit, interval by interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<Vec<Interval>>,
}

/// A city, a contest or a box.
#[derive(Debug, Serialize, ToSchema)]
struct Group {
    code: String,
    name: String,
    #[serde(flatten)]
    moved: MovedBody,
}

/// A part of the time asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Interval {
    from: String,
    to: String,
    #[serde(flatten)]
    moved: MovedBody,
}

/// What moved.
#[derive(Debug, Serialize, ToSchema)]
struct MovedBody {
    newly_reported: Newly,
    net: Net,
}

/// First reports of boxes.
#[derive(Debug, Serialize, ToSchema)]
struct Newly {
    votes: u64,
    boxes: u64,
}

/// What first reports, corrections and withdrawals moved in the end.
#[derive(Debug, Serialize, ToSchema)]
struct Net {
    /// Votes by the choices' codes.
    votes: BTreeMap<String, i64>,
    boxes: i64,
    cast: i64,
}

const LIMIT_MAX: usize = 10_000;
const INTERVALS_MAX: u64 = 1_000;
/// The most entries that are told box by box.
const BY_BOX_MAX: u64 = 200_000;

/// Tells what came in between two times, by city, contest or box, and in intervals.
#[utoipa::path(get, path = "/api/v1/elections/{election}/history", tag = "elections", params(HistoryQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = History), (status = 422, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn history(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<History>, Problem> {
    let query = read(query)?;
    let seen = see_all(&services, &election, &headers).await?;
    let window = Window::asked(&seen, &query)?;
    let by = query.by.unwrap_or(GroupBy::City);
    let unit = unit_of(&seen.moment, seen.audience, query.unit.as_deref())?;
    let limit = within("limit", query.limit, 100, 1..=LIMIT_MAX)?;
    let named = contest_of(&seen.moment, query.contest.as_deref())?;
    if matches!(seen.moment.unit_name(unit).kind, "station" | "box") {
        let detail =
            "the past is told of cities and what they stand in; ask for its city `by=box`, or for the box itself";
        return Err(Problem::invalid("wrong_kind", "/unit", detail));
    }
    let told = told(&seen.moment, unit, named);
    if told.len() > 1 && (by != GroupBy::Contest || query.interval.is_some()) {
        return Err(contest_needed("several contests are held there, and their boxes are the same ones", told));
    }
    let of = Of { unit, contest: told.first().copied() };
    let _turn = turn().await?;
    let (before, after) = (at(&services, &seen, window.from).await?, at(&services, &seen, window.to).await?);
    let mut groups = match by {
        GroupBy::City => {
            let places = of.contest.map(|contest| moved::by_place(&before, &after, contest, unit, limit + 1));
            cities(&seen.moment, places.unwrap_or_default())
        }
        GroupBy::Contest => contests(&after, moved::by_contest(&before, &after, &told, unit)),
        GroupBy::Box => boxes(&services, &seen, of, (before.seq(), after.seq())).await?,
    };
    groups.sort_by(|(a, a_name), (b, b_name)| b.new_votes.cmp(&a.new_votes).then_with(|| a_name.cmp(b_name)));
    let more = groups.len() > limit;
    let group = |(moved, (code, name)): (Moved, (String, String))| Group { code, name, moved: moved.into() };
    let intervals = match &query.interval {
        Some(length) => Some(intervals(&services, &seen, &window, length, of).await?),
        None => None,
    };
    Ok(Json(History {
        version: seen.moment.version(seen.audience).to_string(),
        zone: seen.moment.zone().to_owned(),
        from: rfc3339(window.from),
        to: rfc3339(window.to),
        unit: seen.moment.unit_name(of.unit).code,
        by,
        total: (told.len() <= 1).then(|| of.moved(&before, &after).into()),
        groups: groups.into_iter().take(limit).map(group).collect(),
        more,
        intervals,
    }))
}

/// From an instant on until just before another one.
struct Window {
    from: Time,
    to: Time,
}

/// What is told of: a contest in a unit, or nothing where none is held there.
#[derive(Clone, Copy)]
struct Of<'a> {
    unit: UnitNumber,
    contest: Option<&'a Contest>,
}

impl Of<'_> {
    fn moved(&self, before: &Moment, after: &Moment) -> Moved {
        self.contest.map(|contest| moved::in_all(before, after, contest, self.unit)).unwrap_or_default()
    }
}

/// The contests that are held in a unit, or the one of them that is named.
fn told<'a>(moment: &'a Moment, unit: UnitNumber, named: Option<&Contest>) -> Vec<&'a Contest> {
    let is_named = |contest: &&Contest| named.is_none_or(|named| named.number == contest.number);
    let is_held = |contest: &&Contest| sums::held(moment.units(), contest.unit(), unit).is_some();
    moment.contests().iter().filter(is_named).filter(is_held).collect()
}

impl Window {
    fn asked(seen: &Seen, query: &HistoryQuery) -> Result<Self, Problem> {
        let moment = &seen.moment;
        let created = seen.found.election.created;
        let from = query.from.as_deref().map_or(Ok(created), |text| times::time(moment, "from", text))?;
        // Just after the last entry.
        let now = Time(moment.time().0.saturating_add(1));
        let to = query.to.as_deref().map_or(Ok(now.max(from)), |text| times::time(moment, "to", text))?;
        if to < from {
            return Err(Problem::invalid("invalid_interval", "/to", "`to` is before `from`"));
        }
        Ok(Self { from, to })
    }
}

/// The election just before a time.
async fn at(services: &Services, seen: &Seen, time: Time) -> Result<Moment, Problem> {
    let place = times::place_before(services, &seen.moment, time).await?;
    times::at(services, seen, place).await
}

type Named = (Moved, (String, String));

fn cities(moment: &Moment, moved: BTreeMap<UnitNumber, Moved>) -> Vec<Named> {
    let named = |(unit, moved)| {
        let names = moment.unit_name(unit);
        (moved, (names.code, names.name))
    };
    moved.into_iter().map(named).collect()
}

fn contests(moment: &Moment, moved: BTreeMap<ContestNumber, Moved>) -> Vec<Named> {
    let named = |(number, moved): (ContestNumber, Moved)| {
        let contest = moment.contests().get(number.index())?;
        let title = contest.race.as_ref().map(|race| race.title.to_string());
        Some((moved, (contest_code(contest), title.unwrap_or_default())))
    };
    moved.into_iter().filter_map(named).collect()
}

/// What each box reported between two places, from the entries themselves.
async fn boxes(services: &Services, seen: &Seen, of: Of<'_>, (from, to): (Seq, Seq)) -> Result<Vec<Named>, Problem> {
    if to.0 - from.0 > BY_BOX_MAX {
        let detail = format!("between these times there are more than {BY_BOX_MAX} entries; ask for a shorter time");
        return Err(Problem::invalid("interval_too_long", "/to", detail));
    }
    let (mut moved, mut place) = (BTreeMap::new(), from);
    while place < to {
        let left = usize::try_from(to.0 - place.0).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let page = services.ledger.read(seen.found.key, place, left).await?;
        let Some(last) = page.last() else { break };
        place = last.entry.seq;
        for stored in &page {
            add(seen, of, &mut moved, stored);
        }
    }
    moved.values_mut().for_each(Moved::settle);
    Ok(cities(&seen.moment, moved))
}

fn add(seen: &Seen, of: Of<'_>, moved: &mut BTreeMap<UnitNumber, Moved>, stored: &Stored) {
    let Event::ReportFiled(filed) = &stored.entry.event else { return };
    let moment = &seen.moment;
    let is_wanted = of.contest.is_some_and(|only| only.number == filed.contest)
        && moment.units().is_within(filed.ballot_box, of.unit)
        && !matches!(filed.standing, Standing::Late { .. });
    if !is_wanted {
        return;
    }
    let change = Change::of(&moment.found().election, moment.units(), &stored.entry);
    let sum: &mut Moved = moved.entry(filed.ballot_box).or_default();
    let counted = filed.content.counts();
    if let (Standing::First, Some(counts)) = (&filed.standing, counted) {
        sum.new_boxes += 1;
        sum.new_votes += counts.votes_in_all();
    }
    let counted_before = matches!(&filed.standing, Standing::Replaces { counts: Some(_), .. });
    sum.boxes += i64::from(counted.is_some()) - i64::from(counted_before);
    sum.cast += change.cast.unwrap_or(0);
    for (choice, votes) in change.votes.into_iter().flatten() {
        sum.add_votes(choice, votes);
    }
}

/// The same unit, interval by interval.
async fn intervals(
    services: &Services,
    seen: &Seen,
    window: &Window,
    length: &str,
    of: Of<'_>,
) -> Result<Vec<Interval>, Problem> {
    let invalid = |detail: String| Problem::invalid("invalid_interval", "/interval", detail);
    let duration = length.parse::<jiff::SignedDuration>().ok();
    let step = duration.and_then(|duration| u64::try_from(duration.as_millis()).ok()).filter(|step| *step > 0);
    let step = step.ok_or_else(|| invalid("`interval` is a length of time, such as 15m or 1h".to_owned()))?;
    if (window.to.0 - window.from.0).div_ceil(step) > INTERVALS_MAX {
        return Err(invalid(format!("these would be more than {INTERVALS_MAX} intervals; ask for longer ones")));
    }
    let (mut intervals, mut from) = (Vec::new(), window.from);
    let mut before = at(services, seen, from).await?;
    while from < window.to {
        let to = Time(from.0.saturating_add(step)).min(window.to);
        let after = at(services, seen, to).await?;
        let moved = of.moved(&before, &after).into();
        intervals.push(Interval { from: rfc3339(from), to: rfc3339(to), moved });
        (from, before) = (to, after);
    }
    Ok(intervals)
}

impl From<Moved> for MovedBody {
    fn from(moved: Moved) -> Self {
        Self {
            newly_reported: Newly { votes: moved.new_votes, boxes: moved.new_boxes },
            net: Net { votes: moved.votes, boxes: moved.boxes, cast: moved.cast },
        }
    }
}
