//! A grown tree. In: a row. Out: its leaf. Never: a cell that finds no way (missing ones have theirs).

use super::Direction;
use super::bins::{Binned, MISSING};
use serde::{Deserialize, Serialize};

/// One cut of a tree. A child at or above zero is a cut, below zero the leaf of its complement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    pub column: u32,
    /// The highest code that goes left, by the bins it was grown on.
    pub code: u8,
    pub missing_left: bool,
    /// The highest value that goes left.
    pub threshold: f32,
    pub left: i32,
    pub right: i32,
}

/// Cuts from the root on, and what each leaf adds to the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    pub leaves: Vec<f32>,
}

impl Tree {
    fn leaf(&self, goes_left: impl Fn(&Node) -> bool) -> usize {
        let mut child = if self.nodes.is_empty() { -1 } else { 0 };
        while child >= 0 {
            let node = &self.nodes[child as usize];
            child = if goes_left(node) { node.left } else { node.right };
        }
        !child as usize
    }

    /// What the row of these cells is given.
    pub fn at(&self, cell: impl Fn(usize) -> f32) -> f64 {
        let goes_left = |node: &Node| {
            let value = cell(node.column as usize);
            if value.is_nan() { node.missing_left } else { value <= node.threshold }
        };
        f64::from(self.leaves[self.leaf(goes_left)])
    }

    /// What a coded row is given.
    pub fn at_codes(&self, binned: &Binned, row: usize) -> f64 {
        let goes_left = |node: &Node| {
            let code = binned.code(row, node.column as usize);
            if code == MISSING { node.missing_left } else { code <= node.code }
        };
        f64::from(self.leaves[self.leaf(goes_left)])
    }

    /// Draws leaves in until no cut stands against its column's direction; `rows` of each leaf weigh where both sides meet.
    pub fn direct(&mut self, direction: impl Fn(u32) -> Direction, rows: &[usize]) {
        self.direct_below(0, (f32::MIN, f32::MAX), &direction, rows);
    }

    fn direct_below(&mut self, child: i32, (low, high): (f32, f32), direction: &impl Fn(u32) -> Direction, rows: &[usize]) {
        if child < 0 || self.nodes.is_empty() {
            let leaf = if child < 0 { !child as usize } else { 0 };
            self.leaves[leaf] = self.leaves[leaf].clamp(low, high);
            return;
        }
        let node = self.nodes[child as usize];
        let (left, right) = (self.spread(node.left, rows), self.spread(node.right, rows));
        let meet = |lower: Spread, upper: Spread| {
            let middle = if lower.high <= upper.low { (lower.high + upper.low) / 2.0 } else { (lower.mean() + upper.mean()) / 2.0 };
            middle.clamp(low, high)
        };
        let (for_left, for_right) = match direction(node.column) {
            Direction::Free => ((low, high), (low, high)),
            Direction::Rising => {
                let middle = meet(left, right);
                ((low, middle), (middle, high))
            }
            Direction::Falling => {
                let middle = meet(right, left);
                ((middle, high), (low, middle))
            }
        };
        self.direct_below(node.left, for_left, direction, rows);
        self.direct_below(node.right, for_right, direction, rows);
    }

    fn spread(&self, child: i32, rows: &[usize]) -> Spread {
        if child < 0 {
            let leaf = !child as usize;
            let value = self.leaves[leaf];
            return Spread { low: value, high: value, sum: f64::from(value) * rows[leaf] as f64, rows: rows[leaf] };
        }
        let node = self.nodes[child as usize];
        let (left, right) = (self.spread(node.left, rows), self.spread(node.right, rows));
        Spread { low: left.low.min(right.low), high: left.high.max(right.high), sum: left.sum + right.sum, rows: left.rows + right.rows }
    }
}

/// What the leaves below a cut hold.
#[derive(Clone, Copy)]
struct Spread {
    low: f32,
    high: f32,
    sum: f64,
    rows: usize,
}

impl Spread {
    fn mean(self) -> f32 {
        (self.sum / self.rows.max(1) as f64) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two cuts on column 0, at 1 and at 2: three leaves in rising order of the cell.
    fn staircase(leaves: [f32; 3]) -> Tree {
        let node = |code, threshold, left, right| Node { column: 0, code, missing_left: true, threshold, left, right };
        Tree { nodes: vec![node(1, 1.0, !0, 1), node(2, 2.0, !1, !2)], leaves: leaves.to_vec() }
    }

    #[test]
    fn every_cell_finds_its_leaf() {
        let tree = staircase([10.0, 20.0, 30.0]);
        let at = |value: f32| tree.at(|_| value);
        assert_eq!([at(1.0), at(1.5), at(2.0), at(2.5), at(f32::NAN)], [10.0, 20.0, 20.0, 30.0, 10.0]);
        let stump = Tree { nodes: Vec::new(), leaves: vec![4.0] };
        assert_eq!(stump.at(|_| 0.0), 4.0);
    }

    #[test]
    fn leaves_against_the_direction_meet_in_the_middle() {
        let directed = |leaves, direction| {
            let mut tree = staircase(leaves);
            tree.direct(|_| direction, &[1, 1, 1]);
            tree.leaves
        };
        assert_eq!(directed([1.0, 2.0, 3.0], Direction::Rising), [1.0, 2.0, 3.0], "what rises is left alone");
        // 4 against a mean of 2: they meet at 3; then 1 and 3 rise as they are, drawn up to 3.
        assert_eq!(directed([4.0, 1.0, 3.0], Direction::Rising), [3.0, 3.0, 3.0]);
        assert_eq!(directed([4.0, 1.0, 3.0], Direction::Falling), [4.0, 2.0, 2.0]);
        assert_eq!(directed([4.0, 1.0, 3.0], Direction::Free), [4.0, 1.0, 3.0]);
    }
}
