//! Whole copies: equal, resumed, of a source that goes on.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use hustings::ledger::{Copied, Progress, copy};
use hustings::tally::{VerifyError, verify};
use hustings_core::{ActKind, Change, Seq, Time};

use super::{begun, copied, elections, eventful, everything, make_token, paged};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit, audit_election};

/// What late retries and second votes must be told by each store that holds [`eventful`].
async fn remembers_every_voter(store: &dyn Backend, [changing, standing]: [hustings::ledger::ElectionKey; 2]) {
    let late = vec![
        vote(ANN, TEA).id(1).to(changing),
        vote(ANN, TEA).id(2).to(changing),
        vote(ANN, MILK).id(4).to(changing),
        vote(BOB, MILK).id(2).to(changing),
        vote(ANN, TEA).id(9).to(standing),
        vote(ANN, TEA).id(1).to(standing),
        vote(ANN, MILK).id(7).to(standing),
        vote(BOB, MILK).to(standing),
    ];
    let expected = [
        "superseded 2",
        "superseded 2",
        "repeated 4",
        "refused id_reused",
        "repeated 2",
        "repeated 2",
        "refused already_voted 2",
        "repeated 3",
    ];
    assert_eq!(answers(store, late).await, expected);
}

pub(super) async fn a_copy_is_the_same_installation(backend: &dyn Backend) {
    let keys = eventful(backend).await;
    let target = backend.another().await;
    let (from, to) = (backend.archive(), target.archive());
    let mut seen = Vec::new();
    let mut note = |progress: Progress<'_>| seen.push((progress.registered.key, progress.copied, progress.of));
    assert_eq!(copy(from.as_ref(), to.as_ref(), &mut note).await.expect("a copy"), Copied::Now);
    let steps = [(keys[0], 0, 8), (keys[0], 8, 8), (keys[1], 0, 3), (keys[1], 3, 3)];
    assert_eq!(seen, steps.map(|(key, copied, of)| (key, Seq(copied), Seq(of))), "from beginning to end");
    let verified = verify(&from, &to).await.expect("the same");
    let ballots: Vec<_> =
        verified.iter().map(|one| (one.registered.key, one.census.ballots, one.published == one.counted)).collect();
    assert_eq!(ballots, [(keys[0], 3, true), (keys[1], 2, true)]);
    to.complete().await.expect("complete");
    assert_eq!(everything(from.as_ref()).await, everything(to.as_ref()).await);
    let ours = backend.ledger().heads(&keys).await.expect("the heads");
    let theirs = target.ledger().heads(&keys).await.expect("the heads");
    for ((key, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
        assert_ne!(ours.epoch, theirs.epoch, "{key:?} lives the same life in two places");
        assert_eq!((ours.seq, ours.time, ours.chain), (theirs.seq, theirs.time, theirs.chain));
    }
    for store in [backend, target.as_ref()] {
        remembers_every_voter(store, keys).await;
        assert!(store.registry().token([1; 32]).await.expect("a look-up").is_some());
        assert!(store.registry().token([2; 32]).await.expect("a look-up").is_none(), "a revoked token opens nothing");
        assert_eq!(answers(store, vec![vote(CAT, TEA).round(SECOND).to(keys[0])]).await, ["accepted 9"]);
    }
    audit(target.as_ref()).await;
    assert_eq!(audit_election(backend, keys[0]).await.tally, audit_election(target.as_ref(), keys[0]).await.tally);
    // A complete copy has a life of its own: it is compared and never written to.
    assert_eq!(copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("nothing to do"), Copied::Before);
    append(backend, vec![vote(7, TEA).round(SECOND).to(keys[0])]).await;
    assert_eq!(copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("nothing to do"), Copied::Before);
    assert!(matches!(verify(&from, &to).await, Err(VerifyError::Moved)));
    assert!(matches!(verify(&to, &from).await, Err(VerifyError::Differs { what: "the head", .. })));
}

pub(super) async fn a_copy_goes_on_where_it_stopped(backend: &dyn Backend) {
    let keys = eventful(backend).await;
    let all = everything(backend.archive().as_ref()).await;
    let from = backend.archive();
    // After each page that a run may have written last.
    for written in 0..=paged(&all, 2).len() {
        let target = begun(backend).await;
        for page in paged(&all, 2).into_iter().take(written) {
            target.archive().import(page).await.expect("a page");
        }
        copied(&from, &target.archive()).await;
        assert_eq!(everything(target.archive().as_ref()).await, all, "after {written} pages");
        remembers_every_voter(target.as_ref(), keys).await;
        audit(target.as_ref()).await;
    }
    // At the first step of a run that ends there, at the second of the next one, and so on, until one has no such step.
    let (target, mut cuts) = (backend.another().await, Vec::new());
    for last in 1.. {
        let (to, mut steps) = (target.archive(), Vec::new());
        let mut end = |progress: Progress<'_>| {
            steps.push((progress.registered.key, progress.copied));
            if steps.len() == last {
                std::panic::resume_unwind(Box::new("cut off"));
            }
        };
        let run = AssertUnwindSafe(copy(from.as_ref(), to.as_ref(), &mut end)).catch_unwind().await;
        let is_whole = run.map(|done| done.expect("a copy")).is_ok();
        cuts.push(steps);
        if is_whole {
            break;
        }
    }
    let [one, other] = keys;
    let [begun, first, second] = [(one, Seq(0)), (one, Seq(8)), (other, Seq(3))];
    let expected = [vec![begun], vec![begun, first], vec![first, (other, Seq(0)), second], vec![first, second]];
    assert_eq!(cuts, expected, "three runs were cut off, and the fourth one found all there");
    target.archive().complete().await.expect("complete");
    assert_eq!(everything(target.archive().as_ref()).await, all);
    audit(target.as_ref()).await;
}

