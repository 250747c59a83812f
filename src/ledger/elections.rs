//! Definitions kept in memory. A key's definition only grows, by contests that its head counts; a name may come to mean another
//! key, because a definition was replaced or an election removed.
//!
//! Invariant: a status is never read from here: it is decided under the head lock. What a name means was looked up within two
//! seconds, also where another node has changed it; while the store does not answer, what was known of it has to do.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use hustings_core::{Code, ElectionId, Slug};

use super::{ElectionKey, LedgerError, Registered, Registry, Removed, Wanted};

/// The most definitions kept; beyond it the cache starts anew.
const KEPT_MAX: usize = 10_000;

/// How long a name means what it meant. With the longest wait for an answer, it is two seconds.
const NAME_KEPT: Duration = Duration::from_secs(1);

/// The longest wait for what a known name means now.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A cache of definitions in front of a registry.
pub struct Elections {
    registry: Arc<dyn Registry>,
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    by_key: HashMap<ElectionKey, Registered>,
    by_name: HashMap<String, Named>,
}

/// What a name meant, and when somebody began to ask for it.
#[derive(Clone, Copy)]
struct Named {
    key: ElectionKey,
    asked: Instant,
}

impl Elections {
    /// An empty cache.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, kept: RwLock::default() }
    }

    /// Finds an election by what people and programs call it: its id, its code in any case, or its slug.
    pub async fn find(&self, name: &str) -> Result<Option<Registered>, LedgerError> {
        let Some((found, asked)) = self.named(name) else { return self.ask(name).await };
        // Whoever comes while it is asked for takes what was known.
        if asked.elapsed() < NAME_KEPT || !self.begin_to_ask(name) {
            return Ok(Some(found));
        }
        match tokio::time::timeout(WAIT_MAX, self.ask(name)).await {
            Ok(Ok(now)) => Ok(now),
            Ok(Err(_)) | Err(_) => Ok(Some(found)),
        }
    }

    /// Finds an election as the store has it now, for whoever is about to change it.
    pub async fn find_now(&self, name: &str) -> Result<Option<Registered>, LedgerError> {
        self.ask(name).await
    }

    /// What has taken the place of an election whose key is gone; none where it was removed, or where nothing has.
    pub async fn successor(&self, gone: &Registered) -> Result<Option<Registered>, LedgerError> {
        let now = self.ask(&gone.election.id.to_string()).await?;
        if now.as_ref().is_none_or(|now| now.key != gone.key) {
            self.forget(gone.key);
        }
        Ok(now.filter(|now| now.key != gone.key))
    }

    /// What stays of an election that is called so no more because it was removed; none where there never was one.
    pub async fn removed(&self, name: &str) -> Result<Option<Removed>, LedgerError> {
        let Some(wanted) = parse(name) else { return Ok(None) };
        self.registry.removed_one(wanted).await
    }

    /// The definition of an election that has at least so many contests.
    pub async fn with_contests(&self, key: ElectionKey, contests: usize) -> Result<Option<Registered>, LedgerError> {
        let fresh = |found: &Registered| found.election.contests.len() >= contests;
        if let Some(found) = self.kept(|kept| kept.by_key.get(&key).cloned()).filter(fresh) {
            return Ok(Some(found));
        }
        let found = self.registry.election(Wanted::Key(key)).await?;
        if let Some(found) = &found {
            self.keep(found, None);
        }
        Ok(found)
    }

    /// Forgets an election whose key is gone, with all its names.
    pub fn forget(&self, key: ElectionKey) {
        let Ok(mut kept) = self.kept.write() else { return };
        kept.by_key.remove(&key);
        kept.by_name.retain(|_, named| named.key != key);
    }

    async fn ask(&self, name: &str) -> Result<Option<Registered>, LedgerError> {
        let Some(wanted) = parse(name) else { return Ok(None) };
        let found = self.registry.election(wanted).await?;
        match &found {
            Some(found) => self.keep(found, Some(name)),
            None => self.forget_name(name),
        }
        Ok(found)
    }

    fn named(&self, name: &str) -> Option<(Registered, Instant)> {
        self.kept(|kept| {
            let named = kept.by_name.get(name)?;
            Some((kept.by_key.get(&named.key)?.clone(), named.asked))
        })
    }

    /// Whether the caller is the one to ask: one of many that find a name too old.
    fn begin_to_ask(&self, name: &str) -> bool {
        let Ok(mut kept) = self.kept.write() else { return true };
        let Some(named) = kept.by_name.get_mut(name) else { return true };
        let is_old = named.asked.elapsed() >= NAME_KEPT;
        if is_old {
            named.asked = Instant::now();
        }
        is_old
    }

    fn kept<T>(&self, read: impl FnOnce(&Kept) -> Option<T>) -> Option<T> {
        self.kept.read().ok().and_then(|kept| read(&kept))
    }

    fn keep(&self, found: &Registered, name: Option<&str>) {
        let Ok(mut kept) = self.kept.write() else { return };
        if kept.by_name.len() >= KEPT_MAX || kept.by_key.len() >= KEPT_MAX {
            *kept = Kept::default();
        }
        kept.by_key.insert(found.key, found.clone());
        if let Some(name) = name {
            kept.by_name.insert(name.to_owned(), Named { key: found.key, asked: Instant::now() });
        }
    }

    fn forget_name(&self, name: &str) {
        let Ok(mut kept) = self.kept.write() else { return };
        let gone = kept.by_name.remove(name).map(|named| named.key);
        // Where no name is left, nobody will ask for the definition any more.
        if let Some(gone) = gone
            && kept.by_name.values().all(|named| named.key != gone)
        {
            kept.by_key.remove(&gone);
        }
    }
}

fn parse(name: &str) -> Option<Wanted> {
    if let Ok(id) = name.parse() {
        return Some(Wanted::Id(ElectionId(id)));
    }
    if let Ok(code) = name.parse::<Code>() {
        return Some(Wanted::Code(code));
    }
    name.to_lowercase().parse::<Slug>().ok().map(Wanted::Slug)
}
