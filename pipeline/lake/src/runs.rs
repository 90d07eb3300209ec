//! Where one key ends and the next begins, in rows sorted by key. In: key columns, batch after batch. Out: the rows at
//! which a run of equal keys begins. Never: a run cut in two because a batch ends.

use arrow::array::ArrayRef;
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::partition;
use arrow::error::ArrowError;

/// What is known while batches pass: the key of the last row.
#[derive(Debug, Default)]
pub struct Runs {
    last: Option<Vec<ArrayRef>>,
}

impl Runs {
    /// The rows of this batch at which a run begins; nulls are equal.
    pub fn starts(&mut self, keys: &[ArrayRef]) -> Result<Vec<usize>, ArrowError> {
        let rows = keys.first().map_or(0, |key| key.len());
        if rows == 0 {
            return Ok(Vec::new());
        }
        let mut goes_on = self.last.is_some();
        for (last, key) in self.last.iter().flatten().zip(keys) {
            goes_on &= not_distinct(last, &key.slice(0, 1))?.value(0);
        }
        self.last = Some(keys.iter().map(|key| key.slice(rows - 1, 1)).collect());
        let starts = partition(keys)?.ranges().into_iter().map(|run| run.start);
        Ok(starts.skip(usize::from(goes_on)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_run_goes_on_in_the_next_batch() {
        let mut runs = Runs::default();
        let mut starts = |rows: &[(Option<&str>, i64)]| {
            let names: StringArray = rows.iter().map(|row| row.0).collect();
            let numbers: Int64Array = rows.iter().map(|row| Some(row.1)).collect();
            runs.starts(&[Arc::new(names), Arc::new(numbers)]).expect("one type a column")
        };
        assert_eq!(starts(&[(None, 1), (None, 1), (Some("a"), 1), (Some("a"), 2)]), [0, 2, 3]);
        assert_eq!(starts(&[(Some("a"), 2)]), [0; 0]);
        assert_eq!(starts(&[]), [0; 0]);
        assert_eq!(starts(&[(Some("a"), 2), (Some("b"), 2)]), [1]);
        assert_eq!(starts(&[(None, 2), (None, 2)]), [0]);
    }
}
