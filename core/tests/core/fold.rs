//! The fold: one answer for one ledger however it is read, a named error for each damage, and a chain that covers all.

use std::collections::BTreeMap;

use hustings_core::entry::{DecodeError, StateChange};
use hustings_core::{
    ActKind, BallotCast, Cell, Chain, Change, ChoiceNumber, ContestNumber, ContestState, Count, CountError, Delta,
    Election, Entry, Event, Fold, FoldError, GroupNumber, Increment, Measure, Method, Previous, Rejection, Schedule,
    Selections, Seq, StateChanged, Tally, Time, UnitNumber, Verdict, Visibility,
};

use crate::ledger::{Ledger, ballot, in_group, with_id};
use crate::support::{METHODS, choices, contest, election, scores, text, voter};

const FIRST: ContestNumber = ContestNumber(0);
const SECOND: ContestNumber = ContestNumber(1);

fn poll(method: Method) -> Election {
    election(contest(method, Change::UntilClose), Visibility::AfterClose, Schedule::default())
}

/// A ledger with votes, changed votes, a pause and two rounds.
fn sample(method: Method) -> Ledger {
    let mut ledger = Ledger::new(&poll(method));
    let [one, other] = match method {
        Method::Score { .. } => [scores(&[(0, 5), (1, 1)]), scores(&[(0, 3), (2, 1)])],
        _ => [choices(&[0]), choices(&[2])],
    };
    ledger.time = Time(1_767_225_600_000);
    let act = |ledger: &mut Ledger, contest, kind| {
        let verdict = ledger.act(contest, kind);
        assert!(matches!(verdict, Verdict::Accept(_)), "{verdict:?}");
        ledger.time.0 += 130;
    };
    let cast = |ledger: &mut Ledger, ballot| {
        let verdict = ledger.submit(&ballot);
        assert!(matches!(verdict, Verdict::Accept(_)), "{verdict:?}");
    };
    act(&mut ledger, FIRST, ActKind::Open { scheduled: false });
    cast(&mut ledger, ballot(1, one.clone()));
    cast(&mut ledger, with_id(2, ballot(2, one)));
    act(&mut ledger, FIRST, ActKind::Pause);
    act(&mut ledger, FIRST, ActKind::Open { scheduled: false });
    cast(&mut ledger, with_id(3, ballot(1, other.clone())));
    act(&mut ledger, FIRST, ActKind::Close { scheduled: false });
    let next = ledger.next_round();
    act(&mut ledger, FIRST, next);
    act(&mut ledger, SECOND, ActKind::Open { scheduled: false });
    let mut second = with_id(4, ballot(1, other));
    second.contest = SECOND;
    cast(&mut ledger, second);
    ledger
}

fn folded<'a>(election: &Election, entries: impl IntoIterator<Item = &'a Vec<u8>>) -> Result<Fold, FoldError> {
    let mut fold = Fold::new(election);
    entries.into_iter().try_for_each(|bytes| fold.apply(bytes).map(drop))?;
    Ok(fold)
}

#[test]
fn a_ledger_has_one_fold_however_it_is_read() {
    for method in METHODS {
        let (poll, ledger) = (poll(method), sample(method));
        let entries = ledger.bytes();
        let mut one_by_one = Fold::new(&poll);
        for (n, bytes) in (1..).zip(&entries) {
            let entry = one_by_one.apply(bytes).expect("an entry of a sound ledger");
            assert_eq!(entry, ledger.entries[n - 1], "the entry handed back");
            assert_eq!(folded(&poll, &entries[..n]).as_ref(), Ok(&one_by_one), "{n} entries, from the start");
            let saved = serde_json::to_string(&one_by_one).expect("a fold as JSON");
            one_by_one = serde_json::from_str(&saved).expect("a fold from JSON");
            assert_eq!(folded(&poll, &entries[..n]).as_ref(), Ok(&one_by_one), "{n} entries, after a restart");
        }
        assert_eq!(one_by_one.state, ledger.state);
        assert_eq!((one_by_one.seq, one_by_one.time), (Seq(10), ledger.entries[9].time));
        let revealed = ContestState::Archived { revealed: true };
        assert_eq!(one_by_one.state.contests, [revealed, ContestState::Open { closes_at: None, revealed: false }]);
        assert_eq!(one_by_one.state.state_entries, 6);
        let ballots = [FIRST, SECOND].map(|contest| one_by_one.tally.total(contest, Measure::Ballots).get());
        assert_eq!(ballots, [2, 1], "a changed vote is one vote");
    }
}

