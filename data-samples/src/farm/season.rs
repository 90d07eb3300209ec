//! What follows what on one plot. In: the plot, its skies, the days. Out: its plantings, in order of sowing.
//! Never: a crop outside its months or on other land, a family within its gap, more land than there is.

use super::exposure::Skies;
use super::growth::{Growth, Planting, Taken};
use super::land::{CropRow, PlotRow, land};
use chrono::{Datelike, Days, NaiveDate};
use nongshi_domain::Seed;

/// Days between the last picking and land that can be sown: on paddies two rices must fit a summer.
const CLEARING_DAYS: u64 = 10;
const CLEARING_PADDY_DAYS: u64 = 4;
/// Land lies bare after a crop for up to this part of the time the crop stood.
const IDLE: f64 = 0.2;
/// Chance that something is thought of for bare land today; whether it fits the day is another matter.
const SOWN: f64 = 0.8;
/// Days over which the plots are taken into use, at the very beginning.
const BEGINNING_DAYS: f64 = 60.0;
/// Most that is sown as one on dry land, mu.
const PART_MU: f64 = 6.0;
/// How much better or worse one plot is than another.
const QUALITY: f64 = 0.08;

/// A part of a plot that is sown as one.
struct Part {
    area_mu: f64,
    ready_on: NaiveDate,
    growth: Option<Growth>,
    /// What stood here, and when the land was bare again.
    cleared: Vec<(&'static CropRow, NaiveDate)>,
}

/// The plantings of a plot from the first to the last day, both within.
pub(crate) fn on_plot(seed: Seed, plot: &'static PlotRow, skies: Skies<'_>, (first, last): (NaiveDate, NaiveDate)) -> Vec<Planting> {
    let mut seed = seed.derive(&plot.base).derive(&plot.plot);
    let habit = land().habit(plot);
    let quality = 1.0 + QUALITY * (2.0 * seed.uniform() - 1.0);
    let areas_mu = areas_mu(plot);
    let mut parts: Vec<Part> = areas_mu.into_iter().map(|area_mu| Part::taken_over(&mut seed, area_mu, &habit, first)).collect();
    let (mut taken, mut done) = (Taken::new(), Vec::new());
    for date in first.iter_days().take_while(|date| *date <= last) {
        for place in 0..parts.len() {
            let beside = parts.iter().filter_map(|part| part.growth.as_ref()).map(|growth| growth.planting.crop.crop.as_str());
            let beside: Vec<&str> = beside.collect();
            let part = &mut parts[place];
            match &mut part.growth {
                Some(growth) => growth.day(date, skies.on(date), &mut taken),
                None if date >= part.ready_on && seed.uniform() < SOWN => {
                    if let Some(crop) = part.next(&mut seed, &habit, &beside, date) {
                        let own = seed.derive(&format!("{place} {date}"));
                        part.growth = Some(Growth::sow(plot, crop, date, part.area_mu, quality, own));
                    }
                }
                None => {}
            }
            if part.growth.as_ref().is_some_and(|growth| growth.planting.is_cleared) {
                let idle = IDLE * seed.uniform();
                done.extend(part.growth.take().map(|growth| part.clear(growth.planting, date, idle)));
            }
        }
    }
    done.extend(parts.into_iter().filter_map(|part| part.growth).map(|growth| growth.planting));
    done.sort_by_key(|planting| planting.sown_on);
    done
}

/// Dry land is sown in parts, at least in halves, to a tenth of a mu; other land as a whole.
fn areas_mu(plot: &PlotRow) -> Vec<f64> {
    let count = if plot.system == "upland" { (plot.area_mu / PART_MU).ceil().max(2.0) } else { 1.0 };
    let tenths = (plot.area_mu * 10.0).round();
    let part = (tenths / count).floor();
    let rest = tenths - part * (count - 1.0);
    (1..count as usize).map(|_| part / 10.0).chain([rest / 10.0]).collect()
}

impl Part {
    /// A bare part as it was taken over: of each family with a gap of years the last crop is gone for some time.
    fn taken_over(seed: &mut Seed, area_mu: f64, habit: &[&'static CropRow], first: NaiveDate) -> Part {
        let ready_on = first + Days::new((BEGINNING_DAYS * seed.uniform()) as u64);
        let mut cleared: Vec<(&CropRow, NaiveDate)> = Vec::new();
        for crop in habit.iter().copied().filter(|crop| crop.gap_years >= 1.0) {
            if cleared.iter().all(|(known, _)| known.family != crop.family) {
                cleared.push((crop, first - Days::new((crop.gap_days() as f64 * seed.uniform()) as u64)));
            }
        }
        Part { area_mu, ready_on, growth: None, cleared }
    }

    /// What is sown today, if anything may be. What stands beside it is not sown again: a paper tells plantings of one
    /// plot apart by crop and day.
    fn next<'a>(&self, seed: &mut Seed, habit: &[&'a CropRow], beside: &[&str], date: NaiveDate) -> Option<&'a CropRow> {
        let is_free = |crop: &CropRow| {
            let kin = self.cleared.iter().filter(|(earlier, _)| earlier.family == crop.family);
            kin.into_iter().all(|(earlier, bare_on)| date >= *bare_on + Days::new(earlier.gap_days()))
        };
        let fits = |crop: &&CropRow| crop.sow_months.holds(date.month()) && !beside.contains(&crop.crop.as_str()) && is_free(crop);
        let wanted = habit.get((seed.uniform() * habit.len() as f64) as usize).copied();
        wanted.filter(fits)
    }

    fn clear(&mut self, planting: Planting, date: NaiveDate, idle: f64) -> Planting {
        let stood_days = (date - planting.sown_on).num_days() as f64;
        let idle_days = (stood_days * idle) as u64;
        let bare_days = match planting.plot.system.as_str() {
            // the next season's shoot stands already
            "perennial" => 1,
            "paddy" => CLEARING_PADDY_DAYS,
            _ => CLEARING_DAYS + idle_days,
        };
        self.ready_on = date + Days::new(bare_days);
        self.cleared.push((planting.crop, date));
        planting
    }
}
