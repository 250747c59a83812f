//! How the feed comes to what is shown of an election of boxes: now, at an earlier place, and each time it moves.
//!
//! Invariant: each document is rendered once per version, unit and audience for all who watch.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hustings_core::election::Viewer;
use hustings_core::{Audience, Seq};

use super::{Asked, Moment, NightResults};
use crate::feed::frame::{Frame, Shown};
use crate::feed::{Feed, Frames};
use crate::ledger::{ElectionKey, LedgerError, Registered};
use crate::tally::{Snapshot, TallyStatus};

/// How far one election's counters are behind its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The last entry that is known of.
    pub head: Seq,
    /// The last entry that is counted in what is shown.
    pub counted: Seq,
}

impl Feed {
    /// An election of boxes as it stands now, with every report that this process has answered.
    pub async fn moment(&self, election: ElectionKey) -> Result<Option<Moment>, LedgerError> {
        let Some(snapshot) = self.snapshot(election).await? else { return Ok(None) };
        self.moment_at(election, snapshot, self.tallies.status(election)).await
    }

    /// An election of boxes as it stood after an entry; none where there is no such entry.
    pub async fn past(&self, election: ElectionKey, at: Seq) -> Result<Option<Moment>, LedgerError> {
        let Some(snapshot) = self.tallies.past(election, at).await? else { return Ok(None) };
        self.moment_at(election, snapshot, TallyStatus::Fresh).await
    }

    async fn moment_at(
        &self,
        election: ElectionKey,
        snapshot: Arc<Snapshot>,
        status: TallyStatus,
    ) -> Result<Option<Moment>, LedgerError> {
        let contests = snapshot.fold.state.contests.len();
        let Some(found) = self.elections.with_contests(election, contests).await? else { return Ok(None) };
        self.moment_of(found, snapshot, status).await.map(Some)
    }

    pub(in crate::feed) async fn moment_of(
        &self,
        found: Registered,
        snapshot: Arc<Snapshot>,
        status: TallyStatus,
    ) -> Result<Moment, LedgerError> {
        let units = self.reports.units(found.key, Some(snapshot.fold.state.units)).await?;
        Ok(Moment::new(found, snapshot, units, status))
    }

    /// The answer to one question about an election of boxes at one version.
    pub async fn answer(
        &self,
        moment: &Moment,
        asked: &Asked,
        audience: Audience,
    ) -> Result<NightResults, LedgerError> {
        let reported = match audience {
            Audience::Full => moment.reported(self.reports.as_ref(), asked).await?,
            Audience::Masked => super::Reported::default(),
        };
        Ok(moment.results(asked, &reported, audience))
    }

    /// Waits until an election's counters are beyond an entry, at most so long; says whether they are.
    pub async fn beyond(&self, election: ElectionKey, seq: Seq, wait: Duration) -> Result<bool, LedgerError> {
        let channel = self.channel((election, None));
        let mut moves = channel.moves.subscribe();
        let _watched = self.tallies.watch(election);
        let beyond = async {
            while self.tallies.read(election).await?.is_some_and(|snapshot| snapshot.fold.seq <= seq) {
                moves.changed().await.map_err(|_| LedgerError::Stopped)?;
            }
            Ok::<_, LedgerError>(true)
        };
        tokio::time::timeout(wait, beyond).await.unwrap_or(Ok(false))
    }

    /// How far each election that was read is behind what was announced of its ledger; those that are not are left out.
    #[must_use]
    pub fn lags(&self) -> Vec<(ElectionKey, Lag)> {
        self.tallies.behind().into_iter().map(|(key, head, counted)| (key, Lag { head, counted })).collect()
    }

    pub(in crate::feed) async fn night_frames(
        &self,
        moment: &Moment,
        asked: Asked,
        before: Option<&Frames>,
    ) -> Result<Option<Frames>, LedgerError> {
        let Some(full) = self.night_frame(moment, &asked, Audience::Full).await? else { return Ok(None) };
        if moment.audience(Viewer::Public) == Audience::Full {
            return Ok(Some(Frames { public: Arc::clone(&full), full }));
        }
        let version = moment.version(Audience::Masked);
        let is_same = |frames: &&Frames| frames.public.version == version && frames.public.status == moment.status();
        let public = match before.filter(is_same) {
            Some(frames) => Some(Arc::clone(&frames.public)),
            None => self.night_frame(moment, &asked, Audience::Masked).await?,
        };
        Ok(public.map(|public| Frames { public, full }))
    }

    async fn night_frame(
        &self,
        moment: &Moment,
        asked: &Asked,
        audience: Audience,
    ) -> Result<Option<Arc<Frame>>, LedgerError> {
        self.serialisations.fetch_add(1, Ordering::Relaxed);
        let results = self.answer(moment, asked, audience).await?;
        let shown = Shown::Night(Box::new(results));
        Ok(Frame::new(moment.version(audience), moment.status(), shown).map(Arc::new))
    }
}
