//! Why a report cannot be written. In: what was wrong. Out: a sentence with the value and the cure.

use thiserror::Error;

/// Why a report cannot be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A language the catalogues do not speak.
    #[error("reports do not speak `{0}`; use `zh` or `en`")]
    UnknownLang(String),
    /// A catalogue is not valid TOML.
    #[error("the catalogue `words/{lang}.toml` cannot be read")]
    Catalogue {
        /// Which catalogue.
        lang: &'static str,
        /// Where it breaks.
        source: toml::de::Error,
    },
    /// A word is not in the catalogue, or a placeholder was not filled.
    #[error("the catalogue `words/{lang}.toml` lacks {}; add them to both catalogues", keys.join(", "))]
    MissingWords {
        /// Which catalogue.
        lang: &'static str,
        /// The keys, in order.
        keys: Vec<String>,
    },
    /// A number is not finite.
    #[error("{what} is {value}; a report prints finite numbers only, leave it out if it is not known")]
    NotFinite {
        /// Which number.
        what: String,
        /// Its value.
        value: f64,
    },
    /// Quantiles out of order.
    #[error("the quantiles of {what} are crossed: {low}, {median}, {high}; they must not fall")]
    Crossed {
        /// Whose quantiles.
        what: String,
        /// 10 %.
        low: f64,
        /// 50 %.
        median: f64,
        /// 90 %.
        high: f64,
    },
    /// A row of the heat strip does not fit its weeks.
    #[error("the heat strip has {weeks} weeks, but `{crop}` gives {ripe} ripe and {saleable} saleable values; give one of each a week")]
    StripLength {
        /// The row.
        crop: String,
        /// Weeks of the strip.
        weeks: usize,
        /// Values given.
        ripe: usize,
        /// Values given.
        saleable: usize,
    },
    /// Days that must rise do not.
    #[error("the days of {what} do not rise at {day}; sort them and keep one value a day")]
    DaysOutOfOrder {
        /// Whose days.
        what: String,
        /// The first day that does not rise.
        day: chrono::NaiveDate,
    },
    /// A score without the naive forecast to hold it against.
    #[error("the scores of `{category}` ({target}) have no row of the model `naive`; a score is only printed beside it")]
    NaiveMissing {
        /// The category.
        category: String,
        /// Price or demand.
        target: &'static str,
    },
    /// A chart could not be drawn.
    #[error("chart `{id}` cannot be drawn: {why}")]
    Chart {
        /// Which chart.
        id: String,
        /// What the drawing library said.
        why: String,
    },
    /// The template does not fit its page.
    #[error("the report template cannot be filled")]
    Template(#[from] minijinja::Error),
    /// A page cannot be spelled as JSON.
    #[error("the page cannot be written as JSON")]
    Page(#[from] serde_json::Error),
}
