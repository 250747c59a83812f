//! Commands that ask over https: a server is proved by an authority, or gets nothing.

use std::net::SocketAddr;

use serde_json::json;

use crate::support::{ADMIN, Authority, TestServer, command, front};

/// A server with an election, asked through whatever stands before it.
struct Station {
    server: TestServer,
    code: String,
    /// What the system trusts; it has issued nothing that stands before the server.
    system: Authority,
    commission: Authority,
}

/// Years in which the tests run, and years that are over.
const NOW: (i32, i32) = (2020, 4000);
const OVER: (i32, i32) = (2019, 2020);
const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

impl Station {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let body = json!({ "title": "A night", "kind": "election", "choices": ["Tories"], "cities": ["London"],
            "open": true });
        let made = server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json();
        let code = made["code"].as_str().expect("a code").to_owned();
        let system = Authority::new("Any System", server.folder());
        let commission = Authority::new("The Commission", server.folder());
        Self { server, code, system, commission }
    }

    /// Runs a command about the election on a machine that trusts the authorities of its system.
    async fn run(&self, url: &str, arguments: &[&str]) -> (bool, String, String) {
        let mut all = arguments.to_vec();
        all.extend(["--url", url, "--token", ADMIN, "--election", &self.code]);
        let variables = [("SSL_CERT_FILE", self.system.file()), ("SSL_CERT_DIR", "")];
        command(self.server.data(), &all, &variables).await
    }

    /// Sends a report of one box.
    async fn send(&self, url: &str, ballot_box: &str, ca_file: Option<&str>) -> (bool, String) {
        let file = self.server.folder().join(format!("{ballot_box}.csv"));
        std::fs::write(&file, format!("box,city,votes.tories\n{ballot_box},london,7\n")).expect("a file");
        let (file, spool) = (file.display().to_string(), self.server.folder().join("spool").display().to_string());
        let mut arguments = vec!["report", "send", &file, "--spool", &spool];
        arguments.extend(ca_file.into_iter().flat_map(|file| ["--ca-file", file]));
        let (well, out, said) = self.run(url, &arguments).await;
        (well, format!("{out}{said}"))
    }

    async fn front(&self, names: &[&str], years: (i32, i32)) -> SocketAddr {
        front(self.server.address(), self.commission.issue(names, years), 0).await
    }

    async fn votes(&self) -> u64 {
        let path = format!("/api/v1/elections/{}/results", self.code);
        let results = self.server.get(&path).bearer(ADMIN).send().await.is(200).json();
        results["choices"][0]["votes"].as_u64().expect("votes")
    }
}

#[tokio::test]
async fn commands_speak_https_to_a_server_that_an_authority_proves() {
    let station = Station::new().await;
    let proved = station.commission.issue(&HERE, NOW);
    // Two handshakes break off in the middle, as over a bad line: they are tried again.
    let port = front(station.server.address(), proved, 2).await.port();
    let (url, ca_file) = (format!("https://localhost:{port}"), station.commission.file());
    let (well, said) = station.send(&url, "b1", Some(ca_file)).await;
    assert!(well && said.contains("1  counted"), "{said}");
    let by_number = format!("https://127.0.0.1:{port}/");
    let (well, out, said) = station.run(&by_number, &["results", "--json", "--ca-file", ca_file]).await;
    assert!(well && out.contains("\"votes\":7"), "{out}{said}");
    let (well, out, said) = station.run(&url, &["report", "receipt", "b1", "--ca-file", ca_file]).await;
    assert!(well && out.contains("revision 1"), "{out}{said}");
    let variables = [("HUSTINGS_CA_FILE", ca_file), ("HUSTINGS_URL", &url), ("HUSTINGS_TOKEN", ADMIN)];
    for arguments in
        [&["token", "list"][..], &["bench", "votes", "--ballots", "20", "--connections", "2", "--url", &url]]
    {
        let (well, out, said) = command(station.server.data(), arguments, &variables).await;
        assert!(well, "{arguments:?}: {out}{said}");
    }
    // What the system trusts needs no file.
    let public = front(station.server.address(), station.system.issue(&HERE, NOW), 0).await;
    let (well, said) = station.send(&format!("https://localhost:{}", public.port()), "b2", None).await;
    assert!(well, "{said}");
    assert_eq!(station.votes().await, 14);
    station.server.finish().await;
}

