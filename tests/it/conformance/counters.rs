//! The suite of [`hustings::tally::Counters`]: late perhaps, never wrong, never ahead.

use std::sync::Arc;

use hustings::ledger::ElectionKey;
use hustings::tally::{Applied, Counters, Snapshot};
use hustings_core::{Delta, Increment};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::{JoinSet, block_in_place};

use super::CountersBackend;
use super::history::History;

super::on_every_counters!({
    apply:
        a_batch_moves_counters_only_from_where_it_begins,
        absent_counters_are_behind,
        a_batch_of_another_epoch_is_a_fork,
        a_batch_of_another_chain_is_a_fork,
        a_batch_that_cannot_be_is_a_fork,
        each_election_has_its_own_counters,
        any_order_ends_at_the_fold,
        nodes_share_counters;
    read:
        a_reader_keeps_what_it_read,
        another_process_reads_what_was_written;
    replace:
        a_newer_fold_replaces,
        another_epoch_replaces,
        only_what_was_condemned_is_replaced_by_older_folds;
    forget:
        counters_of_elections_that_are_gone_are_let_go,
        what_others_still_apply_to_forgotten_counters_is_behind;
    is_degraded:
        counters_that_can_be_reached_are_not_degraded;
});

const END: usize = History::LENGTH;

/// Whether two snapshots say the same; a zero and an absent cell are the same.
pub(crate) fn same(one: &Snapshot, other: &Snapshot) -> bool {
    let place = |snapshot: &Snapshot| (snapshot.epoch, snapshot.fold.seq, snapshot.fold.time, snapshot.fold.chain);
    place(one) == place(other) && one.fold.state == other.fold.state && one.fold.tally.agrees_with(&other.fold.tally)
}

async fn read(counters: &dyn Counters, election: ElectionKey) -> Option<Arc<Snapshot>> {
    counters.read(election).await.expect("the counters are read")
}

/// The counters must stand at this place of this history.
async fn check_at(counters: &dyn Counters, what: &str, history: &History, place: usize) {
    let (found, expected) = (read(counters, history.election).await.expect("counters"), history.snapshot(place));
    assert!(same(&found, &expected), "{what}: {found:?} is not {expected:?}");
}

/// Counters of a new election that stand at this place.
async fn at(counters: &dyn Counters, place: usize) -> History {
    let history = History::new();
    let replaced = counters.replace(history.election, history.snapshot(place), None).await.expect("a first fold");
    assert!(replaced, "absent counters take any fold");
    check_at(counters, "a first fold", &history, place).await;
    history
}

/// What became of a batch, in a word; where it moved the counters, it must bring what is read then.
async fn apply(counters: &dyn Counters, history: &History, from: usize, to: usize) -> &'static str {
    match counters.apply(&history.advance(from..to)).await.expect("an answer") {
        Applied::Moved(snapshot) => {
            assert!(same(&snapshot, &history.snapshot(to)), "{from}..{to} moved to {snapshot:?}");
            "moved"
        }
        Applied::Already => "already",
        Applied::Behind => "behind",
        Applied::Forked => "forked",
    }
}

async fn a_batch_moves_counters_only_from_where_it_begins(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let counters = counters.as_ref();
    for place in 0..=END {
        for from in 0..END {
            for to in from + 1..=END {
                let history = at(counters, place).await;
                let what = format!("{from}..{to} at {place}");
                let (expected, end) = match place {
                    _ if place == from => ("moved", to),
                    _ if place >= to => ("already", place),
                    _ => ("behind", place), // Before it: a gap. Inside it: an overlap.
                };
                assert_eq!(apply(counters, &history, from, to).await, expected, "{what}");
                check_at(counters, &what, &history, end).await;
                let again = if expected == "behind" { "behind" } else { "already" };
                assert_eq!(apply(counters, &history, from, to).await, again, "{what}, again");
                check_at(counters, &what, &history, end).await;
            }
        }
    }
}

async fn absent_counters_are_behind(backend: &dyn CountersBackend) {
    let (counters, history) = (backend.counters(), History::new());
    assert!(read(counters.as_ref(), history.election).await.is_none());
    for from in [0, 3] {
        assert_eq!(apply(counters.as_ref(), &history, from, END).await, "behind");
        assert!(read(counters.as_ref(), history.election).await.is_none(), "nothing stands nowhere");
    }
}

