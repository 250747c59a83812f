//! The feed: the latest results on their way to watchers.
//!
//! Job: render each version once per audience, and let watchers have the latest. The first change goes out at once,
//! further ones at most once an interval, which stretches with the number of watchers.
//! Invariant: a version never goes back for a watcher, hidden results are in no masked frame, and no watcher is ever
//! waited for. It must not know: HTTP, who a viewer is, how votes arrive.

mod ballots;
mod frame;
pub mod night;
mod timeline;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use hustings_core::election::Viewer;
use hustings_core::{
    Audience, ContestNumber, ElectionState, Epoch, Kind, Measure, Seq, UnitNumber, Version, Visibility,
};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use self::night::Asked;
use crate::ledger::{ElectionKey, Elections, LedgerError, Reports};
use crate::tally::{Snapshot, Tallies, Watched};

pub use ballots::{Ballots, BallotsError, PublicBallots};
pub use frame::{ChoiceResult, Frame, Results, Shown};
pub use timeline::{COLUMNS_MAX, Columns, Timeline, Timelines};

/// The share of a core that fan-out may take: one tenth.
const FAN_OUT_SHARE: u32 = 10;
/// What one delivery may cost at most; the interval is stretched as if each did.
const DELIVERY_COST: Duration = Duration::from_micros(6);

/// How long somebody waits for counters that are not there yet.
const REACHED_WAIT: Duration = Duration::from_secs(2);

/// The latest results of every election that somebody watches.
pub struct Feed {
    tallies: Arc<Tallies>,
    elections: Arc<Elections>,
    reports: Arc<dyn Reports>,
    interval: Duration,
    /// Whether other nodes take votes too, which this one hears of later than its own.
    shared: bool,
    channels: Mutex<BTreeMap<Watchable, Arc<Channel>>>,
    serialisations: AtomicU64,
}

/// What can be watched: an election, or one unit of an election of boxes with those just below.
type Watchable = (ElectionKey, Option<UnitNumber>);

/// The frames of one moment.
#[derive(Clone)]
struct Frames {
    public: Arc<Frame>,
    full: Arc<Frame>,
}

struct Channel {
    changed: Notify,
    moves: watch::Sender<u64>,
    publishing: Mutex<bool>,
    rendered: tokio::sync::Mutex<Option<Frames>>,
    public: watch::Sender<Option<Arc<Frame>>>,
    full: watch::Sender<Option<Arc<Frame>>>,
}

/// A watcher's end: always the latest frame, never a backlog.
pub struct Watcher {
    first: Option<Arc<Frame>>,
    later: watch::Receiver<Option<Arc<Frame>>>,
    seen: Option<Version>,
    sent: Option<Arc<Frame>>,
    /// The one round that this watcher may see in full, where it was opened by a vote in it.
    round: Option<u32>,
}

