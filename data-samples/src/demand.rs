//! What a middling shop is asked for, day by day, and at which price. In: days, weather, true prices, offers. Out: one
//! figure for each product and day. Never: what is on the shelf.

use crate::commodities::{COMMODITIES, Commodity, Group};
use crate::days::Calendar;
use crate::market::Prices;
use crate::products::Product;
use crate::promotions::Offers;
use crate::weather::Weather;
use nongshi_domain::Seed;

/// Days over which shops smooth the wholesale price before they write their own.
const SMOOTHING_DAYS: usize = 6;
/// Log rise of a cut product beyond what its price does: it lies in front.
const IN_FRONT: f64 = 0.12;
/// Change of the log demand by a change of the mean log price of what could be bought instead.
pub(crate) const CROSS_ELASTICITY: f64 = 0.30;
/// Log fall of what shops sell by 10 mm of rain, at most so much, and part of it that goes to the net instead.
const RAIN: f64 = 0.045;
const RAIN_MOST: f64 = 0.35;
/// Log rise of what quenches the thirst (fruit that swings more than this over the year) by a degree above a hot day.
const HEAT: f64 = 0.024;
const HOT_C: f64 = 26.0;
const THIRSTY: f64 = 0.5;
/// How much further demand swings over the year than the commodities' own figures say: shoppers follow each other.
const SEASONS: f64 = 1.25;
/// Log noise of the whole town's taste for a commodity, and what is left of it the next day.
const TASTE: f64 = 0.18;
const TASTE_MEMORY: f64 = 0.97;
/// Leaves that keep no longer than this replace each other.
const LEAFY_DAYS: u32 = 2;

/// One product on one day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Grams a middling shop is asked for; 0 where it is not sold.
    pub grams: f64,
    /// The part of the rise over a day like any other that everyone can foresee: weekday, feasts, season, offers.
    pub foreseen: f64,
    /// Part asked for online.
    pub online: f64,
    /// Price on the label, fen a kg or a piece.
    pub fen: i64,
    pub is_cut: bool,
}

/// What the whole town asks for.
pub(crate) struct Demand<'a> {
    pub calendar: &'a Calendar,
    pub weather: &'a Weather,
    pub prices: &'a Prices,
    pub products: &'a [Product],
    pub offers: &'a Offers,
    /// By commodity, then by day.
    taste: Vec<Vec<f64>>,
    /// Log of the shops' usual price over its level, by commodity, then by day.
    dearness: Vec<Vec<f64>>,
    /// Mean of it over what could be bought instead.
    dearness_of_others: Vec<Vec<f64>>,
}

impl<'a> Demand<'a> {
    pub fn of(
        seed: Seed,
        (calendar, weather, prices): (&'a Calendar, &'a Weather, &'a Prices),
        products: &'a [Product],
        offers: &'a Offers,
    ) -> Demand<'a> {
        let days = calendar.days.len();
        let taste = COMMODITIES.iter().map(|commodity| taste(seed.derive("taste").derive(commodity.name), days)).collect();
        let dearness: Vec<Vec<f64>> = (0..COMMODITIES.len()).map(|place| dearness(place, &prices[place])).collect();
        let others = |place: usize| {
            let kin: Vec<usize> = (0..COMMODITIES.len()).filter(|other| *other != place && replaces(place, *other)).collect();
            (0..days).map(|day| kin.iter().map(|other| dearness[*other][day]).sum::<f64>() / kin.len().max(1) as f64).collect()
        };
        let dearness_of_others = (0..COMMODITIES.len()).map(others).collect();
        Demand { calendar, weather, prices, products, offers, taste, dearness, dearness_of_others }
    }

    /// One product on one day.
    pub fn asked(&self, at: usize, place: usize) -> Asked {
        let (product, day) = (&self.products[at], self.calendar.days[place]);
        let commodity = product.traded();
        let cut = self.offers.cut(at, place);
        let fen = self.fen(at, place, cut);
        if !day.is_within(commodity.months) || !product.is_listed(place) {
            return Asked { grams: 0.0, foreseen: 1.0, online: 0.0, fen, is_cut: false };
        }
        let offered = if cut > 0.0 { IN_FRONT + product.elasticity * (1.0 - cut).ln() } else { 0.0 };
        let rain = (RAIN * self.weather.rain_mm(place) / 10.0).min(RAIN_MOST);
        let season = SEASONS * commodity.thirst * day.season(commodity.thirstiest);
        let known = season + offered;
        let unknown = product.elasticity * self.dearness[product.commodity][place]
            + CROSS_ELASTICITY * self.dearness_of_others[product.commodity][place]
            + product.growth * (day.years() - self.calendar.days[self.calendar.days.len() - 1].years())
            + self.taste[product.commodity][place]
            + self.heat(commodity, place)
            - 0.5 * rain;
        let foreseen = day.weekday_demand() * day.festival_demand() * known.exp();
        let online = (0.11 + 0.02 * (day.years() - self.calendar.days[0].years()) / 3.0) * (1.0 + 1.6 * rain);
        Asked { grams: product.kg_per_day * 1000.0 * foreseen * unknown.exp(), foreseen, online, fen, is_cut: cut > 0.0 }
    }

    fn heat(&self, commodity: &Commodity, place: usize) -> f64 {
        let above_c = self.weather.stations[0][place].temperature_c - HOT_C;
        let quenches = commodity.group == Group::Fruit && commodity.thirst > THIRSTY;
        if quenches && above_c > 0.0 { HEAT * above_c } else { 0.0 }
    }

    /// The smoothed wholesale price, marked up and cut; by weight to the tenth of a yuan, by the piece to the tenth too.
    fn fen(&self, at: usize, place: usize, cut: f64) -> i64 {
        let product = &self.products[at];
        let known = &self.prices[product.commodity][(place + 1).saturating_sub(SMOOTHING_DAYS)..=place];
        let per_kg = known.iter().sum::<f64>() / known.len() as f64 * product.markup * (1.0 - cut);
        let price = per_kg * product.piece_grams.map_or(1.0, |grams| grams as f64 / 1000.0);
        ((price * 10.0).round() as i64).max(1) * 10
    }
}

fn dearness(place: usize, prices: &[f64]) -> Vec<f64> {
    let level = COMMODITIES[place].price_cny_per_kg;
    let at = |day: usize| {
        let known = &prices[(day + 1).saturating_sub(SMOOTHING_DAYS)..=day];
        (known.iter().sum::<f64>() / known.len() as f64 / level).ln()
    };
    (0..prices.len()).map(at).collect()
}

fn taste(mut seed: Seed, days: usize) -> Vec<f64> {
    let mut taste = TASTE * seed.normal();
    let step = TASTE * (1.0 - TASTE_MEMORY * TASTE_MEMORY).sqrt();
    let mut next = || {
        taste = TASTE_MEMORY * taste + step * seed.normal();
        taste
    };
    (0..days).map(|_| next()).collect()
}

/// Whether one is bought where the other is too dear.
fn replaces(one: usize, other: usize) -> bool {
    let (one, other) = (&COMMODITIES[one], &COMMODITIES[other]);
    let is_leafy = |days: u32| days <= LEAFY_DAYS;
    one.group == other.group && is_leafy(one.shelf_life_days) == is_leafy(other.shelf_life_days)
}
