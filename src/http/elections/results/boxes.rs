//! The first and the last boxes to report.
//!
//! Invariant: no more is held than one page of the ledger and as many boxes as were asked for, however large the requests
//! are that entries keep.

use std::collections::VecDeque;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use hustings_core::{ContestNumber, Event, ReportFiled, Seq, Standing, UnitNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Seen, Services, Shared, contest_of, read, see_all, turn, unit_of, within};
use crate::export::changes::Change;
use crate::http::described::Looked;
use crate::http::name::Name;
use crate::ledger::Stored;

/// Which boxes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct BoxesQuery {
    /// Whether the first or the last to report come first (default: first).
    #[param(inline)]
    order: Option<Order>,
    /// The code of a unit (default: the whole election).
    unit: Option<String>,
    /// The code of a contest (default: all; a box is then told once for each).
    contest: Option<String>,
    /// Where the list goes on, the `next` of the page before.
    after: Option<u64>,
    /// At most so many, up to 1,000 (default 20).
    limit: Option<usize>,
}

/// Which end of the night comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// The first to report.
    First,
    /// The last to report.
    Last,
}

/// First reports of boxes, in the order asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoxList {
    version: String,
    boxes: Vec<Change>,
    /// Where the list goes on: send it as `after`. A page may be short, and even empty, and not the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

const LIMIT_MAX: usize = 1_000;
/// So many entries are read at once.
const PAGE: u64 = 2_000;
/// A page looks at no more entries than this.
const LOOKED_AT_MAX: u64 = 200_000;

/// Lists boxes by when they first reported.
#[utoipa::path(get, path = "/api/v1/elections/{election}/boxes", tag = "elections", params(BoxesQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = BoxList), (status = 422, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn boxes(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<BoxesQuery>, QueryRejection>,
) -> Result<Json<BoxList>, Problem> {
    let query = read(query)?;
    let seen = see_all(&services, &election, &headers).await?;
    let moment = &seen.moment;
    let wanted = Wanted {
        unit: unit_of(moment, seen.audience, query.unit.as_deref())?,
        contest: contest_of(moment, query.contest.as_deref())?.map(|contest| contest.number),
        limit: within("limit", query.limit, 20, 1..=LIMIT_MAX)?,
        order: query.order.unwrap_or(Order::First),
    };
    let _turn = turn().await?;
    let (found, next) = search(&services, &seen, &wanted, query.after).await?;
    Ok(Json(BoxList { version: moment.version(seen.audience).to_string(), boxes: found, next: next.map(|seq| seq.0) }))
}

struct Wanted {
    unit: UnitNumber,
    contest: Option<ContestNumber>,
    limit: usize,
    order: Order,
}

impl Wanted {
    fn is(&self, seen: &Seen, stored: &Stored) -> bool {
        let Event::ReportFiled(ReportFiled { contest, ballot_box, standing: Standing::First, .. }) =
            &stored.entry.event
        else {
            return false;
        };
        self.contest.is_none_or(|only| only == *contest) && seen.moment.units().is_within(*ballot_box, self.unit)
    }
}

/// First reports, and the last entry looked at where there are more.
async fn search(
    services: &Services,
    seen: &Seen,
    wanted: &Wanted,
    after: Option<u64>,
) -> Result<(Vec<Change>, Option<Seq>), Problem> {
    let end = seen.moment.seq().0;
    // Entries from `low` on, or before `high`, have not been looked at yet.
    let (mut low, mut high) = match wanted.order {
        Order::First => (after.unwrap_or(0).min(end), end),
        Order::Last => (0, after.map_or(end, |after| after.saturating_sub(1).min(end))),
    };
    let (mut found, stop) = (Vec::new(), (high - low).saturating_sub(LOOKED_AT_MAX));
    while low < high {
        if high - low <= stop {
            return Ok((found, Some(Seq(if wanted.order == Order::First { low } else { high + 1 }))));
        }
        let count = PAGE.min(high - low);
        let from = if wanted.order == Order::First { low } else { high - count };
        let limit = usize::try_from(count).unwrap_or(usize::MAX);
        found.extend(window(services, seen, wanted, (Seq(from), limit), wanted.limit - found.len()).await?);
        match wanted.order {
            Order::First => low += count,
            Order::Last => high -= count,
        }
        if let Some(place) = found.last().map(|last: &Change| last.seq).filter(|_| found.len() == wanted.limit) {
            let is_end = if wanted.order == Order::First { place == end } else { place <= 1 };
            return Ok((found, Some(Seq(place)).filter(|_| !is_end)));
        }
    }
    Ok((found, None))
}

/// What is wanted among so many entries after a place, which may come in several pages: in the order asked for, and no more
/// than there is room for.
async fn window(
    services: &Services,
    seen: &Seen,
    wanted: &Wanted,
    (mut place, mut left): (Seq, usize),
    room: usize,
) -> Result<VecDeque<Change>, Problem> {
    let mut found = VecDeque::new();
    while left > 0 {
        let page = services.ledger.read(seen.found.key, place, left).await?;
        let Some(last) = page.last() else { break };
        place = last.entry.seq;
        left = left.saturating_sub(page.len());
        let moment = &seen.moment;
        for stored in page.iter().filter(|stored| wanted.is(seen, stored)) {
            let change = Change::of(&moment.found().election, moment.units(), &stored.entry);
            match wanted.order {
                Order::First => found.push_back(change),
                Order::Last => found.push_front(change),
            }
            found.truncate(room);
        }
        if wanted.order == Order::First && found.len() == room {
            break;
        }
    }
    Ok(found)
}
