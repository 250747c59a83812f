//! Definitions that are replaced, and elections that are removed: once, whole, and under the lock that votes need too.

use hustings::ledger::{Answer, ElectionKey, LedgerError, NewElection, NewToken, Registered, Removal, Removed, Wanted};
use hustings_core::{ActKind, Change, Election, Format, Kind, Seq, Time};
use tokio::task::JoinSet;

use super::{bare, find, listed, new_token, simple, slug};
use crate::conformance::night::{election_of_boxes, first_acts};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

async fn drafted(backend: &dyn Backend, election: Election) -> Registered {
    backend.registry().create(bare(election)).await.expect("a draft")
}

/// The same poll with another title.
fn edited(election: &Election, title: &str) -> Election {
    Election { title: text(title), ..election.clone() }
}

async fn redefine(
    backend: &dyn Backend,
    key: ElectionKey,
    election: Election,
) -> Result<Option<Registered>, LedgerError> {
    backend.registry().redefine(key, bare(election)).await
}

fn code(refused: Result<Option<Registered>, LedgerError>) -> &'static str {
    match refused {
        Err(LedgerError::Refused(rejection)) => rejection.code(),
        other => panic!("no refusal: {other:?}"),
    }
}

pub(super) async fn a_definition_is_replaced_until_it_is_opened(backend: &dyn Backend) {
    let first = drafted(backend, Election { slug: slug("town-hall"), ..simple() }).await;
    let token = NewToken { election: Some(first.key), ..new_token(1) };
    backend.registry().create_token(token).await.expect("a token");
    append(backend, vec![retitle(first.key, "As an entry")]).await;
    let other = simple();
    let asked =
        Election { id: other.id, code: other.code, created: Time(9), rehearsal: true, ..edited(&first.election, "B") };
    let second = redefine(backend, first.key, Election { slug: slug("city-hall"), ..asked }).await;
    let second = second.expect("an edit").expect("it is there");
    assert_ne!(second.key, first.key, "a definition under a key never changes");
    let expected = Election { slug: slug("city-hall"), ..edited(&first.election, "B") };
    assert_eq!(*second.election, expected, "id, code, birth and being a rehearsal stay");
    assert_eq!(find(backend, Wanted::Code(expected.code.clone())).await.as_ref(), Some(&second));
    for gone in [Wanted::Key(first.key), Wanted::Slug("town-hall".parse().expect("a slug"))] {
        assert!(find(backend, gone.clone()).await.is_none(), "{gone:?}");
    }
    assert!(backend.ledger().heads(&[first.key]).await.expect("no error").is_empty());
    assert_eq!(answers(backend, vec![to(first.key, act(OPEN))]).await, ["refused unknown_contest"]);
    assert_eq!(redefine(backend, first.key, expected.clone()).await.expect("no error"), None, "it is gone");
    let held = backend.registry().token([1; 32]).await.expect("a look-up").expect("the token");
    assert_eq!(held.election, Some(second.key), "what is for the one is for the other");

    let acts = vec![act_on(FIRST, OPEN)];
    let third = NewElection { election: edited(&second.election, "C"), acts, owner: None };
    let third = backend.registry().redefine(second.key, third).await.expect("an edit").expect("it is there");
    let fold = audit_election(backend, third.key).await;
    assert_eq!((fold.seq, fold.state.contests[0].name()), (Seq(1), "open"), "its ledger begins anew");
    assert_eq!(code(redefine(backend, third.key, expected.clone()).await), "already_opened");
    append(backend, vec![to(third.key, act(CLOSE))]).await;
    assert_eq!(code(redefine(backend, third.key, expected).await), "already_opened", "for ever");
    assert_eq!(find(backend, Wanted::Key(third.key)).await, Some(third));
    assert_eq!(redefine(backend, ElectionKey(9_999), simple()).await.expect("no error"), None);
}

fn retitle(key: ElectionKey, title: &str) -> hustings::ledger::Addressed {
    to(key, act(ActKind::Retitle(text(title))))
}

