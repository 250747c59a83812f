//! Access codes and rosters by pages alone: made, printed, opened from a link, typed, voted with, revoked.

use super::*;

/// A phone: it keeps all cookies, as browsers do.
struct Phone<'a> {
    server: &'a TestServer,
    node: usize,
    cookies: Vec<(String, String)>,
}

impl<'a> Phone<'a> {
    fn new(server: &'a TestServer, node: usize) -> Self {
        Self { server, node, cookies: Vec::new() }
    }

    async fn send(&mut self, ask: Ask) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ask = ask.header("sec-fetch-site", "same-origin").cookie(&cookies.join("; "));
        let answer = ask.send().await;
        for cookie in answer.header_values("set-cookie") {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        let ask = self.server.ask_node(self.node, "GET", path);
        self.send(ask).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let ask = self.server.ask_node(self.node, "POST", path);
        self.send(ask.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Votes as the page's script does.
    async fn vote(&mut self, poll: &Poll, choice: &str) -> Answer {
        let ask = self.server.ask_node(self.node, "POST", &poll.path("/votes")).json(&json!({ "choices": [choice] }));
        self.send(ask).await
    }
}

/// A poll of this person, that is open.
async fn open_poll(browser: &Browser<'_>, access: &str, change: &str) -> Poll {
    let body = json!({ "title": "=Tea?", "choices": ["Tea", "Coffee"], "open": true, "access": access,
        "change": change, "visibility": "after_vote" });
    let body = browser.ask("POST", "/api/v1/polls").json(&body).send().await.is(201).json();
    let text = |name: &str| body[name].as_str().expect(name).to_owned();
    Poll { id: text("id"), code: text("code"), body }
}

/// The rows of a file of codes, without its head.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("content-disposition").is_some_and(|named| named.starts_with("attachment; filename=")));
    answer.text().lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// So many codes, made on the page.
async fn made(browser: &mut Browser<'_>, poll: &Poll, count: &str) -> Vec<String> {
    let fields = [("do", "make"), ("count", count), ("format", "csv")];
    let place = format!("/{}/codes", poll.code);
    let made = browser.post(&place, &fields).await.is(200);
    assert!(cards(&made.text()).is_empty(), "the codes are in the file only");
    rows(&file_of(browser, &place, &made).await).into_iter().map(|row| row[1].clone()).collect()
}

async fn counted(server: &TestServer, poll: &Poll) -> serde_json::Value {
    server.results(poll).await["ballots"].clone()
}

const FIELD: &str = "name=\"access\"";
const PAPER: &str = "id=\"paper\"";

#[tokio::test]
async fn who_may_vote_is_chosen_in_the_form_of_a_poll() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    for (access, page) in [("device", None), ("codes", Some("codes")), ("roster", Some("roster"))] {
        let fields = [
            ("title", "Tea?"),
            ("choices", "Yes\nNo"),
            ("method", "single"),
            ("visibility", "always"),
            ("zone", "UTC"),
            ("access", access),
        ];
        let made = ada.post("/new", &fields).await.is(303);
        let place = made.header("location").expect("a console").to_owned();
        let console = ada.get(&place).await.is(200).text();
        for kind in ["codes", "roster"] {
            let link = format!("href=\"{}\"", place.replace("/host", &format!("/{kind}")));
            assert_eq!(console.contains(&link), page == Some(kind), "{access} {kind}: {console}");
        }
        assert_eq!(console.contains("so nobody can vote"), page.is_some(), "{access}");
        let form = ada.get(&place.replace("/host", "/edit")).await.is(200).text();
        assert!(form.contains(&format!("name=\"access\" value=\"{access}\" checked")), "{access}: {form}");
    }
    let wrong = [("title", "Tea?"), ("choices", "Yes\nNo"), ("method", "single"), ("access", "friends")];
    ada.post("/new", &wrong).await.is(422);
    server.finish().await;
}

#[tokio::test]
async fn a_link_spends_nothing_and_one_code_is_one_voter_on_every_device() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    for (change, second) in [("until_close", "changed"), ("final", "already_voted")] {
        let poll = open_poll(&ada, "codes", change).await;
        let codes = made(&mut ada, &poll, "2").await;
        let link = format!("/{}/c/{}", poll.code, codes[0]);
        let page = format!("/{}", poll.code);
        let mut preview = Phone::new(&server, 0);
        for _ in 0..3 {
            let opened = preview.get(&link).await.is(303);
            assert_eq!(opened.header("cache-control"), Some("no-store"));
            let kept = opened.header_values("set-cookie").find(|cookie| cookie.starts_with("hustings-code-"));
            let kept = kept.expect("the code is kept");
            assert!(kept.contains("; HttpOnly") && kept.contains("; Path=/;") && kept.contains("SameSite=Lax"));
            assert!(!kept.contains(&codes[0].replace('-', "")), "as it is printed: {kept}");
        }
        assert_eq!(counted(&server, &poll).await, 0, "{change}: a link votes nothing");

        let mut phone = Phone::new(&server, 0);
        assert!(phone.get(&link).await.is(303).header("location").is_some_and(|to| to.starts_with(&page)));
        let shown = phone.get(&page).await.is(200).text();
        assert!(shown.contains(PAPER) && !shown.contains(FIELD), "{shown}");
        phone.post(&page, &[("choice", "tea")]).await.is(303);
        let shown = phone.get(&page).await.is(200).text();
        assert!(shown.contains("You voted for Tea") && shown.contains("1 voter"), "{shown}");

        // Another device, another node, the code as somebody types it.
        let mut laptop = Phone::new(&server, 1);
        let typed = format!(" {} ", codes[0].to_lowercase().replace('-', ""));
        laptop.post(&format!("{page}/c"), &[("access", &typed)]).await.is(303);
        assert!(laptop.get(&page).await.is(200).text().contains("You voted for Tea"));
        assert_eq!(laptop.vote(&poll, "tea").await.word(), "repeated");
        let other = laptop.vote(&poll, "coffee").await;
        assert_eq!(if other.status < 300 { other.word() } else { other.code() }, second);
        if change == "final" {
            let told = phone.post(&page, &[("choice", "coffee")]).await.is(409).text();
            assert!(told.contains("already voted with this access code"), "{told}");
        }
        assert_eq!(counted(&server, &poll).await, 1, "{change}: one voter");
    }
    server.finish().await;
}

