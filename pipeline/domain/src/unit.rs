//! Units of the trade and their conversion. In: an amount and its unit. Out: the house's unit: kg, mu, CNY/kg.
//! Never: a conversion anywhere else.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Area in mu (亩): 1/15 ha.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mu(pub f64);

/// Mass in kg.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kilograms(pub f64);

/// Price in CNY per kg.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PricePerKg(pub f64);

/// What an amount measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// kg after conversion.
    Mass,
    /// CNY/kg after conversion.
    Price,
    /// CNY/kg or kg, once the content of a piece, crate or portion is known.
    Content,
    /// mu after conversion.
    Area,
    /// Days, counts, shares: taken as they are.
    Plain,
}

/// A unit as feeds name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    name: String,
    factor: Decimal,
    measure: Measure,
}

/// Why a unit cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The name is in no list.
    #[error("unit `{0}` is not known")]
    Unknown(String),
    /// A crate, a portion, a piece: it has no weight of its own.
    #[error("unit `{0}` needs its content in kg")]
    NeedsContent(String),
}

/// Name, factor to the house's unit as (numerator, denominator), measure.
const UNITS: &[(&str, (i64, i64), Measure)] = &[
    ("CNY/jin", (2, 1), Measure::Price),
    ("CNY/kg", (1, 1), Measure::Price),
    ("CNY/quintal", (1, 100), Measure::Price),
    ("CNY/t", (1, 1000), Measure::Price),
    ("g", (1, 1000), Measure::Mass),
    ("ha", (15, 1), Measure::Area),
    ("jin", (1, 2), Measure::Mass),
    ("kg", (1, 1), Measure::Mass),
    ("mu", (1, 1), Measure::Area),
    ("quintal", (100, 1), Measure::Mass),
    ("t", (1000, 1), Measure::Mass),
    ("元/公斤", (1, 1), Measure::Price),
    ("元/千克", (1, 1), Measure::Price),
    ("元/吨", (1, 1000), Measure::Price),
    ("元/斤", (2, 1), Measure::Price),
    ("亩", (1, 1), Measure::Area),
    ("克", (1, 1000), Measure::Mass),
    ("公斤", (1, 1), Measure::Mass),
    ("千克", (1, 1), Measure::Mass),
    ("吨", (1000, 1), Measure::Mass),
    ("担", (50, 1), Measure::Mass),
    ("斤", (1, 2), Measure::Mass),
    ("CNY/crate", (1, 1), Measure::Content),
    ("CNY/piece", (1, 1), Measure::Content),
    ("crate", (1, 1), Measure::Content),
    ("piece", (1, 1), Measure::Content),
    ("个", (1, 1), Measure::Content),
    ("份", (1, 1), Measure::Content),
    ("元/个", (1, 1), Measure::Content),
    ("元/箱", (1, 1), Measure::Content),
    ("箱", (1, 1), Measure::Content),
    ("CNY", (1, 1), Measure::Plain),
    ("count", (1, 1), Measure::Plain),
    ("day", (1, 1), Measure::Plain),
    ("%", (1, 100), Measure::Plain),
    ("CNY/mu", (1, 1), Measure::Plain),
    ("kg/mu", (1, 1), Measure::Plain),
];

impl Unit {
    /// Every name `parse` knows, in the order of the list.
    pub fn names() -> impl Iterator<Item = &'static str> {
        UNITS.iter().map(|(name, _, _)| *name)
    }

    /// The unit of that name. `content_kg` is what one crate, portion or piece holds.
    pub fn parse(name: &str, content_kg: Option<Decimal>) -> Result<Unit, UnitError> {
        let (_, (top, bottom), measure) =
            UNITS.iter().find(|(known, _, _)| *known == name).ok_or_else(|| UnitError::Unknown(name.into()))?;
        let factor = Decimal::from(*top) / Decimal::from(*bottom);
        let (factor, measure) = match (measure, content_kg) {
            (Measure::Content, None) => return Err(UnitError::NeedsContent(name.into())),
            (Measure::Content, Some(kg)) if kg <= Decimal::ZERO => return Err(UnitError::NeedsContent(name.into())),
            (Measure::Content, Some(kg)) if name.contains('/') => (Decimal::ONE / kg, Measure::Price),
            (Measure::Content, Some(kg)) => (kg, Measure::Mass),
            (measure, _) => (factor, *measure),
        };
        Ok(Unit { name: name.into(), factor, measure })
    }

    /// What it measures once its content is known.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// The name it was asked for by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same unit where one is worth so many times as much: a price in another currency.
    pub fn times(self, worth: Decimal) -> Option<Unit> {
        Some(Unit { factor: self.factor.checked_mul(worth)?, ..self })
    }

    /// The amount in the house's unit, exactly.
    pub fn to_house(&self, amount: Decimal) -> Option<Decimal> {
        amount.checked_mul(self.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a test writes its decimals plainly")
    }

    #[test]
    fn trade_units_become_kilograms_and_yuan_per_kilogram() {
        // (unit, content, amount, expected)
        for (name, content, amount, expect) in [
            ("斤", None, "3", "1.5"),
            ("元/斤", None, "2.35", "4.70"),
            ("CNY/t", None, "2688", "2.688"),
            ("元/箱", Some("20"), "208", "10.4"),
            ("箱", Some("22.5"), "2", "45"),
            ("ha", None, "2", "30"),
        ] {
            let unit = Unit::parse(name, content.map(decimal)).expect(name);
            assert_eq!(unit.to_house(decimal(amount)), Some(decimal(expect)), "{name}");
        }
        assert_eq!(Unit::parse("元/箱", None), Err(UnitError::NeedsContent("元/箱".into())));
        assert_eq!(Unit::parse("stone", None), Err(UnitError::Unknown("stone".into())));
    }

    proptest! {
        #[test]
        fn a_price_and_a_mass_in_one_unit_keep_their_product(jin in 1_i64..1_000_000, fen in 1_i64..1_000_000) {
            let (mass, price) = (Decimal::new(jin, 2), Decimal::new(fen, 2));
            let kg = Unit::parse("斤", None).expect("listed").to_house(mass).expect("small");
            let per_kg = Unit::parse("元/斤", None).expect("listed").to_house(price).expect("small");
            prop_assert_eq!(kg * per_kg, mass * price);
        }
    }
}
