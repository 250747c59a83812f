//! One batch in one transaction, and what became of it where the server's answer was lost.
//!
//! Two flights: the first locks the heads and reads all that the decision can need, the second writes and commits.
//! Invariant: nobody is told anything that was not looked up. After a lost answer the heads are locked once more, which
//! waits for whatever the lost transaction still does, and the ledger itself says whether its entries are there. Its
//! transaction number would not do: after a failover another transaction can have the same one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hustings_core::{
    ActKind, ContestNumber, Election, ElectionState, Event, Revision, Submission, SubmissionId, Time, UnitNumber,
    Units, UnitsMark, VoterKey,
};
use tokio_postgres::Client;

use super::failure::{Failure, Patience};
use super::pace::Pace;
use super::pool::{Lease, Pool, in_order, within};
use super::rows::election_number;
use super::sql::format::format;
use super::sql::reports::{self, OfBox};
use super::sql::{self, VoterIn};
use super::trees;
use crate::clock::Clock;
use crate::ledger::batch::{self, BoxIn, Decided, KnownOfBox, Locked, Lookup};
use crate::ledger::trees::Trees;
use crate::ledger::{Addressed, Advance, Committed, ElectionKey, Head, LedgerError, Stored};

/// Why an attempt did not end with an answer.
pub(super) enum Stopped {
    /// Nothing of it is in the store.
    Nothing(Failure),
    /// It was on its way, and the answer was lost.
    Unknown(Box<Decided>, Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Nothing(failure)
    }
}

/// Decides and stores a batch, again as long as it is certain that nothing of it was stored.
pub(super) async fn append(
    pool: &Pool,
    batch: &[Addressed],
    trees: &Trees,
    clock: &dyn Clock,
) -> Result<Committed, LedgerError> {
    learn_trees(pool, batch, trees).await?;
    let mut patience = Patience::new();
    loop {
        let failure = match attempt(pool, batch, trees, clock.now()).await {
            Ok(decided) => return Ok(committed(decided, trees)),
            Err(Stopped::Nothing(failure)) => failure,
            Err(Stopped::Unknown(decided, failure)) => {
                tracing::warn!(?failure, "PostgreSQL did not say whether a batch was stored; looking for it");
                if is_stored(pool, &decided).await? {
                    return Ok(committed(*decided, trees));
                }
                failure
            }
        };
        patience.after(failure).await?;
    }
}

/// Reads trees that this node does not know at all, before anything is locked.
async fn learn_trees(pool: &Pool, batch: &[Addressed], trees: &Trees) -> Result<(), LedgerError> {
    let mut keys: Vec<ElectionKey> =
        batch.iter().filter(|one| needs_tree(&one.submission)).map(|one| one.election).collect();
    once_each(&mut keys);
    for key in keys {
        if trees.any(key).is_none() {
            trees::newest(pool, trees, key).await?;
        }
    }
    Ok(())
}

async fn attempt(pool: &Pool, batch: &[Addressed], trees: &Trees, now: Time) -> Result<Decided, Stopped> {
    let (lease, pace) = (pool.lease().await?, Pace::of(batch));
    match decide(lease.client(), pace, batch, trees, now).await {
        Ok((decided, _)) if sql::rows_of(&decided) == 0 => {
            lease.roll_back().await;
            Ok(decided)
        }
        Ok((decided, definitions)) => store(lease, pace, decided, &definitions).await,
        Err(failure) => {
            lease.end_after(&failure).await;
            Err(failure.into())
        }
    }
}

fn committed(Decided { answers, advances, trees: grown, .. }: Decided, trees: &Trees) -> Committed {
    keep_grown(&grown, &advances, trees);
    Committed { answers, advances }
}

/// Keeps the trees that a committed batch let grow.
pub(super) fn keep_grown(grown: &[(ElectionKey, Arc<Units>)], advances: &[Arc<Advance>], trees: &Trees) {
    for (key, units) in grown {
        if let Some(advance) = advances.iter().find(|advance| advance.election == *key) {
            trees.keep(*key, advance.after.epoch, units);
        }
    }
}

/// Definitions by the numbers of their elections.
pub(super) type Definitions = HashMap<ElectionKey, Arc<Election>>;

