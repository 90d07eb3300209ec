//! The houses: what stands in them, what is placed next, when it leaves, what it brings. In: the report's lines that
//! count places. Out: a section; none where the base has no animals.

use crate::data::{AreaUnit, BaseReport, KeyCrop, Words};
use crate::numbers::UNKNOWN;
use crate::page::{Block, Cell, Section, Table};
use crate::voice::Voice;
use chrono::NaiveDate;

/// One batch, standing or planned.
struct Batch<'a> {
    house: &'a str,
    animal: &'a Words,
    area: f64,
    unit: AreaUnit,
    placed_on: NaiveDate,
    from: NaiveDate,
    to: NaiveDate,
    kilograms: Option<f64>,
    margin_cny: Option<f64>,
    standing: bool,
}

/// Standing batches and placements, by house and day.
pub(super) fn section(report: &BaseReport, voice: &Voice) -> Option<Section> {
    let batches = batches(report);
    if batches.is_empty() {
        return None;
    }
    let areas =
        |standing: bool| voice.areas(batches.iter().filter(|batch| batch.standing == standing).map(|batch| (batch.area, batch.unit)));
    let said = |key: &str, areas: String| if areas.is_empty() { String::new() } else { voice.say(key, &[("area", &areas)]) };
    let sentence = voice.sentences(&[said("livestock.stands", areas(true)), said("livestock.placed", areas(false))]);
    let columns = vec![
        (voice.word("column.animal"), false),
        (voice.word("column.house"), false),
        (voice.word("column.state"), false),
        (voice.word("column.places"), true),
        (voice.word("column.placed_on"), false),
        (voice.word("column.output"), false),
        (voice.word("column.to_come"), true),
        (voice.word("column.gate_price"), true),
        (voice.word("column.margin"), true),
    ];
    let rows = batches.iter().map(|batch| row(batch, report, voice)).collect();
    let table = Table::new(voice.word("livestock.caption"), columns, rows);
    let note = Block::Note(voice.word("livestock.how"));
    Some(Section { id: "livestock", title: voice.word("livestock.title"), blocks: vec![Block::Say(sentence), Block::Table(table), note] })
}

fn batches(report: &BaseReport) -> Vec<Batch<'_>> {
    let standing = report.standing.iter().map(|line| Batch {
        house: &line.plot,
        animal: &line.crop,
        area: line.area,
        unit: line.unit,
        placed_on: line.sown_on,
        from: line.harvest_from,
        to: line.harvest_to,
        kilograms: Some(line.expected_kg),
        margin_cny: None,
        standing: true,
    });
    let planned = report.plots.iter().filter(|used| !used.standing).map(|used| Batch {
        house: &used.plot,
        animal: &used.crop,
        area: used.area,
        unit: used.unit,
        placed_on: used.sow_on,
        from: used.harvest_from,
        to: used.harvest_to,
        kilograms: used.expected_kg,
        margin_cny: used.margin_cny,
        standing: false,
    });
    let mut batches: Vec<Batch<'_>> = standing.chain(planned).filter(|batch| batch.unit != AreaUnit::Mu).collect();
    batches.sort_by(|a, b| (a.house, a.placed_on, a.animal).cmp(&(b.house, b.placed_on, b.animal)));
    batches
}

fn row(batch: &Batch<'_>, report: &BaseReport, voice: &Voice) -> Vec<Cell> {
    let priced = report.crops.iter().find(|crop| crop.crop == *batch.animal);
    vec![
        Cell { text: voice.name(batch.animal).to_string(), strong: true, ..Cell::default() },
        Cell::from(batch.house),
        Cell::from(voice.word(if batch.standing { "livestock.standing" } else { "livestock.planned" })),
        Cell::from(voice.area(batch.area, batch.unit)),
        Cell::from(voice.short_day(batch.placed_on)),
        Cell::from(voice.days(batch.from, batch.to)),
        Cell::from(voice.number_or_dash(batch.kilograms, 0)),
        gate_price(priced, voice),
        Cell::from(voice.number_or_dash(batch.margin_cny, 0)),
    ]
}

/// The middle price at the gate with its band under it.
fn gate_price(priced: Option<&KeyCrop>, voice: &Voice) -> Cell {
    match priced.and_then(|crop| crop.net_back) {
        None => Cell::from(UNKNOWN),
        Some(net) => Cell {
            text: voice.price(net.median),
            below: voice.say("number.from_to", &[("from", &voice.price(net.low)), ("to", &voice.price(net.high))]),
            strong: false,
        },
    }
}
