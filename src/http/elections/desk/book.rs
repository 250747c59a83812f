//! Definitions made ready for reports: contests and choices by their codes.
//!
//! Invariant: a book is that of a definition, and contests are only ever added to one; so what a book knows is right, and only
//! what it does not know may be newer than it. Each map is made once, by the first report that needs it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

use hustings_core::{ChoiceNumber, Contest};

use crate::http::Services;
use crate::http::error::Problem;
use crate::ledger::{ElectionKey, LedgerError, Registered};

/// The most books kept; beyond it the memory starts anew.
const KEPT_MAX: usize = 1_000;

/// The books of some elections.
#[derive(Default)]
pub(super) struct Books(RwLock<HashMap<ElectionKey, Arc<Book>>>);

/// One election's contests, ready for reports.
pub(super) struct Book {
    pub(super) found: Registered,
    by_code: HashMap<Box<str>, usize>,
    pages: Vec<Page>,
}

/// What reports of one contest need, made when the first one comes.
#[derive(Default)]
struct Page {
    choices: OnceLock<HashMap<Box<str>, ChoiceNumber>>,
    digest: OnceLock<[u8; 32]>,
}

impl Books {
    /// The book of an election, at least as new as its definition.
    pub(super) fn of(&self, found: &Registered) -> Arc<Book> {
        let kept = self.0.read().ok().and_then(|kept| kept.get(&found.key).cloned());
        let contests = |of: &Registered| of.election.contests.len();
        match kept {
            Some(book) if contests(&book.found) >= contests(found) => book,
            _ => self.keep(Book::new(found.clone())),
        }
    }

    /// The book of an election with the contests that other nodes may have added.
    pub(super) async fn newest(&self, services: &Services, found: &Registered) -> Result<Arc<Book>, LedgerError> {
        services.feed.refresh(found.key).await?;
        let contests = services.feed.rounds(found.key).await?;
        let newest = services.elections.with_contests(found.key, contests).await?;
        Ok(self.of(newest.as_ref().unwrap_or(found)))
    }

    fn keep(&self, book: Book) -> Arc<Book> {
        let book = Arc::new(book);
        if let Ok(mut kept) = self.0.write() {
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(book.found.key, Arc::clone(&book));
        }
        book
    }
}

impl Book {
    pub(super) fn new(found: Registered) -> Self {
        let contests = &found.election.contests;
        let code = |(at, contest): (usize, &Contest)| contest.race.as_ref().map(|race| (race.code.as_str().into(), at));
        let by_code = contests.iter().enumerate().filter_map(code).collect();
        let pages = contests.iter().map(|_| Page::default()).collect();
        Self { found, by_code, pages }
    }

    /// The contest of a code or an id; without a name, the only one there is.
    pub(super) fn contest(&self, name: Option<&str>) -> Result<&Contest, Problem> {
        let contests = &self.found.election.contests;
        let Some(name) = name else {
            return match contests.as_slice() {
                [only] => Ok(only),
                [] => Err(Problem::invalid("unknown_contest", "/contest", "this election has no contests yet")),
                _ => Err(Problem::invalid("missing_field", "/contest", "name the `contest`: there are several")),
            };
        };
        let by_id = || contests.iter().find(|contest| name.parse().is_ok_and(|id: uuid::Uuid| contest.id.0 == id));
        let found = self.by_code.get(name).and_then(|at| contests.get(*at)).or_else(by_id);
        let unknown = || format!("there is no contest `{}` in this election", short(name));
        found.ok_or_else(|| Problem::invalid("unknown_contest", "/contest", unknown()))
    }

    /// The choice of a code or an id.
    pub(super) fn choice(&self, contest: &Contest, name: &str) -> Option<ChoiceNumber> {
        let page = self.pages.get(contest.number.index())?;
        let choices = page.choices.get_or_init(|| {
            let numbers = (0..).map(ChoiceNumber);
            contest.choices.iter().zip(numbers).map(|(choice, number)| (choice.code.as_str().into(), number)).collect()
        });
        let by_id = || name.parse::<uuid::Uuid>().ok().and_then(|_| contest.choice(name));
        choices.get(name).copied().or_else(by_id)
    }

    /// The hash over a contest's definition.
    pub(super) fn digest(&self, contest: &Contest) -> [u8; 32] {
        let page = self.pages.get(contest.number.index());
        page.map_or_else(|| contest.digest(), |page| *page.digest.get_or_init(|| contest.digest()))
    }
}

/// The beginning of a name that a sender wrote, for a message.
pub(super) fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
