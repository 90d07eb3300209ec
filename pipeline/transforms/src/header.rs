//! The header of a transform: comments that say what a row is, what tells rows apart, and what must hold of them.
//! In: the first lines of an SQL file. Out: key, columns, tests, part. Never: a line that means something and is passed over.
//!
//! | line | meaning |
//! |---|---|
//! | first line | what a row is |
//! | `key: a, b` | columns that tell every row from the others, never empty |
//! | `column NAME: TEXT` | unit and meaning |
//! | `part: month of day` | kept in parts, a `month` or a `year` each, by a column `day`, `week` (its Monday) or `month` (its first day). Each row must depend on source rows of its own day, week or month only: late rows then cost their parts, nothing else |
//! | `check: CONDITION` | holds for every row |
//! | `not null: a, b` | never empty |
//! | `accepted: a in x, y` | one of these values, or empty |
//! | `relation: a in TABLE.b` | a value of that column, or empty |
//! | `fresh: day within 7 days` | the newest value is that near to the day a run speaks from |
//! | `volume: at least 100 rows`, `volume: at least 0.5 of before` | not suddenly fewer |
//! | `warn check: …` | as `check`, and the others too: told, and published nevertheless |

use crate::error::TransformError;
use nongshi_domain::Hint;

/// What must hold of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// As it is written.
    pub text: String,
    /// What it asks.
    pub asks: Asks,
    /// Whether a table that breaks it is published nevertheless.
    pub warns: bool,
}

/// What a test asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// The condition is true for every row.
    Holds(String),
    /// The column is a value of a table's column, or empty.
    Relation {
        /// The column.
        column: String,
        /// The table.
        table: String,
        /// Its column.
        other: String,
    },
    /// The column's newest day is no older than so many days.
    Fresh {
        /// The column.
        column: String,
        /// Days before the day a run speaks from.
        days: u32,
    },
    /// So many rows at least.
    Rows(u64),
    /// So many thousandths of the rows of the version before, at least.
    ShareOfBefore(u64),
}

/// How a table is kept in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartBy {
    /// How long a part is.
    pub unit: Span,
    /// The column whose day tells the part.
    pub column: String,
    /// What the column's days are first days of.
    pub grain: Span,
}

/// A length of time on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A day.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl PartBy {
    /// The unit as SQL's `date_trunc` names it.
    pub fn unit_name(&self) -> &'static str {
        if self.unit == Span::Year { "year" } else { "month" }
    }
}

/// A header, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What a row is.
    pub row: String,
    /// The columns that tell one row from another.
    pub key: Vec<String>,
    /// Columns with unit and meaning.
    pub columns: Vec<(String, String)>,
    /// How it is kept in parts.
    pub part: Option<PartBy>,
    /// What must hold.
    pub tests: Vec<Test>,
}

/// Reads the header of `NAME.sql`.
pub fn read(name: &str, text: &str) -> Result<Header, TransformError> {
    let fault = |what: String, hint: &str| TransformError::Header { name: name.into(), what, hint: Hint(hint.into()) };
    let lines: Vec<&str> = text.lines().map_while(|line| line.trim().strip_prefix("--")).map(str::trim).collect();
    let row = lines.first().copied().unwrap_or_default();
    if row.is_empty() || row.starts_with("key:") {
        return Err(fault("the first line does not say what a row is".into(), "begin with `-- A row is ...`"));
    }
    let mut header = Header { row: row.into(), key: Vec::new(), columns: Vec::new(), part: None, tests: Vec::new() };
    for line in &lines[1..] {
        let Some((tag, rest)) = line.split_once(':') else { continue };
        let rest = rest.trim();
        let wrong = |hint: &str| fault(format!("`{line}` cannot be understood"), hint);
        if let Some(column) = tag.strip_prefix("column ") {
            header.columns.push((column.trim().into(), rest.into()));
            continue;
        }
        match tag {
            "key" => header.key.extend(names(rest)),
            "part" => header.part = Some(part(rest).ok_or_else(|| wrong("write `part: month of day` or `part: year of week`"))?),
            _ => {
                let (warns, kind) = tag.strip_prefix("warn ").map_or((false, tag), |kind| (true, kind));
                let Some(read) = test(kind, rest) else { continue };
                let asks = read.map_err(wrong)?;
                header.tests.extend(asks.into_iter().map(|(text, asks)| Test { text, asks, warns }));
            }
        }
    }
    if header.key.is_empty() {
        return Err(fault("the header names no key".into(), "add a line such as `-- key: shop, product, day`"));
    }
    if let Some(part) = header.part.as_ref().filter(|part| !header.key.contains(&part.column)) {
        return Err(fault(format!("the part's column `{}` is not in the key", part.column), "rows of two parts must never be one"));
    }
    Ok(header)
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect()
}

