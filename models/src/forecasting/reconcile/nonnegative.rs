//! Which bottom series stay at zero. In: base forecasts of one step. Out: all nodes, adding up, none below zero.
//! Never: a zero that a higher value would bring nearer.
//!
//! Block principal pivoting: Portugal, Júdice and Vicente, A comparison of block pivoting and interior-point algorithms
//! for linear least squares problems with nonnegative variables, Mathematics of Computation 63, 1994. Every series on
//! the wrong side changes sides; where that does not make them fewer for a while, one at a time, which ends.

use super::projection::Projection;

/// Rounds with blocks that may pass without fewer on the wrong side.
const PATIENCE: usize = 5;
/// Rounds in all.
const MOST_ROUNDS: usize = 500;
/// What is this near to zero, by the largest, is on no side.
const NEAR: f64 = 1e-9;

/// The nearest forecasts to these that add up and hold nothing below zero; None where they were not found.
pub(super) fn nearest(projection: &Projection, base: &[f64]) -> Option<Vec<f64>> {
    let hierarchy = &projection.hierarchy;
    let scale: Vec<f64> = projection.diagonal.iter().map(|diagonal| diagonal.sqrt()).collect();
    let first = projection.downhill(base, &projection.origin()).bottom;
    let flat = NEAR * largest(first.iter().zip(&scale).map(|(value, scale)| value / scale));
    let mut held = vec![false; hierarchy.bottoms()];
    let mut point = projection.origin();
    // forecasts that add up already are the answer
    point.bottom = base[hierarchy.bottom()].to_vec();
    let (mut fewest, mut patience) = (usize::MAX, PATIENCE);
    for _ in 0..MOST_ROUNDS {
        if !projection.solve(base, &held, &mut point) {
            return None;
        }
        let downhill = projection.downhill(base, &point).bottom;
        let near = NEAR * largest(point.bottom.iter().zip(&scale).map(|(value, scale)| value * scale));
        let wrong = |series: usize| {
            if held[series] { downhill[series] > flat * scale[series] } else { point.bottom[series] * scale[series] < -near }
        };
        let mut astray: Vec<usize> = (0..held.len()).filter(|series| wrong(*series)).collect();
        if astray.is_empty() {
            let bottom: Vec<f64> = point.bottom.iter().map(|value| value.max(0.0)).collect();
            return Some(hierarchy.sum(&bottom));
        }
        if astray.len() < fewest {
            (fewest, patience) = (astray.len(), PATIENCE);
        } else if patience > 0 {
            patience -= 1;
        } else {
            astray.drain(..astray.len() - 1);
        }
        for series in astray {
            held[series] = !held[series];
            point.bottom[series] = 0.0;
        }
    }
    None
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.map(f64::abs).fold(0.0, f64::max)
}
