//! One curated table as its SQL file tells it. In: a text. Out: its query and its header (`header.rs`).
//! Never: a table without a key.

use crate::error::TransformError;
use crate::header::{self, PartBy, Test};
use datafusion::common::{DataFusionError, TableReference};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use nongshi_lake::digest;
use std::collections::BTreeSet;

/// The built-in tables, in alphabetic order.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("field_supply", include_str!("../sql/field_supply.sql")),
    ("freshness", include_str!("../sql/freshness.sql")),
    ("known_days", include_str!("../sql/known_days.sql")),
    ("known_names", include_str!("../sql/known_names.sql")),
    ("price_daily", include_str!("../sql/price_daily.sql")),
    ("price_monthly", include_str!("../sql/price_monthly.sql")),
    ("price_weekly", include_str!("../sql/price_weekly.sql")),
    ("sales_daily", include_str!("../sql/sales_daily.sql")),
    ("sales_weekly", include_str!("../sql/sales_weekly.sql")),
    ("unmapped_names", include_str!("../sql/unmapped_names.sql")),
];

/// A curated table to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    /// The table's name.
    pub name: String,
    /// What a row is.
    pub row: String,
    /// The columns that tell one row from another.
    pub key: Vec<String>,
    /// Columns with unit and meaning.
    pub columns: Vec<(String, String)>,
    /// How it is kept in parts.
    pub part: Option<PartBy>,
    /// What must hold of its rows.
    pub tests: Vec<Test>,
    /// The query.
    pub sql: String,
    /// The tables it reads, as it spells them.
    pub reads: BTreeSet<String>,
}

/// The built-in transforms, read.
pub fn built_in() -> Result<Vec<Transform>, TransformError> {
    BUILT_IN.iter().map(|(name, text)| Transform::read(name, text)).collect()
}

impl Transform {
    /// Reads the text of `NAME.sql`.
    pub fn read(name: &str, text: &str) -> Result<Transform, TransformError> {
        let header = header::read(name, text)?;
        Ok(Transform {
            name: name.into(),
            row: header.row,
            key: header.key,
            columns: header.columns,
            part: header.part,
            tests: header.tests,
            sql: text.to_string(),
            reads: tables_read(name, text)?,
        })
    }

    /// What a stored table must have been made by, to count.
    pub fn fingerprint(&self) -> String {
        digest([self.sql.as_bytes()])[..32].to_string()
    }

    pub(crate) fn fault(&self, source: DataFusionError) -> TransformError {
        TransformError::Query { name: self.name.clone(), source: Box::new(source) }
    }
}

fn tables_read(name: &str, sql: &str) -> Result<BTreeSet<String>, TransformError> {
    let syntax = |why: String| TransformError::Syntax { name: name.into(), why };
    let mut statements = DFParser::parse_sql(sql).map_err(|error| syntax(error.to_string()))?;
    let (Some(statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(syntax("the file must hold exactly one SELECT".into()));
    };
    if !matches!(&statement, Statement::Statement(inner) if matches!(inner.as_ref(), datafusion::sql::sqlparser::ast::Statement::Query(_)))
    {
        return Err(syntax("the file must hold a SELECT and nothing else".into()));
    }
    let (tables, _) = resolve_table_references(&statement, true).map_err(|error| syntax(error.to_string()))?;
    Ok(tables.iter().map(TableReference::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_key_its_checks_and_what_it_reads() {
        let text = "-- A row is a week of a market.\n-- key: market, week\n-- column price: CNY/kg\n-- check: price > 0\n\
                    with w as (select * from price_daily) select w.* from w join products using (product)";
        let transform = Transform::read("t", text).expect("well-formed");
        assert_eq!(transform.key, ["market", "week"]);
        assert_eq!(transform.tests.iter().map(|test| test.text.as_str()).collect::<Vec<_>>(), ["check: price > 0"]);
        assert_eq!(transform.reads, ["price_daily", "products"].map(String::from).into());
    }

    #[test]
    fn faults_are_named() {
        // (text, what the message must hold)
        for (text, expect) in [
            ("select 1", "does not say what a row is"),
            ("-- A row is one.\nselect 1", "names no key"),
            ("-- A row is one.\n-- key: a\ndrop table sales", "a SELECT and nothing else"),
            ("-- A row is one.\n-- key: a\nselect 1; select 2", "exactly one SELECT"),
            ("-- A row is one.\n-- key: a\nselect (from", "cannot be read"),
        ] {
            let message = Transform::read("t", text).expect_err(text).to_string();
            assert!(message.contains(expect), "{message}");
        }
    }
}
