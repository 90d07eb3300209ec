//! One series, said and drawn. In: its past and its forecast. Out: the trade's sentence (价格、环比、同比、后市) and a figure
//! with the table behind it.

use crate::ReportError;
use crate::charts::{Fan, FanMark, FanWords};
use crate::data::{SeriesOutlook, Words};
use crate::numbers::Direction;
use crate::page::{Block, Cell, Figure, Table};
use crate::voice::Voice;
use chrono::{Days, NaiveDate};
use nongshi_domain::{Cadence, Target, festivals_between};

/// kg in a tonne: demand is read in tonnes.
const KG_PER_TONNE: f64 = 1000.0;

/// The last observed step: its day, value, change on the step before and on the year.
pub(crate) struct Latest {
    pub day: NaiveDate,
    pub value: f64,
    pub on_previous: Option<f64>,
    pub on_year: Option<f64>,
}

/// The latest observation of a series; none when nothing was ever observed.
pub(crate) fn latest(outlook: &SeriesOutlook) -> Option<Latest> {
    let last = outlook.history.iter().rev().find_map(|observed| observed.value.map(|value| (observed.day, value)));
    let (day, value) = last?;
    let cadence = outlook.cadence;
    let change_since = |steps: i64| {
        let then = outlook.history.iter().find(|observed| cadence.steps_between(observed.day, day) == steps)?.value?;
        (then > 0.0).then_some(value / then - 1.0)
    };
    Some(Latest { day, value, on_previous: change_since(1), on_year: change_since(cadence.steps_per_year() as i64) })
}

/// Units and decimals of a target: price in CNY/kg, demand in tonnes.
struct Scale {
    divisor: f64,
    digits: usize,
    /// The unit as the subtitle of a chart and the head of a column.
    unit: String,
}

fn scale(outlook: &SeriesOutlook, voice: &Voice) -> Scale {
    match outlook.target {
        Target::Price => Scale { divisor: 1.0, digits: 2, unit: voice.word("unit.yuan_per_kg") },
        Target::Demand => {
            let step = voice.word(match outlook.cadence {
                Cadence::Day => "unit.a_day",
                Cadence::Week => "unit.a_week",
                Cadence::TenDays => "unit.a_ten_days",
                Cadence::Month => "unit.a_month",
            });
            Scale { divisor: KG_PER_TONNE, digits: 1, unit: voice.say("unit.tonnes", &[("step", &step)]) }
        }
    }
}

/// The crop with its place.
pub(crate) fn subject(outlook: &SeriesOutlook, voice: &Voice) -> String {
    let name = voice.name(&outlook.subject);
    if outlook.place.is_empty() { name.to_string() } else { voice.say("outlook.at", &[("subject", name), ("place", &outlook.place)]) }
}

/// Where it goes until the last step ahead, against the last observation.
pub(crate) fn direction(outlook: &SeriesOutlook) -> Option<(Direction, f64)> {
    let now = latest(outlook)?.value;
    let then = outlook.forecast.last()?.quantiles.median;
    (now > 0.0).then(|| (Direction::of(then / now - 1.0), then / now - 1.0))
}

/// `番茄（广州江南市场）11月16日当周5.20元/公斤，环比▲3.1%，同比▼8.0%。后市看涨：…`
pub(crate) fn sentence(outlook: &SeriesOutlook, voice: &Voice) -> String {
    voice.sentences(&[now_said(outlook, voice), ahead_said(outlook, voice)])
}

/// Where the series stands: the value, its change on the last step and on the year.
pub(crate) fn now_said(outlook: &SeriesOutlook, voice: &Voice) -> String {
    let Some(latest) = latest(outlook) else {
        return voice.say("outlook.nothing_observed", &[("subject", &subject(outlook, voice))]);
    };
    let scale = scale(outlook, voice);
    let or_unknown = |share: Option<f64>| share.map_or_else(|| voice.word("outlook.no_comparison"), |share| voice.change(share));
    voice.say(
        match outlook.target {
            Target::Price => "outlook.price_now",
            Target::Demand => "outlook.demand_now",
        },
        &[
            ("subject", &subject(outlook, voice)),
            ("when", &voice.step(latest.day, outlook.cadence)),
            ("value", &voice.number(latest.value / scale.divisor, scale.digits)),
            ("on_previous", &or_unknown(latest.on_previous)),
            ("on_year", &or_unknown(latest.on_year)),
        ],
    )
}

