//! Who is asking: a token, somebody who is signed in, a device, or nobody; and whether a browser was tricked into asking.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hustings_core::{ElectionId, Role, Text, Time, UnitNumber, Units, VoterKey};
use subtle::ConstantTimeEq;

use super::Services;
use super::error::Problem;
use super::sessions::SignedIn;
use crate::keys::{Device, token_hash};
use crate::ledger::{PersonId, Registered, Scope, Scopes, Seat, Token, TokenId};

/// Who is asking.
pub enum Caller {
    /// The holder of a token.
    Token(Arc<Token>),
    /// Somebody who is signed in.
    Session(Arc<SignedIn>),
    /// Who sends an access code; whether any election takes it is not known yet.
    Code(String),
    /// A device that opened a page of ours.
    Device(Device),
    /// Nobody we know.
    Nobody,
}

/// Somebody who may do what was asked.
#[derive(Debug)]
pub struct Allowed {
    /// What records call whoever it is.
    pub name: String,
    /// The person; none for a token or a link.
    pub person: Option<PersonId>,
    /// Which token, person or link.
    pub asker: Asker,
}

/// Which token, person or link is asking: the same from one request to the next, whatever it is called meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The holder of this token.
    Token(TokenId),
    /// Whoever is signed in as this.
    Seat(Seat),
}

impl Allowed {
    /// Tokens may share a name, so records tell the number too.
    fn token(token: &Token) -> Self {
        let Token { id, name, .. } = token;
        let number = format!(" #{}", id.0);
        let name = match *id {
            ADMIN => name.clone(),
            _ => name.chars().take(Text::LENGTH_MAX - number.len()).chain(number.chars()).collect(),
        };
        Self { name, person: None, asker: Asker::Token(*id) }
    }

    fn session(signed_in: &SignedIn) -> Self {
        Self { name: signed_in.name(), person: signed_in.person(), asker: Asker::Seat(signed_in.session.seat) }
    }
}

/// Tokens lately seen, and how often each caller may ask.
pub struct Callers {
    admin: Option<([u8; 32], Arc<Token>)>,
    seen: Mutex<HashMap<[u8; 32], Seen>>,
    voters: DefaultKeyedRateLimiter<VoterKey>,
    /// Access codes that were refused, by election.
    codes: DefaultKeyedRateLimiter<ElectionId>,
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
/// So many access codes of one election may be wrong at once: a hall that mistypes.
const CODES_BURST: NonZeroU32 = NonZeroU32::new(500).unwrap();
/// And then so many a second.
const CODES_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).unwrap();

impl Callers {
    /// Knows the token from the environment, if there is one.
    #[must_use]
    pub fn new(admin_token: Option<&str>) -> Self {
        Self {
            admin: admin_token.map(|token| (token_hash(token), Arc::new(admin()))),
            seen: Mutex::default(),
            voters: RateLimiter::keyed(Quota::per_second(VOTER_PER_SECOND).allow_burst(VOTER_BURST)),
            codes: RateLimiter::keyed(Quota::per_second(CODES_PER_SECOND).allow_burst(CODES_BURST)),
            tokens: Mutex::default(),
            uses: Mutex::default(),
        }
    }

