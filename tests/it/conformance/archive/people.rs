//! Copies of people: they are changed, removed and made again, and a copy follows.

use hustings::ledger::{Invitation, PasswordHash, PersonId, Purpose, copy};
use hustings::tally::{VerifyError, verify};
use hustings_core::{LoginName, Role, Time};

use super::{add_person, copied, eventful, everything};
use crate::conformance::{Backend, audit};

pub(super) async fn a_copy_follows_people_who_come_and_go(backend: &dyn Backend) {
    let [changing, _] = eventful(backend).await;
    let target = backend.another().await;
    let (from, to) = (backend.archive(), target.archive());
    copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("a copy that is not completed");
    verify(&from, &to).await.expect("the same");
    let [ann, bob] = [PersonId(1), PersonId(2)];
    let differs = async |what: &str| {
        let refused = verify(&from, &to).await.expect_err(what);
        let is_told = match &refused {
            VerifyError::Moved => what == "moved",
            VerifyError::Differs { what: found, .. } => *found == what,
            VerifyError::Ledger(_) => false,
        };
        assert!(is_told, "{what}: {refused}");
        copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("another run");
        verify(&from, &to).await.expect("the same again");
    };
    assert!(from.set_password(ann, PasswordHash("$argon2id$new".to_owned()), None).await.expect("changed"));
    differs("the persons").await;
    from.set_member(changing, bob, Some(Role::Viewer)).await.expect("a part");
    differs("the members").await;
    assert!(from.revoke_link(changing, hustings::ledger::LinkId(2), Time(61)).await.expect("a revocation"));
    differs("the co-host links").await;
    assert!(from.withdraw([2; 32]).await.expect("taken back"));
    differs("the one-time links").await;
    let link = Invitation { hash: [8; 32], purpose: Purpose::Join, by: None, created: Time(9), expires: Time(99) };
    from.invite(link).await.expect("a link");
    differs("the one-time links").await;
    let dan = add_person(backend, "dan").await;
    differs("moved").await;
    // The name of one who is gone goes to another, also where both are in other pages.
    assert!(from.remove_person(bob).await.expect("removed"));
    let other = add_person(backend, "bob").await;
    differs("the persons").await;
    assert!(from.remove_person(dan).await.expect("removed"));
    assert!(from.remove_person(other).await.expect("removed"));
    differs("the persons").await;
    copied(&from, &to).await;
    assert_eq!(everything(from.as_ref()).await, everything(to.as_ref()).await);
    assert!(to.session([1; 32], Time(6)).await.expect("a look-up").is_none(), "sessions stay behind");
    assert!(from.session([1; 32], Time(6)).await.expect("a look-up").is_none(), "a new password ended it");
    // What is new gets other numbers than those that were copied.
    assert!(add_person(target.as_ref(), "eve").await > ann);
    let found = to.person_named(&LoginName::parse("ANN").expect("a name")).await.expect("a look-up").expect("ann");
    assert!(found.is_admin);
    audit(target.as_ref()).await;
}
