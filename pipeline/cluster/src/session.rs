//! A session on a scheduler and an executor in this process.
//!
//! In: a session configuration and a runtime with object stores. Out: a session. Never: its own idea of a
//! function or a table: both are those of the local session.

use crate::error::ClusterError;
use ballista::prelude::{SessionConfigExt, SessionContextExt};
use ballista_core::serde::BallistaLogicalExtensionCodec;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use nongshi_lake::LakeCodec;
use std::sync::Arc;

/// Pinned tables in our form, everything else in Ballista's. Client, scheduler and executors must speak it alike.
pub fn codec() -> Arc<dyn LogicalExtensionCodec> {
    Arc::new(LakeCodec::above(Arc::new(BallistaLogicalExtensionCodec::default())))
}

/// The configuration as every part of a cluster needs it: Ballista's settings over the caller's, our codec, no
/// adaptive planning (it hangs after a loss).
pub fn session_config(config: SessionConfig) -> SessionConfig {
    config.upgrade_for_ballista().with_ballista_logical_extension_codec(codec()).with_ballista_adaptive_query_planner(false)
}

/// A session whose queries run on a scheduler and one executor of this process, which live as long as the tokio
/// runtime. They listen on loopback ports without a login, as Ballista does.
///
/// Tables are registered on what is returned: pinned tables and views over them. `runtime` is shared by all
/// three, so an object store registered on it, or on the session, is known wherever files are read.
/// `target_partitions` of the configuration is also the number of tasks the executor runs at a time.
pub async fn in_process(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> Result<SessionContext, ClusterError> {
    let tasks = config.target_partitions();
    let config = session_config(config).with_ballista_standalone_parallelism(tasks);
    let state = nongshi_functions::session_state(config).map_err(|source| ClusterError::Functions { place: "scheduler", source })?;
    let state = SessionStateBuilder::new_from_existing(state).with_runtime_env(runtime).build();
    let mut session = SessionContext::standalone_with_state(state).await.map_err(ClusterError::Start)?;
    // Ballista replaces the client's function lists by its own
    nongshi_functions::register_all(&mut session).map_err(|source| ClusterError::Functions { place: "client", source })?;
    Ok(session)
}
