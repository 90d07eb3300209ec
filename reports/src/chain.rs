//! The chain overview. In: `ChainReport`. Out: a page: a verdict a category, prices, demand, accuracy, the data's health.

use crate::data::{CategoryOutlook, ChainReport, FeedCount, GapTarget};
use crate::numbers::UNKNOWN;
use crate::outlook::Ration;
use crate::page::{Block, Cell, Page, Section, Table, VerdictLine};
use crate::voice::Voice;
use crate::{ReportError, head, outlook, scores};

/// Steps ahead drawn in all charts together, prices first. The sentences are never cut.
const STEPS_DRAWN: usize = 180;

/// The page of the chain.
pub(crate) fn page(report: &ChainReport, voice: &Voice) -> Result<Page, ReportError> {
    let mut ration = Ration::of(STEPS_DRAWN);
    Ok(Page {
        kicker: voice.word("chain.kicker"),
        name: voice.name(&report.head.name).to_string(),
        issued: head::issued(&report.head, voice),
        facts: head::facts(&report.head, voice),
        lead: verdicts(report, voice),
        gaps: head::gaps(&report.gaps, voice),
        sections: vec![
            prices(report, &mut ration, voice)?,
            demand(report, &mut ration, voice)?,
            scores::review(report.review.as_ref(), voice),
            scores::section(&report.scores, voice),
            data(report, voice),
        ],
        footer: vec![voice.word("page.how_to_read"), voice.say("page.made_by", &[("day", &voice.day(report.head.as_of))])],
    })
}

fn category_name(category: &CategoryOutlook, voice: &Voice) -> String {
    voice.known_or_same("category", &category.category)
}

/// One sentence a category.
fn verdicts(report: &ChainReport, voice: &Voice) -> Section {
    let lines: Vec<VerdictLine> = report
        .categories
        .iter()
        .map(|category| VerdictLine {
            head: category_name(category, voice),
            text: match &category.price {
                Some(price) => outlook::sentence(price, voice),
                None => missing(report, category, GapTarget::Price, voice),
            },
        })
        .collect();
    let block = if lines.is_empty() { Block::Say(voice.word("chain.no_categories")) } else { Block::Verdicts(lines) };
    Section { id: "verdicts", title: voice.word("chain.verdicts"), blocks: vec![block] }
}

/// That this category has no such forecast, and why.
fn missing(report: &ChainReport, category: &CategoryOutlook, target: GapTarget, voice: &Voice) -> String {
    let why = head::reason_of(&report.gaps, target, Some(&category.category), voice).unwrap_or_default();
    let key = if target == GapTarget::Price { "chain.no_price" } else { "chain.no_demand" };
    voice.sentences(&[voice.say(key, &[("category", &category_name(category, voice))]), why])
}

fn prices(report: &ChainReport, ration: &mut Ration, voice: &Voice) -> Result<Section, ReportError> {
    let mut blocks = Vec::new();
    for (at, category) in report.categories.iter().enumerate() {
        blocks.extend(match &category.price {
            Some(price) => ration.figure(price, format!("price{at}"), report.head.as_of, voice)?,
            None => Some(Block::Note(missing(report, category, GapTarget::Price, voice))),
        });
    }
    blocks.extend(ration.note(voice));
    if blocks.is_empty() {
        blocks.push(Block::Note(voice.word("prices.none")));
    }
    Ok(Section { id: "prices", title: voice.word("prices.title"), blocks })
}

fn demand(report: &ChainReport, ration: &mut Ration, voice: &Voice) -> Result<Section, ReportError> {
    let mut blocks = Vec::new();
    for (at, category) in report.categories.iter().enumerate() {
        match &category.demand {
            Some(demand) => {
                blocks.push(Block::Say(outlook::sentence(demand, voice)));
                blocks.extend(ration.figure(demand, format!("demand{at}"), report.head.as_of, voice)?);
            }
            None => blocks.push(Block::Note(missing(report, category, GapTarget::Demand, voice))),
        }
    }
    blocks.extend(ration.note(voice));
    if blocks.is_empty() {
        blocks.push(Block::Note(voice.word("demand.none")));
    }
    Ok(Section { id: "demand", title: voice.word("demand.title"), blocks })
}

