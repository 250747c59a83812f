//! Creating a poll: parse once into core types, then keep it.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use hustings_core::election::Accent;
use hustings_core::{
    Access, Act, ActKind, Change, Choice, ChoiceId, Code, Contest, ContestId, ContestNumber, Election, ElectionId,
    Kind, Label, Method, Schedule, Slug, Text, TextError, Time, Visibility,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::polls::{PollBody, show};
use crate::clock::{parse_rfc3339, uuid_v7};
use crate::http::auth::Caller;
use crate::http::body::{self, CREATE_MAX};
use crate::http::error::Problem;
use crate::http::name::NoQuery;
use crate::http::{Services, Shared};
use crate::ledger::{LedgerError, NewElection, PersonId, Registered};

/// A new poll.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    /// The question, 1 to 200 characters.
    #[schema(example = "Tea or coffee?")]
    title: String,
    /// The titles of the choices, at most 200; at least 2 for the method single, else at least 1.
    #[schema(example = json!(["Tea", "Coffee"]))]
    choices: Vec<String>,
    /// How votes are made and counted.
    #[serde(default)]
    method: MethodName,
    /// Whether to accept votes at once.
    #[serde(default)]
    pub(super) open: bool,
    /// approval: the fewest choices (default 1); score: the lowest score (default 0).
    min: Option<u16>,
    /// approval: the most choices (default all); score: the highest score (default 5, at most 100).
    max: Option<u16>,
    /// Whether a voter may change the vote.
    #[serde(default)]
    change: ChangeName,
    /// Who sees results, and when.
    #[serde(default)]
    visibility: VisibilityName,
    /// Who may vote.
    #[serde(default)]
    access: AccessName,
    /// Whether all may have the ballots, to count them again, once results are shown and the close is final: what was chosen,
    /// never by whom or when.
    #[serde(default)]
    public_ballots: bool,
    /// A short address of your own: 3 to 64 of a-z, 0-9 and inner hyphens.
    slug: Option<String>,
    /// The accent colour of the pages, as #rrggbb.
    #[schema(example = "#2f6f4f")]
    accent: Option<String>,
    /// Opens by itself at this time (RFC 3339); at once where it is over.
    opens_at: Option<String>,
    /// Closes by itself at this time (RFC 3339), which is to come.
    closes_at: Option<String>,
}

/// How votes are made and counted.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MethodName {
    /// One choice.
    #[default]
    Single,
    /// Some choices.
    Approval,
    /// A number for each choice.
    Score,
}

/// Whether a voter may change the vote.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeName {
    /// The first vote stands.
    #[default]
    Final,
    /// The last vote before the close counts.
    UntilClose,
}

/// Who sees results, and when.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum VisibilityName {
    /// All, at any time.
    #[default]
    Always,
    /// Each voter after the own vote.
    AfterVote,
    /// All after the close.
    AfterClose,
    /// All when the host reveals.
    OnReveal,
}

/// Who may vote.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AccessName {
    /// Any device that opened a page: not one person, one vote.
    #[default]
    Device,
    /// Who has one of the access codes.
    Codes,
    /// Persons on a list, with an access code each.
    Roster,
}

impl From<AccessName> for Access {
    fn from(name: AccessName) -> Self {
        match name {
            AccessName::Device => Self::Device,
            AccessName::Codes => Self::Codes,
            AccessName::Roster => Self::Roster,
        }
    }
}

impl From<VisibilityName> for Visibility {
    fn from(name: VisibilityName) -> Self {
        match name {
            VisibilityName::Always => Self::Always,
            VisibilityName::AfterVote => Self::AfterVote,
            VisibilityName::AfterClose => Self::AfterClose,
            VisibilityName::OnReveal => Self::OnReveal,
        }
    }
}

