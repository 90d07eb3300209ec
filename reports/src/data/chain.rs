//! The data of the chain overview. In: outlooks by category, scores, counts of batches. Out: the same, plain.

use super::{Gap, Head, Review, ScoreRow, SeriesOutlook};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The chain overview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainReport {
    /// Chain, day, models, markets, freshness.
    pub head: Head,
    /// What this issue cannot say.
    pub gaps: Vec<Gap>,
    /// One a category, in the order of the settings.
    pub categories: Vec<CategoryOutlook>,
    /// The last issue's forecasts against what came; none for a first issue.
    pub review: Option<Review>,
    /// How good the forecasts were in the backtest.
    pub scores: Vec<ScoreRow>,
    /// Batches received since the last issue, by feed.
    pub feeds: Vec<FeedCount>,
    /// Rejected rows by rule.
    pub rejected: Vec<RejectedRule>,
    /// Names of shops and markets that cannot be used yet.
    pub unmapped: Vec<UnmappedName>,
}

/// One category's outlook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryOutlook {
    /// Category, as in settings.
    pub category: String,
    /// The price of its main series.
    pub price: Option<SeriesOutlook>,
    /// Its demand.
    pub demand: Option<SeriesOutlook>,
}

/// Batches of one feed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedCount {
    /// The feed.
    pub feed: String,
    /// Batches.
    pub batches: u64,
    /// Rows received, counted from the raw bytes.
    pub received: u64,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// The last day told of.
    pub last_day: Option<NaiveDate>,
}

/// Rows one rule refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectedRule {
    /// The feed.
    pub feed: String,
    /// The rule, such as `required`, `number`, `range`, `duplicate`.
    pub rule: String,
    /// Rows.
    pub rows: u64,
}

/// A name that cannot be used yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnmappedName {
    /// Where it is a name: `product` in the shops, `commodity` on a market.
    pub kind: String,
    /// The name as it came.
    pub name: String,
    /// Why it is not used, in the words of the table `unmapped_names`.
    pub why: String,
    /// Rows that carry it.
    pub rows: u64,
}
