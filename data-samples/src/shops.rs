//! What the tills sold: weekday, season, feasts, price, promotions, noise, and shelves that ran empty.
//! In: days, prices, shops. Out: a file a month. Never: what would have sold (only what sold is known to a till).

use crate::chain::{COMMODITIES, PRODUCTS, Product, SHOPS, place_of};
use crate::days::{Calendar, Day};
use crate::dirt::{Dirt, Soiling, Spoil};
use crate::market::Prices;
use crate::{SampleFile, SampleSettings, files};
use chrono::{Datelike, Days};
use nongshi_domain::Seed;

/// Days over which a shop smooths the wholesale price before it writes its own.
const SMOOTHING_DAYS: usize = 7;
/// Chance of a promotion in a week, and its price.
const PROMOTION_CHANCE: f64 = 0.08;
const PROMOTION_PRICE: f64 = 0.85;
/// Log growth of demand a year.
const GROWTH: f64 = 0.03;
/// Log noise of a day, and of a slow mood of the neighbourhood.
const NOISE: f64 = 0.17;
const MOOD: f64 = 0.10;
const MOOD_MEMORY: f64 = 0.96;
/// What is ordered over what is expected; the chance that most of it does not come, and the part that does.
const COVER: f64 = 1.15;
const FAILED_DELIVERY_CHANCE: f64 = 0.012;
const FAILED_DELIVERY_PART: f64 = 0.25;
/// What one customer takes.
const BASKET_KG: f64 = 0.6;
/// A product is renamed when this part of the days is over.
const RENAMED_AFTER: f64 = 0.6;
/// A month of fewer rows stays clean: one bad row would be a large share of it.
const FEWEST_ROWS_FOR_DIRT: usize = 500;

const HEADER: [&str; 9] = ["门店", "日期", "单品编码", "单品名称", "大类", "数量", "单价", "小票行数", "折扣行数"];
/// What goes wrong in a month, month by month in turn.
const SPOILS: [Spoil; 2] = [
    Spoil { column: 1, into: |_| String::new(), rule: "required", what: "a sale without a date" },
    Spoil { column: 5, into: |quantity| format!("-{quantity}"), rule: "range", what: "a return" },
];
/// Months from one bad thing to the next.
const MONTHS_BETWEEN_DIRT: usize = 4;

/// One shop selling one product.
struct Shelf<'a> {
    shop: &'a str,
    size: f64,
    product: &'static Product,
    /// Wholesale prices of its commodity, by day.
    wholesale: &'a [f64],
    months: (u32, u32),
    group: &'static str,
    seed: Seed,
    mood: f64,
    is_promoted: bool,
}

/// A file a month; the running month is named by its last day.
pub(crate) fn files(settings: &SampleSettings, calendar: &Calendar, prices: &Prices, dirt: &mut Vec<Dirt>) -> Vec<SampleFile> {
    let names: Vec<(String, f64)> = (0..settings.shops as usize).map(shop).collect();
    let mut shelves: Vec<Shelf<'_>> =
        names.iter().flat_map(|(name, size)| PRODUCTS.iter().map(|product| shelf(settings.seed, name, *size, product, prices))).collect();
    let mut written = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (place, day) in calendar.days.iter().enumerate() {
        for shelf in &mut shelves {
            rows.extend(shelf.sell(calendar, place));
        }
        let is_month_end = (day.date + Days::new(1)).day() == 1;
        if !is_month_end && place + 1 < calendar.days.len() {
            continue;
        }
        let stamp = if is_month_end { day.date.format("%Y-%m") } else { day.date.format("%Y-%m-%d") };
        let path = format!("inbox/sales/sales_{stamp}.csv");
        if is_month_end && rows.len() >= FEWEST_ROWS_FOR_DIRT {
            soil(settings.seed.derive("sales dirt"), &path, written.len(), &mut rows, dirt);
        }
        written.push(SampleFile { bytes: files::utf8(&HEADER, &rows), path });
        rows.clear();
    }
    written
}

fn soil(seed: Seed, path: &str, month: usize, rows: &mut Vec<Vec<String>>, dirt: &mut Vec<Dirt>) {
    if month % MONTHS_BETWEEN_DIRT != 1 {
        return;
    }
    let mut soiling = Soiling { feed: "sales", path, seed: seed.derive(path), dirt };
    match month / MONTHS_BETWEEN_DIRT % (SPOILS.len() + 1) {
        0 => soiling.repeat_a_row(rows),
        way => soiling.spoil(rows, &SPOILS[way - 1..way]),
    }
}

