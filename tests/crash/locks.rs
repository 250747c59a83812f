//! What a server is doing to its database right now, seen from outside: the locks it holds on SQLite's shared memory.
//!
//! SQLite marks what it does in the write-ahead log by locking single bytes of `hustings.db-shm`: 120 while a
//! transaction writes, 121 while a checkpoint copies, 122 while the log is recovered (sqlite.org/walformat.html).
//! Linux lists them in `/proc/locks`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The locks that one process holds on one database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Locks {
    /// A transaction is writing: a batch has begun and is not committed, or its sync is under way.
    pub(crate) writing: bool,
    /// The log is being copied into the database.
    pub(crate) checkpointing: bool,
    /// The log is being read after a crash.
    pub(crate) recovering: bool,
}

impl Locks {
    /// What this process holds now on the database in this folder.
    pub(crate) fn held_by(process: i32, data: &Path) -> Self {
        let Ok(shared) = std::fs::metadata(data.join("hustings.db-shm")) else { return Self::default() };
        let table = std::fs::read_to_string("/proc/locks").expect("/proc/locks lists the locks of this machine");
        Self::parse(&table, process, shared.ino())
    }

    /// Whether anything is held at all.
    pub(crate) fn any(self) -> bool {
        self.writing || self.checkpointing || self.recovering
    }

    fn parse(table: &str, process: i32, inode: u64) -> Self {
        let (process, inode) = (process.to_string(), format!(":{inode}"));
        let held: Vec<(u64, u64)> = table.lines().filter_map(|line| exclusive(line, &process, &inode)).collect();
        let holds = |byte| held.iter().any(|(first, last)| (first..=last).contains(&&byte));
        Self { writing: holds(120), checkpointing: holds(121), recovering: holds(122) }
    }
}

/// The bytes that a line of `/proc/locks` locks for writing: `1: POSIX  ADVISORY  WRITE 77 fe:00:4711 120 120`.
fn exclusive(line: &str, process: &str, inode: &str) -> Option<(u64, u64)> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    match fields.as_slice() {
        [_, "POSIX", _, "WRITE", holder, file, first, last] if *holder == process && file.ends_with(inode) => {
            Some((first.parse().ok()?, last.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

#[test]
fn only_exclusive_locks_of_this_process_on_this_file_count() {
    let table = "1: POSIX  ADVISORY  WRITE 77 fe:00:4711 120 120\n\
                 2: POSIX  ADVISORY  READ 77 fe:00:4711 121 121\n\
                 2: -> POSIX  ADVISORY  WRITE 77 fe:00:4711 121 121\n\
                 3: POSIX  ADVISORY  WRITE 78 fe:00:4711 121 121\n\
                 4: POSIX  ADVISORY  WRITE 77 fe:00:14711 122 EOF\n\
                 5: FLOCK  ADVISORY  WRITE 77 fe:00:4711 0 EOF\n";
    let writing = Locks { writing: true, ..Locks::default() };
    assert_eq!(Locks::parse(table, 77, 4711), writing);
    assert_eq!(Locks::parse(table, 77, 1), Locks::default());
    let opening = "1: POSIX  ADVISORY  WRITE 77 fe:00:4711 120 122\n";
    assert_eq!(Locks::parse(opening, 77, 4711), Locks { writing: true, checkpointing: true, recovering: true });
}
