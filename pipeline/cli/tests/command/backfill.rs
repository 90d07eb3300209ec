//! `nongshi backfill`: days again, in any order, cut off and gone on with, are the same days; a second time nothing changes.

use crate::errors::{prices, project_with};
use crate::{files, nongshi, text};
use chrono::{Days, NaiveDate};
use nongshi_domain::Seed;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The last day that is walked.
const LAST: &str = "2025-12-30";
/// Prices that came late, in files whose names tell when.
const LATE: &str = "version = 1\ntable = \"market_prices\"\n\
    [source]\nkind = \"files\"\nroot = \".\"\nfiles = [\"inbox/late*.csv\"]\n\
    [format]\nkind = \"csv\"\n\
    [columns]\nday = { from = \"date\" }\nmarket = { from = \"market\" }\ncommodity = { from = \"product\" }\ngrade = { value = \"\" }\n\
    category = { value = \"vegetables\" }\nprice_cny_per_kg = { from = \"price\", unit = \"元/公斤\", above = 0 }\n\
    [available_on]\nfile_name = 'late-(.*)\\.csv'\n";
/// A table of the user's own whose promise one day breaks.
const STRICT: &str = "-- A row is a price of one commodity on one market and day.\n-- key: market, commodity, day\n\
    -- check: price_cny_per_kg < 100\nselect market, commodity, day, price_cny_per_kg from market_prices\n";

/// The first and the last of so many days.
fn range(count: u64) -> (NaiveDate, NaiveDate) {
    let last: NaiveDate = LAST.parse().expect("a day");
    (last - Days::new(count - 1), last)
}

/// A project in which a wrong price becomes known on the third day and is mended on the fourth.
fn project(first: NaiveDate) -> (TempDir, PathBuf) {
    let (folder, at) = project_with(&prices("date,market,product,category,price", "cheap"));
    write(&at, "feeds/late_prices.toml", LATE);
    write(&at, "transforms/strict.sql", STRICT);
    for (after, price) in [(2, "999"), (3, "4.20")] {
        late(&at, first + Days::new(after), &format!("2025-10-20,江南市场,菜心,{price}"));
    }
    (folder, at)
}

fn late(at: &Path, known_on: NaiveDate, row: &str) {
    write(at, &format!("inbox/late-{known_on}.csv"), &format!("date,market,product,price\n{row}\n"));
}

fn write(at: &Path, path: &str, text: &str) {
    std::fs::write(at.join(path), text).expect("a project of ours");
}

fn plain(at: &Path) -> &str {
    at.to_str().expect("a plain path")
}

/// Walks the days, and returns the exit code and what was said.
fn backfill(at: &Path, from: NaiveDate, to: NaiveDate) -> (Option<i32>, String) {
    let ended = nongshi(&[], &["-C", plain(at), "backfill", "--from", &from.to_string(), "--to", &to.to_string()]);
    let said = text(&ended.stderr);
    assert!(!said.contains("panicked"), "{said}");
    (ended.status.code(), said)
}

