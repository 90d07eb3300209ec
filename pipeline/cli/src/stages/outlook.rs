//! What a base can sow, where it could sell, and what that may bring: the planner's input, from tables.
//!
//! In: plots, crops, plantings, lanes, forecasts as of the day. Out: a base and joint scenarios at net-back prices.
//! Never: a price that no forecast gives.

use super::forecast::{SPOKEN, quoted};
use crate::exit::Failure;
use crate::rows::Rows;
use crate::settings::Settings;
use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use nongshi_domain::{AsOf, Category, MonthSet, Mu, week_start};
use nongshi_models::planning::{Base, Crop, Outlet, Outlook, Plot, Scenario, Standing};
use std::collections::{BTreeMap, BTreeSet};

/// Weights of the 10 %, 50 % and 90 % quantiles that keep the mean of most distributions.
/// Source: Swanson's rule, Hurst, Brown and Swanson, AAPG Bulletin 84 (2000), p. 1883.
const WEIGHTS: [f64; 3] = [0.3, 0.4, 0.3];
/// Names of the three, low to high.
const LEVEL_NAMES: [&str; 3] = ["low", "middle", "high"];
/// The system of houses for livestock.
pub const HOUSES: &str = "livestock";
/// Why a crop with a price is not sown.
const NO_COST: &str = "the crop calendar lacks its cost";
/// Days in a year, for rotation gaps that the crop calendar tells in years.
const WEEKS_PER_YEAR: f64 = 52.0;

/// One way to sell a crop, week by week, at the three levels.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The crop.
    pub crop: String,
    /// Market or shops.
    pub outlet: String,
    /// The market whose price is meant.
    pub market: String,
    /// Whether these are the chain's own shops.
    pub own: bool,
    /// CNY/kg.
    pub freight: f64,
    /// Share lost on the way.
    pub loss: f64,
    /// Share the outlet keeps.
    pub fee: f64,
    /// Market price by week at 10 %, 50 %, 90 %.
    pub price: Vec<[f64; 3]>,
    /// The part of the own shops' demand that is this base's; 1 for a market.
    pub share: f64,
    /// What it takes by week at 10 %, 50 %, 90 %, kg.
    pub limit: Vec<[f64; 3]>,
}

impl Lane {
    /// What the base gets of a market price, CNY/kg.
    pub fn net_back(&self, price: f64) -> f64 {
        price * (1.0 - self.fee) * (1.0 - self.loss) - self.freight
    }
}

/// Everything a plan of one base starts from.
pub struct Prospect {
    /// The base.
    pub base: Base,
    /// The scenarios.
    pub outlook: Outlook,
    /// The lanes behind them, in the order of the outlets.
    pub lanes: Vec<Lane>,
    /// Crops of the calendar that cannot be planned, and why.
    pub unplanned: Vec<(String, String)>,
}

/// The bases that have plots.
pub async fn bases(ctx: &SessionContext) -> Result<Vec<String>, Failure> {
    let rows = Rows::of(ctx, "select distinct base from plots order by base").await?;
    Ok((0..rows.len()).filter_map(|row| rows.text(row, "base")).collect())
}

/// Puts together what is known of a base.
pub async fn prospect(ctx: &SessionContext, settings: &Settings, base: &str, as_of: AsOf) -> Result<Prospect, Failure> {
    let first_week = week_start(as_of.0) + Days::new(7);
    let mut unplanned = Vec::new();
    let mut calendar = crops(ctx, settings, &mut unplanned).await?;
    let mut plots = plots(ctx, base).await?;
    settle_in(&mut plots, &mut calendar, &housed(ctx, base).await?);
    let standing = standing(ctx, base, &calendar, &mut unplanned).await?;
    let mut lanes = lanes(ctx, settings, base, as_of, first_week).await?;
    let priced: BTreeSet<String> = lanes.iter().map(|lane| lane.crop.clone()).collect();
    let stands: BTreeSet<&String> = standing.iter().map(|standing| &standing.crop).collect();
    let mut crops = Vec::new();
    for crop in calendar {
        let sown = crop.sow_months != MonthSet::default();
        if priced.contains(&crop.crop) && sown || stands.contains(&crop.crop) {
            crops.push(crop);
        } else if sown {
            unplanned.push((crop.crop, "no living price on any of its lanes".to_string()));
        }
    }
    lanes.retain(|lane| crops.iter().any(|crop| crop.crop == lane.crop));
    unplanned.sort();
    unplanned.dedup();
    let scenarios = scenarios(&crops, &lanes, settings.plan_weeks);
    let outlook = Outlook { first_week, weeks: settings.plan_weeks, scenarios };
    Ok(Prospect { base: Base { name: base.into(), plots, crops, standing }, outlook, lanes, unplanned })
}

