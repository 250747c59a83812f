//! Results as bars: names, figures, and parts of a whole that is named.
//!
//! Invariant: scripts that follow show the same figures in the same form (`assets/live.js`), so nothing jumps when the
//! first frame comes.

use super::texts::Language;
use crate::feed::{ChoiceResult, Results};

/// The bars of one contest.
pub(super) struct Bars<'a> {
    pub(super) rows: Vec<Bar<'a>>,
    /// What percentages are of.
    pub(super) unit: String,
    pub(super) method: &'static str,
    pub(super) hidden: bool,
}

/// One choice.
pub(super) struct Bar<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) votes: String,
    pub(super) share: String,
    permille: u64,
    /// Whether nobody has more.
    pub(super) leads: bool,
    /// Whether somebody else has as much as this one that leads.
    pub(super) ties: bool,
}

impl Bar<'_> {
    /// The bar's part of its full length, as a factor.
    pub(super) fn scale(&self) -> String {
        format!("{}.{:03}", self.permille / 1000, self.permille % 1000)
    }
}

impl<'a> Bars<'a> {
    /// Bars are shares of the voters; for scores they are points beside the leader's, with the mean score.
    pub(super) fn of(results: &'a Results, language: Language) -> Self {
        let scored = results.method == "score";
        let most = results.choices.iter().map(figure).max().unwrap_or(0);
        let leaders = results.choices.iter().filter(|choice| figure(choice) == most).count();
        let whole = if scored { most } else { results.ballots.unwrap_or(0) };
        let one = |choice: &'a ChoiceResult| {
            let permille = rounded(figure(choice).saturating_mul(1000), whole);
            let is_unrated = scored && choice.votes == Some(0);
            let share = match scored {
                // Nobody gave it points, good ones or bad ones: there is no mean.
                true if is_unrated => String::new(),
                true => {
                    let mean = rounded(figure(choice).saturating_mul(10), choice.votes.unwrap_or(0));
                    language.say_with("mean", &[("number", &language.tenths(mean))])
                }
                false => language.percent(permille),
            };
            let leads = !results.hidden && most > 0 && figure(choice) == most;
            let shown = |text: String| if results.hidden { String::new() } else { text };
            Bar {
                id: &choice.id,
                title: &choice.title,
                votes: shown(if is_unrated { "–".to_owned() } else { language.number(figure(choice)) }),
                share: shown(share),
                permille: if results.hidden { 0 } else { permille.min(1000) },
                leads,
                ties: leads && leaders > 1,
            }
        };
        let unit = match results.method {
            "score" => language.say("unit-points"),
            "approval" => language.say("unit-voters"),
            _ => language.say("unit-votes"),
        };
        let rows = results.choices.iter().map(one).collect();
        Self { rows, unit, method: results.method, hidden: results.hidden }
    }
}

fn figure(choice: &ChoiceResult) -> u64 {
    choice.points.or(choice.votes).unwrap_or(0)
}

/// A quotient to the nearest whole number; nothing has no parts.
fn rounded(part: u64, whole: u64) -> u64 {
    let whole = whole.max(1);
    part.saturating_add(whole / 2) / whole
}

/// The word for where a contest stands.
pub(in crate::http) fn status(language: Language, status: &str) -> String {
    language.say(match status {
        "draft" => "status-draft",
        "open" => "status-open",
        "paused" => "status-paused",
        "closed" => "status-closed",
        "archived" => "status-archived",
        _ => "status-certified",
    })
}

/// How voters are told apart, in a sentence that stands beside every result.
pub(in crate::http) fn identified(language: Language, by: &str) -> String {
    language.say(match by {
        "code" => "identified-code",
        "roster" => "identified-roster",
        _ => "identified-device",
    })
}
