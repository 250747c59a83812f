//! How tallies follow ledgers that other nodes write too: who looks, when, and what is said where nobody can.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hustings::ledger::{
    Addressed, Advance, Committed, ElectionKey, Elections, FoldText, Folder, Head, Ledger, LedgerError, NewElection,
    Schedules, Stored,
};
use hustings::tally::{Applier, Counters, MemoryCounters, Snapshot, Tallies, TallyStatus};
use hustings_core::{Change, ContestNumber, Epoch, Fold, Method, Schedule, Seq, Time, VoterKey};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::conformance::support::{OPEN, act_on, poll, vote};
use crate::conformance::{Backend, Sqlite};

/// A ledger that notes the questions for heads, and can be out of reach.
pub(crate) struct Asked {
    ledger: Arc<dyn Ledger>,
    questions: watch::Sender<Vec<Vec<ElectionKey>>>,
    /// Whose entries were read.
    reads: Mutex<Vec<ElectionKey>>,
    pub(crate) is_away: AtomicBool,
    /// Each question for heads takes one of these.
    answers: Semaphore,
}

impl Asked {
    /// The ledger of a store, which can be reached.
    pub(crate) fn new(store: &dyn Backend) -> Arc<Self> {
        Arc::new(Self {
            ledger: store.ledger(),
            questions: watch::Sender::default(),
            reads: Mutex::default(),
            is_away: AtomicBool::new(false),
            answers: Semaphore::new(MANY),
        })
    }

    /// How many pages of entries were read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.lock().expect("no panic while one is noted").len()
    }
}

#[async_trait]
impl Ledger for Asked {
    async fn append(&self, batch: Vec<Addressed>) -> Result<Committed, LedgerError> {
        self.ledger.append(batch).await
    }

    async fn heads(&self, elections: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, LedgerError> {
        let mut question = elections.to_vec();
        question.sort();
        self.questions.send_modify(|questions| questions.push(question));
        self.answers.acquire().await.expect("open").forget();
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(LedgerError::Unavailable("it is away".to_owned())),
            false => self.ledger.heads(elections).await,
        }
    }

    async fn read(&self, election: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        self.reads.lock().expect("no panic while one is noted").push(election);
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(LedgerError::Unavailable("it is away".to_owned())),
            false => self.ledger.read(election, after, limit).await,
        }
    }

    async fn ballot(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        self.ledger.ballot(election, contest, voter).await
    }

    async fn save_snapshot(&self, election: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), LedgerError> {
        self.ledger.save_snapshot(election, epoch, fold).await
    }

    async fn snapshot(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Result<Option<Fold>, LedgerError> {
        self.ledger.snapshot(election, epoch, at).await
    }

    async fn due(&self, now: Time) -> Result<Schedules, LedgerError> {
        self.ledger.due(now).await
    }

    async fn renew_epochs(&self, only: Option<ElectionKey>) -> Result<(), LedgerError> {
        self.ledger.renew_epochs(only).await
    }

    async fn backup(&self, file: &Path) -> Result<(), LedgerError> {
        self.ledger.backup(file).await
    }
}

const MANY: usize = 1_000_000;
/// A format and a kind of entries that no program has yet.
const LATER: u8 = 200;
/// Where an entry says its format and its kind.
const FORMAT: usize = 0;
const KIND: usize = 1;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const AN_HOUR: Duration = Duration::from_secs(3_600);

struct Rig {
    store: Sqlite,
    ledger: Arc<Asked>,
    counters: Arc<MemoryCounters>,
    tallies: Arc<Tallies>,
    polls: Vec<ElectionKey>,
    voters: u32,
}

