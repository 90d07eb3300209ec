//! The statements that read a relation. In: a dialect, names, bounds. Out: SQL with its bound texts.
//! Never: a value in the text of a statement, a name that is not quoted, OFFSET.

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Dialect {
    Mysql,
    Postgres,
}

/// What a column holds that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Holds {
    Integer,
    Unsigned,
    Decimal,
    Text,
    Uuid,
    Day,
    Time,
    Instant,
}

/// A column that rows are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    pub holds: Holds,
}

/// A relation as it is read.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub dialect: Dialect,
    /// A quoted name, or a query in brackets.
    pub from: String,
    /// Every column that is kept.
    pub columns: Vec<String>,
    /// The watermark, then the key.
    pub order: Vec<Field>,
}

/// A statement and its bound texts.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::source) struct Statement {
    pub sql: String,
    pub bound: Vec<String>,
}

/// Where rows begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// At the first.
    Beginning,
    /// At this watermark.
    At(String),
    /// Behind the row with these values in its columns of order.
    After(Vec<String>),
}

/// Where rows end; the end is one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// With this watermark.
    At(String),
    /// With the row that has these values in its columns of order.
    Row(Vec<String>),
}

impl Dialect {
    /// A name, quoted.
    pub fn name(self, name: &str) -> String {
        match self {
            Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
            Dialect::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// What a column of that type holds, as sqlx names types; nothing when rows cannot be ordered by it.
    pub fn holds(self, kind: &str) -> Option<Holds> {
        Some(match (self, kind) {
            (Dialect::Postgres, "INT2" | "INT4" | "INT8") => Holds::Integer,
            (Dialect::Postgres, "NUMERIC") | (Dialect::Mysql, "DECIMAL") => Holds::Decimal,
            (Dialect::Postgres, "TEXT" | "VARCHAR") => Holds::Text,
            (Dialect::Postgres, "UUID") => Holds::Uuid,
            (_, "DATE") => Holds::Day,
            (Dialect::Postgres, "TIMESTAMP") | (Dialect::Mysql, "DATETIME" | "TIMESTAMP") => Holds::Time,
            (Dialect::Postgres, "TIMESTAMPTZ") => Holds::Instant,
            (Dialect::Mysql, kind) if kind.ends_with("INT UNSIGNED") => Holds::Unsigned,
            (Dialect::Mysql, kind) if kind.ends_with("INT") => Holds::Integer,
            (Dialect::Mysql, "VARCHAR" | "CHAR" | "TEXT") => Holds::Text,
            _ => return None,
        })
    }

    fn as_text(self, name: &str) -> String {
        match self {
            Dialect::Mysql => format!("cast({} as char)", self.name(name)),
            Dialect::Postgres => format!("{}::text", self.name(name)),
        }
    }

    /// The database's own time, so that a row dated in the future cannot carry the watermark away.
    fn now(self, holds: Holds) -> Option<&'static str> {
        match (self, holds) {
            (_, Holds::Day) => Some("current_date"),
            (Dialect::Postgres, Holds::Instant) => Some("statement_timestamp()"),
            (Dialect::Postgres, Holds::Time) => Some("statement_timestamp()::timestamp"),
            (Dialect::Mysql, Holds::Time) => Some("now(6)"),
            _ => None,
        }
    }

    /// A clock at the till may go before the database's by this much, and nothing is said.
    fn soon(self, holds: Holds) -> Option<String> {
        let now = self.now(holds)?;
        Some(match (self, holds) {
            (_, Holds::Day) => now.to_string(),
            (Dialect::Postgres, _) => format!("{now} + interval '5 minutes'"),
            (Dialect::Mysql, _) => format!("{now} + interval 5 minute"),
        })
    }
}

impl Relation {
    /// Rows in order, as text: the kept columns, then the columns of order.
    pub fn rows(&self, start: &Start, end: &End, most: usize) -> Statement {
        let mut bounds = Bounds { relation: self, bound: Vec::new() };
        let range = bounds.range(start, end);
        // a bare name would be that of a kept text: rows are in the order of the columns themselves
        let order = self.order.iter().map(|field| format!("feed.{}", self.dialect.name(&field.name))).collect::<Vec<_>>().join(", ");
        let kept = self.columns.iter().chain(self.order.iter().map(|field| &field.name)).map(|name| self.dialect.as_text(name));
        let kept = kept.collect::<Vec<_>>().join(", ");
        let sql = format!("select {kept} from {} as feed where {range} order by {order} limit {most}", self.from);
        Statement { sql, bound: bounds.bound }
    }

    /// The database's own count of the rows between two places.
    pub fn count(&self, start: &Start, end: &End) -> Statement {
        let mut bounds = Bounds { relation: self, bound: Vec::new() };
        let range = bounds.range(start, end);
        let count = if self.dialect == Dialect::Mysql { "cast(count(*) as char)" } else { "count(*)::text" };
        Statement { sql: format!("select {count} from {} as feed where {range}", self.from), bound: bounds.bound }
    }

    /// The highest watermark that is not in the future.
    pub fn highest(&self) -> Statement {
        let watermark = &self.order[0];
        let name = self.dialect.name(&watermark.name);
        let past = self.dialect.now(watermark.holds).map_or(String::new(), |now| format!(" where {name} <= {now}"));
        let highest = if self.dialect == Dialect::Mysql { format!("cast(max({name}) as char)") } else { format!("max({name})::text") };
        Statement { sql: format!("select {highest} from {} as feed{past}", self.from), bound: Vec::new() }
    }

