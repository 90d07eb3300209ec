//! Every parser, given good inputs made worse step by step, always the same ones: none panics, none takes more memory
//! than it may, and of every file that is read, received = accepted + rejected. A short run is an ordinary test;
//! `cargo test --workspace --test fuzz -- --ignored` runs `NONGSHI_TEST_FUZZ_SECONDS` (600) for each format.

mod mutate;
mod sorts;
#[path = "../workbook/mod.rs"]
mod workbook;

use nongshi_domain::Seed;
use nongshi_feeds::{Contract, FeedError, Source, members, parse, propose};
use sorts::{SORTS, Sort};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The ordinary run.
const FEW_INPUTS: u64 = 2_000;
/// The asked-for run, for each sort, when nothing else is said.
const DEFAULT_SECONDS: u64 = 600;
/// No input, 64 KiB at most before it is unpacked, may need more.
const MOST_BYTES: usize = 256 << 20;
/// No input may take longer.
const MOST_TIME: Duration = Duration::from_secs(20);
/// Inputs at which a library fell, before it was caught: files that are refused in words now.
const FOUND: [(&str, &[u64], &str); 3] = [
    ("parquet", &[3820, 4335, 4891, 9259, 9711], "it is broken in a way its reader did not expect"),
    ("parquet", &[5387, 5550], "its pages cannot be read"),
    ("parquet", &[202_138, 239_081], "claims to hold"),
];
/// How often the long run says how far it is.
const TOLD_EVERY: u64 = 10_000;

const CONTRACT: &str = r#"
version = 1
table = "market_prices"
[source]
kind = "files"
root = "."
files = ["inbox/*"]
[format]
kind = "csv"
[columns]
day = { from = "day", dates = ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"] }
market = { value = "江南市场" }
commodity = { from = "name", clean = true, extract = '^[^(]+' }
grade = { from = "grade", default = "", values = { "特级" = "1", "一级" = "2" } }
category = { from = "name", patterns = [{ like = "蛋", value = "eggs" }, { like = "", value = "vegetables" }] }
low_cny_per_kg = { from = "low", unit = "元/斤", above = 0 }
price_cny_per_kg = { from = "price", unit_from = "unit", units = { "斤" = "元/斤", "公斤" = "元/千克", "箱" = "元/箱" }, content_kg = 20, min = 0.01, max = 200 }
[rules]
ordered = [["low_cny_per_kg", "price_cny_per_kg"]]
[available_on]
column = "day"
month_end = true
lag_days = 1
"#;

/// Counts what is held; beyond `MOST_BYTES` there is no more memory, and the input that asked is told.
struct Bounded;
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// What is held between two inputs; nothing is refused before the first.
static FLOOR: AtomicUsize = AtomicUsize::new(usize::MAX >> 1);
static INPUT: AtomicU64 = AtomicU64::new(0);
/// One sort at a time: the memory is everybody's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl Bounded {
    fn grants(&self, bytes: usize) -> bool {
        let now = NOW.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        PEAK.fetch_max(now, Ordering::Relaxed);
        let granted = now < FLOOR.load(Ordering::Relaxed).saturating_add(MOST_BYTES);
        if !granted {
            NOW.fetch_sub(bytes, Ordering::Relaxed);
            // to a stream without a buffer, numbers only: this takes no memory
            eprintln!("input {} asks for {bytes} bytes more", INPUT.load(Ordering::Relaxed));
        }
        granted
    }
}

// SAFETY: every call that is granted goes on to the system's allocator with what it was given; null says no.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        if self.grants(layout.size()) { unsafe { System.alloc(layout) } } else { null_mut() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        if self.grants(layout.size()) { unsafe { System.alloc_zeroed(layout) } } else { null_mut() }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static BOUNDED: Bounded = Bounded;

