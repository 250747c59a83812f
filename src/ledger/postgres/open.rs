//! Opening the database: its address, and the checks before anything is answered from it.

use std::fmt;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};

use super::connect::{CONNECT_MAX, connect, names};
use super::error::PostgresError;
use super::failure::{Failure, sentence};
use super::pool::{Pool, within};
use super::schema;
use super::sql;

/// The oldest server that is known to do.
const SERVER_MIN: i32 = 14;

/// How to reach a database. Shown, it never has a password.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The most connections of this node.
    pub connections_max: usize,
    pub(super) config: Config,
}

impl PostgresOptions {
    /// Reads `postgres://user:password@host:5432/name`. It never falls back to a connection in the clear where
    /// encryption was asked for.
    pub fn new(url: &str) -> Result<Self, PostgresError> {
        // These two are not even known to the parser.
        if url.contains("sslmode=verify-") {
            return Err(PostgresError::Tls);
        }
        let mut config: Config = url.parse().map_err(|error| PostgresError::Url(sentence(&error)))?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(PostgresError::Tls);
        }
        let [hosts, addresses, ports] =
            [config.get_hosts().len(), config.get_hostaddrs().len(), config.get_ports().len()];
        match hosts.max(addresses) {
            0 => return Err(PostgresError::Url("the address names no host".to_owned())),
            count
                if [hosts, addresses].iter().any(|some| ![0, count].contains(some)) || ports > 1 && ports != count =>
            {
                return Err(PostgresError::Url("the address has another number of hosts than of ports".to_owned()));
            }
            _ => {}
        }
        if config.get_application_name().is_none() {
            config.application_name("hustings");
        }
        // A network that swallows everything is noticed by the connection itself, not only by whoever waits for it.
        config.connect_timeout(CONNECT_MAX).keepalives_idle(Duration::from_secs(30));
        config.tcp_user_timeout(Duration::from_secs(10));
        Ok(Self { connections_max: 16, config })
    }
}

impl fmt::Display for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        write!(f, "postgres://{user}{}/{database}", names(config).join(","))
    }
}

/// Connections to a database that passed every check.
pub(super) async fn pool(options: &PostgresOptions) -> Result<Pool, PostgresError> {
    let url = options.to_string();
    let failed = |failure| PostgresError::at_start(&url, failure);
    let pool = Pool::new(options.config.clone(), options.connections_max).map_err(failed)?;
    let lease = pool.lease().await.map_err(failed)?;
    let client = lease.client();
    Server::ask(client).await.map_err(failed)?.check(&url)?;
    schema::check(&url, within(schema::version(client)).await.map_err(failed)?)?;
    if let Some(what) = within(missing_privilege(client)).await.map_err(failed)? {
        return Err(PostgresError::Privilege { url, what });
    }
    lease.give_back();
    Ok(pool)
}

/// What `doctor` tells of a database: names and values, read without changing anything.
pub async fn facts(options: &PostgresOptions) -> Result<Vec<(&'static str, String)>, PostgresError> {
    let url = options.to_string();
    let failed = |failure| PostgresError::at_start(&url, failure);
    let client = client(options).await.map_err(failed)?;
    let server = Server::ask(&client).await.map_err(failed)?;
    let found = within(schema::version(&client)).await.map_err(failed)?;
    let mut facts = vec![
        ("postgres version", server.version),
        ("encoding", server.encoding),
        ("fsync", server.fsync),
        ("full_page_writes", server.full_page_writes),
        ("synchronous_commit", server.synchronous_commit),
        ("synchronous_standby_names", server.synchronous_standby_names),
        ("schema", found.map_or_else(|| "none".to_owned(), |version| version.to_string())),
    ];
    if found.is_some() {
        let format = within(sql::format::format(&client)).await.map_err(failed)?;
        let [elections, entries] = within(sizes(&client)).await.map_err(failed)?;
        facts.extend([
            ("ledger format", format.to_string()),
            ("elections", elections.to_string()),
            ("entries", entries.to_string()),
        ]);
    }
    Ok(facts)
}

