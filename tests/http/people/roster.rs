//! A roster that grows: who is on it is found again, and who was taken off it is listed again as the same voter.

use serde_json::Value;

use super::*;
use crate::support::ADMIN;

/// An open poll for the persons of a list, and their codes.
async fn listed(server: &TestServer, more: Value, csv: &str) -> (Poll, Vec<String>) {
    let mut body = json!({ "access": "roster" });
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    let poll = server.create(body).await;
    let ask = server.ask("POST", &poll.path("/roster")).bearer(ADMIN).header("content-type", "text/csv");
    let made = ask.header("accept", "application/json").body(csv.as_bytes().to_vec()).send().await.is(201);
    let codes = codes_in(&made);
    (poll, codes)
}

fn codes_in(answer: &Answer) -> Vec<String> {
    let codes = answer.json()["codes"].as_array().expect("codes").clone();
    codes.iter().map(|one| one["code"].as_str().expect("a code").to_owned()).collect()
}

fn vote(server: &TestServer, node: usize, poll: &Poll, code: &str, choice: &str) -> Ask {
    let vote = json!({ "choices": [choice] });
    server.ask_node(node, "POST", &poll.path("/votes")).json(&vote).header("authorization", &format!("Code {code}"))
}

async fn revoke(server: &TestServer, poll: &Poll, number: u32) {
    server.ask("DELETE", &poll.path(&format!("/codes/{number}"))).bearer(ADMIN).send().await.is(200);
}

fn relist(server: &TestServer, node: usize, poll: &Poll, number: &str, body: &Value) -> Ask {
    server.ask_node(node, "POST", &poll.path(&format!("/roster/{number}/relist"))).json(body).bearer(ADMIN)
}

const ID: &str = "018f6a52-7b1e-4c3a-9d41-6f0e2b8a1c77";
const PEOPLE: &str =
    "name,email\nÉloïse Dupont,\nAnn Lee,ann@club.example\nBjørn Łuk,b.luk@club.example\nAnn Éloise,\n";

#[tokio::test]
async fn a_roster_is_searched_by_name_e_mail_and_number() {
    let server = TestServer::start().await;
    let (poll, _) = listed(&server, json!({}), PEOPLE).await;
    let search = async |query: &str| server.get(&poll.path(&format!("/roster?{query}"))).bearer(ADMIN).send().await;
    let numbers = |answer: &Answer| {
        let persons = answer.json()["persons"].as_array().expect("persons").clone();
        persons.iter().map(|one| one["number"].as_u64().expect("a number")).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("q=eloise", &[1, 4][..]),
        ("q=%C3%89LO%C3%8FSE", &[1, 4]),
        ("q=E%CC%81lo", &[1, 4]),
        ("q=ann+eloise", &[4]),
        ("q=eloise++ANN", &[4]),
        ("q=bjorn", &[3]),
        ("q=luk%40club", &[3]),
        ("q=CLUB.example", &[2, 3]),
        ("q=2", &[2]),
        ("q=22", &[]),
        ("q=leeann", &[]),
        ("q=nobody", &[]),
    ] {
        let found = search(query).await.is(200);
        assert_eq!(
            (numbers(&found).as_slice(), &found.json()["matches"]),
            (expected, &json!(expected.len())),
            "{query}"
        );
    }
    for query in ["", "q=", "q=%20%20"] {
        let all = search(query).await.is(200);
        assert_eq!((numbers(&all), &all.json()["matches"]), (vec![1, 2, 3, 4], &Value::Null), "{query}");
    }
    // Page by page: how many there are is told on each, and the last one leads nowhere.
    let first = search("q=club&limit=1").await.is(200);
    assert_eq!((numbers(&first), &first.json()["matches"], &first.json()["next"]), (vec![2], &json!(2), &json!(2)));
    let last = search("q=club&limit=1&cursor=2").await.is(200);
    assert_eq!((numbers(&last), &last.json()["matches"], &last.json()["next"]), (vec![3], &json!(2), &Value::Null));
    assert_eq!(search("limit=4").await.is(200).json()["next"], Value::Null);
    search(&format!("q={}", "x".repeat(201))).await.refused(422, "invalid_query");
    search("name=ann").await.refused(422, "invalid_query");
    server.finish().await;
}