/// Batches, rejections, unknown names.
fn data(report: &ChainReport, voice: &Voice) -> Section {
    let mut blocks = Vec::new();
    if report.feeds.is_empty() {
        blocks.push(Block::Note(voice.word("data.none")));
    } else {
        blocks.push(Block::Say(data_sentence(report, voice)));
        blocks.push(Block::Table(feeds(report, voice)));
    }
    let feed_name = |feed: &str| voice.known_or_same("feed", feed);
    if !report.rejected.is_empty() {
        let mut rejected = report.rejected.clone();
        rejected.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.cmp(b)));
        let columns = vec![(voice.word("column.feed"), false), (voice.word("column.rule"), false), (voice.word("column.rows"), true)];
        let rows = rejected
            .iter()
            .map(|row| {
                vec![
                    Cell::from(feed_name(&row.feed)),
                    Cell::from(voice.known_or_same("rule", &row.rule)),
                    Cell::from(voice.count(row.rows)),
                ]
            })
            .collect();
        blocks.push(Block::Table(Table::new(voice.word("data.rejected_caption"), columns, rows)));
    }
    if !report.unmapped.is_empty() {
        let mut unmapped = report.unmapped.clone();
        unmapped.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.cmp(b)));
        let columns = vec![
            (voice.word("column.name"), false),
            (voice.word("column.name_kind"), false),
            (voice.word("column.why"), false),
            (voice.word("column.rows"), true),
        ];
        let rows = unmapped
            .iter()
            .map(|row| {
                vec![
                    Cell::from(row.name.as_str()),
                    Cell::from(voice.known_or_same("name_kind", &row.kind)),
                    Cell::from(voice.known_or_same("name_why", &row.why)),
                    Cell::from(voice.count(row.rows)),
                ]
            })
            .collect();
        blocks.push(Block::Table(Table::new(voice.word("data.unmapped_caption"), columns, rows)));
    }
    Section { id: "data", title: voice.word("data.title"), blocks }
}

fn data_sentence(report: &ChainReport, voice: &Voice) -> String {
    let total = |of: fn(&FeedCount) -> u64| voice.count(report.feeds.iter().map(of).sum());
    let counts = voice.say(
        "data.sum",
        &[
            ("batches", &total(|feed| feed.batches)),
            ("received", &total(|feed| feed.received)),
            ("accepted", &total(|feed| feed.accepted)),
            ("rejected", &total(|feed| feed.rejected)),
        ],
    );
    let off = report.feeds.iter().filter(|feed| lost(feed) != 0).count();
    let balance = if off == 0 { voice.word("data.balanced") } else { voice.say("data.unbalanced", &[("count", &off.to_string())]) };
    voice.sentences(&[counts, balance])
}

/// Rows received that are neither accepted nor rejected.
fn lost(feed: &FeedCount) -> i128 {
    i128::from(feed.received) - i128::from(feed.accepted) - i128::from(feed.rejected)
}

fn feeds(report: &ChainReport, voice: &Voice) -> Table {
    let mut feeds = report.feeds.clone();
    feeds.sort();
    let columns = vec![
        (voice.word("column.feed"), false),
        (voice.word("column.batches"), true),
        (voice.word("column.received"), true),
        (voice.word("column.accepted"), true),
        (voice.word("column.rejected"), true),
        (voice.word("column.last_day"), false),
    ];
    let rows = feeds
        .iter()
        .map(|feed| {
            let below = match lost(feed) {
                0 => String::new(),
                rows => voice.say("data.lost", &[("rows", &voice.number(rows as f64, 0))]),
            };
            vec![
                Cell::from(voice.known_or_same("feed", &feed.feed)),
                Cell::from(voice.count(feed.batches)),
                Cell { text: voice.count(feed.received), below, strong: false },
                Cell::from(voice.count(feed.accepted)),
                Cell::from(voice.count(feed.rejected)),
                Cell::from(feed.last_day.map_or_else(|| UNKNOWN.into(), |day| voice.day(day))),
            ]
        })
        .collect();
    Table::new(voice.word("data.feeds_caption"), columns, rows)
}
