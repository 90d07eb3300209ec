//! Stamps: what a store says of a file that is another whenever its bytes are. In: listings. Out: which files need no
//! reading because they landed whole under that stamp. Never: a stamp of a file that may still be written to.

use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectMeta;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A file younger than this can change without its stamp changing: clocks of file systems tick, two machines' differ.
const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(10);

/// The stamps of a feed's files, by address.
#[derive(Debug, Default)]
pub struct Stamps {
    landed: BTreeMap<String, String>,
    seen: Mutex<BTreeMap<String, String>>,
}

impl Stamps {
    /// `landed` are the stamps under which files have landed whole.
    pub fn new(landed: BTreeMap<String, String>) -> Stamps {
        Stamps { landed, seen: Mutex::default() }
    }

    /// Whether the file landed whole as it lies there now; what is seen is remembered.
    pub(super) fn unchanged(&self, address: &str, found: &ObjectMeta, now: DateTime<Utc>) -> bool {
        let Some(stamp) = stamp(found, now) else { return false };
        let unchanged = self.landed.get(address) == Some(&stamp);
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.insert(address.to_string(), stamp);
        unchanged
    }

    /// The stamps of the files that were found, changed or not.
    pub fn seen(&self) -> BTreeMap<String, String> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

fn stamp(found: &ObjectMeta, now: DateTime<Utc>) -> Option<String> {
    let settled = found.last_modified + SETTLED_AFTER < now;
    let tag = found.e_tag.as_deref().filter(|tag| settled && !tag.is_empty())?;
    let version = found.version.as_deref().unwrap_or_default();
    Some(format!("{tag} {version} {} {}", found.size, found.last_modified.timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::path::Path;

    #[test]
    fn a_file_is_unchanged_when_everything_a_store_says_of_it_is() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let file = ObjectMeta { location: Path::from("a"), last_modified: at(100), size: 7, e_tag: Some("x".into()), version: None };
        let first = Stamps::default();
        assert!(!first.unchanged("a", &file, at(200)));
        let later = Stamps::new(first.seen());
        assert!(later.unchanged("a", &file, at(300)));
        assert!(!later.unchanged("b", &file, at(300)));
        for other in [
            ObjectMeta { size: 8, ..file.clone() },
            ObjectMeta { last_modified: at(101), ..file.clone() },
            ObjectMeta { e_tag: Some("y".into()), ..file.clone() },
            ObjectMeta { version: Some("2".into()), ..file.clone() },
        ] {
            assert!(!later.unchanged("a", &other, at(300)), "{other:?}");
        }
        // too young, or from a store that has no tags: read again
        for (file, now) in [(file.clone(), at(105)), (ObjectMeta { e_tag: None, ..file }, at(300))] {
            let stamps = Stamps::new(first.seen());
            assert!(!stamps.unchanged("a", &file, now));
            assert!(stamps.seen().is_empty());
        }
    }
}
