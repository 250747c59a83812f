//! The master secret and everything derived from it: voter keys, device cookies, receipts, token hashes.
//!
//! Invariant: the secret lives outside the database, so neither a stolen database nor a public export tells who voted.
//! Derivation is HMAC-SHA-256 (RFC 2104) with a label for each purpose.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use hustings_core::{AccessCode, ElectionId, Seq, VoterKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::Random;
use crate::ledger::{CodeHash, DeviceHash, ElectionKey};

/// The master secret of one installation.
#[derive(Clone)]
pub struct Keys {
    master: Key,
    receipt: Key,
    locator: Key,
    device: Key,
}

/// A key that HMAC has taken in already: half of the work of a short message.
type Key = Hmac<Sha256>;

/// Why there is no usable secret, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment's secret is too weak.
    #[error("HUSTINGS_SECRET must have at least 32 characters; make one with: openssl rand -hex 32")]
    Short,
    /// The file cannot be read or made.
    #[error("cannot use the secret in {path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The file is not a secret.
    #[error("{0} is not a secret of Hustings (64 hexadecimal digits); put the right file back from your backup")]
    Malformed(String),
    /// Others can read the file.
    #[error("{0} can be read by others; run: chmod 600 {0}")]
    Mode(String),
    /// The database expects a secret, and there is none.
    #[error(
        "the database has votes but {0} is missing: put it back from your backup, or set HUSTINGS_SECRET. \
         A new secret would make every voter a new one"
    )]
    Missing(String),
    /// Several nodes must have one secret, so none of them makes it.
    #[error(
        "nodes that share a database share one secret: set HUSTINGS_SECRET to the same on all of them (make one with: \
         openssl rand -hex 32), or put the same secret.key at {0}"
    )]
    NotShared(String),
}

/// What a receipt says about where its entry stands; only the holder of the secret can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locator {
    /// Whose ledger.
    pub election: ElectionKey,
    /// Which entry.
    pub seq: Seq,
}

impl Keys {
    /// The keys of a master secret.
    #[must_use]
    pub fn new(master: [u8; 32]) -> Self {
        let master = key(&master);
        let derive = |label: &str| key(&mac(&master, &[label.as_bytes()]));
        Self { receipt: derive("receipt"), locator: derive("locator"), device: derive("device"), master }
    }

    /// From `HUSTINGS_SECRET` where set (64 hexadecimal digits are the key itself, any other text is hashed), else from
    /// `secret.key` in the folder, which a new installation makes (0600).
    pub fn load(
        folder: &Path,
        from_environment: Option<&str>,
        is_new: bool,
        random: &dyn Random,
    ) -> Result<Self, SecretError> {
        if let Some(secret) = from_environment {
            return Self::from_text(secret);
        }
        let path = folder.join(SECRET_FILE);
        if !path.exists() {
            if !is_new {
                return Err(SecretError::Missing(path.display().to_string()));
            }
            let mut master = [0; 32];
            random.fill(&mut master);
            write_secret(folder, &master)?;
            return Ok(Self::new(master));
        }
        Ok(Self::new(read_secret(&path)?))
    }

    fn from_text(secret: &str) -> Result<Self, SecretError> {
        // What stands in a secret.key is the key itself, so that it can be given to nodes that share no file.
        let master = match parse_hex(secret.trim()) {
            Some(master) => master,
            None if secret.len() < 32 => return Err(SecretError::Short),
            None => Sha256::digest(secret.as_bytes()).into(),
        };
        Ok(Self::new(master))
    }

    /// Puts the `secret.key` of one folder into another (0600), whole and synced.
    pub fn copy_secret(from: &Path, to: &Path) -> Result<(), SecretError> {
        write_secret(to, &read_secret(&from.join(SECRET_FILE))?)
    }

