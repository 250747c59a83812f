//! One vote: who votes, for what, and the answer with its receipt.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hustings_core::{
    Ballot, Contest, ContestNumber, GroupNumber, Rejection, Selections, Seq, Submission, SubmissionId, VoterKey,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find;
use crate::http::auth::Caller;
use crate::http::body::{self, Pairs, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::patience::Patience;
use crate::http::receipt::Receipt;
use crate::http::voter;
use crate::http::{Services, Shared};
use crate::ledger::{Answer, Registered};

/// A vote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoteBody {
    /// single, approval: the ids or codes of the choices.
    #[schema(example = json!(["tea"]))]
    pub(super) choices: Option<Vec<String>>,
    /// score: a number for the id or code of each choice.
    #[schema(value_type = Option<std::collections::HashMap<String, u64>>)]
    pub(super) scores: Option<Pairs<u64>>,
    /// Your own name for this vote (a UUID); send the same again when you retry.
    pub(super) id: Option<uuid::Uuid>,
    /// The receipt id of the vote that this one means to replace.
    pub(super) replaces: Option<String>,
    /// Who votes, at most 128 bytes; only with a token that has the scope `vote`, and where `access` is `device`.
    pub(super) voter: Option<String>,
}

impl VoteBody {
    /// A vote as the form of a page sends it: choices, or a score for each.
    pub(in crate::http) fn of_form(choices: Vec<String>, scores: Vec<(String, u64)>) -> Self {
        let (choices, scores) = if scores.is_empty() { (Some(choices), None) } else { (None, Some(Pairs(scores))) };
        Self { choices, scores, id: None, replaces: None, voter: None }
    }

    /// The same under the client's own name for it.
    pub(in crate::http) fn named(self, id: Option<uuid::Uuid>) -> Self {
        Self { id, ..self }
    }

    /// The same, meant to replace the vote with this receipt.
    pub(in crate::http) fn replacing(self, replaces: Option<String>) -> Self {
        Self { replaces, ..self }
    }
}

/// What became of a vote.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct VoteAnswer {
    /// counted, changed, repeated or superseded.
    pub(in crate::http) status: &'static str,
    receipt: Receipt,
}

/// Votes in the current round. Sending the same again is harmless and gives the same receipt.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/votes", tag = "votes", request_body = VoteBody,
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, description = "counted or changed", body = VoteAnswer),
        (status = 200, description = "repeated or superseded: nothing moved", body = VoteAnswer), Acted),
    security(("token" = []), ("code" = []), ("device" = [])))]
pub(super) async fn vote(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut patience = Patience::new();
    let caller = patience.look_up(Caller::of_voter(&services, &headers)).await?;
    let found = patience.look_up(find(&services.elections, &poll)).await?;
    if matches!(caller, Caller::Nobody) && found.election.access.is_device() {
        return Err(Problem::no_voter());
    }
    let vote: VoteBody = patience.receive(body::read(body, VOTE_MAX)).await?;
    Ok(vote_in(&services, &caller, &found, &headers, vote, patience).await?.into_response())
}

/// Who is asking; nobody at all is refused before the body is read.
pub(in crate::http) async fn known_caller(services: &Services, headers: &HeaderMap) -> Result<Caller, Problem> {
    match Caller::of_voter(services, headers).await? {
        Caller::Nobody => Err(Problem::no_voter()),
        caller => Ok(caller),
    }
}

/// Casts a vote that was read.
pub(in crate::http) async fn vote_in(
    services: &Services,
    caller: &Caller,
    found: &Registered,
    headers: &HeaderMap,
    vote: VoteBody,
    patience: Patience,
) -> Result<(StatusCode, Json<VoteAnswer>), Problem> {
    let started = std::time::Instant::now();
    let voter = patience.look_up(voter::voter(services, caller, found, headers, vote.voter.as_deref())).await?;
    let answer = cast(services, caller, found, headers, (voter, &vote), patience).await;
    let (word, took) = (status_of(&answer), started.elapsed());
    services.meters.record(word, took);
    services.pulses.record(found.key, word, took);
    answer
}

async fn cast(
    services: &Services,
    caller: &Caller,
    found: &Registered,
    headers: &HeaderMap,
    (voter, vote): (VoterKey, &VoteBody),
    patience: Patience,
) -> Result<(StatusCode, Json<VoteAnswer>), Problem> {
    let known = patience.look_up(current(services, found)).await?;
    let cast = cast_in(services, &known, voter, vote, patience).await;
    // Another node may have replaced the definition a moment ago, before it was opened, and with it who may vote; the id is the
    // same there.
    if matches!(&cast, Err(problem) if ["unknown_choice", "unknown_contest"].contains(&problem.code()))
        && let Some(now) = patience.look_up(taken_place(services, found)).await?
    {
        let now = patience.look_up(current(services, &now)).await?;
        let voter = patience.look_up(voter::voter(services, caller, &now, headers, vote.voter.as_deref())).await?;
        return cast_in(services, &now, voter, vote, patience).await;
    }
    // Another node may have begun a round that this one has not heard of.
    if matches!(&cast, Err(problem) if ["unknown_choice", "contest_closed"].contains(&problem.code())) {
        patience.look_up(services.feed.refresh(known.key)).await?;
        let newest = patience.look_up(current(services, &known)).await?;
        if newest.election.contests.len() > known.election.contests.len() {
            return cast_in(services, &newest, voter, vote, patience).await;
        }
    }
    cast
}

