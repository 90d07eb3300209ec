//! How good we were. In: backtest scores. Out: a table with the naive forecast beside every model, and a sentence.

use crate::check::NAIVE;
use crate::data::{Review, ReviewRow, ScoreRow};
use crate::head;
use crate::page::{Block, Cell, Section, Table};
use crate::voice::Voice;
use std::collections::BTreeMap;

/// The last issue's forecasts against what came, or that this is the first.
pub(crate) fn review(review: Option<&Review>, voice: &Voice) -> Section {
    let title = voice.word("review.title");
    let blocks = match review {
        None => vec![Block::Note(voice.word("review.first_issue"))],
        Some(review) if review.rows.is_empty() => {
            vec![Block::Note(voice.say("review.too_early", &[("day", &voice.short_day(review.issued))]))]
        }
        Some(review) => {
            let (steps, inside) = review.rows.iter().fold((0, 0), |(steps, inside), row| (steps + row.steps, inside + row.inside));
            let fill = [("day", voice.short_day(review.issued)), ("steps", steps.to_string()), ("inside", inside.to_string())];
            let fill: Vec<(&str, &str)> = fill.iter().map(|(name, value)| (*name, value.as_str())).collect();
            vec![
                Block::Say(voice.say("review.sum", &fill)),
                Block::Table(review_table(review, voice)),
                Block::Note(voice.word("review.how_to_read")),
            ]
        }
    };
    Section { id: "review", title, blocks }
}

fn review_table(review: &Review, voice: &Voice) -> Table {
    let columns = vec![
        (voice.word("scores.series"), false),
        (voice.word("review.inside"), true),
        (voice.word("review.error"), true),
        (voice.word("review.bias"), true),
    ];
    let mut rows: Vec<&ReviewRow> = review.rows.iter().collect();
    // prices first, each in the order in which they were given
    rows.sort_by_key(|row| row.target);
    let rows = rows.into_iter().map(|row| {
        let what = voice.say(
            "scores.what",
            &[("category", &voice.known_or_same("category", &row.category)), ("target", &head::target(row.target, voice))],
        );
        let of = voice.say("review.of", &[("inside", &row.inside.to_string()), ("steps", &row.steps.to_string())]);
        vec![Cell::from(what), Cell::from(of), Cell::from(voice.percent(row.error_share)), Cell::from(bias(row.bias_share, voice))]
    });
    Table::new(voice.word("review.caption"), columns, rows.collect())
}

/// Too high, too low, or neither.
fn bias(share: f64, voice: &Voice) -> String {
    let size = voice.percent(share.abs());
    if size == voice.percent(0.0) {
        return voice.word("review.even");
    }
    voice.say(if share > 0.0 { "review.high" } else { "review.low" }, &[("share", &size)])
}

/// The section on accuracy in the backtest, for both reports.
pub(crate) fn section(scores: &[ScoreRow], voice: &Voice) -> Section {
    let mut blocks = Vec::new();
    if scores.is_empty() {
        blocks.push(Block::Note(voice.word("scores.none")));
    } else {
        blocks.push(Block::Say(voice.sentences(&sentences(scores, voice))));
        blocks.push(Block::Table(table(scores, voice)));
        blocks.push(Block::Note(voice.word("scores.how_to_read")));
    }
    Section { id: "scores", title: voice.word("scores.title"), blocks }
}

/// Category and target, the chosen model first and the naive last of each.
fn ordered(scores: &[ScoreRow]) -> Vec<&ScoreRow> {
    let mut rows: Vec<&ScoreRow> = scores.iter().collect();
    rows.sort_by(|a, b| {
        let key = |row: &ScoreRow| (row.target, row.category.clone(), !row.chosen, row.model == NAIVE, row.model.clone());
        key(a).cmp(&key(b))
    });
    rows
}

/// One sentence a category: by how much the chosen model beat, or lost to, repeating the last value.
fn sentences(scores: &[ScoreRow], voice: &Voice) -> Vec<String> {
    let mut groups: BTreeMap<_, (Option<&ScoreRow>, Option<&ScoreRow>)> = BTreeMap::new();
    for row in scores {
        let group = groups.entry((row.target, row.category.as_str())).or_default();
        if row.chosen {
            group.0 = Some(row);
        }
        if row.model == NAIVE {
            group.1 = Some(row);
        }
    }
    groups
        .into_iter()
        .filter_map(|((target, category), (chosen, naive))| {
            let (chosen, naive) = (chosen?, naive?);
            let (ours, theirs) = (chosen.mase?, naive.mase?);
            let what = voice
                .say("scores.what", &[("category", &voice.known_or_same("category", category)), ("target", &head::target(target, voice))]);
            if chosen.model == NAIVE {
                return Some(voice.say("scores.naive_chosen", &[("what", &what)]));
            }
            if theirs <= 0.0 {
                return None;
            }
            let better = 1.0 - ours / theirs;
            let key = if better >= 0.0 { "scores.better" } else { "scores.worse" };
            Some(voice.say(key, &[("what", &what), ("share", &voice.percent(better.abs()))]))
        })
        .collect()
}

fn table(scores: &[ScoreRow], voice: &Voice) -> Table {
    let columns = vec![
        (voice.word("scores.series"), false),
        (voice.word("scores.model"), false),
        (voice.word("scores.mase"), true),
        (voice.word("scores.spl"), true),
        (voice.word("scores.cov80"), true),
        (voice.word("scores.wape"), true),
        (voice.word("scores.cutoffs"), true),
    ];
    let rows = ordered(scores)
        .into_iter()
        .map(|row| {
            let what = voice.say(
                "scores.what",
                &[("category", &voice.known_or_same("category", &row.category)), ("target", &head::target(row.target, voice))],
            );
            let mut model = voice.known_or_same("model", &row.model);
            if row.chosen {
                model = voice.say("scores.chosen", &[("model", &model)]);
            }
            let cell = |text: String| Cell { text, strong: row.chosen, ..Cell::default() };
            let share = |value: Option<f64>| value.map_or_else(|| crate::numbers::UNKNOWN.into(), |value| voice.percent(value));
            vec![
                Cell::from(what),
                cell(model),
                cell(voice.number_or_dash(row.mase, 3)),
                cell(voice.number_or_dash(row.spl, 3)),
                cell(share(row.cov80)),
                cell(share(row.wape)),
                cell(row.cutoffs.to_string()),
            ]
        })
        .collect();
    Table::new(voice.word("scores.caption"), columns, rows)
}