async fn a_batch_of_another_epoch_is_a_fork(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    for (from, to) in [(0, 3), (3, 5), (5, 7), (7, END), (4, 6)] {
        let history = at(counters.as_ref(), 5).await;
        let other = history.in_another_epoch();
        assert_eq!(apply(counters.as_ref(), &other, from, to).await, "forked", "{from}..{to}");
        check_at(counters.as_ref(), "after a fork", &history, 5).await;
    }
}

async fn a_batch_of_another_chain_is_a_fork(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    for (what, forked_after, from, to, expected) in [
        ("goes on from the same place of another history", 4, 5, 7, "forked"),
        ("ends at the same place of another history", 4, 3, 5, "forked"),
        ("ends there and begins where both were one", 4, 4, 5, "forked"),
        ("goes on from where both were still one", 5, 5, 7, "moved"),
        ("begins later", 4, 6, 7, "behind"),
        ("overlaps", 4, 4, 7, "behind"),
    ] {
        let history = at(counters.as_ref(), 5).await;
        let other = history.forked_after(forked_after);
        assert_eq!(apply(counters.as_ref(), &other, from, to).await, expected, "{what}");
        match expected {
            "moved" => check_at(counters.as_ref(), what, &other, to).await,
            _ => check_at(counters.as_ref(), what, &history, 5).await,
        }
    }
}

async fn a_batch_that_cannot_be_is_a_fork(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let history = at(counters.as_ref(), 5).await;
    let mut advance = history.advance(6..7);
    advance.before = history.advance(5..6).before;
    // Good ones before and behind the bad one, so that a half of the batch would show.
    let good = Increment { delta: Delta(1), ..advance.increments[0] };
    let bad = Increment { delta: Delta(-1_000), ..advance.increments[1] };
    advance.increments = vec![good, bad];
    let applied = counters.apply(&advance).await.expect("an answer");
    assert_eq!(applied, Applied::Forked, "a total below zero");
    check_at(counters.as_ref(), "all or nothing", &history, 5).await;
}

async fn each_election_has_its_own_counters(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let [one, other] = [at(counters.as_ref(), 2).await, at(counters.as_ref(), 2).await];
    assert_eq!(apply(counters.as_ref(), &one, 2, 7).await, "moved");
    check_at(counters.as_ref(), "the other one", &other, 2).await;
    assert_eq!(apply(counters.as_ref(), &other, 2, 4).await, "moved");
    check_at(counters.as_ref(), "the one", &one, 7).await;
}

async fn a_reader_keeps_what_it_read(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let history = at(counters.as_ref(), 3).await;
    let kept = read(counters.as_ref(), history.election).await.expect("counters");
    assert_eq!(apply(counters.as_ref(), &history, 3, END).await, "moved");
    assert!(same(&kept, &history.snapshot(3)), "what was read moved");
    assert!(read(counters.as_ref(), ElectionKey(u32::MAX)).await.is_none(), "an election that nobody counts");
}

async fn another_process_reads_what_was_written(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let history = at(counters.as_ref(), 0).await;
    check_at(backend.afresh().await.as_ref(), "a first fold", &history, 0).await;
    for (from, to) in [(0, 1), (1, 4), (4, END)] {
        assert_eq!(apply(counters.as_ref(), &history, from, to).await, "moved");
        check_at(backend.afresh().await.as_ref(), "a batch", &history, to).await;
    }
    let other = history.in_another_epoch();
    assert!(counters.replace(other.election, other.snapshot(3), None).await.expect("an answer"));
    let afresh = backend.afresh().await;
    check_at(afresh.as_ref(), "another epoch", &other, 3).await;
    assert_eq!(apply(afresh.as_ref(), &other, 3, 7).await, "moved", "and moves on from there");
    check_at(backend.afresh().await.as_ref(), "a batch of another process", &other, 7).await;
}

async fn a_newer_fold_replaces(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    for place in [0, 4, END] {
        for with in 0..=END {
            let history = at(counters.as_ref(), place).await;
            let replaced = counters.replace(history.election, history.snapshot(with), None).await.expect("an answer");
            assert_eq!(replaced, with > place, "{with} in the place of {place}");
            check_at(counters.as_ref(), "the newer one", &history, place.max(with)).await;
        }
    }
}

