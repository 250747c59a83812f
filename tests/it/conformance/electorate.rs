//! The suite of [`hustings::ledger::Electorate`].

use hustings::ledger::{
    CODES_MAX, CodeCount, CodeHash, CodeNumber, DeviceHash, Elector, JoinedCount, KeptCode, LedgerError, NewCode,
    NewElection, Removal, Wanted, copy,
};
use hustings::tally::verify;
use hustings_core::{Change, ElectionId, Schedule, Time};
use tokio::task::JoinSet;

use super::Backend;
use super::support::*;

super::on_every_store!({
    make_codes:
        codes_are_made_together_or_not_at_all,
        racing_makers_leave_no_gap,
        a_limit_holds_for_all_codes;
    code:
        a_code_is_found_by_its_hash_in_its_own_election;
    first_code:
        a_place_is_found_by_its_first_code;
    codes:
        codes_are_listed_page_by_page;
    count_codes:
        made_and_revoked_are_counted;
    revoke_code:
        a_code_is_revoked_once_and_for_ever;
    replace_code:
        another_code_in_the_same_place_is_the_same_voter,
        racing_replacements_have_one_winner;
    relist_code:
        a_revoked_place_is_filled_again_by_the_same_voter,
        racing_relistings_have_one_winner;
    note_joined:
        a_device_is_counted_once,
        racing_nodes_count_a_device_once;
    joined:
        new_devices_are_counted_by_the_minute;
    joined_devices:
        what_belongs_to_the_id_stays_with_a_new_definition_and_goes_with_the_last,
        an_electorate_is_copied;
});

async fn election(backend: &dyn Backend) -> (hustings::ledger::ElectionKey, ElectionId) {
    let key = drafted(backend, Schedule::default()).await;
    let found = backend.registry().election(Wanted::Key(key)).await.expect("a look-up").expect("the draft");
    (key, found.election.id)
}

fn hash(number: u8) -> CodeHash {
    CodeHash([number; 16])
}

fn new(number: u8) -> NewCode {
    NewCode { hash: hash(number), person: None, made: Time(number.into()) }
}

fn listed(number: u8, name: &str, email: Option<&str>) -> NewCode {
    NewCode { person: Some(Elector { name: text(name), email: email.map(text) }), ..new(number) }
}

async fn make(backend: &dyn Backend, id: ElectionId, codes: Vec<NewCode>) -> Option<u32> {
    backend.electorate().make_codes(id, codes, None).await.expect("no error").map(|first| first.0)
}

async fn all(backend: &dyn Backend, id: ElectionId) -> Vec<KeptCode> {
    backend.electorate().codes(id, None, 1_000).await.expect("a page")
}

async fn codes_are_made_together_or_not_at_all(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    assert_eq!(make(backend, id, vec![new(1), new(2)]).await, Some(1));
    assert_eq!(make(backend, id, vec![listed(3, "Ann", None), listed(4, "Bob", Some("bob@x.example"))]).await, Some(3));
    let taken = backend.electorate().make_codes(id, vec![new(5), new(2)], None).await;
    assert!(matches!(taken, Err(LedgerError::CodeTaken)), "{taken:?}");
    let doubled = backend.electorate().make_codes(id, vec![new(6), new(6)], None).await;
    assert!(matches!(doubled, Err(LedgerError::CodeTaken)), "{doubled:?}");
    assert_eq!(
        backend.electorate().make_codes(id, vec![new(7)], Some(3)).await.expect("no error"),
        None,
        "there are 4"
    );
    assert_eq!(make(backend, ElectionId(uuid::Uuid::nil()), vec![new(7)]).await, None, "no such election");
    let kept = all(backend, id).await;
    assert_eq!(
        kept.iter().map(|one| (one.number.0, one.hash)).collect::<Vec<_>>(),
        (1..=4).map(|n| (u32::from(n), hash(n))).collect::<Vec<_>>()
    );
    assert!(kept.iter().all(|one| one.voter == one.hash && one.revoked.is_none()));
    assert_eq!((kept[3].person.clone(), kept[3].made), (listed(4, "Bob", Some("bob@x.example")).person, Time(4)));
    assert_eq!((kept[2].person.clone(), kept[0].person.clone()), (listed(3, "Ann", None).person, None));
    let first = backend.electorate().make_codes(id, vec![new(7)], Some(4)).await.expect("no error");
    assert_eq!(first, Some(CodeNumber(5)));
}

