//! The roster of a poll: persons with an access code each.
//!
//! Invariant: an import is taken over whole or not at all, with everything that is wrong said at once, and nobody is listed twice,
//! also where two imports race. It must not know: what anybody voted.

use std::collections::HashMap;
use std::io::Read;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use hustings_core::election::Viewer;
use hustings_core::text::folded;
use hustings_core::{Access, Audience, ContestNumber, Text};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::codes::{
    CODES_AT_ONCE, Made, MadeCodes, Renewal, ReplaceBody, answer, managed, renew, require_access, wants_csv,
};
use super::making::make_once;
use super::polls::invalid_query;
use crate::clock::rfc3339;
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::{Acted, Looked};
use crate::http::error::Problem;
use crate::http::import::{Faults, Line, Place, Table, is_csv};
use crate::http::name::{Name, NoQuery};
use crate::http::once::Once;
use crate::http::{Services, Shared};
use crate::ledger::{CodeNumber, Elector, KeptCode, Registered};

/// The longest search, in characters.
pub(in crate::http) const SOUGHT_MAX: usize = 200;
/// How many persons a search reads at once.
const READ_PAGE: usize = 10_000;
/// The largest roster.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// Persons to be listed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RosterBody {
    /// 1 to 50,000.
    persons: Vec<PersonBody>,
    /// Your own name for this request (a random UUID); send the same again, with the same token or signed in as the same person,
    /// when you retry, and the answer has the same codes.
    id: Option<Uuid>,
}

/// The name of a request whose body has no place for it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AddQuery {
    /// Like `id` in a JSON body, for a CSV file.
    id: Option<Uuid>,
}

/// A person to be listed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    /// 1 to 200 characters.
    name: String,
    /// Where the organiser writes to; Hustings never does.
    email: Option<String>,
}

struct Sent {
    id: Option<Uuid>,
    persons: Vec<(Place, Elector)>,
    faults: Faults,
}

/// Lists persons and makes an access code for each, all or none. The codes are shown in this answer and, with an `id`, in that to the
/// same request (200): as a CSV file, or as JSON with `Accept: application/json`.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/roster", tag = "access",
    params(AddQuery, ("poll" = String, Path, description = "id, code or slug")),
    request_body(content((RosterBody = "application/json"), (String = "text/csv")), description = "a CSV file has the \
        columns name,email, of which email may be missing"),
    responses((status = 201, content((String = "text/csv"), (MadeCodes = "application/json"))),
        (status = 200, content((String = "text/csv"), (MadeCodes = "application/json"))), Acted),
    security(("token" = [])))]
pub(super) async fn add(
    State(services): State<Shared>,
    Name(poll): Name,
    query: Result<Query<AddQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (found, by) = managed(&services, &poll, &headers).await?;
    require_access(&found, Access::Roster)?;
    let Query(query) = query.map_err(invalid_query)?;
    let read = if is_csv(&headers) { csv } else { json };
    let sent = body::parse_aside(body, BODY_MAX, read).await??;
    let once = Once::of_client(&services, sent.id.or(query.id), by);
    answer(&take_over(&services, &found, &once, sent).await?, wants_csv(&headers, true))
}

/// Lists the persons of a CSV file and makes an access code for each, all or none.
pub(in crate::http) async fn list_persons(
    services: &Services,
    found: &Registered,
    once: &Once,
    table: impl Into<Body>,
) -> Result<Made, Problem> {
    require_access(found, Access::Roster)?;
    let sent = body::parse_aside(table.into(), BODY_MAX, csv).await??;
    take_over(services, found, once, sent).await
}

async fn take_over(services: &Services, found: &Registered, once: &Once, sent: Sent) -> Result<Made, Problem> {
    let Sent { persons, faults, .. } = sent;
    if persons.len() > CODES_AT_ONCE {
        let detail = format!("one request can list at most {CODES_AT_ONCE} persons; send the others in another one");
        return Err(Problem::invalid("too_many_persons", "/persons", detail));
    }
    let faults = repeated(&persons, faults);
    // What is wrong was not taken over before, so it is no repeat: lines without a fault must not be taken for all of them.
    let anew = (!faults.is_empty()).then(|| Once::new(services));
    let once = anew.as_ref().unwrap_or(once);
    let mut faults = Some(faults);
    let new: Vec<_> = persons.iter().map(|(_, person)| Some(person.clone())).collect();
    make_once(services, found, once, &new, |there| {
        let mut all = faults.take().unwrap_or_else(no_faults);
        for (place, person) in &persons {
            if let Some(number) = there.persons.get(person) {
                let detail = format!(
                    "`{}` is listed already, as number {}; another one of this name needs an e-mail, and whose code was \
                     revoked is listed again by that number",
                    person.name, number.0
                );
                all.push(place.clone(), "name", "already_listed", detail);
            }
        }
        faults = Some(all.check()?);
        if persons.is_empty() {
            return Err(Problem::invalid("no_persons", "/persons", "there is nobody in this roster"));
        }
        Ok(())
    })
    .await
}

