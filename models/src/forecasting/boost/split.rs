//! The best cut of a leaf. In: its histogram. Out: column, code, where missing cells go, what it gains.
//! Never: a cut that leaves too few rows, or turns a column against its direction.
//!
//! With gradient sum G, curvature sum H and ridge r a leaf's best value is -G/(H + r), and its loss falls by half of
//! G²/(H + r); a cut gains the children's less the parent's (Chen and Guestrin, XGBoost, KDD 2016, equations 5 to 7).
//! A directed column bounds both sides by the middle of their values (LightGBM's `basic` method); a bounded value v
//! gains -(2Gv + (H + r)v²).

use super::Direction;
use super::bins::{Binned, MISSING};
use super::histogram::{Histogram, Scale, Sums, Wish, less, plus};

/// A leaf's curvature at least.
const LEAST_CURVATURE: f64 = 1e-3;
/// A gain below this share of what the children reach is rounding.
const NOISE: f64 = 1e-10;

/// Values a leaf may take; both ends inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub low: f64,
    pub high: f64,
}

impl Bounds {
    /// Any value.
    pub const FREE: Bounds = Bounds { low: f64::MIN, high: f64::MAX };

    /// Those of the left and right side of a cut whose sides take these values.
    pub fn of_sides(self, direction: Direction, left: f64, right: f64) -> (Bounds, Bounds) {
        let middle = (left + right) / 2.0;
        match direction {
            Direction::Free => (self, self),
            Direction::Rising => (Bounds { high: middle, ..self }, Bounds { low: middle, ..self }),
            Direction::Falling => (Bounds { low: middle, ..self }, Bounds { high: middle, ..self }),
        }
    }
}

/// A leaf in two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut<const WORDS: usize> {
    pub column: u32,
    /// The highest code that goes left.
    pub code: u8,
    /// Where missing cells go.
    pub missing_left: bool,
    /// What the loss falls by, twice.
    pub gain: f64,
    /// The sum of the left side's wishes.
    pub left: Wish<WORDS>,
}

/// What all cuts of a tree are held to.
pub(super) struct Rules<'a> {
    pub scale: Scale,
    pub ridge: f64,
    pub leaf_rows: u32,
    /// One a column, or none.
    pub directions: &'a [Direction],
}

