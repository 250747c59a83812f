//! Where Redis is, read from a URL once.

use std::fmt;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use super::CountersError;

/// Where Redis is, and who asks. Its text never shows a password.
#[derive(Clone)]
pub struct RedisOptions {
    pub(super) kind: Kind,
    pub(super) places: Vec<ConnectionInfo>,
    shown: String,
}

/// What a URL says that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    Cluster,
}

const SINGLE: &str = "redis://";
const CLUSTER: &str = "redis-cluster://";

impl RedisOptions {
    /// Reads `redis://[user:password@]host[:port][/database]` or `redis-cluster://[user:password@]host:port,host:port,..`.
    pub fn new(url: &str) -> Result<Self, CountersError> {
        let (kind, scheme) = match url.split_once("://") {
            Some(("redis", _)) => (Kind::Single, SINGLE),
            Some(("redis-cluster", _)) => (Kind::Cluster, CLUSTER),
            Some(("rediss" | "rediss-cluster", _)) => {
                return Err(refused("TLS to Redis is not built in yet; use redis:// inside a network that you trust"));
            }
            _ => {
                return Err(refused(
                    "counters are named redis://host:port, or redis-cluster://host:port,host:port for a cluster",
                ));
            }
        };
        let rest = &url[scheme.len()..];
        let (who, places) = match rest.rsplit_once('@') {
            Some((who, places)) => (format!("{who}@"), places),
            None => (String::new(), rest),
        };
        let shown = format!("{scheme}{places}");
        if kind == Kind::Single && places.contains(',') {
            return Err(refused(&format!("{shown} names several places; a cluster is written redis-cluster://..")));
        }
        if kind == Kind::Cluster && places.contains('/') {
            return Err(refused(&format!("{shown} names a database; a cluster has only one, so leave it out")));
        }
        let place = |place: &str| {
            // What the library says of a URL could hold the password, so it is not repeated.
            let info = format!("{SINGLE}{who}{place}").into_connection_info();
            info.map_err(|_| {
                refused(&format!("{shown} cannot be read; it must look like {scheme}user:password@host:port"))
            })
        };
        let places = places.split(',').map(place).collect::<Result<_, _>>()?;
        Ok(Self { kind, places, shown })
    }

    /// The places as connections of this protocol.
    pub(super) fn speaking(&self, protocol: ProtocolVersion) -> impl Iterator<Item = ConnectionInfo> {
        self.places.iter().cloned().map(move |place| {
            let settings = place.redis_settings().clone().set_protocol(protocol);
            place.set_redis_settings(settings)
        })
    }
}

fn refused(what: &str) -> CountersError {
    CountersError::Url(what.to_owned())
}

impl fmt::Display for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisOptions({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_its_text_keeps_the_password() {
        for (url, kind, places, shown) in [
            ("redis://localhost", Kind::Single, 1, "redis://localhost"),
            ("redis://u:se%40cret@10.0.0.1:7000/3", Kind::Single, 1, "redis://10.0.0.1:7000/3"),
            ("redis-cluster://:se@cret@a:1,b:2,c:3", Kind::Cluster, 3, "redis-cluster://a:1,b:2,c:3"),
        ] {
            let options = RedisOptions::new(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!((options.kind, options.places.len(), options.to_string().as_str()), (kind, places, shown));
            assert!(!format!("{options:?}").contains("cret"), "{options:?}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_used_says_what_can() {
        for (url, says) in [
            ("rediss://u:cret@host", "TLS to Redis is not built in yet"),
            ("rediss-cluster://host", "TLS"),
            ("redis:host", "redis://host:port"),
            ("memcached://u:cret@host", "redis://host:port"),
            ("redis://u:cret@a:1,b:2", "redis-cluster://"),
            ("redis-cluster://u:cret@a:1,b:2/3", "leave it out"),
            ("redis://u:cret@host:port", "must look like"),
            ("redis://u:cret@host/tea", "must look like"),
            ("redis-cluster://a:1,,b:2", "must look like"),
        ] {
            let error = RedisOptions::new(url).expect_err(url).to_string();
            assert!(error.contains(says) && !error.contains("cret"), "{url}: {error}");
        }
    }
}
