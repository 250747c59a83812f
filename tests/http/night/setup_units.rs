//! Units: imports in JSON and CSV, everything that is wrong at once, races, pages, and retirement.

use std::fmt::Write;

use serde_json::{Value, json};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Night, faults};
use crate::support::{ADMIN, Ask, TestServer, soon};

const REGIONS: &str = "code,name,kind,parent,channel,registered,boxes\n\
    north,The North,region,,,,\n\
    york,York,city,north,,1000,\n\
    y1,,box,y-hall,postal,,\n\
    y-hall,Guildhall,station,york,,,\n\
    \"leeds\",\"Leeds, the city\",city,north,,,12\n";

async fn draft(server: &TestServer) -> Night {
    Night::create(server, json!({ "open": false, "cities": null, "units": [] })).await
}

#[tokio::test]
async fn units_come_in_any_order_and_the_same_again_adds_nothing() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    let first = night.csv(&server, "/units", REGIONS).send().await.is(201).json();
    assert_eq!((&first["added"], &first["units"]), (&json!(5), &json!({ "count": 6, "boxes": 1 })));
    let again = night.csv(&server, "/units", REGIONS).send().await.is(200).json();
    assert_eq!((&again["added"], &again["version"]), (&json!(0), &first["version"]));
    // Other columns in another order, as a program for tables writes them.
    let more = "\u{feff}parent,kind,code\r\nyork,box,y2\r\nyork,city,york\r\n";
    night.csv(&server, "/units", more).send().await.refused(422, "invalid_units");
    let more = "\u{feff}parent,kind,code\r\nyork,box,y2\r\n";
    assert_eq!(night.csv(&server, "/units", more).send().await.is(201).json()["added"], 1);
    for same in [
        "code;kind;parent\r\ny2;box;york\r\n",
        "kind\tcode\tparent\nbox\ty2\tyork\n",
        "\u{feff}sep=|\r\ncode|kind|parent\r\ny2|box|york\r\n",
    ] {
        assert_eq!(night.csv(&server, "/units", same).send().await.is(200).json()["added"], 0, "{same}");
    }
    let body = json!({ "units": [{ "code": "y3", "kind": "box", "parent": "y-hall", "channel": "early" }, { "code": "y2",
        "kind": "box", "parent": "york" }] });
    assert_eq!(night.post(&server, "/units", &body).send().await.is(201).json()["added"], 1);
    assert_eq!(night.post(&server, "/units", &json!({ "units": [] })).send().await.is(200).json()["added"], 0);

    let page = async |query: &str| {
        let page = night.get(&server, &format!("/units{query}")).await.is(200).json();
        let codes: Vec<_> = page["units"].as_array().expect("units").iter().map(|unit| unit["code"].clone()).collect();
        (Value::Array(codes), page["next"].clone())
    };
    let all = json!(["nation", "north", "york", "y-hall", "y1", "leeds", "y2", "y3"]);
    assert_eq!(page("").await, (all, Value::Null));
    assert_eq!(page("?under=york&kind=box").await.0, json!(["y1", "y2", "y3"]));
    assert_eq!(page("?under=york&limit=2").await, (json!(["york", "y-hall"]), json!("y-hall")));
    assert_eq!(page("?under=york&limit=2&after=y-hall").await, (json!(["y1", "y2"]), json!("y2")));
    assert_eq!(page("?kind=city&after=leeds").await.0, json!([]));
    for (query, code, pointer) in [
        ("?under=nowhere", "unknown_unit", "/under"),
        ("?after=nowhere", "unknown_unit", "/after"),
        ("?kind=house", "unknown_kind", "/kind"),
        ("?limit=x", "invalid_query", "/limit"),
    ] {
        let answer = night.get(&server, &format!("/units{query}")).await.refused(422, code);
        assert_eq!(answer.json()["pointer"], pointer, "{query}");
    }
    let unit = night.get(&server, "/units?under=y1").await.is(200).json()["units"][0].clone();
    assert_eq!(
        unit,
        json!({ "code": "y1", "name": "y1", "kind": "box", "parent": "y-hall", "channel": "postal", "retired": false })
    );
    server.finish().await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn everything_that_is_wrong_with_an_import_is_said_at_once_and_nothing_is_taken() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    let file = "code,kind,parent,channel,registered,boxes,name\n\
        a,city,,,,,Good\n\
        b,house,a,,,,\n\
        c,box,b,,,,\n\
        d,box,nowhere,,,,\n\
        e,box,a,smoke,-1,1.5,\n\
        f,region,g,,,,\n\
        g,region,f,,,,\n\
        h,box\n\
        a,city,,,,,Again\n\
        ,box,a,,,,\n\
        i j,box,a,,,,\n\
        k,city,l,,,,\n\
        l,box,a,,1000000001,,\n\
        \u{202e}m,box,a,,,,\u{202e}\n\
        nation,city,,,,,\n\
        n,station,a,,,5,\n";
    let answer = night.csv(&server, "/units", file).send().await.refused(422, "invalid_units");
    let found = faults(&answer);
    let expected = [
        (3, "unknown_kind"),
        (5, "unknown_parent"),
        (6, "unknown_channel"),
        (6, "invalid_number"),
        (6, "invalid_number"),
        (7, "cycle"),
        (9, "wrong_length"),
        (10, "code_twice"),
        (11, "empty_text"),
        (12, "invalid_code"),
        (13, "wrong_kind"),
        (14, "invalid_number"),
        (15, "invalid_code"),
        (15, "forbidden_character"),
        (16, "code_taken"),
        (17, "boxes_of_no_place"),
    ];
    assert_eq!(found, expected.map(|(line, code)| (line.to_string(), code.to_owned())), "{}", answer.text());
    assert_eq!(answer.json()["errors_total"], expected.len());
    assert!(answer.text().contains("from 0 to 1000000000, not `1000000001`"), "{}", answer.text());
    let as_text = server.ask("POST", &night.path("/units")).bearer(ADMIN).header("content-type", "text/plain");
    let refused = as_text.body("Code,Kind\ng,city\n").send().await.refused(422, "invalid_json");
    assert!(refused.text().contains("a table is sent with `Content-Type: text/csv`"), "{}", refused.text());

    let units = json!([
        { "code": "a", "kind": "city", "registered": 1 },
        { "code": "b", "kind": "box", "parent": "a", "registered": 2.5 },
        { "code": "c", "kind": "box", "parent": "a", "registered": 2 },
        { "code": "d", "kind": "box", "parent": "x" },
    ]);
    let answer = night.post(&server, "/units", &json!({ "units": units })).send().await.refused(422, "invalid_units");
    let expected = [
        ("/units/1/registered", "invalid_number"),
        ("/units/2", "registered_twice"),
        ("/units/3/parent", "unknown_parent"),
    ];
    assert_eq!(faults(&answer), expected.map(|(place, code)| (place.to_owned(), code.to_owned())), "{}", answer.text());

    let mut latin = b"code,kind\ng,city\n".to_vec();
    latin.extend_from_slice(b"caf\xe9,city\n");
    let answer = night.csv(&server, "/units", latin).send().await.refused(422, "invalid_units");
    assert_eq!(faults(&answer), [("3".to_owned(), "invalid_utf8".to_owned())]);
    for (file, code) in [
        ("", "invalid_csv"),
        ("code,kind,colour\na,city,red\n", "unknown_column"),
        ("code;kind;colour\na;city;red\n", "unknown_column"),
        ("code,kind,code\n", "repeated_column"),
        ("code,name\n", "missing_column"),
        ("code,kind,Code\n", "repeated_column"),
    ] {
        night.csv(&server, "/units", file).send().await.refused(422, code);
    }
    night.post(&server, "/units", &json!({ "unit": [] })).send().await.refused(422, "unknown_field");
    night.post(&server, "/units", &json!({ "units": [{ "kind": "box" }] })).send().await.refused(422, "missing_field");

    let left = night.get(&server, "").await.is(200).json();
    assert_eq!(left["units"], json!({ "count": 1, "boxes": 0 }), "nothing of all that was taken over");
    server.finish().await;
}

