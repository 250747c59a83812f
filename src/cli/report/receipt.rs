//! `hustings report receipt`: whether the reports of a box have arrived.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use crate::cli::election::{ElectionArgs, encoded, query};
use crate::cli::output::Output;

/// Which box.
#[derive(Debug, Args)]
pub(super) struct ReceiptArgs {
    /// The code of the box.
    ballot_box: String,
    /// The contest, by its code; needed where there are several.
    #[arg(long)]
    contest: Option<String>,
    /// This revision, and not the one that counts.
    #[arg(long)]
    revision: Option<u32>,
    #[command(flatten)]
    election: ElectionArgs,
}

impl ReceiptArgs {
    /// Asks and prints; whether there is a receipt.
    pub(super) async fn print(&self) -> anyhow::Result<bool> {
        let revision = self.revision.map(|revision| revision.to_string());
        let query = query(&[("contest", self.contest.as_deref()), ("revision", revision.as_deref())]);
        let path = self.election.path(&format!("boxes/{}/receipt{query}", encoded(&self.ballot_box)));
        let answer = self.election.api().await?.json("GET", &path, None).await?;
        if self.election.server.json {
            writeln!(Output, "{answer}")?;
            return Ok(true);
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let receipt = &answer["receipt"];
        let (id, time, contest) = (text(&receipt["id"]), text(&receipt["time"]), text(&answer["contest"]));
        let (revision, status) = (&answer["revision"], text(&answer["status"]));
        writeln!(Output, "{id}  {time}  contest {contest}, revision {revision}, {status}")?;
        Ok(true)
    }
}
