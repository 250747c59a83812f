//! Who is asking: a token, a device, or nobody; and whether a browser was tricked into asking.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hustings_core::{Time, UnitNumber, Units, VoterKey};
use subtle::ConstantTimeEq;

use super::Services;
use super::error::Problem;
use crate::keys::{Device, token_hash};
use crate::ledger::{Registered, Scope, Scopes, Token, TokenId};

/// Who is asking.
pub enum Caller {
    /// The holder of a token.
    Token(Arc<Token>),
    /// A device that opened a page of ours.
    Device(Device),
    /// Nobody we know.
    Nobody,
}

/// Tokens lately seen, and how often each caller may ask.
pub struct Callers {
    admin: Option<([u8; 32], Arc<Token>)>,
    seen: Mutex<HashMap<[u8; 32], Seen>>,
    voters: DefaultKeyedRateLimiter<VoterKey>,
    tokens: Mutex<HashMap<TokenId, Arc<governor::DefaultDirectRateLimiter>>>,
    uses: Mutex<Uses>,
}

/// When tokens were used, until it is written down.
#[derive(Default)]
struct Uses {
    waiting: HashMap<TokenId, Time>,
    /// When each was written down last; its later uses within a minute of that are not.
    written: HashMap<TokenId, Time>,
}

type Seen = (Instant, Arc<Token>);

/// A revoked token is refused everywhere after this time at the latest.
const TOKEN_KEPT: Duration = Duration::from_secs(5);
/// The most tokens kept; beyond it the cache starts anew.
const TOKENS_KEPT_MAX: usize = 10_000;
/// The use of a token is written down at most so often, in milliseconds.
const USE_EVERY_MS: u64 = 60_000;
/// The number of the token of the environment, which is in no store.
const ADMIN: TokenId = TokenId(0);
/// A voter may ask so often at once: many times more than an honest thumb.
const VOTER_BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// And then so often a second.
const VOTER_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl Callers {
    /// Knows the token from the environment, if there is one.
    #[must_use]
    pub fn new(admin_token: Option<&str>) -> Self {
        Self {
            admin: admin_token.map(|token| (token_hash(token), Arc::new(admin()))),
            seen: Mutex::default(),
            voters: RateLimiter::keyed(Quota::per_second(VOTER_PER_SECOND).allow_burst(VOTER_BURST)),
            tokens: Mutex::default(),
            uses: Mutex::default(),
        }
    }

    /// Refuses a voter who asks too often. Never by address: a whole hall may share one.
    pub fn admit_voter(&self, voter: &VoterKey) -> Result<(), Problem> {
        self.voters.check_key(voter).map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Forgets voters who have long been quiet.
    pub fn forget_quiet_voters(&self) {
        self.voters.retain_recent();
    }

    /// Forgets a token at once, because it was revoked here.
    pub fn forget_tokens(&self) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.clear();
        }
    }

    /// Notes that a token is used. Nothing is written on the way of a request: [`Callers::uses`] gives what is to be.
    fn used(&self, token: &Token, now: Time) {
        let Ok(mut uses) = self.uses.lock() else { return };
        let uses = &mut *uses;
        if uses.written.len() >= TOKENS_KEPT_MAX {
            uses.written.clear();
        }
        let is_news = |at: &Time| now.0 >= at.0.saturating_add(USE_EVERY_MS);
        let is_due = token.id != ADMIN && uses.written.get(&token.id).is_none_or(is_news);
        if is_due && (uses.waiting.len() < TOKENS_KEPT_MAX || uses.waiting.contains_key(&token.id)) {
            uses.waiting.insert(token.id, now);
        }
    }

    /// When tokens were used, to be written down now: each token at most once a minute.
    #[must_use]
    pub fn uses(&self) -> Vec<(TokenId, Time)> {
        let Ok(mut uses) = self.uses.lock() else { return Vec::new() };
        let waiting: Vec<_> = uses.waiting.drain().collect();
        uses.written.extend(waiting.iter().copied());
        waiting
    }

    fn kept(&self, hash: &[u8; 32]) -> Option<Arc<Token>> {
        let seen = self.seen.lock().ok()?;
        seen.get(hash).filter(|(since, _)| since.elapsed() < TOKEN_KEPT).map(|(_, token)| Arc::clone(token))
    }

    fn keep(&self, hash: [u8; 32], token: &Arc<Token>) {
        if let Ok(mut seen) = self.seen.lock() {
            if seen.len() >= TOKENS_KEPT_MAX {
                seen.clear();
            }
            seen.insert(hash, (Instant::now(), Arc::clone(token)));
        }
    }

    fn admit_token(&self, token: &Token) -> Result<(), Problem> {
        let Some(per_minute) = token.per_minute.and_then(NonZeroU32::new) else { return Ok(()) };
        let limiter = self.tokens.lock().ok().map(|mut tokens| {
            let new = || Arc::new(RateLimiter::direct(Quota::per_minute(per_minute)));
            Arc::clone(tokens.entry(token.id).or_insert_with(new))
        });
        match limiter.map(|limiter| limiter.check()) {
            Some(Err(until)) => Err(wait(until.wait_time_from(DefaultClock::default().now()))),
            _ => Ok(()),
        }
    }
}

