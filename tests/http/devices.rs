//! Devices and other people's pages: who gets a cookie, what it is good for, and who may make a browser send it.

use serde_json::json;

use crate::support::{ADMIN, Ask, Poll, Socket, TestServer};

fn by_cookie(server: &TestServer, poll: &Poll, cookie: &str) -> Ask {
    server.post(&poll.path("/votes"), &json!({ "choices": ["tea"] })).cookie(cookie)
}

#[tokio::test]
async fn only_pages_make_devices() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "slug": "town-hall" })).await;
    for path in [
        "/".to_owned(),
        "/api".to_owned(),
        "/api/openapi.json".to_owned(),
        "/livez".to_owned(),
        "/readyz".to_owned(),
        "/metrics".to_owned(),
        "/nothing/here".to_owned(),
        poll.path(""),
        poll.path("/results"),
        poll.path("/nothing"),
        format!("/polls/{}/results/", poll.id),
        "/api/v1/receipts/x".to_owned(),
        "/api/v1/polls".to_owned(),
    ] {
        assert_eq!(server.get(&path).send().await.header("set-cookie"), None, "GET {path}");
    }
    for (path, body) in [
        ("/api/v1/polls".to_owned(), json!({ "title": "x", "choices": ["A", "B"] })),
        (poll.path("/votes"), json!({ "choices": ["tea"], "voter": "vera" })),
        (poll.path("/close"), json!({})),
        (format!("/{}/results", poll.code), json!({})),
        (format!("/{}", poll.code), json!({})),
    ] {
        for bearer in [Some(ADMIN), None] {
            let ask = server.post(&path, &body);
            let answer = if let Some(token) = bearer { ask.bearer(token) } else { ask }.send().await;
            assert_eq!(answer.header("set-cookie"), None, "POST {path}");
        }
    }
    for path in ["", "/results"] {
        for name in [&poll.code, "town-hall"] {
            let page = server.get(&format!("/{name}{path}")).send().await.is(200);
            let cookie = page.header("set-cookie").unwrap_or_else(|| panic!("no cookie at {path}")).to_owned();
            let pair = cookie.split(';').next().unwrap_or_default();
            let again = server.get(&format!("/{name}{path}")).cookie(pair).send().await.is(200);
            assert_eq!(again.header("set-cookie"), None, "a device keeps its key");
        }
    }
    server.finish().await;
}

#[tokio::test]
async fn cookies_are_as_safe_as_the_address_allows() {
    let path_and_age = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";
    for (public_url, name, flags) in [
        (None, "hustings-device", path_and_age.to_owned()),
        (Some("http://vote.example"), "hustings-device", path_and_age.to_owned()),
        (Some("https://vote.example"), "__Host-hustings-device", format!("{path_and_age}; Secure")),
    ] {
        let arguments: Vec<&str> = public_url.iter().flat_map(|url| ["--public-url", url]).collect();
        let server = TestServer::with(&arguments).await;
        let poll = server.create(json!({})).await;
        let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200);
        let cookie = page.header("set-cookie").expect("a cookie").to_owned();
        let (pair, rest) = cookie.split_at(cookie.find(';').expect("flags"));
        let (found, value) = pair.split_once('=').expect("a pair");
        assert_eq!((found, rest, value.len()), (name, flags.as_str(), 43), "{public_url:?}");
        by_cookie(&server, &poll, pair).send().await.is(201);
        // The name of the other kind is not taken: a page without TLS could have set it.
        let other = if name.starts_with("__") { "hustings-device" } else { "__Host-hustings-device" };
        by_cookie(&server, &poll, &format!("{other}={value}")).send().await.refused(401, "no_voter");
        server.finish().await;
    }
}

