//! Addresses of the reference program, kept for its clients.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::votes::{self, VoteBody};
use super::{create, find, results};
use crate::http::Shared;
use crate::http::body::{self, VOTE_MAX};
use crate::http::error::Problem;
use crate::http::name::NoQuery;
use crate::http::patience::Patience;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/polls/", post(create::create))
        .route("/votes/", post(vote))
        .route("/polls/{poll}/results/", get(results::results))
}

/// A vote as the reference program takes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShortVote {
    poll: String,
    choice: String,
    id: Option<uuid::Uuid>,
    replaces: Option<String>,
    voter: Option<String>,
}

async fn vote(State(services): State<Shared>, _: NoQuery, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let mut patience = Patience::new();
    let caller = patience.look_up(votes::known_caller(&services, &headers)).await?;
    let short: ShortVote = patience.receive(body::read(body, VOTE_MAX)).await?;
    let vote = VoteBody {
        choices: Some(vec![short.choice]),
        scores: None,
        id: short.id,
        replaces: short.replaces,
        voter: short.voter,
    };
    let found = patience.look_up(find(&services.elections, &short.poll)).await?;
    Ok(votes::vote_in(&services, &caller, &found, &headers, vote, patience).await?.into_response())
}
