//! What is wrong with the real files that lie beside the repository, quirk by quirk, as their README lists them; the
//! contracts are those of `tests/quirks`. `tests/real` holds the others: there every feed of the real project is read.
//!
//! Says plainly when the files are absent; where their folder is there, every file must be.

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Decimal128Type};
use futures::TryStreamExt;
use nongshi_domain::Rejected;
use nongshi_feeds::{Contract, FeedError, Outside, Parsed, Source, fetch, late, members, missing_days, parse};
use object_store::local::LocalFileSystem;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

type ByRule = &'static [(&'static str, usize)];

/// Feed, files, accepted, rejected by rule. Worked out from the raw files by Python 3.11 (`csv`, `json`, `decimal`, and
/// Polars 2.1 for Parquet), not by this code.
const EXPECTED: &[(&str, usize, usize, ByRule)] = &[
    // 13 kidneys by the piece; one low above its average
    ("board_2021", 1, 3_966, &[("ordered", 1), ("unit", 13)]),
    ("board_2022", 1, 18, &[("ordered", 1)]),
    ("catalogue", 1, 4_548, &[]),
    ("eggs_tidy", 1, 60, &[]),
    // 88 dozens, 88 + 11 pieces
    ("kalimati", 88, 8_852, &[("unit", 187)]),
    // 9 empty prices, of which one has no market, either; 12 repeated keys, of which 3 are whole rows
    ("markets_2018", 1, 4_091, &[("duplicate", 3), ("required", 9)]),
    ("sales_parquet", 1, 46_595, &[]),
    ("till_lines", 1, 8_866, &[]),
    // 33 of 87 rows leave out the plot of the row above
    ("village_plantings", 1, 54, &[("required", 33)]),
    ("village_plots", 1, 54, &[]),
    // the two notes below the table
    ("village_prices", 1, 107, &[("required", 2)]),
    // 1,140 repeats, of which 12 are out of order or 0; one row has a date alone, one a price in words
    ("xinfadi_parquet", 1, 187_924, &[("duplicate", 1_128), ("ordered", 368), ("range", 807), ("required", 2)]),
];

fn room() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn contract(feed: &str) -> Contract {
    let text = std::fs::read_to_string(room().join("tests/quirks").join(format!("{feed}.toml"))).expect("the contract is there");
    Contract::read(feed, &text).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

/// The files of a feed, unpacked; none, said aloud, when the real files are not on this machine.
async fn sources(contract: &Contract) -> Option<Vec<Source>> {
    let root = room().join(contract.root().expect("files below a root"));
    if !room().join("../../../shared/data").exists() {
        println!("skipped: feed {} reads {}, which is not on this machine", contract.feed, root.display());
        return None;
    }
    let outside = Outside::only(LocalFileSystem::new_with_prefix(root).expect("a folder"));
    let files: Vec<Source> = fetch(contract, &outside).await.expect("the files are there").try_collect().await.expect("readable files");
    let unpacked = files.iter().flat_map(|file| members(contract, file).expect("readable").into_iter().map(move |member| (member, file)));
    Some(unpacked.map(|(member, file)| member.unpack(contract, file).expect("readable")).collect())
}

/// Everything that became of a feed's files.
struct Whole {
    addresses: Vec<String>,
    parsed: Vec<Parsed>,
}

async fn whole(feed: &str) -> Option<Whole> {
    let contract = contract(feed);
    let sources = sources(&contract).await?;
    let parsed = sources.iter().map(|source| parse(&contract, source).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint())));
    Some(Whole { parsed: parsed.collect(), addresses: sources.into_iter().map(|source| source.address).collect() })
}

impl Whole {
    fn accepted(&self) -> usize {
        self.parsed.iter().map(|parsed| parsed.accepted.num_rows()).sum()
    }

    fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.parsed.iter().flat_map(|parsed| &parsed.rejected)
    }

    /// Every number of a column, as whole numbers of its last decimal.
    fn numbers(&self, column: &str) -> Vec<i128> {
        let each = self.parsed.iter().flat_map(|parsed| {
            parsed.accepted.column_by_name(column).expect(column).as_primitive::<Decimal128Type>().iter().flatten().collect::<Vec<_>>()
        });
        each.collect()
    }

    fn texts(&self, column: &str) -> Vec<&str> {
        self.parsed
            .iter()
            .flat_map(|parsed| parsed.accepted.column_by_name(column).expect(column).as_string::<i32>().iter().flatten())
            .collect()
    }
}

