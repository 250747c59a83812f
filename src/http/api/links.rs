//! Links that let whoever holds them help with one poll.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hustings_core::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::find_now;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::once::Once;
use crate::http::{Services, Shared};
use crate::keys::token_hash;
use crate::ledger::{CohostLink, LINKS_MAX, NewLink, PersonId, Registered};

/// A new link; the whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLinkBody {
    /// What it lets in as.
    #[serde(default)]
    role: LinkRole,
    /// Your own name for this request (a random UUID); send the same again, with the same token or signed in as the same person,
    /// when you retry, and the answer has the same link.
    id: Option<Uuid>,
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

/// A link, shown to who made it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkBody {
    role: LinkRole,
    /// Keep it: nothing else shows it. It ends when it is revoked on the page of people.
    url: String,
}

/// Makes a link that lets whoever opens it run the poll, or see all its results, until it is revoked. With an `id`, the same request
/// gets the same link (200).
#[utoipa::path(post, path = "/api/v1/polls/{poll}/links", tag = "polls", request_body(content = Option<NewLinkBody>),
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = LinkBody), (status = 200, body = LinkBody), Acted),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<LinkBody>), Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find_now(&services, &poll).await?;
    let by = caller.require_owner(&services, &found).await?;
    let NewLinkBody { role, id } = body::read_or_default(body, VOTE_MAX).await?;
    let seat = match role {
        LinkRole::CoHost => Role::CoHost,
        LinkRole::Viewer => Role::Viewer,
    };
    let once = Once::of_client(&services, id, by.asker);
    let (status, url) = match make_link(&services, &found, &once, seat, by.person).await? {
        MadeLink::New(url) => (StatusCode::CREATED, url),
        MadeLink::Again(link, url) if link.role == seat => (StatusCode::OK, url),
        MadeLink::Again(..) => {
            return Err(Problem::conflict("id_reused", "this id belongs to a link of another role; give a new one"));
        }
        MadeLink::Revoked => return Err(Problem::conflict("link_revoked", "this link was revoked, for ever")),
        MadeLink::Full => {
            let detail = format!("a poll has at most {LINKS_MAX} links; revoke some first");
            return Err(Problem::conflict("too_many_links", detail));
        }
    };
    Ok((status, Json(LinkBody { role, url })))
}

/// What became of a request to make a link; the texts are its address.
pub(in crate::http) enum MadeLink {
    /// It is made.
    New(String),
    /// The same request made it before.
    Again(CohostLink, String),
    /// The same request made it before, and it was revoked since.
    Revoked,
    /// There are too many.
    Full,
}

/// Makes a link, or gives the address of the one that the same request made before.
pub(in crate::http) async fn make_link(
    services: &Services,
    found: &Registered,
    once: &Once,
    role: Role,
    by: Option<PersonId>,
) -> Result<MadeLink, Problem> {
    let secret = once.link(services, found.election.id);
    let url = format!("{}/{}/cohost/{secret}", services.settings.base_url(), found.election.code);
    let new = NewLink { election: found.key, hash: token_hash(&secret), role, by, created: services.clock.now() };
    if let Some(before) = made_before(services, found, once, &url, new.hash).await? {
        return Ok(before);
    }
    let hash = new.hash;
    match services.people.add_link(new).await {
        Ok(Some(_)) => Ok(MadeLink::New(url)),
        // The same request may have been faster, and there is one link with this secret, or room for no other.
        other => match (made_before(services, found, once, &url, hash).await?, other) {
            (Some(before), _) => Ok(before),
            (None, Err(error)) => Err(error.into()),
            (None, Ok(_)) => Ok(MadeLink::Full),
        },
    }
}

async fn made_before(
    services: &Services,
    found: &Registered,
    once: &Once,
    url: &str,
    hash: [u8; 32],
) -> Result<Option<MadeLink>, Problem> {
    if !once.may_repeat() {
        return Ok(None);
    }
    let link = services.people.links(found.key).await?.into_iter().find(|link| link.hash == hash);
    Ok(link.map(|link| match link.revoked {
        Some(_) => MadeLink::Revoked,
        None => MadeLink::Again(link, url.to_owned()),
    }))
}
