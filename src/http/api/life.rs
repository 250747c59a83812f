//! The life of a definition: edited until voting is opened, its title corrected at any time, copied, and removed.
//!
//! It must not know: how a definition is replaced. The registry decides, under the lock of the ledger's head.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::{
    Act, ActKind, Choice, ChoiceId, Contest, ContestId, ContestNumber, Election, ElectionId, ElectionState, Rejection,
    Schedule, Submission, Text,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::create::{CreateBody, actor, define, keep, new_code, opening_acts};
use super::polls::{PageQuery, PollBody, invalid_query, show};
use super::{find_now, unknown};
use crate::clock::{rfc3339, uuid_v7};
use crate::http::auth::Caller;
use crate::http::body::{self, CREATE_MAX, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::ledger::{Answer, ElectionKey, LedgerError, NewElection, Registered, Removal, Removed, Scope};

/// Edits a poll until voting is opened: the whole definition is sent anew. Its id and its code stay.
#[utoipa::path(put, path = "/api/v1/polls/{poll}", tag = "polls", request_body = CreateBody,
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = PollBody), Acted),
    security(("token" = [])))]
pub(super) async fn redefine(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PollBody>, Problem> {
    let made = redefine_poll(&services, &poll, &headers, body).await?;
    Ok(Json(show(&services, &made).await?))
}

/// Puts the poll that a body defines in the place of one that was never opened, for whoever asks.
pub(in crate::http) async fn redefine_poll(
    services: &Services,
    poll: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Registered, Problem> {
    let caller = Caller::of(services, headers).await?;
    let found = find_now(services, poll).await?;
    let by = caller.require_in(services, Scope::Manage, &found).await?.name;
    let asked: CreateBody = body::read(body, CREATE_MAX).await?;
    let now = services.clock.now();
    let open = asked.open;
    let election = Election { id: found.election.id, ..define(services, asked, now)? };
    let acts = opening_acts(&election, open, now, &by);
    let replaced = services.registry.redefine(found.key, NewElection { election, acts, owner: None }).await;
    let made = replaced.map_err(advised)?.ok_or_else(edited_meanwhile)?;
    let_go(services, found.key);
    Ok(made)
}

fn advised(error: LedgerError) -> Problem {
    let problem = Problem::from(error);
    if problem.code() != Rejection::AlreadyOpened.code() {
        return problem;
    }
    problem.advising(
        "its title can still be corrected with POST .../title; for other choices, clone it and edit the clone",
    )
}

fn edited_meanwhile() -> Problem {
    let detail = "somebody else has edited or removed it just now; look at it again, and send your changes once more";
    Problem::conflict("edited_meanwhile", detail)
}

/// What this node knew of a key that is gone; other nodes find out within two seconds.
fn let_go(services: &Services, gone: ElectionKey) {
    services.elections.forget(gone);
    services.feed.gone(gone);
    // Parts and co-host links have gone over to the definition in its place.
    services.sessions.forget();
}

/// A removal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RemoveBody {
    /// The title, typed: it must be just that.
    #[schema(example = "Tea or coffee?")]
    title: String,
    /// A sentence for the record, 1 to 200 characters.
    reason: Option<String>,
}

/// What stays of what was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RemovedBody {
    id: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    title: String,
    /// poll, competition or election.
    kind: &'static str,
    /// How many entries its ledger had.
    entries: u64,
    /// The hash over them: who has an export can show that it is the one.
    chain: String,
    removed_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    removed: String,
}

/// Removes a poll with all its votes. Its code and its slug are free at once; what is answered is kept for the record.
#[utoipa::path(delete, path = "/api/v1/polls/{poll}", tag = "polls", request_body = RemoveBody,
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = RemovedBody), Acted),
    security(("token" = [])))]
