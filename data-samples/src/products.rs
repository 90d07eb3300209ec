//! What the shops sell. In: how many products, the days. Out: the list, the same first products for every length.
//! Never: a price.

use crate::commodities::{COMMODITIES, Commodity};
use crate::days::Calendar;
use crate::{SampleSettings, forms};
use chrono::NaiveDate;
use nongshi_domain::Seed;

/// Names that further makers put in front, when all forms are listed.
const BRANDS: [&str; 4] = ["", "粤田", "岭鲜", "绿源"];
/// How much less a further maker sells than the one before.
const BRAND_SHARE: f64 = 0.35;
/// Of the products that are no commodity's first, one in so many is new and one in so many is retired.
const NEW_ONE_IN: usize = 12;
const RETIRED_ONE_IN: usize = 17;
/// Part of the days after which one product is renamed.
const RENAMED_AFTER: f64 = 0.6;
/// The product that is renamed, and what it was called before.
const RENAMED: (&str, &str, &str) = ("小白菜", "小白菜", "上海青");
/// What a piece is counted in.
const PIECES: [&str; 7] = ["(份)", "(袋)", "(板)", "(盒)", "(箱)", "(桶)", "(瓶)"];

/// One product of the shops.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub code: String,
    /// What the till prints; before the renaming it printed the other name.
    pub name: String,
    pub renamed: Option<(String, NaiveDate)>,
    /// Place of the commodity behind it, and whether it is the commodity's first product.
    pub commodity: usize,
    pub is_first: bool,
    /// Content of a piece, grams; none for what is weighed.
    pub piece_grams: Option<i64>,
    /// What a middling shop sells on a middling day, kg.
    pub kg_per_day: f64,
    /// Retail price over wholesale price.
    pub markup: f64,
    /// Change of the demanded log kg by a change of the log price.
    pub elasticity: f64,
    /// Log growth of its demand a year.
    pub growth: f64,
    /// kg of output from a kg of raw product, where it is made in the warehouse.
    pub made: Option<f64>,
    /// First and last day in the shops, as places of the calendar, both within.
    pub listed: (usize, usize),
    /// Share lost in the shop, as the master says.
    pub loss_share: f64,
}

impl Product {
    pub fn traded(&self) -> &'static Commodity {
        &COMMODITIES[self.commodity]
    }

    /// The name the till prints on that day.
    pub fn name_on(&self, date: NaiveDate) -> &str {
        match &self.renamed {
            Some((before, on)) if date < *on => before,
            _ => &self.name,
        }
    }

    pub fn is_listed(&self, place: usize) -> bool {
        (self.listed.0..=self.listed.1).contains(&place)
    }
}

/// The first `settings.products` of the list: every commodity's first form, then every second form, and so on.
pub(crate) fn products(settings: &SampleSettings, calendar: &Calendar) -> Vec<Product> {
    let mut listed: Vec<(usize, usize, usize)> = Vec::new();
    for brand in 0..BRANDS.len() {
        for depth in 0..COMMODITIES.iter().map(|commodity| forms::of(commodity).len()).max().unwrap_or(0) {
            let deep = (0..COMMODITIES.len()).filter(|place| forms::of(&COMMODITIES[*place]).len() > depth);
            listed.extend(deep.map(|place| (brand, depth, place)));
        }
    }
    listed.truncate(settings.products as usize);
    let mut shares = vec![0.0; COMMODITIES.len()];
    for &(brand, depth, place) in &listed {
        shares[place] += share(brand, depth, place);
    }
    let product = |(at, &(brand, depth, place)): (usize, &(usize, usize, usize))| {
        let part = share(brand, depth, place) / shares[place];
        product(settings, calendar, at, (brand, depth, place), part)
    };
    listed.iter().enumerate().map(product).collect()
}

fn share(brand: usize, depth: usize, place: usize) -> f64 {
    forms::of(&COMMODITIES[place])[depth].share * BRAND_SHARE.powi(brand as i32)
}

