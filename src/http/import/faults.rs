//! What is wrong with an import: everything at once, in the order of what was sent.
//!
//! Invariant: however much is wrong, only the first thousand faults take memory; the others are counted.

use crate::http::error::{Fault, Problem};

/// The most faults that are told.
const TOLD_MAX: usize = 1_000;

/// Where something stands in what was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) enum Place {
    /// A line of a CSV file, from 1.
    Line(u64),
    /// A member of a list in a JSON document, by the pointer to the list, and its place there.
    Item(String, usize),
}

impl Place {
    /// A member of a list that this member has.
    pub(in crate::http) fn item(&self, list: &str, at: usize) -> Self {
        match self {
            Self::Line(line) => Self::Line(*line),
            Self::Item(outer, index) => Self::Item(format!("{outer}/{index}/{list}"), at),
        }
    }
}

/// The faults of one import.
#[derive(Debug)]
pub(in crate::http) struct Faults {
    code: &'static str,
    told: Vec<(Place, Fault)>,
    total: usize,
}

impl Faults {
    /// None yet. The code is that of the whole refusal.
    pub(in crate::http) fn new(code: &'static str) -> Self {
        Self { code, told: Vec::new(), total: 0 }
    }

    /// Notes what is wrong with a field of something, or with all of it where the field is empty.
    pub(in crate::http) fn push(&mut self, place: Place, field: &str, code: &'static str, detail: String) {
        self.total += 1;
        let fault = match &place {
            Place::Line(line) => Fault { line: Some(*line), pointer: None, code, detail },
            Place::Item(list, at) => {
                let tail = if field.is_empty() { String::new() } else { format!("/{field}") };
                Fault { line: None, pointer: Some(format!("{list}/{at}{tail}")), code, detail }
            }
        };
        self.told.push((place, fault));
        if self.told.len() >= 2 * TOLD_MAX {
            self.forget_later();
        }
    }

    /// Whether nothing is wrong so far.
    pub(in crate::http) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Says them all, if there are some; else there may still come some.
    pub(in crate::http) fn check(mut self) -> Result<Self, Problem> {
        if self.total == 0 {
            return Ok(self);
        }
        self.forget_later();
        Err(Problem::faults(self.code, self.told.into_iter().map(|(_, fault)| fault).collect(), self.total))
    }

    fn forget_later(&mut self) {
        self.told.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.told.truncate(TOLD_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thousand_are_told_whatever_the_order_they_were_found_in() {
        let mut faults = Faults::new("invalid_units");
        for line in (1..=5_000).rev() {
            faults.push(Place::Line(line), "code", "empty_text", format!("line {line}"));
        }
        let problem = faults.check().expect_err("faults");
        let shown = serde_json::to_value(&problem).expect("json");
        assert_eq!(shown["errors_total"], 5_000);
        let errors = shown["errors"].as_array().expect("a list");
        assert_eq!((errors.len(), &errors[0]["line"], &errors[999]["line"]), (1_000, &1.into(), &1_000.into()));
    }

    #[test]
    fn places_in_json_come_in_the_order_of_their_lists() {
        let contest = |at| Place::Item("/contests".to_owned(), at);
        assert!(contest(2) < contest(10));
        assert_eq!(contest(2).item("choices", 7), Place::Item("/contests/2/choices".to_owned(), 7));
    }
}
