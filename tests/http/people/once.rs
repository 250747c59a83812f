//! Forms that are sent again: a reload, a double press, an old tab. They make nothing more, and are answered with the same.

use super::*;

/// A poll of this person, that is open.
async fn poll_with(browser: &Browser<'_>, access: &str) -> Poll {
    let body = json!({ "title": "Tea?", "choices": ["Tea", "Coffee"], "open": true, "access": access });
    let body = browser.ask("POST", "/api/v1/polls").json(&body).send().await.is(201).json();
    let text = |name: &str| body[name].as_str().expect(name).to_owned();
    Poll { id: text("id"), code: text("code"), body }
}

async fn vote(server: &TestServer, poll: &Poll, code: &str) -> Answer {
    let ask = server.post(&poll.path("/votes"), &json!({ "choices": ["tea"] }));
    ask.header("authorization", &format!("Code {code}")).send().await
}

async fn made(browser: &Browser<'_>, poll: &Poll) -> serde_json::Value {
    browser.ask("GET", &poll.path("/codes")).send().await.is(200).json()["made"].clone()
}

/// What is said where a form came before.
const AGAIN: &str = "Nothing new was made";

#[tokio::test]
async fn a_form_that_is_sent_again_shows_the_same_codes() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let (poll, other) = (poll_with(&ada, "codes").await, poll_with(&ada, "codes").await);
    let place = format!("/{}/codes", poll.code);
    let once = hidden(&ada.get(&place).await.is(200).text(), "once");
    let fields = |count| [("do", "make"), ("once", once.as_str()), ("count", count), ("format", "sheet")];
    let first = ada.post(&place, &fields("3")).await.is(200);
    let codes = cards(&first.text());
    assert!(codes.len() == 3 && !first.text().contains(AGAIN));
    for node in [0, 1] {
        let again = ada.at(node).post(&place, &fields("3")).await.is(200);
        assert_eq!((cards(&again.text()), again.header("cache-control")), (codes.clone(), Some("no-store")));
        assert!(again.text().contains(AGAIN), "{}", again.text());
    }
    assert_eq!(made(&ada, &poll).await, 3);

    // Another number, another poll, another person and a new page ask for other codes.
    let bob = person(&mut ada, "bob").await;
    ada.post(&format!("/{}/people", poll.code), &[("do", "add"), ("name", "bob"), ("role", "co_host")]).await.is(303);
    let elsewhere = format!("/{}/codes", other.code);
    let anew = hidden(&ada.get(&place).await.text(), "once");
    let new = [("do", "make"), ("once", anew.as_str()), ("count", "3")];
    for (mut browser, place, fields, count) in [
        (ada.clone(), &place, &fields("4")[..], 4),
        (ada.clone(), &elsewhere, &fields("3"), 3),
        (bob, &place, &fields("3"), 3),
        (ada.clone(), &place, &new, 3),
    ] {
        let others = browser.post(place, fields).await.is(200).text();
        assert_eq!(cards(&others).len(), count);
        assert!(!cards(&others).iter().any(|code| codes.contains(code)) && !others.contains(AGAIN), "{others}");
    }
    // A page of before, and names that are none of ours.
    for once in ["", "7", "nonsense"] {
        let fields = [("do", "make"), ("once", once), ("count", "1")];
        let [one, two] = [ada.post(&place, &fields).await.is(200).text(), ada.post(&place, &fields).await.text()];
        assert_ne!(cards(&one), cards(&two), "{once}");
    }
    assert_eq!((made(&ada, &poll).await, made(&ada, &other).await), (json!(19), json!(3)));

    // What is good no more is left out, and stays dead.
    vote(&server, &poll, &codes[0]).await.is(201);
    ada.post(&place, &[("do", "revoke"), ("number", "2")]).await.is(200);
    ada.ask("POST", &poll.path("/codes/3/replace")).send().await.is(201);
    let again = ada.post(&place, &fields("3")).await.is(200);
    assert_eq!(cards(&again.text()), codes[..1]);
    assert!(again.text().contains("2 codes of these were revoked or replaced"), "{}", again.text());
    let file = file_of(&mut ada, &place, &again).await.text();
    assert!(file.lines().count() == 2 && file.contains(&codes[0]), "{file}");
    vote(&server, &poll, &codes[1]).await.refused(401, "revoked_access_code");
    vote(&server, &poll, &codes[2]).await.refused(401, "replaced_access_code");
    let lost = the_only_code_of_a_form_is_lost(&mut ada, &poll, &once).await;
    vote(&server, &poll, &lost).await.refused(401, "replaced_access_code");
    assert_eq!(made(&ada, &poll).await, 20);
    assert!(codes.iter().all(|code| !server.log().contains(code.as_str())), "a code in the log");
    server.finish().await;
}

