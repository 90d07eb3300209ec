//! Sums of squares and products of a growing design, and the elastic net fitted from them.
//! In: rows with their target. Out: an intercept and one weight a column. Never: keeps a row.
//!
//! The elastic net's loss depends on the rows only through their means and products. So the rows of all series are
//! added once, in the order of time, and a refit at the next origin costs no second pass: the correlations R of the
//! standardised columns are split into L L' (Cholesky), and linfa is given the triangle L' as its design, which has
//! the same R. That also steps around what linfa 0.8 leaves to its caller: it centres the target but not the columns
//! (so both are centred and scaled here), it inverts X'X in every fit of more rows than columns (the triangle has as
//! many rows as columns), and its multi-task `default_target` allocates n x n (single-task fits, weights applied here).

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use ndarray::{Array1, Array2, ShapeBuilder};

/// A column whose variance is below this share of its mean square does not vary.
const FLAT: f64 = 1e-10;
/// Added to the diagonal of the correlations, so that equal columns can be split.
const JITTER: f64 = 1e-7;
/// Coordinate descent stops at this relative change and duality gap.
const TOLERANCE: f64 = 1e-4;
/// Sweeps over the columns at most: a limit of work, not of time.
const SWEEPS: u32 = 500;

/// How hard weights are drawn to zero, on standardised columns and target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    /// Strength: `1/2n |y - Xw|^2 + strength (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|_2^2)`.
    pub strength: f64,
    /// The share of the absolute part.
    pub l1_ratio: f64,
}

/// A fitted line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    intercept: f64,
    weights: Vec<f64>,
}

impl Line {
    /// The value of the line at a row.
    pub fn at(&self, row: &[f64]) -> f64 {
        self.intercept + self.weights.iter().zip(row).map(|(weight, cell)| weight * cell).sum::<f64>()
    }
}

/// Sums over rows `[1, columns, target]`.
#[derive(Clone)]
pub(super) struct Moments {
    columns: usize,
    /// Upper triangle of the products, full square storage, row by row.
    products: Vec<f64>,
}

impl Moments {
    /// No rows yet.
    pub fn new(columns: usize) -> Moments {
        let side = columns + 2;
        Moments { columns, products: vec![0.0; side * side] }
    }

    /// Adds one row with its weight: a leading 1, the columns, the target.
    pub fn add(&mut self, row: &[f64], weight: f64) {
        let side = self.columns + 2;
        debug_assert_eq!(row.len(), side);
        for (i, &left) in row.iter().enumerate() {
            let products = &mut self.products[i * side + i..(i + 1) * side];
            let left = weight * left;
            for (product, &right) in products.iter_mut().zip(&row[i..]) {
                *product += left * right;
            }
        }
    }

    /// The sum of the weights: how many whole rows were added.
    pub fn rows(&self) -> usize {
        self.products[0] as usize
    }

    fn covariance(&self, i: usize, j: usize) -> f64 {
        let side = self.columns + 2;
        let rows = self.products[0];
        (self.products[i * side + j] - self.products[i] * self.products[j] / rows) / rows
    }

    fn deviation(&self, i: usize) -> Option<f64> {
        let side = self.columns + 2;
        let variance = self.covariance(i, i);
        (variance > FLAT * (self.products[i * side + i] / self.products[0]).max(FLAT)).then(|| variance.sqrt())
    }

    /// The elastic net of the rows so far; None with fewer than `rows_per_column` rows for each column that varies,
    /// or when the target does not vary.
    pub fn fit(&self, penalty: Penalty, rows_per_column: usize) -> Option<Line> {
        let target = self.columns + 1;
        let target_deviation = self.deviation(target)?;
        let kept: Vec<(usize, f64)> = (1..=self.columns).filter_map(|i| self.deviation(i).map(|deviation| (i, deviation))).collect();
        if kept.is_empty() || self.rows() < rows_per_column * kept.len() {
            return None;
        }
        let count = kept.len();
        let mut correlations = vec![0.0; count * count];
        let mut with_target = vec![0.0; count];
        for (a, &(i, deviation_i)) in kept.iter().enumerate() {
            for (b, &(j, deviation_j)) in kept.iter().enumerate().skip(a) {
                let value = self.covariance(i, j) / (deviation_i * deviation_j);
                correlations[a * count + b] = value;
                correlations[b * count + a] = value;
            }
            correlations[a * count + a] += JITTER;
            with_target[a] = self.covariance(i, target) / (deviation_i * target_deviation);
        }
        let standardised = solve(&correlations, &with_target, penalty)?;
        let mut weights = vec![0.0; self.columns];
        let mut intercept = self.products[target] / self.products[0];
        for (&(i, deviation), weight) in kept.iter().zip(standardised) {
            weights[i - 1] = weight * target_deviation / deviation;
            intercept -= weights[i - 1] * self.products[i] / self.products[0];
        }
        Some(Line { intercept, weights })
    }
}

/// Weights on standardised columns: linfa's coordinate descent on the triangle of the correlations.
fn solve(correlations: &[f64], with_target: &[f64], penalty: Penalty) -> Option<Vec<f64>> {
    let count = with_target.len();
    let lower = cholesky(correlations, count)?;
    // L u = R_xy, so that the triangle and u have the correlations of the rows.
    let mut rotated = vec![0.0; count];
    for i in 0..count {
        let known: f64 = (0..i).map(|k| lower[i * count + k] * rotated[k]).sum();
        rotated[i] = (with_target[i] - known) / lower[i * count + i];
    }
    let scale = (count as f64).sqrt();
    let design = Array2::from_shape_fn((count, count).f(), |(row, column)| scale * lower[column * count + row]);
    let targets = Array1::from_shape_fn(count, |row| scale * rotated[row]);
    let params = ElasticNet::params()
        .penalty(penalty.strength)
        .l1_ratio(penalty.l1_ratio)
        .with_intercept(false)
        .tolerance(TOLERANCE)
        .max_iterations(SWEEPS);
    let fitted = params.fit(&Dataset::new(design, targets)).ok()?;
    let weights = fitted.hyperplane().to_vec();
    weights.iter().all(|weight| weight.is_finite()).then_some(weights)
}

