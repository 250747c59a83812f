//! A recount trusts nobody: each forged entry is refused for its own reason, and a sound ledger never is.

use hustings_core::entry::StateChange;
use hustings_core::{
    ActKind, BallotCast, Change, Channel, Content, Contest, ContestNumber, CountError, Counts, Election, Entry, Event,
    Fold, FoldError, GroupNumber, Kind, Method, NewUnit, Recount, Rejection, Report, ReportFiled, ReportStatus,
    Revision, Schedule, Seq, Standing, StateChanged, Time, Unit, UnitKind, UnitNumber, UnitRetired, UnitsAdded,
    Visibility,
};

use crate::boxes::{Night, accepted, counts, night, race, report, unit};
use crate::support::{choices, contest, election, label, text, voter};

use UnitKind::{Box as BallotBox, City, Region};

const YORK: UnitNumber = UnitNumber(2);
const YORK_1: UnitNumber = UnitNumber(4);
const YORK_POST: UnitNumber = UnitNumber(5);
const LEEDS: UnitNumber = UnitNumber(6);
const LEEDS_1: UnitNumber = UnitNumber(7);

/// [`night`] in 12 entries: a correction from place 4 to 5, a late report at 6, a withdrawal at 8, a city of the number
/// 8 that comes and is retired at 10, a region of the number 9 whose voters are told, and a second contest.
fn sample() -> Night {
    let mut night = night();
    let revised = |revision, report| Report { revision: Some(Revision(revision)), ..report };
    for report in [
        report(YORK_1, &[5, 3]),
        revised(3, report(YORK_1, &[6, 3])),
        revised(2, report(YORK_1, &[9])),
        report(YORK_POST, &[0, 0, 7]),
        Report { content: Content::Withdrawn, ..report(YORK_POST, &[]) },
    ] {
        accepted(&night.submit(&report));
    }
    accepted(&night.add_units(&[unit("ghost", City, "nation")]));
    let ghost = night.unit("ghost");
    accepted(&night.retire(ghost));
    accepted(&night.add_units(&[NewUnit { registered: Some(1000), ..unit("told", Region, "nation") }]));
    accepted(&night.add_contest(&race(1, "mayor-of-york", YORK)));
    night
}

/// Recounts entries; the error of the first that is refused.
fn recounted(election: &Election, entries: &[Entry]) -> Result<Fold, FoldError> {
    let mut recount = Recount::new(election);
    entries.iter().try_for_each(|entry| recount.apply(&entry.to_bytes()).map(drop))?;
    Ok(recount.into_fold())
}

/// Recounts a sound night and one more entry.
fn forged(night: &Night, event: Event) -> Result<Fold, FoldError> {
    let seq = night.entries.last().map_or(Seq(1), |last| last.seq.next());
    let forged = Entry { seq, time: night.time, event };
    recounted(&night.election, &[&night.entries[..], &[forged]].concat())
}

#[test]
fn a_sound_night_has_one_count() {
    let night = sample();
    let mut fold = Fold::new(&night.election);
    for (n, entry) in (1..).zip(&night.entries) {
        fold.apply(&entry.to_bytes()).expect("an entry of a sound ledger");
        assert_eq!(recounted(&night.election, &night.entries[..n]).as_ref(), Ok(&fold), "{n} entries");
    }
    assert_eq!((fold.seq, &fold.state), (Seq(12), &night.state));
}

/// The next honest report of York's first box, which has reported with revision 3 at place 5.
fn honest() -> ReportFiled {
    ReportFiled {
        contest: ContestNumber(0),
        ballot_box: YORK_1,
        place: YORK,
        channel: Channel::InPerson,
        revision: Revision(4),
        id: None,
        content: Content::Filed(counts(&[8, 3])),
        standing: replaces(5, 3, &[6, 3]),
        reported_at: None,
        by: text("gateway"),
        reason: None,
        request: Vec::new(),
    }
}

fn replaces(seq: u64, revision: u32, votes: &[u32]) -> Standing {
    Standing::Replaces { seq: Seq(seq), revision: Revision(revision), counts: Some(counts(votes)) }
}

fn late(current: u64) -> Standing {
    Standing::Late { current: Seq(current) }
}

