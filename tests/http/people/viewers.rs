//! Who has a part in a poll and asks for them sees results that are hidden from others; nobody else does.

use super::*;
use crate::support::{ADMIN, Events};

/// What follows in the text, up to a quotation mark.
fn links<'a>(page: &'a str, before: &'a str) -> impl Iterator<Item = String> + 'a {
    let rests = page.split(before).skip(1);
    rests.map(|rest| rest.split('"').next().expect("its end").replace("&amp;", "&"))
}

/// Everybody who has a part, by name and by link: a co-host, and viewers.
async fn parts<'a>(ada: &mut Browser<'a>, poll: &Poll) -> Vec<(&'static str, Browser<'a>)> {
    let people = format!("/{}/people", poll.code);
    let mut all = vec![("owner", ada.clone())];
    for (name, role) in [("carl", "co_host"), ("vito", "viewer")] {
        all.push((name, person(ada, name).await));
        ada.post(&people, &[("do", "add"), ("name", name), ("role", role)]).await.is(303);
    }
    for (who, role, place) in
        [("link of a co-host", "co_host", "host"), ("link of a viewer", "viewer", "results?audience=full")]
    {
        let link = path_of(&shown_once(&ada.post(&people, &[("do", "link"), ("role", role)]).await.is(200)));
        let mut browser = Browser::new(ada.server);
        let begun = browser.post(&link, &[]).await.is(303);
        assert_eq!(begun.header("location"), Some(format!("/{}/{place}", poll.code).as_str()), "{who}");
        all.push((who, browser));
    }
    all
}

#[tokio::test]
async fn whoever_has_a_part_sees_hidden_results_where_they_are_asked_for() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let parts = parts(&mut ada, &poll).await;
    let plain = format!("/{}/results", poll.code);
    let full = format!("{plain}?audience=full");
    for (who, browser) in &parts {
        let page = browser.get(&full).await.is(200);
        assert_eq!(page.header("cache-control"), Some("no-store"), "{who}");
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{who}: {policy}");
        let text = page.text();
        for part in ["1 voter<", "Hidden from others: only those with a part", "/results/stream?audience=full\""] {
            assert!(text.contains(part), "{who}: no {part} in {text}");
        }
        let files: Vec<_> = links(&text, "<li><a href=\"").filter(|link| link.contains("format=")).collect();
        assert_eq!(files.len(), 3, "{who}: {text}");
        for file in files {
            let taken = browser.get(&file).await.is(200);
            assert_eq!(taken.header("cache-control"), Some("private, no-cache"), "{who} {file}");
            assert!(!taken.text().contains("\"hidden\":true"), "{who} {file}");
            Browser::new(&server).get(&file).await.refused(401, "no_token");
        }
        // A projector shows nothing by accident.
        for place in [&plain, &format!("{plain}?audience=all"), &format!("/{}/screen", poll.code)] {
            let hidden = browser.get(place).await.is(200).text();
            assert!(hidden.contains("data-hidden") && !hidden.contains("1 voter<"), "{who} {place}: {hidden}");
            assert!(!hidden.contains("Hidden from others"), "{who} {place}: {hidden}");
        }
    }
    // In another language too, and that link keeps what was asked for.
    let french = parts[2].1.get(&format!("{full}&lang=fr")).await.is(200).text();
    assert!(french.contains("Masqué aux autres") && french.contains("?audience=full&#38;lang=en"), "{french}");
    let (stranger, nobody) = (person(&mut ada, "sam").await, Browser::new(&server));
    let refused = stranger.get(&full).await.is(403);
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    assert!(
        refused.text().contains("have no part in this") && !refused.text().contains("1 voter"),
        "{}",
        refused.text()
    );
    let sent = nobody.get(&full).await.is(303);
    assert_eq!(
        sent.header("location"),
        Some(format!("/login?next=%2F{}%2Fresults%3Faudience%3Dfull", poll.code).as_str())
    );
    // A link of one poll opens no other one.
    let other = poll_of(&ada).await;
    parts[4].1.get(&format!("/{}/results?audience=full", other.code)).await.is(403);
    // Once all see them there is nothing to say.
    server.act(&poll, "reveal").await.is(200);
    let shown = ada.get(&full).await.is(200).text();
    assert!(shown.contains("1 voter<") && !shown.contains("Hidden from others"), "{shown}");
    server.finish().await;
}