#[tokio::test]
async fn without_a_good_code_there_is_a_field_and_no_vote() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = open_poll(&ada, "codes", "until_close").await;
    let other = open_poll(&ada, "codes", "until_close").await;
    let codes = made(&mut ada, &poll, "2").await;
    let foreign = made(&mut ada, &other, "1").await;
    let page = format!("/{}", poll.code);
    let mut phone = Phone::new(&server, 0);
    let asked = phone.get(&page).await.is(200).text();
    assert!(asked.contains(FIELD) && !asked.contains(PAPER), "{asked}");
    phone.vote(&poll, "tea").await.refused(401, "no_access_code");
    assert!(phone.post(&page, &[("choice", "tea")]).await.is(401).text().contains(FIELD));
    for typed in ["nonsense", "ABCDE-FGHJK", foreign[0].as_str(), "<b>&\"'"] {
        let refused = phone.post(&format!("{page}/c"), &[("access", typed)]).await.is(422);
        let text = refused.text();
        assert!(text.contains("no access code of this poll") && !text.contains("<b>"), "{typed}: {text}");
        assert!(typed.contains('<') || text.contains(&format!("value=\"{typed}\"")), "filled: {typed}: {text}");
        assert!(!refused.header_values("set-cookie").any(|cookie| cookie.starts_with("hustings-code-")));
    }
    let linked = phone.get(&format!("{page}/c/ABCDE-FGHJK")).await.is(404).text();
    assert!(linked.contains("value=\"ABCDE-FGHJK\""), "{linked}");
    phone.get(&format!("{page}/c/%FF")).await.is(404);

    // A cookie that nobody signed, and one that was signed for another poll.
    let mut signed = Phone::new(&server, 0);
    signed.get(&format!("/{}/c/{}", other.code, foreign[0])).await.is(303);
    let (_, taken) = signed.cookies.iter().find(|(name, _)| name.ends_with(&other.code)).expect("a kept code").clone();
    let mut good = Phone::new(&server, 0);
    good.get(&format!("{page}/c/{}", codes[0])).await.is(303);
    let (name, value) = good.cookies.iter().find(|(name, _)| name.ends_with(&poll.code)).expect("a code").clone();
    let turned = format!("{}{}", if value.starts_with('A') { 'B' } else { 'A' }, &value[1..]);
    for forged in [taken.as_str(), turned.as_str(), codes[0].as_str(), ""] {
        let mut forger = Phone::new(&server, 1);
        forger.cookies.push((name.clone(), forged.to_owned()));
        assert!(forger.get(&page).await.is(200).text().contains(FIELD), "{forged}");
        forger.vote(&poll, "tea").await.refused(401, "no_access_code");
    }
    // Another site makes the browser vote.
    let cookie = format!("{name}={value}");
    let vote = json!({ "choices": ["tea"] });
    let forged = server.post(&poll.path("/votes"), &vote).cookie(&cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(forged.send().await.status, 403);
    assert_eq!(counted(&server, &poll).await, 0);

    // Revoked: what was counted stays, and nothing more is.
    good.vote(&poll, "tea").await.is(201);
    let revoked = ada.post(&format!("{page}/codes"), &[("do", "revoke"), ("number", " No. 1 ")]).await.is(200).text();
    assert!(revoked.contains("Code 1 is revoked") && revoked.contains("1 of them revoked"), "{revoked}");
    let told = good.get(&page).await.is(200).text();
    assert!(told.contains(FIELD) && told.contains("was revoked"), "{told}");
    good.vote(&poll, "coffee").await.refused(401, "revoked_access_code");
    let told = phone.get(&format!("{page}/c/{}", codes[0])).await.is(404).text();
    assert!(told.contains("was revoked") && told.contains(&codes[0]), "{told}");
    assert_eq!(counted(&server, &poll).await, 1);
    let unknown = ada.post(&format!("{page}/codes"), &[("do", "revoke"), ("number", "No. 77")]).await.is(422).text();
    assert!(unknown.contains("no code with this number") && unknown.contains("value=\"No. 77\""), "{unknown}");
    let french = ada.post(&format!("{page}/codes"), &[("do", "revoke"), ("number", "Nº 1")]).await.is(200).text();
    assert!(french.contains("Code 1 is revoked"), "{french}");

    it_is_over(&ada, &poll, &codes[1], &mut [&mut phone, &mut good]).await;
    nothing_to_type(&ada, &mut phone, &codes[0]).await;
    server.finish().await;
}

