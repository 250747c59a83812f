//! A process beside the tests that ends a server with them.
//!
//! The guardian is a shell whose standard input is a pipe that only we hold. The pipe closes when we drop it, and also
//! when this process ends by a panic or SIGKILL: then the guardian stops the server, by its number, and removes its
//! folder.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

/// Starts the server, waits for the end of its own input, and stops the server. Nobody can be told what fails then.
const GUARDIAN: &str = r#"
stop=$1 remove=$2; shift 2
"$@" 2>&1 &
server=$!
exec >/dev/null 2>&1
cat
kill -s "$stop" "$server"
wait "$server"
[ -z "$remove" ] || rm -rf "$remove"
"#;

/// How many of a server's last lines are kept, to say why it did not start.
const LINES_MAX: usize = 200;

/// A server to start.
pub(crate) struct Launch<'a> {
    /// The program and its arguments. It stays in the foreground and says what it does on its standard output or error.
    pub(crate) command: Vec<OsString>,
    /// What a line of it contains as soon as it takes connections.
    pub(crate) ready: &'a str,
    /// The signal that stops it at once: `QUIT`, `TERM`.
    pub(crate) stop: &'a str,
    /// A folder to remove after it has stopped.
    pub(crate) remove: Option<PathBuf>,
    /// The user and group that it runs as, where that is not ours.
    pub(crate) user: Option<(u32, u32)>,
}

/// A running server. Dropped, it has stopped.
pub(crate) struct Guarded {
    guardian: Child,
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Guarded {
    /// Starts a server and waits until it takes connections; an error is what it said instead.
    pub(crate) fn start(launch: &Launch<'_>) -> Result<Self, String> {
        let mut guardian = Command::new("/bin/sh");
        guardian.args(["-c", GUARDIAN, "guardian", launch.stop]);
        guardian.arg(launch.remove.as_deref().unwrap_or(Path::new("")));
        guardian.args(&launch.command).current_dir("/");
        // In a group of its own, because a Ctrl-C in a terminal must reach us and not the guardian.
        guardian.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some((user, group)) = launch.user {
            guardian.uid(user).gid(group);
        }
        let mut guardian = guardian.spawn().expect("a shell");
        let output = guardian.stdout.take().expect("its output");
        let lines = Arc::<Mutex<VecDeque<String>>>::default();
        let (say_ready, is_ready) = mpsc::channel();
        let (kept, ready) = (Arc::clone(&lines), launch.ready.to_owned());
        // Read to the end of the server's life: one that cannot write its log would stand still.
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                let is_ready = line.contains(&ready);
                let mut kept = kept.lock().expect("no panic while a line is kept");
                kept.push_back(line);
                if kept.len() > LINES_MAX {
                    kept.pop_front();
                }
                drop(kept);
                if is_ready {
                    let _heard_before = say_ready.send(());
                }
            }
        });
        let guarded = Self { guardian, lines };
        // The sender goes with the reader, and the reader with the server: this waits for one or the other.
        match is_ready.recv() {
            Ok(()) => Ok(guarded),
            Err(mpsc::RecvError) => Err(guarded.log()),
        }
    }

    /// The last lines that the server said.
    pub(crate) fn log(&self) -> String {
        let lines = self.lines.lock().expect("no panic while a line is kept");
        lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _status = self.guardian.wait();
    }
}

/// Finds a program in `PATH` or in one of the folders, or stops the test with what to install.
pub(crate) fn program(name: &str, package: &str, folders: &[PathBuf]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).chain(folders.iter().cloned()).map(|folder| folder.join(name));
    found.find(|program| program.is_file()).unwrap_or_else(|| {
        panic!("this test needs the program `{name}`: install Debian's package `{package}` (apt-get install {package})")
    })
}

/// The user and group of this name on this machine.
pub(crate) fn user(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").expect("the users of this machine");
    let fields: Vec<&str> = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == name)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}
