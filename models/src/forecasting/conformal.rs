//! Quantiles from the errors that were really made, split conformal, per horizon, pooled over a category.
//! In: the windows of earlier origins, as far as their targets are known by now. Out: how far below and above a point
//! the quantiles lie. Never: a normal law where enough errors are known; a quantile below zero or crossed.
//!
//! Source: Stankeviciute, Alaa and van der Schaar, Conformal time-series forecasting, NeurIPS 2021 (multi-horizon);
//! Romano, Patterson and Candes, Conformalized quantile regression, NeurIPS 2019 (both sides apart, finite sample).
//! Errors are measured by how far they were expected to reach, on their side, from their series' origin
//! (`backtest::Window::reach`). The pool of a horizon holds the neighbouring horizons too. Offsets never shrink as the
//! horizon grows: they are made isotone by pooling adjacent violators. The mean of a step is the mean of its point moved by an even sample of the pool's quantiles, so a
//! price's mean lies above its median when errors upward are larger.

use super::backtest::{Window, residual};
use super::ground::{DEVIATION_PER_MEAN_ABSOLUTE, Ground};
use super::law::Law;
use super::normal::normal_quantile;
use nongshi_domain::{LEVELS, Target};

/// Errors a horizon's pool needs; with fewer, a random walk's normal law stands in.
const MIN_ERRORS: usize = 20;
/// Horizons on each side that share their errors.
const NEIGHBOURS: usize = 1;
/// Quantiles lie at least this far from the median, by reach: certainty has not been seen.
const MIN_OFFSET: f64 = 0.05;
/// Points of the even sample that the mean is taken over.
const SAMPLE: usize = 20;
/// The 90 % quantile of the standard normal law.
pub(super) const NORMAL_90: f64 = 1.281_551_565_544_6;

/// How errors spread, by horizon.
pub(super) struct Spread {
    target: Target,
    /// The most a quantile of a price may differ from the point, as a log ratio.
    log_limit: f64,
    steps: Vec<Offsets>,
    /// The whole law of each horizon, where it was asked for.
    laws: Vec<Law>,
}

/// Offsets of one horizon, by reach.
#[derive(Debug, Clone)]
struct Offsets {
    below: f64,
    above: f64,
    sample: Vec<f64>,
    /// At the further levels: how far the quantile lies from the point, below it a negative distance.
    further: Vec<f64>,
}

/// What a spread has to say.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Steps ahead.
    pub horizon: usize,
    /// See `ForecastSettings::explosion_factor`.
    pub factor: f64,
    /// See `ForecastSettings::levels`.
    pub levels: &'a [f64],
}

impl Spread {
    /// Learns from the known errors of what `pick` takes from each window; with laws of `grid` ranks, 0 for none.
    pub fn learn<'a>(
        ground: &Ground,
        history: &'a [Vec<Window<'a>>],
        now: usize,
        grid: usize,
        wanted: Wanted<'_>,
        pick: impl Fn(&'a Window<'a>) -> Option<&'a [f64]>,
    ) -> Spread {
        let known = || {
            history.iter().flatten().filter_map(|window| Some((window, pick(window)?))).flat_map(|(window, said)| {
                (0..said.len()).filter_map(move |step| Some((step, relative_error(ground, window, said, step, now)?)))
            })
        };
        let mut errors: Vec<Vec<f64>> = vec![Vec::new(); wanted.horizon];
        known().for_each(|(step, error)| errors[step].push(error));
        let law = |step| law(pool(&errors, step), ground.target, grid);
        let laws = if grid == 0 { vec![] } else { (0..wanted.horizon).map(law).collect() };
        let steps = steps(&errors, ground.target, wanted.levels);
        Spread { target: ground.target, log_limit: wanted.factor.max(1.0).ln(), steps, laws }
    }

    /// Mean and quantiles around a point, `ahead` steps on.
    pub fn around(&self, point: f64, reach: [f64; 2], ahead: usize) -> (f64, [f64; 3]) {
        let offsets = &self.steps[ahead - 1];
        let moved = |by: f64| self.moved(point, reach, by);
        let mean = offsets.sample.iter().map(|by| moved(*by)).sum::<f64>() / offsets.sample.len() as f64;
        (mean, [moved(-offsets.below), point, moved(offsets.above)])
    }

    /// The values at the ranks of the law around a point, rising; between them the quantiles lie where `around` says.
    pub fn law(&self, point: f64, reach: [f64; 2], ahead: usize) -> impl Iterator<Item = f64> + '_ {
        let offsets = &self.steps[ahead - 1];
        self.laws[ahead - 1].offsets(offsets.below, offsets.above).map(move |by| self.moved(point, reach, by))
    }

    /// The quantiles at the further levels.
    pub fn further(&self, point: f64, reach: [f64; 2], ahead: usize) -> Vec<f64> {
        self.steps[ahead - 1].further.iter().map(|by| self.moved(point, reach, *by)).collect()
    }

    /// A point moved by a signed distance, counted in the reach of its side.
    fn moved(&self, point: f64, reach: [f64; 2], by: f64) -> f64 {
        match (self.target, by * if by < 0.0 { reach[0] } else { reach[1] }) {
            (Target::Price, by) => point * by.clamp(-self.log_limit, self.log_limit).exp(),
            (Target::Demand, by) => (point + by).max(0.0),
        }
    }
}

