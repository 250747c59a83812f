//! Reports held against registered voters: what somebody should look at in a report that counts all the same.
//!
//! Invariant: while totals are hidden, nothing of them follows from a warning. Who corrects their own box could else try out
//! what the others of its city have reported.

use hustings_core::election::Viewer;
use hustings_core::{Audience, Event, ReportFiled, Unit, UnitKind, UnitNumber, Units};

use super::sender::Sender;
use crate::feed::night::Moment;
use crate::http::Services;
use crate::ledger::Stored;

/// What reports are held against.
pub(super) struct Voters<'a> {
    units: &'a Units,
    /// The totals, where all may see them and one of the reports needs them.
    moment: Option<Moment>,
}

impl<'a> Voters<'a> {
    /// Looks at the totals only where they are needed: where registered voters are told of the city of a report.
    pub(super) async fn of(services: &Services, sender: &Sender, units: &'a Units, needs_totals: bool) -> Self {
        let moment = match needs_totals {
            // Without them the report is still held against what it says itself.
            true => services.feed.moment(sender.found.key).await.ok().flatten(),
            false => None,
        };
        Self { units, moment: moment.filter(|moment| moment.audience(Viewer::Public) == Audience::Full) }
    }

    /// `more_cast_than_registered` for a report that has more ballots than the unit whose registered voters are told, or that
    /// is of a city that has by now.
    pub(super) fn warning(&self, stored: &Stored) -> Option<&'static str> {
        let filed = filed(stored)?;
        let cast = u64::from(filed.content.counts()?.cast);
        let (number, unit) = told(self.units, filed.ballot_box)?;
        let moment = self.moment.as_ref().filter(|_| unit.kind == UnitKind::City);
        let in_city = moment.map_or(0, |moment| moment.cast(filed.contest, number));
        (cast.max(in_city) > unit.registered?.into()).then_some("more_cast_than_registered")
    }
}

/// Whether a report is held against the totals of its city.
pub(super) fn needs_totals(units: &Units, stored: &Stored) -> bool {
    let told = filed(stored).and_then(|filed| told(units, filed.ballot_box));
    told.is_some_and(|(_, unit)| unit.kind == UnitKind::City)
}

/// The box, or the unit above it, whose registered voters are told.
fn told(units: &Units, ballot_box: UnitNumber) -> Option<(UnitNumber, &Unit)> {
    units
        .up(ballot_box)
        .filter_map(|above| Some((above, units.get(above)?)))
        .find(|(_, unit)| unit.registered.is_some())
}

fn filed(stored: &Stored) -> Option<&ReportFiled> {
    match &stored.entry.event {
        Event::ReportFiled(filed) => Some(filed),
        _ => None,
    }
}
