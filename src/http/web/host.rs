//! `/{code}/host`: the host's console. One big button that is always the next right thing, and how the vote goes.
//!
//! Invariant: what is dangerous asks once more. It must not know: what may be done when; the ledger decides, and the page
//! shows what it most likely allows.

use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::election::Viewer;
use hustings_core::{Audience, ContestState, ElectionState, Kind, Role, Visibility};
use serde::Serialize;
use serde_json::json;

use super::bars::{Bars, status};
use super::form::Form;
use super::page::{Page, render};
use super::results::{LIVE_TEXTS, frame_tag, hides};
use super::visitor::{Visitor, place_of};
use super::without_token;
use crate::feed::Results;
use crate::http::api::{self, copy_poll, missing_now, remove_poll, retitle_poll};
use crate::http::name::Name;
use crate::http::{Problem, Services, Shared};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "host.html")]
pub(super) struct HostPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    pub(super) poll: String,
    /// Where people vote.
    pub(super) address: String,
    /// What another page holds to show the results in a frame.
    pub(super) embed: String,
    pub(super) results: &'a Results,
    pub(super) status: String,
    pub(super) round: Option<String>,
    /// The next right thing.
    pub(super) next: Option<Act>,
    /// What else can be done now.
    pub(super) others: Vec<Act>,
    /// The rounds before this one.
    pub(super) earlier: Vec<EarlierRound>,
    /// Where results are hidden from others now, who sees them: the key of the sentence.
    pub(super) hides: Option<&'static str>,
    pub(super) editable: bool,
    pub(super) owner: bool,
    /// Whether the visitor may make polls: who is in by a link may not.
    pub(super) creates: bool,
    /// Who may vote: device, codes or roster.
    pub(super) access: &'static str,
    /// Whether nobody can vote, because there is no access code yet.
    pub(super) codeless: bool,
    pub(super) voters: String,
    pub(super) bars: Bars<'a>,
    pub(super) health: HealthBody,
    /// What went wrong with what was asked.
    pub(super) error: Option<String>,
    /// What was typed into a form that was refused.
    pub(super) typed: Option<Typed>,
    pub(super) texts: String,
}

/// What was typed into the form that corrects the title, or that removes the poll.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// The field that is wrong, by its id: retitle, reason or remove.
    pub(super) field: &'static str,
    pub(super) title: String,
    pub(super) reason: String,
}

impl HostPage<'_> {
    /// What stands in a field.
    fn value(&self, field: &str) -> &str {
        let typed = self.typed.as_ref();
        match field {
            "retitle" => typed.filter(|typed| typed.field != "remove").map_or(self.title, |typed| &typed.title),
            "reason" => typed.map_or("", |typed| &typed.reason),
            _ => typed.filter(|typed| typed.field == "remove").map_or("", |typed| &typed.title),
        }
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.typed.as_ref().is_some_and(|typed| typed.field == field)
    }
}

/// A round before the latest one, which the big button is not about.
pub(super) struct EarlierRound {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) voters: String,
    /// Whether all may see it.
    pub(super) standing: String,
    /// What shows it to all, where nothing else will.
    pub(super) reveal: Option<Act>,
}

/// A thing that a host can do.
#[derive(Debug, Clone)]
pub(super) struct Act {
    /// As the form sends it.
    pub(super) name: &'static str,
    pub(super) label: String,
    /// What is asked first, where it cannot be taken back, or not by all.
    pub(super) asks: Option<String>,
}

/// How the vote goes, as the page shows it.
#[derive(Debug, Default, Serialize)]
pub(super) struct HealthBody {
    /// Devices that opened a page of the poll, and new ones a minute: many of them without votes are a program's, not a hall's.
    pub(super) joined: String,
    pub(super) joining: String,
    pub(super) per_second: String,
    pub(super) repeated: String,
    pub(super) turned_away: String,
    pub(super) p50: String,
    pub(super) p99: String,
    pub(super) watchers: String,
    /// Whether the counters were the ledger's fold, and when that was last found.
    pub(super) checked: String,
}

