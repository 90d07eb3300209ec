//! Plans for a farm base: which crop on which plot in which week, with the odds, the yuan and a bound.
//!
//! In: a base, an outlook of joint scenarios, settings, a solver. Out: a plan with its bound and its risk.
//! Never: files, the clock, randomness; a plan its checker has not passed.
//!
//! The rules every plan keeps, in words (the planner and the checker each have code of their own for them):
//!
//! 1. **Weeks.** Week 0 begins at `Outlook::first_week`. A crop sown in week `t` ripens in the weeks
//!    `t + lead .. t + lead + window` (half-open), evenly. `lead` is the mean of the earliest and the latest
//!    `days_to_harvest`, in weeks, rounded up, at least 1; `window` is `harvest_window_days` in weeks, rounded up,
//!    at least 1. What ripens after the last week of the outlook is not counted, and neither is its share of
//!    the cost: a flock laid in now would otherwise carry sixty weeks' feed on the few weeks of eggs in sight.
//! 2. **Sowing.** In weeks `0 .. sow_weeks`, on a plot of the crop's system, in a week all of whose days lie in
//!    months of `sow_months`, and only if its harvest begins inside the outlook.
//! 3. **Land.** A sowing holds its land in the weeks `t .. t + lead + window + 1`: the last one clears it.
//! 4. **Rotation.** It keeps its family off that land for `min_gap_same_family_weeks` more: in every week the mu
//!    under or just after one family fit into the plot.
//! 5. **What stands is a fact.** It holds land, keeps its family off and ripens by the same arithmetic from the
//!    week of `sown_on`; its cost is sunk. Where it already fills a plot, or more, nothing is added.
//! 6. **Batches.** Areas are whole tenths of a mu, at least `min_area`; a sowing never makes more than
//!    `max_crops_per_plot` crops hold land on one plot in one week, standing ones counted. A plot of the system
//!    `livestock` (or `livestock ANIMAL`) is a house, its area thousands of places: one batch at a time, all in, all out, and the weeks of
//!    rule 4 it stands empty.
//! 7. **Selling.** In each scenario and week what is ripe goes to the outlets in falling order of price less
//!    picking cost, each up to its limit; what no outlet pays the picking of stays on the field.
//! 8. **Objective.** `(1 - risk_aversion) x mean + risk_aversion x CVaR` of the profit over the scenarios, the CVaR
//!    being the mean of the worst `tail` share, a scenario on the border counted in part.

mod bound;
pub mod check;
mod clarabel;
mod draft;
mod error;
mod field;
#[cfg(test)]
mod house_tests;
mod improve;
#[cfg(test)]
mod known_answers;
mod lines;
mod market;
mod microlp;
mod plan;
mod program;
mod risk;
mod round;
mod solver;
#[cfg(test)]
mod tests;
mod words;

pub use bound::dual_bound;
pub use check::check;
pub use clarabel::Clarabel;
pub use error::PlanError;
pub use microlp::Microlp;
pub use plan::plan;
pub use solver::{Column, Limits, LinearProgram, RawAnswer, Row, Sense, Solution, SolveError, Solver, Status};
pub use words::{
    Base, CheckedPlan, Crop, HarvestLine, NOT_HARVESTED, Outlet, Outlook, Plan, PlanSettings, PlanSummary, PlantingLine, Plot, Rule,
    Scenario, Standing, Violation,
};
