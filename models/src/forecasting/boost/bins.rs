//! Cells as codes of one byte. In: columns of numbers, NaN where a cell is missing. Out: `Binned`, made once for many fits.
//! Never: a cut learnt from an appended row (a refit must not move what an earlier origin saw).
//!
//! Cuts go by quantile: every bin holds about as many rows, and a value that fills a bin alone gets one of its own
//! (Ke and others, LightGBM, NIPS 2017, section 2.1; its `GreedyFindBin`).

use super::{BoostError, MOST_ROWS, same_length};

/// Bins of values at most; missing cells have one more.
pub const MOST_BINS: usize = 255;
/// Codes a byte can hold.
pub(super) const CODES: usize = 256;
/// Columns coded side by side: eight codes are read at once and their histograms stay in the nearest cache.
pub(super) const LANES: usize = 8;
/// The code of a missing cell; values have 1, 2, … in rising order.
pub(super) const MISSING: u8 = 0;
/// Rows that cuts are learnt from at most, evenly spread.
const CUT_ROWS: usize = 200_000;

/// Rows of codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Binned {
    rows: usize,
    /// By column: the highest value of every bin but the last.
    cuts: Vec<Vec<f32>>,
    /// By eight columns, then by row.
    pub(super) blocks: Vec<Vec<[u8; LANES]>>,
}

impl Binned {
    /// Learns the cuts of at most `most_bins` bins a column, and codes the rows. A flat slice of columns is passed as
    /// `flat.chunks(rows).collect::<Vec<_>>()`.
    pub fn new(columns: &[&[f32]], most_bins: usize) -> Result<Binned, BoostError> {
        if !(2..=MOST_BINS).contains(&most_bins) {
            return Err(BoostError::Setting { setting: "most_bins", value: most_bins as f64, allowed: "2 to 255" });
        }
        if columns.first().is_none_or(|column| column.is_empty()) {
            return Err(BoostError::NoRows);
        }
        check_cells(columns)?;
        let cuts = columns.iter().map(|column| cuts(column, most_bins)).collect();
        let mut binned = Binned { rows: 0, cuts, blocks: vec![Vec::new(); columns.len().div_ceil(LANES)] };
        binned.append(columns)?;
        Ok(binned)
    }

    /// Codes more rows by the cuts as they are.
    pub fn append(&mut self, columns: &[&[f32]]) -> Result<(), BoostError> {
        same_length("a row", columns.len(), self.columns())?;
        check_cells(columns)?;
        let more = columns.first().map_or(0, |column| column.len());
        if self.rows + more > MOST_ROWS {
            return Err(BoostError::ManyRows(self.rows + more));
        }
        self.rows += more;
        for (block, (columns, cuts)) in self.blocks.iter_mut().zip(columns.chunks(LANES).zip(self.cuts.chunks(LANES))) {
            let from = block.len();
            block.resize(self.rows, [MISSING; LANES]);
            for (lane, (column, cuts)) in columns.iter().zip(cuts).enumerate() {
                for (codes, &value) in block[from..].iter_mut().zip(*column) {
                    codes[lane] = code(cuts, value);
                }
            }
        }
        Ok(())
    }

    /// How many rows were coded.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns a row has.
    pub fn columns(&self) -> usize {
        self.cuts.len()
    }

    /// The highest code of a column.
    pub(super) fn last_code(&self, column: usize) -> usize {
        self.cuts[column].len() + 1
    }

    /// The code of a cell.
    pub(super) fn code(&self, row: usize, column: usize) -> u8 {
        self.blocks[column / LANES][row][column % LANES]
    }

    /// The highest value whose code is at most `code`; below every value for `MISSING`.
    pub(super) fn threshold(&self, column: usize, code: u8) -> f32 {
        usize::from(code).checked_sub(1).map_or(f32::MIN, |bin| self.cuts[column][bin])
    }
}

fn check_cells(columns: &[&[f32]]) -> Result<(), BoostError> {
    let rows = columns.first().map_or(0, |column| column.len());
    for (index, column) in columns.iter().enumerate() {
        same_length("a column", column.len(), rows)?;
        if let Some(row) = column.iter().position(|value| value.is_infinite()) {
            return Err(BoostError::Infinite { row, column: index });
        }
    }
    Ok(())
}

