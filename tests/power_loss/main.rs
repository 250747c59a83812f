//! Loss of power: whatever a disk may hold after it, every acknowledged entry is there once, and nothing else is.
//!
//! The ledger works on a file system that notes every write and sync; afterwards the test cuts the power at hundreds of
//! places, builds what the disk may hold then, and opens it. The same check must fail with weaker syncs, which shows that
//! it can. `HUSTINGS_TEST_SEED` replays a run; `HUSTINGS_TEST_ROUNDS` lives more days.
#![expect(clippy::expect_used, reason = "a helper of a test stops the test when its own input is wrong")]

mod check;
mod disk;
mod recorder;
mod vfs;
mod workload;

use std::collections::{BTreeMap, BTreeSet};

use check::{Finding, check};
use disk::{Dice, Disk, Fate, Happened};
use workload::Story;

const SEED: u64 = 1_384_300_800;
/// Besides the special places, the power goes at every so many places of the log.
const EVERY: usize = 17;
/// How much of the first finding is told, in characters.
const FINDING_MAX: usize = 300;

#[test]
fn nothing_acknowledged_is_lost_with_full_syncs() {
    for seed in seeds() {
        let report = lose_power_all_day(seed, "FULL");
        println!("FULL, HUSTINGS_TEST_SEED={seed}: {report:#?}");
        assert_eq!(report.findings, BTreeMap::new(), "HUSTINGS_TEST_SEED={seed}: first {:?}", report.first);
        report.assert_not_void();
    }
}

#[test]
fn without_syncs_the_check_finds_losses_and_damage() {
    for seed in seeds() {
        let report = lose_power_all_day(seed, "OFF");
        println!("OFF, HUSTINGS_TEST_SEED={seed}: {report:#?}");
        assert!(report.findings.contains_key("lost"), "HUSTINGS_TEST_SEED={seed}");
        assert!(report.findings.contains_key("damaged"), "HUSTINGS_TEST_SEED={seed}");
    }
}

#[test]
fn with_syncs_at_checkpoints_only_the_check_finds_losses() {
    for seed in seeds() {
        let report = lose_power_all_day(seed, "NORMAL");
        println!("NORMAL, HUSTINGS_TEST_SEED={seed}: {report:#?}");
        let found: Vec<_> = report.findings.keys().copied().collect();
        assert_eq!(found, ["lost"], "SQLite promises no damage with NORMAL; HUSTINGS_TEST_SEED={seed}");
    }
}

fn seeds() -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let first = number("HUSTINGS_TEST_SEED").unwrap_or(SEED);
    (0..number("HUSTINGS_TEST_ROUNDS").unwrap_or(1)).map(move |round| first.wrapping_add(round))
}

/// Why the power goes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Acknowledged,
    BeforeSync,
    AfterSync,
    EverySoOften,
}

impl Moment {
    const ALL: [Self; 4] = [Self::Acknowledged, Self::BeforeSync, Self::AfterSync, Self::EverySoOften];

    fn of(log: &[Happened], place: usize) -> Option<Self> {
        let is_sync = |happened: Option<&Happened>| matches!(happened, Some(Happened::Synced { .. }));
        let before = place.checked_sub(1).and_then(|place| log.get(place));
        match before {
            Some(Happened::Acknowledged(_)) => Some(Self::Acknowledged),
            _ if is_sync(log.get(place)) => Some(Self::BeforeSync),
            _ if is_sync(before) => Some(Self::AfterSync),
            _ if place.is_multiple_of(EVERY) => Some(Self::EverySoOften),
            _ => None,
        }
    }
}

/// What was tried, and what was found.
#[derive(Debug, Default)]
struct Report {
    places: usize,
    images: usize,
    moments: BTreeMap<Moment, usize>,
    acknowledged: usize,
    entries: usize,
    syncs: usize,
    log_restarts: usize,
    repeated_after_kill: usize,
    images_with_losses: usize,
    dropped_writes: usize,
    torn_sectors: usize,
    findings: BTreeMap<&'static str, usize>,
    first: Option<String>,
}

