//! SQL functions over the models, all aggregates: `anomalies`, `backtest`, `decompose`, `forecast`, `forecast_panel`; and
//! the guard against wrong `unnest` answers.
//!
//! In: a session or a function registry. Out: the same with our functions. Never: the store, the clock.

mod aggregate;
mod anomalies;
mod backtest;
mod columns;
mod decompose;
mod forecast;
mod forecast_panel;
mod gathered;
mod guard;
mod opaque;
mod options;

pub use columns::FORECAST_LEVELS;
pub use guard::GuardUnnest;
pub use opaque::opaque_udf;

use aggregate::{Aggregate, Function};
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

/// Every aggregate, in alphabetic order.
static AGGREGATES: [&Function; 5] =
    [&anomalies::ANOMALIES, &backtest::BACKTEST, &decompose::DECOMPOSE, &forecast::FORECAST, &forecast_panel::FORECAST_PANEL];

/// Every aggregate, to be registered.
pub fn aggregates() -> impl Iterator<Item = AggregateUDF> {
    AGGREGATES.into_iter().map(Aggregate::of)
}

/// Registers every function of ours. Called wherever a plan is made or run: here, on a client, a scheduler, an executor.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for aggregate in aggregates() {
        registry.register_udaf(Arc::new(aggregate))?;
    }
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
