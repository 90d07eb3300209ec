//! The dynamic optimised Theta model (Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler, Models for optimising the
//! theta method and their relationship to state space models, International Journal of Forecasting 32, 2016).
//! In: values, the season. Out: `FittedTheta`. Never: a season that the test does not find.
//!
//! A step's mean is `level + weight x line`, where the line is fitted anew to all values so far and `weight` is
//! 1 - 1/theta. For a given smoothing weight the first level and `weight` enter the means linearly, so they are not
//! searched but solved for, and one pass says how good a smoothing weight is. The line does not depend on any of
//! them and is computed once.

use super::decomposition::{Kind, factors, is_seasonal};
use super::{Local, Unfit, check, is_constant, scale};
use serde::{Deserialize, Serialize};

/// Bounds of the smoothing weight (statsforecast 2.1.1, `optimize_theta_target_fn`).
const ALPHA: (f64, f64) = (0.1, 0.99);
/// Smoothing weights tried first; the best and its neighbours bracket the search.
const TRIED: usize = 12;
/// The search ends when the bracket is narrower.
const BRACKET: f64 = 1e-4;
/// The golden section.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// Errors of the first values are not counted: level and line are not yet known there.
const UNCOUNTED: usize = 3;
/// A multiplicative season with a factor below this is taken as additive (statsforecast 2.1.1, `auto_theta`).
const LEAST_FACTOR: f64 = 0.01;
/// What is left of the first level below this share is nothing.
const FADED: f64 = 1e-18;
/// Equations whose determinant is smaller, by the product of their diagonal, are not solved for the first level.
const DEGENERATE: f64 = 1e-12;

/// The dynamic optimised Theta model, fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedTheta {
    alpha: f64,
    /// 1 - 1/theta.
    weight: f64,
    state: State,
    variance: f64,
    scale: f64,
    kind: Kind,
    /// One factor a phase, the first being the next value's; empty without a season.
    seasons: Vec<f64>,
}

/// After some values: the smoothed level, and the mean and the line of them all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct State {
    values: usize,
    level: f64,
    /// What is left of the first level.
    left: f64,
    line: Line,
}

/// The least-squares line through all values so far: `intercept + slope x step`, steps from 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Line {
    mean: f64,
    intercept: f64,
    slope: f64,
}

impl Line {
    fn through(value: f64) -> Line {
        Line { mean: value, intercept: value, slope: 0.0 }
    }

    /// Takes one more value in, after `values` of them (Fiorucci et al. 2016, eq. 19 and 20).
    fn next(self, values: usize, value: f64) -> Line {
        let count = values as f64;
        let mean = (count * self.mean + value) / (count + 1.0);
        let slope = ((count - 1.0) * self.slope + 6.0 * (value - self.mean) / (count + 1.0)) / (count + 2.0);
        Line { mean, intercept: mean - slope * (count + 2.0) / 2.0, slope }
    }

    /// The line's part in the next mean, `left` being what is left of the first level (eq. 14).
    #[inline]
    fn pull(self, alpha: f64, left: f64) -> f64 {
        self.intercept * left + self.slope * (1.0 - left * (1.0 - alpha)) / alpha
    }
}

impl State {
    fn first(value: f64, alpha: f64, level: f64) -> State {
        State { values: 1, level: alpha * value + (1.0 - alpha) * level, left: 1.0 - alpha, line: Line::through(value) }
    }

    fn mean(&self, alpha: f64, weight: f64) -> f64 {
        self.level + weight * self.line.pull(alpha, self.left)
    }

    fn next(self, alpha: f64, value: f64) -> State {
        State {
            values: self.values + 1,
            level: alpha * value + (1.0 - alpha) * self.level,
            left: self.left * (1.0 - alpha),
            line: self.line.next(self.values, value),
        }
    }
}

