//! The suite of [`hustings::ledger::Registry`].

mod life;

use hustings::ledger::{
    ElectionKey, LedgerError, NewElection, NewToken, Registered, Scope, Scopes, Token, TokenId, Wanted,
};
use hustings_core::{
    ActKind, Change, Code, Election, ElectionId, Label, Method, Party, Schedule, Seq, Slug, Text, Time, UnitNumber,
};
use tokio::task::JoinSet;

use super::support::*;
use super::{Backend, audit_election};
use life::*;

super::on_every_store!({
    create:
        a_new_election_has_its_first_acts,
        a_refused_creation_leaves_nothing_behind,
        racing_creations_take_a_slug_once;
    election:
        elections_are_found_by_all_their_names;
    elections:
        elections_are_listed_page_by_page;
    redefine:
        a_definition_is_replaced_until_it_is_opened,
        a_refused_definition_leaves_the_one_before,
        racing_definitions_have_one_winner,
        a_definition_that_races_with_its_opening_is_whole;
    remove:
        a_removed_election_leaves_a_row_and_frees_its_names,
        an_election_of_boxes_that_was_opened_stays,
        votes_that_race_with_a_removal_are_refused_or_counted;
    removed:
        removed_elections_are_listed_page_by_page;
    removed_one:
        a_removed_election_is_found_by_all_its_names;
    erase:
        rows_of_gone_elections_are_erased_page_by_page;
    create_tokens:
        tokens_are_made_together_or_not_at_all;
    create_token:
        tokens_are_numbered_and_unique;
    token:
        a_token_is_found_by_its_hash,
        a_token_may_be_for_one_unit_of_one_election;
    tokens:
        tokens_are_listed_in_order;
    revoke_token:
        a_token_is_revoked_once_and_for_ever;
    use_tokens:
        uses_of_many_tokens_are_noted_together;
    use_token:
        the_last_use_of_a_token_is_noted;
    add_parties:
        parties_are_kept_by_election;
    parties:
        racing_parties_keep_one_name;
    issue_ticket:
        tickets_are_for_one_election;
    spend_ticket:
        a_ticket_is_spent_once,
        a_ticket_expires,
        racing_for_a_ticket_has_one_winner;
});

fn simple() -> Election {
    poll(Method::Single, Change::Final, Schedule::default())
}

fn slug(raw: &str) -> Option<Slug> {
    Some(raw.parse().expect("a slug"))
}

fn bare(election: Election) -> NewElection {
    NewElection { election, acts: Vec::new(), owner: None }
}

async fn find(backend: &dyn Backend, wanted: Wanted) -> Option<Registered> {
    backend.registry().election(wanted).await.expect("a look-up")
}

async fn listed(backend: &dyn Backend, after: Option<ElectionKey>, limit: usize) -> Vec<ElectionKey> {
    let page = backend.registry().elections(after, limit).await.expect("a page");
    page.into_iter().map(|registered| registered.key).collect()
}

async fn a_new_election_has_its_first_acts(backend: &dyn Backend) {
    for (what, acts, status) in [
        ("none", vec![], "draft"),
        ("an opening", vec![OPEN], "open"),
        ("three", vec![OPEN, ActKind::Pause, CLOSE], "closed"),
        ("one that changes nothing", vec![OPEN, OPEN], "open"),
    ] {
        let election = simple();
        let new = NewElection {
            election: election.clone(),
            acts: acts.iter().cloned().map(|k| act_on(FIRST, k)).collect(),
            owner: None,
        };
        let made = backend.registry().create(new).await.expect("a new election");
        assert_eq!(*made.election, election, "{what}");
        let fold = audit_election(backend, made.key).await;
        assert_eq!(fold.state.contests[0].name(), status, "{what}");
    }
}

