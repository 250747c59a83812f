//! [`Archive`] on SQLite, and the file that an unfinished copy is made in.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ElectionId, Seq, SubmissionId, Time};
use rusqlite::{Connection, Transaction};

use super::folder::FolderError;
use super::ledger::{SqliteLedger, begin, new_epoch, put_in_place, unfinished_beside};
use super::open::{self, SqliteOptions};
use super::sql::{self, archive as rows, reports};
use super::writer::{Failure, survive};
use crate::clock::{Clock, Random, SystemClock};
use crate::ledger::archive::{
    Continued, case_of_nothing, code_changed_since, conflict, continued, has_more_rounds, has_taken_the_place,
    revoked_since, same_parties, settled_since,
};
use crate::ledger::definitions::Parsed;
use crate::ledger::{
    Archive, Case, Census, CodeNumber, CopyError, Cut, ElectionKey, HashedToken, Holds, Installation, KeptCode,
    LedgerError, Page, Registered, Removed, Stored, Submitted, TokenId, Wanted, copy,
};

impl SqliteLedger {
    /// Opens the database that an installation is copied into, and makes it where there is none. A new one has its mark
    /// before it has its name, so that at no instant a server could take it for an empty installation. Another installation
    /// is refused and left alone.
    pub fn open_copy(
        options: SqliteOptions,
        secret_check: [u8; 16],
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, FolderError> {
        if !options.path.exists() {
            create(&options, secret_check)?;
        }
        let shown = options.path.display().to_string();
        let failed =
            |failure: Failure| FolderError::Database { path: shown.clone(), what: survive(failure).to_string() };
        let kept = open::reader(&options).map_err(Failure::from).and_then(|reader| {
            let begun = reader.table_exists(None, "installation")?;
            if begun { rows::kept_secret_check(&reader) } else { Ok(None) }
        });
        if kept.map_err(failed)?.is_some_and(|kept| kept != secret_check) {
            return Err(FolderError::OtherInstallation(shown));
        }
        let connection = open::writer(&options)?;
        Self::over(connection, options, clock, random)
    }

    /// Writes the installation of any store into a file that a data folder can be restored from, while votes go on. The
    /// file appears only when it is whole and synced.
    pub async fn write_file(from: &dyn Archive, file: &Path, random: Arc<dyn Random>) -> Result<(), LedgerError> {
        let secret_check = from.installation().await?.secret_check;
        let secret_check = secret_check.ok_or_else(|| unavailable(&CopyError::NoSource))?;
        let unfinished = unfinished_beside(file)?;
        let partial = unfinished.path().join("hustings.db");
        let options = SqliteOptions::new(partial.clone());
        let copied = Self::open_copy(options, secret_check, Arc::new(SystemClock), random);
        let copied = copied.map_err(|error| unavailable(&error))?;
        copy(from, &copied, &mut |_| {}).await.map_err(|error| match error {
            CopyError::Ledger(error) => error,
            other => unavailable(&other),
        })?;
        copied.complete().await?;
        let file = file.to_owned();
        // Dropped, the copy waits for its writer, which copies the log into the file.
        let placed = tokio::task::spawn_blocking(move || {
            drop(copied);
            put_in_place(&partial, &file)
        });
        placed.await.map_err(|_| LedgerError::Stopped)?
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Unavailable(error.to_string())
}

fn create(options: &SqliteOptions, secret_check: [u8; 16]) -> Result<(), FolderError> {
    let failed = |what: String| FolderError::Database { path: options.path.display().to_string(), what };
    let io = |error: std::io::Error| failed(error.to_string());
    let folder = options.path.parent().unwrap_or(Path::new("."));
    // A folder of its own, and a new one: the log that a killed run left must never meet another database.
    let beginning = folder.join("beginning");
    if beginning.exists() {
        std::fs::remove_dir_all(&beginning).map_err(io)?;
    }
    std::fs::create_dir(&beginning).map_err(io)?;
    let path = beginning.join("hustings.db");
    let mut connection = open::writer(&SqliteOptions { path: path.clone(), ..options.clone() })?;
    begin_in(&mut connection, secret_check).map_err(|error| failed(survive(error).to_string()))?;
    // The last connection to close copies the log into the database and removes it.
    connection.close().map_err(|(_, error)| failed(error.to_string()))?;
    std::fs::File::open(&path).and_then(|file| file.sync_all()).map_err(io)?;
    std::fs::rename(&path, &options.path).map_err(io)?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    std::fs::remove_dir_all(&beginning).map_err(io)
}

fn begin_in(connection: &mut Connection, secret_check: [u8; 16]) -> Result<(), Failure> {
    let tx = begin(connection)?;
    if !sql::secret_check(&tx, secret_check)? {
        return Err(conflict("installation", "secret_check", "it is that of another installation").into());
    }
    if !rows::is_unfinished(&tx)? {
        if !rows::holds_nothing(&tx)? {
            return Err(
                conflict("installation", "migrating", "there are elections, tokens or persons, and no mark").into()
            );
        }
        rows::mark(&tx)?;
    }
    Ok(tx.commit()?)
}

#[async_trait]
impl Archive for SqliteLedger {
    async fn installation(&self) -> Result<Installation, LedgerError> {
        self.readers
            .run(|connection| {
                let holds = match (rows::is_unfinished(connection)?, rows::holds_nothing(connection)?) {
                    (true, _) => Holds::Unfinished,
                    (false, true) => Holds::Nothing,
                    (false, false) => Holds::All,
                };
                let format = sql::format::format(connection)?;
                Ok(Installation { secret_check: rows::kept_secret_check(connection)?, format, holds })
            })
            .await
    }

    async fn cuts(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Cut>, LedgerError> {
        self.readers.run(move |connection| rows::cuts(connection, after, limit)).await
    }

    async fn submissions(
        &self,
        election: ElectionKey,
        after: Option<SubmissionId>,
        up_to: Seq,
        limit: usize,
    ) -> Result<Vec<Submitted>, LedgerError> {
        self.readers.run(move |connection| rows::submissions(connection, election, after, up_to, limit)).await
    }

    async fn hashed_tokens(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<HashedToken>, LedgerError> {
        self.readers.run(move |connection| rows::hashed_tokens(connection, after, limit)).await
    }

    async fn census(&self, election: ElectionKey) -> Result<Census, LedgerError> {
        self.readers.run(move |connection| rows::census(connection, election)).await
    }

    async fn begin(&self, secret_check: [u8; 16]) -> Result<(), LedgerError> {
        self.writer.run(move |connection| begin_in(connection, secret_check)).await
    }

    async fn import(&self, page: Page) -> Result<(), LedgerError> {
        let random = Arc::clone(&self.random);
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                if !rows::is_unfinished(&tx)? {
                    return Err(
                        conflict("installation", "migrating", "the store is not marked as an unfinished copy").into()
                    );
                }
                match page {
                    Page::Elections(page) => import_elections(&tx, &page, random.as_ref())?,
                    Page::Entries(key, page) => import_entries(&tx, key, page)?,
                    Page::Submissions(key, page) => import_submissions(&tx, key, &page)?,
                    Page::Cases(key, page) => import_cases(&tx, key, &page)?,
                    Page::Parties(key, page) => {
                        same_parties(key, &sql::parties::parties(&tx, key)?, &page)?;
                        sql::parties::add_parties(&tx, key, &page)?;
                    }
                    Page::Codes(id, page) => import_codes(&tx, id, &page)?,
                    Page::Joined(id, page) => {
                        sql::electorate::note_joined(&tx, id, &page, Time(0))?;
                    }
                    Page::Removed(page) => import_removed(&tx, &page)?,
                    Page::Tokens(page) => import_tokens(&tx, &page)?,
                    Page::Persons { after, up_to, persons } => {
                        sql::people::replace_persons(&tx, after, up_to, &persons)?;
                    }
                    Page::Members(key, members, links) => sql::members::replace_members(&tx, key, &members, &links)?,
                    Page::Invitations(page) => sql::people::replace_invitations(&tx, &page)?,
                    Page::Format(format) => sql::format::raise(&tx, format).map(drop)?,
                }
                Ok(tx.commit()?)
            })
            .await
    }

    async fn complete(&self) -> Result<(), LedgerError> {
        self.writer.run(|connection| rows::unmark(connection)).await
    }
}

fn import_elections(tx: &Transaction<'_>, page: &[Registered], random: &dyn Random) -> Result<(), Failure> {
    for Registered { key, election } in page {
        if let Some((_, kept)) = sql::election(tx, &Wanted::Key(*key))? {
            if has_more_rounds(*key, &kept, election)? {
                rows::redefine(tx, *key, election)?;
            }
            continue;
        }
        let names = [Wanted::Id(election.id), Wanted::Code(election.code.clone())];
        for wanted in names.into_iter().chain(election.slug.clone().map(Wanted::Slug)) {
            if let Some((other, kept)) = sql::election(tx, &wanted)? {
                let locked = sql::lock(tx, &Parsed::default(), &[other])?.remove(&other);
                let was_opened = locked.is_none_or(|locked| locked.state.was_opened());
                if has_taken_the_place((*key, election), (other, &kept), was_opened) {
                    sql::gone::let_go(tx, other, None)?;
                    continue;
                }
                return Err(conflict("election", other.0, &format!("it is {}, {}", kept.code, kept.title)).into());
            }
        }
        sql::create(tx, Some(*key), election, new_epoch(random))?;
    }
    Ok(())
}

fn import_codes(tx: &Transaction<'_>, id: ElectionId, page: &[KeptCode]) -> Result<(), Failure> {
    for code in page {
        let at = CodeNumber(code.number.0 - 1);
        match sql::electorate::codes(tx, id, Some(at), 1)?.into_iter().find(|kept| kept.number == code.number) {
            None => sql::electorate::insert_code(tx, id, code)?,
            Some(kept) => {
                if code_changed_since(id, &kept, code)? {
                    sql::electorate::update_code(tx, id, code)?;
                }
            }
        }
    }
    Ok(())
}

fn import_removed(tx: &Transaction<'_>, page: &[Removed]) -> Result<(), Failure> {
    for removed in page {
        match sql::gone::removed_one(tx, &Wanted::Key(removed.key))? {
            Some(kept) if kept == *removed => continue,
            Some(kept) => return Err(other_removed(&kept)),
            None => sql::gone::insert_removed(tx, removed)?,
        }
        if sql::election(tx, &Wanted::Key(removed.key))?.is_some() {
            sql::gone::let_go(tx, removed.key, Some(removed.id))?;
        }
    }
    Ok(())
}

fn other_removed(kept: &Removed) -> Failure {
    conflict("removed_election", kept.key.0, &format!("it is {}, {}", kept.code, kept.title)).into()
}

fn import_entries(tx: &Transaction<'_>, key: ElectionKey, page: Vec<Stored>) -> Result<(), Failure> {
    let Some(locked) = sql::lock(tx, &Parsed::default(), &[key])?.remove(&key) else {
        return Err(conflict("head", key.0, "there is none: its election comes first").into());
    };
    let Continued { known, new, advance } = continued(key, locked, page)?;
    for Stored { entry, bytes } in &known {
        if rows::entry_bytes(tx, key, entry.seq)?.is_none_or(|kept| bytes != &kept) {
            return Err(conflict("entry", format!("({}, {})", key.0, entry.seq), "it is another entry").into());
        }
    }
    for (_, Stored { entry, .. }) in &new {
        if let Some(id) = entry.event.id()
            && let Some(seq) = rows::submission(tx, key, id)?
        {
            return Err(other_submission(key, id, seq));
        }
    }
    sql::append(tx, &new, &[])?;
    sql::move_head(tx, &advance)
}

fn import_submissions(tx: &Transaction<'_>, key: ElectionKey, page: &[Submitted]) -> Result<(), Failure> {
    let mut new = Vec::new();
    for Submitted { id, seq } in page {
        match rows::submission(tx, key, *id)? {
            Some(kept) if kept == *seq => {}
            Some(kept) => return Err(other_submission(key, *id, kept)),
            None if rows::entry_bytes(tx, key, *seq)?.is_none() => {
                let row = format!("({}, {seq})", key.0);
                return Err(conflict("entry", row, &format!("there is none, and submission {id} stands for it")).into());
            }
            None => new.push((key, *id, *seq)),
        }
    }
    sql::append(tx, &[], &new)
}

fn other_submission(key: ElectionKey, id: SubmissionId, kept: Seq) -> Failure {
    conflict("submission", format!("({}, {id})", key.0), &format!("it stands for entry {kept}")).into()
}

fn import_cases(tx: &Transaction<'_>, key: ElectionKey, page: &[Case]) -> Result<(), Failure> {
    for case in page {
        let settled = match reports::case(tx, key, case.digest)? {
            None if rows::entry_bytes(tx, key, case.existing)?.is_none() => return Err(case_of_nothing(case).into()),
            None => {
                reports::quarantine(tx, case)?;
                case.settled.clone()
            }
            Some(kept) => settled_since(&kept, case)?,
        };
        if let Some(settled) = settled {
            reports::settle(tx, key, case.digest, &settled)?;
        }
    }
    Ok(())
}

fn import_tokens(tx: &Transaction<'_>, page: &[HashedToken]) -> Result<(), Failure> {
    for imported in page {
        let id = imported.token.id;
        match rows::same_token(tx, id, imported.hash)? {
            None => rows::insert_token(tx, imported)?,
            Some(kept) => {
                if let Some(at) = revoked_since(&kept, imported)? {
                    sql::revoke_token(tx, id, at)?;
                }
                if let Some(at) = imported.token.used {
                    sql::use_token(tx, id, at)?;
                }
            }
        }
    }
    Ok(())
}
