//! The bases: what is sown, worked, tested and picked, plot by plot and day by day. In: days, weather, the reference
//! files. Out: `inbox/farm` (plantings, harvests, field log, inspections), the true yields, what the granaries and the
//! lorries go on with. Never: a harvest after the last day.

mod exposure;
mod fieldwork;
mod growth;
pub(crate) mod land;
pub(crate) mod papers;
mod season;
#[cfg(test)]
mod tests;

use crate::days::Calendar;
use crate::dirt::Spoil;
use crate::files::{self, Out};
use crate::weather::Weather;
use crate::{SampleSettings, livestock};
use chrono::{Days, NaiveDate};
use exposure::Skies;
use growth::Planting;
use land::land;
pub(crate) use land::{CROPS, PLOTS};
use papers::{Paper, Script, kg};
use std::io;

/// Days before the first paper from which the plots are grown: something stands when the papers begin.
const EARLIER_DAYS: u64 = 400;
/// Share of the harvest rows that are weighed in 斤.
const IN_JIN: f64 = 0.08;

const PLANTINGS: Paper = Paper {
    feed: "plantings",
    path: "inbox/farm/plantings",
    header: &["基地", "地块", "作物", "播种日期", "面积(亩)"],
    script: Script::Utf8,
    spoils: &[
        Spoil { column: 4, into: |_| "0".into(), rule: "range", what: "an area of nothing" },
        Spoil { column: 3, into: |_| String::new(), rule: "required", what: "a sowing without its day" },
        Spoil { column: 4, into: |_| "约半亩".into(), rule: "number", what: "a word instead of an area" },
    ],
    weight: None,
};
const HARVESTS: Paper = Paper {
    feed: "harvests",
    path: "inbox/farm/harvests",
    header: &["基地", "地块", "作物", "播种日期", "采收日期", "重量", "单位", "一级品率(%)"],
    script: Script::Marked,
    spoils: &[
        Spoil { column: 5, into: |_| "未过秤".into(), rule: "number", what: "a word instead of a weight" },
        Spoil { column: 5, into: |cell| format!("-{cell}"), rule: "range", what: "a weight below nothing" },
        Spoil { column: 6, into: |_| "筐".into(), rule: "unit", what: "baskets instead of a weight" },
        Spoil { column: 4, into: |_| String::new(), rule: "required", what: "a harvest without its day" },
    ],
    weight: Some((5, 6)),
};

/// What the bases did.
#[derive(Debug)]
pub(crate) struct Farm {
    /// By base and plot as the reference lists them, then by day of sowing; with some from before the first paper.
    plantings: Vec<Planting>,
}

/// What was brought in from one planting on one day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Harvest {
    pub base: &'static str,
    pub crop: &'static str,
    pub day: NaiveDate,
    pub grams: i64,
}

impl Farm {
    /// Grows everything.
    pub fn of(settings: &SampleSettings, calendar: &Calendar, weather: &Weather) -> Farm {
        let days = (settings.first_sale() - Days::new(EARLIER_DAYS), settings.last_day);
        let fields = land().plots.iter().filter(|plot| plot.system != "livestock");
        let plantings = fields.flat_map(|plot| {
            let skies = Skies::of(calendar, weather, land().station(&plot.base));
            season::on_plot(settings.seed.derive("farm"), plot, skies, days)
        });
        Farm { plantings: plantings.collect() }
    }

    /// All pickings, also those before the first paper.
    pub fn harvests(&self) -> impl Iterator<Item = Harvest> {
        self.plantings.iter().flat_map(|planting| {
            let (base, crop) = (planting.plot.base.as_str(), planting.crop.crop.as_str());
            planting.pickings.iter().map(move |picking| Harvest { base, crop, day: picking.on, grams: picking.grams })
        })
    }
}

/// The papers of the fields.
pub(crate) fn write(settings: &SampleSettings, calendar: &Calendar, weather: &Weather, out: &mut Out<'_>) -> io::Result<Farm> {
    let farm = Farm::of(settings, calendar, weather);
    let first_paper = settings.first_sale();
    write_plantings(settings, &farm, out)?;
    write_harvests(settings, &farm, out)?;
    fieldwork::write(settings, &farm, out)?;
    if out.wants_truth() {
        let done = farm.plantings.iter().filter(|planting| planting.is_cleared && planting.stands_after(first_paper));
        let rows: Vec<Vec<String>> = done.map(true_yield).collect();
        let header = ["base", "plot", "crop", "sown_on", "yield_kg_per_mu", "weather_factor"];
        out.truth("truth/yields.csv", &files::utf8(&header, &rows))?;
    }
    Ok(farm)
}

impl Planting {
    /// Whether anything of it stood on the day or later.
    fn stands_after(&self, day: NaiveDate) -> bool {
        !self.is_cleared || self.pickings.last().is_some_and(|picking| picking.on >= day)
    }
}

/// Sowings and placements in one file.
fn write_plantings(settings: &SampleSettings, farm: &Farm, out: &mut Out<'_>) -> io::Result<()> {
    let row = |planting: &Planting| {
        let area_mu = format!("{:.1}", planting.area_mu);
        let words = [&planting.plot.base, &planting.plot.plot, &planting.crop.crop, &planting.sown_on.to_string(), &area_mu];
        (planting.sown_on, words.map(String::from).to_vec())
    };
    let told = farm.plantings.iter().filter(|planting| planting.stands_after(settings.first_sale()));
    let mut rows: Vec<(NaiveDate, Vec<String>)> = told.map(row).collect();
    rows.extend(livestock::cohorts(settings).iter().map(|cohort| {
        let places = format!("{:.2}", f64::from(cohort.placed_heads) / 1000.0);
        let words = [&cohort.house.base, &cohort.house.plot, &cohort.kind.crop, &cohort.placed_on.to_string(), &places];
        (cohort.placed_on, words.map(String::from).to_vec())
    }));
    PLANTINGS.whole(settings.seed, rows, out)
}

fn write_harvests(settings: &SampleSettings, farm: &Farm, out: &mut Out<'_>) -> io::Result<()> {
    let mut scales = settings.seed.derive("farm").derive("scales");
    let mut rows = Vec::new();
    for planting in &farm.plantings {
        for picking in planting.pickings.iter().filter(|picking| picking.on >= settings.first_sale()) {
            let is_in_jin = scales.uniform() < IN_JIN;
            let (weight, unit) =
                if is_in_jin { ((picking.grams / growth::STEP_GRAMS).to_string(), "斤") } else { (kg(picking.grams), "公斤") };
            let grade = format!("{:.1}", 100.0 * picking.first_grade_share);
            let days = [planting.sown_on.to_string(), picking.on.to_string()];
            let cells = [&planting.plot.base, &planting.plot.plot, &planting.crop.crop, &days[0], &days[1], &weight, unit, &grade];
            rows.push((picking.on, cells.map(String::from).to_vec()));
        }
    }
    HARVESTS.by_year(settings.seed, rows, out)
}

/// What a whole planting gave.
fn true_yield(planting: &Planting) -> Vec<String> {
    let grams: i64 = planting.pickings.iter().map(|picking| picking.grams).sum();
    let kg_per_mu = format!("{:.1}", grams as f64 / 1000.0 / planting.area_mu);
    let factor = format!("{:.4}", planting.weather_factor);
    let day = planting.sown_on.to_string();
    [&planting.plot.base, &planting.plot.plot, &planting.crop.crop, &day, &kg_per_mu, &factor].map(String::from).to_vec()
}
