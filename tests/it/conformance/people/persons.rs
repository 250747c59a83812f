//! Persons, and the one-time links that make them.

use hustings::ledger::{Accepted, Invitation, NewPerson, Person, PersonId, Purpose, Seat};
use hustings_core::{Change, Role, Time};
use tokio::task::JoinSet;

use super::{NOW, add, invitation, later, name, new_person, new_session};
use crate::conformance::Backend;
use crate::conformance::support::opened;

pub(super) async fn a_name_is_given_once_in_any_case(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = add(&people, "Ann").await;
    for taken in ["Ann", "ann", " ANN ", "A\u{200B}nn"] {
        assert_eq!(people.add_person(new_person(taken)).await.expect("an answer"), None, "{taken}");
    }
    let bob = add(&people, "Bob").await;
    assert!(bob > ann, "{bob:?} comes after {ann:?}");
    assert!(people.remove_person(bob).await.expect("removed"));
    assert!(add(&people, "bob").await > bob, "the name is free again, the number is not");
}

pub(super) async fn racing_for_a_name_has_one_winner(backend: &dyn Backend) {
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let people = backend.archive();
        let new = new_person(if number % 2 == 0 { "ann" } else { "ANN" });
        racing.spawn(async move { people.add_person(new).await.expect("an answer") });
    }
    assert_eq!(racing.join_all().await.into_iter().flatten().count(), 1);
}

pub(super) async fn a_link_makes_one_person(backend: &dyn Backend) {
    let people = backend.archive();
    add(&people, "ann").await;
    people.invite(invitation(1, Purpose::Join)).await.expect("a link");
    assert_eq!(people.accept([2; 32], new_person("bob")).await.expect("an answer"), Accepted::Gone, "no such link");
    assert_eq!(people.accept([1; 32], new_person("Ann")).await.expect("an answer"), Accepted::NameTaken);
    assert!(people.invitation([1; 32], NOW).await.expect("a look-up").is_some(), "a name that is taken spends nothing");
    let late = NewPerson { created: later(1_000), ..new_person("bob") };
    assert_eq!(people.accept([1; 32], late).await.expect("an answer"), Accepted::Gone, "it has run out by then");
    let admin = NewPerson { is_admin: true, ..new_person("bob") };
    let Accepted::Person(bob) = people.accept([1; 32], admin).await.expect("an answer") else { panic!("no person") };
    let found = people.person(bob).await.expect("a look-up").expect("the person");
    assert_eq!((found.name, found.is_admin), (name("bob"), false), "an invitation makes nobody an administrator");
    assert_eq!(people.accept([1; 32], new_person("cat")).await.expect("an answer"), Accepted::Gone, "it is spent");
    people.invite(invitation(3, Purpose::Reset(bob))).await.expect("a link");
    assert_eq!(people.accept([3; 32], new_person("cat")).await.expect("an answer"), Accepted::Gone, "not for that");
    assert_eq!(people.persons(None, 10).await.expect("persons").len(), 2);
}

pub(super) async fn racing_for_a_link_makes_one_person(backend: &dyn Backend) {
    let people = backend.archive();
    people.invite(invitation(1, Purpose::Join)).await.expect("a link");
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let (people, new) = (backend.archive(), new_person(&format!("person {number}")));
        racing.spawn(async move { people.accept([1; 32], new).await.expect("an answer") });
    }
    let accepted = racing.join_all().await;
    let made = accepted.iter().filter(|one| matches!(one, Accepted::Person(_))).count();
    assert_eq!((made, people.persons(None, 10).await.expect("persons").len()), (1, 1), "{accepted:?}");
}

/// Several nodes print a link each, and several people open them at once.
pub(super) async fn an_installation_is_founded_once(backend: &dyn Backend) {
    let people = backend.archive();
    add(&people, "early bird").await;
    for number in 0..8 {
        people.invite(invitation(number, Purpose::Found)).await.expect("a link");
    }
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let (people, new) = (backend.archive(), new_person(&format!("person {number}")));
        racing.spawn(async move { people.accept([number; 32], new).await.expect("an answer") });
    }
    let accepted = racing.join_all().await;
    assert_eq!(accepted.iter().filter(|one| matches!(one, Accepted::Person(_))).count(), 1, "{accepted:?}");
    let persons = people.persons(None, 10).await.expect("persons");
    let admins: Vec<bool> = persons.iter().map(|person| person.is_admin).collect();
    assert_eq!(admins, [false, true]);
}

