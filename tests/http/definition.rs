//! The life of a definition as a stranger sees it: edited until it is opened, its title corrected, copied, removed; and what
//! watchers and other nodes make of it.

use serde_json::{Value, json};

use crate::support::{ADMIN, Events, Poll, TestServer, soon};

/// Another definition of a poll: Red, Green or Blue.
fn colours(more: Value) -> Value {
    let mut body = json!({ "title": "Which colour?", "choices": ["Red", "Green", "Blue"] });
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    body
}

fn put(server: &TestServer, node: usize, poll: &Poll, body: &Value) -> crate::support::Ask {
    server.ask_node(node, "PUT", &poll.path("")).json(body).bearer(ADMIN)
}

fn delete(server: &TestServer, node: usize, poll: &Poll, body: &Value) -> crate::support::Ask {
    server.ask_node(node, "DELETE", &poll.path("")).json(body).bearer(ADMIN)
}

#[tokio::test]
async fn a_poll_is_edited_until_it_is_opened() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "open": false, "slug": "town-hall" })).await;
    let body = colours(json!({ "method": "approval", "change": "until_close", "slug": "city-hall" }));
    // Every node learns of it at once where it is asked to change something, and within two seconds elsewhere.
    for node in [0, 1, 0] {
        let edited = put(&server, node, &poll, &body).send().await.is(200).json();
        assert_eq!((&edited["id"], &edited["code"]), (&poll.body["id"], &poll.body["code"]), "names stay");
        assert_eq!(edited["created"], poll.body["created"]);
        let found = (&edited["title"], &edited["slug"], &edited["contest"]["method"], &edited["status"]);
        assert_eq!(found, (&json!("Which colour?"), &json!("city-hall"), &json!("approval"), &json!("draft")));
        assert_eq!(edited["contest"]["choices"].as_array().map(Vec::len), Some(3));
    }
    for node in [0, 1] {
        let caught_up = async {
            loop {
                let shown = server.ask_node(node, "GET", &poll.path("")).send().await.is(200).json();
                let results = server.ask_node(node, "GET", &poll.path("/results")).send().await.is(200).json();
                if shown["title"] == "Which colour?" && results["title"] == "Which colour?" {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        soon("the other node's look", caught_up).await;
    }
    server.get("/api/v1/polls/town-hall").send().await.refused(404, "unknown_poll");
    server.create(json!({ "slug": "town-hall" })).await;

    for (body, status, code) in [
        (colours(json!({ "slug": "town-hall" })), 422, "slug_taken"),
        (colours(json!({ "choices": ["Red"] })), 422, "too_few_choices"),
        (colours(json!({ "titel": "x" })), 422, "unknown_field"),
        (json!({ "title": "x" }), 422, "missing_field"),
    ] {
        put(&server, 0, &poll, &body).send().await.refused(status, code);
    }
    let results = server.token(&["results"]).await;
    server.ask("PUT", &poll.path("")).json(&body).bearer(&results).send().await.refused(403, "wrong_scope");
    server.ask("PUT", &poll.path("")).json(&body).send().await.refused(401, "no_token");
    let nobody = Poll { id: "ABCDEF".into(), ..poll.clone() };
    put(&server, 0, &nobody, &body).send().await.refused(404, "unknown_poll");

    // The last edit opens it, and a vote on the other node goes to the definition that was opened.
    let opened = put(&server, 0, &poll, &colours(json!({ "open": true }))).send().await.is(200).json();
    assert_eq!(opened["status"], "open");
    let vote = json!({ "choices": [opened["contest"]["choices"][1]["id"]], "voter": "vera a" });
    server.ask_node(1, "POST", &poll.path("/votes")).json(&vote).bearer(ADMIN).send().await.is(201);
    for node in [0, 1] {
        let refused = put(&server, node, &poll, &body).send().await.refused(409, "already_opened").json();
        let detail = refused["detail"].as_str().expect("a sentence");
        assert!(detail.contains("its title can still be corrected") && detail.contains("clone it"), "{detail}");
    }
    assert_eq!(server.results(&poll).await["choices"][1]["votes"], 1);
    server.finish().await;
}

/// A screen that is open while the definition is replaced ends, and finds the new one at the same address.
#[tokio::test]
async fn watchers_come_back_to_the_new_definition() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "open": false })).await;
    let mut screens = Vec::new();
    for node in [0, 1] {
        let mut screen = Events::open(server.ask_node(node, "GET", &poll.path("/results/stream"))).await;
        let first = screen.until("the first frame", |results| results["title"] == "Tea or coffee?").await;
        screens.push((node, screen, first.last().expect("a frame").version.clone()));
    }
    put(&server, 0, &poll, &colours(json!({}))).send().await.is(200);
    for (node, mut screen, seen) in screens {
        soon("the end of the stream", async { while screen.next().await.is_some() {} }).await;
        let again = server.ask_node(node, "GET", &poll.path("/results/stream")).header("last-event-id", &seen);
        let mut screen = Events::open(again).await;
        screen.until("the new definition", |results| results["choices"].as_array().map(Vec::len) == Some(3)).await;
    }
    server.finish().await;
}

