//! The newest version of each key without numbering the others: where a query asks for `row_number() = 1`, only the
//! first row of each key is passed on.
//!
//! In: a physical plan. Out: the same plan, with a filter on a row number fed by `FirstOfEachExec`. Never: another
//! answer: what does not look exactly like this is left alone.
//! (DataFusion 55.2 keeps a state for every partition of a window. A key with one version is a partition with one row:
//! on a million keys that was half the time of all curated tables.)

use crate::runs::Runs;
use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties};
use futures::StreamExt;
use std::any::Any;
use std::sync::Arc;

/// The rule; it belongs behind those that sort.
#[derive(Debug)]
pub struct NewestOnly;

impl PhysicalOptimizerRule for NewestOnly {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let first_only = |plan: Arc<dyn ExecutionPlan>| match first_only(&plan)? {
            Some(plan) => Ok(Transformed::yes(plan)),
            None => Ok(Transformed::no(plan)),
        };
        plan.transform_up(first_only).data()
    }

    fn name(&self) -> &str {
        "newest_only"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The filter over first rows, where the plan is a filter `row_number = 1` over sorted rows.
fn first_only(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(mut place) = cast::<FilterExec>(plan).and_then(|filter| equals_one(filter.predicate())) else { return Ok(None) };
    let mut between = vec![plan.clone()];
    let mut below = plan.children()[0].clone();
    while let Some(projection) = cast::<ProjectionExec>(&below) {
        let Some(column) = projection.expr().get(place).and_then(|given| column(&given.expr)) else { return Ok(None) };
        place = column;
        between.push(below.clone());
        let child = projection.children()[0].clone();
        below = child;
    }
    let Some(first) = cast::<BoundedWindowAggExec>(&below).and_then(|window| FirstOfEachExec::instead_of(window, place)) else {
        return Ok(None);
    };
    let mut rebuilt: Arc<dyn ExecutionPlan> = Arc::new(first);
    for above in between.into_iter().rev() {
        #[expect(deprecated, reason = "the new way needs a trait method that takes the same children")]
        let above = above.with_new_children(vec![rebuilt])?;
        rebuilt = above;
    }
    Ok(Some(rebuilt))
}

fn cast<T: 'static>(plan: &Arc<dyn ExecutionPlan>) -> Option<&T> {
    let any: &dyn Any = plan.as_ref();
    any.downcast_ref()
}

fn column(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    let any: &dyn Any = expr.as_ref();
    any.downcast_ref::<Column>().map(Column::index)
}

/// The column that must be the number 1.
fn equals_one(predicate: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    let any: &dyn Any = predicate.as_ref();
    let equation = any.downcast_ref::<BinaryExpr>().filter(|binary| *binary.op() == Operator::Eq)?;
    let any: &dyn Any = equation.right().as_ref();
    let one = any.downcast_ref::<Literal>()?.value() == &ScalarValue::UInt64(Some(1));
    column(equation.left()).filter(|_| one)
}

/// The first row of each run of equal keys, with the row number 1.
#[derive(Debug)]
pub struct FirstOfEachExec {
    input: Arc<dyn ExecutionPlan>,
    keys: Vec<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl FirstOfEachExec {
    /// In the place of a window that does nothing but number the rows of each key, and tells the number at `place`.
    fn instead_of(window: &BoundedWindowAggExec, place: usize) -> Option<FirstOfEachExec> {
        let input = window.input().clone();
        let [numbers] = window.window_expr() else { return None };
        let function = numbers.as_any().downcast_ref::<StandardWindowExpr>()?.get_standard_func_expr();
        let is_row_number = function.as_any().downcast_ref::<WindowUDFExpr>()?.fun().name() == "row_number";
        if !is_row_number || window.input_order_mode != InputOrderMode::Sorted || place != input.schema().fields().len() {
            return None;
        }
        let keys: Vec<usize> = numbers.partition_by().iter().map(column).collect::<Option<_>>()?;
        let (schema, properties) = (window.schema(), window.properties().clone());
        (!keys.is_empty()).then_some(FirstOfEachExec { input, keys, schema, properties })
    }
}

impl DisplayAs for FirstOfEachExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let schema = self.input.schema();
        let keys = self.keys.iter().map(|key| schema.field(*key).name().as_str());
        write!(f, "FirstOfEachExec: keys=[{}]", keys.collect::<Vec<_>>().join(", "))
    }
}

impl ExecutionPlan for FirstOfEachExec {
    fn name(&self) -> &str {
        "FirstOfEachExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else { return internal_err!("FirstOfEachExec has one input") };
        let (keys, schema, properties) = (self.keys.clone(), self.schema.clone(), self.properties.clone());
        Ok(Arc::new(FirstOfEachExec { input, keys, schema, properties }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut firsts = Firsts { keys: self.keys.clone(), schema: self.schema.clone(), runs: Runs::default() };
        let rows = self.input.execute(partition, context)?.map(move |batch| firsts.of(batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows)))
    }
}

/// The first rows of the keys, while batches pass.
struct Firsts {
    keys: Vec<usize>,
    schema: SchemaRef,
    runs: Runs,
}

impl Firsts {
    fn of(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let keys: Vec<ArrayRef> = self.keys.iter().map(|key| batch.column(*key).clone()).collect();
        let starts = self.runs.starts(&keys)?;
        let firsts = if starts.len() == batch.num_rows() {
            batch
        } else {
            take_record_batch(&batch, &UInt64Array::from_iter_values(starts.into_iter().map(|row| row as u64)))?
        };
        let mut columns = firsts.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from(vec![1; firsts.num_rows()])));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}
