//! Writes the sample chain into a folder, or its excerpts: `cargo run -p nongshi-samples --example write -- DIR
//! [LAST_DAY [SEED] | excerpts]`. In: a folder. Out: files, their sizes. Never: a part of the product.

use chrono::NaiveDate;
use nongshi_domain::Seed;
use nongshi_samples::{SampleSettings, excerpts, sample};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let directory = words.first().ok_or("write DIR [LAST_DAY [SEED] | excerpts]")?;
    let last_day = NaiveDate::from_ymd_opt(2026, 11, 22).ok_or("a day")?;
    let mut settings = SampleSettings { seed: Seed(1), shops: 3, years: 3, last_day };
    let files = match words.get(1).map(String::as_str) {
        Some("excerpts") => excerpts(&settings, 12),
        Some(day) => {
            settings.last_day = day.parse()?;
            settings.seed = words.get(2).map_or(Ok(settings.seed.0), |seed| seed.parse()).map(Seed)?;
            sample(&settings)
        }
        None => sample(&settings),
    };
    for file in &files {
        let path = Path::new(directory).join(&file.path);
        std::fs::create_dir_all(path.parent().ok_or("a path below the folder")?)?;
        std::fs::write(&path, &file.bytes)?;
    }
    eprintln!("{} files, {} bytes, last day {}", files.len(), files.iter().map(|file| file.bytes.len()).sum::<usize>(), settings.last_day);
    Ok(())
}
