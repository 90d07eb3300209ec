//! Areas in words: land in mu, houses in thousands of places. In: a number and what it counts. Out: `40亩`, `5千羽`.
//! Never: land and places in one sum.

use crate::data::AreaUnit;
use crate::voice::Voice;
use std::collections::BTreeMap;

impl Voice {
    /// An area with its unit.
    pub(crate) fn area(&self, value: f64, unit: AreaUnit) -> String {
        match unit {
            AreaUnit::Mu => self.mu(value),
            AreaUnit::ThousandBirds => self.say("number.thousand_birds", &[("amount", &self.short(value))]),
            AreaUnit::ThousandHeads => self.say("number.thousand_heads", &[("amount", &self.short(value))]),
        }
    }

    /// An area in a column headed by mu: land goes bare, places carry their unit.
    pub(crate) fn area_cell(&self, value: f64, unit: AreaUnit) -> String {
        if unit == AreaUnit::Mu { self.short(value) } else { self.area(value, unit) }
    }

    /// The sums of areas, land first: `42亩、5千羽`.
    pub(crate) fn areas(&self, parts: impl Iterator<Item = (f64, AreaUnit)>) -> String {
        let mut sums: BTreeMap<AreaUnit, f64> = BTreeMap::new();
        for (value, unit) in parts {
            *sums.entry(unit).or_default() += value;
        }
        let said: Vec<String> = sums.into_iter().map(|(unit, sum)| self.area(sum, unit)).collect();
        self.list(&said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;
    use chrono::NaiveDate;

    #[test]
    fn land_and_places_are_never_added_up() {
        let parts = [(30.0, AreaUnit::Mu), (5.0, AreaUnit::ThousandBirds), (12.5, AreaUnit::Mu), (1.2, AreaUnit::ThousandHeads)];
        let said = |lang| Voice::speaking(lang, NaiveDate::default()).expect("a catalogue").areas(parts.into_iter());
        assert_eq!(said(Lang::Zh), "42.5亩、5千羽、1.2千头");
        assert_eq!(said(Lang::En), "42.5 mu, 5 thousand birds, 1.2 thousand head");
    }
}
