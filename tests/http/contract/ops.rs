//! What operators ask, the pages, and the description of the whole.

use serde_json::{Value, json};

use crate::support::{ADMIN, TestServer};

#[tokio::test]
async fn the_server_says_that_it_lives_is_ready_and_counts() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    assert_eq!(server.get("/livez").send().await.is(200).text(), "ok\n");
    assert_eq!(server.get("/readyz").send().await.is(200).text(), "ready\n");
    let metrics = server.token(&["metrics"]).await;
    let all = server.get("/metrics").bearer(&metrics).send().await.is(200).text();
    for name in ["hustings_votes_total", "hustings_commits_total", "hustings_submissions_total", "hustings_connections"]
    {
        assert!(all.contains(name), "{name} is missing:\n{all}");
    }
    let public = server.get("/metrics").send().await.is(200).text();
    let names = public.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(['{', ' ']).next());
    let names: Vec<_> = names.flatten().collect();
    let allowed = ["hustings_build_info", "hustings_recount_alarms_total", "hustings_connections_refused_total"];
    assert!(names.contains(&"hustings_recount_alarms_total"), "{public}");
    assert!(names.iter().all(|name| allowed.contains(name)), "{public}");
    server.finish().await;
}

#[tokio::test]
async fn the_bench_is_there_only_where_it_was_asked_for() {
    let vote = json!({ "choices": ["tea"], "voter": "vera a" });
    let server = TestServer::start().await;
    server.get("/bench/noop").send().await.is(404);
    server.finish().await;
    let server = TestServer::with(&["--bench"]).await;
    assert_eq!(server.get("/bench/noop").send().await.is(200).json()["status"], "noop");
    assert_eq!(server.post("/bench/noop", &vote).bearer(ADMIN).send().await.is(201).json()["status"], "noop");
    server.post("/bench/noop", &json!({ "choice": 1 })).bearer(ADMIN).send().await.refused(422, "unknown_field");
    server.finish().await;
}

/// What stands on the results page before any script runs.
#[tokio::test]
async fn the_results_page_reads_well() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let page = async |code: &str| server.get(&format!("/{code}/results")).send().await.is(200).text();
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let one = page(&poll.code).await;
    assert!(one.contains(">1 voter<") && one.contains("100.0%") && one.contains("0.0%"), "{one}");
    assert!(one.contains("id=\"unit\">Percentages of votes.</p>"), "{one}");
    server.vote(&poll, "b", json!({ "choices": ["tea"] })).await.is(201);
    assert!(page(&poll.code).await.contains(">2 voters<"));
    let hidden = server.create(json!({ "visibility": "on_reveal" })).await;
    assert!(page(&hidden.code).await.contains("id=\"unit\"></p>"));
    server.finish().await;
}

#[tokio::test]
async fn pages_are_plain_and_safe() {
    let server = TestServer::start().await;
    let poll =
        server.create(json!({ "title": "<script>&\"'", "choices": ["<b>", "</title>"], "slug": "town-hall" })).await;
    let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200);
    let html = page.text();
    assert!(!html.contains("<script>&") && !html.contains("<b>\""), "{html}");
    assert!(html.contains(&poll.code), "{html}");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for asset in html.split('"').filter(|text| text.starts_with("/assets/")) {
        let asset = server.get(asset).send().await.is(200);
        assert!(asset.header("cache-control").is_some_and(|cache| cache.contains("immutable")));
    }
    server.get("/town-hall/results").send().await.is(200);
    for path in ["/", "/api"] {
        server.get(path).send().await.is(200);
    }
    let reference = server.get("/api").send().await.text();
    assert_eq!(reference.matches(&format!("curl -X POST {}/api/v1/", server.url())).count(), 2, "{reference}");
    for path in ["/ABCDEF", "/ABCDEF/results", "/a/b/c", "/%00", "/..%2f"] {
        let missing = server.get(path).send().await.is(404);
        assert!(missing.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{path}");
    }
    server.get("/api/v1/nothing").send().await.refused(404, "not_found");
    server.finish().await;
}

