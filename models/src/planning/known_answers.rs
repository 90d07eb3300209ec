//! Programs whose answers are in print or can be counted by hand, through both solvers.

use super::solver::{Limits, LinearProgram, Sense, Solution, SolveError, Solver, Status};
use super::{Clarabel, Microlp};
use nongshi_domain::Seed;
use proptest::prelude::*;

const SOLVERS: [&dyn Solver; 2] = [&Clarabel, &Microlp];

fn solve(solver: &dyn Solver, program: &LinearProgram) -> Result<Solution, SolveError> {
    solver.solve(program, &Limits::default())
}

/// The optimum, with its proof: never above the bound, never more than a millionth below it.
fn optimum(solver: &dyn Solver, program: &LinearProgram) -> Solution {
    let solution = solve(solver, program).unwrap_or_else(|error| panic!("{}: {error}", solver.name()));
    assert_eq!(solution.status, Status::Optimal, "{}", solver.name());
    assert!(solution.bound >= solution.objective, "{}", solver.name());
    assert!(solution.bound - solution.objective <= 1e-6 * solution.objective.abs().max(1.0), "{}: {solution:?}", solver.name());
    solution
}

/// The pass mark of BENCHMARKS.md A and B: relative error below 1e-6.
fn close(found: f64, expect: f64, what: &str) {
    assert!((found - expect).abs() <= 1e-6 * expect.abs(), "{what}: {found}, expected {expect}");
}

/// The farmer of Birge and Louveaux, Introduction to Stochastic Programming, chapter 1: equally likely years
/// with these yield factors, acres free or given. Columns 0, 1, 2 are the acres of wheat, corn, beets.
fn farmer(factors: &[f64], acres: Option<&[f64]>) -> LinearProgram {
    let mut program = LinearProgram::default();
    for (crop, cost) in [150.0, 230.0, 260.0].into_iter().enumerate() {
        let (lower, upper) = acres.map_or((0.0, 500.0), |acres| (acres[crop], acres[crop]));
        program.column(-cost, lower, upper);
    }
    program.row(vec![(0, 1.0), (1, 1.0), (2, 1.0)], Sense::AtMost, 500.0);
    let weight = 1.0 / factors.len() as f64;
    for factor in factors {
        for (crop, tonnes, sell, buy, need) in [(0, 2.5, 170.0, 238.0, 200.0), (1, 3.0, 150.0, 210.0, 240.0)] {
            let sold = program.column(weight * sell, 0.0, 2_000.0);
            let bought = program.column(-weight * buy, 0.0, need);
            program.row(vec![(crop, factor * tonnes), (bought, 1.0), (sold, -1.0)], Sense::AtLeast, need);
        }
        let dear = program.column(weight * 36.0, 0.0, 6_000.0);
        let cheap = program.column(weight * 10.0, 0.0, 12_000.0);
        program.row(vec![(dear, 1.0), (cheap, 1.0), (2, -20.0 * factor)], Sense::AtMost, 0.0);
    }
    program
}

#[test]
fn the_farmer_of_birge_and_louveaux() {
    for solver in SOLVERS {
        let years = [0.8, 1.0, 1.2];
        let stochastic = optimum(solver, &farmer(&years, None));
        close(stochastic.objective, 108_390.0, "RP");
        for (acres, expect) in stochastic.x.iter().zip([170.0, 80.0, 250.0]) {
            assert!((acres - expect).abs() < 1e-3, "{}: {acres} acres, expected {expect}", solver.name());
        }
        let mean_year = optimum(solver, &farmer(&[1.0], None));
        close(mean_year.objective, 118_600.0, "EV");
        let met_by_the_years = optimum(solver, &farmer(&years, Some(&mean_year.x[..3])));
        close(met_by_the_years.objective, 107_240.0, "EEV");
        let known_before = years.map(|year| optimum(solver, &farmer(&[year], None)).objective).iter().sum::<f64>() / 3.0;
        close(known_before, 346_216.666_666_666_7 / 3.0, "WS");
        close(stochastic.objective - met_by_the_years.objective, 1_150.0, "VSS");
        // WS and RP are each good to 1e-6 of themselves; their difference is asked to the printed cent
        assert!((known_before - stochastic.objective - 7_015.56).abs() < 0.01, "EVPI {}", known_before - stochastic.objective);
    }
}