/// The lower triangle L of a symmetric positive matrix L L'.
pub(super) fn cholesky(matrix: &[f64], count: usize) -> Option<Vec<f64>> {
    let mut lower = vec![0.0; count * count];
    for i in 0..count {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i * count + k] * lower[j * count + k]).sum();
            let rest = matrix[i * count + j] - known;
            if i == j {
                if rest <= 0.0 {
                    return None;
                }
                lower[i * count + i] = rest.sqrt();
            } else {
                lower[i * count + j] = rest / lower[j * count + j];
            }
        }
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nongshi_domain::Seed;

    fn fitted(rows: &[(Vec<f64>, f64)], penalty: Penalty) -> Line {
        let mut moments = Moments::new(rows[0].0.len());
        for (columns, target) in rows {
            let row: Vec<f64> = [1.0].into_iter().chain(columns.iter().copied()).chain([*target]).collect();
            moments.add(&row, 1.0);
        }
        moments.fit(penalty, 1).expect("a line")
    }

    #[test]
    fn columns_are_centred_and_scaled_where_linfa_would_not() {
        // knowledge/forecasting.md section 4, bug 1: y = 5 + 2x exactly, x in [10, 11].
        let xs: Vec<f64> = (0..=100).map(|i| 10.0 + f64::from(i) / 100.0).collect();
        let rows: Vec<(Vec<f64>, f64)> = xs.iter().map(|x| (vec![*x], 5.0 + 2.0 * x)).collect();
        let line = fitted(&rows, Penalty { strength: 1e-6, l1_ratio: 0.5 });
        assert!((line.weights[0] - 2.0).abs() < 1e-3 && (line.intercept - 5.0).abs() < 1e-2, "{line:?}");
        // Handed the bare column, linfa itself is far off; when this fails, linfa has been mended.
        let bare = Array2::from_shape_fn((101, 1).f(), |(i, _)| xs[i]);
        let raw = ElasticNet::params().penalty(1e-6).fit(&Dataset::new(bare, xs.iter().map(|x| 5.0 + 2.0 * x).collect())).expect("a fit");
        assert!((raw.hyperplane()[0] - 2.0).abs() > 1.0, "slope {}", raw.hyperplane()[0]);
    }

    #[test]
    fn the_triangle_gives_the_weights_of_all_rows() {
        let mut seed = Seed(11);
        let count = 400;
        let mut design = Array2::zeros((count, 4).f());
        let mut targets = Array1::zeros(count);
        for i in 0..count {
            let common = seed.normal();
            for j in 0..4 {
                design[[i, j]] = 3.0 + common + seed.normal();
            }
            targets[i] = 0.7 * design[[i, 0]] - 0.4 * design[[i, 2]] + seed.normal();
        }
        let rows: Vec<(Vec<f64>, f64)> = (0..count).map(|i| (design.row(i).to_vec(), targets[i])).collect();
        let penalty = Penalty { strength: 0.1, l1_ratio: 0.5 };
        let line = fitted(&rows, penalty);
        // linfa on all rows, standardised by hand.
        let mut scaled = design.clone();
        let mut deviations = Vec::new();
        for mut column in scaled.columns_mut() {
            let mean = column.sum() / count as f64;
            column.mapv_inplace(|cell| cell - mean);
            let deviation = (column.dot(&column) / count as f64).sqrt();
            column.mapv_inplace(|cell| cell / deviation);
            deviations.push(deviation);
        }
        let mean = targets.sum() / count as f64;
        let deviation = (targets.mapv(|y| (y - mean) * (y - mean)).sum() / count as f64).sqrt();
        let whole = ElasticNet::params()
            .penalty(penalty.strength)
            .l1_ratio(penalty.l1_ratio)
            .tolerance(1e-9)
            .fit(&Dataset::new(scaled, targets.mapv(|y| (y - mean) / deviation)))
            .expect("a fit");
        for (j, column_deviation) in deviations.iter().enumerate() {
            let expect = whole.hyperplane()[j] * deviation / column_deviation;
            // both descents stop early, at 1e-4 and 1e-9
            assert!((line.weights[j] - expect).abs() < 1e-3, "{j}: {} for {expect}", line.weights[j]);
        }
        assert_eq!(line.weights[1], 0.0, "a column that says nothing is left out");
    }

    #[test]
    fn a_flat_column_and_twins_do_no_harm() {
        let rows: Vec<(Vec<f64>, f64)> = (0..60).map(|i| (vec![7.0, f64::from(i % 9), f64::from(i % 9)], 3.0 * f64::from(i % 9))).collect();
        let line = fitted(&rows, Penalty { strength: 1e-4, l1_ratio: 0.5 });
        assert_eq!(line.weights[0], 0.0);
        assert!((line.at(&[7.0, 4.0, 4.0]) - 12.0).abs() < 0.05, "{line:?}");
    }

    #[test]
    fn too_few_rows_are_refused() {
        let mut moments = Moments::new(2);
        for i in 0..5 {
            moments.add(&[1.0, f64::from(i), f64::from(i * i), f64::from(i)], 1.0);
        }
        let penalty = Penalty { strength: 0.01, l1_ratio: 0.5 };
        assert!(moments.fit(penalty, 3).is_none());
        assert!(moments.fit(penalty, 2).is_some());
    }
}
