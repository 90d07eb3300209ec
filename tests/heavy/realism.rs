//! Whether the simulated chain behaves as real ones do. In: the demo's size, simulated; the real panels beside the
//! repository. Out: a table of both, and a verdict. Never: a statistic that the models use.
//!
//! Without ../shared the test says that it was skipped; under CI that is a failure.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use nongshi_domain::Seed;
use nongshi_samples::{InMemory, SampleSettings, simulate};
use std::collections::BTreeMap;
use std::path::Path;

/// One series' statistic; none where the series is too short or constant.
type Statistic = fn(&[f64]) -> Option<f64>;

/// Daily panels: 4 weeks ahead on a weekly scale, as ../shared/data/README.md scores them.
const DAILY: &[(&str, Statistic)] = &[
    ("naive MASE, 28 days", |y| naive_mase(y, 28, 7)),
    ("sd of daily log change", |y| deviation(&changes(y))),
    ("share of unchanged days", |y| Some(y.windows(2).filter(|pair| pair[0] == pair[1]).count() as f64 / (y.len() - 1) as f64)),
    ("strength of the year", |y| strength(&logs(y), 365)),
    ("autocorrelation of the log, 1 day", |y| autocorrelation(&logs(y), 1)),
    ("autocorrelation of the log, 28 days", |y| autocorrelation(&logs(y), 28)),
];
/// Weekly panels.
const WEEKLY: &[(&str, Statistic)] = &[
    ("naive MASE, 13 weeks", |y| naive_mase(y, 13, 52)),
    ("sd of weekly log change", |y| deviation(&changes(y))),
    ("autocorrelation of the log, 4 weeks", |y| autocorrelation(&logs(y), 4)),
    ("autocorrelation of the change, 1 week", |y| autocorrelation(&changes(y), 1)),
];
/// Daily sales.
const SALES: &[(&str, Statistic)] = &[
    ("naive MASE, 14 days", |y| naive_mase(y, 14, 7)),
    ("share of zero days", |y| Some(y.iter().filter(|value| **value == 0.0).count() as f64 / y.len() as f64)),
    ("strength of the week", |y| strength(y, 7)),
    ("coefficient of variation", |y| Some(deviation(y)? / mean(y))),
    ("autocorrelation, 1 day", |y| autocorrelation(y, 1)),
    ("autocorrelation, 7 days", |y| autocorrelation(y, 7)),
];
/// Days of the shops' panel.
const QUARTER_DAYS: usize = 90;
/// Series shorter than this say nothing about a year.
const LEAST_DAYS: usize = 700;

#[tokio::test]
async fn the_simulated_chain_behaves_as_real_ones_do() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !shared.exists() {
        assert!(std::env::var_os("CI").is_none(), "the real panels must lie beside the repository under CI");
        println!("skipped: no ../shared/data beside the repository");
        return;
    }
    let chain = Chain::simulate();
    let panel = |name: &str| shared.join(format!("panels/{name}.parquet"));
    let mut table = Table::default();
    table.compare("vegetables, daily", DAILY, &chain.daily("vegetables"), &real(&panel("xinfadi_daily")).await);
    table.compare("fruit, daily", DAILY, &chain.daily("fruit"), &real(&panel("fruit_daily")).await);
    table.compare("vegetables, weekly", WEEKLY, &chain.weekly("vegetables"), &real(&panel("xinfadi_weekly")).await);
    table.compare("meat, weekly", WEEKLY, &chain.weekly("meat"), &real(&panel("meat_weekly")).await);
    table.compare("sales, years", SALES, &chain.sales(), &real(&panel("supermarket_daily")).await);
    // the shops of the other panel are known for 90 days
    let quarter: Vec<Vec<f64>> = chain.sales().iter().map(|days| days[days.len() - QUARTER_DAYS..].to_vec()).collect();
    table.compare("sales, 90 days", SALES, &quarter, &fresh(&shared.join("fresh")).await);
    table.row("stock", "share of days with an empty shelf", &[chain.empty_share()], &empty_shares(&shared.join("fresh")).await);
    table.end();
}

