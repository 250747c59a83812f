//! The voter's page without scripts: a form, a redirect, and the own vote as the ledger has it.

use serde_json::json;

use crate::support::{ADMIN, Answer, Poll, TestServer};

/// A browser without scripts: one device, and what it sees.
struct Browser<'a> {
    server: &'a TestServer,
    path: String,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn open(server: &'a TestServer, poll: &Poll) -> Self {
        let path = format!("/{}", poll.code);
        let page = server.get(&path).send().await.is(200);
        let cookie = page.header("set-cookie").expect("a cookie");
        Self { server, cookie: cookie.split(';').next().expect("a pair").to_owned(), path }
    }

    async fn page(&self, query: &str) -> String {
        let page = self.server.get(&format!("{}{query}", self.path)).cookie(&self.cookie).send().await.is(200);
        assert_eq!(page.header("cache-control"), Some("private, no-cache"));
        // With `no-referrer` a browser would send the form with the origin `null`, which is refused.
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
        page.text()
    }

    async fn post(&self, form: &str) -> Answer {
        let ask = self.server.ask("POST", &self.path).cookie(&self.cookie);
        ask.header("content-type", "application/x-www-form-urlencoded").body(form).send().await
    }

    /// Sends the form, and follows to the page that it leads to, where it is not that page itself.
    async fn vote(&self, form: &str) -> String {
        let sent = self.post(form).await;
        let Some(to) = sent.header("location") else { return sent.text() };
        assert_eq!(to, self.path, "only the page itself says what became of a vote");
        self.server.get(to).cookie(&self.cookie).send().await.is(200).text()
    }
}

/// The name that a page gives to the next vote.
fn name(html: &str) -> String {
    let (_, rest) = html.split_once("name=\"id\" value=\"").expect("a name for the vote");
    format!("&id={}", &rest[..36])
}

/// What a page says of what was sent. All of its sentences stand in it for its script as well.
fn told(html: &str) -> &str {
    let (_, rest) = html.split_once("<p id=\"said\" class=\"notice\" role=\"status\">").expect("something is said");
    rest.split("</p>").next().expect("its end")
}

fn counts(html: &str, sentence: &str) -> bool {
    html.contains(&format!(">{sentence}</h2>")) && html.contains(">Counted")
}

#[tokio::test]
async fn a_form_votes_once_and_the_page_tells_it() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "choices": ["Tea", "Coffee"] })).await;
    let browser = Browser::open(&server, &poll).await;
    let form = browser.page("").await;
    assert!(form.contains("type=\"radio\"") && form.contains("Choose one.") && !counts(&form, "You voted for Tea."));
    let tea = format!("choice=tea{}", name(&form));
    // A double tap sends the same form twice.
    let (one, two) = tokio::join!(browser.vote(&tea), browser.vote(&tea));
    for page in [one, two, browser.page("").await] {
        assert!(counts(&page, "You voted for Tea.") && page.contains(">1 voter<"), "{page}");
        assert!(page.contains("<form id=\"paper\"") && page.contains("data-most=\"1\" hidden>"), "{page}");
    }
    // The vote is final: another choice is refused, in words, and what counts stays.
    let page = browser.vote("choice=coffee").await;
    assert!(page.contains("votes here are final") && counts(&page, "You voted for Tea."), "{page}");
    let french = server.get(&browser.path).cookie(&browser.cookie).header("accept-language", "fr").send().await.text();
    assert!(french.contains(">Vous avez voté pour Tea.</h2>"), "{french}");
    assert_eq!(server.results(&poll).await["ballots"], 1);
    server.finish().await;
}

