//! Who may vote, as a stranger sees it: with an access code or from a roster, on any number of devices and nodes, and nobody else.

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Ask, Poll, TestServer, soon};

async fn with_codes(server: &TestServer, more: Value, count: usize) -> (Poll, Vec<String>) {
    let mut body = json!({ "access": "codes" });
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    let poll = server.create(body).await;
    let made = server.post(&poll.path("/codes"), &json!({ "count": count })).bearer(ADMIN).send().await.is(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made = made.json();
    let codes: Vec<String> = made["codes"]
        .as_array()
        .expect("codes")
        .iter()
        .map(|one| one["code"].as_str().expect("a code").to_owned())
        .collect();
    assert_eq!(codes.len(), count);
    (poll, codes)
}

fn by_code(server: &TestServer, node: usize, poll: &Poll, code: &str, choice: &str) -> Ask {
    let vote = json!({ "choices": [choice] });
    server.ask_node(node, "POST", &poll.path("/votes")).json(&vote).header("authorization", &format!("Code {code}"))
}

#[tokio::test]
async fn a_code_is_one_voter_on_any_device_and_node() {
    let server = TestServer::start().await;
    let (poll, codes) = with_codes(&server, json!({ "change": "until_close" }), 3).await;
    assert_eq!(
        (&poll.body["access"], &server.results(&poll).await["identified_by"]),
        (&json!("codes"), &json!("code"))
    );
    let code = &codes[0];
    by_code(&server, 0, &poll, code, "tea").send().await.is(201);
    for typed in [code.to_lowercase(), code.replace('-', ""), format!(" {code} ")] {
        assert_eq!(by_code(&server, 1, &poll, &typed, "tea").send().await.is(200).word(), "repeated", "{typed}");
    }
    assert_eq!(by_code(&server, 1, &poll, code, "coffee").send().await.is(201).word(), "changed");
    by_code(&server, 0, &poll, &codes[1], "tea").send().await.is(201);
    let results = server.results(&poll).await;
    assert_eq!((&results["ballots"], &results["choices"][0]["votes"]), (&json!(2), &json!(1)));
    let shown = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(shown, json!({ "made": 3, "revoked": 0, "voted": 2 }));
    let log = server.log();
    assert!(codes.iter().all(|code| !log.contains(code) && !log.contains(&code.replace('-', ""))), "a code in the log");
    for column in ["hash", "voter"] {
        let stored = server.rows(&format!("SELECT count(*) FROM access_code WHERE {column} IS NOT NULL")).await;
        assert_eq!(stored, [["3"]]);
    }
    server.finish().await;
}

#[tokio::test]
async fn nobody_votes_without_a_code_that_is_good() {
    let server = TestServer::start().await;
    let (poll, codes) = with_codes(&server, json!({}), 2).await;
    let (other, _) = with_codes(&server, json!({}), 1).await;
    let device = server.device(&poll).await;
    let vote = json!({ "choices": ["tea"] });
    let path = poll.path("/votes");
    server.post(&path, &vote).cookie(&device).send().await.refused(401, "no_access_code");
    let refused = server.post(&path, &vote).send().await.refused(401, "no_access_code").json();
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("Authorization: Code")), "{refused}");
    let named = json!({ "choices": ["tea"], "voter": "vera" });
    for ask in [server.post(&path, &named), server.post(&path, &named).cookie(&device)] {
        let refused = ask.send().await.refused(401, "no_access_code").text();
        assert!(refused.contains("Authorization: Code") && !refused.contains("so that this device can vote"));
    }
    by_code(&server, 0, &poll, &codes[0], "tea").body(named.to_string()).send().await.refused(403, "wrong_scope");
    for code in ["", "x", "ABCDE-FGHJK", "ABCDE-FGHJ0", &"A".repeat(5_000)] {
        by_code(&server, 0, &poll, code, "tea").cookie(&device).send().await.refused(401, "unknown_access_code");
    }
    by_code(&server, 0, &other, &codes[0], "tea").send().await.refused(401, "unknown_access_code");
    let any = server.create(json!({})).await;
    by_code(&server, 0, &any, &codes[0], "tea").send().await.refused(401, "unknown_access_code");

    by_code(&server, 0, &poll, &codes[0], "tea").send().await.is(201);
    for number in [1, 2, 2] {
        let path = poll.path(&format!("/codes/{number}"));
        let revoked = server.ask_node(1, "DELETE", &path).bearer(ADMIN).send().await.is(200).json();
        assert_eq!((&revoked["number"], &revoked["status"]), (&json!(number), &json!("revoked")));
        assert!(revoked["detail"].as_str().is_some_and(|detail| detail.contains("stays")), "{revoked}");
    }
    for (code, node) in [(&codes[0], 0), (&codes[1], 1)] {
        let refused =
            by_code(&server, node, &poll, code, "tea").send().await.refused(401, "revoked_access_code").json();
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("stays")), "{refused}");
    }
    let shown = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(shown, json!({ "made": 2, "revoked": 2, "voted": 1 }), "what was counted stays");
    for number in ["0", "3", "x", "4294967296"] {
        let path = poll.path(&format!("/codes/{number}"));
        server.ask("DELETE", &path).bearer(ADMIN).send().await.refused(404, "unknown_code_number");
    }
    server.finish().await;
}

