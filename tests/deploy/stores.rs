//! The scripts that make a standby and a cluster, run against the PostgreSQL and the Redis of this machine.

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::files::{good, path, run, tool, yaml};
use crate::services::guardian::{Guarded, Launch, program, user};
use crate::services::ports;

/// PostgreSQL as the image would run it: a user of its own, one folder for a server, one for its socket.
struct Postgres {
    folder: TempDir,
    user: Option<(u32, u32)>,
    primary_port: u16,
    standby_port: u16,
}

const READY: &str = "database system is ready to accept connections";

impl Postgres {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // PostgreSQL refuses to be root.
        let user = rustix::process::geteuid().is_root().then(|| user("postgres").expect("a user postgres"));
        let postgres = Self { folder, user, primary_port: ports::free(), standby_port: ports::free() };
        std::fs::set_permissions(postgres.folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a folder");
        for name in ["primary", "standby", "primary-socket", "standby-socket"] {
            let place = postgres.folder.path().join(name);
            std::fs::create_dir(&place).expect("a folder");
            if let Some((user, group)) = postgres.user {
                chown(&place, Some(user), Some(group)).expect("given away");
            }
        }
        postgres
    }

    fn place(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn program(name: &str) -> PathBuf {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
        program(name, "postgresql", &folders)
    }

    fn command(&self, program: impl Into<OsString>) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program.into());
        command.current_dir("/");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// A script of deploy/, where that user may read it, who need not be able to enter this repository.
    fn script(&self, name: &str) -> PathBuf {
        let copy = self.folder.path().join(name);
        std::fs::copy(path("deploy").join(name), &copy).expect("a copy");
        copy
    }

    fn port(&self, server: &str) -> u16 {
        if server == "primary" { self.primary_port } else { self.standby_port }
    }

    /// What runs SQL on the server behind a socket, and gives the answer without decoration.
    fn psql(&self, server: &str, sql: &str) -> Command {
        // A commit that waits for a standby has no end of its own.
        let mut psql = self.command("timeout");
        psql.arg("60").arg(Self::program("psql"));
        psql.args(["--username=hustings", "--no-psqlrc", "--no-align", "--tuples-only", "--quiet"]);
        psql.arg("--dbname=hustings").arg(format!("--host={}", self.place(&format!("{server}-socket"))));
        psql.arg(format!("--port={}", self.port(server))).args(["--set=ON_ERROR_STOP=1", "--command", sql]);
        psql
    }

    fn sql(&self, server: &str, sql: &str) -> String {
        good(&mut self.psql(server, sql)).trim().to_owned()
    }

    fn start(&self, command: Vec<OsString>, ready: &str) -> Guarded {
        let launch = Launch { command, ready, stop: "INT", remove: None, user: self.user };
        Guarded::start(&launch).unwrap_or_else(|said| panic!("{said}"))
    }

    /// A server on a folder, with the settings of compose.yaml.
    fn settings(&self, server: &str) -> Vec<OsString> {
        let compose = yaml("deploy/compose.yaml")["services"]["postgres-1"]["command"].clone();
        let mut command: Vec<String> = serde_json::from_value(compose).expect("words");
        assert_eq!(command.remove(0), "postgres");
        let address = ["--listen_addresses=127.0.0.1".to_owned(), format!("--port={}", self.port(server))];
        let socket = format!("--unix_socket_directories={}", self.place(&format!("{server}-socket")));
        command.extend(address.into_iter().chain([socket]));
        let words = command.into_iter().map(OsString::from);
        std::iter::once(Self::program("postgres").into()).chain(words).collect()
    }

    /// What the image does once: makes the folder, starts a server that nobody else reaches, and runs the script.
    fn initialise(&self) {
        let primary = self.place("primary");
        let mut initdb = self.command(Self::program("initdb"));
        good(initdb.args(["--username=hustings", "--auth=trust", "--pgdata", &primary]));
        // As the image has it: whoever comes over the network has a password.
        let rules = "local all all trust\nhost all all all scram-sha-256\n";
        std::fs::write(Path::new(&primary).join("pg_hba.conf"), rules).expect("the rules of access");
        let mut command = self.settings("primary");
        command.extend(["--listen_addresses=".into(), "-D".into(), primary.clone().into()]);
        let _temporary = self.start(command, READY);
        let socket = self.place("primary-socket");
        let mut createdb = self.command(Self::program("createdb"));
        createdb.args(["--username=hustings", "--host", &socket]).arg(format!("--port={}", self.primary_port));
        good(createdb.arg("hustings"));
        let mut script = self.command("bash");
        script.arg(self.script("postgres-primary.sh")).env("PGHOST", &socket).env("PGDATA", &primary);
        script.env("PGPORT", self.primary_port.to_string());
        let names =
            [("POSTGRES_USER", "hustings"), ("POSTGRES_DB", "hustings"), ("REPLICATION_PASSWORD", "it's $ecret")];
        good(script.envs(names));
    }