pub(super) async fn a_refused_definition_leaves_the_one_before(backend: &dyn Backend) {
    drafted(backend, Election { slug: slug("town-hall"), ..simple() }).await;
    let draft = drafted(backend, Election { slug: slug("city-hall"), ..simple() }).await;
    let taken = Election { slug: slug("town-hall"), ..draft.election.as_ref().clone() };
    assert!(matches!(redefine(backend, draft.key, taken).await, Err(LedgerError::SlugTaken)));
    let night = Election { kind: Kind::Competition, ..edited(&draft.election, "B") };
    assert_eq!(code(redefine(backend, draft.key, night).await), "other_kind");
    let acts = vec![act_on(FIRST, OPEN), act_on(SECOND, OPEN)];
    let refused = NewElection { election: edited(&draft.election, "B"), acts, owner: None };
    assert!(backend.registry().redefine(draft.key, refused).await.is_err(), "an act was refused");
    backend.force_format(Format::REPORTS).await;
    assert_eq!(code(redefine(backend, draft.key, edited(&draft.election, "B")).await), "format_too_old");
    backend.force_format(Format::NEWEST).await;
    assert_eq!(find(backend, Wanted::Slug("city-hall".parse().expect("a slug"))).await.as_ref(), Some(&draft));
    assert_eq!(answers(backend, vec![to(draft.key, act(OPEN))]).await, ["accepted 1"]);
}

pub(super) async fn racing_definitions_have_one_winner(backend: &dyn Backend) {
    let draft = drafted(backend, simple()).await;
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let (registry, key) = (backend.registry(), draft.key);
        let election = edited(&draft.election, &format!("Edit {number}"));
        racing.spawn(async move { registry.redefine(key, bare(election)).await.expect("no error") });
    }
    let won: Vec<_> = racing.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1, "the others hear that it is gone: {won:?}");
    assert_eq!(listed(backend, None, 100).await, [won[0].key]);
    assert_eq!(find(backend, Wanted::Id(draft.election.id)).await.as_ref(), Some(&won[0]));
}

