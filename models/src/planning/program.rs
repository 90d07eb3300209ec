//! The two-stage program: sow now, sell when the scenario is known. In: field, market, risk. Out: a linear program and
//! what its columns mean. Never: a plot in a scenario's row; scenarios see the mu sown per crop and week only.
//!
//! Money is in thousand CNY, mass in tonnes, land in mu: every coefficient lies between 1e-4 and 1e4.
//! Sources: Birge and Louveaux, Introduction to Stochastic Programming, ch. 1; Rockafellar and Uryasev 2000 (CVaR).

use super::field::Field;
use super::market::Market;
use super::risk::Risk;
use super::solver::{Limits, LinearProgram, Sense, Solution, SolveError, Solver};
use std::ops::Range;

/// CNY in a unit of the program's money, and kg in a unit of its mass.
pub(super) const THOUSAND: f64 = 1_000.0;

/// The program and where to find things in it.
pub(super) struct Program {
    pub linear: LinearProgram,
    /// Column of the mu sown over all plots, by crop and sowing week.
    sown: Vec<Vec<Option<usize>>>,
    /// The land held, by plot.
    land: Vec<Chain>,
    /// The land closed to each family, by plot.
    kin: Vec<Vec<Chain>>,
}

/// The rows of one chain: (week, row), in order of week.
#[derive(Default)]
struct Chain(Vec<(usize, usize)>);

impl Chain {
    /// The price of holding one mu over the stay: of entering the chain, less what leaving it gives back.
    fn price(&self, stay: &Range<usize>, dual: &[f64]) -> f64 {
        let at = |week: usize| self.0.iter().find(|(held, _)| *held >= week).map_or(0.0, |(_, row)| dual[*row]);
        (at(stay.start) - at(stay.end)).max(0.0)
    }
}

/// What the program's optimum says.
pub(super) struct Optimum {
    pub solution: Solution,
    /// Mu to sow by crop and sowing week, over all plots.
    pub sown: Vec<Vec<f64>>,
    /// CNY per mu that a whole stay takes from all others, by plot, crop and sowing week.
    pub rent: Vec<Vec<Vec<f64>>>,
}

impl Program {
    pub fn of(field: &Field, market: &Market, risk: &Risk) -> Program {
        let mut program = Program { linear: LinearProgram::default(), sown: Vec::new(), land: Vec::new(), kin: Vec::new() };
        let area = program.sow(field);
        let ripe = program.ripen(field, &area);
        program.sell(market, risk, &ripe);
        program
    }

    pub fn solve(&self, field: &Field, solver: &dyn Solver, limits: &Limits) -> Result<Optimum, SolveError> {
        let solution = solver.solve(&self.linear, limits)?;
        let of = |column: &Option<usize>| column.map_or(0.0, |column| solution.x[column]);
        let sown = self.sown.iter().map(|weeks| weeks.iter().map(of).collect()).collect();
        let rent_of = |plot: usize, crop: usize, week: usize| {
            let dual = solution.dual.as_deref()?;
            let land = self.land[plot].price(&field.busy(crop, week), dual);
            let kin = field.crops[crop].family.map(|family| self.kin[plot][family].price(&field.kin(crop, week), dual));
            Some(THOUSAND * (land + kin.unwrap_or(0.0)))
        };
        let of_crop = |plot, crop| (0..field.sow_weeks).map(|week| rent_of(plot, crop, week).unwrap_or(0.0)).collect();
        let of_plot = |plot| (0..field.crops.len()).map(|crop| of_crop(plot, crop)).collect();
        let rent = (0..field.plots.len()).map(of_plot).collect();
        Ok(Optimum { sown, rent, solution })
    }

    /// Columns of sowing, rows of land and rotation. Out: the area over which each crop might be sown.
    fn sow(&mut self, field: &Field) -> Vec<f64> {
        let mut area = vec![0.0; field.crops.len()];
        let mut over_plots: Vec<Vec<Vec<(usize, f64)>>> = vec![vec![Vec::new(); field.sow_weeks]; field.crops.len()];
        for plot in &field.plots {
            // (crop, week, column) of everything that might be sown here
            let mut here = Vec::new();
            for &crop in &plot.suits {
                area[crop] += plot.area;
                for week in (0..field.sow_weeks).filter(|&week| field.crops[crop].sowable[week]) {
                    let column = self.linear.implied_column(0.0, plot.area);
                    over_plots[crop][week].push((column, 1.0));
                    here.push((crop, week, column));
                }
            }
            let committed = |week: usize| plot.committed.contains(&week);
            let stays = here.iter().map(|&(crop, start, column)| (field.busy(crop, start), column)).collect();
            let land = self.chain(stays, committed, &plot.free);
            let of_family = |family: usize| here.iter().filter(move |(crop, ..)| field.crops[*crop].family == Some(family));
            let kin = (0..field.families).map(|family| {
                let stays = of_family(family).map(|&(crop, start, column)| (field.kin(crop, start), column)).collect();
                self.chain(stays, committed, &plot.kin_free[family])
            });
            let kin = kin.collect();
            self.land.push(land);
            self.kin.push(kin);
        }
        for (crop, weeks) in over_plots.into_iter().enumerate() {
            let mut columns = vec![None; field.sow_weeks];
            for (week, mut terms) in weeks.into_iter().enumerate().filter(|(_, terms)| !terms.is_empty()) {
                let sown = self.linear.implied_column(-field.cost_cny_per_mu(crop, week) / THOUSAND, area[crop]);
                terms.push((sown, -1.0));
                self.linear.row(terms, Sense::Equal, 0.0);
                columns[week] = Some(sown);
            }
            self.sown.push(columns);
        }
        area
    }

