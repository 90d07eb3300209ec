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
        voice.say("summary.scenarios", &[("count", &voice.count(u64::from(summary.scenarios)))]),
        said("summary.vss", summary.vss_cny),
        said("summary.evpi", summary.evpi_cny),
    ]
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
    let columns = vec![
        (voice.word("column.scenario"), false),
        (voice.word("column.price"), true),
        (voice.word("column.yield"), true),
        (voice.word("column.demand"), true),
        (voice.word("column.profit"), true),
        (voice.word("column.against_expected"), true),
        (voice.word("column.cushion"), false),
    ];
    let rows = report.scenarios.iter().map(|scenario| scenario_row(scenario, expected, voice)).collect();
    let table = Table::new(voice.word("scenarios.caption"), columns, rows);
    Section { id: "scenarios", title, blocks: vec![Block::Table(table)] }
}

fn scenario_row(scenario: &Scenario, expected: Option<f64>, voice: &Voice) -> Vec<Cell> {
    let cushion = scenario.cushion.map(|cushion| {
        let parts: Vec<String> = [
            ("scenarios.to_wholesale", cushion.to_wholesale_kg),
            ("scenarios.unharvested", cushion.unharvested_kg),
            ("scenarios.short", cushion.short_kg),
        ]
        .into_iter()
        .filter(|(_, kilograms)| *kilograms >= 0.5)
        .map(|(key, kilograms)| voice.say(key, &[("kilograms", &voice.kilograms(kilograms))]))
        .collect();
        voice.list(&parts)
    });
    vec![
        Cell::from(voice.name(&scenario.name)),
        Cell::from(voice.change_or_dash(scenario.price_change)),
        Cell::from(voice.change_or_dash(scenario.yield_change)),
        Cell::from(voice.change_or_dash(scenario.demand_change)),
        Cell { text: voice.number(scenario.profit_cny, 0), strong: true, ..Cell::default() },
        Cell::from(expected.map_or_else(|| UNKNOWN.into(), |expected| signed(scenario.profit_cny - expected, voice))),
        Cell::from(cushion.filter(|said| !said.is_empty()).unwrap_or_else(|| UNKNOWN.into())),
    ]
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
    weak.sort_by(|a, b| b.planned_mu.total_cmp(&a.planned_mu).then_with(|| a.crop.cmp(&b.crop)));
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
                Cell::from(voice.short(crop.planned_mu)),
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
