//! What a start refuses, with the sentence that says what to do, and never with a password.

use std::sync::Arc;

use hustings::clock::HeldClock;
use hustings::ledger::{
    Archive, Ledger, LedgerError, NewElection, PostgresError, PostgresLedger, PostgresOptions, Registry, Wanted,
    postgres_facts, postgres_migrate, postgres_raise,
};
use hustings_core::{Change, Format, Method, Schedule};

use crate::conformance::night::{ONE, election_of_boxes, first_acts, report};
use crate::conformance::support::*;
use crate::conformance::{Postgres, START, Seeded};
use crate::services::ports;
use crate::services::postgres::PostgresServer;

const CHECK: [u8; 16] = Postgres::SECRET_CHECK;

async fn connect_with(url: &str, check: Option<[u8; 16]>) -> Result<PostgresLedger, PostgresError> {
    let (clock, random) = (Arc::new(HeldClock::at(START)), Arc::new(Seeded::new(5)));
    PostgresLedger::connect(PostgresOptions::new(url)?, check, clock, random).await
}

async fn connect(url: &str) -> Result<PostgresLedger, PostgresError> {
    connect_with(url, Some(CHECK)).await
}

/// Why it does not start; never with a password in it.
async fn refusal(url: &str) -> PostgresError {
    let refused = connect(url).await.err().unwrap_or_else(|| panic!("{url} is taken"));
    assert!(!format!("{refused} {refused:?}").contains("s3cret"), "{refused:?}");
    refused
}

