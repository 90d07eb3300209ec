//! Messages of a topic, one a line as the kind `kafka` keeps them: the fields of each value become columns, and the
//! message's own words stand beside them as `@key` and the like. A message that cannot be read is a rejected record, the
//! others go on. Cells are taken as in `json`.

use super::json::{check_width, columns};
use super::{Raw, Records};
use crate::source::PageAddress;
use crate::{Contract, FeedError, KnownOn, Origin, RowUnit, Source};
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, StringChunked};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The longest value that is read; the message itself is kept whole.
const LONGEST_VALUE_BYTES: usize = 1 << 20;
/// So much of a message is shown when it is rejected.
const SHOWN_BYTES: usize = 64 << 10;
/// The message's own words, beside the fields of its value.
const OWN: [&str; 4] = ["@partition", "@offset", "@timestamp", "@key"];

/// A message as it is kept.
#[derive(Deserialize)]
struct Kept {
    offset: i64,
    timestamp: String,
    key: Option<Told>,
    value: Option<Told>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Text(String),
    Bytes { base64: String },
}

/// Why a message gives no row: the rule and the reason.
type Broken = (&'static str, String);

pub(super) fn read<'a>(contract: &Contract, source: &'a Source) -> Result<Records<'a>, FeedError> {
    let unreadable = |what: String| FeedError::unreadable(contract, source, what, None);
    let page = PageAddress::read(&source.address).ok_or_else(|| unreadable("its address tells no partition".into()))?;
    let text = std::str::from_utf8(&source.bytes).map_err(|error| unreadable(format!("byte {} is not UTF-8", error.valid_up_to())))?;
    let (mut objects, mut spans, mut broken, mut start) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for line in text.split('\n') {
        let shown = start..start + line.floor_char_boundary(SHOWN_BYTES);
        start += line.len() + 1;
        if line.is_empty() {
            continue;
        }
        // we wrote the line: one that cannot be read means that the page is not what was kept
        let kept: Kept = serde_json::from_str(line).map_err(|error| unreadable(format!("line {}: {error}", objects.len() + 1)))?;
        let object = object(page.partition, kept).unwrap_or_else(|(rule, reason)| {
            broken.push((objects.len(), rule, reason));
            Value::Null
        });
        objects.push(object);
        spans.push(shown);
    }
    let mut columns = columns(&objects).map_err(unreadable)?;
    columns.extend(missing(contract, &columns, objects.len()));
    let frame = DataFrame::new(objects.len(), columns).map_err(|error| unreadable(error.to_string()))?;
    let raw = Raw::Lines { text: Cow::Borrowed(text), spans };
    let records = Records::of(frame, raw, Vec::new()).map_err(|error| unreadable(error.to_string()))?;
    Ok(Records { broken, ..records })
}

fn object(partition: i32, kept: Kept) -> Result<Value, Broken> {
    let broken = |reason: String| ("fields", reason);
    let value = match kept.value {
        None => return Err(("tombstone", "the message has no value: it takes back what stood under its key".into())),
        Some(Told::Bytes { .. }) => return Err(broken("the value is not UTF-8".into())),
        Some(Told::Text(text)) => text,
    };
    if value.len() > LONGEST_VALUE_BYTES {
        return Err(broken(format!("the value has {} bytes; {LONGEST_VALUE_BYTES} is the most", value.len())));
    }
    check_width(value.as_bytes()).map_err(broken)?;
    let mut object: Map<String, Value> = match serde_json::from_str(&value) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(broken("the value is not an object".into())),
        Err(error) => return Err(broken(format!("the value is not JSON: {error}"))),
    };
    if let Some(name) = OWN.iter().find(|name| object.contains_key(**name)) {
        return Err(broken(format!("the value has a field `{name}`, which is a word of the message itself")));
    }
    let key = match kept.key {
        None => Value::Null,
        Some(Told::Text(text)) => text.into(),
        Some(Told::Bytes { base64 }) => base64.into(),
    };
    object.extend(OWN.iter().map(ToString::to_string).zip([partition.into(), kept.offset.into(), kept.timestamp.into(), key]));
    Ok(Value::Object(object))
}

/// Empty columns for what the contract reads and no message of the page has; a word of ours that is misspelled stays missing.
fn missing(contract: &Contract, there: &[Column], height: usize) -> Vec<Column> {
    let columns = contract.columns.iter().flat_map(|rule| {
        let unit = match &rule.unit {
            RowUnit::Told { source, .. } => Some(source),
            RowUnit::Plain | RowUnit::Fixed(_) => None,
        };
        let from = match &rule.origin {
            Origin::Source(names) => names.as_slice(),
            Origin::Nowhere | Origin::Constant(_) | Origin::Name => &[],
        };
        from.iter().chain(unit)
    });
    let known_on = match &contract.known_on {
        KnownOn::Source { column, .. } => Some(column),
        _ => None,
    };
    let wide = contract.unpivot.iter().flat_map(|unpivot| unpivot.columns.iter().map(|column| &column.source));
    let made =
        |name: &str| contract.unpivot.as_ref().is_some_and(|one| one.value == name || one.constants.iter().any(|known| known == name));
    let mut missing: Vec<&str> = columns
        .chain(known_on)
        .chain(wide)
        .chain(contract.only.iter().map(|(name, _)| name))
        .map(String::as_str)
        .filter(|name| !there.iter().any(|column| column.name() == name) && !made(name))
        .filter(|name| !name.starts_with('@') || OWN.contains(name))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let empty = |name: &str| StringChunked::from_iter_options(name.into(), std::iter::repeat_n(None::<&str>, height)).into_column();
    missing.into_iter().map(empty).collect()
}
