//! The stores that the suites run on.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use hustings::clock::{HeldClock, Random};
use hustings::ledger::{
    Archive, Folder, Ledger, PostgresLedger, PostgresOptions, Registry, Reports, SqliteLedger, SqliteOptions,
};
use hustings::tally::{Counters, MemoryCounters, RedisCounters, RedisOptions, Woken};
use hustings_core::{Format, Time};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;

use super::{Backend, CountersBackend};
use crate::services::postgres::PostgresServer;
use crate::services::redis::{Cluster, Redis as Server};

/// When every test begins: a moment in 2023.
pub(crate) const START: Time = Time(1_700_000_000_000);

/// Both know this statement; neither has a command that lowers a format.
const FORCE_FORMAT: &str = "UPDATE installation SET value = $1 WHERE name = 'format'";

/// Chance that repeats itself: the same numbers in every run.
pub(crate) struct Seeded(Mutex<StdRng>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().expect("no panic while numbers are drawn").fill_bytes(buffer);
    }
}

/// A [`SqliteLedger`] in a folder of its own.
pub(crate) struct Sqlite {
    ledger: Arc<SqliteLedger>,
    clock: Arc<HeldClock>,
    folder: TempDir,
}

impl Sqlite {
    pub(crate) const SECRET_CHECK: [u8; 16] = [7; 16];

    fn open(folder: TempDir, seed: u64) -> Self {
        let clock = Arc::new(HeldClock::at(START));
        let options = SqliteOptions::new(Folder::database(folder.path()));
        let random = Arc::new(Seeded::new(seed));
        let ledger = SqliteLedger::open(options, Self::SECRET_CHECK, Arc::clone(&clock) as _, random);
        Self { ledger: Arc::new(ledger.expect("SQLite starts in its folder")), clock, folder }
    }

    /// Where its database is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same folder after a clean end.
    pub(crate) fn reopened(self) -> Self {
        let Self { ledger, folder, .. } = self;
        drop(Arc::into_inner(ledger).expect("nobody else holds the ledger"));
        Self::open(folder, 3)
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn start() -> Self {
        Self::open(tempfile::tempdir().expect("a folder"), 1)
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.ledger) as _
    }

    fn registry(&self) -> Arc<dyn Registry> {
        Arc::clone(&self.ledger) as _
    }

    fn archive(&self) -> Arc<dyn Archive> {
        Arc::clone(&self.ledger) as _
    }

    fn reports(&self) -> Arc<dyn Reports> {
        Arc::clone(&self.ledger) as _
    }

    async fn afresh(&self) -> Arc<dyn Reports> {
        let options = SqliteOptions::new(Folder::database(self.folder()));
        Arc::new(SqliteLedger::read_only(options).expect("a database that is there"))
    }

    fn clock(&self) -> &HeldClock {
        &self.clock
    }

    async fn force_format(&self, format: Format) {
        let database = rusqlite::Connection::open(Folder::database(self.folder())).expect("the database");
        let changed = database.execute(FORCE_FORMAT, [format.to_string()]).expect("a change");
        assert_eq!(changed, 1, "an installation that was begun with a format");
    }

    async fn another(&self) -> Box<dyn Backend> {
        Box::new(Self::open(tempfile::tempdir().expect("a folder"), 4))
    }

    async fn restore(&self, backup: &Path) -> Box<dyn Backend> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(backup, Folder::database(folder.path())).expect("a backup to restore");
        Box::new(Self::open(folder, 2))
    }
}

/// A node on a database of the server that all tests share.
pub(crate) struct Postgres {
    pub(crate) ledger: Arc<PostgresLedger>,
    clock: Arc<HeldClock>,
    /// Its database, on the server that all tests share.
    database: String,
}

impl Postgres {
    pub(crate) const SECRET_CHECK: [u8; 16] = [7; 16];

    /// A node that reaches its database at this address.
    pub(crate) async fn at(url: &str, seed: u64) -> Self {
        Self::with(PostgresOptions::new(url).expect("an address"), seed).await
    }

    pub(crate) async fn with(options: PostgresOptions, seed: u64) -> Self {
        let clock = Arc::new(HeldClock::at(START));
        let database = options.to_string().rsplit('/').next().expect("a name").to_owned();
        let random = Arc::new(Seeded::new(seed));
        let ledger = PostgresLedger::connect(options, Some(Self::SECRET_CHECK), Arc::clone(&clock) as _, random).await;
        Self { ledger: Arc::new(ledger.expect("PostgreSQL is connected")), clock, database }
    }