impl Rig {
    async fn start(polls: usize) -> Self {
        let store = Sqlite::start().await;
        let ledger = Asked::new(&store);
        let elections = Arc::new(Elections::new(store.registry()));
        let counters = Arc::new(MemoryCounters::default());
        let tallies = Tallies::new(Arc::clone(&ledger) as _, elections, Arc::clone(&counters) as _);
        let mut rig = Self { store, ledger, counters, tallies: Arc::new(tallies), polls: Vec::new(), voters: 0 };
        for _ in 0..polls {
            let election = poll(Method::Single, Change::Final, Schedule::default());
            let new = NewElection { election, acts: vec![act_on(ContestNumber(0), OPEN)], owner: None };
            rig.polls.push(rig.store.registry().create(new).await.expect("created").key);
        }
        rig
    }

    /// A vote that another node takes: nothing of it is handed on here.
    async fn vote_elsewhere(&mut self, election: ElectionKey) {
        self.voters += 1;
        self.store.ledger().append(vec![vote(self.voters, 0).to(election)]).await.expect("appended");
    }

    /// Lets entry 3 say something else in the file.
    fn alter(&self, election: ElectionKey, place: usize) {
        let database = rusqlite::Connection::open(Folder::database(self.store.folder())).expect("the file");
        let entry = "SELECT bytes FROM entry WHERE election = ? AND seq = 3";
        let mut bytes: Vec<u8> = database.query_row(entry, [election.0], |row| row.get(0)).expect("entry 3");
        bytes[place] = LATER;
        let later = "UPDATE entry SET bytes = ? WHERE election = ? AND seq = 3";
        assert_eq!(database.execute(later, (bytes, election.0)).expect("an entry of a later program"), 1);
    }

    async fn shown(&self, election: ElectionKey) -> Seq {
        self.tallies.read(election).await.expect("read").expect("counters").fold.seq
    }

    fn asked(&self) -> usize {
        self.ledger.questions.borrow().len()
    }

    /// How often the heads of exactly these were asked for.
    fn times(&self, elections: &[ElectionKey]) -> usize {
        self.ledger.questions.borrow().iter().filter(|question| question.as_slice() == elections).count()
    }

