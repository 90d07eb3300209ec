//! Scores of forecasts, defined as in `peers/peer_bench.py`. In: what was said and what came. Out: one row a model.
//! Never: a step without an observed value.
//!
//! A window is one series at one origin. MASE: mean absolute error by the mean absolute lag-season difference of the
//! window's own training part (lag 1 when the training part has no more than season + 1 steps). RMSSE: root of the
//! mean squared error by the mean squared lag-1 difference, leading zeros cut off. sMAPE in percent. SPL: mean pinball
//! loss at `LEVELS` by the MASE scale. cov80: the share inside the outer quantiles. All of these are means over
//! windows; WAPE, bias (said less came) and WQL are sums over all steps by the sum of absolute values. A window whose
//! training part does not move counts only in the sums.

use super::latent::in_stock_throughout;
use super::rhythm::rhythm;
use nongshi_domain::{Forecast, LEVELS, Panel};
use std::collections::{BTreeMap, BTreeSet};

/// A scale below this is none.
const MIN_SCALE: f64 = 1e-12;

/// One row of a score board.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    /// Mean absolute scaled error.
    pub mase: f64,
    /// Root mean squared scaled error.
    pub rmsse: f64,
    /// Symmetric mean absolute percentage error, in percent.
    pub smape: f64,
    /// Scaled pinball loss at each of `LEVELS`.
    pub spl_at: [f64; 3],
    /// Their mean.
    pub spl: f64,
    /// Share of values inside the outer quantiles.
    pub cov80: f64,
    /// Sum of absolute errors by sum of absolute values.
    pub wape: f64,
    /// Sum of said less came by sum of absolute values.
    pub bias: f64,
    /// Twice the sum of pinball losses by sum of absolute values, mean over `LEVELS`.
    pub wql: f64,
    /// Windows in the means.
    pub windows: u32,
    /// Windows whose training part does not move.
    pub skipped: u32,
    /// Distinct origins among the windows.
    pub origins: u32,
    /// Distinct series among them.
    pub series: u32,
}

/// What scales a window's errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    absolute: f64,
    squared: f64,
}

impl Scales {
    /// Of a training part that begins with the series' first value. Differences are taken where both ends were observed.
    pub fn of(training: &[Option<f64>], season: usize) -> Scales {
        let lag = if training.len() > season + 1 { season } else { 1 };
        let differences = |values: &[Option<f64>], lag: usize| -> Vec<f64> {
            values.iter().skip(lag).zip(values).filter_map(|(later, earlier)| Some((*later)? - (*earlier)?)).collect()
        };
        let mean = |values: Vec<f64>| if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 };
        let moving = training.iter().position(|value| value.is_some_and(|value| value != 0.0)).unwrap_or(0);
        Scales {
            absolute: mean(differences(training, lag).into_iter().map(f64::abs).collect()),
            squared: mean(differences(&training[moving..], 1).into_iter().map(|difference| difference * difference).collect()),
        }
    }
}

/// Running sums of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    means: [f64; 7],
    windows: u32,
    skipped: u32,
    absolute: f64,
    signed: f64,
    values: f64,
    pinball: [f64; 3],
    origins: BTreeSet<i64>,
    series: BTreeSet<String>,
}

impl Tally {
    /// Adds a window: what came, and the quantiles that were said, step by step.
    pub fn add(&mut self, origin: i64, series: &str, scales: Scales, steps: &[(f64, [f64; 3])]) {
        if steps.is_empty() {
            return;
        }
        let count = steps.len() as f64;
        let (mut absolute, mut squared, mut percent, mut inside, mut pinball) = (0.0, 0.0, 0.0, 0.0, [0.0; 3]);
        for (came, said) in steps {
            let error = came - said[1];
            absolute += error.abs();
            squared += error * error;
            let size = came.abs() + said[1].abs();
            percent += if size > 0.0 { 200.0 * error.abs() / size } else { 0.0 };
            inside += if (said[0]..=said[2]).contains(came) { 1.0 } else { 0.0 };
            for ((loss, level), said) in pinball.iter_mut().zip(LEVELS).zip(said) {
                *loss += (level * (came - said)).max((level - 1.0) * (came - said));
            }
            self.signed += said[1] - came;
            self.values += came.abs();
        }
        self.absolute += absolute;
        for (sum, loss) in self.pinball.iter_mut().zip(pinball) {
            *sum += loss;
        }
        if scales.absolute <= MIN_SCALE || scales.squared <= MIN_SCALE {
            self.skipped += 1;
            return;
        }
        let [low, middle, high] = pinball.map(|loss| loss / count / scales.absolute);
        let window = [
            absolute / count / scales.absolute,
            (squared / count / scales.squared).sqrt(),
            percent / count,
            low,
            middle,
            high,
            inside / count,
        ];
        for (mean, value) in self.means.iter_mut().zip(window) {
            *mean += value;
        }
        self.windows += 1;
        self.origins.insert(origin);
        self.series.insert(series.to_string());
    }

