//! Election night over HTTP: who sets it up, who reports, who reads.
//!
//! Job: turn requests about elections of boxes into core types, and answers into HTTP. Invariant: nothing is decided here;
//! what is refused here for being unknown is refused again under the head lock. It must not know: SQL, how totals are made.

mod desk;
mod results;
mod setup;

pub(super) use results::page;
#[cfg(test)]
pub(super) use results::samples;

use axum::Router;
use hustings_core::Kind;
use utoipa::OpenApi;

use super::error::Problem;
use super::{Services, Shared};
use crate::ledger::Registered;

pub(super) fn routes() -> Router<Shared> {
    Router::new().merge(setup::routes()).merge(desk::routes()).merge(results::routes())
}

/// What the interface's document says of elections.
pub(super) fn documents() -> [utoipa::openapi::OpenApi; 3] {
    [setup::Document::openapi(), desk::Document::openapi(), results::Document::openapi()]
}

/// Finds an election of boxes, or says that there is none.
async fn find(services: &Services, name: &str) -> Result<Registered, Problem> {
    of_boxes(services.elections.find(name).await?)
}

/// Finds an election of boxes as the store has it now.
async fn find_now(services: &Services, name: &str) -> Result<Registered, Problem> {
    of_boxes(services.elections.find_now(name).await?)
}

fn of_boxes(found: Option<Registered>) -> Result<Registered, Problem> {
    let unknown = || Problem::not_found("unknown_election", "there is no election with this id, code or slug");
    found.filter(|found| found.election.kind == Kind::Election).ok_or_else(unknown)
}
