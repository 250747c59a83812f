//! The desk where reports arrive, one by one or in bulk, and where boxes are looked up.
//!
//! Job: turn what a sender wrote into a [`hustings_core::Report`], and the ledger's answer into HTTP; keep what contradicts a
//! report for a person to decide. Invariant: a report is parsed once, and whether it counts is decided by the ledger alone.
//! It must not know: totals, but for those of a city that has more ballots than voters.

mod add;
mod answer;
mod book;
mod boxes;
mod bulk;
mod cases;
mod conflict;
mod counter;
mod decision;
mod lines;
mod reports;
mod resolve;
mod sender;
mod sent;
mod slices;
mod table;
mod voters;

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::sync::Semaphore;
use utoipa::OpenApi;

use crate::http::Shared;
use answer::ReportMeters;
use book::Books;

/// What the interface's document says of this.
#[derive(OpenApi)]
#[openapi(paths(
    reports::report,
    reports::withdraw,
    bulk::bulk,
    boxes::history,
    boxes::receipt,
    cases::list,
    cases::get,
    decision::decide,
))]
pub(super) struct Document;

/// The most uploads in bulk at once, so that their memory is bounded.
const UPLOADS_MAX: usize = 64;

/// What the desk keeps between requests.
struct Desk {
    books: Books,
    meters: ReportMeters,
    uploads: Arc<Semaphore>,
    /// Held while a person's decision is carried out: two of them about one case must not cross.
    deciding: tokio::sync::Mutex<()>,
}

pub(super) fn routes() -> Router<Shared> {
    let desk = Desk {
        books: Books::default(),
        meters: ReportMeters::new(),
        uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
        deciding: tokio::sync::Mutex::default(),
    };
    Router::new()
        .route("/api/v1/elections/{election}/reports", post(reports::report))
        .route("/api/v1/elections/{election}/reports/withdraw", post(reports::withdraw))
        .route("/api/v1/elections/{election}/reports/bulk", post(bulk::bulk))
        .route("/api/v1/elections/{election}/boxes/{box}", get(boxes::history))
        .route("/api/v1/elections/{election}/boxes/{box}/receipt", get(boxes::receipt))
        .route("/api/v1/elections/{election}/quarantine", get(cases::list))
        .route("/api/v1/elections/{election}/quarantine/{case}", get(cases::get).post(decision::decide))
        .layer(Extension(Arc::new(desk)))
}

/// An election and what an address names in it. Bytes that are no text name nothing.
fn names(path: Result<Path<(String, String)>, PathRejection>) -> (String, String) {
    path.map_or_else(|_| Default::default(), |Path(names)| names)
}
