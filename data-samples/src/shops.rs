//! All shops, period by period: sums of the tills, receipts, stock; and what the warehouse had to send. In: demand,
//! sizes. Out: files of sales, receipts and stock. Never: more than a few shops' period in memory, an order that hangs
//! on threads.

use crate::days::Calendar;
use crate::demand::{Asked, Demand};
use crate::files::Out;
use crate::products::Product;
use crate::shelf::{Outlook, Shelf, ShelfDay};
use crate::text::Rows;
use crate::{SampleSettings, canteens, master, mishaps, receipts, truth, warehouse};
use nongshi_domain::Seed;
use std::io;

/// Headers of the sums and of the stock.
pub(crate) const SALES: &str = "门店,日期,单品编码,单品名称,大类,渠道,数量,单价,小票行数,折扣行数\n";
pub(crate) const STOCK: &str = "地点,日期,单品编码,入库(公斤),调拨(公斤),报损(公斤),结存(公斤),售罄时点\n";
/// Channels as the tills call them: shop, then online.
pub(crate) const CHANNELS: [&str; 2] = ["门店", "线上"];
/// Days before the last one for which headquarters hands out weeks, not months.
const WEEKS_FOR_DAYS: usize = 63;
/// One shop in so many has the tills that hand out receipts, the first one always.
const NEW_TILLS_ONE_IN: usize = 3;
/// Shops a thread works on before what they wrote is put away.
const SHOPS_AT_ONCE: usize = 4;

/// Consecutive days that headquarters hands out as one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    /// Places of the calendar, half-open.
    pub days: std::ops::Range<usize>,
    /// As in the file's name.
    pub stamp: String,
}

/// One shop under way.
struct Shop {
    name: String,
    size: f64,
    has_new_tills: bool,
    shelves: Vec<Shelf>,
    seed: Seed,
}

/// What one shop wrote in one period.
#[derive(Default)]
pub(crate) struct Written {
    pub sales: Rows,
    pub stock: Rows,
    /// By day of the period.
    pub receipts: Vec<Rows>,
    pub truth: Rows,
    /// Grams the warehouse sent, by day of the period, then by product.
    pub sent: Vec<Vec<i64>>,
    pub listed: u64,
    /// What came late, when something did.
    pub late: Rows,
}

/// Months, and weeks at the end.
pub(crate) fn periods(calendar: &Calendar, first: usize) -> Vec<Period> {
    let end = calendar.days.len();
    let weeks_from =
        (first..end.saturating_sub(WEEKS_FOR_DAYS)).rev().find(|place| calendar.days[*place].ends_month()).map(|place| place + 1);
    let weeks_from = weeks_from.unwrap_or(first);
    let mut found = Vec::new();
    let mut from = first;
    for place in first..end {
        let day = calendar.days[place];
        let is_week_end = (end - 1 - place).is_multiple_of(7);
        if place < weeks_from && day.ends_month() {
            found.push(Period { days: from..place + 1, stamp: day.date.format("%Y-%m").to_string() });
            from = place + 1;
        } else if place >= weeks_from && is_week_end {
            found.push(Period { days: from..place + 1, stamp: day.date.to_string() });
            from = place + 1;
        }
    }
    found
}

/// Writes everything the shops and the warehouse write.
pub(crate) fn write(settings: &SampleSettings, demand: &Demand<'_>, out: &mut Out<'_>) -> io::Result<()> {
    let seed = settings.seed.derive("shops");
    let first = demand.calendar.place(settings.first_sale());
    let mut shops: Vec<Shop> = (0..settings.shops as usize).map(|place| shop(seed, place, demand.products)).collect();
    let mut warehouse = warehouse::Warehouse::new(settings.seed.derive("warehouse"), demand.products.len());
    let mut canteens = canteens::Canteens::new(settings);
    let end = demand.calendar.days.len();
    let stock_from = end.saturating_sub(settings.stock_days as usize).max(first);
    let receipts_from = end.saturating_sub(settings.receipt_days as usize).max(first);
    for (number, period) in periods(demand.calendar, first).iter().enumerate() {
        let asked: Vec<Vec<Asked>> =
            period.days.clone().map(|place| (0..demand.products.len()).map(|at| demand.asked(at, place)).collect()).collect();
        let mishap = mishaps::of(settings, number, period, demand.calendar);
        let view = View { demand, period, asked: &asked, stock_from, receipts_from, wants_truth: out.wants_truth(), mishap: &mishap };
        let mut after = mishaps::Aftermath::new(&mishap, period, demand);
        let mut sent = vec![vec![0; demand.products.len()]; period.days.len()];
        let mut pages: Vec<Rows> = (0..period.days.len()).map(|_| Rows::default()).collect();
        let at_once = (SHOPS_AT_ONCE * settings.threads.max(1) as usize).max(1);
        for (batch, some) in shops.chunks_mut(at_once).enumerate() {
            for (place, mut written) in live(some, &view, settings.threads).into_iter().enumerate() {
                after.soil(settings, batch + place == 0, &mut written, out);
                put(&view, written, &mut sent, &mut pages, out)?;
            }
        }
        after.write(out)?;
        receipts::write(settings, &view, pages, out)?;
        let canteen = canteens.write(settings, &view, out)?;
        warehouse.write(settings, &view, &sent, &canteen, out)?;
    }
    Ok(())
}

/// What all shops see of one period.
pub(crate) struct View<'a> {
    pub demand: &'a Demand<'a>,
    pub period: &'a Period,
    /// By day of the period, then by product.
    pub asked: &'a [Vec<Asked>],
    /// First places for which stock and receipts are kept.
    pub stock_from: usize,
    pub receipts_from: usize,
    pub wants_truth: bool,
    pub mishap: &'a mishaps::Mishap,
}