pub(super) async fn remove(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RemovedBody>, Problem> {
    Ok(Json(shown(&remove_poll(&services, &poll, &headers, body).await?)))
}

/// Removes a poll whose title was typed, for whoever asks.
pub(in crate::http) async fn remove_poll(
    services: &Services,
    poll: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Removed, Problem> {
    let caller = Caller::of(services, headers).await?;
    let found = find_now(services, poll).await?;
    remove_whole(services, &caller, &found, body).await
}

/// Removes whatever is counted as one, whose title was typed.
pub(in crate::http) async fn remove_whole(
    services: &Services,
    caller: &Caller,
    found: &Registered,
    body: Body,
) -> Result<Removed, Problem> {
    let by = actor(&caller.require_owner(services, found).await?.name);
    let asked: RemoveBody = body::read(body, VOTE_MAX).await?;
    let reason = reason(asked.reason.as_deref())?;
    let typed = Text::parse(&asked.title).map_err(|error| Problem::text("/title", error))?;
    let (_, state) = standing(services, found).await?;
    if typed != *state.title(&found.election) {
        let detail = "this is not its title; type it just as it is, so that nothing else is removed by mistake";
        return Err(Problem::invalid("title_differs", "/title", detail));
    }
    let removed = services.registry.remove(found.key, Removal { by, reason }).await.map_err(stays)?;
    let removed = removed.ok_or_else(unknown)?;
    let_go(services, found.key);
    Ok(removed)
}

fn stays(error: LedgerError) -> Problem {
    let problem = Problem::from(error);
    if problem.code() != Rejection::AlreadyOpened.code() {
        return problem;
    }
    problem.saying("it was opened, and what was reported to it stays; only drafts and rehearsals are removed")
}

pub(in crate::http) fn shown(removed: &Removed) -> RemovedBody {
    RemovedBody {
        id: removed.id.to_string(),
        code: removed.code.to_string(),
        slug: removed.slug.as_ref().map(ToString::to_string),
        title: removed.title.to_string(),
        kind: removed.kind.name(),
        entries: removed.entries.0,
        chain: removed.chain.to_string(),
        removed_by: removed.by.to_string(),
        reason: removed.reason.as_ref().map(ToString::to_string),
        removed: rfc3339(removed.time),
    }
}

/// A page of removed polls, in the order in which they were made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemovedList {
    removed: Vec<RemovedBody>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
}

/// Lists what was removed, by whom, when and why.
#[utoipa::path(get, path = "/api/v1/removed", tag = "polls", params(PageQuery),
    responses((status = 200, body = RemovedList), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn removed(
    State(services): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<RemovedList>, Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Admin)?;
    let Query(query) = query.map_err(invalid_query)?;
    let limit = query.limit();
    let found = services.registry.removed(query.after(), limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.key.0);
    Ok(Json(RemovedList { removed: found.iter().map(shown).collect(), next }))
}

/// A corrected title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TitleBody {
    /// The title from now on, 1 to 200 characters.
    #[schema(example = "Tea or coffee?")]
    title: String,
    /// Why, 1 to 200 characters; it stands in the ledger for ever.
    #[schema(example = "a typing error")]
    reason: String,
}

/// Corrects the title, at any time. The ledger keeps the one before, and why it was changed.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/title", tag = "acts", request_body = TitleBody,
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = PollBody), Acted),
    security(("token" = [])))]
