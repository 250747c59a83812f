//! A poll from its first draft to its removal, by forms alone: no script runs here.

use super::*;

const DRAFT: [(&str, &str); 9] = [
    ("title", "Where shall we eat?"),
    ("choices", "The harbour\r\n\r\n Town hall \r\n"),
    ("method", "single"),
    ("fewest", "1"),
    ("changeable", "yes"),
    ("visibility", "on_reveal"),
    ("zone", "UTC"),
    ("accent", "#2f5d8a"),
    ("slug", ""),
];

/// The draft with other values in some fields.
fn with<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = DRAFT.iter().filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
    kept.chain(fields).copied().collect()
}

/// Makes a poll by the form; where its console is.
async fn made(browser: &mut Browser<'_>) -> String {
    let made = browser.post("/new", &DRAFT).await.is(303);
    let place = made.header("location").expect("the console").to_owned();
    assert!(place.len() == 12 && place.ends_with("/host"), "{place}");
    place
}

/// The round that the console shows.
async fn round_of(browser: &Browser<'_>, place: &str) -> String {
    let console = browser.get(place).await.is(200).text();
    let (_, rest) = console.split_once("data-round=\"").expect("a round");
    rest.split('"').next().expect("its end").to_owned()
}

/// Does it to the round that the console shows.
async fn does(browser: &mut Browser<'_>, place: &str, act: &str) {
    let round = round_of(browser, place).await;
    let answer = browser.post(place, &[("do", act), ("round", &round)]).await.is(303);
    assert_eq!(answer.header("location"), Some(place), "{act}");
}

