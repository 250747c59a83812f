//! Connections and the transactions on them: everything has a limit, and nothing half done is ever used again.
//!
//! Invariant: a connection goes back to the pool only after the transaction on it has ended. One that was left in the
//! middle, by an error or by a caller who is gone, is cut off, which rolls back what it had begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, PoolError, RecycleError, RecycleResult};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use super::connect::connect;
use super::failure::{Failure, Patience};
use super::sql;
use crate::ledger::LedgerError;

/// The longest that one flight of statements may take. The server gives up sooner by itself (see `sql::begin`): this is
/// for a server or a network that says nothing any more.
const FLIGHT_MAX: Duration = Duration::from_secs(8);

/// The longest that counting may take.
const COUNT_MAX: Duration = Duration::from_secs(11 * 60);

/// The longest wait for a connection that others use.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The pool of one node.
#[derive(Clone)]
pub(super) struct Pool(managed::Pool<Connections>);

/// A connection of the pool, until the last copy of the lease is dropped.
#[derive(Clone)]
pub(super) struct Lease(Arc<Held>);

struct Held(managed::Object<Connections>);

/// What a lost answer to a commit means for a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// To run it twice is the same as to run it once.
    RunAgain,
    /// The caller has to know.
    Tell,
}

impl Pool {
    pub(super) fn new(config: Config, size: usize) -> Result<Self, Failure> {
        let pool = managed::Pool::builder(Connections { config, made: AtomicUsize::new(0) })
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_MAX))
            .build();
        pool.map(Self).map_err(|error| LedgerError::Unavailable(error.to_string()).into())
    }

    /// A connection without a transaction.
    pub(super) async fn lease(&self) -> Result<Lease, Failure> {
        match self.0.get().await {
            Ok(object) => Ok(Lease::of(object)),
            Err(PoolError::Backend(failure)) => Err(failure),
            Err(PoolError::Closed) => Err(LedgerError::Stopped.into()),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Runs one statement that reads, again where a connection broke.
    pub(super) async fn read<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        statement: impl Fn(Lease) -> F,
    ) -> Result<T, LedgerError> {
        self.run(Doubt::RunAgain, sql::BEGIN_READING, FLIGHT_MAX, statement).await
    }

    /// Runs one statement that counts many rows, which may take minutes.
    pub(super) async fn count<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        statement: impl Fn(Lease) -> F,
    ) -> Result<T, LedgerError> {
        self.run(Doubt::RunAgain, sql::BEGIN_COUNTING, COUNT_MAX, statement).await
    }

    /// Runs one statement that writes; what it wrote was synced when this returns.
    pub(super) async fn write<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        doubt: Doubt,
        statement: impl Fn(Lease) -> F,
    ) -> Result<T, LedgerError> {
        self.run(doubt, sql::BEGIN, FLIGHT_MAX, statement).await
    }

    async fn run<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        doubt: Doubt,
        begin: &str,
        longest: Duration,
        statement: impl Fn(Lease) -> F,
    ) -> Result<T, LedgerError> {
        let mut patience = Patience::new();
        loop {
            let failure = match self.lease().await {
                Ok(lease) => {
                    let client = lease.client();
                    let ending = in_order(statement(lease.clone()), sql::run(client, sql::COMMIT));
                    match at_most(longest, in_order(sql::run(client, begin), ending)).await {
                        Ok(((), (done, ()))) => {
                            lease.give_back();
                            return Ok(done);
                        }
                        Err(failure) => {
                            lease.end_after(&failure).await;
                            if doubt == Doubt::Tell && !failure.is_certain() {
                                tracing::warn!(?failure, "PostgreSQL did not say whether something was stored");
                                return Err(LedgerError::InDoubt);
                            }
                            failure
                        }
                    }
                }
                Err(failure) => failure,
            };
            patience.after(failure).await?;
        }
    }
}

impl Lease {
    fn of(object: managed::Object<Connections>) -> Self {
        object.is_busy.store(true, Ordering::SeqCst);
        Self(Arc::new(Held(object)))
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.0.client
    }

    /// Lets others have a connection whose transaction has ended.
    pub(super) fn give_back(self) {
        self.0.0.is_busy.store(false, Ordering::SeqCst);
    }

    /// Ends the transaction without its work.
    pub(super) async fn roll_back(self) {
        if within(sql::run(self.client(), sql::ROLLBACK)).await.is_ok() {
            self.give_back();
        }
    }

    /// Ends what a failure has left of a transaction: in order where the server still talks to us.
    pub(super) async fn end_after(self, failure: &Failure) {
        if failure.is_certain() {
            self.roll_back().await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.is_busy.load(Ordering::SeqCst) {
            self.0.task.abort();
        }
    }
}

/// Waits for a flight of statements, but not for ever.
pub(super) async fn within<T>(flight: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    at_most(FLIGHT_MAX, flight).await
}

/// Waits for a flight, at most so long.
pub(super) async fn at_most<T>(
    longest: Duration,
    flight: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(longest, flight).await.unwrap_or(Err(Failure::Silent))
}

/// Sends both without waiting in between, the first one first, and waits for both. Nothing more is sent after a failure
/// that is known by then.
pub(super) fn in_order<A, B>(
    first: impl Future<Output = Result<A, Failure>>,
    second: impl Future<Output = Result<B, Failure>>,
) -> impl Future<Output = Result<(A, B), Failure>> {
    // On the heap: flights are made of flights, and would double in size with each.
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    let (mut one, mut other) = (None, None);
    // The clients of tokio-postgres send when they are polled first, so the order of the polls is the order on the wire.
    std::future::poll_fn(move |context| {
        if one.is_none()
            && let Poll::Ready(done) = first.as_mut().poll(context)
        {
            one = Some(done?);
        }
        if other.is_none()
            && let Poll::Ready(done) = second.as_mut().poll(context)
        {
            other = Some(done?);
        }
        match (one.take(), other.take()) {
            (Some(one), Some(other)) => Poll::Ready(Ok((one, other))),
            (done, rest) => {
                (one, other) = (done, rest);
                Poll::Pending
            }
        }
    })
}

/// Makes the connections of the pool.
pub(super) struct Connections {
    config: Config,
    /// How many were begun.
    made: AtomicUsize,
}

/// A connection and the task that talks to the server.
pub(super) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    is_busy: AtomicBool,
}

impl managed::Manager for Connections {
    type Type = Connection;
    type Error = Failure;

    async fn create(&self) -> Result<Connection, Failure> {
        let (client, task) = connect(&self.config, self.made.fetch_add(1, Ordering::Relaxed)).await?;
        Ok(Connection { client, task, is_busy: AtomicBool::new(false) })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Failure> {
        if connection.client.is_closed() || connection.is_busy.load(Ordering::SeqCst) {
            return Err(RecycleError::message("the connection was cut off"));
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
