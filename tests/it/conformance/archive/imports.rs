//! What a store takes: pages into an unfinished copy, and nothing that contradicts what is there.

use hustings::ledger::{
    Case, ElectionKey, HashedToken, Holds, LedgerError, Page, Registered, Settled, Stored, Submitted, TokenId,
};
use hustings_core::{Chain, Change, Election, Entry, Format, Method, Schedule, Seq, SubmissionId, Time};
use std::sync::Arc;
use uuid::Uuid;

use super::{CHECK, begun, copied, eventful, everything, make_token, paged};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit};

pub(super) async fn a_store_says_how_much_of_an_installation_it_holds(backend: &dyn Backend) {
    let says = async |store: &dyn Backend| {
        let found = store.archive().installation().await.expect("an answer");
        assert_eq!(found.secret_check, Some(CHECK));
        found.holds
    };
    let target = backend.another().await;
    assert_eq!(says(target.as_ref()).await, Holds::Nothing);
    target.archive().begin(CHECK).await.expect("begun");
    assert_eq!(says(target.as_ref()).await, Holds::Unfinished);
    target.archive().complete().await.expect("complete");
    assert_eq!(says(target.as_ref()).await, Holds::Nothing, "a copy of an installation without elections");
    make_token(target.as_ref(), 1).await;
    assert_eq!(says(target.as_ref()).await, Holds::All, "a token is enough");
    assert_eq!(says(backend).await, Holds::Nothing);
    opened(backend, Change::Final).await;
    assert_eq!(says(backend).await, Holds::All);
}

pub(super) async fn an_installation_begins_with_the_newest_format(backend: &dyn Backend) {
    assert_eq!(backend.archive().installation().await.expect("an answer").format, Format::NEWEST);
}

pub(super) async fn a_copy_allows_what_its_source_allows(backend: &dyn Backend) {
    eventful(backend).await;
    let target = backend.another().await;
    let format = async || target.archive().installation().await.expect("an answer").format;
    target.force_format(Format(0)).await;
    copied(&backend.archive(), &target.archive()).await;
    assert_eq!(format().await, Format::NEWEST, "that of its source");

    let target = begun(backend).await;
    target.archive().import(Page::Format(Format(0))).await.expect("a page");
    assert_eq!(target.archive().installation().await.expect("an answer").format, Format::NEWEST, "it fell");
}

pub(super) async fn only_a_store_that_holds_nothing_becomes_a_copy(backend: &dyn Backend) {
    let target = begun(backend).await;
    refused(target.archive().begin([8; 16]).await, "installation", "secret_check");
    target.archive().begin(CHECK).await.expect("the same again");
    let key = opened(backend, Change::Final).await;
    refused(backend.archive().begin(CHECK).await, "installation", "migrating");
    assert_eq!(answers(backend, vec![vote(ANN, TEA).to(key)]).await, ["accepted 2"], "and is left alone");
    assert_eq!(backend.archive().installation().await.expect("an answer").holds, Holds::All);
}

pub(super) async fn only_an_unfinished_copy_is_written_to(backend: &dyn Backend) {
    eventful(backend).await;
    let all = everything(backend.archive().as_ref()).await;
    for page in paged(&all, 100) {
        refused(backend.archive().import(page).await, "installation", "migrating");
    }
    let target = begun(backend).await;
    for page in paged(&all, 100) {
        target.archive().import(page).await.expect("a page");
    }
    target.archive().complete().await.expect("complete");
    target.archive().complete().await.expect("complete is complete");
    for page in paged(&all, 100) {
        refused(target.archive().import(page).await, "installation", "migrating");
    }
    assert_eq!(everything(target.archive().as_ref()).await, all);
}

pub(super) async fn the_same_page_twice_changes_nothing(backend: &dyn Backend) {
    let keys = eventful(backend).await;
    let all = everything(backend.archive().as_ref()).await;
    for limit in [1, 2, 3, 100] {
        let target = begun(backend).await;
        for page in paged(&all, limit) {
            target.archive().import(page.clone()).await.expect("a page");
            let (before, heads) = (everything(target.archive().as_ref()).await, heads(target.as_ref(), &keys).await);
            target.archive().import(page.clone()).await.expect("the same page");
            assert_eq!(everything(target.archive().as_ref()).await, before, "{page:?} again, in pages of {limit}");
            assert_eq!(heads, self::heads(target.as_ref(), &keys).await, "{page:?} again moved a head");
        }
        for page in paged(&all, 2) {
            target.archive().import(page).await.expect("a page of another size");
        }
        assert_eq!(everything(target.archive().as_ref()).await, all, "in pages of {limit}");
        audit(target.as_ref()).await;
    }
}