/// A connection outside of any pool. It ends when it is dropped.
pub(super) async fn client(options: &PostgresOptions) -> Result<Client, Failure> {
    let (client, _ends_by_itself) = connect(&options.config, 0).await?;
    Ok(client)
}

/// What a server says of itself.
struct Server {
    version: String,
    version_number: i32,
    is_standby: bool,
    encoding: String,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    synchronous_standby_names: String,
}

impl Server {
    async fn ask(client: &Client) -> Result<Self, Failure> {
        let asking = async {
            let row = client
                .query_typed_one(
                    "-- ask
                     SELECT current_setting('server_version') AS version,
                         current_setting('server_version_num')::int AS version_number,
                         pg_is_in_recovery() AS is_standby,
                         current_setting('server_encoding') AS encoding,
                         current_setting('fsync') AS fsync,
                         current_setting('full_page_writes') AS full_page_writes,
                         current_setting('synchronous_commit') AS synchronous_commit,
                         current_setting('synchronous_standby_names') AS synchronous_standby_names",
                    &[],
                )
                .await?;
            Ok(Self {
                version: row.try_get("version")?,
                version_number: row.try_get("version_number")?,
                is_standby: row.try_get("is_standby")?,
                encoding: row.try_get("encoding")?,
                fsync: row.try_get("fsync")?,
                full_page_writes: row.try_get("full_page_writes")?,
                synchronous_commit: row.try_get("synchronous_commit")?,
                synchronous_standby_names: row.try_get("synchronous_standby_names")?,
            })
        };
        within(asking).await
    }

    fn check(self, url: &str) -> Result<(), PostgresError> {
        let url = url.to_owned();
        if self.version_number < SERVER_MIN * 10_000 {
            return Err(PostgresError::OldServer { url, found: self.version, wanted: SERVER_MIN });
        }
        if self.is_standby {
            return Err(PostgresError::Standby(url));
        }
        if self.encoding != "UTF8" {
            return Err(PostgresError::Encoding { url, found: self.encoding });
        }
        // Each of our transactions waits for its commit whatever the role is set to (`sql::BEGIN`). A role that is set
        // otherwise is refused all the same, because its owner believes something else than what happens.
        for (setting, value, is_unsafe) in [
            ("fsync", &self.fsync, self.fsync != "on"),
            ("full_page_writes", &self.full_page_writes, self.full_page_writes != "on"),
            ("synchronous_commit", &self.synchronous_commit, ["off", "local"].contains(&&*self.synchronous_commit)),
        ] {
            if is_unsafe {
                return Err(PostgresError::Unsafe { url, setting, value: value.clone() });
            }
        }
        Ok(())
    }
}

/// The first privilege that this role lacks, in words.
async fn missing_privilege(client: &Client) -> Result<Option<String>, Failure> {
    let row = client
        .query_typed_opt(
            "-- missing_privilege
             SELECT current_user || ' may not ' || privilege || ' in table ' || name AS what
             FROM unnest(ARRAY['installation', 'election', 'head', 'entry', 'ballot', 'submission', 'snapshot', 'token',
                               'ticket', 'unit', 'report', 'quarantine', 'party', 'person', 'session', 'invitation',
                               'membership', 'cohost_link']) AS tables (name),
                  unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privileges (privilege)
             WHERE NOT has_table_privilege(name, privilege)
                 AND (privilege <> 'DELETE' OR name IN ('ticket', 'person', 'session', 'invitation', 'membership'))
                 AND (privilege <> 'UPDATE' OR name IN ('election', 'head', 'ballot', 'token', 'unit', 'quarantine',
                                                        'person', 'session', 'membership', 'cohost_link'))
             LIMIT 1",
            &[],
        )
        .await?;
    Ok(row.map(|row| row.try_get("what")).transpose()?)
}

async fn sizes(client: &Client) -> Result<[i64; 2], Failure> {
    let row = client
        .query_typed_one(
            "-- sizes
             SELECT (SELECT count(*) FROM election) AS elections,
                 (SELECT coalesce(sum(seq), 0)::bigint FROM head) AS entries",
            &[],
        )
        .await?;
    Ok([row.try_get("elections")?, row.try_get("entries")?])
}