/// Replaced, it leaves a form that has made nothing which is good, and the page says so.
async fn the_only_code_of_a_form_is_lost(ada: &mut Browser<'_>, poll: &Poll, once: &str) -> String {
    let place = format!("/{}/codes", poll.code);
    let alone = [("do", "make"), ("once", once), ("count", "1")];
    let first = ada.post(&place, &alone).await.text();
    let (lost, name) = (cards(&first).remove(0), hidden(&first, "made"));
    ada.ask("POST", &poll.path("/codes/20/replace")).send().await.is(201);
    let again = ada.post(&place, &alone).await.is(200).text();
    assert!(cards(&again).is_empty() && again.contains("None of these access codes is good any more"), "{again}");
    assert!(
        !again.contains("no other page shows them") && !again.contains("value=\"file\""),
        "there is nothing to save: {again}"
    );
    for made in [name.as_str(), "nonsense", ""] {
        let page = ada.post(&place, &[("do", "file"), ("made", made)]).await.is(200).text();
        assert!(page.contains("name=\"count\""), "a page, and no file: {page}");
    }
    lost
}

#[tokio::test]
async fn equal_forms_that_race_make_one_set() {
    let server = TestServer::start().await;
    let ada = founder(&server).await;
    let (coded, listed) = (poll_with(&ada, "codes").await, poll_with(&ada, "roster").await);
    let codes = |form: &str| format!("/{}/{form}", coded.code);
    let roster = format!("/{}/roster", listed.code);
    for (place, fields, show) in [
        (codes("codes"), &[("do", "make"), ("count", "3")][..], cards as fn(&str) -> Vec<String>),
        (roster.clone(), &[("do", "add"), ("persons", "name\nAnn\nBob")], cards),
        (roster, &[("do", "replace"), ("number", "1"), ("mark", "")], cards),
        (codes("people"), &[("do", "link"), ("role", "viewer")], links),
        ("/account/tokens".to_owned(), &[("do", "make"), ("name", "x"), ("scope", "vote")], tokens),
    ] {
        let page = ada.get(&place).await.is(200).text();
        let once = hidden(&page, "once");
        let mut fields = fields.to_vec();
        fields.push(("once", once.as_str()));
        let mark = if page.contains("name=\"mark\"") { hidden(&page, "mark") } else { String::new() };
        fields.iter_mut().filter(|(name, _)| *name == "mark").for_each(|(_, value)| *value = &mark);
        let mut racing = tokio::task::JoinSet::new();
        for node in 0..16 {
            racing.spawn(ada.at(node).form(&place, &fields).send());
        }
        let answers = racing.join_all().await;
        let shown: Vec<_> = answers.into_iter().map(|answer| show(&answer.is(200).text())).collect();
        assert!(!shown[0].is_empty() && shown.iter().all(|one| *one == shown[0]), "{place}: {shown:?}");
    }
    assert_eq!((made(&ada, &coded).await, made(&ada, &listed).await), (json!(3), json!(2)));
    assert_eq!(server.rows("SELECT count(*) FROM cohost_link").await, [["1"]]);
    assert_eq!(server.rows("SELECT count(*) FROM token").await, [["1"]]);
    server.finish().await;
}

fn links(page: &str) -> Vec<String> {
    page.split('"').filter(|text| text.contains("/cohost/")).map(path_of).collect()
}

