//! Random nights against a count so naive that it cannot be wrong: the accepted report with the highest revision of each
//! box, wherever and whenever it came.

use std::collections::{BTreeMap, BTreeSet};

use hustings_core::{
    ActKind, Cell, Channel, ChoiceNumber, Content, ContestNumber, ContestState, Count, Counts, Event, Fold, Measure,
    NewUnit, Recount, Rejection, Report, ReportStatus, Revision, Seq, Tally, Totals, Unit, UnitKind, UnitNumber,
    Verdict,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::boxes::{Night, accepted, night, race, report, unit};
use crate::support::submission_id;

const CONTESTS: u32 = 2;
const NORTH: UnitNumber = UnitNumber(1);
const YORK: UnitNumber = UnitNumber(2);
const LEEDS: UnitNumber = UnitNumber(6);

/// The boxes of the night, told once more: number, place and channel.
const BOXES: [(u32, UnitNumber, Channel); 6] = [
    (4, YORK, Channel::InPerson),
    (5, YORK, Channel::Postal),
    (7, LEEDS, Channel::InPerson),
    (8, LEEDS, Channel::InPerson),
    (9, NORTH, Channel::Mobile),
    (10, Unit::ROOT, Channel::Overseas),
];

/// [`night`] with three more boxes, and the mayor of York beside the mayor of all.
fn two_contests() -> Night {
    let mut night = night();
    let new = [
        NewUnit { registered: Some(70), ..unit("leeds-2", UnitKind::Box, "leeds") },
        NewUnit { channel: Channel::Mobile, ..unit("north-1", UnitKind::Box, "north") },
        NewUnit { channel: Channel::Overseas, registered: Some(9), ..unit("abroad", UnitKind::Box, "nation") },
    ];
    accepted(&night.add_units(&new));
    accepted(&night.add_contest(&race(1, "mayor-of-york", YORK)));
    accepted(&night.act(ContestNumber(1), ActKind::Open { scheduled: false }));
    night
}

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Report { contest: u32, of: Index, revision: Option<u32>, id: Option<u8>, content: Content },
    Again { which: Index },
    Retire { of: Index },
    Act { contest: u32, kind: ActKind },
}

fn any_step() -> impl Strategy<Value = Step> {
    let contest = || prop_oneof![3 => Just(0_u32), 1 => Just(1_u32)];
    let revision = prop::option::weighted(0.7, 0..6_u32);
    let report = (contest(), any::<Index>(), revision, prop::option::weighted(0.3, 0..9_u8), any_content())
        .prop_map(|(contest, of, revision, id, content)| Step::Report { contest, of, revision, id, content });
    let kind = prop_oneof![
        4 => Just(ActKind::Open { scheduled: false }),
        1 => Just(ActKind::Pause),
        1 => Just(ActKind::Close { scheduled: false }),
        3 => Just(ActKind::Reopen),
    ];
    prop_oneof![
        20 => report,
        3 => any::<Index>().prop_map(|which| Step::Again { which }),
        1 => any::<Index>().prop_map(|of| Step::Retire { of }),
        2 => (contest(), kind).prop_map(|(contest, kind)| Step::Act { contest, kind }),
    ]
}

/// Few votes, so that equal counts come often; now and then a choice that does not exist, or a wrong sum.
fn any_content() -> impl Strategy<Value = Content> {
    let choice = prop_oneof![19 => 0..3_u16, 1 => Just(3_u16)].prop_map(ChoiceNumber);
    let votes = prop::collection::btree_map(choice, 1..4_u32, 0..3);
    let wrong = prop_oneof![19 => Just(0_u32), 1 => Just(1_u32)];
    let status = prop::sample::select(vec![ReportStatus::Provisional, ReportStatus::Final]);
    let counts = (votes, 0..3_u32, 0..3_u32, wrong, status).prop_map(|(votes, blank, invalid, wrong, status)| {
        let cast = votes.values().sum::<u32>() + blank + invalid + wrong;
        Counts { status, votes: votes.into_iter().collect(), blank, invalid, cast }
    });
    prop_oneof![4 => counts.prop_map(Content::Filed), 1 => Just(Content::Withdrawn)]
}

/// A night, and what it accepted in the order of arrival: each report with its revision.
struct Told {
    night: Night,
    accepted: Vec<(Seq, Revision, Report)>,
    retired: BTreeSet<u32>,
}

