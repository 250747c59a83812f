//! The bytes of a vote request, made once for each choice and then only filled in.
//!
//! Invariant: a written request has the content length it announces, because ids and voter names have fixed lengths.
//! It must not know: connections, answers.

use std::io::Write;

use super::api::Api;
use super::ballots::{Attempt, AttemptKind, Plan, VoterNumber};

/// One request for each choice, with blanks for the id and the voter.
#[derive(Debug)]
pub(super) struct Requests(Vec<Blank>);

#[derive(Debug)]
struct Blank {
    bytes: Vec<u8>,
    id: usize,
    voter: usize,
}

const ID_BYTES: usize = 36;
const VOTER_BYTES: usize = 8;

impl Requests {
    pub(super) fn new(api: &Api, path: &str, plan: &Plan) -> Self {
        let sample = plan.attempt(VoterNumber(0), AttemptKind::First);
        let (id, voter) = (sample.submission.to_string(), sample.voter.to_string());
        let blank = |code: &String| {
            let body = serde_json::json!({ "choices": [code], "id": id, "voter": voter }).to_string();
            let bytes = api.request("POST", path, body.as_bytes());
            let body = bytes.len() - body.len();
            let at = |text: &str| body + find(&bytes[body..], text.as_bytes());
            Blank { id: at(&format!("\"id\":\"{id}")) + 6, voter: at(&format!("\"voter\":\"{voter}")) + 9, bytes }
        };
        Self(plan.codes().iter().map(blank).collect())
    }

    /// Writes the request for this attempt into `buffer`, in place of what it held.
    pub(super) fn write(&self, attempt: &Attempt, buffer: &mut Vec<u8>) {
        buffer.clear();
        let Some(blank) = self.0.get(attempt.choice.index()) else { return };
        buffer.extend_from_slice(&blank.bytes);
        if let Some(place) = buffer.get_mut(blank.id..blank.id + ID_BYTES) {
            attempt.submission.0.hyphenated().encode_lower(place);
        }
        if let Some(mut place) = buffer.get_mut(blank.voter..blank.voter + VOTER_BYTES) {
            // A slice of eight bytes takes the eight bytes of any voter of a plan.
            let _ = write!(place, "{}", attempt.voter);
        }
    }
}

fn find(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).rposition(|window| window == text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hustings_core::Time;

    use super::*;
    use crate::load::Mix;

    #[tokio::test]
    async fn a_request_is_filled_in_and_has_its_announced_length() {
        let api = Api::new("http://127.0.0.1:8080", "t0ken").await.unwrap();
        let tricky = r#"voter":"v"#.to_owned();
        let counts = vec![("plain".to_owned(), 5), (tricky, 5)];
        let mix = Mix { repeats_percent: 0, second_votes_percent: 50 };
        let plan = Arc::new(Plan::new(counts, mix, 1, Time(1_384_300_800_000)).unwrap());
        let requests = Requests::new(&api, "/api/v1/polls/x/votes", &plan);
        let mut buffer = Vec::new();
        for attempt in plan.attempts() {
            requests.write(&attempt, &mut buffer);
            let text = std::str::from_utf8(&buffer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("POST /api/v1/polls/x/votes HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"));
            assert!(head.contains("Authorization: Bearer t0ken\r\n"));
            assert!(head.contains(&format!("Content-Length: {}", body.len())));
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let code = &plan.codes()[attempt.choice.index()];
            let id = attempt.submission.to_string();
            let voter = attempt.voter.to_string();
            assert_eq!(body, serde_json::json!({ "id": id, "voter": voter, "choices": [code] }));
        }
    }
}