#[tokio::test]
async fn a_vote_is_changed_until_the_close() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "change": "until_close" })).await;
    let browser = Browser::open(&server, &poll).await;
    let first = browser.page("").await;
    browser.vote(&format!("choice=tea{}", name(&first))).await;
    let changing = browser.page("?change=1").await;
    assert!(changing.contains("name=\"replaces\"") && changing.contains("required checked"), "{changing}");
    let receipt = changing.split("name=\"replaces\" value=\"").nth(1).expect("a receipt")[..32].to_owned();
    let changed = format!("choice=coffee{}&replaces={receipt}", name(&changing));
    assert!(counts(&browser.vote(&changed).await, "You voted for Coffee."));
    // Somebody goes back to the first form, which was sent already, and chooses otherwise: a new vote.
    let again = browser.vote(&format!("choice=coffee{}", name(&first))).await;
    assert!(counts(&again, "You voted for Coffee."), "{again}");
    // A form that means to replace what does not count any more changes nothing, and says so.
    let late = browser.vote(&format!("choice=tea&replaces={receipt}")).await;
    assert!(late.contains("changed elsewhere") && counts(&late, "You voted for Coffee."), "{late}");
    server.act(&poll, "close").await.is(200);
    let closed = browser.vote("choice=tea").await;
    assert!(closed.contains("so it was not counted") && counts(&closed, "You voted for Coffee."), "{closed}");
    assert!(closed.contains("Your vote was counted") && !closed.contains("id=\"change-row\">"), "{closed}");
    assert_eq!(server.results(&poll).await["choices"][1]["votes"], 1);
    server.finish().await;
}

#[tokio::test]
async fn every_method_has_its_paper() {
    let server = TestServer::start().await;
    for (more, form, sentence) in [
        (
            json!({ "method": "approval", "min": 0, "max": 2 }),
            "choice=tea&choice=coffee",
            "You voted for Tea and Coffee.",
        ),
        (json!({ "method": "approval", "min": 0, "max": 2 }), "", "You cast a blank vote."),
        (json!({ "method": "score" }), "score-tea=4&score-coffee=0", "Your points: Tea 4, Coffee 0."),
        (json!({ "method": "score", "max": 100 }), "score-tea=99&score-coffee=", "Your points: Tea 99."),
        // A mark that is set follows the nought of the field before it.
        (json!({ "method": "score", "max": 1 }), "score-tea=0&score-tea=1&score-coffee=0", "You voted for Tea."),
    ] {
        let poll = server.create(more.clone()).await;
        let browser = Browser::open(&server, &poll).await;
        let page = browser.vote(form).await;
        assert!(counts(&page, sentence), "{more}: {page}");
    }
    for (more, form, words) in [
        (json!({ "method": "approval", "min": 1, "max": 1 }), "choice=tea&choice=coffee", "chosen too many"),
        (json!({}), "", "Choose more"),
        (json!({ "method": "score" }), "", "Give points to at least one choice"),
        (json!({}), "choice=cocoa", "A new round has begun"),
        (json!({ "method": "score" }), "score-tea=6", "outside the allowed range"),
        (json!({ "open": false }), "choice=tea", "has not opened yet, so"),
    ] {
        let poll = server.create(more.clone()).await;
        let browser = Browser::open(&server, &poll).await;
        let page = browser.vote(form).await;
        assert!(told(&page).contains(words) && !page.contains(">Counted"), "{more}: {page}");
        assert_eq!(server.results(&poll).await["ballots"], 0);
    }
    server.finish().await;
}

#[tokio::test]
async fn a_ballot_of_an_earlier_round_is_told_that_a_new_one_has_begun() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let browser = Browser::open(&server, &poll).await;
    let first = browser.page("").await;
    let (_, rest) = first.split_once("name=\"choice\" value=\"").expect("a choice");
    let form = format!("choice={}", &rest[..36]);
    server.act(&poll, "close").await.is(200);
    assert!(
        told(&browser.vote(&form).await).contains("Voting closed before your vote arrived"),
        "nothing else is open"
    );
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    let second = browser.vote(&form).await;
    assert!(second.contains("Round 2") && second.contains("<form id=\"paper\""), "{second}");
    assert_eq!(told(&second), "A new round has begun. Here is its ballot.");
    server.act(&poll, "close").await.is(200);
    assert!(told(&browser.vote(&form).await).contains("Voting closed before your vote arrived"), "nothing is open");
    server.finish().await;
}

