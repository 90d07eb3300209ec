//! A simulated chain, seeded: what its operational systems would drop. In: a seed, sizes, the last day, sinks.
//! Out: the files of a whole project folder, a record of the dirt in them, and apart from both the hidden truth.
//! Never: a row of a real business, the clock, a file opened, code or features of our models.
//!
//! The way: `days` → `weather` → `market` (true prices, quotes) → `promotions` → `demand` → `shops` (shelves, tills, the warehouse)
//! and `farm` → `shipments`; each writes through `files`, and `dirt` spoils what it is given on the way.

mod canteens;
mod commodities;
mod days;
mod demand;
mod dirt;
mod excerpts;
mod farm;
mod files;
mod forms;
mod grain;
mod livestock;
mod market;
mod master;
mod mishaps;
mod products;
mod promotions;
mod quotes;
mod receipts;
mod shelf;
mod shipments;
mod shops;
mod sink;
mod text;
mod truth;
mod warehouse;
mod weather;

pub use dirt::{Dirt, Kind};
pub use excerpts::excerpts;
pub use sink::{InMemory, SampleFile, Sink};

use chrono::{Days, Months, NaiveDate};
use days::Calendar;
use demand::Demand;
use nongshi_domain::Seed;
use std::io;
use weather::Weather;

/// What to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSettings {
    /// Everything random follows from it.
    pub seed: Seed,
    /// Shops of the chain.
    pub shops: u32,
    /// Products the shops list.
    pub products: u32,
    /// Years of prices and weather, the last of which ends with `last_day`.
    pub price_years: u32,
    /// Years of sales, of promotions and of the bases' own papers; at most `price_years`.
    pub sales_years: u32,
    /// Days for which the warehouse system still holds stock, processing and shipments.
    pub stock_days: u32,
    /// Days for which the tills hand out receipts; before them there are sums by shop, product, day and channel.
    pub receipt_days: u32,
    /// The last day anything is known of.
    pub last_day: NaiveDate,
    /// Threads to use; the bytes do not depend on it.
    pub threads: u32,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// What is wrong on purpose, in order of path and row.
    pub dirt: Vec<Dirt>,
    /// Days on which a shop listed a product, summed over shops and products.
    pub shop_product_days: u64,
    /// Rows written into the inbox.
    pub rows: u64,
}

impl SampleSettings {
    /// The demo's size: 3 shops, 120 products, 6 years of prices.
    pub fn demo(seed: Seed, last_day: NaiveDate, threads: u32) -> SampleSettings {
        let (price_years, sales_years, stock_days, receipt_days) = (6, 2, 120, 35);
        SampleSettings { seed, shops: 3, products: 120, price_years, sales_years, stock_days, receipt_days, last_day, threads }
    }

    /// The first day of prices.
    pub fn first_day(&self) -> NaiveDate {
        self.years_back(self.price_years)
    }

    /// The first day of sales.
    pub fn first_sale(&self) -> NaiveDate {
        self.years_back(self.sales_years.min(self.price_years))
    }

    fn years_back(&self, years: u32) -> NaiveDate {
        self.last_day.checked_sub_months(Months::new(12 * years)).map_or(self.last_day, |day| day + Days::new(1))
    }
}

/// Writes the project folder into `inbox`, file after file, and into `truth`, where there is one, what the chain itself
/// cannot know. The same settings give the same bytes, on one thread or many.
pub fn simulate<'a>(settings: &SampleSettings, inbox: &'a mut dyn Sink, truth: Option<&'a mut dyn Sink>) -> io::Result<Record> {
    let calendar = Calendar::of(settings.first_day(), settings.last_day);
    let weather = Weather::of(settings.seed.derive("weather"), &calendar);
    let prices = market::prices(settings.seed.derive("market"), &calendar, &weather);
    let mut out = files::Out::new(inbox, truth);
    weather::write(settings, &calendar, &weather, &mut out)?;
    quotes::write(settings.seed, &calendar, &prices, &mut out)?;
    let farm = farm::write(settings, &calendar, &weather, &mut out)?;
    livestock::write(settings, &calendar, &mut out)?;
    grain::write(settings, &calendar, &farm, &mut out)?;
    shipments::write(settings, &calendar, &weather, &farm, &mut out)?;
    let products = products::products(settings, &calendar);
    master::write(settings, &calendar, &products, &mut out)?;
    let offers = promotions::write(settings, &calendar, &products, &mut out)?;
    let demand = Demand::of(settings.seed.derive("demand"), (&calendar, &weather, &prices), &products, &offers);
    shops::write(settings, &demand, &mut out)?;
    Ok(out.record())
}

/// The project folder in memory, in order of path.
pub fn sample(settings: &SampleSettings) -> (Vec<SampleFile>, Record) {
    let mut memory = InMemory::default();
    let record = simulate(settings, &mut memory, None).expect("memory takes every byte");
    (memory.into_files(), record)
}
