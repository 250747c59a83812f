//! Short ways to say what is sent, and to read what is answered.

use std::sync::atomic::{AtomicU32, Ordering};

use hustings::ledger::{Addressed, Advance, Answer, ElectionKey, NewElection, Stored};
use hustings_core::{
    Act, ActKind, Ballot, Change, Choice, ChoiceId, ChoiceNumber, Code, Contest, ContestId, ContestNumber, Election,
    ElectionId, GroupNumber, Kind, Label, Method, Rejection, Schedule, Selections, Seq, Submission, SubmissionId, Text,
    Time, Visibility, VoterKey,
};
use std::sync::Arc;
use uuid::Uuid;

use super::Backend;

pub(crate) const TEA: u16 = 0;
pub(crate) const COFFEE: u16 = 1;
pub(crate) const MILK: u16 = 2;
pub(crate) const UNKNOWN: u16 = 3;
pub(crate) const ANN: u32 = 1;
pub(crate) const BOB: u32 = 2;
pub(crate) const CAT: u32 = 3;
pub(crate) const FIRST: ContestNumber = ContestNumber(0);
pub(crate) const SECOND: ContestNumber = ContestNumber(1);

pub(crate) fn text(raw: &str) -> Text {
    Text::parse(raw).expect("a text that is allowed")
}

pub(crate) fn voter(number: u32) -> VoterKey {
    VoterKey(u128::from(number).to_be_bytes())
}

/// A vote on its way to being sent.
#[derive(Clone)]
pub(crate) struct Vote(Ballot);

/// A vote for one choice, in the first contest, without an id.
pub(crate) fn vote(from: u32, choice: u16) -> Vote {
    Vote(Ballot {
        contest: FIRST,
        voter: voter(from),
        group: GroupNumber(0),
        id: None,
        replaces: None,
        selections: Selections::Choices(vec![ChoiceNumber(choice)]),
    })
}

impl Vote {
    pub(crate) fn id(mut self, number: u32) -> Self {
        self.0.id = Some(SubmissionId(Uuid::from_u128(number.into())));
        self
    }

    pub(crate) fn replaces(mut self, seq: u64) -> Self {
        self.0.replaces = Some(Seq(seq));
        self
    }

    pub(crate) fn round(mut self, contest: ContestNumber) -> Self {
        self.0.contest = contest;
        self
    }

    pub(crate) fn group(mut self, number: u16) -> Self {
        self.0.group = GroupNumber(number);
        self
    }

    pub(crate) fn choices(mut self, numbers: &[u16]) -> Self {
        self.0.selections = Selections::Choices(numbers.iter().copied().map(ChoiceNumber).collect());
        self
    }

    pub(crate) fn scores(mut self, scores: &[(u16, u8)]) -> Self {
        self.0.selections = Selections::Scores(scores.iter().map(|(n, score)| (ChoiceNumber(*n), *score)).collect());
        self
    }

    pub(crate) fn ballot(self) -> Ballot {
        self.0
    }

    pub(crate) fn sent(self) -> Submission {
        Submission::Ballot(self.0)
    }

    pub(crate) fn to(self, election: ElectionKey) -> Addressed {
        Addressed { election, submission: self.sent() }
    }
}

pub(crate) const OPEN: ActKind = ActKind::Open { scheduled: false };
pub(crate) const CLOSE: ActKind = ActKind::Close { scheduled: false };

/// An act on a contest.
pub(crate) fn act_on(contest: ContestNumber, kind: ActKind) -> Act {
    Act { contest, kind, by: text("host"), reason: None }
}

/// An act on the first contest, as it is sent.
pub(crate) fn act(kind: ActKind) -> Submission {
    Submission::Act(act_on(FIRST, kind))
}

pub(crate) fn to(election: ElectionKey, submission: Submission) -> Addressed {
    Addressed { election, submission }
}

/// A contest with the three choices tea, coffee and milk.
pub(crate) fn contest(election: u32, number: u32, method: Method, change: Change) -> Contest {
    let name = |part: u32| Uuid::from_u128(u128::from(election) << 64 | u128::from(number) << 32 | u128::from(part));
    let choice = |(part, title)| {
        let title = text(title);
        Choice { id: ChoiceId(name(part)), code: Label::for_title(&title, &[]), title, party: None }
    };
    Contest {
        id: ContestId(name(0)),
        number: ContestNumber(number),
        method,
        change,
        choices: (1..).zip(["Tea", "Coffee", "Milk"]).map(choice).collect(),
        race: None,
    }
}

