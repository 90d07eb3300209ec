//! Canteens that order by the day: schools, offices, works. In: days, what a middling shop is asked for. Out: their
//! orders, each customer in its own unit, and what the warehouse sends them. Never: an empty shelf, they are served first.

use crate::SampleSettings;
use crate::days::Day;
use crate::dirt::{FEWEST_ROWS, Kind, Soiling, Spoil};
use crate::files::Out;
use crate::products::Product;
use crate::shops::View;
use crate::text::{self, Rows};
use nongshi_domain::Seed;
use std::io;

const HEADER: &str = "客户,日期,单品编码,单品名称,大类,数量,单位,单价(元/公斤)\n";
/// One canteen on so many shops, and never fewer than three.
const SHOPS_A_CANTEEN: u32 = 6;
/// What a middling canteen takes of what a middling shop sells, and its log noise.
const SIZE: f64 = 0.55;
const NOISE: f64 = 0.18;
/// Share of the days on which a canteen leaves a dish out.
const LEFT_OUT: f64 = 0.35;
/// Price over the label's.
const PRICE: f64 = 0.88;
/// What a crate holds, grams, and how the canteens count: word and grams.
const UNITS: [(&str, i64); 3] = [("斤", 500), ("箱", 10_000), ("公斤", 1000)];
/// Kinds of customers, in turn.
const KINDS: [&str; 3] = ["学校食堂", "机关食堂", "工厂食堂"];
const SPOILS: [Spoil; 1] = [Spoil { column: 6, into: |_| "份".into(), rule: "unit", what: "an order by the portion" }];

/// One canteen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub name: String,
    kind: usize,
    place: usize,
}

/// All of them.
pub(crate) struct Canteens {
    customers: Vec<Customer>,
    seeds: Vec<Seed>,
}

/// The canteens of a chain of that size.
pub(crate) fn customers(settings: &SampleSettings) -> Vec<Customer> {
    let count = (settings.shops / SHOPS_A_CANTEEN).max(KINDS.len() as u32) as usize;
    let customer = |place: usize| {
        let kind = place % KINDS.len();
        Customer {
            name: format!("{}{}", ["第一", "第二", "第三", "第四", "第五"][place / KINDS.len() % 5], KINDS[kind]), kind, place
        }
    };
    (0..count.min(5 * KINDS.len())).map(customer).collect()
}

impl Canteens {
    pub fn new(settings: &SampleSettings) -> Canteens {
        let customers = customers(settings);
        let seed = settings.seed.derive("canteens");
        Canteens { seeds: customers.iter().map(|customer| seed.derive(&customer.name)).collect(), customers }
    }

    /// Writes the period; the answer is what they take, grams by day and product.
    pub fn write(&mut self, settings: &SampleSettings, view: &View<'_>, out: &mut Out<'_>) -> io::Result<Vec<Vec<i64>>> {
        let mut rows = Rows::default();
        let mut other_units = Vec::new();
        let mut sent = vec![vec![0; view.demand.products.len()]; view.period.days.len()];
        for (offset, place) in view.period.days.clone().enumerate() {
            let day = view.demand.calendar.days[place];
            let text = day.date.to_string();
            for (customer, seed) in self.customers.iter().zip(&mut self.seeds) {
                let (unit, grams_a_unit) = UNITS[customer.place % UNITS.len()];
                for (at, product) in view.demand.products.iter().enumerate() {
                    let (skipped, noise) = (seed.uniform() < LEFT_OUT, seed.normal());
                    let asked = view.asked[offset][at];
                    if skipped || !is_open(customer, day) || !is_cooked(product) || asked.grams <= 0.0 {
                        continue;
                    }
                    let grams = asked.grams / day.weekday_demand() / day.festival_demand() * SIZE * (NOISE * noise).exp();
                    let units = (grams / grams_a_unit as f64).ceil() as i64;
                    sent[offset][at] += units * grams_a_unit;
                    let group = product.traded().group.word();
                    rows.text(&customer.name).text(&text).text(&product.code).text(product.name_on(day.date)).text(group);
                    rows.count(units).text(unit).hundredths((asked.fen as f64 * PRICE) as i64).end();
                    if unit != "公斤" && other_units.iter().all(|(_, known, _)| *known != unit) {
                        other_units.push((rows.count, unit, (units * grams_a_unit) as u64));
                    }
                }
            }
        }
        let path = format!("inbox/canteens/canteens_{}.csv", view.period.stamp);
        let mut soiling = Soiling { feed: "canteens", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
        for (row, unit, grams) in other_units {
            soiling.note(Kind::OtherUnit { row, unit, grams }, "an order in a unit of its own");
        }
        if rows.count >= FEWEST_ROWS {
            let mut cells = text::cells(&rows.bytes);
            soiling.spoil(&mut cells, &SPOILS);
            soiling.repeat_a_row(&mut cells);
            (rows.bytes, rows.count) = (text::bytes(&cells), cells.len());
        }
        out.rows_of(&path, HEADER, &rows)?;
        Ok(sent)
    }
}

/// Schools cook in term, offices when they are open, works on all days but Sundays and the longest feast.
fn is_open(customer: &Customer, day: Day) -> bool {
    match customer.kind {
        0 => day.in_term && day.weekday() < 5 && !day.is_free,
        1 => day.weekday() < 5 && !day.is_free,
        _ => day.weekday() < 6 && !(-6..=1).contains(&day.to_spring_festival),
    }
}

/// What is cooked for many: what is weighed, in its common form.
fn is_cooked(product: &Product) -> bool {
    product.is_first && product.piece_grams.is_none()
}
