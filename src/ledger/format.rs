//! The installation's ledger format as stores keep it: its digits in the row `format` of the table `installation`.
//!
//! Invariant: without a row it is the first one, as programs left it that knew no other. A number that this program does not
//! know is an error wherever it is read, so that such a program neither decides nor shows anything further.

use hustings_core::Format;

use super::LedgerError;

/// The name of the row.
pub(super) const ROW: &str = "format";

/// The format that a row stands for, where this program knows it.
pub(super) fn known(value: Option<&[u8]>) -> Result<Format, LedgerError> {
    let Some(value) = value else { return Ok(Format::FIRST) };
    let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
    let damaged = || LedgerError::Damaged {
        table: "installation",
        key: ROW.to_owned(),
        what: format!("`{}` is no format", String::from_utf8_lossy(value)),
    };
    match Format(number.ok_or_else(damaged)?) {
        found if found > Format::NEWEST => Err(LedgerError::NewerFormat { found }),
        found => Ok(found),
    }
}

/// What stands in the row of a format.
pub(super) fn value(format: Format) -> Vec<u8> {
    format.to_string().into_bytes()
}
