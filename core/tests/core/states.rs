//! Walks `docs/STATES.md`: every row of its table must be true, none may be missing, and the diagram must show the same.

use std::collections::BTreeSet;

use hustings_core::decide::ROUNDS_MAX;
use hustings_core::entry::StateChange;
use hustings_core::state::Due;
use hustings_core::{
    Act, ActKind, Change, Contest, ContestNumber, ContestState, ElectionState, Event, Method, Rejection, Schedule,
    StateChanged, Time, Unit, UnitKind, UnitsMark, Verdict, Visibility, decide_act,
};

use crate::boxes::{Night, accepted, night, race, unit};
use crate::ledger::Ledger;
use crate::support::{VISIBILITIES, contest, election, text};

const STATES: &str = include_str!("../../../docs/STATES.md");
const NOW: Time = Time(100);
const FIRST: ContestNumber = ContestNumber(0);

const ACTS: [&str; 9] =
    ["open", "open by schedule", "pause", "close", "close by schedule", "reopen", "reveal", "start round", "certify"];

/// A row of the table: from, act, to.
type Row<'a> = [&'a str; 3];

fn rows() -> Vec<Row<'static>> {
    rows_below("| from | act | to |\n|---|---|---|\n")
}

fn rows_below(heads: &str) -> Vec<Row<'static>> {
    let (_, table) = STATES.split_once(heads).expect("the table");
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        cells[1..cells.len() - 1].try_into().expect("a row of three cells")
    };
    table.lines().take_while(|line| line.starts_with('|')).map(row).collect()
}

/// What a row says happens under a visibility.
fn expected_under(to: &str, visibility: Visibility) -> &str {
    match to.split_once("; after_close: ") {
        Some((_, after_close)) if visibility == Visibility::AfterClose => after_close,
        Some((otherwise, _)) => otherwise,
        None => to,
    }
}

/// Every state that a label stands for: due means now or before, and without the word never or later.
fn states(label: &str) -> Vec<ContestState> {
    let times = if label.ends_with(", due") { [Some(NOW), Some(Time(99))] } else { [None, Some(Time(101))] };
    let state = |time| match label.trim_end_matches(", due") {
        "draft" => ContestState::Draft { schedule: Schedule { opens_at: time, closes_at: Some(Time(500)) } },
        other => after(other, time).expect("a state"),
    };
    times.into_iter().map(state).collect()
}

/// The state that a label names once a contest was opened; none for a refusal.
fn after(label: &str, closes_at: Option<Time>) -> Option<ContestState> {
    let revealed = label.contains("revealed");
    Some(match label.trim_end_matches(", revealed") {
        "open" => ContestState::Open { closes_at, revealed },
        "paused" => ContestState::Paused { closes_at, revealed },
        "closed" => ContestState::Closed { revealed },
        "archived" => ContestState::Archived { revealed },
        "certified" => ContestState::Certified { revealed },
        _ => return None,
    })
}

fn act(name: &str) -> Act {
    let next = || Box::new(contest(Method::Single, Change::Final));
    let kind = match name {
        "open" => ActKind::Open { scheduled: false },
        "open by schedule" => ActKind::Open { scheduled: true },
        "pause" => ActKind::Pause,
        "close" => ActKind::Close { scheduled: false },
        "close by schedule" => ActKind::Close { scheduled: true },
        "reopen" => ActKind::Reopen,
        "reveal" => ActKind::Reveal,
        "certify" => ActKind::Certify,
        _ => ActKind::StartRound(next()),
    };
    Act { contest: FIRST, kind, by: text("host"), reason: Some(text("because")) }
}

/// What an accepted act writes.
fn change(name: &str) -> StateChange {
    let definition = contest(Method::Single, Change::Final).digest();
    match name {
        "open" | "open by schedule" => StateChange::Opened { scheduled: name.ends_with("schedule"), definition },
        "pause" => StateChange::Paused,
        "close" | "close by schedule" => StateChange::Closed { scheduled: name.ends_with("schedule") },
        "reopen" => StateChange::Reopened,
        "reveal" => StateChange::Revealed,
        "certify" => StateChange::Certified,
        _ => StateChange::RoundStarted { next: contest(Method::Single, Change::Final).id, definition },
    }
}

