//! The only table of status codes: every refusal becomes `application/problem+json` (RFC 9457) here.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::{Rejection, TextError};
use serde::Serialize;
use utoipa::ToSchema;

use super::receipt::Receipt;
use crate::ingest::IngestError;
use crate::ledger::LedgerError;
use crate::passwords::Busy;

/// A refusal that a program and a person understand.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// The HTTP status, again.
    #[serde(rename = "status")]
    number: u16,
    /// What kind of refusal it is, in words.
    title: &'static str,
    /// The stable code, for programs.
    code: &'static str,
    /// What is wrong and what to do, for people.
    detail: String,
    /// The field that is wrong, as a JSON Pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The vote that counts, where the refusal is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// Everything that is wrong with an import, the first thousand of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// The case that a person decides about, where a report contradicts another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// How much is wrong with an import in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors_total: Option<usize>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

/// The most faults that one answer names.
const FAULTS_MAX: usize = 1_000;

/// The refusal of one line of many.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineProblem<'a> {
    line: u64,
    /// The stable code, for programs.
    code: &'static str,
    /// What is wrong and what to do, for people.
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<&'a str>,
    /// Whether nothing is wrong with the line, and the same one should be sent again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retry: bool,
}

/// One thing that is wrong with an import, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// The line of the CSV file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The place in the JSON document (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The stable code, for programs.
    pub code: &'static str,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            number: status.as_u16(),
            title: status.canonical_reason().unwrap_or("Refused"),
            code,
            detail: detail.into(),
            pointer: None,
            receipt: None,
            errors: Vec::new(),
            case: None,
            errors_total: None,
            retry_after_s: None,
        }
    }

    /// 422: the request is understood and not acceptable; the pointer names the field.
    pub fn invalid(code: &'static str, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    /// 422: an import with faults, all of them at once. Nothing of it was taken over.
    pub fn faults(code: &'static str, errors: Vec<Fault>, errors_total: usize) -> Self {
        let detail = match errors_total {
            1 => "one thing is wrong, see `errors`; nothing was taken over".to_owned(),
            total => format!("{total} things are wrong, see `errors`; nothing was taken over"),
        };
        let errors_total = Some(errors_total);
        Self { errors, errors_total, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    /// 422: what is wrong with a request's fields: the first one is pointed to, `errors` has the first thousand where there
    /// are several. Nothing, where nothing is wrong.
    pub fn fields(mut errors: Vec<Fault>) -> Option<Self> {
        let first = errors.first()?;
        let (code, pointer) = (first.code, first.pointer.clone());
        let total = errors.len();
        let shown: Vec<&str> = errors.iter().take(20).map(|fault| fault.detail.as_str()).collect();
        let more = if total > shown.len() { format!("; and {} more", total - shown.len()) } else { String::new() };
        let detail = shown.join("; ") + &more;
        errors.truncate(if total > 1 { FAULTS_MAX } else { 0 });
        let errors_total = (total > 1).then_some(total);
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        Some(Self { pointer, errors, errors_total, ..problem })
    }

    /// 422: a text that is not allowed.
    pub fn text(pointer: impl Into<String>, error: TextError) -> Self {
        Self::invalid(error.code(), pointer, format!("the text {error}"))
    }

    /// 401: nobody who may vote is named.
    pub fn no_voter() -> Self {
        Self::unauthorized(
            "no_voter",
            "open the poll's page first, so that this device can vote; or send a token with the scope `vote`, and the \
             voter's name as `voter`",
        )
    }

    /// 401: a token holder votes for somebody, and does not say for whom.
    pub fn unnamed_voter() -> Self {
        Self::unauthorized("no_voter", "name the voter in `voter`; a token votes for somebody, and is nobody itself")
    }

    /// 401: the caller is not known.
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 403: the caller is known and may not.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: there is nothing here by this name.
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 405: the address exists, the method does not.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address does not take this method")
    }

    /// 408: the body did not arrive.
    pub fn slow_body() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow_body", "the body did not arrive in time; please send it again")
    }

    /// 409: it cannot be, as things stand.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413: the body is too large.
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body may have at most {} KiB", limit / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 426: this address speaks WebSocket only.
    pub fn upgrade_required() -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "connect with WebSocket, or use /results/stream")
    }

    /// 429: too many requests of one voter or token.
    pub fn too_many(retry_after_s: u32) -> Self {
        let detail = format!("too many requests; please try again in {retry_after_s} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).retry_after(retry_after_s)
    }

    /// 503: not now; the same request may be sent again.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(1)
    }

    /// A refusal by the rules, with the vote that counts where it is about one.
    pub fn rejected(rejection: Rejection, receipt: Option<Receipt>) -> Self {
        let status = match rejection {
            Rejection::UnknownContest => StatusCode::NOT_FOUND,
            Rejection::RequestTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Rejection::FormatTooOld { .. }
            | Rejection::OtherKind
            | Rejection::IdReused
            | Rejection::AlreadyVoted { .. }
            | Rejection::ContestNotOpen
            | Rejection::ContestPaused
            | Rejection::ContestClosed
            | Rejection::WrongStatus { .. }
            | Rejection::ResultsRevealed
            | Rejection::AlreadyOpened
            | Rejection::TooManyRounds { .. }
            | Rejection::ExistsWithDifferentVotes { .. }
            | Rejection::UnitsMoved
            | Rejection::RootStays
            | Rejection::UnitInUse
            | Rejection::BoxRetired
            | Rejection::ContestTaken
            | Rejection::TooManyContests { .. }
            | Rejection::StaleDefinition
            | Rejection::BoxBelongsElsewhere
            | Rejection::OtherChannel
            | Rejection::NothingToWithdraw
            | Rejection::AlreadyWithdrawn
            | Rejection::NoRevisionLeft
            | Rejection::Superseded { .. } => StatusCode::CONFLICT,
            Rejection::WrongForm { .. }
            | Rejection::TooFewChoices { .. }
            | Rejection::TooManyChoices { .. }
            | Rejection::UnknownChoice
            | Rejection::RepeatedChoice
            | Rejection::UnknownUnit
            | Rejection::NotABox
            | Rejection::NotAPlace
            | Rejection::BoxOutsideContest
            | Rejection::NoReports { .. }
            | Rejection::CountsDisagree
            | Rejection::TooFewCast
            | Rejection::ChoiceOverCast { .. }
            | Rejection::VotesOutOfRange { .. }
            | Rejection::NumberTooLarge { .. }
            | Rejection::ScoreOutOfRange { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let pointer = (status == StatusCode::UNPROCESSABLE_ENTITY).then(|| "/choices".to_owned());
        Self { receipt, pointer, ..Self::new(status, rejection.code(), rejection.to_string()) }
    }

    /// The same, pointing to the field that was really sent; a refusal without a pointer stays so.
    #[must_use]
    pub fn in_field(self, pointer: &str) -> Self {
        Self { pointer: self.pointer.map(|_| pointer.to_owned()), ..self }
    }

    /// The same, pointing to a field.
    #[must_use]
    pub fn pointing_to(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..self }
    }

    /// The same, in other words.
    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same, with the case that a person decides about.
    #[must_use]
    pub fn in_case(self, case: String) -> Self {
        Self { case: Some(case), ..self }
    }

    /// The same as the refusal of one line of many.
    #[must_use]
    pub fn of_line(&self, line: u64) -> LineProblem<'_> {
        LineProblem {
            line,
            code: self.code,
            detail: &self.detail,
            pointer: self.pointer.as_deref(),
            receipt: self.receipt.as_ref(),
            errors: &self.errors,
            case: self.case.as_deref(),
            retry: self.status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn advising(self, advice: &str) -> Self {
        Self { detail: format!("{}: {advice}", self.detail), ..self }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Everything that is wrong with an import, the first thousand of it.
    #[must_use]
    pub fn errors(&self) -> &[Fault] {
        &self.errors
    }

    /// The field that it is about.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The whole answer as it goes over the wire, where no request is read; the connection ends with it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {} {}\r\nretry-after: {}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n\
             cache-control: no-store\r\ncontent-length: {}\r\n\r\n",
            self.number,
            self.title,
            self.retry_after_s.unwrap_or(1),
            body.len()
        );
        [head.into_bytes(), body].concat()
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::rejected(rejection, None)
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Full => Self::unavailable("storage_full", error.to_string()),
            LedgerError::InDoubt => Self::unavailable("in_doubt", error.to_string()),
            LedgerError::Stopped => Self::unavailable("stopping", "the server is stopping; please try again"),
            LedgerError::Unavailable(_) | LedgerError::Unwritable { .. } => {
                tracing::warn!(%error, "the store did not answer");
                Self::unavailable("store_unavailable", "the store does not answer now; please try again")
            }
            LedgerError::Damaged { .. } | LedgerError::Conflict { .. } => {
                tracing::error!(%error, "the store is damaged");
                Self::unavailable("store_damaged", "the store is damaged; the operator's log says where")
            }
            LedgerError::Newer { .. } | LedgerError::NewerFormat { .. } => {
                tracing::error!(%error, "the store holds what this program does not know");
                Self::unavailable("upgrade_needed", "this server must be upgraded first; please try again")
            }
            LedgerError::Refused(rejection) => rejection.into(),
            LedgerError::TooManyCodes => Self::conflict("too_many_access_codes", error.to_string()),
            LedgerError::SlugTaken => Self::invalid("slug_taken", "/slug", "this slug is taken; choose another one"),
            LedgerError::CodeTaken => Self::unavailable("code_taken", "no free code was found; please try again"),
            LedgerError::TokenTaken => Self::unavailable("token_taken", "no token was drawn; please try again"),
        }
    }
}

impl From<Busy> for Problem {
    fn from(busy: Busy) -> Self {
        Self::unavailable("busy", busy.to_string())
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::QueueFull => Self::unavailable("queue_full", error.to_string()),
            IngestError::Ledger(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
