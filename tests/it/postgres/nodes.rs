//! Two nodes on one database: each voter once, one chain, and nobody waits long for a node that stands still.

use std::sync::Arc;

use hustings::clock::{Clock, HeldClock};
use hustings::ledger::{
    Answer, ElectionKey, LedgerError, NewElection, PostgresError, PostgresOptions, Registry, postgres_migrate,
};
use hustings_core::{Change, Election, Format, Method, Schedule, Seq, Time};
use tokio::task::JoinSet;

use super::proxy::{Cut, Proxy};
use super::{ballots, changing_poll, final_poll, sent, two_nodes};
use crate::conformance::support::*;
use crate::conformance::{Backend, Postgres, START, audit, audit_election};
use crate::services::postgres::PostgresServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voters_who_race_over_two_nodes_count_once() {
    const VOTERS: u32 = 200;
    const ATTEMPTS: u32 = 8;
    let (_, nodes) = two_nodes().await;
    let [standing, changing] = [final_poll(&nodes[0]).await, changing_poll(&nodes[1]).await];
    let mut tasks = JoinSet::new();
    for attempt in 0..ATTEMPTS {
        for first in (0..VOTERS).step_by(20) {
            let ledger = nodes[(attempt + first / 20) as usize % 2].ledger();
            // Each batch in another order, so that heads are asked for in another order too.
            let keys = if attempt % 2 == 0 { [standing, changing] } else { [changing, standing] };
            let choice = u16::try_from(attempt % 3).expect("a choice");
            let batch = (first..first + 20).flat_map(|from| keys.map(|key| vote(from, choice).to(key))).collect();
            tasks.spawn(async move { (keys, ledger.append(batch).await.expect("a batch").answers) });
        }
    }
    let mut accepted = [0, 0];
    for (keys, answers) in tasks.join_all().await {
        for (place, answer) in answers.iter().enumerate() {
            let is_standing = keys[place % 2] == standing;
            match answer {
                Answer::Accepted(_) => accepted[usize::from(is_standing)] += 1,
                Answer::Rejected(..) | Answer::Repeated(_) if is_standing => {}
                Answer::Changed(_) | Answer::Repeated(_) if !is_standing => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(accepted, [VOTERS; 2], "one accepted vote for each voter in each poll");
    for node in &nodes {
        assert_eq!([ballots(node, standing).await, ballots(node, changing).await], [u64::from(VOTERS); 2]);
        audit(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_begun_on_two_nodes_are_one() {
    let (_, nodes) = two_nodes().await;
    let election = poll(Method::Single, Change::Final, Schedule::default());
    let next = next_round(&election);
    let acts = vec![act_on(FIRST, OPEN), act_on(FIRST, CLOSE)];
    let key = nodes[0].registry().create(NewElection { election, acts, owner: None }).await.expect("a poll").key;
    let begin = || vec![to(key, act(hustings_core::ActKind::StartRound(Box::new(next.clone()))))];
    let [one, other] = [sent(&nodes[0], begin()), sent(&nodes[1], begin())];
    let mut answered = [one.await.expect("an answer"), other.await.expect("an answer")].concat();
    answered.sort_unstable();
    assert!(answered[0].starts_with("accepted") && !answered[1].starts_with("accepted"), "{answered:?}");
    for node in &nodes {
        let found = node.registry().election(hustings::ledger::Wanted::Key(key)).await.expect("the registry");
        assert_eq!(found.expect("the election").election.contests.len(), 2);
        audit(node).await;
    }
}

#[tokio::test]
async fn a_node_whose_clock_is_behind_does_not_turn_time_back() {
    let (_, [ahead, behind]) = two_nodes().await;
    let key = final_poll(&ahead).await;
    ahead.clock().set(Time(START.0 + 5_000));
    append(&ahead, vec![vote(ANN, TEA).to(key)]).await;
    assert_eq!(behind.clock().now(), START);
    append(&behind, vec![vote(BOB, TEA).to(key)]).await;
    let heads = behind.ledger().heads(&[key]).await.expect("the heads");
    assert_eq!((heads[0].1.seq, heads[0].1.time), (Seq(3), Time(START.0 + 5_000)));
    audit(&behind).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stands_still_holds_nobody_up() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let stopped = proxy.node(&database, 3).await;
    let key = final_poll(&other).await;
    proxy.cut(Cut::Hold);
    let held = sent(&stopped, vec![vote(ANN, TEA).id(1).to(key)]);
    proxy.happened().await;
    // It holds the lock and its commit does not come. The server cuts it off, and both go on.
    assert_eq!(answers(&other, vec![vote(BOB, TEA).to(key)]).await, ["accepted 2"]);
    assert_eq!(held.await.expect("an answer"), ["accepted 3"], "what was cut off is done again");
    assert_eq!(ballots(&other, key).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_terminated_runs_again() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let node = proxy.node(&database, 3).await;
    let key = final_poll(&node).await;
    proxy.cut(Cut::Hold);
    let held = sent(&node, vec![vote(ANN, TEA).to(key), vote(BOB, MILK).id(4).to(key)]);
    proxy.happened().await;
    let client = PostgresServer::shared().client(&database).await;
    let terminated = client
        .execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'head'::regclass AND pid <> pg_backend_pid()", &[])
        .await
        .expect("a termination");
    assert!(terminated >= 1, "nobody held the head");
    assert_eq!(held.await.expect("an answer"), ["accepted 2", "accepted 3"]);
    assert_eq!(ballots(&other, key).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_steps_over_an_entry_that_comes_later() {
    let (database, [other, reader]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let slow = proxy.node(&database, 3).await;
    let key = final_poll(&other).await;
    let entries = async || {
        let page = reader.ledger().read(key, Seq(0), 100).await.expect("a page");
        let seqs: Vec<u64> = page.iter().map(|stored| stored.entry.seq.0).collect();
        assert!(seqs.iter().copied().eq(1..=page.len() as u64), "a gap: {seqs:?}");
        seqs.len()
    };
    // Entry 2 is written and not committed. Whoever comes meanwhile waits for it, or would be read without it.
    proxy.cut(Cut::Hold);
    let first = sent(&slow, vec![vote(ANN, TEA).to(key)]);
    proxy.happened().await;
    let second = sent(&other, vec![vote(BOB, TEA).to(key)]);
    let client = PostgresServer::shared().client(&database).await;
    until_somebody_waits(&client).await;
    entries().await;
    proxy.resume();
    assert_eq!(first.await.expect("an answer"), ["accepted 2"]);
    assert_eq!(second.await.expect("an answer"), ["accepted 3"]);
    assert_eq!(entries().await, 3);
    audit_election(&reader, key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_begun_while_a_vote_waits_is_seen() {
    let (database, [other, _]) = two_nodes().await;
    let proxy = Proxy::start().await;
    let slow = proxy.node(&database, 3).await;
    let election = poll(Method::Single, Change::Final, Schedule::default());
    let next = next_round(&election);
    let key = create(&other, election, &[OPEN]).await;
    let acts =
        [act_on(FIRST, CLOSE), act_on(FIRST, hustings_core::ActKind::StartRound(Box::new(next))), act_on(SECOND, OPEN)];
    proxy.cut(Cut::Hold);
    let begun = sent(&slow, acts.map(|act| to(key, hustings_core::Submission::Act(act))).into());
    proxy.happened().await;
    let voted = sent(&other, vec![vote(ANN, TEA).round(SECOND).to(key)]);
    until_somebody_waits(&PostgresServer::shared().client(&database).await).await;
    proxy.resume();
    assert_eq!(begun.await.expect("an answer"), ["accepted 2", "accepted 3", "accepted 4"]);
    assert_eq!(voted.await.expect("an answer"), ["accepted 5"], "decided on the definition as it is under the lock");
    audit(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_format_raised_while_a_vote_waits_is_seen() {
    let (database, [node, _]) = two_nodes().await;
    let key = final_poll(&node).await;
    let server = PostgresServer::shared();
    let (mut holder, client) = (server.client(&database).await, server.client(&database).await);
    let held = holder.transaction().await.expect("a transaction");
    held.batch_execute("SELECT FROM head FOR UPDATE").await.expect("the head");
    let ledger = node.ledger();
    let voted = tokio::spawn(async move { ledger.append(vec![vote(ANN, TEA).to(key)]).await });
    until_somebody_waits(&client).await;
    let later = Format::NEWEST.0 + 1;
    let raise = format!("UPDATE installation SET value = '{later}' WHERE name = 'format'");
    client.batch_execute(&raise).await.expect("a later format");
    held.commit().await.expect("the head is free");
    let answered = voted.await.expect("no panic");
    assert!(matches!(answered, Err(LedgerError::NewerFormat { .. })), "decided on a format of before: {answered:?}");
    node.force_format(Format::NEWEST).await;
    assert_eq!(audit_election(&node, key).await.seq, Seq(1));
}

/// Asks until a transaction waits for a lock of another one.
async fn until_somebody_waits(client: &tokio_postgres::Client) {
    let waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while client.query(waiting, &[]).await.expect("who waits").is_empty() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_leaves_no_transaction_behind() {
    let (database, [other, _]) = two_nodes().await;
    let server = PostgresServer::shared();
    let mut options = PostgresOptions::new(&server.url(&database)).expect("an address");
    options.connections_max = 1;
    let node = Postgres::with(options, 3).await;
    let client = server.client(&database).await;
    let same_slug = "BEGIN; INSERT INTO election (id, code, slug, definition)
                     VALUES (gen_random_uuid(), 'another', 'town-hall', '')";
    client.batch_execute(same_slug).await.expect("somebody else's slug");
    let slug = Some("town-hall".parse().expect("a slug"));
    let election = Election { slug, ..poll(Method::Single, Change::Final, Schedule::default()) };
    let ledger = Arc::clone(&node.ledger);
    let gone = tokio::spawn(async move {
        ledger.create(NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None }).await
    });
    until_somebody_waits(&client).await;
    gone.abort();
    assert!(gone.await.expect_err("it is gone").is_cancelled());
    client.batch_execute("ROLLBACK").await.expect("the slug is free");
    // Whoever has the connection next would commit an election that lacks its first acts.
    for node in [&node, &other] {
        assert!(node.registry().elections(None, 10).await.expect("the elections").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_migrate_at_once_make_the_tables_once() {
    let server = PostgresServer::shared();
    let options = PostgresOptions::new(&server.url(&server.empty().await)).expect("an address");
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let options = options.clone();
        tasks.spawn(async move { postgres_migrate(&options).await.expect("the tables") });
    }
    let mut found = tasks.join_all().await;
    found.sort_unstable();
    let newest = found[0].1;
    let expected: Vec<_> = std::iter::once((0, newest)).chain([(newest, newest); 7]).collect();
    assert!(newest > 0 && found == expected, "{found:?}");
    audit(&Postgres::with(options, 1).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_agree_on_the_secret() {
    let server = PostgresServer::shared();
    let options = PostgresOptions::new(&server.url(&server.database().await)).expect("an address");
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let options = options.clone();
        let (clock, random) = (Arc::new(HeldClock::at(START)), Arc::new(crate::conformance::Seeded::new(number)));
        let check = [u8::try_from(number).expect("small"); 16];
        tasks.spawn(async move {
            hustings::ledger::PostgresLedger::connect(options, Some(check), clock, random).await.map(drop)
        });
    }
    let (first, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((first.len(), refused.len()), (1, 7));
    assert!(refused.iter().all(|one| matches!(one, Err(PostgresError::OtherSecret(_)))), "{refused:?}");
}

/// Numbers may be left out where something was refused, and never come twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elections_made_on_two_nodes_have_their_own_numbers() {
    let (_, nodes) = two_nodes().await;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let ledger = Arc::clone(&nodes[number % 2].ledger);
        let election = poll(Method::Single, Change::Final, Schedule::default());
        tasks.spawn(async move {
            ledger
                .create(NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None })
                .await
                .expect("a poll")
                .key
        });
    }
    let mut keys: Vec<ElectionKey> = tasks.join_all().await;
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 20);
    audit(&nodes[0]).await;
}
