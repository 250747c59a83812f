//! Whatever is done to the shared counters of an election, they heal from the mirror or from the ledger, with further
//! votes and without; and what is shown meanwhile was always right.

use std::sync::Arc;

use hustings::ledger::ElectionKey;
use hustings::tally::{Applied, Counters, Tallies, TallyStatus};
use hustings_core::Seq;
use redis::{Cmd, cmd};

use super::rig::{Hall, Node};
use crate::conformance::backends::Told;
use crate::services::redis::Redis;

/// What somebody with a client does, by its name and its commands; `KEY` is the hash, `OLD` what it was before.
const DAMAGES: [(&str, &[&str]); 15] = [
    ("the hash is gone", &["DEL KEY"]),
    ("it is no hash", &["SET KEY tea"]),
    ("a total is no number", &["HSET KEY 0.0.0.ballots tea"]),
    ("a total is negative", &["HSET KEY 0.0.0.ballots -1"]),
    ("a total is another number", &["HINCRBY KEY 0.0.0.choice.1 1"]),
    ("a total is gone", &["HDEL KEY 0.0.0.choice.1"]),
    ("a total too many", &["HSET KEY 0.0.7.blank 3"]),
    ("the place is gone", &["HDEL KEY seq"]),
    ("the place is further", &["HSET KEY seq 999"]),
    ("the place is earlier", &["HSET KEY seq 1"]),
    ("the chain is another", &["HSET KEY chain 0000000000000000000000000000000000000000000000000000000000000000"]),
    ("the epoch is another", &["HSET KEY epoch 0000000000000000"]),
    ("the state is no state", &["HSET KEY state {}"]),
    ("only the place is left", &["DEL KEY", "HSET KEY epoch 0000000000000000 seq 3"]),
    ("it is what it was", &["DEL KEY", "RESTORE KEY 0 OLD"]),
];

fn key(election: ElectionKey) -> String {
    format!("hustings:{{c0ffee:{}}}:tally", election.0)
}

fn command(text: &str, key: &str, old: &[u8]) -> Cmd {
    let mut words = text.split(' ');
    let mut command = cmd(words.next().expect("a command"));
    for word in words {
        match word {
            "KEY" => command.arg(key),
            "OLD" => command.arg(old),
            word => command.arg(word),
        };
    }
    command
}

/// All damages at once, each to an election of its own.
async fn heal_from_all(votes_go_on: bool) {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    let mut polls = Vec::new();
    for _ in DAMAGES {
        polls.push(hall.poll().await);
    }
    let node = Node::start(&hall, &server.url(), &polls).await;
    let mut old = Vec::new();
    for election in &polls {
        old.push(server.ask::<Vec<u8>>(cmd("DUMP").arg(key(*election))));
        let advance = hall.votes(*election, 5).await;
        node.hand_on(advance).await;
        node.reaches(*election, hall.head(*election).await).await;
    }
    for ((election, old), (_, damage)) in polls.iter().zip(&old).zip(DAMAGES) {
        damage.iter().for_each(|text| server.ask(&command(text, &key(*election), old)));
    }
    if votes_go_on {
        for election in &polls {
            let advance = hall.votes(*election, 3).await;
            node.hand_on(advance).await;
        }
    }
    for (election, (damage, _)) in polls.iter().zip(DAMAGES) {
        println!("{damage}");
        node.reaches(*election, hall.head(*election).await).await;
        hall.is_healed(&server.url(), *election).await;
    }
    hall.was_right(&node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_counters_heal_while_votes_go_on() {
    heal_from_all(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_counters_heal_by_themselves() {
    heal_from_all(false).await;
}

/// A node that starts now knows no better than what is there: it must not show it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_shows_no_damaged_counters() {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    for (name, damage) in DAMAGES {
        let election = hall.poll().await;
        let first = Node::start(&hall, &server.url(), &[election]).await;
        let old = server.ask::<Vec<u8>>(cmd("DUMP").arg(key(election)));
        first.hand_on(hall.votes(election, 5).await).await;
        first.reaches(election, hall.head(election).await).await;
        drop(first);
        damage.iter().for_each(|text| server.ask(&command(text, &key(election), &old)));
        println!("{name}");
        let second = Node::start(&hall, &server.url(), &[election]).await;
        hall.is_healed(&server.url(), election).await;
        hall.was_right(&second).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_server_is_filled_again() {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    let polls = [hall.poll().await, hall.poll().await];
    let node = Node::start(&hall, &server.url(), &polls).await;
    for (round, votes_go_on) in [true, false, true].into_iter().enumerate() {
        println!("round {round}");
        server.ask::<()>(&cmd("FLUSHALL"));
        for election in polls {
            if votes_go_on {
                node.hand_on(hall.votes(election, 2).await).await;
            }
            hall.is_healed(&server.url(), election).await;
        }
    }
    assert_eq!(server.ask::<String>(cmd("GET").arg("hustings:installation")), "c0ffee");
    hall.was_right(&node).await;
}

/// Damaged counters take the mirror along, and then somebody puts an old dump in their place: nothing in Redis or in the
/// mirror is newer than that any more, only what was shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_dump_in_the_place_of_damaged_counters_is_not_shown() {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let counters = Told::connect(&server.url()).await.counters;
    // Without an applier nobody heals anything.
    let tallies = Tallies::new(hall.ledger(), Arc::clone(&hall.elections), Arc::clone(&counters) as _);
    let read = async || tallies.read(election).await.expect("read").expect("counters");
    assert_eq!(read().await.fold.seq, Seq(1));
    let old: Vec<u8> = server.ask(cmd("DUMP").arg(key(election)));
    let [first, second] = [hall.votes(election, 3).await, hall.votes(election, 2).await];
    for advance in [&first, &second] {
        assert!(matches!(counters.apply(advance).await.expect("an answer"), Applied::Moved(_)));
    }
    let shown = read().await;
    assert_eq!(shown.fold.seq, Seq(6));
    for (damage, expected) in [("SET KEY tea", Applied::Forked), ("RESTORE KEY 0 OLD REPLACE", Applied::Behind)] {
        server.ask::<()>(&command(damage, &key(election), &old));
        assert_eq!(counters.apply(&second).await.expect("an answer"), expected, "{damage}: the mirror is read again");
        assert_eq!(read().await, shown, "{damage}");
        assert_eq!(tallies.status(election), TallyStatus::Stale, "{damage}");
    }
    let mirrored = counters.read(election).await.expect("read").expect("an old dump");
    assert_eq!(mirrored.fold.seq, Seq(1), "void: the mirror never went back");
}
