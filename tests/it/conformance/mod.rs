//! One suite for each trait of the stores, stamped for every backend.
//!
//! Invariant: a backend runs the whole suite or fails loudly; nothing is skipped. Each test is a plain function over
//! `&dyn Backend`, and after each one [`audit`] reads all that was written and holds it against the rules.
//!
//! A new backend is one `impl Backend` (or `impl CountersBackend`) in `backends.rs` and one line in a list below. A
//! new method of a trait needs a line in its suite's list, or [`every_method_of_every_trait_has_a_test`] fails.

mod archive;
mod audit;
pub(crate) mod backends;
mod counters;
mod electorate;
pub(crate) mod history;
mod ledger;
pub(crate) mod night;
mod people;
mod registry;
mod reports;
pub(crate) mod support;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hustings::clock::HeldClock;
use hustings::ledger::{Archive, Electorate, Ledger, Registry, Reports};
use hustings::tally::{Counters, Woken};
use hustings_core::Format;

pub(crate) use audit::{audit, audit_election};
pub(crate) use backends::{Postgres, START, Seeded, Sqlite};
pub(crate) use counters::same;

/// A ledger and a registry in one store, with a clock that stands and chance that repeats itself.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// Fresh and empty. A store that cannot be started panics: a suite that does not run proves nothing.
    async fn start() -> Self
    where
        Self: Sized;

    fn ledger(&self) -> Arc<dyn Ledger>;

    fn registry(&self) -> Arc<dyn Registry>;

    fn archive(&self) -> Arc<dyn Archive>;

    fn reports(&self) -> Arc<dyn Reports>;

    fn electorate(&self) -> Arc<dyn Electorate> {
        self.archive()
    }

    /// The same store, seen by another process that knows nothing of it yet.
    async fn afresh(&self) -> Arc<dyn Reports>;

    fn clock(&self) -> &HeldClock;

    /// Writes a ledger format that no command of this program would write.
    async fn force_format(&self, format: Format);

    /// Another fresh and empty store of the same kind, under the same secret.
    async fn another(&self) -> Box<dyn Backend>;

    /// Another store that holds what a backup holds.
    async fn restore(&self, backup: &Path) -> Box<dyn Backend>;
}

/// Counters in one store.
#[async_trait]
pub(crate) trait CountersBackend: Send + Sync {
    /// Fresh and empty, or a panic that says why not.
    async fn start() -> Self
    where
        Self: Sized;

    fn counters(&self) -> Arc<dyn Counters>;

    /// The same counters, seen by another process that knows nothing of them yet.
    async fn afresh(&self) -> Arc<dyn Counters>;

    /// Who is told of what happens there. Counters that nobody shares tell nothing.
    fn tell(&self, woken: Woken);

    /// How many random cases are tried; each step of one is a question over the network where the store is a server.
    fn cases(&self) -> u32;
}

/// The backends of ledger and registry.
macro_rules! on_every_store {
    ($tests:tt) => {
        crate::conformance::stamp!(sqlite: Backend for Sqlite, then audit $tests);
        crate::conformance::stamp!(postgres: Backend for Postgres, then audit $tests);
        crate::conformance::list_methods!($tests);
    };
}

/// The backends of counters.
macro_rules! on_every_counters {
    ($tests:tt) => {
        crate::conformance::stamp!(memory: CountersBackend for Memory, then still_shared $tests);
        crate::conformance::stamp!(redis: CountersBackend for Redis, then still_shared $tests);
        crate::conformance::stamp!(redis_cluster: CountersBackend for RedisCluster, then still_shared $tests);
        crate::conformance::list_methods!($tests);
    };
}

/// A module of tests for one backend.
macro_rules! stamp {
    ($module:ident: $kind:ident for $backend:ident, then $after:ident { $($method:ident: $($test:ident),+;)+ }) => {
        mod $module {
            use crate::conformance::{$after, $kind, backends};

            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let backend = <backends::$backend as $kind>::start().await;
                    super::$test(&backend).await;
                    $after(&backend).await;
                }
            )+)+
        }
    };
}