/// What became of the inputs.
#[derive(Debug, Default)]
struct Told {
    inputs: u64,
    /// Read, with accepted and rejected rows.
    read: u64,
    accepted: u64,
    rejected: u64,
    /// Refused, by the kind of error.
    refused: BTreeMap<&'static str, u64>,
    most_bytes: usize,
    slowest: Duration,
    panicked: Vec<u64>,
}

/// Everything a file goes through, from its bytes to its rows.
fn read(sort: &Sort, contract: &Contract, bytes: Vec<u8>) -> Result<(u64, u64), FeedError> {
    if sort.name == "contract" {
        let text = String::from_utf8_lossy(&bytes);
        let contract = Contract::read("fuzz", &text)?;
        let rows = "day,name,grade,low,price,unit\n2024-02-01,菜,,1,2,斤\n2024-02-29,菜,特级,1e3,0.1,箱\n";
        return rows_of(&contract, &Source { address: "inbox/a-2024-02.csv".into(), bytes: rows.into() });
    }
    let file = Source { address: "inbox/fuzz".into(), bytes: bytes.into() };
    // a proposal may fail, but not fall
    let _ = propose("fuzz", file.bytes.clone());
    let (mut accepted, mut rejected) = (0, 0);
    for member in members(contract, &file)? {
        let rows = rows_of(contract, &member.unpack(contract, &file)?)?;
        (accepted, rejected) = (accepted + rows.0, rejected + rows.1);
    }
    Ok((accepted, rejected))
}

fn rows_of(contract: &Contract, source: &Source) -> Result<(u64, u64), FeedError> {
    let parsed = parse(contract, source)?;
    let (accepted, rejected) = (parsed.accepted.num_rows() as u64, parsed.rejected.len() as u64);
    assert_eq!(parsed.received, accepted + rejected, "rows are lost");
    Ok((accepted, rejected))
}

fn kind(error: &FeedError) -> &'static str {
    match error {
        FeedError::Contract { .. } => "contract",
        FeedError::Miscounted { .. } => "miscounted",
        FeedError::NoColumn { .. } => "no column",
        FeedError::Unreadable { .. } => "unreadable",
        _ => "other",
    }
}

/// The sort of that name and the contract its inputs are read by.
fn sort_of(name: &str) -> (&'static Sort, Contract) {
    let sort = SORTS.iter().find(|sort| sort.name == name).expect("a sort");
    (sort, Contract::read("fuzz", &CONTRACT.replace("kind = \"csv\"", sort.format)).expect("a good contract"))
}

/// What a reader makes of an input.
type Reader = fn(&Sort, &Contract, Vec<u8>) -> Result<(u64, u64), FeedError>;

/// Feeds the reader inputs until `enough` of their number says so.
fn fuzz(name: &str, read: Reader, first: u64, enough: impl Fn(u64) -> bool) -> Told {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(|held| held.into_inner());
    let (sort, contract) = sort_of(name);
    let mut told = Told::default();
    for number in first.. {
        if enough(number) {
            break;
        }
        INPUT.store(number, Ordering::Relaxed);
        let bytes = (sort.input)(&mut Seed(number).derive(name));
        let before = NOW.load(Ordering::Relaxed);
        FLOOR.store(before, Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(sort, &contract, bytes)));
        told.slowest = told.slowest.max(started.elapsed());
        told.most_bytes = told.most_bytes.max(PEAK.load(Ordering::Relaxed).saturating_sub(before));
        FLOOR.store(usize::MAX >> 1, Ordering::Relaxed);
        told.inputs += 1;
        match outcome {
            Ok(Ok((accepted, rejected))) => {
                told.read += 1;
                (told.accepted, told.rejected) = (told.accepted + accepted, told.rejected + rejected);
            }
            Ok(Err(error)) => *told.refused.entry(kind(&error)).or_default() += 1,
            Err(_) => {
                eprintln!("{name}: input {number} panicked");
                told.panicked.push(number);
            }
        }
        if told.inputs.is_multiple_of(TOLD_EVERY) {
            println!("{name}: {} inputs, {} read, the next is {}", told.inputs, told.read, number + 1);
        }
    }
    println!("{name}: {told:?}");
    told
}