fn entry(seq: u64, time: u64, event: Event) -> Vec<u8> {
    Entry { seq: Seq(seq), time: Time(time), event }.to_bytes()
}

fn state(seq: u64, time: u64, contest: ContestNumber, change: StateChange) -> Vec<u8> {
    entry(seq, time, Event::StateChanged(StateChanged { contest, change, by: text("host"), reason: None }))
}

fn cast(seq: u64, from: u8, chosen: &[u16], previous: Option<(u64, &[u16])>) -> Vec<u8> {
    let group = GroupNumber(0);
    let previous = previous.map(|(seq, chosen)| Previous { seq: Seq(seq), group, selections: choices(chosen) });
    let selections = choices(chosen);
    entry(
        seq,
        10,
        Event::BallotCast(BallotCast { contest: FIRST, group, voter: voter(from), id: None, selections, previous }),
    )
}

#[test]
fn each_damage_has_its_error() {
    let open = || state(1, 10, FIRST, StateChange::Opened { scheduled: false, definition: [0; 32] });
    let gap = |expected, found| FoldError::Gap { expected: Seq(expected), found: Seq(found) };
    let wrong = |status| Rejection::WrongStatus { status };
    for (what, entries, expected) in [
        ("does not begin at 1", vec![state(2, 10, FIRST, StateChange::Paused)], gap(1, 2)),
        ("begins at 0", vec![state(0, 10, FIRST, StateChange::Paused)], gap(1, 0)),
        ("a gap", vec![open(), cast(3, 1, &[0], None)], gap(2, 3)),
        ("a repeat", vec![open(), cast(2, 1, &[0], None), cast(2, 1, &[0], None)], gap(3, 2)),
        ("time goes back", vec![open(), state(2, 9, FIRST, StateChange::Paused)], FoldError::Time(Seq(2))),
        ("no bytes", vec![open(), vec![]], FoldError::Decode(Seq(2), DecodeError::Short)),
        ("a newer version", vec![open(), vec![2, 1]], FoldError::Decode(Seq(2), DecodeError::Version(2))),
        ("a newer kind", vec![open(), vec![1, 15, 2, 10]], FoldError::Decode(Seq(2), DecodeError::Kind(15))),
        (
            "a close of a draft",
            vec![state(1, 10, FIRST, StateChange::Closed { scheduled: false })],
            FoldError::State(Seq(1), wrong("draft")),
        ),
        (
            "a scheduled close that is not due",
            vec![open(), state(2, 10, FIRST, StateChange::Closed { scheduled: true })],
            FoldError::State(Seq(2), wrong("open")),
        ),
        (
            "a contest that does not exist",
            vec![open(), state(2, 10, SECOND, StateChange::Paused)],
            FoldError::State(Seq(2), Rejection::UnknownContest),
        ),
        (
            "a reopening after the reveal",
            vec![
                open(),
                state(2, 10, FIRST, StateChange::Closed { scheduled: false }),
                state(3, 10, FIRST, StateChange::Reopened),
            ],
            FoldError::State(Seq(3), Rejection::ResultsRevealed),
        ),
        (
            "takes back what nobody chose",
            vec![open(), cast(2, 1, &[0], Some((1, &[1])))],
            FoldError::Count(Seq(2), CountError),
        ),
        (
            "takes back a blank that nobody cast",
            vec![open(), cast(2, 1, &[0], None), cast(3, 1, &[0], Some((2, &[])))],
            FoldError::Count(Seq(3), CountError),
        ),
    ] {
        assert_eq!(folded(&poll(Method::Approval { min: 0, max: 2 }), &entries), Err(expected), "{what}");
    }
}

#[test]
fn a_fold_refuses_what_the_state_forbids() {
    let opened = StateChange::Opened { scheduled: false, definition: [0; 32] };
    let closed = StateChange::Closed { scheduled: false };
    let ballot = |seq| cast(seq, 1, &[0], None);
    let elsewhere = entry(
        2,
        10,
        Event::BallotCast(BallotCast {
            contest: SECOND,
            group: GroupNumber(0),
            voter: voter(1),
            id: None,
            selections: choices(&[0]),
            previous: None,
        }),
    );
    let refused = |seq, rejection| FoldError::State(Seq(seq), rejection);
    for (what, changes, last, expected) in [
        ("a ballot in a draft", &[][..], ballot(1), refused(1, Rejection::ContestNotOpen)),
        ("a ballot in a pause", &[opened, StateChange::Paused], ballot(3), refused(3, Rejection::ContestPaused)),
        ("a ballot after the close", &[opened, closed], ballot(3), refused(3, Rejection::ContestClosed)),
        ("a ballot in no contest", &[opened], elsewhere, refused(2, Rejection::UnknownContest)),
        ("an opening of what is open", &[opened], state(2, 10, FIRST, opened), FoldError::Idle(Seq(2))),
        (
            "a pause of what is paused",
            &[opened, StateChange::Paused],
            state(3, 10, FIRST, StateChange::Paused),
            FoldError::Idle(Seq(3)),
        ),
        ("a close of what is closed", &[opened, closed], state(3, 10, FIRST, closed), FoldError::Idle(Seq(3))),
        (
            "a reveal of what the close revealed",
            &[opened, closed],
            state(3, 10, FIRST, StateChange::Revealed),
            FoldError::Idle(Seq(3)),
        ),
    ] {
        let mut fold = Fold::new(&poll(Method::Single));
        for (seq, change) in (1..).zip(changes) {
            fold.apply(&state(seq, 10, FIRST, *change)).expect("a change that the state allows");
        }
        assert_eq!(fold.apply(&last), Err(expected), "{what}");
    }
}

