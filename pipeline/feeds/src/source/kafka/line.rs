//! One message as one line of a page. In: a message. Out: a JSON object that gives back every byte of it. Never: a letter
//! replaced, a line break inside the line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

const SHANGHAI_SECONDS: i32 = 8 * 3_600;

/// A message of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub offset: i64,
    /// As its producer gave it.
    pub time: DateTime<Utc>,
    pub key: Option<Vec<u8>>,
    pub headers: BTreeMap<String, Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct Line<'a> {
    offset: i64,
    timestamp: String,
    key: Option<Told<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, Told<'a>>,
    value: Option<Told<'a>>,
}

/// Bytes as text, or what is no text as `{"base64": ".."}`.
#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Text(&'a str),
    Bytes { base64: String },
}

impl Told<'_> {
    fn of(bytes: &[u8]) -> Told<'_> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Told::Text(text),
            Err(_) => Told::Bytes { base64: STANDARD.encode(bytes) },
        }
    }
}

impl Message {
    /// Its line, with the line's end.
    pub fn line(&self) -> Vec<u8> {
        let time = FixedOffset::east_opt(SHANGHAI_SECONDS).map(|zone| self.time.with_timezone(&zone));
        let line = Line {
            offset: self.offset,
            timestamp: time.map_or(String::new(), |time| time.format("%Y-%m-%d %H:%M:%S%.3f%:z").to_string()),
            key: self.key.as_deref().map(Told::of),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), Told::of(value))).collect(),
            value: self.value.as_deref().map(Told::of),
        };
        let mut line = serde_json::to_vec(&line).expect("numbers, texts and maps from texts are JSON");
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The bytes again, read by other code than wrote them.
    fn bytes(told: &Value) -> Option<Vec<u8>> {
        match told {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            other => Some(STANDARD.decode(other["base64"].as_str().expect("base64")).expect("base64")),
        }
    }

    #[test]
    fn every_byte_of_a_message_comes_back_and_no_line_is_broken() {
        let awkward: [Option<&[u8]>; 8] = [
            None,
            Some(b""),
            Some(b"{\"a\":\n\"\\n\r\"}"),
            Some("菜心\u{2028}\u{feff}\0".as_bytes()),
            Some(b"\xff\xfe"),
            Some(b"{\"base64\":\"x\"}"),
            Some(b"null"),
            Some(b"\xed\xa0\x80 half a pair"),
        ];
        for (place, value) in awkward.iter().enumerate() {
            for key in awkward {
                let message = Message {
                    offset: place as i64,
                    time: DateTime::from_timestamp_millis(1_772_294_400_123).expect("a time"),
                    key: key.map(<[u8]>::to_vec),
                    headers: BTreeMap::from([("店".to_string(), key.unwrap_or(b"\n").to_vec())]),
                    value: value.map(<[u8]>::to_vec),
                };
                let line = message.line();
                assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "{line:?}");
                let read: Value = serde_json::from_slice(&line).expect("JSON");
                assert_eq!((bytes(&read["key"]), bytes(&read["value"])), (message.key, message.value));
                assert_eq!(bytes(&read["headers"]["店"]), message.headers.get("店").cloned());
                assert_eq!(read["timestamp"], "2026-03-01 00:00:00.123+08:00");
            }
        }
    }
}
