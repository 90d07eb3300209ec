//! The same by plain elimination, for small hierarchies. In: S, W, base forecasts. Out: what the definition says.
//! Never: an iteration.

use super::Hierarchy;

/// S, row by row.
pub(super) fn summing(hierarchy: &Hierarchy) -> Vec<Vec<f64>> {
    let bottoms = hierarchy.bottoms();
    let unit = |series: usize| (0..bottoms).map(|other| f64::from(u8::from(other == series))).collect::<Vec<f64>>();
    let columns: Vec<Vec<f64>> = (0..bottoms).map(|series| hierarchy.sum(&unit(series))).collect();
    (0..hierarchy.nodes()).map(|node| columns.iter().map(|column| column[node]).collect()).collect()
}

/// W = λ diag(V) + (1 - λ) V, V the second moments; λ = 1 is variances alone.
pub(super) fn shrunk(errors: &[Vec<f64>], shrinkage: f64) -> Vec<Vec<f64>> {
    let looks = errors[0].len() as f64;
    let moment = |i: usize, j: usize| errors[i].iter().zip(&errors[j]).map(|(a, b)| a * b).sum::<f64>() / looks;
    let cell = |i: usize, j: usize| if i == j { moment(i, i) } else { (1.0 - shrinkage) * moment(i, j) };
    (0..errors.len()).map(|i| (0..errors.len()).map(|j| cell(i, j)).collect()).collect()
}

/// A x = b for each column of b, by Gauss with the largest pivot.
pub(super) fn divide(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let count = a.len();
    let mut rows: Vec<Vec<f64>> = a.iter().zip(b).map(|(left, right)| left.iter().chain(right).copied().collect()).collect();
    for pivot in 0..count {
        let best = (pivot..count).max_by(|i, j| rows[*i][pivot].abs().total_cmp(&rows[*j][pivot].abs())).expect("a row");
        rows.swap(pivot, best);
        let lead = rows[pivot].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(place, _)| *place != pivot) {
            let share = row[pivot] / lead[pivot];
            row.iter_mut().zip(&lead).for_each(|(value, lead)| *value -= share * lead);
        }
    }
    (0..count).map(|row| rows[row][count..].iter().map(|value| value / rows[row][row]).collect()).collect()
}

/// (G, g) of ½ b'Gb - g'b: G = S'W⁻¹S, g = S'W⁻¹ŷ.
fn normal_equations(summing: &[Vec<f64>], covariance: &[Vec<f64>], base: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let right: Vec<Vec<f64>> = summing.iter().zip(base).map(|(row, base)| row.iter().copied().chain([*base]).collect()).collect();
    let weighted = divide(covariance, &right);
    let bottoms = summing[0].len();
    let cell = |i: usize, j: usize| summing.iter().zip(&weighted).map(|(row, weighted)| row[i] * weighted[j]).sum::<f64>();
    let matrix = (0..bottoms).map(|i| (0..bottoms).map(|j| cell(i, j)).collect()).collect();
    (matrix, (0..bottoms).map(|i| cell(i, bottoms)).collect())
}

/// The bottom of MinT, no sign asked for.
pub(super) fn free(summing: &[Vec<f64>], covariance: &[Vec<f64>], base: &[f64]) -> Vec<f64> {
    let (matrix, right) = normal_equations(summing, covariance, base);
    divide(&matrix, &right.iter().map(|value| vec![*value]).collect::<Vec<_>>()).concat()
}

/// The bottom of non-negative MinT: every set of zeros is tried, the nearest that holds nothing below zero is it.
pub(super) fn nonnegative(summing: &[Vec<f64>], covariance: &[Vec<f64>], base: &[f64]) -> Vec<f64> {
    let (matrix, right) = normal_equations(summing, covariance, base);
    let count = right.len();
    let one = |zeros: usize| {
        let kept: Vec<usize> = (0..count).filter(|series| zeros & (1 << series) == 0).collect();
        let part: Vec<Vec<f64>> = kept.iter().map(|i| kept.iter().map(|j| matrix[*i][*j]).collect()).collect();
        let solved = divide(&part, &kept.iter().map(|i| vec![right[*i]]).collect::<Vec<_>>()).concat();
        let mut bottom = vec![0.0; count];
        kept.iter().zip(solved).for_each(|(series, value)| bottom[*series] = value);
        let squares: f64 = (0..count).map(|i| (0..count).map(|j| bottom[i] * matrix[i][j] * bottom[j]).sum::<f64>()).sum();
        let cost = squares / 2.0 - bottom.iter().zip(&right).map(|(value, right)| value * right).sum::<f64>();
        (bottom, cost)
    };
    let allowed = (0..1 << count).map(one).filter(|(bottom, _)| bottom.iter().all(|value| *value >= 0.0));
    allowed.min_by(|one, other| one.1.total_cmp(&other.1)).expect("all zeros are allowed").0
}
