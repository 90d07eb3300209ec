//! What a member of the combination is, and the list of them.
//! In: the ground. Out: fitted models, one an origin. Never: a forecast without a fit.

use super::boosted::Boosted;
use super::drift::Drift;
use super::elastic_net::ElasticNet;
use super::ground::{Ground, Past};
use super::lunar_naive::LunarNaive;
use super::naive::Naive;
use super::seasonal_naive::SeasonalNaive;
use super::single::{CES, ETS, MSTL, SBA, THETA, TSB};

/// The members, in alphabetic order.
pub(super) static MEMBERS: [&dyn Model; 12] =
    [&Boosted, &CES, &Drift, &ElasticNet, &ETS, &LunarNaive, &MSTL, &Naive, &SBA, &SeasonalNaive, &THETA, &TSB];

/// The prior of a member that can use what is known beforehand, where something is: the others cannot see it coming.
pub(super) const PRIOR_OF_THE_TOLD: f64 = 6.0;

/// A way to learn from the past.
pub(super) trait Model: Sync {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// Its weight before any error is known; 0 for one that is told and judged but not combined.
    fn prior(&self, ground: &Ground) -> f64;

    /// Fits at each of the rising `origins`, from nothing later than each, so that `horizon` steps can be said.
    fn fit(&self, ground: &Ground, origins: &[usize], horizon: usize, threads: usize) -> Vec<Box<dyn Fitted>>;
}

/// What was learnt, able to forecast.
pub(super) trait Fitted {
    /// One value a step for the `horizon` steps after `past.step`, in the series' unit; else why not, in words.
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String>;

    /// The values at each of `LEVELS` of those steps, by a member that learns them.
    fn levels(&self, _past: Past<'_>, _series: usize, _horizon: usize) -> Option<Vec<[f64; 3]>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_alphabetic_order_and_naive_is_among_them() {
        let names: Vec<&str> = MEMBERS.iter().map(|member| member.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(names.contains(&"naive"));
    }
}
