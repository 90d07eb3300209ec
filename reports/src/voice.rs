//! Speaks the two catalogues. In: a key and what fills its placeholders. Out: the sentence. Never: HTML, a silent gap.
//!
//! Words and numbers that cannot be said are noted while the page is written and refused at its end, so that no
//! caller has to carry a result through every sentence.

use crate::{Lang, ReportError, Words};
use chrono::{Datelike, NaiveDate};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

const ZH: &str = include_str!("../words/zh.toml");
const EN: &str = include_str!("../words/en.toml");

/// One language's words, and what could not be said in them.
pub(crate) struct Voice {
    pub(crate) lang: Lang,
    /// The year that need not be said; none where every year is.
    pub(crate) year: Option<i32>,
    words: BTreeMap<String, String>,
    unsaid: RefCell<BTreeSet<String>>,
    not_finite: RefCell<Option<f64>>,
}

impl Voice {
    /// A voice that speaks on a day: days of its year go without the year.
    pub(crate) fn speaking(lang: Lang, as_of: NaiveDate) -> Result<Voice, ReportError> {
        Ok(Voice { lang, year: Some(as_of.year()), words: catalogue(lang)?, unsaid: RefCell::default(), not_finite: RefCell::default() })
    }

    /// A word without placeholders.
    pub(crate) fn word(&self, key: &str) -> String {
        self.say(key, &[])
    }

    /// A sentence; each `{name}` is replaced once, so a `{` in a user's name stays what it is.
    pub(crate) fn say(&self, key: &str, fill: &[(&str, &str)]) -> String {
        let Some(sentence) = self.words.get(key) else {
            self.unsaid.borrow_mut().insert(format!("`{key}`"));
            return String::new();
        };
        let mut said = String::with_capacity(sentence.len());
        for piece in pieces(sentence) {
            match piece {
                Piece::Text(text) => said.push_str(text),
                Piece::Placeholder(name) => match fill.iter().find(|(known, _)| *known == name) {
                    Some((_, value)) => said.push_str(value),
                    None => {
                        self.unsaid.borrow_mut().insert(format!("a filling of `{{{name}}}` in `{key}`"));
                    }
                },
            }
        }
        said
    }

    /// The word for a name that settings may extend (a category, a model, a rule), or the name itself.
    pub(crate) fn known_or_same(&self, group: &str, name: &str) -> String {
        self.words.get(&format!("{group}.{name}")).cloned().unwrap_or_else(|| name.to_string())
    }

    /// A user's name in this language.
    pub(crate) fn name<'a>(&self, words: &'a Words) -> &'a str {
        match self.lang {
            Lang::En if !words.en.is_empty() => &words.en,
            _ => &words.zh,
        }
    }

    /// Joins the items of an enumeration.
    pub(crate) fn list(&self, items: &[String]) -> String {
        items.join(match self.lang {
            Lang::Zh => "、",
            Lang::En => ", ",
        })
    }

    /// Joins whole sentences: English wants a space between them.
    pub(crate) fn sentences(&self, items: &[String]) -> String {
        let said: Vec<&str> = items.iter().map(String::as_str).filter(|item| !item.is_empty()).collect();
        said.join(match self.lang {
            Lang::Zh => "",
            Lang::En => " ",
        })
    }

    pub(crate) fn note_not_finite(&self, value: f64) {
        self.not_finite.borrow_mut().get_or_insert(value);
    }

    /// Whether everything could be said.
    pub(crate) fn finish(&self) -> Result<(), ReportError> {
        if let Some(value) = *self.not_finite.borrow() {
            return Err(ReportError::NotFinite { what: "a number of the report".into(), value });
        }
        let unsaid = self.unsaid.borrow();
        if unsaid.is_empty() {
            return Ok(());
        }
        Err(ReportError::MissingWords { lang: self.lang.name(), keys: unsaid.iter().cloned().collect() })
    }
}

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits a sentence at its `{name}` placeholders.
fn pieces(sentence: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        found.push(Piece::Text(before));
        found.push(Piece::Placeholder(name));
        rest = behind;
    }
    found.push(Piece::Text(rest));
    found
}

