//! A connection to Redis or to a cluster: what is asked is the same.
//!
//! Invariant: no question waits longer than [`ANSWER_MAX`]. A link mends itself only as far as a cluster asks of its
//! clients (moved slots, a new primary); who finds it broken makes another one. It must not know: counters.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, ProtocolVersion, PushInfo, PushKind, RedisResult,
    Script, ServerErrorKind, Value, cmd, from_redis_value,
};
use tokio::sync::mpsc;

use super::hash::{self, Content};
use super::keeper::Event;
use super::names::Names;
use super::options::{Kind, RedisOptions};
use crate::ledger::ElectionKey;

/// How long a connection may take, and each answer on it.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long an answer may take in all, with what a cluster redirects and asks to try again.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How often a cluster is asked again about one question.
const RETRIES_MAX: u32 = 6;
/// How long to wait before that at most, in milliseconds.
const RETRY_WAIT_MAX: u64 = 200;

/// A script that the server keeps by its hash.
pub(super) struct Program {
    text: &'static str,
    hash: LazyLock<String>,
}

pub(super) static APPLY: Program = Program::new(include_str!("apply.lua"), || hash_of(APPLY.text));
pub(super) static STAGE: Program = Program::new(include_str!("stage.lua"), || hash_of(STAGE.text));
pub(super) static REPLACE: Program = Program::new(include_str!("replace.lua"), || hash_of(REPLACE.text));

impl Program {
    const fn new(text: &'static str, hash: fn() -> String) -> Self {
        Self { text, hash: LazyLock::new(hash) }
    }
}

fn hash_of(text: &str) -> String {
    Script::new(text).get_hash().to_owned()
}