    /// The row; None without a window that could be scaled.
    pub fn measures(&self) -> Option<Measures> {
        if self.windows == 0 {
            return None;
        }
        let [mase, rmsse, smape, low, middle, high, cov80] = self.means.map(|sum| sum / f64::from(self.windows));
        let per_value = |sum: f64| if self.values > 0.0 { sum / self.values } else { 0.0 };
        Some(Measures {
            mase,
            rmsse,
            smape,
            spl_at: [low, middle, high],
            spl: (low + middle + high) / 3.0,
            cov80,
            wape: per_value(self.absolute),
            bias: per_value(self.signed),
            wql: per_value(2.0 * self.pinball.iter().sum::<f64>() / 3.0),
            windows: self.windows,
            skipped: self.skipped,
            origins: self.origins.len() as u32,
            series: self.series.len() as u32,
        })
    }
}

/// Scores any forecasts against what came later, by model name: each forecast is a window. `season` is the lag of the
/// scale; None takes the cadence's (7 days, 52 weeks, 12 months). The panel holds the values after the cutoffs.
pub fn score_forecasts(panel: &Panel, season: Option<usize>, forecasts: &[Forecast]) -> BTreeMap<String, Measures> {
    let season = season.unwrap_or(rhythm(panel.cadence).season);
    let by_key: BTreeMap<&str, &nongshi_domain::Series> = panel.series.iter().map(|series| (series.key.as_str(), series)).collect();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for forecast in forecasts {
        let Some(series) = by_key.get(forecast.key.as_str()) else { continue };
        let scales = Scales::of(&series.until(panel.cadence, forecast.cutoff).values, season);
        let came = |day| {
            let step = usize::try_from(panel.cadence.steps_between(series.start, day)).ok()?;
            // what an empty shelf cut short is no demand
            let whole = series.told.in_stock.get(step).is_none_or(|share| in_stock_throughout(*share));
            *series.values.get(step).filter(|_| whole)?
        };
        let steps: Vec<_> = forecast.steps.iter().filter_map(|step| Some((came(step.day)?, step.quantiles))).collect();
        let origin = panel.cadence.steps_between(chrono::NaiveDate::default(), forecast.cutoff.0);
        tallies.entry(&forecast.model).or_default().add(origin, &forecast.key, scales, &steps);
    }
    tallies.into_iter().filter_map(|(model, tally)| Some((model.to_string(), tally.measures()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expect: f64) {
        assert!((found - expect).abs() < 1e-12, "{found} for {expect}");
    }

    #[test]
    fn hand_computed_scores() {
        // Training 0 0 2 4 3, season 2: |2-0|, |4-0|, |3-2| give 7/3; lag 1 from the first sale: (4-2)^2, (3-4)^2 give 5/2.
        let training = [0.0, 0.0, 2.0, 4.0, 3.0].map(Some);
        let scales = Scales::of(&training, 2);
        close(scales.absolute, 7.0 / 3.0);
        close(scales.squared, 2.5);
        let mut tally = Tally::default();
        tally.add(0, "a", scales, &[(5.0, [2.0, 4.0, 6.0]), (1.0, [2.0, 3.0, 4.0])]);
        let row = tally.measures().expect("a window");
        close(row.mase, 1.5 / (7.0 / 3.0));
        close(row.rmsse, (2.5_f64 / 2.5).sqrt());
        close(row.smape, (200.0 / 9.0 + 200.0 * 2.0 / 4.0) / 2.0);
        // at 10 %: .1 x 3 and .9 x 1; at 50 %: .5 and 1; at 90 %: .1 x 1 and .1 x 3
        for (found, loss) in row.spl_at.into_iter().zip([1.2, 1.5, 0.4]) {
            close(found, loss / 2.0 / (7.0 / 3.0));
        }
        close(row.spl, 3.1 / 6.0 / (7.0 / 3.0));
        close(row.cov80, 0.5);
        close(row.wape, 3.0 / 6.0);
        close(row.bias, 1.0 / 6.0);
        close(row.wql, 2.0 * 3.1 / 3.0 / 6.0);
        assert_eq!((row.windows, row.skipped, row.origins, row.series), (1, 0, 1, 1));
    }

    #[test]
    fn a_short_training_part_is_scaled_by_lag_one_and_gaps_are_passed_over() {
        close(Scales::of(&[1.0, 2.0, 4.0].map(Some), 2).absolute, 1.5);
        close(Scales::of(&[Some(1.0), None, Some(4.0), Some(6.0)], 52).absolute, 2.0);
    }

    #[test]
    fn a_series_that_stands_still_counts_in_the_sums_only() {
        let mut tally = Tally::default();
        tally.add(0, "a", Scales::of(&[Some(2.0); 9], 1), &[(2.0, [1.0, 3.0, 4.0])]);
        assert!(tally.measures().is_none());
        tally.add(0, "b", Scales::of(&[1.0, 2.0, 1.0].map(Some), 1), &[(2.0, [1.0, 2.0, 4.0])]);
        let row = tally.measures().expect("a window");
        assert_eq!((row.windows, row.skipped), (1, 1));
        close(row.wape, 0.25);
        close(row.mase, 0.0);
    }
}
