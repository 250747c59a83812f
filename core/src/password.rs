//! Passwords as people type them, and which are refused.
//!
//! Length is what counts, and no kinds of characters are asked for (NIST SP 800-63B, section 3.1.1.2). It must not know: how
//! a password is stored.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::person::LoginName;

/// A password that may be kept: 8 to 256 characters, not the login name, none of the ones that everybody tries first.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It can be found by trying.
    #[error("must have at least {} characters", Password::LENGTH_MIN)]
    Short,
    /// Nobody types so much.
    #[error("must have at most {} characters", Password::LENGTH_MAX)]
    Long,
    /// It is tried first.
    #[error("must not be the login name")]
    IsName,
    /// It is tried next.
    #[error("is one of the passwords that everybody tries first; choose another one, such as four words")]
    Common,
}

impl PasswordError {
    /// The stable code of the refusal.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Short => "password_short",
            Self::Long => "password_long",
            Self::IsName => "password_is_name",
            Self::Common => "password_common",
        }
    }
}

impl Password {
    /// The fewest characters.
    pub const LENGTH_MIN: usize = 8;
    /// The most characters.
    pub const LENGTH_MAX: usize = 256;

    /// Those of at least eight characters that lead every list of stolen ones, and their like in French and German.
    const COMMON: [&'static str; 24] = [
        "password",
        "passwort",
        "motdepasse",
        "12345678",
        "123456789",
        "1234567890",
        "87654321",
        "11111111",
        "00000000",
        "qwertyui",
        "qwertyuiop",
        "qwerty123",
        "qwertz123",
        "azertyuiop",
        "1q2w3e4r",
        "password1",
        "password123",
        "iloveyou",
        "sunshine",
        "princess",
        "football",
        "abcd1234",
        "letmein1",
        "hustings",
    ];

    /// The password of a person with this name, or why not.
    pub fn parse(raw: &str, name: &LoginName) -> Result<Self, PasswordError> {
        let typed = Self::typed(raw).ok_or(PasswordError::Long)?;
        let lower = typed.0.to_lowercase();
        if typed.0.chars().count() < Self::LENGTH_MIN {
            Err(PasswordError::Short)
        } else if lower == name.folded() {
            Err(PasswordError::IsName)
        } else if Self::COMMON.contains(&lower.as_str()) {
            Err(PasswordError::Common)
        } else {
            Ok(typed)
        }
    }

    /// What somebody typed to sign in, in the one form that is compared: NFC. None where nobody has such a password.
    #[must_use]
    pub fn typed(raw: &str) -> Option<Self> {
        // Four bytes are the most that a character has.
        let text: String = if raw.len() > 4 * Self::LENGTH_MAX { return None } else { raw.nfc().collect() };
        (text.chars().count() <= Self::LENGTH_MAX).then_some(Self(text))
    }

    /// What nobody can have typed: for whoever typed what no password can be.
    #[must_use]
    pub fn nobodys() -> Self {
        Self("\u{0}".to_owned())
    }

    /// Its bytes, to be hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    /// Shows nothing: no password belongs in any log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_refused() {
        let name = LoginName::parse("Ann.Lee@example.org").expect("a name");
        for (raw, expected) in [
            ("1234567", Err(PasswordError::Short)),
            ("ääääääää", Ok(())),
            ("correct horse", Ok(())),
            ("        ", Ok(())),
            ("ann.lee@EXAMPLE.org", Err(PasswordError::IsName)),
            ("PassWord", Err(PasswordError::Common)),
            ("123456789", Err(PasswordError::Common)),
            (&"x".repeat(256), Ok(())),
            (&"x".repeat(257), Err(PasswordError::Long)),
            (&"\u{1F5F3}".repeat(256), Ok(())),
            (&"x".repeat(5_000), Err(PasswordError::Long)),
        ] {
            assert_eq!(Password::parse(raw, &name).map(drop), expected, "{raw}");
        }
        assert!(Password::COMMON.iter().all(|one| one.chars().count() >= Password::LENGTH_MIN));
    }

    #[test]
    fn one_password_has_one_form() {
        assert_eq!(Password::typed("ca\u{301}ba\u{308}le"), Password::typed("c\u{e1}b\u{e4}le"));
        assert_eq!(format!("{:?}", Password::typed("secret")), "Some(Password(..))");
    }
}