/// Either it is opened and stays what it is, or it is another one and whoever opened it hears that it is gone.
pub(super) async fn a_definition_that_races_with_its_opening_is_whole(backend: &dyn Backend) {
    for number in 0..12 {
        let draft = drafted(backend, simple()).await;
        let (registry, ledger, key) = (backend.registry(), backend.ledger(), draft.key);
        let new = NewElection { election: edited(&draft.election, "B"), acts: Vec::new(), owner: None };
        let racing = async { tokio::spawn(async move { registry.redefine(key, new).await }).await.expect("no panic") };
        let opening = async {
            let batch = vec![to(key, act(OPEN)), vote(ANN, TEA).to(key)];
            tokio::spawn(async move { ledger.append(batch).await }).await.expect("no panic")
        };
        let (replaced, opened) = if number % 2 == 0 {
            tokio::join!(racing, opening)
        } else {
            let (opened, replaced) = tokio::join!(opening, racing);
            (replaced, opened)
        };
        let opened: Vec<_> = opened.expect("a batch").answers.iter().map(words).collect();
        match replaced {
            Ok(Some(replaced)) => {
                assert_eq!(opened, ["refused unknown_contest"; 2]);
                assert_eq!(audit_election(backend, replaced.key).await.seq, Seq(0));
            }
            Err(LedgerError::Refused(rejection)) => {
                assert_eq!(
                    (rejection.code(), opened),
                    ("already_opened", vec!["accepted 1".into(), "accepted 2".into()])
                );
                assert_eq!(find(backend, Wanted::Key(key)).await.map(|found| found.election), Some(draft.election));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn removal() -> Removal {
    Removal { by: text("host"), reason: Some(text("made by mistake")) }
}

async fn remove(backend: &dyn Backend, key: ElectionKey) -> Option<Removed> {
    backend.registry().remove(key, removal()).await.expect("no error")
}

pub(super) async fn a_removed_election_leaves_a_row_and_frees_its_names(backend: &dyn Backend) {
    let election = Election { slug: slug("town-hall"), ..simple() };
    let key = create(backend, election.clone(), &[OPEN]).await;
    let token = NewToken { election: Some(key), ..new_token(1) };
    backend.registry().create_token(token).await.expect("a token");
    append(backend, vec![vote(ANN, TEA).id(1).to(key), vote(BOB, TEA).to(key), retitle(key, "Corrected")]).await;
    let head = backend.ledger().heads(&[key]).await.expect("the heads")[0].1;
    backend.force_format(Format::REPORTS).await;
    let early = backend.registry().remove(key, removal()).await;
    assert!(matches!(early, Err(LedgerError::Refused(why)) if why.code() == "format_too_old"));
    backend.force_format(Format::NEWEST).await;
    let removed = remove(backend, key).await.expect("it was there");
    let expected = Removed {
        key,
        id: election.id,
        code: election.code.clone(),
        slug: election.slug.clone(),
        title: text("Corrected"),
        kind: Kind::Poll,
        entries: Seq(4),
        chain: head.chain,
        by: text("host"),
        reason: Some(text("made by mistake")),
        time: head.time,
    };
    assert_eq!(removed, expected);
    for wanted in [Wanted::Key(key), Wanted::Id(election.id), Wanted::Code(election.code.clone())] {
        assert!(find(backend, wanted.clone()).await.is_none(), "{wanted:?}");
    }
    let late = vec![vote(CAT, TEA).to(key), vote(ANN, TEA).id(1).to(key), to(key, act(CLOSE))];
    assert_eq!(answers(backend, late).await, ["refused unknown_contest"; 3]);
    assert!(backend.registry().token([1; 32]).await.expect("a look-up").is_none(), "a token for it opens nothing");
    assert_eq!(remove(backend, key).await, Some(removed.clone()), "again, it is the same answer");
    assert_eq!(remove(backend, ElectionKey(key.0 + 1_000)).await, None);
    let again = create(backend, election, &[OPEN]).await;
    assert!(again > key, "a number is never given again");
    assert_eq!(backend.registry().removed(None, 10).await.expect("a page"), [removed]);
}

/// What boxes have reported is let go by nobody, unless it was only practised.
pub(super) async fn an_election_of_boxes_that_was_opened_stays(backend: &dyn Backend) {
    for (rehearsal, opens, stays) in [(false, false, false), (false, true, true), (true, true, false)] {
        let mut election = election_of_boxes();
        election.reporting.iter_mut().for_each(|reporting| reporting.rehearsal = rehearsal);
        let acts = if opens { first_acts() } else { Vec::new() };
        let new = NewElection { election, acts, owner: None };
        let key = backend.registry().create(new).await.expect("an election").key;
        let removed = backend.registry().remove(key, removal()).await;
        let what = format!("rehearsal: {rehearsal}, opened: {opens}");
        match removed {
            Err(LedgerError::Refused(why)) => assert!(stays && why.code() == "already_opened", "{what}: {why}"),
            removed => assert!(!stays && matches!(removed, Ok(Some(_))), "{what}: {removed:?}"),
        }
        assert_eq!(find(backend, Wanted::Key(key)).await.is_some(), stays, "{what}");
    }
}

/// A vote is refused, or it is among the entries that the row counts; nothing comes after.
pub(super) async fn votes_that_race_with_a_removal_are_refused_or_counted(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    let mut voting = JoinSet::new();
    for from in 1..=40 {
        let ledger = backend.ledger();
        voting.spawn(async move {
            ledger.append(vec![vote(from, TEA).to(key)]).await.expect("an answer").answers.remove(0)
        });
    }
    let registry = backend.registry();
    let removing = tokio::spawn(async move { registry.remove(key, removal()).await });
    let removed = removing.await.expect("no panic").expect("no error").expect("it was there");
    let (mut accepted, mut refused) = (0, 0);
    for answer in voting.join_all().await {
        match answer {
            Answer::Accepted(stored) => {
                accepted += 1;
                assert!(stored.entry.seq <= removed.entries, "counted after the removal: {}", stored.entry.seq);
            }
            Answer::Rejected(rejection, _) if rejection.code() == "unknown_contest" => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((accepted + refused, removed.entries), (40, Seq(accepted + 1)), "each vote is one or the other");
}

pub(super) async fn removed_elections_are_listed_page_by_page(backend: &dyn Backend) {
    let registry = backend.registry();
    assert_eq!(registry.removed(None, 10).await.expect("a page"), []);
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(opened(backend, Change::Final).await);
    }
    for key in [keys[2], keys[0]] {
        remove(backend, key).await.expect("it was there");
    }
    for (after, limit, expected) in [
        (None, 10, &[keys[0], keys[2]][..]),
        (None, 1, &[keys[0]]),
        (Some(keys[0]), 10, &[keys[2]]),
        (Some(keys[2]), 1, &[]),
    ] {
        let page = registry.removed(after, limit).await.expect("a page");
        assert_eq!(page.iter().map(|one| one.key).collect::<Vec<_>>(), expected, "after {after:?}, at most {limit}");
    }
}

pub(super) async fn a_removed_election_is_found_by_all_its_names(backend: &dyn Backend) {
    let registry = backend.registry();
    let one = async |wanted: &Wanted| registry.removed_one(wanted.clone()).await.expect("a look-up");
    let election = Election { slug: slug("town-hall"), ..simple() };
    let names = |key| {
        let slug = election.slug.clone().expect("a slug");
        [Wanted::Key(key), Wanted::Id(election.id), Wanted::Code(election.code.clone()), Wanted::Slug(slug)]
    };
    let key = create(backend, election.clone(), &[OPEN]).await;
    for wanted in names(key) {
        assert_eq!(one(&wanted).await, None, "{wanted:?}: it is there");
    }
    let removed = remove(backend, key).await.expect("it was there");
    while registry.erase(10).await.expect("a page") > 0 {}
    for wanted in names(key) {
        assert_eq!(one(&wanted).await.as_ref(), Some(&removed), "{wanted:?}");
    }
    let again = create(backend, election.clone(), &[OPEN]).await;
    for wanted in names(key) {
        assert_eq!(one(&wanted).await.as_ref(), Some(&removed), "{wanted:?}: the name is another one's by now");
    }
    remove(backend, again).await.expect("it was there");
    for wanted in &names(key)[1..] {
        assert_eq!(one(wanted).await.map(|removed| removed.key), Some(again), "{wanted:?}: the one removed last");
    }
    assert_eq!(one(&Wanted::Slug("another".parse().expect("a slug"))).await, None);
}

pub(super) async fn rows_of_gone_elections_are_erased_page_by_page(backend: &dyn Backend) {
    let (kept, gone) = (opened(backend, Change::Final).await, opened(backend, Change::Final).await);
    for key in [kept, gone] {
        append(backend, (1..=7).map(|from| vote(from, TEA).id(from).to(key)).collect()).await;
    }
    let registry = backend.registry();
    assert_eq!(registry.erase(100).await.expect("nothing to do"), 0);
    remove(backend, gone).await.expect("it was there");
    let draft = drafted(backend, simple()).await;
    redefine(backend, draft.key, edited(&draft.election, "B")).await.expect("an edit");
    let mut turns = Vec::new();
    loop {
        match registry.erase(5).await.expect("a page") {
            0 => break,
            erased => turns.push(erased),
        }
    }
    // 8 entries, 7 votes and 7 ids, and the note of it; of a draft only the note.
    assert_eq!(turns, [5, 5, 5, 5, 3, 1]);
    let census = backend.archive().census(gone).await.expect("a count");
    assert_eq!((census.ballots, census.submissions), (0, 0));
    assert_eq!(backend.ledger().read(gone, Seq(0), 10).await.expect("a page"), []);
    assert_eq!(audit_election(backend, kept).await.seq, Seq(8), "nobody else's are touched");
    assert_eq!(registry.removed(None, 10).await.expect("a page").len(), 1, "what is kept for the record stays");
}