const HAZELL_YEARS: [[f64; 4]; 6] = [
    [292.0, -128.0, 420.0, 579.0],
    [179.0, 560.0, 187.0, 639.0],
    [114.0, 648.0, 366.0, 379.0],
    [247.0, 544.0, 249.0, 924.0],
    [426.0, 182.0, 322.0, 5.0],
    [259.0, 850.0, 159.0, 569.0],
];

/// Hazell, American Journal of Agricultural Economics 53 (1971); data in R `agridat::hazell.vegetables`.
fn hazell(margins: [f64; 4]) -> LinearProgram {
    let mut program = LinearProgram::default();
    for margin in margins {
        program.column(margin, 0.0, 200.0);
    }
    let row = |coefficients: [f64; 4]| coefficients.into_iter().enumerate().collect::<Vec<_>>();
    program.row(row([1.0; 4]), Sense::AtMost, 200.0);
    program.row(row([25.0, 36.0, 27.0, 87.0]), Sense::AtMost, 10_000.0);
    program.row(row([-1.0, 1.0, -1.0, 1.0]), Sense::AtMost, 0.0);
    program
}

#[test]
fn the_vegetable_farm_of_hazell() {
    for solver in SOLVERS {
        let mean = optimum(solver, &hazell([253.0, 443.0, 284.0, 516.0]));
        close(mean.objective, 3_977_800.0 / 51.0, "max mean");
        let mut careful = hazell([0.0; 4]);
        // income lies within +-200,000 whatever is planted: 200 acres at less than 1,000 an acre
        let eta = careful.column(1.0, -200_000.0, 200_000.0);
        for year in HAZELL_YEARS {
            let short = careful.column(-0.5, 0.0, 400_000.0);
            careful.row(year.into_iter().enumerate().chain([(short, 1.0), (eta, -1.0)]).collect(), Sense::AtLeast, 0.0);
        }
        let careful = optimum(solver, &careful);
        close(careful.objective, 744_598_285_100.0 / 12_316_387.0, "max CVaR of the worst 2 of 6");
        for (acres, expect) in careful.x.iter().zip([86.32, 30.69, 55.77, 27.21]) {
            assert!((acres - expect).abs() < 0.006, "{}: {acres} acres, printed {expect}", solver.name());
        }
    }
}

#[test]
fn an_unbounded_program_is_never_an_answer() {
    let mut plain = LinearProgram::default();
    plain.column(1.0, 0.0, f64::INFINITY);
    let mut along_a_ray = LinearProgram::default();
    let (x, y) = (along_a_ray.column(1.0, 0.0, f64::INFINITY), along_a_ray.column(1.0, 0.0, f64::INFINITY));
    along_a_ray.row(vec![(x, 1.0), (y, -1.0)], Sense::AtMost, 1.0);
    for solver in SOLVERS {
        for program in [&plain, &along_a_ray] {
            let answer = solve(solver, program);
            assert!(matches!(answer, Err(SolveError::Unbounded(_))), "{}: {answer:?}", solver.name());
        }
    }
}

#[test]
fn an_infeasible_program_is_an_error() {
    let mut program = LinearProgram::default();
    let (x, y) = (program.column(1.0, 0.0, 10.0), program.column(1.0, 0.0, 10.0));
    program.row(vec![(x, 1.0), (y, 1.0)], Sense::AtMost, 1.0);
    program.row(vec![(x, 1.0), (y, 1.0)], Sense::AtLeast, 2.0);
    let mut crossed = LinearProgram::default();
    crossed.column(1.0, 2.0, 1.0);
    for solver in SOLVERS {
        for program in [&program, &crossed] {
            let answer = solve(solver, program);
            assert!(matches!(answer, Err(SolveError::Infeasible(_))), "{}: {answer:?}", solver.name());
        }
    }
}

#[test]
fn nonsense_is_refused_before_any_solver_sees_it() {
    let mut twice = LinearProgram::default();
    let x = twice.column(1.0, 0.0, 1.0);
    twice.row(vec![(x, 1.0), (x, 1.0)], Sense::AtMost, 1.0);
    let mut nowhere = LinearProgram::default();
    nowhere.row(vec![(3, 1.0)], Sense::AtMost, 1.0);
    let mut nan = LinearProgram::default();
    nan.column(f64::NAN, 0.0, 1.0);
    for solver in SOLVERS {
        for program in [&twice, &nowhere, &nan] {
            assert!(matches!(solve(solver, program), Err(SolveError::Malformed(_))), "{}", solver.name());
        }
    }
}

