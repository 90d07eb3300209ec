//! Bombs, counted: whatever a file claims to become, no more than so much memory is taken before it is refused.
//!
//! An allocator that counts stands below the whole binary, so there is one test here: another beside it would be
//! counted, too.

mod workbook;

use nongshi_feeds::{Contract, FeedError, Source, members, parse};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use workbook::{row, workbook};

/// Extra memory beside the file itself: reliability test 15 of the design notes.
const MOST_EXTRA_BYTES: usize = 256 << 20;
/// The same for a sheet of two rows, however far apart they stand: every cell between them would take 100 MB.
const MOST_SPARSE_BYTES: usize = 32 << 20;
/// A bomb that does not go off in less is none.
const BOMB_BYTES: usize = 1 << 30;
const LINE_BYTES: usize = 200 << 20;

struct Counting;
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator with what it was given.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const PLOTS: &str = r#"
version = 1
table = "plots"
[source]
kind = "files"
root = "."
files = ["inbox/*"]
[format]
kind = "FORMAT"
[columns]
base = { value = "甲" }
plot = { from = "plot" }
system = { from = "system" }
area_mu = { from = "area", unit = "亩" }
[available_on]
day = "2024-01-01"
"#;

/// Reads the file; the answer is the records in it or why it is refused, and how many bytes it took beside itself at most.
fn read(format: &str, bytes: Vec<u8>) -> (Result<u64, FeedError>, usize) {
    let contract = Contract::read("plots", &PLOTS.replace("FORMAT", format)).expect("a good contract");
    let file = Source { address: "inbox/bomb".into(), bytes: bytes.into() };
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let read = || -> Result<u64, FeedError> {
        let mut records = 0;
        for member in members(&contract, &file)? {
            records += parse(&contract, &member.unpack(&contract, &file)?)?.received;
        }
        Ok(records)
    };
    (read(), PEAK.load(Ordering::Relaxed) - before)
}

/// A sheet with one cell far away.
fn corner(at: &str) -> Vec<u8> {
    let far = format!("<row r=\"1048576\"><c r=\"{at}1048576\"><v>1</v></c></row>");
    workbook(&[("s", "visible", &(row(1, &["plot", "system", "area"]) + &far))])
}

/// A file of nothing but blanks, packed piece by piece.
fn blanks(mut packer: impl Write) {
    let piece = vec![b' '; 1 << 20];
    for _ in 0..BOMB_BYTES / piece.len() {
        packer.write_all(&piece).expect("memory");
    }
}

fn gzip() -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    blanks(&mut packed);
    packed.finish().expect("memory")
}

fn zstd() -> Vec<u8> {
    let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("memory");
    blanks(&mut packed);
    packed.finish().expect("memory")
}

fn zip() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bomb.csv", zip::write::SimpleFileOptions::default()).expect("a name");
    blanks(&mut archive);
    archive.finish().expect("memory").into_inner()
}

/// The text, then so many bytes of one kind.
fn line(text: &str, byte: u8, bytes: usize) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.len() + bytes);
    line.extend_from_slice(text.as_bytes());
    line.resize(text.len() + bytes, byte);
    line
}

#[test]
fn no_bomb_takes_more_than_its_share() {
    let header = "plot,system,area\n";
    let keys: String = (0..1_000_000).map(|key| format!("\"{key}\":1,")).collect();
    let many_keys: String = (0..100_000).map(|key| format!("{{\"{key}\":1}}\n")).collect();
    let bombs: Vec<(&str, Vec<u8>, &str)> = vec![
        ("csv", gzip(), "it unpacks to more than"),
        ("csv", zstd(), "it unpacks to more than"),
        ("csv", zip(), "it unpacks to 1073741824 bytes"),
        ("csv", line("", b',', 1_000_000), "it has 1000001 columns; 2000 is the most"),
        ("csv", line(header, b'x', LINE_BYTES), "record 2 has 209715200 bytes"),
        ("csv", line(&format!("{header}\""), b'x', LINE_BYTES), "a quotation mark that opens in record 2 is never closed"),
        ("json", format!("[{{{keys}\"a\":1}}]").into_bytes(), "an object in it has more than 2000 keys"),
        ("ndjson", many_keys.into_bytes(), "more than 2000 different keys"),
        ("ndjson", line("{\"plot\": \"", b'x', LINE_BYTES), "record 1 has 209715210 bytes"),
        ("xlsx", corner("XFD"), "2000 is the most"),
        ("json", line("", b'[', 100_000), "recursion limit exceeded"),
        ("json", format!("[{}1{}]", "{\"a\":".repeat(100_000), "}".repeat(100_000)).into_bytes(), "recursion limit exceeded"),
    ];
    for (format, bytes, words) in bombs {
        let size = bytes.len();
        let (read, extra) = read(format, bytes);
        let error = read.expect_err(words);
        assert!(matches!(error, FeedError::Unreadable { .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains(words), "`{words}` is not said: {told}");
        assert!(extra <= MOST_EXTRA_BYTES, "{words}: {extra} bytes beside the {size} of the file");
        println!("{format} of {size} bytes: {extra} bytes more, then: {told}");
    }
    let (read, extra) = read("xlsx", corner("C"));
    assert_eq!(read.expect("two rows are no bomb"), 1);
    assert!(extra <= MOST_SPARSE_BYTES, "a sheet of two rows took {extra} bytes");
}
