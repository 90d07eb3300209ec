//! The units of one column, and the currency of a price. In: as written. Out: units whose numbers become ours.
//! Never: a price in another currency taken for yuan.

use super::Page;
use super::columns::{decimal, measure_of};
use super::raw::RawCurrency;
use crate::FeedError;
use nongshi_domain::{Column, Hint, Unit, UnitError};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use toml::Spanned;

/// The code of the yuan, before a unit of price.
const YUAN: &str = "CNY";
const CODE_LETTERS: usize = 3;

/// A currency and what one of it is worth in yuan.
pub(super) struct Currency {
    code: String,
    cny: Decimal,
}

/// What a column's units are read with.
pub(super) struct Units<'a> {
    pub page: &'a Page<'a>,
    pub column: &'a Column,
    pub content_kg: Option<Decimal>,
    pub currency: Option<Currency>,
}

pub(super) fn currency(page: &Page, raw: RawCurrency) -> Result<Currency, FeedError> {
    let code = raw.code.get_ref();
    if code.len() != CODE_LETTERS || !code.bytes().all(|letter| letter.is_ascii_uppercase()) || code == YUAN {
        let hint = Hint("a code has three letters, such as `NPR`; a price in yuan needs none".into());
        return Err(page.wrong(raw.code.span(), format!("`{code}` is not another currency's code"), Some(hint)));
    }
    let cny = decimal(page, Some(&raw.cny))?.filter(|cny| *cny > Decimal::ZERO);
    let cny = cny.ok_or_else(|| page.wrong(raw.cny.span(), format!("what one {code} is worth lies above 0"), None))?;
    Ok(Currency { code: code.clone(), cny })
}

impl Units<'_> {
    /// The unit of that name.
    pub fn unit_of(&self, text: &Spanned<String>) -> Result<Unit, FeedError> {
        let (name, column) = (text.get_ref().as_str(), self.column);
        let unit = self.parse(name).map_err(|error| {
            let hint = match (&error, &self.currency) {
                (UnitError::Unknown(_), Some(Currency { code, .. })) => Hint(format!("the column's currency is {code}: write `{code}/kg`")),
                (UnitError::Unknown(_), None) if is_foreign(name) => {
                    Hint("a price in another currency needs `currency = { code = .., cny = .. }`: what one of it is worth".into())
                }
                (UnitError::Unknown(_), None) => Hint::for_name(name, Unit::names()),
                (UnitError::NeedsContent(_), _) => Hint("add `content_kg`: what one of it holds".into()),
            };
            self.page.wrong(text.span(), format!("column `{}`: {error}", column.name), Some(hint))
        })?;
        if unit.measure() != measure_of(column) {
            let what = format!("unit `{name}` does not fit column `{}` ({})", column.name, column.comment);
            return Err(self.page.wrong(text.span(), what, None));
        }
        Ok(unit)
    }

    /// What the texts of a unit column mean: the given ones, or every unit of the column's measure under its own name.
    pub fn told(&self, given: Option<Spanned<BTreeMap<String, Spanned<String>>>>) -> Result<BTreeMap<String, Unit>, FeedError> {
        let Some(given) = given else {
            let name = |name: &str| match (&self.currency, name.strip_prefix(YUAN)) {
                (None, _) => Some(name.to_string()),
                (Some(currency), Some(unit)) => Some(format!("{}{unit}", currency.code)),
                (Some(_), None) => None,
            };
            let fitting = Unit::names().filter_map(name).filter_map(|name| Some((self.parse(&name).ok()?, name)));
            let fitting = fitting.filter(|(unit, _)| unit.measure() == measure_of(self.column));
            return Ok(fitting.map(|(unit, name)| (name, unit)).collect());
        };
        given.into_inner().into_iter().map(|(told, unit)| Ok((told, self.unit_of(&unit)?))).collect()
    }

    fn parse(&self, name: &str) -> Result<Unit, UnitError> {
        let Some(Currency { code, cny }) = &self.currency else { return Unit::parse(name, self.content_kg) };
        let unknown = || UnitError::Unknown(name.into());
        let unit = name.strip_prefix(code.as_str()).filter(|unit| unit.starts_with('/')).ok_or_else(unknown)?;
        Unit::parse(&format!("{YUAN}{unit}"), self.content_kg)?.times(*cny).ok_or_else(unknown)
    }
}

/// Whether a unit is a known one of price behind another currency's code.
fn is_foreign(name: &str) -> bool {
    name.split_once('/').is_some_and(|(code, per)| {
        code.len() == CODE_LETTERS
            && code.bytes().all(|letter| letter.is_ascii_uppercase())
            && Unit::names().any(|known| known.strip_prefix(YUAN).and_then(|unit| unit.strip_prefix('/')) == Some(per))
    })
}
