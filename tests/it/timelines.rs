//! When votes came: read once for all who ask, exact, and never in the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hustings::feed::{Columns, Timeline, Timelines};
use hustings::ledger::{ElectionKey, PAGE_MAX, Wanted};
use hustings_core::{ActKind, Change, Epoch, Seq, Submission};
use tokio::task::JoinSet;

use crate::conformance::support::{
    CLOSE, COFFEE, FIRST, OPEN, SECOND, TEA, act_on, append, next_round, opened, to, vote,
};
use crate::conformance::{Backend, Sqlite};
use crate::following::Asked;

/// Where a ledger stands.
async fn head(store: &Sqlite, election: ElectionKey) -> (Epoch, Seq) {
    let head = store.ledger().heads(&[election]).await.expect("a look").pop().expect("a head").1;
    (head.epoch, head.seq)
}

/// The timeline up to where the ledger stands; whoever comes too early for it asks again.
async fn reached(timelines: &Arc<Timelines>, store: &Sqlite, election: ElectionKey) -> Arc<Timeline> {
    let (epoch, seq) = head(store, election).await;
    loop {
        if let Some(made) = timelines.of(election, epoch, seq).await
            && made.seq() == seq
        {
            return made;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_cost_one_reading() {
    let store = Sqlite::start().await;
    let asked = Asked::new(&store);
    let election = opened(&store, Change::UntilClose).await;
    let voters = u32::try_from(2 * PAGE_MAX).expect("a number");
    append(&store, (0..voters).map(|from| vote(from, TEA).to(election)).collect()).await;
    let (epoch, seq) = head(&store, election).await;
    let timelines = Timelines::new(asked.clone());
    let mut readers = JoinSet::new();
    for _ in 0..1_000 {
        let timelines = Arc::clone(&timelines);
        readers.spawn(async move { timelines.of(election, epoch, seq).await });
    }
    readers.join_all().await;
    let made = reached(&timelines, &store, election).await;
    assert_eq!(made.round(FIRST).map(Columns::total), Some(voters.into()));
    // The opening and all votes: two full pages and one entry more.
    assert_eq!(asked.reads(), 3);

    // A changed vote is no other voter, and only what is new is read.
    append(&store, vec![vote(1, COFFEE).to(election), vote(voters, TEA).to(election)]).await;
    let made = reached(&timelines, &store, election).await;
    assert_eq!(made.round(FIRST).map(Columns::total), Some(u64::from(voters) + 1));
    assert_eq!(asked.reads(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_are_kept_apart_and_another_life_begins_anew() {
    let store = Sqlite::start().await;
    let asked = Asked::new(&store);
    let election = opened(&store, Change::Final).await;
    append(&store, vec![vote(1, TEA).to(election), vote(2, TEA).to(election)]).await;
    let timelines = Timelines::new(asked.clone());
    let totals = async || {
        let made = reached(&timelines, &store, election).await;
        [FIRST, SECOND].map(|round| made.round(round).map(Columns::total))
    };
    assert_eq!(totals().await, [Some(2), None]);
    let found = store.registry().election(Wanted::Key(election)).await.expect("a look").expect("a poll");
    let round = ActKind::StartRound(Box::new(next_round(&found.election)));
    for act in [act_on(FIRST, CLOSE), act_on(FIRST, round), act_on(SECOND, OPEN)] {
        append(&store, vec![to(election, Submission::Act(act))]).await;
    }
    append(&store, vec![vote(1, TEA).round(SECOND).to(election)]).await;
    assert_eq!(totals().await, [Some(2), Some(1)]);
    store.ledger().renew_epochs(None).await.expect("new lives");
    let reads = asked.reads();
    assert_eq!(totals().await, [Some(2), Some(1)]);
    assert_eq!(asked.reads(), reads + 1, "another life is read from its first entry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_is_away_keeps_nobody_waiting_and_costs_nothing_that_was_made() {
    let store = Sqlite::start().await;
    let asked = Asked::new(&store);
    let election = opened(&store, Change::Final).await;
    append(&store, vec![vote(1, TEA).to(election)]).await;
    let timelines = Timelines::new(asked.clone());
    let made = reached(&timelines, &store, election).await;
    let (epoch, seq) = head(&store, election).await;
    asked.is_away.store(true, Ordering::SeqCst);
    assert_eq!(timelines.of(election, epoch, seq.next()).await, Some(made), "what was made stays");
    assert_eq!(timelines.of(ElectionKey(u32::MAX), epoch, seq).await, None);
    asked.is_away.store(false, Ordering::SeqCst);
    append(&store, vec![vote(2, TEA).to(election)]).await;
    let made = reached(&timelines, &store, election).await;
    assert_eq!(made.round(FIRST).map(Columns::total), Some(2));
}
