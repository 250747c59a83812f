//! What a server answers to a request with many reports.
//!
//! Invariant: an answer is final only where sending the same again cannot change it; what cannot be read is not final.
//! It must not know: connections, time.

use std::time::Duration;

use serde_json::Value;

use super::split::Line;
use crate::load::Response;

/// What came of one request.
#[derive(Debug, PartialEq)]
pub(super) enum Answered {
    /// For each line its receipt or refusal; none where it must be sent again.
    Lines(Vec<Option<Value>>),
    /// Nothing was decided: ask again, perhaps after so long.
    Again(String, Option<Duration>),
    /// Nothing will be decided until somebody mends what this says.
    Stop(String),
}

/// Refusals that do not last, beside those that say so themselves.
const PASSING: [&str; 13] = [
    "code_taken",
    "contest_paused",
    "in_doubt",
    "queue_full",
    "slow_body",
    "stopping",
    "storage_full",
    "store_damaged",
    "store_unavailable",
    "too_many_requests",
    "undecided",
    "units_moved",
    "upgrade_needed",
];

/// Reads the answer to a request with one report.
pub(super) fn read_one(response: &Response<'_>, line: &Line) -> Answered {
    let answer: Value = serde_json::from_slice(response.body).unwrap_or_default();
    match response.status {
        200..300 => Answered::Lines(vec![Some(answer).filter(is_final).map(|answer| receipt(line, answer))]),
        // A refusal of one report may be about who sends it, about a box that is not there, or about its length.
        403 | 404 | 413 if answer["code"].is_string() => Answered::Lines(vec![Some(receipt(line, answer))]),
        _ => read(response, &[line], 0),
    }
}

/// Reads the answer to a request with these lines, below so many of a header where they are those of a table.
pub(super) fn read(response: &Response<'_>, lines: &[&Line], header: usize) -> Answered {
    if (200..300).contains(&response.status) {
        return Answered::Lines(each(response.body, lines, header));
    }
    let problem: Value = serde_json::from_slice(response.body).unwrap_or_default();
    let code = problem["code"].as_str();
    let told = match code {
        Some(code) => format!("{} {code}: {}", response.status, problem["detail"].as_str().unwrap_or_default()),
        None => stranger(response.status),
    };
    match (response.status, code) {
        (408 | 429 | 500.., _) => Answered::Again(told, response.retry_after),
        (_, Some(_)) if !is_final(&problem) => Answered::Again(told, response.retry_after),
        // Whoever mends the token, the address or the proxy gets another answer.
        (401 | 403 | 404 | 413, _) | (_, None) => Answered::Stop(told),
        // The request is wrong as a whole, such as an unknown column, and will be so for ever.
        (_, Some(_)) => Answered::Lines(lines.iter().map(|line| Some(receipt(line, problem.clone()))).collect()),
    }
}

/// What is said of an answer without a code, which is none of Hustings.
fn stranger(status: u16) -> String {
    let hint = match status {
        300..400 => "it leads elsewhere, mostly from http:// to https://; is --url right?",
        400 => "is it https:// that is spoken there? Is --url right?",
        413 => "a proxy takes less in one request than Hustings does, which is 8 MiB (nginx: client_max_body_size)",
        _ => "is --url right?",
    };
    format!("{status}, which is no answer of Hustings but of what stands before it: {hint}")
}

/// Answers come in the order of the lines, and say which one they are about. What is missing at the end was not decided,
/// or the answer broke off.
fn each(body: &[u8], lines: &[&Line], header: usize) -> Vec<Option<Value>> {
    let mut answers = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let one = |(line, number): (&&Line, u64)| {
        let answer: Value = serde_json::from_slice(answers.next()?).ok()?;
        (answer["line"] == number && is_final(&answer)).then(|| receipt(line, answer))
    };
    lines.iter().zip(header as u64 + 1..).map(one).collect()
}

fn is_final(answer: &Value) -> bool {
    match answer["code"].as_str() {
        Some(code) => answer["retry"] != true && !PASSING.contains(&code),
        None => answer["receipt"].is_object() && answer["status"].is_string(),
    }
}

