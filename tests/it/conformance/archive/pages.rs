//! What a store gives: cuts, submission ids, tokens, counts.

use std::sync::atomic::{AtomicBool, Ordering};

use hustings::ledger::{Census, Cut, Submitted, TokenId};
use hustings_core::{ActKind, Change, Fold, Seq, Time};

use super::{elections, eventful, make_token};
use crate::conformance::Backend;
use crate::conformance::night::*;
use crate::conformance::support::*;

pub(super) async fn definition_and_head_are_of_one_instant(backend: &dyn Backend) {
    const ROUNDS: u32 = 30;
    let key = opened(backend, Change::Final).await;
    let definition = elections(backend).await.swap_remove(0).election;
    let (begun, done) = (tokio::sync::Notify::new(), AtomicBool::new(false));
    let running = async {
        let mut contest = definition.contests[0].clone();
        for round in 0..ROUNDS {
            let number = hustings_core::ContestNumber(round);
            let next = next_round(&hustings_core::Election { contests: vec![contest], ..(*definition).clone() });
            contest = next.clone();
            let on = |contest, kind| to(key, hustings_core::Submission::Act(act_on(contest, kind)));
            let next_number = next.number;
            append(backend, vec![on(number, CLOSE)]).await;
            append(backend, vec![on(number, ActKind::StartRound(Box::new(next))), on(next_number, OPEN)]).await;
            begun.notify_one();
        }
        done.store(true, Ordering::SeqCst);
    };
    let cutting = async {
        let mut cuts: Vec<Cut> = Vec::new();
        begun.notified().await;
        while !done.load(Ordering::SeqCst) {
            cuts.extend(backend.archive().cuts(None, 10).await.expect("the cuts"));
        }
        cuts
    };
    let (cuts, ()) = tokio::join!(cutting, running);
    assert!(cuts.iter().any(|cut| cut.registered.election.contests.len() < ROUNDS as usize), "no cut in the middle");
    let entries = backend.ledger().read(key, Seq(0), 10_000).await.expect("a page");
    for Cut { registered, head } in cuts {
        let mut fold = Fold::new(&registered.election);
        for stored in entries.iter().take_while(|stored| stored.entry.seq <= head.seq) {
            fold.apply(&stored.bytes).expect("a sound ledger");
        }
        assert_eq!((fold.seq, fold.time, fold.chain), (head.seq, head.time, head.chain));
        assert_eq!(registered.election.contests.len(), fold.state.contests.len(), "rounds at entry {}", head.seq);
    }
}

pub(super) async fn cuts_follow_each_other(backend: &dyn Backend) {
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(opened(backend, Change::Final).await);
    }
    let heads = backend.ledger().heads(&keys).await.expect("the heads");
    for (after, limit, expected) in [
        (None, 10, 0..5),
        (None, 2, 0..2),
        (Some(1), 2, 2..4),
        (Some(4), 2, 5..5),
        (None, 0, 0..0),
        (Some(0), usize::MAX, 1..5),
    ] {
        let cuts = backend.archive().cuts(after.map(|place: usize| keys[place]), limit).await.expect("the cuts");
        let found: Vec<_> = cuts.iter().map(|cut| (cut.registered.key, cut.head)).collect();
        assert_eq!(found, heads[expected], "after {after:?}, at most {limit}");
    }
}

pub(super) async fn ids_of_repeats_are_given_too(backend: &dyn Backend) {
    let [changing, standing] = eventful(backend).await;
    for (key, after, up_to, limit, expected) in [
        (changing, None, 99, 10, &[(1, 2), (2, 2), (3, 4), (4, 4), (5, 8)][..]),
        (changing, None, 4, 10, &[(1, 2), (2, 2), (3, 4), (4, 4)]),
        (changing, None, 2, 10, &[(1, 2), (2, 2)]),
        (changing, None, 1, 10, &[]),
        (changing, Some(2), 99, 2, &[(3, 4), (4, 4)]),
        (changing, Some(5), 99, 2, &[]),
        (standing, None, 99, 10, &[(1, 2), (8, 3), (9, 2)]),
        (standing, None, 99, 0, &[]),
    ] {
        let id = |number: u32| hustings_core::SubmissionId(uuid::Uuid::from_u128(number.into()));
        let found = backend.archive().submissions(key, after.map(id), Seq(up_to), limit).await.expect("a page");
        let expected: Vec<_> = expected.iter().map(|(n, seq)| Submitted { id: id(*n), seq: Seq(*seq) }).collect();
        assert_eq!(found, expected, "{key:?} after {after:?}, up to {up_to}, at most {limit}");
    }
}

pub(super) async fn tokens_are_given_with_their_hashes(backend: &dyn Backend) {
    for number in [9, 1, 5] {
        make_token(backend, number).await;
    }
    let listed = backend.registry().tokens().await.expect("the tokens");
    assert!(backend.registry().revoke_token(listed[1].id, Time(7)).await.expect("a revocation"));
    let listed = backend.registry().tokens().await.expect("the tokens");
    for (after, limit, expected) in [(None, 10, 0..3), (None, 2, 0..2), (Some(0), 5, 1..3), (Some(2), 5, 3..3)] {
        let after: Option<TokenId> = after.map(|place: usize| listed[place].id);
        let page = backend.archive().hashed_tokens(after, limit).await.expect("a page");
        let tokens: Vec<_> = page.iter().map(|one| one.token.clone()).collect();
        assert_eq!(tokens, listed[expected.clone()], "after {after:?}, at most {limit}");
        let hashes: Vec<_> = page.iter().map(|one| one.hash[31]).collect();
        assert_eq!(hashes, [9, 1, 5][expected], "after {after:?}, at most {limit}");
    }
}

pub(super) async fn rows_are_counted(backend: &dyn Backend) {
    let [changing, standing] = eventful(backend).await;
    for (key, ballots, submissions, cases) in [(changing, 3, 5, 3), (standing, 2, 3, 0)] {
        let census = backend.archive().census(key).await.expect("a census");
        let of_votes = Census { ballots, submissions, units: 0, reports: 0, counted: 0, cases };
        assert_eq!(census, of_votes, "{key:?}");
    }
    let key = night(backend).await;
    let batch = vec![
        report(ONE, [1, 0, 0]).id(1).to(key),
        report(ONE, [2, 0, 0]).next().to(key),
        report(ONE, [2, 0, 0]).of(SECOND).to(key),
        report(POST, [2, 0, 0]).provisional().to(key),
        report(TWO, [2, 0, 0]).to(key),
        report(TWO, [0; 3]).withdrawn().next().to(key),
    ];
    append(backend, batch).await;
    let census = backend.archive().census(key).await.expect("a census");
    assert_eq!(census, Census { ballots: 0, submissions: 1, units: 7, reports: 6, counted: 3, cases: 0 });
}
