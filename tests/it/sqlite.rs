//! What only SQLite promises: one process for each folder, its own secret, its own schema, and a log that is on disk.

use std::path::Path;
use std::sync::Arc;

use hustings::clock::HeldClock;
use hustings::ledger::{
    Addressed, ElectionKey, FoldText, Folder, FolderError, Ledger, LedgerError, NewElection, NewToken, Registry, Scope,
    Scopes, SqliteLedger, SqliteOptions, sqlite_facts, sqlite_raise,
};
use hustings_core::{Change, Format, Seq, Time};
use rusqlite::Connection;

use crate::conformance::night::{ONE, OSLO, election_of_boxes, first_acts, report};
use crate::conformance::support::*;
use crate::conformance::{Backend, START, Seeded, Sqlite, audit, audit_election};

fn open(folder: &Path) -> Result<SqliteLedger, FolderError> {
    open_with(SqliteOptions::new(Folder::database(folder)), Sqlite::SECRET_CHECK)
}

fn open_with(options: SqliteOptions, secret_check: [u8; 16]) -> Result<SqliteLedger, FolderError> {
    SqliteLedger::open(options, secret_check, Arc::new(HeldClock::at(START)), Arc::new(Seeded::new(3)))
}

/// Why it cannot be opened.
fn refusal(opened: Result<SqliteLedger, FolderError>) -> FolderError {
    opened.err().expect("a refusal")
}

fn log_length(folder: &Path) -> u64 {
    let log = Folder::database(folder).with_extension("db-wal");
    std::fs::metadata(log).map_or(0, |log| log.len())
}

async fn poll_in(ledger: &SqliteLedger) -> ElectionKey {
    let election = poll(hustings_core::Method::Single, Change::UntilClose, hustings_core::Schedule::default());
    let acts = vec![act_on(FIRST, OPEN)];
    ledger.create(hustings::ledger::NewElection { election, acts, owner: None }).await.expect("a poll").key
}

async fn votes(ledger: &SqliteLedger, key: ElectionKey, voters: std::ops::Range<u32>) {
    let batch: Vec<Addressed> = voters.map(|from| vote(from, TEA).id(from).to(key)).collect();
    ledger.append(batch).await.expect("votes");
}

async fn seq(ledger: &SqliteLedger, key: ElectionKey) -> Seq {
    ledger.heads(&[key]).await.expect("the heads")[0].1.seq
}

#[test]
fn a_folder_is_for_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new").join("data");
    let held = Folder::lock(&path).expect("a new folder");
    assert_eq!(held.path(), path);
    let refused = Folder::lock(&path).err().expect("a refusal");
    assert!(matches!(refused, FolderError::InUse(_)), "{refused}");
    assert!(refused.to_string().contains("stop that one first"), "{refused}");
    let _other = Folder::lock(folder.path()).expect("another folder");
    drop(held);
    Folder::lock(&path).expect("free again");

    std::fs::write(folder.path().join("file"), "").expect("a file");
    let refused = Folder::lock(&folder.path().join("file")).err().expect("a refusal");
    assert!(matches!(refused, FolderError::NotAFolder(_)), "{refused}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = poll_in(&open(folder.path()).expect("a new database")).await;
    let database = Folder::database(folder.path());
    let change = |sql: &str| {
        Connection::open(&database).expect("the file").execute(sql, []).expect("a change of the history");
    };
    change(
        "INSERT INTO refinery_schema_history SELECT 999, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1",
    );
    let before = std::fs::read(&database).expect("the file");
    match refusal(open(folder.path())) {
        FolderError::NewerSchema { found, known, .. } => assert_eq!((found, known), (999, 5)),
        other => panic!("{other}"),
    }
    assert_eq!(std::fs::read(&database).expect("the file"), before, "not a byte was changed");
    change("DELETE FROM refinery_schema_history WHERE version = 999");
    assert_eq!(seq(&open(folder.path()).expect("its own schema"), key).await, Seq(1));
}

