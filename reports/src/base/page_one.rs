//! Page one of a base: the verdicts, what to decide within 14 days, the price each crop would bring.

use super::nothing;
use crate::data::{AreaChange, AreaUnit, BaseReport, Basis, GapTarget, KeyCrop, Reason, SowingOrder, Verdict};
use crate::numbers::UNKNOWN;
use crate::page::{Block, Cell, Section, Table, VerdictLine};
use crate::voice::Voice;
use chrono::Days;

/// Days ahead within which a decision belongs on page one.
const DECIDE_DAYS: u64 = 14;

/// The verdicts, or why there is none.
pub(super) fn verdicts(report: &BaseReport, voice: &Voice) -> Section {
    let title = voice.word("verdict.title");
    if report.verdicts.is_empty() {
        return Section { id: "verdicts", title, blocks: vec![Block::Say(nothing("verdict.none", &report.gaps, GapTarget::Plan, voice))] };
    }
    let lines = report.verdicts.iter().map(|verdict| line(verdict, voice)).collect();
    let against = match report.last_issue {
        None => voice.word("verdict.first_issue"),
        // the last issue did not look as far as these weeks
        Some(day) if report.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Sow(_))) => {
            voice.say("verdict.not_covered", &[("day", &voice.short_day(day))])
        }
        Some(day) => voice.say("verdict.against", &[("day", &voice.short_day(day))]),
    };
    Section { id: "verdicts", title, blocks: vec![Block::Verdicts(lines), Block::Note(against)] }
}

fn line(verdict: &Verdict, voice: &Voice) -> VerdictLine {
    match verdict {
        Verdict::Sow(change) => changed("verdict.sow", "verdict.place", "verdict.sown", change, voice),
        Verdict::SowMore(change) => changed("verdict.more", "verdict.more_placed", "verdict.sow_more", change, voice),
        Verdict::SowLess(change) => changed("verdict.less", "verdict.less_placed", "verdict.sow_less", change, voice),
        Verdict::Hold(change) => changed("verdict.hold", "verdict.hold", "verdict.held", change, voice),
        Verdict::NothingToSow { reason } => VerdictLine {
            head: voice.word("verdict.nothing"),
            text: voice.say("verdict.not_sown", &[("reason", &self::reason(reason, voice))]),
        },
    }
}

/// The word before the sentence is one of sowing or one of placing.
fn changed(on_land: &str, in_a_house: &str, key: &str, change: &AreaChange, voice: &Voice) -> VerdictLine {
    let head = if change.unit == AreaUnit::Mu { on_land } else { in_a_house };
    VerdictLine { head: voice.word(head), text: change_said(key, change, voice) }
}

fn change_said(key: &str, change: &AreaChange, voice: &Voice) -> String {
    let area = |area: f64| voice.area(area, change.unit);
    let money = voice.say(
        key,
        &[
            ("crop", voice.name(&change.crop)),
            ("area", &area(change.area)),
            ("before", &area(change.before.unwrap_or_default())),
            ("now", &area(change.now)),
            ("gain", &voice.yuan(change.gain_cny)),
        ],
    );
    let odds =
        change.share_without_loss.map(|share| voice.say("verdict.without_loss", &[("tenths", &voice.tenths(share))])).unwrap_or_default();
    let why =
        change.reason.as_ref().map(|reason| voice.say("verdict.because", &[("reason", &self::reason(reason, voice))])).unwrap_or_default();
    format!("{money}{odds}{why}{}", voice.word("verdict.stop"))
}

fn reason(reason: &Reason, voice: &Voice) -> String {
    let key = match reason {
        Reason::DemandCovered => "reason.demand_covered",
        Reason::BelowCost => "reason.below_cost",
        Reason::NoFreeLand => "reason.no_free_land",
        Reason::OutOfSeason => "reason.out_of_season",
        Reason::Rotation => "reason.rotation",
        Reason::NoForecast => "reason.no_forecast",
        Reason::PriceCarries => "reason.price_carries",
        Reason::ShopsShort => "reason.shops_short",
        Reason::Other(words) => return voice.name(words).to_string(),
    };
    voice.word(key)
}

/// The sowing orders whose last day falls within 14 days of the day the report speaks from, late ones too.
pub(super) fn decide_by(report: &BaseReport, voice: &Voice) -> Section {
    let last = report.head.as_of + Days::new(DECIDE_DAYS);
    let mut due: Vec<&SowingOrder> = report.orders.iter().filter(|order| order.decide_by <= last).collect();
    due.sort_by(|a, b| (a.decide_by, &a.plot, &a.crop, a.sow_week).cmp(&(b.decide_by, &b.plot, &b.crop, b.sow_week)));
    let later = report.orders.len() - due.len();
    let mut blocks = Vec::new();
    if due.is_empty() {
        // with a plan the verdict has said why
        let why = if report.summary.is_some() { &[] } else { report.gaps.as_slice() };
        blocks.push(Block::Note(nothing("orders.none", why, GapTarget::Plan, voice)));
    } else {
        let total = |of: fn(&SowingOrder) -> f64| due.iter().map(|order| of(order)).sum::<f64>();
        blocks.push(Block::Say(voice.say(
            "orders.sum",
            &[
                ("count", &due.len().to_string()),
                ("last", &voice.short_day(last)),
                ("area", &voice.areas(due.iter().map(|order| (order.area, order.unit)))),
                ("kilograms", &voice.kilograms(total(|order| order.harvest_kg))),
                ("margin", &voice.yuan(total(|order| order.margin_cny))),
            ],
        )));
        blocks.push(Block::Table(orders(&due, report, voice)));
    }
    if later > 0 {
        blocks.push(Block::Note(voice.say("orders.later", &[("count", &later.to_string())])));
    }
    Section { id: "orders", title: voice.word("orders.title"), blocks }
}

