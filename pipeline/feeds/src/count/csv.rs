//! The lines of a CSV text, by its bytes. In: bytes of UTF-8 or GBK. Out: where each record stands, the header
//! among them, and the blank lines. Never: a field's value.
//!
//! Works on GBK without decoding: the second byte of a character is never a line's end, a comma or a quotation mark.

use memchr::memchr2;
use std::ops::Range;

/// The longest record: beyond it the file is not what it seems.
const LONGEST_RECORD_BYTES: usize = 64 << 20;

/// A line this short holds no field that is too long: its fields are counted, not measured.
const SHORT_LINE_BYTES: usize = 64 << 10;

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its bytes, without the line's end.
    pub span: Range<usize>,
    /// How many fields it has.
    pub fields: usize,
    /// The bytes of its longest field, quotation marks included; those of the whole line where that is short.
    pub longest: usize,
}

impl Line {
    /// A blank line is no record.
    pub fn is_blank(&self) -> bool {
        self.span.is_empty()
    }
}

/// Every line that ends outside quotation marks, blank ones too. A quotation mark opens only at a field's start;
/// doubled inside, it stands for itself.
pub(crate) fn lines(bytes: &[u8], delimiter: u8, quote: Option<u8>) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let line = match plain_line(bytes, start, delimiter, quote) {
            Some(line) => line,
            None => walked_line(bytes, start, delimiter, quote)
                .ok_or_else(|| format!("a quotation mark that opens in record {} is never closed", lines.len() + 1))?,
        };
        let (line, next) = line;
        let length = line.span.len();
        if length > LONGEST_RECORD_BYTES {
            return Err(format!("record {} has {length} bytes; {LONGEST_RECORD_BYTES} is the most", lines.len() + 1));
        }
        lines.push(line);
        start = next;
    }
    Ok(lines)
}

/// A short line in which no quotation mark opens, and where the next one starts.
fn plain_line(bytes: &[u8], start: usize, delimiter: u8, quote: Option<u8>) -> Option<(Line, usize)> {
    let mut at = start;
    let end = loop {
        let Some(leap) = memchr2(b'\n', quote.unwrap_or(b'\n'), &bytes[at..]) else { break bytes.len() };
        at += leap;
        match bytes[at] {
            b'\n' => break at,
            _ if at == start || bytes[at - 1] == delimiter => return None,
            _ => at += 1,
        }
    };
    let span = without_return(bytes, start, end);
    let length = span.len();
    let fields = 1 + bytes[span.clone()].iter().filter(|byte| **byte == delimiter).count();
    (length <= SHORT_LINE_BYTES).then_some((Line { span, fields, longest: length }, end + 1))
}

/// Any line, byte by byte, and where the next one starts; none when a quotation mark is never closed.
fn walked_line(bytes: &[u8], start: usize, delimiter: u8, quote: Option<u8>) -> Option<(Line, usize)> {
    let (mut field_start, mut fields, mut longest) = (start, 1, 0);
    let mut at = start;
    loop {
        let byte = bytes.get(at).copied();
        if byte.is_some() && byte == quote && at == field_start {
            at = closing(bytes, at, byte.unwrap_or_default())?;
        } else if byte == Some(delimiter) {
            longest = longest.max(at - field_start);
            fields += 1;
            field_start = at + 1;
        } else if byte == Some(b'\n') || byte.is_none() {
            let span = without_return(bytes, start, at);
            let longest = longest.max(span.end.saturating_sub(field_start));
            return Some((Line { span, fields, longest }, at + 1));
        }
        at += 1;
    }
}

fn without_return(bytes: &[u8], start: usize, end: usize) -> Range<usize> {
    start..if end > start && bytes[end - 1] == b'\r' { end - 1 } else { end }
}

/// How many lines are records, the header among them: by leaps from one line's end or quotation mark to the next.
pub(super) fn count_records(bytes: &[u8], delimiter: u8, quote: Option<u8>) -> Result<u64, String> {
    let (mut records, mut start, mut at) = (0, 0, 0);
    while let Some(leap) = memchr2(b'\n', quote.unwrap_or(b'\n'), &bytes[at.min(bytes.len())..]) {
        at += leap;
        if bytes[at] == b'\n' {
            records += u64::from(!matches!(bytes[start..at], [] | [b'\r']));
            start = at + 1;
        } else if at == start || bytes[at - 1] == delimiter {
            at = closing(bytes, at, bytes[at]).ok_or("a quotation mark is never closed")?;
        }
        at += 1;
    }
    Ok(records + u64::from(!matches!(bytes[start..], [] | [b'\r'])))
}

/// The place of the mark that closes the one at `open`.
fn closing(bytes: &[u8], open: usize, quote: u8) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += bytes[at.min(bytes.len())..].iter().position(|byte| *byte == quote)?;
        if bytes.get(at + 1) != Some(&quote) {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn leaping_counts_what_walking_finds(text in "[a,\"\r\n]{0,40}", quoted in any::<bool>()) {
            let quote = quoted.then_some(b'"');
            let walked = lines(text.as_bytes(), b',', quote).map(|lines| lines.iter().filter(|line| !line.is_blank()).count() as u64);
            prop_assert_eq!(count_records(text.as_bytes(), b',', quote).ok(), walked.ok());
        }

        #[test]
        fn a_plain_line_is_what_walking_finds(text in "[a,\"\r\n]{1,40}", quoted in any::<bool>()) {
            let quote = quoted.then_some(b'"');
            if let Some((line, next)) = plain_line(text.as_bytes(), 0, b',', quote) {
                let (walked, end) = walked_line(text.as_bytes(), 0, b',', quote).expect("no mark opens");
                prop_assert_eq!((line.span, line.fields, next), (walked.span, walked.fields, end));
            }
        }
    }

    #[test]
    fn records_are_told_by_quotes_and_line_ends() {
        // (text, records as "fields: text")
        for (text, expect) in [
            ("a,b\n1,2\n", vec!["2: a,b", "2: 1,2"]),
            ("a,b\r\n\r\n1,2", vec!["2: a,b", "1: ", "2: 1,2"]),
            ("a\n\"x,\ny\"\n", vec!["1: a", "1: \"x,\ny\""]),
            ("a,b\n\"say \"\"no\"\"\",\"\"\n", vec!["2: a,b", "2: \"say \"\"no\"\"\",\"\""]),
            ("a\n5\" pot\n6\n", vec!["1: a", "1: 5\" pot", "1: 6"]),
            ("a,b\n1\n1,2,3\n", vec!["2: a,b", "1: 1", "3: 1,2,3"]),
            ("\n\n", vec!["1: ", "1: "]),
            ("", vec![]),
        ] {
            let lines = lines(text.as_bytes(), b',', Some(b'"')).expect(text);
            let shown: Vec<String> = lines.iter().map(|line| format!("{}: {}", line.fields, &text[line.span.clone()])).collect();
            assert_eq!(shown, expect, "{text:?}");
        }
        assert!(lines(b"a\n\"cut off", b',', Some(b'"')).is_err());
        assert_eq!(lines(b"a\n\"cut\n", b',', None).map(|lines| lines.len()), Ok(2));
    }
}