/// Results say that each code, or each person on the roster, was counted once. Whom a token names would be one more voter.
#[tokio::test]
async fn a_token_names_no_voters_where_voters_have_codes() {
    let server = TestServer::start().await;
    let programs = server.token(&["vote"]).await;
    let vote = json!({ "choices": ["tea"], "voter": "vera" });
    let old_form = |poll: &Poll| json!({ "poll": poll.code, "choice": "tea", "voter": "vera" });
    for access in ["codes", "roster"] {
        let poll = server.create(json!({ "access": access, "change": "until_close" })).await;
        let made = if access == "codes" {
            server.post(&poll.path("/codes"), &json!({ "count": 1 })).bearer(ADMIN)
        } else {
            import(&server, &poll, "name\nAnn\n").header("accept", "application/json")
        };
        let code = made.send().await.is(201).json()["codes"][0]["code"].as_str().expect("a code").to_owned();
        by_code(&server, 0, &poll, &code, "tea").send().await.is(201);
        for token in [ADMIN, &programs] {
            for (path, body) in [(poll.path("/votes"), vote.clone()), ("/votes/".to_owned(), old_form(&poll))] {
                let refused = server.post(&path, &body).bearer(token).send().await.refused(403, "voters_have_codes");
                assert!(refused.text().contains("Authorization: Code"), "{}", refused.text());
            }
        }
        assert_eq!(server.results(&poll).await["ballots"], 1, "{access}");
    }
    let any = server.create(json!({})).await;
    server.post(&any.path("/votes"), &vote).bearer(&programs).send().await.is(201);
    server.finish().await;
}

#[tokio::test]
async fn codes_are_made_for_polls_that_ask_for_them_by_who_may() {
    let server = TestServer::start().await;
    let (poll, _) = with_codes(&server, json!({ "visibility": "on_reveal" }), 2).await;
    let path = poll.path("/codes");
    for (body, code) in [
        (json!({ "count": 0 }), "invalid_count"),
        (json!({ "count": 50_001 }), "invalid_count"),
        (json!({}), "missing_field"),
        (json!({ "count": -1 }), "wrong_type"),
    ] {
        server.post(&path, &body).bearer(ADMIN).send().await.refused(422, code);
    }
    let body = json!({ "count": 1 });
    let results = server.token(&["results"]).await;
    server.post(&path, &body).bearer(&results).send().await.refused(403, "wrong_scope");
    server.post(&path, &body).send().await.refused(401, "no_token");
    let table = server.post(&path, &body).bearer(ADMIN).header("accept", "text/csv").send().await.is(201);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = table.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("number,code,link", 2));
    let cells: Vec<&str> = lines[1].split(',').collect();
    assert_eq!((cells[0], cells[2]), ("3", format!("{}/{}/c/{}", server.url(), poll.code, cells[1]).as_str()));
    // Hidden results hide how many have voted.
    by_code(&server, 0, &poll, cells[1], "tea").send().await.is(201);
    let shown = server.get(&path).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(shown, json!({ "made": 3, "revoked": 0 }));
    let any = server.create(json!({})).await;
    server.post(&any.path("/codes"), &body).bearer(ADMIN).send().await.refused(409, "other_access");
    server.create(json!({ "access": "codes", "open": false })).await;
    let wrong = json!({ "title": "x", "choices": ["A", "B"], "access": "friends" });
    assert_eq!(server.post("/api/v1/polls", &wrong).bearer(ADMIN).send().await.status, 422);
    server.finish().await;
}