/// What the simulator wrote, as series.
struct Chain {
    /// By category and commodity: the price of each day, carried forward where the market was closed.
    prices: BTreeMap<(&'static str, String), Vec<f64>>,
    /// By shop and product.
    sold: BTreeMap<(String, String), Vec<f64>>,
    empty: (usize, usize),
}

impl Chain {
    fn simulate() -> Chain {
        let settings = SampleSettings::demo(Seed(20_260_101), "2026-11-22".parse().expect("a day"), 2);
        let (mut inbox, mut truth) = (InMemory::default(), InMemory::default());
        simulate(&settings, &mut inbox, Some(&mut truth)).expect("memory takes every byte");
        let (inbox, truth) = (inbox.into_files(), truth.into_files());
        let rows = |files: &[nongshi_samples::SampleFile], prefix: &str| -> Vec<Vec<String>> {
            let texts =
                files.iter().filter(|file| file.path.starts_with(prefix)).map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
            texts
                .flat_map(|text| text.lines().skip(1).map(|line| line.split(',').map(String::from).collect()).collect::<Vec<_>>())
                .collect()
        };
        let mut quoted: BTreeMap<String, BTreeMap<chrono::NaiveDate, f64>> = BTreeMap::new();
        for row in rows(&inbox, "inbox/prices/dongjiang") {
            if let (Ok(day), Ok(price)) = (row[0].trim_start_matches('\u{feff}').parse(), row[4].parse::<f64>())
                && price > 0.0
            {
                quoted.entry(row[1].clone()).or_default().insert(day, price);
            }
        }
        let prices = quoted.into_iter().map(|(name, days)| ((category(&name), name), carried(&days))).collect();
        let mut sold: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        for row in rows(&truth, "truth/demand") {
            sold.entry((row[0].clone(), row[1].clone())).or_default().push(row[5].parse().expect("kg"));
        }
        let stock: Vec<Vec<String>> = rows(&inbox, "inbox/stock").into_iter().filter(|row| row[0] != "配送中心").collect();
        let empty = (stock.iter().filter(|row| !row[7].is_empty()).count(), stock.len());
        Chain { prices, sold, empty }
    }

    fn daily(&self, category: &str) -> Vec<Vec<f64>> {
        self.prices.iter().filter(|((known, _), _)| *known == category).map(|(_, days)| days.clone()).collect()
    }

    fn weekly(&self, category: &str) -> Vec<Vec<f64>> {
        self.daily(category).iter().map(|days| days.chunks_exact(7).map(mean).collect()).collect()
    }

    fn sales(&self) -> Vec<Vec<f64>> {
        self.sold.values().filter(|days| days.len() >= LEAST_DAYS).cloned().collect()
    }

    fn empty_share(&self) -> f64 {
        self.empty.0 as f64 / self.empty.1 as f64
    }
}

fn category(name: &str) -> &'static str {
    match name {
        "生猪" | "黄羽鸡" | "牛肉" | "鸭" => "meat",
        "鸡蛋" | "鸭蛋" => "eggs",
        "早稻" | "晚稻" | "花生" | "花生油" | "黄豆" => "grain_oil",
        "香蕉" | "西瓜" | "柑橘" | "柚子" | "苹果" | "葡萄" => "fruit",
        _ => "vegetables",
    }
}

fn carried(days: &BTreeMap<chrono::NaiveDate, f64>) -> Vec<f64> {
    let (Some((first, price)), Some((last, _))) = (days.first_key_value(), days.last_key_value()) else { return Vec::new() };
    let mut known = *price;
    let mut price = |day: chrono::NaiveDate| {
        known = days.get(&day).copied().unwrap_or(known);
        known
    };
    first.iter_days().take_while(|day| day <= last).map(&mut price).collect()
}

/// The series of a panel.
async fn real(path: &Path) -> Vec<Vec<f64>> {
    let ctx = SessionContext::new();
    ctx.register_parquet("panel", path.to_str().expect("a plain path"), ParquetReadOptions::default()).await.expect("a panel");
    series(&ctx, "select cast(unique_id as varchar) as id, cast(y as double) as y from panel order by unique_id, ds").await
}

async fn series(ctx: &SessionContext, query: &str) -> Vec<Vec<f64>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for batch in ctx.sql(query).await.expect("a query").collect().await.expect("an answer") {
        let ids = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8).expect("text");
        let (ids, values) = (ids.as_string::<i32>(), batch.column(1).as_primitive::<Float64Type>());
        for row in (0..batch.num_rows()).filter(|row| values.is_valid(*row)) {
            found.entry(ids.value(row).into()).or_default().push(values.value(row));
        }
    }
    found.into_values().collect()
}

async fn shops(folder: &Path) -> SessionContext {
    let ctx = SessionContext::new();
    ctx.register_parquet("fresh", folder.to_str().expect("a plain path"), ParquetReadOptions::default()).await.expect("shops");
    ctx
}

/// Shops of one city: every tenth series.
async fn fresh(folder: &Path) -> Vec<Vec<f64>> {
    let query = "select concat(cast(store_id as varchar), '/', cast(product_id as varchar)) as id, cast(sale_amount as double) as y \
                 from fresh where city_id = 0 and product_id % 10 = 0 order by store_id, product_id, dt";
    series(&shops(folder).await, query).await
}

