//! Screens that stay: one that loses its stream goes to the next node and says what it has seen.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hustings::load::{Api, Event, EventStream, Poll};
use hustings_core::Version;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Screens at work.
pub(crate) struct Screens {
    screens: JoinSet<Screen>,
    stop: watch::Sender<bool>,
}

/// What one screen showed.
#[derive(Default)]
pub(crate) struct Screen {
    /// Each version with its results, in the order in which they came.
    pub(crate) shown: Vec<(Version, Value)>,
    /// How often it went to another node.
    pub(crate) moves: u64,
    /// Marks that were seen beside results.
    pub(crate) marks: HashSet<&'static str>,
}

impl Screens {
    /// Opens screens that each begin at one of these places and move round them.
    pub(crate) fn open(places: &[Api], poll: &Poll, screens: usize) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut all = JoinSet::new();
        for number in 0..screens {
            let mut places = places.to_vec();
            let first = number % places.len();
            places.rotate_left(first);
            all.spawn(stay(places, poll.path("results/stream"), stopped.clone()));
        }
        Self { screens: all, stop }
    }

    /// Turns all of them off.
    pub(crate) async fn close(self) -> Vec<Screen> {
        self.stop.send_replace(true);
        self.screens.join_all().await
    }
}

async fn stay(places: Vec<Api>, path: String, mut stopped: watch::Receiver<bool>) -> Screen {
    let mut screen = Screen::default();
    for place in places.iter().cycle() {
        let watching = watch_at(place, &path, &mut screen);
        tokio::select! {
            () = watching => {}
            _ = stopped.wait_for(|stopped| *stopped) => return screen,
        }
        screen.moves += 1;
    }
    screen
}

async fn watch_at(place: &Api, path: &str, screen: &mut Screen) {
    let seen = screen.shown.last().map(|(version, _)| format!("?last_event_id={version}")).unwrap_or_default();
    // A phone waits as well before it tries again.
    let Ok(mut stream) = EventStream::open(place, &format!("{path}{seen}"), Duration::from_secs(5)).await else {
        return tokio::time::sleep(Duration::from_millis(50)).await;
    };
    while let Ok(Some(Event { id, data, .. })) = stream.next().await {
        let version = id.parse().expect("a version");
        let mut results: Value = serde_json::from_str(&data).expect("results");
        for mark in ["stale", "degraded"] {
            // A mark says how sure the node is of being up to date; the results beside it are the version's.
            if results.as_object_mut().and_then(|results| results.remove(mark)).is_some() {
                screen.marks.insert(mark);
            }
        }
        screen.shown.push((version, results));
    }
}

/// No screen went back, and no two ever showed different results under one version.
pub(crate) fn agree(screens: &[Screen]) {
    let mut all: HashMap<String, &Value> = HashMap::new();
    for screen in screens {
        for pair in screen.shown.windows(2) {
            let ((before, _), (after, _)) = (&pair[0], &pair[1]);
            assert!(after == before || after.is_newer_than(*before), "a screen went back from {before} to {after}");
        }
        for (version, results) in &screen.shown {
            let first = all.entry(version.to_string()).or_insert(results);
            let (first, second) = told_by_both(first, results);
            assert!(first.contains_key("ballots") && first.contains_key("choices"), "no figures: {first:?}");
            assert_eq!(first, second, "two screens disagree at version {version}");
        }
    }
}

/// Of two frames the fields that are in both: in the middle of an upgrade the later program may say more.
fn told_by_both(one: &Value, other: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let (Value::Object(one), Value::Object(other)) = (one, other) else { panic!("no results: {one}, {other}") };
    let of = |from: &Map<String, Value>, by: &Map<String, Value>| {
        from.iter()
            .filter(|(name, _)| by.contains_key(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    (of(one, other), of(other, one))
}
