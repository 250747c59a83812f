//! The tree of units: as new as the store, or as new as who asks needs.

use hustings_core::{Channel, Seq, Unit, UnitKind, UnitNumber, Units, UnitsMark};

use crate::conformance::night::*;
use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

/// Code, kind, parent and place of each unit, and whether it was retired.
fn shown(units: &Units) -> Vec<String> {
    let one = |number: u32| {
        let unit = units.get(UnitNumber(number)).expect("a unit");
        let retired = if unit.is_retired { " retired" } else { "" };
        format!("{} {} in {} of {}{retired}", unit.code, unit.kind.name(), unit.parent, unit.place)
    };
    (1..units.next().0).map(one).collect()
}

pub(super) async fn a_tree_is_as_new_as_was_asked_for(backend: &dyn Backend) {
    let (key, empty) = (night(backend).await, create(backend, election_of_boxes(), &[]).await);
    let reports = backend.reports();
    let units = reports.units(key, None).await.expect("the tree");
    let expected = [
        "north region in 0 of 1",
        "oslo city in 1 of 2",
        "bergen city in 1 of 3",
        "oslo-1 station in 2 of 2",
        "one box in 4 of 2",
        "two box in 4 of 2",
        "post box in 3 of 3",
    ];
    assert_eq!(shown(&units), expected);
    let of = |number: UnitNumber| units.get(number).expect("a unit").clone();
    assert_eq!((of(OSLO).title(), of(BERGEN).title(), of(BERGEN).boxes), ("Oslo", "bergen", Some(3)));
    assert_eq!((of(STATION).registered, of(POST).channel), (Some(900), Channel::Postal));
    assert_eq!((units.seq(), units.find("post")), (Seq(1), Some(POST)));
    assert_eq!(reports.units(empty, None).await.expect("a tree").count(), 1, "the root alone");
    let none = reports.units(hustings::ledger::ElectionKey(999), None).await.expect("a tree");
    assert_eq!(none.get(Unit::ROOT).map(|root| root.kind), Some(UnitKind::Nation), "of no election");
}

pub(super) async fn a_tree_that_is_kept_grows(backend: &dyn Backend) {
    let key = night(backend).await;
    // One that knows the tree of before, and one that knows nothing.
    let kept = backend.afresh().await;
    assert_eq!(kept.units(key, None).await.expect("a tree").count(), 8);
    let batch = vec![
        to(key, add_units(vec![ballot_box("three", "bergen")])),
        to(key, retire(TWO)),
        to(key, add_units(vec![ballot_box("four", "bergen")])),
        to(key, retire(UnitNumber(8))),
    ];
    assert_eq!(answers(backend, batch).await, ["accepted 6", "accepted 7", "accepted 8", "accepted 9"]);
    let whatever = Some(UnitsMark::default());
    assert_eq!(kept.units(key, whatever).await.expect("a tree").count(), 8, "whatever is kept will do");
    let mark = |seq| Some(UnitsMark { count: 8, seq: Seq(seq) });
    assert_eq!(kept.units(key, mark(1)).await.expect("a tree").count(), 8, "what is kept is new enough");
    let ours = backend.reports().units(key, None).await.expect("the tree");
    for (what, least) in [("newer than what is kept", mark(6)), ("as new as the store", None)] {
        for (who, reports) in
            [("who has an older one", backend.afresh().await), ("who has none", backend.afresh().await)]
        {
            if who == "who has an older one" {
                reports.units(key, None).await.expect("a tree");
            }
            let theirs = reports.units(key, least).await.expect("the tree");
            assert_eq!((shown(&theirs), theirs.seq()), (shown(&ours), Seq(9)), "{what}, for {who}");
        }
    }
    let grown = kept.units(key, mark(6)).await.expect("the tree");
    assert_eq!((shown(&grown), grown.seq()), (shown(&ours), Seq(9)), "what was kept has grown");
    assert_eq!(
        shown(&ours)[5..],
        ["two box in 4 of 2 retired", "post box in 3 of 3", "three box in 3 of 3 retired", "four box in 3 of 3"]
    );
    // A unit that was kept is retired later, and one more is added: both are seen.
    append(backend, vec![to(key, retire(UnitNumber(9))), to(key, add_units(vec![ballot_box("five", "oslo")]))]).await;
    let (ours, theirs) = (backend.reports().units(key, None).await, kept.units(key, None).await);
    let (ours, theirs) = (ours.expect("the tree"), theirs.expect("the tree"));
    assert_eq!((shown(&theirs), theirs.seq()), (shown(&ours), Seq(11)));
    assert!(theirs.get(UnitNumber(9)).is_some_and(|unit| unit.is_retired));
}

/// More than one page of a store that reads trees in pages.
pub(super) async fn a_large_tree_is_read_whole(backend: &dyn Backend) {
    const BOXES: u32 = 45_000;
    let key = night(backend).await;
    let boxes = (0..BOXES).map(|number| ballot_box(&format!("b{number}"), "oslo-1")).collect();
    assert_eq!(answers(backend, vec![to(key, add_units(boxes))]).await, ["accepted 6"]);
    let retired = [8, 20_007, 20_008, 45_007].map(UnitNumber);
    append(backend, retired.map(|unit| to(key, retire(unit))).into()).await;
    let ours = backend.reports().units(key, None).await.expect("the tree");
    let theirs = backend.afresh().await.units(key, None).await.expect("the tree");
    assert_eq!((ours.count(), theirs.count()), (45_008, 45_008));
    assert_eq!((ours.seq(), theirs.seq()), (Seq(10), Seq(10)));
    assert!((0..45_008).map(UnitNumber).all(|number| ours.get(number) == theirs.get(number)));
    let gone = (0..45_008).map(UnitNumber).filter(|number| theirs.get(*number).is_some_and(|unit| unit.is_retired));
    assert_eq!(gone.collect::<Vec<_>>(), retired);
    assert_eq!(answers(backend, vec![report(UnitNumber(45_006), [1, 0, 0]).to(key)]).await, ["accepted 11"]);
}

pub(super) async fn each_life_of_a_ledger_has_its_own_tree(backend: &dyn Backend) {
    let key = night(backend).await;
    let kept = backend.afresh().await;
    kept.units(key, None).await.expect("a tree");
    backend.ledger().renew_epochs(Some(key)).await.expect("another life");
    append(backend, vec![to(key, retire(TWO))]).await;
    for reports in [backend.reports(), kept] {
        let units = reports.units(key, None).await.expect("the tree");
        assert_eq!((units.count(), units.get(TWO).map(|unit| unit.is_retired)), (8, Some(true)));
    }
    assert_eq!(answers(backend, vec![report(ONE, [1, 0, 0]).to(key)]).await, ["accepted 7"]);
    audit_election(backend, key).await;
}
