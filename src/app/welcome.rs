//! The first administrator: while there is none, each start makes a one-time link for whoever runs the server.

use hustings_core::Time;

use crate::http::Services;
use crate::keys::{new_secret, token_hash};
use crate::ledger::{Invitation, LedgerError, Purpose};

/// The link is good for seven days; the next start makes another one.
const EXPIRES_MS: u64 = 7 * 24 * 3_600_000;

/// A new link; none where there is an administrator. A store that does not answer now is no reason not to start.
pub(super) async fn link(services: &Services) -> Option<String> {
    match make(services).await {
        Ok(link) => link,
        Err(error) => {
            tracing::warn!(%error, "no link for the first administrator could be made; the next start tries again");
            None
        }
    }
}

async fn make(services: &Services) -> Result<Option<String>, LedgerError> {
    if services.people.has_admin().await? {
        return Ok(None);
    }
    let (secret, now) = (new_secret(services.random.as_ref()), services.clock.now());
    let expires = Time(now.0.saturating_add(EXPIRES_MS));
    let hash = token_hash(&secret);
    services.people.invite(Invitation { hash, purpose: Purpose::Found, by: None, created: now, expires }).await?;
    Ok(Some(format!("{}/welcome/{secret}", services.settings.base_url())))
}
