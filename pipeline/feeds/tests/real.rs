//! The contracts of `tests/real` over the real files, which lie beside the repository and are never copied into it.
//! Says plainly when they are absent and runs whenever they are there.

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Decimal128Type};
use chrono::Datelike;
use futures::TryStreamExt;
use nongshi_domain::MonthSet;
use nongshi_feeds::{Contract, Outside, Source, arrow_schema, fetch, parse};
use object_store::local::LocalFileSystem;
use std::collections::BTreeMap;
use std::path::PathBuf;

type ByRule = &'static [(&'static str, usize)];

/// Feed, files, accepted, rejected by rule. The counts were worked out by Polars 2.1 (Python 3.11) from the tidied
/// Parquet files and agree with the quirks that `../shared/data/README.md` tells.
const EXPECTED: &[(&str, usize, usize, ByRule)] = &[
    ("aliases", 1, 67, &[]),
    ("crops", 1, 57, &[]),
    ("eggs_guangxi", 2, 60, &[]),
    // 438 weeks x 6 columns.
    ("hog_weekly", 1, 2_628, &[]),
    ("lanes", 1, 6, &[]),
    ("plantings", 1, 40, &[]),
    ("plots", 1, 13, &[]),
    // 2,530 rows, of which 808 are pork.
    ("pork_22_provinces", 1, 808, &[("not_asked_for", 1_722)]),
    ("products", 1, 251, &[]),
    ("products_loss", 1, 251, &[]),
    ("sales", 36, 46_595, &[]),
    ("wfp_grain", 1, 1_259, &[]),
    // 27 prices of 0.01 and 4 of 100 and more.
    ("wholesale", 36, 55_951, &[("range", 31)]),
    // 91 rows of fish on 2015-02-27. 422 averages of 0. Without these: 56 lows above their average, 56 averages above
    // their high, 2 rows both. Of the 468 repeated rows 4 are out of order.
    ("xinfadi_fruit", 1, 78_534, &[("duplicate", 464), ("not_asked_for", 91), ("ordered", 110), ("range", 422)]),
    // 385 averages of 0 (of which 282 rows are all 0). Without these: 79 lows above their average, 208 averages above
    // their high, 30 rows both. Of the 672 repeated rows 8 are out of order or 0. One price is `2.7（个）`. One row
    // holds only a date, the last only byte-order marks.
    ("xinfadi_vegetables", 1, 109_300, &[("duplicate", 664), ("number", 1), ("ordered", 257), ("range", 385), ("required", 2)]),
];

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/real")
}

fn contract(feed: &str) -> Contract {
    let text = std::fs::read_to_string(project().join("feeds").join(format!("{feed}.toml"))).expect("the contract is there");
    Contract::read(feed, &text).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()))
}