async fn a_refused_creation_leaves_nothing_behind(backend: &dyn Backend) {
    let first = Election { slug: slug("town-hall"), ..simple() };
    let made = backend.registry().create(bare(first.clone())).await.expect("a new election");
    let same_slug = Election { slug: slug("town-hall"), ..simple() };
    let same_code = Election { code: first.code.clone(), slug: slug("other-hall"), ..simple() };
    let same_id = Election { id: first.id, slug: slug("other-hall"), ..simple() };
    for (what, election, expected) in [
        ("the slug is taken", same_slug, Some("this slug is taken")),
        ("the code is taken", same_code, Some("this code is taken")),
        ("the id is taken", same_id, None),
    ] {
        let new = NewElection { election: election.clone(), acts: vec![act_on(FIRST, OPEN)], owner: None };
        let error = backend.registry().create(new).await.expect_err(what);
        match (expected, &error) {
            (Some(text), LedgerError::SlugTaken | LedgerError::CodeTaken) => assert_eq!(error.to_string(), text),
            (None, LedgerError::Unavailable(_)) => {}
            _ => panic!("{what}: {error:?}"),
        }
        assert_eq!(listed(backend, None, 100).await, [made.key], "{what}");
        if election.slug != first.slug {
            assert!(find(backend, Wanted::Slug(election.slug.expect("a slug"))).await.is_none(), "{what}");
        }
    }
    let acts = vec![act_on(FIRST, OPEN), act_on(FIRST, ActKind::Reveal), act_on(SECOND, OPEN)];
    let refused = backend.registry().create(NewElection { election: simple(), acts, owner: None }).await;
    assert!(refused.is_err(), "an act was refused: {refused:?}");
    assert_eq!(listed(backend, None, 100).await, [made.key], "all or nothing");
    let next = backend.registry().create(bare(simple())).await.expect("the next one is fine");
    assert_eq!(listed(backend, None, 100).await, [made.key, next.key]);
}

async fn racing_creations_take_a_slug_once(backend: &dyn Backend) {
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let registry = backend.registry();
        let election = Election { slug: slug("town-hall"), ..simple() };
        tasks.spawn(async move { registry.create(bare(election)).await });
    }
    let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 15));
    assert!(refused.iter().all(|refused| matches!(refused, Err(LedgerError::SlugTaken))), "{refused:?}");
    assert_eq!(listed(backend, None, 100).await.len(), 1);
}

async fn elections_are_found_by_all_their_names(backend: &dyn Backend) {
    let election = Election { slug: slug("town-hall"), ..simple() };
    let other = simple();
    let made = backend.registry().create(bare(election.clone())).await.expect("a new election");
    backend.registry().create(bare(other.clone())).await.expect("another one");
    for (wanted, expected) in [
        (Wanted::Key(made.key), Some(&election)),
        (Wanted::Id(election.id), Some(&election)),
        (Wanted::Code(election.code.clone()), Some(&election)),
        (Wanted::Slug("town-hall".parse().expect("a slug")), Some(&election)),
        (Wanted::Id(other.id), Some(&other)),
        (Wanted::Code(other.code.clone()), Some(&other)),
        (Wanted::Key(ElectionKey(999)), None),
        (Wanted::Id(ElectionId(uuid::Uuid::nil())), None),
        (Wanted::Code(Code::from_random([30; 6])), None),
        (Wanted::Slug("city-hall".parse().expect("a slug")), None),
    ] {
        let found = find(backend, wanted.clone()).await;
        assert_eq!(found.as_ref().map(|found| found.election.as_ref()), expected, "{wanted:?}");
        assert!(found.is_none_or(|found| (found.key == made.key) == (*found.election == election)), "{wanted:?}");
    }
}

