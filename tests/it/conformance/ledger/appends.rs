//! What a batch does to ledgers: its answers, its advances, its time.

use hustings::ledger::{Advance, Answer, ElectionKey, Head};
use hustings_core::{
    ActKind, Change, ChoiceNumber, Event, Fold, Measure, Method, Rejection, Schedule, Selections, Seq, Tally, Time,
};

use crate::conformance::support::*;
use crate::conformance::{Backend, START, audit_election};

async fn head(backend: &dyn Backend, key: ElectionKey) -> Head {
    backend.ledger().heads(&[key]).await.expect("the heads")[0].1
}

pub(super) async fn an_empty_batch_moves_nothing(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    let before = head(backend, key).await;
    let (answers, advances) = append(backend, Vec::new()).await;
    assert!(answers.is_empty() && advances.is_empty());
    assert_eq!(head(backend, key).await, before);
}

pub(super) async fn one_bad_submission_never_fails_its_neighbours(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    let nowhere = ElectionKey(key.0 + 1_000);
    let batch = vec![
        vote(ANN, TEA).id(1).to(nowhere),
        vote(ANN, TEA).id(1).to(key),
        to(nowhere, act(CLOSE)),
        vote(BOB, UNKNOWN).to(key),
        to(key, act(ActKind::Reopen)),
        vote(BOB, TEA).round(SECOND).to(key),
        vote(BOB, COFFEE).to(key),
        vote(CAT, COFFEE).id(1).to(key),
        vote(CAT, MILK).to(key),
    ];
    let expected = [
        "refused unknown_contest",
        "accepted 2",
        "refused unknown_contest",
        "refused unknown_choice",
        "unchanged",
        "refused unknown_contest",
        "accepted 3",
        "refused id_reused",
        "accepted 4",
    ];
    let (answered, advances) = append(backend, batch).await;
    assert_eq!(answered.iter().map(words).collect::<Vec<_>>(), expected);
    assert_eq!(answered[0], Answer::Rejected(Rejection::UnknownContest, None));
    assert_eq!(advances.iter().map(|advance| advance.election).collect::<Vec<_>>(), [key]);
    assert_eq!(head(backend, key).await.seq, Seq(4));
    assert!(backend.ledger().heads(&[nowhere]).await.expect("the heads").is_empty(), "an unknown election came to be");
}

pub(super) async fn many_elections_share_a_batch(backend: &dyn Backend) {
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(opened(backend, Change::UntilClose).await);
    }
    // Against the order of keys, and each voter in each election twice.
    let one_way = keys.iter().rev().map(|key| vote(ANN, TEA).id(1).to(*key));
    let other_way = keys.iter().map(|key| vote(ANN, MILK).id(2).to(*key));
    let (answered, advances) = append(backend, one_way.chain(other_way).collect()).await;
    let answered: Vec<_> = answered.iter().map(words).collect();
    assert_eq!(answered, [vec!["accepted 2"; 20], vec!["changed 3"; 20]].concat());
    assert_eq!(advances.iter().map(|advance| advance.election).collect::<Vec<_>>(), keys, "one advance each");
    for key in keys {
        let fold = audit_election(backend, key).await;
        let total = |measure| fold.tally.total(FIRST, measure).get();
        let [tea, milk] = [TEA, MILK].map(|n| Measure::Choice(ChoiceNumber(n)));
        assert_eq!([total(Measure::Ballots), total(tea), total(milk)], [1, 0, 1]);
    }
}

pub(super) async fn all_methods_are_stored(backend: &dyn Backend) {
    let approval = Method::Approval { min: 0, max: 2 };
    let score = Method::Score { min: 0, max: 100 };
    for (method, sent) in [
        (approval, vec![vote(ANN, TEA).choices(&[TEA, MILK]), vote(ANN, TEA).choices(&[])]),
        (score, vec![vote(ANN, TEA).scores(&[(TEA, 0), (COFFEE, 100)]), vote(ANN, TEA).scores(&[(MILK, 7)])]),
    ] {
        let key = create(backend, poll(method, Change::UntilClose, Schedule::default()), &[OPEN]).await;
        let selections: Vec<Selections> = sent.iter().map(|vote| vote.clone().ballot().selections).collect();
        for vote in sent {
            answers(backend, vec![vote.to(key)]).await;
        }
        let read = backend.ledger().read(key, Seq(1), 10).await.expect("a page");
        let stored = read.into_iter().map(|stored| match &stored.entry.event {
            Event::BallotCast(ballot) => ballot.selections.clone(),
            other => panic!("{other:?} is no ballot"),
        });
        assert_eq!(stored.collect::<Vec<_>>(), selections, "{method:?}");
    }
}

