//! Complex exponential smoothing (Svetunkov, Kourentzes and Ord, Complex exponential smoothing, Naval Research
//! Logistics 69, 2022), without a season, on each phase by itself, with a season added, or with a complex one; chosen by
//! the corrected information criterion.
//! In: values, the season. Out: `FittedCes`. Never: a season that was not seen twice.
//!
//! The first state is not searched: the weights are judged on the third of three runs, forward, backward from where
//! the first one ended, and forward again (as statsforecast 2.1.1 does), so that the guess it began with is forgotten.

use super::decomposition::{Kind, factors};
use super::simplex::{Search, minimise};
use super::{Local, Unfit, check, is_constant, scale, usable_season};
use serde::{Deserialize, Serialize};

/// Bounds of the weights: real and imaginary part of the level's, then of the season's (statsforecast 2.1.1).
const LOWER: [f64; 4] = [0.01, 0.01, 0.01, 0.01];
/// See `LOWER`.
const UPPER: [f64; 4] = [1.8, 1.9, 1.5, 1.5];
/// Where the search starts (statsforecast 2.1.1, `initparamces`); `PARTIAL_START` for a real season's weight.
const START: [f64; 4] = [1.3, 1.0, 1.3, 1.0];
/// See `START`.
const PARTIAL_START: f64 = 0.1;
/// How far the first simplex reaches, by the start.
const FIRST_STEP: f64 = 0.05;
/// Real part by imaginary part of the first state (statsforecast 2.1.1, `initstate`).
const FIRST_RATIO: f64 = 1.1;
/// Values the first level is guessed from.
const FIRST_VALUES: usize = 10;
/// The search ends when minus twice the log-likelihood differs by less.
const TOLERANCE: f64 = 1e-3;
/// Evaluations of the likelihood for each searched weight.
const EVALUATIONS: usize = 120;
/// A mean squared error below this, on values about one, is none.
const LEAST_SQUARE: f64 = 1e-20;

/// The season's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// No season.
    None,
    /// Each phase of the season is a series of its own.
    Simple,
    /// A season is added, smoothed by a real weight.
    Partial,
    /// A season is added, smoothed by a complex weight.
    Full,
}

/// The forms tried, in order; of equals the first is taken.
const FORMS: [Form; 4] = [Form::None, Form::Simple, Form::Partial, Form::Full];

/// Complex exponential smoothing, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedCes {
    form: Form,
    weights: [f64; 4],
    state: State,
    variance: f64,
    scale: f64,
}

/// The level, and what belongs to each phase of the season, the first being the next value's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    level: Pair,
    phases: Vec<Pair>,
}

/// What is observed, and the information that is not.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Pair {
    seen: f64,
    hidden: f64,
}

impl Pair {
    /// One step on: the error takes effect by both weights.
    #[inline(always)]
    fn next(self, real: f64, imaginary: f64, error: f64) -> Pair {
        Pair {
            seen: self.seen - (1.0 - imaginary) * self.hidden + (real - imaginary) * error,
            hidden: self.seen + (1.0 - real) * self.hidden + (real + imaginary) * error,
        }
    }

    fn guess(value: f64) -> Pair {
        Pair { seen: value, hidden: value / FIRST_RATIO }
    }
}

/// Fits every form that the values allow and keeps the one with the lowest criterion.
pub fn fit(values: &[f64], season: usize) -> Result<FittedCes, Unfit> {
    check(values)?;
    let scale = scale(values);
    let scaled: Vec<f64> = values.iter().map(|value| value / scale).collect();
    if is_constant(values) {
        // With the imaginary part at one the level stays where it is until a value differs.
        let state = State { level: Pair { seen: scaled[0], hidden: scaled[0] }, phases: Vec::new() };
        return Ok(FittedCes { form: Form::None, weights: START, state, variance: 0.0, scale });
    }
    let season = usable_season(values, season);
    let forms = if season < 2 { &FORMS[..1] } else { &FORMS };
    let mut best: Option<(f64, FittedCes)> = None;
    for &form in forms {
        let (criterion, fitted) = search(form, &scaled, season, scale);
        if best.as_ref().is_none_or(|(lowest, _)| criterion < *lowest) {
            best = Some((criterion, fitted));
        }
    }
    best.map(|(_, fitted)| fitted).ok_or(Unfit::TooShort { values: values.len(), needed: super::LEAST_VALUES })
}