async fn decide(
    client: &Client,
    pace: Pace,
    batch: &[Addressed],
    trees: &Trees,
    now: Time,
) -> Result<(Decided, Definitions), Failure> {
    let asked = Asked::by(batch);
    let keys = &asked.elections;
    let reading = in_order(sql::by_ids(client, &asked.ids), sql::by_voters(client, &asked.voters));
    let reading = in_order(reading, of_boxes(client, &asked));
    // The format before the definitions: where it is not known, they may not be readable either.
    let unknown: Vec<i32> = keys.iter().copied().filter(|key| !trees.definitions.holds(numbered(*key))).collect();
    let reading = in_order(format(client), in_order(sql::definitions(client, &unknown), reading));
    let locking = in_order(sql::lock(client, keys), reading);
    let (_, (heads, (format, (definitions, ((by_id, by_voter), of_boxes))))) =
        pace.within(in_order(pace.begin(client), locking)).await?;
    let definitions = defined(client, trees, &heads, definitions).await?;
    let mut known = Known::of(&asked, by_id, by_voter);
    known.learn_boxes(&asked, of_boxes);
    let others = known.voters_of_ids();
    if !others.is_empty() {
        known.learn(&others, within(sql::by_voters(client, &others)).await?);
    }
    let others = known.boxes_of_ids();
    if !others.is_empty() {
        known.learn_current(&others, within(reports::current(client, &others)).await?);
    }
    for key in &asked.treed {
        if let Some((head, state)) = heads.get(key) {
            known.trees.insert(*key, trees::locked(client, trees, *key, *head, state.units).await?);
        }
    }
    let decided = batch::decide(batch.to_vec(), locked(heads, &definitions)?, format, now, &mut known)?;
    Ok((decided, definitions))
}

/// The definitions of locked ledgers: kept ones where they have as many contests as their heads say, else those of the
/// store.
async fn defined(
    client: &Client,
    trees: &Trees,
    heads: &HashMap<ElectionKey, (Head, ElectionState)>,
    mut read: HashMap<ElectionKey, Election>,
) -> Result<Definitions, Failure> {
    let mut definitions = Definitions::with_capacity(heads.len());
    let kept = |(key, (head, state)): (&ElectionKey, &(Head, ElectionState))| {
        Some((*key, trees.definitions.kept(*key, head.epoch, state.contests.len())?))
    };
    definitions.extend(heads.iter().filter_map(kept));
    let is_missing = |key: &&ElectionKey| !definitions.contains_key(key) && !read.contains_key(key);
    let missing: Vec<i32> = heads.keys().filter(is_missing).map(|key| election_number(*key)).collect();
    if !missing.is_empty() {
        read.extend(within(sql::definitions(client, &missing)).await?);
    }
    for (key, election) in read {
        let election = Arc::new(election);
        if let Some((head, _)) = heads.get(&key) {
            trees.definitions.keep(key, head.epoch, &election);
        }
        definitions.insert(key, election);
    }
    Ok(definitions)
}

/// An election's key, from its number in a column.
fn numbered(number: i32) -> ElectionKey {
    ElectionKey(u32::try_from(number).unwrap_or(0))
}

/// What is known of boxes: the reports that count, those with the same revisions, and where retired boxes count.
type OfBoxes =
    (Vec<(OfBox, Stored)>, (Vec<((OfBox, Revision), Stored)>, Vec<((ElectionKey, UnitNumber), ContestNumber)>));

/// Looks up boxes. Without any, nothing is sent.
async fn of_boxes(client: &Client, asked: &Asked) -> Result<OfBoxes, Failure> {
    if asked.boxes.is_empty() && asked.retired.is_empty() {
        return Ok(OfBoxes::default());
    }
    let reading = in_order(reports::with_revisions(client, &asked.revisions), reports::counted(client, &asked.retired));
    in_order(reports::current(client, &asked.boxes), reading).await
}

fn locked(
    heads: HashMap<ElectionKey, (Head, ElectionState)>,
    definitions: &Definitions,
) -> Result<HashMap<ElectionKey, Locked>, LedgerError> {
    let with_definition = |(key, (head, state))| match definitions.get(&key) {
        Some(election) => Ok((key, Locked { head, state, election: Arc::clone(election) })),
        None => Err(LedgerError::Damaged {
            table: "head",
            key: key.0.to_string(),
            what: "its election has no row".to_owned(),
        }),
    };
    heads.into_iter().map(with_definition).collect()
}

/// Writes what was decided and commits it, in one flight.
pub(super) async fn store(
    lease: Lease,
    pace: Pace,
    decided: Decided,
    definitions: &Definitions,
) -> Result<Decided, Stopped> {
    let client = lease.client();
    let adding = sql::add_rounds(client, &decided.rounds, definitions);
    let storing = in_order(sql::append(client, &decided), sql::run(client, sql::COMMIT));
    let failure = match pace.within(in_order(adding, storing)).await {
        Ok(_) => {
            lease.give_back();
            return Ok(decided);
        }
        Err(failure) => failure,
    };
    lease.end_after(&failure).await;
    if !failure.is_certain() {
        return Err(Stopped::Unknown(Box::new(decided), failure));
    }
    Err(Stopped::Nothing(match failure.taken() {
        Some(constraint) => alarm(constraint),
        None => failure,
    }))
}

