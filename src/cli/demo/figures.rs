//! The published figures, and the same scaled to another size.
//!
//! Invariant: scaled figures add up to exactly the size asked for.
//! It must not know: polls, servers.

use anyhow::Context;

/// What each candidate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figures(Vec<(String, u32)>);

pub(super) const MONTREAL: &str = include_str!("../../../assets/data/montreal-2013-mayor.csv");
/// The columns around those of the candidates.
const DISTRICT: &str = "district";
const TOTAL: &str = "total";

impl Figures {
    /// Mayor of Montréal, 2013: three candidates, 58 districts; each row must add up to its own total.
    pub(super) fn montreal() -> anyhow::Result<Self> {
        let mut table = csv::Reader::from_reader(MONTREAL.as_bytes());
        let header = table.headers()?.clone();
        let total = header.iter().position(|name| name == TOTAL).context("no column of totals")?;
        let names = header.iter().take(total).filter(|name| *name != DISTRICT);
        let mut figures: Vec<_> = names.map(|name| (name.to_owned(), 0)).collect();
        for row in table.records() {
            let row = row?;
            let number = |place| -> anyhow::Result<u32> { Ok(row.get(place).context("a short row")?.parse()?) };
            let mut sum = 0;
            for ((_, votes), place) in figures.iter_mut().zip(1..total) {
                *votes += number(place)?;
                sum += number(place)?;
            }
            anyhow::ensure!(sum == number(total)?, "{} does not add up", row.get(0).unwrap_or_default());
        }
        Ok(Self(figures))
    }

    /// All votes.
    pub(super) fn ballots(&self) -> u64 {
        self.0.iter().map(|&(_, votes)| u64::from(votes)).sum()
    }

    /// The candidates, as the file has them.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Their votes, in the same order.
    pub(super) fn votes(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|&(_, votes)| votes)
    }

    /// The same proportions with exactly so many ballots: rounded down, the rest to the largest remainders.
    pub(super) fn scaled(&self, ballots: u32) -> Self {
        let whole = self.ballots().max(1);
        let product = |votes: u32| u64::from(votes) * u64::from(ballots);
        let mut scaled: Vec<_> = self.votes().map(|votes| u32::try_from(product(votes) / whole).unwrap_or(0)).collect();
        let mut places: Vec<_> = self.votes().map(|votes| product(votes) % whole).enumerate().collect();
        places.sort_by_key(|&(place, remainder)| (std::cmp::Reverse(remainder), place));
        let missing = ballots.saturating_sub(scaled.iter().sum());
        for &(place, _) in places.iter().take(missing as usize) {
            scaled[place] += 1;
        }
        Self(self.0.iter().zip(scaled).map(|((name, _), votes)| (name.clone(), votes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_all_votes() {
        let figures = Figures::montreal().unwrap();
        assert_eq!(figures.names(), ["Coderre", "Bergeron", "Joly"]);
        assert_eq!(figures.votes().collect::<Vec<_>>(), [149_467, 118_637, 123_062]);
        assert_eq!(figures.ballots(), 391_166);
    }

    #[test]
    fn scaling_keeps_the_sum_and_the_proportions() {
        let figures = Figures::montreal().unwrap();
        for ballots in [1, 2, 3, 10, 1000, 99_999, 391_166, 10_000_000] {
            let scaled = figures.scaled(ballots);
            assert_eq!(scaled.ballots(), u64::from(ballots));
            for (votes, published) in scaled.votes().zip(figures.votes()) {
                let exact = f64::from(published) * f64::from(ballots) / 391_166.0;
                assert!((f64::from(votes) - exact).abs() < 1.0, "{ballots}");
            }
        }
        assert_eq!(figures.scaled(391_166), figures);
    }
}
