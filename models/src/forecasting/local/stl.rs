//! Seasonal and trend decomposition by local regression (Cleveland, Cleveland, McRae and Terpenning, STL, Journal of
//! Official Statistics 6, 1990), without robustness weights.
//! In: values, a season. Out: its seasonal part, and the trend. Never: a value skipped between the points of a curve.
//!
//! Without robustness weights a local regression is the same weighted sum at each place of the window, so its weights
//! are computed once, and every later smoothing is a row of dot products.

/// Passes over season and trend (Cleveland et al. 1990, 3.2, ample without robustness).
const PASSES: usize = 5;
/// The trend's window by the season, for a seasonal window that is infinite (Cleveland et al. 1990, 3.4).
const TREND_WINDOW: f64 = 1.5;
/// Within this share of the window's half width a weight is one, beyond one less this share it is zero.
const EDGE: f64 = 0.001;

/// The degree of the local polynomial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Degree {
    Level,
    Line,
}

/// The seasonal part of the values and their trend; `window` is the odd number of seasons that a phase is smoothed over.
pub(super) fn parts(values: &[f64], season: usize, window: usize) -> (Vec<f64>, Vec<f64>) {
    let count = values.len();
    let trend_window = odd((TREND_WINDOW * season as f64 / (1.0 - TREND_WINDOW / window as f64)).ceil() as usize);
    let by_trend = Curve::new(count, trend_window, Degree::Line);
    let by_low_pass = Curve::new(count, odd(season + 1), Degree::Line);
    // The first phases have one value more than the last ones, unless the seasons are whole.
    let (longer, shorter) = (count.div_ceil(season), count / season);
    let by_phase = [Cycle::new(shorter, window), Cycle::new(longer, window)];
    let mut trend = vec![0.0; count];
    let mut found = vec![0.0; count];
    let mut extended = vec![0.0; count + 2 * season];
    let mut phase_values = Vec::with_capacity(longer);
    let mut smoothed = vec![0.0; longer + 2];
    for _ in 0..PASSES {
        for phase in 0..season {
            phase_values.clear();
            phase_values.extend((phase..count).step_by(season).map(|step| values[step] - trend[step]));
            let cycle = &by_phase[usize::from(phase_values.len() > shorter)];
            cycle.smooth(&phase_values, &mut smoothed);
            extended[phase..].iter_mut().step_by(season).zip(&smoothed).for_each(|(to, from)| *to = *from);
        }
        let low_pass = moving_mean(&moving_mean(&moving_mean(&extended, season), season), 3);
        by_low_pass.smooth(&low_pass, &mut found);
        found.iter_mut().zip(&extended[season..]).for_each(|(low, cycle)| *low = cycle - *low);
        let rest: Vec<f64> = values.iter().zip(&found).map(|(value, part)| value - part).collect();
        by_trend.smooth(&rest, &mut trend);
    }
    (found, trend)
}

/// A local line over `window` values at each point: the trend where there is no season.
pub(in crate::forecasting) fn smooth(values: &[f64], window: usize) -> Vec<f64> {
    let mut trend = vec![0.0; values.len()];
    Curve::new(values.len(), odd(window), Degree::Line).smooth(values, &mut trend);
    trend
}

fn odd(width: usize) -> usize {
    width | 1
}

/// Means of each run of `width` values.
fn moving_mean(values: &[f64], width: usize) -> Vec<f64> {
    let mut sum: f64 = values[..width].iter().sum();
    let mut means = Vec::with_capacity(values.len() + 1 - width);
    means.push(sum / width as f64);
    for (out, into) in values.iter().zip(&values[width..]) {
        sum += into - out;
        means.push(sum / width as f64);
    }
    means
}

/// A local regression at every point of a series of one length.
struct Curve {
    /// Points that count at each place: the window, or all.
    reach: usize,
    /// By place within the reach: the weights. With a window shorter than the series, the middle one serves most points.
    rows: Vec<Vec<f64>>,
    middle: usize,
}

impl Curve {
    fn new(count: usize, window: usize, degree: Degree) -> Curve {
        let reach = window.min(count);
        let rows = (0..reach).map(|place| weights(place as f64, reach, window, count, degree)).collect();
        let middle = if window >= count { 0 } else { window.div_ceil(2) - 1 };
        Curve { reach, rows, middle }
    }

    fn smooth(&self, values: &[f64], to: &mut [f64]) {
        let last_start = values.len() - self.reach;
        for (step, to) in to[..values.len()].iter_mut().enumerate() {
            let start = step.saturating_sub(self.middle).min(last_start);
            *to = dot(&self.rows[step - start], &values[start..start + self.reach]);
        }
    }
}

