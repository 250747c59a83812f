//! What belongs to the process as a whole: its metrics and its limit of open files.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::StartError;

/// The recorder of metrics; one for each process, however often a server is started in it.
pub(super) fn metrics_handle() -> Result<PrometheusHandle, StartError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
    let failed = |error: &dyn std::fmt::Display| StartError::Metrics(error.to_string());
    let recorder = PrometheusBuilder::new().set_buckets(&SECONDS).map_err(|error| failed(&error))?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
    metrics::gauge!("hustings_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    metrics::counter!("hustings_recount_alarms_total").absolute(0);
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// File descriptors that are not connections: the database, the log, the runtime.
const OTHER_FILES: u64 = 100;

/// Raises the limit of open files as far as it may go, and says how many connections fit.
pub(super) fn raise_file_limit(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + OTHER_FILES;
    let allowed = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    if limit.current.is_some_and(|current| current < allowed) {
        // Where it is refused, fewer connections fit; that is what the result says.
        let _refused = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum: limit.maximum });
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(needed);
    usize::try_from(current.saturating_sub(OTHER_FILES)).map_or(wanted, |fits| fits.min(wanted)).max(1)
}