#[tokio::test]
async fn a_large_file_comes_in_whole_and_its_first_thousand_faults_are_told() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    let (mut good, mut bad) = ("code,kind,parent\n".to_owned(), "code,kind,parent\n".to_owned());
    for number in 0..3_000 {
        writeln!(good, "b{number},box,c{}", number % 30).expect("a line");
        writeln!(bad, "b{number},box,nowhere").expect("a line");
    }
    for number in 0..30 {
        writeln!(good, "c{number},city,").expect("a line");
    }
    let answer = night.csv(&server, "/units", bad).chunked().send().await.refused(422, "invalid_units");
    let told = faults(&answer);
    assert_eq!((told.len(), told[999].0.as_str(), &answer.json()["errors_total"]), (1_000, "1001", &json!(3_000)));
    let added = night.csv(&server, "/units", good).chunked().send().await.is(201).json();
    assert_eq!((&added["added"], &added["units"]), (&json!(3_030), &json!({ "count": 3_031, "boxes": 3_000 })));
    for node in 0..2 {
        let path = night.path("/units?kind=box&limit=1000&after=b1999");
        let page = server.ask_node(node, "GET", &path).send().await.is(200).json();
        assert_eq!(page["units"].as_array().map(Vec::len), Some(1_000));
    }
    server.finish().await;
}

