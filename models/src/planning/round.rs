//! From mu per crop and week to lines a foreman can sow. In: the program's optimum. Out: a draft of whole tenths of a
//! mu, no batch too small, no plot too crowded. Never: more land than there is.
//!
//! The optimum says how much of each crop to sow in each week; which plot it takes is open, for the program spreads
//! equal choices thin. So the weeks are walked in order and each crop is put where it fits in the fewest pieces: land
//! free in a week stays free, because nothing later has been put yet. What is too little for a batch waits for the
//! next weeks of the same crop. `improve` then makes good what this loses.

use super::draft::{Draft, Line, TENTHS};
use super::field::Field;
use super::improve::improve;
use super::market::Market;
use super::program::Optimum;
use super::risk::Risk;
use super::words::PlanSettings;

/// A batch waits this many weeks for company; then it is given up.
const PATIENCE_WEEKS: f64 = 4.0;

/// The lines, and what they are worth.
pub(super) fn round<'a>(field: &'a Field, market: &'a Market, risk: &'a Risk, settings: &PlanSettings, optimum: &Optimum) -> Draft<'a> {
    let smallest = smallest_batch(settings);
    let mut draft = Draft::empty(field, market, risk, settings.max_crops_per_plot);
    lay_out(&mut draft, optimum, smallest);
    improve(&mut draft, &optimum.rent, smallest);
    draft.settled()
}

/// The least batch in tenths of a mu, rounded up.
fn smallest_batch(settings: &PlanSettings) -> i32 {
    let tenths = settings.min_area.0 * TENTHS;
    // 0.3 x 10 is a hair above 3
    ((tenths - tenths.abs() * f64::EPSILON * 4.0).ceil() as i32).max(1)
}

fn lay_out(draft: &mut Draft<'_>, optimum: &Optimum, smallest: i32) {
    let field = draft.field;
    let mut waiting = vec![0.0_f64; field.crops.len()];
    for week in 0..field.sow_weeks {
        for (crop, waiting) in waiting.iter_mut().enumerate() {
            let patience = PATIENCE_WEEKS * optimum.sown[crop][week] * TENTHS + f64::from(smallest);
            *waiting = if field.crops[crop].sowable[week] { (*waiting + optimum.sown[crop][week] * TENTHS).min(patience) } else { 0.0 };
        }
        let mut order: Vec<usize> = (0..field.crops.len()).collect();
        order.sort_by(|&a, &b| waiting[b].total_cmp(&waiting[a]).then(a.cmp(&b)));
        for crop in order {
            while waiting[crop] >= f64::from(smallest) {
                let wanted = waiting[crop].round() as i32;
                let Some(line) = best_fit(draft, crop, week, wanted, smallest) else { break };
                waiting[crop] -= f64::from(line.tenths);
                draft.put(line);
            }
        }
    }
}

/// The plot that takes most of it, and of those the one with the least land left over.
fn best_fit(draft: &Draft<'_>, crop: usize, week: usize, wanted: i32, smallest: i32) -> Option<Line> {
    let rooms = draft.field.plots.iter().enumerate().filter(|(_, plot)| plot.suits.contains(&crop));
    let rooms = rooms.map(|(plot, _)| (plot, draft.room(plot, crop, week))).filter(|(_, room)| *room >= smallest);
    let (plot, room) = rooms.max_by_key(|&(plot, room)| (room.min(wanted), -room, std::cmp::Reverse(plot)))?;
    Some(Line { week, plot, crop, tenths: room.min(wanted).max(smallest) })
}
