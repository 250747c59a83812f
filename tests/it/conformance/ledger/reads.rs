//! Heads, pages, the vote that counts, and kept folds.

use hustings::ledger::{ElectionKey, FoldText, PAGE_BYTES_MAX, PAGE_MAX};
use hustings_core::{Chain, Change, Epoch, Event, Fold, Seq, Time};

use crate::conformance::night::{BEGUN, ONE, night, report};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

pub(super) async fn heads_are_where_ledgers_stand(backend: &dyn Backend) {
    let [draft, open] = [drafted(backend, Default::default()).await, opened(backend, Change::Final).await];
    let heads = backend.ledger().heads(&[open, ElectionKey(999), draft]).await.expect("the heads");
    assert_eq!(heads.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [open, draft], "unknown ones are left out");
    let (opened_at, drafted_at) = (heads[0].1, heads[1].1);
    assert_eq!((drafted_at.seq, drafted_at.time, drafted_at.chain), (Seq(0), Time(0), Chain::EMPTY));
    assert_eq!(opened_at.seq, Seq(1));
    assert_ne!(opened_at.epoch, drafted_at.epoch, "each ledger has an epoch of its own");
    assert!(backend.ledger().heads(&[]).await.expect("no heads").is_empty());

    let (_, advances) = append(backend, vec![vote(ANN, TEA).to(open)]).await;
    assert_eq!(backend.ledger().heads(&[open]).await.expect("the heads"), [(open, advances[0].after)]);
}

pub(super) async fn pages_follow_each_other(backend: &dyn Backend) {
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    append(backend, (0..9).map(|from| vote(from, TEA).to(key)).collect()).await;
    append(backend, (0..5).map(|from| vote(from, MILK).to(other)).collect()).await;
    for (after, limit, expected) in [
        (0, 100, 1..11_u64),
        (0, 10, 1..11),
        (0, 3, 1..4),
        (3, 3, 4..7),
        (9, 3, 10..11),
        (5, usize::MAX, 6..11),
        (5, 0, 1..1),
        (10, 3, 1..1),
        (11, 3, 1..1),
        (u64::MAX, 3, 1..1),
    ] {
        let page = backend.ledger().read(key, Seq(after), limit).await.expect("a page");
        let seqs = page.iter().map(|stored| stored.entry.seq.0);
        assert_eq!(seqs.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "after {after}, at most {limit}");
    }
    assert!(backend.ledger().read(ElectionKey(999), Seq(0), 10).await.expect("no page").is_empty());
}

pub(super) async fn a_page_has_a_limit(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    let voters = u32::try_from(PAGE_MAX).expect("a page") + 10;
    for first in (0..voters).step_by(10_000) {
        let batch = (first..voters.min(first + 10_000)).map(|from| vote(from, TEA).to(key)).collect();
        append(backend, batch).await;
    }
    let page = backend.ledger().read(key, Seq(5), usize::MAX).await.expect("a page");
    assert_eq!(page.len(), PAGE_MAX);
    assert_eq!(page.last().map(|stored| stored.entry.seq.0), Some(PAGE_MAX as u64 + 5));
    let rest = backend.ledger().read(key, Seq(PAGE_MAX as u64 + 5), usize::MAX).await.expect("the rest");
    assert_eq!(rest.len(), 6, "an opening and {voters} votes");
}

pub(super) async fn a_page_has_a_limit_in_bytes(backend: &dyn Backend) {
    let key = night(backend).await;
    let (one, in_all) = (1024 * 1024, 12);
    for revision in 1..=in_all {
        let large = report(ONE, [revision, 0, 0]).revision(revision).changed(|sent| sent.request = vec![b' '; one]);
        append(backend, vec![large.to(key)]).await;
    }
    let (mut place, mut sizes) = (Seq(BEGUN), Vec::new());
    loop {
        let page = backend.ledger().read(key, place, usize::MAX).await.expect("a page");
        let Some(last) = page.last() else { break };
        assert_eq!(page[0].entry.seq.0, place.0 + 1, "without gaps");
        place = last.entry.seq;
        sizes.push(page.len());
    }
    // Each entry is a little larger than its request, and none follows the one that reaches the limit.
    assert_eq!(sizes, [PAGE_BYTES_MAX / one, in_all as usize - PAGE_BYTES_MAX / one]);
    let page = backend.ledger().read(key, Seq(BEGUN), 3).await.expect("a page");
    assert_eq!(page.len(), 3);
}