#[tokio::test]
async fn a_roster_is_searched_on_its_page_without_a_script() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let csv =
        (0..250).fold("name,email\n".to_owned(), |csv, number| csv + &format!("Zoé {number},z{number}@club.example\n"));
    let (poll, _) = listed(&server, json!({}), &(csv + "=Ann,<i>@x.example\n")).await;
    let place = format!("/{}/roster", poll.code);
    let shown = ada.get(&format!("{place}?q=ZOE")).await.is(200).text();
    for said in [
        "250 people found",
        "name=\"q\" value=\"ZOE\"",
        "251 people listed",
        "Zoé 99<",
        "?after=100&#38;q=ZOE\">More</a>",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("Zoé 100<") && !shown.contains("=Ann"), "{shown}");
    let last = ada.get(&format!("{place}?after=200&q=ZOE")).await.is(200).text();
    assert!(last.contains("250 people found") && last.contains("Zoé 249<") && !last.contains(">More</a>"), "{last}");
    let one = ada.get(&format!("{place}?q=%3Cann%20%3DANN")).await.is(200).text();
    assert!(one.contains("Nobody on the roster has these words") && one.contains("value=\"&#60;ann =ANN\""), "{one}");
    assert!(!one.contains("<table>") && one.contains(&format!("href=\"{place}#list\"")), "the way back to all: {one}");
    let one = ada.get(&format!("{place}?q=%3Di%3E&after=nonsense")).await.is(200).text();
    assert!(!one.contains("=Ann"), "{one}");
    let one = ada.get(&format!("{place}?q=i%3E@X")).await.is(200).text();
    assert!(one.contains("1 person found") && one.contains("=Ann"), "{one}");
    // What is done on a page of the search comes back to it.
    let fields = [("do", "revoke"), ("number", "251"), ("q", "=ann")];
    let revoked = ada.post(&place, &fields).await.is(200).text();
    for said in ["Code 251 is revoked.", "1 person found", "name=\"q\" value=\"=ann\"", "List again: =Ann"] {
        assert!(revoked.contains(said), "{said}: {revoked}");
    }
    server.finish().await;
}

/// Who voted, was taken off the roster and is listed again has one ballot, whichever code it came by.
#[tokio::test]
async fn who_is_listed_again_is_the_same_voter() {
    let server = TestServer::start().await;
    let (poll, codes) = listed(&server, json!({ "change": "until_close" }), PEOPLE).await;
    vote(&server, 0, &poll, &codes[0], "tea").send().await.is(201);
    relist(&server, 0, &poll, "1", &json!({})).send().await.refused(409, "not_revoked");
    for number in [1, 2] {
        revoke(&server, &poll, number).await;
    }
    let made = relist(&server, 1, &poll, "1", &json!({ "id": ID })).send().await.is(201);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let shown = &made.json()["codes"][0];
    assert_eq!((&shown["number"], &shown["name"]), (&json!(1), &json!("Éloïse Dupont")));
    let new = codes_in(&made).remove(0);
    let again = relist(&server, 0, &poll, "1", &json!({ "id": ID })).send().await.is(200);
    assert_eq!(codes_in(&again), [new.as_str()], "the same request makes no other one");
    for node in [0, 1] {
        let old = vote(&server, node, &poll, &codes[0], "coffee").send().await;
        old.refused(401, "replaced_access_code");
    }
    assert_eq!(vote(&server, 0, &poll, &new, "tea").send().await.is(200).word(), "repeated");
    assert_eq!(vote(&server, 1, &poll, &new, "coffee").send().await.is(201).word(), "changed");
    let results = server.results(&poll).await;
    assert_eq!((&results["ballots"], &results["choices"][1]["votes"]), (&json!(1), &json!(1)), "one ballot");
    let counted = server.get(&poll.path("/codes")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(counted, json!({ "made": 4, "revoked": 1, "voted": 1 }));

    // Who had not voted votes for the first time; revoked once more, the request of before brings nobody back.
    let second = codes_in(&relist(&server, 0, &poll, "2", &json!({ "id": ID })).send().await.is(201)).remove(0);
    assert_eq!(vote(&server, 0, &poll, &second, "tea").send().await.is(201).word(), "counted");
    revoke(&server, &poll, 1).await;
    relist(&server, 0, &poll, "1", &json!({ "id": ID })).send().await.refused(409, "code_revoked");
    vote(&server, 0, &poll, &new, "tea").send().await.refused(401, "revoked_access_code");
    let mark = shown["mark"].clone();
    let stale = json!({ "before": "another" });
    relist(&server, 0, &poll, "1", &stale).send().await.refused(409, "code_replaced");
    let third = codes_in(&relist(&server, 0, &poll, "1", &json!({ "before": mark })).send().await.is(201)).remove(0);
    assert_eq!(vote(&server, 1, &poll, &third, "coffee").send().await.is(200).word(), "repeated");
    assert_eq!(server.results(&poll).await["ballots"], 2);

    for number in ["0", "9", "x"] {
        relist(&server, 0, &poll, number, &json!({})).send().await.refused(404, "unknown_code_number");
    }
    let path = poll.path("/roster/1/relist");
    let results = server.token(&["results"]).await;
    server.ask("POST", &path).bearer(&results).send().await.refused(403, "wrong_scope");
    server.ask("POST", &path).send().await.refused(401, "no_token");
    let coded = server.create(json!({ "access": "codes" })).await;
    relist(&server, 0, &coded, "1", &json!({})).send().await.refused(409, "other_access");
    server.finish().await;
}

/// Hosts on several phones list the same person again at once: one code is good.
#[tokio::test]
async fn racing_hosts_list_a_person_again_once() {
    let server = TestServer::start().await;
    let (poll, codes) = listed(&server, json!({}), PEOPLE).await;
    vote(&server, 0, &poll, &codes[0], "tea").send().await.is(201);
    revoke(&server, &poll, 1).await;
    let mut racing = tokio::task::JoinSet::new();
    for node in 0..16 {
        racing.spawn(relist(&server, node, &poll, "1", &json!({})).send());
    }
    let answers = racing.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1, "{refused:?}");
    for answer in refused {
        answer.refused(409, "not_revoked");
    }
    assert_eq!(vote(&server, 1, &poll, &codes_in(&made[0])[0], "tea").send().await.is(200).word(), "repeated");
    server.finish().await;
}

