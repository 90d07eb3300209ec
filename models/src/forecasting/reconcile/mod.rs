//! Coherent forecasts: products add up to categories, categories to shops, shops to the chain.
//! In: a hierarchy, what each of its nodes is forecast to be by itself, and its past errors. Out: forecasts of all
//! nodes that add up, none below zero. Never: a matrix of nodes by nodes; a result that depends on the number of threads.
//!
//! Source: Wickramasuriya, Athanasopoulos and Hyndman, Optimal forecast reconciliation through trace minimization, JASA
//! 114, 2019 (MinT): of all forecasts y = S b that add up, the one nearest to the base forecasts ŷ by the inverse
//! covariance of their errors, (y - ŷ)' W⁻¹ (y - ŷ). Under b ≥ 0: Wickramasuriya, Turlach and Hyndman, Optimal
//! non-negative forecast reconciliation, Statistics and Computing 30, 2020.
//!
//! The way: `hierarchy` sums and spreads · `covariance` is a diagonal and a few factors, `choice` asks whether
//! correlations have served · `projection` eliminates on all
//! series once and solves by conjugate gradients after that · `nonnegative` finds the series that stay at zero ·
//! `quantiles` carries odds along, or orders sample paths so that they can be reconciled themselves.

mod choice;
mod covariance;
mod hierarchy;
mod nonnegative;
mod projection;
mod quantiles;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use hierarchy::{Hierarchy, Level};
pub use quantiles::{carry, quantiles, reorder};

use super::threads::each;
use covariance::Covariance;
use projection::Projection;

/// What cannot be reconciled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileError {
    /// Nothing at the bottom.
    #[error("a hierarchy needs a series at its bottom")]
    NoSeries,
    /// A level does not say where each bottom series belongs.
    #[error("level `{level}` places {placed} series, the bottom has {bottoms}")]
    Unplaced {
        /// The level.
        level: String,
        /// Series it places.
        placed: usize,
        /// Series there are.
        bottoms: usize,
    },
    /// A node of a level that no bottom series belongs to.
    #[error("node {node} of level `{level}` has no series below it")]
    NoChildren {
        /// The level.
        level: String,
        /// Its node, from 0.
        node: usize,
    },
    /// Not a row for each node.
    #[error("{rows} rows of {what} for {nodes} nodes")]
    Rows {
        /// Forecasts, errors or paths.
        what: &'static str,
        /// Rows given.
        rows: usize,
        /// Rows wanted.
        nodes: usize,
    },
    /// Rows of unequal length.
    #[error("node {node} has {found} {what}, the first has {expected}")]
    Lengths {
        /// Forecasts, errors or paths.
        what: &'static str,
        /// The node.
        node: usize,
        /// Its values.
        found: usize,
        /// The first node's.
        expected: usize,
    },
    /// Paths take the order of looks, one each.
    #[error("{paths} sample paths for {looks} looks, they must be as many")]
    Paths {
        /// Paths given.
        paths: usize,
        /// Looks at past errors.
        looks: usize,
    },
    /// Not a number.
    #[error("{what} of node {node}, place {place}: not a finite number")]
    NotFinite {
        /// Forecasts, errors or paths.
        what: &'static str,
        /// The node.
        node: usize,
        /// Place in its row, from 0.
        place: usize,
    },
    /// The iteration ended without an answer that is exact enough.
    #[error("the reconciliation has not settled: variances of the errors lie too many orders of magnitude apart")]
    Unsettled,
}

/// A hierarchy with the covariance of its past errors, ready to reconcile any number of steps.
pub struct Reconciler {
    projection: Projection,
    shrinkage: Option<f64>,
}

impl Reconciler {
    /// Learns from past errors: a row a node, in the hierarchy's order, with an error for each look, the latest last.
    /// Variances alone are used where there are few looks, or where correlations have not served; with no look at all
    /// a node's variance is the number of its series.
    pub fn new(hierarchy: Hierarchy, errors: &[Vec<f64>], threads: usize) -> Result<Reconciler, ReconcileError> {
        even(errors, hierarchy.nodes(), "errors")?;
        let covariance = choice::covariance(&hierarchy, errors, threads)?;
        Reconciler::with(hierarchy, covariance, threads)
    }

    fn with(hierarchy: Hierarchy, covariance: Covariance, threads: usize) -> Result<Reconciler, ReconcileError> {
        let shrinkage = covariance.shrinkage;
        Ok(Reconciler { projection: Projection::new(hierarchy, covariance, threads)?, shrinkage })
    }

    /// The share of the correlations that was given up as noise; None where variances alone are used.
    pub fn shrinkage(&self) -> Option<f64> {
        self.shrinkage
    }

    /// The hierarchy.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.projection.hierarchy
    }

    /// Reconciles forecasts: a row a node, with a value for each step (or for each sample path of a step). The result
    /// has the same shape, adds up and holds nothing below zero. Steps do not depend on each other.
    pub fn reconcile(&self, base: &[Vec<f64>], threads: usize) -> Result<Vec<Vec<f64>>, ReconcileError> {
        let steps = even(base, self.hierarchy().nodes(), "forecasts")?;
        let said = each(steps, threads, |step| {
            let column: Vec<f64> = base.iter().map(|row| row[step]).collect();
            nonnegative::nearest(&self.projection, &column).ok_or(ReconcileError::Unsettled)
        });
        let columns = said.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok((0..base.len()).map(|node| columns.iter().map(|column| column[node]).collect()).collect())
    }
}

/// The common length of the rows, which are one for each node and hold nothing but numbers.
fn even(rows: &[Vec<f64>], nodes: usize, what: &'static str) -> Result<usize, ReconcileError> {
    if rows.len() != nodes {
        return Err(ReconcileError::Rows { what, rows: rows.len(), nodes });
    }
    let expected = rows.first().map_or(0, Vec::len);
    for (node, row) in rows.iter().enumerate() {
        if row.len() != expected {
            return Err(ReconcileError::Lengths { what, node, found: row.len(), expected });
        }
        if let Some(place) = row.iter().position(|value| !value.is_finite()) {
            return Err(ReconcileError::NotFinite { what, node, place });
        }
    }
    Ok(expected)
}
