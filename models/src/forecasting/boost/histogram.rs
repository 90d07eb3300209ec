//! Gradients, curvatures and rows summed by code. In: codes, one wish a row. Out: sums a column and code.
//! Never: a sum that depends on the order of its rows.
//!
//! A wish is a gradient and a curvature as whole numbers of a unit, a power of two that is chosen for every tree so that
//! no sum can overflow; so they add up exactly in any order and on any number of threads, and parent less one child is
//! the other child (after Shi and others, Quantized training of gradient boosting decision trees, NeurIPS 2022, with 16
//! bits and more instead of their 2 to 5). Rows are counted in the low bits of the last word. A flat loss without
//! weights has a curvature of 1 a row and needs no second word.

use super::bins::{Binned, CODES, LANES};

/// The wish of a row, or a sum of them: one word when curvature is the number of rows, else two.
pub(super) type Wish<const WORDS: usize> = [i64; WORDS];
/// The sums of eight columns by code.
pub(super) type Block<const WORDS: usize> = [[Wish<WORDS>; CODES]; LANES];
/// The sums of all columns.
pub(super) type Histogram<const WORDS: usize> = Vec<Block<WORDS>>;

/// Bits of a sum that are used at most: one for the sign, one to spare.
const BITS: u32 = 62;
/// Rows times blocks below which a second thread costs more than it saves (about 0.1 ms of work).
const WORTH_A_THREAD: usize = 1 << 15;

/// A sum of wishes, read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sums {
    pub gradient: f64,
    pub curvature: f64,
    pub rows: u32,
}

/// What a wish's whole numbers mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Low bits of the last word that count rows.
    count_bits: u32,
    gradient_unit: f64,
    curvature_unit: f64,
}

/// The smallest power of two by which `most` has at most `bits` bits.
fn unit(most: f64, bits: u32) -> f64 {
    if most > 0.0 { (most.log2().ceil() - f64::from(bits)).exp2() } else { 1.0 }
}

/// Turns gradients (and curvatures, when there are two words) into wishes.
pub(super) fn pack<const WORDS: usize>(gradients: &[f64], curvatures: &[f64], wishes: &mut Vec<Wish<WORDS>>) -> Scale {
    let most = |values: &[f64]| values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let count_bits = usize::BITS - gradients.len().leading_zeros();
    let narrow = BITS - 2 * count_bits;
    let gradient_unit = unit(most(gradients), if WORDS == 1 { narrow } else { BITS - count_bits });
    let curvature_unit = if WORDS == 1 { 1.0 } else { unit(most(curvatures), narrow) };
    // Powers of two: multiplying by the inverse is dividing.
    let (per_gradient, per_curvature) = (gradient_unit.recip(), curvature_unit.recip());
    let whole = |value: f64| value.round_ties_even() as i64;
    wishes.clear();
    wishes.extend((0..gradients.len()).map(|row| {
        let mut wish = [whole(gradients[row] * per_gradient); WORDS];
        let counted = if WORDS == 1 { wish[0] } else { whole(curvatures[row] * per_curvature) };
        wish[WORDS - 1] = (counted << count_bits) + 1;
        wish
    }));
    Scale { count_bits, gradient_unit, curvature_unit }
}

impl Scale {
    /// Reads a sum.
    pub fn read<const WORDS: usize>(self, sum: Wish<WORDS>) -> Sums {
        let rows = self.rows(sum);
        let high = (sum[WORDS - 1] >> self.count_bits) as f64;
        let (gradient, curvature) = if WORDS == 1 { (high, f64::from(rows)) } else { (sum[0] as f64, high * self.curvature_unit) };
        Sums { gradient: gradient * self.gradient_unit, curvature, rows }
    }

    /// The rows of a sum.
    pub fn rows<const WORDS: usize>(self, sum: Wish<WORDS>) -> u32 {
        // The count has at most 24 bits.
        (sum[WORDS - 1] & ((1 << self.count_bits) - 1)) as u32
    }
}

/// An empty histogram.
pub(super) fn empty<const WORDS: usize>(binned: &Binned) -> Histogram<WORDS> {
    vec![[[[0; WORDS]; CODES]; LANES]; binned.blocks.len()]
}

/// The sum of some rows' wishes.
pub(super) fn total<const WORDS: usize>(rows: &[u32], wishes: &[Wish<WORDS>]) -> Wish<WORDS> {
    rows.iter().fold([0; WORDS], |sum, row| plus(sum, wishes[*row as usize]))
}

pub(super) fn plus<const WORDS: usize>(mut left: Wish<WORDS>, right: Wish<WORDS>) -> Wish<WORDS> {
    left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
    left
}

pub(super) fn less<const WORDS: usize>(mut left: Wish<WORDS>, right: Wish<WORDS>) -> Wish<WORDS> {
    left.iter_mut().zip(right).for_each(|(left, right)| *left -= right);
    left
}

