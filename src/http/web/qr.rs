//! An address as a picture that phones read; `/{code}/qr.svg` is the way to a poll's page.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fast_qr::qr::QRBuilder;

use crate::http::Shared;
use crate::http::name::Name;

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

    /// The picture as a file of its own: black on white, whatever stands around it.
    fn file(&self) -> String {
        let Self { size, path } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>"
        )
    }
}

/// The picture of a poll's address.
pub(super) async fn qr(State(services): State<Shared>, Name(code): Name) -> Response {
    let found = match services.elections.find(&code).await {
        Ok(Some(found)) => found,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let address = format!("{}/{}", services.settings.base_url(), found.election.code);
    let Some(picture) = Qr::of(&address) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = picture.file().into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "image/svg+xml"),
        // Another public address makes another picture.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