/// By city: share of days with an hour without stock.
async fn empty_shares(folder: &Path) -> Vec<f64> {
    let query = "select cast(city_id as varchar) as id, avg(case when stockout_hours_6_22 > 0 then 1.0 else 0.0 end) as y \
                 from fresh group by city_id";
    series(&shops(folder).await, query).await.into_iter().flatten().collect()
}

/// Both sides by name.
#[derive(Default)]
struct Table {
    outside: Vec<String>,
}

impl Table {
    fn compare(&mut self, panel: &str, statistics: &[(&str, Statistic)], simulated: &[Vec<f64>], real: &[Vec<f64>]) {
        let of = |panel: &[Vec<f64>], statistic: Statistic| panel.iter().filter_map(|y| statistic(y)).collect::<Vec<f64>>();
        for (name, statistic) in statistics {
            self.row(panel, name, &of(simulated, *statistic), &of(real, *statistic));
        }
    }

    /// The middle of the simulated series must lie between the real ones' 5th and 95th hundredth.
    fn row(&mut self, panel: &str, name: &str, simulated: &[f64], real: &[f64]) {
        let (middle, low, high) = (quantile(simulated, 0.5), quantile(real, 0.05), quantile(real, 0.95));
        let is_inside = (low..=high).contains(&middle);
        let line = format!(
            "{panel:<20} {name:<40} {middle:>7.3} of {:<4} real {low:>7.3} {:>7.3} {high:>7.3} of {:<4} {}",
            simulated.len(),
            quantile(real, 0.5),
            real.len(),
            if is_inside { "inside" } else { "OUTSIDE" }
        );
        println!("{line}");
        if !is_inside {
            self.outside.push(line);
        }
    }

    fn end(self) {
        assert!(self.outside.is_empty(), "outside the range of real panels:\n{}", self.outside.join("\n"));
    }
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> Option<f64> {
    let middle = mean(values);
    let variance = values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / values.len() as f64;
    (variance > 0.0).then(|| variance.sqrt())
}

fn logs(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.ln()).collect()
}

fn changes(values: &[f64]) -> Vec<f64> {
    values.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}

/// Mean over three origins of |y - last| over the in-sample mean of |y(t) - y(t - season)|.
fn naive_mase(y: &[f64], horizon: usize, season: usize) -> Option<f64> {
    let of_origin = |back: usize| {
        let cut = y.len().checked_sub(horizon * (back + 1)).filter(|cut| *cut > season)?;
        let (known, future) = (&y[..cut], &y[cut..cut + horizon]);
        let scale = mean(&known.iter().zip(&known[season..]).map(|(before, after)| (after - before).abs()).collect::<Vec<_>>());
        (scale > 0.0).then(|| mean(&future.iter().map(|value| (value - known[cut - 1]).abs()).collect::<Vec<_>>()) / scale)
    };
    let found: Vec<f64> = (0..3).filter_map(of_origin).collect();
    (!found.is_empty()).then(|| mean(&found))
}

fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    let middle = mean(values);
    let whole: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    let product: f64 = values.iter().zip(values.get(lag..)?).map(|(before, after)| (before - middle) * (after - middle)).sum();
    (whole > 0.0).then(|| product / whole)
}

/// 1 - var(remainder) / var(season + remainder) by moving averages. Source: Hyndman and Athanasopoulos, Forecasting:
/// Principles and Practice, 3rd edition, 2021, section 4.3.
fn strength(values: &[f64], season: usize) -> Option<f64> {
    if values.len() < 2 * season + season / 2 {
        return None;
    }
    let half = season / 2;
    let trend = |at: usize| mean(&values[at - half..at - half + 2 * half + 1]);
    let rest: Vec<(usize, f64)> = (half..values.len() - half).map(|at| (at % season, values[at] - trend(at))).collect();
    let mut sums = vec![(0.0, 0.0); season];
    for (place, value) in &rest {
        sums[*place] = (sums[*place].0 + value, sums[*place].1 + 1.0);
    }
    let seasonal: Vec<f64> = sums.iter().map(|(sum, count)| if *count > 0.0 { sum / count } else { 0.0 }).collect();
    let remainder: Vec<f64> = rest.iter().map(|(place, value)| value - seasonal[*place]).collect();
    let all: Vec<f64> = rest.iter().map(|(_, value)| *value).collect();
    Some((1.0 - (deviation(&remainder).unwrap_or(0.0) / deviation(&all)?).powi(2)).max(0.0))
}
