//! Persons who sign in: what they are called, and what they may do in an election.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::text::{TextError, is_forbidden, is_invisible};

/// What a person types to sign in: NFC, trimmed, 1 to 128 bytes. Names that differ only in case are one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(String);

impl LoginName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// The name as it will be stored and shown, or why not.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        let name: String = raw.trim().nfc().collect();
        if name.chars().any(is_forbidden) {
            return Err(TextError::Forbidden);
        }
        if name.chars().all(is_invisible) {
            return Err(TextError::Empty);
        }
        if name.len() > Self::BYTES_MAX {
            let fit = name.char_indices().take_while(|(at, c)| at + c.len_utf8() <= Self::BYTES_MAX).count();
            return Err(TextError::TooLong(fit));
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is the same for all ways to write this name: no case, nothing invisible.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.chars().filter(|c| !is_invisible(*c) || *c == ' ').flat_map(char::to_lowercase).nfc().collect()
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person may do in one election; each role may do all that lesser ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees results that are hidden from others.
    Viewer,
    /// Runs it: acts, health, results.
    CoHost,
    /// Everything, its people and its end included.
    Owner,
}

impl Role {
    /// All roles, the mightiest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::CoHost, Self::Viewer];

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::CoHost => "co_host",
            Self::Viewer => "viewer",
        }
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| format!("unknown role `{text}`: use one of owner, co_host, viewer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one_name() {
        for (raw, shown, folded) in [
            (" Ann ", "Ann", "ann"),
            ("ann", "ann", "ann"),
            ("A\u{308}nn", "Änn", "änn"),
            ("a\u{200B}nn", "a\u{200B}nn", "ann"),
            ("Ann Lee", "Ann Lee", "ann lee"),
            ("ann@example.org", "ann@example.org", "ann@example.org"),
        ] {
            let name = LoginName::parse(raw).expect(raw);
            assert_eq!((name.as_str(), name.folded().as_str()), (shown, folded), "{raw:?}");
        }
        for (raw, error) in [
            ("", TextError::Empty),
            (" \u{200B} ", TextError::Empty),
            ("a\nb", TextError::Forbidden),
            (&"a".repeat(129), TextError::TooLong(128)),
            (&"ä".repeat(65), TextError::TooLong(64)),
        ] {
            assert_eq!(LoginName::parse(raw), Err(error), "{raw:?}");
        }
        assert!(LoginName::parse(&"ä".repeat(64)).is_ok());
    }

    #[test]
    fn roles_survive_their_names() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("admin".parse::<Role>().is_err());
    }
}
