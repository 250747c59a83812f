//! The frame of every page: its language, its colour, its headers, and how it travels.
//!
//! Invariant: a page takes nothing from elsewhere, runs nothing inline, and is framed by nobody; only what is made to be
//! embedded says otherwise. It must not know: what a page shows.

use std::convert::Infallible;

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http_body_util::BodyExt;
use hustings_core::Election;
use serde_json::{Map, Value};

use super::texts::Language;
use super::{accent, assets};
use crate::http::Shared;

/// Pages take nothing from elsewhere and run nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A page below this size gains nothing by being packed.
const PACKED_MIN: usize = 600;
/// How hard pages are packed: they are packed once for each reader.
const PACKED_LEVEL: u32 = 6;
/// Keeps what the reader chose for a year.
const LANGUAGE_COOKIE: &str = "hustings-lang";

/// Who reads, and where: what every page needs to know of its request.
#[derive(Debug, Clone)]
pub(in crate::http) struct Page {
    /// The reader's language.
    pub(in crate::http) language: Language,
    path: String,
    /// The query without the language.
    query: String,
    accent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let others = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("lang="));
        let query: Vec<&str> = others.filter(|pair| !pair.is_empty()).collect();
        Ok(Self {
            language: language(&parts.headers, parts.uri.query()),
            path: parts.uri.path().to_owned(),
            query: query.join("&"),
            accent: None,
        })
    }
}

/// As asked for in the address, else as chosen before, else as the browser says.
fn language(headers: &HeaderMap, query: Option<&str>) -> Language {
    let accepted = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::accepted);
    let kept = || cookie(headers, LANGUAGE_COOKIE).and_then(Language::parse);
    query.and_then(asked).or_else(kept).or_else(accepted).unwrap_or(Language::English)
}

fn asked(query: &str) -> Option<Language> {
    query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::parse)
}

/// The value of a cookie.
pub(in crate::http) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

impl Page {
    /// A page for tests.
    #[cfg(test)]
    pub(in crate::http) fn sample(language: Language) -> Self {
        Self {
            language,
            path: "/A5KYQ5/results".to_owned(),
            query: "unit=york".to_owned(),
            accent: Some("c0ffee".to_owned()),
        }
    }

    /// The same in the colour of an election.
    pub(in crate::http) fn of(mut self, election: &Election) -> Self {
        self.accent = election.accent.as_ref().map(|accent| accent.as_str().trim_start_matches('#').to_owned());
        self
    }

    /// A text in the reader's language.
    pub(in crate::http) fn say(&self, key: &str) -> String {
        self.language.say(key)
    }

    /// Where a file that pages load is.
    pub(in crate::http) fn asset(&self, name: &str) -> String {
        format!("/assets/{}/{name}", assets::hash())
    }

    /// Where the sheet with the election's colour is; none where the colour is the usual one.
    pub(in crate::http) fn accent_sheet(&self) -> Option<String> {
        let accent = self.accent.as_ref().filter(|accent| accent.as_str() != &accent::DEFAULT[1..])?;
        Some(self.asset(&format!("accent/{accent}.css")))
    }

    /// The other languages, and this page in each.
    pub(in crate::http) fn others(&self) -> Vec<(Language, String)> {
        let before = if self.query.is_empty() { String::new() } else { format!("{}&", self.query) };
        let address = |language: Language| format!("{}?{before}lang={}", self.path, language.tag());
        let others = Language::ALL.into_iter().filter(|language| *language != self.language);
        others.map(|language| (language, address(language))).collect()
    }

    /// What a script says, as JSON: sentences, whose variables stay as `{name}`, and texts about numbers, in the forms that
    /// the language has. Safe to stand inside a page.
    pub(super) fn texts(&self, sentences: &[&str], counts: &[&str]) -> String {
        // As scripts fill them in.
        let variables =
            ["choice", "moment", "number", "first", "last", "voters"].map(|name| (name, format!("{{{name}}}")));
        let variables: Vec<_> = variables.iter().map(|(name, hole)| (*name, hole.as_str())).collect();
        let forms = |key: &str| {
            let form = |count| Value::from(self.language.count_shown(key, count, "{shown}"));
            Value::Object(Map::from_iter([("one".to_owned(), form(1)), ("other".to_owned(), form(2))]))
        };
        let sentences = sentences.iter().map(|key| ((*key).to_owned(), self.language.say_with(key, &variables).into()));
        let all: Map<String, Value> =
            sentences.chain(counts.iter().map(|key| ((*key).to_owned(), forms(key)))).collect();
        Value::Object(all).to_string().replace('<', "\\u003c")
    }
}

/// A page, ready to be sent.
pub(in crate::http) fn render(page: &impl Template) -> Response {
    let Ok(html) = page.render() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it browsers send forms with the origin `null`, which could be anybody's.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::VARY, "accept-encoding, accept-language, cookie"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The same answer, which holds secrets, for no cache at all.
pub(super) fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same page for any site's frame. It must have nothing on it that somebody could be made to press.
pub(super) fn framed(mut response: Response) -> Response {
    let policy = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *");
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // Sites that frame only what agrees to it, and takes nothing itself that does not, may frame this.
    for (name, value) in
        [("cross-origin-resource-policy", "cross-origin"), ("cross-origin-embedder-policy", "require-corp")]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// What happens to every page on its way out: the language asked for is kept, and what is worth it is packed.
pub(super) async fn send(State(services): State<Shared>, request: Request, next: Next) -> Response {
    let chosen = request.uri().query().and_then(asked);
    let mut response = pack(request, next).await;
    if let Some(language) = chosen {
        let secure = if services.settings.is_secure() { "; Secure" } else { "" };
        let cookie = format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", language.tag());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// Packs what is worth it.
pub(super) async fn pack(request: Request, next: Next) -> Response {
    let packs = assets::accepts(request.headers(), "gzip");
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    if is_page && packs { packed(response).await } else { response }
}

async fn packed(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // A page is in memory as a whole.
    let Ok(collected) = body.collect().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let bytes = collected.to_bytes();
    if bytes.len() < PACKED_MIN {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(assets::gzip(&bytes, PACKED_LEVEL)))
}