#[test]
fn a_report_that_lies_about_its_place_or_its_past_is_refused() {
    let night = sample();
    let twice = FoldError::Twice(Seq(13));
    let provisional = Counts { status: ReportStatus::Provisional, ..counts(&[6, 3]) };
    let provisional = Standing::Replaces { seq: Seq(5), revision: Revision(3), counts: Some(provisional) };
    let emptied = Standing::Replaces { seq: Seq(5), revision: Revision(3), counts: None };
    let post = |standing| ReportFiled {
        ballot_box: YORK_POST,
        channel: Channel::Postal,
        revision: Revision(3),
        standing,
        ..honest()
    };
    let withdrawn = Standing::Replaces { seq: Seq(8), revision: Revision(2), counts: None };
    let leeds = |standing| ReportFiled { ballot_box: LEEDS_1, place: LEEDS, standing, ..honest() };
    for (what, report, expected) in [
        ("nothing", honest(), None),
        ("another city", ReportFiled { place: LEEDS, ..honest() }, Some(twice)),
        ("the region", ReportFiled { place: UnitNumber(1), ..honest() }, Some(twice)),
        ("another channel", ReportFiled { channel: Channel::Postal, ..honest() }, Some(twice)),
        ("that it is the first", ReportFiled { standing: Standing::First, ..honest() }, Some(twice)),
        ("what it replaces", ReportFiled { standing: replaces(4, 1, &[5, 3]), ..honest() }, Some(twice)),
        ("a late one that it replaces", ReportFiled { standing: replaces(6, 2, &[9]), ..honest() }, Some(twice)),
        ("the replaced place", ReportFiled { standing: replaces(4, 3, &[6, 3]), ..honest() }, Some(twice)),
        ("the replaced revision", ReportFiled { standing: replaces(5, 2, &[6, 3]), ..honest() }, Some(twice)),
        ("the replaced counts", ReportFiled { standing: replaces(5, 3, &[5, 3]), ..honest() }, Some(twice)),
        (
            "the replaced status",
            ReportFiled { standing: provisional, ..honest() },
            Some(FoldError::Count(Seq(13), CountError)),
        ),
        ("that counts were a withdrawal", ReportFiled { standing: emptied, ..honest() }, Some(twice)),
        ("that it is late", ReportFiled { standing: late(5), ..honest() }, Some(twice)),
        ("a late one that counts", ReportFiled { revision: Revision(0), ..honest() }, Some(twice)),
        (
            "a late one behind another",
            ReportFiled { revision: Revision(0), standing: late(4), ..honest() },
            Some(twice),
        ),
        ("nothing, and is late", ReportFiled { revision: Revision(0), standing: late(5), ..honest() }, None),
        ("a revision twice", ReportFiled { revision: Revision(3), ..honest() }, Some(twice)),
        ("a late revision twice", ReportFiled { revision: Revision(2), standing: late(5), ..honest() }, Some(twice)),
        ("an old revision twice", ReportFiled { revision: Revision(1), standing: late(5), ..honest() }, Some(twice)),
        ("nothing, after a withdrawal", post(withdrawn), None),
        ("that it is the first after a withdrawal", post(Standing::First), Some(twice)),
        ("nothing, and is the first", leeds(Standing::First), None),
        ("what it replaces, and is the first", leeds(replaces(5, 3, &[6, 3])), Some(twice)),
        ("that it is late, and is the first", leeds(late(5)), Some(twice)),
    ] {
        let found = forged(&night, Event::ReportFiled(report)).err();
        assert_eq!(found, expected, "a report that lies about {what}");
    }
}

#[test]
fn a_report_against_the_rules_is_refused() {
    let night = sample();
    let forbidden = |rejection| FoldError::Report(Seq(13), rejection);
    let first = ReportFiled { ballot_box: LEEDS_1, place: LEEDS, standing: Standing::First, ..honest() };
    let disagreeing = Content::Filed(Counts { cast: 99, ..counts(&[8]) });
    for (what, report, expected) in [
        (
            "a withdrawal of nothing",
            ReportFiled { content: Content::Withdrawn, ..first },
            forbidden(Rejection::NothingToWithdraw),
        ),
        ("a city reports", ReportFiled { ballot_box: YORK, ..honest() }, forbidden(Rejection::NotABox)),
        ("no unit reports", ReportFiled { ballot_box: UnitNumber(99), ..honest() }, forbidden(Rejection::UnknownUnit)),
        ("no sum", ReportFiled { content: disagreeing, ..honest() }, forbidden(Rejection::CountsDisagree)),
        (
            "a choice too many",
            ReportFiled { content: Content::Filed(counts(&[0, 0, 0, 1])), ..honest() },
            forbidden(Rejection::UnknownChoice),
        ),
        (
            "a request too long",
            ReportFiled { request: vec![b' '; Report::REQUEST_MAX + 1], ..honest() },
            forbidden(Rejection::RequestTooLarge { max: Report::REQUEST_MAX }),
        ),
    ] {
        assert_eq!(forged(&night, Event::ReportFiled(report)), Err(expected), "{what}");
    }
}

