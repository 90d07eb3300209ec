//! How to mend it: the nearest known name, and the line that says so.

/// One line that tells the reader what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(pub String);

impl Hint {
    /// `did you mean NAME?` when something near is known, else the list of what is known.
    pub fn for_name<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Hint {
        let mut known: Vec<&str> = known.into_iter().collect();
        known.sort_unstable();
        match nearest(given, known.iter().copied()) {
            Some(name) => Hint(format!("did you mean `{name}`?")),
            None => Hint(format!("known names: {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))),
        }
    }
}

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The known name with the smallest edit distance, if it is near enough to be a slip: at most a third of
/// the longer name changed.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, name)| distance * 3 <= given.chars().count().max(name.chars().count()) + 1)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_does_not() {
        let known = ["category", "horizon", "store"];
        for (given, expect) in [("categry", Some("category")), ("horzion", Some("horizon")), ("weather", None)] {
            assert_eq!(nearest(given, known), expect, "{given}");
        }
        assert_eq!(Hint::for_name("weather", known).0, "known names: `category`, `horizon`, `store`");
    }
}
