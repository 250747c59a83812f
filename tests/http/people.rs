//! People: how they come, how they sign in, what each may do, and how it ends.

mod codes;
mod commands;
mod host;
mod once;
mod roles;
mod roster;
mod signing_in;
mod sites;
mod viewers;

use serde_json::json;

use crate::support::{Answer, Ask, Poll, TestServer};

/// A password that may be kept.
const PASSWORD: &str = "correct horse battery";

/// A browser of somebody: it keeps the cookie, and says that requests come from our own pages.
#[derive(Clone)]
struct Browser<'a> {
    server: &'a TestServer,
    node: usize,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(server: &'a TestServer) -> Self {
        Self { server, node: 0, cookie: String::new() }
    }

    /// The same browser, whose requests reach another node.
    fn at(&self, node: usize) -> Self {
        Self { node, ..self.clone() }
    }

    fn ask(&self, method: &str, path: &str) -> Ask {
        let ask = self.server.ask_node(self.node, method, path).header("sec-fetch-site", "same-origin");
        if self.cookie.is_empty() { ask } else { ask.cookie(&self.cookie) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    /// Sends a form, and keeps the cookie of the answer.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.form(path, fields).send().await;
        let kept = answer.header_values("set-cookie").find(|cookie| cookie.contains("hustings-session="));
        if let Some(cookie) = kept {
            self.cookie = cookie.split(';').next().expect("a pair").to_owned();
        }
        answer
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Ask {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask("POST", path).header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.post("/login", &[("name", name), ("password", password)]).await
    }

    /// An act over the API, as a script of ours sends it.
    async fn act(&self, poll: &Poll, act: &str) -> Answer {
        self.ask("POST", &poll.path(&format!("/{act}"))).send().await
    }

    /// Results with what is hidden from others.
    async fn full_results(&self, poll: &Poll) -> Answer {
        self.ask("GET", &poll.path("/results")).header("hustings-audience", "full").send().await
    }
}

/// The one-time link that the first node has printed last.
fn welcome(server: &TestServer) -> String {
    let log = server.log();
    let mut links =
        log.lines().filter_map(|line| line.split_once("/welcome/")).filter(|(_, rest)| !rest.starts_with(".."));
    let (_, secret) = links.next_back().expect("a link in what the server said");
    format!("/welcome/{}", secret.trim())
}

/// The administrator of a new server, signed in.
async fn founder(server: &TestServer) -> Browser<'_> {
    let mut browser = Browser::new(server);
    let fields = [("name", "ada"), ("password", PASSWORD), ("again", PASSWORD)];
    browser.post(&welcome(server), &fields).await.is(303);
    browser
}

/// The value of the field that shows what was made, once: the one that cannot be changed.
fn shown_once(answer: &Answer) -> String {
    let text = answer.text();
    let field = text.split("<input ").find(|field| field.contains(" readonly>")).expect("a field");
    let (_, rest) = field.split_once("value=\"").expect("a value");
    rest.split('"').next().expect("its end").to_owned()
}

/// The part of an address after the server's own.
fn path_of(link: &str) -> String {
    let (_, rest) = link.split_once("://").expect("an address");
    format!("/{}", rest.split_once('/').expect("a path").1)
}

/// A link for a new person.
async fn invitation(admin: &mut Browser<'_>) -> String {
    let made = admin.post("/account/invitations", &[("do", "make")]).await.is(303);
    let shown = admin.get(made.header("location").expect("a page")).await.is(200);
    path_of(&shown_once(&shown))
}

/// The value of a field of a page that nobody sees.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect(name);
    rest.split('"').next().expect("its end").to_owned()
}

/// The access codes of a sheet.
fn cards(page: &str) -> Vec<String> {
    page.split("<p class=\"secret\">").skip(1).map(|rest| rest[..11].to_owned()).collect()
}

/// The file of the codes of an answer, by its button.
async fn file_of(browser: &mut Browser<'_>, place: &str, made: &Answer) -> Answer {
    let made = hidden(&made.text(), "made");
    browser.post(place, &[("do", "file"), ("made", &made)]).await.is(200)
}

/// A new person, signed in.
async fn person<'a>(admin: &mut Browser<'a>, name: &str) -> Browser<'a> {
    let link = invitation(admin).await;
    let mut browser = Browser::new(admin.server);
    let fields = [("name", name), ("password", PASSWORD), ("again", PASSWORD)];
    let joined = browser.post(&link, &fields).await.is(303);
    assert_eq!(joined.header("location"), Some("/"));
    browser
}

/// A poll with hidden results that this person created, and owns.
async fn poll_of(browser: &Browser<'_>) -> Poll {
    let body =
        json!({ "title": "Tea or coffee?", "choices": ["Tea", "Coffee"], "open": true, "visibility": "on_reveal" });
    let body = browser.ask("POST", "/api/v1/polls").json(&body).send().await.is(201).json();
    let text = |name: &str| body[name].as_str().expect(name).to_owned();
    Poll { id: text("id"), code: text("code"), body }
}
