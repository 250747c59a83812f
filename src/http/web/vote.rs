//! `/{code}`: the voter's page. Select, vote, "it counted", change; wait before it opens, and be told when it is over.
//!
//! Invariant: it says only what is known. The own vote is read from the ledger, so it is what counts, whatever a browser
//! remembers. It must not know: how votes are decided.

use askama::Template;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::election::Viewer;
use hustings_core::{Change, Contest, Event, Kind, Schedule, Selections, Time, VoterKey};
use serde::Deserialize;

use super::access::AccessPage;
use super::bars::{Bars, identified, status};
use super::device::with_voter;
use super::page::{Page, render};
use super::paper::{self, Paper};
use super::results::LIVE_TEXTS;
use super::texts::Language;
use super::{problem_page, without_token};
use crate::clock::{rfc3339, uuid_v7};
use crate::feed::Results;
use crate::http::api::{find, missing, missing_now, schedule, vote_in};
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::name::Name;
use crate::http::patience::Patience;
use crate::http::receipt::Receipt;
use crate::http::voter::{Browser, browser};
use crate::http::{Problem, Services, Shared};
use crate::ledger::{KeptCode, Registered};

#[derive(Template)]
#[template(path = "vote.html")]
pub(super) struct VotePage<'a> {
    pub(super) page: &'a Page,
    pub(super) code: &'a str,
    pub(super) poll: String,
    pub(super) contest: String,
    /// The name under which a script keeps what this very voter chose.
    pub(super) keep: String,
    /// Whether an access code is voted with.
    pub(super) coded: bool,
    /// What is said when it is over to who has no vote in it.
    pub(super) unvoted: &'static str,
    pub(super) results: &'a Results,
    pub(super) status: String,
    /// How voters are told apart.
    pub(super) identified: String,
    /// Whether all may have the ballots afterwards, which voters are told before.
    pub(super) public_ballots: bool,
    pub(super) round: Option<String>,
    /// When it opens or closes by itself: the key of the sentence, the moment, and the sentence.
    pub(super) due: Option<(&'static str, String, String)>,
    pub(super) paper: Paper<'a>,
    pub(super) changeable: bool,
    /// Whether the voter asked to change the vote.
    pub(super) changing: bool,
    pub(super) own: Option<OwnVote>,
    /// What became of what this request sent, where it was not counted.
    pub(super) said: Option<String>,
    /// The name of the next vote that the form sends, so that a double tap is one vote.
    pub(super) id: String,
    pub(super) voters: String,
    pub(super) bars: Bars<'a>,
    pub(super) texts: String,
}

/// The vote of this device that counts.
pub(super) struct OwnVote {
    /// What was chosen, as a sentence.
    pub(super) told: String,
    /// That it counts; with its number in the record, where that tells nothing that is hidden.
    pub(super) counted: String,
    pub(super) receipt: String,
}

/// What the page's script says, besides what all do that follow results.
pub(super) const VOTE_TEXTS: [&str; 31] = [
    "vote",
    "vote-change",
    "you-voted-for",
    "you-voted-blank",
    "you-scored",
    "list",
    "counted",
    "counted-number",
    "sending",
    "unsure",
    "offline",
    "closed-voted",
    "closed-unvoted",
    "closed-unvoted-code",
    "closed-no-code",
    "closes-at",
    "opens-at",
    "line-lost-voter",
    "said-contest-paused",
    "said-contest-not-open",
    "said-no-voter",
    "said-too-few-choices",
    "said-too-few-scores",
    "said-too-many-choices",
    "said-score-out-of-range",
    "said-already-voted",
    "said-already-voted-code",
    "said-contest-closed",
    "said-superseded",
    "said-unknown-choice",
    "said-other",
];

impl VotePage<'_> {
    pub(super) fn is_over(&self) -> bool {
        !["draft", "open", "paused"].contains(&self.results.status)
    }

    /// Whether the ballot paper is there to be filled in.
    pub(super) fn shows_paper(&self) -> bool {
        ["open", "paused"].contains(&self.results.status) && (self.own.is_none() || self.changing)
    }

    pub(super) fn shows_own(&self) -> bool {
        self.own.is_some() && !self.shows_paper()
    }

    pub(super) fn shows_change(&self) -> bool {
        self.changeable && self.results.status == "open"
    }

    /// Results come after the own vote: before it they would be in the way, and might sway.
    pub(super) fn shows_results(&self) -> bool {
        !self.results.hidden && (self.shows_own() || self.is_over())
    }
}

#[derive(Default, Deserialize)]
pub(super) struct VoteQuery {
    change: Option<String>,
    /// Whether the browser was just given an access code to keep.
    kept: Option<String>,
}

