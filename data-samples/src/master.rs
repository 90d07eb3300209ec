//! Settings, contracts and reference files: what does not grow with the days. In: settings. Out: files of the project
//! folder. Never: a random number.

use crate::commodities::COMMODITIES;
use crate::days::{self, Calendar};
use crate::dirt::{Dirt, Kind};
use crate::files::{self, Out};
use crate::products::{self, Product};
use crate::{SampleSettings, canteens, farm, warehouse};
use chrono::{Datelike, Days};
use std::io;

/// Names of the first shops and how big each is beside a middling one; further ones are numbered.
const SHOPS: &[(&str, &str, f64)] = &[
    ("天河店", "天河区", 1.25),
    ("海珠店", "海珠区", 1.0),
    ("番禺店", "番禺区", 0.8),
    ("荔湾店", "荔湾区", 0.9),
    ("白云店", "白云区", 1.1),
    ("黄埔店", "黄埔区", 0.7),
];
/// m2 of sales floor of a middling shop.
const FLOOR_M2: f64 = 240.0;

/// Path and text of what is the same for everyone, in alphabetic order.
const PROJECT: &[(&str, &str)] = &[
    ("feeds/aliases.toml", include_str!("../project/feeds/aliases.toml")),
    ("feeds/bases.toml", include_str!("../project/feeds/bases.toml")),
    ("feeds/canteens.toml", include_str!("../project/feeds/canteens.toml")),
    ("feeds/cohorts.toml", include_str!("../project/feeds/cohorts.toml")),
    ("feeds/crops.toml", include_str!("../project/feeds/crops.toml")),
    ("feeds/dongjiang.toml", include_str!("../project/feeds/dongjiang.toml")),
    ("feeds/field_log.toml", include_str!("../project/feeds/field_log.toml")),
    ("feeds/grain_stocks.toml", include_str!("../project/feeds/grain_stocks.toml")),
    ("feeds/harvests.toml", include_str!("../project/feeds/harvests.toml")),
    ("feeds/holidays.toml", include_str!("../project/feeds/holidays.toml")),
    ("feeds/inspections.toml", include_str!("../project/feeds/inspections.toml")),
    ("feeds/lanes.toml", include_str!("../project/feeds/lanes.toml")),
    ("feeds/lingnan.toml", include_str!("../project/feeds/lingnan.toml")),
    ("feeds/plantings.toml", include_str!("../project/feeds/plantings.toml")),
    ("feeds/plots.toml", include_str!("../project/feeds/plots.toml")),
    ("feeds/pos.toml", include_str!("../project/feeds/pos.toml")),
    ("feeds/processing.toml", include_str!("../project/feeds/processing.toml")),
    ("feeds/products.toml", include_str!("../project/feeds/products.toml")),
    ("feeds/promotions.toml", include_str!("../project/feeds/promotions.toml")),
    ("feeds/sales.toml", include_str!("../project/feeds/sales.toml")),
    ("feeds/shipments.toml", include_str!("../project/feeds/shipments.toml")),
    ("feeds/shops.toml", include_str!("../project/feeds/shops.toml")),
    ("feeds/stock.toml", include_str!("../project/feeds/stock.toml")),
    ("feeds/weather.toml", include_str!("../project/feeds/weather.toml")),
    ("feeds/zhujiangkou.toml", include_str!("../project/feeds/zhujiangkou.toml")),
    ("nongshi.toml", include_str!("../project/nongshi.toml")),
    ("reference/bases.csv", include_str!("../project/reference/bases.csv")),
    ("reference/crops.csv", farm::CROPS),
    ("reference/lanes.csv", include_str!("../project/reference/lanes.csv")),
    ("reference/plots.csv", farm::PLOTS),
];
/// It says which day to run for.
const README: &str = include_str!("../project/README.md");

/// A shop's name; shops beyond the first are numbered.
pub(crate) fn shop_name(place: usize) -> String {
    SHOPS.get(place).map_or_else(|| format!("第{}店", place + 1), |(name, _, _)| name.to_string())
}

/// How big a shop is beside a middling one.
pub(crate) fn shop_size(place: usize) -> f64 {
    SHOPS[place % SHOPS.len()].2
}

