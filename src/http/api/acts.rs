//! Acts of who runs a poll. Each is decided under the ledger's lock; a repeated act changes nothing and says so.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hustings_core::{Act, ActKind, Choice, ChoiceId, Contest, ContestId, ContestNumber, Rejection, Submission, Text};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::create::actor;
use super::find_now;
use super::polls::{PollBody, show};
use crate::clock::uuid_v7;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::ledger::{Answer, Registered, Scope};

/// Why, for the record; the whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActBody {
    /// A sentence for the record, 1 to 200 characters.
    reason: Option<String>,
    /// reveal: an earlier round (default: the current one).
    round: Option<u32>,
    /// rounds: whether the new round accepts votes at once.
    #[serde(default)]
    open: bool,
}

macro_rules! act {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $kind:expr;)+) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "acts", request_body(content = Option<ActBody>),
            params(("poll" = String, Path, description = "id, code or slug")),
            responses((status = 200, body = PollBody), Acted),
            security(("token" = [])))]
        pub(super) async fn $name(
            State(services): State<Shared>,
            Name(poll): Name,
            _: NoQuery,
            headers: HeaderMap,
            body: Body,
        ) -> Result<Json<PollBody>, Problem> {
            let asked = Asked::read(&services, &poll, &headers, body).await?;
            asked.act(&services, $kind).await?;
            Ok(Json(show(&services, &asked.found).await?))
        }
    )+};
}

act! {
    /// Accepts votes: from a draft, or after a pause.
    open, "/api/v1/polls/{poll}/open", ActKind::Open { scheduled: false };
    /// Refuses votes for a while.
    pause, "/api/v1/polls/{poll}/pause", ActKind::Pause;
    /// Refuses votes from now on.
    close, "/api/v1/polls/{poll}/close", ActKind::Close { scheduled: false };
    /// Undoes a close; not after the reveal.
    reopen, "/api/v1/polls/{poll}/reopen", ActKind::Reopen;
    /// Shows results to all.
    reveal, "/api/v1/polls/{poll}/reveal", ActKind::Reveal;
}

/// Does an act of this name on the round that is meant, for whoever asks: where somebody else has begun another one meanwhile,
/// that one is not touched.
pub(in crate::http) async fn act(
    services: &Services,
    poll: &str,
    name: &str,
    round: Option<u32>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let body = round.map_or_else(Body::empty, |round| Body::from(json!({ "round": round }).to_string()));
    let asked = Asked::read(services, poll, headers, body).await?;
    let kind = match name {
        "open" => ActKind::Open { scheduled: false },
        "pause" => ActKind::Pause,
        "close" => ActKind::Close { scheduled: false },
        "reopen" => ActKind::Reopen,
        "reveal" => ActKind::Reveal,
        "rounds" => ActKind::StartRound(Box::new(next_round(services, &asked)?)),
        _ => return Err(Problem::invalid("unknown_act", "/do", "there is no such act")),
    };
    asked.act(services, kind).await
}

/// Starts a new round under the same code; the closed one is kept, labelled, for ever.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/rounds", tag = "acts", request_body(content = Option<ActBody>),
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = PollBody), Acted),
    security(("token" = [])))]
pub(super) async fn start_round(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(&services, &poll, &headers, body).await?;
    let next = next_round(&services, &asked)?;
    asked.act(&services, ActKind::StartRound(Box::new(next))).await?;
    if asked.body.open {
        asked.contest = ContestNumber(asked.contest.0 + 1);
        asked.act(&services, ActKind::Open { scheduled: false }).await?;
    }
    Ok((StatusCode::CREATED, Json(show(&services, &asked.found).await?)).into_response())
}

