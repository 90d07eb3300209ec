//! The plot calendar: one line a plot, a pale bar while a crop grows, a full one while it is harvested. A letter names
//! the crop; what is only planned has a dashed outline. In: bars. Out: SVG.

use super::axis;
use super::fan::{letters, stroke};
use super::ink::Ink;
use super::svg::text_width;
use super::{Area, Drawing, Frame, Trouble, draw_both, tenths};
use crate::ReportError;
use crate::voice::Voice;
use chrono::{Days, NaiveDate};
use plotters::chart::ChartBuilder;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

/// Height of one lane, px.
const LANE_PX: f64 = 21.0;
/// Space inside a lane above and below its bar, px.
const PADDING_PX: f64 = 2.5;
/// Days shown before today.
const PAST_DAYS: u64 = 28;
/// Room for the names of plots, px: desk, phone.
const NAME_PX: [f64; 2] = [150.0, 76.0];

/// A calendar to draw.
pub(crate) struct Gantt {
    pub id: String,
    pub title: String,
    pub as_of: NaiveDate,
    pub today: String,
    /// By plot and day of sowing; bars of one plot stand together.
    pub bars: Vec<GanttBar>,
}

/// One crop on one plot.
pub(crate) struct GanttBar {
    pub plot: String,
    pub letter: String,
    pub crop: String,
    pub sow_on: NaiveDate,
    pub harvest_from: NaiveDate,
    pub harvest_to: NaiveDate,
    pub standing: bool,
}

/// The letter of the crop at this place in the list: A to Z, then A2 to Z2.
pub(crate) fn letter(at: usize) -> String {
    let letter = char::from(b'A' + (at % 26) as u8);
    match at / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{}", round + 1),
    }
}

impl Gantt {
    /// Draws it; none when there are no bars.
    pub(crate) fn draw(&self, voice: &Voice) -> Result<Option<Drawing>, ReportError> {
        let Some(last) = self.bars.iter().map(|bar| bar.harvest_to + Days::new(1)).max() else { return Ok(None) };
        let first = self.as_of - Days::new(PAST_DAYS);
        if last <= first {
            return Ok(None);
        }
        let (lanes, plots) = self.lanes();
        let height = lanes.iter().max().map_or(0, |lane| lane + 1) as f64 * LANE_PX + 44.0;
        draw_both(&self.id, &self.title, [height, height], |frame, area| self.paint(frame, area, (first, last), &lanes, &plots, voice))
            .map(Some)
    }

    /// The lane of each bar, and (plot, first lane, lanes) of each plot: crops that share a plot at one time get a lane each.
    fn lanes(&self) -> (Vec<usize>, Vec<(&str, usize, usize)>) {
        let mut lanes = Vec::with_capacity(self.bars.len());
        let mut plots: Vec<(&str, usize, usize)> = Vec::new();
        let mut busy_to: Vec<NaiveDate> = Vec::new();
        for bar in &self.bars {
            let next_lane = plots.last().map_or(0, |(_, start, count)| start + count);
            if plots.last().is_none_or(|(plot, ..)| *plot != bar.plot) {
                plots.push((&bar.plot, next_lane, 0));
                busy_to.clear();
            }
            let lane = busy_to.iter().position(|busy| *busy < bar.sow_on).unwrap_or(busy_to.len());
            if lane == busy_to.len() {
                busy_to.push(bar.harvest_to);
            } else {
                busy_to[lane] = bar.harvest_to;
            }
            if let Some((_, start, count)) = plots.last_mut() {
                *count = busy_to.len();
                lanes.push(*start + lane);
            }
        }
        (lanes, plots)
    }

