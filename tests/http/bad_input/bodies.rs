//! Bodies that cannot be accepted, one by one.

use serde_json::{Value, json};

use crate::support::{ADMIN, TestServer};

/// A body, and the code and pointer of its refusal.
type Refused = (Vec<u8>, u16, &'static str, &'static str);

fn text(body: &str, code: &'static str, pointer: &'static str) -> Refused {
    (body.as_bytes().to_vec(), 422, code, pointer)
}

fn json(body: Value, code: &'static str, pointer: &'static str) -> Refused {
    (body.to_string().into_bytes(), 422, code, pointer)
}

async fn check(server: &TestServer, path: &str, rows: Vec<Refused>) {
    for (body, status, code, pointer) in rows {
        let shown: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        let answer = server.ask("POST", path).bearer(ADMIN).body(body).send().await;
        let problem = answer.json();
        let found = (answer.status, problem["code"].as_str().unwrap_or_default(), problem["pointer"].as_str());
        assert_eq!(found, (status, code, Some(pointer)), "{shown}: {problem}");
        // What people read has no words of the language that this program is written in.
        let detail = problem["detail"].as_str().unwrap_or_default();
        for word in ["struct", "sequence", "variant", "boolean", "floating", "serde", "u16", "u64", "Body", "line 0"] {
            assert!(!detail.contains(word), "`{word}` in: {detail}");
        }
    }
}