/// The catalogue as dotted keys.
fn catalogue(lang: Lang) -> Result<BTreeMap<String, String>, ReportError> {
    let text = match lang {
        Lang::Zh => ZH,
        Lang::En => EN,
    };
    let table: toml::Table = toml::from_str(text).map_err(|source| ReportError::Catalogue { lang: lang.name(), source })?;
    let mut words = BTreeMap::new();
    flatten("", &table, &mut words);
    Ok(words)
}

fn flatten(prefix: &str, table: &toml::Table, words: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::String(text) => {
                words.insert(path, text.clone());
            }
            toml::Value::Table(inner) => flatten(&path, inner, words),
            other => {
                words.insert(path, other.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Latin words that Chinese readers of such a bulletin know, and a file they edit.
    const LATIN_IN_CHINESE: [&str; 11] =
        ["P10", "P50", "P90", "MASE", "SPL", "WAPE", "CVaR", "VSS", "EVPI", "nongshi", "reference/crops.csv"];

    fn placeholders(sentence: &str) -> BTreeSet<String> {
        pieces(sentence)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Placeholder(name) => Some(name.to_string()),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn both_catalogues_have_the_same_keys_and_placeholders() {
        let (zh, en) = (catalogue(Lang::Zh).expect("zh"), catalogue(Lang::En).expect("en"));
        assert_eq!(zh.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
        for (key, sentence) in &zh {
            assert_eq!(placeholders(sentence), placeholders(&en[key]), "{key}");
            assert!(!sentence.is_empty() && !en[key].is_empty(), "{key} is empty");
        }
    }

    #[test]
    fn chinese_sentences_hold_no_stray_latin() {
        for (key, sentence) in catalogue(Lang::Zh).expect("zh") {
            let mut bare: String = pieces(&sentence)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Placeholder(_) => " ",
                })
                .collect();
            for known in LATIN_IN_CHINESE {
                bare = bare.replace(known, "");
            }
            assert!(!bare.chars().any(|letter| letter.is_ascii_alphabetic()), "{key}: {sentence}");
        }
    }

    #[test]
    fn english_sentences_hold_no_chinese() {
        for (key, sentence) in catalogue(Lang::En).expect("en") {
            assert!(sentence.chars().all(|letter| !('\u{4e00}'..='\u{9fff}').contains(&letter)), "{key}: {sentence}");
        }
    }

    #[test]
    fn every_word_is_used() {
        // Groups that are looked up by a name from the data are used through their prefix.
        let sources: String = [
            include_str!("base.rs"),
            include_str!("base/areas.rs"),
            include_str!("base/field.rs"),
            include_str!("base/livestock.rs"),
            include_str!("base/money.rs"),
            include_str!("base/page_one.rs"),
            include_str!("chain.rs"),
            include_str!("dates.rs"),
            include_str!("head.rs"),
            include_str!("html.rs"),
            include_str!("numbers.rs"),
            include_str!("outlook.rs"),
            include_str!("scores.rs"),
        ]
        .concat();
        for key in catalogue(Lang::Zh).expect("zh").keys() {
            let group = key.split('.').next().expect("a first part");
            let by_name = sources.contains(&format!("\"{group}\"")) || sources.contains(&format!("\"{group}.{{"));
            assert!(by_name || sources.contains(&format!("\"{key}\"")), "nothing says `{key}`");
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused_with_its_key() {
        let voice = Voice::speaking(Lang::En, NaiveDate::default()).expect("en");
        assert!(voice.finish().is_ok());
        voice.word("no.such.key");
        let refused = voice.finish().expect_err("a key is missing").to_string();
        assert_eq!(refused, "the catalogue `words/en.toml` lacks `no.such.key`; add them to both catalogues");
    }

    #[test]
    fn a_brace_in_a_name_is_left_alone() {
        let voice = Voice::speaking(Lang::En, NaiveDate::default()).expect("en");
        let said = voice.say("gap.title_of", &[("category", "{what}"), ("what", "x")]);
        assert!(said.contains("{what}") && voice.finish().is_ok(), "{said}");
    }
}
