//! What cannot be planned, and why. In: base, outlook, settings. Out: nothing, or the first thing wrong with a hint.
//! Never: a repair; data that make no sense are mended where they come from.

use super::solver::SolveError;
use super::words::{Base, Outlook, PlanSettings, Scenario, Violation};
use chrono::{Datelike, NaiveDate, Weekday};
use nongshi_domain::Hint;
use std::collections::BTreeSet;

/// How far the weights of the scenarios may sum beside 1.
const WEIGHT_TOLERANCE: f64 = 1e-6;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A base without land.
    #[error("base `{0}` has no plots")]
    NoPlots(String),
    /// A base on which nothing may grow.
    #[error("base `{0}` has no crops")]
    NoCrops(String),
    /// An outlook that says nothing.
    #[error("the outlook has {weeks} weeks and {scenarios} scenarios")]
    NoOutlook {
        /// Weeks looked ahead.
        weeks: usize,
        /// Scenarios.
        scenarios: usize,
    },
    /// Week 0 begins on another day.
    #[error("the outlook begins on {0}, a {weekday}", weekday = .0.weekday())]
    NotMonday(NaiveDate),
    /// Two of one name.
    #[error("{what} `{name}` is there twice")]
    Twice {
        /// Plot, crop, scenario.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A standing crop on a plot, or of a crop, nobody knows.
    #[error("what stands on plot `{plot}` names {what} `{name}`, which base `{base}` does not have")]
    Unknown {
        /// The base.
        base: String,
        /// The plot it stands on.
        plot: String,
        /// Plot or crop.
        what: &'static str,
        /// The unknown name.
        name: String,
        /// What was meant.
        hint: Hint,
    },
    /// A number out of its range.
    #[error("{what} is {value}, to be {range}")]
    Number {
        /// Whose, and which.
        what: String,
        /// What it is.
        value: f64,
        /// What it should be.
        range: &'static str,
    },
    /// Lists that do not fit one another.
    #[error("{what}: {found}, expected {expected}")]
    Shape {
        /// Whose, and which.
        what: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// No answer from the solver.
    #[error("no plan could be computed")]
    Solve(#[from] SolveError),
    /// The checker did not pass the plan: a bug of the planner, never handed out as a plan.
    #[error("the plan breaks {} of its own rules, the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Rejected(Vec<Violation>),
}

impl PlanError {
    /// How to mend it, where that is known.
    pub fn hint(&self) -> Option<Hint> {
        let text = match self {
            PlanError::NoPlots(base) => format!("give the plots of `{base}` with system and area: table `plots`, or reference/plots.csv"),
            PlanError::NoCrops(_) => "give the crop calendar: table `crops`, or reference/crops.csv".into(),
            PlanError::NoOutlook { .. } => "forecast prices and demand first, at least one week ahead".into(),
            PlanError::NotMonday(day) => format!("begin on {}", nongshi_domain::week_start(*day)),
            PlanError::Unknown { hint, .. } => return Some(hint.clone()),
            _ => return None,
        };
        Some(Hint(text))
    }
}

/// The first thing that makes no sense.
pub(super) fn refuse(base: &Base, outlook: &Outlook, settings: &PlanSettings) -> Result<(), PlanError> {
    refuse_base(base)?;
    refuse_settings(settings)?;
    if outlook.weeks == 0 || outlook.scenarios.is_empty() {
        return Err(PlanError::NoOutlook { weeks: outlook.weeks, scenarios: outlook.scenarios.len() });
    }
    if outlook.first_week.weekday() != Weekday::Mon {
        return Err(PlanError::NotMonday(outlook.first_week));
    }
    only_once("scenario", outlook.scenarios.iter().map(|scenario| &scenario.name))?;
    for scenario in &outlook.scenarios {
        refuse_scenario(base, outlook, scenario)?;
    }
    let sum: f64 = outlook.scenarios.iter().map(|scenario| scenario.weight).sum();
    range("the sum of the scenarios' weights", sum, (sum - 1.0).abs() <= WEIGHT_TOLERANCE, "1")
}

fn refuse_base(base: &Base) -> Result<(), PlanError> {
    if base.plots.is_empty() {
        return Err(PlanError::NoPlots(base.name.clone()));
    }
    if base.crops.is_empty() {
        return Err(PlanError::NoCrops(base.name.clone()));
    }
    only_once("plot", base.plots.iter().map(|plot| &plot.plot))?;
    let entries: Vec<String> = base.crops.iter().map(|crop| format!("{} on {}", crop.crop, crop.system.trim())).collect();
    only_once("crop", entries.iter())?;
    for plot in &base.plots {
        at_least_zero(|| format!("the area of plot `{}`", plot.plot), plot.area.0)?;
    }
    for crop in &base.crops {
        let name = &crop.crop;
        at_least_zero(|| format!("the yield of `{name}` in kg per mu"), crop.yield_kg_per_mu)?;
        at_least_zero(|| format!("the cost of `{name}` in CNY per mu"), crop.cost_cny_per_mu)?;
        at_least_zero(|| format!("the picking cost of `{name}` in CNY per kg"), crop.picking_cost_cny_per_kg)?;
        let (min, max) = (crop.days_to_harvest_min, crop.days_to_harvest_max);
        range(&format!("days to harvest of `{name}`, at the earliest,"), min.into(), min <= max, "at most the days at the latest")?;
    }
    for standing in &base.standing {
        let unknown = |what, name: &str, known: Vec<&str>| PlanError::Unknown {
            base: base.name.clone(),
            plot: standing.plot.clone(),
            what,
            name: name.into(),
            hint: Hint::for_name(name, known),
        };
        if !base.plots.iter().any(|plot| plot.plot == standing.plot) {
            return Err(unknown("plot", &standing.plot, base.plots.iter().map(|plot| plot.plot.as_str()).collect()));
        }
        if !base.crops.iter().any(|crop| crop.crop == standing.crop) {
            return Err(unknown("crop", &standing.crop, base.crops.iter().map(|crop| crop.crop.as_str()).collect()));
        }
        at_least_zero(|| format!("the area of `{}` standing on plot `{}`", standing.crop, standing.plot), standing.area.0)?;
    }
    Ok(())
}

fn refuse_settings(settings: &PlanSettings) -> Result<(), PlanError> {
    let (aversion, tail, area) = (settings.risk_aversion, settings.tail, settings.min_area.0);
    range("`risk_aversion`", aversion, (0.0..=1.0).contains(&aversion), "between 0 and 1")?;
    range("`tail`", tail, tail > 0.0 && tail <= 1.0, "above 0 and at most 1")?;
    range("`min_area`", area, area.is_finite() && area >= 0.0, "0 or more")?;
    let crops = settings.max_crops_per_plot;
    range("`max_crops_per_plot`", crops as f64, crops > 0, "1 or more")
}

fn refuse_scenario(base: &Base, outlook: &Outlook, scenario: &Scenario) -> Result<(), PlanError> {
    let name = &scenario.name;
    range(&format!("the weight of scenario `{name}`"), scenario.weight, scenario.weight > 0.0 && scenario.weight.is_finite(), "above 0")?;
    let shape = |what: String, found: usize, expected: usize| {
        if found == expected {
            return Ok(());
        }
        Err(PlanError::Shape { what: format!("scenario `{name}`, {what}"), found: found.to_string(), expected: expected.to_string() })
    };
    shape("crops with a yield factor".into(), scenario.yield_factor.len(), base.crops.len())?;
    shape("crops with outlets".into(), scenario.outlets.len(), base.crops.len())?;
    for (place, crop) in base.crops.iter().enumerate() {
        let crop = &crop.crop;
        at_least_zero(|| format!("scenario `{name}`, the yield factor of `{crop}`"), scenario.yield_factor[place])?;
        let names = |scenario: &Scenario| -> Vec<String> { scenario.outlets[place].iter().map(|outlet| outlet.name.clone()).collect() };
        let (found, expected) = (names(scenario), names(&outlook.scenarios[0]));
        if found != expected {
            let what = format!("scenario `{name}`, outlets of `{crop}`");
            return Err(PlanError::Shape { what, found: found.join(", "), expected: expected.join(", ") });
        }
        only_once("outlet", found.iter())?;
        for outlet in &scenario.outlets[place] {
            let place = format!("`{crop}` at outlet `{}`", outlet.name);
            shape(format!("weeks with a price of {place}"), outlet.price.len(), outlook.weeks)?;
            shape(format!("weeks with a limit of {place}"), outlet.limit_kg.len(), outlook.weeks)?;
            for (&price, &limit) in outlet.price.iter().zip(&outlet.limit_kg) {
                range(&format!("scenario `{name}`, a price of {place}"), price, price.is_finite(), "a finite number")?;
                range(&format!("scenario `{name}`, a limit of {place}"), limit, limit >= 0.0, "0 or more")?;
            }
        }
    }
    Ok(())
}

fn range(what: &str, value: f64, holds: bool, range: &'static str) -> Result<(), PlanError> {
    if holds { Ok(()) } else { Err(PlanError::Number { what: what.into(), value, range }) }
}

fn at_least_zero(what: impl Fn() -> String, value: f64) -> Result<(), PlanError> {
    if value.is_finite() && value >= 0.0 { Ok(()) } else { range(&what(), value, false, "0 or more") }
}

fn only_once<'a>(what: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(PlanError::Twice { what, name: name.clone() });
        }
    }
    Ok(())
}
