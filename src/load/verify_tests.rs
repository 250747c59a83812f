//! Each fault of a server is found and called by its name; an honest server is exact.

use std::future::pending;
use std::sync::Arc;

use hustings_core::Time;

use super::*;
use crate::load::stub::{Fault, Stub};
use crate::load::{Job, Mix, Plan, Progress, Target, run};

async fn report(fault: Fault) -> Report {
    let stub = Stub::start(fault).await;
    let api = Api::new(&stub.url, "token").await.unwrap();
    let poll = api.create_poll("Colours", &["Red", "Green", "Blue"]).await.unwrap();
    let counts = poll.choices().iter().map(|choice| choice.code.clone()).zip([60, 30, 10]).collect();
    let mix = Mix { repeats_percent: 0, second_votes_percent: if fault == Fault::SecondVotes { 10 } else { 0 } };
    let plan = Arc::new(Plan::new(counts, mix, 42, Time(1_384_300_800_000)).unwrap());
    let mut job = Job::new(api.clone(), plan, Target::votes(&poll), 4);
    let progress = Arc::new(Progress::default());
    let watched = Arc::clone(&progress);
    let stop = async move {
        while fault != Fault::Silent || watched.seen().sent < 4 {
            if fault != Fault::Silent {
                pending::<()>().await;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    job.patience = Duration::from_secs(5);
    let outcome = run(job, progress, stop).await;
    verify(&api, &poll, &outcome, Duration::from_millis(300)).await.unwrap()
}

/// The faults of a report by name, in the order of the table.
fn names(report: &Report) -> Vec<&'static str> {
    let faults = [
        ("lost", report.lost > 0),
        ("doubled", report.doubled > 0),
        ("invented", report.invented > 0),
        ("altered", report.altered > 0),
        ("misplaced", report.misplaced > 0),
        ("gaps", report.gaps > 0),
        ("contradictions", report.contradictions > 0),
        ("ledger", !report.ledger_agrees()),
        ("counters", !report.counters_agree()),
        ("frame", !report.frame_agrees()),
    ];
    faults.into_iter().filter_map(|(name, found)| found.then_some(name)).collect()
}

async fn check(fault: Fault, expected: &[&str]) {
    let report = report(fault).await;
    assert_eq!(names(&report), expected, "{fault:?}\n{report}");
    assert_eq!(report.is_exact(), expected.is_empty(), "{fault:?}\n{report}");
}

#[tokio::test]
async fn an_honest_server_is_exact_even_when_answers_are_lost() {
    for fault in [Fault::None, Fault::LoseAnswers, Fault::Busy, Fault::Silent] {
        check(fault, &[]).await;
    }
}

#[tokio::test]
async fn every_fault_of_the_ledger_has_its_name() {
    check(Fault::Lose, &["lost", "ledger"]).await;
    check(Fault::Double, &["doubled", "ledger"]).await;
    check(Fault::Invent, &["invented", "ledger"]).await;
    check(Fault::Alter, &["altered", "ledger"]).await;
    check(Fault::Misplace, &["misplaced", "ledger"]).await;
    check(Fault::Skip, &["gaps", "ledger"]).await;
    check(Fault::SecondVotes, &["doubled", "contradictions", "ledger"]).await;
}

#[tokio::test]
async fn counters_and_frames_must_say_the_same_at_the_same_version() {
    check(Fault::Counters, &["counters", "frame"]).await;
    check(Fault::LateCounters, &["counters", "frame"]).await;
    check(Fault::Frame, &["frame"]).await;
    check(Fault::LateFrame, &["frame"]).await;
}

#[tokio::test]
async fn the_table_is_readable_in_eighty_columns() {
    let report = report(Fault::Alter).await;
    let table = report.to_string();
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("red") && table.contains("altered 1") && table.ends_with("NOT EXACT"), "{table}");
}
