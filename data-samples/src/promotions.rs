//! Price cuts of the chain, decided the week before. In: days, products, a seed. Out: the cut by product and week, and
//! `inbox/promotions`. Never: what they sold.

use crate::SampleSettings;
use crate::days::Calendar;
use crate::dirt::{Soiling, Spoil};
use crate::files::{self, Out};
use crate::products::Product;
use chrono::{Datelike, Days};
use std::collections::BTreeMap;
use std::io;

/// Chance that a product is cut in a week, and the cuts.
const CHANCE: f64 = 0.07;
const CUTS: [f64; 3] = [0.10, 0.15, 0.25];
/// A year of fewer offers stays clean.
const FEWEST_OFFERS: usize = 120;
/// Days before its Monday on which a cut is announced.
const ANNOUNCED_DAYS: u64 = 4;
const SPOILS: &[Spoil] = &[
    Spoil { column: 4, into: |_| "第二件半价".into(), rule: "number", what: "words instead of a share" },
    Spoil { column: 2, into: |_| String::new(), rule: "required", what: "a promotion without a first day" },
];

/// The cut of each product in each week.
#[derive(Debug)]
pub(crate) struct Offers {
    /// Share of the price that is cut, by product, then by place of the day divided by 7 (counted from a Monday).
    cut: Vec<Vec<f32>>,
    /// Places before the first Monday.
    offset: usize,
}

impl Offers {
    /// Share of the price that is cut.
    pub fn cut(&self, product: usize, place: usize) -> f64 {
        f64::from(self.cut[product][(place + self.offset) / 7])
    }
}

/// Decides the cuts and writes them, a file a year.
pub(crate) fn write(settings: &SampleSettings, calendar: &Calendar, products: &[Product], out: &mut Out<'_>) -> io::Result<Offers> {
    let first = calendar.place(settings.first_sale());
    let offset = calendar.days[0].weekday();
    let weeks = (calendar.days.len() + offset) / 7 + 1;
    let mut offers = Offers { cut: vec![vec![0.0; weeks]; products.len()], offset };
    let mut years: BTreeMap<i32, Vec<Vec<String>>> = BTreeMap::new();
    for (at, product) in products.iter().enumerate() {
        let mut seed = settings.seed.derive("promotions").derive(&product.code);
        for week in 0..weeks {
            let [chance, which] = [(); 2].map(|()| seed.uniform());
            let monday = (week * 7).saturating_sub(offset);
            if chance >= CHANCE || monday < first || monday >= calendar.days.len() || !product.is_listed(monday) {
                continue;
            }
            let cut = CUTS[(which * CUTS.len() as f64) as usize];
            offers.cut[at][week] = cut as f32;
            let date = calendar.days[monday].date;
            let days = [date - Days::new(ANNOUNCED_DAYS), date, date + Days::new(6)].map(|day| day.to_string());
            let [announced, from, to] = days;
            years.entry(date.year()).or_default().push(vec!["*".into(), product.code.clone(), from, to, format!("{cut:.2}"), announced]);
        }
    }
    for (year, mut rows) in years {
        rows.sort_by(|a, b| (&a[2], &a[1]).cmp(&(&b[2], &b[1])));
        let path = format!("inbox/promotions/promotions_{year}.csv");
        if rows.len() >= FEWEST_OFFERS {
            let mut soiling = Soiling { feed: "promotions", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
            soiling.spoil(&mut rows, &SPOILS[year as usize % 2..][..1]);
        }
        out.table(&path, &files::utf8(&["门店", "单品编码", "开始日期", "结束日期", "折让比例", "公布日期"], &rows), rows.len())?;
    }
    Ok(offers)
}