/// The page as it stands for this device.
pub(super) async fn show(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    headers: HeaderMap,
    query: Result<Query<VoteQuery>, QueryRejection>,
) -> Response {
    let found = match services.elections.find(&code).await {
        Ok(Some(found)) if found.election.kind == Kind::Election => {
            return Redirect::to(&format!("/{}/results", found.election.code)).into_response();
        }
        Ok(Some(found)) => found,
        Ok(None) => return problem_page(&page, &missing(&services.elections, &code).await, &format!("/{code}")),
        Err(error) => return problem_page(&page, &error.into(), &format!("/{code}")),
    };
    let page = page.of(&found.election);
    let query = query.map(|Query(query)| query).unwrap_or_default();
    match shown(&services, &page, &found, &without_token(&headers), &query, None).await {
        Ok(shown) => with_voter(&services, &found.election, &headers, shown),
        Err(problem) => problem_page(&page, &problem, &format!("/{code}")),
    }
}

async fn shown(
    services: &Services,
    page: &Page,
    found: &Registered,
    headers: &HeaderMap,
    query: &VoteQuery,
    became: Option<&str>,
) -> Result<Response, Problem> {
    let gone = || Problem::not_found("unknown_poll", "there is no such poll");
    services.feed.refresh(found.key).await?;
    let Some(state) = services.feed.state(found.key).await? else { return Err(missing_now(services, found).await) };
    let rounds = state.contests.len();
    let found = services.elections.with_contests(found.key, rounds).await?.ok_or_else(gone)?;
    let contest = found.election.contests.get(rounds.saturating_sub(1)).ok_or_else(gone)?;
    let who = browser(services, &found, headers).await?;
    let own = match &who {
        Browser::Voter(voter, code) => own(services, &found, contest, *voter, code.as_ref()).await?,
        Browser::Nobody | Browser::Refused(_) => None,
    };
    let viewer = if own.is_some() { Viewer::Voted } else { Viewer::Public };
    // Of this very round: one that begins meanwhile is told by the stream.
    let frame = services.feed.contest(found.key, contest.number, viewer).await?.ok_or_else(gone)?;
    let results = frame.poll().ok_or_else(gone)?;
    let (election, language) = (&found.election, page.language);
    if let Some(wrong) = lacks_code(&found, &who, results.status, query) {
        return Ok(render(&AccessPage::of(page, &found, "", wrong)));
    }
    let place = if let Browser::Voter(_, Some(code)) = who { Some(code.number) } else { None };
    let changeable = contest.change == Change::UntilClose;
    Ok(render(&VotePage {
        page,
        code: election.code.as_str(),
        poll: election.id.to_string(),
        contest: contest.id.to_string(),
        // Another code in the same browser is another voter, who must not send what this one chose.
        keep: place.map_or_else(|| contest.id.to_string(), |place| format!("{} {}", contest.id, place.0)),
        coded: place.is_some(),
        unvoted: match (election.access.is_device(), place) {
            (true, _) => "closed-unvoted",
            (false, Some(_)) => "closed-unvoted-code",
            (false, None) => "closed-no-code",
        },
        status: status(language, results.status),
        identified: identified(language, results.identified_by),
        public_ballots: found.election.public_ballots,
        round: (results.round > 1).then(|| language.say_with("round", &[("number", &results.round.to_string())])),
        due: due(language, results.status, state.contests.last().map(schedule).unwrap_or_default()),
        paper: Paper::of(contest, own.as_ref().and_then(|(selections, _)| selections.as_ref()), language),
        changeable,
        changing: changeable && query.change.is_some() && results.status == "open",
        own: own.map(|(selections, receipt)| OwnVote::of(contest, selections.as_ref(), &receipt, language)),
        said: became.map(|code| said(language, code, place.is_some(), results)),
        id: uuid_v7(services.clock.as_ref(), services.random.as_ref()).to_string(),
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        bars: Bars::of(results, language),
        texts: page.texts(&[&VOTE_TEXTS[..], &LIVE_TEXTS[..]].concat(), &["voters"]),
        results,
    }))
}

/// Whether the field for an access code stands in the place of the paper, and why the code that is kept is not enough. What
/// is over asks for none.
fn lacks_code(found: &Registered, who: &Browser, status: &str, query: &VoteQuery) -> Option<Option<&'static str>> {
    let is_asked = !found.election.access.is_device() && ["draft", "open", "paused"].contains(&status);
    match who {
        Browser::Refused(why) => is_asked.then_some(Some(why)),
        Browser::Nobody => is_asked.then_some(query.kept.is_some().then_some("not_kept")),
        Browser::Voter(..) => None,
    }
}

