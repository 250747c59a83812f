//! A PostgreSQL server with its own data, and fresh databases in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hustings::ledger::{PostgresOptions, postgres_migrate};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use super::guardian::{Guarded, Launch, program, user};
use super::ports;

/// Debian's package.
const PACKAGE: &str = "postgresql";

/// A running server. Whoever comes over 127.0.0.1 is believed, except roles that `access` says something else of.
pub(crate) struct PostgresServer {
    /// The one that runs is the last; those before it were killed.
    guarded: Vec<Guarded>,
    command: Vec<OsString>,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    template: OnceCell<()>,
}

impl PostgresServer {
    /// The server that the tests of this process share: with the settings of a real one, `fsync` too.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[("max_connections", "400")], ""))
    }

    /// Starts a server with further settings, and with lines of `pg_hba.conf` that come before its own.
    pub(crate) fn start(settings: &[(&str, &str)], access: &str) -> Self {
        let mut said = String::new();
        for _ in 0..3 {
            match Self::try_to_start(settings, access) {
                Ok(server) => return server,
                Err(log) if log.contains("could not bind") => said = log,
                Err(log) => panic!("PostgreSQL does not start: {log}"),
            }
        }
        panic!("PostgreSQL found no port: {said}");
    }

    fn try_to_start(settings: &[(&str, &str)], access: &str) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("hustings-postgres-").tempdir().expect("a folder").keep();
        // The server refuses to run as root.
        let user = rustix::process::geteuid().is_root().then(|| {
            let user = user("postgres").or_else(|| user("nobody")).expect("a user that is not root");
            std::os::unix::fs::chown(&folder, Some(user.0), Some(user.1)).expect("a folder for that user");
            user
        });
        let data = folder.join("data");
        initialise(&data, user);
        std::fs::write(data.join("pg_hba.conf"), format!("{access}\nhost all all 127.0.0.1/32 trust\n"))
            .expect("the rules of access");
        let port = ports::free();
        let mut command: Vec<OsString> = vec![binary("postgres").into(), "-D".into(), data.into()];
        let port_text = port.to_string();
        let own = [("listen_addresses", "127.0.0.1"), ("port", &port_text), ("unix_socket_directories", "")];
        for (name, value) in own.iter().chain(settings) {
            command.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let mut server = Self { guarded: Vec::new(), command, folder, user, port, template: OnceCell::new() };
        server.launch()?;
        Ok(server)
    }

    fn launch(&mut self) -> Result<(), String> {
        let launch = Launch {
            command: self.command.clone(),
            ready: "database system is ready to accept connections",
            stop: "QUIT",
            remove: Some(self.folder.clone()),
            user: self.user,
        };
        self.guarded.push(Guarded::start(&launch)?);
        Ok(())
    }

    /// Ends the server at once, as a crash does: nothing is written that was not written yet.
    pub(crate) fn kill(&self) {
        let file = self.folder.join("data").join("postmaster.pid");
        let pid = std::fs::read_to_string(&file).expect("the number of a running server");
        let pid = pid.lines().next().and_then(|pid| pid.trim().parse().ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a number"), rustix::process::Signal::QUIT).expect("a server of ours");
        while file.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Starts a killed server again, which recovers from its log.
    pub(crate) fn restart(&mut self) {
        self.launch().unwrap_or_else(|log| panic!("PostgreSQL does not start again: {log}"));
    }

    /// Where a database of this server is.
    pub(crate) fn url(&self, database: &str) -> String {
        self.url_as("postgres", database)
    }

    /// The same for a role, or for a role and its password.
    pub(crate) fn url_as(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    fn log(&self) -> String {
        self.guarded.last().map(Guarded::log).unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A connection to a database, for what only a test does.
    pub(crate) async fn client(&self, database: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// Makes an empty database and gives its name.
    pub(crate) async fn empty(&self) -> String {
        self.create("").await
    }

    /// Makes a database with the tables and gives its name. It is copied from one that was migrated once.
    pub(crate) async fn database(&self) -> String {
        let migrated = async {
            self.client("postgres").await.batch_execute("CREATE DATABASE migrated").await.expect("a database");
            let options = PostgresOptions::new(&self.url("migrated")).expect("an address");
            postgres_migrate(&options).await.expect("the tables");
        };
        self.template.get_or_init(|| migrated).await;
        self.create("TEMPLATE migrated").await
    }

    async fn create(&self, how: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = self.client("postgres").await.batch_execute(&format!("CREATE DATABASE {name} {how}")).await;
        made.unwrap_or_else(|error| panic!("no database: {error:?}\n{}", self.log()));
        name
    }
}

/// Makes the files of a new server.
fn initialise(data: &Path, user: Option<(u32, u32)>) {
    let mut initdb = Command::new(binary("initdb"));
    initdb.arg("-D").arg(data);
    // Nothing of it has to outlive a power loss; the server itself runs with fsync.
    initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]);
    initdb.current_dir("/").stdin(Stdio::null());
    if let Some((user, group)) = user {
        std::os::unix::process::CommandExt::uid(&mut initdb, user);
        std::os::unix::process::CommandExt::gid(&mut initdb, group);
    }
    let done = initdb.output().expect("initdb runs");
    assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
}

/// Debian keeps the server's programs out of `PATH`.
fn binary(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_unstable();
    folders.reverse();
    program(name, PACKAGE, &folders)
}
