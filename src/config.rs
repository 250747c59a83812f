//! What the operator chose: flags, then `HUSTINGS_*`, then a TOML file, then defaults. Backends are chosen by URL.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use crate::ledger::{Folder, PostgresOptions};
use crate::tally::RedisOptions;

/// The options of `hustings serve`; each is also read from `HUSTINGS_..` and from the file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeArgs {
    /// A TOML file with any of these options, by their long names with underscores.
    #[arg(long, env = "HUSTINGS_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The data folder [default: ./hustings-data].
    #[arg(long, env = "HUSTINGS_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The address or name, and the port, to listen on; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, env = "HUSTINGS_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Where the ledger is kept: sqlite: in the data folder, or postgres://user:password@host/database for several
    /// nodes [default: sqlite:].
    #[arg(long, env = "HUSTINGS_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Where counters are kept hot: memory:, redis://host:port, or redis-cluster://host:port,host:port,..
    /// [default: memory:].
    #[arg(long, env = "HUSTINGS_COUNTERS", value_name = "URL", hide_env_values = true)]
    pub counters: Option<String>,
    /// Where people reach this server; decides links, cookies and the check of origins.
    #[arg(long, env = "HUSTINGS_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// A network whose `X-Forwarded-For` is believed, for the access log; may be given several times.
    #[arg(long, env = "HUSTINGS_TRUSTED_PROXY", value_name = "NET", value_delimiter = ',')]
    pub trusted_proxy: Vec<ipnet::IpNet>,
    /// The least time between two frames to watchers, in milliseconds, 10 to 60000 [default: 200].
    #[arg(long, env = "HUSTINGS_FRAME_INTERVAL_MS", value_name = "MS")]
    pub frame_interval_ms: Option<u64>,
    /// The most connections at once [default: as many as the system allows, up to 60000].
    #[arg(long, env = "HUSTINGS_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,
    /// The most submissions that wait for the ledger; further ones are told to come back [default: 16384].
    #[arg(long, env = "HUSTINGS_QUEUE_MAX", value_name = "N")]
    pub queue_max: Option<usize>,
    /// Let anybody make an account at /sign-up; without it people come by invitation.
    #[arg(long, env = "HUSTINGS_OPEN_SIGN_UP", value_parser = BoolishValueParser::new())]
    pub open_sign_up: bool,
    /// Answer /bench/noop, the baseline of benchmarks.
    #[arg(long, env = "HUSTINGS_BENCH", value_parser = BoolishValueParser::new())]
    pub bench: bool,
}

/// The options, decided.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where the ledger is kept.
    pub database: Database,
    /// Where counters are kept hot.
    pub counters: CountersStore,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where people reach this server, without a slash at the end.
    pub public_url: Option<String>,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// The least time between two frames.
    pub frame_interval: Duration,
    /// The most connections at once.
    pub connections_max: usize,
    /// The most submissions that wait.
    pub queue_max: usize,
    /// Whether anybody may make an account.
    pub open_sign_up: bool,
    /// Whether `/bench/noop` exists.
    pub bench: bool,
}

/// Where a ledger and its registry are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// In a file of the data folder: one process.
    Sqlite(PathBuf),
    /// On a PostgreSQL server: any number of nodes.
    Postgres(Box<PostgresOptions>),
}

impl Database {
    /// The database that a URL names; without one, SQLite in the data folder.
    pub fn parse(url: Option<&str>, data: &Path) -> Result<Self, ConfigError> {
        match url.map(|url| url.split_once(':').unwrap_or((url, ""))) {
            None | Some(("sqlite", "")) => Ok(Self::Sqlite(Folder::database(data))),
            Some(("sqlite", _)) => {
                Err(ConfigError("--database sqlite: takes no path: choose the folder with --data".to_owned()))
            }
            Some(("postgres" | "postgresql", _)) => {
                let options = PostgresOptions::new(url.unwrap_or_default());
                let options = options.map_err(|error| ConfigError(format!("--database: {error}")))?;
                Ok(Self::Postgres(Box::new(options)))
            }
            Some((other, _)) => Err(ConfigError(format!(
                "--database {other}:.. is not a ledger that this program has; use sqlite: and choose its folder with \
                 --data, or postgres://user:password@host/database"
            ))),
        }
    }
}