async fn elections_are_listed_page_by_page(backend: &dyn Backend) {
    assert!(listed(backend, None, 10).await.is_empty());
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(backend.registry().create(bare(simple())).await.expect("a new election").key);
    }
    assert!(keys.is_sorted(), "the newest has the highest key");
    for (after, limit, expected) in [
        (None, 10, 0..5),
        (None, 2, 0..2),
        (Some(1), 2, 2..4),
        (Some(3), 2, 4..5),
        (Some(4), 2, 5..5),
        (None, 0, 0..0),
        (Some(0), usize::MAX, 1..5),
    ] {
        let after = after.map(|place: usize| keys[place]);
        assert_eq!(listed(backend, after, limit).await, keys[expected], "after {after:?}, at most {limit}");
    }
}

fn new_token(number: u8) -> NewToken {
    NewToken {
        name: format!("gateway {number}"),
        hash: [number; 32],
        scopes: Scopes(vec![Scope::Manage, Scope::Vote]),
        per_minute: number.is_multiple_of(2).then_some(u32::from(number) * 100),
        created: Time(u64::from(number)),
        election: None,
        unit: None,
    }
}

fn shown(token: &Token) -> (TokenId, String, String, Option<u32>, Time, Option<Time>) {
    (token.id, token.name.clone(), token.scopes.to_string(), token.per_minute, token.created, token.revoked)
}

async fn make_token(backend: &dyn Backend, number: u8) -> TokenId {
    backend.registry().create_token(new_token(number)).await.expect("a token")
}

async fn tokens_are_numbered_and_unique(backend: &dyn Backend) {
    let [one, other] = [make_token(backend, 1).await, make_token(backend, 2).await];
    assert_ne!(one, other);
    let again = NewToken { name: "a copy".to_owned(), ..new_token(1) };
    for revoked in [false, true] {
        let taken = backend.registry().create_token(again.clone()).await;
        assert!(matches!(taken, Err(LedgerError::TokenTaken)), "one hash, one token, {revoked}: {taken:?}");
        backend.registry().revoke_token(one, Time(9)).await.expect("revoked");
    }
    assert_eq!(backend.registry().tokens().await.expect("the tokens").len(), 2);
}

async fn tokens_are_made_together_or_not_at_all(backend: &dyn Backend) {
    let registry = backend.registry();
    let made = registry.create_tokens([7, 3, 5].map(new_token).into()).await.expect("tokens");
    assert!(made.is_sorted() && made.len() == 3, "{made:?}");
    for (hash, id) in [7, 3, 5].into_iter().zip(&made) {
        let found = registry.token([hash; 32]).await.expect("a look-up").expect("the token");
        assert_eq!((&found.id, found.name), (id, format!("gateway {hash}")));
    }
    let taken = registry.create_tokens([8, 3, 9].map(new_token).into()).await;
    assert!(matches!(taken, Err(LedgerError::TokenTaken)), "one of them is there already: {taken:?}");
    assert_eq!(registry.tokens().await.expect("the tokens").len(), 3, "then none of them is made");
    assert_eq!(registry.create_tokens(Vec::new()).await.expect("nothing"), []);
}

async fn uses_of_many_tokens_are_noted_together(backend: &dyn Backend) {
    let [one, other] = [make_token(backend, 1).await, make_token(backend, 2).await];
    let registry = backend.registry();
    let unknown = TokenId(other.0 + 1_000);
    registry.use_tokens(vec![(other, Time(50)), (unknown, Time(1)), (one, Time(40))]).await.expect("notes");
    registry.use_tokens(vec![(one, Time(60)), (other, Time(45))]).await.expect("notes");
    registry.use_tokens(Vec::new()).await.expect("nothing");
    let used: Vec<_> = registry.tokens().await.expect("the tokens").iter().map(|token| token.used).collect();
    assert_eq!(used, [Some(Time(60)), Some(Time(50))]);
}

fn party(code: &str, name: &str) -> Party {
    Party { code: Label::parse(code).expect("a code"), name: Text::parse(name).expect("a name") }
}

