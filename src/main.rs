//! The program: reads the command line and runs one command.

use std::process::ExitCode;

/// Every vote allocates on one thread and frees on another; the system's allocator takes a lock for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hustings::cli::main()
}
