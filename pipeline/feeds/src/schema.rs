//! A landed table in Arrow's words. In: the table. Out: the schema of the accepted rows. Never: a column of the lake's.

use arrow::datatypes::{DataType, Field, Schema};
use nongshi_domain::{BOOKKEEPING, Column, Kind, LandedTable};

/// Bookkeeping that the lake adds when the batch lands.
const ADDED_BY_THE_LAKE: [&str; 2] = ["batch_id", "batch_seq"];

/// The digits of every exact number.
pub(crate) const DIGITS: u8 = 18;

/// The columns of accepted rows: the table's own in their order, then `available_on`, `feed` and `source_row`.
pub fn arrow_schema(table: &LandedTable) -> Schema {
    let bookkeeping = BOOKKEEPING.iter().filter(|column| !ADDED_BY_THE_LAKE.contains(&column.name));
    Schema::new(table.columns.iter().chain(bookkeeping).map(field).collect::<Vec<_>>())
}

fn field(column: &Column) -> Field {
    let data_type = match column.kind {
        Kind::Day => DataType::Date32,
        Kind::Text | Kind::Months => DataType::Utf8,
        Kind::Count => DataType::Int64,
        Kind::Exact(decimals) => DataType::Decimal128(DIGITS, decimals),
    };
    Field::new(column.name, data_type, !column.required)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_ends_with_the_bookkeeping_that_is_known_here() {
        let plots = LandedTable::named("plots").expect("plots is a landed table");
        let schema = arrow_schema(plots);
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["base", "plot", "system", "area_mu", "available_on", "feed", "source_row"]);
        assert_eq!(schema.field(3).data_type(), &DataType::Decimal128(18, 2));
    }
}
