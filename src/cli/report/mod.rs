//! `hustings report`: sends what ballot boxes reported until each line has its answer, and asks what has arrived.
//!
//! Invariant: what was taken into the spool is sent, whatever happens to this program, its machine or the server, and
//! every line of it is counted once; the command ends with 0 only where every report was accepted or known.
//! It must not know: what a report says.

mod answer;
mod file;
mod receipt;
mod send;
mod show;
mod split;
mod spool;
mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use self::receipt::ReceiptArgs;
pub(super) use self::send::Sender;
use self::send::Sent;
pub(super) use self::split::{LINES_MAX, Line};
use self::spool::{About, After, Job, Spool};
use super::election::ElectionArgs;
use super::numbers::several;
use super::output::{Output, note};
use super::session::{self, Ended};
use crate::clock::Random;

/// What to do with reports.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send files of reports, CSV with a header or JSON, one a line or all in a list, and keep their receipts. Stopped at any moment, the same
    /// command goes on where it was; without a file it only goes on.
    Send(SendArgs),
    /// Take files out of the spool that were to be sent to an election, such as one that does not exist. The files stay, and
    /// so do their receipts.
    Forget(ForgetArgs),
    /// Ask whether the report of a box has arrived: its receipt.
    Receipt(ReceiptArgs),
}

#[derive(Debug, Args)]
struct SendArgs {
    /// The files.
    #[arg(conflicts_with = "watch")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    election: ElectionArgs,
    /// Send whatever appears in this folder, until Ctrl-C. A file is taken when its name does not end in .part or .tmp, and
    /// it has not changed for two seconds, or for ten where its last line does not end. When it is answered, it goes into
    /// the folder's `done` with its receipts.
    #[arg(long, value_name = "FOLDER")]
    watch: Option<PathBuf>,
    #[command(flatten)]
    spool: SpoolArgs,
    /// Give up after so many seconds without any answer; without it, never.
    #[arg(long, value_name = "SECONDS")]
    give_up_after: Option<u64>,
}

#[derive(Debug, Args)]
struct ForgetArgs {
    /// The election, as it was named when the files were sent.
    #[arg(long, env = "HUSTINGS_ELECTION", value_name = "NAME")]
    election: String,
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Args)]
struct SpoolArgs {
    /// Where reports wait until they are answered.
    #[arg(long = "spool", value_name = "FOLDER", default_value = SPOOL)]
    folder: PathBuf,
}

const SPOOL: &str = "./hustings-spool";

impl SpoolArgs {
    /// The command that takes what waits for an election out of this spool, to be typed as it stands.
    fn forget(&self, election: &str) -> String {
        let spool = match &self.folder {
            folder if folder == Path::new(SPOOL) => String::new(),
            folder => format!(" --spool {}", quoted(&folder.display().to_string())),
        };
        format!("hustings report forget --election {}{spool}", quoted(election))
    }
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Runs the command to its end; not to be called inside an async runtime.
pub(super) fn run(args: &ReportArgs, random: &dyn Random) -> anyhow::Result<ExitCode> {
    session::run(async {
        match &args.what {
            What::Send(args) => send(args, random).await.map(Ended::from),
            What::Forget(args) => forget(args).map(Ended::from),
            What::Receipt(args) => args.print().await.map(Ended::from),
        }
    })
}

async fn send(args: &SendArgs, random: &dyn Random) -> anyhow::Result<bool> {
    let election = &args.election.election;
    let mut spool = Spool::open(&args.spool.folder)?;
    let give_up_after = args.give_up_after.map(Duration::from_secs);
    let (api, path) = (args.election.api().await?, args.election.path("reports/bulk"));
    let mut sender = Sender::new(api, path, give_up_after, args.spool.forget(election), random);
    let mut sent = Sent::default();
    let (ours, others): (Vec<Job>, Vec<Job>) =
        spool.jobs()?.into_iter().partition(|job| job.about.election == *election);
    // What waits for others says nothing of how this election's reports went.
    for About { source, election, .. } in others.iter().map(|job| &job.about) {
        note(&format!(
            "{} waits in the spool for the election `{election}`: send it with --election {}, or take it out with: {}",
            source.display(),
            quoted(election),
            args.spool.forget(election)
        ));
    }
    for job in ours {
        work_off(&mut sender, job, &mut sent).await?;
    }
    // All of them are on disk before the first request leaves. One that cannot be read holds up no other.
    let mut jobs = Vec::with_capacity(args.files.len());
    for file in &args.files {
        if spool::are_receipts(file) {
            note(&format!("{} holds the receipts of an earlier send: it is passed over", file.display()));
            continue;
        }
        match spool.take(file, election, &After::Stay) {
            Ok(job) => jobs.extend(job),
            Err(error) => sent.not_taken(file, &error),
        }
    }
    for job in jobs {
        work_off(&mut sender, job, &mut sent).await?;
    }
    if let Some(folder) = &args.watch {
        watch::watch(folder, &mut spool, &mut sender, election, args.election.server.json).await?;
    }
    sent.print(args.election.server.json)?;
    Ok(sent.is_well())
}

fn forget(args: &ForgetArgs) -> anyhow::Result<bool> {
    let jobs = Spool::open(&args.spool.folder)?.jobs()?;
    let jobs: Vec<Job> = jobs.into_iter().filter(|job| job.about.election == args.election).collect();
    if jobs.is_empty() {
        note(&format!("nothing waits in the spool for the election `{}`", args.election));
        return Ok(false);
    }
    for job in jobs {
        let shown = job.about.source.display().to_string();
        let lines = job.forget()?;
        let (lines, have) = (several(lines, "line", "lines"), if lines == 1 { "has" } else { "have" });
        writeln!(Output, "{shown}: out of the spool, with {lines} that {have} no answer")?;
    }
    Ok(true)
}

/// Sends what is left of a file, and takes it out of the spool.
async fn work_off(sender: &mut Sender<'_>, job: Job, sent: &mut Sent) -> anyhow::Result<()> {
    sender.begin(&job.about);
    for number in 1..=job.about.parts {
        if let Some(lines) = job.part(number)? {
            let receipts = sender.send(job.about.header.as_deref(), &lines).await?;
            job.answered(number, &receipts)?;
        } else {
            sender.passed_over(number, &job.about);
        }
    }
    sender.end();
    let about = job.about.clone();
    job.finish(|receipt| sent.add(&about, receipt))?;
    sent.file(&about.receipts);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_forget_names_the_spool_where_it_is_another() {
        for (folder, election, expected) in [
            (SPOOL, "A5KYQ5", "--election A5KYQ5"),
            ("/var/spool/night", "north-east", "--election north-east --spool /var/spool/night"),
            ("it's here", "a b", r"--election 'a b' --spool 'it'\''s here'"),
        ] {
            let spool = SpoolArgs { folder: PathBuf::from(folder) };
            assert_eq!(spool.forget(election), format!("hustings report forget {expected}"));
        }
    }
}
