//! Live results: server-sent events and WebSocket over the same frames.
//!
//! Invariant: a watcher gets the latest frame, never a backlog; one that does not read is cut off by the connection's
//! write timeout; all streams end when the server stops, and are told when to come back.

mod events;

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use hustings_core::election::Viewer;
use hustings_core::{Time, UnitNumber, Version};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::api::{self, AskedAudience, find, sees_totals, successor, viewer};
use super::auth::{Caller, same_site};
use super::error::Problem;
use super::name::Name;
use super::server::{Peer, stopped};
use super::{Services, Shared};
use crate::feed::Watcher;
use crate::http::described::Looked;
use crate::keys::{new_token, token_hash};
use crate::ledger::{Registered, Scope};

pub(super) use events::events;

/// A comment or ping keeps proxies and phones from giving up on a quiet poll.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a ticket is good for.
const TICKET_S: u32 = 60;
/// The largest message that a WebSocket watcher may send; it has nothing to say.
const MESSAGE_MAX: usize = 1024;

/// How a watcher comes in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamQuery {
    /// A ticket for results that are hidden from others.
    pub(super) ticket: Option<String>,
    /// The version last seen, for those who cannot send `Last-Event-ID`.
    pub(super) last_event_id: Option<String>,
    /// `full` for results that are hidden from others, to whoever may see them by token or by being signed in.
    #[param(value_type = Option<String>)]
    pub(super) audience: Option<AskedAudience>,
}

/// A ticket, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ticket {
    /// Send it as `?ticket=`, once.
    ticket: String,
    /// Good for so many seconds.
    expires_in: u32,
}

/// Gives a ticket that opens one full stream within 60 seconds.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/results/tickets", tag = "results",
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = Ticket), Looked),
    security(("token" = [])))]
pub(super) async fn issue_ticket(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Ticket>), Problem> {
    let caller = Caller::of(&services, &headers).await?;
    caller.require_known(Scope::Results)?;
    let found = find(&services.elections, &poll).await?;
    caller.require_in(&services, Scope::Results, &found).await?;
    ticket(&services, &found).await
}

/// A ticket for an election's full results.
pub(super) async fn ticket(services: &Services, found: &Registered) -> Result<(StatusCode, Json<Ticket>), Problem> {
    let ticket = new_token(services.random.as_ref());
    let expires = Time(services.clock.now().0 + u64::from(TICKET_S) * 1000);
    services.registry.issue_ticket(token_hash(&ticket), found.key, expires).await?;
    Ok((StatusCode::CREATED, Json(Ticket { ticket, expires_in: TICKET_S })))
}

/// Results as server-sent events: `event: results`, `id:` the version, `data:` the same JSON as the results.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/results/stream", tag = "results", params(StreamQuery,
        ("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 422, body = Problem),
        Looked),
    security((), ("token" = [])))]
pub(super) async fn stream(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    query: Result<Query<StreamQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(super::api::invalid_query)?;
    let found = find(&services.elections, &poll).await?;
    let watcher = begin(&services, &found, &headers, query).await?;
    Ok(events(&services, watcher, peer))
}

