//! Titles that are corrected: at any time, as an entry, and never as one that says nothing new.

use hustings_core::{
    Act, ActKind, Change, ContestNumber, ContestState, Election, ElectionState, Entry, Event, Fold, FoldError, Method,
    Recount, Retitled, Schedule, Seq, Text, Time, Verdict, Visibility, decide_title,
};

use crate::support::{contest, election, text};

fn drinks() -> Election {
    election(contest(Method::Single, Change::Final), Visibility::OnReveal, Schedule::default())
}

fn act(title: &Text) -> Act {
    let kind = ActKind::Retitle(title.clone());
    Act { contest: ContestNumber::NONE, kind, by: text("host"), reason: Some(text("a typing error")) }
}

fn retitled(title: &str) -> Retitled {
    Retitled { title: text(title), by: text("host"), reason: Some(text("a typing error")) }
}

fn bytes(seq: u64, title: &str) -> Vec<u8> {
    Entry { seq: Seq(seq), time: Time(seq), event: Event::Retitled(retitled(title)) }.to_bytes()
}

#[test]
fn a_title_is_corrected_whatever_the_state() {
    let drinks = drinks();
    for status in [
        ContestState::Draft { schedule: Schedule::default() },
        ContestState::Open { closes_at: None, revealed: false },
        ContestState::Paused { closes_at: None, revealed: false },
        ContestState::Closed { revealed: true },
        ContestState::Archived { revealed: false },
    ] {
        let mut state = ElectionState { contests: vec![status.clone()], ..ElectionState::new(&drinks) };
        let title = text("What shall we eat?");
        let verdict = decide_title(&drinks, &mut state, &title, &act(&title));
        assert_eq!(verdict, Verdict::Accept(Event::Retitled(retitled("What shall we eat?"))), "{status:?}");
        assert_eq!(
            (state.title(&drinks), state.state_entries),
            (&title, 1),
            "masked outputs have a version of their own"
        );
        assert_eq!(state.contests, [status]);
        assert_eq!(decide_title(&drinks, &mut state, &title, &act(&title)), Verdict::Unchanged);
        let back = drinks.title.clone();
        assert!(matches!(decide_title(&drinks, &mut state, &back, &act(&back)), Verdict::Accept(_)), "it may go back");
    }
    let mut state = ElectionState::new(&drinks);
    assert_eq!(decide_title(&drinks, &mut state, &drinks.title, &act(&drinks.title)), Verdict::Unchanged);
    assert_eq!(state, ElectionState::new(&drinks));
}

#[test]
fn the_fold_knows_the_last_title_and_a_recount_refuses_one_that_says_nothing_new() {
    let drinks = drinks();
    let mut fold = Fold::new(&drinks);
    fold.apply(&bytes(1, "A")).expect("a title");
    fold.apply(&bytes(2, "B")).expect("a title");
    assert_eq!((fold.state.title(&drinks).as_str(), fold.tally.iter().count()), ("B", 0), "nothing is counted");
    assert_eq!(fold.apply(&bytes(3, "B")), Err(FoldError::Idle(Seq(3))));
    let mut recount = Recount::new(&drinks);
    assert_eq!(recount.apply(&bytes(1, drinks.title.as_str())), Err(FoldError::Idle(Seq(1))), "that of the definition");
    let mut recount = Recount::new(&drinks);
    for (seq, title) in [(1, "A"), (2, drinks.title.as_str()), (3, "B")] {
        recount.apply(&bytes(seq, title)).expect("a title");
    }
    assert_eq!(recount.fold().state.title(&drinks).as_str(), "B");
}
