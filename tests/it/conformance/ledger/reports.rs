//! Reports of boxes: one counts for each box and contest, and what it replaced is named.

use hustings::ledger::{Addressed, ElectionKey, NewElection};
use hustings_core::{Channel, Event, Format, Measure, Standing, Tally};

use crate::conformance::night::*;
use crate::conformance::support::*;
use crate::conformance::{Backend, audit_election};

/// One after the other, with their answers.
fn reports_of_a_night(key: ElectionKey) -> Vec<(Addressed, &'static str)> {
    let sent = |report: Sent| report.to(key);
    vec![
        (sent(report(ONE, [3, 2, 1]).provisional()), "accepted 6"),
        (sent(report(ONE, [3, 2, 1]).provisional()), "repeated 6"),
        (sent(report(ONE, [3, 2, 1])), "refused exists_with_different_votes 6"),
        (sent(report(ONE, [4, 2, 1]).revision(3)), "changed 7"),
        (sent(report(ONE, [9, 9, 9]).revision(2)), "accepted 8"),
        (sent(report(ONE, [9, 9, 9]).revision(2)), "superseded 8"),
        (sent(report(ONE, [9, 9, 8]).revision(2)), "refused exists_with_different_votes 8"),
        (sent(report(ONE, [3, 2, 1]).provisional()), "superseded 6"),
        (sent(report(ONE, [0; 3]).withdrawn().next()), "changed 9"),
        (sent(report(ONE, [0; 3]).withdrawn().next()), "repeated 9"),
        (
            sent(report(ONE, [0; 3]).withdrawn().next().changed(|sent| sent.by = text("mayor"))),
            "refused nothing_to_withdraw",
        ),
        (sent(report(ONE, [4, 2, 1]).revision(3)), "superseded 7"),
        (sent(report(ONE, [5, 5, 5]).next()), "changed 10"),
        (sent(report(TWO, [0; 3]).withdrawn()), "refused nothing_to_withdraw"),
        (sent(report(ONE, [1, 0, 0]).of(SECOND)), "accepted 11"),
        (sent(report(POST, [1, 0, 0]).of(SECOND)), "refused box_outside_contest"),
        (sent(report(POST, [7, 0, 0]).request(b"{\"as\": \"sent\"}")), "accepted 12"),
        (sent(report(STATION, [1, 0, 0])), "refused not_a_box"),
        (sent(report(hustings_core::UnitNumber(99), [1, 0, 0])), "refused unknown_unit"),
        (sent(report(ONE, [1, 0, 0]).of(hustings_core::ContestNumber(7))), "refused unknown_contest"),
        (sent(report(TWO, [1, 0, 0]).changed(|sent| sent.within = Some(BERGEN))), "refused box_belongs_elsewhere"),
        (
            sent(report(TWO, [1, 0, 0]).changed(|sent| sent.channel = Some(Channel::Postal))),
            "refused box_belongs_elsewhere",
        ),
        (sent(report(TWO, [1, 0, 0]).changed(|sent| sent.definition = Some([7; 32]))), "refused stale_definition"),
        (sent(report(TWO, [1, 1, 1]).revision(5)), "accepted 13"),
        (sent(report(TWO, [0; 3]).withdrawn().revision(4)), "accepted 14"),
    ]
}

pub(super) async fn a_report_has_a_standing_within_a_batch_and_across(backend: &dyn Backend) {
    for size in [1, 2, 5, 100] {
        let key = night(backend).await;
        let (batch, expected): (Vec<_>, Vec<_>) = reports_of_a_night(key).into_iter().unzip();
        let mut folded: Tally = audit_election(backend, key).await.tally;
        let mut answered = Vec::new();
        for part in batch.chunks(size) {
            let (answers, advances) = append(backend, part.to_vec()).await;
            answered.extend(answers.iter().map(words));
            for advance in advances {
                folded.add(&advance.increments).expect("in range");
            }
        }
        assert_eq!(answered, expected, "in batches of {size}");
        let tally = audit_election(backend, key).await.tally;
        assert!(tally.agrees_with(&folded), "advances are not the difference of folds, in batches of {size}");
        let at = |contest, unit, group, measure| {
            tally.get(&hustings_core::Cell { contest, unit, group: hustings_core::GroupNumber(group), measure }).get()
        };
        let tea = Measure::Choice(hustings_core::ChoiceNumber(TEA));
        assert_eq!([at(FIRST, OSLO, 0, tea), at(SECOND, OSLO, 0, tea), at(FIRST, BERGEN, 1, tea)], [6, 1, 7]);
        assert_eq!([at(FIRST, OSLO, 0, Measure::BoxesFinal), at(FIRST, OSLO, 0, Measure::BoxesProvisional)], [2, 0]);
        assert_eq!(at(FIRST, OSLO, 0, Measure::NewVotes), 9, "of the two first reports, whatever followed");
    }
}