/// The document names every address of the contract, and every answer of each.
#[tokio::test]
async fn the_description_names_every_call() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").send().await.is(200).json();
    let mut calls: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let methods = item.as_object().expect("an item").keys();
        calls.extend(methods.filter(|name| *name != "parameters").map(|method| format!("{method} {path}")));
    }
    calls.sort();
    let poll = "/api/v1/polls/{poll}";
    let acts = ["open", "pause", "close", "reopen", "reveal", "rounds", "title", "clone", "rehearse"];
    let sent = ["votes", "results/tickets", "codes", "roster", "links"];
    let mut expected: Vec<String> = acts
        .into_iter()
        .chain(sent)
        .map(|tail| format!("post {poll}/{tail}"))
        .chain(
            ["results", "results/stream", "results/ws", "entries", "ballots", "codes", "roster"]
                .map(|tail| format!("get {poll}/{tail}")),
        )
        .collect();
    for call in [
        "post /api/v1/polls",
        "get /api/v1/polls",
        "get /api/v1/polls/{poll}",
        "put /api/v1/polls/{poll}",
        "delete /api/v1/polls/{poll}",
        "delete /api/v1/elections/{election}",
        "get /api/v1/removed",
        "get /api/v1/receipts/{receipt}",
        "post /api/v1/tokens",
        "get /api/v1/tokens",
        "delete /api/v1/tokens/{token}",
    ] {
        expected.push(call.to_owned());
    }
    let night = "/api/v1/elections/{election}";
    expected.extend(["get /api/v1/elections", "post /api/v1/elections"].map(str::to_owned));
    expected.push(format!("get {night}"));
    let read = ["audit", "boxes", "boxes/{box}", "boxes/{box}/receipt", "changes", "history", "missing", "parties"];
    let more =
        ["quarantine", "quarantine/{case}", "results", "results/stream", "results/ws", "status", "tokens", "units"];
    expected.extend(read.into_iter().chain(more).map(|tail| format!("get {night}/{tail}")));
    let acts = ["open", "pause", "close", "reopen", "reveal", "certify", "contests", "parties", "tokens", "units"];
    let sent = ["reports", "reports/bulk", "reports/withdraw", "quarantine/{case}", "results/tickets"];
    let sent = acts.into_iter().chain(sent).chain(["units/{unit}/retire"]);
    expected.extend(sent.map(|tail| format!("post {night}/{tail}")));
    expected.push(format!("delete {poll}/codes/{{number}}"));
    expected.push(format!("post {poll}/codes/{{number}}/replace"));
    expected.push(format!("post {poll}/roster/{{number}}/relist"));
    expected.sort();
    assert_eq!(calls, expected);
    server.finish().await;
}

/// How callers are known, and by which of these ways each call may be made.
#[tokio::test]
async fn the_description_says_who_may_ask() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").send().await.is(200).json();
    let schemes = document.pointer("/components/securitySchemes").cloned().unwrap_or(Value::Null);
    assert!(["token", "code", "device", "session"].iter().all(|name| schemes[name].is_object()), "{schemes}");
    assert_eq!(
        (&schemes["session"]["in"], &schemes["session"]["name"]),
        (&json!("cookie"), &json!("hustings-session"))
    );
    // Who is signed in may ask for whatever a token may, and votes like everybody else.
    for (call, expected) in [
        ("/api/v1/polls/{poll}/open", json!([{ "token": [] }, { "session": [] }])),
        ("/api/v1/elections/{election}/units", json!([{ "token": [] }, { "session": [] }])),
        ("/api/v1/polls/{poll}/votes", json!([{ "token": [] }, { "code": [] }, { "device": [] }])),
    ] {
        assert_eq!(document["paths"][call]["post"]["security"], expected, "{call}");
    }
    let results = &document["paths"]["/api/v1/polls/{poll}/results"]["get"]["security"];
    assert_eq!(results, &json!([{}, { "token": [] }, { "session": [] }]));
    server.finish().await;
}
