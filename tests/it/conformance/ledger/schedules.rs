//! What happens by itself: said when it is due, and done once.

use hustings::ledger::{ElectionKey, Schedules};
use hustings_core::{ActKind, Schedule, Time};

use crate::conformance::support::*;
use crate::conformance::{Backend, START};

const OPEN_DUE: ActKind = ActKind::Open { scheduled: true };
const CLOSE_DUE: ActKind = ActKind::Close { scheduled: true };

/// So many milliseconds after the start.
fn at(offset: u64) -> Time {
    Time(START.0 + offset)
}

fn schedule(opens_at: Option<u64>, closes_at: Option<u64>) -> Schedule {
    Schedule { opens_at: opens_at.map(at), closes_at: closes_at.map(at) }
}

async fn check(backend: &dyn Backend, now: u64, due: &[ElectionKey], next: Option<u64>) {
    let mut found = backend.ledger().due(at(now)).await.expect("the schedules");
    found.due.sort_unstable();
    assert_eq!(found, Schedules { due: due.to_vec(), next: next.map(at) }, "at {now}");
}

/// Sends one act at a time of the clock.
async fn send(backend: &dyn Backend, key: ElectionKey, now: u64, kind: ActKind) -> String {
    backend.clock().set(at(now));
    answers(backend, vec![to(key, act(kind))]).await.remove(0)
}

pub(super) async fn schedules_say_what_is_due_and_when(backend: &dyn Backend) {
    check(backend, 1_000, &[], None).await;
    let one = drafted(backend, schedule(Some(100), Some(200))).await;
    let other = drafted(backend, schedule(Some(150), None)).await;
    drafted(backend, schedule(None, Some(50))).await;
    drafted(backend, Schedule::default()).await;
    check(backend, 0, &[], Some(100)).await;
    check(backend, 99, &[], Some(100)).await;
    check(backend, 100, &[one], Some(150)).await;
    check(backend, 150, &[one, other], None).await;

    assert_eq!(send(backend, one, 150, OPEN_DUE).await, "accepted 1");
    check(backend, 150, &[other], Some(200)).await;
    assert_eq!(send(backend, other, 150, OPEN_DUE).await, "accepted 1");
    check(backend, 150, &[], Some(200)).await;
    check(backend, 200, &[one], None).await;
    assert_eq!(send(backend, one, 200, CLOSE_DUE).await, "accepted 2");
    check(backend, 1_000, &[], None).await;
}

pub(super) async fn schedules_are_used_up_by_hand(backend: &dyn Backend) {
    let key = drafted(backend, schedule(Some(100), Some(200))).await;
    assert_eq!(send(backend, key, 10, OPEN).await, "accepted 1");
    check(backend, 150, &[], Some(200)).await;
    assert_eq!(send(backend, key, 150, OPEN_DUE).await, "refused wrong_status", "opened by hand before");
    assert_eq!(send(backend, key, 151, ActKind::Pause).await, "accepted 2");
    check(backend, 151, &[], Some(200)).await;
    assert_eq!(send(backend, key, 152, OPEN_DUE).await, "refused wrong_status", "a pause is not a draft");
    assert_eq!(send(backend, key, 153, CLOSE).await, "accepted 3");
    check(backend, 500, &[], None).await;
    assert_eq!(send(backend, key, 154, ActKind::Reopen).await, "accepted 4");
    check(backend, 500, &[], None).await;
    assert_eq!(send(backend, key, 500, CLOSE_DUE).await, "refused wrong_status", "whoever reopens also closes");
    assert_eq!(send(backend, key, 500, CLOSE).await, "accepted 5");
}

pub(super) async fn scheduled_acts_happen_once(backend: &dyn Backend) {
    let key = drafted(backend, schedule(Some(100), Some(200))).await;
    assert_eq!(send(backend, key, 99, OPEN_DUE).await, "refused wrong_status", "not due");
    backend.clock().set(at(100));
    let twice = || vec![to(key, act(OPEN_DUE)), to(key, act(OPEN_DUE))];
    assert_eq!(answers(backend, twice()).await, ["accepted 1", "refused wrong_status"], "twice in one batch");
    assert_eq!(answers(backend, twice()).await, ["refused wrong_status"; 2], "in another batch");

    assert_eq!(send(backend, key, 199, CLOSE_DUE).await, "refused wrong_status", "not due");
    backend.clock().set(at(200));
    let close = || answers(backend, vec![to(key, act(CLOSE_DUE))]);
    let (a, b, c, d) = tokio::join!(close(), close(), close(), close());
    let mut raced = [a, b, c, d].concat();
    raced.sort();
    let once = ["accepted 2", "refused wrong_status", "refused wrong_status", "refused wrong_status"];
    assert_eq!(raced, once, "from four nodes at once");

    // The order of entries decides: what was due at the last entry stays due when the clock goes back.
    let key = drafted(backend, schedule(None, Some(300))).await;
    assert_eq!(send(backend, key, 310, OPEN).await, "accepted 1");
    assert_eq!(send(backend, key, 0, CLOSE_DUE).await, "accepted 2");
}
