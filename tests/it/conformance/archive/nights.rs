//! Copies of elections of boxes: units, reports and the quarantine come along, also while reports go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hustings::ledger::{Archive, ElectionKey, NewToken, Scope, Scopes, Settled, copy};
use hustings::tally::verify;
use hustings_core::{Seq, Time, UnitNumber};

use super::{case, copied, everything, settled};
use crate::conformance::night::*;
use crate::conformance::support::*;
use crate::conformance::{Backend, audit, audit_election};

/// A night with corrections, a withdrawal, a retired box, a late box, cases that wait and that were settled, and a token.
async fn eventful_night(backend: &dyn Backend) -> ElectionKey {
    let key = night(backend).await;
    let batch = vec![
        report(ONE, [1, 2, 3]).id(1).to(key),
        report(ONE, [1, 2, 4]).id(2).next().to(key),
        report(ONE, [1, 2, 4]).id(3).revision(2).to(key),
        report(POST, [5, 0, 0]).provisional().to(key),
        report(ONE, [7, 0, 0]).of(SECOND).to(key),
        report(TWO, [9, 0, 0]).to(key),
        report(TWO, [0; 3]).withdrawn().next().to(key),
        to(key, retire(TWO)),
        to(key, add_units(vec![ballot_box("late", "oslo-1")])),
        report(UnitNumber(8), [4, 4, 4]).id(4).to(key),
        to(key, add_contest(race("third", 2, BERGEN))),
    ];
    append(backend, batch).await;
    for (digest, existing) in [(9, 6), (2, 6), (5, 9)] {
        backend.reports().quarantine(case(key, digest, existing)).await.expect("a case");
    }
    let filed = Settled { filed: Some(Seq(7)), reason: None, ..settled() };
    for (digest, settled) in [(2, settled()), (5, filed)] {
        assert!(backend.reports().settle(key, [digest; 32], settled).await.expect("a decision"));
    }
    let token = NewToken {
        name: "oslo".to_owned(),
        hash: [1; 32],
        scopes: Scopes(vec![Scope::Manage]),
        per_minute: None,
        created: Time(5),
        election: Some(key),
        unit: Some(OSLO),
    };
    let token = backend.registry().create_token(token).await.expect("a token");
    backend.registry().use_token(token, Time(60)).await.expect("a note");
    key
}

/// Sent once more, everything is known, and what follows goes on from where it stood.
async fn remembers_the_night(store: &dyn Backend, key: ElectionKey) {
    let late = vec![
        report(ONE, [1, 2, 3]).id(1).to(key),
        report(ONE, [1, 2, 4]).to(key),
        report(ONE, [1, 2, 4]).id(3).revision(2).to(key),
        report(ONE, [1, 2, 5]).id(3).revision(2).to(key),
        report(TWO, [9, 0, 0]).next().to(key),
        report(UnitNumber(8), [4, 4, 4]).id(4).to(key),
        report(UnitNumber(8), [4, 4, 5]).to(key),
        to(key, retire(ONE)),
        to(key, add_units(tree()[..4].to_vec())),
    ];
    let expected = [
        "superseded 6",
        "refused exists_with_different_votes 6",
        "repeated 7",
        "refused id_reused",
        "refused box_retired",
        "repeated 14",
        "refused exists_with_different_votes 14",
        "refused unit_in_use",
        "unchanged",
    ];
    assert_eq!(answers(store, late).await, expected);
}

pub(super) async fn a_copy_of_a_night_is_the_same_night(backend: &dyn Backend) {
    let key = eventful_night(backend).await;
    let target = backend.another().await;
    let (from, to) = (backend.archive(), target.archive());
    copied(&from, &to).await;
    let verified = verify(&from, &to).await.expect("the same");
    let census = verified[0].census;
    assert_eq!((census.units, census.reports, census.counted, census.cases), (8, 7, 4, 3));
    assert_eq!(everything(from.as_ref()).await, everything(to.as_ref()).await);
    let waiting = to.cases(key, None, true, 10).await.expect("the cases");
    assert_eq!(waiting, [case(key, 9, 6)]);
    let token = target.registry().token([1; 32]).await.expect("a look-up").expect("the token");
    assert_eq!((token.election, token.unit, token.used), (Some(key), Some(OSLO), Some(Time(60))));
    for store in [backend, target.as_ref()] {
        remembers_the_night(store, key).await;
        audit(store).await;
    }
    assert_eq!(audit_election(backend, key).await.tally, audit_election(target.as_ref(), key).await.tally);
    // Used since, the token is still the same; settled since, a case is not.
    backend.registry().use_token(token.id, Time(61)).await.expect("a note");
    verify(&from, &to).await.expect("the same");
    assert!(backend.reports().settle(key, [9; 32], settled()).await.expect("a decision"));
    let refused = verify(&from, &to).await.expect_err("another quarantine").to_string();
    assert!(refused.contains("the quarantine"), "{refused}");
}

