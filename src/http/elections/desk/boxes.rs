//! One box: everything it has reported, and whether a report has arrived.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use hustings_core::{Contest, Counts, Entry, Event, ReportFiled, Standing, UnitKind, UnitNumber, Units};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::super::find;
use super::resolve::find_unit;
use super::{Desk, names};
use crate::clock::rfc3339;
use crate::http::api::invalid_query;
use crate::http::auth::Caller;
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::receipt::Receipt;
use crate::http::{Services, Shared};
use crate::ledger::{Registered, Scope, Stored};

/// A box and all it has reported.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoxBody {
    /// Its code.
    #[serde(rename = "box")]
    ballot_box: String,
    /// Its name, or its code.
    name: String,
    /// The code of the place that its votes are counted in.
    city: String,
    /// The codes of all units that it stands in, from the top.
    within: Vec<String>,
    /// How votes are cast there.
    channel: &'static str,
    /// Whether no more reports are taken from it.
    retired: bool,
    /// Every report, by contest and revision.
    reports: Vec<RevisionBody>,
}

/// One report of a box.
#[derive(Debug, Serialize, ToSchema)]
struct RevisionBody {
    /// The contest's code.
    contest: String,
    revision: u32,
    /// final, provisional or withdrawn.
    status: &'static str,
    /// Whether it is the one that counts.
    counts: bool,
    /// first, replaces, or late: one with a higher number was there before it.
    standing: &'static str,
    /// What it said; nothing where it is a withdrawal.
    #[serde(flatten)]
    figures: Option<Figures>,
    /// What it has moved; nothing where it came late.
    difference: Option<Difference>,
    /// When the ledger took it (RFC 3339, UTC).
    time: String,
    /// When the sender says it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_at: Option<String>,
    /// Who sent it: the name of a token and its number.
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The request, as it was sent; of a table, the line below its header.
    request: String,
    receipt: Receipt,
}

/// What a report says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoxFigures)]
pub(super) struct Figures {
    /// Votes by the codes of choices; a choice that is not named has none.
    #[schema(value_type = std::collections::HashMap<String, u32>)]
    votes: Map<String, Value>,
    blank: u32,
    invalid: u32,
    cast: u32,
}

/// New less old, of what differs.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    /// By the codes of choices.
    #[schema(value_type = std::collections::HashMap<String, i64>)]
    votes: Map<String, Value>,
    blank: i64,
    invalid: i64,
    cast: i64,
}

/// Everything a box has reported: who, when, what, and what each report has moved. For tokens with the scope `results`, and
/// for those that may report the box.
#[utoipa::path(get, path = "/api/v1/elections/{election}/boxes/{box}", tag = "reports",
    params(("election" = String, Path, description = "id, code or slug"), ("box" = String, Path, description = "its code")),
    responses((status = 200, body = BoxBody), Looked),
    security(("token" = [])))]
pub(super) async fn history(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<BoxBody>, Problem> {
    let found = Asked::find(&services, path, &headers).await?;
    let book = desk.books.newest(&services, &found.registered).await?;
    let contests = &book.found.election.contests;
    let reports = services.reports.revisions(found.registered.key, found.ballot_box).await?;
    let counting = counting(&reports);
    let shown = |stored: &Stored| {
        let filed = filed(&stored.entry)?;
        let contest = contests.get(filed.contest.index())?;
        let receipt = Receipt::new(&services.keys, &found.registered, stored);
        Some(revision_body(contest, filed, stored, receipt, counting.contains(&stored.entry.seq)))
    };
    Ok(Json(found.body(reports.iter().filter_map(shown).collect())?))
}

/// Which report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptQuery {
    /// The contest's code or id; needed where there are several.
    contest: Option<String>,
    /// The number of the report (default: the one that counts).
    revision: Option<u32>,
}

/// What has arrived of a box.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ArrivedBody {
    #[serde(rename = "box")]
    ballot_box: String,
    contest: String,
    revision: u32,
    /// final, provisional or withdrawn.
    status: &'static str,
    /// Whether it is the one that counts.
    counts: bool,
    receipt: Receipt,
}

