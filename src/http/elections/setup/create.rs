//! Creating an election of boxes: the definition, its first units and contests, and the opening, all or nothing. The list of
//! party names, on which nothing that is counted depends, is kept right after it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use hustings_core::{
    Act, ActKind, Contest, ContestNumber, Election, ElectionId, Kind, Label, NewUnit, Party, Reporting, Schedule, Seq,
    Slug, Text, UnitKind, Units, UnitsAdded,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::contests::{PARTIES_MAX, keep_parties};
use super::contests_sent::{ChoiceBody, ContestBody, Parties, PartyBody, Sent};
use super::show::{ElectionBody, show};
use super::units_sent::{self, Parsed, UnitBody};
use crate::clock::uuid_v7;
use crate::http::api::{VisibilityName, accent, actor, keep, new_code, optional};
use crate::http::auth::Caller;
use crate::http::body::{self, IMPORT_MAX};
use crate::http::error::Problem;
use crate::http::{Services, Shared};

/// A new election. `choices` and `cities` are the short form; `units` and `contests` the full one.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewElectionBody)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    /// Its title, 1 to 200 characters.
    #[schema(example = "Mayor of Montréal 2013")]
    title: String,
    /// Always election.
    #[serde(rename = "kind")]
    _kind: Option<KindName>,
    /// The choices of one contest with the code `main`, held in the nation.
    #[schema(example = json!(["tories", "labour"]))]
    choices: Option<Vec<ChoiceBody>>,
    /// The names of cities; boxes are then added by the reports that name them.
    #[schema(example = json!(["london"]))]
    cities: Option<Vec<String>>,
    /// Whether to accept reports at once.
    #[serde(default)]
    open: bool,
    /// Whether it is only practised; marked so everywhere, for ever.
    #[serde(default)]
    rehearsal: bool,
    /// The time zone that its hours are told in, by its IANA name (default: UTC).
    #[schema(example = "America/Toronto")]
    zone: Option<String>,
    /// A short address of your own: 3 to 64 of a-z, 0-9 and inner hyphens.
    slug: Option<String>,
    /// The accent colour of the pages, as #rrggbb.
    accent: Option<String>,
    /// Who sees results, and when.
    #[serde(default)]
    visibility: VisibilityName,
    /// The tree of units.
    units: Option<Vec<UnitBody>>,
    /// The contests.
    contests: Option<Vec<ContestBody>>,
    /// Parties that choices name.
    #[serde(default)]
    parties: Vec<PartyBody>,
    /// Whether a report adds the city and the box that it names, where they are not there.
    #[serde(default)]
    create_units: bool,
    /// Whether a report adds the box that it names to the city that it names (default: only with `cities` or `create_units`).
    /// Where it does not, the boxes that are listed are all there are, and a report of another one is refused.
    adds_boxes: Option<bool>,
}

/// The occasion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KindName {
    /// Boxes that report.
    Election,
}

/// Creates an election of boxes; with `open` all its contests accept reports at once.
#[utoipa::path(post, path = "/api/v1/elections", tag = "elections", request_body = CreateBody,
    responses((status = 201, body = ElectionBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 408, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let allowed = caller.require_creator()?;
    let by = actor(&allowed.name);
    let making = std::sync::Arc::clone(&services);
    let define = move |reader: &mut dyn std::io::Read| {
        let asked: CreateBody = body::parse(&body::whole(reader)?)?;
        define(&making, asked, &by)
    };
    let (election, acts, parties) = body::parse_aside(body, IMPORT_MAX, define).await??;
    let found = keep(&services, election, acts, allowed.person).await?;
    keep_parties(&services, &found, parties).await?;
    let shown = show(&services, &found).await?;
    let location = format!("/api/v1/elections/{}", found.election.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown)))
}

/// The definition, the first acts on it, and the parties that were sent with it.
type Defined = (Election, Vec<Act>, Vec<Party>);

/// The definition of what was asked.
fn define(services: &Services, mut asked: CreateBody, by: &Text) -> Result<Defined, Problem> {
    let election = election(services, &asked)?;
    let act = |contest, kind| Act { contest, kind, by: by.clone(), reason: None };
    let mut acts = Vec::new();
    let (new, units) = units(&mut asked)?;
    if !new.is_empty() {
        acts.push(act(ContestNumber::NONE, ActKind::AddUnits(new.into())));
    }
    let open = asked.open;
    let (contests, parties) = contests(services, asked, &units)?;
    if parties.len() > PARTIES_MAX {
        let detail = format!("an election can have at most {PARTIES_MAX} parties");
        return Err(Problem::invalid("too_many_parties", "/parties", detail));
    }
    let count = u32::try_from(contests.len()).unwrap_or(u32::MAX);
    acts.extend(contests.into_iter().map(|next| act(ContestNumber::NONE, ActKind::AddContest(Box::new(next)))));
    if open {
        acts.extend((0..count).map(|number| act(ContestNumber(number), ActKind::Open { scheduled: false })));
    }
    Ok((election, acts, parties))
}

