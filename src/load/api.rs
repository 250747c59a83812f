//! The few requests around the votes: make a poll, read what it says, close it.
//!
//! Invariant: an answer that is not the contract's is an error that names the request, the status and the code.
//! It must not know: what the answers ought to be.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::ServerName;

use super::connection::{Connection, ConnectionError};
use super::tls::{Tls, TrustError};
use super::url::Place;

/// Where the server is, and as whom we speak to it.
#[derive(Debug, Clone)]
pub struct Api {
    place: Arc<Place>,
    /// None where plain HTTP is spoken.
    tls: Option<Tls>,
    token: String,
}

/// Why a request around the votes failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address cannot be used.
    #[error("{0} is not the address of a server: it looks like http://127.0.0.1:8080 or https://vote.example.org")]
    Address(String),
    /// Nobody can be trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The token cannot stand in a header.
    #[error("the token must consist of visible ASCII characters")]
    Token,
    /// No answer.
    #[error("{request}: {source}")]
    Connection {
        /// Method and path.
        request: String,
        /// What happened.
        source: ConnectionError,
    },
    /// A refusal.
    #[error("{request} was answered {status} {code}: {detail}")]
    Refused {
        /// Method and path.
        request: String,
        /// The status code.
        status: u16,
        /// The stable code of the refusal.
        code: String,
        /// What a person should know.
        detail: String,
    },
    /// A refusal by something else, such as a proxy.
    #[error(
        "{request} was answered {status}, which is no answer of Hustings but of what stands before it; is --url right?"
    )]
    Foreign {
        /// Method and path.
        request: String,
        /// The status code.
        status: u16,
    },
    /// An answer that does not say what the contract promises.
    #[error("{request}: cannot read the answer: {reason}")]
    Unreadable {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A poll as its creation answers it.
#[derive(Debug, Clone, Deserialize)]
pub struct Poll {
    /// The id for further requests.
    pub id: String,
    /// The code people type.
    pub code: String,
    /// The one contest of the poll.
    contest: PollContest,
}

#[derive(Debug, Clone, Deserialize)]
struct PollContest {
    choices: Vec<PollChoice>,
}

/// A choice as the creation of a poll answers it.
#[derive(Debug, Clone, Deserialize)]
pub struct PollChoice {
    /// The code that votes name.
    pub code: String,
    /// The title as given.
    pub title: String,
}

impl Poll {
    /// The choices, in the order in which they were given.
    #[must_use]
    pub fn choices(&self) -> &[PollChoice] {
        &self.contest.choices
    }

    /// Where this poll's requests go, with this tail (`votes`, `results`, ..).
    #[must_use]
    pub fn path(&self, tail: &str) -> String {
        format!("/api/v1/polls/{}/{tail}", self.id)
    }
}

/// A snapshot of the counters, as JSON and frames carry it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Results {
    /// `open`, `closed`, ..
    pub status: String,
    /// `epoch.seq`.
    pub version: String,
    /// How many ballots were counted.
    pub ballots: u64,
    /// What each choice has.
    pub choices: Vec<ResultsChoice>,
}

/// One choice of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResultsChoice {
    /// The code that votes name.
    pub code: String,
    /// Its votes.
    pub votes: u64,
}

/// How long an answer around the votes is waited for; a page of the ledger under load may take its time.
const PATIENCE: Duration = Duration::from_secs(30);

impl Api {
    /// Speaks to `http://host:port` or `https://host:port`; the token goes with every request.
    pub async fn new(url: &str, token: &str) -> Result<Self, ApiError> {
        Self::trusting(url, token, None).await
    }