fn part(text: &str) -> Option<PartBy> {
    let (unit, column) = text.split_once(" of ")?;
    let unit = match unit.trim() {
        "month" => Span::Month,
        "year" => Span::Year,
        _ => return None,
    };
    let grain = match column.trim() {
        "day" => Span::Day,
        "week" => Span::Week,
        "month" => Span::Month,
        _ => return None,
    };
    Some(PartBy { unit, column: column.trim().into(), grain })
}

/// The tests a line asks for; nothing where the word means none, a hint where it does and cannot be understood.
fn test(kind: &str, rest: &str) -> Option<Result<Vec<(String, Asks)>, &'static str>> {
    let one = |asks: Option<Asks>, hint| asks.map(|asks| vec![(format!("{kind}: {rest}"), asks)]).ok_or(hint);
    Some(match kind {
        "check" => one((!rest.is_empty()).then(|| Asks::Holds(rest.into())), "write a condition, such as `check: price > 0`"),
        "not null" => {
            Ok(names(rest).into_iter().map(|name| (format!("{name} is not null"), Asks::Holds(format!("{name} is not null")))).collect())
        }
        "accepted" => one(accepted(rest), "write `accepted: channel in shop, online`"),
        "relation" => one(relation(rest), "write `relation: shop in shops.shop`"),
        "fresh" => one(fresh(rest), "write `fresh: day within 7 days`"),
        "volume" => one(volume(rest), "write `volume: at least 100 rows` or `volume: at least 0.5 of before`"),
        _ => return None,
    })
}

fn accepted(text: &str) -> Option<Asks> {
    let (column, values) = text.split_once(" in ")?;
    let quoted: Vec<String> = names(values).iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
    let column = column.trim();
    (!quoted.is_empty()).then(|| Asks::Holds(format!("{column} is null or {column} in ({})", quoted.join(", "))))
}

fn relation(text: &str) -> Option<Asks> {
    let (column, place) = text.split_once(" in ")?;
    let (table, other) = place.trim().rsplit_once('.')?;
    Some(Asks::Relation { column: column.trim().into(), table: table.into(), other: other.into() })
}

fn fresh(text: &str) -> Option<Asks> {
    let (column, rest) = text.split_once(" within ")?;
    let days = rest.trim().strip_suffix("days").or(rest.trim().strip_suffix("day"))?.trim().parse().ok()?;
    Some(Asks::Fresh { column: column.trim().into(), days })
}

fn volume(text: &str) -> Option<Asks> {
    let rest = text.strip_prefix("at least ")?;
    if let Some(rows) = rest.strip_suffix(" rows") {
        return Some(Asks::Rows(rows.trim().replace(',', "").parse().ok()?));
    }
    let share: f64 = rest.strip_suffix(" of before")?.trim().parse().ok()?;
    (0.0..=1.0).contains(&share).then(|| Asks::ShareOfBefore((share * 1_000.0).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(lines: &str) -> Result<Vec<Test>, String> {
        read("t", &format!("-- A row is one.\n-- key: a, week\n{lines}\nselect 1"))
            .map(|header| header.tests)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_test_is_read() {
        let tests = tests_of(
            "-- check: price > 0\n-- warn fresh: week within 7 days\n-- not null: a, b\n-- accepted: a in x, it's\n\
             -- relation: a in products.product\n-- volume: at least 1,000 rows\n-- volume: at least 0.5 of before",
        )
        .expect("well-formed");
        let asks: Vec<&Asks> = tests.iter().map(|test| &test.asks).collect();
        assert_eq!(asks[0], &Asks::Holds("price > 0".into()));
        assert_eq!((asks[1], tests[1].warns), (&Asks::Fresh { column: "week".into(), days: 7 }, true));
        assert_eq!(asks[3], &Asks::Holds("b is not null".into()));
        assert_eq!(asks[4], &Asks::Holds("a is null or a in ('x', 'it''s')".into()));
        assert_eq!(asks[5], &Asks::Relation { column: "a".into(), table: "products".into(), other: "product".into() });
        assert_eq!((asks[6], asks[7]), (&Asks::Rows(1_000), &Asks::ShareOfBefore(500)));
        assert!(tests.iter().enumerate().all(|(place, test)| test.warns == (place == 1)));
    }

    #[test]
    fn a_part_has_a_unit_and_a_column_of_the_key() {
        let part =
            |line: &str| read("t", &format!("-- A row is one.\n-- key: a, week\n-- part: {line}\nselect 1")).map(|header| header.part);
        assert_eq!(part("year of week").expect("well-formed"), Some(PartBy { unit: Span::Year, column: "week".into(), grain: Span::Week }));
        for (line, words) in
            [("decade of week", "cannot be understood"), ("month of price", "cannot be understood"), ("month of day", "not in the key")]
        {
            let error = part(line).expect_err(line).to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_test_that_cannot_be_understood_is_not_passed_over() {
        for line in ["check:", "accepted: a", "relation: a in b", "fresh: week", "volume: lots", "volume: at least 2 of before"] {
            assert!(tests_of(&format!("-- {line}")).expect_err(line).contains("cannot be understood"));
        }
    }
}
