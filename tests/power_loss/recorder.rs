//! The log that the recording file system and the test write together.
//!
//! Invariant: the log's order is the order in which things happened, and it is the same for the same seed: a step begins
//! when its transaction does, and the checkpoint after it waits until its acknowledgement was noted, which is also the
//! hardest order for the ledger.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::{Dice, Disk, Fate, FileId, Happened, Image, StepNumber};

#[derive(Default)]
pub(crate) struct Recorder {
    state: Mutex<State>,
    heard: Condvar,
}

#[derive(Default)]
struct State {
    log: Vec<Happened>,
    names: BTreeMap<String, FileId>,
    files: u32,
    turn: Turn,
}

/// Whose turn it is: the test's, or the ledger's with a step.
#[derive(Default)]
enum Turn {
    #[default]
    Heard,
    Sent(StepNumber),
    Begun,
}

impl Recorder {
    pub(crate) fn note(&self, happened: Happened) {
        self.state().log.push(happened);
    }

    /// The file that is open under this name now, noted where it is new.
    pub(crate) fn opened(&self, name: &str) -> FileId {
        let mut state = self.state();
        if let Some(file) = state.names.get(name) {
            return *file;
        }
        state.files += 1;
        let file = FileId(state.files);
        state.names.insert(name.to_owned(), file);
        state.log.push(Happened::Created { name: name.to_owned(), file });
        file
    }

    pub(crate) fn deleted(&self, name: &str) {
        let mut state = self.state();
        if state.names.remove(name).is_some() {
            state.log.push(Happened::Deleted { name: name.to_owned() });
        }
    }

    /// A step is on its way; the checkpoint after it begins when the answer was heard.
    pub(crate) fn sent(&self, step: StepNumber) -> Unheard<'_> {
        self.state().turn = Turn::Sent(step);
        Unheard(self)
    }

    /// A transaction begins to write: from here on the step may be on the disk.
    pub(crate) fn transaction_begins(&self) {
        let mut state = self.state();
        if let Turn::Sent(step) = state.turn {
            state.log.push(Happened::Begun(step));
            state.turn = Turn::Begun;
        }
    }

    pub(crate) fn checkpoint_begins(&self) {
        let mut state = self.state();
        while matches!(state.turn, Turn::Begun) {
            state = self.heard.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn log(&self) -> Vec<Happened> {
        self.state().log.clone()
    }

    /// Forgets everything from a place in the log on, as if the process had been killed there, and gives the files as
    /// the next process finds them: with all that was written, synced or not.
    pub(crate) fn kill_at(&self, place: usize) -> Image {
        let mut state = self.state();
        state.log.truncate(place);
        let disk = Disk::after(&state.log);
        state.names = disk.names();
        disk.lose_power(Fate::Everything, &mut Dice::new(0))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed elsewhere is no reason to fail here too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is on its way.
pub(crate) struct Unheard<'a>(&'a Recorder);

impl Unheard<'_> {
    /// The answer was heard: from here on its entries must never be lost.
    pub(crate) fn acknowledged(self, step: StepNumber) {
        self.0.note(Happened::Acknowledged(step));
    }

    /// The place in the log just before the syncs that ended the step: what a process that was killed there had done.
    pub(crate) fn before_last_sync(&self) -> usize {
        let is_sync = |happened: &Happened| matches!(happened, Happened::Synced { .. } | Happened::FolderSynced);
        let state = self.0.state();
        state.log.iter().rposition(|happened| !is_sync(happened)).map_or(0, |place| place + 1)
    }
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        self.0.state().turn = Turn::Heard;
        self.0.heard.notify_all();
    }
}
