//! Results that are asked for while votes come and rounds are opened: the picture may be behind, the reader is told so, and
//! nothing of another round is told to who has not voted in it.

use serde_json::json;

use super::page::{between, page};
use crate::support::{ADMIN, Poll, TestServer};

/// The number that stands at the end of the table of times: how many the picture tells of.
fn pictured(html: &str) -> Option<u64> {
    let (_, table) = html.split_once("id=\"chart-table\"")?;
    let (table, _) = table.split_once("</table>")?;
    between(table, "class=\"number\">", "<").last()?.parse().ok()
}

fn voters(html: &str) -> Option<u64> {
    between(html, "<span id=\"voters\">", " ").first()?.parse().ok()
}

#[tokio::test]
async fn a_picture_that_tells_of_fewer_voters_than_the_figures_says_that_it_is_late() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let vote = async |name: String| {
        server.vote(&poll, &name, json!({ "choices": ["tea"] })).await.is(201);
    };
    let mut first = 0;
    while pictured(&page(&server, &poll, "").await).is_none() {
        first += 1;
        vote(format!("vera-{first}")).await;
    }
    // The pictures are asked for while votes come.
    let voting = async {
        for at in 0..200 {
            vote(format!("vera-later-{at}")).await;
        }
    };
    let reading = async || {
        for _ in 0..60 {
            let shown = page(&server, &poll, "").await;
            let is_behind = pictured(&shown) != voters(&shown);
            assert_eq!(shown.contains("data-late"), is_behind, "{shown}");
        }
    };
    tokio::join!(voting, reading(), reading(), reading());
    // And it is whole soon after, without a further vote.
    loop {
        let shown = page(&server, &poll, "").await;
        if !shown.contains("data-late") {
            assert_eq!((pictured(&shown), voters(&shown)), (Some(first + 200), Some(first + 200)));
            break;
        }
    }
    server.finish().await;
}

/// Opens the next round, in which somebody else votes.
async fn next_round(server: &TestServer, poll: &Poll, round: u32) {
    server.act(poll, "close").await.is(200);
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    for at in 0..3 {
        server.vote(poll, &format!("vera-{round}-{at}"), json!({ "choices": ["coffee"] })).await.is(201);
        page(server, poll, "?round=1").await;
    }
}

#[tokio::test]
async fn a_round_that_opens_while_results_are_read_is_not_told_to_who_voted_in_the_one_before() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "after_vote" })).await;
    let voter = server.device(&poll).await;
    for round in 1..=12 {
        server.post(&poll.path("/votes"), &json!({ "choices": ["tea"] })).cookie(&voter).send().await.is(201);
        let reading = async || {
            for _ in 0..12 {
                let shown = server.get(&format!("/{}/results", poll.code)).cookie(&voter).send().await.is(200).text();
                let is_next = shown.contains(&format!("<span>Round {}</span>", round + 1));
                assert_eq!(shown.contains("data-hidden"), is_next, "{shown}");
                let shown = server.get(&poll.path("/results")).cookie(&voter).send().await.is(200).json();
                assert_eq!(shown["hidden"], shown["round"] == round + 1, "{shown}");
            }
        };
        tokio::join!(next_round(&server, &poll, round), reading(), reading(), reading());
    }
    server.finish().await;
}