fn tokens(page: &str) -> Vec<String> {
    page.split('"').filter(|text| text.starts_with("hst_")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_roster_that_is_sent_again_shows_its_codes_and_no_faults() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_with(&ada, "roster").await;
    let place = format!("/{}/roster", poll.code);
    let once = hidden(&ada.get(&place).await.is(200).text(), "once");
    let add = |persons, format| [("do", "add"), ("once", once.as_str()), ("persons", persons), ("format", format)];
    let codes = cards(&ada.post(&place, &add("name\nAnn\nBob", "sheet")).await.is(200).text());
    let again = ada.at(1).post(&place, &add("name\nAnn\nBob", "sheet")).await.is(200).text();
    assert_eq!((cards(&again), codes.len()), (codes.clone(), 2));
    assert!(again.contains(AGAIN) && again.contains("<p class=\"whose\">Bob</p>"), "{again}");
    let shown = ada.post(&place, &add("name\nAnn\nBob", "csv")).await.is(200);
    let file = file_of(&mut ada, &place, &shown).await.text();
    assert!(cards(&shown.text()).is_empty() && codes.iter().all(|code| file.contains(code)), "{file}");
    // Who goes back and adds a line has sent another list.
    let more = ada.post(&place, &add("name\nAnn\nCat", "sheet")).await.is(422).text();
    assert!(more.contains("Line 2:</strong> this person is listed already"), "{more}");
    assert_eq!(made(&ada, &poll).await, 2);
    server.finish().await;
}

#[tokio::test]
async fn a_code_that_was_replaced_stays_so_whatever_is_sent_again() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_with(&ada, "roster").await;
    let place = format!("/{}/roster", poll.code);
    let listed = ada.post(&place, &[("do", "add"), ("persons", "name\nAnn\nBob")]).await.is(200);
    let lost = cards(&listed.text()).remove(0);
    let form = async |ada: &mut Browser<'_>| {
        let page = ada.get(&place).await.is(200).text();
        (hidden(&page, "once"), hidden(&page, "mark"))
    };
    let send = async |ada: &mut Browser<'_>, (once, mark): &(String, String)| {
        let fields = [("do", "replace"), ("number", "1"), ("once", once.as_str()), ("mark", mark.as_str())];
        ada.post(&place, &fields).await
    };
    let (first, tab) = (form(&mut ada).await, form(&mut ada).await);
    let new = cards(&send(&mut ada, &first).await.is(200).text()).remove(0);
    vote(&server, &poll, &new).await.is(201);
    for node in [0, 1] {
        let again = send(&mut ada.at(node), &first).await.is(200);
        assert_eq!(cards(&again.text()), [new.as_str()]);
        assert!(again.text().contains(AGAIN), "{}", again.text());
        let fields = [("do", "file"), ("made", &hidden(&again.text(), "made")), ("number", "1")];
        assert!(ada.post(&place, &fields).await.is(200).text().contains(&new));
    }
    assert_eq!(vote(&server, &poll, &new).await.is(200).word(), "repeated");
    vote(&server, &poll, &lost).await.refused(401, "replaced_access_code");
    // A tab that was opened before does not know of it, and takes nothing away.
    let refused = send(&mut ada, &tab).await.is(422).text();
    assert!(refused.contains("another one has taken the place of this one"), "{refused}");
    assert_eq!(vote(&server, &poll, &new).await.is(200).word(), "repeated");

    // Replaced once more: the sheet of before shows nothing any more, and brings nothing back.
    let second = form(&mut ada).await;
    let newest = cards(&send(&mut ada, &second).await.is(200).text()).remove(0);
    send(&mut ada, &first).await.is(422);
    vote(&server, &poll, &new).await.refused(401, "unknown_access_code");
    assert_eq!(cards(&send(&mut ada, &second).await.is(200).text()), [newest.as_str()]);
    assert_eq!(vote(&server, &poll, &newest).await.is(200).word(), "repeated");
    ada.post(&place, &[("do", "revoke"), ("number", "1")]).await.is(200);
    send(&mut ada, &second).await.is(200);
    vote(&server, &poll, &newest).await.refused(401, "revoked_access_code");
    assert_eq!(server.results(&poll).await["ballots"], 1);
    server.finish().await;
}