pub(super) async fn a_case_that_was_filed_behind_the_cut_waits(backend: &dyn Backend) {
    let key = eventful_night(backend).await;
    let target = backend.another().await;
    let (from, to): (Arc<dyn Archive>, _) = (backend.archive(), target.archive());
    let mut grown = false;
    // While entries are copied, the night goes on, a case is filed, and another one comes that contradicts a later entry.
    let mut note = |_: hustings::ledger::Progress<'_>| {
        if !std::mem::replace(&mut grown, true) {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(go_on(backend, key)));
        }
    };
    copy(from.as_ref(), to.as_ref(), &mut note).await.expect("a copy");
    let cases = to.cases(key, None, false, 10).await.expect("the cases");
    let shown: Vec<_> = cases.iter().map(|case| (case.digest[0], case.settled.is_some())).collect();
    assert_eq!(shown, [(2, true), (5, true), (9, false)], "one waits that was filed later, and one is not there yet");
    // The next run takes over what has become of them.
    copied(&from, &to).await;
    verify(&from, &to).await.expect("the same");
    assert_eq!(everything(from.as_ref()).await, everything(to.as_ref()).await);
    audit(target.as_ref()).await;
}

async fn go_on(backend: &dyn Backend, key: ElectionKey) {
    let (answers, _) = append(backend, vec![report(ONE, [1, 1, 1]).id(50).next().to(key)]).await;
    let filed = entry_of(&answers[0]).expect("an entry").entry.seq;
    let settled = Settled { filed: Some(filed), reason: None, ..settled() };
    assert!(backend.reports().settle(key, [9; 32], settled).await.expect("a decision"));
    backend.reports().quarantine(case(key, 100, filed.0)).await.expect("a case");
}

pub(super) async fn a_copy_made_while_reports_go_on_is_a_beginning(backend: &dyn Backend) {
    let key = night(backend).await;
    let (begun, done) = (tokio::sync::Notify::new(), AtomicBool::new(false));
    let target = backend.another().await;
    let reporting = async {
        let mut number = 1;
        while !done.load(Ordering::SeqCst) || number < 10 {
            let code = format!("box-{number}");
            let batch = vec![
                report(ONE, [number, 0, 0]).id(number).next().to(key),
                report(POST, [1, number, 0]).id(number + 100_000).next().to(key),
                to(key, add_units(vec![ballot_box(&code, "bergen")])),
                report(UnitNumber(7 + number), [1, 1, 1]).to(key),
            ];
            let (answers, _) = append(backend, batch).await;
            let existing = entry_of(&answers[3]).expect("an entry").entry.seq.0;
            let digest = u8::try_from(number % 256).expect("a byte");
            backend.reports().quarantine(case(key, digest, existing)).await.expect("a case");
            number += 1;
            begun.notify_one();
        }
    };
    let copying = async {
        begun.notified().await;
        copied(&backend.archive(), &target.archive()).await;
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(reporting, copying);
    audit(target.as_ref()).await;
    audit(backend).await;
    let (ours, theirs) = (backend.archive(), target.archive());
    let (ours, theirs) = (everything(ours.as_ref()).await, everything(theirs.as_ref()).await);
    let ((_, entries, _), (_, copied, _)) = (&ours.elections[0], &theirs.elections[0]);
    assert!(entries.starts_with(copied) && copied.len() > 5, "the copy is a beginning of the ledger");
    assert!(theirs.cases.iter().all(|case| case.existing.0 <= copied.len() as u64), "cases against later entries");
}