async fn another_epoch_replaces(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    for with in [0, 4, 5, END] {
        let history = at(counters.as_ref(), 5).await;
        let other = history.in_another_epoch();
        assert!(counters.replace(other.election, other.snapshot(with), None).await.expect("an answer"), "{with}");
        check_at(counters.as_ref(), "another life", &other, with).await;
    }
}

async fn only_what_was_condemned_is_replaced_by_older_folds(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let condemn = async |history: &History, with: usize, condemned: &Snapshot| {
        let with = history.snapshot(with);
        counters.replace(history.election, with, Some(condemned)).await.expect("an answer")
    };
    for with in [3, 5] {
        let history = at(counters.as_ref(), 5).await;
        let wrong = read(counters.as_ref(), history.election).await.expect("counters");
        let mut other = Snapshot::clone(&wrong);
        other.fold.tally.add(&history.advance(6..8).increments[..1]).unwrap_or_default();
        other.fold.time.0 += 1;
        for (what, condemned) in [
            ("another place", history.snapshot(4)),
            ("another epoch", history.in_another_epoch().snapshot(5)),
            ("another chain", history.forked_after(4).snapshot(5)),
            ("other totals", Arc::new(other)),
        ] {
            assert!(!condemn(&history, with, &condemned).await, "{what} was condemned");
            check_at(counters.as_ref(), what, &history, 5).await;
        }
        assert!(condemn(&history, with, &wrong).await, "just this was condemned");
        check_at(counters.as_ref(), "condemned", &history, with).await;
        assert_eq!(apply(counters.as_ref(), &history, with, END).await, "moved", "and on from there");
        assert!(!condemn(&history, with, &wrong).await, "it is gone");
        check_at(counters.as_ref(), "gone", &history, END).await;
    }
}

