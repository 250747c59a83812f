//! Tokens of one election: made in bulk, shown once, good for nothing else, and when they were used.

use serde_json::{Value, json};

use super::support::{Night, faults};
use crate::support::{ADMIN, TestServer, soon};

#[tokio::test]
async fn tokens_are_made_in_bulk_and_shown_once() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let made =
        night.csv(&server, "/tokens", "name,unit\nAnn,london\n\"Bob, Leeds\",leeds\nCid,\n").send().await.is(201);
    assert_eq!(made.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let text = made.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "id,name,unit,token"));
    assert!(lines[2].contains(",\"Bob, Leeds\",leeds,hst_") && lines[3].contains(",Cid,,hst_"), "{text}");
    let file = "\u{feff}Name;Unit\r\nAnn;london\r\n";
    let other = Night::create(&server, json!({})).await;
    let of_other = other.csv(&server, "/tokens", file).send().await.is(201).text();
    let row = of_other.lines().nth(1).expect("a token");
    assert!(of_other.starts_with("id;name;unit;token\n") && row.contains(";Ann;london;hst_"), "{of_other}");
    let body = json!({ "tokens": [{ "name": "Dora", "unit": "leeds" }, { "name": "Eve" }] });
    let made = night.post(&server, "/tokens", &body).send().await.is(201).json();
    let dora = &made["tokens"][0];
    assert!(dora["token"].as_str().is_some_and(|token| token.starts_with("hst_")), "{made}");

    let listed = night.get(&server, "/tokens").await.is(200);
    assert!(!listed.text().contains("hst_"));
    let listed = listed.json();
    let listed = listed["tokens"].as_array().expect("tokens");
    let shown: Vec<_> = listed.iter().map(|token| json!([token["name"], token["unit"], token["scopes"]])).collect();
    let token = |name: &str, unit: Value| json!([name, unit, ["report"]]);
    let expected = [
        token("Ann", json!("london")),
        token("Bob, Leeds", json!("leeds")),
        token("Cid", Value::Null),
        token("Dora", json!("leeds")),
        token("Eve", Value::Null),
    ];
    assert_eq!(shown, expected);
    let all = server.get("/api/v1/tokens").bearer(ADMIN).send().await.is(200).json();
    let of_all = all.as_array().expect("tokens").iter().find(|token| token["id"] == dora["id"]).expect("a token");
    assert_eq!((&of_all["election"], &of_all["unit"]), (&json!(night.id), &json!("leeds")));

    let file = "name,unit\n,london\nAnn,paris\nGood,london\n";
    let answer = night.csv(&server, "/tokens", file).send().await.refused(422, "invalid_tokens");
    let expected = [("2", "empty_text"), ("3", "unknown_unit")];
    assert_eq!(faults(&answer), expected.map(|(line, code)| (line.to_owned(), code.to_owned())));
    let after = night.get(&server, "/tokens").await.is(200).json();
    assert_eq!(after["tokens"].as_array().map(Vec::len), Some(5), "none of a list with faults");
    server.finish().await;
}