    /// Waits until the heads of exactly these are asked for so many times more.
    async fn asks(&self, elections: &[ElectionKey], times: usize) {
        let before = self.times(elections);
        let mut questions = self.ledger.questions.subscribe();
        let asked = async {
            while self.times(elections) < before + times {
                questions.changed().await.expect("the ledger is there");
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{elections:?} are not asked for"));
    }

    /// An applier, and how often it has told of moves.
    fn apply(&self, pull_interval: Duration) -> (mpsc::Sender<Arc<Advance>>, watch::Receiver<usize>) {
        let (telling, told) = watch::channel(0);
        let moved = Arc::new(move |_| telling.send_modify(|moves| *moves += 1));
        let (advances, followed) = mpsc::channel(8);
        tokio::spawn(Applier::new(Arc::clone(&self.tallies), moved, pull_interval).run(followed));
        (advances, told)
    }

    async fn until(&self, told: &mut watch::Receiver<usize>, what: &str, is_so: impl Fn() -> bool) {
        let so = async {
            while !is_so() {
                told.changed().await.expect("the applier runs");
            }
        };
        tokio::time::timeout(PATIENCE, so).await.unwrap_or_else(|_| panic!("it does not happen: {what}"));
    }
}

#[tokio::test]
async fn a_refresh_shows_what_other_nodes_have_counted() {
    let mut rig = Rig::start(1).await;
    let election = rig.polls[0];
    assert_eq!(rig.shown(election).await, Seq(1));
    rig.vote_elsewhere(election).await;
    assert_eq!(rig.shown(election).await, Seq(1), "nobody has looked");
    let asked = rig.asked();
    rig.tallies.refresh(election, AN_HOUR).await.expect("refreshed");
    assert_eq!((rig.shown(election).await, rig.asked()), (Seq(1), asked), "somebody has looked within the hour");
    rig.tallies.refresh(election, Duration::ZERO).await.expect("refreshed");
    assert_eq!((rig.shown(election).await, rig.asked()), (Seq(2), asked + 1));
}

#[tokio::test]
async fn what_was_shown_stays_while_counters_are_wrong() {
    let mut rig = Rig::start(1).await;
    let election = rig.polls[0];
    let old = rig.tallies.read(election).await.expect("read").expect("counters");
    rig.vote_elsewhere(election).await;
    rig.tallies.refresh(election, Duration::ZERO).await.expect("refreshed");
    let right = rig.tallies.read(election).await.expect("read").expect("counters");
    let elsewhere = Arc::new(Snapshot { epoch: Epoch([9; 8]), ..Snapshot::clone(&right) });
    for (what, wrong) in [("rewound", old), ("of another life", elsewhere)] {
        let replaced = rig.counters.replace(election, Arc::clone(&wrong), Some(&right)).await.expect("an answer");
        assert!(replaced, "{what}");
        for _ in 0..2 {
            assert_eq!(rig.tallies.read(election).await.expect("read").as_ref(), Some(&right), "{what}");
            assert_eq!(rig.tallies.status(election), TallyStatus::Stale, "{what}");
        }
        rig.tallies.refresh(election, Duration::ZERO).await.expect("refreshed");
        assert_eq!(rig.counters.read(election).await.expect("read").as_ref(), Some(&right), "{what}: healed");
        assert_eq!(rig.tallies.status(election), TallyStatus::Fresh, "{what}: healed");
    }
}

#[tokio::test]
async fn an_election_that_nobody_knows_is_not_followed() {
    let rig = Rig::start(1).await;
    for _ in 0..2 {
        let asked = rig.asked();
        assert!(rig.tallies.read(ElectionKey(99)).await.expect("read").is_none());
        assert_eq!(rig.asked(), asked + 1);
    }
    rig.tallies.refresh(ElectionKey(99), Duration::ZERO).await.expect("nothing to refresh");
}

#[tokio::test]
async fn many_who_refresh_at_once_share_one_look() {
    let mut rig = Rig::start(1).await;
    let election = rig.polls[0];
    rig.shown(election).await;
    rig.vote_elsewhere(election).await;
    rig.ledger.answers.forget_permits(MANY);
    let asked = rig.asked();
    let mut looks = JoinSet::new();
    for late in [1, 100] {
        for _ in 0..late {
            let tallies = Arc::clone(&rig.tallies);
            looks.spawn(async move { tallies.refresh(election, Duration::ZERO).await });
        }
        // On one thread, each has now gone as far as it can: the first one to the ledger, the others behind it.
        tokio::task::yield_now().await;
        assert_eq!(rig.asked(), asked + 1, "one look at a time");
    }
    rig.ledger.answers.add_permits(MANY);
    looks.join_all().await.into_iter().for_each(|looked| looked.expect("refreshed"));
    assert_eq!(rig.shown(election).await, Seq(2));
    assert_eq!(rig.asked(), asked + 2, "the first look began before the others asked; one more is for all of them");
}

#[tokio::test]
async fn watched_elections_are_looked_at_once_an_interval_in_one_question() {
    let mut rig = Rig::start(4).await;
    for election in &rig.polls {
        rig.shown(*election).await;
    }
    let (all, some) = (rig.polls.clone(), rig.polls[..2].to_vec());
    let mut watched: Vec<_> = some.iter().chain(&some).map(|election| rig.tallies.watch(*election)).collect();
    let (_advances, told) = rig.apply(Duration::from_millis(20));
    rig.asks(&some, 3).await;
    // Before the vote: it may be seen while it is being stored.
    let moves = *told.borrow();
    rig.vote_elsewhere(some[1]).await;
    rig.until(&mut told.clone(), "it moves", || *told.borrow() > moves).await;
    assert_eq!(rig.shown(some[1]).await, Seq(2));

    watched.truncate(2);
    rig.asks(&some, 3).await;
    drop(watched);
    rig.asks(&all, 2).await;
    let asked = rig.times(&some);
    rig.asks(&all, 2).await;
    assert_eq!(rig.times(&some), asked, "nobody watches any more");
}

#[tokio::test]
async fn a_ledger_out_of_reach_makes_figures_stale_and_keeps_them() {
    let mut rig = Rig::start(1).await;
    let election = rig.polls[0];
    rig.vote_elsewhere(election).await;
    assert_eq!(rig.shown(election).await, Seq(2));
    let _watched = rig.tallies.watch(election);
    let (_advances, mut told) = rig.apply(Duration::from_millis(20));
    rig.ledger.is_away.store(true, Ordering::SeqCst);
    let status = || rig.tallies.status(election);
    rig.until(&mut told, "it is stale", || status() == TallyStatus::Stale).await;
    rig.tallies.refresh(election, Duration::ZERO).await.expect("what was shown stays");
    assert_eq!(rig.shown(election).await, Seq(2));
    rig.ledger.is_away.store(false, Ordering::SeqCst);
    rig.until(&mut told, "it is fresh", || status() == TallyStatus::Fresh).await;
}

#[tokio::test]
async fn an_entry_of_a_later_program_stops_its_own_election_only() {
    let mut rig = Rig::start(2).await;
    let [halted, going] = [rig.polls[0], rig.polls[1]];
    for election in [halted, going] {
        rig.vote_elsewhere(election).await;
        assert_eq!(rig.shown(election).await, Seq(2));
        rig.vote_elsewhere(election).await;
        rig.vote_elsewhere(election).await;
    }
    rig.alter(halted, FORMAT);
    let (_advances, mut told) = rig.apply(Duration::from_millis(20));
    rig.until(&mut told, "it is stale", || rig.tallies.status(halted) == TallyStatus::Stale).await;
    let reads = |rig: &Rig| rig.ledger.reads.lock().expect("no panic").iter().filter(|read| **read == halted).count();
    let before = reads(&rig);
    for _ in 0..2 {
        rig.vote_elsewhere(going).await;
        rig.tallies.refresh(going, Duration::ZERO).await.expect("the others go on");
        assert_eq!(rig.tallies.status(going), TallyStatus::Fresh);
        rig.tallies.refresh(halted, Duration::ZERO).await.expect("what was shown stays");
        assert_eq!((rig.shown(halted).await, rig.tallies.status(halted)), (Seq(2), TallyStatus::Stale));
    }
    assert_eq!(rig.shown(going).await, Seq(6));
    assert_eq!(reads(&rig), before, "what cannot be understood is not read again and again");
}

/// What this thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Kept until the guard is dropped.
    fn keep() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writing = log.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writing.clone());
        (log, tracing::subscriber::set_default(lines.finish()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic while a line is written").clone()).expect("text")
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while a line is written").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_entry_of_a_later_program_is_logged_once_and_called_no_damage() {
    for (place, says) in
        [(FORMAT, "entry format 200 is newer than this program"), (KIND, "entry kind 200 is newer than this program")]
    {
        let (log, _guard) = Log::keep();
        let mut rig = Rig::start(1).await;
        let election = rig.polls[0];
        rig.vote_elsewhere(election).await;
        assert_eq!(rig.shown(election).await, Seq(2));
        rig.vote_elsewhere(election).await;
        rig.alter(election, place);
        let _watched = rig.tallies.watch(election);
        let (_advances, mut told) = rig.apply(Duration::from_millis(10));
        rig.until(&mut told, "it is stale", || rig.tallies.status(election) == TallyStatus::Stale).await;
        // Each interval asks twice: how the ledger stands, and again because the counters do not stand there.
        rig.asks(&[election], 10).await;
        for _ in 0..3 {
            rig.tallies.refresh(election, Duration::ZERO).await.expect("what was shown stays");
        }
        let lines: Vec<String> = log.text().lines().map(str::to_owned).collect();
        let [line] = lines.as_slice() else { panic!("{place}: {lines:#?}") };
        assert!(line.contains("its counters stand still on this node until it is upgraded"), "{line}");
        assert!(line.contains(says) && line.contains(&format!("election {}", election.0)), "{line}");
        assert!(!line.contains("damage") && !line.contains("alarm"), "{line}");
    }
}