fn code(cuts: &[f32], value: f32) -> u8 {
    // At most 254 cuts, so at most 255.
    if value.is_nan() { MISSING } else { 1 + cuts.partition_point(|cut| *cut < value) as u8 }
}

/// The cuts of one column, rising.
fn cuts(column: &[f32], most_bins: usize) -> Vec<f32> {
    let stride = column.len().div_ceil(CUT_ROWS).max(1);
    let mut values: Vec<f32> = column.iter().step_by(stride).copied().filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let runs: Vec<(f32, usize)> = values.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    if runs.len() <= most_bins {
        return runs.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    // A value of more rows than an even share stands alone; the others share what is left.
    let even = values.len() as f64 / most_bins as f64;
    let alone = |rows: usize| rows as f64 >= even;
    let crowded = runs.iter().filter(|run| alone(run.1)).count();
    let mut rest_bins = most_bins - crowded;
    let mut rest_rows: usize = runs.iter().map(|run| run.1).filter(|rows| !alone(*rows)).sum();
    let share = |rows: usize, bins: usize| if bins == 0 { f64::INFINITY } else { rows as f64 / bins as f64 };
    let mut wanted = share(rest_rows, rest_bins);
    let (mut found, mut held) = (Vec::with_capacity(most_bins - 1), 0);
    for pair in runs.windows(2) {
        let ((value, rows), (next, next_rows)) = (pair[0], pair[1]);
        held += rows;
        if !alone(rows) {
            rest_rows -= rows;
        }
        if alone(rows) || held as f64 >= wanted || alone(next_rows) && held as f64 >= (wanted / 2.0).max(1.0) {
            found.push(between(value, next));
            held = 0;
            if found.len() == most_bins - 1 {
                break;
            }
            if !alone(rows) {
                rest_bins = rest_bins.saturating_sub(1);
                wanted = share(rest_rows, rest_bins);
            }
        }
    }
    found
}

/// A number from `low` on and below `high`, half-way where floats allow.
fn between(low: f32, high: f32) -> f32 {
    let middle = low / 2.0 + high / 2.0;
    if middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(binned: &Binned, column: usize) -> Vec<u8> {
        (0..binned.rows()).map(|row| binned.code(row, column)).collect()
    }

    #[test]
    fn few_values_have_a_bin_each_and_missing_has_its_own() {
        let binned = Binned::new(&[&[3.0, f32::NAN, 1.0, 2.0, 3.0], &[f32::NAN; 5]], MOST_BINS).expect("rows");
        assert_eq!(codes(&binned, 0), [3, 0, 1, 2, 3]);
        assert_eq!(codes(&binned, 1), [0; 5]);
        assert_eq!((binned.threshold(0, 0), binned.threshold(0, 1), binned.threshold(0, 2)), (f32::MIN, 1.5, 2.5));
    }

    #[test]
    fn many_values_share_bins_evenly_and_a_crowded_one_stands_alone() {
        // 500 zeros among 1..=500: of 11 bins one is the zeros', each other has 50 rows.
        let column: Vec<f32> = (0..1000).map(|i| if i < 500 { 0.0 } else { (i - 499) as f32 }).collect();
        let binned = Binned::new(&[&column], 11).expect("rows");
        let mut rows = [0; 12];
        codes(&binned, 0).iter().for_each(|code| rows[usize::from(*code)] += 1);
        assert_eq!(rows, [0, 500, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50]);
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let low = 1.0_f32;
        let high = f32::from_bits(low.to_bits() + 1);
        let binned = Binned::new(&[&[low, high, -high, -low]], MOST_BINS).expect("rows");
        assert_eq!(codes(&binned, 0), [3, 4, 1, 2]);
    }

    #[test]
    fn appended_rows_are_coded_by_the_cuts_of_the_first() {
        let mut binned = Binned::new(&[&[1.0, 2.0, 3.0]], MOST_BINS).expect("rows");
        binned.append(&[&[-9.0, 1.4, 99.0, f32::NAN]]).expect("as wide");
        assert_eq!(codes(&binned, 0), [1, 2, 3, 1, 1, 3, 0]);
        assert_eq!(binned.append(&[&[1.0], &[1.0]]), Err(BoostError::Length { what: "a row", found: 2, expected: 1 }));
    }
}