    /// The mu held in each week, written as a chain: what was held before, and what begins, less what has ended.
    /// Each sowing then stands in two rows and not in every week of its stay, which is what makes the program fast.
    /// A window is fullest where something begins: no other week needs a row.
    fn chain(&mut self, stays: Vec<(Range<usize>, usize)>, committed: impl Fn(usize) -> bool, free: &[f64]) -> Chain {
        let mut begins = vec![Vec::new(); free.len()];
        let mut ends = vec![Vec::new(); free.len() + 1];
        for (stay, column) in stays {
            begins[stay.start].push(column);
            ends[stay.end].push(column);
        }
        let mut chain = Chain::default();
        let mut held_before = None;
        let mut ended = Vec::new();
        for (week, begins) in begins.into_iter().enumerate() {
            ended.append(&mut ends[week]);
            if begins.is_empty() && !(committed(week) && held_before.is_some()) {
                continue;
            }
            let held = self.linear.column(0.0, 0.0, free[week]);
            let mut terms = vec![(held, -1.0)];
            terms.extend(held_before.map(|before| (before, 1.0)));
            terms.extend(begins.into_iter().map(|column| (column, 1.0)));
            terms.extend(ended.drain(..).map(|column| (column, -1.0)));
            chain.0.push((week, self.linear.row(terms, Sense::Equal, 0.0)));
            held_before = Some(held);
        }
        chain
    }

    /// Columns of tonnes ripe at a yield factor of 1. Out: by crop and week, the column and the most it can hold.
    fn ripen(&mut self, field: &Field, area: &[f64]) -> Vec<Vec<Option<(usize, f64)>>> {
        let mut ripe = vec![vec![None; field.weeks]; field.crops.len()];
        for (heap, of_heap) in ripe.iter_mut().enumerate() {
            let crops: Vec<usize> = (0..field.crops.len()).filter(|&crop| field.crops[crop].sells_as == heap).collect();
            for (week, ripe) in of_heap.iter_mut().enumerate() {
                let (mut terms, mut most_sown) = (Vec::new(), 0.0);
                for &crop in &crops {
                    let tonnes_per_mu_week = field.crops[crop].kg_per_mu_week / THOUSAND;
                    let sown = (0..field.sow_weeks).filter(|&start| field.harvest(crop, start).contains(&week));
                    let before = terms.len();
                    terms.extend(sown.filter_map(|start| self.sown[crop][start]).map(|sown| (sown, tonnes_per_mu_week)));
                    // whatever is picked in one week holds its land in that week
                    most_sown += if terms.len() > before { tonnes_per_mu_week * area[crop] } else { 0.0 };
                }
                let standing = field.standing_kg[heap][week] / THOUSAND;
                if terms.is_empty() && standing == 0.0 {
                    continue;
                }
                let most = standing + most_sown;
                let column = self.linear.implied_column(0.0, most);
                terms.push((column, -1.0));
                self.linear.row(terms, Sense::Equal, -standing);
                *ripe = Some((column, most));
            }
        }
        ripe
    }

    /// Columns of selling and the tail of the worst scenarios.
    fn sell(&mut self, market: &Market, risk: &Risk, ripe: &[Vec<Option<(usize, f64)>>]) {
        let risky = risk.aversion > 0.0 && market.cases.len() > 1;
        let mean_share = if risky { 1.0 - risk.aversion } else { 1.0 };
        let mut revenues = Vec::new();
        let mut most_revenue = 0.0_f64;
        for case in &market.cases {
            let mut revenue = Vec::new();
            let mut most_of_case = 0.0;
            for (crop, weeks) in ripe.iter().enumerate() {
                for (week, &(ripe, most)) in weeks.iter().enumerate().filter_map(|(week, ripe)| ripe.as_ref().map(|r| (week, r))) {
                    let most = most * case.factor[crop];
                    let mut terms = vec![(ripe, -case.factor[crop])];
                    for offer in case.offers(crop, week) {
                        let limit = offer.limit / THOUSAND;
                        let pays = mean_share * case.weight * offer.net;
                        let sold = if limit < most { self.linear.column(pays, 0.0, limit) } else { self.linear.implied_column(pays, most) };
                        terms.push((sold, 1.0));
                        revenue.push((sold, offer.net));
                        most_of_case += offer.net * limit.min(most);
                    }
                    if terms.len() > 1 {
                        self.linear.row(terms, Sense::AtMost, 0.0);
                    }
                }
            }
            most_revenue = most_revenue.max(most_of_case);
            revenues.push(revenue);
        }
        if !risky {
            return;
        }
        // the cost of sowing is the same in every scenario, so the tail is taken on the revenue
        let border = self.linear.column(risk.aversion, 0.0, most_revenue);
        for (case, mut revenue) in market.cases.iter().zip(revenues) {
            let short = self.linear.column(-risk.aversion * case.weight / risk.tail, 0.0, most_revenue);
            revenue.extend([(short, 1.0), (border, -1.0)]);
            self.linear.row(revenue, Sense::AtLeast, 0.0);
        }
    }
}