async fn parties_are_kept_by_election(backend: &dyn Backend) {
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    let registry = backend.registry();
    let listed = async |key| registry.parties(key).await.expect("the parties");
    assert_eq!(listed(key).await, []);
    let [red, blue, green] = [party("red", "The Reds"), party("Blue", "The Blues"), party("grün", "Die Grünen")];
    registry.add_parties(key, vec![red.clone(), green.clone()]).await.expect("parties");
    registry.add_parties(key, vec![party("red", "Rouges"), blue.clone()]).await.expect("parties");
    registry.add_parties(key, Vec::new()).await.expect("nothing");
    assert_eq!(listed(key).await, [blue, green, red], "by the bytes of their codes, and under their first names");
    assert_eq!(listed(other).await, []);
    assert_eq!(listed(ElectionKey(other.0 + 1_000)).await, [], "an election that is not there has none");
}

async fn racing_parties_keep_one_name(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let registry = backend.registry();
        let parties = vec![party("red", &format!("Reds {number}")), party(&format!("p{number}"), "A party")];
        racing.spawn(async move { registry.add_parties(key, parties).await });
    }
    for added in racing.join_all().await {
        added.expect("parties");
    }
    let kept = backend.registry().parties(key).await.expect("the parties");
    assert_eq!(kept.len(), 9, "{kept:?}");
    assert!(kept.last().is_some_and(|last| last.code.as_str() == "red" && last.name.as_str().starts_with("Reds ")));
}

async fn a_token_is_found_by_its_hash(backend: &dyn Backend) {
    let ids = [make_token(backend, 1).await, make_token(backend, 2).await];
    for (number, id) in [1, 2].into_iter().zip(ids) {
        let found = backend.registry().token([number; 32]).await.expect("a look-up").expect("the token");
        let NewToken { name, scopes, per_minute, created, .. } = new_token(number);
        assert_eq!(shown(&found), (id, name, scopes.to_string(), per_minute, created, None));
    }
    assert!(backend.registry().token([3; 32]).await.expect("a look-up").is_none());
}

async fn tokens_are_listed_in_order(backend: &dyn Backend) {
    assert!(backend.registry().tokens().await.expect("no tokens").is_empty());
    let mut ids = Vec::new();
    for number in [9, 1, 5] {
        ids.push(make_token(backend, number).await);
    }
    backend.registry().revoke_token(ids[1], Time(77)).await.expect("a revocation");
    let tokens = backend.registry().tokens().await.expect("the tokens");
    let seen: Vec<_> = tokens.iter().map(|token| (token.id, token.name.as_str(), token.revoked)).collect();
    assert_eq!(seen, [(ids[0], "gateway 9", None), (ids[1], "gateway 1", Some(Time(77))), (ids[2], "gateway 5", None)]);
}

async fn a_token_is_revoked_once_and_for_ever(backend: &dyn Backend) {
    let [id, other] = [make_token(backend, 1).await, make_token(backend, 2).await];
    let registry = backend.registry();
    let revoke = |id, at| registry.revoke_token(id, Time(at));
    assert!(revoke(id, 50).await.expect("a revocation"));
    assert!(!revoke(id, 60).await.expect("an answer"), "revoked before");
    assert!(!revoke(TokenId(id.0 + 1_000), 60).await.expect("an answer"), "no such token");
    assert!(registry.token([1; 32]).await.expect("a look-up").is_none(), "a revoked token opens nothing");
    assert_eq!(registry.token([2; 32]).await.expect("a look-up").map(|token| token.id), Some(other));
    assert_eq!(registry.tokens().await.expect("the tokens")[0].revoked, Some(Time(50)), "the first time stands");
    assert!(registry.create_token(new_token(1)).await.is_err(), "for ever: the same token cannot come back");
}

