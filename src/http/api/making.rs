//! Makes access codes, for a request that may have come before.
//!
//! Invariant: a named request makes its codes once, however often it comes and on whatever node. It is known again by the hash of
//! the first code at its first number, which stays when that code is replaced, so no code that is dead comes to life. It must not
//! know: how codes are shown.

use std::collections::HashMap;

use hustings_core::AccessCode;

use super::codes::{CODES_AT_ONCE, Made, MadeCode};
use super::unknown;
use crate::http::Services;
use crate::http::error::Problem;
use crate::http::once::Once;
use crate::ledger::{CodeHash, CodeNumber, Elector, KeptCode, LedgerError, NewCode, Registered};

/// How often codes are made anew because they stand elsewhere. A second collision in a row means something else is wrong: of 31^10
/// codes 200,000 at most are taken.
pub(super) const DRAWS_MAX: u64 = 8;
/// How often a request is held against codes that others add to at the same time.
const ATTEMPTS: usize = 64;
/// How many codes are read at once.
const READ_PAGE: usize = 10_000;
/// What its codes are derived for.
const PURPOSE: &str = "code";

/// The codes that are there, as one request sees them.
#[derive(Default)]
pub(super) struct KeptCodes {
    /// Who is listed.
    pub(super) persons: HashMap<Elector, CodeNumber>,
    /// How many there are.
    count: u32,
    /// What the request keeps its first code under, for each draw.
    firsts: Vec<CodeHash>,
    /// The first number that it made before, and in which draw.
    made: Option<(CodeNumber, u64)>,
}

/// Makes a code for each of these, with a name or without one, all or none; or shows those that the same request made before.
/// `check` may refuse before anything is made, by what is there already.
pub(super) async fn make_once(
    services: &Services,
    found: &Registered,
    once: &Once,
    persons: &[Option<Elector>],
    mut check: impl FnMut(&KeptCodes) -> Result<(), Problem>,
) -> Result<Made, Problem> {
    let mut there = KeptCodes::of(services, found, once);
    let mut moved_from = None;
    for _ in 0..ATTEMPTS {
        there.read_on(services, found).await?;
        // One more than was asked for: it must not be of the same request.
        let before = there.made_before(services, found, once, persons.len() + 1).await?;
        if !before.is_empty() {
            return again(services, found, once, persons, &before);
        }
        check(&there)?;
        // Nobody added anything: the poll itself is gone.
        if moved_from.replace(there.count) == Some(there.count) {
            return Err(unknown());
        }
        if let Some(made) = make(services, found, once, persons, Some(there.count)).await? {
            return Ok(made);
        }
    }
    Err(Problem::conflict("roster_moved", "others make codes for this poll just now; please send it again"))
}

/// Makes and keeps a code for each of these; none where there are not just as many as expected, or where the poll is gone.
pub(super) async fn make(
    services: &Services,
    found: &Registered,
    once: &Once,
    persons: &[Option<Elector>],
    expected: Option<u32>,
) -> Result<Option<Made>, Problem> {
    let (id, made) = (found.election.id, services.clock.now());
    for draw in 0..DRAWS_MAX {
        let codes: Vec<_> = codes(services, found, once, draw).take(persons.len()).collect();
        let new =
            codes.iter().zip(persons).map(|((_, hash), person)| NewCode { hash: *hash, person: person.clone(), made });
        let first = match services.electorate.make_codes(id, new.collect(), expected).await {
            Err(LedgerError::CodeTaken) => continue,
            other => other?,
        };
        let Some(first) = first else { return Ok(None) };
        let shown = (first.0..).zip(codes).zip(persons);
        let shown =
            shown.map(|((number, (code, _)), person)| MadeCode::of(services, found, number, &code, person.as_ref()));
        return Ok(Some(Made { codes: shown.collect(), ..Made::of(once) }));
    }
    Err(LedgerError::CodeTaken.into())
}