#[tokio::test]
async fn a_sheet_shows_codes_once_and_gives_the_same_ones_as_a_file() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = open_poll(&ada, "codes", "final").await;
    let place = format!("/{}/codes", poll.code);
    let sheet = ada.post(&place, &[("do", "make"), ("count", "3"), ("format", "sheet")]).await.is(200);
    assert_eq!(sheet.header("cache-control"), Some("no-store"));
    let html = sheet.text();
    assert_eq!((html.matches("class=\"card\"").count(), html.matches("<svg class=\"qr\"").count()), (3, 3));
    let printed = cards(&html);
    let file = file_of(&mut ada, &place, &sheet).await;
    for ((row, code), number) in rows(&file).iter().zip(&printed).zip(1..) {
        let link = format!("{}/{}/c/{code}", server.url(), poll.code);
        assert_eq!(row, &[number.to_string(), code.clone(), link]);
    }
    assert!(printed.iter().all(|code| !server.log().contains(code.as_str())), "a code in the log");
    let shown = ada.get(&place).await.is(200).text();
    assert!(shown.contains("3 codes made") && printed.iter().all(|code| !shown.contains(code.as_str())), "{shown}");
    // More than a sheet holds come as a file, whatever was asked for.
    let many = ada.post(&place, &[("do", "make"), ("count", "501"), ("format", "sheet")]).await.is(200);
    assert_eq!((cards(&many.text()).len(), rows(&file_of(&mut ada, &place, &many).await).len()), (0, 501));
    assert!(many.text().contains("A sheet to print has at most 500 cards"), "{}", many.text());
    for count in ["0", "50001", "x", ""] {
        let refused = ada.post(&place, &[("do", "make"), ("count", count)]).await.is(422).text();
        assert!(refused.contains("from 1 to 50,000"), "{count}: {refused}");
    }
    // Co-hosts make codes too; others do not.
    let [mut carl, mut vito] = [person(&mut ada, "carl").await, person(&mut ada, "vito").await];
    for (name, role) in [("carl", "co_host"), ("vito", "viewer")] {
        ada.post(&format!("/{}/people", poll.code), &[("do", "add"), ("name", name), ("role", role)]).await.is(303);
    }
    carl.post(&place, &[("do", "make"), ("count", "1"), ("format", "csv")]).await.is(200);
    vito.post(&place, &[("do", "make"), ("count", "1"), ("format", "csv")]).await.is(403);
    vito.get(&place).await.is(403);
    let forged = server.ask("POST", &place).cookie(&ada.cookie).header("sec-fetch-site", "cross-site");
    let forged = forged.header("content-type", "application/x-www-form-urlencoded").body("do=make&count=1");
    assert_eq!(forged.send().await.status, 403);
    assert!(ada.get(&place).await.text().contains("505 codes made"));
    server.finish().await;
}

