//! A row that may not land: a value with a reason, not an error.

use serde::{Deserialize, Serialize};

/// One refused record of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The record's number in the source, from 1, as in `source_row` of landed rows.
    pub source_row: i64,
    /// The record as it stood there, or as near as its format allows.
    pub raw: String,
    /// The rule it broke: a short name, such as `required`, `number`, `range`, `duplicate`.
    pub rule: String,
    /// What was wrong, with the column and the value.
    pub reason: String,
}