fn shop(place: usize) -> (String, f64) {
    match SHOPS.get(place) {
        Some((name, size)) => (name.to_string(), *size),
        None => (format!("第{}店", place + 1), SHOPS[place % SHOPS.len()].1),
    }
}

fn shelf<'a>(seed: Seed, shop: &'a str, size: f64, product: &'static Product, prices: &'a Prices) -> Shelf<'a> {
    let place = place_of(product.commodity);
    let commodity = &COMMODITIES[place];
    let seed = seed.derive("shops").derive(shop).derive(product.code);
    let (wholesale, months, group) = (prices[place].as_slice(), commodity.months, commodity.group);
    Shelf { shop, size, product, wholesale, months, group, seed, mood: 0.0, is_promoted: false }
}

impl Shelf<'_> {
    /// The till's row of the day; none where nothing was sold.
    fn sell(&mut self, calendar: &Calendar, place: usize) -> Option<Vec<String>> {
        let (day, product) = (calendar.days[place], self.product);
        // the same draws on every day, whatever is sold, so that no choice shifts the others
        let [noise, stock_noise, mood] = [(); 3].map(|()| self.seed.normal());
        let [delivery, promotion] = [(); 2].map(|()| self.seed.uniform());
        self.mood = MOOD_MEMORY * self.mood + MOOD * (1.0 - MOOD_MEMORY * MOOD_MEMORY).sqrt() * mood;
        if day.date.weekday().num_days_from_monday() == 0 {
            self.is_promoted = promotion < PROMOTION_CHANCE;
        }
        if !day.is_within(self.months) {
            return None;
        }
        let usual = COMMODITIES[place_of(product.commodity)].price_cny_per_kg * product.markup;
        let price_per_kg = self.price_per_kg(place);
        let years = day.years() - calendar.days[0].years();
        let expected = product.kg_per_day
            * self.size
            * day.weekday_demand()
            * day.festival_demand()
            * (product.swing * day.season(product.month) + GROWTH * years + self.mood).exp()
            * (price_per_kg / usual).powf(product.elasticity);
        let demanded = expected * (NOISE * noise).exp();
        let came = if delivery < FAILED_DELIVERY_CHANCE { FAILED_DELIVERY_PART } else { 1.0 };
        let sold_kg = demanded.min(expected * (COVER + 0.08 * stock_noise) * came);
        let is_renamed = place as f64 >= RENAMED_AFTER * calendar.days.len() as f64;
        self.row(day, if is_renamed { product.name } else { product.old_name.unwrap_or(product.name) }, sold_kg, price_per_kg)
    }

    /// CNY/kg on the label: the smoothed wholesale price, marked up, to the tenth.
    fn price_per_kg(&self, place: usize) -> f64 {
        let first = place.saturating_sub(SMOOTHING_DAYS - 1);
        let known = &self.wholesale[first..=place];
        let price = known.iter().sum::<f64>() / known.len() as f64 * self.product.markup;
        let price = if self.is_promoted { price * PROMOTION_PRICE } else { price };
        (price * 10.0).round().max(1.0) / 10.0
    }

    fn row(&self, day: Day, name: &str, sold_kg: f64, price_per_kg: f64) -> Option<Vec<String>> {
        let (quantity, price) = match self.product.piece_kg {
            Some(piece_kg) => ((sold_kg / piece_kg).round(), format!("{:.2}", price_per_kg * piece_kg)),
            None => (sold_kg, format!("{price_per_kg:.2}")),
        };
        let quantity = if self.product.piece_kg.is_some() { format!("{quantity:.0}") } else { format!("{quantity:.3}") };
        if quantity.trim_matches(['0', '.']).is_empty() {
            return None;
        }
        let lines = (sold_kg / BASKET_KG).round().max(1.0);
        let discounted = if self.is_promoted { lines } else { 0.0 };
        let cells = [self.shop, &day.date.to_string(), self.product.code, name, self.group, &quantity, &price];
        Some(cells.iter().map(|cell| cell.to_string()).chain([lines, discounted].map(|count| format!("{count:.0}"))).collect())
    }
}
