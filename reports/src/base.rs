//! The report of one farm base. In: `BaseReport`. Out: a page: what to decide first, what it rests on behind it.

mod areas;
mod field;
mod livestock;
mod money;
mod page_one;

use crate::ReportError;
use crate::data::{BaseReport, Gap, GapTarget};
use crate::outlook::Ration;
use crate::page::{Block, Page, Section};
use crate::voice::Voice;
use crate::{head, outlook, scores};

/// Steps ahead drawn in all price charts together: three charts of half a year, six of a quarter. The sentences are
/// never cut.
const STEPS_DRAWN: usize = 80;

/// The page of a base.
pub(crate) fn page(report: &BaseReport, voice: &Voice) -> Result<Page, ReportError> {
    let mut sections = vec![page_one::decide_by(report, voice), page_one::key_crops(report, voice), field::strip(report, voice)];
    sections.extend(livestock::section(report, voice));
    sections.extend([
        scores::review(report.review.as_ref(), voice),
        field::standing(report, voice)?,
        money::summary(report, voice),
        money::scenarios(report, voice),
        prices(report, voice)?,
        scores::section(&report.scores, voice),
    ]);
    sections.extend(money::weak(report, voice));
    Ok(Page {
        kicker: voice.word("base.kicker"),
        name: voice.name(&report.head.name).to_string(),
        issued: head::issued(&report.head, voice),
        facts: head::facts(&report.head, voice),
        lead: page_one::verdicts(report, voice),
        gaps: head::gaps(&report.gaps, voice),
        sections,
        footer: vec![voice.word("page.how_to_read"), voice.say("page.made_by", &[("day", &voice.day(report.head.as_of))])],
    })
}

fn prices(report: &BaseReport, voice: &Voice) -> Result<Section, ReportError> {
    let mut blocks = Vec::new();
    if report.prices.is_empty() {
        blocks.push(Block::Note(nothing("prices.none", &report.gaps, GapTarget::Price, voice)));
    }
    let mut ration = Ration::of(STEPS_DRAWN);
    for (at, price) in report.prices.iter().enumerate() {
        blocks.push(Block::Say(outlook::sentence(price, voice)));
        blocks.extend(ration.figure(price, format!("price{at}"), report.head.as_of, voice)?);
    }
    blocks.extend(ration.note(voice));
    Ok(Section { id: "prices", title: voice.word("prices.title"), blocks })
}

/// That a thing is not there, and why, when a gap says so.
fn nothing(key: &str, gaps: &[Gap], target: GapTarget, voice: &Voice) -> String {
    let why = head::reason_of(gaps, target, None, voice).unwrap_or_default();
    voice.sentences(&[voice.word(key), why])
}
