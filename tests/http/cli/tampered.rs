//! A database that somebody changed: nothing of it is written out as if it were whole.

use std::fs;
use std::path::Path;

use hustings_core::{ChoiceNumber, Entry, Event, Selections};
use rusqlite::Connection;

use super::exports::{eventful, export};
use crate::support::TestServer;

/// What somebody with the database could change, and what must come out of it then: nothing.
#[tokio::test]
async fn a_tampered_ledger_is_not_exported() {
    let mut server = TestServer::start().await;
    let poll = eventful(&server).await;
    server.stop().await;
    let database = server.data().join("hustings.db");
    let good = fs::read(&database).expect("the database");
    let change = |sql: &str| Connection::open(&database).expect("the database").execute_batch(sql).expect("a change");
    for (what, tamper) in [
        ("a vote for somebody else", (&|| another_choice(&database)) as &dyn Fn()),
        ("the last entry is missing", &|| change("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")),
        ("an entry is missing", &|| change("DELETE FROM entry WHERE seq = 3")),
        ("all entries are missing", &|| change("DELETE FROM entry")),
        ("another head", &|| change("UPDATE head SET chain = zeroblob(32)")),
    ] {
        tamper();
        for (kind, format) in
            [("entries", "ndjson"), ("entries", "csv"), ("totals", "ndjson"), ("totals", "csv"), ("ballots", "ndjson")]
        {
            let (well, out, said) = export(&server, &poll, kind, format).await;
            assert!(!well && out.is_empty() && said.contains("restore from a backup"), "{what}, {kind}: {out}{said}");
            let file = server.folder().join("out");
            let shown = file.display().to_string();
            let into = ["export", kind, "--poll", &poll.code, "--format", format, "--out", &shown];
            assert!(!server.command(&into).await.0 && !file.exists(), "{what}, {kind}");
        }
        for leftover in ["hustings.db-wal", "hustings.db-shm"] {
            let _none = fs::remove_file(server.data().join(leftover));
        }
        fs::write(&database, &good).expect("as it was");
    }
    let (well, _, said) = export(&server, &poll, "entries", "ndjson").await;
    assert!(well, "{said}");
    server.finish().await;
}

/// Makes one vote one for the second choice, in good canonical bytes: only the chain can tell.
fn another_choice(database: &Path) {
    let connection = Connection::open(database).expect("the database");
    let bytes: Vec<u8> =
        connection.query_row("SELECT bytes FROM entry WHERE seq = 2", [], |row| row.get(0)).expect("a row");
    let mut entry = Entry::from_bytes(&bytes).expect("an entry");
    let Event::BallotCast(ballot) = &mut entry.event else { panic!("the first vote") };
    ballot.selections = Selections::choices(vec![ChoiceNumber(1)]).expect("a choice");
    connection.execute("UPDATE entry SET bytes = ? WHERE seq = 2", [entry.to_bytes()]).expect("a change");
}
