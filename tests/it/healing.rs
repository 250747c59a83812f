//! Counters that are lost, late, poisoned or of another history heal from the ledger; what is shown is never wrong.

use std::sync::Arc;
use std::time::Duration;

use hustings::feed::Feed;
use hustings::ledger::{Advance, ElectionKey, Elections, NewElection};
use hustings::tally::{Applier, Counters, Recounter, Snapshot, Tallies};
use hustings_core::election::Viewer;
use hustings_core::{
    ActKind, Cell, Chain, Change, ContestNumber, Delta, Fold, GroupNumber, Increment, Measure, Method, Schedule, Seq,
};
use tokio::sync::mpsc;

use crate::conformance::support::{act_on, poll, vote};
use crate::conformance::{Backend, CountersBackend, Sqlite, still_shared};

/// Each test on counters in memory and on shared ones.
macro_rules! on_memory_and_redis {
    ($($test:ident),+ $(,)?) => {
        on_memory_and_redis!(memory: Memory, $($test),+);
        on_memory_and_redis!(redis: Redis, $($test),+);
    };
    ($module:ident: $backend:ident, $($test:ident),+) => {
        mod $module {
            use crate::conformance::{CountersBackend, backends};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let backend = <backends::$backend as CountersBackend>::start().await;
                    super::$test(&backend).await;
                    super::still_shared(&backend).await;
                }
            )+
        }
    };
}

on_memory_and_redis!(
    an_advance_that_was_never_handed_on_is_read_from_the_ledger,
    without_any_word_the_ledger_is_pulled,
    counters_of_another_history_are_rebuilt,
    counters_of_another_history_are_rebuilt_also_when_they_are_behind,
    a_recount_finds_poisoned_counters_and_heals_them,
    each_version_is_rendered_once_however_many_ask,
    whoever_begins_to_look_finds_every_vote_that_was_answered,
);

struct Rig {
    store: Sqlite,
    key: ElectionKey,
    elections: Arc<Elections>,
    counters: Arc<dyn Counters>,
    tallies: Arc<Tallies>,
    feed: Arc<Feed>,
    advances: mpsc::Sender<Arc<Advance>>,
    voters: u32,
}

impl Rig {
    async fn start(backend: &dyn CountersBackend) -> Self {
        let store = Sqlite::start().await;
        let open = act_on(ContestNumber(0), ActKind::Open { scheduled: false });
        let new = NewElection {
            election: poll(Method::Single, Change::Final, Schedule::default()),
            acts: vec![open],
            owner: None,
        };
        let key = store.registry().create(new).await.expect("created").key;
        let elections = Arc::new(Elections::new(store.registry()));
        let counters = backend.counters();
        let tallies = Arc::new(Tallies::new(store.ledger(), Arc::clone(&elections), Arc::clone(&counters)));
        let waking = Arc::downgrade(&tallies);
        backend.tell(Arc::new(move |election| {
            if let Some(tallies) = waking.upgrade() {
                tallies.woken(election);
            }
        }));
        let feed =
            Feed::new(Arc::clone(&tallies), Arc::clone(&elections), store.reports(), Duration::from_millis(1), false);
        let (advances, followed) = mpsc::channel(8);
        let told = Arc::clone(&feed);
        let applier = Applier::new(Arc::clone(&tallies), Arc::new(move |key| told.moved(key)), Duration::from_secs(1));
        tokio::spawn(applier.run(followed));
        Self { store, key, elections, counters, tallies, feed, advances, voters: 0 }
    }

    /// Appends votes of new voters; gives the advance without handing it on.
    async fn votes(&mut self, count: u32) -> Arc<Advance> {
        let batch = (0..count).map(|at| vote(self.voters + at, 0).to(self.key)).collect();
        self.voters += count;
        let committed = self.store.ledger().append(batch).await.expect("appended");
        Arc::clone(committed.advances.first().expect("an advance"))
    }

    async fn hand_on(&self, advance: Arc<Advance>) {
        self.advances.send(advance).await.expect("the applier runs");
    }

    async fn shown(&self) -> u64 {
        let frame = self.feed.latest(self.key, Viewer::Public).await.expect("read").expect("a frame");
        frame.poll().and_then(|results| results.ballots).expect("not hidden")
    }

    async fn healed(&self) {
        self.feed.reached(self.key, Seq(u64::from(self.voters) + 1)).await;
        assert_eq!(self.shown().await, u64::from(self.voters));
        let kept = self.counters.read(self.key).await.expect("read").expect("counters");
        assert_eq!(kept.fold, self.recounted().await);
    }

    async fn recounted(&self) -> Fold {
        let ledger = self.store.ledger();
        let counted = hustings::tally::recount(ledger.as_ref(), &self.elections, self.key).await;
        counted.expect("recounted").expect("a ledger").fold
    }

    /// Puts wrong counters in the place of the right ones, as a broken store would.
    async fn break_counters(&self, wrong: impl Fn(&mut Fold)) {
        let right = self.counters.read(self.key).await.expect("read").expect("counters");
        let mut broken = Snapshot::clone(&right);
        wrong(&mut broken.fold);
        assert!(self.counters.replace(self.key, Arc::new(broken), Some(&right)).await.expect("replaced"));
    }

