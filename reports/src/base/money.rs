//! The plan in yuan: what it should bring, how sure that is, how near to the best, other worlds, weak figures.

use super::nothing;
use crate::data::{BaseReport, FactRange, GapTarget, PlanStatus, PlanSummary, Scenario, WeakCrop};
use crate::numbers::UNKNOWN;
use crate::page::{Block, Cell, Fact, Section, Table};
use crate::voice::Voice;

/// Profit, risk, bound, what knowing more is worth.
pub(super) fn summary(report: &BaseReport, voice: &Voice) -> Section {
    let blocks = match &report.summary {
        None => vec![Block::Note(nothing("summary.none", &report.gaps, GapTarget::Plan, voice))],
        Some(summary) => vec![
            Block::Numbers(figures(summary, voice)),
            Block::Say(voice.sentences(&worth(summary, voice))),
            Block::Note(voice.sentences(&solved(summary, voice))),
        ],
    };
    Section { id: "summary", title: voice.word("summary.title"), blocks }
}

fn figures(summary: &PlanSummary, voice: &Voice) -> Vec<Fact> {
    let fact = |key: &str, value: String| Fact { label: voice.word(key), value };
    let or_dash = |value: Option<f64>| value.map_or_else(|| UNKNOWN.into(), |value| voice.yuan(value));
    vec![
        fact("summary.expected", voice.yuan(summary.expected_cny)),
        fact("summary.low", voice.yuan(summary.profit.low)),
        fact("summary.median", voice.yuan(summary.profit.median)),
        fact("summary.high", voice.yuan(summary.profit.high)),
        fact("summary.cvar", voice.yuan(summary.cvar_cny)),
        fact("summary.bound", or_dash(summary.bound_cny)),
        fact("summary.gap", summary.gap_share.map_or_else(|| UNKNOWN.into(), |share| voice.percent(share))),
        fact("summary.rounding", or_dash(summary.rounding_cost_cny)),
    ]
}

/// What planning on scenarios, and knowing the future, would be worth.
fn worth(summary: &PlanSummary, voice: &Voice) -> Vec<String> {
    let said = |key: &str, value: Option<f64>| value.map(|value| voice.say(key, &[("yuan", &voice.yuan(value))])).unwrap_or_default();
    vec![
        from(summary, voice),
        voice.say("summary.scenarios", &[("count", &voice.count(u64::from(summary.scenarios)))]),
        said("summary.vss", summary.vss_cny),
        said("summary.evpi", summary.evpi_cny),
    ]
}

/// How much of it the planned sowings earn, and how much what stands.
fn from(summary: &PlanSummary, voice: &Voice) -> String {
    let said = |sowings: f64| {
        let standing = summary.expected_cny - sowings;
        voice.say("summary.from", &[("sowings", &voice.yuan(sowings)), ("standing", &voice.yuan(standing))])
    };
    summary.from_sowings_cny.map(said).unwrap_or_default()
}

fn solved(summary: &PlanSummary, voice: &Voice) -> Vec<String> {
    let status = voice.word(match summary.status {
        PlanStatus::Proved => "status.proved",
        PlanStatus::WithinGap => "status.within_gap",
        PlanStatus::LimitReached => "status.limit_reached",
        PlanStatus::NoBound => "status.no_bound",
    });
    vec![voice.say("summary.solver", &[("solver", &summary.solver), ("status", &status)])]
}

/// The plan in other worlds.
pub(super) fn scenarios(report: &BaseReport, voice: &Voice) -> Section {
    let title = voice.word("scenarios.title");
    if report.scenarios.is_empty() {
        return Section { id: "scenarios", title, blocks: vec![Block::Note(voice.word("scenarios.none"))] };
    }
    let expected = report.summary.as_ref().map(|summary| summary.expected_cny);
    // the best first
    let mut scenarios: Vec<&Scenario> = report.scenarios.iter().collect();
    scenarios.sort_by(|a, b| b.profit_cny.total_cmp(&a.profit_cny).then_with(|| a.name.cmp(&b.name)));
    let columns: Vec<&ScenarioColumn> = SCENARIO_COLUMNS
        .iter()
        .filter(|column| scenarios.iter().any(|scenario| (column.cell)(scenario, expected, voice).is_some()))
        .collect();
    let heads = columns.iter().map(|column| (voice.word(column.key), column.numeric)).collect();
    let cells = |scenario: &Scenario| {
        let cell = |column: &&ScenarioColumn| (column.cell)(scenario, expected, voice).unwrap_or_else(|| UNKNOWN.into());
        columns.iter().map(|column| Cell { text: cell(column), strong: column.key == "column.profit", ..Cell::default() }).collect()
    };
    let table = Table::new(voice.word("scenarios.caption"), heads, scenarios.iter().map(|scenario| cells(scenario)).collect());
    Section { id: "scenarios", title, blocks: vec![Block::Table(table)] }
}

