//! Far-off values, one after the other. In: values in order. Out: spikes and level shifts.
//! Never: a judgement that a later value could have made, before that value has come.

use super::AnomalyKind;
use crate::forecasting::track::{MIN_OBSERVED, Transform};
use nongshi_domain::Target;
use std::collections::VecDeque;

/// Believed values (of one phase) whose median the next is held against.
const REFERENCE: usize = 5;
/// Fewer of them are no reference.
const LEAST_REFERENCE: usize = 3;
/// Distances whose median is the unit; they are the last ones.
const UNIT_WINDOW: usize = 60;
/// Standard deviation of a normal law by its median absolute distance.
const DEVIATION_PER_MEDIAN_ABSOLUTE: f64 = 1.482_602_218_505_602;
/// Units beyond which a value is far off.
const FAR: f64 = 6.0;
/// A value is never far off when nearer than this: 1.5 times as much as was expected, or by that factor less.
const LEAST_FACTOR: f64 = 1.5;
/// A price that is off by this factor is a slip of the pen: between the digits of a slipped decimal and any market's move.
const SLIP_FACTOR: f64 = 3.0;
/// More far-off values than this before a return are no spike, unless each is a slip.
const SPIKE_VALUES: usize = 3;
/// This many far-off values that agree are a new level.
const SHIFT_VALUES: usize = 6;

/// A value that waits for what comes after it.
#[derive(Debug, Clone, Copy)]
struct Far {
    step: usize,
    value: f64,
    expected: f64,
    /// Seen less expected, transformed.
    distance: f64,
    slip: bool,
}

/// A walk along a series.
pub(super) struct Watch {
    transform: Transform,
    target: Target,
    bridge: usize,
    /// By phase of the season: the last believed values.
    believed: Vec<VecDeque<f64>>,
    distances: VecDeque<f64>,
    waiting: Vec<Far>,
    last: Option<usize>,
    found: Vec<(usize, Option<f64>, AnomalyKind)>,
}

impl Watch {
    pub fn new(transform: Transform, target: Target, season: usize, bridge: usize) -> Watch {
        Watch {
            transform,
            target,
            bridge: bridge.max(season),
            believed: vec![VecDeque::new(); season],
            distances: VecDeque::new(),
            waiting: Vec::new(),
            last: None,
            found: Vec::new(),
        }
    }

    /// Takes the next value in.
    pub fn see(&mut self, step: usize, value: f64) {
        if self.last.is_some_and(|last| step - last > self.bridge) {
            // after a long silence nothing is known of the level
            self.tell_slips();
            self.believed.iter_mut().for_each(VecDeque::clear);
            self.waiting.clear();
        }
        self.last = Some(step);
        let phase = step % self.believed.len();
        if self.believed[phase].len() < LEAST_REFERENCE {
            push(&mut self.believed[phase], value, REFERENCE);
            return;
        }
        let expected = median(self.believed[phase].iter().copied());
        let distance = self.transform.apply(value) - self.transform.apply(expected);
        if self.distances.len() < MIN_OBSERVED || distance.abs() <= self.limit(expected) {
            self.return_to_level();
            push(&mut self.believed[phase], value, REFERENCE);
            push(&mut self.distances, distance.abs(), UNIT_WINDOW);
            return;
        }
        let factor = if value > expected { value / expected } else { expected / value };
        self.waiting.push(Far { step, value, expected, distance, slip: self.target == Target::Price && factor >= SLIP_FACTOR });
        if self.waiting.len() == SHIFT_VALUES {
            self.move_level();
        }
    }

    /// What was found; what still waits is only told when no market moves like that.
    pub fn end(mut self) -> Vec<(usize, Option<f64>, AnomalyKind)> {
        self.tell_slips();
        self.found
    }

    /// What waits and is off as no market moves.
    fn tell_slips(&mut self) {
        if self.waiting.iter().all(|far| far.slip) {
            self.tell_spikes();
        }
    }

    /// How far a value may be from what was expected, transformed. A quantity that mostly does not move (it mostly stands at
    /// zero) may be anything.
    fn limit(&self, expected: f64) -> f64 {
        let unit = DEVIATION_PER_MEDIAN_ABSOLUTE * median(self.distances.iter().copied());
        if self.target == Target::Demand && unit == 0.0 {
            return f64::INFINITY;
        }
        let least = self.transform.apply(expected * LEAST_FACTOR) - self.transform.apply(expected);
        (FAR * unit).max(least)
    }

    /// A value is where it was expected again.
    fn return_to_level(&mut self) {
        if self.waiting.len() <= SPIKE_VALUES || self.waiting.iter().all(|far| far.slip) {
            self.tell_spikes();
        }
        // longer ways out and back are the series' own: the unit learns them
        for far in std::mem::take(&mut self.waiting) {
            push(&mut self.distances, far.distance.abs(), UNIT_WINDOW);
        }
    }

    fn tell_spikes(&mut self) {
        self.found.extend(self.waiting.drain(..).map(|far| (far.step, Some(far.expected), AnomalyKind::Spike)));
    }

    /// The values stayed away: what they agree on is the level from now on.
    fn move_level(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let moved = median(waiting.iter().map(|far| far.distance));
        let limit = waiting.first().map_or(0.0, |far| self.limit(far.expected));
        let agree = waiting.iter().all(|far| (far.distance - moved).abs() <= limit);
        if let Some(first) = waiting.first().filter(|_| agree) {
            self.found.push((first.step, Some(first.expected), AnomalyKind::LevelShift));
        }
        let transform = self.transform;
        for value in self.believed.iter_mut().flatten() {
            *value = transform.restore(transform.apply(*value) + moved);
        }
        let phases = self.believed.len();
        for far in waiting {
            push(&mut self.believed[far.step % phases], far.value, REFERENCE);
            if !agree {
                push(&mut self.distances, far.distance.abs(), UNIT_WINDOW);
            }
        }
    }
}

fn push(values: &mut VecDeque<f64>, value: f64, most: usize) {
    if values.len() == most {
        values.pop_front();
    }
    values.push_back(value);
}

/// The middle value, of two middle ones the mean; 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}
