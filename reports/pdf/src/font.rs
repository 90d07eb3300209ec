//! The fonts. In: nothing. Out: two weights, and whether every character has a glyph. Never: a box instead of a word.

use crate::PdfError;
use typst::foundations::Bytes;
use typst::text::Font;

static REGULAR: &[u8] = include_bytes!("../../../assets/fonts/NotoSansSC-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../../assets/fonts/NotoSansSC-Bold.ttf");

/// The fonts that are compiled in, one a weight.
pub(crate) fn weights() -> Result<Vec<Font>, PdfError> {
    [REGULAR, BOLD].into_iter().map(|bytes| Font::new(Bytes::new(bytes), 0).ok_or(PdfError::Font)).collect()
}

/// typst sets a missing glyph as a box and says nothing: every character of the page is looked up first.
pub(crate) fn check_glyphs(page: &serde_json::Value, fonts: &[Font]) -> Result<(), PdfError> {
    match page {
        serde_json::Value::String(text) => check_text(text, fonts),
        serde_json::Value::Array(items) => items.iter().try_for_each(|item| check_glyphs(item, fonts)),
        serde_json::Value::Object(members) => members.values().try_for_each(|item| check_glyphs(item, fonts)),
        _ => Ok(()),
    }
}

fn check_text(text: &str, fonts: &[Font]) -> Result<(), PdfError> {
    let lacks = |character: &char| fonts.iter().any(|font| !font.info().coverage.contains(u32::from(*character)));
    // a line break has no glyph and needs none
    let missing = text.chars().filter(|character| !character.is_control()).find(lacks);
    missing.map_or(Ok(()), |character| Err(PdfError::Glyph { character, text: shortened(text) }))
}

/// Characters of a text that an error repeats.
const MOST_CHARACTERS: usize = 40;

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MOST_CHARACTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
