//! The base on a calendar of weeks, as the planner sees it. In: base, first week, weeks. Out: how long each crop
//! takes, which plot suits it, how much land is free. Never: money.

use super::words::{Base, Crop, Outlook, PlanSettings};
use chrono::{Datelike, Days};
use nongshi_domain::{Cadence, week_start};

/// Weeks a plot needs to be cleared after the last picking.
const CLEARING_WEEKS: usize = 1;
const DAYS_PER_WEEK: u32 = 7;
/// The system of houses for livestock.
const HOUSE: &str = "livestock";

/// How long a crop takes, in whole weeks.
#[derive(Debug, Clone)]
pub(super) struct CropWeeks {
    /// Place of the first crop of its name: all of them ripen into one heap.
    pub sells_as: usize,
    /// From sowing to the first week of harvest.
    pub lead: usize,
    /// Weeks of harvest.
    pub window: usize,
    /// Weeks until the land is cleared, or the house has stood empty long enough.
    clearing: usize,
    /// Weeks after the clearing in which the family stays off.
    pub gap: usize,
    /// Its place among `Field::families`; none where the family has no gap at all.
    pub family: Option<usize>,
    /// kg per mu and week of harvest at a yield factor of 1.
    pub kg_per_mu_week: f64,
    /// CNY per mu from sowing to the last picking.
    whole_cost_cny_per_mu: f64,
    /// Per sowing week: whether its days lie in the crop's months, and some of it ripens inside the outlook.
    pub sowable: Vec<bool>,
}

impl CropWeeks {
    /// Weeks from sowing until the land is free again.
    pub fn busy(&self) -> usize {
        self.lead + self.window + self.clearing
    }
}

/// A plot with what stands on it already taken off.
#[derive(Debug, Clone)]
pub(super) struct PlotWeeks {
    pub area: f64,
    /// Whether it is a house for livestock: one batch at a time.
    pub is_house: bool,
    /// Places of the crops whose system it serves.
    pub suits: Vec<usize>,
    /// Mu free by week.
    pub free: Vec<f64>,
    /// Mu free of each family by week.
    pub kin_free: Vec<Vec<f64>>,
    /// Places of the crops that stand on it, by week.
    pub standing: Vec<Vec<usize>>,
    /// Weeks after week 0 in which something committed begins: land is counted there too.
    pub committed: Vec<usize>,
}

/// The base on weeks.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Weeks in which is sold.
    pub weeks: usize,
    /// Weeks in which is sown.
    pub sow_weeks: usize,
    /// Weeks in which land is counted: all in which anything begins.
    pub land_weeks: usize,
    pub crops: Vec<CropWeeks>,
    /// How many families have a gap.
    pub families: usize,
    pub plots: Vec<PlotWeeks>,
    /// kg ripe of what stands, by crop and week, at a yield factor of 1.
    pub standing_kg: Vec<Vec<f64>>,
    /// As in the settings.
    cost_in_sight_only: bool,
}

impl Field {
    pub fn of(base: &Base, outlook: &Outlook, settings: &PlanSettings) -> Field {
        let sow_weeks = settings.sow_weeks.min(outlook.weeks);
        let families = families_with_a_gap(&base.crops);
        let crops: Vec<CropWeeks> =
            base.crops.iter().map(|crop| crop_weeks(crop, first_of_name(&base.crops, &crop.crop), &families, outlook, sow_weeks)).collect();
        let starts: Vec<i64> =
            base.standing.iter().map(|standing| Cadence::Week.steps_between(outlook.first_week, week_start(standing.sown_on))).collect();
        let last_start = starts.iter().copied().max().unwrap_or(0).max(0) as usize;
        let land_weeks = outlook.weeks.max(last_start + 1);
        let mut field = Field {
            weeks: outlook.weeks,
            sow_weeks,
            land_weeks,
            families: families.len(),
            plots: base.plots.iter().map(|plot| bare_plot(&plot.system, plot.area.0, &base.crops, families.len(), land_weeks)).collect(),
            standing_kg: vec![vec![0.0; outlook.weeks]; crops.len()],
            crops,
            cost_in_sight_only: settings.cost_in_sight_only,
        };
        for (standing, start) in base.standing.iter().zip(starts) {
            let plot = base.plots.iter().position(|plot| plot.plot == standing.plot);
            let of_name = |crop: &usize| base.crops[*crop].crop == standing.crop;
            let here = plot.and_then(|plot| field.plots[plot].suits.iter().copied().find(of_name));
            let crop = here.or_else(|| (0..base.crops.len()).find(of_name));
            if let (Some(plot), Some(crop)) = (plot, crop) {
                field.stand(plot, crop, start, standing.area.0);
            }
        }
        for plot in &mut field.plots {
            let rows = plot.kin_free.iter_mut().chain([&mut plot.free]);
            rows.flatten().for_each(|mu| *mu = mu.max(0.0));
        }
        field
    }

    /// Weeks in which land sown in `start` with `crop` is not free, within the counted ones.
    pub fn busy(&self, crop: usize, start: usize) -> std::ops::Range<usize> {
        start..(start + self.crops[crop].busy()).min(self.land_weeks)
    }