pub(super) async fn only_the_founder_may_do_everything(backend: &dyn Backend) {
    let people = backend.archive();
    assert!(!people.has_admin().await.expect("an answer"));
    add(&people, "ann").await;
    assert!(!people.has_admin().await.expect("an answer"), "a person who is none");
    people.invite(invitation(1, Purpose::Found)).await.expect("a link");
    let Accepted::Person(bob) = people.accept([1; 32], new_person("bob")).await.expect("an answer") else {
        panic!("no person")
    };
    assert!(people.has_admin().await.expect("an answer"));
    assert!(people.person(bob).await.expect("a look-up").expect("the person").is_admin);
    people.invite(invitation(2, Purpose::Found)).await.expect("a link");
    assert_eq!(people.accept([2; 32], new_person("cat")).await.expect("an answer"), Accepted::Gone);
    people.remove_person(bob).await.expect("removed");
    assert!(!people.has_admin().await.expect("an answer"));
    assert!(matches!(people.accept([2; 32], new_person("cat")).await, Ok(Accepted::Person(_))), "founded anew");
}

pub(super) async fn persons_are_found_by_number_and_name(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "Ann Lee").await, add(&people, "bob").await];
    let expected = Person {
        id: ann,
        name: name("Ann Lee"),
        password: new_person("Ann Lee").password,
        is_admin: false,
        created: NOW,
    };
    assert_eq!(people.person(ann).await.expect("a look-up").as_ref(), Some(&expected));
    assert_eq!(people.person_named(&name("Ann Lee")).await.expect("a look-up"), Some(expected));
    assert_eq!(people.person(PersonId(bob.0 + 100)).await.expect("a look-up"), None);
}

pub(super) async fn persons_are_found_in_any_case(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "Änn Lee").await, add(&people, "bob").await];
    for (written, expected) in [("änn lee", Some(ann)), ("ÄNN LEE", Some(ann)), ("BOB", Some(bob)), ("bobby", None)] {
        let found = people.person_named(&name(written)).await.expect("a look-up");
        assert_eq!(found.map(|person| person.id), expected, "{written}");
    }
}

pub(super) async fn persons_are_listed_page_by_page(backend: &dyn Backend) {
    let people = backend.archive();
    assert!(people.persons(None, 10).await.expect("a page").is_empty());
    let mut ids = Vec::new();
    for raw in ["ann", "bob", "cat", "dan"] {
        ids.push(add(&people, raw).await);
    }
    for (after, limit, expected) in [(None, 10, 0..4), (None, 2, 0..2), (Some(1), 2, 2..4), (Some(3), 2, 4..4)] {
        let page = people.persons(after.map(|place: usize| ids[place]), limit).await.expect("a page");
        let found: Vec<_> = page.iter().map(|person| person.id).collect();
        assert_eq!(found, ids[expected], "after {after:?}, at most {limit}");
    }
}

pub(super) async fn a_new_password_ends_other_sessions(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "ann").await, add(&people, "bob").await];
    for (number, of) in [(1, ann), (2, ann), (3, bob)] {
        people.begin_session(new_session(number, Seat::Person(of), NOW)).await.expect("a session");
    }
    let changed = new_person("changed").password;
    assert!(people.set_password(ann, changed.clone(), Some([2; 32])).await.expect("changed"));
    assert_eq!(people.person(ann).await.expect("a look-up").expect("the person").password, changed);
    let good = async |hash| people.session([hash; 32], NOW).await.expect("a look-up").is_some();
    assert_eq!((good(1).await, good(2).await, good(3).await), (false, true, true));
    assert!(people.set_password(ann, changed.clone(), None).await.expect("changed"));
    assert!(!good(2).await, "none is kept");
    assert!(!people.set_password(PersonId(999), changed, None).await.expect("an answer"), "nobody");
}

pub(super) async fn a_lost_password_is_replaced_once(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = add(&people, "ann").await;
    people.begin_session(new_session(9, Seat::Person(ann), NOW)).await.expect("a session");
    people.invite(invitation(1, Purpose::Reset(ann))).await.expect("a link");
    people.invite(invitation(2, Purpose::Join)).await.expect("a link");
    let reset = async |hash: u8, to: &str, at| {
        people.reset_password([hash; 32], new_person(to).password, at).await.expect("an answer")
    };
    assert_eq!(reset(2, "other", NOW).await, None, "a link for another purpose");
    assert_eq!(reset(1, "other", later(1_000)).await, None, "it has run out by then");
    assert!(people.session([9; 32], NOW).await.expect("a look-up").is_some());
    let mut racing = JoinSet::new();
    for number in 0..4 {
        let (people, password) = (backend.archive(), new_person(&format!("new {number}")).password);
        racing.spawn(async move { people.reset_password([1; 32], password, NOW).await.expect("an answer") });
    }
    assert_eq!(racing.join_all().await.into_iter().flatten().collect::<Vec<_>>(), [ann], "once");
    assert!(people.session([9; 32], NOW).await.expect("a look-up").is_none(), "whoever was in is out");
    assert_ne!(people.person(ann).await.expect("a look-up").expect("ann").password, new_person("ann").password);
    assert!(people.invitation([2; 32], NOW).await.expect("a look-up").is_some(), "others stay");
}

