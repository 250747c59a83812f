//! Acts of who runs an election, on one contest or on all. Each is decided under the ledger's lock; a repeated act changes
//! nothing and says so.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use futures_util::future::join_all;
use hustings_core::{
    Act, ActKind, Audience, Contest, ContestNumber, ElectionState, Rejection, Submission, Text, Unit, Verdict,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::find;
use super::super::results::waiting;
use super::show::{ElectionBody, reached, show, standing};
use super::units::reason;
use crate::feed::night;
use crate::http::api::actor;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::ledger::{Answer, Registered, Scope};

/// On what, and why; the whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ElectionActBody)]
#[serde(deny_unknown_fields)]
pub(super) struct ActBody {
    /// The code or id of one contest (default: all of them).
    contest: Option<String>,
    /// A sentence for the record, 1 to 200 characters.
    reason: Option<String>,
}

/// The election as it stands after an act, and what is still to be done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActAnswer {
    #[serde(flatten)]
    election: ElectionBody,
    left: Left,
}

/// What nobody has finished in the contests that were acted on.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Left {
    /// Boxes that are expected, as far as they are known of, and have not reported, contest by contest.
    boxes_missing: u64,
    /// Boxes whose report is provisional.
    boxes_provisional: u64,
    /// Reports that contradict others and wait for a person, in the whole election; 1,000 stands for 1,000 or more.
    cases_waiting: usize,
}

macro_rules! act {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $kind:expr;)+) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "elections", request_body(content = Option<ActBody>),
            params(("election" = String, Path, description = "id, code or slug")),
            responses((status = 200, body = ActAnswer), Acted),
            security(("token" = [])))]
        pub(super) async fn $name(
            State(services): State<Shared>,
            Name(election): Name,
            _: NoQuery,
            headers: HeaderMap,
            body: Body,
        ) -> Result<Json<ActAnswer>, Problem> {
            let asked = Asked::read(&services, &election, &headers, body).await?;
            asked.act(&services, &$kind).await?;
            let election = show(&services, &asked.found).await?;
            Ok(Json(ActAnswer { election, left: asked.left(&services).await? }))
        }
    )+};
}

act! {
    /// Accepts reports: from a draft, which is at zero, or after a pause.
    open, "/api/v1/elections/{election}/open", ActKind::Open { scheduled: false };
    /// Takes no reports for a while; what is repeated gets its receipt.
    pause, "/api/v1/elections/{election}/pause", ActKind::Pause;
    /// Refuses reports from now on.
    close, "/api/v1/elections/{election}/close", ActKind::Close { scheduled: false };
    /// Undoes a close; not after the reveal.
    reopen, "/api/v1/elections/{election}/reopen", ActKind::Reopen;
    /// Shows results to all.
    reveal, "/api/v1/elections/{election}/reveal", ActKind::Reveal;
    /// Lets nothing change any more, once it is closed.
    certify, "/api/v1/elections/{election}/certify", ActKind::Certify;
}

struct Asked {
    found: Registered,
    state: ElectionState,
    contests: Vec<ContestNumber>,
    by: Text,
    reason: Option<Text>,
}

impl Asked {
    async fn read(services: &Services, election: &str, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let caller = Caller::of(services, headers).await?;
        let found = find(services, election).await?;
        let by = actor(&caller.require_in(services, Scope::Manage, &found).await?.name);
        let body: ActBody = body::read_or_default(body, VOTE_MAX).await?;
        let reason = reason(body.reason)?;
        services.feed.refresh(found.key).await?;
        let (state, found) = standing(services, &found).await?;
        let contests = found.election.contests.iter().zip(0..).take(state.contests.len());
        let is_named = |contest: &Contest| body.contest.as_ref().is_none_or(|name| is_called(contest, name));
        let contests = contests.filter(|(contest, _)| is_named(contest));
        let contests: Vec<_> = contests.map(|(_, number)| ContestNumber(number)).collect();
        match (contests.is_empty(), body.contest) {
            (false, _) => Ok(Self { found, state, contests, by, reason }),
            (true, Some(_)) => {
                Err(Problem::invalid("unknown_contest", "/contest", "there is no contest with this code or id"))
            }
            (true, None) => {
                Err(Problem::invalid("no_contests", "", "this election has no contests yet; add some first"))
            }
        }
    }