/// The best weights of a form, and its criterion.
fn search(form: Form, values: &[f64], season: usize, scale: f64) -> (f64, FittedCes) {
    let mut start = START;
    let searched = match form {
        Form::None | Form::Simple => 2,
        Form::Partial => 3,
        Form::Full => 4,
    };
    if form == Form::Partial {
        start[2] = PARTIAL_START;
    }
    let count = values.len() as f64;
    let first = guess(form, values, season);
    let mut state = first.clone();
    let likelihood = |squares: f64| count * squares.max(LEAST_SQUARE * count).ln();
    let settings = Search {
        start: &start[..searched],
        steps: &start.map(|start| start * FIRST_STEP)[..searched],
        lower: &LOWER[..searched],
        upper: &UPPER[..searched],
        tolerance: TOLERANCE,
        evaluations: EVALUATIONS * searched,
    };
    let weights_of = |point: &[f64]| {
        let mut weights = [0.0; 4];
        weights[..searched].copy_from_slice(&point[..searched]);
        weights
    };
    let (point, lowest) = minimise(&settings, |point| {
        state.level = first.level;
        state.phases.copy_from_slice(&first.phases);
        likelihood(there_and_back(form, values, &weights_of(point), &mut state))
    });
    let weights = weights_of(&point);
    let mut state = first;
    let squares = there_and_back(form, values, &weights, &mut state);
    if !state.phases.is_empty() {
        state.phases.rotate_left(values.len() % season);
    }
    // Counted are the parts of one phase's state and the variance, as statsforecast does.
    let numbers = match form {
        Form::None | Form::Simple => 3.0,
        Form::Partial => 4.0,
        Form::Full => 5.0,
    };
    let free = count - numbers - 1.0;
    let criterion = lowest + 2.0 * numbers * count / free;
    (criterion, FittedCes { form, weights, state, variance: squares / free, scale })
}

/// A state to begin with.
fn guess(form: Form, values: &[f64], season: usize) -> State {
    let mean = |count: usize| values[..count].iter().sum::<f64>() / count as f64;
    let level = Pair::guess(if form == Form::None { mean(FIRST_VALUES.min(values.len())) } else { mean(season) });
    let phases = match form {
        Form::None => Vec::new(),
        Form::Simple => values[..season].iter().map(|value| Pair::guess(*value)).collect(),
        Form::Partial | Form::Full => factors(values, season, Kind::Additive).into_iter().map(Pair::guess).collect(),
    };
    State { level, phases }
}

/// Forward, backward, forward; the squared errors of the last run.
fn there_and_back(form: Form, values: &[f64], weights: &[f64; 4], state: &mut State) -> f64 {
    match form {
        Form::None => three_runs::<0>(values, weights, state),
        Form::Simple => three_runs::<1>(values, weights, state),
        Form::Partial => three_runs::<2>(values, weights, state),
        Form::Full => three_runs::<3>(values, weights, state),
    }
}

fn three_runs<const FORM: u8>(values: &[f64], weights: &[f64; 4], state: &mut State) -> f64 {
    run::<FORM>(values.iter(), values.len(), weights, state);
    turn::<FORM>(values.len(), weights, state);
    run::<FORM>(values.iter().rev(), values.len(), weights, state);
    turn::<FORM>(values.len(), weights, state);
    run::<FORM>(values.iter(), values.len(), weights, state)
}