#[tokio::test]
async fn a_lost_code_is_replaced_and_stays_one_voter() {
    let server = TestServer::start().await;
    let (poll, codes) = with_codes(&server, json!({ "change": "until_close" }), 3).await;
    by_code(&server, 0, &poll, &codes[0], "tea").send().await.is(201);
    let path = |number: &str| poll.path(&format!("/codes/{number}/replace"));
    let made = server.ask_node(1, "POST", &path("1")).bearer(ADMIN).send().await.is(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let (number, new) = (&made.json()["codes"][0]["number"], made.json()["codes"][0]["code"].clone());
    let new = new.as_str().expect("a code");
    assert_eq!(number, 1);
    for node in [0, 1] {
        by_code(&server, node, &poll, &codes[0], "coffee").send().await.refused(401, "replaced_access_code");
    }
    assert_eq!(by_code(&server, 0, &poll, new, "tea").send().await.is(200).word(), "repeated");
    assert_eq!(by_code(&server, 1, &poll, new, "coffee").send().await.is(201).word(), "changed");
    assert_eq!(server.results(&poll).await["ballots"], 1);
    let table = server.ask("POST", &path("2")).bearer(ADMIN).header("accept", "text/csv").send().await.is(201).text();
    assert!(table.starts_with("number,code,link\n2,"), "{table}");

    server.ask("DELETE", &poll.path("/codes/3")).bearer(ADMIN).send().await.is(200);
    server.ask("POST", &path("3")).bearer(ADMIN).send().await.refused(409, "code_revoked");
    for number in ["0", "4", "x"] {
        server.ask("POST", &path(number)).bearer(ADMIN).send().await.refused(404, "unknown_code_number");
    }
    let results = server.token(&["results"]).await;
    server.ask("POST", &path("1")).bearer(&results).send().await.refused(403, "wrong_scope");
    server.ask("POST", &path("1")).send().await.refused(401, "no_token");
    let shown = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(shown, json!({ "made": 3, "revoked": 1, "voted": 1 }));
    server.finish().await;
}

const ID: &str = "018f6a52-7b1e-4c3a-9d41-6f0e2b8a1c77";
const OTHER: &str = "018f6a52-7b1e-4c3a-9d41-6f0e2b8a1c78";

fn codes_in(answer: &Answer) -> Vec<String> {
    let codes = answer.json()["codes"].as_array().expect("codes").clone();
    codes.iter().map(|one| one["code"].as_str().expect("a code").to_owned()).collect()
}

/// A client that lost the answer asks again, and has its codes.
#[tokio::test]
async fn a_request_of_the_same_id_makes_codes_once() {
    let server = TestServer::start().await;
    let (poll, _) = with_codes(&server, json!({}), 1).await;
    let (other, _) = with_codes(&server, json!({}), 1).await;
    let send = async |node, poll: &Poll, body: Value| {
        server.ask_node(node, "POST", &poll.path("/codes")).json(&body).bearer(ADMIN).send().await
    };
    let body = json!({ "count": 3, "id": ID });
    let first = send(0, &poll, body.clone()).await.is(201);
    for node in [0, 1] {
        let again = send(node, &poll, body.clone()).await.is(200);
        assert_eq!((codes_in(&again), again.header("cache-control")), (codes_in(&first), Some("no-store")));
        assert_eq!(again.json()["codes"][2]["number"], 4);
    }
    for count in [2, 4] {
        send(0, &poll, json!({ "count": count, "id": ID })).await.refused(409, "id_reused");
    }
    let elsewhere = codes_in(&send(0, &other, body.clone()).await.is(201));
    assert!(!elsewhere.iter().any(|code| codes_in(&first).contains(code)));
    assert_eq!(send(0, &poll, json!({ "count": 1, "id": "x" })).await.status, 422);
    let mut racing = tokio::task::JoinSet::new();
    for node in 0..16 {
        let ask = server.ask_node(node, "POST", &poll.path("/codes"));
        racing.spawn(ask.json(&json!({ "count": 40, "id": OTHER })).bearer(ADMIN).send());
    }
    let mut answers = racing.join_all().await;
    answers.sort_by_key(|answer| answer.status);
    let codes = codes_in(&answers[0]);
    assert!(answers.iter().all(|answer| codes_in(answer) == codes), "one set");
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    server.ask("DELETE", &poll.path("/codes/2")).bearer(ADMIN).send().await.is(200);
    let again = send(0, &poll, body).await.is(200);
    assert_eq!((codes_in(&again), &again.json()["gone"]), (codes_in(&first)[1..].to_vec(), &json!(1)));
    let shown = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(shown, json!({ "made": 44, "revoked": 1, "voted": 0 }));
    server.finish().await;
}

/// One of the codes of a request stands elsewhere already: it takes others, and is known again by them.
#[tokio::test]
async fn a_request_whose_codes_are_taken_is_known_again() {
    let server = TestServer::start().await;
    let (poll, _) = with_codes(&server, json!({}), 1).await;
    let body = json!({ "count": 2, "id": ID });
    let send = async || server.post(&poll.path("/codes"), &body).bearer(ADMIN).send().await;
    let first = codes_in(&send().await.is(201));
    server.execute("DELETE FROM access_code WHERE number = 2").await;
    let second = send().await.is(201);
    assert!(!codes_in(&second).iter().any(|code| first.contains(code)), "{second:?}");
    assert_eq!(send().await.is(200).json(), second.json());
    server.finish().await;
}

#[tokio::test]
async fn a_replacement_of_the_same_id_is_the_same_code_as_long_as_it_is_there() {
    let server = TestServer::start().await;
    let (poll, codes) = with_codes(&server, json!({}), 2).await;
    let send = async |node, number: u32, id: &str| {
        let ask = server.ask_node(node, "POST", &poll.path(&format!("/codes/{number}/replace")));
        ask.json(&json!({ "id": id })).bearer(ADMIN).send().await
    };
    let mut seen = codes;
    for (id, status) in [(ID, 201), (ID, 200), (OTHER, 201), (OTHER, 200), (ID, 201), (ID, 200)] {
        let answer = send(seen.len() % 2, 1, id).await.is(status);
        let code = codes_in(&answer).remove(0);
        assert_eq!(seen.last() == Some(&code), status == 200, "{id}");
        assert!(status == 200 || !seen.contains(&code), "a code comes to life again");
        by_code(&server, 1, &poll, &code, "tea").send().await;
        seen.push(code);
    }
    assert_eq!(server.results(&poll).await["ballots"], 1, "one voter");
    let mut racing = tokio::task::JoinSet::new();
    for node in 0..16 {
        let ask = server.ask_node(node, "POST", &poll.path("/codes/2/replace"));
        racing.spawn(ask.json(&json!({ "id": ID })).bearer(ADMIN).send());
    }
    let answers = racing.join_all().await;
    let code = codes_in(&answers[0]).remove(0);
    assert!(answers.iter().all(|answer| codes_in(answer) == [code.clone()]), "one code");
    assert!(answers.iter().any(|answer| answer.status == 201));
    by_code(&server, 0, &poll, &code, "tea").send().await.is(201);
    assert_eq!(send(0, 1, "x").await.status, 422);
    server.finish().await;
}

/// A retry that names the code it is for takes no newer one away, however late it comes.
#[tokio::test]
async fn a_late_replacement_of_a_code_takes_no_newer_one_away() {
    let server = TestServer::start().await;
    let coded = server.create(json!({ "access": "codes" })).await;
    let listed = server.create(json!({ "access": "roster" })).await;
    for (poll, path, body) in [
        (&coded, "/codes", json!({ "count": 2 })),
        (&listed, "/roster", json!({ "persons": [{ "name": "Ann" }, { "name": "Bob" }] })),
    ] {
        let ask = server.post(&poll.path(path), &body).bearer(ADMIN).header("accept", "application/json");
        let made = ask.send().await.is(201).json();
        let replace = async |before: &Value, id: &str| {
            let ask = server.post(&poll.path("/codes/1/replace"), &json!({ "before": before, "id": id }));
            ask.bearer(ADMIN).send().await
        };
        let lost = &made["codes"][0]["mark"];
        let first = replace(lost, ID).await.is(201);
        assert_eq!(replace(lost, ID).await.is(200).json(), first.json());
        replace(lost, OTHER).await.refused(409, "code_replaced");
        let second = replace(&first.json()["codes"][0]["mark"], OTHER).await.is(201);
        replace(lost, ID).await.refused(409, "code_replaced");
        replace(&made["codes"][1]["mark"], ID).await.refused(409, "code_replaced");
        by_code(&server, 1, poll, &codes_in(&second)[0], "tea").send().await.is(201);
        if path == "/roster" {
            let persons = server.get(&poll.path("/roster")).bearer(ADMIN).send().await.is(200).json();
            assert_eq!(persons["persons"][0]["mark"], second.json()["codes"][0]["mark"]);
            assert_eq!(persons["persons"][1]["mark"], made["codes"][1]["mark"]);
        }
    }
    server.finish().await;
}

#[tokio::test]
async fn a_roster_and_a_link_of_the_same_id_are_made_once() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "access": "roster" })).await;
    let list = async |body: Value| {
        let ask = server.post(&poll.path("/roster"), &body).bearer(ADMIN).header("accept", "application/json");
        ask.send().await
    };
    let body = json!({ "persons": [{ "name": "Ann" }, { "name": "Bob" }], "id": ID });
    let first = list(body.clone()).await.is(201);
    assert_eq!(list(body).await.is(200).json(), first.json());
    for persons in [json!([{ "name": "Ann" }]), json!([{ "name": "Ann" }, { "name": "Cat" }]), json!([])] {
        list(json!({ "persons": persons, "id": ID })).await.refused(409, "id_reused");
    }
    // Of what is wrong, the lines that are not wrong are no repeat.
    let wrong = json!({ "persons": [{ "name": "Ann" }, { "name": "Bob" }, { "name": "" }], "id": ID });
    let refused = list(wrong).await.refused(422, "invalid_roster");
    let errors = refused.json()["errors"].clone();
    let codes: Vec<_> = errors.as_array().expect("errors").iter().map(|error| error["code"].clone()).collect();
    assert_eq!(codes, ["already_listed", "already_listed", "empty_text"], "all at once");
    let csv = async |id: &str| {
        let ask = server.ask("POST", &poll.path(&format!("/roster?id={id}"))).bearer(ADMIN).body("name\nDan\n");
        ask.header("content-type", "text/csv").send().await
    };
    let first = csv(OTHER).await.is(201);
    assert_eq!(csv(OTHER).await.is(200).text(), first.text());
    assert_eq!(csv("x").await.status, 422);
    let counted = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(counted["made"], 3);

    let link = async |body: Value| server.post(&poll.path("/links"), &body).bearer(ADMIN).send().await;
    let first = link(json!({ "id": ID })).await.is(201);
    assert_eq!(link(json!({ "id": ID, "role": "co_host" })).await.is(200).json(), first.json());
    link(json!({ "id": ID, "role": "viewer" })).await.refused(409, "id_reused");
    server.finish().await;
}

