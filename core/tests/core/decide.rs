//! The decision for one ballot, case by case: dedupe, then state, then rules.

use hustings_core::{
    Ballot, BallotCast, Change, Contest, ContestNumber, ContestState, Event, Method, Previous, Rejection, Schedule,
    Seq, Verdict, Visibility,
};

use crate::ledger::{Ledger, ballot, in_group, replacing, with_id};
use crate::support::{choices, contest, election, scores};

const DRAFT: ContestState = ContestState::Draft { schedule: Schedule { opens_at: None, closes_at: None } };
const OPEN: ContestState = ContestState::Open { closes_at: None, revealed: false };
const PAUSED: ContestState = ContestState::Paused { closes_at: None, revealed: false };
const CLOSED: ContestState = ContestState::Closed { revealed: false };
const ARCHIVED: ContestState = ContestState::Archived { revealed: true };
const ANY_STATE: [ContestState; 5] = [DRAFT, OPEN, PAUSED, CLOSED, ARCHIVED];

const TEA: u16 = 0;
const COFFEE: u16 = 1;
const MILK: u16 = 2;
const UNKNOWN: u16 = 3;
const ANN: u8 = 1;
const BOB: u8 = 2;

/// What is tried, the ballots counted before, the ballot, and the verdict on it.
///
/// A verdict reads `counted`, `changed <the replaced place>`, `repeated <place>`, `counted then <place>` where the vote
/// was changed since, or the code of the rejection and the place that it names.
type Row<'a> = (&'a str, &'a [Ballot], Ballot, &'a str);

