//! From rows to bytes, and the files that are the same for every seed. In: rows. Out: files.
//! Never: a file system.

use crate::chain::PRODUCTS;
use crate::dirt::Dirt;
use crate::{SampleFile, chain};
use chrono::NaiveDate;

/// The crop calendar.
pub(crate) const CROPS: &str = include_str!("../project/reference/crops.csv");
/// The land.
pub(crate) const PLOTS: &str = include_str!("../project/reference/plots.csv");

/// Path and text of what does not depend on the seed, in alphabetic order.
const PROJECT: &[(&str, &str)] = &[
    ("feeds/aliases.toml", include_str!("../project/feeds/aliases.toml")),
    ("feeds/crops.toml", include_str!("../project/feeds/crops.toml")),
    ("feeds/dongjiang.toml", include_str!("../project/feeds/dongjiang.toml")),
    ("feeds/lanes.toml", include_str!("../project/feeds/lanes.toml")),
    ("feeds/lingnan.toml", include_str!("../project/feeds/lingnan.toml")),
    ("feeds/plantings.toml", include_str!("../project/feeds/plantings.toml")),
    ("feeds/plots.toml", include_str!("../project/feeds/plots.toml")),
    ("feeds/products.toml", include_str!("../project/feeds/products.toml")),
    ("feeds/sales.toml", include_str!("../project/feeds/sales.toml")),
    ("nongshi.toml", include_str!("../project/nongshi.toml")),
    ("reference/aliases.csv", include_str!("../project/reference/aliases.csv")),
    ("reference/crops.csv", CROPS),
    ("reference/lanes.csv", include_str!("../project/reference/lanes.csv")),
    ("reference/plots.csv", PLOTS),
];
/// It says which day to run for.
const README: &str = include_str!("../project/README.md");
/// UTF-8's byte-order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Settings, contracts, reference files, and the README with the day written into it.
pub(crate) fn project(last_day: NaiveDate) -> Vec<SampleFile> {
    let file = |path: &str, text: &str| SampleFile { path: path.into(), bytes: text.as_bytes().to_vec() };
    let mut files: Vec<SampleFile> = PROJECT.iter().map(|(path, text)| file(path, text)).collect();
    files.push(file("README.md", &README.replace("{last_day}", &last_day.to_string())));
    files.push(products());
    files
}

/// The item master, as the tills know it.
fn products() -> SampleFile {
    let row = |product: &chain::Product| {
        let group = chain::COMMODITIES[chain::place_of(product.commodity)].group;
        let sold_by = if product.piece_kg.is_some() { "件" } else { "公斤" };
        [product.code, product.name, group, sold_by].map(String::from).into_iter().chain([format!("{:.2}", product.loss_share)]).collect()
    };
    let rows: Vec<Vec<String>> = PRODUCTS.iter().map(row).collect();
    SampleFile { path: "reference/products.csv".into(), bytes: utf8(&["code", "name", "group", "sold_by", "loss_share"], &rows) }
}

/// CSV in UTF-8.
pub(crate) fn utf8(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).expect("memory takes every record of one length");
    for row in rows {
        writer.write_record(row).expect("memory takes every record of one length");
    }
    writer.into_inner().expect("memory takes every byte")
}

/// CSV in UTF-8 with a byte-order mark in front, as spreadsheets save it.
pub(crate) fn utf8_with_mark(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    [MARK, utf8(header, rows).as_slice()].concat()
}

/// CSV in GBK, as older systems save it.
pub(crate) fn gbk(header: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let text = String::from_utf8(utf8(header, rows)).expect("texts were written");
    encoding_rs::GBK.encode(&text).0.into_owned()
}

/// One file of each feed that is simulated, cut short; the others lie in `project/` as they are. No record of ours holds a line break, and no byte of GBK is one.
pub(crate) fn excerpts(files: &[SampleFile], dirt: &[Dirt], rows: usize) -> Vec<SampleFile> {
    let mut found: Vec<SampleFile> = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".csv")) {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let feed = name.split(['_', '.']).next().unwrap_or(name);
        let is_dirty = dirt.iter().any(|dirt| dirt.path == file.path);
        let has_dirt = dirt.iter().any(|dirt| dirt.feed == feed);
        // the first dirty file of a feed that has dirt, the only file of one that has none
        let is_as_it_lies = PROJECT.iter().any(|(path, _)| *path == file.path);
        if is_as_it_lies || has_dirt && !is_dirty || found.iter().any(|known| known.path.starts_with(&format!("{feed}/"))) {
            continue;
        }
        let lines: Vec<&[u8]> = file.bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let dirty = dirt.iter().filter(|dirt| dirt.path == file.path).filter_map(|dirt| dirt.row).filter(|row| *row > rows);
        let kept = (0..=rows).chain(dirty).filter_map(|row| lines.get(row));
        found.push(SampleFile { path: format!("{feed}/{name}"), bytes: kept.flat_map(|line| line.to_vec()).collect() });
    }
    found
}
