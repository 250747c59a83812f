//! One process at its Redis: the mirror, and what moves both.
//!
//! Every method here that takes a turn may fail; then the caller counts in the mirror, and the keeper mends the link.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::atomic::{self, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hustings_core::{Count, Epoch, Seq};
use redis::{RedisError, RedisResult, cmd};
use tokio::sync::{Notify, mpsc};

use super::check::enter;
use super::hash::{self, Content};
use super::keeper::Event;
use super::link::{APPLY, Link, REPLACE, STAGE};
use super::names::Names;
use super::slot::{Slot, Turn};
use super::{CountersError, RedisOptions, Woken};
use crate::ledger::{Advance, ElectionKey};
use crate::tally::{Applied, Counters, MemoryCounters, Snapshot};

/// The most cells that one script call moves, so that none holds up the server for long. Larger batches are swapped in.
const CELLS_MAX: usize = 25_000;
/// The most fields that are staged in one call: a script's stack holds 8,000 values.
const FIELDS_MAX: usize = 3_000;
/// Staged folds that nobody swapped in are gone after so many seconds.
const STAGED_EXPIRES: &str = "60";
/// A name that no other process has, also where the server forgot what it had counted.
const PROCESS: &str = "local time = redis.call('TIME'); \
                       return redis.call('INCR', KEYS[1]) .. '-' .. time[1] .. '-' .. time[2]";

pub(super) struct Node {
    pub(super) options: RedisOptions,
    pub(super) names: Arc<Names>,
    pub(super) mirror: MemoryCounters,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) lost: Notify,
    woken: Woken,
    process: String,
    staged: AtomicU64,
    slots: Mutex<HashMap<ElectionKey, Arc<Slot>>>,
    /// None while Redis is out of reach, or not healed yet.
    link: RwLock<Option<Arc<Link>>>,
}

/// What a script says of a batch.
struct Reply {
    word: String,
    epoch: String,
    seq: String,
    whole: Content,
}