fn check(name: &str, told: &Told) {
    assert!(told.panicked.is_empty(), "{name}: inputs {:?} panicked", told.panicked);
    assert!(told.slowest < MOST_TIME, "{name}: one input took {:?}", told.slowest);
    assert!(told.most_bytes < MOST_BYTES, "{name}: one input took {} bytes", told.most_bytes);
    // a fuzzer whose inputs are all refused at the door, or none of them, tests nothing
    assert!(told.read > told.inputs / 100 && told.read < told.inputs, "{name}: {} of {} were read", told.read, told.inputs);
}

#[test]
fn two_thousand_inputs_a_format() {
    for sort in &SORTS {
        check(sort.name, &fuzz(sort.name, read, 0, |number| number >= FEW_INPUTS));
    }
}

#[test]
fn what_once_fell_is_refused_in_words() {
    for (name, inputs, words) in FOUND {
        let (sort, contract) = sort_of(name);
        for number in inputs {
            let bytes = (sort.input)(&mut Seed(*number).derive(name));
            let error = read(sort, &contract, bytes).expect_err("a broken file");
            assert!(error.to_string().contains(words), "{name} {number}: {error}");
        }
    }
}

/// The reader of TOML goes down with every bracket; some hundreds were more than a thread's stack.
#[test]
fn a_contract_of_nothing_but_brackets_is_refused() {
    for open in ["[", "{ a = "] {
        let error = Contract::read("fuzz", &format!("{CONTRACT}\n[x]\na = {}", open.repeat(10_000))).expect_err("too deep");
        assert!(error.to_string().contains("brackets are open at once"), "{error}");
    }
    let quoted = CONTRACT.replace("clean = true, extract = '^[^(]+'", &format!("clean = true, extract = '^{}'", "[a]{1}".repeat(100)));
    Contract::read("fuzz", &quoted).expect("brackets in a text are no depth");
}

/// The control: a reader that falls, loses a row or takes too much memory is found out.
#[test]
fn a_reader_that_falls_is_found_out() {
    let told = fuzz("csv", |_, _, bytes| if bytes.contains(&0) { panic!("a NUL") } else { Ok((0, 0)) }, 0, |number| number >= 500);
    assert!(!told.panicked.is_empty() && told.panicked.len() < 500, "{told:?}");
    let told = fuzz("csv", |_, _, bytes| Ok((vec![0_u8; bytes.len() << 16].len() as u64, 0)), 0, |number| number >= 5);
    assert!(told.most_bytes > 1 << 20, "{told:?}");
    let greedy = |_: &Sort, _: &Contract, _: Vec<u8>| {
        let refused = Vec::<u8>::new().try_reserve_exact(MOST_BYTES).is_err();
        assert!(!refused, "no memory");
        Ok((0, 0))
    };
    assert_eq!(fuzz("csv", greedy, 7, |number| number >= 8).panicked, [7]);
}

/// `NONGSHI_TEST_FUZZ_SORTS=csv,json` chooses; `NONGSHI_TEST_FUZZ_FROM` is the number of the first input.
#[test]
#[ignore = "ten minutes a format"]
fn minutes_a_format() {
    let number = |variable: &str| std::env::var(variable).ok().map(|text| text.parse::<u64>().expect(variable));
    let seconds = number("NONGSHI_TEST_FUZZ_SECONDS").unwrap_or(DEFAULT_SECONDS);
    let first = number("NONGSHI_TEST_FUZZ_FROM").unwrap_or(0);
    let chosen = std::env::var("NONGSHI_TEST_FUZZ_SORTS").ok();
    for sort in SORTS.iter().filter(|sort| chosen.as_ref().is_none_or(|chosen| chosen.split(',').any(|name| name == sort.name))) {
        let started = Instant::now();
        check(sort.name, &fuzz(sort.name, read, first, |_| started.elapsed() >= Duration::from_secs(seconds)));
    }
}