/// Results as WebSocket text frames: the same JSON.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/results/ws", tag = "results", params(StreamQuery,
        ("poll" = String, Path, description = "id, code or slug")),
    responses((status = 101, description = "text frames follow"), (status = 422, body = Problem),
        (status = 426, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn socket(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    query: Result<Query<StreamQuery>, axum::extract::rejection::QueryRejection>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    // A browser sends cookies with an upgrade from any site, so the origin is checked here too.
    same_site(&services, &headers)?;
    let Ok(upgrade) = upgrade else { return Err(Problem::upgrade_required()) };
    let Query(query) = query.map_err(super::api::invalid_query)?;
    let found = find(&services.elections, &poll).await?;
    let watcher = begin(&services, &found, &headers, query).await?;
    Ok(talk_to(&services, watcher, upgrade, peer))
}

/// The frames of a watcher as messages of a socket.
pub(super) fn talk_to(
    services: &Services,
    watcher: Watcher,
    upgrade: WebSocketUpgrade,
    peer: Option<Extension<Peer>>,
) -> Response {
    let stopping = services.stopping.clone();
    let upgrade = upgrade.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX).write_buffer_size(0);
    upgrade.on_upgrade(async move |socket| {
        let talk = talk(socket, watcher, stopping);
        match peer {
            Some(Extension(peer)) => peer.held.hold(talk).await,
            None => talk.await,
        }
    })
}

/// Begins to watch a poll or an election as whoever the request comes from.
pub(super) async fn begin(
    services: &Services,
    found: &Registered,
    headers: &HeaderMap,
    query: StreamQuery,
) -> Result<Watcher, Problem> {
    let asking = asking(services, found, headers, &query).await?;
    watch(services, found, None, asking, headers, &query).await
}

/// Who is asking for a stream. A ticket is spent.
pub(super) async fn asking(
    services: &Services,
    found: &Registered,
    headers: &HeaderMap,
    query: &StreamQuery,
) -> Result<Viewer, Problem> {
    if *services.stopping.borrow() {
        return Err(Problem::unavailable("stopping", "the server is stopping; please try again"));
    }
    match &query.ticket {
        Some(ticket) => spend(services, found, ticket).await,
        None => api::asking(services, found, query.audience, headers).await,
    }
}

/// A watcher for whoever is asking: of a poll or an election, or of one unit.
pub(super) async fn watch(
    services: &Services,
    found: &Registered,
    unit: Option<UnitNumber>,
    asking: Viewer,
    headers: &HeaderMap,
    query: &StreamQuery,
) -> Result<Watcher, Problem> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let seen: Option<Version> = last.or(query.last_event_id.as_deref()).and_then(|text| text.parse().ok());
    // Who may not see totals was never shown a version of them, and would learn by the wait whether there is such an entry.
    let seen = match seen {
        Some(Version::Full(..)) if !sees_totals(services, found, asking).await? => None,
        seen => seen,
    };
    let gone = || Problem::not_found("unknown_poll", "there is no such poll");
    let watcher = match services.feed.watch(found.key, unit, asking, seen).await? {
        Some(watcher) => watcher,
        // Another node may have replaced the definition a moment ago.
        None => {
            let now = successor(services, found).await?;
            return services.feed.watch(now.key, unit, asking, seen).await?.ok_or_else(gone);
        }
    };
    // A new round may have begun between the question who is looking and the first frame.
    if asking == Viewer::Voted && viewer(services, found, headers).await? != asking {
        return services.feed.watch(found.key, unit, Viewer::Public, seen).await?.ok_or_else(gone);
    }
    Ok(watcher)
}

async fn spend(services: &Services, found: &Registered, ticket: &str) -> Result<Viewer, Problem> {
    let spent = services.registry.spend_ticket(token_hash(ticket), found.key, services.clock.now()).await?;
    let refused =
        || Problem::unauthorized("invalid_ticket", "this ticket was used, has expired, or is for another poll");
    if spent { Ok(Viewer::Organiser) } else { Err(refused()) }
}

async fn talk(mut socket: WebSocket, mut watcher: Watcher, stopping: watch::Receiver<bool>) {
    let _counted = Counted::new();
    loop {
        let message = tokio::select! {
            frame = watcher.next() => match frame {
                Some(frame) => Message::Text(text(&frame.json)),
                None => break,
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            () = tokio::time::sleep(HEARTBEAT) => Message::Ping(Bytes::new()),
            () = stopped(stopping.clone()) => break,
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
    let _closed = socket.send(Message::Close(None)).await;
}

fn text(json: &Bytes) -> Utf8Bytes {
    Utf8Bytes::try_from(json.clone()).unwrap_or_default()
}

/// One watcher in the metrics.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("hustings_watchers").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("hustings_watchers").decrement(1);
    }
}