/// Every row of the answer, as known on the last day.
fn sql(at: &Path, query: &str) -> String {
    let file = at.with_extension("answer.csv");
    let answer = nongshi(&[], &["-C", plain(at), "sql", "--as-of", LAST, "--format", "csv", "-o", plain(&file), "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    std::fs::read_to_string(file).expect("an answer")
}

/// Every commit of every table.
fn history(at: &Path) -> String {
    text(&nongshi(&[], &["-C", plain(at), "lake", "history"]).stdout)
}

/// A line a table: its name, its rows, their digest; all but the runs, which tell times. What was made as of another day
/// is asked as of the last one: by its SQL, which knows no part.
fn tables(at: &Path) -> Vec<String> {
    let columns = "select table_schema, table_name, column_name from information_schema.columns \
        where table_schema in ('landed', 'public') and table_name <> 'runs' and column_name <> 'part' order by table_schema, table_name, ordinal_position";
    let columns = sql(at, columns);
    let mut of_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in columns.lines().skip(1) {
        let (table, column) = line.rsplit_once(',').expect("three columns");
        of_table.entry(table.replace(',', ".")).or_default().push(format!("coalesce(cast({column} as varchar), 'none')"));
    }
    let digest = |(table, columns): (&String, &Vec<String>)| {
        let rows = format!("select concat_ws('|', {}) as line from {table}", columns.join(", "));
        format!("select '{table}' as name, count(*) as n, md5(string_agg(line, ';' order by line)) as digest from ({rows})")
    };
    let digests: Vec<String> = of_table.iter().map(digest).collect();
    let answer = sql(at, &format!("{} order by name", digests.join(" union all ")));
    let lines: Vec<String> = answer.lines().skip(1).map(String::from).collect();
    let filled = lines.iter().filter(|line| !line.contains(",0,")).count();
    assert!(lines.len() == of_table.len() && filled > 12, "{answer}");
    lines
}

/// The forecasts that were issued before a day, or from it on.
fn issued(at: &Path, compared: &str, day: NaiveDate) -> String {
    sql(at, &format!("select as_of, key, model, day, q10, q50, q90 from price_forecast where as_of {compared} '{day}' order by 1, 2, 3, 4"))
}

/// Every file of the project but the lock's own papers and the stamps of files, which are kept once they lie still.
fn bytes(at: &Path) -> Vec<(String, Vec<u8>)> {
    files(at).into_iter().filter(|(name, _)| !name.contains("lock/") && !name.contains("marks/feeds/")).collect()
}

/// Reliability test 8; `NONGSHI_TEST_ROUNDS=60` for all of it.
#[test]
fn days_again_and_in_any_order_are_the_same_days() {
    let count = std::env::var("NONGSHI_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6);
    let (first, last) = range(count);
    let (_folder, at) = project(first);
    let (code, said) = backfill(&at, first, last);
    // one day's gate refused; all the others have gaps, since no meat is known
    assert_eq!(code, Some(4), "{said}");
    let refused = format!("strict table, exit 4, as of {}: ", first + Days::new(2));
    assert!(said.contains(&refused) && said.contains(&format!("done: {count} days walked, 0 stand")), "{said}");
    let (stood, made) = (bytes(&at), tables(&at));
    assert_eq!(sql(&at, "select count(distinct as_of) as days from price_forecast"), format!("days\n{count}\n"));

    // again: no row, no version, no byte; and the exit code is the same
    let again = backfill(&at, first, last);
    assert!(again.0 == Some(4) && again.1.contains("nothing changed") && again.1.contains(&refused), "{}", again.1);
    assert!(again.1.contains(&format!("0 days walked, {count} stand")), "{}", again.1);
    let now = bytes(&at);
    let changed: Vec<&str> = now.iter().filter(|file| !stood.contains(file)).map(|(name, _)| name.as_str()).collect();
    assert!(changed.is_empty() && now.len() == stood.len(), "changed: {changed:?}");

    // in any order: each day by itself, then all of them, since a report is held against the issue before it
    let (_other_folder, other) = project(first);
    let mut days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= last).collect();
    days.sort_by_key(|day| Seed(8).derive(&day.to_string()).next_u64());
    assert!(!days.is_sorted(), "{days:?}");
    for day in &days {
        let (code, said) = backfill(&other, *day, *day);
        assert!(matches!(code, Some(1 | 4)), "{day}: {said}");
    }
    assert_eq!(made, tables(&other));
    let (code, said) = backfill(&other, first, last);
    assert_eq!(code, Some(4), "{said}");
    assert_eq!(made, tables(&other));
    assert!(files(&at.join("reports")) == files(&other.join("reports")), "reports differ");
    println!("{count} days, {} tables: again no change, in any order the same\n{}", made.len(), made.join("\n"));

    // they take their time: some days are enough
    controls(&at, (first, last.min(first + Days::new(5))), &made);
}

/// What must be seen is seen: a row that comes late, and the forgetting of what was walked.
fn controls(at: &Path, (first, last): (NaiveDate, NaiveDate), made: &[String]) {
    // without what was kept of the walks every day is walked again: the same rows in new versions
    let stood = history(at);
    std::fs::remove_dir_all(at.join("lake/marks/days")).expect("the backfill keeps them there");
    let (_, said) = backfill(at, first, last);
    assert!(said.contains(", 0 stand"), "{said}");
    assert_ne!(history(at), stood, "the tables were made as of every day again");
    assert_eq!(made, tables(at));

    // a price that is known from the fourth day on changes that day and the later ones, no earlier one
    let known_on = first + Days::new(3);
    let before = ["<", ">="].map(|compared| issued(at, compared, known_on));
    late(at, known_on, "2025-10-21,江南市场,菜心,9.90\n2025-10-20,江南市场,菜心,4.20");
    let (_, said) = backfill(at, first, last);
    assert!(said.contains("done: ") && said.contains(", 0 stand"), "{said}");
    let now = ["<", ">="].map(|compared| issued(at, compared, known_on));
    assert!(now[0].lines().count() > 1 && now[0] == before[0], "an earlier day knew of it");
    assert!(now[1].lines().count() > 1 && now[1] != before[1], "no later day knew of it");
}

#[test]
fn cut_off_it_goes_on_where_it_was() {
    let (first, last) = range(3);
    let (_quiet, undisturbed) = project(first);
    backfill(&undisturbed, first, last);
    let (_loud, disturbed) = project(first);
    // ingest is one stage, each day has four: it ends in the second day
    let arguments = ["-C", plain(&disturbed), "backfill", "--from", &first.to_string(), "--to", LAST];
    let ended = nongshi(&[("NONGSHI_TEST_FAILPOINT", "stage.ended:6")], &arguments);
    assert_eq!(ended.status.signal(), Some(9), "{}", text(&ended.stderr));
    let (code, said) = backfill(&disturbed, first, last);
    assert!(code == Some(4) && said.contains("2 days walked, 1 stand as they were made"), "{code:?} {said}");
    assert_eq!(tables(&undisturbed), tables(&disturbed));
    assert!(files(&undisturbed.join("reports")) == files(&disturbed.join("reports")), "reports differ");
    let checked = nongshi(&[], &["-C", plain(&disturbed), "lake", "check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));

    // a later run between two backfills takes nothing from the days; a report that is gone is written again
    let run = nongshi(&[], &["-C", plain(&disturbed), "run", "--as-of", "2026-01-04"]);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let stood = history(&disturbed);
    let (_, said) = backfill(&disturbed, first, last);
    assert!(said.contains("nothing changed") && said.contains("0 days walked, 3 stand"), "{said}");
    assert_eq!(history(&disturbed), stood);
    std::fs::remove_dir_all(disturbed.join("reports").join(LAST)).expect("it was written");
    let (_, said) = backfill(&disturbed, first, last);
    assert!(said.contains("done: 1 days walked, 2 stand"), "{said}");
    assert!(files(&undisturbed.join("reports").join(LAST)) == files(&disturbed.join("reports").join(LAST)));
}

#[test]
fn days_the_wrong_way_round_are_refused() {
    let (first, last) = range(2);
    let (_folder, at) = project(first);
    let (code, said) = backfill(&at, last, first);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error: `--from 2025-12-30` is later than `--to 2025-12-29`") && said.contains("hint: "), "{said}");
    assert!(!at.join("lake").exists(), "nothing was begun");
    let missing = nongshi(&[], &["-C", plain(&at), "backfill", "--from", "2025-12-29"]);
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
}
