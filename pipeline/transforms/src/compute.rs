//! Computes the rows of a table, or of some of its parts. In: a session that holds what it reads. Out: rows sorted by part
//! and key. Never: a source read where no row of these parts can come from.

use crate::dirt::{Reading, has_days};
use crate::error::TransformError;
use crate::header::PartBy;
use crate::transform::Transform;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, partition};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use nongshi_domain::LandedTable;
use nongshi_lake::{LakeError, view_sql};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The rows, all in one schema (nullable throughout, as Delta keeps them).
pub struct Rows {
    /// Their schema.
    pub schema: SchemaRef,
    /// Sorted by part and key.
    pub batches: Vec<RecordBatch>,
}

/// Computes the rows whose part column lies in the ranges; all of them where there are none given.
pub async fn compute(reading: &Reading<'_>, transform: &Transform, ranges: Option<&[Range<NaiveDate>]>) -> Result<Rows, TransformError> {
    let (Some(ranges), Some(part)) = (ranges, &transform.part) else { return select(reading, transform, "true").await };
    let whole = narrow(reading, transform, part, ranges).await?;
    let only = between(&part.column, ranges);
    let rows = select(reading, transform, &only).await;
    for (table, provider) in whole {
        replace(reading, transform, &table, provider)?;
    }
    rows
}

async fn select(reading: &Reading<'_>, transform: &Transform, only: &str) -> Result<Rows, TransformError> {
    let fault = |error| transform.fault(error);
    let by_part = transform.part.as_ref().map(|part| format!("date_trunc('{}', {}), ", part.unit_name(), part.column)).unwrap_or_default();
    let query = format!(
        "select * from (\n{}\n) where {only} order by {by_part}{}",
        transform.sql.trim().trim_end_matches(';'),
        transform.key.join(", ")
    );
    let frame = reading.ctx.sql(&query).await.map_err(fault)?;
    let fields = frame.schema().as_arrow().fields().iter().map(|field| stored_field(field)).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    for batch in frame.collect().await.map_err(fault)?.iter().filter(|batch| batch.num_rows() > 0) {
        let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(LakeError::from)?;
        batches.push(RecordBatch::try_new(schema.clone(), columns).map_err(LakeError::from)?);
    }
    Ok(Rows { schema, batches })
}

/// Delta has one kind of text; everything may be null.
fn stored_field(field: &Field) -> Field {
    let kind = match field.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        other => other.clone(),
    };
    Field::new(field.name(), kind, true)
}

/// Lets the session hold only the days of the sources that the ranges need; returns what it held before.
async fn narrow(
    reading: &Reading<'_>,
    transform: &Transform,
    part: &PartBy,
    ranges: &[Range<NaiveDate>],
) -> Result<Vec<(String, Arc<dyn TableProvider>)>, TransformError> {
    let fault = |error| transform.fault(error);
    let days: Vec<Range<NaiveDate>> = ranges.iter().map(|range| part.source_range(range)).collect();
    let mut whole = Vec::new();
    for table in &transform.reads {
        let landed = LandedTable::named(table).filter(|landed| has_days(landed));
        let made = reading.transforms.iter().find(|other| other.name == *table).and_then(|other| other.part.as_ref());
        let narrowed = match (landed, made) {
            (Some(landed), _) => format!("{} and ({}))", open_end(&view_sql(landed, reading.as_of)), between("day", &days)),
            (None, Some(by)) => format!("select * from {table} where {}", between(&by.column, &days)),
            _ => continue,
        };
        let narrowed = match landed {
            Some(_) => format!("{narrowed} where version_rank = 1"),
            None => narrowed,
        };
        let view = reading.ctx.sql(&narrowed).await.map_err(fault)?.into_view();
        whole.push((table.clone(), reading.ctx.table_provider(table.as_str()).await.map_err(fault)?));
        replace(reading, transform, table, view)?;
    }
    Ok(whole)
}

/// The view's text up to the end of its innermost condition: days of the key may be chosen before versions are ranked.
fn open_end(view: &str) -> &str {
    view.strip_suffix(") where version_rank = 1").unwrap_or(view)
}

fn replace(reading: &Reading<'_>, transform: &Transform, table: &str, provider: Arc<dyn TableProvider>) -> Result<(), TransformError> {
    reading.ctx.deregister_table(table).map_err(|error| transform.fault(error))?;
    reading.ctx.register_table(table, provider).map_err(|error| transform.fault(error))?;
    Ok(())
}

fn between(column: &str, ranges: &[Range<NaiveDate>]) -> String {
    let one = |range: &Range<NaiveDate>| format!("({column} >= date '{}' and {column} < date '{}')", range.start, range.end);
    ranges.iter().map(one).collect::<Vec<_>>().join(" or ")
}

/// The rows of each part, by its first day.
pub fn by_part(transform: &Transform, part: &PartBy, rows: &Rows) -> Result<BTreeMap<NaiveDate, Vec<RecordBatch>>, TransformError> {
    let mut parts: BTreeMap<NaiveDate, Vec<RecordBatch>> = BTreeMap::new();
    let missing = || LakeError::Schema { table: transform.name.clone(), why: format!("column `{}` is no column of days", part.column) };
    for batch in &rows.batches {
        let column = batch.column_by_name(&part.column).filter(|column| column.data_type() == &DataType::Date32).ok_or_else(missing)?;
        let days = column.as_primitive::<Date32Type>();
        let firsts: arrow::array::Date32Array =
            days.iter().map(|days| days.map(|days| (part.of(crate::dirt::day(days)) - NaiveDate::default()).num_days() as i32)).collect();
        let firsts: arrow::array::ArrayRef = Arc::new(firsts);
        for run in partition(std::slice::from_ref(&firsts)).map_err(LakeError::from)?.ranges() {
            let first = firsts.as_primitive::<Date32Type>().value(run.start);
            parts.entry(crate::dirt::day(first)).or_default().push(batch.slice(run.start, run.len()));
        }
    }
    Ok(parts)
}