/// Shows the console to whoever helps to run the poll; viewers are shown the results.
pub(super) async fn host(State(services): State<Shared>, visitor: Visitor, name: Name) -> Response {
    let (found, role) = match visitor.part(&services, &name).await {
        Ok(part) => part,
        Err(response) => return response,
    };
    if found.election.kind == Kind::Election || role < Role::CoHost {
        return Redirect::to(&place_of(&found.election, role)).into_response();
    }
    let shown = show(&services, &visitor, &found, None, None).await;
    shown.unwrap_or_else(|problem| visitor.problem(problem, &place(&found)))
}

/// Does what a host asked for.
pub(super) async fn act(
    State(services): State<Shared>,
    visitor: Visitor,
    name: Name,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let found = match visitor.election(&services, &name, Role::CoHost).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match done(&services, &found, &without_token(&headers), &form).await {
        Ok(there) => Redirect::to(&there).into_response(),
        Err(problem) if problem.status().is_server_error() || problem.code() == "removed_poll" => {
            visitor.problem(problem, &place(&found))
        }
        Err(problem) => {
            let error = said(&visitor.page, &problem);
            match show(&services, &visitor, &found, Some(error), Typed::of(&form, &problem)).await {
                Ok(shown) => (StatusCode::UNPROCESSABLE_ENTITY, shown).into_response(),
                Err(problem) => visitor.problem(problem, &place(&found)),
            }
        }
    }
}

/// How the vote goes, for the page's script.
pub(super) async fn health(State(services): State<Shared>, visitor: Visitor, name: Name) -> Response {
    match visitor.election(&services, &name, Role::CoHost).await {
        Ok(found) => match HealthBody::of(&services, &visitor.page, &found).await {
            Ok(health) => Json(health).into_response(),
            Err(problem) => problem.into_response(),
        },
        Err(response) => response,
    }
}

fn place(found: &Registered) -> String {
    format!("/{}/host", found.election.code)
}

/// Does it, and says where to go then.
async fn done(services: &Services, found: &Registered, headers: &HeaderMap, form: &Form) -> Result<String, Problem> {
    let code = found.election.code.as_str();
    let body = |value: serde_json::Value| Body::from(value.to_string());
    match form.get("do") {
        "retitle" => {
            let asked = json!({ "title": form.get("title"), "reason": form.get("reason") });
            retitle_poll(services, code, headers, body(asked)).await?;
        }
        "clone" | "rehearse" => {
            let copy = copy_poll(services, code, headers, Body::empty(), form.get("do") == "rehearse").await?;
            return Ok(place(&copy));
        }
        "remove" => {
            remove_poll(services, code, headers, body(json!({ "title": form.get("title") }))).await?;
            return Ok("/".to_owned());
        }
        act => {
            // Nothing is done to whichever round happens to be the latest: a page names the one that it showed.
            let unnamed = || Problem::invalid("invalid_value", "/round", "name the round that it is about");
            let round = form.get("round").parse().map_err(|_| unnamed())?;
            api::act(services, code, act, Some(round), headers).await?;
        }
    }
    Ok(place(found))
}

/// A refusal in the host's words.
fn said(page: &Page, problem: &Problem) -> String {
    page.say(match problem.code() {
        "title_differs" => "host-title-differs",
        "wrong_status" | "already_opened" => "host-wrong-status",
        "results_revealed" => "host-revealed",
        _ if matches!(problem.pointer(), Some("/reason" | "/title")) => "host-reason-needed",
        _ => "host-refused",
    })
}

