//! One elastic net a horizon, fitted over all series of a category (Zou and Hastie, Regularization and variable
//! selection via the elastic net, Journal of the Royal Statistical Society B 67, 2005; fitted by linfa).
//! In: the ground. Out: direct forecasts of every horizon. Never: a row whose target lies after the origin.
//!
//! Each series is measured from its own recent level in units of its own roughness (`design`), so that all can share
//! the weights, and a weight of zero means "no change". The model is refitted at every origin: rows are added once,
//! in the order of their target step (`moments`). A gap at a series' end is stepped over by a longer horizon: the
//! row stands at its last value, and the horizon is counted from there.

use super::design::{origin_columns, target_columns, width};
use super::ground::{Ground, Past};
use super::model::{Fitted, Model, PRIOR_OF_THE_TOLD};
use super::moments::{Line, Moments, Penalty};
use super::threads::each;

/// Strength and mix of the penalty on standardised columns, the same for every category and horizon.
const PENALTY: Penalty = Penalty { strength: 0.01, l1_ratio: 0.5 };
/// Rows a fit needs for each column.
const ROWS_PER_COLUMN: usize = 4;
/// Rows learnt from at most, over all horizons: a limit of work. Larger panels learn from every second, third, … origin.
const ROW_LIMIT: usize = 4_000_000;
/// Targets are drawn in at this many units times the root of the horizon: a random walk passes it about never.
const TARGET_LIMIT: f64 = 6.0;

/// The member.
pub(super) struct ElasticNet;

struct FittedElasticNet {
    /// By horizon, from 1; None where rows were too few.
    lines: Vec<Option<Line>>,
}

impl Model for ElasticNet {
    fn name(&self) -> &'static str {
        "elastic_net"
    }

    fn prior(&self, ground: &Ground) -> f64 {
        if ground.known > 0 { PRIOR_OF_THE_TOLD } else { 2.0 }
    }

    fn fit(&self, ground: &Ground, origins: &[usize], horizon: usize, threads: usize) -> Vec<Box<dyn Fitted>> {
        let reach = horizon + longest_gap(ground, origins);
        let mut moments = vec![Moments::new(width(ground)); reach];
        let stride = |origin| stride(ground.begun(origin), origin + 1, horizon);
        let mut next = 0;
        let mut fits: Vec<Box<dyn Fitted>> = Vec::with_capacity(origins.len());
        for &origin in origins {
            learn(ground, next, origin, &stride, &mut moments);
            next = origin + 1;
            let lines = each(moments.len(), threads, |ahead| moments[ahead].fit(PENALTY, ROWS_PER_COLUMN));
            fits.push(Box::new(FittedElasticNet { lines }));
        }
        fits
    }
}

/// The longest gap at the end of a series at any of the origins, as far as it can be bridged.
fn longest_gap(ground: &Ground, origins: &[usize]) -> usize {
    let bridge = ground.rhythm.bridge;
    let gaps = origins.iter().flat_map(|&origin| {
        let past = ground.past(origin);
        (0..ground.tracks.len()).filter_map(move |series| past.last_seen(series).map(|seen| past.step - seen))
    });
    gaps.filter(|gap| *gap <= bridge).max().unwrap_or(0)
}

/// Every how many steps a series is stood at, so that the rows grow slowly past the limit; it follows from what was
/// there by then, so that a row once learnt from stays.
fn stride(series: usize, steps: usize, horizon: usize) -> usize {
    (series * steps * horizon).div_ceil(ROW_LIMIT).max(1)
}

/// Adds the rows whose target lies in `from..=to`, one `Moments` a horizon; series take turns when thinned.
fn learn(ground: &Ground, from: usize, to: usize, stride: &dyn Fn(usize) -> usize, moments: &mut [Moments]) {
    let mut row = Vec::with_capacity(width(ground) + 2);
    for origin in from.saturating_sub(moments.len())..to {
        let past = ground.past(origin);
        let stride = stride(origin) as u64;
        for series in
            (0..ground.tracks.len()).filter(|series| ground.tracks[*series].turn.wrapping_add(origin as u64).is_multiple_of(stride))
        {
            row.clear();
            row.push(1.0);
            let Some(gauge) = origin_columns(past, series, &mut row) else { continue };
            let columns = row.len();
            for target in from.max(origin + 1)..=to.min(origin + moments.len()) {
                let Some(value) = ground.learnt(series, target) else { continue };
                let ahead = target - origin;
                row.truncate(columns);
                target_columns(past, series, target, gauge, &mut row);
                let limit = TARGET_LIMIT * (ahead as f64).sqrt();
                row.push(((value - gauge.level) / gauge.unit).clamp(-limit, limit));
                // sales that an empty shelf cut short say less
                moments[ahead - 1].add(&row, ground.tracks[series].share(target));
            }
        }
    }
}