/// Where it goes: direction, the last step's median, its odds.
pub(crate) fn ahead_said(outlook: &SeriesOutlook, voice: &Voice) -> String {
    let Some(last) = outlook.forecast.last() else { return voice.word("outlook.no_forecast") };
    let Some((direction, share)) = direction(outlook) else { return String::new() };
    let scale = scale(outlook, voice);
    let scaled = crate::data::Quantiles {
        low: last.quantiles.low / scale.divisor,
        median: last.quantiles.median / scale.divisor,
        high: last.quantiles.high / scale.divisor,
    };
    voice.say(
        "outlook.ahead",
        &[
            ("direction", &voice.word(&format!("direction.{}", direction.name()))),
            ("when", &voice.step(last.day, outlook.cadence)),
            ("median", &voice.number(scaled.median, scale.digits)),
            ("unit", &scale.unit),
            ("change", &voice.change(share)),
            ("odds", &voice.odds(&scaled, scale.digits)),
        ],
    )
}

/// The figure of a series; a note when there is nothing to draw.
fn figure(outlook: &SeriesOutlook, id: String, as_of: NaiveDate, voice: &Voice) -> Result<Block, ReportError> {
    let scale = scale(outlook, voice);
    let subject = subject(outlook, voice);
    let finding = match direction(outlook) {
        Some((direction, _)) => voice.say(
            &format!("finding.{}", direction.name()),
            &[("subject", &subject), ("steps", &outlook.forecast.len().to_string()), ("step", &steps_word(outlook, voice))],
        ),
        None => voice.say("finding.past_only", &[("subject", &subject)]),
    };
    let mut fan = Fan {
        id,
        title: finding.clone(),
        history: outlook.history.iter().map(|observed| (observed.day, observed.value.map(|value| value / scale.divisor))).collect(),
        forecast: outlook
            .forecast
            .iter()
            .map(|step| (step.day, [step.quantiles.low, step.quantiles.median, step.quantiles.high].map(|value| value / scale.divisor)))
            .collect(),
        as_of,
        marks: Vec::new(),
        words: FanWords {
            past: voice.word("chart.past"),
            today: voice.say("chart.today", &[("day", &voice.short_day(as_of))]),
            low: voice.word("chart.low"),
            median: voice.word("chart.median"),
            high: voice.word("chart.high"),
        },
        digits: scale.digits,
    };
    if let Some((first, last)) = fan.span() {
        fan.marks = festivals_between(first, last + Days::new(1))
            .into_iter()
            .map(|(day, feast)| FanMark { day, name: voice.word(&format!("festival.{}", feast.name())) })
            .collect();
    }
    let Some(drawing) = fan.draw(voice)? else {
        return Ok(Block::Note(voice.say("outlook.nothing_observed", &[("subject", &subject)])));
    };
    Ok(Block::Figure(Box::new(Figure {
        finding,
        unit: scale.unit.clone(),
        source: source(&outlook.source, &outlook.model, voice),
        key: String::new(),
        wide_svg: drawing.wide,
        narrow_svg: drawing.narrow,
        tables: tables(outlook, &fan, &scale, &subject, voice),
    })))
}

fn source(source: &Words, model: &str, voice: &Voice) -> String {
    voice.say("outlook.source", &[("source", voice.name(source)), ("model", &voice.known_or_same("model", model))])
}

/// `周`, `weeks`.
fn steps_word(outlook: &SeriesOutlook, voice: &Voice) -> String {
    voice.word(match outlook.cadence {
        Cadence::Day => "unit.days",
        Cadence::Week => "unit.weeks",
        Cadence::TenDays => "unit.ten_days",
        Cadence::Month => "unit.months",
    })
}

/// The tables behind a fan: every step that is drawn, the forecast first, then the past, several steps a row.
fn tables(outlook: &SeriesOutlook, fan: &Fan, scale: &Scale, subject: &str, voice: &Voice) -> Vec<Table> {
    let caption = |key: &str| voice.say(key, &[("subject", subject), ("unit", &scale.unit)]);
    // The past may be longer than a year: data carry their whole date.
    let day = |day: NaiveDate| Cell::from(day.to_string());
    let mut tables = Vec::new();
    if !fan.forecast.is_empty() {
        let levels = ["quantile.low", "quantile.median", "quantile.high"].map(|key| (voice.word(key), true));
        let columns = std::iter::once((voice.word("outlook.step"), false)).chain(levels).collect();
        let rows = fan.forecast.iter().map(|(on, levels)| {
            let levels = levels.map(|value| Cell::from(voice.number(value, scale.digits)));
            std::iter::once(day(*on)).chain(levels).collect()
        });
        tables.push(Table::new(caption("outlook.table_ahead"), columns, rows.collect()));
    }
    let (in_a_row, step) = match outlook.cadence {
        Cadence::Day => (7, "unit.a_day"),
        Cadence::Week => (4, "unit.a_week"),
        Cadence::TenDays => (3, "unit.a_ten_days"),
        Cadence::Month => (6, "unit.a_month"),
    };
    let nth = |nth: usize| voice.say("outlook.nth", &[("nth", &nth.to_string()), ("step", &voice.word(step))]);
    let columns = std::iter::once((voice.word("outlook.from"), false)).chain((1..=in_a_row).map(|at| (nth(at), true))).collect();
    let rows = fan.shown_past().chunks(in_a_row).map(|steps| {
        let values = steps.iter().map(|(_, value)| Cell::from(voice.number_or_dash(*value, scale.digits)));
        let empty = (steps.len()..in_a_row).map(|_| Cell::default());
        std::iter::once(day(steps[0].0)).chain(values).chain(empty).collect()
    });
    tables.push(Table::new(caption("outlook.table_past"), columns, rows.collect()));
    tables
}

