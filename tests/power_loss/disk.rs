//! What a disk may hold after a power loss: a log of what was done to it, and the images that can be left of it.
//!
//! Invariant: what was synced is in every image. Of everything later each write, and each sector of a write, survives or
//! not for itself, in any file; a name survives only if the names it stood for before did. This is what SQLite asks of a
//! disk too (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`): bytes next to a torn write stay as they were.
//! It must not know: SQLite, elections, the real file system.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The part of a write that reaches the disk whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// One file from its creation to its deletion; a later one of the same name is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(pub(crate) u32);

/// The number of a step of the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StepNumber(pub(crate) usize);

/// What happened, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    Created { name: String, file: FileId },
    Deleted { name: String },
    FolderSynced,
    Written { file: FileId, offset: usize, bytes: Vec<u8> },
    Truncated { file: FileId, size: usize },
    Synced { file: FileId },
    Begun(StepNumber),
    Acknowledged(StepNumber),
}

/// What becomes of everything that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it is lost.
    Nothing,
    /// All of it survives, as after the end of a process.
    Everything,
    /// Each write survives or not.
    Some,
    /// Each sector of each write survives or not.
    Torn,
}

/// The files after a power loss, by name, and what it cost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Writes and truncations of which nothing survived.
    pub(crate) dropped: usize,
    /// Sectors that were lost from a write of which others survived.
    pub(crate) torn: usize,
}

impl Image {
    pub(crate) fn write_to(&self, folder: &Path) -> std::io::Result<()> {
        self.files.iter().try_for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes))
    }
}

/// A disk that remembers which part of its contents is certain.
#[derive(Default)]
pub(crate) struct Disk {
    files: BTreeMap<FileId, File>,
    names: BTreeMap<String, FileId>,
    names_pending: Vec<(String, Option<FileId>)>,
}

#[derive(Default)]
struct File {
    certain: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

impl Disk {
    pub(crate) fn after<'a>(log: impl IntoIterator<Item = &'a Happened>) -> Self {
        let mut disk = Self::default();
        log.into_iter().for_each(|happened| disk.happen(happened));
        disk
    }

    pub(crate) fn happen(&mut self, happened: &Happened) {
        match happened {
            Happened::Created { name, file } => self.names_pending.push((name.clone(), Some(*file))),
            Happened::Deleted { name } => self.names_pending.push((name.clone(), None)),
            Happened::FolderSynced => {
                for (name, file) in std::mem::take(&mut self.names_pending) {
                    rename(&mut self.names, name, file);
                }
            }
            Happened::Written { file, offset, bytes } => {
                self.file(*file).pending.push(Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            Happened::Truncated { file, size } => self.file(*file).pending.push(Change::Truncate { size: *size }),
            Happened::Synced { file } => self.file(*file).sync(),
            Happened::Begun(_) | Happened::Acknowledged(_) => {}
        }
    }

    /// The names as a running program sees them.
    pub(crate) fn names(&self) -> BTreeMap<String, FileId> {
        let mut names = self.names.clone();
        self.names_pending.iter().for_each(|(name, file)| rename(&mut names, name.clone(), *file));
        names
    }

    /// Whether a power loss now could cost anything.
    pub(crate) fn is_certain(&self) -> bool {
        self.names_pending.is_empty() && self.files.values().all(|file| file.pending.is_empty())
    }

    /// One image that a power loss now could leave.
    pub(crate) fn lose_power(&self, fate: Fate, dice: &mut Dice) -> Image {
        let mut image = Image::default();
        // Some disks lose almost everything, some almost nothing.
        let keep_percent = [10, 50, 90][dice.below(3)];
        let mut survives = |dice: &mut Dice| match fate {
            Fate::Nothing => false,
            Fate::Everything => true,
            Fate::Some | Fate::Torn => dice.percent(keep_percent),
        };
        let (mut names, mut stuck) = (self.names.clone(), BTreeSet::new());
        for (name, file) in &self.names_pending {
            if !stuck.contains(name) && survives(dice) {
                rename(&mut names, name.clone(), *file);
            } else {
                stuck.insert(name);
            }
        }
        for (name, id) in names {
            let bytes = match self.files.get(&id) {
                Some(file) => file.lose_power(fate, dice, &mut survives, &mut image),
                None => Vec::new(),
            };
            image.files.insert(name, bytes);
        }
        image
    }

    fn file(&mut self, id: FileId) -> &mut File {
        self.files.entry(id).or_default()
    }
}

impl File {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Write { offset, bytes } => write(&mut self.certain, offset, &bytes),
                Change::Truncate { size } => self.certain.truncate(size),
            }
        }
    }

    fn lose_power(
        &self,
        fate: Fate,
        dice: &mut Dice,
        survives: &mut impl FnMut(&mut Dice) -> bool,
        image: &mut Image,
    ) -> Vec<u8> {
        let mut left = self.certain.clone();
        // A file system may store the new size of a file and lose the bytes; they are zeros then.
        let size_survives = fate != Fate::Nothing && dice.percent(50);
        for change in &self.pending {
            let (sectors, survived) = match change {
                Change::Truncate { size } => {
                    let survives = survives(dice);
                    if survives {
                        left.truncate(*size);
                    }
                    (1, usize::from(survives))
                }
                Change::Write { offset, bytes } => {
                    let parts = if fate == Fate::Torn { sectors(*offset, bytes) } else { vec![(*offset, &**bytes)] };
                    let mut survived = 0;
                    for (offset, part) in &parts {
                        if survives(dice) {
                            write(&mut left, *offset, part);
                            survived += 1;
                        } else if size_survives {
                            grow(&mut left, offset + part.len());
                        }
                    }
                    (parts.len(), survived)
                }
            };
            image.dropped += usize::from(survived == 0);
            image.torn += if survived == 0 { 0 } else { sectors - survived };
        }
        left
    }
}

