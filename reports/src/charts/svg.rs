//! An SVG backend for plotters. In: shapes in tenths of a px. Out: SVG at 0.1 px, inks as CSS variables, text measured
//! in em. Never: a font of its own, a bitmap.
//!
//! Why an own one: the stock backend counts Chinese twice too wide, steps its fans by whole pixels and fixes its colours.

use super::ink;
use crate::html::escape_into;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle};
use std::convert::Infallible;
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// Backend units in a px.
pub(super) const TENTHS: f64 = 10.0;
/// Width of a Chinese letter, em.
const WIDE_EM: f64 = 1.0;
/// Mean width of a Latin letter or digit, em.
const LATIN_EM: f64 = 0.55;
/// From the middle of a line to its baseline, em.
const MIDDLE_TO_BASELINE_EM: f64 = 0.35;
/// From the top of a line to its baseline, em.
const TOP_TO_BASELINE_EM: f64 = 0.8;
/// From the bottom of a line to its baseline, em.
const BOTTOM_TO_BASELINE_EM: f64 = -0.2;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// The width of a text in px: 1 em a Chinese letter, 0.55 em a Latin one.
pub(super) fn text_width(text: &str, font_px: f64) -> f64 {
    text.chars().map(|letter| if letter.width().unwrap_or_default() > 1 { WIDE_EM } else { LATIN_EM }).sum::<f64>() * font_px
}

/// Writes shapes into a string.
pub(super) struct SvgBackend<'a> {
    body: &'a mut String,
    size: (u32, u32),
    /// The letters' size that the element around the body carries, tenths.
    font: i32,
    /// The rectangle filled last, while nothing was drawn since: an outline of it becomes part of it.
    filled: Option<(BackendCoord, BackendCoord)>,
}

impl<'a> SvgBackend<'a> {
    pub(super) fn new(body: &'a mut String, (width_px, height_px): (f64, f64), font_px: f64) -> SvgBackend<'a> {
        let size = ((width_px * TENTHS) as u32, (height_px * TENTHS) as u32);
        SvgBackend { body, size, font: (font_px * TENTHS).round() as i32, filled: None }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.filled = None;
        self.body.write_fmt(text).expect("writing into a String cannot fail");
    }

    /// The `d` of a path, each point relative to the last: shorter than absolute ones.
    fn path_data(points: impl IntoIterator<Item = BackendCoord>) -> String {
        let mut data = String::new();
        let mut last: Option<BackendCoord> = None;
        for (x, y) in points {
            match last {
                None => data.push_str(&format!("M{} {}", px(x), px(y))),
                Some((from_x, from_y)) => data.push_str(&format!("l{} {}", px(x - from_x), px(y - from_y))),
            }
            last = Some((x, y));
        }
        data
    }
}

/// Tenths to px, without a needless `.0`.
fn px(tenths: i32) -> String {
    let (whole, part) = (tenths / 10, (tenths % 10).abs());
    match (part, tenths < 0 && whole == 0) {
        (0, _) => whole.to_string(),
        (_, true) => format!("-0.{part}"),
        (_, false) => format!("{whole}.{part}"),
    }
}

/// The element around a body: role, title, view box, and what most shapes have in common. Inside HTML it needs no namespace, and so names no address.
pub(super) fn wrap(id: &str, title: &str, (width_px, height_px): (f64, f64), font_px: f64, body: &str) -> String {
    let mut escaped = String::new();
    escape_into(title, &mut escaped);
    format!(
        "<svg viewBox=\"0 0 {width_px} {height_px}\" font-size=\"{font_px}\" fill=\"none\" role=\"img\" aria-labelledby=\"{id}-t\">\
         <title id=\"{id}-t\">{escaped}</title>{body}</svg>"
    )
}

impl DrawingBackend for SvgBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_circle(point, 5, &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, upper_left: BackendCoord, bottom_right: BackendCoord, style: &S, fill: bool) -> Drawn {
        let ((left, top), (right, bottom)) = (upper_left, bottom_right);
        let paint = ink::paint(style.color());
        let (x, y, width, height) = (px(left), px(top), px(right - left), px(bottom - top));
        if fill {
            self.push(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{paint}\"/>"));
            self.filled = Some((upper_left, bottom_right));
        } else {
            let extras = ink::stroke_extras(style.color());
            let stroke = px(style.stroke_width() as i32);
            let outline = format!(" stroke=\"{paint}\" stroke-width=\"{stroke}\"{extras}/>");
            if self.filled == Some((upper_left, bottom_right)) {
                self.body.truncate(self.body.len() - "/>".len());
                self.push(format_args!("{outline}"));
            } else {
                self.push(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{outline}"));
            }
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let path: Vec<BackendCoord> = path.into_iter().collect();
        let join = if path.len() > 2 { " stroke-linejoin=\"round\"" } else { "" };
        let (data, paint, extras) = (Self::path_data(path), ink::paint(style.color()), ink::stroke_extras(style.color()));
        let stroke = px(style.stroke_width() as i32);
        self.push(format_args!("<path d=\"{data}\" stroke=\"{paint}\" stroke-width=\"{stroke}\"{join}{extras}/>"));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let (x, y, r) = (px(center.0), px(center.1), px(radius as i32));
        let paint = ink::paint(style.color());
        if fill {
            self.push(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{paint}\"/>"));
        } else {
            let stroke = px(style.stroke_width() as i32);
            self.push(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" stroke=\"{paint}\" stroke-width=\"{stroke}\"/>"));
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, vert: I, style: &S) -> Drawn {
        let data = Self::path_data(vert);
        let paint = ink::paint(style.color());
        self.push(format_args!("<path d=\"{data}z\" fill=\"{paint}\"/>"));
        Ok(())
    }

    fn draw_text<TStyle: BackendTextStyle>(&mut self, text: &str, style: &TStyle, pos: BackendCoord) -> Drawn {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let down_em = match style.anchor().v_pos {
            VPos::Top => TOP_TO_BASELINE_EM,
            VPos::Center => MIDDLE_TO_BASELINE_EM,
            VPos::Bottom => BOTTOM_TO_BASELINE_EM,
        };
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"600\"" } else { "" };
        let (x, y) = (px(pos.0), px(pos.1 + (style.size() * down_em).round() as i32));
        let tenths = style.size().round() as i32;
        let size = if tenths == self.font { String::new() } else { format!(" font-size=\"{}\"", px(tenths)) };
        let paint = ink::paint(style.color());
        let mut escaped = String::new();
        escape_into(text, &mut escaped);
        self.push(format_args!("<text x=\"{x}\" y=\"{y}\"{size} fill=\"{paint}\"{anchor}{weight}>{escaped}</text>"));
        Ok(())
    }

    fn estimate_text_size<TStyle: BackendTextStyle>(&self, text: &str, style: &TStyle) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((text_width(text, style.size()).ceil() as u32, style.size().ceil() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_are_written_short_and_signed() {
        for (tenths, expect) in [(0, "0"), (10, "1"), (-5, "-0.5"), (-15, "-1.5"), (1234, "123.4"), (-20, "-2")] {
            assert_eq!(px(tenths), expect);
        }
    }

    #[test]
    fn chinese_counts_one_em_and_latin_about_a_half() {
        assert!((text_width("菜心ab", 10.0) - 31.0).abs() < 1e-9);
    }
}
