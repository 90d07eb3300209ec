//! The fan: a grey past, one hue for what is to come, the band between 10 % and 90 %, today, the feasts.
//! In: a series, the words for its labels. Out: SVG. Never: more past than three times the horizon.

use super::axis::{self, ValueAxis};
use super::ink::Ink;
use super::svg::{SvgBackend, text_width};
use super::{Area, Drawing, Frame, NARROW, Trouble, WIDE, draw_both, tenths};
use crate::ReportError;
use crate::voice::Voice;
use chrono::{Days, NaiveDate};
use plotters::chart::ChartBuilder;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, TextStyle};

/// Steps of past shown for each step ahead.
pub(crate) const PAST_PER_STEP_AHEAD: usize = 3;
/// Between the plot and the labels above it, px.
const LABEL_GAP_PX: f64 = 7.0;
/// Width of bold letters against plain ones.
const BOLD_WIDTH: f64 = 1.1;
/// Steps of past shown when there is no forecast.
const PAST_ALONE: usize = 52;

/// A series to draw.
pub(crate) struct Fan {
    pub id: String,
    /// The finding: the drawing's accessible name.
    pub title: String,
    pub history: Vec<(NaiveDate, Option<f64>)>,
    pub forecast: Vec<(NaiveDate, [f64; 3])>,
    pub as_of: NaiveDate,
    /// Feasts, rising by day.
    pub marks: Vec<FanMark>,
    pub words: FanWords,
    /// Decimals of the labels at the lines' ends.
    pub digits: usize,
}

/// A feast on the axis.
pub(crate) struct FanMark {
    pub day: NaiveDate,
    pub name: String,
}

/// What the labels say.
pub(crate) struct FanWords {
    pub past: String,
    pub today: String,
    pub low: String,
    pub median: String,
    pub high: String,
}

impl Fan {
    /// The past that is shown.
    pub(crate) fn shown_past(&self) -> &[(NaiveDate, Option<f64>)] {
        let steps = if self.forecast.is_empty() { PAST_ALONE } else { PAST_PER_STEP_AHEAD * self.forecast.len() };
        &self.history[self.history.len().saturating_sub(steps)..]
    }

    /// First and last day of the drawing; none when there is nothing to draw.
    pub(crate) fn span(&self) -> Option<(NaiveDate, NaiveDate)> {
        let days = self.shown_past().iter().map(|(day, _)| *day).chain(self.forecast.iter().map(|(day, _)| *day));
        let (first, last) = (days.clone().min()?, days.max()?);
        Some((first, last.max(first + Days::new(1))))
    }

