//! The ledger format: read in the transaction that decides, never remembered.

use hustings::ledger::{LedgerError, NewElection};
use hustings_core::{Change, Format, Method, Schedule, Seq};

use crate::conformance::Backend;
use crate::conformance::support::*;

/// Before the first: it allows nothing, so every kind that there is stands for a new one.
const NONE: Format = Format(0);
const LATER: Format = Format(Format::NEWEST.0 + 1);

pub(super) async fn what_the_format_does_not_allow_is_refused(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    assert_eq!(answers(backend, vec![vote(ANN, TEA).id(1).to(key)]).await, ["accepted 2"]);
    backend.force_format(NONE).await;
    let batch = vec![vote(BOB, TEA).to(key), to(key, act(CLOSE))];
    assert_eq!(answers(backend, batch.clone()).await, ["refused format_too_old"; 2]);
    let new = NewElection {
        election: poll(Method::Single, Change::Final, Schedule::default()),
        acts: Vec::new(),
        owner: None,
    };
    let refused = backend.registry().create(new.clone()).await.expect_err("a definition that is not allowed");
    assert!(matches!(&refused, LedgerError::Refused(why) if why.code() == "format_too_old"), "{refused:?}");
    assert_eq!(backend.registry().elections(None, 10).await.expect("a page").len(), 1, "it left something behind");

    backend.force_format(Format::NEWEST).await;
    assert_eq!(answers(backend, batch).await, ["accepted 3", "accepted 4"], "raised, it is allowed at once");
    backend.registry().create(new).await.expect("a new election");
}

pub(super) async fn nothing_is_decided_under_a_later_format(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    assert_eq!(answers(backend, vec![vote(ANN, TEA).id(1).to(key)]).await, ["accepted 2"]);
    backend.force_format(LATER).await;
    for batch in [vec![vote(BOB, TEA).to(key)], vec![vote(ANN, TEA).id(1).to(key)], vec![]] {
        newer(backend.ledger().append(batch).await);
    }
    let new = NewElection {
        election: poll(Method::Single, Change::Final, Schedule::default()),
        acts: Vec::new(),
        owner: None,
    };
    newer(backend.registry().create(new).await);
    backend.force_format(Format::NEWEST).await;
    assert_eq!(backend.ledger().heads(&[key]).await.expect("the heads")[0].1.seq, Seq(2), "something was written");
}

pub(super) async fn a_later_format_is_noticed_where_heads_are_read(backend: &dyn Backend) {
    let key = opened(backend, Change::UntilClose).await;
    backend.force_format(LATER).await;
    newer(backend.ledger().heads(&[key]).await);
    newer(backend.archive().installation().await);
    backend.force_format(Format::NEWEST).await;
    backend.ledger().heads(&[key]).await.expect("the heads");
}

fn newer<T: std::fmt::Debug>(answer: Result<T, LedgerError>) {
    let error = answer.expect_err("an installation that this program does not know");
    assert!(matches!(error, LedgerError::NewerFormat { found } if found == LATER), "{error:?}");
}