/// A connection that many tasks may use at once.
pub(super) enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// Connects, and passes on what other nodes tell of their moves.
    pub(super) async fn connect(
        options: &RedisOptions,
        names: &Arc<Names>,
        events: mpsc::Sender<Event>,
    ) -> RedisResult<Self> {
        let heard = hear(Arc::clone(names), events);
        let mut places = options.speaking(ProtocolVersion::RESP3);
        match options.kind {
            Kind::Single => {
                let Some(place) = places.next() else {
                    return Err((ErrorKind::InvalidClientConfig, "no place").into());
                };
                let config = timeouts().set_push_sender(heard);
                let mut connection = Client::open(place)?.get_multiplexed_async_connection_with_config(&config).await?;
                // Nobody needs hints: a user who may not subscribe pays with an interval.
                let _not_allowed = connection.psubscribe(names.channels()).await;
                Ok(Self::Single(connection))
            }
            Kind::Cluster => {
                let client = ClusterClientBuilder::new(places)
                    .connection_timeout(TIMEOUT)
                    .response_timeout(TIMEOUT)
                    .overall_response_timeout(Some(ANSWER_MAX))
                    .retries(RETRIES_MAX)
                    .max_retry_wait(RETRY_WAIT_MAX)
                    .use_protocol(ProtocolVersion::RESP3)
                    .push_sender(heard)
                    .build()?;
                let connected = tokio::time::timeout(ANSWER_MAX, client.get_async_connection()).await;
                connected.unwrap_or_else(|_| Err(late())).map(Self::Cluster)
            }
        }
    }

    /// Asks one question.
    pub(super) async fn ask<T: FromRedisValue>(&self, question: &Cmd) -> RedisResult<T> {
        let answer = async {
            match self {
                Self::Single(connection) => question.query_async(&mut connection.clone()).await,
                Self::Cluster(connection) => question.query_async(&mut connection.clone()).await,
            }
        };
        tokio::time::timeout(ANSWER_MAX, answer).await.unwrap_or_else(|_| Err(late()))
    }

    /// Runs a script, by its hash where the server has it.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        program: &Program,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> RedisResult<T> {
        let call = |how: &str, what: &str| {
            let mut call = cmd(how);
            call.arg(what).arg(keys.len()).arg(keys).arg(arguments);
            call
        };
        match self.ask(&call("EVALSHA", &program.hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.ask(&call("EVAL", program.text)).await
            }
            answered => answered,
        }
    }

    /// All fields of a hash; `None` where the key holds something else than a hash.
    pub(super) async fn content(&self, key: &str) -> RedisResult<Option<Content>> {
        match self.ask(cmd("HGETALL").arg(key)).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What `INFO` says, of the server or of each primary.
    pub(super) async fn info(&self) -> RedisResult<Vec<String>> {
        match self {
            Self::Single(_) => Ok(vec![self.ask(&cmd("INFO")).await?]),
            Self::Cluster(connection) => {
                let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                let mut connection = connection.clone();
                let answer = tokio::time::timeout(ANSWER_MAX, connection.route_command(cmd("INFO"), everywhere)).await;
                let answers: Vec<(String, String)> = from_redis_value(answer.unwrap_or_else(|_| Err(late()))?)?;
                Ok(answers.into_iter().map(|(_, info)| info).collect())
            }
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Whether any shard of a cluster answers.
    pub(super) async fn answers(&self) -> bool {
        let Self::Cluster(connection) = self else { return false };
        let any = (MultipleNodeRoutingInfo::AllMasters, Some(ResponsePolicy::OneSucceeded));
        let mut connection = connection.clone();
        let answer = connection.route_command(cmd("PING"), RoutingInfo::MultiNode(any));
        tokio::time::timeout(ANSWER_MAX, answer).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Asks for the hints about an election, which come from its own slot in a cluster; a single server sends all.
    pub(super) async fn subscribe(&self, channel: &str) {
        if let Self::Cluster(connection) = self {
            let mut connection = connection.clone();
            // Nobody needs hints: one that cannot be had costs an interval.
            let _refused_or_late = tokio::time::timeout(ANSWER_MAX, connection.ssubscribe(channel)).await;
        }
    }

    /// Asks for no more hints about an election.
    pub(super) async fn unsubscribe(&self, channel: &str) {
        if let Self::Cluster(connection) = self {
            let mut connection = connection.clone();
            // Hints that come all the same are about an election that nobody knows.
            let _refused_or_late = tokio::time::timeout(ANSWER_MAX, connection.sunsubscribe(channel)).await;
        }
    }

    /// The command that tells other nodes.
    pub(super) fn publish(&self) -> &'static str {
        match self {
            Self::Single(_) => "PUBLISH",
            Self::Cluster(_) => "SPUBLISH",
        }
    }
}

/// What `INFO` says at one place, in the protocol that every version speaks; in a cluster, also how that is.
pub(super) async fn look(place: redis::ConnectionInfo) -> RedisResult<String> {
    let client = Client::open(place)?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&timeouts()).await?;
    let info: String = cmd("INFO").query_async(&mut connection).await?;
    // A server alone refuses this, and then there is nothing to know.
    let cluster: String = cmd("CLUSTER").arg("INFO").query_async(&mut connection).await.unwrap_or_default();
    Ok(format!("{info}\n{cluster}"))
}

fn timeouts() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT))
}

fn late() -> redis::RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "it did not answer in time").into()
}

/// Reads what the server pushes. What does not fit in the queue is lost: it is only a hint.
fn hear(names: Arc<Names>, events: mpsc::Sender<Event>) -> impl Fn(PushInfo) -> Result<(), ()> + Send + Sync {
    move |push| {
        let event = match (push.kind, push.data.as_slice()) {
            (PushKind::Disconnection, _) => Some(Event::Disconnected),
            (PushKind::SMessage, [channel, version]) | (PushKind::PMessage, [_, channel, version]) => {
                hint(&names, channel, version)
            }
            _ => None,
        };
        event.map_or(Ok(()), |event| events.try_send(event).map_err(|_| ()))
    }
}

fn hint(names: &Names, channel: &Value, version: &Value) -> Option<Event> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    };
    let (epoch, seq) = hash::place(&text(version)?)?;
    Some(Event::Hint(names.election(&text(channel)?)?, epoch, seq))
}

/// The key of an election, for a question about it.
pub(super) fn watermark(names: &Names, election: ElectionKey) -> Cmd {
    let mut question = cmd("HMGET");
    question.arg(names.tally(election)).arg(&["epoch", "seq"]);
    question
}