pub(super) async fn an_entry_says_what_a_report_did(backend: &dyn Backend) {
    let key = night(backend).await;
    append(backend, reports_of_a_night(key).into_iter().map(|(sent, _)| sent).collect()).await;
    let entries = backend.ledger().read(key, hustings_core::Seq(BEGUN), 100).await.expect("a page");
    let standings: Vec<String> = entries
        .iter()
        .map(|stored| match &stored.entry.event {
            Event::ReportFiled(filed) => {
                let standing = match &filed.standing {
                    Standing::First => "first".to_owned(),
                    Standing::Late { current } => format!("late after {current}"),
                    Standing::Replaces { seq, revision, counts } => {
                        format!("replaces {seq} {revision} {}", counts.as_ref().map_or(0, |c| c.votes_in_all()))
                    }
                };
                format!("{} {} {standing}", filed.revision, filed.content.name())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "1 provisional first",
        "3 final replaces 6 1 6",
        "2 final late after 7",
        "4 withdrawn replaces 7 3 7",
        "5 final replaces 9 4 0",
        "1 final first",
        "1 final first",
        "5 final first",
        "4 withdrawn late after 13",
    ];
    assert_eq!(standings, expected);
    let Event::ReportFiled(postal) = &entries[6].entry.event else { panic!("{:?}", entries[6]) };
    assert_eq!(
        (postal.request.as_slice(), postal.channel, postal.place),
        (&b"{\"as\": \"sent\"}"[..], Channel::Postal, BERGEN)
    );
}

pub(super) async fn an_id_stands_for_one_report_for_ever(backend: &dyn Backend) {
    for size in [1, 100] {
        let key = night(backend).await;
        let steps = vec![
            (report(ONE, [3, 2, 1]).id(1), "accepted 6"),
            (report(ONE, [3, 2, 1]).id(1), "repeated 6"),
            (report(ONE, [3, 2, 1]).id(1).next(), "repeated 6"),
            (report(ONE, [3, 2, 1]).id(1).revision(2), "refused id_reused"),
            (report(ONE, [3, 2, 2]).id(1), "refused id_reused"),
            (report(TWO, [3, 2, 1]).id(1), "refused id_reused"),
            (report(ONE, [3, 2, 1]).id(1).of(SECOND), "refused id_reused"),
            (report(ONE, [3, 2, 1]).id(2), "repeated 6"),
            (report(ONE, [4, 2, 1]).id(3).next(), "changed 7"),
            (report(ONE, [4, 2, 1]).id(3).next(), "repeated 7"),
            (report(ONE, [3, 2, 1]).id(1), "superseded 6"),
            // The id of a repeat stands for what it repeated.
            (report(ONE, [3, 2, 1]).id(2), "superseded 6"),
            (report(ONE, [7, 7, 7]).id(2).next(), "refused id_reused"),
            (report(TWO, [1, 0, 0]).id(4).next(), "accepted 8"),
            (report(TWO, [1, 0, 0]).id(4).next(), "repeated 8"),
        ];
        let (batch, expected): (Vec<_>, Vec<_>) = steps.into_iter().map(|(sent, words)| (sent.to(key), words)).unzip();
        let mut answered = Vec::new();
        for part in batch.chunks(size) {
            answered.extend(answers(backend, part.to_vec()).await);
        }
        assert_eq!(answered, expected, "in batches of {size}");
        let late = [report(ONE, [3, 2, 1]).id(2).to(key), report(TWO, [1, 0, 0]).id(4).to(key)];
        let closing = [to(key, act(CLOSE)), late[0].clone(), late[1].clone(), report(POST, [1, 0, 0]).to(key)];
        let closed = ["accepted 9", "superseded 6", "repeated 8", "refused contest_closed"];
        assert_eq!(answers(backend, closing.into()).await, closed, "for ever");
    }
}

pub(super) async fn contests_and_units_come_with_entries(backend: &dyn Backend) {
    let election = election_of_boxes();
    let key = create(backend, election, &[]).await;
    let steps = vec![
        (add_contest(race("main", 0, hustings_core::UnitNumber(0))), "accepted 1"),
        (add_contest(race("main", 0, hustings_core::UnitNumber(0))), "unchanged"),
        (add_contest(race("main", 0, OSLO)), "refused contest_taken"),
        (add_contest(race("council", 7, OSLO)), "refused unknown_unit"),
        (add_units(tree()), "accepted 2"),
        (add_units(tree()), "unchanged"),
        (add_units(vec![ballot_box("one", "bergen")]), "refused units_moved"),
        (add_units(vec![ballot_box("lost", "nowhere")]), "refused units_moved"),
        (add_contest(race("station", 7, STATION)), "refused not_a_place"),
        (add_contest(race("council", 7, OSLO)), "accepted 3"),
        (act(OPEN), "accepted 4"),
        (hustings_core::Submission::Act(act_on(SECOND, OPEN)), "accepted 5"),
        // Parts of it are there already.
        (add_units([tree(), vec![ballot_box("three", "bergen")]].concat()), "accepted 6"),
    ];
    let (batch, expected): (Vec<_>, Vec<_>) =
        steps.into_iter().map(|(submission, words)| (to(key, submission), words)).unzip();
    for at in [0, 5] {
        // In two batches: what came with the first one is known to the second.
        let part = at..if at == 0 { 5 } else { batch.len() };
        assert_eq!(answers(backend, batch[part.clone()].to_vec()).await, expected[part]);
    }
    let three = report(hustings_core::UnitNumber(8), [1, 0, 0]);
    assert_eq!(
        answers(backend, vec![three.clone().to(key), report(ONE, [1, 0, 0]).of(SECOND).to(key)]).await,
        ["accepted 7", "accepted 8"]
    );
    let wanted = hustings::ledger::Wanted::Key(key);
    let found = backend.registry().election(wanted).await.expect("a look-up").expect("the election");
    let numbers: Vec<_> = found.election.contests.iter().map(|contest| contest.number).collect();
    assert_eq!(numbers, [FIRST, SECOND], "each with its own number, whatever was wished for");
    // Units, a report of one of them, and its retirement, in one batch.
    let four = hustings_core::UnitNumber(9);
    let batch = vec![
        to(key, add_units(vec![ballot_box("four", "oslo-1")])),
        report(four, [1, 1, 1]).to(key),
        to(key, retire(four)),
        report(four, [0; 3]).withdrawn().next().to(key),
        to(key, retire(four)),
        report(four, [1, 1, 1]).next().to(key),
    ];
    let expected =
        ["accepted 9", "accepted 10", "refused unit_in_use", "changed 11", "accepted 12", "refused box_retired"];
    assert_eq!(answers(backend, batch).await, expected);
}

pub(super) async fn an_election_begins_with_its_units_and_contests(backend: &dyn Backend) {
    let new = |acts| NewElection { election: election_of_boxes(), acts, owner: None };
    let made = backend.registry().create(new(first_acts())).await.expect("a new election");
    assert_eq!(made.election.contests.len(), 2, "what was made has the contests that came with it");
    assert_eq!(answers(backend, vec![report(ONE, [1, 0, 0]).to(made.key)]).await, ["accepted 6"]);
    let mut faulty = first_acts();
    faulty.push(tree_act(hustings_core::ActKind::AddUnits(vec![ballot_box("lost", "nowhere")].into())));
    assert!(backend.registry().create(new(faulty)).await.is_err(), "all or nothing");
    assert_eq!(backend.registry().elections(None, 10).await.expect("a page").len(), 1);
}

pub(super) async fn a_unit_that_counts_is_not_retired(backend: &dyn Backend) {
    let key = night(backend).await;
    append(backend, vec![report(ONE, [1, 0, 0]).to(key), report(ONE, [1, 0, 0]).of(SECOND).to(key)]).await;
    for (what, submission, expected) in [
        ("it counts in two contests", to(key, retire(ONE)), "refused unit_in_use"),
        ("the whole", to(key, retire(hustings_core::UnitNumber(0))), "refused root_stays"),
        ("boxes stand in it", to(key, retire(STATION)), "refused unit_in_use"),
        ("there is none", to(key, retire(hustings_core::UnitNumber(99))), "refused unknown_unit"),
        ("one is withdrawn", report(ONE, [0; 3]).withdrawn().next().to(key), "changed 8"),
        ("it counts in one", to(key, retire(ONE)), "refused unit_in_use"),
        ("both are withdrawn", report(ONE, [0; 3]).withdrawn().next().of(SECOND).to(key), "changed 9"),
        ("it counts nowhere", to(key, retire(ONE)), "accepted 10"),
        ("again", to(key, retire(ONE)), "unchanged"),
        ("nothing more is taken from it", report(ONE, [1, 0, 0]).next().to(key), "refused box_retired"),
        ("what was taken is known", report(ONE, [1, 0, 0]).to(key), "superseded 6"),
        ("it never reported", to(key, retire(TWO)), "accepted 11"),
        ("nothing that reports stands in it", to(key, retire(STATION)), "accepted 12"),
        ("it cannot take others in", to(key, add_units(vec![ballot_box("late", "oslo-1")])), "refused units_moved"),
    ] {
        assert_eq!(answers(backend, vec![submission]).await, [expected], "{what}");
    }
}

pub(super) async fn reports_need_their_format(backend: &dyn Backend) {
    let key = night(backend).await;
    backend.force_format(Format::FIRST).await;
    let batch = vec![
        report(ONE, [1, 0, 0]).to(key),
        to(key, add_units(vec![ballot_box("late", "oslo-1")])),
        to(key, retire(TWO)),
        to(key, add_contest(race("third", 2, OSLO))),
    ];
    assert_eq!(answers(backend, batch.clone()).await, ["refused format_too_old"; 4]);
    backend.force_format(Format::NEWEST).await;
    assert_eq!(answers(backend, batch).await, ["accepted 6", "accepted 7", "accepted 8", "accepted 9"]);
}
