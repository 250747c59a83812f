//! Results and how they may be cached, entries, and tokens.

use serde_json::{Value, json};

use crate::support::{ADMIN, TestServer, mask};

#[tokio::test]
async fn results_are_cached_by_their_version() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let path = poll.path("/results");
    let first = server.get(&path).send().await.is(200);
    let etag = first.header("etag").expect("an etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", first.json()["version"].as_str().unwrap_or_default()));
    assert_eq!(first.header("cache-control"), Some("public, max-age=1, stale-if-error=60"));
    assert_eq!(first.header("vary"), Some("authorization, cookie, hustings-audience"));
    assert_eq!(first.header("content-type"), Some("application/json"));
    // A proxy that compresses makes the tag a weak one (RFC 9110, section 8.8.3), and sends it back so.
    let tags = [etag.clone(), "*".to_owned(), format!("\"x\", {etag}"), format!("W/{etag}")];
    for known in &tags {
        let answer = server.get(&path).header("if-none-match", known).send().await.is(304);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert_eq!(answer.header("vary"), Some("authorization, cookie, hustings-audience"));
    }
    server.get(&path).header("if-none-match", "\"x\"").send().await.is(200);
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let second = server.get(&path).header("if-none-match", &etag).send().await.is(200);
    assert_eq!((&second.json()["ballots"], mask(&second.text())), (&json!(1), mask(&second.text())));
    assert_ne!(second.header("etag"), Some(etag.as_str()));
    let private = server.get(&path).bearer(ADMIN).send().await.is(200);
    assert_eq!(private.header("cache-control"), Some("private, no-cache"));
    server.finish().await;
}

#[tokio::test]
async fn entries_are_the_ledger_line_by_line() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "change": "until_close" })).await;
    let id = "0193e2a0-1111-4222-8333-444455556666";
    server.vote(&poll, "a", json!({ "choices": ["tea"], "id": id })).await.is(201);
    server.vote(&poll, "a", json!({ "choices": ["coffee"] })).await.is(201);
    server.act(&poll, "close").await.is(200);
    let mut entries = server.entries(&poll).await;
    let voter = entries[1]["voter"].clone();
    assert_eq!(voter.as_str().map(str::len), Some(32), "a voter is 16 bytes of a keyed hash");
    for entry in &mut entries {
        assert!(entry["bytes"].as_str().is_some_and(|bytes| bytes.len() > 40), "{entry}");
        let fields = entry.as_object_mut().expect("an object");
        fields.remove("bytes");
        fields.remove("time");
    }
    entries[0]["definition"] = Value::Null;
    let by = "HUSTINGS_ADMIN_TOKEN";
    let vote = |seq: u64, id: Value, choice: &str, replaces: Value| {
        json!({ "seq": seq, "kind": "ballot_cast", "contest": 0, "group": 0, "voter": voter, "id": id,
            "choices": [choice], "replaces": replaces })
    };
    let expected = json!([
        { "seq": 1, "kind": "contest_opened", "contest": 0, "by": by, "reason": null, "scheduled": false, "definition": null },
        vote(2, json!(id), "tea", Value::Null),
        vote(3, Value::Null, "coffee", json!(2)),
        { "seq": 4, "kind": "contest_closed", "contest": 0, "by": by, "reason": null, "scheduled": false },
    ]);
    assert_eq!(Value::from(entries), expected);
    for (query, lines) in [("", 4), ("?after=2", 2), ("?after=1&limit=2", 2), ("?after=4", 0), ("?limit=0", 1)] {
        let page = server.get(&poll.path(&format!("/entries{query}"))).bearer(ADMIN).send().await.is(200);
        assert_eq!(page.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.text().lines().count(), lines, "{query}");
    }
    for query in ["?after=x", "?after=-1", "?limit=1.5", "?before=1"] {
        let page = server.get(&poll.path(&format!("/entries{query}"))).bearer(ADMIN).send().await;
        page.refused(422, "invalid_query");
    }
    server.finish().await;
}

