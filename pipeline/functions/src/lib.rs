//! SQL functions over the models: `forecast` as an aggregate, and the guard against wrong `unnest` answers.
//!
//! In: a session or a function registry. Out: the same with our functions. Never: the store, the clock.

mod forecast;
mod guard;
mod opaque;

pub use forecast::{FORECAST_LEVELS, forecast_udaf};
pub use guard::GuardUnnest;
pub use opaque::opaque_udf;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

/// Registers every function of ours. Called wherever a plan is made or run: here, on a client, a scheduler, an executor.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    registry.register_udaf(Arc::new(forecast_udaf()))?;
    registry.register_udf(Arc::new(opaque_udf()))?;
    Ok(())
}

/// A session state with DataFusion's defaults, our functions and the guard.
pub fn session_state(config: SessionConfig) -> Result<SessionState> {
    let builder = SessionStateBuilder::new().with_config(config).with_default_features().with_analyzer_rule(Arc::new(GuardUnnest));
    let mut state = builder.build();
    register_all(&mut state)?;
    Ok(state)
}

/// A session of that state.
pub fn session(config: SessionConfig) -> Result<SessionContext> {
    Ok(SessionContext::new_with_state(session_state(config)?))
}
