//! Making a draft better. In: a draft, the rent of land. Out: the same draft, worth at least as much.
//! Never: seconds; work is counted in steps and scenario-weeks, so every machine stops at the same place.
//!
//! First line by line: a line is taken off and its plot filled again with whatever pays best. The land has a rent, the
//! program's own price of a whole stay, so that a short crop is not put where a long one earns more; then it has none,
//! and what still lies bare is used. Then stretch by stretch: some weeks of one plot, or of two, are cleared and filled
//! again under another rent and another idea of what is scarce; what is worth more is kept.
//!
//! Sources of the second half: Shaw, Using constraint programming and local search methods to solve vehicle routing
//! problems, CP 1998 (large neighbourhood search); Kirkpatrick, Gelatt and Vecchi, Optimization by simulated
//! annealing, Science 220 (1983). Stretches are drawn from a fixed seed.

use super::draft::{Draft, Line, TENTHS};
use nongshi_domain::Seed;

/// Times the whole draft is walked, with rent and without.
const WALKS: [(usize, f64); 2] = [(3, 1.0), (2, 0.0)];
/// Lines that may take the place of one.
const REPLACEMENTS: usize = 4;
/// Stretches tried, per plot.
const STRETCHES_PER_PLOT: usize = 600;
/// Weeks in the shortest stretch, and how many more the longest has.
const STRETCH_WEEKS: (usize, usize) = (4, 20);
/// Shares of the rent under which stretches are filled.
const RENT_SHARES: [f64; 4] = [1.0, 0.8, 0.5, 0.2];
/// Share of the objective by which a draft may get worse in a step, at the beginning.
const HEAT: f64 = 0.003;
/// Scenario-weeks that may be looked at in all: some 10 s of one core.
const WORK_LIMIT: u64 = 1_000_000_000;
/// CNY a change must bring to count.
const WORTH_A_CHANGE_CNY: f64 = 0.01;
/// Any number would do; this one is the year of the book of farming seasons 齐民要术.
const SEED: Seed = Seed(544);

/// CNY per mu for the whole stay of a crop, by plot, crop, sowing week.
type Rent = [Vec<Vec<f64>>];

/// How to fill a plot: at which share of the rent, and what is scarce.
#[derive(Clone, Copy)]
struct Filling<'a> {
    rent: &'a Rent,
    share: f64,
    /// Places on the plot are scarce, so what a line brings is divided by the weeks it stays.
    by_week: bool,
    smallest: i32,
    /// Sowing weeks `from .. until`.
    from: usize,
    until: usize,
}

impl Filling<'_> {
    fn rent(&self, line: Line) -> f64 {
        self.share * f64::from(line.tenths) / TENTHS * self.rent[line.plot][line.crop][line.week]
    }
}

pub(super) fn improve(draft: &mut Draft<'_>, rent: &Rent, smallest: i32) {
    for (walks, share) in WALKS {
        for _ in 0..walks {
            let before = draft.objective;
            walk(draft, Filling { rent, share, by_week: false, smallest, from: 0, until: draft.field.sow_weeks });
            if (draft.objective - before).abs() < WORTH_A_CHANGE_CNY {
                break;
            }
        }
    }
    clear_and_fill(draft, rent, smallest);
}

/// Fills every plot, then tries to replace each line.
fn walk(draft: &mut Draft<'_>, filling: Filling<'_>) {
    let lines = draft.lines().to_vec();
    for plot in 0..draft.field.plots.len() {
        fill(draft, filling, plot, usize::MAX);
    }
    for line in lines {
        rework(draft, filling, line);
    }
}

/// Takes the line off and fills its plot again; keeps the better of both.
fn rework(draft: &mut Draft<'_>, filling: Filling<'_>, line: Line) {
    if draft.work > WORK_LIMIT {
        return;
    }
    let before = draft.objective;
    let Some(line) = draft.take(line) else { return };
    let put = fill(draft, filling, line.plot, REPLACEMENTS);
    let paid = put.iter().map(|line| filling.rent(*line)).sum::<f64>() - filling.rent(line);
    if draft.objective - before - paid > WORTH_A_CHANGE_CNY {
        return;
    }
    for new in put.into_iter().rev() {
        // what was put on top of an older line is taken off alone
        if let Some(whole) = draft.take(new).filter(|whole| whole.tenths > new.tenths) {
            draft.put(Line { tenths: whole.tenths - new.tenths, ..whole });
        }
    }
    draft.put(line);
}

