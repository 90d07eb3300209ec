//! Months of the year as the crop calendar writes them. In: text. Out: a set. Never: a year.

/// Months of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthSet([bool; 12]);

impl MonthSet {
    /// Reads `1-4;7-10`; a range may turn over the year's end (`11-4`), `all` is every month.
    pub fn parse(text: &str) -> Option<MonthSet> {
        let mut months = [false; 12];
        if text.trim() == "all" {
            return Some(MonthSet([true; 12]));
        }
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            if !(1..=12).contains(&from) || !(1..=12).contains(&to) {
                return None;
            }
            let mut month = from;
            loop {
                months[month - 1] = true;
                if month == to {
                    break;
                }
                month = month % 12 + 1;
            }
        }
        Some(MonthSet(months))
    }

    /// Whether the month (1 to 12) is in the set.
    pub fn holds(self, month: u32) -> bool {
        (1..=12).contains(&month) && self.0[month as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_turn_over_the_year() {
        let held = |text: &str| MonthSet::parse(text).map(|set| (1..=12).filter(|month| set.holds(*month)).collect::<Vec<_>>());
        assert_eq!(held("1-4;7-10"), Some(vec![1, 2, 3, 4, 7, 8, 9, 10]));
        assert_eq!(held("11-2"), Some(vec![1, 2, 11, 12]));
        assert_eq!(held("7"), Some(vec![7]));
        assert_eq!(held("13"), None);
    }
}