async fn cast_in(
    services: &Services,
    found: &Registered,
    voter: VoterKey,
    vote: &VoteBody,
    patience: Patience,
) -> Result<(StatusCode, Json<VoteAnswer>), Problem> {
    let field = if vote.scores.is_some() { "/scores" } else { "/choices" };
    let (contest, selections) = selections(&found.election.contests, vote)?;
    let ballot = Ballot {
        contest,
        voter,
        group: GroupNumber(0),
        id: vote.id.map(SubmissionId),
        replaces: vote.replaces.as_deref().map(|receipt| replaced(services, found, receipt)),
        selections,
    };
    let answer = services.ingest.submit_by(patience.until(), found.key, Submission::Ballot(ballot)).await?;
    let receipt = |stored| Receipt::new(&services.keys, found, stored);
    let (code, status, stored) = match &answer {
        Answer::Accepted(stored) => (StatusCode::CREATED, "counted", stored),
        Answer::Changed(stored) => (StatusCode::CREATED, "changed", stored),
        Answer::Repeated(stored) => (StatusCode::OK, "repeated", stored),
        Answer::Superseded(stored) => (StatusCode::OK, "superseded", stored),
        Answer::Rejected(rejection, stored) => {
            return Err(Problem::rejected(*rejection, stored.as_ref().map(receipt)).in_field(field));
        }
        Answer::Unchanged => return Err(Problem::unavailable("undecided", "please send the same vote again")),
    };
    Ok((code, Json(VoteAnswer { status, receipt: receipt(stored) })))
}

async fn taken_place(services: &Services, found: &Registered) -> Result<Option<Registered>, Problem> {
    Ok(services.elections.successor(found).await?)
}

/// The definition with its latest round. Which round takes votes is decided by the ledger; this only finds its choices.
async fn current(services: &Services, found: &Registered) -> Result<Registered, Problem> {
    let rounds = services.feed.rounds(found.key).await?;
    if rounds <= found.election.contests.len() {
        return Ok(found.clone());
    }
    let newest = services.elections.with_contests(found.key, rounds).await?;
    newest.ok_or_else(|| Rejection::UnknownContest.into())
}

/// The place of the vote to be replaced; a receipt of another election or of nobody gives a place that never matches.
fn replaced(services: &Services, found: &Registered, receipt: &str) -> Seq {
    let located = services.keys.locate(receipt).filter(|locator| locator.election == found.key);
    located.map_or(Seq(0), |locator| locator.seq)
}

/// What was chosen, and in which round: the latest one that has all the choices named. So a late retry of a vote in an
/// earlier round, whose choices have other ids, finds its own contest and its receipt.
fn selections(contests: &[Contest], vote: &VoteBody) -> Result<(ContestNumber, Selections), Problem> {
    let named: Vec<(String, &str)> = match (&vote.choices, &vote.scores) {
        (Some(choices), None) => {
            choices.iter().enumerate().map(|(at, name)| (format!("/choices/{at}"), name.as_str())).collect()
        }
        (None, Some(Pairs(scores))) => {
            let place = |name: &str| format!("/scores/{}", name.replace('~', "~0").replace('/', "~1"));
            scores.iter().map(|(name, _)| (place(name), name.as_str())).collect()
        }
        (None, None) => {
            return Err(Problem::invalid("missing_field", "/choices", "send `choices`, or `scores` for score"));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("wrong_form", "/scores", "send `choices` or `scores`, not both"));
        }
    };
    let numbers = |contest: &Contest| named.iter().map(|(_, name)| contest.choice(name)).collect::<Option<Vec<_>>>();
    let resolved = contests.iter().rev().find_map(|contest| Some((contest.number, numbers(contest)?)));
    let Some((contest, numbers)) = resolved else { return Err(unknown_choice(contests, &named)) };
    let selections = match &vote.scores {
        None => Selections::choices(numbers)?,
        Some(Pairs(scores)) => {
            let scores = scores.iter().map(|(_, score)| u8::try_from(*score).unwrap_or(u8::MAX));
            let scored = Selections::scores(numbers.into_iter().zip(scores).collect());
            scored.map_err(|rejection| Problem::from(rejection).in_field("/scores"))?
        }
    };
    Ok((contest, selections))
}

fn unknown_choice(contests: &[Contest], named: &[(String, &str)]) -> Problem {
    let is_known = |name: &str| contests.last().is_some_and(|contest| contest.choice(name).is_some());
    let unknown = named.iter().find(|(_, name)| !is_known(name));
    let (pointer, name) = unknown.map_or(("/choices", ""), |(pointer, name)| (pointer.as_str(), *name));
    let shown: String = name.chars().take(40).collect();
    Problem::invalid("unknown_choice", pointer, format!("there is no choice `{shown}` in this contest"))
}

fn status_of(answer: &Result<(StatusCode, Json<VoteAnswer>), Problem>) -> &'static str {
    match answer {
        Ok((_, Json(answer))) => answer.status,
        Err(problem) => problem.code(),
    }
}
