//! Numbers and days as other scripts and offices write them, made plain. In: a cell's text. Out: the same with digits
//! from 0 to 9 and nothing between them. Never: a guess whether a comma groups digits or ends them.

use std::borrow::Cow;

/// The zero of each script that has digits of its own; the other nine follow it. Source: Unicode 16, general category Nd.
const ZEROS: [char; 70] = [
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{10d40}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{116d0}',
    '\u{116da}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11bf0}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{11f50}',
    '\u{16130}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{16d70}',
    '\u{1ccf0}',
    '\u{1d7ce}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e4f0}',
    '\u{1e5f1}',
    '\u{1e950}',
];
/// Mathematical digits come five times, one set behind the other.
const MATHEMATICAL: [char; 4] = ['\u{1d7d8}', '\u{1d7e2}', '\u{1d7ec}', '\u{1d7f6}'];
/// The last of several zeros.
const SEGMENTED: char = '\u{1fbf0}';

/// The text with every digit as a plain one.
pub(crate) fn plain_digits(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || text.chars().all(|character| plain(character).is_none()) {
        return text;
    }
    Cow::Owned(text.chars().map(|character| plain(character).unwrap_or(character)).collect())
}

/// The plain form of a digit of another script.
fn plain(character: char) -> Option<char> {
    if character.is_ascii() || !character.is_numeric() {
        return None;
    }
    let mut zeros = ZEROS.iter().chain(&MATHEMATICAL).chain([&SEGMENTED]);
    zeros.find_map(|zero| char::from_digit(u32::from(character).checked_sub(u32::from(*zero)).filter(|digit| *digit < 10)?, 10))
}

/// The text without the character that groups its digits: three at the end, two or three before (`1,00,000` and
/// `100,000`). A text that is grouped in another way stays as it is, and is no number then.
pub(crate) fn ungrouped(text: Cow<'_, str>, separator: char) -> Cow<'_, str> {
    if !text.contains(separator) {
        return text;
    }
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let groups: Vec<&str> = unsigned.split(separator).collect();
    let fits = |(place, group): (usize, &&str)| {
        let length = match place {
            0 => 1..=3,
            place if place + 1 == groups.len() => 3..=3,
            _ => 2..=3,
        };
        length.contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit())
    };
    if rest.contains(separator) || !groups.iter().enumerate().all(fits) {
        return text;
    }
    Cow::Owned(text.replace(separator, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn every_digit_of_unicode_is_known() {
        let digit = Regex::new(r"^\p{Nd}$").expect("a regex");
        let digits: Vec<char> = (char::MIN..=char::MAX).filter(|character| digit.is_match(character.encode_utf8(&mut [0; 4]))).collect();
        assert!(digits.len() > 600, "{}", digits.len());
        for ten in digits.chunks(10) {
            let plain: String = plain_digits(Cow::Owned(ten.iter().collect())).into_owned();
            assert_eq!(plain, "0123456789", "{:x}", u32::from(ten[0]));
        }
        for other in (char::MIN..=char::MAX).filter(|character| !digits.contains(character) && character.is_numeric()) {
            assert!(plain(other).is_none(), "{other:?} is a number, but no digit");
        }
    }

    #[test]
    fn digits_are_ungrouped_only_where_they_are_grouped() {
        for (text, expect) in [
            ("1,234", "1234"),
            ("-12,345.50", "-12345.50"),
            ("1,00,000.00", "100000.00"),
            ("1,234,567", "1234567"),
            ("12.5", "12.5"),
            ("1,23", "1,23"),
            ("1234,567", "1234,567"),
            (",123", ",123"),
            ("1,,234", "1,,234"),
            ("1.5,000", "1.5,000"),
            ("a,123", "a,123"),
        ] {
            assert_eq!(ungrouped(Cow::Borrowed(text), ','), expect, "{text}");
        }
        assert_eq!(ungrouped(plain_digits(Cow::Borrowed("२,०००.००")), ','), "2000.00");
    }
}
