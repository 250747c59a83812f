//! The decision for one report, case by case: dedupe, then state, then rules.

use hustings_core::{
    Change, Channel, ChoiceNumber, Content, Contest, ContestNumber, ContestState, Counts, Event, Method, Rejection,
    Report, ReportFiled, ReportStatus, Revision, Schedule, Seq, Standing, UnitKind, UnitNumber, Verdict,
};

use crate::boxes::{Night, accepted, counts, night, race, report, unit};
use crate::support::{contest, submission_id, text};

const DRAFT: ContestState = ContestState::Draft { schedule: Schedule { opens_at: None, closes_at: None } };
const OPEN: ContestState = ContestState::Open { closes_at: None, revealed: false };
const PAUSED: ContestState = ContestState::Paused { closes_at: None, revealed: false };
const CLOSED: ContestState = ContestState::Closed { revealed: false };
const CERTIFIED: ContestState = ContestState::Certified { revealed: true };
const ANY_STATE: [ContestState; 5] = [DRAFT, OPEN, PAUSED, CLOSED, CERTIFIED];

const MAYOR_OF_YORK: ContestNumber = ContestNumber(1);
const SCORED: ContestNumber = ContestNumber(2);

/// The units of [`night`], and a retired box in Leeds.
const YORK: UnitNumber = UnitNumber(2);
const HALL: UnitNumber = UnitNumber(3);
const YORK_1: UnitNumber = UnitNumber(4);
const YORK_POST: UnitNumber = UnitNumber(5);
const LEEDS: UnitNumber = UnitNumber(6);
const LEEDS_1: UnitNumber = UnitNumber(7);
const LEEDS_OLD: UnitNumber = UnitNumber(8);

/// What is tried, the reports recorded before from place 1 on, the report, and the verdict on it.
///
/// A verdict reads `first <revision>`, `<revision> replaces <place>`, `<revision> late behind <place>`, `repeated
/// <place>`, `recorded then <place>` where another one counts now, or the code of the rejection and the place it names.
type Row<'a> = (&'a str, &'a [Report], Report, &'a str);

/// A night with three open contests and an empty ledger: the mayor of all, that of York, and one of scores in York.
fn three_contests() -> Night {
    let mut night = night();
    accepted(&night.add_units(&[unit("leeds-old", UnitKind::Box, "leeds")]));
    let scored = contest(Method::Score { min: 1, max: 5 }, Change::Final);
    let scored = Contest { method: scored.method, ..race(2, "scored", YORK) };
    night.election.contests.extend([race(1, "mayor-of-york", YORK), scored]);
    night.state.contests = vec![OPEN; 3];
    accepted(&night.retire(LEEDS_OLD));
    night.entries.clear();
    night
}

