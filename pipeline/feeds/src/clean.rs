//! Text put right: one spelling for what looks the same. In: a cell. Out: the cell a person would have typed.
//! Never: a change of words.

/// Full-width forms of `!` to `~` lie this far above the plain ones (Unicode block FF00).
const FULL_WIDTH_OFFSET: u32 = 0xfee0;

/// Plain brackets and letters, no zero-width characters, blanks folded into one and none next to a bracket.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut blank = false;
    for character in text.chars() {
        let character = match character {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - FULL_WIDTH_OFFSET).unwrap_or(character),
            '【' | '〔' => '[',
            '】' | '〕' => ']',
            other => other,
        };
        if character.is_whitespace() {
            blank = true;
        } else if !invisible(character) {
            let beside_bracket = matches!(character, '(' | ')' | '[' | ']') || cleaned.ends_with(['(', ')', '[', ']']);
            if blank && !cleaned.is_empty() && !beside_bracket {
                cleaned.push(' ');
            }
            blank = false;
            cleaned.push(character);
        }
    }
    cleaned
}

/// Controls, soft hyphen, zero-width characters, direction marks, byte-order mark.
fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_the_same_becomes_the_same() {
        for (given, expect) in [
            ("菜心（早）", "菜心(早)"),
            ("  菜心 (早) ", "菜心(早)"),
            ("\u{feff}大白菜", "大白菜"),
            ("大\u{200b}白菜", "大白菜"),
            ("平旱地\u{3000}", "平旱地"),
            ("富士\t 苹果", "富士 苹果"),
            ("ＡＢ１２", "AB12"),
            ("\u{feff}", ""),
        ] {
            assert_eq!(clean(given), expect, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text in ".{0,40}") {
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }
    }
}