/// Where counters are kept hot.
#[derive(Debug, Clone)]
pub enum CountersStore {
    /// In the memory of each process.
    Memory,
    /// In Redis or a Redis Cluster, shared by all nodes.
    Redis(RedisOptions),
}

impl CountersStore {
    /// The counters that a URL names; without one, memory.
    pub fn parse(url: Option<&str>) -> Result<Self, ConfigError> {
        match url {
            None | Some("memory:") => Ok(Self::Memory),
            Some(url) if url.starts_with("redis") => {
                let options = RedisOptions::new(url);
                Ok(Self::Redis(options.map_err(|error| ConfigError(format!("--counters: {error}")))?))
            }
            Some(other) => {
                let scheme = other.split(':').next().unwrap_or_default();
                Err(ConfigError(format!(
                    "--counters {scheme}:.. are not counters that this program has; use memory:, redis://host:port, or \
                     redis-cluster://host:port,host:port"
                )))
            }
        }
    }
}

/// An option that cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

const CONNECTIONS_MAX: usize = 60_000;
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const QUEUE: RangeInclusive<usize> = 1..=1_000_000;
const FRAME_INTERVAL_MS: RangeInclusive<u64> = 10..=60_000;
const LISTEN: &str = "127.0.0.1:8080";

impl ServeArgs {
    /// Decides all options; a file fills in what flags and environment left open.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let file = match &self.config {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        let data = self.data.or(file.data).unwrap_or_else(|| PathBuf::from("./hustings-data"));
        let database = Database::parse(self.database.or(file.database).as_deref(), &data)?;
        let counters = CountersStore::parse(self.counters.or(file.counters).as_deref())?;
        let trusted = if self.trusted_proxy.is_empty() { file.trusted_proxy } else { self.trusted_proxy };
        let frame_interval = self.frame_interval_ms.or(file.frame_interval_ms).unwrap_or(200);
        let connections_max = self.connections_max.or(file.connections_max).unwrap_or(CONNECTIONS_MAX);
        let queue_max = self.queue_max.or(file.queue_max).unwrap_or(16_384);
        Ok(Config {
            listen: listen(self.listen.or(file.listen).as_deref().unwrap_or(LISTEN))?,
            public_url: self.public_url.or(file.public_url).map(|url| public_url(&url)).transpose()?,
            trusted_proxies: trusted,
            frame_interval: Duration::from_millis(within("frame-interval-ms", frame_interval, &FRAME_INTERVAL_MS)?),
            connections_max: within("connections-max", connections_max, &CONNECTIONS)?,
            queue_max: within("queue-max", queue_max, &QUEUE)?,
            open_sign_up: self.open_sign_up || file.open_sign_up,
            bench: self.bench || file.bench,
            data,
            database,
            counters,
        })
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("cannot read the configuration {shown}: {error}")))?;
        toml::from_str(&text).map_err(|error| ConfigError(format!("the configuration {shown} is wrong: {error}")))
    }
}

/// A number that may be used as it is; one that may not is refused, not bent.
fn within<N: PartialOrd + Display>(option: &str, number: N, range: &RangeInclusive<N>) -> Result<N, ConfigError> {
    if range.contains(&number) {
        return Ok(number);
    }
    Err(ConfigError(format!("--{option} {number} must be from {} to {}", range.start(), range.end())))
}

/// The address of a name or of itself; of several, the first of IPv4, where people and examples look.
fn listen(text: &str) -> Result<SocketAddr, ConfigError> {
    let is_complete = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !is_complete {
        return Err(ConfigError(format!("--listen {text} must look like {LISTEN}, an address or a name and a port")));
    }
    let unknown = |error| ConfigError(format!("--listen {text} is not an address of this machine: {error}"));
    let found: Vec<SocketAddr> = text.to_socket_addrs().map_err(unknown)?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    first.ok_or_else(|| ConfigError(format!("--listen {text} is not an address of this machine")))
}

