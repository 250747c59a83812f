//! Reports that contradict one that is in the ledger: each becomes a case, once, however often it is sent.

use hustings_core::{Content, Rejection, Report, SubmissionId};
use sha2::{Digest as _, Sha256};

use crate::export::hex;
use crate::http::Services;
use crate::http::error::Problem;
use crate::http::receipt::Receipt;
use crate::ledger::{Case, Digest, Registered, Stored};

/// Keeps a report for a person to decide about, and says so. Nothing is answered before the case is stored.
pub(super) async fn keep(services: &Services, found: &Registered, report: Report, existing: &Stored) -> Problem {
    let digest = digest(&report);
    let case = Case {
        election: found.key,
        digest,
        contest: report.contest,
        ballot_box: report.ballot_box,
        revision: report.revision.unwrap_or_default(),
        existing: existing.entry.seq,
        request: report.request,
        by: report.by,
        time: services.clock.now(),
        settled: None,
    };
    let kept = async {
        match services.reports.case(found.key, digest).await? {
            Some(_) => Ok(()),
            None => services.reports.quarantine(case).await,
        }
    };
    if let Err(error) = kept.await {
        return error.into();
    }
    let rejection = Rejection::ExistsWithDifferentVotes { current: existing.entry.seq };
    let receipt = Receipt::new(&services.keys, found, existing);
    let detail = "this box has reported something else with this revision, other counts or another status; both are kept, and a \
                  person decides about this one. Send a correction, or final counts after provisional ones, with a higher revision";
    Problem::rejected(rejection, Some(receipt)).saying(detail).pointing_to("/revision").in_case(hex(&digest))
}

/// What a contradiction is known by: the hash over contest, box, revision and content, all integers big-endian.
fn digest(report: &Report) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"hustings-case-1");
    hash.update(report.contest.0.to_be_bytes());
    hash.update(report.ballot_box.0.to_be_bytes());
    hash.update(report.revision.unwrap_or_default().0.to_be_bytes());
    hash.update(report.content.name().as_bytes());
    if let Content::Filed(counts) = &report.content {
        for number in [counts.blank, counts.invalid, counts.cast] {
            hash.update(number.to_be_bytes());
        }
        for (choice, votes) in &counts.votes {
            hash.update(choice.0.to_be_bytes());
            hash.update(votes.to_be_bytes());
        }
    }
    hash.finalize().into()
}

/// The id under which a case is filed. It follows from the case alone, so that it is filed once, whoever repeats it.
pub(super) fn id_of(digest: &Digest) -> SubmissionId {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *digest;
    SubmissionId(uuid::Uuid::from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]))
}
