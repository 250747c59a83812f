//! Copies into a folder: what SQLite adds to the suite of [`hustings::ledger::Archive`].

use std::path::Path;
use std::sync::Arc;

use hustings::clock::HeldClock;
use hustings::ledger::{
    Archive, Case, ElectionKey, Folder, FolderError, Holds, NewElection, NewToken, Registry, Reports, Scope, Scopes,
    SqliteLedger, SqliteOptions, copy,
};
use hustings::ledger::{CopyError, Ledger};
use hustings::tally::verify;
use hustings_core::{Change, Method, Revision, Schedule, Seq, Time};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::conformance::night::{ONE, POST, election_of_boxes, first_acts, report, retire};
use crate::conformance::support::*;
use crate::conformance::{START, Seeded, Sqlite};

const CHECK: [u8; 16] = Sqlite::SECRET_CHECK;

type Open = fn(
    SqliteOptions,
    [u8; 16],
    Arc<dyn hustings::clock::Clock>,
    Arc<dyn hustings::clock::Random>,
) -> Result<SqliteLedger, FolderError>;

fn opened(open: Open, folder: &Path, check: [u8; 16]) -> Result<SqliteLedger, FolderError> {
    let options = SqliteOptions::new(Folder::database(folder));
    open(options, check, Arc::new(HeldClock::at(START)), Arc::new(Seeded::new(3)))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A source with two votes, a repeat and a token.
async fn source(folder: &Path) -> (SqliteLedger, ElectionKey) {
    let ledger = opened(SqliteLedger::open, folder, CHECK).expect("a new database");
    let election = poll(Method::Single, Change::UntilClose, Schedule::default());
    let new = NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None };
    let key = ledger.create(new).await.expect("a poll").key;
    let batch = vec![vote(ANN, TEA).id(1).to(key), vote(ANN, TEA).id(2).to(key), vote(BOB, TEA).to(key)];
    ledger.append(batch).await.expect("votes");
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
    ledger.create_token(token).await.expect("a token");
    (ledger, key)
}

#[tokio::test]
async fn nothing_opens_half_a_copy_but_what_finishes_it() {
    let [from, to] = [folder(), folder()];
    let (source, _) = source(from.path()).await;
    let target = opened(SqliteLedger::open_copy, to.path(), CHECK).expect("a new copy");
    copy(&source, &target, &mut |_| {}).await.expect("a copy");
    drop(target);
    let refused = opened(SqliteLedger::open, to.path(), CHECK).err().expect("a refusal");
    assert!(matches!(refused, FolderError::Unfinished(_)), "{refused}");
    assert!(refused.to_string().contains("again until it says that it is complete"), "{refused}");
    let target = opened(SqliteLedger::open_copy, to.path(), CHECK).expect("its own copy");
    assert_eq!(target.installation().await.expect("an answer").holds, Holds::Unfinished);
    let third = folder();
    let other = opened(SqliteLedger::open_copy, third.path(), CHECK).expect("a new copy");
    let refused = copy(&target, &other, &mut |_| {}).await;
    assert!(matches!(refused, Err(CopyError::SourceUnfinished)), "{refused:?}");
    target.complete().await.expect("complete");
    drop(target);
    opened(SqliteLedger::open, to.path(), CHECK).expect("a whole installation");
}

#[tokio::test]
async fn a_new_copy_is_marked_before_it_has_its_name() {
    let to = folder();
    // What a run left that was killed while it began, and what is no copy at all.
    std::fs::create_dir(to.path().join("beginning")).expect("a folder");
    std::fs::write(to.path().join("beginning").join("hustings.db"), "half a database").expect("written");
    let target = opened(SqliteLedger::open_copy, to.path(), CHECK).expect("a new copy");
    let found = target.installation().await.expect("an answer");
    assert_eq!((found.secret_check, found.holds), (Some(CHECK), Holds::Unfinished));
    drop(target);
    let refused = opened(SqliteLedger::open_copy, to.path(), [8; 16]).err().expect("a refusal");
    assert!(matches!(refused, FolderError::OtherInstallation(_)), "{refused}");
    let other = folder();
    drop(opened(SqliteLedger::open, other.path(), [8; 16]).expect("another installation"));
    let before = std::fs::read(Folder::database(other.path())).expect("the file");
    let refused = opened(SqliteLedger::open_copy, other.path(), CHECK).err().expect("a refusal");
    assert!(matches!(refused, FolderError::OtherInstallation(_)), "{refused}");
    assert_eq!(std::fs::read(Folder::database(other.path())).expect("the file"), before, "and is left alone");
}

