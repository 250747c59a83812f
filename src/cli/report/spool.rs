//! The spool: what is to be sent, on disk before anything of it is sent, until every line has its answer.
//!
//! Invariant: after a power cut at any instant the spool holds a file wholly or not at all, and every line of it is
//! either still to be sent or has its receipt on disk.
//! It must not know: servers, what answers mean.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::split::{self, Line};
use crate::cli::election::encoded;
use crate::export::hex;

/// A folder that this process holds alone.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// Files that were taken up by this process, by their election and their content.
    taken: BTreeSet<(String, String)>,
    _lock: File,
}

/// One file in the spool.
#[derive(Debug)]
pub(super) struct Job {
    folder: PathBuf,
    pub(super) about: About,
}

/// What is known of a file in the spool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct About {
    /// The file.
    pub(super) source: PathBuf,
    /// Where it is moved when it is done; none for one that stays.
    moved_to: Option<PathBuf>,
    /// Where its receipts go.
    pub(super) receipts: PathBuf,
    /// The election that it is for.
    pub(super) election: String,
    /// The header of a table.
    pub(super) header: Option<String>,
    /// Whether it is one JSON document, whose reports have no lines of their own.
    #[serde(default)]
    pub(super) is_list: bool,
    /// How many lines there are.
    pub(super) lines: u64,
    /// How many requests.
    pub(super) parts: u32,
    /// The name of its content.
    digest: String,
}

/// Where a file and its receipts go.
#[derive(Debug, Clone)]
pub(super) enum After {
    /// The file stays, and its receipts stand beside it.
    Stay,
    /// Both go into this folder.
    MoveTo(PathBuf),
}

const ABOUT: &str = "about.json";
/// How the name of a file of receipts ends.
const RECEIPTS: &str = ".receipts.ndjson";
/// Folders that are not yet, or no more, in the spool.
const UNFINISHED: &str = "new";
const FINISHED: &str = "old";

impl Spool {
    /// Takes the folder, which is made where needed, and forgets what was never wholly in it.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let shown = folder.display();
        let unusable = || format!("cannot use the spool {shown}: check that you may write there, or give --spool");
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(unusable)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"));
        let lock = lock.with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("{shown} is in use by another `hustings report send`: stop that one, or give another --spool")
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        for path in folders(folder)? {
            if path.extension().is_some_and(|extension| extension == UNFINISHED || extension == FINISHED) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(Self { folder: folder.to_owned(), taken: BTreeSet::new(), _lock: lock })
    }

    /// What is in the spool, in the order in which it came.
    pub(super) fn jobs(&mut self) -> anyhow::Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for folder in folders(&self.folder)? {
            let text = fs::read(folder.join(ABOUT)).with_context(|| format!("{} has no {ABOUT}", folder.display()))?;
            let about: About = serde_json::from_slice(&text).with_context(|| format!("{}", folder.display()))?;
            self.taken.insert((about.election.clone(), about.digest.clone()));
            jobs.push(Job { folder, about });
        }
        Ok(jobs)
    }

    /// Takes a file into the spool, all of it or nothing; none where it stays and this process has had it already.
    pub(super) fn take(&mut self, source: &Path, election: &str, after: &After) -> anyhow::Result<Option<Job>> {
        let digest = split::digest(source)?;
        let name = hex(&digest);
        let taken = (election.to_owned(), name.clone());
        if matches!(after, After::Stay) && self.taken.contains(&taken) {
            return Ok(None);
        }
        let number = folders(&self.folder)?.last().map_or(0, |last| number(last)) + 1;
        let folder = self.folder.join(format!("{number:08}"));
        let unfinished = folder.with_extension(UNFINISHED);
        fs::create_dir(&unfinished)?;
        let filled = fill(&unfinished, source, &digest);
        if filled.is_err() {
            fs::remove_dir_all(&unfinished)?;
        }
        let (lines, parts) = filled?;
        let source = source.canonicalize()?;
        let (moved_to, receipts) = places(&source, after, &name, election)?;
        let (header, is_list) = (split::header(&source)?, split::is_list(&source)?);
        let election = election.to_owned();
        let about = About { source, moved_to, receipts, election, header, is_list, lines, parts, digest: name };
        write_durably(&unfinished.join(ABOUT), &serde_json::to_vec(&about)?)?;
        rename_durably(&unfinished, &folder)?;
        self.taken.insert(taken);
        Ok(Some(Job { folder, about }))
    }
}

impl Job {
    /// The lines of a part, counted from 1; none where all of them have their receipts.
    pub(super) fn part(&self, number: u32) -> anyhow::Result<Option<Vec<Line>>> {
        let path = part(&self.folder, number);
        if answers(&self.folder, number).exists() {
            // The receipts are on disk, so the part is done; a crash may have left it behind.
            remove(&path)?;
            return Ok(None);
        }
        let file = BufReader::new(File::open(&path).with_context(|| format!("cannot open {}", path.display()))?);
        let line = |line: std::io::Result<String>| -> anyhow::Result<Line> { Ok(serde_json::from_str(&line?)?) };
        file.lines().map(line).collect::<anyhow::Result<_>>().map(Some).with_context(|| format!("{}", path.display()))
    }

