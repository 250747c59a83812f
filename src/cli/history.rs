//! `hustings history`: what came in between two times, by city, contest or box, and hour by hour.
//!
//! It must not know: how it is found out.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::election::{ElectionArgs, REHEARSAL, about, advised, query};
use super::hours::Hours;
use super::numbers::thousands;
use super::output::Output;
use super::results::print_rows;

/// Which part of the night.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    election: ElectionArgs,
    /// From this time on (RFC 3339, or local in the election's zone).
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until just before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// What is told together.
    #[arg(long, default_value = "city")]
    by: By,
    /// Only this unit and what stands in it.
    #[arg(long)]
    unit: Option<String>,
    /// Only this contest; needed where several are held there, but by contest and without intervals.
    #[arg(long)]
    contest: Option<String>,
    /// Also in intervals of this length, such as 15m or 1h.
    #[arg(long, value_name = "LENGTH")]
    interval: Option<String>,
    /// At most so many groups.
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    City,
    Contest,
    Box,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::Contest => "contest",
            Self::Box => "box",
        }
    }
}

pub(super) async fn history(args: HistoryArgs) -> anyhow::Result<ExitCode> {
    let limit = args.limit.to_string();
    let query = query(&[
        ("from", args.from.as_deref()),
        ("to", args.to.as_deref()),
        ("by", Some(args.by.name())),
        ("unit", args.unit.as_deref()),
        ("contest", args.contest.as_deref()),
        ("interval", args.interval.as_deref()),
        ("limit", Some(&limit)),
    ]);
    let path = args.election.path(&format!("history{query}"));
    let api = args.election.api().await?;
    let answer = api.json("GET", &path, None).await.map_err(advised)?;
    if args.election.server.json {
        writeln!(Output, "{answer}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = |list: &Value, name: &dyn Fn(&Value) -> String| -> Vec<Vec<String>> {
        list.as_array().into_iter().flatten().map(|one| row(name(one), one)).collect()
    };
    let hours = Hours::of(&answer["zone"]);
    if about(&api, &args.election.election).await?["rehearsal"] == true {
        writeln!(Output, "{REHEARSAL}")?;
    }
    writeln!(Output, "from {} until before {}\n", hours.tell(&answer["from"]), hours.tell(&answer["to"]))?;
    let mut groups = rows(&answer["groups"], &|group| text(&group["name"]));
    // Of several contests there is no whole.
    if answer["total"].is_object() {
        groups.push(row("in all".to_owned(), &answer["total"]));
    }
    print_rows(&[args.by.name(), "new boxes", "new votes", "boxes", "cast", "votes moved by"], &groups)?;
    if answer["more"] == true {
        writeln!(Output, "there are more; ask for them with --limit")?;
    }
    if answer["intervals"].is_array() {
        let intervals = rows(&answer["intervals"], &|interval| hours.tell(&interval["from"]));
        writeln!(Output)?;
        print_rows(&["from", "new boxes", "new votes", "boxes", "cast", "votes moved by"], &intervals)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(name: String, moved: &Value) -> Vec<String> {
    let (newly, net) = (&moved["newly_reported"], &moved["net"]);
    let count = |value: &Value| thousands(value.as_u64().unwrap_or(0));
    let votes = net["votes"].as_object().into_iter().flatten();
    let votes = votes.map(|(choice, votes)| format!("{choice} {}", signed(votes))).collect::<Vec<_>>().join("  ");
    vec![name, count(&newly["boxes"]), count(&newly["votes"]), signed(&net["boxes"]), signed(&net["cast"]), votes]
}

/// A number that says in which direction something moved.
pub(super) fn signed(number: &Value) -> String {
    match number.as_i64() {
        Some(number) if number < 0 => format!("-{}", thousands(number.unsigned_abs())),
        Some(number) => format!("+{}", thousands(number.unsigned_abs())),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_what_is_new_and_what_moved() {
        let moved = json!({ "newly_reported": { "votes": 1_200, "boxes": 3 },
            "net": { "votes": { "joly": -5, "coderre": 1_205 }, "boxes": 3, "cast": 1_200 } });
        assert_eq!(row("d1".into(), &moved), ["d1", "3", "1,200", "+3", "+1,200", "coderre +1,205  joly -5"]);
    }
}
