//! What a booster makes small. In: scores and targets. Out: gradients, curvatures, leaf values, the loss itself.
//! Never: a prediction below zero from `Tweedie`.
//!
//! Squared: half the squared error. Absolute and quantile (Koenker and Bassett, Regression quantiles, Econometrica 46,
//! 1978): their curvature is zero, so trees are grown on the signs and every leaf is then given the quantile of what is
//! left in it (Friedman 2001, algorithm 3). Tweedie with a log link (Jørgensen, Exponential dispersion models, Journal of
//! the Royal Statistical Society B 49, 1987): `-y mu^(1-p)/(1-p) + mu^(2-p)/(2-p)`, `mu = exp(score)`.

use super::BoostError;
use serde::{Deserialize, Serialize};

/// Targets are below this, so that no square overflows.
const TARGET_LIMIT: f64 = 1e30;
/// The least mean a log link starts from.
const LEAST_MEAN: f64 = 1e-9;

/// A loss, by the sum over rows of weight times it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Absolute error: the median.
    Absolute,
    /// Pinball loss at a level between 0 and 1.
    Quantile(f64),
    /// Half the squared error: the mean.
    Squared,
    /// Tweedie deviance of a power between 1 and 2, by a log link: the mean of what is zero or positive.
    Tweedie(f64),
}

impl Loss {
    /// Refuses targets that the loss has no place for.
    pub(super) fn check(self, targets: &[f64]) -> Result<(), BoostError> {
        let from_zero = matches!(self, Loss::Tweedie(_));
        let wrong = |value: f64| value.is_nan() || value.abs() >= TARGET_LIMIT || from_zero && value < 0.0;
        let allowed = if from_zero { "Tweedie loss takes 0 to 1e30" } else { "a number between -1e30 and 1e30 belongs there" };
        match targets.iter().position(|value| wrong(*value)) {
            Some(row) => Err(BoostError::Target { row, value: targets[row], allowed }),
            None => Ok(()),
        }
    }

    /// True when every row's curvature is its weight.
    pub(super) fn is_flat(self) -> bool {
        !matches!(self, Loss::Tweedie(_))
    }

    /// The level of the quantile that leaves are given after the tree is grown.
    pub(super) fn renewed(self) -> Option<f64> {
        match self {
            Loss::Absolute => Some(0.5),
            Loss::Quantile(level) => Some(level),
            Loss::Squared | Loss::Tweedie(_) => None,
        }
    }

    /// The score that all rows start from: of (target, weight), the order is lost.
    pub(super) fn start(self, rows: &mut [(f64, f64)]) -> f64 {
        let weights: f64 = rows.iter().map(|row| row.1).sum();
        let mean = || rows.iter().map(|row| row.0 * row.1).sum::<f64>() / weights;
        match self {
            Loss::Squared => mean(),
            Loss::Tweedie(_) => mean().max(LEAST_MEAN).ln(),
            Loss::Absolute => weighted_quantile(rows, 0.5),
            Loss::Quantile(level) => weighted_quantile(rows, level),
        }
    }

    /// First and second derivative of one row's loss by its score, weight left out.
    fn derivatives(self, score: f64, target: f64) -> (f64, f64) {
        match self {
            Loss::Absolute if score == target => (0.0, 1.0),
            Loss::Absolute => ((score - target).signum(), 1.0),
            Loss::Quantile(level) => (if score >= target { 1.0 - level } else { -level }, 1.0),
            Loss::Squared => (score - target, 1.0),
            Loss::Tweedie(power) => {
                let falling = ((1.0 - power) * score).exp();
                let rising = falling * score.exp();
                (rising - target * falling, (2.0 - power) * rising + (power - 1.0) * target * falling)
            }
        }
    }

    /// Writes every row's gradient and, unless the loss is flat without weights, its curvature.
    pub(super) fn derive(self, scores: &[f64], targets: &[f64], weights: Option<&[f64]>, gradients: &mut [f64], curvatures: &mut [f64]) {
        // The match stands outside the loop: one loop a loss.
        match self {
            Loss::Absolute => fill(|s, y| Loss::Absolute.derivatives(s, y), scores, targets, weights, gradients, curvatures),
            Loss::Quantile(level) => fill(|s, y| Loss::Quantile(level).derivatives(s, y), scores, targets, weights, gradients, curvatures),
            Loss::Squared => fill(|s, y| Loss::Squared.derivatives(s, y), scores, targets, weights, gradients, curvatures),
            Loss::Tweedie(power) => fill(|s, y| Loss::Tweedie(power).derivatives(s, y), scores, targets, weights, gradients, curvatures),
        }
    }

    /// The loss of one row, up to what does not depend on the score.
    pub(super) fn of(self, score: f64, target: f64) -> f64 {
        let missed = target - score;
        match self {
            Loss::Absolute => missed.abs(),
            Loss::Quantile(level) => (level * missed).max((level - 1.0) * missed),
            Loss::Squared => 0.5 * missed * missed,
            Loss::Tweedie(power) => {
                let falling = ((1.0 - power) * score).exp();
                falling * score.exp() / (2.0 - power) - target * falling / (1.0 - power)
            }
        }
    }

