//! What commands share that ask a server about an election.
//!
//! It must not know: what is asked.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::load::{Api, ApiError};

/// Whom to trust about the server.
#[derive(Debug, Clone, Args)]
pub(super) struct TrustArgs {
    /// For https: an authority to trust beside those of the system; its certificate, as PEM.
    #[arg(long, global = true, env = "HUSTINGS_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl TrustArgs {
    /// Speaks to a server.
    pub(super) async fn api(&self, url: &str, token: &str) -> Result<Api, ApiError> {
        Api::trusting(url, token, self.ca_file.as_deref()).await
    }
}

/// Which server, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// The server, as http://host:port or https://host.
    #[arg(long, env = "HUSTINGS_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(super) url: String,
    #[command(flatten)]
    trust: TrustArgs,
    /// A token, where one is needed.
    #[arg(long, env = "HUSTINGS_TOKEN", value_name = "TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl ServerArgs {
    /// Speaks to the server.
    pub(super) async fn api(&self) -> Result<Api, ApiError> {
        self.trust.api(&self.url, &self.token).await
    }
}

/// Which election, on which server, and as whom.
#[derive(Debug, Clone, Args)]
pub(super) struct ElectionArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The election, by id, code or slug.
    #[arg(long, env = "HUSTINGS_ELECTION", value_name = "NAME")]
    pub(super) election: String,
}

impl ElectionArgs {
    /// Speaks to the server.
    pub(super) async fn api(&self) -> Result<Api, ApiError> {
        self.server.api().await
    }

    /// Where this election's requests go, with this tail.
    pub(super) fn path(&self, tail: &str) -> String {
        path(&self.election, tail)
    }
}

/// Where the requests of an election go, with this tail.
pub(super) fn path(election: &str, tail: &str) -> String {
    format!("/api/v1/elections/{}/{tail}", encoded(election))
}

/// An election as it is shown: its title, its zone, and whether it is only practised.
pub(super) async fn about(api: &Api, election: &str) -> Result<Value, ApiError> {
    api.json("GET", path(election, "").trim_end_matches('/'), None).await
}

/// What stands above what is told of a rehearsal, so that nobody takes it for the night.
pub(super) const REHEARSAL: &str = "rehearsal: nothing here is real";

/// A refusal, with the option that answers it.
pub(super) fn advised(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Refused { ref code, .. } if code == "contest_needed" => anyhow::anyhow!("{error} (--contest CODE)"),
        _ => error.into(),
    }
}

/// A query of what was given, with its question mark; empty where nothing was.
pub(super) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={}", encoded(value))));
    let query = given.collect::<Vec<_>>().join("&");
    if query.is_empty() { query } else { format!("?{query}") }
}

/// A text as it may stand in an address (RFC 3986, percent-encoding).
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_what_was_given() {
        assert_eq!(query(&[("unit", None)]), "");
        let given = [("unit", Some("saint-henri")), ("kind", None), ("as_of", Some("2013-11-03T20:00:00+05:00"))];
        assert_eq!(query(&given), "?unit=saint-henri&as_of=2013-11-03T20%3A00%3A00%2B05%3A00");
    }
}