fn import(server: &TestServer, poll: &Poll, csv: &str) -> Ask {
    let ask = server.ask("POST", &poll.path("/roster")).bearer(ADMIN).header("content-type", "text/csv");
    ask.body(csv.as_bytes().to_vec())
}

fn places(answer: &Answer) -> Vec<(u64, String)> {
    let errors = answer.json()["errors"].as_array().expect("errors").clone();
    let place =
        |error: &Value| (error["line"].as_u64().expect("a line"), error["code"].as_str().expect("a code").to_owned());
    errors.iter().map(place).collect()
}

#[tokio::test]
async fn a_roster_is_taken_over_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "access": "roster" })).await;
    assert_eq!(server.results(&poll).await["identified_by"], "roster");
    let wrong = "name,email\nAnn,ann@x.example\n,x@x.example\nAnn,ann@x.example\nBob,\u{7}\nBob\n";
    let refused = import(&server, &poll, wrong).send().await.refused(422, "invalid_roster");
    let expected = [(3, "empty_text"), (4, "repeated_person"), (5, "forbidden_character"), (6, "wrong_length")];
    assert_eq!(places(&refused), expected.map(|(line, code)| (line, code.to_owned())));
    for (csv, code) in [
        ("", "invalid_csv"),
        ("email\nx\n", "missing_column"),
        ("name,phone\nx,y\n", "unknown_column"),
        ("name\n", "no_persons"),
    ] {
        import(&server, &poll, csv).send().await.refused(422, code);
    }
    let list = async || server.get(&poll.path("/roster")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(list().await, json!({ "persons": [] }), "nothing half-imported");

    let made = import(&server, &poll, "name,email\nAnn,ann@x.example\n=Bob,\nAnn,\n").send().await.is(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let text = made.text();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["name", "email", "code", "link"]);
    assert_eq!((rows[1][0], rows[1][1], rows[2][0]), ("Ann", "ann@x.example", "'=Bob"), "cells are only text");
    let again = import(&server, &poll, "name,email\nCat,\nAnn,\n").send().await.refused(422, "invalid_roster");
    assert_eq!(places(&again), [(3, "already_listed".to_owned())]);
    let body = json!({ "persons": [{ "name": "Cat" }] });
    let more =
        server.post(&poll.path("/roster"), &body).bearer(ADMIN).header("accept", "application/json").send().await;
    assert_eq!(more.is(201).json()["codes"][0]["name"], "Cat");

    by_code(&server, 1, &poll, rows[2][2], "tea").send().await.is(201);
    server.ask("DELETE", &poll.path("/codes/1")).bearer(ADMIN).send().await.is(200);
    by_code(&server, 0, &poll, rows[1][2], "tea").send().await.refused(401, "revoked_access_code");
    let listed = list().await;
    let persons = listed["persons"].as_array().expect("persons");
    let seen: Vec<_> =
        persons.iter().map(|one| (one["name"].clone(), one["voted"].clone(), one["revoked"].is_string())).collect();
    let expected = [("Ann", false, true), ("=Bob", true, false), ("Ann", false, false), ("Cat", false, false)];
    assert_eq!(seen, expected.map(|(name, voted, revoked)| (json!(name), json!(voted), revoked)));
    assert!(!listed.to_string().contains(rows[2][2]), "codes are shown once");
    assert!(
        !server.entries(&poll).await.iter().any(|entry| entry.to_string().contains("Bob")),
        "no name in the ledger"
    );
    server.post(&poll.path("/codes"), &json!({ "count": 1 })).bearer(ADMIN).send().await.refused(409, "other_access");
    server.finish().await;
}