async fn heads(backend: &dyn Backend, keys: &[ElectionKey]) -> Vec<(ElectionKey, hustings::ledger::Head)> {
    backend.ledger().heads(keys).await.expect("the heads")
}

pub(super) async fn a_page_of_before_takes_nothing_back(backend: &dyn Backend) {
    eventful(backend).await;
    let all = everything(backend.archive().as_ref()).await;
    let target = begun(backend).await;
    let archive = target.archive();
    for page in paged(&all, 100) {
        archive.import(page).await.expect("a page");
    }
    let (Registered { key, election }, ..) = all.elections[0].clone();
    let earlier = Election { contests: election.contests[..1].to_vec(), ..(*election).clone() };
    archive.import(Page::Elections(vec![Registered { key, election: Arc::new(earlier) }])).await.expect("one round");
    let mut tokens = all.tokens.clone();
    assert!(tokens[1].token.revoked.take().is_some());
    archive.import(Page::Tokens(tokens)).await.expect("before it was revoked");
    let waiting = all.cases.iter().map(|case| Case { settled: None, ..case.clone() }).collect();
    archive.import(Page::Cases(key, waiting)).await.expect("before it was settled");
    assert_eq!(everything(archive.as_ref()).await, all);
}

/// The pages that contradict an installation, with the table and the key that must be named.
fn contradictions(all: &super::Everything) -> Vec<(Page, &'static str, String)> {
    let (Registered { key, election }, entries, submissions) = &all.elections[0];
    let defined = |key: u32, election: Election| {
        Page::Elections(vec![Registered { key: ElectionKey(key), election: Arc::new(election) }])
    };
    let (one, free) = ((**election).clone(), 99);
    let fresh = poll(Method::Single, Change::Final, Schedule::default());
    let mut other_choices = one.clone();
    other_choices.contests[1].choices.pop();
    let mut entry = Entry::clone(&entries[1].entry);
    entry.time = Time(entry.time.0 + 1);
    let other_entry = Stored::new(entry.clone(), entry.to_bytes());
    let id = submissions[0].id;
    let nobody = SubmissionId(Uuid::from_u128(77));
    let token = |change: fn(&mut HashedToken)| {
        let mut token = all.tokens[1].clone();
        change(&mut token);
        Page::Tokens(vec![token])
    };
    let row = |what: &dyn std::fmt::Display| format!("({}, {what})", key.0);
    let case = |change: fn(&mut Case)| {
        let mut case = all.cases[0].clone();
        change(&mut case);
        let digest: String = case.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        (Page::Cases(*key, vec![case]), "quarantine", row(&digest))
    };
    vec![
        (defined(key.0, Election { title: text("Beer?"), ..one.clone() }), "election", key.0.to_string()),
        (defined(key.0, other_choices), "election", key.0.to_string()),
        (defined(key.0, fresh.clone()), "election", key.0.to_string()),
        (defined(free, one.clone()), "election", key.0.to_string()),
        (defined(free, Election { id: one.id, ..fresh.clone() }), "election", key.0.to_string()),
        (defined(free, Election { code: one.code, ..fresh }), "election", key.0.to_string()),
        (Page::Entries(*key, vec![other_entry]), "entry", row(&2)),
        (Page::Submissions(*key, vec![Submitted { id, seq: Seq(4) }]), "submission", row(&id)),
        (Page::Submissions(*key, vec![Submitted { id: nobody, seq: Seq(99) }]), "entry", row(&99)),
        case(|case| case.request = b"another".to_vec()),
        case(|case| case.existing = Seq(3)),
        case(|case| case.settled = Some(Settled { reason: None, ..super::settled() })),
        case(|case| (case.digest, case.existing) = ([77; 32], Seq(99))),
        (token(|token| token.hash = [3; 32]), "token", "2".to_owned()),
        (token(|token| token.token.id = TokenId(77)), "token", "2".to_owned()),
        (token(|token| token.token.name = "another".to_owned()), "token", "2".to_owned()),
        (token(|token| token.token.revoked = Some(Time(51))), "token", "2".to_owned()),
    ]
}

