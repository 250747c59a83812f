//! The first administrator, invitations, passwords, sessions.

use super::*;

#[tokio::test]
async fn the_first_start_makes_one_administrator_once() {
    let mut server = TestServer::start().await;
    let link = welcome(&server);
    let secret = link.trim_start_matches("/welcome/").to_owned();
    let mut browser = Browser::new(&server);
    for _ in 0..2 {
        let page = browser.get(&link).await.is(200).text();
        assert!(page.contains("name=\"again\"") && !page.contains("hustings-device"), "to look spends nothing");
    }
    for (name, password, again, named) in [
        ("", PASSWORD, PASSWORD, "name-error"),
        ("ada", "short", "short", "password-error"),
        ("ada", "password", "password", "password-error"),
        ("adalovelace", "AdaLovelace", "AdaLovelace", "password-error"),
        ("ada", PASSWORD, "correct horse", "password-error"),
    ] {
        let fields = [("name", name), ("password", password), ("again", again)];
        let page = browser.post(&link, &fields).await.is(422).text();
        assert!(page.contains(&format!("id=\"{named}\"")), "{name} {password}: {page}");
        assert!(!page.contains(&format!("value=\"{password}\"")), "a password never comes back");
    }
    browser.get(&link.replace("/welcome/", "/join/")).await.is(404);
    let fields = [("name", "Ada"), ("password", PASSWORD), ("again", PASSWORD)];
    let made = browser.post(&link, &fields).await.is(303);
    let cookie = made.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.ends_with("; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"), "{cookie}");
    for node in 0..2 {
        let page = browser.at(node).get("/account").await.is(200).text();
        assert!(page.contains("You are signed in as Ada.") && page.contains("/account/tokens"), "{page}");
    }
    let mut late = Browser::new(&server);
    late.get(&link).await.is(404);
    late.post(&link, &[("name", "eve"), ("password", PASSWORD), ("again", PASSWORD)]).await.is(404);
    let everything = browser.ask("GET", "/api/v1/tokens").send().await.is(200).json();
    assert_eq!(everything.as_array().map(Vec::len), Some(0));
    // Printed once, for a person to read; requests are logged without it.
    let printed = server.log().matches(&secret).count();
    assert_eq!(printed, 1, "{}", server.log());
    assert!(server.log().contains("/welcome/.."), "requests for it were logged");
    let links = server.log().matches("nobody can sign in yet").count();
    server.restart().await;
    assert_eq!(server.log().matches("nobody can sign in yet").count(), links, "there is somebody now");
    server.finish().await;
}

#[tokio::test]
async fn an_invitation_makes_one_person_and_can_be_taken_back() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let [used, withdrawn] = [invitation(&mut ada).await, invitation(&mut ada).await];
    let page = ada.get("/account/invitations").await.is(200).text();
    let ids: Vec<&str> = page.split("name=\"invitation\" value=\"").skip(1).map(|rest| &rest[..64]).collect();
    assert_eq!(ids.len(), 2, "{page}");
    assert!(!page.contains(used.trim_start_matches("/join/")), "a link is shown once");
    let mut bob = Browser::new(&server);
    let fields = |name| [("name", name), ("password", PASSWORD), ("again", PASSWORD)];
    let taken = bob.post(&used, &fields("ADA")).await.is(422).text();
    assert!(taken.contains("id=\"name-error\""), "{taken}");
    bob.post(&used, &fields("bob")).await.is(303);
    Browser::new(&server).post(&used, &fields("cat")).await.is(404);
    let page = bob.get("/account").await.is(200).text();
    assert_eq!(page.matches("<time datetime=\"20").count(), 2, "in UTC, and for scripts: {page}");
    assert!(page.contains("signed in as bob.") && !page.contains("/account/tokens"), "no administrator: {page}");
    for path in ["/account/tokens", "/account/invitations"] {
        bob.get(path).await.is(403);
        bob.post(path, &[("do", "make")]).await.is(403);
    }
    bob.ask("GET", "/api/v1/tokens").send().await.refused(403, "not_admin");
    for id in ids {
        // One of them is spent already, which changes nothing.
        ada.post("/account/invitations", &[("do", "withdraw"), ("invitation", id)]).await.is(303);
    }
    Browser::new(&server).get(&withdrawn).await.is(404);
    server.finish().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_the_same() {
    let server = TestServer::start().await;
    founder(&server).await;
    let mut browser = Browser::new(&server);
    let wrong = browser.sign_in("ada", "wrong horse").await.is(422).text();
    let unknown = browser.sign_in("eve", "wrong horse").await.is(422).text();
    assert_eq!(wrong.replace("value=\"ada\"", ""), unknown.replace("value=\"eve\"", ""));
    for (name, password) in [("", PASSWORD), ("ada", ""), ("a\nda", PASSWORD), ("ada", &"x".repeat(2_000))] {
        browser.sign_in(name, password).await.is(422);
    }
    assert!(browser.cookie.is_empty(), "nobody is signed in");
    let signed_in = browser.sign_in(" ADA ", PASSWORD).await.is(303);
    assert_eq!(signed_in.header("location"), Some("/"));
    server.finish().await;
}

