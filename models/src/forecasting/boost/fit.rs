//! Tree after tree. In: a lesson, settings, a seed. Out: a `Booster`. Never: a held-out row learnt from.

use super::bins::Binned;
use super::booster::Booster;
use super::grow::{Grower, Grown};
use super::histogram::{Histogram, Wish, pack};
use super::loss::{Loss, weighted_quantile};
use super::split::Rules;
use super::tree::Tree;
use super::{BoostError, BoostSettings, same_length};
use nongshi_domain::Seed;

/// What is learnt from.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// The columns.
    pub binned: &'a Binned,
    /// One a row.
    pub targets: &'a [f64],
    /// One a row, or none: all alike. A row of weight 0 is not learnt from.
    pub weights: Option<&'a [f64]>,
    /// Rows, in rising order, that are judged by and not learnt from.
    pub held_out: &'a [u32],
}

impl Lesson<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The rows to learn from; else why there are none.
    fn learnt(&self, loss: Loss) -> Result<Vec<u32>, BoostError> {
        let rows = self.binned.rows();
        same_length("targets", self.targets.len(), rows)?;
        loss.check(self.targets)?;
        if let Some(weights) = self.weights {
            same_length("weights", weights.len(), rows)?;
            if let Some(row) = weights.iter().position(|weight| !(*weight >= 0.0 && weight.is_finite())) {
                return Err(BoostError::Weight { row, value: weights[row] });
            }
        }
        let mut held_out = self.held_out.iter().copied().peekable();
        let mut learnt = Vec::with_capacity(rows);
        for row in 0..rows as u32 {
            if held_out.next_if_eq(&row).is_none() && self.weight(row as usize) > 0.0 {
                learnt.push(row);
            }
        }
        match held_out.next() {
            Some(row) => Err(BoostError::HeldOut(row)),
            None if learnt.is_empty() => Err(BoostError::NoRows),
            None => Ok(learnt),
        }
    }

    /// The mean loss of the held-out rows.
    fn judge(&self, loss: Loss, scores: &[f64]) -> f64 {
        let rows = || self.held_out.iter().map(|row| *row as usize);
        let weights: f64 = rows().map(|row| self.weight(row)).sum();
        rows().map(|row| self.weight(row) * loss.of(scores[row], self.targets[row])).sum::<f64>() / weights
    }
}

/// Grows a booster. The seed moves only what is sampled: rows and columns, when their shares are below 1.
pub fn fit(lesson: &Lesson<'_>, settings: &BoostSettings, seed: Seed) -> Result<Booster, BoostError> {
    settings.check(lesson.binned.columns())?;
    let learnt = lesson.learnt(settings.loss)?;
    // One word a wish is enough when every row's curvature is 1 (see `histogram`).
    if settings.loss.is_flat() && lesson.weights.is_none() {
        Ok(Growth::<1>::new(lesson, settings, learnt, seed).run())
    } else {
        Ok(Growth::<2>::new(lesson, settings, learnt, seed).run())
    }
}

/// A booster on its way.
struct Growth<'a, const WORDS: usize> {
    lesson: &'a Lesson<'a>,
    settings: &'a BoostSettings,
    learnt: Vec<u32>,
    /// By row, held-out ones too.
    scores: Vec<f64>,
    gradients: Vec<f64>,
    curvatures: Vec<f64>,
    wishes: Vec<Wish<WORDS>>,
    spare: Vec<Histogram<WORDS>>,
    row_seed: Seed,
    column_seed: Seed,
    booster: Booster,
}

impl<'a, const WORDS: usize> Growth<'a, WORDS> {
    fn new(lesson: &'a Lesson<'a>, settings: &'a BoostSettings, learnt: Vec<u32>, seed: Seed) -> Self {
        let mut rows: Vec<(f64, f64)> = learnt.iter().map(|row| (lesson.targets[*row as usize], lesson.weight(*row as usize))).collect();
        let start = settings.loss.start(&mut rows) as f32;
        let count = lesson.binned.rows();
        Growth {
            lesson,
            settings,
            learnt,
            scores: vec![f64::from(start); count],
            gradients: vec![0.0; count],
            curvatures: vec![0.0; if WORDS == 1 { 0 } else { count }],
            wishes: Vec::with_capacity(count),
            spare: Vec::new(),
            row_seed: seed.derive("rows"),
            column_seed: seed.derive("columns"),
            booster: Booster { loss: settings.loss, start, trees: Vec::new(), gains: vec![0.0; lesson.binned.columns()] },
        }
    }

