//! Which series add up to which. In: the node of every level that each bottom series belongs to. Out: sums, and what
//! each series receives from the nodes above it. Never: a node without a series; a level that leaves a series out.

use super::ReconcileError;
use std::ops::Range;

/// One way to group all bottom series: by shop, by product, by product and city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// The node each bottom series belongs to, from 0 without a gap.
    pub groups: Vec<usize>,
}

/// Levels above a bottom; they need not be nested. Nodes are counted level by level in the order given, then the bottom.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    bottoms: usize,
    levels: Vec<(String, Range<usize>)>,
    /// The nodes above each bottom series, series by series, one for each level.
    above: Vec<u32>,
}

impl Hierarchy {
    /// Of so many bottom series.
    pub fn new(bottoms: usize, levels: &[Level]) -> Result<Hierarchy, ReconcileError> {
        if bottoms == 0 {
            return Err(ReconcileError::NoSeries);
        }
        let mut above = vec![0; bottoms * levels.len()];
        let mut ranges = Vec::with_capacity(levels.len());
        let mut first = 0;
        for (place, level) in levels.iter().enumerate() {
            if level.groups.len() != bottoms {
                return Err(ReconcileError::Unplaced { level: level.name.clone(), placed: level.groups.len(), bottoms });
            }
            let mut filled = vec![false; bottoms];
            level.groups.iter().filter(|group| **group < bottoms).for_each(|group| filled[*group] = true);
            let nodes = filled.iter().take_while(|filled| **filled).count();
            // nodes are at most as many as series, so a number beyond them leaves a smaller one empty
            if level.groups.iter().any(|group| *group >= nodes) {
                return Err(ReconcileError::NoChildren { level: level.name.clone(), node: nodes });
            }
            for (series, group) in level.groups.iter().enumerate() {
                above[series * levels.len() + place] = (first + group) as u32;
            }
            ranges.push((level.name.clone(), first..first + nodes));
            first += nodes;
        }
        Ok(Hierarchy { bottoms, levels: ranges, above })
    }

    /// Bottom series.
    pub fn bottoms(&self) -> usize {
        self.bottoms
    }

    /// All nodes.
    pub fn nodes(&self) -> usize {
        self.bottom().end
    }

    /// The levels above the bottom with their nodes, half-open.
    pub fn levels(&self) -> &[(String, Range<usize>)] {
        &self.levels
    }

    /// The bottom's nodes, half-open.
    pub fn bottom(&self) -> Range<usize> {
        let first = self.levels.last().map_or(0, |(_, nodes)| nodes.end);
        first..first + self.bottoms
    }

    /// The nodes above a bottom series.
    fn above(&self, series: usize) -> &[u32] {
        &self.above[series * self.levels.len()..(series + 1) * self.levels.len()]
    }

    /// What all nodes are when the bottom is this: S b.
    pub fn sum(&self, bottom: &[f64]) -> Vec<f64> {
        let first = self.bottom().start;
        let mut sums = vec![0.0; first];
        for (series, value) in bottom.iter().enumerate() {
            for node in self.above(series) {
                sums[*node as usize] += value;
            }
        }
        sums.extend_from_slice(bottom);
        sums
    }

    /// Each bottom series' own value and those of the nodes above it: S' v.
    pub(super) fn spread(&self, nodes: &[f64]) -> Vec<f64> {
        let first = self.bottom().start;
        let one = |series: usize| self.above(series).iter().map(|node| nodes[*node as usize]).sum::<f64>() + nodes[first + series];
        (0..self.bottoms).map(one).collect()
    }
}
