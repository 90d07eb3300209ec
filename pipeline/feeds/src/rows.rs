//! What became of each row: still standing, or rejected by the first rule it broke. In: rule by rule.
//! Out: the rejected. Never: two rules for one row.

use crate::format::Records;
use nongshi_domain::Rejected;

/// Why a row or a cell is refused: the rule and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub rule: &'static str,
    pub reason: String,
}

/// One verdict a row.
pub(crate) struct Verdicts {
    fell: Vec<bool>,
    faults: Vec<(usize, Fault)>,
}

impl Verdicts {
    pub fn all_standing(rows: usize) -> Verdicts {
        Verdicts { fell: vec![false; rows], faults: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.fell.len()
    }

    pub fn stands(&self, row: usize) -> bool {
        !self.fell[row]
    }

    /// Rejects the row, unless it is rejected already.
    pub fn reject(&mut self, row: usize, rule: &'static str, reason: impl FnOnce() -> String) {
        if self.stands(row) {
            self.fell[row] = true;
            self.faults.push((row, Fault { rule, reason: reason() }));
        }
    }

    pub fn standing(&self) -> impl Iterator<Item = usize> + '_ {
        self.fell.iter().enumerate().filter(|(_, fell)| !**fell).map(|(row, _)| row)
    }

    /// The rejected rows in their order; `width` rows come from one record.
    pub fn rejected(mut self, records: &Records<'_>, width: usize) -> Vec<Rejected> {
        self.faults.sort_by_key(|(row, _)| *row);
        let faults = self.faults.into_iter().map(|(row, fault)| (row / width, fault));
        let rejected = faults.map(|(record, fault)| Rejected {
            source_row: record as i64 + 1,
            raw: records.show(record),
            rule: fault.rule.to_string(),
            reason: fault.reason,
        });
        rejected.collect()
    }
}