#[tokio::test]
async fn a_name_is_tried_ten_times_and_no_other_name_waits_for_it() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    person(&mut ada, "bob").await;
    let mut browser = Browser::new(&server);
    for name in ["bob", "nobody"] {
        for _ in 0..10 {
            browser.sign_in(name, "wrong horse").await.is(422);
        }
        browser.sign_in(&name.to_uppercase(), PASSWORD).await.is(429);
    }
    browser.sign_in("ada", PASSWORD).await.is(303);
    // Right ones in between never add up.
    for _ in 0..8 {
        browser.sign_in("ada", "wrong horse").await.is(422);
        browser.sign_in("ada", "wrong horse").await.is(422);
        browser.sign_in("ada", PASSWORD).await.is(303);
    }
    server.finish().await;
}

#[tokio::test]
async fn whoever_must_sign_in_first_comes_back_to_the_same_place() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let mut browser = Browser::new(&server);
    let place = format!("/{}/people?lang=fr", poll.code);
    let sent = browser.get(&place).await.is(303);
    let next = form_urlencoded::byte_serialize(place.as_bytes()).collect::<String>();
    assert_eq!(sent.header("location"), Some(format!("/login?next={next}").as_str()));
    let form = browser.get(&format!("/login?next={next}")).await.is(200).text();
    assert!(form.contains(&format!("name=\"next\" value=\"{place}\"")), "{form}");
    let wrong = browser.post("/login", &[("name", "ada"), ("password", "wrong"), ("next", &place)]).await.is(422);
    assert!(wrong.text().contains(&format!("value=\"{place}\"")), "a wrong password keeps the place");
    let done = browser.post("/login", &[("name", "ada"), ("password", PASSWORD), ("next", &place)]).await.is(303);
    assert_eq!(done.header("location"), Some(place.as_str()));
    browser.get(&place).await.is(200);
    for elsewhere in ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", ""] {
        let done =
            browser.post("/login", &[("name", "ada"), ("password", PASSWORD), ("next", elsewhere)]).await.is(303);
        assert_eq!(done.header("location"), Some("/"), "{elsewhere}");
    }
    // A session that has run out is like none, for pages and for the API.
    let mut old = Browser::new(&server);
    old.sign_in("ada", PASSWORD).await.is(303);
    server.execute("UPDATE session SET seen = 1").await;
    let sent = old.get(&place).await.is(303);
    assert_eq!(sent.header("location"), Some(format!("/login?next={next}").as_str()));
    old.act(&poll, "close").await.refused(401, "no_token");
    let sent = old.post(&format!("/{}/people", poll.code), &[("do", "link")]).await.is(303);
    assert_eq!(sent.header("location"), Some(format!("/login?next=%2F{}%2Fpeople", poll.code).as_str()));
    ada.cookie.clear();
    server.finish().await;
}

