//! The languages a report is written in. In: a tag such as `zh`. Out: the language. Never: a guess from the environment.

use crate::ReportError;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A language of the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Chinese, simplified: the first language.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Every language, Chinese first.
    pub const ALL: [Lang; 2] = [Lang::Zh, Lang::En];

    /// The name in settings and file names.
    pub fn name(self) -> &'static str {
        match self {
            Lang::Zh => "zh",
            Lang::En => "en",
        }
    }

    /// The value of the `lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }
}

impl FromStr for Lang {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Lang, ReportError> {
        Lang::ALL.into_iter().find(|lang| lang.name() == text).ok_or_else(|| ReportError::UnknownLang(text.into()))
    }
}