#[tokio::test]
async fn a_roster_is_listed_by_a_form_with_all_faults_at_their_lines() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = open_poll(&ada, "roster", "final").await;
    let place = format!("/{}/roster", poll.code);
    let wrong = "name,email\r\nAnn,ann@x.example\r\n,x@x.example\r\nAnn,ann@x.example\r\nBob\r\n";
    let refused = ada.post(&place, &[("do", "add"), ("persons", wrong)]).await.is(422).text();
    for said in [
        "Line 3:</strong> the name is missing",
        "Line 4:</strong> this person is listed twice, with the same e-mail",
        "Line 5:</strong> this line",
    ] {
        assert!(refused.contains(said), "{said}: {refused}");
    }
    assert!(refused.contains("ann@x.example\r\n,x@x.example"), "what was typed is lost: {refused}");
    for (typed, said) in [("", "must be name,email"), ("Ann\nBob", "must be name,email"), ("name,email", "nobody in")] {
        let refused = ada.post(&place, &[("do", "add"), ("persons", typed)]).await.is(422).text();
        assert!(refused.contains(said), "{typed}: {refused}");
    }
    assert!(ada.get(&place).await.is(200).text().contains("Nobody is on the roster yet"));

    let persons = "name,email\r\n=Ann,+ann@x.example\r\n@Bob,-b\r\n<i>Cat,\r\n";
    let file = ada.post(&place, &[("do", "add"), ("persons", persons), ("format", "csv")]).await.is(200);
    let file = file_of(&mut ada, &place, &file).await;
    assert!(file.text().starts_with("\u{feff}name,email,code,link"), "{}", file.text());
    let listed = rows(&file);
    let cells: Vec<&str> = listed.iter().flat_map(|row| [row[0].as_str(), row[1].as_str()]).collect();
    assert_eq!(cells, ["'=Ann", "'+ann@x.example", "'@Bob", "'-b", "<i>Cat", ""], "cells are only text");
    let semicolons = "email;name\r\n;Ann, B.\r\nb@x.example;\r\n;\r\n";
    let refused = ada.post(&place, &[("do", "add"), ("persons", semicolons)]).await.is(422).text();
    assert!(refused.contains("Line 3:</strong> the name is missing") && !refused.contains("Line 2"), "{refused}");
    let more = ada.post(&place, &[("do", "add"), ("persons", "name\n=Dan"), ("format", "sheet")]).await.is(200);
    assert!(more.text().contains("<p class=\"whose\">=Dan</p>"), "{}", more.text());
    let again = file_of(&mut ada, &place, &more).await;
    assert_eq!(rows(&again)[0][0], "'=Dan");
    let twice = ada.post(&place, &[("do", "add"), ("persons", "name,email\n@Bob,-b")]).await.is(422).text();
    assert!(twice.contains("Line 2:</strong> this person is listed already"), "{twice}");

    a_file_is_listed_as_browsers_send_it(&mut ada, &place).await;

    let mut phone = Phone::new(&server, 1);
    phone.get(&path_of(&listed[0][3])).await.is(303);
    phone.vote(&poll, "tea").await.is(201);
    a_code_is_revoked_on_its_page(&mut ada, &place).await;
    a_lost_code_is_replaced(&mut ada, &poll, &mut phone, &listed[0][2]).await;
    let mut late = Phone::new(&server, 0);
    for number in ["2", "77", "x"] {
        ada.post(&place, &[("do", "replace"), ("number", number)]).await.is(200);
    }
    assert!(late.get(&path_of(&listed[1][3])).await.is(404).text().contains("was revoked"));
    let shown = ada.get(&place).await.is(200).text();
    for said in ["8 people listed", "1 of them revoked", "&#60;i&#62;Cat", "Revoke the code of =Ann"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("Revoke the code of @Bob") && !shown.contains(&listed[0][2]), "{shown}");
    // Codes have a page of their own where they are nobody's.
    assert_eq!(
        ada.get(&format!("/{}/codes", poll.code)).await.is(303).header("location"),
        Some(format!("/{}/host", poll.code).as_str())
    );
    server.finish().await;
}

