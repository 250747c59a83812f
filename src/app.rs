//! Wiring: the only module that sees all others.
//!
//! Invariant: nothing is answered before the ledger was checkpointed and belongs to this secret; at the end every task
//! is awaited, the queue is emptied, and the log is copied into the database.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hustings_core::state::Due;
use hustings_core::{Act, ActKind, ContestNumber, Submission, Text};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::{Clock, Random, SystemClock, SystemRandom};
use crate::config::Config;
use crate::feed::Feed;
use crate::http::{Callers, ServerLimits, Services, Settings, VoteMeters, router, serve};
use crate::ingest::{Ingest, Limits};
use crate::keys::{Keys, SecretError};
use crate::ledger::{Advance, Elections, Folder, FolderError, Ledger, Registry, SqliteLedger, SqliteOptions};
use crate::tally::{Applier, Counters, MemoryCounters, Moved, Recounter, Tallies};

/// Why the server did not start, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder or its database.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The master secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The address.
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What went wrong.
        error: std::io::Error,
    },
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

/// A wrapper around the ledger; the real one returns what it is given. A test that proves the crash tests able to fail
/// wraps a ledger that acknowledges too early.
pub type Wrap = fn(Arc<dyn Ledger>) -> Arc<dyn Ledger>;

/// Serves until `stopping` is told to stop, and returns when all is written. `ready` hears the address.
pub async fn run(
    config: Config,
    environment: Environment,
    wrap: Wrap,
    stopping: watch::Receiver<bool>,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), StartError> {
    let folder = Folder::lock(&config.data)?;
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let is_new = !config.database.exists();
    let keys = Keys::load(folder.path(), environment.secret.as_deref(), is_new, random.as_ref())?;
    let options = SqliteOptions::new(config.database.clone());
    let store = Arc::new(SqliteLedger::open(options, keys.check(), Arc::clone(&clock), Arc::clone(&random))?);
    let registry: Arc<dyn Registry> = store.clone();
    let ledger = wrap(store);
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| StartError::Listen { address: config.listen, error })?;
    let listen = listener.local_addr().unwrap_or(config.listen);
    let metrics = metrics_handle()?;

    if environment.admin_token.is_none() && registry.tokens().await.is_ok_and(|tokens| tokens.is_empty()) {
        tracing::warn!(
            "nobody can create a poll yet: stop this server and run `hustings token create --name me --scopes admin`, \
             or start it with HUSTINGS_ADMIN_TOKEN"
        );
    }
    let engine = Engine::start(&config, &ledger, &registry);
    let services = Arc::new(Services {
        ingest: engine.ingest.clone(),
        ledger: Arc::clone(&ledger),
        registry: Arc::clone(&registry),
        elections: Arc::clone(&engine.elections),
        feed: Arc::clone(&engine.feed),
        keys,
        clock: Arc::clone(&clock),
        random,
        callers: Callers::new(environment.admin_token.as_deref()),
        settings: Settings {
            public_url: config.public_url.clone(),
            listen,
            bench: config.bench,
            trusted_proxies: config.trusted_proxies.clone(),
        },
        meters: VoteMeters::new(),
        metrics,
        stopping: stopping.clone(),
    });
    let chores = [
        tokio::spawn(schedule(engine.ingest.clone(), Arc::clone(&ledger), Arc::clone(&engine.feed), clock)),
        tokio::spawn(tidy(Arc::clone(&services))),
    ];
    ready(listen);
    let limits = ServerLimits { connections_max: raise_file_limit(config.connections_max), ..ServerLimits::default() };
    serve(listener, router(services), limits, stopping).await;
    for chore in chores {
        chore.abort();
        let _aborted = chore.await;
    }
    engine.stop().await;
    drop((ledger, registry));
    // Dropping the last handle of the ledger waits for its writer; the folder's lock goes last.
    drop(folder);
    Ok(())
}

/// What moves votes from the door to the feed.
struct Engine {
    ingest: Ingest,
    elections: Arc<Elections>,
    feed: Arc<Feed>,
    batcher: JoinHandle<()>,
    applier: JoinHandle<()>,
    recounter: JoinHandle<()>,
}

