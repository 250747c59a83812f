//! Pages: their languages, what they load, and how it travels.

mod screen;
mod vote;

use crate::support::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_page_speaks_the_language_that_was_asked_for() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let path = format!("/{}/results", poll.code);
    for (query, cookie, accepted, expected) in [
        ("", "", "", "en"),
        ("", "", "fr-CA, en;q=0.5", "fr"),
        ("", "", "de", "en"),
        ("", "hustings-lang=fr", "en", "fr"),
        ("", "hustings-lang=nonsense", "fr", "fr"),
        ("?lang=en", "hustings-lang=fr", "fr", "en"),
        ("?lang=fr", "", "en", "fr"),
        ("?lang=xx", "", "", "en"),
    ] {
        let ask = server.get(&format!("{path}{query}")).header("accept-language", accepted).cookie(cookie);
        let page = ask.send().await.is(200);
        assert!(page.text().contains(&format!("<html lang=\"{expected}\"")), "{query} {cookie} {accepted}");
        let kept = page.header_values("set-cookie").any(|cookie| cookie.starts_with("hustings-lang="));
        assert_eq!(kept, ["?lang=en", "?lang=fr"].contains(&query), "{query}");
    }
    // The switch keeps the rest of the address.
    let page = server.get(&format!("{path}?unit=york&lang=en")).send().await.is(200).text();
    assert!(page.contains(&format!("href=\"{path}?unit=york&#38;lang=fr\"")), "{page}");
    server.finish().await;
}

#[tokio::test]
async fn assets_are_kept_for_ever_only_where_their_hash_is_ours() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "accent": "#ffee00" })).await;
    let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200).text();
    let assets: Vec<&str> = page.split('"').filter(|text| text.starts_with("/assets/")).collect();
    assert!(assets.iter().any(|asset| asset.ends_with("/accent/ffee00.css")), "{page}");
    for asset in assets {
        let ours = server.get(asset).send().await.is(200);
        assert_eq!(ours.header("cache-control"), Some("public, max-age=31536000, immutable"));
        let (_, name) = asset.trim_start_matches("/assets/").split_once('/').expect("a hash");
        let other = server.get(&format!("/assets/0123456789ab/{name}")).send().await.is(200);
        assert_eq!((other.header("cache-control"), other.text()), (Some("no-cache"), ours.text()), "{asset}");
        for coding in ["br", "gzip"] {
            let packed = server.get(asset).header("accept-encoding", coding).send().await.is(200);
            if !asset.contains("/accent/") {
                assert_eq!(packed.header("content-encoding"), Some(coding), "{asset}");
                assert!(packed.body.len() < ours.body.len(), "{asset}");
            }
        }
        let refused = server.get(asset).header("accept-encoding", "br;q=0, gzip;q=0").send().await.is(200);
        assert_eq!(refused.header("content-encoding"), None);
    }
    for missing in ["/assets/0123456789ab/nothing.js", "/assets/0123456789ab/accent/red.css", "/assets/x/accent/ffee00"]
    {
        server.get(missing).send().await.is(404);
    }
    server.finish().await;
}

#[tokio::test]
async fn a_code_is_found_however_it_is_typed() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "slug": "town-hall" })).await;
    let code = poll.code.to_lowercase();
    for typed in [code.clone(), format!("+{}-{}+", &code[..3], &code[3..]), format!("http%3A%2F%2Fx%2F{code}%2Fscreen")]
    {
        let found = server.get(&format!("/?code={typed}")).send().await.is(303);
        assert_eq!(found.header("location"), Some(format!("/{}", poll.code).as_str()), "{typed}");
    }
    let found = server.get("/?code=Town-Hall").send().await.is(303);
    assert_eq!(found.header("location"), Some("/town-hall"));
    let unknown = server.get("/?code=%3Cb%3E").send().await.is(404).text();
    assert!(unknown.contains("value=\"&#60;b&#62;\""), "the field keeps what was typed: {unknown}");
    assert!(server.get("/ZZZZZZ").send().await.is(404).text().contains("value=\"ZZZZZZ\""));
    server.finish().await;
}
