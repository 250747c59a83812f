//! A plan is what it says, and says the same each time.

use std::collections::HashMap;

use super::*;

fn plan(mix: Mix, seed: u64) -> Arc<Plan> {
    let counts = vec![("a".to_owned(), 5000), ("b".to_owned(), 3000), ("c".to_owned(), 2000)];
    Arc::new(Plan::new(counts, mix, seed, Time(1_384_300_800_000)).unwrap())
}

const MIX: Mix = Mix { repeats_percent: 5, second_votes_percent: 1 };

#[test]
fn the_same_seed_gives_the_same_attempts_and_another_seed_others() {
    let all: Vec<_> = plan(MIX, 7).attempts().collect();
    assert_eq!(all, plan(MIX, 7).attempts().collect::<Vec<_>>());
    let others: Vec<_> = plan(MIX, 8).attempts().collect();
    assert_eq!(all.len(), others.len());
    assert!(all.iter().zip(&others).all(|(one, other)| one.submission != other.submission));
}

#[test]
fn totals_and_shares_are_exact() {
    let plan = plan(MIX, 1);
    let mut votes = [0; 3];
    let mut kinds = HashMap::new();
    for attempt in plan.attempts() {
        *kinds.entry(attempt.kind).or_insert(0) += 1;
        if attempt.kind == AttemptKind::First {
            votes[attempt.choice.index()] += 1;
        }
    }
    assert_eq!(votes, [5000, 3000, 2000]);
    assert_eq!(kinds[&AttemptKind::Repeat], 500);
    assert_eq!(kinds[&AttemptKind::SecondVote], 100);
    assert_eq!(plan.attempts_in_all(), 10_600);
}

#[test]
fn a_repeat_is_the_same_request_and_a_second_vote_another_one() {
    let plan = plan(MIX, 3);
    let mut first = HashMap::new();
    let mut ids = HashMap::new();
    for attempt in plan.attempts() {
        match attempt.kind {
            AttemptKind::First => {
                assert!(first.insert(attempt.voter, attempt).is_none(), "one first vote a voter");
                assert!(ids.insert(attempt.submission, attempt.voter).is_none(), "ids are unique");
            }
            AttemptKind::Repeat => {
                let before = first[&attempt.voter];
                assert_eq!((before.submission, before.choice), (attempt.submission, attempt.choice));
            }
            AttemptKind::SecondVote => {
                assert_ne!(first[&attempt.voter].choice, attempt.choice);
                assert!(ids.insert(attempt.submission, attempt.voter).is_none(), "ids are unique");
            }
        }
    }
}

#[test]
fn ids_are_version_7_and_in_order_of_time() {
    let plan = plan(Mix::default(), 5);
    let mut last = 0;
    for attempt in plan.attempts() {
        assert_eq!(attempt.submission.0.get_version_num(), 7);
        let ms = bits(attempt.submission) >> 80;
        assert!(ms >= last && ms >= 1_384_300_800_000);
        last = ms;
    }
}

#[test]
fn impossible_plans_are_refused() {
    let one = || vec![("a".to_owned(), 1)];
    let check = |counts, mix, expected| {
        assert_eq!(Plan::new(counts, mix, 0, Time(0)).err(), expected);
    };
    check(one(), Mix::default(), None);
    check(vec![], Mix::default(), Some(PlanError::Empty));
    check(vec![("a".to_owned(), VOTERS_MAX), ("b".to_owned(), 1)], Mix::default(), Some(PlanError::TooManyVoters));
    check(one(), Mix { repeats_percent: 101, second_votes_percent: 0 }, Some(PlanError::Percentage));
    check(one(), MIX, Some(PlanError::OneChoice));
}
