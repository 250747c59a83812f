//! Short ways to make the things that tests talk about, and strategies for all that an entry can hold.

use hustings_core::entry::StateChange;
use hustings_core::{
    BallotCast, Change, Channel, Choice, ChoiceId, ChoiceNumber, Content, Contest, ContestId, ContestNumber, Counts,
    Election, ElectionId, Entry, Event, GroupNumber, Kind, Label, Method, Previous, ReportFiled, ReportStatus,
    Retitled, Revision, Schedule, Selections, Seq, Standing, StateChanged, SubmissionId, Text, Time, Unit, UnitKind,
    UnitNumber, UnitRetired, UnitsAdded, Visibility, VoterKey,
};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const METHODS: [Method; 3] =
    [Method::Single, Method::Approval { min: 0, max: 2 }, Method::Score { min: 1, max: 5 }];
pub(crate) const VISIBILITIES: [Visibility; 4] =
    [Visibility::Always, Visibility::AfterVote, Visibility::AfterClose, Visibility::OnReveal];

pub(crate) fn text(raw: &str) -> Text {
    Text::parse(raw).expect("a text that is allowed")
}

pub(crate) fn label(raw: &str) -> Label {
    Label::parse(raw).expect("a code that is allowed")
}

pub(crate) fn voter(number: u8) -> VoterKey {
    VoterKey([number; 16])
}

pub(crate) fn submission_id(number: u8) -> SubmissionId {
    SubmissionId(Uuid::from_bytes([number; 16]))
}

/// Choices that must rise.
pub(crate) fn choices(numbers: &[u16]) -> Selections {
    Selections::Choices(numbers.iter().copied().map(ChoiceNumber).collect())
}

/// Scored choices that must rise.
pub(crate) fn scores(scores: &[(u16, u8)]) -> Selections {
    Selections::Scores(scores.iter().map(|(number, score)| (ChoiceNumber(*number), *score)).collect())
}

/// A contest with the three choices tea, coffee and café crème.
pub(crate) fn contest(method: Method, change: Change) -> Contest {
    let titles = ["Tea", "Coffee", "Café crème"];
    let choice = |(id, title)| {
        let title = text(title);
        Choice { id: ChoiceId(Uuid::from_u128(id)), code: Label::for_title(&title, &[]), title, party: None }
    };
    Contest {
        id: ContestId(Uuid::from_u128(0xC0)),
        number: ContestNumber(0),
        method,
        change,
        choices: (0x100..).zip(titles).map(choice).collect(),
        race: None,
    }
}

pub(crate) fn election(contest: Contest, visibility: Visibility, schedule: Schedule) -> Election {
    Election {
        id: ElectionId(Uuid::from_u128(0xE0)),
        code: "ABCD23".parse().expect("a code"),
        slug: None,
        kind: Kind::Poll,
        title: text("What shall we drink?"),
        accent: None,
        visibility,
        schedule,
        created: Time(0),
        contests: vec![contest],
        reporting: None,
        access: hustings_core::Access::Device,
        rehearsal: false,
        public_ballots: false,
    }
}

pub(crate) fn any_entry() -> impl Strategy<Value = Entry> {
    let event = prop_oneof![
        any_ballot().prop_map(Event::BallotCast),
        any_change().prop_map(Event::StateChanged),
        any_units().prop_map(Event::UnitsAdded),
        any_retirement().prop_map(Event::UnitRetired),
        any_report().prop_map(Event::ReportFiled),
        (any_text(), any_text(), prop::option::of(any_text()))
            .prop_map(|(title, by, reason)| Event::Retitled(Retitled { title, by, reason })),
    ];
    (any_int(), any_int(), event).prop_map(|(seq, time, event)| Entry { seq: Seq(seq), time: Time(time), event })
}

fn any_ballot() -> impl Strategy<Value = BallotCast> {
    let id = any::<Option<[u8; 16]>>().prop_map(|id| id.map(|bytes| SubmissionId(Uuid::from_bytes(bytes))));
    let previous = (any_int(), any::<u16>(), any_selections()).prop_map(|(seq, group, selections)| Previous {
        seq: Seq(seq),
        group: GroupNumber(group),
        selections,
    });
    (any::<u32>(), any::<u16>(), any::<[u8; 16]>(), id, any_selections(), prop::option::of(previous)).prop_map(
        |(contest, group, voter, id, selections, previous)| BallotCast {
            contest: ContestNumber(contest),
            group: GroupNumber(group),
            voter: VoterKey(voter),
            id,
            selections,
            previous,
        },
    )
}

fn any_change() -> impl Strategy<Value = StateChanged> {
    let change = prop_oneof![
        any::<(bool, [u8; 32])>().prop_map(|(scheduled, definition)| StateChange::Opened { scheduled, definition }),
        Just(StateChange::Paused),
        any::<bool>().prop_map(|scheduled| StateChange::Closed { scheduled }),
        Just(StateChange::Reopened),
        Just(StateChange::Revealed),
        any::<([u8; 16], [u8; 32])>().prop_map(|(next, definition)| {
            StateChange::RoundStarted { next: ContestId(Uuid::from_bytes(next)), definition }
        }),
        Just(StateChange::Certified),
        any::<([u8; 16], [u8; 32])>().prop_map(|(next, definition)| {
            StateChange::Added { next: ContestId(Uuid::from_bytes(next)), definition }
        }),
    ];
    (any::<u32>(), change, any_text(), prop::option::of(any_text()))
        .prop_map(|(contest, change, by, reason)| StateChanged { contest: ContestNumber(contest), change, by, reason })
}

