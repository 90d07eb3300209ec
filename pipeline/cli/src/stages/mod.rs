//! The stages of a run, one file each. In: a project, a day. Out: tables, reports, gaps. Never: each other's insides:
//! they meet in tables.

pub mod forecast;
pub mod forecast_paths;
pub mod ingest;
pub mod keep;
pub mod last_issue;
pub mod lately;
pub mod names;
pub mod outlook;
pub mod plan;
pub mod record;
pub mod report;
pub mod report_base;
pub mod report_chain;
pub mod report_crops;
pub mod transform;

use crate::exit::Failure;
use crate::gap::Gap;
use crate::project::Project;
use crate::talk::Talk;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use nongshi_domain::AsOf;
use nongshi_lake::{Guard, Lake, LakeError, Layer, Scope, TableId};

/// What every stage is given.
pub struct Step<'a> {
    /// The project.
    pub project: &'a Project,
    /// The day to speak from.
    pub as_of: AsOf,
    /// The hold of the one writer.
    pub guard: &'a Guard,
    /// The way to speak to people.
    pub talk: &'a Talk,
    /// The time now, for the lease.
    pub now: fn() -> DateTime<Utc>,
}

/// What a stage did.
#[derive(Debug, Default)]
pub struct Done {
    /// One sentence for people.
    pub said: String,
    /// Whether a table or a report changed.
    pub changed: bool,
    /// What could not be done.
    pub gaps: Vec<Gap>,
}

impl Step<'_> {
    /// The lake.
    pub fn lake(&self) -> &Lake {
        &self.project.lake
    }

    /// Called before each commit: the hold must still be ours, and is moved on.
    pub async fn fence(&self) -> Result<(), LakeError> {
        self.guard.hold(self.lake(), (self.now)()).await
    }

    /// Publishes the rows of this day into a model table; tells whether something changed.
    pub async fn publish(&self, table: &str, rows: RecordBatch, fingerprint: &str) -> Result<bool, Failure> {
        let id = TableId::new(Layer::Model, table);
        let published =
            self.lake().publish(&id, Scope::AsOf(self.as_of.0), rows.schema(), vec![rows], fingerprint, || self.fence()).await?;
        Ok(published.changed)
    }

    /// Whether all tables were last made from this fingerprint.
    pub async fn made_already(&self, tables: &[&str], fingerprint: &str) -> Result<bool, Failure> {
        for table in tables {
            let made = self.lake().made_from(&TableId::new(Layer::Model, *table), Scope::AsOf(self.as_of.0)).await?;
            if made.as_deref() != Some(fingerprint) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
