//! The field: what ripens against what sells, what stands, which plot carries what.

use super::nothing;
use crate::ReportError;
use crate::charts::{Gantt, GanttBar, letter};
use crate::data::{BaseReport, GapTarget, HeatRow, PlotUse, Standing};
use crate::numbers::UNKNOWN;
use crate::page::{Block, Cell, Figure, Section, Strip, StripCell, StripRow, Table};
use crate::voice::Voice;
use std::collections::{BTreeMap, BTreeSet};

/// kg in a tonne.
const KG_PER_TONNE: f64 = 1000.0;
/// Ripe over saleable by more than this share is a surplus, under it a shortage.
const TOLERANCE_SHARE: f64 = 0.10;
/// Less than this is nothing, kg: it would print as 0.0 t.
const NOTHING_KG: f64 = 50.0;
/// Weeks of the strip: what is ripe later is not sown yet.
const STRIP_WEEKS: usize = 12;
/// Plots drawn in the calendar; the table behind it has them all.
const PLOTS_DRAWN: usize = 18;

/// Twelve weeks by crops: ripe over saleable, in tonnes.
pub(super) fn strip(report: &BaseReport, voice: &Voice) -> Section {
    let title = voice.word("strip.title");
    if report.heat.rows.is_empty() || report.heat.weeks.is_empty() {
        let note = nothing("strip.none", &report.gaps, GapTarget::Plan, voice);
        return Section { id: "strip", title, blocks: vec![Block::Note(note)] };
    }
    let weeks: Vec<String> = report.heat.weeks.iter().take(STRIP_WEEKS).map(|week| voice.bare_day(*week)).collect();
    let mut key = vec![voice.say("strip.key", &[("share", &voice.short(TOLERANCE_SHARE * 100.0))])];
    if report.heat.weeks.len() > weeks.len() {
        let (shown, given) = (weeks.len().to_string(), report.heat.weeks.len().to_string());
        key.push(voice.say("strip.first", &[("shown", &shown), ("weeks", &given)]));
    }
    let rows = report
        .heat
        .rows
        .iter()
        .map(|row| StripRow {
            name: voice.name(&row.crop).to_string(),
            cells: strip_weeks(row).map(|(ripe, shops)| strip_cell(ripe, shops, voice)).collect(),
        })
        .collect();
    let strip = Strip { caption: voice.word("strip.caption"), key: voice.sentences(&key), corner: voice.word("strip.corner"), weeks, rows };
    let blocks = vec![Block::Say(strip_sentence(report, voice)), Block::Strip(strip), Block::Table(categories(report, voice))];
    Section { id: "strip", title, blocks }
}

/// (ripe, what the shops would buy) of the weeks shown, kg; none where the shops buy none of the crop.
fn strip_weeks(row: &HeatRow) -> impl Iterator<Item = (f64, Option<f64>)> {
    let shops = |week: usize| row.shops_kg.as_ref().and_then(|kg| kg.get(week).copied());
    row.ripe_kg.iter().enumerate().map(move |(week, ripe)| (*ripe, shops(week))).take(STRIP_WEEKS)
}

