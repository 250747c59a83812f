//! Reports that contradict others: kept once, decided once.

use serde_json::{Value, json};

use super::desk::{report, short, with};
use super::support::Night;
use crate::support::{Answer, TestServer};

/// Takes back what was noted of decisions.
const FORGET: &str = "UPDATE quarantine SET settled_by = NULL, settled_time = NULL, reason = NULL, filed = NULL";

/// A report, one that contradicts it, and the name of the case.
async fn contradicted(server: &TestServer, night: &Night, ballot_box: &str) -> String {
    let first = report(server, night, &short(ballot_box, "london", 120, 80)).await.is(201);
    let refused = report(server, night, &short(ballot_box, "london", 121, 80)).await;
    assert_eq!(refused.receipt(), first.receipt(), "the receipt of what is there");
    let body = refused.refused(409, "exists_with_different_votes").json();
    assert_eq!(body["pointer"], "/revision");
    body["case"].as_str().expect("a case").to_owned()
}

async fn decide(server: &TestServer, night: &Night, case: &str, decision: &str) -> Answer {
    let body = json!({ "decision": decision, "reason": "looked at the paper" });
    night.post(server, &format!("/quarantine/{case}"), &body).send().await
}

async fn reports(server: &TestServer, night: &Night, ballot_box: &str) -> Vec<Value> {
    let history = night.get(server, &format!("/boxes/{ballot_box}")).await.is(200).json();
    history["reports"].as_array().expect("reports").clone()
}

#[tokio::test]
async fn a_case_is_filed_once_with_the_next_revision() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let case = contradicted(&server, &night, "b-1").await;
    let again =
        report(&server, &night, &short("b-1", "london", 121, 80)).await.refused(409, "exists_with_different_votes");
    assert_eq!(again.json()["case"], case, "the same contradiction is one case");
    let page = night.get(&server, "/quarantine?waiting=true").await.is(200).json();
    assert_eq!(page["cases"].as_array().map(Vec::len), Some(1));
    let shown = night.get(&server, &format!("/quarantine/{case}")).await.is(200).json();
    assert_eq!(page["cases"][0], shown);
    assert_eq!((&shown["status"], &shown["box"], &shown["revision"]), (&json!("waiting"), &json!("b-1"), &json!(1)));
    assert_eq!(
        (&shown["reported"]["votes"]["tories"], &shown["existing"]["votes"]["tories"]),
        (&json!(121), &json!(120))
    );
    assert_eq!(shown["request"], short("b-1", "london", 121, 80).to_string());

    let filed = decide(&server, &night, &case, "file").await.is(200).json();
    assert_eq!((&filed["status"], &filed["decided"]["revision"]), (&json!("filed"), &json!(2)));
    let once_more = decide(&server, &night, &case, "file").await.is(200).json();
    assert_eq!(once_more, filed, "a decision that is repeated changes nothing");
    decide(&server, &night, &case, "dismiss").await.refused(409, "case_settled");
    let reports = reports(&server, &night, "b-1").await;
    assert_eq!(reports.len(), 2);
    assert_eq!((&reports[1]["votes"]["tories"], &reports[1]["counts"]), (&json!(121), &json!(true)));
    assert_eq!(
        (&reports[1]["reason"], &reports[1]["receipt"]),
        (&json!("looked at the paper"), &filed["decided"]["receipt"])
    );
    assert_eq!(reports[1]["request"], shown["request"]);
    let page = night.get(&server, "/quarantine?waiting=true").await.is(200).json();
    assert_eq!(page["cases"], json!([]));
    server.finish().await;
}

#[tokio::test]
async fn a_case_that_is_dismissed_moves_nothing() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let case = contradicted(&server, &night, "b-1").await;
    assert_eq!(decide(&server, &night, &case, "dismiss").await.is(200).json()["status"], "dismissed");
    decide(&server, &night, &case, "dismiss").await.is(200);
    decide(&server, &night, &case, "file").await.refused(409, "case_settled");
    assert_eq!(reports(&server, &night, "b-1").await.len(), 1);
    // Who sends it again is told the same, and the case stays decided.
    let again =
        report(&server, &night, &short("b-1", "london", 121, 80)).await.refused(409, "exists_with_different_votes");
    assert_eq!(again.json()["case"], case);
    assert_eq!(night.get(&server, "/quarantine?waiting=true").await.is(200).json()["cases"], json!([]));
    assert_eq!(night.get(&server, "/quarantine").await.is(200).json()["cases"][0]["status"], "dismissed");
    server.finish().await;
}

