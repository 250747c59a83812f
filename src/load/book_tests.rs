//! Each lie a server could tell is seen; each truth is believed.

use hustings_core::Time;

use super::*;
use crate::load::Mix;

fn book() -> Book {
    let counts = vec![("a".to_owned(), 2), ("b".to_owned(), 2)];
    let mix = Mix { repeats_percent: 100, second_votes_percent: 100 };
    Book::new(&Arc::new(Plan::new(counts, mix, 1, Time(0)).unwrap()), None)
}

fn receipt(id: &str) -> Receipt<'_> {
    Receipt { id: id.into(), seq: None }
}

/// Enters these answers for voter 0 and returns what the finished book holds against them.
fn check(answers: Vec<(AttemptKind, Answer<'_>)>, expected: &[Contradiction]) {
    let mut book = book();
    let shown = format!("{answers:?}");
    for (kind, answer) in answers {
        let attempt = book.plan.attempt(VoterNumber(0), kind);
        assert_eq!(book.enter(&attempt, answer, Duration::ZERO), Next::Done);
    }
    let outcome = book.outcome(Duration::from_secs(1));
    assert_eq!(outcome.contradiction_samples, expected, "{shown}");
    assert_eq!(outcome.contradictions, expected.len() as u64);
}

#[test]
fn answers_that_agree_are_no_contradiction() {
    use AttemptKind::{First, Repeat, SecondVote};
    check(
        vec![
            (First, Answer::Counted(receipt("r"))),
            (Repeat, Answer::Repeated(receipt("r"))),
            (SecondVote, Answer::AlreadyVoted(Some(receipt("r")))),
        ],
        &[],
    );
    // The repeat may overtake the first request.
    check(vec![(First, Answer::Repeated(receipt("r"))), (Repeat, Answer::Counted(receipt("r")))], &[]);
}

#[test]
fn answers_that_cannot_be_true_are_noted() {
    use AttemptKind::{First, Repeat, SecondVote};
    let voter = VoterNumber(0);
    check(
        vec![(First, Answer::Counted(receipt("r"))), (Repeat, Answer::Repeated(receipt("s")))],
        &[Contradiction::OtherReceipt(voter)],
    );
    check(
        vec![(First, Answer::Counted(receipt("r"))), (Repeat, Answer::Counted(receipt("r")))],
        &[Contradiction::CountedTwice(voter)],
    );
    check(
        vec![(First, Answer::Counted(receipt("r"))), (SecondVote, Answer::Counted(receipt("s")))],
        &[Contradiction::SecondVoteAccepted(voter)],
    );
    check(
        vec![(First, Answer::Counted(receipt("r"))), (SecondVote, Answer::AlreadyVoted(Some(receipt("s"))))],
        &[Contradiction::ForeignReceipt(voter)],
    );
    check(
        vec![(First, Answer::AlreadyVoted(None))],
        &[Contradiction::FirstVoteRefused(voter, "already_voted".to_owned())],
    );
    check(vec![(First, Answer::Repeated(receipt("r")))], &[Contradiction::NeverCounted(voter)]);
    check(vec![(First, Answer::Counted(receipt("")))], &[Contradiction::UnusableReceipt(voter)]);
}

#[test]
fn one_receipt_for_two_voters_is_noted() {
    let mut book = book();
    for voter in [0, 1] {
        let attempt = book.plan.attempt(VoterNumber(voter), AttemptKind::First);
        book.enter(&attempt, Answer::Counted(receipt("r")), Duration::ZERO);
    }
    let outcome = book.outcome(Duration::ZERO);
    assert_eq!(outcome.contradiction_samples, [Contradiction::SharedReceipt(VoterNumber(0), VoterNumber(1))]);
}

#[test]
fn a_lost_answer_explains_a_repetition_and_leaves_a_doubt_until_then() {
    let mut book = book();
    let attempt = book.plan.attempt(VoterNumber(0), AttemptKind::First);
    assert_eq!(book.enter_loss(&attempt, &ConnectionError::Closed), Next::Again(None));
    assert!(book.receipts.is_in_doubt(VoterNumber(0)));
    book.enter(&attempt, Answer::Repeated(receipt("r")), Duration::ZERO);
    assert!(!book.receipts.is_in_doubt(VoterNumber(0)));
    let never_sent = ConnectionError::Connect(std::io::ErrorKind::ConnectionRefused.into());
    let other = book.plan.attempt(VoterNumber(1), AttemptKind::First);
    book.enter_loss(&other, &never_sent);
    let outcome = book.outcome(Duration::ZERO);
    assert_eq!(outcome.contradictions, 0);
    assert_eq!(outcome.in_doubt(), []);
    assert!(!outcome.is_clean(), "a lost connection is reported, though it did no harm");
}

#[test]
fn a_second_vote_waits_until_the_first_is_acknowledged() {
    let mut book = book();
    let mut sent = Vec::new();
    while let Some(attempt) = book.next_attempt() {
        sent.push(attempt);
    }
    assert!(sent.iter().all(|attempt| attempt.kind != AttemptKind::SecondVote));
    let first = book.plan.attempt(VoterNumber(2), AttemptKind::First);
    book.enter(&first, Answer::Counted(receipt("r")), Duration::ZERO);
    let ready = book.next_attempt().map(|attempt| (attempt.voter, attempt.kind));
    assert_eq!(ready, Some((VoterNumber(2), AttemptKind::SecondVote)));
    assert_eq!(book.next_attempt(), None);
    assert_eq!(book.outcome(Duration::ZERO).unsent, 3);
}
