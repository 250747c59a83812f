//! Elections of boxes on several nodes: one first report, one tree, one definition; and an import that takes its time.

use hustings::ledger::{Answer, Wanted};
use hustings_core::{ActKind, UnitNumber};
use tokio::task::JoinSet;

use super::{sent, two_nodes};
use crate::conformance::night::*;
use crate::conformance::support::*;
use crate::conformance::{Backend, audit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_race_about_a_box_count_one_first_report() {
    const ATTEMPTS: u32 = 12;
    let (_, nodes) = two_nodes().await;
    let key = night(&nodes[0]).await;
    let mut tasks = JoinSet::new();
    for attempt in 0..ATTEMPTS {
        let ledger = nodes[attempt as usize % 2].ledger();
        let (one, post) = (report(ONE, [attempt, 0, 1]), report(POST, [1, 2, 3]).id(attempt));
        let batch = vec![one.to(key), post.to(key), report(TWO, [attempt, 0, 1]).next().to(key)];
        tasks.spawn(async move { ledger.append(batch).await.expect("a batch").answers });
    }
    let answers = tasks.join_all().await;
    let accepted = |place: usize| answers.iter().filter(|all| matches!(all[place], Answer::Accepted(_))).count();
    assert_eq!([accepted(0), accepted(1), accepted(2)], [1, 1, 1]);
    let refused = answers.iter().filter(|all| words(&all[0]).starts_with("refused exists_with_different_votes"));
    let repeated = answers.iter().filter(|all| matches!(all[1], Answer::Repeated(_)));
    let changed = answers.iter().filter(|all| matches!(all[2], Answer::Changed(_)));
    let others = ATTEMPTS as usize - 1;
    assert_eq!([refused.count(), repeated.count(), changed.count()], [others; 3]);
    for node in &nodes {
        audit(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_and_contests_of_one_node_are_known_to_the_other() {
    let (_, [one, other]) = two_nodes().await;
    let key = night(&one).await;
    // Both have decided about it, so both keep its tree and its definition.
    for (node, votes) in [(&one, 1), (&other, 2)] {
        append(node, vec![report(ONE, [votes, 0, 0]).next().to(key)]).await;
    }
    for (number, [adds, reports]) in [(0_u32, [&one, &other]), (1, [&other, &one])] {
        let (code, contest) = (format!("box-{number}"), race(&format!("race-{number}"), 0, OSLO));
        let unit = UnitNumber(8 + number);
        let contest_number = hustings_core::ContestNumber(2 + number);
        append(adds, vec![to(key, add_units(vec![ballot_box(&code, "oslo-1")])), to(key, add_contest(contest))]).await;
        let opening = hustings_core::Submission::Act(act_on(contest_number, OPEN));
        let batch = vec![
            report(unit, [1, 0, 0]).to(key),
            report(unit, [1, 0, 0]).of(contest_number).to(key),
            to(key, opening),
            report(unit, [1, 0, 0]).of(contest_number).to(key),
        ];
        let answered = answers(reports, batch).await;
        let kinds: Vec<_> = answered.iter().map(|words| words.split(' ').take(2).collect::<Vec<_>>()).collect();
        assert_eq!(kinds[1], ["refused", "contest_not_open"], "{answered:?}");
        assert!([0, 2, 3].iter().all(|place| kinds[*place][0] == "accepted"), "{answered:?}");
        append(adds, vec![to(key, retire(UnitNumber(6))), report(ONE, [number, 7, 7]).next().to(key)]).await;
        assert_eq!(answers(reports, vec![report(TWO, [1, 0, 0]).to(key)]).await, ["refused box_retired"]);
        for node in [adds, reports] {
            let found = node.registry().election(Wanted::Key(key)).await.expect("a look-up").expect("the election");
            assert_eq!(found.election.contests.len(), 3 + number as usize);
        }
    }
    // Both nodes add at once, each on the tree that it knows.
    let adding = |node: &crate::conformance::Postgres, code: &str| {
        sent(node, vec![to(key, add_units(vec![ballot_box(code, "bergen"), ballot_box("both", "bergen")]))])
    };
    let [ours, theirs] = [adding(&one, "ours"), adding(&other, "theirs")];
    let answered = [ours.await.expect("an answer"), theirs.await.expect("an answer")].concat();
    assert!(answered.iter().all(|words| words.starts_with("accepted")), "{answered:?}");
    for node in [&one, &other] {
        assert_eq!(node.reports().units(key, None).await.expect("the tree").count(), 8 + 2 + 3);
        audit(node).await;
    }
}

/// Such an import takes longer than a vote may: the server would end its transaction after two seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_of_three_hundred_thousand_units_is_one_batch() {
    const BOXES: u32 = 300_000;
    let (_, [one, other]) = two_nodes().await;
    let key = night(&one).await;
    let boxes: Vec<_> = (0..BOXES).map(|number| ballot_box(&format!("b{number}"), "oslo-1")).collect();
    let answered = answers(&one, vec![to(key, add_units(boxes))]).await;
    assert_eq!(answered, ["accepted 6"]);
    // The other node has to read it all before it can decide.
    let last = UnitNumber(7 + BOXES);
    let batch = vec![report(last, [1, 0, 0]).to(key), report(UnitNumber(8 + BOXES), [1, 0, 0]).to(key)];
    assert_eq!(answers(&other, batch).await, ["accepted 7", "refused unknown_unit"]);
    let more = vec![to(key, hustings_core::Submission::Act(tree_act(ActKind::RetireUnit(UnitNumber(8)))))];
    assert_eq!(answers(&other, more).await, ["accepted 8"]);
    assert_eq!(answers(&one, vec![report(UnitNumber(8), [1, 0, 0]).to(key)]).await, ["refused box_retired"]);
}
