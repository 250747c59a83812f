//! The JSON interface, exactly as `docs/ARCHITECTURE.md` and `/api/openapi.json` say.

mod acts;
mod aliases;
mod ballots;
mod codes;
mod create;
mod entries;
mod files;
mod life;
mod links;
mod making;
mod openapi;
mod polls;
mod receipts;
mod results;
mod roster;
mod tokens;
mod votes;

use axum::Router;
use axum::routing::{delete, get, post};

use hustings_core::Kind;

use super::error::Problem;
use super::live;
use super::{Services, Shared};
use crate::clock::rfc3339;
use crate::ledger::{Elections, Registered};

pub(super) use acts::act;
pub(super) use codes::{Made, MadeCode, codes_table, make_codes, replace_code, replaced_by, revoke_code};
pub(super) use create::{VisibilityName, accent, actor, create_poll, keep, new_code, optional};
pub(super) use files::{ResultsFormat, XLSX, attached};
pub(super) use life::{
    RemoveBody, RemovedBody, copy_poll, redefine_poll, remove_poll, remove_whole, retitle_poll, shown as removed_shown,
};
pub(super) use links::{MadeLink, make_link};
pub(super) use making::codes_of;
pub(super) use openapi::{Operation, operations};
pub(super) use polls::{PageQuery, invalid_query, page, schedule, visibility};
pub(super) use results::{AskedAudience, Round, Seen, asking, at_least, of_round, respond, sees_totals, viewer};
pub(super) use roster::{PersonShown, SOUGHT_MAX, list_persons, relist_person, roster_page};
pub(super) use votes::{VoteBody, vote_in};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/polls", post(create::create).get(polls::list))
        .route("/api/v1/polls/{poll}", get(polls::get).put(life::redefine).delete(life::remove))
        .route("/api/v1/polls/{poll}/title", post(life::retitle))
        .route("/api/v1/polls/{poll}/clone", post(life::duplicate))
        .route("/api/v1/polls/{poll}/rehearse", post(life::rehearse))
        .route("/api/v1/polls/{poll}/links", post(links::create))
        .route("/api/v1/polls/{poll}/codes", post(codes::create).get(codes::count))
        .route("/api/v1/polls/{poll}/codes/{number}", delete(codes::revoke))
        .route("/api/v1/polls/{poll}/codes/{number}/replace", post(codes::replace))
        .route("/api/v1/polls/{poll}/roster", post(roster::add).get(roster::list))
        .route("/api/v1/polls/{poll}/roster/{number}/relist", post(roster::relist))
        .route("/api/v1/removed", get(life::removed))
        .route("/api/v1/polls/{poll}/open", post(acts::open))
        .route("/api/v1/polls/{poll}/pause", post(acts::pause))
        .route("/api/v1/polls/{poll}/close", post(acts::close))
        .route("/api/v1/polls/{poll}/reopen", post(acts::reopen))
        .route("/api/v1/polls/{poll}/reveal", post(acts::reveal))
        .route("/api/v1/polls/{poll}/rounds", post(acts::start_round))
        .route("/api/v1/polls/{poll}/votes", post(votes::vote))
        .route("/api/v1/polls/{poll}/results", get(results::results))
        .route("/api/v1/polls/{poll}/results/stream", get(live::stream))
        .route("/api/v1/polls/{poll}/results/ws", get(live::socket))
        .route("/api/v1/polls/{poll}/results/tickets", post(live::issue_ticket))
        .route("/api/v1/polls/{poll}/ballots", get(ballots::ballots))
        .route("/api/v1/polls/{poll}/entries", get(entries::entries))
        .route("/api/v1/receipts/{receipt}", get(receipts::receipt))
        .route("/api/v1/tokens", post(tokens::create).get(tokens::list))
        .route("/api/v1/tokens/{token}", delete(tokens::revoke))
        .route("/api/openapi.json", get(openapi::json))
        .merge(aliases::routes())
}

/// Finds an election, or says that there is none.
pub(super) async fn find(elections: &Elections, name: &str) -> Result<Registered, Problem> {
    poll(elections, name, elections.find(name).await?).await
}

/// Finds a poll as the store has it now, for whoever is about to change it.
pub(super) async fn find_now(services: &Services, name: &str) -> Result<Registered, Problem> {
    poll(&services.elections, name, services.elections.find_now(name).await?).await
}

/// What has taken the place of a definition that is gone: another node may have replaced it a moment ago.
pub(super) async fn successor(services: &Services, gone: &Registered) -> Result<Registered, Problem> {
    let found = services.elections.successor(gone).await?;
    poll(&services.elections, &gone.election.id.to_string(), found).await
}

/// What was found, if it is a poll; otherwise why there is none.
async fn poll(elections: &Elections, name: &str, found: Option<Registered>) -> Result<Registered, Problem> {
    match found {
        Some(found) if found.election.kind != Kind::Election => Ok(found),
        Some(_) => Err(unknown()),
        None => Err(missing(elections, name).await),
    }
}

/// Why nothing is found by a name: the poll that was called so was removed, which whoever knows the name is told; or none ever was.
pub(in crate::http) async fn missing(elections: &Elections, name: &str) -> Problem {
    match elections.removed(name).await {
        Ok(Some(removed)) if removed.kind != Kind::Election => {
            let when = rfc3339(removed.time);
            Problem::not_found("removed_poll", format!("this poll was removed on {when}, with the votes in it"))
        }
        Ok(_) => unknown(),
        Err(error) => error.into(),
    }
}

/// The same of a poll that was found a moment ago, and that another node has removed since.
pub(in crate::http) async fn missing_now(services: &Services, gone: &Registered) -> Problem {
    missing(&services.elections, &gone.election.id.to_string()).await
}

pub(in crate::http) fn unknown() -> Problem {
    Problem::not_found("unknown_poll", "there is no poll with this id, code or slug")
}
