//! Each text of a column once: what holds for a text is worked out once, however many rows hold it.
//! In: cells, one after another. Out: the texts in the order in which they first appear, and for each cell the place
//! of its text. Never: a copy of a text, an order that depends on a hash.

use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::HashMap;

/// A column as distinct texts.
#[derive(Debug, Clone)]
pub(crate) struct Distinct<'a> {
    /// The first stands for an empty cell; others may be blank and are nothing, too.
    pub texts: Vec<Option<Cow<'a, str>>>,
    /// For each cell the place of its text.
    pub codes: Vec<u32>,
}

impl<'a> Distinct<'a> {
    /// A column whose cells all hold the same.
    pub fn constant(text: Option<&'a str>, cells: usize) -> Distinct<'a> {
        let code = u32::from(text.is_some());
        let texts = [None, text.map(Cow::Borrowed)];
        Distinct { texts: texts.into_iter().take(code as usize + 1).collect(), codes: vec![code; cells] }
    }

    /// The cells of a source, trimmed; a blank one is nothing.
    pub fn of(cells: impl Iterator<Item = Option<&'a str>>) -> Distinct<'a> {
        let mut texts = vec![None];
        let mut codes = Vec::with_capacity(cells.size_hint().0);
        let mut known: HashMap<&str, u32, RandomState> = HashMap::default();
        let (mut last, mut last_code) = ("", 0);
        for cell in cells {
            let Some(cell) = cell else {
                codes.push(0);
                continue;
            };
            // files are often in order: the cell above holds the same
            if last_code == 0 || cell != last {
                last = cell;
                last_code = *known.entry(cell).or_insert_with(|| {
                    texts.push(Some(cell.trim()).filter(|text| !text.is_empty()).map(Cow::Borrowed));
                    texts.len() as u32 - 1
                });
            }
            codes.push(last_code);
        }
        Distinct { texts, codes }
    }

    /// Two columns as one: their texts with a blank between, or the one that is there.
    pub fn joined(self, with: &Distinct<'a>) -> Distinct<'a> {
        let (pairs, codes) = pairs(&self.codes, &with.codes);
        let both = pairs.into_iter().map(|(left, right)| match (&self.texts[left as usize], &with.texts[right as usize]) {
            (Some(left), Some(right)) => Some(Cow::Owned(format!("{left} {right}"))),
            (left, right) => left.as_ref().or(right.as_ref()).cloned(),
        });
        // the place of the empty cell is taken up, so that it stays the first
        Distinct { texts: std::iter::once(None).chain(both).collect(), codes: codes.into_iter().map(|code| code + 1).collect() }
    }

    /// Every cell `times` times.
    pub fn repeated(self, times: usize) -> Distinct<'a> {
        let codes = self.codes.iter().flat_map(|code| std::iter::repeat_n(*code, times)).collect();
        Distinct { codes, ..self }
    }
}

/// The pairs of places that stand side by side, each once, and for each row the place of its pair.
pub(crate) fn pairs(left: &[u32], right: &[u32]) -> (Vec<(u32, u32)>, Vec<u32>) {
    let mut pairs = Vec::new();
    let mut known: HashMap<(u32, u32), u32, RandomState> = HashMap::default();
    let codes = left.iter().zip(right).map(|(left, right)| {
        *known.entry((*left, *right)).or_insert_with(|| {
            pairs.push((*left, *right));
            pairs.len() as u32 - 1
        })
    });
    let codes = codes.collect();
    (pairs, codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(column: &Distinct) -> Vec<String> {
        column.codes.iter().map(|code| column.texts[*code as usize].as_deref().unwrap_or("-").to_string()).collect()
    }

    #[test]
    fn every_cell_finds_its_text() {
        let left = Distinct::of([Some("a"), Some(" a "), None, Some("b"), Some("b"), Some("  "), Some("a")].into_iter());
        assert_eq!(shown(&left), ["a", "a", "-", "b", "b", "-", "a"]);
        assert_eq!(left.codes, [1, 2, 0, 3, 3, 4, 1]);
        let right = Distinct::of([Some("1"), None, None, Some("2"), Some("1"), Some("1"), Some("1")].into_iter());
        assert_eq!(shown(&left.clone().joined(&right)), ["a 1", "a", "-", "b 2", "b 1", "1", "a 1"]);
        assert_eq!(shown(&right.repeated(2))[..4], ["1", "1", "-", "-"]);
        assert_eq!(shown(&Distinct::constant(Some(""), 2)), ["", ""]);
        assert_eq!(shown(&Distinct::constant(None, 2)), ["-", "-"]);
    }
}
