//! Ticks and places for labels. In: ranges in values, days, px. Out: round ticks, labels that do not touch.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Ticks wanted on a value axis, about.
const TICKS: f64 = 4.0;
/// Steps that read well, as multiples of a power of ten.
const ROUND_STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
/// Months between two labels, the first that fits.
const MONTH_STRIDES: [u32; 5] = [1, 2, 3, 6, 12];
/// Room between two labels on one line, px.
const BETWEEN_LABELS_PX: f64 = 8.0;

/// A value axis: from, to, the step of its ticks and the decimals they need.
pub(super) struct ValueAxis {
    pub from: f64,
    pub to: f64,
    pub step: f64,
    pub digits: usize,
}

impl ValueAxis {
    /// The roundest axis that holds `low` and `high`; it never goes below zero for what is never negative.
    pub(super) fn holding(low: f64, high: f64) -> ValueAxis {
        let span = if high > low { high - low } else { high.abs().max(1.0) };
        let raw = span / TICKS;
        let power = 10_f64.powf(raw.log10().floor());
        let step = ROUND_STEPS.iter().map(|step| step * power).find(|step| *step >= raw * 0.999).unwrap_or(10.0 * power);
        let from = (low / step).floor() * step;
        let to = (high / step).ceil() * step;
        let to = if to > from { to } else { from + step };
        // Decimals until the step is whole: 0.25 needs two, 2.5 one.
        let digits = (0..4).find(|digits| {
            let scaled = step * 10_f64.powi(*digits);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        });
        ValueAxis { from: if low >= 0.0 { from.max(0.0) } else { from }, to, step, digits: digits.unwrap_or(4) as usize }
    }

    pub(super) fn ticks(&self) -> Vec<f64> {
        let count = ((self.to - self.from) / self.step).round() as usize;
        (0..=count).map(|at| self.from + at as f64 * self.step).collect()
    }
}

/// The firsts of the months from `from` to `to`, both included.
pub(super) fn month_firsts(from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
    let first = from - Days::new(u64::from(from.day0()));
    (0..).map(|months| first + Months::new(months)).skip_while(|day| *day < from).take_while(|day| *day <= to).collect()
}

/// The months to label: every one, or every second, third, sixth, twelfth, counted from January, so that all labels
/// fit between `left` and `right`. `place` gives the centre and the width of a month's label.
pub(super) fn labelled_months(months: &[NaiveDate], left: f64, right: f64, place: impl Fn(NaiveDate) -> (f64, f64)) -> Vec<NaiveDate> {
    let every = |stride: u32| months.iter().copied().filter(|day| day.month0() % stride == 0).collect::<Vec<_>>();
    let touching = |chosen: &[NaiveDate]| {
        chosen.windows(2).any(|pair| {
            let ((a, a_width), (b, b_width)) = (place(pair[0]), place(pair[1]));
            b - a < (a_width + b_width) / 2.0 + BETWEEN_LABELS_PX
        })
    };
    let inside = |day: &NaiveDate| {
        let (centre, width) = place(*day);
        centre - width / 2.0 >= left && centre + width / 2.0 <= right
    };
    let mut chosen = MONTH_STRIDES.map(every).into_iter().find(|chosen| !touching(chosen)).unwrap_or_default();
    chosen.retain(inside);
    chosen
}

/// The line (0 is the lowest) of each label (centre, width; by rising centre), so that none touch.
pub(super) fn stacked(labels: &[(f64, f64)]) -> Vec<usize> {
    let mut free_from: Vec<f64> = Vec::new();
    labels
        .iter()
        .map(|(centre, width)| {
            let (start, end) = (centre - width / 2.0, centre + width / 2.0 + BETWEEN_LABELS_PX);
            let line = free_from.iter().position(|free| *free <= start).unwrap_or(free_from.len());
            if line == free_from.len() {
                free_from.push(end);
            } else {
                free_from[line] = end;
            }
            line
        })
        .collect()
}

/// Moves heights (in px, rising) apart until each two are `gap` from each other, keeping them between `top` and `bottom`.
pub(super) fn apart(heights: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut placed: Vec<f64> = heights.to_vec();
    for at in 1..placed.len() {
        placed[at] = placed[at].max(placed[at - 1] + gap);
    }
    let mut limit = bottom;
    for height in placed.iter_mut().rev() {
        *height = height.min(limit);
        limit = *height - gap;
    }
    let mut limit = top;
    for height in &mut placed {
        *height = height.max(limit);
        limit = *height + gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_values() {
        // (low, high, ticks, decimals)
        for (low, high, ticks, digits) in [
            (3.4, 6.1, vec![3.0, 4.0, 5.0, 6.0, 7.0], 0),
            (0.2, 1.1, vec![0.0, 0.25, 0.5, 0.75, 1.0, 1.25], 2),
            (5.0, 5.0, vec![4.0, 6.0], 0),
        ] {
            let axis = ValueAxis::holding(low, high);
            assert!(axis.from <= low && axis.to >= high, "{low}..{high}: {}..{}", axis.from, axis.to);
            if low < high {
                assert_eq!((axis.ticks(), axis.digits), (ticks, digits));
            }
        }
    }

    #[test]
    fn labels_keep_their_distance() {
        assert_eq!(stacked(&[(10.0, 20.0), (25.0, 20.0), (60.0, 20.0)]), [0, 1, 0]);
        assert_eq!(apart(&[50.0, 52.0, 95.0], 13.0, 0.0, 90.0), [50.0, 63.0, 90.0]);
        assert_eq!(apart(&[88.0, 89.0, 90.0], 13.0, 0.0, 90.0), [64.0, 77.0, 90.0]);
    }

    #[test]
    fn months_begin_inside_the_range() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        assert_eq!(month_firsts(day("2026-11-02"), day("2027-01-01")), [day("2026-12-01"), day("2027-01-01")]);
        // 10 px a month: labels of 20 px fit every third month, and January is one of them.
        let months = month_firsts(day("2026-10-15"), day("2027-08-01"));
        let place = |on: NaiveDate| ((on - day("2026-10-15")).num_days() as f64 / 3.0, 20.0);
        assert_eq!(labelled_months(&months, 0.0, 500.0, place), ["2027-01-01", "2027-04-01", "2027-07-01"].map(day));
    }
}
