//! Rolling origins: what every member would have said, at each origin, from what was known by then.
//! In: the ground, the members, the settings. Out: windows by origin, the last origin being the cutoff itself.
//! Never: treats the cutoff differently from an earlier origin, which is what keeps the scores honest.

use super::ForecastSettings;
use super::conformal::NORMAL_90;
use super::explosion::{bounds, replace_explosions};
use super::ground::{Ground, Past};
use super::model::Model;
use super::track::MIN_OBSERVED;
use nongshi_domain::{Cadence, Target};

/// Demand's unit is never below this share of the series' mean.
const UNIT_FLOOR_SHARE: f64 = 0.05;
/// Nor below this share of the kin's middle unit (a product that has not sold yet may sell).
const UNIT_FLOOR_KIN: f64 = 0.01;

/// How far the reach goes toward what was learnt, as a power.
const LEARNT_SHARE_OF_PRICES: f64 = 0.3;
/// See `LEARNT_SHARE_OF_PRICES`.
const LEARNT_SHARE_OF_DEMAND: f64 = 0.6;
/// A learnt reach is at least this share of a walk's.
const LEAST_REACH: f64 = 0.1;

/// What was said about one series at one origin.
pub(super) struct Said {
    /// The step stood at.
    pub origin: usize,
    /// Which track.
    pub series: usize,
    /// The unit of its errors, known at the origin.
    pub unit: f64,
    /// How far errors reach below and above, by horizon, in the unit of `residual(.., 1.0)`, as far as was known at the origin.
    pub reach: Vec<[f64; 2]>,
    /// By member: a value for each horizon, or why not.
    pub members: Vec<Result<Vec<f64>, String>>,
    /// Steps that exploded and were replaced.
    pub replaced: u32,
}

/// The same, seen from a cutoff: with what the combination made of it.
pub(super) struct Window<'a> {
    /// What the members said.
    pub said: &'a Said,
    /// The combination's values.
    pub combined: Vec<f64>,
    /// How far the series' errors reach beside its kin's, as far as was known at the origin.
    pub factor: f64,
}

impl Window<'_> {
    /// How far errors reach below and above, at the horizon of index `step`.
    pub fn reach(&self, step: usize) -> [f64; 2] {
        self.said.reach[step].map(|reach| reach * self.factor)
    }
}

/// What was said at rising origins: one list an origin, in the order of the tracks.
pub(super) struct Walk {
    origins: Vec<usize>,
    said: Vec<Vec<Said>>,
}

impl Walk {
    /// What was said at one of its origins.
    pub fn at(&self, origin: usize) -> &[Said] {
        self.origins.binary_search(&origin).map_or(&[], |index| &self.said[index])
    }
}

