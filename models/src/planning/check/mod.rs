//! The independent checker. In: base, outlook, settings and any plan. Out: what the plan is really worth, or every
//! rule it breaks. Never: a line of the planner's code; only the plain words are shared.
//!
//! The rules are those on top of `planning`, counted here a second time, week by week over all weeks.

mod ground;
mod money;

use super::words::{Base, CheckedPlan, Outlook, Plan, PlanSettings, PlantingLine, Rule, Violation};
use chrono::Datelike;
use ground::{Ground, Stay};
use nongshi_domain::Mu;
use std::collections::{BTreeMap, BTreeSet};

/// Mu by which a sum of areas may pass the plot: rounding errors of adding decimal fractions.
const AREA_TOLERANCE_MU: f64 = 1e-6;
/// Areas come in tenths of a mu.
const BATCHES_PER_MU: f64 = 10.0;

/// Counts a plan again from the ground up.
pub fn check(base: &Base, outlook: &Outlook, settings: &PlanSettings, plan: &Plan) -> Result<CheckedPlan, Vec<Violation>> {
    let ground = Ground { base, outlook, cost_in_sight_only: settings.cost_in_sight_only };
    let mut broken = Broken(Vec::new());
    let sown = place_lines(&ground, settings, plan, &mut broken);
    if !broken.0.is_empty() {
        // lines that cannot be placed cannot be counted either
        return Err(broken.0);
    }
    check_land(&ground, settings, &sown, &mut broken);
    let checked = money::check_money(&ground, settings, plan, &sown, &mut broken);
    if broken.0.is_empty() {
        let area = Mu(plan.sowings.iter().map(|line| line.area.0).sum());
        Ok(CheckedPlan { sowings: plan.sowings.len(), area, ..checked })
    } else {
        Err(broken.0)
    }
}

/// What was found so far.
struct Broken(Vec<Violation>);

impl Broken {
    fn say(&mut self, rule: Rule, text: String) {
        self.0.push(Violation { rule, text });
    }
}

/// A sowing line with its places and its stay on the land.
struct Sown<'a> {
    line: &'a PlantingLine,
    plot: usize,
    crop: usize,
    stay: Stay,
}

/// Names, weeks, months, system, batches: what can be said of a line alone.
fn place_lines<'a>(ground: &Ground<'_>, settings: &PlanSettings, plan: &'a Plan, broken: &mut Broken) -> Vec<Sown<'a>> {
    let mut sown = Vec::new();
    for line in &plan.sowings {
        let label = format!("{} on {} in the week of {}", line.crop, line.plot, line.sow_week);
        let plot = ground.base.plots.iter().position(|plot| plot.plot == line.plot);
        let crop = plot.and_then(|plot| ground.crop_on(&line.crop, plot));
        let (Some(plot), Some(crop)) = (plot, crop) else {
            broken.say(Rule::Names, format!("{label}: the base has no such plot or crop"));
            continue;
        };
        let (facts, land) = (&ground.base.crops[crop], &ground.base.plots[plot]);
        let week = ground.week_of(line.sow_week);
        let last = settings.sow_weeks.min(ground.outlook.weeks) as i64;
        if line.sow_week.weekday() != chrono::Weekday::Mon || !(0..last).contains(&week) {
            broken.say(Rule::Weeks, format!("{label}: to be a Monday of weeks 0 to {}", last - 1));
            continue;
        }
        let stay = ground.stay(crop, week);
        if (line.harvest_from, line.harvest_to) != (ground.monday(stay.harvest.start), ground.monday(stay.harvest.end)) {
            broken.say(Rule::Weeks, format!("{label}: harvest from {} to {} does not follow", line.harvest_from, line.harvest_to));
        }
        if line.is_order != (week < settings.order_weeks as i64) {
            broken.say(Rule::Weeks, format!("{label}: is_order is {}", line.is_order));
        }
        if let Some(day) = line.sow_week.iter_days().take(7).find(|day| !facts.sow_months.holds(day.month())) {
            broken.say(Rule::Months, format!("{label}: month {} is none of its months", day.month()));
        }
        if !ground.grows(crop, plot) {
            broken.say(Rule::System, format!("{label}: needs {} land, the plot is {}", facts.system, land.system));
        }
        let (area, tenths) = (line.area.0, line.area.0 * BATCHES_PER_MU);
        let whole = (tenths - tenths.round()).abs() <= AREA_TOLERANCE_MU;
        if !area.is_finite() || area <= 0.0 || area < settings.min_area.0 - AREA_TOLERANCE_MU || !whole {
            broken.say(Rule::Batch, format!("{label}: {area} mu, to be whole tenths and at least {}", settings.min_area.0));
        }
        sown.push(Sown { line, plot, crop, stay });
    }
    sown
}