/// Everything that can be said before anything has happened.
pub(crate) fn write(settings: &SampleSettings, calendar: &Calendar, products: &[Product], out: &mut Out<'_>) -> io::Result<()> {
    for (path, text) in PROJECT {
        out.file(path, text.as_bytes())?;
    }
    out.file("README.md", README.replace("{last_day}", &settings.last_day.to_string()).as_bytes())?;
    write_products(calendar, products, out)?;
    aliases(out)?;
    shops(settings, out)?;
    holidays(settings, out)?;
    truth(products, out)
}

/// The item master, as the tills know it.
fn write_products(calendar: &Calendar, products: &[Product], out: &mut Out<'_>) -> io::Result<()> {
    let header = ["code", "name", "group", "sold_by", "loss_share", "commodity", "piece_kg", "shelf_life_days", "listed_from", "listed_to"];
    let last = calendar.days.len() - 1;
    let row = |product: &Product| {
        let commodity = product.traded();
        let piece_kg = product.piece_grams.map(|grams| format!("{}", grams as f64 / 1000.0)).unwrap_or_default();
        let day = |place: usize| calendar.days[place].date.to_string();
        let to = if product.listed.1 < last { day(product.listed.1) } else { String::new() };
        vec![
            product.code.clone(),
            product.name.clone(),
            commodity.group.word().into(),
            if products::is_counted(&product.name) { "件" } else { "公斤" }.into(),
            format!("{:.3}", product.loss_share),
            commodity.name.into(),
            piece_kg,
            commodity.shelf_life_days.to_string(),
            day(product.listed.0),
            to,
        ]
    };
    for product in products {
        if let Some((from, on)) = &product.renamed {
            let kind = Kind::Renamed { product: product.code.clone(), from: from.clone(), to: product.name.clone(), on: *on };
            out.dirt.push(Dirt { feed: "sales", path: "inbox/sales".into(), kind, what: "a product is renamed" });
        }
    }
    let rows: Vec<Vec<String>> = products.iter().map(row).collect();
    out.table("reference/products.csv", &files::utf8(&header, &rows), rows.len())
}

/// Names on the market of 岭南 that are not ours.
fn aliases(out: &mut Out<'_>) -> io::Result<()> {
    let other = COMMODITIES.iter().filter(|commodity| commodity.lingnan != commodity.name);
    let rows: Vec<Vec<String>> = other.map(|commodity| vec![commodity.lingnan.into(), commodity.name.into()]).collect();
    out.table("reference/aliases.csv", &files::utf8(&["alias", "name"], &rows), rows.len())
}

fn shops(settings: &SampleSettings, out: &mut Out<'_>) -> io::Result<()> {
    let opened = |place: usize| settings.first_sale() - Days::new(200 + 37 * place as u64);
    let shop = |place: usize| {
        let (district, size) = (SHOPS[place % SHOPS.len()].1, shop_size(place));
        vec![shop_name(place), "门店".into(), district.into(), opened(place).to_string(), format!("{:.0}", FLOOR_M2 * size)]
    };
    let mut rows: Vec<Vec<String>> = (0..settings.shops as usize).map(shop).collect();
    let others = canteens::customers(settings).into_iter().map(|customer| (customer.name, "团餐"));
    for (name, kind) in others.chain([(warehouse::NAME.to_string(), "仓库")]) {
        rows.push(vec![name, kind.into(), String::new(), String::new(), String::new()]);
    }
    out.table("reference/shops.csv", &files::utf8(&["门店", "类型", "区", "开业日期", "面积(平方米)"], &rows), rows.len())
}

/// Holidays and school terms, a year ahead.
fn holidays(settings: &SampleSettings, out: &mut Out<'_>) -> io::Result<()> {
    let years = settings.first_day().year()..=settings.last_day.year() + 1;
    let row = |stretch: days::Stretch| vec![stretch.kind.into(), stretch.name, stretch.from.to_string(), stretch.to.to_string()];
    let rows: Vec<Vec<String>> = years.flat_map(days::stretches).map(row).collect();
    out.table("reference/holidays.csv", &files::utf8(&["kind", "name", "from_day", "to_day"], &rows), rows.len())
}

fn truth(products: &[Product], out: &mut Out<'_>) -> io::Result<()> {
    let row = |product: &Product| {
        vec![product.code.clone(), product.traded().name.into(), format!("{:.4}", product.elasticity), format!("{:.4}", product.growth)]
    };
    let rows: Vec<Vec<String>> = products.iter().map(row).collect();
    out.truth("truth/products.csv", &files::utf8(&["product", "commodity", "own_price_elasticity", "log_growth_a_year"], &rows))
}