fn any_units() -> impl Strategy<Value = UnitsAdded> {
    let texts = (any_label(), prop::option::of(any_text()));
    let numbers = (prop::option::of(any_small()), prop::option::of(any_small()));
    let unit = (texts, any_kind(), any_small(), any_small(), any_channel(), numbers).prop_map(
        |((code, name), kind, parent, place, channel, (registered, boxes))| {
            let (parent, place) = (UnitNumber(parent), UnitNumber(place));
            Unit { code, name, kind, parent, place, channel, registered, boxes, is_retired: false }
        },
    );
    (any_small(), prop::collection::vec(unit, 0..4), any_text(), prop::option::of(any_text()))
        .prop_map(|(first, units, by, reason)| UnitsAdded { first: UnitNumber(first), units, by, reason })
}

fn any_retirement() -> impl Strategy<Value = UnitRetired> {
    let who = (any_text(), prop::option::of(any_text()));
    (any_small(), any_kind(), any_small(), any_channel(), (any_small(), any_small()), who).prop_map(
        |(unit, kind, place, channel, (registered, boxes), (by, reason))| {
            let (unit, place) = (UnitNumber(unit), UnitNumber(place));
            UnitRetired { unit, kind, place, channel, registered, boxes, by, reason }
        },
    )
}

fn any_report() -> impl Strategy<Value = ReportFiled> {
    let id = any::<Option<[u8; 16]>>().prop_map(|id| id.map(|bytes| SubmissionId(Uuid::from_bytes(bytes))));
    let content = prop_oneof![3 => any_counts().prop_map(Content::Filed), 1 => Just(Content::Withdrawn)];
    let replaces = (any_int(), any_small(), prop::option::of(any_counts()))
        .prop_map(|(seq, revision, counts)| Standing::Replaces { seq: Seq(seq), revision: Revision(revision), counts });
    let late = any_int().prop_map(|current| Standing::Late { current: Seq(current) });
    let standing = prop_oneof![Just(Standing::First), replaces, late];
    let place = (any_small(), any_small(), any_small(), any_channel(), any_small());
    let request = prop_oneof![any::<Vec<u8>>(), Just(vec![b'x'; 200])];
    let sender = (prop::option::of(any_int()), any_text(), prop::option::of(any_text()), request);
    (place, id, content, standing, sender).prop_map(
        |(
            (contest, ballot_box, place, channel, revision),
            id,
            content,
            standing,
            (reported_at, by, reason, request),
        )| {
            ReportFiled {
                contest: ContestNumber(contest),
                ballot_box: UnitNumber(ballot_box),
                place: UnitNumber(place),
                channel,
                revision: Revision(revision),
                id,
                content,
                standing,
                reported_at: reported_at.map(Time),
                by,
                reason,
                request,
            }
        },
    )
}

fn any_counts() -> impl Strategy<Value = Counts> {
    let number = || any_small().prop_map(|number| number.min(Counts::NUMBER_MAX));
    let votes = btree_map(any::<u16>(), number().prop_map(|number| number.max(1)), 0..6)
        .prop_map(|votes| votes.into_iter().map(|(choice, votes)| (ChoiceNumber(choice), votes)).collect());
    let status = prop::sample::select(vec![ReportStatus::Provisional, ReportStatus::Final]);
    (status, votes, number(), number(), number()).prop_map(|(status, votes, blank, invalid, cast)| Counts {
        status,
        votes,
        blank,
        invalid,
        cast,
    })
}

fn any_kind() -> impl Strategy<Value = UnitKind> {
    prop::sample::select(&UnitKind::ALL[..])
}

fn any_channel() -> impl Strategy<Value = Channel> {
    prop::sample::select(&Channel::ALL[..])
}

fn any_label() -> impl Strategy<Value = Label> {
    prop_oneof!["[a-z0-9._:-]{1,64}", "\\w{1,20}"]
        .prop_filter_map("a code that is allowed", |raw| Label::parse(&raw).ok())
}

fn any_selections() -> impl Strategy<Value = Selections> {
    let choices = btree_set(any::<u16>(), 0..6).prop_map(|numbers| numbers.into_iter().map(ChoiceNumber).collect());
    let scores = btree_map(any::<u16>(), any::<u8>(), 0..6)
        .prop_map(|scores| scores.into_iter().map(|(number, score)| (ChoiceNumber(number), score)).collect());
    prop_oneof![choices.prop_map(Selections::Choices), scores.prop_map(Selections::Scores)]
}

fn any_text() -> impl Strategy<Value = Text> {
    prop_oneof![".{1,20}", "[a-z]{1,200}", "\\PC{150,200}"]
        .prop_filter_map("a text that is allowed", |raw| Text::parse(&raw).ok())
}

/// A number of any length in bytes, short ones as often as long ones.
fn any_int() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

/// The same for numbers of 32 bits.
fn any_small() -> impl Strategy<Value = u32> {
    (any::<u32>(), 0..32_u32).prop_map(|(number, shift)| number >> shift)
}
