//! Contests and parties that come into an election after it was made.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use hustings_core::{
    Act, ActKind, Contest, ContestNumber, Grounds, Party, Rejection, Submission, Text, Verdict, decide_contest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::find;
use super::contests_sent::{ContestsBody, Parties, PartyBody, Sent};
use super::parties_of;
use super::show::{ElectionBody, reached, show};
use super::units::{ReasonQuery, reason, stopping};
use crate::clock::uuid_v7;
use crate::http::api::{actor, invalid_query};
use crate::http::auth::Caller;
use crate::http::body::{self, IMPORT_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::import::{Faults, Place, is_csv};
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::ledger::{Answer, Registered, Scope, Wanted};

/// The most parties of an election.
pub(super) const PARTIES_MAX: usize = 5_000;
/// How often contests are held against a definition that others change at the same time.
const ATTEMPTS: usize = 8;

/// Adds contests, all or none. Those that are there just so stay; so the same can be sent again.
#[utoipa::path(post, path = "/api/v1/elections/{election}/contests", tag = "elections",
    params(ReasonQuery, ("election" = String, Path, description = "id, code or slug")),
    request_body(content((ContestsBody = "application/json"), (String = "text/csv")), description = "at most 64 MiB; a \
        CSV file has a line for each choice and begins with some of the columns \
        contest,title,unit,choice,name,party,party_name in any order"),
    responses((status = 200, body = ElectionBody), (status = 201, body = ElectionBody), Acted),
    security(("token" = [])))]
pub(super) async fn add(
    State(services): State<Shared>,
    Name(election): Name,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ElectionBody>), Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find(&services, &election).await?;
    let by = actor(&caller.require_in(&services, Scope::Manage, &found).await?.name);
    let Query(query) = query.map_err(invalid_query)?;
    let read = if is_csv(&headers) { Sent::csv } else { Sent::json };
    let mut sent = body::parse_aside(body, IMPORT_MAX, read).await??;
    let reason = reason(sent.reason.take().or(query.reason))?;
    let mut known = known_parties(&services, &found).await?;
    let new = sent.parties(&mut known);
    let units = services.reports.units(found.key, None).await?;
    let making = Arc::clone(&services);
    let make = move || {
        let id = || uuid_v7(making.clock.as_ref(), making.random.as_ref());
        let contests = sent.contests(&units, &known, id);
        sent.faults.check().map(|faults| (contests, faults))
    };
    let (contests, faults) = tokio::task::spawn_blocking(make).await.map_err(stopping)??;
    let adding = Adding { services: &services, found: &found, by, reason };
    let is_new = adding.add(contests, faults, new).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(show(&services, &found).await?)))
}

/// Contests on their way into an election.
struct Adding<'a> {
    services: &'a Services,
    found: &'a Registered,
    by: Text,
    reason: Option<Text>,
}

impl Adding<'_> {
    /// Adds them, if nothing is wrong with one of them; says whether there was something new.
    async fn add(&self, contests: Vec<(Place, Contest)>, mut faults: Faults, new: Vec<Party>) -> Result<bool, Problem> {
        let (places, contests): (Vec<_>, Vec<_>) = contests.into_iter().unzip();
        let contests: Arc<[Contest]> = contests.into();
        let kind = ActKind::AddContests(Arc::clone(&contests));
        let act = Act { contest: ContestNumber::NONE, kind, by: self.by.clone(), reason: self.reason.clone() };
        let mut parties_kept = new.is_empty();
        for _ in 0..ATTEMPTS {
            let key = self.found.key;
            let gone = || Problem::not_found("unknown_election", "there is no such election");
            // As the store has it: one of the cache may lack what another node has added.
            let election = self.services.registry.election(Wanted::Key(key)).await?.ok_or_else(gone)?.election;
            let units = self.services.reports.units(key, None).await?;
            let state = self.services.feed.state(key).await?.ok_or_else(gone)?;
            let on = Grounds { contests: &election.contests, state: &state, units: &units };
            refused(on, &places, &contests, &act, &mut faults);
            faults = faults.check()?;
            if !std::mem::replace(&mut parties_kept, true) {
                keep_parties(self.services, self.found, new.clone()).await?;
            }
            if contests.is_empty() {
                return Ok(false);
            }
            match self.services.ingest.submit(key, Submission::Act(act.clone())).await? {
                // Somebody else was quicker: held against what is there now, it is clear which one is wrong.
                Answer::Rejected(Rejection::ContestTaken | Rejection::UnknownUnit, _) => {}
                Answer::Rejected(rejection, _) => return Err(rejection.into()),
                Answer::Accepted(stored) => {
                    reached(self.services, self.found, Some(stored.entry.seq)).await?;
                    return Ok(true);
                }
                _ => {
                    reached(self.services, self.found, None).await?;
                    return Ok(false);
                }
            }
        }
        Err(Rejection::ContestTaken.into())
    }
}