async fn crops(ctx: &SessionContext, settings: &Settings, unplanned: &mut Vec<(String, String)>) -> Result<Vec<Crop>, Failure> {
    let rows = Rows::of(ctx, "select * from crops order by crop, system").await?;
    let mut found = Vec::new();
    for row in 0..rows.len() {
        let name = rows.text(row, "crop").unwrap_or_default();
        let count = |column: &str| rows.count(row, column).map(|days| days.max(0) as u32);
        let number = |column: &str| rows.number(row, column);
        let days = count("days_to_harvest_min").zip(count("days_to_harvest_max")).zip(count("harvest_window_days"));
        let (Some(((earliest, latest), window)), Some(yield_kg)) = (days, number("yield_kg_per_mu")) else {
            unplanned.push((name, "the crop calendar lacks its days or its yield".into()));
            continue;
        };
        let costs: Vec<f64> = ["cost_low_cny_per_mu", "cost_high_cny_per_mu"].iter().filter_map(|column| number(column)).collect();
        let mut sow_months = rows.text(row, "sow_months").and_then(|text| MonthSet::parse(&text)).unwrap_or_default();
        if costs.is_empty() {
            // what stands is harvested all the same; its cost is spent
            unplanned.push((name.clone(), NO_COST.into()));
            sow_months = MonthSet::default();
        }
        let system = rows.text(row, "system").unwrap_or_default();
        // the cost of a batch holds everything until it leaves the house
        let picking_cost_cny_per_kg = if system == HOUSES { 0.0 } else { settings.picking_cost_cny_per_kg };
        let crop = Crop {
            crop: name.clone(),
            category: Category(rows.text(row, "category").unwrap_or_default()),
            system,
            days_to_harvest_min: earliest,
            days_to_harvest_max: latest.max(earliest),
            harvest_window_days: window,
            sow_months,
            yield_low_kg_per_mu: number("yield_low_kg_per_mu").unwrap_or(yield_kg),
            yield_kg_per_mu: yield_kg,
            yield_high_kg_per_mu: number("yield_high_kg_per_mu").unwrap_or(yield_kg),
            family: rows.text(row, "family").unwrap_or_else(|| name.clone()),
            min_gap_same_family_weeks: (number("min_gap_same_family_years").unwrap_or(0.0) * WEEKS_PER_YEAR).round() as u32,
            cost_cny_per_mu: costs.iter().sum::<f64>() / costs.len().max(1) as f64,
            picking_cost_cny_per_kg,
        };
        // a crop of several systems is an entry for each
        found.push(crop);
    }
    Ok(found)
}

async fn plots(ctx: &SessionContext, base: &str) -> Result<Vec<Plot>, Failure> {
    let rows = Rows::of(ctx, &format!("select * from plots where base = '{}' order by plot", quoted(base))).await?;
    let plot = |row| Plot {
        plot: rows.text(row, "plot").unwrap_or_default(),
        system: rows.text(row, "system").unwrap_or_default(),
        area: Mu(rows.number(row, "area_mu").unwrap_or_default()),
    };
    Ok((0..rows.len()).map(plot).collect())
}