fn election(services: &Services, asked: &CreateBody) -> Result<Election, Problem> {
    let zone = asked.zone.as_deref().unwrap_or("UTC");
    // The name as it was sent must be one of the database; a fixed offset has no name there.
    if jiff::tz::TimeZone::get(zone).is_err() {
        let detail = "a time zone is named as in the IANA database, such as America/Toronto";
        return Err(Problem::invalid("unknown_zone", "/zone", detail));
    }
    let (first, second) = (asked.units.is_some(), asked.contests.is_some());
    if first && asked.cities.is_some() {
        return Err(Problem::invalid("conflicting_fields", "/cities", "either `cities` or `units`, not both"));
    }
    if asked.create_units && asked.adds_boxes == Some(false) {
        let detail = "`create_units` adds boxes too; leave one of the two out";
        return Err(Problem::invalid("conflicting_fields", "/adds_boxes", detail));
    }
    if second && asked.choices.is_some() {
        return Err(Problem::invalid("conflicting_fields", "/choices", "either `choices` or `contests`, not both"));
    }
    Ok(Election {
        id: ElectionId(uuid_v7(services.clock.as_ref(), services.random.as_ref())),
        code: new_code(services),
        slug: optional("/slug", asked.slug.as_deref(), str::parse::<Slug>)?,
        kind: Kind::Election,
        title: Text::parse(&asked.title).map_err(|error| Problem::text("/title", error))?,
        accent: asked.accent.as_deref().map(accent).transpose()?,
        visibility: asked.visibility.into(),
        schedule: Schedule::default(),
        created: services.clock.now(),
        contests: Vec::new(),
        access: hustings_core::Access::Device,
        rehearsal: false,
        public_ballots: false,
        reporting: Some(Reporting {
            rehearsal: asked.rehearsal,
            zone: zone.to_owned(),
            adds_boxes: asked.adds_boxes.unwrap_or(asked.create_units || asked.cities.is_some()),
            adds_cities: asked.create_units,
        }),
    })
}

/// The units to be added, and the tree that they will be.
fn units(asked: &mut CreateBody) -> Result<(Vec<NewUnit>, Units), Problem> {
    let Parsed { units: new, places, mut faults, .. } = match (asked.units.take(), asked.cities.take()) {
        (Some(units), _) => units_sent::listed(units)?,
        (None, cities) => {
            Parsed { units: named_cities(&cities.unwrap_or_default())?, ..units_sent::listed(Vec::new())? }
        }
    };
    let mut tree = Units::default();
    match tree.prepare(&new) {
        Err(found) => places.misplaced(&new, found, &mut faults),
        Ok(prepared) if prepared.is_empty() => {}
        Ok(prepared) => {
            let by = actor("");
            tree.add(&UnitsAdded { first: tree.next(), units: prepared, by, reason: None }, Seq(1))?;
        }
    }
    faults.check()?;
    Ok((new, tree))
}

/// Cities with codes made of their names.
fn named_cities(names: &[String]) -> Result<Vec<NewUnit>, Problem> {
    let mut cities: Vec<NewUnit> = Vec::with_capacity(names.len());
    let mut taken = std::collections::HashSet::from([Label::root()]);
    for (at, name) in names.iter().enumerate() {
        let pointer = || format!("/cities/{at}");
        let name = Text::parse(name).map_err(|error| Problem::text(pointer(), error))?;
        let code = Label::for_name(&name).map_err(|error| Problem::text(pointer(), error))?;
        if !taken.insert(code.clone()) {
            let detail = format!("two cities would have the code `{code}`; give them codes of your own in `units`");
            return Err(Problem::invalid("repeated_city", pointer(), detail));
        }
        let name = Some(name).filter(|name| name.as_str() != code.as_str());
        let (kind, parent, channel) = (UnitKind::City, None, hustings_core::Channel::default());
        cities.push(NewUnit { code, name, kind, parent, channel, registered: None, boxes: None });
    }
    Ok(cities)
}

/// The contests to be added, and the parties that were sent with them.
fn contests(services: &Services, asked: CreateBody, units: &Units) -> Result<(Vec<Contest>, Vec<Party>), Problem> {
    let mut sent = match (asked.contests, asked.choices) {
        (Some(contests), _) => Sent::new(contests, asked.parties),
        (None, Some(choices)) if choices.is_empty() || choices.len() > Contest::REPORTED_CHOICES_MAX => {
            let detail = format!("a contest has 1 to {} choices", Contest::REPORTED_CHOICES_MAX);
            let code = if choices.is_empty() { "too_few_choices" } else { "too_many_choices" };
            return Err(Problem::invalid(code, "/choices", detail));
        }
        (None, Some(choices)) => Sent::simple(&asked.title, choices, asked.parties),
        (None, None) => Sent::new(Vec::new(), asked.parties),
    };
    if asked.open && sent.count() == 0 {
        let detail = "there is nothing to open: send `choices` or `contests`";
        return Err(Problem::invalid("no_contests", "/open", detail));
    }
    if sent.count() > Contest::CONTESTS_MAX {
        return Err(Problem::from(hustings_core::Rejection::TooManyContests { max: Contest::CONTESTS_MAX }));
    }
    let mut parties = Parties::new();
    let new = sent.parties(&mut parties);
    let id = || uuid_v7(services.clock.as_ref(), services.random.as_ref());
    let contests = sent.contests(units, &parties, id);
    let is_place = |contest: &Contest| units.get(contest.unit()).is_some_and(|unit| unit.kind.is_place());
    for (place, _) in contests.iter().filter(|(_, contest)| !is_place(contest)) {
        let detail = hustings_core::Rejection::NotAPlace;
        sent.faults.push(place.clone(), "unit", detail.code(), detail.to_string());
    }
    sent.faults.check()?;
    Ok((contests.into_iter().map(|(_, contest)| contest).collect(), new))
}