    /// The same for its family.
    pub fn kin(&self, crop: usize, start: usize) -> std::ops::Range<usize> {
        start..(start + self.crops[crop].busy() + self.crops[crop].gap).min(self.land_weeks)
    }

    /// Weeks of harvest within those in which is sold.
    pub fn harvest(&self, crop: usize, start: usize) -> std::ops::Range<usize> {
        let first = (start + self.crops[crop].lead).min(self.weeks);
        first..(first + self.crops[crop].window).min(self.weeks)
    }

    /// CNY per mu that are counted: the share of the cost whose harvest lies inside the outlook, or all of it.
    pub fn cost_cny_per_mu(&self, crop: usize, start: usize) -> f64 {
        let weeks = &self.crops[crop];
        if !self.cost_in_sight_only {
            return weeks.whole_cost_cny_per_mu;
        }
        weeks.whole_cost_cny_per_mu * self.harvest(crop, start).len() as f64 / weeks.window as f64
    }

    fn stand(&mut self, plot: usize, crop: usize, start: i64, area: f64) {
        let weeks = self.crops[crop].clone();
        let within = |from: i64, length: usize, limit: usize| {
            let clamp = |week: i64| week.clamp(0, limit as i64) as usize;
            clamp(from)..clamp(from + length as i64)
        };
        for week in within(start + weeks.lead as i64, weeks.window, self.weeks) {
            self.standing_kg[weeks.sells_as][week] += area * weeks.kg_per_mu_week;
        }
        let plot = &mut self.plots[plot];
        // the places beside a batch stay empty until it has left
        let taken = if plot.is_house && area > 0.0 { plot.area } else { area };
        for week in within(start, weeks.busy(), self.land_weeks) {
            plot.free[week] -= taken;
            plot.standing[week].push(crop);
        }
        if let Some(family) = weeks.family {
            for week in within(start, weeks.busy() + weeks.gap, self.land_weeks) {
                plot.kin_free[family][week] -= area;
            }
        }
        if start > 0 {
            plot.committed.push(start as usize);
        }
    }
}

/// `livestock`, or `livestock` and an animal: what is kept there is kept in a house.
fn is_house(system: &str) -> bool {
    system.split(';').any(|system| system.split_whitespace().next() == Some(HOUSE))
}

/// Families of which at least one crop asks for a gap: for the others the land itself is rule enough.
fn families_with_a_gap(crops: &[Crop]) -> Vec<&str> {
    let rests = |crop: &&Crop| crop.min_gap_same_family_weeks > 0 && !is_house(&crop.system);
    let mut families: Vec<&str> = crops.iter().filter(rests).map(|crop| crop.family.as_str()).collect();
    families.sort_unstable();
    families.dedup();
    families
}

fn first_of_name(crops: &[Crop], name: &str) -> usize {
    crops.iter().position(|crop| crop.crop == name).unwrap_or_default()
}

fn crop_weeks(crop: &Crop, sells_as: usize, families: &[&str], outlook: &Outlook, sow_weeks: usize) -> CropWeeks {
    let weeks = |days: u32| days.div_ceil(DAYS_PER_WEEK).max(1) as usize;
    let window = weeks(crop.harvest_window_days);
    // a house rests from every family
    let (in_house, gap) = (is_house(&crop.system), crop.min_gap_same_family_weeks as usize);
    let lead = weeks((crop.days_to_harvest_min + crop.days_to_harvest_max).div_ceil(2));
    let sowable = |week: usize| {
        let monday = outlook.first_week + Days::new(u64::from(DAYS_PER_WEEK) * week as u64);
        let sunday = monday + Days::new(u64::from(DAYS_PER_WEEK) - 1);
        week + lead < outlook.weeks && crop.sow_months.holds(monday.month()) && crop.sow_months.holds(sunday.month())
    };
    CropWeeks {
        sells_as,
        lead,
        window,
        clearing: CLEARING_WEEKS + if in_house { gap } else { 0 },
        gap: if in_house { 0 } else { gap },
        family: families.iter().position(|family| *family == crop.family),
        kg_per_mu_week: crop.yield_kg_per_mu / window as f64,
        whole_cost_cny_per_mu: crop.cost_cny_per_mu,
        sowable: (0..sow_weeks).map(sowable).collect(),
    }
}

fn bare_plot(system: &str, area: f64, crops: &[Crop], families: usize, weeks: usize) -> PlotWeeks {
    let systems: Vec<&str> = system.split(';').map(str::trim).collect();
    let grows = |crop: &Crop| crop.system.split(';').any(|system| systems.contains(&system.trim()));
    let mut suits: Vec<usize> = Vec::new();
    for crop in (0..crops.len()).filter(|&crop| grows(&crops[crop])) {
        // a plot of two systems grows the crop as its first entry says
        if suits.iter().all(|&other| crops[other].crop != crops[crop].crop) {
            suits.push(crop);
        }
    }
    PlotWeeks {
        area,
        is_house: is_house(system),
        suits,
        free: vec![area; weeks],
        kin_free: vec![vec![area; weeks]; families],
        standing: vec![Vec::new(); weeks],
        committed: Vec::new(),
    }
}