/// The animals each house has kept, by house.
async fn housed(ctx: &SessionContext, base: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let rows =
        Rows::of(ctx, &format!("select distinct plot, crop from plantings where base = '{}' order by plot, crop", quoted(base))).await?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in 0..rows.len() {
        if let (Some(plot), Some(crop)) = (rows.text(row, "plot"), rows.text(row, "crop")) {
            found.entry(plot).or_default().insert(crop);
        }
    }
    Ok(found)
}

/// A house is built for what it has kept: hens' cages take no pigs. One that has kept nothing yet takes any animal.
fn settle_in(plots: &mut [Plot], calendar: &mut [Crop], kept: &BTreeMap<String, BTreeSet<String>>) {
    let of_animal = |animal: &str| format!("{HOUSES} {animal}");
    let animals: Vec<String> = calendar.iter().filter(|crop| crop.system == HOUSES).map(|crop| crop.crop.clone()).collect();
    for plot in plots.iter_mut().filter(|plot| plot.system == HOUSES) {
        let of_plot = kept.get(&plot.plot);
        let fits = |animal: &&String| of_plot.is_none_or(|kept| kept.contains(*animal));
        let systems: Vec<String> = animals.iter().filter(fits).map(|animal| of_animal(animal)).collect();
        plot.system = if systems.is_empty() { HOUSES.into() } else { systems.join(";") };
    }
    for crop in calendar.iter_mut().filter(|crop| crop.system == HOUSES) {
        crop.system = of_animal(&crop.crop);
    }
}

async fn standing(
    ctx: &SessionContext,
    base: &str,
    calendar: &[Crop],
    unplanned: &mut Vec<(String, String)>,
) -> Result<Vec<Standing>, Failure> {
    let rows = Rows::of(ctx, &format!("select * from plantings where base = '{}' order by plot, crop, sown_on", quoted(base))).await?;
    let mut found = Vec::new();
    for row in 0..rows.len() {
        let crop = rows.text(row, "crop").unwrap_or_default();
        let Some(sown_on) = rows.day(row, "sown_on") else { continue };
        if !calendar.iter().any(|known| known.crop == crop) {
            unplanned.push((crop, "it stands, but the crop calendar lacks its days or its yield".into()));
            continue;
        }
        found.push(Standing {
            plot: rows.text(row, "plot").unwrap_or_default(),
            crop,
            sown_on,
            area: Mu(rows.number(row, "area_mu").unwrap_or_default()),
        });
    }
    Ok(found)
}

/// This base's part of the own shops' demand, by crop: the land that suits the crop here, over that of all bases with
/// a lane of their own for it. Land changes seldom, so the parts hold still from issue to issue and add up to one.
async fn shop_shares(ctx: &SessionContext, base: &str) -> Result<BTreeMap<String, f64>, Failure> {
    let query = "with own as (select distinct c.crop, l.base from crops c join lanes l on l.kind = 'own' and (l.commodity = c.crop or l.commodity = '*')), \
         grown as (select distinct crop, system from crops) \
         select o.crop, o.base, coalesce(sum(p.area_mu), 0) as area_mu from own o join grown g on g.crop = o.crop \
         left join plots p on p.base = o.base and concat(';', replace(p.system, ' ', ''), ';') like concat('%;', g.system, ';%') \
         group by o.crop, o.base order by o.crop, o.base";
    let rows = Rows::of(ctx, query).await?;
    let mut land: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    for row in 0..rows.len() {
        if let (Some(crop), Some(base), Some(area)) = (rows.text(row, "crop"), rows.text(row, "base"), rows.number(row, "area_mu")) {
            land.entry(crop).or_default().push((base, area));
        }
    }
    Ok(land.into_iter().filter_map(|(crop, land)| Some((crop, share_of(&land, base)?))).collect())
}

/// The base's part of the land; of none at all, an even part. None where the base is not among them.
fn share_of(land: &[(String, f64)], base: &str) -> Option<f64> {
    let (_, own) = land.iter().find(|(name, _)| name == base)?;
    let all: f64 = land.iter().map(|(_, area)| area).sum();
    Some(if all > 0.0 { own / all } else { 1.0 / land.len() as f64 })
}