pub(super) async fn retitle(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PollBody>, Problem> {
    let found = retitle_poll(&services, &poll, &headers, body).await?;
    Ok(Json(show(&services, &found).await?))
}

/// Corrects the title of a poll, for whoever asks.
pub(in crate::http) async fn retitle_poll(
    services: &Services,
    poll: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Registered, Problem> {
    let caller = Caller::of(services, headers).await?;
    let found = find_now(services, poll).await?;
    let by = actor(&caller.require_in(services, Scope::Manage, &found).await?.name);
    let asked: TitleBody = body::read(body, VOTE_MAX).await?;
    let title = Text::parse(&asked.title).map_err(|error| Problem::text("/title", error))?;
    let act =
        Act { contest: ContestNumber::NONE, kind: ActKind::Retitle(title), by, reason: reason(Some(&asked.reason))? };
    match services.ingest.submit(found.key, Submission::Act(act)).await? {
        Answer::Rejected(rejection, _) => return Err(rejection.into()),
        Answer::Accepted(stored) => services.feed.reached(found.key, stored.entry.seq).await,
        _ => {}
    }
    Ok(found)
}

/// What is otherwise in a copy; the whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CopyBody {
    /// Its title (default: that of the original).
    title: Option<String>,
}

/// Makes a new draft that asks the same, with a code of its own and without slug, times and votes. The copy of a rehearsal is
/// one.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/clone", tag = "polls", request_body(content = Option<CopyBody>),
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = PollBody), Acted),
    security(("token" = [])))]
pub(super) async fn duplicate(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    copied(&services, copy_poll(&services, &poll, &headers, body, false).await?).await
}

/// Makes a copy to rehearse with, which is marked so wherever it is shown, and whose votes never mix with those of the real
/// one.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/rehearse", tag = "polls", request_body(content = Option<CopyBody>),
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = PollBody), Acted),
    security(("token" = [])))]
pub(super) async fn rehearse(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    copied(&services, copy_poll(&services, &poll, &headers, body, true).await?).await
}

async fn copied(services: &Services, made: Registered) -> Result<Response, Problem> {
    let location = format!("/api/v1/polls/{}", made.election.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(show(services, &made).await?)).into_response())
}

/// Makes a draft that asks the same as another poll, for whoever asks.
pub(in crate::http) async fn copy_poll(
    services: &Services,
    poll: &str,
    headers: &HeaderMap,
    body: Body,
    rehearsal: bool,
) -> Result<Registered, Problem> {
    let caller = Caller::of(services, headers).await?;
    let found = find_now(services, poll).await?;
    caller.require_in(services, Scope::Manage, &found).await?;
    // It makes a poll beside this one.
    let by = caller.require_creator()?;
    let asked: CopyBody = body::read_or_default(body, VOTE_MAX).await?;
    let title = asked.title.as_deref().map(Text::parse).transpose();
    let title = title.map_err(|error| Problem::text("/title", error))?;
    let (found, state) = standing(services, &found).await?;
    let title = title.unwrap_or_else(|| state.title(&found.election).clone());
    let rehearsal = rehearsal || found.election.rehearsal;
    let election = Election { title, rehearsal, ..same_again(services, &found.election)? };
    keep(services, election, Vec::new(), by.person).await
}

/// The same question under new names, as if it was made now.
fn same_again(services: &Services, election: &Election) -> Result<Election, Problem> {
    let contest = election.current().ok_or_else(unknown)?;
    let id = || uuid_v7(services.clock.as_ref(), services.random.as_ref());
    let choices = contest.choices.iter().map(|choice| Choice { id: ChoiceId(id()), ..choice.clone() }).collect();
    let contest = Contest { id: ContestId(id()), number: ContestNumber(0), choices, ..contest.clone() };
    Ok(Election {
        id: ElectionId(id()),
        code: new_code(services),
        slug: None,
        schedule: Schedule::default(),
        created: services.clock.now(),
        contests: vec![contest],
        ..election.clone()
    })
}

/// A poll with all its rounds, and where it stands.
async fn standing(services: &Services, found: &Registered) -> Result<(Registered, ElectionState), Problem> {
    services.feed.refresh(found.key).await?;
    let state = services.feed.state(found.key).await?.ok_or_else(unknown)?;
    let found = services.elections.with_contests(found.key, state.contests.len()).await?.ok_or_else(unknown)?;
    Ok((found, state))
}

fn reason(text: Option<&str>) -> Result<Option<Text>, Problem> {
    text.map(Text::parse).transpose().map_err(|error| Problem::text("/reason", error))
}