/// Notes which contests would be refused, each as if those before it were there.
fn refused(on: Grounds<'_>, places: &[Place], contests: &[Contest], act: &Act, faults: &mut Faults) {
    let mut known = on.contests.to_vec();
    for (place, next) in places.iter().zip(contests) {
        match decide_contest(Grounds { contests: &known, ..on }, next, act) {
            Verdict::Rejected(rejection) => {
                let field = match rejection {
                    Rejection::UnknownUnit | Rejection::NotAPlace => "unit",
                    _ => "code",
                };
                let code = next.race.as_ref().map_or("", |race| race.code.as_str());
                faults.push(place.clone(), field, rejection.code(), format!("`{code}`: {rejection}"));
            }
            Verdict::Accept(_) => known.push(next.clone()),
            _ => {}
        }
    }
}

/// Parties to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartiesBody {
    pub(super) parties: Vec<PartyBody>,
}

/// Parties as they are listed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartyList {
    parties: Vec<PartyShown>,
}

/// A party.
#[derive(Debug, Serialize, ToSchema)]
struct PartyShown {
    code: String,
    name: String,
}

/// Adds parties that contests can name, all or none. Those that are there just so stay.
#[utoipa::path(post, path = "/api/v1/elections/{election}/parties", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug")),
    request_body(content((PartiesBody = "application/json"), (String = "text/csv")), description = "a CSV file has the \
        columns code,name"),
    responses((status = 200, body = PartyList), (status = 201, body = PartyList), Acted),
    security(("token" = [])))]
pub(super) async fn add_parties(
    State(services): State<Shared>,
    Name(election): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<PartyList>), Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find(&services, &election).await?;
    caller.require_in(&services, Scope::Manage, &found).await?;
    let read = if is_csv(&headers) { Sent::parties_csv } else { Sent::parties_json };
    let mut sent = body::parse_aside(body, IMPORT_MAX, read).await??;
    let new = sent.parties(&mut known_parties(&services, &found).await?);
    sent.faults.check()?;
    let status = if new.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    keep_parties(&services, &found, new).await?;
    Ok((status, Json(listed(&services, &found).await?)))
}

/// Lists the parties that contests can name.
#[utoipa::path(get, path = "/api/v1/elections/{election}/parties", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = PartyList), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn parties(State(services): State<Shared>, Name(election): Name) -> Result<Json<PartyList>, Problem> {
    let found = find(&services, &election).await?;
    Ok(Json(listed(&services, &found).await?))
}

async fn listed(services: &Services, found: &Registered) -> Result<PartyList, Problem> {
    let mut known: Vec<Party> = known_parties(services, found).await?.into_values().collect();
    known.sort_unstable_by(|one, other| one.code.cmp(&other.code));
    let shown = |party: Party| PartyShown { code: party.code.to_string(), name: party.name.to_string() };
    Ok(PartyList { parties: known.into_iter().map(shown).collect() })
}

/// The parties that were sent before, and those that contests carry.
async fn known_parties(services: &Services, found: &Registered) -> Result<Parties, Problem> {
    let kept = services.registry.parties(found.key).await?;
    let defined = services.registry.election(Wanted::Key(found.key)).await?;
    let mut known: Parties = kept.into_iter().map(|party| (party.code.clone(), party)).collect();
    for contest in defined.iter().flat_map(|found| &found.election.contests) {
        for party in parties_of(contest) {
            known.entry(party.code.clone()).or_insert_with(|| party.clone());
        }
    }
    Ok(known)
}

/// Keeps new parties. Where somebody else has just given one of them another name, that stays, and is said.
pub(super) async fn keep_parties(services: &Services, found: &Registered, new: Vec<Party>) -> Result<(), Problem> {
    if new.is_empty() {
        return Ok(());
    }
    let kept = services.registry.parties(found.key).await?;
    if kept.len() + new.len() > PARTIES_MAX {
        let detail = format!("an election can have at most {PARTIES_MAX} parties");
        return Err(Problem::invalid("too_many_parties", "/parties", detail));
    }
    services.registry.add_parties(found.key, new.clone()).await?;
    let kept: Parties =
        services.registry.parties(found.key).await?.into_iter().map(|party| (party.code.clone(), party)).collect();
    match new.iter().find(|party| kept.get(&party.code) != Some(party)) {
        Some(party) => {
            let detail =
                format!("the party `{}` has just been given another name; please look and send it again", party.code);
            Err(Problem::invalid("party_differs", "/parties", detail))
        }
        None => Ok(()),
    }
}