/// The refusal says each of these.
fn says(refused: &PostgresError, words: &[&str]) {
    let sentence = refused.to_string();
    for word in words {
        assert!(sentence.contains(word), "`{sentence}` does not say `{word}`");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused() {
    let port = ports::free();
    for (url, expected) in [
        ("postgres://:s3cret@[nonsense/x", "write the database as postgres://"),
        ("postgres:///votes?user=hustings&password=s3cret", "names no host"),
        ("postgres://:s3cret@one:1,two:2/votes?port=3", "another number of hosts than of ports"),
        ("postgres://:s3cret@one,two/votes?hostaddr=192.0.2.1", "another number of hosts than of ports"),
        ("postgres://hustings:s3cret@localhost/votes?sslmode=require", "is not built in"),
        ("postgres://hustings:s3cret@localhost/votes?sslmode=verify-full", "is not built in"),
        ("postgres://hustings:s3cret@localhost/votes?sslmode=other", "write the database as postgres://"),
        (&format!("postgres://hustings:s3cret@127.0.0.1:{port}/votes"), "check that the server runs"),
    ] {
        says(&refusal(url).await, &[expected]);
    }
    let options = PostgresOptions::new("postgres://hustings:s3cret@one,two:6432/votes").expect("an address");
    assert_eq!(options.to_string(), "postgres://hustings@one:5432,two:6432/votes");
    assert!(!format!("{options:?}").contains("s3cret"), "{options:?}");
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_is_refused() {
    let access = "host all guarded 127.0.0.1/32 scram-sha-256\nhost all banned 127.0.0.1/32 reject";
    let server = PostgresServer::start(&[], access);
    let database = server.database().await;
    let client = server.client(&database).await;
    client
        .batch_execute(
            "CREATE ROLE guarded LOGIN PASSWORD 's3cret'; CREATE ROLE banned LOGIN;
             GRANT ALL ON ALL TABLES IN SCHEMA public TO guarded",
        )
        .await
        .expect("the roles");
    let refused = refusal(&server.url_as("guarded:s3cret-but-wrong", &database)).await;
    assert!(matches!(refused, PostgresError::Password { .. }), "{refused:?}");
    says(&refused, &["postgres://guarded@127.0.0.1", "check user and password"]);
    let refused = refusal(&server.url_as("banned", &database)).await;
    assert!(matches!(refused, PostgresError::Password { .. }), "{refused:?}");
    let refused = refusal(&server.url("nowhere")).await;
    assert!(matches!(refused, PostgresError::NoDatabase { .. }), "{refused:?}");
    says(&refused, &["createdb", "hustings migrate --database"]);
    connect(&server.url_as("guarded:s3cret", &database)).await.expect("the right password");

    for setting in ["fsync", "full_page_writes"] {
        set(&server, &format!("ALTER SYSTEM SET {setting} = off"), setting, "off").await;
        let refused = refusal(&server.url(&database)).await;
        says(&refused, &["could lose acknowledged votes", &format!("{setting} is off")]);
        set(&server, &format!("ALTER SYSTEM SET {setting} = on"), setting, "on").await;
    }
    connect(&server.url(&database)).await.expect("a server that loses nothing");
}

/// Changes a setting and waits until new connections have it.
async fn set(server: &PostgresServer, statement: &str, setting: &str, value: &str) {
    let client = server.client("postgres").await;
    client.batch_execute(statement).await.expect("a setting");
    client.batch_execute("SELECT pg_reload_conf()").await.expect("read again");
    loop {
        let client = server.client("postgres").await;
        let found = client.query_one(&format!("SELECT current_setting('{setting}')"), &[]).await.expect("a setting");
        if found.get::<_, &str>(0) == value {
            return;
        }
    }
}

#[tokio::test]
async fn a_database_that_could_lose_votes_is_refused() {
    let server = PostgresServer::shared();
    let database = server.database().await;
    let client = server.client("postgres").await;
    for setting in ["off", "local"] {
        client
            .batch_execute(&format!("ALTER DATABASE {database} SET synchronous_commit = {setting}"))
            .await
            .expect("a setting");
        says(&refusal(&server.url(&database)).await, &["synchronous_commit", setting, "set it to on"]);
    }
    client
        .batch_execute(&format!("ALTER DATABASE {database} SET synchronous_commit = remote_apply"))
        .await
        .expect("a setting");
    connect(&server.url(&database)).await.expect("more than on is fine");

    let made = "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    client.batch_execute(made).await.expect("a database");
    says(&refusal(&server.url("ascii")).await, &["SQL_ASCII", "ENCODING 'UTF8'"]);
}

/// Servers that this machine does not have: functions of their own answer for them.
#[tokio::test]
async fn a_standby_and_an_old_server_are_refused() {
    let server = PostgresServer::shared();
    for (function, words) in [
        ("pg_is_in_recovery() RETURNS bool LANGUAGE sql AS 'SELECT true'", ["is a standby", "primary server"]),
        (
            "current_setting(text) RETURNS text LANGUAGE sql AS \
             $$SELECT CASE $1 WHEN 'server_version' THEN '13.9' WHEN 'server_version_num' THEN '130009' \
             ELSE pg_catalog.current_setting($1) END$$",
            ["is PostgreSQL 13.9", "version 14 or newer"],
        ),
    ] {
        let database = server.database().await;
        let client = server.client(&database).await;
        client.batch_execute(&format!("CREATE FUNCTION public.{function}")).await.expect("a function");
        let first = format!("ALTER DATABASE {database} SET search_path = public, pg_catalog");
        client.batch_execute(&first).await.expect("before the server's own");
        says(&refusal(&server.url(&database)).await, &words);
    }
}

#[tokio::test]
async fn tables_of_an_earlier_version_are_refused_and_left_alone() {
    let server = PostgresServer::shared();
    let empty = server.empty().await;
    let refused = refusal(&server.url(&empty)).await;
    assert!(matches!(refused, PostgresError::NoSchema(_)), "{refused:?}");
    says(&refused, &[&format!("hustings migrate --database {}", server.url(&empty))]);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let made: i64 = server.client(&empty).await.query_one(tables, &[]).await.expect("a count").get(0);
    assert_eq!(made, 0, "a refused start made tables");

    let database = server.database().await;
    let client = server.client(&database).await;
    client.batch_execute("INSERT INTO schema_history (version, name) VALUES (999, 'later')").await.expect("later");
    connect(&server.url(&database)).await.expect("later tables are these, and more");
    let options = PostgresOptions::new(&server.url(&database)).expect("an address");
    assert_eq!(postgres_migrate(&options).await.expect("nothing to do"), (999, 999));
    client.batch_execute("DELETE FROM schema_history").await.expect("earlier");
    let refused = refusal(&server.url(&database)).await;
    assert!(matches!(refused, PostgresError::OlderSchema { found: 0, known: 5, .. }), "{refused:?}");
    says(&refused, &["hustings migrate --database"]);
}

#[tokio::test]
async fn a_database_of_the_first_schema_asks_to_be_migrated_and_works_then() {
    let server = PostgresServer::shared();
    let database = server.empty().await;
    let (url, client) = (server.url(&database), server.client(&database).await);
    let history = "CREATE TABLE schema_history (
                       version int PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now());
                   INSERT INTO schema_history (version, name) VALUES (1, 'engine');
                   INSERT INTO installation (name, value) VALUES ('secret_check', decode(repeat('07', 16), 'hex'))";
    client.batch_execute(include_str!("../../../migrations/postgres/V1__engine.sql")).await.expect("the first schema");
    client.batch_execute(history).await.expect("a program of before");
    let refused = refusal(&url).await;
    assert!(matches!(refused, PostgresError::OlderSchema { found: 1, known: 5, .. }), "{refused:?}");
    says(&refused, &["hustings migrate --database"]);
    let options = PostgresOptions::new(&url).expect("an address");
    for expected in [(1, 5), (5, 5)] {
        assert_eq!(postgres_migrate(&options).await.expect("the tables"), expected);
    }
    let ledger = connect(&url).await.expect("its own secret");
    let new = NewElection { election: election_of_boxes(), acts: first_acts(), owner: None };
    let refused = ledger.create(new.clone()).await.expect_err("the format is not raised yet");
    assert!(matches!(&refused, LedgerError::Refused(why) if why.code() == "format_too_old"), "{refused:?}");
    assert_eq!(postgres_raise(&options, Format::NEWEST).await.expect("a raise"), Format::FIRST);
    let key = ledger.create(new).await.expect("a night").key;
    let answers = ledger.append(vec![report(ONE, [1, 2, 3]).to(key)]).await.expect("a report").answers;
    assert_eq!(answers.iter().map(words).collect::<Vec<_>>(), ["accepted 6"]);
}

/// What nodes of an earlier version meet where the format was raised before they were upgraded.
#[tokio::test]
async fn a_later_format_is_refused_and_what_came_with_it_is_no_damage() {
    let server = PostgresServer::shared();
    let database = server.database().await;
    let (url, client) = (server.url(&database), server.client(&database).await);
    let running = connect(&url).await.expect("a database");
    let election = poll(Method::Single, Change::Final, Schedule::default());
    let key = running
        .create(NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None })
        .await
        .expect("a poll")
        .key;
    client.batch_execute("UPDATE election SET definition = '{}'").await.expect("a definition of another kind");
    let damaged = running.election(Wanted::Key(key)).await.expect_err("nobody can read it");
    assert!(matches!(damaged, LedgerError::Damaged { .. }), "{damaged:?}");
    client.batch_execute("UPDATE installation SET value = '999' WHERE name = 'format'").await.expect("a later format");
    for newer in [
        running.election(Wanted::Key(key)).await.expect_err("a later program can"),
        running.elections(None, 10).await.expect_err("a later program can"),
        running.append(vec![vote(ANN, TEA).to(key)]).await.expect_err("a later program can"),
    ] {
        assert!(matches!(newer, LedgerError::NewerFormat { found: Format(999) }), "{newer:?}");
    }
    let sentence = format!("ledger format 999, and this program knows up to {}: upgrade Hustings", Format::NEWEST);
    let sentence = sentence.as_str();
    says(&refusal(&url).await, &[sentence]);
    says(&connect_with(&url, None).await.err().expect("whoever only looks, too"), &[sentence]);
    let options = PostgresOptions::new(&url).expect("an address");
    says(&postgres_raise(&options, Format(1)).await.expect_err("an earlier program"), &[sentence]);
    client.batch_execute("UPDATE installation SET value = 'two' WHERE name = 'format'").await.expect("no number");
    says(&refusal(&url).await, &["installation row format", "`two` is no format"]);
}

/// An installation that was begun before there was a format stays what it is until it is raised.
#[tokio::test]
async fn a_format_is_raised_by_nobody_but_who_asks_for_it() {
    let server = PostgresServer::shared();
    let database = server.database().await;
    let (url, client) = (server.url(&database), server.client(&database).await);
    let options = PostgresOptions::new(&url).expect("an address");
    let row = async || {
        let row = client.query_opt("SELECT value FROM installation WHERE name = 'format'", &[]).await.expect("a look");
        row.map(|row| row.get::<_, Vec<u8>>(0))
    };
    let first = "INSERT INTO installation (name, value) VALUES ('secret_check', decode(repeat('07', 16), 'hex'))";
    client.batch_execute(first).await.expect("a program of before");
    connect(&url).await.expect("its own secret");
    assert_eq!(row().await, None, "a start has raised it");
    assert_eq!(postgres_raise(&options, Format::FIRST).await.expect("nothing to do"), Format::FIRST);
    client.batch_execute("INSERT INTO installation (name, value) VALUES ('format', '0')").await.expect("a lower one");
    connect(&url).await.expect("its own secret");
    assert_eq!(row().await.as_deref(), Some(&b"0"[..]), "a start has raised it");
    assert_eq!(postgres_raise(&options, Format::FIRST).await.expect("a raise"), Format(0));
    assert_eq!(row().await.as_deref(), Some(&b"1"[..]));
    let empty = PostgresOptions::new(&server.url(&server.empty().await)).expect("an address");
    let refused = postgres_raise(&empty, Format::FIRST).await.expect_err("no tables");
    assert!(matches!(refused, PostgresError::NoSchema(_)), "{refused:?}");
}

#[tokio::test]
async fn a_role_that_may_not_write_is_refused() {
    let server = PostgresServer::shared();
    let database = server.database().await;
    let client = server.client(&database).await;
    client.batch_execute("CREATE ROLE clerk LOGIN").await.expect("a role");
    let url = server.url_as("clerk", &database);
    let refused = refusal(&url).await;
    assert!(matches!(refused, PostgresError::Privilege { .. }), "{refused:?}");
    for (grant, missing) in [
        ("SELECT ON ALL TABLES IN SCHEMA public", "clerk may not INSERT in table installation"),
        (
            "INSERT ON installation, election, head, entry, ballot, snapshot, token, ticket, unit, report, quarantine, party, \
             person, session, invitation, membership, cohost_link",
            "INSERT in table submission",
        ),
        ("INSERT ON submission", "clerk may not"),
    ] {
        client.batch_execute(&format!("GRANT {grant} TO clerk")).await.expect("a grant");
        says(&refusal(&url).await, &[missing, "grant it"]);
    }
    client
        .batch_execute(
            "GRANT UPDATE ON election, head, ballot, token, unit, quarantine, person, session, membership, cohost_link
                 TO clerk;
             GRANT DELETE ON ticket, person, session, invitation, membership TO clerk",
        )
        .await
        .expect("the rest");
    let ledger = connect(&url).await.expect("a role that may do what is needed");
    let election = poll(Method::Single, Change::UntilClose, Schedule::default());
    let key = ledger
        .create(NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None })
        .await
        .expect("a poll")
        .key;
    ledger.append(vec![vote(ANN, TEA).to(key), vote(ANN, MILK).to(key)]).await.expect("votes");
}