impl Engine {
    fn start(config: &Config, ledger: &Arc<dyn Ledger>, registry: &Arc<dyn Registry>) -> Self {
        let elections = Arc::new(Elections::new(Arc::clone(registry)));
        let counters: Arc<dyn Counters> = Arc::new(MemoryCounters::default());
        let tallies = Arc::new(Tallies::new(Arc::clone(ledger), Arc::clone(&elections), Arc::clone(&counters)));
        let feed = Feed::new(Arc::clone(&tallies), Arc::clone(&elections), config.frame_interval);
        let (advances, followed) = mpsc::channel(1024);
        let limits = Limits { queue_max: config.queue_max, ..Limits::default() };
        let announcing = Arc::clone(&tallies);
        let hand_on = Arc::new(move |advance: Arc<Advance>| {
            announcing.announce(advance.election, advance.after.seq);
            // A full channel loses nothing but time: the applier reads the ledger.
            let _full_or_stopped = advances.try_send(advance);
        });
        let (ingest, batcher) = Ingest::new(Arc::clone(ledger), limits, hand_on);
        let told = Arc::clone(&feed);
        let moved: Moved = Arc::new(move |election| told.moved(election));
        let applier = Applier::new(Arc::clone(&tallies), Arc::clone(&moved));
        let recounter = Recounter::new(Arc::clone(ledger), Arc::clone(&elections), counters, tallies, moved);
        Self {
            ingest,
            elections,
            feed,
            batcher: supervise("batcher", batcher),
            applier: supervise("applier", applier.run(followed)),
            recounter: tokio::spawn(recounter.run()),
        }
    }

    /// Lets the batcher empty its queue; then the applier has nothing more to follow. A connection that outlived the
    /// drain still holds the queue open; it is not waited for, and what it sends gets no answer.
    async fn stop(self) {
        drop(self.ingest);
        self.recounter.abort();
        for mut task in [self.batcher, self.applier, self.recounter] {
            if tokio::time::timeout(Duration::from_secs(1), &mut task).await.is_err() {
                task.abort();
                let _aborted = task.await;
            }
        }
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

/// How often schedules are looked at.
const SCHEDULE_INTERVAL: Duration = Duration::from_millis(500);

/// Opens and closes contests when they are due. The ledger decides; asking twice appends nothing twice.
async fn schedule(ingest: Ingest, ledger: Arc<dyn Ledger>, feed: Arc<Feed>, clock: Arc<dyn Clock>) {
    let Ok(by) = Text::parse("schedule") else { return };
    loop {
        tokio::time::sleep(SCHEDULE_INTERVAL).await;
        let now = clock.now();
        let Ok(schedules) = ledger.due(now).await else { continue };
        for election in schedules.due {
            let Ok(Some(state)) = feed.state(election).await else { continue };
            for (number, contest) in (0..).map(ContestNumber).zip(&state.contests) {
                let kind = match contest.due() {
                    Some((at, Due::Open)) if at <= now => ActKind::Open { scheduled: true },
                    Some((at, Due::Close)) if at <= now => ActKind::Close { scheduled: true },
                    _ => continue,
                };
                let act = Act { contest: number, kind, by: by.clone(), reason: None };
                if let Err(error) = ingest.submit(election, Submission::Act(act)).await {
                    tracing::warn!(%error, election = election.0, "a schedule could not be followed now; it will be");
                }
            }
        }
    }
}

/// Keeps metrics and limits from growing.
async fn tidy(services: Arc<Services>) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        services.metrics.run_upkeep();
        services.callers.forget_quiet_voters();
    }
}

fn metrics_handle() -> Result<PrometheusHandle, StartError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
    let failed = |error: &dyn std::fmt::Display| StartError::Metrics(error.to_string());
    let recorder = PrometheusBuilder::new().set_buckets(&SECONDS).map_err(|error| failed(&error))?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
    metrics::gauge!("hustings_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    metrics::counter!("hustings_recount_alarms_total").absolute(0);
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// File descriptors that are not connections: the database, the log, the runtime.
const OTHER_FILES: u64 = 100;

/// Raises the limit of open files as far as it may go, and says how many connections fit.
fn raise_file_limit(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + OTHER_FILES;
    let allowed = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    if limit.current.is_some_and(|current| current < allowed) {
        // Where it is refused, fewer connections fit; that is what the result says.
        let _refused = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum: limit.maximum });
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(needed);
    usize::try_from(current.saturating_sub(OTHER_FILES)).map_or(wanted, |fits| fits.min(wanted)).max(1)
}