fn check(row: Row<'_>, from: &ContestState, visibility: Visibility) {
    let [label, name, to] = row;
    let what = format!("{label} | {name} | {to} (from {from:?}, {visibility:?})");
    let to = expected_under(to, visibility);
    let before = ElectionState {
        visibility,
        contests: vec![from.clone()],
        state_entries: 7,
        units: UnitsMark::default(),
        title: None,
    };
    let mut moved = before.clone();
    let act = act(name);
    let verdict = decide_act(&contest(Method::Single, Change::Final), &mut moved, &act, NOW);

    let kept = from.due().map(|(time, _)| time);
    let closes_at = match (from, name) {
        (ContestState::Draft { schedule }, _) => schedule.closes_at,
        (_, "reopen") => None,
        _ => kept,
    };
    let expected = match after(to.trim_end_matches(", due"), closes_at) {
        Some(state) => {
            let mut contests = vec![state];
            contests.extend((name == "start round").then_some(ContestState::Draft { schedule: Schedule::default() }));
            ElectionState { visibility, contests, state_entries: 8, units: UnitsMark::default(), title: None }
        }
        None => before,
    };
    assert_eq!(moved, expected, "{what}");
    match (verdict, to) {
        (Verdict::Unchanged, "unchanged") => {}
        (Verdict::Rejected(Rejection::WrongStatus { status }), "wrong_status") => {
            assert_eq!(status, from.name(), "{what}");
        }
        (Verdict::Rejected(rejection), code) => assert_eq!(rejection.code(), code, "{what}"),
        (Verdict::Accept(event), to) if to != "unchanged" => {
            let changed = StateChanged { contest: FIRST, change: change(name), by: act.by, reason: act.reason };
            assert_eq!(event, Event::StateChanged(changed), "{what}");
            let due = moved.contests[0].due().is_some_and(|(time, _)| time <= NOW);
            assert_eq!(due, to.ends_with(", due"), "{what}");
        }
        (verdict, _) => assert_eq!(format!("{verdict:?}"), to, "{what}"),
    }
}

#[test]
fn every_row_is_true() {
    for row in rows() {
        for from in states(row[0]) {
            VISIBILITIES.into_iter().for_each(|visibility| check(row, &from, visibility));
        }
    }
}

#[test]
fn every_state_meets_every_act_once() {
    let mut labels = vec!["draft".to_owned(), "draft, due".to_owned()];
    for name in ["open", "paused"] {
        labels.extend(["", ", due", ", revealed", ", revealed, due"].map(|more| format!("{name}{more}")));
    }
    for name in ["closed", "archived", "certified"] {
        labels.extend(["", ", revealed"].map(|more| format!("{name}{more}")));
    }
    let mut found: Vec<(String, &str)> = rows().iter().map(|[from, act, _]| ((*from).to_owned(), *act)).collect();
    let mut wanted: Vec<(String, &str)> =
        labels.iter().flat_map(|label| ACTS.map(|act| (label.clone(), act))).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted, "the table of docs/STATES.md");
}

#[test]
fn the_diagram_shows_the_arrows_of_the_table() {
    let bare = |label: &'static str| label.split([',', ';']).next().unwrap_or(label);
    let is_state = |to: &str| ["draft", "open", "paused", "closed", "archived", "certified"].contains(&to);
    let table: BTreeSet<Row<'_>> =
        rows().into_iter().map(|[from, act, to]| [bare(from), act, bare(to)]).filter(|row| is_state(row[2])).collect();
    let arrow = |line: &'static str| {
        let (from, rest) = line.split_once(" --> ")?;
        let (to, act) = rest.split_once(" : ")?;
        Some([from.trim(), act, to])
    };
    let diagram: BTreeSet<Row<'_>> = STATES.lines().filter_map(arrow).collect();
    assert_eq!(diagram, table, "the diagram of docs/STATES.md (left) and its table");
}

