//! Exponential smoothing chosen by the corrected information criterion (Hyndman, Koehler, Snyder and Grose, A state
//! space framework for automatic forecasting, International Journal of Forecasting 18, 2002; Hyndman, Koehler, Ord and
//! Snyder 2008). Pool: the eight shapes of Petropoulos, Grushka-Cockayne, Siemsen and Spiliotis, 2021.
//! In: values, the season. Out: `FittedEts`. Never: an undamped trend; a multiplicative shape on values not above zero.
//!
//! Weights and the first level and trend are searched together on values scaled to one. The first seasonal parts are
//! the classical decomposition's; the criterion counts them as if they had been searched.

use super::decomposition::{Kind, factors};
pub use super::ets_recursion::{Season, Shape};
use super::ets_recursion::{Smoothing, State, run};
use super::simplex::{Point, Search, minimise};
use super::{LEAST_VALUES, Local, Unfit, check, is_constant, scale, usable_season};
use serde::{Deserialize, Serialize};

/// The shapes tried, in order; of equals the first is taken.
pub const POOL: [Shape; 8] = [
    Shape { multiplicative_error: false, damped_trend: false, season: Season::None },
    Shape { multiplicative_error: true, damped_trend: false, season: Season::None },
    Shape { multiplicative_error: false, damped_trend: true, season: Season::None },
    Shape { multiplicative_error: true, damped_trend: true, season: Season::None },
    Shape { multiplicative_error: false, damped_trend: false, season: Season::Additive },
    Shape { multiplicative_error: true, damped_trend: false, season: Season::Multiplicative },
    Shape { multiplicative_error: false, damped_trend: true, season: Season::Additive },
    Shape { multiplicative_error: true, damped_trend: true, season: Season::Multiplicative },
];
/// Bounds of the level's weight (statsforecast 2.1.1, `ets_f`).
const ALPHA: (f64, f64) = (1e-4, 0.9999);
/// Bounds of the trend's weight: below the level's, and never above a fifth (statsforecast 2.1.1, `initparam`).
const BETA: (f64, f64) = (1e-4, 0.2);
/// Bounds of the season's weight; with the level's it stays below one.
const GAMMA: (f64, f64) = (1e-4, 0.9999);
/// Bounds of the damping (Hyndman and Athanasopoulos, 8.2).
const PHI: (f64, f64) = (0.8, 0.98);
/// Level weights tried before the search, the best of which starts it.
const FIRST_ALPHAS: [f64; 4] = [0.05, 0.3, 0.6, 0.9];
/// The other weights at the start of the search.
const FIRST: Smoothing = Smoothing { alpha: 0.1, beta: 0.02, gamma: 0.05, phi: 0.978 };
/// Values that the first level and trend are guessed from; two seasons where that is more.
const FIRST_VALUES: usize = 10;
/// The least factor a season may start from.
const LEAST_FACTOR: f64 = 0.01;
/// The search ends when minus twice the log-likelihood differs by less.
const TOLERANCE: f64 = 1e-3;
/// Evaluations of the likelihood for each searched number.
const EVALUATIONS: usize = 120;
/// A mean squared error below this, on values about one, is none.
const LEAST_SQUARE: f64 = 1e-20;

/// Exponential smoothing, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedEts {
    shape: Shape,
    smoothing: Smoothing,
    state: State,
    /// One part a phase, the first being the next value's.
    seasons: Vec<f64>,
    /// Of the errors; relative ones where they are multiplicative.
    variance: f64,
    scale: f64,
    criterion: f64,
}

/// A shape with its best numbers.
struct Candidate {
    shape: Shape,
    smoothing: Smoothing,
    first: State,
    first_seasons: Vec<f64>,
    likelihood: f64,
}

/// Fits every shape of the pool that the values allow and keeps the one with the lowest criterion.
pub fn fit(values: &[f64], season: usize) -> Result<FittedEts, Unfit> {
    fit_among(values, season, &POOL)
}

