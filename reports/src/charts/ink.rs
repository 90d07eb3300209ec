//! Inks: what a stroke or a filling means. In: a reserved colour. Out: a CSS variable with its fallback by day.
//!
//! plotters only knows RGB, so each ink travels as a colour of its own and is named again on output.

use plotters::style::RGBColor;
use plotters_backend::BackendColor;

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text that matters.
    Text,
    /// Text and lines that step back, such as the past.
    Muted,
    /// Hairlines of the grid.
    Rule,
    /// The forecast, and what is planned.
    Leaf,
    /// Letters on it.
    OnLeaf,
    /// The spread of the forecast, and a planned crop that grows.
    LeafTint,
    /// What stands in the field.
    Soil,
    /// Letters on it.
    OnSoil,
    /// A standing crop that grows.
    SoilTint,
    /// Today.
    Today,
    /// A feast: a dotted line.
    Feast,
    /// The outline of what is only planned: dashed.
    Planned,
}

/// Ink, CSS variable, fallback (as in `style.css`, by day), further attributes of a stroke.
const INKS: [(Ink, &str, &str, &str); 12] = [
    (Ink::Text, "ink", "#20281f", ""),
    (Ink::Muted, "muted", "#59625a", ""),
    (Ink::Rule, "rule", "#dcdacd", ""),
    (Ink::Leaf, "leaf", "#2b6a3a", ""),
    (Ink::OnLeaf, "on-leaf", "#ffffff", ""),
    (Ink::LeafTint, "leaf-tint", "#cfe3cf", ""),
    (Ink::Soil, "soil", "#77603f", ""),
    (Ink::OnSoil, "on-soil", "#ffffff", ""),
    (Ink::SoilTint, "soil-tint", "#e9dfcc", ""),
    (Ink::Today, "ink", "#20281f", ""),
    (Ink::Feast, "muted", "#59625a", " stroke-dasharray=\"1.5 3\""),
    (Ink::Planned, "leaf", "#2b6a3a", " stroke-dasharray=\"4 2\""),
];

impl Ink {
    /// The reserved colour that carries it through plotters.
    pub(super) fn colour(self) -> RGBColor {
        let at = INKS.iter().position(|(ink, ..)| *ink == self).unwrap_or_default();
        // Twelve inks: the index fits a byte.
        RGBColor(0, 0, at as u8)
    }
}

fn entry(colour: BackendColor) -> &'static (Ink, &'static str, &'static str, &'static str) {
    INKS.get(usize::from(colour.rgb.2)).unwrap_or(&INKS[0])
}

/// `var(--leaf,#2b6a3a)`.
pub(super) fn paint(colour: BackendColor) -> String {
    let (_, variable, fallback, _) = entry(colour);
    format!("var(--{variable},{fallback})")
}

/// Dashes and the like.
pub(super) fn stroke_extras(colour: BackendColor) -> &'static str {
    entry(colour).3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_returns_as_its_variable_and_the_fallbacks_are_those_of_the_day() {
        let style = include_str!("../../templates/style.css");
        let day = style.split("prefers-color-scheme").next().expect("a first part");
        for (ink, variable, fallback, _) in INKS {
            let RGBColor(red, green, blue) = ink.colour();
            let colour = BackendColor { alpha: 1.0, rgb: (red, green, blue) };
            assert_eq!(paint(colour), format!("var(--{variable},{fallback})"));
            assert!(day.contains(&format!("--{variable}:{fallback};")), "style.css lacks --{variable}:{fallback}");
        }
    }
}
