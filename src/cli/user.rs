//! `hustings user`: persons who sign in, on the data folder of a stopped server or in a database that nodes share.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use hustings_core::{LoginName, Password, Time};

use super::offline::{DataArgs, Offline};
use super::output::{Output, note};
use crate::clock::{Clock, SystemClock, SystemRandom, rfc3339};
use crate::keys::{new_secret, token_hash};
use crate::ledger::{Invitation, NewPerson, PasswordHash, People, Person, Purpose};
use crate::passwords::Passwords;

/// What to do with persons.
#[derive(Debug, Args)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a person; the password is asked for, or read from standard input.
    Add {
        /// What the person types to sign in.
        name: String,
        /// Let the person do everything.
        #[arg(long)]
        admin: bool,
    },
    /// List persons.
    List,
    /// Print a one-time link by which a person chooses a new password.
    Reset {
        /// The login name.
        name: String,
        /// Ask for the new password here, or read it from standard input, instead of making a link.
        #[arg(long)]
        password: bool,
        /// Where people reach the server, for the link.
        #[arg(long, env = "HUSTINGS_PUBLIC_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
        public_url: String,
    },
    /// Remove a person, with all sessions and parts in elections. The elections stay.
    Remove {
        /// The login name.
        name: String,
    },
}

/// A link to a new password is good for a day.
const RESET_MS: u64 = 24 * 3_600_000;

pub(super) async fn user(args: UserArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        UserCommand::Add { name, admin } => {
            let name = login_name(&name)?;
            let password = hashed(&name).await?;
            let offline = Offline::write_or_create(&args.data).await?;
            let new = NewPerson { name: name.clone(), password, is_admin: admin, created: SystemClock.now() };
            let made = offline.people.add_person(new).await?;
            ensure!(made.is_some(), "somebody is called {name} already; see: hustings user list");
            writeln!(Output, "{name} can sign in now")?;
        }
        UserCommand::List => list(Offline::read(&args.data).await?.people.as_ref()).await?,
        UserCommand::Reset { name, password: true, .. } => {
            let offline = Offline::write(&args.data).await?;
            let person = find(offline.people.as_ref(), &name).await?;
            let password = hashed(&person.name).await?;
            offline.people.set_password(person.id, password, None).await?;
            writeln!(Output, "{} has a new password, and is signed out everywhere", person.name)?;
        }
        UserCommand::Reset { name, password: false, public_url } => {
            let offline = Offline::write(&args.data).await?;
            let person = find(offline.people.as_ref(), &name).await?;
            let (secret, now) = (new_secret(&SystemRandom), SystemClock.now());
            let expires = Time(now.0.saturating_add(RESET_MS));
            let (hash, purpose) = (token_hash(&secret), Purpose::Reset(person.id));
            offline.people.invite(Invitation { hash, purpose, by: None, created: now, expires }).await?;
            writeln!(Output, "{}/reset/{secret}", public_url.trim_end_matches('/'))?;
            note(&format!("good once, until {}; whoever opens it becomes {}", rfc3339(expires), person.name));
        }
        UserCommand::Remove { name } => {
            let offline = Offline::write(&args.data).await?;
            let person = find(offline.people.as_ref(), &name).await?;
            offline.people.remove_person(person.id).await?;
            writeln!(Output, "{} is removed", person.name)?;
            if !offline.people.has_admin().await? {
                note("nobody may do everything any more: the next start prints a link for a new administrator");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn login_name(name: &str) -> anyhow::Result<LoginName> {
    LoginName::parse(name).map_err(|error| anyhow::anyhow!("the login name {error}"))
}

async fn find(people: &dyn People, name: &str) -> anyhow::Result<Person> {
    let found = people.person_named(&login_name(name)?).await?;
    found.with_context(|| format!("nobody is called {name}; see: hustings user list"))
}

async fn list(people: &dyn People) -> anyhow::Result<()> {
    let mut last = None;
    loop {
        let page = people.persons(last, 1_000).await?;
        let Some(end) = page.last() else { break };
        if last.is_none() {
            row("name", "created", "")?;
        }
        last = Some(end.id);
        for person in &page {
            let what = if person.is_admin { "administrator" } else { "" };
            row(person.name.as_str(), &rfc3339(person.created), what)?;
        }
    }
    if last.is_none() {
        writeln!(Output, "nobody yet; make somebody with: hustings user add --admin NAME")?;
    }
    Ok(())
}

fn row(name: &str, created: &str, what: &str) -> io::Result<()> {
    writeln!(Output, "{}", format!("{name:<32}  {created:<24}  {what}").trim_end())
}

async fn hashed(name: &LoginName) -> anyhow::Result<PasswordHash> {
    let typed = if io::stdin().is_terminal() { ask()? } else { line()? };
    let password = Password::parse(&typed, name).map_err(|error| anyhow::anyhow!("the password {error}"))?;
    Ok(Passwords::new(Arc::new(SystemRandom)).hash(password).await?)
}

/// The first line of standard input.
fn line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Asks a person twice, and shows nothing of what is typed.
fn ask() -> anyhow::Result<String> {
    let _silent = Silent::begin()?;
    let prompt = |text: &str| -> anyhow::Result<String> {
        write!(io::stderr(), "{text}").and_then(|()| io::stderr().flush())?;
        let typed = line();
        note("");
        typed
    };
    let (once, again) = (prompt("password: ")?, prompt("once more: ")?);
    if once != again {
        bail!("the two passwords are not the same; nothing was changed");
    }
    Ok(once)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silent(rustix::termios::Termios);

impl Silent {
    fn begin() -> anyhow::Result<Self> {
        let before = rustix::termios::tcgetattr(io::stdin()).context("this terminal cannot ask for a password")?;
        let mut silent = before.clone();
        silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _gone = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &self.0);
    }
}
