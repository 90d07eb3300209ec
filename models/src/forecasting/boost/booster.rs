//! A grown booster. In: rows of the columns it was grown on. Out: predictions, and which columns mattered.
//! Never: a prediction from a row of another width.

use super::loss::Loss;
use super::tree::Tree;
use super::{BoostError, same_length};
use serde::{Deserialize, Serialize};

/// Rows predicted together, so that their cells stay near.
const CHUNK_ROWS: usize = 1024;

/// Trees whose sum is a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Booster {
    pub(super) loss: Loss,
    /// The score before any tree.
    pub(super) start: f32,
    pub(super) trees: Vec<Tree>,
    /// By column.
    pub(super) gains: Vec<f32>,
}

impl Booster {
    /// The prediction for one row.
    pub fn predict_row(&self, row: &[f32]) -> Result<f64, BoostError> {
        same_length("the row", row.len(), self.gains.len())?;
        let score = self.trees.iter().fold(f64::from(self.start), |score, tree| score + tree.at(|column| row[column]));
        Ok(self.loss.prediction(score))
    }

    /// The predictions for many rows, given by column.
    pub fn predict(&self, columns: &[&[f32]]) -> Result<Vec<f64>, BoostError> {
        same_length("a row", columns.len(), self.gains.len())?;
        let rows = columns.first().map_or(0, |column| column.len());
        for column in columns {
            same_length("a column", column.len(), rows)?;
        }
        let mut scores = vec![f64::from(self.start); rows];
        for (chunk, scores) in scores.chunks_mut(CHUNK_ROWS).enumerate() {
            let first = chunk * CHUNK_ROWS;
            for tree in &self.trees {
                for (row, score) in scores.iter_mut().enumerate() {
                    *score += tree.at(|column| columns[column][first + row]);
                }
            }
        }
        scores.iter_mut().for_each(|score| *score = self.loss.prediction(*score));
        Ok(scores)
    }

    /// By column, the share of all gains that its cuts made; all zero when nothing was cut.
    pub fn importance(&self) -> Vec<f64> {
        let sum: f64 = self.gains.iter().copied().map(f64::from).sum();
        self.gains.iter().map(|gain| if sum > 0.0 { f64::from(*gain) / sum } else { 0.0 }).collect()
    }

    /// How many trees it has.
    pub fn rounds(&self) -> usize {
        self.trees.len()
    }
}
