//! How the nodes' errors go together. In: past errors by node and look. Out: a diagonal and one factor a look.
//! Never: a matrix of nodes by nodes.
//!
//! Source: Schäfer and Strimmer, A shrinkage approach to large-scale covariance matrix estimation, Statistical
//! Applications in Genetics and Molecular Biology 4, 2005: W = λ diag(V) + (1 - λ) V, with V the second moments E E'/T
//! of the errors about zero (a forecast that is always off in one direction is no good forecast) and λ the sum of the
//! variances of the correlations by the sum of their squares.

use super::hierarchy::Hierarchy;

/// The least share of correlations given up: W must have an inverse.
const LEAST_SHRINKAGE: f64 = 1e-3;
/// A bottom series' variance is at least this share of their mean: who was never wrong may be.
const LEAST_OWN: f64 = 1e-8;
/// A sum's variance is at least this share of those of its series: so much of their errors may cancel.
const LEAST_OF_SUM: f64 = 1e-4;

/// `diag(diagonal) + factors factors'`.
pub(super) struct Covariance {
    /// By node.
    pub diagonal: Vec<f64>,
    /// By node, one for each look; empty where variances alone are used.
    pub factors: Vec<f64>,
    /// Factors of a node.
    pub looks: usize,
    /// λ, where correlations are used.
    pub shrinkage: Option<f64>,
}

impl Covariance {
    /// Variances alone.
    pub fn variances(hierarchy: &Hierarchy, errors: &[Vec<f64>]) -> Covariance {
        let squares: Vec<f64> = errors.iter().map(|errors| mean_square(errors)).collect();
        Covariance { diagonal: floored(hierarchy, &squares), factors: Vec::new(), looks: 0, shrinkage: None }
    }

    /// With correlations, shrunk.
    pub fn shrunk(hierarchy: &Hierarchy, errors: &[Vec<f64>]) -> Covariance {
        let looks = errors.first().map_or(0, Vec::len);
        let squares: Vec<f64> = errors.iter().map(|errors| mean_square(errors)).collect();
        let shrinkage = shrinkage(errors).max(LEAST_SHRINKAGE);
        let kept = 1.0 - shrinkage;
        // what the factors do not give of a variance, so that each is whole
        let variances = floored(hierarchy, &squares);
        let diagonal = variances.iter().zip(&squares).map(|(variance, square)| variance - kept * square).collect();
        let scale = (kept / looks as f64).sqrt();
        let factors = errors.iter().flatten().map(|error| scale * error).collect();
        Covariance { diagonal, factors, looks, shrinkage: Some(shrinkage) }
    }
}

fn mean_square(errors: &[f64]) -> f64 {
    errors.iter().map(|error| error * error).sum::<f64>() / errors.len().max(1) as f64
}

/// Variances above zero. Where no bottom series was ever wrong (or no look is known) each counts one.
fn floored(hierarchy: &Hierarchy, squares: &[f64]) -> Vec<f64> {
    let own = &squares[hierarchy.bottom()];
    let mean = own.iter().sum::<f64>() / own.len() as f64;
    let own: Vec<f64> = own.iter().map(|square| if mean > 0.0 { square.max(LEAST_OWN * mean) } else { 1.0 }).collect();
    let sums = hierarchy.sum(&own);
    // a sum of which nothing is known is as wrong as its series are together
    let of = |(square, sum): (&f64, &f64)| if mean > 0.0 { square.max(LEAST_OF_SUM * sum) } else { square.max(*sum) };
    let above = squares.iter().zip(&sums).take(hierarchy.bottom().start).map(of);
    above.chain(own.iter().copied()).collect()
}

/// λ, from 0 to 1, without writing out a pair: sums over pairs of nodes are squares of sums over nodes, less the
/// pairs of a node with itself. Errors are scaled to a mean square of one.
pub(super) fn shrinkage(errors: &[Vec<f64>]) -> f64 {
    let looks = errors.first().map_or(0, Vec::len);
    // by look: the sum of squares; by pair of looks: the sum of products
    let (mut squares, mut products) = (vec![0.0; looks], vec![0.0; looks * looks]);
    let (mut own_fourths, mut moving) = (0.0, 0.0);
    for errors in errors {
        let scale = mean_square(errors).sqrt();
        if scale <= 0.0 {
            continue;
        }
        let scaled: Vec<f64> = errors.iter().map(|error| error / scale).collect();
        moving += 1.0;
        for (s, one) in scaled.iter().enumerate() {
            squares[s] += one * one;
            own_fourths += one.powi(4);
            for (product, other) in products[s * looks..][..looks].iter_mut().zip(&scaled) {
                *product += one * other;
            }
        }
    }
    let count = looks as f64;
    let fourths = squares.iter().map(|square| square * square).sum::<f64>() - own_fourths;
    let correlations = products.iter().map(|product| product * product).sum::<f64>() / (count * count) - moving;
    if correlations <= 0.0 || looks < 2 {
        return 1.0;
    }
    ((fourths - count * correlations) / (count * (count - 1.0)) / correlations).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nongshi_domain::Seed;

    /// The definition, pair by pair.
    fn plainly(errors: &[Vec<f64>]) -> f64 {
        let looks = errors[0].len() as f64;
        let (mut variances, mut squares) = (0.0, 0.0);
        for (i, one) in errors.iter().enumerate() {
            for other in errors.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, other)| other) {
                let scale = (mean_square(one) * mean_square(other)).sqrt();
                let products: Vec<f64> = one.iter().zip(other).map(|(a, b)| a * b / scale).collect();
                let mean = products.iter().sum::<f64>() / looks;
                variances += products.iter().map(|product| (product - mean).powi(2)).sum::<f64>() / (looks * (looks - 1.0));
                squares += mean * mean;
            }
        }
        variances / squares
    }

    #[test]
    fn shrinkage_is_that_of_the_double_sum() {
        let mut seed = Seed(5);
        for (nodes, looks, common) in [(4, 25, 0.0), (30, 40, 0.7), (60, 21, 2.0)] {
            let shared: Vec<f64> = (0..looks).map(|_| seed.normal()).collect();
            let one = |node: usize, seed: &mut Seed| {
                shared.iter().map(|shared| (1.0 + node as f64) * (common * shared + seed.normal())).collect::<Vec<f64>>()
            };
            let errors: Vec<Vec<f64>> = (0..nodes).map(|node| one(node, &mut seed)).collect();
            let (found, expect) = (shrinkage(&errors), plainly(&errors).min(1.0));
            assert!((found - expect).abs() < 1e-9, "{nodes} nodes: {found} for {expect}");
            assert!(found > 0.0 && (common == 0.0 || found < 0.9), "{found}");
        }
    }

    #[test]
    fn a_node_that_was_never_wrong_does_not_count() {
        let mut seed = Seed(7);
        let mut errors: Vec<Vec<f64>> = (0..3).map(|_| (0..30).map(|_| seed.normal()).collect()).collect();
        let before = shrinkage(&errors);
        errors.push(vec![0.0; 30]);
        assert_eq!(shrinkage(&errors), before);
    }
}
