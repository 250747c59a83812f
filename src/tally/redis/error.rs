//! Why shared counters cannot be used, in sentences that say what to do. No sentence holds a password.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis cannot hold the counters, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountersError {
    /// The URL.
    #[error("{0}")]
    Url(String),
    /// Nobody answers.
    #[error("no Redis answers at {place}: {what}; start it, or correct the place in --counters")]
    Unreachable {
        /// Where.
        place: String,
        /// What went wrong.
        what: String,
    },
    /// The user or the password.
    #[error("Redis at {place} refuses this user or password; correct them in --counters (redis://user:password@host)")]
    Password {
        /// Where.
        place: String,
    },
    /// Too old.
    #[error("Redis at {place} is version {version}; Hustings needs Redis 7.0 or Valkey, so upgrade it")]
    Version {
        /// Where.
        place: String,
        /// Which.
        version: String,
    },
    /// Counters may vanish to make room.
    #[error(
        "Redis at {place} may evict counters when its memory is full (maxmemory-policy {policy}); set maxmemory-policy \
         noeviction there, or take a Redis of its own"
    )]
    Eviction {
        /// Where.
        place: String,
        /// What it would do.
        policy: String,
    },
    /// One node of a cluster.
    #[error("Redis at {place} is a node of a cluster; write redis-cluster://host:port,host:port in --counters")]
    IsCluster {
        /// Where.
        place: String,
    },
    /// No cluster.
    #[error("Redis at {place} is not a cluster; write redis://host:port in --counters")]
    NoCluster {
        /// Where.
        place: String,
    },
    /// A cluster that does not serve all keys.
    #[error(
        "the Redis cluster at {place} is not whole (cluster_state:{state}); mend it, see `redis-cli --cluster check`"
    )]
    NotWhole {
        /// Where.
        place: String,
        /// What it says of itself.
        state: String,
    },
    /// A replica.
    #[error("Redis at {place} is a replica, which cannot be written; name its primary in --counters")]
    Replica {
        /// Where.
        place: String,
    },
    /// Somebody else's counters.
    #[error(
        "Redis at {place} holds the counters of another installation; take another Redis or another database number, \
         or delete its key hustings:installation if that installation is gone"
    )]
    OtherInstallation {
        /// Where.
        place: String,
    },
    /// Anything else that the server refuses.
    #[error("Redis at {place} refuses what Hustings needs: {what}")]
    Refused {
        /// Where.
        place: String,
        /// Its words.
        what: String,
    },
}

impl CountersError {
    /// What an answer of this Redis means for somebody who wants to start.
    pub(super) fn of(place: &str, error: &RedisError) -> Self {
        let place = place.to_owned();
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => Self::Password { place },
            (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => Self::Replica { place },
            (ErrorKind::Server(_) | ErrorKind::Extension, _) => Self::Refused { place, what: error.to_string() },
            _ => Self::Unreachable { place, what: error.to_string() },
        }
    }
}
