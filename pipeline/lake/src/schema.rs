//! Landed tables as Arrow schemas. In: the words of domain. Out: Arrow types. Never: a column of its own.

use arrow::datatypes::{DataType, Field, Schema};
use nongshi_domain::{Column, Kind, LandedTable};

/// The precision of every exact number: 18 digits are held in 64 bits by Parquet readers everywhere.
const PRECISION: u8 = 18;

/// The Arrow type of a kind.
pub fn arrow_kind(kind: Kind) -> DataType {
    match kind {
        Kind::Day => DataType::Date32,
        Kind::Text | Kind::Months => DataType::Utf8,
        Kind::Count => DataType::Int64,
        Kind::Exact(decimals) => DataType::Decimal128(PRECISION, decimals),
    }
}

/// The schema of a landed table as it is stored: its own columns, then the bookkeeping.
pub fn stored_schema(table: &LandedTable) -> Schema {
    Schema::new(table.stored_columns().map(field).collect::<Vec<_>>())
}

/// The schema of the table `rejected`.
pub fn rejected_schema() -> Schema {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Schema::new(vec![
        text("feed"),
        text("table_name"),
        text("batch_id"),
        text("address"),
        Field::new("source_row", DataType::Int64, false),
        text("raw"),
        text("rule"),
        text("reason"),
    ])
}

fn field(column: &Column) -> Field {
    // Delta readers differ on NOT NULL; what is required is enforced where rows are parsed.
    Field::new(column.name, arrow_kind(column.kind), true)
}