    /// As `new`; a server of https may also be proved by the authority in this file.
    pub async fn trusting(url: &str, token: &str, ca_file: Option<&Path>) -> Result<Self, ApiError> {
        let wrong = || ApiError::Address(url.to_owned());
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiError::Token);
        }
        let place = Place::parse(url).ok_or_else(wrong)?;
        let mut tls = None;
        if place.is_secure {
            let name = ServerName::try_from(place.host.clone()).map_err(|_| wrong())?;
            let ca_file = ca_file.map(Path::to_owned);
            let made = tokio::task::spawn_blocking(move || Tls::new(name, ca_file.as_deref())).await;
            tls = Some(made.map_err(|error| TrustError::Library(error.to_string()))??);
        }
        Ok(Self { place: Arc::new(place), tls, token: token.to_owned() })
    }

    /// Host and port, as `Host` has them.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.place.authority
    }

    /// Opens a connection. The name is looked up each time: it is known again when the network is.
    pub async fn connect(&self, patience: Duration) -> Result<Connection, ConnectionError> {
        Connection::open_by((self.place.host.as_str(), self.place.port), self.tls.as_ref(), patience).await
    }

    /// The bytes of a request.
    pub(super) fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        self.request_as(method, path, "application/json", body)
    }

    /// The bytes of a request whose body is of this type; without a token, it is anybody's.
    #[must_use]
    pub fn request_as(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
        let (authority, token) = (self.authority(), &self.token);
        let length = body.len();
        let who = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\n{who}\
             Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Makes an open poll with one vote for one choice each.
    pub async fn create_poll(&self, title: &str, choices: &[&str]) -> Result<Poll, ApiError> {
        let body = json!({ "title": title, "choices": choices, "open": true });
        self.read("POST", "/api/v1/polls", body.to_string().as_bytes()).await
    }

    /// Closes the poll: no vote after this counts.
    pub async fn close(&self, poll: &Poll) -> Result<(), ApiError> {
        self.send("POST", &poll.path("close"), b"{}").await.map(drop)
    }

    /// What the counters say now.
    pub async fn results(&self, poll: &Poll) -> Result<Results, ApiError> {
        self.read("GET", &poll.path("results"), b"").await
    }

    /// The page of the ledger after `seq`: one entry a line.
    pub async fn entries(&self, poll: &Poll, after: u64, limit: u32) -> Result<Vec<u8>, ApiError> {
        self.send("GET", &poll.path(&format!("entries?after={after}&limit={limit}")), b"").await
    }

    /// What the server tells Prometheus.
    pub async fn metrics(&self) -> Result<String, ApiError> {
        let body = self.send("GET", "/metrics", b"").await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Any other call of the interface: its answer as JSON, null where there is none.
    pub async fn json(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.send(method, path, body.as_bytes()).await?;
        Self::value(method, path, &answer)
    }

    /// Sends a body of any type, such as a table of units, and waits for the answer as long as this.
    pub async fn upload(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
        patience: Duration,
    ) -> Result<Value, ApiError> {
        let request = self.request_as("POST", path, content_type, body);
        let answer = self.exchange("POST", path, &request, patience).await?;
        Self::value("POST", path, &answer)
    }

    /// What is answered to a GET, byte for byte.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        self.send("GET", path, b"").await
    }

    fn value(method: &str, path: &str, answer: &[u8]) -> Result<Value, ApiError> {
        let unreadable = |error: serde_json::Error| ApiError::Unreadable {
            request: format!("{method} {path}"),
            reason: error.to_string(),
        };
        if answer.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(answer).map_err(unreadable) }
    }

    async fn read<T: DeserializeOwned>(&self, method: &str, path: &str, body: &[u8]) -> Result<T, ApiError> {
        let body = self.send(method, path, body).await?;
        serde_json::from_slice(&body)
            .map_err(|error| ApiError::Unreadable { request: format!("{method} {path}"), reason: error.to_string() })
    }

    /// Sends one request over its own connection; any status but 2xx is a refusal.
    async fn send(&self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, ApiError> {
        self.exchange(method, path, &self.request(method, path, body), PATIENCE).await
    }

    async fn exchange(&self, method: &str, path: &str, bytes: &[u8], patience: Duration) -> Result<Vec<u8>, ApiError> {
        let request = || format!("{method} {path}");
        let lost = |source| ApiError::Connection { request: request(), source };
        let mut connection = self.connect(patience).await.map_err(lost)?;
        let response = connection.exchange(bytes).await.map_err(lost)?;
        if (200..300).contains(&response.status) {
            return Ok(response.body.to_vec());
        }
        let problem: Value = serde_json::from_slice(response.body).unwrap_or_default();
        let word = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let (code, detail) = (word("code"), word("detail"));
        if code.is_empty() {
            return Err(ApiError::Foreign { request: request(), status: response.status });
        }
        Err(ApiError::Refused { request: request(), status: response.status, code, detail })
    }
}
