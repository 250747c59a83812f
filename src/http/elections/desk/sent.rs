//! A report as a sender writes it: the long form and the short one.

use hustings_core::{Channel, ReportStatus};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::body::Pairs;

/// A report of one box in one contest.
#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[schema(as = ReportBody)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    /// Your own name for this report (a UUID); send the same again when you retry.
    pub(super) id: Option<uuid::Uuid>,
    /// The box's code.
    #[serde(rename = "box")]
    #[schema(example = "london-12")]
    pub(super) ballot_box: Option<String>,
    /// The same, as the short form calls it.
    pub(super) ballot_box_id: Option<String>,
    /// The contest's code or id; needed where there are several.
    pub(super) contest: Option<String>,
    /// The number of this report of the box, from 1 (the default); a correction has a higher one. Of a withdrawal: default the
    /// next one.
    pub(super) revision: Option<u32>,
    /// final (the default) or provisional.
    #[schema(value_type = Option<String>)]
    pub(super) status: Option<ReportStatus>,
    /// How votes were cast; must be the box's own.
    #[schema(value_type = Option<String>)]
    pub(super) channel: Option<Channel>,
    /// A number for the code or id of each choice; a choice that is not named has none.
    #[schema(value_type = Option<std::collections::HashMap<String, u64>>)]
    pub(super) votes: Option<Pairs<u64>>,
    /// Ballots without a choice (default 0).
    pub(super) blank: Option<u64>,
    /// Ballots that do not count (default 0).
    pub(super) invalid: Option<u64>,
    /// All ballots in the box (default: the sum of all others).
    pub(super) cast: Option<u64>,
    /// When it was made (RFC 3339); shown, and never decided by.
    pub(super) reported_at: Option<String>,
    /// The hash of the contest's definition that the report was made for.
    pub(super) definition: Option<String>,
    /// The code or name of the city, or of any unit, that the box stands in; where unlisted boxes are taken, such a box is
    /// added to it.
    pub(super) city: Option<String>,
    /// Whether what the box has reported does not hold; then no numbers, but a reason.
    #[serde(default)]
    pub(super) withdrawn: bool,
    /// Why; needed for a withdrawal.
    pub(super) reason: Option<String>,
}

impl Sent {
    /// The box's code, and the field that it stands in.
    pub(super) fn named_box(&self) -> (Option<&str>, &'static str) {
        match (&self.ballot_box, &self.ballot_box_id) {
            (None, Some(named)) => (Some(named), "/ballot_box_id"),
            (named, _) => (named.as_deref(), "/box"),
        }
    }
}