/// What the buttons of a console do, the big one first.
async fn buttons(browser: &Browser<'_>, place: &str) -> Vec<String> {
    let html = browser.get(place).await.is(200).text();
    let acts =
        html.split("name=\"do\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned());
    acts.take_while(|act| act != "retitle").collect()
}

/// Votes by the form of the voter's page, as a new phone.
async fn vote(server: &TestServer, code: &str, choice: &str) -> Answer {
    let page = server.get(code).send().await.is(200);
    let cookie = page.header("set-cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();
    let form = format!("choice={choice}");
    let ask = server.ask("POST", code).cookie(&cookie).header("content-type", "application/x-www-form-urlencoded");
    ask.body(form).send().await.is(303)
}

async fn a_refused_title_is_kept(olga: &mut Browser<'_>, place: &str) {
    let untitled = [("do", "retitle"), ("title", " "), ("reason", "a <slip>")];
    let refused = olga.post(place, &untitled).await.is(422).text();
    for kept in [
        "<details class=\"more\" open>",
        "name=\"title\" value=\" \" required maxlength=\"200\" autocomplete=\"off\" aria-describedby=\"wrong\" aria-invalid=\"true\">",
        "name=\"reason\" value=\"a &#60;slip&#62;\" required maxlength=\"200\" autocomplete=\"off\">",
    ] {
        assert!(refused.contains(kept), "no {kept} in {refused}");
    }
}

#[tokio::test]
async fn a_poll_is_run_by_forms_from_draft_to_removal() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let mut olga = person(&mut ada, "olga").await;
    let place = made(&mut olga).await;
    let code = place.strip_suffix("/host").expect("a console");
    assert_eq!(buttons(&olga, &place).await, ["open"]);
    let choices = ("choices", "Harbour\nTown hall\nAt home");
    let edited = with(&[("title", "Where shall we dine?"), choices, ("public_ballots", "yes")]);
    let form = olga.get(&format!("{code}/edit")).await.is(200).text();
    assert!(form.contains("value=\"Town hall\" maxlength") && form.contains("Where shall we eat?"), "{form}");
    assert!(form.contains("name=\"public_ballots\" value=\"yes\"><"), "off unless chosen: {form}");
    olga.post(&format!("{code}/edit"), &edited).await.is(303);
    let form = olga.get(&format!("{code}/edit")).await.is(200).text();
    assert!(form.contains("name=\"public_ballots\" value=\"yes\" checked><"), "{form}");
    does(&mut olga, &place, "open").await;
    assert_eq!(buttons(&olga, &place).await, ["close", "pause", "reveal"]);
    for choice in ["harbour", "harbour", "at-home"] {
        assert_eq!(vote(&server, code, choice).await.header("location"), Some(code));
    }
    // The definition is frozen; its title is not.
    assert_eq!(olga.get(&format!("{code}/edit")).await.is(303).header("location"), Some(place.as_str()));
    let late = olga.post(&format!("{code}/edit"), &edited).await.is(422).text();
    assert!(late.contains("Voting was opened meanwhile"), "{late}");
    let title = [("do", "retitle"), ("title", "Where shall we have dinner?"), ("reason", "a typing error")];
    olga.post(&place, &title).await.is(303);
    olga.post(&place, &[("do", "retitle"), ("title", "Another"), ("reason", "")]).await.is(422);
    a_refused_title_is_kept(&mut olga, &place).await;
    let console = olga.get(&place).await.is(200).text();
    let framed = format!("href=\"{code}/embed\"");
    for shown in ["Where shall we have dinner?", "Hidden from others", "<b class=\"votes\">2</b>", "3 voters", &framed]
    {
        assert!(console.contains(shown), "no {shown} in {console}");
    }
    assert!(
        !server.get(&format!("{code}/results")).send().await.is(200).text().contains("3 voters"),
        "hidden from others"
    );
    does(&mut olga, &place, "pause").await;
    assert_eq!(buttons(&olga, &place).await, ["open", "close"]);
    does(&mut olga, &place, "open").await;
    does(&mut olga, &place, "close").await;
    assert_eq!(buttons(&olga, &place).await, ["reveal", "reopen", "rounds"]);
    does(&mut olga, &place, "reopen").await;
    does(&mut olga, &place, "close").await;
    does(&mut olga, &place, "reveal").await;
    assert!(server.get(&format!("{code}/results")).send().await.is(200).text().contains("3 voters"));
    let refused = olga.post(&place, &[("do", "reopen"), ("round", "1")]).await.is(422).text();
    assert!(refused.contains("cannot be undone any more"), "{refused}");
    does(&mut olga, &place, "rounds").await;
    assert_eq!(buttons(&olga, &place).await, ["open"]);
    assert!(olga.get(&place).await.text().contains("Round 2"));
    olga.post(&place, &[("do", "remove"), ("title", "Where?")]).await.is(422);
    let removed = olga.post(&place, &[("do", "remove"), ("title", "Where shall we have dinner?")]).await.is(303);
    assert_eq!(removed.header("location"), Some("/"));
    what_is_left_says_that_it_was_removed(&mut olga, &place, code).await;
    server.finish().await;
}

/// A console or a phone that was left open of a removed poll is told so, whatever it asks for.
async fn what_is_left_says_that_it_was_removed(olga: &mut Browser<'_>, place: &str, code: &str) {
    for (path, method) in [(place, "GET"), (place, "POST"), (code, "GET"), (code, "POST")] {
        let answer = match method {
            "GET" => olga.get(path).await,
            _ => olga.post(path, &[("do", "open"), ("round", "2"), ("choice", "the-harbour")]).await,
        };
        let page = answer.is(404).text();
        assert!(page.contains("<h1>This poll was removed</h1>"), "{method} {path}: {page}");
    }
}

/// "At most: all" is no number: it stays all when there are more choices.
#[tokio::test]
async fn all_stays_all_when_a_choice_is_added() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    for (most, before, after) in [("", 2, 4), ("1", 1, 1)] {
        let draft = with(&[("method", "approval"), ("most", most)]);
        let place = ada.post("/new", &draft).await.is(303).header("location").expect("the console").to_owned();
        let code = place.strip_suffix("/host").expect("a console");
        let max =
            async || server.get(&format!("/api/v1/polls{code}")).send().await.is(200).json()["contest"]["max"].clone();
        assert_eq!(max().await, json!(before), "{most:?}");
        let form = ada.get(&format!("{code}/edit")).await.is(200).text();
        assert!(form.contains(&format!("maxlength=\"3\" value=\"{most}\" placeholder")), "{most:?}: {form}");
        // What stands in the fields, and lines beside them.
        let choices = [("choices", "Home\nAway"), ("choice", "Harbour"), ("choice", ""), ("choice", "Town hall")];
        let edited = with(&[&choices[..], &[("method", "approval"), ("most", most)]].concat());
        ada.post(&format!("{code}/edit"), &edited).await.is(303);
        assert_eq!(max().await, json!(after), "{most:?}");
    }
    server.finish().await;
}

