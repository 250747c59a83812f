//! What is looked at before counters are trusted to a Redis, and what `hustings doctor` says of one.

use std::collections::HashMap;
use std::sync::Arc;

use redis::{ProtocolVersion, cmd};
use tokio::sync::mpsc;

use super::CountersError;
use super::keeper::Event;
use super::link::{Link, look};
use super::names::{MARKER, Names};
use super::options::{Kind, RedisOptions};

/// The first version with sharded publishing and `SET .. NX GET`. Valkey began as 7.2.
const VERSION_MIN: u32 = 7;

/// Connects to a Redis that may hold the counters of this installation, and marks it as theirs.
pub(super) async fn enter(
    options: &RedisOptions,
    names: &Arc<Names>,
    events: mpsc::Sender<Event>,
) -> Result<Link, CountersError> {
    let link = open(options, names, events).await?;
    claim(&link, options, names).await?;
    Ok(link)
}

/// Marks a Redis as this installation's, where it is nobody else's. It must be written for that, which also shows that
/// it can be.
pub(super) async fn claim(link: &Link, options: &RedisOptions, names: &Names) -> Result<(), CountersError> {
    let place = options.to_string();
    let mut claim = cmd("SET");
    claim.arg(MARKER).arg(names.installation()).arg("NX").arg("GET");
    match link.ask::<Option<String>>(&claim).await {
        Ok(None) => Ok(()),
        Ok(Some(owner)) if owner == names.installation() => Ok(()),
        Ok(Some(_)) => Err(CountersError::OtherInstallation { place }),
        Err(error) => Err(CountersError::of(&place, &error)),
    }
}

/// What there is to know about the Redis of this URL, whoever's counters it holds.
pub async fn redis_facts(options: &RedisOptions) -> Result<Vec<(&'static str, String)>, CountersError> {
    let place = options.to_string();
    let (events, _nobody_listens) = mpsc::channel(1);
    let link = open(options, &Arc::new(Names::new("doctor")), events).await?;
    let infos = link.info().await.map_err(|error| CountersError::of(&place, &error))?;
    let infos: Vec<_> = infos.iter().map(|info| Info::new(info)).collect();
    let all = |of: for<'i> fn(&Info<'i>) -> String| {
        let mut said: Vec<_> = infos.iter().map(of).collect();
        said.sort();
        said.dedup();
        said.join(", ")
    };
    let mut facts = vec![("counters", place), ("counters version", all(|info| info.server()))];
    match options.kind {
        Kind::Single => facts.push(("counters mode", "one server".to_owned())),
        Kind::Cluster => {
            facts.push(("counters mode", format!("cluster of {} primaries", infos.len())));
            // Any other state has been refused above.
            facts.push(("cluster state", "ok".to_owned()));
        }
    }
    facts.push(("counters memory", all(|info| info.memory())));
    facts.push(("eviction", all(|info| info.text("maxmemory_policy").to_owned())));
    facts.push(("persistence", all(|info| info.persistence())));
    Ok(facts)
}

/// Connects, once all that can be seen from outside is right.
async fn open(options: &RedisOptions, names: &Arc<Names>, events: mpsc::Sender<Event>) -> Result<Link, CountersError> {
    let place = options.to_string();
    let failed = |error: &redis::RedisError| CountersError::of(&place, error);
    Info::new(&first_answer(options).await?).check_server(options)?;
    let link = Link::connect(options, names, events).await.map_err(|error| failed(&error))?;
    for info in link.info().await.map_err(|error| failed(&error))? {
        Info::new(&info).check_memory(options)?;
    }
    Ok(link)
}

/// What the first place says that answers at all; the others may be away.
async fn first_answer(options: &RedisOptions) -> Result<String, CountersError> {
    let mut failure = None;
    for place in options.speaking(ProtocolVersion::RESP2) {
        match look(place).await {
            Ok(info) => return Ok(info),
            Err(error) => failure = Some(CountersError::of(&options.to_string(), &error)),
        }
    }
    let what = "the URL names no place".to_owned();
    Err(failure.unwrap_or(CountersError::Unreachable { place: options.to_string(), what }))
}