    /// Starts the standby as compose.yaml does: by the script, which ends as the server.
    fn standby(&self, ready: &str) -> Guarded {
        let variables = [
            ("PGDATA", self.place("standby")),
            ("PRIMARY_HOST", "127.0.0.1".to_owned()),
            ("PRIMARY_PORT", self.primary_port.to_string()),
            ("REPLICATION_PASSWORD", "it's $ecret".to_owned()),
        ];
        let mut command: Vec<OsString> = vec!["env".into()];
        command.extend(variables.map(|(name, value)| format!("{name}={value}").into()));
        command.extend(["bash".into(), self.script("postgres-standby.sh").into()]);
        command.extend(self.settings("standby"));
        self.start(command, ready)
    }
}

#[test]
fn a_commit_is_on_both_disks_and_the_standby_takes_over() {
    const FOLLOWS: &str = "started streaming WAL from primary";
    let postgres = Postgres::new();
    postgres.initialise();
    let mut command = postgres.settings("primary");
    command.extend(["-D".into(), postgres.place("primary").into()]);
    let primary = postgres.start(command, READY);
    let standby = postgres.standby(FOLLOWS);
    // Returns when the standby has it too.
    postgres.sql("primary", "CREATE TABLE vote (id integer); INSERT INTO vote VALUES (1)");
    let standbys = "SELECT application_name, sync_state FROM pg_stat_replication";
    assert_eq!(postgres.sql("primary", standbys), "standby|sync");

    // Alone, the primary stores nothing that it would say is stored.
    drop(standby);
    let mut alone = postgres.psql("primary", "INSERT INTO vote VALUES (2)");
    let waiting = std::thread::spawn(move || run(&mut alone));
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    while postgres.sql("primary", cancel).is_empty() {
        assert!(!waiting.is_finished(), "{:?}", waiting.join());
    }
    let (_, said) = waiting.join().expect("no panic");
    assert!(said.contains("canceling wait for synchronous replication"), "{said}");

    // A standby that comes back goes on from what it has.
    let _standby = postgres.standby(FOLLOWS);
    postgres.sql("primary", "INSERT INTO vote VALUES (3)");
    drop(primary);
    let mut promote = postgres.command(Postgres::program("pg_ctl"));
    good(promote.args(["promote", "--wait", "--pgdata", &postgres.place("standby")]));
    postgres.sql("standby", "ALTER SYSTEM SET synchronous_standby_names = ''");
    postgres.sql("standby", "SELECT pg_reload_conf()");
    // Waits until the new setting is taken, and then for nobody.
    postgres.sql("standby", "INSERT INTO vote VALUES (4)");
    assert_eq!(postgres.sql("standby", "SELECT string_agg(id::text, ' ' ORDER BY id) FROM vote"), "1 2 3 4");
}

fn redis(folder: &Path, port: u16) -> Result<Guarded, String> {
    let compose = yaml("deploy/compose.yaml")["services"]["redis-1"]["command"].clone();
    let words: Vec<String> = serde_json::from_value(compose).expect("words");
    assert_eq!(words[0], "redis-server");
    let mut command: Vec<OsString> = vec![program("redis-server", "redis-server", &[]).into()];
    let nodes = folder.join(format!("{port}.conf")).display().to_string();
    command.extend(words[1..].iter().map(|word| word.replace("/data/nodes.conf", &nodes).into()));
    command.extend([format!("--port {port}"), format!("--cluster-port {}", ports::free())].map(Into::into));
    command.extend([format!("--dir {}", folder.display()), "--bind 127.0.0.1".to_owned()].map(Into::into));
    Guarded::start(&Launch { command, ready: "Ready to accept connections", stop: "TERM", remove: None, user: None })
}

#[test]
fn six_servers_become_a_cluster_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut servers = Vec::new();
    // A port may be taken between the question and the start; then another one is asked for.
    for _ in 0..20 {
        let port = ports::free();
        if servers.len() < 6
            && let Ok(server) = redis(folder.path(), port)
        {
            servers.push((port, server));
        }
    }
    assert_eq!(servers.len(), 6, "{:?}", redis(folder.path(), ports::free()).err());
    let _client = tool("redis-cli", "redis-tools");
    let create = || {
        let mut script = Command::new("bash");
        script.arg(path("deploy/redis-create.sh"));
        script.args(servers.iter().map(|(port, _)| format!("127.0.0.1:{port}")));
        good(&mut script)
    };
    assert!(create().contains("All 16384 slots covered"));
    assert_eq!(create(), "", "the second time there is nothing to do");
    let ask =
        |words: &[&str]| good(tool("redis-cli", "redis-tools").args(["-p", &servers[0].0.to_string()]).args(words));
    let nodes = ask(&["cluster", "nodes"]);
    let count = |role: &str| nodes.lines().filter(|line| line.split([' ', ',']).any(|word| word == role)).count();
    assert_eq!((count("master"), count("slave")), (3, 3), "{nodes}");
    assert_eq!(ask(&["config", "get", "maxmemory-policy"]).lines().nth(1), Some("noeviction"));
    assert_eq!(ask(&["config", "get", "save"]).lines().nth(1), Some(""));
}