async fn show(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    error: Option<String>,
    typed: Option<Typed>,
) -> Result<Response, Problem> {
    let gone = || Problem::not_found("unknown_poll", "there is no such poll");
    services.feed.refresh(found.key).await?;
    let Some(state) = services.feed.state(found.key).await? else { return Err(missing_now(services, found).await) };
    let frame = services.feed.latest(found.key, Viewer::Organiser).await?.ok_or_else(gone)?;
    let results = frame.poll().ok_or_else(gone)?;
    let contest = state.contests.last().ok_or_else(gone)?;
    let page = visitor.page.clone().of(&found.election);
    let (election, language) = (&found.election, page.language);
    let role = visitor.signed_in.role_in(services, found.key).await?;
    let (next, others) = acts(&page, contest, election.visibility, election.public_ballots);
    Ok(render(&HostPage {
        title: &results.title,
        code: election.code.as_str(),
        poll: election.id.to_string(),
        address: format!("{}/{}", services.settings.base_url(), election.code),
        embed: frame_tag(&services.settings.base_url(), election.code.as_str(), None),
        status: status(language, results.status),
        round: (results.round > 1).then(|| language.say_with("round", &[("number", &results.round.to_string())])),
        next,
        others,
        earlier: earlier(services, &page, found, &state).await?,
        hides: hides(election.visibility, contest),
        editable: results.round == 1 && matches!(contest, ContestState::Draft { .. }),
        owner: role == Some(Role::Owner),
        creates: visitor.signed_in.person().is_some(),
        access: election.access.name(),
        codeless: !election.access.is_device() && services.electorate.count_codes(election.id).await?.made == 0,
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        bars: Bars::of(results, language),
        health: HealthBody::of(services, &page, found).await?,
        error,
        typed,
        texts: page.texts(&LIVE_TEXTS, &["voters"]),
        results,
        page: &page,
    }))
}

/// The rounds before the latest one. Where results are shown by the host alone, one that was not shown before the next round
/// began waits for that, for ever maybe.
async fn earlier(
    services: &Services,
    page: &Page,
    found: &Registered,
    state: &ElectionState,
) -> Result<Vec<EarlierRound>, Problem> {
    let (visibility, language) = (found.election.visibility, page.language);
    let before = state.contests.split_last().map_or(&[][..], |(_, before)| before);
    let voters = services.feed.voters(found.key).await?;
    let round = |(at, contest)| {
        let voters = voters.get(at).map(|count| language.count("voters", *count));
        EarlierRound::of(page, u32::try_from(at + 1).unwrap_or(u32::MAX), contest, visibility, voters)
    };
    Ok(before.iter().enumerate().map(round).collect())
}

impl Typed {
    fn of(form: &Form, problem: &Problem) -> Option<Self> {
        let field = match (form.get("do"), problem.pointer()) {
            ("remove", _) => "remove",
            ("retitle", Some("/reason")) => "reason",
            ("retitle", _) => "retitle",
            _ => return None,
        };
        Some(Self { field, title: form.get("title").to_owned(), reason: form.get("reason").to_owned() })
    }
}

impl EarlierRound {
    fn of(page: &Page, number: u32, contest: &ContestState, visibility: Visibility, voters: Option<String>) -> Self {
        let named = |key| page.language.say_with(key, &[("number", &number.to_string())]);
        let is_shown = visibility.audience(contest, Viewer::Public) == Audience::Full;
        let reveal = || Act { name: "reveal", label: named("act-reveal-round"), asks: Some(named("ask-reveal-round")) };
        Self {
            number,
            name: named("round"),
            voters: voters.unwrap_or_default(),
            standing: page.say(if is_shown { "round-shown" } else { "round-hidden" }),
            reveal: (!is_shown).then(reveal),
        }
    }
}

/// The next right thing, and what else can be done.
fn acts(page: &Page, contest: &ContestState, visibility: Visibility, public_ballots: bool) -> (Option<Act>, Vec<Act>) {
    let act = |name, label: &str, asks: Option<&str>| Act {
        name,
        label: page.say(label),
        asks: asks.map(|key| page.say(key)),
    };
    let reveal = || act("reveal", "act-reveal", Some("ask-reveal"));
    let is_revealed = contest.is_revealed();
    let close = || act("close", "act-close", Some(ask_close(visibility, is_revealed)));
    let reveals = visibility == Visibility::OnReveal && !is_revealed;
    let round = || act("rounds", "act-round", Some("ask-round"));
    match contest {
        ContestState::Draft { .. } => (Some(act("open", "act-open", None)), Vec::new()),
        ContestState::Open { .. } => {
            let mut others = vec![act("pause", "act-pause", None)];
            others.extend(reveals.then(reveal));
            (Some(close()), others)
        }
        ContestState::Paused { .. } => (Some(act("open", "act-continue", None)), vec![close()]),
        ContestState::Closed { .. } => {
            let mut others: Vec<Act> = (!is_revealed).then(|| act("reopen", "act-reopen", None)).into_iter().collect();
            let next = match (reveals, public_ballots && !is_revealed) {
                (true, _) => reveal(),
                // All see the results already: this makes the close final, and so the ballots public.
                (false, true) => act("reveal", "act-publish", Some("ask-publish")),
                (false, false) => round(),
            };
            others.extend((next.name != "rounds").then(round));
            (Some(next), others)
        }
        ContestState::Archived { .. } | ContestState::Certified { .. } => (None, Vec::new()),
    }
}