/// Quantiles of a commodity by the first day of each step.
type Steps = BTreeMap<NaiveDate, [f64; 3]>;

async fn lanes(ctx: &SessionContext, settings: &Settings, base: &str, as_of: AsOf, first_week: NaiveDate) -> Result<Vec<Lane>, Failure> {
    let prices = steps(ctx, "price_forecast", as_of).await?;
    let demands = steps(ctx, "demand_forecast", as_of).await?;
    // a lane for one commodity goes before the lane for all of them
    let rows = Rows::of(ctx, &format!("select * from lanes where base = '{}' order by outlet, commodity desc", quoted(base))).await?;
    let shares = shop_shares(ctx, base).await?;
    let weeks: Vec<NaiveDate> = (0..settings.plan_weeks).map(|week| first_week + Days::new(7 * week as u64)).collect();
    let mut found: BTreeMap<(String, String), Lane> = BTreeMap::new();
    let mut named: BTreeSet<(String, String)> = BTreeSet::new();
    for row in 0..rows.len() {
        let text = |column: &str| rows.text(row, column).unwrap_or_default();
        let number = |column: &str| rows.number(row, column);
        let (outlet, commodity, own) = (text("outlet"), text("commodity"), text("kind") == "own");
        let market = if own { settings.own_price_market.clone() } else { outlet.clone() };
        for ((price_market, crop), steps) in &prices {
            let key = (crop.clone(), outlet.clone());
            let meant = *price_market == market && (commodity == *crop || commodity == "*" && !named.contains(&key));
            let limit = if own { demands.get(&(String::new(), crop.clone())) } else { None };
            if !meant || own && limit.is_none() {
                continue;
            }
            if commodity == *crop {
                named.insert(key.clone());
            }
            let most = number("max_kg_per_week").unwrap_or(f64::INFINITY);
            let share = if own { shares.get(crop).copied().unwrap_or(1.0) } else { 1.0 };
            let lane = Lane {
                crop: crop.clone(),
                outlet: outlet.clone(),
                market: market.clone(),
                own,
                freight: number("freight_cny_per_kg").unwrap_or_default(),
                loss: number("loss_share").unwrap_or_default(),
                fee: number("fee_share").unwrap_or_default(),
                price: weeks.iter().map(|week| at(steps, *week)).collect(),
                share,
                limit: weeks
                    .iter()
                    .map(|week| limit.map_or([most; 3], |steps| at(steps, *week).map(|kg| (kg * share).min(most))))
                    .collect(),
            };
            found.insert(key, lane);
        }
    }
    Ok(found.into_values().collect())
}

/// The step that holds the week; before the first one the first, after the last one the last.
fn at(steps: &Steps, week: NaiveDate) -> [f64; 3] {
    let held = steps.range(..=week).next_back().or_else(|| steps.iter().next());
    held.map_or([0.0; 3], |(_, quantiles)| *quantiles)
}

/// Quantiles by market and commodity. Of several grades the common one (普通, or none) speaks, else the first.
async fn steps(ctx: &SessionContext, table: &str, as_of: AsOf) -> Result<BTreeMap<(String, String), Steps>, Failure> {
    let query = format!(
        "select market, commodity, grade, day, q10, q50, q90 from {table} where as_of = '{as_of}' and model = '{SPOKEN}' order by market, commodity, grade, day"
    );
    let rows = Rows::of(ctx, &query).await?;
    let mut grades: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut found: BTreeMap<(String, String), Steps> = BTreeMap::new();
    for row in 0..rows.len() {
        let text = |column: &str| rows.text(row, column).unwrap_or_default();
        let (key, grade) = ((text("market"), text("commodity")), text("grade"));
        let is_common = grade.is_empty() || grade == "普通";
        match grades.get(&key) {
            Some(spoken) if *spoken == grade => {}
            Some(_) if !is_common => continue,
            _ => {
                grades.insert(key.clone(), grade);
                found.remove(&key);
            }
        }
        if let (Some(day), Some(low), Some(middle), Some(high)) =
            (rows.day(row, "day"), rows.number(row, "q10"), rows.number(row, "q50"), rows.number(row, "q90"))
        {
            found.entry(key).or_default().insert(day, [low, middle, high]);
        }
    }
    Ok(found)
}