#[tokio::test]
async fn sessions_are_listed_and_end_at_once() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let mut bob = person(&mut ada, "bob").await;
    let mut others = Vec::new();
    for agent in ["Phone", "<b>Tablet</b>", "Desk"] {
        let mut other = Browser::new(&server);
        let form = other.form("/login", &[("name", "bob"), ("password", PASSWORD)]).header("user-agent", agent);
        let answer = form.send().await.is(303);
        let cookie = answer.header("set-cookie").expect("a cookie");
        other.cookie = cookie.split(';').next().expect("a pair").to_owned();
        other.get("/account").await.is(200);
        others.push(other);
    }
    let page = bob.get("/account").await.is(200).text();
    assert!(page.contains("Phone") && page.contains("&#60;b&#62;Tablet") && page.contains("this one"), "{page}");
    let session_of = |agent: &str| {
        let (_, rest) = page.split_once(agent).expect("a row");
        rest.split_once("name=\"session\" value=\"").expect("a field").1[..64].to_owned()
    };
    let (phone, tablet) = (session_of("Phone"), session_of("Tablet"));
    // Nobody ends another one's.
    ada.post("/account", &[("do", "end"), ("session", &phone)]).await.is(303);
    others[0].get("/account").await.is(200);
    bob.post("/account", &[("do", "end"), ("session", &phone)]).await.is(303);
    others[0].get("/account").await.is(303);
    others[0].ask("GET", "/api/v1/polls").send().await.refused(401, "no_token");
    others[1].get("/account").await.is(200);
    bob.post("/account", &[("do", "end-others")]).await.is(200);
    for other in &others {
        other.get("/account").await.is(303);
    }
    bob.get("/account").await.is(200);
    let _gone = tablet;
    // A new password ends all others too, and needs the present one.
    let mut other = Browser::new(&server);
    other.sign_in("bob", PASSWORD).await.is(303);
    let new = "four more quiet words";
    for (present, password, again, status) in [
        ("wrong horse", new, new, 422),
        (PASSWORD, new, "other", 422),
        (PASSWORD, "bob", "bob", 422),
        (PASSWORD, new, new, 200),
    ] {
        let fields = [("do", "password"), ("present", present), ("password", password), ("again", again)];
        bob.post("/account", &fields).await.is(status);
    }
    other.get("/account").await.is(303);
    bob.get("/account").await.is(200);
    other.sign_in("bob", PASSWORD).await.is(422);
    other.sign_in("bob", new).await.is(303);
    bob.post("/logout", &[]).await.is(303);
    bob.get("/account").await.is(303);
    other.get("/account").await.is(200);
    server.finish().await;
}

#[tokio::test]
async fn sign_up_is_open_only_where_the_operator_says_so() {
    let fields = [("name", "eve"), ("password", PASSWORD), ("again", PASSWORD)];
    let server = TestServer::start().await;
    let mut eve = Browser::new(&server);
    eve.get("/sign-up").await.is(404);
    eve.post("/sign-up", &fields).await.is(404);
    assert!(!eve.get("/login").await.is(200).text().contains("/sign-up"));
    server.finish().await;
    let server = TestServer::with(&["--open-sign-up"]).await;
    let mut eve = Browser::new(&server);
    assert!(eve.get("/login").await.is(200).text().contains("/sign-up"));
    eve.get("/sign-up").await.is(200);
    eve.post("/sign-up", &fields).await.is(303);
    assert!(
        !eve.get("/account").await.is(200).text().contains("/account/tokens"),
        "nobody signs up as an administrator"
    );
    poll_of(&eve).await;
    Browser::new(&server).post("/sign-up", &fields).await.is(422);
    // Whoever was faster than the operator takes nothing away.
    founder(&server).await.get("/account/tokens").await.is(200);
    server.finish().await;
}

#[tokio::test]
async fn cookies_of_sessions_are_as_safe_as_the_address_allows() {
    let server = TestServer::with(&["--public-url", "https://vote.example"]).await;
    assert!(server.log().contains("https://vote.example/welcome/"), "the link is where people reach the server");
    let link = welcome(&server);
    let fields = [("name", "ada"), ("password", PASSWORD), ("again", PASSWORD)];
    let mut browser = Browser::new(&server);
    let made = browser.post(&link, &fields).await.is(303);
    let cookie = made.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-hustings-session=") && cookie.ends_with("; Secure"), "{cookie}");
    browser.get("/account").await.is(200);
    browser.cookie = browser.cookie.replace("__Host-", "");
    browser.get("/account").await.is(303);
    server.finish().await;
}
