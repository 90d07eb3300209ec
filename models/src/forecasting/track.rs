//! One series on the common axis: seen, transformed, bridged, summed.
//! In: values with gaps. Out: `Track`. Never: a bridged value among the observed.
//!
//! Models work on the logarithm of a price and on log(1 + kg / s) of demand, s being the mean of the first
//! `MIN_OBSERVED` values of the series (nobody speaks before those are seen): a day without sales is then a
//! low value and not an outlier, whatever the series sells. A price that is not above zero and a
//! demand below zero are no observations: they stay gaps. Over a gap the last value is carried for at most
//! `Rhythm::bridge` steps, for models that need a filled past; carrying looks back only, so what a model saw at a
//! step does not change when later values arrive (a straight line between both ends of a gap would).

use nongshi_domain::{Seed, Target};
use std::sync::Arc;

/// Values a series must have shown to be forecast at all.
pub(super) const MIN_OBSERVED: usize = 8;

/// One series on the ground's axis.
pub(super) struct Track {
    /// The series' key.
    pub key: String,
    /// When its turn comes in a thinned panel; follows from the key alone.
    pub turn: u64,
    /// Between its values and what models work on.
    pub transform: Transform,
    /// What was seen, a gap where nothing was; of demand what would have been, had the shelf not been empty for a part of the step.
    pub observed: Vec<Option<f64>>,
    /// The share of each step it could be bought; empty: always.
    pub in_stock: Vec<f64>,
    /// What is known beforehand.
    pub known: Known,
    /// Transformed and bridged.
    pub bridged: Vec<Option<f64>>,
    /// Running sums of the bridged values and of their number, of absolute and squared moves and of theirs; entry `i` is before step `i`.
    pub sums: Vec<f64>,
    /// See `sums`.
    pub counts: Vec<u32>,
    move_sums: Vec<f64>,
    square_sums: Vec<f64>,
    move_counts: Vec<u32>,
    /// Values seen before each step.
    pub seen: Vec<u32>,
    /// The last step with a value, at or before each step.
    pub last_seen: Vec<Option<usize>>,
}

/// How a series' values are made even.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Transform {
    /// The logarithm.
    Log,
    /// The logarithm of one and the value by this scale.
    LogOnePlus(f64),
}

impl Transform {
    /// By kind and first values.
    pub fn of(target: Target, observed: &[Option<f64>]) -> Transform {
        if target == Target::Price {
            return Transform::Log;
        }
        let first = || observed.iter().flatten().take(MIN_OBSERVED);
        let scale = first().sum::<f64>() / first().count().max(1) as f64;
        Transform::LogOnePlus(if scale > 0.0 { scale } else { 1.0 })
    }

    /// The transformed value.
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Transform::Log => value.ln(),
            Transform::LogOnePlus(scale) => (value / scale).ln_1p(),
        }
    }

    /// The value back from its transform; never negative.
    pub fn restore(self, value: f64) -> f64 {
        match self {
            Transform::Log => value.exp(),
            Transform::LogOnePlus(scale) => (value.exp_m1() * scale).max(0.0),
        }
    }
}

/// One series' cells of what is known beforehand.
#[derive(Default)]
pub(super) struct Known {
    /// The step of the first cells.
    from: usize,
    /// By column.
    cells: Arc<Vec<Vec<f64>>>,
    /// By column: running sums, entry `i` before cell `i`.
    sums: Vec<Vec<f64>>,
}

impl Known {
    /// The cells of `columns` columns that begin at step `from`.
    pub fn new(from: usize, cells: Arc<Vec<Vec<f64>>>) -> Known {
        let running = |cells: &Vec<f64>| {
            let mut sums = vec![0.0];
            for (at, cell) in cells.iter().enumerate() {
                sums.push(sums[at] + cell);
            }
            sums
        };
        let sums = cells.iter().map(running).collect();
        Known { from, cells, sums }
    }

    /// The cell of a step; of the nearest one where there is none, which only happens before a series begins and long after it ends.
    pub fn at(&self, column: usize, step: usize) -> f64 {
        let cells = &self.cells[column];
        cells.get(step.saturating_sub(self.from).min(cells.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }

    /// Mean of the cells of the `window` steps that end with `step`, as far as there are any.
    pub fn mean(&self, column: usize, step: usize, window: usize) -> f64 {
        let sums = &self.sums[column];
        let to = (step + 1).saturating_sub(self.from).min(sums.len() - 1);
        let from = (step + 1).saturating_sub(window).saturating_sub(self.from);
        if to > from { (sums[to] - sums[from]) / (to - from) as f64 } else { self.at(column, step) }
    }
}

impl Track {
    pub fn new(key: &str, observed: Vec<Option<f64>>, target: Target, bridge: usize) -> Track {
        let steps = observed.len();
        let mut track = Track {
            key: key.to_string(),
            turn: Seed(0).derive(key).next_u64(),
            transform: Transform::of(target, &observed),
            bridged: Vec::with_capacity(steps),
            sums: vec![0.0],
            counts: vec![0],
            move_sums: vec![0.0],
            square_sums: vec![0.0],
            move_counts: vec![0],
            seen: vec![0],
            last_seen: Vec::with_capacity(steps),
            observed,
            in_stock: Vec::new(),
            known: Known::default(),
        };
        let mut last: Option<usize> = None;
        for step in 0..steps {
            if track.observed[step].is_some() {
                last = Some(step);
            }
            let carried = last.filter(|seen| step - seen <= bridge).and_then(|seen| track.observed[seen]);
            let value = carried.map(|value| track.transform.apply(value));
            let before = step.checked_sub(1).and_then(|before| track.bridged[before]);
            let moved = value.zip(before).map(|(value, before)| (value - before).abs());
            track.sums.push(track.sums[step] + value.unwrap_or(0.0));
            track.counts.push(track.counts[step] + u32::from(value.is_some()));
            track.move_sums.push(track.move_sums[step] + moved.unwrap_or(0.0));
            track.square_sums.push(track.square_sums[step] + moved.map_or(0.0, |moved| moved * moved));
            track.move_counts.push(track.move_counts[step] + u32::from(moved.is_some()));
            track.seen.push(track.seen[step] + u32::from(track.observed[step].is_some()));
            track.bridged.push(value);
            track.last_seen.push(last);
        }
        track
    }

    /// The share of a step it could be bought.
    pub fn share(&self, step: usize) -> f64 {
        self.in_stock.get(step).copied().unwrap_or(1.0)
    }

    /// Mean absolute move over the `window` steps that end with `step`, and how many moves that is.
    pub fn roughness(&self, step: usize, window: usize) -> (f64, f64) {
        self.mean_move(&self.move_sums, step, window)
    }

    /// Mean squared move over them, and how many.
    pub fn square(&self, step: usize, window: usize) -> (f64, f64) {
        self.mean_move(&self.square_sums, step, window)
    }

    fn mean_move(&self, sums: &[f64], step: usize, window: usize) -> (f64, f64) {
        let from = (step + 1).saturating_sub(window);
        let count = f64::from(self.move_counts[step + 1] - self.move_counts[from]);
        (if count > 0.0 { (sums[step + 1] - sums[from]) / count } else { 0.0 }, count)
    }
}