#[test]
fn a_schedule_acts_once() {
    const AT_10: Schedule = Schedule { opens_at: Some(Time(10)), closes_at: Some(Time(20)) };
    for (what, acts, status, due) in [
        ("nothing happened yet", &[][..], "draft", Some((Time(10), Due::Open))),
        ("too early", &[(9, "open by schedule")], "draft", Some((Time(10), Due::Open))),
        ("just in time", &[(10, "open by schedule")], "open", Some((Time(20), Due::Close))),
        ("both", &[(10, "open by schedule"), (20, "close by schedule")], "closed", None),
        ("closed late", &[(10, "open by schedule"), (99, "close by schedule")], "closed", None),
        ("closed too early", &[(10, "open"), (19, "close by schedule")], "open", Some((Time(20), Due::Close))),
        (
            "opened by hand",
            &[(5, "open"), (6, "pause"), (10, "open by schedule")],
            "paused",
            Some((Time(20), Due::Close)),
        ),
        ("closed while paused", &[(5, "open"), (6, "pause"), (20, "close by schedule")], "closed", None),
        ("closed by hand", &[(5, "open"), (6, "close"), (10, "open by schedule")], "closed", None),
        ("reopened", &[(5, "open"), (6, "close"), (7, "reopen"), (20, "close by schedule")], "open", None),
        (
            "opened once",
            &[(10, "open by schedule"), (20, "close by schedule"), (21, "open by schedule")],
            "closed",
            None,
        ),
    ] {
        let definition = contest(Method::Single, Change::Final);
        let mut state = ElectionState::new(&election(definition.clone(), Visibility::Always, AT_10));
        for (at, name) in acts {
            decide_act(&definition, &mut state, &act(name), Time(*at));
        }
        assert_eq!((state.contests[0].name(), state.contests[0].due()), (status, due), "{what}");
    }
}

#[test]
fn only_the_last_round_starts_another_and_not_without_end() {
    let definition = contest(Method::Single, Change::Final);
    let mut ledger = Ledger::new(&election(definition, Visibility::Always, Schedule::default()));
    let closed = ContestState::Closed { revealed: false };
    let draft = ContestState::Draft { schedule: Schedule::default() };
    let archived = ContestState::Archived { revealed: false };
    let wrong = |status| Verdict::Rejected(Rejection::WrongStatus { status });
    for (what, rounds, contest, state, expected) in [
        ("the last of two", 2, 1, &closed, None),
        ("the first of two", 2, 0, &closed, Some(wrong("closed"))),
        ("none of two", 2, 2, &closed, Some(Verdict::Rejected(Rejection::UnknownContest))),
        ("the last but one allowed", ROUNDS_MAX - 1, 98, &closed, None),
        ("the last allowed", ROUNDS_MAX, 99, &closed, Some(Verdict::Rejected(Rejection::TooManyRounds { max: 100 }))),
        ("the last allowed, not closed", ROUNDS_MAX, 99, &draft, Some(wrong("draft"))),
        ("an earlier one at the limit", ROUNDS_MAX, 0, &archived, Some(wrong("archived"))),
        ("none at the limit", ROUNDS_MAX, 100, &closed, Some(Verdict::Rejected(Rejection::UnknownContest))),
    ] {
        ledger.state.contests = vec![state.clone(); rounds];
        let before = ledger.state.clone();
        let act = Act { contest: ContestNumber(contest), ..act("start round") };
        let verdict = decide_act(&ledger.contests[0], &mut ledger.state, &act, NOW);
        if let Some(refusal) = expected {
            assert_eq!(verdict, refusal, "{what}");
            assert!(ledger.state == before, "{what}: a refusal moved the state");
        } else {
            assert!(matches!(verdict, Verdict::Accept(_)), "{what}: {verdict:?}");
            assert_eq!(ledger.state.contests.len(), rounds + 1, "{what}");
        }
    }
}

const ADDITIONS: [&str; 8] = [
    "another",
    "the same",
    "its code, another question",
    "its code, another unit",
    "in an unknown unit",
    "in a retired city",
    "in a station",
    "in a box",
];

fn additions() -> Vec<Row<'static>> {
    rows_below("| contests | addition | to |\n|---|---|---|\n")
}

