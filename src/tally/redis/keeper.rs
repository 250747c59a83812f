//! The task beside the counters: hears hints, looks whether Redis is still what it was, and finds it again.
//!
//! Invariant: a link is given back only when Redis passed the checks of a start, and holds nothing older than the mirror;
//! an election whose shard was away, only when that shard holds nothing older.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use hustings_core::{Epoch, Seq};
use redis::{RedisError, RedisResult, cmd};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::CountersError;
use super::check::{claim, enter};
use super::hash;
use super::link::{Link, watermark};
use super::node::Node;
use super::slot::Slot;
use crate::ledger::ElectionKey;

/// What happens to a link.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// Another node, or this one, has moved an election there.
    Hint(ElectionKey, Epoch, Seq),
    /// An election is read or moved here for the first time.
    Followed(ElectionKey),
    /// An election is gone.
    Unfollowed(ElectionKey),
    /// A connection has ended.
    Disconnected,
}

/// How often Redis is looked at, or sought.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Each so many times that an election is looked at, all its fields are compared, not only the watermark.
const WHOLE_EVERY: usize = 10;
/// The most elections that one check looks at; the others have their turn in the next ones.
const CHECKED_MAX: usize = 256;
/// The most questions at once.
const QUESTIONS_MAX: usize = 16;

/// Keeps until it is aborted.
pub(super) async fn keep(node: Arc<Node>, mut events: mpsc::Receiver<Event>) {
    let mut check = tokio::time::interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut checks = 0;
    let mut said = None;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => hear(&node, event).await,
                None => return,
            },
            () = node.lost.notified() => {
                node.wake_all();
                seek(&node, &mut said).await;
            }
            _ = check.tick() => match node.link() {
                Some(link) => {
                    if let Err(error) = inspect(&node, &link, checks).await {
                        node.lose(&link, &error);
                    }
                    checks += 1;
                }
                None => seek(&node, &mut said).await,
            },
        }
    }
}

async fn hear(node: &Node, event: Event) {
    match event {
        Event::Hint(election, epoch, seq) => {
            let Some(slot) = node.known(election) else { return };
            let is_reached = |(mirrored, at)| mirrored == epoch && at >= seq;
            if !slot.is_writing((epoch, seq)) && !node.mirrored_place(election).is_some_and(is_reached) {
                slot.soil();
                node.wake(election);
            }
        }
        Event::Followed(election) => {
            if let Some(link) = node.link() {
                link.subscribe(&node.names.channel(election)).await;
            }
        }
        Event::Unfollowed(election) => {
            if let Some(link) = node.link() {
                link.unsubscribe(&node.names.channel(election)).await;
            }
        }
        Event::Disconnected => {
            let Some(link) = node.link() else { return };
            if let Err(error) = is_ours(node, &link).await {
                node.lose(&link, &error);
            }
        }
    }
}

/// Whether Redis is still ours. Where the shard that says so is away and others answer, nothing says that it is not.
async fn is_ours(node: &Node, link: &Link) -> Result<(), CountersError> {
    match claim(link, &node.options, &node.names).await {
        Err(CountersError::Unreachable { .. }) if link.answers().await => Ok(()),
        claimed => claimed,
    }
}

/// Whether Redis is still ours, and stands where the mirror does. It may have been emptied, rewound or altered.
async fn inspect(node: &Node, link: &Arc<Link>, checks: usize) -> Result<(), CountersError> {
    is_ours(node, link).await?;
    let mut slots = node.slots();
    slots.retain(|slot| !slot.is_away());
    slots.sort_unstable_by_key(|slot| slot.election);
    let parts = slots.len().div_ceil(CHECKED_MAX).max(1);
    let whole = (checks / parts) % WHOLE_EVERY == WHOLE_EVERY - 1;
    let part = slots.chunks(CHECKED_MAX).nth(checks % parts).unwrap_or_default();
    let inspected =
        stream::iter(part).map(Ok::<_, RedisError>).try_for_each_concurrent(QUESTIONS_MAX, |slot| async move {
            match inspect_one(node, link, slot, whole).await {
                Err(error) if link.is_cluster() => {
                    node.miss(link, slot, &error);
                    Ok(())
                }
                inspected => inspected,
            }
        });
    inspected.await.map_err(|error| CountersError::of(&node.options.to_string(), &error))
}

