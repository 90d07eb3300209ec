//! Writes the simulated chain into a folder: `cargo run --release -p nongshi-samples --example write -- DIR [--seed N]
//! [--shops N] [--products N] [--price-years N] [--sales-years N] [--stock-days N] [--receipt-days N] [--threads N]
//! [--last-day DATE] [--truth DIR] [--excerpts]`. In: a folder, sizes. Out: files, their size and rate. Never: a part of
//! the product.

use chrono::NaiveDate;
use nongshi_domain::Seed;
use nongshi_samples::{SampleSettings, Sink, excerpts, simulate};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Rows of an excerpt, besides the dirty ones.
const EXCERPT_ROWS: usize = 12;

/// Files below a folder, one open at a time.
struct Folder {
    root: PathBuf,
    open: Option<(String, BufWriter<File>)>,
    bytes: u64,
    files: u64,
}

impl Sink for Folder {
    fn append(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            if let Some((_, mut file)) = self.open.take() {
                file.flush()?;
            }
            let to = self.root.join(path);
            std::fs::create_dir_all(to.parent().unwrap_or(&self.root))?;
            let is_new = !to.exists();
            self.files += u64::from(is_new);
            let file = File::options().create(true).append(true).open(to)?;
            self.open = Some((path.into(), BufWriter::with_capacity(1 << 20, file)));
        }
        self.bytes += bytes.len() as u64;
        self.open.as_mut().map_or(Ok(()), |(_, file)| file.write_all(bytes))
    }
}

impl Folder {
    fn at(root: &Path) -> Folder {
        Folder { root: root.into(), open: None, bytes: 0, files: 0 }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let directory = words.next().ok_or("write DIR, then flags")?;
    let mut flags: BTreeMap<String, String> = BTreeMap::new();
    while let Some(flag) = words.next() {
        let value = if flag == "--excerpts" { String::new() } else { words.next().ok_or(format!("{flag} needs a value"))? };
        flags.insert(flag, value);
    }
    let mut settings = SampleSettings::demo(Seed(1), NaiveDate::from_ymd_opt(2026, 11, 22).ok_or("a day")?, 2);
    for (flag, value) in &flags {
        match flag.as_str() {
            "--seed" => settings.seed = Seed(value.parse()?),
            "--shops" => settings.shops = value.parse()?,
            "--products" => settings.products = value.parse()?,
            "--price-years" => settings.price_years = value.parse()?,
            "--sales-years" => settings.sales_years = value.parse()?,
            "--stock-days" => settings.stock_days = value.parse()?,
            "--receipt-days" => settings.receipt_days = value.parse()?,
            "--threads" => settings.threads = value.parse()?,
            "--last-day" => settings.last_day = value.parse()?,
            "--truth" | "--excerpts" => {}
            other => return Err(format!("{other} is no flag of this example").into()),
        }
    }
    let mut inbox = Folder::at(Path::new(&directory));
    if flags.contains_key("--excerpts") {
        for file in excerpts(&settings, EXCERPT_ROWS) {
            let path = inbox.root.join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap_or(&inbox.root))?;
            std::fs::write(path, &file.bytes)?;
        }
        return Ok(());
    }
    let mut truth = flags.get("--truth").map(|directory| Folder::at(Path::new(directory)));
    let since = Instant::now();
    let record = simulate(&settings, &mut inbox, truth.as_mut().map(|truth| truth as &mut dyn Sink))?;
    for folder in [Some(&mut inbox), truth.as_mut()].into_iter().flatten() {
        if let Some((_, file)) = &mut folder.open {
            file.flush()?;
        }
    }
    let seconds = since.elapsed().as_secs_f64();
    let million = |count: u64| count as f64 / 1e6;
    println!(
        "{:.2} million shop-product-days, {:.2} million rows, {} files, {:.1} MB in {seconds:.1} s: {:.2} million shop-product-days/s",
        million(record.shop_product_days),
        million(record.rows),
        inbox.files,
        million(inbox.bytes),
        million(record.shop_product_days) / seconds
    );
    Ok(())
}
