//! Reports behind totals, and the place of a time.

use hustings_core::{Event, Seq, Time, UnitNumber};

use crate::conformance::night::*;
use crate::conformance::support::*;
use crate::conformance::{Backend, START};

pub(super) async fn the_reports_that_count_are_found(backend: &dyn Backend) {
    let key = night(backend).await;
    let other = night(backend).await;
    let batch = vec![
        report(ONE, [1, 0, 0]).to(key),
        report(ONE, [2, 0, 0]).revision(4).to(key),
        report(ONE, [3, 0, 0]).revision(3).to(key),
        report(POST, [4, 0, 0]).to(key),
        report(POST, [0; 3]).withdrawn().next().to(key),
        report(ONE, [5, 0, 0]).of(SECOND).to(key),
        report(TWO, [6, 0, 0]).to(other),
    ];
    append(backend, batch).await;
    for (what, contest, boxes, expected) in [
        ("in the order asked for, withdrawals too", FIRST, &[POST, ONE][..], &[10, 7][..]),
        ("the other order", FIRST, &[ONE, POST], &[7, 10]),
        ("those without one are left out", FIRST, &[TWO, ONE, STATION, UnitNumber(99)], &[7]),
        ("another contest", SECOND, &[POST, ONE, TWO], &[11]),
        ("no box", FIRST, &[], &[]),
    ] {
        let found = backend.reports().current_reports(key, contest, boxes).await.expect("reports");
        let seqs: Vec<u64> = found.iter().map(|stored| stored.entry.seq.0).collect();
        assert_eq!(seqs, expected, "{what}");
        let entries = backend.ledger().read(key, Seq(0), 100).await.expect("a page");
        assert!(found.iter().all(|stored| entries.contains(stored)), "{what}: as they are in the ledger");
    }
}

pub(super) async fn all_reports_of_a_box_are_found(backend: &dyn Backend) {
    let key = night(backend).await;
    let batch = vec![
        report(ONE, [5, 0, 0]).of(SECOND).to(key),
        report(ONE, [2, 0, 0]).revision(4).to(key),
        report(TWO, [2, 0, 0]).to(key),
        report(ONE, [3, 0, 0]).revision(3).to(key),
        report(ONE, [0; 3]).withdrawn().next().to(key),
        report(ONE, [1, 0, 0]).to(key),
    ];
    append(backend, batch).await;
    for (ballot_box, expected) in [
        (ONE, &[(0, 1, 11), (0, 3, 9), (0, 4, 7), (0, 5, 10), (1, 1, 6)][..]),
        (TWO, &[(0, 1, 8)]),
        (POST, &[]),
        (UnitNumber(99), &[]),
    ] {
        let found = backend.reports().revisions(key, ballot_box).await.expect("reports");
        let shown = found.iter().map(|stored| match &stored.entry.event {
            Event::ReportFiled(filed) => (filed.contest.0, filed.revision.0, stored.entry.seq.0),
            other => panic!("{other:?}"),
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{ballot_box}");
    }
}

pub(super) async fn the_last_entry_before_a_time_is_found(backend: &dyn Backend) {
    let at = |later: u64| Time(START.0 + later);
    let empty = create(backend, election_of_boxes(), &[]).await;
    let last = async |key, time| backend.reports().last_before(key, time).await.expect("a place").0;
    for time in [Time(0), at(0), at(1), Time(u64::MAX)] {
        assert_eq!(last(empty, time).await, 0, "an empty ledger, before {time}");
        assert_eq!(last(hustings::ledger::ElectionKey(999), time).await, 0, "no ledger, before {time}");
    }
    // Five entries at the start; then one at 10, three at 20, and after each number of further ones at 30.
    let key = night(backend).await;
    for (later, count) in [(10, 1), (20, 3)] {
        backend.clock().set(at(later));
        for number in 0..count {
            append(backend, vec![report(ONE, [1, 0, 0]).revision(later_revision(later, number)).to(key)]).await;
        }
    }
    backend.clock().set(at(30));
    for further in 0..9 {
        for (time, expected) in [
            (Time(0), 0),
            (at(0), 0),
            (at(1), 5),
            (at(10), 5),
            (at(11), 6),
            (at(20), 6),
            (at(21), 9),
            (at(30), 9),
            (at(31), 9 + further),
            (Time(u64::MAX), 9 + further),
        ] {
            assert_eq!(last(key, time).await, expected, "before {time}, with {further} at the end");
        }
        let revision = 100 + u32::try_from(further).expect("a number");
        append(backend, vec![report(ONE, [1, 0, 0]).revision(revision).to(key)]).await;
    }
}

fn later_revision(later: u64, number: u32) -> u32 {
    u32::try_from(later).expect("a number") + number
}