/// The error of `said` at a step, by the reach of its side; None where it is not known at `now`.
pub(super) fn relative_error(ground: &Ground, window: &Window<'_>, said: &[f64], step: usize, now: usize) -> Option<f64> {
    let at = window.said.origin + step + 1;
    let actual = ground.came(window.said.series, at).filter(|_| at <= now)?;
    let error = residual(ground.target, actual, said[step], 1.0);
    let [below, above] = window.reach(step);
    Some(if error < 0.0 { error / below } else { error / above })
}

/// The errors of a horizon and of its neighbours.
fn pool(errors: &[Vec<f64>], step: usize) -> Vec<f64> {
    errors[step.saturating_sub(NEIGHBOURS)..(step + NEIGHBOURS + 1).min(errors.len())].concat()
}

/// Offsets by horizon from errors by horizon.
fn steps(errors: &[Vec<f64>], target: Target, levels: &[f64]) -> Vec<Offsets> {
    let horizon = errors.len();
    let mut steps: Vec<Offsets> = (0..horizon).map(|step| offsets(pool(errors, step), target, levels)).collect();
    // a price's reach grows as a walk's does, which its errors need not do
    let walk = |step: usize| if target == Target::Price { ((step + 1) as f64).sqrt() } else { 1.0 };
    let rising =
        |side: &dyn Fn(&Offsets) -> f64| isotone(&steps.iter().enumerate().map(|(at, step)| side(step) * walk(at)).collect::<Vec<_>>());
    let (below, above) = (rising(&|step| step.below), rising(&|step| step.above));
    let outward = |level: f64| if level < LEVELS[1] { -1.0 } else { 1.0 };
    let further: Vec<Vec<f64>> =
        levels.iter().enumerate().map(|(place, level)| rising(&|step| outward(*level) * step.further[place])).collect();
    for (at, step) in steps.iter_mut().enumerate() {
        for ((cell, level), far) in step.further.iter_mut().zip(levels).zip(&further) {
            // a level as far out as the outer ones is held as far from the point, one nearer to it less far
            let least = MIN_OFFSET * ((level - LEVELS[1]) / (LEVELS[2] - LEVELS[1])).abs();
            *cell = outward(*level) * (far[at] / walk(at)).max(least);
        }
        (step.below, step.above) = ((below[at] / walk(at)).max(MIN_OFFSET), (above[at] / walk(at)).max(MIN_OFFSET));
    }
    steps
}

/// The normal law's deviation, by reach.
fn normal_deviation(target: Target) -> f64 {
    // a price's reach is a walk's deviation already
    if target == Target::Price { 1.0 } else { DEVIATION_PER_MEAN_ABSOLUTE }
}

/// The whole law of one pool.
fn law(mut pool: Vec<f64>, target: Target, grid: usize) -> Law {
    pool.retain(|error| error.is_finite());
    if pool.len() < MIN_ERRORS {
        return Law::normal(normal_deviation(target), grid);
    }
    pool.sort_unstable_by(f64::total_cmp);
    Law::of(&pool, grid)
}

/// Conformal offsets of one pool: the order statistics of rank (n + 1) times the level, outward.
fn offsets(mut pool: Vec<f64>, target: Target, levels: &[f64]) -> Offsets {
    pool.retain(|error| error.is_finite());
    let count = pool.len();
    if count < MIN_ERRORS {
        let deviation = normal_deviation(target);
        // Three points with the law's mean and variance.
        let sample = vec![-1.5_f64.sqrt() * deviation, 0.0, 1.5_f64.sqrt() * deviation];
        let further = levels.iter().map(|level| normal_quantile(*level) * deviation).collect();
        return Offsets { below: NORMAL_90 * deviation, above: NORMAL_90 * deviation, sample, further };
    }
    pool.sort_unstable_by(f64::total_cmp);
    let at = |level: f64| {
        let rank = (count + 1) as f64 * level;
        let rank = if level < LEVELS[1] { rank.floor().max(1.0) } else { rank.ceil() };
        pool[(rank as usize).min(count) - 1]
    };
    // the point is the median, whatever its errors' median is
    let further = levels.iter().map(|level| if *level == LEVELS[1] { 0.0 } else { at(*level) }).collect();
    let even = |point: usize| pool[((point as f64 + 0.5) / SAMPLE as f64 * count as f64) as usize];
    Offsets { below: -at(LEVELS[0]), above: at(LEVELS[2]), sample: (0..SAMPLE).map(even).collect(), further }
}