pub(super) async fn the_vote_that_counts_is_found(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    let other = opened(backend, Change::UntilClose).await;
    append(backend, vec![vote(ANN, TEA).to(key), vote(BOB, TEA).to(key), vote(ANN, MILK).to(key)]).await;
    append(backend, vec![vote(BOB, COFFEE).to(key)]).await;
    append(backend, vec![vote(BOB, COFFEE).id(1).to(key), vote(ANN, UNKNOWN).to(key)]).await;
    for (what, key, contest, from, expected) in [
        ("a vote that changed within its batch", key, FIRST, ANN, Some((4, MILK))),
        ("a vote that changed later", key, FIRST, BOB, Some((5, COFFEE))),
        ("somebody who did not vote", key, FIRST, CAT, None),
        ("another contest", key, SECOND, ANN, None),
        ("another election", other, FIRST, ANN, None),
        ("no election", ElectionKey(999), FIRST, ANN, None),
    ] {
        let found = backend.ledger().ballot(key, contest, voter(from)).await.expect("a look-up");
        let seen = found.map(|stored| match &stored.entry.event {
            Event::BallotCast(ballot) => (stored.entry.seq.0, ballot.selections.clone()),
            other => panic!("{other:?} is no ballot"),
        });
        assert_eq!(seen, expected.map(|(seq, choice)| (seq, vote(from, choice).ballot().selections)), "{what}");
    }
}

/// The folds of a poll with a vote, a change and a close, after each entry.
async fn folds(backend: &dyn Backend, key: ElectionKey) -> Vec<Fold> {
    let mut folds = vec![audit_election(backend, key).await];
    for submission in [vote(ANN, TEA).sent(), vote(ANN, MILK).group(1).sent(), act(CLOSE)] {
        append(backend, vec![to(key, submission)]).await;
        folds.push(audit_election(backend, key).await);
    }
    folds
}

pub(super) async fn a_fold_is_kept_once(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    let (ledger, epoch) = (backend.ledger(), Epoch([1; 8]));
    for fold in folds(backend, key).await {
        for _ in 0..3 {
            ledger.save_snapshot(key, epoch, &FoldText::of(key, &fold).expect("a text")).await.expect("a fold is kept");
            assert_eq!(ledger.snapshot(key, epoch, fold.seq).await.expect("a look-up"), Some(fold.clone()));
        }
    }
}

pub(super) async fn the_latest_fold_of_an_epoch_is_found(backend: &dyn Backend) {
    let [key, other] = [opened(backend, Change::UntilClose).await, opened(backend, Change::UntilClose).await];
    let folds = folds(backend, key).await;
    let (ledger, early, late) = (backend.ledger(), Epoch([1; 8]), Epoch([0xff; 8]));
    // Not in order, and two of one place in two epochs.
    for (epoch, fold) in [(early, &folds[3]), (early, &folds[1]), (late, &folds[1]), (late, &folds[2])] {
        ledger.save_snapshot(key, epoch, &FoldText::of(key, fold).expect("a text")).await.expect("a fold is kept");
    }
    for (key, epoch, at, expected) in [
        (key, early, 0, None),
        (key, early, 1, None),
        (key, early, 2, Some(1)),
        (key, early, 3, Some(1)),
        (key, early, 4, Some(3)),
        (key, early, u64::MAX, Some(3)),
        (key, late, 1, None),
        (key, late, 2, Some(1)),
        (key, late, 9, Some(2)),
        (key, Epoch([2; 8]), 9, None),
        (other, early, 9, None),
        (ElectionKey(999), early, 9, None),
    ] {
        let found = ledger.snapshot(key, epoch, Seq(at)).await.expect("a look-up");
        assert_eq!(found.as_ref(), expected.map(|n: usize| &folds[n]), "at {at} in epoch {epoch}");
    }
}