fn orders(due: &[&SowingOrder], report: &BaseReport, voice: &Voice) -> Table {
    let waiting = due.iter().any(|order| order.waiting_cost_cny.is_some());
    let mut columns = vec![
        (voice.word("column.decide_by"), false),
        (voice.word("column.crop"), false),
        (voice.word("column.plot"), false),
        (voice.word("column.mu"), true),
        (voice.word("column.sow_week"), false),
        (voice.word("column.harvest"), false),
        (voice.word("column.kilograms"), true),
        (voice.word("column.margin"), true),
        (voice.word("column.worst_best"), true),
    ];
    if waiting {
        columns.push((voice.word("column.waiting"), true));
    }
    let rows = due
        .iter()
        .map(|order| {
            let late = order.decide_by < report.head.as_of;
            let mut row = vec![
                Cell {
                    text: voice.short_day(order.decide_by),
                    below: if late { voice.word("orders.past") } else { String::new() },
                    strong: true,
                },
                Cell { text: voice.name(&order.crop).to_string(), strong: true, ..Cell::default() },
                Cell::from(order.plot.as_str()),
                Cell::from(voice.area_cell(order.area, order.unit)),
                Cell::from(voice.short_day(order.sow_week)),
                Cell::from(voice.days(order.harvest_from, order.harvest_to)),
                Cell::from(voice.number(order.harvest_kg, 0)),
                Cell::from(voice.number(order.margin_cny, 0)),
                Cell::from(voice.say(
                    "number.from_to",
                    &[("from", &voice.number(order.margin_low_cny, 0)), ("to", &voice.number(order.margin_high_cny, 0))],
                )),
            ];
            if waiting {
                row.push(Cell::from(voice.number_or_dash(order.waiting_cost_cny, 0)));
            }
            row
        })
        .collect();
    Table::new(voice.word("orders.caption"), columns, rows)
}

/// Net-back price, market, basis, demand, plan of each crop.
pub(super) fn key_crops(report: &BaseReport, voice: &Voice) -> Section {
    let title = voice.word("crops.title");
    if report.crops.is_empty() {
        let note = nothing("crops.none", &report.gaps, GapTarget::Price, voice);
        return Section { id: "crops", title, blocks: vec![Block::Note(note)] };
    }
    let demand = report.crops.iter().any(|crop| crop.own_demand_kg_per_week.is_some());
    let mut columns = vec![
        (voice.word("column.crop"), false),
        (voice.word("column.harvest"), false),
        (voice.word("quantile.low"), true),
        (voice.word("quantile.median"), true),
        (voice.word("quantile.high"), true),
        (voice.word("column.market_price"), true),
    ];
    let compared = report.crops.iter().any(|crop| crop.on_last_issue.is_some());
    if compared {
        columns.push((voice.word("column.on_last_issue"), true));
    }
    columns.push((voice.word("column.basis"), true));
    if demand {
        columns.push((voice.word("column.own_demand"), true));
    }
    columns.push((voice.word("column.planned"), true));
    let rows = report.crops.iter().map(|crop| row(crop, compared, demand, voice)).collect();
    let table = Table::new(voice.word("crops.caption"), columns, rows);
    let against = match report.last_issue {
        None => voice.word("crops.first_issue"),
        Some(day) if compared => voice.say("crops.against", &[("day", &voice.short_day(day))]),
        Some(_) => String::new(),
    };
    let shared = if demand { voice.word("crops.shared") } else { String::new() };
    let note = Block::Note(voice.sentences(&[voice.word("crops.basis_is"), shared, against]));
    Section { id: "crops", title, blocks: vec![Block::Table(table), note] }
}

fn row(crop: &KeyCrop, compared: bool, demand: bool, voice: &Voice) -> Vec<Cell> {
    let level = |of: fn(&crate::Quantiles) -> f64| crop.net_back.as_ref().map_or_else(|| UNKNOWN.into(), |net| voice.price(of(net)));
    let mut row = vec![
        Cell::from(voice.name(&crop.crop)),
        Cell::from(voice.days(crop.harvest_from, crop.harvest_to)),
        Cell::from(level(|net| net.low)),
        Cell { text: level(|net| net.median), strong: true, ..Cell::default() },
        Cell::from(level(|net| net.high)),
        Cell { text: voice.number_or_dash(crop.market_price, 2), below: crop.market.clone(), ..Cell::default() },
    ];
    if compared {
        row.push(Cell::from(voice.change_or_dash(crop.on_last_issue)));
    }
    row.push(crop.basis.as_ref().map_or_else(|| Cell::from(UNKNOWN), |basis| self::basis(basis, voice)));
    if demand {
        row.push(Cell::from(voice.number_or_dash(crop.own_demand_kg_per_week, 0)));
    }
    row.push(Cell::from(voice.number_or_dash(crop.planned_kg, 0)));
    row
}

/// What lies between market and farm gate, and of what it is made.
fn basis(basis: &Basis, voice: &Voice) -> Cell {
    Cell {
        text: voice.price(-(basis.freight + basis.loss + basis.fees)),
        below: voice.say(
            "crops.basis_of",
            &[("freight", &voice.price(basis.freight)), ("loss", &voice.price(basis.loss)), ("fees", &voice.price(basis.fees))],
        ),
        strong: false,
    }
}
