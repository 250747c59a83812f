//! The night of an election as small as can be: a tree, a list of entries and a list of reports, kept by the decisions
//! of the core and nothing else.

use hustings_core::{
    Act, ActKind, Change, Channel, Content, Contest, ContestId, ContestNumber, Counts, Election, ElectionState, Entry,
    Event, Filed, Grounds, Kind, KnownReports, Method, NewUnit, Race, Report, ReportFiled, ReportStatus, Schedule, Seq,
    Standing, Time, UnitKind, UnitNumber, Units, Verdict, Visibility, decide_act, decide_contest, decide_report,
    decide_retirement, decide_units,
};
use uuid::Uuid;

use crate::support::{contest, election, label, text};

pub(crate) struct Night {
    pub(crate) election: Election,
    pub(crate) state: ElectionState,
    pub(crate) units: Units,
    pub(crate) time: Time,
    pub(crate) entries: Vec<Entry>,
    /// The reports that were recorded, each with its place.
    pub(crate) filed: Vec<(Seq, ReportFiled)>,
}

impl Night {
    /// A night without units and contests.
    pub(crate) fn new() -> Self {
        let definition = election(contest(Method::Single, Change::Final), Visibility::Always, Schedule::default());
        let election = Election { kind: Kind::Election, contests: Vec::new(), ..definition };
        Self {
            state: ElectionState::new(&election),
            election,
            units: Units::default(),
            time: Time(0),
            entries: Vec::new(),
            filed: Vec::new(),
        }
    }

    /// The unit of a code.
    pub(crate) fn unit(&self, code: &str) -> UnitNumber {
        self.units.find(code).expect("a unit of the tree")
    }

    fn grounds(&self) -> Grounds<'_> {
        Grounds { contests: &self.election.contests, state: &self.state, units: &self.units }
    }

    /// Decides about new units and writes what was accepted.
    pub(crate) fn add_units(&mut self, new: &[NewUnit]) -> Verdict {
        let verdict =
            decide_units(self.grounds(), new, &act(ContestNumber::NONE, ActKind::AddUnits(new.to_vec().into())));
        if let Verdict::Accept(event) = &verdict {
            let seq = self.append(event);
            if let Event::UnitsAdded(added) = event {
                self.units.add(added, seq).expect("units that fit");
                self.state.add_units(added, seq).expect("the next units");
            }
        }
        verdict
    }

    /// Decides about a unit that is to be retired and writes what was accepted.
    pub(crate) fn retire(&mut self, unit: UnitNumber) -> Verdict {
        let counts = |contest| {
            self.current(unit, contest).is_some_and(|current| matches!(current.report.content, Content::Filed(_)))
        };
        let is_counted = self.election.contests.iter().any(|contest| counts(contest.number));
        let act = act(ContestNumber::NONE, ActKind::RetireUnit(unit));
        let verdict = decide_retirement(self.grounds(), unit, is_counted, &act);
        if let Verdict::Accept(event) = &verdict {
            let seq = self.append(event);
            if let Event::UnitRetired(retired) = event {
                self.units.retire(retired, seq).expect("a unit that may go");
                self.state.retire_unit(retired, seq).expect("a unit of the tree");
            }
        }
        verdict
    }

    /// Decides about a new contest and writes what was accepted.
    pub(crate) fn add_contest(&mut self, next: &Contest) -> Verdict {
        let act = act(next.number, ActKind::AddContest(Box::new(next.clone())));
        let verdict = decide_contest(self.grounds(), next, &act);
        if let Verdict::Accept(event) = &verdict {
            self.append(event);
            self.election.contests.push(next.clone());
            if let Event::StateChanged(changed) = event {
                self.state.apply(changed, self.time).expect("the next contest");
            }
        }
        verdict
    }

    /// Decides an act on a contest and writes what was accepted.
    pub(crate) fn act(&mut self, contest: ContestNumber, kind: ActKind) -> Verdict {
        let definition = &self.election.contests[contest.index()];
        let verdict = decide_act(definition, &mut self.state, &act(contest, kind), self.time);
        if let Verdict::Accept(event) = &verdict {
            self.append(event);
        }
        verdict
    }

    /// The verdict on a report, without writing anything.
    pub(crate) fn decide(&self, report: &Report) -> Verdict {
        let state = match self.state.contest(report.contest) {
            Ok(state) => state,
            Err(rejection) => return Verdict::Rejected(rejection),
        };
        let find = |is_it: &dyn Fn(&ReportFiled) -> bool| {
            let found = self.filed.iter().find(|(_, filed)| is_it(filed));
            found.map(|(seq, report)| Filed { seq: *seq, report })
        };
        let same_id = report.id.and_then(|id| find(&|filed| filed.id == Some(id)));
        let same_revision = report.revision.and_then(|revision| {
            let number = (report.ballot_box, report.contest, revision);
            find(&|filed| (filed.ballot_box, filed.contest, filed.revision) == number)
        });
        let current_of_same_id =
            same_id.and_then(|Filed { report, .. }| self.current(report.ballot_box, report.contest));
        let known = KnownReports {
            same_id,
            current_of_same_id: current_of_same_id.map(|current| current.seq),
            same_revision,
            current: self.current(report.ballot_box, report.contest),
        };
        decide_report(&self.election.contests[report.contest.index()], state, &self.units, known, report)
    }

    /// Decides a report and writes what was accepted.
    pub(crate) fn submit(&mut self, report: &Report) -> Verdict {
        let verdict = self.decide(report);
        if let Verdict::Accept(event) = &verdict {
            let seq = self.append(event);
            if let Event::ReportFiled(filed) = event {
                self.filed.push((seq, filed.clone()));
            }
        }
        verdict
    }

    /// The report that counts: the last one that was not late.
    fn current(&self, ballot_box: UnitNumber, contest: ContestNumber) -> Option<Filed<'_>> {
        let of_box = |filed: &ReportFiled| {
            (filed.ballot_box, filed.contest) == (ballot_box, contest)
                && !matches!(filed.standing, Standing::Late { .. })
        };
        let found = self.filed.iter().rev().find(|(_, filed)| of_box(filed));
        found.map(|(seq, report)| Filed { seq: *seq, report })
    }

    fn append(&mut self, event: &Event) -> Seq {
        let seq = self.entries.last().map_or(Seq(1), |last| last.seq.next());
        self.entries.push(Entry { seq, time: self.time, event: event.clone() });
        seq
    }
}