#[tokio::test]
async fn a_page_waits_pauses_and_says_what_is_over() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "open": false, "opens_at": "2100-01-02T03:04:05Z" })).await;
    let browser = Browser::open(&server, &poll).await;
    let waiting = browser.page("").await;
    assert!(waiting.contains("it opens by itself") && waiting.contains("Opens 2 January 2100, 03:04 UTC"), "{waiting}");
    assert!(waiting.contains("http-equiv=\"refresh\""), "without scripts the page looks again by itself");
    server.act(&poll, "open").await.is(200);
    assert!(!browser.page("").await.contains("http-equiv"), "a page with a ballot on it is never taken away");
    server.act(&poll, "pause").await.is(200);
    let paused = browser.page("").await;
    assert!(
        paused.contains("type=\"submit\" disabled")
            && paused.contains("<p id=\"paused\" class=\"small\" role=\"status\">"),
        "{paused}"
    );
    server.act(&poll, "close").await.is(200);
    let closed = browser.page("").await;
    assert!(
        closed.contains("This device did not vote")
            && closed.contains("id=\"results\" aria-labelledby=\"results-title\">")
    );
    server.finish().await;
}

#[tokio::test]
async fn other_sites_and_browsers_without_cookies_vote_nothing() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let browser = Browser::open(&server, &poll).await;
    let ask = || server.ask("POST", &browser.path).body("choice=tea");
    let forged = ask().cookie(&browser.cookie).header("origin", "https://evil.example").send().await.is(403).text();
    assert!(forged.contains("did not come from here"), "{forged}");
    let strange = ask().send().await.is(401);
    assert_eq!(strange.header("set-cookie"), None, "only a page that is opened makes a device");
    let said = strange.text();
    assert!(said.contains("<h1>This browser keeps no cookies</h1>") && said.contains(">Open the page</a>"), "{said}");
    assert_eq!(server.results(&poll).await["ballots"], 0);
    server.ask("POST", "/ZZZZZZ").body("choice=tea").send().await.is(404);
    let oversized = format!("choice={}", "x".repeat(20_000));
    browser.post(&oversized).await.is(413);
    server.finish().await;
}

/// An address is written by anybody, and sent to others: it says nothing about a vote.
#[tokio::test]
async fn an_address_tells_nobody_what_became_of_a_vote() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let silent = "<p id=\"said\" class=\"notice\" role=\"status\" hidden></p>";
    for has_voted in [false, true] {
        let browser = Browser::open(&server, &poll).await;
        if has_voted {
            browser.vote("choice=tea").await;
        }
        for code in ["counted", "already_voted", "superseded", "contest_closed", "no_voter", "unknown_choice", "x"] {
            let page = browser.page(&format!("?said={code}")).await;
            assert!(page.contains(silent), "{code}: {page}");
            assert_eq!(counts(&page, "You voted for Tea."), has_voted, "{code}: {page}");
        }
    }
    let refused = Browser::open(&server, &poll).await.post("").await.is(422).text();
    assert!(!refused.contains(silent) && refused.contains("Choose more"), "what was sent is answered: {refused}");
    server.finish().await;
}

/// A phone on a bad line: everything that the first look at a poll needs, as it travels.
#[tokio::test]
async fn the_first_load_is_small() {
    let server = TestServer::start().await;
    let poll = server
        .create(json!({ "choices": (1..=12).map(|n| format!("Choice number {n}")).collect::<Vec<_>>(),
        "accent": "#c2185b", "change": "until_close" }))
        .await;
    for (language, packing) in [("en", "br, gzip"), ("fr", "br, gzip"), ("en", "gzip")] {
        let get = |path: String| {
            let ask = server.get(&path).header("accept-encoding", packing).header("accept-language", language);
            async move { ask.send().await.is(200) }
        };
        let packed = get(format!("/{}", poll.code)).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        let html = server.get(&format!("/{}", poll.code)).send().await.text();
        let mut total = packed.body.len();
        let mut assets: Vec<&str> = html.split('"').filter(|text| text.starts_with("/assets/")).collect();
        assets.dedup();
        assert_eq!(assets.len(), 6, "two sheets and four modules: {assets:?}");
        for asset in assets {
            total += get(asset.to_owned()).await.body.len();
        }
        println!("{language}, {packing}: {total} bytes");
        assert!(total <= 30 * 1024, "{total} bytes");
    }
    server.finish().await;
}