/// Land, rotation and crowding, plot by plot and week by week.
fn check_land(ground: &Ground<'_>, settings: &PlanSettings, sown: &[Sown<'_>], broken: &mut Broken) {
    let standing: Vec<_> = ground.base.standing.iter().filter_map(|standing| ground.standing(standing)).collect();
    let last_week = sown.iter().map(|sown| sown.stay.kin.end).max().unwrap_or(0);
    for (plot, land) in ground.base.plots.iter().enumerate() {
        let here: Vec<_> = sown.iter().filter(|sown| sown.plot == plot).collect();
        let before: Vec<_> = standing.iter().filter(|standing| standing.plot == plot).collect();
        let alone = ground.is_house(plot);
        let families: BTreeSet<&str> = here.iter().map(|sown| ground.family(sown.crop)).collect();
        // the first week of a breach is said, not all that follow from it
        let mut said: BTreeSet<(Rule, &str)> = BTreeSet::new();
        for week in 0..last_week {
            let mut fits = |rule: Rule, what: &'static str, key, new: f64, old: f64| {
                let free = if alone && old > 0.0 { 0.0 } else { (land.area.0 - old).max(0.0) };
                if new > free + AREA_TOLERANCE_MU && said.insert((rule, key)) {
                    let place = format!("{} in the week of {}", land.plot, ground.monday(week));
                    broken.say(rule, format!("{place}: {new} mu sown{what} {key}, {free} of {} are free", land.area.0));
                }
            };
            let new = here.iter().filter(|sown| sown.stay.land.contains(&week)).map(|sown| sown.line.area.0).sum();
            let old = before.iter().filter(|standing| standing.stay.land.contains(&week)).map(|standing| standing.area).sum();
            fits(Rule::Land, "", "", new, old);
            for family in &families {
                let kin = |crop: usize, stay: &Stay| ground.family(crop) == *family && stay.kin.contains(&week);
                let new = here.iter().filter(|sown| kin(sown.crop, &sown.stay)).map(|sown| sown.line.area.0).sum();
                let old = before.iter().filter(|standing| kin(standing.crop, &standing.stay)).map(|standing| standing.area).sum();
                fits(Rule::Rotation, " under or just after", family, new, old);
            }
            let standing: BTreeSet<usize> =
                before.iter().filter(|standing| standing.stay.land.contains(&week)).map(|standing| standing.crop).collect();
            let new: BTreeSet<usize> = here.iter().filter(|sown| sown.stay.land.contains(&week)).map(|sown| sown.crop).collect();
            let batches: BTreeSet<_> =
                here.iter().filter(|sown| sown.stay.land.contains(&week)).map(|sown| (sown.crop, sown.line.sow_week)).collect();
            if alone && batches.len() > 1 && said.insert((Rule::Crowding, "")) {
                let place = format!("{} in the week of {}", land.plot, ground.monday(week));
                broken.say(Rule::Crowding, format!("{place}: {} batches in one house", batches.len()));
            }
            let crops = standing.union(&new).count();
            if !new.is_subset(&standing) && crops > settings.max_crops_per_plot && said.insert((Rule::Crowding, "")) {
                let most = settings.max_crops_per_plot;
                broken.say(Rule::Crowding, format!("{} in the week of {}: {crops} crops, at most {most}", land.plot, ground.monday(week)));
            }
        }
    }
}

/// kg ripe at a yield factor of 1, by (crop, week), inside the weeks of the outlook.
fn ripe_kg(ground: &Ground<'_>, sown: &[Sown<'_>]) -> BTreeMap<(usize, usize), f64> {
    let standing = ground.base.standing.iter().filter_map(|standing| ground.standing(standing));
    let lots = standing.map(|standing| (standing.crop, standing.area, standing.stay));
    let lots = lots.chain(sown.iter().map(|sown| (sown.crop, sown.line.area.0, sown.stay.clone())));
    let mut ripe = BTreeMap::new();
    for (crop, area, stay) in lots {
        for week in stay.harvest.clone().filter(|week| (0..ground.outlook.weeks as i64).contains(week)) {
            *ripe.entry((ground.sold_as(crop), week as usize)).or_insert(0.0) += area * ground.kg_per_mu_week(crop, &stay);
        }
    }
    ripe
}