pub(super) async fn who_is_removed_leaves_nothing(backend: &dyn Backend) {
    let people = backend.archive();
    let [ann, bob] = [add(&people, "ann").await, add(&people, "bob").await];
    let key = opened(backend, Change::Final).await;
    for person in [ann, bob] {
        people.set_member(key, person, Some(Role::Owner)).await.expect("a part");
    }
    people.begin_session(new_session(1, Seat::Person(ann), NOW)).await.expect("a session");
    people.invite(invitation(1, Purpose::Reset(ann))).await.expect("a link");
    assert!(people.remove_person(ann).await.expect("removed"));
    assert!(!people.remove_person(ann).await.expect("an answer"), "already");
    assert_eq!(people.person(ann).await.expect("a look-up"), None);
    assert!(people.session([1; 32], NOW).await.expect("a look-up").is_none());
    assert!(people.invitation([1; 32], NOW).await.expect("a look-up").is_none());
    assert_eq!(people.membership(ann, key).await.expect("a look-up"), None);
    let members = people.members(key).await.expect("the members");
    assert_eq!(members.iter().map(|member| member.person).collect::<Vec<_>>(), [bob]);
}

pub(super) async fn a_link_is_good_until_it_runs_out(backend: &dyn Backend) {
    let people = backend.archive();
    let ann = add(&people, "ann").await;
    for (number, purpose) in [(1, Purpose::Reset(ann)), (2, Purpose::Join), (3, Purpose::Found)] {
        let link = Invitation { by: (number == 2).then_some(ann), ..invitation(number, purpose) };
        people.invite(link.clone()).await.expect("a link");
        let found = async |at| people.invitation([number; 32], at).await.expect("a look-up");
        assert_eq!(found(later(999)).await, Some(link));
        assert_eq!(found(later(1_000)).await, None, "{purpose:?}");
    }
    assert_eq!(people.invitation([4; 32], NOW).await.expect("a look-up"), None);
}

pub(super) async fn links_are_listed_the_latest_first(backend: &dyn Backend) {
    let people = backend.archive();
    let late = Invitation { created: later(5), expires: later(2_000), ..invitation(2, Purpose::Join) };
    let links = [invitation(1, Purpose::Join), late, invitation(3, Purpose::Found)];
    for link in &links {
        people.invite(link.clone()).await.expect("a link");
    }
    let listed = async |at: Time| people.invitations(at).await.expect("the links");
    assert_eq!(listed(NOW).await, [links[1].clone(), links[0].clone(), links[2].clone()]);
    assert_eq!(listed(later(1_000)).await, [links[1].clone()]);
    assert!(listed(later(2_000)).await.is_empty());
}

pub(super) async fn links_that_have_run_out_are_forgotten(backend: &dyn Backend) {
    let people = backend.archive();
    people.invite(invitation(1, Purpose::Join)).await.expect("a link");
    let next = Invitation { created: later(1_000), expires: later(3_000), ..invitation(2, Purpose::Join) };
    people.invite(next.clone()).await.expect("a link");
    assert_eq!(people.invitations(Time(0)).await.expect("the links"), std::slice::from_ref(&next));
    assert!(people.invite(next).await.is_err(), "one secret, one link");
}

pub(super) async fn a_link_taken_back_opens_nothing(backend: &dyn Backend) {
    let people = backend.archive();
    for number in [1, 2] {
        people.invite(invitation(number, Purpose::Join)).await.expect("a link");
    }
    assert!(people.withdraw([1; 32]).await.expect("taken back"));
    assert!(!people.withdraw([1; 32]).await.expect("an answer"), "already");
    assert_eq!(people.accept([1; 32], new_person("ann")).await.expect("an answer"), Accepted::Gone);
    assert!(matches!(people.accept([2; 32], new_person("ann")).await, Ok(Accepted::Person(_))));
}