/// Each way in which a copy can be wrong, made with a second connection, and what `verify` calls it.
#[tokio::test]
async fn a_copy_that_is_not_the_same_is_never_verified() {
    for (damage, named) in [
        ("UPDATE election SET definition = replace(definition, 'drink', 'think')", "the definition"),
        ("UPDATE head SET chain = zeroblob(32)", "the head"),
        ("UPDATE head SET time = time + 1", "the head"),
        ("UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 2) WHERE seq = 3", "entry 3 is missing"),
        ("DELETE FROM entry WHERE seq = 3", "its chain up to entry 3 is not that of its entries"),
        ("DELETE FROM ballot WHERE seq = 3", "the number of votes that count"),
        ("DELETE FROM submission WHERE id = (SELECT max(id) FROM submission)", "the number of submissions"),
        ("DELETE FROM head", "moved on"),
        ("UPDATE token SET hash = zeroblob(32)", "the tokens"),
        ("UPDATE token SET revoked = 5", "the tokens"),
        ("DELETE FROM token", "the tokens"),
    ] {
        let [from, to] = [folder(), folder()];
        let (source, _) = source(from.path()).await;
        let target = opened(SqliteLedger::open_copy, to.path(), CHECK).expect("a new copy");
        copy(&source, &target, &mut |_| {}).await.expect("a copy");
        let (source, target): (Arc<dyn Archive>, Arc<dyn Archive>) = (Arc::new(source), Arc::new(target));
        assert_eq!(verify(&source, &target).await.expect("the same").len(), 1, "before: {damage}");
        let database = Connection::open(Folder::database(to.path())).expect("the file");
        assert_eq!(database.execute(damage, []).expect("a damage"), 1, "{damage}");
        let refused = verify(&source, &target).await.expect_err(damage).to_string();
        assert!(refused.contains(named), "{damage}: {refused}");
    }
}

/// The same for an election of boxes, whose rows follow from its entries, and for its quarantine, which follows from nothing.
#[tokio::test]
async fn a_copy_of_a_night_that_is_not_the_same_is_never_verified() {
    for (damage, named) in [
        ("DELETE FROM unit WHERE unit = 6", "the number of units"),
        ("UPDATE unit SET name = 'Trondheim' WHERE unit = 2", "the units"),
        ("UPDATE unit SET retired = NULL WHERE unit = 7", "unit row (1, 8): it is not what the ledger's head says"),
        ("DELETE FROM report WHERE revision = 1 AND ballot_box = 5", "the number of reports"),
        ("UPDATE report SET content = 'withdrawn' WHERE revision = 2", "the number of reports that count"),
        ("UPDATE report SET contest = 1 WHERE ballot_box = 5 AND revision = 1", "the number of reports that count"),
        ("UPDATE quarantine SET request = x'00'", "the quarantine"),
        ("DELETE FROM quarantine", "moved on"),
    ] {
        let [from, to] = [folder(), folder()];
        let source = opened(SqliteLedger::open, from.path(), CHECK).expect("a new database");
        let new = NewElection { election: election_of_boxes(), acts: first_acts(), owner: None };
        let key = source.create(new).await.expect("a night").key;
        let batch = vec![
            report(ONE, [1, 2, 3]).to(key),
            report(ONE, [1, 2, 4]).next().to(key),
            crate::conformance::support::to(key, retire(POST)),
        ];
        source.append(batch).await.expect("reports");
        let case = Case {
            election: key,
            digest: [1; 32],
            contest: FIRST,
            ballot_box: ONE,
            revision: Revision(1),
            existing: Seq(6),
            request: b"{}".to_vec(),
            by: text("clerk"),
            time: Time(1),
            settled: None,
        };
        source.quarantine(case).await.expect("a case");
        let target = opened(SqliteLedger::open_copy, to.path(), CHECK).expect("a new copy");
        copy(&source, &target, &mut |_| {}).await.expect("a copy");
        drop(target);
        let reopened = || opened(SqliteLedger::open_copy, to.path(), CHECK).expect("the copy");
        let (source, target): (Arc<dyn Archive>, Arc<dyn Archive>) = (Arc::new(source), Arc::new(reopened()));
        assert_eq!(verify(&source, &target).await.expect("the same").len(), 1, "before: {damage}");
        drop(target);
        let database = Connection::open(Folder::database(to.path())).expect("the file");
        assert_eq!(database.execute(damage, []).expect("a damage"), 1, "{damage}");
        let target: Arc<dyn Archive> = Arc::new(reopened());
        let refused = verify(&source, &target).await.expect_err(damage).to_string();
        assert!(refused.contains(named), "{damage}: {refused}");
    }
}