/// The values of one phase over the seasons, smoothed, and continued by one season at both ends.
struct Cycle {
    curve: Curve,
    before: Vec<f64>,
    after: Vec<f64>,
}

impl Cycle {
    fn new(count: usize, window: usize) -> Cycle {
        let curve = Curve::new(count, window, Degree::Level);
        let before = weights(-1.0, curve.reach, window, count, Degree::Level);
        let after = weights(curve.reach as f64, curve.reach, window, count, Degree::Level);
        Cycle { curve, before, after }
    }

    fn smooth(&self, values: &[f64], to: &mut [f64]) {
        let (count, reach) = (values.len(), self.curve.reach);
        to[0] = dot(&self.before, &values[..reach]);
        self.curve.smooth(values, &mut to[1..=count]);
        to[count + 1] = dot(&self.after, &values[count - reach..]);
    }
}

/// The weight of each of `reach` points in the regression at `place`, counted from the first of them.
fn weights(place: f64, reach: usize, window: usize, count: usize, degree: Degree) -> Vec<f64> {
    let last = reach as f64 - 1.0;
    let half = place.max(last - place) + (window.saturating_sub(count) / 2) as f64;
    let tricube = |point: usize| {
        let distance = (point as f64 - place).abs();
        match distance {
            near if near <= EDGE * half => 1.0,
            far if far > (1.0 - EDGE) * half => 0.0,
            _ => (1.0 - (distance / half).powi(3)).powi(3),
        }
    };
    let mut weights: Vec<f64> = (0..reach).map(tricube).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    if degree == Degree::Line {
        let mean: f64 = weights.iter().enumerate().map(|(point, weight)| weight * point as f64).sum();
        let variance: f64 = weights.iter().enumerate().map(|(point, weight)| weight * (point as f64 - mean).powi(2)).sum();
        if variance.sqrt() > EDGE * (count as f64 - 1.0) {
            let slope = (place - mean) / variance;
            weights.iter_mut().enumerate().for_each(|(point, weight)| *weight *= 1.0 + slope * (point as f64 - mean));
        }
    }
    weights
}

/// The sum of products, in eight lanes so that the processor can take them at once.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (ones, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f64 = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
    for (one, other) in ones.zip(others) {
        for lane in 0..8 {
            lanes[lane] += one[lane] * other[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::local::textbook::AIR_PASSENGERS;

    #[test]
    fn a_local_line_keeps_a_line_and_a_local_level_a_level() {
        let line: Vec<f64> = (0..30).map(|step| 4.0 - 0.5 * f64::from(step)).collect();
        for window in [5, 11, 29, 31, 45] {
            let mut smoothed = vec![0.0; 30];
            Curve::new(30, window, Degree::Line).smooth(&line, &mut smoothed);
            assert!(smoothed.iter().zip(&line).all(|(found, expect)| (found - expect).abs() < 1e-9), "{window}: {smoothed:?}");
            let mut cycle = vec![0.0; 32];
            Cycle::new(30, window).smooth(&[2.0; 30], &mut cycle);
            assert!(cycle.iter().all(|found| (found - 2.0).abs() < 1e-12), "{window}: {cycle:?}");
        }
    }

    #[test]
    fn a_pure_season_is_found_and_a_moving_mean_is_a_mean() {
        let values: Vec<f64> = (0..63).map(|step| [1.0, -2.0, 0.0, 4.0, -5.0, 1.5, 0.5][step % 7]).collect();
        let (found, _) = parts(&values, 7, 11);
        assert!(found.iter().zip(&values).all(|(found, expect)| (found - expect).abs() < 1e-9), "{found:?}");
        assert_eq!(moving_mean(&[1.0, 2.0, 6.0, 1.0], 3), vec![3.0, 3.0]);
    }

    /// statsmodels 0.15.0: `STL(y, period=12, seasonal=11, seasonal_deg=0).fit().seasonal[[0, 71, 143]]`, and `.trend`.
    #[test]
    fn air_passengers_have_the_season_of_the_reference() {
        let (found, trend) = parts(&AIR_PASSENGERS, 12, 11);
        // sums in another order
        let close = |found: &[f64], expect: [f64; 3]| {
            let found = [found[0], found[71], found[143]];
            assert!(found.iter().zip(expect).all(|(found, expect)| (found - expect).abs() < 1e-8), "{found:?}");
        };
        close(&found, REFERENCE);
        close(&trend, REFERENCE_TREND);
    }

    const REFERENCE: [f64; 3] = [-16.520518686318, -28.409622536905, -44.788086255906];
    const REFERENCE_TREND: [f64; 3] = [122.887635150073, 258.492626161294, 497.063564626223];
}
