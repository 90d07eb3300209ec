//! The checker's own calendar of a base. In: base, outlook. Out: how long a sowing stays on the land.
//! Never: the planner's arithmetic.

use super::super::words::{Base, Outlook, Standing};
use chrono::{Datelike, Duration, NaiveDate};
use std::ops::Range;

const DAYS_PER_WEEK: i64 = 7;
/// The week after the last picking, in which the plot is cleared.
const CLEARING: i64 = 1;

/// What the checker stands on.
pub(super) struct Ground<'a> {
    pub base: &'a Base,
    pub outlook: &'a Outlook,
    pub cost_in_sight_only: bool,
}

/// Weeks of one sowing, counted from week 0, half-open; negative before the outlook.
#[derive(Clone)]
pub(super) struct Stay {
    /// Weeks of harvest.
    pub harvest: Range<i64>,
    /// Weeks in which the land is held.
    pub land: Range<i64>,
    /// Weeks in which the land is closed to the family.
    pub kin: Range<i64>,
}

/// Something standing, with its stay.
pub(super) struct Stood {
    pub plot: usize,
    pub crop: usize,
    pub area: f64,
    pub stay: Stay,
}

impl Ground<'_> {
    /// The week that holds the day.
    pub fn week_of(&self, day: NaiveDate) -> i64 {
        (day - self.outlook.first_week).num_days().div_euclid(DAYS_PER_WEEK)
    }

    /// The first day of the week.
    pub fn monday(&self, week: i64) -> NaiveDate {
        self.outlook.first_week + Duration::days(DAYS_PER_WEEK * week)
    }

    /// The base's crop of that name as it grows on the plot; where none does, the first of the name.
    pub fn crop_on(&self, name: &str, plot: usize) -> Option<usize> {
        let of_name = || self.base.crops.iter().enumerate().filter(|(_, crop)| crop.crop == name).map(|(place, _)| place);
        of_name().find(|crop| self.grows(*crop, plot)).or_else(|| of_name().next())
    }

    /// Whether one of the crop's systems is one of the plot's.
    pub fn grows(&self, crop: usize, plot: usize) -> bool {
        let land: Vec<&str> = self.base.plots[plot].system.split(';').map(str::trim).collect();
        self.base.crops[crop].system.split(';').any(|system| land.contains(&system.trim()))
    }

    /// The first crop of the same name: what is ripe of all of them is sold as that.
    pub fn sold_as(&self, crop: usize) -> usize {
        let name = &self.base.crops[crop].crop;
        self.base.crops.iter().position(|other| other.crop == *name).unwrap_or(crop)
    }

    pub fn family(&self, crop: usize) -> &str {
        &self.base.crops[crop].family
    }

    pub fn stay(&self, crop: usize, sown_in: i64) -> Stay {
        let facts = &self.base.crops[crop];
        let weeks = |days: f64| ((days / DAYS_PER_WEEK as f64).ceil() as i64).max(1);
        // half a day counts as a whole one: the mean of 28 and 41 days is 35
        let mean_days = (f64::from(facts.days_to_harvest_min) + f64::from(facts.days_to_harvest_max)) / 2.0;
        let first = sown_in + weeks(mean_days.ceil());
        let end = first + weeks(f64::from(facts.harvest_window_days));
        let cleared = end + CLEARING;
        let closed = cleared + i64::from(facts.min_gap_same_family_weeks);
        let land = if housed(&facts.system) { closed } else { cleared };
        Stay { harvest: first..end, land: sown_in..land, kin: sown_in..closed }
    }

    pub fn standing(&self, standing: &Standing) -> Option<Stood> {
        let plot = self.base.plots.iter().position(|plot| plot.plot == standing.plot)?;
        let crop = self.crop_on(&standing.crop, plot)?;
        let day = standing.sown_on;
        let monday = day - Duration::days(i64::from(day.weekday().num_days_from_monday()));
        Some(Stood { plot, crop, area: standing.area.0, stay: self.stay(crop, self.week_of(monday)) })
    }

    /// CNY per mu of which the outlook sees the harvest, or all.
    pub fn cost_cny_per_mu(&self, crop: usize, stay: &Stay) -> f64 {
        if !self.cost_in_sight_only {
            return self.base.crops[crop].cost_cny_per_mu;
        }
        let seen = stay.harvest.end.min(self.outlook.weeks as i64) - stay.harvest.start;
        self.base.crops[crop].cost_cny_per_mu * seen.max(0) as f64 / (stay.harvest.end - stay.harvest.start) as f64
    }

    /// Whether the plot is a house, where a batch is alone.
    pub fn is_house(&self, plot: usize) -> bool {
        housed(&self.base.plots[plot].system)
    }

    pub fn kg_per_mu_week(&self, crop: usize, stay: &Stay) -> f64 {
        self.base.crops[crop].yield_kg_per_mu / (stay.harvest.end - stay.harvest.start) as f64
    }
}

/// Whether one of the systems is that of houses, for any animal or for one.
fn housed(systems: &str) -> bool {
    systems.split(';').map(str::trim).any(|system| system == "livestock" || system.starts_with("livestock "))
}