/// Two hosts, and one of them presses a button of a page that was drawn before the other one went on.
#[tokio::test]
async fn a_button_of_an_earlier_round_leaves_the_later_one_alone() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let place = made(&mut ada).await;
    for act in ["open", "close", "rounds", "open"] {
        does(&mut ada, &place, act).await;
    }
    let console = ada.get(&place).await.is(200).text();
    assert_eq!(console.matches("name=\"round\" value=\"2\"").count(), 3, "{console}");
    for act in ["close", "pause", "reopen", "rounds"] {
        ada.post(&place, &[("do", act), ("round", "1")]).await.is(422);
    }
    // This is the one that it was asked about.
    ada.post(&place, &[("do", "reveal"), ("round", "1")]).await.is(303);
    assert_eq!(buttons(&ada, &place).await, ["close", "pause", "reveal"]);
    ada.post(&place, &[("do", "close"), ("round", "2")]).await.is(303);
    assert_eq!(buttons(&ada, &place).await, ["reveal", "reopen", "rounds"]);
    server.finish().await;
}

/// Nothing that cannot be undone is done to whichever round happens to be the latest.
#[tokio::test]
async fn an_act_without_a_round_that_can_be_read_is_refused() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let place = made(&mut ada).await;
    does(&mut ada, &place, "open").await;
    does(&mut ada, &place, "close").await;
    for act in ["reveal", "reopen", "rounds", "open", "pause", "close"] {
        for round in [None, Some(""), Some("x"), Some("0"), Some("-1"), Some("1.0"), Some("4294967297")] {
            let fields: Vec<_> = [("do", act)].into_iter().chain(round.map(|round| ("round", round))).collect();
            let said = ada.post(&place, &fields).await.is(422).text();
            assert!(said.contains("This could not be done"), "{act} {round:?}: {said}");
        }
    }
    assert_eq!(buttons(&ada, &place).await, ["reveal", "reopen", "rounds"], "as it was");
    server.finish().await;
}

/// A round that was not shown before the next one began is shown by the console, and nothing of the later one with it.
#[tokio::test]
async fn earlier_rounds_are_listed_and_shown_by_a_button() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let place = made(&mut ada).await;
    let code = place.strip_suffix("/host").expect("a console");
    does(&mut ada, &place, "open").await;
    assert!(!ada.get(&place).await.text().contains("Earlier rounds"), "there is none");
    vote(&server, code, "the-harbour").await;
    for act in ["close", "rounds", "open"] {
        does(&mut ada, &place, act).await;
    }
    for choice in ["town-hall", "town-hall"] {
        vote(&server, code, choice).await;
    }
    for act in ["close", "rounds", "open"] {
        does(&mut ada, &place, act).await;
    }
    vote(&server, code, "town-hall").await;
    let earlier = async |browser: &Browser<'_>| {
        let console = browser.get(&place).await.is(200).text();
        let (_, section) = console.split_once("<section class=\"earlier\"").expect("earlier rounds");
        let (section, _) = section.split_once("</section>").expect("their end");
        section.split("<li>").skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let rows = earlier(&ada).await;
    assert_eq!(rows.len(), 2);
    for (row, number, voters) in [(&rows[0], 1, "1 voter"), (&rows[1], 2, "2 voters")] {
        let link = format!("<a href=\"{code}/results?round={number}&amp;audience=full\">Round {number}</a>");
        for part in
            [&link, voters, "Hidden from others", &format!("name=\"round\" value=\"{number}\""), "cannot be undone"]
        {
            assert!(row.contains(part), "no {part} in {row}");
        }
    }
    let stranger = Browser::new(&server);
    let hidden =
        async |page: &str| stranger.get(&format!("{code}/{page}")).await.is(200).text().contains("data-hidden");
    ada.post(&place, &[("do", "reveal"), ("round", "2")]).await.is(303);
    let rows = earlier(&ada).await;
    assert!(rows[0].contains("value=\"reveal\"") && !rows[1].contains("value=\"reveal\""), "{rows:?}");
    assert!(rows[1].contains("Shown to all"), "{rows:?}");
    for (page, expected) in [
        ("results?round=1", true),
        ("results?round=2", false),
        ("results", true),
        ("screen?round=1", true),
        ("screen?round=2", false),
        ("screen", true),
        ("embed", true),
    ] {
        assert_eq!(hidden(page).await, expected, "{page}");
    }
    // Two hosts press it: the second one finds it done.
    ada.post(&place, &[("do", "reveal"), ("round", "2")]).await.is(303);
    assert_eq!(buttons(&ada, &place).await, ["close", "pause", "reveal", "reveal"]);
    // The screen of a host offers it as well, for the round that the hall looks at.
    let offers =
        async |query: &str| ada.get(&format!("{code}/screen{query}")).await.is(200).text().contains("id=\"reveal\"");
    assert!(offers("?round=1").await && offers("").await);
    let asks = ada.get(&format!("{code}/screen?round=1")).await.is(200).text();
    assert!(asks.contains("All will see the results of round 1, and of no other one"), "{asks}");
    server.finish().await;
}

