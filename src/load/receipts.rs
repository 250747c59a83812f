//! Every acknowledgement the load generator got, in about fifty bytes a voter.
//!
//! Invariant: the first receipt a voter got stays; whatever disagrees with it later is reported, not stored.
//! It must not know: requests, connections, what a poll is.

use hustings_core::Seq;

use super::ballots::VoterNumber;

/// The receipts of the voters of one plan.
#[derive(Debug, Default)]
pub struct Receipts {
    records: Vec<Record>,
    text: String,
    acknowledged: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Record {
    seq: u64,
    start: u32,
    length: u16,
    /// How many answers said that they, and no earlier one, counted this vote.
    counted: u8,
    /// Whether some request of this vote got no answer.
    unanswered: bool,
}

/// What was acknowledged to one voter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged<'a> {
    /// Whose vote.
    pub voter: VoterNumber,
    /// The id of the receipt.
    pub receipt: &'a str,
    /// The place in the ledger, where the receipt tells.
    pub seq: Option<Seq>,
}

/// How an acknowledgement fits with what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// The first one of this voter.
    New,
    /// It agrees.
    Same,
    /// It is another receipt.
    Other,
    /// A second answer claims to have counted the vote.
    CountedTwice,
    /// There is no such voter, or no room for such a long receipt.
    Impossible,
}

impl Receipts {
    pub(super) fn new(voters: u32) -> Self {
        Self { records: vec![Record::default(); voters as usize], text: String::new(), acknowledged: 0 }
    }

    /// How many voters have an acknowledgement.
    #[must_use]
    pub fn acknowledged(&self) -> u32 {
        self.acknowledged
    }

    /// What this voter was told first, if anything.
    #[must_use]
    pub fn get(&self, voter: VoterNumber) -> Option<Acknowledged<'_>> {
        let record = self.records.get(voter.index()).filter(|record| record.length > 0)?;
        let start = record.start as usize;
        let receipt = self.text.get(start..start + usize::from(record.length))?;
        Some(Acknowledged { voter, receipt, seq: (record.seq > 0).then_some(Seq(record.seq)) })
    }

    /// All acknowledgements, by voter.
    pub fn iter(&self) -> impl Iterator<Item = Acknowledged<'_>> {
        self.voters().filter_map(|voter| self.get(voter))
    }

    /// The voters whose vote was sent and never acknowledged: it may have been counted or not.
    pub fn in_doubt(&self) -> impl Iterator<Item = VoterNumber> {
        self.voters().filter(|&voter| self.is_in_doubt(voter))
    }

    /// Whether this voter's vote was sent and never acknowledged.
    #[must_use]
    pub fn is_in_doubt(&self, voter: VoterNumber) -> bool {
        self.records.get(voter.index()).is_some_and(|record| record.unanswered && record.length == 0)
    }

    pub(super) fn has(&self, voter: VoterNumber) -> bool {
        self.records.get(voter.index()).is_some_and(|record| record.length > 0)
    }

    /// Notes that a request of this voter's vote went without an answer.
    pub(super) fn unanswered(&mut self, voter: VoterNumber) {
        if let Some(record) = self.records.get_mut(voter.index()) {
            record.unanswered = true;
        }
    }

    pub(super) fn note(&mut self, voter: VoterNumber, receipt: &str, seq: Option<u64>, counted: bool) -> Noted {
        let known = self.get(voter).map(|known| known.receipt == receipt);
        let (start, length) = (u32::try_from(self.text.len()), u16::try_from(receipt.len()));
        let Some(record) = self.records.get_mut(voter.index()) else { return Noted::Impossible };
        match known {
            Some(false) => return Noted::Other,
            Some(true) => {
                let twice = counted && record.counted > 0;
                record.counted = record.counted.saturating_add(u8::from(counted));
                return if twice { Noted::CountedTwice } else { Noted::Same };
            }
            None => {}
        }
        let (Ok(start), Ok(length @ 1..)) = (start, length) else { return Noted::Impossible };
        self.text.push_str(receipt);
        (record.start, record.length, record.seq) = (start, length, seq.unwrap_or(0));
        record.counted = u8::from(counted);
        self.acknowledged += 1;
        Noted::New
    }

    /// Voters who were told their vote had been counted before, though no earlier request could have done it.
    pub(super) fn never_counted(&self) -> impl Iterator<Item = VoterNumber> {
        let odd = |record: &Record| record.length > 0 && record.counted == 0 && !record.unanswered;
        self.voters().filter(move |voter| self.records.get(voter.index()).is_some_and(odd))
    }

    /// Pairs of voters who hold the same receipt.
    pub(super) fn shared(&self) -> Vec<(VoterNumber, VoterNumber)> {
        let mut all: Vec<_> = self.iter().map(|known| (known.receipt, known.voter)).collect();
        all.sort_unstable();
        all.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].1, pair[1].1)).collect()
    }

    fn voters(&self) -> impl Iterator<Item = VoterNumber> + use<> {
        (0..u32::try_from(self.records.len()).unwrap_or(u32::MAX)).map(VoterNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_receipt_stays_and_disagreement_is_reported() {
        let mut receipts = Receipts::new(3);
        let (one, two) = (VoterNumber(1), VoterNumber(2));
        assert_eq!(receipts.note(one, "r1", Some(9), true), Noted::New);
        assert_eq!(receipts.note(one, "r1", Some(9), false), Noted::Same);
        assert_eq!(receipts.note(one, "r2", Some(9), false), Noted::Other);
        assert_eq!(receipts.note(one, "r1", Some(9), true), Noted::CountedTwice);
        assert_eq!(receipts.note(two, "", None, true), Noted::Impossible);
        assert_eq!(receipts.note(VoterNumber(3), "r3", None, true), Noted::Impossible);
        let known: Vec<_> = receipts.iter().collect();
        assert_eq!(known, [Acknowledged { voter: one, receipt: "r1", seq: Some(Seq(9)) }]);
        assert_eq!(receipts.acknowledged(), 1);
    }

    #[test]
    fn a_repeat_that_no_counted_vote_explains_is_found() {
        let mut receipts = Receipts::new(3);
        for (voter, unanswered) in [(0, false), (1, true)] {
            if unanswered {
                receipts.unanswered(VoterNumber(voter));
            }
            receipts.note(VoterNumber(voter), "same", None, false);
        }
        receipts.unanswered(VoterNumber(2));
        assert_eq!(receipts.never_counted().collect::<Vec<_>>(), [VoterNumber(0)]);
        assert_eq!(receipts.shared(), [(VoterNumber(0), VoterNumber(1))]);
        assert_eq!(receipts.in_doubt().collect::<Vec<_>>(), [VoterNumber(2)]);
    }
}