impl Report {
    /// A run that cut nothing proves nothing.
    fn assert_not_void(&self) {
        let moments = Moment::ALL.map(|moment| self.moments.get(&moment).copied().unwrap_or(0));
        let counts = [
            self.acknowledged,
            self.entries,
            self.syncs,
            self.log_restarts,
            self.repeated_after_kill,
            self.places,
            self.images,
        ];
        let losses = [self.images_with_losses, self.dropped_writes, self.torn_sectors];
        for counted in [&moments[..], &counts, &losses] {
            assert!(counted.iter().all(|count| *count > 0), "the test is void: {self:#?}");
        }
    }

    fn found(&mut self, finding: &Finding, place: usize, fate: Fate) {
        let kind = match finding {
            Finding::Damaged(_) => "damaged",
            Finding::Lost(_) => "lost",
            Finding::Invented(_) => "invented",
            Finding::Miscounted(_) => "miscounted",
            Finding::Forgotten(_) => "forgotten",
        };
        *self.findings.entry(kind).or_default() += 1;
        let finding: String = format!("{finding:?}").chars().take(FINDING_MAX).collect();
        self.first.get_or_insert_with(|| format!("at place {place} with {fate:?} surviving: {finding}"));
    }
}

/// Lives a day and loses power at many places of it.
fn lose_power_all_day(seed: u64, synchronous: &'static str) -> Report {
    let (log, story) = workload::live(seed, synchronous);
    let mut report = describe(&log, &story);
    let mut dice = Dice::new(seed ^ 0xD15C);
    let (mut disk, mut begun, mut acknowledged) = (Disk::default(), 0, 0);
    for place in 0..=log.len() {
        if let Some(moment) = Moment::of(&log, place) {
            *report.moments.entry(moment).or_default() += 1;
            for fate in fates(&disk, &mut dice) {
                let image = disk.lose_power(fate, &mut dice);
                report.images += 1;
                report.images_with_losses += usize::from(image.dropped + image.torn > 0);
                report.dropped_writes += image.dropped;
                report.torn_sectors += image.torn;
                if let Err(finding) = check(&image, &story, begun, acknowledged, &mut dice) {
                    report.found(&finding, place, fate);
                }
            }
        }
        match log.get(place) {
            Some(Happened::Begun(step)) => begun = step.0 + 1,
            Some(Happened::Acknowledged(step)) => acknowledged = step.0 + 1,
            Some(happened) => disk.happen(happened),
            None => {}
        }
    }
    report
}

/// The worst that can happen, and one thing that is not so simple; where all is certain they are the same.
fn fates(disk: &Disk, dice: &mut Dice) -> Vec<Fate> {
    if disk.is_certain() {
        return vec![Fate::Nothing];
    }
    vec![Fate::Nothing, [Fate::Everything, Fate::Some, Fate::Torn, Fate::Torn][dice.below(4)]]
}

fn describe(log: &[Happened], story: &Story) -> Report {
    let count = |wanted: &dyn Fn(&Happened) -> bool| log.iter().filter(|happened| wanted(happened)).count();
    let is_log = |happened: &Happened| match happened {
        Happened::Created { name, file } if name.ends_with("-wal") => Some(*file),
        _ => None,
    };
    let logs: BTreeSet<_> = log.iter().filter_map(is_log).collect();
    Report {
        places: log.len(),
        acknowledged: count(&|happened| matches!(happened, Happened::Acknowledged(_))),
        entries: story.ledgers.values().map(Vec::len).sum(),
        syncs: count(&|happened| matches!(happened, Happened::Synced { .. })),
        log_restarts: count(
            &|happened| matches!(happened, Happened::Written { file, offset: 0, .. } if logs.contains(file)),
        ),
        repeated_after_kill: story.repeated_after_kill,
        ..Report::default()
    }
}

/// Waits on this thread; the ledger has threads of its own.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