fn wait(time: Duration) -> Problem {
    Problem::too_many(u32::try_from(time.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
}

impl Caller {
    /// Finds out who is asking. A token that is not known is refused, not ignored.
    pub async fn of(services: &Services, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            return Ok(device(services, headers).map_or(Self::Nobody, Self::Device));
        };
        let (scheme, secret) = authorization.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
        if scheme.eq_ignore_ascii_case("code") {
            return Err(Problem::unauthorized("unknown_access_code", "this election takes no such access code"));
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthorized("invalid_token", "send `Authorization: Bearer <token>`"));
        }
        let token = find_token(services, token_hash(secret.trim())).await?;
        services.callers.admit_token(&token)?;
        services.callers.used(&token, services.clock.now());
        Ok(Self::Token(token))
    }

    /// The token, if it has the scope everywhere; 401 without a token, 403 without the scope, or where it is for one election
    /// only.
    pub fn require(&self, scope: Scope) -> Result<&Token, Problem> {
        let token = self.with_scope(scope)?;
        if token.election.is_some() { Err(outside_election()) } else { Ok(token) }
    }

    /// The token, if it has the scope in this whole election; else like [`Caller::require`].
    pub fn require_in(&self, scope: Scope, found: &Registered) -> Result<&Token, Problem> {
        let token = self.with_scope(scope)?;
        match (token.election, token.unit) {
            (Some(election), _) if election != found.key => Err(outside_election()),
            (_, Some(_)) => Err(outside_unit()),
            _ => Ok(token),
        }
    }

    /// The token, if it may report in this election for a unit; 403 `outside_unit` where it may for others.
    pub fn require_report(&self, found: &Registered, units: &Units, unit: UnitNumber) -> Result<&Token, Problem> {
        let token = self.with_scope(Scope::Report)?;
        match (token.election, token.unit) {
            (Some(election), _) if election != found.key => Err(outside_election()),
            (_, Some(top)) if !units.is_within(unit, top) => Err(outside_unit()),
            _ => Ok(token),
        }
    }

    /// Whether the caller holds a token with this scope everywhere.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.require(scope).is_ok()
    }

    /// Whether the caller holds a token with this scope in this whole election.
    #[must_use]
    pub fn may_in(&self, scope: Scope, found: &Registered) -> bool {
        self.require_in(scope, found).is_ok()
    }

    fn with_scope(&self, scope: Scope) -> Result<&Token, Problem> {
        match self {
            Self::Token(token) if token.scopes.allow(scope) => Ok(token),
            Self::Token(_) => {
                let detail = format!("this token does not have the scope `{}`", scope.name());
                Err(Problem::forbidden("wrong_scope", detail))
            }
            Self::Device(_) | Self::Nobody => Err(Problem::unauthorized(
                "no_token",
                "send `Authorization: Bearer <token>`; make one with: hustings token create",
            )),
        }
    }
}

fn outside_election() -> Problem {
    Problem::forbidden("outside_election", "this token is for one election only, and this is not about that one")
}

fn outside_unit() -> Problem {
    Problem::forbidden("outside_unit", "this token is for one unit and all below it, and this is about others")
}

/// The token of the environment.
fn admin() -> Token {
    Token {
        id: ADMIN,
        name: "HUSTINGS_ADMIN_TOKEN".to_owned(),
        scopes: Scopes(vec![Scope::Admin]),
        per_minute: None,
        created: Time(0),
        revoked: None,
        election: None,
        unit: None,
        used: None,
    }
}

async fn find_token(services: &Services, hash: [u8; 32]) -> Result<Arc<Token>, Problem> {
    if let Some((admin, token)) = &services.callers.admin
        && bool::from(admin.ct_eq(&hash))
    {
        return Ok(Arc::clone(token));
    }
    if let Some(token) = services.callers.kept(&hash) {
        return Ok(token);
    }
    let found = services.registry.token(hash).await?;
    let unknown = || Problem::unauthorized("invalid_token", "this token is not known here, or was revoked");
    let token = Arc::new(found.ok_or_else(unknown)?);
    services.callers.keep(hash, &token);
    Ok(token)
}

/// The device of the cookie, if this installation signed it.
pub fn device(services: &Services, headers: &HeaderMap) -> Option<Device> {
    let name = services.settings.cookie_name();
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).find_map(|(_, value)| services.keys.verify_device(value))
}

/// Refuses what another site made a browser send with our cookie. Programs send neither header and pass.
pub fn same_site(services: &Services, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = || Problem::forbidden("cross_site", "this request came from another site; open the poll's own page");
    match headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or_default()) {
        Some("same-origin" | "none") => {}
        Some(_) => return Err(refused()),
        None => {}
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().map_err(|_| refused())?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if services.settings.is_own_origin(origin, host) { Ok(()) } else { Err(refused()) }
}
