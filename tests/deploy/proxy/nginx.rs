//! nginx with the shipped nginx.conf, byte for byte; only the nodes and the address are the test's.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::files::{path, tool};
use crate::services::guardian::{Guarded, Launch};
use crate::services::ports;

/// A running nginx. Dropped, it has stopped.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    _process: Guarded,
    _folder: TempDir,
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
                Ok(process) => return Self { address, _process: process, _folder: folder },
                Err(error) => said = error,
            }
        }
        panic!("nginx did not start:\n{said}");
    }
}

/// nginx on a folder with the three files.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = tool("nginx", "nginx");
    let log = "error_log stderr notice;";
    let globals = format!("daemon off; pid {}; {log}", folder.join("nginx.pid").display());
    command
        .arg("-e")
        .arg("stderr")
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .arg("-g")
        .arg(globals);
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
    std::fs::copy(path("deploy/nginx.conf"), folder.join("nginx.conf")).expect("a copy");
    let shipped = crate::files::text("deploy/nginx-nodes.conf");
    let options = " max_fails=2 fail_timeout=10s;";
    let (mut replaced, mut written) = (String::new(), false);
    for line in shipped.lines() {
        match line.trim_start().starts_with("server ") {
            true if !written => {
                assert!(line.ends_with(options), "{line}");
                nodes.iter().for_each(|node| writeln!(replaced, "server {node}{options}").expect("a text grows"));
                written = true;
            }
            true => {}
            false => writeln!(replaced, "{line}").expect("a text grows"),
        }
    }
    assert!(written, "the shipped nodes");
    std::fs::write(folder.join("nginx-nodes.conf"), replaced).expect("written");
    std::fs::write(folder.join("nginx-site.conf"), format!("listen {address};\n")).expect("written");
    write_where_this_user_may(folder);
}
