//! Who votes: a device or a person that a token names, or the holder of an access code; as the election says.
//!
//! Invariant: where voters have access codes, nothing but a code is a voter, because results name that beside them; a code that
//! is unknown or revoked is never counted for a device instead. It must not know: what is voted.

use axum::http::HeaderMap;
use hustings_core::{Access, AccessCode, Text, TextError, VoterKey};

use super::Services;
use super::auth::{Caller, cookies, device, same_site};
use super::error::Problem;
use crate::ledger::{KeptCode, Registered, Scope};

/// The voter of a request, who may vote in this election.
pub(super) async fn voter(
    services: &Services,
    caller: &Caller,
    found: &Registered,
    headers: &HeaderMap,
    named: Option<&str>,
) -> Result<VoterKey, Problem> {
    let election = found.election.id;
    let voter = match (caller, named) {
        (Caller::Token(_), named) => {
            caller.require(Scope::Vote)?;
            if !found.election.access.is_device() {
                return Err(voters_have_codes());
            }
            let name = named.ok_or_else(Problem::unnamed_voter)?;
            return Ok(services.keys.named_voter(election, &voter_name(name)?));
        }
        (Caller::Device(_) | Caller::Nobody | Caller::Session(_), Some(_)) if !found.election.access.is_device() => {
            return Err(no_access_code());
        }
        (Caller::Nobody | Caller::Session(_), Some(_)) => return Err(Problem::no_voter()),
        (_, Some(_)) => {
            let detail = "`voter` may be named only with a token that has the scope `vote`";
            return Err(Problem::forbidden("wrong_scope", detail));
        }
        (Caller::Code(code), None) => coded(services, found, code).await?,
        (Caller::Device(_) | Caller::Nobody | Caller::Session(_), None) if !found.election.access.is_device() => {
            let kept = kept_code(services, found, headers).ok_or_else(no_access_code)?;
            same_site(services, headers)?;
            coded(services, found, &kept).await?
        }
        (Caller::Device(device), None) => {
            same_site(services, headers)?;
            services.keys.device_voter(election, device)
        }
        (Caller::Nobody | Caller::Session(_), None) => return Err(Problem::no_voter()),
    };
    services.callers.admit_voter(&voter)?;
    Ok(voter)
}

