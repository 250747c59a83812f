//! Other people's pages: what they make a browser send changes nothing here.

use super::*;
use crate::support::Socket;

#[tokio::test]
async fn other_sites_cannot_act_as_whoever_is_signed_in() {
    let server = TestServer::start().await;
    let mut ada = founder(&server).await;
    let poll = poll_of(&ada).await;
    let link = path_of(&shown_once(&ada.post(&format!("/{}/people", poll.code), &[("do", "link")]).await.is(200)));
    let own = format!("http://{}", server.address());
    for (origin, site, allowed) in [
        ("", "", true),
        (own.as_str(), "same-origin", true),
        (own.as_str(), "", true),
        ("", "none", true),
        (own.as_str(), "cross-site", false),
        (own.as_str(), "same-site", false),
        ("http://evil.example", "", false),
        ("http://evil.example", "same-origin", false),
        ("null", "", false),
    ] {
        let mut headers = vec![("cookie", ada.cookie.as_str())];
        headers.extend([("origin", origin), ("sec-fetch-site", site)].iter().filter(|(_, value)| !value.is_empty()));
        let send = async |method: &str, path: &str, body: &str, kind: &str| {
            let mut ask = server.ask(method, path).body(body).header("content-type", kind);
            for (name, value) in &headers {
                ask = ask.header(name, value);
            }
            ask.send().await
        };
        let (json, form) = ("application/json", "application/x-www-form-urlencoded");
        for (method, path, body, kind, done) in [
            ("POST", poll.path("/open"), "{}", json, 200),
            ("POST", poll.path("/reveal"), "", json, 200),
            ("POST", poll.path("/results/tickets"), "", json, 201),
            ("DELETE", "/api/v1/tokens/999".to_owned(), "", json, 404),
            ("POST", "/account".to_owned(), "do=nothing", form, 200),
            ("POST", "/account/invitations".to_owned(), "do=make", form, 303),
            ("POST", format!("/{}/people", poll.code), "do=link", form, 200),
            ("POST", "/login".to_owned(), "name=eve&password=wrong", form, 422),
        ] {
            let answer = send(method, &path, body, kind).await;
            let expected = if allowed { done } else { 403 };
            assert_eq!(answer.status, expected, "{method} {path} from {origin:?}, {site:?}: {}", answer.text());
            let told = if kind == form { "text/html; charset=utf-8" } else { "application/problem+json" };
            assert!(allowed || answer.header("content-type") == Some(told), "{path}: {answer:?}");
        }
        let socket = Socket::open(server.address(), &poll.path("/results/ws?audience=full"), &headers).await;
        assert_eq!(socket.err(), (!allowed).then_some(403), "a socket from {origin:?}, {site:?}");
        // Not even who has no cookie yet can be signed in from elsewhere.
        for path in ["/login", link.as_str(), "/logout"] {
            let mut ask = server.ask("POST", path).body("name=ada").header("content-type", form);
            for (name, value) in &headers[1..] {
                ask = ask.header(name, value);
            }
            let answer = ask.send().await;
            assert_eq!(answer.status == 403, !allowed, "{path} from {origin:?}, {site:?}");
            assert!(allowed || answer.header("set-cookie").is_none(), "{path} from {origin:?}");
        }
    }
    who_was_led_into_it_is_told(&server, &ada.cookie).await;
    // To look is harmless from anywhere; scripts of other sites cannot read it.
    let page = server.get("/account").cookie(&ada.cookie).header("sec-fetch-site", "cross-site").send().await.is(200);
    assert_eq!(page.header("access-control-allow-origin"), None);
    server.finish().await;
}

/// A person whom another site made send a form is told, and has a way back.
async fn who_was_led_into_it_is_told(server: &TestServer, signed_in: &str) {
    for (path, back) in [("/account", "/account"), ("/logout", "/")] {
        for cookie in ["", signed_in] {
            let ask =
                server.ask("POST", path).body("do=nothing").header("content-type", "application/x-www-form-urlencoded");
            let ask = ask.header("sec-fetch-site", "cross-site").header("accept-language", "fr").cookie(cookie);
            let answer = ask.send().await;
            // Who is not signed in can change nothing of an account: they are asked to sign in.
            if cookie.is_empty() && path == "/account" {
                answer.is(303);
                continue;
            }
            let told = answer.is(403).text();
            assert!(
                told.contains("Cela ne vient pas d’ici")
                    && told.contains("href=\"BACK\"".replace("BACK", back).as_str()),
                "{told}"
            );
        }
    }
}