async fn racing_makers_leave_no_gap(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    let mut racing = JoinSet::new();
    for number in 0..8_u8 {
        let electorate = backend.electorate();
        let codes = (0..5).map(|part| new(number * 5 + part + 1)).collect();
        racing.spawn(
            async move { electorate.make_codes(id, codes, None).await.expect("no error").expect("it is there") },
        );
    }
    let mut firsts: Vec<u32> = racing.join_all().await.into_iter().map(|first| first.0).collect();
    firsts.sort_unstable();
    assert_eq!(firsts, (0..8).map(|at| at * 5 + 1).collect::<Vec<_>>());
    assert_eq!(all(backend, id).await.len(), 40);
    // Two that were made for the same roster: one of them hears that it has moved.
    let mut racing = JoinSet::new();
    for number in [100, 101] {
        let electorate = backend.electorate();
        racing.spawn(async move {
            electorate.make_codes(id, vec![listed(number, "Ann", None)], Some(40)).await.expect("no error")
        });
    }
    assert_eq!(racing.join_all().await.into_iter().flatten().count(), 1);
}

async fn a_limit_holds_for_all_codes(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    make(backend, id, vec![new(1)]).await;
    let many = (0..CODES_MAX).map(|number| {
        let mut bytes = [9; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        NewCode { hash: CodeHash(bytes), person: None, made: Time(0) }
    });
    let refused = backend.electorate().make_codes(id, many.collect(), None).await;
    assert!(matches!(refused, Err(LedgerError::TooManyCodes)), "{refused:?}");
    assert_eq!(all(backend, id).await.len(), 1);
}

async fn a_code_is_found_by_its_hash_in_its_own_election(backend: &dyn Backend) {
    let [(_, one), (_, other)] = [election(backend).await, election(backend).await];
    make(backend, one, vec![new(1), listed(2, "Ann", None)]).await;
    let find = async |id, number| backend.electorate().code(id, hash(number)).await.expect("a look-up");
    assert_eq!(
        find(one, 2).await.map(|kept| (kept.number, kept.person)),
        Some((CodeNumber(2), listed(2, "Ann", None).person))
    );
    assert_eq!((find(other, 1).await, find(one, 3).await), (None, None));
    make(backend, other, vec![new(1)]).await;
    assert_eq!(find(other, 1).await.map(|kept| kept.number), Some(CodeNumber(1)), "the same hash in another election");
}

async fn codes_are_listed_page_by_page(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    make(backend, id, (1..=5).map(new).collect()).await;
    for (after, limit, expected) in
        [(None, 10, 1..6), (None, 2, 1..3), (Some(2), 2, 3..5), (Some(5), 2, 6..6), (None, 0, 1..1)]
    {
        let page = backend.electorate().codes(id, after.map(CodeNumber), limit).await.expect("a page");
        assert_eq!(
            page.iter().map(|one| one.number.0).collect::<Vec<_>>(),
            expected.collect::<Vec<_>>(),
            "after {after:?}"
        );
    }
}

async fn made_and_revoked_are_counted(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    let count = async || backend.electorate().count_codes(id).await.expect("a count");
    assert_eq!(count().await, CodeCount::default());
    make(backend, id, (1..=5).map(new).collect()).await;
    backend.electorate().revoke_code(id, CodeNumber(2), Time(9)).await.expect("a revocation");
    assert_eq!(count().await, CodeCount { made: 5, revoked: 1 });
}

async fn a_code_is_revoked_once_and_for_ever(backend: &dyn Backend) {
    let [(_, id), (_, other)] = [election(backend).await, election(backend).await];
    make(backend, id, vec![new(1), new(2)]).await;
    let revoke = async |id, number, at| {
        backend.electorate().revoke_code(id, CodeNumber(number), Time(at)).await.expect("no error")
    };
    assert!(revoke(id, 1, 50).await);
    assert!(!revoke(id, 1, 60).await && !revoke(id, 3, 60).await && !revoke(other, 2, 60).await);
    let kept = all(backend, id).await;
    assert_eq!(kept.iter().map(|one| one.revoked).collect::<Vec<_>>(), [Some(Time(50)), None], "the first time stands");
    let again = backend.electorate().make_codes(id, vec![new(1)], None).await;
    assert!(matches!(again, Err(LedgerError::CodeTaken)), "the same code cannot come back: {again:?}");
}

async fn another_code_in_the_same_place_is_the_same_voter(backend: &dyn Backend) {
    let [(_, id), (_, other)] = [election(backend).await, election(backend).await];
    make(backend, id, vec![listed(1, "Ann", Some("ann@x.example")), new(2)]).await;
    let replace = async |id, number, before, code, at| {
        backend.electorate().replace_code(id, CodeNumber(number), hash(before), hash(code), Time(at)).await
    };
    let kept = replace(id, 1, 1, 3, 50).await.expect("no error").expect("it is there");
    let NewCode { person, .. } = listed(1, "Ann", Some("ann@x.example"));
    let expected =
        KeptCode { number: CodeNumber(1), hash: hash(3), voter: hash(1), person, made: Time(50), revoked: None };
    assert_eq!(kept, expected);
    assert_eq!(backend.electorate().code(id, hash(1)).await.expect("a look-up"), None, "the old one is nobody's");
    assert_eq!(backend.electorate().code(id, hash(3)).await.expect("a look-up").as_ref(), Some(&kept));
    assert_eq!(replace(id, 1, 1, 3, 50).await.expect("the same again"), Some(kept));
    assert_eq!(replace(id, 1, 1, 9, 55).await.expect("no error"), None, "that one was replaced by somebody else");
    let again = replace(id, 1, 3, 4, 60).await.expect("no error").expect("it is there");
    assert_eq!((again.voter, again.made), (hash(1), Time(60)), "the voter of the first code, however often");
    let taken = replace(id, 1, 4, 2, 70).await;
    assert!(matches!(taken, Err(LedgerError::CodeTaken)), "{taken:?}");
    backend.electorate().revoke_code(id, CodeNumber(2), Time(80)).await.expect("a revocation");
    for (id, number, before) in [(id, 2, 2), (id, 3, 4), (id, 0, 4), (other, 1, 4)] {
        assert_eq!(replace(id, number, before, 9, 90).await.expect("no error"), None, "{number}");
    }
    assert_eq!(backend.electorate().count_codes(id).await.expect("a count"), CodeCount { made: 2, revoked: 1 });
}

async fn racing_replacements_have_one_winner(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    make(backend, id, vec![new(1)]).await;
    let mut racing = JoinSet::new();
    for code in 2..10 {
        let electorate = backend.electorate();
        racing.spawn(async move {
            electorate.replace_code(id, CodeNumber(1), hash(1), hash(code), Time(50)).await.expect("no error")
        });
    }
    let won: Vec<KeptCode> = racing.join_all().await.into_iter().flatten().collect();
    assert_eq!(won, all(backend, id).await, "one of them, and it is there");
}

async fn a_place_is_found_by_its_first_code(backend: &dyn Backend) {
    let [(_, id), (_, other)] = [election(backend).await, election(backend).await];
    make(backend, id, vec![new(1), new(2)]).await;
    let first = async |id, code| backend.electorate().first_code(id, hash(code)).await.expect("a look-up");
    assert_eq!(first(id, 2).await.map(|kept| (kept.number.0, kept.hash)), Some((2, hash(2))));
    for code in [3, 4] {
        let replaced = backend.electorate().replace_code(id, CodeNumber(2), hash(code - 1), hash(code), Time(50)).await;
        assert!(replaced.expect("no error").is_some());
        assert_eq!(first(id, 2).await.map(|kept| (kept.number.0, kept.hash)), Some((2, hash(code))), "however often");
    }
    assert_eq!((first(id, 3).await, first(id, 4).await, first(other, 2).await), (None, None, None));
}

async fn a_revoked_place_is_filled_again_by_the_same_voter(backend: &dyn Backend) {
    let [(_, id), (_, other)] = [election(backend).await, election(backend).await];
    make(backend, id, vec![listed(1, "Ann", Some("ann@x.example")), new(2)]).await;
    let relist = async |id, number, before, code, at| {
        backend.electorate().relist_code(id, CodeNumber(number), hash(before), hash(code), Time(at)).await
    };
    assert_eq!(relist(id, 1, 1, 3, 90).await.expect("no error"), None, "it is good");
    backend.electorate().revoke_code(id, CodeNumber(1), Time(50)).await.expect("a revocation");
    for (id, number, before, at) in [(id, 1, 2, 90), (id, 3, 1, 90), (id, 0, 1, 90), (other, 1, 1, 90), (id, 1, 1, 50)]
    {
        assert_eq!(relist(id, number, before, 3, at).await.expect("no error"), None, "{number} {before} {at}");
    }
    let taken = relist(id, 1, 1, 2, 60).await;
    assert!(matches!(taken, Err(LedgerError::CodeTaken)), "{taken:?}");
    let kept = relist(id, 1, 1, 3, 60).await.expect("no error").expect("it is there");
    let NewCode { person, .. } = listed(1, "Ann", Some("ann@x.example"));
    let expected =
        KeptCode { number: CodeNumber(1), hash: hash(3), voter: hash(1), person, made: Time(60), revoked: None };
    assert_eq!(kept, expected);
    assert_eq!(relist(id, 1, 1, 3, 60).await.expect("the same again"), Some(kept.clone()));
    assert_eq!(backend.electorate().code(id, hash(1)).await.expect("a look-up"), None, "the old one is nobody's");
    assert_eq!(all(backend, id).await[0], kept);
    assert_eq!(backend.electorate().count_codes(id).await.expect("a count"), CodeCount { made: 2, revoked: 0 });
    backend.electorate().revoke_code(id, CodeNumber(1), Time(70)).await.expect("a revocation");
    assert_eq!(relist(id, 1, 1, 3, 60).await.expect("no error"), None, "a retry that comes late brings nothing back");
    let again = relist(id, 1, 3, 4, 80).await.expect("no error").expect("it is there");
    assert_eq!((again.voter, again.made, again.revoked), (hash(1), Time(80), None), "the same voter, however often");
}

async fn racing_relistings_have_one_winner(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    make(backend, id, vec![new(1)]).await;
    backend.electorate().revoke_code(id, CodeNumber(1), Time(40)).await.expect("a revocation");
    let mut racing = JoinSet::new();
    for code in 2..10 {
        let electorate = backend.electorate();
        racing.spawn(async move {
            electorate.relist_code(id, CodeNumber(1), hash(1), hash(code), Time(50)).await.expect("no error")
        });
    }
    let won: Vec<KeptCode> = racing.join_all().await.into_iter().flatten().collect();
    assert_eq!(won, all(backend, id).await, "one of them, and it is there");
}

fn device(number: u32) -> DeviceHash {
    DeviceHash((u64::from(number) << 8).to_be_bytes())
}

async fn note(backend: &dyn Backend, id: ElectionId, devices: &[u32], at: u64) -> u64 {
    let devices = devices.iter().copied().map(device).collect();
    backend.electorate().note_joined(id, devices, Time(at)).await.expect("a note")
}

async fn a_device_is_counted_once(backend: &dyn Backend) {
    let [(_, id), (_, other)] = [election(backend).await, election(backend).await];
    assert_eq!(note(backend, id, &[1, 2, 2, 3], 0).await, 3);
    assert_eq!(note(backend, id, &[3, 4], 0).await, 1);
    assert_eq!(note(backend, id, &[], 0).await, 0);
    assert_eq!(note(backend, other, &[1], 0).await, 1, "elections know nothing of each other");
    assert_eq!(note(backend, ElectionId(uuid::Uuid::nil()), &[1], 0).await, 0, "no such election");
    let joined = async |id| backend.electorate().joined(id, Time(0)).await.expect("a count").devices;
    assert_eq!((joined(id).await, joined(other).await, joined(ElectionId(uuid::Uuid::nil())).await), (4, 1, 0));
}

async fn racing_nodes_count_a_device_once(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    let mut racing = JoinSet::new();
    for _ in 0..8 {
        let electorate = backend.electorate();
        racing.spawn(async move {
            electorate.note_joined(id, (0..100).map(device).collect(), Time(1)).await.expect("a note")
        });
    }
    assert_eq!(racing.join_all().await.iter().sum::<u64>(), 100);
    assert_eq!(
        backend.electorate().joined(id, Time(0)).await.expect("a count"),
        JoinedCount { devices: 100, recent: 100 }
    );
}

async fn new_devices_are_counted_by_the_minute(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    const MINUTE: u64 = 60_000;
    note(backend, id, &[1, 2], 10 * MINUTE).await;
    note(backend, id, &[2, 3], 11 * MINUTE + 59_999).await;
    note(backend, id, &[4], 12 * MINUTE).await;
    for (since, recent) in
        [(0, 4), (10 * MINUTE, 4), (11 * MINUTE, 2), (11 * MINUTE + 59_999, 2), (12 * MINUTE, 1), (13 * MINUTE, 0)]
    {
        let joined = backend.electorate().joined(id, Time(since)).await.expect("a count");
        assert_eq!(joined, JoinedCount { devices: 4, recent }, "since {since}");
    }
    // In which minute somebody came is forgotten after an hour, and not that.
    note(backend, id, &[5], 73 * MINUTE).await;
    assert_eq!(backend.electorate().joined(id, Time(0)).await.expect("a count"), JoinedCount { devices: 5, recent: 1 });
}

async fn devices(backend: &dyn Backend, id: ElectionId) -> usize {
    let (mut last, mut all) = (None, 0);
    loop {
        let page = backend.electorate().joined_devices(id, last, 2).await.expect("a page");
        assert!(page.is_sorted() && page.first().is_none_or(|first| Some(*first) > last));
        let Some(end) = page.last() else { return all };
        all += page.len();
        last = Some(*end);
    }
}

async fn what_belongs_to_the_id_stays_with_a_new_definition_and_goes_with_the_last(backend: &dyn Backend) {
    let (key, id) = election(backend).await;
    make(backend, id, vec![new(1), listed(2, "Ann", None)]).await;
    note(backend, id, &[1, 2, 3], 0).await;
    let found = backend.registry().election(Wanted::Key(key)).await.expect("a look-up").expect("the draft");
    let again = NewElection { election: found.election.as_ref().clone(), acts: Vec::new(), owner: None };
    let made = backend.registry().redefine(key, again).await.expect("an edit").expect("it is there").key;
    while backend.registry().erase(3).await.expect("a page") > 0 {}
    assert_eq!((all(backend, id).await.len(), devices(backend, id).await), (2, 3), "they stay");
    let removal = Removal { by: text("host"), reason: None };
    backend.registry().remove(made, removal).await.expect("no error").expect("it was there");
    let mut erased = 0;
    loop {
        match backend.registry().erase(3).await.expect("a page") {
            0 => break,
            some => erased += some,
        }
    }
    // Two codes, three devices, their total and their minute, and the note of it.
    assert_eq!(erased, 8);
    assert_eq!((all(backend, id).await.len(), devices(backend, id).await), (0, 0), "no name stays behind");
}

async fn an_electorate_is_copied(backend: &dyn Backend) {
    let (_, id) = election(backend).await;
    opened(backend, Change::Final).await;
    make(backend, id, vec![new(1), listed(2, "Ann", Some("ann@x.example")), new(3), new(6), new(7)]).await;
    for number in [1, 4, 5] {
        backend.electorate().revoke_code(id, CodeNumber(number), Time(50)).await.expect("a revocation");
    }
    note(backend, id, &[1, 2, 3], 0).await;
    let target = backend.another().await;
    let (from, to) = (backend.archive(), target.archive());
    copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("a copy that is not completed");
    backend.electorate().revoke_code(id, CodeNumber(3), Time(60)).await.expect("a revocation");
    let replaced = backend.electorate().replace_code(id, CodeNumber(2), hash(2), hash(9), Time(70)).await;
    assert!(replaced.expect("no error").is_some());
    for (number, before, code) in [(4, 6, 16), (5, 7, 17)] {
        let relisted =
            backend.electorate().relist_code(id, CodeNumber(number), hash(before), hash(code), Time(70)).await;
        assert!(relisted.expect("no error").is_some());
    }
    // Revoked, listed again and revoked again between two copies.
    backend.electorate().revoke_code(id, CodeNumber(5), Time(80)).await.expect("a revocation");
    make(backend, id, vec![new(4)]).await;
    note(backend, id, &[3, 4], 0).await;
    copy(from.as_ref(), to.as_ref(), &mut |_| {}).await.expect("it goes on");
    verify(&from, &to).await.expect("the same");
    to.complete().await.expect("complete");
    assert_eq!(all(target.as_ref(), id).await, all(backend, id).await);
    assert_eq!(devices(target.as_ref(), id).await, 4);
    assert_eq!(make(target.as_ref(), id, vec![new(5)]).await, Some(7));
}
