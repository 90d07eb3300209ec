//! A look at an archive before anything in it is unpacked. In: a workbook's or an archive's bytes. Out: nothing, or why it is refused.
//! Never: an unpacked byte.

use crate::{Contract, FeedError, Source};
use std::io::Cursor;
use zip::ZipArchive;

/// Files inside an archive; a usual workbook has some dozens.
const MOST_ENTRIES: usize = 10_000;
/// What a file may become when unpacked.
const MOST_BYTES: u64 = 2 << 30;
/// How much smaller packing may have made it; sheets of numbers reach about 30.
const MOST_RATIO: u64 = 100;
/// Below this no ratio counts: a short text that repeats itself packs well.
const ALWAYS_ALLOWED_BYTES: u64 = 1 << 20;

/// How many bytes may come out of so many packed ones.
pub(crate) fn allowed_bytes(packed: usize) -> u64 {
    MOST_BYTES.min((MOST_RATIO * packed as u64).max(ALWAYS_ALLOWED_BYTES))
}

/// Refuses an archive that would fill the memory, before anything in it is unpacked.
pub(crate) fn check_archive(contract: &Contract, source: &Source) -> Result<(), FeedError> {
    let refuse = |what: String| FeedError::unreadable(contract, source, what, None);
    if source.bytes.is_empty() {
        return Err(refuse("it is empty".into()));
    }
    let mut archive = ZipArchive::new(Cursor::new(&source.bytes))
        .map_err(|error| refuse(format!("it is not a workbook or archive, or cut off: {error}")))?;
    if archive.len() > MOST_ENTRIES {
        return Err(refuse(format!("it holds {} files; {MOST_ENTRIES} is the most", archive.len())));
    }
    let mut unpacked = 0_u64;
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(|error| refuse(format!("it cannot be unpacked: {error}")))?;
        unpacked = unpacked.saturating_add(entry.size());
    }
    let most = allowed_bytes(source.bytes.len());
    if unpacked > most {
        return Err(refuse(format!("it unpacks to {unpacked} bytes; {most} is the most")));
    }
    Ok(())
}
