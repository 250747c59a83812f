//! Reports that contradict others wait for a person, who decides once.

use hustings::ledger::{Case, ElectionKey, Settled};
use hustings_core::{Revision, Seq, Time};
use tokio::task::JoinSet;

use crate::conformance::Backend;
use crate::conformance::night::*;
use crate::conformance::support::*;

fn case(election: ElectionKey, digest: u8) -> Case {
    Case {
        election,
        digest: [digest; 32],
        contest: SECOND,
        ballot_box: TWO,
        revision: Revision(u32::MAX),
        existing: Seq(6),
        request: vec![digest, 0, 255, b'{'],
        by: text("clerk"),
        time: Time(77),
        settled: None,
    }
}

fn dismissed(by: &str) -> Settled {
    Settled { filed: None, by: text(by), reason: Some(text("a typing error")), time: Time(99) }
}

pub(super) async fn a_contradiction_is_one_case(backend: &dyn Backend) {
    let (key, other) = (night(backend).await, night(backend).await);
    let reports = backend.reports();
    for sent in [
        case(key, 1),
        Case { request: b"sent again".to_vec(), by: text("another"), time: Time(78), ..case(key, 1) },
        Case { settled: Some(dismissed("nobody")), ..case(key, 1) },
        case(other, 1),
        case(key, 2),
    ] {
        reports.quarantine(sent).await.expect("kept, or there already");
    }
    assert_eq!(reports.cases(key, None, false, 10).await.expect("cases"), [case(key, 1), case(key, 2)]);
    assert_eq!(reports.cases(other, None, false, 10).await.expect("cases"), [case(other, 1)]);
    let heads = backend.ledger().heads(&[key]).await.expect("the heads");
    assert_eq!(heads[0].1.seq, Seq(BEGUN), "what waits is in no ledger");
}

pub(super) async fn cases_follow_each_other(backend: &dyn Backend) {
    let key = night(backend).await;
    let reports = backend.reports();
    for digest in [9, 1, 255, 0, 5] {
        reports.quarantine(case(key, digest)).await.expect("kept");
    }
    for digest in [0, 5] {
        assert!(reports.settle(key, [digest; 32], dismissed("host")).await.expect("an answer"));
    }
    for (after, waiting, limit, expected) in [
        (None, false, 10, &[0, 1, 5, 9, 255][..]),
        (None, false, 2, &[0, 1]),
        (Some(1), false, 2, &[5, 9]),
        (Some(9), false, 2, &[255]),
        (Some(255), false, 2, &[]),
        (None, true, 10, &[1, 9, 255]),
        (Some(1), true, 1, &[9]),
        (None, true, 0, &[]),
    ] {
        let page = reports.cases(key, after.map(|digest| [digest; 32]), waiting, limit).await.expect("a page");
        let digests: Vec<u8> = page.iter().map(|case| case.digest[0]).collect();
        assert_eq!(digests, expected, "after {after:?}, waiting {waiting}, at most {limit}");
    }
}

pub(super) async fn a_case_is_found_by_its_digest(backend: &dyn Backend) {
    let (key, other) = (night(backend).await, night(backend).await);
    let reports = backend.reports();
    reports.quarantine(case(key, 3)).await.expect("kept");
    assert_eq!(reports.case(key, [3; 32]).await.expect("a look-up"), Some(case(key, 3)));
    assert_eq!(reports.case(key, [4; 32]).await.expect("a look-up"), None);
    assert_eq!(reports.case(other, [3; 32]).await.expect("a look-up"), None);
}

pub(super) async fn a_case_is_settled_once(backend: &dyn Backend) {
    let key = night(backend).await;
    let reports = backend.reports();
    let filed = Settled { filed: Some(Seq(8)), by: text("host"), reason: None, time: Time(99) };
    for (digest, settled) in [(1, dismissed("host")), (2, filed.clone())] {
        reports.quarantine(case(key, digest)).await.expect("kept");
        assert!(reports.settle(key, [digest; 32], settled.clone()).await.expect("an answer"));
        for late in [dismissed("another"), settled.clone()] {
            assert!(!reports.settle(key, [digest; 32], late).await.expect("an answer"), "settled before");
        }
        // What is in the ledger counts: that it was filed takes the place of a dismissal, once.
        let is_dismissed = settled.filed.is_none();
        assert_eq!(reports.settle(key, [digest; 32], filed.clone()).await.expect("an answer"), is_dismissed);
        assert!(!reports.settle(key, [digest; 32], settled).await.expect("an answer"), "settled before");
        let expected = Case { settled: Some(filed.clone()), ..case(key, digest) };
        assert_eq!(reports.case(key, [digest; 32]).await.expect("a look-up"), Some(expected.clone()));
        // What was decided stays decided when the same is sent again.
        reports.quarantine(case(key, digest)).await.expect("there already");
        assert_eq!(reports.case(key, [digest; 32]).await.expect("a look-up"), Some(expected));
    }
    assert!(!reports.settle(key, [7; 32], dismissed("host")).await.expect("an answer"), "no such case");
}

pub(super) async fn racing_to_settle_a_case_has_one_winner(backend: &dyn Backend) {
    let key = night(backend).await;
    backend.reports().quarantine(case(key, 1)).await.expect("kept");
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let reports = backend.reports();
        let settled = dismissed(&format!("person {number}"));
        tasks.spawn(async move {
            let won = reports.settle(key, [1; 32], settled.clone()).await.expect("an answer");
            won.then_some(settled)
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let kept = backend.reports().case(key, [1; 32]).await.expect("a look-up").expect("the case");
    assert_eq!(winners.iter().map(Some).collect::<Vec<_>>(), [kept.settled.as_ref()]);
}
