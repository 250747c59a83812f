//! The network between a node and the database loses every packet: each vote over HTTP is answered in time and truly, and
//! counts once in the end.

use std::time::Duration;

use hustings::load::{Api, ApiError, Poll};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::installation::Installation;
use crate::services::gate::Mode;

/// What is promised to every voter.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
/// Enough for one batch on its way, and others behind it.
const VOTERS: u32 = 40;

/// What became of a vote: its status, or the code of its refusal.
async fn cast(node: &Api, poll: &Poll, voter: u32) -> String {
    let id = format!("0193e2a0-0000-4000-8000-{voter:012}");
    let vote = json!({ "choices": ["a"], "voter": voter.to_string(), "id": id });
    match node.json("POST", &poll.path("votes"), Some(&vote)).await {
        Ok(answer) => answer["status"].as_str().expect("a status").to_owned(),
        Err(ApiError::Refused { status: 503, code, .. }) => code,
        Err(error) => panic!("{voter}: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_vote_is_answered_in_time_also_where_the_network_is_silent() {
    let installation = Installation::start(1, false).await;
    let node = installation.node(0).await;
    let poll = node.create_poll("In silence", &["A", "B"]).await.expect("a poll");
    assert_eq!(cast(&node, &poll, 0).await, "counted");
    let made = json!({ "name": "gateway", "scopes": ["vote"] });
    let made = node.json("POST", "/api/v1/tokens", Some(&made)).await.expect("a token");
    // Nobody has shown this one yet, so it must be looked up.
    let unknown =
        Api::new(&installation.nodes[0].url(), made["token"].as_str().expect("a token")).await.expect("an address");

    installation.gates[0].set(Mode::Silent);
    let mut asked = JoinSet::new();
    for voter in 1..=VOTERS {
        let api = if voter == VOTERS { unknown.clone() } else { node.clone() };
        let poll = poll.clone();
        asked.spawn(async move {
            let began = Instant::now();
            (voter, cast(&api, &poll, voter).await, began.elapsed())
        });
    }
    let answers = asked.join_all().await;
    installation.gates[0].set(Mode::Open);
    for (voter, answer, took) in &answers {
        assert!(["in_doubt", "store_unavailable"].contains(&answer.as_str()), "{voter}: {answer}");
        assert!(*took < ANSWERED_WITHIN, "{voter}: {answer} after {took:?}");
    }
    let told = |code: &str| answers.iter().filter(|(_, answer, _)| answer == code).count();
    println!("{} in doubt, {} not stored", told("in_doubt"), told("store_unavailable"));
    assert!(told("in_doubt") > 0, "void: nothing was on its way");
    assert!(answers.iter().any(|(voter, answer, _)| *voter == VOTERS && answer == "store_unavailable"));

    for voter in 0..=VOTERS {
        let again = cast(&node, &poll, voter).await;
        assert!(["counted", "repeated"].contains(&again.as_str()), "{voter}: {again}");
    }
    assert_eq!(cast(&unknown, &poll, VOTERS).await, "repeated");
    node.close(&poll).await.expect("a close");
    assert_eq!(node.results(&poll).await.expect("results").ballots, u64::from(VOTERS) + 1, "each once");
    installation.finish().await;
}
