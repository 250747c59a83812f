//! Short ways to say what an election of boxes consists of, and what its boxes report.

use hustings::ledger::{Addressed, ElectionKey, NewElection};
use hustings_core::{
    Act, ActKind, Change, Channel, ChoiceNumber, Content, Contest, ContestNumber, Counts, Election, Kind, Label,
    Method, NewUnit, Race, Report, ReportStatus, Reporting, Revision, Schedule, Submission, SubmissionId, UnitKind,
    UnitNumber,
};
use uuid::Uuid;

use super::Backend;
use super::support::*;

pub(crate) const OSLO: UnitNumber = UnitNumber(2);
pub(crate) const BERGEN: UnitNumber = UnitNumber(3);
pub(crate) const STATION: UnitNumber = UnitNumber(4);
/// Two boxes of the station in Oslo.
pub(crate) const ONE: UnitNumber = UnitNumber(5);
pub(crate) const TWO: UnitNumber = UnitNumber(6);
/// The postal box of Bergen.
pub(crate) const POST: UnitNumber = UnitNumber(7);
/// How many entries [`night`] begins with.
pub(crate) const BEGUN: u64 = 5;

pub(crate) fn label(raw: &str) -> Label {
    Label::parse(raw).expect("a code")
}

pub(crate) fn unit(code: &str, kind: UnitKind, parent: Option<&str>) -> NewUnit {
    NewUnit {
        code: label(code),
        name: None,
        kind,
        parent: parent.map(label),
        channel: Channel::InPerson,
        registered: None,
        boxes: None,
    }
}

pub(crate) fn ballot_box(code: &str, parent: &str) -> NewUnit {
    unit(code, UnitKind::Box, Some(parent))
}

/// A region with two cities, one of them with a station of two boxes, the other one with a postal box.
pub(crate) fn tree() -> Vec<NewUnit> {
    vec![
        unit("north", UnitKind::Region, None),
        NewUnit { name: Some(text("Oslo")), ..unit("oslo", UnitKind::City, Some("north")) },
        NewUnit { boxes: Some(3), ..unit("bergen", UnitKind::City, Some("north")) },
        NewUnit { registered: Some(900), ..unit("oslo-1", UnitKind::Station, Some("oslo")) },
        ballot_box("one", "oslo-1"),
        ballot_box("two", "oslo-1"),
        NewUnit { channel: Channel::Postal, registered: Some(50), ..ballot_box("post", "bergen") },
    ]
}

/// An election of boxes without any contests, which no other test has.
pub(crate) fn election_of_boxes() -> Election {
    let election = poll(Method::Single, Change::Final, Schedule::default());
    let reporting = Reporting { rehearsal: false, zone: "UTC".to_owned(), adds_boxes: false, adds_cities: false };
    Election { kind: Kind::Election, contests: Vec::new(), reporting: Some(reporting), ..election }
}

/// A contest that boxes of a unit report. The number is only a wish.
pub(crate) fn race(code: &str, number: u32, unit: UnitNumber) -> Contest {
    let race = Race { code: label(code), title: text(code), unit };
    Contest { race: Some(race), ..contest(900 + number, number, Method::Single, Change::Final) }
}

/// An act on the tree, or on the contests.
pub(crate) fn tree_act(kind: ActKind) -> Act {
    act_on(ContestNumber::NONE, kind)
}

pub(crate) fn add_units(units: Vec<NewUnit>) -> Submission {
    Submission::Act(tree_act(ActKind::AddUnits(units.into())))
}

pub(crate) fn add_contest(contest: Contest) -> Submission {
    Submission::Act(tree_act(ActKind::AddContest(Box::new(contest))))
}

pub(crate) fn retire(unit: UnitNumber) -> Submission {
    Submission::Act(tree_act(ActKind::RetireUnit(unit)))
}

/// What [`night`] begins with: the tree, a contest everywhere, one in Oslo, and both are opened.
pub(crate) fn first_acts() -> Vec<Act> {
    vec![
        tree_act(ActKind::AddUnits(tree().into())),
        tree_act(ActKind::AddContest(Box::new(race("main", 0, UnitNumber(0))))),
        tree_act(ActKind::AddContest(Box::new(race("council", 1, OSLO)))),
        act_on(FIRST, OPEN),
        act_on(SECOND, OPEN),
    ]
}

/// An election of boxes whose two contests are open.
pub(crate) async fn night(backend: &dyn Backend) -> ElectionKey {
    let new = NewElection { election: election_of_boxes(), acts: first_acts(), owner: None };
    backend.registry().create(new).await.expect("a new election").key
}

/// A report on its way to being sent.
#[derive(Clone)]
pub(crate) struct Sent(Report);

/// The final first report of a box in the first contest, with the votes of each choice.
pub(crate) fn report(ballot_box: UnitNumber, votes: [u32; 3]) -> Sent {
    Sent(Report {
        contest: FIRST,
        ballot_box,
        revision: Some(Revision(1)),
        id: None,
        content: Content::Filed(counts(ReportStatus::Final, votes)),
        reported_at: None,
        definition: None,
        within: None,
        channel: None,
        by: text("clerk"),
        reason: None,
        request: format!("{votes:?}").into_bytes(),
    })
}

pub(crate) fn counts(status: ReportStatus, votes: [u32; 3]) -> Counts {
    let votes = (0..).map(ChoiceNumber).zip(votes).collect();
    Counts::new(status, votes, 0, 0, None).expect("counts")
}

impl Sent {
    pub(crate) fn revision(mut self, number: u32) -> Self {
        self.0.revision = Some(Revision(number));
        self
    }

    /// With the next number, whatever that is.
    pub(crate) fn next(mut self) -> Self {
        self.0.revision = None;
        self
    }

    pub(crate) fn id(mut self, number: u32) -> Self {
        self.0.id = Some(SubmissionId(Uuid::from_u128(number.into())));
        self
    }

    pub(crate) fn of(mut self, contest: ContestNumber) -> Self {
        self.0.contest = contest;
        self
    }

    pub(crate) fn provisional(mut self) -> Self {
        if let Content::Filed(counts) = &mut self.0.content {
            counts.status = ReportStatus::Provisional;
        }
        self
    }

    pub(crate) fn withdrawn(mut self) -> Self {
        (self.0.content, self.0.reason) = (Content::Withdrawn, Some(text("a wrong box")));
        self
    }

    pub(crate) fn request(mut self, bytes: &[u8]) -> Self {
        self.0.request = bytes.to_vec();
        self
    }

    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Report)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn to(self, election: ElectionKey) -> Addressed {
        Addressed { election, submission: Submission::Report(Box::new(self.0)) }
    }
}
