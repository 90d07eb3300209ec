//! A text of the contract with places to be filled in. In: `{day}`, `{day:%Y/%m/%d}`, `{page}`, `{cursor}`, `{secret:NAME}`.
//! Out: the text of one request. Never: a place that is not known. A brace round anything else is a brace.

use chrono::NaiveDate;
use nongshi_domain::Hint;
use std::collections::BTreeMap;
use std::fmt::Write;

const PLACES: [&str; 4] = ["cursor", "day", "page", "secret"];

/// A text with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    /// As it is written.
    pub text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Cursor,
    /// In this form.
    Day(String),
    Page,
    /// By this name.
    Secret(String),
}

/// What fills the places.
pub(super) struct Values<'a> {
    pub day: Option<NaiveDate>,
    pub page: u64,
    /// Nothing on the first page.
    pub cursor: Option<&'a str>,
    pub secrets: &'a BTreeMap<String, String>,
}

impl Template {
    /// Reads it; the error says what is wrong and how to mend it.
    pub fn read(text: &str) -> Result<Template, (String, Hint)> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            rest = &rest[open..];
            match rest.find('}').and_then(|close| Some((close, place(&rest[1..close])?))) {
                Some((close, part)) => {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(part?);
                    rest = &rest[close + 1..];
                }
                None => {
                    plain.push('{');
                    rest = &rest[1..];
                }
            }
        }
        parts.push(Part::Text(plain + rest));
        Ok(Template { text: text.to_string(), parts })
    }

    pub fn has_cursor(&self) -> bool {
        self.parts.contains(&Part::Cursor)
    }

    pub fn has_day(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Day(_)))
    }

    pub fn has_page(&self) -> bool {
        self.parts.contains(&Part::Page)
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| if let Part::Secret(name) = part { Some(name.as_str()) } else { None })
    }

    /// The text with every place filled in, as `escape` writes it.
    pub fn fill(&self, values: &Values, escape: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Cursor => filled.push_str(&escape(values.cursor.unwrap_or_default())),
                Part::Day(form) => {
                    let mut day = String::new();
                    // the form was tried when it was read
                    let _ = values.day.map(|at| write!(day, "{}", at.format(form)));
                    filled.push_str(&escape(&day));
                }
                Part::Page => filled.push_str(&values.page.to_string()),
                Part::Secret(name) => filled.push_str(&escape(values.secrets.get(name).map_or("", String::as_str))),
            }
        }
        filled
    }
}

/// The place between two braces; nothing when it does not look like one.
fn place(inside: &str) -> Option<Result<Part, (String, Hint)>> {
    let (name, argument) = inside.split_once(':').map_or((inside, None), |(name, argument)| (name, Some(argument)));
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        return None;
    }
    let wrong = |hint: &str| Err((format!("`{{{inside}}}` is no place to be filled in"), Hint(hint.into())));
    Some(match (name, argument) {
        ("cursor", None) => Ok(Part::Cursor),
        ("page", None) => Ok(Part::Page),
        ("day", None) => Ok(Part::Day("%Y-%m-%d".into())),
        ("day", Some(form)) => {
            let mut text = String::new();
            match write!(text, "{}", NaiveDate::default().format(form)) {
                Ok(()) if !form.is_empty() => Ok(Part::Day(form.into())),
                _ => wrong("the form of a day is written like `{day:%Y/%m/%d}`"),
            }
        }
        ("secret", Some(name)) if !name.is_empty() => Ok(Part::Secret(name.into())),
        ("secret", _) => wrong("write `{secret:NAME}`, and under `secrets` where NAME lies"),
        _ => Err((format!("`{{{inside}}}` is no place to be filled in"), Hint::for_name(name, PLACES))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_and_other_braces_stay() {
        let secrets = BTreeMap::from([("token".to_string(), "s\"1".to_string())]);
        let values = Values { day: NaiveDate::from_ymd_opt(2026, 7, 1), page: 3, cursor: Some("a/b"), secrets: &secrets };
        for (text, expect) in [
            ("https://board.example/{day:%Y/%m/%d}/list?p={page}", "https://board.example/2026/07/01/list?p=3"),
            (r#"{"day":"{day}","after":"{cursor}","key":"{secret:token}"}"#, r#"{"day":"2026-07-01","after":"a/b","key":"s\"1"}"#),
            ("{ page } {} {1} {", "{ page } {} {1} {"),
            ("", ""),
        ] {
            let escape = |text: &str| text.replace('"', "\\\"");
            assert_eq!(Template::read(text).expect(text).fill(&values, escape), expect);
        }
        for (text, expect) in [("{pag}", "page"), ("{day:%Q}", "%Y/%m/%d"), ("{day:%H}", "%Y/%m/%d"), ("{secret}", "{secret:NAME}")] {
            let (what, hint) = Template::read(text).expect_err(text);
            assert!(what.contains(text) && hint.0.contains(expect), "{what} {}", hint.0);
        }
    }
}
