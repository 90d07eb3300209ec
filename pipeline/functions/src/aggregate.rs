//! What our aggregates share: their arguments, their state, their rows. In: a `Function`. Out: an aggregate of DataFusion.
//! Never: an argument of a wrong kind taken silently; a state in the configuration.

use crate::gathered::{Gathered, state_fields};
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use nongshi_models::forecasting::{Asked, AskedRow};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What one of our aggregates takes and says.
pub(crate) struct Function {
    /// Its name in SQL.
    pub name: &'static str,
    /// Whether a key stands before the day: then a group holds many series.
    pub keyed: bool,
    /// The whole numbers after the value.
    pub numbers: &'static [&'static str],
    /// The options it knows, in alphabetic order.
    pub options: &'static [&'static str],
    /// Whether it says null when it has nothing to say, or an empty list.
    pub null_for_nothing: bool,
    /// The columns of a row of its list.
    pub fields: fn() -> Fields,
    /// The rows; None for nothing to say.
    pub answer: fn(Given) -> Result<Option<Vec<ArrayRef>>>,
}

/// The rows of a group, in order, and what is asked of them.
pub(crate) struct Given {
    /// By key, then day; each step once.
    pub rows: Vec<AskedRow>,
    /// In the order of `Function::numbers`.
    pub numbers: Vec<u32>,
    /// The options.
    pub asked: Asked,
}

impl Function {
    /// How it is called.
    fn usage(&self) -> String {
        let key = if self.keyed { "key, " } else { "" };
        let numbers: String = self.numbers.iter().map(|number| format!(", {number}")).collect();
        format!("{}({key}day, y{numbers} [, options])", self.name)
    }

    /// The type of a row.
    pub fn item(&self) -> FieldRef {
        Arc::new(Field::new("item", DataType::Struct((self.fields)()), true))
    }
}

/// A `Function` as DataFusion calls it.
pub(crate) struct Aggregate {
    function: &'static Function,
    signature: Signature,
}

impl Aggregate {
    /// The aggregate, to be registered.
    pub fn of(function: &'static Function) -> AggregateUDF {
        AggregateUDF::new_from_impl(Aggregate { function, signature: Signature::user_defined(Volatility::Immutable) })
    }

    /// The kinds the arguments are cast to, or why not.
    fn kinds(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let function = self.function;
        let keys = usize::from(function.keyed);
        let needed = keys + 2 + function.numbers.len();
        if given.len() != needed && given.len() != needed + 1 {
            return plan_err!("{} takes {}; {} arguments were given", function.name, function.usage(), given.len());
        }
        let wrong = |what: &str, needs: &str, kind: &DataType| -> Result<DataType> {
            plan_err!("{}: the {what} is {kind}; {needs}. It takes {}", function.name, function.usage())
        };
        let one = |(place, kind): (usize, &DataType)| -> Result<DataType> {
            let plain = if let DataType::Dictionary(_, values) = kind { values.as_ref() } else { kind };
            let (null, text) = (plain.is_null(), plain.is_string());
            let whole = plain.is_integer();
            match (place + 1).checked_sub(keys) {
                Some(0) if text || null || whole => Ok(DataType::Utf8),
                Some(0) => wrong("key", "a text or a whole number is needed", kind),
                Some(1)
                    if text
                        || null
                        || plain.is_temporal()
                            && !matches!(
                                plain,
                                DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) | DataType::Interval(_)
                            ) =>
                {
                    Ok(DataType::Date32)
                }
                Some(1) => wrong("day", "a date is needed", kind),
                Some(2) if null || plain.is_numeric() => Ok(DataType::Float64),
                Some(2) => wrong("y", "a number is needed (cast a text first)", kind),
                Some(place) if place - 3 < function.numbers.len() => {
                    if null || whole {
                        Ok(DataType::Int64)
                    } else {
                        wrong(function.numbers[place - 3], "a whole number is needed", kind)
                    }
                }
                _ if null || text => Ok(DataType::Utf8),
                _ => wrong("last argument", "options are a text such as 'freq=W, season=52'", kind),
            }
        };
        given.iter().enumerate().map(one).collect()
    }
}

impl std::fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.function.name)
    }
}

impl PartialEq for Aggregate {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Aggregate {}

impl Hash for Aggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.kinds(given)
    }

    fn return_type(&self, _kinds: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(self.function.item()))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(state_fields(self.function, args.name))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return exec_err!("{}: `distinct` has no meaning here; every step of a series counts", self.function.name);
        }
        Ok(Box::new(Gathered::new(self.function)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn default_value(&self, _kind: &DataType) -> Result<ScalarValue> {
        Ok(crate::gathered::nothing(self.function))
    }
}
