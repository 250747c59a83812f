//! Access codes: what a voter types or scans, and nobody guesses.
//!
//! Ten characters that nobody misreads: 31^10, about 8.2 * 10^14 codes. With 50,000 of them given out, one in 1.6 * 10^10
//! guesses hits one: a server that answers ten thousand guesses a second and nothing else is hit after 19 days on average.

use std::fmt;
use std::str::FromStr;

use crate::election::Code;
use crate::text::TextError;

/// One voter's access code, as it is compared: upper case and without its hyphen.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccessCode(String);

impl AccessCode {
    /// How many characters it has.
    pub const LENGTH: usize = 10;

    /// A code from random numbers, one for each character; any number will do.
    #[must_use]
    pub fn from_random(numbers: [u32; Self::LENGTH]) -> Self {
        let pick = |n: u32| char::from(Code::ALPHABET[n as usize % Code::ALPHABET.len()]);
        Self(numbers.into_iter().map(pick).collect())
    }

    /// Its ten characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccessCode {
    type Err = TextError;

    /// Any case; hyphens and spaces mean nothing, wherever they stand.
    fn from_str(raw: &str) -> Result<Self, TextError> {
        let told = raw.chars().filter(|c| !matches!(c, '-' | '\u{2010}' | '\u{2011}') && !c.is_whitespace());
        let code: String = told.map(|c| c.to_ascii_uppercase()).take(Self::LENGTH + 1).collect();
        let valid = code.len() == Self::LENGTH && code.bytes().all(|b| Code::ALPHABET.contains(&b));
        if valid { Ok(Self(code)) } else { Err(TextError::CodeAlphabet) }
    }
}

impl fmt::Display for AccessCode {
    /// As it is printed: in two halves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = self.0.split_at(Self::LENGTH / 2);
        write!(f, "{one}-{other}")
    }
}

impl fmt::Debug for AccessCode {
    /// Shows nothing: who has the code has the vote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_forgive_how_they_are_typed_and_nothing_else() {
        let code = AccessCode::from_random([0, 1, 2, 3, 4, 30, 31, 60, u32::MAX, 29]);
        assert_eq!(code.to_string().len(), AccessCode::LENGTH + 1);
        for typed in [code.to_string(), code.to_string().to_lowercase(), code.as_str().to_owned(), format!(" {code} ")]
        {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
        }
        for bad in ["", "ABCDE-FGHJ", "ABCDE-FGHJKM", "ABCDE-FGHJ0", "ABCDE-FGHJO", "ABCDE-FGHJ1", "ÄBCDE-FGHJK"] {
            assert!(bad.parse::<AccessCode>().is_err(), "{bad}");
        }
        assert_eq!(format!("{code:?}"), "AccessCode(..)");
    }
}
