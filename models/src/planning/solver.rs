//! The one door to solvers. In: a linear program. Out: a point that keeps every row, with its value and a bound.
//! Never: an answer that was not counted again by our own code.

use super::bound::dual_bound;
use std::time::Duration;

/// How far a row, a bound or an integer may be missed, relative to the largest term of the row (at least 1).
const FEASIBILITY: f64 = 1e-6;
/// A relative distance between value and bound below which a point counts as the optimum.
const OPTIMALITY: f64 = 1e-6;
/// The same for an answer given at reduced accuracy; a wider gap is no answer at all.
const LOOSE_OPTIMALITY: f64 = 1e-3;

/// How a row compares with its right-hand side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// At most.
    AtMost,
    /// At least.
    AtLeast,
    /// Equal.
    Equal,
}

/// One variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What one unit of it adds to the objective.
    pub objective: f64,
    /// The least value; may be minus infinity.
    pub lower: f64,
    /// The largest value; may be infinity.
    pub upper: f64,
    /// Whether only whole numbers count.
    pub integer: bool,
    /// Whether the rows already keep it below `upper`: the solver need not be told, the dual bound uses it.
    pub upper_implied: bool,
}

/// One row: `terms sense rhs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Column and coefficient; a column at most once.
    pub terms: Vec<(usize, f64)>,
    /// How it compares.
    pub sense: Sense,
    /// The right-hand side.
    pub rhs: f64,
}

/// Maximise `sum objective x` over columns within their bounds that keep the rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinearProgram {
    /// The variables.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl LinearProgram {
    /// Adds a continuous variable and says its place.
    pub fn column(&mut self, objective: f64, lower: f64, upper: f64) -> usize {
        self.columns.push(Column { objective, lower, upper, integer: false, upper_implied: false });
        self.columns.len() - 1
    }

    /// Adds a continuous variable, at least zero, that the rows keep below `upper`.
    pub fn implied_column(&mut self, objective: f64, upper: f64) -> usize {
        self.columns.push(Column { objective, lower: 0.0, upper, integer: false, upper_implied: true });
        self.columns.len() - 1
    }

    /// Adds a whole-number variable and says its place.
    pub fn integer(&mut self, objective: f64, lower: f64, upper: f64) -> usize {
        self.columns.push(Column { objective, lower, upper, integer: true, upper_implied: false });
        self.columns.len() - 1
    }

    /// Adds a row and says its place.
    pub fn row(&mut self, terms: Vec<(usize, f64)>, sense: Sense, rhs: f64) -> usize {
        self.rows.push(Row { terms, sense, rhs });
        self.rows.len() - 1
    }

    /// The objective at a point.
    pub fn value(&self, x: &[f64]) -> f64 {
        self.columns.iter().zip(x).map(|(column, x)| column.objective * x).sum()
    }

    /// Numbers that make no sense are refused before a solver sees them.
    fn refuse_nonsense(&self) -> Result<(), SolveError> {
        for (place, column) in self.columns.iter().enumerate() {
            let bounds = column.lower <= column.upper && column.lower < f64::INFINITY && column.upper > f64::NEG_INFINITY;
            if !column.objective.is_finite() || column.lower.is_nan() || column.upper.is_nan() {
                return Err(SolveError::Malformed(format!("column {place} holds a number that is not finite")));
            }
            if !bounds {
                return Err(SolveError::Infeasible(format!("column {place} is to lie between {} and {}", column.lower, column.upper)));
            }
        }
        let mut last_row = vec![usize::MAX; self.columns.len()];
        for (place, row) in self.rows.iter().enumerate() {
            for &(column, coefficient) in &row.terms {
                if column >= self.columns.len() {
                    return Err(SolveError::Malformed(format!("row {place} names column {column} of {}", self.columns.len())));
                }
                if last_row[column] == place {
                    return Err(SolveError::Malformed(format!("row {place} names column {column} twice")));
                }
                last_row[column] = place;
                if !coefficient.is_finite() || !row.rhs.is_finite() {
                    return Err(SolveError::Malformed(format!("row {place} holds a number that is not finite")));
                }
            }
        }
        Ok(())
    }
}

/// How much work a solver may do: counts, so that the same program ends the same way everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Steps of an interior-point method.
    pub iterations: u32,
    /// Nodes of a branch and bound.
    pub nodes: u64,
    /// An emergency stop by the clock; reaching it is an error, never an answer.
    pub emergency: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { iterations: 200, nodes: 100_000, emergency: None }
    }
}

/// How good an answer is, by our own count of its value and its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The bound proves it the optimum, to one in a million.
    Optimal,
    /// It keeps every row, and the bound says how much better the optimum might be.
    Feasible,
}