/// Adds the wishes of `rows` to an empty histogram.
pub(super) fn build<const WORDS: usize>(binned: &Binned, rows: &[u32], wishes: &[Wish<WORDS>], threads: usize, into: &mut [Block<WORDS>]) {
    let add_all = |codes: &[Vec<[u8; LANES]>], into: &mut [Block<WORDS>]| {
        codes.iter().zip(into).for_each(|(codes, into)| add(codes, rows, wishes, into));
    };
    if threads == 1 || rows.len() * into.len() < WORTH_A_THREAD {
        return add_all(&binned.blocks, into);
    }
    let share = into.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for (codes, into) in binned.blocks.chunks(share).zip(into.chunks_mut(share)) {
            scope.spawn(move || add_all(codes, into));
        }
    });
}

/// Eight columns at once: one read of codes and wish, eight sums that do not wait for each other.
fn add<const WORDS: usize>(codes: &[[u8; LANES]], rows: &[u32], wishes: &[Wish<WORDS>], into: &mut Block<WORDS>) {
    for &row in rows {
        let (codes, wish) = (codes[row as usize], wishes[row as usize]);
        for (lane, code) in into.iter_mut().zip(codes) {
            let sum = &mut lane[usize::from(code)];
            *sum = plus(*sum, wish);
        }
    }
}

/// Leaves in `parent` what is not in `child`.
pub(super) fn subtract<const WORDS: usize>(parent: &mut [Block<WORDS>], child: &[Block<WORDS>]) {
    for (parent, child) in parent.as_flattened_mut().as_flattened_mut().iter_mut().zip(child.as_flattened().as_flattened()) {
        *parent = less(*parent, *child);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecasting::boost::MOST_BINS;
    use nongshi_domain::Seed;

    fn noise(rows: usize, columns: usize) -> (Binned, Vec<f64>, Vec<f64>) {
        let mut seed = Seed(8).derive("histogram");
        let mut column = || (0..rows).map(|_| seed.normal() as f32).collect::<Vec<_>>();
        let cells: Vec<Vec<f32>> = (0..columns).map(|_| column()).collect();
        let borrowed: Vec<&[f32]> = cells.iter().map(Vec::as_slice).collect();
        let gradients = (0..rows).map(|_| seed.normal()).collect();
        let curvatures = (0..rows).map(|_| seed.uniform()).collect();
        (Binned::new(&borrowed, MOST_BINS).expect("rows"), gradients, curvatures)
    }

    fn check_sums<const WORDS: usize>() {
        let (binned, gradients, curvatures) = noise(20_000, 19);
        let mut wishes = Vec::new();
        let scale = pack::<WORDS>(&gradients, &curvatures, &mut wishes);
        let (some, others): (Vec<u32>, Vec<u32>) = (0..20_000).partition(|row| row % 3 == 0);
        let built = |rows: &[u32], threads| {
            let mut into = empty(&binned);
            build(&binned, rows, &wishes, threads, &mut into);
            into
        };
        let all: Vec<u32> = (0..20_000).collect();
        let whole = built(&all, 1);
        assert!(whole == built(&all, 2) && whole == built(&all, 3), "the same on any number of threads");
        let mut rest = whole.clone();
        subtract(&mut rest, &built(&some, 2));
        assert!(rest == built(&others, 1), "parent less one child is the other");
        // One code of the last column, read and summed by hand.
        let code = 17;
        let held = |row: &usize| binned.code(*row, 18) == code;
        let read = scale.read(whole[2][2][usize::from(code)]);
        let sum = |values: &[f64]| (0..20_000).filter(held).map(|row| values[row]).sum::<f64>();
        let rows = (0..20_000).filter(held).count();
        // 32 bits and more for gradients of at most 5: 1e-9 a row
        assert!((read.gradient - sum(&gradients)).abs() < 1e-7, "{read:?}");
        let curvature = if WORDS == 1 { rows as f64 } else { sum(&curvatures) };
        assert!((read.curvature - curvature).abs() < 1e-7, "{read:?} for {curvature}");
        assert_eq!(read.rows as usize, rows);
    }

    #[test]
    fn sums_are_the_same_in_any_order_and_by_subtraction() {
        check_sums::<1>();
        check_sums::<2>();
    }

    #[test]
    fn the_widest_sum_does_not_overflow() {
        // The most rows that may be learnt from, all of the largest wish, of either sign.
        for sign in [1.0, -1.0] {
            let rows = crate::forecasting::boost::MOST_ROWS;
            let gradients = vec![1.7 * sign; 1];
            let mut wishes = Vec::new();
            let few = pack::<2>(&gradients, &[2.5], &mut wishes);
            assert_eq!(few.read(wishes[0]), Sums { gradient: few.read(wishes[0]).gradient, curvature: 2.5, rows: 1 });
            let many = vec![1.7 * sign; rows];
            let mut narrow = Vec::new();
            let scale = pack::<1>(&many, &[], &mut narrow);
            let read = scale.read(narrow.iter().fold([0], |sum, wish| plus(sum, *wish)));
            // half a unit of 2^-14 a row at most
            assert!((read.gradient / (1.7 * sign * rows as f64) - 1.0).abs() < 1e-4, "{read:?}");
            assert_eq!(read.rows as usize, rows);
        }
    }
}
