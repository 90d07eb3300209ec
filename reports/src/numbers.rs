//! Numbers in words. In: kg, CNY, shares. Out: `1,234.5` for tables, `12.5万公斤` for Chinese prose. Never: rounds twice.

use crate::Lang;
use crate::data::Quantiles;
use crate::voice::Voice;
use nongshi_domain::LEVELS;

/// What stands where nothing is known.
pub(crate) const UNKNOWN: &str = "–";

/// 10,000: Chinese prose counts in it.
const WAN: f64 = 10_000.0;
/// 100,000,000.
const YI: f64 = 100_000_000.0;
/// A price change below this share is called steady.
const STEADY_SHARE: f64 = 0.03;

/// Which way a share points, for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
    Steady,
}

impl Direction {
    /// Formula: the sign of `share` when it is at least [`STEADY_SHARE`] in size.
    pub(crate) fn of(share: f64) -> Direction {
        if share.abs() < STEADY_SHARE {
            Direction::Steady
        } else if share > 0.0 {
            Direction::Up
        } else {
            Direction::Down
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Steady => "steady",
        }
    }
}

impl Voice {
    /// `1,234.5` with exactly `digits` decimals and a true minus sign.
    pub(crate) fn number(&self, value: f64, digits: usize) -> String {
        if !value.is_finite() {
            self.note_not_finite(value);
            return UNKNOWN.into();
        }
        let plain = format!("{:.digits$}", value.abs());
        let (whole, part) = match plain.split_once('.') {
            Some((whole, part)) => (whole, format!(".{part}")),
            None => (plain.as_str(), String::new()),
        };
        let negative = value < 0.0 && plain.contains(|digit: char| ('1'..='9').contains(&digit));
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("{}{grouped}{part}", if negative { "−" } else { "" })
    }

    /// As `number`, or the dash of the unknown.
    pub(crate) fn number_or_dash(&self, value: Option<f64>, digits: usize) -> String {
        value.map_or_else(|| UNKNOWN.into(), |value| self.number(value, digits))
    }

    /// Whole counts.
    pub(crate) fn count(&self, value: u64) -> String {
        // Counts above 2^53 are not met in a chain of shops.
        self.number(value as f64, 0)
    }

    /// CNY/kg with two decimals.
    pub(crate) fn price(&self, value: f64) -> String {
        self.number(value, 2)
    }

    /// An amount without needless decimals: `40`, `2.5`.
    pub(crate) fn short(&self, value: f64) -> String {
        let text = self.number(value, 1);
        text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
    }

    /// `9.1%`.
    pub(crate) fn percent(&self, share: f64) -> String {
        format!("{}%", self.number(share * 100.0, 1))
    }

    /// `▲3.1%`, `▼8.0%`, or the word for no change.
    pub(crate) fn change(&self, share: f64) -> String {
        let size = self.number(share.abs() * 100.0, 1);
        match (size == "0.0", share > 0.0) {
            (true, _) => self.word("number.unchanged"),
            (false, true) => format!("▲{size}%"),
            (false, false) => format!("▼{size}%"),
        }
    }

    pub(crate) fn change_or_dash(&self, share: Option<f64>) -> String {
        share.map_or_else(|| UNKNOWN.into(), |share| self.change(share))
    }

    /// Money in prose: `18.3万元`, `183,000 yuan`.
    pub(crate) fn yuan(&self, value: f64) -> String {
        self.say("number.yuan", &[("amount", &self.prose(value))])
    }

    /// Mass in prose: `12.5万公斤`, `125,000 kg`.
    pub(crate) fn kilograms(&self, value: f64) -> String {
        self.say("number.kilograms", &[("amount", &self.prose(value))])
    }

    /// Area in prose.
    pub(crate) fn mu(&self, value: f64) -> String {
        self.say("number.mu", &[("amount", &self.short(value))])
    }

    /// A number in prose, rounded once: to a tenth of 万 or 亿 in Chinese, to a whole in English.
    pub(crate) fn prose(&self, value: f64) -> String {
        let size = value.abs();
        match self.lang {
            // 99,999,999 is 1亿, not 10,000万.
            Lang::Zh if size >= YI - 0.05 * WAN => format!("{}亿", self.short(value / YI)),
            Lang::Zh if size >= WAN - 0.5 => format!("{}万", self.short(value / WAN)),
            Lang::Zh | Lang::En => self.number(value, 0),
        }
    }

    /// A share as tenths: `八成`, `8 in 10`.
    pub(crate) fn tenths(&self, share: f64) -> String {
        let tenths = (share * 10.0).round().clamp(0.0, 10.0) as usize;
        self.word(&format!("tenths.{tenths}"))
    }

    /// `八成把握在4.90–6.30`: the outer levels of the forecast as odds.
    pub(crate) fn odds(&self, quantiles: &Quantiles, digits: usize) -> String {
        let [low_level, _, high_level] = LEVELS;
        self.say(
            "number.odds",
            &[
                ("tenths", &self.tenths(high_level - low_level)),
                ("low", &self.number(quantiles.low, digits)),
                ("high", &self.number(quantiles.high, digits)),
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_signed_and_rounded_once() {
        let voice = Voice::speaking(Lang::En, chrono::NaiveDate::default()).expect("en");
        for (value, digits, expect) in [
            (1234.5, 1, "1,234.5"),
            (-1234567.0, 0, "−1,234,567"),
            (-0.04, 1, "0.0"),
            (999.96, 1, "1,000.0"),
            (12.0, 0, "12"),
            (100.0, 0, "100"),
        ] {
            assert_eq!(voice.number(value, digits), expect);
        }
        assert_eq!(voice.change(-0.0804), "▼8.0%");
        assert_eq!(voice.change(0.0004), voice.word("number.unchanged"));
        assert!(voice.finish().is_ok());
        voice.number(f64::NAN, 1);
        assert!(matches!(voice.finish(), Err(crate::ReportError::NotFinite { .. })));
    }

    #[test]
    fn prose_counts_in_wan_and_in_thousands() {
        let (zh, en) = (
            Voice::speaking(Lang::Zh, chrono::NaiveDate::default()).expect("zh"),
            Voice::speaking(Lang::En, chrono::NaiveDate::default()).expect("en"),
        );
        for (value, in_chinese, in_english) in [
            (125_000.0, "12.5万公斤", "125,000 kg"),
            (120_000.0, "12万公斤", "120,000 kg"),
            (9_999.6, "1万公斤", "10,000 kg"),
            (9_999.0, "9,999公斤", "9,999 kg"),
            (-183_200.0, "−18.3万公斤", "−183,200 kg"),
            (99_999_999.0, "1亿公斤", "99,999,999 kg"),
            (250_000_000.0, "2.5亿公斤", "250,000,000 kg"),
        ] {
            assert_eq!((zh.kilograms(value).as_str(), en.kilograms(value).as_str()), (in_chinese, in_english));
        }
        assert_eq!((zh.tenths(0.8).as_str(), en.tenths(0.8).as_str()), ("八成", "8 in 10"));
    }
}