#[tokio::test]
async fn a_page_that_made_a_link_or_a_token_makes_no_second_one() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let people = format!("/{}/people", poll.code);
    let once = hidden(&ada.get(&people).await.is(200).text(), "once");
    let link = |role| [("do", "link"), ("role", role), ("once", once.as_str())];
    let first = ada.post(&people, &link("co_host")).await.is(200);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let again = ada.at(1).post(&people, &link("co_host")).await.is(200);
    assert_eq!(path_of(&shown_once(&again)), path_of(&shown_once(&first)));
    let viewer = ada.post(&people, &link("viewer")).await.is(200);
    assert_ne!(shown_once(&viewer), shown_once(&first), "another part, another link");
    assert_eq!(server.rows("SELECT count(*) FROM cohost_link").await, [["2"]]);
    let id = hidden(&viewer.text(), "link");
    ada.post(&people, &[("do", "revoke"), ("link", &id)]).await.is(303);
    let revoked = ada.post(&people, &link("viewer")).await.is(422).text();
    assert!(revoked.contains("and that was revoked") && links(&revoked).is_empty(), "{revoked}");
    Browser::new(&server).get(&path_of(&shown_once(&viewer))).await.is(404);

    let place = "/account/tokens";
    let once = hidden(&ada.get(place).await.is(200).text(), "once");
    let token = |name| [("do", "make"), ("name", name), ("scope", "results"), ("once", once.as_str())];
    let first = ada.post(place, &token("a")).await.is(200);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!(shown_once(&ada.at(1).post(place, &token("a")).await.is(200)), shown_once(&first));
    assert_ne!(shown_once(&ada.post(place, &token("b")).await.is(200)), shown_once(&first));
    assert_eq!(server.rows("SELECT count(*) FROM token").await, [["2"]]);
    server.get(&poll.path("/entries")).bearer(&shown_once(&first)).send().await.is(200);
    ada.post(place, &[("do", "revoke"), ("token", "1")]).await.is(303);
    for node in 0..3 {
        let revoked = ada.at(node).post(place, &token("a")).await.is(422).text();
        assert!(revoked.contains("and that was revoked") && tokens(&revoked).is_empty(), "{revoked}");
    }
    assert_eq!(server.rows("SELECT count(*) FROM token").await, [["2"]], "a reload makes no other one");
    server.get(&poll.path("/entries")).bearer(&shown_once(&first)).send().await.is(401);
    server.finish().await;
}

/// Whoever forgets a scope types nothing again, and hears what is wrong with which field.
#[tokio::test]
async fn a_token_form_that_is_refused_keeps_what_was_typed() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let place = "/account/tokens";
    let wrong_name = "aria-describedby=\"wrong\" aria-invalid=\"true\"";
    let wrong_scopes = "<fieldset aria-describedby=\"wrong\">";
    let checked = |page: &str, scope: &str| page.contains(&format!("value=\"{scope}\" checked>"));
    let none = ada.post(place, &[("do", "make"), ("name", "The <hall>")]).await.is(422).text();
    assert!(none.contains("value=\"The &#60;hall&#62;\"") && none.contains("Choose at least one scope"), "{none}");
    assert!(none.contains(wrong_scopes) && !none.contains(wrong_name) && !none.contains(" checked>"), "{none}");
    let fields = [("do", "make"), ("name", " "), ("scope", "vote"), ("scope", "results")];
    let unnamed = ada.post(place, &fields).await.is(422).text();
    assert!(unnamed.contains("Give the token a name") && unnamed.contains(wrong_name), "{unnamed}");
    assert!(!unnamed.contains(wrong_scopes) && checked(&unnamed, "vote") && checked(&unnamed, "results"), "{unnamed}");
    assert!(!checked(&unnamed, "admin"), "{unnamed}");
    let made = ada.post(place, &[("do", "make"), ("name", "The <hall>"), ("scope", "vote")]).await.is(200).text();
    assert!(!made.contains("value=\"The &#60;hall") && !made.contains(" checked>"), "a new form is empty: {made}");
    assert_eq!(server.rows("SELECT count(*) FROM token").await, [["1"]]);
    server.finish().await;
}

