//! An address as a picture that phones read.

use fast_qr::qr::QRBuilder;

/// A QR code as one path of an SVG, a module a unit, with the quiet zone of four modules that the standard asks for.
pub(super) struct Qr {
    /// Width and height.
    pub(super) size: usize,
    /// The dark modules.
    pub(super) path: String,
}

/// Nothing stands around the code in this width (ISO/IEC 18004).
const QUIET: usize = 4;

impl Qr {
    /// The picture of a text; none where it is too long for one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let code = QRBuilder::new(text).build().ok()?;
        let mut path = String::new();
        for row in 0..code.size {
            for column in 0..code.size {
                if code[row][column].value() {
                    path.push_str(&format!("M{} {}h1v1h-1z", column + QUIET, row + QUIET));
                }
            }
        }
        Some(Self { size: code.size + 2 * QUIET, path })
    }
}