/// How many charts a page can carry and still open at once on a phone: bytes grow with the steps drawn.
pub(crate) struct Ration {
    steps_left: usize,
    undrawn: Vec<String>,
}

impl Ration {
    pub(crate) fn of(steps: usize) -> Ration {
        Ration { steps_left: steps, undrawn: Vec::new() }
    }

    /// The figure of a series while there is room for it; what finds no room is named by `note`.
    pub(crate) fn figure(
        &mut self,
        outlook: &SeriesOutlook,
        id: String,
        as_of: NaiveDate,
        voice: &Voice,
    ) -> Result<Option<Block>, ReportError> {
        match self.steps_left.checked_sub(outlook.forecast.len()) {
            Some(left) => {
                self.steps_left = left;
                figure(outlook, id, as_of, voice).map(Some)
            }
            None => {
                self.undrawn.push(subject(outlook, voice));
                Ok(None)
            }
        }
    }

    /// The series that found no room, named once.
    pub(crate) fn note(&mut self, voice: &Voice) -> Option<Block> {
        let undrawn = std::mem::take(&mut self.undrawn);
        (!undrawn.is_empty()).then(|| Block::Note(voice.say("outlook.undrawn", &[("subjects", &voice.list(&undrawn))])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Observed, QuantileStep, Quantiles};
    use crate::{Lang, Words};

    fn outlook(values: &[Option<f64>], medians: &[f64]) -> SeriesOutlook {
        let first: NaiveDate = "2025-11-17".parse().expect("a Monday");
        let step = |at: usize| Cadence::Week.advance(first, at as u32);
        SeriesOutlook {
            subject: Words::new("番茄", "Tomato"),
            place: String::new(),
            target: Target::Price,
            cadence: Cadence::Week,
            history: values.iter().enumerate().map(|(at, value)| Observed { day: step(at), value: *value }).collect(),
            forecast: medians
                .iter()
                .enumerate()
                .map(|(at, median)| QuantileStep {
                    day: step(values.len() + at),
                    quantiles: Quantiles { low: median - 1.0, median: *median, high: median + 1.0 },
                })
                .collect(),
            model: "naive".into(),
            source: Words::default(),
        }
    }

    #[test]
    fn changes_are_those_of_the_step_and_the_year() {
        let mut values = vec![Some(4.0); 53];
        values[52] = Some(5.0);
        values[51] = Some(4.5);
        values[0] = Some(8.0);
        let found = latest(&outlook(&values, &[])).expect("observed");
        assert_eq!((found.on_previous, found.on_year), (Some(5.0 / 4.5 - 1.0), Some(5.0 / 8.0 - 1.0)));
        // A step that was not observed is no comparison, and the one before it is not taken instead.
        values[51] = None;
        assert_eq!(latest(&outlook(&values, &[])).expect("observed").on_previous, None);
        assert!(latest(&outlook(&[None, None], &[])).is_none());
    }

    #[test]
    fn the_sentence_has_price_changes_and_what_comes() {
        let zh = Voice::speaking(Lang::Zh, "2025-12-01".parse().expect("a day")).expect("zh");
        assert_eq!(
            sentence(&outlook(&[Some(4.0), Some(4.4)], &[4.5, 4.84]), &zh),
            "番茄11月24日当周4.40元/公斤，环比▲10.0%，同比无可比。后市看涨：到12月8日当周中位4.84元/公斤（▲10.0%），八成把握在3.84–5.84。"
        );
        assert_eq!(
            sentence(&outlook(&[Some(4.0), Some(4.0)], &[]), &zh),
            "番茄11月24日当周4.00元/公斤，环比持平，同比无可比。后市暂无预测。"
        );
        assert!(zh.finish().is_ok());
    }
}