/// Fits the shapes named. Seasonal ones are left out where two whole seasons were not seen.
pub fn fit_among(values: &[f64], season: usize, pool: &[Shape]) -> Result<FittedEts, Unfit> {
    check(values)?;
    let scale = scale(values);
    let scaled: Vec<f64> = values.iter().map(|value| value / scale).collect();
    if is_constant(values) {
        return Ok(constant(scaled[0], scale));
    }
    let not_positive = values.iter().position(|value| *value <= 0.0);
    let season = usable_season(values, season);
    let mut best: Option<(f64, Candidate)> = None;
    for &shape in pool {
        let multiplicative = shape.multiplicative_error || shape.season == Season::Multiplicative;
        if (multiplicative && not_positive.is_some()) || (shape.season != Season::None && season < 2) {
            continue;
        }
        let (_, numbers) = counts(shape, season);
        if values.len() <= numbers + 1 {
            continue;
        }
        let start = best.as_ref().map(|(_, candidate)| candidate).filter(|candidate| candidate.shape.season == shape.season);
        let candidate = search(shape, &scaled, season, start);
        let criterion = corrected(candidate.likelihood, numbers, values.len());
        if best.as_ref().is_none_or(|(lowest, _)| criterion < *lowest) {
            best = Some((criterion, candidate));
        }
    }
    match (best, not_positive) {
        (Some((criterion, candidate)), _) => Ok(filtered(candidate, criterion, &scaled, scale)),
        (None, Some(step)) => Err(Unfit::OutOfRange { step, value: values[step], needed: "above zero" }),
        (None, None) => Err(Unfit::TooShort { values: values.len(), needed: LEAST_VALUES.max(2 * season + 1) }),
    }
}

/// Numbers searched, and numbers the criterion counts: those, the season's parts but one, and the variance.
fn counts(shape: Shape, season: usize) -> (usize, usize) {
    let searched = 2 + 3 * usize::from(shape.damped_trend) + usize::from(shape.season != Season::None);
    let parts = if shape.season == Season::None { 0 } else { season - 1 };
    (searched, searched + parts + 1)
}

/// The corrected criterion of Hurvich and Tsai (1989) for minus twice a log-likelihood.
fn corrected(likelihood: f64, numbers: usize, values: usize) -> f64 {
    let (numbers, values) = (numbers as f64, values as f64);
    likelihood + 2.0 * numbers * values / (values - numbers - 1.0)
}

/// A level that never moved.
fn constant(level: f64, scale: f64) -> FittedEts {
    let smoothing = Smoothing { alpha: ALPHA.1, beta: 0.0, gamma: 0.0, phi: 1.0 };
    let state = State { level, trend: 0.0 };
    FittedEts { shape: POOL[0], smoothing, state, seasons: Vec::new(), variance: 0.0, scale, criterion: f64::NEG_INFINITY }
}

/// Searches a shape's numbers, from the guess or from another shape's `start`.
fn search(shape: Shape, values: &[f64], season: usize, start: Option<&Candidate>) -> Candidate {
    let (first, first_seasons) = guess(shape, values, season);
    let mut working = first_seasons.clone();
    let roughness = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>() / (values.len() - 1) as f64;
    let mut objective = |point: &[f64]| {
        let (smoothing, mut state) = unpack(shape, point);
        working.copy_from_slice(&first_seasons);
        likelihood(shape, values, smoothing, &mut state, &mut working)
    };
    let mut point = pack(shape, FIRST, first);
    let mut lowest = f64::INFINITY;
    let mut at = point;
    for alpha in FIRST_ALPHAS {
        at[0] = alpha;
        let height = objective(&at);
        if height < lowest {
            (lowest, point) = (height, at);
        }
    }
    if let Some(start) = start {
        let known = pack(shape, Smoothing { phi: FIRST.phi, ..start.smoothing }, start.first);
        if objective(&known) < lowest {
            point = known;
        }
    }
    let (dimensions, _) = counts(shape, season);
    let steps =
        pack(shape, Smoothing { alpha: 0.1, beta: 0.02, gamma: 0.05, phi: -0.05 }, State { level: roughness, trend: roughness / 10.0 });
    let lower = pack(shape, bound(|range| range.0), State { level: f64::NEG_INFINITY, trend: f64::NEG_INFINITY });
    let upper = pack(shape, bound(|range| range.1), State { level: f64::INFINITY, trend: f64::INFINITY });
    let search = Search {
        start: &point[..dimensions],
        steps: &steps[..dimensions],
        lower: &lower[..dimensions],
        upper: &upper[..dimensions],
        tolerance: TOLERANCE,
        evaluations: EVALUATIONS * dimensions,
    };
    let (point, likelihood) = minimise(&search, &mut objective);
    let (smoothing, first) = unpack(shape, &point);
    Candidate { shape, smoothing, first, first_seasons, likelihood }
}