/// Where all see the results anyway, it is the host who makes a close final, and ballots public with it.
#[tokio::test]
async fn ballots_are_published_by_a_button() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let draft = with(&[("visibility", "after_vote"), ("public_ballots", "yes")]);
    let place = ada.post("/new", &draft).await.is(303).header("location").expect("the console").to_owned();
    let results = format!("{}/results", place.strip_suffix("/host").expect("a console"));
    for act in ["open", "close"] {
        does(&mut ada, &place, act).await;
    }
    assert_eq!(buttons(&ada, &place).await, ["reveal", "reopen", "rounds"]);
    assert!(ada.get(&place).await.text().contains("Publish all ballots"));
    assert!(!ada.get(&results).await.text().contains("/ballots?round=1"));
    does(&mut ada, &place, "reveal").await;
    assert_eq!(buttons(&ada, &place).await, ["rounds"]);
    assert!(ada.get(&results).await.text().contains("/ballots?round=1"));
    server.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    for (field, typed, said) in [
        ("title", "", "id=\"title-wrong\""),
        ("choices", "Only one", "href=\"#choice-2\""),
        ("choices", "Tea\nCoffee\nTea", "Choice 3 is there twice"),
        ("choice", "Town hall", "href=\"#choice-3\""),
        ("method", "guess", "could not be saved"),
        ("slug", "new", "aria-invalid=\"true\" aria-describedby=\"slug-hint slug-wrong\""),
        ("closes", "2001-01-01T10:00", "must close in the future"),
        ("opens", "soon", "must close in the future"),
        ("zone", "Mars", "no time zone of this name"),
    ] {
        let mut fields = with(&[(field, typed), ("slug", "kept-as-typed")]);
        if field == "slug" {
            fields.retain(|(name, value)| *name != "slug" || *value == typed);
        }
        if field == "zone" {
            fields.push(("opens", "2040-01-01T10:00"));
        }
        let page = ada.post("/new", &fields).await.is(422).text();
        assert!(page.contains(said), "{field} {typed:?}: {page}");
        assert!(field == "slug" || page.contains("kept-as-typed"), "{field}: what was typed is lost");
    }
    let nasty = "<script>alert(1)</script>";
    let choices = format!("{nasty}\n{nasty}");
    let page = ada.post("/new", &with(&[("title", nasty), ("choices", &choices)])).await.is(422).text();
    assert!(!page.contains(nasty) && page.contains("&#60;script&#62;"), "{page}");
    ada.post("/new", &with(&[("opens", "2040-01-01T10:00"), ("zone", "Europe/Paris"), ("slug", "dinner")]))
        .await
        .is(303);
    let poll = server.get("/api/v1/polls/dinner").send().await.is(200).json();
    assert_eq!(poll["opens_at"], "2040-01-01T09:00:00.000Z", "{poll}");
    server.finish().await;
}

