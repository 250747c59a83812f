//! What calls may be refused with, for the interface's document: the sets that many calls share.
//!
//! It must not know: which call is refused when.

use std::collections::BTreeMap;

use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder, content::ContentBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::error::Problem;

/// Refusals of whatever is there for some callers only: unknown callers, others, unknown names, too often, not now.
pub(super) struct Looked;

impl IntoResponses for Looked {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[401, 403, 404, 429, 503])
    }
}

/// Refusals of whatever is done: those of a look, and of a body that is late, does not fit what there is, is too large or wrong.
pub(super) struct Acted;

impl IntoResponses for Acted {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[401, 403, 404, 408, 409, 413, 422, 429, 503])
    }
}

fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem = ResponseBuilder::new().content("application/json", content).build();
    statuses.iter().map(|status| (status.to_string(), problem.clone().into())).collect()
}