/// Runs over the values; returns the squared errors. Phases stay where they are: the first is the first value's.
#[inline(always)]
fn run<'a, const FORM: u8>(mut values: impl Iterator<Item = &'a f64>, count: usize, weights: &[f64; 4], state: &mut State) -> f64 {
    let mut squares = 0.0;
    let mut level = state.level;
    if FORM == 0 {
        for value in values {
            step::<FORM>(*value, weights, &mut level, &mut Pair::default(), &mut squares);
        }
    } else {
        let season = state.phases.len();
        let mut left = count;
        while left > 0 {
            for (phase, value) in state.phases[..season.min(left)].iter_mut().zip(values.by_ref()) {
                step::<FORM>(*value, weights, &mut level, phase, &mut squares);
            }
            left = left.saturating_sub(season);
        }
    }
    state.level = level;
    squares
}

#[inline(always)]
fn step<const FORM: u8>(value: f64, weights: &[f64; 4], level: &mut Pair, phase: &mut Pair, squares: &mut f64) {
    let mean = match FORM {
        0 => level.seen,
        1 => phase.seen,
        _ => level.seen + phase.seen,
    };
    let error = value - mean;
    *squares += error * error;
    if FORM == 1 {
        *phase = phase.next(weights[0], weights[1], error);
    } else {
        *level = level.next(weights[0], weights[1], error);
    }
    match FORM {
        2 => phase.seen += weights[2] * error,
        3 => *phase = phase.next(weights[2], weights[3], error),
        _ => {}
    }
}

/// From the end of a run to the start of one the other way: the states forecast beyond the end are those before the
/// start, the level's one step, the season's a whole season.
fn turn<const FORM: u8>(count: usize, weights: &[f64; 4], state: &mut State) {
    if FORM != 1 {
        state.level = state.level.next(weights[0], weights[1], 0.0);
    }
    for phase in &mut state.phases {
        match FORM {
            1 => *phase = phase.next(weights[0], weights[1], 0.0),
            3 => *phase = phase.next(weights[2], weights[3], 0.0),
            _ => {}
        }
    }
    if !state.phases.is_empty() {
        let next = count % state.phases.len();
        state.phases.rotate_left(next);
        state.phases.reverse();
    }
}

/// The means of the steps after a state.
fn means(form: Form, weights: &[f64; 4], mut state: State, horizon: usize) -> Vec<f64> {
    let mut means = Vec::with_capacity(horizon);
    let season = state.phases.len().max(1);
    for ahead in 0..horizon {
        let phase = state.phases.get(ahead % season).copied().unwrap_or_default();
        let mean = match form {
            Form::None => state.level.seen,
            Form::Simple => phase.seen,
            Form::Partial | Form::Full => state.level.seen + phase.seen,
        };
        means.push(mean);
        move_on(form, weights, &mut state, ahead % season, mean);
    }
    means
}

/// Takes a value of a phase in.
fn move_on(form: Form, weights: &[f64; 4], state: &mut State, phase: usize, value: f64) {
    let mut unused = (Pair::default(), 0.0);
    let part = state.phases.get_mut(phase).unwrap_or(&mut unused.0);
    match form {
        Form::None => step::<0>(value, weights, &mut state.level, part, &mut unused.1),
        Form::Simple => step::<1>(value, weights, &mut state.level, part, &mut unused.1),
        Form::Partial => step::<2>(value, weights, &mut state.level, part, &mut unused.1),
        Form::Full => step::<3>(value, weights, &mut state.level, part, &mut unused.1),
    }
}

impl FittedCes {
    /// The form that was chosen.
    pub fn form(&self) -> Form {
        self.form
    }
}

impl Local for FittedCes {
    fn forecast(&self, horizon: usize) -> Vec<f64> {
        let means = means(self.form, &self.weights, self.state.clone(), horizon);
        means.into_iter().map(|mean| mean * self.scale).collect()
    }

    /// Means are linear in the errors before them: the echo of an error of one is what a state of zeros says after it.
    fn spread(&self, horizon: usize) -> Vec<f64> {
        let mut quiet = State { level: Pair::default(), phases: vec![Pair::default(); self.state.phases.len()] };
        move_on(self.form, &self.weights, &mut quiet, 0, 1.0);
        if !quiet.phases.is_empty() {
            quiet.phases.rotate_left(1);
        }
        let echoes = means(self.form, &self.weights, quiet, horizon.saturating_sub(1));
        let mut sum = 0.0;
        let spread = |echo: f64| {
            sum += echo * echo;
            (sum * self.variance).sqrt() * self.scale
        };
        std::iter::once(1.0).chain(echoes).take(horizon).map(spread).collect()
    }

