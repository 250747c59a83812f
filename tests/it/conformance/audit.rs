//! What must hold of every store after every test, whatever the test did.

use std::collections::{HashMap, HashSet};

use hustings::ledger::{ElectionKey, Head, Ledger, PAGE_MAX, Registered, Stored};
use hustings_core::{Chain, Entry, Event, Fold, Previous, Seq, Time};

use super::Backend;

/// How many voters of a ledger are looked up one by one.
const LOOKED_UP_MAX: usize = 500;

/// Holds every ledger of a store against the rules.
pub(crate) async fn audit(backend: &dyn Backend) {
    let (ledger, registry) = (backend.ledger(), backend.registry());
    for registered in registry.elections(None, 10_000).await.expect("the elections") {
        audit_ledger(ledger.as_ref(), &registered).await;
    }
}

/// Holds one ledger against the rules and gives its fold.
pub(crate) async fn audit_election(backend: &dyn Backend, key: ElectionKey) -> Fold {
    let wanted = hustings::ledger::Wanted::Key(key);
    let registered = backend.registry().election(wanted).await.expect("the registry").expect("the election");
    audit_ledger(backend.ledger().as_ref(), &registered).await
}

/// Places count from 1 without gaps, time never goes back, bytes are those of the entry, the chain runs over all of
/// them, the head is the last entry, each ballot names just the vote that counted before, no id stands twice, the
/// states allow each entry, and the store finds each voter's last ballot.
async fn audit_ledger(ledger: &dyn Ledger, registered: &Registered) -> Fold {
    let key = registered.key;
    let (_, head) = *ledger.heads(&[key]).await.expect("the heads").first().expect("the head");
    let mut fold = Fold::new(&registered.election);
    let (mut chain, mut seq, mut time) = (Chain::EMPTY, Seq(0), Time(0));
    let (mut counting, mut ids) = (HashMap::new(), HashSet::new());
    loop {
        let page = ledger.read(key, seq, PAGE_MAX).await.expect("a page");
        if page.is_empty() {
            break;
        }
        for stored in page {
            let entry = &stored.entry;
            assert_eq!(entry.seq, seq.next(), "a gap or a repeat in {key:?}");
            assert!(entry.time >= time, "time goes back at {} in {key:?}", entry.seq);
            assert_eq!(Entry::from_bytes(&stored.bytes).as_ref(), Ok(entry), "the bytes of {} in {key:?}", entry.seq);
            fold.apply(&stored.bytes).unwrap_or_else(|error| panic!("{key:?} cannot be folded: {error}"));
            (chain, seq, time) = (chain.extend(&stored.bytes), entry.seq, entry.time);
            if let Event::BallotCast(ballot) = &entry.event {
                if let Some(id) = ballot.id {
                    assert!(ids.insert(id), "{id} stands twice in {key:?}");
                }
                let before = counting.insert((ballot.contest, ballot.voter), stored.clone());
                assert_eq!(ballot.previous, before.as_ref().map(as_previous), "what {seq} in {key:?} replaced");
            }
        }
    }
    assert_eq!(head, Head { epoch: head.epoch, seq, time, chain }, "the head of {key:?} is not its last entry");
    for ((contest, voter), stored) in counting.into_iter().take(LOOKED_UP_MAX) {
        let found = ledger.ballot(key, contest, voter).await.expect("a look-up");
        assert_eq!(found, Some(stored), "the vote that counts now in {key:?}");
    }
    fold
}

fn as_previous(stored: &Stored) -> Previous {
    let Event::BallotCast(ballot) = &stored.entry.event else { panic!("{stored:?} is no ballot") };
    Previous { seq: stored.entry.seq, group: ballot.group, selections: ballot.selections.clone() }
}
