//! Forecasts outside what a series and its kin have ever shown are replaced, and counted.
//! In: what the members said. Out: the same, explosions replaced by the median of the other members.
//! Never: an explosion passed on; a bound learnt from a later value.

use super::ground::Ground;
use nongshi_domain::Target;

/// What a forecast of a series may be; both ends inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    low: f64,
    high: f64,
}

/// Extremes and mean of what a series showed until a step.
struct Shown {
    low: f64,
    high: f64,
    mean: f64,
}

fn shown(ground: &Ground, series: usize, origin: usize) -> Option<Shown> {
    let values = || ground.tracks[series].observed[..=origin].iter().flatten();
    let count = values().count();
    let mean = values().sum::<f64>() / count.max(1) as f64;
    (count > 0).then(|| Shown { low: values().copied().fold(f64::INFINITY, f64::min), high: values().copied().fold(0.0, f64::max), mean })
}

/// The bounds of every series at an origin: its own extremes, or its mean times the extreme ratio to the mean that
/// any series of the panel has shown, whichever is wider, times (or through) `factor`. Kin are compared by ratio,
/// so that a big seller does not excuse a small one. Demand may always be nothing.
pub(super) fn bounds(ground: &Ground, origin: usize, factor: f64) -> Vec<Bounds> {
    let all: Vec<Option<Shown>> = (0..ground.tracks.len()).map(|series| shown(ground, series, origin)).collect();
    let ratios = || all.iter().flatten().filter(|shown| shown.mean > 0.0);
    let kin_high = ratios().map(|shown| shown.high / shown.mean).fold(1.0, f64::max);
    let kin_low = ratios().map(|shown| shown.low / shown.mean).fold(1.0, f64::min);
    let bound = |shown: &Option<Shown>| {
        let Some(shown) = shown else { return Bounds { low: 0.0, high: f64::MAX } };
        let low = match ground.target {
            Target::Price => shown.low.min(shown.mean * kin_low) / factor,
            Target::Demand => 0.0,
        };
        Bounds { low, high: shown.high.max(shown.mean * kin_high) * factor }
    };
    all.iter().map(bound).collect()
}

/// Replaces every step of every member that lies outside the bounds (or is no number) by the median of what the
/// others said for it inside them, or by the nearer bound when nobody did. Returns how many were replaced.
pub(super) fn replace_explosions(said: &mut [Result<Vec<f64>, String>], bounds: Bounds) -> u32 {
    let inside = |value: &f64| value.is_finite() && (bounds.low..=bounds.high).contains(value);
    let spoken = said.to_vec();
    let mut replaced = 0;
    for (member, steps) in said.iter_mut().enumerate() {
        let Ok(steps) = steps else { continue };
        for (step, value) in steps.iter_mut().enumerate().filter(|(_, value)| !inside(value)) {
            let others = spoken.iter().enumerate().filter(|(other, _)| *other != member);
            let mut others: Vec<f64> = others.filter_map(|(_, said)| said.as_ref().ok()?.get(step).copied()).filter(inside).collect();
            others.sort_unstable_by(f64::total_cmp);
            *value = match others.len() {
                0 if value.is_nan() => bounds.low,
                0 => value.clamp(bounds.low, bounds.high),
                count => (others[(count - 1) / 2] + others[count / 2]) / 2.0,
            };
            replaced += 1;
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::synthetic::{ahead, day, panel_of};
    use nongshi_domain::{Cadence, Cutoff};

    #[test]
    fn bounds_follow_the_series_and_its_kins_ratio() {
        // `a` runs from 1 to 3 (mean 2), `b` from 10 to 70 (mean 40): kin ratios reach 0.25 and 1.75.
        let panel = panel_of(Target::Price, Cadence::Day, &[("a", vec![Some(1.0), Some(3.0)]), ("b", vec![Some(10.0), Some(70.0)])]);
        let ground = Ground::new(&panel, Cutoff(day("2020-01-07")), &ahead(panel.cadence, 0)).expect("values");
        assert_eq!(bounds(&ground, 1, 5.0), [Bounds { low: 0.1, high: 17.5 }, Bounds { low: 2.0, high: 350.0 }]);
        // One step earlier nothing had moved.
        assert_eq!(bounds(&ground, 0, 5.0)[0], Bounds { low: 0.2, high: 5.0 });
    }

    #[test]
    fn an_explosion_becomes_the_median_of_the_others() {
        let bounds = Bounds { low: 1.0, high: 50.0 };
        let mut said = vec![Ok(vec![1.97e9, 5.0]), Ok(vec![10.0, 0.2]), Err("short".to_string()), Ok(vec![20.0, f64::NAN])];
        assert_eq!(replace_explosions(&mut said, bounds), 3);
        assert_eq!(said, [Ok(vec![15.0, 5.0]), Ok(vec![10.0, 5.0]), Err("short".to_string()), Ok(vec![20.0, 5.0])]);
        let mut alone = vec![Ok(vec![99.0])];
        assert_eq!((replace_explosions(&mut alone, bounds), alone), (1, vec![Ok(vec![50.0])]));
    }
}