#[tokio::test]
async fn a_title_is_corrected_with_a_reason() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    let mut screen = Events::open(server.ask_node(1, "GET", &poll.path("/results/stream"))).await;
    screen.until("the first frame", |results| results["title"] == "Tea or coffee?").await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let body = json!({ "title": " Tea or Coffee? ", "reason": "a capital letter" });
    let ask = || server.post(&poll.path("/title"), &body).bearer(ADMIN);
    assert_eq!(ask().send().await.is(200).json()["title"], "Tea or Coffee?");
    // Hidden results tell of it too, and of nothing else.
    let frames = screen.until("the corrected title", |results| results["title"] == "Tea or Coffee?").await;
    assert_eq!(frames.last().expect("a frame").json()["hidden"], true);
    assert_eq!(frames.len(), 1, "the vote made no frame: {frames:?}");
    ask().send().await.is(200);
    let entries = server.entries(&poll).await;
    let last = entries.last().expect("entries");
    assert_eq!(entries.len(), 3, "the same title again writes nothing: {entries:?}");
    assert_eq!((&last["kind"], &last["title"]), (&json!("retitled"), &json!("Tea or Coffee?")));
    assert_eq!((&last["reason"], &last["contest"]), (&json!("a capital letter"), &json!(u32::MAX)));
    for (body, code) in [
        (json!({ "title": "x" }), "missing_field"),
        (json!({ "title": "", "reason": "x" }), "empty_text"),
        (json!({ "title": "x", "reason": "" }), "empty_text"),
    ] {
        server.post(&poll.path("/title"), &body).bearer(ADMIN).send().await.refused(422, code);
    }
    server.act(&poll, "close").await.is(200);
    let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200).text();
    assert!(page.contains("Tea or Coffee?"), "{page}");
    let (good, out, said) = server.command(&["export", "totals", "--poll", &poll.code]).await;
    assert!(good && out.contains("\"title\":\"Tea or Coffee?\""), "{out}{said}");
    let rows = server.rows("SELECT title FROM v_election").await;
    assert_eq!(rows, [["Tea or Coffee?"]]);
    server.finish().await;
}

