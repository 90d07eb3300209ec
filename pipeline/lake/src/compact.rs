//! The same rows in fewer files. In: a table. Out: a version that says the same. Never: another row, a deletion vector, a
//! full vacuum.
//!
//! Every row is read before and after; unless both say the same, the table goes back to where it stood.

use crate::delta::{self, Note};
use crate::error::LakeError;
use crate::store::{Lake, TableId};
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};
use deltalake::operations::vacuum::VacuumMode;
use futures::TryStreamExt;
use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// Files of this size are left alone.
pub const TARGET_BYTES: NonZeroU64 = NonZeroU64::new(128 << 20).expect("not zero");
/// Files that no version of the last days needs may be deleted, never younger ones.
pub const LEAST_DAYS_KEPT: u32 = 7;

/// What compacting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Files before.
    pub files_before: usize,
    /// Files now.
    pub files_now: usize,
    /// Rows, the same before and now.
    pub rows: u64,
}

impl Lake {
    /// Joins small files into large ones. `fence` is called right before the commit.
    pub async fn compact(&self, id: &TableId, fence: impl AsyncFn() -> Result<(), LakeError>) -> Result<Option<Compacted>, LakeError> {
        let Some(before) = self.pin(id).await? else { return Ok(None) };
        let said = self.said(id).await?;
        let Some(table) = self.table(id).await? else { return Ok(None) };
        fence().await?;
        let (table, _) = table
            .optimize()
            .with_target_size(TARGET_BYTES)
            .with_writer_properties(delta::written())
            .with_commit_properties(delta::properties(&Note::Compacted, None)?)
            .await?;
        if table.version() != Some(before.version) {
            delta::read_back(&table, id, &Note::Compacted).await?;
        }
        let says = self.said(id).await?;
        if says != said {
            self.restore(id, before.version, &fence).await?;
            return Err(LakeError::NotTheSame { table: id.to_string(), version: before.version, before: said.rows, after: says.rows });
        }
        let files_now = self.pin(id).await?.map_or(0, |pin| pin.files.len());
        Ok(Some(Compacted { files_before: before.files.len(), files_now, rows: said.rows }))
    }

    /// Deletes files that the log says no version has needed for so many days. Older versions can then no longer be
    /// restored. Returns how many were deleted.
    pub async fn forget(&self, id: &TableId, days: u32, fence: impl AsyncFn() -> Result<(), LakeError>) -> Result<usize, LakeError> {
        if days < LEAST_DAYS_KEPT {
            return Err(LakeError::TooYoung { days, least: LEAST_DAYS_KEPT });
        }
        let Some(table) = self.table(id).await? else { return Ok(0) };
        let vacuum = || {
            let kept = chrono::Duration::days(i64::from(days));
            table.clone().vacuum().with_mode(VacuumMode::Lite).with_retention_period(kept)
        };
        // the log goes on naming files that were deleted long ago
        let named: BTreeSet<String> = vacuum().with_dry_run(true).await?.1.files_deleted.into_iter().collect();
        let mut there = 0;
        let store = table.log_store().object_store(None);
        let mut files = store.list(None);
        while let Some(file) = files.try_next().await? {
            there += usize::from(named.contains(file.location.as_ref()));
        }
        if there > 0 {
            fence().await?;
            vacuum().await?;
        }
        Ok(there)
    }

    async fn said(&self, id: &TableId) -> Result<Said, LakeError> {
        let mut said = Said::default();
        let Some(pin) = self.pin(id).await? else { return Ok(said) };
        let mut rows = self.scan(pin).await?;
        let seeds = [QualityRandomState::with_seed(1), QualityRandomState::with_seed(2)];
        while let Some(batch) = rows.try_next().await? {
            said.rows += batch.num_rows() as u64;
            for (sum, seed) in said.sums.iter_mut().zip(&seeds) {
                let mut hashes = vec![0; batch.num_rows()];
                create_hashes(batch.columns(), seed, &mut hashes)?;
                *sum = hashes.iter().fold(*sum, |sum, hash| sum.wrapping_add(*hash));
            }
        }
        Ok(said)
    }
}

/// What a table says, whatever the order of its rows and files.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    rows: u64,
    sums: [u64; 2],
}
