//! Sessions: how long they are good, whom they stand for, how they end.

use hustings::ledger::{Holder, LinkId, NewSession, SESSION_MS, SESSIONS_MAX, Seat};
use hustings_core::{Change, Time};

use super::parts::new_link;
use super::{NOW, add, later, new_session};
use crate::conformance::Backend;
use crate::conformance::support::opened;

pub(super) async fn a_session_slides_and_runs_out(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = Seat::Person(add(&people, "ann").await);
    people.begin_session(new_session(1, ann, NOW)).await.expect("a session");
    let good = async |at| people.session([1; 32], at).await.expect("a look-up").is_some();
    assert!(good(NOW).await && good(later(SESSION_MS - 1)).await);
    assert!(!good(later(SESSION_MS)).await, "thirty days after it was seen last");
    people.note_seen(vec![([1; 32], later(500))]).await.expect("a note");
    assert!(good(later(SESSION_MS + 499)).await && !good(later(SESSION_MS + 500)).await);
    // The next one that begins sweeps those that have run out.
    people.begin_session(new_session(2, ann, later(SESSION_MS + 500))).await.expect("a session");
    assert!(!good(NOW).await, "it is gone");
}

pub(super) async fn a_session_says_whom_it_stands_for(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = add(&people, "ann").await;
    let key = opened(backend, Change::Final).await;
    let link = people.add_link(new_link(key, 50)).await.expect("a link").expect("room");
    for (number, seat) in [(1, Seat::Person(ann)), (2, Seat::Link(link)), (3, Seat::Link(LinkId(999)))] {
        people.begin_session(new_session(number, seat, NOW)).await.expect("a session");
    }
    let found = async |number: u8| people.session([number; 32], NOW).await.expect("a look-up");
    let (session, holder) = found(1).await.expect("a session");
    assert_eq!((session.seat, session.agent.as_str(), session.hash), (Seat::Person(ann), "browser 1", [1; 32]));
    assert_eq!(holder, Holder::Person(people.person(ann).await.expect("a look-up").expect("ann")));
    let (session, holder) = found(2).await.expect("a session");
    assert_eq!(session.seat, Seat::Link(link));
    assert_eq!(holder, Holder::Link(people.link([50; 32]).await.expect("a look-up").expect("the link")));
    assert!(found(3).await.is_none(), "for a link that is not there");
    assert!(found(4).await.is_none(), "no session");
}

pub(super) async fn sessions_are_listed_by_seat(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [Seat::Person(add(&people, "ann").await), Seat::Person(add(&people, "bob").await)];
    for (number, seat) in [(1, ann), (2, ann), (3, bob), (4, ann)] {
        people.begin_session(new_session(number, seat, later(number.into()))).await.expect("a session");
    }
    people.note_seen(vec![([2; 32], later(10))]).await.expect("a note");
    let listed = async |seat, at| -> Vec<u8> {
        people.sessions(seat, at).await.expect("sessions").iter().map(|session| session.hash[0]).collect()
    };
    assert_eq!((listed(ann, NOW).await, listed(bob, NOW).await), (vec![2, 4, 1], vec![3]), "the latest seen first");
    assert_eq!(listed(ann, later(SESSION_MS + 4)).await, [2], "and none that has run out");
    assert_eq!(listed(Seat::Link(LinkId(1)), NOW).await, [0; 0]);
}

pub(super) async fn only_its_own_seat_ends_a_session(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [Seat::Person(add(&people, "ann").await), Seat::Person(add(&people, "bob").await)];
    people.begin_session(new_session(1, ann, NOW)).await.expect("a session");
    for stranger in [bob, Seat::Link(LinkId(1))] {
        assert!(!people.end_session(stranger, [1; 32]).await.expect("an answer"));
    }
    assert!(people.session([1; 32], NOW).await.expect("a look-up").is_some());
    assert!(people.end_session(ann, [1; 32]).await.expect("ended"));
    assert!(!people.end_session(ann, [1; 32]).await.expect("an answer"), "already");
    assert!(people.session([1; 32], NOW).await.expect("a look-up").is_none());
}

pub(super) async fn all_sessions_but_one_end(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [Seat::Person(add(&people, "ann").await), Seat::Person(add(&people, "bob").await)];
    for (number, seat) in [(1, ann), (2, ann), (3, ann), (4, bob)] {
        people.begin_session(new_session(number, seat, NOW)).await.expect("a session");
    }
    assert_eq!(people.end_sessions(ann, Some([2; 32])).await.expect("ended"), 2);
    assert_eq!(people.end_sessions(ann, Some([4; 32])).await.expect("ended"), 1, "another's is none of theirs");
    assert_eq!(people.end_sessions(ann, None).await.expect("ended"), 0);
    assert!(people.session([4; 32], NOW).await.expect("a look-up").is_some());
}

pub(super) async fn the_first_of_too_many_sessions_end(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [Seat::Person(add(&people, "ann").await), Seat::Person(add(&people, "bob").await)];
    people.begin_session(new_session(200, bob, NOW)).await.expect("a session");
    let many = u8::try_from(SESSIONS_MAX).expect("few") + 2;
    for number in 0..many {
        let new = NewSession { created: Time(NOW.0 + u64::from(number)), ..new_session(number, ann, NOW) };
        people.begin_session(new).await.expect("a session");
    }
    let mut left: Vec<u8> =
        people.sessions(ann, NOW).await.expect("sessions").iter().map(|session| session.hash[0]).collect();
    left.sort_unstable();
    assert_eq!(left, (2..many).collect::<Vec<_>>());
    assert_eq!(people.sessions(bob, NOW).await.expect("sessions").len(), 1, "others keep theirs");
    let twice = people.begin_session(new_session(200, ann, NOW)).await;
    assert!(twice.is_err(), "one secret, one session");
}

pub(super) async fn the_last_use_of_a_session_is_noted(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = Seat::Person(add(&people, "ann").await);
    for number in [1, 2] {
        people.begin_session(new_session(number, ann, NOW)).await.expect("a session");
    }
    people.note_seen(vec![([2; 32], later(300)), ([7; 32], later(500)), ([1; 32], later(500))]).await.expect("notes");
    people.note_seen(vec![([1; 32], later(400))]).await.expect("a note");
    people.note_seen(Vec::new()).await.expect("nothing");
    let seen = async |number| people.session([number; 32], NOW).await.expect("a look-up").expect("a session").0;
    assert_eq!((seen(1).await.created, seen(1).await.seen), (NOW, later(500)), "the latest stands");
    assert_eq!(seen(2).await.seen, later(300));
}