#[test]
fn units_that_no_decision_would_add_are_refused() {
    let night = sample();
    let new = |parent, place| Unit {
        code: label("new"),
        kind: BallotBox,
        parent: UnitNumber(parent),
        place: UnitNumber(place),
        ..Unit::root()
    };
    let city = |place| Unit { kind: City, ..new(1, place) };
    let told = |unit| Unit { registered: Some(1), ..unit };
    let coded = |code: &str, unit| Unit { code: label(code), ..unit };
    let deep: Vec<Unit> = (10..23)
        .map(|number| {
            coded(
                &format!("level-{number}"),
                Unit { kind: Region, ..new(if number == 10 { 0 } else { number - 1 }, number) },
            )
        })
        .collect();
    for (what, first, units, fits) in [
        ("a box in a station", 10, vec![new(3, 2)], true),
        ("a city and its box", 10, vec![city(10), coded("new-1", new(10, 10))], true),
        ("a told box of an untold city", 10, vec![told(new(3, 2))], true),
        ("as deep as a tree can be", 10, deep[..12].to_vec(), true),
        ("deeper", 10, deep, false),
        ("a box in another city", 10, vec![new(3, 6)], false),
        ("a box whose place is its station", 10, vec![new(3, 3)], false),
        ("a city whose place is its region", 10, vec![city(1)], false),
        ("a code that is taken", 10, vec![coded("leeds-1", new(3, 2))], false),
        ("the code of a retired unit", 10, vec![coded("ghost", new(0, 0))], false),
        ("a code twice", 10, vec![new(3, 2), new(3, 2)], false),
        ("what is there just so", 10, vec![coded("leeds-1", new(6, 6))], false),
        ("what is there just so, beside a new one", 10, vec![new(3, 2), coded("leeds-1", new(6, 6))], false),
        ("a unit below a retired one", 10, vec![new(8, 8)], false),
        ("registered voters told twice", 10, vec![told(new(9, 9))], false),
        ("registered voters told twice at once", 10, vec![told(city(10)), told(coded("new-1", new(10, 10)))], false),
        ("boxes of a station", 10, vec![Unit { kind: UnitKind::Station, boxes: Some(1), ..new(2, 2) }], false),
        ("a child before its parent", 10, vec![coded("new-1", new(11, 11)), city(11)], false),
        ("its own parent", 10, vec![Unit { kind: Region, ..new(10, 10) }], false),
        ("a parent that is no unit", 10, vec![new(99, 99)], false),
        ("a second nation", 10, vec![Unit { kind: UnitKind::Nation, ..new(0, 10) }], false),
    ] {
        let added = UnitsAdded { first: UnitNumber(first), units, by: text("host"), reason: None };
        let expected = (!fits).then_some(FoldError::Units(Seq(13), Rejection::UnitsMoved));
        assert_eq!(forged(&night, Event::UnitsAdded(added)).err(), expected, "{what}");
    }
    let units_moved = FoldError::Units(Seq(13), Rejection::UnitsMoved).to_string();
    assert_eq!(units_moved, "entry 13 changes the units as their tree forbids (units_moved)", "no advice to a sender");
    for (what, first, units) in
        [("a gap", 11, vec![new(3, 2)]), ("numbers that are taken", 9, vec![new(3, 2)]), ("no unit", 10, vec![])]
    {
        let added = UnitsAdded { first: UnitNumber(first), units, by: text("host"), reason: None };
        let expected = FoldError::State(Seq(13), Rejection::UnitsMoved);
        assert_eq!(forged(&night, Event::UnitsAdded(added)), Err(expected), "{what}");
    }
}

