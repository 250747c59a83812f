//! `hustings token`: on the data folder, or on a running server by `--url`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use hustings_core::Text;
use serde_json::{Value, json};

use super::offline::{DataArgs, Offline};
use super::output::{Output, note};
use crate::app::StoreError;
use crate::clock::{Clock, SystemClock, SystemRandom, rfc3339};
use crate::keys::{new_token, token_hash};
use crate::ledger::{FolderError, NewToken, Scopes, TokenId};
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
        /// Some of admin, manage, vote, results, metrics, with commas between.
        #[arg(long)]
        scopes: Scopes,
        /// Requests a minute; 0 means no limit [default: 600, and no limit with the scope vote].
        #[arg(long, value_name = "N")]
        per_minute: Option<u32>,
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
        (Some(url), Some(token)) => remote(url, token, args.command).await?,
        _ => local(&args.data, args.command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn local(data: &DataArgs, command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { name, scopes, per_minute } => {
            let name = Text::parse(&name).map_err(|error| anyhow::anyhow!("--name {error}"))?;
            let registry = write(data).await?.registry;
            let token = new_token(&SystemRandom);
            let new = NewToken {
                name: name.into(),
                hash: token_hash(&token),
                per_minute: NewToken::per_minute(&scopes, per_minute),
                scopes,
                created: SystemClock.now(),
                election: None,
                unit: None,
            };
            let id = registry.create_token(new).await?;
            made(id.0, &token)?;
        }
        TokenCommand::List => {
            let tokens = Offline::read(data).await?.registry.tokens().await?;
            head(tokens.is_empty())?;
            for token in tokens {
                let revoked = token.revoked.map(rfc3339);
                row(token.id.0, &token.name, &token.scopes.to_string(), &rfc3339(token.created), revoked.as_deref())?;
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

async fn remote(url: &str, token: &str, command: TokenCommand) -> anyhow::Result<()> {
    let api = Api::new(url, token).await?;
    match command {
        TokenCommand::Create { name, scopes, per_minute } => {
            let scopes: Vec<_> = scopes.0.iter().map(|scope| scope.name()).collect();
            let body = json!({ "name": name, "scopes": scopes, "per_minute": per_minute });
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
                let id = token["id"].as_i64().unwrap_or(0);
                row(id, &text("name"), &scopes.join(","), &text("created"), token["revoked"].as_str())?;
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
    columns("id", "name", "scopes", "created", "state")
}

fn row(id: i64, name: &str, scopes: &str, created: &str, revoked: Option<&str>) -> io::Result<()> {
    let state = revoked.map_or("valid".to_owned(), |at| format!("revoked {at}"));
    columns(&id.to_string(), name, scopes, created, &state)
}

fn columns(id: &str, name: &str, scopes: &str, created: &str, state: &str) -> io::Result<()> {
    writeln!(Output, "{id:>4}  {name:<24}  {scopes:<28}  {created:<24}  {state}")
}