fn no_faults() -> Faults {
    Faults::new("invalid_roster")
}

fn json(reader: &mut dyn Read) -> Result<Sent, Problem> {
    let RosterBody { persons, id } = body::parse(&body::whole(reader)?)?;
    let mut sent = Sent { id, persons: Vec::new(), faults: no_faults() };
    for (at, PersonBody { name, email }) in persons.into_iter().enumerate() {
        take(&mut sent, Place::Item("/persons".to_owned(), at), &name, email.as_deref());
    }
    Ok(sent)
}

fn csv(reader: &mut dyn Read) -> Result<Sent, Problem> {
    let mut sent = Sent { id: None, persons: Vec::new(), faults: no_faults() };
    let mut table = Table::open(reader, ["name", "email"], 1)?;
    while let Some(Line { number, fields: [name, email] }) = table.next(&mut sent.faults)? {
        let (name, email) = (name.to_owned(), Some(email.to_owned()).filter(|email| !email.is_empty()));
        take(&mut sent, Place::Line(number), &name, email.as_deref());
    }
    Ok(sent)
}

fn take(sent: &mut Sent, place: Place, name: &str, email: Option<&str>) {
    let mut parse = |field, text: &str| {
        let parsed = Text::parse(text);
        if let Err(error) = &parsed {
            sent.faults.push(place.clone(), field, error.code(), format!("the {field} {error}"));
        }
        parsed.ok()
    };
    let name = parse("name", name);
    let email = email.map(|email| parse("email", email));
    if let (Some(name), Some(email)) = (name, email.map_or(Some(None), |email| email.map(Some))) {
        sent.persons.push((place, Elector { name, email }));
    }
}

fn repeated(persons: &[(Place, Elector)], mut faults: Faults) -> Faults {
    let mut seen: HashMap<&Elector, &Place> = HashMap::new();
    for (place, person) in persons {
        if let Some(first) = seen.insert(person, place) {
            let first = match first {
                Place::Line(line) => format!("line {line}"),
                Place::Item(_, at) => format!("place {at}"),
            };
            let detail = format!("`{}` stands in {first} too; another one of this name needs an e-mail", person.name);
            faults.push(place.clone(), "name", "repeated_person", detail);
        }
    }
    faults
}

/// A page of the roster, in the order in which persons were listed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RosterList {
    pub(in crate::http) persons: Vec<PersonShown>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) next: Option<u32>,
    /// How many persons of the whole roster have the words of `q`; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) matches: Option<usize>,
}

/// A person of a roster.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct PersonShown {
    /// The number of the access code, to revoke it by.
    pub(in crate::http) number: u32,
    pub(in crate::http) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) email: Option<String>,
    /// When the access code was made.
    made: String,
    /// When the access code was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) revoked: Option<String>,
    /// Whether the person has a counted ballot in the current round, never which; absent while results are hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) voted: Option<bool>,
    /// What the access code is called, so that it is replaced and none that came since; it tells nothing of the code.
    pub(in crate::http) mark: String,
}

/// Which page of the roster, and of whom.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RosterQuery {
    /// The `next` of the page before.
    cursor: Option<u32>,
    /// At most so many, 1 to 100 (default 50).
    limit: Option<usize>,
    /// Only persons whose name or e-mail has each of these words in it, or whose number is one of them; in any case, with or
    /// without accents. At most 200 characters.
    q: Option<String>,
}

