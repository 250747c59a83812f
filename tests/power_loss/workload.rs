//! A day of a ledger on the recording file system: elections, batches, checkpoints, restarts and kills, all from a seed.
//!
//! Invariant: the story that is kept says exactly what was answered, and when; each entry in it is of a submission that
//! was sent. A step that is sent again after a kill has the time of its first attempt, so it makes the same bytes.
//! It must not know: how an image is checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hustings::clock::{HeldClock, Random};
use hustings::ledger::{Addressed, Answer, ElectionKey, Ledger, NewElection, Registry, SqliteLedger, SqliteOptions};
use hustings_core::{
    Act, ActKind, Ballot, Change, Choice, ChoiceId, ChoiceNumber, Code, Contest, ContestId, ContestNumber, Election,
    ElectionId, Event, GroupNumber, Kind, Label, Method, Schedule, Selections, Submission, SubmissionId, Text, Time,
    Visibility, VoterKey,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::disk::{Dice, Happened, StepNumber};
use crate::recorder::Recorder;
use crate::{vfs, wait_for};

/// What every ledger of this test is opened with.
pub(crate) const SECRET_CHECK: [u8; 16] = [7; 16];

const STEPS: usize = 56;
/// Steps before which the ledger is closed and opened again.
const REOPENED: [usize; 2] = [17, 40];
/// Steps at whose commit the process is killed, with all written and nothing synced; they are sent again afterwards.
const KILLED: [usize; 3] = [11, 28, 49];
/// So few that the log is copied and begun anew some twenty times a day.
const CHECKPOINT_PAGES: u32 = 20;

/// The contests of the day, one for each election.
const CONTESTS: [(Method, Change); 4] = [
    (Method::Single, Change::Final),
    (Method::Single, Change::UntilClose),
    (Method::Score { min: 0, max: 10 }, Change::UntilClose),
    (Method::Approval { min: 0, max: 2 }, Change::Final),
];
const VOTERS: usize = 90;
const BATCH_MAX: usize = 40;

/// What was sent and answered.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) steps: Vec<Step>,
    /// The bytes of each ledger's entries, up to the end of the day.
    pub(crate) ledgers: BTreeMap<ElectionKey, Vec<Bytes>>,
    /// Answers after a kill that named an entry which had been written before it and never synced.
    pub(crate) repeated_after_kill: usize,
}

/// One batch, or one new election.
pub(crate) struct Step {
    /// How many entries each election has after it.
    pub(crate) lengths: BTreeMap<ElectionKey, usize>,
    /// Ballots whose answer was an entry, and its bytes.
    pub(crate) receipts: Vec<(Addressed, Bytes)>,
}

/// Lives the day and gives the log of the disk and the story.
pub(crate) fn live(seed: u64, synchronous: &'static str) -> (Vec<Happened>, Story) {
    let recorder = Arc::new(Recorder::default());
    let vfs = vfs::register(Arc::clone(&recorder));
    let mut day = Day::begin(seed, &recorder, vfs, synchronous);
    for contest in 0..CONTESTS.len() {
        day.create(contest);
    }
    for step in 0..STEPS {
        if REOPENED.contains(&step) {
            day.reopen();
        }
        let batch = day.batch();
        if KILLED.contains(&step) {
            let named: Vec<_> = batch.into_iter().filter(has_id).collect();
            day.kill_while(&named);
        } else {
            day.append(&batch);
        }
        // A reader's connection may stand beside the writer's, or not.
        if day.dice.percent(20) {
            wait_for(day.ledger().heads(&day.story.keys())).expect("heads");
        }
    }
    day.ledger = None;
    (recorder.log(), day.story)
}

/// A folder for files that only this test needs; in memory where that is possible, because its syncs count for nothing.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

impl Story {
    fn keys(&self) -> Vec<ElectionKey> {
        self.ledgers.keys().copied().collect()
    }

    fn lengths(&self) -> BTreeMap<ElectionKey, usize> {
        self.ledgers.iter().map(|(key, entries)| (*key, entries.len())).collect()
    }

    /// Keeps what was answered; each entry must be of the submission that it answers.
    fn answered(&mut self, batch: &[Addressed], answers: Vec<Answer>) {
        let mut receipts = Vec::new();
        for (addressed, answer) in batch.iter().zip(answers) {
            let stored = match answer {
                Answer::Accepted(stored)
                | Answer::Changed(stored)
                | Answer::Repeated(stored)
                | Answer::Superseded(stored) => stored,
                Answer::Rejected(..) | Answer::Unchanged => continue,
            };
            assert!(is_of(&stored.entry.event, &addressed.submission), "an answer is about what was sent");
            let entries = self.ledgers.get_mut(&addressed.election).expect("an election of this day");
            let place = usize::try_from(stored.entry.seq.0).expect("a small ledger") - 1;
            if place == entries.len() {
                entries.push(stored.bytes.clone());
            }
            assert_eq!(entries.get(place), Some(&stored.bytes), "an entry never changes");
            if has_id(addressed) {
                receipts.push((addressed.clone(), stored.bytes));
            }
        }
        self.steps.push(Step { lengths: self.lengths(), receipts });
    }
}

