//! What is written to Redis, and how.

use std::collections::BTreeMap;
use std::sync::Arc;

use hustings::ledger::{Advance, ElectionKey, Head};
use hustings::tally::{Applied, Counters, Snapshot};
use hustings_core::{
    Cell, Change, ContestNumber, Count, Delta, Epoch, Fold, GroupNumber, Increment, Measure, Method, Schedule, Seq,
    UnitNumber,
};
use redis::cmd;

use crate::conformance::backends::{Redis, RedisCluster, Told};
use crate::conformance::history::History;
use crate::conformance::support::poll;
use crate::conformance::{CountersBackend, same};
use crate::services::redis::Redis as Server;

const ELECTION: ElectionKey = ElectionKey(1);
const KEY: &str = "hustings:{c0ffee:1}:tally";

fn empty() -> Arc<Snapshot> {
    let fold = Fold::new(&poll(Method::Single, Change::Final, Schedule::default()));
    Arc::new(Snapshot { epoch: Epoch([1; 8]), fold })
}

/// A batch that adds to so many units.
fn wide(from: &Snapshot, units: u32) -> Advance {
    wide_in(ELECTION, from, units)
}

fn wide_in(election: ElectionKey, from: &Snapshot, units: u32) -> Advance {
    let before = Head { epoch: from.epoch, seq: from.fold.seq, time: from.fold.time, chain: from.fold.chain };
    let increment = |unit| Increment {
        cell: Cell {
            contest: ContestNumber(0),
            unit: UnitNumber(unit),
            group: GroupNumber(0),
            measure: Measure::Ballots,
        },
        delta: Delta(i64::from(unit) + 1),
    };
    Advance {
        election,
        before,
        after: Head { seq: before.seq.next(), chain: before.chain.extend(b"wide"), ..before },
        increments: (0..units).map(increment).collect(),
        state: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_any_width_move_counters_once() {
    any_width(&Redis::start().await, ELECTION).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_any_width_move_the_counters_of_a_cluster_once() {
    any_width(&RedisCluster::start().await, ElectionKey(700_001)).await;
}

async fn any_width(backend: &dyn CountersBackend, election: ElectionKey) {
    let counters = backend.counters();
    assert!(counters.replace(election, empty(), None).await.expect("an answer"));
    let mut expected = Snapshot::clone(&empty());
    // Around the most that one command of a script takes, around the most that one script takes, and beyond it.
    for units in [1, 2_999, 3_000, 3_001, 6_000, 6_001, 20_000, 24_999, 25_000, 25_001, 30_000] {
        let mut advance = wide_in(election, &expected, units);
        if units % 2 == 0 {
            advance.state = Some(expected.fold.state.clone());
        }
        expected.fold.tally.add(&advance.increments).expect("in range");
        (expected.fold.seq, expected.fold.chain) = (advance.after.seq, advance.after.chain);
        let moved = counters.apply(&advance).await.expect("an answer");
        assert!(matches!(&moved, Applied::Moved(moved) if **moved == expected), "{units} units");
        assert_eq!(counters.apply(&advance).await.expect("an answer"), Applied::Already, "{units} units");
        let afresh = backend.afresh().await.read(election).await.expect("read").expect("counters");
        assert_eq!(*afresh, expected, "{units} units");
    }
    for units in [4_000, 20_000, 26_000] {
        let last = units as usize - 1;
        let mut late = wide_in(election, &empty(), units);
        late.after.seq = Seq(99);
        assert_eq!(counters.apply(&late).await.expect("an answer"), Applied::Behind);
        let mut forked = wide_in(election, &expected, units);
        forked.before.chain = forked.before.chain.extend(b"another");
        assert_eq!(counters.apply(&forked).await.expect("an answer"), Applied::Forked);
        forked = wide_in(election, &expected, units);
        forked.increments[last].delta = Delta(-Count::MAX.cast_signed());
        assert_eq!(counters.apply(&forked).await.expect("an answer"), Applied::Forked);
        let afresh = backend.afresh().await.read(election).await.expect("read").expect("counters");
        assert_eq!(*afresh, expected, "all or nothing, with {units} units");
    }
}

/// No server ends a script in the middle; this one does it by itself, between two of its writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_ends_in_the_middle_leaves_no_snapshot() {
    const APPLY: &str = include_str!("../../../src/tally/redis/apply.lua");
    let backend = Redis::start().await;
    let counters = backend.counters();
    for (what, after) in [("after the mark", "'cells', 'moving')"), ("after a part", "first + width - 1))")] {
        let server = &backend.server;
        server.ask::<()>(&cmd("FLUSHDB"));
        let start = Arc::new(Snapshot { epoch: Epoch([3; 8]), ..Snapshot::clone(&empty()) });
        assert!(counters.replace(ELECTION, Arc::clone(&start), None).await.expect("an answer"));
        let advance = wide(&start, 20_000);
        let cut = APPLY.replacen(after, &format!("{after}\nif true then error('cut off') end"), 1);
        assert_ne!(cut, APPLY, "{what}");
        let (before, end) = (&advance.before, &advance.after);
        let mut run = cmd("EVAL");
        run.arg(cut).arg(1).arg(KEY);
        run.arg(before.epoch.to_string()).arg(before.seq.to_string()).arg(before.chain.to_string());
        run.arg(end.seq.to_string()).arg(end.time.to_string()).arg(end.chain.to_string());
        run.arg("").arg("").arg("PUBLISH").arg("moved");
        for increment in &advance.increments {
            run.arg(format!("0.{}.0.ballots", increment.cell.unit)).arg(increment.delta.0);
        }
        let stopped = run.query::<redis::Value>(&mut server.connection()).expect_err("it is cut off");
        assert!(stopped.to_string().contains("cut off"), "{what}: {stopped}");
        let fields: i64 = server.ask(cmd("HLEN").arg(KEY));
        assert_eq!(fields > 7, what == "after a part", "{what}: {fields} fields");
        assert_eq!(server.ask::<String>(cmd("HGET").arg(KEY).arg("cells")), "moving", "{what}");
        let afresh = backend.afresh().await;
        assert_eq!(afresh.read(ELECTION).await.expect("read"), None, "{what}: it is no snapshot");
        assert_eq!(afresh.apply(&advance).await.expect("an answer"), Applied::Forked, "{what}");
        assert!(afresh.replace(ELECTION, Arc::clone(&start), None).await.expect("an answer"), "{what}: it heals");
        assert!(matches!(afresh.apply(&advance).await.expect("an answer"), Applied::Moved(_)), "{what}: and goes on");
    }
}

#[tokio::test]
async fn totals_end_at_the_largest_that_is_exact() {
    let backend = Redis::start().await;
    let counters = backend.counters();
    assert!(counters.replace(ELECTION, empty(), None).await.expect("an answer"));
    let mut top = wide(&empty(), 1);
    top.increments[0].delta = Delta(Count::MAX.cast_signed());
    let Applied::Moved(stands) = counters.apply(&top).await.expect("an answer") else { panic!("not moved") };
    for delta in [1, i64::MAX, i64::MIN, -Count::MAX.cast_signed() - 1] {
        let mut beyond = wide(&stands, 1);
        beyond.increments[0].delta = Delta(delta);
        assert_eq!(counters.apply(&beyond).await.expect("an answer"), Applied::Forked, "{delta}");
    }
    let mut down = wide(&stands, 1);
    down.increments[0].delta = Delta(-1);
    assert!(matches!(counters.apply(&down).await.expect("an answer"), Applied::Moved(_)));
    let total = backend.server.ask::<String>(cmd("HGET").arg(KEY).arg("0.0.0.ballots"));
    assert_eq!(total, "9007199254740990");
    let afresh = backend.afresh().await.read(ELECTION).await.expect("read").expect("counters");
    assert_eq!(afresh.fold.tally.total(ContestNumber(0), Measure::Ballots).get(), Count::MAX - 1);
}

#[tokio::test]
async fn counters_never_expire_and_nothing_is_left_beside_them() {
    let backend = Redis::start().await;
    let counters = backend.counters();
    assert!(counters.replace(ELECTION, empty(), None).await.expect("an answer"));
    assert!(!counters.replace(ELECTION, empty(), None).await.expect("an answer"), "it is no newer");
    assert!(matches!(counters.apply(&wide(&empty(), 2)).await.expect("an answer"), Applied::Moved(_)));
    assert_eq!(backend.server.ask::<i64>(cmd("TTL").arg(KEY)), -1);
    let mut keys: Vec<String> = backend.server.ask(cmd("KEYS").arg("*"));
    keys.sort();
    assert_eq!(keys, ["hustings:installation", KEY, "hustings:{c0ffee}:processes"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_move_is_told_to_other_nodes_and_only_moves_are() {
    let backend = Redis::start().await;
    let counters = backend.counters();
    let mut connection = backend.server.connection();
    let mut heard = connection.as_pubsub();
    heard.psubscribe("hustings:*").expect("subscribed");
    assert!(counters.replace(ELECTION, empty(), None).await.expect("an answer"));
    let advance = wide(&empty(), 2);
    assert!(matches!(counters.apply(&advance).await.expect("an answer"), Applied::Moved(_)));
    assert_eq!(counters.apply(&advance).await.expect("an answer"), Applied::Already);
    assert!(!counters.replace(ELECTION, empty(), None).await.expect("an answer"));
    let other = Arc::new(Snapshot { epoch: Epoch([2; 8]), ..Snapshot::clone(&empty()) });
    assert!(counters.replace(ELECTION, other, None).await.expect("an answer"));
    for version in ["0101010101010101.0", "0101010101010101.1", "0202020202020202.0"] {
        let message = heard.get_message().expect("a message");
        assert_eq!(message.get_channel_name(), "hustings:{c0ffee:1}:moved");
        assert_eq!(message.get_payload::<String>().expect("text"), version);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_makes_others_look_and_ones_own_does_not() {
    let backend = Redis::start().await;
    let (woken, mut told) = tokio::sync::mpsc::unbounded_channel();
    backend.tell(Arc::new(move |election| woken.send(election).expect("somebody listens")));
    let counters = backend.counters();
    let other = ElectionKey(2);
    assert!(counters.read(other).await.expect("read").is_none());
    assert!(counters.replace(ELECTION, empty(), None).await.expect("an answer"));
    let advance = wide(&empty(), 2);
    assert!(matches!(counters.apply(&advance).await.expect("an answer"), Applied::Moved(_)));
    // Hints are heard in order: one about another election shows that one's own have been heard before.
    backend.server.ask::<()>(cmd("PUBLISH").arg("hustings:{c0ffee:2}:moved").arg("0101010101010101.5"));
    assert_eq!(told.recv().await, Some(other));
    let next = wide(&counters.read(ELECTION).await.expect("read").expect("counters"), 3);
    let afresh = backend.afresh().await;
    let Applied::Moved(moved) = afresh.apply(&next).await.expect("an answer") else { panic!("not moved") };
    while told.recv().await != Some(ELECTION) {}
    assert_eq!(counters.read(ELECTION).await.expect("read"), Some(moved));
}

/// What a script says of a batch shows that another node was there, also where no hint arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_names_another_place_makes_the_mirror_be_read_again() {
    let server = Server::start(&[]);
    // May do all but publish and subscribe.
    server.ask::<()>(cmd("ACL").arg(&["SETUSER", "deaf", "on", ">secret", "~*", "resetchannels", "+@all"]));
    let url = format!("redis://deaf:secret@{}", server.place());
    for (from, to, expected) in [(0, 2, Applied::Already), (0, 6, Applied::Behind), (7, 9, Applied::Behind)] {
        let (first, second) = (Told::connect(&url).await.counters, Told::connect(&url).await.counters);
        let history = History::new();
        assert!(first.replace(history.election, history.snapshot(0), None).await.expect("an answer"));
        assert_eq!(second.read(history.election).await.expect("read"), Some(history.snapshot(0)));
        assert!(matches!(first.apply(&history.advance(0..4)).await.expect("an answer"), Applied::Moved(_)));
        assert_eq!(second.apply(&history.advance(from..to)).await.expect("an answer"), expected, "{from}..{to}");
        let read = second.read(history.election).await.expect("read").expect("counters");
        assert_eq!(read.fold.seq, Seq(4), "after {from}..{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_meets_a_damaged_hash_moves_nothing() {
    let backend = Redis::start().await;
    let counters = backend.counters();
    for damage in [
        &["HDEL", "KEY", "0.0.0.choice.0"][..],
        &["HSET", "KEY", "0.0.7.blank", "0"],
        &["HSET", "KEY", "0.0.0.choice.0", "1.0"],
        &["HSET", "KEY", "0.0.0.choice.0", "9007199254740992"],
        &["HSET", "KEY", "0.0.0.choice.0", "nan"],
        &["HSET", "KEY", "cells", "inf"],
        &["HSET", "KEY", "cells", "moving"],
        &["HSET", "KEY", "seq", " 3"],
        &["HDEL", "KEY", "sum"],
        &["SET", "KEY", "tea"],
    ] {
        let history = History::new();
        let key = format!("hustings:{{c0ffee:{}}}:tally", history.election.0);
        assert!(counters.replace(history.election, history.snapshot(3), None).await.expect("an answer"));
        let mut command = cmd(damage[0]);
        for word in &damage[1..] {
            command.arg(if *word == "KEY" { key.as_str() } else { word });
        }
        backend.server.ask::<()>(&command);
        let content = || match backend.server.ask::<String>(cmd("TYPE").arg(&key)).as_str() {
            "hash" => backend.server.ask::<BTreeMap<String, String>>(cmd("HGETALL").arg(&key)),
            other => BTreeMap::from([(other.to_owned(), backend.server.ask(cmd("GET").arg(&key)))]),
        };
        let before = content();
        let applied = counters.apply(&history.advance(3..9)).await.expect("an answer");
        assert_eq!(applied, Applied::Forked, "{damage:?}");
        assert_eq!(content(), before, "{damage:?}");
        assert_eq!(counters.read(history.election).await.expect("read"), None, "{damage:?}: it is no snapshot");
        let healed = counters.replace(history.election, history.snapshot(9), None).await.expect("an answer");
        assert!(healed, "{damage:?}: a fold of the ledger takes its place");
        assert_eq!(counters.read(history.election).await.expect("read"), Some(history.snapshot(9)));
    }
}

/// Without any ledger: the mirror alone knows better.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_rewound_is_put_back_from_the_mirror() {
    let backend = Redis::start().await;
    let counters = backend.counters();
    for damage in ["gone", "older"] {
        let history = History::new();
        let key = format!("hustings:{{c0ffee:{}}}:tally", history.election.0);
        assert!(counters.replace(history.election, history.snapshot(3), None).await.expect("an answer"));
        let old: Vec<u8> = backend.server.ask(cmd("DUMP").arg(&key));
        assert!(matches!(counters.apply(&history.advance(3..9)).await.expect("an answer"), Applied::Moved(_)));
        backend.server.ask::<()>(cmd("DEL").arg(&key));
        if damage == "older" {
            backend.server.ask::<()>(cmd("RESTORE").arg(&key).arg(0).arg(old));
        }
        let late = counters.apply(&history.advance(8..9)).await.expect("an answer");
        assert_eq!(late, Applied::Behind, "{damage}");
        for counters in [Arc::clone(&counters), backend.afresh().await] {
            let read = counters.read(history.election).await.expect("read").expect("counters");
            assert!(same(&read, &history.snapshot(9)), "{damage}: {read:?}");
        }
    }
}

/// The script decides again what was decided before it ran: another node may have been there in between.
#[test]
fn a_staged_fold_gives_way_to_what_came_before_it() {
    const REPLACE: &str = include_str!("../../../src/tally/redis/replace.lua");
    let server = Server::start(&[]);
    for (what, current, staged, condemned, expected) in [
        ("absent", "", "epoch a seq 3", "", "replaced"),
        ("older", "epoch a seq 2", "epoch a seq 3", "", "replaced"),
        ("no longer older", "epoch a seq 3", "epoch a seq 3", "", "kept"),
        ("newer by now", "epoch a seq 10", "epoch a seq 9", "", "kept"),
        ("another epoch", "epoch b seq 10", "epoch a seq 9", "", "replaced"),
        ("no epoch", "seq 10", "epoch a seq 9", "", "replaced"),
        ("no place", "epoch a seq tea", "epoch a seq 9", "", "replaced"),
        ("just what was condemned", "epoch a seq 9 x 1", "epoch a seq 9", "seq 9 x 1 epoch a", "replaced"),
        ("condemned, and altered since", "epoch a seq 9 x 2", "epoch a seq 9", "seq 9 x 1 epoch a", "kept"),
        ("condemned, and more since", "epoch a seq 9 x 1 y 1", "epoch a seq 9", "seq 9 x 1 epoch a", "kept"),
        ("condemned, and less since", "epoch a seq 9", "epoch a seq 9", "seq 9 x 1 epoch a", "kept"),
        ("staged in part", "", "epoch a", "", "lost"),
    ] {
        let words = |text: &'static str| text.split_whitespace();
        server.ask::<()>(&cmd("FLUSHALL"));
        for (key, fields) in [("{e}tally", current), ("{e}staged", staged)] {
            if !fields.is_empty() {
                let mut write = cmd("HSET");
                write.arg(key);
                for word in words(fields) {
                    write.arg(word);
                }
                server.ask::<()>(&write);
            }
        }
        let mut run = cmd("EVAL");
        run.arg(REPLACE).arg(2).arg("{e}tally").arg("{e}staged").arg(2).arg("PUBLISH").arg("moved");
        for word in words(condemned) {
            run.arg(word);
        }
        assert_eq!(server.ask::<String>(&run), expected, "{what}");
        let mut stands: Vec<String> = server.ask(cmd("HGETALL").arg("{e}tally"));
        let mut wanted: Vec<_> = words(if expected == "replaced" { staged } else { current }).collect();
        stands.sort();
        wanted.sort_unstable();
        assert_eq!(stands, wanted, "{what}");
    }
}