#[tokio::test]
async fn only_our_own_cookies_vote() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let cookie = server.device(&poll).await;
    let (name, value) = cookie.split_once('=').expect("a pair");
    let mut flipped = value.to_owned();
    flipped.replace_range(3..4, if value[3..4] == *"A" { "B" } else { "A" });
    let mut tag = value.to_owned();
    tag.replace_range(40..41, if value[40..41] == *"A" { "B" } else { "A" });
    for forged in [
        String::new(),
        "x".to_owned(),
        flipped,
        tag,
        value[1..].to_owned(),
        value[..42].to_owned(),
        format!("{value}A"),
        format!("{value}=="),
        "A".repeat(43),
        format!("\"{value}\""),
    ] {
        let answer = by_cookie(&server, &poll, &format!("{name}={forged}")).send().await;
        answer.refused(401, "no_voter");
    }
    by_cookie(&server, &poll, value).send().await.refused(401, "no_voter");
    by_cookie(&server, &poll, &format!("a=b; {name}=forged; {name}={value}; c")).send().await.is(201);
    by_cookie(&server, &poll, &cookie).send().await.is(200);
    // A forged cookie is replaced when a page is opened.
    let page = server.get(&format!("/{}/results", poll.code)).cookie(&format!("{name}=forged")).send().await;
    assert!(page.header("set-cookie").is_some());
    // Another installation signs with another secret.
    let other = TestServer::start().await;
    let elsewhere = other.create(json!({})).await;
    by_cookie(&other, &elsewhere, &cookie).send().await.refused(401, "no_voter");
    other.finish().await;
    // One device in two polls: nobody can tell from the ledgers that it is the same.
    let second = server.create(json!({})).await;
    by_cookie(&server, &second, &cookie).send().await.is(201);
    let voter = |entries: &[serde_json::Value]| entries[1]["voter"].clone();
    assert_ne!(voter(&server.entries(&poll).await), voter(&server.entries(&second).await));
    server.finish().await;
}

#[tokio::test]
async fn a_device_votes_for_itself_only() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let cookie = server.device(&poll).await;
    let named = json!({ "choices": ["tea"], "voter": "vera b" });
    server.post(&poll.path("/votes"), &named).cookie(&cookie).send().await.refused(403, "wrong_scope");
    let results = server.token(&["results"]).await;
    server.post(&poll.path("/votes"), &named).bearer(&results).send().await.refused(403, "wrong_scope");
    // A token beside a cookie is the one that counts.
    server.post(&poll.path("/votes"), &named).cookie(&cookie).bearer(ADMIN).send().await.is(201);
    by_cookie(&server, &poll, &cookie).send().await.is(201);
    assert_eq!(server.results(&poll).await["ballots"], 2);
    server.finish().await;
}

/// Headers that a browser sends by itself (host, origin, sec-fetch-site), and whether a vote by cookie, and a socket, may
/// come with them.
async fn check_sites(server: &TestServer, rows: &[(&str, &str, &str, bool)]) {
    let poll = server.create(json!({})).await;
    let own = server.address().to_string();
    for (host, origin, site, allowed) in rows {
        let cookie = server.device(&poll).await;
        let mut headers = vec![("cookie", cookie)];
        for (name, value) in [("host", host), ("origin", origin), ("sec-fetch-site", site)] {
            if !value.is_empty() {
                headers.push((name, value.replace("OWN", &own)));
            }
        }
        let body = json!({ "choices": ["tea"] });
        let mut vote = server.post(&poll.path("/votes"), &body);
        for (name, value) in &headers {
            vote = vote.header(name, value);
        }
        let answer = vote.clone().send().await;
        let expected = if *allowed { (201, "") } else { (403, "cross_site") };
        assert_eq!((answer.status, answer.code().as_str()), expected, "{host}, {origin}, {site}");
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let socket = Socket::open(server.address(), &poll.path("/results/ws"), &headers).await;
        assert_eq!(socket.err(), (!allowed).then_some(403), "a socket: {host}, {origin}, {site}");
        // A token is never sent by a browser on its own.
        let named = json!({ "choices": ["tea"], "voter": "vera" });
        let by_token = server.post(&poll.path("/votes"), &named).bearer(ADMIN).header("sec-fetch-site", "cross-site");
        assert!(by_token.send().await.status < 300);
    }
}

