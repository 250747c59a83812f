//! Who is signed in: the cookie, what was lately looked up, and how often a name may be tried.
//!
//! Invariant: what was revoked on this node opens nothing from the next request on, and on the others after five seconds. A
//! wrong password is counted for the name alone, never for an address: a whole hall may share one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, header};
use hustings_core::{Role, Time};

use super::error::Problem;
use super::{Services, Settings};
use crate::keys::{new_secret, token_hash};
use crate::ledger::{ElectionKey, Holder, LedgerError, NewSession, PersonId, Seat, Session, cut_agent};

/// A browser that is signed in, and whom it stands for.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// A person, or whoever holds a co-host link.
    pub holder: Holder,
}

impl SignedIn {
    /// What records and pages call whoever it is.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.holder {
            Holder::Person(person) => person.name.to_string(),
            Holder::Link(link) => format!("co-host link {}", link.id.0),
        }
    }

    /// The person's number; none for a link.
    #[must_use]
    pub fn person(&self) -> Option<PersonId> {
        match &self.holder {
            Holder::Person(person) => Some(person.id),
            Holder::Link(_) => None,
        }
    }

    /// Whether it is a person who may do everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(&self.holder, Holder::Person(person) if person.is_admin)
    }

    /// What it may do in an election, as far as anybody knew five seconds ago. An administrator may do what an owner may.
    pub async fn role_in(&self, services: &Services, election: ElectionKey) -> Result<Option<Role>, LedgerError> {
        match &self.holder {
            Holder::Link(link) => Ok((link.election == election).then_some(link.role)),
            Holder::Person(person) if person.is_admin => Ok(Some(Role::Owner)),
            Holder::Person(person) => services.sessions.role(services, person.id, election).await,
        }
    }
}

/// What was lately looked up or noted.
#[derive(Default)]
pub struct Sessions {
    seen: LookedUp<[u8; 32], Arc<SignedIn>>,
    roles: LookedUp<(PersonId, ElectionKey), Option<Role>>,
    uses: Mutex<Uses>,
    failures: Mutex<HashMap<String, Failures>>,
    /// How often everything was forgotten: what was looked up before is not kept after.
    forgotten: AtomicU64,
}

/// What was looked up, and when.
type LookedUp<K, V> = Mutex<HashMap<K, (Instant, V)>>;

/// When sessions were used, until it is written down.
#[derive(Default)]
struct Uses {
    waiting: HashMap<[u8; 32], Time>,
    written: HashMap<[u8; 32], Time>,
}

/// What is looked up is believed for so long.
const KEPT: Duration = Duration::from_secs(5);
/// The most of each kind that is kept; beyond it that starts anew.
const KEPT_MAX: usize = 10_000;
/// The use of a session is written down at most so often, in milliseconds.
const SEEN_EVERY_MS: u64 = 60_000;

impl Sessions {
    /// The session of the cookie, if it is good.
    pub async fn of(&self, services: &Services, headers: &HeaderMap) -> Result<Option<Arc<SignedIn>>, LedgerError> {
        let Some(secret) = cookie(&services.settings, headers) else { return Ok(None) };
        let (hash, now) = (token_hash(&secret), services.clock.now());
        let signed_in = match fresh(&self.seen, &hash) {
            Some(kept) => kept,
            None => {
                let forgotten = self.forgotten.load(Ordering::SeqCst);
                let Some((session, holder)) = services.people.session(hash, now).await? else { return Ok(None) };
                let found = Arc::new(SignedIn { session, holder });
                self.keep(&self.seen, forgotten, hash, Arc::clone(&found));
                found
            }
        };
        self.used(&signed_in.session, now);
        Ok(Some(signed_in))
    }

    async fn role(
        &self,
        services: &Services,
        person: PersonId,
        election: ElectionKey,
    ) -> Result<Option<Role>, LedgerError> {
        if let Some(kept) = fresh(&self.roles, &(person, election)) {
            return Ok(kept);
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let role = services.people.membership(person, election).await?;
        self.keep(&self.roles, forgotten, (person, election), role);
        Ok(role)
    }

    /// Forgets what was looked up, because something was changed here.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        if let Ok(mut seen) = self.seen.lock() {
            seen.clear();
        }
        if let Ok(mut roles) = self.roles.lock() {
            roles.clear();
        }
    }

    fn keep<K: Hash + Eq, V>(&self, kept: &LookedUp<K, V>, forgotten: u64, key: K, value: V) {
        let Ok(mut kept) = kept.lock() else { return };
        // Under the lock: whoever forgets counts first and clears then.
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            return;
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, (Instant::now(), value));
    }

    /// Notes that a session is used. Nothing is written on the way of a request: [`Sessions::uses`] gives what is to be.
    fn used(&self, session: &Session, now: Time) {
        let Ok(mut uses) = self.uses.lock() else { return };
        let uses = &mut *uses;
        if uses.written.len() >= KEPT_MAX {
            uses.written.clear();
        }
        let written = uses.written.get(&session.hash).map_or(session.seen, |at| (*at).max(session.seen));
        let is_due = now.0 >= written.0.saturating_add(SEEN_EVERY_MS);
        if is_due && (uses.waiting.len() < KEPT_MAX || uses.waiting.contains_key(&session.hash)) {
            uses.waiting.insert(session.hash, now);
        }
    }

    /// When sessions were used, to be written down now: each at most once a minute.
    #[must_use]
    pub fn uses(&self) -> Vec<([u8; 32], Time)> {
        let Ok(mut uses) = self.uses.lock() else { return Vec::new() };
        let waiting: Vec<_> = uses.waiting.drain().collect();
        uses.written.extend(waiting.iter().copied());
        waiting
    }

    /// Takes one try to sign in by this name, or says for how many seconds there is none. The try is taken before the
    /// password is looked at, so that many at once are no more than many in a row.
    pub fn take_try(&self, folded_name: &str, now: Instant) -> Result<(), u32> {
        let Ok(mut failures) = self.failures.lock() else { return Ok(()) };
        if failures.len() >= KEPT_MAX {
            failures.retain(|_, one| one.left(now) < TRIES);
        }
        if failures.len() >= KEPT_MAX {
            failures.clear();
        }
        let one = failures.entry(folded_name.to_owned()).or_insert(Failures { left: TRIES, since: now });
        *one = Failures { left: one.left(now), since: one.since_whole(now) };
        if one.left == 0 {
            let wait = TRY_EVERY.saturating_sub(now.saturating_duration_since(one.since));
            return Err(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        }
        one.left -= 1;
        Ok(())
    }

    /// Gives all tries back: the password was right.
    pub fn give_tries_back(&self, folded_name: &str) {
        if let Ok(mut failures) = self.failures.lock() {
            failures.remove(folded_name);
        }
    }
}

