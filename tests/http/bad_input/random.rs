//! Bodies nobody thought of: arbitrary JSON, and valid bodies with bytes changed. The seed is printed and replays.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{ADMIN, TestServer, seed};

const CASES: u32 = 400;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["tea", "coffee", "single", "score", "2100-01-01T00:00:00Z", "#123456"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec![
                "choices",
                "scores",
                "id",
                "replaces",
                "voter",
                "title",
                "method",
                "open",
                "min",
                "max",
                "change",
                "visibility",
                "slug",
                "accent",
                "opens_at",
                "closes_at",
                "tea",
            ])
            .prop_map(str::to_owned),
            ".{0,8}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

/// A valid body in which some bytes are replaced, removed or doubled.
fn mutated(valid: Vec<Value>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (prop::sample::select(valid), prop::collection::vec(change, 1..6)).prop_map(|(body, changes)| {
        let mut bytes = body.to_string().into_bytes();
        for (place, byte, kind) in changes {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

/// Sends bodies to a server that has one open poll with the slug `tea-or-coffee`; only these statuses may come back.
async fn check(path: &str, valid: Vec<Value>, allowed: &'static [u16]) {
    let server = TestServer::start().await;
    server.create(json!({ "slug": "tea-or-coffee" })).await;
    let body = prop_oneof![
        any_json().prop_map(|json| json.to_string().into_bytes()),
        mutated(valid),
        prop::collection::vec(any::<u8>(), 0..60),
    ];
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed().to_be_bytes());
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let ask = server.ask("POST", path).bearer(ADMIN);
    let runtime = tokio::runtime::Handle::current();
    let run = tokio::task::block_in_place(|| {
        runner.run(&body, |body| {
            let answer = runtime.block_on(ask.clone().body(body).send());
            prop_assert!(allowed.contains(&answer.status), "{}: {}", answer.status, answer.text());
            Ok(())
        })
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_vote_body_breaks_the_server() {
    let id = "0193e2a0-1111-4222-8333-444455556666";
    let valid = vec![
        json!({ "choices": ["tea"], "voter": "vera" }),
        json!({ "choices": ["tea"], "voter": "vera", "id": id }),
        json!({ "scores": { "tea": 1 }, "voter": "vera", "replaces": "x" }),
    ];
    check("/api/v1/polls/tea-or-coffee/votes", valid, &[200, 201, 401, 409, 413, 422]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_poll_body_breaks_the_server() {
    let valid = vec![
        json!({ "title": "Tea?", "choices": ["Tea", "Coffee"], "open": true }),
        json!({ "title": "Tea?", "choices": ["Tea", "Coffee"], "method": "score", "min": 1, "max": 9, "slug": "a-b-c" }),
        json!({ "title": "Tea?", "choices": ["A"], "method": "approval", "opens_at": "2100-01-01T00:00:00Z" }),
    ];
    check("/api/v1/polls", valid, &[201, 413, 422]).await;
}
