//! Words that people wrote: any script, but nothing that can hide or reorder what a reader sees.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// One line of text a person wrote (a title, a reason): NFC, trimmed, not empty, at most 200 characters.
///
/// All scripts and joiners are accepted; control characters and bidirectional overrides are not, because they let
/// a choice look like another one (Unicode Technical Report 36).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(Box<str>);

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// More characters than the limit.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A control character (a line break included) or a bidirectional override.
    #[error("must not contain control characters or bidirectional overrides")]
    Forbidden,
    /// Characters outside a code's or a slug's alphabet.
    #[error(
        "must have 3 to 64 characters (small letters a to z, digits, inner hyphens) and not look like a poll's code"
    )]
    Alphabet,
    /// Characters outside a given code's alphabet.
    #[error("must have only letters, digits, and - _ . :")]
    CodeAlphabet,
    /// A slug that the program uses for its own addresses.
    #[error("is an address that Hustings uses itself")]
    Reserved,
}

impl TextError {
    /// The stable code of the refusal.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty_text",
            Self::TooLong(_) => "text_too_long",
            Self::Forbidden => "forbidden_character",
            Self::Alphabet => "invalid_slug",
            Self::CodeAlphabet => "invalid_code",
            Self::Reserved => "reserved_slug",
        }
    }
}

/// A text as it is searched by: small letters without accents, so that `Éloïse` is found by `eloise` and the other way round.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase) {
        // Letters that are no others with a mark, and that who types them elsewhere writes so.
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c => folded.push(c),
        }
    }
    folded
}

impl Text {
    /// The longest text, in characters.
    pub const LENGTH_MAX: usize = 200;

    /// The text as it will be stored and shown, or why not.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        let text: String = raw.trim().nfc().collect();
        if text.chars().any(is_forbidden) {
            return Err(TextError::Forbidden);
        }
        match text.chars().count() {
            0 => Err(TextError::Empty),
            n if n > Self::LENGTH_MAX => Err(TextError::TooLong(Self::LENGTH_MAX)),
            _ if text.chars().all(is_invisible) => Err(TextError::Empty),
            _ => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mark of Latin, Greek and Cyrillic letters. Those of other scripts are vowels or make another letter.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

pub(crate) fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn is_invisible(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}' | '\u{034F}')
}

impl TryFrom<String> for Text {
    type Error = TextError;
    fn try_from(raw: String) -> Result<Self, TextError> {
        Self::parse(&raw)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The stable code of a choice or a unit: given, or made of a title as small letters and digits of any script, joined by
/// hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(Box<str>);

impl Label {
    /// The longest code that can be given, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// The code for a title, different from all those taken: `-2`, `-3`, .. is added where needed.
    #[must_use]
    pub fn for_title(title: &Text, taken: &[&Self]) -> Self {
        let words: Vec<String> = title
            .as_str()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let base = if words.is_empty() { "choice".to_owned() } else { words.join("-") };
        let base: Box<str> = base.into();
        let numbered = (2..).map(|n: u32| Self(format!("{base}-{n}").into()));
        let free = std::iter::once(Self(base.clone())).chain(numbered).find(|label| !taken.contains(&label));
        free.unwrap_or(Self(base))
    }

    /// The code of what is known by a name, the same however the name is written: in small letters where it can be a code, else
    /// made of its words.
    pub fn for_name(name: &Text) -> Result<Self, TextError> {
        Self::parse(&name.as_str().to_lowercase()).or_else(|_| Self::parse(Self::for_title(name, &[]).as_str()))
    }

    /// A code that was given: 1 to 64 letters or digits of any script, `-`, `_`, `.` or `:`.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        let code: String = raw.trim().nfc().collect();
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        match code.chars().count() {
            0 => Err(TextError::Empty),
            n if n > Self::LENGTH_MAX => Err(TextError::TooLong(Self::LENGTH_MAX)),
            _ if code.chars().all(allowed) => Ok(Self(code.into())),
            _ => Err(TextError::CodeAlphabet),
        }
    }

    /// The code of the root of every tree of units.
    #[must_use]
    pub fn root() -> Self {
        Self(crate::unit::Unit::ROOT_CODE.into())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_by_has_neither_case_nor_accents() {
        for (text, expected) in [
            ("Éloïse Ångström", "eloise angstrom"),
            ("E\u{301}LOI\u{308}SE", "eloise"),
            ("Straße ŁÓDŹ Øre Þóra İzmir", "strasse lodz ore thora izmir"),
            ("Œuvre Æsop Đorđe ﬁ", "oeuvre aesop dorde fi"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("कि", "कि"),
            ("ann@x.example", "ann@x.example"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
            assert_eq!(folded(expected), expected, "{text}: twice is once");
        }
        assert_eq!(folded("Ὀδυσσεύς"), folded("οδυσσευσ"));
        assert_ne!(folded("कि"), folded("का"), "a vowel is no accent");
    }

    #[test]
    fn all_scripts_and_joiners_pass_and_tricks_do_not() {
        let family = "👩\u{200D}👩\u{200D}👧";
        for good in ["Coderre", "Mélanie Joly", "日本語", "مرحبا", "नमस्ते", family, "می\u{200C}خواهم"]
        {
            assert!(Text::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", TextError::Empty),
            (" \u{200B} ", TextError::Empty),
            ("a\nb", TextError::Forbidden),
            ("a\u{0}b", TextError::Forbidden),
            ("a\u{202E}b", TextError::Forbidden),
            ("a\u{2066}b", TextError::Forbidden),
        ] {
            assert_eq!(Text::parse(bad), Err(why), "{bad:?}");
        }
        assert_eq!(Text::parse(&"x".repeat(201)), Err(TextError::TooLong(200)));
        assert_eq!(Text::parse(" e\u{301} ").map(|t| t.to_string()), Ok("é".to_owned()));
    }

    #[test]
    fn equal_titles_get_different_codes() {
        let title = Text::parse("Val-d'Or, 2e").expect("a title");
        let first = Label::for_title(&title, &[]);
        let second = Label::for_title(&title, &[&first]);
        assert_eq!((first.as_str(), second.as_str()), ("val-d-or-2e", "val-d-or-2e-2"));
        assert_eq!(Label::for_title(&Text::parse("?!").expect("a title"), &[]).as_str(), "choice");
    }
}