/// Clears stretches of one or two plots and fills them anew. A little worse is accepted too, less and less of it, so
/// that the draft can leave a local best; the best one seen is kept.
fn clear_and_fill(draft: &mut Draft<'_>, rent: &Rent, smallest: i32) {
    let (plots, weeks) = (draft.field.plots.len(), draft.field.sow_weeks);
    if weeks == 0 {
        return;
    }
    let mut seed = SEED;
    let mut below = |limit: usize| (seed.uniform() * limit as f64) as usize;
    let steps = STRETCHES_PER_PLOT * plots;
    let heat = HEAT * draft.objective.abs();
    let mut best = draft.clone();
    for step in 0..steps {
        let done = (step as f64 / steps as f64).max(draft.work as f64 / WORK_LIMIT as f64);
        if done >= 1.0 {
            break;
        }
        let (first, second, from) = (step % plots, below(plots), below(weeks));
        let until = (from + STRETCH_WEEKS.0 + below(STRETCH_WEEKS.1)).min(weeks);
        let cleared = match below(6) {
            0 if first != second => vec![first, second],
            1 if first != second => vec![second, first],
            _ => vec![first],
        };
        let filling = Filling { rent, share: RENT_SHARES[below(RENT_SHARES.len())], by_week: below(2) == 0, smallest, from, until };
        let mut other = draft.clone();
        for line in draft.lines().iter().filter(|line| (from..until).contains(&line.week) && cleared.contains(&line.plot)) {
            other.take(*line);
        }
        for filling in [filling, Filling { share: 0.0, ..filling }] {
            for plot in &cleared {
                fill(&mut other, filling, *plot, usize::MAX);
            }
        }
        draft.work = other.work;
        if other.objective > draft.objective - heat * (1.0 - done) {
            *draft = other;
            if draft.objective > best.objective + WORTH_A_CHANGE_CNY {
                best = draft.clone();
            }
        }
    }
    *draft = best;
}

/// Puts what pays best on the plot, again and again. Out: what was put.
fn fill(draft: &mut Draft<'_>, filling: Filling<'_>, plot: usize, most: usize) -> Vec<Line> {
    let mut put = Vec::new();
    while put.len() < most && draft.work <= WORK_LIMIT {
        let mut best: Option<(f64, Line)> = None;
        for &crop in &draft.field.plots[plot].suits {
            let scarce = if filling.by_week { draft.field.crops[crop].busy() as f64 } else { 1.0 };
            for week in filling.from..filling.until {
                let room = draft.room(plot, crop, week);
                if room < filling.smallest {
                    continue;
                }
                let least = Line { week, plot, crop, tenths: filling.smallest };
                let to_beat = best.as_ref().map_or(WORTH_A_CHANGE_CNY, |(most, _)| (most * scarce).max(WORTH_A_CHANGE_CNY));
                if let Some((score, line)) = best_size(draft, filling, least, room, to_beat) {
                    best = Some((score / scarce, line));
                }
            }
        }
        let Some((_, line)) = best else { break };
        draft.put(line);
        put.push(line);
    }
    put
}

/// The best number of tenths between the least batch and the room, if it scores more than `to_beat`.
/// The score is concave in the tenths and zero at zero: what does not pay at its smallest never pays, no size scores
/// more for its tenths than the smallest, and thirds can be cut off.
fn best_size(draft: &mut Draft<'_>, filling: Filling<'_>, least: Line, room: i32, to_beat: f64) -> Option<(f64, Line)> {
    let mut score = |tenths: i32| {
        let line = Line { tenths, ..least };
        draft.gain(line, filling.rent(line))
    };
    let (mut low, mut high) = (least.tenths, room);
    if score(low) * f64::from(room) / f64::from(low) <= to_beat {
        return None;
    }
    while high - low > 2 {
        let (left, right) = (low + (high - low) / 3, high - (high - low) / 3);
        if score(left) < score(right) { low = left } else { high = right }
    }
    let sizes = (low..=high).map(|tenths| (score(tenths), Line { tenths, ..least }));
    sizes.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.tenths.cmp(&a.1.tenths))).filter(|(score, _)| *score > to_beat)
}
