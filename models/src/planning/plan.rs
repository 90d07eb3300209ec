//! From base and outlook to a plan. In: base, outlook, settings, solver. Out: a plan its checker passed.
//! Never: a plan without its bound; a second answer to the same question.

use super::check::check;
use super::draft::{Draft, TENTHS};
use super::error::{PlanError, refuse};
use super::field::Field;
use super::lines::{harvests, sowings};
use super::market::{Market, mean_scenario};
use super::program::{Optimum, Program, THOUSAND};
use super::risk::Risk;
use super::round::round;
use super::solver::{Limits, SolveError, Solver, Status};
use super::words::{Base, Outlook, Plan, PlanSettings, PlanSummary, Scenario};

/// Plans the sowing weeks of the outlook: the two-stage program, rounded to what can be executed, then checked.
pub fn plan(base: &Base, outlook: &Outlook, settings: &PlanSettings, solver: &dyn Solver) -> Result<Plan, PlanError> {
    refuse(base, outlook, settings)?;
    let field = Field::of(base, outlook, settings);
    let market = Market::of(base, &outlook.scenarios, outlook.weeks);
    let weights = outlook.scenarios.iter().map(|scenario| scenario.weight).collect();
    let risk = Risk { weights, aversion: settings.risk_aversion, tail: settings.tail };
    let worth = if market.is_dead() {
        Worth::of_a_dead_market(&field, &market, &risk, settings)
    } else {
        Worth::of(base, outlook, settings, (&field, &market, &risk), solver)?
    };
    let plan = Plan {
        sowings: sowings(&worth.draft, base, outlook, settings),
        harvests: harvests(&worth.draft, base, outlook),
        summary: worth.summary(outlook, solver.name()),
    };
    check(base, outlook, settings, &plan).map_err(PlanError::Rejected)?;
    Ok(plan)
}

/// The draft and everything known about what it, and others, are worth.
struct Worth<'a> {
    draft: Draft<'a>,
    /// Objective of the program's optimum before rounding, CNY.
    optimum_cny: f64,
    bound_cny: f64,
    deterministic_cny: f64,
    known_before_cny: f64,
    status: String,
    variables: usize,
    rows: usize,
}

