//! `hustings demo --election`: a night of ballot boxes, with everything that goes wrong in one.
//!
//! Invariant: every figure of the last table was read from where it claims to come from: the published ones from the
//! file, the counted ones over HTTP, the recounted ones from the data folder after the server has stopped.
//! It must not know: the server from inside.

mod districts;
mod proof;
mod script;
mod send;
mod view;

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use self::districts::Districts;
use self::proof::Proof;
use self::script::Script;
use self::send::Answers;
use super::DemoArgs;
use super::proof::say;
use crate::cli::numbers::thousands;
use crate::cli::output::Output;
use crate::cli::session::{Ended, OwnServer};
use crate::clock::Random;
use crate::load::Api;

const TITLE: &str = "Mayor of Montréal, 2013";
const IMPORT_PATIENCE: Duration = Duration::from_secs(60);

/// Runs the night to its end.
pub(super) async fn night(args: &DemoArgs, random: &dyn Random) -> anyhow::Result<Ended> {
    let all = Districts::montreal(args.reports, args.seed)?;
    let script = Script::new(&all, args.seed)?;
    let mut own = OwnServer::start(random, &[]).await?;
    let api = own.api().await?;
    let (path, code) = create(&api, &all).await?;
    let link = format!("{}/{code}/results", own.process()?.url());
    let answers = send::send(&api, &path, &script, &all, &link, random).await?;
    let well = prove(&mut own, &api, &path, &code, &answers, &script, &all).await?;
    super::leave(args, own, &link, well, "hustings demo --election --keep").await
}

/// Makes the election with its districts and boxes, and opens it; its address and its code.
async fn create(api: &Api, all: &Districts) -> anyhow::Result<(String, String)> {
    let body = json!({ "title": TITLE, "kind": "election", "choices": all.candidates, "zone": "America/Toronto", "units": [] });
    let created = api.json("POST", "/api/v1/elections", Some(&body)).await?;
    let text =
        |name: &str| created[name].as_str().map(str::to_owned).with_context(|| format!("an election without {name}"));
    let path = format!("/api/v1/elections/{}", text("id")?);
    api.upload(&format!("{path}/units"), "text/csv", &all.units()?, IMPORT_PATIENCE).await?;
    api.json("POST", &format!("{path}/open"), Some(&json!({}))).await?;
    Ok((path, text("code")?))
}

/// Settles what waits for a person, closes the election, and compares everything with everything; leaves the server
/// stopped.
async fn prove(
    own: &mut OwnServer,
    api: &Api,
    path: &str,
    code: &str,
    answers: &Answers,
    script: &Script,
    all: &Districts,
) -> anyhow::Result<bool> {
    let known = answers.count(&["repeated", "superseded"]);
    let (boxes, again, corrected) =
        (thousands(all.boxes() as u64), thousands(script.again as u64), thousands(script.corrected as u64));
    let complete = answers.all() == script.lines.len() as u64 && answers.refused().is_empty();
    say(complete, &format!("{boxes} boxes reported, each report answered"))?;
    for (refusal, times) in answers.refused() {
        say(false, &format!("{} x {refusal}", thousands(times)))?;
    }
    let repeats = known == script.again as u64;
    say(repeats, &format!("{again} reports that came twice got the receipt of the first time"))?;
    say(true, &format!("{corrected} boxes were wrong at first, and corrected; one was withdrawn and reported anew"))?;
    let settled = settle(api, path).await?;
    say(settled, "one report contradicted another: it was kept, looked at, and dismissed")?;
    api.json("POST", &format!("{path}/close"), Some(&json!({ "reason": "all boxes have reported" }))).await?;
    let counted = api.json("GET", &format!("{path}/results?by=unit&limit=5000"), None).await?;
    let reported = &counted["boxes"];
    let finished = reported["final"] == all.boxes() && reported["expected"] == all.boxes();
    say(finished, &format!("{} of {} boxes are final", reported["final"], reported["expected"]))?;
    own.stop().await?;
    let recounted = super::proof::recounted(own.data(), &["--by-unit"]).await?;
    let recounted: Value = serde_json::from_slice(&recounted).context("cannot read what the recount printed")?;
    let elections = recounted["elections"].as_array().map(Vec::as_slice).unwrap_or_default();
    let recounted = elections.iter().find(|found| found["code"] == *code).context("the recount does not know it")?;
    say(true, &format!("server stopped, {} entries recounted from its folder", recounted["seq"]))?;
    let proof = Proof::new(all, &counted, recounted);
    write!(Output, "\n{proof}")?;
    Ok(complete && repeats && settled && finished && proof.agrees())
}

/// Dismisses the one report that contradicts another; whether there was just one.
async fn settle(api: &Api, path: &str) -> anyhow::Result<bool> {
    let waiting = api.json("GET", &format!("{path}/quarantine?waiting=true"), None).await?;
    let cases = waiting["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    for case in cases {
        let name = case["case"].as_str().context("a case without a name")?;
        let decision = json!({ "decision": "dismiss", "reason": "the officer has confirmed the first count" });
        api.json("POST", &format!("{path}/quarantine/{name}"), Some(&decision)).await?;
    }
    Ok(cases.len() == 1)
}
