//! Receipts of the new tills: lines, members, payment. In: what a shop sold of each product on a day. Out: a file a day.
//! Never: a line that the day's sum does not hold.

use crate::demand::Asked;
use crate::dirt::{Dirt, Kind, Soiling, Spoil};
use crate::files::Out;
use crate::products::Product;
use crate::shelf::ShelfDay;
use crate::shops::{CHANNELS, View};
use crate::text::{self, Rows};
use crate::{SampleSettings, shelf};
use chrono::NaiveDate;
use nongshi_domain::Seed;
use std::io;

const HEADER: &str = "门店,流水号,行号,时间,单品编码,单品名称,大类,渠道,会员等级,支付方式,促销,数量,单价\n";
/// Lines of a receipt, in the shop and online.
const LINES: [f64; 2] = [3.2, 5.0];
/// Members by tier: word and share of the receipts; the rest are no members.
const TIERS: [(&str, f64); 3] = [("普通会员", 0.32), ("银卡", 0.17), ("金卡", 0.08)];
/// Share of the shops' receipts paid in cash, share of the members' paid from stored value.
const CASH: f64 = 0.09;
const STORED: f64 = 0.25;
/// Days counted from the first of the receipts on which a file breaks off, never comes, or holds bad rows.
const BROKEN_DAY: usize = 12;
const MISSING_DAY: usize = 17;
const DIRTY_DAYS: [(usize, &[Spoil]); 2] = [
    (4, &[Spoil { column: 11, into: |quantity| format!("-{quantity}"), rule: "range", what: "a return" }]),
    (23, &[Spoil { column: 12, into: |_| "时价".into(), rule: "number", what: "a word instead of a price" }]),
];
/// Part of the file after which it breaks off.
const BROKEN_AT: f64 = 0.7;

/// What one shop sold on one day.
pub(crate) struct Page<'a> {
    shop: &'a str,
    date: NaiveDate,
    sold: Vec<(usize, String, Asked, ShelfDay)>,
}

/// One line of a receipt.
struct Line {
    receipt: usize,
    product: usize,
    units: i64,
}