/// What is asked before a close: what it shows to whom, and how long it can be undone.
fn ask_close(visibility: Visibility, is_revealed: bool) -> &'static str {
    match visibility {
        _ if is_revealed => "ask-close-revealed",
        Visibility::AfterClose => "ask-close-shows",
        Visibility::AfterVote => "ask-close-after-vote",
        Visibility::Always => "ask-close-always",
        Visibility::OnReveal => "ask-close",
    }
}

impl HealthBody {
    async fn of(services: &Services, page: &Page, found: &Registered) -> Result<Self, Problem> {
        let come = services.joined.count(services, found.election.id).await?;
        let health = services.pulses.health(found.key);
        let language = page.language;
        let took = |time: Option<Duration>| match time {
            Some(time) => language.say_with("milliseconds", &[("number", &language.tenths(tenths(time)))]),
            None => "–".to_owned(),
        };
        let checked = match services.feed.verified(found.key) {
            Some((_, ago)) => language.count("host-checked", ago.as_secs()),
            None => page.say("host-unchecked"),
        };
        Ok(Self {
            joined: language.number(come.devices),
            joining: language.number(come.per_minute),
            per_second: language.tenths(health.tenths_per_second),
            repeated: language.number(health.repeated),
            turned_away: language.number(health.turned_away),
            p50: took(health.p50),
            p99: took(health.p99),
            watchers: language.number(services.feed.watchers(found.key) as u64),
            checked,
        })
    }
}

/// A time in tenths of milliseconds.
fn tenths(time: Duration) -> u64 {
    u64::try_from(time.as_micros() / 100).unwrap_or(u64::MAX)
}

/// What the big button may be, for samples.
#[cfg(test)]
pub(super) fn sample_acts() -> Vec<(&'static str, ContestState)> {
    let closes_at = None;
    vec![
        ("draft", ContestState::Draft { schedule: hustings_core::Schedule::default() }),
        ("open", ContestState::Open { closes_at, revealed: false }),
        ("paused", ContestState::Paused { closes_at, revealed: false }),
        ("closed", ContestState::Closed { revealed: false }),
        ("closed", ContestState::Closed { revealed: true }),
    ]
}

/// The console as it is in a state.
#[cfg(test)]
pub(super) fn sample<'a>(page: &'a Page, results: &'a Results, state: &ContestState, text: &'a str) -> HostPage<'a> {
    let (next, others) = acts(page, state, Visibility::OnReveal, false);
    HostPage {
        page,
        title: text,
        code: "A5KYQ5",
        poll: "0193e2a0-1111-7222-8333-444455556666".to_owned(),
        address: text.to_owned(),
        embed: text.to_owned(),
        results,
        status: status(page.language, results.status),
        round: Some(text.to_owned()),
        next,
        others,
        earlier: [(1, true), (2, false)]
            .map(|(number, revealed)| {
                let contest = ContestState::Archived { revealed };
                EarlierRound::of(page, number, &contest, Visibility::OnReveal, Some(page.language.count("voters", 3)))
            })
            .into(),
        hides: Some("hides-others"),
        editable: results.status == "draft",
        owner: true,
        creates: results.status == "draft",
        access: results.identified_by,
        codeless: results.status == "draft",
        voters: String::new(),
        bars: Bars::of(results, page.language),
        health: HealthBody { checked: text.to_owned(), ..HealthBody::default() },
        error: Some(text.to_owned()),
        typed: results.hidden.then(|| Typed { field: "retitle", title: text.to_owned(), reason: text.to_owned() }),
        texts: page.texts(&LIVE_TEXTS, &["voters"]),
    }
}