/// Fits the model to the values without their season.
pub fn fit(values: &[f64], season: usize) -> Result<FittedTheta, Unfit> {
    check(values)?;
    let scale = scale(values);
    let mut rest: Vec<f64> = values.iter().map(|value| value / scale).collect();
    let (kind, mut seasons) = season_of(&rest, season);
    if !seasons.is_empty() {
        for round in rest.chunks_mut(season) {
            round.iter_mut().zip(&seasons).for_each(|(value, factor)| *value = kind.without(*value, *factor));
        }
        seasons.rotate_left(values.len() % season);
    }
    if is_constant(&rest) {
        let state = State { values: rest.len(), level: rest[0], left: 0.0, line: Line::through(rest[0]) };
        return Ok(FittedTheta { alpha: ALPHA.1, weight: 0.0, state, variance: 0.0, scale, kind, seasons });
    }
    let (alpha, level, weight) = search(&rest);
    let mut state = State::first(rest[0], alpha, level);
    let mut errors = Vec::with_capacity(rest.len());
    for value in &rest[1..] {
        errors.push(value - state.mean(alpha, weight));
        state = state.next(alpha, *value);
    }
    let variance = variance(&errors[UNCOUNTED - 1..]);
    Ok(FittedTheta { alpha, weight, state, variance, scale, kind, seasons })
}

/// The season's factors, if the test finds one: multiplicative where all values are above zero and no factor is tiny.
fn season_of(values: &[f64], season: usize) -> (Kind, Vec<f64>) {
    if !is_seasonal(values, season) {
        return (Kind::Additive, Vec::new());
    }
    if values.iter().all(|value| *value > 0.0) {
        let found = factors(values, season, Kind::Multiplicative);
        if found.iter().all(|factor| *factor >= LEAST_FACTOR) {
            return (Kind::Multiplicative, found);
        }
    }
    (Kind::Additive, factors(values, season, Kind::Additive))
}

fn variance(errors: &[f64]) -> f64 {
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / (errors.len() - 1) as f64
}

/// The smoothing weight, first level and line's weight with the least squared errors.
fn search(values: &[f64]) -> (f64, f64, f64) {
    let problem = Problem::new(values);
    let spacing = (ALPHA.1 - ALPHA.0) / (TRIED - 1) as f64;
    let tried: Vec<f64> = (0..TRIED).map(|i| problem.solve(ALPHA.0 + spacing * i as f64).squares).collect();
    let best = (0..TRIED).fold(0, |best, i| if tried[i] < tried[best] { i } else { best });
    let (mut low, mut high) = (ALPHA.0 + spacing * best.saturating_sub(1) as f64, ALPHA.0 + spacing * (best + 1).min(TRIED - 1) as f64);
    let (mut lower, mut upper) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_lower, mut at_upper) = (problem.solve(lower), problem.solve(upper));
    while high - low > BRACKET {
        if at_lower.squares <= at_upper.squares {
            (high, upper, at_upper) = (upper, lower, at_lower);
            lower = high - GOLDEN * (high - low);
            at_lower = problem.solve(lower);
        } else {
            (low, lower, at_lower) = (lower, upper, at_upper);
            upper = low + GOLDEN * (high - low);
            at_upper = problem.solve(upper);
        }
    }
    let (alpha, found) = if at_lower.squares <= at_upper.squares { (lower, at_lower) } else { (upper, at_upper) };
    (alpha, found.level, found.weight)
}

/// The values with the lines through those before each.
struct Problem<'a> {
    values: &'a [f64],
    /// By step: the line through the values before it.
    lines: Vec<Line>,
    /// From each step on: the sum of squared slopes.
    slope_squares: Vec<f64>,
}

/// The best first level and line's weight for one smoothing weight.
#[derive(Debug, Clone, Copy)]
struct Solution {
    squares: f64,
    level: f64,
    weight: f64,
}

