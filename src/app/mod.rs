//! Wiring: the only module that sees all others.
//!
//! Invariant: nothing is answered before the ledger was checkpointed and belongs to this secret; at the end every task
//! is awaited, the queue is emptied, and the log is copied into the database.

mod chores;
mod process;
mod stores;
mod welcome;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::process::{metrics_handle, raise_file_limit};
use crate::clock::{SystemClock, SystemRandom};
use crate::config::{Config, CountersStore, Database};
use crate::feed::{Feed, PublicBallots, Timelines};
use crate::http::{Callers, Joined, Pulses, ServerLimits, Services, Sessions, Settings, VoteMeters, router, serve};
use crate::ingest::{Ingest, Limits};
use crate::keys::Keys;
use crate::ledger::{Advance, ElectionKey, Elections, Ledger, Registry, Reports};
use crate::passwords::Passwords;
use crate::tally::{
    ADVANCES_MAX, Applier, Counters, CountersError, MemoryCounters, Moved, Recounter, RedisCounters, Tallies,
};

pub use stores::{StoreError, Stores};

/// Why the server did not start, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger, its registry, or their secret.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The counters.
    #[error(transparent)]
    Counters(#[from] CountersError),
    /// The address.
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The administrator's token can be guessed, or cannot stand in a header.
    #[error(
        "HUSTINGS_ADMIN_TOKEN must have at least {ADMIN_TOKEN_MIN} characters of ASCII, without spaces; make one with: \
         openssl rand -hex 24"
    )]
    BadToken,
    /// The metrics.
    #[error("cannot count metrics: {0}")]
    Metrics(String),
}

/// Secrets that come from the environment, never from flags that a process list would show.
#[derive(Default, Clone)]
pub struct Environment {
    /// `HUSTINGS_SECRET`.
    pub secret: Option<String>,
    /// `HUSTINGS_ADMIN_TOKEN`.
    pub admin_token: Option<String>,
}

/// A shorter token could be found by trying.
const ADMIN_TOKEN_MIN: usize = 16;

/// A wrapper around the ledger; the real one returns what it is given. A test that proves the crash tests able to fail
/// wraps a ledger that acknowledges too early.
pub type Wrap = fn(Arc<dyn Ledger>) -> Arc<dyn Ledger>;

/// Serves until `stopping` is told to stop, and returns when all is written. `ready` hears the address, and the one-time link
/// that makes the first administrator where there is none.
pub async fn run(
    config: Config,
    environment: Environment,
    wrap: Wrap,
    stopping: watch::Receiver<bool>,
    ready: impl FnOnce(SocketAddr, Option<String>),
) -> Result<(), StartError> {
    let is_good = |token: &String| token.len() >= ADMIN_TOKEN_MIN && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !environment.admin_token.as_ref().is_none_or(is_good) {
        return Err(StartError::BadToken);
    }
    // Before the stores: a port that is taken leaves no new folder behind.
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| StartError::Listen { address: config.listen, error })?;
    let listen = listener.local_addr().unwrap_or(config.listen);
    let (stores, keys) = Stores::open(&config.database, &config.data, environment.secret.as_deref()).await?;
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let (registry, reports) = (Arc::clone(&stores.registry), Arc::clone(&stores.reports));
    let people = Arc::clone(&stores.people);
    let ledger = wrap(Arc::clone(&stores.ledger));
    let metrics = metrics_handle()?;

    let engine = Engine::start(&config, &keys, &ledger, &registry, &reports).await?;
    let services = Arc::new(Services {
        ingest: engine.ingest.clone(),
        ledger: Arc::clone(&ledger),
        registry: Arc::clone(&registry),
        reports: Arc::clone(&reports),
        people: Arc::clone(&people),
        electorate: Arc::clone(&stores.electorate),
        joined: Joined::default(),
        elections: Arc::clone(&engine.elections),
        feed: Arc::clone(&engine.feed),
        timelines: Timelines::new(Arc::clone(&ledger)),
        ballots: PublicBallots::new(Arc::clone(&ledger)),
        keys,
        clock: clock.clone(),
        random,
        callers: Callers::new(environment.admin_token.as_deref()),
        sessions: Sessions::default(),
        passwords: Passwords::new(Arc::new(SystemRandom)),
        settings: Settings {
            public_url: config.public_url.clone(),
            listen,
            bench: config.bench,
            trusted_proxies: config.trusted_proxies.clone(),
            open_sign_up: config.open_sign_up,
        },
        meters: VoteMeters::new(),
        pulses: Pulses::default(),
        metrics,
        stopping: stopping.clone(),
    });
    let chores = begin_chores(&services, &engine, &ledger, clock);
    ready(listen, welcome::link(&services).await);
    let limits = ServerLimits { connections_max: raise_file_limit(config.connections_max), ..ServerLimits::default() };
    serve(listener, router(services), limits, stopping).await;
    for chore in chores {
        chore.abort();
        let _aborted = chore.await;
    }
    engine.stop().await;
    // Dropping the last handle of the ledger waits for its writer; the folder's lock goes last.
    drop((ledger, registry, reports, people));
    drop(stores);
    Ok(())
}