/// A tree with a retired city, and the mayor's contest in each of these states.
fn contests(label: &str) -> Night {
    let mut night = night();
    accepted(&night.add_units(&[unit("ghost", UnitKind::City, "nation")]));
    let ghost = night.unit("ghost");
    accepted(&night.retire(ghost));
    let count = match label {
        "none" => 0,
        "2,000 contests" => u32::try_from(Contest::CONTESTS_MAX).expect("a small limit"),
        _ => 1,
    };
    let code = |number| if number == 0 { "mayor".to_owned() } else { format!("council-{number}") };
    night.election.contests = (0..count).map(|number| race(number, &code(number), Unit::ROOT)).collect();
    let state = after(label, None).unwrap_or(ContestState::Draft { schedule: Schedule::default() });
    night.state.contests = vec![state; night.election.contests.len()];
    night
}

/// The contest that an addition wants.
fn wanted(night: &Night, addition: &str) -> Contest {
    let number = u32::try_from(night.election.contests.len()).expect("few contests");
    let held_in = |unit| race(number, "council", unit);
    match addition {
        "another" => held_in(night.unit("york")),
        "in an unknown unit" => held_in(night.units.next()),
        "in a retired city" => held_in(night.unit("ghost")),
        "in a station" => held_in(night.unit("hall")),
        "in a box" => held_in(night.unit("york-1")),
        "the same" => night.election.contests[0].clone(),
        "its code, another unit" => race(0, "mayor", night.unit("york")),
        _ => Contest { method: Method::Approval { min: 0, max: 2 }, ..night.election.contests[0].clone() },
    }
}

#[test]
fn every_addition_of_a_contest_is_true() {
    for [label, addition, to] in additions() {
        let what = format!("{label} | {addition} | {to}");
        let mut night = contests(label);
        let (before, entries) = (night.state.clone(), night.entries.len());
        let next = wanted(&night, addition);
        let verdict = night.add_contest(&next);
        match verdict {
            Verdict::Accept(event) => {
                let [kept, added] = to.split_once("; ").map_or(["none", to], |(kept, added)| [kept, added]);
                let change = StateChange::Added { next: next.id, definition: next.digest() };
                let changed = StateChanged { contest: next.number, change, by: text("host"), reason: None };
                assert_eq!(event, Event::StateChanged(changed), "{what}");
                assert_eq!((kept, added), (label, "draft"), "{what}");
                let mut expected = before.clone();
                expected.contests.push(ContestState::Draft { schedule: Schedule::default() });
                expected.state_entries += 1;
                assert_eq!(night.state, expected, "{what}");
                assert_eq!(night.add_contest(&next), Verdict::Unchanged, "{what}: the same again");
            }
            Verdict::Unchanged => assert_eq!("unchanged", to, "{what}"),
            Verdict::Rejected(rejection) => assert_eq!(rejection.code(), to, "{what}"),
            other => assert_eq!(format!("{other:?}"), to, "{what}"),
        }
        let is_moved = night.state != before || night.entries.len() > entries;
        assert_eq!(is_moved, to.ends_with("draft"), "{what}: only what is accepted is written");
    }
}

#[test]
fn every_state_meets_every_addition_once() {
    let states = ["draft", "open", "paused", "closed", "closed, revealed", "certified", "certified, revealed"];
    let at_the_limit =
        ["another", "the same", "its code, another question"].map(|addition| ["2,000 contests", addition]);
    let mut expected = vec![["none", "another"]];
    expected.extend(states.iter().flat_map(|state| ADDITIONS.map(|addition| [*state, addition])));
    expected.extend(at_the_limit);
    let found: Vec<[&str; 2]> = additions().iter().map(|[contests, addition, _]| [*contests, *addition]).collect();
    assert_eq!(found, expected, "the table of docs/STATES.md");
}

#[test]
fn a_contest_comes_with_the_next_number() {
    let night = contests("open");
    for number in [0, 2, u32::MAX] {
        let mut state = night.state.clone();
        let change = StateChange::Added { next: race(1, "council", Unit::ROOT).id, definition: [0; 32] };
        let changed = StateChanged { contest: ContestNumber(number), change, by: text("host"), reason: None };
        assert_eq!(state.apply(&changed, NOW), Err(Rejection::UnknownContest), "contest {number} of one");
        assert_eq!(state, night.state, "contest {number} of one: a refusal moved the state");
    }
}