/// Twelve weeks by category: ripe, wanted by the shops, short, over. Weeks do not make up for one another.
fn categories(report: &BaseReport, voice: &Voice) -> Table {
    let columns = vec![
        (voice.word("column.category"), false),
        (voice.word("column.ripe"), true),
        (voice.word("column.shops"), true),
        (voice.word("column.short"), true),
        (voice.word("column.over"), true),
    ];
    let row = |category: &String| {
        let of_category = || report.heat.rows.iter().filter(|row| row.category == *category);
        let sum = |amount: fn(f64, Option<f64>) -> f64| {
            let kilograms: f64 = of_category().flat_map(strip_weeks).map(|(ripe, shops)| amount(ripe, shops)).sum();
            voice.number(kilograms / KG_PER_TONNE, 1)
        };
        let name = voice.known_or_same("category", category);
        if of_category().next().is_none() {
            return vec![Cell::from(name), Cell::from(voice.word("strip.none_of_it")), UNKNOWN.into(), UNKNOWN.into(), UNKNOWN.into()];
        }
        // of what the shops never buy nothing can be short
        let sold_in_shops = of_category().any(|row| row.shops_kg.is_some());
        let of_shops = |said: String| if sold_in_shops { said } else { UNKNOWN.to_string() };
        vec![
            Cell::from(name),
            Cell::from(sum(|ripe, _| ripe)),
            Cell::from(of_shops(sum(|_, shops| shops.unwrap_or_default()))),
            Cell::from(of_shops(sum(|ripe, shops| (shops.unwrap_or_default() - ripe).max(0.0)))),
            Cell::from(sum(|ripe, shops| (ripe - shops.unwrap_or_default()).max(0.0))),
        ]
    };
    Table::new(voice.word("strip.categories"), columns, report.heat.categories.iter().map(row).collect())
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Balance {
    Nothing,
    Even,
    Surplus,
    Short,
}

/// Against what the own shops would buy: room at a wholesale market is no shortage, and what is grown for the market
/// alone is never over.
fn balance(ripe_kg: f64, shops_kg: Option<f64>) -> Balance {
    let Some(shops_kg) = shops_kg else { return if ripe_kg < NOTHING_KG { Balance::Nothing } else { Balance::Even } };
    if ripe_kg < NOTHING_KG && shops_kg < NOTHING_KG {
        Balance::Nothing
    } else if ripe_kg > shops_kg * (1.0 + TOLERANCE_SHARE) {
        Balance::Surplus
    } else if ripe_kg < shops_kg * (1.0 - TOLERANCE_SHARE) {
        Balance::Short
    } else {
        Balance::Even
    }
}

fn strip_cell(ripe_kg: f64, shops_kg: Option<f64>, voice: &Voice) -> StripCell {
    let (mark, heard, tint) = match balance(ripe_kg, shops_kg) {
        Balance::Nothing => ("", String::new(), "none"),
        Balance::Even => ("", String::new(), "even"),
        Balance::Surplus => ("▲", voice.word("strip.surplus"), "surplus"),
        Balance::Short => ("▼", voice.word("strip.short"), "short"),
    };
    let tonnes = |kg: f64| voice.number(kg / KG_PER_TONNE, 1);
    let shops = shops_kg.map(tonnes).unwrap_or_default();
    let (ripe, saleable) = if tint == "none" { ("·".into(), String::new()) } else { (tonnes(ripe_kg), shops) };
    StripCell { ripe, saleable, mark, heard, tint }
}

/// The crops with the largest surplus and the largest shortage, in words.
fn strip_sentence(report: &BaseReport, voice: &Voice) -> String {
    let total = |wanted: Balance, excess: fn(f64, f64) -> f64| {
        report
            .heat
            .rows
            .iter()
            .map(|row| {
                let weeks = strip_weeks(row).filter(|(ripe, shops)| balance(*ripe, *shops) == wanted);
                let kilograms: f64 = weeks.map(|(ripe, shops)| excess(ripe, shops.unwrap_or_default())).sum();
                (kilograms, voice.name(&row.crop))
            })
            .filter(|(kilograms, _)| *kilograms >= NOTHING_KG)
            .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
    };
    let surplus = total(Balance::Surplus, |ripe, shops| ripe - shops);
    let short = total(Balance::Short, |ripe, shops| shops - ripe);
    let said = |key: &str, found: Option<(f64, &str)>| {
        found.map(|(kilograms, crop)| voice.say(key, &[("crop", crop), ("kilograms", &voice.kilograms(kilograms))])).unwrap_or_default()
    };
    if surplus.is_none() && short.is_none() {
        return voice.word("strip.balanced");
    }
    voice.sentences(&[said("strip.most_surplus", surplus), said("strip.most_short", short)])
}

/// What stands, as a table, and the calendar of the plots.
pub(super) fn standing(report: &BaseReport, voice: &Voice) -> Result<Section, ReportError> {
    let mut blocks = Vec::new();
    if report.standing.is_empty() {
        blocks.push(Block::Note(voice.word("standing.none")));
    } else {
        let area = voice.areas(report.standing.iter().map(|row| (row.area, row.unit)));
        let kilograms: f64 = report.standing.iter().map(|row| row.expected_kg).sum();
        blocks.push(Block::Say(voice.say("standing.sum", &[("area", &area), ("kilograms", &voice.kilograms(kilograms))])));
        blocks.push(Block::Table(standing_table(&report.standing, voice)));
    }
    blocks.extend(calendar(report, voice)?);
    Ok(Section { id: "field", title: voice.word("standing.title"), blocks })
}

fn standing_table(standing: &[Standing], voice: &Voice) -> Table {
    let mut rows: Vec<&Standing> = standing.iter().collect();
    rows.sort_by(|a, b| (a.harvest_from, &a.plot, &a.crop).cmp(&(b.harvest_from, &b.plot, &b.crop)));
    let columns = vec![
        (voice.word("column.crop"), false),
        (voice.word("column.plot"), false),
        (voice.word("column.mu"), true),
        (voice.word("column.sown_on"), false),
        (voice.word("column.harvest"), false),
        (voice.word("column.to_come"), true),
    ];
    let rows = rows
        .into_iter()
        .map(|row| {
            vec![
                Cell::from(voice.name(&row.crop)),
                Cell::from(row.plot.as_str()),
                Cell::from(voice.area_cell(row.area, row.unit)),
                Cell::from(voice.short_day(row.sown_on)),
                Cell::from(voice.days(row.harvest_from, row.harvest_to)),
                Cell::from(voice.number(row.expected_kg, 0)),
            ]
        })
        .collect();
    Table::new(voice.word("standing.caption"), columns, rows)
}

/// The plot calendar; none when no plot carries anything.
fn calendar(report: &BaseReport, voice: &Voice) -> Result<Option<Block>, ReportError> {
    let mut uses: Vec<&PlotUse> = report.plots.iter().collect();
    uses.sort_by(|a, b| (&a.plot, a.sow_on, &a.crop, a.harvest_from).cmp(&(&b.plot, b.sow_on, &b.crop, b.harvest_from)));
    let crops: BTreeSet<&crate::Words> = uses.iter().map(|used| &used.crop).collect();
    let letters: BTreeMap<&crate::Words, String> = crops.into_iter().enumerate().map(|(at, crop)| (crop, letter(at))).collect();
    let drawn = largest_plots(&uses);
    let plots = uses.iter().map(|used| used.plot.as_str()).collect::<BTreeSet<_>>().len();
    let planned = uses.iter().filter(|used| !used.standing).count();
    let finding = voice.say(
        "calendar.finding",
        &[("plots", &plots.to_string()), ("standing", &(uses.len() - planned).to_string()), ("planned", &planned.to_string())],
    );
    let gantt = Gantt {
        id: "plots".into(),
        title: finding.clone(),
        as_of: report.head.as_of,
        today: voice.say("chart.today", &[("day", &voice.short_day(report.head.as_of))]),
        bars: uses
            .iter()
            .filter(|used| drawn.contains(used.plot.as_str()))
            .map(|used| GanttBar {
                plot: used.plot.clone(),
                letter: letters[&used.crop].clone(),
                crop: voice.name(&used.crop).to_string(),
                sow_on: used.sow_on,
                harvest_from: used.harvest_from,
                harvest_to: used.harvest_to,
                standing: used.standing,
            })
            .collect(),
    };
    let Some(drawing) = gantt.draw(voice)? else { return Ok(None) };
    let names: Vec<String> = letters.iter().map(|(crop, letter)| format!("{letter} {}", voice.name(crop))).collect();
    let mut key = vec![voice.say("calendar.key", &[("letters", &voice.list(&names))])];
    if drawn.len() < plots {
        key.push(voice.say("calendar.largest", &[("drawn", &drawn.len().to_string()), ("plots", &plots.to_string())]));
    }
    Ok(Some(Block::Figure(Box::new(Figure {
        finding,
        unit: voice.word("calendar.unit"),
        source: voice.word("calendar.source"),
        key: voice.sentences(&key),
        wide_svg: drawing.wide,
        narrow_svg: drawing.narrow,
        tables: vec![calendar_table(&uses, &letters, voice)],
    }))))
}

/// The plots with the most area sown, at most [`PLOTS_DRAWN`]; a thousand places count as a mu.
fn largest_plots<'a>(uses: &[&'a PlotUse]) -> BTreeSet<&'a str> {
    let mut area: BTreeMap<&str, f64> = BTreeMap::new();
    for used in uses {
        *area.entry(&used.plot).or_default() += used.area;
    }
    let mut plots: Vec<(&str, f64)> = area.into_iter().collect();
    plots.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    plots.into_iter().take(PLOTS_DRAWN).map(|(plot, _)| plot).collect()
}

