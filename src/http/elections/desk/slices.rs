//! An upload in slices: as many whole lines as have arrived, so that a slice forms by itself while the one before is counted.
//!
//! Invariant: all whole lines come before the word that an upload is broken off or too long.

use axum::body::Bytes;
use tokio::sync::mpsc;

use super::lines::{Line, Lines};
use crate::http::error::Problem;

/// How many pieces of an upload wait while those before them are parsed.
pub(super) const PIECES_MAX: usize = 32;
/// The most lines that are parsed at once.
const SLICE_MAX: usize = 512;
/// The most reports of an upload.
const LINES_MAX: usize = 10_000;

/// What comes next of an upload.
pub(super) enum Slice {
    /// Some lines.
    Lines(Vec<Line>),
    /// This line and all after it are not taken.
    Broken(u64, Box<Problem>),
}

/// An upload that is arriving.
pub(super) struct Slices {
    /// A line that was looked at already.
    first: Option<Line>,
    lines: Lines,
    arrived: mpsc::Receiver<Result<Bytes, Problem>>,
    count: usize,
    /// Why there will be no more lines.
    broken: Option<Problem>,
    /// The first line beyond the most.
    over: Option<u64>,
    is_over: bool,
}

impl Slices {
    /// The lines that have arrived already, a first one before them, and those that will.
    pub(super) fn new(first: Option<Line>, lines: Lines, arrived: mpsc::Receiver<Result<Bytes, Problem>>) -> Self {
        Self { first, lines, arrived, count: 0, broken: None, over: None, is_over: false }
    }

    /// What comes next; nothing at the end.
    pub(super) async fn next(&mut self) -> Option<Slice> {
        while !self.is_over {
            if let Some(line) = self.over.take() {
                self.is_over = true;
                let detail = format!("an upload can have at most {LINES_MAX} reports; send the rest in another one");
                let problem = Problem::invalid("too_many_lines", "", detail);
                return Some(Slice::Broken(line, Box::new(problem)));
            }
            let first = self.first.take().into_iter();
            let slice: Vec<Line> = first.chain(std::iter::from_fn(|| self.lines.next())).take(SLICE_MAX).collect();
            if !slice.is_empty() {
                return Some(self.counted(slice));
            }
            if let Some(problem) = self.broken.take() {
                self.is_over = true;
                return Some(Slice::Broken(self.lines.number(), Box::new(problem)));
            }
            let mut pieces = Vec::new();
            if self.arrived.recv_many(&mut pieces, PIECES_MAX).await == 0 {
                let last = self.lines.last().map(|line| self.counted(vec![line]));
                self.is_over = self.over.is_none();
                return last;
            }
            for piece in pieces {
                match piece {
                    Ok(piece) => self.lines.push(&piece),
                    Err(problem) => self.broken = Some(problem),
                }
            }
        }
        None
    }

    /// Throws away what still arrives: a connection that is closed on a sender who still writes would lose the answers.
    pub(super) async fn drain(mut self) {
        while let Some(Ok(_)) = self.arrived.recv().await {}
    }

    fn counted(&mut self, mut slice: Vec<Line>) -> Slice {
        let room = LINES_MAX - self.count;
        self.over = slice.get(room).map(Line::number);
        slice.truncate(room);
        self.count += slice.len();
        Slice::Lines(slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the lines that are given out, and where and why they end.
    async fn slices(pieces: Vec<Result<Bytes, Problem>>) -> (Vec<u64>, Option<(u64, &'static str)>) {
        let (sender, arrived) = mpsc::channel(pieces.len().max(1));
        for piece in pieces {
            sender.try_send(piece).expect("room");
        }
        drop(sender);
        let mut slices = Slices::new(None, Lines::default(), arrived);
        let (mut numbers, mut end) = (Vec::new(), None);
        while let Some(slice) = slices.next().await {
            match slice {
                Slice::Lines(lines) => numbers.extend(lines.iter().map(Line::number)),
                Slice::Broken(line, problem) => end = Some((line, problem.code())),
            }
        }
        (numbers, end)
    }

    #[tokio::test]
    async fn every_line_comes_once_and_the_end_is_told() {
        let numbers = |count: usize| (1..=count as u64).collect::<Vec<_>>();
        let piece = |text: String| Ok(Bytes::from(text));
        for count in [0, 1, SLICE_MAX, SLICE_MAX + 1, LINES_MAX] {
            let text = "x\n".repeat(count);
            assert_eq!(slices(vec![piece(text.clone())]).await, (numbers(count), None));
            let cut = slices(vec![piece(text + "half"), Err(Problem::slow_body())]).await;
            assert_eq!(cut, (numbers(count), Some((count as u64 + 1, "slow_body"))), "{count}");
        }
        for last in ["", "\n", "\nx\nx"] {
            let text = "x\n".repeat(LINES_MAX) + "x" + last;
            let over = slices(vec![piece(text)]).await;
            assert_eq!(over, (numbers(LINES_MAX), Some((LINES_MAX as u64 + 1, "too_many_lines"))), "{last:?}");
        }
    }
}