    fn paint(
        &self,
        frame: &Frame,
        area: &Area<'_>,
        (first, last): (NaiveDate, NaiveDate),
        lanes: &[usize],
        plots: &[(&str, usize, usize)],
        voice: &Voice,
    ) -> Result<(), Trouble> {
        let font = frame.font;
        let most = if frame.suffix == "w" { NAME_PX[0] } else { NAME_PX[1] };
        let names: Vec<String> = plots.iter().map(|(plot, ..)| cut(plot, most, font)).collect();
        let left = names.iter().map(|name| text_width(name, font)).fold(0.0, f64::max) + 8.0;
        let at = |day: NaiveDate| (day - first).num_days() as f64;
        let count = plots.last().map_or(0, |(_, start, lanes)| start + lanes) as f64;
        let top = 22.0;
        // Lanes count downward, so the axis is turned.
        let chart = ChartBuilder::on(area)
            .margin_left(tenths(left))
            .margin_right(tenths(4.0))
            .margin_top(tenths(top))
            .margin_bottom(tenths(22.0))
            .build_cartesian_2d(0.0..at(last), count..0.0)?;
        let place = |x: f64, y: f64| chart.plotting_area().map_coordinate(&(x, y));
        let (foot, head) = (place(0.0, count).1, place(0.0, 0.0).1);

        let months = axis::month_firsts(first, last);
        let month_place = |day: NaiveDate| (f64::from(place(at(day), 0.0).0) / super::TENTHS, text_width(&voice.month_tick(day), font));
        for month in axis::labelled_months(&months, 0.0, frame.width, month_place) {
            let x = place(at(month), 0.0).0;
            area.draw(&PathElement::new(vec![(x, head), (x, foot)], stroke(Ink::Rule, 0.8)))?;
            let style = letters(font, Ink::Muted, HPos::Center, VPos::Top);
            area.draw(&Text::new(voice.month_tick(month), (x, foot + 40), style))?;
        }
        for ((_, start, _), name) in plots.iter().zip(&names) {
            let (x, y) = place(0.0, *start as f64);
            area.draw(&PathElement::new(vec![(0, y), (tenths(frame.width), y)], stroke(Ink::Rule, 0.8)))?;
            let middle = y + tenths(LANE_PX / 2.0);
            area.draw(&Text::new(name.as_str(), (x - 60, middle), letters(font, Ink::Text, HPos::Right, VPos::Center)))?;
        }
        for (bar, lane) in self.bars.iter().zip(lanes) {
            let edge = |day: NaiveDate| place(at(day).max(0.0), *lane as f64).0;
            let lane_top = place(0.0, *lane as f64).1;
            let rows = (lane_top + tenths(PADDING_PX), lane_top + tenths(LANE_PX - PADDING_PX));
            let edges = [edge(bar.sow_on), edge(bar.harvest_from), edge(bar.harvest_to + Days::new(1))];
            self.paint_bar(bar, edges, rows, font, area)?;
        }
        let (today, _) = place(at(self.as_of), 0.0);
        area.draw(&PathElement::new(vec![(today, head), (today, foot)], stroke(Ink::Today, 1.2)))?;
        let half = tenths(text_width(&self.today, font) / 2.0);
        let x = today.clamp(half, tenths(frame.width) - half);
        area.draw(&Text::new(self.today.as_str(), (x, head - 30), letters(font, Ink::Text, HPos::Center, VPos::Bottom)))
    }

    fn paint_bar(
        &self,
        bar: &GanttBar,
        [sown, ripe, done]: [i32; 3],
        (top, bottom): (i32, i32),
        font: f64,
        area: &Area<'_>,
    ) -> Result<(), Trouble> {
        let (full, pale, outline, on_full) = if bar.standing {
            (Ink::Soil, Ink::SoilTint, Ink::Soil, Ink::OnSoil)
        } else {
            (Ink::Leaf, Ink::LeafTint, Ink::Planned, Ink::OnLeaf)
        };
        if ripe > sown {
            area.draw(&Rectangle::new([(sown, top), (ripe, bottom)], pale.colour().filled()))?;
            area.draw(&Rectangle::new([(sown, top), (ripe, bottom)], stroke(outline, 1.0)))?;
        }
        if done > ripe {
            area.draw(&Rectangle::new([(ripe, top), (done, bottom)], full.colour().filled()))?;
        }
        // The label stands in the wider part, as long as it fits there.
        let (from, to, ink) = if ripe - sown >= done - ripe { (sown, ripe, Ink::Text) } else { (ripe, done, on_full) };
        let room = f64::from(to - from) / super::TENTHS - 6.0;
        let long = format!("{} {}", bar.letter, bar.crop);
        let label = [long.as_str(), bar.letter.as_str()].into_iter().find(|text| text_width(text, font) <= room);
        match label {
            Some(text) => area.draw(&Text::new(text, (from + 40, (top + bottom) / 2), letters(font, ink, HPos::Left, VPos::Center))),
            None => Ok(()),
        }
    }
}

/// A name cut to a width, with an ellipsis; the table behind the chart has it whole.
fn cut(name: &str, most_px: f64, font: f64) -> String {
    if text_width(name, font) <= most_px {
        return name.to_string();
    }
    let mut kept = String::new();
    for letter in name.chars() {
        if text_width(&format!("{kept}{letter}…"), font) > most_px {
            break;
        }
        kept.push(letter);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(plot: &str, sow: &str, to: &str) -> GanttBar {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        GanttBar {
            plot: plot.into(),
            letter: "A".into(),
            crop: "菜心".into(),
            sow_on: day(sow),
            harvest_from: day(to) - Days::new(5),
            harvest_to: day(to),
            standing: false,
        }
    }

    #[test]
    fn crops_that_share_a_plot_get_a_lane_each() {
        let gantt = Gantt {
            id: "g".into(),
            title: "t".into(),
            as_of: "2026-11-24".parse().expect("a day"),
            today: "today".into(),
            bars: vec![
                bar("1", "2026-11-01", "2026-12-01"),
                bar("1", "2026-11-20", "2026-12-20"),
                bar("1", "2026-12-02", "2026-12-31"),
                bar("2", "2026-11-01", "2026-12-01"),
            ],
        };
        let (lanes, plots) = gantt.lanes();
        assert_eq!(lanes, [0, 1, 0, 2]);
        assert_eq!(plots, [("1", 0, 2), ("2", 2, 1)]);
        assert_eq!((letter(0), letter(25), letter(26)), ("A".into(), "Z".into(), "A2".into()));
    }
}