/// Makes of a database what a program of the first schema has left.
fn turn_back(database: &Path) {
    let connection = Connection::open(database).expect("the file");
    connection
        .execute_batch(
            "DROP VIEW v_quarantine; DROP VIEW v_place_total; DROP VIEW v_report;
             DROP VIEW v_unit; DROP VIEW v_choice; DROP VIEW v_contest; DROP VIEW v_election;
             DROP TABLE removed_election; DROP TABLE gone_election; DROP TABLE access_code; DROP TABLE joined;
             DROP TABLE joined_total; DROP TABLE joined_minute;
             DROP TABLE person; DROP TABLE session; DROP TABLE invitation; DROP TABLE membership; DROP TABLE cohost_link;
             DROP TABLE unit; DROP TABLE report; DROP TABLE quarantine; DROP TABLE party;
             ALTER TABLE token DROP COLUMN election; ALTER TABLE token DROP COLUMN unit;
             ALTER TABLE token DROP COLUMN used;
             DELETE FROM refinery_schema_history WHERE version > 1; DELETE FROM installation WHERE name = 'format'",
        )
        .expect("the tables of before");
    let first = Connection::open_in_memory().expect("a database");
    first.execute_batch(include_str!("../../migrations/sqlite/V1__engine.sql")).expect("the first schema");
    let tables = |connection: &Connection| {
        let sql = "SELECT tables.name, group_concat(columns.name)
                   FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
                   WHERE tables.name NOT LIKE 'sqlite_%' AND tables.name NOT LIKE 'refinery_%' GROUP BY 1 ORDER BY 1";
        let mut select = connection.prepare(sql).expect("a question");
        let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        rows.expect("rows").collect::<Result<Vec<_>, _>>().expect("tables")
    };
    assert_eq!(tables(&connection), tables(&first), "this is not what the first schema was");
}

#[tokio::test]
async fn a_folder_of_the_first_schema_is_brought_up_to_date_and_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Folder::database(folder.path());
    let ledger = open(folder.path()).expect("a new database");
    let key = poll_in(&ledger).await;
    votes(&ledger, key, 0..5).await;
    let token = |number| NewToken {
        name: "gateway".into(),
        hash: [number; 32],
        scopes: Scopes(vec![Scope::Vote]),
        per_minute: None,
        created: Time(1),
        election: None,
        unit: None,
    };
    ledger.create_token(token(1)).await.expect("a token");
    drop(ledger);
    turn_back(&database);

    // Whoever only looks changes nothing, and finds what there is.
    let look = SqliteLedger::read_only(SqliteOptions::new(database.clone())).expect("a database of before");
    assert_eq!((seq(&look, key).await, look.tokens().await.expect("the tokens").len()), (Seq(6), 1));
    let copies = tempfile::tempdir().expect("a folder");
    look.backup(&Folder::database(copies.path())).await.expect("a backup before the upgrade");
    drop(look);
    for folder in [folder.path(), copies.path()] {
        let facts = || sqlite_facts(&Folder::database(folder)).expect("the facts");
        let fact = |name| facts().into_iter().find(|(fact, _)| *fact == name).map(|(_, value)| value);
        assert_eq!((fact("schema").as_deref(), fact("ledger format").as_deref()), (Some("1"), Some("1")));
        let ledger = open(folder).expect("the database of before");
        assert_eq!((fact("schema").as_deref(), fact("ledger format").as_deref()), (Some("5"), Some("1")));
        assert_eq!(ledger.token([1; 32]).await.expect("a look-up").map(|token| token.unit), Some(None));
        votes(&ledger, key, 5..7).await;
        let election = election_of_boxes();
        let refused =
            ledger.create(NewElection { election, acts: first_acts(), owner: None }).await.expect_err("not yet");
        assert!(matches!(&refused, LedgerError::Refused(why) if why.code() == "format_too_old"), "{refused:?}");
        drop(ledger);
        assert_eq!(sqlite_raise(&Folder::database(folder), Format::NEWEST).expect("a raise"), Format::FIRST);
        let ledger = open(folder).expect("the database");
        let election = election_of_boxes();
        let night =
            ledger.create(NewElection { election, acts: first_acts(), owner: None }).await.expect("a night").key;
        let of_oslo = NewToken { election: Some(night), unit: Some(OSLO), ..token(2) };
        ledger.create_token(of_oslo).await.expect("a token");
        let batch = vec![report(ONE, [1, 2, 3]).to(night), vote(ANN, TEA).id(0).to(key)];
        let answered = ledger.append(batch).await.expect("a batch").answers;
        assert_eq!(answered.iter().map(words).collect::<Vec<_>>(), ["accepted 6", "refused id_reused"]);
        assert_eq!((seq(&ledger, key).await, seq(&ledger, night).await), (Seq(8), Seq(6)));
    }
}

