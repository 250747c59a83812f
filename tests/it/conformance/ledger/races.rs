//! Many at once: each voter counts once, each id has one receipt, and changes replace each other one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use hustings::ledger::{Addressed, Answer, Committed, ElectionKey, Ledger};
use hustings_core::{Change, Measure};
use tokio::task::JoinSet;

use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

const TASKS: u32 = 64;
const ROUNDS: u32 = 8;
const VOTERS: u32 = 24;

/// Every task sends its batches one after another, all tasks at once; gives each submission with its answer.
async fn race(backend: &dyn Backend, batches: impl Fn(u32, u32) -> Vec<Addressed>) -> Vec<Answer> {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let ledger: Arc<dyn Ledger> = backend.ledger();
        let batches: Vec<_> = (0..ROUNDS).map(|round| batches(task, round)).collect();
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for batch in batches {
                let Committed { answers: answered, advances } = ledger.append(batch).await.expect("a batch");
                let moved = answered.iter().any(|answer| matches!(answer, Answer::Accepted(_) | Answer::Changed(_)));
                assert_eq!(!advances.is_empty(), moved, "an advance if and only if something was accepted");
                answers.extend(answered);
            }
            answers
        });
    }
    tasks.join_all().await.concat()
}

async fn ballots(backend: &dyn Backend, key: ElectionKey) -> u64 {
    audit_election(backend, key).await.tally.total(FIRST, Measure::Ballots).get()
}

/// How often each answer was given, by its first words.
fn counted(answers: &[Answer]) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let words = words(answer);
        let kind = words.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    counts
}

pub(super) async fn racing_voters_are_counted_once(backend: &dyn Backend) {
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    let choice = |task: u32| u16::try_from(task % 3).expect("a choice");
    let answers = race(backend, |task, round| {
        (0..3)
            .map(|n| (task * 5 + round * 3 + n) % VOTERS)
            .map(|from| vote(from, choice(task)).to(key))
            .chain([vote(round, TEA).to(other)])
            .collect()
    })
    .await;
    let counts = counted(&answers);
    assert_eq!(counts["accepted"], VOTERS + ROUNDS, "one for each voter in each poll: {counts:?}");
    let allowed = ["accepted", "refused already_voted", "repeated"];
    assert!(counts.keys().all(|kind| allowed.contains(&kind.as_str())), "{counts:?}");
    assert_eq!([ballots(backend, key).await, ballots(backend, other).await], [u64::from(VOTERS), ROUNDS.into()]);
}

pub(super) async fn racing_retries_get_one_receipt(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    let answers = race(backend, |task, round| {
        (0..3).map(|n| (task + round * 3 + n) % VOTERS).map(|from| vote(from, TEA).id(from + 1).to(key)).collect()
    })
    .await;
    let counts = counted(&answers);
    assert_eq!((counts["accepted"], counts["repeated"]), (VOTERS, TASKS * ROUNDS * 3 - VOTERS), "{counts:?}");
    let mut receipts = BTreeMap::new();
    for stored in answers.iter().filter_map(entry_of) {
        let hustings_core::Event::BallotCast(ballot) = &stored.entry.event else { panic!("{stored:?} is no ballot") };
        let first = receipts.entry(ballot.id).or_insert(stored);
        assert_eq!(*first, stored, "another receipt for the same id");
    }
    assert_eq!(ballots(backend, key).await, u64::from(VOTERS));
}

pub(super) async fn racing_changes_replace_each_other_one_by_one(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    let choice = |number: u32| u16::try_from(number % 3).expect("a choice");
    let answers = race(backend, |task, round| {
        let from = (task + round) % VOTERS;
        let id = 1_000 + task * 100 + round;
        vec![
            vote(from, choice(task + round)).group(choice(task)).id(id).to(key),
            vote((from + 1) % VOTERS, choice(task)).to(key),
            vote(from, choice(task + round + 1)).id(id + 50).to(key),
        ]
    })
    .await;
    let counts = counted(&answers);
    assert_eq!(counts["accepted"], VOTERS, "{counts:?}");
    let fold = audit_election(backend, key).await;
    assert_eq!(fold.seq.0, u64::from(1 + counts["accepted"] + counts["changed"]), "an entry for each that counted");
    let ballots = fold.tally.iter().filter(|(cell, _)| cell.measure == Measure::Ballots).map(|(_, n)| n.get());
    assert_eq!(ballots.sum::<u64>(), u64::from(VOTERS), "in one group each");
}
