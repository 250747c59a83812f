//! What persons may do in elections, and co-host links.

use hustings::ledger::{
    Changed, ElectionKey, LINKS_MAX, LinkId, MEMBERS_MAX, NewElection, NewLink, PersonId, Removal, Seat,
};
use hustings_core::{Change, Election, Method, Role, Schedule};
use tokio::task::JoinSet;

use super::{NOW, add, later, new_session};
use crate::conformance::Backend;
use crate::conformance::support::{opened, poll, text};

pub(super) fn new_link(election: ElectionKey, number: u8) -> NewLink {
    NewLink { election, hash: [number; 32], role: Role::CoHost, by: Some(PersonId(1)), created: NOW }
}

pub(super) async fn parts_are_given_changed_and_taken(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "ann").await, add(&people, "bob").await];
    let key = opened(backend, Change::Final).await;
    let set = async |person, role| people.set_member(key, person, role).await.expect("an answer");
    for (person, role) in [(bob, Role::Viewer), (ann, Role::Owner), (bob, Role::CoHost), (bob, Role::CoHost)] {
        assert_eq!(set(person, Some(role)).await, Changed::Done);
        assert_eq!(people.membership(person, key).await.expect("a look-up"), Some(role));
    }
    assert_eq!(set(bob, None).await, Changed::Done);
    assert_eq!(set(bob, None).await, Changed::Done, "already");
    assert_eq!(people.membership(bob, key).await.expect("a look-up"), None);
}

pub(super) async fn a_part_is_in_one_election(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "ann").await, add(&people, "bob").await];
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    people.set_member(key, ann, Some(Role::CoHost)).await.expect("a part");
    people.set_member(other, bob, Some(Role::Viewer)).await.expect("a part");
    for (person, election, expected) in
        [(ann, key, Some(Role::CoHost)), (ann, other, None), (bob, key, None), (bob, other, Some(Role::Viewer))]
    {
        assert_eq!(people.membership(person, election).await.expect("a look-up"), expected, "{person:?} {election:?}");
    }
}

pub(super) async fn members_are_listed_by_number(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "Ann").await, add(&people, "bob").await];
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    for (person, role) in [(bob, Role::CoHost), (ann, Role::Owner)] {
        people.set_member(key, person, Some(role)).await.expect("a part");
    }
    let members = people.members(key).await.expect("the members");
    let members: Vec<_> = members.iter().map(|one| (one.person, one.name.as_str(), one.role)).collect();
    assert_eq!(members, [(ann, "Ann", Role::Owner), (bob, "bob", Role::CoHost)]);
    assert!(people.members(other).await.expect("the members").is_empty());
}

pub(super) async fn an_election_keeps_an_owner(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "ann").await, add(&people, "bob").await];
    let key = opened(backend, Change::Final).await;
    let set = async |person, role| people.set_member(key, person, role).await.expect("an answer");
    assert_eq!(set(ann, Some(Role::Owner)).await, Changed::Done);
    for less in [None, Some(Role::CoHost), Some(Role::Viewer)] {
        assert_eq!(set(ann, less).await, Changed::LastOwner, "{less:?}");
    }
    assert_eq!(set(ann, Some(Role::Owner)).await, Changed::Done, "stays what she is");
    assert_eq!(set(bob, Some(Role::Owner)).await, Changed::Done);
    assert_eq!(set(ann, None).await, Changed::Done, "another one is left");
    assert_eq!(set(bob, Some(Role::Viewer)).await, Changed::LastOwner);
    for number in 1..MEMBERS_MAX {
        let person = add(&people, &format!("person {number}")).await;
        assert_eq!(set(person, Some(Role::Viewer)).await, Changed::Done, "{number}");
    }
    assert_eq!(set(ann, Some(Role::Viewer)).await, Changed::TooMany);
    assert_eq!(people.members(key).await.expect("the members").len(), MEMBERS_MAX);
}

pub(super) async fn racing_owners_leave_one(backend: &dyn Backend) {
    let people = backend.archive();
    let key = opened(backend, Change::Final).await;
    let mut owners = Vec::new();
    for number in 0..6 {
        owners.push(add(&people, &format!("person {number}")).await);
    }
    for owner in &owners {
        people.set_member(key, *owner, Some(Role::Owner)).await.expect("an owner");
    }
    let mut racing = JoinSet::new();
    for owner in owners {
        let people = backend.archive();
        racing.spawn(async move { people.set_member(key, owner, None).await.expect("an answer") });
    }
    let refused = racing.join_all().await.into_iter().filter(|one| *one == Changed::LastOwner).count();
    assert_eq!((refused, people.members(key).await.expect("the members").len()), (1, 1));
}

async fn create(backend: &dyn Backend, title: &str, owner: Option<PersonId>) -> ElectionKey {
    let election = Election { title: text(title), ..poll(Method::Single, Change::Final, Schedule::default()) };
    backend.registry().create(NewElection { election, acts: Vec::new(), owner }).await.expect("an election").key
}

