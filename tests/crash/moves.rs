//! A copy of an installation that is killed at any instant is finished by the next run, and is never served before.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hustings::clock::{SystemClock, SystemRandom};
use hustings::keys::Keys;
use hustings::ledger::{
    Addressed, Archive, ElectionKey, Folder, FolderError, Holds, Ledger, NewElection, Registry, SqliteLedger,
    SqliteOptions,
};
use hustings::tally::verify;
use hustings_core::{
    Act, ActKind, Ballot, Change, Choice, ChoiceId, ChoiceNumber, Code, Contest, ContestId, ContestNumber, Election,
    ElectionId, GroupNumber, Kind, Label, Method, Schedule, Selections, Submission, SubmissionId, Text, Time,
    Visibility, VoterKey,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::setting;

const ELECTIONS: u32 = 12;
const VOTERS: u32 = 150;
/// How long after a line a kill comes, in microseconds: about as long as the next few transactions take.
const AFTER_A_LINE_US: std::ops::Range<u64> = 0..8_000;
/// How long after the start another kill comes: about as long as it takes to begin.
const AFTER_THE_START_US: std::ops::Range<u64> = 0..50_000;

#[tokio::test]
async fn a_copy_killed_at_any_instant_is_finished_by_the_next_run() {
    let seed = setting::seed("moves");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("source");
    fill(&source).await;
    let mut coverage = Coverage::default();
    let kills = setting::kills();
    for round in 0.. {
        if coverage.kills >= kills {
            break;
        }
        let target = folder.path().join(format!("target {round}"));
        one_copy(&source, &target, &mut random, &mut coverage).await;
        std::fs::remove_dir_all(&target).expect("a target that is done with");
    }
    println!("{coverage}");
    assert!(!coverage.is_void(), "void, because no kill came in the middle of the entries; seed {seed}");
}

/// Runs the copy, kills it, runs it again, until one run comes to its end.
async fn one_copy(source: &Path, target: &Path, random: &mut Xoshiro256PlusPlus, coverage: &mut Coverage) {
    let mut copied = BTreeMap::new();
    loop {
        // One in five while the copy begins, the others somewhere on the way.
        let (lines, later) = if random.random_ratio(1, 5) {
            (0, AFTER_THE_START_US)
        } else {
            (random.random_range(1..2 * ELECTIONS + 4), AFTER_A_LINE_US)
        };
        let later = Duration::from_micros(random.random_range(later));
        let ended = Run::start(source, target).killed_after(lines, later).await;
        let before = std::mem::replace(&mut copied, how_far(target).await);
        assert!(
            before.iter().all(|(key, entries)| copied[key] >= *entries),
            "it lost what it had: {before:?}, {copied:?}"
        );
        let whole = ended == Some(true);
        coverage.found(whole, &copied);
        if whole {
            break;
        }
        assert_eq!(ended, None, "it failed by itself");
        is_not_served(source, target).await;
    }
    let [ours, theirs] =
        [source, target].map(|data| Arc::new(open(data).expect("an installation")) as Arc<dyn Archive>);
    let verified = verify(&ours, &theirs).await.expect("the same");
    assert_eq!(verified.len(), ELECTIONS as usize);
    assert!(verified.iter().all(|one| one.census.submissions > one.published.seq.0), "ids of repeats");
}

/// A copy under way; dropped, it is killed.
struct Run(Child);

impl Run {
    fn start(source: &Path, target: &Path) -> Self {
        let url = |data: &Path| format!("sqlite:{}", data.display());
        let mut command = Command::new(setting::server());
        command.arg("migrate").arg("--from").arg(url(source)).arg("--to").arg(url(target));
        command.env_remove("HUSTINGS_SECRET").stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        Self(command.spawn().expect("the program runs"))
    }

    /// Kills it so many lines of its progress later, and a moment; whether it went well, where it ended before.
    async fn killed_after(mut self, lines: u32, later: Duration) -> Option<bool> {
        let mut progress = BufReader::new(self.0.stderr.take().expect("its progress")).lines();
        let mut seen = 0;
        while seen < lines && progress.next_line().await.is_ok_and(|line| line.is_some()) {
            seen += 1;
        }
        // An instant between two lines: nothing waits for this, it only says when to kill.
        tokio::select! {
            status = self.0.wait() => return Some(status.expect("a child can be waited for").success()),
            () = tokio::time::sleep(later) => {}
        }
        self.0.start_kill().expect("a process of ours can be killed");
        let status = self.0.wait().await.expect("a child can be waited for");
        // It may have come to its end in the same instant.
        status.code().map(|code| code == 0)
    }
}

/// Entries of each election in the target, as far as there is one.
async fn how_far(target: &Path) -> BTreeMap<ElectionKey, u64> {
    let database = Folder::database(target);
    if !database.exists() {
        return BTreeMap::new();
    }
    let ledger = match SqliteLedger::read_only(SqliteOptions::new(database)) {
        Err(FolderError::NotOurs(_)) => return BTreeMap::new(),
        opened => opened.expect("the database"),
    };
    let cuts = ledger.cuts(None, 1_000).await.expect("the cuts");
    cuts.into_iter().map(|cut| (cut.registered.key, cut.head.seq.0)).collect()
}

/// What is there is either no installation of ours yet, or half a copy that does not open, or all of it.
async fn is_not_served(source: &Path, target: &Path) {
    if !Folder::database(target).exists() {
        assert!(!target.join("secret.key").exists(), "a new database under our secret would be served");
        return;
    }
    let keys = Keys::load(source, None, false, &SystemRandom).expect("the secret");
    let options = || SqliteOptions::new(Folder::database(target));
    let looked = match SqliteLedger::read_only(options()) {
        Err(FolderError::NotOurs(_)) => {
            assert!(!target.join("secret.key").exists(), "a new database under our secret would be served");
            return;
        }
        looked => looked.expect("the database"),
    };
    let holds = looked.installation().await.expect("an answer").holds;
    match SqliteLedger::open(options(), keys.check(), Arc::new(SystemClock), Arc::new(SystemRandom)) {
        Err(FolderError::Unfinished(_)) => assert_eq!(holds, Holds::Unfinished),
        Ok(_) => assert_eq!(holds, Holds::All),
        Err(other) => panic!("{other}"),
    }
}

fn open(data: &Path) -> Result<SqliteLedger, FolderError> {
    let keys = Keys::load(data, None, !data.join("secret.key").exists(), &SystemRandom).expect("a secret");
    let options = SqliteOptions::new(Folder::database(data));
    SqliteLedger::open(options, keys.check(), Arc::new(SystemClock), Arc::new(SystemRandom))
}

/// An installation with votes, changed votes and repeats under other ids.
async fn fill(data: &Path) {
    std::fs::create_dir(data).expect("a folder");
    let ledger = open(data).expect("a new installation");
    for number in 0..ELECTIONS {
        let election = poll(number);
        let by = Text::parse("host").expect("a text");
        let open = Act { contest: ContestNumber(0), kind: ActKind::Open { scheduled: false }, by, reason: None };
        let key = ledger.create(NewElection { election, acts: vec![open] }).await.expect("a poll").key;
        let votes = |choice: u16, first: u128| {
            (0..VOTERS).map(move |voter| vote(key, voter, choice, first + u128::from(voter))).collect::<Vec<_>>()
        };
        for (choice, first) in [(0, 1), (0, 1_000), (1, 2_000), (1, 3_000)] {
            ledger.append(votes(choice, first)).await.expect("votes");
        }
    }
}

fn vote(election: ElectionKey, voter: u32, choice: u16, id: u128) -> Addressed {
    let ballot = Ballot {
        contest: ContestNumber(0),
        voter: VoterKey(u128::from(voter).to_be_bytes()),
        group: GroupNumber(0),
        id: Some(SubmissionId(Uuid::from_u128(id))),
        replaces: None,
        selections: Selections::Choices(vec![ChoiceNumber(choice)]),
    };
    Addressed { election, submission: Submission::Ballot(ballot) }
}

fn poll(number: u32) -> Election {
    let name = |part: u128| Uuid::from_u128(u128::from(number) << 64 | part);
    let choice = |(part, title): (u128, &str)| {
        let title = Text::parse(title).expect("a text");
        Choice { id: ChoiceId(name(part)), code: Label::for_title(&title, &[]), title }
    };
    let contest = Contest {
        id: ContestId(name(0)),
        number: ContestNumber(0),
        method: Method::Single,
        change: Change::UntilClose,
        choices: (1..).zip(["Tea", "Coffee"]).map(choice).collect(),
    };
    Election {
        id: ElectionId(name(0)),
        code: Code::from_random([number; Code::LENGTH]),
        slug: None,
        kind: Kind::Poll,
        title: Text::parse("Tea or coffee?").expect("a text"),
        accent: None,
        visibility: Visibility::Always,
        schedule: Schedule::default(),
        created: Time(0),
        contests: vec![contest],
    }
}

/// What the kills hit: a test whose kills all came too early or too late has proved nothing.
#[derive(Default)]
struct Coverage {
    kills: u32,
    before: u32,
    middle: u32,
    verifying: u32,
    finished: u32,
}

impl Coverage {
    fn found(&mut self, whole: bool, copied: &BTreeMap<ElectionKey, u64>) {
        let (begun, all) = (copied.values().any(|entries| *entries > 0), u64::from(2 * VOTERS + 1));
        let ended = copied.len() == ELECTIONS as usize && copied.values().all(|entries| *entries == all);
        self.kills += u32::from(!whole);
        match (whole, begun, ended) {
            (true, ..) => self.finished += 1,
            (false, false, _) => self.before += 1,
            (false, true, false) => self.middle += 1,
            (false, true, true) => self.verifying += 1,
        }
    }

    /// Whether the copy was ever killed while entries were on their way. A run of a few kills is only a look.
    fn is_void(&self) -> bool {
        self.middle == 0 && !(1..10).contains(&self.kills)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, before, middle, verifying, finished } = self;
        write!(f, "{kills} kills of copies: {before} before the first entry, {middle} in the middle of the entries, ")?;
        write!(f, "{verifying} after the last one; {finished} copies were finished")
    }
}
