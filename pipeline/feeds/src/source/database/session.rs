//! A session with a database that can only read. In: a secret address, statements. Out: rows as text, or what is wrong in the
//! reader's words. Never: the address or a part of it in an error.

use super::sql::{Dialect, Statement};
use crate::source::trouble::{Fault, Trouble};
use async_trait::async_trait;
use futures::future::BoxFuture;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::time::Duration;
use url::Url;

/// How long a server may take to let us in.
pub(in crate::source) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The server ends a statement itself; a server that does not even answer gets this much longer.
const GRACE: Duration = Duration::from_secs(10);

/// A session that is being opened.
pub(in crate::source) type Opening<'a> = BoxFuture<'a, Result<Box<dyn Session>, Trouble>>;

/// A kind of database.
#[derive(Debug, Clone, Copy)]
pub(in crate::source) struct Connect {
    pub dialect: Dialect,
    /// Of its addresses.
    pub scheme: &'static str,
    /// What people write for it too.
    pub other_scheme: &'static str,
    pub port: u16,
    /// Opens a read-only session with that statement timeout.
    pub open: for<'a> fn(&'a Login, Duration) -> Opening<'a>,
}

impl Connect {
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

/// A session; everything in it is read as text.
#[async_trait]
pub(in crate::source) trait Session: Send {
    /// The columns a statement gives, with their types as sqlx names them.
    async fn columns(&mut self, sql: &str) -> Result<Vec<(String, String)>, Trouble>;

    /// Every row of a statement.
    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Vec<Option<String>>>, Trouble>;

    /// Ends the snapshot if there is one, and begins another: a read-only transaction that sees one moment.
    async fn snapshot(&mut self) -> Result<(), Trouble>;
}

/// Waits no longer than the server may take by itself, and a little.
pub(in crate::source) async fn in_time<T>(
    most: Duration,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
    told: impl Fn(sqlx::Error) -> Trouble,
) -> Result<T, Trouble> {
    match tokio::time::timeout(most + GRACE, asked).await {
        Ok(answer) => answer.map_err(told),
        Err(_) => Err(Trouble::new(Fault::Unreachable, "the server does not answer", "run again later: what has landed is not read twice")),
    }
}

/// What went wrong on the way, where the server itself has said nothing.
pub(in crate::source) fn on_the_way(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Io(cause) => Trouble::new(
            Fault::Unreachable,
            format!("the server cannot be reached: {}", cause.kind()),
            "look whether it runs and whether host and port in the address are right; then run again",
        ),
        sqlx::Error::Tls(cause) => Trouble::new(
            Fault::Settings,
            format!("no safe way to the server: {cause}"),
            "`sslrootcert=FILE` in the address names who is trusted; `sslmode=disable` goes without, in a network of your own",
        ),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Trouble::new(
            Fault::Refused,
            "a value is no text",
            "name the columns you need under `columns`, or turn the value into text in a `query`",
        ),
        _ => Trouble::new(Fault::Unreachable, "the session broke off", "run again: what has landed is not read twice"),
    }
}

/// How safe the way to the server must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Tls {
    Off,
    Unchecked,
    Signed,
    SignedForHost,
}

/// A secret address, taken apart. It has no `Debug`: nothing of it may be printed.
pub(in crate::source) struct Login {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    pub database: String,
    pub tls: Tls,
    pub trusted: Option<String>,
}

impl Login {
    /// Takes the address apart; what is wrong is said without it.
    pub fn read(address: &str, connect: &Connect) -> Result<Login, Trouble> {
        let form = format!("write {}://USER:PASSWORD@HOST:PORT/DATABASE, special characters as %40 for `@`", connect.scheme);
        let wrong = |what: &str| Trouble::new(Fault::Settings, format!("the address that is kept secret {what}"), form.clone());
        let url = Url::parse(address.trim()).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        if url.scheme() != connect.scheme && url.scheme() != connect.other_scheme {
            return Err(wrong(&format!("does not begin with `{}://`", connect.scheme)));
        }
        let text = |part: &str| percent_decode_str(part).decode_utf8().map(String::from).map_err(|_| wrong("is not UTF-8"));
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        let host = text(host.trim_matches(['[', ']']))?;
        let database = text(url.path().trim_start_matches('/'))?;
        if url.username().is_empty() || database.is_empty() {
            return Err(wrong("names no user or no database"));
        }
        let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (mut tls, mut trusted) = (if near { Tls::Off } else { Tls::SignedForHost }, None);
        for (key, value) in url.query_pairs() {
            match (&*key, &*value) {
                ("sslmode", "disable") => tls = Tls::Off,
                ("sslmode", "require") => tls = Tls::Unchecked,
                ("sslmode", "verify-ca") => tls = Tls::Signed,
                ("sslmode", "verify-full") => tls = Tls::SignedForHost,
                ("sslmode", _) => return Err(wrong("has an `sslmode` that is not disable, require, verify-ca or verify-full")),
                ("sslrootcert", file) => trusted = Some(file.to_string()),
                _ => return Err(wrong("has a setting that is neither `sslmode` nor `sslrootcert`")),
            }
        }
        Ok(Login {
            host,
            port: url.port().unwrap_or(connect.port),
            user: text(url.username())?,
            password: text(url.password().unwrap_or_default())?,
            database,
            tls,
            trusted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    const CONNECT: Connect = Connect {
        dialect: Dialect::Postgres,
        scheme: "postgres",
        other_scheme: "postgresql",
        port: 5432,
        open: |_, _| async { Err(Trouble::new(Fault::Settings, "", "")) }.boxed(),
    };

    #[test]
    fn an_address_is_taken_apart() {
        let login = Login::read("postgres://reader:p%40ss%2Fword@pos.example:5433/till", &CONNECT).expect("a good address");
        assert_eq!((login.host.as_str(), login.port, login.password.as_str()), ("pos.example", 5433, "p@ss/word"));
        assert_eq!((login.user.as_str(), login.database.as_str(), login.tls), ("reader", "till", Tls::SignedForHost));
        let tls = |address| Login::read(address, &CONNECT).map(|login| login.tls).ok();
        assert_eq!(tls("postgresql://r:p@127.0.0.1/till"), Some(Tls::Off));
        assert_eq!(tls("postgres://r:p@[::1]:5433/till"), Some(Tls::Off));
        assert_eq!(tls("postgres://r:p@127.0.0.1/till?sslmode=verify-ca"), Some(Tls::Signed));
        assert_eq!(tls("postgres://r:p@pos.example/till?sslmode=disable"), Some(Tls::Off));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_without_it() {
        for address in [
            "canary",
            "mysql://canary:canary@canary/canary",
            "postgres://canary:canary@canary:canary/canary",
            "postgres://canary:canary@canary",
            "postgres://:canary@canary/canary",
            "postgres://canary:canary@canary/canary?sslmode=canary",
            "postgres://canary:canary@canary/canary?canary=canary",
        ] {
            let trouble = Login::read(address, &CONNECT).err().expect(address);
            assert!(!trouble.what.contains("canary") && trouble.fault == Fault::Settings, "{}", trouble.what);
        }
    }
}
