//! What three markets write of the true prices, each in its own way. In: days, true prices, a seed. Out: a file a year of
//! each. Never: a price of 0 but as dirt.

use crate::commodities::{COMMODITIES, Commodity, Group};
use crate::days::{Calendar, Day};
use crate::dirt::{FEWEST_ROWS, Kind, Soiling, Spoil};
use crate::files::{self, Out};
use crate::market::Prices;
use crate::text::Rows;
use chrono::Datelike;
use nongshi_domain::Seed;
use std::collections::BTreeMap;
use std::io;

/// 斤 in a kg.
const JIN_PER_KG: f64 = 2.0;
/// kg in a crate on the market of 珠江口.
pub(crate) const CRATE_KG: f64 = 15.0;
/// Prices are written to this part of a yuan.
const TICKS_PER_CNY: f64 = 20.0;

/// One market's habits.
struct Market {
    feed: &'static str,
    header: &'static [&'static str],
    /// Its price over the true one.
    basis: f64,
    /// Days around the feast without a quote: before (positive) to after, both within.
    closed: std::ops::RangeInclusive<i64>,
    /// Weekday (Monday is 0) on which it quotes; every day when none.
    weekday: Option<usize>,
    trades: fn(&Commodity) -> bool,
    /// The cells of a row: low, usual and high in CNY/kg.
    row: fn(&Commodity, Day, [f64; 3]) -> Vec<String>,
    spoils: &'static [Spoil],
    encode: fn(&[&str], &[Vec<String>]) -> Vec<u8>,
    ending: &'static str,
    encoding: Option<&'static str>,
}

const MARKETS: [Market; 3] = [
    Market {
        feed: "dongjiang",
        header: &["发布日期", "产品", "规格", "最低价(元/公斤)", "平均价(元/公斤)", "最高价(元/公斤)"],
        basis: 0.93,
        closed: -5..=1,
        weekday: None,
        trades: |commodity| commodity.group != Group::Fruit || commodity.months == (1, 12),
        row: |commodity, day, quote| {
            let name = [commodity.name.into(), "普通".into()];
            [day.date.to_string()].into_iter().chain(name).chain(quote.map(|price| format!("{price:.2}"))).collect()
        },
        spoils: &[
            Spoil { column: 4, into: |_| "面议".into(), rule: "number", what: "words instead of a price" },
            Spoil { column: 4, into: |_| "0.00".into(), rule: "range", what: "an average of 0" },
        ],
        encode: files::utf8_with_mark,
        ending: "csv",
        encoding: Some("BOM"),
    },
    Market {
        feed: "lingnan",
        header: &["日期", "类别", "品名", "最低", "均价", "最高", "单位"],
        basis: 1.0,
        closed: -2..=0,
        weekday: None,
        trades: |_| true,
        row: |commodity, day, quote| {
            let name = [commodity.group.word().into(), commodity.lingnan.into()];
            let quote = quote.map(|price| format!("{:.2}", price / JIN_PER_KG));
            [day.date.format("%Y/%m/%d").to_string()].into_iter().chain(name).chain(quote).chain(["斤".into()]).collect()
        },
        spoils: &[
            Spoil { column: 3, into: slipped, rule: "ordered", what: "a slipped decimal: low above high" },
            Spoil { column: 6, into: |_| "份".into(), rule: "unit", what: "a price by the portion" },
        ],
        encode: files::gbk,
        ending: "csv",
        encoding: Some("GBK"),
    },
    Market {
        feed: "zhujiangkou",
        header: &["day", "product", "group", "low", "price", "high", "unit"],
        basis: 1.06,
        closed: -8..=2,
        weekday: Some(3),
        trades: |commodity| matches!(commodity.group, Group::Fruit | Group::Eggs),
        row: |commodity, day, quote| {
            let name = [commodity.name.into(), commodity.group.word().into()];
            let quote = quote.map(|price| format!("{:.1}", price * CRATE_KG));
            [day.date.to_string()].into_iter().chain(name).chain(quote).chain(["元/箱".into()]).collect()
        },
        spoils: &[Spoil { column: 6, into: |_| "元/件".into(), rule: "unit", what: "a price by an unknown piece" }],
        encode: json,
        ending: "json",
        encoding: None,
    },
];