    /// A recounter, and how it tells of what it mended.
    fn recounter(&self) -> Recounter {
        let (elections, counters) = (Arc::clone(&self.elections), Arc::clone(&self.counters));
        let told = Arc::clone(&self.feed);
        let moved = Arc::new(move |key| told.moved(key));
        Recounter::new(self.store.ledger(), elections, counters, Arc::clone(&self.tallies), moved)
    }
}

fn one_vote_too_many() -> Increment {
    let cell = Cell {
        contest: ContestNumber(0),
        unit: hustings_core::unit::Unit::ROOT,
        group: GroupNumber(0),
        measure: Measure::Ballots,
    };
    Increment { cell, delta: Delta(1) }
}

async fn an_advance_that_was_never_handed_on_is_read_from_the_ledger(backend: &dyn CountersBackend) {
    let mut rig = Rig::start(backend).await;
    assert_eq!(rig.shown().await, 0);
    let _lost = rig.votes(5).await;
    let second = rig.votes(3).await;
    rig.hand_on(second).await;
    rig.healed().await;
}

async fn without_any_word_the_ledger_is_pulled(backend: &dyn CountersBackend) {
    let mut rig = Rig::start(backend).await;
    assert_eq!(rig.shown().await, 0);
    let _lost = rig.votes(5).await;
    rig.healed().await;
}

async fn counters_of_another_history_are_rebuilt(backend: &dyn CountersBackend) {
    forked(backend, 0).await;
}

async fn counters_of_another_history_are_rebuilt_also_when_they_are_behind(backend: &dyn CountersBackend) {
    forked(backend, 4).await;
}

async fn forked(backend: &dyn CountersBackend, behind: usize) {
    let mut rig = Rig::start(backend).await;
    let first = rig.votes(5).await;
    assert_eq!(rig.shown().await, 5);
    rig.hand_on(first).await;
    rig.break_counters(|fold| fold.chain = Chain([9; 32])).await;
    for _ in 0..behind {
        let _lost = rig.votes(1).await;
    }
    let next = rig.votes(2).await;
    rig.hand_on(next).await;
    rig.healed().await;
}

async fn a_recount_finds_poisoned_counters_and_heals_them(backend: &dyn CountersBackend) {
    let mut rig = Rig::start(backend).await;
    let _read_later = rig.votes(5).await;
    assert_eq!(rig.shown().await, 5);
    let mut recounter = rig.recounter();
    assert!(recounter.check(rig.key).await.expect("checked"), "right counters raise no alarm");
    // Poisoned before this version was ever rendered, so that the wrong frame is the one that is kept and sent.
    let next = rig.votes(1).await;
    rig.hand_on(next).await;
    rig.feed.reached(rig.key, Seq(7)).await;
    rig.break_counters(|fold| fold.tally.add(&[one_vote_too_many()]).expect("in range")).await;
    let mut watcher = rig.feed.watch(rig.key, None, Viewer::Public, None).await.expect("read").expect("a watcher");
    assert_eq!(
        watcher.next().await.expect("a frame").poll().expect("of a poll").ballots,
        Some(7),
        "the wrong total is on the screen"
    );
    assert!(!recounter.check(rig.key).await.expect("checked"), "poisoned counters raise an alarm");
    rig.healed().await;
    let mut next = watcher.next().await.expect("a frame");
    while next.poll().expect("of a poll").stale {
        // What is being rebuilt may be marked before it is put right.
        next = watcher.next().await.expect("a frame");
    }
    assert_eq!(next.poll().expect("of a poll").ballots, Some(6), "and is put right at once");
    assert!(recounter.check(rig.key).await.expect("checked"));
}

async fn each_version_is_rendered_once_however_many_ask(backend: &dyn CountersBackend) {
    let mut rig = Rig::start(backend).await;
    let _read_later = rig.votes(5).await;
    assert_eq!(rig.shown().await, 5);
    let before = rig.feed.serialisations();
    for _ in 0..100 {
        assert_eq!(rig.shown().await, 5);
    }
    assert_eq!(rig.feed.serialisations(), before);
    let next = rig.votes(1).await;
    rig.hand_on(next).await;
    rig.healed().await;
    assert_eq!(rig.feed.serialisations(), before + 1);
}

/// A vote is answered before the counters move: who looks then waits for them, in whichever way.
async fn whoever_begins_to_look_finds_every_vote_that_was_answered(backend: &dyn CountersBackend) {
    let mut rig = Rig::start(backend).await;
    assert_eq!(rig.shown().await, 0);
    for (ballots, way) in (1..).zip(["the latest", "one round", "a stream"]) {
        let answered = rig.votes(1).await;
        rig.tallies.announce(rig.key, answered.after.seq);
        let looking = async {
            match way {
                "the latest" => rig.feed.latest(rig.key, Viewer::Public).await.expect("read"),
                "one round" => rig.feed.contest(rig.key, ContestNumber(0), Viewer::Public).await.expect("read"),
                _ => {
                    let watcher = rig.feed.watch(rig.key, None, Viewer::Public, None).await.expect("read");
                    watcher.expect("a watcher").next().await
                }
            }
        };
        // Handed on only when who looks has gone as far as it can.
        let (frame, ()) = tokio::join!(looking, rig.hand_on(answered));
        assert_eq!(frame.expect("a frame").poll().expect("of a poll").ballots, Some(ballots), "{way}");
    }
}