/// Only what names itself has the same answer for ever; a vote without an id that was changed since is a new vote.
fn has_id(addressed: &Addressed) -> bool {
    matches!(&addressed.submission, Submission::Ballot(ballot) if ballot.id.is_some())
}

/// An entry and the submission it came from; the id may be another one's whose vote was the same.
fn is_of(event: &Event, submission: &Submission) -> bool {
    match (event, submission) {
        (Event::BallotCast(cast), Submission::Ballot(sent)) => {
            (cast.contest, cast.voter, cast.group) == (sent.contest, sent.voter, sent.group)
                && cast.selections == sent.selections
        }
        (Event::StateChanged(changed), Submission::Act(act)) => {
            (changed.contest, &changed.by) == (act.contest, &act.by)
        }
        _ => false,
    }
}

struct Day<'a> {
    dice: Dice,
    recorder: &'a Recorder,
    options: SqliteOptions,
    folder: TempDir,
    clock: Arc<HeldClock>,
    random: Arc<Seeded>,
    ledger: Option<SqliteLedger>,
    story: Story,
    /// Ballots sent so far, for those that are sent again.
    ballots: Vec<Addressed>,
}

impl<'a> Day<'a> {
    fn begin(seed: u64, recorder: &'a Recorder, vfs: String, synchronous: &'static str) -> Self {
        let folder = folder();
        let path = folder.path().join("hustings.db");
        let options = SqliteOptions { path, vfs: Some(vfs), synchronous, checkpoint_pages: CHECKPOINT_PAGES };
        let mut dice = Dice::new(seed);
        let random = Arc::new(Seeded(Mutex::new(Dice::new(dice.next()))));
        let clock = Arc::new(HeldClock::at(Time(0)));
        let mut day = Self {
            dice,
            recorder,
            options,
            folder,
            clock,
            random,
            ledger: None,
            story: Story::default(),
            ballots: Vec::new(),
        };
        day.reopen();
        day
    }

    fn reopen(&mut self) {
        self.ledger = None;
        self.options.path = self.folder.path().join("hustings.db");
        let ledger = SqliteLedger::open(self.options.clone(), SECRET_CHECK, self.clock.clone(), self.random.clone());
        self.ledger = Some(ledger.expect("the ledger opens"));
    }

    fn ledger(&self) -> &SqliteLedger {
        self.ledger.as_ref().expect("an open ledger")
    }

    fn create(&mut self, contest: usize) {
        let step = StepNumber(self.story.steps.len());
        let new = NewElection { election: election(contest, &mut self.dice), acts: Vec::new(), owner: None };
        let unheard = self.recorder.sent(step);
        let registered = wait_for(self.ledger().create(new)).expect("an election");
        unheard.acknowledged(step);
        self.story.ledgers.insert(registered.key, Vec::new());
        self.story.answered(&[], Vec::new());
        self.append(&[act(registered.key, ActKind::Open { scheduled: false })]);
    }

    fn append(&mut self, batch: &[Addressed]) {
        let step = StepNumber(self.story.steps.len());
        self.clock.set(Time(step.0 as u64));
        let unheard = self.recorder.sent(step);
        let committed = wait_for(self.ledger().append(batch.to_vec())).expect("a batch");
        unheard.acknowledged(step);
        self.story.answered(batch, committed.answers);
    }

    /// Sends a batch to a process that is killed just before the sync of its commit, and again to the next process.
    fn kill_while(&mut self, batch: &[Addressed]) {
        let step = StepNumber(self.story.steps.len());
        self.clock.set(Time(step.0 as u64));
        let unheard = self.recorder.sent(step);
        let written = wait_for(self.ledger().append(batch.to_vec())).expect("a batch").answers;
        let place = unheard.before_last_sync();
        drop(unheard);
        self.ledger = None;
        self.folder = folder();
        self.recorder.kill_at(place).write_to(self.folder.path()).expect("the files of the next process");
        self.reopen();

        let unheard = self.recorder.sent(step);
        let committed = wait_for(self.ledger().append(batch.to_vec())).expect("a batch");
        unheard.acknowledged(step);
        let is_new = |answer: &Answer| matches!(answer, Answer::Accepted(_) | Answer::Changed(_));
        let answers = written.iter().zip(&committed.answers);
        self.story.repeated_after_kill += answers.filter(|(first, second)| is_new(first) && !is_new(second)).count();
        self.story.answered(batch, committed.answers);
    }