impl Feed {
    /// A feed that sends at most one frame an interval.
    #[must_use]
    pub fn new(
        tallies: Arc<Tallies>,
        elections: Arc<Elections>,
        reports: Arc<dyn Reports>,
        interval: Duration,
        shared: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            tallies,
            elections,
            reports,
            interval,
            shared,
            channels: Mutex::default(),
            serialisations: AtomicU64::new(0),
        })
    }

    /// Says that an election's counters moved. Never waits.
    pub fn moved(&self, election: ElectionKey) {
        let Ok(channels) = self.channels.lock() else { return };
        let of_election = (election, None)..=(election, Some(UnitNumber(u32::MAX)));
        for (_, channel) in channels.range(of_election) {
            channel.changed.notify_one();
            channel.moves.send_modify(|moves| *moves += 1);
        }
    }

    /// The results as they stand now, for this viewer; rendered at most once per version and audience. A vote that this
    /// process has answered is in them; one that another node has answered follows within an interval.
    pub async fn latest(&self, election: ElectionKey, viewer: Viewer) -> Result<Option<Arc<Frame>>, LedgerError> {
        let Some(snapshot) = self.snapshot(election).await? else { return Ok(None) };
        let channel = self.channel((election, None));
        let Some(frames) = self.frames((election, None), &channel, &snapshot).await? else { return Ok(None) };
        Ok(Some(frames.for_viewer(viewer, &snapshot)))
    }

    /// The counters as they stand now, with every vote that this process has answered.
    async fn snapshot(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        if self.shared {
            self.tallies.refresh(election, self.interval).await?;
        }
        self.answered(election).await
    }

    /// The results of one contest, an earlier round too, rendered for this viewer. A vote that this process has answered
    /// is in them.
    pub async fn contest(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        viewer: Viewer,
    ) -> Result<Option<Arc<Frame>>, LedgerError> {
        let Some(snapshot) = self.answered(election).await? else { return Ok(None) };
        let contests = snapshot.fold.state.contests.len();
        let Some(found) = self.elections.with_contests(election, contests).await? else { return Ok(None) };
        let state = &snapshot.fold.state;
        let (Ok(asked), Some(latest)) = (state.contest(contest), state.contests.last()) else { return Ok(None) };
        let audience = |contest| found.election.visibility.audience(contest, viewer);
        let (audience, of_latest) = (audience(asked), audience(latest));
        let status = self.tallies.status(election);
        Ok(frame::render(&found.election, &snapshot, status, contest, audience, of_latest).map(Arc::new))
    }

    /// How many voted in each contest, in the order of the contests and all of one moment. It knows no audience: it is for
    /// those who see everything.
    pub async fn voters(&self, election: ElectionKey) -> Result<Vec<u64>, LedgerError> {
        let Some(snapshot) = self.answered(election).await? else { return Ok(Vec::new()) };
        let contests = (0..).map(ContestNumber).take(snapshot.fold.state.contests.len());
        Ok(contests.map(|contest| snapshot.fold.tally.total(contest, Measure::Ballots).get()).collect())
    }

    /// The state of an election as its counters have it.
    pub async fn state(&self, election: ElectionKey) -> Result<Option<ElectionState>, LedgerError> {
        Ok(self.tallies.read(election).await?.map(|snapshot| snapshot.fold.state.clone()))
    }

    /// Where the counters of an election stand in its ledger.
    pub async fn place(&self, election: ElectionKey) -> Result<Option<(Epoch, Seq)>, LedgerError> {
        Ok(self.tallies.read(election).await?.map(|snapshot| (snapshot.epoch, snapshot.fold.seq)))
    }

    /// How many rounds there are, at least 1.
    pub async fn rounds(&self, election: ElectionKey) -> Result<usize, LedgerError> {
        Ok(self.tallies.read(election).await?.map_or(1, |snapshot| snapshot.fold.state.contests.len()))
    }

    /// Waits until the counters have reached a place that was answered already, for two seconds at most.
    pub async fn reached(&self, election: ElectionKey, seq: Seq) {
        let channel = self.channel((election, None));
        let mut moves = channel.moves.subscribe();
        let reached = async {
            while self.tallies.read(election).await?.is_some_and(|snapshot| snapshot.fold.seq < seq) {
                moves.changed().await.map_err(|_| LedgerError::Stopped)?;
            }
            Ok::<_, LedgerError>(())
        };
        let _late = tokio::time::timeout(REACHED_WAIT, reached).await;
    }

    /// Says that an election is gone: its watchers end in a moment, and find what has taken its place by its code. Never waits.
    pub fn gone(&self, election: ElectionKey) {
        self.tallies.woken(election);
    }

    /// Looks at once how far the ledger has got, where other nodes may have moved it.
    pub async fn refresh(&self, election: ElectionKey) -> Result<(), LedgerError> {
        if self.shared { self.tallies.refresh(election, Duration::ZERO).await } else { Ok(()) }
    }

    /// Waits until what is shown is not older than a version that was shown before, maybe by another node, for two
    /// seconds at most; says whether it is so. A version of another life of the ledger is not waited for.
    pub async fn at_least(&self, election: ElectionKey, version: Version) -> Result<bool, LedgerError> {
        let channel = self.channel((election, None));
        let mut moves = channel.moves.subscribe();
        let reached = async {
            loop {
                if self.tallies.read(election).await?.is_none_or(|snapshot| snapshot.has_reached(version)) {
                    return Ok::<_, LedgerError>(true);
                }
                self.refresh(election).await?;
                let reached =
                    |snapshot: Arc<Snapshot>| snapshot.has_reached(version) || snapshot.epoch != version.epoch();
                if self.tallies.read(election).await?.is_none_or(reached) {
                    return Ok(true);
                }
                moves.changed().await.map_err(|_| LedgerError::Stopped)?;
            }
        };
        tokio::time::timeout(REACHED_WAIT, reached).await.unwrap_or(Ok(false))
    }

    /// Begins to watch: the latest frame at once, then each that is newer. A vote that this process has answered is in the
    /// first one already. What the watcher has seen, by its version, on whatever node, is not sent again, and nothing older
    /// is.
    pub async fn watch(
        self: &Arc<Self>,
        election: ElectionKey,
        unit: Option<UnitNumber>,
        viewer: Viewer,
        seen: Option<Version>,
    ) -> Result<Option<Watcher>, LedgerError> {
        let watched = (election, unit);
        if let Some(seen) = seen {
            // A watcher that comes from another node may know more than this one, of another epoch even.
            self.at_least(election, seen).await?;
        }
        let Some(snapshot) = self.answered(election).await? else { return Ok(None) };
        let channel = self.channel(watched);
        let full = match viewer {
            Viewer::Organiser => true,
            Viewer::Voted => snapshot.fold.state.visibility == Visibility::AfterVote,
            Viewer::Public => false,
        };
        let later = if full { channel.full.subscribe() } else { channel.public.subscribe() };
        if channel.begin_publishing() {
            let held = self.tallies.watch(election);
            tokio::spawn(Self::publish(Arc::downgrade(self), watched, Arc::clone(&channel), held));
        }
        // Read after subscribing, so that no move falls between the two.
        let Some(frames) = self.both(watched, &channel).await? else { return Ok(None) };
        let first = if full { frames.full } else { frames.public };
        let round = if full && viewer == Viewer::Voted { first.poll().map(|results| results.round) } else { None };
        Ok(Some(Watcher { first: Some(first), later, seen, sent: None, round }))
    }

    /// Up to where the totals were last found to be the fold of the ledger, and how long ago; none before the first time.
    #[must_use]
    pub fn verified(&self, election: ElectionKey) -> Option<(Seq, Duration)> {
        self.tallies.verified(election)
    }

    /// How many watch an election on this node.
    #[must_use]
    pub fn watchers(&self, election: ElectionKey) -> usize {
        let channel = self.channel((election, None));
        channel.public.receiver_count() + channel.full.receiver_count()
    }

    /// How many elections cannot follow the ledger now.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.tallies.stale()
    }

    /// How many frames were rendered, for tests and benches: one per version and audience.
    #[must_use]
    pub fn serialisations(&self) -> u64 {
        self.serialisations.load(Ordering::Relaxed)
    }

    fn channel(&self, watched: Watchable) -> Arc<Channel> {
        let new = || {
            Arc::new(Channel {
                changed: Notify::new(),
                moves: watch::Sender::new(0),
                publishing: Mutex::new(false),
                rendered: tokio::sync::Mutex::new(None),
                public: watch::Sender::new(None),
                full: watch::Sender::new(None),
            })
        };
        match self.channels.lock() {
            Ok(mut channels) => Arc::clone(channels.entry(watched).or_insert_with(new)),
            Err(_) => new(),
        }
    }

    /// One task for each watched election; ends when nobody watches. While it waits it holds no feed, and with it no
    /// ledger, open.
    async fn publish(feed: Weak<Self>, watched: Watchable, channel: Arc<Channel>, _held: Watched) {
        loop {
            channel.changed.notified().await;
            let sent = Instant::now();
            let Some(feed) = feed.upgrade() else { return };
            if channel.end_publishing() {
                feed.forget_unwatched(watched);
                return;
            }
            match feed.both(watched, &channel).await {
                Ok(Some(frames)) => channel.offer(&frames),
                Ok(None) => {
                    // The election is gone. Without the channel, whose ends they hold, its watchers end.
                    feed.forget_gone(watched.0);
                    return;
                }
                Err(error) => tracing::warn!(%error, "a frame could not be made now; the next one will be"),
            }
            let interval = feed.stretched(channel.watchers());
            drop(feed);
            tokio::time::sleep_until(sent + interval).await;
        }
    }

    fn stretched(&self, watchers: usize) -> Duration {
        let watchers = u32::try_from(watchers).unwrap_or(u32::MAX);
        self.interval.max(DELIVERY_COST.saturating_mul(watchers).saturating_mul(FAN_OUT_SHARE))
    }

    /// The counters, once every vote is in them that this process has answered. Where counters cannot follow in two
    /// seconds, what they hold has to do, marked as it is.
    async fn answered(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let snapshot = self.tallies.read(election).await?;
        let announced = self.tallies.announced(election);
        if snapshot.as_ref().is_none_or(|snapshot| snapshot.fold.seq >= announced) {
            return Ok(snapshot);
        }
        self.reached(election, announced).await;
        self.tallies.read(election).await
    }

    async fn both(&self, watched: Watchable, channel: &Channel) -> Result<Option<Frames>, LedgerError> {
        match self.tallies.read(watched.0).await? {
            Some(snapshot) => self.frames(watched, channel, &snapshot).await,
            None => Ok(None),
        }
    }

    async fn frames(
        &self,
        (election, unit): Watchable,
        channel: &Channel,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Option<Frames>, LedgerError> {
        let mut rendered = channel.rendered.lock().await;
        let (version, status) = (Version::Full(snapshot.epoch, snapshot.fold.seq), self.tallies.status(election));
        let is_latest = |frames: &&Frames| frames.full.version == version && frames.full.status == status;
        if let Some(frames) = rendered.as_ref().filter(is_latest) {
            return Ok(Some(frames.clone()));
        }
        let contests = snapshot.fold.state.contests.len();
        let Some(found) = self.elections.with_contests(election, contests).await? else { return Ok(None) };
        if found.election.kind == Kind::Election {
            let moment = self.moment_of(found, Arc::clone(snapshot), status).await?;
            let frames = self.night_frames(&moment, Asked::stream(unit), rendered.as_ref()).await?;
            rendered.clone_from(&frames);
            return Ok(frames);
        }
        let Some(current) = found.election.contests.get(contests.saturating_sub(1)) else { return Ok(None) };
        let Ok(state) = snapshot.fold.state.contest(current.number) else { return Ok(None) };
        let render = |audience| {
            self.serialisations.fetch_add(1, Ordering::Relaxed);
            frame::render(&found.election, snapshot, status, current.number, audience, audience).map(Arc::new)
        };
        let Some(full) = render(Audience::Full) else { return Ok(None) };
        let public = match found.election.visibility.audience(state, Viewer::Public) {
            Audience::Full => Some(Arc::clone(&full)),
            Audience::Masked => {
                let version = Version::Masked(snapshot.epoch, snapshot.fold.state.state_entries);
                let is_same = |frames: &&Frames| frames.public.version == version && frames.public.status == status;
                let same = rendered.as_ref().filter(is_same);
                same.map(|frames| Arc::clone(&frames.public)).or_else(|| render(Audience::Masked))
            }
        };
        let Some(public) = public else { return Ok(None) };
        let frames = Frames { public, full };
        *rendered = Some(frames.clone());
        Ok(Some(frames))
    }
}