/// Creates a poll; with `open` it accepts votes at once.
#[utoipa::path(post, path = "/api/v1/polls", tag = "polls", request_body = CreateBody,
    responses((status = 201, body = PollBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 408, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let found = create_poll(&services, &headers, body).await?;
    let shown = show(&services, &found).await?;
    let location = format!("/api/v1/polls/{}", found.election.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown)))
}

/// Makes the poll that a body defines, for whoever asks.
pub(in crate::http) async fn create_poll(
    services: &Services,
    headers: &HeaderMap,
    body: Body,
) -> Result<Registered, Problem> {
    let caller = Caller::of(services, headers).await?;
    let by = caller.require_creator()?;
    let asked: CreateBody = body::read(body, CREATE_MAX).await?;
    let now = services.clock.now();
    let open = asked.open;
    let election = define(services, asked, now)?;
    let acts = opening_acts(&election, open, now, &by.name);
    keep(services, election, acts, by.person).await
}

/// The first acts on a new definition: none, or the opening.
pub(super) fn opening_acts(election: &Election, open: bool, now: Time, by: &str) -> Vec<Act> {
    // A time that has come, maybe while the request was on its way, opens at once and not when schedules are looked at.
    let open = open || election.schedule.opens_at.is_some_and(|opens| opens <= now);
    let (contest, kind) = (ContestNumber(0), ActKind::Open { scheduled: false });
    open.then(|| Act { contest, kind, by: actor(by), reason: None }).into_iter().collect()
}

/// Who acted, as the ledger shows it.
pub(in crate::http) fn actor(name: &str) -> Text {
    Text::parse(name).or_else(|_| Text::parse("token")).unwrap_or_else(|_| unreachable!("`token` is a text"))
}

pub(in crate::http) async fn keep(
    services: &Services,
    mut election: Election,
    acts: Vec<Act>,
    owner: Option<PersonId>,
) -> Result<Registered, Problem> {
    // 887 million codes: a second collision in a row means something else is wrong.
    for _ in 0..8 {
        let new = NewElection { election: election.clone(), acts: acts.clone(), owner };
        match services.registry.create(new).await {
            Err(LedgerError::CodeTaken) => election.code = new_code(services),
            other => return Ok(other?),
        }
    }
    Err(LedgerError::CodeTaken.into())
}

pub(in crate::http) fn new_code(services: &Services) -> Code {
    let mut bytes = [0; 4 * Code::LENGTH];
    services.random.fill(&mut bytes);
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Code::from_random(std::array::from_fn(|at| number(4 * at)))
}

pub(super) fn define(services: &Services, asked: CreateBody, now: Time) -> Result<Election, Problem> {
    let choices = choices(services, &asked.choices)?;
    let method = method(asked.method, asked.min, asked.max, choices.len())?;
    let schedule = schedule(&asked, now)?;
    let id = |_| uuid_v7(services.clock.as_ref(), services.random.as_ref());
    let contest = Contest {
        id: ContestId(id(())),
        number: ContestNumber(0),
        method,
        change: match asked.change {
            ChangeName::Final => Change::Final,
            ChangeName::UntilClose => Change::UntilClose,
        },
        choices,
        race: None,
    };
    Ok(Election {
        id: ElectionId(id(())),
        code: new_code(services),
        slug: optional("/slug", asked.slug.as_deref(), str::parse::<Slug>)?,
        kind: Kind::Poll,
        title: Text::parse(&asked.title).map_err(|error| Problem::text("/title", error))?,
        accent: asked.accent.as_deref().map(accent).transpose()?,
        visibility: asked.visibility.into(),
        schedule,
        created: now,
        contests: vec![contest],
        reporting: None,
        access: asked.access.into(),
        rehearsal: false,
        public_ballots: asked.public_ballots,
    })
}

pub(in crate::http) fn accent(text: &str) -> Result<Accent, Problem> {
    text.parse().map_err(|_| Problem::invalid("invalid_accent", "/accent", "a colour looks like #2f6f4f"))
}

