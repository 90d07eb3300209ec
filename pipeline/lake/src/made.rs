//! What a made table was last made of. In: its log. Out: digests of what it says and of what it read.
//! Never: the whole log read where its last lines tell.
//!
//! A table that was computed and says the same gets no new version; that its sources are read further is kept beside it,
//! in `marks/LAYER/NAME.json`, for that version only. Lost, it costs a computation.

use crate::delta::Note;
use crate::error::LakeError;
use crate::log;
use crate::publish::Scope;
use crate::store::{Lake, TableId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a table, or its part of one as-of day, was last made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOf {
    /// Digest of its rows.
    pub content: String,
    /// The fingerprint its maker gave.
    pub fingerprint: String,
    /// What each of its parts says, where it has parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Part>,
    /// What it read, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, Mark>,
}

/// What one part of a table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Digest of its rows.
    pub content: String,
    /// Its rows.
    pub rows: u64,
}

/// How far a source had been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mark {
    /// A landed table: so many batches, as known on the day.
    Landed {
        /// Batches that had landed.
        batches: u64,
        /// The id of the last of them.
        last: Option<String>,
        /// The day.
        as_of: NaiveDate,
    },
    /// A landed table whose rows have no day of their own: what its view said.
    View {
        /// Batches that had landed.
        batches: u64,
        /// The id of the last of them.
        last: Option<String>,
        /// The day.
        as_of: NaiveDate,
        /// Digest of the view.
        content: String,
    },
    /// A made table: what it said.
    Made {
        /// Digest of its rows.
        content: String,
        /// What each of its parts said.
        parts: BTreeMap<String, Part>,
    },
    /// Any other table.
    Version {
        /// Its version.
        version: u64,
    },
}

/// How far the sources of a version are read, when that was found out later than its commit.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    version: u64,
    fingerprint: String,
    sources: BTreeMap<String, Mark>,
}

impl Lake {
    /// Keeps that the table's version says what these sources say.
    pub(crate) async fn remember(
        &self,
        id: &TableId,
        version: u64,
        fingerprint: &str,
        sources: BTreeMap<String, Mark>,
    ) -> Result<(), LakeError> {
        self.set_mark(&id.to_string(), &Remembered { version, fingerprint: fingerprint.to_string(), sources }).await
    }

    /// What the scope was last made of; nothing when it was never made.
    pub async fn made_of(&self, id: &TableId, scope: Scope) -> Result<Option<MadeOf>, LakeError> {
        let Some(table) = self.table(id).await? else { return Ok(None) };
        let (log, day) = (table.log_store(), scope.day());
        // backwards, and past what a restore went back behind
        let mut version = table.version();
        while let Some(at) = version {
            let Some(commit) = log::read(log.clone(), at, at).await?.pop() else { break };
            version = match commit.note {
                Some(Note::Made { as_of, made }) if as_of == day => {
                    let remembered = if scope == Scope::Whole { self.mark::<Remembered>(&id.to_string()).await? } else { None };
                    return Ok(Some(match remembered.filter(|remembered| Some(remembered.version) == table.version()) {
                        Some(Remembered { fingerprint, sources, .. }) => MadeOf { fingerprint, sources, ..made },
                        None => made,
                    }));
                }
                Some(Note::Restored { to }) if to < at => Some(to),
                _ => at.checked_sub(1),
            };
        }
        Ok(None)
    }
}
