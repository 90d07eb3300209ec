//! One request to a board. In: a checked board and what fills its places. Out: a request, or what is wrong. Never: a secret
//! in an address or an error, an address that leads to another host.

use super::paging::Walk;
use super::template::{Template, Values};
use super::{Board, Content};
use crate::source::trouble::{Fault, Trouble};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Request, Url};
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// A day may be written as folders; whatever else is not plain is escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'/').remove(b'_').remove(b'~');

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Board {
    /// Every text with places.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let (form, body) = match &self.content {
            Content::Nothing => (&[][..], None),
            Content::Form(form) => (&form[..], None),
            Content::Body(body) => (&[][..], Some(body)),
        };
        let named = self.query.iter().chain(form).map(|(_, text)| text);
        std::iter::once(&self.url).chain(named).chain(self.headers.iter().map(|(_, text)| text)).chain(body)
    }

    /// Asks for the page at which the walk is.
    pub(super) fn request(&self, walk: &Walk, secrets: &BTreeMap<String, String>) -> Result<Request, Trouble> {
        let values = Values { day: walk.day, page: walk.page, cursor: walk.cursor.as_deref(), secrets };
        let mut request = Request::new(self.method.clone(), self.address(walk, &values)?);
        let (headers, mut body) = (request.headers_mut(), None);
        match &self.content {
            Content::Nothing => {}
            Content::Form(form) => {
                headers.insert(CONTENT_TYPE, FORM);
                body = Some(Serializer::new(String::new()).extend_pairs(filled(form, &values)).finish());
            }
            Content::Body(text) => {
                headers.insert(CONTENT_TYPE, JSON);
                body = Some(text.fill(&values, in_json));
            }
        }
        for (name, text) in self.headers.iter().filter(|(_, text)| is_asked(text, &values)) {
            let mut value = HeaderValue::from_bytes(text.fill(&values, str::to_string).trim().as_bytes()).map_err(|_| {
                let what = format!("what `headers` makes of `{name}` cannot stand in one");
                Trouble::new(Fault::Settings, what, "a secret from a file ends with its line; nothing else may be a control character")
            })?;
            value.set_sensitive(text.secrets().next().is_some());
            headers.insert(name, value);
        }
        *request.body_mut() = body.map(Into::into);
        Ok(request)
    }

    fn address(&self, walk: &Walk, values: &Values) -> Result<Url, Trouble> {
        let url = self.url.fill(values, |text| utf8_percent_encode(text, ESCAPED).to_string());
        let wrong =
            |error: url::ParseError| Trouble::new(Fault::Settings, format!("`url` becomes no address: {error}"), "look at its places");
        let mut url = Url::parse(&url).map_err(wrong)?;
        if let Some(next) = &walk.next {
            return onward(&url, next);
        }
        let pairs: Vec<_> = filled(&self.query, values).collect();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }
}

/// The address of the next page, as the board gives it.
fn onward(from: &Url, next: &str) -> Result<Url, Trouble> {
    let to = from.join(next).map_err(|error| {
        Trouble::new(Fault::Refused, format!("the address of its next page cannot be read: {error}"), "look at `next` under `page`")
    })?;
    if to.origin() != from.origin() {
        let what = format!("its next page lies at another host, `{}`", to.origin().ascii_serialization());
        return Err(Trouble::new(Fault::Refused, what, "nongshi asks no host that the contract does not name"));
    }
    Ok(to)
}

/// An entry with a cursor is left out while there is none.
fn is_asked(text: &Template, values: &Values) -> bool {
    values.cursor.is_some() || !text.has_cursor()
}

fn filled<'a>(pairs: &'a [(String, Template)], values: &'a Values) -> impl Iterator<Item = (&'a str, String)> {
    let asked = pairs.iter().filter(|(_, text)| is_asked(text, values));
    asked.map(|(name, text)| (name.as_str(), text.fill(values, str::to_string)))
}

/// As it stands inside the quotation marks of a JSON text.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_string()
}