#[tokio::test]
async fn a_token_of_one_election_is_good_for_nothing_else() {
    let server = TestServer::start().await;
    let (night, other) = (Night::create(&server, json!({})).await, Night::create(&server, json!({})).await);
    let poll = server.create(json!({})).await;
    let make = async |more: Value| {
        let mut body = json!({ "name": "Ann", "scopes": ["manage", "report"], "election": night.code });
        let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
        fields.extend(more);
        server.post("/api/v1/tokens", &body).bearer(ADMIN).send().await
    };
    for (more, code, pointer) in [
        (json!({ "election": poll.id }), "unknown_election", "/election"),
        (json!({ "election": null, "unit": "london" }), "missing_election", "/unit"),
        (json!({ "unit": "london" }), "wrong_scope", "/scopes"),
        (json!({ "scopes": ["admin"] }), "wrong_scope", "/scopes"),
        (json!({ "scopes": ["vote"] }), "wrong_scope", "/scopes"),
        (json!({ "scopes": ["report"], "unit": "paris" }), "unknown_unit", "/unit"),
    ] {
        let answer = make(more.clone()).await.refused(422, code);
        assert_eq!(answer.json()["pointer"], pointer, "{more}");
    }
    let manager = make(json!({})).await.is(201).json()["token"].as_str().expect("a token").to_owned();
    let why = json!({ "units": [], "reason": "To see" });
    server.post(&night.path("/units"), &why).bearer(&manager).send().await.is(200);
    server.post(&other.path("/units"), &why).bearer(&manager).send().await.refused(403, "outside_election");
    for path in ["/api/v1/polls", "/api/v1/elections"] {
        server.get(path).bearer(&manager).send().await.refused(403, "outside_election");
    }
    let body = json!({ "title": "Which?", "choices": ["A", "B"] });
    server.post("/api/v1/polls", &body).bearer(&manager).send().await.refused(403, "outside_election");
    server.ask("POST", &poll.path("/close")).bearer(&manager).send().await.refused(403, "outside_election");
    let officer = make(json!({ "scopes": ["report"], "unit": "london" })).await.is(201).json();
    let officer = officer["token"].as_str().expect("a token");
    server.post(&night.path("/units"), &why).bearer(officer).send().await.refused(403, "wrong_scope");
    server.finish().await;
}

#[tokio::test]
async fn the_last_use_of_a_token_is_shown() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let made = night.csv(&server, "/tokens", "name\nAnn\nBob\n").send().await.is(201).text();
    let token = made.lines().nth(1).and_then(|line| line.rsplit(',').next()).expect("a token").to_owned();
    // Refused for its scope, and used all the same.
    server.post(&night.path("/units"), &json!({})).bearer(&token).send().await.refused(403, "wrong_scope");
    let used = async {
        loop {
            let listed = night.get(&server, "/tokens").await.is(200).json();
            if listed["tokens"][0]["last_used"].is_string() {
                return listed;
            }
        }
    };
    let listed = soon("a note of its use", used).await;
    assert_eq!(listed["tokens"][1]["last_used"], Value::Null, "nobody has used this one");
    server.finish().await;
}

/// On the data folder, or with several nodes on their database, beside them.
#[tokio::test]
async fn the_command_line_makes_tokens_of_one_election() {
    let mut server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    server.stop().await;
    let create = ["token", "create", "--name", "Ann", "--scopes"];
    let with = |more: &'static [&'static str]| [&create[..], more].concat();
    let (good, out, said) =
        server.command(&[&with(&["report"])[..], &["--election", &night.code, "--unit", "leeds"]].concat()).await;
    assert!(good && out.starts_with("hst_"), "{said}");
    for (more, sentence) in [
        (&["report", "--unit", "leeds"][..], "--election"),
        (&["report", "--election", "NOSUCH"], "there is no election of boxes `NOSUCH`"),
        (&["vote", "--election", &night.id], "cannot have the scope `vote`"),
        (&["manage", "--election", &night.id, "--unit", "leeds"], "cannot have the scope `manage`"),
        (&["report", "--election", &night.id, "--unit", "paris"], "there is no unit `paris`"),
    ] {
        let (good, _, said) = server.command(&[&create[..], more].concat()).await;
        assert!(!good && said.contains(sentence), "{more:?}: {said}");
    }
    let (good, out, said) = server.command(&["token", "list"]).await;
    assert!(good && out.contains(&format!("valid  {} leeds", night.id)) && out.contains("  never  "), "{out}{said}");
    server.start_again().await;
    let listed = night.get(&server, "/tokens").await.is(200).json();
    assert_eq!((&listed["tokens"][0]["name"], &listed["tokens"][0]["unit"]), (&json!("Ann"), &json!("leeds")));
    let url = server.url();
    let remote = ["--election", &night.code, "--unit", "london", "--url", &url, "--token", ADMIN];
    let (good, out, said) = server.command(&[&with(&["report"])[..], &remote].concat()).await;
    assert!(good && out.starts_with("hst_"), "{said}");
    let (good, out, said) = server.command(&["token", "list", "--url", &url, "--token", ADMIN]).await;
    assert!(good && out.contains(&format!("{} london", night.id)), "{out}{said}");
    server.finish().await;
}
