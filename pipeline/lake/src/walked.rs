//! Which days a backfill has walked to their end, from what, and how they ended. In: what the backfill saw. Out: the same.
//! Never: the only word on a day: lost, it costs the walk once more.

use crate::error::LakeError;
use crate::store::Lake;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A day that was walked to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkedDay {
    /// Digest of everything it was made from.
    pub made_from: String,
    /// Digest of everything that was made.
    pub made: String,
    /// What could not be done.
    pub gaps: Vec<WalkedGap>,
}

/// One thing that could not be done on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkedGap {
    /// Of what something is missing, and what.
    pub of: String,
    /// Why.
    pub reason: String,
    /// The exit code it leads to by itself.
    pub code: u8,
}

impl Lake {
    /// How the day was walked last, if it was.
    pub async fn walked_day(&self, day: NaiveDate) -> Result<Option<WalkedDay>, LakeError> {
        self.mark(&mark_of(day)).await
    }

    /// Keeps it for the next backfill.
    pub async fn remember_walked_day(&self, day: NaiveDate, walked: &WalkedDay) -> Result<(), LakeError> {
        self.set_mark(&mark_of(day), walked).await
    }
}

fn mark_of(day: NaiveDate) -> String {
    format!("days/{day}")
}
