//! From bytes to text. In: a source and its encoding. Out: text without a byte-order mark. Never: a replaced character.

use crate::{Contract, Encoding, FeedError, Source};
use nongshi_domain::Hint;
use std::borrow::Cow;

/// The mark some programs put before UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes behind a byte-order mark, where there is one.
pub(crate) fn without_mark(source: &Source) -> &[u8] {
    source.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source.bytes)
}

pub(crate) fn decode<'a>(contract: &Contract, source: &'a Source, encoding: Encoding) -> Result<Cow<'a, str>, FeedError> {
    let bytes = without_mark(source);
    if [&b"\xff\xfe"[..], b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark)) {
        let hint = Hint("save it as UTF-8, or let the system that writes it do so".into());
        return Err(FeedError::unreadable(contract, source, "it is UTF-16".into(), Some(hint)));
    }
    if is_html(bytes) {
        let hint = Hint("the site may want a login, or be closed; the page is kept as it came".into());
        return Err(FeedError::unreadable(contract, source, "it is an HTML page".into(), Some(hint)));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let hint = Hint("an empty file is a drop that was not finished; a day without records still has its header".into());
        return Err(FeedError::unreadable(contract, source, "it is empty".into(), Some(hint)));
    }
    match encoding {
        Encoding::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
            let hint = gbk(bytes).map(|_| Hint("it reads as GBK: set `encoding = \"gbk\"` under [format]".into()));
            FeedError::unreadable(contract, source, format!("byte {} is not UTF-8", error.valid_up_to()), hint)
        }),
        Encoding::Gbk => gbk(bytes).ok_or_else(|| {
            let hint = std::str::from_utf8(bytes).ok().map(|_| Hint("it reads as UTF-8: set `encoding = \"utf-8\"` under [format]".into()));
            FeedError::unreadable(contract, source, "it is not GBK".into(), hint)
        }),
    }
}

/// What a site says to people when it does not answer programs.
fn is_html(bytes: &[u8]) -> bool {
    let begins = |mark: &[u8]| bytes.trim_ascii_start().get(..mark.len()).is_some_and(|first| first.eq_ignore_ascii_case(mark));
    begins(b"<!doctype html") || begins(b"<html")
}

/// GB 18030 holds GBK and GB 2312.
fn gbk(bytes: &[u8]) -> Option<Cow<'_, str>> {
    encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes)
}