/// Eight things, one bag of 40; and the best of all 256 choices.
fn knapsack() -> (LinearProgram, f64) {
    let things: [(f64, f64); 8] = [(12.0, 7.0), (9.5, 6.0), (20.0, 13.0), (17.0, 11.0), (4.0, 2.5), (15.0, 9.0), (7.0, 5.0), (11.0, 8.0)];
    let mut program = LinearProgram::default();
    let row = things.iter().map(|&(worth, weight)| (program.integer(worth, 0.0, 1.0), weight)).collect();
    program.row(row, Sense::AtMost, 40.0);
    let chosen = |set: u32| things.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1).map(|(_, thing)| thing);
    let best = (0..256).filter(|&set| chosen(set).map(|thing| thing.1).sum::<f64>() <= 40.0);
    (program, best.map(|set| chosen(set).map(|thing| thing.0).sum::<f64>()).fold(0.0, f64::max))
}

#[test]
fn whole_numbers_go_to_microlp_only() {
    let (program, best) = knapsack();
    let solution = solve(&Microlp, &program).expect("eight things");
    assert_eq!(solution.objective, best);
    assert!(solution.bound >= best && solution.x.iter().all(|x| x.fract() == 0.0));
    assert_eq!(solve(&Clarabel, &program), Err(SolveError::IntegersRefused { solver: "clarabel", count: 8 }));
}

/// A solver that says whatever it was told to say.
struct Liar(Vec<f64>);

impl Solver for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn answer(&self, program: &LinearProgram, _: &Limits) -> Result<super::solver::RawAnswer, SolveError> {
        let dual = Some(vec![0.0; program.rows.len()]);
        Ok(super::solver::RawAnswer { x: self.0.clone(), dual, claim: "Solved".into(), confident: true })
    }
}

#[test]
fn a_lying_solver_is_found_out() {
    let mut program = LinearProgram::default();
    let (x, n) = (program.column(1.0, 0.0, 5.0), program.integer(1.0, 0.0, 5.0));
    program.row(vec![(x, 1.0), (n, 1.0)], Sense::AtMost, 4.0);
    for lie in [vec![4.0, 1.0], vec![6.0, -2.0], vec![1.0, 2.5], vec![f64::NAN, 0.0], vec![1.0]] {
        let answer = solve(&Liar(lie.clone()), &program);
        assert!(matches!(answer, Err(SolveError::Refused { .. })), "{lie:?}: {answer:?}");
    }
    let lazy = solve(&Liar(vec![1.0, 1.0]), &program).expect("a feasible point");
    assert_eq!((lazy.status, lazy.objective, lazy.bound), (Status::Feasible, 2.0, 10.0), "feasible, but not proven to be the best");
}

/// A bounded program with a feasible point inside, from a seed.
fn random_program(mut seed: Seed, columns: usize, rows: usize) -> LinearProgram {
    let mut program = LinearProgram::default();
    let inside: Vec<f64> = (0..columns).map(|_| 10.0 * seed.uniform()).collect();
    for _ in 0..columns {
        program.column(seed.normal(), 0.0, 10.0);
    }
    for place in 0..rows {
        let mut terms = Vec::new();
        for column in 0..columns {
            if seed.uniform() < 0.5 {
                terms.push((column, seed.normal()));
            }
        }
        let left: f64 = terms.iter().map(|&(column, coefficient)| coefficient * inside[column]).sum();
        let (sense, slack) = [(Sense::AtMost, 1.0), (Sense::AtLeast, -1.0), (Sense::Equal, 0.0)][place % 3];
        program.row(terms, sense, left + slack * seed.uniform());
    }
    program
}

proptest! {
    #[test]
    fn both_solvers_agree(seed in 0..u64::MAX, columns in 1..12_usize, rows in 0..8_usize) {
        let program = random_program(Seed(seed), columns.max(rows), rows);
        let (interior, vertex) = (optimum(&Clarabel, &program), optimum(&Microlp, &program));
        let scale = vertex.objective.abs().max(1.0);
        prop_assert!((interior.objective - vertex.objective).abs() <= 1e-6 * scale, "{} and {}", interior.objective, vertex.objective);
    }
}
