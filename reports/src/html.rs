//! A page as one HTML file. In: a `Page`. Out: HTML with its style inside. Never: a script, an address, unescaped user text.

use crate::ReportError;
use crate::page::Page;
use crate::voice::Voice;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value, context, escape_formatter};

const PAGE: &str = include_str!("../templates/page.html");
const PARTS: &str = include_str!("../templates/parts.html");
const STYLE: &str = include_str!("../templates/style.css");

/// Fills the template.
pub(crate) fn render(page: &Page, voice: &Voice) -> Result<String, ReportError> {
    let words = context! {
        data_behind => voice.word("page.data_behind"),
        appendix => voice.word("page.appendix"),
        ripe => voice.word("strip.ripe"),
        saleable => voice.word("strip.saleable"),
    };
    voice.finish()?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(formatter);
    environment.add_filter("toned", toned);
    environment.add_template("style.css", STYLE)?;
    environment.add_template("parts.html", PARTS)?;
    environment.add_template("page.html", PAGE)?;
    let filled = environment.get_template("page.html")?.render(context! { lang => voice.lang.tag(), words, page => Serde(page) })?;
    Ok(filled)
}

/// Escapes every text that is not marked safe. The library's own escaping also rewrites the `/` of `元/公斤`.
fn formatter(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && *state.auto_escape() == AutoEscape::Html => {
            let mut html = String::with_capacity(text.len());
            escape_into(text, &mut html);
            Ok(out.write_str(&html)?)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// Escapes a text and colours each `▲3.1%` and `▼8.0%` in it: the arrow says it, the colour only repeats it.
fn toned(text: &str) -> Value {
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['▲', '▼']) {
        let (before, marked) = rest.split_at(at);
        let arrow = '▲'.len_utf8();
        let end = marked[arrow..]
            .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | ',' | '%')))
            .map_or(marked.len(), |end| arrow + end);
        // A full stop or a comma behind the number is not part of it.
        let end = arrow + marked[arrow..end].trim_end_matches(['.', ',']).len();
        escape_into(before, &mut html);
        if end > arrow {
            let class = if marked.starts_with('▲') { "up" } else { "down" };
            html.push_str(&format!("<span class=\"{class}\">{}</span>", &marked[..end]));
        } else {
            html.push_str(&marked[..end]);
        }
        rest = &marked[end..];
    }
    escape_into(rest, &mut html);
    Value::from_safe_string(html)
}

/// Escapes what has a meaning in HTML.
pub(crate) fn escape_into(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#x27;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_with_numbers_are_coloured_and_all_is_escaped() {
        for (text, expect) in [
            ("环比▲3.1%，同比▼8.0%。", "环比<span class=\"up\">▲3.1%</span>，同比<span class=\"down\">▼8.0%</span>。"),
            ("up ▲1,000.5%.", "up <span class=\"up\">▲1,000.5%</span>."),
            ("▲ surplus", "▲ surplus"),
            ("<script>▲2%</script>", "&lt;script&gt;<span class=\"up\">▲2%</span>&lt;/script&gt;"),
        ] {
            assert_eq!(toned(text).to_string(), expect);
        }
    }

    /// Relative luminance and contrast: Source: WCAG 2.2, definitions.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |hex: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("two hex digits")) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_stands_out_by_day_and_by_night() {
        let (day, night) = STYLE.split_once("prefers-color-scheme:dark").expect("a dark half");
        for (half, style) in [("day", day), ("night", night)] {
            let colour = |name: &str| {
                let at = style.find(&format!("--{name}:#")).unwrap_or_else(|| panic!("{half} lacks --{name}")) + name.len() + 3;
                &style[at..at + 7]
            };
            for text in ["ink", "muted", "up", "down", "leaf"] {
                for ground in ["paper", "panel"] {
                    let found = contrast(colour(text), colour(ground));
                    assert!(found >= 4.5, "{half}: --{text} on --{ground} has {found:.2}");
                }
            }
            for tint in ["surplus", "short", "even"] {
                for text in ["ink", "muted"] {
                    let found = contrast(colour(text), colour(tint));
                    assert!(found >= 4.5, "{half}: --{text} on --{tint} has {found:.2}");
                }
            }
            assert!(contrast(colour("on-leaf"), colour("leaf")) >= 4.5, "{half}: bars");
            assert!(contrast(colour("on-soil"), colour("soil")) >= 4.5, "{half}: bars");
        }
    }
}