fn calendar_table(uses: &[&PlotUse], letters: &BTreeMap<&crate::Words, String>, voice: &Voice) -> Table {
    let columns = vec![
        (voice.word("column.plot"), false),
        (voice.word("column.crop"), false),
        (voice.word("column.state"), false),
        (voice.word("column.mu"), true),
        (voice.word("column.sow"), false),
        (voice.word("column.harvest"), false),
    ];
    let rows = uses
        .iter()
        .map(|used| {
            vec![
                Cell::from(used.plot.as_str()),
                Cell::from(format!("{} {}", letters[&used.crop], voice.name(&used.crop))),
                Cell::from(voice.word(if used.standing { "calendar.standing" } else { "calendar.planned" })),
                Cell::from(voice.area_cell(used.area, used.unit)),
                Cell::from(voice.short_day(used.sow_on)),
                Cell::from(voice.days(used.harvest_from, used.harvest_to)),
            ]
        })
        .collect();
    Table::new(voice.word("calendar.caption"), columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_is_a_surplus_and_a_tenth_less_a_shortage() {
        for (ripe, shops, expect) in [
            (1_000.0, Some(1_000.0), Balance::Even),
            (1_100.0, Some(1_000.0), Balance::Even),
            (1_101.0, Some(1_000.0), Balance::Surplus),
            (899.0, Some(1_000.0), Balance::Short),
            (0.0, Some(0.0), Balance::Nothing),
            (500.0, Some(0.0), Balance::Surplus),
            (0.0, Some(500.0), Balance::Short),
            // rice goes to the market: whatever room that has, nothing is short and nothing over
            (9_000.0, None, Balance::Even),
            (0.0, None, Balance::Nothing),
        ] {
            assert_eq!(balance(ripe, shops), expect, "{ripe} {shops:?}");
        }
    }
}
