//! The life of a contest. `docs/STATES.md` draws it, and a test walks every arrow.

use serde::{Deserialize, Serialize};

use crate::election::{Election, Kind, Visibility};
use crate::entry::{Retitled, StateChange, StateChanged, UnitRetired, UnitsAdded};
use crate::id::{ContestNumber, Seq, Time};
use crate::rejection::Rejection;
use crate::text::Text;

/// When a contest opens and closes by itself; each time is used up by the first opening or closing, whoever made it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Opens a draft at this time.
    pub opens_at: Option<Time>,
    /// Closes an open or paused contest at this time.
    pub closes_at: Option<Time>,
}

/// Where a contest stands. A transition consumes the state, so an old one cannot be used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ContestState {
    /// Being prepared; may still be edited.
    Draft {
        /// What will happen by itself.
        schedule: Schedule,
    },
    /// Votes are accepted.
    Open {
        /// When it closes by itself.
        closes_at: Option<Time>,
        /// Whether results were shown to all.
        revealed: bool,
    },
    /// Votes are refused for a while.
    Paused {
        /// When it closes by itself.
        closes_at: Option<Time>,
        /// Whether results were shown to all.
        revealed: bool,
    },
    /// Votes are refused; may be undone until the reveal.
    Closed {
        /// Whether results were shown to all.
        revealed: bool,
    },
    /// A later round took its place; final.
    Archived {
        /// Whether results were shown to all.
        revealed: bool,
    },
    /// Who is responsible has signed; final.
    Certified {
        /// Whether results were shown to all.
        revealed: bool,
    },
}

impl ContestState {
    /// The stable name, one word for JSON, SQL, logs and pages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft { .. } => "draft",
            Self::Open { .. } => "open",
            Self::Paused { .. } => "paused",
            Self::Closed { .. } => "closed",
            Self::Archived { .. } => "archived",
            Self::Certified { .. } => "certified",
        }
    }

    /// Whether results were shown to all; from then on a close cannot be undone.
    #[must_use]
    pub fn is_revealed(&self) -> bool {
        match self {
            Self::Draft { .. } => false,
            Self::Open { revealed, .. }
            | Self::Paused { revealed, .. }
            | Self::Closed { revealed }
            | Self::Archived { revealed }
            | Self::Certified { revealed } => *revealed,
        }
    }

    /// Whether no vote can come any more, not even by undoing the close.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Closed { revealed: true } | Self::Archived { .. } | Self::Certified { .. })
    }

    /// The next time at which something must happen by itself, and what.
    #[must_use]
    pub fn due(&self) -> Option<(Time, Due)> {
        match self {
            Self::Draft { schedule } => schedule.opens_at.map(|at| (at, Due::Open)),
            Self::Open { closes_at, .. } | Self::Paused { closes_at, .. } => closes_at.map(|at| (at, Due::Close)),
            Self::Closed { .. } | Self::Archived { .. } | Self::Certified { .. } => None,
        }
    }

    /// Whether a ballot or a report may be counted now.
    pub fn accepts_submissions(&self) -> Result<(), Rejection> {
        match self {
            Self::Draft { .. } => Err(Rejection::ContestNotOpen),
            Self::Open { .. } => Ok(()),
            Self::Paused { .. } => Err(Rejection::ContestPaused),
            Self::Closed { .. } | Self::Archived { .. } | Self::Certified { .. } => Err(Rejection::ContestClosed),
        }
    }

    /// The state after a change; `Ok(None)` where it already is so, and nothing need be written.
    pub fn after(self, change: &StateChange, at: Time, visibility: Visibility) -> Result<Option<Self>, Rejection> {
        let wrong = |state: &Self| Rejection::WrongStatus { status: state.name() };
        let due = |time: Option<Time>| time.is_some_and(|time| time <= at);
        match (change, self) {
            (StateChange::Opened { scheduled, .. }, Self::Draft { schedule })
                if !scheduled || due(schedule.opens_at) =>
            {
                Ok(Some(Self::Open { closes_at: schedule.closes_at, revealed: false }))
            }
            (StateChange::Opened { scheduled: false, .. }, Self::Paused { closes_at, revealed }) => {
                Ok(Some(Self::Open { closes_at, revealed }))
            }
            (StateChange::Opened { scheduled: false, .. }, Self::Open { .. }) => Ok(None),

            (StateChange::Paused, Self::Open { closes_at, revealed }) => Ok(Some(Self::Paused { closes_at, revealed })),
            (StateChange::Paused, Self::Paused { .. }) => Ok(None),

            (
                StateChange::Closed { scheduled },
                Self::Open { closes_at, revealed } | Self::Paused { closes_at, revealed },
            ) if !scheduled || due(closes_at) => {
                Ok(Some(Self::Closed { revealed: revealed || visibility == Visibility::AfterClose }))
            }
            (StateChange::Closed { scheduled: false }, Self::Closed { .. }) => Ok(None),

            (StateChange::Reopened, Self::Closed { revealed: false }) => {
                Ok(Some(Self::Open { closes_at: None, revealed: false }))
            }
            (StateChange::Reopened, Self::Closed { revealed: true }) => Err(Rejection::ResultsRevealed),
            (StateChange::Reopened, Self::Open { .. }) => Ok(None),

            (StateChange::Revealed, Self::Open { closes_at, revealed: false }) => {
                Ok(Some(Self::Open { closes_at, revealed: true }))
            }
            (StateChange::Revealed, Self::Paused { closes_at, revealed: false }) => {
                Ok(Some(Self::Paused { closes_at, revealed: true }))
            }
            (StateChange::Revealed, Self::Closed { revealed: false }) => Ok(Some(Self::Closed { revealed: true })),
            (StateChange::Revealed, Self::Archived { revealed: false }) => Ok(Some(Self::Archived { revealed: true })),
            (StateChange::Revealed, Self::Certified { revealed: false }) => {
                Ok(Some(Self::Certified { revealed: true }))
            }
            (StateChange::Revealed, state) if state.is_revealed() => Ok(None),

            (StateChange::Certified, Self::Closed { revealed }) => Ok(Some(Self::Certified { revealed })),
            (StateChange::Certified, Self::Certified { .. }) => Ok(None),

            (StateChange::RoundStarted { .. }, Self::Closed { revealed }) => Ok(Some(Self::Archived { revealed })),

            (_, state) => Err(wrong(&state)),
        }
    }
}