/// Counts the earlier ballots while open, then moves the contest to each of the states and asks for the verdict there.
fn check(contest: &Contest, states: &[ContestState], rows: &[Row<'_>]) {
    for (what, earlier, ballot, expected) in rows {
        let mut ledger = Ledger::new(&election(contest.clone(), Visibility::Always, Schedule::default()));
        ledger.state.contests[0] = OPEN;
        for ballot in *earlier {
            let verdict = ledger.submit(ballot);
            assert!(matches!(verdict, Verdict::Accept(_)), "{what}: an earlier ballot got {verdict:?}");
        }
        for state in states {
            ledger.state.contests[0] = state.clone();
            let verdict = ledger.decide(ballot);
            let seen = in_words(&verdict, ballot, earlier);
            assert_eq!(seen, *expected, "{what}, {:?}, while {}", contest.change, state.name());
        }
    }
}

/// The verdict in words. An accepted event must hold just what was sent, and just what it replaces.
fn in_words(verdict: &Verdict, sent: &Ballot, earlier: &[Ballot]) -> String {
    match verdict {
        Verdict::Accept(Event::BallotCast(cast)) => {
            let replaced = earlier.iter().zip(1..).filter(|(ballot, _)| ballot.voter == sent.voter).last();
            let previous = replaced.map(|(ballot, seq)| Previous {
                seq: Seq(seq),
                group: ballot.group,
                selections: ballot.selections.clone(),
            });
            let Ballot { contest, voter, group, id, selections, .. } = sent.clone();
            let words = previous.as_ref().map_or("counted".to_owned(), |previous| format!("changed {}", previous.seq));
            assert_eq!(*cast, BallotCast { contest, group, voter, id, selections, previous });
            words
        }
        Verdict::Repeated(seq) => format!("repeated {seq}"),
        Verdict::Superseded(seq) => format!("counted then {seq}"),
        Verdict::Rejected(Rejection::AlreadyVoted { current }) => format!("already_voted {current}"),
        Verdict::Rejected(Rejection::Superseded { current }) => format!("superseded {current}"),
        Verdict::Rejected(rejection) => rejection.code().to_owned(),
        other => format!("{other:?}"),
    }
}

fn single(change: Change) -> Contest {
    contest(Method::Single, change)
}

/// A single vote without an id.
fn vote(from: u8, choice: u16) -> Ballot {
    ballot(from, choices(&[choice]))
}

/// A single vote with an id.
fn vote_as(id: u8, from: u8, choice: u16) -> Ballot {
    with_id(id, vote(from, choice))
}

#[test]
fn dedupe_answers_first_in_every_state() {
    let ann = [vote_as(1, ANN, TEA)];
    let both = [vote_as(1, ANN, TEA), vote_as(2, BOB, TEA)];
    let anonymous = [vote(ANN, TEA)];
    let elsewhere = Ballot { contest: ContestNumber(1), ..vote_as(1, ANN, TEA) };
    for change in [Change::Final, Change::UntilClose] {
        check(
            &single(change),
            &ANY_STATE,
            &[
                ("same id, same content", &ann, vote_as(1, ANN, TEA), "repeated 1"),
                (
                    "same id, same content, naming what it replaces",
                    &ann,
                    replacing(9, vote_as(1, ANN, TEA)),
                    "repeated 1",
                ),
                ("same id, other choice", &ann, vote_as(1, ANN, COFFEE), "id_reused"),
                ("same id, no valid choice", &ann, vote_as(1, ANN, UNKNOWN), "id_reused"),
                ("same id, other form", &ann, with_id(1, ballot(ANN, scores(&[(0, 1)]))), "id_reused"),
                ("same id, other voter", &ann, vote_as(1, BOB, TEA), "id_reused"),
                ("same id, other voter who voted too", &both, vote_as(1, BOB, TEA), "id_reused"),
                ("other id, same choice", &both, vote_as(3, BOB, TEA), "repeated 2"),
                ("no id, same choice", &both, vote(ANN, TEA), "repeated 1"),
                ("same id and choice, now in another group", &ann, in_group(1, vote_as(1, ANN, TEA)), "repeated 1"),
                ("same choice, now in another group", &ann, in_group(1, vote_as(2, ANN, TEA)), "repeated 1"),
                ("first without an id, now with one", &anonymous, vote_as(1, ANN, TEA), "repeated 1"),
                ("other id, same choice, wrong replaces", &ann, replacing(9, vote_as(2, ANN, TEA)), "repeated 1"),
            ],
        );
    }
    let mut ledger = Ledger::new(&election(single(Change::Final), Visibility::Always, Schedule::default()));
    ledger.state.contests[0] = OPEN;
    ledger.submit(&ann[0]);
    ledger.contests.push(single(Change::Final));
    ledger.state.contests.push(OPEN);
    let late = ledger.decide(&elsewhere);
    assert_eq!(late, Verdict::Repeated(Seq(1)), "a retry that arrives in a later round means the earlier one");
    let other = Ballot { contest: ContestNumber(1), ..vote_as(1, ANN, COFFEE) };
    assert_eq!(ledger.decide(&other), Verdict::Rejected(Rejection::IdReused), "same id, other contest, other choice");
    let bob = Ballot { contest: ContestNumber(1), ..vote_as(1, BOB, TEA) };
    assert_eq!(ledger.decide(&bob), Verdict::Rejected(Rejection::IdReused), "same id, other contest, other voter");
}

#[test]
fn a_final_vote_stands_in_every_state() {
    let ann = [vote_as(1, ANN, TEA)];
    check(
        &single(Change::Final),
        &ANY_STATE,
        &[
            ("other id, other choice", &ann, vote_as(2, ANN, COFFEE), "already_voted 1"),
            ("no id, other choice", &ann, vote(ANN, COFFEE), "already_voted 1"),
            ("other choice, right replaces", &ann, replacing(1, vote_as(2, ANN, COFFEE)), "already_voted 1"),
            ("other choice, wrong replaces", &ann, replacing(9, vote_as(2, ANN, COFFEE)), "already_voted 1"),
            ("no valid choice", &ann, vote_as(2, ANN, UNKNOWN), "already_voted 1"),
            ("another form", &ann, ballot(ANN, scores(&[(0, 1)])), "already_voted 1"),
        ],
    );
}

#[test]
fn a_changed_vote_keeps_its_old_receipts_in_every_state() {
    let changed = [vote_as(1, ANN, TEA), vote_as(2, ANN, COFFEE)];
    let back = [vote_as(1, ANN, TEA), vote_as(2, ANN, COFFEE), vote_as(3, ANN, TEA)];
    check(
        &single(Change::UntilClose),
        &ANY_STATE,
        &[
            ("the first, sent again", &changed, vote_as(1, ANN, TEA), "counted then 1"),
            ("the second, sent again", &changed, vote_as(2, ANN, COFFEE), "repeated 2"),
            ("the first id with the second choice", &changed, vote_as(1, ANN, COFFEE), "id_reused"),
            ("the current choice, no id", &changed, vote(ANN, COFFEE), "repeated 2"),
            ("the first, after a change there and back", &back, vote_as(1, ANN, TEA), "counted then 1"),
            ("the last, after a change there and back", &back, vote_as(3, ANN, TEA), "repeated 3"),
        ],
    );
}

#[test]
fn a_changeable_vote_changes_while_open() {
    let ann = [vote_as(1, ANN, TEA)];
    let changed = [vote_as(1, ANN, TEA), vote(BOB, TEA), vote_as(2, ANN, COFFEE)];
    let juror = [in_group(2, vote_as(1, ANN, TEA))];
    check(
        &single(Change::UntilClose),
        &[OPEN],
        &[
            ("other choice", &ann, vote_as(2, ANN, COFFEE), "changed 1"),
            ("other choice, no id", &ann, vote(ANN, COFFEE), "changed 1"),
            ("other choice, into another group", &ann, in_group(1, vote_as(2, ANN, COFFEE)), "changed 1"),
            ("other choice, back into the default group", &juror, vote_as(2, ANN, COFFEE), "changed 1"),
            ("other choice, right replaces", &ann, replacing(1, vote_as(2, ANN, COFFEE)), "changed 1"),
            ("a second change", &changed, vote_as(3, ANN, MILK), "changed 3"),
            ("a second change, right replaces", &changed, replacing(3, vote_as(3, ANN, MILK)), "changed 3"),
            ("a late change of the first vote", &changed, replacing(1, vote_as(3, ANN, MILK)), "superseded 3"),
            ("replaces another voter's vote", &changed, replacing(2, vote_as(3, ANN, MILK)), "superseded 3"),
            ("no valid choice", &ann, vote_as(2, ANN, UNKNOWN), "unknown_choice"),
            ("no choice", &ann, ballot(ANN, choices(&[])), "too_few_choices"),
            ("two choices", &ann, ballot(ANN, choices(&[TEA, COFFEE])), "too_many_choices"),
            ("another form", &ann, ballot(ANN, scores(&[(0, 1)])), "wrong_form"),
            ("rules before a wrong replaces", &ann, replacing(9, vote(ANN, UNKNOWN)), "unknown_choice"),
        ],
    );
}

#[test]
fn a_new_vote_counts_while_open() {
    let ann = [vote_as(1, ANN, TEA)];
    for change in [Change::Final, Change::UntilClose] {
        check(
            &single(change),
            &[OPEN],
            &[
                ("the first vote", &[], vote_as(1, ANN, TEA), "counted"),
                ("the first vote, no id", &[], vote(ANN, MILK), "counted"),
                ("another voter, same choice", &ann, vote_as(2, BOB, TEA), "counted"),
                ("a first vote that means to replace one", &ann, replacing(1, vote(BOB, TEA)), "counted"),
            ],
        );
        let revealed = ContestState::Open { closes_at: None, revealed: true };
        check(&single(change), &[revealed], &[("after the reveal", &[], vote(ANN, TEA), "counted")]);
    }
}

#[test]
fn state_comes_before_rules() {
    let ann = [vote_as(1, ANN, TEA)];
    for (state, code) in [
        (DRAFT, "contest_not_open"),
        (PAUSED, "contest_paused"),
        (CLOSED, "contest_closed"),
        (ContestState::Closed { revealed: true }, "contest_closed"),
        (ARCHIVED, "contest_closed"),
    ] {
        for change in [Change::Final, Change::UntilClose] {
            check(
                &single(change),
                std::slice::from_ref(&state),
                &[
                    ("a new vote", &ann, vote_as(2, BOB, TEA), code),
                    ("a new vote for no valid choice", &ann, vote_as(2, BOB, UNKNOWN), code),
                    ("a new vote in another form", &ann, ballot(BOB, scores(&[(0, 1)])), code),
                ],
            );
        }
        check(
            &single(Change::UntilClose),
            &[state],
            &[
                ("a change", &ann, vote_as(2, ANN, COFFEE), code),
                ("a change, right replaces", &ann, replacing(1, vote_as(2, ANN, COFFEE)), code),
                ("a change, wrong replaces", &ann, replacing(9, vote_as(2, ANN, COFFEE)), code),
                ("a change to no valid choice", &ann, vote_as(2, ANN, UNKNOWN), code),
            ],
        );
    }
}

#[test]
fn each_method_has_its_rules() {
    let approval = Method::Approval { min: 1, max: 2 };
    let blank_too = Method::Approval { min: 0, max: 3 };
    let score = Method::Score { min: 1, max: 5 };
    for (method, selections, expected) in [
        (Method::Single, choices(&[MILK]), "counted"),
        (Method::Single, choices(&[]), "too_few_choices"),
        (Method::Single, choices(&[TEA, COFFEE]), "too_many_choices"),
        (Method::Single, choices(&[TEA, UNKNOWN]), "too_many_choices"),
        (Method::Single, choices(&[UNKNOWN]), "unknown_choice"),
        (Method::Single, scores(&[(TEA, 1)]), "wrong_form"),
        (approval, choices(&[TEA]), "counted"),
        (approval, choices(&[TEA, MILK]), "counted"),
        (approval, choices(&[]), "too_few_choices"),
        (approval, choices(&[TEA, COFFEE, MILK]), "too_many_choices"),
        (approval, choices(&[TEA, UNKNOWN]), "unknown_choice"),
        (approval, scores(&[(TEA, 1)]), "wrong_form"),
        (blank_too, choices(&[]), "counted"),
        (blank_too, choices(&[TEA, COFFEE, MILK]), "counted"),
        (score, scores(&[(TEA, 1)]), "counted"),
        (score, scores(&[(TEA, 5), (COFFEE, 1), (MILK, 3)]), "counted"),
        (score, scores(&[]), "too_few_choices"),
        (score, scores(&[(TEA, 1), (COFFEE, 1), (MILK, 1), (UNKNOWN, 9)]), "too_many_choices"),
        (score, scores(&[(TEA, 9), (UNKNOWN, 1)]), "unknown_choice"),
        (score, scores(&[(TEA, 0)]), "score_out_of_range"),
        (score, scores(&[(TEA, 5), (COFFEE, 6)]), "score_out_of_range"),
        (score, choices(&[TEA]), "wrong_form"),
    ] {
        let what = format!("{method:?} {selections:?}");
        check(&contest(method, Change::Final), &[OPEN], &[(&what, &[], ballot(ANN, selections), expected)]);
    }
}

#[test]
fn selections_have_one_form() {
    use hustings_core::{ChoiceNumber, Selections};
    let [tea, coffee] = [TEA, COFFEE].map(ChoiceNumber);
    assert_eq!(Selections::choices(vec![coffee, tea]), Ok(choices(&[TEA, COFFEE])));
    assert_eq!(Selections::scores(vec![(coffee, 1), (tea, 2)]), Ok(scores(&[(TEA, 2), (COFFEE, 1)])));
    assert_eq!(Selections::choices(vec![tea, coffee, tea]), Err(Rejection::RepeatedChoice));
    assert_eq!(Selections::scores(vec![(tea, 1), (coffee, 1), (tea, 2)]), Err(Rejection::RepeatedChoice));
}
