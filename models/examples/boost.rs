//! Grows boosters from a table and prints how well they do, to be held against other programs on the same table.
//! In: a CSV file (`part`: 0 learnt, 1 tested; `target`; columns, empty: missing), and rounds and threads if they are not
//! 300 and 1. Out: one line a loss. Never: a quiet guess about a cell it cannot read.
//!
//! `cargo run --release -p nongshi-models --example boost -- TABLE.csv 300 1`

use nongshi_domain::Seed;
use nongshi_models::forecasting::boost::{Binned, BoostSettings, Lesson, Loss, MOST_BINS, fit};
use std::error::Error;
use std::time::Instant;

struct Table {
    columns: Vec<Vec<f32>>,
    targets: Vec<f64>,
}

impl Table {
    fn borrowed(&self) -> Vec<&[f32]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }
}

/// The learnt and the tested rows of a file.
fn read(path: &str) -> Result<[Table; 2], Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines();
    let width = lines.next().ok_or("an empty file")?.split(',').count().saturating_sub(2);
    let mut tables = [(); 2].map(|()| Table { columns: vec![Vec::new(); width], targets: Vec::new() });
    for line in lines {
        let mut cells = line.split(',');
        let part: usize = cells.next().ok_or("no part")?.parse()?;
        let table = tables.get_mut(part).ok_or("`part` is 0 or 1")?;
        table.targets.push(cells.next().ok_or("no target")?.parse()?);
        for column in &mut table.columns {
            let cell = cells.next().ok_or("a short line")?;
            column.push(if cell.is_empty() { f32::NAN } else { cell.parse()? });
        }
    }
    Ok(tables)
}

/// Seconds of processor time so far, where the system tells.
fn processor_secs() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("usage: boost TABLE.csv [ROUNDS] [THREADS]")?;
    let rounds = arguments.get(1).map_or(Ok(300), |text| text.parse())?;
    let threads = arguments.get(2).map_or(Ok(1), |text| text.parse())?;
    let [learnt, tested] = read(path)?;
    let (clock, before) = (Instant::now(), processor_secs());
    let binned = Binned::new(&learnt.borrowed(), MOST_BINS)?;
    println!(
        "{} rows of {} columns binned in {:.2} s ({:.2} s of the main thread)",
        binned.rows(),
        binned.columns(),
        clock.elapsed().as_secs_f64(),
        processor_secs() - before
    );
    for loss in [Loss::Absolute, Loss::Squared, Loss::Tweedie(1.3), Loss::Quantile(0.1), Loss::Quantile(0.9)] {
        let (clock, before) = (Instant::now(), processor_secs());
        let lesson = Lesson { binned: &binned, targets: &learnt.targets, weights: None, held_out: &[] };
        let booster = fit(&lesson, &BoostSettings { rounds, threads, ..BoostSettings::for_loss(loss) }, Seed(1))?;
        let (wall, fitted) = (clock.elapsed().as_secs_f64(), processor_secs());
        let clock = Instant::now();
        let said = booster.predict(&tested.borrowed())?;
        let predicted = clock.elapsed().as_secs_f64();
        let errors: Vec<f64> = tested.targets.iter().zip(&said).map(|(target, said)| target - said).collect();
        let pinball = |level: f64| mean(errors.iter().map(|error| (level * error).max((level - 1.0) * error)));
        println!(
            "{loss:?}: mae {:.4} rmse {:.4} pinball .1 {:.4} .9 {:.4} below {:.3} mean {:.3}; fit {wall:.2} s ({:.2} s of the main thread), predict {predicted:.2} s",
            mean(errors.iter().map(|error| error.abs())),
            mean(errors.iter().map(|error| error * error)).sqrt(),
            pinball(0.1),
            pinball(0.9),
            errors.iter().filter(|error| **error <= 0.0).count() as f64 / errors.len() as f64,
            said.iter().sum::<f64>() / tested.targets.iter().sum::<f64>(),
            fitted - before,
        );
    }
    Ok(())
}