    /// Like [`Keys::load`] for a database that several nodes share: a secret is never made here.
    pub fn shared(folder: &Path, from_environment: Option<&str>) -> Result<Self, SecretError> {
        let path = folder.join(SECRET_FILE);
        if from_environment.is_none() && !path.exists() {
            return Err(SecretError::NotShared(path.display().to_string()));
        }
        from_environment.map_or_else(|| Ok(Self::new(read_secret(&path)?)), Self::from_text)
    }

    /// What the database keeps to notice another installation's secret; tells nothing about the secret.
    #[must_use]
    pub fn check(&self) -> [u8; 16] {
        first(&mac(&self.master, &[b"check"]))
    }

    /// The voter whom a token holder named. Different elections give unrelated keys.
    #[must_use]
    pub fn named_voter(&self, election: ElectionId, name: &str) -> VoterKey {
        VoterKey(first(&mac(&self.master, &[b"voter:name", election.0.as_bytes(), name.as_bytes()])))
    }

    /// The voter behind a device. Different elections give unrelated keys.
    #[must_use]
    pub fn device_voter(&self, election: ElectionId, device: &Device) -> VoterKey {
        VoterKey(first(&mac(&self.master, &[b"voter:device", election.0.as_bytes(), &device.0])))
    }

    /// What is kept of an access code. Different elections give unrelated hashes.
    #[must_use]
    pub fn access_code(&self, election: ElectionId, code: &AccessCode) -> CodeHash {
        CodeHash(first(&mac(&self.master, &[b"code:hash", election.0.as_bytes(), code.as_str().as_bytes()])))
    }

    /// What a secret of a named request is made from: the same for the same name, purpose and place, and for nobody to guess
    /// without the master secret. Different elections give unrelated bytes.
    #[must_use]
    pub fn derived(&self, purpose: &str, election: ElectionId, name: &[u8], place: &[u64]) -> [u8; 32] {
        let place: Vec<u8> = place.iter().flat_map(|number| number.to_be_bytes()).collect();
        mac(&self.master, &[b"derived", purpose.as_bytes(), election.0.as_bytes(), name, &place])
    }

    /// What a form calls the access code that it is about: it tells nothing, and is another one once the code is replaced.
    #[must_use]
    pub fn code_mark(&self, election: ElectionId, code: CodeHash) -> String {
        let mark: [u8; 12] = first(&mac(&self.master, &[b"code:mark", election.0.as_bytes(), &code.0]));
        URL_SAFE_NO_PAD.encode(mark)
    }

    /// The voter behind an access code, on however many devices. Different elections give unrelated keys.
    #[must_use]
    pub fn coded_voter(&self, election: ElectionId, code: CodeHash) -> VoterKey {
        VoterKey(first(&mac(&self.master, &[b"voter:code", election.0.as_bytes(), &code.0])))
    }

    /// The cookie that keeps an access code for one election: the code and a signature.
    #[must_use]
    pub fn sign_code(&self, election: ElectionId, code: &AccessCode) -> String {
        let tag: [u8; 16] = self.code_tag(election, code);
        URL_SAFE_NO_PAD.encode([code.as_str().as_bytes(), &tag].concat())
    }