/// Whether somebody voted is nobody's business while results are hidden.
#[tokio::test]
async fn a_roster_tells_nothing_while_results_are_hidden() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "access": "roster", "visibility": "on_reveal" })).await;
    let made = import(&server, &poll, "name\nAnn\nBob\n").send().await.is(201).text();
    let code = made.lines().nth(1).and_then(|line| line.split(',').nth(2)).expect("a code").to_owned();
    by_code(&server, 0, &poll, &code, "tea").send().await.is(201);
    let list = async || server.get(&poll.path("/roster")).bearer(ADMIN).send().await.is(200).json();
    assert!(!list().await.to_string().contains("voted"));
    server.act(&poll, "close").await.is(200);
    assert!(!list().await.to_string().contains("voted"));
    server.act(&poll, "reveal").await.is(200);
    let shown = list().await;
    assert_eq!((&shown["persons"][0]["voted"], &shown["persons"][1]["voted"]), (&json!(true), &json!(false)));
    let results = server.token(&["results"]).await;
    server.get(&poll.path("/roster")).bearer(&results).send().await.refused(403, "wrong_scope");
    server.finish().await;
}

/// Two imports of the same persons at once: one of them is told line by line that they are listed already.
#[tokio::test]
async fn racing_imports_list_nobody_twice() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "access": "roster" })).await;
    let csv = (0..200).fold("name\n".to_owned(), |csv, number| csv + &format!("Person {number}\n"));
    let one = import(&server, &poll, &csv).send();
    let (one, other) = tokio::join!(one, import(&server, &poll, &csv).send());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422], "{one:?} {other:?}");
    let counted = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(counted["made"], 200);
    server.finish().await;
}

