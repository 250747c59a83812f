//! The door through which everybody reads counters, and the memory of what was shown.
//!
//! Invariant: what is shown is the fold of the ledger's present life up to a place, and never an older place of it than
//! was shown before. While counters are lost or rebuilt, the last right snapshot stays, and is marked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use hustings_core::{Epoch, Seq};
use tokio::sync::Notify;

use super::past::Past;
use super::{Counters, Snapshot};
use crate::ledger::{ElectionKey, Elections, Ledger, LedgerError};

/// Told after each move of an election's counters, and after each change of their status.
pub type Moved = Arc<dyn Fn(ElectionKey) + Send + Sync>;

/// How far figures can be relied upon to be the latest. They are right in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TallyStatus {
    /// They follow the ledger.
    Fresh,
    /// They cannot follow the ledger now, or are being rebuilt from it: newer votes may not be in them.
    Stale,
    /// The shared counters of this election are out of reach; this process counts it by itself.
    Degraded,
}

/// Counters that are loaded when first asked for.
pub struct Tallies {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) elections: Arc<Elections>,
    pub(super) counters: Arc<dyn Counters>,
    pub(super) wakes: Wakes,
    pub(super) past: Past,
    followed: Mutex<HashMap<ElectionKey, Followed>>,
    announced: Mutex<HashMap<ElectionKey, Seq>>,
    watched: Arc<Mutex<HashMap<ElectionKey, usize>>>,
    moved: OnceLock<Moved>,
}

/// What is known of an election that somebody reads.
#[derive(Default)]
pub(super) struct Followed {
    /// One look at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The ledger's life, as it was last read from the ledger.
    epoch: Option<Epoch>,
    shown: Option<Arc<Snapshot>>,
    /// When the last look began that found out how the ledger stands.
    looked: Option<Instant>,
    stale: bool,
    /// Why this program cannot fold the ledger, where no later look will change that: an entry that it does not know, or
    /// entries that are not those of the head.
    halted: Option<LedgerError>,
    told: Option<(Epoch, Seq, TallyStatus)>,
    /// Up to where the counters were last found to be the fold of the ledger, and when.
    verified: Option<(Seq, Instant)>,
}

/// Held while somebody watches an election; dropping it ends that.
pub struct Watched {
    election: ElectionKey,
    watched: Arc<Mutex<HashMap<ElectionKey, usize>>>,
}

