//! What a box can have counted: one form for equal counts, and what adds up under each method.

use hustings_core::{ChoiceNumber, Contest, Counts, Method, Rejection, ReportStatus, Unit};

use crate::boxes::race;

const MAX: u32 = Counts::NUMBER_MAX;

fn made(votes: &[(u16, u32)], blank: u32, invalid: u32, cast: Option<u32>) -> Result<Counts, Rejection> {
    let votes = votes.iter().map(|(number, votes)| (ChoiceNumber(*number), *votes)).collect();
    Counts::new(ReportStatus::Final, votes, blank, invalid, cast)
}

#[test]
fn counts_have_one_form() {
    let large = Rejection::NumberTooLarge { max: MAX };
    let form = |votes: &[(u16, u32)], [blank, invalid, cast]: [u32; 3]| {
        let votes = votes.iter().map(|(number, votes)| (ChoiceNumber(*number), *votes)).collect();
        Ok(Counts { status: ReportStatus::Final, votes, blank, invalid, cast })
    };
    for (what, votes, [blank, invalid], cast, expected) in [
        ("nothing", &[][..], [0, 0], None, form(&[], [0, 0, 0])),
        ("the sum is cast", &[(0, 5), (1, 3)], [2, 1], None, form(&[(0, 5), (1, 3)], [2, 1, 11])),
        ("cast as it was told", &[(0, 5)], [0, 0], Some(9), form(&[(0, 5)], [0, 0, 9])),
        ("any order", &[(2, 1), (0, 5)], [0, 0], None, form(&[(0, 5), (2, 1)], [0, 0, 6])),
        ("no votes are no line", &[(1, 0), (0, 5), (2, 0)], [0, 0], None, form(&[(0, 5)], [0, 0, 5])),
        ("a choice twice", &[(1, 2), (0, 1), (1, 2)], [0, 0], None, Err(Rejection::RepeatedChoice)),
        ("a choice twice, once without votes", &[(1, 2), (1, 0)], [0, 0], None, Err(Rejection::RepeatedChoice)),
        ("the largest number", &[(0, MAX)], [0, 0], None, form(&[(0, MAX)], [0, 0, MAX])),
        ("too many votes", &[(0, MAX + 1)], [0, 0], Some(1), Err(large)),
        ("too many blank", &[], [MAX + 1, 0], Some(1), Err(large)),
        ("too many invalid", &[], [0, MAX + 1], Some(1), Err(large)),
        ("too many cast", &[], [0, 0], Some(MAX + 1), Err(large)),
        ("too many in all", &[(0, MAX), (1, 1)], [0, 0], None, Err(large)),
        ("more in all than 32 bits", &[(0, u32::MAX), (1, u32::MAX)], [u32::MAX, 0], None, Err(large)),
    ] {
        assert_eq!(made(votes, blank, invalid, cast), expected, "{what}");
    }
}

#[test]
fn votes_blank_and_invalid_add_up() {
    let (single, two) = (Method::Single, Method::Approval { min: 0, max: 2 });
    let disagree = Err(Rejection::CountsDisagree);
    let over = |valid| Err(Rejection::ChoiceOverCast { valid });
    let unknown = Err(Rejection::UnknownChoice);
    for (method, votes, [blank, invalid, cast], expected) in [
        (single, &[][..], [0, 0, 0], Ok(())),
        (single, &[(0, 5), (2, 3)], [2, 1, 11], Ok(())),
        (single, &[(0, 5), (2, 3)], [2, 1, 12], disagree),
        (single, &[(0, 5), (2, 3)], [2, 1, 10], disagree),
        (single, &[], [2, 1, 3], Ok(())),
        (single, &[(0, MAX), (1, MAX), (2, MAX)], [MAX, MAX, MAX], disagree),
        (single, &[(3, 5)], [0, 0, 5], unknown),
        (single, &[(3, 5)], [0, 0, 9], unknown),
        (two, &[], [0, 0, 0], Ok(())),
        (two, &[(0, 5), (1, 5)], [0, 0, 5], Ok(())),
        (two, &[(0, 5), (1, 3)], [2, 1, 8], Ok(())),
        (two, &[(0, 5), (1, 3)], [2, 1, 9], Ok(())),
        (two, &[(0, 6)], [2, 1, 8], over(5)),
        (
            two,
            &[(0, 5), (1, 5), (2, 1)],
            [0, 0, 5],
            Err(Rejection::VotesOutOfRange { votes: 11, valid: 5, min: 0, max: 2 }),
        ),
        (two, &[], [3, 3, 5], Err(Rejection::TooFewCast)),
        (two, &[], [3, 3, 6], Ok(())),
        (two, &[(0, MAX), (1, MAX)], [0, 0, MAX], Ok(())),
        (two, &[(3, 1)], [0, 0, 1], unknown),
        (Method::Score { min: 1, max: 5 }, &[], [0, 0, 0], Err(Rejection::NoReports { method: "score" })),
    ] {
        let counts = made(votes, blank, invalid, Some(cast)).expect("counts that are allowed");
        let contest = Contest { method, ..race(0, "mayor", Unit::ROOT) };
        assert_eq!(counts.check(&contest), expected, "{method:?}: {counts:?}");
    }
}