    fn run(mut self) -> Booster {
        let judged = !self.lesson.held_out.is_empty() && self.settings.patience > 0;
        let mut best = (if judged { self.lesson.judge(self.settings.loss, &self.scores) } else { 0.0 }, 0);
        let mut cut_gains: Vec<Vec<(u32, f64)>> = Vec::new();
        for round in 1..=self.settings.rounds as usize {
            let (tree, gains) = self.tree();
            if tree.nodes.is_empty() && self.settings.row_share == 1.0 && self.settings.column_share == 1.0 {
                break;
            }
            cut_gains.push(tree.nodes.iter().map(|node| node.column).zip(gains).collect());
            self.booster.trees.push(tree);
            if judged {
                let loss = self.lesson.judge(self.settings.loss, &self.scores);
                if loss < best.0 {
                    best = (loss, round);
                } else if round - best.1 >= self.settings.patience as usize {
                    break;
                }
            }
        }
        if judged {
            self.booster.trees.truncate(best.1);
        }
        let mut sums = vec![0.0; self.booster.gains.len()];
        for (column, gain) in cut_gains.iter().take(self.booster.trees.len()).flatten() {
            sums[*column as usize] += gain;
        }
        self.booster.gains = sums.into_iter().map(|sum| sum as f32).collect();
        self.booster
    }

    /// Grows the next tree, adds it to the scores, and gives it with what its cuts gain.
    fn tree(&mut self) -> (Tree, Vec<f64>) {
        let (lesson, settings) = (self.lesson, self.settings);
        settings.loss.derive(&self.scores, lesson.targets, lesson.weights, &mut self.gradients, &mut self.curvatures);
        let scale = pack(&self.gradients, &self.curvatures, &mut self.wishes);
        let rows = sampled_rows(&self.learnt, settings.row_share, &mut self.row_seed);
        let columns = sampled_columns(lesson.binned.columns(), settings.column_share, &mut self.column_seed);
        let mut grower = Grower {
            binned: lesson.binned,
            wishes: &self.wishes,
            rules: Rules { scale, ridge: settings.ridge, leaf_rows: settings.leaf_rows, directions: &settings.directions },
            columns: &columns,
            most_leaves: settings.leaves as usize,
            threads: settings.threads,
            spare: &mut self.spare,
        };
        let mut grown = grower.grow(rows);
        if let Some(level) = settings.loss.renewed() {
            self.renew(&mut grown, level);
        }
        let leaves = grown.values.iter().map(|value| (value * settings.rate) as f32).collect();
        let mut tree = Tree { nodes: std::mem::take(&mut grown.nodes), leaves };
        if !settings.directions.is_empty() {
            let rows: Vec<usize> = grown.ranges.iter().map(ExactSizeIterator::len).collect();
            tree.direct(|column| settings.directions[column as usize], &rows);
        }
        self.add(&tree, &grown);
        (tree, grown.gains)
    }

    /// Gives every leaf the quantile of what is left in it.
    fn renew(&self, grown: &mut Grown, level: f64) {
        let mut left = Vec::new();
        for (value, range) in grown.values.iter_mut().zip(&grown.ranges) {
            left.clear();
            left.extend(grown.rows[range.clone()].iter().map(|row| {
                let row = *row as usize;
                (self.lesson.targets[row] - self.scores[row], self.lesson.weight(row))
            }));
            *value = weighted_quantile(&mut left, level);
        }
    }

    /// Adds a tree to the scores: by leaf for the rows it was grown from, by walking it for the others.
    fn add(&mut self, tree: &Tree, grown: &Grown) {
        for (value, range) in tree.leaves.iter().zip(&grown.ranges) {
            for row in &grown.rows[range.clone()] {
                self.scores[*row as usize] += f64::from(*value);
            }
        }
        let mut walk = |row: u32| self.scores[row as usize] += tree.at_codes(self.lesson.binned, row as usize);
        self.lesson.held_out.iter().for_each(|row| walk(*row));
        if grown.rows.len() < self.learnt.len() {
            let mut grown_from = vec![false; self.lesson.binned.rows()];
            grown.rows.iter().for_each(|row| grown_from[*row as usize] = true);
            self.learnt.iter().filter(|row| !grown_from[**row as usize]).for_each(|row| walk(*row));
        }
    }
}

/// Each row with the chance `share`; all of them when none was drawn.
fn sampled_rows(rows: &[u32], share: f64, seed: &mut Seed) -> Vec<u32> {
    if share == 1.0 {
        return rows.to_vec();
    }
    let drawn: Vec<u32> = rows.iter().copied().filter(|_| seed.uniform() < share).collect();
    if drawn.is_empty() { rows.to_vec() } else { drawn }
}

/// A share of the columns, one at least, rising.
fn sampled_columns(columns: usize, share: f64, seed: &mut Seed) -> Vec<u32> {
    let mut all: Vec<u32> = (0..columns as u32).collect();
    let wanted = ((columns as f64 * share).round() as usize).clamp(1, columns);
    for at in 0..wanted.min(columns - 1) {
        let other = at + (seed.uniform() * (columns - at) as f64) as usize;
        all.swap(at, other);
    }
    all.truncate(wanted);
    all.sort_unstable();
    all
}