/// The answer, with the line's place in the file and its id.
fn receipt(line: &Line, mut answer: Value) -> Value {
    if let Value::Object(answer) = &mut answer {
        answer.insert("line".to_owned(), line.line.into());
        answer.insert("id".to_owned(), line.id.clone().into());
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines() -> [Line; 3] {
        [3, 5, 7].map(|line| Line { line, id: format!("id-{line}"), text: String::new() })
    }

    fn answer(status: u16, body: &str) -> Answered {
        let lines = lines();
        let response = Response { status, retry_after: None, last: false, body: body.as_bytes() };
        read(&response, &lines.iter().collect::<Vec<_>>(), 0)
    }

    #[test]
    fn each_line_has_its_answer_or_is_sent_again() {
        let body = "{\"line\":1,\"status\":\"counted\",\"receipt\":{\"id\":\"r\"}}\n\
                    {\"line\":2,\"code\":\"unknown_box\",\"detail\":\"no b\"}\n{\"line\":3,\"code\":\"queue_full\"}\n";
        let counted = json!({ "line": 3, "id": "id-3", "status": "counted", "receipt": { "id": "r" } });
        let refused = json!({ "line": 5, "id": "id-5", "code": "unknown_box", "detail": "no b" });
        assert_eq!(answer(200, body), Answered::Lines(vec![Some(counted.clone()), Some(refused), None]));
        let broken_off = &body[..body.find('\n').unwrap() + 10];
        assert_eq!(answer(200, broken_off), Answered::Lines(vec![Some(counted), None, None]));
        assert_eq!(answer(200, "{\"status\":\"counted\"}"), Answered::Lines(vec![None, None, None]));
        let other_line = body.replace("\"line\":1", "\"line\":2");
        assert!(matches!(answer(200, &other_line), Answered::Lines(lines) if lines[0].is_none()));
        let passing = "{\"line\":1,\"code\":\"any\",\"retry\":true}";
        assert_eq!(answer(200, passing), Answered::Lines(vec![None, None, None]));
    }

    #[test]
    fn a_refused_request_is_final_only_where_nobody_can_mend_it() {
        assert!(matches!(answer(503, ""), Answered::Again(..)));
        assert!(matches!(answer(429, ""), Answered::Again(..)));
        assert!(
            matches!(answer(401, "{\"code\":\"unauthorized\"}"), Answered::Stop(what) if what.starts_with("401 unauth"))
        );
        let Answered::Lines(lines) = answer(422, "{\"code\":\"unknown_column\"}") else { panic!("an answer for each") };
        assert_eq!(lines[2], Some(json!({ "line": 7, "id": "id-7", "code": "unknown_column" })));
        assert!(matches!(answer(409, "{\"code\":\"contest_paused\"}"), Answered::Again(..)));
        assert!(matches!(answer(413, "{\"code\":\"body_too_large\"}"), Answered::Stop(_)));
    }

    /// A proxy's answer decides nothing, whatever it is: nothing of it is a receipt.
    #[test]
    fn what_hustings_has_not_said_is_no_answer() {
        let line = &lines()[0];
        for status in (300..=511).filter(|status| ![408, 429].contains(status)) {
            for body in ["", "<html>moved</html>", "null", "{}", "{\"code\":7}", "[]"] {
                let response = Response { status, retry_after: None, last: false, body: body.as_bytes() };
                for answered in [answer(status, body), read_one(&response, line)] {
                    match answered {
                        Answered::Again(why, _) => assert!(status >= 500, "{why}"),
                        Answered::Stop(why) => assert!(status < 500 && why.contains("no answer of Hustings"), "{why}"),
                        Answered::Lines(lines) => panic!("{status} {body}: {lines:?}"),
                    }
                }
            }
        }
        for body in ["", "<html>welcome</html>", "null", "{}", "[]"] {
            assert_eq!(answer(200, body), Answered::Lines(vec![None; 3]), "{body}");
        }
    }
}
