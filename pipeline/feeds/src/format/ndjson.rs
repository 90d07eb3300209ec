//! NDJSON: one flat object a line. A line that is not one is a rejected record, the others go on; a blank line is no
//! record. Cells are taken as in `json`.

use super::json::{check_width, columns};
use super::{Raw, Records};
use crate::decode::{decode, without_mark};
use crate::{Contract, Encoding, FeedError, Source};
use polars::prelude::DataFrame;
use serde_json::Value;
use std::borrow::Cow;

/// The longest line: beyond it the file is not what it seems.
const LONGEST_LINE_BYTES: usize = 64 << 20;

pub(super) fn read<'a>(contract: &Contract, source: &'a Source, encoding: Encoding) -> Result<Records<'a>, FeedError> {
    // a line whose bytes are no UTF-8 is lost alone: only its showing replaces them
    let text = match encoding {
        Encoding::Utf8 => String::from_utf8_lossy(without_mark(source)),
        Encoding::Gbk => decode(contract, source, encoding)?,
    };
    let bytes: Cow<[u8]> = match encoding {
        Encoding::Utf8 => Cow::Borrowed(without_mark(source)),
        Encoding::Gbk => Cow::Borrowed(text.as_bytes()),
    };
    let (mut objects, mut spans, mut broken, mut start) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (line, shown) in bytes.split(|byte| *byte == b'\n').zip(text.split('\n')) {
        let span = start..start + shown.trim_end_matches('\r').len();
        start += shown.len() + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.len() > LONGEST_LINE_BYTES {
            let what = format!("record {} has {} bytes; {LONGEST_LINE_BYTES} is the most", objects.len() + 1, line.len());
            return Err(FeedError::unreadable(contract, source, what, None));
        }
        let object = object(line).unwrap_or_else(|reason| {
            broken.push((objects.len(), reason));
            Value::Null
        });
        objects.push(object);
        spans.push(span);
    }
    let unreadable = |what: String| FeedError::unreadable(contract, source, what, None);
    if objects.is_empty() {
        return Err(unreadable("it is empty".into()));
    }
    let columns = columns(&objects).map_err(unreadable)?;
    let frame = DataFrame::new(objects.len(), columns).map_err(|error| unreadable(error.to_string()))?;
    drop(bytes);
    Records::of(frame, Raw::Lines { text, spans }, broken).map_err(|error| unreadable(error.to_string()))
}

fn object(line: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(line).map_err(|error| format!("byte {} of the line is not UTF-8", error.valid_up_to()))?;
    check_width(line)?;
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err("the record is not an object".into()),
        Err(error) => Err(format!("the line is not JSON: {error}")),
    }
}
