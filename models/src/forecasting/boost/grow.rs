//! One tree, leaf by leaf. In: codes, one wish a row, the rows to grow from. Out: its cuts, its leaves' rows and values.
//! Never: a leaf smaller than allowed. The leaf whose cut gains most is cut next, the first of equals.

use super::bins::{Binned, LANES, MISSING};
use super::histogram::{Histogram, Wish, build, empty, less, subtract, total};
use super::split::{Bounds, Cut, Rules};
use super::tree::Node;
use std::ops::Range;

/// What a tree is grown from, and the histograms that are used again.
pub(super) struct Grower<'a, const WORDS: usize> {
    pub binned: &'a Binned,
    pub wishes: &'a [Wish<WORDS>],
    pub rules: Rules<'a>,
    /// Columns that may be cut, rising.
    pub columns: &'a [u32],
    pub most_leaves: usize,
    pub threads: usize,
    pub spare: &'a mut Vec<Histogram<WORDS>>,
}

/// A tree whose leaves still know their rows.
#[derive(Debug)]
pub(super) struct Grown {
    pub nodes: Vec<Node>,
    /// What each cut gains, in the order of the nodes.
    pub gains: Vec<f64>,
    /// The rows it was grown from, leaf beside leaf.
    pub rows: Vec<u32>,
    /// Each leaf's part of them.
    pub ranges: Vec<Range<usize>>,
    /// The value each leaf's sums ask for.
    pub values: Vec<f64>,
}

struct Leaf<const WORDS: usize> {
    range: Range<usize>,
    total: Wish<WORDS>,
    bounds: Bounds,
    /// Present while it may still be cut.
    histogram: Option<Histogram<WORDS>>,
    cut: Option<Cut<WORDS>>,
    /// The node above, and whether this is its left child.
    parent: Option<(usize, bool)>,
}

