//! Lost answers, full disks, and rows that should not be there: the answers stay exact.

use hustings::ledger::{LedgerError, NewElection, NewToken, Scope, Scopes, Wanted};
use hustings_core::{ActKind, Change, Method, Schedule, Seq, Time};

use super::proxy::{Cut, Gate, Proxy};
use super::{ballots, changing_poll, final_poll, sent, two_nodes};
use crate::conformance::support::*;
use crate::conformance::{Backend, audit, audit_election};
use crate::services::postgres::PostgresServer;

const CUTS: [Cut; 3] = [Cut::Before, Cut::After, Cut::During];

/// With and without ids, a vote and its change, a repeat, and acts that nobody may do twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_changes_no_answer() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    for cut in CUTS {
        let election = poll(Method::Single, Change::UntilClose, Schedule::default());
        let round = ActKind::StartRound(Box::new(next_round(&election)));
        let key = create(&other, election, &[OPEN]).await;
        append(&other, vec![vote(CAT, TEA).to(key)]).await;
        proxy.cut(cut);
        let batch = vec![
            vote(ANN, TEA).to(key),
            vote(ANN, MILK).id(1).to(key),
            vote(ANN, MILK).id(2).to(key),
            vote(CAT, TEA).id(3).to(key),
            vote(BOB, UNKNOWN).to(key),
            to(key, act(CLOSE)),
            to(key, act(round)),
            vote(BOB, TEA).to(key),
        ];
        let expected = [
            "accepted 3",
            "changed 4",
            "repeated 4",
            "repeated 2",
            "refused unknown_choice",
            "accepted 5",
            "accepted 6",
            "refused contest_closed",
        ];
        assert_eq!(answers(&node, batch).await, expected, "{cut:?}");
        proxy.happened().await;
        assert_eq!(audit_election(&other, key).await.seq, Seq(6), "{cut:?}: an entry for each that counted");
        let late = vec![vote(ANN, MILK).id(2).to(key), vote(CAT, TEA).id(3).to(key)];
        assert_eq!(answers(&other, late).await, ["repeated 4", "repeated 2"], "{cut:?}: ids that repeated a vote");
    }
}

/// Only ids of repeats: the ledger itself does not move, and still it must be known whether they are stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_about_repeats_is_looked_up_too() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    for cut in CUTS {
        let key = changing_poll(&other).await;
        append(&other, vec![vote(ANN, TEA).to(key)]).await;
        proxy.cut(cut);
        assert_eq!(answers(&node, vec![vote(ANN, TEA).id(1).to(key)]).await, ["repeated 2"], "{cut:?}");
        proxy.happened().await;
        append(&other, vec![vote(ANN, MILK).to(key)]).await;
        assert_eq!(answers(&other, vec![vote(ANN, TEA).id(1).to(key)]).await, ["superseded 2"], "{cut:?}");
    }
}

/// What happens on another node before the lost answer is looked up must not change it, nor be changed by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_changed_elsewhere_meanwhile_stays_changed() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    for (cut, meanwhile, answer, entries) in
        [(Cut::After, "changed 3", "accepted 2", 3), (Cut::Before, "accepted 2", "changed 3", 3)]
    {
        let key = changing_poll(&other).await;
        proxy.cut(cut);
        proxy.gate(Gate::Waits);
        let lost = sent(&node, vec![vote(ANN, TEA).to(key)]);
        proxy.happened().await;
        assert_eq!(answers(&other, vec![vote(ANN, MILK).to(key)]).await, [meanwhile], "{cut:?}");
        proxy.gate(Gate::Open);
        assert_eq!(lost.await.expect("an answer"), [answer], "{cut:?}");
        assert_eq!(audit_election(&other, key).await.seq, Seq(entries), "{cut:?}");
        assert_eq!(ballots(&other, key).await, 1, "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_looked_up_is_in_doubt() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    let key = final_poll(&other).await;
    proxy.cut(Cut::After);
    proxy.gate(Gate::Refuses);
    let batch = || vec![vote(ANN, TEA).to(key)];
    let doubted = node.ledger().append(batch()).await;
    assert!(matches!(doubted, Err(LedgerError::InDoubt)), "{doubted:?}");
    let refused = node.ledger().heads(&[key]).await;
    assert!(matches!(refused, Err(LedgerError::Unavailable(_))), "{refused:?}");
    proxy.gate(Gate::Open);
    assert_eq!(answers(&node, batch()).await, ["repeated 2"], "sending the same again is harmless");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_election_whose_answer_is_lost_is_made_once() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    for (made, cut) in (1..).zip(CUTS) {
        let election = poll(Method::Single, Change::Final, Schedule::default());
        let id = election.id;
        proxy.cut(cut);
        let new = NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None };
        let key = node.registry().create(new).await.expect("an election").key;
        proxy.happened().await;
        let found = other.registry().election(Wanted::Id(id)).await.expect("the registry").expect("the election");
        assert_eq!(found.key, key, "{cut:?}");
        assert_eq!(other.registry().elections(None, 10).await.expect("the elections").len(), made, "{cut:?}");
        assert_eq!(answers(&node, vec![vote(ANN, TEA).to(key)]).await, ["accepted 2"], "{cut:?}: it is open");
    }
    audit(&other).await;
}

