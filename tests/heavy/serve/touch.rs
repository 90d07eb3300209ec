//! A SQL function that counts its runs: whether a statement was run, seen from inside.

use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `touch()`, which adds one to the counter.
pub fn touch_udf(runs: Arc<AtomicUsize>) -> ScalarUDF {
    ScalarUDF::new_from_impl(Touch { runs: Counter(runs), signature: Signature::nullary(Volatility::Volatile) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Touch {
    runs: Counter,
    signature: Signature,
}

#[derive(Debug)]
struct Counter(Arc<AtomicUsize>);

impl PartialEq for Counter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Counter {}

impl std::hash::Hash for Counter {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl ScalarUDFImpl for Touch {
    fn name(&self) -> &str {
        "touch"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.runs.0.fetch_add(1, Ordering::SeqCst);
        Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(1))))
    }
}
