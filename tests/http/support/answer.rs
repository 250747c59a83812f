//! What a server answered, and how to say what it should have.

use serde_json::Value;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The request, for messages.
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads an answer from the bytes of a connection that the server closed.
    pub(crate) fn parse(request: String, bytes: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes);
        let Ok(httparse::Status::Complete(head)) = parsed else {
            panic!("{request}: no answer, but {parsed:?} in {:?}", String::from_utf8_lossy(bytes))
        };
        let status = response.code.expect("a status");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<_> =
            response.headers.iter().map(|header| (header.name.to_lowercase(), text(header.value))).collect();
        let mut answer = Self { request, status, headers, body: bytes[head..].to_vec() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunk(&answer.body).0;
        }
        assert!(answer.status < 500 || answer.status == 503, "{answer:?}");
        if answer.header("content-type") == Some("application/problem+json") {
            answer.is_a_problem();
        }
        answer
    }

    /// Every refusal has the same form.
    fn is_a_problem(&self) {
        if self.body.is_empty() {
            return;
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        for field in ["code", "detail", "title"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "no {field} in {self:?}");
        }
        let code = problem["code"].as_str().unwrap_or_default();
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{self:?}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header that may stand several times.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {self:?}", self.request))
    }

    /// The stable code of a refusal, or an empty text.
    pub(crate) fn code(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The status in a vote's answer, or the code of its refusal.
    pub(crate) fn word(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json["status"].as_str().map_or_else(|| self.code(), str::to_owned)
    }

    /// The id of the receipt in the answer.
    pub(crate) fn receipt(&self) -> String {
        let json = self.json();
        json["receipt"]["id"].as_str().unwrap_or_else(|| panic!("no receipt: {self:?}")).to_owned()
    }

    /// The answer has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self
    }

    /// The answer is this refusal.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}: {}", self.request, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        self
    }

    /// The answer is this JSON, with names and times masked.
    #[track_caller]
    pub(crate) fn shows(self, status: u16, expected: Value) -> Self {
        let answer = self.is(status);
        let shown: Value = serde_json::from_str(&mask(&answer.text())).expect("masked JSON");
        assert_eq!(shown, expected, "{}: {shown:#}", answer.request);
        answer
    }
}

/// Joins chunks (RFC 9112, section 7.1); the number of bytes used up stands beside them.
pub(crate) fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, usize) {
    let (mut body, all) = (Vec::new(), bytes.len());
    while let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).ok().and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok());
        let size = size.expect("the size of a chunk");
        let Some(chunk) = bytes.get(end + 2..end + 2 + size) else { break };
        if bytes.len() < end + 4 + size {
            break;
        }
        body.extend_from_slice(chunk);
        bytes = &bytes[end + 4 + size..];
        if size == 0 {
            break;
        }
    }
    (body, all - bytes.len())
}

/// Replaces what differs from run to run: UUIDs, times, epochs, receipts and this machine's ports.
pub(crate) fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = PATTERNS.iter().find_map(|(pattern, name)| Some((matches(rest, pattern)?, *name)));
        if let Some((length, name)) = found {
            out.push_str(name);
            rest = &rest[length..];
            continue;
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// `x` is a hexadecimal digit, `9` a decimal one, `r` a character of a receipt, `+` one or more decimal digits.
const PATTERNS: [(&str, &str); 5] = [
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<uuid>"),
    ("9999-99-99T99:99:99.999Z", "<time>"),
    ("http://127.0.0.1:+", "<base>"),
    ("\"id\":\"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\"", "\"id\":\"<receipt>\""),
    ("xxxxxxxxxxxxxxxx.", "<epoch>."),
];

fn matches(text: &str, pattern: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    for wanted in pattern.bytes() {
        let found = *bytes.get(at)?;
        let good = match wanted {
            b'x' => found.is_ascii_digit() || (b'a'..=b'f').contains(&found),
            b'9' | b'+' => found.is_ascii_digit(),
            b'r' => found.is_ascii_alphanumeric() || found == b'-' || found == b'_',
            other => found == other,
        };
        if !good {
            return None;
        }
        at += 1;
        while wanted == b'+' && bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
    }
    Some(at)
}

#[test]
fn what_differs_from_run_to_run_is_masked() {
    let text = r#"{"id":"0193e2a0-1111-7222-8333-444455556666","at":"2026-11-22T03:04:05.678Z","v":"00112233445566ff.12",
        "url":"http://127.0.0.1:41231/ABC","receipt":{"id":"abcdefghijklmnopqrstuvwxyz-_0123"},"x":"9"}"#;
    let masked = r#"{"id":"<uuid>","at":"<time>","v":"<epoch>.12",
        "url":"<base>/ABC","receipt":{"id":"<receipt>"},"x":"9"}"#;
    assert_eq!(mask(text), masked);
    assert_eq!(unchunk(b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").0, b"abcd");
}
