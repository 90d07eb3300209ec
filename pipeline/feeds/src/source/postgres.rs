//! PostgreSQL. In: a login. Out: a session that reads one moment. Never: a write: the session is read-only, and so is
//! every transaction in it.

use super::Place;
use super::database::session::{CONNECT_TIMEOUT, Connect, Login, Session, Tls, in_time, on_the_way};
use super::database::sql::{Dialect, Statement};
use super::trouble::{Fault, Trouble};
use crate::FeedError;
use crate::contract::Page;
use async_trait::async_trait;
use futures::FutureExt;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Executor, PgConnection, Row, SqlSafeStr, TypeInfo};
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Connect = Connect {
    dialect: Dialect::Postgres,
    scheme: "postgres",
    other_scheme: "postgresql",
    port: 5432,
    open: |login, statement_timeout| open(login, statement_timeout).boxed(),
};

/// A session of ours that fell silent holds its snapshot no longer than this.
const IDLE_MINUTES: u32 = 15;

/// Checks the contract of such a relation.
pub(super) fn check(page: &Page) -> Result<Arc<dyn Place>, FeedError> {
    super::database::check(page, CONNECT)
}

struct Postgres {
    connection: PgConnection,
    statement_timeout: Duration,
    in_snapshot: bool,
}

async fn open(login: &Login, statement_timeout: Duration) -> Result<Box<dyn Session>, Trouble> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&login.host)
        .port(login.port)
        .username(&login.user)
        .password(&login.password)
        .database(&login.database)
        .application_name("nongshi")
        .ssl_mode(match login.tls {
            Tls::Off => PgSslMode::Disable,
            Tls::Unchecked => PgSslMode::Require,
            Tls::Signed => PgSslMode::VerifyCa,
            Tls::SignedForHost => PgSslMode::VerifyFull,
        })
        .disable_statement_logging();
    if let Some(file) = &login.trusted {
        options = options.ssl_root_cert(file);
    }
    let connection = in_time(CONNECT_TIMEOUT, PgConnection::connect_with(&options), |error| told(&error)).await?;
    let mut session = Postgres { connection, statement_timeout, in_snapshot: false };
    let millis = statement_timeout.as_millis();
    session
        .run(&format!(
            "set default_transaction_read_only = on; set statement_timeout = {millis}; set lock_timeout = {millis}; \
             set idle_in_transaction_session_timeout = '{IDLE_MINUTES}min'; set timezone = 'Asia/Shanghai'; set datestyle = 'ISO, YMD'"
        ))
        .await?;
    Ok(Box::new(session))
}

impl Postgres {
    async fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        let ran = self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql)));
        in_time(self.statement_timeout, ran, |error| told(&error)).await.map(|_| ())
    }
}

#[async_trait]
impl Session for Postgres {
    async fn columns(&mut self, sql: &str) -> Result<Vec<(String, String)>, Trouble> {
        let prepared = self.connection.prepare(AssertSqlSafe(sql.to_string()).into_sql_str());
        let prepared = in_time(self.statement_timeout, prepared, |error| told(&error)).await?;
        let columns = sqlx::Statement::columns(&prepared);
        Ok(columns.iter().map(|column| (column.name().to_string(), column.type_info().name().to_string())).collect())
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Vec<Option<String>>>, Trouble> {
        // names are quoted and values are bound where the statement is made
        let mut query = sqlx::query(AssertSqlSafe(statement.sql.as_str()));
        for value in &statement.bound {
            query = query.bind(value);
        }
        let rows = in_time(self.statement_timeout, self.connection.fetch_all(query), |error| told(&error)).await?;
        let cells = |row: sqlx::postgres::PgRow| (0..row.len()).map(|place| row.try_get(place)).collect::<Result<Vec<_>, _>>();
        rows.into_iter().map(cells).collect::<Result<_, _>>().map_err(|error| told(&error))
    }

    async fn snapshot(&mut self) -> Result<(), Trouble> {
        if self.in_snapshot {
            self.run("commit").await?;
        }
        self.in_snapshot = true;
        self.run("begin transaction isolation level repeatable read, read only").await
    }
}

/// The server's word in ours. Codes: PostgreSQL, appendix A.
fn told(error: &sqlx::Error) -> Trouble {
    let sqlx::Error::Database(said) = error else { return on_the_way(error) };
    let code = said.code().unwrap_or_default();
    match &*code {
        "28P01" | "28000" => Trouble::new(
            Fault::Settings,
            "the server refuses the login",
            "look at user and password in the address, and at what pg_hba.conf over there allows",
        ),
        "3D000" => Trouble::new(Fault::Settings, "the server has no such database", "look at the end of the address"),
        "42P01" | "3F000" => Trouble::new(
            Fault::Settings,
            said.message(),
            "`relation` is spelled as the database spells it: `schema.table`, with its capitals",
        ),
        "42501" => Trouble::new(Fault::Settings, said.message(), "the reader needs `grant select` on the relation, and nothing more"),
        "25006" => Trouble::new(Fault::Settings, format!("its query writes: {}", said.message()), "sources are only read"),
        "57014" => Trouble::new(
            Fault::Unreachable,
            "a statement took longer than `statement_timeout`",
            "an index that begins with the watermark makes a page cheap; or allow more time",
        ),
        // connections, resources, an operator, a lost race
        code if ["08", "53", "57", "40", "55"].iter().any(|class| code.starts_with(class)) => {
            Trouble::new(Fault::Unreachable, said.message(), "run again: what has landed is not read twice")
        }
        _ => Trouble::new(Fault::Settings, said.message(), "try the query of the contract by hand over there"),
    }
}