/// The codes that a request of this name has made before, as many as there may be; none where it has made none.
pub(in crate::http) async fn codes_of(services: &Services, found: &Registered, once: &Once) -> Result<Made, Problem> {
    let mut there = KeptCodes::of(services, found, once);
    there.read_on(services, found).await?;
    let before = there.made_before(services, found, once, CODES_AT_ONCE).await?;
    Ok(shown(services, found, once, &before))
}

/// What a request has made before at one number.
struct MadeBefore {
    /// What is kept there now.
    kept: KeptCode,
    /// The code that the request has made.
    code: AccessCode,
    /// Whether that was neither replaced nor revoked.
    is_good: bool,
}

/// The answer to a request that came before, if it was the same.
fn again(
    services: &Services,
    found: &Registered,
    once: &Once,
    persons: &[Option<Elector>],
    before: &[MadeBefore],
) -> Result<Made, Problem> {
    if !before.iter().map(|one| &one.kept.person).eq(persons) {
        return Err(Problem::conflict(
            "id_reused",
            "this id belongs to another request that made codes; give a new one",
        ));
    }
    Ok(shown(services, found, once, before))
}

fn shown(services: &Services, found: &Registered, once: &Once, before: &[MadeBefore]) -> Made {
    let good = before.iter().filter(|one| one.is_good);
    let good = good
        .map(|MadeBefore { kept, code, .. }| MadeCode::of(services, found, kept.number.0, code, kept.person.as_ref()));
    let codes: Vec<_> = good.collect();
    Made { gone: before.len() - codes.len(), codes, is_again: true, ..Made::of(once) }
}

/// The codes of a request, one by one, and what they are kept as.
fn codes<'a>(
    services: &'a Services,
    found: &'a Registered,
    once: &'a Once,
    draw: u64,
) -> impl Iterator<Item = (AccessCode, CodeHash)> + 'a {
    (0..).map(move |at| {
        let code = once.code(services, found.election.id, PURPOSE, &[at, draw]);
        let hash = hashed(services, found, &code);
        (code, hash)
    })
}

fn hashed(services: &Services, found: &Registered, code: &AccessCode) -> CodeHash {
    services.keys.access_code(found.election.id, code)
}

impl KeptCodes {
    /// None of them are read yet.
    fn of(services: &Services, found: &Registered, once: &Once) -> Self {
        let draws = if once.may_repeat() { 0..DRAWS_MAX } else { 0..0 };
        let first = |draw| hashed(services, found, &once.code(services, found.election.id, PURPOSE, &[0, draw]));
        Self { firsts: draws.map(first).collect(), ..Self::default() }
    }

    /// What the request has made before, at most `limit` of it.
    async fn made_before(
        &self,
        services: &Services,
        found: &Registered,
        once: &Once,
        limit: usize,
    ) -> Result<Vec<MadeBefore>, Problem> {
        let Some((first, draw)) = self.made else { return Ok(Vec::new()) };
        let before = first.0.checked_sub(1).map(CodeNumber);
        let kept = services.electorate.codes(found.election.id, before, limit).await?;
        let ours = kept.into_iter().zip(codes(services, found, once, draw));
        let ours = ours.take_while(|(kept, (_, hash))| kept.voter == *hash).map(|(kept, (code, hash))| {
            let is_good = kept.hash == hash && kept.revoked.is_none();
            MadeBefore { kept, code, is_good }
        });
        Ok(ours.collect())
    }

    /// Takes in what came since the last reading: who has a number, and which code was the first there, never changes.
    async fn read_on(&mut self, services: &Services, found: &Registered) -> Result<(), Problem> {
        loop {
            let after = Some(CodeNumber(self.count));
            let page = services.electorate.codes(found.election.id, after, READ_PAGE).await?;
            let Some(end) = page.last() else { return Ok(()) };
            self.count = end.number.0;
            for kept in page {
                let draw = (0..).zip(&self.firsts).find(|(_, first)| **first == kept.voter);
                self.made = self.made.or(draw.map(|(draw, _)| (kept.number, draw)));
                self.persons.extend(kept.person.map(|person| (person, kept.number)));
            }
        }
    }
}