    /// Draws it; none when there is nothing to draw.
    pub(crate) fn draw(&self, voice: &Voice) -> Result<Option<Drawing>, ReportError> {
        let Some(span) = self.span() else { return Ok(None) };
        let values = self.shown_past().iter().filter_map(|(_, value)| *value).chain(self.forecast.iter().flat_map(|(_, levels)| *levels));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Ok(None);
        }
        let axis = ValueAxis::holding(low, high);
        draw_both(&self.id, &self.title, [WIDE.height, NARROW.height], |frame, area| self.paint(frame, area, span, &axis, voice)).map(Some)
    }

    fn paint(
        &self,
        frame: &Frame,
        area: &Area<'_>,
        (first, last): (NaiveDate, NaiveDate),
        axis: &ValueAxis,
        voice: &Voice,
    ) -> Result<(), Trouble> {
        let (font, line) = (frame.font, frame.font * 1.25);
        let days = (last - first).num_days() as f64;
        let ends = self.end_labels(voice);
        let ticks: Vec<(f64, String)> = axis.ticks().into_iter().map(|tick| (tick, voice.number(tick, axis.digits))).collect();
        let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text_width(text, font)).fold(0.0, f64::max);
        let left = widest(&mut ticks.iter().map(|(_, text)| text)) + 8.0;
        let right = (widest(&mut ends.iter().map(|(text, ..)| text)) * BOLD_WIDTH).max(8.0) + 10.0;
        let width = frame.width - left - right;
        let above = self.labels_above(first, last);
        let placed: Vec<(f64, f64)> =
            above.iter().map(|(day, text, _)| (left + (*day - first).num_days() as f64 / days * width, text_width(text, font))).collect();
        let lines = axis::stacked(&placed);
        let top = line * (lines.iter().max().map_or(0, |line| line + 1) as f64) + LABEL_GAP_PX;
        let bottom = line + 6.0;
        let chart = ChartBuilder::on(area)
            .margin_left(tenths(left))
            .margin_right(tenths(right))
            .margin_top(tenths(top))
            .margin_bottom(tenths(bottom))
            .build_cartesian_2d(0.0..days, axis.from..axis.to)?;
        let canvas = Canvas { frame, area, plot: chart.plotting_area(), first, last };

        canvas.grid(axis.from, &ticks, voice)?;
        self.paint_band(&canvas)?;
        for ((day, text, ink), ((x, _), line_no)) in above.iter().zip(placed.iter().zip(&lines)) {
            let height = top - LABEL_GAP_PX - line * *line_no as f64;
            canvas.upright(*day, (axis.from, axis.to), text, *ink, (*x, height))?;
        }
        self.paint_past(&canvas)?;
        self.paint_median(&canvas)?;
        let heights: Vec<f64> = ends.iter().map(|(_, value, _)| canvas.place(last, *value).1).collect();
        for ((text, _, bold), height) in ends.iter().zip(axis::apart(&heights, line, top, frame.height - bottom)) {
            canvas.end_label(text, *bold, height)?;
        }
        Ok(())
    }

    /// The last observation: where the forecast sets out from.
    fn apex(&self) -> Option<(NaiveDate, f64)> {
        self.shown_past().iter().rev().find_map(|(day, value)| value.map(|value| (*day, value)))
    }

    /// One level of the forecast, from the last observation on.
    fn level(&self, level: usize) -> Vec<(NaiveDate, f64)> {
        self.apex().into_iter().chain(self.forecast.iter().map(|(day, levels)| (*day, levels[level]))).collect()
    }

    /// The band between 10 % and 90 %.
    fn paint_band(&self, canvas: &Canvas<'_, '_>) -> Result<(), Trouble> {
        if self.forecast.is_empty() {
            return Ok(());
        }
        let edge: Vec<(NaiveDate, f64)> = self.level(2).into_iter().chain(self.level(0).into_iter().rev()).collect();
        canvas.plot.draw(&Polygon::new(canvas.points(&edge), Ink::LeafTint.colour().filled()))
    }

    /// The past, broken where nothing was observed, with its word above the first stretch.
    fn paint_past(&self, canvas: &Canvas<'_, '_>) -> Result<(), Trouble> {
        let past = self.shown_past();
        for run in past.split(|(_, value)| value.is_none()) {
            let run: Vec<(NaiveDate, f64)> = run.iter().filter_map(|(day, value)| value.map(|value| (*day, value))).collect();
            match run[..] {
                [] => {}
                [alone] => canvas.dot(alone, 1.2)?,
                _ => canvas.plot.draw(&PathElement::new(canvas.points(&run), stroke(Ink::Muted, 1.6)))?,
            }
        }
        if let Some(apex) = self.apex() {
            canvas.dot(apex, 2.5)?;
        }
        let font = canvas.frame.font;
        let places: Vec<(f64, f64)> = past.iter().filter_map(|(day, value)| value.map(|value| canvas.place(*day, value))).collect();
        let Some((start, _)) = places.first().copied() else { return Ok(()) };
        let end = start + text_width(&self.words.past, font) + 6.0;
        // Up to the first point behind the word: the line to it may rise under the word.
        let beside = places.iter().position(|(x, _)| *x > end).map_or(places.len(), |behind| behind + 1);
        let heights = places[..beside].iter().map(|(_, y)| *y);
        let (highest, lowest) = heights.fold((f64::INFINITY, 0.0), |(high, low), y| (y.min(high), y.max(low)));
        // Under the line where there is no room above it.
        let top = f64::from(canvas.plot.get_pixel_range().1.start) / super::TENTHS;
        let (vertical, y) = if highest - font - 6.0 >= top { (VPos::Bottom, highest - 5.0) } else { (VPos::Top, lowest + 5.0) };
        let style = letters(font, Ink::Muted, HPos::Left, vertical);
        canvas.area.draw(&Text::new(self.words.past.as_str(), (tenths(start + 2.0), tenths(y)), style))
    }

    fn paint_median(&self, canvas: &Canvas<'_, '_>) -> Result<(), Trouble> {
        if self.forecast.is_empty() {
            return Ok(());
        }
        canvas.plot.draw(&PathElement::new(canvas.points(&self.level(1)), stroke(Ink::Leaf, 2.2)))
    }

    /// Today and the feasts inside the drawing, by day.
    fn labels_above(&self, first: NaiveDate, last: NaiveDate) -> Vec<(NaiveDate, String, Ink)> {
        let today = (self.as_of, self.words.today.clone(), Ink::Today);
        let mut labels: Vec<_> = self.marks.iter().map(|mark| (mark.day, mark.name.clone(), Ink::Feast)).collect();
        labels.push(today);
        labels.retain(|(day, ..)| (first..=last).contains(day));
        labels.sort_by_key(|(day, ..)| *day);
        labels
    }

    /// Text, value, whether it is the median; highest value first, as heights on the page rise downward.
    fn end_labels(&self, voice: &Voice) -> Vec<(String, f64, bool)> {
        let Some((_, [low, median, high])) = self.forecast.last() else { return Vec::new() };
        let words = &self.words;
        [(&words.high, high, false), (&words.median, median, true), (&words.low, low, false)]
            .into_iter()
            .map(|(word, value, bold)| (format!("{word} {}", voice.number(*value, self.digits)), *value, bold))
            .collect()
    }
}

