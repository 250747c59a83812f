//! Other lives of a ledger: another epoch, a backup.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use hustings::ledger::{FoldText, NewToken, Scope, Scopes, Wanted};
use hustings_core::{Change, Seq, Time};

use crate::conformance::support::*;
use crate::conformance::{Backend, audit, audit_election};

pub(super) async fn every_ledger_gets_another_epoch(backend: &dyn Backend) {
    let mut keys = vec![drafted(backend, Default::default()).await];
    for _ in 0..3 {
        keys.push(opened(backend, Change::Final).await);
    }
    append(backend, vec![vote(ANN, TEA).id(1).to(keys[1])]).await;
    let ledger = backend.ledger();
    let before = ledger.heads(&keys).await.expect("the heads");
    let fold = audit_election(backend, keys[1]).await;
    ledger
        .save_snapshot(keys[1], before[1].1.epoch, &FoldText::of(keys[1], &fold).expect("a text"))
        .await
        .expect("a fold is kept");

    ledger.renew_epochs(None).await.expect("new epochs");
    let after = ledger.heads(&keys).await.expect("the heads");
    for ((key, before), (_, after)) in before.iter().zip(&after) {
        assert_ne!(before.epoch, after.epoch, "{key:?} keeps its epoch");
        assert_eq!((before.seq, before.time, before.chain), (after.seq, after.time, after.chain), "{key:?} moved");
    }
    let epochs: BTreeSet<_> = before.iter().chain(&after).map(|(_, head)| head.epoch).collect();
    assert_eq!(epochs.len(), 2 * keys.len(), "no epoch twice");
    let kept = ledger.snapshot(keys[1], after[1].1.epoch, Seq(9)).await.expect("a look-up");
    assert_eq!(kept, None, "a fold of the earlier life");

    let (answered, advances) =
        append(backend, vec![vote(ANN, TEA).id(1).to(keys[1]), vote(BOB, TEA).to(keys[1])]).await;
    assert_eq!(answered.iter().map(words).collect::<Vec<_>>(), ["repeated 2", "accepted 3"]);
    assert_eq!((advances[0].before, advances[0].after.epoch), (after[1].1, after[1].1.epoch));
}

pub(super) async fn a_backup_is_a_whole_ledger_while_votes_go_on(backend: &dyn Backend) {
    let [key, other] = [opened(backend, Change::UntilClose).await, opened(backend, Change::Final).await];
    append(backend, vec![vote(ANN, TEA).id(1).to(key), vote(ANN, TEA).id(2).to(key), vote(BOB, TEA).to(other)]).await;
    let token = NewToken {
        name: "gateway".to_owned(),
        hash: [9; 32],
        scopes: Scopes(vec![Scope::Vote]),
        per_minute: None,
        created: Time(5),
        election: None,
        unit: None,
    };
    backend.registry().create_token(token).await.expect("a token");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("copy.db");

    // Votes that begin before the copy and end after it.
    let (begun, done) = (tokio::sync::Notify::new(), AtomicBool::new(false));
    let voting = async {
        let mut from = 100;
        while !done.load(Ordering::SeqCst) || from < 110 {
            append(backend, vec![vote(from, MILK).to(key), vote(from, TEA).id(from).to(key)]).await;
            from += 1;
            begun.notify_one();
        }
    };
    let copying = async {
        begun.notified().await;
        backend.ledger().backup(&file).await.expect("a backup");
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(voting, copying);
    let left = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 1, "the copy and nothing else");

    let copy = backend.restore(&file).await;
    audit(copy.as_ref()).await;
    for key in [key, other] {
        let wanted = || Wanted::Key(key);
        let [here, there] = [backend, copy.as_ref()].map(|store| async move {
            let found = store.registry().election(wanted()).await.expect("the registry").expect("the election");
            (found.election, store.ledger().read(key, Seq(0), 50_000).await.expect("a page"))
        });
        let ((defined, entries), (copied, prefix)) = (here.await, there.await);
        assert_eq!(defined, copied, "the definition");
        assert!(entries.starts_with(&prefix) && prefix.len() > 1, "the copy is a beginning of the ledger");
    }
    assert!(copy.registry().token([9; 32]).await.expect("a look-up").is_some(), "tokens are copied");
    let late = vec![vote(ANN, TEA).id(2).to(key), vote(ANN, MILK).id(1).to(key), vote(BOB, MILK).to(other)];
    assert_eq!(answers(copy.as_ref(), late).await, ["repeated 2", "refused id_reused", "refused already_voted 2"]);
    let here = backend.ledger().heads(&[other]).await.expect("the heads");
    append(copy.as_ref(), vec![vote(CAT, TEA).to(other)]).await;
    audit(copy.as_ref()).await;
    assert_eq!(backend.ledger().heads(&[other]).await.expect("the heads"), here, "a copy of its own");
}

pub(super) async fn a_backup_that_fails_leaves_nothing_behind(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = folder.path().join("missing").join("copy.db");
    assert!(backend.ledger().backup(&nowhere).await.is_err(), "there is no such folder");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);

    // A second copy takes the place of the first, and the first was whole until then.
    let file = folder.path().join("copy.db");
    for from in [ANN, BOB] {
        append(backend, vec![vote(from, TEA).to(key)]).await;
        backend.ledger().backup(&file).await.expect("a backup");
        let copy = backend.restore(&file).await;
        let [here, there] = [backend.ledger(), copy.ledger()];
        let [here, there] =
            [here.heads(&[key]).await, there.heads(&[key]).await].map(|heads| heads.expect("heads")[0].1);
        assert_eq!((here.seq, here.time, here.chain), (there.seq, there.time, there.chain), "after voter {from}");
    }
}