#[tokio::test]
async fn tokens_are_shown_once_and_revoked_for_ever() {
    let server = TestServer::start().await;
    let body = json!({ "name": "Gateway", "scopes": ["vote", "results", "vote"] });
    let made = server.post("/api/v1/tokens", &body).bearer(ADMIN).send().await.is(201).json();
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("hst_") && token.len() == 47, "{made}");
    let quota = json!({ "name": "Board", "scopes": ["results"] });
    server.post("/api/v1/tokens", &quota).bearer(ADMIN).send().await.is(201);
    let list = server.get("/api/v1/tokens").bearer(ADMIN).send().await;
    assert!(!list.text().contains(&token));
    list.shows(
        200,
        json!([
            { "id": 1, "name": "Gateway", "scopes": ["vote", "results"], "created": "<time>" },
            { "id": 2, "name": "Board", "scopes": ["results"], "per_minute": 600, "created": "<time>" },
        ]),
    );
    let poll = server.create(json!({})).await;
    let entries = poll.path("/entries");
    server.get(&entries).bearer(&token).send().await.is(200);
    server.ask("DELETE", "/api/v1/tokens/1").bearer(ADMIN).send().await.is(204);
    server.get(&entries).bearer(&token).send().await.refused(401, "invalid_token");
    for id in ["1", "3", "x", "-1", "99999999999999999999"] {
        let again = server.ask("DELETE", &format!("/api/v1/tokens/{id}")).bearer(ADMIN).send().await;
        again.refused(404, "unknown_token");
    }
    let list = server.get("/api/v1/tokens").bearer(ADMIN).send().await.is(200).json();
    assert!(list[0]["revoked"].is_string() && list[1]["revoked"].is_null(), "{list}");
    for (body, code, pointer) in [
        (json!({ "name": "", "scopes": ["vote"] }), "empty_text", "/name"),
        (json!({ "name": "x", "scopes": [] }), "unknown_scope", "/scopes"),
        (json!({ "name": "x", "scopes": ["root"] }), "unknown_scope", "/scopes"),
        (json!({ "name": "x", "scopes": ["vote"], "per_minute": -1 }), "wrong_type", "/per_minute"),
        (json!({ "scopes": ["vote"] }), "missing_field", ""),
    ] {
        let refused = server.post("/api/v1/tokens", &body).bearer(ADMIN).send().await.refused(422, code);
        assert_eq!(refused.json()["pointer"], pointer, "{body}");
    }
    server.finish().await;
}

/// Every call that needs a token, and every scope: only its own scope and `admin` open it.
#[tokio::test]
async fn each_call_asks_for_its_own_scope() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let mut tokens = Vec::new();
    for scope in ["admin", "manage", "vote", "results", "metrics"] {
        tokens.push((scope, server.token(&[scope]).await));
    }
    let none = json!({});
    let vote = json!({ "choices": ["tea"], "voter": "vera a" });
    let mut calls = vec![
        ("POST", "/api/v1/polls".to_owned(), json!({ "title": "x", "choices": ["A", "B"] }), "manage"),
        ("POST", "/polls/".to_owned(), json!({ "title": "x", "choices": ["A", "B"] }), "manage"),
        ("GET", "/api/v1/polls".to_owned(), none.clone(), "manage"),
        ("POST", poll.path("/votes"), vote, "vote"),
        ("GET", poll.path("/entries"), none.clone(), "results"),
        ("POST", poll.path("/results/tickets"), none.clone(), "results"),
        ("GET", "/api/v1/tokens".to_owned(), none.clone(), "admin"),
        ("POST", "/api/v1/tokens".to_owned(), json!({ "name": "x", "scopes": ["vote"] }), "admin"),
        ("DELETE", "/api/v1/tokens/99".to_owned(), none.clone(), "admin"),
    ];
    for act in ["open", "pause", "close", "reopen", "reveal", "rounds"] {
        calls.push(("POST", poll.path(&format!("/{act}")), none.clone(), "manage"));
    }
    for (method, path, body, needed) in &calls {
        for (scope, token) in &tokens {
            let answer = server.ask(method, path).bearer(token).json(body).send().await;
            let opens = *scope == "admin" || scope == needed;
            assert_eq!(answer.status != 403, opens, "{method} {path} with {scope}: {}", answer.text());
            if !opens {
                answer.refused(403, "wrong_scope");
            }
        }
        let code = if *needed == "vote" { "no_voter" } else { "no_token" };
        let nobody = server.ask(method, path).json(body).send().await.refused(401, code);
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
        for wrong in ["Bearer hst_unknown", "Basic dTpw", "Bearer", "", "bearer  "] {
            let refused = server.ask(method, path).header("authorization", wrong).json(body).send().await;
            refused.refused(401, "invalid_token");
        }
        let code = server.ask(method, path).header("authorization", "Code ABC").json(body).send().await;
        let (status, why) = if *needed == "vote" { (403, "wrong_scope") } else { (401, "no_token") };
        code.refused(status, why);
    }
    server.finish().await;
}