#[tokio::test]
async fn another_secret_is_refused() {
    let server = PostgresServer::shared();
    let url = server.url(&server.database().await);
    connect_with(&url, None).await.expect("whoever only looks needs no secret");
    connect_with(&url, Some([8; 16])).await.expect("the first secret is taken, nobody wrote one before");
    let refused = refusal(&url).await;
    assert!(matches!(refused, PostgresError::OtherSecret(_)), "{refused:?}");
    connect_with(&url, Some([8; 16])).await.expect("its own secret");
}

#[tokio::test]
async fn half_a_copy_is_not_served() {
    let server = PostgresServer::shared();
    let url = server.url(&server.database().await);
    let copy = async |check| {
        let (clock, random) = (Arc::new(HeldClock::at(START)), Arc::new(Seeded::new(5)));
        PostgresLedger::connect_copy(PostgresOptions::new(&url).expect("an address"), check, clock, random).await
    };
    let target = copy(CHECK).await.expect("an empty database");
    assert_eq!(target.installation().await.expect("an answer").secret_check, None, "nothing is written yet");
    target.begin(CHECK).await.expect("a beginning");
    let refused = refusal(&url).await;
    assert!(matches!(refused, PostgresError::Unfinished(_)), "{refused:?}");
    says(&refused, &["again until it says that it is complete"]);
    let refused = copy([8; 16]).await.err().expect("a refusal");
    assert!(matches!(refused, PostgresError::OtherInstallation(_)), "{refused:?}");
    copy(CHECK).await.expect("its own copy").complete().await.expect("complete");
    connect(&url).await.expect("a whole installation");
}

