//! `kill -9` at any instant loses nothing that was acknowledged, and counts nothing twice.

use hustings::load::Report;

use crate::campaign::{Campaign, Verdict};
use crate::server::Program;
use crate::setting;

#[tokio::test]
async fn no_kill_loses_doubles_or_invents_a_vote() {
    let seed = setting::seed("kill");
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::real(folder.path(), &folder.path().join("data"));
    let (mut campaign, server) = Campaign::start(&program, seed, |report| !report.is_exact()).await;
    let verdict = campaign.run(server, setting::kills()).await;
    let coverage = &campaign.coverage;
    println!("{coverage}");
    if let Verdict::Caught(report) = verdict {
        panic!("kill {} of seed {seed} broke a promise:\n{report}", coverage.kills);
    }
    assert!(coverage.missing().is_empty(), "void, because no kill came {:?}; seed {seed}", coverage.missing());
}

#[tokio::test]
async fn a_server_that_answers_before_the_commit_is_caught() {
    const KILLS: u32 = 5;
    let seed = setting::seed("sabotage");
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::new(setting::sabotaged(), folder.path(), &folder.path().join("data"));
    // Its receipts are wrong as well; what must be seen is the loss.
    let has_lost = |report: &Report| report.lost > 0;
    let (mut campaign, server) = Campaign::start(&program, seed, has_lost).await;
    match campaign.run(server, KILLS).await {
        Verdict::Caught(report) => {
            println!("caught after kill {}: {} votes lost", campaign.coverage.kills, report.lost);
        }
        Verdict::Exact => panic!("{KILLS} kills did not catch a server that answers before the commit; seed {seed}"),
    }
}