/// An election of boxes too, in each of its units and its files.
#[tokio::test]
async fn whoever_has_a_part_in_a_night_sees_hidden_totals_where_they_are_asked_for() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let body = json!({ "title": "The night", "choices": ["tories", "labour"], "cities": ["london"], "open": true,
        "visibility": "on_reveal" });
    let night = ada.ask("POST", "/api/v1/elections").json(&body).send().await.is(201).json();
    let (id, code) = (night["id"].as_str().expect("an id"), night["code"].as_str().expect("a code"));
    let path = |tail: &str| format!("/api/v1/elections/{id}{tail}");
    let report = json!({ "ballot_box_id": "l1", "city": "london", "votes": { "tories": 4321, "labour": 1 } });
    server.post(&path("/reports"), &report).bearer(ADMIN).send().await.is(201);
    let plain = format!("/{code}/results");
    let full = format!("{plain}?audience=full");
    let people = format!("/{code}/people");
    let bob = person(&mut ada, "bob").await;
    ada.post(&people, &[("do", "add"), ("name", "bob"), ("role", "viewer")]).await.is(303);
    for (who, browser) in [("owner", &ada), ("viewer", &bob)] {
        let page = browser.get(&full).await.is(200);
        assert_eq!(page.header("cache-control"), Some("no-store"), "{who}");
        let text = page.text();
        for part in ["4,321", "Hidden from others: only those with a part in this election"] {
            assert!(text.contains(part), "{who}: no {part} in {text}");
        }
        let london = format!("{plain}?unit=london&audience=full");
        let inside = links(&text, "<a href=\"").find(|link| *link == london).expect("a link to london");
        let text = browser.get(&inside).await.is(200).text();
        assert!(text.contains("4,321"), "{who}: {text}");
        assert!(links(&text, "<a href=\"").any(|link| link == format!("{plain}?unit=nation&audience=full")), "{text}");
        let files: Vec<_> = links(&text, "<li><a href=\"").filter(|link| link.contains("format=")).collect();
        assert_eq!(files.len(), 3, "{who}: {text}");
        for file in files {
            let taken = browser.get(&file).await.is(200);
            assert_eq!(taken.header("cache-control"), Some("private, no-cache"), "{who} {file}");
            assert!(file.contains("xlsx") || taken.text().contains("4321"), "{who} {file}");
            Browser::new(&server).get(&file).await.refused(401, "no_token");
        }
        let mut stream = Events::open(browser.ask("GET", &path("/results/stream?audience=full"))).await;
        assert_eq!(stream.next().await.expect("a frame").json()["hidden"], false, "{who}");
        for place in [&plain, &format!("{plain}?audience=all")] {
            let hidden = browser.get(place).await.is(200).text();
            assert!(!hidden.contains("4,321") && !hidden.contains("Hidden from others"), "{who} {place}: {hidden}");
        }
        let home = browser.get("/").await.is(200).text();
        assert!(home.contains(&format!("href=\"{full}\"")), "{who}: {home}");
    }
    let french = bob.get(&format!("{full}&lang=fr")).await.is(200).text();
    assert!(french.contains("ceux qui ont un rôle dans cette élection"), "{french}");
    let stranger = person(&mut ada, "sam").await;
    assert!(!stranger.get(&full).await.is(403).text().contains("4,321"));
    let sent = Browser::new(&server).get(&full).await.is(303);
    assert_eq!(sent.header("location"), Some(format!("/login?next=%2F{code}%2Fresults%3Faudience%3Dfull").as_str()));
    server.post(&path("/reveal"), &json!({})).bearer(ADMIN).send().await.is(200);
    let shown = bob.get(&full).await.is(200).text();
    assert!(shown.contains("4,321") && !shown.contains("Hidden from others"), "{shown}");
    server.finish().await;
}

