//! Rows that stand there twice. In: the columns and which rows stand. Out: for each later one, the first like it.
//! Never: two rows taken for one because their hashes are.

use crate::cells::Cells;
use crate::rows::Verdicts;
use std::hash::{BuildHasher, RandomState};

/// Stands in a place of the table that holds no row; a row's number is one more than its place.
const FREE: u32 = 0;
/// An odd number without a pattern: 2^64 divided by the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The same row again; another value under the same key is no duplicate.
pub(crate) fn reject_duplicates(columns: &[Cells], width: usize, verdicts: &mut Verdicts) {
    let hashes = hashes(columns, verdicts.len());
    let mask = (2 * hashes.len()).next_power_of_two() - 1;
    let mut table = vec![FREE; mask + 1];
    for row in 0..hashes.len() {
        if !verdicts.stands(row) {
            continue;
        }
        let mut place = hashes[row] as usize & mask;
        loop {
            if table[place] == FREE {
                table[place] = row as u32 + 1;
                break;
            }
            let there = table[place] as usize - 1;
            if hashes[there] == hashes[row] && columns.iter().all(|column| same(column, there, row)) {
                verdicts.reject(row, "duplicate", || format!("every column is as in record {}", there / width + 1));
                break;
            }
            place = (place + 1) & mask;
        }
    }
}

/// One number a row, the same for equal rows. It begins with another number in every process, so that nobody can
/// write rows that all meet in one place; nothing else depends on it.
fn hashes(columns: &[Cells], rows: usize) -> Vec<u64> {
    let mut hashes = vec![RandomState::new().hash_one(MIXER); rows];
    for column in columns {
        match column {
            Cells::Text { codes, .. } => mix(&mut hashes, codes, |code| u64::from(*code)),
            Cells::Day(days) => mix(&mut hashes, days, |day| day.map_or(u64::MAX, |day| u64::from(day.cast_unsigned()))),
            Cells::Count(numbers) | Cells::Exact { mantissas: numbers, .. } => {
                mix(&mut hashes, numbers, |number| number.map_or(u64::MAX, i64::cast_unsigned))
            }
        }
    }
    hashes
}

fn mix<T>(hashes: &mut [u64], cells: &[T], number: impl Fn(&T) -> u64) {
    for (hash, cell) in hashes.iter_mut().zip(cells) {
        let product = u128::from(*hash ^ number(cell)) * u128::from(MIXER);
        *hash = (product as u64 ^ (product >> 64) as u64).rotate_left(23).wrapping_add(MIXER);
    }
}

fn same(column: &Cells, one: usize, other: usize) -> bool {
    match column {
        Cells::Text { codes, .. } => codes[one] == codes[other],
        Cells::Day(days) => days[one] == days[other],
        Cells::Count(numbers) | Cells::Exact { mantissas: numbers, .. } => numbers[one] == numbers[other],
    }
}
