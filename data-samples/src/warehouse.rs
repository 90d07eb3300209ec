//! The warehouse behind the shops: what it takes in, sends out, makes, throws away. In: what shops and canteens were
//! sent. Out: its rows in the stock files, `inbox/processing`. Never: less than nothing in store.

use crate::dirt::{Soiling, Spoil};
use crate::files::Out;
use crate::products::Product;
use crate::shops::{STOCK, View};
use crate::text::{self, Rows};
use crate::{SampleSettings, dirt};
use nongshi_domain::Seed;
use std::io;

/// Its name in every system.
pub(crate) const NAME: &str = "配送中心";
const PROCESSING: &str = "地点,日期,投入编码,产出编码,投入(公斤),产出(公斤)\n";
/// Days of issues it wants in store, and the weight of a new day in what it expects.
const COVER_DAYS: f64 = 0.8;
const LEARNING: f64 = 0.15;
/// Share of what lies in store that is lost in a night, for what keeps a day.
const LOST: f64 = 0.05;
/// Log noise of what a kg of raw product gives.
const YIELD_NOISE: f64 = 0.03;
/// It takes in whole crates of so many grams.
const CRATE_GRAMS: i64 = 5000;
/// Rows of a period from which on something is wrong with them.
const FEWEST_PROCESSING_ROWS: usize = 100;
const SPOILS: [Spoil; 2] = [
    Spoil { column: 4, into: |kg| format!("-{kg}"), rule: "range", what: "less than nothing went in" },
    Spoil { column: 3, into: |_| String::new(), rule: "required", what: "nobody wrote what came out" },
];

/// What is in store.
pub(crate) struct Warehouse {
    seed: Seed,
    closing: Vec<i64>,
    expected: Vec<f64>,
    /// Periods with processing so far.
    told: usize,
}

impl Warehouse {
    pub fn new(seed: Seed, products: usize) -> Warehouse {
        Warehouse { seed, closing: vec![0; products], expected: vec![0.0; products], told: 0 }
    }

    /// Lives through the period and writes it. Both amounts are grams by day and product.
    pub fn write(
        &mut self,
        settings: &SampleSettings,
        view: &View<'_>,
        sent: &[Vec<i64>],
        canteens: &[Vec<i64>],
        out: &mut Out<'_>,
    ) -> io::Result<()> {
        let (mut stock, mut made) = (Rows::default(), Rows::default());
        for (offset, place) in view.period.days.clone().enumerate() {
            let text = view.demand.calendar.days[place].date.to_string();
            let is_told = place >= view.stock_from;
            for (at, product) in view.demand.products.iter().enumerate() {
                let noise = self.seed.normal();
                let (shops, issued) = (sent[offset][at], sent[offset][at] + canteens[offset][at]);
                let before = self.closing[at];
                let received = self.take_in(at, issued);
                let nights = f64::from(product.traded().shelf_life_days.max(1));
                let wasted = ((before as f64 * LOST / nights.sqrt()) as i64).min(before);
                self.closing[at] = before + received - issued - wasted;
                if is_told && (received, issued, before) != (0, 0, 0) {
                    stock.text(NAME).text(&text).text(&product.code).thousandths(received).thousandths(-issued);
                    stock.thousandths(wasted).thousandths(self.closing[at]).text("").end();
                }
                if let (Some(part), true, true) = (product.made, is_told, shops > 0) {
                    let raw = (shops as f64 / (part * (YIELD_NOISE * noise).exp())) as i64;
                    made.text(NAME).text(&text).text(&raw_of(product, view.demand.products).code).text(&product.code);
                    made.thousandths(raw).thousandths(shops).end();
                }
            }
        }
        let stamp = &view.period.stamp;
        if view.period.days.end <= view.stock_from {
            return Ok(());
        }
        out.rows_of(&format!("inbox/stock/stock_{stamp}.csv"), STOCK, &stock)?;
        let path = format!("inbox/processing/processing_{stamp}.csv");
        if made.count >= FEWEST_PROCESSING_ROWS {
            let mut soiling = Soiling { feed: "processing", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
            let mut rows = text::cells(&made.bytes);
            // a small file bears one bad row, a large one both
            let ways = if rows.len() >= dirt::FEWEST_ROWS { &SPOILS[..] } else { &SPOILS[self.told % 2..][..1] };
            soiling.spoil(&mut rows, if self.told.is_multiple_of(3) { ways } else { &[] });
            if self.told % 3 == 1 {
                soiling.repeat_a_row(&mut rows);
            }
            (made.bytes, made.count) = (text::bytes(&rows), rows.len());
        }
        self.told += 1;
        if made.count == 0 { Ok(()) } else { out.rows_of(&path, PROCESSING, &made) }
    }

    /// Crates for today and for what it expects of tomorrow.
    fn take_in(&mut self, at: usize, issued: i64) -> i64 {
        self.expected[at] += LEARNING * (issued as f64 - self.expected[at]);
        let short = issued as f64 + COVER_DAYS * self.expected[at] - self.closing[at] as f64;
        let least = issued - self.closing[at] + self.closing[at] / 2;
        let crates = (short.max(least as f64).max(0.0) / CRATE_GRAMS as f64).ceil() as i64;
        if issued == 0 && self.expected[at] < CRATE_GRAMS as f64 { 0 } else { crates * CRATE_GRAMS }
    }
}

/// The commodity's first product, which goes in.
fn raw_of<'a>(product: &'a Product, products: &'a [Product]) -> &'a Product {
    products.iter().find(|raw| raw.is_first && raw.commodity == product.commodity).unwrap_or(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_never_below_nothing() {
        let mut warehouse = Warehouse::new(Seed(1), 1);
        let mut seed = Seed(2);
        for day in 0..400 {
            let issued = if day % 50 < 40 { (30_000.0 * (0.8 * seed.normal()).exp()) as i64 } else { 0 };
            let before = warehouse.closing[0];
            let received = warehouse.take_in(0, issued);
            let wasted = (before as f64 * LOST) as i64;
            warehouse.closing[0] = before + received - issued - wasted;
            assert!(warehouse.closing[0] >= 0 && received >= 0, "day {day}: {before} + {received} - {issued} - {wasted}");
            assert!(warehouse.closing[0] < 400_000, "day {day}: {}", warehouse.closing[0]);
        }
    }
}
