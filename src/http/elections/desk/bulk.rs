//! Reports in bulk: an upload of lines, and an answer for each in order, as they are decided.
//!
//! Job: take an upload in, within its limits, and stream what is answered. Invariant: what is wrong with an upload as a whole,
//! its header among it, or that there is no report in it, is refused before anything of it is counted. Memory: what has arrived
//! and is not decided, and the answers; so the sender need not read them before the upload is sent.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hustings_core::{Contest, Rejection, Report};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use utoipa::ToSchema;

use super::Desk;
use super::counter::Counter;
use super::lines::{Line, Lines};
use super::sender::Sender;
use super::slices::{PIECES_MAX, Slices};
use super::table::Columns;
use crate::http::Shared;
use crate::http::body::{self, BODY_TIMEOUT, IMPORT_TIMEOUT};
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::import::is_csv;
use crate::http::name::{Name, NoQuery};
use crate::http::receipt::Receipt;
use crate::separator::declared;

/// The largest upload, in bytes.
const BULK_MAX: usize = 8 * 1024 * 1024;

/// What became of one line: a status with its receipt, or a code with its detail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LineAnswer {
    /// The line of the upload, from 1.
    pub(super) line: u64,
    /// As for a single report.
    pub(super) status: &'static str,
    pub(super) receipt: Receipt,
    /// As for a single report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<&'static str>,
}

/// Reports many boxes. Each line is decided by itself and answered in order, streamed while others are still to come; lines
/// without an answer may be sent again, as may all others.
#[utoipa::path(post, path = "/api/v1/elections/{election}/reports/bulk", tag = "reports",
    params(("election" = String, Path, description = "id, code or slug")),
    request_body(content((String = "application/x-ndjson"), (String = "text/csv")), description = "at most 8 MiB and 10,000 \
        lines, each a report as JSON; or CSV, whose header names some of the columns id, box, contest, revision, status, \
        channel, city, blank, invalid, cast, reported_at, definition, withdrawn, reason, and votes.<choice> for each choice"),
    responses((status = 200, description = "a line for each line: {line, status, receipt} or {line, code, detail}; with \
        `retry` where the same line should be sent again", body = LineAnswer, content_type = "application/x-ndjson"),
        (status = 408, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn bulk(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    Name(election): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sender = Sender::of(&services, &headers, &election).await?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BULK_MAX) {
        return Err(Problem::too_large(BULK_MAX));
    }
    let place = Arc::clone(&desk.uploads).try_acquire_owned();
    let full = |_| Problem::unavailable("too_many_uploads", "too many uploads at once; please try again in a moment");
    let place = place.map_err(full)?;
    let mut upload = Upload { body, lines: Lines::default(), taken: 0, until: Instant::now() + IMPORT_TIMEOUT };
    let header =
        if is_csv(&headers) { Some(Arc::new(upload.header(&sender.found.election.contests).await?)) } else { None };
    let none = || Problem::invalid("no_reports", "", "there is no report in this upload");
    let first = upload.line().await?.ok_or_else(none)?;
    let (answers, answered) = mpsc::unbounded_channel();
    let counter = Counter { services, desk, sender: Arc::new(sender), header };
    tokio::spawn(count(counter, first, upload, answers, place));
    let stream = futures_util::stream::unfold(answered, async |mut answered| {
        let piece = answered.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), answered))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (headers, Body::from_stream(stream)).into_response();
    // Or nginx would hold answers back to fill its buffer.
    response.headers_mut().insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}

/// Ends when the upload is answered, or nobody reads the answers any more.
async fn count(
    counter: Counter,
    first: Line,
    upload: Upload,
    answers: mpsc::UnboundedSender<Bytes>,
    _place: OwnedSemaphorePermit,
) {
    let (pieces, arrived) = mpsc::channel(PIECES_MAX);
    let Upload { body, lines, taken, until } = upload;
    let rest = Upload { body, lines: Lines::default(), taken, until };
    let counting = counter.count(Slices::new(Some(first), lines, arrived), answers);
    tokio::join!(rest.hand_on(pieces), counting);
}

/// The header of a table: its bytes, with the line before it that says what separates columns, and its columns.
pub(super) struct Header {
    pub(super) bytes: Bytes,
    pub(super) columns: Columns,
}

/// The longest header that is kept with each of its lines: an upload of ten thousand lines must not fill a disk with it.
const HEADER_KEPT_MAX: usize = 16 * 1024;

impl Header {
    /// The header, and a line below it.
    pub(super) fn above(&self, line: &[u8]) -> Bytes {
        [self.bytes.as_ref(), line].join(&b'\n').into()
    }

    /// What is kept of a line: with the header that says what its cells are, or by itself where that would be too long.
    pub(super) fn kept_above(&self, line: &Bytes) -> Bytes {
        let fits = self.bytes.len() <= HEADER_KEPT_MAX && self.bytes.len() + 1 + line.len() <= Report::REQUEST_MAX;
        if fits { self.above(line) } else { line.clone() }
    }
}

/// A body that is arriving.
struct Upload {
    body: Body,
    lines: Lines,
    taken: usize,
    until: Instant,
}

impl Upload {
    /// The header of a table, before anything is answered.
    async fn header(&mut self, contests: &[Contest]) -> Result<Header, Problem> {
        let (number, bytes) = self.names().await?;
        let declared = declared(&bytes);
        if declared.is_none() {
            return Ok(Header { columns: Columns::read(number, &bytes, None, contests)?, bytes });
        }
        let (number, names) = self.names().await?;
        let columns = Columns::read(number, &names, declared, contests)?;
        Ok(Header { columns, bytes: [bytes, names].join(&b'\n').into() })
    }

    /// A line above all reports, and its number.
    async fn names(&mut self) -> Result<(u64, Bytes), Problem> {
        match self.line().await? {
            Some(Line::Whole(number, bytes)) => Ok((number, bytes)),
            Some(Line::TooLong(_)) => Err(Rejection::RequestTooLarge { max: Report::REQUEST_MAX }.into()),
            None => Err(Problem::invalid("missing_header", "", "begin with a line that names the columns")),
        }
    }

    /// The next line with something in it, or nothing at the end.
    async fn line(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            match self.piece().await? {
                Some(piece) => self.lines.push(&piece),
                None => return Ok(self.lines.last()),
            }
        }
    }

    /// The next piece, or nothing at the end. It must arrive in time, and all of them together too.
    async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let frame = timeout_at(self.until, timeout(BODY_TIMEOUT, self.body.frame())).await;
            let frame = frame.map_err(|_| Problem::slow_body())?.map_err(|_| Problem::slow_body())?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| body::unread(&error, BULK_MAX))?;
            let Ok(piece) = frame.into_data() else { continue };
            self.taken += piece.len();
            if self.taken > BULK_MAX {
                return Err(Problem::too_large(BULK_MAX));
            }
            return Ok(Some(piece));
        }
    }
    /// Hands on what arrives, to its end or until it is refused.
    async fn hand_on(mut self, pieces: mpsc::Sender<Result<Bytes, Problem>>) {
        while let Some(piece) = self.piece().await.transpose() {
            let is_last = piece.is_err();
            if pieces.send(piece).await.is_err() || is_last {
                return;
            }
        }
    }
}
