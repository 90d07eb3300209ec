//! A panel made ready for models: one axis of steps, transformed values, sums for quick windows.
//! In: a panel, the cutoff. Out: `Ground`, and `Past`: the ground as it stood at a step.
//! Never: lets a `Past` show a later value; hands bridged values to a score.

use super::ForecastSettings;
use super::almanac::Almanac;
use super::latent::{in_stock_throughout, latent_demand};
use super::rhythm::{Rhythm, rhythm_of};
use super::track::{Known, Track};
use chrono::NaiveDate;
use nongshi_domain::{Cadence, Cutoff, Panel, Target};

/// Moves of the panel that a series' own roughness is shrunk toward, in steps.
const ROUGHNESS_PRIOR_STEPS: f64 = 8.0;
/// Roughness is never below this: a price that has stood still may move yet. In log units a step.
const ROUGHNESS_FLOOR: f64 = 0.002;
/// Root mean square of a normal law by its mean absolute value, root of pi/2.
pub(super) const DEVIATION_PER_MEAN_ABSOLUTE: f64 = 1.253_314_137_315_5;
/// A common move needs this many series.
const KIN_SERIES: usize = 3;

/// The panel until the cutoff, on one axis; step 0 is the earliest start.
pub(super) struct Ground {
    /// The panel's step.
    pub cadence: Cadence,
    /// Price or demand.
    pub target: Target,
    /// First day of step 0.
    pub first: NaiveDate,
    /// The cutoff's step: no track has a value after it.
    pub last: usize,
    /// One a series, in the panel's order.
    pub tracks: Vec<Track>,
    /// Calendar columns, also of the steps to come.
    pub almanac: Almanac,
    /// The numbers of the panel.
    pub rhythm: Rhythm,
    /// Columns known beforehand.
    pub known: usize,
    /// Whether it is told when it could be bought.
    pub tells_stock: bool,
    /// The kin's common level: running mean of their moves, with its running sums. Empty for few series.
    kin: Vec<f64>,
    kin_sums: Vec<f64>,
    /// Median roughness of the series at each step.
    kin_roughness: Vec<f64>,
}

impl Ground {
    /// Lays the panel out. The calendar reaches a horizon further.
    /// None when the panel has no value by then.
    pub fn new(panel: &Panel, cutoff: Cutoff, settings: &ForecastSettings) -> Option<Ground> {
        let panel = panel.until(cutoff);
        let (cadence, target, rhythm) = (panel.cadence, panel.target, rhythm_of(panel.cadence, settings));
        let first = panel.series.iter().map(|series| cadence.floor(series.start)).min()?;
        let last = usize::try_from(cadence.steps_between(first, cutoff.0)).ok()?;
        let tells_stock = target == Target::Demand && panel.series.iter().any(|series| !series.told.in_stock.is_empty());
        let known = panel.known.len();
        let mut series: Vec<_> = panel.series.iter().collect();
        series.sort_by(|a, b| a.key.cmp(&b.key));
        let lay = |series: &&nongshi_domain::Series| {
            let offset = cadence.steps_between(first, series.start) as usize;
            let mut observed = vec![None; last + 1];
            for (cell, value) in observed[offset..].iter_mut().zip(&series.values) {
                *cell = value.filter(|value| match target {
                    Target::Price => value.is_finite() && *value > 0.0,
                    Target::Demand => value.is_finite() && *value >= 0.0,
                });
            }
            let mut in_stock = Vec::new();
            if tells_stock {
                in_stock.resize(last + 1, 1.0);
                for ((share, cell), told) in in_stock[offset..].iter_mut().zip(&mut observed[offset..]).zip(&series.told.in_stock) {
                    *share = *told;
                    *cell = cell.and_then(|sold| latent_demand(sold, *told));
                }
            }
            let mut track = Track::new(&series.key, observed, target, rhythm.bridge);
            track.in_stock = in_stock;
            track.known = Known::new(offset, series.told.known.clone());
            track
        };
        let tracks: Vec<Track> = series.iter().map(lay).collect();
        let kin = common_level(&tracks, last);
        let mut kin_sums = vec![0.0];
        for (step, level) in kin.iter().enumerate() {
            kin_sums.push(kin_sums[step] + level);
        }
        let kin_roughness = (0..=last).map(|step| median_roughness(&tracks, step, rhythm.year)).collect();
        let almanac = Almanac::new(cadence, rhythm.calendar, first, last + 1 + settings.horizon as usize);
        Some(Ground { cadence, target, first, last, tracks, almanac, rhythm, known, tells_stock, kin, kin_sums, kin_roughness })
    }

