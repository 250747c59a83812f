//! `hustings token`: on the data folder, or on a running server by `--url`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use hustings_core::{Kind, Text, UnitNumber};
use serde_json::{Value, json};

use super::election::TrustArgs;
use super::offline::{DataArgs, Offline};
use super::output::{Output, note};
use crate::app::StoreError;
use crate::clock::{Clock, SystemClock, SystemRandom, rfc3339};
use crate::keys::{new_token, token_hash};
use crate::ledger::{ElectionKey, FolderError, NewToken, Scopes, Token, TokenId};
use crate::load::Api;

/// What to do with tokens.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
    #[command(flatten)]
    data: DataArgs,
    /// A running server; the data folder is its own while it runs.
    #[arg(long, global = true, env = "HUSTINGS_URL", value_name = "URL", requires = "token")]
    url: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
    /// A token with the scope admin, for --url.
    #[arg(long, global = true, env = "HUSTINGS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print it, once.
    Create {
        /// What people call it.
        #[arg(long)]
        name: String,
        /// Some of admin, manage, vote, report, results, metrics, with commas between.
        #[arg(long)]
        scopes: Scopes,
        /// Requests a minute; 0 means no limit [default: 600, and no limit with the scope vote or
        /// report].
        #[arg(long, value_name = "N")]
        per_minute: Option<u32>,
        /// Only for this election of boxes, by id, code or slug.
        #[arg(long, value_name = "ELECTION")]
        election: Option<String>,
        /// Only for reports of this unit of the election and all below it, by its code.
        #[arg(long, value_name = "UNIT", requires = "election")]
        unit: Option<String>,
    },
    /// List tokens; never the tokens themselves.
    List,
    /// Revoke a token for ever.
    Revoke {
        /// Its number in the list.
        id: i64,
    },
}

pub(super) async fn token(args: TokenArgs) -> anyhow::Result<ExitCode> {
    match (&args.url, &args.token) {
        (Some(url), Some(token)) => remote(args.trust.api(url, token).await?, args.command).await?,
        _ => local(&args.data, args.command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn local(data: &DataArgs, command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { name, scopes, per_minute, election, unit } => {
            let name = Text::parse(&name).map_err(|error| anyhow::anyhow!("--name {error}"))?;
            let offline = write(data).await?;
            let bound = bound(&offline, election.as_deref(), unit.as_deref(), &scopes).await?;
            let token = new_token(&SystemRandom);
            let new = NewToken {
                name: name.into(),
                hash: token_hash(&token),
                per_minute: NewToken::per_minute(&scopes, per_minute),
                scopes,
                created: SystemClock.now(),
                election: bound.0,
                unit: bound.1,
            };
            let id = offline.registry.create_token(new).await?;
            made(id.0, &token)?;
        }
        TokenCommand::List => {
            let offline = Offline::read(data).await?;
            let tokens = offline.registry.tokens().await?;
            head(tokens.is_empty())?;
            for token in tokens {
                let (used, revoked) = (token.used.map(rfc3339), token.revoked.map(rfc3339));
                Row {
                    id: token.id.0,
                    name: &token.name,
                    scopes: &token.scopes.to_string(),
                    is_for: &is_for(&offline, &token).await?,
                    created: &rfc3339(token.created),
                    used: used.as_deref(),
                    revoked: revoked.as_deref(),
                }
                .print()?;
            }
        }
        TokenCommand::Revoke { id } => {
            let revoked = write(data).await?.registry.revoke_token(TokenId(id), SystemClock.now()).await?;
            ensure!(revoked, "there is no token {id} that was not revoked before; see: hustings token list");
            writeln!(Output, "token {id} is revoked")?;
        }
    }
    Ok(())
}

/// Opens the folder to write; one that is in use belongs to a server, which can be asked instead.
async fn write(data: &DataArgs) -> anyhow::Result<Offline> {
    Offline::write(data).await.map_err(|error| match error.downcast_ref() {
        Some(StoreError::Folder(FolderError::InUse(folder))) => anyhow::anyhow!(
            "{folder} is in use by a running server: ask that one, with --url (such as http://127.0.0.1:8080) and \
             --token (one with the scope admin)"
        ),
        _ => error,
    })
}

async fn remote(api: Api, command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { name, scopes, per_minute, election, unit } => {
            let scopes: Vec<_> = scopes.0.iter().map(|scope| scope.name()).collect();
            let body = json!({ "name": name, "scopes": scopes, "per_minute": per_minute, "election": election,
                "unit": unit });
            let answer = api.json("POST", "/api/v1/tokens", Some(&body)).await?;
            let token = answer["token"].as_str().context("the server gave no token")?;
            made(answer["id"].as_i64().unwrap_or(0), token)?;
        }
        TokenCommand::List => {
            let answer = api.json("GET", "/api/v1/tokens", None).await?;
            let Value::Array(tokens) = answer else { bail!("the server gave no list") };
            head(tokens.is_empty())?;
            for token in tokens {
                let text = |name: &str| token[name].as_str().unwrap_or_default().to_owned();
                let scopes: Vec<_> =
                    token["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                Row {
                    id: token["id"].as_i64().unwrap_or(0),
                    name: &text("name"),
                    scopes: &scopes.join(","),
                    is_for: [text("election"), text("unit")].join(" ").trim_end(),
                    created: &text("created"),
                    used: token["last_used"].as_str(),
                    revoked: token["revoked"].as_str(),
                }
                .print()?;
            }
        }
        TokenCommand::Revoke { id } => {
            api.json("DELETE", &format!("/api/v1/tokens/{id}"), None).await?;
            writeln!(Output, "token {id} is revoked")?;
        }
    }
    Ok(())
}

fn made(id: i64, token: &str) -> io::Result<()> {
    writeln!(Output, "{token}")?;
    note(&format!("token {id}; keep it: it cannot be shown again"));
    Ok(())
}

fn head(is_empty: bool) -> io::Result<()> {
    if is_empty {
        return writeln!(Output, "no tokens yet; make one with: hustings token create --name me --scopes admin");
    }
    columns(["id", "name", "scopes", "created", "last used", "state", "only for"])
}

/// A token as lists show it.
struct Row<'a> {
    id: i64,
    name: &'a str,
    scopes: &'a str,
    is_for: &'a str,
    created: &'a str,
    used: Option<&'a str>,
    revoked: Option<&'a str>,
}

