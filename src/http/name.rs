//! What an address says: the name of a poll, a receipt or a token, and that there is nothing else in it.
//!
//! It must not know: what there is by that name.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::Problem;

/// The name in an address. Bytes that are no text (`%FF`) name nothing, so they are not found like anything else that
/// is not there, instead of being a kind of error of their own.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(named.map_or_else(|_| String::new(), |Path(name)| name)))
    }
}

/// An address without a query. A field that is passed over would be taken for heard: `?dry_run=true`, and all is counted.
pub(super) struct NoQuery;

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.uri.query() {
            None | Some("") => Ok(Self),
            Some(_) => {
                let detail = "this takes nothing behind a `?`; what there is to say goes into the body";
                Err(Problem::invalid("invalid_query", "", detail))
            }
        }
    }
}
