//! An election of boxes at one version: its figures in any unit, for one audience.
//!
//! Job: turn a tally and a tree into what is sent. Invariant: figures of one document are all of one version, and a masked
//! one is made from definition and states alone. It must not know: HTTP, who a viewer is.

mod figures;
mod moments;
pub mod moved;
mod reported;
pub mod sums;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hustings_core::election::Viewer;
use hustings_core::{
    Audience, Contest, ContestNumber, ContestState, ElectionState, Measure, Method, Seq, Tally, Time, Unit, UnitKind,
    UnitNumber, Units, Version,
};

use self::sums::{Expected, Sums};
use super::frame::tag;
use crate::clock::rfc3339;
use crate::ledger::{ElectionKey, LedgerError, Registered, Reports};
use crate::tally::{Snapshot, TallyStatus};

pub use figures::{
    Boxes, ByCode, ChannelResult, ChildContest, ChildResult, ChoiceFigure, ContestResult, ElectionName, Figures,
    LeaderResult, NightResults, PartyResult, SCHEMA_VERSION, UnitName, part,
};
pub use moments::Lag;
pub use reported::Reported;

/// An election as it stood at one version.
#[derive(Clone)]
pub struct Moment {
    found: Registered,
    snapshot: Arc<Snapshot>,
    units: Arc<Units>,
    status: TallyStatus,
    /// What is expected of places, made by the first question that needs it.
    expected: Arc<OnceLock<BTreeMap<UnitNumber, Expected>>>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Of which unit.
    pub unit: UnitNumber,
    /// Of one contest only.
    pub contest: Option<ContestNumber>,
    /// With units below, a page of them.
    pub children: Option<ChildPage>,
    /// With votes by party.
    pub parties: bool,
    /// With votes by choice and channel.
    pub channels: bool,
}

/// Which units of those below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// Those just below.
    Next,
    /// All places, at any depth.
    Places,
}

/// A page of the units below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildPage {
    /// Which of them.
    pub which: Below,
    /// Those after this one.
    pub after: UnitNumber,
    /// At most so many.
    pub limit: usize,
}

impl ChildPage {
    /// The most units in one document.
    pub const LIMIT_MAX: usize = 5_000;

    /// The first page of those just below.
    pub const FIRST: Self = Self { which: Below::Next, after: Unit::ROOT, limit: Self::LIMIT_MAX };
}

impl Asked {
    /// The whole election.
    pub const ALL: Self = Self { unit: Unit::ROOT, contest: None, children: None, parties: false, channels: false };

    /// What a stream shows: the whole election, or one unit with those just below.
    #[must_use]
    pub fn stream(unit: Option<UnitNumber>) -> Self {
        match unit {
            None => Self::ALL,
            Some(unit) => Self { unit, children: Some(ChildPage::FIRST), ..Self::ALL },
        }
    }
}

impl Moment {
    /// An election with its counters and its tree, which must be at least as far as the counters.
    #[must_use]
    pub fn new(found: Registered, snapshot: Arc<Snapshot>, units: Arc<Units>, status: TallyStatus) -> Self {
        Self { found, snapshot, units, status, expected: Arc::default() }
    }

    /// The election's number inside.
    #[must_use]
    pub fn key(&self) -> ElectionKey {
        self.found.key
    }

    /// The election's definition.
    #[must_use]
    pub fn found(&self) -> &Registered {
        &self.found
    }

    /// Its tree; it may have grown since.
    #[must_use]
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// Where its contests stood.
    #[must_use]
    pub fn state(&self) -> &ElectionState {
        &self.snapshot.fold.state
    }

