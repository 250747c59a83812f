//! `/{code}/screen`: the big screen of a hall. The way in, what is asked, and the results as they come.
//!
//! Invariant: what is hidden is not on it, whoever's browser it is, and what is drawn first is the latest, so a reload shows
//! no noughts. Only a host's browser can reveal, and only the round that is on it. It must not know: how frames are made, how
//! a reveal is done.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hustings_core::election::Viewer;
use hustings_core::{Role, Visibility};
use serde::Deserialize;
use serde_json::json;

use super::bars::{Bars, identified, status};
use super::page::{Page, render};
use super::results::LIVE_TEXTS;
use super::texts::Language;
use super::{problem_page, without_token};
use crate::feed::Results;
use crate::http::api::{self, Round, find, invalid_query, unknown};
use crate::http::live::{self, StreamQuery};
use crate::http::name::Name;
use crate::http::server::Peer;
use crate::http::{Problem, Services, Settings, Shared};
use crate::ledger::Registered;

/// About as many characters stand in one line of the screen.
const LINE_CHARACTERS: usize = 34;

/// What the page's script says, besides what all do that follow results.
pub(super) const SCREEN_TEXTS: [&str; 4] = ["screen-hidden", "screen-draft", "host-refused", "problem-unavailable"];

#[derive(Template)]
#[template(path = "screen.html")]
pub(super) struct ScreenPage<'a> {
    pub(super) page: &'a Page,
    pub(super) code: &'a str,
    /// The address before the code, as people type it.
    pub(super) host: String,
    pub(super) results: &'a Results,
    pub(super) status: String,
    pub(super) identified: String,
    pub(super) round: Option<String>,
    /// The latest round; only that one is live.
    pub(super) latest: u32,
    pub(super) voters: String,
    /// How many have come; nothing where nobody has.
    pub(super) joined: String,
    /// What reveals these results, in a host's browser.
    pub(super) reveals: Option<Reveal>,
    pub(super) bars: Bars<'a>,
    /// Where phones cannot reach this server: what to start it with instead.
    pub(super) unreachable: Option<Vec<[String; 2]>>,
    pub(super) texts: String,
}

/// What reveals a round, and the words that ask first.
pub(super) struct Reveal {
    /// Where the browser sends it.
    pub(super) address: String,
    pub(super) act: String,
    pub(super) asks: String,
}

impl Reveal {
    /// Names the round wherever another one could be meant.
    pub(super) fn of(language: Language, poll: &str, round: u32, rounds: u32) -> Self {
        let said = |one: &str, of_several: &str| match rounds {
            0..=1 => language.say(one),
            _ => language.say_with(of_several, &[("number", &round.to_string())]),
        };
        Self {
            address: format!("/api/v1/polls/{poll}/reveal"),
            act: said("act-reveal", "act-reveal-round"),
            asks: said("ask-reveal", "ask-reveal-round"),
        }
    }
}

impl ScreenPage<'_> {
    /// How large rows can be: by how many lines there will be, as far as that can be told without a browser. What it gets
    /// wrong, the script mends.
    pub(super) fn size(&self) -> &'static str {
        let lines = |bar: &super::bars::Bar<'_>| if bar.title.chars().count() > LINE_CHARACTERS { 3 } else { 2 };
        let halves: usize = self.bars.rows.iter().map(lines).sum();
        match halves + if self.is_long() { 2 } else { 0 } {
            0..=6 => "few",
            7..=10 => "some",
            11..=24 => "many",
            25..=32 => "dense",
            _ => "crowd",
        }
    }

    /// Whether the title needs smaller letters.
    pub(super) fn is_long(&self) -> bool {
        self.results.title.chars().count() > 2 * LINE_CHARACTERS
    }

    pub(super) fn is_over(&self) -> bool {
        !["draft", "open", "paused"].contains(&self.results.status)
    }
}

#[derive(Deserialize)]
pub(super) struct ScreenQuery {
    round: Option<String>,
}

/// The screen.
pub(super) async fn screen(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    headers: HeaderMap,
    query: Result<Query<ScreenQuery>, QueryRejection>,
) -> Response {
    let round = query.ok().and_then(|Query(query)| query.round);
    let shown = match find(&services.elections, &code).await {
        Ok(found) => {
            let hosts = is_host(&services, &found, &without_token(&headers)).await;
            shown(&services, &page.clone().of(&found.election), found, round.as_deref(), hosts).await
        }
        Err(problem) => Err(problem),
    };
    match shown {
        // A screen is no phone: it gets no key to vote with, and has not come.
        Ok(shown) => shown,
        Err(problem) => {
            // All rounds are listed beside the results of the latest one.
            let place = if problem.code() == "unknown_round" { "results" } else { "screen" };
            problem_page(&page, &problem, &format!("/{code}/{place}"))
        }
    }
}

