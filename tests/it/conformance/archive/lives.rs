//! Elections that were removed, and definitions that were replaced, on their way into another store.

use hustings::ledger::{Copied, LedgerError, NewElection, Page, Removal, Removed, copy};
use hustings::tally::verify;
use hustings_core::{Change, Election, Schedule};

use super::{begun, copied};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit};

fn removal() -> Removal {
    Removal { by: text("host"), reason: None }
}

async fn removed(backend: &dyn Backend) -> Vec<Removed> {
    backend.registry().removed(None, 100).await.expect("a page")
}

pub(super) async fn what_stays_of_removed_elections_is_copied(backend: &dyn Backend) {
    let [kept, gone] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    append(backend, vec![vote(ANN, TEA).to(gone), vote(ANN, TEA).to(kept)]).await;
    backend.registry().remove(gone, removal()).await.expect("no error").expect("it was there");
    let target = backend.another().await;
    copied(&backend.archive(), &target.archive()).await;
    verify(&backend.archive(), &target.archive()).await.expect("the same");
    assert_eq!(removed(target.as_ref()).await, removed(backend).await);
    assert_eq!(target.ledger().heads(&[kept, gone]).await.expect("the heads").len(), 1);
    assert!(opened(target.as_ref(), Change::Final).await > gone, "a number is never given again");

    let (target, page) = (begun(backend).await, removed(backend).await);
    for _ in 0..2 {
        target.archive().import(Page::Removed(page.clone())).await.expect("the same page twice");
    }
    let other = Removed { title: text("Another"), ..page[0].clone() };
    let refused = target.archive().import(Page::Removed(vec![other])).await.expect_err("another one of this number");
    assert!(matches!(&refused, LedgerError::Conflict { table: "removed_election", .. }), "{refused}");
    assert_eq!(removed(target.as_ref()).await, page);
}

/// A copy that was cut off goes on although elections were removed and definitions replaced since.
pub(super) async fn a_copy_follows_removals_and_new_definitions(backend: &dyn Backend) {
    let gone = opened(backend, Change::Final).await;
    append(backend, vec![vote(ANN, TEA).id(1).to(gone)]).await;
    let draft = drafted(backend, Schedule::default()).await;
    let target = backend.another().await;
    let (from, to) = (backend.archive(), target.archive());
    copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("a copy that is not completed");

    backend.registry().remove(gone, removal()).await.expect("no error").expect("it was there");
    while backend.registry().erase(10).await.expect("a page") > 0 {}
    let found = backend.registry().election(hustings::ledger::Wanted::Key(draft)).await.expect("a look-up");
    let election = Election { title: text("Another"), ..found.expect("the draft").election.as_ref().clone() };
    let new = NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None };
    let made = backend.registry().redefine(draft, new).await.expect("an edit").expect("it was there").key;
    append(backend, vec![vote(BOB, TEA).to(made)]).await;

    assert_eq!(copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("it goes on"), Copied::Now);
    let verified = verify(&from, &to).await.expect("the same");
    assert_eq!(verified.iter().map(|one| one.registered.key).collect::<Vec<_>>(), [made]);
    to.complete().await.expect("complete");
    while target.registry().erase(100).await.expect("a page") > 0 {}
    for key in [gone, draft] {
        let census = target.archive().census(key).await.expect("a count");
        assert_eq!((census.ballots, census.submissions), (0, 0), "{key:?} has left something behind");
    }
    audit(target.as_ref()).await;
}