pub(super) async fn who_creates_an_election_owns_it(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = add(&people, "ann").await;
    let of_ann = create(backend, "Lunch", Some(ann)).await;
    let of_token = create(backend, "Dinner", None).await;
    assert_eq!(people.membership(ann, of_ann).await.expect("a look-up"), Some(Role::Owner));
    assert_eq!(people.membership(ann, of_token).await.expect("a look-up"), None);
    // What cannot be created is not owned either.
    let taken = Election {
        code: poll_of(backend, of_ann).await.code,
        ..poll(Method::Single, Change::Final, Schedule::default())
    };
    let refused = backend.registry().create(NewElection { election: taken, acts: Vec::new(), owner: Some(ann) }).await;
    assert!(refused.is_err(), "{refused:?}");
    let owned = people.elections_before(Some(ann), None, 10).await.expect("a page");
    let shown: Vec<_> = owned.iter().map(|one| (one.registered.key, one.role)).collect();
    assert_eq!(shown, [(of_ann, Some(Role::Owner))]);
    let all = people.elections_before(None, None, 10).await.expect("a page");
    let shown: Vec<_> = all.iter().map(|one| (one.registered.key, one.role)).collect();
    assert_eq!(shown, [(of_token, None), (of_ann, None)]);
}

async fn poll_of(backend: &dyn Backend, key: ElectionKey) -> Election {
    let wanted = hustings::ledger::Wanted::Key(key);
    let found = backend.registry().election(wanted).await.expect("a look-up").expect("the election");
    found.election.as_ref().clone()
}

/// A draft that is edited has a new key; what people may do in it stays. Removed, it leaves nothing.
pub(super) async fn parts_go_with_a_definition_and_end_with_an_election(backend: &dyn Backend) {
    let (people, registry) = (backend.archive(), backend.registry());
    let ann = add(&people, "ann").await;
    let draft = create(backend, "Lunch", Some(ann)).await;
    people.add_link(new_link(draft, 1)).await.expect("a link").expect("room");
    let election = Election { title: text("Dinner"), ..poll_of(backend, draft).await };
    let new = NewElection { election, acts: Vec::new(), owner: None };
    let edited = registry.redefine(draft, new).await.expect("an edit").expect("the draft").key;
    assert_ne!(edited, draft);
    for (key, role) in [(draft, None), (edited, Some(Role::Owner))] {
        assert_eq!(people.membership(ann, key).await.expect("a look-up"), role);
    }
    assert_eq!(people.link([1; 32]).await.expect("a look-up").map(|link| link.election), Some(edited));
    let owned = people.elections_before(Some(ann), None, 10).await.expect("a page");
    assert_eq!(owned.iter().map(|one| one.registered.key).collect::<Vec<_>>(), [edited]);
    let removal = Removal { by: text("ann"), reason: None };
    registry.remove(edited, removal).await.expect("a removal").expect("the election");
    assert!(people.elections_before(Some(ann), None, 10).await.expect("a page").is_empty(), "at once");
    while registry.erase(100).await.expect("a turn") > 0 {}
    assert!(people.members(edited).await.expect("the members").is_empty());
    assert_eq!(people.link([1; 32]).await.expect("a look-up"), None);
}

pub(super) async fn elections_of_a_person_come_page_by_page(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "ann").await, add(&people, "bob").await];
    let mut keys = Vec::new();
    for number in 0..5 {
        keys.push(create(backend, &format!("Poll {number}"), Some(ann)).await);
    }
    people.set_member(keys[2], bob, Some(Role::CoHost)).await.expect("a part");
    keys.reverse();
    for (before, limit, expected) in [(None, 10, 0..5), (None, 2, 0..2), (Some(1), 2, 2..4), (Some(4), 2, 5..5)] {
        let before = before.map(|place: usize| keys[place]);
        let page = people.elections_before(Some(ann), before, limit).await.expect("a page");
        let found: Vec<_> = page.iter().map(|one| one.registered.key).collect();
        assert_eq!(found, keys[expected], "before {before:?}, at most {limit}");
    }
    let of_bob = people.elections_before(Some(bob), None, 10).await.expect("a page");
    assert_eq!(
        of_bob.iter().map(|one| (one.registered.key, one.role)).collect::<Vec<_>>(),
        [(keys[2], Some(Role::CoHost))]
    );
}

