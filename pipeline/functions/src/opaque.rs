//! `opaque(x)` is `x`, and the optimizer cannot see that. In: any value. Out: the same. Never: folded away.

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

#[derive(Debug, PartialEq, Eq, Hash)]
struct Opaque {
    signature: Signature,
}

/// The function, to be registered.
pub fn opaque_udf() -> ScalarUDF {
    ScalarUDF::new_from_impl(Opaque { signature: Signature::any(1, Volatility::Stable) })
}

impl ScalarUDFImpl for Opaque {
    fn name(&self) -> &str {
        "opaque"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [only] => Ok(only.clone()),
            _ => exec_err!("opaque takes one value"),
        }
    }

    /// The field as it is: a column that is never null stays one, so that a plan's schema does not change.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [only] => Ok(only.clone()),
            _ => exec_err!("opaque takes one value"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(value) => Ok(value),
            None => exec_err!("opaque takes one value"),
        }
    }
}