/// Guesses are slowed down, and a good code is never refused because somebody guesses.
#[tokio::test]
async fn guessing_is_refused_and_keeps_nobody_from_voting() {
    let server = TestServer::start().await;
    let (poll, codes) = with_codes(&server, json!({}), 20).await;
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..2_000_u32 {
        let guess: String = (0..10).map(|at| char::from(b"ABCDEFGHJK"[((number >> at) % 10) as usize])).collect();
        let answer = by_code(&server, 0, &poll, &guess, "tea").send().await;
        *statuses.entry(answer.status).or_insert(0) += 1;
        if answer.status == 429 {
            assert!(answer.header("retry-after").is_some());
            let code = &codes[statuses[&429] % codes.len()];
            assert!(by_code(&server, 0, &poll, code, "tea").send().await.status < 300, "a good code is refused");
        }
        if statuses.get(&429) == Some(&40) {
            break;
        }
    }
    assert!(statuses[&401] >= 500 && statuses.get(&429) == Some(&40), "{statuses:?}");
    let (other, good) = with_codes(&server, json!({}), 1).await;
    by_code(&server, 0, &other, "ABCDE-FGHJK", "tea").send().await.refused(401, "unknown_access_code");
    by_code(&server, 0, &other, &good[0], "tea").send().await.is(201);
    server.finish().await;
}