#[tokio::test]
async fn a_doctor_is_told_what_matters() {
    let server = PostgresServer::shared();
    let database = server.database().await;
    let ledger = connect(&server.url(&database)).await.expect("a database");
    let election = poll(Method::Single, Change::Final, Schedule::default());
    let key = ledger
        .create(NewElection { election, acts: vec![act_on(FIRST, OPEN)], owner: None })
        .await
        .expect("a poll")
        .key;
    ledger.append(vec![vote(ANN, TEA).to(key)]).await.expect("a vote");
    let options = PostgresOptions::new(&server.url(&database)).expect("an address");
    let facts = postgres_facts(&options).await.expect("the facts");
    let fact = |name: &str| facts.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value.as_str());
    for (name, expected) in [
        ("encoding", "UTF8"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("synchronous_standby_names", ""),
        ("schema", "5"),
        ("ledger format", "3"),
        ("elections", "1"),
        ("entries", "2"),
    ] {
        assert_eq!(fact(name), Some(expected), "{name}");
    }
    assert!(fact("postgres version").is_some_and(|version| version.starts_with(char::is_numeric)), "{facts:?}");
    let empty = PostgresOptions::new(&server.url(&server.empty().await)).expect("an address");
    let facts = postgres_facts(&empty).await.expect("the facts of an empty database");
    assert!(facts.contains(&("schema", "none".to_owned())), "{facts:?}");
}
