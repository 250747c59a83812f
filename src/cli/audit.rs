//! `hustings audit`: who changed what, when and why, entry by entry; and what stays of what was removed.
//!
//! It must not know: how entries are kept.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::election::{REHEARSAL, ServerArgs, about, path, query};
use super::history::signed;
use super::hours::Hours;
use super::numbers::several;
use super::output::{Output, note};
use super::results::print_rows;

/// Which entries.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// The election, by id, code or slug.
    #[arg(long, env = "HUSTINGS_ELECTION", value_name = "NAME", required_unless_present = "removed")]
    election: Option<String>,
    /// What was removed, by whom, when and why, instead of the entries of one election; needs a token with the scope admin.
    #[arg(long, conflicts_with_all = ["kind", "ballot_box", "unit", "by", "from", "to", "after"])]
    removed: bool,
    /// Kinds of entries, with commas between: first, correction, withdrawal, late, opened and so on.
    #[arg(long)]
    kind: Option<String>,
    /// Only the reports of this box.
    #[arg(long = "box", value_name = "BOX")]
    ballot_box: Option<String>,
    /// Only what is about this unit and what stands in it.
    #[arg(long)]
    unit: Option<String>,
    /// Only what this token sent.
    #[arg(long)]
    by: Option<String>,
    /// From this time on (RFC 3339, or local in the election's zone).
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until just before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Entries after this place in the ledger.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// At most so many lines; without it, all.
    #[arg(long)]
    limit: Option<u64>,
}

const PAGE_MAX: u64 = 1_000;
const REMOVED_PAGE_MAX: u64 = 100;

/// Prints page by page, so that a night of a million reports needs no more memory than one of ten.
pub(super) async fn audit(args: AuditArgs) -> anyhow::Result<ExitCode> {
    if args.removed {
        return removed(&args).await;
    }
    let api = args.server.api().await?;
    // Needed unless `--removed` is given.
    let election = args.election.as_deref().unwrap_or_default();
    let (mut after, mut left) = (args.after, args.limit.unwrap_or(u64::MAX));
    let mut is_first = true;
    // What is told for people needs to know more of the election than its entries say.
    let about = if args.server.json { Value::Null } else { about(&api, election).await? };
    let hours = Hours::of(&about["zone"]);
    if about["rehearsal"] == true {
        writeln!(Output, "{REHEARSAL}\n")?;
    }
    while left > 0 {
        let (place, limit) = (after.map(|after| after.to_string()), left.min(PAGE_MAX).to_string());
        let query = query(&[
            ("format", Some("json")),
            ("kind", args.kind.as_deref()),
            ("box", args.ballot_box.as_deref()),
            ("unit", args.unit.as_deref()),
            ("by", args.by.as_deref()),
            ("from", args.from.as_deref()),
            ("to", args.to.as_deref()),
            ("after", place.as_deref()),
            ("limit", Some(&limit)),
        ]);
        let page = api.json("GET", &path(election, &format!("audit{query}")), None).await?;
        let lines = page["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
        if args.server.json {
            lines.iter().try_for_each(|line| writeln!(Output, "{line}"))?;
        } else if lines.is_empty() && is_first {
            note("there are no such entries");
        } else {
            let heads = ["seq", "time", "kind", "box", "contest", "rev", "by", "what", "why"];
            let heads = if is_first { heads } else { [""; 9] };
            print_rows(&heads, &lines.iter().map(|line| row(line, &hours)).collect::<Vec<_>>())?;
        }
        is_first = false;
        left = left.saturating_sub(lines.len() as u64);
        after = page["next"].as_u64();
        if after.is_none() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines that stay of removed polls and elections, page by page.
async fn removed(args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let api = args.server.api().await?;
    let (mut cursor, mut left) = (None, args.limit.unwrap_or(u64::MAX));
    let mut is_first = true;
    while left > 0 {
        let limit = left.min(REMOVED_PAGE_MAX).to_string();
        let query = query(&[("cursor", cursor.as_deref()), ("limit", Some(&limit))]);
        let page = api.json("GET", &format!("/api/v1/removed{query}"), None).await?;
        let lines = page["removed"].as_array().map(Vec::as_slice).unwrap_or_default();
        if args.server.json {
            lines.iter().try_for_each(|line| writeln!(Output, "{line}"))?;
        } else if lines.is_empty() && is_first {
            note("nothing was removed");
        } else {
            let heads = if is_first { REMOVED_HEADS } else { [""; 8] };
            print_rows(&heads, &lines.iter().map(removed_row).collect::<Vec<_>>())?;
        }
        is_first = false;
        left = left.saturating_sub(lines.len() as u64);
        cursor = page["next"].as_u64().map(|next| next.to_string());
        if cursor.is_none() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const REMOVED_HEADS: [&str; 8] = ["removed", "code", "title", "kind", "entries", "chain", "by", "why"];

fn removed_row(line: &Value) -> Vec<String> {
    let text = |name: &str| line[name].as_str().map_or_else(|| number(&line[name]), str::to_owned);
    ["removed", "code", "title", "kind", "entries", "chain", "removed_by", "reason"].map(text).into()
}

fn row(line: &Value, hours: &Hours) -> Vec<String> {
    let text = |name: &str| line[name].as_str().map_or_else(|| number(&line[name]), str::to_owned);
    let unit = if line["box"].is_string() { text("box") } else { text("unit") };
    let votes = line["votes"].as_object().into_iter().flatten();
    let votes = votes.map(|(choice, votes)| format!("{choice} {}", signed(votes))).collect::<Vec<_>>().join("  ");
    // Of units that came at once, only the first one is named.
    let units = line["units"].as_u64().map(|units| several(units, "unit", "units")).unwrap_or_default();
    let what =
        [text("status"), votes, units].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    vec![
        text("seq"),
        hours.tell(&line["time"]),
        text("kind"),
        unit,
        text("contest"),
        text("revision"),
        text("by"),
        what,
        text("reason"),
    ]
}

fn number(value: &Value) -> String {
    value.as_u64().map(|number| number.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_one_row() {
        let line = json!({ "seq": 7, "time": "2013-11-03T23:00:00.000Z", "kind": "correction", "box": "b1", "contest": "main", "revision": 2,
            "by": "desk 4", "status": "final", "votes": { "joly": -3 }, "reason": "two digits exchanged" });
        let hours = Hours::of(&json!("America/Montreal"));
        let wanted = [
            "7",
            "2013-11-03T18:00:00-05:00",
            "correction",
            "b1",
            "main",
            "2",
            "desk 4",
            "final  joly -3",
            "two digits exchanged",
        ];
        assert_eq!(row(&line, &hours), wanted);
        let added = row(&json!({ "seq": 1, "kind": "unit_added", "unit": "d1", "units": 4_165 }), &hours);
        assert_eq!((&*added[3], &*added[7]), ("d1", "4,165 units"));
    }
}
