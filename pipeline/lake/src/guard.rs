//! What keeps one writer at a time: the lease in the store, or an advisory lock in PostgreSQL where the store does not
//! keep two writers apart. In: a lease, or a database. Out: leave to commit. Never: a commit when the hold is lost; the
//! database's address in a message.
//!
//! The advisory lock belongs to a session: it is free when the session ends, whatever becomes of its process. A holder
//! that is only stopped keeps it. Between the question and the commit the session could still be lost: a store that keeps
//! writers apart is safer.

use crate::content::digest;
use crate::error::LakeError;
use crate::lease::{Holder, Lease};
use crate::store::Lake;
use chrono::{DateTime, TimeDelta, Utc};
use futures::lock::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use std::str::FromStr;

/// The hold of the one writer.
#[derive(Debug)]
pub enum Guard {
    /// A lease of this length in the store.
    Lease {
        /// The lease.
        lease: Lease,
        /// How long it lasts before it must be renewed.
        length: TimeDelta,
    },
    /// A lock in a database.
    Advisory(AdvisoryLock),
}

impl Guard {
    /// Called before each commit: refuses when the hold is lost, and moves a lease on.
    pub async fn hold(&self, lake: &Lake, now: DateTime<Utc>) -> Result<(), LakeError> {
        match self {
            Guard::Lease { lease, length } => lease.renew(lake, now, *length).await,
            Guard::Advisory(lock) => lock.check().await,
        }
    }

    /// Gives it back.
    pub async fn release(self, lake: &Lake) -> Result<(), LakeError> {
        match self {
            Guard::Lease { lease, .. } => lease.release(lake).await,
            Guard::Advisory(lock) => lock.release().await,
        }
    }
}

/// An advisory lock in PostgreSQL, held by a session.
pub struct AdvisoryLock {
    session: Mutex<PgConnection>,
    key: i64,
}

impl std::fmt::Debug for AdvisoryLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AdvisoryLock({})", self.key)
    }
}

/// Who holds the lock, as the server knows it.
const HOLDER: &str = "select a.application_name from pg_locks l join pg_stat_activity a on a.pid = l.pid \
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1 \
     and ((l.classid::bigint << 32) | l.objid::bigint) = $1 and l.database = (select oid from pg_database where datname = current_database())";
/// Whether this very session holds it.
const HELD: &str = "select count(*) from pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 1 \
     and ((l.classid::bigint << 32) | l.objid::bigint) = $1 and l.pid = pg_backend_pid()";
/// PostgreSQL cuts names that are longer.
const NAME_BYTES: usize = 63;

impl AdvisoryLock {
    /// Takes the lock of this lake in the database at the address, if nobody holds it.
    pub async fn take(lake: &Lake, address: &str, holder: &Holder) -> Result<AdvisoryLock, LakeError> {
        let options = PgConnectOptions::from_str(address)
            .map_err(|_| LakeError::Lock { what: "the address of the database is none".into(), source: None })?
            .application_name(&name(holder))
            .disable_statement_logging();
        let told =
            |error: sqlx::Error| LakeError::Lock { what: "the database of the lock does not answer".into(), source: Some(Box::new(error)) };
        let mut session = PgConnection::connect_with(&options).await.map_err(told)?;
        let key = key(lake);
        let taken: bool = sqlx::query("select pg_try_advisory_lock($1)")
            .bind(key)
            .fetch_one(&mut session)
            .await
            .map_err(told)?
            .try_get(0)
            .map_err(told)?;
        if !taken {
            let found = sqlx::query(HOLDER).bind(key).fetch_optional(&mut session).await.map_err(told)?;
            let holder = found.and_then(|row| row.try_get::<String, _>(0).ok()).unwrap_or_else(|| "a run that is about to end".into());
            return Err(LakeError::Held { holder, until: "it ends".into() });
        }
        Ok(AdvisoryLock { session: Mutex::new(session), key })
    }

    /// Refuses when the session has ended, or no longer holds the lock.
    pub async fn check(&self) -> Result<(), LakeError> {
        let mut session = self.session.lock().await;
        let held = sqlx::query(HELD).bind(self.key).fetch_one(&mut *session).await.and_then(|row| row.try_get::<i64, _>(0));
        match held {
            Ok(1) => Ok(()),
            _ => Err(LakeError::LockLost),
        }
    }

    /// Gives the lock back.
    pub async fn release(self) -> Result<(), LakeError> {
        let told =
            |error: sqlx::Error| LakeError::Lock { what: "the database of the lock does not answer".into(), source: Some(Box::new(error)) };
        self.session.into_inner().close().await.map_err(told)
    }
}

/// One key a lake.
fn key(lake: &Lake) -> i64 {
    let digest = digest([lake.url().as_str().as_bytes()]);
    let number = u64::from_str_radix(&digest[..16], 16).unwrap_or_default();
    // classid and objid are the halves of a positive number: no sign to lose between them
    (number >> 1) as i64
}

fn name(holder: &Holder) -> String {
    let full = format!("nongshi {holder}");
    let end = full.char_indices().map(|(place, letter)| place + letter.len_utf8()).take_while(|end| *end <= NAME_BYTES).last();
    full[..end.unwrap_or_default()].to_string()
}