/// A poll that no other test has.
pub(crate) fn poll(method: Method, change: Change, schedule: Schedule) -> Election {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Election {
        id: ElectionId(Uuid::from_u128(u128::from(number) << 64)),
        code: Code::from_random(std::array::from_fn(|place| {
            number / 31_u32.pow(u32::try_from(place).expect("a place"))
        })),
        slug: None,
        kind: Kind::Poll,
        title: text("What shall we drink?"),
        accent: None,
        visibility: Visibility::Always,
        schedule,
        created: Time(0),
        contests: vec![contest(number, 0, method, change)],
        reporting: None,
        access: hustings_core::Access::Device,
        rehearsal: false,
        public_ballots: false,
    }
}

/// The round that would follow the last contest of an election.
pub(crate) fn next_round(election: &Election) -> Contest {
    let last = election.contests.last().expect("a contest");
    let (number, id) = (last.number.0 + 1, last.id.0.as_u128() + (1 << 32));
    Contest { id: ContestId(Uuid::from_u128(id)), number: ContestNumber(number), ..last.clone() }
}

/// A new poll in a store, as a draft.
pub(crate) async fn drafted(backend: &dyn Backend, schedule: Schedule) -> ElectionKey {
    create(backend, poll(Method::Single, Change::Final, schedule), &[]).await
}

/// A new poll in a store, opened by its entry 1.
pub(crate) async fn opened(backend: &dyn Backend, change: Change) -> ElectionKey {
    create(backend, poll(Method::Single, change, Schedule::default()), &[OPEN]).await
}

pub(crate) async fn create(backend: &dyn Backend, election: Election, acts: &[ActKind]) -> ElectionKey {
    let acts = acts.iter().map(|kind| act_on(FIRST, kind.clone())).collect();
    backend.registry().create(NewElection { election, acts, owner: None }).await.expect("a new election").key
}

/// Appends a batch and gives its answers and how far ledgers moved.
pub(crate) async fn append(backend: &dyn Backend, batch: Vec<Addressed>) -> (Vec<Answer>, Vec<Arc<Advance>>) {
    let committed = backend.ledger().append(batch).await.expect("a batch is decided");
    (committed.answers, committed.advances)
}

/// Appends a batch and gives its answers in words.
pub(crate) async fn answers(backend: &dyn Backend, batch: Vec<Addressed>) -> Vec<String> {
    append(backend, batch).await.0.iter().map(words).collect()
}

/// An answer in words: `accepted 2`, `changed 3`, `repeated 2`, `superseded 2`, `unchanged`, or `refused`, the code
/// and the vote that counts.
pub(crate) fn words(answer: &Answer) -> String {
    match answer {
        Answer::Accepted(stored) => format!("accepted {}", stored.entry.seq),
        Answer::Changed(stored) => format!("changed {}", stored.entry.seq),
        Answer::Repeated(stored) => format!("repeated {}", stored.entry.seq),
        Answer::Superseded(stored) => format!("superseded {}", stored.entry.seq),
        Answer::Unchanged => "unchanged".to_owned(),
        Answer::Rejected(rejection, None) => format!("refused {}", rejection.code()),
        Answer::Rejected(rejection, Some(stored)) => {
            if let Rejection::AlreadyVoted { current } | Rejection::Superseded { current } = rejection {
                assert_eq!(*current, stored.entry.seq, "the vote that a refusal names, and the one it brings");
            }
            format!("refused {} {}", rejection.code(), stored.entry.seq)
        }
    }
}

/// The entry that an answer brings.
pub(crate) fn entry_of(answer: &Answer) -> Option<&Stored> {
    match answer {
        Answer::Accepted(stored) | Answer::Changed(stored) | Answer::Repeated(stored) | Answer::Superseded(stored) => {
            Some(stored)
        }
        Answer::Rejected(_, stored) => stored.as_ref(),
        Answer::Unchanged => None,
    }
}