    /// One row when a column of order is empty somewhere: such a row would never be read.
    pub fn empty(&self, field: &Field) -> Statement {
        let name = self.dialect.name(&field.name);
        Statement { sql: format!("select '1' from {} as feed where {name} is null limit 1", self.from), bound: Vec::new() }
    }

    /// One row when a watermark lies further in the future than clocks differ.
    pub fn future(&self) -> Option<Statement> {
        let watermark = &self.order[0];
        let (name, soon) = (self.dialect.name(&watermark.name), self.dialect.soon(watermark.holds)?);
        Some(Statement { sql: format!("select '1' from {} as feed where {name} > {soon} limit 1", self.from), bound: Vec::new() })
    }
}

/// Conditions on the columns of order, with what they bind.
struct Bounds<'a> {
    relation: &'a Relation,
    bound: Vec<String>,
}

impl Bounds<'_> {
    fn range(&mut self, start: &Start, end: &End) -> String {
        let start = match start {
            Start::Beginning => None,
            Start::At(watermark) => Some(self.compare(0, ">=", watermark)),
            // the first condition alone is what an index is entered by
            Start::After(row) => Some(format!("{} and {}", self.compare(0, ">=", &row[0]), self.row(row, 0, ">", ">"))),
        };
        let end = match end {
            End::At(watermark) => self.compare(0, "<=", watermark),
            End::Row(row) => format!("{} and {}", self.compare(0, "<=", &row[0]), self.row(row, 0, "<", "<=")),
        };
        start.into_iter().chain([end]).collect::<Vec<_>>().join(" and ")
    }

    /// The row as a whole before or behind another: the first column decides, where it is equal the next.
    fn row(&mut self, row: &[String], place: usize, compare: &str, last: &str) -> String {
        if place + 1 == self.relation.order.len() {
            return self.compare(place, last, &row[place]);
        }
        let decides = self.compare(place, compare, &row[place]);
        let equal = self.compare(place, "=", &row[place]);
        format!("({decides} or ({equal} and {}))", self.row(row, place + 1, compare, last))
    }

    fn compare(&mut self, place: usize, compare: &str, value: &str) -> String {
        let Relation { dialect, order, .. } = self.relation;
        let field = &order[place];
        self.bound.push(value.to_string());
        let at = self.bound.len();
        let value = match (dialect, field.holds) {
            (Dialect::Postgres, Holds::Integer | Holds::Unsigned) => format!("${at}::text::int8"),
            (Dialect::Postgres, Holds::Decimal) => format!("${at}::text::numeric"),
            (Dialect::Postgres, Holds::Text) => format!("${at}::text"),
            (Dialect::Postgres, Holds::Uuid) => format!("${at}::text::uuid"),
            (Dialect::Postgres, Holds::Day) => format!("${at}::text::date"),
            (Dialect::Postgres, Holds::Time) => format!("${at}::text::timestamp"),
            (Dialect::Postgres, Holds::Instant) => format!("${at}::text::timestamptz"),
            (Dialect::Mysql, Holds::Integer) => "cast(? as signed)".into(),
            (Dialect::Mysql, Holds::Unsigned) => "cast(? as unsigned)".into(),
            (Dialect::Mysql, Holds::Decimal) => "cast(? as decimal(65,30))".into(),
            (Dialect::Mysql, Holds::Text | Holds::Uuid) => "?".into(),
            (Dialect::Mysql, Holds::Day) => "cast(? as date)".into(),
            (Dialect::Mysql, Holds::Time | Holds::Instant) => "cast(? as datetime(6))".into(),
        };
        format!("{} {compare} {value}", dialect.name(&field.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(dialect: Dialect) -> Relation {
        let order = [("at", Holds::Time), ("id", Holds::Integer)];
        let order = order.map(|(name, holds)| Field { name: name.into(), holds }).to_vec();
        Relation { dialect, from: dialect.name("lines"), columns: vec!["id".into(), "kg".into()], order }
    }

    #[test]
    fn a_page_begins_behind_a_row_and_binds_every_value() {
        let start = Start::After(vec!["2026-03-01 00:00:00".into(), "7".into()]);
        let end = End::At("2026-03-02 00:00:00".into());
        let page = relation(Dialect::Postgres).rows(&start, &end, 100);
        assert_eq!(
            page.sql,
            "select \"id\"::text, \"kg\"::text, \"at\"::text, \"id\"::text from \"lines\" as feed where \
             \"at\" >= $1::text::timestamp and (\"at\" > $2::text::timestamp or (\"at\" = $3::text::timestamp and \"id\" > $4::text::int8)) \
             and \"at\" <= $5::text::timestamp order by feed.\"at\", feed.\"id\" limit 100"
        );
        let bound = ["2026-03-01 00:00:00", "2026-03-01 00:00:00", "2026-03-01 00:00:00", "7", "2026-03-02 00:00:00"];
        assert_eq!(page.bound, bound);
        let count = relation(Dialect::Mysql).count(&Start::Beginning, &End::Row(vec!["2026-03-01".into(), "7".into()]));
        assert_eq!(
            count.sql,
            "select cast(count(*) as char) from `lines` as feed where `at` <= cast(? as datetime(6)) and \
             (`at` < cast(? as datetime(6)) or (`at` = cast(? as datetime(6)) and `id` <= cast(? as signed)))"
        );
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(Dialect::Postgres.name("a\"; drop table b"), "\"a\"\"; drop table b\"");
        assert_eq!(Dialect::Mysql.name("a`b"), "`a``b`");
    }
}