fn product(settings: &SampleSettings, calendar: &Calendar, at: usize, (brand, depth, place): (usize, usize, usize), part: f64) -> Product {
    let commodity = &COMMODITIES[place];
    let form = forms::of(commodity)[depth];
    let code = format!("{}{:03}", commodity.group as usize + 1, at + 1);
    let mut seed = settings.seed.derive("products").derive(&code);
    let [growth, elasticity, loss] = [(); 3].map(|()| seed.normal());
    let first = calendar.place(settings.first_sale());
    let is_first = brand == 0 && depth == 0;
    let mut name = format!("{}{}", BRANDS[brand], form.name.replace("{}", commodity.name));
    let mut renamed = None;
    if is_first && commodity.name == RENAMED.0 {
        let on = calendar.days[within(first, calendar, RENAMED_AFTER)].date;
        (name, renamed) = (RENAMED.2.into(), Some((RENAMED.1.into(), on)));
    }
    Product {
        code,
        name,
        renamed,
        commodity: place,
        is_first,
        piece_grams: form.piece_kg.map(|kg| (kg * 1000.0).round() as i64),
        kg_per_day: forms::kg_per_day(commodity) * part,
        markup: form.markup * (1.0 + 0.08 * brand as f64),
        elasticity: -0.9 - 0.15 * elasticity.abs() - if form.piece_kg.is_some() { 0.3 } else { 0.0 },
        growth: 0.02 + 0.03 * growth,
        made: form.made,
        listed: listed(&mut seed, at, is_first, first, calendar),
        loss_share: (0.14 / f64::from(commodity.shelf_life_days).sqrt() * (1.0 + 0.2 * loss)).clamp(0.01, 0.3),
    }
}

/// First and last place: most products are there all the time.
fn listed(seed: &mut Seed, at: usize, is_first: bool, first: usize, calendar: &Calendar) -> (usize, usize) {
    let (begins, ends) = (0.3 + 0.5 * seed.uniform(), 0.4 + 0.5 * seed.uniform());
    let last = calendar.days.len() - 1;
    match is_first {
        false if at % NEW_ONE_IN == 7 => (within(first, calendar, begins), last),
        false if at % RETIRED_ONE_IN == 5 => (first, within(first, calendar, ends)),
        _ => (first, last),
    }
}

/// The place after that part of the days of sales.
fn within(first: usize, calendar: &Calendar, part: f64) -> usize {
    first + (part * (calendar.days.len() - 1 - first) as f64) as usize
}

/// Whether the name says that it is counted.
pub(crate) fn is_counted(name: &str) -> bool {
    PIECES.iter().any(|word| name.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_length_begins_with_the_same_products_and_pieces_carry_their_word() {
        let settings = SampleSettings::demo(Seed(1), "2026-11-22".parse().expect("a day"), 1);
        let calendar = Calendar::of(settings.first_day(), settings.last_day);
        let of = |count: u32| products(&SampleSettings { products: count, ..settings }, &calendar);
        let (few, many) = (of(120), of(600));
        assert_eq!((few.len(), many.len()), (120, 600));
        for (one, two) in few.iter().zip(&many) {
            assert_eq!((&one.code, &one.name, one.listed), (&two.code, &two.name, two.listed));
        }
        let names: BTreeSet<&str> = many.iter().map(|product| product.name.as_str()).collect();
        assert_eq!(names.len(), many.len(), "no name twice");
        for product in &many {
            assert_eq!(is_counted(&product.name), product.piece_grams.is_some(), "{}", product.name);
            assert!(product.listed.0 < product.listed.1);
        }
        assert!(few.iter().any(|product| product.listed.0 > few[0].listed.0), "some are new");
        assert!(few.iter().any(|product| product.listed.1 < few[0].listed.1), "some are retired");
    }
}