impl Tallies {
    /// Tallies of these ledgers in these counters.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, elections: Arc<Elections>, counters: Arc<dyn Counters>) -> Self {
        Self {
            ledger,
            elections,
            counters,
            wakes: Wakes::default(),
            past: Past::default(),
            followed: Mutex::default(),
            announced: Mutex::default(),
            watched: Arc::default(),
            moved: OnceLock::new(),
        }
    }

    /// The counters of an election as they stand; loaded from the ledger where they are absent.
    pub async fn read(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        if self.shown(election).is_none() {
            self.look(election, Some(Instant::now())).await?;
            // An election that nobody knows is not followed; one that is followed has counters, or will have them.
            let shown = self.with(election, |followed| followed.shown.clone());
            let rebuilt = || LedgerError::Unavailable("the counters are being rebuilt".to_owned());
            return shown.map(|shown| shown.ok_or_else(rebuilt)).transpose();
        }
        let counted = self.counters.read(election).await?;
        Ok(self.show(election, counted))
    }

    /// Looks how far the ledger has got, where nobody has looked within this age, and follows it. What was shown stays
    /// where the ledger cannot be read; only the first look can fail.
    pub async fn refresh(&self, election: ElectionKey, age_max: Duration) -> Result<(), LedgerError> {
        let now = Instant::now();
        let looked = self.look(election, Some(now.checked_sub(age_max).unwrap_or(now))).await;
        if self.shown(election).is_some() { Ok(()) } else { looked }
    }

    /// How far the figures of an election can be relied upon to be the latest.
    #[must_use]
    pub fn status(&self, election: ElectionKey) -> TallyStatus {
        if self.with(election, |followed| followed.stale).unwrap_or(false) {
            TallyStatus::Stale
        } else if self.counters.is_degraded(election) {
            TallyStatus::Degraded
        } else {
            TallyStatus::Fresh
        }
    }

    /// Up to where the counters were last found to be the fold of the ledger, and how long ago; none before the first time.
    #[must_use]
    pub fn verified(&self, election: ElectionKey) -> Option<(Seq, Duration)> {
        self.with(election, |followed| followed.verified).flatten().map(|(seq, at)| (seq, at.elapsed()))
    }

    /// Notes that the counters were the fold of the ledger up to there just now.
    pub(super) fn was_verified(&self, election: ElectionKey, seq: Seq) {
        self.with(election, |followed| followed.verified = Some((seq, Instant::now())));
    }

    /// How many elections cannot follow the ledger now.
    #[must_use]
    pub fn stale(&self) -> usize {
        lock(&self.followed).values().filter(|followed| followed.stale).count()
    }

    /// Says that somebody watches an election, whose ledger is then looked at once an interval.
    #[must_use]
    pub fn watch(&self, election: ElectionKey) -> Watched {
        *lock(&self.watched).entry(election).or_default() += 1;
        Watched { election, watched: Arc::clone(&self.watched) }
    }

    /// Says that an election may have moved. Never waits; saying it again before it was looked at adds nothing.
    pub fn woken(&self, election: ElectionKey) {
        self.wakes.ask(election);
    }

    /// Notes how far a ledger has got, before anybody is told that a vote was counted.
    pub fn announce(&self, election: ElectionKey, seq: Seq) {
        lock(&self.announced).insert(election, seq);
    }

    /// How far a ledger is known to have got; counters that are not there yet will be in a moment.
    #[must_use]
    pub fn announced(&self, election: ElectionKey) -> Seq {
        lock(&self.announced).get(&election).copied().unwrap_or_default()
    }

    /// Elections whose counters are behind what is known of their ledgers: the last entry known of, and the last counted.
    #[must_use]
    pub fn behind(&self) -> Vec<(ElectionKey, Seq, Seq)> {
        let announced = lock(&self.announced).clone();
        let followed = lock(&self.followed);
        let behind = |(key, head): (ElectionKey, Seq)| {
            let counted = followed.get(&key)?.shown.as_ref().map(|shown| shown.fold.seq)?;
            (counted < head).then_some((key, head, counted))
        };
        announced.into_iter().filter_map(behind).collect()
    }

    /// Elections that were read since the start.
    pub(super) fn followed(&self) -> Vec<ElectionKey> {
        lock(&self.followed).keys().copied().collect()
    }

    /// Elections that somebody watches.
    pub(super) fn watched(&self) -> Vec<ElectionKey> {
        lock(&self.watched).keys().copied().collect()
    }

    /// Who is to be told of moves; the first one stays.
    pub(super) fn tell_moves_to(&self, moved: Moved) {
        let _told_already = self.moved.set(moved);
    }

    /// Takes what the counters hold for what is shown, if it may be; what is shown then.
    pub(super) fn show(&self, election: ElectionKey, counted: Option<Arc<Snapshot>>) -> Option<Arc<Snapshot>> {
        let mut followed = lock(&self.followed);
        let followed = followed.get_mut(&election)?;
        match counted.filter(|counted| followed.may_show(counted)) {
            Some(counted) => followed.shown = Some(counted),
            None => {
                // Lost, rewound, or of another life than the ledger's: what was shown stays until that is mended. Asked
                // for once; where one look does not mend it, the next pull asks again.
                if !std::mem::replace(&mut followed.stale, true) {
                    self.wakes.ask(election);
                }
            }
        }
        followed.shown.clone()
    }

    /// Tells of what is shown, if it is another version, or marked otherwise, than was told last.
    pub(super) fn tell(&self, election: ElectionKey) {
        let status = self.status(election);
        let is_news = self.with(election, |followed| {
            let version = followed.shown.as_ref().map(|shown| (shown.epoch, shown.fold.seq, status));
            version.is_some() && std::mem::replace(&mut followed.told, version) != version
        });
        if let (Some(true), Some(moved)) = (is_news, self.moved.get()) {
            moved(election);
        }
    }

    pub(super) fn shown(&self, election: ElectionKey) -> Option<Arc<Snapshot>> {
        self.with(election, |followed| followed.shown.clone()).flatten()
    }

    /// The right to look at an election; from now on it is followed.
    pub(super) fn turn(&self, election: ElectionKey) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&lock(&self.followed).entry(election).or_default().turn)
    }

    pub(super) fn forget(&self, election: ElectionKey) {
        lock(&self.followed).remove(&election);
        lock(&self.announced).remove(&election);
    }

    pub(super) fn is_watched(&self, election: ElectionKey) -> bool {
        lock(&self.watched).contains_key(&election)
    }

    /// Tells that an election is gone.
    pub(super) fn tell_gone(&self, election: ElectionKey) {
        if let Some(moved) = self.moved.get() {
            moved(election);
        }
    }

    pub(super) fn with<T>(&self, election: ElectionKey, tell: impl FnOnce(&mut Followed) -> T) -> Option<T> {
        lock(&self.followed).get_mut(&election).map(tell)
    }
}