pub(in crate::http) fn optional<T>(
    pointer: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, TextError>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(text).map_err(|error| Problem::text(pointer, error))).transpose()
}

fn choices(services: &Services, titles: &[String]) -> Result<Vec<Choice>, Problem> {
    if titles.len() > Contest::CHOICES_MAX {
        let detail = format!("a poll can have at most {} choices", Contest::CHOICES_MAX);
        return Err(Problem::invalid("too_many_choices", "/choices", detail));
    }
    let mut choices: Vec<Choice> = Vec::with_capacity(titles.len());
    for (at, title) in titles.iter().enumerate() {
        let pointer = format!("/choices/{at}");
        let title = Text::parse(title).map_err(|error| Problem::text(pointer.as_str(), error))?;
        if choices.iter().any(|choice| choice.title == title) {
            return Err(Problem::invalid("repeated_choice", pointer, "two choices cannot have the same title"));
        }
        let taken: Vec<&Label> = choices.iter().map(|choice| &choice.code).collect();
        let code = Label::for_title(&title, &taken);
        let id = ChoiceId(uuid_v7(services.clock.as_ref(), services.random.as_ref()));
        choices.push(Choice { id, code, title, party: None });
    }
    Ok(choices)
}

fn method(name: MethodName, min: Option<u16>, max: Option<u16>, choices: usize) -> Result<Method, Problem> {
    let fewest = if matches!(name, MethodName::Single) { 2 } else { 1 };
    if choices < fewest {
        let detail = format!("a poll with this method needs at least {fewest} choices");
        return Err(Problem::invalid("too_few_choices", "/choices", detail));
    }
    let all = u16::try_from(choices).unwrap_or(u16::MAX);
    let small = |bound: u16| u8::try_from(bound).unwrap_or(u8::MAX);
    let method = match name {
        MethodName::Single if min.is_some() || max.is_some() => {
            let pointer = if min.is_some() { "/min" } else { "/max" };
            return Err(Problem::invalid("invalid_bounds", pointer, "the method single takes no `min` and no `max`"));
        }
        MethodName::Single => Method::Single,
        MethodName::Approval => Method::Approval { min: min.unwrap_or(1), max: max.unwrap_or(all) },
        MethodName::Score => Method::Score { min: small(min.unwrap_or(0)), max: small(max.unwrap_or(5)) },
    };
    if method.is_possible(choices) {
        return Ok(method);
    }
    let detail = match method {
        Method::Score { .. } => format!("`min` must be below `max`, and `max` at most {}", Method::SCORE_MAX),
        _ => format!("`min` must be at most `max`, and `max` from 1 to the number of choices, {choices}"),
    };
    Err(Problem::invalid("invalid_bounds", "/max", detail))
}

fn schedule(asked: &CreateBody, now: Time) -> Result<Schedule, Problem> {
    let time = |pointer: &str, text: &Option<String>| {
        let wrong = || Problem::invalid("invalid_time", pointer, "a time looks like 2026-11-22T18:00:00Z");
        text.as_deref().map(|text| parse_rfc3339(text).ok_or_else(wrong)).transpose()
    };
    let schedule =
        Schedule { opens_at: time("/opens_at", &asked.opens_at)?, closes_at: time("/closes_at", &asked.closes_at)? };
    if asked.open && schedule.opens_at.is_some() {
        return Err(Problem::invalid("invalid_schedule", "/opens_at", "either `open` or `opens_at`, not both"));
    }
    match (schedule.opens_at, schedule.closes_at) {
        (_, Some(closes)) if closes <= now => {
            Err(Problem::invalid("invalid_schedule", "/closes_at", "`closes_at` must be in the future"))
        }
        (Some(opens), Some(closes)) if closes <= opens => {
            Err(Problem::invalid("invalid_schedule", "/closes_at", "`closes_at` must be after `opens_at`"))
        }
        _ => Ok(schedule),
    }
}