/// The decimal point one place to the right: `2.35` is written `23.5`.
fn slipped(price: &str) -> String {
    price.parse::<f64>().map_or(price.into(), |price| format!("{:.1}", price * 10.0))
}

/// An array of records, as a price board's page hands it out.
fn json(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let cell = |(name, text): (&&str, &String)| match text.parse::<f64>() {
        Ok(_) => format!("\"{name}\": {text}"),
        Err(_) => format!("\"{name}\": \"{text}\""),
    };
    let record = |row: &Vec<String>| format!("  {{{}}}", header.iter().zip(row).map(cell).collect::<Vec<_>>().join(", "));
    let records: Vec<String> = rows.iter().map(record).collect();
    format!("{{\"market\": \"珠江口果品市场\", \"records\": [\n{}\n]}}\n", records.join(",\n")).into_bytes()
}

/// A file a year of each market.
pub(crate) fn write(seed: Seed, calendar: &Calendar, prices: &Prices, out: &mut Out<'_>) -> io::Result<()> {
    for market in &MARKETS {
        let seed = seed.derive(market.feed);
        for (year, mut rows) in quotes(market, seed, calendar, prices) {
            let path = format!("inbox/prices/{}_{year}.{}", market.feed, market.ending);
            if rows.len() >= FEWEST_ROWS / 2 {
                let mut soiling = Soiling { feed: market.feed, path: &path, seed: seed.derive(&path), dirt: &mut out.dirt };
                if market.weekday.is_none() {
                    soiling.lose_a_day(&mut rows, 0);
                }
                soiling.spoil(&mut rows, market.spoils);
                soiling.repeat_a_row(&mut rows);
                if let Some(encoding) = market.encoding {
                    soiling.note(Kind::Encoding(encoding), "not plain UTF-8");
                }
            }
            out.table(&path, &(market.encode)(market.header, &rows), rows.len())?;
        }
    }
    truth(calendar, prices, out)
}

/// Rows by year; within a year by day, then by commodity. A market writes the last price again until it hears another.
fn quotes(market: &Market, seed: Seed, calendar: &Calendar, prices: &Prices) -> BTreeMap<i32, Vec<Vec<String>>> {
    let mut seeds: Vec<Seed> = COMMODITIES.iter().map(|commodity| seed.derive(commodity.name)).collect();
    let mut written: Vec<Option<[f64; 3]>> = vec![None; COMMODITIES.len()];
    let mut years: BTreeMap<i32, Vec<Vec<String>>> = BTreeMap::new();
    for (place, day) in calendar.days.iter().enumerate() {
        let is_open = !market.closed.contains(&day.to_spring_festival) && market.weekday.is_none_or(|weekday| weekday == day.weekday());
        let rows = years.entry(day.date.year()).or_default();
        for (at, commodity) in COMMODITIES.iter().enumerate() {
            let (chance, noise) = commodity.group.quoting();
            let seed = &mut seeds[at];
            let price = prices[at][place] * market.basis * (noise * seed.normal()).exp();
            let [news, below, above] = [(); 3].map(|()| seed.uniform());
            let is_traded = (market.trades)(commodity) && day.is_within(commodity.months);
            if !is_traded || !is_open {
                written[at] = if is_traded { written[at] } else { None };
                continue;
            }
            let fresh = [price * (0.96 - 0.08 * below), price, price * (1.04 + 0.08 * above)].map(tick);
            let quote = match written[at] {
                Some(last) if news >= chance && market.weekday.is_none() => last,
                _ => fresh,
            };
            written[at] = Some(quote);
            rows.push((market.row)(commodity, *day, quote));
        }
    }
    years.retain(|_, rows| !rows.is_empty());
    years
}

/// To the tick, and never 0.
fn tick(price: f64) -> f64 {
    (price * TICKS_PER_CNY).round().max(1.0) / TICKS_PER_CNY
}

fn truth(calendar: &Calendar, prices: &Prices, out: &mut Out<'_>) -> io::Result<()> {
    if !out.wants_truth() {
        return Ok(());
    }
    let mut rows = Rows::default();
    for (place, day) in calendar.days.iter().enumerate() {
        for (commodity, prices) in COMMODITIES.iter().zip(prices) {
            rows.text(commodity.name).text(&day.date.to_string()).text(&format!("{:.4}", prices[place])).end();
        }
    }
    out.truth_rows("truth/prices.csv", "commodity,day,price_cny_per_kg\n", &rows)
}
