//! Runs against a stub: what is answered, lost, refused and stopped ends where it should.

use std::future::pending;

use hustings_core::Time;

use super::*;
use crate::load::stub::{Fault, Stub};
use crate::load::{Contradiction, Counts, Mix};

const MIX: Mix = Mix { repeats_percent: 5, second_votes_percent: 2 };

async fn job_at(stub: &Stub, connections: usize) -> Job {
    let api = Api::new(&stub.url, "token").await.unwrap();
    let poll = api.create_poll("Colours", &["Red", "Green", "Blue"]).await.unwrap();
    let counts = poll.choices().iter().map(|choice| choice.code.clone()).zip([500, 300, 200]).collect();
    let plan = Arc::new(Plan::new(counts, MIX, 42, Time(1_384_300_800_000)).unwrap());
    Job::new(api, plan, Target::votes(&poll), connections)
}

#[tokio::test]
async fn an_honest_server_counts_every_vote_once() {
    let stub = Stub::start(Fault::None).await;
    let progress = Arc::new(Progress::default());
    let outcome = run(job_at(&stub, 16).await, Arc::clone(&progress), pending()).await;
    let Counts { counted, repeated, already_voted, .. } = outcome.counts;
    assert_eq!((counted, repeated, already_voted), (1000, 50, 20));
    assert_eq!(outcome.contradiction_samples, []);
    assert!(outcome.is_clean(), "{:?}", outcome.errors);
    assert_eq!((outcome.acknowledged().count(), outcome.in_doubt(), outcome.retries), (1000, vec![], 0));
    assert_eq!(outcome.latency.count(), 1070);
    let seen = progress.seen();
    assert_eq!((seen.sent, seen.answered, seen.acknowledged, seen.errors), (1070, 1070, 1000, 0));
    assert_eq!(progress.take_latency().count(), 1070);
}

#[tokio::test]
async fn lost_answers_and_busy_servers_are_retried_until_every_vote_counts() {
    for fault in [Fault::LoseAnswers, Fault::Busy] {
        let stub = Stub::start(fault).await;
        let outcome = run(job_at(&stub, 16).await, Arc::default(), pending()).await;
        assert_eq!(outcome.receipts().acknowledged(), 1000, "{fault:?}");
        assert_eq!(outcome.contradiction_samples, [], "{fault:?}");
        assert!(outcome.retries > 100 && outcome.in_doubt().is_empty(), "{fault:?}");
        assert!(!outcome.is_clean(), "retries are absorbed, not hidden");
    }
}

#[tokio::test]
async fn lies_are_noted() {
    let stub = Stub::start(Fault::NewReceipt).await;
    let outcome = run(job_at(&stub, 1).await, Arc::default(), pending()).await;
    assert_eq!(outcome.contradictions, 50);
    assert!(matches!(outcome.contradiction_samples[0], Contradiction::OtherReceipt(_)));
    let stub = Stub::start(Fault::SecondVotes).await;
    let outcome = run(job_at(&stub, 1).await, Arc::default(), pending()).await;
    assert_eq!(outcome.contradictions, 20);
}

#[tokio::test]
async fn a_stopped_run_hands_back_what_is_in_doubt() {
    let stub = Stub::start(Fault::Silent).await;
    let progress = Arc::new(Progress::default());
    let watched = Arc::clone(&progress);
    let all_sent = async move {
        while watched.seen().sent < 8 {
            tokio::task::yield_now().await;
        }
    };
    let outcome = run(job_at(&stub, 8).await, progress, all_sent).await;
    let in_doubt = outcome.in_doubt();
    assert_eq!(in_doubt.len(), outcome.receipts().in_doubt().count());
    // A repeat that directly follows its vote is the same vote.
    assert!((4..=8).contains(&in_doubt.len()), "{in_doubt:?}");
    assert_eq!(outcome.receipts().acknowledged(), 0);
}

#[tokio::test]
async fn a_second_run_of_the_same_plan_confirms_the_first() {
    let stub = Stub::start(Fault::None).await;
    let first = job_at(&stub, 8).await;
    let (api, plan, target) = (first.api.clone(), Arc::clone(&first.plan), first.target.clone());
    let receipts = run(first, Arc::default(), pending()).await.into_receipts();
    let mut again = Job::new(api, plan, target, 8);
    again.before = Some(receipts);
    let outcome = run(again, Arc::default(), pending()).await;
    assert_eq!((outcome.counts.counted, outcome.counts.repeated), (0, 1050));
    assert!(outcome.is_clean(), "{:?}", outcome.contradiction_samples);
}

#[tokio::test]
async fn nobody_at_home_is_given_up_and_not_in_doubt() {
    let stub = Stub::start(Fault::None).await;
    let mut job = job_at(&stub, 2).await;
    drop(stub);
    job.retry_for = Duration::ZERO;
    let outcome = run(job, Arc::default(), pending()).await;
    assert_eq!(outcome.counts.given_up, 1050);
    assert_eq!((outcome.in_doubt(), outcome.unsent), (vec![], 20));
}

#[tokio::test]
async fn an_open_loop_keeps_its_rate_and_measures_from_when_attempts_were_due() {
    let stub = Stub::start(Fault::None).await;
    let mut job = job_at(&stub, 4).await;
    job.pace = Pace::PerSecond(2000.0);
    job.run_for = Some(Duration::from_millis(250));
    let outcome = run(job, Arc::default(), pending()).await;
    let sent = outcome.latency.count();
    assert!((400..=501).contains(&sent), "{sent} in a quarter of a second");
    assert!(outcome.elapsed >= Duration::from_millis(240));
    // One connection that answers nothing for as long as its patience lasts makes every later voter late.
    let stub = Stub::start(Fault::Silent).await;
    let mut job = job_at(&stub, 1).await;
    (job.pace, job.patience, job.retry_for) = (Pace::PerSecond(1000.0), Duration::from_millis(50), Duration::ZERO);
    job.run_for = Some(Duration::from_millis(5));
    let outcome = run(job, Arc::default(), pending()).await;
    assert!(outcome.elapsed >= Duration::from_millis(250), "{:?}", outcome.elapsed);
    assert_eq!(outcome.counts.given_up, 6);
}

#[tokio::test]
async fn the_noop_takes_the_same_requests() {
    let stub = Stub::start(Fault::None).await;
    let mut job = job_at(&stub, 4).await;
    job.target = Target::Noop;
    let outcome = run(job, Arc::default(), pending()).await;
    assert_eq!(outcome.counts.noop, 1050);
}
