//! The network between a node and its database loses every packet: who waits is answered all the same, what was under way
//! is settled before anything that came later, and a retry says what became of it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hustings::ingest::{Ingest, IngestError, Limits};
use hustings::ledger::{Answer, ElectionKey, LedgerError};
use hustings_core::Seq;
use tokio::task::JoinHandle;

use super::proxy::{Cut, Gate, Proxy};
use super::{ballots, final_poll, two_nodes};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

/// What is promised to every voter.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);

/// Votes at the door of a node, from a task of its own.
fn cast(ingest: &Ingest, vote: Vote, key: ElectionKey) -> JoinHandle<&'static str> {
    let (ingest, addressed) = (ingest.clone(), vote.to(key));
    tokio::spawn(async move {
        match ingest.submit(addressed.election, addressed.submission).await {
            Ok(Answer::Accepted(_)) => "accepted",
            Ok(Answer::Repeated(_)) => "repeated",
            Err(IngestError::Ledger(LedgerError::InDoubt)) => "in doubt",
            Err(IngestError::Ledger(LedgerError::Unavailable(_))) => "not stored",
            other => panic!("{other:?}"),
        }
    })
}

async fn silence_around_a_commit(cut: Cut, is_stored: bool) {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    let key = final_poll(&other).await;
    let places = Arc::<Mutex<Vec<(Seq, Seq)>>>::default();
    let told = Arc::clone(&places);
    let hand_on = Arc::new(move |advance: Arc<hustings::ledger::Advance>| {
        told.lock().expect("no panic while it is told").push((advance.before.seq, advance.after.seq));
    });
    let (ingest, batcher) = Ingest::new(node.ledger(), Limits::default(), hand_on);
    tokio::spawn(batcher);
    let [ann, bob, cat] = [ANN, BOB, CAT].map(|voter| vote(voter, TEA).id(voter));

    proxy.cut(cut);
    let began = Instant::now();
    let first = cast(&ingest, ann.clone(), key);
    proxy.happened().await;
    let behind = cast(&ingest, bob.clone(), key);
    assert_eq!(first.await.expect("an answer"), "in doubt", "it was on its way");
    assert_eq!(behind.await.expect("an answer"), "not stored", "it waited behind that");
    assert!(began.elapsed() < ANSWERED_WITHIN, "answered after {:?}", began.elapsed());
    assert!(places.lock().expect("no panic while it is told").is_empty(), "nothing is settled yet");

    let later = cast(&ingest, cat, key);
    proxy.gate(Gate::Open);
    assert_eq!(later.await.expect("an answer"), "accepted");
    let stored = 1 + u64::from(is_stored);
    assert_eq!(ballots(&other, key).await, stored, "who was told that nothing was stored is not counted");
    let settled: Vec<_> = (1..=stored).map(|seq| (Seq(seq), Seq(seq + 1))).collect();
    assert_eq!(*places.lock().expect("no panic while it is told"), settled, "one behind the other");
    let again = if is_stored { "repeated" } else { "accepted" };
    assert_eq!(cast(&ingest, ann, key).await.expect("an answer"), again);
    assert_eq!(cast(&ingest, bob, key).await.expect("an answer"), "accepted");
    assert_eq!(audit_election(&other, key).await.seq, Seq(4), "each counted once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_was_stored_in_silence_is_in_doubt_and_then_repeated() {
    silence_around_a_commit(Cut::SilenceAfter, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_that_was_lost_in_silence_is_in_doubt_and_then_accepted() {
    silence_around_a_commit(Cut::SilenceBefore, false).await;
}
