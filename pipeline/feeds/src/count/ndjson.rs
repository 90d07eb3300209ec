//! The lines of an NDJSON text that hold something. In: bytes of UTF-8 or GBK. Out: how many. Never: a value.

use memchr::memchr_iter;

pub(super) fn count(bytes: &[u8]) -> u64 {
    let ends = memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len()));
    let mut start = 0;
    let held = ends.filter(|end| {
        let line = &bytes[start..*end];
        start = end + 1;
        !line.trim_ascii().is_empty()
    });
    held.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_no_records() {
        for (text, expect) in [("", 0), ("\n \r\n", 0), ("{}", 1), ("{}\n", 1), ("{}\r\n\n{\n x", 3)] {
            assert_eq!(count(text.as_bytes()), expect, "{text:?}");
        }
    }
}
