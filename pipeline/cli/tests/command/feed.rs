//! Feeds before they land, and what is packed: contracts proposed and checked, names suggested, archives landed once.

use crate::errors::{prices, project_with};
use crate::{files, nongshi, text};
use std::io::Write;
use std::path::Path;

const HEADER: &str = "date,market,product,category,price";

fn run(at: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = nongshi(&[], &[&["-C", at.to_str().expect("a plain path")], arguments].concat());
    let said = text(&ended.stderr);
    assert!(!said.contains("panicked"), "{said}");
    (ended.status.code(), text(&ended.stdout), said)
}

#[test]
fn a_check_shows_what_would_land_and_lands_nothing() {
    let (_folder, at) = project_with(&prices(HEADER, "cheap"));
    let before = files(&at);
    let (code, shown, said) = run(&at, &["feed", "check", "market_prices"]);
    assert_eq!(code, Some(0), "{said}");
    let expect = "inbox/prices.csv: 1461 received = 1460 accepted + 1 rejected\n  row 1461 number: price_cny_per_kg (price): `cheap` is not a number\n";
    assert_eq!(shown, expect);
    assert!(said.contains("1461 received = 1460 accepted + 1 rejected; 0 sources refused; nothing landed"), "{said}");
    assert_eq!(files(&at), before);

    std::fs::write(at.join("inbox/prices_2.csv"), "date,market\n2024-01-01,m\n").expect("a temporary folder");
    let (code, _, said) = run(&at, &["feed", "check", "market_prices"]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("error: feed market_prices: `inbox/prices_2.csv` has no column"), "{said}");
    assert!(said.contains("1 sources refused"), "{said}");

    let (code, _, said) = run(&at, &["feed", "check", "market_price"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("hint: did you mean `market_prices`?"), "{said}");
}

#[test]
fn a_value_far_from_its_products_own_history_is_kept_apart() {
    let (_folder, at) = project_with(&prices(HEADER, "5.20"));
    let contract = at.join("feeds/market_prices.toml");
    let text = std::fs::read_to_string(&contract).expect("the contract");
    let line = text.lines().find(|line| line.starts_with("price_cny_per_kg = {")).expect("the price's rule");
    let held = line.replacen('{', "{ times = 5,", 1);
    std::fs::write(&contract, text.replace(line, &held) + "refuse_share = 0.5\n").expect("a temporary folder");
    let (code, _, said) = run(&at, &["ingest", "--as-of", "2026-01-04"]);
    assert_eq!(code, Some(0), "{said}");
    // what landed in an earlier run is the history of this one: 菜心 costs 4 and a little
    let day =
        "2026-01-01,江南市场,菜心,vegetables,41.5\n2026-01-01,江南市场,番茄,vegetables,6.1\n2026-01-01,江南市场,莲藕,vegetables,41.5\n";
    std::fs::write(at.join("inbox/prices_2026.csv"), format!("{HEADER}\n{day}")).expect("a temporary folder");
    let reason = "price_cny_per_kg 41.5000 is more than 5 times above";
    let (code, shown, said) = run(&at, &["feed", "check", "market_prices"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.contains("inbox/prices_2026.csv: 3 received = 2 accepted + 1 rejected\n") && shown.contains(reason), "{shown}");
    let (code, _, said) = run(&at, &["ingest", "--as-of", "2026-01-04"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("of the new 3 received = 2 accepted + 1 rejected"), "{said}");
    let query = "select rule, source_row, reason from rejected where rule = 'relative'";
    let (code, shown, said) = run(&at, &["sql", "--format", "csv", "-c", query]);
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.contains("relative,1,") && shown.contains(reason) && shown.lines().count() == 2, "{shown}");
    let (code, _, said) = run(&at, &["lake", "check"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_proposed_contract_is_checked_like_any_other() {
    let (_folder, at) = project_with(&prices(HEADER, "5.20"));
    let drop =
        "日期,市场,品名,等级,分类,均价(元/公斤)\n2024/02/01,江南,菜心,一级,vegetables,5\n2024/02/02,江南,菜心,一级,vegetables,面议\n";
    let file = at.join("inbox/drop.csv");
    std::fs::write(&file, drop).expect("a temporary folder");
    let contract = at.join("feeds/drop.toml");
    let new = ["feed", "new", file.to_str().expect("plain"), "-o", contract.to_str().expect("plain")];
    let (code, shown, said) = run(&at, &new);
    assert_eq!((code, shown.as_str()), (Some(0), ""), "{said}");
    let (code, shown, said) = run(&at, &["feed", "check", contract.to_str().expect("plain")]);
    assert_eq!(code, Some(4), "half of the rows is more than a gate allows: {said}");
    assert!(shown.starts_with("inbox/drop.csv: 2 received = 1 accepted + 1 rejected\n  row 2 number:"), "{shown}");
    let (code, _, said) = run(&at, &new);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("a file that is there is not overwritten"), "{said}");
}

#[test]
fn unknown_names_get_the_nearest_crop() {
    let (_folder, at) = project_with(&prices(HEADER, "5.20").replace("番茄", "本地菜心(精)").replace("白菜", "榴莲"));
    let crops = "version = 1\ntable = \"crops\"\n[source]\nkind = \"files\"\nroot = \".\"\nfiles = [\"reference/crops.csv\"]\n[format]\nkind = \"csv\"\n\
        [columns]\ncrop = { from = \"crop\" }\ncategory = { value = \"vegetables\" }\nsystem = { value = \"upland\" }\n[available_on]\nday = \"2020-01-01\"\n";
    std::fs::write(at.join("feeds/crops.toml"), crops).expect("a temporary folder");
    std::fs::write(at.join("reference/crops.csv"), "crop\n菜心\n上海青\n").expect("a temporary folder");
    let (_, _, said) = run(&at, &["run", "--only", "ingest,transform", "--as-of", "2026-01-04"]);
    assert!(said.contains("3 accepted") || said.contains("rejected"), "{said}");
    let (code, shown, said) = run(&at, &["feed", "suggest", "--as-of", "2026-01-04"]);
    assert_eq!((code, shown.as_str()), (Some(0), "alias,name\n本地菜心(精),菜心\n"), "{said}");
    assert!(said.contains("2 unknown names, 1 of them near to no crop"), "{said}");
}

#[test]
fn an_archive_lands_member_by_member_once_and_is_kept_as_it_came() {
    let (_folder, at) = project_with("");
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("2024.csv", format!("{HEADER}\n2024-02-01,m,菜心,vegetables,5\n")),
        ("2023.csv", format!("{HEADER}\n2023-02-01,m,菜心,vegetables,4\n")),
        ("bad.csv", "nothing\n".into()),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a name");
        archive.write_all(text.as_bytes()).expect("memory");
    }
    let bytes = archive.finish().expect("memory").into_inner();
    std::fs::write(at.join("inbox/prices.csv"), &bytes).expect("a temporary folder");
    let ingest = ["ingest", "--as-of", "2026-01-04"];
    let (code, _, said) = run(&at, &ingest);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("`inbox/prices.csv!bad.csv` has no column"), "{said}");
    let (_, shown, _) =
        run(&at, &["sql", "--format", "csv", "-c", "select address, accepted from batches where feed = 'market_prices' order by 1"]);
    assert_eq!(shown, "address,accepted\ninbox/prices.csv!2023.csv,1\ninbox/prices.csv!2024.csv,1\n");
    let raw: Vec<Vec<u8>> = files(&at.join("lake/raw/market_prices")).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(raw, [bytes]);
    let (_, _, said) = run(&at, &ingest);
    assert!(said.contains("0 new"), "{said}");

    // a bomb is kept, refused with one message, and nothing of it lands
    std::fs::write(at.join("inbox/prices.csv"), zstd::encode_all(&vec![b' '; 64 << 20][..], 3).expect("memory"))
        .expect("a temporary folder");
    let (code, _, said) = run(&at, &ingest);
    assert_eq!(code, Some(4), "{said}");
    assert_eq!(said.matches("unpacks to more than").count(), 1, "{said}");
    assert_eq!(files(&at.join("lake/raw/market_prices")).len(), 2);
}

/// One file a day: the days between that nobody sent are named, late rows land and are counted, and more bad rows than
/// a gate passes in silence are told. A day known to be closed is not missed; the same bytes on two days are two batches,
/// the same file dropped again is one.
#[test]
fn a_daily_feed_names_its_missing_days_and_counts_its_late_rows() {
    let (_folder, at) = project_with("");
    let contract = std::fs::read_to_string(at.join("feeds/market_prices.toml")).expect("the contract");
    let (front, _) = contract.split_once("[available_on]").expect("a rule for the day");
    let front = front.replace("prices.csv", "prices_*.csv");
    let gate = "[available_on]\nfile_name = '(\\d{4}-\\d{2}-\\d{2})'\n[gate]\nlateness_days = 3\nwarn_share = 0.1\nrefuse_share = 0.6\ndaily = true\n";
    std::fs::write(at.join("feeds/market_prices.toml"), format!("{front}{gate}")).expect("a temporary folder");
    std::fs::remove_file(at.join("inbox/prices.csv")).expect("a temporary folder");
    let board = format!("{HEADER}\n2024-02-01,m,菜心,vegetables,5\n2024-01-20,m,菜心,vegetables,x\n");
    for day in ["2024-02-01", "2024-02-02", "2024-02-06"] {
        std::fs::write(at.join(format!("inbox/prices_{day}.csv")), &board).expect("a temporary folder");
    }
    let (code, shown, said) = run(&at, &["feed", "check", "market_prices"]);
    assert_eq!(code, Some(1), "{shown}{said}");
    assert!(shown.contains("no source landed for 2024-02-03, 2024-02-04, 2024-02-05\n"), "{shown}");

    let ingest = ["ingest", "--as-of", "2024-03-01"];
    let (code, _, said) = run(&at, &ingest);
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "4 batches: 4 new, 0 known; of the new 6 received = 3 accepted + 3 rejected",
        "gap: market_prices days: no source landed for 2024-02-03, 2024-02-04, 2024-02-05 (hint:",
        "warning: feed market_prices: `inbox/prices_2024-02-01.csv` has 1 bad rows of 2; what is good landed; the first, row 2:",
        "late: feed market_prices: `inbox/prices_2024-02-06.csv` has 1 rows known more than 3 days after their day; they landed; \
         the latest, row 1: 2024-02-01, known on 2024-02-06",
    ] {
        assert!(said.contains(words), "`{words}` is not said: {said}");
    }
    assert_eq!(said.matches("late: ").count(), 1, "{said}");

    let closed = format!("{front}{gate}closed = [\"2024-02-03\", \"2024-02-04\", \"2024-02-05\"]\n");
    std::fs::write(at.join("feeds/market_prices.toml"), closed).expect("a temporary folder");
    let (code, _, said) = run(&at, &ingest);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("4 batches: 0 new, 4 known"), "{said}");
    assert!(!said.contains("warning:") && !said.contains("late:"), "what has landed is not told again: {said}");
}