/// What a schedule makes happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The contest opens.
    Open,
    /// The contest closes.
    Close,
}

/// Where a whole election stands: the fold of its state entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElectionState {
    /// The rule that decides what a close shows.
    pub visibility: Visibility,
    /// One state for each contest.
    pub contests: Vec<ContestState>,
    /// How many state entries there were; the version of masked outputs.
    pub state_entries: u64,
    /// How far the tree of units has grown; a poll has only the root.
    #[serde(default, skip_serializing_if = "UnitsMark::is_root")]
    pub units: UnitsMark,
    /// The title, where it was corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
}

/// How far a tree of units has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitsMark {
    /// How many units there are, the root among them.
    pub count: u32,
    /// The last entry that changed the tree.
    pub seq: Seq,
}

impl Default for UnitsMark {
    fn default() -> Self {
        Self { count: 1, seq: Seq(0) }
    }
}

impl UnitsMark {
    fn is_root(&self) -> bool {
        *self == Self::default()
    }
}

impl ElectionState {
    /// The state before the first entry. Later rounds, and all contests of an election of boxes, come by their own entries.
    #[must_use]
    pub fn new(election: &Election) -> Self {
        let contests = match election.kind {
            Kind::Poll | Kind::Competition => vec![ContestState::Draft { schedule: election.schedule }],
            Kind::Election => Vec::new(),
        };
        let (visibility, units) = (election.visibility, UnitsMark::default());
        Self { visibility, contests, state_entries: 0, units, title: None }
    }

    /// The title as it was corrected last, else that of the definition.
    #[must_use]
    pub fn title<'a>(&'a self, election: &'a Election) -> &'a Text {
        self.title.as_ref().unwrap_or(&election.title)
    }

    /// Whether voting was ever opened: from then on its definition is frozen.
    #[must_use]
    pub fn was_opened(&self) -> bool {
        self.contests.iter().any(|contest| !matches!(contest, ContestState::Draft { .. }))
    }

    /// The state of one contest.
    pub fn contest(&self, number: ContestNumber) -> Result<&ContestState, Rejection> {
        self.contests.get(number.index()).ok_or(Rejection::UnknownContest)
    }

    /// Applies one change and says whether it moved anything; a refused change leaves all as it was.
    pub fn apply(&mut self, changed: &StateChanged, at: Time) -> Result<bool, Rejection> {
        if matches!(changed.change, StateChange::Added { .. }) {
            return self.add_contest(changed.contest);
        }
        let before = self.contest(changed.contest)?.clone();
        if matches!(changed.change, StateChange::RoundStarted { .. }) && !self.is_current(changed.contest) {
            return Err(Rejection::WrongStatus { status: before.name() });
        }
        let Some(after) = before.after(&changed.change, at, self.visibility)? else { return Ok(false) };
        self.contests[changed.contest.index()] = after;
        if matches!(changed.change, StateChange::RoundStarted { .. }) {
            self.contests.push(ContestState::Draft { schedule: Schedule::default() });
        }
        self.state_entries += 1;
        Ok(true)
    }

    fn add_contest(&mut self, number: ContestNumber) -> Result<bool, Rejection> {
        if number.index() != self.contests.len() {
            return Err(Rejection::UnknownContest);
        }
        self.contests.push(ContestState::Draft { schedule: Schedule::default() });
        self.state_entries += 1;
        Ok(true)
    }

    /// Follows an entry that corrects the title; says whether it moved anything.
    pub fn retitle(&mut self, retitled: &Retitled) -> bool {
        let is_moved = self.title.as_ref() != Some(&retitled.title);
        if is_moved {
            self.title = Some(retitled.title.clone());
            self.state_entries += 1;
        }
        is_moved
    }

    /// Follows an entry that adds units: they must be the next ones.
    pub fn add_units(&mut self, added: &UnitsAdded, at: Seq) -> Result<(), Rejection> {
        let count = u32::try_from(added.units.len()).ok().and_then(|more| self.units.count.checked_add(more));
        match count {
            Some(count) if added.first.0 == self.units.count && !added.units.is_empty() => {
                self.units = UnitsMark { count, seq: at };
                Ok(())
            }
            _ => Err(Rejection::UnitsMoved),
        }
    }

    /// Follows an entry that retires a unit, which must be there.
    pub fn retire_unit(&mut self, retired: &UnitRetired, at: Seq) -> Result<(), Rejection> {
        if retired.unit.0 >= self.units.count {
            return Err(Rejection::UnknownUnit);
        }
        self.units.seq = at;
        Ok(())
    }

    fn is_current(&self, contest: ContestNumber) -> bool {
        contest.index() + 1 == self.contests.len()
    }
}
