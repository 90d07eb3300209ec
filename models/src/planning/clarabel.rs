//! Clarabel behind our door: an interior-point method, for the large scenario programs.
//! In: a program without whole numbers. Out: a point and row prices. Never: its word for "unbounded" or "solved" unseen.
//!
//! Source: Goulart and Chen, Clarabel: an interior-point solver for conic programs with quadratic objectives, 2024.

use super::solver::{Limits, LinearProgram, RawAnswer, Sense, SolveError, Solver};
use ::clarabel::algebra::CscMatrix;
use ::clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, NonnegativeConeT, SolverStatus, ZeroConeT};

/// The interior-point solver. It has no vertices: among equal optima it gives their middle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clarabel;

const NAME: &str = "clarabel";

impl Solver for Clarabel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn answer(&self, program: &LinearProgram, limits: &Limits) -> Result<RawAnswer, SolveError> {
        let count = program.columns.iter().filter(|column| column.integer).count();
        if count > 0 {
            return Err(SolveError::IntegersRefused { solver: NAME, count });
        }
        relaxed(program, limits)
    }
}

/// The answer to the program's relaxation: whole numbers are not asked for.
pub(super) fn relaxed(program: &LinearProgram, limits: &Limits) -> Result<RawAnswer, SolveError> {
    if program.columns.is_empty() {
        let dual = Some(vec![0.0; program.rows.len()]);
        return Ok(RawAnswer { x: Vec::new(), dual, claim: "empty".into(), confident: true });
    }
    let cone = Cone::of(program);
    let scale = program.columns.iter().fold(0.0_f64, |largest, column| largest.max(column.objective.abs()));
    let scale = if scale > 0.0 { 1.0 / scale } else { 1.0 };
    let costs: Vec<f64> = program.columns.iter().map(|column| -column.objective * scale).collect();
    let settings = DefaultSettings {
        verbose: false,
        max_iter: limits.iterations,
        max_threads: 1,
        direct_solve_method: "qdldl".into(),
        time_limit: limits.emergency.map_or(f64::INFINITY, |stop| stop.as_secs_f64()),
        ..DefaultSettings::default()
    };
    let quadratic = CscMatrix::zeros((program.columns.len(), program.columns.len()));
    let cones = [ZeroConeT(cone.equal), NonnegativeConeT(cone.rhs.len() - cone.equal)];
    let mut solver = DefaultSolver::new(&quadratic, &costs, &cone.matrix, &cone.rhs, &cones, settings)
        .map_err(|error| SolveError::Malformed(error.to_string()))?;
    solver.solve();
    let solution = &solver.solution;
    let claim = format!("{:?}", solution.status);
    let confident = match solution.status {
        SolverStatus::Solved => true,
        SolverStatus::PrimalInfeasible | SolverStatus::AlmostPrimalInfeasible => return Err(SolveError::Infeasible(claim)),
        // a ray along which the objective improves: clarabel calls it a certificate, others call it solved
        SolverStatus::DualInfeasible | SolverStatus::AlmostDualInfeasible => return Err(SolveError::Unbounded(claim)),
        SolverStatus::MaxTime | SolverStatus::CallbackTerminated | SolverStatus::Unsolved => {
            return Err(SolveError::NoAnswer { solver: NAME, reason: claim });
        }
        // the last point may still be good: our own count of rows, value and bound decides
        _ => false,
    };
    let dual = cone.places.iter().map(|&(place, sign)| sign * solution.z[place] / scale).collect();
    Ok(RawAnswer { x: solution.x.clone(), dual: Some(dual), claim, confident })
}

/// The program as clarabel reads it: Ax + s = b, equalities first, then everything that is at most.
struct Cone {
    matrix: CscMatrix<f64>,
    rhs: Vec<f64>,
    /// How many of the rows are equalities.
    equal: usize,
    /// Of each row of the program: its place here and the sign it was written with.
    places: Vec<(usize, f64)>,
}

impl Cone {
    fn of(program: &LinearProgram) -> Cone {
        let mut by_column: Vec<Vec<(usize, f64)>> = vec![Vec::new(); program.columns.len()];
        let mut rhs = Vec::new();
        let mut places = vec![(0, 1.0); program.rows.len()];
        for equalities in [true, false] {
            for (row, place) in program.rows.iter().zip(&mut places).filter(|(row, _)| (row.sense == Sense::Equal) == equalities) {
                let sign = if row.sense == Sense::AtLeast { -1.0 } else { 1.0 };
                *place = (rhs.len(), sign);
                for &(column, coefficient) in row.terms.iter().filter(|(_, coefficient)| *coefficient != 0.0) {
                    by_column[column].push((rhs.len(), sign * coefficient));
                }
                rhs.push(sign * row.rhs);
            }
        }
        let equal = program.rows.iter().filter(|row| row.sense == Sense::Equal).count();
        for (column, entries) in program.columns.iter().zip(&mut by_column) {
            if column.upper.is_finite() && !column.upper_implied {
                entries.push((rhs.len(), 1.0));
                rhs.push(column.upper);
            }
            if column.lower.is_finite() {
                entries.push((rhs.len(), -1.0));
                rhs.push(-column.lower);
            }
        }
        let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
        for entries in &by_column {
            let mut entries = entries.clone();
            entries.sort_by_key(|(row, _)| *row);
            rows.extend(entries.iter().map(|(row, _)| *row));
            values.extend(entries.iter().map(|(_, value)| *value));
            starts.push(rows.len());
        }
        let matrix = CscMatrix::new(rhs.len(), program.columns.len(), starts, rows, values);
        Cone { matrix, rhs, equal, places }
    }
}
