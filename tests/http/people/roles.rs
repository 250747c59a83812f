//! What each may do: owners, co-hosts, viewers, links, tokens, strangers.

use super::*;
use crate::support::{ADMIN, Events, Socket};

async fn an_unknown_name_is_kept(owner: &mut Browser<'_>, people: &str) {
    let unknown = owner.post(people, &[("do", "add"), ("name", "nobody"), ("role", "viewer")]).await.is(422).text();
    for kept in ["name=\"name\" value=\"nobody\"", "aria-invalid=\"true\""] {
        assert!(unknown.contains(kept), "no {kept} in {unknown}");
    }
    assert_eq!(unknown.matches("<option value=\"viewer\" selected>").count(), 2, "vito's part, and the one chosen");
}

/// Who asks, and what is answered: results that are hidden, an act, a ticket, the entries, the page of people, all tokens.
#[tokio::test]
async fn each_part_has_its_rights_and_no_more() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let mut owner = person(&mut ada, "olga").await;
    let poll = poll_of(&owner).await;
    let [cohost, viewer, stranger] =
        [person(&mut ada, "carl").await, person(&mut ada, "vito").await, person(&mut ada, "sam").await];
    let people = format!("/{}/people", poll.code);
    for (name, role) in [("CARL", "co_host"), ("vito", "viewer")] {
        owner.post(&people, &[("do", "add"), ("name", name), ("role", role)]).await.is(303);
    }
    an_unknown_name_is_kept(&mut owner, &people).await;
    let mut links = Vec::new();
    for role in ["co_host", "viewer", "owner"] {
        let made = owner.post(&people, &[("do", "link"), ("role", role)]).await.is(200);
        assert!(made.text().contains("<svg class=\"qr\""), "{}", made.text());
        let link = path_of(&shown_once(&made));
        let mut browser = Browser::new(&server);
        let page = browser.get(&link).await.is(200);
        assert_eq!(page.header("set-cookie"), None, "to look begins nothing");
        let begun = browser.post(&link, &[]).await.is(303);
        let place = if role == "viewer" { "results?audience=full" } else { "host" };
        assert_eq!(begun.header("location"), Some(format!("/{}/{place}", poll.code).as_str()));
        links.push(browser);
    }
    let [by_cohost_link, by_viewer_link, by_third_link] = [&links[0], &links[1], &links[2]];
    let nobody = Browser::new(&server);
    for (who, browser, expected) in [
        ("an administrator", &ada, [200, 200, 201, 200, 200, 200]),
        ("the owner", &owner, [200, 200, 201, 200, 200, 403]),
        ("a co-host", &cohost, [200, 200, 201, 200, 403, 403]),
        ("a viewer", &viewer, [200, 403, 201, 200, 403, 403]),
        ("a stranger", &stranger, [403, 403, 403, 403, 403, 403]),
        ("a co-host link", by_cohost_link, [200, 200, 201, 200, 403, 403]),
        ("a viewer link", by_viewer_link, [200, 403, 201, 200, 403, 403]),
        ("a link is never an owner's", by_third_link, [200, 200, 201, 200, 403, 403]),
        ("nobody", &nobody, [401, 401, 401, 401, 303, 401]),
    ] {
        for node in 0..2 {
            let browser = browser.at(node);
            let found = [
                browser.full_results(&poll).await.status,
                browser.act(&poll, "open").await.status,
                browser.ask("POST", &poll.path("/results/tickets")).send().await.status,
                browser.ask("GET", &poll.path("/entries")).send().await.status,
                browser.get(&people).await.status,
                browser.ask("GET", "/api/v1/tokens").send().await.status,
            ];
            assert_eq!(found, expected, "{who}, node {node}");
        }
    }
    // Only persons and tokens create; what a token made has no owner, and administrators see it.
    let body = json!({ "title": "Lunch?", "choices": ["A", "B"] });
    by_cohost_link.ask("POST", "/api/v1/polls").json(&body).send().await.refused(403, "wrong_role");
    let of_token = server.create(json!({})).await;
    assert_eq!(ada.act(&of_token, "pause").await.status, 200);
    owner.act(&of_token, "pause").await.refused(403, "wrong_role");
    assert_eq!(server.act(&poll, "pause").await.status, 200, "tokens go on as they are");
    let entries = server.entries(&poll).await;
    assert_eq!(entries[0]["by"], "olga", "{entries:?}");
    server.finish().await;
}