async fn inspect_one(node: &Node, link: &Link, slot: &Slot, whole: bool) -> RedisResult<()> {
    // Whoever has the turn is talking to Redis about this election now.
    let Some(mut turn) = slot.free_turn() else { return Ok(()) };
    if slot.is_dirty() {
        // A hint that nobody followed yet.
        node.wake(slot.election);
        return Ok(());
    }
    let before = node.mirrored_place(slot.election);
    let is_same = if whole {
        node.look(link, slot, &mut turn).await?;
        node.mirrored_place(slot.election) == before
    } else {
        let stands = match link.ask::<(Option<String>, Option<String>)>(&watermark(&node.names, slot.election)).await {
            Ok((Some(epoch), Some(seq))) => hash::place(&format!("{epoch}.{seq}")),
            Err(error) if error.code() != Some("WRONGTYPE") => return Err(error),
            _ => None,
        };
        stands == before
    };
    if !is_same {
        slot.soil();
        node.wake(slot.election);
    }
    Ok(())
}

/// Brings elections back whose shard was away, until it is aborted. Nobody waits for it.
pub(super) async fn mend(node: Arc<Node>) {
    let mut check = tokio::time::interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut checks: usize = 0;
    loop {
        check.tick().await;
        let Some(link) = node.link() else { continue };
        let mut away = node.slots();
        away.retain(|slot| slot.is_away());
        checks = checks.wrapping_add(1);
        // One after the other is tried: they may be on several shards, and as long as none answers, one question is enough.
        let Some(first) = away.get(checks % away.len().max(1)) else { continue };
        if answers_about(&node, &link, first).await {
            stream::iter(&away).for_each_concurrent(QUESTIONS_MAX, |slot| regain(&node, &link, slot)).await;
        }
    }
}

async fn regain(node: &Node, link: &Link, slot: &Slot) {
    // Asked without the turn: whoever counts meanwhile need not wait for an answer that may not come.
    if answers_about(node, link, slot).await {
        let mut turn = slot.turn().await;
        if node.look(link, slot, &mut turn).await.is_ok() {
            node.regain(slot);
        }
    }
}

async fn answers_about(node: &Node, link: &Link, slot: &Slot) -> bool {
    link.ask::<i64>(cmd("EXISTS").arg(node.names.tally(slot.election))).await.is_ok()
}

/// Tries once to find Redis again, and heals it from the mirror.
async fn seek(node: &Node, said: &mut Option<String>) {
    if node.link().is_some() {
        return;
    }
    match enter(&node.options, &node.names, node.events.clone()).await {
        Ok(link) => match heal(node, &link).await {
            Ok(()) => {
                *said = None;
                node.found(link);
            }
            Err(error) => complain(said, error.to_string()),
        },
        Err(error) => complain(said, error.to_string()),
    }
}

async fn heal(node: &Node, link: &Link) -> RedisResult<()> {
    let slots = node.slots();
    let heal = |slot: Arc<Slot>| async move {
        link.subscribe(&node.names.channel(slot.election)).await;
        let mut turn = slot.turn().await;
        node.look(link, &slot, &mut turn).await?;
        slot.is_back();
        Ok(())
    };
    stream::iter(slots).map(Ok).try_for_each_concurrent(QUESTIONS_MAX, heal).await
}

/// Said once, and again when it is something else.
fn complain(said: &mut Option<String>, error: String) {
    if said.as_ref() != Some(&error) {
        tracing::warn!(error, "the shared counters are still out of reach");
        *said = Some(error);
    }
}