fn feeds() -> Vec<String> {
    let folder = std::fs::read_dir(project().join("feeds")).expect("the project has feeds");
    let mut names: Vec<String> =
        folder.map(|file| file.expect("readable").path().file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The sources of a feed; none, said aloud, when the real files are not on this machine.
async fn sources(contract: &Contract) -> Option<Vec<Source>> {
    let root = project().join(contract.root().expect("files below a root"));
    if !root.exists() {
        println!("skipped: feed {} reads {}, which is not on this machine", contract.feed, root.display());
        return None;
    }
    let outside = Outside::only(LocalFileSystem::new_with_prefix(root).expect("a folder"));
    let sources = fetch(contract, &outside).await.expect("the files are there");
    Some(sources.try_collect().await.expect("readable files"))
}

#[tokio::test]
async fn every_contract_reads_its_files_and_every_row_is_accounted_for() {
    assert_eq!(feeds(), EXPECTED.iter().map(|(feed, ..)| *feed).collect::<Vec<_>>());
    for (feed, files, accepted, rejected) in EXPECTED {
        let contract = contract(feed);
        let Some(sources) = sources(&contract).await else { continue };
        let (mut received, mut landed, mut by_rule) = (0, 0, BTreeMap::new());
        for source in &sources {
            let parsed = parse(&contract, source).unwrap_or_else(|error| panic!("{error}; {:?}", error.hint()));
            assert_eq!(*parsed.accepted.schema(), arrow_schema(contract.table), "{feed}");
            assert_eq!(parsed.received as usize, parsed.accepted.num_rows() + parsed.rejected.len(), "{}", source.address);
            received += parsed.received;
            landed += parsed.accepted.num_rows();
            for row in parsed.rejected {
                assert!(!row.raw.is_empty() && !row.reason.is_empty() && row.source_row > 0, "{row:?}");
                *by_rule.entry(row.rule).or_insert(0) += 1;
            }
        }
        let expect: BTreeMap<String, usize> = rejected.iter().map(|(rule, count)| (rule.to_string(), *count)).collect();
        assert_eq!((sources.len(), landed, &by_rule), (*files, *accepted, &expect), "{feed}");
        let faults = by_rule.iter().filter(|(rule, _)| !["not_asked_for", "duplicate"].contains(&rule.as_str())).map(|(_, count)| count);
        let share = faults.sum::<usize>() as f64 / received as f64;
        assert!(share < contract.gate.refuse_share, "{feed}: {share}");
    }
}

/// Sums of the source's own text by Python's `decimal`, split by the names that tell pieces.
#[tokio::test]
async fn sales_keep_every_gram_and_every_piece() {
    let contract = contract("sales");
    let Some(sources) = sources(&contract).await else { return };
    let (mut kg, mut pieces, mut rows_by_piece) = (0, 0, 0);
    for source in &sources {
        let accepted = parse(&contract, source).expect("sales are readable").accepted;
        let column = |name: &str| accepted.column_by_name(name).expect("a column of sales").as_primitive::<Decimal128Type>().clone();
        kg += column("quantity_kg").iter().flatten().sum::<i128>();
        pieces += column("quantity_pieces").iter().flatten().sum::<i128>();
        rows_by_piece += column("price_cny_per_piece").iter().flatten().count();
        let known = accepted.column_by_name("available_on").expect("bookkeeping").as_primitive::<Date32Type>();
        let days = accepted.column_by_name("day").expect("a column of sales").as_primitive::<Date32Type>();
        assert!(days.iter().zip(known).all(|(day, known)| day < known), "{}", source.address);
    }
    assert_eq!((kg, pieces, rows_by_piece), (3_385_038_390, 1_327_720_000, 11_136));
}

/// Names are cleaned as in the tidied Parquet file: 404 kinds of fruit and 399 of the vegetable list stand in the rows
/// that pass.
#[tokio::test]
async fn xinfadi_names_are_tidied_and_the_meat_of_single_days_is_no_vegetable() {
    for (feed, expect) in [("xinfadi_fruit", 404), ("xinfadi_vegetables", 399)] {
        let contract = contract(feed);
        let Some(sources) = sources(&contract).await else { return };
        let accepted = parse(&contract, &sources[0]).expect("the crawl is readable").accepted;
        let text = |name: &str| accepted.column_by_name(name).expect("a column of market prices").as_string::<i32>().clone();
        let (names, categories) = (text("commodity"), text("category"));
        let kinds: BTreeMap<&str, &str> = names.iter().flatten().zip(categories.iter().flatten()).collect();
        assert_eq!(kinds.len(), expect, "{feed}");
        for (name, category) in [
            ("鸡腿菇", "vegetables"),
            ("牛蒡", "vegetables"),
            ("散鸡蛋", "eggs"),
            ("牛腩", "meat"),
            ("鸭梨", "fruit"),
            ("番杏", "vegetables"),
            ("杏鲍菇", "vegetables"),
        ] {
            assert!(kinds.get(name).is_none_or(|known| *known == category), "{name} in {feed}: {:?}", kinds.get(name));
        }
        if feed == "xinfadi_vegetables" {
            let count = |category: &str| kinds.values().filter(|known| **known == category).count();
            assert_eq!((count("eggs"), count("fruit"), count("meat"), count("vegetables")), (9, 69, 109, 212));
        }
    }
}

/// Our own fixtures agree with one another and with the crop calendar.
#[tokio::test]
async fn what_stands_in_the_field_fits_its_plot_and_its_season() {
    let mut tables = Vec::new();
    for feed in ["crops", "plots", "plantings"] {
        let contract = contract(feed);
        let Some(sources) = sources(&contract).await else { return };
        tables.push(parse(&contract, &sources[0]).expect("readable").accepted);
    }
    let text = |table: usize, name: &str| -> Vec<Option<String>> {
        let column = tables[table].column_by_name(name).expect("a column of the table").as_string::<i32>();
        column.iter().map(|cell| cell.map(String::from)).collect()
    };
    let area = |table: usize| {
        tables[table].column_by_name("area_mu").expect("a column of the table").as_primitive::<Decimal128Type>().values().to_vec()
    };
    let (crops, crop_systems, sow_months) = (text(0, "crop"), text(0, "system"), text(0, "sow_months"));
    let (plots, plot_systems, plot_areas) = (text(1, "plot"), text(1, "system"), area(1));
    let sown = tables[2].column_by_name("sown_on").expect("a column of plantings").as_primitive::<Date32Type>();
    for (row, (crop, plot)) in text(2, "crop").iter().zip(text(2, "plot")).enumerate() {
        let place = plots.iter().position(|known| *known == plot).unwrap_or_else(|| panic!("{plot:?} is no plot"));
        let kind = crops.iter().position(|known| known == crop).unwrap_or_else(|| panic!("{crop:?} is no crop"));
        assert_eq!(plot_systems[place], crop_systems[kind], "{crop:?} on {plot:?}");
        assert!(area(2)[row] <= plot_areas[place], "{crop:?} on {plot:?}");
        let month = sown.value_as_date(row).expect("a day").month();
        let season = sow_months[kind].as_deref().and_then(MonthSet::parse);
        assert!(season.is_none_or(|season| season.holds(month)), "{crop:?} sown in month {month}");
    }
}
