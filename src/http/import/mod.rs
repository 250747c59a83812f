//! Files that are taken over whole or not at all: rosters, units, contests, tokens.
//!
//! Job: say what form a file has, read its lines, and gather what is wrong with it. It must not know: what the columns mean.

mod faults;
mod table;
mod utf16;

use axum::http::{HeaderMap, header};

pub(in crate::http) use faults::{Faults, Place};
pub(in crate::http) use table::{Line, Table};

/// Whether a body is CSV; everything else is read as JSON.
pub(in crate::http) fn is_csv(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv"))
}
