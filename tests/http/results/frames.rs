//! Frames: one page is made for them, and no other may be put into one.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{ADMIN, TestServer};

/// The addresses of pages, as the program names them.
fn routes() -> BTreeSet<&'static str> {
    let source = include_str!("../../../src/http/web/mod.rs");
    source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn only_the_page_for_frames_may_be_framed() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "access": "codes" })).await;
    let mut pages = 0;
    // A stream has no end, and is no page.
    for route in routes().into_iter().filter(|route| !route.ends_with("/stream")) {
        let path = route
            .replace("{code}", &poll.code)
            .replace("{secret}", "c0ffee")
            .replace("{access}", "ABCDEFGHJK")
            .replace("{hash}", "0123456789ab")
            .replace("{name}", "hustings.css");
        let nowhere = route.replace("{code}", "ZZZZZZ").replace("{secret}", "x").replace("{access}", "x");
        for path in [path, nowhere.replace("{hash}", "x").replace("{name}", "x")] {
            let answers = [
                server.get(&path).send().await,
                server.get(&path).bearer(ADMIN).send().await,
                server.post(&path, &json!({})).send().await,
            ];
            for answer in answers {
                let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
                let policy = answer.header("content-security-policy").unwrap_or_default();
                let is_framed = policy.contains("frame-ancestors *");
                if is_page {
                    pages += 1;
                    assert_eq!(policy.contains("frame-ancestors 'none'"), route != "/{code}/embed", "{path}: {policy}");
                }
                assert!(!is_framed || route == "/{code}/embed", "{path}: {policy}");
            }
        }
    }
    assert!(routes().contains("/{code}/embed") && pages > 40, "{pages} pages were looked at");
    let elsewhere = server.get("/nothing/here").send().await.is(404);
    assert!(
        elsewhere.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'"))
    );
    server.finish().await;
}

#[tokio::test]
async fn a_frame_shows_what_anybody_may_see_and_keeps_nothing() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "after_vote" })).await;
    let voter = server.device(&poll).await;
    server.post(&poll.path("/votes"), &json!({ "choices": ["tea"] })).cookie(&voter).send().await.is(201);
    let path = format!("/{}/embed", poll.code);
    let frame = server.get(&format!("{path}?lang=fr")).cookie(&voter).send().await.is(200);
    assert!(frame.text().contains("data-hidden") && !frame.text().contains("100,0"), "{}", frame.text());
    assert!(frame.text().contains("<html lang=\"fr\""), "{}", frame.text());
    assert_eq!(frame.header("set-cookie"), None);
    assert_eq!(frame.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(frame.header("cross-origin-embedder-policy"), Some("require-corp"));
    // What it follows is what anybody may follow.
    assert!(frame.text().contains(&format!("data-stream=\"/{}/screen/stream\"", poll.code)));
    server.act(&poll, "close").await.is(200);
    let shown = server.get(&path).send().await.is(200).text();
    assert!(shown.contains("100.0%") && shown.contains("1 voter<"), "{shown}");
    let button = format!("href=\"{}/{}\" target=\"_blank\" rel=\"noopener\"", server.url(), poll.code);
    assert!(shown.contains(&button), "{shown}");
    let packed = server.get(&path).header("accept-encoding", "gzip").send().await.is(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    // A round is shown that was chosen, and goes on to be when the next one begins.
    server.act(&poll, "rounds").await.is(201);
    let first = format!("{path}?round=1");
    let shown = server.get(&first).send().await.is(200).text();
    assert!(shown.contains("Round 1") && shown.contains("1 voter<") && !shown.contains("data-stream"), "{shown}");
    assert!(!server.get(&path).send().await.is(200).text().contains("1 voter<"), "the latest one");
    for round in ["3", "0", "x"] {
        let missing = server.get(&format!("{path}?round={round}")).send().await.is(404);
        assert!(missing.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors *")));
    }
    let page = server.get(&format!("/{}/results?round=1", poll.code)).send().await.is(200).text();
    assert!(page.contains(&format!("&#60;iframe src=&#34;{}{first}&#34;", server.url())), "{page}");
    // One that is hidden hears when that changes.
    let hidden = server.create(json!({ "visibility": "on_reveal" })).await;
    for act in ["close", "rounds"] {
        assert!(server.act(&hidden, act).await.status < 300, "{act}");
    }
    let first = format!("/{}/embed?round=1", hidden.code);
    let shown = server.get(&first).send().await.is(200).text();
    assert!(
        shown.contains("data-stream=") && shown.contains("data-earlier") && shown.contains("data-hidden"),
        "{shown}"
    );
    let missing = server.get("/ZZZZZZ/embed").send().await.is(404);
    assert!(missing.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors *")));
    for act in ["open", "close"] {
        server.act(&poll, act).await.is(200);
    }
    let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200).text();
    assert!(page.contains(&format!("&#60;iframe src=&#34;{}/{}/embed&#34;", server.url(), poll.code)), "{page}");
    server.finish().await;
}
