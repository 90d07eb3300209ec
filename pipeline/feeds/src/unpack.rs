//! What is packed becomes sources: gzip and zstd hold one, a zip archive one a member. In: a file as it came; its first
//! bytes tell what it is, never its name. Out: its members, unpacked one at a time. Never: a file written, more bytes
//! than the limits of `archive` allow, an archive inside an archive.

use crate::archive::{allowed_bytes, check_archive};
use crate::{Contract, FeedError, Format, Source};
use bytes::Bytes;
use encoding_rs::GB18030;
use flate2::read::MultiGzDecoder;
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use zip::ZipArchive;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZIP: &[u8] = b"PK\x03\x04";
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
/// A workbook is a zip archive that holds this part.
const WORKBOOK_PART: &str = "xl/workbook.xml";
/// The end of a zip archive's list: its mark, its length without a comment, and where it says how many members it lists.
const LIST_END: &[u8] = b"PK\x05\x06";
const LIST_END_BYTES: usize = 22;
const LIST_END_COUNT_AT: usize = 10;
/// The window of a zstd frame that is accepted, as a power of two: 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

/// One thing to parse: a file, or a member of an archive.
pub struct Member {
    /// The file's address, with `!member` behind it when it lies in an archive.
    pub address: String,
    how: How,
}

enum How {
    Plain,
    Gzip,
    Zstd,
    Zip { archive: ZipArchive<Cursor<Bytes>>, place: usize, bytes: u64 },
}

/// What lies in a file: itself, what it holds, or the members of an archive in the order of their names.
pub fn members(contract: &Contract, source: &Source) -> Result<Vec<Member>, FeedError> {
    let one = |how| Ok(vec![Member { address: source.address.clone(), how }]);
    if source.bytes.starts_with(GZIP) {
        return one(How::Gzip);
    }
    if source.bytes.starts_with(ZSTD) {
        return one(How::Zstd);
    }
    if !source.bytes.starts_with(ZIP) && !source.bytes.starts_with(EMPTY_ZIP) {
        return one(How::Plain);
    }
    let refuse = |what: String| FeedError::unreadable(contract, source, what, None);
    let opened = ZipArchive::new(Cursor::new(source.bytes.clone()));
    if matches!(contract.format, Format::Xlsx { .. })
        && opened.as_ref().map_or(true, |archive| archive.index_for_name(WORKBOOK_PART).is_some())
    {
        return one(How::Plain);
    }
    let archive = opened.map_err(|error| refuse(format!("it is a zip archive that is broken or cut off: {error}")))?;
    check_archive(contract, source)?;
    zipped(archive, source).map_err(refuse)
}

fn zipped(mut archive: ZipArchive<Cursor<Bytes>>, source: &Source) -> Result<Vec<Member>, String> {
    if listed(&source.bytes).is_some_and(|listed| listed != archive.len()) {
        return Err("two of its members have the same name: which one is meant cannot be told".into());
    }
    let mut names = BTreeSet::new();
    for place in 0..archive.len() {
        let member = archive.by_index_raw(place).map_err(|error| format!("its list of members is broken: {error}"))?;
        let name = name_of(member.name_raw());
        if name.starts_with('/') || name.contains(['\\', '\0', ':']) || name.split('/').any(|part| part == "..") {
            return Err(format!("its member `{}` leads out of the archive", name.escape_debug()));
        }
        if member.encrypted() {
            return Err(format!("its member `{name}` is encrypted"));
        }
        if member.is_file() && !is_litter(&name) {
            names.insert((name, place, member.size()));
        }
    }
    if names.is_empty() {
        return Err("it is an archive without a file".into());
    }
    let member = |(name, place, bytes): (String, usize, u64)| Member {
        address: format!("{}!{name}", source.address),
        how: How::Zip { archive: archive.clone(), place, bytes },
    };
    Ok(names.into_iter().map(member).collect())
}

/// How many members the end of the list tells of: the archive's reader leaves out the first of two with one name.
fn listed(bytes: &[u8]) -> Option<usize> {
    let at = bytes.len().checked_sub(LIST_END_BYTES)?;
    let at = (0..=at).rev().find(|at| bytes[*at..].starts_with(LIST_END))?;
    let count = bytes.get(at + LIST_END_COUNT_AT..at + LIST_END_COUNT_AT + 2)?;
    Some(usize::from(u16::from_le_bytes([count[0], count[1]])))
}

/// UTF-8, or the GBK that Chinese Windows writes without saying so.
fn name_of(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_string(),
        Err(_) => GB18030.decode_without_bom_handling(raw).0.into_owned(),
    }
}

/// What the packing program left beside the files.
fn is_litter(name: &str) -> bool {
    name.starts_with("__MACOSX/") || name.rsplit('/').next().is_some_and(|file| file.starts_with('.'))
}

impl Member {
    /// The member as a source that can be parsed; `file` is the file it came in.
    pub fn unpack(&self, contract: &Contract, file: &Source) -> Result<Source, FeedError> {
        let member = |bytes| Source { address: self.address.clone(), bytes };
        let unpacked = match &self.how {
            How::Plain => return Ok(file.clone()),
            How::Gzip => unpack(allowed_bytes(file.bytes.len()), |take| take(&mut MultiGzDecoder::new(file.bytes.as_ref()))),
            How::Zstd => unpack(allowed_bytes(file.bytes.len()), |take| {
                let mut decoder = zstd::stream::read::Decoder::new(file.bytes.as_ref())?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                take(&mut decoder)
            }),
            How::Zip { archive, place, bytes } => {
                let mut archive = archive.clone();
                unpack(*bytes, |take| take(&mut archive.by_index(*place)?))
            }
        };
        let refuse = |what: String| FeedError::unreadable(contract, &member(Bytes::new()), what, None);
        let bytes = unpacked.map_err(refuse)?;
        if [GZIP, ZSTD].iter().any(|mark| bytes.starts_with(mark))
            || (bytes.starts_with(ZIP) && !matches!(contract.format, Format::Xlsx { .. }))
        {
            return Err(refuse("it is packed twice; once is the most".into()));
        }
        Ok(member(bytes.into()))
    }
}

/// Reads the packed bytes with what it is given.
type Take<'a> = &'a mut dyn FnMut(&mut dyn Read) -> std::io::Result<()>;

/// At most so many bytes. They are counted before the first is held: a bomb takes time, but no memory.
fn unpack(most: u64, mut open: impl FnMut(Take) -> std::io::Result<()>) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("it cannot be unpacked: {error}");
    let mut counted = 0;
    open(&mut |packed| {
        counted = std::io::copy(&mut packed.take(most.saturating_add(1)), &mut std::io::sink())?;
        Ok(())
    })
    .map_err(failed)?;
    if counted > most {
        return Err(format!("it unpacks to more than {most} bytes, which is the most"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(counted).map_err(|error| error.to_string())?);
    open(&mut |packed| packed.take(counted).read_to_end(&mut bytes).map(|_| ())).map_err(failed)?;
    Ok(bytes)
}
