//! What an image must hold: the ledger of the story after its last acknowledged step, or after the one that was on its
//! way, and nothing in between.
//!
//! Invariant: the first thing that is wrong is named, and an image that SQLite itself finds damaged is never given to the
//! ledger, which would end the process.

use std::collections::BTreeMap;
use std::path::Path;

use hustings::ledger::{Answer, ElectionKey, Ledger, LedgerError, PAGE_MAX, Registry, SqliteLedger, Stored};
use hustings_core::{ContestNumber, Event, Fold, Measure, Seq, Tally, VoterKey};
use rusqlite::Connection;

use crate::disk::{Dice, Image};
use crate::wait_for;
use crate::workload::{Story, folder, open_plainly};

/// Submissions that are sent again to each image, besides the last acknowledged ones.
const SENT_AGAIN: usize = 20;
/// Voters of each image whose ballot the ledger is asked for.
const ASKED_FOR: usize = 20;
const ELECTIONS_MAX: usize = 100;

/// What is wrong with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The file cannot be opened, read or folded.
    Damaged(String),
    /// Something acknowledged is missing or has other bytes.
    Lost(String),
    /// Something is there that was never sent, or part of a batch.
    Invented(String),
    /// A voter's ballot, or the totals, are not what the entries say.
    Miscounted(String),
    /// A submission that was sent again has another answer, or moved the ledger.
    Forgotten(String),
}