/// What the screen follows: results as all may see them, whoever's browser it is.
pub(super) async fn stream(
    State(services): State<Shared>,
    Name(code): Name,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    query: Result<Query<StreamQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(invalid_query)?;
    let found = find(&services.elections, &code).await?;
    let mut headers = without_token(&headers);
    headers.remove(header::COOKIE);
    let watcher = live::begin(&services, &found, &headers, query).await?;
    Ok(live::events(&services, watcher, peer))
}

/// How many have come, for the page's script.
pub(super) async fn joined(State(services): State<Shared>, Name(code): Name) -> Result<Response, Problem> {
    let found = find(&services.elections, &code).await?;
    let come = services.joined.count(&services, found.election.id).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "joined": come.devices }))).into_response())
}

/// Whether the browser is one of somebody who runs the poll. Where that cannot be looked up just now, the hall sees its screen
/// all the same.
async fn is_host(services: &Services, found: &Registered, headers: &HeaderMap) -> bool {
    let Ok(Some(signed_in)) = services.sessions.of(services, headers).await else { return false };
    let role = signed_in.role_in(services, found.key).await;
    matches!(role, Ok(Some(role)) if role >= Role::CoHost)
}

async fn shown(
    services: &Services,
    page: &Page,
    found: Registered,
    round: Option<&str>,
    hosts: bool,
) -> Result<Response, Problem> {
    let latest = services.feed.latest(found.key, Viewer::Public).await?;
    let rounds = latest.and_then(|frame| frame.poll().map(|results| results.round));
    // What is no number is no round either.
    let round = Round { number: round.map(|round| round.parse().unwrap_or(0)), min_version: None, audience: None };
    // A hall looks on: whatever the browser's own vote, it sees what all may see.
    let seen = api::of_round(services, found, round, &HeaderMap::new()).await?;
    let (found, results) = (&seen.found, seen.frame.poll().ok_or_else(unknown)?);
    // Another round may have begun between the two questions.
    let rounds = rounds.unwrap_or(1).max(results.round);
    let (election, language) = (&found.election, page.language);
    let come = services.joined.count(services, election.id).await?;
    let reveals = hosts && election.visibility == Visibility::OnReveal;
    Ok(render(&ScreenPage {
        page,
        code: election.code.as_str(),
        host: host(&services.settings.base_url()).to_owned(),
        results,
        status: status(language, results.status),
        identified: identified(language, results.identified_by),
        round: (rounds > 1).then(|| language.say_with("round", &[("number", &results.round.to_string())])),
        latest: rounds,
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        joined: if come.devices == 0 { String::new() } else { language.count("joined", come.devices) },
        reveals: reveals.then(|| Reveal::of(language, &election.id.to_string(), results.round, rounds)),
        bars: Bars::of(results, language),
        unreachable: unreachable(&services.settings),
        texts: page.texts(&[&LIVE_TEXTS[..], &SCREEN_TEXTS].concat(), &["voters", "joined"]),
    }))
}

/// An address without its scheme: nobody types that.
pub(super) fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, host)| host)
}

/// Where phones cannot reach this server: options to start it with instead, a pair for each address of this machine in the
/// local network. Nothing where they can.
pub(super) fn unreachable(settings: &Settings) -> Option<Vec<[String; 2]>> {
    let base = settings.base_url();
    let name = host(&base).rsplit_once(':').map_or(host(&base), |(name, _)| name);
    let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let is_own =
        name == "localhost" || address.is_some_and(|address| address.is_loopback() || address.is_unspecified());
    let port = settings.listen.port();
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let option = |address: IpAddr| {
        [format!("--listen {listen}"), format!("--public-url http://{}", SocketAddr::new(address, port))]
    };
    is_own.then(|| local_addresses().into_iter().map(option).collect())
}

/// Addresses of this machine that others reach. A datagram socket that is connected, and sends nothing, has the one that
/// the way out begins with.
fn local_addresses() -> Vec<IpAddr> {
    let towards = |own: &str, far: &str| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(far).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
    };
    // Addresses of documentation (RFC 5737, RFC 3849).
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")]
        .into_iter()
        .filter_map(|(own, far)| towards(own, far))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_phones_reach_are_taken_for_such() {
        for (public_url, listen, is_unreachable) in [
            (None, "127.0.0.1:8080", true),
            (None, "0.0.0.0:8080", true),
            (None, "192.168.1.7:8080", false),
            (Some("http://localhost:8080"), "0.0.0.0:8080", true),
            (Some("http://[::1]:8080"), "0.0.0.0:8080", true),
            (Some("https://vote.example"), "127.0.0.1:8080", false),
        ] {
            let public_url = public_url.map(str::to_owned);
            let listen = listen.parse().expect("an address");
            let settings =
                Settings { public_url, listen, bench: false, trusted_proxies: Vec::new(), open_sign_up: false };
            assert_eq!(unreachable(&settings).is_some(), is_unreachable, "{settings:?}");
        }
    }
}
