//! What ripe kilograms are worth, scenario by scenario. In: scenarios and picking costs. Out: the best selling of any
//! amount. Never: storage between weeks; what is ripe is sold in its week or stays on the field.

use super::words::{Base, Outlet, Scenario};

/// One outlet's offer in one week.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    /// Place of the outlet in the outlook's list.
    pub outlet: usize,
    /// CNY/kg as the outlet pays it.
    pub price: f64,
    /// CNY/kg after picking; always above zero.
    pub net: f64,
    /// kg it takes; above zero.
    pub limit: f64,
}

/// One scenario's offers.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub weight: f64,
    /// Per crop.
    pub factor: Vec<f64>,
    /// Per crop and week, the best first; ties in the outlook's order.
    offers: Vec<Vec<Vec<Offer>>>,
}

/// All scenarios' offers.
#[derive(Debug, Clone)]
pub(super) struct Market {
    pub cases: Vec<Case>,
}

impl Market {
    pub fn of(base: &Base, scenarios: &[Scenario], weeks: usize) -> Market {
        let cases = scenarios.iter().map(|scenario| Case {
            weight: scenario.weight,
            factor: scenario.yield_factor.clone(),
            offers: base
                .crops
                .iter()
                .zip(&scenario.outlets)
                .map(|(crop, outlets)| (0..weeks).map(|week| offers(outlets, week, crop.picking_cost_cny_per_kg)).collect())
                .collect(),
        });
        Market { cases: cases.collect() }
    }

    /// Whether anybody pays the picking of anything, ever.
    pub fn is_dead(&self) -> bool {
        self.cases.iter().all(|case| case.offers.iter().flatten().all(Vec::is_empty))
    }

    /// CNY each scenario brings, given kg ripe by crop and week at a yield factor of 1.
    pub fn revenues(&self, ripe: &[Vec<f64>]) -> Vec<f64> {
        let of_case = |case: &Case| {
            let of_crop = |(crop, weeks): (usize, &Vec<f64>)| {
                weeks.iter().enumerate().map(|(week, kg)| case.revenue(crop, week, kg * case.factor[crop])).sum::<f64>()
            };
            ripe.iter().enumerate().map(of_crop).sum()
        };
        self.cases.iter().map(of_case).collect()
    }
}

impl Case {
    pub fn offers(&self, crop: usize, week: usize) -> &[Offer] {
        &self.offers[crop][week]
    }

    /// CNY after picking for `kg` really ripe: concave in kg.
    pub fn revenue(&self, crop: usize, week: usize, kg: f64) -> f64 {
        let (mut left, mut cny) = (kg, 0.0);
        for offer in &self.offers[crop][week] {
            if left <= offer.limit {
                return cny + left * offer.net;
            }
            cny += offer.limit * offer.net;
            left -= offer.limit;
        }
        cny
    }

    /// CNY after picking that a kilogram of `kg` brings on average; what stays on the field brings nothing.
    pub fn mean_price(&self, crop: usize, week: usize, kg: f64) -> f64 {
        if kg > 0.0 { self.revenue(crop, week, kg) / kg } else { 0.0 }
    }

    /// Which offer takes how much of `kg`.
    pub fn sales(&self, crop: usize, week: usize, kg: f64) -> impl Iterator<Item = (Offer, f64)> {
        self.offers[crop][week].iter().scan(kg, |left, offer| {
            let sold = left.min(offer.limit);
            *left -= sold;
            (sold > 0.0).then_some((*offer, sold))
        })
    }
}

fn offers(outlets: &[Outlet], week: usize, picking: f64) -> Vec<Offer> {
    let offer = |(outlet, offer): (usize, &Outlet)| Offer {
        outlet,
        price: offer.price[week],
        net: offer.price[week] - picking,
        limit: offer.limit_kg[week],
    };
    let mut offers: Vec<Offer> = outlets.iter().enumerate().map(offer).filter(|offer| offer.net > 0.0 && offer.limit > 0.0).collect();
    offers.sort_by(|a, b| b.net.total_cmp(&a.net).then(a.outlet.cmp(&b.outlet)));
    offers
}

/// The scenario in which every yield, price and limit is at its mean. At least one scenario, all of one shape.
pub(super) fn mean_scenario(scenarios: &[Scenario]) -> Scenario {
    let mut mean = scenarios[0].clone();
    mean.name = "mean".into();
    mean.weight = 1.0;
    let average = |pick: &dyn Fn(&Scenario) -> f64| scenarios.iter().map(|scenario| scenario.weight * pick(scenario)).sum::<f64>();
    for (crop, factor) in mean.yield_factor.iter_mut().enumerate() {
        *factor = average(&|scenario| scenario.yield_factor[crop]);
    }
    for (crop, outlets) in mean.outlets.iter_mut().enumerate() {
        for (place, outlet) in outlets.iter_mut().enumerate() {
            for week in 0..outlet.price.len() {
                outlet.price[week] = average(&|scenario| scenario.outlets[crop][place].price[week]);
                outlet.limit_kg[week] = average(&|scenario| scenario.outlets[crop][place].limit_kg[week]);
            }
        }
    }
    mean
}