#[test]
fn a_change_of_group_moves_the_vote_between_groups() {
    let poll = poll(Method::Approval { min: 0, max: 2 });
    let mut ledger = Ledger::new(&poll);
    ledger.act(FIRST, ActKind::Open { scheduled: false });
    let total = |fold: &Fold, group, measure| {
        fold.tally.get(&Cell { contest: FIRST, unit: UnitNumber(0), group: GroupNumber(group), measure }).get()
    };
    let [tea, milk] = [Measure::Choice(ChoiceNumber(0)), Measure::Choice(ChoiceNumber(2))];
    // After each ballot: [ballots, blank, tea, milk] of the audience (0), then of the jury (1).
    for (what, ballot, audience, jury) in [
        ("Ann in the audience", ballot(1, choices(&[0])), [1, 0, 1, 0], [0, 0, 0, 0]),
        ("Bob in the audience", ballot(2, choices(&[0])), [2, 0, 2, 0], [0, 0, 0, 0]),
        ("Ann joins the jury", in_group(1, ballot(1, choices(&[0, 2]))), [1, 0, 1, 0], [1, 0, 1, 1]),
        ("Ann says the same in the audience", ballot(1, choices(&[0, 2])), [1, 0, 1, 0], [1, 0, 1, 1]),
        ("Ann's jury vote is blank", in_group(1, ballot(1, choices(&[]))), [1, 0, 1, 0], [1, 1, 0, 0]),
        ("Ann leaves the jury", ballot(1, choices(&[2])), [2, 0, 1, 1], [0, 0, 0, 0]),
    ] {
        ledger.submit(&ballot);
        let fold = folded(&poll, &ledger.bytes()).expect("a sound ledger");
        let seen = [0, 1].map(|group| [Measure::Ballots, Measure::Blank, tea, milk].map(|m| total(&fold, group, m)));
        assert_eq!(seen, [audience, jury], "{what}");
    }
    assert_eq!(ledger.entries.len(), 6, "an opening and five votes; the same choices from another group are a repeat");
}

fn cell(measure: Measure) -> Cell {
    Cell { contest: FIRST, unit: UnitNumber(0), group: GroupNumber(0), measure }
}

fn tally(totals: &[(Measure, u64)]) -> Tally {
    let count = |total: &u64| Count::try_from(*total).expect("a total in range");
    totals.iter().map(|(measure, total)| (cell(*measure), count(total))).collect::<Vec<_>>().into()
}

#[test]
fn tallies_agree_when_they_say_the_same() {
    let (ballots, blank) = (Measure::Ballots, Measure::Blank);
    for (a, b, agree) in [
        (tally(&[]), tally(&[]), true),
        (tally(&[(ballots, 0)]), tally(&[]), true),
        (tally(&[(ballots, 2), (blank, 0)]), tally(&[(ballots, 2)]), true),
        (tally(&[(ballots, 2)]), tally(&[(ballots, 3)]), false),
        (tally(&[(ballots, 2)]), tally(&[]), false),
        (tally(&[(ballots, 2)]), tally(&[(ballots, 2), (blank, 1)]), false),
        (tally(&[(ballots, 2)]), tally(&[(blank, 2)]), false),
    ] {
        assert_eq!((a.agrees_with(&b), b.agrees_with(&a)), (agree, agree), "{a:?} and {b:?}");
    }
}

