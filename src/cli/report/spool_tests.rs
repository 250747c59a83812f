//! Power cuts at every instant, as far as a folder can show them.

use serde_json::json;

use super::*;

fn spool() -> (tempfile::TempDir, Spool, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("night.csv");
    fs::write(&source, format!("box\n{}", "b\n".repeat(10_001))).unwrap();
    let spool = Spool::open(&folder.path().join("spool")).unwrap();
    (folder, spool, source)
}

fn receipts(lines: &[Line]) -> Vec<Value> {
    lines.iter().map(|line| json!({ "line": line.line, "status": "counted" })).collect()
}

#[test]
fn what_is_taken_is_sent_part_by_part_and_then_done() {
    let (folder, mut spool, source) = spool();
    let done = After::MoveTo(folder.path().join("done"));
    let job = spool.take(&source, "e", &done).unwrap().unwrap();
    assert!(spool.take(&source, "e", &After::Stay).unwrap().is_none(), "one file is sent once");
    assert_eq!((job.about.lines, job.about.parts), (10_001, 2));
    let first = job.part(1).unwrap().unwrap();
    job.answered(1, &receipts(&first)).unwrap();
    drop((job, spool));
    // The same after a restart, with the part that a crash left behind.
    let mut spool = Spool::open(&folder.path().join("spool")).unwrap();
    let job = spool.jobs().unwrap().pop().unwrap();
    fs::write(part(&job.folder, 1), "left behind").unwrap();
    assert!(job.part(1).unwrap().is_none());
    let second = job.part(2).unwrap().unwrap();
    assert_eq!(second.len(), 2);
    job.answered(2, &receipts(&second)).unwrap();
    let (receipts, mut seen) = (job.about.receipts.clone(), 0);
    job.finish(|_| seen += 1).unwrap();
    assert_eq!((seen, fs::read_to_string(receipts).unwrap().lines().count()), (10_001, 10_001));
    assert!(!source.exists() && folder.path().join("done/night.csv").exists());
    assert!(spool.jobs().unwrap().is_empty());
}

#[test]
fn receipts_of_one_election_stay_whatever_becomes_of_another() {
    let (_folder, mut spool, source) = spool();
    let [x, y] = ["../x", "y"].map(|election| spool.take(&source, election, &After::Stay).unwrap().unwrap());
    for job in [&x, &y] {
        let first = job.part(1).unwrap().unwrap();
        job.answered(1, &receipts(&first)).unwrap();
    }
    let second = y.part(2).unwrap().unwrap();
    y.answered(2, &receipts(&second)).unwrap();
    let names = [&x, &y].map(|job| job.about.receipts.clone());
    let expected = ["night.csv...%2Fx.receipts.ndjson", "night.csv.y.receipts.ndjson"];
    assert_eq!(names, expected.map(|name| source.canonicalize().unwrap().with_file_name(name)));
    y.finish(|_| ()).unwrap();
    assert_eq!(x.forget().unwrap(), 2, "lines without an answer");
    let lines = names.map(|name| fs::read_to_string(name).unwrap().lines().count());
    assert_eq!(lines, [9_999, 10_001]);
}

#[test]
fn a_file_half_taken_is_not_in_the_spool() {
    let (folder, mut spool, source) = spool();
    let job = spool.take(&source, "e", &After::Stay).unwrap().unwrap();
    fs::rename(&job.folder, job.folder.with_extension(UNFINISHED)).unwrap();
    drop(spool);
    let mut spool = Spool::open(&folder.path().join("spool")).unwrap();
    assert!(spool.jobs().unwrap().is_empty());
    assert!(spool.take(&source, "e", &After::Stay).unwrap().is_some());
}

#[test]
fn a_file_without_reports_leaves_nothing_behind() {
    let (folder, mut spool, source) = spool();
    fs::write(&source, "box\n").unwrap();
    assert!(spool.take(&source, "e", &After::Stay).is_err());
    assert_eq!(folders(&folder.path().join("spool")).unwrap(), Vec::<PathBuf>::new());
    fs::write(&source, "box\nb\n").unwrap();
    assert!(spool.take(&source, "e", &After::Stay).unwrap().is_some(), "it is taken once it has some");
}

#[test]
fn two_senders_do_not_share_a_spool() {
    let (folder, _spool, _) = spool();
    let error = Spool::open(&folder.path().join("spool")).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
}

#[test]
fn a_name_that_was_there_before_is_kept_apart() {
    let (folder, mut spool, source) = spool();
    fs::create_dir(folder.path().join("done")).unwrap();
    fs::write(folder.path().join("done/night.csv"), "yesterday").unwrap();
    let job = spool.take(&source, "e", &After::MoveTo(folder.path().join("done"))).unwrap().unwrap();
    let moved_to = job.about.moved_to.unwrap();
    assert!(moved_to.to_string_lossy().ends_with("-night.csv"), "{moved_to:?}");
}
