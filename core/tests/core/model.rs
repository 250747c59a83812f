//! Random ballots and acts against a count so naive that it cannot be wrong: the last accepted ballot of each voter.

use std::collections::{BTreeMap, BTreeSet};

use hustings_core::{
    ActKind, Ballot, Cell, Change, ChoiceNumber, ContestNumber, ContestState, Count, Event, Fold, GroupNumber, Measure,
    Method, Schedule, Selections, Seq, Tally, Time, UnitNumber, Verdict, VoterKey,
};
use proptest::prelude::*;

use crate::ledger::Ledger;
use crate::support::{METHODS, VISIBILITIES, contest, election, submission_id, voter};

const VOTERS: u8 = 3;
const GROUPS: u16 = 2;
const IDS: u8 = 8;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Ballot { round: u32, from: u8, group: u16, id: Option<u8>, replaces: Option<u64>, selections: Selections },
    Again { which: prop::sample::Index },
    Act { round: u32, kind: ActKind },
    NextRound { round: u32 },
    Wait { milliseconds: u64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let round = || prop_oneof![3 => Just(0_u32), 1 => 1..3_u32];
    let id = prop::option::of(0..IDS);
    let replaces = prop::option::weighted(0.3, 1..12_u64);
    let ballot = (round(), 0..VOTERS, 0..GROUPS, id, replaces, any_selections()).prop_map(
        |(round, from, group, id, replaces, selections)| Step::Ballot { round, from, group, id, replaces, selections },
    );
    let kind = prop_oneof![
        4 => any::<bool>().prop_map(|scheduled| ActKind::Open { scheduled }),
        1 => Just(ActKind::Pause),
        1 => any::<bool>().prop_map(|scheduled| ActKind::Close { scheduled }),
        1 => Just(ActKind::Reopen),
        1 => Just(ActKind::Reveal),
    ];
    prop_oneof![
        16 => ballot,
        4 => any::<prop::sample::Index>().prop_map(|which| Step::Again { which }),
        5 => (round(), kind).prop_map(|(round, kind)| Step::Act { round, kind }),
        1 => round().prop_map(|round| Step::NextRound { round }),
        1 => (1..20_u64).prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

/// Choices 0 to 2 exist, 3 does not; scores 1 to 5 are allowed. Most are valid under some method.
fn any_selections() -> impl Strategy<Value = Selections> {
    let number = || prop_oneof![9 => 0..3_u16, 1 => Just(3_u16)].prop_map(ChoiceNumber);
    let choices = prop_oneof![
        3 => number().prop_map(|number| vec![number]),
        1 => prop::collection::btree_set(number(), 0..4).prop_map(|numbers| numbers.into_iter().collect()),
    ];
    let scores = prop::collection::btree_map(number(), prop_oneof![9 => 1..=5_u8, 1 => Just(6_u8)], 0..3);
    prop_oneof![
        choices.prop_map(Selections::Choices),
        scores.prop_map(|scores| Selections::Scores(scores.into_iter().collect()))
    ]
}

/// The rules once more, told in another way.
fn is_valid(method: Method, selections: &Selections) -> bool {
    match (method, selections) {
        (Method::Single, Selections::Choices(chosen)) => chosen.len() == 1 && chosen.iter().all(|c| c.0 < 3),
        (Method::Approval { .. }, Selections::Choices(chosen)) => chosen.len() <= 2 && chosen.iter().all(|c| c.0 < 3),
        (Method::Score { .. }, Selections::Scores(scores)) => {
            !scores.is_empty() && scores.iter().all(|(c, score)| c.0 < 3 && (1..=5).contains(score))
        }
        _ => false,
    }
}

fn take(ledger: &mut Ledger, step: &Step) -> Result<(), TestCaseError> {
    match step {
        Step::Ballot { round, from, group, id, replaces, selections } => {
            let ballot = Ballot {
                contest: ContestNumber(*round),
                voter: voter(*from),
                group: GroupNumber(*group),
                id: id.map(submission_id),
                replaces: replaces.map(Seq),
                selections: selections.clone(),
            };
            let open = matches!(ledger.state.contest(ballot.contest), Ok(ContestState::Open { .. }));
            let verdict = ledger.submit(&ballot);
            check_verdict(ledger, &ballot, &verdict, open)?;
        }
        Step::Again { which } if !ledger.accepted.is_empty() => {
            let (seq, ballot) = which.get(&ledger.accepted).clone();
            check_repeat(ledger, seq, &ballot)?;
        }
        Step::Again { .. } => {}
        Step::Act { round, kind } => drop(ledger.act(ContestNumber(*round), kind.clone())),
        Step::NextRound { round } => {
            let next = ledger.next_round();
            ledger.act(ContestNumber(*round), next);
        }
        Step::Wait { milliseconds } => ledger.time.0 += milliseconds,
    }
    Ok(())
}

/// Nothing is counted against the rules, and nobody gets a receipt for another ballot.
fn check_verdict(ledger: &Ledger, ballot: &Ballot, verdict: &Verdict, open: bool) -> Result<(), TestCaseError> {
    match verdict {
        Verdict::Accept(Event::BallotCast(cast)) => {
            let contest = &ledger.contests[ballot.contest.index()];
            let previous = cast.previous.as_ref().map(|previous| previous.seq);
            prop_assert!(open, "a ballot was counted while the contest was not open");
            prop_assert!(is_valid(contest.method, &cast.selections), "{:?} was counted", cast.selections);
            prop_assert!(contest.change == Change::UntilClose || previous.is_none(), "a final vote changed");
            prop_assert!(
                previous.is_none() || ballot.replaces.is_none() || ballot.replaces == previous,
                "{:?}",
                ballot
            );
        }
        Verdict::Repeated(seq) | Verdict::Superseded(seq) => {
            let counted = ledger.accepted.iter().find(|(at, _)| at == seq).map(|(_, counted)| counted);
            let content = |ballot: &Ballot| (ballot.voter, ballot.selections.clone());
            prop_assert_eq!(counted.map(content), Some(content(ballot)), "a receipt for another ballot");
            // A retry by its id may come when another round is open; without the id only the same contest repeats.
            let by_id = counted.is_some_and(|counted| counted.id.is_some() && counted.id == ballot.id);
            let here = counted.is_some_and(|counted| counted.contest == ballot.contest);
            prop_assert!(by_id || here, "a receipt of another contest: {:?}", ballot);
        }
        Verdict::Rejected(_) => {}
        other => return Err(TestCaseError::fail(format!("{other:?} for a ballot"))),
    }
    Ok(())
}

/// An accepted ballot, sent again, gets its receipt and moves nothing.
fn check_repeat(ledger: &mut Ledger, seq: Seq, ballot: &Ballot) -> Result<(), TestCaseError> {
    let later =
        |(at, other): &&(Seq, Ballot)| *at > seq && (other.contest, other.voter) == (ballot.contest, ballot.voter);
    let changed = ledger.accepted.iter().any(|accepted| later(&accepted));
    if changed && ballot.id.is_none() {
        // Without an id nothing tells a late retry from a wish to change the vote back.
        return Ok(());
    }
    let entries = ledger.entries.len();
    let expected = if changed { Verdict::Superseded(seq) } else { Verdict::Repeated(seq) };
    prop_assert_eq!(ledger.submit(ballot), expected, "a repeat of {:?}", ballot);
    prop_assert_eq!(ledger.entries.len(), entries);
    Ok(())
}

/// The last accepted ballot of each voter in each contest.
fn last_ballots(ledger: &Ledger) -> BTreeMap<(ContestNumber, VoterKey), &Ballot> {
    ledger.accepted.iter().map(|(_, ballot)| ((ballot.contest, ballot.voter), ballot)).collect()
}

fn recount(ledger: &Ledger) -> Tally {
    let mut totals: BTreeMap<Cell, u64> = BTreeMap::new();
    for ((contest, _), ballot) in last_ballots(ledger) {
        let mut one = |measure| {
            let cell = Cell { contest, unit: UnitNumber(0), group: ballot.group, measure };
            *totals.entry(cell).or_default() += 1;
        };
        one(Measure::Ballots);
        match &ballot.selections {
            Selections::Choices(chosen) if chosen.is_empty() => one(Measure::Blank),
            Selections::Choices(chosen) => chosen.iter().for_each(|number| one(Measure::Choice(*number))),
            Selections::Scores(scores) => scores.iter().for_each(|(number, at)| one(Measure::ChoiceAt(*number, *at))),
        }
    }
    let count = |total| Count::try_from(total).expect("a small total");
    totals.into_iter().map(|(cell, total)| (cell, count(total))).collect::<Vec<_>>().into()
}

/// What must hold after every step.
fn check(ledger: &Ledger, fold: &Fold) -> Result<(), TestCaseError> {
    prop_assert_eq!(&fold.state, &ledger.state, "the fold and the ledger differ about states");
    prop_assert!(fold.tally.agrees_with(&recount(ledger)), "{:?} is not the recount {:?}", fold.tally, recount(ledger));

    let first_votes = ledger.entries.iter().filter_map(|entry| match &entry.event {
        Event::BallotCast(cast) if cast.previous.is_none() => Some((cast.contest, cast.voter)),
        _ => None,
    });
    let mut voted = BTreeSet::new();
    for first in first_votes {
        prop_assert!(voted.insert(first), "a voter has two counted ballots in contest {}", first.0);
    }
    for contest in &ledger.contests {
        let total = |measure| {
            let cell =
                |group| Cell { contest: contest.number, unit: UnitNumber(0), group: GroupNumber(group), measure };
            (0..GROUPS).map(|group| fold.tally.get(&cell(group)).get()).sum::<u64>()
        };
        let voters = voted.iter().filter(|(number, _)| *number == contest.number).count() as u64;
        prop_assert_eq!(total(Measure::Ballots), voters, "ballots are not voters in contest {}", contest.number);
        if contest.method == Method::Single {
            let sum: u64 = (0..3).map(|number| total(Measure::Choice(ChoiceNumber(number)))).sum();
            prop_assert_eq!(sum, voters, "choices do not add up in contest {}", contest.number);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_history_counts_each_voter_once(
        method in prop::sample::select(&METHODS[..]),
        change in prop::sample::select(vec![Change::Final, Change::UntilClose, Change::UntilClose]),
        visibility in prop::sample::select(&VISIBILITIES[..]),
        opens_at in prop::option::of((0..30_u64).prop_map(Time)),
        closes_at in prop::option::weighted(0.2, (0..60_u64).prop_map(Time)),
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        let election = election(contest(method, change), visibility, Schedule { opens_at, closes_at });
        let (mut ledger, mut fold) = (Ledger::new(&election), Fold::new(&election));
        ledger.act(ContestNumber(0), ActKind::Open { scheduled: opens_at.is_some() });
        for step in &steps {
            take(&mut ledger, step)?;
            let folded = usize::try_from(fold.seq.0).expect("a short ledger");
            for entry in &ledger.entries[folded..] {
                prop_assert!(fold.apply(&entry.to_bytes()).is_ok(), "{:?} cannot be folded", entry);
            }
            check(&ledger, &fold)?;
        }
        // For ever means in every state: as it is now, closed, and even as a draft.
        let closed = ContestState::Closed { revealed: true };
        let draft = ContestState::Draft { schedule: Schedule::default() };
        for state in [None, Some(closed), Some(draft)] {
            ledger.state.contests.iter_mut().for_each(|contest| *contest = state.clone().unwrap_or(contest.clone()));
            for (seq, ballot) in ledger.accepted.clone() {
                check_repeat(&mut ledger, seq, &ballot)?;
            }
        }
    }
}
