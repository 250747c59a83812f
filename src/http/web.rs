//! Pages: server-rendered, small, useful without JavaScript. Only these addresses mint device cookies.

use std::sync::LazyLock;

use askama::Template;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hustings_core::Kind;
use hustings_core::election::Viewer;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::api::{Operation, find, operations, viewer};
use super::auth::device;
use super::name::Name;
use super::{Problem, Services, Shared, elections};
use crate::export::thousands;
use crate::feed::Results;
use crate::keys::Device;
use crate::ledger::Registered;

/// Pages take nothing from elsewhere and run nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = include_str!("../../assets/hustings.css");
const SCRIPT: &str = include_str!("../../assets/results.js");

/// Changes whenever an asset changes, so that assets can be cached for ever.
static ASSETS: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::new().chain_update(STYLE).chain_update(SCRIPT).finalize();
    crate::export::hex(&digest[..6])
});

/// The version in the addresses of assets.
pub(super) fn assets() -> &'static str {
    &ASSETS
}

/// A page's request without its token, which means nothing: pages are for people.
pub(super) fn without_token(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(header::AUTHORIZATION);
    headers
}

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(home))
        .route("/api", get(reference))
        .route("/assets/{version}/hustings.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/{version}/results.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/{code}", get(not_yet_vote))
        .route("/{code}/results", get(results))
        .route("/{code}/screen", get(not_yet))
        .route("/{code}/host", get(not_yet))
}

#[derive(Template)]
#[template(path = "results.html")]
struct ResultsPage<'a> {
    assets: &'a str,
    title: &'a str,
    code: &'a str,
    poll: String,
    results: &'a Results,
    bars: Vec<Bar<'a>>,
    accent: &'a str,
    unit: &'static str,
    voters: Option<String>,
}

struct Bar<'a> {
    id: &'a str,
    title: &'a str,
    votes: String,
    share: String,
    permille: u64,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    assets: &'a str,
    title: &'a str,
    text: &'a str,
    link: Option<(String, &'a str)>,
}

#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage<'a> {
    assets: &'a str,
    operations: Vec<Operation>,
}

/// The page for an address where nothing is.
pub(super) fn not_found_page() -> Response {
    let page = NoticePage {
        assets: &ASSETS,
        title: "There is nothing here",
        text: "Check the code or the link you were given. Codes have six characters and never contain 0, O, 1, I or L.",
        link: None,
    };
    (StatusCode::NOT_FOUND, render(&page)).into_response()
}

async fn home() -> Response {
    let page = NoticePage {
        assets: &ASSETS,
        title: "Hustings",
        text: "Counts every vote once, shows it at once, and proves it afterwards. Results of a poll are at its code, \
               followed by /results. Polls are created with the API for now.",
        link: Some(("/api".to_owned(), "The API")),
    };
    render(&page)
}

async fn reference() -> Response {
    render(&ReferencePage { assets: &ASSETS, operations: operations() })
}

async fn not_yet_vote(state: State<Shared>, code: Name, headers: HeaderMap) -> Response {
    not_yet(state, code, headers).await
}

async fn not_yet(State(services): State<Shared>, Name(code): Name, headers: HeaderMap) -> Response {
    let found = match find(&services.elections, &code).await {
        Ok(found) => found,
        Err(problem) => return problem_page(&problem, &code),
    };
    let page = NoticePage {
        assets: &ASSETS,
        title: found.election.title.as_str(),
        text: "This page is not there yet. Votes are taken through the API, and the live results are one tap away.",
        link: Some((format!("/{}/results", found.election.code), "Live results")),
    };
    with_device(&services, &headers, render(&page))
}

/// Which part of an election of boxes the page shows; a poll has only one.
#[derive(Deserialize)]
struct PageQuery {
    unit: Option<String>,
}

