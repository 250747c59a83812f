//! Room for many connections.
//!
//! It must not know: what they are for.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files of this process, and of the children it will start, as far as it may.
///
/// Many systems start programs with 1,024, which is about one bench. Returns the limit that holds from now on, where
/// there is one.
pub fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        let before = limit.current;
        limit.current = limit.maximum;
        if setrlimit(Resource::Nofile, limit).is_err() {
            return before;
        }
    }
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_as_high_as_it_may_be() {
        let raised = raise_open_files();
        assert_eq!(raised, raise_open_files());
        assert!(raised.is_none_or(|files| files >= 256));
    }
}
