//! The registry: everything that is not counted. Definitions, tokens, tickets, the secret's check value.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{Code, Election, ElectionId, Label, Party, Slug, Text, TextError, Time, UnitNumber};

use super::{ElectionKey, LedgerError, NewElection, Removal, Removed};

/// An election as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its number inside this installation.
    pub key: ElectionKey,
    /// Its definition.
    pub election: Arc<Election>,
}

/// How a caller names an election.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By its number inside.
    Key(ElectionKey),
    /// By its id.
    Id(ElectionId),
    /// By its code.
    Code(Code),
    /// By its slug.
    Slug(Slug),
}

/// What a token allows. Each is asked for by exactly the calls that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything, tokens too.
    Admin,
    /// Create elections and run them.
    Manage,
    /// Vote for named voters.
    Vote,
    /// Report ballot boxes.
    Report,
    /// Read results that are hidden from others, entries and exports.
    Results,
    /// Read the full metrics.
    Metrics,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 6] = [Self::Admin, Self::Manage, Self::Vote, Self::Report, Self::Results, Self::Metrics];

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manage => "manage",
            Self::Vote => "vote",
            Self::Report => "report",
            Self::Results => "results",
            Self::Metrics => "metrics",
        }
    }
}

/// A set of scopes, written as names with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(pub Vec<Scope>);

impl Scopes {
    /// Whether the set allows a scope; `admin` allows all.
    #[must_use]
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || self.0.contains(&Scope::Admin)
    }

    /// Whether a token for one election, or for one unit of it, can have them; else why not.
    pub fn allow_bound(&self, is_for_unit: bool) -> Result<(), String> {
        let allowed: &[Scope] =
            if is_for_unit { &[Scope::Report] } else { &[Scope::Manage, Scope::Report, Scope::Results] };
        match self.0.iter().find(|scope| !allowed.contains(scope)) {
            Some(scope) => {
                let names: Vec<_> = allowed.iter().map(|scope| scope.name()).collect();
                let of = if is_for_unit { "unit" } else { "election" };
                let (scope, names) = (scope.name(), names.join(", "));
                Err(format!("a token for one {of} cannot have the scope `{scope}`: use some of {names}"))
            }
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for Scopes {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Scope::ALL.map(Scope::name).join(", ");
        let one = |name: &str| {
            let found = Scope::ALL.into_iter().find(|scope| scope.name() == name.trim());
            found.ok_or_else(|| format!("unknown scope `{name}`: use some of {}", known()))
        };
        let mut scopes: Vec<Scope> = text.split(',').map(one).collect::<Result<_, _>>()?;
        scopes.sort_unstable();
        scopes.dedup();
        Ok(Self(scopes))
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.name()).collect();
        f.write_str(&names.join(","))
    }
}

/// A token's number, as lists show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub i64);

/// A token to be made. Only the hash is stored.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// `SHA-256` of the token.
    pub hash: [u8; 32],
    /// What it allows.
    pub scopes: Scopes,
    /// Requests a minute; none means no limit.
    pub per_minute: Option<u32>,
    /// When it was made.
    pub created: Time,
    /// The only election that it is for; none means all.
    pub election: Option<ElectionKey>,
    /// The unit of that election that it is for, with all below; none means all.
    pub unit: Option<UnitNumber>,
}

impl NewToken {
    /// The quota of a new token: what was asked, else 600 a minute, and none where it votes for others or reports boxes. 0
    /// means none.
    #[must_use]
    pub fn per_minute(scopes: &Scopes, asked: Option<u32>) -> Option<u32> {
        let is_busy = scopes.allow(Scope::Vote) || scopes.allow(Scope::Report);
        let default = if is_busy { 0 } else { 600 };
        Some(asked.unwrap_or(default)).filter(|per_minute| *per_minute > 0)
    }
}

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// Requests a minute; none means no limit.
    pub per_minute: Option<u32>,
    /// When it was made.
    pub created: Time,
    /// When it was revoked.
    pub revoked: Option<Time>,
    /// The only election that it is for; none means all.
    pub election: Option<ElectionKey>,
    /// The unit of that election that it is for, with all below; none means all.
    pub unit: Option<UnitNumber>,
    /// When it was last noted to be used.
    pub used: Option<Time>,
}