fn public_url(url: &str) -> Result<String, ConfigError> {
    let wrong = || ConfigError(format!("--public-url {url} must look like https://vote.example.org, without a path"));
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(wrong)?;
    let is_plain = !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_graphic())
        && !rest.trim_end_matches('/').contains(['/', '?', '#', '@']);
    if is_plain { Ok(url.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_file_and_the_file_before_defaults() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hustings.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:9000\"\nqueue_max = 7\npublic_url = \"https://a.example/\"\n")
            .expect("written");
        let args = ServeArgs { config: Some(file), queue_max: Some(9), ..ServeArgs::default() };
        let config = args.resolve().expect("valid");
        assert_eq!((config.listen.port(), config.queue_max), (9000, 9));
        assert_eq!(config.public_url.as_deref(), Some("https://a.example"));
        assert_eq!(config.frame_interval, Duration::from_millis(200));
    }

    #[test]
    fn names_are_listened_on_where_people_look() {
        for (text, expected) in [
            (None, "127.0.0.1:8080"),
            (Some("localhost:8080"), "127.0.0.1:8080"),
            (Some("0.0.0.0:0"), "0.0.0.0:0"),
            (Some("[::1]:9000"), "[::1]:9000"),
        ] {
            let args = ServeArgs { listen: text.map(str::to_owned), ..ServeArgs::default() };
            assert_eq!(args.resolve().expect("valid").listen.to_string(), expected);
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        let check = |args: ServeArgs, range: &str| {
            let refused = args.resolve().expect_err("refused").to_string();
            assert!(refused.ends_with(range), "{refused}");
        };
        for connections_max in [Some(0), Some(1_000_001)] {
            check(ServeArgs { connections_max, ..ServeArgs::default() }, "must be from 1 to 1000000");
        }
        for queue_max in [Some(0), Some(1_000_001)] {
            check(ServeArgs { queue_max, ..ServeArgs::default() }, "must be from 1 to 1000000");
        }
        for frame_interval_ms in [Some(9), Some(60_001)] {
            check(ServeArgs { frame_interval_ms, ..ServeArgs::default() }, "must be from 10 to 60000");
        }
        let args = ServeArgs {
            connections_max: Some(1),
            queue_max: Some(1_000_000),
            frame_interval_ms: Some(10),
            ..ServeArgs::default()
        };
        let config = args.resolve().expect("valid");
        let found = (config.connections_max, config.queue_max, config.frame_interval);
        assert_eq!(found, (1, 1_000_000, Duration::from_millis(10)));
    }

    #[test]
    fn what_cannot_be_used_says_what_can() {
        let refused = |args: ServeArgs| args.resolve().expect_err("refused").to_string();
        for (url, advice) in [("mysql://u:s3cret@localhost/x", "use sqlite:"), ("sqlite:/tmp/x", "with --data")] {
            let refused = refused(ServeArgs { database: Some(url.to_owned()), ..ServeArgs::default() });
            assert!(refused.contains(advice) && !refused.contains("s3cret"), "{refused}");
        }
        let counters = Some("memcached://u:s3cret@localhost".to_owned());
        let refused_counters = refused(ServeArgs { counters, ..ServeArgs::default() });
        assert!(refused_counters.contains("use memory:") && !refused_counters.contains("s3cret"), "{refused_counters}");
        for text in ["8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:x", "[::1]"] {
            let listen = Some(text.to_owned());
            let refused = refused(ServeArgs { listen, ..ServeArgs::default() });
            assert!(refused.contains(text) && refused.contains("like 127.0.0.1:8080"), "{refused}");
        }
        for url in ["vote.example", "https://", "https://a b", "https://a?x", "https://a/hall"] {
            let public_url = Some(url.to_owned());
            assert!(refused(ServeArgs { public_url, ..ServeArgs::default() }).contains("--public-url"), "{url}");
        }
    }
}