/// What was done is said on the page of the list on which it was done.
async fn a_code_is_revoked_on_its_page(ada: &mut Browser<'_>, place: &str) {
    let revoked = ada.post(place, &[("do", "revoke"), ("number", "2"), ("after", "1")]).await.is(200).text();
    assert!(revoked.contains("role=\"status\">Code 2 is revoked.</p>"), "{revoked}");
    assert!(
        !revoked.contains("Revoke the code of =Ann") && revoked.contains("Revoke the code of =Dan"),
        "the same page"
    );
    assert!(revoked.contains("name=\"after\" value=\"1\""), "{revoked}");
}

/// A form with a file, which needs no script.
async fn a_file_is_listed_as_browsers_send_it(ada: &mut Browser<'_>, place: &str) {
    let kind = "multipart/form-data; boundary=--cut";
    let form = |typed: &str, file: &[u8]| {
        let part = |name: &str| format!("----cut\r\nContent-Disposition: form-data; name=\"{name}\"");
        let mut body = format!("{}\r\n\r\nadd\r\n{}\r\n\r\n{typed}\r\n", part("do"), part("persons"));
        body += &format!("{}; filename=\"hall.csv\"\r\nContent-Type: text/csv\r\n\r\n", part("file"));
        let mut body = body.into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n{}\r\n\r\ncsv\r\n----cut--\r\n", part("format")).as_bytes());
        body
    };
    let send = async |ada: &Browser<'_>, body: Vec<u8>| {
        ada.ask("POST", place).header("content-type", kind).body(body).send().await
    };
    let listed = send(ada, form("name,email\r\n", "name;email\r\nZoé, d’Or;z@x\r\n".as_bytes())).await.is(200);
    let listed = file_of(ada, place, &listed).await;
    assert!(listed.text().contains("\n\"Zoé, d’Or\",z@x,"), "{}", listed.text());
    let none_chosen = send(ada, form("name\r\nYan\r\n", b"")).await.is(200);
    assert_eq!(rows(&file_of(ada, place, &none_chosen).await)[0][0], "Yan");
    // As a spreadsheet saves "Unicode text", with the lines that it leaves at the end.
    let unicode = "\u{feff}name\temail\r\nÉva\te@x\r\n\t\r\n\t\r\n".encode_utf16().flat_map(u16::to_le_bytes);
    let listed = send(ada, form("name", &unicode.collect::<Vec<_>>())).await.is(200);
    let listed = file_of(ada, place, &listed).await;
    assert_eq!(rows(&listed).len(), 1, "{}", listed.text());
    assert!(listed.text().contains("\nÉva,e@x,"), "{}", listed.text());
    // As a spreadsheet saves it for another one.
    let excel = "\u{feff}sep=;\r\nCourriel ; Nom\r\n;Ida\r\n";
    let listed = send(ada, form("name", excel.as_bytes())).await.is(200);
    assert_eq!(rows(&file_of(ada, place, &listed).await)[0][0], "Ida");
    for (typed, file, said) in [
        ("name", &b"name\r\nJo\r\nZo\xe9\r\n"[..], "Line 3:</strong> this is not UTF-8"),
        ("name\r\nEd", b"name\r\nFay\r\n", "send one of the two"),
        ("name", b"phone\r\nFay\r\n", "must be name,email"),
        ("name", b"PK\x03\x04\x14\x00\x06\x00\x08", "this is an Excel file"),
    ] {
        let refused = send(ada, form(typed, file)).await.is(422).text();
        assert!(refused.contains(said) && refused.contains(&format!("{}</textarea>", typed)), "{said}: {refused}");
    }
    let whole = form("name", b"name\r\nGus\r\n");
    let half = whole[..whole.len() - 60].to_vec();
    assert!(send(ada, half).await.is(422).text().contains("did not arrive whole"));
    let large = send(ada, form("name", &vec![b'x'; 16 * 1024 * 1024])).await.is(413).text();
    assert!(large.contains("<h1>That is too large</h1>") && large.contains("too large for this page"), "{large}");
    assert!(!large.contains("Try again"), "the same once more is as large: {large}");
}