    /// Acts on the contests, those first that seem to refuse it: where one of them does, none has moved. They are acts of their
    /// own, so one that comes in between, or a failure, can leave some moved; the same again finishes it.
    async fn act(&self, services: &Services, kind: &ActKind) -> Result<(), Problem> {
        let now = services.clock.now();
        let refuses = |number: &ContestNumber| {
            let contest = self.found.election.contests.get(number.index());
            contest.is_some_and(|contest| {
                let verdict =
                    hustings_core::decide_act(contest, &mut self.state.clone(), &self.one(kind, *number), now);
                matches!(verdict, Verdict::Rejected(_))
            })
        };
        let (doubtful, others): (Vec<_>, Vec<_>) = self.contests.iter().copied().partition(refuses);
        for number in doubtful {
            self.submit(services, kind, number).await?;
        }
        let done = join_all(others.into_iter().map(|number| self.submit(services, kind, number))).await;
        done.into_iter().collect::<Result<(), _>>()?;
        reached(services, &self.found, None).await
    }

    async fn left(&self, services: &Services) -> Result<Left, Problem> {
        let cases_waiting = waiting(services, self.found.key).await?;
        let Some(moment) = services.feed.moment(self.found.key).await? else { return Ok(Left::default()) };
        let whole = night::Asked { unit: Unit::ROOT, contest: None, children: None, parties: false, channels: false };
        let results = services.feed.answer(&moment, &whole, Audience::Full).await?;
        let ids = self.contests.iter().filter_map(|number| self.found.election.contests.get(number.index()));
        let ids: Vec<String> = ids.map(|contest| contest.id.to_string()).collect();
        let meant = results.contests.iter().filter(|contest| ids.contains(&contest.id));
        let expected = |contest: &Contest| moment.expected(contest.unit()).boxes;
        let figures = meant.filter_map(|one| Some((moment.contest(&one.id).map(expected)?, one.figures.as_ref()?)));
        Ok(figures.fold(Left { cases_waiting, ..Left::default() }, |left, (expected, figures)| Left {
            boxes_missing: left.boxes_missing + expected.saturating_sub(figures.boxes.reported),
            boxes_provisional: left.boxes_provisional + figures.boxes.provisional,
            ..left
        }))
    }

    async fn submit(&self, services: &Services, kind: &ActKind, number: ContestNumber) -> Result<(), Problem> {
        let act = self.one(kind, number);
        match services.ingest.submit(self.found.key, Submission::Act(act)).await? {
            Answer::Rejected(rejection, _) => {
                let contest = self.found.election.contests.get(number.index());
                let race = contest.and_then(|contest| contest.race.as_ref());
                let advice = match rejection {
                    Rejection::WrongStatus { status } => advice(kind, status),
                    _ => "see its status",
                };
                let named = format!("{advice} (the contest `{}`)", race.map_or("", |race| race.code.as_str()));
                Err(Problem::from(rejection).advising(&named))
            }
            _ => Ok(()),
        }
    }

    fn one(&self, kind: &ActKind, contest: ContestNumber) -> Act {
        Act { contest, kind: kind.clone(), by: self.by.clone(), reason: self.reason.clone() }
    }
}

fn is_called(contest: &Contest, name: &str) -> bool {
    contest.race.as_ref().is_some_and(|race| race.code.as_str() == name) || contest.id.to_string() == name
}

/// What to do next in a status that does not allow the act.
fn advice(kind: &ActKind, status: &str) -> &'static str {
    match (kind, status) {
        (_, "certified") => "it is certified, and nothing changes any more",
        (ActKind::Open { .. }, _) => "reopen it",
        (ActKind::Reopen, _) => "it was not closed; open it",
        (ActKind::Certify, _) => "close it first",
        (_, "draft") => "open it first",
        _ => "it is closed; reopen it",
    }
}