/// Where the name ends and the scopes begin is no matter of spelling.
#[tokio::test]
async fn a_form_of_another_name_and_other_scopes_makes_another_token() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let place = "/account/tokens";
    let once = hidden(&ada.get(place).await.is(200).text(), "once");
    let mut made = Vec::new();
    for (name, scopes) in [("Bot", &["manage", "vote"][..]), ("Botmanage,", &["vote"])] {
        let mut fields = vec![("do", "make"), ("name", name), ("once", once.as_str())];
        fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
        made.push(shown_once(&ada.post(place, &fields).await.is(200)));
    }
    assert_ne!(made[0], made[1]);
    assert_eq!(server.rows("SELECT count(*) FROM token").await, [["2"]]);
    server.finish().await;
}

/// The name that a client gives its request is its own: who takes the same one, or guesses it, sees nothing of what came of it.
#[tokio::test]
async fn clients_that_take_the_same_id_have_nothing_in_common() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let bob = person(&mut ada, "bob").await;
    let tokens = [server.token(&["manage"]).await, server.token(&["manage"]).await];
    let (coded, listed) = (poll_with(&ada, "codes").await, poll_with(&ada, "roster").await);
    for poll in [&coded, &listed] {
        ada.post(&format!("/{}/people", poll.code), &[("do", "add"), ("name", "bob"), ("role", "owner")]).await.is(303);
    }
    let people = format!("/{}/people", coded.code);
    let address = path_of(&shown_once(&ada.post(&people, &[("do", "link"), ("role", "co_host")]).await.is(200)));
    let mut guest = Browser::new(&server);
    guest.get(&address).await.is(200);
    guest.post(&address, &[]).await.is(303);
    let id = "018f6a52-7b1e-4c3a-9d41-6f0e2b8a1c77";
    for (path, body, status) in [
        (coded.path("/codes"), json!({ "count": 3, "id": id }), 201),
        (coded.path("/codes/1/replace"), json!({ "id": id }), 201),
        (coded.path("/links"), json!({ "id": id }), 201),
        // Nobody is listed twice, whoever asks.
        (listed.path("/roster"), json!({ "persons": [{ "name": "Ann" }], "id": id }), 422),
    ] {
        let ask = |asker: usize| {
            let ask = match asker {
                0 => ada.ask("POST", &path),
                1 => bob.ask("POST", &path),
                2 => guest.ask("POST", &path),
                token => server.ask("POST", &path).bearer(&tokens[token - 3]),
            };
            ask.header("accept", "application/json").json(&body).send()
        };
        let first = ask(0).await.is(201).text();
        assert_eq!(ask(0).await.is(200).text(), first);
        let mut seen = vec![first];
        for other in 1..5 {
            // The co-host link is for the other poll, and makes no links.
            let expected = if other == 2 && !path.contains("/codes") { 403 } else { status };
            let text = ask(other).await.is(expected).text();
            assert!(!seen.contains(&text) || expected != 201, "{path}, {other}: {text}");
            seen.push(text);
        }
    }
    server.finish().await;
}

#[tokio::test]
async fn a_page_that_shows_an_invitation_is_loaded_again_without_another_one() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let place = "/account/invitations";
    let made = ada.post(place, &[("do", "make")]).await.is(303);
    let shown = made.header("location").expect("a page").to_owned();
    let first = ada.get(&shown).await.is(200);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert_eq!(path_of(&shown_once(&ada.at(1).get(&shown).await.is(200))), path_of(&shown_once(&first)));
    assert_eq!(first.text().matches("name=\"invitation\"").count(), 1);
    let secret = path_of(&shown_once(&first));
    assert!(!shown.contains(secret.trim_start_matches("/join/")), "the address tells no secret");
    let fields = [("name", "bob"), ("password", PASSWORD), ("again", PASSWORD)];
    let mut bob = Browser::new(&server);
    bob.get(&shown).await.is(303);
    bob.post(&secret, &fields).await.is(303);
    bob.get(&shown).await.is(403);
    for address in [shown.as_str(), "/account/invitations?made=nonsense", "/account/invitations?made="] {
        let page = ada.get(address).await.is(200).text();
        assert!(!page.contains("/join/") && !page.contains("name=\"invitation\""), "it is spent: {page}");
    }
    server.finish().await;
}
