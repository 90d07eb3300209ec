//! Odds of reconciled forecasts. In: what was said, what adds up. Out: quantiles that neither cross nor fall below zero;
//! sample paths in the order in which errors came together. Never: a quantile added to a quantile.
//!
//! Quantiles of sums are no sums of quantiles. What adds up are sample paths: each node's own samples, put in the order
//! of its past errors (Clark et al., The Schaake shuffle, Journal of Hydrometeorology 5, 2004), are draws from a joint
//! law, and `Reconciler::reconcile` makes each of them coherent (Panagiotelis et al., Probabilistic forecast
//! reconciliation, European Journal of Operational Research 306, 2023).

use super::{ReconcileError, even};
use nongshi_domain::LEVELS;

/// A node's quantiles, rising, moved as far as its mean was.
pub fn carry(quantiles: [f64; 3], mean: f64, reconciled: f64) -> [f64; 3] {
    quantiles.map(|quantile| (quantile + reconciled - mean).max(0.0))
}

/// A node's quantiles at `LEVELS` from its reconciled samples, straight between neighbours; None of no sample.
/// Source: definition 7 of Hyndman and Fan, The American Statistician 50, 1996.
pub fn quantiles(samples: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(LEVELS.map(|level| {
        let place = level * last as f64;
        let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        low + place.fract() * (high - low)
    }))
}

/// Every node's samples of one step in the order of its past errors: the largest sample in the place of the look with the
/// largest error. Samples are as many as looks; of equal errors the earlier counts as smaller.
pub fn reorder(samples: &[Vec<f64>], errors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, ReconcileError> {
    let looks = even(errors, samples.len(), "errors")?;
    let paths = even(samples, samples.len(), "paths")?;
    if paths != looks {
        return Err(ReconcileError::Paths { paths, looks });
    }
    let one = |(samples, errors): (&Vec<f64>, &Vec<f64>)| {
        let mut sorted = samples.clone();
        sorted.sort_by(f64::total_cmp);
        let mut order: Vec<usize> = (0..looks).collect();
        order.sort_by(|a, b| errors[*a].total_cmp(&errors[*b]));
        let mut placed = vec![0.0; looks];
        for (place, sample) in order.into_iter().zip(sorted) {
            placed[place] = sample;
        }
        placed
    };
    Ok(samples.iter().zip(errors).map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_move_with_the_mean_and_stop_at_zero() {
        assert_eq!(carry([1.0, 3.0, 7.0], 4.0, 6.0), [3.0, 5.0, 9.0]);
        assert_eq!(carry([1.0, 3.0, 7.0], 4.0, 1.5), [0.0, 0.5, 4.5]);
        assert_eq!(carry([1.0, 3.0, 7.0], 9.0, 0.0), [0.0; 3]);
    }

    #[test]
    fn quantiles_of_samples_lie_between_them() {
        let samples: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        assert_eq!(quantiles(&samples), Some([1.0, 5.0, 9.0]));
        assert_eq!(quantiles(&[4.0, 2.0]).map(|[_, middle, _]| middle), Some(3.0));
        assert_eq!(quantiles(&[]), None);
    }

    #[test]
    fn samples_take_the_order_of_the_errors() {
        let errors = [vec![0.5, -2.0, 1.0], vec![3.0, 3.0, -1.0]];
        let samples = [vec![10.0, 30.0, 20.0], vec![1.0, 2.0, 3.0]];
        assert_eq!(reorder(&samples, &errors), Ok(vec![vec![20.0, 10.0, 30.0], vec![2.0, 3.0, 1.0]]));
        let said = reorder(&[vec![1.0, 2.0]], &[vec![0.0; 3]]).map_err(|error| error.to_string());
        assert_eq!(said, Err("2 sample paths for 3 looks, they must be as many".to_string()));
    }
}