impl Told {
    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Report { contest, of, revision, id, content } => {
                let (number, ..) = *of.get(&BOXES);
                let sent = Report {
                    contest: ContestNumber(*contest),
                    revision: revision.map(Revision),
                    id: id.map(submission_id),
                    content: content.clone(),
                    ..report(UnitNumber(number), &[])
                };
                self.send(&sent)?;
            }
            Step::Again { which } if !self.accepted.is_empty() => {
                let (seq, revision, report) = which.get(&self.accepted).clone();
                self.repeat(seq, Report { revision: Some(revision), ..report })?;
            }
            Step::Again { .. } => {}
            Step::Retire { of } => {
                let (number, ..) = *of.get(&BOXES);
                let verdict = self.night.retire(UnitNumber(number));
                let is_counted =
                    self.highest().iter().any(|((_, of), (_, content))| *of == number && content.counts().is_some());
                prop_assert_eq!(verdict == Verdict::Rejected(Rejection::UnitInUse), is_counted);
                if !is_counted {
                    self.retired.insert(number);
                }
            }
            Step::Act { contest, kind } => drop(self.night.act(ContestNumber(*contest), kind.clone())),
        }
        Ok(())
    }

    /// Sends a report; nothing is recorded against the rules, which are told here in another way.
    fn send(&mut self, sent: &Report) -> Result<(), TestCaseError> {
        let (number, place, _) = *BOXES.iter().find(|(number, ..)| *number == sent.ballot_box.0).expect("a box");
        let open = matches!(self.night.state.contest(sent.contest), Ok(ContestState::Open { .. }));
        let adds_up = sent.content.counts().is_none_or(|counts| {
            let sum: u32 = counts.votes.iter().map(|(_, votes)| votes).sum();
            counts.votes.iter().all(|(choice, _)| choice.0 < 3) && sum + counts.blank + counts.invalid == counts.cast
        });
        let in_contest = sent.contest.0 == 0 || place == YORK;
        match self.night.submit(sent) {
            Verdict::Accept(Event::ReportFiled(filed)) => {
                prop_assert!(open && adds_up && in_contest && !self.retired.contains(&number), "{:?} counted", sent);
                let is_new = |(_, revision, other): &(Seq, Revision, Report)| {
                    (other.contest, other.ballot_box, *revision) != (sent.contest, sent.ballot_box, filed.revision)
                };
                prop_assert!(self.accepted.iter().all(is_new), "revision {} of {:?} twice", filed.revision, sent);
                let seq = self.night.entries.last().map_or(Seq(0), |entry| entry.seq);
                self.accepted.push((seq, filed.revision, sent.clone()));
            }
            Verdict::Repeated(seq) | Verdict::Superseded(seq) => {
                let receipt = self.accepted.iter().find(|(at, ..)| *at == seq).map(|(_, _, report)| report);
                let content = |report: &Report| (report.contest, report.ballot_box, report.content.clone());
                prop_assert_eq!(receipt.map(content), Some(content(sent)), "a receipt for another report");
            }
            Verdict::Rejected(_) => {}
            other => return Err(TestCaseError::fail(format!("{other:?} for a report"))),
        }
        Ok(())
    }

    /// An accepted report, sent again, gets its receipt and moves nothing.
    fn repeat(&mut self, seq: Seq, again: Report) -> Result<(), TestCaseError> {
        let entries = self.night.entries.len();
        let (current, _) = self.highest()[&(again.contest, again.ballot_box.0)];
        let stands = again.revision == Some(current);
        let expected = if stands { Verdict::Repeated(seq) } else { Verdict::Superseded(seq) };
        prop_assert_eq!(self.night.submit(&again), expected, "a repeat of {:?}", again);
        prop_assert_eq!(self.night.entries.len(), entries);
        Ok(())
    }

    /// The accepted report with the highest revision of each box in each contest.
    fn highest(&self) -> BTreeMap<(ContestNumber, u32), (Revision, &Content)> {
        let mut highest = BTreeMap::new();
        for (_, revision, report) in &self.accepted {
            let place = (report.contest, report.ballot_box.0);
            let found = highest.entry(place).or_insert((*revision, &report.content));
            if *revision > found.0 {
                *found = (*revision, &report.content);
            }
        }
        highest
    }

    fn recount(&self) -> Tally {
        let contents = self.highest().into_iter().map(|(place, (_, content))| (place, content));
        let mut totals = totals(contents);
        let mut add =
            |contest, of: u32, measure, number: u32| *cell(&mut totals, contest, of, measure) += u64::from(number);
        let mut reported = BTreeSet::new();
        for (_, _, report) in &self.accepted {
            if reported.insert((report.contest, report.ballot_box)) {
                let votes =
                    report.content.counts().map_or(0, |counts| counts.votes.iter().map(|(_, votes)| votes).sum());
                add(report.contest, report.ballot_box.0, Measure::NewBoxes, 1);
                add(report.contest, report.ballot_box.0, Measure::NewVotes, votes);
            }
        }
        for (number, ..) in BOXES.iter().filter(|(number, ..)| !self.retired.contains(number)) {
            add(ContestNumber::NONE, *number, Measure::Boxes, 1);
        }
        for (number, place, registered) in [(8, LEEDS, 70), (10, Unit::ROOT, 9)] {
            if !self.retired.contains(&number) {
                let group = Channel::InPerson.group();
                let registered_there =
                    Cell { contest: ContestNumber::NONE, unit: place, group, measure: Measure::Registered };
                *totals.entry(registered_there).or_default() += registered;
            }
        }
        tally(totals)
    }
}