    /// The access code of a cookie that this installation signed for this election.
    #[must_use]
    pub fn verify_code(&self, election: ElectionId, cookie: &str) -> Option<AccessCode> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (code, tag) = bytes.split_at_checked(AccessCode::LENGTH)?;
        let code: AccessCode = std::str::from_utf8(code).ok()?.parse().ok()?;
        bool::from(self.code_tag(election, &code).ct_eq(tag)).then_some(code)
    }

    fn code_tag(&self, election: ElectionId, code: &AccessCode) -> [u8; 16] {
        first(&mac(&self.master, &[b"code:cookie", election.0.as_bytes(), code.as_str().as_bytes()]))
    }

    /// What is kept of a device that opened a page of an election. Different elections give unrelated hashes, and none is a
    /// voter's key.
    #[must_use]
    pub fn joined(&self, election: ElectionId, device: &Device) -> DeviceHash {
        DeviceHash(first(&mac(&self.master, &[b"joined", election.0.as_bytes(), &device.0])))
    }

    /// A device's cookie: the device key and a signature.
    #[must_use]
    pub fn sign_device(&self, device: &Device) -> String {
        let tag: [u8; 16] = first(&mac(&self.device, &[&device.0]));
        URL_SAFE_NO_PAD.encode([device.0, tag].concat())
    }

    /// The device of a cookie that this installation signed.
    #[must_use]
    pub fn verify_device(&self, cookie: &str) -> Option<Device> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(cookie).ok()?.try_into().ok()?;
        let device = Device(first(&bytes));
        let tag: [u8; 16] = first(&mac(&self.device, &[&device.0]));
        bool::from(tag.ct_eq(&bytes[16..])).then_some(device)
    }

    /// The id of the receipt for an entry: not guessable, the same for ever, and bound to the entry's very bytes.
    ///
    /// 32 characters of base64url over `tag[12] ‖ (election[4] ‖ seq[8]) xor HMAC(locator, tag)`, where `tag` is
    /// `HMAC(receipt, election ‖ canonical bytes)`. So the place can be found again without an index, and tells nothing
    /// to anybody else.
    #[must_use]
    pub fn receipt(&self, election: ElectionKey, seq: Seq, canonical_bytes: &[u8]) -> String {
        let tag = self.receipt_tag(election, canonical_bytes);
        let place = Place { election: election.0, seq: seq.0 }.to_bytes();
        URL_SAFE_NO_PAD.encode([tag, self.blind(&tag, place)].concat())
    }

    /// Where the receipt's entry must stand. [`Keys::receipt`] over that entry must give the same id again.
    #[must_use]
    pub fn locate(&self, receipt: &str) -> Option<Locator> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(receipt).ok()?.try_into().ok()?;
        let (tag, place) = bytes.split_first_chunk::<12>()?;
        let place = Place::from_bytes(self.blind(tag, place.try_into().ok()?));
        Some(Locator { election: ElectionKey(place.election), seq: Seq(place.seq) })
    }

    fn receipt_tag(&self, election: ElectionKey, canonical_bytes: &[u8]) -> [u8; 12] {
        first(&mac(&self.receipt, &[&election.0.to_be_bytes(), canonical_bytes]))
    }

    fn blind(&self, tag: &[u8; 12], place: [u8; 12]) -> [u8; 12] {
        let mask: [u8; 12] = first(&mac(&self.locator, &[tag]));
        std::array::from_fn(|at| place[at] ^ mask[at])
    }
}

/// The file of a data folder that holds the master secret.
const SECRET_FILE: &str = "secret.key";

fn read_secret(path: &Path) -> Result<[u8; 32], SecretError> {
    let shown = path.display().to_string();
    let file_error = |error| SecretError::File { path: shown.clone(), error };
    let mode = fs::metadata(path).map_err(file_error)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SecretError::Mode(shown));
    }
    let text = fs::read_to_string(path).map_err(file_error)?;
    parse_hex(text.trim()).ok_or(SecretError::Malformed(shown))
}