#[tokio::test]
async fn a_viewer_is_led_to_the_results() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let parts = parts(&mut ada, &poll).await;
    let full = format!("/{}/results?audience=full", poll.code);
    for (who, browser) in [&parts[2], &parts[4]] {
        let sent = browser.get(&format!("/{}/host", poll.code)).await.is(303);
        assert_eq!(sent.header("location"), Some(full.as_str()), "{who}");
        browser.get(&format!("/{}/host/health", poll.code)).await.is(403);
        let acted = browser.form(&format!("/{}/host", poll.code), &[("do", "reveal"), ("round", "1")]).send().await;
        let text = acted.is(403).text();
        assert!(text.contains("for those who run this") && text.contains(&format!("href=\"{full}\"")), "{who}: {text}");
    }
    let home = parts[2].1.get("/").await.is(200).text();
    assert!(home.contains(&format!("href=\"{full}\"")), "{home}");
    assert!(parts[1].1.get("/").await.text().contains(&format!("href=\"/{}/host\"", poll.code)));
    // What is the owner's is said to be so, to who has another part.
    for (who, browser) in [&parts[1], &parts[3]] {
        let text = browser.get(&format!("/{}/people", poll.code)).await.is(403).text();
        assert!(text.contains("for owners only") && !text.contains("no part"), "{who}: {text}");
        assert!(text.contains(&format!("href=\"/{}/host\"", poll.code)), "{who}: {text}");
    }
    server.finish().await;
}

/// Nobody reveals blindly what an earlier round has kept hidden.
#[tokio::test]
async fn the_console_leads_to_earlier_hidden_rounds() {
    let server = TestServer::start().await;
    let ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    for act in ["close", "rounds"] {
        assert!(server.act(&poll, act).await.status < 300, "{act}");
    }
    let (console, full) = (format!("/{}/host", poll.code), format!("/{}/results?round=1&audience=full", poll.code));
    let leads = async |to: &str| {
        let text = ada.get(&console).await.is(200).text();
        links(&text, "<a href=\"").any(|link| link == to)
    };
    assert!(leads(&full).await);
    let page = ada.get(&full).await.is(200).text();
    assert!(page.contains("1 voter<") && page.contains("Hidden from others"), "{page}");
    assert!(links(&page, "<a href=\"").any(|link| link == format!("/{}/results?audience=full", poll.code)), "{page}");
    let page = ada.get(&format!("/{}/results?round=1", poll.code)).await.is(200).text();
    assert!(page.contains("data-hidden") && !page.contains("1 voter<"), "{page}");
    ada.get(&format!("/{}/results?round=3&audience=full", poll.code)).await.is(404);
    ada.clone().post(&console, &[("do", "reveal"), ("round", "1")]).await.is(303);
    assert!(leads(&format!("/{}/results?round=1", poll.code)).await);
    server.finish().await;
}

/// Each visibility in its own words: who sees the results now, and what a close can be undone until.
#[tokio::test]
async fn the_console_says_who_sees_what() {
    let server = TestServer::start().await;
    let ada = founder(&server).await;
    for (visibility, hides, closing) in [
        ("on_reveal", Some("only those with a part"), "while results are not shown to all"),
        (
            "after_vote",
            Some("only those who have voted and"),
            "and all will see the results. You can undo the close until it",
        ),
        ("after_close", Some("only those with a part"), "and all will see the results. This cannot be undone"),
        ("always", None, "No more votes will count. You can undo the close until it"),
    ] {
        let poll = json!({ "title": "Tea?", "choices": ["Tea", "Coffee"], "visibility": visibility, "open": true });
        let made = ada.ask("POST", "/api/v1/polls").json(&poll).send().await.is(201).json();
        let console = ada.get(&format!("/{}/host", made["code"].as_str().expect("a code"))).await.is(200).text();
        assert_eq!(console.contains("Hidden from others"), hides.is_some(), "{visibility}: {console}");
        assert!(hides.is_none_or(|said| console.contains(said)), "{visibility}: {console}");
        assert!(console.contains(closing), "{visibility}: {console}");
    }
    let poll = poll_of(&ada).await;
    server.act(&poll, "reveal").await.is(200);
    let console = ada.get(&format!("/{}/host", poll.code)).await.is(200).text();
    assert!(console.contains("The results were shown to all, so this cannot be undone"), "{console}");
    server.finish().await;
}

/// Who is in by a link makes no polls, so is not offered to.
#[tokio::test]
async fn copies_are_offered_to_who_may_make_them() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let parts = parts(&mut ada, &poll).await;
    for ((who, browser), expected) in [&parts[0], &parts[1], &parts[3]].into_iter().zip([true, true, false]) {
        let console = browser.get(&format!("/{}/host", poll.code)).await.is(200).text();
        for act in ["rehearse", "clone"] {
            assert_eq!(console.contains(&format!("value=\"{act}\"")), expected, "{who} {act}: {console}");
            let done = browser.form(&format!("/{}/host", poll.code), &[("do", act)]).send().await;
            assert_eq!(done.status == 303, expected, "{who} {act}");
        }
    }
    server.finish().await;
}
