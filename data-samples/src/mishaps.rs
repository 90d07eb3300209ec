//! What goes wrong with a period of sums and of stock: bad rows, a row told wrong and corrected, a shop that came late.
//! In: the first shop's rows. Out: dirty rows, later files, a record. Never: more than two bad rows in a file.

use crate::days::Calendar;
use crate::demand::Demand;
use crate::dirt::{FEWEST_ROWS, Kind, Soiling, Spoil};
use crate::files::Out;
use crate::shops::{Period, SALES, Written};
use crate::text::{self, Rows};
use crate::{SampleSettings, master};
use chrono::{Days, NaiveDate};
use std::io;

/// Days after the period on which a correction, and on which a shop's lost day comes in.
const CORRECTED_DAYS: u64 = 9;
const LATE_DAYS: u64 = 5;
/// The shop whose till is offline (as a place), and the day of the period.
const LATE_SHOP: usize = 1;
const LATE_DAY: usize = 11;
/// Periods, by number, in which sums are corrected and in which they come late; then again after so many.
const CORRECTED: usize = 4;
const LATE: usize = 6;
const AGAIN: usize = 12;
/// What goes wrong with the others' rows, in turn: with sums, with stock.
const SALES_SPOILS: [&[Spoil]; 3] = [
    &[],
    &[Spoil { column: 1, into: |_| String::new(), rule: "required", what: "a sale without a date" }],
    &[Spoil { column: 6, into: |quantity| format!("-{quantity}"), rule: "range", what: "a return" }],
];
const STOCK_SPOILS: [&[Spoil]; 3] = [
    &[Spoil { column: 6, into: |kg| format!("-1{kg}"), rule: "range", what: "stock below nothing" }],
    &[],
    &[Spoil { column: 3, into: |_| "#N/A".into(), rule: "number", what: "a spreadsheet's error instead of a number" }],
];

/// What goes wrong with one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Bad rows, by the period's number.
    Rows(usize),
    /// One amount is ten times too large until the correction comes.
    Corrected(NaiveDate),
    /// That shop's day, as a place of the calendar, comes later.
    Late { shop: String, place: usize, known_on: NaiveDate },
}

/// What comes after the period.
pub(crate) struct Aftermath<'a> {
    mishap: &'a Mishap,
    stamp: String,
    rows: Vec<Vec<String>>,
    late_on: Option<NaiveDate>,
}

/// The mishap of a period: later files are only written when their day has come.
pub(crate) fn of(settings: &SampleSettings, number: usize, period: &Period, calendar: &Calendar) -> Mishap {
    let last = calendar.days[period.days.end - 1].date;
    let is_month = period.days.len() > LATE_DAY + 1;
    let known_on = |days: u64| Some(last + Days::new(days)).filter(|day| is_month && *day < settings.last_day);
    match (number % AGAIN, known_on(CORRECTED_DAYS), known_on(LATE_DAYS)) {
        (CORRECTED, Some(day), _) => Mishap::Corrected(day),
        (LATE, _, Some(known_on)) if settings.shops as usize > LATE_SHOP => {
            Mishap::Late { shop: master::shop_name(LATE_SHOP), place: period.days.start + LATE_DAY, known_on }
        }
        _ => Mishap::Rows(number),
    }
}

impl Mishap {
    /// Whether that shop's day comes later.
    pub fn is_late(&self, shop: &str, place: usize) -> bool {
        matches!(self, Mishap::Late { shop: late, place: day, .. } if late == shop && *day == place)
    }
}

impl<'a> Aftermath<'a> {
    pub fn new(mishap: &'a Mishap, period: &Period, demand: &Demand<'_>) -> Aftermath<'a> {
        let late_on = match mishap {
            Mishap::Late { place, .. } => Some(demand.calendar.days[*place].date),
            _ => None,
        };
        Aftermath { mishap, stamp: period.stamp.clone(), rows: Vec::new(), late_on }
    }

    /// Spoils what the first shop wrote, and keeps what is late.
    pub fn soil(&mut self, settings: &SampleSettings, is_first: bool, written: &mut Written, out: &mut Out<'_>) {
        self.rows.extend(text::cells(&written.late.bytes));
        if !is_first {
            return;
        }
        let path = format!("inbox/sales/sales_{}.csv", self.stamp);
        let mut soiling = Soiling { feed: "sales", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
        match self.mishap {
            Mishap::Rows(number) => spoil(&mut written.sales, &mut soiling, *number, SALES_SPOILS[number % 3]),
            Mishap::Corrected(day) => self.rows.extend(slip(&mut written.sales, &mut soiling, *day)),
            Mishap::Late { .. } => {}
        }
        let path = format!("inbox/stock/stock_{}.csv", self.stamp);
        let mut soiling = Soiling { feed: "stock", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
        if let Mishap::Rows(number) = self.mishap {
            spoil(&mut written.stock, &mut soiling, number + 1, STOCK_SPOILS[number % 3]);
        }
    }

    /// The later file, when there is one.
    pub fn write(self, out: &mut Out<'_>) -> io::Result<()> {
        let known_on = match self.mishap {
            Mishap::Corrected(day) => *day,
            Mishap::Late { known_on, .. } => *known_on,
            Mishap::Rows(_) => return Ok(()),
        };
        let path = format!("inbox/sales/sales_{known_on}.csv");
        if let (Mishap::Late { shop, .. }, Some(day), false) = (self.mishap, self.late_on, self.rows.is_empty()) {
            let kind = Kind::Late { shop: shop.clone(), day, known_on, rows: self.rows.len() };
            out.dirt.push(crate::Dirt { feed: "sales", path: path.clone(), kind, what: "a shop's till was offline" });
        }
        let rows = Rows::of(text::bytes(&self.rows), self.rows.len());
        if rows.count == 0 { Ok(()) } else { out.rows_of(&path, SALES, &rows) }
    }
}

fn spoil(written: &mut Rows, soiling: &mut Soiling<'_>, number: usize, ways: &[Spoil]) {
    if written.count < FEWEST_ROWS {
        return;
    }
    let mut rows = text::cells(&written.bytes);
    soiling.spoil(&mut rows, ways);
    if number.is_multiple_of(3) {
        soiling.repeat_a_row(&mut rows);
    }
    (written.bytes, written.count) = (text::bytes(&rows), rows.len());
}

/// One amount ten times too large, and the row that puts it right.
fn slip(written: &mut Rows, soiling: &mut Soiling<'_>, known_on: NaiveDate) -> Option<Vec<String>> {
    if written.count < FEWEST_ROWS {
        return None;
    }
    let mut rows = text::cells(&written.bytes);
    // somewhere in the middle, a row by weight
    let middle = rows.len() / 2;
    let at = (middle..rows.len()).find(|at| rows[*at][6].contains('.') && rows[*at][6].len() > 5)?;
    let right = rows[at].clone();
    let wrong = right[6].replace('.', "");
    let (whole, part) = wrong.split_at(wrong.len() - 2);
    rows[at][6] = format!("{whole}.{part}");
    let kind = Kind::Corrected {
        shop: right[0].clone(),
        product: right[2].clone(),
        day: right[1].parse().ok()?,
        before: rows[at][6].clone(),
        after: right[6].clone(),
        known_on,
    };
    soiling.note(kind, "a slipped decimal, corrected later");
    written.bytes = text::bytes(&rows);
    Some(right)
}