fn shop(seed: Seed, place: usize, products: &[Product]) -> Shop {
    let name = master::shop_name(place);
    let seed = seed.derive(&name);
    Shop {
        size: master::shop_size(place),
        has_new_tills: place.is_multiple_of(NEW_TILLS_ONE_IN),
        shelves: products.iter().map(|product| Shelf::new(seed.derive(&product.code))).collect(),
        seed: seed.derive("receipts"),
        name,
    }
}

/// Lets the shops live through the period, each on whatever thread is free; the answers are in the shops' order.
fn live(shops: &mut [Shop], view: &View<'_>, threads: u32) -> Vec<Written> {
    let part = shops.len().div_ceil(threads.max(1) as usize).max(1);
    std::thread::scope(|scope| {
        let under_way: Vec<_> = shops
            .chunks_mut(part)
            .map(|some| scope.spawn(move || some.iter_mut().map(|shop| shop.live(view)).collect::<Vec<_>>()))
            .collect();
        under_way.into_iter().flat_map(|thread| thread.join().expect("a shop does not panic")).collect()
    })
}

/// Puts away what one shop wrote.
fn put(view: &View<'_>, written: Written, sent: &mut [Vec<i64>], pages: &mut [Rows], out: &mut Out<'_>) -> io::Result<()> {
    let stamp = &view.period.stamp;
    out.shop_product_days += written.listed;
    if written.sales.count > 0 {
        out.rows_of(&format!("inbox/sales/sales_{stamp}.csv"), SALES, &written.sales)?;
    }
    if view.period.days.end > view.stock_from {
        out.rows_of(&format!("inbox/stock/stock_{stamp}.csv"), STOCK, &written.stock)?;
    }
    truth::demand(stamp, &written.truth, out)?;
    for (sum, part) in sent.iter_mut().zip(&written.sent) {
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
    }
    for (page, part) in pages.iter_mut().zip(&written.receipts) {
        page.bytes.extend_from_slice(&part.bytes);
        page.count += part.count;
    }
    Ok(())
}

impl Shop {
    fn live(&mut self, view: &View<'_>) -> Written {
        let mut written = Written::default();
        for (offset, place) in view.period.days.clone().enumerate() {
            let date = view.demand.calendar.days[place].date;
            let text = date.to_string();
            let mut page = receipts::Page::new(&self.name, date);
            let mut sent = vec![0; view.demand.products.len()];
            for (at, product) in view.demand.products.iter().enumerate() {
                let asked = view.asked[offset][at];
                if asked.grams <= 0.0 {
                    let wasted = self.shelves[at].clear();
                    if wasted > 0 && place >= view.stock_from {
                        stock(&mut written.stock, &self.name, &text, product, &ShelfDay { wasted, ..ShelfDay::default() });
                    }
                    continue;
                }
                written.listed += 1;
                let outlook = Outlook { grams: asked.grams * self.size, foreseen: asked.foreseen, online: asked.online };
                let day = self.shelves[at].live(product, outlook);
                sent[at] = day.received + day.transferred;
                if self.has_new_tills && place >= view.receipts_from {
                    page.sell(at, product.name_on(date), &asked, &day);
                } else {
                    let late = view.mishap.is_late(&self.name, place);
                    let rows = if late { &mut written.late } else { &mut written.sales };
                    sums(rows, &self.name, &text, product, product.name_on(date), &asked, &day);
                }
                if place >= view.stock_from {
                    stock(&mut written.stock, &self.name, &text, product, &day);
                }
                if view.wants_truth {
                    truth::row(&mut written.truth, &self.name, &text, product, &day);
                }
            }
            written.sent.push(sent);
            written.receipts.push(page.print(&mut self.seed, view.demand.products));
        }
        written
    }
}

/// The till's sums of one day.
fn sums(rows: &mut Rows, shop: &str, date: &str, product: &Product, name: &str, asked: &Asked, day: &ShelfDay) {
    for ((channel, grams), lines) in CHANNELS.iter().zip(day.sold).zip(day.lines) {
        if grams == 0 {
            continue;
        }
        rows.text(shop).text(date).text(&product.code).text(name).text(product.traded().group.word()).text(channel);
        match product.piece_grams {
            Some(piece) => rows.count(grams / piece),
            None => rows.thousandths(grams),
        };
        rows.hundredths(asked.fen).count(lines).count(if asked.is_cut { lines } else { 0 }).end();
    }
}

fn stock(rows: &mut Rows, shop: &str, date: &str, product: &Product, day: &ShelfDay) {
    rows.text(shop).text(date).text(&product.code).thousandths(day.received).thousandths(day.transferred);
    rows.thousandths(day.wasted).thousandths(day.closing);
    match day.sold_out_hour {
        Some(hour) => rows.count(hour),
        None => rows.text(""),
    };
    rows.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_follow_each_other_and_end_with_the_last_day() {
        for last in ["2026-11-22", "2024-02-29", "2025-01-01"] {
            let settings = SampleSettings::demo(Seed(1), last.parse().expect("a day"), 1);
            let calendar = Calendar::of(settings.first_day(), settings.last_day);
            let first = calendar.place(settings.first_sale());
            let found = periods(&calendar, first);
            assert_eq!((found[0].days.start, found[found.len() - 1].days.end), (first, calendar.days.len()));
            assert!(found.windows(2).all(|pair| pair[0].days.end == pair[1].days.start));
            assert!(found.iter().rev().take(9).all(|week| week.days.len() == 7), "{last}: weeks at the end");
            assert!(found.len() < 40, "{} files", found.len());
        }
    }
}
