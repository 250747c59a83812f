//! `hustings bench counters` proves what it prints, and leaves a Redis that was named as it was.

use std::process::{Command, Output};

use redis::cmd;

use crate::services::redis::Redis;

fn bench(url: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hustings"));
    command.args(["bench", "counters", "--votes", "600", "--batch", "100", "--json"]);
    command.args(url.map(|url| format!("--counters={url}")));
    command.output().expect("the program runs")
}

/// What it says instead of figures.
fn refusal(url: &str) -> String {
    let output = bench(Some(url));
    assert!(!output.status.success(), "{url}: {output:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn each_way_of_counting_is_measured_and_exact() {
    let server = Redis::start(&[]);
    server.ask::<()>(cmd("SET").arg("somebody").arg("else"));
    for url in [None, Some(server.url())] {
        let output = bench(url.as_deref());
        assert!(output.status.success(), "{output:?}");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
        assert_eq!(said["exact"], true, "{said}");
        let rows = said["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), 9, "{said}");
        for row in rows {
            let rounds = row["increments_per_second"].as_array().expect("rounds");
            assert!(rounds.len() == 3 && rounds.iter().all(|speed| speed.as_f64() > Some(0.0)), "{row}");
        }
    }
    assert_eq!(server.ask::<Vec<String>>(cmd("KEYS").arg("*")), ["somebody"], "nothing of it is left");
}

#[test]
fn a_redis_that_is_in_use_is_left_alone() {
    let server = Redis::start(&[]);
    server.ask::<()>(cmd("SET").arg("hustings:installation").arg("c0ffee"));
    assert!(refusal(&server.url()).contains("another installation"));
    assert_eq!(server.ask::<String>(cmd("GET").arg("hustings:installation")), "c0ffee");
    assert!(refusal(&format!("redis-cluster://{}", server.place())).contains("redis://host:port"));
    let secret = refusal(&format!("redis://:secret@{}", server.place()));
    assert!(secret.contains("would show the password") && !secret.contains("secret@"), "{secret}");
}