impl From<LedgerError> for Finding {
    fn from(error: LedgerError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Checks an image of a moment at which so many steps were sent, and acknowledged.
pub(crate) fn check(
    image: &Image,
    story: &Story,
    sent: usize,
    acknowledged: usize,
    dice: &mut Dice,
) -> Result<(), Finding> {
    let unopened = folder();
    image.write_to(unopened.path()).map_err(|error| Finding::Damaged(error.to_string()))?;
    let damaged = |error: rusqlite::Error| Finding::Damaged(error.to_string());
    match integrity(&unopened.path().join("hustings.db")).map_err(damaged)? {
        verdict if verdict == "ok" => {}
        verdict => return Err(Finding::Damaged(verdict)),
    }

    let opened = folder();
    image.write_to(opened.path()).map_err(|error| Finding::Damaged(error.to_string()))?;
    let path = opened.path().join("hustings.db");
    let ledger = open_plainly(&path).map_err(|error| Finding::Damaged(error.to_string()))?;
    let found = read_all(&ledger)?;
    compare(&found, story, sent, acknowledged)?;
    counted_once(&ledger, &path, &found, dice)?;
    send_again(&ledger, story, acknowledged, dice)
}

fn integrity(path: &Path) -> rusqlite::Result<String> {
    Connection::open(path)?.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
}

type Found = BTreeMap<ElectionKey, Folded>;

/// All entries of one election, and what they say.
struct Folded {
    entries: Vec<Stored>,
    tally: Tally,
}

/// All entries of all elections; each ledger folds cleanly up to its head.
fn read_all(ledger: &SqliteLedger) -> Result<Found, Finding> {
    let mut found = Found::new();
    for registered in wait_for(ledger.elections(None, ELECTIONS_MAX))? {
        let key = registered.key;
        let heads = wait_for(ledger.heads(&[key]))?;
        let [(_, head)] = heads[..] else {
            return Err(Finding::Damaged(format!("election {} has no head", key.0)));
        };
        let entries = wait_for(ledger.read(key, Seq(0), PAGE_MAX))?;
        let mut fold = Fold::new(&registered.election);
        for stored in &entries {
            fold.apply(&stored.bytes).map_err(|error| LedgerError::damaged_ledger(key, error))?;
        }
        if (fold.seq, fold.time, fold.chain) != (head.seq, head.time, head.chain) {
            return Err(Finding::Damaged(format!(
                "election {} folds to {}, its head is {}",
                key.0, fold.seq, head.seq
            )));
        }
        found.insert(key, Folded { entries, tally: fold.tally });
    }
    Ok(found)
}

fn compare(found: &Found, story: &Story, sent: usize, acknowledged: usize) -> Result<(), Finding> {
    let lengths = |steps: usize| match steps.checked_sub(1) {
        Some(last) => story.steps[last].lengths.clone(),
        None => BTreeMap::new(),
    };
    let (certain, possible) = (lengths(acknowledged), lengths(sent));
    for (key, length) in &certain {
        let Some(Folded { entries, .. }) = found.get(key) else {
            return Err(Finding::Lost(format!("election {}", key.0)));
        };
        for (place, bytes) in story.ledgers[key][..*length].iter().enumerate() {
            if entries.get(place).map(|stored| &stored.bytes) != Some(bytes) {
                return Err(Finding::Lost(format!("entry {} of election {}", place + 1, key.0)));
            }
        }
    }
    for (key, Folded { entries, .. }) in found {
        let sent = &story.ledgers[key][..possible.get(key).copied().unwrap_or(0)];
        for (place, stored) in entries.iter().enumerate() {
            if sent.get(place) != Some(&stored.bytes) {
                return Err(Finding::Invented(format!("entry {} of election {}", place + 1, key.0)));
            }
        }
    }
    let lengths: BTreeMap<_, _> = found.iter().map(|(key, folded)| (*key, folded.entries.len())).collect();
    if lengths != certain && lengths != possible {
        return Err(Finding::Invented("part of a batch".to_owned()));
    }
    Ok(())
}

/// Each voter has one ballot at most, the last one, and the totals have counted it once.
fn counted_once(ledger: &SqliteLedger, path: &Path, found: &Found, dice: &mut Dice) -> Result<(), Finding> {
    let mut counted: BTreeMap<(ElectionKey, ContestNumber, VoterKey), &Stored> = BTreeMap::new();
    for (key, Folded { entries, tally }) in found {
        for stored in entries {
            if let Event::BallotCast(ballot) = &stored.entry.event {
                counted.insert((*key, ballot.contest, ballot.voter), stored);
            }
        }
        let voters = counted.keys().filter(|(election, ..)| election == key).count() as u64;
        let ballots = tally.total(ContestNumber(0), Measure::Ballots).get();
        if ballots != voters {
            return Err(Finding::Miscounted(format!("election {} counts {ballots} for {voters} voters", key.0)));
        }
    }
    let kept = ballots(path).map_err(|error| Finding::Damaged(error.to_string()))?;
    if kept != counted.iter().map(|(key, stored)| (*key, stored.entry.seq)).collect() {
        return Err(Finding::Miscounted("the ballots are not those of the entries".to_owned()));
    }
    let all: Vec<_> = counted.iter().collect();
    for _ in 0..ASKED_FOR.min(all.len()) {
        let ((key, contest, voter), stored) = all[dice.below(all.len())];
        if wait_for(ledger.ballot(*key, *contest, *voter))?.as_ref() != Some(stored) {
            return Err(Finding::Miscounted(format!("a ballot in election {}", key.0)));
        }
    }
    Ok(())
}

/// Everybody's ballot, read beside the ledger because nobody may list it there.
fn ballots(path: &Path) -> rusqlite::Result<BTreeMap<(ElectionKey, ContestNumber, VoterKey), Seq>> {
    let connection = Connection::open(path)?;
    let mut select = connection.prepare("SELECT election, contest, voter, seq FROM ballot")?;
    let ballot = |row: &rusqlite::Row<'_>| {
        let key = (ElectionKey(row.get(0)?), ContestNumber(row.get(1)?), VoterKey(row.get(2)?));
        Ok((key, Seq(u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0))))
    };
    select.query_map([], ballot)?.collect()
}

/// What was acknowledged and is sent again has its answer again, to the byte.
fn send_again(ledger: &SqliteLedger, story: &Story, acknowledged: usize, dice: &mut Dice) -> Result<(), Finding> {
    let Some((last, before)) = story.steps[..acknowledged].split_last() else { return Ok(()) };
    let mut again: Vec<_> = last.receipts.iter().collect();
    let earlier: Vec<_> = before.iter().flat_map(|step| &step.receipts).collect();
    if !earlier.is_empty() {
        again.extend((0..SENT_AGAIN).map(|_| earlier[dice.below(earlier.len())]));
    }
    let batch = again.iter().map(|(addressed, _)| addressed.clone()).collect();
    let committed = wait_for(ledger.append(batch))?;
    if !committed.advances.is_empty() {
        return Err(Finding::Forgotten("a repeat moved a ledger".to_owned()));
    }
    for ((_, bytes), answer) in again.iter().zip(&committed.answers) {
        match answer {
            Answer::Repeated(stored) | Answer::Superseded(stored) if stored.bytes == *bytes => {}
            other => return Err(Finding::Forgotten(format!("{other:?}"))),
        }
    }
    Ok(())
}