#[tokio::test]
async fn many_who_add_at_once_lose_nothing() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    // Each brings boxes of its own and cities that all of them bring.
    let file = |who: usize| {
        let cities = (0..5).map(|city| format!("c{city},city,\n"));
        let boxes = (0..20).map(|number| format!("b{who}-{number},box,c{}\n", number % 5));
        std::iter::once("code,kind,parent\n".to_owned()).chain(cities).chain(boxes).collect::<String>()
    };
    let asks: Vec<Ask> = (0..16)
        .map(|who| {
            let ask = server.ask_node(who, "POST", &night.path("/units"));
            ask.header("content-type", "text/csv").body(file(who)).bearer(ADMIN)
        })
        .collect();
    let answers = futures_util::future::join_all(asks.into_iter().map(Ask::send)).await;
    let added: u64 = answers.into_iter().map(|answer| answer.is(201).json()["added"].as_u64().expect("a number")).sum();
    assert_eq!(added, 16 * 20 + 5, "every unit was added once, by whoever came first");
    for node in 0..2 {
        let shown = server.ask_node(node, "GET", &night.path("")).send().await.is(200).json();
        assert_eq!(shown["units"], json!({ "count": 16 * 20 + 6, "boxes": 16 * 20 }));
    }
    // Two who mean different things by one code: one of them is told.
    let rivals = (0..8).map(|who| {
        let body = json!({ "units": [{ "code": "rival", "kind": "city", "name": format!("City {who}") }] });
        server.ask_node(who, "POST", &night.path("/units")).json(&body).bearer(ADMIN).send()
    });
    let mut won = 0;
    for answer in futures_util::future::join_all(rivals).await {
        match answer.status {
            201 => won += 1,
            _ => assert_eq!(faults(&answer), [("/units/0".to_owned(), "code_taken".to_owned())]),
        }
    }
    assert_eq!(won, 1);
    server.finish().await;
}

#[tokio::test]
async fn while_a_contest_is_open_a_change_of_the_units_needs_a_reason() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let file = "code,kind,parent\nl1,box,london\nl2,box,london\n";
    let answer = night.csv(&server, "/units", file).send().await.refused(422, "missing_reason");
    assert_eq!(answer.json()["pointer"], "/reason");
    night.csv(&server, "/units?reason=", file).send().await.refused(422, "empty_text");
    night.csv(&server, "/units?reason=Two%20more&x=1", file).send().await.refused(422, "invalid_query");
    night.csv(&server, "/units?reason=Two%20more%20boxes", file).send().await.is(201);
    let body = json!({ "units": [{ "code": "l3", "kind": "box", "parent": "london" }], "reason": "A third" });
    night.post(&server, "/units", &body).send().await.is(201);

    let retire =
        async |unit: &str, body: Value| night.post(&server, &format!("/units/{unit}/retire"), &body).send().await;
    retire("l2", json!({})).await.refused(422, "missing_field");
    retire("l2", json!({ "reason": " " })).await.refused(422, "empty_text");
    let why = || json!({ "reason": "Never used" });
    retire("l9", why()).await.refused(404, "unknown_unit");
    retire("nation", why()).await.refused(409, "root_stays");
    retire("london", why()).await.refused(409, "unit_in_use");
    let retired = retire("l2", why()).await.is(200).json();
    assert_eq!((&retired["unit"]["retired"], &retired["units"]), (&json!(true), &json!({ "count": 6, "boxes": 2 })));
    let again = retire("l2", why()).await.is(200).json();
    assert_eq!(again["version"], retired["version"], "again, nothing is written");
    let file = "code,kind,parent\nl2,box,london\n";
    night.csv(&server, "/units?reason=Back", file).send().await.refused(422, "invalid_units");
    let reader = server.token(&["results", "report"]).await;
    for tail in ["/units", "/units/l1/retire", "/contests", "/parties", "/open", "/tokens"] {
        server.post(&night.path(tail), &why()).bearer(&reader).send().await.refused(403, "wrong_scope");
        server.post(&night.path(tail), &why()).send().await.refused(401, "no_token");
        server.post(&format!("/api/v1/elections/ABCDEF{tail}"), &why()).bearer(ADMIN).send().await.is(404);
    }
    server.finish().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_or_breaks_off_leaves_nothing() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    for kind in ["text/csv", "application/json"] {
        // Blank lines, which no reader keeps: the limit is that of what arrives.
        let ask = server.ask("POST", &night.path("/units")).header("content-type", kind).bearer(ADMIN);
        ask.body("\n".repeat(64 * 1024 * 1024 + 1)).send().await.refused(413, "body_too_large");
    }
    let whole = night.csv(&server, "/units", REGIONS).bytes(true);
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(&whole[..whole.len() - 20]).await.expect("the beginning");
    stream.shutdown().await.expect("the end of what is sent");
    let mut answer = Vec::new();
    soon("the end of a broken upload", stream.read_to_end(&mut answer)).await.expect("an end");
    assert!(!String::from_utf8_lossy(&answer).contains(" 201 "), "{}", String::from_utf8_lossy(&answer));
    let left = night.get(&server, "").await.is(200).json();
    assert_eq!(left["units"]["count"], 1);
    server.finish().await;
}