/// What a caller has to know is never done twice, and never said to be done where nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_and_tokens_are_in_doubt_and_not_done_twice() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    let key = final_poll(&other).await;
    let scopes = Scopes(vec![Scope::Vote]);
    let token = NewToken {
        name: "gateway".into(),
        hash: [1; 32],
        scopes,
        per_minute: None,
        created: Time(1),
        election: None,
        unit: None,
    };
    other.registry().issue_ticket([9; 32], key, Time(100)).await.expect("a ticket");
    let registry = node.registry();
    proxy.cut(Cut::After);
    let spent = registry.spend_ticket([9; 32], key, Time(1)).await;
    assert!(matches!(spent, Err(LedgerError::InDoubt)), "{spent:?}");
    assert!(!other.registry().spend_ticket([9; 32], key, Time(1)).await.expect("an answer"), "it was spent");
    proxy.cut(Cut::After);
    let made = registry.create_token(token).await;
    assert!(matches!(made, Err(LedgerError::InDoubt)), "{made:?}");
    let id = other.registry().token([1; 32]).await.expect("a look-up").expect("the token").id;
    proxy.cut(Cut::After);
    let revoked = registry.revoke_token(id, Time(5)).await;
    assert!(matches!(revoked, Err(LedgerError::InDoubt)), "{revoked:?}");
    assert!(other.registry().token([1; 32]).await.expect("a look-up").is_none());
    // What may be done twice is done until it is sure.
    for cut in CUTS {
        let before = other.ledger().heads(&[key]).await.expect("the heads");
        proxy.cut(cut);
        node.ledger().renew_epochs(None).await.expect("new epochs");
        assert_ne!(other.ledger().heads(&[key]).await.expect("the heads"), before, "{cut:?}");
    }
}

/// The server's own word for a full disk, said by a trigger.
#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let (database, [node, _]) = two_nodes().await;
    let key = final_poll(&node).await;
    let client = PostgresServer::shared().client(&database).await;
    client
        .batch_execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
             CREATE TRIGGER full_disk BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION full_disk()",
        )
        .await
        .expect("a trigger");
    let refused = node.ledger().append(vec![vote(ANN, TEA).id(1).to(key)]).await;
    assert!(matches!(refused, Err(LedgerError::Full)), "{refused:?}");
    assert_eq!(ballots(&node, key).await, 0);
    client.batch_execute("DROP TRIGGER full_disk ON entry").await.expect("space");
    assert_eq!(answers(&node, vec![vote(ANN, TEA).id(1).to(key)]).await, ["accepted 2"]);
}

/// A head that does not say where its ledger stands: nothing is written over what is there.
#[tokio::test]
async fn a_row_that_is_there_already_is_an_alarm() {
    let (database, [node, _]) = two_nodes().await;
    let client = PostgresServer::shared().client(&database).await;
    for (damage, repair, table) in [
        ("UPDATE head SET seq = 1 WHERE election = $1", "UPDATE head SET seq = 2 WHERE election = $1", "entry"),
        (
            "INSERT INTO submission VALUES ($1, '00000000-0000-0000-0000-000000000009', 77)",
            "DELETE FROM submission WHERE election = $1 AND seq = 77",
            "submission",
        ),
    ] {
        let key = final_poll(&node).await;
        append(&node, vec![vote(ANN, TEA).id(1).to(key)]).await;
        let number = i32::try_from(key.0).expect("a number");
        client.execute(damage, &[&number]).await.expect("a damage");
        let refused = node.ledger().append(vec![vote(BOB, MILK).id(9).to(key)]).await;
        match refused {
            Err(LedgerError::Damaged { table: found, .. }) => assert_eq!(found, table),
            other => panic!("{table}: {other:?}"),
        }
        client.execute(repair, &[&number]).await.expect("a repair");
        assert_eq!(ballots(&node, key).await, 1, "{table}: nothing of the batch was written");
        assert_eq!(answers(&node, vec![vote(BOB, MILK).id(9).to(key)]).await, ["accepted 3"], "{table}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let (database, [node, _]) = two_nodes().await;
    let key = final_poll(&node).await;
    append(&node, vec![vote(ANN, TEA).id(1).to(key), vote(BOB, TEA).to(key)]).await;
    let client = PostgresServer::shared().client(&database).await;
    client.execute("UPDATE entry SET bytes = '\\x0163' WHERE seq = 2", &[]).await.expect("a damage");
    for refused in [
        node.ledger().read(key, Seq(0), 10).await.map(drop),
        node.ledger().append(vec![vote(ANN, TEA).id(1).to(key)]).await.map(drop),
    ] {
        let row = format!("({}, 2)", key.0);
        assert!(
            matches!(&refused, Err(LedgerError::Damaged { table: "entry", key, .. }) if *key == row),
            "{refused:?}"
        );
    }
    assert_eq!(answers(&node, vec![vote(CAT, TEA).to(key)]).await, ["accepted 4"], "the others go on");
}

/// Whatever the role or the database is set to, also later on.
#[tokio::test]
async fn every_commit_waits_for_the_disk() {
    let (database, [node, _]) = two_nodes().await;
    let key = final_poll(&node).await;
    let client = PostgresServer::shared().client(&database).await;
    client
        .batch_execute(
            "CREATE TABLE noted (setting text);
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
             CREATE TRIGGER note BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION note()",
        )
        .await
        .expect("a trigger");
    for (from, setting, expected) in [(1, "off", "on"), (2, "local", "on"), (3, "remote_apply", "remote_apply")] {
        client
            .batch_execute(&format!("TRUNCATE noted; ALTER DATABASE {database} SET synchronous_commit = {setting}"))
            .await
            .expect("a setting");
        // Only new connections know of it.
        let ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.execute(ended, &[]).await.expect("the end of the others");
        append(&node, vec![vote(from, TEA).to(key)]).await;
        let noted = client.query_one("SELECT setting FROM noted", &[]).await.expect("a note");
        assert_eq!(noted.get::<_, &str>(0), expected, "{setting}");
    }
}