/// Begins what is done again and again while the program runs.
fn begin_chores(
    services: &Arc<Services>,
    engine: &Engine,
    ledger: &Arc<dyn Ledger>,
    clock: Arc<SystemClock>,
) -> [JoinHandle<()>; 4] {
    [
        tokio::spawn(chores::schedule(engine.ingest.clone(), Arc::clone(ledger), Arc::clone(&engine.feed), clock)),
        tokio::spawn(chores::tidy(Arc::clone(services))),
        tokio::spawn(chores::erase(Arc::clone(services))),
        tokio::spawn(chores::write_down_who_came(Arc::clone(services))),
    ]
}

/// What moves votes from the door to the feed.
struct Engine {
    ingest: Ingest,
    elections: Arc<Elections>,
    feed: Arc<Feed>,
    batcher: JoinHandle<()>,
    applier: JoinHandle<()>,
    /// The recounter, and who passes hints of other nodes on.
    helpers: [JoinHandle<()>; 2],
}

impl Engine {
    async fn start(
        config: &Config,
        keys: &Keys,
        ledger: &Arc<dyn Ledger>,
        registry: &Arc<dyn Registry>,
        reports: &Arc<dyn Reports>,
    ) -> Result<Self, StartError> {
        let elections = Arc::new(Elections::new(Arc::clone(registry)));
        let (wakes, woken) = mpsc::channel(WAKES_MAX);
        let counters = counters(&config.counters, keys, wakes).await?;
        let tallies = Arc::new(Tallies::new(Arc::clone(ledger), Arc::clone(&elections), Arc::clone(&counters)));
        let shared = matches!(config.database, Database::Postgres(_));
        let feed =
            Feed::new(Arc::clone(&tallies), Arc::clone(&elections), Arc::clone(reports), config.frame_interval, shared);
        let (advances, followed) = mpsc::channel(ADVANCES_MAX);
        let limits = Limits { queue_max: config.queue_max, ..Limits::default() };
        let announcing = Arc::clone(&tallies);
        let hand_on = Arc::new(move |advance: Arc<Advance>| {
            announcing.announce(advance.election, advance.after.seq);
            // A full channel loses nothing but time: the applier reads the ledger.
            let _full_or_stopped = advances.try_send(advance);
        });
        let (ingest, batcher) = Ingest::new(Arc::clone(ledger), limits, hand_on);
        // Not the feed itself: it holds the tallies, which keep this, and so nobody would ever close the ledger.
        let told = Arc::downgrade(&feed);
        let moved: Moved = Arc::new(move |election| {
            if let Some(feed) = told.upgrade() {
                feed.moved(election);
            }
        });
        // With one node everything is handed on, and looking only mends; nodes hear of each other by looking.
        let pull_interval = if shared { config.frame_interval } else { PULL_INTERVAL_ALONE };
        let applier = Applier::new(Arc::clone(&tallies), Arc::clone(&moved), pull_interval);
        let waking = tokio::spawn(wake(Arc::clone(&tallies), woken));
        let recounter = Recounter::new(Arc::clone(ledger), Arc::clone(&elections), counters, tallies, moved);
        Ok(Self {
            ingest,
            elections,
            feed,
            batcher: supervise("batcher", batcher),
            applier: supervise("applier", applier.run(followed)),
            helpers: [tokio::spawn(recounter.run()), waking],
        })
    }

    /// Lets the batcher empty its queue; then the applier has nothing more to follow. A connection that outlived the
    /// drain still holds the queue open; it is not waited for, and what it sends gets no answer.
    async fn stop(self) {
        drop(self.ingest);
        let [recounter, waking] = self.helpers;
        recounter.abort();
        waking.abort();
        for mut task in [self.batcher, self.applier, recounter, waking] {
            if tokio::time::timeout(Duration::from_secs(1), &mut task).await.is_err() {
                task.abort();
                let _aborted = task.await;
            }
        }
    }
}

/// How often the heads of watched elections are read where no other node can move them.
const PULL_INTERVAL_ALONE: Duration = Duration::from_secs(1);
/// The most hints of other nodes that wait; a further one is lost, and costs an interval.
const WAKES_MAX: usize = 1024;

/// The counters that the configuration names.
async fn counters(
    store: &CountersStore,
    keys: &Keys,
    wakes: mpsc::Sender<ElectionKey>,
) -> Result<Arc<dyn Counters>, CountersError> {
    match store {
        CountersStore::Memory => Ok(Arc::new(MemoryCounters::default())),
        CountersStore::Redis(options) => {
            let woken = Arc::new(move |election| {
                let _full_or_stopped = wakes.try_send(election);
            });
            let installation: String = keys.check().iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Arc::new(RedisCounters::connect(options.clone(), &installation, woken).await?))
        }
    }
}

/// Passes on that other nodes may have moved an election.
async fn wake(tallies: Arc<Tallies>, mut woken: mpsc::Receiver<ElectionKey>) {
    while let Some(election) = woken.recv().await {
        tallies.woken(election);
    }
}

/// Exit code of a program that met its own fault: `EX_SOFTWARE` of sysexits.h.
const EXIT_SOFTWARE: i32 = 70;

/// Runs a task that the server cannot do without. A panic in it ends the process, so that whoever restarts servers does,
/// instead of leaving one that answers and counts nothing.
fn supervise(name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        if tokio::spawn(task).await.is_err_and(|error| error.is_panic()) {
            tracing::error!(name, "a task that the server needs has failed; ending");
            std::process::exit(EXIT_SOFTWARE);
        }
    })
}
