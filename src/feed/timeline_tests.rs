//! Columns: none lost, none counted twice, however far apart the votes are.

use proptest::prelude::*;

use super::*;

fn columns(times: &[u64]) -> Columns {
    let mut columns = Columns::default();
    times.iter().for_each(|time| columns.add(Time(*time)));
    columns
}

#[test]
fn each_width_divides_the_next() {
    assert!(WIDTHS_S.windows(2).all(|pair| pair[1] > pair[0] && pair[1].is_multiple_of(pair[0])));
}

#[test]
fn columns_widen_where_votes_are_far_apart() {
    for (last, width, counts) in
        [(0, 1, 1), (59_999, 1, 60), (60_000, 5, 13), (3_600_000, 300, 13), (1 << 40, 24_192_000, 46)]
    {
        let columns = columns(&[0, last]);
        assert_eq!((columns.width().as_secs(), columns.counts().len()), (width, counts), "{last}");
        assert_eq!(columns.total(), 2);
    }
    assert_eq!(columns(&[1_500, 1_999, 2_000, 9_000]).counts(), [2, 1, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(columns(&[1_500]).start(), Time(1_000));
}

proptest! {
    /// The columns add up to the votes, and each vote is in the column of its time.
    #[test]
    fn columns_add_up(start in 0..u64::MAX / 4, gaps in prop::collection::vec(0_u64..1 << 40, 0..200), scale in 0_u32..40) {
        let times: Vec<u64> = gaps.iter().scan(start, |at, gap| { *at += gap >> scale; Some(*at) }).collect();
        let columns = columns(&times);
        prop_assert_eq!(columns.total(), times.len() as u64);
        prop_assert!(columns.counts().len() <= COLUMNS_MAX);
        for (at, count) in columns.counts().iter().enumerate() {
            let begins = columns.start + at as u64 * columns.width;
            let there = times.iter().filter(|time| (begins..begins + columns.width).contains(*time)).count();
            prop_assert_eq!(*count, there as u64);
        }
        prop_assert!(times.is_empty() || (columns.counts()[0] > 0 && columns.counts().last() > Some(&0)));
    }
}