/// A host's own browser shows nothing that is hidden, unless it asks for it: the screen may stand in the next window.
#[tokio::test]
async fn hidden_results_are_shown_only_to_who_asks_for_them() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let viewer = person(&mut ada, "vito").await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let plain = ada.ask("GET", &poll.path("/results")).send().await.is(200);
    assert_eq!((&plain.json()["hidden"], plain.json().get("ballots")), (&json!(true), None), "{}", plain.text());
    assert_eq!(plain.header("cache-control"), Some("public, max-age=1, stale-if-error=60"));
    let full = ada.full_results(&poll).await.is(200);
    assert_eq!((&full.json()["ballots"], full.header("cache-control")), (&json!(1), Some("private, no-cache")));
    assert!(full.header("vary").is_some_and(|vary| vary.contains("hustings-audience")));
    viewer.full_results(&poll).await.refused(403, "wrong_role");
    for (browser, status) in [(&ada, 200), (&viewer, 403)] {
        let stream = browser.ask("GET", &poll.path("/results/stream?audience=full"));
        if status == 200 {
            let mut events = Events::open(stream).await;
            let frame = events.next().await.expect("a frame").json();
            assert_eq!(frame["ballots"], 1, "{frame}");
        } else {
            stream.send().await.refused(403, "wrong_role");
        }
        let headers = [("cookie", browser.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let socket = Socket::open(server.address(), &poll.path("/results/ws?audience=full"), &headers).await;
        assert_eq!(socket.err(), (status != 200).then_some(status));
    }
    // The page says the same as the plain address.
    let page = ada.get(&format!("/{}/results", poll.code)).await.is(200).text();
    assert!(page.contains("Results are hidden for now"), "{page}");
    server.finish().await;
}

#[tokio::test]
async fn what_is_taken_away_opens_nothing_from_the_next_request_on() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let cohost = person(&mut ada, "carl").await;
    let poll = poll_of(&ada).await;
    let people = format!("/{}/people", poll.code);
    ada.post(&people, &[("do", "add"), ("name", "carl"), ("role", "co_host")]).await.is(303);
    cohost.act(&poll, "pause").await.is(200);
    let page = ada.get(&people).await.is(200).text();
    let person_of = |name: &str| {
        let (_, rest) = page.split_once(&format!("<th scope=\"row\">{name}</th>")).expect("a row");
        rest.split_once("name=\"person\" value=\"").expect("a field").1.split('"').next().expect("its end").to_owned()
    };
    let (carl, own) = (person_of("carl"), person_of("ada"));
    ada.post(&people, &[("do", "role"), ("person", &carl), ("role", "viewer")]).await.is(303);
    cohost.act(&poll, "open").await.refused(403, "wrong_role");
    cohost.full_results(&poll).await.is(200);
    ada.post(&people, &[("do", "remove"), ("person", &carl)]).await.is(303);
    cohost.full_results(&poll).await.refused(403, "wrong_role");
    // An election keeps an owner.
    for fields in [
        vec![("do", "remove"), ("person", own.as_str())],
        vec![("do", "role"), ("person", own.as_str()), ("role", "viewer")],
    ] {
        let page = ada.post(&people, &fields).await.is(422).text();
        assert!(page.contains("needs an owner"), "{page}");
    }
    // A link and all who are in by it.
    let link = path_of(&shown_once(&ada.post(&people, &[("do", "link"), ("role", "co_host")]).await.is(200)));
    let mut helper = Browser::new(&server);
    helper.post(&link, &[]).await.is(303);
    helper.act(&poll, "open").await.is(200);
    assert!(helper.get("/account").await.is(200).text().contains("co-host link"));
    let page = ada.get(&people).await.is(200).text();
    assert!(page.contains("1 browser is in by it"), "{page}");
    let id = page.split_once("name=\"link\" value=\"").expect("a field").1.split('"').next().expect("its end");
    let elsewhere = poll_of(&ada).await;
    ada.post(&format!("/{}/people", elsewhere.code), &[("do", "revoke"), ("link", id)]).await.is(303);
    helper.act(&poll, "pause").await.is(200);
    Browser::new(&server).get(&link.replace(&poll.code, &elsewhere.code)).await.is(404);
    ada.post(&people, &[("do", "revoke"), ("link", id)]).await.is(303);
    helper.act(&poll, "open").await.refused(401, "no_token");
    helper.get(&people).await.is(303);
    helper.get(&link).await.is(404);
    helper.post(&link, &[]).await.is(404);
    server.finish().await;
}

#[tokio::test]
async fn whoever_is_signed_in_votes_like_everybody_else() {
    let server = TestServer::start().await;
    let ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let vote = json!({ "choices": ["tea"] });
    ada.ask("POST", &poll.path("/votes")).json(&vote).send().await.refused(401, "no_voter");
    let device = server.device(&poll).await;
    let both = format!("{}; {device}", ada.cookie);
    let ask = || server.post(&poll.path("/votes"), &vote).cookie(&both).header("sec-fetch-site", "same-origin");
    ask().send().await.is(201);
    ask().send().await.is(200);
    let named = json!({ "choices": ["tea"], "voter": "vera" });
    let naming = server.post(&poll.path("/votes"), &named).cookie(&both).header("sec-fetch-site", "same-origin");
    naming.send().await.refused(403, "wrong_scope");
    server.finish().await;
}

#[tokio::test]
async fn an_administrator_makes_tokens_that_are_shown_once() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let path = "/account/tokens";
    ada.post(path, &[("do", "make"), ("name", "gateway")]).await.is(422);
    ada.post(path, &[("do", "make"), ("scope", "vote")]).await.is(422);
    let fields = [("do", "make"), ("name", "<b>gateway</b>"), ("scope", "vote"), ("scope", "results")];
    let made = ada.post(path, &fields).await.is(200);
    let token = shown_once(&made);
    assert!(token.starts_with("hst_"), "{token}");
    let poll = poll_of(&ada).await;
    let works = async |status| server.get(&poll.path("/entries")).bearer(&token).send().await.is(status);
    works(200).await;
    let page = ada.get(path).await.is(200).text();
    assert!(page.contains("&#60;b&#62;gateway") && page.contains("vote, results") && !page.contains(&token), "{page}");
    let id = page.split_once("name=\"token\" value=\"").expect("a field").1.split('"').next().expect("its end");
    ada.post(path, &[("do", "revoke"), ("token", id)]).await.is(303);
    works(401).await;
    assert!(ada.get(path).await.is(200).text().contains("revoked "));
    server.get("/api/v1/tokens").bearer(ADMIN).send().await.is(200);
    server.finish().await;
}
