//! What each submission is answered: deduplication first, then states, then rules, whatever shares its batch.

use hustings::ledger::Wanted;
use hustings_core::{ActKind, Change, Method, Schedule, Seq, Submission};

use crate::conformance::Backend;
use crate::conformance::support::*;

/// What is tried, what is sent, and the answer in words. The opening is entry 1.
type Row<'a> = (&'a str, Submission, &'a str);

/// Sends the rows to polls of their own, in batches of one, of two, of three, and all in one: how they are shared out
/// must never matter. Every entry that an answer brings must be the one that is stored.
async fn check(backend: &dyn Backend, change: Change, rows: &[Row<'_>]) {
    for size in [1, 2, 3, rows.len()] {
        let key = opened(backend, change).await;
        for (batch, rows) in (0..).zip(rows.chunks(size)) {
            let sent = rows.iter().map(|(_, submission, _)| to(key, submission.clone())).collect();
            let (answered, _) = append(backend, sent).await;
            assert_eq!(answered.len(), rows.len(), "an answer for each submission");
            for ((what, _, expected), answer) in rows.iter().zip(&answered) {
                assert_eq!(words(answer), *expected, "{what} ({change:?}, batch {batch} of {size})");
                if let Some(stored) = entry_of(answer) {
                    let before = Seq(stored.entry.seq.0 - 1);
                    let read = backend.ledger().read(key, before, 1).await.expect("a page");
                    assert_eq!(read, std::slice::from_ref(stored), "{what}: the entry in the answer is stored");
                }
            }
        }
    }
}

pub(super) async fn final_votes_stand(backend: &dyn Backend) {
    check(
        backend,
        Change::Final,
        &[
            ("a first vote", vote(ANN, TEA).id(1).sent(), "accepted 2"),
            ("the same again", vote(ANN, TEA).id(1).sent(), "repeated 2"),
            ("the same choice, other id", vote(ANN, TEA).id(2).sent(), "repeated 2"),
            ("the same choice, no id", vote(ANN, TEA).sent(), "repeated 2"),
            ("another choice", vote(ANN, COFFEE).id(3).sent(), "refused already_voted 2"),
            ("another choice, no id", vote(ANN, COFFEE).sent(), "refused already_voted 2"),
            ("another choice that means to replace", vote(ANN, MILK).replaces(2).sent(), "refused already_voted 2"),
            ("no choice that exists", vote(ANN, UNKNOWN).sent(), "refused already_voted 2"),
            ("a first vote without an id", vote(BOB, TEA).sent(), "accepted 3"),
            ("the same without an id", vote(BOB, TEA).sent(), "repeated 3"),
            ("the same, now with an id", vote(BOB, TEA).id(4).sent(), "repeated 3"),
            ("the close", act(CLOSE), "accepted 4"),
            ("a repeat after the close", vote(ANN, TEA).id(1).sent(), "repeated 2"),
            ("the same choice after the close", vote(ANN, TEA).id(5).sent(), "repeated 2"),
            ("no id, after the close", vote(BOB, TEA).sent(), "repeated 3"),
            ("another choice after the close", vote(ANN, COFFEE).id(6).sent(), "refused already_voted 2"),
            ("a first vote after the close", vote(CAT, TEA).id(7).sent(), "refused contest_closed"),
        ],
    )
    .await;
}

pub(super) async fn changeable_votes_change_until_the_close(backend: &dyn Backend) {
    check(
        backend,
        Change::UntilClose,
        &[
            ("a first vote", vote(ANN, TEA).id(1).sent(), "accepted 2"),
            ("another voter", vote(BOB, TEA).id(2).sent(), "accepted 3"),
            ("a change", vote(ANN, COFFEE).id(3).sent(), "changed 4"),
            ("a late retry of the first", vote(ANN, TEA).id(1).sent(), "superseded 2"),
            ("a retry of the change", vote(ANN, COFFEE).id(3).sent(), "repeated 4"),
            ("a late change of the first", vote(ANN, MILK).id(4).replaces(2).sent(), "refused superseded 4"),
            ("a change of another voter's", vote(ANN, MILK).id(4).replaces(3).sent(), "refused superseded 4"),
            ("a change that knows", vote(ANN, TEA).id(4).replaces(4).sent(), "changed 5"),
            ("the first, though it says the same", vote(ANN, TEA).id(1).sent(), "superseded 2"),
            ("the second is late now too", vote(ANN, COFFEE).id(3).sent(), "superseded 4"),
            ("a change without an id", vote(ANN, MILK).sent(), "changed 6"),
            ("no choice that exists", vote(ANN, UNKNOWN).sent(), "refused unknown_choice"),
            ("the close", act(CLOSE), "accepted 7"),
            ("a change after the close", vote(ANN, TEA).id(5).sent(), "refused contest_closed"),
            ("the current one after the close", vote(ANN, MILK).id(6).sent(), "repeated 6"),
            ("a late retry after the close", vote(ANN, TEA).id(1).sent(), "superseded 2"),
            ("the reopening", act(ActKind::Reopen), "accepted 8"),
            ("a change after the reopening", vote(ANN, TEA).id(5).sent(), "changed 9"),
        ],
    )
    .await;
}

pub(super) async fn an_id_stands_for_one_submission_for_ever(backend: &dyn Backend) {
    for change in [Change::Final, Change::UntilClose] {
        check(
            backend,
            change,
            &[
                ("a vote", vote(ANN, TEA).id(1).sent(), "accepted 2"),
                ("its id for another choice", vote(ANN, COFFEE).id(1).sent(), "refused id_reused"),
                ("its id for no choice that exists", vote(ANN, UNKNOWN).id(1).sent(), "refused id_reused"),
                ("its id by another voter", vote(BOB, TEA).id(1).sent(), "refused id_reused"),
                ("its id in another contest", vote(ANN, TEA).id(1).round(SECOND).sent(), "refused unknown_contest"),
                ("another voter's vote", vote(BOB, COFFEE).id(2).sent(), "accepted 3"),
                ("each other's ids", vote(BOB, COFFEE).id(1).sent(), "refused id_reused"),
                ("each other's ids, reversed", vote(ANN, TEA).id(2).sent(), "refused id_reused"),
                ("a refused vote", vote(CAT, UNKNOWN).id(3).sent(), "refused unknown_choice"),
                ("its id is still free", vote(CAT, TEA).id(3).sent(), "accepted 4"),
                ("a pause", act(ActKind::Pause), "accepted 5"),
                ("a reused id while paused", vote(ANN, COFFEE).id(1).sent(), "refused id_reused"),
                ("a repeat while paused", vote(ANN, TEA).id(1).sent(), "repeated 2"),
                ("the close", act(CLOSE), "accepted 6"),
                ("a reused id after the close", vote(ANN, COFFEE).id(1).sent(), "refused id_reused"),
            ],
        )
        .await;
    }
}

pub(super) async fn ids_that_repeated_a_vote_stand_for_it_too(backend: &dyn Backend) {
    check(
        backend,
        Change::UntilClose,
        &[
            ("a vote", vote(ANN, TEA).id(1).sent(), "accepted 2"),
            ("the same by another id", vote(ANN, TEA).id(2).sent(), "repeated 2"),
            ("that id for another choice", vote(ANN, COFFEE).id(2).sent(), "refused id_reused"),
            ("that id by another voter", vote(BOB, TEA).id(2).sent(), "refused id_reused"),
            ("a change", vote(ANN, COFFEE).id(3).sent(), "changed 3"),
            ("a late retry of the repeat must not change it back", vote(ANN, TEA).id(2).sent(), "superseded 2"),
            ("the change by another id", vote(ANN, COFFEE).id(4).sent(), "repeated 3"),
            ("a vote without an id", vote(BOB, TEA).sent(), "accepted 4"),
            ("repeated with one", vote(BOB, TEA).id(5).sent(), "repeated 4"),
            ("a change without an id", vote(BOB, MILK).sent(), "changed 5"),
            ("a late retry of that repeat", vote(BOB, TEA).id(5).sent(), "superseded 4"),
            ("the close", act(CLOSE), "accepted 6"),
            ("a new id after the close", vote(BOB, MILK).id(6).sent(), "repeated 5"),
            ("the reopening", act(ActKind::Reopen), "accepted 7"),
            ("a change after it", vote(BOB, TEA).id(7).sent(), "changed 8"),
            ("a late retry of the id from after the close", vote(BOB, MILK).id(6).sent(), "superseded 5"),
            ("a late retry of the id of the change", vote(ANN, COFFEE).id(4).sent(), "repeated 3"),
        ],
    )
    .await;
}

pub(super) async fn acts_and_votes_are_decided_in_order(backend: &dyn Backend) {
    check(
        backend,
        Change::Final,
        &[
            ("an opening of what is open", act(OPEN), "unchanged"),
            ("a pause", act(ActKind::Pause), "accepted 2"),
            ("a second pause", act(ActKind::Pause), "unchanged"),
            ("a vote in the pause", vote(ANN, TEA).id(1).sent(), "refused contest_paused"),
            ("the end of the pause", act(OPEN), "accepted 3"),
            ("the vote again", vote(ANN, TEA).id(1).sent(), "accepted 4"),
            ("the close", act(CLOSE), "accepted 5"),
            ("a vote after the close", vote(BOB, TEA).id(2).sent(), "refused contest_closed"),
            ("a second close", act(CLOSE), "unchanged"),
            ("the reopening", act(ActKind::Reopen), "accepted 6"),
            ("the vote after the reopening", vote(BOB, TEA).id(2).sent(), "accepted 7"),
            ("a start of a round while open", act(next()), "refused wrong_status"),
            ("the reveal", act(ActKind::Reveal), "accepted 8"),
            ("a second reveal", act(ActKind::Reveal), "unchanged"),
            ("a vote after the reveal", vote(CAT, TEA).sent(), "accepted 9"),
            ("a second close, now for good", act(CLOSE), "accepted 10"),
            ("a reopening after the reveal", act(ActKind::Reopen), "refused results_revealed"),
            ("an act on no contest", Submission::Act(act_on(SECOND, OPEN)), "refused unknown_contest"),
            ("a vote in no contest", vote(ANN, TEA).round(SECOND).sent(), "refused unknown_contest"),
        ],
    )
    .await;
}

fn next() -> ActKind {
    ActKind::StartRound(Box::new(next_round(&poll(Method::Single, Change::Final, Schedule::default()))))
}

pub(super) async fn rounds_follow_each_other_within_a_batch(backend: &dyn Backend) {
    check(
        backend,
        Change::Final,
        &[
            ("a vote", vote(ANN, TEA).id(1).sent(), "accepted 2"),
            ("the close", act(CLOSE), "accepted 3"),
            ("the second round", act(next()), "accepted 4"),
            ("a second second round", act(next()), "refused wrong_status"),
            ("a vote before it opens", vote(ANN, TEA).id(2).round(SECOND).sent(), "refused contest_not_open"),
            ("the reopening of the first", act(ActKind::Reopen), "refused wrong_status"),
            ("the opening of the second", Submission::Act(act_on(SECOND, OPEN)), "accepted 5"),
            ("a vote in the first", vote(BOB, TEA).sent(), "refused contest_closed"),
            ("a vote in the second", vote(ANN, COFFEE).id(2).round(SECOND).sent(), "accepted 6"),
            ("a retry of the first that comes late", vote(ANN, TEA).id(1).round(SECOND).sent(), "repeated 2"),
            ("a retry of the second in the first", vote(ANN, COFFEE).id(2).sent(), "repeated 6"),
            ("an id of the first, other choice", vote(ANN, MILK).id(1).round(SECOND).sent(), "refused id_reused"),
            ("an id of the first by another", vote(BOB, TEA).id(1).round(SECOND).sent(), "refused id_reused"),
            ("a repeat in the first", vote(ANN, TEA).id(1).sent(), "repeated 2"),
            ("a repeat in the second", vote(ANN, COFFEE).round(SECOND).sent(), "repeated 6"),
            ("another choice in the second", vote(ANN, TEA).round(SECOND).sent(), "refused already_voted 6"),
        ],
    )
    .await;
    for registered in backend.registry().elections(None, 100).await.expect("the elections") {
        let found = backend.registry().election(Wanted::Key(registered.key)).await.expect("the registry");
        assert_eq!(found.expect("the election").election, registered.election);
        let numbers: Vec<_> = registered.election.contests.iter().map(|contest| contest.number).collect();
        assert_eq!(numbers, [FIRST, SECOND], "the definition has the new round, once");
    }
}

pub(super) async fn rules_refuse_what_they_forbid(backend: &dyn Backend) {
    check(
        backend,
        Change::Final,
        &[
            ("a choice that does not exist", vote(ANN, UNKNOWN).sent(), "refused unknown_choice"),
            ("no choice", vote(ANN, TEA).choices(&[]).sent(), "refused too_few_choices"),
            ("two choices", vote(ANN, TEA).choices(&[TEA, MILK]).sent(), "refused too_many_choices"),
            ("scores", vote(ANN, TEA).scores(&[(TEA, 1)]).sent(), "refused wrong_form"),
            ("one choice at last", vote(ANN, MILK).sent(), "accepted 2"),
        ],
    )
    .await;
}

pub(super) async fn voters_may_change_their_group(backend: &dyn Backend) {
    check(
        backend,
        Change::UntilClose,
        &[
            ("in the audience", vote(ANN, TEA).id(1).sent(), "accepted 2"),
            ("the same from the jury", vote(ANN, TEA).id(1).group(1).sent(), "repeated 2"),
            ("another choice from the jury", vote(ANN, COFFEE).group(1).sent(), "changed 3"),
            ("back in the audience", vote(ANN, MILK).sent(), "changed 4"),
        ],
    )
    .await;
}