async fn a_token_may_be_for_one_unit_of_one_election(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    for (number, election, unit) in [
        (1, None, None),
        (2, Some(key), None),
        (3, Some(key), Some(UnitNumber(0))),
        (4, Some(key), Some(UnitNumber(7))),
    ] {
        let new = NewToken { election, unit, ..new_token(number) };
        backend.registry().create_token(new).await.expect("a token");
        let found = backend.registry().token([number; 32]).await.expect("a look-up").expect("the token");
        assert_eq!((found.election, found.unit), (election, unit), "token {number}");
        let listed = backend.registry().tokens().await.expect("the tokens");
        assert_eq!(listed.last(), Some(&found), "token {number}");
    }
}

async fn the_last_use_of_a_token_is_noted(backend: &dyn Backend) {
    let [id, other] = [make_token(backend, 1).await, make_token(backend, 2).await];
    for (at, expected) in [(50, 50), (60, 60), (55, 60), (60, 60), (61, 61)] {
        backend.registry().use_token(id, Time(at)).await.expect("a note");
        let found = backend.registry().token([1; 32]).await.expect("a look-up").expect("the token");
        assert_eq!(found.used, Some(Time(expected)), "after a use at {at}");
    }
    backend.registry().use_token(TokenId(other.0 + 1_000), Time(70)).await.expect("no token is no error");
    let tokens = backend.registry().tokens().await.expect("the tokens");
    let used: Vec<_> = tokens.iter().map(|token| token.used).collect();
    assert_eq!(used, [Some(Time(61)), None], "only its own");
    // A revoked token is nobody's any more, and still says when it was used last.
    assert!(backend.registry().revoke_token(id, Time(80)).await.expect("a revocation"));
    assert_eq!(backend.registry().tokens().await.expect("the tokens")[0].used, Some(Time(61)));
}

const HASH: [u8; 32] = [4; 32];

async fn spend(backend: &dyn Backend, hash: [u8; 32], key: ElectionKey, now: u64) -> bool {
    backend.registry().spend_ticket(hash, key, Time(now)).await.expect("an answer")
}

async fn tickets_are_for_one_election(backend: &dyn Backend) {
    let [key, other] = [opened(backend, Change::Final).await, opened(backend, Change::Final).await];
    backend.registry().issue_ticket(HASH, key, Time(100)).await.expect("a ticket");
    backend.registry().issue_ticket([5; 32], other, Time(100)).await.expect("a ticket");
    for (what, hash, key, expected) in [
        ("the ticket of one for the other", HASH, other, false),
        ("the ticket of the other for one", [5; 32], key, false),
        ("no ticket", [6; 32], key, false),
        ("its own", HASH, key, true),
        ("its own", [5; 32], other, true),
    ] {
        assert_eq!(spend(backend, hash, key, 50).await, expected, "{what}");
    }
}

async fn a_ticket_is_spent_once(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    for n in 0..3 {
        backend.registry().issue_ticket([n; 32], key, Time(100)).await.expect("a ticket");
    }
    for n in [1, 0, 2] {
        assert!(spend(backend, [n; 32], key, 50).await, "ticket {n}");
        assert!(!spend(backend, [n; 32], key, 50).await, "ticket {n} again");
    }
    let heads = backend.ledger().heads(&[key]).await.expect("the heads");
    assert_eq!(heads[0].1.seq, Seq(1), "tickets are not counted");
}

async fn a_ticket_expires(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    for (now, expected) in [(0, true), (99, true), (100, false), (101, false), (u64::MAX, false)] {
        backend.registry().issue_ticket(HASH, key, Time(100)).await.expect("a ticket");
        assert_eq!(spend(backend, HASH, key, now).await, expected, "at {now}, expires at 100");
        assert!(!spend(backend, HASH, key, 0).await, "spent or swept away");
    }
}

async fn racing_for_a_ticket_has_one_winner(backend: &dyn Backend) {
    let key = opened(backend, Change::Final).await;
    backend.registry().issue_ticket(HASH, key, Time(100)).await.expect("a ticket");
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let registry = backend.registry();
        tasks.spawn(async move { registry.spend_ticket(HASH, key, Time(1)).await.expect("an answer") });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|won| *won).count(), 1);
}