#[tokio::test]
async fn a_server_that_is_not_proved_gets_nothing_and_the_spool_keeps_the_file() {
    let station = Station::new().await;
    let ca_file = Some(station.commission.file());
    let proved = station.front(&HERE, NOW).await;
    let elsewhere = station.front(&["vote.example.org", "10.0.0.1"], NOW).await;
    let over = station.front(&HERE, OVER).await;
    let early = station.front(&HERE, (3999, 4000)).await;
    let authority = front(station.server.address(), station.commission.itself(), 0).await;
    let plain = station.server.address();
    for (scheme, to, ca_file, expected) in [
        ("https", proved, None, "issued by `The Commission`, which is not trusted here"),
        ("https", proved, Some(station.system.file()), "with --ca-file FILE (HUSTINGS_CA_FILE)"),
        ("https", elsewhere, ca_file, "is not for localhost but for vote.example.org, 10.0.0.1: "),
        ("https", over, ca_file, "expired at 2020-01-01T00:00:00Z, and this machine's clock says 2"),
        ("https", early, ca_file, "begins at 3999-01-01T00:00:00Z, and this machine's clock says 2"),
        ("https", authority, ca_file, "is that of an authority, as `openssl req -x509` makes it"),
        ("https", plain, ca_file, "there is no TLS at this address: it must begin with http://"),
        ("http", proved, ca_file, "the server speaks TLS at this address: it must begin with https://"),
    ] {
        let (well, said) = station.send(&format!("{scheme}://localhost:{}", to.port()), "b1", ca_file).await;
        assert!(!well && said.contains(expected), "{expected}: {said}");
        assert!(said.contains("The spool keeps what was not sent: mend that"), "{said}");
        let (well, _, said) = station.run(&format!("{scheme}://localhost:{}", to.port()), &["results"]).await;
        assert!(!well && (ca_file.is_some() || said.contains(expected)), "{expected}: {said}");
    }
    assert_eq!(station.votes().await, 0);
    let (well, said) = station.send(&format!("https://localhost:{}", proved.port()), "b1", ca_file).await;
    assert!(well, "{said}");
    assert_eq!(station.votes().await, 7);
    station.server.finish().await;
}

#[tokio::test]
async fn a_file_without_an_authority_is_named_before_anything_is_sent() {
    let station = Station::new().await;
    let url = format!("https://localhost:{}", station.front(&HERE, NOW).await.port());
    let empty = station.server.folder().join("empty.pem");
    std::fs::write(&empty, "no certificate").expect("a file");
    let cut = station.server.folder().join("cut.pem");
    std::fs::write(&cut, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").expect("a file");
    let missing = station.server.folder().join("missing.pem");
    for (file, expected) in [(missing, "No such file"), (empty, "there is no certificate in it"), (cut, "invalid")] {
        let file = file.to_str().expect("a path of a test");
        let (well, said) = station.send(&url, "b1", Some(file)).await;
        let told = said.contains(file) && said.contains(expected) && said.contains("as PEM");
        assert!(!well && told && said.contains("--ca-file (HUSTINGS_CA_FILE)"), "{expected}: {said}");
    }
    let nobody = [("SSL_CERT_FILE", "/nobody"), ("SSL_CERT_DIR", "/nobody"), ("HUSTINGS_TOKEN", ADMIN)];
    let (well, _, said) = command(station.server.data(), &["token", "list", "--url", &url], &nobody).await;
    assert!(!well && said.contains("this system knows no authorities"), "{said}");
    assert_eq!(station.votes().await, 0);
    station.server.finish().await;
}
