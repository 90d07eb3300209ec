//! What stands above every report: day, horizon, models, units, markets, freshness, and what cannot be said.
//! In: `Head`, gaps. Out: pieces of a page.

use crate::data::{Gap, GapStatus, GapTarget, Head};
use crate::page::{Fact, Facts, GapLine, GapPanel};
use crate::voice::Voice;
use chrono::Days;
use nongshi_domain::Target;
use std::collections::BTreeMap;

/// The line under the name: day, moon, weeks ahead.
pub(crate) fn issued(head: &Head, voice: &Voice) -> Vec<String> {
    let last_day = head.first_week + Days::new(7 * u64::from(head.horizon_weeks.max(1)) - 1);
    vec![
        voice.say("head.as_of", &[("day", &voice.weekday(head.as_of))]),
        voice.lunar(head.as_of),
        voice.say(
            "head.horizon",
            &[("first", &voice.day(head.first_week)), ("last", &voice.day(last_day)), ("weeks", &head.horizon_weeks.to_string())],
        ),
    ]
}

/// What the issue rests on.
pub(crate) fn facts(head: &Head, voice: &Voice) -> Facts {
    let mut markets = head.markets.clone();
    markets.sort();
    markets.dedup();
    let none = || voice.word("head.none");
    let items = vec![
        Fact { label: voice.word("head.models"), value: models(head, voice).unwrap_or_else(none) },
        Fact { label: voice.word("head.units"), value: voice.word("head.units_are") },
        Fact { label: voice.word("head.markets"), value: if markets.is_empty() { none() } else { voice.list(&markets) } },
        Fact { label: voice.word("head.freshness"), value: freshness(head, voice).unwrap_or_else(none) },
    ];
    Facts { title: voice.word("head.rests_on"), items }
}

/// `价格：组合（蔬菜、水果）`, one part a target.
fn models(head: &Head, voice: &Voice) -> Option<String> {
    let mut by_target: BTreeMap<Target, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for used in &head.models {
        by_target.entry(used.target).or_default().entry(&used.model).or_default().push(&used.category);
    }
    let parts: Vec<String> = by_target
        .into_iter()
        .map(|(target, models)| {
            let models: Vec<String> = models
                .into_iter()
                .map(|(model, mut categories)| {
                    categories.sort_unstable();
                    let categories: Vec<String> =
                        categories.into_iter().map(|category| voice.known_or_same("category", category)).collect();
                    voice
                        .say("head.model_for", &[("model", &voice.known_or_same("model", model)), ("categories", &voice.list(&categories))])
                })
                .collect();
            voice.say("head.models_of", &[("target", &self::target(target, voice)), ("models", &voice.list(&models))])
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(voice.word("head.between").as_str()))
}

fn freshness(head: &Head, voice: &Voice) -> Option<String> {
    let mut feeds = head.freshness.clone();
    feeds.sort();
    let parts: Vec<String> = feeds
        .iter()
        .map(|fresh| {
            // a user's own feed keeps its name, and is called a feed
            let feed = match voice.known_or_same("feed", &fresh.feed) {
                name if name == fresh.feed => voice.say("head.feed_named", &[("feed", &name)]),
                name => name,
            };
            match fresh.last_day {
                None => voice.say("head.never_came", &[("feed", &feed)]),
                Some(day) => {
                    let key = if fresh.late { "head.late" } else { "head.fresh" };
                    voice.say(key, &[("feed", &feed), ("day", &voice.short_day(day))])
                }
            }
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(voice.word("head.between").as_str()))
}

/// Price or demand, in a word.
pub(crate) fn target(target: Target, voice: &Voice) -> String {
    voice.word(match target {
        Target::Price => "target.price",
        Target::Demand => "target.demand",
    })
}

/// What this issue cannot say; none when it can say everything.
pub(crate) fn gaps(gaps: &[Gap], voice: &Voice) -> Option<GapPanel> {
    if gaps.is_empty() {
        return None;
    }
    let mut gaps = gaps.to_vec();
    gaps.sort();
    Some(GapPanel {
        title: voice.say("gap.title", &[("count", &gaps.len().to_string())]),
        lead: voice.word("gap.lead"),
        items: gaps.iter().map(|gap| line(gap, voice)).collect(),
    })
}

fn line(gap: &Gap, voice: &Voice) -> GapLine {
    let what = voice.word(match gap.target {
        GapTarget::Price => "gap.price",
        GapTarget::Demand => "gap.demand",
        GapTarget::Plan => "gap.plan",
    });
    let what = if gap.category.is_empty() {
        what
    } else {
        voice.say("gap.title_of", &[("category", &voice.known_or_same("category", &gap.category)), ("what", &what)])
    };
    let status = voice.word(match gap.status {
        GapStatus::Alive => "gap.alive",
        GapStatus::Stale => "gap.stale",
        GapStatus::Missing => "gap.missing",
        GapStatus::Short => "gap.short",
        GapStatus::Waits => "gap.waits",
    });
    let reason = voice.name(&gap.reason);
    let why = match gap.last_day {
        Some(day) => voice.say("gap.why_since", &[("day", &voice.day(day)), ("reason", reason)]),
        None => reason.to_string(),
    };
    GapLine { what, status, why }
}

/// Why one thing is not said, for its own place; none when no gap explains it.
pub(crate) fn reason_of(gaps: &[Gap], target: GapTarget, category: Option<&str>, voice: &Voice) -> Option<String> {
    let mut fitting: Vec<&Gap> =
        gaps.iter().filter(|gap| gap.target == target && category.is_none_or(|category| gap.category == category)).collect();
    fitting.sort();
    fitting.first().map(|gap| line(gap, voice)).map(|line| voice.say("gap.in_place", &[("status", &line.status), ("why", &line.why)]))
}