/// Records the earlier reports while open, then moves the contests to each of the states and asks for the verdict.
fn check(states: &[ContestState], rows: &[Row<'_>]) {
    for (what, earlier, report, expected) in rows {
        let mut night = three_contests();
        for earlier in *earlier {
            let verdict = night.submit(earlier);
            assert!(matches!(verdict, Verdict::Accept(_)), "{what}: an earlier report got {verdict:?}");
        }
        for state in states {
            night.state.contests = vec![state.clone(); 3];
            let verdict = night.decide(report);
            assert_eq!(in_words(&verdict, report, &night), *expected, "{what}, while {}", state.name());
        }
    }
}

/// The verdict in words. A recorded report must hold just what was sent, where the box is, and just what it replaces.
fn in_words(verdict: &Verdict, sent: &Report, night: &Night) -> String {
    match verdict {
        Verdict::Accept(Event::ReportFiled(filed)) => {
            let Report { contest, ballot_box, id, content, reported_at, by, reason, request, .. } = sent.clone();
            let of_box = night.units.get(ballot_box).expect("a box");
            let (place, channel) = (of_box.place, of_box.channel);
            let (revision, standing) = (filed.revision, filed.standing.clone());
            let expected = ReportFiled {
                contest,
                ballot_box,
                place,
                channel,
                revision,
                id,
                content,
                standing,
                reported_at,
                by,
                reason,
                request,
            };
            assert_eq!(*filed, expected);
            assert!(sent.revision.is_none_or(|sent| sent == revision), "another revision than was sent: {filed:?}");
            match &filed.standing {
                Standing::First => format!("first {revision}"),
                Standing::Replaces { seq, revision: old, counts } => {
                    let (_, replaced) = night.filed.iter().find(|(at, _)| at == seq).expect("a recorded report");
                    assert_eq!((replaced.revision, replaced.content.counts()), (*old, counts.as_ref()));
                    format!("{revision} replaces {seq}")
                }
                Standing::Late { current } => format!("{revision} late behind {current}"),
            }
        }
        Verdict::Repeated(seq) => format!("repeated {seq}"),
        Verdict::Superseded(seq) => format!("recorded then {seq}"),
        Verdict::Rejected(rejection @ Rejection::ExistsWithDifferentVotes { current }) => {
            format!("{} {current}", rejection.code())
        }
        Verdict::Rejected(rejection) => rejection.code().to_owned(),
        other => format!("{other:?}"),
    }
}

fn with_id(id: u8, report: Report) -> Report {
    Report { id: Some(submission_id(id)), ..report }
}

fn revised(revision: u32, report: Report) -> Report {
    Report { revision: Some(Revision(revision)), ..report }
}

fn withdrawal(ballot_box: UnitNumber) -> Report {
    Report { content: Content::Withdrawn, reason: Some(text("counted twice")), ..report(ballot_box, &[]) }
}

/// The report of a box in York.
fn york(votes: &[u32]) -> Report {
    report(YORK_1, votes)
}

#[test]
fn dedupe_answers_first_in_every_state() {
    let one = [with_id(1, revised(1, york(&[5, 3])))];
    let again = || with_id(1, york(&[5, 3]));
    let wrong = Report {
        definition: Some([0; 32]),
        within: Some(LEEDS),
        channel: Some(Channel::Postal),
        request: vec![b' '; Report::REQUEST_MAX + 1],
        ..again()
    };
    let provisional = Content::Filed(Counts { status: ReportStatus::Provisional, ..counts(&[5, 3]) });
    let elsewhere = Report { contest: MAYOR_OF_YORK, ..again() };
    check(
        &ANY_STATE,
        &[
            ("same id, same content", &one, again(), "repeated 1"),
            ("same id, same content, the revision it got", &one, revised(1, again()), "repeated 1"),
            ("same id, same content, against every rule", &one, wrong, "repeated 1"),
            ("same id, another revision", &one, revised(2, again()), "id_reused"),
            ("same id, other votes", &one, with_id(1, york(&[5, 4])), "id_reused"),
            ("same id, now provisional", &one, Report { content: provisional.clone(), ..again() }, "id_reused"),
            ("same id, now withdrawn", &one, with_id(1, withdrawal(YORK_1)), "id_reused"),
            ("same id, another box", &one, with_id(1, report(LEEDS_1, &[5, 3])), "id_reused"),
            ("same id, another contest", &one, elsewhere, "id_reused"),
            ("same revision, same content, no id", &one, revised(1, york(&[5, 3])), "repeated 1"),
            ("same revision, same content, other id", &one, with_id(2, revised(1, york(&[5, 3]))), "repeated 1"),
            ("same revision, other votes", &one, revised(1, york(&[5, 4])), "exists_with_different_votes 1"),
            (
                "same revision, now provisional",
                &one,
                Report { content: provisional, ..revised(1, york(&[5, 3])) },
                "exists_with_different_votes 1",
            ),
            ("same revision, now withdrawn", &one, revised(1, withdrawal(YORK_1)), "exists_with_different_votes 1"),
            ("same id and same revision, other votes", &one, revised(1, with_id(1, york(&[9]))), "id_reused"),
        ],
    );
}

#[test]
fn a_corrected_report_keeps_its_old_receipts_in_every_state() {
    let corrected = [with_id(1, revised(1, york(&[5]))), with_id(2, revised(2, york(&[6])))];
    let back = [corrected[0].clone(), corrected[1].clone(), with_id(3, revised(3, york(&[5])))];
    let late = [with_id(1, revised(5, york(&[5]))), with_id(2, revised(2, york(&[6])))];
    let withdrawn = [with_id(1, revised(1, york(&[5]))), with_id(2, withdrawal(YORK_1))];
    check(
        &ANY_STATE,
        &[
            ("the first, by its id", &corrected, with_id(1, york(&[5])), "recorded then 1"),
            ("the first, by its revision", &corrected, revised(1, york(&[5])), "recorded then 1"),
            ("the first with other votes", &corrected, revised(1, york(&[7])), "exists_with_different_votes 1"),
            ("the first with the second votes", &corrected, revised(1, york(&[6])), "exists_with_different_votes 1"),
            ("the second, by its id", &corrected, with_id(2, york(&[6])), "repeated 2"),
            ("the second, by its revision", &corrected, revised(2, york(&[6])), "repeated 2"),
            ("the first, after a correction there and back", &back, with_id(1, york(&[5])), "recorded then 1"),
            ("the last, after a correction there and back", &back, with_id(3, york(&[5])), "repeated 3"),
            ("a late one, by its id", &late, with_id(2, york(&[6])), "recorded then 2"),
            ("a late one, by its revision", &late, revised(2, york(&[6])), "recorded then 2"),
            ("a late one with other votes", &late, revised(2, york(&[7])), "exists_with_different_votes 2"),
            ("the one before the late one", &late, revised(5, york(&[5])), "repeated 1"),
            ("what was withdrawn", &withdrawn, with_id(1, york(&[5])), "recorded then 1"),
            ("a withdrawal, by its id", &withdrawn, with_id(2, withdrawal(YORK_1)), "repeated 2"),
            ("a withdrawal, by its revision", &withdrawn, revised(2, withdrawal(YORK_1)), "repeated 2"),
            ("counts for a withdrawal", &withdrawn, revised(2, york(&[5])), "exists_with_different_votes 2"),
        ],
    );
}

#[test]
fn a_retired_box_keeps_its_receipts() {
    let mut night = three_contests();
    let filed = with_id(1, revised(1, york(&[5])));
    let withdrawn = with_id(2, revised(2, withdrawal(YORK_1)));
    accepted(&night.submit(&filed));
    assert_eq!(night.retire(YORK_1), Verdict::Rejected(Rejection::UnitInUse), "while its report counts");
    accepted(&night.submit(&withdrawn));
    accepted(&night.retire(YORK_1));
    for state in ANY_STATE {
        night.state.contests = vec![state.clone(); 3];
        assert_eq!(night.decide(&filed), Verdict::Superseded(Seq(1)), "while {}", state.name());
        assert_eq!(night.decide(&withdrawn), Verdict::Repeated(Seq(2)), "while {}", state.name());
    }
    night.state.contests = vec![OPEN; 3];
    for (what, report) in [
        ("a correction", revised(3, york(&[6]))),
        ("a late one", revised(0, york(&[6]))),
        ("the next one", york(&[6])),
        ("a withdrawal", revised(3, withdrawal(YORK_1))),
    ] {
        assert_eq!(night.decide(&report), Verdict::Rejected(Rejection::BoxRetired), "{what}");
    }
}

#[test]
fn what_is_no_box_never_reports() {
    let one = [with_id(1, york(&[5]))];
    check(
        &ANY_STATE,
        &[
            ("no unit", &[], report(UnitNumber(99), &[5]), "unknown_unit"),
            ("no unit, with an id of before", &one, with_id(1, report(UnitNumber(99), &[5])), "unknown_unit"),
            ("the nation", &[], report(UnitNumber(0), &[5]), "not_a_box"),
            ("a city", &[], report(YORK, &[5]), "not_a_box"),
            ("a station", &[], report(HALL, &[5]), "not_a_box"),
            ("a city, with an id of before", &one, with_id(1, report(YORK, &[5])), "not_a_box"),
        ],
    );
}

fn because(report: Report) -> Report {
    Report { reason: Some(text("another reason")), ..report }
}

fn other_clerk(report: Report) -> Report {
    Report { by: text("somebody else"), ..report }
}

#[test]
fn a_new_report_has_its_standing() {
    const MAX: u32 = u32::MAX;
    let one = [revised(3, york(&[5]))];
    let unnumbered = [york(&[5])];
    let late = [revised(3, york(&[5])), revised(1, york(&[6]))];
    let withdrawn = [revised(3, york(&[5])), withdrawal(YORK_1)];
    let refiled = [revised(3, york(&[5])), withdrawal(YORK_1), york(&[6])];
    let last = [revised(MAX, york(&[5]))];
    let last_withdrawn = [revised(3, york(&[5])), revised(MAX, withdrawal(YORK_1))];
    let in_york = |report| Report { contest: MAYOR_OF_YORK, ..report };
    check(
        &[OPEN, ContestState::Open { closes_at: None, revealed: true }],
        &[
            ("the first", &[], york(&[5]), "first 1"),
            ("the first, with a revision", &[], revised(3, york(&[5])), "first 3"),
            ("the first of another box", &one, report(YORK_POST, &[5]), "first 1"),
            ("the first in another contest", &one, in_york(york(&[5])), "first 1"),
            ("the same revision in another contest", &one, in_york(revised(3, york(&[6]))), "first 3"),
            ("the same revision of another box", &one, revised(3, report(LEEDS_1, &[6])), "first 3"),
            ("a correction", &one, revised(4, york(&[6])), "4 replaces 1"),
            ("a correction far ahead", &one, revised(MAX, york(&[6])), "4294967295 replaces 1"),
            ("a correction that says the same", &one, revised(4, york(&[5])), "4 replaces 1"),
            ("the next one", &one, york(&[6]), "4 replaces 1"),
            ("the next one says the same", &unnumbered, york(&[5]), "2 replaces 1"),
            ("a late one", &one, revised(2, york(&[6])), "2 late behind 1"),
            ("a late one says the same", &one, revised(2, york(&[5])), "2 late behind 1"),
            ("a late withdrawal", &one, revised(2, withdrawal(YORK_1)), "2 late behind 1"),
            ("another late one", &late, revised(2, york(&[7])), "2 late behind 1"),
            ("the next one after a late one", &late, york(&[7]), "4 replaces 1"),
            ("a withdrawal", &one, withdrawal(YORK_1), "4 replaces 1"),
            ("a withdrawal, with a revision", &one, revised(9, withdrawal(YORK_1)), "9 replaces 1"),
            ("a report after a withdrawal", &withdrawn, york(&[6]), "5 replaces 2"),
            ("a late one after a withdrawal", &withdrawn, revised(1, york(&[6])), "1 late behind 2"),
            ("a withdrawal again", &refiled, withdrawal(YORK_1), "6 replaces 3"),
            ("a withdrawal of nothing", &[], withdrawal(YORK_1), "nothing_to_withdraw"),
            ("a withdrawal of nothing, with a revision", &[], revised(3, withdrawal(YORK_1)), "nothing_to_withdraw"),
            ("a withdrawal of another box", &one, withdrawal(LEEDS_1), "nothing_to_withdraw"),
            ("a withdrawal in another contest", &one, in_york(withdrawal(YORK_1)), "nothing_to_withdraw"),
            ("the same withdrawal, which has no name", &withdrawn, withdrawal(YORK_1), "repeated 2"),
            ("a withdrawal of it for another reason", &withdrawn, because(withdrawal(YORK_1)), "nothing_to_withdraw"),
            ("a withdrawal of it by somebody else", &withdrawn, other_clerk(withdrawal(YORK_1)), "nothing_to_withdraw"),
            ("the same, with a revision", &withdrawn, revised(9, withdrawal(YORK_1)), "nothing_to_withdraw"),
            ("a late withdrawal of a withdrawal", &withdrawn, revised(1, withdrawal(YORK_1)), "1 late behind 2"),
            ("a late one after the last revision", &last, revised(MAX - 1, york(&[6])), "4294967294 late behind 1"),
            ("the next one after the last revision", &last, york(&[6]), "no_revision_left"),
            ("a withdrawal after the last revision", &last_withdrawn, because(withdrawal(YORK_1)), "no_revision_left"),
        ],
    );
}

#[test]
fn what_the_sender_believes_must_be_true() {
    let definition = race(1, "mayor-of-york", YORK).digest();
    let other = race(0, "mayor", UnitNumber(0)).digest();
    let within = |unit, report| Report { within: Some(unit), ..report };
    let through = |channel, report| Report { channel: Some(channel), ..report };
    let defined = |definition, report| Report { contest: MAYOR_OF_YORK, definition: Some(definition), ..report };
    let [place, post] = [york(&[5]), report(YORK_POST, &[5])];
    let large = |bytes| Report { request: vec![b' '; bytes], ..york(&[5]) };
    check(
        &[OPEN],
        &[
            ("in the nation", &[], within(UnitNumber(0), place.clone()), "first 1"),
            ("in its region", &[], within(UnitNumber(1), place.clone()), "first 1"),
            ("in its city", &[], within(YORK, place.clone()), "first 1"),
            ("in its station", &[], within(HALL, place.clone()), "first 1"),
            ("in itself", &[], within(YORK_1, place.clone()), "first 1"),
            ("in another city", &[], within(LEEDS, place.clone()), "box_belongs_elsewhere"),
            ("in another box", &[], within(YORK_POST, place.clone()), "box_belongs_elsewhere"),
            ("in a station of its city", &[], within(HALL, post.clone()), "box_belongs_elsewhere"),
            ("in no unit", &[], within(UnitNumber(99), place.clone()), "box_belongs_elsewhere"),
            ("through its channel", &[], through(Channel::Postal, post.clone()), "first 1"),
            ("through another channel", &[], through(Channel::InPerson, post), "box_belongs_elsewhere"),
            ("for this definition", &[], defined(definition, place.clone()), "first 1"),
            ("for another definition", &[], defined(other, place), "stale_definition"),
            ("the longest request", &[], large(Report::REQUEST_MAX), "first 1"),
            ("a longer request", &[], large(Report::REQUEST_MAX + 1), "request_too_large"),
        ],
    );
}

/// A rule, and how to break it and nothing that comes before it.
type Broken = (Rejection, fn(&mut Report));

/// All rules, in the order that [`Rejection`] documents.
const RULES: [Broken; 9] = [
    (Rejection::BoxRetired, |report| report.ballot_box = LEEDS_OLD),
    (Rejection::StaleDefinition, |report| report.definition = Some([0; 32])),
    (Rejection::BoxOutsideContest, |report| report.ballot_box = LEEDS_1),
    (Rejection::BoxBelongsElsewhere, |report| report.within = Some(HALL)),
    (Rejection::OtherChannel, |report| report.channel = Some(Channel::Overseas)),
    (Rejection::RequestTooLarge { max: Report::REQUEST_MAX }, |report| {
        report.request = vec![b' '; Report::REQUEST_MAX + 1];
    }),
    (Rejection::UnknownChoice, |report| change(report, |counts| counts.votes.push((ChoiceNumber(3), 1)))),
    (Rejection::NoReports { method: "score" }, |report| report.contest = SCORED),
    (Rejection::CountsDisagree, |report| change(report, |counts| counts.cast += 100)),
];

fn change(report: &mut Report, change: fn(&mut Counts)) {
    if let Content::Filed(counts) = &mut report.content {
        change(counts);
    }
}

/// So many ballots with so many marks, of which each may and must have so many.
#[test]
fn ballots_of_several_choices_have_as_many_marks_as_they_may() {
    let contest =
        |min, max| Contest { method: Method::Approval { min, max }, ..three_contests().election.contests[0].clone() };
    let counts = |votes: &[u32], others: u32, cast: u32| {
        let votes = (0..).map(ChoiceNumber).zip(votes.iter().copied()).collect();
        Counts::new(ReportStatus::Final, votes, others, 0, Some(cast)).expect("counts")
    };
    for (min, max, votes, others, cast, expected) in [
        (1, 2, &[5, 5][..], 0, 10, true),
        (1, 2, &[5, 5], 0, 5, true),
        (1, 2, &[5, 5], 2, 7, true),
        (1, 2, &[5, 5], 0, 4, false), // More votes for one choice than ballots.
        (1, 1, &[5, 5], 0, 9, false), // More marks than the ballots may have.
        (1, 2, &[1], 0, 100, false),  // Fewer marks than they must have.
        (1, 2, &[1], 99, 100, true),
        (1, 2, &[], 0, 50, false),
        (0, 2, &[], 0, 50, true),
        (2, 2, &[5, 5], 0, 10, false),
        (2, 2, &[5, 5], 0, 5, true),
        (1, 2, &[5], 7, 6, false), // More blank ones than ballots.
    ] {
        let checked = counts(votes, others, cast).check(&contest(min, max));
        let what = format!("{votes:?} and {others} of {cast}, {min} to {max}");
        let code = checked.as_ref().map_err(Rejection::code).err();
        assert_eq!(code, (!expected).then_some("counts_disagree"), "{what}");
    }
}

/// The place of a refusal in the list that documents their order.
fn documented(rejection: &Rejection) -> usize {
    let named = format!("{rejection:?}");
    let name = named.split(' ').next().unwrap_or(&named);
    let is_variant = |line: &str| [format!("    {name},"), format!("    {name} {{")].contains(&line.to_owned());
    include_str!("../../src/rejection.rs").lines().position(is_variant).expect("a variant")
}

#[test]
fn the_first_broken_rule_is_the_answer_after_the_state() {
    let sound = Report { contest: MAYOR_OF_YORK, ..report(YORK_POST, &[5]) };
    for (first, (rejection, break_first)) in RULES.iter().enumerate() {
        for (later, break_later) in &RULES[first..] {
            assert!(documented(rejection) <= documented(later), "{rejection:?} is documented behind {later:?}");
            let mut broken = sound.clone();
            break_later(&mut broken);
            break_first(&mut broken);
            let mut night = three_contests();
            let what = format!("{rejection:?} and {later:?}");
            assert_eq!(night.decide(&broken), Verdict::Rejected(*rejection), "{what}");
            for (state, code) in [
                (DRAFT, Rejection::ContestNotOpen),
                (PAUSED, Rejection::ContestPaused),
                (CLOSED, Rejection::ContestClosed),
                (CERTIFIED, Rejection::ContestClosed),
            ] {
                night.state.contests = vec![state; 3];
                assert_eq!(night.decide(&broken), Verdict::Rejected(code), "{what}");
            }
        }
    }
    assert!(matches!(three_contests().decide(&sound), Verdict::Accept(_)), "all rules are kept");
}

#[test]
fn the_rules_come_before_the_standing() {
    let last = revised(u32::MAX, Report { contest: MAYOR_OF_YORK, ..report(YORK_POST, &[5]) });
    let next = Report { revision: None, ..last.clone() };
    let withdrawal = Report { content: Content::Withdrawn, ..next.clone() };
    for (what, earlier, report, standing) in [
        ("no revision is left", &[last][..], next, Rejection::NoRevisionLeft),
        ("nothing can be withdrawn", &[], withdrawal, Rejection::NothingToWithdraw),
    ] {
        let mut night = three_contests();
        earlier.iter().for_each(|earlier| accepted(&night.submit(earlier)));
        assert_eq!(night.decide(&report), Verdict::Rejected(standing), "{what}");
        for (rule, break_rule) in RULES {
            assert!(documented(&rule) < documented(&standing), "{rule:?} is documented behind {standing:?}");
            let mut broken = report.clone();
            break_rule(&mut broken);
            // A withdrawal has no counts that could break a rule.
            let expected = if broken == report || (broken.contest == SCORED && standing == Rejection::NothingToWithdraw)
            {
                standing
            } else {
                rule
            };
            assert_eq!(night.decide(&broken), Verdict::Rejected(expected), "{rule:?} and {what}");
        }
        night.state.contests = vec![CLOSED; 3];
        assert_eq!(night.decide(&report), Verdict::Rejected(Rejection::ContestClosed), "{what}, after the close");
    }
}
