//! One input made worse. In: bytes, a seed, words of the format. Out: other bytes, the same for the same seed.

use nongshi_domain::Seed;

/// An input never grows beyond this: the fuzzer looks for what is broken, not for what is large (`hostile.rs` does that).
const MOST_BYTES: usize = 64 << 10;
/// At most so many steps from a good input; few are likelier, so that most inputs get past the door.
const MOST_STEPS: usize = 6;
/// Numbers, days and marks that readers trip over.
const EXTREMES: [&str; 24] = [
    "0",
    "-0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "79228162514264337593543950336",
    "1e308",
    "1e-400",
    "1E+28",
    "0.0000000000000000000000000001",
    "NaN",
    "-inf",
    "1_000",
    "٣",
    "१२३",
    "0001-01-01",
    "9999-12-31",
    "262143-12-31",
    "-262144-01-01",
    "2024-02-30",
    "\u{feff}",
    "\u{200d}",
];

/// A number below `most`, which is above 0.
pub fn below(seed: &mut Seed, most: usize) -> usize {
    (seed.next_u64() % most as u64) as usize
}

/// Some steps away from a good input; `other` is another good one, `words` are what the format is made of.
pub fn mutate(good: &[u8], other: &[u8], words: &[&str], seed: &mut Seed) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let most = 1 + below(seed, MOST_STEPS);
    for _ in 0..=below(seed, most) {
        step(&mut bytes, other, words, seed);
        bytes.truncate(MOST_BYTES);
    }
    bytes
}

fn step(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], seed: &mut Seed) {
    let at = below(seed, bytes.len() + 1);
    match below(seed, 12) {
        0 if at < bytes.len() => bytes[at] ^= 1 << below(seed, 8),
        1 if at < bytes.len() => bytes[at] = seed.next_u64() as u8,
        2 => put(bytes, at, at, &seed.next_u64().to_le_bytes()[..=below(seed, 7)]),
        3 | 4 => put(bytes, at, at, words[below(seed, words.len())].as_bytes()),
        5 => put(bytes, at, at, EXTREMES[below(seed, EXTREMES.len())].as_bytes()),
        6 => {
            let (from, to) = range(bytes.len(), seed);
            bytes.drain(from..to);
        }
        7 => {
            let (from, to) = range(bytes.len(), seed);
            let part = bytes[from..to].repeat(1 + below(seed, 40));
            put(bytes, at, at, &part[..part.len().min(MOST_BYTES)]);
        }
        8 => {
            let (from, to) = range(other.len(), seed);
            let until = at + below(seed, bytes.len() + 1 - at);
            put(bytes, at, until, &other[from..to]);
        }
        9 => bytes.truncate(at),
        10 => extreme_number(bytes, at, seed),
        _ => extreme_bytes(bytes, at, seed),
    }
}

/// The digits behind a place become another number.
fn extreme_number(bytes: &mut Vec<u8>, at: usize, seed: &mut Seed) {
    let Some(from) = bytes[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let until = bytes[from..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |found| from + found);
    put(bytes, from, until, EXTREMES[below(seed, EXTREMES.len())].as_bytes());
}

/// One, two, four or eight bytes become a number at its end, as binary formats write it.
fn extreme_bytes(bytes: &mut [u8], at: usize, seed: &mut Seed) {
    let number = match below(seed, 4) {
        0 => 0,
        1 => u64::MAX,
        2 => u64::MAX >> 1,
        _ => 1 << below(seed, 64),
    };
    let length = (1 << below(seed, 4)).min(bytes.len() - at);
    bytes[at..at + length].copy_from_slice(&number.to_le_bytes()[..length]);
}

/// A part of so many bytes, half-open; short parts are likelier.
fn range(length: usize, seed: &mut Seed) -> (usize, usize) {
    let from = below(seed, length + 1);
    let most = if below(seed, 4) == 0 { length - from } else { (length - from).min(16) };
    (from, from + below(seed, most + 1))
}

fn put(bytes: &mut Vec<u8>, from: usize, until: usize, part: &[u8]) {
    bytes.splice(from..until, part.iter().copied());
}
