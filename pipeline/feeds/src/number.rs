//! Exact numbers from text. In: a text, decimals, a rule's bounds. Out: whole numbers of the last decimal.
//! Never: a number through floating point.

use crate::schema::DIGITS;
use crate::{ColumnRule, RowUnit};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// Beyond the digits that a column has.
const TOO_LARGE: i64 = 10_i64.pow(DIGITS as u32);

/// The number that the text writes, exactly.
pub(crate) fn number(text: &str) -> Option<Decimal> {
    if text.contains('_') {
        return None;
    }
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// Half to even, at the column's decimals; none beyond the digits that the column has.
pub(crate) fn rounded(amount: Decimal, decimals: u32) -> Option<Decimal> {
    let mut rounded = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(decimals);
    (rounded.scale() == decimals && rounded.mantissa().unsigned_abs() < u128::from(TOO_LARGE.unsigned_abs())).then_some(rounded)
}

/// The short way for plain numbers such as `12.50` whose unit is a whole number of ours and which keep their bounds.
pub(crate) struct Quick {
    decimals: u32,
    factor: i64,
    least: i64,
    most: i64,
}

impl Quick {
    /// The short way of a rule, where it has one.
    pub fn of(rule: &ColumnRule, decimals: u32) -> Option<Quick> {
        let factor = match &rule.unit {
            RowUnit::Plain => Decimal::ONE,
            RowUnit::Fixed(unit) => unit.to_house(Decimal::ONE)?,
            RowUnit::Told { .. } => return None,
        };
        let whole = |number: Decimal| number.fract().is_zero().then(|| number.to_i64()).flatten();
        let scaled = |bound: Decimal| bound.checked_mul(Decimal::from(10_i64.pow(decimals)));
        let (mut least, mut most) = (1 - TOO_LARGE, TOO_LARGE - 1);
        if let Some(above) = rule.above {
            least = least.max(scaled(above)?.floor().to_i64()? + 1);
        }
        if let Some(min) = rule.min {
            least = least.max(scaled(min)?.ceil().to_i64()?);
        }
        if let Some(max) = rule.max {
            most = most.min(scaled(max)?.floor().to_i64()?);
        }
        Some(Quick { decimals, factor: whole(factor)?, least, most })
    }

    /// The number in our unit, as a whole number of its last decimal; none says nothing: the long way must be gone.
    pub fn read(&self, text: &str) -> Option<i64> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        // a point besides the digits
        if digits.is_empty() || digits.len() > usize::from(DIGITS) {
            return None;
        }
        let (mut mantissa, mut after_point) = (0_i64, None);
        for (place, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => mantissa = mantissa * 10 + i64::from(byte - b'0'),
                b'.' if after_point.is_none() && place > 0 && place + 1 < digits.len() => after_point = Some(digits.len() - place - 1),
                _ => return None,
            }
        }
        let missing = self.decimals.checked_sub(after_point.unwrap_or_default() as u32)?;
        let mantissa = mantissa.checked_mul(10_i64.checked_pow(missing)?)?.checked_mul(self.factor)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        (self.least <= mantissa && mantissa <= self.most).then_some(mantissa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_exactly_and_rounded_half_to_even() {
        for (text, decimals, expect) in [
            ("2.35", 4, Some("2.3500")),
            ("16.4466666666666", 4, Some("16.4467")),
            ("0.00005", 4, Some("0.0000")),
            ("0.00015", 4, Some("0.0002")),
            ("1e3", 2, Some("1000.00")),
            ("+7", 0, Some("7")),
            ("99999999999999.9999", 4, Some("99999999999999.9999")),
            ("100000000000000", 4, None),
            ("1_000", 2, None),
            ("1,000", 2, None),
            ("2.50-4.00", 2, None),
            ("NaN", 2, None),
            ("", 2, None),
        ] {
            let read = number(text).and_then(|amount| rounded(amount, decimals)).map(|amount| amount.to_string());
            assert_eq!(read.as_deref(), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_says_what_the_long_way_says(text in "-?[0-9]{0,19}\\.?[0-9]{0,6}|[-+.0-9a]{0,5}", decimals in 0_u32..5, factor in 1_i64..3) {
            let quick = Quick { decimals, factor, least: 1 - TOO_LARGE, most: TOO_LARGE - 1 };
            let long = number(&text).and_then(|amount| rounded(amount * Decimal::from(factor), decimals));
            if let Some(short) = quick.read(&text) {
                prop_assert_eq!(Some(i128::from(short)), long.map(|amount| amount.mantissa()));
            }
        }

        #[test]
        fn plain_numbers_go_the_short_way(number in -9_999_999_i64..10_000_000, decimals in 2_u32..5) {
            let quick = Quick { decimals, factor: 2, least: 1 - TOO_LARGE, most: TOO_LARGE - 1 };
            let text = Decimal::new(number, 2).to_string();
            prop_assert_eq!(quick.read(&text), Some(number * 2 * 10_i64.pow(decimals - 2)));
        }
    }
}
