//! The reports of boxes, for units that no totals are kept for.
//!
//! Invariant: what is given of a box is what counted at one place of the ledger, however much has been reported since.

use std::collections::BTreeMap;

use hustings_core::{Channel, Content, ContestNumber, Counts, Event, ReportFiled, Seq, Standing, UnitNumber, Units};

use super::sums::{self, Sums};
use crate::ledger::{ElectionKey, LedgerError, PAGE_MAX, Reports, Stored};

/// What boxes reported, by contest, in the order of the boxes. What was withdrawn is left out.
#[derive(Debug, Default)]
pub struct Reported(BTreeMap<ContestNumber, Vec<(UnitNumber, Channel, Counts)>>);

impl Reported {
    /// Reads what counted at a place of the ledger for each contest and its boxes.
    pub async fn read(
        reports: &dyn Reports,
        election: ElectionKey,
        wanted: Vec<(ContestNumber, Vec<UnitNumber>)>,
        at: Seq,
    ) -> Result<Self, LedgerError> {
        let mut found = BTreeMap::new();
        for (contest, boxes) in wanted {
            let of_contest: &mut Vec<_> = found.entry(contest).or_default();
            for page in boxes.chunks(PAGE_MAX) {
                for stored in reports.current_reports(election, contest, page).await? {
                    let counted = match filed(&stored) {
                        Some(filed) if stored.entry.seq > at => {
                            earlier(reports, election, filed.ballot_box, contest, at).await?
                        }
                        _ => Some(stored),
                    };
                    of_contest.extend(counted.as_ref().and_then(counts));
                }
            }
        }
        Ok(Self(found))
    }

    /// The sums of a contest in the boxes of a unit.
    #[must_use]
    pub fn sums(&self, units: &Units, contest: ContestNumber, choices: usize, top: UnitNumber) -> Sums {
        let mut sums = Sums::new(choices);
        let reports = self.0.get(&contest).into_iter().flatten();
        for (_, channel, counts) in reports.filter(|(ballot_box, ..)| units.is_within(*ballot_box, top)) {
            sums.add_report(*channel, counts);
        }
        sums
    }

    /// The sums of a contest in each unit just below another one, of those where something was reported.
    #[must_use]
    pub fn of_children(
        &self,
        units: &Units,
        contest: ContestNumber,
        choices: usize,
        top: UnitNumber,
    ) -> BTreeMap<UnitNumber, Sums> {
        let mut children: BTreeMap<UnitNumber, Sums> = BTreeMap::new();
        for (ballot_box, channel, counts) in self.0.get(&contest).into_iter().flatten() {
            if let Some(child) = sums::child_of(units, top, *ballot_box) {
                children.entry(child).or_insert_with(|| Sums::new(choices)).add_report(*channel, counts);
            }
        }
        children
    }
}

/// The report that counted at an earlier place.
async fn earlier(
    reports: &dyn Reports,
    election: ElectionKey,
    ballot_box: UnitNumber,
    contest: ContestNumber,
    at: Seq,
) -> Result<Option<Stored>, LedgerError> {
    let mut revisions = reports.revisions(election, ballot_box).await?;
    revisions.retain(|stored| {
        let counted =
            |filed: &ReportFiled| filed.contest == contest && !matches!(filed.standing, Standing::Late { .. });
        stored.entry.seq <= at && filed(stored).is_some_and(counted)
    });
    Ok(revisions.pop())
}

fn filed(stored: &Stored) -> Option<&ReportFiled> {
    match &stored.entry.event {
        Event::ReportFiled(filed) => Some(filed),
        _ => None,
    }
}

fn counts(stored: &Stored) -> Option<(UnitNumber, Channel, Counts)> {
    let filed = filed(stored)?;
    match &filed.content {
        Content::Filed(counts) => Some((filed.ballot_box, filed.channel, counts.clone())),
        Content::Withdrawn => None,
    }
}