impl Rules<'_> {
    /// The direction of a column.
    pub fn direction(&self, column: u32) -> Direction {
        self.directions.get(column as usize).copied().unwrap_or(Direction::Free)
    }

    /// The best value of a leaf.
    pub fn value(&self, sums: Sums, bounds: Bounds) -> f64 {
        let curvature = sums.curvature + self.ridge;
        if curvature < LEAST_CURVATURE { 0.0 } else { (-sums.gradient / curvature).clamp(bounds.low, bounds.high) }
    }

    fn reached(&self, sums: Sums, bounds: Bounds) -> f64 {
        let curvature = sums.curvature + self.ridge;
        if self.directions.is_empty() {
            return sums.gradient * sums.gradient / curvature;
        }
        let value = self.value(sums, bounds);
        -(2.0 * sums.gradient + curvature * value) * value
    }

    /// True when a side may become a leaf.
    fn stands(&self, sums: Sums) -> bool {
        sums.rows >= self.leaf_rows && sums.curvature >= LEAST_CURVATURE
    }

    /// The best cut over `columns`, the first of equals; None when nothing is gained.
    pub fn best<const WORDS: usize>(
        &self,
        binned: &Binned,
        columns: &[u32],
        histogram: &Histogram<WORDS>,
        total: Wish<WORDS>,
        bounds: Bounds,
    ) -> Option<Cut<WORDS>> {
        let lanes = histogram.as_flattened();
        let mut best = None;
        for &column in columns {
            let sums = &lanes[column as usize][..=binned.last_code(column as usize)];
            let beaten = best.map_or(0.0, |best: Cut<WORDS>| best.gain);
            best = self.best_of_column(column, sums, total, bounds, beaten).or(best);
        }
        best
    }

    /// The best cut of one column that gains more than `beaten`.
    fn best_of_column<const WORDS: usize>(
        &self,
        column: u32,
        sums: &[Wish<WORDS>],
        total: Wish<WORDS>,
        bounds: Bounds,
        beaten: f64,
    ) -> Option<Cut<WORDS>> {
        let parent = self.reached(self.scale.read(total), bounds);
        let missing = sums[usize::from(MISSING)];
        let any_missing = self.scale.rows(missing) > 0;
        let (mut best, mut beaten) = (None, beaten);
        for missing_left in [false, true] {
            if missing_left && !any_missing {
                break;
            }
            let mut left = if missing_left { missing } else { [0; WORDS] };
            for (code, &sum) in sums.iter().enumerate().take(sums.len() - 1) {
                let is_missing = code == usize::from(MISSING);
                if !is_missing {
                    left = plus(left, sum);
                }
                // An empty code cuts as the one before it; with nothing on the left there is no cut.
                let is_repeat = if is_missing { !missing_left } else { sum == [0; WORDS] };
                if is_repeat {
                    continue;
                }
                let (here, there) = (self.scale.read(left), self.scale.read(less(total, left)));
                if !self.stands(here) {
                    continue;
                }
                if !self.stands(there) {
                    break;
                }
                let reached = self.reached(here, bounds) + self.reached(there, bounds);
                let gain = reached - parent;
                if gain > beaten && gain > NOISE * reached && self.is_directed(column, here, there, bounds) {
                    beaten = gain;
                    // Unseen here, missing cells will go with the larger side.
                    let missing_left = if any_missing { missing_left } else { here.rows > there.rows };
                    best = Some(Cut { column, code: code as u8, missing_left, gain, left });
                }
            }
        }
        best
    }

    fn is_directed(&self, column: u32, left: Sums, right: Sums, bounds: Bounds) -> bool {
        match self.direction(column) {
            Direction::Free => true,
            Direction::Rising => self.value(left, bounds) <= self.value(right, bounds),
            Direction::Falling => self.value(left, bounds) >= self.value(right, bounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::boost::MOST_BINS;
    use crate::forecasting::boost::histogram::{build, empty, pack, total};

    fn best(column: &[f32], gradients: &[f64], leaf_rows: u32, directions: &[Direction]) -> Option<Cut<1>> {
        let binned = Binned::new(&[column], MOST_BINS).expect("rows");
        let mut wishes = Vec::new();
        let scale = pack::<1>(gradients, &[], &mut wishes);
        let rows: Vec<u32> = (0..column.len() as u32).collect();
        let mut histogram = empty(&binned);
        build(&binned, &rows, &wishes, 1, &mut histogram);
        let rules = Rules { scale, ridge: 0.0, leaf_rows, directions };
        rules.best(&binned, &[0], &histogram, total(&rows, &wishes), Bounds::FREE)
    }

    #[test]
    fn one_cut_worked_by_hand() {
        // Gradients -1 -1 | 3 1: (-2)²/2 + 4²/2 - 2²/4 = 2 + 8 - 1 = 9; the cuts beside it gain 1/1 + 9/3 - 1 and 1/3 + 1 - 1.
        let cut = best(&[1.0, 2.0, 3.0, 4.0], &[-1.0, -1.0, 3.0, 1.0], 1, &[]).expect("a cut");
        assert_eq!((cut.column, cut.code, cut.missing_left), (0, 2, false));
        assert!((cut.gain - 9.0).abs() < 1e-9, "{cut:?}");
        // With three rows a leaf nothing can be cut, and nothing is gained where all wish the same.
        assert_eq!(best(&[1.0, 2.0, 3.0, 4.0], &[-1.0, -1.0, 3.0, 1.0], 3, &[]), None);
        assert_eq!(best(&[1.0, 2.0, 3.0, 4.0], &[0.3; 4], 1, &[]), None);
    }

    #[test]
    fn missing_cells_go_where_they_gain() {
        let cells = [f32::NAN, 1.0, 2.0, f32::NAN];
        let cut = |gradients: &[f64]| best(&cells, gradients, 1, &[]).map(|cut| (cut.code, cut.missing_left));
        assert_eq!(cut(&[1.0, -1.0, 1.0, 1.0]), Some((1, false)), "with the high side");
        assert_eq!(cut(&[1.0, 1.0, -1.0, 1.0]), Some((1, true)), "with the low side");
        assert_eq!(cut(&[1.0, -1.0, -1.0, 1.0]), Some((0, true)), "alone");
    }

    #[test]
    fn a_directed_column_is_cut_its_way_only() {
        let (cells, falling) = ([1.0, 2.0, 3.0, 4.0], [-1.0, -1.0, 1.0, 1.0]);
        assert!(best(&cells, &falling, 1, &[Direction::Falling]).is_some_and(|cut| (cut.gain - 4.0).abs() < 1e-9));
        assert_eq!(best(&cells, &falling, 1, &[Direction::Rising]), None);
    }
}