/// The paper of one drawing with its coordinates: days to the right, values upward.
struct Canvas<'c, 'b> {
    frame: &'c Frame,
    area: &'c Area<'b>,
    plot: &'c DrawingArea<SvgBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    first: NaiveDate,
    last: NaiveDate,
}

impl Canvas<'_, '_> {
    fn day(&self, day: NaiveDate) -> f64 {
        (day - self.first).num_days() as f64
    }

    fn points(&self, values: &[(NaiveDate, f64)]) -> Vec<(f64, f64)> {
        values.iter().map(|(day, value)| (self.day(*day), *value)).collect()
    }

    /// Where a value stands, px.
    fn place(&self, day: NaiveDate, value: f64) -> (f64, f64) {
        let (x, y) = self.plot.map_coordinate(&(self.day(day), value));
        (f64::from(x) / super::TENTHS, f64::from(y) / super::TENTHS)
    }

    fn dot(&self, (day, value): (NaiveDate, f64), radius_px: f64) -> Result<(), Trouble> {
        self.plot.draw(&Circle::new((self.day(day), value), tenths(radius_px), Ink::Muted.colour().filled()))
    }

    /// Hairlines with their values, months along the foot.
    fn grid(&self, foot: f64, ticks: &[(f64, String)], voice: &Voice) -> Result<(), Trouble> {
        let font = self.frame.font;
        for (tick, text) in ticks {
            let line = vec![(0.0, *tick), (self.day(self.last), *tick)];
            self.plot.draw(&PathElement::new(line, stroke(Ink::Rule, 0.8)))?;
            let (x, y) = self.place(self.first, *tick);
            let style = letters(font, Ink::Muted, HPos::Right, VPos::Center);
            self.area.draw(&Text::new(text.as_str(), (tenths(x - 6.0), tenths(y)), style))?;
        }
        let baseline = self.place(self.first, foot).1;
        let months = axis::month_firsts(self.first, self.last);
        let place = |day: NaiveDate| (self.place(day, foot).0, text_width(&voice.month_tick(day), font));
        for month in axis::labelled_months(&months, 0.0, self.frame.width, place) {
            let x = tenths(self.place(month, foot).0);
            let tick = vec![(x, tenths(baseline)), (x, tenths(baseline + 3.0))];
            self.area.draw(&PathElement::new(tick, stroke(Ink::Muted, 0.8)))?;
            let style = letters(font, Ink::Muted, HPos::Center, VPos::Top);
            self.area.draw(&Text::new(voice.month_tick(month), (x, tenths(baseline + 4.5)), style))?;
        }
        Ok(())
    }

    /// A line through the whole height with its label above: today, a feast.
    fn upright(&self, day: NaiveDate, (foot, head): (f64, f64), text: &str, ink: Ink, (x, y): (f64, f64)) -> Result<(), Trouble> {
        let width = if ink == Ink::Today { 1.2 } else { 1.0 };
        let line = vec![(self.day(day), head), (self.day(day), foot)];
        self.plot.draw(&PathElement::new(line, stroke(ink, width)))?;
        let half = text_width(text, self.frame.font) / 2.0;
        let x = x.clamp(half, (self.frame.width - half).max(half));
        self.area.draw(&Text::new(text, (tenths(x), tenths(y)), letters(self.frame.font, ink, HPos::Center, VPos::Bottom)))
    }

    /// A label at a line's end.
    fn end_label(&self, text: &str, bold: bool, height: f64) -> Result<(), Trouble> {
        let ink = if bold { Ink::Leaf } else { Ink::Muted };
        let mut style = letters(self.frame.font, ink, HPos::Left, VPos::Center);
        if bold {
            style.font = style.font.style(FontStyle::Bold);
        }
        let x = self.plot.get_pixel_range().0.end + 60;
        self.area.draw(&Text::new(text, (x, tenths(height)), style))
    }
}

pub(super) fn stroke(ink: Ink, width_px: f64) -> plotters::style::ShapeStyle {
    ink.colour().stroke_width(tenths(width_px) as u32)
}

pub(super) fn letters(font_px: f64, ink: Ink, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let font = ("sans-serif", font_px * super::TENTHS).into_font();
    TextStyle { font, color: ink.colour().to_backend_color(), pos: Pos::new(horizontal, vertical) }
}
