//! What is refused at the start, each time with a sentence that says what to do and never shows a password.

use std::sync::Arc;

use hustings::tally::{CountersError, RedisCounters, RedisOptions, redis_facts};
use redis::cmd;

use crate::conformance::CountersBackend;
use crate::conformance::backends::RedisCluster;
use crate::services::ports;
use crate::services::redis::Redis;
use crate::services::until;

async fn connect(url: &str, installation: &str) -> Result<RedisCounters, CountersError> {
    let options = RedisOptions::new(url).expect("a URL");
    RedisCounters::connect(options, installation, Arc::new(|_| {})).await
}

async fn refused(url: &str, says: &str) {
    let refusal = connect(url, "c0ffee").await.err().unwrap_or_else(|| panic!("{url} is taken, and not: {says}"));
    let refusal = refusal.to_string();
    assert!(refusal.contains(says), "{url}: {refusal}");
    assert!(!refusal.contains("secret"), "{url}: {refusal}");
}

#[tokio::test]
async fn nobody_there_and_a_wrong_password_are_two_things() {
    refused(&format!("redis://:secret@127.0.0.1:{}", ports::free()), "no Redis answers").await;
    refused(&format!("redis-cluster://:secret@127.0.0.1:{}", ports::free()), "no Redis answers").await;
    let server = Redis::start(&["--requirepass", "right"]);
    refused(&server.url(), "refuses this user or password").await;
    refused(&format!("redis://:secret@{}", server.place()), "refuses this user or password").await;
    refused(&format!("redis://somebody:secret@{}", server.place()), "refuses this user or password").await;
    connect(&format!("redis://:right@{}/3", server.place()), "c0ffee").await.expect("the right password");
}

#[tokio::test]
async fn a_server_that_may_drop_counters_is_refused() {
    for (policy, refuses) in [("allkeys-lru", true), ("volatile-ttl", true), ("noeviction", false)] {
        let server = Redis::start(&["--maxmemory", "64mb", "--maxmemory-policy", policy]);
        match refuses {
            true => refused(&server.url(), "set maxmemory-policy noeviction").await,
            false => drop(connect(&server.url(), "c0ffee").await.expect(policy)),
        }
    }
}

#[tokio::test]
async fn the_counters_of_another_installation_are_left_alone() {
    let server = Redis::start(&[]);
    drop(connect(&server.url(), "c0ffee").await.expect("the first one"));
    drop(connect(&server.url(), "c0ffee").await.expect("a second node"));
    let other = connect(&server.url(), "7ea").await.err().expect("another installation");
    assert!(other.to_string().contains("another installation"), "{other}");
    drop(connect(&format!("{}/1", server.url()), "7ea").await.expect("another database"));
}

#[tokio::test]
async fn a_replica_is_refused() {
    let primary = Redis::start(&[]);
    let replica = Redis::start(&[]);
    let place = primary.place();
    let (host, port) = place.split_once(':').expect("a port");
    replica.ask::<()>(cmd("REPLICAOF").arg(host).arg(port));
    until("it follows", || replica.ask::<String>(cmd("INFO").arg("replication")).contains("master_link_status:up"));
    refused(&replica.url(), "name its primary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_and_a_cluster_are_not_taken_for_each_other() {
    let server = Redis::start(&[]);
    refused(&format!("redis-cluster://{}", server.place()), "is not a cluster").await;
    let _cluster = RedisCluster::start().await;
    let url = RedisCluster::url();
    let first = url.trim_start_matches("redis-cluster://").split(',').next().expect("a place");
    refused(&format!("redis://{first}"), "write redis-cluster://").await;
    // The others are found by themselves.
    connect(&format!("redis-cluster://{first}"), "c0ffee").await.expect("a cluster");
    let alone = Redis::start(&["--cluster-enabled", "yes", "--cluster-port", &ports::free().to_string()]);
    refused(&format!("redis-cluster://{}", alone.place()), "is not whole").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_are_told_before_anything_is_written() {
    let server = Redis::start(&["--maxmemory", "64mb", "--appendonly", "yes"]);
    let options = RedisOptions::new(&server.url()).expect("a URL");
    let facts = redis_facts(&options).await.expect("facts");
    let fact = |name: &str| facts.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value.as_str());
    assert!(fact("counters version").expect("a version").starts_with("Redis 7"), "{facts:?}");
    assert_eq!(fact("counters mode"), Some("one server"));
    assert_eq!((fact("eviction"), fact("persistence")), (Some("noeviction"), Some("append-only file")));
    assert!(fact("counters memory").expect("memory").contains("of 64.00M"), "{facts:?}");
    assert_eq!(server.ask::<usize>(&cmd("DBSIZE")), 0);

    let _cluster = RedisCluster::start().await;
    let facts = redis_facts(&RedisOptions::new(&RedisCluster::url()).expect("a URL")).await.expect("facts");
    assert!(facts.contains(&("counters mode", "cluster of 3 primaries".to_owned())), "{facts:?}");
    assert!(facts.contains(&("cluster state", "ok".to_owned())), "{facts:?}");
}
