//! MySQL and MariaDB. In: a login. Out: a session that reads one moment. Never: a write: the session is read-only, and
//! so is every transaction in it.

use super::Place;
use super::database::session::{CONNECT_TIMEOUT, Connect, Login, Session, Tls, in_time, on_the_way};
use super::database::sql::{Dialect, Statement};
use super::trouble::{Fault, Trouble};
use crate::FeedError;
use crate::contract::Page;
use async_trait::async_trait;
use futures::FutureExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Executor, MySqlConnection, Row, SqlSafeStr, TypeInfo};
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Connect = Connect {
    dialect: Dialect::Mysql,
    scheme: "mysql",
    other_scheme: "mariadb",
    port: 3306,
    open: |login, statement_timeout| open(login, statement_timeout).boxed(),
};

/// A session of ours that fell silent is ended by the server after this.
const IDLE_SECONDS: u32 = 900;

/// Checks the contract of such a relation.
pub(super) fn check(page: &Page) -> Result<Arc<dyn Place>, FeedError> {
    super::database::check(page, CONNECT)
}

struct Mysql {
    connection: MySqlConnection,
    statement_timeout: Duration,
    in_snapshot: bool,
}

async fn open(login: &Login, statement_timeout: Duration) -> Result<Box<dyn Session>, Trouble> {
    let mut options = MySqlConnectOptions::new()
        .host(&login.host)
        .port(login.port)
        .username(&login.user)
        .password(&login.password)
        .database(&login.database)
        // the query of a contract means here what it means over there
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(Some("+08:00".to_string()))
        .ssl_mode(match login.tls {
            Tls::Off => MySqlSslMode::Disabled,
            Tls::Unchecked => MySqlSslMode::Required,
            Tls::Signed => MySqlSslMode::VerifyCa,
            Tls::SignedForHost => MySqlSslMode::VerifyIdentity,
        })
        .disable_statement_logging();
    if let Some(file) = &login.trusted {
        options = options.ssl_ca(file);
    }
    let connection = in_time(CONNECT_TIMEOUT, MySqlConnection::connect_with(&options), |error| told(&error)).await?;
    let mut session = Mysql { connection, statement_timeout, in_snapshot: false };
    let version = session.rows(&Statement { sql: "select cast(version() as char)".into(), bound: Vec::new() }).await?;
    let mariadb = version.iter().flatten().flatten().any(|version| version.contains("MariaDB"));
    let timeout = if mariadb {
        format!("max_statement_time = {}", statement_timeout.as_secs_f64())
    } else {
        format!("max_execution_time = {}", statement_timeout.as_millis())
    };
    for setting in [
        "transaction read only",
        "transaction isolation level repeatable read",
        &timeout,
        &format!("lock_wait_timeout = {}", statement_timeout.as_secs().max(1)),
        &format!("wait_timeout = {IDLE_SECONDS}"),
    ] {
        session.run(&format!("set session {setting}")).await?;
    }
    Ok(Box::new(session))
}

impl Mysql {
    async fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        let ran = self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql)));
        in_time(self.statement_timeout, ran, |error| told(&error)).await.map(|_| ())
    }
}

#[async_trait]
impl Session for Mysql {
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
        // what is cast to char comes under several names of text
        let cells = |row: MySqlRow| (0..row.len()).map(|place| row.try_get_unchecked(place)).collect::<Result<Vec<_>, _>>();
        rows.into_iter().map(cells).collect::<Result<_, _>>().map_err(|error| told(&error))
    }

    async fn snapshot(&mut self) -> Result<(), Trouble> {
        if self.in_snapshot {
            self.run("commit").await?;
        }
        self.in_snapshot = true;
        self.run("start transaction with consistent snapshot, read only").await
    }
}

/// The server's word in ours. Numbers: MySQL's and MariaDB's error lists, which agree on these.
fn told(error: &sqlx::Error) -> Trouble {
    let sqlx::Error::Database(said) = error else { return on_the_way(error) };
    let number = said.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
    match number {
        1045 | 1698 => Trouble::new(
            Fault::Settings,
            "the server refuses the login",
            "look at user and password in the address, and from which hosts that user may come",
        ),
        1044 | 1049 => Trouble::new(Fault::Settings, "the server has no such database for this user", "look at the end of the address"),
        1146 => Trouble::new(Fault::Settings, said.message(), "`relation` is spelled as the database spells it: `database.table`"),
        1142 | 1143 | 1370 => {
            Trouble::new(Fault::Settings, said.message(), "the reader needs `grant select` on the relation, and nothing more")
        }
        1792 => Trouble::new(Fault::Settings, format!("its query writes: {}", said.message()), "sources are only read"),
        1969 | 3024 => Trouble::new(
            Fault::Unreachable,
            "a statement took longer than `statement_timeout`",
            "an index that begins with the watermark makes a page cheap; or allow more time",
        ),
        // too many connections, shutdown, locks, deadlocks, killed
        1040 | 1053 | 1203 | 1205 | 1213 | 1226 | 1317 | 1927 => {
            Trouble::new(Fault::Unreachable, said.message(), "run again: what has landed is not read twice")
        }
        _ => Trouble::new(Fault::Settings, said.message(), "try the query of the contract by hand over there"),
    }
}