#[tokio::test]
async fn a_later_format_is_refused_and_an_earlier_one_is_raised_only_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = poll_in(&open(folder.path()).expect("a new database")).await;
    let database = Folder::database(folder.path());
    let change = |sql: &str| Connection::open(&database).expect("the file").execute(sql, []).expect("a change");
    let format = || {
        let facts = sqlite_facts(&database).expect("the facts");
        facts.into_iter().find(|(fact, _)| *fact == "ledger format").map(|(_, value)| value)
    };
    assert_eq!(format(), Some(Format::NEWEST.to_string()), "a new one begins with the newest");
    change("UPDATE installation SET value = '999' WHERE name = 'format'");
    let before = std::fs::read(&database).expect("the file");
    let look = SqliteLedger::read_only(SqliteOptions::new(database.clone()));
    for refused in [refusal(open(folder.path())), refusal(look), sqlite_raise(&database, Format(1)).expect_err("lower")]
    {
        let sentence = format!("format 999, and this program knows up to {}: upgrade Hustings", Format::NEWEST);
        assert!(refused.to_string().ends_with(&sentence), "{refused}");
    }
    assert_eq!(std::fs::read(&database).expect("the file"), before, "not a byte was changed");
    change("DELETE FROM installation WHERE name = 'format'");
    assert_eq!(seq(&open(folder.path()).expect("one of before"), key).await, Seq(1));
    assert_eq!(sqlite_raise(&database, Format::FIRST).expect("nothing to do"), Format::FIRST);
    change("INSERT INTO installation (name, value) VALUES ('format', '0')");
    open(folder.path()).expect("an earlier one");
    assert_eq!(format().as_deref(), Some("0"), "a start has raised it");
    assert_eq!(sqlite_raise(&database, Format::FIRST).expect("a raise"), Format(0));
    assert_eq!(format().as_deref(), Some("1"));
}

#[tokio::test]
async fn another_secret_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = poll_in(&open(folder.path()).expect("a new database")).await;
    let options = || SqliteOptions::new(Folder::database(folder.path()));
    let refused = refusal(open_with(options(), [8; 16]));
    assert!(matches!(refused, FolderError::OtherSecret(_)), "{refused}");
    assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
    assert_eq!(seq(&open(folder.path()).expect("its own secret"), key).await, Seq(1));
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = refusal(open(&folder.path().join("missing")));
    assert!(matches!(missing, FolderError::Database { .. }), "{missing}");
    let look = |file: &Path| refusal(SqliteLedger::read_only(SqliteOptions::new(file.to_owned())));
    let missing = look(&folder.path().join("missing.db"));
    assert!(matches!(missing, FolderError::Database { .. }), "{missing}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing came to be");
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).expect("a file").execute_batch("CREATE TABLE x (y)").expect("a table");
    for (name, content) in [("empty", String::new()), ("text", "this is no database".repeat(500))] {
        std::fs::write(folder.path().join(name), content).expect("written");
    }
    for name in ["foreign.db", "empty", "text"] {
        let refused = look(&folder.path().join(name));
        assert!(matches!(refused, FolderError::NotOurs(_)), "{name}: {refused}");
        assert!(refused.to_string().ends_with("it is not a database of Hustings"), "{refused}");
    }
}

#[tokio::test]
async fn a_database_opened_again_knows_everything() {
    let first = Sqlite::start().await;
    let key = opened(&first, Change::UntilClose).await;
    append(&first, vec![vote(ANN, TEA).id(1).to(key), vote(ANN, TEA).id(2).to(key)]).await;
    append(&first, vec![vote(ANN, MILK).to(key), vote(BOB, TEA).to(key)]).await;
    let (head, fold) = (first.ledger().heads(&[key]).await.expect("the heads"), audit_election(&first, key).await);
    first
        .ledger()
        .save_snapshot(key, head[0].1.epoch, &FoldText::of(key, &fold).expect("a text"))
        .await
        .expect("a fold is kept");

    let again = first.reopened();
    audit(&again).await;
    assert_eq!(again.ledger().heads(&[key]).await.expect("the heads"), head, "the same life at the same place");
    let kept = again.ledger().snapshot(key, head[0].1.epoch, Seq(99)).await.expect("a look-up");
    assert_eq!(kept, Some(fold));
    let late = vec![vote(ANN, TEA).id(2).to(key), vote(ANN, MILK).to(key), vote(BOB, MILK).replaces(1).to(key)];
    assert_eq!(answers(&again, late).await, ["superseded 2", "repeated 3", "refused superseded 4"]);
    append(&again, vec![vote(CAT, TEA).to(key)]).await;
    audit(&again).await;
}