fn bound(of: impl Fn((f64, f64)) -> f64) -> Smoothing {
    Smoothing { alpha: of(ALPHA), beta: of(BETA), gamma: of(GAMMA), phi: of(PHI) }
}

/// Level and trend on a line through the first values without their season, and the season.
fn guess(shape: Shape, values: &[f64], season: usize) -> (State, Vec<f64>) {
    let (kind, mut parts) = match shape.season {
        Season::None => (Kind::Additive, Vec::new()),
        Season::Additive => (Kind::Additive, factors(values, season, Kind::Additive)),
        Season::Multiplicative => (Kind::Multiplicative, factors(values, season, Kind::Multiplicative)),
    };
    if shape.season == Season::Multiplicative {
        parts.iter_mut().for_each(|part| *part = part.max(LEAST_FACTOR));
    }
    let period = if parts.is_empty() { 1 } else { season };
    let count = FIRST_VALUES.max(2 * period).min(values.len());
    let part = |step: usize| if parts.is_empty() { 0.0 } else { parts[step % period] };
    let first: Vec<f64> = (0..count).map(|step| kind.without(values[step], part(step))).collect();
    let mean = first.iter().sum::<f64>() / count as f64;
    if !shape.damped_trend {
        return (State { level: mean, trend: 0.0 }, parts);
    }
    let middle = (count + 1) as f64 / 2.0;
    let product: f64 = first.iter().enumerate().map(|(step, value)| (step as f64 + 1.0 - middle) * value).sum();
    let square: f64 = (0..count).map(|step| (step as f64 + 1.0 - middle).powi(2)).sum();
    let trend = product / square;
    (State { level: mean - trend * middle, trend }, parts)
}

/// Numbers in the order level weight, (trend weight, damping), (season weight), level, (trend).
fn pack(shape: Shape, smoothing: Smoothing, state: State) -> Point {
    let mut point = Point::default();
    let mut next = 0;
    let mut push = |number: f64| {
        point[next] = number;
        next += 1;
    };
    push(smoothing.alpha);
    if shape.damped_trend {
        push(smoothing.beta);
        push(smoothing.phi);
    }
    if shape.season != Season::None {
        push(smoothing.gamma);
    }
    push(state.level);
    if shape.damped_trend {
        push(state.trend);
    }
    point
}

/// The other way round, the trend's weight kept below the level's, and both level's and season's below one together.
fn unpack(shape: Shape, point: &[f64]) -> (Smoothing, State) {
    let mut numbers = point.iter().copied();
    let mut pull = |used: bool, otherwise: f64| if used { numbers.next().unwrap_or(otherwise) } else { otherwise };
    let alpha = pull(true, 0.0);
    let beta = pull(shape.damped_trend, 0.0).min(alpha);
    let phi = pull(shape.damped_trend, 1.0);
    let gamma = pull(shape.season != Season::None, 0.0).min(1.0 - alpha);
    let level = pull(true, 0.0);
    let trend = pull(shape.damped_trend, 0.0);
    (Smoothing { alpha, beta, gamma, phi }, State { level, trend })
}

/// Minus twice the log-likelihood but for a constant; infinite where a multiplicative shape's mean is not above zero.
fn likelihood(shape: Shape, values: &[f64], smoothing: Smoothing, state: &mut State, seasons: &mut [f64]) -> f64 {
    let sums = run(shape, values, smoothing, state, seasons);
    if shape.multiplicative_error && sums.lowest <= 0.0 {
        return f64::INFINITY;
    }
    let count = values.len() as f64;
    count * sums.squares.max(LEAST_SQUARE * count).ln() + 2.0 * sums.logarithms
}