    /// Its totals.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.snapshot.fold.tally
    }

    /// The last entry in it.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.snapshot.fold.seq
    }

    /// When that one was accepted.
    #[must_use]
    pub fn time(&self) -> Time {
        self.snapshot.fold.time
    }

    /// The same as it is shown; before the first entry there is none.
    #[must_use]
    pub fn shown_time(&self) -> Option<String> {
        (self.seq() > Seq(0)).then(|| rfc3339(self.time()))
    }

    /// How it is marked.
    pub(super) fn status(&self) -> TallyStatus {
        self.status
    }

    /// Whether newer reports than these may have been counted, which cannot be shown yet.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.status == TallyStatus::Stale
    }

    /// Whether the shared counters are out of reach.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.status == TallyStatus::Degraded
    }

    /// The tag of a document of this version.
    #[must_use]
    pub fn tag(&self, audience: Audience) -> String {
        tag(self.version(audience), self.status)
    }

    /// Its contests, those that had come by then.
    #[must_use]
    pub fn contests(&self) -> &[Contest] {
        let all = &self.found.election.contests;
        all.get(..self.state().contests.len()).unwrap_or(all)
    }

    /// A contest by its code.
    #[must_use]
    pub fn contest(&self, code: &str) -> Option<&Contest> {
        let is_named = |contest: &&Contest| {
            contest.race.as_ref().is_some_and(|race| race.code.as_str() == code) || contest.id.to_string() == code
        };
        self.contests().iter().find(is_named)
    }

    /// A unit by its code, or by the name that its code is made of, of those that had come by then.
    #[must_use]
    pub fn unit(&self, code: &str) -> Option<UnitNumber> {
        self.units.find(code).or_else(|| self.units.named(code)).filter(|number| number.0 < self.state().units.count)
    }

    /// Whether a unit was there by then, and not retired.
    #[must_use]
    pub fn is_live(&self, unit: UnitNumber) -> bool {
        self.units.is_live(unit, self.state().units)
    }

    /// A unit's names.
    #[must_use]
    pub fn unit_name(&self, number: UnitNumber) -> UnitName {
        self.units.get(number).map_or_else(
            || UnitName { code: number.to_string(), name: number.to_string(), kind: "box" },
            |unit| UnitName { code: unit.code.to_string(), name: unit.title().to_owned(), kind: unit.kind.name() },
        )
    }

    /// What somebody may see: everything where all contests may be seen, else nothing but where they stand. A contest
    /// that is still hidden would else be told by the sums it is in.
    #[must_use]
    pub fn audience(&self, viewer: Viewer) -> Audience {
        let state = self.state();
        let is_full = |contest: &ContestState| state.visibility.audience(contest, viewer) == Audience::Full;
        let all = match state.contests.is_empty() {
            true => is_full(&ContestState::Draft { schedule: hustings_core::Schedule::default() }),
            false => state.contests.iter().all(is_full),
        };
        if all { Audience::Full } else { Audience::Masked }
    }

    /// The version as an audience sees it.
    #[must_use]
    pub fn version(&self, audience: Audience) -> Version {
        match audience {
            Audience::Full => Version::Full(self.snapshot.epoch, self.seq()),
            Audience::Masked => Version::Masked(self.snapshot.epoch, self.state().state_entries),
        }
    }

    /// What is expected of a unit.
    #[must_use]
    pub fn expected(&self, unit: UnitNumber) -> Expected {
        match self.units.get(unit) {
            Some(found) if !found.kind.is_place() => sums::expected_below(&self.units, unit, self.state().units),
            _ => {
                let all = || sums::expected(self.tally(), &self.units, self.state().units);
                self.expected.get_or_init(all).get(&unit).copied().unwrap_or_default()
            }
        }
    }

    /// Whether all boxes are listed beforehand, so that none is added by its own report.
    #[must_use]
    pub fn lists_boxes(&self) -> bool {
        self.found.election.reporting.as_ref().is_none_or(|reporting| !reporting.adds_boxes)
    }

    /// Whether units of this kind are hidden from an audience: they may have been added by a report of them, so that their
    /// being there would tell that they have reported.
    #[must_use]
    pub fn hides(&self, audience: Audience, kind: UnitKind) -> bool {
        let is_added = match kind {
            UnitKind::Box => !self.lists_boxes(),
            UnitKind::City => self.adds_cities(),
            UnitKind::Nation | UnitKind::Region | UnitKind::Station => false,
        };
        audience == Audience::Masked && is_added
    }

    fn adds_cities(&self) -> bool {
        self.found.election.reporting.as_ref().is_some_and(|reporting| reporting.adds_cities)
    }

    /// Whether it is known how many boxes a contest will have in a unit: they are listed, or places say how many they will
    /// have, or no more can come.
    fn knows_boxes(&self, contest: &Contest, unit: UnitNumber) -> bool {
        let is_told = || sums::foresees_boxes(&self.units, unit, self.state().units);
        let is_over = || {
            let state = self.state().contest(contest.number);
            matches!(state, Ok(ContestState::Closed { .. } | ContestState::Certified { .. }))
        };
        self.lists_boxes() || is_over() || (is_told() && !(self.adds_cities() && unit == Unit::ROOT))
    }

    /// The sums of a contest in a place.
    #[must_use]
    pub fn sums(&self, contest: &Contest, place: UnitNumber) -> Sums {
        sums::of_place(self.tally(), &self.units, contest.number, contest.choices.len(), place)
    }

    /// Ballots in the boxes of one place of its own that reported a contest.
    #[must_use]
    pub fn cast(&self, contest: ContestNumber, place: UnitNumber) -> u64 {
        let totals = self.tally().totals(contest, place).into_iter().flatten();
        totals.filter(|((_, measure), _)| *measure == Measure::Cast).map(|(_, total)| total.get()).sum()
    }

    /// Reads what must be read for a document: reports of the boxes in units that no totals are kept for.
    pub async fn reported(&self, reports: &dyn Reports, asked: &Asked) -> Result<Reported, LedgerError> {
        let tops = match (self.is_place(asked.unit), asked.children) {
            (false, _) => vec![asked.unit],
            (true, Some(page)) => {
                self.children(asked.unit, page).0.into_iter().filter(|child| !self.is_place(*child)).collect()
            }
            (true, None) => Vec::new(),
        };
        let boxes: Vec<UnitNumber> = tops.iter().flat_map(|top| self.units.boxes(*top, self.state().units)).collect();
        self.reported_by(reports, asked, &boxes).await
    }

    /// Whether totals are kept for a unit.
    fn is_place(&self, unit: UnitNumber) -> bool {
        self.units.get(unit).is_some_and(|unit| unit.kind.is_place())
    }

    async fn reported_by(
        &self,
        reports: &dyn Reports,
        asked: &Asked,
        boxes: &[UnitNumber],
    ) -> Result<Reported, LedgerError> {
        if boxes.is_empty() {
            return Ok(Reported::default());
        }
        let within = |contest: &Contest| {
            let reporting = boxes.iter().copied().filter(|one| self.units.is_within(*one, contest.unit()));
            (contest.number, reporting.collect())
        };
        let wanted = self.asked_contests(asked).map(|(contest, _)| within(contest)).collect();
        Reported::read(reports, self.key(), wanted, self.seq()).await
    }

    /// The document for an audience. What [`Moment::reported`] has read for the same question goes with it.
    #[must_use]
    pub fn results(&self, asked: &Asked, reported: &Reported, audience: Audience) -> NightResults {
        let full = audience == Audience::Full;
        let election = &self.found.election;
        let contests: Vec<ContestResult> = self
            .asked_contests(asked)
            .map(|(contest, unit)| match full {
                true => self.contest_result(contest, &self.any_sums(contest, unit, reported), unit, asked.channels),
                false => self.masked_contest(contest),
            })
            .collect();
        let (children, next) = match asked.children.filter(|_| full) {
            Some(page) => {
                let (children, next) = self.children(asked.unit, page);
                let next = next.then(|| children.last().map(|last| self.unit_name(*last).code)).flatten();
                (Some(self.child_results(asked, page.which, &children, reported)), next)
            }
            None => (None, None),
        };
        NightResults {
            schema_version: SCHEMA_VERSION,
            election: ElectionName {
                id: election.id.to_string(),
                code: election.code.to_string(),
                title: election.title.to_string(),
            },
            status: self.stage(audience),
            version: self.version(audience).to_string(),
            time: self.shown_time().filter(|_| full),
            zone: self.zone().to_owned(),
            hidden: !full,
            stale: self.is_stale(),
            degraded: self.is_degraded(),
            unit: self.unit_name(asked.unit),
            parties: (asked.parties && full).then(|| self.parties(asked, &contests)),
            children,
            next,
            choices: contests.first().map(|first| first.choices.clone()).unwrap_or_default(),
            boxes: contests.first().and_then(|first| first.figures.as_ref()).map(|figures| figures.boxes),
            contests,
        }
    }

    /// The name of the election's time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.found.election.reporting.as_ref().map_or("UTC", |reporting| reporting.zone.as_str())
    }

    /// Where the election stands, in one word.
    #[must_use]
    pub fn stage(&self, audience: Audience) -> &'static str {
        let states = &self.state().contests;
        let is_rehearsal = self.found.election.reporting.as_ref().is_some_and(|reporting| reporting.rehearsal);
        if is_rehearsal {
            "rehearsal"
        } else if states.iter().all(|state| matches!(state, ContestState::Draft { .. })) {
            "draft"
        } else if states.iter().all(|state| matches!(state, ContestState::Certified { .. })) {
            "certified"
        } else if audience == Audience::Full && self.is_complete() {
            "complete"
        } else {
            "counting"
        }
    }

    fn is_complete(&self) -> bool {
        self.contests().iter().all(|contest| {
            let expected = self.expected(contest.unit()).boxes;
            let is_final = |(unit, totals): (UnitNumber, &hustings_core::Totals)| {
                let of_unit = totals.iter().filter(|((_, measure), _)| *measure == Measure::BoxesFinal);
                let sum: u64 = of_unit.map(|(_, total)| total.get()).sum();
                if self.units.is_within(unit, contest.unit()) { sum } else { 0 }
            };
            expected > 0
                && self.knows_boxes(contest, contest.unit())
                && self.tally().units(contest.number).map(is_final).sum::<u64>() >= expected
        })
    }

    /// The contests asked for that are held in the unit, each with where in it.
    fn asked_contests(&self, asked: &Asked) -> impl Iterator<Item = (&Contest, UnitNumber)> {
        let (unit, only) = (asked.unit, asked.contest);
        let wanted = move |contest: &&Contest| only.is_none_or(|only| contest.number == only);
        self.contests()
            .iter()
            .filter(wanted)
            .filter_map(move |contest| Some((contest, sums::held(&self.units, contest.unit(), unit)?)))
    }

    /// The units below, and whether there are more.
    fn children(&self, unit: UnitNumber, page: ChildPage) -> (Vec<UnitNumber>, bool) {
        let is_shown = |number: &UnitNumber| *number > page.after && self.is_live(*number);
        let found: &mut dyn Iterator<Item = UnitNumber> = match page.which {
            Below::Next => &mut self.units.children(unit).iter().copied(),
            // Parents have lower numbers than their children.
            Below::Places => &mut (page.after.max(unit).0 + 1..self.state().units.count)
                .map(UnitNumber)
                .filter(|number| self.is_place(*number) && self.units.is_within(*number, unit)),
        };
        let mut found: Vec<UnitNumber> = found.filter(is_shown).take(page.limit + 1).collect();
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        (found, more)
    }

    fn any_sums(&self, contest: &Contest, unit: UnitNumber, reported: &Reported) -> Sums {
        match self.units.get(unit) {
            Some(found) if !found.kind.is_place() => {
                reported.sums(&self.units, contest.number, contest.choices.len(), unit)
            }
            _ => self.sums(contest, unit),
        }
    }

    fn masked_contest(&self, contest: &Contest) -> ContestResult {
        self.contest_names(contest, contest.choices.iter().map(|choice| figure(choice, None, None)).collect())
    }

    fn contest_names(&self, contest: &Contest, choices: Vec<ChoiceFigure>) -> ContestResult {
        let race = contest.race.as_ref();
        ContestResult {
            id: contest.id.to_string(),
            code: contest_code(contest),
            title: race.map_or_else(|| self.found.election.title.to_string(), |race| race.title.to_string()),
            unit: self.unit_name(contest.unit()).code,
            status: self.state().contest(contest.number).map_or("draft", ContestState::name),
            choices,
            figures: None,
            channels: None,
        }
    }

    fn contest_result(&self, contest: &Contest, sums: &Sums, unit: UnitNumber, with_choices: bool) -> ContestResult {
        let valid = sums.cast.saturating_sub(sums.blank).saturating_sub(sums.invalid);
        let one = |(choice, votes): (&hustings_core::Choice, &u64)| figure(choice, Some(*votes), part(*votes, valid));
        let choices = contest.choices.iter().zip(&sums.choices).map(one).collect();
        let channels = sums.channels.iter().map(|(channel, of_channel)| {
            let result = ChannelResult {
                votes: of_channel.votes(),
                cast: of_channel.cast,
                boxes: of_channel.boxes,
                choices: with_choices.then(|| ByCode::of(contest, &of_channel.choices)),
            };
            (channel.name(), result)
        });
        ContestResult {
            figures: Some(self.figures(contest, sums, unit)),
            channels: Some(channels.collect()),
            ..self.contest_names(contest, choices)
        }
    }

    fn figures(&self, contest: &Contest, sums: &Sums, unit: UnitNumber) -> Figures {
        let expected = self.expected(unit);
        debug_assert!(
            contest.method != Method::Single || sums.votes() + sums.blank + sums.invalid == sums.cast,
            "each ballot is a vote, blank, or invalid"
        );
        let leader = sums::leader(&sums.choices).map(|leader| LeaderResult {
            tie: leader.choices.len() > 1,
            choices: leader.choices.iter().map(|place| contest.choices[*place].code.to_string()).collect(),
            margin: leader.margin,
        });
        Figures {
            cast: sums.cast,
            blank: sums.blank,
            invalid: sums.invalid,
            votes: sums.votes(),
            registered: expected.voters(),
            registered_in_part: expected.voters_in_part(),
            turnout: expected.voters().and_then(|voters| part(sums.cast, voters)),
            boxes: Boxes {
                expected: self.knows_boxes(contest, unit).then_some(expected.boxes),
                reported: sums.reported(),
                provisional: sums.provisional,
                last: sums.last,
            },
            leader,
        }
    }

    fn child_results(
        &self,
        asked: &Asked,
        which: Below,
        children: &[UnitNumber],
        reported: &Reported,
    ) -> Vec<ChildResult> {
        let mut results: Vec<ChildResult> =
            children.iter().map(|child| ChildResult { unit: self.unit_name(*child), contests: Vec::new() }).collect();
        for (contest, _) in self.asked_contests(asked) {
            let choices = contest.choices.len();
            let (tally, units) = (self.tally(), self.units());
            let mut sums = match which {
                Below::Next => sums::of_children(tally, units, contest.number, choices, asked.unit),
                Below::Places => sums::of_places(tally, units, contest.number, choices, children),
            };
            // Places have totals, all others reports; no unit is both.
            sums.extend(reported.of_children(units, contest.number, choices, asked.unit));
            for (child, result) in children.iter().zip(&mut results) {
                let Some(held) = sums::held(&self.units, contest.unit(), *child) else { continue };
                let sums = sums.remove(child).unwrap_or_else(|| Sums::new(choices));
                result.contests.push(ChildContest {
                    code: contest_code(contest),
                    choices: ByCode::of(contest, &sums.choices),
                    figures: self.figures(contest, &sums, held),
                });
            }
        }
        results
    }

    fn parties(&self, asked: &Asked, results: &[ContestResult]) -> Vec<PartyResult> {
        let mut parties: BTreeMap<Option<&str>, PartyResult> = BTreeMap::new();
        for ((contest, _), result) in self.asked_contests(asked).zip(results) {
            let leader = result.figures.as_ref().and_then(|figures| figures.leader.as_ref());
            let alone = leader.filter(|leader| !leader.tie).and_then(|leader| leader.choices.first());
            for (choice, figure) in contest.choices.iter().zip(&result.choices) {
                let party = choice.party.as_ref();
                let new = || PartyResult {
                    code: party.map(|party| party.code.to_string()),
                    name: party.map(|party| party.name.to_string()),
                    votes: 0,
                    leads: 0,
                };
                let sum = parties.entry(party.map(|party| party.code.as_str())).or_insert_with(new);
                sum.votes += figure.votes.unwrap_or(0);
                sum.leads += u64::from(alone == Some(&figure.code));
            }
        }
        let mut parties: Vec<PartyResult> = parties.into_values().collect();
        parties.sort_by(|a, b| b.votes.cmp(&a.votes).then_with(|| a.code.cmp(&b.code)));
        parties
    }
}

/// A contest's code, as requests name it.
#[must_use]
pub fn contest_code(contest: &Contest) -> String {
    contest.race.as_ref().map_or_else(|| contest.number.to_string(), |race| race.code.to_string())
}

fn figure(choice: &hustings_core::Choice, votes: Option<u64>, share: Option<f64>) -> ChoiceFigure {
    ChoiceFigure {
        id: choice.id.to_string(),
        code: choice.code.to_string(),
        title: choice.title.to_string(),
        party: choice.party.as_ref().map(|party| party.code.to_string()),
        votes,
        share,
    }
}