/// An answer that was counted again.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// One value per column.
    pub x: Vec<f64>,
    /// The objective at `x`.
    pub objective: f64,
    /// No point can be worth more: the value of a dual-feasible point; infinity where a column without a finite bound
    /// left none.
    pub bound: f64,
    /// One price per row (what one more unit of the right-hand side would bring), of the relaxation where
    /// there are integers.
    pub dual: Option<Vec<f64>>,
    /// How good it is.
    pub status: Status,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// No point keeps every row.
    #[error("the program has no feasible point: {0}")]
    Infeasible(String),
    /// The objective can grow for ever.
    #[error("the program is unbounded: {0}; give every variable that pays a finite upper bound")]
    Unbounded(String),
    /// The solver has no integers.
    #[error("solver `{solver}` takes no whole-number variables, the program has {count}; use `microlp`")]
    IntegersRefused {
        /// Its name.
        solver: &'static str,
        /// How many there are.
        count: usize,
    },
    /// The program itself is broken.
    #[error("the program is malformed: {0}")]
    Malformed(String),
    /// The answer did not stand our own count.
    #[error("the answer of `{solver}` was refused: {reason}")]
    Refused {
        /// Its name.
        solver: &'static str,
        /// What was wrong with it.
        reason: String,
    },
    /// The solver gave up.
    #[error("solver `{solver}` ended without an answer: {reason}")]
    NoAnswer {
        /// Its name.
        solver: &'static str,
        /// What it said.
        reason: String,
    },
}

/// A solver of linear programs.
pub trait Solver: Sync {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// What it says to a well-formed program, before anybody looks at it.
    fn answer(&self, program: &LinearProgram, limits: &Limits) -> Result<RawAnswer, SolveError>;

    /// The optimum of the program: looked over before and after.
    fn solve(&self, program: &LinearProgram, limits: &Limits) -> Result<Solution, SolveError> {
        program.refuse_nonsense()?;
        let answer = self.answer(program, limits)?;
        inspect(self.name(), program, answer)
    }
}

/// What a solver says. Only `Solver::solve` makes a `Solution` of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RawAnswer {
    /// One value per column.
    pub x: Vec<f64>,
    /// One price per row, if it has them.
    pub dual: Option<Vec<f64>>,
    /// What the solver calls the answer.
    pub claim: String,
    /// Whether it calls it an optimum at full accuracy (for whole numbers: within its limits, a best point).
    pub confident: bool,
}

fn inspect(solver: &'static str, program: &LinearProgram, answer: RawAnswer) -> Result<Solution, SolveError> {
    let refused = |reason: String| SolveError::Refused { solver, reason };
    if answer.x.len() != program.columns.len() || answer.x.iter().any(|x| !x.is_finite()) {
        return Err(refused(format!("{} values, not all finite, for {} columns", answer.x.len(), program.columns.len())));
    }
    let x = into_bounds(program, answer.x).map_err(refused)?;
    if let Some(reason) = first_broken_row(program, &x) {
        return Err(refused(reason));
    }
    let objective = program.value(&x);
    // any prices give a bound; none at all give the one of the columns alone
    let bound = dual_bound(program, answer.dual.as_deref().unwrap_or(&vec![0.0; program.rows.len()]));
    let scale = objective.abs().max(1.0);
    let gap = (bound - objective) / scale;
    if gap < -OPTIMALITY {
        return Err(refused(format!("its value {objective} lies above the bound {bound}")));
    }
    let has_integers = program.columns.iter().any(|column| column.integer);
    if !answer.confident && !has_integers && gap > LOOSE_OPTIMALITY {
        return Err(SolveError::NoAnswer { solver, reason: format!("{}, value {objective}, bound {bound}", answer.claim) });
    }
    let proven = gap <= OPTIMALITY;
    // the point itself may miss rows by the tolerance and so pass the bound by a hair
    let bound = bound.max(objective);
    Ok(Solution { x, objective, bound, dual: answer.dual, status: if proven { Status::Optimal } else { Status::Feasible } })
}

/// The point moved into its bounds, or why it lies too far outside.
fn into_bounds(program: &LinearProgram, mut x: Vec<f64>) -> Result<Vec<f64>, String> {
    for (place, (x, column)) in x.iter_mut().zip(&program.columns).enumerate() {
        let wanted = if column.integer { x.round() } else { *x }.clamp(column.lower, column.upper);
        if (wanted - *x).abs() > FEASIBILITY * wanted.abs().max(1.0) {
            let kind = if column.integer { " and whole" } else { "" };
            return Err(format!("column {place} is {x}, to be between {} and {}{kind}", column.lower, column.upper));
        }
        *x = wanted;
    }
    Ok(x)
}

/// The first row the point breaks, in words.
fn first_broken_row(program: &LinearProgram, x: &[f64]) -> Option<String> {
    program.rows.iter().enumerate().find_map(|(place, row)| {
        let terms = row.terms.iter().map(|&(column, coefficient)| coefficient * x[column]);
        let largest = terms.clone().fold(row.rhs.abs().max(1.0), |largest, term| largest.max(term.abs()));
        let left: f64 = terms.sum();
        let over = match row.sense {
            Sense::AtMost => left - row.rhs,
            Sense::AtLeast => row.rhs - left,
            Sense::Equal => (left - row.rhs).abs(),
        };
        (over > FEASIBILITY * largest).then(|| format!("row {place} is {left}, to be {:?} {}", row.sense, row.rhs))
    })
}