    fn update(&mut self, value: f64) {
        move_on(self.form, &self.weights, &mut self.state, 0, value / self.scale);
        if !self.state.phases.is_empty() {
            self.state.phases.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::local::textbook::{AIR_PASSENGERS, weekly};

    /// statsforecast 2.1.1 on the air passengers: `f = auto_ces(y, m=12, model=FORM)`, then `f["par"]`, `-2 * f["loglik"]`
    /// and `forecast_ces(f, h=3)["mean"]`.
    const REFERENCE: [(Form, [f64; 4], f64, [f64; 3]); 4] = [
        (Form::None, [1.799_999_999_999_999_8, 0.983_928_871_154_791_1, 0.0, 0.0], 1_747.266_27, [425.490_98, 418.237_66, 417.202_19]),
        (Form::Simple, [1.8, 1.193_902_370_333_671_3, 0.0, 0.0], 1_583.346_02, [445.995_92, 422.518_10, 480.086_32]),
        (Form::Partial, [1.8, 1.007_868_331_035_206_1, 0.725_820_710_375_421_4, 0.0], 1_482.356_29, [452.348_18, 445.456_65, 493.067_98]),
        (
            Form::Full,
            [1.273_423_658_726_32, 1.009_404_057_854_050_9, 1.499_670_401_470_459_2, 1.131_882_082_325_680_3],
            1_422.925_91,
            [453.018_22, 429.322_92, 488.627_67],
        ),
    ];

    #[test]
    fn the_reference_is_met_with_its_weights_and_not_missed_without() {
        for (form, weights, likelihood, means_there) in REFERENCE {
            let mut state = guess(form, &AIR_PASSENGERS, 12);
            let squares = there_and_back(form, &AIR_PASSENGERS, &weights, &mut state);
            let found = 144.0 * squares.ln();
            // statsforecast keeps its states in single precision
            assert!((found - likelihood).abs() < 0.01, "{form:?}: {found}");
            for (found, expect) in means(form, &weights, state, 3).into_iter().zip(means_there) {
                assert!((found - expect).abs() < 0.01, "{form:?}: {found} for {expect}");
            }
            let (criterion, _) = search(form, &AIR_PASSENGERS, 12, 1.0);
            let numbers = if form == Form::Full {
                5.0
            } else if form == Form::Partial {
                4.0
            } else {
                3.0
            };
            let reached = criterion - 2.0 * numbers * 144.0 / (143.0 - numbers);
            // a tenth: where the simplex comes to rest
            assert!(reached < likelihood + 0.1, "{form:?}: {reached} for {likelihood}");
        }
    }

    #[test]
    fn a_season_is_taken_where_it_tells_something() {
        assert_eq!(fit(&AIR_PASSENGERS, 12).expect("fitted").form(), Form::Full);
        assert_ne!(fit(&weekly(), 7).expect("fitted").form(), Form::None);
        assert_eq!(fit(&weekly(), 1).expect("fitted").form(), Form::None);
        assert_eq!(fit(&weekly()[..13], 7).expect("fitted").form(), Form::None);
    }

    #[test]
    fn an_update_is_a_longer_run_with_the_same_weights() {
        for form in FORMS {
            let values = weekly();
            let (_, mut fitted) = search(form, &values[..80], 7, 1.0);
            let mut whole = fitted.clone();
            for (step, value) in values.iter().enumerate().skip(80) {
                // The other way of turning: phases stay, the position moves.
                move_on(form, &fitted.weights, &mut whole.state, (step - 80) % 7, *value);
                fitted.update(*value);
            }
            if !whole.state.phases.is_empty() {
                whole.state.phases.rotate_left(18 % 7);
            }
            assert_eq!(fitted.state, whole.state, "{form:?}");
        }
    }
}
