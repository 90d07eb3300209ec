//! Serialisable report data in, self-contained HTML out.
//!
//! In: [`BaseReport`] or [`ChainReport`] (plain numbers, names and days) and a [`Lang`]. Out: one HTML file, readable
//! on a phone, on paper and in the dark. Never: a model, a lake, the clock, the network, a script.
//!
//! The way inside this room: data → `check` → a `Page` (every sentence, number and date already in words) → HTML.

mod base;
mod chain;
mod charts;
mod check;
mod data;
mod dates;
mod error;
mod head;
mod html;
mod lang;
mod numbers;
mod outlook;
mod page;
mod scores;
mod voice;

pub use data::{
    AreaChange, AreaUnit, BaseReport, Basis, CategoryOutlook, ChainReport, Cushion, FactRange, FeedCount, Freshness, Gap, GapStatus,
    GapTarget, Head, HeatRow, HeatStrip, KeyCrop, ModelUse, Observed, PlanStatus, PlanSummary, PlotUse, QuantileStep, Quantiles, Reason,
    RejectedRule, Review, ReviewRow, Scenario, ScoreRow, SeriesOutlook, SowingOrder, Standing, UnmappedName, Verdict, WeakCrop, Words,
};
pub use error::ReportError;
pub use lang::Lang;

/// The planting and harvest plan of one farm base, as one HTML file.
pub fn render_base(report: &BaseReport, lang: Lang) -> Result<String, ReportError> {
    check::base(report)?;
    let voice = voice::Voice::speaking(lang, report.head.as_of)?;
    let page = base::page(report, &voice)?;
    html::render(&page, &voice)
}

/// The overview of the whole chain, as one HTML file.
pub fn render_chain(report: &ChainReport, lang: Lang) -> Result<String, ReportError> {
    check::chain(report)?;
    let voice = voice::Voice::speaking(lang, report.head.as_of)?;
    let page = chain::page(report, &voice)?;
    html::render(&page, &voice)
}

/// The page of a base as JSON: every sentence, number and date is final. For other forms than HTML.
pub fn page_base(report: &BaseReport, lang: Lang) -> Result<String, ReportError> {
    check::base(report)?;
    let voice = voice::Voice::speaking(lang, report.head.as_of)?;
    let page = base::page(report, &voice)?;
    voice.finish()?;
    Ok(serde_json::to_string(&page)?)
}
