//! [`Ledger`] on PostgreSQL.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ContestNumber, Epoch, Fold, Seq, Time, VoterKey};

use super::append;
use super::error::PostgresError;
use super::failure::{Failure, Patience};
use super::open::{self, PostgresOptions};
use super::pace::Pace;
use super::pool::{Doubt, Lease, Pool, in_order, within};
use super::sql::{self, format};
use crate::clock::{Clock, Random};
use crate::ledger::trees::Trees;
use crate::ledger::{
    Addressed, Archive, Committed, ElectionKey, FoldText, Head, Holds, Ledger, LedgerError, Schedules, SqliteLedger,
    Stored,
};

/// A ledger and registry in a PostgreSQL database that any number of nodes share.
pub struct PostgresLedger {
    pub(super) pool: Pool,
    pub(super) trees: Arc<Trees>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl PostgresLedger {
    /// Connects to a database that is safe to keep votes in, has this program's tables and a format that it knows, holds no
    /// unfinished copy, and belongs to this secret. Without a secret, to look at it only, nothing is written.
    pub async fn connect(
        options: PostgresOptions,
        secret_check: Option<[u8; 16]>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, PostgresError> {
        let url = options.to_string();
        let ledger = Self { pool: open::pool(&options).await?, trees: Arc::default(), clock, random };
        let failed = |error: LedgerError| PostgresError::at_start(&url, error.into());
        if ledger.installation().await.map_err(failed)?.holds == Holds::Unfinished {
            return Err(PostgresError::Unfinished(url));
        }
        if let Some(secret_check) = secret_check {
            let keep = |lease: Lease| async move {
                in_order(format::begin_newest(lease.client()), sql::secret_check(lease.client(), secret_check)).await
            };
            if !ledger.pool.write(Doubt::RunAgain, keep).await.map_err(failed)?.1 {
                return Err(PostgresError::OtherSecret(url));
            }
        }
        metrics::counter!("hustings_ledger_alarms_total").increment(0);
        Ok(ledger)
    }

    /// Connects to a database that an installation is copied into. Nothing is written yet; another installation is
    /// refused and left alone.
    pub async fn connect_copy(
        options: PostgresOptions,
        secret_check: [u8; 16],
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, PostgresError> {
        let url = options.to_string();
        let ledger = Self { pool: open::pool(&options).await?, trees: Arc::default(), clock, random };
        let found = ledger.installation().await.map_err(|error| PostgresError::at_start(&url, error.into()))?;
        if found.secret_check.is_some_and(|kept| kept != secret_check) {
            return Err(PostgresError::OtherInstallation(url));
        }
        Ok(ledger)
    }

    /// Runs several statements in one transaction. To run it twice is the same as to run it once.
    pub(super) async fn in_transaction<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        pace: Pace,
        work: impl Fn(Lease) -> F,
    ) -> Result<T, LedgerError> {
        let mut patience = Patience::new();
        loop {
            let failure = match self.pool.lease().await {
                Ok(lease) => {
                    let done = async {
                        within(pace.begin(lease.client())).await?;
                        let done = work(lease.clone()).await?;
                        pace.within(sql::run(lease.client(), sql::COMMIT)).await?;
                        Ok(done)
                    };
                    match done.await {
                        Ok(done) => {
                            lease.give_back();
                            return Ok(done);
                        }
                        Err(failure) => {
                            lease.end_after(&failure).await;
                            failure
                        }
                    }
                }
                Err(failure) => failure,
            };
            patience.after(failure).await?;
        }
    }

    /// A new life of a ledger.
    pub(super) fn new_epoch(&self) -> Epoch {
        let mut epoch = Epoch([0; 8]);
        self.random.fill(&mut epoch.0);
        epoch
    }
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn append(&self, batch: Vec<Addressed>) -> Result<Committed, LedgerError> {
        append::append(&self.pool, &batch, &self.trees, self.clock.as_ref()).await
    }

    async fn heads(&self, elections: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, LedgerError> {
        // The format after the heads: it is at least what their entries need.
        let look = |lease: Lease| async move {
            in_order(sql::heads(lease.client(), elections), format::format(lease.client())).await
        };
        Ok(self.pool.read(look).await?.0)
    }

    async fn read(&self, election: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        self.pool.read(|lease| async move { sql::read(lease.client(), election, after, limit).await }).await
    }

    async fn ballot(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        let voters = &[(election, contest, voter)];
        let found = self.pool.read(|lease| async move { sql::by_voters(lease.client(), voters).await }).await?;
        Ok(found.into_iter().next().map(|(_, stored)| stored))
    }

    async fn save_snapshot(&self, election: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), LedgerError> {
        let save = |lease: Lease| async move { sql::save_snapshot(lease.client(), election, epoch, fold).await };
        self.pool.write(Doubt::RunAgain, save).await
    }

    async fn snapshot(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Result<Option<Fold>, LedgerError> {
        self.pool.read(|lease| async move { sql::snapshot(lease.client(), election, epoch, at).await }).await
    }

    async fn due(&self, now: Time) -> Result<Schedules, LedgerError> {
        self.pool.read(|lease| async move { sql::due(lease.client(), now).await }).await
    }

    async fn renew_epochs(&self, only: Option<ElectionKey>) -> Result<(), LedgerError> {
        let keys = self.pool.read(|lease| async move { sql::keys(lease.client(), only).await }).await?;
        let epochs: Vec<_> = keys.into_iter().map(|key| (key, self.new_epoch())).collect();
        let epochs = &epochs;
        self.pool.write(Doubt::RunAgain, |lease| async move { sql::renew_epochs(lease.client(), epochs).await }).await
    }

    async fn backup(&self, file: &Path) -> Result<(), LedgerError> {
        SqliteLedger::write_file(self, file, Arc::clone(&self.random)).await
    }
}