    /// The ground as it stood at `step`.
    pub fn past(&self, step: usize) -> Past<'_> {
        assert!(step <= self.last, "step {step} lies after the cutoff's step {}", self.last);
        Past { ground: self, step }
    }

    /// How many series had shown a value by a step.
    pub fn begun(&self, step: usize) -> usize {
        self.tracks.iter().filter(|track| track.last_seen[step].is_some()).count()
    }

    /// First day of a step.
    pub fn day(&self, step: usize) -> NaiveDate {
        self.cadence.advance(self.first, step as u32)
    }

    /// What was observed, for errors: None for a gap, for what is not known at the cutoff, and where sales were cut short by an
    /// empty shelf.
    pub fn came(&self, series: usize, step: usize) -> Option<f64> {
        self.observed(series, step).filter(|_| in_stock_throughout(self.tracks[series].share(step)))
    }

    /// What was observed, as a target: None for a gap and for what is not known at the cutoff.
    pub fn observed(&self, series: usize, step: usize) -> Option<f64> {
        self.tracks[series].observed.get(step).copied().flatten()
    }

    /// What was observed, transformed, as a target to be learnt.
    pub fn learnt(&self, series: usize, step: usize) -> Option<f64> {
        self.observed(series, step).map(|value| self.tracks[series].transform.apply(value))
    }
}

/// Running mean of the moves that the series made together.
fn common_level(tracks: &[Track], last: usize) -> Vec<f64> {
    if tracks.len() < KIN_SERIES {
        return Vec::new();
    }
    let mut level = vec![0.0];
    for step in 1..=last {
        let moves = tracks.iter().filter_map(|track| Some(track.bridged[step]? - track.bridged[step - 1]?));
        let (sum, count) = moves.fold((0.0, 0), |(sum, count), moved| (sum + moved, count + 1));
        level.push(level[step - 1] + if count >= KIN_SERIES { sum / count as f64 } else { 0.0 });
    }
    level
}

/// The middle series' roughness at a step.
fn median_roughness(tracks: &[Track], step: usize, window: usize) -> f64 {
    let mut found: Vec<f64> =
        tracks.iter().map(|track| track.roughness(step, window)).filter(|(_, count)| *count > 0.0).map(|(mean, _)| mean).collect();
    found.sort_unstable_by(f64::total_cmp);
    found.get(found.len() / 2).copied().unwrap_or(ROUGHNESS_FLOOR)
}

/// The ground as it stood at one step: every question about a later step is answered by None.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    ground: &'a Ground,
    /// The step it stands at.
    pub step: usize,
}