pub(super) async fn elections_are_found_by_title_and_code(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = add(&people, "ann").await;
    let titles = ["Städtisches Theater", "Lunch today", "Lunch tomorrow", "Dinner"];
    let mut keys = Vec::new();
    for title in titles {
        keys.push(create(backend, title, Some(ann)).await);
    }
    let other = create(backend, "Lunch elsewhere", None).await;
    let code = poll_of(backend, keys[3]).await.code.to_string();
    for (who, before, query, limit, expected) in [
        (Some(ann), None, "", 10, vec![3, 2, 1, 0]),
        (Some(ann), None, "lunch", 10, vec![2, 1]),
        (Some(ann), None, " LUNCH T", 10, vec![2, 1]),
        (Some(ann), None, "lunch", 1, vec![2]),
        (Some(ann), Some(2), "lunch", 1, vec![1]),
        (Some(ann), Some(1), "lunch", 1, vec![]),
        (Some(ann), None, "STÄDT", 10, vec![0]),
        (Some(ann), None, &code.to_lowercase(), 10, vec![3]),
        (Some(ann), None, "breakfast", 10, vec![]),
        (None, None, "lunch", 10, vec![4, 2, 1]),
    ] {
        let before = before.map(|place: usize| keys[place]);
        let page = people.elections_of(who, before, query, limit).await.expect("a page");
        let place = |key| if key == other { 4 } else { keys.iter().position(|one| *one == key).expect("one of ours") };
        let found: Vec<_> = page.iter().map(|one| place(one.registered.key)).collect();
        assert_eq!(found, expected, "{query:?} before {before:?}, at most {limit}");
    }
}

pub(super) async fn cohost_links_are_numbered_and_limited(backend: &dyn Backend) {
    let people = backend.archive();
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    let mut ids = Vec::new();
    for number in 0..LINKS_MAX {
        let number = u8::try_from(number).expect("few");
        ids.push(people.add_link(new_link(key, number)).await.expect("a link").expect("room"));
    }
    assert!(ids.is_sorted());
    assert_eq!(people.add_link(new_link(key, 200)).await.expect("an answer"), None, "too many");
    assert!(people.add_link(new_link(other, 201)).await.expect("a link").is_some(), "another election has room");
    assert!(people.add_link(new_link(other, 201)).await.is_err(), "one secret, one link");
    assert!(people.revoke_link(key, ids[3], later(5)).await.expect("revoked"));
    assert!(people.add_link(new_link(key, 202)).await.expect("a link").is_some(), "room again");
}

pub(super) async fn cohost_links_are_listed_by_election(backend: &dyn Backend) {
    let people = backend.archive();
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    for number in [1, 2] {
        people.add_link(new_link(key, number)).await.expect("a link").expect("room");
    }
    let listed = people.links(key).await.expect("the links");
    assert!(people.revoke_link(key, listed[1].id, later(5)).await.expect("revoked"));
    let listed = people.links(key).await.expect("the links");
    let shown: Vec<_> = listed.iter().map(|link| (link.hash[0], link.role, link.election, link.revoked)).collect();
    let expected = [(1, Role::CoHost, key, None), (2, Role::CoHost, key, Some(later(5)))];
    assert_eq!(shown, expected, "revoked ones too");
    assert_eq!((listed[0].by, listed[0].created), (Some(PersonId(1)), NOW));
    assert!(people.links(other).await.expect("the links").is_empty());
}

pub(super) async fn a_cohost_link_opens_until_it_is_revoked(backend: &dyn Backend) {
    let people = backend.archive();
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    let id = people.add_link(new_link(key, 1)).await.expect("a link").expect("room");
    assert_eq!(people.link([1; 32]).await.expect("a look-up").map(|link| (link.id, link.election)), Some((id, key)));
    assert_eq!(people.link([2; 32]).await.expect("a look-up"), None);
    assert!(!people.revoke_link(other, id, NOW).await.expect("an answer"), "it is another election's");
    assert!(!people.revoke_link(key, LinkId(id.0 + 99), NOW).await.expect("an answer"), "there is none");
    assert!(people.link([1; 32]).await.expect("a look-up").is_some());
    assert!(people.revoke_link(key, id, later(7)).await.expect("revoked"));
    assert!(!people.revoke_link(key, id, NOW).await.expect("an answer"), "already");
    assert_eq!(people.link([1; 32]).await.expect("a look-up"), None);
}

pub(super) async fn a_revoked_link_ends_its_sessions(backend: &dyn Backend) {
    let people = backend.archive();
    let key = opened(backend, Change::Final).await;
    let id = people.add_link(new_link(key, 1)).await.expect("a link").expect("room");
    let kept = people.add_link(new_link(key, 2)).await.expect("a link").expect("room");
    for (number, seat) in [(1, id), (2, id), (3, kept)] {
        people.begin_session(new_session(number, Seat::Link(seat), NOW)).await.expect("a session");
    }
    assert!(people.revoke_link(key, id, later(7)).await.expect("revoked"));
    let good = async |number: u8| people.session([number; 32], NOW).await.expect("a look-up").is_some();
    assert_eq!((good(1).await, good(2).await, good(3).await), (false, false, true), "its sessions end, others stay");
    assert!(people.sessions(Seat::Link(id), NOW).await.expect("sessions").is_empty());
    // One that was on its way while the link was revoked opens nothing either.
    people.begin_session(new_session(4, Seat::Link(id), NOW)).await.expect("a session");
    assert!(!good(4).await);
}
