//! Microlp behind our door: a simplex with branch and bound, for small programs and for whole numbers.
//! In: any program. Out: a vertex; the prices, and so the bound, are those of clarabel's relaxation, microlp has none.
//! Never: its word for "optimal" where the relaxation says unbounded.

use super::clarabel::relaxed;
use super::solver::{Limits, LinearProgram, RawAnswer, Sense, SolveError, Solver};
use ::microlp::{ComparisonOp, Error, OptimizationDirection, Problem, SolutionStatus, SolveOptions, SolveOutcome};

/// The simplex solver.
#[derive(Debug, Clone, Copy, Default)]
pub struct Microlp;

const NAME: &str = "microlp";

impl Solver for Microlp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn answer(&self, program: &LinearProgram, limits: &Limits) -> Result<RawAnswer, SolveError> {
        let problem = problem_of(program)?;
        let mut options = SolveOptions::default();
        options.node_limit = Some(limits.nodes);
        options.time_limit = limits.emergency;
        let no_answer = |reason: String| SolveError::NoAnswer { solver: NAME, reason };
        let outcome = problem.solve_with(options).map_err(|error| match error {
            Error::Infeasible => SolveError::Infeasible(error.to_string()),
            Error::Unbounded => SolveError::Unbounded(error.to_string()),
            other => no_answer(other.to_string()),
        })?;
        let reason = outcome.termination_reason();
        let SolveOutcome::Solution(solution) = outcome else {
            return Err(no_answer(format!("{reason:?} before any point was found")));
        };
        let x = solution.iter().map(|(_, value)| value).collect();
        // microlp says of itself that it may report a point of an unbounded model: the relaxation is the second opinion
        let dual = match relaxed(program, limits) {
            Ok(relaxation) => relaxation.dual,
            Err(SolveError::Unbounded(reason)) => return Err(SolveError::Unbounded(reason)),
            Err(_) => None,
        };
        Ok(RawAnswer { x, dual, claim: format!("{reason:?}"), confident: solution.status() == SolutionStatus::Optimal })
    }
}

fn problem_of(program: &LinearProgram) -> Result<Problem, SolveError> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let mut variables = Vec::with_capacity(program.columns.len());
    for (place, column) in program.columns.iter().enumerate() {
        variables.push(if column.integer {
            // microlp counts whole numbers in i32; what is beyond is refused, not cut
            let whole = |bound: f64, open: i32| match bound {
                infinite if infinite.is_infinite() => Some(open),
                far if far.abs() > f64::from(i32::MAX) => None,
                near => Some(near as i32),
            };
            let bounds = whole(column.lower.ceil(), i32::MIN).zip(whole(column.upper.floor(), i32::MAX));
            let Some((lower, upper)) = bounds else {
                return Err(SolveError::Malformed(format!("whole-number column {place} has a bound beyond {}", i32::MAX)));
            };
            problem.add_integer_var(column.objective, (lower, upper))
        } else {
            problem.add_var(column.objective, (column.lower, column.upper))
        });
    }
    for row in &program.rows {
        let terms = row.terms.iter().map(|&(column, coefficient)| (variables[column], coefficient));
        let sense = match row.sense {
            Sense::AtMost => ComparisonOp::Le,
            Sense::AtLeast => ComparisonOp::Ge,
            Sense::Equal => ComparisonOp::Eq,
        };
        problem.add_constraint(terms, sense, row.rhs);
    }
    Ok(problem)
}
