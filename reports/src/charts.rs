//! Charts as inline SVG. In: days, values, a voice. Out: one drawing for the desk and one for the phone.
//! Never: a legend, turned text, meaning by colour alone, a colour that ignores the page's theme.

mod axis;
mod fan;
mod gantt;
mod ink;
mod svg;

pub(crate) use fan::{Fan, FanMark, FanWords};
pub(crate) use gantt::{Gantt, GanttBar, letter};

use crate::ReportError;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use svg::{SvgBackend, TENTHS};

/// What plotters may say went wrong.
type Trouble = DrawingAreaErrorKind<std::convert::Infallible>;
type Area<'a> = DrawingArea<SvgBackend<'a>, Shift>;

/// The paper a chart is drawn on; sizes in px.
#[derive(Debug, Clone, Copy)]
struct Frame {
    width: f64,
    height: f64,
    font: f64,
    /// Ends the ids of this drawing.
    suffix: &'static str,
}

/// Desk and paper.
const WIDE: Frame = Frame { width: 860.0, height: 290.0, font: 12.5, suffix: "w" };
/// A phone: drawn at its own size, for a shrunken desk chart has 5 px letters.
const NARROW: Frame = Frame { width: 360.0, height: 240.0, font: 11.5, suffix: "n" };

/// Both drawings of one chart.
pub(crate) struct Drawing {
    pub wide: String,
    pub narrow: String,
}

fn draw_both(
    id: &str,
    title: &str,
    heights: [f64; 2],
    paint: impl Fn(&Frame, &Area<'_>) -> Result<(), Trouble>,
) -> Result<Drawing, ReportError> {
    let [wide, narrow] = heights;
    Ok(Drawing {
        wide: draw(id, title, Frame { height: wide, ..WIDE }, &paint)?,
        narrow: draw(id, title, Frame { height: narrow, ..NARROW }, &paint)?,
    })
}

fn draw(id: &str, title: &str, frame: Frame, paint: &impl Fn(&Frame, &Area<'_>) -> Result<(), Trouble>) -> Result<String, ReportError> {
    let mut body = String::new();
    {
        let area = SvgBackend::new(&mut body, (frame.width, frame.height), frame.font).into_drawing_area();
        let painted = paint(&frame, &area).and_then(|()| area.present());
        painted.map_err(|trouble| ReportError::Chart { id: id.into(), why: trouble.to_string() })?;
    }
    Ok(svg::wrap(&format!("{id}{}", frame.suffix), title, (frame.width, frame.height), frame.font, &body))
}

/// px to the backend's tenths.
fn tenths(px: f64) -> i32 {
    (px * TENTHS).round() as i32
}