impl Followed {
    fn may_show(&self, counted: &Snapshot) -> bool {
        let is_older = |shown: &Arc<Snapshot>| shown.epoch == counted.epoch && counted.fold.seq < shown.fold.seq;
        self.epoch == Some(counted.epoch) && !self.shown.as_ref().is_some_and(is_older)
    }

    /// The ledger was read and lives this life.
    pub(super) fn lives(&mut self, epoch: Epoch) {
        if self.epoch.replace(epoch) != Some(epoch) {
            // A restored ledger may not hold any more what this program does not know.
            self.halted = None;
        }
    }

    pub(super) fn has_looked_since(&self, since: Instant) -> bool {
        self.looked.is_some_and(|looked| looked >= since)
    }

    /// A look that began then has ended, and says whether the counters follow the ledger.
    pub(super) fn has_looked(&mut self, began: Instant, follows: bool) {
        self.looked = Some(began);
        self.stale = !follows;
    }

    /// The ledger could not be looked at.
    pub(super) fn is_stale(&mut self) {
        self.stale = true;
    }

    pub(super) fn halted(&self) -> Option<LedgerError> {
        self.halted.clone()
    }

    /// Says whether it was going on until now.
    pub(super) fn halt(&mut self, why: LedgerError) -> bool {
        self.halted.replace(why).is_none()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = lock(&self.watched);
        if let Some(watchers) = watched.get_mut(&self.election) {
            *watchers -= 1;
            if *watchers == 0 {
                watched.remove(&self.election);
            }
        }
    }
}

/// Elections that are to be looked at. Each waits here once at most, however often it is asked for.
#[derive(Default)]
pub(super) struct Wakes {
    /// Whether somebody has taken it, and will look.
    waiting: Mutex<HashMap<ElectionKey, bool>>,
    asked: Notify,
}

impl Wakes {
    fn ask(&self, election: ElectionKey) {
        let taken = *lock(&self.waiting).entry(election).or_default();
        if !taken {
            self.asked.notify_one();
        }
    }

    /// Waits until there is something to look at.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// At most so many elections, to be looked at by the caller.
    pub(super) fn take(&self, limit: usize) -> Vec<ElectionKey> {
        let mut waiting = lock(&self.waiting);
        let untaken = waiting.iter_mut().filter(|(_, taken)| !**taken);
        let took: Vec<_> = untaken
            .take(limit)
            .map(|(election, taken)| {
                *taken = true;
                *election
            })
            .collect();
        if waiting.values().any(|taken| !taken) {
            self.asked.notify_one();
        }
        took
    }

    /// A look begins: whoever asks from now on asks for another one.
    pub(super) fn begin(&self, election: ElectionKey) {
        lock(&self.waiting).remove(&election);
    }
}

/// What these locks guard is whole after every statement, so a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
