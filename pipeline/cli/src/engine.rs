//! What the query engine may take of the machine: one pool of memory for all sessions of a command; what does not fit is
//! written to the machine's temporary folder (`TMPDIR`). In: settings. Out: a runtime, a configuration.
//! Never: a pool a session.

use crate::exit::Failure;
use crate::machine;
use crate::settings::Settings;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionConfig;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The pool where neither the settings nor the machine tell.
const UNTOLD_MIB: u64 = 2048;
/// What one of the partitions that are worked on at the same time needs at least: each sort keeps 10 MiB for its merge.
const MIB_PER_PARTITION: u64 = 64;
/// Users of the pool that an error names.
const NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("not zero");

/// The pool's size in MiB: as set, or half of what the machine has.
pub fn pool_mib(settings: &Settings) -> u64 {
    settings.memory_mib.or_else(|| machine::memory_mib().map(|mib| mib / 2)).unwrap_or(UNTOLD_MIB)
}

/// The runtime that all sessions of a command share.
pub fn runtime(settings: &Settings) -> Result<Arc<RuntimeEnv>, Failure> {
    let bytes = usize::try_from(pool_mib(settings) << 20).unwrap_or(usize::MAX);
    // fair: nobody who can write to disk takes what the others need to end
    let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED);
    Ok(RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc()?)
}

/// As many partitions as there are threads, and fewer where the pool is small.
pub fn config(settings: &Settings) -> SessionConfig {
    let partitions = u64::from(machine::threads()).min(pool_mib(settings) / MIB_PER_PARTITION).max(1);
    SessionConfig::new().with_target_partitions(partitions as usize)
}