    /// The only node on a new database.
    async fn alone(seed: u64) -> Self {
        let server = PostgresServer::shared();
        Self::at(&server.url(&server.database().await), seed).await
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn start() -> Self {
        Self::alone(1).await
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.ledger) as _
    }

    fn registry(&self) -> Arc<dyn Registry> {
        Arc::clone(&self.ledger) as _
    }

    fn archive(&self) -> Arc<dyn Archive> {
        Arc::clone(&self.ledger) as _
    }

    fn reports(&self) -> Arc<dyn Reports> {
        Arc::clone(&self.ledger) as _
    }

    async fn afresh(&self) -> Arc<dyn Reports> {
        Self::at(&PostgresServer::shared().url(&self.database), 6).await.ledger
    }

    fn clock(&self) -> &HeldClock {
        &self.clock
    }

    async fn force_format(&self, format: Format) {
        let client = PostgresServer::shared().client(&self.database).await;
        let digits = format.to_string().into_bytes();
        assert_eq!(client.execute(FORCE_FORMAT, &[&digits]).await.expect("a change"), 1, "begun with a format");
    }

    async fn another(&self) -> Box<dyn Backend> {
        Box::new(Self::alone(4).await)
    }

    /// The backup is a portable file, which any data folder takes.
    async fn restore(&self, backup: &Path) -> Box<dyn Backend> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(backup, Folder::database(folder.path())).expect("a backup to restore");
        Box::new(Sqlite::open(folder, 2))
    }
}

impl AsRef<dyn Backend> for Sqlite {
    fn as_ref(&self) -> &(dyn Backend + 'static) {
        self
    }
}

/// [`MemoryCounters`].
pub(crate) struct Memory(Arc<MemoryCounters>);

#[async_trait]
impl CountersBackend for Memory {
    async fn start() -> Self {
        Self(Arc::default())
    }

    fn counters(&self) -> Arc<dyn Counters> {
        Arc::clone(&self.0) as _
    }

    async fn afresh(&self) -> Arc<dyn Counters> {
        self.counters()
    }

    fn tell(&self, _: Woken) {}

    fn cases(&self) -> u32 {
        256
    }
}

/// Counters in Redis that tell whoever asked to be told last.
pub(crate) struct Told {
    pub(crate) counters: Arc<RedisCounters>,
    woken: Arc<OnceLock<Woken>>,
}

impl Told {
    /// Connects for the one installation that all tests share.
    pub(crate) async fn connect(url: &str) -> Self {
        let woken: Arc<OnceLock<Woken>> = Arc::default();
        let told = Arc::clone(&woken);
        let tell: Woken = Arc::new(move |election| {
            if let Some(woken) = told.get() {
                woken(election);
            }
        });
        let options = RedisOptions::new(url).expect("a URL");
        let counters = RedisCounters::connect(options, "c0ffee", tell).await;
        Self { counters: Arc::new(counters.unwrap_or_else(|error| panic!("{error}"))), woken }
    }

    pub(crate) fn tell(&self, woken: Woken) {
        assert!(self.woken.set(woken).is_ok(), "somebody is told already");
    }
}

/// [`RedisCounters`] at a server of their own.
pub(crate) struct Redis {
    told: Told,
    pub(crate) server: Server,
}

#[async_trait]
impl CountersBackend for Redis {
    async fn start() -> Self {
        let server = Server::start(&[]);
        Self { told: Told::connect(&server.url()).await, server }
    }

    fn counters(&self) -> Arc<dyn Counters> {
        Arc::clone(&self.told.counters) as _
    }

    async fn afresh(&self) -> Arc<dyn Counters> {
        Told::connect(&self.server.url()).await.counters
    }

    fn tell(&self, woken: Woken) {
        self.told.tell(woken);
    }

    fn cases(&self) -> u32 {
        64
    }
}

/// [`RedisCounters`] at a cluster that all tests share: each test has elections that no other one has.
pub(crate) struct RedisCluster(Told);

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

impl RedisCluster {
    /// Where it is.
    pub(crate) fn url() -> String {
        CLUSTER.get_or_init(Cluster::start).url()
    }
}

#[async_trait]
impl CountersBackend for RedisCluster {
    async fn start() -> Self {
        Self(Told::connect(&Self::url()).await)
    }

    fn counters(&self) -> Arc<dyn Counters> {
        Arc::clone(&self.0.counters) as _
    }

    async fn afresh(&self) -> Arc<dyn Counters> {
        Told::connect(&Self::url()).await.counters
    }

    fn tell(&self, woken: Woken) {
        self.0.tell(woken);
    }

    fn cases(&self) -> u32 {
        32
    }
}