impl<'a> Worth<'a> {
    /// Nobody pays the picking of anything: sowing only costs.
    fn of_a_dead_market(field: &'a Field, market: &'a Market, risk: &'a Risk, settings: &PlanSettings) -> Worth<'a> {
        let draft = Draft::empty(field, market, risk, settings.max_crops_per_plot);
        let status = "nothing is sown: no outlet pays more than the picking of any crop".into();
        // costs are never negative and nothing brings money, so no plan is worth more than none
        let worth = draft.objective;
        Worth {
            draft,
            optimum_cny: worth,
            bound_cny: worth,
            deterministic_cny: worth,
            known_before_cny: worth,
            status,
            variables: 0,
            rows: 0,
        }
    }

    fn of(
        base: &Base,
        outlook: &Outlook,
        settings: &PlanSettings,
        (field, market, risk): (&'a Field, &'a Market, &'a Risk),
        solver: &dyn Solver,
    ) -> Result<Worth<'a>, PlanError> {
        let program = Program::of(field, market, risk);
        let optimum = program.solve(field, solver, &Limits::default())?;
        let draft = round(field, market, risk, settings, &optimum);
        // counted by the market, not by the program: the sowings' own worth in every scenario
        let optimum_cny = risk.objective(&profits_of(field, market, &optimum)).max(draft.objective);
        let (mut deterministic_cny, mut known_before_cny) = (optimum_cny, optimum_cny);
        if outlook.scenarios.len() > 1 {
            let mean = best_for_one(base, outlook, field, &mean_scenario(&outlook.scenarios), solver)?;
            deterministic_cny = risk.objective(&profits_of(field, market, &mean));
            let each = known_before(base, outlook, field, solver)?;
            known_before_cny = risk.objective(&each);
        }
        let status = match optimum.solution.status {
            Status::Optimal => "optimal before rounding, to one in a million".into(),
            Status::Feasible => "feasible; how far from the optimum is in the bound".into(),
        };
        Ok(Worth {
            draft,
            optimum_cny,
            bound_cny: THOUSAND * optimum.solution.bound,
            deterministic_cny,
            known_before_cny,
            status,
            variables: program.linear.columns.len(),
            rows: program.linear.rows.len(),
        })
    }

    fn summary(&self, outlook: &Outlook, solver: &str) -> PlanSummary {
        let (risk, profits) = (self.draft.risk, &recount(&self.draft));
        let objective_cny = risk.objective(profits);
        // rounding errors of a sum must not put a plan above its bound
        let bound_cny = self.bound_cny.max(self.optimum_cny).max(objective_cny);
        let gap_share = if bound_cny == objective_cny { 0.0 } else { (bound_cny - objective_cny) / bound_cny.abs() };
        let names = outlook.scenarios.iter().map(|scenario| scenario.name.clone());
        PlanSummary {
            expected_cny: risk.mean(profits),
            p10_cny: risk.quantile(profits, 0.1),
            p50_cny: risk.quantile(profits, 0.5),
            p90_cny: risk.quantile(profits, 0.9),
            cvar_cny: risk.cvar(profits),
            objective_cny,
            bound_cny,
            gap_share,
            status: self.status.clone(),
            solver: solver.into(),
            value_of_stochastic_solution_cny: self.optimum_cny - self.deterministic_cny,
            value_of_perfect_information_cny: self.known_before_cny - self.optimum_cny,
            deterministic_cny: self.deterministic_cny,
            rounding_cost_cny: self.optimum_cny - objective_cny,
            variables: self.variables,
            rows: self.rows,
            scenario_profits: names.zip(&risk.weights).zip(profits).map(|((name, weight), profit)| (name, *weight, *profit)).collect(),
        }
    }
}

/// Profit by scenario of the draft, from the beginning: not the running sum.
fn recount(draft: &Draft<'_>) -> Vec<f64> {
    let mut sown = vec![vec![0.0; draft.field.sow_weeks]; draft.field.crops.len()];
    for line in draft.lines() {
        sown[line.crop][line.week] += f64::from(line.tenths) / TENTHS;
    }
    profits(draft.field, draft.market, &sown)
}

/// Profit by scenario of the optimum's sowings.
fn profits_of(field: &Field, market: &Market, optimum: &Optimum) -> Vec<f64> {
    profits(field, market, &optimum.sown)
}

fn profits(field: &Field, market: &Market, sown: &[Vec<f64>]) -> Vec<f64> {
    let mut ripe = field.standing_kg.clone();
    let mut cost = 0.0;
    for (crop, weeks) in sown.iter().enumerate() {
        for (start, mu) in weeks.iter().enumerate().filter(|(_, mu)| **mu > 0.0) {
            cost += mu * field.cost_cny_per_mu(crop, start);
            for week in field.harvest(crop, start) {
                ripe[field.crops[crop].sells_as][week] += mu * field.crops[crop].kg_per_mu_week;
            }
        }
    }
    market.revenues(&ripe).into_iter().map(|revenue| revenue - cost).collect()
}

/// CNY of the best plan for each scenario alone. The scenarios are shared out among the cores; each is its own
/// program, so the number of cores changes nothing but the time.
fn known_before(base: &Base, outlook: &Outlook, field: &Field, solver: &dyn Solver) -> Result<Vec<f64>, SolveError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let best = |scenario: &Scenario| Ok(THOUSAND * best_for_one(base, outlook, field, scenario, solver)?.solution.objective);
    std::thread::scope(|scope| {
        let shares = outlook.scenarios.chunks(outlook.scenarios.len().div_ceil(cores));
        let running: Vec<_> = shares.map(|share| scope.spawn(move || share.iter().map(best).collect::<Vec<_>>())).collect();
        let finished = running.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        finished.collect()
    })
}

/// The optimum when this scenario is certain.
fn best_for_one(base: &Base, outlook: &Outlook, field: &Field, scenario: &Scenario, solver: &dyn Solver) -> Result<Optimum, SolveError> {
    let certain = Scenario { weight: 1.0, ..scenario.clone() };
    let market = Market::of(base, &[certain], outlook.weeks);
    let risk = Risk { weights: vec![1.0], aversion: 0.0, tail: 1.0 };
    Program::of(field, &market, &risk).solve(field, solver, &Limits::default())
}
