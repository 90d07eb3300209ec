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
pub(crate) struct Verdicts(Vec<Option<Box<Fault>>>);

impl Verdicts {
    pub fn all_standing(rows: usize) -> Verdicts {
        Verdicts(vec![None; rows])
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn stands(&self, row: usize) -> bool {
        self.0[row].is_none()
    }

    /// Rejects the row, unless it is rejected already.
    pub fn reject(&mut self, row: usize, rule: &'static str, reason: impl FnOnce() -> String) {
        if self.stands(row) {
            self.0[row] = Some(Box::new(Fault { rule, reason: reason() }));
        }
    }

    pub fn standing(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().filter(|(_, fault)| fault.is_none()).map(|(row, _)| row)
    }

    /// The rejected rows in their order; `width` rows come from one record.
    pub fn rejected(self, records: &Records<'_>, width: usize) -> Vec<Rejected> {
        let faults = self.0.into_iter().enumerate().filter_map(|(row, fault)| Some((row / width, *fault?)));
        let rejected = faults.map(|(record, fault)| Rejected {
            source_row: record as i64 + 1,
            raw: records.show(record),
            rule: fault.rule.to_string(),
            reason: fault.reason,
        });
        rejected.collect()
    }
}
