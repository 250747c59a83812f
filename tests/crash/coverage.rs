//! What the kills of a campaign hit: a campaign that never hit the interesting instants has proved nothing.

use std::fmt;

use hustings::load::{AttemptKind, Outcome, Report};

use crate::locks::Locks;

/// Kills by what the server was doing, and votes by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// SIGKILLs under load.
    pub(crate) kills: u32,
    /// While a batch was being written or synced.
    pub(crate) mid_batch: u32,
    /// While the log was being copied into the database.
    pub(crate) mid_checkpoint: u32,
    /// Further ones before it listened: while the log was recovered and copied.
    pub(crate) mid_recovery: u32,
    /// Lives in which the log was copied into the database while votes came in.
    pub(crate) checkpointed: u32,
    /// Kills after which the ledger held votes that had got no answer: between commit and reply.
    pub(crate) before_reply: u32,
    /// Kills after which votes that had got no answer were not in the ledger.
    pub(crate) before_commit: u32,
    /// Votes of the first sort.
    committed_unanswered: u64,
    /// Votes of the second sort.
    unanswered_lost: u64,
    /// Requests answered with an earlier receipt, after restarts too.
    repeated: u64,
    /// Second votes refused.
    refused: u64,
}

impl Coverage {
    /// Notes a kill, what the frozen server held at that instant, and whether this life had a checkpoint.
    pub(crate) fn killed(&mut self, locks: Locks, checkpointed: bool) {
        self.kills += 1;
        self.checkpointed += u32::from(checkpointed);
        self.mid_batch += u32::from(locks.writing);
        self.mid_checkpoint += u32::from(locks.checkpointing);
    }

    /// Notes what one kill left behind, over all its polls.
    pub(crate) fn found(&mut self, polls: &[(&Outcome, &Report)]) {
        let (mut committed, mut missing) = (0, 0);
        for (outcome, report) in polls {
            let doubtful =
                outcome.in_doubt().iter().filter(|attempt| attempt.kind == AttemptKind::First).count() as u64;
            committed += report.in_doubt_counted.ballots;
            missing += doubtful.saturating_sub(report.in_doubt_counted.ballots);
            self.repeated += outcome.counts.repeated;
            self.refused += outcome.counts.already_voted;
        }
        self.before_reply += u32::from(committed > 0);
        self.before_commit += u32::from(missing > 0);
        self.committed_unanswered += committed;
        self.unanswered_lost += missing;
    }

    /// The instants that were never hit, by name. A run of fewer than ten kills is only a look before a commit.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        if (1..10).contains(&self.kills) {
            return Vec::new();
        }
        let hits = [
            ("between commit and reply", self.before_reply),
            ("with unanswered votes that were not stored", self.before_commit),
            ("in the middle of a batch", self.mid_batch),
            ("after a checkpoint under load", self.checkpointed),
        ];
        hits.into_iter().filter_map(|(name, hits)| (hits == 0).then_some(name)).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, mid_batch, mid_checkpoint, mid_recovery, checkpointed, .. } = self;
        let Self { before_reply, before_commit, committed_unanswered, unanswered_lost, repeated, refused, .. } = self;
        writeln!(
            f,
            "{kills} kills under load: {mid_batch} in the middle of a batch, {mid_checkpoint} of a checkpoint;"
        )?;
        writeln!(f, "  {mid_recovery} more in a recovery; {checkpointed} lives had a checkpoint under load")?;
        writeln!(f, "  {before_reply} between commit and reply ({committed_unanswered} votes stored, unanswered)")?;
        writeln!(f, "  {before_commit} with unanswered votes not stored ({unanswered_lost} votes)")?;
        write!(f, "  {repeated} repeats got their first receipt, {refused} second votes were refused")
    }
}
