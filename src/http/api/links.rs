//! Links that let whoever holds them help with one poll.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hustings_core::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find_now;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::{Services, Shared};
use crate::keys::{new_secret, token_hash};
use crate::ledger::{LINKS_MAX, NewLink, PersonId, Registered};

/// A new link; the whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLinkBody {
    /// What it lets in as.
    #[serde(default)]
    role: LinkRole,
}

/// What a link lets in as.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkRole {
    /// Runs the poll.
    #[default]
    CoHost,
    /// Sees all results.
    Viewer,
}

/// A link, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkBody {
    role: LinkRole,
    /// Keep it: it cannot be shown again. It ends when it is revoked on the page of people.
    url: String,
}

/// Makes a link that lets whoever opens it run the poll, or see all its results, until it is revoked.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/links", tag = "polls", request_body(content = Option<NewLinkBody>),
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = LinkBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<LinkBody>), Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find_now(&services, &poll).await?;
    let by = caller.require_owner(&services, &found).await?.person;
    let NewLinkBody { role } = body::read_or_default(body, VOTE_MAX).await?;
    let seat = match role {
        LinkRole::CoHost => Role::CoHost,
        LinkRole::Viewer => Role::Viewer,
    };
    let full =
        || Problem::conflict("too_many_links", format!("a poll has at most {LINKS_MAX} links; revoke some first"));
    let url = make_link(&services, &found, seat, by).await?.ok_or_else(full)?;
    Ok((StatusCode::CREATED, Json(LinkBody { role, url })))
}

/// Makes a link and gives its address, which nobody can be shown again; none where there are too many.
pub(in crate::http) async fn make_link(
    services: &Services,
    found: &Registered,
    role: Role,
    by: Option<PersonId>,
) -> Result<Option<String>, Problem> {
    let secret = new_secret(services.random.as_ref());
    let new = NewLink { election: found.key, hash: token_hash(&secret), role, by, created: services.clock.now() };
    let made = services.people.add_link(new).await?;
    Ok(made.map(|_| format!("{}/{}/cohost/{secret}", services.settings.base_url(), found.election.code)))
}
