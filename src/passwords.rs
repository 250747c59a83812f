//! Passwords: hashed slowly, compared without telling who exists.
//!
//! Invariant: at most two are hashed at once and a few wait, so that whoever sends many slows down nobody but other people
//! who sign in; a name that nobody has costs the same as a wrong password. It must not know: HTTP, limits by name.

use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use hustings_core::Password;
use tokio::sync::Semaphore;

use crate::clock::Random;
use crate::ledger::PasswordHash;

/// 19 MiB, two passes, one lane: the first choice of the OWASP Password Storage Cheat Sheet for Argon2id (RFC 9106).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many are hashed at once: each takes its memory and a whole core.
const AT_ONCE: usize = 2;

/// How many are hashed or wait for their turn, at most.
const WAITING_MAX: usize = 64;

/// Why a password was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many people sign in at this moment; please try again")]
pub struct Busy;

/// Where passwords are hashed.
pub struct Passwords {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    random: Arc<dyn Random>,
}

impl Passwords {
    /// Nothing is hashed yet.
    #[must_use]
    pub fn new(random: Arc<dyn Random>) -> Self {
        let [places, waiting] = [AT_ONCE, WAITING_MAX].map(|most| Arc::new(Semaphore::new(most)));
        Self { places, waiting, random }
    }

    /// A password as it is stored, with a salt of its own.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Busy> {
        let salt = self.salt();
        self.run(move || hashed(&password, &salt)).await?.ok_or(Busy)
    }

    /// Whether this is the password. Where nobody has the name there is none to compare with; it takes as long all the same.
    pub async fn matches(&self, password: Password, stored: Option<PasswordHash>) -> Result<bool, Busy> {
        let salt = self.salt();
        self.run(move || match stored {
            Some(stored) => is_same(&password, &stored),
            None => hashed(&password, &salt).is_none(),
        })
        .await
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        salt
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Busy)?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Busy)?;
        // The thread holds the place, not the caller, who may be gone long before it is done.
        let work = move || {
            let _held = (waiting, place);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }
}

/// None only where the parameters are none that Argon2 takes, which a test rules out.
fn hashed(password: &Password, salt: &[u8]) -> Option<PasswordHash> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: phc::PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), salt).ok()?;
    Some(PasswordHash(hash.to_string()))
}

/// With the parameters of the time when it was stored.
fn is_same(password: &Password, stored: &PasswordHash) -> bool {
    let Ok(stored) = phc::PasswordHash::new(&stored.0) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandom;

    fn typed(raw: &str) -> Password {
        Password::typed(raw).expect("a password")
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_nothing_else_is() {
        let passwords = Passwords::new(Arc::new(SystemRandom));
        let stored = passwords.hash(typed("correct horse")).await.expect("a hash");
        assert!(stored.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", stored.0);
        let again = passwords.hash(typed("correct horse")).await.expect("a hash");
        assert_ne!(stored, again, "each has a salt of its own");
        for (raw, kept, expected) in [
            ("correct horse", Some(stored.clone()), true),
            ("Correct horse", Some(stored), false),
            ("correct horse", Some(PasswordHash("$argon2id$damaged".to_owned())), false),
            ("correct horse", None, false),
        ] {
            assert_eq!(passwords.matches(typed(raw), kept).await, Ok(expected), "{raw}");
        }
    }

    /// Made by the reference implementation's command line: `argon2 somesalt -id -t 2 -k 65536 -p 1`.
    #[test]
    fn hashes_of_other_programs_are_known() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(is_same(&typed("password"), &PasswordHash(stored.to_owned())));
        assert!(!is_same(&typed("passwore"), &PasswordHash(stored.to_owned())));
    }

    #[tokio::test]
    async fn a_flood_is_refused_instead_of_queued() {
        let passwords = Arc::new(Passwords::new(Arc::new(SystemRandom)));
        let held = Arc::clone(&passwords.places).acquire_many_owned(2).await.expect("both places");
        let wait = |_| {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move { passwords.matches(typed("x"), None).await })
        };
        let waiting: Vec<_> = (0..WAITING_MAX).map(wait).collect();
        while passwords.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.matches(typed("x"), None).await, Err(Busy));
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        drop(held);
        for one in waiting {
            let _aborted = one.await;
        }
        assert_eq!(passwords.matches(typed("x"), None).await, Ok(false), "the queue is empty again");
    }
}