#[tokio::test]
async fn a_removed_poll_leaves_a_line_and_frees_its_names() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "slug": "town-hall" })).await;
    let kept = server.create(json!({ "slug": "kept" })).await;
    for voter in ["a", "b"] {
        server.vote(&poll, voter, json!({ "choices": ["tea"] })).await.is(201);
    }
    // One node knows the slug, and the other one removes the poll.
    server.ask_node(0, "GET", "/api/v1/polls/town-hall").send().await.is(200);
    let mut screen = Events::open(server.ask_node(1, "GET", &poll.path("/results/stream"))).await;
    screen.until("both votes", |results| results["ballots"] == 2).await;
    for title in ["", "tea or coffee?", "Tea", kept.code.as_str()] {
        let refused = delete(&server, 0, &poll, &json!({ "title": title })).send().await;
        let code = if title.is_empty() { "empty_text" } else { "title_differs" };
        assert_eq!(refused.refused(422, code).json()["pointer"], "/title");
    }
    let results = server.token(&["results"]).await;
    let body = json!({ "title": "Tea or coffee?", "reason": "made by mistake" });
    server.ask("DELETE", &poll.path("")).json(&body).bearer(&results).send().await.refused(403, "wrong_scope");
    let removed = delete(&server, 1, &poll, &body).send().await.is(200).json();
    let found = (&removed["id"], &removed["code"], &removed["entries"], &removed["removed_by"], &removed["reason"]);
    let by = json!("HUSTINGS_ADMIN_TOKEN");
    assert_eq!(found, (&json!(poll.id), &json!(poll.code), &json!(3), &by, &json!("made by mistake")));
    soon("the end of the stream", async { while screen.next().await.is_some() {} }).await;
    // On the other node too, within two seconds; a vote or an act that is quicker finds nothing to go to.
    let vote = json!({ "choices": ["tea"], "voter": "vera c" });
    for node in [0, 1] {
        let voted = server.ask_node(node, "POST", &poll.path("/votes")).json(&vote).bearer(ADMIN).send().await;
        assert_eq!(voted.status, 404, "{voted:?}");
        delete(&server, node, &poll, &body).send().await.refused(404, "removed_poll");
        let path = poll.path("/results/stream");
        server.ask_node(node, "GET", &path).send().await.refused(404, "removed_poll");
    }
    let list = server.get("/api/v1/removed").bearer(ADMIN).send().await.is(200).json();
    assert_eq!(list, json!({ "removed": [removed] }));
    let manage = server.token(&["manage"]).await;
    told_by_the_command(&server, &list["removed"], &manage).await;
    server.get("/api/v1/removed").bearer(&manage).send().await.refused(403, "wrong_scope");
    its_names_say_that_it_was_removed(&server, &poll).await;
    // Names are free, and nothing of the old one is in what has them now.
    let again = server.create(json!({ "slug": "town-hall" })).await;
    assert_eq!(server.results(&again).await["ballots"], 0);
    assert_eq!(server.results(&kept).await["ballots"], 0);
    let learnt = async {
        while server.ask_node(0, "GET", "/api/v1/polls/town-hall").send().await.json()["id"] != again.id {
            tokio::task::yield_now().await;
        }
    };
    soon("the name means the new one", learnt).await;
    let erased = async {
        loop {
            let left = server.rows("SELECT (SELECT count(*) FROM gone_election), (SELECT count(*) FROM ballot)").await;
            if left == [["0", "0"]] {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("all rows are erased", erased).await;
    server.finish().await;
}

/// Whoever holds its address or its code is told on every page, and by programs, what became of it; a guess is told nothing.
async fn its_names_say_that_it_was_removed(server: &TestServer, poll: &Poll) {
    let names = [poll.id.as_str(), poll.code.as_str(), &poll.code.to_lowercase(), "town-hall", "Town-Hall"];
    for name in names {
        for path in ["", "/results", "/ballots"] {
            let told = server.get(&format!("/api/v1/polls/{name}{path}")).bearer(ADMIN).send().await;
            assert!(
                told.refused(404, "removed_poll").json()["detail"].as_str().is_some_and(|said| said.contains("20"))
            );
        }
        for path in ["", "/results", "/screen", "/c", "/embed"] {
            let page = server.get(&format!("/{name}{path}")).send().await.is(404).text();
            assert!(page.contains("<h1>This poll was removed</h1>"), "{name}{path}: {page}");
        }
        let typed = server.get(&format!("/?code={name}")).header("accept-language", "fr").send().await.is(404).text();
        assert!(typed.contains("<h1>Ce scrutin a été supprimé</h1>"), "{name}: {typed}");
        assert!(
            !typed.contains("Tea or coffee?") && !typed.contains("made by mistake"),
            "who, what and why is not told"
        );
    }
    for name in ["ABCDEF", "no-such-poll", "a%2Fb"] {
        let page = server.get(&format!("/{name}")).send().await.is(404).text();
        assert!(page.contains("<h1>There is nothing here</h1>"), "{name}: {page}");
    }
}

#[tokio::test]
async fn copies_have_names_of_their_own_and_rehearsals_say_so() {
    let server = TestServer::start().await;
    let more =
        json!({ "method": "score", "max": 3, "visibility": "on_reveal", "accent": "#112233", "slug": "town-hall" });
    let poll = server.create(more).await;
    server.vote(&poll, "a", json!({ "scores": { "tea": 3 } })).await.is(201);
    let body = json!({ "title": "Tea or Coffee?", "reason": "a capital letter" });
    server.post(&poll.path("/title"), &body).bearer(ADMIN).send().await.is(200);
    let copy = async |of: &Poll, how: &str, body: Value| {
        let made = server.post(&of.path(&format!("/{how}")), &body).bearer(ADMIN).send().await.is(201);
        let location = made.header("location").expect("where it is").to_owned();
        let body = made.json();
        let text = |name: &str| body[name].as_str().expect(name).to_owned();
        assert_eq!(location, format!("/api/v1/polls/{}", text("id")));
        Poll { id: text("id"), code: text("code"), body }
    };
    let clone = copy(&poll, "clone", json!({})).await;
    assert_ne!((&clone.id, &clone.code), (&poll.id, &poll.code));
    for (pointer, expected) in [
        ("/title", json!("Tea or Coffee?")),
        ("/status", json!("draft")),
        ("/contest/method", json!("score")),
        ("/contest/max", json!(3)),
        ("/visibility", json!("on_reveal")),
        ("/accent", json!("#112233")),
        ("/slug", Value::Null),
        ("/rehearsal", Value::Null),
    ] {
        assert_eq!(clone.body.pointer(pointer).cloned().unwrap_or(Value::Null), expected, "{pointer}");
    }
    assert_ne!(clone.body["contest"]["choices"][0]["id"], poll.body["contest"]["choices"][0]["id"]);
    let named = copy(&poll, "clone", json!({ "title": "Another" })).await;
    assert_eq!(named.body["title"], "Another");

    let rehearsal = copy(&poll, "rehearse", json!({})).await;
    assert_eq!(rehearsal.body["rehearsal"], true);
    for how in ["rehearse", "clone"] {
        assert_eq!(copy(&rehearsal, how, json!({})).await.body["rehearsal"], true, "{how} of a rehearsal");
    }
    // An edit keeps the mark.
    let edited = put(&server, 0, &rehearsal, &colours(json!({ "open": true }))).send().await.is(200).json();
    assert_eq!(edited["rehearsal"], true);
    server.vote(&rehearsal, "a", json!({ "choices": ["red"] })).await.is(201);
    let results = server.results(&rehearsal).await;
    assert_eq!((&results["rehearsal"], &results["ballots"]), (&json!(true), &json!(1)));
    assert_eq!(server.results(&poll).await["ballots"], 1, "votes of a rehearsal are nobody else's");
    assert_eq!(server.results(&poll).await["rehearsal"], Value::Null);
    let (good, out, said) = server.command(&["export", "totals", "--poll", &rehearsal.code]).await;
    assert!(good && out.contains("\"rehearsal\":true"), "{out}{said}");
    server.finish().await;
}

/// Until all nodes are upgraded, nothing is done that an earlier program would misunderstand.
#[tokio::test]
async fn an_earlier_format_refuses_what_earlier_programs_do_not_know() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({ "open": false })).await;
    server.execute("UPDATE installation SET value = '2' WHERE name = 'format'").await;
    let title = json!({ "title": "x", "reason": "y" });
    for refused in [
        put(&server, 0, &poll, &colours(json!({}))).send().await,
        delete(&server, 0, &poll, &json!({ "title": "Tea or coffee?" })).send().await,
        server.post(&poll.path("/title"), &title).bearer(ADMIN).send().await,
        server.post(&poll.path("/rehearse"), &json!({})).bearer(ADMIN).send().await,
    ] {
        let detail = refused.refused(409, "format_too_old").json()["detail"].to_string();
        assert!(detail.contains("migrate --database URL --format 3"), "{detail}");
    }
    server.post(&poll.path("/clone"), &json!({})).bearer(ADMIN).send().await.is(201);
    server.act(&poll, "open").await.is(200);
    server.stop().await;
    assert!(server.raise_format("3").await.0);
    server.start_again().await;
    server.post(&poll.path("/title"), &title).bearer(ADMIN).send().await.is(200);
    server.finish().await;
}

/// The command prints what the interface tells.
async fn told_by_the_command(server: &TestServer, removed: &Value, manage: &str) {
    let url = server.url();
    let asked = ["audit", "--removed", "--url", &url, "--token", ADMIN];
    let (well, table, said) = server.command(&asked).await;
    assert!(well && table.starts_with("removed"), "{table} {said}");
    let (well, lines, _) = server.command(&[&asked[..], &["--json"]].concat()).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((well, json!(lines)), (true, removed.clone()));
    let (well, one, _) = server.command(&[&asked[..], &["--json", "--limit", "1"]].concat()).await;
    assert!(well && one.lines().count() == 1, "{one}");
    assert!(!server.command(&[&asked[..4], &["--token", manage]].concat()).await.0, "an administrator's");
}
