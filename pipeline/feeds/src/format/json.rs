//! JSON: an array of flat objects, somewhere in the file. Numbers are taken by their shortest text (exact up to 15
//! digits); what is nested inside a record stays JSON text.

use super::{Raw, Records, header_name};
use crate::decode::decode;
use crate::{Contract, Encoding, FeedError, Source};
use nongshi_domain::Hint;
use polars::prelude::{Column, DataFrame, IntoColumn, NewChunkedArray, StringChunked};
use serde_json::Value;
use std::borrow::Cow;

/// More keys than any feed has: a file that is not what it seems.
const MOST_COLUMNS: usize = 2_000;

pub(super) fn read<'a>(contract: &Contract, source: &'a Source, encoding: Encoding, path: &[String]) -> Result<Records<'a>, FeedError> {
    let mut top = tree(contract, source, encoding)?;
    let mut at = &mut top;
    for (depth, key) in path.iter().enumerate() {
        let known: Vec<String> = at.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default();
        at = at.get_mut(key).ok_or_else(|| {
            let what = format!("`{}` leads nowhere", path[..=depth].join("."));
            FeedError::unreadable(contract, source, what, Some(Hint::for_name(key, known.iter().map(String::as_str))))
        })?;
    }
    let Value::Array(objects) = at.take() else {
        return Err(FeedError::unreadable(contract, source, format!("`{}` is not an array of records", path.join(".")), None));
    };
    let broken = objects.iter().enumerate().filter(|(_, value)| !value.is_object());
    let broken = broken.map(|(record, _)| (record, "the record is not an object".to_string())).collect();
    let columns = columns(&objects).map_err(|what| FeedError::unreadable(contract, source, what, None))?;
    let frame = DataFrame::new(objects.len(), columns).map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))?;
    Records::of(frame, Raw::Objects(objects), broken).map_err(|error| FeedError::unreadable(contract, source, error.to_string(), None))
}

/// The whole text as a tree.
pub(crate) fn tree(contract: &Contract, source: &Source, encoding: Encoding) -> Result<Value, FeedError> {
    let text = decode(contract, source, encoding)?;
    check_width(text.as_bytes()).map_err(|what| FeedError::unreadable(contract, source, what, None))?;
    serde_json::from_str(&text).map_err(|error| FeedError::unreadable(contract, source, format!("it is not JSON: {error}"), None))
}

/// One column for each key, in the order in which the keys first appear.
pub(super) fn columns(objects: &[Value]) -> Result<Vec<Column>, String> {
    let mut names: Vec<&str> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for key in objects.iter().filter_map(Value::as_object).flat_map(|object| object.keys()) {
        if seen.insert(key.as_str()) {
            names.push(key);
        }
        if names.len() > MOST_COLUMNS {
            return Err(format!("its records have more than {MOST_COLUMNS} different keys"));
        }
    }
    let column = |name: &&str| {
        let cells = objects.iter().map(|object| object.get(*name).and_then(cell));
        StringChunked::from_iter_options(header_name(name).into(), cells).into_column()
    };
    Ok(names.iter().map(column).collect())
}

fn cell(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// Refuses an object with more keys than a feed has, before a tree of many times its size is made of it.
pub(super) fn check_width(bytes: &[u8]) -> Result<(), String> {
    // for each bracket that is open, the commas so far; arrays have none that count
    let mut open: Vec<Option<usize>> = Vec::new();
    let (mut in_text, mut at) = (false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_text = !in_text,
            b'\\' if in_text => at += 1,
            b'{' if !in_text => open.push(Some(0)),
            b'[' if !in_text => open.push(None),
            b'}' | b']' if !in_text => drop(open.pop()),
            b',' if !in_text => {
                if let Some(Some(commas)) = open.last_mut() {
                    *commas += 1;
                    if *commas >= MOST_COLUMNS {
                        return Err(format!("an object in it has more than {MOST_COLUMNS} keys"));
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}
