//! What must hold of every store after every test, whatever the test did.

use std::collections::{BTreeMap, HashMap, HashSet};

use hustings::ledger::{ElectionKey, Head, PAGE_MAX, Registered, Reports, Stored};
use hustings_core::{
    Chain, ContestNumber, Entry, Event, Fold, Previous, ReportFiled, Revision, Seq, Standing, Time, UnitNumber, Units,
};

use super::Backend;

/// How many voters of a ledger are looked up one by one.
const LOOKED_UP_MAX: usize = 500;

/// Holds every ledger of a store against the rules.
pub(crate) async fn audit(backend: &dyn Backend) {
    for registered in backend.registry().elections(None, 10_000).await.expect("the elections") {
        audit_ledger(backend, &registered).await;
    }
}

/// Holds one ledger against the rules and gives its fold.
pub(crate) async fn audit_election(backend: &dyn Backend, key: ElectionKey) -> Fold {
    let wanted = hustings::ledger::Wanted::Key(key);
    let registered = backend.registry().election(wanted).await.expect("the registry").expect("the election");
    audit_ledger(backend, &registered).await
}

/// Places count from 1 without gaps, time never goes back, bytes are those of the entry, the chain runs over all of
/// them, the head is the last entry, each ballot names just the vote that counted before, no id stands twice, the
/// states allow each entry, and the store finds each voter's last ballot, each box's reports and the tree.
async fn audit_ledger(backend: &dyn Backend, registered: &Registered) -> Fold {
    let (ledger, key) = (backend.ledger(), registered.key);
    let (_, head) = *ledger.heads(&[key]).await.expect("the heads").first().expect("the head");
    let mut fold = Fold::new(&registered.election);
    let (mut chain, mut seq, mut time) = (Chain::EMPTY, Seq(0), Time(0));
    let (mut counting, mut ids) = (HashMap::new(), HashSet::new());
    let (mut boxes, mut units) = (Boxes::new(), Units::default());
    loop {
        let page = ledger.read(key, seq, PAGE_MAX).await.expect("a page");
        if page.is_empty() {
            break;
        }
        for stored in page {
            let entry = &stored.entry;
            assert_eq!(entry.seq, seq.next(), "a gap or a repeat in {key:?}");
            assert!(entry.time >= time, "time goes back at {} in {key:?}", entry.seq);
            assert_eq!(
                Entry::from_bytes(&stored.bytes).as_ref(),
                Ok(&**entry),
                "the bytes of {} in {key:?}",
                entry.seq
            );
            fold.apply(&stored.bytes).unwrap_or_else(|error| panic!("{key:?} cannot be folded: {error}"));
            (chain, seq, time) = (chain.extend(&stored.bytes), entry.seq, entry.time);
            if let Some(id) = entry.event.id() {
                assert!(ids.insert(id), "{id} stands twice in {key:?}");
            }
            match &entry.event {
                Event::BallotCast(ballot) => {
                    let before = counting.insert((ballot.contest, ballot.voter), stored.clone());
                    assert_eq!(ballot.previous, before.as_ref().map(as_previous), "what {seq} in {key:?} replaced");
                }
                Event::ReportFiled(filed) => audit_report(&mut boxes, filed, &stored),
                Event::UnitsAdded(added) => units.add(added, seq).expect("units that can be added"),
                Event::UnitRetired(retired) => units.retire(retired, seq).expect("a unit that can be retired"),
                Event::StateChanged(_) | Event::Retitled(_) => {}
            }
        }
    }
    assert_eq!(head, Head { epoch: head.epoch, seq, time, chain }, "the head of {key:?} is not its last entry");
    for ((contest, voter), stored) in counting.into_iter().take(LOOKED_UP_MAX) {
        let found = ledger.ballot(key, contest, voter).await.expect("a look-up");
        assert_eq!(found, Some(stored), "the vote that counts now in {key:?}");
    }
    audit_rows(backend.reports().as_ref(), key, &boxes, &units).await;
    fold
}

/// The reports of each box and contest, by revision.
type Boxes = BTreeMap<(UnitNumber, ContestNumber), BTreeMap<Revision, Stored>>;

/// A report names just what counted before, and its number is new.
fn audit_report(boxes: &mut Boxes, filed: &ReportFiled, stored: &Stored) {
    let reports = boxes.entry((filed.ballot_box, filed.contest)).or_default();
    let seq = stored.entry.seq;
    let highest = reports.last_key_value().map(|(revision, stored)| (*revision, stored.entry.seq));
    match (&filed.standing, highest) {
        (Standing::First, None) => {}
        (Standing::Replaces { seq: replaced, revision, counts }, Some(highest)) => {
            assert_eq!((*revision, *replaced), highest, "what {seq} replaced");
            assert_eq!(counts.as_ref(), content_of(&reports[revision]).content.counts(), "what {seq} replaced");
            assert!(filed.revision > *revision, "{seq} has a lower number than what it replaced");
        }
        (Standing::Late { current }, Some((revision, highest))) => {
            assert!(*current == highest && filed.revision < revision, "{seq} is not late");
        }
        other => panic!("{seq}: {other:?}"),
    }
    assert!(reports.insert(filed.revision, stored.clone()).is_none(), "{} stands twice", filed.revision);
}

fn content_of(stored: &Stored) -> &ReportFiled {
    let Event::ReportFiled(filed) = &stored.entry.event else { panic!("{stored:?} is no report") };
    filed
}

/// The rows beside the entries say what the entries say.
async fn audit_rows(reports: &dyn Reports, key: ElectionKey, boxes: &Boxes, units: &Units) {
    let found = reports.units(key, None).await.expect("the tree");
    assert_eq!((found.count(), found.seq()), (units.count(), units.seq()), "the tree of {key:?}");
    for number in (0..units.next().0).map(UnitNumber) {
        assert_eq!(found.get(number), units.get(number), "unit {number} of {key:?}");
    }
    for ((ballot_box, contest), expected) in boxes.iter().take(LOOKED_UP_MAX) {
        let current = reports.current_reports(key, *contest, &[*ballot_box]).await.expect("a look-up");
        assert_eq!(current.last(), expected.values().last(), "what counts of {ballot_box} in {key:?}");
        let all = reports.revisions(key, *ballot_box).await.expect("a look-up");
        let of_contest = all.iter().filter(|stored| content_of(stored).contest == *contest);
        assert!(of_contest.eq(expected.values()), "the reports of {ballot_box} in {key:?}: {all:?}");
    }
}

fn as_previous(stored: &Stored) -> Previous {
    let Event::BallotCast(ballot) = &stored.entry.event else { panic!("{stored:?} is no ballot") };
    Previous { seq: stored.entry.seq, group: ballot.group, selections: ballot.selections.clone() }
}
