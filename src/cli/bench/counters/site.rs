//! The Redis that is measured: one of its own in a temporary folder, or one that was named.
//!
//! Invariant: however the bench ends, a server of its own ends with it, and one that was named keeps nothing of it.
//! It must not know: what is measured.

use std::net::TcpListener;
use std::process::Stdio;

use anyhow::Context;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ConnectionAddr, FromRedisValue, RedisResult, cmd};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::cli::output::note;
use crate::clock::Random;
use crate::tally::RedisOptions;

/// Says whose counters a Redis holds.
const MARKER: &str = "hustings:installation";
/// The most keys that one step of a deletion looks at.
const SCANNED: u32 = 1_000;

/// A Redis, and the part of it that the bench may write: all keys of an installation of its own.
pub(super) struct Site {
    client: Client,
    options: RedisOptions,
    installation: String,
    own: Option<OwnRedis>,
}

impl Site {
    /// Takes the Redis of this URL, or starts one; or says in a sentence why not.
    pub(super) async fn open(url: Option<&str>, random: &dyn Random) -> anyhow::Result<Self> {
        let (url, own) = match url {
            Some(url) => (url.to_owned(), None),
            None => {
                let own = OwnRedis::start().await?;
                (own.url.clone(), Some(own))
            }
        };
        let options = RedisOptions::new(&url)?;
        anyhow::ensure!(url.starts_with("redis://"), "this bench measures one server: name it as redis://host:port");
        let client = Client::open(url)?;
        anyhow::ensure!(
            client.get_connection_info().redis_settings().password().is_none(),
            "redis-benchmark would show the password to everybody on this machine; name a Redis without one, or leave \
             out --counters"
        );
        let mut number = [0; 8];
        random.fill(&mut number);
        Ok(Self { client, options, installation: format!("bench-{:016x}", u64::from_be_bytes(number)), own })
    }

    /// For the counters.
    pub(super) fn options(&self) -> RedisOptions {
        self.options.clone()
    }

    /// Whose counters these are.
    pub(super) fn installation(&self) -> &str {
        &self.installation
    }

    /// A key of the bench itself.
    pub(super) fn key(&self, name: &str) -> String {
        format!("hustings:{{{}}}:{name}", self.installation)
    }

    /// A connection for nobody else.
    pub(super) async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        self.client.get_multiplexed_async_connection().await
    }

    /// Host, port and number of the database, as programs take them.
    pub(super) fn place(&self) -> anyhow::Result<(String, String, String)> {
        let info = self.client.get_connection_info();
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                Ok((host.clone(), port.to_string(), info.redis_settings().db().to_string()))
            }
            other => anyhow::bail!("{other} is not host:port"),
        }
    }

    /// What it is, for whoever reads the figures.
    pub(super) async fn version(&self) -> anyhow::Result<String> {
        let info: String = cmd("INFO").arg("server").query_async(&mut self.connection().await?).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown").trim();
        let whose = if self.own.is_some() { "a server of its own" } else { "the server that was named" };
        Ok(format!("Redis {version}, {whose}"))
    }

    /// Deletes whatever the bench has written, but for the note that this Redis is in use. It waits in this thread: the
    /// end of the bench has no other way.
    pub(super) fn clear(&self) -> RedisResult<()> {
        let mut connection = self.client.get_connection()?;
        let mut ask = |question: &Cmd| question.query::<redis::Value>(&mut connection);
        let pattern = format!("hustings:{{{}*", self.installation);
        let mut cursor = 0_u64;
        loop {
            let scan = ask(cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCANNED))?;
            let (next, keys) = <(u64, Vec<String>)>::from_redis_value(scan)?;
            if !keys.is_empty() {
                ask(cmd("DEL").arg(keys))?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn leave(&self) -> RedisResult<()> {
        self.clear()?;
        let mut connection = self.client.get_connection()?;
        let owner: Option<String> = cmd("GET").arg(MARKER).query(&mut connection)?;
        if owner.as_deref() == Some(self.installation.as_str()) {
            cmd("DEL").arg(MARKER).query::<()>(&mut connection)?;
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.own.is_none()
            && let Err(error) = self.leave()
        {
            note(&format!("keys of {} are left in this Redis, delete them: {error}", self.installation));
        }
    }
}

/// A `redis-server` that keeps nothing. Dropped, it is killed.
struct OwnRedis {
    url: String,
    _server: Child,
    _drain: JoinHandle<()>,
    _folder: TempDir,
}

impl OwnRedis {
    async fn start() -> anyhow::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("hustings-").tempdir().context("cannot make a temporary folder")?;
        // Free now; should somebody take it in between, the server says so and the bench can be run again.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.arg("--port").arg(port.to_string()).arg("--bind").arg("127.0.0.1").arg("--dir").arg(folder.path());
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", ""]);
        // In a group of its own, because a Ctrl-C in a terminal is for us, who then end it.
        command.process_group(0).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().context(
            "cannot start redis-server: install Debian's package redis-server, or name a Redis with --counters",
        )?;
        let mut lines = BufReader::new(server.stdout.take().context("no standard output")?).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await? {
            if line.contains("Ready to accept connections") {
                // Read to its end: a server that cannot write its log would stand still.
                let drain = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                let url = format!("redis://127.0.0.1:{port}");
                return Ok(Self { url, _server: server, _drain: drain, _folder: folder });
            }
            said = line;
        }
        anyhow::bail!("redis-server does not start: {said}")
    }
}