    /// The prediction of a score.
    pub(super) fn prediction(self, score: f64) -> f64 {
        if matches!(self, Loss::Tweedie(_)) { score.exp() } else { score }
    }
}

fn fill(
    derivatives: impl Fn(f64, f64) -> (f64, f64),
    scores: &[f64],
    targets: &[f64],
    weights: Option<&[f64]>,
    gradients: &mut [f64],
    curvatures: &mut [f64],
) {
    let pairs = scores.iter().zip(targets).map(|(score, target)| derivatives(*score, *target));
    if let Some(weights) = weights {
        for (((gradient, curvature), weight), (first, second)) in gradients.iter_mut().zip(curvatures).zip(weights).zip(pairs) {
            (*gradient, *curvature) = (first * weight, second * weight);
        }
    } else if curvatures.is_empty() {
        gradients.iter_mut().zip(pairs).for_each(|(gradient, pair)| *gradient = pair.0);
    } else {
        gradients.iter_mut().zip(curvatures).zip(pairs).for_each(|((gradient, curvature), pair)| (*gradient, *curvature) = pair);
    }
}

/// The value below which the share `level` of the weight lies, of (value, weight) with weights above zero; half-way to
/// the next value when the share is met exactly (Hyndman and Fan, Sample quantiles, 1996, type 2). The order is lost.
pub(super) fn weighted_quantile(rows: &mut [(f64, f64)], level: f64) -> f64 {
    let mut wanted = level * rows.iter().map(|row| row.1).sum::<f64>();
    let mut rest = rows;
    while rest.len() > 1 {
        let middle = rest.len() / 2;
        let (lower, upper, _) = rest.select_nth_unstable_by(middle, |a, b| a.0.total_cmp(&b.0));
        let below: f64 = lower.iter().map(|row| row.1).sum();
        if below == wanted {
            return (lower.iter().map(|row| row.0).fold(f64::MIN, f64::max) + upper.0) / 2.0;
        }
        if below > wanted {
            rest = &mut rest[..middle];
        } else {
            wanted -= below;
            rest = &mut rest[middle..];
        }
    }
    rest.first().map_or(0.0, |row| row.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nongshi_domain::Seed;

    #[test]
    fn a_weighted_quantile_is_the_one_of_repeated_rows() {
        let quantile = |rows: &[(f64, f64)], level| weighted_quantile(&mut rows.to_vec(), level);
        assert_eq!(quantile(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5), 2.0);
        assert_eq!(quantile(&[(4.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 1.0)], 0.5), 2.5);
        assert_eq!(quantile(&[(1.0, 1.0), (2.0, 5.0), (9.0, 1.0)], 0.1), 1.0);
        assert_eq!(quantile(&[(1.0, 1.0), (2.0, 5.0), (9.0, 1.0)], 0.5), 2.0);
        assert_eq!(quantile(&[(7.0, 0.25)], 0.9), 7.0);
        let mut seed = Seed(4);
        for level in [0.1, 0.5, 0.9] {
            let rows: Vec<(f64, f64)> = (0..60).map(|_| ((seed.normal() * 8.0).round(), 1.0 + (seed.next_u64() % 4) as f64)).collect();
            let mut repeated: Vec<f64> = rows.iter().flat_map(|row| vec![row.0; row.1 as usize]).collect();
            repeated.sort_by(f64::total_cmp);
            let place = level * repeated.len() as f64;
            let next = repeated[place.floor() as usize];
            let expect = if place.fract() == 0.0 { (repeated[place as usize - 1] + next) / 2.0 } else { next };
            assert_eq!(quantile(&rows, level), expect);
        }
    }

    #[test]
    fn derivatives_are_the_slopes_of_the_loss() {
        let step = 1e-5;
        for (loss, score, target) in [
            (Loss::Absolute, 2.0, 3.0),
            (Loss::Quantile(0.9), 2.0, 3.0),
            (Loss::Quantile(0.9), 4.0, 3.0),
            (Loss::Squared, 2.0, 3.5),
            (Loss::Tweedie(1.3), 0.4, 3.0),
            (Loss::Tweedie(1.7), -0.4, 0.0),
        ] {
            let (first, second) = loss.derivatives(score, target);
            let slope = (loss.of(score + step, target) - loss.of(score - step, target)) / (2.0 * step);
            // central differences of a smooth loss: an error of the step squared
            assert!((first - slope).abs() < 1e-8, "{loss:?}: {first} for {slope}");
            if loss.renewed().is_none() {
                let bend = (loss.derivatives(score + step, target).0 - loss.derivatives(score - step, target).0) / (2.0 * step);
                assert!((second - bend).abs() < 1e-8, "{loss:?}: {second} for {bend}");
            }
        }
    }

    #[test]
    fn the_start_is_the_best_single_answer() {
        let rows = [(0.0, 1.0), (1.0, 1.0), (5.0, 2.0)];
        assert_eq!(Loss::Squared.start(&mut rows.to_vec()), 2.75);
        assert_eq!(Loss::Tweedie(1.5).start(&mut rows.to_vec()), 2.75_f64.ln());
        assert_eq!(Loss::Absolute.start(&mut rows.to_vec()), 3.0);
        assert_eq!(Loss::Quantile(0.1).start(&mut rows.to_vec()), 0.0);
    }
}
