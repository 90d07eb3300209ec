//! What a panel's file tells beside its values. In: its rows. Out: a panel that knows them.
//! Never: a column that nothing could be learnt from passed over; a cell that is missing taken for a number.

use chrono::NaiveDate;
use nongshi_domain::{Panel, Told};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cells of a file's rows, in their order; NaN where one is empty.
#[derive(Default)]
pub struct Cells {
    /// The columns known beforehand, by the names the user gave.
    pub names: Vec<String>,
    /// Row by row.
    pub known: Vec<f64>,
    /// The share of the step it could be bought, where a column was named.
    pub shares: Option<Vec<f64>>,
}

/// Tells the panel what its rows (`key`, `day`, whether there is a value) hold. What is known must be known for every step
/// from a series' first to `ahead` steps after its last.
pub fn tell(panel: &mut Panel, rows: &[(&str, NaiveDate, bool)], cells: &Cells, ahead: u32) -> Result<(), String> {
    let columns = cells.names.len();
    let cadence = panel.cadence;
    let place: BTreeMap<&str, usize> = panel.series.iter().enumerate().map(|(place, series)| (series.key.as_str(), place)).collect();
    let long = |place: usize| panel.series[place].values.len();
    let mut known: Vec<Vec<Vec<f64>>> =
        (0..panel.series.len()).map(|place| vec![vec![f64::NAN; long(place) + ahead as usize]; columns]).collect();
    let mut shares: Vec<Vec<f64>> = (0..panel.series.len()).map(|place| vec![1.0; long(place)]).collect();
    for (row, (key, day, has_value)) in rows.iter().enumerate() {
        let Some(&place) = place.get(key) else { continue };
        let Ok(step) = usize::try_from(cadence.steps_between(panel.series[place].start, *day)) else { continue };
        for (column, cell) in cells.known[row * columns..(row + 1) * columns].iter().enumerate() {
            if let Some(slot) = known[place][column].get_mut(step) {
                *slot = *cell;
            }
        }
        if let (Some(told), Some(slot), true) = (&cells.shares, shares[place].get_mut(step), *has_value) {
            if !(0.0..=1.0).contains(&told[row]) {
                return Err(format!(
                    "`{key}` on {day} was in stock for a share of {}, it must be given and lie between 0 and 1",
                    told[row]
                ));
            }
            *slot = told[row];
        }
    }
    for (column, name) in cells.names.iter().enumerate() {
        for (series, known) in panel.series.iter().zip(&known) {
            if let Some(step) = known[column].iter().position(|cell| !cell.is_finite()) {
                let day = cadence.advance(series.start, step as u32);
                return Err(format!(
                    "`{name}` of `{}` is missing for {day}; what is known beforehand is known for every step, and {ahead} after the last",
                    series.key
                ));
            }
        }
        let mut all = known.iter().flat_map(|known| &known[column]);
        let first = all.next();
        if all.all(|cell| Some(cell) == first) {
            return Err(format!("`{name}` is always the same, so nothing can be learnt from it; leave it out"));
        }
    }
    let told = known.into_iter().zip(shares);
    for (series, (known, shares)) in panel.series.iter_mut().zip(told) {
        let in_stock = if cells.shares.is_some() { shares } else { Vec::new() };
        series.told = Told { known: Arc::new(known), in_stock };
    }
    panel.known = cells.names.clone();
    Ok(())
}
