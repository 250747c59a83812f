//! Many at once about one box, and about one tree.

use std::sync::Arc;

use hustings::ledger::{Addressed, Answer, Ledger};
use hustings_core::{Event, Standing};
use tokio::task::JoinSet;

use crate::conformance::night::*;
use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

const TASKS: u32 = 24;

/// All at once, each in a batch of its own.
async fn at_once(backend: &dyn Backend, sent: impl Fn(u32) -> Addressed) -> Vec<Answer> {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (ledger, batch): (Arc<dyn Ledger>, _) = (backend.ledger(), vec![sent(task)]);
        tasks.spawn(async move { ledger.append(batch).await.expect("a batch").answers });
    }
    tasks.join_all().await.concat()
}

fn how_many(answers: &[Answer], beginning: &str) -> usize {
    answers.iter().filter(|answer| words(answer).starts_with(beginning)).count()
}

pub(super) async fn racing_reports_of_a_box_have_one_first(backend: &dyn Backend) {
    let key = night(backend).await;
    let others = TASKS as usize - 1;
    let same = at_once(backend, |_| report(ONE, [1, 2, 3]).to(key)).await;
    assert_eq!((how_many(&same, "accepted 6"), how_many(&same, "repeated 6")), (1, others));
    let different = at_once(backend, |task| report(TWO, [task, 0, 1]).to(key)).await;
    let refused = how_many(&different, "refused exists_with_different_votes 7");
    assert_eq!((how_many(&different, "accepted 7"), refused), (1, others));
    let named = at_once(backend, |task| report(POST, [1, 2, 3]).id(task % 2 + 1).to(key)).await;
    assert_eq!((how_many(&named, "accepted 8"), how_many(&named, "repeated 8")), (1, others));
}

pub(super) async fn racing_corrections_replace_each_other_one_by_one(backend: &dyn Backend) {
    let key = night(backend).await;
    let answers = at_once(backend, |task| report(ONE, [task, 0, 1]).next().to(key)).await;
    assert_eq!((how_many(&answers, "accepted"), how_many(&answers, "changed")), (1, TASKS as usize - 1));
    let revisions = backend.reports().revisions(key, ONE).await.expect("the revisions");
    let mut last = None;
    for (number, stored) in (1..).zip(&revisions) {
        let Event::ReportFiled(filed) = &stored.entry.event else { panic!("{stored:?}") };
        assert_eq!(filed.revision.0, number, "each number once");
        match (&filed.standing, last) {
            (Standing::First, None) => {}
            (Standing::Replaces { seq, .. }, Some(last)) => assert_eq!(*seq, last),
            other => panic!("{other:?}"),
        }
        last = Some(stored.entry.seq);
    }
    assert_eq!(revisions.len(), TASKS as usize);
    audit_election(backend, key).await;
}

pub(super) async fn racing_adders_of_units_lose_nothing(backend: &dyn Backend) {
    let key = night(backend).await;
    let added = |task: u32| {
        let own = (0..3).map(|number| ballot_box(&format!("box-{task}-{number}"), "oslo-1"));
        let shared = [ballot_box("shared", "bergen"), ballot_box("also-shared", "bergen")];
        to(key, add_units(own.chain(shared).collect()))
    };
    let answers = at_once(backend, added).await;
    assert_eq!(how_many(&answers, "accepted"), TASKS as usize, "each has some that are new");
    let units = backend.reports().units(key, None).await.expect("the tree");
    assert_eq!(units.count(), 1 + tree().len() + 3 * TASKS as usize + 2);
    for task in 0..TASKS {
        assert!((0..3).all(|number| units.find(&format!("box-{task}-{number}")).is_some()), "of task {task}");
    }
    assert_eq!(how_many(&at_once(backend, added).await, "unchanged"), TASKS as usize);
}

pub(super) async fn a_box_that_is_retired_while_it_reports_does_one_of_both(backend: &dyn Backend) {
    for round in 0..8 {
        let key = night(backend).await;
        let answers = at_once(backend, |task| match task % 2 {
            0 => to(key, retire(TWO)),
            _ => report(TWO, [round, 0, 1]).to(key),
        });
        let answers = answers.await;
        let counted = how_many(&answers, "refused unit_in_use") > 0;
        let retired = how_many(&answers, "refused box_retired") > 0;
        assert!(counted != retired, "{:?}", answers.iter().map(words).collect::<Vec<_>>());
        audit_election(backend, key).await;
    }
}