    /// Refuses a voter who asks too often. Never by address: a whole hall may share one.
    pub fn admit_voter(&self, voter: &VoterKey) -> Result<(), Problem> {
        self.voters.check_key(voter).map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Refuses access codes that are none where too many of them come to one election. Never by address, and never one that is
    /// good: whoever guesses must not keep a hall from voting.
    pub fn admit_failed_code(&self, election: ElectionId) -> Result<(), Problem> {
        self.codes.check_key(&election).map_err(|until| wait(until.wait_time_from(DefaultClock::default().now())))
    }

    /// Forgets voters who have long been quiet.
    pub fn forget_quiet_voters(&self) {
        self.voters.retain_recent();
        self.codes.retain_recent();
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
    /// Finds out who is asking. A token that is not known is refused, not ignored; a session that has ended is nobody's.
    pub async fn of(services: &Services, headers: &HeaderMap) -> Result<Self, Problem> {
        if !headers.contains_key(header::AUTHORIZATION)
            && let Some(signed_in) = services.sessions.of(services, headers).await?
        {
            return Ok(Self::Session(signed_in));
        }
        Self::of_voter(services, headers).await
    }

    /// Finds out who is voting: whoever is signed in votes with the device, like everybody else.
    pub async fn of_voter(services: &Services, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            return Ok(device(services, headers).map_or(Self::Nobody, Self::Device));
        };
        let (scheme, secret) =
            authorization.to_str().ok().map_or(("", ""), |value| value.split_once(' ').unwrap_or((value, "")));
        if scheme.eq_ignore_ascii_case("code") {
            return Ok(Self::Code(secret.trim().to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthorized("invalid_token", "send `Authorization: Bearer <token>`"));
        }
        let token = find_token(services, token_hash(secret.trim())).await?;
        services.callers.admit_token(&token)?;
        services.callers.used(&token, services.clock.now());
        Ok(Self::Token(token))
    }

    /// Refuses whoever is nobody that anything was given to; what is asked for is looked at only after this.
    pub fn require_known(&self, scope: Scope) -> Result<(), Problem> {
        match self {
            Self::Token(_) | Self::Session(_) => Ok(()),
            Self::Code(_) | Self::Device(_) | Self::Nobody => self.token(scope).map(drop),
        }
    }

    /// Whoever may do it everywhere: a token with the scope that is not for one election only, or an administrator; else 401
    /// without any, 403 without the scope.
    pub fn require(&self, scope: Scope) -> Result<Allowed, Problem> {
        if let Self::Session(signed_in) = self {
            let is_admin = signed_in.is_admin().then(|| Allowed::session(signed_in));
            return is_admin.ok_or_else(|| Problem::forbidden("not_admin", "only an administrator may do this"));
        }
        let token = self.token(scope)?;
        if token.election.is_some() { Err(outside_election()) } else { Ok(Allowed::token(token)) }
    }

    /// Whoever may create elections: any person, or a token like in [`Caller::require`].
    pub fn require_creator(&self) -> Result<Allowed, Problem> {
        match self {
            Self::Session(signed_in) if signed_in.person().is_some() => Ok(Allowed::session(signed_in)),
            Self::Session(_) => Err(Problem::forbidden("wrong_role", "a co-host link is for one election only")),
            _ => self.require(Scope::Manage),
        }
    }

    /// Whoever may do it in this whole election: a token with the scope, or a role that has it; else like
    /// [`Caller::require`].
    pub async fn require_in(&self, services: &Services, scope: Scope, found: &Registered) -> Result<Allowed, Problem> {
        if let Self::Session(signed_in) = self {
            let least = match scope {
                Scope::Manage | Scope::Report => Role::CoHost,
                Scope::Results => Role::Viewer,
                // Nobody names voters, makes tokens or reads metrics by a part in one election.
                Scope::Vote | Scope::Admin | Scope::Metrics => return self.require(scope),
            };
            return require_role(services, signed_in, least, found).await;
        }
        let token = self.token(scope)?;
        match (token.election, token.unit) {
            (Some(election), _) if election != found.key => Err(outside_election()),
            (_, Some(_)) => Err(outside_unit()),
            _ => Ok(Allowed::token(token)),
        }
    }

    /// Whoever owns this election: what ends it and who takes part in it. A token needs the scope `manage` for all of it.
    pub async fn require_owner(&self, services: &Services, found: &Registered) -> Result<Allowed, Problem> {
        match self {
            Self::Session(signed_in) => require_role(services, signed_in, Role::Owner, found).await,
            _ => self.require_in(services, Scope::Manage, found).await,
        }
    }

    /// The holder of a token that may report in this election for a unit; 403 `outside_unit` where it may for others. Of whoever
    /// is signed in, [`Caller::require_in`] says all.
    pub fn require_report(&self, found: &Registered, units: &Units, unit: UnitNumber) -> Result<Allowed, Problem> {
        if let Self::Session(_) = self {
            return Err(Problem::forbidden("wrong_role", "you have no part in this election; ask one of its owners"));
        }
        let token = self.token(Scope::Report)?;
        match (token.election, token.unit) {
            (Some(election), _) if election != found.key => Err(outside_election()),
            (_, Some(top)) if !units.is_within(unit, top) => Err(outside_unit()),
            _ => Ok(Allowed::token(token)),
        }
    }

    /// Whether the caller may do it everywhere.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.require(scope).is_ok()
    }

    /// Whether the caller may do it in this whole election. A store that does not answer is an error, not a no.
    pub async fn may_in(&self, services: &Services, scope: Scope, found: &Registered) -> Result<bool, Problem> {
        match self.require_in(services, scope, found).await {
            Ok(_) => Ok(true),
            Err(problem) if problem.status() == StatusCode::SERVICE_UNAVAILABLE => Err(problem),
            Err(_) => Ok(false),
        }
    }

    fn token(&self, scope: Scope) -> Result<&Token, Problem> {
        match self {
            Self::Token(token) if token.scopes.allow(scope) => Ok(token),
            Self::Token(_) => {
                let detail = format!("this token does not have the scope `{}`", scope.name());
                Err(Problem::forbidden("wrong_scope", detail))
            }
            Self::Session(_) | Self::Code(_) | Self::Device(_) | Self::Nobody => Err(Problem::unauthorized(
                "no_token",
                "send `Authorization: Bearer <token>`; make one with: hustings token create",
            )),
        }
    }
}

async fn require_role(
    services: &Services,
    signed_in: &SignedIn,
    least: Role,
    found: &Registered,
) -> Result<Allowed, Problem> {
    let role = signed_in.role_in(services, found.key).await?;
    if role.is_some_and(|role| role >= least) {
        return Ok(Allowed::session(signed_in));
    }
    let detail = match least {
        Role::Owner => "only an owner of this election may do this",
        Role::CoHost => "only an owner or a co-host of this election may do this",
        Role::Viewer => "you have no part in this election; ask one of its owners",
    };
    Err(Problem::forbidden("wrong_role", detail))
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
    cookies(headers, services.settings.cookie_name()).find_map(|value| services.keys.verify_device(value))
}

/// The values of all cookies with this name.
pub fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(found, _)| *found == name).map(|(_, value)| value)
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