/// The vote of this voter that counts in this contest; without what it chose, where the code came into the place of another one
/// since: whoever drew it is not to be shown somebody's vote.
async fn own(
    services: &Services,
    found: &Registered,
    contest: &Contest,
    voter: VoterKey,
    code: Option<&KeptCode>,
) -> Result<Option<(Option<Selections>, Receipt)>, Problem> {
    let Some(stored) = services.ledger.ballot(found.key, contest.number, voter).await? else { return Ok(None) };
    let receipt = Receipt::new(&services.keys, found, &stored);
    match &stored.entry.event {
        Event::BallotCast(cast) => {
            let is_older = code.is_some_and(|code| code.hash != code.voter && code.made > stored.entry.time);
            Ok(Some(((!is_older).then(|| cast.selections.clone()), receipt)))
        }
        _ => Ok(None),
    }
}

impl OwnVote {
    fn of(contest: &Contest, selections: Option<&Selections>, receipt: &Receipt, language: Language) -> Self {
        Self {
            told: match selections {
                Some(selections) => paper::told(contest, selections, language),
                None => language.say("voted-with-earlier-code"),
            },
            counted: match receipt.seq {
                Some(seq) => language.say_with("counted-number", &[("number", &language.number(seq))]),
                None => language.say("counted"),
            },
            receipt: receipt.id.clone(),
        }
    }
}

/// When it opens or closes by itself.
fn due(language: Language, status: &str, schedule: Schedule) -> Option<(&'static str, String, String)> {
    let (key, time): (_, Time) = match status {
        "draft" => ("opens-at", schedule.opens_at?),
        _ => ("closes-at", schedule.closes_at?),
    };
    Some((key, rfc3339(time), language.say_with(key, &[("moment", &language.moment(time))])))
}

/// What became of a vote that was not counted, in words.
fn said(language: Language, code: &str, is_coded: bool, results: &Results) -> String {
    let takes_votes = ["open", "paused"].contains(&results.status);
    language.say(match code {
        // An earlier round closed, and the paper of the next one is shown.
        "contest_closed" if results.round > 1 && takes_votes => "said-unknown-choice",
        // A form without any score is sent like one without a choice.
        "too_few_choices" | "wrong_form" if results.method == "score" => "said-too-few-scores",
        "already_voted" if is_coded => "said-already-voted-code",
        "already_voted" => "said-already-voted",
        "contest_closed" => "said-contest-closed",
        "contest_paused" => "said-contest-paused",
        "contest_not_open" => "said-contest-not-open",
        "superseded" => "said-superseded",
        "too_few_choices" => "said-too-few-choices",
        "too_many_choices" => "said-too-many-choices",
        "score_out_of_range" => "said-score-out-of-range",
        "unknown_choice" => "said-unknown-choice",
        _ => "said-other",
    })
}

/// A vote by a form, for browsers without scripts. One that counts is told by the page that the browser is sent to; of any
/// other the answer itself tells, because an address could be anybody's.
pub(super) async fn cast(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let found = match find(&services.elections, &code).await {
        Ok(found) => found,
        Err(problem) => return problem_page(&page, &problem, &format!("/{code}")),
    };
    let (page, address) = (page.of(&found.election), format!("/{}", found.election.code));
    let headers = without_token(&headers);
    let (became, status) = match counted(&services, &found, &headers, body).await {
        Ok("superseded") => ("superseded", StatusCode::OK),
        Ok(_) => return Redirect::to(&address).into_response(),
        // The vote may be in the ledger or not: only the same vote again can tell.
        Err(problem) if problem.status().is_server_error() => return problem_page(&page, &problem, &address),
        // It came without what says who votes, so the page would be a stranger's.
        Err(problem) if ["cross_site", "no_voter"].contains(&problem.code()) => {
            return problem_page(&page, &problem, &address);
        }
        Err(problem) => (problem.code(), problem.status()),
    };
    match shown(&services, &page, &found, &headers, &VoteQuery::default(), Some(became)).await {
        Ok(shown) => (status, shown).into_response(),
        Err(problem) => problem_page(&page, &problem, &address),
    }
}

async fn counted(
    services: &Services,
    found: &Registered,
    headers: &HeaderMap,
    body: Body,
) -> Result<&'static str, Problem> {
    let mut patience = Patience::new();
    let caller = patience.look_up(Caller::of_voter(services, headers)).await?;
    let form = patience.receive(body::collect(body, VOTE_MAX)).await?;
    let vote = async |named: bool| {
        let vote = paper::read(&form);
        let vote = if named { vote } else { vote.named(None) };
        let (_, answer) = vote_in(services, &caller, found, headers, vote, patience).await?;
        Ok(answer.status)
    };
    match vote(true).await {
        // Somebody went back to a form that was sent, chose otherwise, and sent it again: that is a new vote.
        Err::<_, Problem>(problem) if problem.code() == "id_reused" => vote(false).await,
        voted => voted,
    }
}