impl Frames {
    fn for_viewer(&self, viewer: Viewer, snapshot: &Snapshot) -> Arc<Frame> {
        let state = &snapshot.fold.state;
        if self.full.night().is_some() {
            return Arc::clone(if viewer == Viewer::Organiser { &self.full } else { &self.public });
        }
        let audience = state.contests.last().map(|contest| state.visibility.audience(contest, viewer));
        match audience {
            Some(Audience::Full) => Arc::clone(&self.full),
            _ => Arc::clone(&self.public),
        }
    }
}

impl Feed {
    fn forget_gone(&self, election: ElectionKey) {
        let Ok(mut channels) = self.channels.lock() else { return };
        let of_election: Vec<Watchable> = channels
            .range((election, None)..=(election, Some(UnitNumber(u32::MAX))))
            .map(|(watched, _)| *watched)
            .collect();
        for watched in of_election {
            // Each has a task of its own, which ends when it finds nothing to show.
            if let Some(channel) = channels.remove(&watched) {
                channel.changed.notify_one();
            }
        }
    }

    /// A channel of one unit goes with its last watcher; there may be as many as units.
    fn forget_unwatched(&self, watched: Watchable) {
        let Ok(mut channels) = self.channels.lock() else { return };
        // Held here and by the publishing task that ends: whoever comes next takes it from here, under this lock.
        let is_unheld = channels.get(&watched).is_some_and(|channel| Arc::strong_count(channel) <= 2);
        if watched.1.is_some() && is_unheld {
            channels.remove(&watched);
        }
    }
}