#[test]
fn increments_are_added_all_or_none() {
    let increment = |measure, delta| Increment { cell: cell(measure), delta: Delta(delta) };
    let before = tally(&[(Measure::Ballots, Count::MAX), (Measure::Blank, 1)]);
    for (what, increments, expected) in [
        ("above the limit", vec![increment(Measure::Blank, 1), increment(Measure::Ballots, 1)], None),
        ("below zero", vec![increment(Measure::Ballots, -1), increment(Measure::Blank, -2)], None),
        ("more than a sum can hold", vec![increment(Measure::Blank, i64::MAX), increment(Measure::Blank, 1)], None),
        (
            "below zero only on the way",
            vec![increment(Measure::Blank, -2), increment(Measure::Ballots, -1), increment(Measure::Blank, 1)],
            Some(tally(&[(Measure::Ballots, Count::MAX - 1), (Measure::Blank, 0)])),
        ),
    ] {
        let mut after = before.clone();
        assert_eq!(after.add(&increments).is_ok(), expected.is_some(), "{what}");
        assert_eq!(after, expected.unwrap_or(before.clone()), "{what}");
    }
}

type Vote = (u16, Selections);

/// What a vote moves in the end: a cell that loses one and gains one does not move.
fn check_moved((group, selections): Vote, previous: Option<Vote>, expected: &[(u16, Measure, i64)]) {
    let (contest, voter) = (ContestNumber(3), voter(1));
    let previous = previous.map(|(group, selections)| Previous { seq: Seq(1), group: GroupNumber(group), selections });
    let group = GroupNumber(group);
    let event = Event::BallotCast(BallotCast { contest, group, voter, id: None, selections, previous });
    let mut moved: BTreeMap<Cell, i64> = BTreeMap::new();
    event.increments().iter().for_each(|one| *moved.entry(one.cell).or_default() += one.delta.0);
    moved.retain(|_, sum| *sum != 0);
    let at = |group, measure| Cell { contest, unit: UnitNumber(0), group: GroupNumber(group), measure };
    let expected = expected.iter().map(|(group, measure, sum)| (at(*group, *measure), *sum)).collect();
    assert_eq!(moved, expected, "{event:?}");
}

#[test]
fn a_vote_moves_just_its_own_cells() {
    let choice = |number| Measure::Choice(ChoiceNumber(number));
    let choice_at = |number, score| Measure::ChoiceAt(ChoiceNumber(number), score);
    let (ballots, blank) = (Measure::Ballots, Measure::Blank);
    let of = |group, numbers: &[u16]| (group, choices(numbers));
    let [high, low] = [5, 4].map(|score| (2, scores(&[(0, score)])));
    for (vote, previous, moved) in [
        (of(2, &[1]), None, &[(2, ballots, 1), (2, choice(1), 1)][..]),
        (of(2, &[]), None, &[(2, ballots, 1), (2, blank, 1)]),
        (of(2, &[0, 2]), Some(of(2, &[1])), &[(2, choice(1), -1), (2, choice(0), 1), (2, choice(2), 1)]),
        (of(2, &[]), Some(of(2, &[1])), &[(2, choice(1), -1), (2, blank, 1)]),
        (of(2, &[1]), Some(of(2, &[])), &[(2, blank, -1), (2, choice(1), 1)]),
        (of(2, &[0, 1]), Some(of(2, &[0])), &[(2, choice(1), 1)]),
        (high, Some(low), &[(2, choice_at(0, 4), -1), (2, choice_at(0, 5), 1)]),
        (of(7, &[1]), Some(of(2, &[1])), &[(2, ballots, -1), (2, choice(1), -1), (7, ballots, 1), (7, choice(1), 1)]),
        (of(0, &[2]), Some(of(7, &[])), &[(7, ballots, -1), (7, blank, -1), (0, ballots, 1), (0, choice(2), 1)]),
    ] {
        check_moved(vote, previous, moved);
    }
}

#[test]
fn the_chain_covers_every_byte_and_the_order() {
    let chain = |entries: &[Vec<u8>]| entries.iter().fold(Chain::EMPTY, |chain, bytes| chain.extend(bytes));
    let entries = sample(Method::Single).bytes();
    let sound = chain(&entries);
    assert_eq!(folded(&poll(Method::Single), &entries).map(|fold| fold.chain), Ok(sound));
    for n in 0..entries.len() {
        for place in 0..entries[n].len() {
            let mut damaged = entries.clone();
            damaged[n][place] ^= 1;
            assert_ne!(chain(&damaged), sound, "byte {place} of entry {n} changed");
        }
        for other in 0..n {
            let mut swapped = entries.clone();
            swapped.swap(n, other);
            assert_ne!(chain(&swapped), sound, "entries {other} and {n} swapped");
        }
        assert_ne!(chain(&entries[..n]), sound, "cut short to {n} entries");
    }
}