/// A column of the scenarios' table; left out where no scenario has anything to put there.
struct ScenarioColumn {
    key: &'static str,
    numeric: bool,
    cell: fn(&Scenario, Option<f64>, &Voice) -> Option<String>,
}

const SCENARIO_COLUMNS: [ScenarioColumn; 8] = [
    ScenarioColumn { key: "column.scenario", numeric: false, cell: |scenario, _, voice| Some(voice.name(&scenario.name).to_string()) },
    ScenarioColumn { key: "column.weight", numeric: true, cell: |scenario, _, voice| scenario.weight.map(|share| voice.percent(share)) },
    ScenarioColumn {
        key: "column.price",
        numeric: true,
        cell: |scenario, _, voice| scenario.price_change.map(|share| voice.change(share)),
    },
    ScenarioColumn {
        key: "column.yield",
        numeric: true,
        cell: |scenario, _, voice| scenario.yield_change.map(|share| voice.change(share)),
    },
    ScenarioColumn {
        key: "column.demand",
        numeric: true,
        cell: |scenario, _, voice| scenario.demand_change.map(|share| voice.change(share)),
    },
    ScenarioColumn { key: "column.profit", numeric: true, cell: |scenario, _, voice| Some(voice.number(scenario.profit_cny, 0)) },
    ScenarioColumn {
        key: "column.against_expected",
        numeric: true,
        cell: |scenario, expected, voice| expected.map(|expected| signed(scenario.profit_cny - expected, voice)),
    },
    ScenarioColumn { key: "column.cushion", numeric: false, cell: |scenario, _, voice| cushion(scenario, voice) },
];

fn cushion(scenario: &Scenario, voice: &Voice) -> Option<String> {
    let cushion = scenario.cushion?;
    let parts: Vec<String> = [
        ("scenarios.to_wholesale", cushion.to_wholesale_kg),
        ("scenarios.unharvested", cushion.unharvested_kg),
        ("scenarios.short", cushion.short_kg),
    ]
    .into_iter()
    .filter(|(_, kilograms)| *kilograms >= 0.5)
    .map(|(key, kilograms)| voice.say(key, &[("kilograms", &voice.kilograms(kilograms))]))
    .collect();
    (!parts.is_empty()).then(|| voice.list(&parts))
}

/// `+1,200`, `−1,200`, `0`.
fn signed(value: f64, voice: &Voice) -> String {
    let text = voice.number(value, 0);
    if text == "0" || text.starts_with('−') { text } else { format!("+{text}") }
}

/// The figures that rest on weak ground; nothing to say when there are none.
pub(super) fn weak(report: &BaseReport, voice: &Voice) -> Option<Section> {
    if report.weak.is_empty() {
        return None;
    }
    let mut weak: Vec<&WeakCrop> = report.weak.iter().collect();
    weak.sort_by(|a, b| a.unit.cmp(&b.unit).then(b.planned.total_cmp(&a.planned)).then_with(|| a.crop.cmp(&b.crop)));
    let names: Vec<String> = weak.iter().map(|crop| voice.name(&crop.crop).to_string()).collect();
    let columns = vec![
        (voice.word("column.crop"), false),
        (voice.word("column.planned_mu"), true),
        (voice.word("column.yield_range"), true),
        (voice.word("column.cost_range"), true),
        (voice.word("column.days_range"), true),
    ];
    let rows = weak
        .iter()
        .map(|crop| {
            vec![
                Cell::from(voice.name(&crop.crop)),
                Cell::from(voice.area_cell(crop.planned, crop.unit)),
                Cell::from(range(crop.yield_kg_per_mu, voice)),
                Cell::from(range(crop.cost_cny_per_mu, voice)),
                Cell::from(range(crop.days_to_harvest, voice)),
            ]
        })
        .collect();
    Some(Section {
        id: "weak",
        title: voice.word("weak.title"),
        blocks: vec![
            Block::Say(voice.say("weak.lead", &[("crops", &voice.list(&names))])),
            Block::Table(Table::new(voice.word("weak.caption"), columns, rows)),
        ],
    })
}

fn range(range: Option<FactRange>, voice: &Voice) -> String {
    range.map_or_else(
        || UNKNOWN.into(),
        |range| voice.say("number.from_to", &[("from", &voice.number(range.from, 0)), ("to", &voice.number(range.to, 0))]),
    )
}
