//! What an answer to a vote says, read strictly: a success that is not in the contract is an error.
//!
//! It must not know: what was asked, and whether the answer fits it.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::connection::Response;

/// A receipt as it stands in an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Receipt<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    /// Absent where results are hidden.
    pub(super) seq: Option<u64>,
}

/// One answer of the contract, or what else came.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// 201: the vote was counted by this very request.
    Counted(Receipt<'a>),
    /// 200: it had been counted before.
    Repeated(Receipt<'a>),
    /// 201 in a poll where votes may be changed.
    Changed,
    /// 200 or 409: the voter has changed it since.
    Superseded,
    /// 409: this voter has another vote, with this receipt.
    AlreadyVoted(Option<Receipt<'a>>),
    /// 409 for another reason, by its code.
    Conflict(Cow<'a, str>),
    /// 503: not now; perhaps after so long.
    Busy(Option<Duration>),
    /// 502, 504: a proxy that got no answer. The server may have acted on it all the same.
    Lost(Option<Duration>),
    /// Anything else, in words.
    Unexpected(String),
}

impl Answer<'_> {
    /// The place in the ledger of a vote that this very request made count.
    pub(super) fn counted(&self) -> Option<u64> {
        match self {
            Self::Counted(receipt) => receipt.seq,
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Success<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    receipt: Receipt<'a>,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    receipt: Option<Receipt<'a>>,
}

/// Reads an answer to a vote.
pub(super) fn read<'a>(response: &Response<'a>) -> Answer<'a> {
    match response.status {
        200 | 201 => success(response.status, response.body),
        502 | 504 => Answer::Lost(response.retry_after),
        503 => Answer::Busy(response.retry_after),
        status => match serde_json::from_slice::<Problem<'_>>(response.body) {
            Ok(problem) if status == 409 => match problem.code.as_ref() {
                "already_voted" => Answer::AlreadyVoted(problem.receipt),
                "superseded" => Answer::Superseded,
                _ => Answer::Conflict(problem.code),
            },
            Ok(problem) => Answer::Unexpected(format!("{status} {}", problem.code)),
            Err(_) => Answer::Unexpected(format!("{status} without a code")),
        },
    }
}

fn success(status: u16, body: &[u8]) -> Answer<'_> {
    let Ok(answer) = serde_json::from_slice::<Success<'_>>(body) else {
        return Answer::Unexpected(format!("{status} without status and receipt"));
    };
    match (status, answer.status.as_ref()) {
        (201, "counted") => Answer::Counted(answer.receipt),
        (200, "repeated") => Answer::Repeated(answer.receipt),
        (201, "changed") => Answer::Changed,
        (200, "superseded") => Answer::Superseded,
        (_, word) => Answer::Unexpected(format!("{status} {word}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_of_the_contract_is_known_and_nothing_else() {
        let check = |status, body: &str, expected: &str| {
            let response = Response { status, retry_after: None, last: false, body: body.as_bytes() };
            assert_eq!(format!("{:?}", read(&response)), expected);
        };
        let receipt = r#"{"id":"r1","time":"2013-11-03T20:00:00.000Z","seq":7}"#;
        let with = |status: &str| format!(r#"{{"status":"{status}","receipt":{receipt}}}"#);
        let read_receipt = r#"Receipt { id: "r1", seq: Some(7) }"#;
        check(201, &with("counted"), &format!("Counted({read_receipt})"));
        check(200, &with("repeated"), &format!("Repeated({read_receipt})"));
        check(201, &with("changed"), "Changed");
        check(200, &with("superseded"), "Superseded");
        check(200, &with("counted"), r#"Unexpected("200 counted")"#);
        check(201, r#"{"status":"counted"}"#, r#"Unexpected("201 without status and receipt")"#);
        let voted = format!(r#"{{"status":409,"code":"already_voted","receipt":{receipt}}}"#);
        check(409, &voted, &format!("AlreadyVoted(Some({read_receipt}))"));
        check(409, r#"{"code":"already_voted"}"#, "AlreadyVoted(None)");
        check(409, r#"{"code":"superseded"}"#, "Superseded");
        check(409, r#"{"code":"id_reused"}"#, r#"Conflict("id_reused")"#);
        check(503, "", "Busy(None)");
        check(502, r#"{"code":"no_answer"}"#, "Lost(None)");
        check(422, r#"{"code":"unknown_choice"}"#, r#"Unexpected("422 unknown_choice")"#);
        check(500, "oops", r#"Unexpected("500 without a code")"#);
    }
}
