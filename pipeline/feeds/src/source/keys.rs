//! Keys of `[source]` that several kinds have. In: what is written there. Out: the value, or what is wrong with its line.
//! Never: a value outside its bounds.

use super::window::{Window, duration};
use crate::FeedError;
use crate::contract::Page;
use nongshi_domain::Hint;
use std::time::Duration;
use toml::Spanned;

pub(super) type Text = Spanned<String>;

/// A whole number from 1 to `most`.
pub(super) fn between(page: &Page, name: &str, given: Option<Spanned<u32>>, otherwise: u32, most: u32) -> Result<u32, FeedError> {
    match given {
        Some(given) if !(1..=most).contains(given.get_ref()) => {
            Err(page.wrong(given.span(), format!("`{name}` is {}; it lies between 1 and {most}", given.get_ref()), None))
        }
        Some(given) => Ok(given.into_inner()),
        None => Ok(otherwise),
    }
}

/// A part of the day.
pub(super) fn window(page: &Page, text: &Text) -> Result<Window, FeedError> {
    Window::read(text.get_ref()).ok_or_else(|| {
        let hint = Hint("write `window = \"22:00-06:00\"`, in the time of Asia/Shanghai".into());
        page.wrong(text.span(), format!("`{}` is no part of a day", text.get_ref()), Some(hint))
    })
}

/// A length of time that is not nothing.
pub(super) fn timeout(page: &Page, text: &Text) -> Result<Duration, FeedError> {
    let read = duration(text.get_ref()).and_then(|time| time.to_std().ok()).filter(|time| !time.is_zero());
    read.ok_or_else(|| page.wrong(text.span(), format!("`{}` is no length of time like `60s`", text.get_ref()), None))
}