#[test]
fn a_unit_that_may_not_go_is_refused() {
    let mut night = sample();
    accepted(&night.add_units(&[NewUnit { boxes: Some(10), ..unit("later", City, "nation") }]));
    let post = UnitRetired {
        unit: YORK_POST,
        kind: BallotBox,
        place: YORK,
        channel: Channel::Postal,
        registered: 0,
        boxes: 0,
        by: text("host"),
        reason: None,
    };
    let in_person = |unit: UnitNumber, place| UnitRetired { unit, place, channel: Channel::InPerson, ..post.clone() };
    let told = UnitRetired { kind: Region, registered: 1000, ..in_person(UnitNumber(9), UnitNumber(9)) };
    let later = UnitRetired { kind: City, boxes: 10, ..in_person(UnitNumber(10), UnitNumber(10)) };
    let ghost = UnitRetired { kind: City, ..in_person(UnitNumber(8), UnitNumber(8)) };
    let york = UnitRetired { kind: City, ..in_person(YORK, YORK) };
    let units = |rejection| Some(FoldError::Units(Seq(14), rejection));
    let moved = || units(Rejection::UnitsMoved);
    let count = || Some(FoldError::Count(Seq(14), CountError));
    for (what, retired, expected) in [
        ("a box whose report was withdrawn", post.clone(), None),
        ("a region with its voters", told.clone(), None),
        ("a city with its foreseen boxes", later.clone(), None),
        ("a box whose report counts", in_person(YORK_1, YORK), units(Rejection::UnitInUse)),
        ("a box out of another city", in_person(LEEDS_1, YORK), moved()),
        ("a box out of another channel", in_person(YORK_POST, YORK), moved()),
        ("a box out of where none is", UnitRetired { place: UnitNumber(1), ..post.clone() }, count()),
        ("a box as a station", UnitRetired { kind: UnitKind::Station, ..post.clone() }, moved()),
        ("a station as a box", in_person(UnitNumber(3), YORK), units(Rejection::UnitInUse)),
        ("fewer voters than told", UnitRetired { registered: 999, ..told.clone() }, moved()),
        ("more voters than told", UnitRetired { registered: 1001, ..told }, count()),
        ("fewer boxes than foreseen", UnitRetired { boxes: 9, ..later }, moved()),
        ("a city with boxes", york, units(Rejection::UnitInUse)),
        ("what was retired before", ghost, moved()),
        ("the root", UnitRetired { kind: City, ..in_person(Unit::ROOT, Unit::ROOT) }, units(Rejection::RootStays)),
        (
            "no unit",
            UnitRetired { unit: UnitNumber(11), ..post },
            Some(FoldError::State(Seq(14), Rejection::UnknownUnit)),
        ),
    ] {
        assert_eq!(forged(&night, Event::UnitRetired(retired)).err(), expected, "{what}");
    }
}

fn changed(contest: u32, change: StateChange) -> Event {
    Event::StateChanged(StateChanged { contest: ContestNumber(contest), change, by: text("host"), reason: None })
}

#[test]
fn a_contest_that_is_not_the_definitions_is_refused() {
    let mut night = sample();
    let held_in = |unit| race(2, "council", unit);
    let sound = held_in(LEEDS);
    let added = |contest: &Contest| StateChange::Added { next: contest.id, definition: contest.digest() };
    let other = Some(FoldError::Definition(Seq(13)));
    for (what, defined, event, expected) in [
        ("as it is defined", &sound, changed(2, added(&sound)), None),
        ("held elsewhere than defined", &sound, changed(2, added(&held_in(YORK))), other),
        (
            "another id",
            &sound,
            changed(2, StateChange::Added { next: race(3, "x", LEEDS).id, definition: sound.digest() }),
            other,
        ),
        ("another definition", &sound, changed(2, StateChange::Added { next: sound.id, definition: [0; 32] }), other),
        ("held in no unit", &held_in(UnitNumber(99)), changed(2, added(&held_in(UnitNumber(99)))), other),
        ("held in a box", &held_in(YORK_1), changed(2, added(&held_in(YORK_1))), other),
        ("held in a retired city", &held_in(UnitNumber(8)), changed(2, added(&held_in(UnitNumber(8)))), other),
        (
            "a number that is taken",
            &sound,
            changed(1, added(&sound)),
            Some(FoldError::State(Seq(13), Rejection::UnknownContest)),
        ),
        (
            "another definition at the opening",
            &sound,
            changed(1, StateChange::Opened { scheduled: false, definition: [0; 32] }),
            other,
        ),
    ] {
        night.election.contests.truncate(2);
        night.election.contests.push(defined.clone());
        assert_eq!(forged(&night, event).err(), expected, "{what}");
    }
    night.election.contests.truncate(2);
    assert_eq!(forged(&night, changed(2, added(&sound))).err(), other, "a contest that no definition has");
}