impl Fitted for FittedElasticNet {
    fn forecast(&self, past: Past<'_>, series: usize, horizon: usize) -> Result<Vec<f64>, String> {
        let ground = past.ground();
        let (stand, gap) = past.before_gap(series)?;
        let mut row = Vec::with_capacity(width(ground));
        let few = || format!("{} values are too few for its columns", past.seen(series));
        let gauge = origin_columns(stand, series, &mut row).ok_or_else(few)?;
        let columns = row.len();
        let one = |ahead: usize| {
            let line = self.lines[gap + ahead - 1].as_ref().ok_or_else(|| format!("too few rows to learn step {ahead} ahead from"))?;
            row.truncate(columns);
            target_columns(stand, series, past.step + ahead, gauge, &mut row);
            let limit = TARGET_LIMIT * ((gap + ahead) as f64).sqrt();
            Ok(ground.tracks[series].transform.restore(gauge.level + gauge.unit * line.at(&row).clamp(-limit, limit)))
        };
        (1..=horizon).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, seasonal_panel};
    use nongshi_domain::{Cadence, Cutoff};

    fn ground_of(panel: &nongshi_domain::Panel, steps: u32) -> Ground {
        Ground::new(panel, Cutoff(Cadence::Week.advance(day("2020-01-06"), steps - 1)), &ahead(panel.cadence, 20)).expect("values")
    }

    #[test]
    fn a_refit_on_the_way_equals_a_fit_from_the_start() {
        let ground = ground_of(&seasonal_panel(6, 180), 180);
        let on_the_way = ElasticNet.fit(&ground, &[120, 140, 170], 8, 1);
        let at_once = ElasticNet.fit(&ground, &[170], 8, 1);
        for series in 0..6 {
            let (a, b) = (on_the_way[2].forecast(ground.past(170), series, 8), at_once[0].forecast(ground.past(170), series, 8));
            for (a, b) in a.expect("said").into_iter().zip(b.expect("said")) {
                // the same sums in another order
                assert!((a - b).abs() < 1e-6 * a, "{a} for {b}");
            }
        }
    }

    #[test]
    fn large_panels_are_thinned_and_small_ones_are_not() {
        for (series, steps, reach, expect) in [(60, 150, 13, 1), (24, 1059, 28, 1), (359, 2610, 13, 4), (0, 1, 1, 1)] {
            assert_eq!(stride(series, steps, reach), expect);
        }
        // A thinned design still learns: every third row of a seasonal panel tells nearly the same.
        let ground = ground_of(&seasonal_panel(12, 180), 180);
        let said = |stride| {
            let mut moments = vec![Moments::new(width(&ground)); 8];
            learn(&ground, 0, 170, &|_| stride, &mut moments);
            let lines = each(moments.len(), 1, |ahead| moments[ahead].fit(PENALTY, ROWS_PER_COLUMN));
            (moments[0].rows(), FittedElasticNet { lines }.forecast(ground.past(170), 3, 8).expect("said"))
        };
        let ((all, whole), (some, thinned)) = (said(1), said(3));
        assert!(some.abs_diff(all / 3) < 20, "{some} of {all} rows");
        // 15 %: two noises of an error whose deviation is 6 % a step
        assert!(whole.iter().zip(&thinned).all(|(a, b)| (a - b).abs() < 0.15 * a), "{whole:?} {thinned:?}");
    }

    #[test]
    fn no_target_after_the_origin_is_learnt() {
        let panel = seasonal_panel(6, 180);
        let mut later = panel.clone();
        for series in &mut later.series {
            for value in &mut series.values[141..] {
                *value = value.map(|value| value * 9.0);
            }
        }
        let said = |panel| {
            let ground = ground_of(panel, 180);
            ElasticNet.fit(&ground, &[100, 140, 179], 8, 1)[1].forecast(ground.past(140), 2, 8)
        };
        assert_eq!(said(&panel), said(&later));
        assert!(said(&panel).is_ok());
    }

    #[test]
    fn a_gap_at_the_end_is_stepped_over_by_a_longer_horizon() {
        let mut panel = seasonal_panel(6, 180);
        panel.series[0].values.truncate(177);
        let ground = ground_of(&panel, 180);
        let fits = ElasticNet.fit(&ground, &[176, 179], 5, 1);
        let from_the_gap = fits[1].forecast(ground.past(179), 0, 5).expect("three steps can be bridged");
        let line = ElasticNet.fit(&ground, &[179], 8, 1);
        // Standing at the last value with three steps more to go says the same.
        let ahead = line[0].forecast(ground.past(179).at(176), 0, 8).expect("said");
        for (a, b) in from_the_gap.iter().zip(&ahead[3..]) {
            assert!((a - b).abs() < 1e-6 * a, "{a} for {b}");
        }
        panel.series[0].values.truncate(175);
        let ground = ground_of(&panel, 180);
        let refused = ElasticNet.fit(&ground, &[179], 5, 1)[0].forecast(ground.past(179), 0, 5).expect_err("five steps cannot");
        assert_eq!(refused, "5 steps without a value at the end, 4 can be bridged");
    }
}