#[tokio::test]
async fn every_quirk_is_a_row_that_lands_or_a_row_with_its_reason() {
    let mut contracts: Vec<String> = std::fs::read_dir(room().join("tests/quirks"))
        .expect("contracts")
        .map(|file| file.expect("readable").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    contracts.sort();
    assert_eq!(contracts, EXPECTED.iter().map(|(feed, ..)| *feed).collect::<Vec<_>>());
    for (feed, files, accepted, rejected) in EXPECTED {
        let Some(whole) = whole(feed).await else { return };
        let mut by_rule = BTreeMap::new();
        for row in whole.rejected() {
            assert!(!row.raw.is_empty() && !row.reason.is_empty() && row.source_row > 0, "{row:?}");
            *by_rule.entry(row.rule.as_str()).or_insert(0) += 1;
        }
        assert_eq!((whole.addresses.len(), whole.accepted(), by_rule), (*files, *accepted, rejected.iter().copied().collect()), "{feed}");
        for parsed in &whole.parsed {
            assert_eq!(parsed.received as usize, parsed.accepted.num_rows() + parsed.rejected.len(), "{feed}");
        }
    }
}

/// 88 days in order; two are missing and have their names. The sum is Python's, of `np_average` times 0.0541, each
/// rounded half to even; 27 of the highest prices are 1,000 rupees and more, and exactly these are cut in the plain field.
#[tokio::test]
async fn kalimati_is_read_by_its_own_digits_and_rupees_are_no_yuan() {
    let Some(whole) = whole("kalimati").await else { return };
    let contract = contract("kalimati");
    assert!(whole.addresses.is_sorted());
    let days: Vec<i32> =
        whole.parsed.iter().map(|day| day.accepted.column_by_name("day").expect("day").as_primitive::<Date32Type>().value(0)).collect();
    assert!(days.windows(2).all(|pair| pair[0] < pair[1]), "one day after the other: {days:?}");
    let missing: Vec<String> =
        missing_days(&contract, whole.addresses.iter().map(String::as_str)).iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["2024-02-07", "2024-03-03"]);
    assert!(whole.parsed.iter().all(|parsed| late(&contract, parsed).is_none()));

    let yuan = whole.numbers("price_cny_per_kg");
    assert_eq!(yuan.iter().sum::<i128>(), 631_705_748);
    // 1,000 rupees are 54.1 yuan
    assert_eq!(whole.numbers("high_cny_per_kg").iter().filter(|price| **price >= 541_000).count(), 27);
    let by_piece: BTreeSet<&str> = whole.rejected().map(|row| row.reason.split('`').nth(1).expect("the unit")).collect();
    assert_eq!(by_piece, BTreeSet::from(["दर्जन", "प्रति गोटा", "प्रति वटा"]));
}

/// The market renamed its keys twice. Each board has its contract, all land in one table under one market; a board read
/// by the other's contract is refused by name, not read as nothing.
#[tokio::test]
async fn a_board_with_renamed_keys_is_refused_by_the_old_contract() {
    let (old, new) = (contract("board_2021"), contract("board_2022"));
    let (Some(of_2021), Some(of_2022)) = (sources(&old).await, sources(&new).await) else { return };
    for (contract, source, column) in [(&old, &of_2022[0], "product"), (&new, &of_2021[0], "pubDate")] {
        let error = parse(contract, source).expect_err("other keys");
        assert!(matches!(&error, FeedError::NoColumn { .. }), "{error}");
        assert!(error.to_string().contains("has no column `") && error.hint().is_some(), "{error}; {column}");
    }
    let whole = whole("board_2022").await.expect("the files are there");
    let rejected: Vec<&Rejected> = whole.rejected().collect();
    assert_eq!((rejected[0].source_row, rejected[0].rule.as_str()), (11, "ordered"));
    assert!(rejected[0].raw.contains("泰国香蕉") && rejected[0].raw.contains("8.6,6.7,7.65"), "{}", rejected[0].raw);
}

/// A kidney is sold by the piece: its price is none of a jin.
#[tokio::test]
async fn what_a_board_sells_by_the_piece_is_not_taken_for_a_price_by_weight() {
    let Some(whole) = whole("board_2021").await else { return };
    let by_piece: Vec<&Rejected> = whole.rejected().filter(|row| row.rule == "unit").collect();
    assert_eq!(by_piece.len(), 13);
    assert!(by_piece.iter().all(|row| row.raw.starts_with("羊腰子（挂油）") && row.reason.contains("`个`")), "{by_piece:?}");
    assert!(!whole.texts("commodity").contains(&"羊腰子(挂油)"));
    // the origin stands in the specification, with four separators; it stays as it is written
    let grades: BTreeSet<&str> = whole.texts("grade").into_iter().collect();
    assert!(grades.contains("滇 冀") && grades.contains("鄂_苏"), "{grades:?}");
}

/// The names as the README tells them: a slipped decimal point makes a low of 12.00 above a high of 1.70, and the
/// average inherits it. All 33 such rows are rejected, and no row of the table has a low above its high.
#[tokio::test]
async fn xinfadi_rows_with_a_slipped_decimal_are_rejected_in_words() {
    let Some(whole) = whole("xinfadi_parquet").await else { return };
    let slipped: Vec<&Rejected> = whole.rejected().filter(|row| row.raw.contains("南北瓜") && row.rule == "ordered").collect();
    assert_eq!(slipped.len(), 2, "{slipped:?}");
    assert_eq!(slipped[0].reason, "low_cny_per_kg 24.0000 is above price_cny_per_kg 13.7000");
    assert!(slipped[0].raw.contains("2013-12-25") && slipped[1].raw.contains("2013-12-26"), "{slipped:?}");
    let (low, high) = (whole.numbers("low_cny_per_kg"), whole.numbers("high_cny_per_kg"));
    assert!(low.iter().zip(&high).all(|(low, high)| low <= high));
    // tidied in the Parquet file, or raw in CSV and workbook (tests/real): the same rows land
    assert_eq!(whole.accepted(), 187_924);
}

