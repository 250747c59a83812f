//! What commands print: to stdout what was asked for, to stderr what goes wrong and how it goes.
//!
//! Invariant: no output stops a command with a panic. Who closes the pipe has read enough: the command ends silently, and
//! well. Output that cannot be stored, as on a full disk, is an error.

use std::io::{self, Write};
use std::process::ExitCode;

/// Standard output, whose errors are known again in [`failed`].
pub(super) struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(of_output)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(of_output)
    }
}

/// An error of standard output and of nothing else: a connection breaks with the same code as a pipe.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output: {0}")]
struct OutputError(io::Error);

fn of_output(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), OutputError(error))
}

/// Says on stderr why a command failed, and how it ends. That nobody reads on is no failure.
pub(super) fn failed(error: &anyhow::Error) -> ExitCode {
    let io_errors = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let mut of_output = io_errors.filter(|error| error.get_ref().is_some_and(|inner| inner.is::<OutputError>()));
    if of_output.any(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    note(&format!("hustings: {}", sentence(error)));
    ExitCode::FAILURE
}

/// A line for whoever watches. It is not the command's result, so nothing depends on whether somebody reads it.
pub(super) fn note(line: &str) {
    // At once: stdout may be the same file, and the line of another thread must not stand in the middle.
    let _closed = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// The error and its causes, each said once: many an error tells its cause already.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let told: anyhow::Result<()> = Err(refused()).context("cannot connect: refused");
        assert_eq!(sentence(&told.context("GET /").expect_err("an error")), "GET /: cannot connect: refused");
        let untold: anyhow::Result<()> = Err(refused()).context("cannot connect");
        assert_eq!(sentence(&untold.expect_err("an error")), "cannot connect: refused");
    }

    #[test]
    fn only_a_pipe_of_ours_ends_silently() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let code = |error: io::Error| format!("{:?}", failed(&anyhow::Error::from(error).context("further out")));
        assert_eq!(code(of_output(broken())), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(broken()), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(code(of_output(io::ErrorKind::StorageFull.into())), format!("{:?}", ExitCode::FAILURE));
    }
}
