//! Requests that make secrets, safe to be sent again: a reload, a double press, a client that lost the answer.
//!
//! Job: a request has a name (from the `id` of a client, or the hidden `once` of a form), and its secrets are derived from that name
//! and the master secret. So the same request comes to the same secrets on every node, finds by their hashes what it has made
//! before, and nothing has to be kept beside them.
//! Invariant: a name tells no secret. It must not know: how what is made is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hustings_core::{AccessCode, ElectionId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Services;
use super::auth::Asker;
use crate::clock::uuid_v7;
use crate::keys::{code_of, new_bytes, secret_of, token_of};
use crate::ledger::Seat;

/// The name of a request.
pub(super) struct Once {
    name: [u8; 32],
    /// Whether it was made just now, so that nothing can have come of it yet.
    is_new: bool,
}

impl Once {
    /// A request that nobody can send again.
    pub(super) fn new(services: &Services) -> Self {
        Self { name: new_bytes(services.random.as_ref()), is_new: true }
    }

    /// A request of this client with its own name for it, if it has one. Another client that takes the same name repeats nothing, so
    /// nobody comes to the secrets of another by a name that was guessed.
    pub(super) fn of_client(services: &Services, id: Option<Uuid>, by: Asker) -> Self {
        id.map_or_else(|| Self::new(services), |id| Self::of_sent(b"client", id, by, &[]))
    }

    /// A form that this person or link has sent. What it asks for belongs to the name: who goes back and asks for something else
    /// does not repeat. Without a name that is one of ours it is as if nobody could send it again.
    pub(super) fn of_form(services: &Services, once: &str, by: Seat, asked: &[&[u8]]) -> Self {
        Uuid::parse_str(once)
            .map_or_else(|_| Self::new(services), |once| Self::of_sent(b"form", once, Asker::Seat(by), asked))
    }

    fn of_sent(what: &[u8], once: Uuid, by: Asker, asked: &[&[u8]]) -> Self {
        let (kind, number) = match by {
            Asker::Token(token) => (&b"token"[..], token.0),
            Asker::Seat(Seat::Person(person)) => (&b"person"[..], person.0),
            Asker::Seat(Seat::Link(link)) => (&b"link"[..], link.0),
        };
        Self::of(&[&[what, once.as_bytes(), kind, &number.to_be_bytes()], asked].concat())
    }

    fn of(parts: &[&[u8]]) -> Self {
        let digest = parts.iter().fold(Sha256::new(), |digest, part| {
            // Each with its length, so that no two lists of parts give the same.
            digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
        });
        Self { name: digest.finalize().into(), is_new: false }
    }

    /// The name as the answer carries it, so that what was made can be asked for once more.
    pub(super) fn shown(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.name)
    }

    /// A request that an answer has named; nothing where it is no name.
    pub(super) fn of_shown(name: &str) -> Option<Self> {
        let name = URL_SAFE_NO_PAD.decode(name).ok()?.try_into().ok()?;
        Some(Self { name, is_new: false })
    }

    /// Whether something may have come of it before.
    pub(super) fn may_repeat(&self) -> bool {
        !self.is_new
    }

    /// An access code of an election: the same for the same purpose and place.
    pub(super) fn code(&self, services: &Services, election: ElectionId, purpose: &str, place: &[u64]) -> AccessCode {
        code_of(services.keys.derived(purpose, election, &self.name, place))
    }

    /// The secret of a link to an election.
    pub(super) fn link(&self, services: &Services, election: ElectionId) -> String {
        secret_of(services.keys.derived("link", election, &self.name, &[]))
    }

    /// A token for the whole installation.
    pub(super) fn token(&self, services: &Services) -> String {
        token_of(services.keys.derived("token", ElectionId(Uuid::nil()), &self.name, &[]))
    }

    /// The secret of an invitation to the installation.
    pub(super) fn invitation(&self, services: &Services) -> String {
        secret_of(services.keys.derived("invitation", ElectionId(Uuid::nil()), &self.name, &[]))
    }
}

/// What a form calls itself, in a page that is made just now.
pub(super) fn form_name(services: &Services) -> String {
    uuid_v7(services.clock.as_ref(), services.random.as_ref()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{LinkId, PersonId, TokenId};

    #[test]
    fn a_name_is_one_of_a_request_its_sender_and_what_it_asks_for() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let [ada, bob] = [1, 2].map(|number| Asker::Seat(Seat::Person(PersonId(number))));
        let (link, token) = (Asker::Seat(Seat::Link(LinkId(1))), Asker::Token(TokenId(1)));
        let names = [
            Once::of_sent(b"form", one, ada, &[b"3"]),
            Once::of_sent(b"form", other, ada, &[b"3"]),
            Once::of_sent(b"form", one, bob, &[b"3"]),
            Once::of_sent(b"form", one, link, &[b"3"]),
            Once::of_sent(b"form", one, token, &[b"3"]),
            Once::of_sent(b"form", one, ada, &[b"4"]),
            Once::of_sent(b"form", one, ada, &[b"", b"3"]),
            Once::of_sent(b"client", one, ada, &[b"3"]),
        ];
        let different: std::collections::HashSet<_> = names.iter().map(Once::shown).collect();
        assert_eq!(different.len(), names.len());
        assert_eq!(Once::of_sent(b"form", one, ada, &[b"3"]).name, names[0].name);
        let again = Once::of_shown(&names[0].shown()).expect("a name");
        assert!(again.name == names[0].name && again.may_repeat());
        for none in ["", "7", "nonsense", &names[0].shown()[1..]] {
            assert!(Once::of_shown(none).is_none(), "{none}");
        }
    }
}
