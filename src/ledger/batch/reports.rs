//! Reports: what is known of a box, and the answer that the decision means.

use hustings_core::decide::{Filed, KnownReports, decide_report};
use hustings_core::{Event, Rejection, Report, Seq, Verdict};

use super::{Answer, BoxIn, Deciding, ElectionKey, KnownOfBox, LedgerError, Stored, current_vote};

impl Deciding<'_> {
    pub(super) fn report(&mut self, key: ElectionKey, report: Report) -> Result<Answer, LedgerError> {
        let unknown = |rejection| Ok(Answer::Rejected(rejection, None));
        let same_id = match report.id {
            Some(id) => self.by_id(key, id)?,
            None => None,
        };
        let current_of_same_id = match same_id.as_ref().map(filed) {
            // The id of a ballot, or of anything else.
            Some(None) => return unknown(Rejection::IdReused),
            Some(Some(Filed { report, .. })) => {
                let of = BoxIn { ballot_box: report.ballot_box, contest: report.contest };
                self.reports(key, of, None)?.current.map(|stored| stored.entry.seq)
            }
            None => None,
        };
        let of = BoxIn { ballot_box: report.ballot_box, contest: report.contest };
        let KnownOfBox { same_revision, current } = self.reports(key, of, report.revision)?;
        let units = self.tree(key)?;
        let Some(moving) = self.ledgers.get(&key) else { return unknown(Rejection::UnknownContest) };
        let (Some(contest), Ok(state)) =
            (moving.election.contests.get(report.contest.index()), moving.state.contest(report.contest))
        else {
            return unknown(Rejection::UnknownContest);
        };
        let known = KnownReports {
            same_id: same_id.as_ref().and_then(filed),
            current_of_same_id,
            same_revision: same_revision.as_ref().and_then(filed),
            current: current.as_ref().and_then(filed),
        };
        let verdict = decide_report(contest, state, &units, known, &report);
        let at = |seq: Seq| {
            let places = [same_id.as_ref(), same_revision.as_ref(), current.as_ref()];
            places.into_iter().flatten().find(|stored| stored.entry.seq == seq).cloned()
        };
        Ok(match verdict {
            Verdict::Accept(event) => self.append(key, event),
            Verdict::Repeated(seq) => {
                let repeated = at(seq);
                if let (Some(id), None, Some(repeated)) = (report.id, &same_id, &repeated) {
                    self.aliases.insert((key, id), repeated.clone());
                }
                repeated.map_or(Answer::Unchanged, Answer::Repeated)
            }
            Verdict::Superseded(seq) => at(seq).map_or(Answer::Unchanged, Answer::Superseded),
            Verdict::Unchanged => Answer::Unchanged,
            Verdict::Rejected(rejection) => Answer::Rejected(rejection, current_vote(rejection).and_then(at)),
        })
    }

    /// What the store and this batch know of a box, the batch's own last.
    fn reports(
        &mut self,
        key: ElectionKey,
        of: BoxIn,
        revision: Option<hustings_core::Revision>,
    ) -> Result<KnownOfBox, LedgerError> {
        let mut known = self.lookup.reports(key, of, revision)?;
        let written = |place: &usize| self.entries.get(*place).map(|(_, stored)| stored.clone());
        if let Some(current) = self.boxes.get(&(key, of)).and_then(written) {
            known.current = Some(current);
        }
        let same = revision.and_then(|revision| self.revisions.get(&(key, of, revision))).and_then(written);
        if same.is_some() {
            known.same_revision = same;
        }
        Ok(known)
    }
}

/// The report that an entry is, if it is one.
pub(super) fn filed(stored: &Stored) -> Option<Filed<'_>> {
    match &stored.entry.event {
        Event::ReportFiled(report) => Some(Filed { seq: stored.entry.seq, report }),
        _ => None,
    }
}
