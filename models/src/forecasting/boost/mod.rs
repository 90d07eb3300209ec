//! Gradient-boosted trees on histograms (Friedman, Greedy function approximation: a gradient boosting machine, Annals of
//! Statistics 29, 2001; histograms and leaf-wise growth after Ke and others, LightGBM, NIPS 2017).
//! In: columns of numbers (NaN: missing), targets, weights. Out: a `Booster`.
//! Never: a clock, unseeded randomness, bytes that depend on the number of threads.
//!
//! The way: `bins` turns every cell into one of 255 codes, once for many fits · `loss` says where the scores should move ·
//! `histogram` sums those wishes by code · `split` reads the best cut off a histogram · `grow` cuts the leaf that gains
//! most, again and again · `tree` keeps the cuts · `fit` adds tree to tree and stops when held-out rows gain no more ·
//! `booster` predicts. Wishes are whole numbers (`histogram`), so sums do not depend on their order, and a histogram got
//! by subtraction is the one that would have been built.
//!
//! A categorical column may be passed as small integers: they are treated as numbers, so let their order mean something
//! (a mean target, a size), or spend a column on each of the few that matter.

mod bins;
mod booster;
mod fit;
mod grow;
mod histogram;
mod loss;
mod split;
#[cfg(test)]
mod tests;
mod tree;

pub use bins::{Binned, MOST_BINS};
pub use booster::Booster;
pub use fit::{Lesson, fit};
pub use loss::Loss;

/// Rows at most: what whole-number sums are wide enough for (`histogram`).
const MOST_ROWS: usize = 1 << 23;
/// Leaves at most.
const MOST_LEAVES: u32 = 1024;

/// How the prediction may move with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Never up when the column goes up (demand and its own price).
    Falling,
    /// As it likes.
    Free,
    /// Never down when the column goes up.
    Rising,
}

/// How a booster is grown. The start is LightGBM's defaults at half its learning rate.
#[derive(Debug, Clone, PartialEq)]
pub struct BoostSettings {
    /// What is made small.
    pub loss: Loss,
    /// Trees at most.
    pub rounds: u32,
    /// Trees in a row without a smaller loss on the held-out rows before growing stops and those trees are dropped.
    /// Nothing held out: all rounds are grown.
    pub patience: u32,
    /// Share of each tree's step that is taken, above 0, at most 1.
    pub rate: f64,
    /// Leaves of a tree at most.
    pub leaves: u32,
    /// Rows of a leaf at least.
    pub leaf_rows: u32,
    /// Added to the curvature of each leaf: draws small leaves to zero (L2).
    pub ridge: f64,
    /// Share of rows each tree is grown from.
    pub row_share: f64,
    /// Share of columns each tree may cut.
    pub column_share: f64,
    /// One a column, or none at all.
    pub directions: Vec<Direction>,
    /// Threads at most; the booster is the same for any number.
    pub threads: usize,
}

impl BoostSettings {
    /// Where a loss starts from.
    pub fn for_loss(loss: Loss) -> BoostSettings {
        BoostSettings {
            loss,
            rounds: 300,
            patience: 30,
            rate: 0.05,
            leaves: 31,
            leaf_rows: 20,
            ridge: 0.0,
            row_share: 1.0,
            column_share: 1.0,
            directions: Vec::new(),
            threads: 1,
        }
    }

    /// Refuses what cannot be grown by.
    fn check(&self, columns: usize) -> Result<(), BoostError> {
        let refuse = |setting, value: f64, allowed| Err(BoostError::Setting { setting, value, allowed });
        let is_share = |share: f64| share > 0.0 && share <= 1.0;
        match self.loss {
            Loss::Quantile(level) if !(level > 0.0 && level < 1.0) => return refuse("quantile level", level, "between 0 and 1"),
            Loss::Tweedie(power) if !(power > 1.0 && power < 2.0) => return refuse("Tweedie power", power, "between 1 and 2"),
            _ => {}
        }
        if !is_share(self.rate) {
            return refuse("rate", self.rate, "above 0, at most 1");
        }
        if !(2..=MOST_LEAVES).contains(&self.leaves) {
            return refuse("leaves", f64::from(self.leaves), "2 to 1024");
        }
        if self.leaf_rows == 0 {
            return refuse("leaf_rows", 0.0, "1 or more");
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return refuse("ridge", self.ridge, "0 or more");
        }
        for (setting, share) in [("row_share", self.row_share), ("column_share", self.column_share)] {
            if !is_share(share) {
                return refuse(setting, share, "above 0, at most 1");
            }
        }
        if self.threads == 0 {
            return refuse("threads", 0.0, "1 or more");
        }
        if !self.directions.is_empty() {
            same_length("directions", self.directions.len(), columns)?;
        }
        Ok(())
    }
}

/// Why nothing is learnt or predicted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BoostError {
    /// An infinite cell.
    #[error("row {row} of column {column} is infinite; leave it missing (NaN)")]
    Infinite {
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
    },
    /// Two lengths differ that belong together.
    #[error("{what} has {found} entries, {expected} belong there")]
    Length {
        /// What is too short or too long.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it needs.
        expected: usize,
    },
    /// More rows than sums are wide enough for.
    #[error("{0} rows are more than the 8388608 that can be summed; thin them")]
    ManyRows(usize),
    /// Nothing to learn from.
    #[error("no rows to learn from")]
    NoRows,
    /// A held-out row that is not there, or not in rising order.
    #[error("held-out row {0} is not one of the rows, or stands out of order")]
    HeldOut(u32),
    /// A setting out of its range.
    #[error("{setting} is {value}, it must be {allowed}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// A target that the loss has no place for.
    #[error("the target of row {row} is {value}, {allowed}")]
    Target {
        /// Its row, from 0.
        row: usize,
        /// The target.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// A weight that is no weight.
    #[error("the weight of row {row} is {value}, it must be 0 or more")]
    Weight {
        /// Its row, from 0.
        row: usize,
        /// The weight.
        value: f64,
    },
}

fn same_length(what: &'static str, found: usize, expected: usize) -> Result<(), BoostError> {
    if found == expected { Ok(()) } else { Err(BoostError::Length { what, found, expected }) }
}