/// A night with two cities: York in the north, with a station of one box and a postal box, and Leeds with a box. The
/// one contest, the mayor of all of it, is open.
pub(crate) fn night() -> Night {
    let mut night = Night::new();
    let units = [
        unit("north", UnitKind::Region, "nation"),
        unit("york", UnitKind::City, "north"),
        unit("hall", UnitKind::Station, "york"),
        unit("york-1", UnitKind::Box, "hall"),
        NewUnit { channel: Channel::Postal, ..unit("york-post", UnitKind::Box, "york") },
        unit("leeds", UnitKind::City, "nation"),
        unit("leeds-1", UnitKind::Box, "leeds"),
    ];
    accepted(&night.add_units(&units));
    accepted(&night.add_contest(&race(0, "mayor", UnitNumber(0))));
    accepted(&night.act(ContestNumber(0), ActKind::Open { scheduled: false }));
    night
}

/// Stops a test that cannot go on from a refusal.
pub(crate) fn accepted(verdict: &Verdict) {
    assert!(matches!(verdict, Verdict::Accept(_)), "{verdict:?}");
}

/// A unit to be added.
pub(crate) fn unit(code: &str, kind: UnitKind, parent: &str) -> NewUnit {
    NewUnit {
        code: label(code),
        name: None,
        kind,
        parent: Some(label(parent)),
        channel: Channel::InPerson,
        registered: None,
        boxes: None,
    }
}

/// A contest with the three choices tea, coffee and café crème that boxes report.
pub(crate) fn race(number: u32, code: &str, unit: UnitNumber) -> Contest {
    Contest {
        id: ContestId(Uuid::from_u128(0xC0 + u128::from(number))),
        number: ContestNumber(number),
        race: Some(Race { code: label(code), title: text(code), unit }),
        ..contest(Method::Single, Change::Final)
    }
}

/// A report of these votes, final and in the first contest, without an id and a revision.
pub(crate) fn report(ballot_box: UnitNumber, votes: &[u32]) -> Report {
    Report {
        contest: ContestNumber(0),
        ballot_box,
        revision: None,
        id: None,
        content: Content::Filed(counts(votes)),
        reported_at: None,
        definition: None,
        within: None,
        channel: None,
        by: text("gateway"),
        reason: None,
        request: b"{}".to_vec(),
    }
}

/// Final counts with these votes and nothing else in the box.
pub(crate) fn counts(votes: &[u32]) -> Counts {
    let votes = (0..).map(hustings_core::ChoiceNumber).zip(votes.iter().copied()).collect();
    Counts::new(ReportStatus::Final, votes, 0, 0, None).expect("counts that are allowed")
}

pub(crate) fn act(contest: ContestNumber, kind: ActKind) -> Act {
    Act { contest, kind, by: text("host"), reason: None }
}