/// Says whether a report of a box has arrived, with its receipt. For tokens with the scope `results`, and for those that may
/// report the box.
#[utoipa::path(get, path = "/api/v1/elections/{election}/boxes/{box}/receipt", tag = "reports", params(ReceiptQuery,
        ("election" = String, Path, description = "id, code or slug"), ("box" = String, Path, description = "its code")),
    responses((status = 200, body = ArrivedBody), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn receipt(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    query: Result<Query<ReceiptQuery>, QueryRejection>,
) -> Result<Json<ArrivedBody>, Problem> {
    let found = Asked::find(&services, path, &headers).await?;
    let Query(query) = query.map_err(invalid_query)?;
    let book = desk.books.newest(&services, &found.registered).await?;
    let contest = book.contest(query.contest.as_deref())?;
    let reports = services.reports.revisions(found.registered.key, found.ballot_box).await?;
    let counting = counting(&reports);
    let arrived = reports.iter().find_map(|stored| {
        let filed = filed(&stored.entry).filter(|filed| filed.contest == contest.number)?;
        let counts = counting.contains(&stored.entry.seq);
        let is_asked = query.revision.map_or(counts, |revision| filed.revision.0 == revision);
        is_asked.then(|| ArrivedBody {
            ballot_box: found.code(),
            contest: contest_code(contest),
            revision: filed.revision.0,
            status: filed.content.name(),
            counts,
            receipt: Receipt::new(&services.keys, &found.registered, stored),
        })
    });
    let missing =
        || Problem::not_found("no_report", "nothing has arrived of this box in this contest; please send it again");
    arrived.map(Json).ok_or_else(missing)
}

/// A box that somebody may see.
struct Asked {
    registered: Registered,
    units: Arc<Units>,
    ballot_box: UnitNumber,
}

impl Asked {
    async fn find(
        services: &Services,
        path: Result<Path<(String, String)>, PathRejection>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let (election, named) = names(path);
        let caller = Caller::of(services, headers).await?;
        caller.require_known(Scope::Results)?;
        let registered = find(services, &election).await?;
        let units = services.reports.units(registered.key, None).await?;
        let ballot_box = find_unit(&units, &named);
        let is_box = |number: &UnitNumber| units.get(*number).is_some_and(|unit| unit.kind == UnitKind::Box);
        let ballot_box = ballot_box.filter(is_box);
        if !caller.may_in(services, Scope::Results, &registered).await? {
            // Whoever may report somewhere learns of boxes elsewhere only that they are not his.
            caller.require_report(&registered, &units, ballot_box.unwrap_or_default())?;
        }
        let unknown = || Problem::not_found("unknown_box", "there is no box with this code in this election");
        Ok(Self { registered, ballot_box: ballot_box.ok_or_else(unknown)?, units })
    }

    fn code(&self) -> String {
        self.units.get(self.ballot_box).map_or_else(String::new, |unit| unit.code.to_string())
    }

    fn body(&self, reports: Vec<RevisionBody>) -> Result<BoxBody, Problem> {
        let gone = || Problem::not_found("unknown_box", "there is no box with this code in this election");
        let unit = self.units.get(self.ballot_box).ok_or_else(gone)?;
        let code = |number: UnitNumber| self.units.get(number).map(|unit| unit.code.to_string());
        let mut within: Vec<String> = self.units.up(self.ballot_box).skip(1).filter_map(code).collect();
        within.reverse();
        Ok(BoxBody {
            ballot_box: unit.code.to_string(),
            name: unit.title().to_owned(),
            city: code(unit.place).unwrap_or_default(),
            within,
            channel: unit.channel.name(),
            retired: unit.is_retired,
            reports,
        })
    }
}

/// The reports that count: in each contest the one with the highest number.
fn counting(reports: &[Stored]) -> std::collections::HashSet<hustings_core::Seq> {
    let mut highest = std::collections::HashMap::new();
    for stored in reports {
        if let Some(filed) = filed(&stored.entry) {
            let of = highest.entry(filed.contest).or_insert((filed.revision, stored.entry.seq));
            *of = (*of).max((filed.revision, stored.entry.seq));
        }
    }
    highest.into_values().map(|(_, seq)| seq).collect()
}

fn filed(entry: &Entry) -> Option<&ReportFiled> {
    match &entry.event {
        Event::ReportFiled(filed) => Some(filed),
        _ => None,
    }
}

/// The code that a contest is known by.
pub(super) fn contest_code(contest: &Contest) -> String {
    contest.race.as_ref().map_or_else(String::new, |race| race.code.to_string())
}

fn revision_body(
    contest: &Contest,
    filed: &ReportFiled,
    stored: &Stored,
    receipt: Receipt,
    counts: bool,
) -> RevisionBody {
    let (standing, difference) = match &filed.standing {
        Standing::First => ("first", Some(difference(contest, None, filed.content.counts()))),
        Standing::Replaces { counts, .. } => {
            ("replaces", Some(difference(contest, counts.as_ref(), filed.content.counts())))
        }
        Standing::Late { .. } => ("late", None),
    };
    RevisionBody {
        contest: contest_code(contest),
        revision: filed.revision.0,
        status: filed.content.name(),
        counts,
        standing,
        figures: filed.content.counts().map(|counts| figures(contest, counts)),
        difference,
        time: rfc3339(stored.entry.time),
        reported_at: filed.reported_at.map(rfc3339),
        by: filed.by.to_string(),
        reason: filed.reason.as_ref().map(ToString::to_string),
        request: String::from_utf8_lossy(&filed.request).into_owned(),
        receipt,
    }
}

/// The numbers of a report by the codes of their choices.
pub(super) fn figures(contest: &Contest, counts: &Counts) -> Figures {
    let code = |number: hustings_core::ChoiceNumber| contest.choices.get(number.index());
    let votes = counts.votes.iter().filter_map(|(number, votes)| Some((code(*number)?.code.to_string(), json!(votes))));
    Figures { votes: votes.collect(), blank: counts.blank, invalid: counts.invalid, cast: counts.cast }
}

fn difference(contest: &Contest, old: Option<&Counts>, new: Option<&Counts>) -> Difference {
    let votes = |counts: Option<&Counts>| -> std::collections::BTreeMap<hustings_core::ChoiceNumber, i64> {
        let votes = counts.into_iter().flat_map(|counts| &counts.votes);
        votes.map(|(number, votes)| (*number, i64::from(*votes))).collect()
    };
    let mut moved = votes(new);
    for (number, votes) in votes(old) {
        *moved.entry(number).or_default() -= votes;
    }
    let by_code = moved
        .into_iter()
        .filter(|(_, moved)| *moved != 0)
        .filter_map(|(number, moved)| Some((contest.choices.get(number.index())?.code.to_string(), json!(moved))));
    let number = |of: fn(&Counts) -> u32| new.map_or(0, |c| i64::from(of(c))) - old.map_or(0, |c| i64::from(of(c)));
    Difference {
        votes: by_code.collect(),
        blank: number(|counts| counts.blank),
        invalid: number(|counts| counts.invalid),
        cast: number(|counts| counts.cast),
    }
}