/// The rising origins: as many with a whole horizon known as the settings ask for and history allows, then those
/// nearer to the cutoff, whose first horizons are known, then the cutoff.
pub(super) fn origins(last: usize, settings: &ForecastSettings) -> Vec<usize> {
    let step = settings.origin_step.max(1) as usize;
    let whole = settings.horizon as usize;
    let distances = (1..=whole.div_ceil(step)).rev().map(|back| whole.checked_sub(back * step));
    let near = distances.flatten().filter(|distance| *distance > 0).map(|distance| last.checked_sub(distance));
    let far = (0..settings.origins as usize).map(|back| last.checked_sub(whole + back * step));
    let mut found: Vec<usize> =
        far.chain(near).chain([Some(last)]).flatten().filter(|origin| origin + 1 >= MIN_OBSERVED || *origin == last).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Why a series cannot be forecast from this past, if so.
pub(super) fn refusal(past: Past<'_>, series: usize) -> Option<String> {
    let ground = past.ground();
    let (seen, stale) = (past.seen(series), ground.rhythm.stale);
    if seen < MIN_OBSERVED {
        return Some(format!("{seen} observed steps, {MIN_OBSERVED} are needed"));
    }
    let last_seen = past.last_seen(series)?;
    let gap = past.step - last_seen;
    (gap > stale).then(|| format!("no value for {gap} steps, {stale} are allowed; the last is of {}", ground.day(last_seen)))
}

/// Walks the members over the rising origins. What is said at one does not depend on the others.
pub(super) fn walk(ground: &Ground, members: &[&dyn Model], settings: &ForecastSettings, origins: Vec<usize>) -> Walk {
    let horizon = settings.horizon as usize;
    let fits: Vec<_> = members.iter().map(|member| member.fit(ground, &origins, horizon, settings.threads)).collect();
    let at = |index: usize| -> Vec<Said> {
        let origin = origins[index];
        let past = ground.past(origin);
        let bounds = bounds(ground, origin, settings.explosion_factor);
        let units = units(past);
        let one = |series: usize| {
            let mut members: Vec<_> = fits.iter().map(|fits| fits[index].forecast(past, series, horizon)).collect();
            let replaced = replace_explosions(&mut members, bounds[series]);
            let levels = fits.iter().find_map(|fits| fits[index].levels(past, series, horizon));
            let reach = reach(ground.target, units[series], horizon, levels.as_deref());
            Said { origin, series, unit: units[series], reach, members, replaced }
        };
        (0..ground.tracks.len()).filter(|series| refusal(past, *series).is_none()).map(one).collect()
    };
    let said = (0..origins.len()).map(at).collect();
    Walk { origins, said }
}

/// The unit of each series' errors: for prices the root mean squared log move, the geometric mean of the last year's and
/// of all the past's (one alone is slow to see that times have changed, the other soon forgets); for demand the mean absolute difference
/// to the season before (daily) or the step before, over the last year, in kg.
fn units(past: Past<'_>) -> Vec<f64> {
    let ground = past.ground();
    let rhythm = ground.rhythm;
    let series = 0..ground.tracks.len();
    if ground.target == Target::Price {
        let spread = |series: usize| (past.deviation(series, rhythm.year) * past.deviation(series, usize::MAX)).sqrt();
        return series.map(spread).collect();
    }
    let lag = if ground.cadence == Cadence::Day { rhythm.season } else { 1 };
    let from = (past.step + 1).saturating_sub(rhythm.year);
    let one = |series: usize| {
        let (mut sum, mut count, mut total, mut seen) = (0.0, 0.0, 0.0, 0.0);
        for step in from..=past.step {
            let Some(value) = past.value(series, step) else { continue };
            (total, seen) = (total + value, seen + 1.0);
            if let Some(before) = step.checked_sub(lag).and_then(|before| past.value(series, before)) {
                (sum, count) = (sum + (value - before).abs(), count + 1.0);
            }
        }
        let mean = if seen > 0.0 { total / seen } else { 0.0 };
        (if count > 0.0 { sum / count } else { mean }).max(UNIT_FLOOR_SHARE * mean)
    };
    let mut units: Vec<f64> = series.map(one).collect();
    let begun = (0..units.len()).filter(|series| past.last_seen(*series).is_some());
    let mut sorted: Vec<f64> = begun.map(|series| units[series]).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let floor = (sorted.get(sorted.len() / 2).copied().unwrap_or(0.0) * UNIT_FLOOR_KIN).max(f64::EPSILON);
    for unit in &mut units {
        *unit = unit.max(floor);
    }
    units
}

/// How far errors reach: a walk's law in the series' unit, met on the way (geometrically) by what a member has learnt
/// (Romano, Patterson and Candes, Conformalized quantile regression, NeurIPS 2019). Prices keep more of the walk.
fn reach(target: Target, unit: f64, horizon: usize, levels: Option<&[[f64; 3]]>) -> Vec<[f64; 2]> {
    let learnt_share = if target == Target::Price { LEARNT_SHARE_OF_PRICES } else { LEARNT_SHARE_OF_DEMAND };
    let one = |step: usize| {
        let plain = if target == Target::Price { unit * ((step + 1) as f64).sqrt() } else { unit };
        let Some([low, middle, high]) = levels.map(|levels| levels[step]) else { return [plain; 2] };
        let (below, above) = match target {
            Target::Price => ((middle / low).ln(), (high / middle).ln()),
            Target::Demand => (middle - low, high - middle),
        };
        [below, above].map(|learnt: f64| {
            let learnt = (learnt / NORMAL_90).max(LEAST_REACH * plain);
            plain * (learnt / plain).powf(learnt_share)
        })
    };
    (0..horizon).map(one).collect()
}

/// The error of a forecast in the window's unit: a log ratio for prices, a difference for demand.
pub(super) fn residual(target: Target, actual: f64, said: f64, unit: f64) -> f64 {
    match target {
        Target::Price => (actual / said).ln() / unit,
        Target::Demand => (actual - said) / unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::Cutoff;

    #[test]
    fn origins_rise_to_the_cutoff_and_whole_ones_are_as_many_as_asked() {
        let settings = ForecastSettings { origins: 3, origin_step: 2, ..ahead(Cadence::Week, 6) };
        assert_eq!(origins(50, &settings), [40, 42, 44, 46, 48, 50]);
        // With little history the early ones are left out.
        assert_eq!(origins(17, &settings), [7, 9, 11, 13, 15, 17]);
        assert_eq!(origins(12, &settings), [8, 10, 12]);
        assert_eq!(origins(3, &settings), [3]);
        let odd = ForecastSettings { origins: 1, origin_step: 3, ..ahead(Cadence::Week, 7) };
        assert_eq!(origins(50, &odd), [43, 46, 49, 50]);
    }

    #[test]
    fn short_and_stale_series_are_refused_in_words() {
        let mut stale = vec![Some(1.0); 10];
        stale.extend(vec![None; 15]);
        stale.push(Some(2.0));
        let panel = panel_of(Target::Price, Cadence::Week, &[("a", vec![Some(1.0); 7]), ("b", stale), ("c", vec![Some(1.0); 26])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-06-28")), &ahead(panel.cadence, 0)).expect("values");
        let said = |step: usize| (0..3).map(|series| refusal(ground.past(step), series)).collect::<Vec<_>>();
        assert_eq!(said(23)[0].as_deref(), Some("7 observed steps, 8 are needed"));
        assert_eq!(said(23)[1].as_deref(), Some("no value for 14 steps, 13 are allowed; the last is of 2020-03-09"));
        assert_eq!(said(22)[1..], [None, None]);
    }

    #[test]
    fn residuals_are_log_ratios_or_differences() {
        assert!((residual(Target::Price, 2.0, 1.0, 0.1) - 2.0_f64.ln() / 0.1).abs() < 1e-12);
        assert_eq!(residual(Target::Demand, 0.0, 6.0, 2.0), -3.0);
    }

    #[test]
    fn demand_is_measured_in_its_own_steps() {
        // Alternating 0 and 4 kg a day: a week apart the difference is 4.
        let values = (0..30).map(|step| Some(f64::from(step % 2 * 4))).collect();
        let panel = panel_of(Target::Demand, Cadence::Day, &[("a", values), ("b", vec![Some(0.0); 30])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-02-04")), &ahead(panel.cadence, 0)).expect("values");
        let units = units(ground.past(29));
        assert_eq!(units[0], 4.0);
        assert!(units[1] > 0.0 && units[1] <= 0.04, "{}", units[1]);
    }
}