/// Lists the roster. Whether a person voted is told only where everybody may see results; what was voted, never.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/roster", tag = "access",
    params(RosterQuery, ("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = RosterList), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn list(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    query: Result<Query<RosterQuery>, QueryRejection>,
) -> Result<Json<RosterList>, Problem> {
    let (found, _) = managed(&services, &poll, &headers).await?;
    let Query(query) = query.map_err(invalid_query)?;
    let limit = query.limit.unwrap_or(50).clamp(1, 100);
    let sought = query.q.as_deref().unwrap_or_default();
    if sought.chars().count() > SOUGHT_MAX {
        let detail = format!("`q` has at most {SOUGHT_MAX} characters");
        return Err(Problem::invalid("invalid_query", "/q", detail));
    }
    Ok(Json(roster_page(&services, &found, query.cursor.map(CodeNumber), limit, sought).await?))
}

/// Persons after a number, at most `limit`, in the order in which they were listed: those who are sought, or all.
pub(in crate::http) async fn roster_page(
    services: &Services,
    found: &Registered,
    after: Option<CodeNumber>,
    limit: usize,
    sought: &str,
) -> Result<RosterList, Problem> {
    let words: Vec<String> = folded(sought).split_whitespace().map(str::to_owned).collect();
    // One more than is shown says whether there is another page.
    let (mut page, matches) = match &words[..] {
        [] => (services.electorate.codes(found.election.id, after, limit + 1).await?, None),
        words => {
            let (page, matches) = search(services, found, words, after, limit + 1).await?;
            (page, Some(matches))
        }
    };
    let has_more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| has_more).map(|last| last.number.0);
    let contest = shown_contest(services, found).await?;
    let mut persons = Vec::with_capacity(page.len());
    for kept in page {
        let voted = match contest {
            Some(contest) => Some(has_voted(services, found, contest, &kept).await?),
            None => None,
        };
        let Some(person) = kept.person else { continue };
        persons.push(PersonShown {
            number: kept.number.0,
            mark: services.keys.code_mark(found.election.id, kept.hash),
            name: person.name.to_string(),
            email: person.email.map(|email| email.to_string()),
            made: rfc3339(kept.made),
            revoked: kept.revoked.map(rfc3339),
            voted,
        });
    }
    Ok(RosterList { persons, next, matches })
}

/// The persons with all these words after a number, at most `limit`; and how many there are in the whole roster.
async fn search(
    services: &Services,
    found: &Registered,
    words: &[String],
    after: Option<CodeNumber>,
    limit: usize,
) -> Result<(Vec<KeptCode>, usize), Problem> {
    let (mut page, mut matches, mut last) = (Vec::new(), 0, None);
    loop {
        let read = services.electorate.codes(found.election.id, last, READ_PAGE).await?;
        let Some(end) = read.last() else { return Ok((page, matches)) };
        last = Some(end.number);
        for kept in read.into_iter().filter(|kept| has_words(kept, words)) {
            matches += 1;
            if after.is_none_or(|after| kept.number > after) && page.len() < limit {
                page.push(kept);
            }
        }
    }
}

fn has_words(kept: &KeptCode, words: &[String]) -> bool {
    let Some(Elector { name, email }) = &kept.person else { return false };
    // A line break stands in neither, so no word is found across both.
    let texts = folded(&format!("{name}\n{}", email.as_ref().map_or("", Text::as_str)));
    let number = kept.number.0.to_string();
    words.iter().all(|word| texts.contains(word) || *word == number)
}

/// Lists the person of a revoked access code again, with a new one. Both codes are one voter: a vote that was counted before the
/// revocation stays, and counts once. The new code is shown in this answer and, with an `id`, in that to the same request (200), as
/// long as no other took its place.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/roster/{number}/relist", tag = "access",
    request_body(content = Option<ReplaceBody>),
    params(("poll" = String, Path, description = "id, code or slug"), ("number" = u32, Path, description = "its number")),
    responses((status = 201, content((MadeCodes = "application/json"), (String = "text/csv"))),
        (status = 200, content((MadeCodes = "application/json"), (String = "text/csv"))), Acted),
    security(("token" = [])))]
pub(super) async fn relist(
    State(services): State<Shared>,
    path: Result<Path<(String, String)>, PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path((poll, number)) = path.unwrap_or_else(|_| Path(Default::default()));
    let (found, by) = managed(&services, &poll, &headers).await?;
    let ReplaceBody { before, id } = body::read_or_default(body, VOTE_MAX).await?;
    let once = Once::of_client(&services, id, by);
    answer(&relist_person(&services, &found, &once, &number, before.as_deref()).await?, wants_csv(&headers, false))
}

/// Puts another access code into the place of a revoked one; with a mark, only of the code that has this mark.
pub(in crate::http) async fn relist_person(
    services: &Services,
    found: &Registered,
    once: &Once,
    number: &str,
    mark: Option<&str>,
) -> Result<Made, Problem> {
    require_access(found, Access::Roster)?;
    renew(services, found, once, number, mark, Renewal::Relists).await
}

/// The current round, where its turnout may be shown to everybody.
async fn shown_contest(services: &Services, found: &Registered) -> Result<Option<ContestNumber>, Problem> {
    let Some(state) = services.feed.state(found.key).await? else { return Ok(None) };
    let numbers = (0..).map(ContestNumber).zip(&state.contests);
    let is_shown = |contest| found.election.visibility.audience(contest, Viewer::Public) == Audience::Full;
    Ok(numbers.last().filter(|(_, contest)| is_shown(*contest)).map(|(number, _)| number))
}

async fn has_voted(
    services: &Services,
    found: &Registered,
    contest: ContestNumber,
    kept: &KeptCode,
) -> Result<bool, Problem> {
    let voter = services.keys.coded_voter(found.election.id, kept.voter);
    Ok(services.ledger.ballot(found.key, contest, voter).await?.is_some())
}