/// 60 quotes by the crate of 360 eggs; the sum is Python's, each divided by 21.6 kg.
#[tokio::test]
async fn a_crate_of_eggs_is_priced_by_the_kilogram() {
    let Some(whole) = whole("eggs_tidy").await else { return };
    let prices = whole.numbers("price_cny_per_kg");
    assert_eq!(prices.iter().sum::<i128>(), 6_067_444);
    // 208 yuan a crate
    assert_eq!(prices[0], 96_296);
}

/// The sums are Python's: what is named as a piece is counted, although the header says kg; so is the one whose name
/// ends in a blank behind its bracket.
#[tokio::test]
async fn pieces_that_claim_to_be_kilograms_leave_the_column_of_weight() {
    let Some(whole) = whole("sales_parquet").await else { return };
    let (pieces, kilograms) = (whole.numbers("quantity_pieces"), whole.numbers("quantity_kg"));
    assert_eq!((pieces.len(), kilograms.len()), (9_708, 46_595 - 9_708));
    assert_eq!((pieces.iter().sum::<i128>(), kilograms.iter().sum::<i128>()), (1_186_350_000, 3_526_408_390));
}

#[tokio::test]
async fn codes_of_fifteen_digits_stay_text_and_uneven_seconds_tell_lines_apart() {
    let Some(whole) = whole("till_lines").await else { return };
    assert!(whole.texts("product").iter().all(|code| code.len() == 15 && code.starts_with('1')));
    assert!(whole.texts("line").contains(&"10:29:52.28"));
    // 5,419.231 kg
    assert_eq!(whole.numbers("quantity_kg").iter().sum::<i128>(), 54_192_310);
}

/// 1,224 products under 4,548 keys: each key is a name of its product. Two of them differ in the width of their brackets
/// alone.
#[tokio::test]
async fn renamed_products_are_aliases_of_one() {
    let Some(whole) = whole("catalogue").await else { return };
    let (aliases, names): (BTreeSet<&str>, BTreeSet<&str>) =
        (whole.texts("alias").into_iter().collect(), whole.texts("name").into_iter().collect());
    assert_eq!((aliases.len(), names.len()), (4_548, 1_222));
}

/// Blanks behind names go, a text range is a low and a high, and a plot that stands only on its first row is not guessed.
#[tokio::test]
async fn a_villages_workbook_is_read_without_a_guess() {
    let Some(plots) = whole("village_plots").await else { return };
    // 1,213 mu
    assert_eq!(plots.numbers("area_mu").iter().sum::<i128>(), 121_300);
    let prices = whole("village_prices").await.expect("the files are there");
    assert_eq!((prices.numbers("low_cny_per_kg")[0], prices.numbers("high_cny_per_kg")[0]), (50_000, 80_000));
    let plantings = whole("village_plantings").await.expect("the files are there");
    assert!(plantings.texts("crop").iter().all(|name| *name == name.trim() && !name.is_empty()));
    assert!(plantings.rejected().all(|row| row.reason.starts_with("plot (种植地块) is empty")));
}

/// The same board unchanged on two days is two sources; the days of a feed are its sources', and one that is known to be
/// closed is not missed.
#[test]
fn a_day_that_no_source_brought_is_named_unless_it_was_closed() {
    let text = std::fs::read_to_string(room().join("tests/quirks/kalimati.toml")).expect("the contract is there");
    let missing = |text: &str, names: &[&str]| {
        let contract = Contract::read("kalimati", text).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()));
        missing_days(&contract, names.iter().copied()).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let names = ["in/k_2024-02-28.json", "in/k_2024-03-03.json", "in/old.zip!k_2024-03-01.json", "in/readme.json", "in/k_2024-03-03.json"];
    assert_eq!(missing(&text, &names), ["2024-02-29", "2024-03-02"]);
    let closed = text.replace("daily = true", "daily = true\nclosed = [\"2024-03-02\"]");
    assert_eq!(missing(&closed, &names), ["2024-02-29"]);
    assert_eq!(missing(&text.replace("daily = true\n", ""), &names), Vec::<String>::new());
    for (from, to, words) in [
        ("daily = true", "closed = [\"2024-03-02\"]", "`closed` means nothing without"),
        ("daily = true", "daily = true\nclosed = [\"soon\"]", "`soon` is not a day"),
        ("file_name = '(\\d{4}-\\d{2}-\\d{2})'", "column = \"day\"", "`daily` needs sources whose names tell their days"),
    ] {
        let error = Contract::read("kalimati", &text.replace(from, to)).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    }
}
