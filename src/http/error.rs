//! The only table of status codes: every refusal becomes `application/problem+json` (RFC 9457) here.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::{Rejection, TextError};
use serde::Serialize;
use utoipa::ToSchema;

use super::receipt::Receipt;
use crate::ingest::IngestError;
use crate::ledger::LedgerError;

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
    #[serde(skip)]
    retry_after_s: Option<u32>,
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
            retry_after_s: None,
        }
    }

    /// 422: the request is understood and not acceptable; the pointer names the field.
    pub fn invalid(code: &'static str, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
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
            | Rejection::IdReused
            | Rejection::AlreadyVoted { .. }
            | Rejection::ContestNotOpen
            | Rejection::ContestPaused
            | Rejection::ContestClosed
            | Rejection::WrongStatus { .. }
            | Rejection::ResultsRevealed
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
            | Rejection::NothingToWithdraw
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
            LedgerError::SlugTaken => Self::invalid("slug_taken", "/slug", "this slug is taken; choose another one"),
            LedgerError::CodeTaken => Self::unavailable("code_taken", "no free code was found; please try again"),
        }
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