impl<'a> Page<'a> {
    pub fn new(shop: &'a str, date: NaiveDate) -> Page<'a> {
        Page { shop, date, sold: Vec::new() }
    }

    /// A product's day.
    pub fn sell(&mut self, product: usize, name: &str, asked: &Asked, day: &ShelfDay) {
        self.sold.push((product, name.into(), *asked, *day));
    }

    /// The day's receipts, in the order of time.
    pub fn print(self, seed: &mut Seed, products: &[Product]) -> Rows {
        let mut rows = Rows::default();
        let mut number = 0;
        for (channel, word) in CHANNELS.iter().enumerate() {
            let lines: i64 = self.sold.iter().map(|(_, _, _, day)| day.lines[channel]).sum();
            if lines == 0 {
                continue;
            }
            let receipts = (lines as f64 / LINES[channel]).ceil() as usize;
            let mut printed = self.lines(channel, receipts, seed, products);
            printed.sort_by_key(|line| (line.receipt, line.product));
            let buyers: Vec<(&str, &str)> = (0..receipts).map(|_| buyer(channel, seed)).collect();
            let mut at = 0;
            for (place, line) in printed.iter().enumerate() {
                at = if place > 0 && printed[place - 1].receipt == line.receipt { at + 1 } else { 1 };
                let time = time_of((line.receipt as f64 + 0.5) / receipts as f64);
                let (product, name, asked, _) = &self.sold[line.product];
                let product = &products[*product];
                rows.text(self.shop).text(&format!("{}{:05}", self.date.format("%Y%m%d"), number + line.receipt + 1)).count(at);
                rows.text(&format!("{} {time}", self.date)).text(&product.code).text(name).text(product.traded().group.word());
                rows.text(word).text(buyers[line.receipt].0).text(buyers[line.receipt].1);
                rows.text(if asked.is_cut { "特价" } else { "" });
                match product.piece_grams {
                    Some(_) => rows.count(line.units),
                    None => rows.thousandths(line.units),
                };
                rows.hundredths(asked.fen).end();
            }
            number += receipts;
        }
        rows
    }

    /// The sums taken apart, each exactly.
    fn lines(&self, channel: usize, receipts: usize, seed: &mut Seed, products: &[Product]) -> Vec<Line> {
        let mut printed = Vec::new();
        for (place, (at, _, _, day)) in self.sold.iter().enumerate() {
            let units = day.sold[channel] / products[*at].piece_grams.unwrap_or(1);
            let lines = day.lines[channel].min(units);
            let weights: Vec<f64> = (0..lines).map(|_| 0.5 + seed.uniform()).collect();
            let whole: f64 = weights.iter().sum();
            let (mut sum, mut told) = (0.0, 0);
            for weight in weights {
                sum += weight;
                let so_far = (units as f64 * sum / whole).round() as i64;
                let receipt = (seed.uniform() * receipts as f64) as usize;
                if so_far > told {
                    printed.push(Line { receipt, product: place, units: so_far - told });
                }
                told = so_far;
            }
        }
        printed
    }
}

/// Tier and payment.
fn buyer(channel: usize, seed: &mut Seed) -> (&'static str, &'static str) {
    let [mut tier, cash, stored] = [(); 3].map(|()| seed.uniform());
    let found = TIERS.iter().find(|(_, share)| {
        tier -= share;
        tier < 0.0
    });
    let word = found.map_or("", |(word, _)| word);
    let payment = match (word.is_empty(), channel) {
        (false, _) if stored < STORED => "储值",
        (_, 0) if cash < CASH => "现金",
        _ => "手机",
    };
    (word, payment)
}

/// The time at which that part of the day's customers had come.
fn time_of(part: f64) -> String {
    let hour = shelf::CAME_BY.iter().position(|by| *by >= part).unwrap_or(shelf::CAME_BY.len() - 1);
    let before = hour.checked_sub(1).map_or(0.0, |hour| shelf::CAME_BY[hour]);
    let within = (part - before) / (shelf::CAME_BY[hour] - before);
    // the first hour has only its second half
    let minute = if hour == 0 { 30.0 + 29.0 * within } else { 59.0 * within };
    format!("{:02}:{:02}", shelf::OPENS as usize + hour, minute as usize)
}

/// Writes the days' files, and what goes wrong with some of them.
pub(crate) fn write(settings: &SampleSettings, view: &View<'_>, pages: Vec<Rows>, out: &mut Out<'_>) -> io::Result<()> {
    for (mut page, place) in pages.into_iter().zip(view.period.days.clone()) {
        if page.count == 0 {
            continue;
        }
        let date = view.demand.calendar.days[place].date;
        let path = format!("inbox/pos/pos_{date}.csv");
        let day = place - view.receipts_from;
        if day == MISSING_DAY {
            out.dirt.push(Dirt { feed: "pos", path, kind: Kind::MissingDay(date), what: "the day's file never came" });
            continue;
        }
        let mut soiling = Soiling { feed: "pos", path: &path, seed: settings.seed.derive(&path), dirt: &mut out.dirt };
        if let Some((_, ways)) = DIRTY_DAYS.iter().find(|(dirty, _)| *dirty == day) {
            let mut rows = text::cells(&page.bytes);
            soiling.spoil(&mut rows, ways);
            soiling.repeat_a_row(&mut rows);
            (page.bytes, page.count) = (text::bytes(&rows), rows.len());
        }
        if day == BROKEN_DAY {
            let broken = broken(&page);
            soiling.note(Kind::Rejected { row: broken.count, rule: "fields" }, "the file breaks off; the whole comes later");
            out.rows_of(&path, HEADER, &broken)?;
            out.rows_of(&format!("inbox/pos/pos_{date}_whole.csv"), HEADER, &page)?;
            continue;
        }
        out.rows_of(&path, HEADER, &page)?;
    }
    Ok(())
}

/// The first part of a file, up to the middle of a row.
fn broken(page: &Rows) -> Rows {
    let near = (page.bytes.len() as f64 * BROKEN_AT) as usize;
    let row = page.bytes[..near].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    // two cells and the comma behind them are left of the last row
    let cells: Vec<usize> = page.bytes[row..].iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(at, _)| at).take(3).collect();
    let end = row + cells.last().copied().unwrap_or(0);
    let count = page.bytes[..end].iter().filter(|byte| **byte == b'\n').count() + 1;
    Rows::of(page.bytes[..end].to_vec(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_runs_from_opening_to_closing() {
        assert!(time_of(0.0).starts_with("06:3") && time_of(0.999).starts_with("21:"), "{} {}", time_of(0.0), time_of(0.999));
        let times: Vec<String> = (0..100).map(|part| time_of(f64::from(part) / 100.0)).collect();
        assert!(times.is_sorted());
    }
}
