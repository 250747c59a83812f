//! An orderly stop under full load (SIGTERM, as systemd and container runtimes send it): short, and without a loss.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use hustings::load::{Api, EventStream, Progress};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::electorate::{Crowd, Electorate, UNRULY, became};
use crate::server::{Program, Server, TOKEN};
use crate::setting::{self, until};

const CROWD: Crowd = Crowd { voters: 4_000, mix: UNRULY };
const CONNECTIONS: usize = 64;
const WATCHERS: usize = 20;
const STOPS_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_stop_under_load_is_short_loses_nothing_and_ends_the_streams() {
    let seed = setting::seed("drain");
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::real(folder.path(), &folder.path().join("data"));
    let Server { mut process, api } = program.start().await;
    let mut crowd = Electorate::new(&api, CROWD, seed).await;
    // A connection that has nothing to say must not hold up the stop either.
    let _idle = TcpStream::connect(api.authority()).await.expect("a connection");
    let mut watchers = JoinSet::new();
    for _ in 0..WATCHERS {
        watchers.spawn(watch_to_the_end(api.clone(), crowd.stream()));
    }
    let progress = Arc::new(Progress::default());
    let (gone, is_gone) = watch::channel(false);
    let voting = crowd.vote(&api, CONNECTIONS, Arc::clone(&progress), became(is_gone));
    let stopping = async {
        until("votes are acknowledged", || progress.seen().acknowledged >= 1_000).await;
        let asked = Instant::now();
        process.terminate();
        let status = process.ended(STOPS_WITHIN).await;
        let took = asked.elapsed();
        gone.send_replace(true);
        (status, took)
    };
    let (outcome, (status, took)) = join(voting, stopping).await;
    let status = status.unwrap_or_else(|| panic!("still running {took:?} after SIGTERM:\n{}", process.log_tail()));
    assert_eq!(status.code(), Some(0), "an orderly stop is a success:\n{}", process.log_tail());

    let frames: Vec<usize> = watchers.join_all().await;
    assert!(frames.iter().all(|&frames| frames > 0), "each watcher saw results before the stop: {frames:?}");
    // A request that crosses the closing of its connection is in doubt; a drain may leave none.
    let (told, in_doubt) = (outcome.receipts().acknowledged(), outcome.in_doubt().len());
    assert!(told < CROWD.voters, "void: the stop came when all had voted");

    let server = program.start().await;
    let report = crowd.check(&server.api, &outcome).await;
    assert!(report.is_exact(), "after the stop:\n{report}");
    println!("stopped in {took:?} with {told} of {} votes told and {in_doubt} in doubt,", CROWD.voters);
    println!("  of which {} were stored; {WATCHERS} streams ended whole", report.in_doubt_counted.ballots);
    crowd.remember(outcome);
    crowd.finish(&server.api).await;
}

#[tokio::test]
async fn clients_that_stall_do_not_hold_up_a_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::real(folder.path(), &folder.path().join("data"));
    let Server { mut process, api } = program.start().await;
    let crowd = Electorate::new(&api, CROWD, 1).await;
    let votes = crowd.stream().replace("results/stream", "votes");
    // In the middle of a head, in the middle of a body, and in the middle of an answer that nobody reads.
    let requests = [
        format!("POST {votes} HTTP/1.1\r\nHost: x\r\nAuth"),
        format!("POST {votes} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n\r\n{{"),
        format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", crowd.stream()),
    ];
    let mut stalled = Vec::new();
    for request in requests {
        let mut connection = TcpStream::connect(api.authority()).await.expect("a connection");
        connection.write_all(request.as_bytes()).await.expect("half a request");
        stalled.push(connection);
    }
    // An answer on a later connection says that the server has begun with these.
    stalled[2].readable().await.expect("the beginning of a stream");
    let asked = Instant::now();
    process.terminate();
    let status = process.ended(STOPS_WITHIN).await;
    let took = asked.elapsed();
    let status = status.unwrap_or_else(|| panic!("still running {took:?} after SIGTERM:\n{}", process.log_tail()));
    assert_eq!(status.code(), Some(0), "an orderly stop is a success:\n{}", process.log_tail());
    println!("drain: stopped in {took:?} beside {} stalled clients", stalled.len());
}

/// How many frames a watcher saw before the server ended its stream, as it must: with a last chunk, not a lost line.
async fn watch_to_the_end(api: Api, path: String) -> usize {
    let mut stream = EventStream::open(&api, &path, Duration::from_secs(10)).await.expect("a stream");
    let mut frames = 0;
    loop {
        match stream.next().await {
            Ok(Some(_)) => frames += 1,
            Ok(None) => return frames,
            Err(error) => panic!("after {frames} frames a stream was lost instead of ended: {error}"),
        }
    }
}
