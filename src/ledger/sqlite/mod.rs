//! The ledger and the registry on embedded SQLite: the default, with nothing to install.
//!
//! Invariant: one thread owns the only connection that writes, and a commit was synced before anybody hears of it. A
//! sync that fails ends the process, because nobody can know what is on the disk then.

mod archive;
mod electorate;
mod folder;
mod ledger;
mod open;
mod people;
mod readers;
mod registry;
mod reports;
mod rows;
mod sql;
mod writer;

pub use folder::{Folder, FolderError};
pub use ledger::SqliteLedger;
pub use open::{SqliteOptions, facts, migrate, raise};
