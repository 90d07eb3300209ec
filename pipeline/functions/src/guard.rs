//! Keeps DataFusion 55.2 from answering wrongly where `unnest` stands above a GROUP BY.
//!
//! `Unnest` hands on "the group key is unique" although one row becomes many, and later steps believe it:
//! groups are merged, joins lose rows, sort keys are dropped (upstream: datafusion PR 24787).
//! In: a plan. Out: the plan with every column below such an `unnest` passed through `opaque`, which ends the
//! claim. Never: another change.

use crate::opaque::opaque_udf;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::prelude::Column;
use std::sync::Arc;

/// The rule, to be added to a session's analyzer.
#[derive(Debug)]
pub struct GuardUnnest;

impl AnalyzerRule for GuardUnnest {
    fn name(&self) -> &str {
        "guard_unnest"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let guarded = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Unnest(unnest) if !unnest.input.schema().functional_dependencies().is_empty() => {
                let plan = LogicalPlan::Unnest(unnest.clone());
                let guarded = plan.with_new_exprs(plan.expressions(), vec![hide_keys(&unnest.input)?])?;
                Ok(Transformed::yes(guarded))
            }
            other => Ok(Transformed::no(other.recompute_schema()?)),
        })?;
        Ok(guarded.data)
    }
}

/// The same columns under the same names, with nothing known of their uniqueness.
fn hide_keys(input: &Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let opaque = Arc::new(opaque_udf());
    let columns = input.schema().iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let hidden = opaque.call(vec![column]);
        hidden.alias_qualified(qualifier.cloned(), field.name())
    });
    Ok(LogicalPlan::Projection(Projection::try_new(columns.collect(), Arc::clone(input))?))
}