/// Under the lock of its head, nothing can be there that the decision did not know of. Where it is, the lock or the
/// head is not what it should be, and no vote may pass before a person has looked.
fn alarm(constraint: &str) -> Failure {
    tracing::error!(constraint, "a row that was to be written is in the ledger already; nothing was stored");
    metrics::counter!("hustings_ledger_alarms_total").increment(1);
    let table =
        ["entry", "submission", "ballot", "report", "unit"].into_iter().find(|table| constraint.starts_with(table));
    let what = "it was there before it was written, so a head does not say where its ledger stands".to_owned();
    LedgerError::Damaged { table: table.unwrap_or("head"), key: format!("({constraint})"), what }.into()
}

/// Whether a batch whose answer was lost is in the ledger, for certain.
async fn is_stored(pool: &Pool, decided: &Decided) -> Result<bool, LedgerError> {
    let mut patience = Patience::new();
    loop {
        match look(pool, decided).await {
            Ok(is_stored) => return Ok(is_stored),
            Err(failure) => patience.after(failure).await.map_err(|failure| {
                tracing::error!(?failure, "nobody knows whether a batch was stored");
                LedgerError::InDoubt
            })?,
        }
    }
}

async fn look(pool: &Pool, decided: &Decided) -> Result<bool, Failure> {
    let mut keys: Vec<i32> = decided.entries.iter().map(|(key, _)| election_number(*key)).collect();
    keys.extend(decided.aliases.iter().map(|(key, ..)| election_number(*key)));
    keys.sort_unstable();
    keys.dedup();
    let lease = pool.lease().await?;
    let client = lease.client();
    let looking = in_order(sql::lock(client, &keys), sql::count_stored(client, decided));
    match within(in_order(sql::run(client, sql::BEGIN), looking)).await {
        Ok((_, (_, stored))) => {
            lease.roll_back().await;
            Ok(stored == sql::rows_of(decided))
        }
        Err(failure) => {
            lease.end_after(&failure).await;
            Err(failure)
        }
    }
}

/// Whether a tree of units is needed to decide it.
fn needs_tree(submission: &Submission) -> bool {
    match submission {
        Submission::Ballot(_) => false,
        Submission::Report(_) => true,
        Submission::Act(act) => {
            matches!(
                act.kind,
                ActKind::AddContest(_) | ActKind::AddContests(_) | ActKind::AddUnits(_) | ActKind::RetireUnit(_)
            )
        }
    }
}

/// What a batch asks for before it is decided.
#[derive(Default)]
struct Asked {
    elections: Vec<i32>,
    ids: Vec<(ElectionKey, SubmissionId)>,
    voters: Vec<VoterIn>,
    boxes: Vec<OfBox>,
    revisions: Vec<(OfBox, Revision)>,
    /// Boxes that are to be retired.
    retired: Vec<(ElectionKey, UnitNumber)>,
    /// Elections whose trees are needed.
    treed: Vec<ElectionKey>,
}

impl Asked {
    fn by(batch: &[Addressed]) -> Self {
        let mut asked = Self::default();
        for Addressed { election, submission } in batch {
            asked.elections.push(election_number(*election));
            asked.treed.extend(needs_tree(submission).then_some(*election));
            match submission {
                Submission::Ballot(ballot) => {
                    asked.ids.extend(ballot.id.map(|id| (*election, id)));
                    asked.voters.push((*election, ballot.contest, ballot.voter));
                }
                Submission::Report(report) => {
                    let of = (*election, BoxIn { ballot_box: report.ballot_box, contest: report.contest });
                    asked.ids.extend(report.id.map(|id| (*election, id)));
                    asked.boxes.push(of);
                    asked.revisions.extend(report.revision.map(|revision| (of, revision)));
                }
                Submission::Act(act) => {
                    if let ActKind::RetireUnit(unit) = act.kind {
                        asked.retired.push((*election, unit));
                    }
                }
            }
        }
        // In key order, so that neighbours share pages; and each once.
        once_each(&mut asked.elections);
        once_each(&mut asked.ids);
        once_each(&mut asked.voters);
        once_each(&mut asked.boxes);
        once_each(&mut asked.revisions);
        once_each(&mut asked.retired);
        once_each(&mut asked.treed);
        asked
    }
}

fn once_each<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

/// Nothing looked up, which is enough for the first acts on a new election.
pub(super) fn nothing_known() -> impl Lookup {
    Known::default()
}