#[tokio::test]
async fn who_was_revoked_is_listed_again_by_a_button() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let (poll, codes) = listed(&server, json!({}), PEOPLE).await;
    let place = format!("/{}/roster", poll.code);
    vote(&server, 0, &poll, &codes[1], "tea").send().await.is(201);
    ada.post(&place, &[("do", "revoke"), ("number", "2")]).await.is(200);
    // Who types the name once more is led to the button.
    let typed = [("do", "add"), ("persons", "name,email\nAnn Lee,ann@club.example\n")];
    let refused = ada.post(&place, &typed).await.is(422).text();
    assert!(refused.contains("is listed again by the button in the list"), "{refused}");
    let shown = ada.get(&format!("{place}?q=lee")).await.is(200).text();
    for said in ["revoked, has voted", "List again: Ann Lee", "stays, and counts once"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("New code for Ann Lee") && !shown.contains("Revoke the code of Ann Lee"), "{shown}");
    let (once, mark) = (hidden(&shown, "once"), hidden(&shown, "mark"));
    let fields = [("do", "relist"), ("number", "2"), ("once", &once), ("mark", &mark), ("q", "lee")];
    let sheet = ada.post(&place, &fields).await.is(200);
    let new = cards(&sheet.text()).remove(0);
    assert!(sheet.text().contains("<p class=\"whose\">Ann Lee</p>") && !codes.contains(&new), "{}", sheet.text());
    assert_eq!(cards(&ada.at(1).post(&place, &fields).await.is(200).text()), [new.as_str()], "a reload");
    let file = [("do", "file"), ("made", &hidden(&sheet.text(), "made")), ("number", "2")];
    assert!(ada.post(&place, &file).await.is(200).text().contains(&new));
    let shown = ada.get(&format!("{place}?q=lee")).await.is(200).text();
    assert!(shown.contains("Revoke the code of Ann Lee") && !shown.contains("List again: Ann Lee"), "{shown}");
    assert_eq!(vote(&server, 0, &poll, &new, "tea").send().await.is(200).word(), "repeated");
    assert_eq!(server.results(&poll).await["ballots"], 1);
    // Revoked again in another tab: this one's form brings nobody back, and shows who there is.
    ada.post(&place, &[("do", "revoke"), ("number", "2")]).await.is(200);
    let late = ada.post(&place, &fields).await;
    assert!(cards(&late.text()).is_empty() && late.text().contains("List again: Ann Lee"), "{}", late.text());
    vote(&server, 1, &poll, &new, "tea").send().await.refused(401, "revoked_access_code");
    server.finish().await;
}

/// Who holds the paper that was lost and found is told that it is good no more, and whom to ask.
#[tokio::test]
async fn who_types_a_replaced_code_is_told_so() {
    let server = TestServer::start().await;
    let (poll, codes) = listed(&server, json!({}), PEOPLE).await;
    let replace = async || {
        let path = poll.path("/codes/1/replace");
        codes_in(&server.ask("POST", &path).bearer(ADMIN).send().await.is(201)).remove(0)
    };
    let second = replace().await;
    let third = replace().await;
    for (code, said) in [
        (&codes[0], "This access code was replaced by a new one"),
        // Of a code between the first and the one that is good nothing is kept.
        (&second, "This is no access code of this poll"),
    ] {
        let page = server.get(&format!("/{}/c/{code}", poll.code)).send().await.is(404).text();
        assert!(page.contains(said) && page.contains(code.as_str()), "{said}: {page}");
        let french = server.get(&format!("/{}/c/{code}", poll.code)).header("accept-language", "fr").send().await;
        assert_eq!(french.text().contains("a été remplacé par un nouveau"), *code == codes[0], "{}", french.text());
    }
    vote(&server, 0, &poll, &codes[0], "tea").send().await.refused(401, "replaced_access_code");
    vote(&server, 1, &poll, &second, "tea").send().await.refused(401, "unknown_access_code");
    vote(&server, 1, &poll, &third, "tea").send().await.is(201);
    let other = listed(&server, json!({}), PEOPLE).await.0;
    vote(&server, 0, &other, &codes[0], "tea").send().await.refused(401, "unknown_access_code");
    server.finish().await;
}