    /// Keeps the receipts of a part, and then forgets its lines.
    pub(super) fn answered(&self, number: u32, receipts: &[Value]) -> anyhow::Result<()> {
        let lines = receipts.iter().map(serde_json::to_string);
        write_lines(&answers(&self.folder, number), lines)?;
        remove(&part(&self.folder, number))
    }

    /// Writes all receipts in the order of the lines, moves the file where it goes, and takes it out of the spool. Safe
    /// to run again after a crash.
    pub(super) fn finish(self, mut each: impl FnMut(&Value)) -> anyhow::Result<()> {
        let About { parts, source, moved_to, digest, .. } = &self.about;
        self.write_receipts(1..=*parts, &mut each)?;
        if let Some(moved_to) = moved_to
            && source.exists()
            && hex(&split::digest(source)?) == *digest
        {
            rename_durably(source, moved_to)?;
        }
        self.leave()
    }

    /// Takes the file out of the spool although lines of it have no answer; how many. Receipts that there are stay, and
    /// so does the file.
    pub(super) fn forget(self) -> anyhow::Result<u64> {
        let numbers = 1..=self.about.parts;
        let answered: Vec<u32> = numbers.filter(|number| answers(&self.folder, *number).exists()).collect();
        let mut receipts = 0;
        if !answered.is_empty() {
            self.write_receipts(answered, &mut |_| receipts += 1)?;
        }
        let lines = self.about.lines;
        self.leave()?;
        Ok(lines.saturating_sub(receipts))
    }

    fn write_receipts(
        &self,
        parts: impl IntoIterator<Item = u32>,
        each: &mut impl FnMut(&Value),
    ) -> anyhow::Result<()> {
        replace(&self.about.receipts, |file| {
            let mut file = BufWriter::new(file);
            for number in parts {
                let path = answers(&self.folder, number);
                let found = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
                for line in BufReader::new(found).lines() {
                    let line = line?;
                    each(&serde_json::from_str(&line)?);
                    writeln!(file, "{line}")?;
                }
            }
            Ok(file.flush()?)
        })
    }

    fn leave(self) -> anyhow::Result<()> {
        let finished = self.folder.with_extension(FINISHED);
        rename_durably(&self.folder, &finished)?;
        Ok(fs::remove_dir_all(finished)?)
    }
}

/// Writes a file's lines into a folder; how many lines and parts there are.
fn fill(folder: &Path, source: &Path, digest: &[u8; 32]) -> anyhow::Result<(u64, u32)> {
    let mut parts = 0;
    let lines = split::split(source, digest, |lines| {
        parts += 1;
        write_lines(&part(folder, parts), lines.iter().map(serde_json::to_string))
    })?;
    // A file that somebody still writes to is another one by now.
    if split::digest(source)? != *digest {
        bail!("{} was changed while it was read; please send it again", source.display());
    }
    Ok((lines, parts))
}

/// Whether a file holds the receipts of others, as its name says.
pub(super) fn are_receipts(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().ends_with(RECEIPTS))
}

/// Where a file is moved when it is done, under a name that is free, and where its receipts go: under a name with the
/// election in it, because the same file may be sent to several, and each has its own.
fn places(source: &Path, after: &After, digest: &str, election: &str) -> anyhow::Result<(Option<PathBuf>, PathBuf)> {
    let name = source.file_name().context("a file with a name")?.to_string_lossy().into_owned();
    let beside = |path: &Path, name: &str| path.with_file_name(format!("{name}.{}{RECEIPTS}", encoded(election)));
    let After::MoveTo(folder) = after else { return Ok((None, beside(source, &name))) };
    DirBuilder::new().recursive(true).create(folder)?;
    let free = |name: &String| !folder.join(name).exists();
    let other = format!("{}-{name}", &digest[..8]);
    let name = Some(name).filter(free).unwrap_or(other);
    let moved_to = folder.canonicalize()?.join(&name);
    let receipts = beside(&moved_to, &name);
    Ok((Some(moved_to), receipts))
}

fn part(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("part-{number:08}"))
}

fn answers(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("receipts-{number:08}"))
}

/// The folders in a folder, by their names.
fn folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn number(folder: &Path) -> u64 {
    folder.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).unwrap_or(0)
}

fn write_lines(path: &Path, lines: impl Iterator<Item = serde_json::Result<String>>) -> anyhow::Result<()> {
    replace(path, |file| {
        let mut file = BufWriter::new(file);
        for line in lines {
            writeln!(file, "{}", line?)?;
        }
        Ok(file.flush()?)
    })
}

fn write_durably(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    replace(path, |file| Ok(file.write_all(bytes)?))
}

/// Puts a file in its place, synced, with what is written into it: after a crash it is whole, or as it was.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut name = path.file_name().context("a file with a name")?.to_owned();
    name.push(".tmp");
    let beside = path.with_file_name(name);
    let shown = path.display();
    let mut file = File::create(&beside).with_context(|| format!("cannot write {shown}"))?;
    write(&mut file).with_context(|| format!("cannot write {shown}"))?;
    file.sync_all().with_context(|| format!("cannot write {shown}"))?;
    rename_durably(&beside, path)
}

fn rename_durably(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
    let folder = to.parent().context("a file in a folder")?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Ok(File::open(folder)?.sync_all()?)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
