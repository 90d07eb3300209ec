//! The messages of a kept page: its lines, which must be as many as were counted when they came. In: the page and its
//! address, which carries that count. Out: how many. Never: a value.

use super::ndjson;
use crate::source::PageAddress;

pub(super) fn count(bytes: &[u8], address: &str) -> Result<u64, String> {
    let page = PageAddress::read(address).ok_or("its address tells no count")?;
    let lines = ndjson::count(bytes);
    // every message has an offset of its own
    let offsets = u64::try_from(i128::from(page.to) - i128::from(page.from) + 1).unwrap_or_default();
    if lines != page.messages || lines > offsets {
        return Err(format!("{} messages came from {offsets} offsets, but {lines} lines are kept", page.messages));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_has_lost_or_gained_a_line_is_not_counted() {
        let page = b"{}\n{}\n{}\n";
        for (asked, expect) in [
            ("from=4&to=6&messages=3", Some(3)),
            ("from=4&to=90&messages=3", Some(3)),
            ("from=4&to=6&messages=4", None),
            ("from=4&to=6&messages=2", None),
            ("from=4&to=5&messages=3", None),
            ("from=4&to=3&messages=0", None),
            ("page=1", None),
        ] {
            assert_eq!(count(page, &format!("kafka://pos/till/0?{asked}")).ok(), expect, "{asked}");
        }
        assert_eq!(count(b"", "kafka://pos/till/0?from=4&to=3&messages=0"), Ok(0));
    }
}
