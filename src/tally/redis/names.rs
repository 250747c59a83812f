//! The names of keys and channels. What belongs to one election shares a hash tag, and with it a slot of a cluster.

use crate::ledger::ElectionKey;

/// Says whose counters a Redis holds.
pub(super) const MARKER: &str = "hustings:installation";

/// The names of one installation.
pub(super) struct Names {
    installation: String,
}

impl Names {
    pub(super) fn new(installation: &str) -> Self {
        Self { installation: installation.to_owned() }
    }

    /// Whose names these are.
    pub(super) fn installation(&self) -> &str {
        &self.installation
    }

    /// The hash of an election.
    pub(super) fn tally(&self, election: ElectionKey) -> String {
        format!("{}tally", self.tag(election))
    }

    /// A hash that is being written.
    pub(super) fn staged(&self, election: ElectionKey, writer: &str, number: u64) -> String {
        format!("{}staged:{writer}:{number}", self.tag(election))
    }

    /// Where moves of an election are told.
    pub(super) fn channel(&self, election: ElectionKey) -> String {
        format!("{}moved", self.tag(election))
    }

    /// All channels of this installation, as a pattern.
    pub(super) fn channels(&self) -> String {
        format!("hustings:{{{}:*}}:moved", self.installation)
    }

    /// The election of a channel.
    pub(super) fn election(&self, channel: &str) -> Option<ElectionKey> {
        let number = channel.strip_prefix(&format!("hustings:{{{}:", self.installation))?.strip_suffix("}:moved")?;
        number.parse().ok().map(ElectionKey)
    }

    /// The counter that gives each process a name of its own.
    pub(super) fn processes(&self) -> String {
        format!("hustings:{{{}}}:processes", self.installation)
    }

    fn tag(&self, election: ElectionKey) -> String {
        format!("hustings:{{{}:{}}}:", self.installation, election.0)
    }
}
