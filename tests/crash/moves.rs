//! A copy of an installation that is killed at any instant is finished by the next run, and is never served before.

use std::path::Path;
use std::sync::Arc;

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
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use uuid::Uuid;

use crate::copying::{Copying, Coverage, Found, Instant};
use crate::setting;

const ELECTIONS: u32 = 12;
const VOTERS: u32 = 150;
/// All entries: of each election its opening, and two of each voter.
const ENTRIES: u64 = ELECTIONS as u64 * (2 * VOTERS as u64 + 1);

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
        if coverage.kills() >= kills {
            break;
        }
        let target = folder.path().join(format!("target {round}"));
        one_copy(&source, &target, &mut random, &mut coverage).await;
        std::fs::remove_dir_all(&target).expect("a target that is done with");
    }
    println!("{coverage}");
    let [_, middle, _] = coverage.kinds();
    // A run of a few kills is only a look.
    let is_void = middle == 0 && !(1..10).contains(&coverage.kills());
    assert!(!is_void, "void, because no kill came in the middle of the entries; seed {seed}");
}

/// Runs the copy, kills it, runs it again, until one run comes to its end.
async fn one_copy(source: &Path, target: &Path, random: &mut Xoshiro256PlusPlus, coverage: &mut Coverage) {
    let url = |data: &Path| format!("sqlite:{}", data.display());
    let mut copied: Option<Found> = None;
    loop {
        let copying = Copying::start(&setting::server(), &url(source), &url(target), None);
        let ended = copying.killed_at(Instant::random(random, ELECTIONS)).await;
        let before = std::mem::replace(&mut copied, Found::in_folder(target).await);
        let kept = before.iter().all(|before| copied.as_ref().is_some_and(|copied| copied.has_all_of(before)));
        assert!(kept, "it lost what it had: {before:?}, {copied:?}");
        let whole = ended == Some(true);
        coverage.found(whole, copied.as_ref().map_or(0, Found::total), ENTRIES);
        if whole {
            break;
        }
        assert_eq!(ended, None, "it failed by itself");
        is_not_served(source, target, copied.as_ref()).await;
    }
    let [ours, theirs] =
        [source, target].map(|data| Arc::new(open(data).expect("an installation")) as Arc<dyn Archive>);
    let verified = verify(&ours, &theirs).await.expect("the same");
    assert_eq!(verified.len(), ELECTIONS as usize);
    assert!(verified.iter().all(|one| one.census.submissions > one.published.seq.0), "ids of repeats");
}

/// What is there is either no installation of ours yet, or half a copy that does not open, or all of it.
async fn is_not_served(source: &Path, target: &Path, found: Option<&Found>) {
    let Some(found) = found else {
        assert!(!target.join("secret.key").exists(), "a new database under our secret would be served");
        return;
    };
    let keys = Keys::load(source, None, false, &SystemRandom).expect("the secret");
    let options = SqliteOptions::new(Folder::database(target));
    match SqliteLedger::open(options, keys.check(), Arc::new(SystemClock), Arc::new(SystemRandom)) {
        Err(FolderError::Unfinished(_)) => assert!(found.is_unfinished(), "{found:?}"),
        Ok(_) => assert_eq!((found.holds, found.total()), (Holds::All, ENTRIES)),
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
        let key = ledger.create(NewElection { election, acts: vec![open], owner: None }).await.expect("a poll").key;
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
        Choice { id: ChoiceId(name(part)), code: Label::for_title(&title, &[]), title, party: None }
    };
    let contest = Contest {
        id: ContestId(name(0)),
        number: ContestNumber(0),
        method: Method::Single,
        change: Change::UntilClose,
        choices: (1..).zip(["Tea", "Coffee"]).map(choice).collect(),
        race: None,
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
        reporting: None,
        access: hustings_core::Access::Device,
        rehearsal: false,
        public_ballots: false,
    }
}
