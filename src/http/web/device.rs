//! Gives the device a key of its own where it has none: the only place where devices are made.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::http::Services;
use crate::http::auth::device;
use crate::keys::Device;

/// The same page, with a key for a device that has none.
pub(super) fn with_device(services: &Services, headers: &HeaderMap, mut response: Response) -> Response {
    if device(services, headers).is_some() {
        return response;
    }
    let mut made = Device([0; 16]);
    services.random.fill(&mut made.0);
    metrics::counter!("hustings_devices_made_total").increment(1);
    let secure = if services.settings.is_secure() { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
        services.settings.cookie_name(),
        services.keys.sign_device(&made)
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
