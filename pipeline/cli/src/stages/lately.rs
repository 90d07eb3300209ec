//! What landed of a feed lately, where its contract holds rows to it. In: the landed table. Out: the values that new rows
//! are held to. Never: rows of another feed, a table read for a contract that does not ask.

use super::transform::landed;
use crate::exit::Failure;
use crate::project::Project;
use chrono::NaiveDate;
use nongshi_domain::AsOf;
use nongshi_feeds::{Contract, HELD_DAYS, History};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The values that new rows of a feed are held to: those that landed before, and those that land in this run.
#[derive(Clone, Default)]
pub struct Lately(Arc<RwLock<History>>);

impl Lately {
    /// As the lake holds them.
    pub async fn of(project: &Project, contract: &Contract) -> Result<Lately, Failure> {
        let mut history = History::default();
        if contract.is_relative() {
            // every version counts, each from the day it was known: the table is asked, not its view of some day
            let (ctx, _) = landed(project, AsOf(NaiveDate::default())).await?;
            let (table, feed) = (contract.table.name, contract.feed.replace('\'', "''"));
            let columns = History::columns(contract).join(", ");
            let newest = format!("select max(day) from landed.{table} where feed = '{feed}'");
            let query =
                format!("select {columns} from landed.{table} where feed = '{feed}' and day > ({newest}) - interval '{HELD_DAYS} days'");
            for batch in ctx.sql(&query).await?.collect().await? {
                history.learn(contract, &batch)?;
            }
        }
        Ok(Lately(Arc::new(RwLock::new(history))))
    }

    /// To judge by; several sources are judged at the same time.
    pub fn values(&self) -> RwLockReadGuard<'_, History> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To learn what has landed.
    pub fn learn(&self) -> RwLockWriteGuard<'_, History> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