impl<'a> Problem<'a> {
    fn new(values: &'a [f64]) -> Problem<'a> {
        let mut lines = vec![Line::through(values[0]); 2];
        for (step, value) in values.iter().enumerate().skip(1) {
            lines.push(lines[step].next(step, *value));
        }
        let mut slope_squares: Vec<f64> = lines.iter().map(|line| line.slope * line.slope).collect();
        slope_squares.pop();
        for step in (1..values.len()).rev() {
            slope_squares[step - 1] += slope_squares[step];
        }
        Problem { values, lines, slope_squares }
    }

    /// Least squares of the values on what is left of the first level and on the line's pull.
    fn solve(&self, alpha: f64) -> Solution {
        let keep = 1.0 - alpha;
        let mut level = alpha * self.values[0];
        let mut left = keep;
        for value in &self.values[1..UNCOUNTED] {
            level = alpha * value + keep * level;
            left *= keep;
        }
        // Sums of squares and products: u the values' surprises, g what is left of the first level, c the pull.
        let (mut uu, mut ug, mut uc, mut gg, mut gc, mut cc) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        let mut step = UNCOUNTED;
        while step < self.values.len() && left > FADED {
            let (value, pull) = (self.values[step], self.lines[step].pull(alpha, left));
            let surprise = value - level;
            uu += surprise * surprise;
            ug += surprise * left;
            uc += surprise * pull;
            gg += left * left;
            gc += left * pull;
            cc += pull * pull;
            level += alpha * surprise;
            left *= keep;
            step += 1;
        }
        // From here the first level is forgotten, and the pull is the slope by alpha.
        let mut slopes = 0.0;
        for (value, line) in self.values[step..].iter().zip(&self.lines[step..]) {
            let surprise = value - level;
            uu += surprise * surprise;
            slopes += surprise * line.slope;
            level += alpha * surprise;
        }
        uc += slopes / alpha;
        cc += self.slope_squares.get(step).unwrap_or(&0.0) / (alpha * alpha);
        Sums { uu, ug, uc, gg, gc, cc }.solve(self.values[0])
    }
}

struct Sums {
    uu: f64,
    ug: f64,
    uc: f64,
    gg: f64,
    gc: f64,
    cc: f64,
}

impl Sums {
    /// The line's weight stays in 0..=1 (theta is one or more). `otherwise` is the first level that nothing tells.
    fn solve(&self, otherwise: f64) -> Solution {
        let determinant = self.gg * self.cc - self.gc * self.gc;
        let free = if determinant > DEGENERATE * self.gg * self.cc {
            (self.uc * self.gg - self.ug * self.gc) / determinant
        } else if self.cc > 0.0 {
            self.uc / self.cc
        } else {
            0.0
        };
        let weight = free.clamp(0.0, 1.0);
        let level = if self.gg > 0.0 { (self.ug - weight * self.gc) / self.gg } else { otherwise };
        let cross = 2.0 * (level * self.ug + weight * self.uc - level * weight * self.gc);
        let squares = self.uu - cross + level * level * self.gg + weight * weight * self.cc;
        Solution { squares, level, weight }
    }
}

impl FittedTheta {
    /// Smoothing weight and theta, the latter infinite at the bound.
    pub fn parameters(&self) -> (f64, f64) {
        (self.alpha, 1.0 / (1.0 - self.weight))
    }

    fn factor(&self, ahead: usize) -> Option<f64> {
        (!self.seasons.is_empty()).then(|| self.seasons[ahead % self.seasons.len()])
    }
}

/// The means of the steps after a state, each taken in as if it had come.
fn means(mut state: State, alpha: f64, weight: f64, horizon: usize) -> Vec<f64> {
    let one = |_| {
        let mean = state.mean(alpha, weight);
        state = state.next(alpha, mean);
        mean
    };
    (0..horizon).map(one).collect()
}

impl Local for FittedTheta {
    fn forecast(&self, horizon: usize) -> Vec<f64> {
        let means = means(self.state, self.alpha, self.weight, horizon).into_iter().enumerate();
        means.map(|(ahead, mean)| self.factor(ahead).map_or(mean, |factor| self.kind.with(mean, factor)) * self.scale).collect()
    }

    /// Means are linear in the errors before them: the echo of an error of one is what the model says of a series of
    /// zeros that ends with a one.
    fn spread(&self, horizon: usize) -> Vec<f64> {
        let zeros = Line { mean: 0.0, intercept: 0.0, slope: 0.0 };
        let mut squares = vec![1.0; horizon];
        for at in 1..horizon {
            let quiet = State {
                values: self.state.values + at - 1,
                level: 0.0,
                left: self.state.left * (1.0 - self.alpha).powi(at as i32 - 1),
                line: zeros,
            };
            let echo = means(quiet.next(self.alpha, 1.0), self.alpha, self.weight, horizon - at);
            squares[at..].iter_mut().zip(echo).for_each(|(sum, echo)| *sum += echo * echo);
        }
        let factor = |ahead: usize| if self.kind == Kind::Multiplicative { self.factor(ahead).unwrap_or(1.0) } else { 1.0 };
        let one = |(ahead, square): (usize, &f64)| (square * self.variance).sqrt() * factor(ahead) * self.scale;
        squares.iter().enumerate().map(one).collect()
    }

    fn update(&mut self, value: f64) {
        let value = value / self.scale;
        let rest = self.factor(0).map_or(value, |factor| self.kind.without(value, factor));
        self.state = self.state.next(self.alpha, rest);
        if !self.seasons.is_empty() {
            self.seasons.rotate_left(1);
        }
    }
}

#[cfg(test)]
#[path = "theta_tests.rs"]
mod tests;