/// The names of the methods that a suite covers.
macro_rules! list_methods {
    ({ $($method:ident: $($test:ident),+;)+ }) => {
        pub(crate) const METHODS: &[&str] = &[$(stringify!($method)),+];
    };
}

pub(crate) use {list_methods, on_every_counters, on_every_store, stamp};

/// Counters that fell back to this process's own memory would pass every test, and prove nothing of their store.
pub(crate) async fn still_shared(backend: &dyn CountersBackend) {
    let counters = backend.counters();
    let lost = (0..1_000).map(hustings::ledger::ElectionKey).find(|election| counters.is_degraded(*election));
    assert_eq!(lost, None, "the test has lost its server");
}

/// The methods of a trait, read from its source.
fn methods<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let (_, rest) = source.split_once(&format!("pub trait {name}:")).expect("the trait");
    let (body, _) = rest.split_once("\n}").expect("its end");
    let signature = |line: &'a str| line.trim().trim_start_matches("async ").strip_prefix("fn ");
    body.lines().filter_map(signature).filter_map(|rest| rest.split(['(', '<']).next()).collect()
}

#[test]
fn every_method_of_every_trait_has_a_test() {
    for (name, source, covered) in [
        ("Ledger", include_str!("../../../src/ledger/mod.rs"), ledger::METHODS),
        ("Registry", include_str!("../../../src/ledger/registry.rs"), registry::METHODS),
        ("Electorate", include_str!("../../../src/ledger/electorate.rs"), electorate::METHODS),
        ("Archive", include_str!("../../../src/ledger/archive.rs"), archive::METHODS),
        ("Reports", include_str!("../../../src/ledger/reports.rs"), reports::METHODS),
        ("People", include_str!("../../../src/ledger/people.rs"), people::METHODS),
        ("Counters", include_str!("../../../src/tally/mod.rs"), counters::METHODS),
    ] {
        assert_eq!(methods(source, name), covered, "the methods of {name}, and those that its suite covers");
    }
    let ledger_tests = [
        include_str!("ledger/answers.rs"),
        include_str!("ledger/appends.rs"),
        include_str!("ledger/copies.rs"),
        include_str!("ledger/formats.rs"),
        include_str!("ledger/races.rs"),
        include_str!("ledger/reads.rs"),
        include_str!("ledger/report_races.rs"),
        include_str!("ledger/reports.rs"),
        include_str!("ledger/schedules.rs"),
    ]
    .concat();
    let registry_tests = [include_str!("registry.rs"), include_str!("registry/life.rs")].concat();
    let archive_tests = [
        include_str!("archive.rs"),
        include_str!("archive/imports.rs"),
        include_str!("archive/pages.rs"),
        include_str!("archive/whole.rs"),
    ]
    .concat();
    let reports_tests =
        [include_str!("reports/quarantine.rs"), include_str!("reports/reads.rs"), include_str!("reports/trees.rs")]
            .concat();
    let people_tests =
        [include_str!("people/parts.rs"), include_str!("people/persons.rs"), include_str!("people/sessions.rs")]
            .concat();
    for (tests, covered) in [
        (people_tests.as_str(), people::METHODS),
        (reports_tests.as_str(), reports::METHODS),
        (archive_tests.as_str(), archive::METHODS),
        (ledger_tests.as_str(), ledger::METHODS),
        (registry_tests.as_str(), registry::METHODS),
        (include_str!("electorate.rs"), electorate::METHODS),
        (include_str!("counters.rs"), counters::METHODS),
    ] {
        let uncalled: Vec<_> = covered.iter().filter(|method| !tests.contains(&format!(".{method}("))).collect();
        assert!(uncalled.is_empty(), "listed as covered and never called: {uncalled:?}");
    }
}
