//! What the address of a server says.

/// A server as it is typed: `http://127.0.0.1:8080`, `https://vote.example.org`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) is_secure: bool,
    /// As it stands in `Host`.
    pub(super) authority: String,
    /// A name or a number, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    /// Reads an address; none of it is asked for here.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (is_secure, authority) = match url.strip_prefix("https://") {
            Some(authority) => (true, authority),
            None => (false, url.strip_prefix("http://")?),
        };
        let authority = authority.trim_end_matches('/');
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, if is_secure { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
        let place = || Self { is_secure, authority: authority.to_owned(), host: host.to_owned(), port };
        (!host.is_empty() && host.bytes().all(is_plain)).then(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_host_and_has_a_port() {
        for (url, is_secure, authority, host, port) in [
            ("http://127.0.0.1:8080", false, "127.0.0.1:8080", "127.0.0.1", 8080),
            ("http://localhost/", false, "localhost", "localhost", 80),
            ("https://vote.example.org", true, "vote.example.org", "vote.example.org", 443),
            ("https://vote.example.org:8443/", true, "vote.example.org:8443", "vote.example.org", 8443),
            ("https://[::1]", true, "[::1]", "::1", 443),
            ("http://[::1]:8080", false, "[::1]:8080", "::1", 8080),
        ] {
            let place = Place { is_secure, authority: authority.to_owned(), host: host.to_owned(), port };
            assert_eq!(Place::parse(url), Some(place), "{url}");
        }
        for wrong in
            ["banana", "http://", "https://", "https://:443", "ftp://a", "https://a/b", "http://a:b", "http://a b"]
        {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }
}
