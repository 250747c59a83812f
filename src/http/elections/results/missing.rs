//! Boxes without a report that counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use hustings_core::{Content, Contest, ContestNumber, Event, Measure, UnitKind, UnitNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Seen, Services, Shared, contest_of, read, see_all, unit_of, within};
use crate::feed::night::{Moment, contest_code};
use crate::http::described::Looked;
use crate::http::name::Name;

/// Which boxes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct MissingQuery {
    /// The code of a unit (default: the whole election).
    unit: Option<String>,
    /// The code of a contest (default: all).
    contest: Option<String>,
    /// Boxes after this one, the `next` of the page before.
    after: Option<String>,
    /// At most so many, up to 5,000 (default 1,000).
    limit: Option<usize>,
}

/// Boxes without a report that counts, in the order of the tree.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Missing {
    version: String,
    unit: String,
    missing: Vec<MissingBox>,
    /// Where the list goes on: send it as `after`. A page may be short, and even empty, and not the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A box without a report that counts.
#[derive(Debug, Serialize, ToSchema)]
struct MissingBox {
    #[serde(rename = "box")]
    ballot_box: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    channel: &'static str,
    /// The codes of the contests that it has not reported.
    contests: Vec<String>,
}

const LIMIT_MAX: usize = 5_000;
/// So many boxes are looked up at once.
const LOOK_UP: usize = 1_000;
/// A page looks at no more boxes than this, found or not.
const LOOKED_AT_MAX: usize = 20_000;

/// Lists the boxes that have not reported, or whose report was withdrawn.
#[utoipa::path(get, path = "/api/v1/elections/{election}/missing", tag = "elections", params(MissingQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = Missing), (status = 422, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn missing(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<MissingQuery>, QueryRejection>,
) -> Result<Json<Missing>, Problem> {
    let query = read(query)?;
    let seen = see_all(&services, &election, &headers).await?;
    let moment = &seen.moment;
    let unit = unit_of(moment, seen.audience, query.unit.as_deref())?;
    let only = contest_of(moment, query.contest.as_deref())?.map(|contest| contest.number);
    let unknown = || Problem::invalid("unknown_box", "/after", "`after` is the `next` of the page before");
    let after = query.after.as_deref().map(|code| moment.unit(code).ok_or_else(unknown)).transpose()?;
    let limit = within("limit", query.limit, 1_000, 1..=LIMIT_MAX)?;
    let (found, next) = search(&services, &seen, only, unit, after, limit).await?;
    let told = found.into_iter().map(|(ballot_box, contests)| told(moment, ballot_box, contests));
    Ok(Json(Missing {
        version: moment.version(seen.audience).to_string(),
        unit: moment.unit_name(unit).code,
        missing: told.collect(),
        next: next.map(|last| moment.unit_name(last).code),
    }))
}

type Found = Vec<(UnitNumber, Vec<ContestNumber>)>;

/// Boxes that miss a report, and the last one looked at where there are more.
async fn search(
    services: &Services,
    seen: &Seen,
    only: Option<ContestNumber>,
    unit: UnitNumber,
    after: Option<UnitNumber>,
    limit: usize,
) -> Result<(Found, Option<UnitNumber>), Problem> {
    let moment = &seen.moment;
    // The last one that was looked at may have been retired since.
    let mut below = moment.units().below(unit).skip_while(|one| after.is_some_and(|after| *one != after));
    if after.is_some() {
        below.next();
    }
    let is_box = |one: &UnitNumber| moment.units().get(*one).is_some_and(|unit| unit.kind == UnitKind::Box);
    let mut boxes = below.filter(|one| is_box(one) && moment.is_live(*one));
    let contests: Vec<&Contest> =
        moment.contests().iter().filter(|contest| only.is_none_or(|only| only == contest.number)).collect();
    let mut complete = Complete { moment, known: HashMap::new() };
    let (mut found, mut looked_at) = (Found::new(), 0);
    loop {
        let page: Vec<UnitNumber> = boxes.by_ref().take(LOOK_UP).collect();
        let Some(last) = page.last().copied() else { return Ok((found, None)) };
        looked_at += page.len();
        let mut missing: BTreeMap<usize, Vec<ContestNumber>> = BTreeMap::new();
        for contest in &contests {
            let numbered = page.iter().copied().enumerate();
            let reporting: Vec<(usize, UnitNumber)> =
                numbered.filter(|(_, one)| complete.may_miss(contest, *one)).collect();
            if reporting.is_empty() {
                continue;
            }
            let boxes: Vec<UnitNumber> = reporting.iter().map(|(_, one)| *one).collect();
            let counted = counted(services, seen, contest.number, &boxes).await?;
            for (place, _) in reporting.into_iter().filter(|(_, one)| !counted.contains(one)) {
                missing.entry(place).or_default().push(contest.number);
            }
        }
        for (place, contests) in missing {
            found.push((page[place], contests));
            if found.len() == limit {
                return Ok((found, Some(page[place])));
            }
        }
        if looked_at >= LOOKED_AT_MAX {
            return Ok((found, Some(last)));
        }
    }
}

/// Which of these boxes have a report that counts.
async fn counted(
    services: &Services,
    seen: &Seen,
    contest: ContestNumber,
    boxes: &[UnitNumber],
) -> Result<BTreeSet<UnitNumber>, Problem> {
    let reports = services.reports.current_reports(seen.found.key, contest, boxes).await?;
    let counts = reports.iter().filter_map(|stored| match &stored.entry.event {
        Event::ReportFiled(filed) => matches!(filed.content, Content::Filed(_)).then_some(filed.ballot_box),
        _ => None,
    });
    Ok(counts.collect())
}

/// Places where every box has reported need not be looked at box by box.
struct Complete<'a> {
    moment: &'a Moment,
    known: HashMap<(ContestNumber, UnitNumber), bool>,
}

impl Complete<'_> {
    fn may_miss(&mut self, contest: &Contest, ballot_box: UnitNumber) -> bool {
        let units = self.moment.units();
        if !units.is_within(ballot_box, contest.unit()) {
            return false;
        }
        let Some(place) = units.get(ballot_box).map(|unit| unit.place) else { return true };
        let tally = self.moment.tally();
        let sum = |contest, wanted: fn(Measure) -> bool| -> u64 {
            let totals = tally.totals(contest, place).into_iter().flatten();
            totals.filter(|((_, measure), _)| wanted(*measure)).map(|(_, total)| total.get()).sum()
        };
        let is_complete = self.known.entry((contest.number, place)).or_insert_with(|| {
            let listed = sum(ContestNumber::NONE, |measure| measure == Measure::Boxes);
            let reported =
                sum(contest.number, |measure| matches!(measure, Measure::BoxesProvisional | Measure::BoxesFinal));
            // Of a contest that is held in a part of the place, no more than its boxes can have reported.
            reported >= listed
        });
        !*is_complete
    }
}

fn told(moment: &Moment, ballot_box: UnitNumber, contests: Vec<ContestNumber>) -> MissingBox {
    let units = moment.units();
    let above = |kind: UnitKind| {
        let found = units.up(ballot_box).find(|number| units.get(*number).is_some_and(|unit| unit.kind == kind));
        found.map(|number| moment.unit_name(number).code)
    };
    let names = moment.unit_name(ballot_box);
    MissingBox {
        ballot_box: names.code,
        name: names.name,
        station: above(UnitKind::Station),
        city: above(UnitKind::City),
        channel: units.get(ballot_box).map_or("", |unit| unit.channel.name()),
        contests: contests
            .iter()
            .filter_map(|number| moment.contests().get(number.index()))
            .map(contest_code)
            .collect(),
    }
}