#[tokio::test]
async fn other_sites_cannot_make_a_browser_vote_or_watch() {
    let server = TestServer::start().await;
    check_sites(
        &server,
        &[
            ("", "", "", true),
            ("", "http://OWN", "", true),
            ("", "http://OWN", "same-origin", true),
            ("", "", "none", true),
            ("", "http://OWN", "same-site", false),
            ("", "http://OWN", "cross-site", false),
            ("", "http://OWN", "whatever", false),
            ("", "", "cross-site", false),
            ("", "https://OWN", "", false),
            ("", "http://evil.example", "", false),
            ("", "http://OWN.evil.example", "", false),
            ("", "http://evil.example", "same-origin", false),
            ("", "null", "", false),
            ("vote.example", "http://vote.example", "same-origin", true),
            ("vote.example", "http://vote.example:81", "same-origin", false),
        ],
    )
    .await;
    server.finish().await;
}

#[tokio::test]
async fn the_public_address_alone_decides_what_is_our_own_site() {
    let server = TestServer::with(&["--public-url", "https://vote.example/"]).await;
    check_sites(
        &server,
        &[
            ("", "", "", true),
            ("", "https://vote.example", "same-origin", true),
            ("10.0.0.1:8080", "https://VOTE.example", "", true),
            ("", "http://vote.example", "", false),
            ("", "https://vote.example.evil.example", "", false),
            ("", "https://vote.example:444", "", false),
            ("", "http://OWN", "", false),
            ("", "https://vote.example", "cross-site", false),
            ("evil.example", "https://evil.example", "same-origin", false),
        ],
    )
    .await;
    server.finish().await;
}

/// A device is slowed down, and only it: others behind the same address are not, and neither is a token that votes.
#[tokio::test]
async fn a_device_that_asks_too_often_waits_alone() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let (eager, other) = (server.device(&poll).await, server.device(&poll).await);
    let mut asked = 0;
    let refused = loop {
        let answer = by_cookie(&server, &poll, &eager).send().await;
        asked += 1;
        if answer.status == 429 {
            break answer.refused(429, "too_many_requests");
        }
        assert!(answer.status < 300 && asked < 5_000, "{answer:?}");
    };
    assert!(asked > 200, "an honest thumb is far below the limit: {asked}");
    let wait: u32 = refused.header("retry-after").and_then(|wait| wait.parse().ok()).expect("when to come back");
    assert!((1..=60).contains(&wait), "{wait}");
    by_cookie(&server, &poll, &other).send().await.is(201);
    let second = server.create(json!({})).await;
    by_cookie(&server, &second, &eager).send().await.is(201);
    let token = server.token(&["vote"]).await;
    let body = json!({ "choices": ["tea"], "voter": "vera" });
    for _ in 0..asked {
        let answer = server.post(&poll.path("/votes"), &body).bearer(&token).send().await;
        assert!(answer.status < 300, "{answer:?}");
    }
    server.finish().await;
}

#[tokio::test]
async fn a_token_has_its_quota() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let body = json!({ "name": "Board", "scopes": ["results"], "per_minute": 3 });
    let made = server.post("/api/v1/tokens", &body).bearer(ADMIN).send().await.is(201).json();
    let token = made["token"].as_str().expect("a token");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(server.get(&poll.path("/results")).bearer(token).send().await);
    }
    let found: Vec<u16> = statuses.iter().map(|answer| answer.status).collect();
    assert_eq!(found, [200, 200, 200, 429]);
    let refused = statuses.pop().expect("four").refused(429, "too_many_requests");
    let wait: u32 = refused.header("retry-after").and_then(|wait| wait.parse().ok()).expect("when to come back");
    assert!((1..=60).contains(&wait), "{wait}");
    server.get(&poll.path("/results")).send().await.is(200);
    server.finish().await;
}