/// When it is over, everybody hears what is true of them, and finds the results.
async fn it_is_over(ada: &Browser<'_>, poll: &Poll, unused_code: &str, without: &mut [&mut Phone<'_>]) {
    let page = format!("/{}", poll.code);
    let mut unused = Phone::new(without[0].server, 1);
    unused.get(&format!("{page}/c/{unused_code}")).await.is(303);
    ada.ask("POST", &poll.path("/close")).send().await.is(200);
    let no_code = "closed-no-code\">Voting is closed. Votes were cast with access codes";
    let no_vote = "closed-unvoted-code\">Voting is closed. Nobody voted with this access code";
    let phones = without.iter_mut().map(|phone| (&mut **phone, no_code)).chain([(&mut unused, no_vote)]);
    for (phone, said) in phones {
        let over = phone.get(&page).await.is(200).text();
        assert!(over.contains(said), "{said}: {over}");
        assert!(over.contains("id=\"results\" aria-labelledby=\"results-title\">"), "{over}");
    }
}

/// A code is lost after the vote: another one is the same voter, and the old one is nobody's.
async fn a_lost_code_is_replaced(ada: &mut Browser<'_>, poll: &Poll, phone: &mut Phone<'_>, lost: &str) {
    let (server, place) = (phone.server, format!("/{}/roster", poll.code));
    let sheet = ada.post(&place, &[("do", "replace"), ("number", "1")]).await.is(200);
    assert_eq!(sheet.header("cache-control"), Some("no-store"));
    let shown = sheet.text();
    let new = shown.split_once("<p class=\"secret\">").and_then(|(_, code)| code.split('<').next()).expect("a code");
    assert!(shown.contains("<p class=\"whose\">=Ann</p>") && new != lost);
    assert!(phone.get(&format!("/{}", poll.code)).await.is(200).text().contains(FIELD), "the old one is still good");
    let mut other = Phone::new(server, 0);
    other.get(&format!("/{}/c/{new}", poll.code)).await.is(303);
    let shown = other.get(&format!("/{}", poll.code)).await.is(200).text();
    assert!(shown.contains("with the code that this one replaced"), "{shown}");
    assert!(
        !shown.contains("You voted for T") && !shown.contains(" checked"),
        "whoever drew the code sees the vote: {shown}"
    );
    other.vote(poll, "coffee").await.refused(409, "already_voted");
    assert_eq!(counted(server, poll).await, 1);
}

/// Where any device votes, there is nothing to type.
async fn nothing_to_type(ada: &Browser<'_>, phone: &mut Phone<'_>, code: &str) {
    let any = open_poll(ada, "device", "final").await;
    for path in [format!("/{}/c", any.code), format!("/{}/c/{}", any.code, code)] {
        let sent = phone.get(&path).await.is(303);
        assert_eq!(sent.header("location"), Some(format!("/{}", any.code).as_str()));
    }
}