impl Node {
    pub(super) async fn connect(
        options: RedisOptions,
        installation: &str,
        woken: Woken,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, CountersError> {
        let names = Arc::new(Names::new(installation));
        let link = enter(&options, &names, events.clone()).await?;
        let process = link.ask(cmd("EVAL").arg(PROCESS).arg(1).arg(names.processes())).await;
        let process = process.map_err(|error| CountersError::of(&options.to_string(), &error))?;
        metrics::gauge!("hustings_counters_degraded").set(0);
        Ok(Self {
            options,
            names,
            mirror: MemoryCounters::default(),
            events,
            lost: Notify::new(),
            woken,
            process,
            staged: AtomicU64::new(0),
            slots: Mutex::default(),
            link: RwLock::new(Some(Arc::new(link))),
        })
    }

    /// The link, where Redis can be reached.
    pub(super) fn link(&self) -> Option<Arc<Link>> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The link for one election, where its shard can be reached.
    pub(super) fn link_of(&self, slot: &Slot) -> Option<Arc<Link>> {
        if slot.is_away() { None } else { self.link() }
    }

    /// Redis is there again, and its counters are no older than the mirror was.
    pub(super) fn found(&self, link: Link) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(link));
        metrics::gauge!("hustings_counters_degraded").set(0);
        tracing::info!(redis = %self.options, "the shared counters are back");
        self.wake_all();
    }

    /// Redis did not answer as it should on this link: from now on this process counts by itself.
    pub(super) fn lose(&self, link: &Arc<Link>, error: &dyn std::fmt::Display) {
        let mut kept = self.link.write().unwrap_or_else(PoisonError::into_inner);
        // Another link may have been made since; what went wrong on the old one says nothing of it.
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, link)) {
            *kept = None;
            drop(kept);
            metrics::gauge!("hustings_counters_degraded").set(1);
            tracing::warn!(redis = %self.options, %error, "the shared counters are out of reach; this node counts by itself");
            self.lost.notify_one();
        }
    }

    /// Redis did not answer about this election as it should. Of a cluster, its shard alone may be away: the others are
    /// asked on, and the keeper finds out whether there is anything left to ask.
    pub(super) fn miss(&self, link: &Arc<Link>, slot: &Slot, error: &RedisError) {
        if !link.is_cluster() {
            return self.lose(link, error);
        }
        if !self.is_any_away() {
            metrics::gauge!("hustings_counters_degraded").set(1);
            tracing::warn!(
                redis = %self.options, %error, election = slot.election.0,
                "a part of the shared counters is out of reach; this node counts its elections by itself"
            );
        }
        slot.goes_away();
        self.wake(slot.election);
    }

    /// The shard of this election is there again, and its counters are no older than the mirror was.
    pub(super) fn regain(&self, slot: &Slot) {
        slot.is_back();
        self.wake(slot.election);
        self.is_one_less_away();
    }

    fn is_one_less_away(&self) {
        if !self.is_any_away() && self.link().is_some() {
            metrics::gauge!("hustings_counters_degraded").set(0);
            tracing::info!(redis = %self.options, "all of the shared counters are back");
        }
    }

    fn is_any_away(&self) -> bool {
        self.slots().iter().any(|slot| slot.is_away())
    }

    pub(super) fn wake(&self, election: ElectionKey) {
        (self.woken)(election);
    }

    pub(super) fn wake_all(&self) {
        self.slots().iter().for_each(|slot| self.wake(slot.election));
    }

    pub(super) fn slot(&self, election: ElectionKey) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(election).or_insert_with(|| {
            // A full queue costs hints, not counts.
            let _lost = self.events.try_send(Event::Followed(election));
            Arc::new(Slot::new(election))
        });
        Arc::clone(slot)
    }

    /// Nobody reads or moves an election here any more.
    pub(super) fn unfollow(&self, slot: &Slot) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&slot.election);
        // A full queue costs a channel on which nothing is told any more.
        let _lost = self.events.try_send(Event::Unfollowed(slot.election));
        if slot.is_away() {
            self.is_one_less_away();
        }
    }

    /// The slot of an election that somebody has read or moved here.
    pub(super) fn known(&self, election: ElectionKey) -> Option<Arc<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(&election).cloned()
    }

    pub(super) fn slots(&self) -> Vec<Arc<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Moves the counters in Redis, and with them the mirror.
    pub(super) async fn apply(
        &self,
        link: &Link,
        slot: &Slot,
        turn: &mut Turn,
        advance: &Advance,
    ) -> RedisResult<Applied> {
        if advance.increments.len() > CELLS_MAX {
            return self.apply_wide(link, slot, turn, advance).await;
        }
        let (before, after) = (&advance.before, &advance.after);
        let mirrored = self.mirror.get(slot.election);
        let is_there = mirrored.as_ref().is_some_and(|mirrored| {
            let fold = &mirrored.fold;
            (mirrored.epoch, fold.seq, fold.chain) == (before.epoch, before.seq, before.chain)
        });
        let Some(arguments) = self.batch(link, advance, !is_there) else { return Ok(Applied::Forked) };
        let _until_followed = slot.writes((after.epoch, after.seq));
        let answer = link.run(&APPLY, &[self.names.tally(slot.election)], &arguments).await;
        let (word, epoch, seq, whole): (String, String, String, Content) = answer?;
        self.follow(link, slot, turn, advance, is_there, Reply { word, epoch, seq, whole }).await
    }

    /// Moves the mirror as the script has moved Redis.
    async fn follow(
        &self,
        link: &Link,
        slot: &Slot,
        turn: &mut Turn,
        advance: &Advance,
        is_there: bool,
        reply: Reply,
    ) -> RedisResult<Applied> {
        if reply.word != "moved" {
            let stands = hash::place(&format!("{}.{}", reply.epoch, reply.seq));
            if stands != self.mirrored_place(slot.election) || reply.word == "forked" {
                slot.soil();
            }
            return Ok(match reply.word.as_str() {
                "already" => Applied::Already,
                "behind" => Applied::Behind,
                _ => Applied::Forked,
            });
        }
        if is_there && let Ok(applied @ Applied::Moved(_)) = self.mirror.apply(advance).await {
            return Ok(applied);
        }
        match hash::decode(&reply.whole) {
            Some(whole) => self.take(slot, Arc::new(whole)),
            // The rest of the hash was not right, or the mirror was not.
            None => self.look(link, slot, turn).await?,
        }
        Ok(self.mirror.get(slot.election).map_or(Applied::Forked, Applied::Moved))
    }

    /// The arguments of the script; `None` where a number is beyond all totals.
    fn batch(&self, link: &Link, advance: &Advance, whole: bool) -> Option<Vec<Vec<u8>>> {
        let (before, after) = (&advance.before, &advance.after);
        let state = advance.state.as_ref().map_or(Some(String::new()), |state| serde_json::to_string(state).ok())?;
        let mut arguments: Vec<Vec<u8>> = [
            after.epoch.to_string(),
            before.seq.to_string(),
            before.chain.to_string(),
            after.seq.to_string(),
            after.time.to_string(),
            after.chain.to_string(),
            state,
            if whole { "whole" } else { "" }.to_owned(),
            link.publish().to_owned(),
            self.names.channel(advance.election),
        ]
        .map(String::into_bytes)
        .into();
        for increment in &advance.increments {
            if increment.delta.0.unsigned_abs() > Count::MAX {
                return None;
            }
            arguments.push(hash::name(&increment.cell).into_bytes());
            arguments.push(increment.delta.0.to_string().into_bytes());
        }
        Some(arguments)
    }

    /// A batch that touches too many cells for one call: computed here, and swapped in if nothing moved meanwhile.
    async fn apply_wide(&self, link: &Link, slot: &Slot, turn: &mut Turn, advance: &Advance) -> RedisResult<Applied> {
        let content = link.content(&self.names.tally(slot.election)).await?;
        let stands = match content.as_ref().map(|content| (content.is_empty(), hash::decode(content))) {
            Some((true, _)) => None,
            Some((false, Some(stands))) => Some(Arc::new(stands)),
            Some((false, None)) | None => {
                slot.soil();
                return Ok(Applied::Forked);
            }
        };
        let trial = MemoryCounters::default();
        trial.put(slot.election, stands.clone());
        let applied = trial.apply(advance).await.unwrap_or(Applied::Behind);
        let _until_taken = slot.writes((advance.after.epoch, advance.after.seq));
        if stands.map(|stands| (stands.epoch, stands.fold.seq)) != self.mirrored_place(slot.election) {
            slot.soil();
        }
        match applied {
            Applied::Moved(moved) if self.swap(link, slot, &moved, content.as_ref()).await? => {
                turn.doubted = None;
                self.take(slot, Arc::clone(&moved));
                Ok(Applied::Moved(moved))
            }
            Applied::Moved(_) => {
                slot.soil();
                Ok(Applied::Behind)
            }
            applied => Ok(applied),
        }
    }

    /// Puts a fold in the place of what Redis holds, by the rule of [`Counters::replace`].
    pub(super) async fn replace(
        &self,
        link: &Link,
        slot: &Slot,
        turn: &mut Turn,
        snapshot: &Arc<Snapshot>,
        condemned: Option<&Snapshot>,
    ) -> RedisResult<bool> {
        let content = link.content(&self.names.tally(slot.election)).await?;
        let gives_way = match content.as_ref().and_then(hash::decode) {
            None => true,
            Some(stands) => {
                stands.epoch != snapshot.epoch
                    || stands.fold.seq < snapshot.fold.seq
                    || condemned == Some(&stands)
                    || turn.doubted == content
            }
        };
        slot.clean();
        let _until_put = slot.writes((snapshot.epoch, snapshot.fold.seq));
        if gives_way && self.swap(link, slot, snapshot, content.as_ref()).await? {
            turn.doubted = None;
            self.mirror.put(slot.election, Some(Arc::clone(snapshot)));
            return Ok(true);
        }
        slot.soil();
        Ok(false)
    }

    /// Takes the counters of an election out of Redis, whatever they are; large ones are freed beside other questions.
    pub(super) async fn remove(&self, link: &Link, election: ElectionKey) -> RedisResult<()> {
        link.ask(cmd("UNLINK").arg(self.names.tally(election))).await
    }

    /// Reads what Redis holds, and brings mirror and Redis together.
    pub(super) async fn look(&self, link: &Link, slot: &Slot, turn: &mut Turn) -> RedisResult<()> {
        slot.clean();
        let looked = self.compare(link, slot, turn).await;
        if looked.is_err() {
            slot.soil();
        }
        looked
    }

    async fn compare(&self, link: &Link, slot: &Slot, turn: &mut Turn) -> RedisResult<()> {
        let content = link.content(&self.names.tally(slot.election)).await?;
        let mirrored = self.mirror.get(slot.election);
        if turn.doubted.is_some() && turn.doubted == content {
            // Nobody has replaced it yet. The mirror was taken away then: one that is there comes from the ledger since.
            let Some(mirrored) = mirrored else { return Ok(()) };
            if self.swap(link, slot, &mirrored, content.as_ref()).await? {
                turn.doubted = None;
            }
            return Ok(());
        }
        let is_absent = content.as_ref().is_some_and(Content::is_empty);
        match (content.as_ref().and_then(hash::decode), mirrored) {
            (None, None) if is_absent => {}
            (None, Some(mirrored)) if is_absent => self.put_back(link, slot, &mirrored).await?,
            (Some(found), Some(mirrored)) if found.epoch == mirrored.epoch => {
                match found.fold.seq.cmp(&mirrored.fold.seq) {
                    Ordering::Less => self.put_back(link, slot, &mirrored).await?,
                    Ordering::Equal if !says_the_same(&found, &mirrored) => self.doubt(slot, turn, content),
                    Ordering::Equal => {}
                    Ordering::Greater => self.mirror.put(slot.election, Some(Arc::new(found))),
                }
            }
            (Some(found), _) => self.mirror.put(slot.election, Some(Arc::new(found))),
            (None, _) => self.doubt(slot, turn, content),
        }
        Ok(())
    }

    /// Redis was rewound: what the mirror holds is newer.
    async fn put_back(&self, link: &Link, slot: &Slot, mirrored: &Snapshot) -> RedisResult<()> {
        metrics::counter!("hustings_counters_rewound_total").increment(1);
        tracing::warn!(election = slot.election.0, "the shared counters were rewound; putting back what they were");
        if !self.swap(link, slot, mirrored, None).await? {
            // Another node was faster.
            slot.soil();
        }
        Ok(())
    }

    /// What Redis holds is no snapshot, or contradicts the mirror: a fold of the ledger takes the place of both.
    fn doubt(&self, slot: &Slot, turn: &mut Turn, content: Option<Content>) {
        metrics::counter!("hustings_counters_doubted_total").increment(1);
        tracing::error!(election = slot.election.0, "the shared counters are damaged; the ledger will replace them");
        turn.doubted = content;
        self.mirror.put(slot.election, None);
    }

    /// Takes a snapshot into the mirror, unless that is further already.
    fn take(&self, slot: &Slot, snapshot: Arc<Snapshot>) {
        let is_further =
            |mirrored: Arc<Snapshot>| mirrored.epoch == snapshot.epoch && mirrored.fold.seq > snapshot.fold.seq;
        if self.mirror.get(slot.election).is_some_and(is_further) {
            slot.soil();
        } else {
            self.mirror.put(slot.election, Some(snapshot));
        }
    }

    /// Stages a fold and swaps it in, where what stands there is older, of another epoch, or exactly what is given.
    async fn swap(
        &self,
        link: &Link,
        slot: &Slot,
        snapshot: &Snapshot,
        condemned: Option<&Content>,
    ) -> RedisResult<bool> {
        let Some(fields) = hash::encode(snapshot) else { return Ok(false) };
        let number = self.staged.fetch_add(1, atomic::Ordering::Relaxed);
        let staged = self.names.staged(slot.election, &self.process, number);
        let pairs: Vec<_> = fields.iter().collect();
        for part in pairs.chunks(FIELDS_MAX) {
            let mut arguments = vec![STAGED_EXPIRES.into()];
            arguments.extend(part.iter().flat_map(|(field, value)| [(*field).clone(), (*value).clone()]));
            link.run::<usize>(&STAGE, std::slice::from_ref(&staged), &arguments).await?;
        }
        let channel = self.names.channel(slot.election);
        let mut arguments = vec![pairs.len().to_string().into_bytes(), link.publish().into(), channel.into_bytes()];
        let condemned = condemned.into_iter().flatten();
        arguments.extend(condemned.flat_map(|(field, value)| [field.clone(), value.clone()]));
        let answer = link.run::<String>(&REPLACE, &[self.names.tally(slot.election), staged], &arguments).await;
        Ok(answer? == "replaced")
    }

    /// Where the mirror stands.
    pub(super) fn mirrored_place(&self, election: ElectionKey) -> Option<(Epoch, Seq)> {
        self.mirror.get(election).map(|mirrored| (mirrored.epoch, mirrored.fold.seq))
    }
}

/// A zero and an absent cell are the same.
fn says_the_same(one: &Snapshot, other: &Snapshot) -> bool {
    let place = |snapshot: &Snapshot| (snapshot.epoch, snapshot.fold.seq, snapshot.fold.time, snapshot.fold.chain);
    place(one) == place(other) && one.fold.state == other.fold.state && one.fold.tally.agrees_with(&other.fold.tally)
}