impl Row<'_> {
    fn print(&self) -> io::Result<()> {
        let state = self.revoked.map_or("valid".to_owned(), |at| format!("revoked {at}"));
        let used = self.used.unwrap_or("never");
        columns([&self.id.to_string(), self.name, self.scopes, self.created, used, &state, self.is_for])
    }
}

fn columns([id, name, scopes, created, used, state, is_for]: [&str; 7]) -> io::Result<()> {
    let line = format!("{id:>4}  {name:<24}  {scopes:<28}  {created:<24}  {used:<24}  {state}  {is_for}");
    writeln!(Output, "{}", line.trim_end())
}

/// The election and the unit that a token is to be for.
async fn bound(
    offline: &Offline,
    election: Option<&str>,
    unit: Option<&str>,
    scopes: &Scopes,
) -> anyhow::Result<(Option<ElectionKey>, Option<UnitNumber>)> {
    let Some(name) = election else { return Ok((None, None)) };
    scopes.allow_bound(unit.is_some()).map_err(|what| anyhow::anyhow!("--scopes: {what}"))?;
    let found = offline.elections.find(name).await?.filter(|found| found.election.kind == Kind::Election);
    let found = found.with_context(|| format!("--election: there is no election of boxes `{name}`"))?;
    let Some(code) = unit else { return Ok((Some(found.key), None)) };
    let units = offline.reports.units(found.key, None).await?;
    let unit = units.find(code).with_context(|| format!("--unit: there is no unit `{code}` in this election"))?;
    Ok((Some(found.key), Some(unit)))
}

/// What a token is for, where that is not everything: the id of the election, and the code of the unit.
async fn is_for(offline: &Offline, token: &Token) -> anyhow::Result<String> {
    let Some(key) = token.election else { return Ok(String::new()) };
    let found = offline.elections.with_contests(key, 0).await?;
    let election = found.map_or_else(String::new, |found| found.election.id.to_string());
    let Some(unit) = token.unit else { return Ok(election) };
    let units = offline.reports.units(key, None).await?;
    let code = units.get(unit).map_or("", |unit| unit.code.as_str());
    Ok(format!("{election} {code}"))
}