#[tokio::test]
async fn the_console_is_for_those_who_run_the_poll() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let mut olga = person(&mut ada, "olga").await;
    let place = made(&mut olga).await;
    let code = place.strip_suffix("/host").expect("a console");
    let [carl, vito, sam] =
        [person(&mut ada, "carl").await, person(&mut ada, "vito").await, person(&mut ada, "sam").await];
    for (name, role) in [("carl", "co_host"), ("vito", "viewer")] {
        olga.post(&format!("{code}/people"), &[("do", "add"), ("name", name), ("role", role)]).await.is(303);
    }
    let pages = [place.clone(), format!("{code}/edit"), format!("{place}/health")];
    let parts = [
        ("owner", &olga, 200),
        ("admin", &ada, 200),
        ("co-host", &carl, 200),
        ("viewer", &vito, 403),
        ("other", &sam, 403),
    ];
    for (who, browser, expected) in parts {
        for page in &pages {
            let expected = if who == "viewer" && *page == place { 303 } else { expected };
            assert_eq!(browser.get(page).await.status, expected, "{who} {page}");
        }
    }
    // The screen is everybody's; the means to reveal is on it only for those who may.
    let reveals = async |browser: &Browser<'_>| {
        let screen = browser.get(&format!("{code}/screen")).await.is(200).text();
        let means = ["id=\"reveal\"", "data-reveals", "/reveal\"", "<kbd>R</kbd>"].map(|part| screen.contains(part));
        assert!(means.iter().all(|there| *there == means[0]), "{means:?} {screen}");
        means[0]
    };
    for (who, browser, expected) in parts {
        assert_eq!(reveals(browser).await, expected == 200, "{who}");
    }
    assert!(!reveals(&Browser::new(&server)).await, "nobody signed in");
    for (who, browser, expected) in parts {
        for act in ["open", "pause", "open", "close", "reveal", "rounds"] {
            let round = round_of(&olga, &place).await;
            let answer = browser.form(&place, &[("do", act), ("round", &round)]).send().await.status;
            assert_eq!(answer, if expected == 200 { 303 } else { 403 }, "{who} {act}");
        }
    }
    let typed = [("do", "remove"), ("title", "Where shall we eat?")];
    assert_ne!(carl.form(&place, &typed).send().await.status, 303, "only owners remove");
    let nobody = Browser::new(&server);
    let sent = nobody.get(&place).await.is(303);
    assert_eq!(sent.header("location").map(|to| to.starts_with("/login?next=%2F")), Some(true));
    let forged = server.ask("POST", &place).cookie(&olga.cookie).header("sec-fetch-site", "cross-site");
    let forged = forged.header("content-type", "application/x-www-form-urlencoded").body("do=open").send().await;
    assert_eq!(forged.status, 403, "{}", forged.text());
    let health = olga.get(&format!("{place}/health")).await.is(200).json();
    assert_eq!((&health["turned_away"], &health["per_second"]), (&json!("0"), &json!("0.0")), "{health}");
    // A program that fetches pages and keeps no cookies is seen: each page is another device.
    for _ in 0..30 {
        server.get(code).send().await.is(200);
    }
    let all_came =
        async { while olga.get(&format!("{place}/health")).await.is(200).json()["joined"] != json!("30") {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), all_came).await.expect("thirty devices that came");
    server.finish().await;
}

#[tokio::test]
async fn the_own_polls_are_at_home_and_can_be_searched() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let mut olga = person(&mut ada, "olga").await;
    assert!(!server.get("/").send().await.is(200).text().contains("My polls"));
    assert!(olga.get("/").await.is(200).text().contains("You have no polls yet"));
    for number in 0..23 {
        let title = format!("Question {number}");
        olga.post("/new", &with(&[("title", &title)])).await.is(303);
    }
    let listed = |html: &str| html.matches("Question ").count();
    let first = olga.get("/").await.is(200).text();
    assert!(listed(&first) == 20 && first.contains("Question 22") && first.contains("Not open yet"), "{first}");
    let (_, rest) = first.split_once("href=\"/?before=").expect("older ones");
    let older = format!("/?before={}", rest.split('"').next().expect("an address"));
    assert_eq!(listed(&olga.get(&older).await.is(200).text()), 3);
    let found = olga.get("/?q=question+7").await.is(200).text();
    assert_eq!(listed(&found), 1, "{found}");
    assert!(olga.get("/?q=nothing").await.is(200).text().contains("Nothing here has these words"));
    assert_eq!(listed(&ada.get("/").await.is(200).text()), 20, "an administrator sees all");
    let sam = person(&mut ada, "sam").await;
    assert_eq!(listed(&sam.get("/").await.is(200).text()), 0);
    server.finish().await;
}