    fn batch(&mut self) -> Vec<Addressed> {
        let size = 1 + self.dice.below(BATCH_MAX);
        let mut batch: Vec<_> = (0..size).map(|_| self.ballot()).collect();
        if self.dice.percent(15) {
            let keys = self.story.keys();
            let key = keys[self.dice.below(keys.len())];
            batch.extend([act(key, ActKind::Pause), act(key, ActKind::Open { scheduled: false })]);
        }
        self.ballots.extend(batch.iter().filter(|sent| matches!(sent.submission, Submission::Ballot(_))).cloned());
        batch
    }

    /// A ballot of some voter; one in eight was sent before, one in ten is somebody's again under another id.
    fn ballot(&mut self) -> Addressed {
        if !self.ballots.is_empty() && self.dice.percent(12) {
            return self.ballots[self.dice.below(self.ballots.len())].clone();
        }
        if !self.ballots.is_empty() && self.dice.percent(10) {
            let mut again = self.ballots[self.dice.below(self.ballots.len())].clone();
            if let Submission::Ballot(ballot) = &mut again.submission {
                ballot.id = Some(SubmissionId(uuid(&mut self.dice)));
            }
            return again;
        }
        let keys = self.story.keys();
        let place = self.dice.below(keys.len());
        let id = self.dice.percent(90).then(|| SubmissionId(uuid(&mut self.dice)));
        let ballot = Ballot {
            contest: ContestNumber(0),
            voter: voter(self.dice.below(VOTERS)),
            group: GroupNumber(0),
            id,
            replaces: None,
            selections: selections(CONTESTS[place].0, &mut self.dice),
        };
        Addressed { election: keys[place], submission: Submission::Ballot(ballot) }
    }
}

fn act(election: ElectionKey, kind: ActKind) -> Addressed {
    let act = Act { contest: ContestNumber(0), kind, by: text("officer"), reason: None };
    Addressed { election, submission: Submission::Act(act) }
}

fn voter(number: usize) -> VoterKey {
    // Spread over the key space, as keyed hashes are.
    let mut dice = Dice::new(number as u64);
    VoterKey(uuid(&mut dice).into_bytes())
}

fn selections(method: Method, dice: &mut Dice) -> Selections {
    let mut number = |limit: usize| u16::try_from(dice.below(limit)).unwrap_or(0);
    match method {
        Method::Single => Selections::Choices(vec![ChoiceNumber(number(3))]),
        Method::Approval { .. } => {
            Selections::Choices((0..3).filter(|choice| choice % 3 != number(3)).take(2).map(ChoiceNumber).collect())
        }
        Method::Score { max, .. } => {
            let score = u8::try_from(number(usize::from(max) + 1)).unwrap_or(0);
            Selections::Scores(vec![(ChoiceNumber(number(3)), score)])
        }
    }
}

fn election(number: usize, dice: &mut Dice) -> Election {
    let (method, change) = CONTESTS[number];
    let choice = |title| {
        let title = text(title);
        Choice { id: ChoiceId(uuid(dice)), code: Label::for_title(&title, &[]), title, party: None }
    };
    let choices = ["Tea", "Coffee", "Water"].into_iter().map(choice).collect();
    let contest = Contest { id: ContestId(uuid(dice)), number: ContestNumber(0), method, change, choices, race: None };
    Election {
        id: ElectionId(uuid(dice)),
        code: Code::from_random([u32::try_from(number).unwrap_or(0); Code::LENGTH]),
        slug: None,
        kind: Kind::Poll,
        title: text("What shall we drink?"),
        accent: None,
        visibility: Visibility::Always,
        schedule: Schedule::default(),
        created: Time(0),
        contests: vec![contest],
        reporting: None,
        access: hustings_core::Access::Device,
        rehearsal: false,
        public_ballots: false,
    }
}

fn text(raw: &str) -> Text {
    Text::parse(raw).expect("a text that is allowed")
}

fn uuid(dice: &mut Dice) -> Uuid {
    Uuid::from_u64_pair(dice.next(), dice.next())
}

/// Random bytes that a seed repeats.
struct Seeded(Mutex<Dice>);

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.fill_with(|| dice.next().to_le_bytes()[0]);
    }
}

/// Opens a database as an installation does, without recording.
pub(crate) fn open_plainly(path: &Path) -> Result<SqliteLedger, hustings::ledger::FolderError> {
    let random = Arc::new(Seeded(Mutex::new(Dice::new(0))));
    let clock = Arc::new(HeldClock::at(Time(1_000_000)));
    SqliteLedger::open(SqliteOptions::new(path.to_owned()), SECRET_CHECK, clock, random)
}
