//! One ledger, and nodes that count it in shared counters; somebody reads on each node all the time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hustings::ledger::{Advance, ElectionKey, Elections, Ledger, NewElection};
use hustings::tally::{Applier, Counters, Snapshot, Tallies};
use hustings_core::{Change, ContestNumber, Epoch, Fold, Method, Schedule, Seq};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::conformance::Backend;
use crate::conformance::Sqlite;
use crate::conformance::backends::Told;
use crate::conformance::support::{OPEN, act_on, poll, vote};

/// How often heads of watched elections are looked at here.
pub(super) const PULL_INTERVAL: Duration = Duration::from_millis(50);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One ledger store with its polls.
pub(super) struct Hall<Store = Sqlite> {
    pub(super) store: Store,
    pub(super) elections: Arc<Elections>,
    voters: u32,
}

impl Hall {
    pub(super) async fn open() -> Self {
        Self::over(Sqlite::start().await)
    }
}

impl<Store: AsRef<dyn Backend>> Hall<Store> {
    /// A hall of whatever the store holds.
    pub(super) fn over(store: Store) -> Self {
        let elections = Arc::new(Elections::new(store.as_ref().registry()));
        // Voters that no other hall has, so that a copied ledger goes another way from there.
        static HALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let voters = HALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) << 20;
        Self { store, elections, voters }
    }

    pub(super) fn ledger(&self) -> Arc<dyn Ledger> {
        self.store.as_ref().ledger()
    }

    /// A new poll, open.
    pub(super) async fn poll(&self) -> ElectionKey {
        let election = poll(Method::Single, Change::Final, Schedule::default());
        let new = NewElection { election, acts: vec![act_on(ContestNumber(0), OPEN)], owner: None };
        self.store.as_ref().registry().create(new).await.expect("created").key
    }

    /// Appends votes of new voters; gives the advance without handing it on.
    pub(super) async fn votes(&mut self, election: ElectionKey, count: u32) -> Arc<Advance> {
        let batch = (self.voters..).take(count as usize).map(|at| vote(at, (at % 3) as u16).to(election)).collect();
        self.voters += count;
        let committed = self.ledger().append(batch).await.expect("appended");
        Arc::clone(committed.advances.first().expect("an advance"))
    }

    pub(super) async fn head(&self, election: ElectionKey) -> Seq {
        self.ledger().heads(&[election]).await.expect("heads")[0].1.seq
    }

    /// The fold at every place.
    async fn folds(&self, election: ElectionKey) -> Vec<Fold> {
        let found = self.elections.with_contests(election, 1).await.expect("read").expect("a definition");
        let mut folds = vec![Fold::new(&found.election)];
        for stored in self.ledger().read(election, Seq(0), usize::MAX).await.expect("entries") {
            let mut fold = folds.last().expect("one").clone();
            fold.apply(&stored.bytes).expect("a sound ledger");
            folds.push(fold);
        }
        folds
    }

    /// Waits until the shared counters of an election are the fold of its whole ledger, for one who reads them first now.
    pub(super) async fn is_healed(&self, url: &str, election: ElectionKey) {
        let started = Instant::now();
        while !self.is_healed_now(url, election).await {
            if started.elapsed() > PATIENCE {
                let found = Told::connect(url).await.counters.read(election).await;
                panic!("the shared counters of {election:?} do not heal: {found:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn is_healed_now(&self, url: &str, election: ElectionKey) -> bool {
        let folds = self.folds(election).await;
        let found = Told::connect(url).await.counters.read(election).await.expect("read");
        found.is_some_and(|found| says_the_same(&found.fold, folds.last().expect("one")))
    }

    /// What a node has shown was right, and never older than what it had shown before.
    pub(super) async fn was_right(&self, node: &Node) {
        let shown = std::mem::take(&mut *node.seen.lock().expect("no panic while something is read"));
        for (election, shown) in shown {
            let folds = self.folds(election).await;
            let lives = [node.epochs[&election], self.ledger().heads(&[election]).await.expect("heads")[0].1.epoch];
            let mut latest: HashMap<Epoch, Seq> = HashMap::new();
            for snapshot in shown {
                let seq = snapshot.fold.seq;
                let fold = folds.get(usize::try_from(seq.0).expect("a place"));
                let right = fold.is_some_and(|fold| says_the_same(&snapshot.fold, fold));
                assert!(right, "{election:?}: shown at {seq}: {snapshot:?}, which is not {fold:?}");
                assert!(lives.contains(&snapshot.epoch), "{election:?}: {:?} is no life of its ledger", snapshot.epoch);
                let before = latest.insert(snapshot.epoch, seq);
                assert!(before.is_none_or(|before| before <= seq), "{election:?}: {seq} was shown after {before:?}");
            }
        }
    }
}

fn says_the_same(one: &Fold, other: &Fold) -> bool {
    let place = |fold: &Fold| (fold.seq, fold.time, fold.chain);
    place(one) == place(other) && one.state == other.state && one.tally.agrees_with(&other.tally)
}

type Seen = Arc<Mutex<HashMap<ElectionKey, Vec<Arc<Snapshot>>>>>;

/// A node, and somebody who reads on it all the time.
pub(super) struct Node {
    pub(super) told: Told,
    pub(super) tallies: Arc<Tallies>,
    advances: mpsc::Sender<Arc<Advance>>,
    moves: watch::Receiver<u64>,
    seen: Seen,
    /// The lives of the ledgers when it started.
    epochs: HashMap<ElectionKey, Epoch>,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    pub(super) async fn start<Store: AsRef<dyn Backend>>(
        hall: &Hall<Store>,
        url: &str,
        watched: &[ElectionKey],
    ) -> Self {
        let told = Told::connect(url).await;
        let heads = hall.ledger().heads(watched).await.expect("heads");
        let epochs = heads.into_iter().map(|(election, head)| (election, head.epoch)).collect();
        let counters = Arc::clone(&told.counters);
        let tallies = Arc::new(Tallies::new(hall.ledger(), Arc::clone(&hall.elections), counters));
        let waking = Arc::downgrade(&tallies);
        told.tell(Arc::new(move |election| {
            if let Some(tallies) = waking.upgrade() {
                tallies.woken(election);
            }
        }));
        let (telling, moves) = watch::channel(0);
        let moved = Arc::new(move |_| telling.send_modify(|moves| *moves += 1));
        let applier = Applier::new(Arc::clone(&tallies), moved, PULL_INTERVAL);
        let (advances, followed) = mpsc::channel(64);
        let seen = Seen::default();
        let reading = read_all_the_time(Arc::clone(&tallies), watched.to_vec(), Arc::clone(&seen));
        let tasks = vec![tokio::spawn(applier.run(followed)), tokio::spawn(reading)];
        let node = Self { told, tallies, advances, moves, seen, epochs, tasks };
        for election in watched {
            node.reaches(*election, hall.head(*election).await).await;
        }
        node
    }

    /// Hands a batch on, as the node that committed it does.
    pub(super) async fn hand_on(&self, advance: Arc<Advance>) {
        self.advances.send(advance).await.expect("the applier runs");
    }

    /// Waits until this node shows what the ledger had at this place.
    pub(super) async fn reaches(&self, election: ElectionKey, seq: Seq) {
        let mut moves = self.moves.clone();
        let reached = async {
            loop {
                let shown = self.tallies.read(election).await.expect("read");
                if shown.is_some_and(|shown| shown.fold.seq >= seq) {
                    return;
                }
                moves.changed().await.expect("the applier runs");
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.unwrap_or_else(|_| panic!("{election:?} does not reach {seq}"));
    }

    /// Waits until this node shows nothing of an election that is gone.
    pub(super) async fn is_let_go(&self, election: ElectionKey) {
        let started = Instant::now();
        while !matches!(self.tallies.read(election).await, Ok(None)) {
            assert!(started.elapsed() < PATIENCE, "{election:?} is still followed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until this node says so of its counters of an election.
    pub(super) async fn is_degraded(&self, election: ElectionKey, degraded: bool) {
        let started = Instant::now();
        while self.told.counters.is_degraded(election) != degraded {
            assert!(started.elapsed() < PATIENCE, "the counters of {election:?} do not become degraded: {degraded}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn read_all_the_time(tallies: Arc<Tallies>, elections: Vec<ElectionKey>, seen: Seen) {
    let _watched: Vec<_> = elections.iter().map(|election| tallies.watch(*election)).collect();
    loop {
        for election in &elections {
            // What cannot be read shows nothing, which is not wrong.
            let Ok(Some(shown)) = tallies.read(*election).await else { continue };
            let mut seen = seen.lock().expect("no panic while something is read");
            let seen = seen.entry(*election).or_default();
            if seen.last().is_none_or(|last| !Arc::ptr_eq(last, &shown)) {
                seen.push(shown);
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