pub(super) async fn what_contradicts_is_named(backend: &dyn Backend) {
    eventful(backend).await;
    let all = everything(backend.archive().as_ref()).await;
    let target = begun(backend).await;
    for page in paged(&all, 100) {
        target.archive().import(page).await.expect("a page");
    }
    for (page, table, key) in contradictions(&all) {
        // What stands before a contradiction in the same page is not written either.
        let page = match page {
            Page::Elections(mut one) => {
                let fresh = poll(Method::Single, Change::Final, Schedule::default());
                one.insert(0, Registered { key: ElectionKey(50), election: Arc::new(fresh) });
                Page::Elections(one)
            }
            other => other,
        };
        refused(target.archive().import(page).await, table, &key);
    }
    assert_eq!(everything(target.archive().as_ref()).await, all, "a refused page left something behind");
}

pub(super) async fn only_what_follows_is_taken(backend: &dyn Backend) {
    eventful(backend).await;
    let all = everything(backend.archive().as_ref()).await;
    let (registered, entries, submissions) = &all.elections[0];
    let target = begun(backend).await;
    let (archive, key) = (target.archive(), registered.key);
    refused(archive.import(Page::Entries(key, entries.clone())).await, "head", &key.0.to_string());
    archive.import(Page::Elections(vec![registered.clone()])).await.expect("a definition");
    let gap = vec![entries[0].clone(), entries[2].clone()];
    let before_the_opening = vec![entries[1].clone()];
    for (what, page) in [("a gap", gap), ("a vote before the opening", before_the_opening)] {
        let refused = archive.import(Page::Entries(key, page)).await;
        assert!(matches!(refused, Err(LedgerError::Damaged { table: "entry", .. })), "{what}: {refused:?}");
        let head = heads(target.as_ref(), &[key]).await[0].1;
        assert_eq!((head.seq, head.chain), (Seq(0), Chain::EMPTY), "{what}");
    }
    // An id that stands for another entry already than the one that brings it.
    archive.import(Page::Entries(key, entries[..2].to_vec())).await.expect("the first entries");
    let id = submissions[2].id;
    archive.import(Page::Submissions(key, vec![Submitted { id, seq: Seq(2) }])).await.expect("a repeat, so it seems");
    refused(
        archive.import(Page::Entries(key, entries[2..].to_vec())).await,
        "submission",
        &format!("({}, {id})", key.0),
    );
}

pub(super) async fn keys_are_kept_and_not_given_again(backend: &dyn Backend) {
    let target = begun(backend).await;
    let mut defined = Vec::new();
    for key in [9, 4] {
        let election = Arc::new(poll(Method::Single, Change::Final, Schedule::default()));
        defined.push(Registered { key: ElectionKey(key), election });
    }
    target.archive().import(Page::Elections(defined)).await.expect("two definitions");
    make_token(backend, 1).await;
    let mut tokens = backend.archive().hashed_tokens(None, 1).await.expect("a token");
    tokens[0].token.id = TokenId(7);
    target.archive().import(Page::Tokens(tokens)).await.expect("a token");
    target.archive().complete().await.expect("complete");
    assert_eq!(opened(target.as_ref(), Change::Final).await, ElectionKey(10));
    make_token(target.as_ref(), 2).await;
    let ids: Vec<_> = target.registry().tokens().await.expect("the tokens").iter().map(|token| token.id.0).collect();
    assert_eq!(ids, [7, 8]);
    audit(target.as_ref()).await;
}

/// The refusal names this row.
#[track_caller]
fn refused(result: Result<(), LedgerError>, table: &str, key: &str) {
    match result {
        Err(LedgerError::Conflict { table: found, key: row, .. }) if found == table && row == key => {}
        other => panic!("expected a conflict in {table} row {key}, found {other:?}"),
    }
}
