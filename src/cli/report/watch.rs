//! A folder whose files are sent as they appear.
//!
//! Invariant: a file is taken once it has stood still for a while, longer where it seems to be cut off. It leaves the folder
//! only when all of it is answered.
//! It must not know: what is in the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::time::{Instant, sleep};

use super::send::{Sender, Sent};
use super::spool::{After, Spool};
use crate::cli::output::note;

/// How often the folder is looked into.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a file must not have changed: a slow line may hold up who writes it. Half a number at the end of a file is
/// another number, so one whose last line does not end is waited for longer.
const STEADY: Duration = Duration::from_secs(2);
const STEADY_CUT: Duration = Duration::from_secs(10);
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
    json: bool,
) -> anyhow::Result<()> {
    let after = After::MoveTo(folder.join(DONE));
    note(&format!("watching {}; Ctrl-C ends it", folder.display()));
    let mut before: BTreeMap<PathBuf, (Seen, Instant)> = BTreeMap::new();
    let mut refused: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    loop {
        let found = look(folder).with_context(|| format!("cannot look into {}", folder.display()))?;
        let now = Instant::now();
        let since =
            |path: &PathBuf, seen: &Seen| before.get(path).filter(|(was, _)| was == seen).map(|(_, since)| *since);
        let found = found.into_iter().map(|(path, seen)| (since(&path, &seen).unwrap_or(now), path, seen));
        let found: BTreeMap<PathBuf, (Seen, Instant)> =
            found.map(|(since, path, seen)| (path, (seen, since))).collect();
        for (path, (seen, since)) in &found {
            if refused.get(path) == Some(seen) || !is_whole(path, now.duration_since(*since)) {
                continue;
            }
            let mut sent = Sent::default();
            match spool.take(path, election, &after) {
                Ok(Some(job)) => {
                    super::work_off(sender, job, &mut sent).await?;
                    sent.note_refusals();
                    sent.print_file(path, json)?;
                }
                Ok(None) => {}
                // Such a file stays where it is, and is looked at again once it has changed.
                Err(error) => {
                    note(&format!("{error:#}"));
                    refused.insert(path.clone(), *seen);
                }
            }
        }
        before = found;
        sleep(LOOK_EVERY).await;
    }
}

/// Whether a file that has not changed for so long is one that nobody writes to any more.
fn is_whole(path: &Path, steady: Duration) -> bool {
    steady >= STEADY_CUT || (steady >= STEADY && ends_its_line(path).unwrap_or(false))
}

fn ends_its_line(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(b"\r\n".contains(&last[0]))
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
    fn a_file_is_whole_when_it_stands_still_and_later_where_it_seems_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        for (text, soon, later) in [
            ("box,cast\nb1,12\n", true, true),
            ("box,cast\rb1,12\r", true, true),
            ("box,cast\nb1,12", false, true),
            ("", false, true),
        ] {
            fs::write(&path, text).unwrap();
            assert!(!is_whole(&path, STEADY - Duration::from_millis(1)), "{text}");
            assert_eq!((is_whole(&path, STEADY), is_whole(&path, STEADY_CUT)), (soon, later), "{text}");
        }
    }

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
