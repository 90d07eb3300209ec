//! Classical decomposition (Persons 1919; as in Hyndman and Athanasopoulos, Forecasting: principles and practice, 3.4),
//! and the test whether there is a season at all (Fiorucci et al. 2016, section 3).
//! In: values, the season's length. Out: one factor a phase, the first being the first value's. Never: a trend.

/// The 95 % quantile of the normal distribution: the season's autocorrelation must be above its error by this factor.
const SEASONAL_LIMIT: f64 = 1.644_853_626_951_472_2;
/// A season shorter than this is not tested for, and counts as none.
const LEAST_TESTED_SEASON: usize = 4;

/// How a season and the rest make a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Kind {
    /// Value = rest + factor; factors sum to zero.
    Additive,
    /// Value = rest x factor; the mean of the factors is one.
    Multiplicative,
}

impl Kind {
    /// The value without the season.
    pub fn without(self, value: f64, factor: f64) -> f64 {
        match self {
            Kind::Additive => value - factor,
            Kind::Multiplicative => value / factor,
        }
    }

    /// The value with the season.
    pub fn with(self, rest: f64, factor: f64) -> f64 {
        match self {
            Kind::Additive => rest + factor,
            Kind::Multiplicative => rest * factor,
        }
    }
}

/// The mean of the detrended values of each phase. Needs two whole seasons of at least two steps.
pub(super) fn factors(values: &[f64], season: usize, kind: Kind) -> Vec<f64> {
    let half = season / 2;
    let mut sums = vec![0.0; season];
    let mut counts = vec![0.0; season];
    for step in half..values.len() - half {
        // An even season's window reaches over both ends, which count half.
        let window = &values[step - half..=step + half];
        let ends = if season.is_multiple_of(2) { (window[0] + window[season]) / 2.0 } else { 0.0 };
        let trend = (window.iter().sum::<f64>() - ends) / season as f64;
        sums[step % season] += kind.without(values[step], trend);
        counts[step % season] += 1.0;
    }
    let mut factors: Vec<f64> = sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect();
    let mean = factors.iter().sum::<f64>() / season as f64;
    for factor in &mut factors {
        *factor = kind.without(*factor, mean);
    }
    factors
}

/// Whether the autocorrelation at the season's lag stands out, given those at the lags before it.
pub(super) fn is_seasonal(values: &[f64], season: usize) -> bool {
    if season < LEAST_TESTED_SEASON || values.len() < 2 * season {
        return false;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let product = |lag: usize| centred[lag..].iter().zip(&centred).map(|(one, other)| one * other).sum::<f64>();
    let variance = product(0);
    if variance <= 0.0 {
        return false;
    }
    let before: f64 = (1..season).map(|lag| (product(lag) / variance).powi(2)).sum();
    let error = ((1.0 + 2.0 * before) / values.len() as f64).sqrt();
    (product(season) / variance).abs() > SEASONAL_LIMIT * error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::local::textbook::{AIR_PASSENGERS, weekly};

    #[test]
    fn a_season_on_a_straight_line_comes_out_whole() {
        for season in [4, 7] {
            let wave = |step: usize| [3.0, -1.0, -4.0, 2.0, 0.5, -0.75, 0.25][step % season];
            let values: Vec<f64> = (0..40).map(|step| 5.0 + 0.5 * step as f64 + wave(step)).collect();
            let found = factors(&values, season, Kind::Additive);
            assert!((0..season).all(|phase| (found[phase] - wave(phase)).abs() < 1e-12), "{found:?}");
        }
    }

    /// `seasonal_decompose(y, model="multiplicative", period=12).seasonal[:12]` of statsmodels 0.15.0.
    #[test]
    fn air_passengers_have_the_textbook_factors() {
        let expect = [
            0.910230367,
            0.883625321,
            1.007366288,
            0.975906012,
            0.981378027,
            1.112775827,
            1.226555543,
            1.219910969,
            1.060491933,
            0.921757240,
            0.801178082,
            0.898824390,
        ];
        let found = factors(&AIR_PASSENGERS, 12, Kind::Multiplicative);
        // the reference is written down with nine digits
        assert!(found.iter().zip(expect).all(|(found, expect)| (found - expect).abs() < 6e-10), "{found:?}");
    }

    #[test]
    fn the_test_tells_a_season_from_none() {
        assert!(is_seasonal(&AIR_PASSENGERS, 12));
        assert!(is_seasonal(&weekly(), 7));
        let straight: Vec<f64> = (0..60).map(|step| ((step * step * 7 + 3) % 31) as f64).collect();
        assert!(!is_seasonal(&straight, 7));
        assert!(!is_seasonal(&[2.0; 60], 7));
        // Two seasons are needed, and two or three steps are none.
        assert!(!is_seasonal(&AIR_PASSENGERS[..23], 12));
        assert!(!is_seasonal(&[1.0, 9.0].repeat(30), 2));
    }
}
