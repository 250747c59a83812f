//! `hustings results`: the totals of an election of boxes, now or as they were, of all of it or of any unit.
//!
//! It must not know: how totals are made.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::election::{ElectionArgs, advised, query};
use super::hours::Hours;
use super::numbers::{several, thousands};
use super::output::Output;

/// Which results.
#[derive(Debug, Args)]
pub(super) struct ResultsArgs {
    #[command(flatten)]
    election: ElectionArgs,
    /// The code of a unit; without it, the whole election.
    #[arg(long)]
    unit: Option<String>,
    /// The code of a contest; without it, all that are held there.
    #[arg(long)]
    contest: Option<String>,
    /// The code of a choice: its votes alone.
    #[arg(long)]
    choice: Option<String>,
    /// Beside the totals, those of parties, of the units just below, or of the ways in which votes were cast.
    #[arg(long)]
    by: Option<By>,
    /// As they were just before this time (RFC 3339, or local in the election's zone), or at this version.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    Party,
    Unit,
    Channel,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Party => "party",
            Self::Unit => "unit",
            Self::Channel => "channel",
        }
    }
}

pub(super) async fn results(args: ResultsArgs) -> anyhow::Result<ExitCode> {
    let answer = ask(&args).await?;
    if args.election.server.json {
        writeln!(Output, "{answer}")?;
    } else if args.choice.is_some() {
        writeln!(Output, "{}", votes(&answer["votes"]))?;
    } else {
        Output.write_all(table(&answer).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// All of it: the units below come in pages.
async fn ask(args: &ResultsArgs) -> anyhow::Result<Value> {
    let api = args.election.api().await?;
    let mut whole = Value::Null;
    let mut after: Option<String> = None;
    loop {
        let query = query(&[
            ("unit", args.unit.as_deref()),
            ("contest", args.contest.as_deref()),
            ("choice", args.choice.as_deref()),
            ("by", args.by.map(By::name)),
            ("as_of", args.as_of.as_deref()),
            ("after", after.as_deref()),
        ]);
        let mut page = api.json("GET", &args.election.path(&format!("results{query}")), None).await.map_err(advised)?;
        after = page["next"].as_str().map(str::to_owned);
        if let (Some(children), Some(more)) = (whole["children"].as_array_mut(), page["children"].as_array_mut()) {
            children.append(more);
        } else {
            whole = page;
        }
        if after.is_none() {
            if let Value::Object(whole) = &mut whole {
                whole.remove("next");
            }
            return Ok(whole);
        }
    }
}

/// What people read.
fn table(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (title, unit) = (text(&answer["election"]["title"]), text(&answer["unit"]["name"]));
    let mut table = format!("{title}, {unit}: {}", text(&answer["status"]));
    match answer["time"].as_str() {
        Some(_) => table.push_str(&format!(", as of {}", Hours::of(&answer["zone"]).tell(&answer["time"]))),
        None if answer["hidden"] == true => {}
        None => table.push_str(", before the first entry"),
    }
    table.push('\n');
    if answer["hidden"] == true {
        table.push_str("the results are hidden for now; a token with the scope `results` sees them\n");
    }
    for contest in items(&answer["contests"]) {
        table.push_str(&format!("\n{} ({})\n{}", text(&contest["title"]), text(&contest["status"]), figures(contest)));
        for choice in items(&contest["choices"]) {
            let share = choice["share"].as_f64().map(|share| format!("{:.2} %", share * 100.0)).unwrap_or_default();
            table.push_str(&format!(
                "  {:>13} {share:>9}  {}\n",
                votes(&choice["votes"]),
                named(&choice["title"], &choice["party"])
            ));
        }
        for (channel, figures) in contest["channels"].as_object().into_iter().flatten() {
            let count = |name: &str, one: &str, more: &str| several(figures[name].as_u64().unwrap_or(0), one, more);
            let (of_votes, of_boxes) = (count("votes", "vote", "votes"), count("boxes", "box", "boxes"));
            table.push_str(&format!("  {channel}: {of_votes} from {of_boxes}\n"));
            if figures["choices"].is_object() {
                table.push_str(&format!("    {}\n", by_ballot(contest, &figures["choices"])));
            }
        }
    }
    for party in items(&answer["parties"]) {
        let name = party["name"].as_str().unwrap_or("without a party");
        table.push_str(&format!("\n  {:>13}  {name}, ahead in {}", votes(&party["votes"]), votes(&party["leads"])));
    }
    if answer["parties"].is_array() {
        table.push('\n');
    }
    for child in items(&answer["children"]) {
        table.push_str(&format!("\n{} ({})\n", text(&child["name"]), text(&child["code"])));
        for contest in items(&child["contests"]) {
            let whole = items(&answer["contests"]).find(|whole| whole["code"] == contest["code"]);
            let choices = by_ballot(whole.unwrap_or(&Value::Null), &contest["choices"]);
            table.push_str(&format!("{}  {}: {choices}\n", figures(contest), text(&contest["code"])));
        }
    }
    table
}

/// The votes of a contest's choices on one line, in the order of the ballot, which the contest has and an object does not keep.
fn by_ballot(contest: &Value, choices: &Value) -> String {
    let codes = items(&contest["choices"]).filter_map(|choice| choice["code"].as_str());
    codes.map(|code| format!("{code} {}", votes(&choices[code]))).collect::<Vec<_>>().join("  ")
}

/// The votes of choices, on one line.
pub(super) fn by_code(choices: &Value) -> String {
    let choices = choices.as_object().into_iter().flatten();
    choices.map(|(code, count)| format!("{code} {}", votes(count))).collect::<Vec<_>>().join("  ")
}

fn figures(contest: &Value) -> String {
    let boxes = &contest["boxes"];
    if !boxes.is_object() {
        return String::new();
    }
    let part = |name: &str| votes(&contest[name]);
    let turnout = match contest["turnout"].as_f64() {
        Some(turnout) if turnout > 1.0 => {
            format!(", turnout {:.2} % (more ballots than registered voters)", turnout * 100.0)
        }
        Some(turnout) => format!(", turnout {:.2} %", turnout * 100.0),
        None if contest["registered_in_part"].is_null() => String::new(),
        None => ", turnout – (registered voters are not known everywhere)".to_owned(),
    };
    let reported = match boxes["expected"].as_u64() {
        Some(expected) => format!("{} of {}", votes(&boxes["reported"]), several(expected, "box", "boxes")),
        None => format!("{} so far", several(boxes["reported"].as_u64().unwrap_or(0), "box", "boxes")),
    };
    format!(
        "  {reported}, {} of them provisional; {} cast, {} blank, {} invalid{turnout}\n",
        votes(&boxes["provisional"]),
        part("cast"),
        part("blank"),
        part("invalid")
    )
}

fn named(title: &Value, party: &Value) -> String {
    let title = title.as_str().unwrap_or_default();
    party.as_str().map_or_else(|| title.to_owned(), |party| format!("{title} ({party})"))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn votes(count: &Value) -> String {
    count.as_u64().map_or_else(|| "–".to_owned(), thousands)
}

/// Pads a text to a width, or cuts it there and says so, for columns of a table.
pub(super) fn column(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:<width$}");
    }
    let cut: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// Writes rows below their heads, each column as wide as its widest cell; the last one, whose cells hold figures, is never
/// cut.
pub(super) fn print_rows(heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        let widest = cells.chain([heads.get(at).map_or(0, |head| head.chars().count())]).max().unwrap_or(0);
        if at + 1 == heads.len() { widest } else { widest.min(60) }
    };
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.enumerate().map(|(at, cell)| column(cell, width(at))).collect();
        cells.join("  ").trim_end().to_owned()
    };
    writeln!(Output, "{}", line(&mut heads.iter().copied()))?;
    for row in rows {
        writeln!(Output, "{}", line(&mut row.iter().map(String::as_str)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_what_was_counted() {
        let boxes = json!({ "expected": 20, "reported": 12, "provisional": 1, "final": 11 });
        let answer = json!({ "election": { "title": "Mayor" }, "status": "counting", "time": "2013-11-04T01:00:00.000Z", "zone": "America/Montreal",
            "unit": { "code": "nation", "name": "Montréal", "kind": "nation" }, "hidden": false,
            "contests": [{ "code": "main", "title": "Mayor", "status": "open", "cast": 1_500, "blank": 2, "invalid": 0, "boxes": boxes,
                "turnout": 0.4312, "channels": { "postal": { "votes": 1, "boxes": 1, "choices": { "joly": 1, "coderre": 0 } } }, "choices": [{ "code": "joly", "title": "Joly", "party": "vcm", "votes": 1_234, "share": 0.5 },
                    { "code": "coderre", "title": "Coderre" }] }],
            "children": [{ "code": "d1", "name": "District 1", "contests": [{ "code": "main", "choices": { "coderre": 5, "joly": 7 } }] }] });
        let table = table(&answer);
        for part in [
            "Mayor, Montréal: counting, as of 2013-11-03T20:00:00-05:00\n",
            "postal: 1 vote from 1 box\n    joly 1  coderre 0\n",
            "12 of 20 boxes, 1 of them provisional; 1,500 cast",
            "turnout 43.12 %",
            "1,234   50.00 %  Joly (vcm)",
            "–            Coderre",
            "District 1 (d1)",
            "main: joly 7  coderre 5",
        ] {
            assert!(table.contains(part), "{part} in {table}");
        }
        let early = json!({ "contests": [{ "boxes": { "expected": 1, "reported": 0 } }] });
        let early = super::table(&early);
        assert!(early.contains(", before the first entry\n") && early.contains("0 of 1 box,"), "{early}");
        assert_eq!(column("Québec", 3), "Qu…");
        let turnout = |of: Value| {
            let boxes = json!({ "expected": 1, "reported": 1, "provisional": 0 });
            figures(&json!({ "boxes": boxes, "turnout": of["turnout"], "registered_in_part": of["part"] }))
        };
        for (of, told) in [
            (json!({ "part": 100 }), "invalid, turnout – (registered voters are not known everywhere)"),
            (json!({ "turnout": 5.0 }), "invalid, turnout 500.00 % (more ballots than registered voters)"),
            (json!({ "turnout": 1.0 }), "invalid, turnout 100.00 %"),
            (json!({}), "invalid"),
        ] {
            assert!(turnout(of.clone()).trim_end().ends_with(told), "{of}: {}", turnout(of.clone()));
        }
        let some = |reported| json!({ "boxes": { "expected": null, "reported": reported, "provisional": 0 } });
        assert!(figures(&some(1)).starts_with("  1 box so far, 0 of"), "{}", figures(&some(1)));
        assert!(figures(&some(2)).starts_with("  2 boxes so far, 0 of"), "{}", figures(&some(2)));
    }
}
