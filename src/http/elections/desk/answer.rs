//! What the ledger decided about a report, in the words of the contract.

use std::time::Duration;

use axum::http::StatusCode;
use hustings_core::{Content, Event, Rejection, Revision, Standing};
use metrics::{Counter, Histogram};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::Problem;
use crate::http::receipt::Receipt;
use crate::ledger::{Answer, Stored};

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReportAnswer {
    /// counted, corrected, withdrawn, recorded (a higher revision counts), repeated or superseded (it was there, and a
    /// higher revision counts).
    pub(super) status: &'static str,
    pub(super) receipt: Receipt,
    /// The box's code.
    #[serde(rename = "box")]
    pub(super) ballot_box: String,
    /// The contest's code.
    pub(super) contest: String,
    /// The number of this report.
    pub(super) revision: u32,
    /// What somebody should look at: `more_cast_than_registered` by this report, or by now by its city where results are seen.
    /// The report counts all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<&'static str>,
}

/// The status of a report that is in the ledger, and where it stands there; or why it is not.
pub(super) fn outcome(answer: &Answer) -> Result<(StatusCode, &'static str, &Stored), Outcome<'_>> {
    Ok(match answer {
        Answer::Accepted(stored) | Answer::Changed(stored) => {
            let (code, status) = standing(stored);
            (code, status, stored)
        }
        Answer::Repeated(stored) => (StatusCode::OK, "repeated", stored),
        Answer::Superseded(stored) => (StatusCode::OK, "superseded", stored),
        Answer::Rejected(Rejection::ExistsWithDifferentVotes { .. }, Some(existing)) => {
            return Err(Outcome::Contradicts(existing));
        }
        Answer::Rejected(rejection, _) => return Err(Outcome::Refused(Box::new(refused(*rejection)))),
        Answer::Unchanged => {
            let undecided = Problem::unavailable("undecided", "please send the same report again");
            return Err(Outcome::Refused(Box::new(undecided)));
        }
    })
}

/// Why a report is not in the ledger.
pub(super) enum Outcome<'a> {
    /// It contradicts this one, which is there.
    Contradicts(&'a Stored),
    /// It is refused.
    Refused(Box<Problem>),
}

fn standing(stored: &Stored) -> (StatusCode, &'static str) {
    let Event::ReportFiled(filed) = &stored.entry.event else { return (StatusCode::CREATED, "counted") };
    match (&filed.standing, &filed.content) {
        (Standing::Late { .. }, _) => (StatusCode::OK, "recorded"),
        (_, Content::Withdrawn) => (StatusCode::CREATED, "withdrawn"),
        (Standing::First, _) => (StatusCode::CREATED, "counted"),
        (Standing::Replaces { .. }, _) => (StatusCode::CREATED, "corrected"),
    }
}

/// The number of a report that is in the ledger.
pub(super) fn revision(stored: &Stored) -> Revision {
    match &stored.entry.event {
        Event::ReportFiled(filed) => filed.revision,
        _ => Revision(0),
    }
}

/// A refusal, in the words of reports, pointing to the field that it is about.
pub(super) fn refused(rejection: Rejection) -> Problem {
    let field = match rejection {
        Rejection::IdReused => "/id",
        Rejection::UnknownContest | Rejection::ContestNotOpen | Rejection::ContestPaused | Rejection::ContestClosed => {
            "/contest"
        }
        Rejection::UnknownUnit | Rejection::NotABox | Rejection::BoxRetired | Rejection::BoxOutsideContest => "/box",
        Rejection::StaleDefinition => "/definition",
        Rejection::BoxBelongsElsewhere => "/city",
        Rejection::OtherChannel => "/channel",
        Rejection::NothingToWithdraw | Rejection::AlreadyWithdrawn => "/withdrawn",
        Rejection::CountsDisagree
        | Rejection::TooFewCast
        | Rejection::ChoiceOverCast { .. }
        | Rejection::VotesOutOfRange { .. } => "/cast",
        Rejection::NoRevisionLeft | Rejection::ExistsWithDifferentVotes { .. } => "/revision",
        Rejection::UnknownChoice | Rejection::RepeatedChoice | Rejection::NumberTooLarge { .. } => "/votes",
        _ => return rejection.into(),
    };
    let problem = match rejection {
        Rejection::UnknownContest => Problem::invalid(rejection.code(), field, rejection.to_string()),
        _ => Problem::from(rejection).pointing_to(field),
    };
    match rejection {
        Rejection::IdReused => {
            problem.saying("this id was used for an earlier report with other content; a new report needs a new id")
        }
        Rejection::ContestNotOpen => problem.saying("reports are not taken yet: the contest is not open"),
        Rejection::ContestPaused => problem.saying("reports are not taken for a while; please try again in a moment"),
        Rejection::ContestClosed => problem.saying("reports are not taken any more: the contest is closed"),
        _ => problem,
    }
}

/// The meters of reports, looked up once instead of at each report.
pub(super) struct ReportMeters {
    seconds: Histogram,
    common: [(&'static str, Counter); 5],
}

impl ReportMeters {
    /// Meters of the recorder that is in its place now.
    pub(super) fn new() -> Self {
        let common = ["counted", "corrected", "recorded", "repeated", "superseded"];
        let common = common.map(|answer| (answer, reports_answered(answer)));
        Self { seconds: metrics::histogram!("hustings_report_seconds"), common }
    }

    /// Counts one report by how it was answered: a status or the code of a refusal.
    pub(super) fn count(&self, answer: &'static str) {
        match self.common.iter().find(|(common, _)| *common == answer) {
            Some((_, counter)) => counter.increment(1),
            None => reports_answered(answer).increment(1),
        }
    }

    /// Counts one report that somebody waited for alone.
    pub(super) fn record(&self, answer: &'static str, took: Duration) {
        self.count(answer);
        self.seconds.record(took);
    }
}

fn reports_answered(answer: &'static str) -> Counter {
    metrics::counter!("hustings_reports_total", "answer" => answer)
}
