//! What pages load: one stylesheet, small modules, the colour of an election.
//!
//! Invariant: an address with the hash of what is served may be kept for ever; one with another hash, of another version of
//! this program on another node, is answered with what is here and never kept. It must not know: pages.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::accent;

/// One file, compressed once.
struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    packed: LazyLock<Packed, fn() -> Packed>,
}

struct Packed {
    brotli: Vec<u8>,
    gzip: Vec<u8>,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! assets {
    ($($name:literal $kind:expr;)+) => {[$(Asset {
        name: $name,
        kind: $kind,
        plain: include_bytes!(concat!("../../../assets/", $name)),
        packed: LazyLock::new(|| Packed::of(include_bytes!(concat!("../../../assets/", $name)))),
    }),+]};
}

static ASSETS: [Asset; 13] = assets! {
    "codes.js" SCRIPT;
    "compose.js" SCRIPT;
    "embed.js" SCRIPT;
    "host.js" SCRIPT;
    "hustings.css" CSS;
    "live.js" SCRIPT;
    "results.js" SCRIPT;
    "screen.js" SCRIPT;
    "send.js" SCRIPT;
    "sheet.css" CSS;
    "texts.js" SCRIPT;
    "times.js" SCRIPT;
    "vote.js" SCRIPT;
};

/// Changes whenever an asset does, so that assets can be kept for ever. One hash over all, because modules name each other.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let digest = ASSETS.iter().fold(Sha256::new(), |digest, asset| {
        let length = (asset.plain.len() as u64).to_be_bytes();
        digest.chain_update(asset.name).chain_update(length).chain_update(asset.plain)
    });
    crate::export::hex(&digest.finalize()[..6])
});

/// The hash in the addresses of assets.
pub(super) fn hash() -> &'static str {
    &HASH
}

/// `/assets/{hash}/{name}`.
pub(super) async fn asset(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (coding, bytes) = match () {
        () if accepts(&headers, "br") => (Some("br"), &asset.packed.brotli[..]),
        () if accepts(&headers, "gzip") => (Some("gzip"), &asset.packed.gzip[..]),
        () => (None, asset.plain),
    };
    let mut response = served(&hash, asset.kind, bytes.to_vec());
    if let Some(coding) = coding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// `/assets/{hash}/accent/{rrggbb}.css`: the colour of an election, readable in every theme.
pub(super) async fn accent_sheet(Path((hash, name)): Path<(String, String)>) -> Response {
    match name.strip_suffix(".css").and_then(accent::stylesheet) {
        Some(sheet) => served(&hash, CSS, sheet.into_bytes()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn served(hash: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let cache = if hash == HASH.as_str() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = bytes.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the reader can unpack a coding (RFC 9110, section 12.5.3).
pub(super) fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        let is_refused = quality.trim().strip_prefix("q=").is_some_and(|quality| quality.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(coding) && !is_refused
    })
}

/// Bytes packed with gzip; as they are, where that fails, which writing to memory does not.
pub(super) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

impl Packed {
    fn of(bytes: &[u8]) -> Self {
        let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
        let mut brotli = Vec::new();
        // Writing to memory does not fail.
        let _written = brotli::BrotliCompress(&mut &*bytes, &mut brotli, &parameters);
        Self { brotli, gzip: gzip(bytes, 9) }
    }
}
