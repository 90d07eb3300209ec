//! Contracts as people write them: what is wrong is told with its line and the nearest right word; and what a
//! contract fetches.

use futures::TryStreamExt;
use nongshi_feeds::{Contract, FeedError, Gate, Outside, Source, fetch};
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};

const PLOTS: &str = r#"version = 1
table = "plots"
[source]
kind = "files"
root = "../data/"
files = ["base/*.csv"]
[format]
kind = "csv"
[columns]
base = { value = "从化基地" }
plot = { from = "地块" }
system = { from = "类型", values = { "水田" = "paddy" } }
area_mu = { from = "面积", unit = "亩", above = 0 }
[available_on]
day = "2013-01-01"
"#;

/// `line:column: what / hint` of the contract with one text replaced by another.
fn told(from: &str, to: &str) -> String {
    assert!(PLOTS.contains(from), "{from}");
    let error = Contract::read("plots", &PLOTS.replacen(from, to, 1)).expect_err(to);
    let hint = error.hint().map(|hint| hint.0).unwrap_or_default();
    format!("{error} / {hint}").trim_start_matches("feeds/plots.toml:").to_string()
}

#[test]
fn a_plain_contract_is_read() {
    let contract = Contract::read("plots", PLOTS).expect("a good contract");
    assert_eq!((contract.root().expect("a root"), contract.table.name, contract.columns.len()), ("../data/", "plots", 4));
    assert_eq!(contract.gate, Gate::DEFAULT);
}

#[test]
fn a_slip_is_told_with_its_place_and_the_nearest_right_word() {
    let mut wrong = Vec::new();
    for (from, to, expect) in [
        ("table = \"plots\"", "tabel = \"plots\"", "2:1: the key `tabel` is not known here / did you mean `table`?"),
        ("\"plots\"", "\"plot\"", "2:9: table `plot` is not known / did you mean `plots`?"),
        ("version = 1", "version = 2", "1:11: contract version 2 is not known / write `version = 1`"),
        ("area_mu = {", "area = {", "13:1: table plots has no column `area` / "),
        ("unit = \"亩\"", "unit = \"亩地\"", "13:33: column `area_mu`: unit `亩地` is not known / did you mean `亩`?"),
        ("unit = \"亩\"", "unit = \"斤\"", "13:33: unit `斤` does not fit column `area_mu` (mu) / "),
        (
            "unit = \"亩\", ",
            "",
            "13:11: column `area_mu` has no unit: a number without one is not taken / add `unit`, or `unit_from` where a column tells it",
        ),
        ("unit = \"亩\"", "unti = \"亩\"", "13:26: the key `unti` is not known here / did you mean `unit`?"),
        ("from = \"地块\"", "from = \"地块\", min = 1", "11:29: `min` means nothing for column `plot` / "),
        ("from = \"地块\"", "clean = true", "11:8: column `plot` needs exactly one of `from`, `value` and `from_name` / "),
        (
            "plot = { from = \"地块\" }\n",
            "",
            "9:1: column `plot` of table plots is required and has no source (plot) / add `[columns.plot]` with `from` or `value`",
        ),
        (
            "base/*.csv",
            "../base/*.csv",
            "6:10: `../base/*.csv` does not stay below the root / write a plain path below `root`; only `root` itself may climb with `..`",
        ),
        (
            "base/*.csv",
            "/etc/passwd",
            "6:10: `/etc/passwd` does not stay below the root / write a plain path below `root`; only `root` itself may climb with `..`",
        ),
        ("kind = \"csv\"", "kind = \"cvs\"", "8:8: format kind `cvs` is not known / did you mean `csv`?"),
        ("kind = \"csv\"", "kind = \"json\"\ndelimiter = \";\"", "9:13: `delimiter` means nothing for json: it is for csv / "),
        (
            "day = \"2013-01-01\"",
            "",
            "14:1: `available_on` needs exactly one of `column`, `source`, `file_name`, `day` / the load time is not among them: it would let the past know the future",
        ),
        ("day = \"2013-01-01\"", "day = \"2013-02-30\"", "15:7: `2013-02-30` is not a day like 2013-01-01 / "),
        (
            "day = \"2013-01-01\"",
            "file_name = '\\d{4}'",
            "15:13: `\\d{4}` has not exactly one group / put the month or the day in brackets: `sales_(\\d{4}-\\d{2})`",
        ),
        ("day = \"2013-01-01\"", "day = \"2013-01-01\"\n[gate]\nwarn_share = 7", "17:14: a share lies between 0 and 1, not at 7 / "),
        ("version = 1", "version = ", "1:11: "),
    ] {
        let told = told(from, to);
        wrong.extend((!told.starts_with(expect)).then(|| format!("{told}\n{expect}\n")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn store(paths: &[&str]) -> Outside {
    let store = InMemory::new();
    for path in paths {
        store.put(&(*path).into(), PutPayload::from(path.to_string())).await.expect("memory");
    }
    Outside::only(store)
}

#[tokio::test]
async fn globs_find_each_file_once_in_order_and_stay_in_their_folder() {
    let store = store(&["base/b.csv", "base/a.csv", "base/deep/c.csv", "base/.hidden.csv", "base/a.csv.part", "other/d.csv"]).await;
    for (globs, expect) in [
        (r#"["base/*.csv"]"#, vec!["base/a.csv", "base/b.csv"]),
        (r#"["base/b.csv", "base/*.csv"]"#, vec!["base/a.csv", "base/b.csv"]),
        (r#"["**/*.csv"]"#, vec!["base/a.csv", "base/b.csv", "base/deep/c.csv", "other/d.csv"]),
        (r#"["*/[cd].csv"]"#, vec!["other/d.csv"]),
    ] {
        let contract = Contract::read("plots", &PLOTS.replace(r#"["base/*.csv"]"#, globs)).expect("a good contract");
        let sources: Vec<Source> = fetch(&contract, &store).await.expect("files").try_collect().await.expect("readable files");
        let found: Vec<&str> = sources.iter().map(|source| source.address.as_str()).collect();
        assert_eq!(found, expect.iter().map(|path| format!("../data/{path}")).collect::<Vec<_>>(), "{globs}");
        assert_eq!(sources[0].bytes, expect[0]);
    }
}

#[tokio::test]
async fn nothing_found_says_what_was_looked_for() {
    let contract = Contract::read("plots", PLOTS).expect("a good contract");
    let error = fetch(&contract, &store(&["base/a.txt"]).await).await.err().expect("no csv");
    assert!(matches!(error, FeedError::Missing { .. }));
    assert_eq!(error.to_string(), "feed plots found no file; looked for `../data/base/*.csv`");
}