/// So many wrong passwords in a row are nobody's business.
const TRIES: u32 = 10;
/// One more is there after each such time.
const TRY_EVERY: Duration = Duration::from_secs(60);

/// The tries that a name has left, and since when one more is on its way.
struct Failures {
    left: u32,
    since: Instant,
}

impl Failures {
    fn gained(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.since);
        u32::try_from(since.as_secs() / TRY_EVERY.as_secs()).unwrap_or(TRIES)
    }

    fn left(&self, now: Instant) -> u32 {
        self.left.saturating_add(self.gained(now)).min(TRIES)
    }

    fn since_whole(&self, now: Instant) -> Instant {
        if self.left(now) >= TRIES { now } else { self.since + TRY_EVERY * self.gained(now) }
    }
}

fn fresh<K: Hash + Eq, V: Clone>(kept: &LookedUp<K, V>, key: &K) -> Option<V> {
    let kept = kept.lock().ok()?;
    kept.get(key).filter(|(since, _)| since.elapsed() < KEPT).map(|(_, value)| value.clone())
}

/// What the browser keeps of a session, if it sent something.
pub fn cookie(settings: &Settings, headers: &HeaderMap) -> Option<String> {
    super::auth::cookies(headers, settings.session_cookie()).next().map(str::to_owned)
}

/// Begins a session and gives the cookie that the browser keeps. The session that the browser had ends.
pub async fn begin(services: &Services, headers: &HeaderMap, seat: Seat) -> Result<HeaderValue, Problem> {
    if let Some(old) = services.sessions.of(services, headers).await? {
        services.people.end_session(old.session.seat, old.session.hash).await?;
        services.sessions.forget();
    }
    let secret = new_secret(services.random.as_ref());
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let new = NewSession { hash: token_hash(&secret), seat, agent: cut_agent(agent), created: services.clock.now() };
    services.people.begin_session(new).await?;
    Ok(set_cookie(&services.settings, &secret, COOKIE_S))
}

/// Ends the session of this browser, if there is one, and gives the cookie that makes it forget.
pub async fn end(services: &Services, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    if let Some(old) = services.sessions.of(services, headers).await? {
        services.people.end_session(old.session.seat, old.session.hash).await?;
        services.sessions.forget();
    }
    Ok(set_cookie(&services.settings, "", 0))
}

/// Browsers keep the cookie as long as they keep any; the session runs out on the server.
const COOKIE_S: u32 = 400 * 24 * 3_600;

fn set_cookie(settings: &Settings, secret: &str, max_age_s: u32) -> HeaderValue {
    let secure = if settings.is_secure() { "; Secure" } else { "" };
    let name = settings.session_cookie();
    let cookie = format!("{name}={secret}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_run_out_and_come_back_one_by_one() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..10 {
            assert_eq!(sessions.take_try("ann", at(0)), Ok(()));
        }
        assert_eq!(sessions.take_try("ann", at(0)), Err(61));
        assert_eq!(sessions.take_try("bob", at(0)), Ok(()), "another name is another matter");
        assert_eq!(sessions.take_try("ann", at(59)), Err(2));
        assert_eq!(sessions.take_try("ann", at(60)), Ok(()));
        assert_eq!(sessions.take_try("ann", at(61)), Err(60), "one a minute");
        for _ in 0..2 {
            assert_eq!(sessions.take_try("ann", at(185)), Ok(()));
        }
        assert_eq!(sessions.take_try("ann", at(185)), Err(56));
        sessions.give_tries_back("ann");
        assert_eq!(sessions.take_try("ann", at(186)), Ok(()));
        for _ in 0..10 {
            assert_eq!(sessions.take_try("ann", at(10_000)), Ok(()), "never more than ten at once");
        }
        assert!(sessions.take_try("ann", at(10_000)).is_err());
    }

    #[test]
    fn names_that_nobody_has_do_not_fill_the_memory() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        for number in 0..KEPT_MAX + 10 {
            assert_eq!(sessions.take_try(&format!("name {number}"), start), Ok(()));
        }
        assert!(sessions.failures.lock().expect("no panic").len() <= KEPT_MAX);
    }
}
