//! The contract as it is written: every key, nothing checked but its type.
//!
//! The keys are documented in the contract's own module and, for people, in the project folder's README.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContract {
    pub version: Spanned<i64>,
    pub table: Text,
    pub source: RawSource,
    pub format: Option<Spanned<RawFormat>>,
    pub unpivot: Option<RawUnpivot>,
    #[serde(rename = "where", default)]
    pub only: BTreeMap<String, Vec<String>>,
    pub columns: Spanned<BTreeMap<Text, Spanned<RawColumn>>>,
    pub pieces: Option<RawPieces>,
    #[serde(default)]
    pub rules: RawRules,
    pub available_on: Spanned<RawKnownOn>,
    #[serde(default)]
    pub gate: RawGate,
}

/// The other keys are the kind's own: it reads them by `Page::source`.
#[derive(Debug, Deserialize)]
pub(super) struct RawSource {
    pub kind: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFormat {
    pub kind: Text,
    pub encoding: Option<Text>,
    pub delimiter: Option<Text>,
    pub quote: Option<Text>,
    pub records: Option<Text>,
    pub sheet: Option<Text>,
    pub header_row: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUnpivot {
    pub value: Text,
    pub columns: Spanned<BTreeMap<String, Spanned<BTreeMap<String, String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawColumn {
    pub from: Option<OneOrMany>,
    pub value: Option<Text>,
    #[serde(default)]
    pub from_name: bool,
    #[serde(default)]
    pub clean: bool,
    pub empty_when: Option<Text>,
    pub extract: Option<Text>,
    pub values: Option<Spanned<BTreeMap<String, String>>>,
    pub patterns: Option<Spanned<Vec<RawPattern>>>,
    pub default: Option<Text>,
    pub unit: Option<Text>,
    pub unit_from: Option<Text>,
    pub units: Option<Spanned<BTreeMap<String, Text>>>,
    pub content_kg: Option<Spanned<Number>>,
    pub currency: Option<Spanned<RawCurrency>>,
    pub thousands: Option<Text>,
    pub dates: Option<Spanned<Vec<Text>>>,
    pub above: Option<Spanned<Number>>,
    pub min: Option<Spanned<Number>>,
    pub max: Option<Spanned<Number>>,
    pub times: Option<Spanned<Number>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCurrency {
    pub code: Text,
    pub cny: Spanned<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPattern {
    pub like: Text,
    pub value: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Whole(i64),
    Float(f64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPieces {
    pub column: Text,
    pub like: Text,
    #[serde(rename = "move")]
    pub moves: Spanned<BTreeMap<Text, Text>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRules {
    #[serde(default)]
    pub ordered: Vec<Vec<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKnownOn {
    pub column: Option<Text>,
    pub source: Option<Text>,
    pub file_name: Option<Text>,
    pub day: Option<Text>,
    #[serde(default)]
    pub month_end: bool,
    #[serde(default)]
    pub lag_days: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGate {
    pub freshness_days: Option<u32>,
    pub lateness_days: Option<u32>,
    pub daily: Option<Spanned<bool>>,
    #[serde(default)]
    pub closed: Vec<Text>,
    pub warn_share: Option<Spanned<f64>>,
    pub refuse_share: Option<Spanned<f64>>,
}