/// An advance must lead from one fold to the next.
fn check_advance(advance: &Advance, (before, at): (&Fold, Head), (after, end): (&Fold, Head)) {
    assert_eq!((advance.before, advance.after), (at, end), "from head to head");
    let cells: Vec<_> = advance.increments.iter().map(|increment| increment.cell).collect();
    assert!(cells.is_sorted_by(|a, b| a < b), "each cell once: {cells:?}");
    assert!(advance.increments.iter().all(|increment| increment.delta.0 != 0), "nothing that does not move");
    let mut tally: Tally = before.tally.clone();
    tally.add(&advance.increments).expect("increments that fit");
    assert!(tally.agrees_with(&after.tally), "{advance:?} does not lead from {before:?} to {after:?}");
    assert_eq!(advance.state, (before.state != after.state).then(|| after.state.clone()), "the state where it moved");
}

pub(super) async fn advances_are_the_difference_of_folds(backend: &dyn Backend) {
    let one = opened(backend, Change::UntilClose).await;
    let other = opened(backend, Change::UntilClose).await;
    for (what, batch, moved) in [
        ("first votes", vec![vote(ANN, TEA).id(1).to(one), vote(BOB, TEA).to(one)], vec![one]),
        ("a repeat", vec![vote(ANN, TEA).id(1).to(one)], vec![]),
        ("a repeat by another id", vec![vote(ANN, TEA).id(2).to(one)], vec![]),
        ("there and back", vec![vote(ANN, MILK).to(one), vote(ANN, TEA).to(one)], vec![one]),
        ("a first vote and its change", vec![vote(CAT, MILK).to(one), vote(CAT, TEA).group(1).to(one)], vec![one]),
        ("another group", vec![vote(BOB, MILK).group(1).to(one)], vec![one]),
        ("refusals", vec![vote(9, UNKNOWN).to(one), to(other, act(ActKind::Reopen))], vec![]),
        ("both", vec![vote(ANN, TEA).to(other), to(one, act(CLOSE)), vote(9, TEA).to(one)], vec![one, other]),
        ("a state there and back", vec![to(other, act(ActKind::Pause)), to(other, act(OPEN))], vec![other]),
        ("a vote before a close", vec![vote(BOB, TEA).to(other), to(other, act(CLOSE))], vec![other]),
        ("a round", vec![to(one, act(ActKind::StartRound(Box::new(round()))))], vec![one]),
    ] {
        let mut before = Vec::new();
        for key in [one, other] {
            before.push((key, audit_election(backend, key).await, head(backend, key).await));
        }
        let (_, advances) = append(backend, batch).await;
        assert_eq!(advances.iter().map(|advance| advance.election).collect::<Vec<_>>(), moved, "{what}");
        for (key, fold, at) in before {
            let (after, end) = (audit_election(backend, key).await, head(backend, key).await);
            match advances.iter().find(|advance| advance.election == key) {
                Some(advance) => check_advance(advance, (&fold, at), (&after, end)),
                None => assert_eq!((&fold, at), (&after, end), "{what}: no advance, so nothing moved"),
            }
        }
    }
}

fn round() -> hustings_core::Contest {
    next_round(&poll(Method::Single, Change::UntilClose, Schedule::default()))
}

pub(super) async fn time_never_goes_back(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    let mut expected = vec![START];
    for (from, now, time) in
        [(1, 10, 10), (2, -5_000, 10), (3, 10, 10), (4, 11, 11), (5, -1_700_000_000_000, 11), (6, 12, 12)]
    {
        let at = |offset: i64| Time(START.0.checked_add_signed(offset).expect("a time"));
        backend.clock().set(at(now));
        let (_, advances) = append(backend, vec![vote(from, TEA).to(key), vote(from, MILK).to(key)]).await;
        expected.extend([at(time); 2]);
        assert_eq!(advances[0].after.time, at(time), "voter {from}");
    }
    backend.clock().set(Time(0));
    answers(backend, vec![to(key, act(CLOSE))]).await;
    expected.push(Time(START.0 + 12));
    let read = backend.ledger().read(key, Seq(0), 100).await.expect("a page");
    assert_eq!(read.iter().map(|stored| stored.entry.time).collect::<Vec<_>>(), expected);
    assert_eq!(head(backend, key).await.time, Time(START.0 + 12));
}
