//! nginx with the shipped nginx.conf, byte for byte; only the nodes and the address are the test's.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::guardian::{Guarded, Launch, program};
use super::{ports, until};

/// A running nginx. Dropped, it has stopped.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    process: Guarded,
    folder: TempDir,
}

impl Nginx {
    /// Starts it before these nodes.
    pub(crate) fn start(nodes: &[SocketAddr]) -> Self {
        let mut said = String::new();
        // The port may be taken between the question and the start.
        for _ in 0..5 {
            let folder = tempfile::tempdir().expect("a folder");
            let address = SocketAddr::from(([127, 0, 0, 1], ports::free()));
            configure(folder.path(), address, nodes);
            let command = command(folder.path());
            let command = [command.get_program()].into_iter().chain(command.get_args()).map(Into::into).collect();
            let launch = Launch { command, ready: "start worker processes", stop: "QUIT", remove: None, user: None };
            match Guarded::start(&launch) {
                Ok(process) => return Self { address, process, folder },
                Err(error) => said = error,
            }
        }
        panic!("nginx did not start:\n{said}");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts it before other nodes while it runs, as an operator does, and returns once no worker takes requests for the
    /// ones before.
    pub(crate) fn point_to(&self, nodes: &[SocketAddr]) {
        let said = |words: &str| self.process.log().matches(words).count();
        let gone = said("gracefully shutting down");
        let workers = said("start worker process ") - gone;
        configure(self.folder.path(), self.address, nodes);
        let reload = command(self.folder.path()).args(["-s", "reload"]).output().expect("nginx runs");
        assert!(reload.status.success(), "{}", String::from_utf8_lossy(&reload.stderr));
        until("the workers before the reload are gone", || said("gracefully shutting down") - gone == workers);
    }
}

/// nginx on a folder with the three files.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(program("nginx", "nginx", &[PathBuf::from("/usr/sbin")]));
    let globals = format!("daemon off; pid {}; error_log stderr notice;", folder.join("nginx.pid").display());
    command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(folder.join("nginx.conf")).arg("-g").arg(globals);
    command
}

/// Adds the folders for bodies that do not fit into memory, whose usual places belong to another user.
pub(crate) fn write_where_this_user_may(folder: &Path) {
    let file = folder.join("nginx-nodes.conf");
    let mut text = std::fs::read_to_string(&file).expect("the nodes");
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "{kind}_temp_path {}/{kind};", folder.display()).expect("a text grows");
    }
    std::fs::write(file, text).expect("written");
}

/// The shipped file, and the shipped nodes with the addresses replaced.
fn configure(folder: &Path, address: SocketAddr, nodes: &[SocketAddr]) {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    std::fs::copy(deploy.join("nginx.conf"), folder.join("nginx.conf")).expect("a copy");
    let shipped = std::fs::read_to_string(deploy.join("nginx-nodes.conf")).expect("the shipped nodes");
    let options = " max_fails=2 fail_timeout=10s;";
    let mut nodes = nodes.iter();
    let mut replaced = String::new();
    for line in shipped.lines() {
        if !line.trim_start().starts_with("server ") {
            writeln!(replaced, "{line}").expect("a text grows");
            continue;
        }
        assert!(line.ends_with(options), "{line}");
        if let Some(node) = nodes.next() {
            writeln!(replaced, "server {node}{options}").expect("a text grows");
        }
    }
    assert!(nodes.next().is_none(), "no more nodes than the shipped file has");
    std::fs::write(folder.join("nginx-nodes.conf"), replaced).expect("written");
    write_where_this_user_may(folder);
    std::fs::write(folder.join("nginx-site.conf"), format!("listen {address};\n")).expect("written");
}