/// Three levels of the market (price and demand move together) by three of the yield.
fn scenarios(crops: &[Crop], lanes: &[Lane], weeks: usize) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (market, market_weight) in WEIGHTS.iter().enumerate() {
        for (harvest, harvest_weight) in WEIGHTS.iter().enumerate() {
            let yield_factor = crops
                .iter()
                .map(|crop| [crop.yield_low_kg_per_mu, crop.yield_kg_per_mu, crop.yield_high_kg_per_mu][harvest] / crop.yield_kg_per_mu)
                .collect();
            let outlets = crops.iter().map(|crop| {
                let of_crop = lanes.iter().filter(|lane| lane.crop == crop.crop);
                let outlet = |lane: &Lane| Outlet {
                    name: lane.outlet.clone(),
                    price: (0..weeks).map(|week| lane.net_back(lane.price[week][market])).collect(),
                    limit_kg: (0..weeks).map(|week| lane.limit[week][market]).collect(),
                };
                of_crop.map(outlet).collect()
            });
            scenarios.push(Scenario {
                name: format!("market {}, yield {}", LEVEL_NAMES[market], LEVEL_NAMES[harvest]),
                weight: market_weight * harvest_weight,
                yield_factor,
                outlets: outlets.collect(),
            });
        }
    }
    scenarios
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_takes_what_it_has_kept_and_a_new_one_anything() {
        let mut plots = ["蛋鸡舍", "新舍"].map(|plot| Plot { plot: plot.into(), system: HOUSES.into(), area: Mu(5.0) });
        let animal = |name: &str| Crop {
            crop: name.into(),
            category: Category("meat".into()),
            system: HOUSES.into(),
            days_to_harvest_min: 84,
            days_to_harvest_max: 84,
            harvest_window_days: 7,
            sow_months: MonthSet::default(),
            yield_low_kg_per_mu: 1.0,
            yield_kg_per_mu: 1.0,
            yield_high_kg_per_mu: 1.0,
            family: name.into(),
            min_gap_same_family_weeks: 0,
            cost_cny_per_mu: 1.0,
            picking_cost_cny_per_kg: 0.0,
        };
        let mut calendar = [animal("鸡蛋"), animal("生猪")];
        settle_in(&mut plots, &mut calendar, &BTreeMap::from([("蛋鸡舍".into(), BTreeSet::from(["鸡蛋".into()]))]));
        assert_eq!(plots.map(|plot| plot.system), ["livestock 鸡蛋", "livestock 鸡蛋;livestock 生猪"]);
        assert_eq!(calendar.map(|crop| crop.system), ["livestock 鸡蛋", "livestock 生猪"]);
    }

    #[test]
    fn the_bases_parts_of_the_shops_follow_their_land_and_add_up_to_one() {
        let land = |areas: &[f64]| areas.iter().enumerate().map(|(at, area)| (format!("base {at}"), *area)).collect::<Vec<_>>();
        for (areas, expect) in [
            (vec![42.0], vec![1.0]),
            (vec![42.0, 84.0], vec![1.0 / 3.0, 2.0 / 3.0]),
            (vec![0.0, 9.0], vec![0.0, 1.0]),
            (vec![0.0, 0.0], vec![0.5, 0.5]),
        ] {
            let land = land(&areas);
            let shares: Vec<f64> = land.iter().filter_map(|(base, _)| share_of(&land, base)).collect();
            assert_eq!(shares, expect, "{areas:?}");
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert_eq!(share_of(&land(&[1.0]), "another"), None);
    }
}
