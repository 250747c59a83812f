//! Gives the device a key of its own where it has none: the only place where devices are made; and notes who has come.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use hustings_core::Election;

use crate::http::Services;
use crate::http::auth::device;
use crate::keys::Device;

/// The same page, with a key for a device that has none.
pub(super) fn with_device(services: &Services, headers: &HeaderMap, response: Response) -> Response {
    match device(services, headers) {
        Some(_) => response,
        None => with_cookie(services, &made(services), response),
    }
}

/// The same voter's page, like [`with_device`]: the device has come to the election. Who only reads or shows results has not.
pub(super) fn with_voter(
    services: &Services,
    election: &Election,
    headers: &HeaderMap,
    response: Response,
) -> Response {
    let known = device(services, headers);
    let device = known.unwrap_or_else(|| made(services));
    services.joined.note(services, election, &device);
    if known.is_some() { response } else { with_cookie(services, &device, response) }
}

fn with_cookie(services: &Services, device: &Device, mut response: Response) -> Response {
    let secure = if services.settings.is_secure() { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
        services.settings.cookie_name(),
        services.keys.sign_device(device)
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn made(services: &Services) -> Device {
    let mut made = Device([0; 16]);
    services.random.fill(&mut made.0);
    metrics::counter!("hustings_devices_made_total").increment(1);
    made
}