/// The rising sequence nearest to `values` in squares. Source: Ayer et al., Annals of Mathematical Statistics 26, 1955.
fn isotone(values: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for &value in values {
        let mut block = (value, 1);
        while let Some(&(before, count)) = blocks.last().filter(|(before, _)| *before > block.0) {
            blocks.pop();
            let total = count + block.1;
            block = ((before * count as f64 + block.0 * block.1 as f64) / total as f64, total);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(value, count)| std::iter::repeat_n(value, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(target: Target, pools: Vec<Vec<f64>>) -> Spread {
        let steps = pools.into_iter().map(|pool| offsets(pool, target, &[])).collect();
        Spread { target, log_limit: 5.0_f64.ln(), steps, laws: vec![] }
    }

    #[test]
    fn ranks_are_those_of_a_finite_sample_and_sides_are_apart() {
        // 1..=99 less 30: of 99 errors the 10th and the 90th, (99 + 1) x .1 and x .9.
        let pool: Vec<f64> = (1..=99).rev().map(|i| f64::from(i) - 30.0).collect();
        let found = offsets(pool, Target::Demand, &[]);
        assert_eq!((found.below, found.above), (20.0, 60.0));
        // Of 20 errors the 2nd and the 19th: further out than the plain quantile.
        let found = offsets((1..=20).map(f64::from).collect(), Target::Demand, &[]);
        assert_eq!((found.below, found.above), (-2.0, 19.0));
    }

    #[test]
    fn few_errors_fall_back_to_a_random_walk() {
        let found = offsets(vec![0.0; 19], Target::Price, &[]);
        assert!((found.above - 1.2816).abs() < 1e-3 && found.above == found.below);
        let found = offsets(vec![0.0; 19], Target::Demand, &[]);
        assert!((found.above - 1.2533 * 1.2816).abs() < 1e-3);
    }

    #[test]
    fn quantiles_never_cross_nor_fall_below_zero() {
        let demand = spread(Target::Demand, vec![(0..40).map(|i| f64::from(i) - 30.0).collect()]);
        let (mean, [low, middle, high]) = demand.around(2.0, [1.0; 2], 1);
        assert!(low == 0.0 && middle == 2.0 && high > 2.0 && mean >= 0.0, "{low} {middle} {high} {mean}");
        let price = spread(Target::Price, vec![(0..40).map(|i| f64::from(i) - 19.5).collect()]);
        let (mean, [low, middle, high]) = price.around(2.0, [0.05; 2], 1);
        assert!(0.0 < low && low < middle && middle < high);
        // Even errors in logs: the mean lies above the median.
        assert!(mean > middle && mean < 1.3 * middle, "{mean}");
        // However wide the errors, a quantile stays within the factor.
        assert!((price.around(2.0, [9.0; 2], 1).1[2] - 10.0).abs() < 1e-9);
    }

    #[test]
    fn errors_are_measured_by_their_own_side_and_prices_may_grow_slower_than_a_walk() {
        let even: Vec<f64> = (0..40).map(|i| f64::from(i) - 19.5).collect();
        let price = spread(Target::Price, vec![even.clone()]);
        let [low, middle, high] = price.around(2.0, [0.01, 0.02], 1).1;
        assert!(((high / middle).ln() - 2.0 * (middle / low).ln()).abs() < 1e-9);
        // Errors that stay as large at the fourth step, where a walk's would have doubled: half the offset by reach.
        let halved: Vec<f64> = even.iter().map(|error| error / 2.0).collect();
        let near: Vec<Vec<f64>> = (1..=8).map(|step| even.iter().map(|error| error / f64::from(step).sqrt()).collect()).collect();
        let found = steps(&near, Target::Price, &[]);
        let flat = offsets(halved, Target::Price, &[]).above;
        assert!((found[3].above - flat).abs() < 0.1 * flat, "{} for {flat}", found[3].above);
    }

    #[test]
    fn isotone_pools_what_falls() {
        assert_eq!(isotone(&[1.0, 3.0, 2.0, 4.0, 0.0]), [1.0, 2.25, 2.25, 2.25, 2.25]);
        assert_eq!(isotone(&[1.0, 2.0]), [1.0, 2.0]);
        assert!(isotone(&[]).is_empty());
    }
}
