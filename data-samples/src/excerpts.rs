//! A few rows of each simulated feed, small enough to be looked at. In: the files and their dirt. Out: shorter files.
//! Never: a row that is not in the file.

use crate::{Dirt, Kind, SampleFile, SampleSettings, sample};

/// The header and the first rows of one file of each feed of the inbox, and behind them the dirty rows of that file. Its
/// path is `FEED/FILE`. No record of ours holds a line break, and no byte of GBK is one.
pub fn excerpts(settings: &SampleSettings, rows: usize) -> Vec<SampleFile> {
    let (files, record) = sample(settings);
    let mut found: Vec<SampleFile> = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("inbox/") || file.path == "reference/products.csv") {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let feed = feed_of(name);
        let has_dirt = record.dirt.iter().any(|dirt| dirt.feed == feed && row_of(dirt).is_some());
        let dirty: Vec<usize> = record.dirt.iter().filter(|dirt| dirt.path == file.path).filter_map(row_of).collect();
        // the first dirty file of a feed that has dirt, the first file of one that has none
        if has_dirt && dirty.is_empty() || found.iter().any(|known| known.path.starts_with(&format!("{feed}/"))) {
            continue;
        }
        let lines: Vec<&[u8]> = file.bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let kept = if name.ends_with(".json") { records(&lines, rows, &dirty) } else { table(&lines, rows, &dirty) };
        found.push(SampleFile { path: format!("{feed}/{name}"), bytes: kept });
    }
    found
}

/// The feed's name is the file's up to its date.
fn feed_of(name: &str) -> &str {
    let stem = name.split('.').next().unwrap_or(name);
    let end = stem.find(|sign: char| sign.is_ascii_digit()).unwrap_or(stem.len());
    stem[..end].trim_end_matches('_')
}

fn row_of(dirt: &Dirt) -> Option<usize> {
    match dirt.kind {
        Kind::Rejected { row, .. } | Kind::OtherUnit { row, .. } => Some(row),
        _ => None,
    }
}

fn table(lines: &[&[u8]], rows: usize, dirty: &[usize]) -> Vec<u8> {
    let further = dirty.iter().copied().filter(|row| *row > rows);
    (0..=rows).chain(further).filter_map(|row| lines.get(row)).flat_map(|line| line.to_vec()).collect()
}

/// A record a line between the first and the last line; the last record has no comma behind it.
fn records(lines: &[&[u8]], rows: usize, dirty: &[usize]) -> Vec<u8> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Vec::new() };
    let further = dirty.iter().copied().filter(|row| *row > rows);
    let kept: Vec<&[u8]> = (1..=rows).chain(further).filter_map(|row| lines.get(row).copied()).collect();
    let kept: Vec<&[u8]> = kept.into_iter().map(|line| line.trim_ascii_end().strip_suffix(b",").unwrap_or(line.trim_ascii_end())).collect();
    [first.to_vec(), kept.join(&b",\n"[..]), b"\n".to_vec(), last.to_vec()].concat()
}