/// What was looked up. What was never asked for is an error here, and not an absence.
#[derive(Default)]
struct Known {
    ids: HashMap<(ElectionKey, SubmissionId), Option<Stored>>,
    voters: HashMap<VoterIn, Option<Stored>>,
    boxes: HashMap<OfBox, Option<Stored>>,
    revisions: HashMap<(OfBox, Revision), Option<Stored>>,
    retired: HashMap<(ElectionKey, UnitNumber), Vec<ContestNumber>>,
    trees: HashMap<ElectionKey, Arc<Units>>,
}

impl Known {
    fn of(asked: &Asked, by_id: Vec<((ElectionKey, SubmissionId), Stored)>, by_voter: Vec<(VoterIn, Stored)>) -> Self {
        let mut ids: HashMap<_, _> = asked.ids.iter().map(|id| (*id, None)).collect();
        ids.extend(by_id.into_iter().map(|(id, stored)| (id, Some(stored))));
        let mut known = Self { ids, ..Self::default() };
        known.learn(&asked.voters, by_voter);
        known
    }

    fn learn(&mut self, asked: &[VoterIn], found: Vec<(VoterIn, Stored)>) {
        self.voters.extend(asked.iter().map(|voter| (*voter, None)));
        self.voters.extend(found.into_iter().map(|(voter, stored)| (voter, Some(stored))));
    }

    fn learn_boxes(&mut self, asked: &Asked, (current, (same, counted)): OfBoxes) {
        self.learn_current(&asked.boxes, current);
        self.revisions.extend(asked.revisions.iter().map(|of| (*of, None)));
        self.revisions.extend(same.into_iter().map(|(of, stored)| (of, Some(stored))));
        self.retired.extend(asked.retired.iter().map(|unit| (*unit, Vec::new())));
        for (unit, contest) in counted {
            self.retired.entry(unit).or_default().push(contest);
        }
    }

    fn learn_current(&mut self, asked: &[OfBox], found: Vec<(OfBox, Stored)>) {
        self.boxes.extend(asked.iter().map(|of| (*of, None)));
        self.boxes.extend(found.into_iter().map(|(of, stored)| (of, Some(stored))));
    }

    /// Voters whose ballots have one of the ids, and who are not asked for: an id that was used in another contest, or
    /// by somebody else.
    fn voters_of_ids(&self) -> Vec<VoterIn> {
        let voters = self.ids.iter().filter_map(|((key, _), stored)| match &stored.as_ref()?.entry.event {
            Event::BallotCast(ballot) => Some((*key, ballot.contest, ballot.voter)),
            _ => None,
        });
        let unknown: HashSet<_> = voters.filter(|voter| !self.voters.contains_key(voter)).collect();
        unknown.into_iter().collect()
    }

    /// Boxes whose reports have one of the ids, and that are not asked for.
    fn boxes_of_ids(&self) -> Vec<OfBox> {
        let boxes = self.ids.iter().filter_map(|((key, _), stored)| match &stored.as_ref()?.entry.event {
            Event::ReportFiled(filed) => Some((*key, BoxIn { ballot_box: filed.ballot_box, contest: filed.contest })),
            _ => None,
        });
        let unknown: HashSet<_> = boxes.filter(|of| !self.boxes.contains_key(of)).collect();
        unknown.into_iter().collect()
    }
}

impl Lookup for Known {
    fn by_id(&mut self, election: ElectionKey, id: SubmissionId) -> Result<Option<Stored>, LedgerError> {
        self.ids.get(&(election, id)).cloned().ok_or_else(not_asked)
    }

    fn by_voter(
        &mut self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        self.voters.get(&(election, contest, voter)).cloned().ok_or_else(not_asked)
    }

    fn units(&mut self, election: ElectionKey, _: Head, mark: UnitsMark) -> Result<Arc<Units>, LedgerError> {
        match self.trees.get(&election) {
            Some(tree) => Ok(Arc::clone(tree)),
            // A new election has only the root.
            None if mark == UnitsMark::default() => Ok(Arc::default()),
            None => Err(not_asked()),
        }
    }

    fn reports(
        &mut self,
        election: ElectionKey,
        of: BoxIn,
        revision: Option<Revision>,
    ) -> Result<KnownOfBox, LedgerError> {
        let current = self.boxes.get(&(election, of)).cloned().ok_or_else(not_asked)?;
        let same = |revision| self.revisions.get(&((election, of), revision)).cloned().ok_or_else(not_asked);
        Ok(KnownOfBox { same_revision: revision.map(same).transpose()?.flatten(), current })
    }

    fn counted(&mut self, election: ElectionKey, ballot_box: UnitNumber) -> Result<Vec<ContestNumber>, LedgerError> {
        self.retired.get(&(election, ballot_box)).cloned().ok_or_else(not_asked)
    }
}

fn not_asked() -> LedgerError {
    LedgerError::Unavailable("a submission was decided on without having been looked up".to_owned())
}