fn write_secret(folder: &Path, master: &[u8; 32]) -> Result<(), SecretError> {
    let path = folder.join(SECRET_FILE);
    let file_error = |error| SecretError::File { path: path.display().to_string(), error };
    let text: String = master.iter().map(|byte| format!("{byte:02x}")).collect();
    // Under another name until it is whole: half a secret would look like a lost one.
    let unfinished = folder.join("secret.key.new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(file_error)?;
    file.write_all(format!("{text}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(file_error)?;
    fs::rename(&unfinished, &path).map_err(file_error)?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(file_error)
}

struct Place {
    election: u32,
    seq: u64,
}

impl Place {
    fn to_bytes(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.election.to_be_bytes());
        bytes[4..].copy_from_slice(&self.seq.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; 12]) -> Self {
        let [a, b, c, d, seq @ ..] = bytes;
        Self { election: u32::from_be_bytes([a, b, c, d]), seq: u64::from_be_bytes(seq) }
    }
}

/// A device that opened a page of ours: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Device(pub [u8; 16]);

/// A new token as its holder sees it, once.
#[must_use]
pub fn new_token(random: &dyn Random) -> String {
    token_of(new_bytes(random))
}

/// A new secret of a link or a session.
#[must_use]
pub fn new_secret(random: &dyn Random) -> String {
    secret_of(new_bytes(random))
}

/// As many random bytes as a secret is made from.
#[must_use]
pub fn new_bytes(random: &dyn Random) -> [u8; 32] {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    bytes
}

/// A token: `hst_` and 32 bytes in base64url.
#[must_use]
pub fn token_of(bytes: [u8; 32]) -> String {
    format!("hst_{}", secret_of(bytes))
}

/// The secret of a link or a session: 32 bytes in base64url.
#[must_use]
pub fn secret_of(bytes: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An access code: three bytes for each character, of which none is likelier than another by more than one in 500,000.
#[must_use]
pub fn code_of(bytes: [u8; 32]) -> AccessCode {
    let number = |at: usize| u32::from_be_bytes([0, bytes[3 * at], bytes[3 * at + 1], bytes[3 * at + 2]]);
    AccessCode::from_random(std::array::from_fn(number))
}

/// What is stored of a token, a ticket, a link or a session. They are long and random, so a plain hash cannot be searched.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn key(bytes: &[u8; 32]) -> Key {
    let Ok(key) = Key::new_from_slice(bytes) else { unreachable!("HMAC takes keys of any length") };
    key
}

fn mac(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        // Each part with its length, so that no two lists of parts give the same bytes.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|at| bytes[at])
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    // The standard library would take a sign for a digit.
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())?;
    let bytes: Option<Vec<u8>> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandom;

    #[test]
    fn receipts_find_their_entry_and_nobody_elses() {
        let keys = Keys::new([7; 32]);
        let receipt = keys.receipt(ElectionKey(3), Seq(41), b"entry");
        assert_eq!(receipt.len(), 32);
        assert_eq!(keys.locate(&receipt), Some(Locator { election: ElectionKey(3), seq: Seq(41) }));
        assert_ne!(receipt, keys.receipt(ElectionKey(3), Seq(41), b"other"));
        assert_ne!(Keys::new([8; 32]).locate(&receipt), keys.locate(&receipt));
        assert_eq!(keys.locate("nonsense"), None);
    }

    #[test]
    fn only_our_own_cookies_are_devices() {
        let keys = Keys::new([7; 32]);
        let device = Device([9; 16]);
        let cookie = keys.sign_device(&device);
        assert!(keys.verify_device(&cookie).is_some());
        assert!(Keys::new([8; 32]).verify_device(&cookie).is_none());
        assert!(keys.verify_device(&cookie[1..]).is_none());
    }

    #[test]
    fn a_code_is_kept_for_one_election_and_tells_no_voter() {
        let keys = Keys::new([7; 32]);
        let [one, other] = [1, 2].map(|number| ElectionId(uuid::Uuid::from_u128(number)));
        let code: AccessCode = "ABCDE-FGHJK".parse().expect("a code");
        let cookie = keys.sign_code(one, &code);
        assert_eq!(keys.verify_code(one, &cookie), Some(code.clone()));
        for (keys, election, cookie) in [
            (&keys, other, cookie.as_str()),
            (&Keys::new([8; 32]), one, &cookie),
            (&keys, one, &cookie[1..]),
            (&keys, one, ""),
            (&keys, one, "ABCDEFGHJK"),
        ] {
            assert_eq!(keys.verify_code(election, cookie), None, "{cookie}");
        }
        let hash = keys.access_code(one, &code);
        assert_ne!(hash, keys.access_code(other, &code));
        assert_ne!(keys.coded_voter(one, hash).0, hash.0);
        assert_ne!(keys.coded_voter(one, hash), keys.coded_voter(other, hash));
        let device = Device([9; 16]);
        assert_ne!(keys.joined(one, &device), keys.joined(other, &device));
        assert_ne!(keys.joined(one, &device).0, keys.device_voter(one, &device).0[..8], "no voter is told");
    }

    #[test]
    fn a_named_request_has_secrets_of_its_own() {
        let keys = Keys::new([7; 32]);
        let [one, other] = [1, 2].map(|number| ElectionId(uuid::Uuid::from_u128(number)));
        let made = keys.derived("code", one, b"name", &[0, 0]);
        assert_eq!(made, keys.derived("code", one, b"name", &[0, 0]));
        let others = [
            Keys::new([8; 32]).derived("code", one, b"name", &[0, 0]),
            keys.derived("replace", one, b"name", &[0, 0]),
            keys.derived("code", other, b"name", &[0, 0]),
            keys.derived("code", one, b"names", &[0, 0]),
            keys.derived("code", one, b"name", &[1, 0]),
            keys.derived("code", one, b"name", &[0, 1]),
        ];
        let all: std::collections::HashSet<_> = others.into_iter().chain([made]).map(code_of).collect();
        assert_eq!(all.len(), 7);
        assert_ne!(code_of([0; 32]), code_of(std::array::from_fn(|at| u8::from(at == 29))), "the last byte counts");
        let [mark, next] = [9, 8].map(|byte| keys.code_mark(one, CodeHash([byte; 16])));
        assert!(mark != next && mark != keys.code_mark(other, CodeHash([9; 16])));
    }

    #[test]
    fn a_secret_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Keys::load(folder.path(), None, true, &SystemRandom).expect("made");
        let again = Keys::load(folder.path(), None, false, &SystemRandom).expect("read");
        assert_eq!(first.check(), again.check());
        let path = folder.path().join("secret.key");
        let text = fs::read_to_string(&path).expect("a secret");
        let from_variable = |text: &str| Keys::load(folder.path(), Some(text), false, &SystemRandom).expect("a key");
        for same in [text.as_str(), text.trim(), &text.to_uppercase()] {
            assert_eq!(from_variable(same).check(), first.check(), "the content of secret.key is the key");
        }
        for other in [&format!("{}+f", &text[..62]), &format!("{}0", text.trim()), &text[..63]] {
            let hashed = Keys::new(Sha256::digest(other.as_bytes()).into());
            assert_eq!(from_variable(other).check(), hashed.check(), "any other text is hashed");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(matches!(Keys::load(folder.path(), None, false, &SystemRandom), Err(SecretError::Mode(_))));
        fs::remove_file(&path).expect("remove");
        assert!(matches!(Keys::load(folder.path(), None, false, &SystemRandom), Err(SecretError::Missing(_))));
        assert!(matches!(Keys::load(folder.path(), Some("short"), false, &SystemRandom), Err(SecretError::Short)));
        assert!(matches!(Keys::shared(folder.path(), None), Err(SecretError::NotShared(_))));
        assert!(!path.exists(), "a node makes no secret of its own");
        let text = "a secret that all nodes share, as long as it must be";
        let shared = Keys::shared(folder.path(), Some(text)).expect("taken from the environment");
        let loaded = Keys::load(folder.path(), Some(text), false, &SystemRandom).expect("the same");
        assert_eq!(shared.check(), loaded.check());
        let (folder, file) = (tempfile::tempdir().expect("a folder"), "secret.key");
        let made = Keys::load(folder.path(), None, true, &SystemRandom).expect("made");
        let text = fs::read_to_string(folder.path().join(file)).expect("the secret");
        let given = Keys::shared(Path::new("/nowhere"), Some(&text)).expect("the content of the file");
        assert_eq!(made.check(), given.check());
    }
}
