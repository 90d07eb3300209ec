//! The draft as the plan's lines. In: a draft. Out: sowings and harvests with days, kilograms and CNY.
//! Never: a number the checker cannot count again from base, outlook and sowings.

use super::draft::{Draft, TENTHS};
use super::words::{Base, HarvestLine, NOT_HARVESTED, Outlook, PlanSettings, PlantingLine};
use chrono::{Days, NaiveDate};
use nongshi_domain::{Kilograms, Mu, PricePerKg};

/// Expected kg below which a line says nothing.
const NOTHING_KG: f64 = 1e-6;

/// The Monday of a week.
fn monday(outlook: &Outlook, week: usize) -> NaiveDate {
    outlook.first_week + Days::new(7 * week as u64)
}

pub(super) fn sowings(draft: &Draft<'_>, base: &Base, outlook: &Outlook, settings: &PlanSettings) -> Vec<PlantingLine> {
    let of_line = |line: &super::draft::Line| {
        let weeks = &draft.field.crops[line.crop];
        let area = f64::from(line.tenths) / TENTHS;
        let kg = area * weeks.kg_per_mu_week;
        let (sold, mut expected_kg) = (weeks.sells_as, 0.0);
        let cost = area * draft.field.cost_cny_per_mu(line.crop, line.week);
        let mut margins = vec![-cost; draft.market.cases.len()];
        for week in draft.field.harvest(line.crop, line.week) {
            for (case, margin) in draft.market.cases.iter().zip(&mut margins) {
                let factor = case.factor[sold];
                expected_kg += case.weight * kg * factor;
                *margin += kg * factor * case.mean_price(sold, week, draft.ripe[sold][week] * factor);
            }
        }
        PlantingLine {
            plot: base.plots[line.plot].plot.clone(),
            crop: base.crops[line.crop].crop.clone(),
            sow_week: monday(outlook, line.week),
            area: Mu(area),
            harvest_from: monday(outlook, line.week + weeks.lead),
            harvest_to: monday(outlook, line.week + weeks.lead + weeks.window),
            expected_kg: Kilograms(expected_kg),
            is_order: line.week < settings.order_weeks,
            margin_cny: draft.risk.mean(&margins),
            margin_p10_cny: draft.risk.quantile(&margins, 0.1),
            margin_p90_cny: draft.risk.quantile(&margins, 0.9),
        }
    };
    draft.lines().iter().map(of_line).collect()
}

pub(super) fn harvests(draft: &Draft<'_>, base: &Base, outlook: &Outlook) -> Vec<HarvestLine> {
    let mut lines = Vec::new();
    for (crop, weeks) in draft.ripe.iter().enumerate() {
        for (week, &kg) in weeks.iter().enumerate() {
            let names = &outlook.scenarios[0].outlets[crop];
            // expected kg and CNY by outlet
            let mut sold = vec![(0.0, 0.0); names.len()];
            let mut ripe = 0.0;
            for case in &draft.market.cases {
                let really = kg * case.factor[crop];
                ripe += case.weight * really;
                for (offer, kg) in case.sales(crop, week, really) {
                    sold[offer.outlet].0 += case.weight * kg;
                    sold[offer.outlet].1 += case.weight * kg * offer.price;
                }
            }
            let left = ripe - sold.iter().map(|(kg, _)| kg).sum::<f64>();
            let named = names.iter().map(|outlet| outlet.name.as_str()).zip(sold).chain([(NOT_HARVESTED, (left, 0.0))]);
            for (outlet, (kg, cny)) in named.filter(|(_, (kg, _))| *kg > NOTHING_KG) {
                lines.push(HarvestLine {
                    crop: base.crops[crop].crop.clone(),
                    week: monday(outlook, week),
                    ripe: Kilograms(ripe),
                    outlet: outlet.into(),
                    sold: Kilograms(kg),
                    price: PricePerKg(cny / kg),
                });
            }
        }
    }
    lines
}