/// The same question again: a new contest with new choice ids, so that a page of the old round cannot vote in it.
fn next_round(services: &Services, asked: &Asked) -> Result<Contest, Problem> {
    let old = asked.found.election.current();
    let old = old.ok_or_else(|| Problem::not_found("unknown_poll", "there is no such poll"))?;
    let id = || uuid_v7(services.clock.as_ref(), services.random.as_ref());
    Ok(Contest {
        id: ContestId(id()),
        number: ContestNumber(old.number.0 + 1),
        choices: old.choices.iter().map(|choice| Choice { id: ChoiceId(id()), ..choice.clone() }).collect(),
        ..old.clone()
    })
}

struct Asked {
    found: Registered,
    contest: ContestNumber,
    by: Text,
    reason: Option<Text>,
    body: ActBody,
}

impl Asked {
    async fn read(services: &Services, poll: &str, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let caller = Caller::of(services, headers).await?;
        caller.require_known(Scope::Manage)?;
        let found = find_now(services, poll).await?;
        let by = actor(&caller.require_in(services, Scope::Manage, &found).await?.name);
        let body: ActBody = body::read_or_default(body, VOTE_MAX).await?;
        let reason = body.reason.as_deref().map(Text::parse).transpose();
        let reason = reason.map_err(|error| Problem::text("/reason", error))?;
        let gone = || Problem::not_found("unknown_poll", "there is no such poll");
        services.feed.refresh(found.key).await?;
        let state = services.feed.state(found.key).await?.ok_or_else(gone)?;
        let rounds = u32::try_from(state.contests.len()).unwrap_or(1);
        // The definition with all its rounds, not an older one from the cache.
        let found = services.elections.with_contests(found.key, state.contests.len()).await?.ok_or_else(gone)?;
        let round = body.round.unwrap_or(rounds);
        if round == 0 || round > rounds {
            return Err(Problem::invalid("unknown_round", "/round", format!("rounds go from 1 to {rounds}")));
        }
        Ok(Self { found, contest: ContestNumber(round - 1), by, reason, body })
    }

    async fn act(&self, services: &Services, kind: ActKind) -> Result<(), Problem> {
        let advise = advice(&kind);
        let act = Act { contest: self.contest, kind, by: self.by.clone(), reason: self.reason.clone() };
        match services.ingest.submit(self.found.key, Submission::Act(act)).await? {
            Answer::Rejected(Rejection::WrongStatus { status }, _) => {
                Err(Problem::from(Rejection::WrongStatus { status }).advising(advise(status)))
            }
            Answer::Rejected(rejection, _) => Err(rejection.into()),
            Answer::Accepted(stored) => {
                services.feed.reached(self.found.key, stored.entry.seq).await;
                Ok(())
            }
            // Already so: what is shown next must not be from before it became so.
            _ => {
                if let Some((_, head)) = services.ledger.heads(&[self.found.key]).await?.first() {
                    services.feed.reached(self.found.key, head.seq).await;
                }
                Ok(())
            }
        }
    }
}

/// What to do next in a status that does not allow the act.
fn advice(kind: &ActKind) -> fn(&str) -> &'static str {
    match kind {
        ActKind::Open { .. } => |status| match status {
            "archived" => LATER_ROUND,
            _ => "reopen it, or start a new round",
        },
        ActKind::Pause | ActKind::Close { .. } | ActKind::Reveal => |status| match status {
            "draft" => "open it first",
            "archived" => LATER_ROUND,
            _ => "voting has ended; reopen it, or start a new round",
        },
        ActKind::Reopen => |status| match status {
            "archived" => LATER_ROUND,
            _ => "it was not closed; open it",
        },
        ActKind::Certify
        | ActKind::AddContest(_)
        | ActKind::AddContests(_)
        | ActKind::AddUnits(_)
        | ActKind::RetireUnit(_)
        | ActKind::Retitle(_) => |_| "close it first",
        ActKind::StartRound(_) => |status| match status {
            "draft" => "nobody could vote in it yet; open it",
            "archived" => LATER_ROUND,
            _ => "close it first",
        },
    }
}

const LATER_ROUND: &str = "a later round has begun, and only the latest one can change";