#[tokio::test]
async fn a_copy_of_another_history_is_noticed() {
    let [from, to, elsewhere] = [folder(), folder(), folder()];
    let (source, key) = source(from.path()).await;
    let backup = elsewhere.path().join("hustings.db");
    source.backup(&backup).await.expect("a backup");
    source.append(vec![vote(CAT, TEA).to(key)]).await.expect("a vote");
    let target = opened(SqliteLedger::open_copy, to.path(), CHECK).expect("a new copy");
    copy(&source, &target, &mut |_| {}).await.expect("a copy");
    // The source was lost, its backup went on without that vote, and is copied on top of what was copied before.
    let other = opened(SqliteLedger::open, elsewhere.path(), CHECK).expect("the backup");
    for votes in [0, 1, 2] {
        let batch = (0..votes).map(|more| vote(50 + more, MILK).to(key)).collect();
        other.append(batch).await.expect("votes");
        let refused = copy(&other, &target, &mut |_| {}).await.expect_err("another history").to_string();
        assert!(refused.starts_with("head row 1 contradicts"), "after {votes} votes: {refused}");
    }
}

#[tokio::test]
async fn any_store_can_be_written_into_a_file_that_is_restored() {
    let [from, to] = [folder(), folder()];
    let (source, key) = source(from.path()).await;
    let file = Folder::database(to.path());
    let random = || Arc::new(Seeded::new(5));
    let nowhere = to.path().join("missing").join("copy.db");
    assert!(SqliteLedger::write_file(&source, &nowhere, random()).await.is_err(), "there is no such folder");
    for more in [0, 1] {
        source.append((0..more).map(|more| vote(90 + more, MILK).to(key)).collect()).await.expect("votes");
        SqliteLedger::write_file(&source, &file, random()).await.expect("a file");
        assert_eq!(std::fs::read_dir(to.path()).expect("the folder").count(), 1, "the file and nothing else");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("the file").permissions());
        assert_eq!(mode & 0o777, 0o600);
        let place = folder();
        std::fs::copy(&file, Folder::database(place.path())).expect("a file to restore");
        let restored: Arc<dyn Archive> =
            Arc::new(opened(SqliteLedger::open, place.path(), CHECK).expect("a whole installation"));
        let late = vec![vote(ANN, TEA).id(2).to(key)];
        let answered = restored.append(late).await.expect("an answer").answers;
        assert_eq!(answered.iter().map(words).collect::<Vec<_>>(), ["repeated 2"]);
        let heads =
            [source.heads(&[key]).await, restored.heads(&[key]).await].map(|heads| heads.expect("the heads")[0].1);
        assert_eq!((heads[0].seq, heads[0].chain), (heads[1].seq, heads[1].chain));
        assert_ne!(heads[0].epoch, heads[1].epoch);
    }
}