pub(super) async fn a_copy_follows_a_source_that_went_on(backend: &dyn Backend) {
    let keys = eventful(backend).await;
    let target = backend.another().await;
    let (from, to) = (backend.archive(), target.archive());
    copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("a copy that is not completed");
    let definition = elections(backend).await.swap_remove(0).election;
    let round = ActKind::StartRound(Box::new(next_round(&definition)));
    let batch = vec![
        vote(CAT, TEA).round(SECOND).id(20).to(keys[0]),
        vote(CAT, TEA).round(SECOND).id(21).to(keys[0]),
        self::to(keys[0], hustings_core::Submission::Act(act_on(SECOND, CLOSE))),
        self::to(keys[0], hustings_core::Submission::Act(act_on(SECOND, round))),
        vote(CAT, TEA).to(keys[1]),
    ];
    append(backend, batch).await;
    let later = opened(backend, Change::Final).await;
    make_token(backend, 3).await;
    assert!(backend.registry().revoke_token(hustings::ledger::TokenId(1), Time(70)).await.expect("a revocation"));
    assert!(matches!(verify(&from, &to).await, Err(VerifyError::Moved)));
    copied(&from, &to).await;
    assert_eq!(verify(&from, &to).await.expect("the same").last().map(|one| one.registered.key), Some(later));
    assert_eq!(everything(from.as_ref()).await, everything(to.as_ref()).await);
    audit(target.as_ref()).await;
}

pub(super) async fn a_copy_made_while_votes_go_on_is_a_beginning(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    let (begun, done) = (tokio::sync::Notify::new(), AtomicBool::new(false));
    let target = backend.another().await;
    let voting = async {
        let mut from = 100;
        while !done.load(Ordering::SeqCst) || from < 110 {
            let votes = [vote(from, MILK).id(from), vote(from, MILK).id(from + 100_000), vote(from, TEA)];
            append(backend, votes.map(|vote| vote.to(key)).into()).await;
            from += 1;
            begun.notify_one();
        }
    };
    let copying = async {
        begun.notified().await;
        copied(&backend.archive(), &target.archive()).await;
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(voting, copying);
    audit(target.as_ref()).await;
    let [ours, theirs] = [backend.archive(), target.archive()];
    let (ours, theirs) = (everything(ours.as_ref()).await, everything(theirs.as_ref()).await);
    let ((_, entries, _), (_, copied, submissions)) = (&ours.elections[0], &theirs.elections[0]);
    assert!(entries.starts_with(copied) && copied.len() > 1, "the copy is a beginning of the ledger");
    assert!(
        submissions.iter().all(|one| copied.iter().any(|stored| stored.entry.seq == one.seq)),
        "ids of later entries"
    );
    assert!(submissions.len() > 1, "no ids in the copy");
}
