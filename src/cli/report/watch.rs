//! A folder whose files are sent as they appear.
//!
//! Invariant: a file is taken once it has stood still for a look, and leaves the folder only when all of it is answered.
//! It must not know: what is in the files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::time::sleep;

use super::send::{Sender, Sent};
use super::spool::{After, Spool};
use crate::cli::output::note;

/// How often the folder is looked into.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const DONE: &str = "done";
/// How a file is named that somebody still writes.
const UNFINISHED: [&str; 2] = [".part", ".tmp"];

/// What a file looked like: its size, and when it was written to.
type Seen = (u64, Option<SystemTime>);

/// Sends what appears, for ever.
pub(super) async fn watch(
    folder: &Path,
    spool: &mut Spool,
    sender: &mut Sender<'_>,
    election: &str,
) -> anyhow::Result<()> {
    let after = After::MoveTo(folder.join(DONE));
    note(&format!("watching {}; Ctrl-C ends it", folder.display()));
    let mut before: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    let mut refused: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    loop {
        let found = look(folder).with_context(|| format!("cannot look into {}", folder.display()))?;
        let steady: Vec<_> = found.iter().filter(|(path, seen)| before.get(*path) == Some(seen)).collect();
        for (path, seen) in steady {
            if refused.get(path) == Some(seen) {
                continue;
            }
            let mut sent = Sent::default();
            match spool.take(path, election, &after) {
                Ok(Some(job)) => super::work_off(sender, job, &mut sent).await?,
                Ok(None) => {}
                // Such a file stays where it is, and is looked at again once it has changed.
                Err(error) => {
                    note(&format!("{error:#}"));
                    refused.insert(path.clone(), *seen);
                }
            }
            sent.note_refusals();
        }
        before = found;
        sleep(LOOK_EVERY).await;
    }
}

fn look(folder: &Path) -> std::io::Result<BTreeMap<PathBuf, Seen>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Who moves a file away between two looks may do so.
        let Ok(about) = entry.metadata() else { continue };
        if about.is_file() && !name.starts_with('.') && !UNFINISHED.iter().any(|end| name.ends_with(end)) {
            found.insert(entry.path(), (about.len(), about.modified().ok()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_files_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv.part", "c.tmp", ".hidden"] {
            fs::write(folder.path().join(name), "box\n").unwrap();
        }
        fs::create_dir(folder.path().join(DONE)).unwrap();
        let found = look(folder.path()).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&folder.path().join("a.csv")]);
    }
}
