//! What no plan can pass: the value of a dual-feasible point. In: a program and one price per row. Out: a bound.
//! Never: a solver's word for it.

use super::solver::{LinearProgram, Sense};

/// An upper bound on the optimum of the program (and of its relaxation), from any prices at all.
///
/// For max c'x, Ax <= b, l <= x <= u and any y >= 0:
/// c'x = y'Ax + (c - A'y)'x <= b'y + sum_j max((c - A'y)_j l_j, (c - A'y)_j u_j).
/// Prices with the wrong sign for their row are taken as zero; rows with `>=` have y <= 0, rows with `=` any y.
/// The bound is infinity where a column without a finite bound pays even at these prices.
/// Source: weak duality, e.g. Bertsimas and Tsitsiklis, Introduction to Linear Optimization, theorem 4.3.
pub fn dual_bound(program: &LinearProgram, prices: &[f64]) -> f64 {
    if prices.len() != program.rows.len() {
        return f64::INFINITY;
    }
    let mut reduced: Vec<f64> = program.columns.iter().map(|column| column.objective).collect();
    let mut bound = 0.0;
    for (row, &price) in program.rows.iter().zip(prices) {
        let price = match row.sense {
            Sense::AtMost => price.max(0.0),
            Sense::AtLeast => price.min(0.0),
            Sense::Equal => price,
        };
        if !price.is_finite() {
            return f64::INFINITY;
        }
        bound += price * row.rhs;
        for &(column, coefficient) in &row.terms {
            reduced[column] -= price * coefficient;
        }
    }
    for (column, reduced) in program.columns.iter().zip(reduced) {
        // zero times an infinite bound is zero here: the column neither pays nor costs
        bound += match reduced {
            r if r > 0.0 => r * column.upper,
            r if r < 0.0 => r * column.lower,
            _ => 0.0,
        };
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// max 3x + 2y, x + y <= 4, x - y >= -2, 0 <= x <= 3, 0 <= y <= 5; optimum 11 at (3, 1).
    fn small() -> LinearProgram {
        let mut program = LinearProgram::default();
        let x = program.column(3.0, 0.0, 3.0);
        let y = program.column(2.0, 0.0, 5.0);
        program.row(vec![(x, 1.0), (y, 1.0)], Sense::AtMost, 4.0);
        program.row(vec![(x, 1.0), (y, -1.0)], Sense::AtLeast, -2.0);
        program
    }

    #[test]
    fn the_right_prices_give_the_optimum_and_signs_are_clipped() {
        assert_eq!(dual_bound(&small(), &[2.0, 0.0]), 11.0);
        assert_eq!(dual_bound(&small(), &[2.0, 7.0]), 11.0, "a `>=` row has no positive price");
        assert_eq!(dual_bound(&small(), &[-1.0, 0.0]), 19.0, "without prices only the columns' bounds hold");
        let mut open = small();
        open.columns[1].upper = f64::INFINITY;
        assert_eq!(dual_bound(&open, &[2.0, 0.0]), 11.0);
        assert_eq!(dual_bound(&open, &[1.9, 0.0]), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn any_prices_bound_any_feasible_point(prices in proptest::array::uniform2(-5.0..5.0_f64), x in 0.0..3.0_f64, y in 0.0..4.0_f64) {
            prop_assume!(x + y <= 4.0 && x - y >= -2.0);
            prop_assert!(dual_bound(&small(), &prices) >= 3.0 * x + 2.0 * y - 1e-9);
        }
    }
}