/// Everything that is not counted. All methods may be called from any task at any time.
#[async_trait]
pub trait Registry: Send + Sync {
    /// Keeps a new election and appends its first acts, all or nothing.
    async fn create(&self, new: NewElection) -> Result<Registered, LedgerError>;

    /// Finds an election.
    async fn election(&self, wanted: Wanted) -> Result<Option<Registered>, LedgerError>;

    /// Elections after a key, newest key last, at most `limit`.
    async fn elections(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Registered>, LedgerError>;

    /// Puts a new definition in the place of one that was never opened, under a key of its own, and appends its first acts, all
    /// or nothing. Id, code and what belongs to the id stay; the slug may change. None where the key is gone: another
    /// definition has taken its place, or the election was removed.
    async fn redefine(&self, key: ElectionKey, new: NewElection) -> Result<Option<Registered>, LedgerError>;

    /// Removes an election whatever its state, unless it is one of boxes that was opened and no rehearsal: its code and slug are free when this returns, every vote either was refused or
    /// is among the entries that the answer counts, and [`Registry::erase`] takes its rows. Again, it gives the same answer;
    /// none where there was no such election.
    async fn remove(&self, key: ElectionKey, removal: Removal) -> Result<Option<Removed>, LedgerError>;

    /// Elections that were removed, after a key, at most `limit`.
    async fn removed(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Removed>, LedgerError>;

    /// What stays of the election that was called so and was removed last; whether another one is called so by now does not matter.
    async fn removed_one(&self, wanted: Wanted) -> Result<Option<Removed>, LedgerError>;

    /// Erases rows of elections that are gone, at most so many, and says how many it erased; 0 where none are left.
    async fn erase(&self, limit: usize) -> Result<usize, LedgerError>;

    /// Keeps new tokens, all or none, and gives their numbers in the same order; [`LedgerError::TokenTaken`] where one of them is
    /// there already, or was and is revoked.
    async fn create_tokens(&self, tokens: Vec<NewToken>) -> Result<Vec<TokenId>, LedgerError>;

    /// Keeps a new token.
    async fn create_token(&self, token: NewToken) -> Result<TokenId, LedgerError> {
        let made = self.create_tokens(vec![token]).await?;
        made.first().copied().ok_or_else(|| LedgerError::Unavailable("the token got no number".to_owned()))
    }

    /// The token with this hash, unless it was revoked.
    async fn token(&self, hash: [u8; 32]) -> Result<Option<Token>, LedgerError>;

    /// All tokens, in the order they were made.
    async fn tokens(&self) -> Result<Vec<Token>, LedgerError>;

    /// Revokes a token for ever; false where there is none with this number that was not revoked before.
    async fn revoke_token(&self, id: TokenId, at: Time) -> Result<bool, LedgerError>;

    /// Notes when tokens were used. One that was noted to be used later stays as it is.
    async fn use_tokens(&self, uses: Vec<(TokenId, Time)>) -> Result<(), LedgerError>;

    /// Notes that a token was used at a time. One that was noted to be used later stays as it is.
    async fn use_token(&self, id: TokenId, at: Time) -> Result<(), LedgerError> {
        self.use_tokens(vec![(id, at)]).await
    }

    /// Keeps parties that contests of an election can name. One whose code is there already stays as it is.
    async fn add_parties(&self, election: ElectionKey, parties: Vec<Party>) -> Result<(), LedgerError>;

    /// The parties of an election, in the order of their codes' bytes.
    async fn parties(&self, election: ElectionKey) -> Result<Vec<Party>, LedgerError>;

    /// Keeps a ticket for one election's full results.
    async fn issue_ticket(&self, hash: [u8; 32], election: ElectionKey, expires: Time) -> Result<(), LedgerError>;

    /// Spends a ticket: true at most once, for this election, before it expires.
    async fn spend_ticket(&self, hash: [u8; 32], election: ElectionKey, now: Time) -> Result<bool, LedgerError>;
}

/// A party as a store keeps it.
pub(super) fn party(election: ElectionKey, code: String, name: String) -> Result<Party, LedgerError> {
    let damaged = |what: TextError| LedgerError::Damaged {
        table: "party",
        key: format!("({}, {code})", election.0),
        what: format!("its text {what}"),
    };
    let parsed = Label::parse(&code).and_then(|label| Ok(Party { code: label, name: Text::parse(&name)? }));
    parsed.map_err(damaged)
}