impl<'a> Past<'a> {
    /// What does not depend on values: target, cadence, almanac.
    pub fn ground(&self) -> &'a Ground {
        self.ground
    }

    /// An earlier past.
    pub fn at(&self, step: usize) -> Past<'a> {
        assert!(step <= self.step, "step {step} lies after {}", self.step);
        Past { ground: self.ground, step }
    }

    /// The past of a series' last value, and by how many steps it lies back; else why such a gap cannot be bridged.
    pub fn before_gap(&self, series: usize) -> Result<(Past<'a>, usize), String> {
        let seen = self.last_seen(series).ok_or_else(|| format!("no value by {}", self.ground.day(self.step)))?;
        let (gap, bridge) = (self.step - seen, self.ground.rhythm.bridge);
        if gap > bridge {
            return Err(format!("{gap} steps without a value at the end, {bridge} can be bridged"));
        }
        Ok((self.at(seen), gap))
    }

    /// The last step with a value.
    pub fn last_seen(&self, series: usize) -> Option<usize> {
        self.ground.tracks[series].last_seen[self.step]
    }

    /// How many values were seen.
    pub fn seen(&self, series: usize) -> usize {
        self.ground.tracks[series].seen[self.step + 1] as usize
    }

    /// The observed value.
    pub fn value(&self, series: usize, step: usize) -> Option<f64> {
        if step > self.step { None } else { self.ground.tracks[series].observed[step] }
    }

    /// The transformed, bridged value.
    pub fn bridged(&self, series: usize, step: usize) -> Option<f64> {
        if step > self.step { None } else { self.ground.tracks[series].bridged[step] }
    }

    /// Mean of the bridged values in `from..=to`, when at least half of them are there and none lies ahead.
    pub fn mean(&self, series: usize, from: usize, to: usize) -> Option<f64> {
        if to > self.step || from > to {
            return None;
        }
        let track = &self.ground.tracks[series];
        let count = (track.counts[to + 1] - track.counts[from]) as usize;
        (2 * count > to - from).then(|| (track.sums[to + 1] - track.sums[from]) / count as f64)
    }

    /// Mean share of the last `window` steps it could be bought.
    pub fn share(&self, series: usize, window: usize) -> f64 {
        let from = (self.step + 1).saturating_sub(window);
        let shares = (from..=self.step).map(|step| self.ground.tracks[series].share(step));
        shares.sum::<f64>() / (self.step + 1 - from) as f64
    }

    /// Mean absolute move a step over the last `window` steps, shrunk toward the kin's; the unit models measure moves in.
    pub fn roughness(&self, series: usize, window: usize) -> f64 {
        let (own, count) = self.ground.tracks[series].roughness(self.step, window);
        let kin = self.ground.kin_roughness[self.step];
        ((own * count + kin * ROUGHNESS_PRIOR_STEPS) / (count + ROUGHNESS_PRIOR_STEPS)).max(ROUGHNESS_FLOOR)
    }

    /// Root mean squared move a step over the last `window` steps, shrunk toward the kin's.
    pub fn deviation(&self, series: usize, window: usize) -> f64 {
        let (own, count) = self.ground.tracks[series].square(self.step, window);
        let kin = self.ground.kin_roughness[self.step] * DEVIATION_PER_MEAN_ABSOLUTE;
        let square = (own * count + kin * kin * ROUGHNESS_PRIOR_STEPS) / (count + ROUGHNESS_PRIOR_STEPS);
        square.sqrt().max(ROUGHNESS_FLOOR)
    }

    /// Mean common level of the kin in `from..=to`; None for few kin or for what lies ahead.
    pub fn kin(&self, from: usize, to: usize) -> Option<f64> {
        if to > self.step || from > to || self.ground.kin.is_empty() {
            return None;
        }
        Some((self.ground.kin_sums[to + 1] - self.ground.kin_sums[from]) / (to + 1 - from) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};

    #[test]
    fn the_last_value_is_carried_over_short_gaps_only() {
        let mut values = vec![Some(2.0); 3];
        values.extend(vec![None; 6]);
        values.push(Some(4.0));
        let panel = panel_of(Target::Price, Cadence::Week, &[("a", values)]);
        let ground = Ground::new(&panel, Cutoff(day("2020-03-15")), &ahead(panel.cadence, 0)).expect("values");
        let past = ground.past(9);
        let two = Some(2.0_f64.ln());
        assert_eq!([2, 3, 6, 7, 8].map(|step| past.bridged(0, step)), [two, two, two, None, None]);
        assert_eq!(past.bridged(0, 9), Some(4.0_f64.ln()));
        assert_eq!((3..9).filter_map(|step| ground.observed(0, step)).count(), 0, "bridged values stay inside");
        assert_eq!((past.seen(0), past.last_seen(0), past.at(8).last_seen(0)), (4, Some(9), Some(2)));
    }

    #[test]
    fn a_past_shows_nothing_that_came_later() {
        let panel = panel_of(Target::Demand, Cadence::Day, &[("a", (0..20).map(|i| Some(f64::from(i))).collect())]);
        let ground = Ground::new(&panel, Cutoff(day("2020-01-25")), &ahead(panel.cadence, 0)).expect("values");
        let past = ground.past(5);
        assert_eq!((past.value(0, 5), past.value(0, 6), past.bridged(0, 6)), (Some(5.0), None, None));
        assert_eq!((past.mean(0, 4, 6), past.kin(0, 1), past.last_seen(0)), (None, None, Some(5)));
        // The first eight values have mean 3.5.
        let expect = ((1.0 + 4.0 / 3.5_f64).ln() + (1.0 + 5.0 / 3.5_f64).ln()) / 2.0;
        assert!((past.mean(0, 4, 5).expect("seen") - expect).abs() < 1e-12);
    }

    #[test]
    fn a_free_price_and_a_return_are_gaps() {
        for (target, values, seen) in [
            (Target::Price, vec![Some(1.0), Some(0.0), Some(-1.0), Some(2.0)], 2),
            (Target::Demand, vec![Some(1.0), Some(0.0), Some(-1.0), Some(2.0)], 3),
        ] {
            let panel = panel_of(target, Cadence::Day, &[("a", values)]);
            let ground = Ground::new(&panel, Cutoff(day("2020-02-01")), &ahead(panel.cadence, 0)).expect("values");
            assert_eq!(ground.past(ground.last).seen(0), seen, "{target:?}");
        }
    }
}