/// What reaches the counters of one election, from several nodes, in any order.
#[derive(Debug, Clone)]
enum Step {
    /// A batch of one of the histories.
    Apply { history: usize, from: usize, length: usize },
    /// A fold of one of the histories, with nothing condemned.
    Heal { history: usize, place: usize },
    /// A fold in the place of what was read just now.
    Condemn { history: usize, place: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    // Mostly the ledger itself; seldom one that forked from it, and one of another epoch.
    let history = || prop_oneof![8 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    prop_oneof![
        8 => (history(), 0..END, 1..=4_usize)
            .prop_map(|(history, from, length)| Step::Apply { history, from, length }),
        2 => (history(), 0..=END).prop_map(|(history, place)| Step::Heal { history, place }),
        1 => (history(), 0..=END).prop_map(|(history, place)| Step::Condemn { history, place }),
    ]
}

/// After every step the counters are the fold of a history up to a place, and healing brings them to the ledger's end.
async fn take(backend: &dyn CountersBackend, steps: &[Step]) -> Result<(), TestCaseError> {
    let counters = backend.counters();
    let counters = counters.as_ref();
    let ledger = at(counters, 0).await;
    let histories = [ledger.clone(), ledger.forked_after(4), ledger.in_another_epoch()];
    for step in steps {
        let before = read(counters, ledger.election).await.expect("counters");
        let moved = match step {
            Step::Apply { history, from, length } => {
                apply(counters, &histories[*history], *from, END.min(from + length)).await == "moved"
            }
            Step::Heal { history, place } => {
                let with = histories[*history].snapshot(*place);
                counters.replace(ledger.election, with, None).await.expect("an answer")
            }
            Step::Condemn { history, place } => {
                let with = histories[*history].snapshot(*place);
                counters.replace(ledger.election, with, Some(&before)).await.expect("an answer")
            }
        };
        let after = read(counters, ledger.election).await.expect("counters");
        let place = usize::try_from(after.fold.seq.0).expect("a place");
        let is_a_fold = histories.iter().any(|history| same(&after, &history.snapshot(place)));
        prop_assert!(is_a_fold, "{:?} led to {:?}, which no ledger gives", step, after);
        prop_assert!(moved || same(&before, &after), "{:?} says that nothing moved", step);
        let condemned = matches!(step, Step::Condemn { .. });
        let older = before.epoch == after.epoch && after.fold.seq < before.fold.seq;
        prop_assert!(condemned || !older, "{:?} went back from {:?}", step, before);
    }
    heal(counters, &ledger).await;
    check_at(counters, "healed", &ledger, END).await;
    check_at(backend.afresh().await.as_ref(), "healed, seen afresh", &ledger, END).await;
    Ok(())
}

/// What the applier does when it hears of the ledger's end.
async fn heal(counters: &dyn Counters, ledger: &History) {
    let stands = read(counters, ledger.election).await;
    if stands.as_ref().is_none_or(|stands| !same(stands, &ledger.snapshot(END))) {
        let healed = counters.replace(ledger.election, ledger.snapshot(END), stands.as_deref()).await;
        assert!(healed.expect("an answer"), "{stands:?} is not healed");
    }
}

async fn any_order_ends_at_the_fold(backend: &dyn CountersBackend) {
    // A failure prints its shortest sequence of steps.
    let mut runner = TestRunner::new(Config { cases: backend.cases(), failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec(any_step(), 1..40);
    let result = runner.run(&steps, |steps| block_in_place(|| Handle::current().block_on(take(backend, &steps))));
    result.unwrap_or_else(|error| panic!("{error}"));
}

async fn nodes_share_counters(backend: &dyn CountersBackend) {
    let ledger = at(backend.counters().as_ref(), 0).await;
    let mut nodes = JoinSet::new();
    for node in 0..8_usize {
        let (counters, ledger) = (backend.counters(), ledger.clone());
        nodes.spawn(async move {
            for round in 0..END * 4 {
                // Each node in an order of its own, with batches of different lengths, and now and then a heal.
                let from = (round * (2 * node + 1) + node) % END;
                let to = END.min(from + 1 + (round + node) % 3);
                match apply(counters.as_ref(), &ledger, from, to).await {
                    "behind" if round % 5 == node % 5 => {
                        counters.replace(ledger.election, ledger.snapshot(to), None).await.expect("an answer");
                    }
                    "forked" => panic!("there is only one history"),
                    _ => {}
                }
                let seen = read(counters.as_ref(), ledger.election).await.expect("counters");
                let place = usize::try_from(seen.fold.seq.0).expect("a place");
                assert!(same(&seen, &ledger.snapshot(place)), "{seen:?} is not the fold up to {place}");
            }
        });
    }
    nodes.join_all().await;
    heal(backend.counters().as_ref(), &ledger).await;
    check_at(backend.counters().as_ref(), "in the end", &ledger, END).await;
    check_at(backend.afresh().await.as_ref(), "in the end, seen afresh", &ledger, END).await;
}

async fn counters_of_elections_that_are_gone_are_let_go(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let (history, other) = (at(counters.as_ref(), END).await, at(counters.as_ref(), 3).await);
    for times in ["once", "twice", "again, where nothing ever stood"] {
        counters.forget(history.election).await;
        assert!(read(counters.as_ref(), history.election).await.is_none(), "{times}");
        assert!(read(backend.afresh().await.as_ref(), history.election).await.is_none(), "{times}, seen afresh");
    }
    check_at(counters.as_ref(), "another election", &other, 3).await;
    // A restored ledger may have it again.
    assert!(counters.replace(history.election, history.snapshot(2), None).await.expect("an answer"));
    check_at(backend.afresh().await.as_ref(), "it is back", &history, 2).await;
}

async fn what_others_still_apply_to_forgotten_counters_is_behind(backend: &dyn CountersBackend) {
    let (counters, other) = (backend.counters(), backend.afresh().await);
    let history = at(counters.as_ref(), 3).await;
    check_at(other.as_ref(), "another node", &history, 3).await;
    counters.forget(history.election).await;
    assert_eq!(apply(other.as_ref(), &history, 3, END).await, "behind");
    // It finds out for itself that the election is gone; until then it may put back what it knew.
    other.forget(history.election).await;
    for counters in [&counters, &other, &backend.afresh().await] {
        assert!(read(counters.as_ref(), history.election).await.is_none(), "nothing stands nowhere");
    }
}

async fn counters_that_can_be_reached_are_not_degraded(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let history = at(counters.as_ref(), 3).await;
    for election in [history.election, ElectionKey(999)] {
        assert!(!counters.is_degraded(election), "{election:?}");
    }
}
