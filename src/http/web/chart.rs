//! When votes came, as columns that the server draws, and the same figures as a table.
//!
//! Invariant: the picture tells nothing that the table beside it does not. It must not know: who may see it.

use std::time::Duration;

use hustings_core::Time;

use super::texts::Language;
use crate::clock::rfc3339;
use crate::feed::Columns;

/// As many columns have room; fewer are drawn as wide as so many would be, and begin with the time before the first vote.
const SLOTS_MIN: usize = 16;

/// The picture.
pub(super) struct Chart {
    /// How many columns there would be room for.
    pub(super) slots: usize,
    pub(super) columns: Vec<Column>,
    /// The scale, in words: how long a column is, and how many the highest one stands for.
    pub(super) scale: String,
    /// The whole picture in a sentence, with what a script tells it again from: how many voters, and from when.
    pub(super) told: String,
    pub(super) voters: String,
    pub(super) first: Moment,
    /// At the left end, and at the right one.
    pub(super) ends: [Moment; 2],
    /// The columns that are not empty.
    pub(super) rows: Vec<Row>,
}

/// One column; places are in hundredths of a column's width, heights in thousandths of the highest one.
pub(super) struct Column {
    pub(super) left: usize,
    pub(super) height: u64,
}

/// A moment as scripts read it, and in words for who has none.
pub(super) struct Moment {
    pub(super) instant: String,
    pub(super) shown: String,
}

impl Moment {
    pub(super) fn of(time: Time, language: Language) -> Self {
        Self { instant: rfc3339(time), shown: language.moment(time) }
    }

    /// The beginning of a column in UTC, as short as its width allows.
    fn plain(time: Time, width: Duration) -> Self {
        let instant = rfc3339(time);
        let part = if width < Duration::from_secs(60) { 11..19 } else { 0..16 };
        let shown = instant.get(part).unwrap_or_default().replace('T', " ");
        Self { instant, shown }
    }
}

/// A column as a line of the table.
pub(super) struct Row {
    pub(super) begins: Moment,
    pub(super) votes: String,
    pub(super) so_far: String,
}

impl Chart {
    /// The picture of columns; none where all votes came within one of them, so that there is nothing to see.
    pub(super) fn of(columns: &Columns, language: Language) -> Option<Self> {
        let counts = columns.counts();
        if counts.len() < 2 {
            return None;
        }
        let slots = counts.len().max(SLOTS_MIN);
        let before = slots - counts.len();
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let (first, width) = (columns.start().0, u64::try_from(columns.width().as_millis()).unwrap_or(u64::MAX));
        let begins = |at: usize| Time(first.saturating_add(width.saturating_mul(at as u64)));
        let drawn = |(at, count): (usize, &u64)| {
            // What is there at all can be seen.
            let height = (count.saturating_mul(1_000) / most).max(8);
            (*count > 0).then(|| Column { left: (before + at) * 100 + 10, height })
        };
        let mut so_far = 0;
        let row = |(at, count): (usize, &u64)| {
            so_far += count;
            let (votes, so_far) = (language.number(*count), language.number(so_far));
            (*count > 0).then(|| Row { begins: Moment::plain(begins(at), columns.width()), votes, so_far })
        };
        let rows = counts.iter().enumerate().filter_map(row).collect();
        let since = Time(first.saturating_sub(width.saturating_mul(before as u64)));
        let ends = [since, begins(counts.len())].map(|time| Moment::of(time, language));
        let (voters, most) = (language.count("voters", columns.total()), language.count("voters", most));
        let first = Moment::of(columns.start(), language);
        let told = [("voters", voters.as_str()), ("first", &first.shown), ("last", &ends[1].shown)];
        let scale = [("width", wide(columns.width(), language)), ("voters", most)];
        Some(Self {
            slots,
            columns: counts.iter().enumerate().filter_map(drawn).collect(),
            scale: language.say_with("chart-scale", &scale.each_ref().map(|(name, word)| (*name, word.as_str()))),
            told: language.say_with("chart-told", &told),
            voters,
            first,
            ends,
            rows,
        })
    }

    /// The width of the picture, in hundredths of a column.
    pub(super) fn width(&self) -> usize {
        self.slots * 100
    }
}

/// A stretch of time in its largest unit; the widths of columns are whole numbers of one.
fn wide(width: Duration, language: Language) -> String {
    match width.as_secs() {
        seconds if seconds < 60 => language.count("wide-seconds", seconds),
        seconds if seconds < 3_600 => language.count("wide-minutes", seconds / 60),
        seconds if seconds < 86_400 => language.count("wide-hours", seconds / 3_600),
        seconds => language.count("wide-days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(seconds: &[u64]) -> Option<Chart> {
        let mut columns = Columns::default();
        seconds.iter().for_each(|second| columns.add(Time(second * 1_000)));
        Chart::of(&columns, Language::English)
    }

    #[test]
    fn the_table_says_what_the_picture_shows() {
        let chart = chart(&[0, 0, 0, 2, 3, 3]).expect("a chart");
        let drawn: Vec<_> = chart.columns.iter().map(|column| (column.left, column.height)).collect();
        assert_eq!(drawn, [(1_210, 1_000), (1_410, 333), (1_510, 666)]);
        let rows: Vec<_> = chart.rows.iter().map(|row| (row.votes.as_str(), row.so_far.as_str())).collect();
        assert_eq!(rows, [("3", "3"), ("1", "4"), ("2", "6")]);
        assert_eq!((chart.slots, chart.rows[1].begins.instant.as_str()), (16, "1970-01-01T00:00:02.000Z"));
        assert_eq!(chart.rows[1].begins.shown, "00:00:02");
        assert_eq!(chart.scale, "Each column: 1 second. The highest: 3 voters.");
    }

    #[test]
    fn one_stretch_of_time_is_no_picture() {
        assert!(chart(&[]).is_none() && chart(&[5, 5]).is_none());
    }

    #[test]
    fn stretches_are_told_in_their_largest_unit() {
        for (seconds, told) in
            [(1, "1 second"), (15, "15 seconds"), (300, "5 minutes"), (10_800, "3 hours"), (604_800, "7 days")]
        {
            assert_eq!(wide(Duration::from_secs(seconds), Language::English), told);
        }
    }
}
