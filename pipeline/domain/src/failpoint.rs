//! Named places at which a test may end the process. In: a name. Out: nothing, unless somebody listens.
//! Never: anything at all in a process in which nobody listens.
//!
//! Nothing may be lost or doubled wherever a run is ended: the tests end it at each of these places.

use std::sync::OnceLock;

/// Every place, in the order of a run.
pub const FAILPOINTS: &[&str] = &[
    "lease.created",
    "raw.before_put",
    "raw.after_put",
    "table.before_create",
    "table.after_create",
    "rejected.before_write",
    "rejected.before_commit",
    "rejected.after_commit",
    "rejected.read_back",
    "batch.before_write",
    "batch.before_commit",
    "batch.after_commit",
    "batch.read_back",
    "lease.renewed",
    "made.before_write",
    "made.after_commit",
    "made.read_back",
    "stage.ended",
    "report.before_write",
    "report.before_rename",
    "report.written",
    "entry.before_write",
    "entry.after_commit",
    "lease.before_release",
    "lease.released",
];

static LISTENER: OnceLock<fn(&'static str)> = OnceLock::new();

/// Calls the listener at every place from now on; the first one stays.
pub fn listen(listener: fn(&'static str)) {
    let _ = LISTENER.set(listener);
}

/// The run is at this place.
pub fn reached(name: &'static str) {
    debug_assert!(FAILPOINTS.contains(&name), "failpoint `{name}` is not listed");
    if let Some(listener) = LISTENER.get() {
        listener(name);
    }
}