#[tokio::test]
async fn every_commit_is_synced() {
    let folder = tempfile::tempdir().expect("a folder");
    let _ledger = open(folder.path()).expect("a new database");
    // `open` reads both settings back from the connection that writes, and refuses where they did not take.
    let options = SqliteOptions::new(Folder::database(folder.path()));
    assert_eq!(options.synchronous, "FULL");
    let facts = sqlite_facts(&options.path).expect("the facts");
    let fact = |name| facts.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value.as_str());
    assert_eq!(fact("journal mode"), Some("wal"));
    assert_eq!((fact("schema"), fact("quick check")), (Some("5"), Some("ok")));
    let typo = SqliteOptions { synchronous: "FULLL", ..options };
    assert!(matches!(refusal(open_with(typo, Sqlite::SECRET_CHECK)), FolderError::Database { .. }));
}

#[tokio::test]
async fn a_log_left_by_a_crash_is_copied_before_anything_is_answered() {
    let [crashed, copy] = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let ledger = open(crashed.path()).expect("a new database");
    let key = poll_in(&ledger).await;
    votes(&ledger, key, 0..100).await;
    // What a crash leaves: the files as they are, without a clean end.
    for file in ["hustings.db", "hustings.db-wal"] {
        std::fs::copy(crashed.path().join(file), copy.path().join(file)).expect("a copy");
    }
    assert!(log_length(copy.path()) > 0, "the votes are in the log only");

    let after = open(copy.path()).expect("a database after a crash");
    assert_eq!(log_length(copy.path()), 0, "the log is copied and cut");
    assert_eq!(seq(&after, key).await, Seq(101));
    drop(after);
    assert_eq!(log_length(copy.path()), 0, "a clean end leaves no log");
    std::fs::remove_file(copy.path().join("hustings.db-wal")).unwrap_or_default();
    assert_eq!(seq(&open(copy.path()).expect("without a log"), key).await, Seq(101), "all of it is in the database");
}

#[tokio::test]
async fn a_log_is_copied_between_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Folder::database(folder.path());
    let options = SqliteOptions { checkpoint_pages: 50, ..SqliteOptions::new(path) };
    let ledger = open_with(options, Sqlite::SECRET_CHECK).expect("a new database");
    let key = poll_in(&ledger).await;
    for first in (0..20_000).step_by(100) {
        votes(&ledger, key, first..first + 100).await;
    }
    // A page is 4 KiB and a little more in the log; each batch adds some pages to the 50 at which it is copied.
    let longest = 100 * 4_200;
    assert!(log_length(folder.path()) < longest, "the log has {} bytes", log_length(folder.path()));
    assert_eq!(seq(&ledger, key).await, Seq(20_001));
}

#[tokio::test]
async fn a_copy_can_be_taken_beside_a_running_server() {
    let [folder, copies] = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let _held = Folder::lock(folder.path()).expect("the folder");
    let ledger = open(folder.path()).expect("a new database");
    let key = poll_in(&ledger).await;
    votes(&ledger, key, 0..10).await;
    let file = Folder::database(copies.path());
    let beside = SqliteLedger::read_only(SqliteOptions::new(Folder::database(folder.path()))).expect("the database");
    beside.backup(&file).await.expect("a copy");
    votes(&ledger, key, 10..20).await;
    let copy = open(copies.path()).expect("the copy");
    assert_eq!([seq(&ledger, key).await, seq(&copy, key).await], [Seq(21), Seq(11)]);
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path()).expect("a new database");
    let key = poll_in(&ledger).await;
    votes(&ledger, key, 0..3).await;
    drop(ledger);
    let database = Connection::open(Folder::database(folder.path())).expect("the file");
    database.execute("UPDATE entry SET bytes = x'0163' WHERE seq = 2", []).expect("a damage");
    drop(database);

    let ledger = open(folder.path()).expect("the database");
    let damaged = ledger.read(key, Seq(0), 10).await.expect_err("entry 2 cannot be read");
    assert!(matches!(&damaged, LedgerError::Damaged { table: "entry", key, .. } if key == "(1, 2)"), "{damaged}");
    let answer = ledger.append(vec![vote(0, TEA).id(0).to(key)]).await;
    assert!(matches!(answer, Err(LedgerError::Damaged { table: "entry", .. })), "its voter gets no answer: {answer:?}");
    votes(&ledger, key, 3..4).await;
    assert_eq!((seq(&ledger, key).await, ledger.due(Time(0)).await.is_ok()), (Seq(5), true), "the others go on");
}