fn cell(totals: &mut BTreeMap<Cell, u64>, contest: ContestNumber, of: u32, measure: Measure) -> &mut u64 {
    let (_, unit, channel) = *BOXES.iter().find(|(number, ..)| *number == of).expect("a box");
    totals.entry(Cell { contest, unit, group: channel.group(), measure }).or_default()
}

/// What these contents of boxes add up to.
fn totals<'a>(contents: impl IntoIterator<Item = ((ContestNumber, u32), &'a Content)>) -> BTreeMap<Cell, u64> {
    let mut totals = BTreeMap::new();
    for ((contest, of), content) in contents {
        let Content::Filed(counts) = content else { continue };
        let mut add = |measure, number: u32| *cell(&mut totals, contest, of, measure) += u64::from(number);
        counts.votes.iter().for_each(|(choice, votes)| add(Measure::Choice(*choice), *votes));
        add(Measure::Blank, counts.blank);
        add(Measure::Invalid, counts.invalid);
        add(Measure::Cast, counts.cast);
        match counts.status {
            ReportStatus::Provisional => add(Measure::BoxesProvisional, 1),
            ReportStatus::Final => add(Measure::BoxesFinal, 1),
        }
    }
    totals
}

fn tally(totals: BTreeMap<Cell, u64>) -> Tally {
    let count = |total| Count::try_from(total).expect("a small total");
    totals.into_iter().map(|(cell, total)| (cell, count(total))).collect::<Vec<_>>().into()
}

/// The sum of a measure over all groups.
fn sum(totals: &Totals, is_wanted: impl Fn(Measure) -> bool) -> u64 {
    totals.iter().filter(|((_, measure), _)| is_wanted(*measure)).map(|(_, total)| total.get()).sum()
}

/// What must hold after every step.
fn check(told: &Told, fold: &Fold, before: &Fold) -> Result<(), TestCaseError> {
    prop_assert_eq!(&fold.state, &told.night.state, "the fold and the night differ about states");
    let recount = told.recount();
    prop_assert!(fold.tally.agrees_with(&recount), "{:?} is not the recount {:?}", fold.tally, recount);
    for (cell, total) in before.tally.iter() {
        let never_falls = matches!(cell.measure, Measure::NewBoxes | Measure::NewVotes);
        prop_assert!(!never_falls || fold.tally.get(&cell) >= total, "{:?} fell", cell);
    }
    for contest in (0..CONTESTS).map(ContestNumber) {
        for (place, totals) in fold.tally.units(contest) {
            let parts = |measure| matches!(measure, Measure::Choice(_) | Measure::Blank | Measure::Invalid);
            let cast = sum(totals, |measure| measure == Measure::Cast);
            prop_assert_eq!(sum(totals, parts), cast, "contest {} in unit {} does not add up", contest, place);
            let reported = sum(totals, |m| matches!(m, Measure::BoxesProvisional | Measure::BoxesFinal));
            let boxes = fold.tally.totals(ContestNumber::NONE, place);
            let expected = boxes.map_or(0, |totals| sum(totals, |measure| measure == Measure::Boxes));
            prop_assert!(reported <= expected, "{} of {} boxes of unit {} reported", reported, expected, place);
        }
        check_sums(told, fold, contest)?;
    }
    Ok(())
}

/// A region and the nation are the sums of the places in them, and of the boxes in them.
fn check_sums(told: &Told, fold: &Fold, contest: ContestNumber) -> Result<(), TestCaseError> {
    for (top, within) in [(Unit::ROOT, &[Unit::ROOT, NORTH, YORK, LEEDS][..]), (NORTH, &[NORTH, YORK]), (YORK, &[YORK])]
    {
        let places = told.night.units.below(top).filter_map(|unit| fold.tally.totals(contest, unit));
        let cast: u64 = places.map(|totals| sum(totals, |measure| measure == Measure::Cast)).sum();
        let in_boxes = told.highest().into_iter().filter(|((of_contest, number), _)| {
            let of_box = BOXES.iter().find(|(other, ..)| other == number);
            *of_contest == contest && of_box.is_some_and(|(_, place, _)| within.contains(place))
        });
        let naive: u64 = in_boxes.filter_map(|(_, (_, content))| content.counts()).map(|c| u64::from(c.cast)).sum();
        prop_assert_eq!(cast, naive, "contest {} in unit {} and all below", contest, top);
    }
    Ok(())
}