async fn results(
    State(services): State<Shared>,
    Name(code): Name,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Response {
    let unit = query.ok().and_then(|Query(query)| query.unit);
    let shown = match services.elections.find(&code).await {
        Ok(Some(found)) if found.election.kind == Kind::Election => {
            elections::page(&services, &found, unit.as_deref(), &headers).await
        }
        Ok(Some(found)) => page(&services, &found, &headers).await,
        Ok(None) => return not_found_page(),
        Err(error) => Err(error.into()),
    };
    match shown {
        Ok(page) => with_device(&services, &headers, page),
        Err(problem) => problem_page(&problem, &code),
    }
}

/// The page for what cannot be shown now; a code that nobody has is one of its own.
fn problem_page(problem: &Problem, code: &str) -> Response {
    if problem.status() == StatusCode::NOT_FOUND {
        return not_found_page();
    }
    let again = format!("/{code}/results");
    let page = NoticePage {
        assets: &ASSETS,
        title: "Just a moment",
        text: problem.detail(),
        link: Some((again, "Try again")),
    };
    (problem.status(), render(&page)).into_response()
}

async fn page(services: &Services, found: &Registered, headers: &HeaderMap) -> Result<Response, Problem> {
    let viewer = match viewer(services, found, headers).await? {
        // A token in a page's request means nothing: pages are for people.
        Viewer::Organiser => Viewer::Public,
        viewer => viewer,
    };
    let frame = services.feed.latest(found.key, viewer).await?;
    let frame = frame.ok_or_else(|| Problem::not_found("unknown_poll", "there is no such poll"))?;
    let results = frame.poll().ok_or_else(|| Problem::not_found("unknown_poll", "there is no such poll"))?;
    let election = &found.election;
    Ok(render(&ResultsPage {
        assets: &ASSETS,
        title: election.title.as_str(),
        code: election.code.as_str(),
        poll: election.id.to_string(),
        bars: bars(results),
        voters: results.ballots.map(voters),
        results,
        accent: election.accent.as_ref().map_or("#2f5d8a", |accent| accent.as_str()),
        unit: match results.method {
            "score" => "Points, and the mean score.",
            "approval" => "Percentages of voters.",
            _ => "Percentages of votes.",
        },
    }))
}

fn voters(ballots: u64) -> String {
    format!("{} {}", thousands(ballots), if ballots == 1 { "voter" } else { "voters" })
}

/// Bars are shares of the voters; for scores they are points beside the leader's, with the mean score.
fn bars(results: &Results) -> Vec<Bar<'_>> {
    let scored = results.method == "score";
    let figure = |choice: &crate::feed::ChoiceResult| choice.points.or(choice.votes).unwrap_or(0);
    let whole = match scored {
        true => results.choices.iter().map(figure).max().unwrap_or(0),
        false => results.ballots.unwrap_or(0),
    };
    let one = |choice| {
        let permille = (figure(choice).saturating_mul(1000) + whole / 2) / whole.max(1);
        let votes = choice.votes.unwrap_or(0).max(1);
        let tenths = (figure(choice).saturating_mul(10) + votes / 2) / votes;
        Bar {
            id: &choice.id,
            title: &choice.title,
            votes: thousands(figure(choice)),
            share: match scored {
                true => format!("mean {}.{}", tenths / 10, tenths % 10),
                false => format!("{}.{} %", permille / 10, permille % 10),
            },
            permille: permille.min(1000),
        }
    };
    results.choices.iter().map(one).collect()
}

pub(super) fn render(page: &impl Template) -> Response {
    let Ok(html) = page.render() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let cache = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], text)
        .into_response()
}

/// Gives the device a key of its own where it has none: the only place where devices are made.
fn with_device(services: &Services, headers: &HeaderMap, mut response: Response) -> Response {
    if device(services, headers).is_some() {
        return response;
    }
    let mut made = Device([0; 16]);
    services.random.fill(&mut made.0);
    metrics::counter!("hustings_devices_made_total").increment(1);
    let secure = if services.settings.is_secure() { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
        services.settings.cookie_name(),
        services.keys.sign_device(&made)
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
