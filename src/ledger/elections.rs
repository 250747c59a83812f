//! Definitions kept in memory. They freeze when a contest opens; only a new round changes them, and says so.
//!
//! Invariant: a status is never read from here. It is decided under the head lock.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use hustings_core::{Code, ElectionId, Slug};

use super::{ElectionKey, LedgerError, Registered, Registry, Wanted};

/// The most definitions kept; beyond it the cache starts anew.
const KEPT_MAX: usize = 10_000;

/// A cache of definitions in front of a registry.
pub struct Elections {
    registry: Arc<dyn Registry>,
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    by_key: HashMap<ElectionKey, Registered>,
    by_name: HashMap<String, ElectionKey>,
}

impl Elections {
    /// An empty cache.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, kept: RwLock::default() }
    }

    /// Finds an election by what people and programs call it: its id, its code in any case, or its slug.
    pub async fn find(&self, name: &str) -> Result<Option<Registered>, LedgerError> {
        if let Some(found) = self.kept(|kept| kept.by_name.get(name).and_then(|key| kept.by_key.get(key)).cloned()) {
            return Ok(Some(found));
        }
        let Some(wanted) = parse(name) else { return Ok(None) };
        let found = self.registry.election(wanted).await?;
        if let Some(found) = &found {
            self.keep(found, Some(name));
        }
        Ok(found)
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
            kept.by_name.insert(name.to_owned(), found.key);
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
