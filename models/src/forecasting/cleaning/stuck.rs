//! The same value over and over. In: values with gaps. Out: the steps at which a run is longer than its like.
//! Never: a run that is usual for the series; a quantity of zero (nothing sold is no dead sensor).

use nongshi_domain::{Cadence, Target};

/// A run is stuck when it is longer than this many times the series' own long runs.
const TIMES: usize = 3;
/// Long: of the earlier runs, this share is shorter, in percent.
const LONG_PERCENT: usize = 90;
/// Runs to be seen before any is called too long.
const LEAST_RUNS: usize = 10;

/// Equal values in a row that no series is blamed for.
fn least(cadence: Cadence) -> usize {
    match cadence {
        Cadence::Day => 14,
        Cadence::Week => 8,
        Cadence::TenDays => 6,
        Cadence::Month => 4,
    }
}

/// Every step whose value repeats the one before and makes the run longer than is allowed by the runs before it.
pub(super) fn stuck(values: &[Option<f64>], target: Target, cadence: Cadence, bridge: usize) -> Vec<usize> {
    let mut found = Vec::new();
    // ended runs, shortest first
    let mut ended: Vec<usize> = Vec::new();
    let (mut run, mut allowed, mut last) = (0, None, None);
    for (step, value) in values.iter().enumerate().filter_map(|(step, value)| Some((step, (*value)?))) {
        let same = last.is_some_and(|(seen, before)| before == value && step - seen <= bridge);
        if same {
            run += 1;
        } else {
            if run > 0 {
                ended.insert(ended.partition_point(|length| *length < run), run);
            }
            run = 1;
            let long = ended.get(ended.len() * LONG_PERCENT / 100).filter(|_| ended.len() >= LEAST_RUNS);
            allowed = long.map(|long| (TIMES * long).max(least(cadence)));
        }
        let counts = target == Target::Price || value != 0.0;
        if counts && allowed.is_some_and(|allowed| run > allowed) {
            found.push(step);
        }
        last = Some((step, value));
    }
    found
}
