//! The whole law of a horizon's errors, not three quantiles of it alone. In: the pool that the quantiles came from.
//! Out: offsets by reach at an even grid of ranks, rising. Never: a grid on which the three quantiles lie elsewhere.
//!
//! Between the quantiles the pool gives the shape, drawn out to meet them (the median of a forecast is its point, which
//! need not be its pool's); beyond them the pool's own distances are added, as they were seen. With too few errors, or
//! where the pool stands still, the shape is the normal law's.

use super::conformal::NORMAL_90;
use super::normal::normal_quantile;
use nongshi_domain::LEVELS;

/// Offsets at the grid's ranks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Law {
    ranks: Vec<Rank>,
}

/// Where one rank lies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    /// From -1 at the lowest quantile by 0 at the median to 1 at the highest.
    share: f64,
    /// How far beyond that quantile; below zero for the lowest.
    beyond: f64,
}

/// The level in the middle of each of `grid` even parts.
fn levels(grid: usize) -> impl Iterator<Item = f64> {
    (0..grid).map(move |part| (part as f64 + 0.5) / grid as f64)
}

impl Law {
    /// The shape of a rising pool.
    pub fn of(pool: &[f64], grid: usize) -> Law {
        let at = |level: f64| pool[((level * pool.len() as f64) as usize).min(pool.len() - 1)];
        let [low, middle, high] = LEVELS.map(at);
        let rank = |level: f64| {
            let (error, normal) = (at(level), (normal_quantile(level) / NORMAL_90).clamp(-1.0, 1.0));
            match level {
                _ if level < LEVELS[0] => Rank { share: -1.0, beyond: (error - low).min(0.0) },
                _ if level > LEVELS[2] => Rank { share: 1.0, beyond: (error - high).max(0.0) },
                _ if level < LEVELS[1] && low < middle => Rank { share: (error - middle) / (middle - low), beyond: 0.0 },
                _ if level > LEVELS[1] && middle < high => Rank { share: (error - middle) / (high - middle), beyond: 0.0 },
                _ => Rank { share: normal, beyond: 0.0 },
            }
        };
        Law { ranks: levels(grid).map(rank).collect() }
    }

    /// The normal law's shape, at this deviation.
    pub fn normal(deviation: f64, grid: usize) -> Law {
        let rank = |level: f64| {
            let normal = normal_quantile(level);
            let share = (normal / NORMAL_90).clamp(-1.0, 1.0);
            Rank { share, beyond: (normal - share * NORMAL_90) * deviation }
        };
        Law { ranks: levels(grid).map(rank).collect() }
    }

    /// The offsets, by reach, when the outer quantiles lie this far below and above.
    pub fn offsets(&self, below: f64, above: f64) -> impl Iterator<Item = f64> + '_ {
        self.ranks.iter().map(move |rank| rank.share * if rank.share < 0.0 { below } else { above } + rank.beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(law: &Law, below: f64, above: f64) -> Vec<f64> {
        law.offsets(below, above).collect()
    }

    #[test]
    fn the_three_quantiles_part_the_grid_where_they_should() {
        // A skewed pool whose median is no zero.
        let pool: Vec<f64> = (0..400).map(|i| 0.3 + (f64::from(i) / 100.0).exp() / 10.0).collect();
        for law in [Law::of(&pool, 200), Law::normal(1.0, 200), Law::of(&[0.0; 30], 200)] {
            let found = offsets(&law, 1.5, 4.0);
            assert!(found.is_sorted(), "{found:?}");
            let inside = |from: f64, to: f64| found.iter().filter(|offset| (from..to).contains(*offset)).count();
            // ranks on a quantile may fall on either side of it
            assert!(found[..20].iter().all(|offset| *offset <= -1.5) && inside(-1.5 + 1e-9, 4.0 - 1e-9) <= 160);
            assert!(found[180..].iter().all(|offset| *offset >= 4.0));
            assert!(found[99] <= 0.0 && 0.0 <= found[100]);
        }
    }

    #[test]
    fn beyond_the_quantiles_distances_are_those_seen() {
        let mut pool: Vec<f64> = (0..98).map(|i| f64::from(i) / 98.0).collect();
        pool.extend([5.0, 9.0]);
        let found = offsets(&Law::of(&pool, 100), 1.0, 1.0);
        assert!((found[99] - found[98] - 4.0).abs() < 1e-9, "{found:?}");
        assert!((found[99] - (1.0 + 9.0 - pool[90])).abs() < 1e-9, "{}", found[99]);
    }
}