impl Channel {
    fn watchers(&self) -> usize {
        self.public.receiver_count() + self.full.receiver_count()
    }

    /// Whether the caller is to start the one publishing task.
    fn begin_publishing(&self) -> bool {
        self.publishing.lock().is_ok_and(|mut publishing| !std::mem::replace(&mut publishing, true))
    }

    /// Whether the publishing task is to end, because nobody watches.
    fn end_publishing(&self) -> bool {
        let Ok(mut publishing) = self.publishing.lock() else { return true };
        *publishing = self.watchers() > 0;
        !*publishing
    }

    fn offer(&self, frames: &Frames) {
        for (sender, frame) in [(&self.public, &frames.public), (&self.full, &frames.full)] {
            sender.send_if_modified(|kept| {
                let follows = kept.as_ref().is_none_or(|kept| frame.follows(kept));
                if follows {
                    *kept = Some(Arc::clone(frame));
                }
                follows
            });
        }
    }
}

impl Watcher {
    /// The next frame that is newer than those before it, or the same and marked otherwise; `None` when the server stops, or when another round has begun
    /// than the one whose vote opened this watcher: then the voter is to come back as who they are in the new one.
    pub async fn next(&mut self) -> Option<Arc<Frame>> {
        loop {
            let frame = match self.first.take() {
                Some(first) => Some(first),
                None => {
                    self.later.changed().await.ok()?;
                    self.later.borrow_and_update().clone()
                }
            };
            if frame.as_ref().is_some_and(|frame| {
                self.round.is_some_and(|round| frame.poll().is_none_or(|results| results.round != round))
            }) {
                return None;
            }
            let follows = |frame: &Arc<Frame>| match &self.sent {
                Some(sent) => frame.follows(sent),
                None => self.seen.is_none_or(|seen| frame.version.is_newer_than(seen)),
            };
            if let Some(frame) = frame.filter(follows) {
                self.sent = Some(Arc::clone(&frame));
                return Some(frame);
            }
        }
    }
}