/// The voter whom a browser or a program stands for, where there is one: to see what voters may see.
pub(super) async fn voter_of(
    services: &Services,
    found: &Registered,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Option<VoterKey>, Problem> {
    let code = match caller {
        Caller::Code(code) => Some(code.clone()),
        Caller::Token(_) => return Ok(None),
        Caller::Device(_) | Caller::Nobody | Caller::Session(_) => kept_code(services, found, headers),
    };
    match (found.election.access, code) {
        (Access::Device, _) => {
            Ok(device(services, headers).map(|device| services.keys.device_voter(found.election.id, &device)))
        }
        (Access::Codes | Access::Roster, Some(code)) => match coded(services, found, &code).await {
            // A code that is not good is nobody's; a store that does not answer is an error.
            Err(problem) if problem.status().is_client_error() => Ok(None),
            voter => voter.map(Some),
        },
        (Access::Codes | Access::Roster, None) => Ok(None),
    }
}

/// Whom a browser stands for in an election, whatever else it carries.
pub(super) enum Browser {
    /// A voter; with the access code, where that is what it votes with.
    Voter(VoterKey, Option<KeptCode>),
    /// Nobody yet.
    Nobody,
    /// Nobody, because the access code that it keeps is not good: the code of the refusal.
    Refused(&'static str),
}

/// Finds out whom a browser stands for in an election.
pub(super) async fn browser(services: &Services, found: &Registered, headers: &HeaderMap) -> Result<Browser, Problem> {
    let election = found.election.id;
    if found.election.access.is_device() {
        let voter = device(services, headers).map(|device| services.keys.device_voter(election, &device));
        return Ok(voter.map_or(Browser::Nobody, |voter| Browser::Voter(voter, None)));
    }
    let Some(code) = kept_code(services, found, headers) else { return Ok(Browser::Nobody) };
    match find_code(services, found, &code).await {
        Ok(kept) => Ok(Browser::Voter(services.keys.coded_voter(election, kept.voter), Some(kept))),
        Err(problem) if problem.status().is_client_error() => Ok(Browser::Refused(problem.code())),
        Err(problem) => Err(problem),
    }
}

/// The access code that a browser keeps for this election, if this installation signed it.
pub(super) fn kept_code(services: &Services, found: &Registered, headers: &HeaderMap) -> Option<String> {
    let name = services.settings.code_cookie_name(&found.election.code);
    let code = cookies(headers, &name).find_map(|value| services.keys.verify_code(found.election.id, value));
    code.map(|code| code.to_string())
}

/// The access code of an election as it is kept, where it may be voted with; 401 `unknown_access_code`,
/// `replaced_access_code` or `revoked_access_code` otherwise.
pub(super) async fn find_code(services: &Services, found: &Registered, code: &str) -> Result<KeptCode, Problem> {
    let unknown = || Problem::unauthorized("unknown_access_code", "this election takes no such access code");
    if found.election.access.is_device() {
        return Err(unknown());
    }
    let kept = match code.parse::<AccessCode>() {
        Ok(code) => {
            let hash = services.keys.access_code(found.election.id, &code);
            services.electorate.code(found.election.id, hash).await?
        }
        Err(_) => None,
    };
    match kept {
        Some(kept) if kept.revoked.is_none() => Ok(kept),
        Some(_) => {
            let detail = "this access code was revoked; a vote that was counted with it stays. Ask who gave it to you";
            services.callers.admit_failed_code(found.election.id)?;
            Err(Problem::unauthorized("revoked_access_code", detail))
        }
        None => {
            metrics::counter!("hustings_codes_refused_total").increment(1);
            services.callers.admit_failed_code(found.election.id)?;
            if was_replaced(services, found, code).await? { Err(replaced()) } else { Err(unknown()) }
        }
    }
}

/// Whether this was the first code of a place that has another one by now. Of a code that came and went between the two nothing
/// is kept, so that one is unknown.
async fn was_replaced(services: &Services, found: &Registered, code: &str) -> Result<bool, Problem> {
    let Ok(code) = code.parse::<AccessCode>() else { return Ok(false) };
    let hash = services.keys.access_code(found.election.id, &code);
    Ok(services.electorate.first_code(found.election.id, hash).await?.is_some())
}

/// 401: the voter of this code has another one.
fn replaced() -> Problem {
    let detail = "another access code has taken the place of this one; a vote that was counted with it stays. Ask who gave it to \
                  you for the new one";
    Problem::unauthorized("replaced_access_code", detail)
}

async fn coded(services: &Services, found: &Registered, code: &str) -> Result<VoterKey, Problem> {
    let kept = find_code(services, found, code).await?;
    Ok(services.keys.coded_voter(found.election.id, kept.voter))
}

/// 401: this election asks for an access code.
fn no_access_code() -> Problem {
    Problem::unauthorized(
        "no_access_code",
        "this election asks for an access code: type the one you were given on the poll's page, or send it as \
         `Authorization: Code <code>`",
    )
}

/// 403: voters of this election are known by their codes. Somebody whom a token names as well would count twice, and beside results
/// that say each code, or each person of the roster, counts once.
fn voters_have_codes() -> Problem {
    Problem::forbidden(
        "voters_have_codes",
        "in this election only who holds an access code votes, so a token cannot name voters: send the voter's code as \
         `Authorization: Code <code>`, or make an election whose `access` is `device`",
    )
}

/// A voter's name in the one form that is hashed: NFC, trimmed, 1 to 128 bytes.
fn voter_name(name: &str) -> Result<String, Problem> {
    let text = Text::parse(name).map_err(|error| Problem::text("/voter", error))?;
    if text.as_str().len() > 128 {
        return Err(Problem::invalid(TextError::TooLong(0).code(), "/voter", "a voter's name has at most 128 bytes"));
    }
    Ok(text.into())
}