fn rename(names: &mut BTreeMap<String, FileId>, name: String, file: Option<FileId>) {
    match file {
        Some(file) => names.insert(name, file),
        None => names.remove(&name),
    };
}

fn grow(contents: &mut Vec<u8>, size: usize) {
    contents.resize(contents.len().max(size), 0);
}

fn write(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    grow(contents, offset + bytes.len());
    contents[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// The parts of a write, cut where the disk's sectors end.
fn sectors(offset: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let (mut at, mut rest, mut parts) = (offset, bytes, Vec::new());
    while !rest.is_empty() {
        let (part, further) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
        parts.push((at, part));
        at += part.len();
        rest = further;
    }
    parts
}

/// Chance from a seed: SplitMix64 (Steele, Lea, Flood 2014), the same on every machine and for ever.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to one less than this.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileId = FileId(1);

    fn created(name: &str, file: FileId) -> Happened {
        Happened::Created { name: name.to_owned(), file }
    }

    fn written(offset: usize, bytes: &[u8]) -> Happened {
        Happened::Written { file: FILE, offset, bytes: bytes.to_vec() }
    }

    /// What `a` holds in all images that a disk can leave, over many throws of the dice.
    fn images(fate: Fate, log: &[Happened]) -> BTreeSet<Option<Vec<u8>>> {
        let disk = Disk::after(log);
        (0..200).map(|seed| disk.lose_power(fate, &mut Dice::new(seed)).files.remove("a")).collect()
    }

    const FATES: [Fate; 4] = [Fate::Nothing, Fate::Everything, Fate::Some, Fate::Torn];

    #[test]
    fn what_was_synced_is_certain() {
        let log = [
            created("a", FILE),
            written(0, &[1; 1000]),
            Happened::Truncated { file: FILE, size: 600 },
            Happened::Synced { file: FILE },
            Happened::FolderSynced,
        ];
        for fate in FATES {
            assert_eq!(images(fate, &log), BTreeSet::from([Some(vec![1; 600])]), "{fate:?}");
        }
        assert!(Disk::after(&log).is_certain());
        assert!(!Disk::after(&log[..4]).is_certain());
    }

    #[test]
    fn what_was_not_synced_survives_or_not() {
        let mut log =
            vec![created("a", FILE), written(0, b"old"), Happened::Synced { file: FILE }, Happened::FolderSynced];
        log.extend([written(0, b"new"), written(3, b"er")]);
        let left = |texts: &[&[u8]]| -> BTreeSet<_> { texts.iter().map(|text| Some(text.to_vec())).collect() };
        assert_eq!(images(Fate::Nothing, &log), left(&[b"old"]));
        assert_eq!(images(Fate::Everything, &log), left(&[b"newer"]));
        let some = left(&[b"old", b"new", b"older", b"newer", b"old\0\0", b"new\0\0"]);
        assert_eq!(images(Fate::Some, &log), some);
    }

    #[test]
    fn writes_tear_where_sectors_end() {
        let log = [created("a", FILE), Happened::FolderSynced, written(500, &[1; 24])];
        let torn = images(Fate::Torn, &log).into_iter().flatten();
        let parts: BTreeSet<_> =
            torn.filter(|left| left.len() == 524).map(|left| (left[500..512].to_vec(), left[512..].to_vec())).collect();
        let (one, none) = (vec![1; 12], vec![0; 12]);
        let all = [(&one, &one), (&one, &none), (&none, &one), (&none, &none)];
        assert_eq!(parts, all.map(|(first, second)| (first.clone(), second.clone())).into());
        let costs = (0..200).map(|seed| Disk::after(&log).lose_power(Fate::Torn, &mut Dice::new(seed)));
        let costs: BTreeSet<_> = costs.map(|image| (image.dropped, image.torn)).collect();
        assert_eq!(costs, [(0, 0), (0, 1), (1, 0)].into());
    }

    #[test]
    fn names_come_back_and_go_in_order() {
        let (old, new) = (FileId(1), FileId(2));
        let log = [
            created("a", old),
            written(0, b"old"),
            Happened::Synced { file: old },
            Happened::FolderSynced,
            Happened::Deleted { name: "a".to_owned() },
            created("a", new),
            Happened::Written { file: new, offset: 0, bytes: b"new".to_vec() },
            Happened::Synced { file: new },
        ];
        assert_eq!(Disk::after(&log).names(), [("a".to_owned(), new)].into());
        assert_eq!(images(Fate::Nothing, &log), [Some(b"old".to_vec())].into());
        let some = [Some(b"old".to_vec()), None, Some(b"new".to_vec())];
        assert_eq!(images(Fate::Some, &log), some.into());
    }
}