/// Codes of a draft go on when its definition is edited.
#[tokio::test]
async fn codes_stay_when_a_draft_is_edited() {
    let server = TestServer::start().await;
    let (poll, codes) = with_codes(&server, json!({ "open": false }), 1).await;
    let body = json!({ "title": "Edited?", "choices": ["Yes", "No"], "access": "codes", "open": true });
    server.ask("PUT", &poll.path("")).json(&body).bearer(ADMIN).send().await.is(200);
    by_code(&server, 1, &poll, &codes[0], "yes").send().await.is(201);
    // The node that edited it may have looked a moment ago, and hears of the vote within an interval.
    soon("the vote everywhere", async { while server.results(&poll).await["ballots"] != 1 {} }).await;
    server.finish().await;
}

/// A node that still knows the draft in which any device could vote takes no such vote for the poll that took its place.
#[tokio::test]
async fn who_may_vote_is_asked_again_where_a_draft_was_edited() {
    let server = TestServer::start().await;
    // A poll each: the first vote makes the node forget what it knew.
    for by_device in [true, false] {
        let poll = server.create(json!({ "open": false })).await;
        let page = server.ask_node(1, "GET", &format!("/{}/results", poll.code)).send().await.is(200);
        let device = page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
        server.ask_node(1, "GET", &poll.path("")).send().await.is(200);
        let body = json!({ "title": "Tea?", "choices": ["Tea", "Coffee"], "access": "codes", "open": true });
        server.ask_node(0, "PUT", &poll.path("")).json(&body).bearer(ADMIN).send().await.is(200);
        let vote = |vote: Value| server.ask_node(1, "POST", &poll.path("/votes")).json(&vote);
        if by_device {
            vote(json!({ "choices": ["tea"] })).cookie(device).send().await.refused(401, "no_access_code");
        } else {
            let named = vote(json!({ "choices": ["tea"], "voter": "vera" })).bearer(ADMIN).send().await;
            named.refused(403, "voters_have_codes");
        }
        assert_eq!(server.results(&poll).await["ballots"], 0);
    }
    server.finish().await;
}

#[tokio::test]
async fn devices_that_come_are_counted_once_on_all_nodes() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let other = server.create(json!({})).await;
    let mut cookies = Vec::new();
    for node in 0..6 {
        let page = server.ask_node(node, "GET", &format!("/{}", poll.code)).send().await.is(200);
        cookies
            .push(page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned());
    }
    for (node, cookie) in cookies.iter().enumerate() {
        for again in [node, node + 1] {
            server.ask_node(again, "GET", &format!("/{}", poll.code)).cookie(cookie).send().await.is(200);
        }
    }
    server.get(&format!("/{}", other.code)).cookie(&cookies[0]).send().await.is(200);
    // Who only reads results, or shows them, has not come.
    for page in ["results", "screen"] {
        server.get(&format!("/{}/{page}", poll.code)).send().await.is(200);
    }
    let sql = "SELECT devices FROM joined_total ORDER BY devices";
    let counted = async {
        while server.rows(sql).await != [["1"], ["6"]] {
            tokio::task::yield_now().await;
        }
    };
    soon("six and one device", counted).await;
    server.restart().await;
    server.get(&format!("/{}", poll.code)).cookie(&cookies[3]).send().await.is(200);
    let page = server.get(&format!("/{}", poll.code)).send().await.is(200);
    assert!(page.header("set-cookie").is_some());
    let counted = async {
        while server.rows(sql).await != [["1"], ["7"]] {
            tokio::task::yield_now().await;
        }
    };
    soon("one more after a restart", counted).await;
    server.finish().await;
}
