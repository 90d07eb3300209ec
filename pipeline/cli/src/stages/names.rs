//! How a report calls a crop, and what its area counts. In: the crop calendar. Out: words, units, categories.
//! Never: mu for a house.

use super::outlook::HOUSES;
use crate::exit::Failure;
use crate::rows::Rows;
use datafusion::prelude::SessionContext;
use nongshi_reports::{AreaUnit, Words};
use std::collections::BTreeMap;

/// Animals that are counted by the head; all others are birds.
const FOUR_FOOTED: [char; 5] = ['猪', '牛', '羊', '兔', '驴'];

/// What the calendar knows of each crop.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, Known>);

#[derive(Debug, Default)]
struct Known {
    english: String,
    category: String,
    unit: AreaUnit,
}

impl Names {
    /// Reads the crop calendar.
    pub async fn of(ctx: &SessionContext) -> Result<Names, Failure> {
        let query = "select crop, min(crop_en) as crop_en, min(category) as category, min(system) as system from crops group by crop";
        let rows = Rows::of(ctx, query).await?;
        let known = |row: usize| {
            let crop = rows.text(row, "crop")?;
            let is_housed = rows.text(row, "system").as_deref() == Some(HOUSES);
            let unit = if is_housed { places(&crop) } else { AreaUnit::Mu };
            let (english, category) = (rows.text(row, "crop_en").unwrap_or_default(), rows.text(row, "category").unwrap_or_default());
            Some((crop, Known { english, category, unit }))
        };
        Ok(Names((0..rows.len()).filter_map(known).collect()))
    }

    /// The crop in both languages.
    pub fn words(&self, crop: &str) -> Words {
        Words::new(crop, self.0.get(crop).map_or("", |known| &known.english))
    }

    /// What its area counts.
    pub fn unit(&self, crop: &str) -> AreaUnit {
        self.0.get(crop).map_or(AreaUnit::Mu, |known| known.unit)
    }

    /// Its category.
    pub fn category(&self, crop: &str) -> String {
        self.0.get(crop).map_or_else(String::new, |known| known.category.clone())
    }
}

fn places(crop: &str) -> AreaUnit {
    if crop.contains(FOUR_FOOTED) { AreaUnit::ThousandHeads } else { AreaUnit::ThousandBirds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pigs_have_heads_and_hens_are_birds() {
        for (crop, unit) in [
            ("生猪", AreaUnit::ThousandHeads),
            ("肉牛", AreaUnit::ThousandHeads),
            ("黄羽鸡", AreaUnit::ThousandBirds),
            ("鸡蛋", AreaUnit::ThousandBirds),
        ] {
            assert_eq!(places(crop), unit, "{crop}");
        }
    }
}
