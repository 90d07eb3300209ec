//! What the bases are: their land, houses and crop calendar. In: the reference files of the project folder. Out: rows,
//! and what is grown where. Never: a day.

use nongshi_domain::MonthSet;
use serde::{Deserialize, Deserializer};
use std::sync::LazyLock;

const BASES: &str = include_str!("../../project/reference/bases.csv");
pub(crate) const CROPS: &str = include_str!("../../project/reference/crops.csv");
const LANES: &str = include_str!("../../project/reference/lanes.csv");
pub(crate) const PLOTS: &str = include_str!("../../project/reference/plots.csv");
/// Days of a mean year.
const YEAR_DAYS: f64 = 365.25;
/// What is grown where, by the first words of the plot's name; the land must suit it as well, and what is named twice
/// is grown twice as often.
const HABITS: &[(&str, &[&str])] = &[
    (
        "旱地",
        &[
            "番茄",
            "番茄",
            "番茄",
            "辣椒",
            "辣椒",
            "茄子",
            "茄子",
            "黄瓜",
            "黄瓜",
            "黄瓜",
            "苦瓜",
            "苦瓜",
            "丝瓜",
            "丝瓜",
            "冬瓜",
            "西瓜",
            "西瓜",
            "豇豆",
            "豇豆",
            "花生",
            "花生",
            "甜玉米",
            "甜玉米",
            "生菜",
            "芥蓝",
            "菜心",
            "苋菜",
        ],
    ),
    ("水田", &["早稻", "晚稻", "马铃薯"]),
    ("菜地", &["菜心", "菜心", "菜心", "小白菜", "小白菜", "小白菜", "生菜", "菠菜", "空心菜", "苋菜", "芥蓝"]),
    ("香蕉园", &["香蕉"]),
    ("蛋鸡舍", &["鸡蛋"]),
    ("肉鸡舍", &["黄羽鸡"]),
    ("猪舍", &["生猪"]),
];
/// Families that are grown for their leaves and stand open to wind and rain.
const LEAFY: &[&str] = &["Amaranthaceae", "Asteraceae", "Brassicaceae", "Convolvulaceae"];
/// Families that suffer in the cold.
const TENDER: &[&str] = &["Convolvulaceae", "Cucurbitaceae", "Fabaceae", "Musaceae", "Solanaceae"];

/// A harvest over more days than this is a long one: the plants live on after a picking.
const LONG_DAYS: u32 = 20;

/// How a crop takes the weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Grain,
    Leafy,
    Fruiting,
}

/// One crop, or one kind of animal, of the crop calendar.
#[derive(Debug, Deserialize)]
pub(crate) struct CropRow {
    pub crop: String,
    pub category: String,
    pub system: String,
    pub days_min: u32,
    pub days_max: u32,
    pub window_days: u32,
    #[serde(deserialize_with = "months")]
    pub sow_months: MonthSet,
    pub yield_kg_per_mu: f64,
    pub family: String,
    pub gap_years: f64,
}

/// One plot or house.
#[derive(Debug, Deserialize)]
pub(crate) struct PlotRow {
    pub base: String,
    pub plot: String,
    pub system: String,
    /// mu; for houses places in thousands
    pub area_mu: f64,
}

/// One base.
#[derive(Debug, Deserialize)]
pub(crate) struct BaseRow {
    pub base: String,
    pub station: String,
}

/// One lane from a base to an outlet.
#[derive(Debug, Deserialize)]
pub(crate) struct LaneRow {
    pub base: String,
    pub outlet: String,
    pub commodity: String,
    pub loss_share: f64,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Land {
    pub bases: Vec<BaseRow>,
    pub crops: Vec<CropRow>,
    pub lanes: Vec<LaneRow>,
    pub plots: Vec<PlotRow>,
}

static LAND: LazyLock<Land> = LazyLock::new(|| Land { bases: rows(BASES), crops: rows(CROPS), lanes: rows(LANES), plots: rows(PLOTS) });

/// The land of the sample chain.
pub(crate) fn land() -> &'static Land {
    &LAND
}

fn rows<Row: for<'de> Deserialize<'de>>(text: &str) -> Vec<Row> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().collect::<Result<_, _>>();
    rows.expect("the file is compiled in, and a test reads it")
}

fn months<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MonthSet, D::Error> {
    let text = String::deserialize(deserializer)?;
    MonthSet::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` are no months")))
}

impl Land {
    /// What is grown or kept on a plot; what is kept there more often stands there more often.
    pub fn habit(&self, plot: &PlotRow) -> Vec<&CropRow> {
        let names = HABITS.iter().find(|(word, _)| plot.plot.starts_with(word)).map_or(&[][..], |(_, names)| names);
        let row = |name: &&str| self.crops.iter().find(|crop| crop.crop == *name && crop.system == plot.system);
        names.iter().filter_map(row).collect()
    }

    /// The weather station of a base.
    pub fn station(&self, base: &str) -> &str {
        self.bases.iter().find(|row| row.base == base).map_or("", |row| &row.station)
    }

    /// Share that is lost on the way of a commodity on a middling day; of none without a lane.
    pub fn lane_loss(&self, base: &str, outlet: &str, commodity: &str) -> Option<f64> {
        let of = |meant: &str| self.lanes.iter().find(|lane| lane.base == base && lane.outlet == outlet && lane.commodity == meant);
        of(commodity).or_else(|| of("*")).map(|lane| lane.loss_share)
    }
}

impl CropRow {
    pub fn nature(&self) -> Nature {
        match (self.category.as_str(), self.family.as_str()) {
            ("grain_oil", _) => Nature::Grain,
            (_, family) if LEAFY.contains(&family) => Nature::Leafy,
            _ => Nature::Fruiting,
        }
    }

    pub fn is_tender(&self) -> bool {
        TENDER.contains(&self.family.as_str())
    }

    /// Whether it is picked week after week.
    pub fn is_long(&self) -> bool {
        self.window_days > LONG_DAYS
    }

    /// Days the land is kept free of the family after the crop.
    pub fn gap_days(&self) -> u64 {
        (self.gap_years * YEAR_DAYS).round() as u64
    }

    /// Days from sowing to ripeness in middling weather.
    pub fn middling_days(&self) -> f64 {
        f64::from(self.days_min + self.days_max) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_files_fit_each_other() {
        let land = land();
        for plot in &land.plots {
            assert!(!land.habit(plot).is_empty(), "{} {} has a habit", plot.base, plot.plot);
            assert!(crate::weather::STATIONS.iter().any(|(name, _)| *name == land.station(&plot.base)), "{} has a station", plot.base);
            for crop in land.habit(plot) {
                for outlet in ["自营门店", "东江农批市场"] {
                    assert!(land.lane_loss(&plot.base, outlet, &crop.crop).is_some(), "{} to {outlet}: {}", plot.base, crop.crop);
                }
            }
        }
        for (word, names) in HABITS {
            let plots: Vec<&PlotRow> = land.plots.iter().filter(|plot| plot.plot.starts_with(word)).collect();
            assert!(!plots.is_empty() && plots.iter().all(|plot| land.habit(plot).len() == names.len()), "{word}: {names:?}");
        }
        assert!(land.crops.iter().all(|crop| land.plots.iter().any(|plot| land.habit(plot).iter().any(|known| known.crop == crop.crop))));
    }
}
