//! Many watchers of one poll: what each of them saw, and when.
//!
//! Invariant: a watcher that saw an older version after a newer one is counted, and so is one that lost its stream.
//! It must not know: what the totals ought to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::api::Api;
use super::connection::ConnectionError;
use super::events::EventStream;
use super::report::seq_of;

/// Watchers at work.
#[derive(Debug)]
pub struct Crowd {
    watchers: JoinSet<Screen>,
    deliveries: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
}

/// What one watcher saw.
#[derive(Debug, Default)]
pub struct Screen {
    /// When each version arrived, by its place in the ledger.
    pub frames: Vec<(Instant, u64)>,
    /// The results that were seen last: version and document.
    pub last: Option<(String, String)>,
    /// How often an older place came after a newer one.
    pub backward: u64,
    /// Whether the stream ended before it was asked to.
    pub lost: bool,
}

const OPENING_AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(30);

impl Crowd {
    /// Opens so many streams at `path`; returns once all are open.
    pub async fn open(api: &Api, path: &str, watchers: usize) -> Result<Self, ConnectionError> {
        let open = |_| EventStream::open(api, path, PATIENCE);
        let opening = futures_util::stream::iter(0..watchers).map(open).buffer_unordered(OPENING_AT_ONCE);
        let streams: Vec<EventStream> = opening.try_collect().await?;
        let (stop, stopped) = watch::channel(false);
        let deliveries = Arc::<AtomicU64>::default();
        let mut watchers = JoinSet::new();
        for stream in streams {
            watchers.spawn(watch_until(stream, Arc::clone(&deliveries), stopped.clone()));
        }
        Ok(Self { watchers, deliveries, stop })
    }

    /// How many frames all of them got so far.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Ends all streams and tells what each watcher saw.
    pub async fn close(self) -> Vec<Screen> {
        self.stop.send_replace(true);
        self.watchers.join_all().await
    }
}

async fn watch_until(
    mut stream: EventStream,
    deliveries: Arc<AtomicU64>,
    mut stopped: watch::Receiver<bool>,
) -> Screen {
    let mut seen = Screen::default();
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            _ = stopped.wait_for(|stopped| *stopped) => return seen,
        };
        let Ok(Some(event)) = event else { return Screen { lost: true, ..seen } };
        let now = Instant::now();
        deliveries.fetch_add(1, Ordering::Relaxed);
        if let Some(seq) = seq_of(&event.id) {
            let before = seen.frames.last().map_or(0, |(_, before)| *before);
            seen.backward += u64::from(seq < before);
            seen.frames.push((now, seq));
        }
        seen.last = Some((event.id, event.data));
    }
}
