//! The papers of works and of pesticide tests. In: plantings. Out: `inbox/farm/field_log_*` and `inspections_*`.
//! Never: a work or a test before the first paper.

use super::Farm;
use super::papers::{Paper, Script};
use crate::SampleSettings;
use crate::dirt::Spoil;
use crate::files::Out;
use std::io;

const FIELD_LOG: Paper = Paper {
    feed: "field_log",
    path: "inbox/farm/field_log",
    header: &["基地", "地块", "作物", "日期", "作业", "药剂肥料", "可采日期"],
    script: Script::Utf8,
    spoils: &[
        Spoil { column: 3, into: |_| String::new(), rule: "required", what: "a work without its day" },
        Spoil { column: 4, into: |_| "巡田".into(), rule: "values", what: "a work nobody asked for" },
        Spoil { column: 3, into: |cell| cell.replace('-', "年"), rule: "date", what: "a day written in another way" },
    ],
    weight: None,
};
const INSPECTIONS: Paper = Paper {
    feed: "inspections",
    path: "inbox/farm/inspections",
    header: &["基地", "地块", "作物", "采样日期", "检测项目", "结果", "检出值(mg/kg)", "限量(mg/kg)"],
    script: Script::Utf8,
    spoils: &[
        Spoil { column: 5, into: |_| "待复核".into(), rule: "values", what: "a result that is none yet" },
        Spoil { column: 6, into: |_| "未检出".into(), rule: "number", what: "a word instead of mg/kg" },
    ],
    weight: None,
};

/// Both papers, a file a year.
pub(super) fn write(settings: &SampleSettings, farm: &Farm, out: &mut Out<'_>) -> io::Result<()> {
    let (mut works, mut tests) = (Vec::new(), Vec::new());
    for planting in &farm.plantings {
        let words = |day: String| [planting.plot.base.clone(), planting.plot.plot.clone(), planting.crop.crop.clone(), day];
        for work in planting.works.iter().filter(|work| work.on >= settings.first_sale()) {
            let safe_from = work.safe_from.map(|day| day.to_string()).unwrap_or_default();
            let cells = [work.work.into(), work.substance.into(), safe_from];
            works.push((work.on, words(work.on.to_string()).into_iter().chain(cells).collect()));
        }
        for test in planting.tests.iter().filter(|test| test.on >= settings.first_sale()) {
            let result = if test.is_passed() { "合格" } else { "不合格" };
            let cells = [test.test.into(), result.into(), format!("{:.4}", test.found_mg_per_kg), test.limit_mg_per_kg.to_string()];
            tests.push((test.on, words(test.on.to_string()).into_iter().chain(cells).collect()));
        }
    }
    FIELD_LOG.by_year(settings.seed, works, out)?;
    INSPECTIONS.by_year(settings.seed, tests, out)
}