impl<const WORDS: usize> Grower<'_, WORDS> {
    /// Grows a tree from these rows.
    pub fn grow(&mut self, mut rows: Vec<u32>) -> Grown {
        let root_total = total(&rows, self.wishes);
        let mut leaves =
            vec![Leaf { range: 0..rows.len(), total: root_total, bounds: Bounds::FREE, histogram: None, cut: None, parent: None }];
        let mut histogram = self.blank();
        build(self.binned, &rows, self.wishes, self.threads, &mut histogram);
        self.look(&mut leaves[0], histogram);
        let (mut nodes, mut gains) = (Vec::new(), Vec::new());
        let mut aside = Vec::new();
        while leaves.len() < self.most_leaves {
            let Some((at, cut)) = next(&leaves) else { break };
            gains.push(cut.gain);
            let (left, right) = self.sides(&leaves[at], cut, &mut rows, &mut aside, &mut nodes);
            let histogram = leaves[at].histogram.take();
            leaves[at] = left;
            leaves.push(right);
            let is_last = leaves.len() == self.most_leaves;
            if let (Some(histogram), false) = (histogram, is_last) {
                let newest = leaves.len() - 1;
                let (older, newer) = leaves.split_at_mut(newest);
                self.hand_down(histogram, &rows, &mut older[at], &mut newer[0]);
            }
        }
        let used = leaves.iter_mut().filter_map(|leaf| leaf.histogram.take());
        self.spare.extend(used);
        Grown {
            values: leaves.iter().map(|leaf| self.rules.value(self.rules.scale.read(leaf.total), leaf.bounds)).collect(),
            ranges: leaves.into_iter().map(|leaf| leaf.range).collect(),
            nodes,
            gains,
            rows,
        }
    }

    /// Parts a leaf's rows, hangs the node into the tree, and gives the two sides.
    fn sides(
        &self,
        leaf: &Leaf<WORDS>,
        cut: Cut<WORDS>,
        rows: &mut [u32],
        aside: &mut Vec<u32>,
        nodes: &mut Vec<Node>,
    ) -> (Leaf<WORDS>, Leaf<WORDS>) {
        let middle = leaf.range.start + part(self.binned, &mut rows[leaf.range.clone()], cut, aside);
        let node = nodes.len();
        // A leaf's number is its place in the list: the left side keeps the leaf's, the right one is new.
        let leaf_number = match leaf.parent {
            None => !0,
            Some((above, true)) => std::mem::replace(&mut nodes[above].left, node as i32),
            Some((above, false)) => std::mem::replace(&mut nodes[above].right, node as i32),
        };
        let (column, code, missing_left) = (cut.column, cut.code, cut.missing_left);
        let threshold = self.binned.threshold(column as usize, code);
        // After n cuts there are n + 1 leaves; this one's right side is the next.
        nodes.push(Node { column, code, missing_left, threshold, left: leaf_number, right: !(node as i32 + 1) });
        let right_total = less(leaf.total, cut.left);
        let value = |sum| self.rules.value(self.rules.scale.read(sum), leaf.bounds);
        let (left_bounds, right_bounds) = leaf.bounds.of_sides(self.rules.direction(column), value(cut.left), value(right_total));
        let side = |range, total, bounds, is_left| Leaf { range, total, bounds, histogram: None, cut: None, parent: Some((node, is_left)) };
        (side(leaf.range.start..middle, cut.left, left_bounds, true), side(middle..leaf.range.end, right_total, right_bounds, false))
    }

    /// The smaller side's histogram is built, the larger one's is the parent's less that.
    fn hand_down(&mut self, mut histogram: Histogram<WORDS>, rows: &[u32], left: &mut Leaf<WORDS>, right: &mut Leaf<WORDS>) {
        let (smaller, larger) = if left.range.len() <= right.range.len() { (left, right) } else { (right, left) };
        if !self.may_be_cut(larger) {
            return self.spare.push(histogram);
        }
        let mut built = self.blank();
        build(self.binned, &rows[smaller.range.clone()], self.wishes, self.threads, &mut built);
        subtract(&mut histogram, &built);
        self.look(larger, histogram);
        if self.may_be_cut(smaller) { self.look(smaller, built) } else { self.spare.push(built) }
    }

    fn may_be_cut(&self, leaf: &Leaf<WORDS>) -> bool {
        leaf.range.len() >= 2 * self.rules.leaf_rows as usize
    }

    /// Finds a leaf's best cut, and keeps its histogram for its children when there is one.
    fn look(&mut self, leaf: &mut Leaf<WORDS>, histogram: Histogram<WORDS>) {
        leaf.cut = self.rules.best(self.binned, self.columns, &histogram, leaf.total, leaf.bounds);
        if leaf.cut.is_some() { leaf.histogram = Some(histogram) } else { self.spare.push(histogram) }
    }

    fn blank(&mut self) -> Histogram<WORDS> {
        let Some(mut histogram) = self.spare.pop() else { return empty(self.binned) };
        histogram.as_flattened_mut().as_flattened_mut().fill([0; WORDS]);
        histogram
    }
}

/// The leaf whose cut gains most.
fn next<const WORDS: usize>(leaves: &[Leaf<WORDS>]) -> Option<(usize, Cut<WORDS>)> {
    let mut best: Option<(usize, Cut<WORDS>)> = None;
    for (at, leaf) in leaves.iter().enumerate() {
        if let Some(cut) = leaf.cut
            && best.is_none_or(|(_, best)| cut.gain > best.gain)
        {
            best = Some((at, cut));
        }
    }
    best
}

/// Puts the rows that go left first, both sides in their old order; gives how many they are.
fn part<const WORDS: usize>(binned: &Binned, rows: &mut [u32], cut: Cut<WORDS>, aside: &mut Vec<u32>) -> usize {
    let codes = &binned.blocks[cut.column as usize / LANES];
    let lane = cut.column as usize % LANES;
    aside.clear();
    aside.resize(rows.len(), 0);
    let (mut left, mut right) = (0, 0);
    for at in 0..rows.len() {
        let row = rows[at];
        let code = codes[row as usize][lane];
        let goes_left = if code == MISSING { cut.missing_left } else { code <= cut.code };
        // Both are written and one is kept: no branch to guess.
        rows[left] = row;
        aside[right] = row;
        left += usize::from(goes_left);
        right += usize::from(!goes_left);
    }
    rows[left..].copy_from_slice(&aside[..right]);
    left
}
