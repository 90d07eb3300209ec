//! What would have sold had it been on the shelf all the step.
//! In: what was sold, the share of the step it could be bought. Out: latent demand, or none.
//! Never: less than was sold; a guess where the shelf was empty all the step.

/// Sales come faster than the clock: the share of a day's sales made in the first share `s` of its hours is about `s` to
/// this power (fresh food sells in the morning, and shelves are empty in the evening).
const HASTE: f64 = 0.75;
/// The most by which sales are raised. Source: the practice of retail demand unconstraining (Vulcano, van Ryzin and Ratliff,
/// Operations Research 60, 2012, warn that small shares raise noise).
const MOST_RAISE: f64 = 3.0;
/// A share this near to one is one.
const WHOLE: f64 = 1.0 - 1e-9;

/// Demand by sales, in their unit. `share` lies between 0 and 1; an empty shelf (0) tells nothing.
pub fn latent_demand(sold: f64, share: f64) -> Option<f64> {
    if share <= 0.0 {
        return None;
    }
    Some(if in_stock_throughout(share) { sold } else { sold * share.powf(-HASTE).min(MOST_RAISE) })
}

/// Whether a step's sales are its demand.
pub(super) fn in_stock_throughout(share: f64) -> bool {
    share >= WHOLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_are_raised_by_the_share_and_never_lowered() {
        assert_eq!((latent_demand(3.0, 1.0), latent_demand(3.0, 0.0), latent_demand(0.0, 0.4)), (Some(3.0), None, Some(0.0)));
        let half = latent_demand(2.0, 0.5).expect("seen");
        assert!((half - 2.0 * 2.0_f64.powf(0.75)).abs() < 1e-12, "{half}");
        assert_eq!(latent_demand(2.0, 0.01), Some(6.0), "at most three times");
        let raised: Vec<f64> = (1..=20).filter_map(|share| latent_demand(1.0, f64::from(share) / 20.0)).collect();
        assert!(raised.is_sorted_by(|a, b| a >= b) && raised[19] == 1.0);
    }
}