fn votes() -> Vec<Refused> {
    let deep = format!(r#"{{"choices":{}"#, "[".repeat(10_000));
    let deep_object = format!(r#"{{"scores":{}"#, r#"{"a":"#.repeat(3_000));
    let long = "x".repeat(129);
    vec![
        text("", "invalid_json", ""),
        text("{", "invalid_json", ""),
        text("\u{feff}{\"choice\":[\"a\"]}", "unknown_field", "/choice"),
        text("\u{feff}\u{feff}{}", "invalid_json", ""),
        text("null", "wrong_type", ""),
        text("[]", "wrong_type", ""),
        // As many values as a vote has fields, in their order.
        text(r#"[["a"],null,null,null,"vera"]"#, "wrong_type", ""),
        text(r#" [["a"],null,null,null,"vera"]"#, "wrong_type", ""),
        text(r#"[["a"],null,null,null,"vera"]x"#, "invalid_json", ""),
        text(r#""a""#, "wrong_type", ""),
        text("7", "wrong_type", ""),
        text(r#"{"choices":["a"]}{"choices":["a"]}"#, "invalid_json", ""),
        text(r#"{"choices":["a"],}"#, "invalid_json", ""),
        text(r#"{"choices":["\ud800"]}"#, "invalid_json", "/choices/0"),
        (b"{\"choices\":[\"\xff\"]}".to_vec(), 422, "invalid_json", "/choices/0"),
        text(&deep, "wrong_type", "/choices/0"),
        text(&deep_object, "wrong_type", "/scores/a"),
        text(r#"{"choices":["a"],"choices":["b"]}"#, "duplicate_key", "/choices"),
        text(r#"{"voter":"vera","choices":["a"],"voter":"vera"}"#, "duplicate_key", "/voter"),
        text(r#"{"scores":{"a":1,"a":1}}"#, "duplicate_key", "/scores/a"),
        json(json!({ "choice": ["a"] }), "unknown_field", "/choice"),
        json(json!({ "choices": ["a"], "weight": 2 }), "unknown_field", "/weight"),
        json(json!({ "choices": "a" }), "wrong_type", "/choices"),
        json(json!({ "choices": ["a", 1] }), "wrong_type", "/choices/1"),
        json(json!({ "choices": [["a"]] }), "wrong_type", "/choices/0"),
        json(json!({ "choices": ["a"], "id": "x" }), "wrong_type", "/id"),
        json(json!({ "choices": ["a"], "id": 7 }), "wrong_type", "/id"),
        json(json!({ "choices": ["a"], "replaces": 7 }), "wrong_type", "/replaces"),
        json(json!({ "choices": ["a"], "voter": {} }), "wrong_type", "/voter"),
        json(json!({ "choices": ["a"], "voter": "" }), "empty_text", "/voter"),
        json(json!({ "choices": ["a"], "voter": "a\u{0}b" }), "forbidden_character", "/voter"),
        json(json!({ "choices": ["a"], "voter": "a\u{202e}b" }), "forbidden_character", "/voter"),
        json(json!({ "choices": ["a"], "voter": long }), "text_too_long", "/voter"),
        json(json!({ "voter": "vera" }), "missing_field", "/choices"),
        json(json!({ "voter": "vera", "choices": ["a"], "scores": {} }), "wrong_form", "/scores"),
        json(json!({ "voter": "vera", "choices": ["a", "x"] }), "unknown_choice", "/choices/1"),
        json(json!({ "voter": "vera", "choices": [""] }), "unknown_choice", "/choices/0"),
        json(json!({ "voter": "vera", "choices": ["A"] }), "unknown_choice", "/choices/0"),
        json(json!({ "voter": "vera", "choices": ["a", "a"] }), "repeated_choice", "/choices"),
        json(json!({ "voter": "vera", "choices": [] }), "too_few_choices", "/choices"),
        json(json!({ "voter": "vera", "choices": ["a", "b", "c"] }), "too_many_choices", "/choices"),
    ]
}

fn scored_votes() -> Vec<Refused> {
    vec![
        json(json!({ "scores": [1] }), "wrong_type", "/scores"),
        json(json!({ "scores": { "a": "1" } }), "wrong_type", "/scores/a"),
        json(json!({ "scores": { "a": null } }), "wrong_type", "/scores/a"),
        text(r#"{"scores":{"a":1.0}}"#, "wrong_type", "/scores/a"),
        text(r#"{"scores":{"b/~":1e3}}"#, "wrong_type", "/scores/b~1~0"),
        text(r#"{"scores":{"a":-1}}"#, "wrong_type", "/scores/a"),
        text(r#"{"scores":{"a":18446744073709551616}}"#, "wrong_type", "/scores/a"),
        text(r#"{"scores":{"a":1e400}}"#, "invalid_json", "/scores/a"),
        json(json!({ "voter": "vera", "scores": { "a": 6 } }), "score_out_of_range", "/scores"),
        json(json!({ "voter": "vera", "scores": { "a": 256 } }), "score_out_of_range", "/scores"),
        json(json!({ "voter": "vera", "scores": { "a": u64::MAX } }), "score_out_of_range", "/scores"),
        json(json!({ "voter": "vera", "scores": { "a": 1, "x/~": 1 } }), "unknown_choice", "/scores/x~1~0"),
        json(json!({ "voter": "vera", "scores": {} }), "too_few_choices", "/scores"),
        json(json!({ "voter": "vera", "choices": ["a"] }), "wrong_form", "/choices"),
    ]
}

#[tokio::test]
async fn a_vote_that_cannot_be_read_is_refused_with_its_place() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "method": "approval", "choices": ["A", "B", "C"], "max": 2 })).await;
    let score = server.create(json!({ "method": "score", "choices": ["A", "B/~", "C"] })).await;
    check(&server, &poll.path("/votes"), votes()).await;
    check(&server, &score.path("/votes"), scored_votes()).await;
    for poll in [poll, score] {
        assert_eq!(server.results(&poll).await["ballots"], 0);
    }
    server.finish().await;
}

/// A good poll but for one field.
fn with(field: &str, value: Value) -> Value {
    let mut body = json!({ "title": "Tea?", "choices": ["Yes", "No"] });
    body[field] = value;
    body
}

fn polls() -> Vec<Refused> {
    let many: Vec<String> = (0..201).map(|number| format!("Choice {number}")).collect();
    vec![
        text("", "invalid_json", ""),
        text("{}", "missing_field", ""),
        text(r#"["Tea?",["A","B"],"single",true]"#, "wrong_type", ""),
        json(json!({ "title": "Tea?" }), "missing_field", ""),
        json(json!({ "choices": ["A", "B"] }), "missing_field", ""),
        text(r#"{"title":"a","title":"b","choices":["A","B"]}"#, "duplicate_key", "/title"),
        json(with("colour", json!("red")), "unknown_field", "/colour"),
        json(with("title", json!(7)), "wrong_type", "/title"),
        json(with("title", json!(" \u{200b}")), "empty_text", "/title"),
        json(with("title", json!("é".repeat(201))), "text_too_long", "/title"),
        json(with("choices", json!("Yes")), "wrong_type", "/choices"),
        json(with("choices", json!(["Yes", null])), "wrong_type", "/choices/1"),
        json(with("choices", json!([])), "too_few_choices", "/choices"),
        json(with("choices", json!(["Yes"])), "too_few_choices", "/choices"),
        json(with("choices", json!(many)), "too_many_choices", "/choices"),
        json(with("choices", json!(["Yes", ""])), "empty_text", "/choices/1"),
        json(with("choices", json!(["Yes", " Yes"])), "repeated_choice", "/choices/1"),
        json(with("method", json!("ranked")), "unknown_value", "/method"),
        json(with("method", json!(null)), "wrong_type", "/method"),
        json(with("change", json!("always")), "unknown_value", "/change"),
        json(with("visibility", json!("never")), "unknown_value", "/visibility"),
        json(with("open", json!("yes")), "wrong_type", "/open"),
        json(with("open", json!(1)), "wrong_type", "/open"),
        json(with("min", json!(1)), "invalid_bounds", "/min"),
        json(with("max", json!(1)), "invalid_bounds", "/max"),
        json(with("min", json!(-1)), "wrong_type", "/min"),
        json(with("max", json!(65_536)), "wrong_type", "/max"),
        json(with("max", json!(1.5)), "wrong_type", "/max"),
        json(with("accent", json!("red")), "invalid_accent", "/accent"),
        json(with("accent", json!("#12345g")), "invalid_accent", "/accent"),
        json(with("opens_at", json!("tomorrow")), "invalid_time", "/opens_at"),
        json(with("opens_at", json!("1969-12-31T23:59:59Z")), "invalid_time", "/opens_at"),
        json(with("closes_at", json!("2100-13-01T00:00:00Z")), "invalid_time", "/closes_at"),
        json(with("closes_at", json!("2026-01-01T00:00:00Z")), "invalid_schedule", "/closes_at"),
        json(with("closes_at", json!(7)), "wrong_type", "/closes_at"),
    ]
}

#[tokio::test]
async fn a_poll_that_cannot_be_made_is_refused_with_its_place() {
    let server = TestServer::start().await;
    let mut rows = polls();
    for slug in ["", "ab", "-abc", "abc-", "Town", "a b c", "a_b_c", "ábc", "abcd23", "x".repeat(65).as_str()] {
        rows.push(json(with("slug", json!(slug)), "invalid_slug", "/slug"));
    }
    for slug in ["api", "metrics", "polls", "votes", "results", "livez"] {
        rows.push(json(with("slug", json!(slug)), "reserved_slug", "/slug"));
    }
    for tricky in
        ["a\nb", "a\tb", "a\u{0}b", "a\u{7f}b", "a\u{85}b", "a\u{2028}b", "a\u{202e}b", "a\u{2066}b", "a\u{2069}b"]
    {
        rows.push(json(with("title", json!(tricky)), "forbidden_character", "/title"));
        rows.push(json(with("choices", json!(["A", tricky])), "forbidden_character", "/choices/1"));
    }
    for (method, min, max) in [
        ("approval", 2, 1),
        ("approval", 0, 0),
        ("approval", 1, 3),
        ("score", 5, 5),
        ("score", 0, 101),
        ("score", 300, 400),
    ] {
        let mut body = with("method", json!(method));
        (body["min"], body["max"]) = (json!(min), json!(max));
        rows.push(json(body, "invalid_bounds", "/max"));
    }
    let mut both = with("open", json!(true));
    both["opens_at"] = json!("2100-01-01T00:00:00Z");
    rows.push(json(both.clone(), "invalid_schedule", "/opens_at"));
    both["open"] = json!(false);
    both["closes_at"] = json!("2100-01-01T00:00:00Z");
    rows.push(json(both, "invalid_schedule", "/closes_at"));
    let mut over = with("open", json!(true));
    over["closes_at"] = json!("2026-01-01T00:00:00Z");
    rows.push(json(over, "invalid_schedule", "/closes_at"));
    check(&server, "/api/v1/polls", rows).await;
    assert_eq!(server.get("/api/v1/polls").bearer(ADMIN).send().await.is(200).json()["polls"], json!([]));
    server.finish().await;
}

/// What a person reads says what to send, in the words of the contract.
#[tokio::test]
async fn a_refusal_says_what_to_send() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    for (path, body, detail) in [
        ("/votes", "[]", "send a JSON object"),
        ("/votes", " ", "the body is empty; send a JSON object"),
        ("/votes", "{", "the JSON document ends too early"),
        ("/votes", r#"{"choices":"a"}"#, "send a list, not a text"),
        ("/votes", r#"{"choices":["a",1.5]}"#, "send a text, not 1.5"),
        ("/votes", r#"{"scores":[1]}"#, "send an object, not a list"),
        ("/votes", r#"{"scores":{"a":-1}}"#, "send a whole number from 0, not -1"),
        ("/votes", r#"{"choices":["a"],"id":"x"}"#, "send a UUID, such as 018f6a52-7b1e-7c3a-9d41-6f0e2b8a1c77"),
        (
            "/votes",
            r#"{"weight":2}"#,
            "there is no field `weight` here; send one of `choices`, `scores`, `id`, `replaces`, `voter`",
        ),
        ("", r#"{"title":"x"}"#, "the field `choices` is missing"),
        ("", r#"{"title":"x","title":"x"}"#, "the field `title` stands twice"),
        ("", r#"{"method":"ranked"}"#, "`ranked` is not known here; send one of `single`, `approval`, `score`"),
        ("", r#"{"method":3}"#, "send a text"),
        ("", r#"{"open":"yes"}"#, "send true or false, not a text"),
        ("", r#"{"max":65536}"#, "send a whole number from 0 to 65535, not 65536"),
    ] {
        let path = if path.is_empty() { "/api/v1/polls".to_owned() } else { poll.path(path) };
        let answer = server.ask("POST", &path).bearer(ADMIN).body(body).send().await.is(422);
        assert_eq!(answer.json()["detail"], detail, "{body}");
    }
    for (query, pointer, detail) in [
        ("limit=x", "/limit", "`limit`: send a whole number from 0"),
        ("limit=-1", "/limit", "`limit`: send a whole number from 0"),
        ("cursor=99999999999999999999", "/cursor", "`cursor`: send a whole number from 0"),
        ("page=2", "/page", "there is no parameter `page` here; send `cursor` or `limit`"),
        ("limit=1&limit=2", "/limit", "the parameter `limit` stands twice"),
    ] {
        let answer = server.get(&format!("/api/v1/polls?{query}")).bearer(ADMIN).send().await;
        let problem = answer.refused(422, "invalid_query").json();
        assert_eq!((&problem["pointer"], &problem["detail"]), (&json!(pointer), &json!(detail)), "{query}");
    }
    server.finish().await;
}

#[tokio::test]
async fn all_scripts_and_joiners_are_welcome_up_to_the_limit() {
    let server = TestServer::start().await;
    let family = "👩\u{200d}👩\u{200d}👧";
    let choices = ["Mélanie Joly", "日本語", "مرحبا", "नमस्ते", family, "می\u{200c}خواهم", "ᎣᏏᏲ", "e\u{301}"];
    let poll = server.create(json!({ "choices": choices, "title": "é".repeat(200) })).await;
    let shown = poll.body.pointer("/contest/choices").expect("choices").as_array().expect("choices").clone();
    for (choice, title) in
        shown.iter().zip(["Mélanie Joly", "日本語", "مرحبا", "नमस्ते", family, "می\u{200c}خواهم", "ᎣᏏᏲ", "é"])
    {
        assert_eq!(choice["title"], title);
        server.vote(&poll, title, json!({ "choices": [choice["code"]] })).await.is(201);
    }
    let many: Vec<String> = (0..200).map(|number| format!("Choice {number}")).collect();
    let poll = server.create(json!({ "choices": many, "method": "approval" })).await;
    let all: Vec<_> = poll.body.pointer("/contest/choices").expect("choices").as_array().expect("choices").clone();
    let all: Vec<_> = all.iter().map(|choice| choice["id"].clone()).collect();
    server.vote(&poll, "all", json!({ "choices": all })).await.is(201);
    server.finish().await;
}

/// A body just within its limit is read, and one byte more is not, however its length is told.
#[tokio::test]
async fn bodies_have_a_limit() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let (vote, create) = (16 << 10, 256 << 10);
    for (path, limit) in [
        (poll.path("/votes"), vote),
        ("/votes/".to_owned(), vote),
        (poll.path("/close"), vote),
        ("/api/v1/tokens".to_owned(), vote),
        ("/api/v1/polls".to_owned(), create),
        ("/polls/".to_owned(), create),
    ] {
        for chunked in [false, true] {
            for (length, status, code) in
                [(limit, 422, "invalid_json"), (limit + 1, 413, "body_too_large"), (8 * limit, 413, "body_too_large")]
            {
                let ask = server.ask("POST", &path).bearer(ADMIN).body(vec![b' '; length]);
                let answer = if chunked { ask.chunked().send().await } else { ask.send().await };
                assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}, {length}, {chunked}");
            }
        }
    }
    server.finish().await;
}

#[tokio::test]
async fn a_vote_that_is_not_for_here_is_refused_before_its_content() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let vote = json!({ "choices": ["tea"], "voter": "vera" });
    for unknown in ["ABCDEF", "no-such", "0193e2a0-1111-7222-8333-444455556666"] {
        for tail in ["votes", "open", "close", "results", "entries", "results/tickets"] {
            let method = if ["results", "entries"].contains(&tail) { "GET" } else { "POST" };
            let ask = server.ask(method, &format!("/api/v1/polls/{unknown}/{tail}")).bearer(ADMIN);
            let answer = if tail == "votes" { ask.json(&vote).send().await } else { ask.send().await };
            answer.refused(404, "unknown_poll");
        }
    }
    let unnamed = server.vote(&poll, "a", json!({ "choices": ["tea"], "voter": null })).await.refused(401, "no_voter");
    assert!(unnamed.json()["detail"].as_str().is_some_and(|detail| detail.starts_with("name the voter in `voter`")));
    server.post(&poll.path("/votes"), &json!({ "choices": ["tea"] })).send().await.refused(401, "no_voter");
    server.act(&poll, "close").await.is(200);
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.refused(409, "contest_closed");
    for (body, code, pointer) in [
        (json!({ "reason": "" }), "empty_text", "/reason"),
        (json!({ "reason": 7 }), "wrong_type", "/reason"),
        (json!({ "why": "x" }), "unknown_field", "/why"),
        (json!({ "round": 0 }), "unknown_round", "/round"),
        (json!({ "round": 2 }), "unknown_round", "/round"),
        (json!([]), "wrong_type", ""),
        (json!(["because", 1, true]), "wrong_type", ""),
    ] {
        check(&server, &poll.path("/reveal"), vec![json(body, code, pointer)]).await;
    }
    server.finish().await;
}
