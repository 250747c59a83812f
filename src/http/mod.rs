//! The face to the world: thin. A handler parses, calls, renders; it never decides.
//!
//! Job: turn requests into core types, ask ingest, ledger and feed, and turn answers into HTTP.
//! It must not know: SQL, how batches form, how totals are made.

pub mod api;
pub mod auth;
mod body;
mod described;
mod elections;
pub mod error;
mod handover;
mod import;
mod joined;
mod live;
mod meters;
mod name;
mod once;
mod ops;
mod patience;
mod pulse;
mod receipt;
mod server;
pub mod sessions;
mod settings;
mod voter;
mod web;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::{Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::clock::{Clock, Random};
use crate::feed::{Feed, PublicBallots, Timelines};
use crate::ingest::Ingest;
use crate::keys::Keys;
use crate::ledger::{Elections, Electorate, Ledger, People, Registry, Reports};
use crate::passwords::Passwords;

pub use auth::Callers;
pub use error::Problem;
pub use joined::{Come, Joined};
pub use meters::VoteMeters;
pub use pulse::Pulses;
pub use server::{ServerLimits, serve};
pub use sessions::Sessions;
pub use settings::Settings;

/// Everything that handlers may ask.
pub struct Services {
    /// The door to the ledger.
    pub ingest: Ingest,
    /// Look-ups and history.
    pub ledger: Arc<dyn Ledger>,
    /// Tokens, tickets, new elections.
    pub registry: Arc<dyn Registry>,
    /// Units, reports of boxes, the quarantine.
    pub reports: Arc<dyn Reports>,
    /// Who signs in, and what each may do.
    pub people: Arc<dyn People>,
    /// Access codes, rosters, and who has come.
    pub electorate: Arc<dyn Electorate>,
    /// Devices that opened a page, until they are written down.
    pub joined: Joined,
    /// Definitions.
    pub elections: Arc<Elections>,
    /// Results.
    pub feed: Arc<Feed>,
    /// When votes came.
    pub timelines: Arc<Timelines>,
    /// Ballots that may be counted again.
    pub ballots: PublicBallots,
    /// Voter keys, cookies, receipts.
    pub keys: Keys,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Who calls, and how often.
    pub callers: Callers,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Where passwords are hashed.
    pub passwords: Passwords,
    /// Addresses and options.
    pub settings: Settings,
    /// What is counted of votes.
    pub meters: VoteMeters,
    /// How the vote goes in each poll.
    pub pulses: Pulses,
    /// The numbers of `/metrics`.
    pub metrics: PrometheusHandle,
    /// Becomes true when the server begins to stop.
    pub stopping: watch::Receiver<bool>,
}

type Shared = Arc<Services>;

/// All addresses.
pub fn router(services: Shared) -> Router {
    let mut router = Router::new()
        .merge(ops::routes())
        .merge(api::routes())
        .merge(elections::routes())
        .merge(web::routes(&services));
    if services.settings.bench {
        router = router.merge(ops::bench_routes());
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        // Bodies are limited where they are read, by what they are for.
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&services), own_site_only))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&services), log_request))
        .with_state(services)
}

/// Whoever is signed in changes nothing from a page of another site, whichever address it is. Upgrades to WebSocket are GET
/// requests and are held to the same where they are taken.
async fn own_site_only(State(services): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let by_cookie = !request.method().is_safe()
        && !headers.contains_key(header::AUTHORIZATION)
        && sessions::cookie(&services.settings, headers).is_some();
    match by_cookie.then(|| auth::same_site(&services, headers)) {
        Some(Err(problem)) if is_form(&request) => {
            let (mut parts, _) = request.into_parts();
            let Ok(page) = web::Page::from_request_parts(&mut parts, &services).await;
            web::problem_page(&page, &problem, parts.uri.path())
        }
        Some(Err(problem)) => problem.into_response(),
        _ => next.run(request).await,
    }
}

/// Whether a person waits for a page: a form was sent, to an address of pages.
fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    let is_form =
        [&b"application/x-www-form-urlencoded"[..], b"multipart/form-data"].iter().any(|form| kind.starts_with(form));
    is_form && !request.uri().path().starts_with("/api/")
}

/// One line for each request, at the level debug: never a body, a cookie, a token or a voter.
async fn log_request(State(services): State<Shared>, request: Request, next: Next) -> Response {
    if !tracing::enabled!(target: "hustings::access", tracing::Level::DEBUG) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<server::Peer>().map(|peer| peer.ip);
    let client = peer.map(|peer| services.settings.client(peer, request.headers()));
    let (method, path) = (request.method().clone(), logged_path(request.uri().path()));
    let response = next.run(request).await;
    let status = response.status().as_u16();
    tracing::debug!(target: "hustings::access", %method, path, status, client = ?client, "request");
    response
}

/// A path without the secret of a one-time or co-host link, or an access code.
fn logged_path(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    let is_secret = matches!(parts.as_slice(), ["", "welcome" | "join" | "reset", ..] | ["", _, "cohost" | "c", ..]);
    if is_secret {
        parts.truncate(if matches!(parts.get(2), Some(&("cohost" | "c"))) { 3 } else { 2 });
        parts.push("..");
    }
    parts.join("/")
}

async fn not_found(page: web::Page, uri: Uri) -> Response {
    if uri.path().starts_with("/api") {
        return Problem::not_found("not_found", "there is nothing at this address; see /api for what there is")
            .into_response();
    }
    web::not_found_page(&page, uri.path())
}
