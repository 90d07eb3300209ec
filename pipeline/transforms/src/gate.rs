//! Whether a table holds what its header promises. In: its rows, before anybody sees them. Out: the promises that are
//! broken. Never: a table published that breaks one, unless the header says that it only warns.

use crate::error::TransformError;
use crate::header::Asks;
use crate::transform::Transform;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Date32Type, Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;
use nongshi_domain::AsOf;
use nongshi_lake::{LakeError, Runs};
use std::sync::Arc;

/// The name under which rows are asked before they are published.
const ROWS: &str = "rows_to_check";

/// The tests of one table, while its rows pass.
pub struct Gate<'a> {
    ctx: &'a SessionContext,
    transform: &'a Transform,
    as_of: AsOf,
    /// Broken promises with their rows, in the order of the header; a promise once.
    broken: Vec<(String, u64, bool)>,
    /// For each `fresh`: the newest day seen.
    newest: Vec<Option<NaiveDate>>,
}

/// A promise that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// In words, with the number of rows.
    pub what: String,
    /// Whether it only warns.
    pub warns: bool,
}

impl<'a> Gate<'a> {
    /// Begins.
    pub fn new(ctx: &'a SessionContext, transform: &'a Transform, as_of: AsOf) -> Gate<'a> {
        Gate { ctx, transform, as_of, broken: Vec::new(), newest: vec![None; transform.tests.len()] }
    }

    /// Looks at rows that are to be published, sorted by key, whole keys only.
    pub async fn look(&mut self, schema: &SchemaRef, rows: &[RecordBatch]) -> Result<(), TransformError> {
        for (rows, promise) in check_key(self.transform, rows)? {
            self.breaks(&format!("key ({}) {promise}", self.transform.key.join(", ")), rows, false);
        }
        let fault = |error| self.transform.fault(error);
        self.ctx.deregister_table(ROWS).map_err(fault)?;
        let table = MemTable::try_new(schema.clone(), vec![rows.to_vec()]).map_err(fault)?;
        self.ctx.register_table(ROWS, Arc::new(table)).map_err(fault)?;
        for (place, test) in self.transform.tests.iter().enumerate() {
            match &test.asks {
                Asks::Holds(condition) => {
                    let broken = self.count(&format!("not coalesce(({condition}), false)")).await?;
                    self.breaks(condition, broken, test.warns);
                }
                Asks::Relation { column, table, other } => {
                    let known = format!("{column} is not null and {column} not in (select {other} from {table} where {other} is not null)");
                    let broken = self.count(&known).await?;
                    self.breaks(&test.text, broken, test.warns);
                }
                Asks::Fresh { column, .. } => {
                    let newest = self.newest_day(&format!("select max({column}) from {ROWS}")).await?;
                    self.newest[place] = self.newest[place].max(newest);
                }
                Asks::Rows(_) | Asks::ShareOfBefore(_) => {}
            }
        }
        self.ctx.deregister_table(ROWS).map_err(|error| self.transform.fault(error))?;
        Ok(())
    }

    /// Looks at rows that stay as they are: they were tested when they were made, but age.
    pub async fn look_at_stored(&mut self) -> Result<(), TransformError> {
        for (place, test) in self.transform.tests.iter().enumerate() {
            if let Asks::Fresh { column, .. } = &test.asks {
                let newest = self.newest_day(&format!("select max({column}) from {}", self.transform.name)).await?;
                self.newest[place] = self.newest[place].max(newest);
            }
        }
        Ok(())
    }

    /// What is broken, now that all rows have passed; `rows` of the table now and before, where it was made for no later day.
    pub fn end(mut self, rows: u64, before: Option<u64>) -> Vec<Broken> {
        let mut told: Vec<Broken> = Vec::new();
        let aged = std::mem::take(&mut self.newest);
        for (test, newest) in self.transform.tests.iter().zip(aged) {
            let what = match &test.asks {
                Asks::Fresh { days, .. } => match newest {
                    Some(newest) if (self.as_of.0 - newest).num_days() <= i64::from(*days) => continue,
                    Some(newest) => format!("the newest is {newest}: `{}`", test.text),
                    None => format!("there is none: `{}`", test.text),
                },
                Asks::Rows(least) if rows < *least => format!("{rows} rows: `{}`", test.text),
                Asks::ShareOfBefore(share) => match before {
                    Some(before) if rows * 1_000 < before * share => format!("{rows} rows, {before} before: `{}`", test.text),
                    _ => continue,
                },
                _ => continue,
            };
            told.push(Broken { what, warns: test.warns });
        }
        let rows_broken =
            self.broken.into_iter().map(|(promise, rows, warns)| Broken { what: format!("{rows} rows break `{promise}`"), warns });
        rows_broken.chain(told).collect()
    }

    fn breaks(&mut self, promise: &str, rows: u64, warns: bool) {
        if rows == 0 {
            return;
        }
        match self.broken.iter_mut().find(|(known, _, _)| known == promise) {
            Some((_, sum, _)) => *sum += rows,
            None => self.broken.push((promise.to_string(), rows, warns)),
        }
    }

    async fn count(&self, condition: &str) -> Result<u64, TransformError> {
        let query = format!("select cast(count(*) as bigint) from {ROWS} where {condition}");
        let fault = |error| self.transform.fault(error);
        let answer = self.ctx.sql(&query).await.map_err(fault)?.collect().await.map_err(fault)?;
        Ok(answer.first().map_or(0, |batch| batch.column(0).as_primitive::<Int64Type>().value(0)) as u64)
    }

    async fn newest_day(&self, query: &str) -> Result<Option<NaiveDate>, TransformError> {
        let fault = |error| self.transform.fault(error);
        let answer = self.ctx.sql(query).await.map_err(fault)?.collect().await.map_err(fault)?;
        let days = answer.first().and_then(|batch| {
            let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Date32).ok()?;
            column.as_primitive::<Date32Type>().iter().next().flatten()
        });
        Ok(days.map(|days| NaiveDate::default() + chrono::TimeDelta::days(i64::from(days))))
    }
}

/// A column's name as SQL takes it: small letters, unless it is quoted.
fn stored_name(written: &str) -> String {
    written.strip_prefix('"').and_then(|name| name.strip_suffix('"')).map_or_else(|| written.to_lowercase(), String::from)
}

/// Rows that break that the key is there and tells every row from the others. The rows are in its order.
fn check_key(transform: &Transform, rows: &[RecordBatch]) -> Result<[(u64, &'static str); 2], TransformError> {
    let (mut runs, mut run, mut repeated, mut empty) = (Runs::default(), 0, 0, 0);
    for batch in rows {
        let key = transform.key.iter().map(|column| batch.column_by_name(&stored_name(column)).cloned());
        let missing = || LakeError::Schema { table: transform.name.clone(), why: "a column of the key is missing".into() };
        let key: Vec<ArrayRef> = key.collect::<Option<_>>().ok_or_else(missing)?;
        empty += (0..batch.num_rows()).filter(|row| key.iter().any(|column| column.is_null(*row))).count() as u64;
        let mut before = 0;
        for start in runs.starts(&key).map_err(LakeError::from)? {
            run += start - before;
            repeated += if run > 1 { run as u64 } else { 0 };
            (run, before) = (0, start);
        }
        run += batch.num_rows() - before;
    }
    repeated += if run > 1 { run as u64 } else { 0 };
    Ok([(repeated, "is unique"), (empty, "is there")])
}