/// Reports as senders have them, at most one of each box, contest and revision, in one order of arrival and another.
fn any_arrivals() -> impl Strategy<Value = [Vec<Report>; 2]> {
    let place = (0..3_usize, 0..CONTESTS, 0..5_u32);
    let arrival = (any_content(), any::<[u8; 2]>());
    prop::collection::btree_map(place, arrival, 0..14).prop_map(|arrivals| {
        let sent = |((of, contest, revision), (content, at)): ((usize, u32, u32), (Content, [u8; 2]))| {
            let (number, ..) = BOXES[of];
            let (contest, revision) = (ContestNumber(contest), Some(Revision(revision)));
            (at, Report { contest, revision, content, ..report(UnitNumber(number), &[]) })
        };
        let all: Vec<([u8; 2], Report)> = arrivals.into_iter().map(sent).collect();
        [0, 1].map(|order| {
            let mut sorted = all.clone();
            sorted.sort_by_key(|(at, _)| at[order]);
            sorted.into_iter().map(|(_, report)| report).collect()
        })
    })
}

/// The totals once all reports have come, where a sender whose withdrawal came too early sends it again.
fn arrived(reports: &[Report]) -> (Tally, Vec<Report>) {
    let mut night = two_contests();
    let mut early = Vec::new();
    let mut valid = Vec::new();
    for report in reports {
        match night.submit(report) {
            Verdict::Rejected(Rejection::NothingToWithdraw | Rejection::AlreadyWithdrawn) => early.push(report.clone()),
            Verdict::Rejected(_) => {}
            _ => valid.push(report.clone()),
        }
    }
    early.iter().for_each(|report| drop(night.submit(report)));
    let mut fold = Fold::new(&night.election);
    night.entries.iter().for_each(|entry| drop(fold.apply(&entry.to_bytes()).expect("a sound entry")));
    valid.extend(early);
    (fold.tally, valid)
}

/// The measures that say how it stands; those of first reports are of the order in which they came.
fn standing(tally: &Tally) -> Tally {
    let is_standing = |(cell, _): &(Cell, Count)| {
        !matches!(cell.measure, Measure::NewBoxes | Measure::NewVotes) && cell.contest != ContestNumber::NONE
    };
    tally.iter().filter(is_standing).collect::<Vec<_>>().into()
}

proptest! {
    #[test]
    fn every_night_counts_the_highest_revision_of_each_box(steps in prop::collection::vec(any_step(), 1..50)) {
        let mut told = Told { night: two_contests(), accepted: Vec::new(), retired: BTreeSet::new() };
        let mut fold = Fold::new(&told.night.election);
        for step in &steps {
            let before = fold.clone();
            told.take(step)?;
            let folded = usize::try_from(fold.seq.0).expect("a short ledger");
            for entry in &told.night.entries[folded..] {
                prop_assert!(fold.apply(&entry.to_bytes()).is_ok(), "{:?} cannot be folded", entry);
            }
            check(&told, &fold, &before)?;
        }
        let election = told.night.election.clone();
        let mut recount = Recount::new(&election);
        for entry in &told.night.entries {
            prop_assert_eq!(recount.apply(&entry.to_bytes()), Ok(entry.clone()));
        }
        prop_assert_eq!(recount.fold(), &fold);
        let closed = ContestState::Certified { revealed: true };
        for state in [None, Some(closed)] {
            told.night.state.contests.iter_mut().for_each(|contest| *contest = state.clone().unwrap_or(contest.clone()));
            for (seq, revision, report) in told.accepted.clone() {
                told.repeat(seq, Report { revision: Some(revision), ..report })?;
            }
        }
    }

    #[test]
    fn the_order_of_arrival_changes_nothing([one, other] in any_arrivals()) {
        let (first, valid) = arrived(&one);
        let mut highest: BTreeMap<(ContestNumber, u32), &Report> = BTreeMap::new();
        for report in &valid {
            let found = highest.entry((report.contest, report.ballot_box.0)).or_insert(report);
            if report.revision > found.revision {
                *found = report;
            }
        }
        let naive = tally(totals(highest.into_iter().map(|(place, report)| (place, &report.content))));
        prop_assert!(standing(&first).agrees_with(&naive), "{:?} is not {:?}", standing(&first), naive);
        let (reordered, _) = arrived(&other);
        prop_assert!(standing(&reordered).agrees_with(&standing(&first)), "{:?} is not {:?}", reordered, first);
    }
}
