//! Addresses and options that the operator chose. `--public-url` alone decides links, cookies and origins.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use hustings_core::Code;
use ipnet::IpNet;

/// What the operator chose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people reach this server, without a slash at the end.
    pub public_url: Option<String>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether `/bench` exists.
    pub bench: bool,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether anybody may make a person of their own.
    pub open_sign_up: bool,
}

impl Settings {
    /// The beginning of every link.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Whether people come over TLS; then cookies are `Secure` and bound to the host.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The name of the device cookie. `__Host-` makes browsers refuse it from anywhere but this very host (RFC 6265bis).
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-hustings-device" } else { "hustings-device" }
    }

    /// The name of the cookie of who is signed in.
    #[must_use]
    pub fn session_cookie(&self) -> &'static str {
        if self.is_secure() { "__Host-hustings-session" } else { "hustings-session" }
    }

    /// The name of the cookie that keeps an access code for one election.
    #[must_use]
    pub fn code_cookie_name(&self, code: &Code) -> String {
        let prefix = if self.is_secure() { "__Host-" } else { "" };
        format!("{prefix}hustings-code-{code}")
    }

    /// Where a request really comes from, for the access log: the peer, or behind trusted proxies the last address in
    /// `X-Forwarded-For` that is not one of them.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        if !trusted(&peer) {
            return peer;
        }
        let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> =
            values.flat_map(|value| value.split(',')).map_while(|hop| hop.trim().parse().ok()).collect();
        hops.iter().rev().find(|hop| !trusted(hop)).or(hops.first()).copied().unwrap_or(peer)
    }

    /// Whether an `Origin` is ours: the public URL's, or without one the host that was asked.
    #[must_use]
    pub fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        match &self.public_url {
            Some(url) => origin.eq_ignore_ascii_case(url),
            None => origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_origin_passes() {
        let mut settings = Settings {
            public_url: None,
            listen: listen(),
            bench: false,
            trusted_proxies: Vec::new(),
            open_sign_up: false,
        };
        assert!(settings.is_own_origin("http://localhost:8080", "localhost:8080"));
        assert!(!settings.is_own_origin("http://evil.example", "localhost:8080"));
        assert!(!settings.is_own_origin("null", "localhost:8080"));
        settings.public_url = Some("https://vote.example".to_owned());
        assert!(settings.is_own_origin("https://vote.example", "10.0.0.1:8080"));
        assert!(!settings.is_own_origin("http://vote.example", "vote.example"));
        assert!(settings.is_secure());
    }

    fn listen() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 8080))
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted_proxies = vec!["10.0.0.0/8".parse().expect("a net")];
        let settings =
            Settings { public_url: None, listen: listen(), bench: false, trusted_proxies, open_sign_up: false };
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.1.1.1".parse().expect("a value"));
        let client = |peer: &str| settings.client(peer.parse().expect("an address"), &headers).to_string();
        assert_eq!(client("10.2.2.2"), "192.0.2.7");
        assert_eq!(client("203.0.113.9"), "203.0.113.9");
    }
}
