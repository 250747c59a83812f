//! The fold: one answer for one ledger however it is read, a named error for each damage, and a chain that covers all.

use hustings_core::entry::{DecodeError, StateChange};
use hustings_core::{
    ActKind, BallotCast, Cell, Chain, Change, ChoiceNumber, ContestNumber, ContestState, Count, CountError, Delta,
    Election, Entry, Event, Fold, FoldError, GroupNumber, Increment, Measure, Method, Previous, Rejection, Schedule,
    Selections, Seq, StateChanged, Tally, Time, UnitNumber, Verdict, Visibility,
};

use crate::ledger::{Ledger, ballot, with_id};
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
    let previous = previous.map(|(seq, chosen)| Previous { seq: Seq(seq), selections: choices(chosen) });
    let (group, selections) = (GroupNumber(0), choices(chosen));
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
        ("a newer kind", vec![open(), vec![1, 8, 2, 10]], FoldError::Decode(Seq(2), DecodeError::Kind(8))),
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

#[test]
fn a_vote_moves_just_its_own_cells() {
    let check = |selections: Selections, previous: Option<Selections>, expected: &[(Measure, i64)]| {
        let previous = previous.map(|selections| Previous { seq: Seq(1), selections });
        let (contest, group, voter) = (ContestNumber(3), GroupNumber(2), voter(1));
        let event = Event::BallotCast(BallotCast { contest, group, voter, id: None, selections, previous });
        let at = |measure| Cell { contest, group, ..cell(measure) };
        let expected: Vec<Increment> =
            expected.iter().map(|(measure, delta)| Increment { cell: at(*measure), delta: Delta(*delta) }).collect();
        assert_eq!(event.increments(), expected, "{event:?}");
    };
    let choice = |number| Measure::Choice(ChoiceNumber(number));
    let choice_at = |number, score| Measure::ChoiceAt(ChoiceNumber(number), score);
    check(choices(&[1]), None, &[(Measure::Ballots, 1), (choice(1), 1)]);
    check(choices(&[]), None, &[(Measure::Ballots, 1), (Measure::Blank, 1)]);
    check(choices(&[0, 2]), Some(choices(&[1])), &[(choice(1), -1), (choice(0), 1), (choice(2), 1)]);
    check(choices(&[]), Some(choices(&[1])), &[(choice(1), -1), (Measure::Blank, 1)]);
    check(choices(&[1]), Some(choices(&[])), &[(Measure::Blank, -1), (choice(1), 1)]);
    check(scores(&[(0, 5)]), Some(scores(&[(0, 4)])), &[(choice_at(0, 4), -1), (choice_at(0, 5), 1)]);
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