/// The server ends between the ledger and the quarantine: the note is gone, and the entry is there.
#[tokio::test]
async fn a_decision_repeated_after_a_lost_answer_is_carried_out_once() {
    let mut server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let (one, other) = (contradicted(&server, &night, "b-1").await, contradicted(&server, &night, "b-2").await);
    let filed = decide(&server, &night, &one, "file").await.is(200).json();
    decide(&server, &night, &other, "file").await.is(200);
    server.stop().await;
    server.execute(FORGET).await;
    server.start_again().await;
    let waiting = night.get(&server, "/quarantine?waiting=true").await.is(200).json();
    assert_eq!(waiting["cases"].as_array().map(Vec::len), Some(2), "nobody remembers");
    let repeated = decide(&server, &night, &one, "file").await.is(200).json();
    assert_eq!(repeated["decided"]["receipt"], filed["decided"]["receipt"]);
    // Another decision comes too late: the report is in the ledger, and the case says so from now on.
    decide(&server, &night, &other, "dismiss").await.refused(409, "case_settled");
    assert_eq!(night.get(&server, &format!("/quarantine/{other}")).await.is(200).json()["status"], "filed");
    for ballot_box in ["b-1", "b-2"] {
        assert_eq!(reports(&server, &night, ballot_box).await.len(), 2, "{ballot_box}");
    }
    server.finish().await;
}

#[tokio::test]
async fn cases_of_tables_and_withdrawals_can_be_decided_too() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    report(&server, &night, &short("b-1", "london", 120, 80)).await.is(201);
    let csv = "box,city,votes.tories,votes.labour\nb-1,london,122,80\n";
    let answer = night.csv(&server, "/reports/bulk", csv).send().await.is(200).json();
    assert_eq!(answer["code"], "exists_with_different_votes");
    let case = answer["case"].as_str().expect("a case");
    let filed = decide(&server, &night, case, "file").await.is(200).json();
    assert_eq!(filed["reported"]["votes"], json!({ "tories": 122, "labour": 80 }));
    assert_eq!(filed["request"], csv.trim_end(), "the line below its header");
    let gone = json!({ "box": "b-1", "reason": "a forgery", "revision": 2 });
    let refused =
        night.post(&server, "/reports/withdraw", &gone).send().await.refused(409, "exists_with_different_votes");
    let case = refused.json()["case"].as_str().expect("a case").to_owned();
    assert_eq!(night.get(&server, &format!("/quarantine/{case}")).await.is(200).json()["reported"], json!(null));
    decide(&server, &night, &case, "file").await.is(200);
    let reports = reports(&server, &night, "b-1").await;
    assert_eq!((reports.len(), &reports[2]["status"], &reports[2]["counts"]), (3, &json!("withdrawn"), &json!(true)));
    server.finish().await;
}

#[tokio::test]
async fn what_is_no_decision_is_refused() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let case = contradicted(&server, &night, "b-1").await;
    let path = format!("/quarantine/{case}");
    for (more, code, pointer) in [
        (json!({ "decision": "keep" }), "unknown_value", "/decision"),
        (json!({ "decision": null }), "missing_field", ""),
        (json!({ "reason": null }), "missing_field", ""),
        (json!({ "reason": " " }), "empty_text", "/reason"),
    ] {
        let body = with(json!({ "decision": "file", "reason": "r" }), more);
        let answer = night.post(&server, &path, &body).send().await;
        assert_eq!(answer.json()["pointer"], pointer, "{}", answer.text());
        answer.refused(422, code);
    }
    for unknown in ["00".repeat(32), "x".to_owned()] {
        decide(&server, &night, &unknown, "file").await.refused(404, "unknown_case");
        night.get(&server, &format!("/quarantine/{unknown}")).await.refused(404, "unknown_case");
    }
    night.get(&server, "/quarantine?after=x").await.refused(422, "invalid_cursor");
    assert_eq!(reports(&server, &night, "b-1").await.len(), 1);
    server.finish().await;
}