/// The lines of `INFO`.
struct Info<'a>(HashMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    fn new(info: &'a str) -> Self {
        Self(info.lines().filter_map(|line| line.trim_end().split_once(':')).collect())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).copied().unwrap_or("unknown")
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    fn check_server(&self, options: &RedisOptions) -> Result<(), CountersError> {
        let place = options.to_string();
        let version = self.text("redis_version").to_owned();
        if version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_none_or(|major| major < VERSION_MIN)
        {
            return Err(CountersError::Version { place, version });
        }
        match (options.kind, self.text("cluster_enabled")) {
            (Kind::Single, "1") => Err(CountersError::IsCluster { place }),
            (Kind::Cluster, "0") => Err(CountersError::NoCluster { place }),
            (Kind::Cluster, _) if self.text("cluster_state") != "ok" => {
                Err(CountersError::NotWhole { place, state: self.text("cluster_state").to_owned() })
            }
            (Kind::Single, _) if self.text("role") == "slave" => Err(CountersError::Replica { place }),
            _ => Ok(()),
        }
    }

    fn check_memory(&self, options: &RedisOptions) -> Result<(), CountersError> {
        let policy = self.text("maxmemory_policy");
        if self.number("maxmemory") > 0 && policy != "noeviction" {
            return Err(CountersError::Eviction { place: options.to_string(), policy: policy.to_owned() });
        }
        Ok(())
    }

    fn server(&self) -> String {
        match self.0.get("valkey_version") {
            Some(version) => format!("Valkey {version}"),
            None => format!("Redis {}", self.text("redis_version")),
        }
    }

    fn memory(&self) -> String {
        match self.number("maxmemory") {
            0 => format!("{} used, no limit", self.text("used_memory_human")),
            _ => format!("{} of {} used", self.text("used_memory_human"), self.text("maxmemory_human")),
        }
    }

    fn persistence(&self) -> String {
        let survives = match self.text("aof_enabled") {
            "1" => "append-only file",
            _ => "no append-only file: after a restart, counters are older or gone, and heal from the ledger",
        };
        survives.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, info: &str) -> Result<(), String> {
        let options = RedisOptions::new(url).map_err(|error| error.to_string())?;
        let info = Info::new(info);
        info.check_server(&options).and_then(|()| info.check_memory(&options)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_that_cannot_hold_counters_is_refused_with_what_to_do() {
        let single = "redis://u:cret@here";
        for (url, info, says) in [
            (single, "redis_version:6.2.14\r\ncluster_enabled:0\r\nrole:master\r\n", "needs Redis 7.0 or Valkey"),
            (single, "redis_version:7.0.15\r\ncluster_enabled:1\r\nrole:master\r\n", "redis-cluster://"),
            (single, "redis_version:7.0.15\r\ncluster_enabled:0\r\nrole:slave\r\n", "name its primary"),
            (
                single,
                "redis_version:7.0.15\r\nrole:master\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n",
                "set maxmemory-policy noeviction",
            ),
            ("redis-cluster://here", "redis_version:7.0.15\r\ncluster_enabled:0\r\n", "is not a cluster"),
            (
                "redis-cluster://here",
                "redis_version:7.0.15\r\ncluster_enabled:1\r\ncluster_state:fail\r\n",
                "--cluster check",
            ),
            (single, "something else\r\n", "version unknown"),
        ] {
            let refused = check(url, info).expect_err(info);
            assert!(refused.contains(says) && !refused.contains("cret"), "{info}: {refused}");
        }
    }

    #[test]
    fn redis_and_valkey_are_taken_also_where_a_policy_has_no_limit_to_act_on() {
        for info in [
            "redis_version:7.0.15\r\nrole:master\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n",
            "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nrole:master\r\nmaxmemory:9\r\nmaxmemory_policy:noeviction\r\n",
            "redis_version:8.2.0\r\nrole:master\r\n",
        ] {
            assert_eq!(check("redis://here", info), Ok(()), "{info}");
        }
        let valkey = Info::new("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n").server();
        assert_eq!(valkey, "Valkey 8.0.1");
    }
}