/// The candidate, moved to the end of the values.
fn filtered(candidate: Candidate, criterion: f64, values: &[f64], scale: f64) -> FittedEts {
    let Candidate { shape, smoothing, first: mut state, first_seasons: mut seasons, .. } = candidate;
    let sums = run(shape, values, smoothing, &mut state, &mut seasons);
    let (_, numbers) = counts(shape, seasons.len());
    let free = values.len().saturating_sub(numbers + 1).max(1);
    let variance = sums.squares / free as f64;
    if !seasons.is_empty() {
        let phase = values.len() % seasons.len();
        seasons.rotate_left(phase);
    }
    FittedEts { shape, smoothing, state, seasons, variance, scale, criterion }
}

impl FittedEts {
    /// The shape that was chosen.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The part of the season `ahead` steps on, from 0.
    fn part(&self, ahead: usize) -> f64 {
        match self.shape.season {
            Season::None => 0.0,
            _ => self.seasons[ahead % self.seasons.len()],
        }
    }

    /// Level and damped trend of each step ahead.
    fn bases(&self, horizon: usize) -> impl Iterator<Item = f64> {
        let mut left = 1.0;
        let mut reach = 0.0;
        (0..horizon).map(move |_| {
            left *= self.smoothing.phi;
            reach += left;
            self.state.level + reach * self.state.trend
        })
    }

    /// What is left in the mean, `ahead` steps on, of an error of one (Hyndman et al. 2008, table 6.1: c).
    fn echoes(&self, horizon: usize) -> Vec<f64> {
        let Smoothing { alpha, beta, gamma, phi } = self.smoothing;
        let mut left = 1.0;
        let mut reach = 0.0;
        let one = |ahead: usize| {
            left *= phi;
            reach += left;
            let again = self.shape.season == Season::Additive && ahead.is_multiple_of(self.seasons.len());
            alpha + beta * reach + if again { gamma } else { 0.0 }
        };
        (1..horizon.max(1)).map(one).collect()
    }
}

impl Local for FittedEts {
    fn forecast(&self, horizon: usize) -> Vec<f64> {
        let with = |(ahead, base): (usize, f64)| match self.shape.season {
            Season::None => base,
            Season::Additive => base + self.part(ahead),
            Season::Multiplicative => base * self.part(ahead),
        };
        self.bases(horizon).enumerate().map(with).map(|mean| mean * self.scale).collect()
    }

    /// Exact for additive errors (Hyndman et al. 2008, eq. 6.1) and for multiplicative ones without a season (6.4);
    /// with a multiplicative season the season's own errors are taken as small (6.5).
    fn spread(&self, horizon: usize) -> Vec<f64> {
        let echoes = self.echoes(horizon);
        if !self.shape.multiplicative_error {
            let sums = std::iter::once(1.0).chain(echoes.iter().map(|echo| echo * echo)).scan(0.0, |sum, square| {
                *sum += square;
                Some(*sum)
            });
            return sums.take(horizon).map(|sum| (sum * self.variance).sqrt() * self.scale).collect();
        }
        let mut moments: Vec<f64> = Vec::with_capacity(horizon);
        let mut spreads = Vec::with_capacity(horizon);
        for (ahead, base) in self.bases(horizon).enumerate() {
            let past: f64 = (0..ahead).map(|back| echoes[back].powi(2) * moments[ahead - 1 - back]).sum();
            let moment = base * base + self.variance * past;
            moments.push(moment);
            let (part, rounds) = match self.shape.season {
                Season::Multiplicative => (self.part(ahead), (ahead / self.seasons.len()) as i32),
                _ => (1.0, 0),
            };
            let season = (1.0 + self.smoothing.gamma.powi(2) * self.variance).powi(rounds);
            let variance = part * part * (moment * (1.0 + self.variance) * season - base * base);
            spreads.push(variance.max(0.0).sqrt() * self.scale);
        }
        spreads
    }

    fn update(&mut self, value: f64) {
        run(self.shape, &[value / self.scale], self.smoothing, &mut self.state, &mut self.seasons);
        if !self.seasons.is_empty() {
            self.seasons.rotate_left(1);
        }
    }
}

#[cfg(test)]
#[path = "ets_tests.rs"]
mod tests;