#[test]
fn what_the_state_forbids_is_refused() {
    let night = sample();
    let forbidden = |rejection| Some(FoldError::State(Seq(14), rejection));
    let report = || Event::ReportFiled(honest());
    let certify = || changed(0, StateChange::Certified);
    for (what, before, event, expected) in [
        ("a report in a pause", ActKind::Pause, report(), forbidden(Rejection::ContestPaused)),
        (
            "a report after the close",
            ActKind::Close { scheduled: false },
            report(),
            forbidden(Rejection::ContestClosed),
        ),
        ("a certificate after the close", ActKind::Close { scheduled: false }, certify(), None),
        ("a certificate in a pause", ActKind::Pause, certify(), forbidden(Rejection::WrongStatus { status: "paused" })),
    ] {
        let mut night = sample();
        accepted(&night.act(ContestNumber(0), before));
        assert_eq!(forged(&night, event).err(), expected, "{what}");
    }
    let draft = ReportFiled { contest: ContestNumber(1), standing: Standing::First, ..honest() };
    let expected = FoldError::State(Seq(13), Rejection::ContestNotOpen);
    assert_eq!(forged(&night, Event::ReportFiled(draft)), Err(expected), "a report for a draft");
    let nowhere = ReportFiled { contest: ContestNumber(2), standing: Standing::First, ..honest() };
    let expected = FoldError::State(Seq(13), Rejection::UnknownContest);
    assert_eq!(forged(&night, Event::ReportFiled(nowhere)), Err(expected), "a report for no contest");

    let mut night = sample();
    accepted(&night.act(ContestNumber(0), ActKind::Close { scheduled: false }));
    accepted(&night.act(ContestNumber(0), ActKind::Certify));
    for (what, event, expected) in [
        ("a report", report(), FoldError::State(Seq(15), Rejection::ContestClosed)),
        ("a second certificate", certify(), FoldError::Idle(Seq(15))),
        (
            "a reopening",
            changed(0, StateChange::Reopened),
            FoldError::State(Seq(15), Rejection::WrongStatus { status: "certified" }),
        ),
    ] {
        assert_eq!(forged(&night, event), Err(expected), "{what} after the certificate");
    }
}

#[test]
fn ballots_belong_to_polls_and_reports_to_boxes() {
    let mut night = sample();
    let ballot = Event::BallotCast(BallotCast {
        contest: ContestNumber(0),
        group: GroupNumber(0),
        voter: voter(1),
        id: None,
        selections: choices(&[0]),
        previous: None,
    });
    let next = race(1, "mayor", Unit::ROOT);
    assert_eq!(forged(&night, ballot).err(), Some(FoldError::WrongKind(Seq(13))), "a ballot beside the boxes");
    accepted(&night.act(ContestNumber(1), ActKind::Open { scheduled: false }));
    accepted(&night.act(ContestNumber(1), ActKind::Close { scheduled: false }));
    let round = changed(1, StateChange::RoundStarted { next: next.id, definition: next.digest() });
    assert_eq!(forged(&night, round).err(), Some(FoldError::WrongKind(Seq(15))), "a round of boxes");

    let plain = || contest(Method::Single, Change::Final);
    for kind in [Kind::Poll, Kind::Competition] {
        let poll = election(plain(), Visibility::Always, Schedule::default());
        let poll = Election { kind, contests: vec![plain(), next.clone()], ..poll };
        let first = |event| recounted(&poll, &[Entry { seq: Seq(1), time: Time(0), event }]).err();
        let units = UnitsAdded {
            first: UnitNumber(1),
            units: vec![Unit { kind: City, place: UnitNumber(1), code: label("york"), ..Unit::root() }],
            by: text("host"),
            reason: None,
        };
        assert_eq!(first(Event::UnitsAdded(units)), Some(FoldError::WrongKind(Seq(1))), "units of a {kind:?}");
        let added = StateChange::Added { next: next.id, definition: next.digest() };
        assert_eq!(first(changed(1, added)), Some(FoldError::WrongKind(Seq(1))), "a contest added to a {kind:?}");
    }
}
