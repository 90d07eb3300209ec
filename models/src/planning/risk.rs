//! Odds and yuan of a profit that depends on the scenario. In: weights and profits. Out: mean, quantile, CVaR, objective.
//! Never: a distribution assumed.
//!
//! Source: Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2 (2000).

/// A weight this small is none.
const NO_WEIGHT: f64 = 1e-12;

/// How scenarios are weighed.
#[derive(Debug, Clone)]
pub(super) struct Risk {
    pub weights: Vec<f64>,
    pub aversion: f64,
    pub tail: f64,
}

impl Risk {
    pub fn mean(&self, profits: &[f64]) -> f64 {
        self.weights.iter().zip(profits).map(|(weight, profit)| weight * profit).sum()
    }

    /// Mean of the worst `tail` share.
    pub fn cvar(&self, profits: &[f64]) -> f64 {
        self.tail_weights(profits).iter().zip(profits).map(|(weight, profit)| weight * profit).sum()
    }

    /// `(1 - aversion) mean + aversion CVaR`.
    pub fn objective(&self, profits: &[f64]) -> f64 {
        if self.aversion == 0.0 || profits.len() == 1 {
            return self.mean(profits);
        }
        (1.0 - self.aversion) * self.mean(profits) + self.aversion * self.cvar(profits)
    }

    /// What one more CNY in each scenario adds to the objective: a supergradient. The objective is concave, so a
    /// change that does not pay at these slopes never pays.
    pub fn slopes(&self, profits: &[f64]) -> Vec<f64> {
        let tail = self.tail_weights(profits);
        self.weights.iter().zip(tail).map(|(weight, tail)| (1.0 - self.aversion) * weight + self.aversion * tail).collect()
    }

    /// The least profit with at least `level` of the weight at or below it.
    pub fn quantile(&self, profits: &[f64], level: f64) -> f64 {
        let mut below = 0.0;
        let order = worst_first(profits);
        let reached = order.iter().find(|&&place| {
            below += self.weights[place];
            below >= level - NO_WEIGHT
        });
        reached.or(order.last()).map_or(0.0, |&place| profits[place])
    }

    /// The share of each scenario in the mean of the worst `tail`; sums to 1.
    fn tail_weights(&self, profits: &[f64]) -> Vec<f64> {
        let mut shares = vec![0.0; profits.len()];
        let mut left = self.tail;
        for place in worst_first(profits) {
            let taken = self.weights[place].min(left);
            shares[place] = taken / self.tail;
            left -= taken;
            if left <= NO_WEIGHT {
                break;
            }
        }
        shares
    }
}

fn worst_first(profits: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..profits.len()).collect();
    order.sort_by(|&a, &b| profits[a].total_cmp(&profits[b]).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(tail: f64) -> Risk {
        Risk { weights: vec![0.4, 0.3, 0.2, 0.1], aversion: 0.5, tail }
    }

    #[test]
    fn the_tail_splits_the_scenario_on_its_border() {
        let profits = [40.0, 10.0, 30.0, 20.0];
        for (tail, cvar) in [(0.1, 10.0), (0.3, 10.0), (0.4, (3.0 + 2.0) / 0.4), (0.5, (3.0 + 2.0 + 3.0) / 0.5), (1.0, 27.0)] {
            assert!((four(tail).cvar(&profits) - cvar).abs() < 1e-12, "{tail}");
        }
        assert!((four(0.3).objective(&profits) - 18.5).abs() < 1e-12);
        for (level, expect) in [(0.1, 10.0), (0.3, 10.0), (0.31, 20.0), (0.5, 30.0), (0.9, 40.0)] {
            assert_eq!(four(0.1).quantile(&profits, level), expect, "{level}");
        }
    }

    #[test]
    fn slopes_never_promise_too_little() {
        let (risk, profits) = (four(0.35), [40.0, 10.0, 30.0, 20.0]);
        for change in [[5.0, 25.0, 0.0, 0.0], [-9.0, 3.0, 2.0, 1.0], [0.0, 40.0, -12.0, 3.0]] {
            let promised: f64 = risk.slopes(&profits).iter().zip(change).map(|(slope, change)| slope * change).sum();
            let changed: Vec<f64> = profits.iter().zip(change).map(|(profit, change)| profit + change).collect();
            assert!(risk.objective(&changed) - risk.objective(&profits) <= promised + 1e-12);
        }
    }
}
